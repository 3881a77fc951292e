package maintenance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"touchline.dev/touchline/internal/oncall"
	"touchline.dev/touchline/internal/state"
)

// identity is which silence a row is of. The digest is of what it is made of, so
// that a window that is changed while it lasts asks for another one.
type identity struct {
	source string
	begins int64
	digest string
}

// held is a silence that was made.
type held struct {
	identity
	silence string
	fresh   int64 // until when not all replicas need to know of it
}

// occurrence is a time of a window that lasts, and the silence that it asks for.
type occurrence struct {
	identity
	window  *Window
	silence Silence // from whenever it is made
	lease   int64   // of the claim; no two claims of a row have the same
}

// occurrence is the one that lasts at a moment, nil for none.
func (w *Window) occurrence(now time.Time) (*occurrence, error) {
	r, err := w.recurrence()
	if err != nil {
		return nil, err
	}
	return w.lasting(r, now)
}

func (w *Window) lasting(r *oncall.Window, now time.Time) (*occurrence, error) {
	from, to, active := r.Occurrence(now)
	if !active {
		return nil, nil
	}
	s := Silence{Matchers: w.Matchers, To: to, By: w.CreatedBy, Comment: "Maintenance: " + w.Name}
	if s.By == "" {
		s.By = "touchline.yaml"
	}
	if w.Comment != "" {
		s.Comment += " (" + w.Comment + ")"
	}
	raw, err := json.Marshal(struct {
		Matchers    []string
		To          int64
		By, Comment string
	}{s.Matchers, state.Micros(to), s.By, s.Comment})
	if err != nil {
		return nil, fmt.Errorf("digest of window %q: %w", w.Name, err)
	}
	sum := sha256.Sum256(raw)
	return &occurrence{identity: identity{w.key(), state.Micros(from), hex.EncodeToString(sum[:])}, window: w, silence: s}, nil
}

// work makes silences of the windows that are active, and ends those of windows
// that are not any more. Only the loop calls it; requests see to their own window.
func (s *Service) work(ctx context.Context) error {
	now := s.o.Now()
	var all []Window
	var have []held
	var said map[identity][]want
	if err := s.read(ctx, func(ctx context.Context, q state.Querier) (err error) {
		if all, err = s.all(ctx, q); err != nil {
			return err
		}
		if said, err = wants(ctx, q); err != nil {
			return err
		}
		have, err = silences(ctx, q, "AND ends > $1", state.Micros(now))
		return err
	}); err != nil {
		return err
	}
	there := map[identity]bool{}
	for _, h := range have {
		there[h.identity] = true
	}
	mine := s.o.Mine()
	wanted := map[identity]bool{}
	var errs []error
	for n := range all {
		w := &all[n]
		r, err := w.recurrence()
		if err != nil {
			errs = append(errs, fmt.Errorf("window %q: %w", w.Name, err))
			continue
		}
		o, err := w.lasting(r, now)
		switch {
		case err != nil:
			errs = append(errs, err)
		case o == nil:
			errs = append(errs, s.lapse(ctx, w, r, now))
		default:
			wanted[o.identity] = true
			if !there[o.identity] && (mine || w.Source != "file") {
				errs = append(errs, s.take(ctx, o))
			}
		}
	}
	// After the new ones, so that one that takes the place of another leaves no gap.
	for _, h := range have {
		if wanted[h.identity] || h.ofFile() && s.shared() && s.wantedElsewhere(said[h.identity], now) {
			continue
		}
		errs = append(errs, s.end(ctx, h))
	}
	errs = append(errs, s.sayAll(ctx, said, wanted, now))
	if mine {
		errs = append(errs, s.announce(ctx, now))
	}
	errs = append(errs, s.forget(ctx, now))
	return errors.Join(errs...)
}

