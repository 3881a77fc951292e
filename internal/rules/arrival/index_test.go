package arrival

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a sink that notes what it is told.
type recorder struct {
	mu  sync.Mutex
	got []string
}

func (r *recorder) Trigger(rule *Rule, t Trigger) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, fmt.Sprintf("%v at %d within %s", rule.Owner, t.At, t.Within))
}

func (r *recorder) Alarm(rule *Rule, at int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, fmt.Sprintf("%v alarm at %d", rule.Owner, at))
}

func (r *recorder) take() []string {
	out := r.got
	r.got = nil
	return out
}

// fixture is an index over a storage that keeps nothing.
type fixture struct {
	sink  *recorder
	clock int64 // ms
	x     *Index
	store storage.Storage
	rules []*Rule
}

func newFixture(t testing.TB, eager bool, exprs ...string) *fixture {
	t.Helper()
	f := &fixture{sink: &recorder{}}
	f.x = NewIndex(f.sink, func() int64 { return f.clock * 1e6 })
	h := &Hook{}
	h.Attach(f.x)
	f.store = h.Observe(&nowhere{refs: map[uint64]storage.SeriesRef{}})
	for _, q := range exprs {
		e, err := parser.NewParser(parser.Options{}).ParseExpr(q)
		if err != nil {
			t.Fatal(err)
		}
		r := NewRule(Analyze(e, nil), eager, 300_000)
		r.Owner = q
		f.rules = append(f.rules, r)
	}
	f.x.Replace(f.rules)
	return f
}

type point struct {
	ls labels.Labels
	t  int64
	v  float64
}

func p(name, target string, t int64, v float64) point {
	return point{labels.FromStrings("__name__", name, "job", "j", "instance", target), t, v}
}

func (f *fixture) commit(t testing.TB, ps ...point) []string {
	t.Helper()
	return f.append(t, context.Background(), ps)
}

// scrape commits samples as a scrape of our own does.
func (f *fixture) scrape(t testing.TB, ps ...point) []string {
	t.Helper()
	return f.append(t, Scraped(context.Background()), ps)
}

// ticked lets the group's tick look at an instant.
func (f *fixture) ticked(at int64) {
	for _, r := range f.rules {
		r.Ticked(at)
	}
}

