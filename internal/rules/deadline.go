package rules

import (
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"

	"touchline.dev/touchline/internal/rules/arrival"
)

// Bounds of the work where the `for` of many alerts ends.
const (
	// joinDeadlines is how long the next deadline of a rule waits after one, so
	// that those close together are judged together.
	joinDeadlines = 10 * time.Millisecond
	// fewOf is the part of a rule's pending alerts of which each is judged by a
	// query of its own series. For more of them one query looks at all series.
	fewOf = 32
)

// deadline is the end of a pending alert's `for`.
type deadline struct {
	at      time.Time
	alert   uint64 // hash of its labels
	element labels.Labels
}

// deadlines are those of one rule, guarded by what guards its queue.
type deadlines struct {
	timer *time.Timer
	ends  []deadline // still to come, soonest first
	due   []deadline // to be judged
	asked time.Time  // up to this time deadlines have become due
}

// schedule sets the timer for the pending alerts whose `for` ends.
func (w *watched) schedule(alerts []alertCopy, now time.Time) {
	if w.ticks {
		return
	}
	w.qmu.Lock()
	defer w.qmu.Unlock()
	if w.asked.IsZero() || w.asked.After(now) { // or the clock went back
		w.asked = now
	}
	w.ends = nil
	again := false
	hold := w.rule.HoldDuration()
	for _, a := range alerts {
		if a.state != rules.StatePending || !a.known {
			continue
		}
		if t := a.activeAt.Add(hold); t.After(w.asked) {
			w.ends = append(w.ends, deadline{t, a.hash, a.element})
		} else {
			again = true // it waits for a sample that makes it fire
		}
	}
	if again {
		w.idx.Again()
	}
	slices.SortFunc(w.ends, func(x, y deadline) int { return x.at.Compare(y.at) })
	w.arm(now)
}

// arm sets the timer for the next deadline; qmu is held.
func (w *watched) arm(now time.Time) {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	if len(w.ends) == 0 || w.dead.Load() {
		return
	}
	w.timer = time.AfterFunc(max(0, w.ends[0].at.Sub(now), w.asked.Add(joinDeadlines).Sub(now)), w.ended)
}

// ended is called when the `for` of an alert ends, or a little later. The clock
// may have gone back since the timer was set.
func (w *watched) ended() {
	now := w.a.o.Now()
	w.qmu.Lock()
	n := 0
	for n < len(w.ends) && !w.ends[n].at.After(now) {
		n++
	}
	if n > 0 {
		w.due, w.ends, w.asked = append(w.due, w.ends[:n]...), w.ends[n:], now
	}
	w.arm(now)
	w.qmu.Unlock()
	if n > 0 {
		w.a.enqueue(w, true)
	}
}

// judgeDue asks whether the condition of pending alerts holds as their `for` ends.
func (a *arrivals) judgeDue(w *watched, due []deadline) {
	now := a.o.Now()
	last := slices.MaxFunc(due, func(x, y deadline) int { return x.at.Compare(y.at) }).at
	if last.Before(now.Add(-w.tooOld())) {
		// After a suspend: what has come since may still be on its way.
		w.stats.tooOld.Add(int64(len(due)))
		w.idx.Again()
		return
	}
	n := len(due)
	due = slices.DeleteFunc(due, func(d deadline) bool { return w.idx.Busy(d.element) })
	if len(due) < n {
		// Half of the series are new: the first instant from now on decides,
		// also where no value has changed, or the tick.
		w.idx.Again()
	}
	if len(due) == 0 {
		return
	}
	t := arrival.Trigger{At: timestamp.FromTime(last.Add(-w.group.QueryOffset())), Received: now.UnixNano()}
	holds := map[uint64]promql.Sample{} // by element
	for _, within := range w.ask(due, t.At) {
		for _, s := range a.confirm(w, within) {
			holds[s.Metric.Hash()] = s
		}
	}
	a.fire(w, due, holds, t)
}

// ask returns what to evaluate for some alerts out of all that are pending.
func (w *watched) ask(due []deadline, at int64) (out []arrival.Trigger) {
	w.qmu.Lock()
	pending := len(w.ends) + len(due)
	w.qmu.Unlock()
	elements := make([]labels.Labels, 0, len(due))
	for _, d := range due {
		elements = append(elements, d.element)
	}
	if len(due)*fewOf >= pending {
		return []arrival.Trigger{w.idx.At(at, elements...)}
	}
	for _, e := range elements {
		out = append(out, w.idx.At(at, e))
	}
	return out
}

// fire lets pending alerts fire whose `for` has ended and whose condition holds.
// It does what upstream's state machine does to such an alert, to nothing else:
// that would fill in the templates of all that are active each time.
func (a *arrivals) fire(w *watched, due []deadline, holds map[uint64]promql.Sample, t arrival.Trigger) {
	if !w.mu.TryLock() {
		w.qmu.Lock()
		w.due = append(w.due, due...)
		w.qmu.Unlock()
		w.putOff(nil)
		return
	}
	defer w.resume()
	defer w.mu.Unlock()
	now := a.o.Now()
	at := w.stateTime(now)
	w.lastAt = at
	ready := map[uint64]promql.Sample{} // by alert
	for _, d := range due {
		h := d.element.Hash()
		s, ok := holds[h]
		if until, cleared := w.cleared[h]; ok && !(cleared && t.At <= until) {
			ready[d.alert] = s
		}
	}
	hold := w.rule.HoldDuration()
	var out []*rules.Alert
	var raised []promql.Sample
	w.rule.ForEachActiveAlert(func(x *rules.Alert) {
		if x.State != rules.StatePending || at.Sub(x.ActiveAt) < hold || t.At < timestamp.FromTime(x.ActiveAt.Add(hold-w.group.QueryOffset())) {
			return
		}
		if s, ok := ready[x.Labels.Hash()]; ok {
			x.State, x.FiredAt = rules.StateFiring, at
			out = append(out, a.sent(w, x, at, now))
			raised = append(raised, s)
		}
	})
	if len(out) < len(due) {
		// The rest waits for a sample that makes it fire, or for a tick that is late.
		w.idx.Again()
	}
	if len(out) == 0 {
		return
	}
	a.deliver(w, out, t)
	a.storeFired(w, out, at)
	for _, s := range raised {
		w.noteRaise(s, t.At)
	}
	a.changed(w.group, w.state)
}

// storeFired writes the state series of alerts that were pending, and fire.
func (a *arrivals) storeFired(w *watched, fired []*rules.Alert, at time.Time) {
	if !w.rule.Restored() {
		return
	}
	ms := timestamp.FromTime(at.Add(-w.group.QueryOffset()))
	var vec promql.Vector
	ended := map[string]labels.Labels{}
	for _, x := range fired {
		vec = append(vec,
			promql.Sample{Metric: alertSeries(w.rule, x.Labels, x.State.String()), T: ms, F: 1},
			promql.Sample{Metric: alertSeries(w.rule, x.Labels, ""), T: ms, F: float64(x.ActiveAt.Unix())})
		pending := alertSeries(w.rule, x.Labels, rules.StatePending.String())
		if k := string(pending.Bytes(nil)); w.series[k].Len() > 0 {
			ended[k] = pending
		}
	}
	a.store(w, vec, ended, at)
}
