package rules

import (
	"context"
	"slices"
	"strings"
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

// listen makes the manager keep alerts without data, and returns what it tells from now on.
func (s *scene) listen(mode NoData) *[]string {
	var out []string
	s.m.o.NoData = func(string, string) NoData { return mode }
	notify := s.m.o.Notify
	s.m.o.Notify = func(ctx context.Context, expr string, as ...*rules.Alert) error {
		for _, a := range as {
			what := "firing"
			if !a.ResolvedAt.IsZero() {
				what = "resolved"
			}
			if why := a.Annotations.Get(NoDataAnnotation); why != "" {
				what += " without data"
				if !strings.Contains(why, "1 of job x cannot be scraped; without data since 20") || a.Annotations.Get("summary") != "too high" || !a.ValidUntil.After(time.Now().Add(s.m.o.ResendDelay)) {
					s.t.Errorf("annotations %s, valid until %s", a.Annotations, a.ValidUntil)
				}
			}
			out = append(out, what)
		}
		return notify(ctx, expr, as...)
	}
	return &out
}

// during puts samples every half minute for some time.
func (s *scene) during(d time.Duration, kv map[string]float64) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		s.put("x/1", kv)
		s.wait(30 * time.Second)
	}
}

// That there is no data does not mean that all is well.
// https://github.com/prometheus/prometheus/issues/17482 and https://github.com/prometheus/alertmanager/issues/2264
func TestAlertWithoutDataIsKept(t *testing.T) {
	stage(t, highRule, func(s *scene) {
		told := s.listen(NoDataKeep)
		s.wait(62 * time.Second)
		s.during(2*time.Minute, map[string]float64{"m": 9, "up": 1})
		s.put("x/1", map[string]float64{"m": stale, "up": 0})
		s.during(10*time.Minute, map[string]float64{"up": 0})
		if st := s.ours.states(); len(st) != 0 {
			t.Errorf("the alert's state is Prometheus's, which has none: %v", st)
		}
		if slices.Contains(*told, "resolved") || (*told)[len(*told)-1] != "firing without data" {
			t.Errorf("told %q", *told)
		}
		if n := s.m.restore.absent(); n != 1 {
			t.Errorf("%d alerts are kept", n)
		}
		// A restart goes on, also after Prometheus's memory of what has resolved.
		if err := s.m.Close(); err != nil {
			t.Fatal(err)
		}
		s.open()
		told = s.listen(NoDataKeep)
		synctest.Wait()
		s.during(20*time.Minute, map[string]float64{"up": 0})
		if n := len(*told); n < 15 || slices.ContainsFunc(*told, func(x string) bool { return x != "firing without data" }) {
			t.Errorf("told after the restart: %q", *told)
		}
		*told = nil
		s.during(3*time.Minute, map[string]float64{"m": 1, "up": 1})
		if !slices.Equal(*told, []string{"resolved"}) || s.m.restore.absent() != 0 {
			t.Errorf("told when the target is back: %q", *told)
		}
	})
}

func TestAlertOfATargetThatIsGoneResolves(t *testing.T) {
	stage(t, highRule, func(s *scene) {
		told := s.listen(NoDataKeep)
		s.wait(62 * time.Second)
		s.during(2*time.Minute, map[string]float64{"m": 9, "up": 1})
		s.put("x/1", map[string]float64{"m": stale, "up": 0})
		s.during(3*time.Minute, map[string]float64{"up": 0})
		*told = nil
		s.put("x/1", map[string]float64{"up": stale})
		s.wait(65 * time.Second)
		if len(*told) == 0 || (*told)[0] != "resolved" {
			t.Errorf("told when the target is no longer discovered: %q", *told)
		}
	})
}

func TestAlertWithoutDataFiresAgain(t *testing.T) {
	stage(t, highRule, func(s *scene) {
		told := s.listen(NoDataKeep)
		s.wait(62 * time.Second)
		s.during(2*time.Minute, map[string]float64{"m": 9, "up": 1})
		s.put("x/1", map[string]float64{"m": stale, "up": 0})
		s.during(3*time.Minute, map[string]float64{"up": 0})
		s.during(3*time.Minute, map[string]float64{"m": 9, "up": 1})
		if slices.Contains(*told, "resolved") || (*told)[len(*told)-1] != "firing" || s.m.restore.absent() != 0 {
			t.Errorf("told %q, %d alerts are kept", *told, s.m.restore.absent())
		}
	})
}

func TestAlertWithoutDataResolvesAsInPrometheus(t *testing.T) {
	stage(t, highRule, func(s *scene) {
		told := s.listen(NoDataResolve)
		s.wait(62 * time.Second)
		s.during(2*time.Minute, map[string]float64{"m": 9, "up": 1})
		s.put("x/1", map[string]float64{"m": stale, "up": 0})
		s.during(2*time.Minute, map[string]float64{"up": 0})
		if !slices.Contains(*told, "resolved") {
			t.Errorf("told %q", *told)
		}
	})
}
