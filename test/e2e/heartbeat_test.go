//go:build e2e

package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// beats is a dead man's switch: it hands on the sequence of each beat.
func beats(t *testing.T) (string, <-chan uint64) {
	t.Helper()
	got := make(chan uint64, 1000)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var b struct {
			Sequence uint64 `json:"sequence"`
			Alive    bool   `json:"alive"`
		}
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil || !b.Alive || r.URL.Path != "/ping/geheim" {
			t.Errorf("a beat to %s that cannot be read or is not alive: %v", r.URL.Path, err)
		}
		got <- b.Sequence
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/ping/geheim", got
}

// TestKilledProcessIsMissed kills a server. Something outside must notice by
// the beats that stop, and another server that watches it must tell.
func TestKilledProcessIsMissed(t *testing.T) {
	t.Parallel()
	to, beat := beats(t)
	conf := t.TempDir()
	a := launch(t, t.TempDir(), "--heartbeat.url-file="+write(t, conf, "url", to+"\n"), "--heartbeat.interval=1s")
	hook, told := sink(t)
	b := launch(t, t.TempDir(), "--alertmanager.config="+write(t, conf, "alertmanager.yml", alertmanager(hook)),
		"--heartbeat.interval=1s", "--heartbeat.watch-url="+a.url)
	// The alert is stored from the third evaluation on, every 15 s.
	limit := time.After(75 * time.Second)
	var last uint64
	for range 3 {
		select {
		case n := <-beat:
			if n <= last {
				t.Errorf("beat %d after %d", n, last)
			}
			last = n
		case <-limit:
			t.Fatalf("no beats:\n%s", a.out)
		}
	}
	host := strings.TrimPrefix(a.url, "http://")
	b.until(75*time.Second, "the watched instance to be alive", func() bool {
		return b.value(`touchline_watched_up{url_host="`+host+`"}`) == "1"
	})
	for _, p := range []*process{a, b} {
		if code, body := p.get("/touchline/v1/status"); code != http.StatusOK || strings.Contains(body, "geheim") {
			t.Errorf("status: %d %s", code, body)
		}
		if code, body := p.get("/api/v1/status/flags"); code != http.StatusOK || strings.Contains(body, "geheim") {
			t.Errorf("flags: %d %s", code, body)
		}
		if strings.Contains(p.out.String(), "geheim") {
			t.Errorf("the URL is logged:\n%s", p.out)
		}
	}
	drain(told)

	killed := time.Now()
	a.kill()
	expect(t, told, "firing WatchedInstanceDown", 20*time.Second)
	t.Logf("another instance told %s after the kill", time.Since(killed).Round(time.Millisecond))
	for len(beat) > 0 {
		<-beat // was under way
	}
	select {
	case n := <-beat:
		t.Errorf("beat %d came after the kill", n)
	case <-time.After(3 * time.Second):
	}

	// It comes back, at its old address, and is alive again.
	a = launch(t, a.dir, "--web.listen-address="+host, "--heartbeat.url-file="+filepath.Join(conf, "url"), "--heartbeat.interval=1s")
	expect(t, told, "resolved WatchedInstanceDown", 90*time.Second)
	select {
	case <-beat:
	case <-time.After(5 * time.Second):
		t.Errorf("no beat after the restart:\n%s", a.out)
	}
}

// drain takes what was told so far.
func drain(told <-chan string) {
	for len(told) > 0 {
		<-told
	}
}

// TestHeartbeatIsWithheld takes away what the beat proves: the rule, while the
// process goes on.
func TestHeartbeatIsWithheld(t *testing.T) {
	t.Parallel()
	to, beat := beats(t)
	conf := t.TempDir()
	rules := write(t, conf, "rules.yml", "groups: [{name: g, interval: 1s, rules: [{alert: Watchdog, expr: vector(1)}]}]\n")
	prom := write(t, conf, "prometheus.yml", "rule_files: [rules.yml]\n")
	p := launch(t, t.TempDir(), "--stack.enabled=false", "--prometheus.config="+prom, "--heartbeat.url="+to, "--heartbeat.interval=1s", "--web.enable-lifecycle")
	select {
	case <-beat:
	case <-time.After(20 * time.Second):
		t.Fatalf("no beat by a rule of our own:\n%s", p.out)
	}
	if err := os.WriteFile(rules, []byte("groups: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, body := p.do(http.MethodPost, "/-/reload", "", nil, map[string]string{"Authorization": "Bearer " + p.token}); code != http.StatusOK {
		t.Fatalf("reload: %d %s", code, body)
	}
	p.until(20*time.Second, "a beat that is withheld", func() bool {
		return strings.Contains(p.out.String(), "Heartbeat is withheld") && p.value(`touchline_heartbeat_withheld_total{reason="no_rule"} > 0`) != ""
	})
	for len(beat) > 0 {
		<-beat
	}
	select {
	case <-beat:
		t.Error("a beat without the alert")
	case <-time.After(3 * time.Second):
	}
	if _, body := p.get("/touchline/v1/heartbeat"); !strings.Contains(body, `"alive":false`) || !strings.Contains(body, "no rule raises the alert Watchdog") {
		t.Errorf("the answer to others: %s", body)
	}
	if !strings.Contains(p.out.String(), "The heartbeat is never sent") {
		t.Error("a reload does not warn of a heartbeat without its rule")
	}
	if strings.Contains(p.out.String(), "geheim") {
		t.Errorf("the URL is logged:\n%s", p.out)
	}
	p.stop()
}

// TestHeartbeatProvesDelivery names an Alertmanager in prometheus.yml: the beat
// then needs one that takes the alert.
func TestHeartbeatProvesDelivery(t *testing.T) {
	t.Parallel()
	to, beat := beats(t)
	var refuse atomic.Bool
	am := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if refuse.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer am.Close()
	conf := t.TempDir()
	write(t, conf, "rules.yml", "groups: [{name: g, interval: 1s, rules: [{alert: Watchdog, expr: vector(1)}]}]\n")
	prom := write(t, conf, "prometheus.yml", "rule_files: [rules.yml]\nalerting: {alertmanagers: [{static_configs: [{targets: ['"+strings.TrimPrefix(am.URL, "http://")+"']}]}]}\n")
	p := launch(t, t.TempDir(), "--stack.enabled=false", "--prometheus.config="+prom, "--heartbeat.url="+to, "--heartbeat.interval=1s", "--rules.alert.resend-delay=1s")
	select {
	case <-beat:
	case <-time.After(30 * time.Second):
		t.Fatalf("no beat while an Alertmanager takes the alert:\n%s", p.out)
	}
	refuse.Store(true)
	p.until(30*time.Second, "a beat that is withheld", func() bool { return p.value(`touchline_heartbeat_withheld_total{reason="dispatch"} > 0`) != "" })
	// Somebody else's alert of the same name is no proof.
	body := `[{"labels":{"alertname":"Watchdog","from":"elsewhere"}}]`
	_, _ = p.do(http.MethodPost, "/api/v2/alerts", "application/json", []byte(body), nil)
	for len(beat) > 0 {
		<-beat
	}
	select {
	case <-beat:
		t.Error("a beat although no Alertmanager takes the alert")
	case <-time.After(3 * time.Second):
	}
	refuse.Store(false)
	select {
	case <-beat:
	case <-time.After(20 * time.Second):
		t.Errorf("no beat once it is taken again:\n%s", p.out)
	}
}
