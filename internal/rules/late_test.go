package rules

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// after lists how long after a moment a world told that an alert fires.
func (w *world) after(begun time.Time, alert string) (out []time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.fired {
		if strings.Contains(f.alert, `alertname="`+alert+`"`) && !f.ended && !f.at.Before(begun) {
			out = append(out, f.at.Sub(begun))
		}
	}
	return out
}

// heldSince puts a bad sample every second for a while, and checks that a pending
// alert fires when its time has come, not sooner, and no later than in Prometheus.
func (s *scene) heldSince(t *testing.T, hold, during time.Duration) {
	t.Helper()
	begun := time.Now()
	for time.Since(begun) < during {
		s.put("x/1", map[string]float64{"m": 9})
		s.wait(time.Second)
	}
	ours, stock := s.ours.after(begun, "Held"), s.stock.after(begun, "Held")
	switch {
	case len(ours) == 0 || len(stock) == 0:
		t.Errorf("fired after %v, in Prometheus after %v", ours, stock)
	case ours[0] < hold:
		t.Errorf("fired after %s, with for %s; in Prometheus after %s", ours[0], hold, stock[0])
	case ours[0] > stock[0]:
		t.Errorf("fired after %s, in Prometheus after %s", ours[0], stock[0])
	}
}

// A group begins to run after it has been loaded, maybe long after: `for` must
// not have begun with a tick that never was.
func TestForIsWholeWhereAGroupRunsLaterThanItWasLoaded(t *testing.T) {
	for _, gap := range []time.Duration{0, 2 * time.Second, 10 * time.Minute} {
		stage(t, `
groups:
- name: g
  interval: 60s
  rules:
  - {alert: Held, expr: m > 5, for: 55s}
`, func(s *scene) {
			if err := s.m.Close(); err != nil {
				t.Error(err)
			}
			s.untilTick(time.Second)
			s.untilTick(-time.Second)
			s.openWith(func() { <-time.After(gap); synctest.Wait() })
			s.wait(40 * time.Second)
			s.heldSince(t, 55*time.Second, 130*time.Second)
		})
	}
}
