package identity_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"touchline.dev/touchline/internal/identity"
	"touchline.dev/touchline/internal/state"
	"touchline.dev/touchline/internal/state/statetest"
)

func TestMain(m *testing.M) { statetest.Main(m) }

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a store over an empty database, and what a test needs beside it.
type world struct {
	*identity.Store
	t     *testing.T
	ctx   context.Context
	db    *state.DB
	clock *clock
	reg   *prometheus.Registry
	tidy  chan error // one for each time that Start has tidied
}

const (
	idle     = 12 * time.Hour
	life     = 30 * 24 * time.Hour
	password = "a few words that do not belong together"
)

var (
	root = identity.Actor{Name: "root", Method: "token", Remote: "127.0.0.1:5"}
)

func open(t *testing.T, db *state.DB, c *clock) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), db: db, clock: c, reg: prometheus.NewRegistry(), tidy: make(chan error, 10)}
	var err error
	w.Store, err = identity.New(identity.Options{
		DB: db, Logger: slog.New(slog.DiscardHandler), Registerer: w.reg, Now: c.now, SessionIdle: idle, SessionLife: life, AuditKeep: 100 * 24 * time.Hour,
		Tidied: func(err error) { w.tidy <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// onBoth runs a test over each kind of database. again is another process over
// the same one.
func onBoth(t *testing.T, f func(t *testing.T, w *world, again func() *world)) {
	statetest.Run(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		c := &clock{at: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
		f(t, open(t, db, c), func() *world { return open(t, db, c) })
	})
}

func (w *world) user(name string, role identity.Role) identity.User {
	w.t.Helper()
	u, err := w.CreateUser(w.ctx, root, identity.User{Name: name, Role: role}, password)
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

func (w *world) refused(err error, kind identity.Kind, reason string) {
	w.t.Helper()
	if identity.KindOf(err) != kind || !strings.Contains(err.Error(), reason) {
		w.t.Errorf("got %v (kind %d), want kind %d with %q", err, identity.KindOf(err), kind, reason)
	}
}

// audited returns the actions of the audit log, the oldest first.
func (w *world) audited() string {
	w.t.Helper()
	rows, err := w.Entries(w.ctx, identity.AuditQuery{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for i := len(rows) - 1; i >= 0; i-- {
		out = append(out, rows[i].Action+" "+rows[i].Target)
	}
	return strings.Join(out, "\n")
}

func TestUsers(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		if has, err := w.HasUsers(w.ctx); has || err != nil {
			t.Fatalf("an empty database has users: %v %v", has, err)
		}
		u, err := w.CreateUser(w.ctx, root, identity.User{Name: " Anna ", DisplayName: "Anna Å", Email: "anna@example.com", Role: identity.Admin, Language: "zh"}, password)
		if err != nil {
			t.Fatal(err)
		}
		if has, err := w.HasUsers(w.ctx); !has || err != nil {
			t.Errorf("a user was made: %v %v", has, err)
		}
		if got, err := w.User(w.ctx, "ANNA"); err != nil || got != u || u.Name != "anna" || u.Version != 1 || !u.HasPassword {
			t.Errorf("%+v %v, made %+v", got, err, u)
		}
		_, err = w.CreateUser(w.ctx, root, identity.User{Name: "anna", Role: identity.Viewer}, "")
		w.refused(err, identity.Exists, "already")
		w.user("bo", identity.Viewer)

		// The version decides between two who change at the same time.
		editor, responder := identity.Editor, identity.Responder
		bo, err := w.UpdateUser(w.ctx, root, "bo", 1, identity.UserChange{Role: &editor})
		if err != nil || bo.Role != editor || bo.Version != 2 {
			t.Errorf("%+v %v", bo, err)
		}
		_, err = w.UpdateUser(w.ctx, root, "bo", 1, identity.UserChange{Role: &responder})
		w.refused(err, identity.Stale, "changed meanwhile")
		if same, err := w.UpdateUser(w.ctx, root, "bo", 0, identity.UserChange{Role: &editor}); err != nil || same != bo {
			t.Errorf("a change to what it is: %+v %v", same, err)
		}
		_, err = w.UpdateUser(w.ctx, root, "nobody", 0, identity.UserChange{})
		w.refused(err, identity.NotFound, `no user "nobody"`)

		// The last administrator stays one.
		off := true
		_, err = w.UpdateUser(w.ctx, root, "anna", 0, identity.UserChange{Role: &editor})
		w.refused(err, identity.Conflict, "last administrator")
		_, err = w.UpdateUser(w.ctx, root, "anna", 0, identity.UserChange{Disabled: &off})
		w.refused(err, identity.Conflict, "last administrator")
		if got, err := w.User(w.ctx, "anna"); err != nil || got != u {
			t.Errorf("what was refused has changed something: %+v %v", got, err)
		}
		w.user("cy", identity.Admin)
		if _, err := w.UpdateUser(w.ctx, root, "anna", 0, identity.UserChange{Disabled: &off}); err != nil {
			t.Error(err)
		}

		all, err := w.Users(w.ctx, "", 2)
		if err != nil || len(all) != 2 || all[0].Name != "anna" || all[1].Name != "bo" {
			t.Errorf("%+v %v", all, err)
		}
		if rest, err := w.Users(w.ctx, "bo", 2); err != nil || len(rest) != 1 || rest[0].Name != "cy" {
			t.Errorf("%+v %v", rest, err)
		}
		if got, want := w.audited(), "user.create user/anna\nuser.create user/bo\nuser.update user/bo\nuser.create user/cy\nuser.update user/anna"; got != want {
			t.Errorf("audited\n%s\nwant\n%s", got, want)
		}
	})
}

func TestUserRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		for _, c := range []struct {
			user     identity.User
			password string
			want     string
		}{
			{identity.User{Name: "", Role: identity.Viewer}, "", "name: "},
			{identity.User{Name: "a b", Role: identity.Viewer}, "", "name: "},
			{identity.User{Name: "-a", Role: identity.Viewer}, "", "name: "},
			{identity.User{Name: strings.Repeat("a", 65), Role: identity.Viewer}, "", "name: "},
			{identity.User{Name: "a", Role: "owner"}, "", `role: "owner" is not a role; write viewer, responder, editor or admin`},
			{identity.User{Name: "a", Role: identity.Viewer, Language: "de"}, "", "language: "},
			{identity.User{Name: "a", Role: identity.Viewer, Email: "Anna <a@example.com>"}, "", "email: "},
			{identity.User{Name: "a", Role: identity.Viewer, DisplayName: "a\nb"}, "", "display_name: "},
			{identity.User{Name: "a", Role: identity.Viewer}, "short", "password: write at least 12"},
			{identity.User{Name: "a", Role: identity.Viewer}, strings.Repeat("long", 300), "password: write at most"},
			{identity.User{Name: "a", Role: identity.Viewer}, "aaaaaaaaaaaaaaa", "password: this one is easily guessed"},
			{identity.User{Name: "annabella", Role: identity.Viewer}, "Annabella123", "password: this one is easily guessed"},
		} {
			_, err := w.CreateUser(w.ctx, root, c.user, c.password)
			w.refused(err, identity.Invalid, c.want)
			if c.password != "" && err != nil && strings.Contains(err.Error(), c.password) {
				t.Errorf("the error repeats the password: %v", err)
			}
		}
		if got := w.audited(); got != "" {
			t.Errorf("audited %s", got)
		}
	})
}

func TestPassword(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		w.user("anna", identity.Editor)
		if _, err := w.CreateUser(w.ctx, root, identity.User{Name: "oidc", Role: identity.Admin}, ""); err != nil {
			t.Fatal(err)
		}
		a, err := w.ByPassword(w.ctx, "Anna", password, "10.0.0.1:1")
		if err != nil || a.Name != "anna" || a.Role != identity.Editor || a.Method != "password" || !a.User {
			t.Errorf("%+v %v", a, err)
		}
		for name, given := range map[string]string{"anna": "wrong", "nobody": password, "oidc": "", "": ""} {
			a, err := w.ByPassword(w.ctx, name, given, "10.0.0.1:1")
			w.refused(err, identity.Denied, "user or password is wrong")
			if a.Name != "" || a.Scopes != nil {
				t.Errorf("%+v", a)
			}
		}
		if err := w.SetPassword(w.ctx, root, "anna", password+"!", ""); err != nil {
			t.Fatal(err)
		}
		_, err = w.ByPassword(w.ctx, "anna", password, "10.0.0.1:1")
		w.refused(err, identity.Denied, "wrong")
		if _, err := w.ByPassword(w.ctx, "anna", password+"!", "10.0.0.1:1"); err != nil {
			t.Error(err)
		}
		off := true
		if _, err := w.UpdateUser(w.ctx, root, "anna", 0, identity.UserChange{Disabled: &off}); err != nil {
			t.Fatal(err)
		}
		_, err = w.ByPassword(w.ctx, "anna", password+"!", "10.0.0.1:1")
		w.refused(err, identity.Disabled, "disabled")
		w.refused(w.SetPassword(w.ctx, root, "nobody", password, ""), identity.NotFound, "nobody")
	})
}

