package rules

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/rules"

	"touchline.dev/touchline/internal/rules/arrival"
)

// A heartbeat that beats moves its crossing with every sample: the timer that
// waits for it must not become one more each time.
func TestHeartbeatsWaitOnce(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  rules:
  - {alert: Silent, expr: time() - m > 90}
`, func(s *scene) {
		for range 200 {
			s.put("x/1", map[string]float64{"m": float64(time.Now().Unix())})
			s.put("x/2", map[string]float64{"m": float64(time.Now().Unix())})
			s.wait(2 * time.Second)
		}
		s.m.arrivals.mu.Lock()
		n := len(s.m.arrivals.future)
		s.m.arrivals.mu.Unlock()
		if n > 2 {
			t.Errorf("%d timers wait for one rule over two series", n)
		}
		last := time.Now().Unix()
		s.put("x/1", map[string]float64{"m": float64(last)})
		s.wait(time.Until(time.Unix(last+90, 0).Add(2 * time.Millisecond)))
		if got := s.ours.told(); !slices.Contains(got, "Silent firing") {
			t.Errorf("told %v when the heartbeat had been silent for 90 s", got)
		}
	})
}

// While one arrival of a rule is handed over, the next waits for it, not for the tick.
func TestArrivalsOfOneRuleOverlap(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.wait(61 * time.Second)
		inside, free := make(chan struct{}), make(chan struct{})
		notify := s.m.arrivals.o.Notify
		first := true
		s.m.arrivals.o.Notify = func(ctx context.Context, expr string, as ...*rules.Alert) error {
			s.ours.mu.Lock()
			hold := first
			first = false
			s.ours.mu.Unlock()
			if hold {
				close(inside)
				<-free
			}
			return notify(ctx, expr, as...)
		}
		s.put("x/1", map[string]float64{"m": 9})
		<-inside
		s.wait(10 * time.Millisecond)
		s.put("x/2", map[string]float64{"m": 9})
		close(free)
		synctest.Wait()
		st := s.ours.states()
		for _, name := range []string{"High", "Kept"} {
			if a := `{alertname="` + name + `", instance="2", job="x"}`; st[a] != rules.StateFiring {
				t.Errorf("%s waits for the tick: %v", a, st)
			}
		}
	})
}

// What a tick has cleared does not come back because older samples become known.
func TestOlderInstantDoesNotBringBackWhatTheTickCleared(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  rules:
  - {alert: Sum, expr: sum(m) > 10}
`, func(s *scene) {
		s.put("x/1", map[string]float64{"m": 1})
		s.put("x/2", map[string]float64{"m": 1})
		s.wait(61 * time.Second)
		for i := 0; i < 2; i++ {
			s.put("x/1", map[string]float64{"m": 9})
			s.put("x/2", map[string]float64{"m": 9})
			s.wait(100 * time.Millisecond)
		}
		if got := s.ours.told(); !slices.Equal(got, []string{"Sum firing"}) {
			t.Fatalf("told %v", got)
		}
		g := s.m.RuleGroups()[0]
		next := g.EvalTimestamp(time.Now().UnixNano()).Add(g.Interval())
		if time.Until(next) < 10*time.Second { // the slot follows from the file's name
			next = next.Add(g.Interval())
		}
		s.wait(time.Until(next) - 10*time.Second)
		s.put("x/1", map[string]float64{"m": 9}) // still a fault, which x/2 has yet to confirm
		s.wait(5 * time.Second)
		s.put("x/1", map[string]float64{"m": 1}) // over
		s.wait(6 * time.Second)                  // the tick has cleared it
		if got := s.ours.told(); !slices.Equal(got, []string{"Sum firing", "Sum resolved"}) {
			t.Fatalf("told %v after the tick", got)
		}
		s.put("x/2", map[string]float64{"m": 9})
		if got := s.ours.told(); !slices.Equal(got, []string{"Sum firing", "Sum resolved"}) {
			t.Errorf("told %v when an instant before the tick became known", got)
		}
	})
}

