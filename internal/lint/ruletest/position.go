package ruletest

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// position is a place in a YAML file; line and column count from 1.
type position struct{ line, column int }

// positions maps the path of a node, such as tests[0].alert_rule_test[1].eval_time, to its place. The place of a mapping entry
// is that of its key, the place of a list item that of its first token.
type positions map[string]position

// indexPositions never fails: what the decoder accepts and this parser does not is reported at the top of the file.
func indexPositions(content []byte) positions {
	out := positions{"": {1, 1}}
	file, err := parser.ParseBytes(content, 0)
	if err != nil || len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return out
	}
	out.walk("", file.Docs[0].Body, map[string]ast.Node{}, 0)
	return out
}

// maxDepth bounds the walk of a file whose aliases refer to each other; maxPositions bounds one that multiplies them.
const (
	maxDepth     = 40
	maxPositions = 1 << 20
)

func (p positions) walk(path string, node ast.Node, anchors map[string]ast.Node, depth int) {
	if depth > maxDepth || len(p) > maxPositions {
		return
	}
	switch n := node.(type) {
	case *ast.AnchorNode:
		anchors[n.Name.String()] = n.Value
		p.walk(path, n.Value, anchors, depth+1)
	case *ast.AliasNode:
		if target, ok := anchors[n.Value.String()]; ok {
			p.walk(path, target, anchors, depth+1)
		}
	case *ast.TagNode:
		p.walk(path, n.Value, anchors, depth+1)
	case *ast.MappingNode:
		for _, v := range n.Values {
			p.walk(path, v, anchors, depth+1)
		}
	case *ast.MappingValueNode:
		if n.Key == nil {
			return
		}
		tok := n.Key.GetToken()
		if tok == nil || tok.Position == nil {
			return
		}
		key := tok.Value
		if path != "" {
			key = path + "." + key
		}
		p.put(key, position{tok.Position.Line, tok.Position.Column})
		p.walk(key, n.Value, anchors, depth+1)
	case *ast.SequenceNode:
		for i, v := range n.Values {
			item := fmt.Sprintf("%s[%d]", path, i)
			if pos, ok := start(v); ok {
				p.put(item, pos)
			}
			p.walk(item, v, anchors, depth+1)
		}
	}
}

// put keeps the first place of a path, so that a merged or repeated key does not move it.
func (p positions) put(path string, pos position) {
	if _, ok := p[path]; !ok {
		p[path] = pos
	}
}

// start finds the first token of a node; a mapping's own token is the colon of its first entry.
func start(node ast.Node) (position, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 {
			return start(n.Values[0])
		}
	case *ast.MappingValueNode:
		return start(n.Key)
	}
	if node == nil || node.GetToken() == nil || node.GetToken().Position == nil {
		return position{}, false
	}
	at := node.GetToken().Position
	return position{at.Line, at.Column}, true
}

// at returns the place of the first path that is known, else the top of the file.
func (p positions) at(paths ...string) position {
	for _, path := range paths {
		if pos, ok := p[path]; ok {
			return pos
		}
	}
	return position{1, 1}
}
