//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// foreigner listens on loopback and hands each connection to serve, as a server of another protocol would get it.
func foreigner(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() {
		_ = ln.Close()
		wg.Wait()
	})
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
				serve(conn)
			})
		}
	})
	return ln.Addr().String()
}

// redis answers the lines of an HTTP request as Redis does.
func redis(conn net.Conn) {
	if line, err := bufio.NewReader(conn).ReadString('\n'); err == nil && strings.HasPrefix(line, "GET") {
		_, _ = io.WriteString(conn, "-ERR wrong number of arguments for 'get' command\r\n")
	}
}

// postgres reads a length and a protocol number, takes "GET " for a message that is too long, and hangs up.
func postgres(conn net.Conn) {
	_, _ = io.ReadFull(conn, make([]byte, 8))
}

// finding and checked are what --output=json promises.
type finding struct {
	File    string
	Line    int
	Code    string
	Message string
	Hint    string
}

type checked struct{ Findings []finding }

// checkLive runs the real command against a running server.
func checkLive(t *testing.T, p *process, args ...string) checked {
	t.Helper()
	args = append([]string{"check", "--output=json", "--url=" + p.url, "--token-file=" + filepath.Join(p.dir, "admin.token")}, args...)
	out, err := exec.Command(binary(t), args...).Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("check: %v\n%s", err, out)
	}
	var c checked
	if err := json.Unmarshal(out, &c); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	return c
}

// TestCheckAgainstRunningServer has one real case for every kind of finding that needs a server.
func TestCheckAgainstRunningServer(t *testing.T) {
	exposition := func(text string) string {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/metrics" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			_, _ = io.WriteString(w, text)
		}))
		t.Cleanup(srv.Close)
		return srv.Listener.Addr().String()
	}
	app := exposition(`# TYPE app_http_requests_total counter
app_http_requests_total{status_code="200"} 5
app_http_requests_total{status_code="500"} 1
# TYPE app_temperature gauge
app_temperature 20
# TYPE app_seconds histogram
app_seconds_bucket{le="1"} 1
app_seconds_bucket{le="+Inf"} 1
app_seconds_sum 1
app_seconds_count 1
`)
	info := exposition("# TYPE app_info gauge\napp_info{version=\"1\"} 1\n")
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>")
	}))
	t.Cleanup(page.Close)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()

	dir := t.TempDir()
	rules := write(t, dir, "rules.yml", `groups:
  - name: g
    rules:
      - {alert: Metric, expr: cpu_usage_total > 1}
      - {alert: Label, expr: 'rate(app_http_requests_total{status=~"5.."}[5m]) > 0'}
      - {alert: Value, expr: 'app_temperature{job="ap"} > 90'}
      - {alert: Join, expr: app_temperature * app_info > 1}
      - {alert: Gauge, expr: 'rate(app_temperature[5m]) > 1'}
      - {alert: Delta, expr: 'delta(app_http_requests_total[5m]) > 1'}
      - {alert: Counter, expr: app_http_requests_total > 100}
      - {alert: Quantile, expr: 'histogram_quantile(0.9, app_seconds_bucket) > 1'}
      - {alert: Absent, expr: 'absent(never_there)'}
      - {alert: Group, expr: 'sum by (sevice) (app_temperature) > 1'}
      - {alert: Series, expr: 'rate(app_http_requests_total{job="app", instance="other"}[5m]) > 1'}
`)
	config := write(t, dir, "prometheus.yml", fmt.Sprintf(`global: {scrape_interval: 200ms, scrape_timeout: 200ms}
scrape_configs:
  - {job_name: app, static_configs: [{targets: [%q]}]}
  - {job_name: info, static_configs: [{targets: [%q]}]}
  - {job_name: redis, static_configs: [{targets: [%q]}]}
  - {job_name: database, static_configs: [{targets: [%q]}]}
  - {job_name: page, static_configs: [{targets: [%q]}]}
  - {job_name: secure, static_configs: [{targets: [%q]}]}
  - {job_name: gone, static_configs: [{targets: [%q]}]}
  - {job_name: ssh, static_configs: [{targets: [%q]}]}
  - {job_name: later, file_sd_configs: [{files: [later/*.yml]}]}
  - {job_name: dropped, static_configs: [{targets: ["127.0.0.1:1"]}], relabel_configs: [{action: drop, source_labels: [__address__]}]}
`, app, info, foreigner(t, redis), foreigner(t, postgres), page.Listener.Addr(), secure.Listener.Addr(), gone.Addr(),
		foreigner(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2p1\r\n") })))
	p := launch(t, t.TempDir(), "--prometheus.config="+config, "--sources.disable=node,cadvisor", "--stack.enabled=false")
	p.until(20*time.Second, "a scrape of every target", func() bool {
		return p.value("count(up) >= 9") != "" && p.value("app_temperature") == "20" && p.value("app_info") == "1"
	})

	got := checkLive(t, p, config, rules)
	var lines []string
	for _, f := range got.Findings {
		lines = append(lines, fmt.Sprintf("%s:%d %s", filepath.Base(f.File), f.Line, f.Code))
	}
	for _, w := range []string{
		"prometheus.yml:5 foreign-protocol", "prometheus.yml:6 target-down", "prometheus.yml:7 not-metrics", "prometheus.yml:8 target-down",
		"prometheus.yml:9 target-down", "prometheus.yml:10 foreign-protocol", "prometheus.yml:11 job-without-targets", "prometheus.yml:11 no-target-file",
		"prometheus.yml:12 all-targets-dropped", "rules.yml:1 rules-not-loaded",
		"rules.yml:4 unknown-metric", "rules.yml:5 unknown-label", "rules.yml:6 unknown-label-value", "rules.yml:7 join-matches-nothing",
		"rules.yml:8 rate-of-gauge", "rules.yml:9 delta-of-counter", "rules.yml:10 counter-without-rate", "rules.yml:11 quantile-without-rate",
		"rules.yml:12 absent-always", "rules.yml:13 unknown-label", "rules.yml:14 unknown-label-value",
	} {
		if i := slices.Index(lines, w); i >= 0 {
			lines = slices.Delete(lines, i, i+1)
		} else {
			t.Errorf("missing %s", w)
		}
	}
	for _, l := range lines {
		t.Errorf("unexpected %s", l)
	}
	for _, hint := range []string{`status_code=~"5.."`, "redis_exporter", "scheme: https", `"app"`} {
		if !slices.ContainsFunc(got.Findings, func(f finding) bool { return strings.Contains(f.Hint, hint) }) {
			t.Errorf("no hint says %s", hint)
		}
	}
	if t.Failed() {
		for _, f := range got.Findings {
			t.Logf("%+v", f)
		}
	}
}
