package native

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/touchline/internal/identity"
	"touchline.dev/touchline/internal/state"
)

// porter is a Door for whoever the header X-Test-Actor names. A name that begins
// with "token:" shows a token.
type porter struct{ store *identity.Store }

func (p *porter) Who(ctx context.Context) Person {
	name, _ := ctx.Value(actorKey{}).(string)
	out := Person{Actor: identity.Actor{Name: name, Method: "session", Remote: "10.0.0.1:1"}}
	if token, ok := strings.CutPrefix(name, "token:"); ok {
		out.Name, out.Method = token, identity.MethodToken
	}
	if u, err := p.store.User(ctx, out.Name); err == nil {
		out.User, out.Role = true, u.Role
		for _, s := range u.Role.Scopes() {
			out.Scopes = append(out.Scopes, string(s))
		}
	}
	return out
}

func (p *porter) SignIn(ctx context.Context, name, password, userAgent string) (*http.Cookie, Person, error) {
	a, err := p.store.ByPassword(ctx, name, password, "10.0.0.1:1")
	if err != nil {
		return nil, Person{}, err
	}
	by := identity.Actor{Name: a.Name, Method: identity.MethodPassword}
	secret, s, err := p.store.OpenSession(ctx, by, userAgent)
	return &http.Cookie{Name: "touchline", Value: secret}, Person{Actor: by, User: true, Session: s.ID}, err
}

func (p *porter) SignOut(context.Context) (*http.Cookie, error) {
	return &http.Cookie{Name: "touchline", MaxAge: -1}, nil
}

func (p *porter) CheckPassword(ctx context.Context, password string) error {
	_, err := p.store.ByPassword(ctx, p.Who(ctx).Name, password, "10.0.0.1:1")
	return err
}

func (p *porter) LinkURL(secret string) string {
	return "https://mon.example.com/ui/setup?token=" + secret
}

const password = "seven green chairs on a roof"

// accounts is the API over a database with the administrator anna.
func accounts(t *testing.T) (*httptest.Server, *identity.Store) {
	t.Helper()
	db, err := state.Open(t.Context(), state.Options{Path: filepath.Join(t.TempDir(), "state.db"), Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	log := slog.New(slog.DiscardHandler)
	store, err := identity.New(identity.Options{DB: db, Logger: log, Registerer: prometheus.NewRegistry(), SessionIdle: time.Hour, SessionLife: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.CreateUser(t.Context(), identity.Actor{Name: "root"}, identity.User{Name: "anna", Role: identity.Admin}, password); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	New(Options{Mux: mux, Version: "1", Logger: log, Actor: func(context.Context) string { return "" }}).Accounts(store, &porter{store})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), actorKey{}, r.Header.Get("X-Test-Actor"))))
	}))
	t.Cleanup(srv.Close)
	return srv, store
}

