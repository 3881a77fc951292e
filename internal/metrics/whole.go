package metrics

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// ErrPartial says that what is stored elsewhere could not be read.
var ErrPartial = errors.New("a part of the samples could not be read")

// Whole reads what Storage reads, and fails where a part of it could not be read.
// Storage answers with what the others have, and a warning: right for a page that
// shows the warning, and wrong for what counts alerts or looks for what changed.
func (e *Engine) Whole() storage.Queryable { return whole{e.fanout} }

type whole struct{ storage.Queryable }

func (w whole) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := w.Queryable.Querier(mint, maxt)
	if err != nil {
		return nil, err
	}
	return wholeQuerier{q}, nil
}

type wholeQuerier struct{ storage.Querier }

func (q wholeQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	return wholeSet{q.Querier.Select(ctx, sorted, hints, ms...)}
}

func (q wholeQuerier) LabelValues(ctx context.Context, name string, hints *storage.LabelHints, ms ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	values, ws, err := q.Querier.LabelValues(ctx, name, hints, ms...)
	return values, ws, errors.Join(err, missing(ws))
}

func (q wholeQuerier) LabelNames(ctx context.Context, hints *storage.LabelHints, ms ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	names, ws, err := q.Querier.LabelNames(ctx, hints, ms...)
	return names, ws, errors.Join(err, missing(ws))
}

type wholeSet struct{ storage.SeriesSet }

// Err is asked after the last series: what could not be read is known by then.
func (s wholeSet) Err() error {
	return errors.Join(s.SeriesSet.Err(), missing(s.SeriesSet.Warnings()))
}

// missing is the error of a read that a storage turned into a warning.
func missing(ws annotations.Annotations) error {
	if len(ws) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrPartial, errors.Join(ws.AsErrors()...))
}
