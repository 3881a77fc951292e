package identity_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"touchline.dev/touchline/internal/identity"
	"touchline.dev/touchline/internal/state"
)

func TestTokens(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, again func() *world) {
		w.user("anna", identity.Responder)
		for _, c := range []struct {
			new  identity.NewToken
			want string
		}{
			{identity.NewToken{Name: "", Scopes: []string{"read"}}, "name: "},
			{identity.NewToken{Name: "a b", Scopes: []string{"read"}}, "name: "},
			{identity.NewToken{Name: "a"}, "scopes: name at least one"},
			{identity.NewToken{Name: "a", Scopes: []string{"write"}}, `scopes: "write" is not a scope`},
			{identity.NewToken{Name: "a", Scopes: []string{"read"}, ExpiresAt: w.clock.now()}, "expires_at: "},
			{identity.NewToken{Name: "a", User: "anna", Scopes: []string{"change"}}, "scopes: user \"anna\" is responder and may not change"},
			{identity.NewToken{Name: "a", User: "anna", Scopes: []string{"ingest"}}, "may not ingest"},
		} {
			_, _, err := w.CreateToken(w.ctx, root, c.new)
			w.refused(err, identity.Invalid, c.want)
		}
		_, _, err := w.CreateToken(w.ctx, root, identity.NewToken{Name: "a", User: "nobody", Scopes: []string{"read"}})
		w.refused(err, identity.NotFound, "nobody")

		// An agent may do what it was given, and no more.
		agent, tok, err := w.CreateToken(w.ctx, root, identity.NewToken{Name: "node-1", Scopes: []string{"ingest"}})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(agent, "tl_") || len(agent) < 50 || tok.CreatedBy != "root" {
			t.Errorf("%q %+v", agent, tok)
		}
		if a, err := w.ByToken(w.ctx, agent); err != nil || a.Name != "node-1" || a.User || a.Role != "" || a.ID != tok.ID || !slices.Equal(a.Scopes, []identity.Scope{"ingest"}) {
			t.Errorf("%+v %v", a, err)
		}
		_, _, err = w.CreateToken(w.ctx, root, identity.NewToken{Name: "node-1", Scopes: []string{"read"}})
		w.refused(err, identity.Exists, "rotate")

		// A user's may do what both the token and the user may, also when the role changes.
		own, _, err := w.CreateToken(w.ctx, root, identity.NewToken{Name: "anna-cli", User: "Anna", Scopes: []string{"responder"}})
		if err != nil {
			t.Fatal(err)
		}
		scopes := func() string {
			t.Helper()
			a, err := w.ByToken(w.ctx, own)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(a.Name, " ", a.Role, " ", a.Scopes)
		}
		if got := scopes(); got != "anna responder [read respond]" {
			t.Error(got)
		}
		viewer, admin, off := identity.Viewer, identity.Admin, true
		w.user("other", identity.Admin)
		for role, want := range map[*identity.Role]string{&viewer: "anna viewer [read]", &admin: "anna admin [read respond]"} {
			if _, err := w.UpdateUser(w.ctx, root, "anna", 0, identity.UserChange{Role: role}); err != nil {
				t.Fatal(err)
			}
			if got := scopes(); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		if _, err := w.UpdateUser(w.ctx, root, "anna", 0, identity.UserChange{Disabled: &off}); err != nil {
			t.Fatal(err)
		}
		_, err = w.ByToken(w.ctx, own)
		w.refused(err, identity.Disabled, "disabled")

		// Revoked is revoked at once here, and in another process within moments.
		other := again()
		if _, err := other.ByToken(w.ctx, agent); err != nil {
			t.Fatal(err)
		}
		if ended, err := w.RevokeToken(w.ctx, root, "node-1"); err != nil || len(ended) != 1 || ended[0].ID != tok.ID {
			t.Errorf("%+v %v", ended, err)
		}
		_, err = w.ByToken(w.ctx, agent)
		w.refused(err, identity.Denied, "was revoked")
		w.clock.move(6 * time.Second)
		_, err = other.ByToken(w.ctx, agent)
		w.refused(err, identity.Denied, "was revoked")
		_, err = w.RevokeToken(w.ctx, root, "node-1")
		w.refused(err, identity.NotFound, "no valid token")
		for _, nonsense := range []string{"", "tl_", agent + "x", tok.ID} {
			_, err = w.ByToken(w.ctx, nonsense)
			w.refused(err, identity.Denied, "not valid")
		}
		if got, err := w.Tokens(w.ctx, false, "", 10); err != nil || len(got) != 1 || got[0].Name != "anna-cli" {
			t.Errorf("valid tokens: %+v %v", got, err)
		}
	})
}

