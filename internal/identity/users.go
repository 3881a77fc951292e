package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"touchline.dev/touchline/internal/state"
)

// User is somebody who may sign in.
type User struct {
	Name        string    `json:"name"`
	DisplayName string    `json:"display_name"`
	Email       string    `json:"email"`
	Role        Role      `json:"role"`
	Language    string    `json:"language"` // "en", "zh" or "" for the browser's
	Disabled    bool      `json:"disabled"`
	HasPassword bool      `json:"has_password"`
	Subject     string    `json:"subject,omitempty"` // issuer and subject at the OIDC provider
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	SignedInAt  time.Time `json:"signed_in_at,omitzero"`
	Version     int64     `json:"version"` // counts changes, from 1
}

// UserChange is what is to become of a user. Fields that are nil stay.
type UserChange struct {
	DisplayName *string
	Email       *string
	Role        *Role
	Language    *string
	Disabled    *bool
	Subject     *string // issuer and subject at the OIDC provider, "" for nobody
}

// Bounds of what users are given.
const (
	maxName    = 64
	maxDisplay = 128
	maxEmail   = 254
	maxSubject = 1024
)

// Languages lists those that people can choose.
var Languages = []string{"en", "zh"}

var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]*$`)

// UserName is the form in which a name is kept: people type it in either case.
func UserName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

func (u *User) check() error {
	switch {
	case !userName.MatchString(u.Name) || len(u.Name) > maxName:
		return invalid("name", "%q is not a user's name; write up to %d small letters, digits and . _ @ + -, beginning with a letter or a digit", u.Name, maxName)
	case !slices.Contains(Roles, u.Role):
		return invalid("role", "%q is not a role; write viewer, responder, editor or admin", u.Role)
	case u.Language != "" && !slices.Contains(Languages, u.Language):
		return invalid("language", "%q is not a language; write en, zh or nothing", u.Language)
	case len(u.Subject) > maxSubject || !plainText(u.Subject):
		return invalid("subject", "write at most %d bytes on one line: the issuer, a space, and the subject there", maxSubject)
	case len(u.DisplayName) > maxDisplay || !plainText(u.DisplayName):
		return invalid("display_name", "write at most %d bytes on one line", maxDisplay)
	}
	if u.Email != "" {
		if a, err := mail.ParseAddress(u.Email); err != nil || a.Address != u.Email || len(u.Email) > maxEmail {
			return invalid("email", "%q is not an address; write it like anna@example.com", u.Email)
		}
	}
	return nil
}

// plainText tells whether a text can be shown on one line.
func plainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// storable tells whether a database takes a text at all: PostgreSQL refuses some,
// which is no failure of ours.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func userTarget(name string) string { return "user/" + name }

const userColumns = "name, display_name, email, role, password, subject, language, disabled, created_at, updated_at, signed_in_at, version"

// account is a user with what is not shown.
type account struct {
	User
	hash string
}

type scanner interface{ Scan(...any) error }

func scanUser(row scanner) (account, error) {
	var a account
	var disabled int
	var created, updated, signedIn int64
	err := row.Scan(&a.Name, &a.DisplayName, &a.Email, &a.Role, &a.hash, &a.Subject, &a.Language, &disabled, &created, &updated, &signedIn, &a.Version)
	a.HasPassword, a.Disabled = a.hash != "", disabled != 0
	a.CreatedAt, a.UpdatedAt, a.SignedInAt = state.Time(created), state.Time(updated), state.Time(signedIn)
	return a, err
}

func findUser(ctx context.Context, q state.Querier, name string) (account, error) {
	if !storable(name) {
		return account{}, refuse(NotFound, "there is no user %q", name)
	}
	a, err := scanUser(q.QueryRowContext(ctx, "SELECT "+userColumns+" FROM users WHERE name = $1", name))
	if errors.Is(err, sql.ErrNoRows) {
		return a, refuse(NotFound, "there is no user %q", name)
	}
	return a, err
}

// CreateUser makes a user. Without a password they sign in by OIDC, or choose
// one by a link.
func (s *Store) CreateUser(ctx context.Context, by Actor, u User, password string) (User, error) {
	u = User{Name: UserName(u.Name), DisplayName: strings.TrimSpace(u.DisplayName), Email: strings.TrimSpace(u.Email), Role: u.Role, Language: u.Language, Subject: u.Subject}
	if err := u.check(); err != nil {
		return User{}, err
	}
	hash := ""
	if password != "" {
		var err error
		if hash, err = s.hash(ctx, u.Name, password); err != nil {
			return User{}, err
		}
	}
	var made User
	err := s.write(ctx, "create user", func(w *writer) (err error) {
		made, err = w.createUser(by, u, hash)
		return err
	})
	if err != nil {
		return User{}, err
	}
	return made, nil
}

func (w *writer) createUser(by Actor, u User, hash string) (User, error) {
	u.CreatedAt, u.UpdatedAt, u.Version, u.HasPassword = w.now, w.now, 1, hash != ""
	at := state.Micros(w.now)
	err := w.exec("INSERT INTO users ("+userColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		u.Name, u.DisplayName, u.Email, string(u.Role), hash, u.Subject, u.Language, truth(u.Disabled), at, at, 0, u.Version)
	if state.Exists(err) {
		return User{}, &Error{Kind: Exists, Field: "name", Reason: fmt.Sprintf("there is a user %q already; names are never given twice", u.Name)}
	}
	if err != nil {
		return User{}, err
	}
	return u, w.audit(by, "user.create", userTarget(u.Name), nil, u)
}

// User returns one user.
func (s *Store) User(ctx context.Context, name string) (User, error) {
	var a account
	err := s.db.Read(ctx, func(q state.Querier) (err error) {
		a, err = findUser(ctx, q, UserName(name))
		return err
	})
	if err != nil {
		return User{}, fmt.Errorf("read user: %w", err)
	}
	return a.User, nil
}

// Users lists users by name, at most limit of those after a name.
func (s *Store) Users(ctx context.Context, after string, limit int) ([]User, error) {
	var out []User
	err := s.db.Read(ctx, func(q state.Querier) error {
		out = nil
		return state.Each(ctx, q, func(rows *sql.Rows) error {
			a, err := scanUser(rows)
			out = append(out, a.User)
			return err
		}, "SELECT "+userColumns+" FROM users WHERE name > $1 ORDER BY name LIMIT $2", after, limit)
	})
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return out, nil
}

// UpdateUser changes a user whose version is the one given, or whatever its
// version is where that is 0. Who is disabled is signed out.
func (s *Store) UpdateUser(ctx context.Context, by Actor, name string, version int64, c UserChange) (User, error) {
	name = UserName(name)
	var u User
	err := s.write(ctx, "change user", func(w *writer) error {
		a, err := findUser(ctx, w, name)
		if err != nil {
			return err
		}
		if version != 0 && version != a.Version {
			return refuse(Stale, "user %q has been changed meanwhile: it is version %d, and the change was made to version %d; read it again", name, a.Version, version)
		}
		before := a.User
		u = before
		set(&u.DisplayName, c.DisplayName)
		set(&u.Email, c.Email)
		set(&u.Role, c.Role)
		set(&u.Language, c.Language)
		set(&u.Disabled, c.Disabled)
		set(&u.Subject, c.Subject)
		if u == before {
			return nil
		}
		if err := u.check(); err != nil {
			return err
		}
		u.Version, u.UpdatedAt = before.Version+1, w.now
		if before.Role == Admin && !before.Disabled && (u.Role != Admin || u.Disabled) {
			switch last, err := w.isLastAdmin(name); {
			case err != nil:
				return err
			case last:
				return refuse(Conflict, "this is the last administrator; make another one first")
			}
		}
		err = w.exec(`UPDATE users SET display_name = $1, email = $2, role = $3, language = $4, disabled = $5, subject = $6, updated_at = $7, version = $8 WHERE name = $9`,
			u.DisplayName, u.Email, string(u.Role), u.Language, truth(u.Disabled), u.Subject, state.Micros(w.now), u.Version, name)
		if state.Exists(err) {
			return &Error{Kind: Exists, Field: "subject", Reason: "another user is this subject already"}
		}
		if err != nil {
			return err
		}
		if u.Disabled {
			if err := w.endSessions(name, ""); err != nil {
				return err
			}
		}
		return w.audit(by, "user.update", userTarget(name), before, u)
	})
	if err != nil {
		return User{}, err
	}
	return u, nil
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// isLastAdmin tells whether nobody but a user may give the others rights.
func (w *writer) isLastAdmin(name string) (bool, error) {
	var others int
	err := w.QueryRowContext(w.ctx, "SELECT COUNT(*) FROM users WHERE role = $1 AND disabled = 0 AND name <> $2", string(Admin), name).Scan(&others)
	return others == 0, err
}

// SetPassword gives a user a new password and ends their sessions, but for the
// one whose id is given.
func (s *Store) SetPassword(ctx context.Context, by Actor, name, password, keepSession string) error {
	name = UserName(name)
	hash, err := s.hash(ctx, name, password)
	if err != nil {
		return err
	}
	return s.write(ctx, "set password", func(w *writer) error {
		return w.setPassword(by, name, hash, keepSession)
	})
}

func (w *writer) setPassword(by Actor, name, hash, keepSession string) error {
	a, err := findUser(w.ctx, w, name)
	if err != nil {
		return err
	}
	if err := w.exec("UPDATE users SET password = $1, updated_at = $2, version = $3 WHERE name = $4", hash, state.Micros(w.now), a.Version+1, name); err != nil {
		return err
	}
	if err := w.endSessions(name, keepSession); err != nil {
		return err
	}
	return w.audit(by, "user.password", userTarget(name), nil, nil)
}

// HasUsers tells whether any user is defined, so that nobody is anonymous by
// being on this machine. Where the database cannot be read, what was known last
// still holds.
func (s *Store) HasUsers(ctx context.Context) (bool, error) {
	a, err := s.resolve(ctx, "users", func(q state.Querier) (Account, time.Time, error) {
		var n int
		err := q.QueryRowContext(ctx, "SELECT COUNT(*) FROM (SELECT name FROM users LIMIT 1) u").Scan(&n)
		return Account{exists: n > 0}, time.Time{}, err
	})
	if err != nil {
		return false, fmt.Errorf("look for users: %w", err)
	}
	return a.exists, nil
}
