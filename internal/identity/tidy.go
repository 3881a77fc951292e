package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/touchline/internal/state"
)

const (
	tidyEvery   = time.Minute
	tidyTimeout = 20 * time.Second
	tokensKept  = 90 * 24 * time.Hour // after their end
	auditBatch  = 1000                // rows deleted in one transaction
)

// Start begins to keep the store tidy: every few seconds it writes down which
// sign-ins were refused, and once a minute what has been used, and deletes what is
// over. Close ends that.
func (s *Store) Start() {
	go func() {
		defer close(s.done)
		t, failed := time.NewTicker(tidyEvery), time.NewTicker(failedEvery)
		defer t.Stop()
		defer failed.Stop()
		s.tidyAndLog()
		for {
			select {
			case <-t.C:
				s.tidyAndLog()
			case <-failed.C:
				s.storeFailedAndLog()
			case <-s.quit:
				s.tidyAndLog()
				return
			}
		}
	}()
}

// Close writes down what has been used, and waits for it. It may be called once,
// after Start.
func (s *Store) Close() error {
	s.once.Do(func() { close(s.quit) })
	<-s.done
	return nil
}

func (s *Store) tidyAndLog() {
	ctx, cancel := context.WithTimeout(context.Background(), tidyTimeout)
	defer cancel()
	err := s.Tidy(ctx)
	s.o.Tidied(err)
	if err != nil {
		s.metrics.untidy.Inc()
		s.log.Error("Users, tokens and sessions could not be tidied; it is tried again in a minute", "err", err)
	}
}

func (s *Store) storeFailedAndLog() {
	ctx, cancel := context.WithTimeout(context.Background(), tidyTimeout)
	defer cancel()
	if err := s.storeFailed(ctx); err != nil {
		s.log.Error("Failed sign-ins are missing in the audit log; it is tried again in a moment", "err", err)
	}
}

// Tidy does once what Start does every minute.
func (s *Store) Tidy(ctx context.Context) error {
	return errors.Join(s.storeUses(ctx), s.storeFailed(ctx), s.deleteEnded(ctx), s.deleteOldAudit(ctx), s.deleteOldFailed(ctx), s.measure(ctx))
}

