package rules

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"touchline.dev/touchline/internal/rules/arrival"
)

// replace puts other rules into force. Meanwhile no arrival changes a rule. What
// waits for a group that stays as it is goes on waiting.
func (a *arrivals) replace(update func() ([]*rules.Group, error)) error {
	a.swap.Lock()
	defer a.swap.Unlock()
	done := make(chan struct{})
	a.turn.Store(&done)
	defer close(done)
	start := a.o.Now()
	groups, err := update()
	if err != nil {
		return err
	}
	old := a.set.Load()
	next := &watchedSet{byGroup: map[*rules.Group]map[string]*watched{}}
	recorded := recordings(groups)
	changed := changedRecordings(a.recorded, recorded)
	a.recorded = recorded
	var indexed, seeded []*arrival.Rule
	kept := map[*watched]bool{}
	for _, g := range groups {
		st := a.restore.group(g)
		a.restore.prime(a.ctx, g, st, start, a.o.ExternalURL)
		if before := old.byGroup[g]; before != nil && a.keeps(old, g, changed) {
			next.byGroup[g] = before
			for _, w := range old.all {
				if w.group == g {
					kept[w] = true
					next.all = append(next.all, w)
					if !w.ticks {
						indexed = append(indexed, w.idx)
					}
				}
			}
			continue
		}
		byID, times := map[string]*watched{}, map[string]int{}
		for _, r := range g.Rules() {
			times[ruleID(rules.NewRuleDetail(r))]++
		}
		for _, r := range g.Rules() {
			ar, ok := r.(*rules.AlertingRule)
			if !ok {
				continue
			}
			w := a.watch(g, st, ar, start, times[ruleID(rules.NewRuleDetail(ar))] > 1)
			if first := byID[w.id]; first != nil {
				first.twins = append(first.twins, ar)
			} else {
				byID[w.id] = w
			}
			next.all = append(next.all, w)
			if !w.ticks {
				indexed = append(indexed, w.idx)
				seeded = append(seeded, w.idx)
			}
		}
		next.byGroup[g] = byID
	}
	fresh := a.handOver(old, next, kept, start)
	a.seed(seeded, start)
	a.set.Store(next)
	a.x.Replace(indexed)
	a.forget()
	for _, w := range next.all {
		if kept[w] {
			continue
		}
		w.mu.Lock()
		alerts, _ := w.activeAlerts()
		if fresh[w] {
			w.own()
		}
		w.schedule(alerts, start)
		w.mu.Unlock()
	}
	a.journalSuccessors(groups)
	return nil
}

// await holds up the first tick of a group that has begun to run while its rules
// are not in force yet: nothing would keep arrivals away from it. Only new groups
// wait; upstream waits for the old ones to end before the new rules are looked at.
func (a *arrivals) await(ctx context.Context, g *rules.Group) {
	for {
		turn := a.turn.Load() // before the set: what is replaced after it is waited for the next time
		if _, known := a.set.Load().byGroup[g]; known || turn == nil {
			return
		}
		select {
		case <-*turn:
			if a.turn.Load() == turn {
				return // its group is gone again
			}
		case <-ctx.Done():
			return
		}
	}
}

// journalSuccessors lets the journal take note of the groups that are now in force
// where those that they replace were to be written: what the old ones say is out of date.
func (a *arrivals) journalSuccessors(groups []*rules.Group) {
	a.saving.Lock() // one that is being written comes before
	defer a.saving.Unlock()
	a.mu.Lock()
	dirty := a.dirty
	a.dirty = map[*rules.Group]*groupState{}
	a.mu.Unlock()
	for _, g := range groups {
		for old, st := range dirty {
			if rules.GroupKey(g.File(), g.Name()) == rules.GroupKey(old.File(), old.Name()) {
				a.changed(g, st)
			}
		}
	}
}

// keeps says whether the rules of a group that upstream left as it is are
// evaluated on arrival as before, given the metrics that other recording rules record now.
func (a *arrivals) keeps(old *watchedSet, g *rules.Group, changed map[string]bool) bool {
	mode := a.o.Arrival(g.File(), g.Name())
	return !slices.ContainsFunc(old.all, func(w *watched) bool {
		p := w.idx.Plan()
		return w.group == g && (w.mode != mode || slices.ContainsFunc(p.Recorded, func(name string) bool { return changed[name] }) ||
			slices.ContainsFunc(p.Selectors, func(s arrival.Selector) bool { return changed[s.Name] }))
	})
}

// changedRecordings are the metrics that are not recorded as they were.
func changedRecordings(old, next map[string][]arrival.Recording) map[string]bool {
	out := map[string]bool{}
	for _, names := range []map[string][]arrival.Recording{old, next} {
		for name := range names {
			if !slices.EqualFunc(old[name], next[name], equalRecording) {
				out[name] = true
			}
		}
	}
	return out
}

func equalRecording(x, y arrival.Recording) bool {
	return x.Name == y.Name && x.Expr.String() == y.Expr.String() && labels.Equal(x.Labels, y.Labels)
}

// watch makes the watched rule of an alerting rule. twice says that its group
// has another one with the same name, labels and expression: a tick cannot tell
// which of them asks, and so cannot keep arrivals away from it.
func (a *arrivals) watch(g *rules.Group, st *groupState, ar *rules.AlertingRule, now time.Time, twice bool) *watched {
	w := &watched{
		ruleAlerts: &ruleAlerts{},
		a:          a, group: g, state: st, rule: ar, id: ruleID(rules.NewRuleDetail(ar)), expr: ar.Query().String(),
		mode: a.o.Arrival(g.File(), g.Name()), made: now,
	}
	plan := arrival.Analyze(ar.Query(), a.recorded)
	if why := w.onlyTicks(twice); why != "" {
		w.ticks = true
		plan = &arrival.Plan{Class: arrival.Ticks, Reason: why}
	}
	w.idx = arrival.NewRule(plan, w.mode == ArrivalEager, a.o.Lookback.Milliseconds())
	w.idx.Owner = w
	return w
}

