package arrival

import (
	"fmt"
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
	f.clock += 10_000
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
	f.scrape(t, p("m", "1", 1000, 1))
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

// A series that a sender adds may have others that are still to come in another
// request. What was before it is judged meanwhile, and the rest after a while.
func TestSeriesOfASenderThatBeginHoldUpTheirInstants(t *testing.T) {
	f := newFixture(t, false, "abs(sum(m)) > 5")
	f.scrape(t, p("m", "1", 1000, 1))
	f.ticked(1000)
	equal(t, "known", f.commit(t, p("m", "1", 2000, 1)), "abs(sum(m)) > 5 at 2000 within {}")
	equal(t, "another begins", f.commit(t, p("m", "2", 3000, 1)))
	equal(t, "and may not be the last", f.commit(t, p("m", "1", 3000, 2)))
	f.clock += 4900
	equal(t, "its samples wait", f.commit(t, p("m", "2", 3100, 1), p("m", "1", 3100, 1)))
	f.clock += 5200
	equal(t, "until no others will come", f.commit(t, p("m", "2", 3200, 1), p("m", "1", 3200, 2)),
		"abs(sum(m)) > 5 at 3000 within {}", "abs(sum(m)) > 5 at 3100 within {}", "abs(sum(m)) > 5 at 3200 within {}")
	equal(t, "a target of our own scraping", f.scrape(t, p("m", "3", 3300, 1)))
	equal(t, "waits for the others alone", f.commit(t, p("m", "2", 3300, 1), p("m", "1", 3300, 1)), "abs(sum(m)) > 5 at 3300 within {}")
}

// 20 targets, each scraped every 15 s at its own time, one of which ends and
// another begins all the time: the rule is judged as often as without that.
func TestSeriesThatKeepBeginningLeaveTheRuleToArrivals(t *testing.T) {
	stale := math.Float64frombits(0x7ff0000000000002)
	for _, ours := range []bool{true, false} {
		for _, every := range []int64{1 << 40, 60, 20, 10, 5} {
			f := newFixture(t, false, "abs(sum(m)) > 5")
			send := f.commit
			if ours {
				send = f.scrape
			}
			judged, next := 0, int64(20)
			ids := []int64{}
			for i := range int64(20) {
				ids = append(ids, i)
			}
			for sec := int64(0); sec < 600; sec++ {
				if sec == 60 {
					f.ticked(60_000)
				}
				if sec > 60 && sec%every == 0 {
					judged += len(send(t, p("m", fmt.Sprint(ids[0]), 1000*sec+500, stale)))
					ids = append(ids[1:], next)
					next++
				}
				for _, id := range ids {
					if (sec+id)%15 == 0 {
						judged += len(send(t, p("m", fmt.Sprint(id), 1000*sec+id%100, float64(sec))))
					}
				}
			}
			if judged < 670 {
				t.Errorf("ours %t, one begins every %d s: %d instants were judged in 540 s", ours, every, judged)
			}
			if n := f.rules[0].Left.Load(); n == 0 || n > 100 {
				t.Errorf("ours %t, one begins every %d s: %d instants were left to the tick, 60 s were before it", ours, every, n)
			}
		}
	}
}
