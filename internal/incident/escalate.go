package incident

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Policy says who is called for an incident, and when.
type Policy struct {
	Name    string
	Matches func(labels map[string]string) bool // of one of the incident's alerts
	Steps   []Step
}

// Step is one attempt to reach somebody.
type Step struct {
	Wait          time.Duration // after the incident began, or the step before
	Receivers     []string
	Schedule      string // whoever is on call there, "" for nobody
	Repeat        int
	Every         time.Duration
	UntilResolved bool // also when somebody has acknowledged it
}

// Person is somebody on call.
type Person struct {
	Name      string
	Receivers []string
	Quiet     bool // does not want to be called for this severity now
}

// Call is what a receiver is to be told.
type Call struct {
	Key      string // the same for a repetition of the same call, which is then not made twice
	Receiver string
	Incident Incident
	Alerts   []Member
}

// Escalation is how incidents escalate.
type Escalation struct {
	Policies func() []Policy
	OnCall   func(schedule string, at time.Time, severity string) ([]Person, error)
	// Tell says what came of it, such as "told" or "silenced". A call that was made
	// before, and of which nothing has changed, is not made again.
	Tell func(ctx context.Context, c Call) (outcome string, err error)
	// Mine says whether this replica carries steps out; nil where it is alone or the
	// database is shared.
	Mine func() bool
}

// Bounds of a step.
const (
	tellTimeout = 45 * time.Second
	lease       = 2 * time.Minute // longer than a step can take
	look        = time.Second     // how often it is looked for what is due
	maxSteps    = 64              // that are carried out at the same time
)

// policyFor returns the policy of an incident, nil for none.
func (s *Service) policyFor(o *opened) *Policy {
	if s.o.Escalation == nil {
		return nil
	}
	for _, p := range s.o.Escalation.Policies() {
		for _, m := range o.members {
			if p.Matches(m.Labels) {
				return &p
			}
		}
	}
	return nil
}

// escalate begins the escalation of an incident, or begins it anew.
func (w *writing) escalate(o *opened) error {
	p := w.s.policyFor(o)
	if p == nil || len(p.Steps) == 0 {
		return nil
	}
	_, err := w.tx.ExecContext(w.ctx, `INSERT INTO escalations (incident_id, policy, run, step, turn, due, lease, told) VALUES ($1, $2, 1, 0, 0, $3, 0, '{}')
		ON CONFLICT (incident_id) DO UPDATE SET policy = excluded.policy, run = escalations.run + 1, step = 0, turn = 0, due = excluded.due`,
		o.ID, p.Name, state.Micros(w.now.Add(p.Steps[0].Wait)))
	if err != nil {
		return fmt.Errorf("begin escalation of incident %d: %w", o.ID, err)
	}
	return nil
}

// settleEscalation has whoever was called told of the end, or ends the escalation.
func (w *writing) settleEscalation(o *opened) error {
	due := int64(0)
	if o.State == Resolved {
		due = state.Micros(w.now)
	}
	if _, err := w.tx.ExecContext(w.ctx, "UPDATE escalations SET due = $1 WHERE incident_id = $2", due, o.ID); err != nil {
		return fmt.Errorf("end escalation of incident %d: %w", o.ID, err)
	}
	return nil
}

// hurry has an escalation go on now that waits for the end of a snooze.
func (w *writing) hurry(o *opened) error {
	if _, err := w.tx.ExecContext(w.ctx, "UPDATE escalations SET due = $1 WHERE incident_id = $2 AND due > $3", state.Micros(w.now), o.ID, state.Micros(w.now)); err != nil {
		return fmt.Errorf("go on with the escalation of incident %d: %w", o.ID, err)
	}
	return nil
}

// takeBack gives up what a process that is gone has claimed. Where the database
// is another's too, a claim ends by itself.
func (s *Service) takeBack(ctx context.Context) error {
	if s.o.DB.Kind() != "sqlite" {
		return nil
	}
	return s.o.DB.Write(ctx, func(tx *state.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE escalations SET lease = 0 WHERE lease > 0"); err != nil {
			return fmt.Errorf("take escalations up again: %w", err)
		}
		return nil
	})
}

// standing is where an escalation stands.
type standing struct {
	id         int64
	policy     string
	run        int
	step, turn int
	told       map[string]string
	wasOver    bool // when it was claimed
}

func (s *Service) escalating() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { <-s.quit; cancel() }()
	if err := s.takeBack(ctx); err != nil {
		s.log.Error("Escalations that were cut off go on only when their claim has ended", "err", err)
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-tick.C:
			if err := s.carryOut(ctx); err != nil && ctx.Err() == nil {
				s.metrics.failures.Inc()
				s.log.Error("Escalations could not be carried out; they are tried again", "err", err)
			}
		}
	}
}