func TestRotation(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		old, first, err := w.CreateToken(w.ctx, root, identity.NewToken{Name: "agents", Scopes: []string{"ingest", "read"}, ExpiresAt: w.clock.now().Add(10 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		w.clock.move(time.Hour)
		fresh, second, err := w.RotateToken(w.ctx, root, "agents", 2*time.Hour, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if want := w.clock.now().Add(10 * time.Hour); fresh == old || !second.ExpiresAt.Equal(want) || !slices.Equal(second.Scopes, first.Scopes) {
			t.Errorf("%+v, expected to end at %s", second, want)
		}
		both := func(wantOld, wantFresh bool) {
			t.Helper()
			_, oerr := w.ByToken(w.ctx, old)
			_, ferr := w.ByToken(w.ctx, fresh)
			if (oerr == nil) != wantOld || (ferr == nil) != wantFresh {
				t.Errorf("old %v, new %v", oerr, ferr)
			}
		}
		both(true, true)
		_, _, err = w.RotateToken(w.ctx, root, first.ID, time.Hour, time.Time{})
		w.refused(err, identity.Conflict, "rotated to "+second.ID)
		w.clock.move(2*time.Hour - time.Second)
		both(true, true)
		w.clock.move(time.Second)
		both(false, true)
		_, _, err = w.RotateToken(w.ctx, root, first.ID, time.Hour, time.Time{})
		w.refused(err, identity.Conflict, "no longer valid")

		// The overlap never makes an old one last longer.
		w.clock.move(7 * time.Hour)
		newest, _, err := w.RotateToken(w.ctx, root, "agents", 1000*time.Hour, w.clock.now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		all, err := w.Tokens(w.ctx, true, "", 10)
		if err != nil || len(all) != 3 {
			t.Fatal(all, err)
		}
		for _, x := range all {
			if x.ID == second.ID && !x.ExpiresAt.Equal(second.ExpiresAt) {
				t.Errorf("the old token now ends at %s, before at %s", x.ExpiresAt, second.ExpiresAt)
			}
		}
		both(false, true)
		// Revoking by name ends what overlaps, too.
		if ended, err := w.RevokeToken(w.ctx, root, "agents"); err != nil || len(ended) != 2 {
			t.Errorf("%+v %v", ended, err)
		}
		both(false, false)
		if _, err := w.ByToken(w.ctx, newest); err == nil {
			t.Error("the newest token is still valid")
		}
		if got := strings.Count(w.audited(), "token.rotate token/agents"); got != 2 {
			t.Errorf("%d rotations audited", got)
		}
	})
}

func TestSessions(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, again func() *world) {
		w.user("anna", identity.Editor)
		w.user("bo", identity.Viewer)
		anna, bo := identity.Actor{Name: "anna", Method: "password", Remote: "10.0.0.1:1"}, identity.Actor{Name: "bo", Method: "oidc"}
		cookie, s, err := w.OpenSession(w.ctx, anna, "Fire\x00fox "+strings.Repeat("x", 1000))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.UserAgent) > 256 || s.Remote != "10.0.0.1:1" {
			t.Errorf("%+v", s)
		}
		second, _, err := w.OpenSession(w.ctx, anna, "phone")
		if err != nil {
			t.Fatal(err)
		}
		bos, _, err := w.OpenSession(w.ctx, bo, "")
		if err != nil {
			t.Fatal(err)
		}
		if a, err := w.BySession(w.ctx, cookie); err != nil || a.Name != "anna" || a.Role != identity.Editor || a.Method != "password" || a.ID != s.ID {
			t.Errorf("%+v %v", a, err)
		}
		// Used, it lasts.
		for range 4 {
			w.clock.move(idle - time.Minute)
			if _, err := w.BySession(w.ctx, cookie); err != nil {
				t.Fatal(err)
			}
		}
		// Unused, it ends, whether or not it was tidied away.
		_, err = w.BySession(w.ctx, second)
		w.refused(err, identity.Denied, "sign in again")
		if got, err := w.Sessions(w.ctx, "anna", 10); err != nil || len(got) != 1 || got[0].ID != s.ID {
			t.Errorf("%+v %v", got, err)
		}
		// After its life it ends though it is used.
		for w.clock.now().Before(s.ExpiresAt.Add(-time.Hour)) {
			w.clock.move(time.Hour)
			if _, err := w.BySession(w.ctx, cookie); err != nil {
				t.Fatal(err)
			}
			if err := w.Tidy(w.ctx); err != nil {
				t.Fatal(err)
			}
		}
		w.clock.move(time.Hour)
		_, err = w.BySession(w.ctx, cookie)
		w.refused(err, identity.Denied, "sign in again")
		_, err = w.BySession(w.ctx, bos)
		w.refused(err, identity.Denied, "sign in again")

		// A new password ends the others, disabling all.
		cookie, s, err = w.OpenSession(w.ctx, anna, "")
		if err != nil {
			t.Fatal(err)
		}
		if second, _, err = w.OpenSession(w.ctx, anna, ""); err != nil {
			t.Fatal(err)
		}
		if err := w.SetPassword(w.ctx, anna, "anna", password+"?", s.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.BySession(w.ctx, cookie); err != nil {
			t.Errorf("the session that changed the password: %v", err)
		}
		if _, err := w.BySession(w.ctx, second); err == nil {
			t.Error("another session outlives the password")
		}
		w.refused(w.EndSession(w.ctx, bo, s.ID, "bo"), identity.NotFound, "no session")
		off := true
		if _, err := w.UpdateUser(w.ctx, root, "anna", 0, identity.UserChange{Disabled: &off}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.BySession(w.ctx, cookie); err == nil {
			t.Error("who is disabled is still signed in")
		}
		_, _, err = w.OpenSession(w.ctx, anna, "")
		w.refused(err, identity.Disabled, "disabled")

		// Signing out is at once, and in another process within moments.
		bos, s, err = w.OpenSession(w.ctx, bo, "")
		if err != nil {
			t.Fatal(err)
		}
		other := again()
		if _, err := other.BySession(w.ctx, bos); err != nil {
			t.Fatal(err)
		}
		if err := w.EndSession(w.ctx, bo, s.ID, "bo"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.BySession(w.ctx, bos); err == nil {
			t.Error("still signed in")
		}
		w.clock.move(6 * time.Second)
		if _, err := other.BySession(w.ctx, bos); err == nil {
			t.Error("still signed in elsewhere")
		}
	})
}

func TestSessionsOfOneUserAreBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		w.user("anna", identity.Editor)
		first, _, err := w.OpenSession(w.ctx, identity.Actor{Name: "anna", Method: "password"}, "")
		if err != nil {
			t.Fatal(err)
		}
		for range 55 {
			w.clock.move(time.Second)
			if _, _, err := w.OpenSession(w.ctx, identity.Actor{Name: "anna", Method: "password"}, ""); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := w.Sessions(w.ctx, "anna", 100); err != nil || len(got) != 50 {
			t.Errorf("%d sessions, %v", len(got), err)
		}
		if _, err := w.BySession(w.ctx, first); err == nil {
			t.Error("the oldest is still there")
		}
	})
}

// TestFileUsers are those of web.config.file: nothing of them is in the database.
func TestFileUsers(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		cookie, _, err := w.OpenSession(w.ctx, identity.Actor{Name: "alice", Method: identity.MethodFile}, "")
		if err != nil {
			t.Fatal(err)
		}
		if a, err := w.BySession(w.ctx, cookie); err != nil || a.User || a.Role != identity.Admin || a.Method != identity.MethodFile || a.Name != "alice" {
			t.Errorf("%+v %v", a, err)
		}
		if has, err := w.HasUsers(w.ctx); has || err != nil {
			t.Errorf("%v %v", has, err)
		}
	})
}

