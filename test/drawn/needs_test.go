package drawn

import (
	"fmt"
	"maps"
	"regexp/syntax"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Series is one series of known values.
type Series struct {
	Labels map[string]string
	// At the end of the span it is End; before, it is less by Slope for each second.
	End, Slope float64
}

// At is the value at a time.
func (s *Series) At(t, end time.Time) float64 { return s.End - s.Slope*end.Sub(t).Seconds() }

// Needs collects what a dashboard's queries want of each metric.
type Needs struct {
	metrics map[string]*metric
	// Metrics of one query have the same labels, so that they find each other.
	joined map[string]string
}

type metric struct {
	counter bool
	bucket  bool
	labels  map[string]bool
	wants   []map[string][]*labels.Matcher
	bounds  map[string]bool
	level   *float64 // a value that a comparison asks for
}

// NewNeeds is empty.
func NewNeeds() *Needs { return &Needs{metrics: map[string]*metric{}, joined: map[string]string{}} }

var promql = parser.NewParser(parser.Options{EnableExperimentalFunctions: true})

// Add reads a query whose variables are filled in. The labels are those that are used outside of it, as in a legend.
func (n *Needs) Add(expr string, used []string) error {
	tree, err := promql.ParseExpr(expr)
	if err != nil {
		return fmt.Errorf("parse %s: %w", expr, err)
	}
	used = slices.Clone(used)
	var names []string
	parser.Inspect(tree, func(node parser.Node, _ []parser.Node) error {
		switch e := node.(type) {
		case *parser.AggregateExpr:
			if !e.Without {
				used = append(used, e.Grouping...)
			}
		case *parser.BinaryExpr:
			if m := e.VectorMatching; m != nil {
				if m.On {
					used = append(used, m.MatchingLabels...)
				}
				used = append(used, m.Include...)
			}
		case *parser.Call:
			if of, _, ok := cutOut(e); ok {
				used = append(used, of.Name)
			}
			if e.Func.Name == "label_join" {
				for _, a := range e.Args[min(3, len(e.Args)):] {
					if l, ok := unwrap(a).(*parser.StringLiteral); ok {
						used = append(used, l.Val)
					}
				}
			}
		}
		return nil
	})
	parser.Inspect(tree, func(node parser.Node, path []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			names = append(names, n.selector(s, path, used)...)
		}
		return nil
	})
	for _, name := range names[min(1, len(names)):] {
		n.joined[n.root(name)] = n.root(names[0])
	}
	return nil
}

// cutOut reads label_replace(v, into, replacement, of, regex).
func cutOut(c *parser.Call) (of *labels.Matcher, into string, ok bool) {
	if c.Func.Name != "label_replace" || len(c.Args) != 5 {
		return nil, "", false
	}
	dst, isText := unwrap(c.Args[1]).(*parser.StringLiteral)
	src, isText2 := unwrap(c.Args[3]).(*parser.StringLiteral)
	pattern, isText3 := unwrap(c.Args[4]).(*parser.StringLiteral)
	if !isText || !isText2 || !isText3 || src.Val == labels.MetricName {
		return nil, "", false
	}
	of, err := labels.NewMatcher(labels.MatchRegexp, src.Val, pattern.Val)
	return of, dst.Val, err == nil
}

func (n *Needs) root(name string) string {
	for n.joined[name] != "" && n.joined[name] != name {
		name = n.joined[name]
	}
	return name
}

// selector notes what one selector wants, and gives the name of its metric.
func (n *Needs) selector(s *parser.VectorSelector, path []parser.Node, used []string) []string {
	want := map[string][]*labels.Matcher{}
	var ofName []*labels.Matcher
	for _, m := range s.LabelMatchers {
		if m.Name == labels.MetricName {
			ofName = append(ofName, m)
			continue
		}
		want[m.Name] = append(want[m.Name], m)
	}
	name, ok := pick(labels.MetricName, ofName)
	if !ok {
		return nil
	}
	m := n.metrics[name]
	if m == nil {
		m = &metric{labels: map[string]bool{}, bounds: map[string]bool{}}
		n.metrics[name] = m
	}
	for _, node := range path {
		c, ok := node.(*parser.Call)
		if !ok {
			continue
		}
		// What another label is cut out of must have it. One that is cut itself may be what its partner has already.
		of, into, ok := cutOut(c)
		if !ok || into == of.Name {
			continue
		}
		both := append(slices.Clone(want[of.Name]), of)
		if _, ok := pick(of.Name, both); ok {
			want[of.Name] = both
		}
	}
	for label := range want {
		m.labels[label] = true
	}
	for _, label := range used {
		if label != labels.MetricName {
			m.labels[label] = true
		}
	}
	for _, x := range want["le"] {
		m.bounds[bound(x)] = true
	}
	delete(want, "le")
	for _, suffix := range []string{"_total", "_count", "_sum", "_bucket"} {
		m.counter = m.counter || strings.HasSuffix(name, suffix)
	}
	m.bucket = m.bucket || strings.HasSuffix(name, "_bucket") || m.labels["le"]
	m.look(path)
	m.want(want)
	return []string{name}
}