// TestAccounts is a session with the API: each request, and what its answer has.
func TestAccounts(t *testing.T) {
	srv, _ := accounts(t)
	token := ""
	for _, c := range []struct {
		method, path, body string
		header             []string
		want               int
		has                string
	}{
		{"GET", "/users", "", nil, 200, `"users":[{"name":"anna"`},
		{"POST", "/users", `{"name":"bo","role":"viewer"}`, nil, 201, `"has_password":false`},
		{"POST", "/users", `{"name":"bo","role":"viewer"}`, nil, 409, "there is a user"},
		{"POST", "/users", `{"name":"Bo Bo","role":"viewer"}`, nil, 422, `"location":"body.name"`},
		{"POST", "/users", `{"name":"cy","role":"owner"}`, nil, 422, "body.role"},
		{"POST", "/users", `{"name":"cy","role":"viewer","password":"short"}`, nil, 422, "body.password"},
		{"POST", "/users", `{"name":"cy","role":"viewer","admin":true}`, nil, 422, "unexpected property"},
		{"GET", "/users/bo", "", nil, 200, `"role":"viewer"`},
		{"GET", "/users/nobody", "", nil, 404, "no user"},
		{"PATCH", "/users/bo", `{"role":"responder"}`, []string{"If-Match", `"1"`}, 200, `"version":2`},
		{"PATCH", "/users/bo", `{"role":"editor"}`, []string{"If-Match", `"1"`}, 412, "changed meanwhile"},
		{"PATCH", "/users/bo", `{"role":"editor"}`, []string{"If-Match", `nonsense`}, 412, "If-Match"},
		{"PATCH", "/users/bo", `{"display_name":"Bo"}`, nil, 200, `"role":"responder"`},
		{"PATCH", "/users/anna", `{"disabled":true}`, nil, 409, "last administrator"},
		{"PUT", "/users/bo/password", `{"password":"` + password + `"}`, nil, 204, ""},
		{"PUT", "/users/nobody/password", `{"password":"` + password + `"}`, nil, 404, ""},
		{"POST", "/invitations", `{"user":"bo"}`, nil, 201, `"url":"https://mon.example.com/ui/setup?token=`},
		{"POST", "/invitations", `{"user":"nobody"}`, nil, 404, ""},
		{"POST", "/invitations", `{}`, nil, 201, `"purpose":"setup"`},
		{"GET", "/users?limit=1", "", nil, 200, `"next_cursor"`},
		{"GET", "/users?cursor=nonsense", "", nil, 400, "cursor"},
		{"GET", "/users?cursor=" + keyCursor("a\x00"), "", nil, 400, "cursor"},
		{"GET", "/users?name=bo", "", nil, 422, "unknown"},

		{"POST", "/tokens", `{"name":"agent","scopes":["ingest"]}`, nil, 201, `"secret":"tl_`},
		{"POST", "/tokens", `{"name":"agent","scopes":["ingest"]}`, nil, 409, "rotate"},
		{"POST", "/tokens", `{"name":"other","scopes":["everything"]}`, nil, 422, "body.scopes"},
		{"POST", "/tokens", `{"name":"other","user":"bo","scopes":["admin"]}`, nil, 422, "may not admin"},
		{"POST", "/tokens", `{"name":"other","scopes":["read"],"expires_at":"2020-01-01T00:00:00Z"}`, nil, 422, "body.expires_at"},
		{"POST", "/tokens/agent/rotate", `{"overlap_seconds":3600}`, nil, 201, `"secret":"tl_`},
		{"POST", "/tokens/none/rotate", `{"overlap_seconds":3600}`, nil, 404, ""},
		{"POST", "/tokens/agent/rotate", `{"overlap_seconds":-1}`, nil, 422, "overlap_seconds"},
		{"GET", "/tokens", "", nil, 200, `"replaced_by"`},
		{"DELETE", "/tokens/agent", "", nil, 200, `"revoked_at"`},
		{"GET", "/tokens", "", nil, 200, `"tokens":[]`},
		{"GET", "/tokens?all=true", "", nil, 200, `"name":"agent"`},

		{"GET", "/me", "", []string{"X-Test-Actor", "bo"}, 200, `"may":["read","respond"]`},
		{"GET", "/me", "", []string{"X-Test-Actor", "stranger"}, 200, `"may":[]`},
		{"PATCH", "/me", `{"language":"zh"}`, []string{"X-Test-Actor", "bo"}, 200, `"language":"zh"`},
		{"PATCH", "/me", `{"role":"admin"}`, []string{"X-Test-Actor", "bo"}, 422, "unexpected property"},
		{"PATCH", "/me", `{"language":"zh"}`, []string{"X-Test-Actor", "token:bo"}, 403, "a token may not"},
		{"PATCH", "/me", `{"language":"zh"}`, []string{"X-Test-Actor", "stranger"}, 403, "no profile"},
		{"POST", "/me/tokens", `{"name":"laptop","scopes":["responder"]}`, []string{"X-Test-Actor", "bo"}, 201, `"name":"bo/laptop","user":"bo"`},
		{"POST", "/me/tokens", `{"name":"laptop","scopes":["read"]}`, []string{"X-Test-Actor", "bo"}, 409, "another name"},
		{"POST", "/me/tokens", `{"name":"other","scopes":["change"]}`, []string{"X-Test-Actor", "bo"}, 422, "may not change"},
		{"POST", "/me/tokens", `{"name":"other","scopes":["read"],"expires_at":"2099-01-01T00:00:00Z"}`, []string{"X-Test-Actor", "bo"}, 422, "366 days"},
		{"POST", "/me/tokens", `{"name":"other","scopes":["read"],"user":"anna"}`, []string{"X-Test-Actor", "bo"}, 422, "unexpected property"},
		{"POST", "/me/tokens", `{"name":"other","scopes":["read"]}`, []string{"X-Test-Actor", "token:bo"}, 403, "a token may not"},
		{"POST", "/me/tokens", `{"name":"other","scopes":["read"]}`, []string{"X-Test-Actor", "stranger"}, 403, "no profile"},
		{"GET", "/me/tokens", "", []string{"X-Test-Actor", "bo"}, 200, `"name":"bo/laptop"`},
		{"GET", "/me/tokens", "", []string{"X-Test-Actor", "anna"}, 200, `"tokens":[]`},
		{"GET", "/me/tokens", "", []string{"X-Test-Actor", "stranger"}, 403, "no profile"},
		{"DELETE", "/me/tokens/laptop", "", []string{"X-Test-Actor", "anna"}, 404, "no valid token"},
		{"DELETE", "/me/tokens/laptop", "", []string{"X-Test-Actor", "token:bo"}, 403, "may end itself only"},
		{"DELETE", "/me/tokens/laptop", "", []string{"X-Test-Actor", "stranger"}, 403, "no profile"},
		{"DELETE", "/me/tokens/laptop", "", []string{"X-Test-Actor", "bo"}, 200, `"revoked_at"`},
		{"PUT", "/me/password", `{"current":"wrong","password":"` + password + `2"}`, []string{"X-Test-Actor", "bo"}, 403, "until now"},
		{"PUT", "/me/password", `{"current":"` + password + `","password":"` + password + `2"}`, []string{"X-Test-Actor", "token:bo"}, 403, "a token may not"},
		{"PUT", "/me/password", `{"current":"` + password + `","password":"` + password + `2"}`, []string{"X-Test-Actor", "bo"}, 204, ""},
		{"POST", "/login", `{"user":"bo","password":"` + password + `"}`, nil, 401, "user or password is wrong"},
		{"POST", "/login", `{"user":"bo","password":"` + password + `2"}`, []string{"User-Agent", "phone"}, 200, `"name":"bo"`},
		{"GET", "/sessions", "", []string{"X-Test-Actor", "bo"}, 200, `"user_agent":"phone"`},
		{"GET", "/sessions?user=anna", "", []string{"X-Test-Actor", "bo"}, 403, "only administrators"},
		{"GET", "/sessions?user=bo", "", []string{"X-Test-Actor", "anna"}, 200, `"user":"bo"`},
		{"GET", "/sessions?user=*", "", []string{"X-Test-Actor", "anna"}, 200, `"user":"bo"`},
		{"GET", "/sessions", "", []string{"X-Test-Actor", "token:agent"}, 403, "has no sessions"},
		{"DELETE", "/sessions/none", "", []string{"X-Test-Actor", "bo"}, 404, ""},
		{"POST", "/logout", "", []string{"X-Test-Actor", "bo"}, 204, ""},

		{"GET", "/audit?action=user.&target=user/bo&limit=100", "", nil, 200, `"action":"user.password"`},
		{"GET", "/audit?actor=bo", "", nil, 200, `"target":"user/bo"`},
		{"GET", "/audit?cursor=nonsense", "", nil, 400, ""},
	} {
		code, _, body := ask(t, srv, c.method, Base+c.path, c.body, c.header...)
		if code != c.want || !strings.Contains(body, c.has) {
			t.Errorf("%s %s %s: %d %s, want %d with %s", c.method, c.path, c.body, code, body, c.want, c.has)
		}
		if strings.Contains(body, password) || strings.Contains(body, "argon2") {
			t.Errorf("%s %s answers with a secret: %s", c.method, c.path, body)
		}
		var made struct{ Secret string }
		if json.Unmarshal([]byte(body), &made) == nil && made.Secret != "" {
			token = made.Secret
		} else if token != "" && strings.Contains(body, token) {
			t.Errorf("%s %s shows a token again: %s", c.method, c.path, body)
		}
	}
}

