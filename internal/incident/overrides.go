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

// Overrides lists those that are not over, of all schedules or of one.
func (s *Service) Overrides(ctx context.Context, schedule string) (out []Override, err error) {
	err = s.o.DB.Read(ctx, func(q state.Querier) (err error) {
		rows, err := q.QueryContext(ctx, "SELECT id, schedule, person, from_at, to_at, created_by FROM schedule_overrides WHERE to_at > $1 AND ($2 = '' OR schedule = $3) ORDER BY from_at, id",
			state.Micros(s.o.Now()), schedule, schedule)
		if err != nil {
			return fmt.Errorf("read overrides: %w", err)
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		out = nil
		for rows.Next() {
			var o Override
			var from, to int64
			if err := rows.Scan(&o.ID, &o.Schedule, &o.Person, &from, &to, &o.By); err != nil {
				return fmt.Errorf("read overrides: %w", err)
			}
			o.From, o.To = state.Time(from), state.Time(to)
			out = append(out, o)
		}
		return rows.Err()
	})
	return out, err
}

// AddOverride has somebody stand in. Whether the schedule and the person exist is for the caller to know.
func (s *Service) AddOverride(ctx context.Context, o Override) (Override, error) {
	if !o.From.Before(o.To) || !o.To.After(s.o.Now()) {
		return o, refuse("an override begins before it ends, and ends in the future")
	}
	err := s.o.DB.Write(ctx, func(tx *state.Tx) (err error) {
		if o.ID, err = state.Next(ctx, tx, "schedule_overrides"); err != nil {
			return err
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
