package rules

import (
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// A group begins to run while the stored series of the new rules are still being
// read: its first tick waits for the rules to be in force, or arrivals would not
// know of it.
func TestFirstTickWaitsForTheRulesToBeInForce(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.untilTick(time.Second)
		const text = `
groups:
- name: slow
  interval: 60s
  rules:
  - {alert: Slow, expr: count(slow) > 1}
- name: new
  interval: 15s
  rules:
  - {alert: High, expr: m > 5}
`
		if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
			t.Error(err)
			return
		}
		s.ours.store.slow.Store(time.Now().Add(50 * time.Second).UnixNano())
		s.load()
		synctest.Wait()
		seen := 0
		for _, w := range s.m.arrivals.set.Load().all {
			last := w.group.GetLastEvalTimestamp()
			if !last.IsZero() {
				seen++
			}
			if !w.lastTick.Equal(last) {
				t.Errorf("the last tick of %s was at %s, and its rule knows of one at %s", w.group.Name(), last, w.lastTick)
			}
		}
		if seen == 0 {
			t.Error("no tick came while the rules were replaced: the test shows nothing")
		}
	})
}
