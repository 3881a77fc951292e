package lint

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// labelSets are the label sets that an expression's result can have. They are not known where a function makes up labels, or where there are
// too many series to look at.
type labelSets struct {
	sets  []labels.Labels
	known bool
}

// maxRecordingDepth bounds how far label sets are followed through recording rules that select each other.
const maxRecordingDepth = 8

// setsOf works out label sets without looking at values: a comparison keeps everything.
func (l *liveLint) setsOf(ctx context.Context, e parser.Expr, depth int) (labelSets, error) {
	switch n := e.(type) {
	case *parser.ParenExpr:
		return l.setsOf(ctx, n.Expr, depth)
	case *parser.StepInvariantExpr:
		return l.setsOf(ctx, n.Expr, depth)
	case *parser.UnaryExpr:
		return l.setsOf(ctx, n.Expr, depth)
	case *parser.SubqueryExpr:
		return l.setsOf(ctx, n.Expr, depth)
	case *parser.MatrixSelector:
		return l.setsOf(ctx, n.VectorSelector, depth)
	case *parser.VectorSelector:
		return l.setsOfSelector(ctx, n, depth)
	case *parser.AggregateExpr:
		return l.setsOfAggregate(ctx, n, depth)
	case *parser.BinaryExpr:
		return l.setsOfBinary(ctx, n, depth)
	case *parser.Call:
		return l.setsOfCall(ctx, n, depth)
	}
	return labelSets{}, nil
}

func (l *liveLint) setsOfSelector(ctx context.Context, s *parser.VectorSelector, depth int) (labelSets, error) {
	name := metricName(s)
	if len(s.LabelMatchers) == 0 || l.source == nil {
		return labelSets{}, nil
	}
	rules := l.recorded[name]
	if len(rules) == 0 || l.known[name] {
		answer, err := l.series(ctx, selectorOf(s.LabelMatchers))
		if err != nil || answer.more {
			return labelSets{}, err
		}
		return labelSets{withoutName(answer.series), true}, nil
	}
	if depth >= maxRecordingDepth {
		return labelSets{}, nil
	}
	out := labelSets{known: true}
	for _, r := range rules {
		sets, err := l.setsOf(ctx, r.Expr, depth+1)
		if err != nil || !sets.known {
			return labelSets{}, err
		}
		for _, set := range sets.sets {
			b := labels.NewBuilder(set)
			for k, v := range r.Labels {
				b.Set(k, v)
			}
			set = b.Labels()
			if !slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
				return m.Name != labels.MetricName && !m.Matches(set.Get(m.Name))
			}) {
				out.sets = append(out.sets, set)
			}
		}
	}
	return out, nil
}

func withoutName(series []labels.Labels) []labels.Labels {
	out := make([]labels.Labels, len(series))
	for i, s := range series {
		out[i] = labels.NewBuilder(s).Del(labels.MetricName).Labels()
	}
	return out
}

func (l *liveLint) setsOfAggregate(ctx context.Context, n *parser.AggregateExpr, depth int) (labelSets, error) {
	inner, err := l.setsOf(ctx, n.Expr, depth)
	if err != nil || !inner.known {
		return labelSets{}, err
	}
	switch n.Op {
	case parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO:
		return inner, nil
	case parser.COUNT_VALUES:
		return labelSets{}, nil
	}
	if slices.ContainsFunc(n.Grouping, isOpen) {
		return labelSets{}, nil
	}
	return labelSets{project(inner.sets, n.Grouping, !n.Without), true}, nil
}

// project keeps only the named labels, or drops them, and removes repeated sets.
func project(sets []labels.Labels, names []string, keep bool) []labels.Labels {
	out := make([]labels.Labels, 0, len(sets))
	for _, set := range sets {
		b := labels.NewBuilder(set)
		if keep {
			b.Keep(names...)
		} else {
			b.Del(names...)
		}
		out = append(out, b.Labels())
	}
	slices.SortFunc(out, labels.Compare)
	return slices.CompactFunc(out, labels.Equal)
}

func (l *liveLint) setsOfCall(ctx context.Context, n *parser.Call, depth int) (labelSets, error) {
	switch n.Func.Name {
	case "absent", "absent_over_time", "scalar", "label_replace", "label_join", "info":
		return labelSets{}, nil
	case "vector":
		return labelSets{[]labels.Labels{labels.EmptyLabels()}, true}, nil
	}
	for _, arg := range n.Args {
		if t := arg.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeMatrix {
			continue
		}
		inner, err := l.setsOf(ctx, arg, depth)
		if err != nil || !inner.known {
			return labelSets{}, err
		}
		if strings.HasPrefix(n.Func.Name, "histogram_") {
			return labelSets{project(inner.sets, []string{labels.BucketLabel}, false), true}, nil
		}
		return inner, nil
	}
	return labelSets{}, nil
}

