package lint

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Position returns the line and column of the key or list item that a path
// such as "$.groups[0].rules[1].expr" names. A key with dots is written in
// brackets and quotes: "$.labels['a.b']". Where the path leads nowhere, the
// answer is the smallest enclosing key or list item that does exist; a document
// that could not be parsed answers 1, 1.
func (d *Document) Position(path string) (line, col int) {
	key, _ := d.lookup(path)
	if key == nil {
		return 1, 1
	}
	return key.Line, key.Column
}

// ValuePosition is Position, but of the value that the path names instead of
// its key.
func (d *Document) ValuePosition(path string) (line, col int) {
	key, value := d.lookup(path)
	if value != nil && value.Line > 0 {
		return value.Line, value.Column
	}
	if key == nil {
		return 1, 1
	}
	return key.Line, key.Column
}

// Value returns the node that the path names, nil when there is none.
func (d *Document) Value(path string) *yaml.Node {
	if d.Root == nil {
		return nil
	}
	node := d.Root
	for _, step := range splitPath(path) {
		_, next := child(node, step)
		if next == nil {
			return nil
		}
		node = next
	}
	return node
}

func (d *Document) lookup(path string) (key, value *yaml.Node) {
	if d.Root == nil {
		return nil, nil
	}
	key, value = d.Root, d.Root
	for _, step := range splitPath(path) {
		k, v := child(value, step)
		if v == nil {
			return key, nil
		}
		key, value = k, v
	}
	return key, value
}

// child returns the key node and the value of a mapping's key, or a list's item
// twice. Aliases are followed.
func child(n *yaml.Node, step string) (key, value *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i], n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		i, err := strconv.Atoi(step)
		if err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i], n.Content[i]
		}
	}
	return nil, nil
}

// splitPath takes "$.a.b[0]['c.d']" apart into a, b, 0 and c.d.
func splitPath(path string) []string {
	path = strings.TrimPrefix(path, "$")
	var steps []string
	for path != "" {
		switch path[0] {
		case '.':
			path = path[1:]
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			if end > 0 {
				steps = append(steps, path[:end])
			}
			path = path[end:]
		case '[':
			end := strings.IndexByte(path, ']')
			if len(path) > 1 && (path[1] == '\'' || path[1] == '"') {
				if q := strings.Index(path, string(path[1])+"]"); q > 1 {
					end = q + 1
				}
			}
			if end < 0 {
				return append(steps, path[1:])
			}
			steps = append(steps, strings.Trim(path[1:end], `'"`))
			path = path[end+1:]
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			steps = append(steps, path[:end])
			path = path[end:]
		}
	}
	return steps
}

// scalarPosition maps a byte offset in a scalar's value to its place in the
// file. Folding, indentation and chomping add and drop white space only, so the
// two are aligned by everything that is not white space.
func scalarPosition(src []byte, n *yaml.Node, offset int) (line, col int) {
	line, col = n.Line, n.Column
	pos := lineStart(src, line)
	if pos < 0 {
		return line, col
	}
	pos = advanceRunes(src, pos, col-1)
	r := &sourceReader{src: src, pos: pos, line: line, col: col}
	// Anchors and tags stand before the scalar itself.
	for r.pos < len(src) && (src[r.pos] == '&' && n.Anchor != "" || src[r.pos] == '!' && n.Style&yaml.TaggedStyle != 0) {
		for r.pos < len(src) && !unicode.IsSpace(rune(src[r.pos])) {
			r.next()
		}
		r.skipSpace()
	}
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		for r.pos < len(src) && src[r.pos] != '\n' {
			r.next()
		}
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		r.next()
	}
	offset = min(max(offset, 0), len(n.Value))
	for i := 0; i < offset; {
		c, size := utf8.DecodeRuneInString(n.Value[i:])
		i += size
		if unicode.IsSpace(c) {
			// An escaped blank is spelled out in the source.
			if n.Style&yaml.DoubleQuotedStyle != 0 && r.peek() == '\\' {
				r.escape()
			}
			continue
		}
		r.skipSpace()
		switch {
		case n.Style&yaml.DoubleQuotedStyle != 0 && r.peek() == '\\':
			r.escape()
		case n.Style&yaml.SingleQuotedStyle != 0 && c == '\'':
			r.next()
			r.next()
		default:
			r.next()
		}
	}
	if offset < len(n.Value) {
		c, _ := utf8.DecodeRuneInString(n.Value[offset:])
		if !unicode.IsSpace(c) {
			r.skipSpace()
		}
	}
	return r.line, r.col
}

// sourceReader walks over a file and knows where it is.
type sourceReader struct {
	src       []byte
	pos       int
	line, col int
}

func (r *sourceReader) peek() byte {
	if r.pos < len(r.src) {
		return r.src[r.pos]
	}
	return 0
}

func (r *sourceReader) next() {
	if r.pos >= len(r.src) {
		return
	}
	c, size := utf8.DecodeRune(r.src[r.pos:])
	r.pos += size
	if c == '\n' {
		r.line++
		r.col = 1
		return
	}
	r.col++
}

func (r *sourceReader) skipSpace() {
	for r.pos < len(r.src) {
		c, _ := utf8.DecodeRune(r.src[r.pos:])
		if !unicode.IsSpace(c) {
			return
		}
		r.next()
	}
}

// escape passes over one escape sequence of a double-quoted scalar.
func (r *sourceReader) escape() {
	r.next()
	n := 1
	switch r.peek() {
	case 'x':
		n = 3
	case 'u':
		n = 5
	case 'U':
		n = 9
	}
	for range n {
		r.next()
	}
}

func lineStart(src []byte, line int) int {
	pos := 0
	for i := 1; i < line; i++ {
		nl := bytes.IndexByte(src[pos:], 0x0a)
		if nl < 0 {
			return -1
		}
		pos += nl + 1
	}
	return pos
}

func advanceRunes(src []byte, pos, n int) int {
	for range n {
		if pos >= len(src) || src[pos] == '\n' {
			break
		}
		_, size := utf8.DecodeRune(src[pos:])
		pos += size
	}
	return pos
}
