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
		// At 75 % of 30 MiB, 7.5 MiB a second have it run each three seconds.
		alloc := func(mib uint64) func() { return func() { now.allocs += mib << 20 } }
		step(alloc(7), gcPaceEvery)
		step(alloc(30), gcPaceEvery) // one query is no load
		for range 4 {
			step(func() {}, gcPaceEvery)
		}
		step(alloc(40), gcPaceEvery, 300) // together with what came before
		step(alloc(40), gcPaceEvery)
		step(func() { now.live = 128 << 20; now.allocs += 160 << 20 }, gcPaceEvery, 100) // 128 MiB, no more
		step(func() { now.live = 1 << 30; now.allocs += 160 << 20 }, gcPaceEvery, 75)    // never less than configured
		step(func() { now.live = 30 << 20; now.allocs += 160 << 20 }, gcPaceEvery, 300)
		step(func() { now.allocs += 1 << 30 }, gcPaceEvery, 50) // something huge is no load
		step(alloc(160), gcPaceEvery)
		for range 8 {
			step(alloc(160), gcPaceEvery)
		}
		step(alloc(160), gcPaceEvery, 300) // it is over
		mu.Lock()
		now.live = 1 << 30 // the rate is forgotten slowly: over so much it is little
		mu.Unlock()
		step(func() {}, 90*time.Second, 75)
		step(func() { now.live = 30 << 20 }, gcPaceEvery, 50)
		step(func() { chosen = true; now.allocs += 200 << 20 }, gcPaceEvery) // somebody chose: hands off
		cancel()
		<-done
	})
}

func TestReadGC(t *testing.T) {
	s := readGC()
	if s.live < 0 || s.percent <= 0 {
		t.Errorf("got %+v", s)
	}
	kept = make([]byte, 8<<20)
	runtime.GC() // counts what is allocated
	if again := readGC(); again.allocs < s.allocs+8<<20 {
		t.Errorf("8 MiB are not counted: %+v, before it %+v", again, s)
	}
}

var kept []byte
