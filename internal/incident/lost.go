package incident

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"touchline.dev/touchline/internal/state"
)

// missing is what incidents have as firing and nobody knows.
type missing struct {
	begun  time.Time // of the service: senders take a while to repeat their alerts after a start
	looked time.Time
	since  map[string]time.Time // by fingerprint
}

// How long an alert may be unknown before it counts as ended, and how often it is
// looked for. Prometheus repeats an alert each minute.
const (
	lostAfter = 5 * time.Minute
	lostLook  = time.Minute
)

// lookForLost ends alerts whose end nobody will tell: those that were sent by API
// before a restart, and whose sender does not repeat them.
func (s *Service) lookForLost(ctx context.Context, now time.Time) error {
	m := &s.missing
	if s.o.Known == nil || now.Sub(m.looked) < lostLook {
		return nil
	}
	m.looked = now
	known, err := s.o.Known(ctx)
	if err != nil {
		return fmt.Errorf("look for alerts that were lost: %w", err)
	}
	if err := s.seen(ctx, known, now); err != nil {
		return err
	}
	firing := map[string]time.Time{} // when a replica last knew it, or it began
	if err := s.o.DB.Read(ctx, func(q state.Querier) (err error) {
		// What was closed while it fired waits for the end, too: until then its groups are its own.
		rows, err := q.QueryContext(ctx, `SELECT a.fingerprint, MAX(a.seen), MAX(a.starts_at) FROM incidents i JOIN incident_alerts a ON a.incident_id = i.id
			WHERE a.ends_at = 0 AND (i.state IN ('firing', 'acknowledged')
				OR i.state = 'closed' AND EXISTS (SELECT 1 FROM incident_groups g WHERE g.incident_id = i.id)) GROUP BY a.fingerprint`)
		if err != nil {
			return fmt.Errorf("look for alerts that were lost: %w", err)
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		clear(firing)
		for rows.Next() {
			var fp string
			var seen, starts int64
			if err := rows.Scan(&fp, &seen, &starts); err != nil {
				return fmt.Errorf("look for alerts that were lost: %w", err)
			}
			firing[fp] = state.Time(max(seen, starts))
		}
		return rows.Err()
	}); err != nil {
		return err
	}
	since := map[string]time.Time{}
	for fp, last := range firing {
		if known[fp] {
			continue
		}
		first, ok := m.since[fp]
		if !ok {
			first = now
		}
		since[fp] = first
		if last.Before(first) {
			last = first
		}
		if now.Sub(last) >= lostAfter && now.Sub(m.begun) >= 2*lostAfter {
			s.Ended(fp, last)
		}
	}
	m.since = since
	return nil
}

// seen tells other replicas which alerts this one knows: what one of them knows has
// not ended, though others may not have been told of it.
func (s *Service) seen(ctx context.Context, known map[string]bool, now time.Time) error {
	if s.o.DB.Kind() == "sqlite" {
		return nil // it has no other replica
	}
	return s.o.DB.Write(ctx, func(tx *state.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE incident_alerts SET seen = $1 WHERE ends_at = 0 AND seen < $2 AND fingerprint = ANY($3)",
			state.Micros(now), state.Micros(now.Add(-lostLook)), slices.Collect(maps.Keys(known)))
		if err != nil {
			return fmt.Errorf("note the alerts that there are: %w", err)
		}
		return nil
	})
}
