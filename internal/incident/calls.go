package incident

import (
	"context"
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

// called is what came of calls.
type called struct {
	results map[string]string // by receiver
	reached []string          // who has taken it, or needs not be told
	failed  []string
	muted   int
	notNow  bool
}

// call makes calls side by side. Those that fail are tried again within a time.
func (s *Service) call(ctx context.Context, within time.Duration, receivers []string, of func(receiver string) Call) called {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	errs, outcomes := make([]error, len(receivers)), make([]Outcome, len(receivers))
	var wg sync.WaitGroup
	for n, r := range receivers {
		wg.Go(func() { outcomes[n], errs[n] = s.o.Escalation.Tell(ctx, of(r)) })
	}
	wg.Wait()
	out := called{results: map[string]string{}}
	for n, r := range receivers {
		result := "told"
		switch {
		case errors.Is(errs[n], ErrNotNow):
			out.notNow = true
			continue
		case errs[n] != nil:
			result = "failed"
			out.failed = append(out.failed, r)
			out.results[r] = cut(errs[n].Error(), maxError)
		case outcomes[n].Muted:
			result = "muted"
			out.muted++
			out.results[r] = outcomes[n].What
		default:
			out.reached = append(out.reached, r)
			out.results[r] = outcomes[n].What
		}
		s.metrics.steps.WithLabelValues(result).Inc()
	}
	return out
}

// tellTheEnd tells those who were called that the incident has resolved. Who
// cannot be told is tried again for a while.
func (s *Service) tellTheEnd(ctx context.Context, st standing, d Detail) error {
	c := s.call(ctx, tellTimeout, slices.Sorted(maps.Keys(st.told)), func(r string) Call {
		return Call{Key: st.told[r], Receiver: r, Incident: d.Incident, Alerts: d.Alerts}
	})
	if c.notNow || ctx.Err() != nil {
		return ErrNotNow
	}
	left, due, now := map[string]string{}, time.Time{}, s.o.Now()
	if now.Sub(d.ResolvedAt) < endFor {
		for _, r := range c.failed {
			left[r], due = st.told[r], now.Add(again)
		}
	}
	var data map[string]any
	if len(c.results) > 0 && s.unreached.news(st.id, ends, fmt.Sprint(c.failed), now) {
		data = map[string]any{"policy": st.policy, "resolved": true, "receivers": c.results}
	}
	if st.told = left; len(left) == 0 {
		s.unreached.forget(st.id)
	}
	return s.advance(ctx, st, due, st.step, st.turn, data)
}

// advance gives the claim back with what comes next, and notes who was told.
func (s *Service) advance(ctx context.Context, st standing, due time.Time, step, turn int, data map[string]any) error {
	return s.note(ctx, st, data, func(w *writing, _ *opened) error { return w.goOn(st, due, step, turn) })
}

// goOn writes what comes next. Where the escalation has begun anew meanwhile, what
// comes next stays.
func (w *writing) goOn(st standing, due time.Time, step, turn int) error {
	if err := w.writeTold(st); err != nil {
		return err
	}
	o, err := w.incident(st.id)
	if err != nil {
		return err
	}
	// An incident that has resolved since the claim has set the time to tell of it.
	if !st.wasOver && o.over() {
		return nil
	}
	if _, err := w.tx.ExecContext(w.ctx, "UPDATE escalations SET due = $1, step = $2, turn = $3 WHERE incident_id = $4 AND run = $5",
		state.Micros(due), step, turn, st.id, st.run); err != nil {
		return fmt.Errorf("write escalation of incident %d: %w", st.id, err)
	}
	return nil
}

// writeTold writes who is to be told of the end.
func (w *writing) writeTold(st standing) error { return w.changeTold(st.id, st.toldBefore, st.told) }

// note gives a claim back, with an event where there is data.
func (s *Service) note(ctx context.Context, st standing, data map[string]any, do func(*writing, *opened) error) error {
	var w *writing
	err := s.o.DB.Write(ctx, func(tx *state.Tx) error {
		w = &writing{s: s, ctx: ctx, tx: tx, now: s.o.Now(), open: map[int64]*opened{}}
		o, err := w.incident(st.id)
		if err != nil {
			return err
		}
		if err := do(w, o); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE escalations SET lease = 0 WHERE incident_id = $1", st.id); err != nil {
			return fmt.Errorf("write escalation of incident %d: %w", st.id, err)
		}
		if len(data) > 0 {
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
