package rules

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// NoData says what receivers are told of a firing alert whose series have ended
// because its target cannot be scraped. The state of the alert in the rules API
// and in ALERTS is Prometheus's in either case: it resolves.
type NoData string

// The ways.
const (
	NoDataResolve NoData = "resolve" // as Prometheus
	// NoDataKeep goes on telling that the alert fires, until its target can be
	// scraped again, or is no longer discovered.
	NoDataKeep NoData = "keep"
)

// NoDataAnnotation is the annotation of an alert that is kept without data.
const NoDataAnnotation = "no_data"

// absentAlert is an alert that is kept firing although its series have ended.
type absentAlert struct {
	rule  string // its ID
	expr  string
	alert rules.Alert // as it resolved
	since time.Time   // when its target was last scraped
	sent  time.Time   // when it was last told as firing since then
}

// savedAbsent is an absentAlert as the journal keeps it.
type savedAbsent struct {
	Expr        string            `json:"expr"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations,omitempty"`
	ActiveAt    time.Time         `json:"active_at"`
	FiredAt     time.Time         `json:"fired_at"`
	ResolvedAt  time.Time         `json:"resolved_at"`
	Since       time.Time         `json:"since,omitzero"`
}

func (s savedAbsent) alert(rule string) *absentAlert {
	if s.Since.IsZero() {
		s.Since = s.ResolvedAt
	}
	return &absentAlert{rule: rule, expr: s.Expr, since: s.Since, alert: rules.Alert{
		State: rules.StateInactive, Labels: labels.FromMap(s.Labels), Annotations: labels.FromMap(s.Annotations),
		ActiveAt: s.ActiveAt, FiredAt: s.FiredAt, ResolvedAt: s.ResolvedAt,
	}}
}

func (st *groupState) savedAbsent(rule string) []savedAbsent {
	st.mu.Lock()
	defer st.mu.Unlock()
	var kept []*absentAlert
	for _, a := range st.absent {
		if a.rule == rule {
			kept = append(kept, a)
		}
	}
	slices.SortFunc(kept, func(a, b *absentAlert) int { return labels.Compare(a.alert.Labels, b.alert.Labels) })
	var out []savedAbsent
	for _, a := range kept {
		out = append(out, savedAbsent{
			Expr: a.expr, Labels: a.alert.Labels.Map(), Annotations: a.alert.Annotations.Map(),
			ActiveAt: a.alert.ActiveAt, FiredAt: a.alert.FiredAt, ResolvedAt: a.alert.ResolvedAt, Since: a.since,
		})
	}
	return out
}

// keepAbsent keeps an alert, unless it is kept already.
func (st *groupState) keepAbsent(a *absentAlert) {
	st.mu.Lock()
	defer st.mu.Unlock()
	h := a.alert.Labels.Hash()
	if st.absent[h] == nil {
		st.absent[h] = a
	}
}

// dropAbsent keeps an alert no longer, and says whether it was kept.
func (st *groupState) dropAbsent(hash uint64) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	_, kept := st.absent[hash]
	delete(st.absent, hash)
	return kept
}

// keepAbsent takes those that have resolved for want of data out of the alerts
// that a tick hands over. tellAbsent tells them.
func (m *Manager) keepAbsent(ctx context.Context, t *tick, expr string, alerts []*rules.Alert) []*rules.Alert {
	st, _ := ctx.Value(groupKey{}).(*groupState)
	if st == nil || m.o.NoData(t.group.File(), t.group.Name()) != NoDataKeep {
		return alerts
	}
	down, rule := m.targetsDown(ctx, t.at), ""
	return slices.DeleteFunc(alerts, func(a *rules.Alert) bool {
		if a.ResolvedAt.IsZero() || !down(a.Labels) {
			if kept := st.dropAbsent(a.Labels.Hash()); kept && !a.ResolvedAt.IsZero() {
				a.ResolvedAt = t.at // not when it lost its data
			}
			return false
		}
		if rule == "" { // all are of one
			rule = ruleOf(t.group, expr, a)
		}
		st.keepAbsent(&absentAlert{rule: rule, expr: expr, alert: *a, since: m.lastScraped(ctx, a, t.at)})
		return true
	})
}

// ruleOf is the ID of the rule that an alert is of. A tick does not say whose
// alerts it hands over.
func ruleOf(g *rules.Group, expr string, a *rules.Alert) string {
	for _, r := range g.AlertingRules() {
		if r.Name() == a.Labels.Get(labels.AlertName) && r.Query().String() == expr {
			return ruleID(rules.NewRuleDetail(r))
		}
	}
	return ""
}

// targetsDown returns what says of an alert whether a target with its job and
// instance is discovered and could not be scraped. Where that cannot be found
// out it is not. Each target is asked for once.
func (m *Manager) targetsDown(ctx context.Context, at time.Time) func(labels.Labels) bool {
	type target struct{ job, instance string }
	known := map[target]bool{}
	return func(ls labels.Labels) bool {
		t := target{ls.Get("job"), ls.Get("instance")}
		if t.job == "" || t.instance == "" {
			return false
		}
		down, asked := known[t]
		if asked {
			return down
		}
		q := fmt.Sprintf("up{%s,%s} == 0", labels.MustNewMatcher(labels.MatchEqual, "job", t.job), labels.MustNewMatcher(labels.MatchEqual, "instance", t.instance))
		res, err := m.restore.inner(ctx, q, at)
		if err != nil {
			m.o.Logger.Warn("Whether an alert's target is down could not be found out; the alert is told as it is", "job", t.job, "instance", t.instance, "err", err)
		}
		known[t] = len(res) > 0
		return known[t]
	}
}

