package native

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/internal/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type actorKey struct{}

// server is the API over a database with some incidents.
func server(t *testing.T) *httptest.Server {
	srv, _ := serverOf(t)
	return srv
}

func serverOf(t *testing.T) (*httptest.Server, *incident.Service) {
	t.Helper()
	db, err := state.Open(t.Context(), state.Options{Path: filepath.Join(t.TempDir(), "state.db"), Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	log := slog.New(slog.DiscardHandler)
	s, err := incident.New(incident.Options{DB: db, Logger: log, Registerer: prometheus.NewRegistry(), Opens: func(map[string]string) bool { return true }, Flapping: time.Minute,
		Assignee: func(_ context.Context, name, _ string) (incident.Person, error) {
			if name == "lu" {
				return incident.Person{}, &incident.Unknown{Name: name, Hint: `did you mean "li"?`}
			}
			return incident.Person{Name: name}, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		key := fmt.Sprint(i)
		s.Observe(incident.Group{Key: key, Receiver: "ops", Labels: map[string]string{"g": key}, Alerts: []incident.Alert{{
			Fingerprint: key, Labels: map[string]string{"alertname": "Down", "instance": key, "severity": "critical"}, StartsAt: time.Now(),
		}}})
		s.Told(incident.Notification{At: time.Now(), Receiver: "ops", Integration: "webhook", GroupKey: key, Group: "{}", Firing: 1, Took: 1500 * time.Microsecond, Way: `{"class":"local"}`})
	}
	s.Start()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	a := New(Options{Mux: mux, Version: "1", Logger: log, Actor: func(ctx context.Context) string { n, _ := ctx.Value(actorKey{}).(string); return n }})
	a.Incidents(s)
	a.Reviews(s, nil)
	a.Links(s)
	a.Dashboards(nil, nil, nil)
	a.Datasources(nil)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), actorKey{}, r.Header.Get("X-Test-Actor"))))
	}))
	t.Cleanup(srv.Close)
	return srv, s
}

// ask makes a request and returns status, ETag and body.
func ask(t *testing.T, srv *httptest.Server, method, path, body string, header ...string) (int, string, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Test-Actor", "anna")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode >= 400 && resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %s: %d is %s: %s", method, path, resp.StatusCode, resp.Header.Get("Content-Type"), raw)
	}
	if resp.StatusCode == http.StatusUnprocessableEntity && strings.Contains(string(raw), `"value"`) {
		t.Errorf("%s %s: the answer holds what was sent, which may be a secret: %s", method, path, raw)
	}
	return resp.StatusCode, resp.Header.Get("ETag"), string(raw)
}