func (l *liveLint) setsOfBinary(ctx context.Context, n *parser.BinaryExpr, depth int) (labelSets, error) {
	left, right := n.LHS, n.RHS
	switch {
	case right.Type() == parser.ValueTypeScalar:
		return l.setsOf(ctx, left, depth)
	case left.Type() == parser.ValueTypeScalar:
		return l.setsOf(ctx, right, depth)
	case n.VectorMatching == nil:
		return labelSets{}, nil
	}
	a, err := l.setsOf(ctx, left, depth)
	if err != nil {
		return labelSets{}, err
	}
	b, err := l.setsOf(ctx, right, depth)
	if err != nil || !a.known || !b.known {
		return labelSets{}, err
	}
	m := n.VectorMatching
	switch {
	case n.Op == parser.LOR:
		return labelSets{append(slices.Clone(a.sets), b.sets...), true}, nil
	case n.Op == parser.LUNLESS:
		return a, nil
	case n.Op == parser.LAND:
		return labelSets{matched(a.sets, b.sets, m), true}, nil
	case m.Card != parser.CardOneToOne:
		// Labels that group_left takes from the other side are not followed.
		if len(m.Include) > 0 {
			return labelSets{}, nil
		}
		if m.Card == parser.CardOneToMany {
			a, b = b, a
		}
		return labelSets{matched(a.sets, b.sets, m), true}, nil
	}
	return labelSets{project(matched(a.sets, b.sets, m), m.MatchingLabels, m.On), true}, nil
}

// matched returns the sets of a that have a partner in b.
func matched(a, b []labels.Labels, m *parser.VectorMatching) []labels.Labels {
	partners := map[string]bool{}
	for _, set := range b {
		partners[signature(set, m)] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(set labels.Labels) bool { return !partners[signature(set, m)] })
}

// signature is the part of a label set that the two sides of an operator must share.
func signature(set labels.Labels, m *parser.VectorMatching) string {
	b := labels.NewBuilder(set)
	if m.On {
		b.Keep(m.MatchingLabels...)
	} else {
		b.Del(m.MatchingLabels...)
	}
	return b.Labels().String()
}

// checkJoin finds operators between vectors of which no pair can ever match.
func (l *liveLint) checkJoin(ctx context.Context, q *subject, n *parser.BinaryExpr) error {
	if n.VectorMatching == nil || n.Op == parser.LOR || n.LHS.Type() != parser.ValueTypeVector || n.RHS.Type() != parser.ValueTypeVector {
		return nil
	}
	a, err := l.setsOf(ctx, n.LHS, 0)
	if err != nil {
		return err
	}
	b, err := l.setsOf(ctx, n.RHS, 0)
	if err != nil {
		return err
	}
	if !a.known || !b.known || len(a.sets) == 0 || len(b.sets) == 0 || len(matched(a.sets, b.sets, n.VectorMatching)) > 0 {
		return nil
	}
	reason, hint := explainJoin(a.sets, b.sets, n.VectorMatching)
	consequence := "the result is always empty"
	if n.Op == parser.LUNLESS {
		consequence = "it never takes anything away"
	}
	l.add(q, n.LHS.PositionRange().Start, "join-matches-nothing", fmt.Sprintf("no series on the two sides of %q match, so that %s: %s", n.Op, consequence, reason), hint)
	return nil
}

// explainJoin names the first label that keeps the sides apart, and what to write.
func explainJoin(a, b []labels.Labels, m *parser.VectorMatching) (reason, hint string) {
	names := m.MatchingLabels
	if !m.On {
		names = labelNames(slices.Concat(a, b))
		names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains(m.MatchingLabels, n) })
	}
	var apart, shared []string
	for _, name := range names {
		left, right := labelValues(a, name), labelValues(b, name)
		overlap := slices.ContainsFunc(left, func(v string) bool { return slices.Contains(right, v) })
		if overlap {
			shared = append(shared, name)
			continue
		}
		switch {
		case len(left) == 0 && len(right) == 0:
		case len(left) == 0:
			apart = append(apart, fmt.Sprintf("only the right side has a label %s", name))
		case len(right) == 0:
			apart = append(apart, fmt.Sprintf("only the left side has a label %s", name))
		default:
			apart = append(apart, fmt.Sprintf("label %s is %s on the left and %s on the right", name, fewOf(left), fewOf(right)))
		}
	}
	if len(apart) == 0 {
		return "each label has values in common, but no pair of series shares all of them", ""
	}
	if len(shared) > 0 {
		hint = fmt.Sprintf("match on(%s), or give both sides the same labels when they are scraped", strings.Join(shared, ", "))
	} else {
		hint = "give both sides a label with the same values when they are scraped, or join on one that they share"
	}
	return strings.Join(apart, "; "), hint
}

// checkGrouping finds aggregations by labels that none of what they aggregate has.
func (l *liveLint) checkGrouping(ctx context.Context, q *subject, n *parser.AggregateExpr) error {
	if n.Without || len(n.Grouping) == 0 {
		return nil
	}
	inner, err := l.setsOf(ctx, n.Expr, 0)
	if err != nil || !inner.known || len(inner.sets) == 0 {
		return err
	}
	names := labelNames(inner.sets)
	some := slices.ContainsFunc(n.Grouping, func(name string) bool { return slices.Contains(names, name) })
	for _, name := range n.Grouping {
		if slices.Contains(names, name) || isOpen(name) {
			continue
		}
		hint := "the labels that there are: " + strings.Join(names, ", ")
		near, _ := nearestName(name, names)
		if near != "" {
			hint = "the nearest label is " + near
		} else if some {
			// Rules that are written for many places group by labels, such as cluster, that not every place has.
			continue
		}
		l.add(q, n.PosRange.Start, "unknown-label", fmt.Sprintf("it groups by %s, a label that nothing there has", name), hint)
	}
	return nil
}
