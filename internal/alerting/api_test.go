package alerting

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// sameMessages compares without regard to the order of messages, or of names in one.
func sameMessages(t *testing.T, got, want []string) {
	t.Helper()
	for n, m := range got {
		status, names, _ := strings.Cut(m, " ")
		l := strings.Split(names, ",")
		slices.Sort(l)
		got[n] = status + " " + strings.Join(l, ",")
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func request(a *Alertmanager, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	a.Handler("/").ServeHTTP(w, r)
	return w
}

func TestAPI(t *testing.T) {
	u, got := sink(t)
	a := testAlertmanager(t, t.TempDir(), webhook(u+"/secret-path", "")+"global: {slack_api_url: 'http://chat/hush-hush'}\n", nil)
	body := fmt.Sprintf(`[{"labels":{"alertname":"Posted"},"startsAt":%q}]`, time.Now().Format(time.RFC3339Nano))
	if w := request(a, http.MethodPost, "/api/v2/alerts", body); w.Code != http.StatusOK {
		t.Fatalf("post alert: %d %s", w.Code, w.Body)
	}
	wait(t, got, "firing Posted")
	for _, c := range []struct {
		method, path, body string
		code               int
		has, lacks         string
	}{
		{http.MethodGet, "/api/v2/alerts", "", 200, `"alertname":"Posted"`, ""},
		{http.MethodGet, "/api/v2/alerts/groups", "", 200, `"receiver":{"name":"w"}`, ""},
		{http.MethodGet, "/api/v2/receivers", "", 200, `"name":"w"`, ""},
		{http.MethodGet, "/api/v2/status", "", 200, `secret`, "hush-hush"},
		{http.MethodGet, "/api/v2/status", "", 200, `"status":"disabled"`, "secret-path"},
		{http.MethodPost, "/api/v2/alerts", `[{"labels":{}}]`, 400, "at least one label", ""},
		{http.MethodPost, "/api/v2/alerts", `{`, 400, `"message"`, ""},
		{http.MethodGet, "/api/v2/silences?filter=%7B", "", 400, "", ""},
		{http.MethodGet, "/api/v2/nothing", "", 404, `"message":"path /api/v2/nothing was not found"`, ""},
		{http.MethodDelete, "/api/v2/silence/00000000-0000-0000-0000-000000000000", "", 404, "", ""},
	} {
		w := request(a, c.method, c.path, c.body)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.has) || c.lacks != "" && strings.Contains(w.Body.String(), c.lacks) {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
}

func TestAPIBeforeTheFirstConfiguration(t *testing.T) {
	a, err := New(Options{DataDir: t.TempDir(), Logger: discard, Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	if w := request(a, http.MethodGet, "/api/v2/alerts/groups", ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for range 2 {
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestAPIAnswersDuringReloads asks while the configuration changes to and fro.
func TestAPIAnswersDuringReloads(t *testing.T) {
	u, _ := sink(t)
	a := testAlertmanager(t, t.TempDir(), quiet, nil)
	stop, done := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { done <- n }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			for _, p := range []string{"/api/v2/alerts", "/api/v2/alerts/groups", "/api/v2/status"} {
				if w := request(a, http.MethodGet, p, ""); w.Code != http.StatusOK {
					t.Errorf("%s: %d %s", p, w.Code, w.Body)
				}
				n++
			}
		}
	}()
	for range 10 {
		load(t, a, webhook(u, ""))
		load(t, a, quiet)
	}
	close(stop)
	if n := <-done; n == 0 {
		t.Error("nothing was asked")
	}
}

func TestRefusedConfigurationChangesNothing(t *testing.T) {
	reg := prometheus.NewRegistry()
	a := testAlertmanager(t, t.TempDir(), quiet, func(o *Options) { o.Registerer = reg })
	before := a.inhibitor.Load()
	f, err := Parse([]byte("route: {receiver: w}\nreceivers: [{name: w, webhook_configs: [{url: 'http://x/', http_config: {tls_config: {ca_file: /nowhere/ca.pem}}}]}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Prepare(f); err == nil || !strings.Contains(err.Error(), `receiver "w"`) || !strings.Contains(err.Error(), "/nowhere/ca.pem") {
		t.Errorf("got %v", err)
	}
	if a.inhibitor.Load() != before || a.Receivers()[0].Name != "none" {
		t.Error("a refused configuration changed something")
	}
	for _, want := range []string{"alertmanager_silences", "alertmanager_alerts", "alertmanager_config_hash", "alertmanager_cluster_enabled", "alertmanager_integrations", "alertmanager_dispatcher_aggregation_groups", "touchline_alerting_outbox_capacity"} {
		until(t, func() bool { // the dispatcher counts alerts once its loop runs
			n, err := testutil.GatherAndCount(reg, want)
			return err == nil && n > 0
		})
	}
	if n := testutil.ToFloat64(a.loads.successful); n != 0 {
		t.Error("the refusal is not in the metrics")
	}
	load(t, a, quiet)
	if n := testutil.ToFloat64(a.loads.successful); n != 1 {
		t.Error("the metrics still speak of a refusal")
	}
}
