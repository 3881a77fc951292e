package arrival

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// Hook stands between a storage and the index that watches it, which may be
// made later.
type Hook struct{ x atomic.Pointer[Index] }

// Attach lets an index see the transactions that begin from now on.
func (h *Hook) Attach(x *Index) { h.x.Store(x) }

// Observe returns a storage whose transactions the index sees once they are
// committed. Only appenders of the second generation are observed: nothing in
// this process uses the first.
func (h *Hook) Observe(s storage.Storage) storage.Storage { return &observed{Storage: s, h: h} }

type observed struct {
	storage.Storage
	h *Hook
}

// scrapedKey marks the context of a scrape.
type scrapedKey struct{}

// Scraped marks the context of an appender that our own scraping makes: one
// transaction brings everything that a target has.
func Scraped(ctx context.Context) context.Context { return context.WithValue(ctx, scrapedKey{}, true) }

func (o *observed) AppenderV2(ctx context.Context) storage.AppenderV2 {
	app := o.Storage.AppenderV2(ctx)
	x := o.h.x.Load()
	if x == nil {
		return app
	}
	return &transaction{AppenderV2: app, x: x, scraped: ctx.Value(scrapedKey{}) != nil}
}

var touches = sync.Pool{New: func() any { s := make([]touch, 0, 1024); return &s }}

// keepTouches is the largest buffer worth keeping, in samples.
const keepTouches = 1 << 16

// transaction notes the samples that a rule selects and hands them to the
// index after the commit.
type transaction struct {
	storage.AppenderV2
	x       *Index
	ts      *[]touch
	scraped bool
}

var _ storage.ExemplarAppenderV2 = (*transaction)(nil)

func (a *transaction) Append(ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, o storage.AOptions) (storage.SeriesRef, error) {
	ref, err := a.AppenderV2.Append(ref, ls, st, t, v, h, fh, o)
	// A partial error is one of exemplars: the sample itself was taken.
	if err != nil && !errors.Is(err, (*storage.AppendPartialError)(nil)) {
		return ref, err
	}
	e := a.x.entry(ref, ls)
	if e == nil {
		return ref, err
	}
	if a.ts == nil {
		a.ts = touches.Get().(*[]touch)
	}
	switch {
	case h != nil:
		v = h.Sum
	case fh != nil:
		v = fh.Sum
	}
	*a.ts = append(*a.ts, touch{e: e, t: t, v: v, hist: h != nil || fh != nil})
	return ref, err
}

func (a *transaction) AppendExemplars(ref storage.SeriesRef, ls labels.Labels, es []exemplar.Exemplar) (storage.SeriesRef, error) {
	x, ok := a.AppenderV2.(storage.ExemplarAppenderV2)
	if !ok {
		return ref, errors.New("the storage takes no exemplars without samples")
	}
	return x.AppendExemplars(ref, ls, es)
}

func (a *transaction) Commit() error {
	err := a.AppenderV2.Commit()
	if a.ts != nil && err == nil {
		a.x.committed(*a.ts, a.scraped)
	}
	a.release()
	return err
}

func (a *transaction) Rollback() error {
	a.release()
	return a.AppenderV2.Rollback()
}

func (a *transaction) release() {
	if a.ts == nil {
		return
	}
	clear(*a.ts)
	*a.ts = (*a.ts)[:0]
	if cap(*a.ts) <= keepTouches {
		touches.Put(a.ts)
	}
	a.ts = nil
}
