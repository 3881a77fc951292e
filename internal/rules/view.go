package rules

import (
	"context"
	"fmt"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"

	"touchline.dev/touchline/internal/rules/arrival"
)

// evaluation computes an alerting expression at one instant, over a part of
// the series, with the recording rules that it builds on computed at the same
// instant. Nothing of it is stored: the storage gets what ticks record, so
// that its series are those that Prometheus would have written.
type evaluation struct {
	engine promql.QueryEngine
	base   storage.Queryable
	at     int64 // ms
	within []*labels.Matcher

	recorded map[string]promql.Vector // by metric name
}

func newEvaluation(engine promql.QueryEngine, base storage.Queryable, at int64, within labels.Labels) *evaluation {
	v := &evaluation{engine: engine, base: base, at: at}
	within.Range(func(l labels.Label) {
		v.within = append(v.within, labels.MustNewMatcher(labels.MatchEqual, l.Name, l.Value))
	})
	return v
}

// query evaluates an expression.
func (v *evaluation) query(ctx context.Context, expr string) (promql.Vector, error) {
	return rules.EngineQueryFunc(v.engine, v)(ctx, expr, timestamp.Time(v.at))
}

// record computes the recording rules of a name, for the expressions after it.
func (v *evaluation) record(ctx context.Context, name string, rs []arrival.Recording) error {
	var out promql.Vector
	seen := map[uint64]bool{}
	for _, r := range rs {
		vec, err := v.query(ctx, r.Expr.String())
		if err != nil {
			return fmt.Errorf("record %s: %w", name, err)
		}
		b := labels.NewBuilder(labels.EmptyLabels())
		for _, s := range vec {
			b.Reset(s.Metric)
			b.Set(labels.MetricName, name)
			r.Labels.Range(func(l labels.Label) { b.Set(l.Name, l.Value) })
			s.Metric = b.Labels()
			h := s.Metric.Hash()
			if seen[h] {
				return fmt.Errorf("record %s: two results have the labels %s", name, s.Metric)
			}
			seen[h] = true
			out = append(out, s)
		}
	}
	if v.recorded == nil {
		v.recorded = map[string]promql.Vector{}
	}
	v.recorded[name] = out
	return nil
}

var _ storage.Queryable = (*evaluation)(nil)

// Querier makes the evaluation the storage of its own queries.
func (v *evaluation) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := v.base.Querier(mint, maxt)
	if err != nil {
		return nil, err
	}
	return &evaluationQuerier{Querier: q, v: v}, nil
}

type evaluationQuerier struct {
	storage.Querier
	v *evaluation
}

func (q *evaluationQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	all := make([]*labels.Matcher, 0, len(ms)+len(q.v.within))
	all = append(append(all, ms...), q.v.within...)
	// Only what is selected at the very instant is computed anew; a range or
	// an offset looks at what has been recorded.
	if len(q.v.recorded) > 0 && hints != nil && hints.Range == 0 && hints.End == q.v.at {
		for _, m := range ms {
			if m.Name != labels.MetricName || m.Type != labels.MatchEqual {
				continue
			}
			if vec, ok := q.v.recorded[m.Value]; ok {
				return q.overlay(ctx, hints, vec, all)
			}
		}
	}
	return q.Querier.Select(ctx, sorted, hints, all...)
}

// overlay puts computed samples before the stored series of the same labels.
// Stored series that the computation does not have stay as they are: they are
// what Prometheus would see until the recording rule's next tick.
func (q *evaluationQuerier) overlay(ctx context.Context, hints *storage.SelectHints, vec promql.Vector, ms []*labels.Matcher) storage.SeriesSet {
	out := &seriesList{at: -1}
	have := map[uint64]bool{}
	for _, s := range vec {
		if !matchAll(ms, s.Metric) {
			continue
		}
		have[s.Metric.Hash()] = true
		out.series = append(out.series, storage.NewListSeries(s.Metric, []chunks.Sample{computed{t: q.v.at, s: s}}))
	}
	stored := q.Querier.Select(ctx, false, hints, ms...)
	for stored.Next() {
		if s := stored.At(); !have[s.Labels().Hash()] {
			out.series = append(out.series, s)
		}
	}
	out.err, out.warnings = stored.Err(), stored.Warnings()
	return out
}

func matchAll(ms []*labels.Matcher, ls labels.Labels) bool {
	for _, m := range ms {
		if !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}

// seriesList is a series set in memory.
type seriesList struct {
	series   []storage.Series
	at       int
	err      error
	warnings annotations.Annotations
}

func (l *seriesList) Next() bool                        { l.at++; return l.err == nil && l.at < len(l.series) }
func (l *seriesList) At() storage.Series                { return l.series[l.at] }
func (l *seriesList) Err() error                        { return l.err }
func (l *seriesList) Warnings() annotations.Annotations { return l.warnings }

// computed is one computed sample as the storage would return it.
type computed struct {
	t int64
	s promql.Sample
}

var _ chunks.Sample = computed{}

func (c computed) T() int64                      { return c.t }
func (c computed) ST() int64                     { return 0 }
func (c computed) F() float64                    { return c.s.F }
func (c computed) H() *histogram.Histogram       { return nil }
func (c computed) FH() *histogram.FloatHistogram { return c.s.H }
func (c computed) Copy() chunks.Sample           { return c }

func (c computed) Type() chunkenc.ValueType {
	if c.s.H != nil {
		return chunkenc.ValFloatHistogram
	}
	return chunkenc.ValFloat
}
