package rules

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
)

// lingering lists the ALERTS series whose newest sample is no staleness marker.
func (w *world) lingering() []string {
	w.store.mu.RLock()
	defer w.store.mu.RUnlock()
	var out []string
	for _, s := range w.store.series {
		if s.ls.Get(labels.MetricName) == "ALERTS" && !value.IsStaleNaN(s.samples[len(s.samples)-1].F()) {
			out = append(out, s.ls.String())
		}
	}
	return out
}

// A heartbeat that catch-up brings in pieces was never silent.
func TestCatchUpOfHeartbeatIsLeftToTheTick(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  rules:
  - {alert: Silent, expr: time() - m > 90}
`, func(s *scene) {
		s.wait(20 * time.Minute)
		old := time.Now().Add(-15 * time.Minute)
		s.commit([]sample{{"m", "x/1", timestamp.FromTime(old), float64(old.Unix())}})
		synctest.Wait()
		s.wait(61 * time.Second)
		if got := s.ours.told(); len(got) > 0 {
			t.Errorf("told %v, Prometheus told %v", got, s.stock.told())
		}
	})
}

// A tick that fails does not take over the series that an arrival wrote.
func TestSeriesEndAfterATickThatFailed(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  rules:
  - {alert: High, expr: m > 5}
`, func(s *scene) {
		s.wait(125 * time.Second) // upstream writes ALERTS from the second tick on
		s.put("x/1", map[string]float64{"m": 9})
		if got := s.ours.lingering(); len(got) != 1 {
			t.Fatalf("ALERTS after the arrival: %v", got)
		}
		s.ours.store.broken.Store(true)
		s.wait(60 * time.Second)
		s.ours.store.broken.Store(false)
		s.put("x/1", map[string]float64{"m": 1})
		s.wait(60 * time.Second)
		if st := s.ours.states(); len(st) != 0 {
			t.Fatalf("states %v", st)
		}
		if got := s.ours.lingering(); len(got) != 0 {
			t.Errorf("%v go on after the alert was cleared", got)
		}
	})
}

// Rules that upstream tells apart by their place alone.
func TestTwinsAreBothEvaluated(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  query_offset: 10s
  rules:
  - {alert: High, expr: m > 5}
  - {alert: High, expr: m > 5, keep_firing_for: 5m}
`, func(s *scene) {
		s.wait(55 * time.Second)
		g := s.m.RuleGroups()[0]
		next := g.EvalTimestamp(time.Now().UnixNano()).Add(g.Interval())
		s.wait(time.Until(next.Add(-5 * time.Second)))
		s.commit([]sample{{"m", "x/1", timestamp.FromTime(time.Now()), 9}})
		s.wait(61 * time.Second)
		s.put("x/1", map[string]float64{"m": 1})
		s.wait(3 * time.Minute)
		a, b := s.states2()
		if !slices.Equal(a, b) {
			t.Errorf("states %v, Prometheus has %v", a, b)
		}
		for _, r := range s.m.Arrivals() {
			if r.Class != "tick" || !strings.Contains(r.Reason, "another rule of the group") {
				t.Errorf("got class %s, reason %s", r.Class, r.Reason)
			}
		}
	})
}

func (s *scene) states2() (ours, stock []string) {
	f := func(w *world) (out []string) {
		for i, r := range w.rules() {
			for _, a := range r.ActiveAlerts() {
				out = append(out, fmt.Sprint(i, a.Labels, a.State))
			}
		}
		slices.Sort(out)
		return out
	}
	return f(s.ours), f(s.stock)
}

// Where arrival is disabled the end of `for` waits for its tick, too.
func TestDisabledGroupHasNoTimers(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.m.arrivals.o.Arrival = func(string, string) Arrival { return ArrivalDisabled }
		s.load()
		g := s.m.RuleGroups()[0]
		s.wait(time.Until(g.EvalTimestamp(time.Now().UnixNano()).Add(2*g.Interval() - time.Second)))
		for range 92 { // the first tick is a second away
			s.put("x/1", map[string]float64{"m": 9})
			s.wait(time.Second)
		}
		if got, want := s.ours.told(), s.stock.told(); slices.Contains(got, "Held firing") != slices.Contains(want, "Held firing") {
			t.Errorf("told %v, Prometheus %v", got, want)
		}
	})
}

// A label that a template looks up may have another value between ticks: the
// alert of before must stay.
func TestLabelThatIsLookedUpClearsNothing(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  rules:
  - alert: High
    expr: m > 5
    labels: {size: '{{ with query "count(m)" }}{{ . | first | value }}{{ end }}'}
`, func(s *scene) {
		s.wait(61 * time.Second)
		s.put("x/1", map[string]float64{"m": 9})
		s.wait(61 * time.Second)
		before := s.ours.states()
		if len(before) != 1 {
			t.Fatalf("states %v", before)
		}
		s.put("x/2", map[string]float64{"m": 9})
		after := s.ours.states()
		for a := range before {
			if _, ok := after[a]; !ok {
				t.Errorf("an arrival cleared %s: %v", a, after)
			}
		}
	})
}

