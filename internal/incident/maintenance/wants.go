package maintenance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Replicas that share a database may have files that differ, for the moments of a
// rollout or for longer. Each says which windows of its file last, and a silence
// of a file's window ends with the last replica that has the window: otherwise
// one of them would end every few seconds what another one makes.

// How often a replica says again what its file has, and for how long that counts
// when it does not.
const (
	wantAgain = time.Minute
	wantLasts = 3 * time.Minute
)

// want is what one replica has said.
type want struct {
	replica string
	at      int64
}

// shared tells whether other replicas may use the database.
func (s *Service) shared() bool { return s.o.DB.Kind() != "sqlite" }

// ofFile tells whether a silence is of a window of touchline.yaml.
func (id identity) ofFile() bool { return strings.HasPrefix(id.source, "file/") }

func wants(ctx context.Context, q state.Querier) (_ map[identity][]want, err error) {
	rows, err := q.QueryContext(ctx, "SELECT source, begins, digest, replica, at FROM maintenance_wants")
	if err != nil {
		return nil, fmt.Errorf("read which replicas have a window: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out := map[identity][]want{}
	for rows.Next() {
		var id identity
		var w want
		if err := rows.Scan(&id.source, &id.begins, &id.digest, &w.replica, &w.at); err != nil {
			return nil, fmt.Errorf("read which replicas have a window: %w", err)
		}
		out[id] = append(out[id], w)
	}
	return out, rows.Err()
}

// wantedElsewhere tells whether another replica has the window of a silence.
func (s *Service) wantedElsewhere(said []want, now time.Time) bool {
	for _, w := range said {
		if w.replica != s.o.Replica && w.at > state.Micros(now.Add(-wantLasts)) {
			return true
		}
	}
	return false
}

// say notes that this replica has a window.
func (s *Service) say(ctx context.Context, tx *state.Tx, id identity) error {
	if !s.shared() || !id.ofFile() {
		return nil
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO maintenance_wants (source, begins, digest, replica, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (source, begins, digest, replica) DO UPDATE SET at = excluded.at`, id.source, id.begins, id.digest, s.o.Replica, state.Micros(s.o.Now()))
	if err != nil {
		return fmt.Errorf("note that window %s is in the file: %w", id.source, err)
	}
	return nil
}

// sayAll brings what this replica has said up to date, and forgets what others
// have not said for long.
func (s *Service) sayAll(ctx context.Context, said map[identity][]want, wanted map[identity]bool, now time.Time) error {
	if !s.shared() {
		return nil
	}
	var again, gone []identity
	old := false
	for id, all := range said {
		for _, w := range all {
			old = old || w.at <= state.Micros(now.Add(-wantLasts))
			if w.replica == s.o.Replica && !wanted[id] {
				gone = append(gone, id)
			}
		}
	}
	for id := range wanted {
		if !id.ofFile() {
			continue
		}
		recent := false
		for _, w := range said[id] {
			recent = recent || w.replica == s.o.Replica && w.at > state.Micros(now.Add(-wantAgain))
		}
		if !recent {
			again = append(again, id)
		}
	}
	if !old && len(again)+len(gone) == 0 {
		return nil
	}
	return s.write(ctx, func(ctx context.Context, tx *state.Tx) error {
		for _, id := range again {
			if err := s.say(ctx, tx, id); err != nil {
				return err
			}
		}
		for _, id := range gone {
			if _, err := tx.ExecContext(ctx, "DELETE FROM maintenance_wants WHERE source = $1 AND begins = $2 AND digest = $3 AND replica = $4", id.source, id.begins, id.digest, s.o.Replica); err != nil {
				return fmt.Errorf("note that window %s is not in the file any more: %w", id.source, err)
			}
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM maintenance_wants WHERE at <= $1", state.Micros(now.Add(-wantLasts))); err != nil {
			return fmt.Errorf("forget which replicas had a window: %w", err)
		}
		return nil
	})
}
