package rules

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/rules"
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

// A group that is late leaves out the slots that it has missed: a pending alert
// that begins meanwhile has not been pending since the first of them.
func TestForIsWholeWhereATickIsLate(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  rules:
  - {alert: Held, expr: m > 5, for: 2m}
  - {alert: Slow, expr: vector(1)}
  - {alert: HeldAfter, expr: m > 5, for: 2m}
`, func(s *scene) {
		if err := s.m.Close(); err != nil {
			t.Error(err)
		}
		var slow atomic.Bool
		slow.Store(true)
		s.tune = func(o *Options) {
			notify := o.Notify
			o.Notify = func(ctx context.Context, expr string, as ...*rules.Alert) error {
				if strings.HasPrefix(expr, "vector") && slow.Swap(false) {
					<-time.After(290 * time.Second)
				}
				return notify(ctx, expr, as...)
			}
		}
		s.open()
		s.untilTick(240 * time.Second)
		s.heldSince(t, 2*time.Minute, 250*time.Second)
		if got := s.ours.after(time.Now().Add(-250*time.Second), "HeldAfter"); len(got) == 0 || got[0] < 2*time.Minute {
			t.Errorf("the rule that the tick has yet to come to fired after %v", got)
		}
	})
}

// What is raised after a suspend, or a step of the clock, begins then, and is
// told for a while from then.
func TestAlertsRaisedAfterAJumpBeginThen(t *testing.T) {
	stage(t, oneRule, func(s *scene) {
		s.untilTick(8 * time.Second)
		const jump = time.Hour
		s.jump.Store(int64(jump))
		s.commit([]sample{{"m", "x/3", timestamp.FromTime(time.Now().Add(jump)), 9}})
		synctest.Wait()
		now := time.Now().Add(jump)
		seen := 0
		for _, r := range s.ours.rules() {
			r.ForEachActiveAlert(func(a *rules.Alert) {
				seen++
				if age := now.Sub(a.ActiveAt); age > time.Minute || r.HoldDuration() > 0 && age > 0 {
					t.Errorf("%s is %s, active since %s ago", r.Name(), a.State, age)
				}
				if a.State == rules.StateFiring && !a.ValidUntil.After(now) {
					t.Errorf("%s was told until %s before now", r.Name(), now.Sub(a.ValidUntil))
				}
			})
		}
		if seen != 3 {
			t.Errorf("%d alerts are active, want 3", seen)
		}
		s.jump.Store(0)
	})
}