// bound is a bound of a histogram that a matcher takes.
func bound(m *labels.Matcher) string {
	for _, s := range examples(m) {
		if m.Matches(s) {
			return s
		}
	}
	return "+Inf"
}

// look finds out from what is around a selector which values it should have.
func (m *metric) look(path []parser.Node) {
	level := true // whether the comparison is about the metric's own value
	for _, node := range slices.Backward(path) {
		switch e := node.(type) {
		case *parser.Call:
			switch e.Func.Name {
			case "rate", "irate", "increase", "resets":
				m.counter = true
			}
			level = level && (e.Func.Name == "max_over_time" || e.Func.Name == "min_over_time" || e.Func.Name == "last_over_time" || e.Func.Name == "avg_over_time")
		case *parser.AggregateExpr:
			level = level && e.Op != parser.COUNT && e.Op != parser.COUNT_VALUES
		case *parser.BinaryExpr:
			if !level || m.level != nil || !e.Op.IsComparisonOperator() {
				level = level && e.Op.IsSetOperator()
				continue
			}
			if x, ok := unwrap(e.RHS).(*parser.NumberLiteral); ok {
				v := map[parser.ItemType]float64{parser.EQLC: x.Val, parser.GTE: x.Val, parser.LTE: x.Val, parser.GTR: x.Val + 1.5, parser.LSS: x.Val - 0.5, parser.NEQ: x.Val + 1}[e.Op]
				m.level = &v
			}
		}
	}
}

func unwrap(e parser.Expr) parser.Expr {
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

// want notes what a series must match: in one that is there already where both can be had.
func (m *metric) want(more map[string][]*labels.Matcher) {
	for i, have := range m.wants {
		both := maps.Clone(have)
		fits := true
		for label, ms := range more {
			both[label] = append(slices.Clone(both[label]), ms...)
			if _, ok := pick(label, both[label]); !ok {
				fits = false
			}
		}
		if fits {
			m.wants[i] = both
			return
		}
	}
	m.wants = append(m.wants, more)
}

// usual are values of labels whose readers expect a certain form.
var usual = map[string]string{
	"instance": "instance-a:9100", "node": "node-a", "quantile": "0.99", "code": "200", "status": "200", "status_code": "200", "cpu": "0", "version": "1.2.3",
}

// Usual is the value that a label has where nothing else is asked for.
func Usual(label string) string {
	if v, ok := usual[label]; ok {
		return v
	}
	return strings.ReplaceAll(label, "_", "-") + "-a"
}

// common is the value of a label that most of several wishes take.
func common(label string, wants []map[string][]*labels.Matcher) string {
	candidates := []string{Usual(label)}
	for _, want := range wants {
		if s, ok := pick(label, want[label]); ok && s != "" && !slices.Contains(candidates, s) {
			candidates = append(candidates, s)
		}
	}
	// Of equally good ones the usual one, then one that does not depend on the order of a map.
	slices.Sort(candidates[1:])
	best, most := "", -1
	for _, s := range candidates {
		n := 0
		for _, want := range wants {
			if takesAll(want[label], s) {
				n++
			}
		}
		if n > most {
			best, most = s, n
		}
	}
	return best
}

func takesAll(ms []*labels.Matcher, s string) bool {
	return !slices.ContainsFunc(ms, func(m *labels.Matcher) bool { return !m.Matches(s) })
}

// pick chooses a value of a label that all matchers take, the first choice before any other; an empty one is none.
func pick(label string, ms []*labels.Matcher, first ...string) (string, bool) {
	candidates := append(slices.Clone(first), Usual(label))
	for _, m := range ms {
		candidates = append(candidates, examples(m)...)
	}
	candidates = append(candidates, "")
	for _, s := range candidates {
		if takesAll(ms, s) && (s != "" || label != labels.MetricName) {
			return s, true
		}
	}
	return "", false
}

// examples are texts that a matcher may take.
func examples(m *labels.Matcher) []string {
	switch m.Type {
	case labels.MatchEqual:
		return []string{m.Value}
	case labels.MatchRegexp:
		re, err := syntax.Parse(m.Value, syntax.Perl)
		if err != nil {
			return nil
		}
		return generate(re)
	}
	return nil
}

// mostExamples is how many texts are made of an expression at most.
const mostExamples = 16

// generate makes texts that a regular expression matches.
func generate(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{string(re.Rune)}
	case syntax.OpCharClass:
		return []string{string(inClass(re.Rune))}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return []string{"a"}
	case syntax.OpCapture, syntax.OpPlus:
		return generate(re.Sub[0])
	case syntax.OpStar, syntax.OpQuest:
		return append([]string{""}, generate(re.Sub[0])...)
	case syntax.OpRepeat:
		var out []string
		for _, s := range generate(re.Sub[0]) {
			out = append(out, strings.Repeat(s, max(re.Min, 0)))
		}
		return out
	case syntax.OpAlternate:
		var out []string
		for _, sub := range re.Sub {
			out = append(out, generate(sub)...)
		}
		return out[:min(len(out), mostExamples)]
	case syntax.OpConcat:
		out := []string{""}
		for _, sub := range re.Sub {
			var next []string
			for _, head := range out {
				for _, tail := range generate(sub) {
					next = append(next, head+tail)
				}
			}
			out = next[:min(len(next), mostExamples)]
		}
		return out
	case syntax.OpNoMatch:
		return nil
	default: // what matches between characters
		return []string{""}
	}
}

