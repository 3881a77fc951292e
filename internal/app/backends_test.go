package app

import (
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/selfmon"
	"touchline.dev/touchline/stack"
)

// remotePrometheus answers as one that has a job with a target that is down.
func remotePrometheus(t *testing.T) http.HandlerFunc {
	answers := map[string]string{
		`count by (job) (up)`:      `[{"metric":{"job":"api"},"value":[1,"3"]}]`,
		`count by (job) (up == 0)`: `[{"metric":{"job":"api"},"value":[1,"1"]}]`,
		`far`:                      `[{"metric":{"from":"far"},"value":[1,"7"]}]`,
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("what belongs to the backend was shown elsewhere: %s %v", r.URL, r.Header)
	}))
	t.Cleanup(elsewhere.Close)
	return func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "anna" || password != "geheim" || r.Header.Get("X-Scope-Orgid") != "football" {
			t.Errorf("%s came with %v", r.URL, r.Header)
		}
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/prom/api/v1/query":
			_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"vector","result":`+answers[r.FormValue("query")]+`}}`)
		case "/prom/api/v1/read":
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		case "/prom/api/v1/status/buildinfo":
			_, _ = io.WriteString(w, `{"status":"success","data":{"version":"3.8.0"}}`)
		default:
			_, _ = io.WriteString(w, `{"status":"success","data":"`+r.URL.Path+`"}`)
		}
	}
}

// remoteAlertmanager has an alert, and keeps the bodies that it is sent.
type remoteAlertmanager struct {
	t    *testing.T
	mu   sync.Mutex
	sent []string
}

func (m *remoteAlertmanager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer token" {
		m.t.Errorf("%s came with %v", r.URL, r.Header)
	}
	const alert = `{"fingerprint":"1","labels":{"alertname":"Far","severity":"critical","job":"api","instance":"a:1"},"annotations":{},"startsAt":"2026-01-02T03:04:05Z"}`
	w.Header().Set("Content-Type", "application/json")
	switch r.Method + " " + r.URL.Path {
	case "GET /api/v2/status":
		_, _ = io.WriteString(w, `{"versionInfo":{"version":"0.29.0"}}`)
	case "GET /api/v2/alerts":
		_, _ = io.WriteString(w, "["+alert+"]")
	case "GET /api/v2/alerts/groups":
		_, _ = io.WriteString(w, `[{"labels":{"alertname":"Far"},"receiver":{"name":"team"},"alerts":[`+alert+`]}]`)
	case "POST /api/v2/alerts":
		raw, _ := io.ReadAll(r.Body)
		m.mu.Lock()
		m.sent = append(m.sent, string(raw))
		m.mu.Unlock()
	case "POST /api/v2/silences":
		_, _ = io.WriteString(w, `{"silenceID":"far"}`)
	default:
		_, _ = io.WriteString(w, "[]")
	}
}

func (m *remoteAlertmanager) was(text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Contains(strings.Join(m.sent, "\n"), text)
}

func reportOf(t *testing.T, a *App) selfmon.Report {
	t.Helper()
	resp, err := http.Get(a.localURL() + "/touchline/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"geheim", "Bearer"} {
		if strings.Contains(string(raw), secret) {
			t.Errorf("the status shows %s", secret)
		}
	}
	var r selfmon.Report
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func component(r selfmon.Report, name string) selfmon.Component {
	for _, c := range r.Components {
		if c.Name == name {
			return c
		}
	}
	return selfmon.Component{}
}

// TestBackends runs over a Prometheus and an Alertmanager that are elsewhere.
func TestBackends(t *testing.T) {
	t.Setenv("ALERTMANAGER_TOKEN", "token")
	prom := httptest.NewServer(remotePrometheus(t))
	defer prom.Close()
	am := httptest.NewServer(&remoteAlertmanager{t: t})
	defer am.Close()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "password"), "geheim\n")
	file := write(t, filepath.Join(dir, "touchline.yaml"), `
