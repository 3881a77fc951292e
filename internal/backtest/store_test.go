package backtest

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testStore is a storage in memory with the head's rules for rule results:
// older samples and other values at the same timestamp are refused.
type testStore struct {
	series map[uint64]*points
}

func newTestStore() *testStore { return &testStore{series: map[uint64]*points{}} }

func (s *testStore) add(ls labels.Labels, t int64, v float64, h *histogram.FloatHistogram) error {
	p := s.series[ls.Hash()]
	if p == nil {
		p = &points{ls: ls.Copy()}
		s.series[ls.Hash()] = p
	}
	if n := len(p.data); n > 0 {
		last := p.data[n-1]
		if last.t > t {
			return storage.ErrOutOfOrderSample
		}
		if last.t == t {
			if math.Float64bits(last.v) == math.Float64bits(v) {
				return nil
			}
			return storage.ErrDuplicateSampleForTimestamp
		}
	}
	p.data = append(p.data, point{t: t, v: v, h: h})
	return nil
}

func (s *testStore) clone() *testStore {
	c := newTestStore()
	for h, p := range s.series {
		c.series[h] = &points{ls: p.ls, data: slices.Clone(p.data)}
	}
	return c
}

func (s *testStore) Querier(mint, maxt int64) (storage.Querier, error) {
	return &testQuerier{s: s, mint: mint, maxt: maxt}, nil
}

type testQuerier struct {
	storage.LabelQuerier
	s          *testStore
	mint, maxt int64
}

func (q *testQuerier) Close() error { return nil }

func (q *testQuerier) Select(_ context.Context, _ bool, hints *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	mint, maxt := q.mint, q.maxt
	if hints != nil {
		mint, maxt = hints.Start, hints.End
	}
	var out []*points
	for _, p := range q.s.series {
		if !matches(ms, p.ls) {
			continue
		}
		in := &points{ls: p.ls}
		for _, x := range p.data {
			if x.t >= mint && x.t <= maxt {
				in.data = append(in.data, x)
			}
		}
		if len(in.data) > 0 {
			out = append(out, in)
		}
	}
	slices.SortFunc(out, func(a, b *points) int { return labels.Compare(a.ls, b.ls) })
	return newSeriesSet(out, nil)
}

func (s *testStore) AppenderV2(context.Context) storage.AppenderV2 { return testAppender{s} }

// testAppender writes at once: a rule's samples are read only after its commit.
type testAppender struct{ s *testStore }

func (a testAppender) Append(_ storage.SeriesRef, ls labels.Labels, _, t int64, v float64, _ *histogram.Histogram, fh *histogram.FloatHistogram, _ storage.AOptions) (storage.SeriesRef, error) {
	return 0, a.s.add(ls, t, v, fh)
}
func (testAppender) Commit() error   { return nil }
func (testAppender) Rollback() error { return nil }
