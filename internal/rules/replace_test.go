package rules

import (
	"fmt"
	"os"
	"slices"
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

// A reload reads the stored series of rules that have changed, once for each
// selector, and leaves those alone that no changed recording rule has to do with.
func TestReloadReadsWhatHasChanged(t *testing.T) {
	const base = `
groups:
- name: recorded
  interval: 60s
  rules:
  - {record: 'job:m:sum', expr: sum by (job) (m)}
  - {record: 'job:a:sum', expr: %s}
- name: alerts of m
  interval: 60s
  rules:
  - {alert: M, expr: 'job:m:sum > 20'}
  - {alert: Sum, expr: 'sum by (job) (m) > 20'}
- name: alerts of a
  interval: 60s
  rules:
  - {alert: A, expr: 'job:a:sum > 20'}
  - {alert: Other, expr: 'max by (job) (%s) > 20'}
`
	stage(t, fmt.Sprintf(base, "sum by (job) (a)", "b"), func(s *scene) {
		for i := range 10 {
			s.put(fmt.Sprintf("x/%d", i), map[string]float64{"m": 1, "a": 1, "b": 1})
		}
		watched := func(name string) *watched {
			for _, w := range s.m.arrivals.set.Load().all {
				if w.rule.Name() == name {
					return w
				}
			}
			t.Fatalf("no rule %s", name)
			return nil
		}
		for _, tc := range []struct {
			recording, selected string
			kept                []string
			read                int64
		}{
			{"max by (job) (a)", "b", []string{"M", "Sum"}, 20}, // a for A, b for Other
			{"max by (job) (a)", "a", []string{"M", "Sum"}, 10}, // a for both
			{"max by (job) (a)", "a", []string{"M", "Sum", "A", "Other"}, 0},
		} {
			before := map[string]any{}
			for _, name := range []string{"M", "Sum", "A", "Other"} {
				before[name] = watched(name)
			}
			if err := os.WriteFile(s.file, fmt.Appendf(nil, base, tc.recording, tc.selected), 0o600); err != nil {
				t.Fatal(err)
			}
			read := s.ours.store.read.Load()
			s.load()
			if n := s.ours.store.read.Load() - read; n != tc.read {
				t.Errorf("%s, %s: %d series were read, want %d", tc.recording, tc.selected, n, tc.read)
			}
			for name, w := range before {
				if kept := w == watched(name); kept != slices.Contains(tc.kept, name) {
					t.Errorf("%s, %s: %s is kept as it is: %t", tc.recording, tc.selected, name, kept)
				}
			}
			s.wait(time.Second)
		}
	})
}