backends:
  metrics:
    url: `+prom.URL+`/prom/
    basic_auth: {username: anna, password_file: password}
    http_headers: {X-Scope-OrgID: {values: [football]}}
  alerts: {url: `+am.URL+`, authorization: {credentials_env: ALERTMANAGER_TOKEN}}
`)
	a := started(t, "--config.file="+file)
	a.get(t, "/api/v1/query?query=far", `"7"`)
	a.get(t, "/api/v1/status/config", `/prom/api/v1/status/config`)
	a.get(t, "/touchline/v1/datasources/touchline/proxy/api/v1/query?query=far", `"7"`)
	a.get(t, "/api/v2/alerts", `"Far"`)
	a.get(t, "/touchline/v1/incidents", `Far`)
	a.get(t, "/touchline/v1/status", `"job": "api"`)
	a.get(t, "/metrics", `touchline_backend_up{backend="alerts"} 1`)
	a.get(t, "/metrics", `touchline_backend_requests_total{backend="metrics",outcome="ok"}`)

	for path, body := range map[string]string{"/api/v1/write": "x", "/api/v1/otlp/v1/metrics": "x", "/v1/metrics": "{}"} {
		resp, err := http.Post(a.localURL()+path, "application/x-protobuf", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound || !strings.Contains(string(raw), "send them to "+prom.URL+"/prom") {
			t.Errorf("samples sent to %s: %d %s", path, resp.StatusCode, raw)
		}
	}
	here := peer.NewContext(t.Context(), &peer.Peer{Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}})
	if _, err := a.admitCall(here, &tap.Info{Header: metadata.Pairs(":authority", "127.0.0.1:4317")}); status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "send them to") {
		t.Errorf("samples by gRPC: %v", err)
	}

	// What cannot be read is not what is not there.
	rules := `{"rules":"{\"groups\":[{\"name\":\"g\",\"rules\":[{\"alert\":\"A\",\"expr\":\"up == 0\"}]}]}","from":"2026-01-02T03:04:05Z","to":"2026-01-02T04:04:05Z"}`
	if code, body := a.post(t, "/touchline/v1/backtest", rules, true); code != http.StatusBadGateway || !strings.Contains(body, "could not be read") {
		t.Errorf("a backtest over samples that cannot be read: %d %s", code, body)
	}
	a.get(t, "/touchline/v1/incidents/1/hints", `"unread":"read series around the incident: `)
	a.get(t, "/touchline/v1/incidents/1/postmortem?format=md", "A part could not be read")

	r := reportOf(t, a)
	for i, want := range []selfmon.Backend{
		{Engine: "metrics", URL: prom.URL + "/prom", State: selfmon.BackendUp, Version: "3.8.0"},
		{Engine: "alerts", URL: am.URL, State: selfmon.BackendUp, Version: "0.29.0"},
	} {
		b := r.Backends[i]
		if b.LatencySeconds <= 0 || b.LookedAt.IsZero() {
			t.Errorf("%+v", b)
		}
		if b.LatencySeconds, b.LookedAt = 0, (time.Time{}); b != want {
			t.Errorf("%+v, not %+v", b, want)
		}
	}
	if w := r.Watched; len(w) != 1 || w[0].Targets != 3 || w[0].Down != 1 || *w[0].Up || w[0].Source != selfmon.SourceBackend {
		t.Errorf("watched: %+v", w)
	}
	for name, state := range map[string]string{"metrics": "off", "rules": "off", "sources": "off", "backends": "ok", "alerting": "ok", "state": "ok"} {
		if c := component(r, name); c.State != state {
			t.Errorf("%s is %+v, not %s", name, c, state)
		}
	}
	if len(r.Endpoints) != 1 || r.Rules.Groups != 0 {
		t.Errorf("what is not taken is named: %+v, %+v", r.Endpoints, r.Rules)
	}
	if alerts, err := a.publicAlerts(t.Context()); err != nil || len(alerts) != 1 || alerts[0].Labels["alertname"] != "Far" {
		t.Errorf("for the status page: %+v, %v", alerts, err)
	}

	am.Close()
	a.remote.alerts.Close()
	a.remote.alerts.Start() // looks at once
	a.get(t, "/touchline/v1/status", `connection refused`)
	if c := component(reportOf(t, a), "backends"); c.State != selfmon.ComponentFailed || !strings.Contains(c.Message, am.URL) {
		t.Errorf("with one that is down: %+v", c)
	}
	if _, err := a.publicAlerts(t.Context()); err == nil {
		t.Error("the status page takes no answer for no alerts")
	}
}

