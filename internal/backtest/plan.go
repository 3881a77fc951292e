package backtest

import (
	"fmt"
	"sort"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// unit is what is evaluated together: one rule, or rules that select each
// other's output.
type unit struct {
	rules  []*rule
	single bool // one evaluation time at a time
	why    string
	needs  []*unit
	key    string
	level  int
}

// side is one set of rule files, planned.
type side struct {
	groups []*group
	units  []*unit // in the order in which they can be evaluated
}

// rules lists the rules in the order of the files.
func (s *side) rules() []*rule {
	var out []*rule
	for _, g := range s.groups {
		out = append(out, g.rules...)
	}
	return out
}

// hidden are the series that the side's own rules write: stored ones of these
// names were written by the rules of that time and are not read.
type hidden struct {
	recorded map[string]bool
	alerts   map[string]bool
}

func (h *hidden) hides(ls labels.Labels) bool {
	name := ls.Get(labels.MetricName)
	if h.recorded[name] {
		return true
	}
	return (name == alertsName || name == forStateName) && h.alerts[ls.Get(labels.AlertName)]
}

// mayHide says whether a selector can find a hidden series at all.
func (h *hidden) mayHide(ms []*labels.Matcher) bool {
	for _, m := range ms {
		if m.Name == labels.MetricName && m.Type == labels.MatchEqual {
			return h.recorded[m.Value] || (m.Value == alertsName || m.Value == forStateName) && len(h.alerts) > 0
		}
	}
	return len(h.recorded)+len(h.alerts) > 0
}

// names lists the hidden names that a selector can find.
func (h *hidden) names(ms []*labels.Matcher) []string {
	var out []string
	name := func(s string) bool {
		for _, m := range ms {
			if m.Name == labels.MetricName && !m.Matches(s) {
				return false
			}
		}
		return true
	}
	for n := range h.recorded {
		if name(n) {
			out = append(out, n)
		}
	}
	if name(alertsName) || name(forStateName) {
		for n := range h.alerts {
			out = append(out, alertsName+" "+n)
		}
	}
	sort.Strings(out)
	return out
}

// planSide finds who needs whom. from and to are the evaluation times to cover.
func planSide(groups []*group, from, to int64) *side {
	s := &side{groups: groups}
	all := s.rules()
	hid := &hidden{recorded: map[string]bool{}, alerts: map[string]bool{}}
	for _, r := range all {
		r.hidden = hid
		if r.alert {
			hid.alerts[r.name] = true
		} else {
			hid.recorded[r.name] = true
		}
	}
	for _, r := range all {
		for _, p := range all {
			for i := range r.selectors {
				if selects(r.selectors[i].matchers, p) {
					r.producers = append(r.producers, p)
					p.observed = true
					break
				}
			}
		}
	}
	unitOf := map[*rule]*unit{}
	for _, members := range components(all) {
		u := &unit{rules: members}
		for _, r := range members {
			unitOf[r] = u
		}
		u.decide(from, to)
		s.units = append(s.units, u)
	}
	for _, u := range s.units {
		added := map[*unit]bool{u: true}
		for _, r := range u.rules {
			for _, p := range r.producers {
				if n := unitOf[p]; !added[n] {
					added[n] = true
					u.needs = append(u.needs, n)
					u.level = max(u.level, n.level+1)
				}
			}
		}
		u.key = u.identity()
	}
	return s
}

// selects says whether a selector can match what rule p writes.
func selects(ms []*labels.Matcher, p *rule) bool {
	names := []string{p.name}
	if p.alert {
		names = []string{alertsName, forStateName}
	}
	for _, m := range ms {
		switch {
		case m.Name == labels.MetricName:
			ok := false
			for _, n := range names {
				ok = ok || m.Matches(n)
			}
			if !ok {
				return false
			}
		case m.Name == labels.AlertName && p.alert:
			if !m.Matches(p.name) {
				return false
			}
		default:
			if v := p.labels.Get(m.Name); v != "" && !strings.Contains(v, "{{") && !m.Matches(v) {
				return false
			}
		}
	}
	return true
}

// components gives the strongly connected components, producers first
// (Tarjan's algorithm; recursion is as deep as the longest chain of rules).
func components(all []*rule) [][]*rule {
	index, low := map[*rule]int{}, map[*rule]int{}
	onStack := map[*rule]bool{}
	var stack []*rule
	var out [][]*rule
	var visit func(r *rule)
	visit = func(r *rule) {
		index[r] = len(index) + 1
		low[r] = index[r]
		stack = append(stack, r)
		onStack[r] = true
		for _, p := range r.producers {
			if index[p] == 0 {
				visit(p)
				low[r] = min(low[r], low[p])
			} else if onStack[p] {
				low[r] = min(low[r], index[p])
			}
		}
		if low[r] != index[r] {
			return
		}
		var members []*rule
		for {
			m := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			onStack[m] = false
			members = append(members, m)
			if m == r {
				break
			}
		}
		sort.Slice(members, func(i, j int) bool { return before(members[i], 0, members[j], 0) })
		out = append(out, members)
	}
	for _, r := range all {
		if index[r] == 0 {
			visit(r)
		}
	}
	return out
}

// decide finds out whether range queries answer as single evaluations would.
func (u *unit) decide(from, to int64) {
	if len(u.rules) > 1 {
		u.single, u.why = true, "its rules select each other's output"
		return
	}
	r := u.rules[0]
	if r.traits.single {
		u.single, u.why = true, "its expression depends on the query's own start, end or step"
		return
	}
	for _, p := range r.producers {
		switch {
		case p == r:
			u.single, u.why = true, "it selects its own output"
		case r.traits.ahead:
			u.single, u.why = true, "it selects other rules' output at other times than its own"
		case !writtenFirst(p, r, from, to):
			u.single, u.why = true, fmt.Sprintf("it selects the output of %s, which is evaluated after it or with a larger query_offset", p.name)
		}
	}
}

// writtenFirst says whether at every evaluation of r all samples of p up to the
// time that r asks for have been written, so that reading them later is the same.
func writtenFirst(p, r *rule, from, to int64) bool {
	for tick := r.group.tickAfter(from); tick <= to; tick += int64(r.group.interval) {
		asked := r.group.sampleTime(tick)
		// The last tick of p with a sample up to the time that is asked for.
		last := p.group.tickAfter((asked+1)*1e6 + int64(p.group.offset))
		for p.group.sampleTime(last) > asked {
			last -= int64(p.group.interval)
		}
		if !before(p, last, r, tick) {
			return false
		}
	}
	return true
}

// visible gives the newest sample time of p that an evaluation of r sees.
func visible(p, r *rule, tick int64) int64 {
	last := p.group.tickAfter(tick)
	for !before(p, last, r, tick) {
		last -= int64(p.group.interval)
	}
	return p.group.sampleTime(last)
}

// identity is equal for units of both sides that do the same.
func (u *unit) identity() string {
	if u.single {
		// Its cut-offs depend on its place among the groups.
		return ""
	}
	var b strings.Builder
	for _, r := range u.rules {
		g := r.group
		fmt.Fprintf(&b, "%t|%q|%q|%d|%d|%d|%d|%s|%d|%d|", r.alert, r.name, r.query, g.interval, g.offset, g.limit, g.phase, r.labels, r.hold, r.keep)
		for _, s := range r.selectors {
			fmt.Fprintf(&b, "%q|", r.hidden.names(s.matchers))
		}
	}
	for _, n := range u.needs {
		if n.key == "" {
			return ""
		}
		fmt.Fprintf(&b, "(%s)", n.key)
	}
	return b.String()
}

// share lets the after side take over the units that the before side has as
// well: a rule that did not change is evaluated once.
func share(from, to *side) int {
	known := map[string]*unit{}
	for _, u := range from.units {
		if u.key != "" {
			known[u.key] = u
		}
	}
	instead := map[*rule]*rule{}
	replaced := map[*unit]*unit{}
	for i, u := range to.units {
		old := known[u.key]
		if u.key == "" || old == nil {
			continue
		}
		// Two equal rules on one side stay two.
		delete(known, u.key)
		replaced[u] = old
		for k, r := range u.rules {
			instead[r] = old.rules[k]
			old.rules[k].observed = old.rules[k].observed || r.observed
		}
		to.units[i] = old
	}
	for _, u := range to.units {
		for _, r := range u.rules {
			for k, p := range r.producers {
				if n := instead[p]; n != nil {
					r.producers[k] = n
				}
			}
		}
		for k, n := range u.needs {
			if o := replaced[n]; o != nil {
				u.needs[k] = o
			}
		}
	}
	for _, g := range to.groups {
		for k, r := range g.rules {
			if n := instead[r]; n != nil {
				g.rules[k] = n
			}
		}
	}
	return len(instead)
}
