package incident

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Stand is whether somebody is called for an incident, and why nobody is.
type Stand string

// What an escalation can be at.
const (
	StandNone    Stand = "none"         // no policy is for the incident's alerts
	StandWaiting Stand = "waiting"      // the next step is not due yet
	StandCalling Stand = "calling"      // a step is due, or is being carried out
	StandSnoozed Stand = "snoozed"      // the next step is due when the snooze is over
	StandTaken   Stand = "acknowledged" // somebody has the incident, and no step is for that
	StandAtEnd   Stand = "exhausted"    // all steps have been carried out
	StandGone    Stand = "policy_gone"  // a reload has taken the policy or the step away; another is looked for
	StandOver    Stand = "over"         // the incident has ended
)

// Standing is where the escalation of an incident stands.
type Standing struct {
	Incident int64     `json:"incident"`
	Title    string    `json:"title"`
	Severity string    `json:"severity"`
	State    State     `json:"incident_state"`
	OpenedAt time.Time `json:"opened_at"`
	Policy   string    `json:"policy,omitempty" doc:"Not there where no policy is for the incident."`
	Stand    Stand     `json:"state" enum:"none,waiting,calling,snoozed,acknowledged,exhausted,policy_gone,over" doc:"Whether somebody is called, and why nobody is."`
	Next     *NextStep `json:"next,omitempty" doc:"Not there where nothing is to come."`
}

// NextStep is a step that is to come, and whom it would call by what is known now.
type NextStep struct {
	Step       int       `json:"step" doc:"Of the policy, from 1."`
	Repetition int       `json:"repetition,omitempty" doc:"0 where the step is carried out for the first time."`
	At         time.Time `json:"at"`
	Receivers  []string  `json:"receivers"`
	People     []string  `json:"on_call,omitempty"`
	Notes      []string  `json:"notes,omitempty" doc:"Why somebody is not called."`
}

// Made is a step that was carried out, with the answers of those whom it called.
type Made struct {
	At         time.Time         `json:"at"`
	Policy     string            `json:"policy"`
	Step       int               `json:"step,omitempty" doc:"Of the policy, from 1; not there where no step was carried out."`
	Repetition int               `json:"repetition,omitempty"`
	Resolved   bool              `json:"resolved,omitempty" doc:"Those who had been called were told the end."`
	People     []string          `json:"on_call,omitempty"`
	Receivers  map[string]string `json:"receivers,omitempty" doc:"What came of the call, by receiver; it begins with \"told\" where the receiver took it."`
	Notes      []string          `json:"notes,omitempty" doc:"Why somebody was not called."`
}

// EscalationDetail is the escalation of one incident.
type EscalationDetail struct {
	Standing
	Steps []Step `json:"-"` // of the policy
	Calls []Made `json:"calls" doc:"Oldest first."`
}

// PoliciesNow are the policies in force.
func (s *Service) PoliciesNow() []Policy {
	if s.o.Escalation == nil {
		return nil
	}
	return s.o.Escalation.Policies()
}

// Escalating returns a page of the open incidents with where their escalations
// stand, newest first. more says that there is another.
func (s *Service) Escalating(ctx context.Context, f Filter) (out []Standing, more bool, err error) {
	f.States = []State{Firing, Acknowledged}
	w := f.incidents(s.o.Now())
	n := f.limit()
	err = s.o.DB.Read(ctx, func(q state.Querier) error {
		out = nil
		return state.Each(ctx, q, func(rows *sql.Rows) error {
			r, i, err := scanRow(rows)
			if err == nil {
				out = append(out, s.stands(&i, r))
			}
			return err
		}, fmt.Sprintf("SELECT %s, %s FROM incidents LEFT JOIN escalations ON incident_id = id%s ORDER BY id DESC LIMIT %d", columns, rowColumns, w, n+1), w.args...)
	})
	if err != nil {
		return nil, false, fmt.Errorf("list escalations: %w", err)
	}
	return out[:min(n, len(out))], len(out) > n, nil
}

