package backtest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Report is what a backtest found. Durations are seconds.
type Report struct {
	From       time.Time `json:"from"`
	To         time.Time `json:"to"`
	Source     string    `json:"source"`
	Compared   bool      `json:"compared"`    // there is a before side
	PagesBy    string    `json:"pages_by"`    // what counts as a page
	FlapWindow float64   `json:"flap_window"` // an alert that fires again within it has flapped
	WarmUp     float64   `json:"warm_up"`     // evaluated before the period, not reported
	Took       float64   `json:"took"`
	Unchanged  int       `json:"unchanged_rules"` // evaluated once for both sides

	Total    Pair         `json:"total"`
	Rules    []RuleReport `json:"rules"` // alerting rules
	Recorded []RuleNote   `json:"recording_rules,omitempty"`
	Limits   []string     `json:"limits"` // what the figures do not say
}

// Pair is one set of figures on both sides; nil where a side has none.
type Pair struct {
	Before *Figures `json:"before,omitempty"`
	After  *Figures `json:"after,omitempty"`
}

// Figures are those of one rule, or of all, on one side.
type Figures struct {
	Alerts        int      `json:"alerts"`          // that began to fire in the period
	FiringAtStart int      `json:"firing_at_start"` // and those that fired already
	FiringAtEnd   int      `json:"firing_at_end"`
	FiringShare   float64  `json:"firing_share"` // of the period, at least one alert firing
	PagesPerWeek  float64  `json:"pages_per_week"`
	Delay         *Delay   `json:"detection_delay,omitempty"`
	Flaps         int      `json:"flaps"`
	Evaluations   int      `json:"evaluations"`
	Failures      int      `json:"failures"`
	FirstFailure  string   `json:"first_failure,omitempty"`
	NoData        []string `json:"no_data,omitempty"` // selectors that found nothing
}

// Delay runs from the first sample for which the expression was true to firing.
type Delay struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	Max float64 `json:"max"`
}

// RuleReport is one alerting rule, before and after.
type RuleReport struct {
	Name   string `json:"name"`
	Group  string `json:"group"`
	Labels string `json:"labels,omitempty"`
	Status string `json:"status"` // unchanged, affected (by another rule that changed), changed, added, removed
	Pair
	New          int       `json:"new"`
	Removed      int       `json:"removed"`
	Changed      int       `json:"changed"`
	NewSome      []Example `json:"new_examples,omitempty"`
	RemovedSome  []Example `json:"removed_examples,omitempty"`
	ChangedSome  []Example `json:"changed_examples,omitempty"`
	SingleReason string    `json:"evaluated_singly_because,omitempty"`
}

// RuleNote is a recording rule about which there is something to say.
type RuleNote struct {
	Name         string   `json:"name"`
	Group        string   `json:"group"`
	Side         string   `json:"side"`
	Failures     int      `json:"failures,omitempty"`
	FirstFailure string   `json:"first_failure,omitempty"`
	NoData       []string `json:"no_data,omitempty"`
}

// Example is one alert that differs.
type Example struct {
	Fired    time.Time         `json:"fired"`
	Resolved *time.Time        `json:"resolved,omitempty"` // absent: still firing
	Labels   map[string]string `json:"labels"`
	Value    Number            `json:"value"`
	// Of a changed alert: as it was before.
	BeforeFired    *time.Time        `json:"before_fired,omitempty"`
	BeforeResolved *time.Time        `json:"before_resolved,omitempty"`
	BeforeLabels   map[string]string `json:"before_labels,omitempty"`
}

// Number is a float that JSON can carry, also NaN and the infinities.
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	f := float64(n)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Appendf(nil, "%q", fmt.Sprint(f)), nil
	}
	return fmt.Appendf(nil, "%v", f), nil
}

type period struct{ from, to int64 }

func (p period) week() float64 { return float64(7*24*time.Hour) / float64(p.to-p.from) }

