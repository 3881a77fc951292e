package arrival

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Class says on how much data an element of a rule's result depends, and with
// that when it can be decided.
type Class int

// The classes.
const (
	// Local: each element depends on one series, and is decided when its sample is committed.
	Local Class = iota
	// Target: each element depends on series of one job and instance, and is decided at the instants up to which all of them are known.
	Target
	// Global: an element depends on series of several targets, and is decided at the instants up to which all of them are known, or by the tick.
	Global
	// Ticks: no arriving sample can raise it; the group's interval decides alone.
	Ticks
)

func (c Class) String() string { return [...]string{"local", "target", "global", "tick"}[c] }

// Selector is one selector of an expression whose newest samples take part in
// the result.
type Selector struct {
	Name     string // "" when the selector names no metric
	Matchers []*labels.Matcher
}

func newSelector(vs *parser.VectorSelector) (s Selector) {
	for _, m := range vs.LabelMatchers {
		if m.Name == labels.MetricName && m.Type == labels.MatchEqual {
			s.Name = m.Value
			continue
		}
		s.Matchers = append(s.Matchers, m)
	}
	return s
}

// Matches says whether a series of the selector's metric is selected.
func (s *Selector) Matches(ls labels.Labels) bool {
	for _, m := range s.Matchers {
		if !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}

// Compare is an expression of the form `selector OP number`.
type Compare struct {
	Op    parser.ItemType
	Value float64
}

// Holds says whether a sample with this value is in the result.
func (c *Compare) Holds(v float64) bool {
	switch c.Op {
	case parser.GTR:
		return v > c.Value
	case parser.GTE:
		return v >= c.Value
	case parser.LSS:
		return v < c.Value
	case parser.LTE:
		return v <= c.Value
	case parser.EQLC:
		return v == c.Value
	default: // parser.NEQ: Analyze makes no other
		return v != c.Value
	}
}

// Recording is a recording rule that other rules may select.
type Recording struct {
	Name   string
	Expr   parser.Expr
	Labels labels.Labels
}

// Plan is what Analyze finds out about a rule's expression.
type Plan struct {
	Class     Class
	Reason    string        // why it has that class
	Partition LabelSet      // elements depend only on series that agree in these labels
	Selectors []Selector    // series whose samples can change the result
	Compare   *Compare      // set where the whole expression is a comparison with a number
	Bound     *Bound        // set where remembered samples can prove that there is no result
	Static    bool          // the result is a function of the newest values alone: nothing but a changed value changes it
	Window    time.Duration // with Steady: the longest range that the expression looks at
	Steady    bool          // over ranges in which no value changes, the result is the same at every instant
	Crossing  time.Duration // with Timed: `time() - selector > Crossing`
	Timed     bool
	Recorded  []string // recording rules whose results the expression selects at the same instant, in the order in which they must be evaluated
}

// Analyze classifies an expression. recorded are the recording rules by metric
// name; a metric that is recorded by several rules is listed with all of them.
func Analyze(expr parser.Expr, recorded map[string][]Recording) *Plan {
	a := &analysis{recorded: recorded, p: &Plan{Static: true, Steady: true}}
	a.p.Partition = a.walk(expr)
	p := a.p
	switch {
	case a.refused != "":
		p.Class, p.Reason = Ticks, a.refused
	case len(p.Selectors) == 0:
		p.Class, p.Reason = Ticks, "no arriving sample can change the result at its own time"
	case a.selectors == 1 && p.Partition.equal(allLabels()):
		p.Class, p.Reason = Local, "each element depends on one series"
	case p.Partition.Has("job") && p.Partition.Has("instance"):
		p.Class, p.Reason = Target, "each element depends on series of one job and instance"
	case p.Partition.Empty():
		p.Class, p.Reason = Global, "an element may depend on all selected series: "+a.why
	default:
		p.Class, p.Reason = Global, "an element depends on series of several targets: "+a.why
	}
	if p.Class == Local && len(p.Recorded) == 0 {
		p.Compare = compare(expr)
		p.Crossing, p.Timed = crossing(expr)
	}
	if p.Class != Ticks && p.Compare == nil && !p.Timed {
		p.Bound = newBound(expr, p, recorded)
	}
	return p
}

type analysis struct {
	recorded  map[string][]Recording
	p         *Plan
	selectors int
	depth     int
	refused   string
	why       string // the first node that joins targets
}

// maxDepth bounds recording rules that build on one another, and stops those that build on themselves.
const maxDepth = 16

func (a *analysis) narrow(to LabelSet, node string) LabelSet {
	if a.why == "" && (!to.Has("job") || !to.Has("instance")) {
		a.why = node
	}
	return to
}

// walk returns the labels on whose values an element of e's result depends,
// and which it still carries.
func (a *analysis) walk(e parser.Expr) LabelSet {
	switch x := e.(type) {
	case *parser.ParenExpr:
		return a.walk(x.Expr)
	case *parser.StepInvariantExpr:
		return a.walk(x.Expr)
	case *parser.UnaryExpr:
		return a.walk(x.Expr)
	case *parser.VectorSelector:
		return a.selector(x, true)
	case *parser.MatrixSelector:
		a.p.Static = false
		a.p.Window = max(a.p.Window, x.Range)
		if x.RangeExpr != nil {
			a.p.Steady = false
		}
		if vs, ok := x.VectorSelector.(*parser.VectorSelector); ok {
			return a.selector(vs, false)
		}
		a.refused = "a range over something that is not a selector"
		return LabelSet{}
	case *parser.SubqueryExpr:
		a.p.Static, a.p.Steady = false, false
		if x.OriginalOffset != 0 || x.OriginalOffsetExpr != nil || x.Timestamp != nil || x.StartOrEnd != 0 {
			return a.shifted(x.Expr)
		}
		// The steps of a subquery are aligned to its own resolution: the
		// newest sample takes part from the next step on, which a tick sees.
		return a.shifted(x.Expr)
	case *parser.AggregateExpr:
		return a.aggregate(x)
	case *parser.BinaryExpr:
		return a.binary(x)
	case *parser.Call:
		return a.call(x)
	default: // numbers and strings
		return allLabels()
	}
}

// shifted walks an expression whose newest samples do not take part in the result.
func (a *analysis) shifted(e parser.Expr) LabelSet {
	kept := a.p.Selectors
	s := a.walk(e)
	a.p.Selectors = kept
	return s
}

func (a *analysis) selector(vs *parser.VectorSelector, instant bool) LabelSet {
	a.selectors++
	if vs.OriginalOffset != 0 || vs.OriginalOffsetExpr != nil || vs.Timestamp != nil || vs.StartOrEnd != 0 {
		a.p.Static, a.p.Steady = false, false
		return allLabels()
	}
	if vs.Anchored || vs.Smoothed {
		a.p.Steady = false
	}
	s := newSelector(vs)
	if rs := a.recorded[s.Name]; instant && s.Name != "" && len(rs) > 0 && a.depth < maxDepth {
		return a.through(s.Name, rs)
	}
	a.p.Selectors = append(a.p.Selectors, s)
	return allLabels()
}

// through follows a selector of a recorded metric to what the recording rule
// selects: on arrival its result is computed anew.
func (a *analysis) through(name string, rs []Recording) LabelSet {
	a.depth++
	defer func() { a.depth-- }()
	out := allLabels()
	for _, r := range rs {
		s := a.walk(r.Expr)
		r.Labels.Range(func(l labels.Label) { s = s.minus(l.Name) })
		out = out.intersect(s)
	}
	// What it builds on has been noted before it.
	if !slices.Contains(a.p.Recorded, name) {
		a.p.Recorded = append(a.p.Recorded, name)
	}
	return out
}

func (a *analysis) aggregate(x *parser.AggregateExpr) LabelSet {
	s := a.walk(x.Expr)
	if x.Param != nil {
		s = s.intersect(a.walk(x.Param))
	}
	if x.Without {
		s = s.minus(x.Grouping...)
	} else {
		s = s.intersect(by(x.Grouping...))
	}
	if x.Op == parser.COUNT_VALUES {
		if l, ok := x.Param.(*parser.StringLiteral); ok {
			s = s.minus(l.Val)
		}
	}
	return a.narrow(s, x.Op.String()+grouping(x))
}

func grouping(x *parser.AggregateExpr) string {
	if x.Without {
		return " without (" + strings.Join(x.Grouping, ", ") + ")"
	}
	return " by (" + strings.Join(x.Grouping, ", ") + ")"
}

func (a *analysis) binary(x *parser.BinaryExpr) LabelSet {
	l := a.walk(x.LHS)
	s := l.intersect(a.walk(x.RHS))
	if x.VectorMatching == nil {
		return s
	}
	m := x.VectorMatching
	if x.Op == parser.LUNLESS {
		a.p.Steady = false // an element that a gap takes away would add one
	}
	if m.On {
		s = s.intersect(by(m.MatchingLabels...))
	} else {
		s = s.minus(append([]string{labels.MetricName}, m.MatchingLabels...)...)
	}
	s = s.minus(m.Include...)
	if m.FillValues.LHS != nil || m.FillValues.RHS != nil {
		a.p.Static = false
	}
	return a.narrow(s, fmt.Sprintf("%s over %s", x.Op, matching(m)))
}

func matching(m *parser.VectorMatching) string {
	if m.On {
		return "on (" + strings.Join(m.MatchingLabels, ", ") + ")"
	}
	return "ignoring (" + strings.Join(m.MatchingLabels, ", ") + ")"
}

func (a *analysis) call(x *parser.Call) LabelSet {
	s := allLabels()
	for _, arg := range x.Args {
		s = s.intersect(a.walk(arg))
	}
	str := func(n int) string {
		if n < len(x.Args) {
			if l, ok := x.Args[n].(*parser.StringLiteral); ok {
				return l.Val
			}
		}
		return ""
	}
	if takesRange(x) && !steady[x.Func.Name] {
		a.p.Steady = false
	}
	switch x.Func.Name {
	case "absent", "scalar":
		a.p.Static, a.p.Steady = false, false
		return a.narrow(LabelSet{}, x.Func.Name+"()")
	case "absent_over_time":
		a.p.Static = false
		a.p.Selectors = nil
		a.refused = "absent_over_time changes with time alone"
		return LabelSet{}
	case "info":
		a.refused = "info() joins series that the expression does not name"
		return LabelSet{}
	case "time", "start", "end", "range", "step":
		a.p.Static, a.p.Steady = false, false
		return s
	case "hour", "minute", "month", "year", "day_of_week", "day_of_month", "day_of_year", "days_in_month":
		if len(x.Args) == 0 {
			a.p.Static, a.p.Steady = false, false
		}
		return s
	case "timestamp":
		a.p.Static, a.p.Steady = false, false
		return s
	case "label_replace", "label_join":
		return a.narrow(s.minus(str(1)), x.Func.Name+"()")
	case "histogram_quantile", "histogram_fraction":
		return s.minus(labels.BucketLabel)
	case "histogram_quantiles":
		return s.minus(labels.BucketLabel, str(1))
	case "vector":
		return s
	default:
		return s
	}
}

// steady are the functions of ranges whose result does not depend on how many
// samples there are, or when, as long as all are the same.
var steady = map[string]bool{
	"rate": true, "increase": true, "irate": true, "delta": true, "idelta": true, "deriv": true, "predict_linear": true,
	"avg_over_time": true, "min_over_time": true, "max_over_time": true, "last_over_time": true, "first_over_time": true,
	"quantile_over_time": true, "stddev_over_time": true, "stdvar_over_time": true, "changes": true, "resets": true, "present_over_time": true,
}

func takesRange(x *parser.Call) bool {
	for _, t := range x.Func.ArgTypes {
		if t == parser.ValueTypeMatrix {
			return true
		}
	}
	return false
}

func unparen(e parser.Expr) parser.Expr {
	for {
		switch x := e.(type) {
		case *parser.ParenExpr:
			e = x.Expr
		case *parser.StepInvariantExpr:
			e = x.Expr
		default:
			return e
		}
	}
}

func number(e parser.Expr) (float64, bool) {
	switch x := unparen(e).(type) {
	case *parser.NumberLiteral:
		return x.Val, true
	case *parser.UnaryExpr:
		v, ok := number(x.Expr)
		if x.Op == parser.SUB {
			v = -v
		}
		return v, ok
	}
	return 0, false
}

var mirrored = map[parser.ItemType]parser.ItemType{
	parser.GTR: parser.LSS, parser.LSS: parser.GTR, parser.GTE: parser.LTE, parser.LTE: parser.GTE,
	parser.EQLC: parser.EQLC, parser.NEQ: parser.NEQ,
}

// sides splits a filtering comparison into an expression, an operator and a number.
func sides(e parser.Expr) (parser.Expr, parser.ItemType, float64, bool) {
	x, ok := unparen(e).(*parser.BinaryExpr)
	if !ok || !x.Op.IsComparisonOperator() || x.ReturnBool || x.VectorMatching != nil {
		return nil, 0, 0, false
	}
	if v, ok := number(x.RHS); ok {
		return unparen(x.LHS), x.Op, v, true
	}
	if v, ok := number(x.LHS); ok {
		return unparen(x.RHS), mirrored[x.Op], v, true
	}
	return nil, 0, 0, false
}

func compare(e parser.Expr) *Compare {
	side, op, v, ok := sides(e)
	if !ok {
		return nil
	}
	if _, known := mirrored[op]; !known {
		return nil
	}
	if _, ok := side.(*parser.VectorSelector); !ok {
		return nil
	}
	return &Compare{Op: op, Value: v}
}

// crossing recognises `time() - selector > c`: the moment at which it becomes
// true is known as soon as the sample is there.
func crossing(e parser.Expr) (time.Duration, bool) {
	side, op, v, ok := sides(e)
	if !ok || (op != parser.GTR && op != parser.GTE) {
		return 0, false
	}
	diff, ok := side.(*parser.BinaryExpr)
	if !ok || diff.Op != parser.SUB {
		return 0, false
	}
	c, ok := unparen(diff.LHS).(*parser.Call)
	if !ok || c.Func.Name != "time" {
		return 0, false
	}
	if _, ok := unparen(diff.RHS).(*parser.VectorSelector); !ok {
		return 0, false
	}
	const longest = 10 * 365 * 24 * 3600
	if v < -longest || v > longest {
		return 0, false
	}
	return time.Duration(v * float64(time.Second)), true
}