// TestSecretsAreNotKept reads the whole database.
func TestSecretsAreNotKept(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		w.user("anna", identity.Admin)
		tok, _, err := w.CreateToken(w.ctx, root, identity.NewToken{Name: "ci", Scopes: []string{"ingest"}})
		if err != nil {
			t.Fatal(err)
		}
		fresh, _, err := w.RotateToken(w.ctx, root, "ci", time.Hour, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		cookie, _, err := w.OpenSession(w.ctx, identity.Actor{Name: "anna", Method: "password"}, "browser")
		if err != nil {
			t.Fatal(err)
		}
		link, _, err := w.CreateLink(w.ctx, root, "anna")
		if err != nil {
			t.Fatal(err)
		}
		secrets := []string{password, tok, fresh, cookie, link}
		err = w.db.Read(w.ctx, func(q state.Querier) error {
			for _, table := range []string{"users", "tokens", "sessions", "links", "audit"} {
				rows, err := q.QueryContext(w.ctx, "SELECT * FROM "+table)
				if err != nil {
					return err
				}
				columns, err := rows.Columns()
				if err != nil {
					return err
				}
				n := 0
				for rows.Next() {
					n++
					cells, to := make([]sql.NullString, len(columns)), make([]any, len(columns))
					for i := range cells {
						to[i] = &cells[i]
					}
					if err := rows.Scan(to...); err != nil {
						return err
					}
					for i, cell := range cells {
						for _, secret := range secrets {
							if strings.Contains(cell.String, secret) {
								t.Errorf("%s.%s holds a secret", table, columns[i])
							}
						}
						if table == "audit" && strings.Contains(cell.String, "argon2id") {
							t.Errorf("the audit log holds a hash: %s", cell.String)
						}
					}
				}
				if n == 0 {
					t.Errorf("%s is empty", table)
				}
				if err := errors.Join(rows.Err(), rows.Close()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestAudit(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		w.user("anna", identity.Viewer)
		w.clock.move(time.Hour)
		name := "Anna"
		if _, err := w.UpdateUser(w.ctx, identity.Actor{Name: "cy", Method: "session", Remote: "10.0.0.9:7"}, "anna", 0, identity.UserChange{DisplayName: &name}); err != nil {
			t.Fatal(err)
		}
		w.clock.move(time.Hour)
		if err := w.Record(w.ctx, identity.Entry{Actor: root, Action: "silence.create", Target: "silence/1", After: map[string]string{"comment": "quiet"}}); err != nil {
			t.Fatal(err)
		}
		// What fails leaves no row.
		undone := errors.New("undone")
		if err := w.db.Write(w.ctx, func(tx *state.Tx) error {
			if err := identity.Audit(w.ctx, tx, identity.Entry{At: w.clock.now(), Action: "user.ghost", Target: "user/ghost"}); err != nil {
				return err
			}
			return undone
		}); !errors.Is(err, undone) {
			t.Fatal(err)
		}
		began := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
		for _, c := range []struct {
			name  string
			query identity.AuditQuery
			want  string
		}{
			{"all", identity.AuditQuery{}, "silence.create user.update user.create"},
			{"who", identity.AuditQuery{Actor: "cy"}, "user.update"},
			{"action", identity.AuditQuery{Action: "user.create"}, "user.create"},
			{"actions", identity.AuditQuery{Action: "user."}, "user.update user.create"},
			{"target", identity.AuditQuery{Target: "user/anna"}, "user.update user.create"},
			{"targets", identity.AuditQuery{Target: "silence/"}, "silence.create"},
			{"since", identity.AuditQuery{Since: began.Add(time.Hour)}, "silence.create user.update"},
			{"until", identity.AuditQuery{Until: began.Add(time.Hour)}, "user.create"},
			{"no wildcards", identity.AuditQuery{Target: "%/"}, ""},
			{"several", identity.AuditQuery{Actor: "root", Action: "user.", Since: began, Until: began.Add(time.Minute)}, "user.create"},
		} {
			c.query.Limit = 10
			rows, err := w.Entries(w.ctx, c.query)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range rows {
				got = append(got, r.Action)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%s: %v, want %s", c.name, got, c.want)
			}
		}
		rows, err := w.Entries(w.ctx, identity.AuditQuery{Actor: "cy", Limit: 1})
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		r := rows[0]
		if r.Actor != "cy" || r.Method != "session" || r.Remote != "10.0.0.9:7" || !r.At.Equal(began.Add(time.Hour)) ||
			!strings.Contains(string(r.Before), `"display_name":""`) || !strings.Contains(string(r.After), `"display_name":"Anna"`) {
			t.Errorf("%+v %s %s", r, r.Before, r.After)
		}
		// Pages follow one another.
		first, err := w.Entries(w.ctx, identity.AuditQuery{Limit: 2})
		if err != nil || len(first) != 2 {
			t.Fatal(first, err)
		}
		if second, err := w.Entries(w.ctx, identity.AuditQuery{Limit: 2, Before: first[1].ID}); err != nil || len(second) != 1 || second[0].Action != "user.create" {
			t.Error(second, err)
		}
		// What is older than is kept goes.
		w.clock.move(100*24*time.Hour - 90*time.Minute)
		if err := w.Tidy(w.ctx); err != nil {
			t.Fatal(err)
		}
		if got := w.audited(); got != "user.update user/anna\nsilence.create silence/1" && got != "silence.create silence/1" {
			t.Errorf("kept %s", got)
		}
	})
}

func TestTidy(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, again func() *world) {
		w.user("anna", identity.Admin)
		secret, _, err := w.CreateToken(w.ctx, root, identity.NewToken{Name: "ci", Scopes: []string{"ingest"}, ExpiresAt: w.clock.now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		cookie, _, err := w.OpenSession(w.ctx, identity.Actor{Name: "anna", Method: "password"}, "")
		if err != nil {
			t.Fatal(err)
		}
		w.clock.move(time.Minute)
		if _, err := w.ByToken(w.ctx, secret); err != nil {
			t.Fatal(err)
		}
		if _, err := w.BySession(w.ctx, cookie); err != nil {
			t.Fatal(err)
		}
		if err := w.Tidy(w.ctx); err != nil {
			t.Fatal(err)
		}
		other := again()
		if got, err := other.Tokens(w.ctx, true, "", 10); err != nil || len(got) != 1 || !got[0].UsedAt.Equal(w.clock.now()) {
			t.Errorf("last use of the token: %+v %v", got, err)
		}
		if got, err := other.Sessions(w.ctx, "", 10); err != nil || len(got) != 1 || !got[0].SeenAt.Equal(w.clock.now()) {
			t.Errorf("last use of the session: %+v %v", got, err)
		}
		if got := testutil.ToFloat64(gauge(t, w.reg, "touchline_identity_tokens")); got != 1 {
			t.Errorf("%v tokens", got)
		}
		w.clock.move(idle)
		if err := w.Tidy(w.ctx); err != nil {
			t.Fatal(err)
		}
		if got, err := w.Sessions(w.ctx, "", 10); err != nil || len(got) != 0 {
			t.Errorf("sessions that nobody uses: %+v %v", got, err)
		}
		if got, err := w.Tokens(w.ctx, true, "", 10); err != nil || len(got) != 1 {
			t.Errorf("a token that has expired is listed for a while: %+v %v", got, err)
		}
		w.clock.move(91 * 24 * time.Hour)
		if err := w.Tidy(w.ctx); err != nil {
			t.Fatal(err)
		}
		if got, err := w.Tokens(w.ctx, true, "", 10); err != nil || len(got) != 0 {
			t.Errorf("a token that has expired long ago: %+v %v", got, err)
		}
	})
}

// gauge is a collector with one gauge of a registry's.
func gauge(t *testing.T, reg *prometheus.Registry, name string) prometheus.Collector {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name && len(f.GetMetric()) == 1 {
			return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name}, f.GetMetric()[0].GetGauge().GetValue)
		}
	}
	t.Fatalf("no metric %s", name)
	return nil
}

func TestStartAndClose(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, again func() *world) {
		w.user("anna", identity.Admin)
		cookie, s, err := w.OpenSession(w.ctx, identity.Actor{Name: "anna", Method: "password"}, "")
		if err != nil {
			t.Fatal(err)
		}
		w.Start()
		w.clock.move(time.Minute)
		if _, err := w.BySession(w.ctx, cookie); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := <-w.tidy; err != nil {
				t.Error(err)
			}
		}
		got, err := again().Sessions(w.ctx, "anna", 1)
		if err != nil || len(got) != 1 || !got[0].SeenAt.After(s.SeenAt) {
			t.Errorf("the last use was lost: %+v %v", got, err)
		}
	})
}
