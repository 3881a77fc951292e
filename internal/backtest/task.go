package backtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// task is the work of one worker: units that ask the same question of the
// storage at the same times, and differ in what they make of the answer. Most
// changes are such: another threshold, another "for", other labels.
type task struct {
	units []*unit
	needs []*unit
}

// threshold is a comparison with a constant that we do ourselves, on the
// result of the rest of the expression.
type threshold struct {
	op    parser.ItemType
	value float64
}

// split takes a comparison with a constant off an expression.
func split(expr parser.Expr) (string, *threshold) {
	e := expr
	for {
		p, ok := e.(*parser.ParenExpr)
		if !ok {
			break
		}
		e = p.Expr
	}
	b, ok := e.(*parser.BinaryExpr)
	if !ok || !b.Op.IsComparisonOperator() || b.ReturnBool || b.LHS.Type() != parser.ValueTypeVector {
		return expr.String(), nil
	}
	v, ok := constant(b.RHS)
	if !ok {
		return expr.String(), nil
	}
	return b.LHS.String(), &threshold{op: b.Op, value: v}
}

// constant computes an expression of numbers alone.
func constant(expr parser.Expr) (float64, bool) {
	switch e := expr.(type) {
	case *parser.NumberLiteral:
		return e.Val, true
	case *parser.ParenExpr:
		return constant(e.Expr)
	case *parser.UnaryExpr:
		v, ok := constant(e.Expr)
		if e.Op == parser.SUB {
			v = -v
		}
		return v, ok
	case *parser.BinaryExpr:
		a, ok := constant(e.LHS)
		b, also := constant(e.RHS)
		if !ok || !also {
			return 0, false
		}
		switch e.Op {
		case parser.ADD:
			return a + b, true
		case parser.SUB:
			return a - b, true
		case parser.MUL:
			return a * b, true
		case parser.DIV:
			return a / b, true
		}
	}
	return 0, false
}

func (t *threshold) holds(v float64) bool {
	switch t.op {
	case parser.EQLC:
		return v == t.value
	case parser.NEQ:
		return v != t.value
	case parser.GTR:
		return v > t.value
	case parser.LSS:
		return v < t.value
	case parser.GTE:
		return v >= t.value
	case parser.LTE:
		return v <= t.value
	}
	return false
}

// filter gives the part of a result that passes. The result is shared and not
// changed.
func (t *threshold) filter(m promql.Matrix) promql.Matrix {
	var out promql.Matrix
	for i := range m {
		var kept []promql.FPoint
		for _, p := range m[i].Floats {
			if t.holds(p.F) {
				kept = append(kept, p)
			}
		}
		// A comparison of a histogram with a number has no result.
		if len(kept) > 0 {
			out = append(out, promql.Series{Metric: m[i].Metric, Floats: kept})
		}
	}
	return out
}

// tasks groups units, those that others need first.
func tasks(units []*unit) []*task {
	units = slices.Clone(units)
	slices.SortStableFunc(units, func(a, b *unit) int { return a.level - b.level })
	var out []*task
	known := map[string]*task{}
	for _, u := range units {
		key := u.question()
		t := known[key]
		if t == nil || key == "" {
			t = &task{}
			out = append(out, t)
			known[key] = t
		}
		t.units = append(t.units, u)
		for _, n := range u.needs {
			if !slices.Contains(t.needs, n) {
				t.needs = append(t.needs, n)
			}
		}
	}
	return out
}

// question is equal for units that ask the same of the same series at the same
// times; it is empty for those that have to ask alone.
func (u *unit) question() string {
	if u.single {
		return ""
	}
	r := u.rules[0]
	var b strings.Builder
	fmt.Fprintf(&b, "%d|%q|%d|%d|%d|", u.level, r.asked, r.group.interval, r.group.phase, r.group.offset)
	for _, s := range r.selectors {
		fmt.Fprintf(&b, "%q|", r.hidden.names(s.matchers))
	}
	for _, p := range r.producers {
		fmt.Fprintf(&b, "%p|", p)
	}
	return b.String()
}