// Alerts whose label takes the place of one that tells the elements apart survive a restart.
func TestRestartKeepsAlertsWithRewrittenLabels(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  rules:
  - {alert: High, expr: m > 5, for: 150s, labels: {instance: 'host-{{ $labels.instance }}'}}
`, func(s *scene) {
		s.wait(61 * time.Second)
		for _, x := range []string{"x/1", "x/2", "x/3"} {
			s.put(x, map[string]float64{"m": 9})
		}
		s.wait(61 * time.Second)
		since := func() map[string]time.Time {
			out := map[string]time.Time{}
			for _, a := range s.m.AlertingRules()[0].ActiveAlerts() {
				out[a.Labels.String()] = a.ActiveAt
			}
			return out
		}
		before := since()
		if len(before) != 3 {
			t.Fatalf("alerts %v", before)
		}
		if err := s.m.Close(); err != nil {
			t.Fatal(err)
		}
		s.open()
		synctest.Wait()
		s.wait(61 * time.Second)
		after := since()
		for a, at := range before {
			if !after[a].Equal(at) {
				t.Errorf("%s was active since %s, now since %s", a, at, after[a])
			}
		}
	})
}

// Rules that a reload has replaced leave no timer behind.
func TestReloadsLeaveNoAlarms(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  rules:
  - {alert: Old, expr: time() - m > 864000}
`, func(s *scene) {
		for range 20 {
			s.put("x/1", map[string]float64{"m": float64(time.Now().Unix())})
			s.load()
			s.wait(time.Second)
		}
		s.m.arrivals.mu.Lock()
		n := len(s.m.arrivals.future)
		s.m.arrivals.mu.Unlock()
		if n > 1 {
			t.Errorf("%d timers wait for one rule", n)
		}
	})
}

// The journal is told of the group in force, not of the one that it has replaced.
func TestReplacedGroupIsNotJournalled(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.wait(20 * time.Second)
		a := s.m.arrivals
		old := s.m.RuleGroups()[0]
		a.changed(old, s.m.restore.group(old)) // is written at once
		synctest.Wait()
		a.changed(old, s.m.restore.group(old)) // waits a little
		if err := os.WriteFile(s.file, []byte("groups: [{name: g, interval: 15s, rules: [{alert: High, expr: m > 8}]}]"), 0o600); err != nil {
			t.Error(err)
			return
		}
		s.load()
		a.mu.Lock()
		defer a.mu.Unlock()
		if _, stale := a.dirty[old]; stale {
			t.Error("the group that was replaced will be written over its successor")
		}
	})
}

// Rules and groups that a reload has taken away leave nothing in memory.
func TestReloadsForgetWhatIsGone(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		for i := range 5 {
			text := fmt.Sprintf("groups: [{name: g%d, interval: 15s, rules: [{alert: A%d, expr: m > 5}]}, {name: stays, interval: 15s, rules: [{alert: B%d, expr: m > 6}]}]", i, i, i)
			if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
				t.Error(err)
				return
			}
			s.load()
			s.wait(20 * time.Second)
			s.put("x/1", map[string]float64{"m": 9 + float64(i)})
			s.wait(20 * time.Second)
		}
		r := s.m.restore
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.groups) != 2 {
			t.Errorf("the state of %d groups is kept, 2 are in force", len(r.groups))
		}
		for key, st := range r.groups {
			if len(st.results) > 1 {
				t.Errorf("results of %d rules are kept of %s, which has one", len(st.results), key)
			}
		}
		m := s.m.arrivals.metrics
		if n := testutil.CollectAndCount(m.byRule); n > 2 || len(m.rules) != 2 {
			t.Errorf("%d rules have a histogram, %d are in force", n, len(m.rules))
		}
	})
}

