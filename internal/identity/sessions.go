package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Session is a browser that is signed in.
type Session struct {
	ID        string    `json:"id"`
	User      string    `json:"user"`
	Method    string    `json:"method"` // password, oidc, link or file
	Remote    string    `json:"remote"`
	UserAgent string    `json:"user_agent"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	SeenAt    time.Time `json:"seen_at"` // to the minute
}

// Bounds of sessions.
const (
	maxSessions  = 50 // of one user; the one that was not used for longest goes first
	maxUserAgent = 256
)

const sessionColumns = "id, user_name, method, remote, user_agent, created_at, expires_at, seen_at"

func scanSession(row scanner) (Session, error) {
	var s Session
	var created, expires, seen int64
	err := row.Scan(&s.ID, &s.User, &s.Method, &s.Remote, &s.UserAgent, &created, &expires, &seen)
	s.CreatedAt, s.ExpiresAt, s.SeenAt = state.Time(created), state.Time(expires), state.Time(seen)
	return s, err
}

// OpenSession signs a user in, whose password or else has been checked. The
// secret is for the browser's cookie. by.Name is the user's.
func (s *Store) OpenSession(ctx context.Context, by Actor, userAgent string) (secret string, _ Session, err error) {
	var out Session
	err = s.write(ctx, "open session", func(w *writer) error {
		secret, out, err = s.openSession(w, by, userAgent)
		return err
	})
	if err != nil {
		return "", Session{}, err
	}
	s.entered(by)
	return secret, out, nil
}

// entered notes that a browser has been signed in.
func (s *Store) entered(by Actor) {
	s.metrics.signedIn.WithLabelValues(by.Method).Inc()
	s.meet(by.Name, by.Remote)
}

func (s *Store) openSession(w *writer, by Actor, userAgent string) (secret string, _ Session, err error) {
	if by.Method != MethodFile {
		u, err := findUser(w.ctx, w, by.Name)
		if err != nil {
			return "", Session{}, err
		}
		if u.Disabled {
			return "", Session{}, disabled(u.Name)
		}
		if err := w.exec("UPDATE users SET signed_in_at = $1 WHERE name = $2", state.Micros(w.now), u.Name); err != nil {
			return "", Session{}, err
		}
	}
	if len(userAgent) > maxUserAgent {
		userAgent = userAgent[:maxUserAgent]
	}
	out := Session{
		ID: newID(), User: by.Name, Method: by.Method, Remote: by.Remote, UserAgent: strings.ReplaceAll(strings.ToValidUTF8(userAgent, ""), "\x00", ""),
		CreatedAt: w.now, ExpiresAt: w.now.Add(s.o.SessionLife), SeenAt: w.now,
	}
	secret, digest := newSecret()
	if err := w.exec("INSERT INTO sessions (digest, "+sessionColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		digest, out.ID, out.User, out.Method, out.Remote, out.UserAgent, state.Micros(out.CreatedAt), state.Micros(out.ExpiresAt), state.Micros(out.SeenAt)); err != nil {
		return "", Session{}, err
	}
	if err := w.exec(`DELETE FROM sessions WHERE user_name = $1 AND id NOT IN
		(SELECT id FROM sessions WHERE user_name = $1 ORDER BY seen_at DESC, id LIMIT $2)`, out.User, maxSessions); err != nil {
		return "", Session{}, err
	}
	return secret, out, w.audit(by, "session.open", userTarget(out.User), nil, out)
}

// endSessions ends the sessions of a user, but for one.
func (w *writer) endSessions(user, keep string) error {
	return w.exec("DELETE FROM sessions WHERE user_name = $1 AND id <> $2", user, keep)
}

// EndSession signs a browser out. Where a user is given it must be theirs.
func (s *Store) EndSession(ctx context.Context, by Actor, id, user string) error {
	return s.write(ctx, "end session", func(w *writer) error {
		found, err := findSession(w.ctx, w, id)
		if err == nil && user != "" && found.User != user {
			err = refuse(NotFound, "there is no session %q", id)
		}
		if err != nil {
			return err
		}
		if err := w.exec("DELETE FROM sessions WHERE id = $1", id); err != nil {
			return err
		}
		return w.audit(by, "session.end", userTarget(found.User), found, nil)
	})
}

func findSession(ctx context.Context, q state.Querier, id string) (Session, error) {
	if !storable(id) {
		return Session{}, refuse(NotFound, "there is no session %q", id)
	}
	x, err := scanSession(q.QueryRowContext(ctx, "SELECT "+sessionColumns+" FROM sessions WHERE id = $1", id))
	if errors.Is(err, sql.ErrNoRows) {
		err = refuse(NotFound, "there is no session %q", id)
	}
	return x, err
}

// Session returns one session.
func (s *Store) Session(ctx context.Context, id string) (Session, error) {
	var out Session
	err := s.db.Read(ctx, func(q state.Querier) (err error) {
		out, err = findSession(ctx, q, id)
		return err
	})
	if err != nil {
		return Session{}, fmt.Errorf("read session: %w", err)
	}
	return out, nil
}

// Sessions lists the sessions of a user, or of all where it is "", those that
// began last first.
func (s *Store) Sessions(ctx context.Context, user string, limit int) ([]Session, error) {
	query, args := "SELECT "+sessionColumns+" FROM sessions WHERE expires_at > $1", []any{state.Micros(s.now())}
	if user != "" {
		query, args = query+" AND user_name = $2", append(args, user)
	}
	if !storable(user) {
		return nil, nil
	}
	args = append(args, limit)
	var out []Session
	err := s.db.Read(ctx, func(q state.Querier) error {
		out = nil
		return state.Each(ctx, q, func(rows *sql.Rows) error {
			x, err := scanSession(rows)
			if x.SeenAt = s.lastUse(x.ID, x.SeenAt); s.now().Sub(x.SeenAt) < s.o.SessionIdle {
				out = append(out, x)
			}
			return err
		}, fmt.Sprintf("%s ORDER BY created_at DESC, id LIMIT $%d", query, len(args)), args...)
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return out, nil
}

// BySession finds out who is signed in with a cookie's secret. For a session of
// MethodFile the caller looks whether the user is still in the file.
func (s *Store) BySession(ctx context.Context, secret string) (Account, error) {
	digest := digestOf(secret)
	a, err := s.resolve(ctx, digest, func(q state.Querier) (Account, time.Time, error) {
		x, err := scanSession(q.QueryRowContext(ctx, "SELECT "+sessionColumns+" FROM sessions WHERE digest = $1", digest))
		now := s.now()
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return Account{}, now, refuse(Denied, "the session is over; sign in again")
		case err != nil:
			return Account{}, now, err
		case !now.Before(x.ExpiresAt), now.Sub(s.lastUse(x.ID, x.SeenAt)) >= s.o.SessionIdle:
			return Account{}, now, refuse(Denied, "the session is over; sign in again")
		}
		if x.Method == MethodFile {
			return Account{Name: x.User, Role: Admin, Scopes: Admin.Scopes(), Method: MethodFile, ID: x.ID}, x.ExpiresAt, nil
		}
		u, err := findUser(ctx, q, x.User)
		if err != nil {
			return Account{}, now, err
		}
		if u.Disabled {
			return Account{}, now, disabled(u.Name)
		}
		a := userAccount(u.User, x.Method)
		a.ID = x.ID
		return a, x.ExpiresAt, nil
	})
	if err != nil {
		return Account{}, fmt.Errorf("check session: %w", err)
	}
	s.use(a.ID)
	return a, nil
}
