package arrival

import (
	"math"
	"testing"
)

// The first sample of a partition is never all that it has, whoever sends it:
// only a scrape of our own brings a target whole.
func TestPartitionThatBeginsIsLeftToTheTick(t *testing.T) {
	const bad = `abs(m) > 5 unless on (job, instance) n at 2000 within {instance="1", job="j"}`
	f := newFixture(t, false, "abs(m) > 5 unless on (job, instance) n")
	equal(t, "half of the first", f.commit(t, p("m", "1", 1000, 9)))
	equal(t, "half of the second", f.commit(t, p("m", "1", 1500, 9)))
	equal(t, "the rest", f.commit(t, p("n", "1", 1000, 1)))
	f.ticked(1800)
	equal(t, "known from the tick on", f.commit(t, p("n", "1", 2000, 1), p("m", "1", 2000, 9)), bad)

	f = newFixture(t, false, "abs(m) > 5 unless on (job, instance) n")
	equal(t, "a scrape of our own", f.scrape(t, p("m", "1", 2000, 9)), bad)
	equal(t, "begun by a sender", f.commit(t, p("m", "2", 2000, 9)))
	equal(t, "a sender's is not whole by our own scrape", f.scrape(t, p("m", "2", 3000, 9)))
}

// A scrape has everything of its own target, and nothing of the others.
func TestTargetsThatBeginOneAfterTheOtherAreLeftToTheTick(t *testing.T) {
	f := newFixture(t, false, "count by (job) (abs(m)) < 3")
	at := int64(1000)
	for range 2 {
		for _, target := range []string{"1", "2", "3"} {
			equal(t, "target "+target, f.scrape(t, p("m", target, at, 1)))
			at += 1000
		}
	}
	f.ticked(at - 500)
	equal(t, "before the tick", f.scrape(t, p("m", "1", at, 1)))
	equal(t, "before the tick", f.scrape(t, p("m", "2", at+1, 1)))
	equal(t, "known from the tick on", f.scrape(t, p("m", "3", at+2, 1)), `count by (job) (abs(m)) < 3 at 7000 within {job="j"}`)
	// All end, and begin anew before a tick has seen that.
	stale := math.Float64frombits(0x7ff0000000000002)
	f.scrape(t, p("m", "1", at+10, stale), p("m", "2", at+10, stale), p("m", "3", at+10, stale))
	equal(t, "anew", f.scrape(t, p("m", "1", at+1000, 1)))
	equal(t, "anew, again", f.scrape(t, p("m", "1", at+2000, 1)))
}

// Series that come back after the lookback time begin, also where no tick has noticed that they had ended.
func TestSeriesBeginAnewAfterTheLookback(t *testing.T) {
	f := newFixture(t, false, "count(abs(m)) < 3")
	f.commit(t, p("m", "1", 1000, 1))
	f.ticked(1000)
	equal(t, "known", f.commit(t, p("m", "1", 2000, 1)), "count(abs(m)) < 3 at 2000 within {}")
	equal(t, "anew", f.commit(t, p("m", "1", 302_000, 1)))
}

// After a downtime of more than half the lookback time the storage knows some
// of the series that were, and not the others.
func TestStoredSeriesThatAreOldAreNotAllThereWere(t *testing.T) {
	for _, tc := range []struct {
		down int64
		want []string
	}{{100_000, []string{"count(abs(m)) < 3 at 1000000 within {}"}}, {290_000, nil}} {
		f := newFixture(t, false, "count(abs(m)) < 3")
		f.rules[0].Seed(p("m", "1", 0, 0).ls, 999_000-tc.down, 999_000)
		equal(t, "first sample", f.commit(t, p("m", "1", 1_000_000, 1)), tc.want...)
	}
}
