package arrival

import (
	"math"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Bound proves, from what is remembered of a partition's series, that a rule's
// expression has no result, without asking PromQL. It computes with intervals that
// hold every value that an element may have. What it cannot prove, PromQL decides.
type Bound struct {
	leaves  []boundLeaf
	windows []int64 // of the ranges, in ms, each once
	longest int64   // of windows, or 0
	root    *boundNode
}

// boundLeaf is a selector, and where its window stands in windows: -1 for that of an instant.
type boundLeaf struct {
	sel    Selector
	window int
}

type boundKind int

const (
	boundNumber boundKind = iota
	boundValue            // the newest sample
	boundRate
	boundIncrease
	boundNegation
	boundArithmetic
	boundFilter
	boundSet
	boundAggregate
)

type boundNode struct {
	kind   boundKind
	op     parser.ItemType
	l, r   *boundNode
	number float64
	leaf   int
	scalar bool
	each   bool // an element for each series of one leaf
	groups LabelSet
	whole  bool // an aggregation of the whole partition to one element
}

// rounding is by how much of itself a sum may differ with the order of its terms.
const rounding = 1e-9

// maxLeaves is how many selectors a bound can tell apart.
const maxLeaves = 8

// newBound makes the bound of an expression, or nil where it has none.
func newBound(e parser.Expr, p *Plan, recorded map[string][]Recording) *Bound {
	c := boundCompiler{b: &Bound{}, recorded: recorded}
	root := c.node(e)
	if root == nil || root.kind != boundFilter && root.kind != boundSet || len(c.b.leaves) == 0 {
		return nil
	}
	if p.Class == Local && c.aggregates {
		return nil
	}
	c.b.root = root
	root.settle(p.Partition)
	return c.b
}

// settle says which aggregations are of the whole partition.
func (n *boundNode) settle(partition LabelSet) {
	if n == nil {
		return
	}
	n.whole = n.kind == boundAggregate && n.groups.intersect(partition).equal(n.groups)
	n.l.settle(partition)
	n.r.settle(partition)
}

type boundCompiler struct {
	b          *Bound
	recorded   map[string][]Recording
	aggregates bool
}

func (c *boundCompiler) node(e parser.Expr) *boundNode {
	switch x := unparen(e).(type) {
	case *parser.NumberLiteral:
		return &boundNode{kind: boundNumber, number: x.Val, scalar: true}
	case *parser.UnaryExpr:
		l := c.node(x.Expr)
		if l == nil || x.Op != parser.SUB {
			return l
		}
		return &boundNode{kind: boundNegation, l: l, scalar: l.scalar, each: l.each}
	case *parser.VectorSelector:
		return c.leaf(x, boundValue, -1)
	case *parser.Call:
		return c.call(x)
	case *parser.BinaryExpr:
		return c.binary(x)
	case *parser.AggregateExpr:
		return c.aggregate(x)
	}
	return nil
}

func (c *boundCompiler) call(x *parser.Call) *boundNode {
	kind := boundRate
	switch x.Func.Name {
	case "rate":
	case "increase":
		kind = boundIncrease
	default:
		return nil
	}
	m, ok := unparen(x.Args[0]).(*parser.MatrixSelector)
	if !ok || m.RangeExpr != nil || m.Range <= 0 {
		return nil
	}
	vs, ok := m.VectorSelector.(*parser.VectorSelector)
	if !ok {
		return nil
	}
	window := m.Range.Milliseconds()
	c.b.longest = max(c.b.longest, window)
	for i, w := range c.b.windows {
		if w == window {
			return c.leaf(vs, kind, i)
		}
	}
	c.b.windows = append(c.b.windows, window)
	return c.leaf(vs, kind, len(c.b.windows)-1)
}

func (c *boundCompiler) leaf(vs *parser.VectorSelector, kind boundKind, window int) *boundNode {
	if vs.OriginalOffset != 0 || vs.OriginalOffsetExpr != nil || vs.Timestamp != nil || vs.StartOrEnd != 0 || vs.Anchored || vs.Smoothed {
		return nil
	}
	s := newSelector(vs)
	if len(c.recorded[s.Name]) > 0 || len(c.b.leaves) == maxLeaves {
		return nil
	}
	c.b.leaves = append(c.b.leaves, boundLeaf{s, window})
	return &boundNode{kind: kind, leaf: len(c.b.leaves) - 1, each: true}
}

func (c *boundCompiler) binary(x *parser.BinaryExpr) *boundNode {
	if x.ReturnBool || x.VectorMatching != nil && (x.VectorMatching.FillValues.LHS != nil || x.VectorMatching.FillValues.RHS != nil) {
		return nil
	}
	n := &boundNode{op: x.Op}
	switch {
	case x.Op == parser.ADD, x.Op == parser.SUB, x.Op == parser.MUL, x.Op == parser.DIV:
		n.kind = boundArithmetic
	case x.Op == parser.LAND, x.Op == parser.LOR, x.Op == parser.LUNLESS:
		n.kind = boundSet
	case mirrored[x.Op] != 0:
		n.kind = boundFilter
	default:
		return nil
	}
	n.l, n.r = c.node(x.LHS), c.node(x.RHS)
	if n.kind == boundSet {
		// One side may prove it alone.
		switch {
		case x.Op == parser.LAND && (n.l != nil || n.r != nil), x.Op == parser.LUNLESS && n.l != nil, n.l != nil && n.r != nil:
			return n
		}
		return nil
	}
	if n.l == nil || n.r == nil {
		return nil
	}
	n.scalar = n.l.scalar && n.r.scalar
	n.each = n.l.each && n.r.scalar || n.r.each && n.l.scalar
	return n
}

func (c *boundCompiler) aggregate(x *parser.AggregateExpr) *boundNode {
	switch x.Op {
	case parser.SUM, parser.AVG, parser.MIN, parser.MAX, parser.COUNT:
	default:
		return nil
	}
	l := c.node(x.Expr)
	if l == nil {
		return nil
	}
	c.aggregates = true
	groups := by(x.Grouping...)
	if x.Without {
		groups = allLabels().minus(x.Grouping...)
	}
	return &boundNode{kind: boundAggregate, op: x.Op, l: l, groups: groups}
}

// selects says which leaves select a series.
func (b *Bound) selects(ls labels.Labels) (leaves uint8) {
	for i := range b.leaves {
		s := &b.leaves[i].sel
		if (s.Name == "" || s.Name == ls.Get(labels.MetricName)) && s.Matches(ls) {
			leaves |= 1 << i
		}
	}
	return leaves
}

// scope is the series that a bound is evaluated over: one, or those of a partition.
type scope struct {
	b        *Bound
	one      *memory
	many     map[uint64]*member
	at       int64
	lookback int64
}

// extent is what is known of a vector.
type extent struct {
	lo, hi float64 // every element is within, or NaN where nan is set
	most   int     // elements at most
	all    bool    // there are exactly so many
	nan    bool
}

var nothing = extent{all: true}

// empty says whether the expression is proven to have no result.
func (s *scope) empty() bool {
	x, ok := s.b.root.eval(s)
	return ok && x.most == 0
}

// eval is the extent of a node's result. ok is false where nothing is known.
func (n *boundNode) eval(s *scope) (x extent, ok bool) {
	switch n.kind {
	case boundNumber:
		return extent{lo: n.number, hi: n.number, most: 1, all: true}, !math.IsNaN(n.number)
	case boundValue, boundRate, boundIncrease:
		return n.series(s)
	case boundNegation:
		x, ok = n.l.eval(s)
		x.lo, x.hi = -x.hi, -x.lo
		return x, ok
	case boundAggregate:
		return n.group(s)
	case boundSet:
		return n.combine(s)
	}
	l, ok := n.l.eval(s)
	if !ok {
		return x, false
	}
	r, ok := n.r.eval(s)
	if !ok {
		return x, false
	}
	if n.kind == boundArithmetic {
		return n.compute(l, r)
	}
	return n.filter(l, r), true
}

// add makes the extent hold the elements of another too.
func (x *extent) add(o extent) {
	switch {
	case o.most == 0:
		x.all = x.all && o.all
		return
	case x.most == 0:
		x.lo, x.hi = o.lo, o.hi
	default:
		x.lo, x.hi = min(x.lo, o.lo), max(x.hi, o.hi)
	}
	x.most += o.most
	x.all = x.all && o.all
	x.nan = x.nan || o.nan
}

func (n *boundNode) series(s *scope) (extent, bool) {
	if s.one != nil {
		return n.recall(s, s.one)
	}
	x := nothing
	for _, m := range s.many {
		o, ok := n.recall(s, &m.memory)
		if !ok {
			return x, false
		}
		x.add(o)
	}
	return x, true
}

// recall is the extent of one series.
func (n *boundNode) recall(s *scope, m *memory) (extent, bool) {
	if m.leaves&(1<<n.leaf) == 0 {
		return nothing, true
	}
	v, past, ok := m.at(s.at)
	if !ok || v.hist {
		return extent{}, false
	}
	if v.stale {
		return nothing, n.kind == boundValue
	}
	if n.kind == boundValue {
		return extent{lo: v.v, hi: v.v, most: 1, all: v.t > s.at-s.lookback}, !math.IsNaN(v.v)
	}
	i := s.b.leaves[n.leaf].window
	window := s.b.windows[i]
	if m.late > s.at-window {
		return extent{}, false
	}
	lo, hi, certain, ok := m.trends[i].rate(window, s.at, v.t, past)
	if n.kind == boundIncrease {
		seconds := float64(window) / 1000
		lo, hi = lo*seconds, hi*seconds
	}
	return extent{lo: lo, hi: hi, most: 1, all: certain}, ok
}

// group is the extent of an aggregation.
func (n *boundNode) group(s *scope) (extent, bool) {
	x := nothing
	var sum, some extent          // of all elements, and of any of them
	least := math.Inf(1)          // of the upper ends
	greatest := math.Inf(-1)      // of the lower ends
	if n.l.each && s.one == nil { // each element is known by itself
		for _, m := range s.many {
			one := scope{b: s.b, one: &m.memory, at: s.at, lookback: s.lookback}
			o, ok := n.l.eval(&one)
			if !ok {
				return x, false
			}
			x.add(o)
			if o.most > 0 {
				sum.lo, sum.hi = sum.lo+o.lo, sum.hi+o.hi
				some.lo, some.hi = some.lo+min(0, o.lo), some.hi+max(0, o.hi)
				least, greatest = min(least, o.hi), max(greatest, o.lo)
			}
		}
	} else {
		o, ok := n.l.eval(s)
		if !ok {
			return x, false
		}
		x = o
		x.all = x.all && x.most <= 1
		some.lo, some.hi = min(0, x.lo)*float64(x.most), max(0, x.hi)*float64(x.most)
		sum, least, greatest = x, x.hi, x.lo
	}
	if x.most == 0 || x.nan {
		return x, !x.nan
	}
	exact := n.whole && x.all
	out := extent{lo: x.lo, hi: x.hi, most: x.most, all: exact}
	if n.whole {
		out.most = 1
	}
	switch n.op {
	case parser.COUNT:
		out.lo, out.hi = 1, float64(x.most)
		if exact {
			out.lo = out.hi
		}
		return out, true
	case parser.MIN:
		if exact {
			out.hi = least
		}
		return out, true
	case parser.MAX:
		if exact {
			out.lo = greatest
		}
		return out, true
	case parser.SUM:
		switch {
		case exact:
			out.lo, out.hi = sum.lo, sum.hi
		default:
			if some.lo < 0 {
				out.lo = some.lo
			}
			if some.hi > 0 {
				out.hi = some.hi
			}
		}
	}
	slack := rounding * max(math.Abs(some.lo), math.Abs(some.hi), math.Abs(x.lo), math.Abs(x.hi))
	out.lo, out.hi = out.lo-slack, out.hi+slack
	return out, !math.IsNaN(out.lo) && !math.IsNaN(out.hi)
}

// compute is the extent of an arithmetic operation.
func (n *boundNode) compute(l, r extent) (extent, bool) {
	x := extent{most: max(l.most, r.most), all: l.all && r.all && (n.l.scalar || n.r.scalar), nan: l.nan || r.nan}
	if l.most == 0 || r.most == 0 {
		x.most, x.all = 0, true
		return x, true
	}
	switch n.op {
	case parser.ADD:
		x.lo, x.hi = l.lo+r.lo, l.hi+r.hi
	case parser.SUB:
		x.lo, x.hi = l.lo-r.hi, l.hi-r.lo
	case parser.MUL:
		x.lo, x.hi = hull(l.lo*r.lo, l.lo*r.hi, l.hi*r.lo, l.hi*r.hi)
	default:
		switch {
		case r.lo > 0 || r.hi < 0:
			x.lo, x.hi = hull(l.lo/r.lo, l.lo/r.hi, l.hi/r.lo, l.hi/r.hi)
		case l.lo == 0 && l.hi == 0:
			x.nan = true // 0/0; all else is 0
		default:
			return x, false
		}
	}
	return x, !math.IsNaN(x.lo) && !math.IsNaN(x.hi)
}

// hull is the range of four numbers, and NaN if one of them is.
func hull(a, b, c, d float64) (lo, hi float64) { return min(a, b, c, d), max(a, b, c, d) }

// filter is the extent of a comparison.
func (n *boundNode) filter(l, r extent) extent {
	if l.most == 0 || r.most == 0 || !n.possible(l, r) {
		return nothing
	}
	x := l
	switch {
	case n.l.scalar:
		x = r
	case !n.r.scalar: // the values are those of either side
		x.add(r)
		x.most = max(l.most, r.most)
	}
	x.all = false
	return x
}

// possible says whether the comparison can hold for any two values.
func (n *boundNode) possible(l, r extent) bool {
	switch n.op {
	case parser.GTR:
		return l.hi > r.lo
	case parser.GTE:
		return l.hi >= r.lo
	case parser.LSS:
		return l.lo < r.hi
	case parser.LTE:
		return l.lo <= r.hi
	case parser.EQLC:
		return l.lo <= r.hi && r.lo <= l.hi
	default: // parser.NEQ
		return l.nan || r.nan || l.lo != l.hi || r.lo != r.hi || l.lo != r.lo
	}
}

// combine is the extent of a set operation.
func (n *boundNode) combine(s *scope) (extent, bool) {
	var l, r extent
	var lok, rok bool
	if n.l != nil {
		l, lok = n.l.eval(s)
	}
	if lok && l.most == 0 && n.op != parser.LOR {
		return nothing, true
	}
	if n.r != nil && n.op != parser.LUNLESS {
		r, rok = n.r.eval(s)
	}
	switch {
	case rok && r.most == 0 && n.op == parser.LAND:
		return nothing, true
	case n.op == parser.LOR:
		l.add(r)
		lok = lok && rok
	}
	l.all = l.most == 0
	return l, lok
}
