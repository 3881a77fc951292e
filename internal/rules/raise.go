package rules

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"

	"touchline.dev/touchline/internal/rules/arrival"
)

// Hops are the times at which an alert passed the stations up to its decision.
type Hops struct {
	Sample   time.Time // timestamp of the sample that raised it
	Received time.Time // when the transaction with that sample was committed
	Decided  time.Time // when the rule had been evaluated
	Rule     string
	Class    string // of the rule; "tick" where the interval decided
}

type hopsKey struct{}

// HopsFrom returns the hops of the alerts that a NotifyFunc is called with.
func HopsFrom(ctx context.Context) (Hops, bool) {
	h, ok := ctx.Value(hopsKey{}).(Hops)
	return h, ok
}

// candidate is an element of a result that may raise an alert.
type candidate struct {
	sample promql.Sample
	t      arrival.Trigger
}

// evaluate confirms by PromQL what has triggered a rule, and raises what is confirmed.
func (a *arrivals) evaluate(w *watched) {
	w.qmu.Lock()
	ts, due := w.waiting, w.due
	w.waiting, w.due, w.queued = nil, nil, false
	w.qmu.Unlock()
	if len(ts) == 0 && len(due) == 0 || w.dead.Load() {
		return
	}
	a.swap.RLock()
	defer a.swap.RUnlock()
	if w.dead.Load() {
		return
	}
	start := time.Now()
	if len(due) > 0 {
		a.judgeDue(w, due)
	}
	slices.SortStableFunc(ts, func(x, y arrival.Trigger) int { return int(x.At - y.At) })
	found := map[uint64]candidate{}
	for _, t := range ts {
		t.Prepare()
		for _, s := range a.confirm(w, t) {
			if w.idx.Decides(t, s.Metric) {
				found[s.Metric.Hash()] = candidate{s, t}
			}
		}
	}
	if len(found) > 0 {
		a.raise(w, found, ts)
	}
	cost := time.Since(start)
	w.stats.cost.Add(int64(cost))
	w.qmu.Lock()
	w.rested = a.o.Now().Add(restFactor * cost)
	w.qmu.Unlock()
}

// confirm evaluates the rule's expression at a trigger's own instant. Where that
// fails its tick decides.
func (a *arrivals) confirm(w *watched, t arrival.Trigger) promql.Vector {
	w.stats.confirmations.Add(1)
	vec, err := a.query(w, t)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			w.stats.failures.Add(1)
			a.log.Debug("A rule could not be evaluated on arrival; its tick decides", "rule", w.rule.Name(), "err", err)
		}
		w.idx.Again()
	}
	return vec
}

func (a *arrivals) query(w *watched, t arrival.Trigger) (promql.Vector, error) {
	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()
	v := newEvaluation(a.engine, a.base, t.At, t.Within)
	for _, name := range w.idx.Plan().Recorded {
		if err := v.record(ctx, name, a.recorded[name]); err != nil {
			return nil, err
		}
	}
	return v.query(ctx, w.expr)
}

// raise changes the state of a rule's alerts: elements that are new become
// pending, pending ones whose time has come fire. Nothing else changes, and
// nothing is cleared: that is for the tick.
func (a *arrivals) raise(w *watched, found map[uint64]candidate, ts []arrival.Trigger) {
	if !w.mu.TryLock() {
		// Its tick is running, or another arrival. What it decides may be older than these samples.
		w.putOff(ts)
		return
	}
	// What came meanwhile has been put off, as it is during a tick.
	defer w.resume()
	defer w.mu.Unlock()
	now := a.o.Now()
	a.restore.prime(a.ctx, w.group, w.state, now, a.o.ExternalURL)
	at := w.stateTime(now)
	w.lastAt = at
	before, complete := w.activeAlerts()
	if !complete {
		w.stats.unknown.Add(1)
		w.idx.Again()
		return
	}
	w.settled(found, before, at)
	news := w.news(found, before, at, now)
	if len(news) == 0 {
		return
	}
	if limit := w.group.Limit(); limit > 0 && w.count(news, before) > limit {
		// Upstream clears all alerts of a rule over its limit: for the tick to do.
		w.idx.Again()
		return
	}
	vec, err := a.change(w, found, before, at, now)
	if err != nil {
		w.stats.failures.Add(1)
		w.idx.Again()
		return
	}
	after, _ := w.activeAlerts()
	a.tell(w, before, found, at, now)
	a.write(w, vec, at)
	for _, c := range news {
		w.noteRaise(c.sample, c.t.At)
	}
	w.schedule(after, a.o.Now())
	a.changed(w.group, w.state)
}