// An instant before the end of `for` does not make a pending alert fire, however late it becomes known.
func TestInstantBeforeForEndsFiresNothing(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  rules:
  - {alert: Sum, expr: sum(m) > 10, for: 40s}
`, func(s *scene) {
		s.put("x/1", map[string]float64{"m": 1})
		s.put("x/2", map[string]float64{"m": 1})
		s.wait(61 * time.Second)
		g := s.m.RuleGroups()[0]
		next := g.EvalTimestamp(time.Now().UnixNano()).Add(g.Interval())
		s.wait(time.Until(next) + time.Second)
		s.put("x/1", map[string]float64{"m": 9})
		s.put("x/2", map[string]float64{"m": 9})
		s.wait(100 * time.Millisecond)
		s.put("x/1", map[string]float64{"m": 9})
		s.put("x/2", map[string]float64{"m": 9})
		begun := time.Now()
		if st := s.ours.states(); len(st) != 1 {
			t.Fatalf("states %v", st)
		}
		s.wait(20 * time.Second)
		s.put("x/1", map[string]float64{"m": 8})
		s.wait(10 * time.Second)
		s.put("x/1", map[string]float64{"m": 1}) // over before its time
		s.wait(time.Until(begun.Add(45 * time.Second)))
		s.commit([]sample{{"m", "x/2", timestamp.FromTime(time.Now()), 9}})
		synctest.Wait()
		if got := s.ours.told(); len(got) > 0 {
			t.Errorf("told %v, though it was over after 30 s", got)
		}
	})
}

// An evaluation notes its elements before it has their alerts: a record of the
// journal that is written meanwhile must not make the rule forget them.
func TestRecordLeavesTheElementsOfAnEvaluationAlone(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.wait(61 * time.Second)
		g := s.m.RuleGroups()[0]
		st := s.m.restore.group(g)
		id := ruleID(rules.NewRuleDetail(g.Rules()[0]))
		st.note(id, labels.FromStrings("__name__", "m", "job", "x", "instance", "1"))
		s.m.journal.record(g, st)
		if n := st.count(id); n != 1 {
			t.Errorf("%d elements are known, want 1", n)
		}
		s.wait(time.Minute)
		if n := st.count(id); n != 0 {
			t.Errorf("%d elements are known after a tick that had none, want 0", n)
		}
	})
}

// Two rules that no query tells apart are evaluated by ticks, as Prometheus does.
func TestTwinsAreLeftToTheTick(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  rules:
  - {alert: High, expr: m > 5}
  - {alert: Other, expr: m > 6}
  - {alert: High, expr: m > 5, for: 90s}
`, func(s *scene) {
		s.wait(61 * time.Second)
		for range 200 {
			s.put("x/1", map[string]float64{"m": 9})
			s.put("x/2", map[string]float64{"m": 1})
			s.wait(time.Second)
		}
		for _, w := range s.m.arrivals.set.Load().all {
			w.mu.Lock()
			if w.rule.Name() == "High" && (w.idx.Plan().Class != arrival.Ticks || len(w.written) > 0) {
				t.Errorf("%s with for %s has class %s and %d series of its own", w.rule.Name(), w.rule.HoldDuration(), w.idx.Plan().Class, len(w.written))
			}
			w.mu.Unlock()
		}
		ours, stock := s.ours.told(), s.stock.told()
		high := func(s string) bool { return s != "High firing" }
		if ours, stock := slices.DeleteFunc(ours, high), slices.DeleteFunc(stock, high); len(ours) < 2 || len(ours) != len(stock) {
			t.Errorf("told %v, Prometheus %v", ours, stock)
		}
	})
}

// A tick that a reload overtakes already holds what the rule of the new set guards its state with.
func TestTickThatAReloadOvertakesHoldsItsRuleOnce(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.wait(61 * time.Second)
		a, g := s.m.arrivals, s.m.RuleGroups()[0]
		d := rules.NewRuleDetail(g.Rules()[0])
		tk := &tick{a: a, group: g, at: time.Now(), concurrent: true}
		w := tk.enter(d, d.Query)
		next := a.watch(g, w.state, w.rule, time.Now(), false)
		next.inherit(w)
		a.set.Store(&watchedSet{byGroup: map[*rules.Group]map[string]*watched{g: {next.id: next}}, all: []*watched{next}})
		if got := tk.enter(d, d.Query); got != w {
			t.Errorf("the tick holds another rule after the reload")
		}
		tk.end()
	})
}

