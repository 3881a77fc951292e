package incident

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Report is what happened in a time. Times are seconds.
type Report struct {
	From       time.Time        `json:"from"`
	To         time.Time        `json:"to"`
	Incidents  int              `json:"incidents"`
	Weeks      []Week           `json:"weeks" doc:"By week, which begins on Monday, in UTC."`
	Severities []SeverityReport `json:"severities" doc:"The worst first."`
	Rules      []RuleReport     `json:"rules" doc:"The noisiest first."`
	Precision  *float64         `json:"precision,omitempty" doc:"Share of real incidents of those with a verdict; not there without any."`
	Judged     int              `json:"judged" doc:"Incidents with a verdict."`
	Woken      []Woken          `json:"woken" doc:"Who was called in this time and reached, in order."`
	Hints      HitRate          `json:"hints"`
	Cut        bool             `json:"cut,omitempty" doc:"There was more than a report can hold; ask for a shorter time."`
}

// Week is one week of a report.
type Week struct {
	Begin     time.Time `json:"begin"`
	Incidents int       `json:"incidents" doc:"Those that were opened in it."`
	Calls     int       `json:"calls" doc:"Those that were made in it and reached somebody."`
}

// SeverityReport is what happened at one severity.
type SeverityReport struct {
	Severity    string `json:"severity"`
	Incidents   int    `json:"incidents"`
	Detect      Spread `json:"detect" doc:"From the first bad sample to the first receiver's answer, the for of the rule with it."`
	Tell        Spread `json:"tell" doc:"From when the rule had to fire, which is after its for, to the first receiver's answer."`
	Acknowledge Spread `json:"acknowledge" doc:"From the opening to the first acknowledgement, also of incidents that were merged or given back."`
	Repair      Spread `json:"repair" doc:"From the first bad sample, or the opening, to the end of the last alert."`
}