// inClass chooses a rune of a class that is easy to read.
func inClass(pairs []rune) rune {
	for _, r := range "a0A-_" {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] <= r && r <= pairs[i+1] {
				return r
			}
		}
	}
	if len(pairs) == 0 {
		return 'a'
	}
	return pairs[0]
}

// Series makes the series that answer all that was added.
func (n *Needs) Series() []Series {
	shared := map[string]map[string]bool{}
	wants := map[string][]map[string][]*labels.Matcher{}
	for name, m := range n.metrics {
		root := n.root(name)
		if shared[root] == nil {
			shared[root] = map[string]bool{}
		}
		maps.Copy(shared[root], m.labels)
		wants[root] = append(wants[root], m.wants...)
	}
	best := map[string]string{} // by root and label, what most of the joined metrics take
	for root, all := range shared {
		for label := range all {
			best[root+" "+label] = common(label, wants[root])
		}
	}
	var out []Series
	for _, name := range slices.Sorted(maps.Keys(n.metrics)) {
		m := n.metrics[name]
		have := map[string]bool{}
		for _, want := range m.wants {
			set := map[string]string{labels.MetricName: name}
			for label := range shared[n.root(name)] {
				if label == "le" {
					continue
				}
				if v, ok := pick(label, want[label], best[n.root(name)+" "+label]); ok && v != "" {
					set[label] = v
				}
			}
			key := fmt.Sprint(set)
			if have[key] {
				continue
			}
			have[key] = true
			out = append(out, m.values(set, len(out))...)
		}
	}
	return out
}

// values makes the series of one set of labels; each differs from all others by its place.
func (m *metric) values(set map[string]string, place int) []Series {
	weight := 2 + 1.25*float64(place%800)
	switch {
	case m.bucket:
		bounds := map[string]bool{"0.1": true, "0.5": true, "1": true, "5": true, "10": true, "+Inf": true}
		maps.Copy(bounds, m.bounds)
		ordered := slices.Collect(maps.Keys(bounds))
		sort.Slice(ordered, func(i, j int) bool { return limit(ordered[i]) < limit(ordered[j]) })
		var out []Series
		for i, le := range ordered {
			one := maps.Clone(set)
			one["le"] = le
			slope := weight * float64(i+1) / float64(len(ordered))
			out = append(out, Series{Labels: one, End: slope * 10_000, Slope: slope})
		}
		return out
	case m.level != nil:
		return []Series{{Labels: set, End: *m.level}}
	case m.counter:
		return []Series{{Labels: set, End: weight * 10_000, Slope: weight}}
	default:
		// It rises by a quarter in an hour, so that a mean is not the last value.
		return []Series{{Labels: set, End: weight, Slope: weight / 4 / 3600}}
	}
}

func limit(le string) float64 {
	v, err := strconv.ParseFloat(le, 64)
	if err != nil {
		return 0
	}
	return v
}
