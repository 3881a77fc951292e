package dashboard

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Share is a link by which everybody who has it may look at one dashboard.
type Share struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	ExpiresAt time.Time `json:"expires_at"`
}

func digestOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Share makes a link that ends at a time; the zero time is DefaultShare from now.
// The secret is returned this once.
func (s *Service) Share(ctx context.Context, by, uid string, expires time.Time) (string, Share, error) {
	now := s.now()
	if expires.IsZero() {
		expires = now.Add(DefaultShare)
	}
	expires = expires.UTC().Truncate(time.Microsecond)
	switch {
	case !expires.After(now):
		return "", Share{}, invalid("expires_at", "%s has passed; write a time to come", expires.Format(time.RFC3339))
	case expires.Sub(now) > MaxShare:
		return "", Share{}, invalid("expires_at", "a link lasts %d days at most", int(MaxShare.Hours()/24))
	}
	secret := "tls_" + rand.Text() + rand.Text()
	out := Share{ID: strings.ToLower(rand.Text()[:12]), CreatedAt: now, CreatedBy: by, ExpiresAt: expires}
	err := s.o.DB.Write(ctx, func(tx *state.Tx) error {
		if _, _, err := s.lookup(ctx, tx, uid); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM dashboard_shares WHERE expires_at <= $1", state.Micros(now)); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM dashboard_shares WHERE uid = $1", uid).Scan(&n); err != nil {
			return err
		}
		if n >= maxShares {
			return refuse(Full, "the dashboard has %d links that are valid, and no more can be made; revoke some first", n)
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO dashboard_shares (id, uid, digest, created_at, created_by, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
			out.ID, uid, digestOf(secret), state.Micros(now), by, state.Micros(expires)); err != nil {
			return err
		}
		return s.o.Audit(ctx, tx, by, "dashboard.share", target(uid), nil, out)
	})
	if err != nil {
		return "", Share{}, fmt.Errorf("share dashboard: %w", err)
	}
	return secret, out, nil
}

// Shares lists the links of a dashboard that are valid, the newest first.
func (s *Service) Shares(ctx context.Context, uid string) ([]Share, error) {
	var out []Share
	err := s.o.DB.Read(ctx, func(q state.Querier) error {
		out = []Share{}
		if _, _, err := s.lookup(ctx, q, uid); err != nil {
			return err
		}
		return state.Each(ctx, q, func(rows *sql.Rows) error {
			var x Share
			var created, expires int64
			if err := rows.Scan(&x.ID, &created, &x.CreatedBy, &expires); err != nil {
				return err
			}
			x.CreatedAt, x.ExpiresAt = state.Time(created), state.Time(expires)
			out = append(out, x)
			return nil
		}, "SELECT id, created_at, created_by, expires_at FROM dashboard_shares WHERE uid = $1 AND expires_at > $2 ORDER BY created_at DESC, id", uid, state.Micros(s.now()))
	})
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	return out, nil
}

// Revoke ends a link at once.
func (s *Service) Revoke(ctx context.Context, by, uid, id string) error {
	err := s.o.DB.Write(ctx, func(tx *state.Tx) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM dashboard_shares WHERE uid = $1 AND id = $2", uid, id)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 {
			return refuse(NotFound, "the dashboard %q has no link %q", clip(uid, 100), clip(id, 100))
		}
		return s.o.Audit(ctx, tx, by, "dashboard.unshare", target(uid), map[string]string{"id": id}, nil)
	})
	if err != nil {
		return fmt.Errorf("revoke link: %w", err)
	}
	return nil
}

// Shared is the dashboard that a link's secret is for, and the link's id.
func (s *Service) Shared(ctx context.Context, secret string) (uid, id string, err error) {
	over := refuse(Denied, "this link has expired or was revoked; ask whoever shared the dashboard for a new one")
	if len(secret) > maxSecretLength {
		return "", "", over
	}
	err = s.o.DB.Read(ctx, func(q state.Querier) error {
		return q.QueryRowContext(ctx, "SELECT uid, id FROM dashboard_shares WHERE digest = $1 AND expires_at > $2", digestOf(secret), state.Micros(s.now())).Scan(&uid, &id)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", over
	}
	if err != nil {
		return "", "", fmt.Errorf("look up link: %w", err)
	}
	return uid, id, nil
}
