package backtest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// view is the storage as one rule sees it: the stored series without those
// that the rules themselves write, and what these have written so far.
type view struct {
	cache *cache
	rule  *rule
	tick  int64 // of a single evaluation; 0 in a range query, which sees all
	mu    *sync.Mutex
}

var _ storage.Queryable = (*view)(nil)

// Querier implements storage.Queryable.
func (v *view) Querier(mint, maxt int64) (storage.Querier, error) {
	return &viewQuerier{view: v, mint: mint, maxt: maxt}, nil
}

type viewQuerier struct {
	*view
	mint, maxt int64
}

func (q *viewQuerier) Close() error { return nil }

// Select implements storage.Querier.
func (q *viewQuerier) Select(ctx context.Context, _ bool, hints *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	mint, maxt := q.mint, q.maxt
	if hints != nil {
		mint, maxt = hints.Start, hints.End
	}
	stored, err := q.cache.get(ctx, mint, maxt, ms)
	if err != nil {
		return newSeriesSet(nil, err)
	}
	list := stored
	if q.rule.hidden.mayHide(ms) {
		list = make([]*points, 0, len(stored))
		for _, s := range stored {
			if !q.rule.hidden.hides(s.ls) {
				list = append(list, s)
			}
		}
	}
	own := false
	for _, p := range q.rule.producers {
		if !selects(ms, p) {
			continue
		}
		for _, o := range p.out {
			if len(o.data) == 0 || !matches(ms, o.ls) {
				continue
			}
			s := &o.points
			if q.tick != 0 {
				if s = s.upTo(visible(p, q.rule, q.tick)); len(s.data) == 0 {
					continue
				}
			}
			if !own {
				list, own = slices.Clone(list), true
			}
			list = append(list, s)
		}
	}
	if own {
		list = merge(list)
	}
	if len(list) > 0 {
		q.mu.Lock()
		q.rule.seen[matchersText(ms)] = true
		q.mu.Unlock()
	}
	return newSeriesSet(list, nil)
}

func matches(ms []*labels.Matcher, ls labels.Labels) bool {
	for _, m := range ms {
		if !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}

// merge sorts, and joins what two rules wrote into one series: the first sample
// of a timestamp stays, as in the database.
func merge(list []*points) []*points {
	slices.SortStableFunc(list, func(a, b *points) int { return labels.Compare(a.ls, b.ls) })
	out := list[:0]
	for _, s := range list {
		if n := len(out); n > 0 && labels.Equal(out[n-1].ls, s.ls) {
			both := slices.Concat(out[n-1].data, s.data)
			slices.SortStableFunc(both, func(a, b point) int {
				switch {
				case a.t < b.t:
					return -1
				case a.t > b.t:
					return 1
				}
				return 0
			})
			out[n-1] = &points{ls: s.ls, data: slices.CompactFunc(both, func(a, b point) bool { return a.t == b.t })}
			continue
		}
		out = append(out, s)
	}
	return out
}

var errNoLabels = errors.New("the names and values of labels are not kept for a backtest")

// LabelValues implements storage.LabelQuerier.
func (q *viewQuerier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, errNoLabels
}

// LabelNames implements storage.LabelQuerier.
func (q *viewQuerier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, errNoLabels
}