func (f *fixture) append(t testing.TB, ctx context.Context, ps []point) []string {
	t.Helper()
	app := f.store.AppenderV2(ctx)
	for _, x := range ps {
		f.clock = max(f.clock, x.t) // samples come at once
		if _, err := app.Append(0, x.ls, 0, x.t, x.v, nil, nil, storage.AOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	return f.sink.take()
}

// nowhere is a storage whose appender only gives out references.
type nowhere struct {
	storage.Storage
	mu   sync.Mutex
	refs map[uint64]storage.SeriesRef
}

func (n *nowhere) AppenderV2(context.Context) storage.AppenderV2 { return nowhereAppender{n} }

type nowhereAppender struct{ n *nowhere }

func (a nowhereAppender) Append(ref storage.SeriesRef, ls labels.Labels, _, _ int64, _ float64, _ *histogram.Histogram, _ *histogram.FloatHistogram, _ storage.AOptions) (storage.SeriesRef, error) {
	if ref != 0 {
		return ref, nil
	}
	a.n.mu.Lock()
	defer a.n.mu.Unlock()
	h := ls.Hash()
	if a.n.refs[h] == 0 {
		a.n.refs[h] = storage.SeriesRef(len(a.n.refs) + 1)
	}
	return a.n.refs[h], nil
}

func (nowhereAppender) Commit() error   { return nil }
func (nowhereAppender) Rollback() error { return nil }

func equal(t *testing.T, step string, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %q, want %q", step, got, want)
	}
}

func TestComparisonTriggersOnceUntilAskedAgain(t *testing.T) {
	f := newFixture(t, false, "m > 5")
	equal(t, "below", f.commit(t, p("m", "1", 1000, 5)))
	equal(t, "above", f.commit(t, p("m", "1", 2000, 6)), `m > 5 at 2000 within {instance="1", job="j"}`)
	equal(t, "still above", f.commit(t, p("m", "1", 3000, 7)))
	equal(t, "another series and metric", f.commit(t, p("m", "2", 3000, 9), p("n", "1", 3000, 9)), `m > 5 at 3000 within {instance="2", job="j"}`)
	f.rules[0].Again()
	equal(t, "again", f.commit(t, p("m", "1", 4000, 7), p("m", "2", 4000, 7)), `m > 5 at 4000 within {job="j"}`)
	equal(t, "every one of a batch", f.commit(t, p("m", "3", 4000, 1), p("m", "3", 4100, 7), p("m", "3", 4200, 8)),
		`m > 5 at 4100 within {instance="3", job="j"}`, `m > 5 at 4200 within {instance="3", job="j"}`)
	equal(t, "but once it has asked", f.commit(t, p("m", "3", 4300, 7), p("m", "3", 4400, 8)))
	equal(t, "out of order", f.commit(t, p("m", "1", 3500, 99)))
	if n := f.rules[0].Late.Load(); n != 1 {
		t.Errorf("%d late samples, want 1", n)
	}
}

// Function abs has no bound: the following tests are about instants, whatever the values.

// Not only the first sample of a batch is looked at.
// https://github.com/openobserve/openobserve/issues/13458
func TestEveryInstantOfABatchCounts(t *testing.T) {
	f := newFixture(t, false, "m > 5", "abs(m + n) > 5")
	f.scrape(t, p("m", "1", 500, 2), p("n", "1", 500, 0))
	equal(t, "batch", f.commit(t, p("m", "1", 1000, 1), p("m", "1", 2000, 9), p("m", "1", 3000, 1), p("n", "1", 1000, 0), p("n", "1", 2000, 0), p("n", "1", 3000, 0)),
		`abs(m + n) > 5 at 1000 within {instance="1", job="j"}`,
		`m > 5 at 2000 within {instance="1", job="j"}`, `abs(m + n) > 5 at 2000 within {instance="1", job="j"}`,
		`abs(m + n) > 5 at 3000 within {instance="1", job="j"}`)
}

func TestHalfOfAScrapeIsNotJudged(t *testing.T) {
	f := newFixture(t, false, "abs(m / n) > 5")
	const whole = `abs(m / n) > 5 at %d within {instance="1", job="j"}`
	equal(t, "one scrape", f.scrape(t, p("m", "1", 1000, 1), p("n", "1", 1000, 1)), fmt.Sprintf(whole, 1000))
	equal(t, "first half", f.commit(t, p("m", "1", 2000, 9)))
	equal(t, "second half", f.commit(t, p("n", "1", 2000, 1)), fmt.Sprintf(whole, 2000))
	equal(t, "first halves of two scrapes", f.commit(t, p("m", "1", 3000, 9), p("m", "1", 4000, 8)))
	equal(t, "second half of the first", f.commit(t, p("n", "1", 3000, 2)), fmt.Sprintf(whole, 3000))
	equal(t, "second half of the second", f.commit(t, p("n", "1", 4000, 2)), fmt.Sprintf(whole, 4000))
	equal(t, "another target does not matter", f.scrape(t, p("m", "2", 5000, 9)), `abs(m / n) > 5 at 5000 within {instance="2", job="j"}`)
}

// Transactions that meet a new series at the same time use one entry of it: with
// two, the partition would wait for the one that nobody touches.
func TestSeriesHasOneEntry(t *testing.T) {
	f := newFixture(t, false, "sum by (job) (m) > 5")
	for ref := range storage.SeriesRef(2000) {
		ls := labels.FromStrings("__name__", "m", "job", fmt.Sprint(ref))
		var got [2]*entry
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() { got[i] = f.x.entry(ref, ls) })
		}
		wg.Wait()
		if got[0] != got[1] {
			t.Fatalf("series %d has two entries", ref)
		}
	}
}

func TestTargetsAtDifferentTimes(t *testing.T) {
	f := newFixture(t, false, "abs(sum(m)) > 5")
	equal(t, "a partition that begins", f.scrape(t, p("m", "1", 1000, 1)))
	equal(t, "is for the tick", f.scrape(t, p("m", "1", 1200, 1)))
	f.scrape(t, p("m", "2", 1300, 1))
	f.ticked(1300)
	f.scrape(t, p("m", "1", 1900, 3))
	equal(t, "known up to the second", f.scrape(t, p("m", "2", 2000, 2)), "abs(sum(m)) > 5 at 1900 within {}")
	equal(t, "known up to the third", f.scrape(t, p("m", "1", 2500, 2)), "abs(sum(m)) > 5 at 2000 within {}")
	equal(t, "one goes stale", f.scrape(t, p("m", "2", 3000, math.Float64frombits(0x7ff0000000000002))), "abs(sum(m)) > 5 at 2500 within {}")
	equal(t, "the other alone", f.scrape(t, p("m", "1", 3500, 7)), "abs(sum(m)) > 5 at 3000 within {}", "abs(sum(m)) > 5 at 3500 within {}")
}

