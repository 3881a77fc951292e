package incident

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"touchline.dev/touchline/internal/state"
)

// Unknown says that a name is nobody's.
type Unknown struct {
	Name string
	Hint string // what to write instead
}

func (u *Unknown) Error() string {
	return fmt.Sprintf("%q is neither a user nor one of the people of touchline.yaml; %s", u.Name, u.Hint)
}

// Refusal tells the database's metrics that nothing failed.
func (u *Unknown) Refusal() bool { return true }

// Assign says whose an incident is; "" is nobody's. Who is given it by somebody
// else is told, where they have receivers.
func (s *Service) Assign(ctx context.Context, id, version int64, actor, to string) (Incident, error) {
	if len(to) > maxName {
		return Incident{}, refuse("the name of the assignee has more than %d bytes", maxName)
	}
	to = strings.TrimSpace(to)
	person := Person{Name: to}
	if to != "" && s.o.Assignee != nil {
		var i Incident
		err := s.o.DB.Read(ctx, func(q state.Querier) (err error) {
			i, err = load(ctx, q, id)
			return err
		})
		if err != nil {
			return Incident{}, err
		}
		if person, err = s.o.Assignee(ctx, to, i.Severity); err != nil {
			return Incident{}, err
		}
	}
	given := false
	out, err := s.act(ctx, id, version, actor, "assign", func(w *writing, o *opened) error {
		given = false
		if o.State == Merged {
			return o.active()
		}
		if o.Assignee == person.Name {
			return nil
		}
		o.Assignee, given = person.Name, true
		return o.event(w, w.now, EventAssigned, actor, map[string]any{"to": person.Name})
	})
	if err == nil && given && !out.over() && person.Name != actor && len(person.Receivers) > 0 && s.o.Escalation != nil {
		// Whoever assigns does not wait for receivers.
		s.calling.Go(func() { s.tellAssignee(context.WithoutCancel(ctx), out, person) })
	}
	return out, err
}

// tellAssignee tells somebody that an incident is theirs now, and notes it.
func (s *Service) tellAssignee(ctx context.Context, i Incident, p Person) {
	ctx, cancel := context.WithTimeout(ctx, tellTimeout)
	defer cancel()
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-s.quit:
			cancel()
		case <-done:
		}
	}()
	if err := s.callAssignee(ctx, i, p); err != nil {
		s.metrics.failures.Inc()
		s.log.Error("That an incident is theirs could not be told to its assignee, or not be noted", "incident", i.ID, "assignee", p.Name, "err", err)
	}
}

// patience is how long what came of a call may take to be written.
const patience = lease - tellTimeout

func (s *Service) callAssignee(ctx context.Context, i Incident, p Person) error {
	if p.Quiet {
		return s.noteAssignee(ctx, i.ID, nil, map[string]any{"person": p.Name, "notes": []string{p.Name + " has quiet hours"}})
	}
	var alerts []Member
	if err := s.o.DB.Read(ctx, func(q state.Querier) (err error) {
		alerts, err = members(ctx, q, i.ID)
		return err
	}); err != nil {
		return err
	}
	// The version makes each time that somebody is given the incident a call of its own.
	key := func(r string) string { return fmt.Sprintf("escalation:%d/assigned/%d:%s", i.ID, i.Version, r) }
	c := s.call(ctx, tellTimeout, p.Receivers, func(r string) Call {
		return Call{Key: key(r), Receiver: r, Incident: i, Alerts: alerts}
	})
	told := map[string]string{}
	for _, r := range c.reached {
		told[r] = key(r)
	}
	var cut error
	if c.notNow {
		cut = ErrNotNow
	}
	// What has been told is noted also where a stop has cut the rest off.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return errors.Join(cut, s.noteAssignee(ctx, i.ID, told, map[string]any{"person": p.Name, "receivers": c.results}))
}

// noteAssignee notes what came of telling an assignee, and that the receivers
// that were told are to be told of the end, too.
func (s *Service) noteAssignee(ctx context.Context, id int64, told map[string]string, data map[string]any) error {
	var w *writing
	err := s.o.DB.Write(ctx, func(tx *state.Tx) error {
		w = &writing{s: s, ctx: ctx, tx: tx, now: s.o.Now(), open: map[int64]*opened{}}
		o, err := w.incident(id)
		if err != nil {
			return err
		}
		if len(told) > 0 {
			if _, err := tx.ExecContext(ctx, `INSERT INTO escalations (incident_id, policy, run, step, turn, due, lease, told) VALUES ($1, '', 1, 0, 0, 0, 0, '{}')
				ON CONFLICT (incident_id) DO NOTHING`, id); err != nil {
				return fmt.Errorf("write escalation of incident %d: %w", id, err)
			}
			if err := w.changeTold(id, nil, told); err != nil {
				return err
			}
			if o.State == Resolved {
				if err := w.settleEscalation(o); err != nil {
					return err
				}
			}
		}
		if err := o.event(w, w.now, EventAssigneeCalled, "", data); err != nil {
			return err
		}
		return w.flush()
	})
	if err == nil {
		w.committed()
	}
	return err
}

// changeTold brings who is to be told of the end from what it was to what it is
// for one of those who change it: steps and assignments do so side by side.
func (w *writing) changeTold(id int64, before, after map[string]string) error {
	var raw string
	if err := w.tx.QueryRowContext(w.ctx, "SELECT told FROM escalations WHERE incident_id = $1", id).Scan(&raw); err != nil {
		return fmt.Errorf("read escalation of incident %d: %w", id, err)
	}
	now := map[string]string{}
	if err := json.Unmarshal([]byte(raw), &now); err != nil {
		return fmt.Errorf("read escalation of incident %d: %w", id, err)
	}
	maps.DeleteFunc(now, func(r, key string) bool { return before[r] == key && after[r] == "" })
	for r, key := range after {
		if before[r] != key {
			now[r] = key
		}
	}
	text, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("write escalation: %w", err)
	}
	if _, err := w.tx.ExecContext(w.ctx, "UPDATE escalations SET told = $1 WHERE incident_id = $2", string(text), id); err != nil {
		return fmt.Errorf("write escalation of incident %d: %w", id, err)
	}
	return nil
}