func TestIncidents(t *testing.T) {
	srv := server(t)
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/incidents", "", 200, `"title":"Down on 2"`},
		{"GET", "/incidents?limit=1", "", 200, `"next_cursor":"aWQ6Mw"`},
		{"GET", "/incidents?limit=1&cursor=aWQ6Mw", "", 200, `"id":2`},
		{"GET", "/incidents?cursor=x", "", 400, "leave it out to begin at the first page"},
		{"GET", "/incidents?limit=0", "", 422, "query.limit"},
		{"GET", "/incidents?state=firing,acknowledged&q=instance%3D1&severity=critical&from=2020-01-01T00:00:00Z", "", 200, `"id":2`},
		{"GET", "/incidents?state=burning", "", 422, "query.state"},
		{"GET", "/incidents?sate=firing", "", 422, "query.sate"},
		{"GET", "/incidents/1", "", 200, `"kind":"notified"`},
		{"GET", "/incidents/99", "", 404, "there is no such incident"},
		{"GET", "/incidents/x", "", 422, "path.id"},
		{"POST", "/incidents/1/acknowledge", "", 200, `"acknowledged_by":"anna"`},
		{"POST", "/incidents/1/unacknowledge", "", 200, `"state":"firing"`},
		{"POST", "/incidents/1/unacknowledge", "", 409, "nobody has acknowledged"},
		{"POST", "/incidents/1/assign", `{"to":"li"}`, 200, `"assignee":"li"`},
		{"POST", "/incidents/1/assign", `{"too":"li"}`, 422, "body.too"},
		{"POST", "/incidents/1/assign", `{"to":"lu"}`, 422, `did you mean \"li\"?`},
		{"POST", "/incidents/1/comments", `{"text":"looking"}`, 200, `"id":1`},
		{"POST", "/incidents/1/comments", `{"text":""}`, 422, "body.text"},
		{"POST", "/incidents/1/comments", `{"text":`, 400, ""},
		{"POST", "/incidents/1/snooze", `{"until":"2020-01-01T00:00:00Z"}`, 409, "has passed"},
		{"POST", "/incidents/1/verdict", `{"verdict":"false_alarm"}`, 200, `"verdict":"false_alarm"`},
		{"POST", "/incidents/1/verdict", `{"verdict":""}`, 200, `"id":1`},
		{"POST", "/incidents/1/verdict", `{"verdict":"maybe"}`, 422, "body.verdict"},
		{"POST", "/incidents/2/merge", `{"into":1}`, 200, `"id":1`},
		{"POST", "/incidents/2/acknowledge", "", 409, "has been merged into 1"},
		{"POST", "/incidents/1/close", `{"reason":"known"}`, 200, `"state":"closed"`},
		{"GET", "/notifications", "", 200, `"way":{"class":"local"}`},
		{"GET", "/notifications?receiver=ops&incident=3&failed=false", "", 200, `"took_seconds":0.0015`},
		{"GET", "/notifications?failed=true", "", 200, `"notifications":[]`},
		{"GET", "/incidents/1/hints", "", 200, `"hints":[`},
		{"GET", "/incidents/99/hints", "", 404, "no such incident"},
		{"POST", "/incidents/3/hints/1/verdict", `{"verdict":"right"}`, 409, "has no hint 1 that is kept"},
		{"GET", "/incidents/1/postmortem", "", 200, `"five_whys":["","","","",""]`},
		{"GET", "/incidents/1/postmortem?format=md&lang=zh", "", 200, "# 事故复盘"},
		{"GET", "/reports/incidents?from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z", "", 200, `"severity":"critical"`},
		{"GET", "/reports/incidents?from=2020-01-01T00:00:00Z", "", 422, "query.to"},
		{"GET", "/reports/incidents?from=2021-01-01T00:00:00Z&to=2020-01-01T00:00:00Z", "", 409, "begins before it ends"},
		{"GET", "/openapi.json", "", 200, `"openapi":"3.1.0"`},
		{"GET", "/openapi.yaml", "", 200, "/touchline/v1/incidents/{id}/acknowledge:"},
	} {
		status, _, body := ask(t, srv, c.method, Base+c.path, c.body)
		if status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s %s %s: %d %s\nwant %d with %s", c.method, c.path, c.body, status, body, c.status, c.want)
		}
	}
	if status, _, body := ask(t, srv, "POST", Base+"/incidents/3/comments", `{"text":"x"}`, "X-Test-Actor", ""); status != 409 || !strings.Contains(body, "nobody's name") {
		t.Errorf("without a name: %d %s", status, body)
	}
	// Two who edit the same version: the second one is told.
	_, tag, _ := ask(t, srv, "GET", Base+"/incidents/3", "")
	if status, now, _ := ask(t, srv, "POST", Base+"/incidents/3/assign", `{"to":"li"}`, "If-Match", tag); status != 200 || now == tag {
		t.Errorf("%d, ETag %s after %s", status, now, tag)
	}
	if status, _, body := ask(t, srv, "POST", Base+"/incidents/3/assign", `{"to":"bo"}`, "If-Match", tag); status != 412 {
		t.Errorf("an old version: %d %s", status, body)
	}
	if status, _, _ := ask(t, srv, "POST", Base+"/incidents/3/assign", `{"to":"bo"}`, "If-Match", "nonsense"); status != 412 {
		t.Error("an ETag that is none is taken")
	}
}

func TestLinks(t *testing.T) {
	srv, s := serverOf(t)
	sign := func(action, key string, life time.Duration) string {
		token, err := s.Sign(t.Context(), incident.Link{Action: action, Group: incident.GroupHash(key), Receiver: "ops", Expires: time.Now().Add(life)})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good := sign(incident.LinkAcknowledge, "1", time.Hour)
	for _, c := range []struct {
		method, token, form, language string
		status                        int
		want                          string
	}{
		{"GET", good, "", "", 200, "<button type=\"submit\">Acknowledge</button>"},
		{"GET", good, "", "zh-CN,zh;q=0.9", 200, "<button type=\"submit\">确认</button>"},
		{"POST", good, "name=%3Cb%3EAnna", "", 200, "&lt;b&gt;Anna (link of ops)"},
		{"POST", good, "name=Li", "", 409, "has been taken already"},
		{"GET", sign(incident.LinkView, "2", time.Hour), "", "", 200, "Down on 2"},
		{"POST", sign(incident.LinkView, "2", time.Hour), "", "", 200, "firing"},
		{"GET", sign(incident.LinkAcknowledge, "nothing", time.Hour), "", "", 404, "is over"},
		{"GET", sign(incident.LinkAcknowledge, "1", -time.Hour), "", "", 410, "has expired"},
		{"POST", good + "x", "", "", 403, "not one that this server has made"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, srv.URL+Base+"/links/"+c.token, strings.NewReader(c.form))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept-Language", c.language)
		resp, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || !strings.Contains(string(raw), c.want) || resp.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s %s: %d %s", c.method, c.token, resp.StatusCode, raw)
		}
	}
	// Opening the link has changed nothing; the button has.
	if _, _, body := ask(t, srv, "GET", Base+"/incidents/2", ""); strings.Count(body, `"kind":"acknowledged"`) != 1 {
		t.Error(body)
	}
}

// TestDocument holds the OpenAPI document against what a client needs of it.
func TestDocument(t *testing.T) {
	srv := server(t)
	_, _, body := ask(t, srv, "GET", Base+"/openapi.json", "")
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Summary     string
			Responses   map[string]any
		}
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, o := range methods {
			if o.OperationID == "" || o.Summary == "" || seen[o.OperationID] || o.Responses["401"] == nil || !strings.HasPrefix(path, Base) {
				t.Errorf("%s %s: %+v", method, path, o)
			}
			seen[o.OperationID] = true
		}
	}
	if len(seen) < 11 {
		t.Errorf("%d operations", len(seen))
	}
}