// TestAlertsGoToTheBackend has rules here and the Alertmanager elsewhere.
func TestAlertsGoToTheBackend(t *testing.T) {
	t.Setenv("ALERTMANAGER_TOKEN", "token")
	m := &remoteAlertmanager{t: t}
	am := httptest.NewServer(m)
	defer am.Close()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rules.yml"), "groups: [{name: g, interval: 1s, rules: [{alert: Near, expr: vector(1)}]}]\n")
	prom := write(t, filepath.Join(dir, "prometheus.yml"), "rule_files: [rules.yml]\n")
	file := write(t, filepath.Join(dir, "touchline.yaml"), "backends: {alerts: {url: '"+am.URL+"', authorization: {credentials_env: ALERTMANAGER_TOKEN}}}\n")
	a := started(t, "--config.file="+file, "--prometheus.config="+prom)
	deadline := time.After(2 * time.Minute)
	for !m.was(`"Near"`) {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatal("the alert never came")
		}
	}
	a.get(t, "/api/v1/alertmanagers", am.URL+"/api/v2/alerts")
	a.get(t, "/api/v1/query?query=vector(1)", `"1"]`)
	if shown := a.engine.Config().String(); strings.Contains(shown, am.Listener.Addr().String()) {
		t.Errorf("the configuration that is shown is not the user's: %s", shown)
	}
	r := reportOf(t, a)
	if len(r.Backends) != 1 || component(r, "metrics").State != selfmon.ComponentOK || r.Alerts.Mode != selfmon.AlertsExternal {
		t.Errorf("%+v", r)
	}
}

// TestBackendThatCannotBeOpened says where the mistake is, and shows nothing secret.
func TestBackendThatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	for in, want := range map[string]string{
		"basic_auth: {username: x, password_file: nothing}":        "backends.metrics: basic_auth.password: open",
		"authorization: {credentials_env: TOUCHLINE_TEST_NOT_SET}": "backends.metrics: authorization.credentials_env: the variable TOUCHLINE_TEST_NOT_SET is not set",
		"tls_config: {ca_file: nothing}":                           "backends.metrics: ",
		"http_headers: {X-Key: {files: [nothing]}}":                "backends.metrics: http_headers.X-Key.files: open",
	} {
		file := write(t, filepath.Join(dir, "touchline.yaml"), "backends: {metrics: {url: 'http://127.0.0.1:1', "+in+"}}\n")
		c := settings(t, "--config.file="+file, "--storage.path="+filepath.Join(dir, "data"))
		a, err := New(t.Context(), Options{Config: c, Reread: func() (*config.Config, error) { return c, nil }, Logger: slog.New(slog.DiscardHandler), Shipped: stack.FS})
		if err == nil {
			t.Errorf("%s: no error", in)
			if err := a.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		} else if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "touchline check") && !strings.Contains(err.Error(), "no such file") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// TestSectionThatWaitsForARestart compares what a reload has read.
func TestSectionThatWaitsForARestart(t *testing.T) {
	of := func(url string) config.Backends { return config.Backends{Metrics: &config.Backend{URL: url}} }
	if backendsChanged(of("http://a"), of("http://a")) || !backendsChanged(of("http://a"), of("http://b")) || !backendsChanged(config.Backends{}, of("http://a")) {
		t.Error("a change is not seen, or one that is none")
	}
}
