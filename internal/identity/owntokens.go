package identity

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Bounds of the tokens that people make for themselves.
const (
	OwnTokenLife    = 90 * 24 * time.Hour // where nobody says how long
	MaxOwnTokenLife = 366 * 24 * time.Hour
	MaxOwnTokens    = 50 // valid ones of a user, those that administrators have made among them
)

// CreateOwnToken makes a token of the user who asks for it. Its name begins with
// theirs, so that it is in the way of no other. The secret is returned this once.
func (s *Store) CreateOwnToken(ctx context.Context, by Actor, n NewToken) (secret string, t Token, err error) {
	n.User = by.Name
	latest := s.now().Add(MaxOwnTokenLife)
	if n.ExpiresAt.IsZero() {
		n.ExpiresAt = s.now().Add(OwnTokenLife)
	}
	if t, err = s.newToken(n); err != nil {
		return "", t, err
	}
	if t.ExpiresAt.After(latest) {
		return "", t, invalid("expires_at", "a token of one's own lasts %d days at most; write a time before %s", MaxOwnTokenLife/(24*time.Hour), latest.Format(time.RFC3339))
	}
	t.Name = ownName(t.User, t.Name)
	return s.createToken(ctx, by, t, func(w *writer) error {
		var valid int
		err := w.QueryRowContext(w.ctx, "SELECT COUNT(*) FROM tokens WHERE user_name = $1 AND revoked_at = 0 AND (expires_at = 0 OR expires_at > $2)", t.User, state.Micros(w.now)).Scan(&valid)
		if err == nil && valid >= MaxOwnTokens {
			err = refuse(Conflict, "you have %d tokens; revoke one that you do not need", valid)
		}
		return err
	})
}

func ownName(user, name string) string { return user + "/" + name }

// OwnTokens lists the valid tokens of a user, the newest first.
func (s *Store) OwnTokens(ctx context.Context, user string) ([]Token, error) {
	var out []Token
	err := s.db.Read(ctx, func(q state.Querier) error {
		out = nil
		return state.Each(ctx, q, func(rows *sql.Rows) error {
			t, err := scanToken(rows)
			out = append(out, t)
			return err
		}, "SELECT "+tokenColumns+" FROM tokens WHERE user_name = $1 AND revoked_at = 0 AND (expires_at = 0 OR expires_at > $2) ORDER BY created_at DESC, id", user, state.Micros(s.now()))
	})
	if err != nil {
		return nil, fmt.Errorf("list tokens of %s: %w", user, err)
	}
	return out, nil
}

// RevokeOwnToken ends a token of the user who asks for it, by its id or by its
// name, with or without theirs before it.
func (s *Store) RevokeOwnToken(ctx context.Context, by Actor, idOrName string) ([]Token, error) {
	return s.revokeTokens(ctx, by, func(w *writer) (Token, error) {
		for _, key := range []string{idOrName, ownName(by.Name, idOrName)} {
			t, err := w.findToken(key)
			if err == nil && t.User == by.Name {
				return t, nil
			}
			if err != nil && KindOf(err) != NotFound {
				return Token{}, err
			}
		}
		return Token{}, noToken(idOrName)
	}, idOrName)
}
