package identity_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"touchline.dev/touchline/internal/identity"
)

func TestOwnTokens(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, again func() *world) {
		w.user("anna", identity.Responder)
		w.user("bo", identity.Admin)
		anna, bo := identity.Actor{Name: "anna", Method: "session", Remote: "10.0.0.1:1"}, identity.Actor{Name: "bo", Method: "session"}
		const day = 24 * time.Hour
		for _, c := range []struct {
			new  identity.NewToken
			want string
		}{
			{identity.NewToken{Name: "anna/x", Scopes: []string{"read"}}, "name: "},
			{identity.NewToken{Name: "x", Scopes: []string{"change"}}, `scopes: user "anna" is responder and may not change`},
			{identity.NewToken{Name: "x", Scopes: []string{"read", "ingest"}}, "may not ingest"},
			{identity.NewToken{Name: "x"}, "scopes: name at least one"},
			{identity.NewToken{Name: "x", Scopes: []string{"read"}, ExpiresAt: w.clock.now()}, "expires_at: this time is over"},
			{identity.NewToken{Name: "x", Scopes: []string{"read"}, ExpiresAt: w.clock.now().Add(366*day + time.Second)}, "expires_at: a token of one's own lasts 366 days at most"},
		} {
			_, _, err := w.CreateOwnToken(w.ctx, anna, c.new)
			w.refused(err, identity.Invalid, c.want)
		}
		if _, _, err := w.CreateOwnToken(w.ctx, anna, identity.NewToken{Name: "year", Scopes: []string{"read"}, ExpiresAt: w.clock.now().Add(366 * day)}); err != nil {
			t.Error(err)
		}
		// What is asked for somebody else is the asker's.
		w.clock.move(time.Second)
		secret, laptop, err := w.CreateOwnToken(w.ctx, anna, identity.NewToken{Name: "laptop", User: "bo", Scopes: []string{"responder"}})
		if err != nil {
			t.Fatal(err)
		}
		if laptop.User != "anna" || laptop.Name != "anna/laptop" || !laptop.ExpiresAt.Equal(w.clock.now().Add(90*day)) || laptop.CreatedBy != "anna" {
			t.Errorf("%+v", laptop)
		}
		if a, err := w.ByToken(w.ctx, secret); err != nil || a.Name != "anna" || !a.User || !slices.Equal(a.Scopes, []identity.Scope{"read", "respond"}) {
			t.Errorf("%+v %v", a, err)
		}
		_, _, err = w.CreateOwnToken(w.ctx, anna, identity.NewToken{Name: "laptop", Scopes: []string{"read"}})
		w.refused(err, identity.Exists, "another name")
		// Names of others, and of agents, are in nobody's way.
		agent, _, err := w.CreateToken(w.ctx, root, identity.NewToken{Name: "laptop", Scopes: []string{"read"}})
		if err != nil {
			t.Fatal(err)
		}
		bos, bosToken, err := w.CreateOwnToken(w.ctx, bo, identity.NewToken{Name: "laptop", Scopes: []string{"admin"}})
		if err != nil {
			t.Fatal(err)
		}
		names := func(user string) string {
			t.Helper()
			own, err := w.OwnTokens(w.ctx, user)
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, x := range own {
				out = append(out, x.Name)
			}
			return strings.Join(out, " ")
		}
		if got := names("anna"); got != "anna/laptop anna/year" {
			t.Errorf("anna has %q", got)
		}
		// Nobody ends what is not theirs.
		for _, other := range []string{bosToken.ID, "bo/laptop", "none", "a\x00"} {
			_, err := w.RevokeOwnToken(w.ctx, anna, other)
			w.refused(err, identity.NotFound, "no valid token")
		}
		if ended, err := w.RevokeOwnToken(w.ctx, anna, "laptop"); err != nil || len(ended) != 1 || ended[0].ID != laptop.ID {
			t.Errorf("%+v %v", ended, err)
		}
		_, err = w.ByToken(w.ctx, secret)
		w.refused(err, identity.Denied, "was revoked")
		for _, kept := range []string{agent, bos} {
			if _, err := w.ByToken(w.ctx, kept); err != nil {
				t.Error(err)
			}
		}
		// An administrator ends any, by its name, too.
		if ended, err := w.RevokeToken(w.ctx, root, "anna/year"); err != nil || len(ended) != 1 {
			t.Errorf("%+v %v", ended, err)
		}
		if got := names("anna"); got != "" {
			t.Errorf("anna has %q", got)
		}
		if log := w.audited(); !strings.Contains(log, "token.create token/anna/laptop\n") || !strings.Contains(log, "token.revoke token/anna/laptop\n") {
			t.Errorf("audited\n%s", log)
		}
		// Whoever is disabled shows it in vain at once, and at another server within moments.
		mine, _, err := w.CreateOwnToken(w.ctx, anna, identity.NewToken{Name: "laptop", Scopes: []string{"read"}})
		if err != nil {
			t.Fatal(err)
		}
		other := again()
		if _, err := other.ByToken(w.ctx, mine); err != nil {
			t.Fatal(err)
		}
		off := true
		if _, err := w.UpdateUser(w.ctx, root, "anna", 0, identity.UserChange{Disabled: &off}); err != nil {
			t.Fatal(err)
		}
		_, err = w.ByToken(w.ctx, mine)
		w.refused(err, identity.Disabled, "disabled")
		w.clock.move(6 * time.Second)
		_, err = other.ByToken(w.ctx, mine)
		w.refused(err, identity.Disabled, "disabled")
	})
}

func TestOwnTokensAreBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		w.user("anna", identity.Viewer)
		w.user("bo", identity.Viewer)
		anna := identity.Actor{Name: "anna"}
		create := func(by identity.Actor, name string) error {
			_, _, err := w.CreateOwnToken(w.ctx, by, identity.NewToken{Name: name, Scopes: []string{"read"}, ExpiresAt: w.clock.now().Add(time.Hour)})
			return err
		}
		for i := range identity.MaxOwnTokens {
			if err := create(anna, fmt.Sprint("t", i)); err != nil {
				t.Fatal(err)
			}
		}
		w.refused(create(anna, "more"), identity.Conflict, "you have 50 tokens")
		if err := create(identity.Actor{Name: "bo"}, "first"); err != nil {
			t.Error(err)
		}
		if _, err := w.RevokeOwnToken(w.ctx, anna, "t7"); err != nil {
			t.Fatal(err)
		}
		if err := create(anna, "more"); err != nil {
			t.Errorf("one was revoked: %v", err)
		}
		w.clock.move(time.Hour)
		if err := create(anna, "later"); err != nil {
			t.Errorf("all have expired: %v", err)
		}
	})
}