// lastScraped is when the target of an alert without data could last be
// scraped, which is before the evaluation that found no data: half a minute and
// more after a restart. Where storage does not say, it is that evaluation.
func (m *Manager) lastScraped(ctx context.Context, a *rules.Alert, at time.Time) time.Time {
	up := []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, "up")}
	for _, name := range []string{"job", "instance"} {
		up = append(up, labels.MustNewMatcher(labels.MatchEqual, name, a.Labels.Get(name)))
	}
	// The condition held with data when the alert began. Mostly it has ended lately.
	for window := 10 * time.Minute; ; window *= 10 {
		from := at.Add(-window)
		all := from.Before(a.ActiveAt) || window > 10_000*time.Hour
		if all {
			from = a.ActiveAt.Add(-m.o.Lookback)
		}
		last, err := lastNonZero(ctx, m.o.Queryable, from, at, up)
		if err != nil {
			m.o.Logger.Warn("When an alert's target was last scraped could not be found out", "job", a.Labels.Get("job"), "instance", a.Labels.Get("instance"), "err", err)
			return a.ResolvedAt
		}
		if !last.IsZero() {
			return last
		}
		if all {
			return a.ResolvedAt
		}
	}
}

// lastNonZero is the time of the newest sample that is not 0 and no staleness
// marker, or zero where there is none.
func lastNonZero(ctx context.Context, db storage.Queryable, from, to time.Time, ms []*labels.Matcher) (time.Time, error) {
	q, err := db.Querier(timestamp.FromTime(from), timestamp.FromTime(to))
	if err != nil {
		return time.Time{}, err
	}
	defer q.Close()
	last := int64(math.MinInt64)
	set := q.Select(ctx, false, nil, ms...)
	var it chunkenc.Iterator
	for set.Next() {
		it = set.At().Iterator(it)
		for vt := it.Next(); vt != chunkenc.ValNone; vt = it.Next() {
			if vt != chunkenc.ValFloat {
				continue
			}
			if t, v := it.At(); v != 0 && !value.IsStaleNaN(v) {
				last = max(last, t)
			}
		}
		if err := it.Err(); err != nil {
			return time.Time{}, err
		}
	}
	if last == math.MinInt64 {
		return time.Time{}, set.Err()
	}
	return timestamp.Time(last), set.Err()
}

// tellAbsent goes on telling that alerts fire whose targets are still down, and
// ends those whose targets are not. What fires again by itself, or has lost its
// rule, is kept no longer.
func (m *Manager) tellAbsent(ctx context.Context, g *rules.Group, st *groupState, ts time.Time) {
	st.mu.Lock()
	kept := make([]*absentAlert, 0, len(st.absent))
	for _, a := range st.absent {
		kept = append(kept, a)
	}
	st.mu.Unlock()
	if len(kept) == 0 {
		return
	}
	keep, down := m.o.NoData(g.File(), g.Name()) == NoDataKeep, m.targetsDown(ctx, ts)
	firing, known := map[uint64]bool{}, map[string]bool{}
	for _, r := range g.AlertingRules() {
		known[ruleID(rules.NewRuleDetail(r))] = true
		r.ForEachActiveAlert(func(a *rules.Alert) {
			if a.State == rules.StateFiring {
				firing[a.Labels.Hash()] = true
			}
		})
	}
	for _, a := range kept {
		h := a.alert.Labels.Hash()
		if !known[a.rule] || firing[h] {
			st.dropAbsent(h)
			continue
		}
		out := a.alert
		if !keep || !down(out.Labels) {
			out.ResolvedAt, out.LastSentAt = ts, ts
			if m.o.Notify(ctx, a.expr, &out) == nil {
				st.dropAbsent(h)
			}
			continue
		}
		if ts.Sub(a.sent) < m.o.ResendDelay {
			continue
		}
		b := labels.NewBuilder(out.Annotations)
		b.Set(NoDataAnnotation, fmt.Sprintf("%s of job %s cannot be scraped; without data since %s", out.Labels.Get("instance"), out.Labels.Get("job"), a.since.UTC().Format(time.RFC3339)))
		out.State, out.Annotations = rules.StateFiring, b.Labels()
		out.ResolvedAt, out.LastSentAt, out.ValidUntil = time.Time{}, ts, ts.Add(4*max(g.Interval(), m.o.ResendDelay))
		if m.o.Notify(ctx, a.expr, &out) == nil {
			a.sent = ts
		}
	}
}

// Kept is how many alerts receivers are told are firing although their series have ended.
func (m *Manager) Kept() int { return m.restore.absent() }

// absent counts the alerts that are kept firing without data.
func (r *restorer) absent() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, st := range r.groups {
		st.mu.Lock()
		n += len(st.absent)
		st.mu.Unlock()
	}
	return n
}
