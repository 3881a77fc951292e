package incident

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Policy says who is called for an incident, and when.
type Policy struct {
	Name     string
	Matches  func(labels map[string]string) bool // of one of the incident's alerts
	Matchers []string                            // the same, as it was written
	Steps    []Step
}

// nextFor is the step to carry out of those from one on, len(p.Steps) for none:
// once somebody has acknowledged, only a step that is for as long as the incident
// has not resolved.
func (p *Policy) nextFor(s State, from int) int {
	for s == Acknowledged && from < len(p.Steps) && !p.Steps[from].UntilResolved {
		from++
	}
	return from
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
	// Tell makes a call. One that was made before, and of which nothing has changed,
	// is not made again. ErrNotNow says that nobody can be called now.
	Tell func(ctx context.Context, c Call) (Outcome, error)
	// Mine says whether this replica carries steps out; nil where it is alone or the
	// database is shared.
	Mine func() bool
}

// Outcome is what came of a call.
type Outcome struct {
	What  string // such as "told"
	Muted bool   // nobody has been told: all alerts are silenced or inhibited
}

// ErrNotNow is for calls that cannot be made at the moment, as during a stop.
var ErrNotNow = errors.New("nobody can be called now")

// Bounds of a step.
const (
	tellTimeout = 45 * time.Second // for which a call is tried again and again
	leastTell   = 10 * time.Second // the same, where the next step is due sooner
	lease       = 2 * time.Minute  // longer than a step can take
	look        = time.Second      // how often it is looked for what is due
	maxSteps    = 512              // that are carried out at the same time

	again  = time.Minute // until a step that reached nobody, or that is muted, is tried again
	endFor = time.Hour   // for which those who were called are tried to be told of the end
)

// policyFor returns the policy of an incident, nil for none.
func (s *Service) policyFor(o *opened) *Policy {
	if s.o.Escalation == nil {
		return nil
	}
	for _, p := range s.o.Escalation.Policies() {
		for _, m := range o.members {
			if p.Matches(m.Labels) && len(p.Steps) > 0 {
				return &p
			}
		}
	}
	return nil
}

// escalateAlso looks again at an incident that an alert has joined: another policy
// than that under which it escalates, if any, may be its own from now on.
func (w *writing) escalateAlso(o *opened) error {
	if o.State != Firing {
		return nil // somebody has it
	}
	p := w.s.policyFor(o)
	if p == nil {
		return nil
	}
	var have string
	err := w.tx.QueryRowContext(w.ctx, "SELECT policy FROM escalations WHERE incident_id = $1", o.ID).Scan(&have)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("look for the escalation of incident %d: %w", o.ID, err)
	}
	if have == p.Name {
		return nil
	}
	return w.escalate(o)
}

// escalate begins the escalation of an incident, or begins it anew.
func (w *writing) escalate(o *opened) error {
	p := w.s.policyFor(o)
	if p == nil {
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
	told       map[string]string // receivers to be told of the end, with the key of the call
	toldBefore map[string]string // the same, as it was read
	wasOver    bool              // when it was claimed
}

func (s *Service) escalating() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := s.takeBack(ctx); err != nil {
		s.log.Error("Escalations that were cut off go on only when their claim has ended", "err", err)
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-s.quit:
			cancel()
			s.calling.Wait()
			return
		case <-tick.C:
			s.carryOut(ctx)
		}
	}
}

// carryOut begins to carry out the steps that are due. It does not wait for them:
// a receiver that hangs keeps nobody else from being called.
func (s *Service) carryOut(ctx context.Context) {
	if e := s.o.Escalation; e.Mine != nil && !e.Mine() {
		return
	}
	failed := func(err error) {
		if ctx.Err() != nil {
			return
		}
		s.metrics.failures.Inc()
		s.log.Error("An escalation could not be carried out; it is tried again", "err", err)
	}
	free := maxSteps - int(s.steps.Load())
	if free <= 0 {
		return
	}
	var due []standing
	now := s.o.Now()
	if err := s.o.DB.Read(ctx, func(q state.Querier) (err error) {
		due, err = standings(ctx, q, now, free)
		return err
	}); err != nil {
		failed(err)
		return
	}
	for _, st := range due {
		s.steps.Add(1)
		s.calling.Go(func() {
			defer s.steps.Add(-1)
			if err := s.step(ctx, st); err != nil {
				failed(err)
			}
		})
	}
}

