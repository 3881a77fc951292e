package maintenance

import (
	"testing"
	"time"

	"touchline.dev/touchline/internal/state"
	"touchline.dev/touchline/internal/state/statetest"
)

// Replicas whose files differ leave each other's windows alone, and the last one
// that has a window in its file ends it.
func TestFilesThatDiffer(t *testing.T) {
	statetest.Run(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		if db.Kind() == "sqlite" {
			return // it has no other replica; TestWindowOfAFileIsCorrected tests that nothing waits there
		}
		b := newBench(t, db)
		theirs := []Window{b.lasting("file")}
		other := b.replica(db)
		other.o.Replica, other.o.Files = "other", func() []Window { return theirs }
		look := func(n int, d time.Duration) {
			t.Helper()
			for range n {
				b.wait(d)
				if err := other.work(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		// One has the window and the other one has not, for longer than a word counts.
		look(60, 5*time.Second)
		b.has("Maintenance: file", 1)
		// Both have it, and the one that has made it is the first to have it no more.
		b.files = []Window{b.lasting("file")}
		b.files[0].Start = theirs[0].Start
		look(2, 5*time.Second)
		theirs = nil
		look(60, 5*time.Second)
		b.has("Maintenance: file", 1)
		// The last one ends it at once.
		b.files = nil
		b.wait(5 * time.Second)
		b.has("", 1)
		// Of the same name and other content, both are there.
		b.files, theirs = []Window{b.lasting("file")}, []Window{b.lasting("file")}
		theirs[0].Comment = "disks"
		look(60, 5*time.Second)
		b.has("Maintenance: file, Maintenance: file (disks)", 3)
		// What a replica that is gone has made ends a few minutes later.
		for range 3 {
			b.wait(time.Minute)
		}
		b.has("Maintenance: file", 3)
	})
}

// A replica that starts again is the one that it was: what was corrected in its
// file meanwhile does not wait for its own word of before.
func TestCorrectedOverARestart(t *testing.T) {
	over(t, func(t *testing.T, b *bench, reopen func()) {
		b.files = []Window{b.lasting("file")}
		b.wait(time.Second)
		reopen()
		b.files[0].Comment = "disks"
		b.wait(time.Second)
		b.has("Maintenance: file (disks)", 2)
	})
}
