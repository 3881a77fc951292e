package identity_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"touchline.dev/touchline/internal/identity"
	"touchline.dev/touchline/internal/state"
)

func (w *world) try(name, given, remote string) error {
	_, err := w.ByPassword(w.ctx, name, given, remote)
	return err
}

func TestWrongPasswordsArePaced(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		w.user("anna", identity.Viewer)
		const here, there = "10.0.1.1:1", "10.0.2.2:1"
		// By name and network together.
		for i := range 10 {
			w.refused(w.try("anna", "wrong", fmt.Sprint("10.0.1.1:", i+1)), identity.Denied, "wrong")
		}
		w.refused(w.try("anna", password, here), identity.TooMany, "too many")
		w.clock.move(30 * time.Second)
		if err := w.try("anna", password, here); err != nil {
			t.Errorf("after a while: %v", err)
		}
		// What was right does not count, and is not slowed down.
		for range 50 {
			if err := w.try("anna", password, here); err != nil {
				t.Fatal(err)
			}
		}
		// By network, whatever the name; one of IPv6 is a whole one.
		for i := range 30 {
			w.refused(w.try(fmt.Sprint("user", i), "wrong", fmt.Sprintf("[2001:db8::%x]:1", i)), identity.Denied, "wrong")
		}
		w.refused(w.try("userx", "wrong", "[2001:db8::ffff]:1"), identity.TooMany, "too many")
		w.refused(w.try("userx", "wrong", "[2001:db8:1::1]:1"), identity.Denied, "wrong")
		// By name, from many networks at once.
		for i := range 30 {
			w.refused(w.try("bo", "wrong", fmt.Sprintf("10.1.%d.1:1", i)), identity.Denied, "wrong")
		}
		w.refused(w.try("bo", "wrong", there), identity.TooMany, "too many")
	})
}

// TestOneStrangerKeepsNobodyOut guesses as fast as is let through, for an hour.
func TestOneStrangerKeepsNobodyOut(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, again func() *world) {
		w.user("anna", identity.Viewer)
		settle := func(w *world, remote string) (tried bool) {
			t.Helper()
			settle, err := w.Attempt(w.ctx, "anna", remote)
			if err == nil {
				settle(false)
			}
			return err == nil
		}
		guess := func(w *world, remote string) (let bool) {
			_, err := w.Attempt(w.ctx, "anna", remote)
			return err == nil
		}
		for range 3600 {
			guess(w, "10.6.6.6:1")
			w.clock.move(time.Second)
			if !settle(w, "10.0.0.9:1") {
				t.Fatal("anna cannot try from a new place")
			}
		}
		// Many of them do, but for where she has been before, also after a restart.
		anna := identity.Actor{Name: "anna", Method: identity.MethodPassword, Remote: "10.0.0.7:1"}
		if _, _, err := w.OpenSession(w.ctx, anna, ""); err != nil {
			t.Fatal(err)
		}
		if err := w.try("anna", password, "[2001:db8::7]:1"); err != nil {
			t.Fatal(err)
		}
		storm := func(w *world) {
			for i := range 100 {
				guess(w, fmt.Sprintf("10.7.7.%d:1", i))
			}
			if settle(w, "10.0.0.9:1") {
				t.Error("a hundred places may guess as they like")
			}
		}
		storm(w)
		for _, remote := range []string{"10.0.0.7:2", "[2001:db8::8]:1"} {
			if !settle(w, remote) {
				t.Errorf("anna is kept out at %s", remote)
			}
		}
		if err := w.Tidy(w.ctx); err != nil {
			t.Fatal(err)
		}
		other := again()
		storm(other)
		for _, remote := range []string{"10.0.0.7:3", "[2001:db8::9]:1"} {
			if !settle(other, remote) {
				t.Errorf("anna is kept out at %s after a restart", remote)
			}
		}
		// It is forgotten where she has not been for long.
		w.clock.move(91 * 24 * time.Hour)
		if err := w.Tidy(w.ctx); err != nil {
			t.Fatal(err)
		}
		storm(other)
		if settle(other, "10.0.0.7:3") {
			t.Error("known for ever")
		}
		var left int
		if err := w.db.Read(w.ctx, func(q state.Querier) error {
			return q.QueryRowContext(w.ctx, "SELECT COUNT(*) FROM sign_in_networks").Scan(&left)
		}); err != nil || left != 0 {
			t.Errorf("%d networks left, %v", left, err)
		}
	})
}

func TestNetworksOfAUserAreBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		w.user("anna", identity.Viewer)
		for i := range 60 {
			w.clock.move(time.Second)
			if err := w.try("anna", password, fmt.Sprintf("10.0.0.%d:1", i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Tidy(w.ctx); err != nil {
			t.Fatal(err)
		}
		var n, oldest int
		if err := w.db.Read(w.ctx, func(q state.Querier) error {
			return q.QueryRowContext(w.ctx, "SELECT COUNT(*), COALESCE(SUM(CASE WHEN network = '10.0.0.9' THEN 1 ELSE 0 END), 0) FROM sign_in_networks").Scan(&n, &oldest)
		}); err != nil || n != 50 || oldest != 0 {
			t.Errorf("%d networks, %d of the oldest ten, %v", n, oldest, err)
		}
	})
}

// failedRows reads what the audit log says of failed sign-ins, the oldest first.
func (w *world) failedRows() (out []string) {
	w.t.Helper()
	rows, err := w.Entries(w.ctx, identity.AuditQuery{Action: identity.SignInFailed, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	for i := len(rows) - 1; i >= 0; i-- {
		r := rows[i]
		var sum identity.FailedSignIns
		if err := json.Unmarshal(r.After, &sum); err != nil {
			w.t.Fatal(err)
		}
		others := ""
		if sum.Others {
			others = " others"
		}
		out = append(out, fmt.Sprintf("%s %s %s %s %d %v%s", r.Actor, r.Method, r.Remote, r.Target, sum.Attempts, sum.Reasons, others))
		if sum.Last.Before(r.At) {
			w.t.Errorf("the last of %+v was before the first at %s", sum, r.At)
		}
	}
	return out
}

func (w *world) wantFailed(want ...string) {
	w.t.Helper()
	if err := w.Tidy(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	if got := strings.Join(w.failedRows(), "\n"); got != strings.Join(want, "\n") {
		w.t.Errorf("the audit log has\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestFailedSignInsAreAudited(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		w.user("anna", identity.Viewer)
		basic := func(user string, err error) {
			w.Failed(identity.FailedSignIn{User: user, Method: identity.MethodBasic, Remote: fmt.Sprint("10.0.0.1:", len(user)), Err: err})
		}
		wrong, many := &identity.Error{Kind: identity.Denied}, fmt.Errorf("check: %w", &identity.Error{Kind: identity.TooMany})
		basic("Anna ", wrong)
		w.wantFailed("anonymous basic 10.0.0.1 user/anna 1 map[wrong:1]")
		w.clock.move(59 * time.Second)
		basic("anna", wrong)
		basic("anna", many)
		w.Failed(identity.FailedSignIn{User: "anna", Method: identity.MethodPassword, Remote: "[2001:db8::5]:1", Err: &identity.Error{Kind: identity.Disabled}})
		first := "anonymous basic 10.0.0.1 user/anna 3 map[too_many:1 wrong:2]"
		w.wantFailed(first, "anonymous password 2001:db8::/64 user/anna 1 map[disabled:1]")
		// The next minute has a row of its own.
		w.clock.move(time.Second)
		basic("anna", wrong)
		w.wantFailed(first, "anonymous password 2001:db8::/64 user/anna 1 map[disabled:1]", "anonymous basic 10.0.0.1 user/anna 1 map[wrong:1]")
		for _, nothing := range []string{"", "correct horse battery", password, strings.Repeat("x", 65), "a\x00b"} {
			basic(nothing, wrong)
		}
		if err := w.Tidy(w.ctx); err != nil {
			t.Fatal(err)
		}
		if got := w.failedRows(); len(got) != 4 || got[3] != "anonymous basic 10.0.0.1  5 map[wrong:5]" {
			t.Errorf("names that are none: %q", got)
		}
	})
}

func TestRefusedTokensAreAudited(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		w.user("anna", identity.Viewer)
		hers, _, err := w.CreateToken(w.ctx, root, identity.NewToken{Name: "hers", User: "anna", Scopes: []string{"read"}})
		if err != nil {
			t.Fatal(err)
		}
		old, _, err := w.CreateToken(w.ctx, root, identity.NewToken{Name: "old", Scopes: []string{"ingest"}})
		if err != nil {
			t.Fatal(err)
		}
		off := true
		if _, err := w.UpdateUser(w.ctx, root, "anna", 0, identity.UserChange{Disabled: &off}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.RevokeToken(w.ctx, root, "old"); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{hers, old, "tl_nothing"} {
			w.clock.move(time.Second)
			_, err := w.ByToken(w.ctx, secret)
			w.Failed(identity.FailedSignIn{Method: identity.MethodToken, Remote: "10.0.0.1:1", Err: err})
		}
		w.clock.move(time.Second)
		w.Failed(identity.FailedSignIn{Method: identity.MethodOIDC, Remote: "10.0.0.1:1", Err: errors.New("the provider refuses")})
		w.wantFailed("anonymous token 10.0.0.1 token/hers 1 map[disabled:1]", "anonymous token 10.0.0.1 token/old 1 map[wrong:1]",
			"anonymous token 10.0.0.1  1 map[wrong:1]", "anonymous oidc 10.0.0.1  1 map[provider:1]")
	})
}

// TestFloodOfFailedSignIns fills neither the memory nor the database.
func TestFloodOfFailedSignIns(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		flood := func() {
			for i := range 5000 {
				w.Failed(identity.FailedSignIn{User: fmt.Sprint("u", i), Method: identity.MethodPassword, Remote: fmt.Sprintf("10.0.%d.%d:1", i/256, i%256), Err: &identity.Error{Kind: identity.Denied}})
			}
		}
		flood()
		if err := w.Tidy(w.ctx); err != nil {
			t.Fatal(err)
		}
		got := w.failedRows()
		others := 0
		for _, r := range got {
			if strings.HasSuffix(r, "   4950 map[wrong:4950] others") {
				others++
			}
		}
		if len(got) != 51 || others != 1 {
			t.Errorf("%d rows, %d of them for all others: %q", len(got), others, got)
		}
		// While the database is away the rows grow.
		rename := func(from, to string) {
			t.Helper()
			if err := w.db.Write(w.ctx, func(tx *state.Tx) error {
				_, err := tx.ExecContext(w.ctx, "ALTER TABLE "+from+" RENAME TO "+to)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		rename("audit", "away")
		for range 10 {
			w.clock.move(time.Minute)
			flood()
			if err := w.Tidy(w.ctx); err == nil {
				t.Error("nothing was stored, and nobody is told")
			}
		}
		rename("away", "audit")
		if err := w.Tidy(w.ctx); err != nil {
			t.Fatal(err)
		}
		if got := w.failedRows(); len(got) > 102 {
			t.Errorf("%d rows", len(got))
		} else {
			var all, n int
			for _, r := range got {
				if _, err := fmt.Sscanf(r[strings.LastIndex(r[:strings.Index(r, " map")], " "):], "%d", &n); err != nil {
					t.Fatal(err)
				}
				all += n
			}
			if all != 55_000 {
				t.Errorf("%d attempts are told of, of 55000", all)
			}
		}
		// In all the newest are kept, of these rows only.
		yesterday := w.clock.now().Add(-24 * time.Hour).UnixMicro()
		const chunk = 2900 // 35 of them are 1500 too many, and each is soon written
		for i := range 35 {
			if err := w.db.Write(w.ctx, func(tx *state.Tx) error {
				_, err := tx.ExecContext(w.ctx, fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d)
					INSERT INTO audit (id, at, actor, method, remote, action, target, old_value, new_value)
					SELECT '%016x' || CAST(1000000 + i AS TEXT), 1, 'x', '', '', CASE WHEN i = 1 THEN 'user.update' ELSE 'sign-in.failed' END, '', '', '' FROM n`, i*chunk+1, (i+1)*chunk, yesterday))
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Tidy(w.ctx); err != nil {
			t.Fatal(err)
		}
		var failed, changes int
		if err := w.db.Read(w.ctx, func(q state.Querier) error {
			return q.QueryRowContext(w.ctx, "SELECT SUM(CASE WHEN action = 'sign-in.failed' THEN 1 ELSE 0 END), SUM(CASE WHEN action = 'user.update' THEN 1 ELSE 0 END) FROM audit").Scan(&failed, &changes)
		}); err != nil || failed != 100_000 || changes != 1 {
			t.Errorf("%d rows of failed sign-ins and %d change are left, %v", failed, changes, err)
		}
	})
}
