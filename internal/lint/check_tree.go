package lint

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds a document after its aliases are expanded.
const maxNodes = 500_000

// tree is a YAML document that can be changed and written out again, so that a
// parser that stops at its first error can be asked what else is wrong. It is
// written with every key and list item on a line of its own, which makes a line
// number of the parser name exactly one of them.
type tree struct {
	root *treeNode
	size int

	// Filled by render: the entry that starts on a line, and the entry whose
	// mapping or list has its first child on it.
	entryAt, containerAt []*treeNode
}

// treeNode is a mapping entry, a list item or the root.
type treeNode struct {
	parent   *treeNode
	key      *yaml.Node // of a mapping entry, else nil
	value    *yaml.Node
	children []*treeNode
	index    int // position among the parent's children, counted in the file

	removed bool
	rename  string  // replaces the key's text
	replace *string // replaces the value by a plain scalar
	touched bool    // something below was removed or replaced
}

// newTree copies a document's structure, with aliases expanded.
func newTree(root *yaml.Node) (*tree, error) {
	t := &tree{}
	var err error
	t.root, err = t.add(nil, nil, root, 0)
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (t *tree) add(parent *treeNode, key, value *yaml.Node, depth int) (*treeNode, error) {
	t.size++
	if t.size > maxNodes || depth > 1000 {
		return nil, fmt.Errorf("document has more than %d values", maxNodes)
	}
	for value.Kind == yaml.AliasNode {
		value = value.Alias
	}
	n := &treeNode{parent: parent, key: key, value: value}
	switch value.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(value.Content); i += 2 {
			k := value.Content[i]
			if k.Kind != yaml.ScalarNode {
				return nil, fmt.Errorf("line %d: a key that is not a plain text", k.Line)
			}
			c, err := t.add(n, k, value.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			c.index = i / 2
			n.children = append(n.children, c)
		}
	case yaml.SequenceNode:
		for i, item := range value.Content {
			c, err := t.add(n, nil, item, depth+1)
			if err != nil {
				return nil, err
			}
			c.index = i
			n.children = append(n.children, c)
		}
	}
	return n, nil
}

// live returns the children that are still there.
func (n *treeNode) live() []*treeNode {
	var out []*treeNode
	for _, c := range n.children {
		if !c.removed {
			out = append(out, c)
		}
	}
	return out
}

// get returns the live entry of a mapping, or nil.
func (n *treeNode) get(key string) *treeNode {
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		if c.name() == key && !c.removed {
			return c
		}
	}
	return nil
}

// entries returns the entries with a key, also one that was taken out.
func (n *treeNode) entries(key string) []*treeNode {
	var out []*treeNode
	if n != nil {
		for _, c := range n.children {
			if c.key != nil && c.key.Value == key && c.scalar() {
				out = append(out, c)
			}
		}
	}
	return out
}

// at follows keys down from a node; nil where one is missing.
func (n *treeNode) at(keys ...string) *treeNode {
	for _, k := range keys {
		n = n.get(k)
	}
	return n
}

// item returns the i-th live item of a list, or nil.
func (n *treeNode) item(i int) *treeNode {
	if n == nil {
		return nil
	}
	if items := n.live(); i >= 0 && i < len(items) {
		return items[i]
	}
	return nil
}

// name is the key as it would be written out; empty for list items.
func (n *treeNode) name() string {
	switch {
	case n == nil || n.key == nil:
		return ""
	case n.rename != "":
		return n.rename
	}
	return n.key.Value
}

func (n *treeNode) scalar() bool { return n.value.Kind == yaml.ScalarNode }

// text is a scalar's value; empty for anything else.
func (n *treeNode) text() string {
	switch {
	case n == nil || n.value.Kind != yaml.ScalarNode:
		return ""
	case n.replace != nil:
		return *n.replace
	}
	return n.value.Value
}

// walk calls f for a node and everything below it that is still there.
func (n *treeNode) walk(f func(*treeNode)) {
	if n == nil || n.removed {
		return
	}
	f(n)
	for _, c := range n.children {
		c.walk(f)
	}
}

// position is where people look for the entry: a scalar's value, else the key
// or the start of the list item.
func (n *treeNode) position() (line, col int) {
	switch {
	case n.key == nil:
		return n.value.Line, n.value.Column
	case n.scalar() && n.value.Line > 0 && n.value.Value != "":
		return n.value.Line, n.value.Column
	}
	return n.key.Line, n.key.Column
}

func (n *treeNode) keyPosition() (line, col int) {
	if n.key != nil {
		return n.key.Line, n.key.Column
	}
	return n.value.Line, n.value.Column
}

// render writes the document out and remembers which line is what.
func (t *tree) render() []byte {
	w := &treeWriter{t: t}
	t.entryAt = append(t.entryAt[:0], nil)
	t.containerAt = append(t.containerAt[:0], nil)
	w.container(t.root, 0)
	return []byte(w.b.String())
}

type treeWriter struct {
	t *tree
	b strings.Builder
}

func (w *treeWriter) line(n *treeNode, container *treeNode, indent int, text string) {
	w.t.entryAt = append(w.t.entryAt, n)
	w.t.containerAt = append(w.t.containerAt, container)
	w.b.WriteString(strings.Repeat(" ", indent))
	w.b.WriteString(text)
	w.b.WriteByte('\n')
}

// container writes a node's value on lines of its own.
func (w *treeWriter) container(n *treeNode, indent int) {
	children := n.live()
	if n.replace != nil || n.scalar() || len(children) == 0 {
		w.line(n, n, indent, strings.TrimSpace(w.inline(n)))
		return
	}
	for i, c := range children {
		var first *treeNode
		if i == 0 {
			first = n
		}
		head := "-"
		if c.key != nil {
			head = scalarText(c.key, c.name()) + ":"
		}
		if c.replace != nil || c.scalar() || len(c.live()) == 0 {
			w.line(c, first, indent, head+w.inline(c))
			continue
		}
		w.line(c, first, indent, head+tagText(c.value))
		w.container(c, indent+1)
	}
}

// inline returns a value that fits behind its key, with a leading blank.
func (w *treeWriter) inline(n *treeNode) string {
	switch {
	case n.replace != nil:
		return " " + *n.replace
	case n.value.Kind == yaml.MappingNode:
		return tagText(n.value) + " {}"
	case n.value.Kind == yaml.SequenceNode:
		return tagText(n.value) + " []"
	}
	text := scalarText(n.value, n.value.Value)
	if text == "" {
		return tagText(n.value)
	}
	return tagText(n.value) + " " + text
}

func tagText(n *yaml.Node) string {
	if n.Style&yaml.TaggedStyle != 0 && n.Tag != "" {
		if strings.HasPrefix(n.Tag, "!") {
			return " " + n.Tag
		}
		return " !<" + n.Tag + ">"
	}
	return ""
}

// scalarText writes a scalar on one line such that it keeps its type: plain
// stays plain, everything else is double-quoted.
func scalarText(n *yaml.Node, text string) string {
	quoted := n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	if !quoted && !strings.ContainsAny(text, "\n\r") {
		return text
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < 0x20 || c == 0x7f || c == 0x85 || c == 0xa0 || c == 0x2028 || c == 0x2029 || c == 0xfeff:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
