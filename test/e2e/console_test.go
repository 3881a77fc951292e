//go:build e2e

package e2e

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestConsole walks every page of the console in Chromium, against a server
// that has something to show: hosts, an alert that fires, an incident, messages.
func TestConsole(t *testing.T) {
	dir := t.TempDir()
	hook, _ := sink(t)
	write(t, dir, "rules.yml", "groups: [{name: walk, interval: 1s, rules: [{alert: Walked, expr: 'vector(1)', labels: {severity: critical}, annotations: {summary: 'The console is walked'}}]}]\n")
	prom := write(t, dir, "prometheus.yml", "rule_files: [rules.yml]\n")
	am := write(t, dir, "alertmanager.yml", "route: {receiver: team, group_by: [alertname]}\nreceivers: [{name: team, webhook_configs: [{url: '"+hook+"'}]}]\n")
	p := launch(t, dir, "--prometheus.config="+prom, "--alertmanager.config="+am)
	p.until(30*time.Second, "the host is watched", func() bool { return p.value(`count(node_load1)`) == "1" })
	p.until(20*time.Second, "an incident", func() bool {
		_, body := p.get("/touchline/v1/incidents")
		return strings.Contains(body, "Walked")
	})
	p.until(20*time.Second, "a message", func() bool {
		_, body := p.get("/touchline/v1/notifications")
		return strings.Contains(body, `"team"`)
	})
	browse(t, p, "walk.mjs")
}

// TestConsoleFlows does in Chromium what takes several steps, on a server on which
// people have to sign in.
func TestConsoleFlows(t *testing.T) {
	p := launch(t, t.TempDir(), "--auth.anonymous=off")
	p.until(30*time.Second, "the host is watched", func() bool {
		_, body := p.do(http.MethodGet, "/api/v1/query?query=node_load1", "", nil, map[string]string{"Authorization": "Bearer " + p.token})
		return strings.Contains(body, `"__name__":"node_load1"`)
	})
	browse(t, p, "flows.mjs")
}

// browse runs a script of ui/walk against a server.
func browse(t *testing.T, p *process, script string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", script, p.url, p.token)
	cmd.Dir = "../../ui/walk"
	out, err := cmd.CombinedOutput()
	t.Log(string(out))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
}
