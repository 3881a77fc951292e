package rules

import (
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/rules"
)

// tickKey is the context key of the tick that a query belongs to.
type tickKey struct{}

// tick is one evaluation of a group at its interval. Rules of a group are
// evaluated one after the other, unless concurrent evaluation is on: then the
// rules stay held until the whole group has been evaluated.
type tick struct {
	a          *arrivals
	group      *rules.Group
	at         time.Time
	concurrent bool

	mu     sync.Mutex
	held   map[*ruleAlerts]heldRule
	failed map[uint64]bool // alerts that could not be handed over
}

// heldRule is a rule that a tick evaluates, with the alerts that were active before.
type heldRule struct {
	w   *watched
	saw []alertCopy
}

// unsent notes alerts that could not be handed over.
func (t *tick) unsent(alerts []*rules.Alert) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed == nil {
		t.failed = map[uint64]bool{}
	}
	for _, x := range alerts {
		t.failed[x.Labels.Hash()] = true
	}
}

// enter is called before each query of a tick. When it is the expression of a
// watched rule it holds that rule.
func (t *tick) enter(d rules.RuleDetail, q string) *watched {
	if d.Query != q {
		return nil // asked by a template
	}
	var w *watched
	if d.Kind == rules.KindAlerting {
		w = t.a.set.Load().byGroup[t.group][ruleID(d)]
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if w != nil {
		if h, again := t.held[w.ruleAlerts]; again {
			return h.w // the same text, asked by a template, maybe after a reload
		}
	}
	if !t.concurrent {
		t.release()
	}
	if w == nil {
		return nil
	}
	w.mu.Lock()
	w.lastTick = t.at
	w.idx.Ticked(timestamp.FromTime(t.at.Add(-w.group.QueryOffset())))
	saw, _ := w.activeAlerts()
	if t.held == nil {
		t.held = map[*ruleAlerts]heldRule{}
	}
	t.held[w.ruleAlerts] = heldRule{w, saw}
	return w
}

// end releases what the tick still holds.
func (t *tick) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.release()
}

func (t *tick) release() {
	for k, h := range t.held {
		t.leave(h.w, h.saw)
		delete(t.held, k)
	}
}

// leave settles what the evaluation of a rule changed, and lets arrivals in again.
func (t *tick) leave(w *watched, saw []alertCopy) {
	after, _ := w.activeAlerts()
	w.prune()
	still := make(map[uint64]rules.AlertState, len(after))
	for _, x := range after {
		still[x.hash] = x.state
	}
	was := make(map[uint64]rules.AlertState, len(saw))
	cleared, fired := false, 0
	for _, b := range saw {
		was[b.hash] = b.state
		if _, ok := still[b.hash]; !ok {
			cleared = true
			w.forbid(b.element.Hash(), t.at)
		}
	}
	for h, s := range still {
		if s == rules.StateFiring && was[h] != rules.StateFiring {
			fired++
		}
	}
	w.stats.raisedByTick.Add(int64(fired))
	if len(t.failed) > 0 {
		w.unsend(t.failed)
	}
	if cleared {
		w.idx.Again()
	}
	w.allow(t.at)
	t.a.settle(w, after, t.at)
	w.schedule(after, t.a.o.Now())
	w.mu.Unlock()
	w.resume()
}

// forbid notes that a tick has cleared the alert of an element: instants up to
// the one that it looked at cannot raise it again.
func (w *watched) forbid(element uint64, tick time.Time) {
	if w.cleared == nil {
		w.cleared = map[uint64]int64{}
	}
	w.cleared[element] = timestamp.FromTime(tick.Add(-w.group.QueryOffset()))
}

// allow forgets what was cleared so long ago that no trigger is as old.
func (w *watched) allow(tick time.Time) {
	oldest := timestamp.FromTime(tick.Add(-w.group.QueryOffset() - w.tooOld()))
	for h, until := range w.cleared {
		if until < oldest {
			delete(w.cleared, h)
		}
	}
}
