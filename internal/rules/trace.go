package rules

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
)

// tracer finds the elements that a rule's alerts came from.
type tracer struct {
	st    *groupState
	rule  *rules.AlertingRule
	own   []string
	byKey map[uint64][]*noted
}

// trace makes a tracer of the elements noted by now.
func (st *groupState) trace(r *rules.AlertingRule, id string) *tracer {
	t := &tracer{st: st, rule: r, own: ownLabels(r)}
	st.mu.Lock()
	defer st.mu.Unlock()
	t.byKey = make(map[uint64][]*noted, len(st.results[id]))
	for _, e := range st.results[id] {
		k := elementKey(e.ls, t.own)
		t.byKey[k] = append(t.byKey[k], e)
	}
	return t
}

// element returns the element of an alert. Mostly the labels that the rule does
// not set tell it. Where the rule rewrites a label that tells elements apart, as
// one does to take the port from `instance`, its templates have to be asked.
func (t *tracer) element(alert labels.Labels) (labels.Labels, bool) {
	t.st.mu.Lock()
	defer t.st.mu.Unlock()
	if e := t.find(alert); e != nil {
		return e.ls, true
	}
	return labels.EmptyLabels(), false
}

// find is element, with the state's lock held. Of several elements that make
// the same alert, such as metrics of two names, the newest counts.
func (t *tracer) find(alert labels.Labels) (newest *noted) {
	found := t.byKey[elementKey(alert, t.own)]
	if len(found) == 1 {
		return found[0]
	}
	h := alert.Hash()
	for _, e := range found {
		if e.alert == 0 {
			e.alert = t.alert(e.ls)
		}
		if e.alert == h && (newest == nil || e.round > newest.round) {
			newest = e
		}
	}
	return newest
}

// prune forgets the elements that none of the given alerts came from.
func (t *tracer) prune(id string, alerts []labels.Labels) {
	t.st.mu.Lock()
	defer t.st.mu.Unlock()
	used, unsure := map[*noted]bool{}, map[uint64]bool{}
	for _, a := range alerts {
		if e := t.find(a); e != nil {
			used[e] = true
		} else {
			unsure[elementKey(a, t.own)] = true
		}
	}
	for k, found := range t.byKey {
		newest := uint64(0)
		for _, e := range found {
			newest = max(newest, e.round)
		}
		for _, e := range found {
			if !used[e] && (!unsure[k] || e.round < newest) {
				delete(t.st.results[id], e.ls.Hash())
			}
		}
	}
}

// alert is the hash of the labels that the alert of an element has, by
// upstream's own templates. Those that ask for data, or hold the value, give
// another hash than the alert's: its element then stays unknown.
func (t *tracer) alert(el labels.Labels) uint64 {
	r := rules.NewAlertingRule(t.rule.Name(), t.rule.Query(), 0, 0, t.rule.Labels(), labels.EmptyLabels(), t.st.external, "", true, slog.New(slog.DiscardHandler))
	asked := false
	answer := func(context.Context, string, time.Time) (promql.Vector, error) {
		if asked {
			return nil, errors.New("no data is at hand")
		}
		asked = true
		return promql.Vector{{Metric: el}}, nil
	}
	if _, err := r.Eval(context.Background(), 0, time.Time{}, answer, nil, 0); err != nil {
		return 0
	}
	h := uint64(0)
	r.ForEachActiveAlert(func(a *rules.Alert) { h = a.Labels.Hash() })
	return h
}
