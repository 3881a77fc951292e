//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"touchline.dev/touchline/internal/incident"
)

// phones is a webhook for each receiver, and remembers what each was told.
type phones struct {
	mu   sync.Mutex
	told map[string][]string // by receiver: ALERT STATUS
	down map[string]bool
	url  string
}

func newPhones(t *testing.T) *phones {
	p := &phones{told: map[string][]string{}, down: map[string]bool{}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			Alerts []struct {
				Status string
				Labels map[string]string
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.down[name] {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, a := range m.Alerts {
			p.told[name] = append(p.told[name], a.Labels["alertname"]+" "+a.Status)
		}
	}))
	t.Cleanup(srv.Close)
	p.url = srv.URL
	return p
}

func (p *phones) count(name, what string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, x := range p.told[name] {
		if x == what {
			n++
		}
	}
	return n
}

func (p *process) change(path, body string, into any) int {
	p.t.Helper()
	code, raw := p.do(http.MethodPost, "/touchline/v1/"+path, "application/json", []byte(body), map[string]string{"Authorization": "Bearer " + p.token})
	if into != nil && code/100 == 2 {
		if err := json.Unmarshal([]byte(raw), into); err != nil {
			p.t.Fatalf("%s: %v: %s", path, err, raw)
		}
	}
	return code
}

func (p *process) incidents() []incident.Incident {
	code, raw := p.get("/touchline/v1/incidents")
	var page struct{ Incidents []incident.Incident }
	if code != http.StatusOK || json.Unmarshal([]byte(raw), &page) != nil {
		return nil
	}
	return page.Incidents
}

func (p *process) incident(id int64) (d incident.Detail) {
	p.t.Helper()
	code, raw := p.get(fmt.Sprintf("/touchline/v1/incidents/%d", id))
	if err := json.Unmarshal([]byte(raw), &d); code != http.StatusOK || err != nil {
		p.t.Fatalf("incident %d: %d, %v: %s", id, code, err, raw)
	}
	return d
}

// TestIncidentsSurviveKills kills the server in each state of an incident, and in
// the midst of what people do to it: nothing that was answered is lost, it stays
// one incident, and whoever was called is not called again.
func TestIncidentsSurviveKills(t *testing.T) {
	t.Parallel()
	ph, conf, dir := newPhones(t), t.TempDir(), t.TempDir()
	rules := func(expr string) {
		write(t, conf, "rules.yml", fmt.Sprintf("groups: [{name: g, interval: 1s, rules: [{alert: Hot, expr: %s, labels: {severity: critical}, annotations: {summary: it is hot}}]}]\n", expr))
	}
	rules("vector(1)")
	write(t, conf, "prometheus.yml", "rule_files: [rules.yml]\n")
	write(t, conf, "alertmanager.yml", fmt.Sprintf(`
route: {receiver: ops, group_by: [alertname], group_wait: 100ms, group_interval: 1s}
receivers:
- {name: ops, webhook_configs: [{url: %q}]}
- {name: anna, webhook_configs: [{url: %q}]}
- {name: lead, webhook_configs: [{url: %q}]}
`, ph.url+"/ops", ph.url+"/anna", ph.url+"/lead"))
	write(t, conf, "touchline.yaml", `
people: {anna: {receivers: [anna]}}
schedules: {primary: {time_zone: Europe/Berlin, layers: [{people: [anna], start: 2020-01-06T09:00}]}}
escalations:
  - name: critical
    match: [severity="critical"]
    steps:
      - {wait: 1s, schedule: primary}
      - {wait: 2s, receivers: [lead], stop: resolved}
`)
	start := func() *process {
		return launch(t, dir, "--config.file="+filepath.Join(conf, "touchline.yaml"), "--sources.enabled=false", "--stack.enabled=false",
			"--prometheus.config="+filepath.Join(conf, "prometheus.yml"), "--alertmanager.config="+filepath.Join(conf, "alertmanager.yml"))
	}
	p := start()
	p.until(10*time.Second, "the incident", func() bool { return len(p.incidents()) == 1 })
	p.kill() // firing, before the first step
	p = start()
	p.until(15*time.Second, "the call of anna", func() bool { return ph.count("anna", "Hot firing") == 1 })
	p.until(5*time.Second, "the note of it", func() bool { return hasEvent(p.incident(1), incident.EventEscalated) })
	if code := p.change("incidents/1/acknowledge", "", nil); code != http.StatusOK {
		t.Fatalf("acknowledge: %d", code)
	}
	p.kill() // acknowledged, before the step that stops only when it has resolved
	p = start()
	if d := p.incident(1); d.State != incident.Acknowledged || len(p.incidents()) != 1 {
		t.Fatalf("%+v", d.Incident)
	}
	p.until(15*time.Second, "the call of the lead", func() bool { return ph.count("lead", "Hot firing") == 1 })
	comments := 0
	for range 4 {
		done := make(chan int)
		go func() {
			n := 0
			for p.change("incidents/1/comments", fmt.Sprintf(`{"text":"comment %d"}`, comments+n), nil) == http.StatusOK {
				n++
			}
			done <- n
		}()
		p.until(10*time.Second, "some comments", func() bool { return len(p.incident(1).Timeline) > comments+20 })
		p.kill()
		comments += <-done
		p = start()
		have := 0
		for _, e := range p.incident(1).Timeline {
			if e.Kind == incident.EventCommented {
				have++
			}
		}
		if have < comments {
			t.Fatalf("%d comments were acknowledged, %d are there", comments, have)
		}
		comments = have
	}
	if code := p.change("incidents/1/snooze", fmt.Sprintf(`{"until":%q}`, time.Now().Add(time.Hour).Format(time.RFC3339)), nil); code != http.StatusOK {
		t.Fatalf("snooze: %d", code)
	}
	p.kill() // snoozed
	p = start()
	if d := p.incident(1); d.SnoozedUntil.IsZero() {
		t.Error("the snooze is lost")
	}
	rules("vector(1) > 1")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.until(20*time.Second, "the end", func() bool { return p.incident(1).State == incident.Resolved })
	for _, who := range []string{"anna", "lead"} {
		p.until(15*time.Second, "the word of the end to "+who, func() bool { return ph.count(who, "Hot resolved") > 0 })
	}
	p.kill() // resolved
	p = start()
	if d := p.incident(1); d.State != incident.Resolved || len(p.incidents()) != 1 {
		t.Errorf("%+v", d.Incident)
	}
	for _, who := range []string{"anna", "lead"} {
		if f, r := ph.count(who, "Hot firing"), ph.count(who, "Hot resolved"); f != 1 || r != 1 {
			t.Errorf("%s was told %d times of the beginning and %d times of the end", who, f, r)
		}
	}
	p.stop()
}