// noteRaise keeps what an arrival has raised until a tick has looked past its instant.
func (w *watched) noteRaise(s promql.Sample, at int64) {
	if w.recent == nil {
		w.recent = map[uint64]recentRaise{}
	}
	w.recent[s.Metric.Hash()] = recentRaise{sample: s, at: at}
	if w.a.raised != nil {
		w.a.raised(w, s.Metric, at)
	}
}

// settled takes out the candidates that were decided at an instant that no
// longer counts. Series that are late make such instants known long after: one
// that the tick has looked past when it cleared the alert must not bring it back,
// and one before the end of `for` does not say that the condition held until then.
func (w *watched) settled(found map[uint64]candidate, before []alertCopy, at time.Time) {
	refused := false
	for h, c := range found {
		if until, ok := w.cleared[h]; ok && c.t.At <= until {
			delete(found, h)
			refused = true
		}
	}
	if refused {
		w.idx.Again() // it is not raised: the next sample is to be looked at
	}
	hold := w.rule.HoldDuration()
	for _, b := range before {
		if b.state != rules.StatePending || at.Sub(b.activeAt) < hold {
			continue
		}
		h := b.element.Hash()
		if c, ok := found[h]; ok && c.t.At < timestamp.FromTime(b.activeAt.Add(hold-w.group.QueryOffset())) {
			delete(found, h)
		}
	}
}

// count is how many alerts are active with those that are new.
func (w *watched) count(news map[uint64]candidate, before []alertCopy) int {
	n := len(before) + len(news)
	for _, b := range before {
		if _, ok := news[b.element.Hash()]; ok {
			n-- // a pending one that fires
		}
	}
	return n
}

// putOff keeps triggers until the tick or the arrival that is at work has ended.
func (w *watched) putOff(ts []arrival.Trigger) {
	for _, t := range ts {
		w.add(t)
	}
	w.qmu.Lock()
	w.deferred = true
	w.qmu.Unlock()
	// The tick may have ended in between.
	if w.mu.TryLock() {
		w.mu.Unlock()
		w.resume()
	}
}

// resume takes up what a tick has put off.
func (w *watched) resume() {
	w.qmu.Lock()
	off := w.deferred
	w.deferred = false
	w.qmu.Unlock()
	if off {
		w.a.enqueue(w, true)
	}
}

// news are the candidates that raise an alert, or let a pending one fire.
func (w *watched) news(found map[uint64]candidate, before []alertCopy, at, now time.Time) map[uint64]candidate {
	byElement := make(map[uint64]alertCopy, len(before))
	for _, b := range before {
		byElement[b.element.Hash()] = b
	}
	hold := w.rule.HoldDuration()
	out := map[uint64]candidate{}
	late := false
	for h, c := range found {
		b, active := byElement[h]
		if !active || b.state == rules.StatePending && at.Sub(b.activeAt) >= hold {
			out[h] = c
		}
	}
	for h, b := range byElement {
		if _, ok := found[h]; b.state == rules.StatePending && now.Sub(b.activeAt) >= hold && (!ok || at.Sub(b.activeAt) < hold) {
			late = true
		}
	}
	if late {
		// It waits for a sample that makes it fire, or for a tick that is late.
		w.idx.Again()
	}
	return out
}

