package backtest

import (
	"context"
	"sort"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
)

// point is one sample; h is nil for a float.
type point struct {
	t int64
	v float64
	h *histogram.FloatHistogram
}

// points is a series in memory.
type points struct {
	ls   labels.Labels
	data []point
}

var _ storage.Series = (*points)(nil)

func (p *points) Labels() labels.Labels { return p.ls }

func (p *points) Iterator(it chunkenc.Iterator) chunkenc.Iterator {
	if pi, ok := it.(*pointIterator); ok {
		*pi = pointIterator{data: p.data, i: -1}
		return pi
	}
	return &pointIterator{data: p.data, i: -1}
}

// upTo cuts a series off after time t.
func (p *points) upTo(t int64) *points {
	n := sort.Search(len(p.data), func(i int) bool { return p.data[i].t > t })
	return &points{ls: p.ls, data: p.data[:n]}
}

type pointIterator struct {
	data []point
	i    int
}

func (it *pointIterator) kind() chunkenc.ValueType {
	switch {
	case it.i >= len(it.data):
		return chunkenc.ValNone
	case it.data[it.i].h != nil:
		return chunkenc.ValFloatHistogram
	}
	return chunkenc.ValFloat
}

func (it *pointIterator) Next() chunkenc.ValueType {
	if it.i < len(it.data) {
		it.i++
	}
	return it.kind()
}

// milliseconds is int64 by another name: go vet takes a Seek(int64) for
// io.Seeker's.
type milliseconds = int64

// Seek gallops: the engine asks for a time a few samples ahead, but at its
// first query in a long series for one far away.
func (it *pointIterator) Seek(t milliseconds) chunkenc.ValueType {
	i := max(it.i, 0)
	if i < len(it.data) && it.data[i].t < t {
		step := 1
		for i+step < len(it.data) && it.data[i+step].t < t {
			i += step
			step *= 2
		}
		end := min(i+step, len(it.data))
		i += 1 + sort.Search(end-i-1, func(k int) bool { return it.data[i+1+k].t >= t })
	}
	it.i = i
	return it.kind()
}

func (it *pointIterator) At() (int64, float64) { return it.data[it.i].t, it.data[it.i].v }

// AtHistogram is not asked for: no point has integer counts.
func (it *pointIterator) AtHistogram(*histogram.Histogram) (int64, *histogram.Histogram) {
	return it.data[it.i].t, nil
}

func (it *pointIterator) AtFloatHistogram(fh *histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	p := &it.data[it.i]
	if fh == nil {
		return p.t, p.h.Copy()
	}
	p.h.CopyTo(fh)
	return p.t, fh
}

func (it *pointIterator) AtT() int64  { return it.data[it.i].t }
func (it *pointIterator) AtST() int64 { return 0 }
func (it *pointIterator) Err() error  { return nil }

// seriesSet walks over series in memory.
type seriesSet struct {
	list []*points
	i    int
	err  error
}

func newSeriesSet(list []*points, err error) *seriesSet {
	return &seriesSet{list: list, i: -1, err: err}
}

func (s *seriesSet) Next() bool {
	s.i++
	return s.err == nil && s.i < len(s.list)
}
func (s *seriesSet) At() storage.Series                { return s.list[s.i] }
func (s *seriesSet) Err() error                        { return s.err }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// drain copies what a storage selects into memory.
func drain(ctx context.Context, set storage.SeriesSet, most int) ([]*points, int, error) {
	var out []*points
	var it chunkenc.Iterator
	total, like := 0, 0 // like: series of one selection are about as long as each other
	for set.Next() {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		s := set.At()
		p := &points{ls: s.Labels().Copy(), data: make([]point, 0, like)}
		it = s.Iterator(it)
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			if kind == chunkenc.ValFloat {
				t, v := it.At()
				p.data = append(p.data, point{t: t, v: v})
				continue
			}
			t, h := it.AtFloatHistogram(nil)
			p.data = append(p.data, point{t: t, h: h})
		}
		if err := it.Err(); err != nil {
			return nil, 0, err
		}
		total += len(p.data)
		if most > 0 && total > most {
			return nil, 0, ErrTooMuch
		}
		like = len(p.data) + len(p.data)/32
		if len(p.data) > 0 {
			out = append(out, p)
		}
	}
	return out, total, set.Err()
}
