package rules

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/model/timestamp"
)

// The end of `for` is asked for by time also where a group is eager, and where
// the series of another element are incomplete.
func TestForEndsByItsTimerInEveryMode(t *testing.T) {
	for _, kind := range []string{"plain", "eager", "dead neighbour"} {
		stage(t, `
groups:
- name: g
  interval: 5m
  rules:
  - {alert: Sum, expr: sum by (job) (m) > 10, for: 90s}
`, func(s *scene) {
			if kind == "eager" {
				if err := s.m.Close(); err != nil {
					t.Error(err)
				}
				s.tune = func(o *Options) { o.Arrival = func(string, string) Arrival { return ArrivalEager } }
				s.open()
			}
			both := func(job string, v float64) {
				now := timestamp.FromTime(time.Now())
				s.scraped([]sample{{"m", job + "/1", now, v}, {"m", job + "/2", now, v}})
				synctest.Wait()
			}
			s.untilTick(-time.Second)
			both("x", 1)
			both("y", 1)
			s.wait(2 * time.Second)
			if kind == "dead neighbour" {
				s.put("y/1", map[string]float64{"m": 1})
			}
			begun := time.Now()
			for range 4 {
				both("x", 9)
				s.wait(60 * time.Second)
			}
			if got := s.ours.after(begun, "Sum"); len(got) == 0 || got[0] != 90*time.Second {
				t.Errorf("%s: fired after %v, with for 90s", kind, got)
			}
		})
	}
}
