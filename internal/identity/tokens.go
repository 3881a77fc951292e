package identity

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Token is a bearer token, without its secret.
type Token struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	User       string    `json:"user,omitempty"` // whose it is; "" for an agent's
	Scopes     []Scope   `json:"scopes"`
	CreatedAt  time.Time `json:"created_at"`
	CreatedBy  string    `json:"created_by"`
	ExpiresAt  time.Time `json:"expires_at,omitzero"` // zero for never
	UsedAt     time.Time `json:"used_at,omitzero"`    // to the minute
	RevokedAt  time.Time `json:"revoked_at,omitzero"`
	ReplacedBy string    `json:"replaced_by,omitempty"` // id of the token that it was rotated to
}

// Ended tells whether the token is no longer valid at a time.
func (t *Token) Ended(now time.Time) bool {
	return !t.RevokedAt.IsZero() || !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt)
}

// NewToken is what a token is to be.
type NewToken struct {
	Name      string
	User      string    // "" for an agent's
	Scopes    []string  // scopes or roles
	ExpiresAt time.Time // zero for never
}

// ParseScope reads a scope, or the role that allows the same.
func ParseScope(word string) (Scope, bool) {
	if s, ok := ofRole[Role(word)]; ok {
		return s, true
	}
	return Scope(word), slices.Contains(Scopes, Scope(word))
}