// change runs upstream's state machine over the elements found and all that
// are active already, and undoes what it does to those that were not found.
func (a *arrivals) change(w *watched, found map[uint64]candidate, before []alertCopy, at, now time.Time) (promql.Vector, error) {
	ms := timestamp.FromTime(at)
	union := make(promql.Vector, 0, len(found)+len(before))
	kept := map[uint64]alertCopy{} // by alert
	held := map[uint64]bool{}      // pending alerts that must not fire: nothing says that their condition holds
	hold := w.rule.HoldDuration()
	known := map[uint64]bool{}
	for _, b := range before {
		h := b.element.Hash()
		known[h] = true
		kept[b.hash] = b
		// The value stays that of the last tick: a label made of the value would otherwise name another alert.
		union = append(union, promql.Sample{Metric: b.element, T: ms, F: b.value})
		if _, ok := found[h]; !ok && b.state == rules.StatePending && at.Sub(b.activeAt) >= hold {
			held[b.hash] = true
		}
	}
	for h, c := range found {
		if !known[h] {
			union = append(union, promql.Sample{Metric: c.sample.Metric, T: ms, F: c.sample.F, H: c.sample.H})
			w.state.note(w.id, c.sample.Metric)
		}
	}
	if len(held) > 0 {
		w.rule.ForEachActiveAlert(func(x *rules.Alert) {
			if held[x.Labels.Hash()] {
				x.ActiveAt = at.Add(time.Nanosecond)
			}
		})
	}
	vec, err := w.rule.Eval(a.ctx, w.group.QueryOffset(), at, a.answer(w, union), a.o.ExternalURL, w.group.Limit())
	begun := map[uint64]bool{} // series ALERTS_FOR_STATE of those that are pending from now on
	w.rule.ForEachActiveAlert(func(x *rules.Alert) {
		b, ok := kept[x.Labels.Hash()]
		if !ok {
			if x.State == rules.StatePending && now.After(at) {
				x.ActiveAt = now
				begun[alertSeries(w.rule, x.Labels, "").Hash()] = true
			}
			return
		}
		if held[b.hash] {
			x.ActiveAt = b.activeAt
		}
		x.KeepFiringSince = b.keepSince
	})
	for i := range vec {
		if len(begun) > 0 && begun[vec[i].Metric.Hash()] {
			vec[i].F = float64(now.Unix())
		}
	}
	return vec, err
}

// answer is the query function of a change: the rule's own expression has been
// evaluated already, and its templates may ask for more.
func (a *arrivals) answer(w *watched, union promql.Vector) rules.QueryFunc {
	asked := false
	return func(ctx context.Context, q string, t time.Time) (promql.Vector, error) {
		if !asked && q == w.expr {
			asked = true
			return union, nil
		}
		return rules.EngineQueryFunc(a.engine, a.base)(ctx, q, t)
	}
}

// tell hands over the alerts that have begun to fire.
func (a *arrivals) tell(w *watched, before []alertCopy, found map[uint64]candidate, at, now time.Time) {
	was := make(map[uint64]rules.AlertState, len(before))
	for _, b := range before {
		was[b.hash] = b.state
	}
	var out []*rules.Alert
	w.rule.ForEachActiveAlert(func(x *rules.Alert) {
		if x.State != rules.StateFiring || was[x.Labels.Hash()] == rules.StateFiring {
			return
		}
		out = append(out, a.sent(w, x, at, now))
	})
	var first arrival.Trigger
	for _, c := range found {
		if first.Received == 0 || c.t.At < first.At {
			first = c.t
		}
	}
	a.deliver(w, out, first)
}

// sent notes that an alert is told, and returns a copy to tell.
func (a *arrivals) sent(w *watched, x *rules.Alert, at, now time.Time) *rules.Alert {
	x.LastSentAt = at // a tick that is late must find that it resolves after that
	x.ValidUntil = now.Add(4 * max(w.group.Interval(), a.o.ResendDelay))
	c := *x
	c.Labels = x.Labels.Copy()
	return &c
}

// deliver hands over alerts that begin to fire because of a trigger.
func (a *arrivals) deliver(w *watched, out []*rules.Alert, t arrival.Trigger) {
	if len(out) == 0 {
		return
	}
	w.stats.raised.Add(int64(len(out)))
	hops := Hops{Decided: a.o.Now(), Rule: w.rule.Name(), Class: w.idx.Plan().Class.String(), Sample: timestamp.Time(t.At), Received: time.Unix(0, t.Received)}
	w.stats.observe(hops)
	a.metrics.decided(hops, len(out))
	if err := a.o.Notify(context.WithValue(a.ctx, hopsKey{}, hops), w.expr, out...); err != nil {
		unsent := map[uint64]bool{}
		for _, x := range out {
			unsent[x.Labels.Hash()] = true
		}
		w.unsend(unsent)
	}
}

// unsend makes alerts that could not be handed over go with the next tick.
func (w *watched) unsend(alerts map[uint64]bool) {
	w.rule.ForEachActiveAlert(func(x *rules.Alert) {
		if alerts[x.Labels.Hash()] {
			x.LastSentAt = time.Time{}
		}
	})
}

