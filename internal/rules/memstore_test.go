package rules

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

// memStore is a storage in memory with the head's rules: samples become
// visible with the commit, the second sample of a timestamp is a duplicate, and
// older ones are taken unless the appender refuses them.
type memStore struct {
	storage.Storage // panics where a test needs more than this

	broken atomic.Bool  // queries fail
	slow   atomic.Int64 // until then, in ns, queries of the metric slow wait
	read   atomic.Int64 // series that queries have been given
	probed atomic.Int64 // queries of the metric probe

	mu     sync.RWMutex
	refs   map[uint64]storage.SeriesRef
	series []*memSeries
}

type memSeries struct {
	ls      labels.Labels
	samples []chunks.Sample
}

func newMemStore() *memStore { return &memStore{refs: map[uint64]storage.SeriesRef{}} }

func (m *memStore) get(ls labels.Labels) (storage.SeriesRef, *memSeries) {
	ref, ok := m.refs[ls.Hash()]
	if !ok {
		m.series = append(m.series, &memSeries{ls: ls.Copy()})
		ref = storage.SeriesRef(len(m.series))
		m.refs[ls.Hash()] = ref
	}
	return ref, m.series[ref-1]
}

func (m *memStore) AppenderV2(context.Context) storage.AppenderV2 { return &memAppender{m: m} }

func (m *memStore) Querier(mint, maxt int64) (storage.Querier, error) {
	if m.broken.Load() {
		return nil, errors.New("the storage is told to fail")
	}
	return &memQuerier{m: m, mint: mint, maxt: maxt}, nil
}

type memAppender struct {
	m       *memStore
	pending []memSample
}

type memSample struct {
	ref storage.SeriesRef
	s   computed
}

var _ storage.ExemplarAppenderV2 = (*memAppender)(nil)

func (a *memAppender) Append(_ storage.SeriesRef, ls labels.Labels, _, t int64, v float64, _ *histogram.Histogram, fh *histogram.FloatHistogram, o storage.AOptions) (storage.SeriesRef, error) {
	a.m.mu.Lock()
	defer a.m.mu.Unlock()
	ref, s := a.m.get(ls)
	if n := len(s.samples); n > 0 && o.RejectOutOfOrder && s.samples[n-1].T() > t {
		return ref, storage.ErrOutOfOrderSample
	}
	a.pending = append(a.pending, memSample{ref, computed{t: t, s: promql.Sample{T: t, F: v, H: fh}}})
	return ref, nil
}

func (a *memAppender) AppendExemplars(ref storage.SeriesRef, _ labels.Labels, _ []exemplar.Exemplar) (storage.SeriesRef, error) {
	return ref, nil
}

func (a *memAppender) Commit() error {
	a.m.mu.Lock()
	defer a.m.mu.Unlock()
	for _, p := range a.pending {
		s := a.m.series[p.ref-1]
		i, found := slices.BinarySearchFunc(s.samples, p.s.t, func(x chunks.Sample, t int64) int { return cmp.Compare(x.T(), t) })
		if !found {
			// Queries hold on to the old slice.
			s.samples = slices.Insert(slices.Clone(s.samples), i, chunks.Sample(p.s))
		}
	}
	a.pending = nil
	return nil
}

func (a *memAppender) Rollback() error { a.pending = nil; return nil }

type memQuerier struct {
	storage.LabelQuerier
	m          *memStore
	mint, maxt int64
}

func (q *memQuerier) Close() error { return nil }

func (q *memQuerier) Select(_ context.Context, _ bool, hints *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	if d := time.Until(time.Unix(0, q.m.slow.Load())); d > 0 && slices.ContainsFunc(ms, func(m *labels.Matcher) bool { return m.Value == "slow" }) {
		<-time.After(d)
	}
	mint, maxt := q.mint, q.maxt
	if hints != nil {
		mint, maxt = hints.Start, hints.End
	}
	out := &seriesList{at: -1}
	q.m.mu.RLock()
	defer q.m.mu.RUnlock()
	for _, s := range q.m.series {
		if !matchAll(ms, s.ls) {
			continue
		}
		var in []chunks.Sample
		for _, x := range s.samples {
			if x.T() >= mint && x.T() <= maxt {
				in = append(in, x)
			}
		}
		if len(in) > 0 {
			out.series = append(out.series, storage.NewListSeries(s.ls, in))
		}
	}
	q.m.read.Add(int64(len(out.series)))
	if slices.ContainsFunc(ms, func(m *labels.Matcher) bool { return m.Value == "probe" }) {
		q.m.probed.Add(1)
	}
	slices.SortFunc(out.series, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return out
}

var stale = math.Float64frombits(0x7ff0000000000002)
