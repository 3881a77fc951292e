package incident

import (
	"context"
	"errors"
	"fmt"
	"time"

	"touchline.dev/touchline/internal/state"
)

// missing is what incidents have as firing and nobody knows.
type missing struct {
	begun  time.Time // of the service: senders repeat their alerts after a start
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
	if s.o.Known == nil || now.Sub(m.begun) < lostAfter || now.Sub(m.looked) < lostLook {
		return nil
	}
	m.looked = now
	known, err := s.o.Known(ctx)
	if err != nil {
		return fmt.Errorf("look for alerts that were lost: %w", err)
	}
	var firing []string
	if err := s.o.DB.Read(ctx, func(q state.Querier) (err error) {
		rows, err := q.QueryContext(ctx, `SELECT DISTINCT a.fingerprint FROM incidents i JOIN incident_alerts a ON a.incident_id = i.id
			WHERE i.state IN ('firing', 'acknowledged') AND a.ends_at = 0`)
		if err != nil {
			return fmt.Errorf("look for alerts that were lost: %w", err)
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		firing = nil
		for rows.Next() {
			var fp string
			if err := rows.Scan(&fp); err != nil {
				return fmt.Errorf("look for alerts that were lost: %w", err)
			}
			firing = append(firing, fp)
		}
		return rows.Err()
	}); err != nil {
		return err
	}
	since := map[string]time.Time{}
	for _, fp := range firing {
		if known[fp] {
			continue
		}
		first, ok := m.since[fp]
		if !ok {
			first = now
		}
		if since[fp] = first; now.Sub(first) >= lostAfter {
			s.Ended(fp, first)
		}
	}
	m.since = since
	return nil
}