// write stores the ALERTS and ALERTS_FOR_STATE samples of what has changed, given
// those of all active alerts.
func (a *arrivals) write(w *watched, vec promql.Vector, at time.Time) {
	if len(vec) == 0 {
		return // not restored yet, as upstream
	}
	ended := maps.Clone(w.series)
	for _, s := range vec {
		delete(ended, string(s.Metric.Bytes(nil)))
	}
	a.store(w, vec, ended, at)
}

// store writes samples of state series, and ends others.
func (a *arrivals) store(w *watched, vec promql.Vector, ended map[string]labels.Labels, at time.Time) {
	if w.series == nil {
		w.series = map[string]labels.Labels{}
	}
	if w.written == nil {
		w.written = map[string]labels.Labels{}
	}
	app := a.o.Appendable.AppenderV2(a.ctx)
	opts := storage.AOptions{RejectOutOfOrder: true}
	ms := timestamp.FromTime(at.Add(-w.group.QueryOffset()))
	for _, s := range vec {
		k := string(s.Metric.Bytes(nil))
		if _, known := w.series[k]; known {
			continue
		}
		if _, err := app.Append(0, s.Metric, 0, s.T, s.F, nil, nil, opts); err != nil {
			a.metrics.unwritten.Inc()
			continue
		}
		w.series[k], w.written[k] = s.Metric, s.Metric
	}
	for k, ls := range ended {
		if _, ours := w.written[k]; ours && ms <= w.wroteAt {
			continue // where it began at this very time, the tick ends it
		}
		if _, err := app.Append(0, ls, 0, ms, math.Float64frombits(value.StaleNaN), nil, nil, opts); err != nil {
			a.metrics.unwritten.Inc()
		}
		delete(w.series, k)
		delete(w.written, k)
	}
	w.wroteAt = ms
	if err := app.Commit(); err != nil {
		a.metrics.unwritten.Inc()
		a.log.Warn("The state series of an alert could not be stored", "rule", w.rule.Name(), "err", err)
	}
}

// settle ends the series that arrivals wrote since the last tick and that the
// tick has not continued: upstream does not know of them.
func (a *arrivals) settle(w *watched, after []alertCopy, at time.Time) {
	if len(w.written) == 0 && len(after) == 0 && len(w.series) == 0 {
		return
	}
	series := w.stateSeries()
	var ended []labels.Labels
	for k, ls := range w.written {
		if _, ok := series[k]; !ok {
			ended = append(ended, ls)
		}
	}
	if w.rule.Health() == rules.HealthBad {
		// Upstream has taken nothing over: whatever goes on is still for us to end.
		maps.DeleteFunc(w.written, func(k string, _ labels.Labels) bool { _, ok := series[k]; return !ok })
	} else {
		w.written = nil
	}
	w.series = series
	a.end(w, ended, at)
}

// stateSeries are the state series that the active alerts have.
func (w *watched) stateSeries() map[string]labels.Labels {
	series := map[string]labels.Labels{}
	if !w.rule.Restored() {
		return series
	}
	w.rule.ForEachActiveAlert(func(x *rules.Alert) {
		if x.State != rules.StatePending && x.State != rules.StateFiring {
			return
		}
		for _, state := range []string{x.State.String(), ""} {
			ls := alertSeries(w.rule, x.Labels, state)
			series[string(ls.Bytes(nil))] = ls
		}
	})
	return series
}

// end writes staleness markers.
func (a *arrivals) end(w *watched, ended []labels.Labels, at time.Time) {
	if len(ended) == 0 {
		return
	}
	app := a.o.Appendable.AppenderV2(a.ctx)
	ms := timestamp.FromTime(at.Add(-w.group.QueryOffset()))
	for _, ls := range ended {
		if _, err := app.Append(0, ls, 0, ms, math.Float64frombits(value.StaleNaN), nil, nil, storage.AOptions{RejectOutOfOrder: true}); err != nil {
			a.metrics.unwritten.Inc()
		}
	}
	if err := app.Commit(); err != nil {
		a.metrics.unwritten.Inc()
		a.log.Warn("The end of the state series of an alert could not be stored", "rule", w.rule.Name(), "err", err)
	}
}
