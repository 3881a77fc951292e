package app

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"touchline.dev/touchline/internal/selfmon"
	"touchline.dev/touchline/stack"
)

// logged is a log that a test reads while the server writes.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// begin starts a server, and stops it when the test ends.
func begin(t *testing.T, log *slog.Logger, args ...string) *App {
	t.Helper()
	a, err := New(t.Context(), Options{Config: settings(t, args...), Reread: reread(t, args...), Logger: log, Shipped: stack.FS})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// Who keeps an Alertmanager is told so from the first line on, before it has
// been discovered, and that a file of the embedded one decides nothing.
func TestAlertmanagersOfPrometheusAreTheReceivers(t *testing.T) {
	files, log := t.TempDir(), &logged{}
	prom := write(t, filepath.Join(files, "prometheus.yml"), "alerting:\n  alertmanagers: [{static_configs: [{targets: ['127.0.0.1:1']}]}]\nscrape_configs: [{job_name: shop, scrape_interval: 5s, static_configs: [{targets: ['127.0.0.1:1']}]}]\n")
	am := write(t, filepath.Join(files, "alertmanager.yml"), "route: {receiver: r}\nreceivers: [{name: r}]\n")
	a := begin(t, slog.New(slog.NewTextHandler(log, nil)), "--sources.enabled=false", "--stack.enabled=false", "--storage.path="+t.TempDir(), "--prometheus.config="+prom, "--alertmanager.config="+am)
	report := a.Report()
	if w := report.Watched; len(w) != 1 || w[0].Job != "shop" || w[0].IntervalSeconds != 5 {
		t.Errorf("watched at the start: %+v", w)
	}
	if !slices.ContainsFunc(report.Endpoints, func(e selfmon.Endpoint) bool {
		return e.URL == "http://"+a.server.Addresses()["otlp-http"][0]+"/v1/metrics"
	}) {
		t.Errorf("the address of OTLP over HTTP is not told: %+v", report.Endpoints)
	}
	to := report.Alerts
	if to.None || to.Mode != selfmon.AlertsExternal || !slices.Equal(to.Alertmanagers, []string{"http://127.0.0.1:1/api/v2/alerts"}) || !to.Ignored {
		t.Errorf("told: %+v", to)
	}
	if !strings.Contains(log.String(), "The routes of this file have no effect") || !strings.Contains(log.String(), am) {
		t.Errorf("the log does not say that the file has no effect:\n%s", log)
	}
}

// Alerts are counted alike everywhere: heartbeats apart, and those that
// somebody has sent beside those of the rules.
func TestAlertsAreCounted(t *testing.T) {
	files := t.TempDir()
	write(t, filepath.Join(files, "rules.yml"), `groups: [{name: g, interval: 1s, rules: [{alert: Watchdog, expr: vector(1), labels: {severity: none}}, {alert: Real, expr: vector(1)}]}]`)
	prom := write(t, filepath.Join(files, "prometheus.yml"), "global: {external_labels: {region: eu}}\nrule_files: [rules.yml]\n")
	a := begin(t, slog.New(slog.DiscardHandler), "--sources.enabled=false", "--stack.enabled=false", "--storage.path="+t.TempDir(), "--prometheus.config="+prom)
	resp, err := http.Post(a.localURL()+"/api/v2/alerts", "application/json", strings.NewReader(`[{"labels":{"alertname":"TestAlert","severity":"critical"}},{"labels":{"alertname":"Over"},"endsAt":"2020-01-01T00:00:00Z","startsAt":"2019-01-01T00:00:00Z"}]`))
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the alert is answered with %s, %v", resp.Status, err)
	}
	a.get(t, "/api/v2/alerts?filter=alertname=Real", "Real")
	a.get(t, "/api/v1/alerts", "Watchdog")
	if got, want := a.Report().Rules, (selfmon.RuleCounts{Files: 1, Groups: 1, Alerting: 2, Firing: 1, Heartbeats: 1, Sent: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	a.get(t, "/ui/", "2 alerts firing, 1 of them critical: TestAlert, Real.")
}