// The journal of a storm must not hold up the ticks.
func BenchmarkSnapshotOfStorm(b *testing.B) {
	const n = 5000
	p := parser.NewParser(parser.Options{})
	expr, err := p.ParseExpr("m > 5")
	if err != nil {
		b.Fatal(err)
	}
	ar := rules.NewAlertingRule("High", expr, 0, 0, labels.FromStrings("severity", "x"), labels.EmptyLabels(), labels.EmptyLabels(), "", true, nil)
	g := rules.NewGroup(rules.GroupOptions{Name: "g", File: "f", Rules: []rules.Rule{ar}, Opts: &rules.ManagerOptions{Metrics: rules.NewGroupMetrics(nil)}})
	st := &groupState{results: map[string]map[uint64]*noted{}}
	var vec promql.Vector
	for i := range n {
		ls := labels.FromStrings("__name__", "m", "job", "x", "instance", fmt.Sprint(i))
		vec = append(vec, promql.Sample{Metric: ls, F: 9})
		st.note(ruleID(rules.NewRuleDetail(ar)), ls)
	}
	if _, err := ar.Eval(context.Background(), 0, time.Now(), func(context.Context, string, time.Time) (promql.Vector, error) { return vec, nil }, nil, 0); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		if s := snapshot(g, st); len(s.Rules[0].Alerts) != n {
			b.Fatal(len(s.Rules[0].Alerts))
		}
	}
}

// What a tick carries must not take a rule over its limit: that clears all of it.
func TestCarriedAlertsStayWithinTheLimit(t *testing.T) {
	sampled := func(x string) promql.Sample {
		return promql.Sample{Metric: labels.FromStrings("__name__", "m", "instance", x), F: 9}
	}
	for _, tc := range []struct {
		limit string
		res   promql.Vector
		want  int
	}{
		{"0", promql.Vector{sampled("1"), sampled("2")}, 4},
		{"3", promql.Vector{sampled("1"), sampled("2")}, 3},
		{"2", promql.Vector{sampled("1"), sampled("2")}, 2},
		{"2", promql.Vector{sampled("1"), sampled("2"), sampled("5")}, 3},
		{"2", promql.Vector{sampled("3"), sampled("4")}, 2},
	} {
		stage(t, "groups: [{name: g, interval: 60s, limit: "+tc.limit+", rules: [{alert: High, expr: m > 5}]}]", func(s *scene) {
			w := s.m.arrivals.set.Load().all[0]
			now := time.Now()
			w.recent = map[uint64]recentRaise{}
			for _, x := range []string{"3", "4"} {
				w.recent[sampled(x).Metric.Hash()] = recentRaise{sample: sampled(x), at: timestamp.FromTime(now) + 1}
			}
			if got := w.carried(slices.Clone(tc.res), now); len(got) != tc.want {
				t.Errorf("limit %s: a result of %d becomes %d, want %d", tc.limit, len(tc.res), len(got), tc.want)
			}
		})
	}
}

// A rule that keeps alerts firing counts them in its limit: one that Prometheus
// never saw would clear those that it has.
func TestKeptAlertsOfARuleWithALimitAreLeftToTheTick(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  limit: 2
  rules:
  - {alert: High, expr: m > 5, keep_firing_for: 10m}
`, func(s *scene) {
		s.wait(61 * time.Second)
		s.put("x/1", map[string]float64{"m": 9})
		s.wait(time.Second)
		s.put("x/1", map[string]float64{"m": 1})
		s.put("x/2", map[string]float64{"m": 1})
		s.put("x/3", map[string]float64{"m": 1})
		s.wait(60 * time.Second)
		s.put("x/2", map[string]float64{"m": 9})
		s.put("x/3", map[string]float64{"m": 9})
		s.wait(60 * time.Second)
		a, b := s.states2()
		for _, x := range b {
			if !slices.Contains(a, x) {
				t.Errorf("%s is missing: %v", x, a)
			}
		}
		if len(b) != 2 {
			t.Errorf("Prometheus has %v: the test shows nothing", b)
		}
	})
}

// count is how many elements of a rule are known.
func (st *groupState) count(id string) int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return len(st.results[id])
}

// What has been checked is what comes into force: an editor may be at work.
func TestReloadAppliesWhatItHasChecked(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		const checked = "groups: [{name: g, rules: [{alert: New, expr: m > 7}]}]"
		if err := os.WriteFile(s.file, []byte(checked), 0o600); err != nil {
			t.Error(err)
			return
		}
		c, err := s.m.Prepare(Settings{Interval: 15 * time.Second, Patterns: []string{s.file}})
		if err != nil {
			t.Error(err)
			return
		}
		if err := os.WriteFile(s.file, []byte("groups: ["), 0o600); err != nil {
			t.Error(err)
			return
		}
		if err := c.Apply(); err != nil {
			t.Errorf("a file that was broken after its check is refused amid a reload: %v", err)
		}
		if rs := s.m.AlertingRules(); len(rs) != 1 || rs[0].Name() != "New" {
			t.Errorf("rules in force: %v", rs)
		}
	})
}