// ended is when an episode ends, at most the end of the period.
func (p period) ended(e *episode) int64 {
	if e.resolved == 0 || e.resolved > p.to {
		return p.to + 1
	}
	return e.resolved
}

func newReport(o *Options, before, after *side, pg *pager) *Report {
	r := &Report{From: o.From.UTC(), To: o.To.UTC(), Source: o.Source.String(), Compared: len(o.Before) > 0,
		FlapWindow: o.FlapWindow.Seconds(), PagesBy: "each firing alert (no --alertmanager.config)", Rules: []RuleReport{},
		Limits: []string{"Samples count as arrived at their own timestamps; late ones are not told from others."}}
	if pg != nil {
		r.PagesBy = "notifications by the routes of " + pg.path
		r.Limits = append(r.Limits, "Silences, inhibition, mute times and resolved notifications are not counted.")
	}
	p := period{o.From.UnixNano(), o.To.UnixNano()}
	beforeFigures := r.figures(o, p, before, pg)
	afterFigures := r.figures(o, p, after, pg)
	for _, pair := range pairRules(before.rules(), after.rules()) {
		b, a := pair[0], pair[1]
		one := cmpOr(a, b)
		rr := RuleReport{Name: one.name, Group: one.group.name, Labels: labelText(one.labels)}
		if b != nil {
			rr.Before = beforeFigures.byRule[b]
		}
		if a != nil {
			rr.After = afterFigures.byRule[a]
		}
		switch {
		case !r.Compared:
			rr.Status = "after"
		case b == nil:
			rr.Status = "added"
		case a == nil:
			rr.Status = "removed"
		case a == b:
			rr.Status = "unchanged"
		default:
			rr.Status = "changed"
		}
		if r.Compared && a != b {
			rr.diff(p, b, a, o.Examples)
		}
		if rr.Status == "changed" && sameText(a, b) {
			rr.Status = "unchanged"
			if rr.New+rr.Removed+rr.Changed > 0 {
				rr.Status = "affected"
			}
		}
		if !r.Compared {
			rr.diff(p, nil, a, o.Examples)
		}
		r.Rules = append(r.Rules, rr)
	}
	if r.Compared {
		r.Total.Before = beforeFigures.total
		r.recorded(before, "before")
	}
	r.Total.After = afterFigures.total
	r.recorded(after, "after")
	for _, s := range []*side{before, after} {
		for _, u := range s.units {
			if u.single {
				r.singly(u)
			}
		}
	}
	return r
}

// sameText says whether two rules are written alike; what they read may differ.
func sameText(a, b *rule) bool {
	return a.query == b.query && a.hold == b.hold && a.keep == b.keep && labels.Equal(a.labels, b.labels) &&
		a.group.interval == b.group.interval && a.group.offset == b.group.offset && a.group.limit == b.group.limit
}

func cmpOr(a, b *rule) *rule {
	if a != nil {
		return a
	}
	return b
}

func (r *Report) singly(u *unit) {
	for _, rule := range u.rules {
		for i := range r.Rules {
			if rr := &r.Rules[i]; rr.Name == rule.name && rr.Group == rule.group.name && rule.alert {
				rr.SingleReason = u.why
			}
		}
	}
}

func (r *Report) recorded(s *side, name string) {
	for _, rule := range s.rules() {
		if rule.alert {
			continue
		}
		n := RuleNote{Name: rule.name, Group: rule.group.name, Side: name, Failures: rule.outcome.failures,
			FirstFailure: rule.outcome.firstFailure, NoData: rule.noData()}
		if n.Failures > 0 || len(n.NoData) > 0 {
			r.Recorded = append(r.Recorded, n)
		}
	}
}

func (r *rule) noData() []string {
	var out []string
	for _, s := range r.selectors {
		if !r.seen[s.text] {
			out = append(out, s.text)
		}
	}
	return out
}

func labelText(ls labels.Labels) string {
	if ls.IsEmpty() {
		return ""
	}
	return ls.String()
}

