package selfmon

import (
	"context"
	"slices"
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
		live, now, chosen := int64(30<<20), 75, false
		var set []int
		ctx, cancel := context.WithCancel(context.Background())
		done := PaceGC(ctx, GCPaceOptions{
			Configured: func() (int, bool) { return 75, chosen },
			Read:       func() (int64, int) { return live, now },
			Set: func(p int) int {
				set = append(set, p)
				now = p
				return 0
			},
		})
		step := func(want ...int) {
			t.Helper()
			<-time.After(gcPaceEvery)
			synctest.Wait()
			if !slices.Equal(set, want) {
				t.Errorf("set %v, want %v", set, want)
			}
		}
		step(50)
		live = 45 << 20
		step(50) // 52 is not worth a stop
		live = 62 << 20
		step(50, 72)
		live = 64 << 20
		step(50, 72, 75) // the configured value is reached exactly
		now = 75
		live = 30 << 20
		chosen = true
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