func hasEvent(d incident.Detail, kind string) bool {
	return slices.ContainsFunc(d.Timeline, func(e incident.Event) bool { return e.Kind == kind })
}

// TestMaintenanceAroundACommand silences what a command disturbs, also when the
// server is killed while it runs.
func TestMaintenanceAroundACommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := launch(t, dir, "--sources.enabled=false", "--stack.enabled=false")
	args := []string{"maintain", "--url=" + p.url, "--token-file=" + filepath.Join(dir, "admin.token"), "--for=10m", "--match", "service=api", "--"}
	out, err := exec.Command(binary(t), append(args, "sh", "-c", "exit 3")...).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 || !strings.Contains(string(out), "has ended") {
		t.Errorf("%v: %s", err, out)
	}
	var silences []struct {
		Comment string
		Status  struct{ State string }
	}
	list := func() string {
		_, body := p.get("/api/v2/silences")
		if err := json.Unmarshal([]byte(body), &silences); err != nil {
			t.Fatal(err, body)
		}
		var out []string
		for _, s := range silences {
			out = append(out, s.Comment+" "+s.Status.State)
		}
		slices.Sort(out)
		return strings.Join(out, ", ")
	}
	if got := list(); got != "Maintenance: sh expired" {
		t.Errorf("silences: %s", got)
	}
	_, body := p.get("/touchline/v1/deployments")
	if !strings.Contains(body, `"failed":true`) || !strings.Contains(body, `"title":"sh"`) || !strings.Contains(body, `"service":"api"`) {
		t.Errorf("deployments: %s", body)
	}
	var window struct{ ID int64 }
	if code := p.change("maintenance", `{"name":"long","matchers":["service=api"],"duration_seconds":600}`, &window); code != http.StatusOK {
		t.Fatalf("create: %d", code)
	}
	p.kill()
	p = launch(t, dir, "--sources.enabled=false", "--stack.enabled=false")
	if got := list(); got != "Maintenance: long active, Maintenance: sh expired" {
		t.Errorf("silences after a kill: %s", got)
	}
	if code := p.change(fmt.Sprintf("maintenance/%d/end", window.ID), "", nil); code != http.StatusOK {
		t.Errorf("end: %d", code)
	}
	if got := list(); got != "Maintenance: long expired, Maintenance: sh expired" {
		t.Errorf("silences after the end: %s", got)
	}
	p.stop()
}
