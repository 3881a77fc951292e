package selfmon

import (
	"context"
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
		live, now, chosen := int64(30<<20), 75, false
		var set []int
		locked := func() func() { mu.Lock(); return mu.Unlock }
		put := func(l int64, c bool) { defer locked()(); live, chosen = l, c }
		ctx, cancel := context.WithCancel(context.Background())
		done := PaceGC(ctx, GCPaceOptions{
			Configured: func() (int, bool) { defer locked()(); return 75, chosen },
			Read:       func() (int64, int) { defer locked()(); return live, now },
			Set: func(p int) int {
				defer locked()()
				set = append(set, p)
				now = p
				return 0
			},
		})
		step := func(want ...int) {
			t.Helper()
			<-time.After(gcPaceEvery)
			synctest.Wait()
			defer locked()()
			if !slices.Equal(set, want) {
				t.Errorf("set %v, want %v", set, want)
			}
		}
		step(50)
		put(45<<20, false)
		step(50) // 52 is not worth a stop
		put(62<<20, false)
		step(50, 72)
		put(64<<20, false)
		step(50, 72, 75) // the configured value is reached exactly
		put(30<<20, true)
		step(50, 72, 75) // somebody chose: hands off
		cancel()
		<-done
	})
}

func TestReadGC(t *testing.T) {
	live, percent := readGC()
	if live < 0 || percent <= 0 {
		t.Errorf("got %d bytes live, GOGC %d", live, percent)
	}
}