// storeUses writes down when tokens and sessions were used last, and from where
// people have signed in.
func (s *Store) storeUses(ctx context.Context) error {
	s.mu.Lock()
	used := s.used
	s.used = make(map[string]time.Time, len(used))
	s.mu.Unlock()
	met := s.visits()
	if len(used) == 0 && len(met) == 0 {
		return nil
	}
	// What was read of the database stays right, so the cache is not cleared.
	err := s.db.Write(ctx, func(tx *state.Tx) error {
		for id, at := range used {
			for _, query := range []string{
				"UPDATE tokens SET used_at = $1 WHERE id = $2 AND used_at < $1",
				"UPDATE sessions SET seen_at = $1 WHERE id = $2 AND seen_at < $1",
			} {
				if _, err := tx.ExecContext(ctx, query, state.Micros(at), id); err != nil {
					return err
				}
			}
		}
		for v, at := range met {
			if err := storeVisit(ctx, tx, v, at); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.forgetVisits(met)
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, at := range used {
		if at.After(s.used[id]) {
			s.used[id] = at
		}
	}
	return fmt.Errorf("store last uses: %w", err)
}

func (s *Store) deleteEnded(ctx context.Context) error {
	now := s.now()
	err := s.db.Write(ctx, func(tx *state.Tx) error {
		for _, d := range []struct {
			query string
			at    time.Time
		}{
			{"DELETE FROM sessions WHERE expires_at <= $1", now},
			{"DELETE FROM sessions WHERE seen_at <= $1", now.Add(-s.o.SessionIdle)},
			{"DELETE FROM links WHERE expires_at <= $1", now},
			{"DELETE FROM sign_in_networks WHERE seen_at <= $1", now.Add(-networksKept)},
			{"DELETE FROM tokens WHERE (revoked_at > 0 AND revoked_at <= $1) OR (expires_at > 0 AND expires_at <= $1)", now.Add(-tokensKept)},
		} {
			if _, err := tx.ExecContext(ctx, d.query, state.Micros(d.at)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete what has ended: %w", err)
	}
	return nil
}

func (s *Store) deleteOldAudit(ctx context.Context) error {
	if s.o.AuditKeep <= 0 {
		return nil
	}
	return s.deleteAudit(ctx, "old rows", "SELECT id FROM audit WHERE id < $2 ORDER BY id LIMIT $1", auditBatch, auditID(s.now().Add(-s.o.AuditKeep)))
}

// deleteAudit deletes the rows of the audit log that a query selects, in small
// transactions, so that nobody waits for long. The first of args is how many it
// selects at most.
func (s *Store) deleteAudit(ctx context.Context, what, selected string, args ...any) error {
	for {
		var n int64
		err := s.db.Write(ctx, func(tx *state.Tx) error {
			res, err := tx.ExecContext(ctx, "DELETE FROM audit WHERE id IN ("+selected+")", args...)
			if err != nil {
				return err
			}
			n, err = res.RowsAffected()
			return err
		})
		if err != nil {
			return fmt.Errorf("delete %s of the audit log: %w", what, err)
		}
		if n < auditBatch {
			return nil
		}
	}
}

type metrics struct {
	users    *prometheus.GaugeVec
	tokens   prometheus.Gauge
	sessions prometheus.Gauge
	expiry   prometheus.Gauge
	signedIn *prometheus.CounterVec
	failed   prometheus.Counter
	refused  *prometheus.CounterVec
	paced    prometheus.Counter
	untidy   prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "touchline_identity_" + name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_identity_" + name, Help: help})
	}
	m := &metrics{
		users:    prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "touchline_identity_users", Help: "Users that are not disabled, by role."}, []string{"role"}),
		tokens:   gauge("tokens", "Tokens that are valid."),
		sessions: gauge("sessions", "Browsers that are signed in."),
		expiry:   gauge("token_next_expiry_timestamp_seconds", "When the next token expires that has not been rotated; 0 where none will."),
		signedIn: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "touchline_identity_sign_ins_total", Help: "Browsers signed in, by how."}, []string{"method"}),
		failed:   counter("wrong_passwords_total", "Passwords that were wrong."),
		refused:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "touchline_identity_refused_sign_ins_total", Help: "Passwords, tokens and sign-ins at the provider that were refused, by how."}, []string{"method"}),
		paced:    counter("attempts_refused_total", "Passwords not looked at because too many had been wrong."),
		untidy:   counter("tidy_failures_total", "Times that the store could not be tidied."),
	}
	for _, r := range Roles {
		m.users.WithLabelValues(string(r))
	}
	for _, method := range []string{MethodPassword, MethodOIDC, MethodLink, MethodFile} {
		m.signedIn.WithLabelValues(method)
	}
	for _, method := range []string{MethodPassword, MethodBasic, MethodToken, MethodOIDC} {
		m.refused.WithLabelValues(method)
	}
	for _, c := range []prometheus.Collector{m.users, m.tokens, m.sessions, m.expiry, m.signedIn, m.failed, m.refused, m.paced, m.untidy} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of identity: %w", err)
		}
	}
	return m, nil
}

// measure counts what the gauges show.
func (s *Store) measure(ctx context.Context) error {
	now := state.Micros(s.now())
	users := map[Role]float64{}
	var tokens, sessions, expiry int64
	err := s.db.Read(ctx, func(q state.Querier) error {
		clear(users)
		if err := state.Each(ctx, q, func(rows *sql.Rows) error {
			var r Role
			var n float64
			err := rows.Scan(&r, &n)
			users[r] = n
			return err
		}, "SELECT role, COUNT(*) FROM users WHERE disabled = 0 GROUP BY role"); err != nil {
			return err
		}
		if err := q.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(MIN(CASE WHEN expires_at > 0 AND replaced_by = '' THEN expires_at END), 0)
			FROM tokens WHERE revoked_at = 0 AND (expires_at = 0 OR expires_at > $1)`, now).Scan(&tokens, &expiry); err != nil {
			return err
		}
		return q.QueryRowContext(ctx, "SELECT COUNT(*) FROM sessions WHERE expires_at > $1", now).Scan(&sessions)
	})
	if err != nil {
		return fmt.Errorf("count users, tokens and sessions: %w", err)
	}
	for _, r := range Roles {
		s.metrics.users.WithLabelValues(string(r)).Set(users[r])
	}
	s.metrics.tokens.Set(float64(tokens))
	s.metrics.sessions.Set(float64(sessions))
	s.metrics.expiry.Set(float64(expiry) / 1e6)
	return nil
}
