package backtest

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
)

var (
	histories = flag.Int("histories", 60, "random histories of the differential test")
	firstSeed = flag.Uint64("seed", 1, "seed of the first history")
)

// trace is what every evaluation left behind: rule and time to a text.
type trace map[string]string

func alertText(ls labels.Labels, state string, active, fired, keep int64, v float64) string {
	return fmt.Sprintf("%s %s active=%d fired=%d keep=%d value=%v", ls, state, active, fired, keep, v)
}

// generator makes random data and rules.
type generator struct {
	r *rand.Rand
	b strings.Builder
}

func (g *generator) pick(list ...string) string { return list[g.r.IntN(len(list))] }

func (g *generator) data(store *testStore, from, to int64) {
	for _, name := range []string{"a", "b", "c"} {
		for inst := range 3 {
			for _, job := range []string{"x", "y"} {
				ls := labels.FromStrings(labels.MetricName, name, "instance", fmt.Sprint(inst), "job", job)
				v := float64(g.r.IntN(6))
				for t := from + g.r.Int64N(15000); t < to; t += 14990 + g.r.Int64N(20) {
					switch g.r.IntN(40) {
					case 0:
						_ = store.add(ls, t, staleMarker, nil)
						t += g.r.Int64N(120000)
						continue
					case 1:
						t += g.r.Int64N(400000)
					}
					if g.r.IntN(4) == 0 {
						v = float64(g.r.IntN(6))
					}
					_ = store.add(ls, t, v, nil)
				}
			}
		}
	}
}

func (g *generator) expr(recorded []string) string {
	from := append([]string{"a", "b", "c"}, recorded...)
	s := g.pick(from...)
	if g.r.IntN(3) == 0 {
		s += g.pick(`{job="x"}`, `{instance!="1"}`, `{job=~"x|y"}`, `{instance="0"}`)
	}
	switch g.r.IntN(16) {
	case 0:
		return fmt.Sprintf("sum by (instance) (%s) > %d", s, g.r.IntN(9))
	case 1:
		return fmt.Sprintf("rate(%s[%s]) > 0", s, g.pick("1m", "2m"))
	case 2:
		return fmt.Sprintf("absent(%s)", s)
	case 3:
		return fmt.Sprintf("%s > on (instance, job) %s", s, g.pick(from...))
	case 4:
		return fmt.Sprintf("%s unless %s > 3", s, g.pick(from...))
	case 5:
		return fmt.Sprintf("%s offset %s > 2", s, g.pick("1m", "17s"))
	case 6:
		return fmt.Sprintf("max_over_time(%s[1m:10s]) > 4", s)
	case 7:
		return fmt.Sprintf(`%s{alertstate="%s"}`, g.pick("ALERTS"), g.pick("firing", "pending"))
	case 8:
		return fmt.Sprintf("time() - timestamp(%s) > 12", s)
	case 9:
		return fmt.Sprintf("label_replace(%s > 3, \"job\", \"z\", \"job\", \"x\")", s)
	case 10:
		return fmt.Sprintf("%s > on (job) group_left () %s", s, g.pick(from...)) // often fails
	case 11:
		return fmt.Sprintf("count(%s) - 3", s)
	case 12:
		return fmt.Sprintf("vector(%d) > 2", g.r.IntN(5))
	case 13:
		return fmt.Sprintf("%s @ end() > 2", s)
	case 14:
		return "ALERTS_FOR_STATE + 60 < time()"
	}
	return fmt.Sprintf("%s > %d", s, g.r.IntN(5))
}

