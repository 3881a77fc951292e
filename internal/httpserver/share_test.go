package httpserver

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// links is a Sharing with one link.
type links struct{ err error }

func (l links) Share(_ context.Context, secret string) (uid, id string, err error) {
	switch {
	case l.err != nil:
		return "", "", l.err
	case secret == "good":
		return "u", "id1", nil
	}
	return "", "", Errorf(http.StatusUnauthorized, "this link has expired")
}

// TestShare asks for everything a link is good for, and for what it is not.
func TestShare(t *testing.T) {
	p := &people{users: true, known: map[string]Principal{"anna": somebody("anna", "session", Read, Respond, Change)}}
	server := func(l links) http.Handler {
		s, err := New(Options{
			Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Identity: p, Sharing: l,
			Page: func(path string) bool { return strings.HasPrefix(path, "/ui/") },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
		return s.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			who, _ := PrincipalFrom(r.Context())
			_, _ = io.WriteString(w, who.Name+" "+r.URL.RequestURI()+" "+r.Header.Get(shareHeader))
		}))
	}
	h := server(links{})
	ask := func(h http.Handler, method, target, secret string, edits ...func(*http.Request)) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "http://localhost"+target, http.NoBody)
		r.RemoteAddr = "10.0.0.1:1"
		if secret != "" {
			r.Header.Set(shareHeader, secret)
		}
		for _, e := range edits {
			e(r)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	anna := cookie(sessionCookie, "anna")
	for _, c := range []struct {
		method, target, secret string
		status                 int
		body                   string
	}{
		{"GET", "/touchline/v1/dashboards/u", "good", 200, "share/id1 /touchline/v1/dashboards/u "},
		{"GET", "/touchline/v1/dashboards/u?share=good", "", 200, "share/id1 /touchline/v1/dashboards/u "},
		{"GET", "/ui/d/u?share=good&from=now-6h", "", 200, "share/id1 /ui/d/u?from=now-6h "},
		{"GET", "/ui/d/u/cpu", "good", 200, "share/id1"},
		{"GET", "/api/v1/query?query=up&share=good", "", 200, "share/id1 /api/v1/query?query=up "},
		{"POST", "/api/v1/query", "good", 200, "share/id1"},
		{"POST", "/api/v1/query_range", "good", 200, "share/id1"},
		{"GET", "/api/v1/query_exemplars", "good", 200, "share/id1"},
		{"POST", "/api/v1/series", "good", 200, "share/id1"},
		{"GET", "/api/v1/labels", "good", 200, "share/id1"},
		{"GET", "/api/v1/label/job/values", "good", 200, "share/id1"},
		{"GET", "/api/v1/metadata", "good", 200, "share/id1"},

		{"GET", "/touchline/v1/dashboards/other", "good", 403, "one dashboard"},
		{"GET", "/touchline/v1/dashboards/u/versions", "good", 403, "one dashboard"},
		{"GET", "/touchline/v1/dashboards/u%2Fversions", "good", 403, "one dashboard"},
		{"GET", "/touchline/v1/dashboards/u/../other", "good", 403, "one dashboard"},
		{"GET", "/touchline/v1/dashboards", "good", 403, "one dashboard"},
		{"PUT", "/touchline/v1/dashboards/u", "good", 403, "one dashboard"},
		{"DELETE", "/touchline/v1/dashboards/u", "good", 403, "one dashboard"},
		{"PUT", "/touchline/v1/dashboards/u/star", "good", 403, "one dashboard"},
		{"GET", "/touchline/v1/dashboards/u/share", "good", 403, "one dashboard"},
		{"GET", "/touchline/v1/datasources", "good", 200, "share/id1"},
		{"POST", "/touchline/v1/datasources", "good", 403, "one dashboard"},
		{"GET", "/touchline/v1/datasources/x/proxy/api/v1/query", "good", 403, "asks this server only"},
		{"GET", "/touchline/v1/me", "good", 403, "one dashboard"},
		{"GET", "/touchline/v1/incidents", "good", 403, "one dashboard"},
		{"GET", "/api/v1/targets", "good", 403, "one dashboard"},
		{"GET", "/api/v1/status/config", "good", 403, "one dashboard"},
		{"GET", "/api/v1/rules", "good", 403, "one dashboard"},
		{"POST", "/api/v1/read", "good", 403, "one dashboard"},
		{"POST", "/api/v1/write", "good", 403, "one dashboard"},
		{"DELETE", "/api/v1/series", "good", 403, "one dashboard"},
		{"POST", "/api/v1/metadata", "good", 403, "one dashboard"},
		{"GET", "/api/v2/alerts", "good", 403, "one dashboard"},
		{"GET", "/metrics", "good", 403, "one dashboard"},
		{"GET", "/federate", "good", 403, "one dashboard"},
		{"GET", "/ui/d/other", "good", 401, "sign in at"},
		{"GET", "/ui/status", "good", 401, "sign in at"},
		{"POST", "/-/reload", "good", 403, "one dashboard"},
		// By the address it comes to what a link leads to only.
		{"GET", "/api/v1/targets?share=good", "", 401, "authentication is needed"},

		{"GET", "/touchline/v1/dashboards/u", "over", 401, "has expired"},
		{"POST", "/api/v1/query", "over", 401, "has expired"},
	} {
		w := ask(h, c.method, c.target, c.secret)
		if w.Code == http.StatusSeeOther && c.status == 401 {
			continue // a page, whose browser is sent to sign in
		}
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) || w.Code == 200 && strings.Contains(w.Body.String(), "good") {
			t.Errorf("%s %s: %d %s", c.method, c.target, w.Code, w.Body)
		}
	}
	// Who is signed in opens a page whose link is over as themselves; a program is told.
	if w := ask(h, "GET", "/ui/d/u?share=over", "", anna); w.Code != 200 || !strings.HasPrefix(w.Body.String(), "anna ") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(h, "GET", "/touchline/v1/dashboards/u?share=over", "", anna); w.Code != 401 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	// A link gives somebody who may more no more.
	if w := ask(h, "DELETE", "/touchline/v1/dashboards/u", "good", anna); w.Code != 403 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(server(links{errors.New("the database is locked")}), "GET", "/touchline/v1/dashboards/u", "good"); w.Code != 503 || strings.Contains(w.Body.String(), "locked") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
