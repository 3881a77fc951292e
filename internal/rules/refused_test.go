package rules

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/model/timestamp"
)

// A sample that a tick has looked past raises nothing, and does not keep the
// next one from doing so. So it is for rules over one series, and over several.
func TestSampleAfterARefusedOneIsLookedAt(t *testing.T) {
	for _, expr := range []string{"m > 5", "abs(m) > 5", "sum by (job) (m) > 5"} {
		stage(t, "groups: [{name: g, interval: 60s, rules: [{alert: High, expr: '"+expr+"'}]}]", func(s *scene) {
			s.put("x/1", map[string]float64{"m": 1})
			s.untilTick(time.Second)
			s.untilTick(-10 * time.Second)
			s.put("x/1", map[string]float64{"m": 9})
			s.wait(2 * time.Second)
			s.put("x/1", map[string]float64{"m": 1})
			s.untilTick(20 * time.Millisecond)
			if got := s.ours.told(); !slices.Equal(got, []string{"High firing", "High resolved"}) {
				t.Fatalf("%s: told %v", expr, got)
			}
			// Scraped just before the tick, committed just after it.
			s.commit([]sample{{"m", "x/1", timestamp.FromTime(time.Now()) - 25, 9}})
			synctest.Wait()
			if got := s.ours.told(); len(got) != 2 {
				t.Errorf("%s: told %v of what the tick has cleared", expr, got)
			}
			s.wait(time.Second)
			s.put("x/1", map[string]float64{"m": 9})
			if got := s.ours.told(); len(got) != 3 {
				t.Errorf("%s: told %v when it was bad again", expr, got)
			}
		})
	}
}