// A label that a query fills in may have another value by now: an arrival
// must not end the alerts that carry the old one.
func TestLabelThatAsksAQueryIsLeftToTheTick(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  rules:
  - alert: High
    expr: m > 5
    labels: {n: '{{ with query "count(m)" }}{{ . | first | value }}{{ end }}'}
`, func(s *scene) {
		s.wait(61 * time.Second)
		g := s.m.RuleGroups()[0]
		s.put("x/1", map[string]float64{"m": 9})
		s.wait(time.Until(g.EvalTimestamp(time.Now().UnixNano()).Add(g.Interval())) + time.Second)
		s.put("x/1", map[string]float64{"m": 9})
		before := s.ours.states()
		if len(before) == 0 {
			t.Fatal("nothing fires")
		}
		s.put("x/2", map[string]float64{"m": 9})
		after := s.ours.states()
		for a, st := range before {
			if after[a] != st {
				t.Errorf("an arrival ended %s: %v", a, after)
			}
		}
	})
}

// Where targets are scraped one after the other something always waits for the
// rest: the end of `for` must not have to wait for the tick because of it.
func TestForEndsAmidScrapesOfManyTargets(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 5m
  rules:
  - {alert: Sum, expr: sum(m) > 10, for: 40s}
`, func(s *scene) {
		s.wait(11 * time.Minute)
		g := s.m.RuleGroups()[0]
		s.wait(time.Until(g.EvalTimestamp(time.Now().UnixNano()).Add(g.Interval() - time.Minute)))
		s.put("x/1", map[string]float64{"m": 1})
		s.put("x/2", map[string]float64{"m": 1})
		s.wait(time.Until(g.EvalTimestamp(time.Now().UnixNano()).Add(g.Interval())) + time.Second)
		for range 120 {
			s.put("x/1", map[string]float64{"m": 9})
			s.wait(500 * time.Millisecond)
			s.put("x/2", map[string]float64{"m": 9})
			s.wait(500 * time.Millisecond)
		}
		if got := s.ours.told(); !slices.Contains(got, "Sum firing") {
			t.Errorf("told %v a minute after it began, with for 40s", got)
		}
	})
}

// A rule that rests after an expensive evaluation gets up for what is certain.
func TestRestEndsForWhatIsCertain(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.wait(61 * time.Second)
		w := s.m.arrivals.set.Load().all[0]
		w.qmu.Lock()
		w.rested = time.Now().Add(20 * time.Second)
		w.qmu.Unlock()
		s.m.arrivals.enqueue(w, false)
		s.put("x/1", map[string]float64{"m": 9})
		if got := s.ours.told(); !slices.Contains(got, "High firing") {
			t.Errorf("told %v while the rule rests", got)
		}
		s.wait(21 * time.Second)
	})
}

// A reload that leaves a group as it is does not lose the samples of it that
// are ahead of the clock, nor what its series have in common.
func TestReloadKeepsWhatWaits(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.wait(61 * time.Second)
		s.commit([]sample{{"m", "x/1", timestamp.FromTime(time.Now().Add(5 * time.Second)), 9}})
		s.wait(time.Second)
		before := s.m.arrivals.set.Load().all
		s.load()
		if after := s.m.arrivals.set.Load().all; !slices.Equal(before, after) {
			t.Error("the rules of a group that has not changed were made anew")
		}
		if got := s.ours.told(); len(got) > 0 {
			t.Fatalf("told %v ahead of time", got)
		}
		s.wait(4100 * time.Millisecond)
		if got := s.ours.told(); !slices.Contains(got, "High firing") {
			t.Errorf("told %v when the time of the sample had come", got)
		}
	})
}
