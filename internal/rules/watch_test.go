package rules

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/rules"
)

// scene runs our manager over rules of a test, in a bubble with a clock of its own.
type scene struct {
	*history
}

func stage(t *testing.T, ruleFile string, f func(*scene)) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	file := "rules.yml" // a group's slot follows from its file's name
	if err := os.WriteFile(file, []byte(ruleFile), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := &scene{&history{t: t, dir: dir, file: file, value: map[string]float64{}, known: map[string]bool{}, newest: map[string]int64{}, last: map[string]int64{}, whole: map[string]bool{}}}
		s.start()
		defer func() { // also after a t.Fatal, or the bubble has goroutines left and panics
			if err := s.m.Close(); err != nil {
				t.Error(err)
			}
			s.sm.Stop()
			synctest.Wait()
		}()
		f(s)
	})
}

// put commits samples of one target, given as name and value, at this moment.
func (s *scene) put(target string, kv map[string]float64) {
	var b []sample
	for k, v := range kv {
		b = append(b, sample{k, target, timestamp.FromTime(time.Now()), v})
	}
	s.commit(b)
	synctest.Wait()
}

func (s *scene) wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// told lists the notifications of a world in order, as "NAME firing" or "NAME resolved".
func (w *world) told() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, n := range w.fired {
		_, name, _ := strings.Cut(n.alert, `alertname="`)
		name, _, _ = strings.Cut(name, `"`)
		if n.ended {
			name += " resolved"
		} else {
			name += " firing"
		}
		out = append(out, name)
	}
	return out
}

const oneRule = `
groups:
- name: g
  interval: 60s
  rules:
  - {alert: High, expr: m > 5}
  - {alert: Held, expr: m > 5, for: 90s}
  - {alert: Kept, expr: m > 5, keep_firing_for: 150s}
`

func TestFaultIsToldBeforeAnyTick(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.wait(70 * time.Second)
		s.put("x/1", map[string]float64{"m": 9})
		if got := s.ours.told(); !slices.Equal(got, []string{"High firing", "Kept firing"}) && !slices.Equal(got, []string{"Kept firing", "High firing"}) {
			t.Errorf("told %v right after the commit", got)
		}
		if got := s.stock.told(); len(got) > 0 {
			t.Errorf("Prometheus itself told %v: the test shows nothing", got)
		}
	})
}

func TestOneSampleFaultIsToldAndClearedByTheTick(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.wait(61 * time.Second)
		s.put("x/1", map[string]float64{"m": 9})
		s.wait(time.Second)
		s.put("x/1", map[string]float64{"m": 1})
		if st := s.ours.states(); st[`{alertname="High", instance="1", job="x"}`] != rules.StateFiring {
			t.Errorf("a good sample cleared it before the tick: %v", st)
		}
		s.wait(2 * time.Minute)
		if got := s.ours.told(); !slices.Contains(got, "High firing") || !slices.Contains(got, "High resolved") {
			t.Errorf("told %v", got)
		}
		if got := s.stock.told(); len(got) > 0 {
			t.Errorf("Prometheus saw it too (%v): the test shows nothing", got)
		}
	})
}

func TestForEndsByItsTimer(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.wait(62 * time.Second)
		s.put("x/1", map[string]float64{"m": 9})
		begun := time.Now()
		for range 89 {
			s.wait(time.Second)
			s.put("x/1", map[string]float64{"m": 9})
		}
		if slices.Contains(s.ours.told(), "Held firing") {
			t.Fatal("it fired before its time")
		}
		s.wait(time.Until(begun.Add(90 * time.Second)))
		if !slices.Contains(s.ours.told(), "Held firing") {
			t.Error("it did not fire when its time had come")
		}
	})
}

// keep_firing_for began anew, or was lost, with a restart.
// https://github.com/prometheus/prometheus/issues/13957
func TestRestartKeepsPendingAndKept(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.wait(62 * time.Second)
		s.put("x/1", map[string]float64{"m": 9})
		begun := time.Now()
		reopen := func() {
			if err := s.m.Close(); err != nil {
				t.Fatal(err)
			}
			s.open()
			synctest.Wait()
		}
		s.wait(30 * time.Second)
		s.put("x/1", map[string]float64{"m": 9})
		reopen()
		for time.Since(begun) < 89*time.Second {
			s.wait(time.Second)
			s.put("x/1", map[string]float64{"m": 9})
		}
		s.wait(time.Until(begun.Add(90*time.Second + time.Millisecond)))
		if !slices.Contains(s.ours.told(), "Held firing") {
			t.Error("a pending alert started over with a restart")
		}
		s.put("x/1", map[string]float64{"m": 1})
		s.wait(70 * time.Second) // a tick has seen it
		reopen()
		kept := func() bool {
			return s.ours.states()[`{alertname="Kept", instance="1", job="x"}`] == rules.StateFiring
		}
		s.wait(65 * time.Second)
		if !kept() {
			t.Error("keep_firing_for was lost with a restart")
		}
		s.wait(3 * time.Minute)
		if kept() {
			t.Error("keep_firing_for began anew with a restart")
		}
	})
}

