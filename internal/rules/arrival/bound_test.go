package arrival

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// expressions makes random ones of what bounds can be computed of.
type expressions struct{ r *rand.Rand }

func (g *expressions) pick(of ...string) string { return of[g.r.IntN(len(of))] }

func (g *expressions) vector(depth int) string {
	leaf := g.pick("a", "b", `a{instance="1"}`, `{__name__=~"a|b"}`, "rate(c[1m])", "increase(c[90s])", "rate(d[1m])", "rate(c[2m])", "-a")
	if depth == 0 {
		return leaf
	}
	switch g.r.IntN(8) {
	case 0, 1:
		return g.pick("sum", "avg", "min", "max", "count") + g.pick(" by (job)", " by (job, instance)", " without (cpu)", "") + "(" + g.vector(depth-1) + ")"
	case 2:
		return "(" + g.vector(depth-1) + g.pick(" + ", " - ", " * ", " / ") + g.number() + ")"
	case 3:
		return "(" + g.vector(depth-1) + g.pick(" + ", " - ", " * ", " / ") + "ignoring (x) " + g.vector(depth-1) + ")"
	case 4:
		return "(" + g.boolean(depth-1) + ")"
	case 5:
		return "(" + g.number() + g.pick(" - ", " / ", " * ") + g.vector(depth-1) + ")"
	}
	return leaf
}

func (g *expressions) number() string {
	return g.pick("0", "0.05", "1", "3", "-2", "20", "100", "1e3", "-50", "2 * 2")
}

func (g *expressions) boolean(depth int) string {
	op := g.pick(" > ", " > ", " < ", " >= ", " <= ", " == ", " != ")
	switch g.r.IntN(6) {
	case 0:
		return g.number() + op + g.vector(depth)
	case 1:
		return g.vector(depth) + op + g.vector(depth)
	case 2:
		if depth > 0 {
			return "(" + g.boolean(depth-1) + ")" + g.pick(" and ", " or ", " unless ", " and on (job) ", " unless on (instance) ") + "(" + g.boolean(depth-1) + ")"
		}
	}
	return g.vector(depth) + op + g.number()
}

// TestBoundsHold: what a bound says has no result has none by PromQL, for random
// expressions over series with gaps, resets, staleness, samples that come out of
// order, and values that no counter has.
func TestBoundsHold(t *testing.T) {
	opts := tsdb.DefaultHeadOptions()
	opts.ChunkDirRoot = t.TempDir()
	opts.OutOfOrderTimeWindow.Store(time.Hour.Milliseconds())
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute})
	defer func() { _ = engine.Close() }()
	proven, asked, kinds := 0, 0, map[Class]int{}
	for seed := range uint64(250) {
		r := rand.New(rand.NewPCG(seed, 1))
		o := *opts
		o.ChunkDirRoot = t.TempDir()
		head, err := tsdb.NewHead(nil, nil, nil, nil, &o, nil)
		if err != nil {
			t.Fatal(err)
		}
		history(t, r, head, engine, func(rule *Rule, empty bool) {
			asked++
			if empty {
				proven++
				kinds[rule.plan.Class]++
			}
		})
		if err := head.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d of %d instants are proven to be empty: %v", proven, asked, kinds)
	if proven < asked/10 || kinds[Local] == 0 || kinds[Target] == 0 || kinds[Global] == 0 {
		t.Errorf("only %d of %d instants are proven to be empty: %v", proven, asked, kinds)
	}
}

// history commits random samples to a head and asks the bounds of random rules.
func history(t *testing.T, r *rand.Rand, head *tsdb.Head, engine *promql.Engine, answered func(*Rule, bool)) {
	g := expressions{r}
	f := &fixture{sink: &recorder{}}
	f.x = NewIndex(f.sink, func() int64 { return 0 })
	ps := parser.NewParser(parser.Options{})
	for range 12 {
		text := g.boolean(2)
		e, err := ps.ParseExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		rule := NewRule(Analyze(e, nil), false, 300_000)
		rule.Owner = text
		f.rules = append(f.rules, rule)
	}
	f.x.Replace(f.rules)
	var hook Hook
	hook.Attach(f.x)
	store := hook.Observe(appendable{head: head})
	type one struct {
		ls   labels.Labels
		v    float64
		last int64
		wild bool
	}
	var all []*one
	wild := r.IntN(4) == 0
	for _, name := range []string{"a", "b", "c", "d"} {
		for _, instance := range []string{"1", "2"} {
			for _, cpu := range []string{"0", "1"} {
				if r.IntN(5) > 0 {
					all = append(all, &one{ls: labels.FromStrings("__name__", name, "job", "j", "instance", instance, "cpu", cpu), last: silent, wild: wild})
				}
			}
		}
	}
	step := []int64{1000, 5000, 15_000, 30_000}[r.IntN(4)]
	instants := []int64{}
	for now := int64(1_000_000); now < 1_000_000+40*step; now += step {
		app := store.AppenderV2(context.Background())
		for i, s := range all {
			at := now
			if r.IntN(10) == 0 || wild && r.IntN(4) == 0 {
				continue
			}
			if wild && r.IntN(3) == 0 {
				at += int64(i) * 10
			}
			if wild && r.IntN(15) == 0 {
				at -= step + 7
			}
			name := s.ls.Get("__name__")
			switch {
			case name == "c" || name == "d":
				s.v += float64(r.IntN(50)) * float64(step) / 1000
				if name == "d" {
					s.v += 1e12 * r.Float64()
				}
				if r.IntN(12) == 0 {
					s.v = float64(r.IntN(5))
				}
			case r.IntN(2) == 0:
				s.v = float64(r.IntN(20)) - 3
			}
			v := s.v
			if wild && r.IntN(12) == 0 {
				v = []float64{math.NaN(), math.Inf(1), math.Inf(-1), -7, math.Float64frombits(value.StaleNaN), math.Float64frombits(value.StaleNaN)}[r.IntN(6)]
			}
			if at == s.last {
				continue
			}
			if _, err := app.Append(0, s.ls, 0, at, v, nil, nil, storage.AOptions{}); err != nil {
				continue // twice at the same time
			}
			s.last = max(s.last, at)
			instants = append(instants, at)
		}
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
		if r.IntN(4) > 0 {
			continue
		}
		at := instants[len(instants)-1-r.IntN(min(len(instants), 30))]
		f.compare(t, querying{head}, engine, at, answered)
	}
}

