//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/internal/state/statetest"
)

// calls is how many receivers a replica itself has called.
func (p *process) calls() int {
	_, body := p.get("/metrics")
	n := 0
	for _, m := range regexp.MustCompile(`(?m)^touchline_escalation_calls_total\{[^}]*\} (\d+)$`).FindAllStringSubmatch(body, -1) {
		var v int
		if _, err := fmt.Sscan(m[1], &v); err != nil {
			p.t.Fatal(err)
		}
		n += v
	}
	return n
}

// TestReplicasEscalateOnce has two replicas with one database share an incident.
// Each step is carried out once; when the replica that has called first is killed
// the other one goes on in time; who acknowledges at one stops the other.
func TestReplicasEscalateOnce(t *testing.T) {
	t.Setenv("TOUCHLINE_STATE_URL", statetest.PostgresURL(t))
	ph, conf := newPhones(t), t.TempDir()
	write(t, conf, "rules.yml", "groups: [{name: g, interval: 1s, rules: [{alert: Hot, expr: vector(1), labels: {severity: critical}}]}]\n")
	write(t, conf, "prometheus.yml", "rule_files: [rules.yml]\n")
	am := "route: {receiver: ops, group_by: [alertname], group_wait: 100ms, group_interval: 1s}\nreceivers:\n"
	for _, name := range []string{"ops", "first", "second", "third"} {
		am += fmt.Sprintf("- {name: %s, webhook_configs: [{url: %q}]}\n", name, ph.url+"/"+name)
	}
	write(t, conf, "alertmanager.yml", am)
	write(t, conf, "touchline.yaml", `
escalations:
  - name: critical
    match: [severity="critical"]
    steps:
      - {wait: 2s, receivers: [first]}
      - {wait: 8s, receivers: [second]}
      - {wait: 8s, receivers: [third]}
`)
	addrs := []string{freePort(t), freePort(t)}
	start := func(i int, dir string) *process {
		return launch(t, dir, "--config.file="+filepath.Join(conf, "touchline.yaml"), "--sources.enabled=false", "--stack.enabled=false",
			"--prometheus.config="+filepath.Join(conf, "prometheus.yml"), "--alertmanager.config="+filepath.Join(conf, "alertmanager.yml"),
			"--cluster.listen-address="+addrs[i], "--cluster.peer="+addrs[1-i], "--cluster.peer-timeout=2s")
	}
	dead, alive := start(0, t.TempDir()), start(1, t.TempDir())
	killed := 0
	alive.until(20*time.Second, "the first step", func() bool { return ph.count("first", "Hot firing") > 0 })
	alive.until(10*time.Second, "the note of it", func() bool { return hasEvent(alive.incident(1), incident.EventEscalated) })
	if a, b := dead.calls(), alive.calls(); a+b != 1 {
		t.Fatalf("the replicas have called %d and %d times", a, b)
	} else if b == 1 {
		dead, alive, killed = alive, dead, 1
	}
	if a, b := dead.incident(1), alive.incident(1); len(dead.incidents()) != 1 || len(alive.incidents()) != 1 || a.OpenedAt != b.OpenedAt || len(a.Timeline) == 0 {
		t.Errorf("the replicas tell of different incidents:\n%+v\n%+v", a, b)
	}
	escalated := func() (at []time.Time) {
		for _, e := range alive.incident(1).Timeline {
			if e.Kind == incident.EventEscalated {
				at = append(at, e.At)
			}
		}
		return at
	}
	dead.kill()
	alive.until(25*time.Second, "the second step by the other replica", func() bool { return len(escalated()) == 2 })
	if at := escalated(); at[1].Sub(at[0]) > 8*time.Second+3*time.Second {
		t.Errorf("the second step came %s after the first, and was due after 8s", at[1].Sub(at[0]))
	}
	again := start(killed, dead.dir)
	if code := again.change("incidents/1/acknowledge", "", nil); code != http.StatusOK {
		t.Fatalf("acknowledge: %d", code)
	}
	<-time.After(12 * time.Second) // past the third step
	for name, want := range map[string]int{"first": 1, "second": 1, "third": 0} {
		if n := ph.count(name, "Hot firing"); n != want {
			t.Errorf("%s was called %d times, want %d", name, n, want)
		}
	}
	if d := alive.incident(1); d.State != incident.Acknowledged || len(alive.incidents()) != 1 {
		t.Errorf("at the other replica: %+v", d.Incident)
	}
	again.stop()
	alive.stop()
}

// TestReplicasShareOverrides has somebody stand in at one replica, and taken back
// at it: the other one follows.
func TestReplicasShareOverrides(t *testing.T) {
	t.Setenv("TOUCHLINE_STATE_URL", statetest.PostgresURL(t))
	own := write(t, t.TempDir(), "touchline.yaml", `
people: {anna: {receivers: [none]}, li: {receivers: [none]}}
schedules: {primary: {time_zone: UTC, layers: [{people: [anna], rotation: weekly, start: 2026-01-05T09:00}]}}
`)
	start := func() *process {
		return launch(t, t.TempDir(), "--config.file="+own, "--sources.enabled=false", "--stack.enabled=false")
	}
	one, other := start(), start()
	const path = "schedules/primary/overrides"
	onCall := func(who string) func() bool {
		return func() bool {
			_, body := other.get("/touchline/v1/schedules")
			return strings.Contains(body, `"on_call":["`+who+`"]`)
		}
	}
	other.until(10*time.Second, "anna on call", onCall("anna"))
	now := time.Now().UTC()
	var made struct{ ID int64 }
	if code := one.change(path, fmt.Sprintf(`{"person":"li","from":%q,"to":%q}`, now.Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339)), &made); code != http.StatusOK {
		t.Fatalf("have li stand in: %d", code)
	}
	other.until(10*time.Second, "li on call at the other replica", onCall("li"))
	if code, body := one.do(http.MethodDelete, fmt.Sprintf("/touchline/v1/%s/%d", path, made.ID), "", nil, map[string]string{"Authorization": "Bearer " + one.token}); code/100 != 2 {
		t.Fatalf("take it back: %d %s", code, body)
	}
	other.until(10*time.Second, "anna on call again", onCall("anna"))
	one.stop()
	other.stop()
}
