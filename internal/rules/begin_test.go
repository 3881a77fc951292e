package rules

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/model/timestamp"

	"touchline.dev/touchline/internal/rules/arrival"
)

const tooFew = `
groups:
- name: g
  interval: 60s
  rules:
  - {alert: TooFew, expr: 'count by (job) (up == 1) < 3'}
`

// round scrapes three targets one after the other.
func (s *scene) round(between time.Duration) {
	for _, target := range []string{"x/1", "x/2", "x/3"} {
		s.scraped([]sample{{"up", target, timestamp.FromTime(time.Now()), 1}})
		synctest.Wait()
		s.wait(between)
	}
}

// untilTick lets time pass until a moment before, or after, the next tick of the group.
func (s *scene) untilTick(after time.Duration) {
	g := s.stock.group()[0]
	next := g.EvalTimestamp(time.Now().UnixNano()).Add(g.Interval())
	if !next.Add(after).After(time.Now()) {
		next = next.Add(g.Interval())
	}
	s.wait(time.Until(next.Add(after)))
}

// The first of three healthy targets is not "fewer than three": the others have not been scraped yet.
func TestFirstScrapesOfAJobRaiseNothing(t *testing.T) {
	stage(t, tooFew, func(s *scene) {
		s.untilTick(time.Second)
		for range 4 {
			s.round(20 * time.Millisecond)
			s.wait(15 * time.Second)
		}
		if got := s.ours.told(); len(got) > 0 {
			t.Errorf("told %v of three healthy targets; Prometheus told %v", got, s.stock.told())
		}
	})
}

// After a downtime the storage knows only some of the series, or none.
func TestFirstScrapesAfterADowntimeRaiseNothing(t *testing.T) {
	for _, down := range []time.Duration{2 * time.Minute, 4*time.Minute + 50*time.Second, 6 * time.Minute} {
		stage(t, tooFew, func(s *scene) {
			s.untilTick(time.Second)
			for range 10 {
				s.round(4 * time.Second)
				s.wait(3 * time.Second)
			}
			if err := s.m.Close(); err != nil {
				t.Error(err)
			}
			s.wait(down)
			s.untilTick(time.Second)
			s.ours.fired, s.stock.fired = nil, nil
			s.open()
			for range 10 {
				s.round(4 * time.Second)
				s.wait(3 * time.Second)
			}
			if got := s.ours.told(); len(got) > 0 {
				t.Errorf("after %s: told %v of three healthy targets; Prometheus told %v", down, got, s.stock.told())
			}
		})
	}
}

// A sender spreads the first scrape of a target over two requests.
func TestFirstRequestOfANewTargetRaisesNothing(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  rules:
  - {alert: Ratio, expr: 'm / n > 0.5 or m unless n'}
  - {alert: Unless, expr: 'm unless n'}
  - {alert: Sum, expr: 'm + on (job, instance) (n or 0 * m) < 5'}
`, func(s *scene) {
		s.untilTick(time.Second)
		now := timestamp.FromTime(time.Now())
		s.commit([]sample{{"m", "x/1", now, 1}})
		synctest.Wait()
		s.commit([]sample{{"n", "x/1", now, 10}})
		s.wait(70 * time.Second)
		if got := s.ours.told(); len(got) > 0 {
			t.Errorf("told %v of half of a scrape; Prometheus told %v", got, s.stock.told())
		}
	})
}

// Our own scrape brings a target whole: a rule over one target waits for nothing.
func TestFirstScrapeOfATargetIsJudgedAtOnce(t *testing.T) {
	stage(t, `
groups:
- name: g
  interval: 60s
  rules:
  - {alert: Ratio, expr: 'm / n > 0.5'}
`, func(s *scene) {
		s.untilTick(time.Second)
		now := timestamp.FromTime(time.Now())
		s.scraped([]sample{{"m", "x/1", now, 9}, {"n", "x/1", now, 10}})
		synctest.Wait()
		if got := s.ours.told(); len(got) != 1 {
			t.Errorf("told %v right after the first scrape", got)
		}
		if c := s.m.Arrivals()[0].Class; c != arrival.Target.String() {
			t.Errorf("class %s", c)
		}
	})
}
