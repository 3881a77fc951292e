//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// publicState is what status.json says.
type publicState struct {
	GeneratedAt time.Time `json:"generated_at"`
	State       string
	Components  []struct{ ID, State string }
	Incidents   []struct {
		ID         string
		ResolvedAt time.Time `json:"resolved_at"`
		Updates    []struct {
			State string
			Text  struct{ En, Zh string }
		}
	}
	Maintenance []struct{ From, To time.Time }
}

// TestStatusPageOutlivesTheProcess publishes an outage, kills the server, and
// reads the files; then starts it again, and lets the outage end.
func TestStatusPageOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	conf := t.TempDir()
	page := `
status_page:
  folder: site
  listen_address: 127.0.0.1:0
  title: %s
  publish_annotation: public_summary
  components:
    - {id: api, name: API, alerts: [{match: ['service="api"']}]}
    - {id: web, name: Website, alerts: [{match: ['service="web"']}]}
  maintenance: [{title: Backup, components: [web], window: nightly}]
maintenance:
  - {name: nightly, match: ['service="web"'], time_zone: UTC, start: 2026-01-01T02:00, duration: 30m, rrule: FREQ=DAILY}
`
	file := write(t, conf, "touchline.yaml", fmt.Sprintf(page, "Example"))
	site := filepath.Join(conf, "site")
	state := func() (s publicState) {
		raw, err := os.ReadFile(filepath.Join(site, "status.json"))
		if err == nil {
			err = json.Unmarshal(raw, &s)
		}
		if err != nil {
			s.State = err.Error()
		}
		return s
	}
	dir := t.TempDir()
	args := []string{"--config.file=" + file, "--sources.enabled=false", "--stack.enabled=false"}
	p := launch(t, dir, args...)
	p.until(15*time.Second, "a page on which all is well", func() bool { return state().State == "operational" })
	alert := func(ends time.Time) {
		t.Helper()
		raw, err := json.Marshal([]map[string]any{{
			"labels":      map[string]string{"alertname": "Geheim", "service": "api", "severity": "critical", "instance": "db-geheim"},
			"annotations": map[string]string{"summary": "geheim", "public_summary": "We know of it."},
			"endsAt":      ends,
		}})
		if err != nil {
			t.Fatal(err)
		}
		if code, body := p.do(http.MethodPost, "/api/v2/alerts", "application/json", raw, nil); code != http.StatusOK {
			t.Fatalf("alert: %d %s", code, body)
		}
	}
	alert(time.Now().Add(time.Hour))
	p.until(15*time.Second, "the outage on the page", func() bool { return state().State == "outage" && len(state().Incidents) == 1 })

	// Somebody takes the incident: the public reads that, and not who.
	p.until(15*time.Second, "the incident", func() bool { return p.change("incidents/1/acknowledge", "", nil) == http.StatusOK })
	p.until(15*time.Second, "a word of it", func() bool {
		us := state().Incidents[0].Updates
		return us[len(us)-1].Text.En == "We are working on it."
	})
	if ms := state().Maintenance; len(ms) == 0 || ms[len(ms)-1].To.Sub(ms[len(ms)-1].From) != 30*time.Minute || ms[len(ms)-1].From.Hour() != 2 {
		t.Errorf("the next time of a window that recurs: %+v", ms)
	}

	// The public address has the files, for everybody, and nothing else.
	public := "http://" + p.listener("status-page")
	for path, want := range map[string]int{"/": 200, "/history.zh.html": 200, "/status.json": 200, "/api/v1/query?query=up": 404, "/metrics": 404, "/-/ready": 404, "/touchline/v1/status": 404} {
		r, err := http.NewRequest(http.MethodGet, public+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "status.example.com"
		r.Header.Set("X-Forwarded-For", "203.0.113.9")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != want || strings.Contains(strings.ToLower(string(body)), "geheim") {
			t.Errorf("GET %s: %d, want %d: %.200s", path, res.StatusCode, want, body)
		}
	}

	// A reload changes what is shown.
	write(t, conf, "touchline.yaml", fmt.Sprintf(page, "Renamed"))
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.until(15*time.Second, "the new title", func() bool {
		raw, err := os.ReadFile(filepath.Join(site, "index.html"))
		return err == nil && strings.Contains(string(raw), "Renamed")
	})

	p.kill()
	for _, name := range []string{"index.html", "index.zh.html", "history.html", "history.zh.html"} {
		raw, err := os.ReadFile(filepath.Join(site, name))
		if err != nil || !strings.HasSuffix(strings.TrimSpace(string(raw)), "</html>") {
			t.Errorf("%s after the kill: %v", name, err)
		}
		if !strings.Contains(string(raw), `<time datetime="`+state().GeneratedAt.Format("2006-01-02T15:04:05")) {
			t.Errorf("%s does not say how old it is", name)
		}
	}
	before := state().Incidents
	p = launch(t, dir, args...)
	alert(time.Now().Add(time.Hour))
	<-time.After(7 * time.Second) // it has looked again
	if s := state(); s.State != "outage" || len(s.Incidents) != 1 || s.Incidents[0].ID != before[0].ID || len(s.Incidents[0].Updates) != 2 {
		t.Errorf("after the restart: %+v", s)
	}
	p.stop()
	if s := state(); s.State != "outage" {
		t.Errorf("after a stop: %+v", s)
	}

	// A backup keeps what the public has been told.
	file = filepath.Join(t.TempDir(), "b.tar.zst")
	must(t, "backup", file, "--storage.path="+dir)
	to := filepath.Join(t.TempDir(), "restored")
	must(t, "restore", file, "--storage.path="+to)
	for _, name := range []string{"incidents.json", "history.jsonl"} {
		was, err := os.ReadFile(filepath.Join(dir, "statuspage", name))
		if err != nil {
			t.Fatal(err)
		}
		if is, err := os.ReadFile(filepath.Join(to, "statuspage", name)); err != nil || string(is) != string(was) {
			t.Errorf("%s after a restore: %v, %s", name, err, is)
		}
	}
}