// rules writes a rule file. Recorded names go r0, r1, …; a rule may select those
// before it, after it and itself.
func (g *generator) rules() string {
	g.b.Reset()
	recorded := []string{}
	for i := range g.r.IntN(4) {
		recorded = append(recorded, fmt.Sprintf("r%d", i))
	}
	use := recorded
	if g.r.IntN(2) == 0 {
		use = nil
	}
	next := 0
	fmt.Fprintln(&g.b, "groups:")
	for gi := range 1 + g.r.IntN(3) {
		fmt.Fprintf(&g.b, "- name: g%d\n  interval: %s\n", gi, g.pick("15s", "30s", "1m", "20s"))
		if g.r.IntN(4) == 0 {
			fmt.Fprintf(&g.b, "  query_offset: %s\n", g.pick("0s", "10s", "1m"))
		}
		if g.r.IntN(4) == 0 {
			fmt.Fprintf(&g.b, "  limit: %d\n", 1+g.r.IntN(4))
		}
		fmt.Fprintln(&g.b, "  rules:")
		for ri := range 1 + g.r.IntN(4) {
			if next < len(recorded) && g.r.IntN(2) == 0 {
				fmt.Fprintf(&g.b, "  - record: %s\n    expr: %q\n", recorded[next], g.expr(use))
				if g.r.IntN(3) == 0 {
					fmt.Fprintf(&g.b, "    labels: {job: %s}\n", g.pick("x", "q"))
				}
				next++
				continue
			}
			fmt.Fprintf(&g.b, "  - alert: A%d%d\n    expr: %q\n", gi, ri, g.expr(use))
			if g.r.IntN(2) == 0 {
				fmt.Fprintf(&g.b, "    for: %s\n", g.pick("30s", "1m", "45s"))
			}
			if g.r.IntN(3) == 0 {
				fmt.Fprintf(&g.b, "    keep_firing_for: %s\n", g.pick("30s", "2m"))
			}
			switch g.r.IntN(6) {
			case 0:
				fmt.Fprintln(&g.b, "    labels: {severity: page}")
			case 1:
				fmt.Fprintln(&g.b, `    labels: {v: "{{ $value }}", instance: "i{{ $labels.instance }}"}`)
			case 2:
				fmt.Fprintln(&g.b, `    labels: {instance: "{{ $labels.job }}", job: ""}`) // may collide
			case 3:
				fmt.Fprintln(&g.b, `    labels: {n: "{{ with query \"count(a)\" }}{{ . | first | value }}{{ end }}"}`)
			}
		}
	}
	return g.b.String()
}

// stock evaluates the file with upstream's groups, one tick after the other.
func stock(t *testing.T, file string, store *testStore, from, to int64) (trace, []error) {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 1 << 22, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return 60000 }, Parser: parser.NewParser(parser.Options{}),
	})
	defer engine.Close()
	m := rules.NewManager(&rules.ManagerOptions{
		AppendableV2: store, QueryFunc: rules.EngineQueryFunc(engine, store), Queryable: store,
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {}, Context: context.Background(),
		Logger: slog.New(slog.DiscardHandler), ExternalURL: &url.URL{},
	})
	loaded, errs := m.LoadGroups(time.Minute, labels.EmptyLabels(), "", nil, false, file)
	if errs != nil {
		return nil, errs
	}
	var groups []*rules.Group
	for _, name := range slices.Sorted(maps.Keys(loaded)) {
		groups = append(groups, loaded[name])
		for _, r := range loaded[name].AlertingRules() {
			r.SetRestored(true)
		}
	}
	out := trace{}
	next := make([]time.Time, len(groups))
	for i, g := range groups {
		next[i] = g.EvalTimestamp(from)
		for next[i].UnixNano() < from {
			next[i] = next[i].Add(g.Interval())
		}
	}
	for {
		i := 0
		for k := range groups {
			if next[k].Before(next[i]) {
				i = k
			}
		}
		ts := next[i]
		if ts.UnixNano() > to {
			return out, nil
		}
		g := groups[i]
		next[i] = ts.Add(g.Interval())
		g.Eval(context.Background(), ts)
		for k, r := range g.Rules() {
			ar, ok := r.(*rules.AlertingRule)
			if !ok {
				continue
			}
			var list []string
			for _, a := range ar.ActiveAlerts() {
				list = append(list, alertText(a.Labels, a.State.String(), a.ActiveAt.UnixNano(), nanos(a.FiredAt), nanos(a.KeepFiringSince), a.Value))
			}
			slices.Sort(list)
			out[fmt.Sprintf("%s/%d %s at %d", g.Name(), k, r.Name(), ts.UnixNano())] = fmt.Sprintf("failed=%t\n%s", r.LastError() != nil, strings.Join(list, "\n"))
		}
	}
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// watch makes a trace of our rules.
func watch(s *side, out trace, mu *sync.Mutex) {
	failures := map[*rule]int{}
	for _, r := range s.rules() {
		r.observed = true
		if !r.alert {
			continue
		}
		r.observe = func(r *rule, tick int64) {
			var list []string
			for _, t := range r.active {
				state := "pending"
				if t.state == firing {
					state = "firing"
				}
				list = append(list, alertText(t.labels, state, t.active, t.fired, t.keepSince, t.value))
			}
			slices.Sort(list)
			mu.Lock()
			defer mu.Unlock()
			failed := r.outcome.failures > failures[r]
			failures[r] = r.outcome.failures
			out[fmt.Sprintf("%s/%d %s at %d", r.group.name, r.index, r.name, tick)] = fmt.Sprintf("failed=%t\n%s", failed, strings.Join(list, "\n"))
		}
	}
}

