package incident

import (
	"context"
	"errors"
	"fmt"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Override is somebody who stands in, made by API.
type Override struct {
	ID       int64
	Schedule string
	Person   string
	From, To time.Time
	By       string
}

// OverrideRetention is how long overrides that are over are kept.
const OverrideRetention = 400 * 24 * time.Hour

// Overrides lists those that are not over, of all schedules or of one.
func (s *Service) Overrides(ctx context.Context, schedule string) (out []Override, err error) {
	err = s.o.DB.Read(ctx, func(q state.Querier) (err error) {
		out, err = overrides(ctx, q, schedule, s.o.Now())
		return err
	})
	return out, err
}

func overrides(ctx context.Context, q state.Querier, schedule string, now time.Time) (out []Override, err error) {
	rows, err := q.QueryContext(ctx, "SELECT id, schedule, person, from_at, to_at, created_by FROM schedule_overrides WHERE to_at > $1 AND ($2 = '' OR schedule = $3) ORDER BY from_at, id",
		state.Micros(now), schedule, schedule)
	if err != nil {
		return nil, fmt.Errorf("read overrides: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var o Override
		var from, to int64
		if err := rows.Scan(&o.ID, &o.Schedule, &o.Person, &from, &to, &o.By); err != nil {
			return nil, fmt.Errorf("read overrides: %w", err)
		}
		o.From, o.To = state.Time(from), state.Time(to)
		out = append(out, o)
	}
	return out, rows.Err()
}

// OverridesVersion tells one set of overrides from another.
type OverridesVersion struct{ count, newest int64 }

// OverridesVersion says which overrides there are, of all replicas. They never
// change and their numbers grow, so that their count and the newest one tell.
func (s *Service) OverridesVersion(ctx context.Context) (v OverridesVersion, err error) {
	err = s.o.DB.Read(ctx, func(q state.Querier) error {
		return q.QueryRowContext(ctx, "SELECT COUNT(*), COALESCE(MAX(id), 0) FROM schedule_overrides").Scan(&v.count, &v.newest)
	})
	if err != nil {
		return v, fmt.Errorf("look for overrides: %w", err)
	}
	return v, nil
}

// AddOverride has somebody stand in. Before anything is written check is given
// the new one, with its number, and those that its schedule has already; it says
// what is not possible, and may be called more than once.
func (s *Service) AddOverride(ctx context.Context, o Override, check func(o Override, others []Override) error) (Override, error) {
	if !o.From.Before(o.To) || !o.To.After(s.o.Now()) {
		return o, refuse("an override begins before it ends, and ends in the future")
	}
	err := s.o.DB.Write(ctx, func(tx *state.Tx) (err error) {
		if o.ID, err = state.Next(ctx, tx, "schedule_overrides"); err != nil {
			return err
		}
		others, err := overrides(ctx, tx, o.Schedule, s.o.Now())
		if err != nil {
			return err
		}
		if err := check(o, others); err != nil {
			return refuse("%s", err)
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO schedule_overrides (id, schedule, person, from_at, to_at, created_by) VALUES ($1, $2, $3, $4, $5, $6)",
			o.ID, o.Schedule, o.Person, state.Micros(o.From), state.Micros(o.To), o.By); err != nil {
			return fmt.Errorf("write override: %w", err)
		}
		return s.o.Audit(ctx, tx, o.By, "override.create", "schedule/"+o.Schedule, nil, o)
	})
	return o, err
}

// RemoveOverride takes one back.
func (s *Service) RemoveOverride(ctx context.Context, schedule string, id int64, actor string) error {
	return s.o.DB.Write(ctx, func(tx *state.Tx) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM schedule_overrides WHERE id = $1 AND schedule = $2", id, schedule)
		if err != nil {
			return fmt.Errorf("remove override: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrNotFound)
		}
		return s.o.Audit(ctx, tx, actor, "override.delete", "schedule/"+schedule, map[string]int64{"id": id}, nil)
	})
}

// ForgetOverrides deletes those that have been over for OverrideRetention.
func (s *Service) ForgetOverrides(ctx context.Context) error {
	before := state.Micros(s.o.Now().Add(-OverrideRetention))
	return s.o.DB.Write(ctx, func(tx *state.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM schedule_overrides WHERE to_at < $1", before); err != nil {
			return fmt.Errorf("forget overrides that are over: %w", err)
		}
		return nil
	})
}
