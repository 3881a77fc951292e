//go:build e2e

package e2e

import (
	"encoding/json"
	"testing"
	"time"
)

// TestHealthyMachineIsSilent watches this machine with everything on and as it
// ships. It runs before the tests that load the machine, and alone: whatever is
// told in these minutes, or is about to be at their end, is a false alarm.
func TestHealthyMachineIsSilent(t *testing.T) {
	u, got := sink(t)
	p := launch(t, t.TempDir(), "--alertmanager.config="+write(t, t.TempDir(), "alertmanager.yml", alertmanager(u)))
	expect(t, got, "firing Watchdog", 20*time.Second)
	end := time.After(130 * time.Second)
	for silent := true; silent; {
		select {
		case g := <-got:
			if g != "firing Watchdog" {
				t.Errorf("told: %s\n%s", g, p.alerts())
			}
		case <-end:
			silent = false
		}
	}
	var out struct {
		Data struct {
			Alerts []struct {
				Labels      map[string]string
				Annotations map[string]string
				State       string
			}
		}
	}
	if err := json.Unmarshal([]byte(p.alerts()), &out); err != nil {
		t.Fatal(err)
	}
	if len(out.Data.Alerts) == 0 {
		t.Error("not even the Watchdog is there")
	}
	for _, a := range out.Data.Alerts {
		if a.Labels["alertname"] != "Watchdog" {
			t.Errorf("%s: %v: %s", a.State, a.Labels, a.Annotations["description"])
		}
	}
	for _, q := range []string{"count(up)", "count(ALERTS)", "sum(touchline_rules_evaluations_total) or sum(prometheus_rule_evaluations_total)"} {
		t.Logf("%s = %s", q, p.value(q))
	}
}

func (p *process) alerts() string {
	_, body := p.get("/api/v1/alerts")
	return body
}
