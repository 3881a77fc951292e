package metrics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"google.golang.org/protobuf/proto"
)

// federation serves /federate: the newest sample of every selected series, in
// the exposition format that the caller negotiates.
type federation struct {
	q        storage.Queryable
	parser   parser.Parser
	config   func() config.Config
	lookback time.Duration
	now      func() time.Time
	log      *slog.Logger
	errors   prometheus.Counter
	warnings prometheus.Counter
}

func newFederation(q storage.Queryable, p parser.Parser, cfg func() config.Config, lookback time.Duration, now func() time.Time, log *slog.Logger, reg prometheus.Registerer) *federation {
	f := &federation{
		q: q, parser: p, config: cfg, lookback: lookback, now: now, log: log,
		errors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "prometheus_web_federation_errors_total", Help: "Federation requests that failed.",
		}),
		warnings: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "prometheus_web_federation_warnings_total", Help: "Warnings met while answering federation requests.",
		}),
	}
	if reg != nil {
		reg.MustRegister(f.errors, f.warnings)
	}
	return f
}

func (f *federation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "parse form: "+err.Error(), http.StatusBadRequest)
		return
	}
	sets, err := f.parser.ParseMetricSelectors(r.Form["match[]"])
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	vec, err := f.newest(r.Context(), sets)
	if err != nil {
		f.errors.Inc()
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	format := expfmt.NegotiateAccept(r.Header, expfmt.NewFormat(expfmt.TypeProtoDelim), expfmt.NewFormat(expfmt.TypeProtoText), expfmt.NewFormat(expfmt.TypeProtoCompact), expfmt.NewFormat(expfmt.TypeTextPlain))
	w.Header().Set("Content-Type", string(format))
	enc := expfmt.NewEncoder(w, format)
	for _, fam := range f.families(vec, native(format)) {
		if err := enc.Encode(fam); err != nil {
			f.errors.Inc()
			f.log.Warn("Federation answer was cut off", "err", err)
			return
		}
	}
}

// native says whether a format can carry native histograms.
func native(f expfmt.Format) bool {
	switch f.FormatType() {
	case expfmt.TypeProtoDelim, expfmt.TypeProtoText, expfmt.TypeProtoCompact:
		return true
	default:
		return false
	}
}

// newest is the last sample of each selected series within the lookback,
// sorted by metric name. Stale series are left out.
func (f *federation) newest(ctx context.Context, sets [][]*labels.Matcher) (promql.Vector, error) {
	maxt := timestamp.FromTime(f.now())
	mint := maxt - f.lookback.Milliseconds()
	q, err := f.q.Querier(mint, maxt)
	if err != nil {
		return nil, fmt.Errorf("open querier: %w", err)
	}
	var vec promql.Vector
	err = func() error {
		var all []storage.SeriesSet
		for _, ms := range sets {
			all = append(all, q.Select(ctx, true, &storage.SelectHints{Start: mint, End: maxt}, ms...))
		}
		set := storage.NewMergeSeriesSet(all, 0, storage.ChainedSeriesMerge)
		var it chunkenc.Iterator
		for set.Next() {
			it = set.At().Iterator(it)
			if s, ok := last(it, maxt); ok {
				s.Metric = set.At().Labels()
				vec = append(vec, s)
			}
			if it.Err() != nil {
				return fmt.Errorf("read series %s: %w", set.At().Labels(), it.Err())
			}
		}
		f.warnings.Add(float64(len(set.Warnings())))
		return set.Err()
	}()
	if err := errors.Join(err, q.Close()); err != nil {
		return nil, err
	}
	slices.SortStableFunc(vec, func(a, b promql.Sample) int {
		return cmp.Compare(a.Metric.Get(model.MetricNameLabel), b.Metric.Get(model.MetricNameLabel))
	})
	return vec, nil
}

// last is the newest sample at or before maxt that is not a stale marker.
func last(it chunkenc.Iterator, maxt int64) (s promql.Sample, ok bool) {
	for typ := it.Next(); typ != chunkenc.ValNone; typ = it.Next() {
		if it.AtT() > maxt {
			break
		}
		switch typ {
		case chunkenc.ValFloat:
			s.T, s.F = it.At()
			s.H, ok = nil, !value.IsStaleNaN(s.F)
		case chunkenc.ValHistogram, chunkenc.ValFloatHistogram:
			s.T, s.H = it.AtFloatHistogram(nil)
			ok = !value.IsStaleNaN(s.H.Sum)
		}
	}
	return s, ok
}