type sideFigures struct {
	byRule map[*rule]*Figures
	total  *Figures
}

func (r *Report) figures(o *Options, p period, s *side, pg *pager) sideFigures {
	out := sideFigures{byRule: map[*rule]*Figures{}, total: &Figures{}}
	var alerts []told
	var all []*episode
	var delays []float64
	for _, rule := range s.rules() {
		out.total.Evaluations += rule.outcome.evaluations
		out.total.Failures += rule.outcome.failures
		if !rule.alert {
			continue
		}
		f := &Figures{Evaluations: rule.outcome.evaluations, Failures: rule.outcome.failures,
			FirstFailure: rule.outcome.firstFailure, NoData: rule.noData()}
		var in []*episode
		var own []float64
		for _, e := range rule.outcome.episodes {
			if p.ended(e) <= p.from || e.fired > p.to {
				continue
			}
			in = append(in, e)
			alerts = append(alerts, told{rule: rule, labels: e.labels, fired: e.fired, ended: p.ended(e)})
			if p.ended(e) > p.to {
				f.FiringAtEnd++
			}
			if e.fired < p.from {
				f.FiringAtStart++
				continue
			}
			f.Alerts++
			begin := e.onset
			if begin == 0 {
				begin = e.active
			}
			own = append(own, time.Duration(e.fired-begin).Seconds())
		}
		f.Delay = delayOf(own)
		f.FiringShare = share01(p, in)
		f.Flaps = flaps(p, in, int64(o.FlapWindow))
		f.PagesPerWeek = float64(f.Alerts) * p.week()
		out.byRule[rule] = f
		out.total.Alerts += f.Alerts
		out.total.FiringAtStart += f.FiringAtStart
		out.total.FiringAtEnd += f.FiringAtEnd
		out.total.Flaps += f.Flaps
		all = append(all, in...)
		delays = append(delays, own...)
	}
	if pg != nil {
		pages := pg.count(alerts, o.ExternalLabels, p.from, p.to)
		for rule, f := range out.byRule {
			f.PagesPerWeek = float64(pages[rule]) * p.week()
		}
	}
	for _, f := range out.byRule {
		out.total.PagesPerWeek += f.PagesPerWeek
	}
	// Sums of floats in the order of a map differ in their last digits.
	out.total.PagesPerWeek = math.Round(out.total.PagesPerWeek*1e6) / 1e6
	out.total.FiringShare = share01(p, all)
	out.total.Delay = delayOf(delays)
	return out
}

func delayOf(d []float64) *Delay {
	if len(d) == 0 {
		return nil
	}
	sort.Float64s(d)
	return &Delay{P50: percentile(d, 0.5), P95: percentile(d, 0.95), Max: d[len(d)-1]}
}

// share01 is the share of the period in which at least one of the alerts fires.
func share01(p period, in []*episode) float64 {
	in = slices.Clone(in)
	slices.SortFunc(in, func(a, b *episode) int { return cmp.Compare(a.fired, b.fired) })
	var sum, until int64
	until = p.from
	for _, e := range in {
		from, to := max(e.fired, until), min(p.ended(e), p.to)
		if to > from {
			sum += to - from
			until = to
		}
	}
	return float64(sum) / float64(p.to-p.from)
}

// flaps counts alerts that fire again within the window after their end.
func flaps(p period, in []*episode, window int64) int {
	last := map[uint64]int64{}
	n := 0
	for _, e := range in { // in the order of firing
		h := e.labels.Hash()
		if end, ok := last[h]; ok && e.fired-end <= window && e.fired >= p.from {
			n++
		}
		last[h] = p.ended(e)
	}
	return n
}

