//go:build !race

// Under the race detector pools give nothing back on purpose, so that counting
// allocations says nothing.

package arrival

import (
	"context"
	"testing"

	"github.com/prometheus/prometheus/storage"
)

func TestSamplesThatRaiseNothingAllocateNothing(t *testing.T) {
	f := newFixture(t, false, "m > 5", "m + n > 5")
	ps := []point{p("m", "1", 0, 1), p("n", "1", 0, 1), p("other", "1", 0, 1)}
	app := f.store.AppenderV2(context.Background())
	ref := make([]storage.SeriesRef, len(ps))
	for i := range ps {
		ref[i], _ = app.Append(0, ps[i].ls, 0, 1, 1, nil, nil, storage.AOptions{})
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	f.sink.take()
	now := int64(1)
	if n := testing.AllocsPerRun(1000, func() {
		now++
		a := transaction{AppenderV2: app.(*transaction).AppenderV2, x: f.x}
		for i := range ps {
			_, _ = a.Append(ref[i], ps[i].ls, 0, now, 1, nil, nil, storage.AOptions{})
		}
		_ = a.Commit()
	}); n > 0 {
		t.Errorf("a transaction of %d samples allocates %.1f times", len(ps), n)
	}
	if got := f.sink.take(); len(got) > 0 {
		t.Errorf("unchanged samples triggered %q", got)
	}
}
