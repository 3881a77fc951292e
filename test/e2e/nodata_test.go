//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestAlertOfABrokenTargetStays breaks a target while an alert about it fires.
// With no_data: keep nobody is told that it has resolved, also over a kill,
// until the target answers again and is well. https://github.com/prometheus/prometheus/issues/17482
func TestAlertOfABrokenTargetStays(t *testing.T) {
	t.Parallel()
	var queue atomic.Int64 // below 0 the target is broken
	queue.Store(9)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := queue.Load()
		if n < 0 {
			http.Error(w, "broken", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprintf(w, "queue_length %d\n", n)
	}))
	t.Cleanup(target.Close)
	hook, got := sink(t)
	dir, conf := t.TempDir(), t.TempDir()
	prom := write(t, conf, "prometheus.yml", fmt.Sprintf(
		"rule_files: [rules.yml]\nscrape_configs: [{job_name: app, scrape_interval: 1s, static_configs: [{targets: [%q]}]}]\n", strings.TrimPrefix(target.URL, "http://")))
	write(t, conf, "rules.yml", "groups: [{name: app, interval: 1s, rules: [{alert: Queue, expr: queue_length > 5, labels: {severity: critical}}]}]\n")
	am := write(t, conf, "alertmanager.yml", fmt.Sprintf("route: {receiver: hook, group_by: [alertname], group_wait: 1s, group_interval: 1s}\nreceivers: [{name: hook, webhook_configs: [{url: %q}]}]\n", hook))
	touchline := write(t, conf, "touchline.yaml", "rules:\n  alert: {resend_delay: 1s}\n  groups:\n    rules.yml:\n      app: {no_data: keep}\n")
	start := func() *process {
		return launch(t, dir, "--sources.enabled=false", "--stack.enabled=false", "--config.file="+touchline, "--prometheus.config="+prom, "--alertmanager.config="+am)
	}
	p := start()
	expect(t, got, "firing Queue", 20*time.Second)
	queue.Store(-1)
	without := func(p *process) func() bool {
		return func() bool {
			_, body := p.get("/api/v2/alerts")
			return strings.Contains(body, "cannot be scraped; without data since") && strings.Contains(body, `"state":"active"`)
		}
	}
	p.until(20*time.Second, "an alert without data", without(p))
	if v := p.value("touchline_alerts_kept_without_data"); v != "" && v != "1" {
		t.Errorf("%s alerts are kept", v)
	}
	p.until(5*time.Second, "an alert that is no longer in the rules", func() bool { return p.value(`ALERTS{alertname="Queue"}`) == "" })
	p.kill()
	p = start()
	p.until(20*time.Second, "an alert without data after a restart", without(p))
	<-time.After(3 * time.Second)
	for len(got) > 0 {
		if g := <-got; strings.HasPrefix(g, "resolved") {
			t.Errorf("told %q while the target is broken", g)
		}
	}
	queue.Store(1)
	expect(t, got, "resolved Queue", 20*time.Second)
	p.stop()
}
