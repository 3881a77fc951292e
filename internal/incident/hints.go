package incident

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Hint is something else that changed when an incident began.
type Hint struct {
	Rank     int            `json:"rank" doc:"From 1, the likeliest cause."`
	Kind     string         `json:"kind" enum:"deploy,scrape,alert,shift"`
	Title    string         `json:"title"`
	At       time.Time      `json:"at" doc:"When it changed."`
	Score    float64        `json:"score" doc:"The larger the likelier; comparable within one incident."`
	Data     map[string]any `json:"data,omitempty" doc:"What is known of it. An after_ms says that it began so many milliseconds after the incident, so that it is rather a consequence."`
	Verdict  string         `json:"verdict,omitempty" enum:"right,wrong"`
	JudgedBy string         `json:"judged_by,omitempty"`
}

// The kinds of hints.
const (
	HintDeploy = "deploy" // something was deployed
	HintScrape = "scrape" // a target could not be scraped
	HintAlert  = "alert"  // another alert began
	HintShift  = "shift"  // the level of a series with the same labels changed
)

// The verdicts on a hint.
const (
	HintRight = "right"
	HintWrong = "wrong"
)

// Series is a series with its samples, which are in order.
type Series struct {
	Labels  map[string]string
	Times   []time.Time
	Values  []float64
	Counter bool // only its growth says something
}

// Surroundings is where hints come from. All fields are optional.
type Surroundings struct {
	// Series returns the series that have some labels, with samples at a distance of step.
	Series func(ctx context.Context, labels map[string]string, from, to time.Time, step time.Duration, limit int) ([]Series, error)
	// Deploys returns what was deployed in a time.
	Deploys func(ctx context.Context, from, to time.Time) ([]Deploy, error)
}

// Deploy is a note that something was deployed.
type Deploy struct {
	ID     int64             `json:"id"`
	At     time.Time         `json:"at"`
	Ended  time.Time         `json:"ended,omitzero" doc:"When the command that deployed had ended."`
	Title  string            `json:"title"`
	Labels map[string]string `json:"labels,omitempty" doc:"What was deployed, such as service and version."`
	Actor  string            `json:"actor,omitempty"`
	Failed bool              `json:"failed,omitempty" doc:"The command failed."`
}

// What is looked at around the beginning of an incident.
const (
	hintBefore   = 30 * time.Minute // what is compared with
	hintRecent   = 5 * time.Minute  // before the beginning: what changed then may be the cause
	hintAfter    = 2 * time.Minute
	hintPatience = 10 * time.Minute // until hints are kept without the series that cannot be read
	hintStep     = 15 * time.Second
	hintSeries   = 2000 // that are read
	maxHints     = 10
	minShift     = 4 // times the usual deviation
)

// hintLabels are the labels that tell what an alert is about, the narrowest first.
var hintLabels = [][]string{{"instance"}, {"pod"}, {"container"}, {"service"}, {"job", "namespace"}, {"job"}}

// A PartError says that hints are told without what could not be read. They are
// not kept, so that the next who asks may find more.
type PartError struct{ err error }

func (e *PartError) Error() string { return e.err.Error() }
func (e *PartError) Unwrap() error { return e.err }

