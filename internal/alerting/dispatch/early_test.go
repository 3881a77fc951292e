package dispatch

import (
	"testing"
	"time"
)

// TestDebounce has urgent alerts come at a pace and counts the messages.
func TestDebounce(t *testing.T) {
	for _, c := range []struct {
		name          string
		every, during time.Duration
		limit         time.Duration
		most          int           // messages
		late          time.Duration // the longest that an alert waits
	}{
		{"a storm of 1,000 in a second", time.Millisecond, time.Second, 5 * time.Minute, 9, 700 * time.Millisecond},
		{"one a minute for a day", time.Minute, 24 * time.Hour, 5 * time.Minute, 1440, earlyFirst},
		{"one a second for an hour", time.Second, time.Hour, 5 * time.Minute, 220, 40 * time.Second},
		{"a group_interval below the pause", time.Millisecond, time.Second, time.Millisecond, 500, 2 * earlyFirst},
	} {
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		var b debounce
		var at, oldest time.Time
		messages, late := 0, time.Duration(0)
		flush := func() {
			messages++
			late = max(late, at.Sub(oldest))
			b.flushed(at, c.limit, 0)
			at = time.Time{}
		}
		for d := time.Duration(0); d < c.during; d += c.every {
			now := start.Add(d)
			if !at.IsZero() && !at.After(now) {
				flush()
			}
			if at.IsZero() {
				at, oldest = b.next(now, c.limit), now
			}
		}
		if !at.IsZero() {
			flush()
		}
		if messages > c.most || late > c.late {
			t.Errorf("%s: %d messages, want at most %d; one waited %v, want at most %v", c.name, messages, c.most, late, c.late)
		}
		t.Logf("%s: %d messages, at most %v late", c.name, messages, late)
	}
}

func TestPressure(t *testing.T) {
	var b debounce
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b.flushed(now, time.Minute, pressure(200))
	if at := b.next(now.Add(time.Millisecond), time.Minute); at.Sub(now) != 200*time.Millisecond {
		t.Errorf("with 200 lanes the second flush is %v after the first", at.Sub(now))
	}
	if p := pressure(1e6); p != maxPressure {
		t.Errorf("pressure of many lanes that hang is %v", p)
	}
}

func TestLaneSet(t *testing.T) {
	var s laneSet
	for _, n := range []int{0, 63, 64, 200} {
		s.add(n)
		if !s.has(n) || s.has(n+1) {
			t.Errorf("%d", n)
		}
	}
	s.remove(64)
	s.remove(999)
	if s.has(64) || s.len() != 3 || fill(70).len() != 70 {
		t.Errorf("%b", s)
	}
}