// Spread is how a time is spread over incidents.
type Spread struct {
	Count int     `json:"count"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P95   float64 `json:"p95"`
}

// RuleReport is how often a rule fired.
type RuleReport struct {
	Name       string `json:"name"`
	Fired      int    `json:"fired"`
	Incidents  int    `json:"incidents"`
	FalseAlarm int    `json:"false_alarms" doc:"Incidents of it that somebody called a false alarm."`
}

// Woken is one call of an escalation that reached somebody.
type Woken struct {
	At        time.Time `json:"at"`
	Incident  int64     `json:"incident"`
	People    []string  `json:"people,omitempty" doc:"Who was on call."`
	Receivers []string  `json:"receivers" doc:"Those that took it: not what was muted or failed."`
}

// Bounds of a report.
const (
	maxReported = 100_000 // incidents, and calls
	maxRules    = 50
	maxWoken    = 1000 // calls that are listed; all are counted
)

// Report sums up the incidents that were opened in a time, and the calls that
// were made in it.
func (s *Service) Report(ctx context.Context, from, to time.Time) (Report, error) {
	r := Report{From: from.UTC(), To: to.UTC(), Weeks: []Week{}, Severities: []SeverityReport{}, Rules: []RuleReport{}, Woken: []Woken{}}
	if !from.Before(to) {
		return r, refuse("the time of a report begins before it ends")
	}
	var err error
	if r.Hints, err = s.HintRate(ctx); err != nil {
		return r, err
	}
	weeks := map[time.Time]*Week{}
	err = s.o.DB.Read(ctx, func(q state.Querier) error {
		if err := r.incidents(ctx, q, weeks); err != nil {
			return err
		}
		if err := r.rules(ctx, q); err != nil {
			return err
		}
		return r.woken(ctx, q, weeks)
	})
	for _, begin := range slices.SortedFunc(maps.Keys(weeks), time.Time.Compare) {
		r.Weeks = append(r.Weeks, *weeks[begin])
	}
	return r, err
}

type times struct{ detect, tell, acknowledge, repair []float64 }

func (r *Report) incidents(ctx context.Context, q state.Querier, weeks map[time.Time]*Week) (err error) {
	rows, err := q.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM incidents WHERE opened_at >= $1 AND opened_at < $2 ORDER BY opened_at LIMIT %d", columns, maxReported+1),
		state.Micros(r.From), state.Micros(r.To))
	if err != nil {
		return fmt.Errorf("report incidents: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	by, counts, right, read := map[string]*times{}, map[string]int{}, 0, 0
	for rows.Next() {
		i, err := scan(rows)
		if err != nil {
			return fmt.Errorf("report incidents: %w", err)
		}
		if read++; read > maxReported {
			r.Cut = true
			break
		}
		t := by[i.Severity]
		if t == nil && (i.State != Merged || !i.FirstAckAt.IsZero()) {
			t = &times{}
			by[i.Severity] = t
		}
		if !i.FirstAckAt.IsZero() {
			t.acknowledge = append(t.acknowledge, i.FirstAckAt.Sub(i.OpenedAt).Seconds())
		}
		if i.State == Merged {
			continue // it is counted as part of the other one; that somebody had to take it is not
		}
		r.Incidents++
		counts[i.Severity]++
		weekOf(weeks, i.OpenedAt).Incidents++
		if !i.SampleAt.IsZero() && !i.NotifiedAt.IsZero() {
			t.detect = append(t.detect, i.NotifiedAt.Sub(i.SampleAt).Seconds())
			t.tell = append(t.tell, i.NotifiedAt.Sub(i.due()).Seconds())
		}
		if !i.ResolvedAt.IsZero() {
			t.repair = append(t.repair, max(0, i.ResolvedAt.Sub(began(&i)).Seconds()))
		}
		if i.Verdict != "" {
			r.Judged++
		}
		if i.Verdict == Real {
			right++
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("report incidents: %w", err)
	}
	if r.Judged > 0 {
		share := float64(right) / float64(r.Judged)
		r.Precision = &share
	}
	for severity, t := range by {
		r.Severities = append(r.Severities, SeverityReport{Severity: severity, Incidents: counts[severity], Detect: spread(t.detect), Tell: spread(t.tell), Acknowledge: spread(t.acknowledge), Repair: spread(t.repair)})
	}
	slices.SortFunc(r.Severities, func(a, b SeverityReport) int {
		return cmp.Or(cmp.Compare(slices.Index(severities, b.Severity), slices.Index(severities, a.Severity)), cmp.Compare(a.Severity, b.Severity))
	})
	return nil
}

// weekOf is the week of a report that a time is in.
func weekOf(weeks map[time.Time]*Week, t time.Time) *Week {
	begin := week(t)
	w := weeks[begin]
	if w == nil {
		w = &Week{Begin: begin}
		weeks[begin] = w
	}
	return w
}

// week is the Monday before a time.
func week(t time.Time) time.Time {
	t = t.UTC()
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}

// spread sums up seconds; its quantiles are the nearest rank's.
func spread(xs []float64) Spread {
	s := Spread{Count: len(xs)}
	if len(xs) == 0 {
		return s
	}
	slices.Sort(xs)
	for _, x := range xs {
		s.Mean += x / float64(len(xs))
	}
	rank := func(percent int) float64 { return xs[max(0, (len(xs)*percent+99)/100-1)] }
	s.P50, s.P95 = rank(50), rank(95)
	return s
}

func (r *Report) rules(ctx context.Context, q state.Querier) (err error) {
	rows, err := q.QueryContext(ctx, fmt.Sprintf(`SELECT a.name, SUM(a.fired), COUNT(DISTINCT i.id), COUNT(DISTINCT CASE WHEN i.verdict = 'false_alarm' THEN i.id END)
		FROM incident_alerts a JOIN incidents i ON i.id = a.incident_id WHERE i.opened_at >= $1 AND i.opened_at < $2 AND i.state <> 'merged'
		GROUP BY a.name ORDER BY SUM(a.fired) DESC, a.name LIMIT %d`, maxRules), state.Micros(r.From), state.Micros(r.To))
	if err != nil {
		return fmt.Errorf("report rules: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var x RuleReport
		if err := rows.Scan(&x.Name, &x.Fired, &x.Incidents, &x.FalseAlarm); err != nil {
			return fmt.Errorf("report rules: %w", err)
		}
		r.Rules = append(r.Rules, x)
	}
	return rows.Err()
}

// woken finds the calls that were made in the time of the report, of whatever
// incident. One that was called for then had been opened before its end, and has
// not been as it is now since before its beginning.
func (r *Report) woken(ctx context.Context, q state.Querier, weeks map[time.Time]*Week) (err error) {
	rows, err := q.QueryContext(ctx, `SELECT e.incident_id, e.at, e.data FROM incidents i JOIN incident_events e ON e.incident_id = i.id
		WHERE i.opened_at < $1 AND i.updated_at >= $2 AND e.kind = $3 AND e.at >= $2 AND e.at < $1 ORDER BY e.at, e.incident_id, e.seq`,
		state.Micros(r.To), state.Micros(r.From), EventEscalated)
	if err != nil {
		return fmt.Errorf("report calls: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for calls := 0; rows.Next(); {
		var id, at int64
		var raw string
		if err := rows.Scan(&id, &at, &raw); err != nil {
			return fmt.Errorf("report calls: %w", err)
		}
		var data Made
		if err := json.Unmarshal([]byte(raw), &data); err != nil {
			return fmt.Errorf("report calls of incident %d: %w", id, err)
		}
		took := receiversTold(data.Receivers)
		if data.Resolved || len(took) == 0 { // who was told the end was not called
			continue
		}
		if calls == maxReported {
			r.Cut = true
			break
		}
		calls++
		weekOf(weeks, state.Time(at)).Calls++
		if len(r.Woken) == maxWoken {
			r.Cut = true
			continue
		}
		r.Woken = append(r.Woken, Woken{At: state.Time(at), Incident: id, People: data.People, Receivers: took})
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("report calls: %w", err)
	}
	return nil
}

// receiversTold lists those of a call's receivers that took it. What came of a
// call that got through begins with "told"; another was muted or failed.
func receiversTold(outcomes map[string]string) (out []string) {
	for _, receiver := range slices.Sorted(maps.Keys(outcomes)) {
		if strings.HasPrefix(outcomes[receiver], "told") {
			out = append(out, receiver)
		}
	}
	return out
}
