package rules

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"

	"touchline.dev/touchline/internal/rules/arrival"
)

// Arrival says how a rule group is evaluated between its ticks.
type Arrival string

// The ways.
const (
	// ArrivalEnabled evaluates when samples arrive, and waits where half of a scrape would be judged.
	ArrivalEnabled Arrival = "enabled"
	// ArrivalDisabled evaluates at the group's interval only, as Prometheus does.
	ArrivalDisabled Arrival = "disabled"
	// ArrivalEager evaluates at every commit and waits for nothing.
	ArrivalEager Arrival = "eager"
)

// watched is an alerting rule that is evaluated on arrival.
type watched struct {
	a     *arrivals
	group *rules.Group
	state *groupState
	rule  *rules.AlertingRule
	twins []*rules.AlertingRule // rules of the group that no query can be told from this one by
	id    string
	expr  string
	mode  Arrival
	idx   *arrival.Rule
	ticks bool      // nothing but ticks may change it, not even the end of `for`
	made  time.Time // its group begins to run no sooner
	dead  atomic.Bool

	*ruleAlerts

	ringing time.Time // the earliest time for which an alarm waits, guarded by arrivals.mu

	// qmu guards what waits.
	qmu      sync.Mutex
	waiting  []arrival.Trigger
	queued   bool
	resting  bool      // queued, but not before rested
	deferred bool      // the rule was busy with its tick
	rested   time.Time // before this the rule is not evaluated for what may be nothing
	deadlines

	stats ruleStats
}

// ruleAlerts is what outlives a reload that leaves the rule as it is.
type ruleAlerts struct {
	// mu is held by whoever evaluates the rule: a tick from before its query
	// to after its commit, an arrival while it changes the state.
	mu       sync.Mutex
	lastTick time.Time
	lastAt   time.Time                // of the last change by an arrival
	series   map[string]labels.Labels // ALERTS and ALERTS_FOR_STATE that have a sample and no staleness marker
	written  map[string]labels.Labels // those of them that an arrival wrote since the last tick
	wroteAt  int64                    // the time of the samples that an arrival wrote last, ms
	recent   map[uint64]recentRaise   // by element: raised by samples that the last tick did not see
	cleared  map[uint64]int64         // by element: the instant of the tick that cleared its alert, ms
}

// recentRaise is an element that an arrival has raised.
type recentRaise struct {
	sample promql.Sample
	at     int64
}

// inherit takes over what is known of the alerts of the rule's predecessor: the
// same rule after a reload, or one of the same name and labels.
func (w *watched) inherit(old *watched) {
	w.stats.take(&old.stats)
	if old.rule == w.rule {
		w.ruleAlerts = old.ruleAlerts
		return
	}
	old.mu.Lock()
	defer old.mu.Unlock()
	w.series, w.written, w.cleared = old.series, old.written, old.cleared
	if old.expr == w.expr {
		w.recent = old.recent // another expression has not raised them
	}
}

// slot is the earliest time that the rule's next tick can have.
func (w *watched) slot(now time.Time) time.Time {
	last := w.lastTick
	if t := w.group.GetLastEvalTimestamp(); t.After(last) {
		last = t
	}
	if t := w.state.ticks(); t.After(last) {
		return t // under way, and has not come to this rule
	}
	if every := w.group.Interval(); !last.IsZero() {
		// Upstream leaves out the slots that it has missed.
		return last.Add(max(every, now.Sub(last).Truncate(every)))
	}
	// Upstream looks for the first slot when the group begins to run. That may be
	// long after it was loaded.
	begun := w.made
	switch ran := w.a.ran.Load(); {
	case ran == nil:
		begun = now
	case ran.After(begun):
		begun = *ran
	}
	return w.group.EvalTimestamp(begun.UnixNano()).Add(w.group.Interval())
}

// stateTime is the time at which an arrival changes the state of alerts: now,
// but before the next tick, whose own time may already have passed. Otherwise
// the tick would take back what has begun to fire after it. A pending alert
// begins now all the same: its time must not be cut short.
func (w *watched) stateTime(now time.Time) time.Time {
	at := now
	if next := w.slot(now).Add(-time.Millisecond); at.After(next) {
		at = next
	}
	// A clock that goes back must not make alerts younger than they are.
	if at.Before(w.lastAt) {
		at = w.lastAt
	}
	if at.Before(w.lastTick) {
		at = w.lastTick
	}
	return at
}