func TestAccountETags(t *testing.T) {
	srv, _ := accounts(t)
	_, tag, _ := ask(t, srv, "GET", Base+"/users/anna", "")
	if code, next, _ := ask(t, srv, "PATCH", Base+"/users/anna", `{"email":"anna@example.com"}`, "If-Match", tag); code != 200 || next == tag || next == "" {
		t.Errorf("%d, from %s to %s", code, tag, next)
	}
	if code, _, _ := ask(t, srv, "PATCH", Base+"/me", `{"email":"other@example.com"}`, "If-Match", tag); code != 412 {
		t.Errorf("one's own profile with an old ETag: %d", code)
	}
}

func TestAccountPages(t *testing.T) {
	srv, store := accounts(t)
	for i := range 4 {
		if _, err := store.CreateUser(t.Context(), identity.Actor{}, identity.User{Name: fmt.Sprint("user", i), Role: identity.Viewer}, ""); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]int{"/users?": 5, "/audit?action=user.&": 5} {
		seen, cursor := map[string]bool{}, ""
		for pages := 0; pages < 10; pages++ {
			_, _, body := ask(t, srv, "GET", Base+path+"limit=2&cursor="+cursor, "")
			var got struct {
				Users      []identity.User     `json:"users"`
				Entries    []identity.AuditRow `json:"entries"`
				NextCursor string              `json:"next_cursor"`
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatal(err, body)
			}
			for _, u := range got.Users {
				seen[u.Name] = true
			}
			for _, e := range got.Entries {
				seen[e.ID] = true
			}
			if len(got.Users)+len(got.Entries) > 2 {
				t.Errorf("%s: a page of %d", path, len(got.Users)+len(got.Entries))
			}
			if cursor = got.NextCursor; cursor == "" {
				break
			}
		}
		if len(seen) != want {
			t.Errorf("%s: %d in all, want %d", path, len(seen), want)
		}
	}
}

// TestSignInIsPaced answers 429, and says how long to wait.
func TestSignInIsPaced(t *testing.T) {
	srv, _ := accounts(t)
	for range 20 {
		r, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+Base+"/login", strings.NewReader(`{"user":"anna","password":"wrong"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		resp, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode == 429 {
			if resp.Header.Get("Retry-After") == "" {
				t.Error("not how long to wait")
			}
			return
		}
	}
	t.Error("anybody may guess for ever")
}