// compare asks every bound about an instant, and PromQL where it says that there is nothing.
func (f *fixture) compare(t *testing.T, q storage.Queryable, engine *promql.Engine, at int64, answered func(*Rule, bool)) {
	for _, rule := range f.rules {
		if rule.plan.Bound == nil {
			continue
		}
		none := map[string]bool{} // by partition
		if rule.plan.Class == Local {
			for _, e := range f.entries() {
				for i := range e.members {
					if em := &e.members[i]; em.rule == rule {
						s := scope{b: rule.plan.Bound, one: em.own, at: at, lookback: rule.lookback}
						key := string(allLabels().key(e.ls, nil))
						empty, twice := none[key] // the result has no metric name
						none[key] = (!twice || empty) && e.last == at && em.own.now.t == at && s.empty()
					}
				}
			}
		} else {
			for k, p := range rule.parts {
				none[k] = p.empty(at)
			}
		}
		var result promql.Vector
		for key, empty := range none {
			answered(rule, empty)
			if !empty {
				continue
			}
			if result == nil {
				query, err := engine.NewInstantQuery(context.Background(), q, nil, rule.Owner.(string), time.UnixMilli(at))
				if err != nil {
					t.Fatal(err)
				}
				res := query.Exec(context.Background())
				if res.Err != nil {
					query.Close()
					break // many matches of one element
				}
				v, err := res.Vector()
				if err != nil {
					t.Fatal(err)
				}
				result = append(promql.Vector{}, v...)
				query.Close()
			}
			for _, x := range result {
				k := string(rule.plan.Partition.key(x.Metric, nil))
				if rule.plan.Class == Local {
					k = string(allLabels().key(x.Metric, nil))
				}
				if k == key {
					t.Errorf("%s at %d: proven to be empty, but it is %s (partition %q)", rule.Owner, at, x, key)
				}
			}
		}
	}
}

func (f *fixture) entries() (out []*entry) {
	for ref := range uint64(200) {
		if e := f.x.tab.slot(storage.SeriesRef(ref)).Load(); e != nil && e.gen == f.x.set.Load().gen {
			out = append(out, e)
		}
	}
	return out
}

// querying reads a head.
type querying struct{ head *tsdb.Head }

func (q querying) Querier(mint, maxt int64) (storage.Querier, error) {
	return tsdb.NewBlockQuerier(tsdb.NewRangeHead(q.head, mint, maxt), mint, maxt)
}

// appendable lets an index observe a head.
type appendable struct {
	storage.Storage
	head *tsdb.Head
}

func (a appendable) AppenderV2(ctx context.Context) storage.AppenderV2 { return a.head.AppenderV2(ctx) }

func TestBoundsOfExpressions(t *testing.T) {
	for text, want := range map[string]bool{
		"sum by (job) (rate(c[5m])) / sum by (job) (rate(d[5m])) > 0.05": true,
		"a > 1 and on (instance) hour() > 8":                             true,
		"a > 1 unless on (instance) absent(b)":                           true,
		"sum(rate(c[5m] offset 1m)) > 1":                                 false,
		"sum(a)":                                                         false,
		"histogram_quantile(0.9, sum by (le) (rate(c[5m]))) > 1":         false,
		"rate(c[5m:1m]) > 1":                                             false,
		"sum(a) > bool 1":                                                false,
		"a % 3 > 1":                                                      false,
	} {
		e, err := parser.NewParser(parser.Options{}).ParseExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Analyze(e, nil).Bound != nil; got != want {
			t.Errorf("%s: bound %v, want %v", text, got, want)
		}
	}
}

// TestRatesAreBounded: what a steady counter does is known closely enough to be of use.
func TestRatesAreBounded(t *testing.T) {
	for _, every := range []int64{1000, 2000, 15_000} {
		f := newFixture(t, false, "rate(c[1m]) > 13", "sum by (job) (rate(c[1m])) > 13", "rate(c[1m]) / rate(d[1m]) > 3")
		at := int64(0)
		step := func(c, d float64) []string {
			at += every
			s := float64(at) / 1000
			return f.commit(t, p("c", "1", at, c*s), p("d", "1", at, d*s))
		}
		for at < 120_000 {
			step(10, 5.5)
		}
		if got := step(10, 5.5); len(got) > 0 {
			t.Errorf("every %d ms: %q", every, got)
		}
		if got := fmt.Sprint(step(10*1000, 5)); got == "[]" {
			t.Errorf("every %d ms: a jump was missed", every)
		}
	}
}
