package rules

import (
	"context"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
)

// groupKey is the context key under which a query finds the state of the group that asks it.
type groupKey struct{}

// ruleID tells rules of one group apart.
func ruleID(d rules.RuleDetail) string { return d.Name + "\x00" + d.Query + "\x00" + d.Labels.String() }

// restorer gives alerting rules back the alerts that the journal holds. It
// stands between the rules and the query engine: that is the only way into
// upstream's table of active alerts.
type restorer struct {
	inner rules.QueryFunc
	until time.Time
	now   func() time.Time
	log   *slog.Logger

	mu       sync.Mutex
	saved    map[string]*savedGroup
	groups   map[string]*groupState
	external labels.Labels
}

func newRestorer(saved map[string]*savedGroup, until time.Time, inner rules.QueryFunc, now func() time.Time, log *slog.Logger) *restorer {
	return &restorer{inner: inner, until: until, now: now, log: log, saved: saved, groups: map[string]*groupState{}}
}

// groupState is what the restorer knows of one rule group.
type groupState struct {
	priming   sync.Mutex // held while the journalled alerts are brought back
	recording sync.Mutex // held from the snapshot for the journal to its record

	mu      sync.Mutex
	primed  bool
	saved   map[string]savedRule         // by rule, until the grace period has passed
	results map[string]map[uint64]*noted // elements of results whose alerts may be active, by rule
	round   uint64                       // counts the results of ticks
	absent  map[uint64]*absentAlert      // by hash of the alert's labels
	ticking time.Time                    // the time of the tick that is under way, or zero
	// external are the external labels, for templates that have them.
	external labels.Labels
}

// noted is an element, and the round in which a result had it last.
type noted struct {
	ls    labels.Labels
	round uint64
	alert uint64 // hash of the labels of its alert, or 0 where nothing has asked for it yet
}

func (r *restorer) group(g *rules.Group) *groupState {
	key := rules.GroupKey(g.File(), g.Name())
	r.mu.Lock()
	defer r.mu.Unlock()
	st := r.groups[key]
	if st == nil {
		st = &groupState{results: map[string]map[uint64]*noted{}, saved: map[string]savedRule{}, absent: map[uint64]*absentAlert{}}
		if s := r.saved[key]; s != nil {
			for _, rule := range s.Rules {
				st.saved[rule.ID] = rule
				for _, a := range rule.Absent {
					st.keepAbsent(a.alert(rule.ID))
				}
			}
			delete(r.saved, key)
		}
		r.groups[key] = st
	}
	st.mu.Lock()
	st.external = r.external
	st.mu.Unlock()
	return st
}

// tick notes the time of the tick that is under way, or zero.
func (st *groupState) tick(at time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.ticking = at
}

// ticks is the time of the tick that is under way, or zero.
func (st *groupState) ticks() time.Time {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.ticking
}

// keep forgets groups and rules that are gone.
func (r *restorer) keep(groups []*rules.Group) {
	have := map[string]map[string]bool{}
	for _, g := range groups {
		ids := map[string]bool{}
		for _, rule := range g.Rules() {
			ids[ruleID(rules.NewRuleDetail(rule))] = true
		}
		have[rules.GroupKey(g.File(), g.Name())] = ids
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, st := range r.groups {
		ids, ok := have[key]
		if !ok {
			delete(r.groups, key)
			continue
		}
		st.mu.Lock()
		for id := range st.results {
			if !ids[id] {
				delete(st.results, id)
			}
		}
		st.mu.Unlock()
	}
}

// label sets the external labels that the rules of the next update have.
func (r *restorer) label(external labels.Labels) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.external = external
}

// note keeps an element whose alert may be active.
func (st *groupState) note(id string, ls labels.Labels) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.remember(id, ls)
}

func (st *groupState) remember(id string, ls labels.Labels) {
	if st.results[id] == nil {
		st.results[id] = map[uint64]*noted{}
	}
	h := ls.Hash()
	if n := st.results[id][h]; n != nil {
		n.round = st.round
		return
	}
	st.results[id][h] = &noted{ls: ls, round: st.round}
}