// Hints returns what else changed when an incident began; with a [*PartError] there
// may be some as well. They are found once,
// when what comes after the beginning is there, and are kept from then on.
func (s *Service) Hints(ctx context.Context, id int64) ([]Hint, error) {
	var d Detail
	var kept []Hint
	if err := s.o.DB.Read(ctx, func(q state.Querier) (err error) {
		if d.Incident, err = load(ctx, q, id); err != nil {
			return err
		}
		if d.Alerts, err = members(ctx, q, id); err != nil {
			return err
		}
		kept, err = hints(ctx, q, id)
		return err
	}); err != nil {
		return nil, err
	}
	if len(kept) > 0 {
		return kept, nil
	}
	found, err := s.find(ctx, &d)
	// A server that has the samples and does not give them may never do: what is known is kept in the end.
	if _, ok := errors.AsType[*PartError](err); ok && len(found) > 0 && s.o.Now().After(began(&d.Incident).Add(hintPatience)) {
		err = nil
	}
	if err != nil {
		return found, err
	}
	if len(found) == 0 || s.o.Now().Before(began(&d.Incident).Add(hintAfter)) {
		return found, nil
	}
	err = s.o.DB.Write(ctx, func(tx *state.Tx) error {
		if kept, err = hints(ctx, tx, id); err != nil || len(kept) > 0 {
			return err // another request was quicker
		}
		kept = found
		for _, h := range found {
			raw, err := json.Marshal(h.Data)
			if err != nil {
				return fmt.Errorf("write hint: %w", err)
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO hints (incident_id, rank, kind, title, data, at, score, verdict, judged_by) VALUES ($1, $2, $3, $4, $5, $6, $7, '', '')",
				id, h.Rank, h.Kind, h.Title, string(raw), state.Micros(h.At), h.Score); err != nil {
				return fmt.Errorf("write hint of incident %d: %w", id, err)
			}
		}
		return nil
	})
	return kept, err
}

func began(i *Incident) time.Time {
	if !i.SampleAt.IsZero() {
		return i.SampleAt
	}
	return i.OpenedAt
}