func TestFutureSamplesWaitForTheirTime(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.wait(61 * time.Second)
		s.commit([]sample{{"m", "x/1", timestamp.FromTime(time.Now().Add(5 * time.Second)), 9}})
		s.wait(4 * time.Second)
		if got := s.ours.told(); len(got) > 0 {
			t.Fatalf("told %v before the sample's time", got)
		}
		s.wait(1001 * time.Millisecond)
		if got := s.ours.told(); !slices.Contains(got, "High firing") {
			t.Errorf("told %v at the sample's time", got)
		}
	})
}

func TestBackfillIsLeftToTheTick(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.wait(10 * time.Minute)
		s.commit([]sample{{"m", "x/1", timestamp.FromTime(time.Now().Add(-3 * time.Minute)), 9}})
		synctest.Wait()
		if got := s.ours.told(); len(got) > 0 {
			t.Errorf("an old sample told %v on arrival", got)
		}
		s.wait(61 * time.Second)
		if got := s.ours.told(); !slices.Contains(got, "High firing") {
			t.Errorf("the tick told %v", got)
		}
	})
}

func TestLimitIsLeftToTheTick(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  limit: 2
  rules:
  - {alert: High, expr: m > 5}
`, func(s *scene) {
		s.wait(61 * time.Second)
		for _, target := range []string{"x/1", "x/2"} {
			s.put(target, map[string]float64{"m": 9})
		}
		if got := s.ours.told(); len(got) != 2 {
			t.Fatalf("told %v", got)
		}
		s.put("x/3", map[string]float64{"m": 9})
		if got := s.ours.told(); len(got) != 2 {
			t.Errorf("told %v over the limit", got)
		}
		if n := len(s.ours.states()); n != 2 {
			t.Errorf("%d alerts are active, want the 2 of before", n)
		}
	})
}

func TestDisabledGroupWaitsForItsTick(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.m.arrivals.o.Arrival = func(string, string) Arrival { return ArrivalDisabled }
		s.load()
		s.wait(61 * time.Second)
		s.put("x/1", map[string]float64{"m": 9})
		if got := s.ours.told(); len(got) > 0 {
			t.Errorf("told %v on arrival", got)
		}
		s.wait(61 * time.Second)
		if got := s.ours.told(); !slices.Contains(got, "High firing") {
			t.Errorf("the tick told %v", got)
		}
		if a := s.m.Arrivals(); a[0].Class != "tick" || !strings.Contains(a[0].Reason, "disabled") {
			t.Errorf("got class %s, reason %s", a[0].Class, a[0].Reason)
		}
	})
}

// A clock that jumps must neither clear nor fire anything by itself.
func TestClockThatJumps(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		stage(t, oneRule, func(s *scene) {
			s.wait(61 * time.Second)
			s.put("x/1", map[string]float64{"m": 9})
			before := s.ours.states()
			s.jump.Store(int64(jump))
			s.put("x/2", map[string]float64{"m": 1})
			s.put("x/1", map[string]float64{"m": 9})
			s.commit([]sample{{"m", "x/3", timestamp.FromTime(time.Now().Add(jump)), 9}})
			synctest.Wait()
			after := s.ours.states()
			for a, st := range before {
				if after[a] != st {
					t.Errorf("a jump of %s made %s %s, which was %s", jump, a, after[a], st)
				}
			}
			s.jump.Store(0)
			s.wait(2 * time.Second)
		})
	}
}

// A notification that nobody took must not wait for the resend delay.
// https://github.com/prometheus/prometheus/issues/10457
func TestRefusedNotificationGoesWithTheNextTick(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.wait(61 * time.Second)
		refuse := func(v bool) {
			s.ours.mu.Lock()
			defer s.ours.mu.Unlock()
			s.ours.refuse = v
		}
		refuse(true)
		s.put("x/1", map[string]float64{"m": 9})
		refuse(false)
		s.wait(time.Minute)
		if got := s.ours.told(); !slices.Contains(got, "High firing") {
			t.Errorf("the tick after a refused arrival told %v", got)
		}
		refuse(true)
		s.put("x/1", map[string]float64{"m": 1})
		s.wait(time.Minute)
		refuse(false)
		s.wait(time.Minute)
		if got := s.ours.told(); !slices.Contains(got, "High resolved") {
			t.Errorf("the tick after a refused tick told %v", got)
		}
	})
}
