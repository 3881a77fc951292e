package app

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"touchline.dev/touchline/internal/incident"
)

// seriesOf reads the series that have some labels, for what else changed when an
// incident began. Of the samples within a step the last one stands for all.
// Buckets of histograms are left out: their sums and counts say the same in less.
func (a *App) seriesOf(ctx context.Context, ls map[string]string, from, to time.Time, step time.Duration, limit int) (_ []incident.Series, err error) {
	q, err := a.engine.Whole().Querier(timestamp.FromTime(from), timestamp.FromTime(to))
	if err != nil {
		return nil, fmt.Errorf("read series: %w", err)
	}
	defer func() { _ = q.Close() }()
	ms := []*labels.Matcher{labels.MustNewMatcher(labels.MatchNotRegexp, labels.MetricName, ".*_bucket|ALERTS|ALERTS_FOR_STATE")}
	for k, v := range ls {
		ms = append(ms, labels.MustNewMatcher(labels.MatchEqual, k, v))
	}
	set := q.Select(ctx, false, &storage.SelectHints{Start: timestamp.FromTime(from), End: timestamp.FromTime(to), Step: step.Milliseconds(), Limit: limit}, ms...)
	var out []incident.Series
	var it chunkenc.Iterator
	for set.Next() && len(out) < limit {
		s := set.At()
		x := incident.Series{Labels: s.Labels().Map(), Counter: isCounter(s.Labels().Get(labels.MetricName))}
		it = s.Iterator(it)
		var slot int64
		for it.Next() == chunkenc.ValFloat { // a series of histograms has no level
			t, v := it.At()
			if math.IsNaN(v) {
				continue
			}
			at := timestamp.Time(t)
			if n := t / step.Milliseconds(); n == slot && len(x.Times) > 0 {
				x.Times[len(x.Times)-1], x.Values[len(x.Values)-1] = at, v
			} else {
				slot = n
				x.Times, x.Values = append(x.Times, at), append(x.Values, v)
			}
		}
		if err := it.Err(); err != nil {
			return nil, fmt.Errorf("read series: %w", err)
		}
		if len(x.Values) > 0 {
			out = append(out, x)
		}
	}
	if err := set.Err(); err != nil {
		return nil, fmt.Errorf("read series: %w", err)
	}
	return out, nil
}

func isCounter(name string) bool {
	return strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_count") || strings.HasSuffix(name, "_sum")
}

// graphOf computes an expression over a time, for the graphs of post-mortems. A
// comparison is drawn without its threshold: what it compares is what people want to see.
func (a *App) graphOf(ctx context.Context, expr string, from, to time.Time, step time.Duration, limit int) ([]incident.Series, error) {
	q, err := a.engine.QueryEngine().NewRangeQuery(ctx, a.engine.Whole(), nil, a.compared(expr), from, to, step)
	if err != nil {
		return nil, fmt.Errorf("draw expression: %w", err)
	}
	defer q.Close()
	res := q.Exec(ctx)
	m, err := res.Matrix()
	if err != nil {
		return nil, fmt.Errorf("draw expression: %w", err)
	}
	out := make([]incident.Series, 0, min(len(m), limit))
	for _, s := range m[:min(len(m), limit)] {
		out = append(out, points(s))
	}
	return out, nil
}

func points(s promql.Series) incident.Series {
	x := incident.Series{Labels: s.Metric.Map()}
	for _, p := range s.Floats {
		x.Times, x.Values = append(x.Times, timestamp.Time(p.T)), append(x.Values, p.F)
	}
	return x
}

// compared is the left side of an expression that compares something with a number.
func (a *App) compared(expr string) string {
	e, err := a.engine.Parser().ParseExpr(expr)
	if err != nil {
		return expr
	}
	for {
		p, ok := e.(*parser.ParenExpr)
		if !ok {
			break
		}
		e = p.Expr
	}
	if b, ok := e.(*parser.BinaryExpr); ok && b.Op.IsComparisonOperator() && !b.ReturnBool && b.RHS.Type() == parser.ValueTypeScalar {
		return b.LHS.String()
	}
	return expr
}