func hints(ctx context.Context, q state.Querier, id int64) (out []Hint, err error) {
	rows, err := q.QueryContext(ctx, "SELECT rank, kind, title, data, at, score, verdict, judged_by FROM hints WHERE incident_id = $1 ORDER BY rank", id)
	if err != nil {
		return nil, fmt.Errorf("read hints of incident %d: %w", id, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var h Hint
		var at int64
		var data string
		if err := rows.Scan(&h.Rank, &h.Kind, &h.Title, &data, &at, &h.Score, &h.Verdict, &h.JudgedBy); err != nil {
			return nil, fmt.Errorf("read hints of incident %d: %w", id, err)
		}
		h.At = state.Time(at)
		if err := json.Unmarshal([]byte(data), &h.Data); err != nil {
			return nil, fmt.Errorf("read hints of incident %d: %w", id, err)
		}
		out = append(out, h)
	}
	return out, rows.Err()
}

// find looks around the beginning of an incident.
func (s *Service) find(ctx context.Context, d *Detail) ([]Hint, error) {
	at := began(&d.Incident)
	from, to := at.Add(-hintRecent), at.Add(hintAfter)
	var deploys []Deploy
	if s.o.Surroundings.Deploys != nil {
		var err error
		if deploys, err = s.o.Surroundings.Deploys(ctx, at.Add(-hintBefore), to); err != nil {
			return nil, err
		}
	}
	alerts, err := s.otherAlerts(ctx, d.ID, from, to)
	if err != nil {
		return nil, err
	}
	shifts, err := s.shifts(ctx, d, at)
	if err != nil {
		err = &PartError{err}
	}
	return rank(d, at, deploys, alerts, shifts), err
}

func (s *Service) otherAlerts(ctx context.Context, id int64, from, to time.Time) (out []Member, err error) {
	err = s.o.DB.Read(ctx, func(q state.Querier) (err error) {
		rows, err := q.QueryContext(ctx, `SELECT a.fingerprint, a.name, a.labels, a.starts_at FROM incident_alerts a JOIN incidents i ON i.id = a.incident_id
			WHERE a.incident_id <> $1 AND i.merged_into <> $1 AND i.opened_at >= $2 AND a.starts_at >= $3 AND a.starts_at <= $4 ORDER BY a.starts_at LIMIT 200`,
			id, state.Micros(from.Add(-24*time.Hour)), state.Micros(from), state.Micros(to))
		if err != nil {
			return fmt.Errorf("look for other alerts: %w", err)
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var m Member
			var labels string
			var starts int64
			if err := rows.Scan(&m.Fingerprint, &m.Name, &labels, &starts); err != nil {
				return fmt.Errorf("look for other alerts: %w", err)
			}
			m.StartsAt = state.Time(starts)
			if err := json.Unmarshal([]byte(labels), &m.Labels); err != nil {
				return fmt.Errorf("look for other alerts: %w", err)
			}
			out = append(out, m)
		}
		return rows.Err()
	})
	return out, err
}

// shifts finds series of the same labels whose level changed when the incident began.
func (s *Service) shifts(ctx context.Context, d *Detail, at time.Time) ([]Hint, error) {
	if s.o.Surroundings.Series == nil {
		return nil, nil
	}
	var out []Hint
	seen := map[string]bool{}
	for _, m := range d.Alerts {
		by := narrowest(m.Labels)
		if by == nil || seen[fmt.Sprint(by)] {
			continue
		}
		seen[fmt.Sprint(by)] = true
		all, err := s.o.Surroundings.Series(ctx, by, at.Add(-hintBefore), at.Add(hintAfter), hintStep, hintSeries)
		if err != nil {
			return nil, fmt.Errorf("read series around the incident: %w", err)
		}
		for _, x := range all {
			if h, ok := shift(x, at, by); ok {
				out = append(out, h)
			}
		}
		if len(seen) == 3 {
			break // an incident of many instances says enough with a few
		}
	}
	// Of one metric the strongest series speaks for the others.
	slices.SortStableFunc(out, func(a, b Hint) int { return cmp.Compare(b.Score, a.Score) })
	metrics := map[any]bool{}
	return slices.DeleteFunc(out, func(h Hint) bool {
		name := h.Data["metric"]
		if metrics[name] {
			return true
		}
		metrics[name] = true
		return false
	}), nil
}

func narrowest(ls map[string]string) map[string]string {
	for _, keys := range hintLabels {
		out := map[string]string{}
		for _, k := range keys {
			if ls[k] != "" {
				out[k] = ls[k]
			}
		}
		if len(out) == len(keys) {
			return out
		}
	}
	return nil
}

// shift says whether, and how, a series' level around the beginning differs from
// what it was before: by the distance of medians in units of the usual deviation
// from the median before, as a robust z-score (Iglewicz and Hoaglin, 1993).
func shift(x Series, at time.Time, by map[string]string) (Hint, bool) {
	name := x.Labels["__name__"]
	if name == "ALERTS" || name == "ALERTS_FOR_STATE" {
		return Hint{}, false
	}
	var before, after []float64
	for n, v := range x.Values {
		if x.Counter {
			if n == 0 || v < x.Values[n-1] {
				continue
			}
			v = (v - x.Values[n-1]) / max(x.Times[n].Sub(x.Times[n-1]).Seconds(), 1e-3)
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		switch t := x.Times[n]; {
		case t.Before(at.Add(-hintRecent)):
			before = append(before, v)
		case !t.Before(at.Add(-hintStep)):
			after = append(after, v)
		}
	}
	if len(before) < 8 || len(after) < 2 {
		return Hint{}, false
	}
	was, is := median(before), median(after)
	deviations := make([]float64, len(before))
	for n, v := range before {
		deviations[n] = math.Abs(v - was)
	}
	spread := max(1.4826*median(deviations), 0.02*math.Abs(was), 1e-9)
	z := math.Abs(is-was) / spread
	if z < minShift {
		return Hint{}, false
	}
	h := Hint{Kind: HintShift, At: at, Score: min(math.Log2(z)*5, 50), Data: map[string]any{
		"metric": name, "labels": x.Labels, "before": was, "after": is, "deviations": math.Round(min(z, 1e6)*10) / 10, "by": by,
	}}
	if name == "up" && is < was {
		h.Kind, h.Score = HintScrape, 55
	}
	h.Data["counter"] = x.Counter
	h.Title = h.Words("en")
	return h, true
}

// Words is the title of a hint in a language. What people wrote themselves, such
// as the name of an alert or of a deployment, has one.
func (h *Hint) Words(language string) string {
	w, ok := texts[language]
	was, isNumber := h.Data["before"].(float64)
	if !ok || !isNumber {
		return h.Title
	}
	is, _ := h.Data["after"].(float64)
	what, _ := h.Data["metric"].(string)
	if h.Kind == HintScrape {
		return fmt.Sprintf(w.scrapes, text(labelsOf(h.Data["labels"]), "job", "instance"))
	}
	if counter, _ := h.Data["counter"].(bool); counter {
		what = fmt.Sprintf(w.rate, what)
	}
	if is < was {
		return fmt.Sprintf(w.fell, what, was, is)
	}
	return fmt.Sprintf(w.rose, what, was, is)
}

// labelsOf are labels as they were found, or as they were read from JSON.
func labelsOf(v any) map[string]string {
	if ls, ok := v.(map[string]string); ok {
		return ls
	}
	out := map[string]string{}
	ls, _ := v.(map[string]any)
	for k, v := range ls {
		out[k], _ = v.(string)
	}
	return out
}

// text is some labels of a series, as people write them.
func text(ls map[string]string, keys ...string) string {
	var out []string
	for _, k := range keys {
		if ls[k] != "" {
			out = append(out, ls[k])
		}
	}
	return strings.Join(out, " at ")
}

func median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// JudgeHint says whether a hint led to the cause.
func (s *Service) JudgeHint(ctx context.Context, id int64, rank int, actor, verdict string) error {
	if verdict != "" && verdict != HintRight && verdict != HintWrong {
		return refuse("%q is no verdict on a hint; write %s or %s", verdict, HintRight, HintWrong)
	}
	if _, err := s.Hints(ctx, id); err != nil { // so that they are kept
		if part, ok := errors.AsType[*PartError](err); ok {
			return refuse("the hints are not complete, so that none can be judged: %v", part)
		}
		return err
	}
	return s.o.DB.Write(ctx, func(tx *state.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE hints SET verdict = $1, judged_by = $2 WHERE incident_id = $3 AND rank = $4", verdict, actor, id, rank)
		if err != nil {
			return fmt.Errorf("judge hint: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return cmp.Or(err, refuse("incident %d has no hint %d that is kept; hints are kept two minutes after an incident has begun", id, rank))
		}
		return s.o.Audit(ctx, tx, actor, "hint.verdict", fmt.Sprintf("incident/%d/hint/%d", id, rank), nil, map[string]any{"verdict": verdict})
	})
}

// HitRate says of how many incidents with a hint that was right, or with nothing
// but wrong ones, the first, or one of the first three, was right.
type HitRate struct {
	Judged int     `json:"judged" doc:"Incidents of which hints were judged."`
	Top1   float64 `json:"top1" doc:"Share of them whose first hint was right."`
	Top3   float64 `json:"top3" doc:"Share of them of whose first three hints one was right."`
}

// HintRate is the hit rate of all hints that were judged.
func (s *Service) HintRate(ctx context.Context) (r HitRate, err error) {
	best := map[int64]int{}
	err = s.o.DB.Read(ctx, func(q state.Querier) (err error) {
		rows, err := q.QueryContext(ctx, "SELECT incident_id, MIN(CASE WHEN verdict = 'right' THEN rank ELSE 1000 END) FROM hints WHERE verdict <> '' GROUP BY incident_id")
		if err != nil {
			return fmt.Errorf("read verdicts on hints: %w", err)
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var id int64
			var rank int
			if err := rows.Scan(&id, &rank); err != nil {
				return fmt.Errorf("read verdicts on hints: %w", err)
			}
			best[id] = rank
		}
		return rows.Err()
	})
	if err != nil || len(best) == 0 {
		return r, err
	}
	for rank := range maps.Values(best) {
		if rank == 1 {
			r.Top1++
		}
		if rank <= 3 {
			r.Top3++
		}
	}
	r.Judged = len(best)
	r.Top1, r.Top3 = r.Top1/float64(r.Judged), r.Top3/float64(r.Judged)
	return r, nil
}