func TestFaultThatIsOverBeforeTheOthersReportIsJudged(t *testing.T) {
	f := newFixture(t, false, "abs(sum(m)) > 5")
	f.scrape(t, p("m", "1", 1000, 1), p("m", "2", 1000, 1))
	f.ticked(1000)
	equal(t, "bad", f.commit(t, p("m", "1", 2000, 9)))
	equal(t, "good again", f.commit(t, p("m", "1", 2020, 1)))
	equal(t, "the other reports", f.commit(t, p("m", "2", 2030, 1)), "abs(sum(m)) > 5 at 2000 within {}", "abs(sum(m)) > 5 at 2020 within {}")
}

func TestSeriesThatRunsAheadIsBounded(t *testing.T) {
	f := newFixture(t, false, "abs(sum(m)) > 5")
	f.scrape(t, p("m", "1", 1000, 1), p("m", "2", 1000, 1))
	f.ticked(1000)
	for i := range int64(3 * maxPending) {
		f.commit(t, p("m", "1", 2000+i, float64(i)))
	}
	if n := len(f.rules[0].parts[""].pending); n > maxPending {
		t.Errorf("%d instants wait, want at most %d", n, maxPending)
	}
	got := f.commit(t, p("m", "2", 9000, 1))
	if n := len(got); n < maxPending/2 {
		t.Fatalf("%d instants were judged", n)
	}
	// They span the time that the second series is late.
	equal(t, "the first and the last", []string{got[0], got[len(got)-1]}, "abs(sum(m)) > 5 at 2000 within {}", fmt.Sprintf("abs(sum(m)) > 5 at %d within {}", 2000+3*maxPending-2))
}

// More targets than instants may wait, each scraped at its own time: the rule is judged all the same.
func TestManyTargetsAtTheirOwnTimes(t *testing.T) {
	f := newFixture(t, false, "abs(sum(m)) > 5")
	judged := 0
	for round := range int64(4) {
		f.ticked(round * 15_000)
		for i := range int64(3 * maxPending) {
			got := f.commit(t, p("m", fmt.Sprint(i), 1000+round*15_000+i*15, float64(round)))
			if round > 1 {
				judged += len(got)
			}
		}
	}
	if judged < 20 {
		t.Errorf("judged %d times in 30 s", judged)
	}
}

func TestUnchangedValuesAreSkipped(t *testing.T) {
	f := newFixture(t, false, "abs(m / n) > 5", "abs(rate(m[1m])) > 1")
	f.scrape(t, p("m", "1", 1000, 1), p("n", "1", 1000, 1))
	equal(t, "the same values", f.commit(t, p("m", "1", 2000, 1), p("n", "1", 2000, 1)), `abs(rate(m[1m])) > 1 at 2000 within {instance="1", job="j"}`)
	f.rules[0].Again()
	f.rules[1].Again()
	if got := f.commit(t, p("m", "1", 3000, 1), p("n", "1", 3000, 1)); len(got) != 2 {
		t.Errorf("asked again: got %q", got)
	}
}

func TestRangesWithoutAChangeAreSkipped(t *testing.T) {
	f := newFixture(t, false, "abs(rate(m[1m])) > 1", "abs(rate(m[1m]) + n) > 5", "count_over_time(m[1m]) > 5")
	at := int64(0)
	step := func(v float64) []string {
		at += 15_000
		return f.scrape(t, p("m", "1", at, v), p("n", "1", at, 1))
	}
	for at < 60_000+30_000 {
		if got := step(1); len(got) != 3 {
			t.Fatalf("at %d, before the range has passed: got %q", at, got)
		}
	}
	equal(t, "steady", step(1), fmt.Sprintf(`count_over_time(m[1m]) > 5 at %d within {instance="1", job="j"}`, at))
	if got := step(2); len(got) != 3 {
		t.Errorf("a change: got %q", got)
	}
	if got := step(2); len(got) != 3 {
		t.Errorf("a change within the range: got %q", got)
	}
}