// agree gives pending alerts that began after the time of a tick, which is late,
// that time where the tick's own result has them: so has Prometheus.
func (w *watched) agree(res promql.Vector, tick time.Time) {
	younger := false
	w.rule.ForEachActiveAlert(func(x *rules.Alert) {
		younger = younger || x.State == rules.StatePending && x.ActiveAt.After(tick)
	})
	if !younger {
		return
	}
	have := make(map[uint64]bool, len(res))
	for _, s := range res {
		have[s.Metric.Hash()] = true
	}
	alerts, _ := w.activeAlerts()
	older := map[uint64]bool{}
	for _, b := range alerts {
		older[b.hash] = have[b.element.Hash()]
	}
	w.rule.ForEachActiveAlert(func(x *rules.Alert) {
		if x.State == rules.StatePending && x.ActiveAt.After(tick) && older[x.Labels.Hash()] {
			x.ActiveAt = tick
		}
	})
}

// elementKey tells which element of a result an alert came from: what they have
// in common, which is every label that the rule itself does not set.
func elementKey(ls labels.Labels, own []string) uint64 {
	h, _ := ls.HashWithoutLabels(nil, own...)
	return h
}

// ownLabels are the labels that a rule sets on its alerts, sorted.
func ownLabels(r *rules.AlertingRule) []string {
	b := labels.NewBuilder(labels.EmptyLabels())
	b.Set(labels.AlertName, "x")
	r.Labels().Range(func(l labels.Label) { b.Set(l.Name, "x") })
	var out []string
	b.Labels().Range(func(l labels.Label) { out = append(out, l.Name) })
	return out
}

// alertCopy is what an arrival must know of an active alert.
type alertCopy struct {
	hash      uint64
	element   labels.Labels
	known     bool // the element
	state     rules.AlertState
	activeAt  time.Time
	keepSince time.Time
	value     float64
}

// activeAlerts lists the pending and firing alerts with the elements they came
// from. complete is false when an element is not known: the rule has not been
// evaluated since its expression changed.
func (w *watched) activeAlerts() (out []alertCopy, complete bool) {
	elements := w.state.trace(w.rule, w.id)
	complete = true
	w.rule.ForEachActiveAlert(func(a *rules.Alert) {
		if a.State != rules.StatePending && a.State != rules.StateFiring {
			return
		}
		el, ok := elements.element(a.Labels)
		if !ok {
			complete = false
		}
		out = append(out, alertCopy{hash: a.Labels.Hash(), element: el, known: ok, state: a.State, activeAt: a.ActiveAt, keepSince: a.KeepFiringSince, value: a.Value})
	})
	return out, complete
}

// prune forgets the elements that no alert came from. Only who holds mu may do
// so: an evaluation that is under way knows its elements before it has their alerts.
func (w *watched) prune() {
	var alerts []labels.Labels
	for _, r := range append([]*rules.AlertingRule{w.rule}, w.twins...) {
		r.ForEachActiveAlert(func(a *rules.Alert) { alerts = append(alerts, a.Labels) })
	}
	w.state.trace(w.rule, w.id).prune(w.id, alerts)
}

// alertSeries is the series ALERTS or, for an empty state, ALERTS_FOR_STATE of an alert.
func alertSeries(r *rules.AlertingRule, alert labels.Labels, state string) labels.Labels {
	b := labels.NewBuilder(r.Labels())
	alert.Range(func(l labels.Label) { b.Set(l.Name, l.Value) })
	b.Set(labels.AlertName, r.Name())
	if state == "" {
		b.Set(labels.MetricName, "ALERTS_FOR_STATE")
	} else {
		b.Set(labels.MetricName, "ALERTS")
		b.Set("alertstate", state)
	}
	return b.Labels()
}

// stop ends the rule's timers.
func (w *watched) stop() {
	w.dead.Store(true)
	w.qmu.Lock()
	defer w.qmu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
}

// carried adds to a tick's result the elements that arrived samples have
// raised after the instant that the tick looks at: it has not seen them, and
// must not clear them. But a result over the group's limit clears all alerts:
// what does not fit is for the samples of the next tick.
func (w *watched) carried(res promql.Vector, t time.Time) promql.Vector {
	if len(w.recent) == 0 {
		return res
	}
	at := timestamp.FromTime(t)
	have := make(map[uint64]bool, len(res))
	for _, s := range res {
		have[s.Metric.Hash()] = true
	}
	for h, r := range w.recent {
		if r.at <= at {
			delete(w.recent, h)
			continue
		}
		if limit := w.group.Limit(); !have[h] && (limit == 0 || len(res) < limit) {
			res = append(res, promql.Sample{Metric: r.sample.Metric, T: at, F: r.sample.F})
		}
	}
	return res
}