// pairRules finds for each alerting rule its counterpart: the same name and
// labels, otherwise the same name.
func pairRules(before, after []*rule) [][2]*rule {
	var out [][2]*rule
	taken := map[*rule]bool{}
	find := func(a *rule, same func(b *rule) bool) *rule {
		for _, b := range before {
			if b.alert && b.name == a.name && !taken[b] && same(b) {
				return b
			}
		}
		return nil
	}
	partner := map[*rule]*rule{}
	for _, same := range []func(a, b *rule) bool{
		func(a, b *rule) bool { return a == b },
		func(a, b *rule) bool { return labels.Equal(a.labels, b.labels) && a.group.name == b.group.name },
		func(a, b *rule) bool { return labels.Equal(a.labels, b.labels) },
		func(_, _ *rule) bool { return true },
	} {
		for _, a := range after {
			if !a.alert || partner[a] != nil {
				continue
			}
			if b := find(a, func(b *rule) bool { return same(a, b) }); b != nil {
				partner[a], taken[b] = b, true
			}
		}
	}
	for _, a := range after {
		if a.alert {
			out = append(out, [2]*rule{partner[a], a})
		}
	}
	for _, b := range before {
		if b.alert && !taken[b] {
			out = append(out, [2]*rule{b, nil})
		}
	}
	return out
}

// diff finds the alerts that only one side has, and those that both have at
// different times or with different labels.
func (rr *RuleReport) diff(p period, b, a *rule, examples int) {
	var own []string
	for _, r := range []*rule{b, a} {
		if r != nil {
			r.labels.Range(func(l labels.Label) { own = append(own, l.Name) })
		}
	}
	// The same trouble, whatever labels the rules themselves put on it.
	identity := func(e *episode) uint64 { return labels.NewBuilder(e.labels).Del(own...).Labels().Hash() }
	in := func(r *rule) []*episode {
		var out []*episode
		if r != nil {
			for _, e := range r.outcome.episodes {
				if p.ended(e) > p.from && e.fired <= p.to {
					out = append(out, e)
				}
			}
		}
		return out
	}
	overlap := func(x, y *episode) bool { return x.active < p.ended(y) && y.active < p.ended(x) }
	byIdentity := func(list []*episode) map[uint64][]*episode {
		m := map[uint64][]*episode{}
		for _, e := range list {
			m[identity(e)] = append(m[identity(e)], e)
		}
		return m
	}
	old, now := in(b), in(a)
	oldBy, nowBy := byIdentity(old), byIdentity(now)
	find := func(e *episode, list []*episode) *episode {
		for _, x := range list {
			if overlap(e, x) {
				return x
			}
		}
		return nil
	}
	for _, e := range now {
		was := find(e, oldBy[identity(e)])
		switch {
		case was == nil:
			rr.New++
			rr.NewSome = some(rr.NewSome, examples, func() Example { return p.example(e, nil) })
		case was.fired != e.fired || was.resolved != e.resolved || !labels.Equal(was.labels, e.labels):
			rr.Changed++
			rr.ChangedSome = some(rr.ChangedSome, examples, func() Example { return p.example(e, was) })
		}
	}
	for _, e := range old {
		if find(e, nowBy[identity(e)]) == nil {
			rr.Removed++
			rr.RemovedSome = some(rr.RemovedSome, examples, func() Example { return p.example(e, nil) })
		}
	}
}

func some(list []Example, n int, make func() Example) []Example {
	if len(list) >= n {
		return list
	}
	return append(list, make())
}

func (p period) example(e, was *episode) Example {
	ended := func(e *episode) *time.Time {
		if p.ended(e) > p.to {
			return nil
		}
		t := time.Unix(0, e.resolved).UTC()
		return &t
	}
	x := Example{Fired: time.Unix(0, e.fired).UTC(), Resolved: ended(e), Labels: e.labels.Map(), Value: Number(e.value)}
	if was != nil {
		t := time.Unix(0, was.fired).UTC()
		x.BeforeFired, x.BeforeResolved = &t, ended(was)
		if !labels.Equal(was.labels, e.labels) {
			x.BeforeLabels = was.labels.Map()
		}
	}
	return x
}
