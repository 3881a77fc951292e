package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"touchline.dev/touchline/internal/identity"
	"touchline.dev/touchline/stack"
)

// endpoints are all there are, each with what it needs. Every pattern that is
// registered must be met by one of them, so that a new endpoint without a row
// fails the test.
const endpoints = `
public  GET    /-/healthy
public  GET    /-/ready
public  GET    /ui/login
public  POST   /ui/login
public  GET    /ui/login/oidc
public  GET    /ui/login/oidc/callback
public  GET    /ui/setup
public  POST   /ui/setup
public  GET    /ui/assets/style.css
public  GET    /ui/app/index.js
public  GET    /ui/mark.svg
public  POST   /touchline/v1/login
public  GET    /touchline/v1/links/x
public  POST   /touchline/v1/links/x
public  GET    /touchline/v1/calendars/x
public  POST   /touchline/v1/callbacks/slack

read    GET    /
read    GET    /ui
read    GET    /alerts
read    GET    /ui/
read    GET    /ui/live
read    GET    /ui/alerts
read    GET    /ui/rules
read    GET    /ui/targets
read    GET    /ui/silences
read    GET    /ui/status
read    GET    /ui/graph
read    GET    /ui/runbooks/
read    GET    /ui/runbooks/X
read    GET    /ui/unknown
read    GET    /ui/profile
read    POST   /ui/profile
read    POST   /ui/logout
change  POST   /ui/unknown

read    GET    /metrics
read    GET    /federate
read    GET    /api/v1/query
read    POST   /api/v1/query
read    GET    /api/v1/query_range
read    POST   /api/v1/query_range
read    GET    /api/v1/query_exemplars
read    POST   /api/v1/query_exemplars
read    GET    /api/v1/format_query
read    POST   /api/v1/format_query
read    GET    /api/v1/parse_query
read    POST   /api/v1/parse_query
read    GET    /api/v1/labels
read    POST   /api/v1/labels
read    GET    /api/v1/label/job/values
read    GET    /api/v1/series
read    POST   /api/v1/series
admin   DELETE /api/v1/series
read    GET    /api/v1/scrape_pools
read    GET    /api/v1/targets
read    GET    /api/v1/targets/metadata
read    GET    /api/v1/targets/relabel_steps
read    GET    /api/v1/alertmanagers
read    GET    /api/v1/metadata
read    GET    /api/v1/status/config
read    GET    /api/v1/status/runtimeinfo
read    GET    /api/v1/status/buildinfo
read    GET    /api/v1/status/flags
read    GET    /api/v1/status/tsdb
read    GET    /api/v1/status/walreplay
read    GET    /api/v1/features
read    GET    /api/v1/notifications
read    GET    /api/v1/notifications/live
read    POST   /api/v1/read
read    GET    /api/v1/search/metric_names
read    POST   /api/v1/search/metric_names
read    GET    /api/v1/alerts
read    GET    /api/v1/rules
ingest  POST   /api/v1/write
ingest  POST   /api/v1/otlp/v1/metrics
admin   POST   /api/v1/admin/tsdb/delete_series
admin   PUT    /api/v1/admin/tsdb/delete_series
admin   POST   /api/v1/admin/tsdb/clean_tombstones
admin   POST   /api/v1/admin/tsdb/snapshot
change  POST   /api/v1/unknown

ingest  POST   /api/v1/alerts
read    GET    /api/v1/silences
change  POST   /api/v1/silences
read    GET    /api/v1/silence/x
change  DELETE /api/v1/silence/x
read    GET    /api/v1/receivers
read    GET    /api/v1/status
read    GET    /api/v2/status
read    GET    /api/v2/receivers
read    GET    /api/v2/alerts
read    GET    /api/v2/alerts/groups
read    GET    /api/v2/silences
read    GET    /api/v2/silence/x
ingest  POST   /api/v2/alerts
respond POST   /api/v2/silences
respond DELETE /api/v2/silence/x

ingest  POST   /v1/metrics
ingest  POST   /v1/logs
ingest  POST   /v1/traces

read    GET    /touchline/v1/status
read    GET    /touchline/v1/rules/arrival
read    GET    /touchline/v1/openapi.json
read    GET    /touchline/v1/openapi-3.0.json
read    GET    /touchline/v1/openapi.yaml
read    GET    /touchline/v1/openapi-3.0.yaml
read    GET    /touchline/v1/heartbeat
read    POST   /touchline/v1/backtest
read    GET    /touchline/v1/notifications
change  POST   /touchline/v1/receivers/x/test
read    GET    /touchline/v1/reports/incidents
read    GET    /touchline/v1/incidents
read    GET    /touchline/v1/incidents/1
read    GET    /touchline/v1/incidents/1/hints
read    GET    /touchline/v1/incidents/1/escalation
read    GET    /touchline/v1/incidents/1/postmortem
respond POST   /touchline/v1/incidents/1/acknowledge
respond POST   /touchline/v1/incidents/1/unacknowledge
respond POST   /touchline/v1/incidents/1/assign
respond POST   /touchline/v1/incidents/1/comments
respond POST   /touchline/v1/incidents/1/snooze
respond POST   /touchline/v1/incidents/1/close
respond POST   /touchline/v1/incidents/1/verdict
respond POST   /touchline/v1/incidents/1/merge
respond POST   /touchline/v1/incidents/1/hints/1/verdict
read    GET    /touchline/v1/maintenance
read    GET    /touchline/v1/maintenance/1
respond POST   /touchline/v1/maintenance
respond POST   /touchline/v1/maintenance/1/end
read    GET    /touchline/v1/deployments
respond POST   /touchline/v1/deployments
respond POST   /touchline/v1/deployments/1/end
read    GET    /touchline/v1/escalations
read    GET    /touchline/v1/schedules
read    GET    /touchline/v1/schedules/x/shifts
read    GET    /touchline/v1/schedules/x/calendar.ics
read    GET    /touchline/v1/schedules/x/overrides
respond POST   /touchline/v1/schedules/x/calendar-link
respond POST   /touchline/v1/schedules/x/overrides
respond DELETE /touchline/v1/schedules/x/overrides/1
read    GET    /touchline/v1/dashboards
change  POST   /touchline/v1/dashboards
read    GET    /touchline/v1/dashboards/x
change  PUT    /touchline/v1/dashboards/x
change  DELETE /touchline/v1/dashboards/x
read    POST   /touchline/v1/dashboards/x/patch
read    PUT    /touchline/v1/dashboards/x/star
read    DELETE /touchline/v1/dashboards/x/star
read    GET    /touchline/v1/dashboards/x/versions
read    GET    /touchline/v1/dashboards/x/versions/1
change  POST   /touchline/v1/dashboards/x/restore
change  GET    /touchline/v1/dashboards/x/share
change  POST   /touchline/v1/dashboards/x/share
change  DELETE /touchline/v1/dashboards/x/share/1
read    GET    /touchline/v1/folders
read    GET    /touchline/v1/datasources
read    GET    /touchline/v1/datasources/x/proxy/api/v1/query
read    POST   /touchline/v1/datasources/x/proxy/api/v1/query
read    GET    /touchline/v1/me
read    PATCH  /touchline/v1/me
read    PUT    /touchline/v1/me/password
read    GET    /touchline/v1/me/tokens
read    POST   /touchline/v1/me/tokens
read    DELETE /touchline/v1/me/tokens/x
read    GET    /touchline/v1/sessions
read    DELETE /touchline/v1/sessions/x
read    POST   /touchline/v1/logout
admin   GET    /touchline/v1/users
admin   POST   /touchline/v1/users
admin   GET    /touchline/v1/users/anna
admin   PATCH  /touchline/v1/users/anna
admin   PUT    /touchline/v1/users/anna/password
admin   POST   /touchline/v1/invitations
admin   GET    /touchline/v1/tokens
admin   POST   /touchline/v1/tokens
admin   POST   /touchline/v1/tokens/x/rotate
admin   DELETE /touchline/v1/tokens/x
admin   GET    /touchline/v1/audit
change  POST   /touchline/v1/unknown

admin   POST   /touchline/v1/backup
admin   POST   /-/reload
admin   PUT    /-/quit
admin   GET    /debug/pprof/
admin   GET    /debug/pprof/cmdline
admin   GET    /debug/pprof/profile
admin   GET    /debug/pprof/symbol
admin   POST   /debug/pprof/symbol
admin   GET    /debug/pprof/trace
`

