package identity

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Purpose is what a one-time link is for.
type Purpose string

// The purposes.
const (
	Setup       Purpose = "setup"    // whoever opens it makes an administrator
	NewPassword Purpose = "password" // the user that it is for chooses a password
)

// LinkLife is how long a link can be used.
const LinkLife = 24 * time.Hour

// Link is a one-time link, without its secret.
type Link struct {
	Purpose   Purpose   `json:"purpose"`
	User      string    `json:"user,omitempty"` // of NewPassword
	CreatedBy string    `json:"created_by"`
	ExpiresAt time.Time `json:"expires_at"`
}

// CreateLink makes a link for a user to choose a password, or, where the name
// is "", for somebody to become an administrator. The secret is returned this once.
func (s *Store) CreateLink(ctx context.Context, by Actor, user string) (secret string, l Link, err error) {
	l = Link{Purpose: Setup, CreatedBy: by.Name}
	if user != "" {
		l.Purpose, l.User = NewPassword, UserName(user)
	}
	secret = rand.Text() + rand.Text()
	err = s.write(ctx, "create link", func(w *writer) error {
		if l.User != "" {
			if _, err := findUser(w.ctx, w, l.User); err != nil {
				return err
			}
		}
		l.ExpiresAt = w.now.Add(LinkLife)
		// Of those for the same purpose only the newest can be used.
		if err := w.exec("DELETE FROM links WHERE purpose = $1 AND user_name = $2 AND used_at = 0", string(l.Purpose), l.User); err != nil {
			return err
		}
		if err := w.exec("INSERT INTO links (digest, purpose, user_name, created_at, created_by, expires_at, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			digestOf(secret), string(l.Purpose), l.User, state.Micros(w.now), by.Name, state.Micros(l.ExpiresAt), 0); err != nil {
			return err
		}
		return w.audit(by, "link.create", linkTarget(l), nil, l)
	})
	if err != nil {
		return "", Link{}, err
	}
	return secret, l, nil
}

func linkTarget(l Link) string {
	if l.User != "" {
		return userTarget(l.User)
	}
	return "link/" + string(l.Purpose)
}

func (s *Store) findLink(ctx context.Context, q state.Querier, secret string) (Link, error) {
	var l Link
	var expires, used int64
	err := q.QueryRowContext(ctx, "SELECT purpose, user_name, created_by, expires_at, used_at FROM links WHERE digest = $1", digestOf(secret)).
		Scan(&l.Purpose, &l.User, &l.CreatedBy, &expires, &used)
	l.ExpiresAt = state.Time(expires)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return l, refuse(Denied, "this link is not valid; make a new one with: touchline users link")
	case err != nil:
		return l, err
	case used != 0:
		return l, refuse(Denied, "this link has been used; make a new one with: touchline users link")
	case !s.now().Before(l.ExpiresAt):
		return l, refuse(Denied, "this link was valid until %s; make a new one with: touchline users link", l.ExpiresAt.Format(time.RFC3339))
	}
	return l, nil
}

// Link tells what a link is for, without using it.
func (s *Store) Link(ctx context.Context, secret string) (Link, error) {
	var l Link
	err := s.db.Read(ctx, func(q state.Querier) (err error) {
		l, err = s.findLink(ctx, q, secret)
		return err
	})
	return l, err
}

// Welcome is what using a link results in: a user who is signed in.
type Welcome struct {
	User    User
	Session Session
	Secret  string // for the browser's cookie
}

// UseLink makes the administrator, or sets the password, that a link is for, and
// signs them in. remote and userAgent are the browser's; of u only the name, the
// display name, the address and the language count, and nothing for NewPassword.
func (s *Store) UseLink(ctx context.Context, secret string, u User, password, remote, userAgent string) (Welcome, error) {
	l, err := s.Link(ctx, secret)
	if err != nil {
		return Welcome{}, err
	}
	u = User{Name: UserName(u.Name), DisplayName: u.DisplayName, Email: u.Email, Language: u.Language, Role: Admin}
	if l.Purpose == NewPassword {
		u.Name = l.User
	} else if err := u.check(); err != nil {
		return Welcome{}, err
	}
	hash, err := s.hash(ctx, u.Name, password)
	if err != nil {
		return Welcome{}, err
	}
	by := Actor{Name: u.Name, Method: MethodLink, Remote: remote}
	var out Welcome
	err = s.write(ctx, "use link", func(w *writer) error {
		// Somebody else may have been quicker while the password was hashed.
		if _, err := s.findLink(w.ctx, w, secret); err != nil {
			return err
		}
		if err := w.exec("UPDATE links SET used_at = $1 WHERE digest = $2", state.Micros(w.now), digestOf(secret)); err != nil {
			return err
		}
		if err := w.audit(by, "link.use", linkTarget(l), nil, l); err != nil {
			return err
		}
		if l.Purpose == Setup {
			if _, err := w.createUser(by, u, hash); err != nil {
				return err
			}
		} else {
			if err := w.setPassword(by, u.Name, hash, ""); err != nil {
				return err
			}
		}
		a, err := findUser(w.ctx, w, u.Name)
		if err != nil {
			return err
		}
		out.User = a.User
		out.Secret, out.Session, err = s.openSession(w, by, userAgent)
		return err
	})
	if err != nil {
		return Welcome{}, err
	}
	s.entered(by)
	return out, nil
}