// EscalationOf returns the escalation of one incident.
func (s *Service) EscalationOf(ctx context.Context, id int64) (d EscalationDetail, err error) {
	var r row
	var i Incident
	var told []Event
	err = s.o.DB.Read(ctx, func(q state.Querier) error {
		r, i, err = scanRow(q.QueryRowContext(ctx, fmt.Sprintf("SELECT %s, %s FROM incidents LEFT JOIN escalations ON incident_id = id WHERE id = $1", columns, rowColumns), id))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return ErrNotFound
		case err != nil:
			return fmt.Errorf("read escalation of incident %d: %w", id, err)
		}
		told, err = events(ctx, q, id)
		return err
	})
	if err != nil {
		return d, err
	}
	d.Standing = s.stands(&i, r)
	if p := s.policyNamed(r.policy); p != nil {
		d.Steps = p.Steps
	}
	for _, e := range told {
		if e.Kind != EventEscalated {
			continue
		}
		m, err := made(e)
		if err != nil {
			return d, fmt.Errorf("read calls of incident %d: %w", id, err)
		}
		d.Calls = append(d.Calls, m)
	}
	return d, nil
}

// made reads back what callNext, replan and tellTheEnd have noted: Made has their keys.
func made(e Event) (m Made, err error) {
	raw, err := json.Marshal(e.Data)
	if err != nil {
		return m, err
	}
	err = json.Unmarshal(raw, &m)
	m.At = e.At
	return m, err
}

// row is an escalation as it is stored; policy is "" where there is none.
type row struct {
	policy     string
	step, turn int
	due, lease time.Time
}

const rowColumns = "COALESCE(policy, ''), COALESCE(step, 0), COALESCE(turn, 0), COALESCE(due, 0), COALESCE(lease, 0)"

// scanRow reads columns and then rowColumns.
func scanRow(from scanner) (r row, i Incident, err error) {
	var due, lease int64
	i, err = scan(also{from, []any{&r.policy, &r.step, &r.turn, &due, &lease}})
	r.due, r.lease = state.Time(due), state.Time(lease)
	return r, i, err
}

// also is a row with more columns than those that are asked for.
type also struct {
	scanner
	more []any
}

func (a also) Scan(into ...any) error { return a.scanner.Scan(append(into, a.more...)...) }

// policyNamed is a policy in force, nil where there is none of that name.
func (s *Service) policyNamed(name string) *Policy {
	for _, p := range s.PoliciesNow() {
		if p.Name == name {
			return &p
		}
	}
	return nil
}

// stands says where an escalation stands, by the rules by which callNext carries it out.
func (s *Service) stands(i *Incident, r row) Standing {
	now := s.o.Now()
	out := Standing{Incident: i.ID, Title: i.Title, Severity: i.Severity, State: i.State, OpenedAt: i.OpenedAt, Policy: r.policy}
	p := s.policyNamed(r.policy)
	switch {
	case i.over():
		out.Stand = StandOver
		return out
	case r.policy == "":
		out.Stand = StandNone
		return out
	case r.due.IsZero() && i.State == Acknowledged:
		out.Stand = StandTaken
		return out
	case r.due.IsZero():
		out.Stand = StandAtEnd
		return out
	case p == nil, r.step >= len(p.Steps):
		out.Stand = StandGone
		return out
	}
	at, turn, next := r.due, r.turn, p.nextFor(i.State, r.step)
	if next == len(p.Steps) {
		out.Stand = StandTaken
		return out
	}
	if i.SnoozedUntil.After(at) {
		at = i.SnoozedUntil
	}
	if next > r.step { // it waits for that step's time once this one's has come
		at, turn = at.Add(p.Steps[next].Wait), 0
	}
	switch {
	case i.SnoozedUntil.After(now):
		out.Stand = StandSnoozed
	case r.lease.After(now), !at.After(now):
		out.Stand = StandCalling
	default:
		out.Stand = StandWaiting
	}
	out.Next = &NextStep{Step: next + 1, Repetition: turn, At: at}
	out.Next.Receivers, out.Next.People, out.Next.Notes = s.reach(p.Steps[next], at, i.Severity)
	slices.Sort(out.Next.Receivers)
	return out
}
