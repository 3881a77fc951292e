package backtest

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
)

// group is one rule group of one side.
type group struct {
	file     string // as the server would name it: its hash decides the evaluation times
	name     string
	interval time.Duration
	offset   time.Duration // query_offset
	limit    int
	index    int
	rules    []*rule
	phase    int64 // nanoseconds from the multiples of interval
}

// tickAfter gives the first evaluation time at or after t, in nanoseconds.
func (g *group) tickAfter(t int64) int64 {
	step := int64(g.interval)
	k := (t - g.phase) / step
	if at := k*step + g.phase; at >= t {
		return at
	}
	return (k+1)*step + g.phase
}

// sampleTime is the timestamp, in milliseconds, of what is written at the tick.
func (g *group) sampleTime(tick int64) int64 {
	return time.Unix(0, tick).Add(-g.offset).UnixMilli()
}

// before says whether rule a at tick at is evaluated before rule b at tick bt.
func before(a *rule, at int64, b *rule, bt int64) bool {
	if at != bt {
		return at < bt
	}
	if a.group.index != b.group.index {
		return a.group.index < b.group.index
	}
	return a.index < b.index
}

// loadSide reads rule files. names gives the file name that the server knows
// for each path.
func loadSide(paths []string, names map[string]string, o *Options) ([]*group, error) {
	var out []*group
	var errs []error
	count := 0
	for _, path := range paths {
		parsed, fileErrs := o.parse(path)
		if len(fileErrs) > 0 {
			for _, err := range fileErrs {
				text := err.Error()
				if !strings.HasPrefix(text, path) {
					text = path + ": " + text
				}
				errs = append(errs, errors.New(text))
			}
			continue
		}
		for _, rg := range parsed.Groups {
			if count += len(rg.Rules); o.MaxRules > 0 && count > o.MaxRules {
				return nil, fmt.Errorf("load rules: %s: more than %d rules", path, o.MaxRules)
			}
			g := &group{file: names[path], name: rg.Name, interval: time.Duration(rg.Interval), limit: rg.Limit, index: len(out), offset: o.QueryOffset}
			if g.interval == 0 {
				g.interval = o.EvaluationInterval
			}
			if rg.QueryOffset != nil {
				g.offset = time.Duration(*rg.QueryOffset)
			}
			g.phase = phaseOf(g)
			for i := range rg.Rules {
				r, err := newRule(g, i, rg.Labels, &rg.Rules[i], o)
				if err != nil {
					errs = append(errs, fmt.Errorf("%s: group %q, rule %d: %w", path, rg.Name, i+1, err))
					continue
				}
				g.rules = append(g.rules, r)
			}
			out = append(out, g)
		}
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("load rules: %w", errors.Join(errs...))
	}
	return out, nil
}

func (o *Options) parse(path string) (*rulefmt.RuleGroups, []error) {
	if text, ok := o.Contents[path]; ok {
		return rulefmt.Parse(text, o.IgnoreUnknownFields, model.UTF8Validation, o.parser, slog.New(slog.DiscardHandler))
	}
	return rulefmt.ParseFile(path, o.IgnoreUnknownFields, model.UTF8Validation, o.parser, slog.New(slog.DiscardHandler))
}

// phaseOf asks upstream's group for its evaluation times.
func phaseOf(g *group) int64 {
	up := rules.NewGroup(rules.GroupOptions{Name: g.name, File: g.file, Interval: g.interval, Opts: &rules.ManagerOptions{}})
	at := up.EvalTimestamp(int64(1000 * g.interval)).UnixNano()
	return at % int64(g.interval)
}

func newRule(g *group, index int, groupLabels map[string]string, def *rulefmt.Rule, o *Options) (*rule, error) {
	expr, err := o.parser.ParseExpr(def.Expr)
	if err != nil {
		return nil, err
	}
	if t := expr.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeScalar {
		return nil, fmt.Errorf("expression is a %s; a rule needs a vector or a scalar", t)
	}
	r := &rule{
		group: g, index: index, expr: expr, query: expr.String(), labels: rules.FromMaps(groupLabels, def.Labels),
		hold: time.Duration(def.For), keep: time.Duration(def.KeepFiringFor),
		refs: map[uint64]*seriesRef{}, targets: map[uint64]*target{}, seen: map[string]bool{},
	}
	if r.name, r.alert = def.Record, def.Alert != ""; r.alert {
		r.name = def.Alert
		r.expander = newExpander(r, o)
	}
	r.selectors, r.traits = inspect(expr)
	r.asked, r.threshold = split(expr)
	return r, nil
}

// serverNames pairs the files of both sides, so that a rule keeps its evaluation
// times although its file has another name here than there.
func serverNames(beforePaths, afterPaths []string, dir string) (beforeNames, afterNames map[string]string) {
	name := func(path string) string {
		if dir != "" {
			return dir + "/" + filepath.Base(path)
		}
		return filepath.Base(path)
	}
	seen := map[string]int{}
	afterNames = map[string]string{}
	for _, p := range afterPaths {
		seen[name(p)]++
		afterNames[p] = name(p)
		if seen[name(p)] > 1 {
			afterNames[p] = p
		}
	}
	beforeNames = map[string]string{}
	taken := map[string]bool{}
	for i, p := range beforePaths {
		n := name(p)
		if seen[n] == 0 && len(beforePaths) == len(afterPaths) {
			n = afterNames[afterPaths[i]]
		}
		if taken[n] {
			n = p
		}
		taken[n] = true
		beforeNames[p] = n
	}
	return beforeNames, afterNames
}

// selector is one vector selector of an expression.
type selector struct {
	text     string
	matchers []*labels.Matcher
}

// traits are what makes a range query answer otherwise than single queries.
type traits struct {
	single bool // its answer depends on the query's own start, end or step
	ahead  bool // reads other times than those before the evaluation: "@", negative offset
}

func inspect(expr parser.Expr) ([]selector, traits) {
	var out []selector
	var t traits
	look := func(at *int64, startEnd parser.ItemType, offset time.Duration, computed ...*parser.DurationExpr) {
		t.single = t.single || startEnd == parser.START || startEnd == parser.END
		t.ahead = t.ahead || at != nil || startEnd != 0 || offset < 0
		for _, d := range computed {
			// A computed duration may be made of step() and range().
			if d != nil {
				t.single, t.ahead = true, true
			}
		}
	}
	seen := map[string]bool{}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			look(n.Timestamp, n.StartOrEnd, n.OriginalOffset, n.OriginalOffsetExpr)
			t.ahead = t.ahead || n.Smoothed
			text := matchersText(n.LabelMatchers)
			if !seen[text] {
				seen[text] = true
				out = append(out, selector{text: text, matchers: n.LabelMatchers})
			}
		case *parser.MatrixSelector:
			look(nil, 0, 0, n.RangeExpr)
		case *parser.SubqueryExpr:
			look(n.Timestamp, n.StartOrEnd, n.OriginalOffset, n.RangeExpr, n.OriginalOffsetExpr, n.StepExpr)
		}
		return nil
	})
	return out, t
}

// matchersText writes a selector as people do: the name in front.
func matchersText(ms []*labels.Matcher) string {
	name := ""
	var rest []string
	for _, m := range ms {
		if m.Name == labels.MetricName && m.Type == labels.MatchEqual && name == "" {
			name = m.Value
			continue
		}
		rest = append(rest, m.String())
	}
	if len(rest) == 0 && name != "" {
		return name
	}
	return name + "{" + strings.Join(rest, ",") + "}"
}
