//go:build fixtures

package football

import (
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/regexp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/rules"
	v1 "github.com/prometheus/prometheus/web/api/v1"

	"touchline.dev/touchline/internal/lint"
	"touchline.dev/touchline/internal/metrics"
)

var (
	fixtures = flag.String("fixtures", "", "folder with the real files")
	rewrite  = flag.Bool("rewrite", false, "write testdata/findings.txt anew")
)

type noRules struct{}

func (noRules) RuleGroups() []*rules.Group           { return nil }
func (noRules) AlertingRules() []*rules.AlertingRule { return nil }

type noAlertmanagers struct{}

func (noAlertmanagers) Alertmanagers() []*url.URL        { return nil }
func (noAlertmanagers) DroppedAlertmanagers() []*url.URL { return nil }

// startServer scrapes the application's metrics into a real TSDB and serves Prometheus's API over it.
func startServer(t *testing.T) *httptest.Server {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		if err := writeExposition(w); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(app.Close)
	reg := prometheus.NewRegistry()
	log := slog.New(slog.DiscardHandler)
	engine, err := metrics.New(metrics.Options{
		Dir: t.TempDir(), Logger: log, Registerer: reg, Gatherer: reg, MaxExemplars: 100, MinBlockDuration: 2 * time.Hour,
		Query:       metrics.QueryLimits{Timeout: 10 * time.Second, MaxConcurrency: 4, MaxSamples: 1e6, Lookback: 5 * time.Minute},
		ExternalURL: &url.URL{Scheme: "http", Host: "127.0.0.1"}, CORSOrigin: regexp.MustCompile("^$"),
		Version: v1.PrometheusVersion{Version: "test"}, StartedAt: time.Now(), Rules: noRules{}, Alertmanagers: noAlertmanagers{},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	// The job's name is the one that most of the application's own files use.
	cfg, err := config.Load(fmt.Sprintf(`
scrape_configs:
  - job_name: football-app
    scrape_interval: 200ms
    scrape_timeout: 200ms
    static_configs: [{targets: [%q]}]
`, app.Listener.Addr()), log)
	if err != nil {
		t.Fatal(err)
	}
	change, err := engine.Prepare(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := change.Apply(); err != nil {
		t.Fatal(err)
	}
	engine.Run()
	api := httptest.NewServer(http.StripPrefix("/api/v1", engine.Handler()))
	t.Cleanup(api.Close)
	waitForScrape(t, api)
	return api
}

// waitForScrape asks until the first scrape is stored, by its last metric and its metadata.
func waitForScrape(t *testing.T, api *httptest.Server) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last := exported[len(exported)-1].name
	for {
		_, err := lint.Live(t.Context(), []*lint.Document{lint.NewDocument("probe_rules.yml", []byte("groups: [{name: g, rules: [{record: 'a:b', expr: 'rate("+last+"[5m])'}]}]"))},
			lint.LiveOptions{URL: api.URL, Client: api.Client()})
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("no scrape within 30 seconds: %v", err)
		case <-tick.C:
		}
	}
}

// TestFindings runs the live lint over every file of the application's monitoring, and compares each finding's file, line and kind.
func TestFindings(t *testing.T) {
	if *fixtures == "" {
		t.Fatal("name the folder: go test -tags fixtures ./test/football -fixtures=DIR")
	}
	root := filepath.Join(*fixtures, "11-footballprediction")
	docs, err := lint.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	api := startServer(t)
	findings, err := lint.Live(t.Context(), docs, lint.LiveOptions{URL: api.URL, Client: api.Client()})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	byCode := map[string]int{}
	for _, f := range findings {
		name, err := filepath.Rel(root, f.File)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s:%d:%d %s", filepath.ToSlash(name), f.Line, f.Column, f.Code))
		byCode[f.Code]++
		t.Log(f)
	}
	for _, code := range []string{"unknown-metric", "unknown-label", "unknown-label-value", "unknown-job", "foreign-protocol", "rate-of-gauge", "join-matches-nothing"} {
		if byCode[code] == 0 {
			t.Errorf("no finding of kind %s", code)
		}
	}
	statusCode := slices.ContainsFunc(findings, func(f lint.Finding) bool {
		return f.Code == "unknown-label" && strings.Contains(f.Message, "label status") && strings.Contains(f.Hint, `status_code=~"5.."`)
	})
	if !statusCode {
		t.Error("no finding says that the code emits status_code where a rule selects status")
	}
	compare(t, filepath.Join("testdata", "findings.txt"), got)
}

func compare(t *testing.T, golden string, got []string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(golden, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(content)), "\n")
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("not found any more: %s", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("found, but not expected: %s", line)
		}
	}
}
