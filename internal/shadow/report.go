package shadow

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Report is what a comparison found. Durations are seconds.
type Report struct {
	From         time.Time `json:"from"`
	To           time.Time `json:"to"`
	Prometheus   string    `json:"prometheus"`
	Alertmanager string    `json:"alertmanager,omitempty"`
	Mode         string    `json:"mode"` // federation, remote write
	Samples      int       `json:"samples,omitempty"`
	Refused      int       `json:"refused_samples,omitempty"`

	Same          int     `json:"same"`
	Missed        int     `json:"missed"`         // by us
	Extra         int     `json:"extra"`          // missed by the pair, or ours alone
	AlreadyActive int     `json:"already_active"` // when the comparison began: not compared
	Undecided     int     `json:"undecided"`      // began at the very end: the other side had no time
	Sooner        *Spread `json:"sooner,omitempty"`

	Rules      []RuleRow      `json:"rules"`
	Pairs      []Pair         `json:"pairs"`
	MissedList []Alert        `json:"missed_alerts"`
	ExtraList  []Alert        `json:"extra_alerts"`
	Limits     []string       `json:"limits,omitempty"`
	Errors     map[string]int `json:"errors,omitempty"`
}

// Spread is how much sooner we were; negative is later.
type Spread struct {
	Min float64 `json:"min"`
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	Max float64 `json:"max"`
}

// RuleRow is the sum over the alerts of one name.
type RuleRow struct {
	Name   string  `json:"name"`
	Same   int     `json:"same"`
	Missed int     `json:"missed"`
	Extra  int     `json:"extra"`
	Sooner *Spread `json:"sooner,omitempty"`
}

// Pair is one alert that both sides have.
type Pair struct {
	Labels  map[string]string `json:"labels"`
	Ours    time.Time         `json:"ours"`
	Theirs  time.Time         `json:"theirs"`
	Sooner  float64           `json:"sooner"`
	Decided string            `json:"decided,omitempty"` // class of our rule, or tick
	Exact   bool              `json:"exact"`             // theirs is Alertmanager's startsAt, not the poll that saw it
}

// Alert is one alert that one side has.
type Alert struct {
	Labels map[string]string `json:"labels"`
	Fired  time.Time         `json:"fired"`
	Ended  *time.Time        `json:"ended,omitempty"`
	Note   string            `json:"note,omitempty"`
}

func (r *run) report() *Report {
	r.mine.mu.Lock()
	defer r.mine.mu.Unlock()
	r.theirs.mu.Lock()
	defer r.theirs.mu.Unlock()
	end := r.o.Now()
	out := &Report{From: r.began.UTC(), To: end.UTC(), Prometheus: r.o.Prometheus.Redacted(), Mode: "federation", Limits: r.limits,
		Errors: r.errors, Rules: []RuleRow{}, Pairs: []Pair{}, MissedList: []Alert{}, ExtraList: []Alert{}}
	if r.o.Alertmanager != nil {
		out.Alertmanager = r.o.Alertmanager.Redacted()
	}
	if r.o.Touchline != nil {
		out.Mode = "remote write"
	}
	interval := r.config.EvaluationInterval
	for _, g := range r.groups {
		interval = max(interval, time.Duration(g.Interval*float64(time.Second)))
	}
	grace := interval + r.o.Watch + 5*time.Second
	m := &matcher{end: end, slack: interval, mine: map[string][]*episode{}, taken: map[*episode]bool{}}
	for _, e := range r.mine.list {
		m.mine[e.labels.String()] = append(m.mine[e.labels.String()], e)
	}
	rows := map[string]*RuleRow{}
	delays := map[string][]float64{}
	row := func(ls labels.Labels) *RuleRow {
		name := ls.Get(labels.AlertName)
		if rows[name] == nil {
			rows[name] = &RuleRow{Name: name}
		}
		return rows[name]
	}
	for _, t := range r.theirs.list {
		o := m.find(t)
		switch {
		case r.before[t.labels.String()] && !t.activeAt.After(r.began):
			out.AlreadyActive++
		case o != nil:
			sooner := t.fired.Sub(o.fired).Seconds()
			out.Same++
			row(t.labels).Same++
			delays[t.labels.Get(labels.AlertName)] = append(delays[t.labels.Get(labels.AlertName)], sooner)
			out.Pairs = append(out.Pairs, Pair{Labels: t.labels.Map(), Ours: o.fired.UTC(), Theirs: t.fired.UTC(), Sooner: sooner, Decided: o.class, Exact: t.held})
		case end.Sub(t.fired) < grace:
			out.Undecided++
		default:
			out.Missed++
			row(t.labels).Missed++
			out.MissedList = append(out.MissedList, alertOf(t, ""))
		}
	}
	for _, o := range r.mine.list {
		switch {
		case m.taken[o]:
		case r.before[o.labels.String()] && !o.activeAt.After(r.began.Add(interval)):
			out.AlreadyActive++
		case end.Sub(o.fired) < grace:
			out.Undecided++
		default:
			out.Extra++
			row(o.labels).Extra++
			note := "the pair never had it"
			if r.theirs.sawPending(o.labels.String(), o.activeAt.Add(-interval), endOf(o, end).Add(interval)) {
				note = "the pair had it pending"
			} else if endOf(o, end).Sub(o.fired) <= interval+time.Second {
				note = "over before the pair's next evaluation"
			}
			out.ExtraList = append(out.ExtraList, alertOf(o, note))
		}
	}
	var all []float64
	for name, d := range delays {
		rows[name].Sooner = spread(d)
		all = append(all, d...)
	}
	out.Sooner = spread(all)
	for _, one := range rows {
		out.Rules = append(out.Rules, *one)
	}
	slices.SortFunc(out.Rules, func(a, b RuleRow) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func endOf(e *episode, end time.Time) time.Time {
	if e.ended.IsZero() {
		return end
	}
	return e.ended
}

// matcher finds for an alert of theirs ours with the same labels at the same time.
type matcher struct {
	end   time.Time
	slack time.Duration
	mine  map[string][]*episode
	taken map[*episode]bool
}

func (m *matcher) find(t *episode) *episode {
	for _, o := range m.mine[t.labels.String()] {
		if m.taken[o] || o.fired.After(endOf(t, m.end).Add(m.slack)) || endOf(o, m.end).Add(m.slack).Before(t.fired) {
			continue
		}
		m.taken[o] = true
		return o
	}
	return nil
}

func alertOf(e *episode, note string) Alert {
	a := Alert{Labels: e.labels.Map(), Fired: e.fired.UTC(), Note: note}
	if !e.ended.IsZero() {
		t := e.ended.UTC()
		a.Ended = &t
	}
	return a
}

func spread(d []float64) *Spread {
	if len(d) == 0 {
		return nil
	}
	d = slices.Clone(d)
	sort.Float64s(d)
	rank := func(p float64) float64 {
		i := sort.Search(len(d), func(i int) bool { return float64(i+1) >= p*float64(len(d)) })
		return d[min(i, len(d)-1)]
	}
	return &Spread{Min: d[0], P50: rank(0.5), P95: rank(0.95), Max: d[len(d)-1]}
}

// Text writes how much sooner, as people say it.
func (s *Spread) Text() string {
	if s == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f s (p50), %.2f to %.2f s", s.P50, s.Min, s.Max)
}
