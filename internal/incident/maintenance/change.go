package maintenance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/internal/state"
)

// Create adds a window, in the name of somebody. Without a start it begins now.
func (s *Service) Create(ctx context.Context, w Window, actor string) (Window, error) {
	if strings.TrimSpace(actor) == "" {
		return w, refuse("nobody's name is given; a window is made by somebody")
	}
	w.Source, w.CreatedBy, w.EndedAt, w.Version = "api", actor, time.Time{}, 1
	if w.Start.IsZero() {
		w.Start = s.o.Now()
	}
	w.Start = w.Start.Truncate(time.Second)
	if w.TimeZone == "" {
		w.TimeZone = "UTC"
	}
	w.ID = 1 // for the check
	if err := Check(&w, s.o.Matchers); err != nil {
		return w, err
	}
	matchers, err := json.Marshal(w.Matchers)
	if err != nil {
		return w, fmt.Errorf("write maintenance window: %w", err)
	}
	var o *occurrence
	err = s.write(ctx, func(ctx context.Context, tx *state.Tx) (err error) {
		if w.ID, err = state.Next(ctx, tx, "maintenance_windows"); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO maintenance_windows (id, name, matchers, time_zone, start_at, duration, rrule, comment, created_by, created_at, ended_at, version)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 1)`,
			w.ID, w.Name, string(matchers), w.TimeZone, state.Micros(w.Start), w.Duration.Microseconds(), w.RRule, w.Comment, actor, state.Micros(s.o.Now())); err != nil {
			return fmt.Errorf("write maintenance window: %w", err)
		}
		// Claimed with the window, so that no other replica sees one without the other.
		if o, err = w.occurrence(s.o.Now()); err != nil {
			return err
		}
		if o != nil {
			if _, err := s.claim(ctx, tx, o); err != nil {
				return err
			}
		}
		return s.o.Audit(ctx, tx, actor, "maintenance.create", fmt.Sprintf("maintenance/%d", w.ID), nil, w)
	})
	if err != nil {
		return w, err
	}
	w.look(s.o.Now())
	if o != nil {
		// Whoever has made it counts on it from now on. The window is written, so it is
		// put in force also when they are gone.
		if err := s.begin(context.WithoutCancel(ctx), o); err != nil {
			return w, &Pending{w.ID, "is written, but is not in force yet", err}
		}
	}
	return w, nil
}

// Pending says that a window is as somebody wants it in the database, and not yet
// in Alertmanager: that is tried again.
type Pending struct {
	ID   int64
	What string
	Err  error
}

func (p *Pending) Error() string {
	return fmt.Sprintf("maintenance window %d %s, which is tried again: %v", p.ID, p.What, p.Err)
}

func (p *Pending) Unwrap() error { return p.Err }

// End ends a window for good. One that has ended stays as it is.
func (s *Service) End(ctx context.Context, id, version int64, actor string) (w Window, err error) {
	if strings.TrimSpace(actor) == "" {
		return w, refuse("nobody's name is given; a window is ended by somebody")
	}
	var have []held
	err = s.write(ctx, func(ctx context.Context, tx *state.Tx) (err error) {
		if w, err = get(ctx, tx, id); err != nil {
			return err
		}
		if version != 0 && w.Version != version {
			return ErrConflict
		}
		// One that is being made is not among them; whoever makes it sees the end.
		if have, err = silences(ctx, tx, "AND ends > $1 AND source = $2", state.Micros(s.o.Now()), w.key()); err != nil {
			return err
		}
		if !w.EndedAt.IsZero() {
			return nil
		}
		before := w
		w.EndedAt, w.Version = s.o.Now(), w.Version+1
		if _, err := tx.ExecContext(ctx, "UPDATE maintenance_windows SET ended_at = $1, version = $2 WHERE id = $3", state.Micros(w.EndedAt), w.Version, id); err != nil {
			return fmt.Errorf("end maintenance window: %w", err)
		}
		return s.o.Audit(ctx, tx, actor, "maintenance.end", fmt.Sprintf("maintenance/%d", id), before, w)
	})
	if err != nil {
		return w, err
	}
	for _, h := range have {
		if err := s.end(context.WithoutCancel(ctx), h); err != nil {
			s.Wake()
			return w, &Pending{w.ID, "has ended, but its silence has not yet", err}
		}
	}
	return w, nil
}

// Bounds of what a deployment's note may have.
const (
	maxTitle  = 300
	maxLabels = 30
	maxLabel  = 200
)

// Deploy notes that something is being deployed.
func (s *Service) Deploy(ctx context.Context, d incident.Deploy, actor string) (incident.Deploy, error) {
	if d.At.IsZero() {
		d.At = s.o.Now()
	}
	d.Actor = actor
	switch {
	case strings.TrimSpace(d.Title) == "":
		return d, refuse("title: is empty; write what was deployed")
	case len(d.Title) > maxTitle:
		return d, refuse("title: has more than %d bytes", maxTitle)
	case len(d.Labels) > maxLabels:
		return d, refuse("labels: there are more than %d", maxLabels)
	case !d.Ended.IsZero() && d.Ended.Before(d.At):
		return d, refuse("ended: is before the beginning")
	}
	for k, v := range d.Labels {
		if len(k) > maxLabel || len(v) > maxLabel {
			return d, refuse("labels: %.20q has more than %d bytes", k, maxLabel)
		}
	}
	if d.Labels == nil {
		d.Labels = map[string]string{}
	}
	labels, err := json.Marshal(d.Labels)
	if err != nil {
		return d, fmt.Errorf("write deployment: %w", err)
	}
	err = s.o.DB.Write(ctx, func(tx *state.Tx) error {
		if d.ID, err = state.Next(ctx, tx, "deployments"); err != nil {
			return err
		}
		failed := 0
		if d.Failed {
			failed = 1
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO deployments (id, at, ended_at, title, labels, actor, failed) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			d.ID, state.Micros(d.At), state.Micros(d.Ended), d.Title, string(labels), actor, failed); err != nil {
			return fmt.Errorf("write deployment: %w", err)
		}
		return s.o.Audit(ctx, tx, actor, "deployment.create", fmt.Sprintf("deployment/%d", d.ID), nil, d)
	})
	return d, err
}

// Deployed notes that a deployment has ended.
func (s *Service) Deployed(ctx context.Context, id int64, failed bool, actor string) (d incident.Deploy, err error) {
	now := s.o.Now()
	err = s.o.DB.Write(ctx, func(tx *state.Tx) error {
		ds, err := deployments(ctx, tx, "WHERE id = $1", id)
		if err != nil {
			return err
		}
		if len(ds) == 0 {
			return ErrNoDeployment
		}
		before := ds[0]
		if d = before; !d.Ended.IsZero() {
			return refuse("deployment %d has ended already, at %s", id, d.Ended.Format(time.RFC3339))
		}
		d.Ended, d.Failed = now, failed
		bad := 0
		if failed {
			bad = 1
		}
		if _, err := tx.ExecContext(ctx, "UPDATE deployments SET ended_at = $1, failed = $2 WHERE id = $3", state.Micros(now), bad, id); err != nil {
			return fmt.Errorf("write deployment: %w", err)
		}
		return s.o.Audit(ctx, tx, actor, "deployment.end", fmt.Sprintf("deployment/%d", id), before, d)
	})
	return d, err
}

// ErrNoDeployment says that there is no deployment of that number.
var ErrNoDeployment = errors.New("there is no such deployment")

// maxDeploys is how many deployments one answer has.
const maxDeploys = 1000

// Deploys returns what was deployed in a time, newest first.
func (s *Service) Deploys(ctx context.Context, from, to time.Time) (out []incident.Deploy, err error) {
	err = s.o.DB.Read(ctx, func(q state.Querier) error {
		out, err = deployments(ctx, q, fmt.Sprintf("WHERE at >= $1 AND at <= $2 ORDER BY at DESC, id DESC LIMIT %d", maxDeploys), state.Micros(from), state.Micros(to))
		return err
	})
	return out, err
}

func deployments(ctx context.Context, q state.Querier, where string, args ...any) (out []incident.Deploy, err error) {
	rows, err := q.QueryContext(ctx, "SELECT id, at, ended_at, title, labels, actor, failed FROM deployments "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read deployments: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var d incident.Deploy
		var at, ended int64
		var labels string
		var failed int
		if err := rows.Scan(&d.ID, &at, &ended, &d.Title, &labels, &d.Actor, &failed); err != nil {
			return nil, fmt.Errorf("read deployments: %w", err)
		}
		d.At, d.Ended, d.Failed = state.Time(at), state.Time(ended), failed != 0
		if err := json.Unmarshal([]byte(labels), &d.Labels); err != nil {
			return nil, fmt.Errorf("read deployment %d: %w", d.ID, err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}