// TestEqualsUpstream replays random rules over random data, and holds every
// state after every evaluation, and every sample written, against upstream's
// own groups evaluated one tick after the other.
func TestEqualsUpstream(t *testing.T) {
	single, ranged, fired, failed, recorded := 0, 0, 0, 0, 0
	for seed := *firstSeed; seed < *firstSeed+uint64(*histories); seed++ {
		g := &generator{r: rand.New(rand.NewPCG(seed, 7))}
		base := int64(1_700_000_000_000)
		from, to := base+10*60_000, base+50*60_000
		store := newTestStore()
		g.data(store, base, to)
		dir := t.TempDir()
		file := filepath.Join(dir, "rules.yml")
		text := g.rules()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		theirs := store.clone()
		want, errs := stock(t, file, theirs, from*1e6, to*1e6)
		if errs != nil {
			t.Fatalf("seed %d: %v\n%s", seed, errs, text)
		}
		got := trace{}
		var mu sync.Mutex
		var planned *side
		// Half of the histories go through several windows; what is written is
		// compared where it is all kept.
		window := time.Hour
		if seed%2 == 0 {
			window = time.Duration(1+g.r.IntN(15)) * time.Minute
		}
		report, err := Run(context.Background(), Options{
			After: []string{file}, RulesDir: dir, From: time.UnixMilli(from), To: time.UnixMilli(to), Workers: 2,
			Source: NewSource("test", store), fixedWarmUp: true, window: window,
			prepare: func(_, after *side) { planned = after; watch(after, got, &mu) },
		})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		for _, u := range planned.units {
			if u.single {
				single++
			} else {
				ranged++
			}
		}
		fired += report.Total.After.Alerts
		failed += report.Total.After.Failures
		if d := differences(want, got); d != "" {
			t.Fatalf("seed %d: %s\n%s", seed, d, text)
		}
		if window < time.Hour {
			continue
		}
		n, d := writtenAlike(planned, theirs, store)
		if d != "" {
			t.Fatalf("seed %d: %s\n%s", seed, d, text)
		}
		recorded += n
	}
	t.Logf("%d rules by range, %d components singly, %d alerts fired, %d failed evaluations, %d samples written", ranged, single, fired, failed, recorded)
	if *histories >= 50 && (single == 0 || ranged == 0 || fired < 100 || failed < 100 || recorded < 1000) {
		t.Fatal("the histories are too tame to prove anything")
	}
}

func differences(want, got trace) string {
	keys := map[string]bool{}
	for k := range want {
		keys[k] = true
	}
	for k := range got {
		keys[k] = true
	}
	at := func(k string) string { return k[strings.LastIndex(k, " ")+1:] }
	sorted := slices.Collect(maps.Keys(keys))
	slices.SortFunc(sorted, func(a, b string) int { return strings.Compare(at(a)+a, at(b)+b) })
	for _, k := range sorted {
		if want[k] != got[k] {
			return fmt.Sprintf("%s\nupstream: %s\nours: %s", k, want[k], got[k])
		}
	}
	return ""
}

// writtenAlike compares the series that rules wrote.
func writtenAlike(s *side, theirs, stored *testStore) (int, string) {
	ours := map[string][]point{}
	writers := map[string]int{}
	var all []*points
	for _, r := range s.rules() {
		for _, o := range r.out {
			writers[o.ls.String()]++
			all = append(all, &points{ls: o.ls, data: o.data})
		}
	}
	for _, p := range merge(all) {
		ours[p.ls.String()] = p.data
	}
	n := 0
	for h, p := range theirs.series {
		if stored.series[h] != nil {
			continue
		}
		text := p.ls.String()
		got := ours[text]
		delete(ours, text)
		if writers[text] > 1 {
			continue // Who comes first at a timestamp is not compared.
		}
		if len(got) != len(p.data) {
			return 0, fmt.Sprintf("%s: upstream wrote %d samples, we %d", text, len(p.data), len(got))
		}
		for i := range got {
			if got[i].t != p.data[i].t || math.Float64bits(got[i].v) != math.Float64bits(p.data[i].v) {
				return 0, fmt.Sprintf("%s: upstream wrote %v at %d, we %v at %d", text, p.data[i].v, p.data[i].t, got[i].v, got[i].t)
			}
		}
		n += len(got)
	}
	for text := range ours {
		return 0, fmt.Sprintf("%s: we wrote it, upstream did not", text)
	}
	return n, ""
}