// families groups samples by name and kind. External labels are added where a
// series lacks them, and an empty instance where it has none, so that the
// scraping server does not put its own in their place.
func (f *federation) families(vec promql.Vector, nativeToo bool) []*dto.MetricFamily {
	cfg := f.config()
	external := cfg.GlobalConfig.ExternalLabels.Map()
	if _, ok := external[model.InstanceLabel]; !ok {
		external[model.InstanceLabel] = ""
	}
	names := make([]string, 0, len(external))
	for n := range external {
		names = append(names, n)
	}
	slices.Sort(names)

	var out []*dto.MetricFamily
	for _, s := range vec {
		name := s.Metric.Get(model.MetricNameLabel)
		if name == "" || (s.H != nil && !nativeToo && !s.H.UsesCustomBuckets()) {
			continue
		}
		kind := familyType(s.H)
		if n := len(out); n == 0 || out[n-1].GetName() != name || out[n-1].GetType() != kind {
			out = append(out, &dto.MetricFamily{Name: proto.String(name), Type: kind.Enum()})
		}
		m := &dto.Metric{TimestampMs: proto.Int64(s.T)}
		s.Metric.Range(func(l labels.Label) {
			if l.Name != model.MetricNameLabel {
				m.Label = append(m.Label, &dto.LabelPair{Name: proto.String(l.Name), Value: proto.String(l.Value)})
			}
		})
		for _, n := range names {
			if !s.Metric.Has(n) {
				m.Label = append(m.Label, &dto.LabelPair{Name: proto.String(n), Value: proto.String(external[n])})
			}
		}
		switch {
		case s.H == nil:
			m.Untyped = &dto.Untyped{Value: proto.Float64(s.F)}
		case s.H.UsesCustomBuckets():
			m.Histogram = classicHistogram(s.H)
		default:
			m.Histogram = nativeHistogram(s.H)
		}
		fam := out[len(out)-1]
		fam.Metric = append(fam.Metric, m)
	}
	return out
}

func familyType(h *histogram.FloatHistogram) dto.MetricType {
	switch {
	case h == nil:
		return dto.MetricType_UNTYPED
	case h.CounterResetHint == histogram.GaugeType:
		return dto.MetricType_GAUGE_HISTOGRAM
	default:
		return dto.MetricType_HISTOGRAM
	}
}

// nativeHistogram carries a histogram with an exponential schema.
func nativeHistogram(h *histogram.FloatHistogram) *dto.Histogram {
	spans := func(in []histogram.Span) []*dto.BucketSpan {
		out := make([]*dto.BucketSpan, 0, len(in))
		for _, s := range in {
			out = append(out, &dto.BucketSpan{Offset: proto.Int32(s.Offset), Length: proto.Uint32(s.Length)})
		}
		return out
	}
	return &dto.Histogram{
		SampleCountFloat: proto.Float64(h.Count), SampleSum: proto.Float64(h.Sum), Schema: proto.Int32(h.Schema),
		ZeroThreshold: proto.Float64(h.ZeroThreshold), ZeroCountFloat: proto.Float64(h.ZeroCount),
		NegativeSpan: spans(h.NegativeSpans), NegativeCount: h.NegativeBuckets,
		PositiveSpan: spans(h.PositiveSpans), PositiveCount: h.PositiveBuckets,
	}
}

// classicHistogram carries a histogram with custom buckets as a classic one.
func classicHistogram(h *histogram.FloatHistogram) *dto.Histogram {
	out := &dto.Histogram{SampleCountFloat: proto.Float64(h.Count), SampleSum: proto.Float64(h.Sum)}
	it := h.PositiveBucketIterator()
	cumulative, next := 0.0, 0
	for it.Next() {
		b := it.At()
		// Buckets that hold nothing are not stored, yet a classic histogram has them all.
		for ; next < len(h.CustomValues) && h.CustomValues[next] < b.Upper; next++ {
			out.Bucket = append(out.Bucket, &dto.Bucket{CumulativeCountFloat: proto.Float64(cumulative), UpperBound: proto.Float64(h.CustomValues[next])})
		}
		cumulative += b.Count
		if next < len(h.CustomValues) && h.CustomValues[next] == b.Upper {
			out.Bucket = append(out.Bucket, &dto.Bucket{CumulativeCountFloat: proto.Float64(cumulative), UpperBound: proto.Float64(b.Upper)})
			next++
		}
	}
	for ; next < len(h.CustomValues); next++ {
		out.Bucket = append(out.Bucket, &dto.Bucket{CumulativeCountFloat: proto.Float64(cumulative), UpperBound: proto.Float64(h.CustomValues[next])})
	}
	return out
}