type endpoint struct{ needs, method, path string }

func everyEndpoint() []endpoint {
	var out []endpoint
	for line := range strings.Lines(endpoints) {
		if f := strings.Fields(line); len(f) == 3 {
			out = append(out, endpoint{f[0], f[1], f[2]})
		}
	}
	return out
}

// opened is an App that has been made and does not run.
func opened(t *testing.T, args ...string) *App {
	t.Helper()
	// Upstream ends the goroutines of rule groups only where they have run.
	args = append([]string{"--storage.path=" + t.TempDir(), "--stack.enabled=false"}, args...)
	a, err := New(t.Context(), Options{Config: settings(t, args...), Reread: reread(t, args...), Logger: slog.New(slog.DiscardHandler), Shipped: stack.FS})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return a
}

// TestEveryEndpointIsListed holds what is registered against the table.
func TestEveryEndpointIsListed(t *testing.T) {
	a := opened(t, "--auth.oidc.issuer=https://id.example.com", "--auth.oidc.client-id=x")
	mux := http.NewServeMux()
	for _, p := range slices.Compact(slices.Sorted(slices.Values(a.patterns))) {
		mux.Handle(p, http.NotFoundHandler())
	}
	met := map[string]bool{}
	for _, e := range everyEndpoint() {
		_, pattern := mux.Handler(httptest.NewRequest(e.method, e.path, http.NoBody))
		if pattern == "" {
			t.Errorf("%s %s is served by nothing", e.method, e.path)
		}
		met[pattern] = true
	}
	if len(a.patterns) < 50 {
		t.Errorf("only %d patterns were seen", len(a.patterns))
	}
	for _, p := range a.patterns {
		if !met[p] {
			t.Errorf("%q has no row in the table of endpoints; say there what it needs, and look at the routes of internal/httpserver", p)
		}
	}
}

