package incident

import (
	"context"
	"errors"
	"fmt"
	"time"

	"touchline.dev/touchline/internal/state"
)

// passTime does what time brings about: snoozes end, and what has been resolved
// for long enough is not waited for any more.
func (s *Service) passTime(ctx context.Context) error {
	now := s.o.Now()
	return errors.Join(s.lookForLost(ctx, now), s.measure(ctx), s.passIncidents(ctx, now), s.forget(ctx, now))
}

func (s *Service) passIncidents(ctx context.Context, now time.Time) error {
	var due []int64
	if err := s.o.DB.Read(ctx, func(q state.Querier) (err error) {
		due, err = dueIncidents(ctx, q, now, now.Add(-s.o.Flapping))
		return err
	}); err != nil {
		return err
	}
	if len(due) == 0 {
		return nil
	}
	var w *writing
	err := s.o.DB.Write(ctx, func(tx *state.Tx) error {
		w = &writing{s: s, ctx: ctx, tx: tx, now: now, open: map[int64]*opened{}}
		for _, id := range due {
			if err := w.timeFor(id); err != nil {
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

func dueIncidents(ctx context.Context, q state.Querier, now, resolvedBefore time.Time) (out []int64, err error) {
	rows, err := q.QueryContext(ctx, `SELECT id FROM incidents WHERE state IN ('firing', 'acknowledged') AND snoozed_until > 0 AND snoozed_until <= $1
		UNION SELECT g.incident_id FROM incident_groups g JOIN incidents i ON i.id = g.incident_id WHERE i.state = 'resolved' AND i.resolved_at <= $2`,
		state.Micros(now), state.Micros(resolvedBefore))
	if err != nil {
		return nil, fmt.Errorf("look for what time has brought about: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("look for what time has brought about: %w", err)
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

func (w *writing) timeFor(id int64) error {
	o, err := w.incident(id)
	if err != nil {
		return err
	}
	if !o.SnoozedUntil.IsZero() && !o.SnoozedUntil.After(w.now) {
		o.SnoozedUntil = time.Time{}
		if err := o.event(w, w.now, EventSnoozeEnded, "", nil); err != nil {
			return err
		}
	}
	if o.State == Resolved && !o.ResolvedAt.After(w.now.Add(-w.s.o.Flapping)) {
		return dropGroups(w.ctx, w.tx, id)
	}
	return nil
}

// measure sets the metrics that stand in the database.
func (s *Service) measure(ctx context.Context) error {
	rate, err := s.HintRate(ctx)
	if err != nil {
		return err
	}
	if rate.Judged > 0 {
		s.metrics.hits.WithLabelValues("1").Set(rate.Top1)
		s.metrics.hits.WithLabelValues("3").Set(rate.Top3)
	}
	return s.o.DB.Read(ctx, func(q state.Querier) (err error) {
		rows, err := q.QueryContext(ctx, "SELECT state, severity, COUNT(*) FROM incidents WHERE state IN ('firing', 'acknowledged') GROUP BY state, severity")
		if err != nil {
			return fmt.Errorf("count open incidents: %w", err)
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		s.metrics.open.Reset()
		for rows.Next() {
			var of, severity string
			var n int
			if err := rows.Scan(&of, &severity, &n); err != nil {
				return fmt.Errorf("count open incidents: %w", err)
			}
			s.metrics.open.WithLabelValues(of, severityLabel(severity)).Add(float64(n))
		}
		return rows.Err()
	})
}
