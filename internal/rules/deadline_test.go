package rules

import (
	"fmt"
	"strings"
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

// Many pending alerts whose `for` ends one after the other, or at once, cost no
// more than their own series, and the templates of no other are filled in.
func TestDeadlinesOfManyAlertsCostTheirOwnSeries(t *testing.T) {
	const rule = `
groups:
- name: g
  interval: 10m
  rules:
  - {alert: Held, expr: m > 5, for: 30s, annotations: {filled: '{{ query "probe" }}'}}
  - {alert: Sums, expr: 'sum by (job, instance) (m) > 5', for: 30s, annotations: {filled: '{{ query "probe" }}'}}
`
	for _, tc := range []struct {
		n       int
		between time.Duration
		queries int64 // at most, for each rule
	}{{60, 7 * time.Millisecond, 60}, {240, 7 * time.Millisecond, 240}, {240, 0, 40}} {
		stage(t, rule, func(s *scene) {
			s.m.arrivals.raised = nil // it asks for the whole result
			s.untilTick(time.Second)
			begun := map[string]time.Time{}
			for i := range tc.n {
				target := fmt.Sprintf("x/%d", i)
				begun[fmt.Sprint(i)] = time.Now()
				s.scraped([]sample{{"m", target, timestamp.FromTime(time.Now()), 9}})
				if tc.between > 0 || i == tc.n-1 {
					synctest.Wait()
					s.wait(tc.between)
				}
			}
			queries := func() (n []int64) {
				for _, a := range s.m.Arrivals() {
					n = append(n, a.Confirmations)
				}
				return n
			}
			before, read, probed := queries(), s.ours.store.read.Load(), s.ours.store.probed.Load()
			s.wait(31 * time.Second)
			for i, n := range queries() {
				if n -= before[i]; n > tc.queries {
					t.Errorf("%d alerts, %s apart: rule %d was evaluated %d times", tc.n, tc.between, i, n)
				}
			}
			if n := (s.ours.store.read.Load() - read) / int64(tc.n); n > 2*fewOf {
				t.Errorf("%d alerts, %s apart: %d series were read for each", tc.n, tc.between, n)
			}
			if n := s.ours.store.probed.Load() - probed; n > 0 {
				t.Errorf("%d alerts, %s apart: %d templates were filled in", tc.n, tc.between, n)
			}
			fired := 0
			for _, f := range s.ours.fired {
				at := begun[labelOf(f.alert, "instance")].Add(30 * time.Second)
				if fired++; f.at.Before(at) || f.at.After(at.Add(2*joinDeadlines)) {
					t.Errorf("%s fired %s after its time", f.alert, f.at.Sub(at))
				}
			}
			if fired != 2*tc.n {
				t.Errorf("%d alerts of %d fired", fired, 2*tc.n)
			}
		})
	}
}

func labelOf(ls, name string) string {
	_, v, _ := strings.Cut(ls, name+`="`)
	v, _, _ = strings.Cut(v, `"`)
	return v
}

// A clock that goes back makes the timer come too early: it is set again, and
// nothing is asked ahead of its time.
func TestDeadlineSurvivesAClockThatGoesBack(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 10m
  rules:
  - {alert: Held, expr: m > 5, for: 30s}
`, func(s *scene) {
		s.untilTick(time.Minute)
		begun := time.Now()
		s.put("x/1", map[string]float64{"m": 9})
		s.wait(time.Second)
		s.jump.Store(int64(-10 * time.Second))
		s.wait(30 * time.Second)
		if got := s.ours.told(); len(got) > 0 {
			t.Errorf("told %v, 21 s after it began by the clock", got)
		}
		if n := s.m.Arrivals()[0].Confirmations; n != 1 {
			t.Errorf("evaluated %d times, once when it began", n)
		}
		s.wait(time.Until(begun.Add(40*time.Second + time.Millisecond)))
		if got := s.ours.after(begun, "Held"); len(got) != 1 || got[0] != 40*time.Second {
			t.Errorf("fired after %v, with for 30s and a clock that went back by 10s", got)
		}
		s.jump.Store(0)
	})
}