// silences are those that were made and have not been ended.
func silences(ctx context.Context, q state.Querier, and string, args ...any) (out []held, err error) {
	rows, err := q.QueryContext(ctx, "SELECT source, begins, digest, silence, lease FROM maintenance_silences WHERE silence <> '' "+and, args...)
	if err != nil {
		return nil, fmt.Errorf("read silences of windows: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var h held
		if err := rows.Scan(&h.source, &h.begins, &h.digest, &h.silence, &h.fresh); err != nil {
			return nil, fmt.Errorf("read silences of windows: %w", err)
		}
		out = append(out, h)
	}
	return out, rows.Err()
}

// take makes the silence of an occurrence, unless somebody else does.
func (s *Service) take(ctx context.Context, o *occurrence) error {
	var mine bool
	err := s.write(ctx, func(ctx context.Context, tx *state.Tx) (err error) {
		mine, err = s.claim(ctx, tx, o)
		return err
	})
	if err != nil || !mine {
		return err
	}
	return s.begin(ctx, o)
}

// claim takes an occurrence for this replica to make the silence of. It is not
// this one's where there is a silence, or another claim that has not run out, or
// the window has ended meanwhile.
func (s *Service) claim(ctx context.Context, tx *state.Tx, o *occurrence) (mine bool, err error) {
	if on, err := goesOn(ctx, tx, o.window); err != nil || !on {
		return false, err
	}
	now := s.o.Now()
	o.lease = state.Micros(now.Add(lease))
	over := state.Micros(now)
	if s.o.DB.Kind() == "sqlite" {
		// Nobody else writes there: a claim from before the start is of a process that is gone.
		over = max(over, state.Micros(s.opened.Add(lease)))
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO maintenance_silences (source, begins, digest, ends, silence, lease) VALUES ($1, $2, $3, $4, '', $5)
		ON CONFLICT (source, begins, digest) DO UPDATE SET lease = excluded.lease WHERE maintenance_silences.silence = '' AND maintenance_silences.lease < $6`,
		o.source, o.begins, o.digest, state.Micros(o.silence.To), o.lease, over)
	if err != nil {
		return false, fmt.Errorf("claim window %q: %w", o.window.Name, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	// With the claim, so that no other replica sees a silence that nobody seems to want.
	return true, s.say(ctx, tx, o.identity)
}

// begin makes the silence of an occurrence that was claimed.
func (s *Service) begin(ctx context.Context, o *occurrence) error {
	o.silence.From = s.o.Now()
	asked, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	id, err := s.o.Silence(asked, o.silence)
	// What has been begun is brought to an end when the loop is stopped, too.
	ctx = context.WithoutCancel(ctx)
	if err != nil {
		err = fmt.Errorf("silence for window %q: %w", o.window.Name, err)
		if asked.Err() != nil {
			return err // it may have been made, so it is not tried again before the claim has run out
		}
		return errors.Join(err, s.release(ctx, o))
	}
	made := held{o.identity, id, o.lease}
	inForce, err := s.note(ctx, o, id)
	if err != nil {
		// Nobody would know whose it is. The claim keeps the next one away for a while;
		// if it was noted after all, and only the answer was lost, that is undone.
		return errors.Join(err, s.end(ctx, made))
	}
	if !inForce {
		return s.end(ctx, made)
	}
	s.log.Info("A maintenance window has begun", "window", o.window.Name, "ends", o.silence.To, "silence", id)
	return nil
}

// release gives a claim back, so that the next look tries again.
func (s *Service) release(ctx context.Context, o *occurrence) error {
	return s.write(ctx, func(ctx context.Context, tx *state.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE maintenance_silences SET lease = 0 WHERE source = $1 AND begins = $2 AND digest = $3 AND lease = $4", o.source, o.begins, o.digest, o.lease); err != nil {
			return fmt.Errorf("give window %q back: %w", o.window.Name, err)
		}
		return nil
	})
}

// note remembers the silence of an occurrence. It is not in force where somebody
// has ended the window while the silence was being made.
func (s *Service) note(ctx context.Context, o *occurrence, id string) (inForce bool, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *state.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE maintenance_silences SET silence = $1 WHERE source = $2 AND begins = $3 AND digest = $4 AND lease = $5", id, o.source, o.begins, o.digest, o.lease)
		if err != nil {
			return fmt.Errorf("note silence of window %q: %w", o.window.Name, err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(fmt.Errorf("note silence of window %q: it took longer than the claim of %s", o.window.Name, lease), err)
		}
		inForce, err = goesOn(ctx, tx, o.window)
		return err
	})
	return inForce, err
}

// goesOn says whether nobody has ended a window since it was read.
func goesOn(ctx context.Context, tx *state.Tx, w *Window) (bool, error) {
	if w.Source == "file" {
		return true, nil
	}
	var n int
	if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM maintenance_windows WHERE id = $1 AND ended_at = 0", w.ID).Scan(&n); err != nil {
		return false, fmt.Errorf("look for window %q: %w", w.Name, err)
	}
	return n > 0, nil
}

// end expires the silence of a window that was ended, changed or taken away.
func (s *Service) end(ctx context.Context, h held) error {
	if err := s.expire(ctx, h); err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, tx *state.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE maintenance_silences SET silence = '', lease = 0 WHERE source = $1 AND begins = $2 AND digest = $3 AND silence = $4", h.source, h.begins, h.digest, h.silence); err != nil {
			return fmt.Errorf("note the end of window %s: %w", h.source, err)
		}
		return nil
	})
}

// expire ends a silence. One that is not there is as good, unless another replica
// has just made it and this one's Alertmanager is yet to hear of it.
func (s *Service) expire(ctx context.Context, h held) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	tick := time.NewTicker(gossip)
	defer tick.Stop()
	for {
		err := s.o.Expire(ctx, h.silence)
		switch {
		case err == nil, errors.Is(err, ErrNoSilence) && h.fresh <= state.Micros(s.o.Now()):
			return nil
		case !errors.Is(err, ErrNoSilence):
			return fmt.Errorf("end silence of window %s: %w", h.source, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("end silence of window %s: %w", h.source, err)
		case <-tick.C:
		}
	}
}

// lapse gives a window of the database its end when nothing more can come of it,
// so that it is not looked at any more. Nobody has changed it: its version stays,
// and the audit log says nothing.
func (s *Service) lapse(ctx context.Context, w *Window, r *oncall.Window, now time.Time) error {
	if _, comes := r.NextStart(now); comes || w.Source == "file" {
		return nil
	}
	ended, err := lastEnd(r, w.Start, now)
	if err != nil {
		return fmt.Errorf("window %q: %w", w.Name, err)
	}
	return s.write(ctx, func(ctx context.Context, tx *state.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE maintenance_windows SET ended_at = $1 WHERE id = $2 AND ended_at = 0", state.Micros(ended), w.ID); err != nil {
			return fmt.Errorf("note that window %q is over: %w", w.Name, err)
		}
		return nil
	})
}

// lastEnd is when the last occurrence of a window that is over has ended.
func lastEnd(r *oncall.Window, start, now time.Time) (time.Time, error) {
	last := start
	for {
		some, err := r.Occurrences(last, now, oncall.MaxOccurrences)
		if err != nil || len(some) == 0 {
			return last, err
		}
		last = some[len(some)-1].To
	}
}

// announce tells of silences that end soon, once each. After a restart one may be
// told again, which is the same alert again.
func (s *Service) announce(ctx context.Context, now time.Time) error {
	if s.o.Notice <= 0 || s.o.Announce == nil || s.o.Endings == nil {
		return nil
	}
	asked, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	soon, err := s.o.Endings(asked, now.Add(s.o.Notice))
	if err != nil {
		return fmt.Errorf("look for silences that end soon: %w", err)
	}
	for id, ends := range s.announced {
		if ends.Before(now) {
			delete(s.announced, id)
		}
	}
	var errs []error
	for _, e := range soon {
		if s.announced[e.ID].Equal(e.Ends) || !e.Ends.After(now) {
			continue
		}
		if err := s.tell(ctx, e); err != nil {
			errs = append(errs, fmt.Errorf("announce the end of silence %s: %w", e.ID, err))
			continue
		}
		s.announced[e.ID] = e.Ends
	}
	return errors.Join(errs...)
}

func (s *Service) tell(ctx context.Context, e Ending) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	return s.o.Announce(ctx, e)
}

// How long what is over is remembered, and how often it is looked for what is not.
const (
	kept    = 400 * 24 * time.Hour
	forgets = time.Hour
)

func (s *Service) forget(ctx context.Context, now time.Time) error {
	if now.Sub(s.forgot) < forgets {
		return nil
	}
	before := state.Micros(now.Add(-kept))
	err := s.write(ctx, func(ctx context.Context, tx *state.Tx) error {
		for _, statement := range []string{
			"DELETE FROM maintenance_silences WHERE ends < $1", "DELETE FROM deployments WHERE at < $1", "DELETE FROM maintenance_windows WHERE ended_at > 0 AND ended_at < $1",
		} {
			if _, err := tx.ExecContext(ctx, statement, before); err != nil {
				return fmt.Errorf("forget old maintenance: %w", err)
			}
		}
		return nil
	})
	if err == nil {
		s.forgot = now
	}
	return err
}
