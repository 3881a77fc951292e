package rules

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/rules"
)

// What receivers are told of an alert after a restart has the value that it
// had, not one that nobody has measured.
func TestRestartKeepsTheValuesOfAlerts(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  rules:
  - {alert: Long, expr: m > 5, annotations: {summary: 'queue is {{ $value }}'}}
`, func(s *scene) {
		var mu sync.Mutex
		var said []string
		s.tune = func(o *Options) {
			notify := o.Notify
			o.Notify = func(ctx context.Context, expr string, as ...*rules.Alert) error {
				mu.Lock()
				defer mu.Unlock()
				for _, a := range as {
					what := "firing "
					if !a.ResolvedAt.IsZero() {
						what = "resolved "
					}
					said = append(said, what+a.Annotations.Get("summary"))
				}
				return notify(ctx, expr, as...)
			}
		}
		s.reopen()
		s.during(2*time.Minute, map[string]float64{"m": 30})
		s.during(2*time.Minute, map[string]float64{"m": 33}) // no state changes with it
		s.put("x/1", map[string]float64{"m": stale})
		mu.Lock()
		said = nil
		mu.Unlock()
		s.reopen()
		s.wait(3 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if !slices.Contains(said, "resolved queue is 33") || slices.ContainsFunc(said, func(x string) bool { return x != "firing queue is 33" && x != "resolved queue is 33" }) {
			t.Errorf("told after the restart: %q", said)
		}
	})
}
