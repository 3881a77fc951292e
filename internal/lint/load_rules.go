package lint

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/parser/posrange"
	"go.yaml.in/yaml/v3"
)

// ParsedRule is one rule whose expression parses.
type ParsedRule struct {
	Document *Document
	// GroupIndex and Index count from 0 in the file.
	GroupIndex, Index int
	Group, Name       string
	Alert             bool
	Query             string
	Expr              parser.Expr
	// Interval is the group's evaluation interval, 0 where the file leaves it to
	// the global setting.
	Interval, For, KeepFiringFor time.Duration
	Labels, Annotations          map[string]string
	// Line and Column are where the rule starts.
	Line, Column int

	expr *yaml.Node
}

// Path returns the rule's path as Document.Position takes it.
func (r *ParsedRule) Path() string {
	return fmt.Sprintf("$.groups[%d].rules[%d]", r.GroupIndex, r.Index)
}

// ExprPosition maps a byte offset in the expression, such as the Start of
// Expr.PositionRange(), to its line and column in the file, also where the
// expression is a block scalar.
func (r *ParsedRule) ExprPosition(offset posrange.Pos) (line, col int) {
	return scalarPosition(r.Document.Bytes, r.expr, int(offset))
}

// title names a rule in messages, also one whose name is missing.
func (r *ParsedRule) title() string {
	if r.Name != "" {
		return r.Name
	}
	return fmt.Sprintf("rule %d of group %s", r.Index+1, r.Group)
}

// ParseRules returns the rules of a rule file whose expressions parse, and the
// findings of CheckRules. A file that is not a rule file has no rules.
func ParseRules(d *Document) ([]ParsedRule, []Finding) {
	findings := checkRules(d)
	var rules []ParsedRule
	_, groups := valueOf(d.Root, "groups")
	for gi, group := range items(groups) {
		interval := durationOf(group, "interval")
		_, ruleList := valueOf(group, "rules")
		groupLabels := stringMap(group, "labels")
		for ri, item := range items(ruleList) {
			_, expr := valueOf(item, "expr")
			if expr == nil || expr.Kind != yaml.ScalarNode {
				continue
			}
			parsed, err := promqlParser().ParseExpr(expr.Value)
			if err != nil {
				continue
			}
			r := ParsedRule{
				Document: d, GroupIndex: gi, Index: ri, Group: textOf(group, "name"), Query: expr.Value, Expr: parsed,
				Interval: interval, For: durationOf(item, "for"), KeepFiringFor: durationOf(item, "keep_firing_for"),
				Labels: map[string]string{}, Annotations: stringMap(item, "annotations"), Line: item.Line, Column: item.Column, expr: expr,
			}
			for k, v := range groupLabels {
				r.Labels[k] = v
			}
			for k, v := range stringMap(item, "labels") {
				r.Labels[k] = v
			}
			r.Name = textOf(item, "record")
			if alert := textOf(item, "alert"); alert != "" {
				r.Name, r.Alert = alert, true
			}
			rules = append(rules, r)
		}
	}
	return rules, findings
}

// promqlParser returns a parser with the options that the server uses when no
// experimental feature is switched on, which are promtool's defaults too.
func promqlParser() parser.Parser { return parser.NewParser(parser.Options{}) }

// valueOf is child for a node that may be nil.
func valueOf(n *yaml.Node, key string) (k, v *yaml.Node) {
	if n == nil {
		return nil, nil
	}
	k, v = child(n, key)
	if v != nil && v.Kind == yaml.AliasNode {
		v = v.Alias
	}
	return k, v
}

// items returns the items of a list, with aliases followed.
func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	out := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		if c.Kind == yaml.AliasNode {
			c = c.Alias
		}
		out[i] = c
	}
	return out
}

func textOf(n *yaml.Node, key string) string {
	if _, v := valueOf(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

func durationOf(n *yaml.Node, key string) time.Duration {
	d, err := model.ParseDuration(textOf(n, key))
	if err != nil {
		return 0
	}
	return time.Duration(d)
}

func stringMap(n *yaml.Node, key string) map[string]string {
	out := map[string]string{}
	_, m := valueOf(n, key)
	if m == nil || m.Kind != yaml.MappingNode {
		return out
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if v := m.Content[i+1]; v.Kind == yaml.ScalarNode {
			out[m.Content[i].Value] = v.Value
		}
	}
	return out
}
