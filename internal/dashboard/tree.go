package dashboard

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of a dashboard's JSON.
const (
	// MaxSize is the largest dashboard, in bytes.
	MaxSize = 10 << 20
	// MaxPanels is the most panels that one may have.
	MaxPanels = 5000
	maxDepth  = 100
	maxValues = 1_000_000 // a tree of them takes some 50 MB
)

func tooLarge(size int) error {
	return refuse(TooLarge, "the JSON has %d bytes, and at most %d (10 MB) are taken; split the dashboard", size, MaxSize)
}

// node is a value of a JSON text, with its place in it.
type node struct {
	kind             byte // the first character: { [ " t f n, and 0 for numbers
	start, end       int32
	keyStart, keyEnd int32 // of a member's name with its quotes, else 0
	items            []node
}

// tree is a JSON text that has been taken apart.
type tree struct {
	text string
	root node
}

// parseTree takes a JSON text apart. An error is an *Error that names the place.
func parseTree(text string) (*tree, error) {
	if i := invalidUTF8(text); i >= 0 {
		return nil, at(text, i, "the text is not UTF-8; save the file in this encoding")
	}
	var whole json.RawMessage
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, at(text, max(int(syntax.Offset)-1, 0), "not valid JSON: %s", strings.TrimPrefix(syntax.Error(), "json: "))
		}
		return nil, at(text, 0, "not valid JSON: %s", err.Error())
	}
	p := parser{text: text}
	root, err := p.value(0)
	if err != nil {
		return nil, err
	}
	return &tree{text, root}, nil
}

func invalidUTF8(text string) int {
	if utf8.ValidString(text) {
		return -1
	}
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			return i
		}
	}
	return -1
}

// parser walks over a text that is known to be valid JSON.
type parser struct {
	text   string
	pos    int
	values int
}

func (p *parser) space() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *parser) value(depth int) (node, error) {
	p.space()
	n := node{start: int32(p.pos), kind: p.text[p.pos]}
	if p.values++; p.values > maxValues {
		return n, at(p.text, p.pos, "the JSON has more than %d values; split the dashboard", maxValues)
	}
	switch n.kind {
	case '{', '[':
		if depth >= maxDepth {
			return n, at(p.text, p.pos, "the JSON is nested more than %d deep", maxDepth)
		}
		err := p.container(&n, depth)
		return n, err
	case '"':
		p.skipString()
	case 't', 'n':
		p.pos += len("true")
	case 'f':
		p.pos += len("false")
	default:
		n.kind = 0
		for p.pos < len(p.text) && strings.IndexByte("+-.eE0123456789", p.text[p.pos]) >= 0 {
			p.pos++
		}
	}
	n.end = int32(p.pos)
	return n, nil
}

func (p *parser) container(n *node, depth int) error {
	p.pos++
	for p.space(); p.text[p.pos] != '}' && p.text[p.pos] != ']'; p.space() {
		if p.text[p.pos] == ',' {
			p.pos++
			p.space()
		}
		key, keyEnd := p.pos, 0
		if n.kind == '{' {
			p.skipString()
			keyEnd = p.pos
			p.space()
			p.pos++ // the colon
		}
		item, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		if keyEnd > 0 {
			item.keyStart, item.keyEnd = int32(key), int32(keyEnd)
		}
		n.items = append(n.items, item)
	}
	p.pos++
	n.end = int32(p.pos)
	return nil
}

func (p *parser) skipString() {
	for p.pos++; p.text[p.pos] != '"'; p.pos++ {
		if p.text[p.pos] == '\\' {
			p.pos++
		}
	}
	p.pos++
}

// raw is the text of a value.
func (t *tree) raw(n *node) string { return t.text[n.start:n.end] }

// name is the name of a member.
func (t *tree) name(n *node) string { return unquote(t.text[n.keyStart:n.keyEnd]) }

func unquote(quoted string) string {
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var s string
	if err := json.Unmarshal([]byte(quoted), &s); err != nil {
		return quoted // it has been found to be valid before
	}
	return s
}

// get is a member of an object, nil where there is none. Of several with one name
// the last one counts, as for JavaScript.
func (t *tree) get(n *node, name string) *node {
	if n == nil || n.kind != '{' {
		return nil
	}
	for i := len(n.items) - 1; i >= 0; i-- {
		if t.name(&n.items[i]) == name {
			return &n.items[i]
		}
	}
	return nil
}

// str is a member that is a text, "" where it is none.
func (t *tree) str(n *node, name string) string {
	if v := t.get(n, name); v != nil && v.kind == '"' {
		return unquote(t.raw(v))
	}
	return ""
}

// list are the items of a member that is a list.
func (t *tree) list(n *node, name string) []node {
	if v := t.get(n, name); v != nil && v.kind == '[' {
		return v.items
	}
	return nil
}

// equal compares values by what they mean.
func equal(a *tree, x *node, b *tree, y *node) bool {
	if x.kind != y.kind {
		return false
	}
	rx, ry := a.raw(x), b.raw(y)
	if rx == ry {
		return true
	}
	switch x.kind {
	case '"':
		return unquote(rx) == unquote(ry)
	case 0:
		if !strings.ContainsAny(rx+ry, ".eE") {
			return false
		}
		fx, ex := strconv.ParseFloat(rx, 64)
		fy, ey := strconv.ParseFloat(ry, 64)
		return ex == nil && ey == nil && fx == fy
	case '[':
		if len(x.items) != len(y.items) {
			return false
		}
		for i := range x.items {
			if !equal(a, &x.items[i], b, &y.items[i]) {
				return false
			}
		}
		return true
	case '{':
		if len(x.items) != len(y.items) {
			return false
		}
		members := b.members(y)
		for i := range x.items {
			other := members[a.name(&x.items[i])]
			if other == nil || !equal(a, &x.items[i], b, other) {
				return false
			}
		}
		return true
	}
	return false
}

// members are those of an object by name.
func (t *tree) members(n *node) map[string]*node {
	out := make(map[string]*node, len(n.items))
	for i := range n.items {
		out[t.name(&n.items[i])] = &n.items[i]
	}
	return out
}