func parseScopes(words []string) ([]Scope, error) {
	var out []Scope
	for _, w := range words {
		s, ok := ParseScope(w)
		if !ok {
			return nil, invalid("scopes", "%q is not a scope; write read, ingest, respond, change or admin, or a role", w)
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil, invalid("scopes", "name at least one; an agent that only sends needs ingest")
	}
	return out, nil
}

const tokenColumns = "id, name, user_name, scopes, created_at, created_by, expires_at, used_at, revoked_at, replaced_by"

func scanToken(row scanner, more ...any) (Token, error) {
	var t Token
	var scopes string
	var created, expires, used, revoked int64
	err := row.Scan(append([]any{&t.ID, &t.Name, &t.User, &scopes, &created, &t.CreatedBy, &expires, &used, &revoked, &t.ReplacedBy}, more...)...)
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal([]byte(scopes), &t.Scopes); err != nil {
		return t, fmt.Errorf("read scopes of token %s: %w", t.ID, err)
	}
	t.CreatedAt, t.ExpiresAt, t.UsedAt, t.RevokedAt = state.Time(created), state.Time(expires), state.Time(used), state.Time(revoked)
	return t, nil
}

func tokenTarget(t Token) string { return "token/" + t.Name }

// CreateToken makes a token. The secret is returned this once.
func (s *Store) CreateToken(ctx context.Context, by Actor, n NewToken) (secret string, t Token, err error) {
	if t, err = s.newToken(n); err != nil {
		return "", t, err
	}
	return s.createToken(ctx, by, t, func(*writer) error { return nil })
}

// newToken checks what a token is to be, apart from what the database says.
func (s *Store) newToken(n NewToken) (t Token, err error) {
	t = Token{Name: strings.TrimSpace(n.Name), User: UserName(n.User), ExpiresAt: n.ExpiresAt.UTC().Truncate(time.Microsecond)}
	if !userName.MatchString(strings.ToLower(t.Name)) || len(t.Name) > maxName {
		return t, invalid("name", "%q is not a token's name; write up to %d letters, digits and . _ @ + -, beginning with a letter or a digit", t.Name, maxName)
	}
	if t.Scopes, err = parseScopes(n.Scopes); err != nil {
		return t, err
	}
	if !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(s.now()) {
		return t, invalid("expires_at", "this time is over; write one to come, or nothing")
	}
	return t, nil
}

// createToken makes a token, where may does not refuse it.
func (s *Store) createToken(ctx context.Context, by Actor, n Token, may func(w *writer) error) (secret string, t Token, err error) {
	err = s.write(ctx, "create token", func(w *writer) error {
		t = n
		if err := may(w); err != nil {
			return err
		}
		if t.User != "" {
			a, err := findUser(w.ctx, w, t.User)
			if err != nil {
				return err
			}
			for _, scope := range t.Scopes {
				if !slices.Contains(a.Role.Scopes(), scope) {
					return invalid("scopes", "user %q is %s and may not %s; a token cannot do more than its user", t.User, a.Role, scope)
				}
			}
		}
		active, err := w.tokensNamed(t.Name)
		if err != nil {
			return err
		}
		if len(active) > 0 {
			return &Error{Kind: Exists, Field: "name", Reason: fmt.Sprintf("there is a token %q that is valid; choose another name, rotate that one or revoke it", t.Name)}
		}
		secret, err = w.insertToken(by, &t)
		if err != nil {
			return err
		}
		return w.audit(by, "token.create", tokenTarget(t), nil, t)
	})
	if err != nil {
		return "", Token{}, err
	}
	return secret, t, nil
}

// tokensNamed returns the valid tokens of a name.
func (w *writer) tokensNamed(name string) ([]Token, error) {
	var out []Token
	err := state.Each(w.ctx, w, func(rows *sql.Rows) error {
		t, err := scanToken(rows)
		if err == nil && !t.Ended(w.now) {
			out = append(out, t)
		}
		return err
	}, "SELECT "+tokenColumns+" FROM tokens WHERE name = $1", name)
	return out, err
}

// insertToken gives the token an id and a secret.
func (w *writer) insertToken(by Actor, t *Token) (secret string, err error) {
	secret, digest := newSecret()
	t.ID, t.CreatedAt, t.CreatedBy = newID(), w.now, by.Name
	scopes, err := json.Marshal(t.Scopes)
	if err != nil {
		return "", err
	}
	return secret, w.exec("INSERT INTO tokens (digest, "+tokenColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		digest, t.ID, t.Name, t.User, string(scopes), state.Micros(t.CreatedAt), t.CreatedBy, state.Micros(t.ExpiresAt), 0, 0, "")
}

// findToken finds a token by its id, or a valid one by its name.
func (w *writer) findToken(idOrName string) (Token, error) {
	if !storable(idOrName) {
		return Token{}, noToken(idOrName)
	}
	t, err := scanToken(w.QueryRowContext(w.ctx, "SELECT "+tokenColumns+" FROM tokens WHERE id = $1", idOrName))
	if !errors.Is(err, sql.ErrNoRows) {
		return t, err
	}
	named, err := w.tokensNamed(idOrName)
	if err != nil {
		return Token{}, err
	}
	for _, t := range named {
		// Of those that were rotated and still overlap the newest is meant.
		if t.ReplacedBy == "" {
			return t, nil
		}
	}
	if len(named) > 0 {
		return named[0], nil
	}
	return Token{}, noToken(idOrName)
}

func noToken(idOrName string) error {
	return refuse(NotFound, "there is no valid token with the name or id %q", idOrName)
}

// RotateToken makes a token beside an old one, which ends after the overlap: so
// agents can be given the new one in turn. The new one lasts as long as the old
// one was to, unless a time is given.
func (s *Store) RotateToken(ctx context.Context, by Actor, idOrName string, overlap time.Duration, expires time.Time) (secret string, t Token, err error) {
	if overlap < 0 {
		return "", Token{}, invalid("overlap", "write 0s or more")
	}
	err = s.write(ctx, "rotate token", func(w *writer) error {
		old, err := w.findToken(idOrName)
		if err != nil {
			return err
		}
		switch {
		case old.Ended(w.now):
			return refuse(Conflict, "token %s is no longer valid; make a new one", old.ID)
		case old.ReplacedBy != "":
			return refuse(Conflict, "token %s has been rotated to %s already; rotate that one", old.ID, old.ReplacedBy)
		}
		t = Token{Name: old.Name, User: old.User, Scopes: old.Scopes, ExpiresAt: expires.UTC().Truncate(time.Microsecond)}
		if expires.IsZero() && !old.ExpiresAt.IsZero() {
			t.ExpiresAt = w.now.Add(old.ExpiresAt.Sub(old.CreatedAt))
		}
		if !t.ExpiresAt.IsZero() && !t.ExpiresAt.After(w.now) {
			return invalid("expires_at", "this time is over; write one to come")
		}
		if secret, err = w.insertToken(by, &t); err != nil {
			return err
		}
		before := old
		old.ReplacedBy = t.ID
		if end := w.now.Add(overlap); old.ExpiresAt.IsZero() || end.Before(old.ExpiresAt) {
			old.ExpiresAt = end
		}
		if err := w.exec("UPDATE tokens SET expires_at = $1, replaced_by = $2 WHERE id = $3", state.Micros(old.ExpiresAt), old.ReplacedBy, old.ID); err != nil {
			return err
		}
		return w.audit(by, "token.rotate", tokenTarget(t), before, map[string]Token{"old": old, "new": t})
	})
	if err != nil {
		return "", Token{}, err
	}
	return secret, t, nil
}

// RevokeToken ends a token at once. Where a name is given, the tokens that
// overlap with it under the same name end, too.
func (s *Store) RevokeToken(ctx context.Context, by Actor, idOrName string) ([]Token, error) {
	return s.revokeTokens(ctx, by, func(w *writer) (Token, error) { return w.findToken(idOrName) }, idOrName)
}

func (s *Store) revokeTokens(ctx context.Context, by Actor, find func(w *writer) (Token, error), idOrName string) ([]Token, error) {
	var ended []Token
	err := s.write(ctx, "revoke token", func(w *writer) error {
		ended = nil
		found, err := find(w)
		if err != nil {
			return err
		}
		all := []Token{found}
		if found.ID != idOrName {
			if all, err = w.tokensNamed(found.Name); err != nil {
				return err
			}
		}
		for _, t := range all {
			if !t.RevokedAt.IsZero() {
				continue
			}
			before := t
			t.RevokedAt = w.now
			if err := w.exec("UPDATE tokens SET revoked_at = $1 WHERE id = $2", state.Micros(w.now), t.ID); err != nil {
				return err
			}
			if err := w.audit(by, "token.revoke", tokenTarget(t), before, t); err != nil {
				return err
			}
			ended = append(ended, t)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

// Tokens lists tokens by their id, at most limit of those after one. What has
// ended is part of it where all is set.
func (s *Store) Tokens(ctx context.Context, all bool, after string, limit int) ([]Token, error) {
	var out []Token
	query, args := "SELECT "+tokenColumns+" FROM tokens WHERE id > $1", []any{after}
	if !all {
		query, args = query+" AND revoked_at = 0 AND (expires_at = 0 OR expires_at > $2)", append(args, state.Micros(s.now()))
	}
	args = append(args, limit)
	err := s.db.Read(ctx, func(q state.Querier) error {
		out = nil
		return state.Each(ctx, q, func(rows *sql.Rows) error {
			t, err := scanToken(rows)
			out = append(out, t)
			return err
		}, fmt.Sprintf("%s ORDER BY id LIMIT $%d", query, len(args)), args...)
	})
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return out, nil
}

// How a sender has proved who it is.
const (
	MethodToken    = "token"
	MethodPassword = "password"
	MethodBasic    = "basic" // password sent with a request
	MethodOIDC     = "oidc"
	MethodLink     = "link"
	MethodFile     = "file"   // password of a user of web.config.file
	MethodSignal   = "signal" // of the operating system, such as SIGHUP
)

// ByToken finds out whose a bearer token is.
func (s *Store) ByToken(ctx context.Context, secret string) (Account, error) {
	digest := digestOf(secret)
	a, err := s.resolve(ctx, digest, func(q state.Querier) (Account, time.Time, error) {
		t, err := scanToken(q.QueryRowContext(ctx, "SELECT "+tokenColumns+" FROM tokens WHERE digest = $1", digest))
		now := s.now()
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return Account{}, now, refuse(Denied, "the bearer token is not valid")
		case err != nil:
			return Account{}, now, err
		case !t.RevokedAt.IsZero():
			return Account{}, now, refuseToken(t, refuse(Denied, "the token %q was revoked at %s", t.Name, t.RevokedAt.Format(time.RFC3339)))
		case t.Ended(now):
			return Account{}, now, refuseToken(t, refuse(Denied, "the token %q has expired at %s; ask for a new one", t.Name, t.ExpiresAt.Format(time.RFC3339)))
		}
		var scopes []Scope
		for _, scope := range Scopes {
			if slices.ContainsFunc(t.Scopes, func(given Scope) bool { return slices.Contains(implied[given], scope) }) {
				scopes = append(scopes, scope)
			}
		}
		if t.User == "" {
			return Account{Name: t.Name, Scopes: scopes, Method: MethodToken, ID: t.ID}, t.ExpiresAt, nil
		}
		u, err := findUser(ctx, q, t.User)
		if err != nil {
			return Account{}, now, err
		}
		if u.Disabled {
			return Account{}, now, refuseToken(t, disabled(u.Name))
		}
		a := userAccount(u.User, MethodToken)
		a.ID, a.Scopes = t.ID, within(scopes, a.Scopes)
		return a, t.ExpiresAt, nil
	})
	if err != nil {
		return Account{}, fmt.Errorf("check token: %w", err)
	}
	s.use(a.ID)
	return a, nil
}

// refuseToken has a refusal say which token it is about.
func refuseToken(t Token, err error) error {
	if e := refusalOf(err); e != nil {
		e.token = tokenTarget(t)
	}
	return err
}

func userAccount(u User, method string) Account {
	return Account{Name: u.Name, User: true, Role: u.Role, Scopes: u.Role.Scopes(), Method: method, Language: u.Language}
}
