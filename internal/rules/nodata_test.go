package rules

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/rules"
)

const highRule = `
groups:
- name: g
  interval: 60s
  rules:
  - {alert: High, expr: m > 5, annotations: {summary: too high}}
`

// ear notes what a manager tells at ticks.
type ear struct {
	mu   sync.Mutex
	said []string
	why  string // the newest annotation of an alert without data
}

// heard returns what has been said since the last call.
func (e *ear) heard() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.said
	e.said = nil
	return out
}

// reopen restarts the manager.
func (s *scene) reopen() {
	if err := s.m.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.open()
	synctest.Wait()
}

// listen restarts the manager with a way for alerts without data, and notes what it tells.
func (s *scene) listen(mode NoData) *ear {
	e := &ear{}
	s.tune = func(o *Options) {
		notify := o.Notify
		o.NoData = func(string, string) NoData { return mode }
		o.Notify = func(ctx context.Context, expr string, as ...*rules.Alert) error {
			e.mu.Lock()
			defer e.mu.Unlock()
			for _, a := range as {
				what := "firing"
				if !a.ResolvedAt.IsZero() {
					what = "resolved"
				}
				if why := a.Annotations.Get(NoDataAnnotation); why != "" {
					what += " without data"
					e.why = why
					if !strings.Contains(why, "1 of job x cannot be scraped; without data since 20") || a.Annotations.Get("summary") != "too high" || !a.ValidUntil.After(time.Now().Add(o.ResendDelay)) {
						s.t.Errorf("annotations %s, valid until %s", a.Annotations, a.ValidUntil)
					}
				}
				e.said = append(e.said, what)
			}
			return notify(ctx, expr, as...)
		}
	}
	s.reopen()
	return e
}

// during puts samples every half minute for some time.
func (s *scene) during(d time.Duration, kv map[string]float64) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		s.put("x/1", kv)
		s.wait(30 * time.Second)
	}
}

// loseData has an alert fire, breaks its target, and waits.
func (s *scene) loseData(d time.Duration) {
	s.wait(62 * time.Second)
	s.during(2*time.Minute, map[string]float64{"m": 9, "up": 1})
	s.put("x/1", map[string]float64{"m": stale, "up": 0})
	s.during(d, map[string]float64{"up": 0})
}

// That there is no data does not mean that all is well.
// https://github.com/prometheus/prometheus/issues/17482 and https://github.com/prometheus/alertmanager/issues/2264
func TestAlertWithoutDataIsKept(t *testing.T) {
	stage(t, highRule, func(s *scene) {
		told := s.listen(NoDataKeep)
		s.loseData(10 * time.Minute)
		if st := s.ours.states(); len(st) != 0 {
			t.Errorf("the alert's state is Prometheus's, which has none: %v", st)
		}
		if got := told.heard(); slices.Contains(got, "resolved") || got[len(got)-1] != "firing without data" {
			t.Errorf("told %q", got)
		}
		if n := s.m.restore.absent(); n != 1 {
			t.Errorf("%d alerts are kept", n)
		}
		// A restart goes on, also after Prometheus's memory of what has resolved.
		s.reopen()
		s.during(20*time.Minute, map[string]float64{"up": 0})
		if got := told.heard(); len(got) < 15 || slices.ContainsFunc(got, func(x string) bool { return x != "firing without data" }) {
			t.Errorf("told after the restart: %q", got)
		}
		s.during(3*time.Minute, map[string]float64{"m": 1, "up": 1})
		if got := told.heard(); !slices.Equal(got, []string{"resolved"}) || s.m.restore.absent() != 0 {
			t.Errorf("told when the target is back: %q", got)
		}
	})
}

// Since when there is no data is the time of the last scrape, not that of the
// evaluation which found none; the latter is late after a restart.
func TestAlertWithoutDataSaysSinceWhen(t *testing.T) {
	for _, restart := range []bool{false, true} {
		stage(t, highRule, func(s *scene) {
			told := s.listen(NoDataKeep)
			s.wait(62 * time.Second)
			s.during(2*time.Minute, map[string]float64{"m": 9, "up": 1})
			last := time.Now().Add(-30 * time.Second)
			if restart {
				if err := s.m.Close(); err != nil {
					t.Fatal(err)
				}
				s.wait(20 * time.Minute)
				s.open()
				synctest.Wait()
			}
			s.put("x/1", map[string]float64{"m": stale, "up": 0})
			s.during(3*time.Minute, map[string]float64{"up": 0})
			told.mu.Lock()
			defer told.mu.Unlock()
			if want := last.UTC().Format(time.RFC3339); !strings.HasSuffix(told.why, "without data since "+want) {
				t.Errorf("restart %t: %q, the last scrape was at %s", restart, told.why, want)
			}
		})
	}
}

func TestAlertOfATargetThatIsGoneResolves(t *testing.T) {
	stage(t, highRule, func(s *scene) {
		told := s.listen(NoDataKeep)
		s.loseData(3 * time.Minute)
		told.heard()
		s.put("x/1", map[string]float64{"up": stale})
		s.wait(65 * time.Second)
		if got := told.heard(); len(got) == 0 || got[0] != "resolved" {
			t.Errorf("told when the target is no longer discovered: %q", got)
		}
	})
}

func TestAlertWithoutDataFiresAgain(t *testing.T) {
	stage(t, highRule, func(s *scene) {
		told := s.listen(NoDataKeep)
		s.loseData(3 * time.Minute)
		s.during(3*time.Minute, map[string]float64{"m": 9, "up": 1})
		if got := told.heard(); slices.Contains(got, "resolved") || got[len(got)-1] != "firing" || s.m.restore.absent() != 0 {
			t.Errorf("told %q, %d alerts are kept", got, s.m.restore.absent())
		}
	})
}

func TestAlertWithoutDataResolvesAsInPrometheus(t *testing.T) {
	stage(t, highRule, func(s *scene) {
		told := s.listen(NoDataResolve)
		s.loseData(2 * time.Minute)
		if got := told.heard(); !slices.Contains(got, "resolved") {
			t.Errorf("told %q", got)
		}
	})
}