// carryOut carries out the steps that are due.
func (s *Service) carryOut(ctx context.Context) error {
	if e := s.o.Escalation; e.Mine != nil && !e.Mine() {
		return nil
	}
	var due []standing
	now := s.o.Now()
	if err := s.o.DB.Read(ctx, func(q state.Querier) (err error) {
		due, err = standings(ctx, q, now)
		return err
	}); err != nil {
		return err
	}
	errs := make([]error, len(due))
	var wg sync.WaitGroup
	for n, st := range due {
		wg.Go(func() { errs[n] = s.step(ctx, st) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func standings(ctx context.Context, q state.Querier, now time.Time) (out []standing, err error) {
	rows, err := q.QueryContext(ctx, fmt.Sprintf("SELECT incident_id, policy, run, step, turn, told FROM escalations WHERE due > 0 AND due <= $1 AND lease <= $2 ORDER BY due LIMIT %d", maxSteps),
		state.Micros(now), state.Micros(now))
	if err != nil {
		return nil, fmt.Errorf("look for escalations: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var st standing
		var told string
		if err := rows.Scan(&st.id, &st.policy, &st.run, &st.step, &st.turn, &told); err != nil {
			return nil, fmt.Errorf("look for escalations: %w", err)
		}
		if err := json.Unmarshal([]byte(told), &st.told); err != nil {
			return nil, fmt.Errorf("read escalation of incident %d: %w", st.id, err)
		}
		out = append(out, st)
	}
	return out, rows.Err()
}

// claim takes a step for this replica, unless another one has it.
func (s *Service) claim(ctx context.Context, st standing) (mine bool, d Detail, err error) {
	err = s.o.DB.Write(ctx, func(tx *state.Tx) error {
		now := s.o.Now()
		res, err := tx.ExecContext(ctx, "UPDATE escalations SET lease = $1 WHERE incident_id = $2 AND run = $3 AND step = $4 AND turn = $5 AND lease <= $6 AND due > 0 AND due <= $7",
			state.Micros(now.Add(lease)), st.id, st.run, st.step, st.turn, state.Micros(now), state.Micros(now))
		if err != nil {
			return fmt.Errorf("take escalation of incident %d: %w", st.id, err)
		}
		n, err := res.RowsAffected()
		if err != nil || n == 0 {
			mine = false
			return err
		}
		mine = true
		if d.Incident, err = load(ctx, tx, st.id); err != nil {
			return err
		}
		d.Alerts, err = members(ctx, tx, st.id)
		return err
	})
	return mine, d, err
}

// step carries one step out, and notes what came of it and what comes next.
func (s *Service) step(ctx context.Context, st standing) error {
	mine, d, err := s.claim(ctx, st)
	if err != nil || !mine {
		return err
	}
	var p *Policy
	for _, have := range s.o.Escalation.Policies() {
		if have.Name == st.policy {
			p = &have
		}
	}
	now := s.o.Now()
	st.wasOver = d.over()
	switch {
	case d.State == Resolved:
		return s.tellTheEnd(ctx, st, d)
	case d.over(), p == nil, st.step >= len(p.Steps):
		return s.advance(ctx, st, time.Time{}, st.step, st.turn, nil, nil)
	case d.SnoozedUntil.After(now):
		return s.advance(ctx, st, d.SnoozedUntil, st.step, st.turn, nil, nil)
	}
	step := p.Steps[st.step]
	if d.State == Acknowledged && !step.UntilResolved {
		// Later steps may be for as long as it is not resolved.
		next := st.step + 1
		for next < len(p.Steps) && !p.Steps[next].UntilResolved {
			next++
		}
		if next == len(p.Steps) {
			return s.advance(ctx, st, time.Time{}, st.step, st.turn, nil, nil)
		}
		return s.advance(ctx, st, now.Add(p.Steps[next].Wait), next, 0, nil, nil)
	}
	receivers, people, notes := s.reach(step, now, d.Severity)
	results, reached := s.call(ctx, st, d, receivers)
	if ctx.Err() != nil {
		return ctx.Err() // a stop has cut it off; the next start does it again
	}
	data := map[string]any{"policy": p.Name, "step": st.step + 1, "receivers": results}
	if step.Repeat > 0 {
		data["repetition"] = st.turn
	}
	if len(people) > 0 {
		data["on_call"] = people
	}
	if len(notes) > 0 {
		data["notes"] = notes
	}
	for _, r := range reached {
		st.told[r] = callKey(st, r)
	}
	due, nextStep, turn := now, st.step, st.turn+1
	if turn <= step.Repeat {
		due = now.Add(step.Every)
	} else if nextStep, turn = st.step+1, 0; nextStep < len(p.Steps) {
		due = now.Add(p.Steps[nextStep].Wait)
	} else {
		due = time.Time{}
	}
	if len(reached) == 0 && !due.IsZero() {
		due = now // nobody was reached: whoever comes next is called at once
	}
	return s.advance(ctx, st, due, nextStep, turn, data, &st)
}

// reach lists whom a step calls.
func (s *Service) reach(step Step, at time.Time, severity string) (receivers, people, notes []string) {
	receivers = slices.Clone(step.Receivers)
	if step.Schedule == "" {
		return receivers, nil, nil
	}
	on, err := s.o.Escalation.OnCall(step.Schedule, at, severity)
	switch {
	case err != nil:
		notes = append(notes, err.Error())
	case len(on) == 0:
		notes = append(notes, fmt.Sprintf("nobody is on call in %s", step.Schedule))
	}
	for _, p := range on {
		if p.Quiet {
			notes = append(notes, p.Name+" has quiet hours")
			continue
		}
		people = append(people, p.Name)
		for _, r := range p.Receivers {
			if !slices.Contains(receivers, r) {
				receivers = append(receivers, r)
			}
		}
	}
	return receivers, people, notes
}

func callKey(st standing, receiver string) string {
	return fmt.Sprintf("escalation:%d/%d/%d/%d:%s", st.id, st.run, st.step, st.turn, receiver)
}

// calledFor is the incident that a call's key is of, 0 for another key.
func calledFor(key string) int64 {
	rest, ok := strings.CutPrefix(key, "escalation:")
	if !ok {
		return 0
	}
	digits, _, _ := strings.Cut(rest, "/")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// call tells the receivers side by side. results says what came of each.
func (s *Service) call(ctx context.Context, st standing, d Detail, receivers []string) (results map[string]string, reached []string) {
	ctx, cancel := context.WithTimeout(ctx, tellTimeout)
	defer cancel()
	errs, outcomes := make([]error, len(receivers)), make([]string, len(receivers))
	var wg sync.WaitGroup
	for n, r := range receivers {
		wg.Go(func() {
			outcomes[n], errs[n] = s.o.Escalation.Tell(ctx, Call{Key: callKey(st, r), Receiver: r, Incident: d.Incident, Alerts: d.Alerts})
		})
	}
	wg.Wait()
	results = map[string]string{}
	for n, r := range receivers {
		if errs[n] != nil {
			results[r] = cut(errs[n].Error(), maxError)
			s.metrics.steps.WithLabelValues("failed").Inc()
			continue
		}
		results[r] = outcomes[n]
		reached = append(reached, r)
		s.metrics.steps.WithLabelValues("told").Inc()
	}
	return results, reached
}

// tellTheEnd tells those who were called that the incident has resolved.
func (s *Service) tellTheEnd(ctx context.Context, st standing, d Detail) error {
	ctx2, cancel := context.WithTimeout(ctx, tellTimeout)
	defer cancel()
	results := map[string]string{}
	for _, r := range slices.Sorted(maps.Keys(st.told)) {
		outcome, err := s.o.Escalation.Tell(ctx2, Call{Key: st.told[r], Receiver: r, Incident: d.Incident, Alerts: d.Alerts})
		if results[r] = outcome; err != nil {
			results[r] = cut(err.Error(), maxError)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err() // a stop has cut it off; the next start does it again
	}
	var data map[string]any
	if len(results) > 0 {
		data = map[string]any{"policy": st.policy, "resolved": true, "receivers": results}
	}
	st.told = map[string]string{}
	return s.advance(ctx, st, time.Time{}, st.step, st.turn, data, &st)
}

// advance gives the claim back with what comes next. Where the escalation has
// begun anew meanwhile, what comes next stays.
func (s *Service) advance(ctx context.Context, st standing, due time.Time, step, turn int, data map[string]any, told *standing) error {
	var w *writing
	err := s.o.DB.Write(ctx, func(tx *state.Tx) error {
		w = &writing{s: s, ctx: ctx, tx: tx, now: s.o.Now(), open: map[int64]*opened{}}
		if told != nil {
			raw, err := json.Marshal(told.told)
			if err != nil {
				return fmt.Errorf("write escalation: %w", err)
			}
			if _, err := tx.ExecContext(ctx, "UPDATE escalations SET told = $1 WHERE incident_id = $2", string(raw), st.id); err != nil {
				return fmt.Errorf("write escalation of incident %d: %w", st.id, err)
			}
		}
		o, err := w.incident(st.id)
		if err != nil {
			return err
		}
		// An incident that has resolved since the claim has set the time to tell of it.
		if st.wasOver || !o.over() {
			if _, err := tx.ExecContext(ctx, "UPDATE escalations SET due = $1, step = $2, turn = $3 WHERE incident_id = $4 AND run = $5",
				state.Micros(due), step, turn, st.id, st.run); err != nil {
				return fmt.Errorf("write escalation of incident %d: %w", st.id, err)
			}
		}
		if _, err := tx.ExecContext(ctx, "UPDATE escalations SET lease = 0 WHERE incident_id = $1", st.id); err != nil {
			return fmt.Errorf("write escalation of incident %d: %w", st.id, err)
		}
		if data != nil {
			if err := o.event(w, w.now, EventEscalated, "", data); err != nil {
				return err
			}
		}
		return w.flush()
	})
	if err == nil {
		w.committed()
	}
	return err
}