func standings(ctx context.Context, q state.Querier, now time.Time, limit int) (out []standing, err error) {
	rows, err := q.QueryContext(ctx, fmt.Sprintf("SELECT incident_id, policy, run, step, turn, told FROM escalations WHERE due > 0 AND due <= $1 AND lease <= $2 ORDER BY due LIMIT %d", limit),
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
		st.toldBefore = maps.Clone(st.told)
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
	st.wasOver = d.over()
	if d.State == Resolved {
		err = s.tellTheEnd(ctx, st, d)
	} else {
		err = s.callNext(ctx, st, d)
	}
	if errors.Is(err, ErrNotNow) || ctx.Err() != nil {
		// A stop has cut it off: another replica or the next start does it again, at once.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), look)
		defer cancel()
		return s.note(ctx, st, nil, func(w *writing, _ *opened) error { return w.writeTold(st) })
	}
	return err
}

// callNext calls whom the step names.
func (s *Service) callNext(ctx context.Context, st standing, d Detail) error {
	p := s.policyNamed(st.policy)
	now := s.o.Now()
	switch {
	case d.over():
		s.unreached.forget(st.id)
		return s.advance(ctx, st, time.Time{}, st.step, st.turn, nil)
	case p == nil || st.step >= len(p.Steps):
		return s.replan(ctx, st, d, p)
	case d.SnoozedUntil.After(now):
		return s.advance(ctx, st, d.SnoozedUntil, st.step, st.turn, nil)
	}
	step := p.Steps[st.step]
	switch next := p.nextFor(d.State, st.step); {
	case next == len(p.Steps):
		return s.advance(ctx, st, time.Time{}, st.step, st.turn, nil)
	case next > st.step:
		return s.advance(ctx, st, now.Add(p.Steps[next].Wait), next, 0, nil)
	}
	receivers, people, notes := s.reach(step, now, d.Severity)
	due, next, turn := now.Add(step.Every), st.step, st.turn+1
	if turn > step.Repeat {
		next, turn, due = st.step+1, 0, time.Time{}
		if next < len(p.Steps) {
			due = now.Add(p.Steps[next].Wait)
		}
	}
	// A receiver that is down must not hold up the step after this one.
	within := tellTimeout
	if !due.IsZero() {
		within = min(within, max(due.Sub(now), leastTell))
	}
	c := s.call(ctx, within, receivers, func(r string) Call {
		return Call{Key: callKey(st, r), Receiver: r, Incident: d.Incident, Alerts: d.Alerts}
	})
	for _, r := range c.reached {
		st.told[r] = callKey(st, r)
	}
	switch {
	case c.notNow || ctx.Err() != nil:
		return ErrNotNow // who has been told is told of the end all the same
	case len(c.reached) == 0 && c.muted > 0:
		return s.advance(ctx, st, now.Add(again), st.step, st.turn, nil) // the step waits for the silence's end
	}
	data := map[string]any{"policy": p.Name, "step": st.step + 1, "receivers": c.results}
	if step.Repeat > 0 {
		data["repetition"] = st.turn
	}
	if len(people) > 0 {
		data["on_call"] = people
	}
	if len(notes) > 0 {
		data["notes"] = notes
	}
	if len(c.reached) > 0 {
		s.unreached.forget(st.id)
		return s.advance(ctx, st, due, next, turn, data)
	}
	s.metrics.unreached.Inc()
	switch {
	case next < len(p.Steps):
		due = now // whoever comes next is called at once
	case st.reachedInRun(), d.State == Acknowledged:
		due, next, turn = now.Add(again), st.step, st.turn
	default:
		due, next, turn = now.Add(again), 0, 0 // all over again, until somebody is reached
	}
	if !s.unreached.news(st.id, st.step, fmt.Sprint(c.failed, notes), now) {
		data = nil
	}
	return s.advance(ctx, st, due, next, turn, data)
}

// reachedInRun tells whether the escalation has reached anybody since it has begun.
func (st *standing) reachedInRun() bool {
	for _, key := range st.told {
		if strings.HasPrefix(key, fmt.Sprintf("escalation:%d/%d/", st.id, st.run)) {
			return true
		}
	}
	return false
}

// replan goes on where a reload has taken the policy, or the step, away: with the
// policy that the incident has now, from its beginning. It waits for two looks
// first, and where there is none it looks again and again: another replica may
// have the configuration already that this one will get, or a mistake is corrected.
// p is the policy under which the incident escalates, nil where it is gone.
func (s *Service) replan(ctx context.Context, st standing, d Detail, p *Policy) error {
	now := s.o.Now()
	note := fmt.Sprintf("the policy %s is gone", st.policy)
	if p != nil {
		note = fmt.Sprintf("the policy %s has no step %d any more", st.policy, st.step+1)
	}
	s.unreached.news(st.id, gone, note, now)
	if now.Sub(s.unreached.since(st.id, gone)) < 2*again {
		return s.advance(ctx, st, now.Add(again), st.step, st.turn, nil)
	}
	next := s.policyFor(&opened{members: byFingerprint(d.Alerts)})
	switch {
	case p != nil:
		note += ": nobody else is called"
	case next == nil:
		note += ", and no other is for these alerts: nobody is called until one is"
	default:
		note += "; " + next.Name + " begins"
	}
	var data map[string]any
	if s.unreached.news(st.id, gone-1, note, now) {
		data = map[string]any{"policy": st.policy, "notes": []string{note}}
		s.log.Warn("A reload has changed the policy under which an incident escalates", "incident", st.id, "note", note)
	}
	if p == nil && next == nil {
		return s.advance(ctx, st, now.Add(again), st.step, st.turn, data)
	}
	defer s.unreached.forget(st.id)
	if p != nil {
		return s.advance(ctx, st, time.Time{}, st.step, 0, data)
	}
	return s.note(ctx, st, data, func(w *writing, o *opened) error {
		if o.over() {
			return nil
		}
		return w.escalate(o)
	})
}

// unreached remembers since when steps have not been what they should, and what
// was noted of it, so that a timeline has the same once.
type unreached struct {
	mu    sync.Mutex
	noted map[int64]map[int]noted // by incident and step
}

type noted struct {
	what  string
	since time.Time
}

// These stand for no step, but for the telling of the end, and for a policy that is gone.
const (
	ends = -1
	gone = -2 // and one less, once it is known that there is no other
)

func (u *unreached) news(id int64, step int, what string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	before, known := u.noted[id][step]
	if known && before.what == what {
		return false
	}
	if u.noted == nil {
		u.noted = map[int64]map[int]noted{}
	}
	if u.noted[id] == nil {
		u.noted[id] = map[int]noted{}
	}
	u.noted[id][step] = noted{what, now}
	return true
}

func (u *unreached) since(id int64, step int) time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.noted[id][step].since
}

func (u *unreached) forget(id int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.noted, id)
}