// onlyTicks says why nothing but its ticks may change a rule, if so.
func (w *watched) onlyTicks(twice bool) string {
	switch l := changing(w.rule.Labels()); {
	case w.mode == ArrivalDisabled:
		return "arrival is disabled for this group in touchline.yaml"
	case twice:
		return "another rule of the group has the same name, labels and expression"
	case w.group.Limit() > 0 && w.rule.KeepFiringFor() > 0:
		// What Prometheus never saw would count until keep_firing_for ends, and over the limit upstream clears all.
		return "the limit of its group counts the alerts that keep_firing_for holds"
	case l != "":
		return fmt.Sprintf("the template of its label %s asks a query or for the time", l)
	}
	return ""
}

// askingTemplate matches a template whose text is not a function of the element and its value alone.
var askingTemplate = regexp.MustCompile(`\{\{[^}]*\b(query|now)\b`)

// changing names a label that may have another value each time that it is
// filled in, or "". To run the state machine for one alert would end all others
// that carry an old value.
func changing(ls labels.Labels) (name string) {
	ls.Range(func(l labels.Label) {
		if askingTemplate.MatchString(l.Value) {
			name = l.Name
		}
	})
	return name
}

// recordings lists the recording rules by the metric that they record.
func recordings(groups []*rules.Group) map[string][]arrival.Recording {
	out := map[string][]arrival.Recording{}
	for _, g := range groups {
		for _, r := range g.Rules() {
			if rr, ok := r.(*rules.RecordingRule); ok {
				out[rr.Name()] = append(out[rr.Name()], arrival.Recording{Name: rr.Name(), Expr: rr.Query(), Labels: rr.Labels()})
			}
		}
	}
	return out
}

// handOver lets each rule inherit from its predecessor, and ends the series of
// those that have no successor. It returns the rules that had no predecessor.
func (a *arrivals) handOver(old, next *watchedSet, kept map[*watched]bool, now time.Time) map[*watched]bool {
	type identity struct{ group, name, labels string }
	id := func(w *watched) identity {
		return identity{rules.GroupKey(w.group.File(), w.group.Name()), w.rule.Name(), w.rule.Labels().String()}
	}
	successors := map[identity][]*watched{}
	for _, w := range next.all {
		if !kept[w] {
			successors[id(w)] = append(successors[id(w)], w)
		}
	}
	for _, w := range old.all {
		if kept[w] {
			continue
		}
		w.stop()
		k := id(w)
		if s := successors[k]; len(s) > 0 {
			s[0].inherit(w)
			successors[k] = s[1:]
			continue
		}
		w.mu.Lock()
		ended := make([]labels.Labels, 0, len(w.written))
		for _, ls := range w.written {
			ended = append(ended, ls)
		}
		a.end(w, ended, now)
		w.mu.Unlock()
	}
	fresh := map[*watched]bool{}
	for _, left := range successors {
		for _, w := range left {
			fresh[w] = true
		}
	}
	return fresh
}

// own makes the state series of the alerts that the journal brought back ours
// to end: upstream's manager has not written them in this process.
func (w *watched) own() {
	series := w.stateSeries()
	w.series, w.written = series, maps.Clone(series)
}

// seed tells rules whose series must be complete which series there are.
func (a *arrivals) seed(rs []*arrival.Rule, now time.Time) {
	q, err := a.o.Queryable.Querier(timestamp.FromTime(now.Add(-a.o.Lookback)), timestamp.FromTime(now))
	if err != nil {
		a.log.Warn("The stored series could not be read; alerts over several series wait for their next samples", "err", err)
		return
	}
	defer q.Close()
	// Rules that select the same have it read once.
	var selected [][]*labels.Matcher
	by := map[string][]*arrival.Rule{}
	for _, r := range rs {
		if c := r.Plan().Class; c != arrival.Target && c != arrival.Global {
			continue
		}
		for i := range r.Plan().Selectors {
			ms := matchers(&r.Plan().Selectors[i])
			k := fmt.Sprint(ms)
			if by[k] == nil {
				selected = append(selected, ms)
			}
			by[k] = append(by[k], r)
		}
	}
	var it chunkenc.Iterator
	for _, ms := range selected {
		it = a.seedSelected(q, ms, by[fmt.Sprint(ms)], now, it)
	}
}

func matchers(sel *arrival.Selector) []*labels.Matcher {
	ms := make([]*labels.Matcher, 0, len(sel.Matchers)+1)
	if sel.Name != "" {
		ms = append(ms, labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, sel.Name))
	}
	return append(ms, sel.Matchers...)
}

func (a *arrivals) seedSelected(q storage.Querier, ms []*labels.Matcher, rs []*arrival.Rule, now time.Time, it chunkenc.Iterator) chunkenc.Iterator {
	set := q.Select(context.Background(), false, nil, ms...)
	for set.Next() {
		s := set.At()
		it = s.Iterator(it)
		last, ok := int64(0), false
		for vt := it.Next(); vt != chunkenc.ValNone; vt = it.Next() {
			last, ok = it.AtT(), true
			if vt == chunkenc.ValFloat {
				if _, v := it.At(); value.IsStaleNaN(v) {
					ok = false
				}
			}
		}
		if ok && it.Err() == nil {
			for _, r := range rs {
				r.Seed(s.Labels(), last, timestamp.FromTime(now))
			}
		}
	}
	if err := set.Err(); err != nil {
		a.log.Warn("The stored series of a rule could not be read", "err", err)
	}
	return it
}
