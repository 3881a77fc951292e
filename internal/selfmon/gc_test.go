package selfmon

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestGCPercent(t *testing.T) {
	for _, c := range []struct {
		live       int64
		configured int
		want       int
	}{
		{0, 75, 50}, {30 << 20, 75, 50}, {48 << 20, 75, 56}, {64 << 20, 75, 75}, {1 << 40, 75, 75},
		{0, 30, 30}, {0, -1, -1}, // less than the least, and off, stay as they are
	} {
		if got := gcPercent(c.live, c.configured); got != c.want {
			t.Errorf("live %d, configured %d: got %d, want %d", c.live, c.configured, got, c.want)
		}
	}
}

func TestPaceGC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // the fake clock orders nothing for the race detector
		now, chosen := gcState{live: 30 << 20, percent: 75}, false
		var set []int
		ctx, cancel := context.WithCancel(context.Background())
		done := PaceGC(ctx, GCPaceOptions{
			Configured: func() (int, bool) {
				mu.Lock()
				defer mu.Unlock()
				return 75, chosen
			},
			read: func() gcState {
				mu.Lock()
				defer mu.Unlock()
				return now
			},
			set: func(p int) int {
				mu.Lock()
				defer mu.Unlock()
				set = append(set, p)
				now.percent = p
				return 0
			},
		})
		synctest.Wait()
		step := func(change func(), wait time.Duration, want ...int) {
			t.Helper()
			mu.Lock()
			change()
			mu.Unlock()
			<-time.After(wait)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(set, want) {
				t.Errorf("set %v, want %v", set, want)
			}
			set = nil
		}
		step(func() {}, gcPaceEvery, 50)
		step(func() { now.live = 45 << 20 }, gcPaceEvery) // 52 is not worth a stop
		step(func() { now.live = 62 << 20 }, gcPaceEvery, 72)
		step(func() { now.live = 64 << 20 }, gcPaceEvery, 75) // the configured value is reached exactly
		step(func() { now.live = 30 << 20 }, gcPaceEvery, 50)
		step(func() { now.cycles++ }, gcPaceEvery) // one cycle in a second is no load
		step(func() { now.cycles += 2 }, gcPaceEvery, 100)
		step(func() {}, calmGC-gcPaceEvery) // it may come again
		step(func() {}, gcPaceEvery, 50)
		step(func() { chosen = true; now.cycles += 9 }, gcPaceEvery) // somebody chose: hands off
		cancel()
		<-done
	})
}

func TestReadGC(t *testing.T) {
	s := readGC()
	if s.live < 0 || s.percent <= 0 {
		t.Errorf("got %+v", s)
	}
	runtime.GC()
	if again := readGC(); again.cycles <= s.cycles {
		t.Errorf("a collection is not counted: %+v, before it %+v", again, s)
	}
}