func TestLinks(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		stale, _, err := w.CreateLink(w.ctx, root, "")
		if err != nil {
			t.Fatal(err)
		}
		secret, l, err := w.CreateLink(w.ctx, root, "")
		if err != nil || l.Purpose != identity.Setup || !l.ExpiresAt.Equal(w.clock.now().Add(24*time.Hour)) {
			t.Fatalf("%+v %v", l, err)
		}
		_, err = w.Link(w.ctx, stale)
		w.refused(err, identity.Denied, "not valid")
		// A look, or a bad choice, does not use it up.
		if got, err := w.Link(w.ctx, secret); err != nil || got != l {
			t.Errorf("%+v %v", got, err)
		}
		_, err = w.UseLink(w.ctx, secret, identity.User{Name: "anna"}, "short", "", "")
		w.refused(err, identity.Invalid, "password: ")
		_, err = w.UseLink(w.ctx, secret, identity.User{Name: "a b"}, password, "", "")
		w.refused(err, identity.Invalid, "name: ")

		var wg sync.WaitGroup
		var mu sync.Mutex
		var got []identity.Welcome
		for i := range 4 {
			wg.Go(func() {
				out, err := w.UseLink(w.ctx, secret, identity.User{Name: fmt.Sprint("anna", i), Role: identity.Viewer}, password, "10.0.0.1:1", "browser")
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					got = append(got, out)
				} else if identity.KindOf(err) != identity.Denied {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(got) != 1 || got[0].User.Role != identity.Admin {
			t.Fatalf("%d could use it: %+v", len(got), got)
		}
		if a, err := w.BySession(w.ctx, got[0].Secret); err != nil || a.Name != got[0].User.Name || a.Role != identity.Admin {
			t.Errorf("%+v %v", a, err)
		}
		_, err = w.UseLink(w.ctx, secret, identity.User{Name: "eve"}, password, "", "")
		w.refused(err, identity.Denied, "has been used")

		// One for a password is for its user only.
		if _, err := w.CreateUser(w.ctx, root, identity.User{Name: "bo", Role: identity.Viewer}, ""); err != nil {
			t.Fatal(err)
		}
		_, _, err = w.CreateLink(w.ctx, root, "nobody")
		w.refused(err, identity.NotFound, "nobody")
		secret, _, err = w.CreateLink(w.ctx, root, "bo")
		if err != nil {
			t.Fatal(err)
		}
		out, err := w.UseLink(w.ctx, secret, identity.User{Name: "eve", Role: identity.Admin}, password, "", "")
		if err != nil || out.User.Name != "bo" || out.User.Role != identity.Viewer || !out.User.HasPassword {
			t.Errorf("%+v %v", out, err)
		}
		if _, err := w.ByPassword(w.ctx, "bo", password, ""); err != nil {
			t.Error(err)
		}
		secret, _, err = w.CreateLink(w.ctx, root, "bo")
		if err != nil {
			t.Fatal(err)
		}
		w.clock.move(24 * time.Hour)
		_, err = w.Link(w.ctx, secret)
		w.refused(err, identity.Denied, "valid until")
		_, err = w.UseLink(w.ctx, secret, identity.User{}, password, "", "")
		w.refused(err, identity.Denied, "valid until")
	})
}

// TestDatabaseAway: agents go on while the database does not answer.
func TestDatabaseAway(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		w.user("anna", identity.Viewer)
		secret, _, err := w.CreateToken(w.ctx, root, identity.NewToken{Name: "agent", Scopes: []string{"ingest"}})
		if err != nil {
			t.Fatal(err)
		}
		unused, _, err := w.CreateToken(w.ctx, root, identity.NewToken{Name: "unused", Scopes: []string{"ingest"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.ByToken(w.ctx, secret); err != nil {
			t.Fatal(err)
		}
		if _, err := w.HasUsers(w.ctx); err != nil {
			t.Fatal(err)
		}
		if err := w.db.Write(w.ctx, func(tx *state.Tx) error {
			_, err := tx.ExecContext(w.ctx, "ALTER TABLE tokens RENAME TO away")
			if err == nil {
				_, err = tx.ExecContext(w.ctx, "ALTER TABLE users RENAME TO also_away")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		w.clock.move(10 * time.Minute)
		if a, err := w.ByToken(w.ctx, secret); err != nil || a.Name != "agent" {
			t.Errorf("known a moment ago: %+v %v", a, err)
		}
		if has, err := w.HasUsers(w.ctx); err != nil || !has {
			t.Errorf("%v %v", has, err)
		}
		if a, err := w.ByToken(w.ctx, unused); err == nil || identity.KindOf(err) != 0 {
			t.Errorf("not known: %+v %v", a, err)
		}
		w.clock.move(10 * time.Minute)
		if _, err := w.ByToken(w.ctx, secret); err == nil || identity.KindOf(err) != 0 {
			t.Errorf("known long ago: %v", err)
		}
		if err := w.Tidy(w.ctx); err == nil {
			t.Error("nothing was tidied, and nobody is told")
		}
	})
}

// TestTextsThatNoDatabaseTakes are refused, and fail nothing.
func TestTextsThatNoDatabaseTakes(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		for _, bad := range []string{"a\x00b", "a\xffb"} {
			_, err := w.ByPassword(w.ctx, bad, "x", "")
			w.refused(err, identity.Denied, "wrong")
			_, err = w.User(w.ctx, bad)
			w.refused(err, identity.NotFound, "no user")
			_, err = w.CreateUser(w.ctx, root, identity.User{Name: bad, Role: identity.Viewer}, "")
			w.refused(err, identity.Invalid, "name: ")
			_, err = w.CreateUser(w.ctx, root, identity.User{Name: "a", DisplayName: bad, Role: identity.Viewer}, "")
			w.refused(err, identity.Invalid, "display_name: ")
			_, _, err = w.CreateLink(w.ctx, root, bad)
			w.refused(err, identity.NotFound, "no user")
			_, _, err = w.CreateToken(w.ctx, root, identity.NewToken{Name: "t", User: bad, Scopes: []string{"read"}})
			w.refused(err, identity.NotFound, "no user")
			_, err = w.RevokeToken(w.ctx, root, bad)
			w.refused(err, identity.NotFound, "no valid token")
			w.refused(w.EndSession(w.ctx, root, bad, ""), identity.NotFound, "no session")
			_, err = w.Entries(w.ctx, identity.AuditQuery{Target: bad, Limit: 1})
			w.refused(err, identity.Invalid, "target: ")
			if got, err := w.Sessions(w.ctx, bad, 1); err != nil || got != nil {
				t.Errorf("%v %v", got, err)
			}
			_, err = w.ByToken(w.ctx, bad)
			w.refused(err, identity.Denied, "not valid")
		}
		w.user("anna", identity.Viewer)
		if _, s, err := w.OpenSession(w.ctx, identity.Actor{Name: "anna", Method: "password"}, "a\x00\xffb"); err != nil || s.UserAgent != "ab" {
			t.Errorf("%+v %v", s, err)
		}
	})
}

// TestUsersAreWholeAfterARetry has PostgreSQL refuse the first insert of a user
// because of another transaction: what is tried again is what was asked for.
func TestUsersAreWholeAfterARetry(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		interfere := func() {
			if w.db.Kind() != "postgres" {
				return // SQLite has one writer, and nobody who could get in its way
			}
			if err := w.db.Write(w.ctx, func(tx *state.Tx) error {
				_, err := tx.ExecContext(w.ctx, `DROP TRIGGER IF EXISTS interfere ON users; DROP SEQUENCE IF EXISTS inserts; CREATE SEQUENCE inserts;
					CREATE OR REPLACE FUNCTION interfere() RETURNS trigger AS $$ BEGIN
						IF nextval('inserts') = 1 THEN RAISE EXCEPTION 'another transaction' USING ERRCODE = '40001'; END IF; RETURN NEW;
					END $$ LANGUAGE plpgsql;
					CREATE TRIGGER interfere BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION interfere()`)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		interfere()
		if u := w.user("anna", identity.Editor); u.Name != "anna" || u.Role != identity.Editor || !u.HasPassword {
			t.Errorf("made %+v", u)
		}
		interfere()
		secret, _, err := w.CreateLink(w.ctx, root, "")
		if err != nil {
			t.Fatal(err)
		}
		out, err := w.UseLink(w.ctx, secret, identity.User{Name: "root"}, password, "", "")
		if err != nil || out.User.Name != "root" || out.User.Role != identity.Admin {
			t.Errorf("made %+v, %v", out.User, err)
		}
		us, err := w.Users(w.ctx, "", 10)
		if err != nil || len(us) != 2 {
			t.Errorf("there are %+v, %v", us, err)
		}
	})
}
