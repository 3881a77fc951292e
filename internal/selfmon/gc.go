package selfmon

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// smallHeap is the live heap from which on the collector runs as configured, in bytes.
const smallHeap = 64 << 20

// leastGC is the smallest percentage that a small heap gets.
const leastGC = 50

// gcStep is the smallest change that is worth the short stop of all goroutines
// that it takes.
const gcStep = 5

// gcPaceEvery is how often the pace is looked at.
const gcPaceEvery = time.Second

// Under load the collector runs again and again over what has not changed, and
// each time what has just arrived waits for it. Where garbage comes so fast that
// the configured percentage would have it run more often than each busyEvery, the
// heap may grow to busyPercent over what is live, but not by more than busyRoom
// bytes, and stays so until that was not the case for calmGC.
const (
	busyEvery   = 3 * time.Second
	busyPercent = 300
	busyRoom    = 128 << 20
	calmGC      = 10 * time.Second
)

// burst is the garbage of one look, in bytes, from which on it is no load but
// something huge, such as a body that is refused: the heap is kept small then,
// and for calmGC.
const burst = 256 << 20

// gcSmooth is over how many looks the rate of garbage is averaged: a single
// query is no load.
const gcSmooth = 5

// gcState is what the runtime says of the collector.
type gcState struct {
	live    int64  // bytes
	percent int    // GOGC in force
	allocs  uint64 // bytes since the start
}

// GCPaceOptions say how the collector is configured.
type GCPaceOptions struct {
	// Configured is GOGC as the configuration has it, and whether somebody chose
	// it: whether it is another value than the default.
	Configured func() (percent int, chosen bool)

	read func() gcState
	set  func(int) int
}

// PaceGC lets garbage pile up less while the heap is small and the process
// idle, and more under load (busyPercent). A process that watches one host holds some 35 MiB
// and makes 3 MiB of garbage a second: to collect at 1.5 times what is live
// instead of 1.75 times saves a twelfth of its resident memory for a thousandth
// of a core. From smallHeap on the configured percentage is in force. A
// percentage that somebody chose is left alone.
// It returns at once; cancel ctx and wait for the channel to end it.
func PaceGC(ctx context.Context, o GCPaceOptions) <-chan struct{} {
	if o.read == nil {
		o.read = readGC
	}
	if o.set == nil {
		o.set = debug.SetGCPercent
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(gcPaceEvery)
		defer t.Stop()
		before := o.read().allocs
		calm, still, rate := calmGC, calmGC, 0.0 // since there was load, and a burst; bytes per look
		for {
			select {
			case <-t.C:
			case <-ctx.Done():
				return
			}
			percent, chosen := o.Configured()
			s := o.read()
			made := s.allocs - before
			before = s.allocs
			rate += (float64(made) - rate) / gcSmooth
			if still += gcPaceEvery; made > burst {
				still = 0
			}
			if chosen {
				continue
			}
			want := gcPercent(s.live, percent)
			calm += gcPaceEvery
			if rate*float64(busyEvery/gcPaceEvery) > float64(s.live)*float64(percent)/100 {
				calm = 0
			}
			if calm < calmGC && still >= calmGC && percent > 0 && s.live > 0 {
				want = max(want, int(min(busyPercent, busyRoom*100/s.live)))
			}
			if d := want - s.percent; d >= gcStep || d <= -gcStep || want == percent && d != 0 {
				o.set(want)
			}
		}
	}()
	return done
}

// gcPercent grows with the live heap up to what is configured.
func gcPercent(live int64, configured int) int {
	if live >= smallHeap || configured <= leastGC {
		return configured
	}
	return max(leastGC, int(int64(configured)*live/smallHeap))
}

func readGC() gcState {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/gogc:percent"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return gcState{int64(s[0].Value.Uint64()), int(s[1].Value.Uint64()), s[2].Value.Uint64()}
}