// query evaluates an expression. For the expression of an alerting rule it
// notes the result's elements and, in the grace period after a start, adds
// those that were active before and have no result yet: their targets may not
// have been scraped again.
func (r *restorer) query(ctx context.Context, q string, t time.Time) (promql.Vector, error) {
	res, err := r.inner(ctx, q, t)
	st, _ := ctx.Value(groupKey{}).(*groupState)
	d := rules.FromOriginContext(ctx)
	if err != nil || st == nil || d.Kind != rules.KindAlerting || d.Query != q {
		return res, err
	}
	id := ruleID(d)
	st.mu.Lock()
	defer st.mu.Unlock()
	st.round++
	have := make(map[uint64]bool, len(res))
	for _, s := range res {
		have[s.Metric.Hash()] = true
		st.remember(id, s.Metric)
	}
	saved, ok := st.saved[id]
	if !ok {
		return res, nil
	}
	if !r.now().Before(r.until) {
		delete(st.saved, id)
		return res, nil
	}
	for _, a := range saved.Alerts {
		el := labels.FromMap(a.Element)
		if have[el.Hash()] || !a.held(t, saved.Hold) {
			continue
		}
		res = append(res, promql.Sample{Metric: el, T: timestamp.FromTime(t), F: a.Value})
	}
	return res, nil
}

// held says whether an alert without a result is kept active: a firing one
// whose condition held to the last, and a pending one as long as keeping it
// does not make it fire.
func (a savedAlert) held(t time.Time, hold float64) bool {
	switch a.State {
	case rules.StateFiring.String():
		return a.KeepFiringSince.IsZero()
	case rules.StatePending.String():
		return t.Sub(a.ActiveAt).Seconds() < hold
	default:
		return false
	}
}

// prime runs once for each group, before its first evaluation, and holds up
// whoever comes second until it is done. It evaluates
// each rule over just the journalled elements, which creates the alerts, and
// then gives them the state and times that they had.
func (r *restorer) prime(ctx context.Context, g *rules.Group, st *groupState, ts time.Time, external *url.URL) {
	st.priming.Lock()
	defer st.priming.Unlock()
	st.mu.Lock()
	done := st.primed || len(st.saved) == 0
	st.primed = true
	st.mu.Unlock()
	if done {
		return
	}
	for _, rule := range g.Rules() {
		ar, ok := rule.(*rules.AlertingRule)
		if !ok {
			continue
		}
		id := ruleID(rules.NewRuleDetail(ar))
		saved, ok := st.saved[id]
		if !ok || ar.ActiveAlertsCount() > 0 {
			continue
		}
		r.primeRule(ctx, ar, saved, st, id, ts, external)
	}
}

func (r *restorer) primeRule(ctx context.Context, ar *rules.AlertingRule, saved savedRule, st *groupState, id string, ts time.Time, external *url.URL) {
	expr := ar.Query().String()
	before := map[string]savedAlert{}
	var vec promql.Vector
	st.mu.Lock()
	for _, a := range saved.Alerts {
		el := labels.FromMap(a.Element)
		st.remember(id, el)
		before[labels.FromMap(a.Labels).String()] = a
		vec = append(vec, promql.Sample{Metric: el, T: timestamp.FromTime(ts), F: a.Value})
	}
	st.mu.Unlock()
	_, err := ar.Eval(ctx, 0, ts, func(ctx context.Context, q string, t time.Time) (promql.Vector, error) {
		if q == expr {
			return vec, nil
		}
		return r.inner(ctx, q, t)
	}, external, 0)
	if err != nil {
		r.log.Warn("The alerts that a rule had before the restart could not be restored", "rule", ar.Name(), "err", err)
		return
	}
	restored := 0
	ar.ForEachActiveAlert(func(a *rules.Alert) {
		s, ok := before[a.Labels.String()]
		if !ok {
			// The rule's label templates now give other labels: the alert
			// begins anew, as it would after any change of its labels.
			a.State, a.FiredAt = rules.StatePending, time.Time{}
			return
		}
		a.ActiveAt, a.FiredAt, a.ResolvedAt, a.KeepFiringSince = s.ActiveAt, s.FiredAt, s.ResolvedAt, s.KeepFiringSince
		switch s.State {
		case rules.StateFiring.String():
			a.State = rules.StateFiring
		case rules.StatePending.String():
			a.State = rules.StatePending
		default:
			a.State = rules.StateInactive
		}
		restored++
	})
	r.log.Info("Alert states restored", "rule", ar.Name(), "alerts", restored)
}