// TestEveryEndpointForEverybody asks for each endpoint as everybody who can be
// told apart, before and after there are users.
func TestEveryEndpointForEverybody(t *testing.T) {
	a := opened(t)
	ctx := t.Context()
	reached := a.server.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "reached") }))
	ask := func(e endpoint, edit func(*http.Request)) int {
		r := httptest.NewRequest(e.method, "http://localhost"+e.path, http.NoBody)
		r.RemoteAddr = "127.0.0.1:1"
		edit(r)
		w := httptest.NewRecorder()
		reached.ServeHTTP(w, r)
		if (w.Code == http.StatusOK) != (w.Body.String() == "reached") {
			t.Errorf("%s %s: %d %s", e.method, e.path, w.Code, w.Body)
		}
		return w.Code
	}
	check := func(who, may string, edit func(*http.Request), refusals ...int) {
		t.Helper()
		granted := append(strings.Fields(may), "public")
		for _, e := range everyEndpoint() {
			got := ask(e, edit)
			if slices.Contains(granted, e.needs) {
				if got != http.StatusOK {
					t.Errorf("%s needs %s for %s %s, and gets %d", who, e.needs, e.method, e.path, got)
				}
			} else if !slices.Contains(refusals, got) {
				t.Errorf("%s may not %s, and gets %d for %s %s", who, e.needs, got, e.method, e.path)
			}
		}
	}
	nothing := func(*http.Request) {}
	check("nobody without users", "read ingest", nothing, http.StatusUnauthorized)
	check("nobody without users, from elsewhere", "", func(r *http.Request) { r.RemoteAddr = "10.0.0.1:1" }, http.StatusUnauthorized, http.StatusSeeOther)

	root := identity.Actor{Name: "test", Method: "test"}
	const password = "a few words that do not belong together"
	all := map[string]string{
		"viewer": "read", "responder": "read respond", "editor": "read respond change", "admin": "read ingest respond change admin",
	}
	session := map[string]string{}
	for role := range all {
		if _, err := a.identity.CreateUser(ctx, root, identity.User{Name: role, Role: identity.Role(role)}, password); err != nil {
			t.Fatal(err)
		}
		var err error
		if session[role], _, err = a.identity.OpenSession(ctx, identity.Actor{Name: role, Method: identity.MethodPassword}, ""); err != nil {
			t.Fatal(err)
		}
	}
	bearer := func(secret string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+secret) }
	}
	cookie := func(secret string) func(*http.Request) {
		return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "touchline", Value: secret}) }
	}
	for role, may := range all {
		check(role+" with a session", may, cookie(session[role]), http.StatusForbidden)
		check(role+" with a password", may, func(r *http.Request) { r.SetBasicAuth(role, password) }, http.StatusForbidden)
		secret, _, err := a.identity.CreateToken(ctx, root, identity.NewToken{Name: role + "-token", User: role, Scopes: []string{role}})
		if err != nil {
			t.Fatal(err)
		}
		check(role+" with a token", may, bearer(secret), http.StatusForbidden)
	}
	for scope, may := range map[string]string{
		"read": "read", "ingest": "ingest", "respond": "read respond", "change": "read respond change", "admin": "read ingest respond change admin",
	} {
		secret, _, err := a.identity.CreateToken(ctx, root, identity.NewToken{Name: "agent-" + scope, Scopes: []string{scope}})
		if err != nil {
			t.Fatal(err)
		}
		check("an agent with the scope "+scope, may, bearer(secret), http.StatusForbidden)
	}
	raw, err := os.ReadFile(a.tokenFile())
	if err != nil {
		t.Fatal(err)
	}
	check("admin.token", all["admin"], bearer(strings.TrimSpace(string(raw))), http.StatusForbidden)

	check("nobody", "", nothing, http.StatusUnauthorized, http.StatusSeeOther)
	check("a session that is none", "", cookie("none"), http.StatusUnauthorized, http.StatusSeeOther)
	check("a token that is none", "", bearer("none"), http.StatusUnauthorized)
	off := true
	if _, err := a.identity.UpdateUser(ctx, root, "editor", 0, identity.UserChange{Disabled: &off}); err != nil {
		t.Fatal(err)
	}
	check("who is disabled", "", cookie(session["editor"]), http.StatusUnauthorized, http.StatusSeeOther)
}