func TestEagerWaitsForNothing(t *testing.T) {
	f := newFixture(t, true, "m / n > 5")
	f.commit(t, p("m", "1", 1000, 1), p("n", "1", 1000, 1))
	equal(t, "half", f.commit(t, p("m", "1", 2000, 9)), `m / n > 5 at 2000 within {instance="1", job="j"}`)
}

func TestCrossing(t *testing.T) {
	f := newFixture(t, false, "time() - m > 60")
	equal(t, "armed", f.commit(t, p("m", "1", 100_000, 90)), "time() - m > 60 alarm at 150001")
	f.commit(t, p("m", "1", 110_000, 105))
	ts, next, ok := f.rules[0].Due(150_001)
	if len(ts) != 0 || next != 165_001 || !ok {
		t.Errorf("a newer value moved the time: got %v, %d, %t", ts, next, ok)
	}
	ts, _, ok = f.rules[0].Due(165_001)
	if len(ts) != 1 || ts[0].At != 165_001 || ok {
		t.Errorf("got %v, %t", ts, ok)
	}
}

func TestSeriesOfTheStorageAreWaitedFor(t *testing.T) {
	f := newFixture(t, false, "sum(m) > 5")
	f.rules[0].Seed(p("m", "1", 0, 0).ls, 900, 950)
	f.rules[0].Seed(p("m", "2", 0, 0).ls, 900, 950)
	equal(t, "one of two", f.commit(t, p("m", "1", 1000, 9)))
	equal(t, "both", f.commit(t, p("m", "2", 1000, 1)), "sum(m) > 5 at 1000 within {}")
}

func TestReplaceForgets(t *testing.T) {
	f := newFixture(t, false, "m > 5")
	f.commit(t, p("m", "1", 1000, 9))
	f.x.Replace(nil)
	equal(t, "no rules", f.commit(t, p("m", "1", 2000, 9)))
	f.x.Replace(f.rules)
	f.rules[0].Again()
	equal(t, "again", f.commit(t, p("m", "1", 3000, 9)), `m > 5 at 3000 within {instance="1", job="j"}`)
	f.x.Sweep(10_000)
	f.rules[0].Again()
	equal(t, "after a sweep", f.commit(t, p("m", "1", 4000, 9)), `m > 5 at 4000 within {instance="1", job="j"}`)
}

func BenchmarkCommit(b *testing.B) {
	const series = 1000
	f := newFixture(b, false, "m > 5", "sum by (job, instance) (n) > 5")
	app := f.store.AppenderV2(context.Background())
	ps, ref := make([]point, series), make([]storage.SeriesRef, series)
	for i := range ps {
		ps[i] = p([]string{"m", "n", "other", "another"}[i%4], fmt.Sprint(i/4), 0, 1)
		ref[i], _ = app.Append(0, ps[i].ls, 0, 1, 1, nil, nil, storage.AOptions{})
	}
	_ = app.Commit()
	inner := app.(*transaction).AppenderV2
	b.ReportAllocs()
	now := int64(1)
	for b.Loop() {
		now++
		a := transaction{AppenderV2: inner, x: f.x}
		for i := range ps {
			_, _ = a.Append(ref[i], ps[i].ls, 0, now, float64(now%2), nil, nil, storage.AOptions{})
		}
		_ = a.Commit()
		f.sink.take()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/series, "ns/sample")
}

// A series that has ended takes its crossing along, however far away that is.
func TestEndedSeriesLeaveNoCrossing(t *testing.T) {
	f := newFixture(t, false, "time() - m > 864000")
	for n := range 2000 {
		target := fmt.Sprint(n)
		f.commit(t, p("m", target, 1000, 1))
		f.commit(t, p("m", target, 2000, math.Float64frombits(value.StaleNaN)))
	}
	f.commit(t, p("m", "again", 1000, 1))
	f.commit(t, p("m", "again", 2000, math.Float64frombits(value.StaleNaN)))
	f.commit(t, p("m", "again", 3000, 1))
	c := &f.rules[0].crossings
	if len(c.items) != 1 || len(c.heap) > 200 {
		t.Errorf("%d series and %d places in the heap are left, one series lives", len(c.items), len(c.heap))
	}
	if ts, _, _ := f.rules[0].Due(865_000_000); len(ts) != 1 {
		t.Errorf("%d series crossed, want 1", len(ts))
	}
}
