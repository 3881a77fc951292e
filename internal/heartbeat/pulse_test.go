package heartbeat

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestPulse(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const interval, resend = 15 * time.Second, time.Minute
	for _, c := range []struct {
		name         string
		after        time.Duration // the start
		stored, seen time.Duration // before now; 0 for never
		failed       string
		interval     time.Duration
		err          error
		reason, says string // "" for alive
	}{
		{name: "all is well", after: time.Hour, stored: 10 * time.Second, seen: 50 * time.Second},
		{name: "just started", after: time.Second, reason: Starting, says: "evaluated"},
		{name: "just started and stored", after: 16 * time.Second, stored: time.Second, reason: Starting, says: "dispatched"},
		{name: "third evaluation is due", after: 59 * time.Second, seen: 40 * time.Second, reason: Starting, says: "evaluated"},
		{name: "soon alive", after: 16 * time.Second, stored: time.Second, seen: time.Second},
		{name: "never evaluated", after: 61 * time.Second, reason: Rules, says: "45s"},
		{name: "no longer stored", after: time.Hour, seen: 50 * time.Second, reason: Rules},
		{name: "never dispatched", after: time.Hour, stored: time.Second, reason: Dispatch, says: "never"},
		{name: "just in time", after: time.Hour, stored: time.Second, seen: 105 * time.Second},
		{name: "no longer dispatched", after: time.Hour, stored: time.Second, seen: 106 * time.Second, reason: Dispatch, says: "1m46s"},
		{name: "a component failed", after: time.Hour, stored: time.Second, seen: time.Second, failed: "rules: broken", reason: Component, says: "rules: broken"},
		{name: "no rule", after: time.Second, interval: -1, reason: NoRule, says: "Watchdog"},
		{name: "storage does not answer", after: time.Hour, err: errors.New("closed"), reason: Storage, says: "closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := began
			p := NewPulse(PulseOptions{
				Alert: "Watchdog", Resend: resend, Failed: func() string { return c.failed }, Now: func() time.Time { return now },
				Interval: func() time.Duration {
					if c.interval != 0 {
						return c.interval
					}
					return interval
				},
				Stored: func(_ context.Context, since time.Time) (time.Time, error) {
					if want := now.Add(-3 * interval); !since.Equal(want) {
						t.Errorf("asked since %s, want %s", since, want)
					}
					if c.stored == 0 {
						return time.Time{}, c.err
					}
					return now.Add(-c.stored), c.err
				},
			})
			if c.seen != 0 {
				now = began.Add(c.after - c.seen)
				p.Seen()
			}
			now = began.Add(c.after)
			err := p.Alive(t.Context())
			if c.reason == "" {
				if err != nil {
					t.Errorf("not alive: %v", err)
				}
				return
			}
			if reasonOf(err) != c.reason || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %q (%v), want %s", reasonOf(err), err, c.reason)
			}
		})
	}
}
