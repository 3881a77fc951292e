//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// TestBackends has today's Prometheus and Alertmanager do what is built in, and
// walks the pages that rest on their APIs.
func TestBackends(t *testing.T) {
	const password = "of-the-prometheus"
	oracle, dir := oracleDir(t), t.TempDir()
	at := func(address string) string { return strings.TrimPrefix(address, "http://") }
	amURL, promURL, nodeURL := "http://"+freePort(t), "http://"+freePort(t), "http://"+freePort(t)

	node := other(t, "", "prometheus-node-exporter", "--web.listen-address="+at(nodeURL))
	am := other(t, amURL, filepath.Join(oracle, "alertmanager"), "--config.file="+write(t, dir, "alertmanager.yml", "route: {receiver: team, group_by: [alertname], group_wait: 1s}\nreceivers: [{name: team}]\n"),
		"--storage.path="+filepath.Join(dir, "am"), "--web.listen-address="+at(amURL), "--cluster.listen-address=")
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "rules.yml", "groups: [{name: far, interval: 1s, rules: [{alert: Far, expr: 'up{job=\"node\"} == 1', labels: {severity: critical}, annotations: {summary: 'Seen from afar'}}, {record: job:up:sum, expr: 'sum by (job) (up)'}]}]\n")
	prom := other(t, "http://touchline:"+password+"@"+at(promURL), filepath.Join(oracle, "prometheus"),
		"--config.file="+write(t, dir, "prometheus.yml", fmt.Sprintf(`
global: {scrape_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
- {job_name: node, static_configs: [{targets: [%q]}]}
- {job_name: prometheus, basic_auth: {username: touchline, password: %s}, static_configs: [{targets: [%q]}]}
alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}
`, at(nodeURL), password, at(promURL), at(amURL))),
		"--web.config.file="+write(t, dir, "web.yml", "basic_auth_users: {touchline: '"+string(hash)+"'}\n"),
		"--storage.tsdb.path="+filepath.Join(dir, "prom"), "--web.listen-address="+at(promURL))

	write(t, dir, "password", password+"\n")
	p := launch(t, filepath.Join(dir, "data"), "--config.file="+write(t, dir, "touchline.yaml", fmt.Sprintf(
		"backends:\n  metrics: {url: %q, basic_auth: {username: touchline, password_file: password}}\n  alerts: {url: %q}\n", promURL, amURL)))

	p.until(60*time.Second, "the host that the other one scrapes", func() bool { return p.value(`count(node_load1)`) == "1" })
	p.until(150*time.Second, "the alert of the other one", func() bool { _, body := p.get("/api/v2/alerts"); return strings.Contains(body, `"Far"`) })
	p.until(30*time.Second, "an incident of it", func() bool { _, body := p.get("/touchline/v1/incidents"); return strings.Contains(body, "Far") })
	p.until(30*time.Second, "both to answer", func() bool {
		_, body := p.get("/touchline/v1/status")
		return strings.Count(body, `"state": "up"`) == 2
	})

	// What is asked here is answered there.
	for _, path := range []string{"/api/v1/rules", "/api/v1/status/config", "/api/v1/label/job/values", "/api/v1/status/buildinfo"} {
		_, ours := p.get(path)
		_, theirs := prom.get(path)
		if path == "/api/v1/rules" {
			if !strings.Contains(ours, `"job:up:sum"`) {
				t.Errorf("%s: %s", path, ours)
			}
		} else if ours != theirs {
			t.Errorf("%s: %s, but asked there %s", path, ours, theirs)
		}
	}
	if code := p.silence("Muted"); code != http.StatusOK {
		t.Errorf("a silence: %d", code)
	}
	if _, body := am.get("/api/v2/silences"); !strings.Contains(body, `"Muted"`) {
		t.Errorf("the silence is not there: %s", body)
	}
	for _, tool := range [][]string{{"promtool", "query", "instant", p.url, "count(up)"}, {"amtool", "--alertmanager.url=" + p.url, "alert", "query", "Far"}} {
		out, err := exec.CommandContext(t.Context(), filepath.Join(oracle, tool[0]), tool[1:]...).CombinedOutput()
		if err != nil || tool[0] == "promtool" && !strings.Contains(string(out), "=> 2") || tool[0] == "amtool" && !strings.Contains(string(out), "Seen from afar") {
			t.Errorf("%v: %v: %s", tool, err, out)
		}
	}
	if code, body := p.do(http.MethodPost, "/api/v1/write", "application/x-protobuf", remoteWrite("sent", 1, time.Now()), remoteWriteHeader); code != http.StatusNotFound || !strings.Contains(body, "send them to "+promURL) {
		t.Errorf("a sample that is sent here: %d %s", code, body)
	}

	cmd := exec.CommandContext(t.Context(), "node", "walk.mjs", p.url, p.token)
	cmd.Dir, cmd.Env = "../../ui/walk", append(cmd.Environ(), "API=prometheus,alertmanager")
	out, err := cmd.CombinedOutput()
	t.Log(string(out))
	if err != nil {
		t.Errorf("walk the console: %v", err)
	}

	// Without the other one nothing looks well, and nothing is shown that is secret.
	prom.kill()
	p.until(30*time.Second, "notice of its end", func() bool {
		_, body := p.get("/touchline/v1/status")
		return strings.Contains(body, "connection refused")
	})
	code, body := p.get("/api/v1/query?query=" + url.QueryEscape("up"))
	if code != http.StatusBadGateway || !strings.Contains(body, promURL) || !strings.Contains(body, `"status":"error"`) {
		t.Errorf("a query: %d %s", code, body)
	}
	if strings.Contains(body+p.out.String(), password) {
		t.Error("the password is shown")
	}
	p.stop()
	node.kill()
}
