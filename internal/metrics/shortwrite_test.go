package metrics

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/klauspost/compress/snappy"
	remoteapi "github.com/prometheus/client_golang/exp/api/remote"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// TestLabelsAreCopied: a series that is new keeps its labels, while those of a
// message live in a buffer that the next message overwrites.
func TestLabelsAreCopied(t *testing.T) {
	if labels.ImplementationName != "stringlabels" {
		t.Fatalf("labels are of the implementation %s: does Labels() of its builder copy the strings that shortMessage gives it?", labels.ImplementationName)
	}
}

// counted counts the requests that come through.
type counted struct {
	next http.Handler
	n    int
}

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.n++
	c.next.ServeHTTP(w, r)
}

// randomWrite makes a message as senders make them, and some as they should not.
func randomWrite(r *rand.Rand, now time.Time) *prompb.WriteRequest {
	req := &prompb.WriteRequest{}
	odd := r.IntN(3) == 0
	at := func() int64 { return now.Add(time.Duration(r.IntN(20000)-10000) * time.Millisecond).UnixMilli() }
	for range r.IntN(6) {
		name := prompb.Label{Name: "__name__", Value: "m" + strconv.Itoa(r.IntN(3))}
		ts := prompb.TimeSeries{Labels: []prompb.Label{name, {Name: "b", Value: strconv.Itoa(r.IntN(5))}, {Name: "c", Value: "ü"}}}
		for range r.IntN(4) {
			ts.Samples = append(ts.Samples, prompb.Sample{Timestamp: at(), Value: float64(r.IntN(4))})
		}
		if r.IntN(2) == 0 { // mostly in order
			slices.SortFunc(ts.Samples, func(a, b prompb.Sample) int { return int(a.Timestamp - b.Timestamp) })
		}
		if odd {
			switch r.IntN(14) {
			case 0:
				ts.Labels = ts.Labels[1:]
			case 1:
				ts.Labels = append(ts.Labels, prompb.Label{Name: "b", Value: "again"})
			case 2:
				ts.Labels = append(ts.Labels, prompb.Label{Name: "a", Value: "\xff"})
			case 3:
				ts.Labels = append(ts.Labels, prompb.Label{Name: "", Value: "x"})
			case 4:
				ts.Labels = append(ts.Labels, prompb.Label{Name: "a"})
			case 5:
				slices.Reverse(ts.Labels)
			case 6:
				ts.Exemplars = []prompb.Exemplar{{Labels: []prompb.Label{{Name: "trace", Value: "1"}}, Value: 1, Timestamp: at()}}
			case 7:
				ts.Labels[0].Value = "h"
				ts.Samples, ts.Histograms = nil, []prompb.Histogram{prompb.FromIntHistogram(at(), &histogram.Histogram{Count: 1, Sum: 2, ZeroCount: 1})}
			case 8:
				ts.Samples = append(ts.Samples, prompb.Sample{Timestamp: now.Add(time.Hour).UnixMilli(), Value: 1})
			case 9:
				ts.Samples = append(ts.Samples, prompb.Sample{Timestamp: now.Add(-24 * time.Hour).UnixMilli(), Value: 1})
			case 10:
				req.Metadata = []prompb.MetricMetadata{{MetricFamilyName: "m0", Type: prompb.MetricMetadata_COUNTER, Help: "h"}}
			case 11:
				ts.Samples = append(ts.Samples, prompb.Sample{Timestamp: at(), Value: math.Float64frombits(0x7ff0000000000002)}) // stale
			case 12:
				ts.XXX_unrecognized = []byte{0x38, 1}
			case 13:
				ts.Labels = nil
			}
		}
		req.Timeseries = append(req.Timeseries, ts)
	}
	return req
}

// allSamples is everything that a querier selects, in order.
func allSamples(t *testing.T, q storage.Queryable) []string {
	t.Helper()
	querier, err := q.Querier(0, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = querier.Close() }()
	var out []string
	set := querier.Select(context.Background(), true, nil, labels.MustNewMatcher(labels.MatchRegexp, "__name__", "[mh].*"))
	for set.Next() {
		it := set.At().Iterator(nil)
		for typ := it.Next(); typ != chunkenc.ValNone; typ = it.Next() {
			if typ != chunkenc.ValFloat {
				out = append(out, fmt.Sprintf("%s %d of type %v", set.At().Labels(), it.AtT(), typ))
				continue
			}
			ts, v := it.At()
			out = append(out, fmt.Sprintf("%s %d %x", set.At().Labels(), ts, math.Float64bits(v)))
		}
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
	return out
}

// TestShortWriteIsUpstreams sends the same messages both ways: the answers and
// what is stored are the same, and so are the figures of the head.
func TestShortWriteIsUpstreams(t *testing.T) {
	for _, ha := range []bool{false, true} {
		t.Run(fmt.Sprintf("ha=%v", ha), func(t *testing.T) {
			o := HAOptions{Enabled: ha, ClusterLabel: "c", ReplicaLabel: "b", Failover: time.Minute, MaxClusters: 10}
			change := func(opts *Options) { opts.HA = o }
			short, long := newTestEngine(t, change), newTestEngine(t, change)
			upstreams := &counted{next: short.upstreamsWrite(t)}
			through := map[string]http.Handler{
				"short": limitSnappy(short.o.Receive, short.budget, short.newShortWrite(upstreams)),
				"long":  limitSnappy(long.o.Receive, long.budget, long.upstreamsWrite(t)),
			}
			const messages = 3000
			r := rand.New(rand.NewPCG(1, 2))
			now := time.Now()
			status := map[int]int{}
			for i := range messages {
				now = now.Add(50 * time.Millisecond)
				raw, err := proto.Marshal(randomWrite(r, now))
				if err != nil {
					t.Fatal(err)
				}
				body := snappy.Encode(nil, raw)
				header := http.Header{"Content-Encoding": {"snappy"}, "Content-Type": {"application/x-protobuf"}}
				wantCode, want := do(t, through["long"], http.MethodPost, "/write", bytes.NewReader(body), header)
				if code, got := do(t, through["short"], http.MethodPost, "/write", bytes.NewReader(body), header); code != wantCode || got != want {
					t.Fatalf("message %d: answered %d %q instead of %d %q", i, code, got, wantCode, want)
				}
				status[wantCode]++
			}
			if got, want := allSamples(t, short.db), allSamples(t, long.db); !reflect.DeepEqual(got, want) || len(got) < messages/2 {
				t.Errorf("%d samples are stored instead of %d", len(got), len(want))
			}
			if got, want := headFigures(t, short), headFigures(t, long); !reflect.DeepEqual(got, want) {
				t.Errorf("figures of the head:\n%v instead of\n%v", got, want)
			}
			if upstreams.n < messages/20 || upstreams.n > messages/2 || status[204] < messages/4 || status[400] < messages/20 {
				t.Errorf("of %d messages %d went the long way; answers %v", messages, upstreams.n, status)
			}
		})
	}
}

// upstreamsWrite is upstream's handler of remote write.
func (e *Engine) upstreamsWrite(t *testing.T) http.Handler {
	t.Helper()
	return remote.NewWriteHandler(slog.New(slog.DiscardHandler), prometheus.NewRegistry(), e.received, remoteapi.MessageTypes{remoteapi.WriteV1MessageType, remoteapi.WriteV2MessageType}, false, true)
}

func headFigures(t *testing.T, e *Engine) map[string]float64 {
	t.Helper()
	fs, err := e.o.Gatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range fs {
		switch f.GetName() {
		case "prometheus_tsdb_head_samples_appended_total", "prometheus_tsdb_out_of_order_samples_total", "prometheus_tsdb_out_of_bound_samples_total",
			"prometheus_tsdb_too_old_samples_total", "prometheus_tsdb_head_series", "touchline_ha_deduped_samples_total", "prometheus_tsdb_head_active_appenders":
			for _, m := range f.GetMetric() {
				out[f.GetName()+fmt.Sprint(m.GetLabel())] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return out
}

// TestShortWriteMakesNoGarbage: what a message costs does not grow with its series.
func TestShortWriteMakesNoGarbage(t *testing.T) {
	const series = 1000
	e := newTestEngine(t, nil)
	s := e.newShortWrite(nil)
	s.store = takingAll{}
	m := &shortMessage{b: labels.NewScratchBuilder(16)}
	req := &prompb.WriteRequest{}
	for i := range series {
		req.Timeseries = append(req.Timeseries, prompb.TimeSeries{
			Labels:  []prompb.Label{{Name: "__name__", Value: "m"}, {Name: "instance", Value: "i" + strconv.Itoa(i)}, {Name: "job", Value: "j"}},
			Samples: []prompb.Sample{{Timestamp: 1, Value: 1}},
		})
	}
	raw, err := proto.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	app := e.db.AppenderV2(t.Context())
	for _, ts := range req.Timeseries {
		b := labels.NewScratchBuilder(3)
		if _, err := app.Append(0, ts.ToLabels(&b, nil), 0, 1, 1, nil, nil, storage.AOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	m.raw = raw
	if n := testing.AllocsPerRun(100, func() {
		if err := s.take(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}); n > 10 {
		t.Errorf("%v allocations for %d series", n, series)
	}
}

// takingAll is a storage that takes every sample and keeps none.
type takingAll struct{}

func (takingAll) AppenderV2(context.Context) storage.AppenderV2 { return takesAllAndCommits{} }

type takesAllAndCommits struct{ takesAll }

func (takesAllAndCommits) Commit() error   { return nil }
func (takesAllAndCommits) Rollback() error { return nil }

// notebook is a storage that lists what was committed to it.
type notebook struct {
	refs  map[string]storage.SeriesRef
	names map[storage.SeriesRef]labels.Labels
	lines []string
}

func (n *notebook) AppenderV2(context.Context) storage.AppenderV2 { return &noteAppender{n: n} }

type noteAppender struct {
	storage.AppenderV2
	n     *notebook
	lines []string
}

func (a *noteAppender) GetRef(ls labels.Labels, _ uint64) (storage.SeriesRef, labels.Labels) {
	ref := a.n.refs[ls.String()]
	return ref, a.n.names[ref]
}

func (a *noteAppender) Append(ref storage.SeriesRef, ls labels.Labels, _, t int64, v float64, _ *histogram.Histogram, _ *histogram.FloatHistogram, _ storage.AOptions) (storage.SeriesRef, error) {
	if t < 0 {
		return 0, storage.ErrOutOfBounds
	}
	if known, ok := a.n.names[ref]; ok {
		ls = known
	}
	key := ls.String()
	if a.n.refs[key] == 0 {
		a.n.refs[key] = storage.SeriesRef(len(a.n.refs) + 1)
		a.n.names[a.n.refs[key]] = ls
	}
	a.lines = append(a.lines, fmt.Sprintf("%s %d %x", key, t, math.Float64bits(v)))
	return a.n.refs[key], nil
}

func (a *noteAppender) AppendExemplars(ref storage.SeriesRef, _ labels.Labels, _ []exemplar.Exemplar) (storage.SeriesRef, error) {
	return ref, nil
}

func (a *noteAppender) Commit() error {
	a.n.lines = append(a.n.lines, a.lines...)
	return nil
}
func (a *noteAppender) Rollback() error { return nil }

// FuzzShortWrite: whatever bytes a message has, they are answered and stored as
// upstream's handler does it.
func FuzzShortWrite(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	now := time.Now()
	for range 50 {
		raw, err := proto.Marshal(randomWrite(r, now))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	header := http.Header{"Content-Encoding": {"snappy"}, "Content-Type": {"application/x-protobuf"}}
	discard := slog.New(slog.DiscardHandler)
	f.Fuzz(func(t *testing.T, raw []byte) {
		send := func(h http.Handler) (int, string) {
			r := httptest.NewRequest(http.MethodPost, "/write", bytes.NewReader(snappy.Encode(nil, raw)))
			r.Header = header.Clone()
			w := httptest.NewRecorder()
			limitSnappy(ReceiveLimits{MaxBody: 1 << 20, MaxDecoded: 1 << 20}, &receiveBudget{limit: 1 << 30}, h).ServeHTTP(w, r)
			return w.Code, w.Body.String()
		}
		build := func() (*notebook, http.Handler) {
			n := &notebook{refs: map[string]storage.SeriesRef{}, names: map[storage.SeriesRef]labels.Labels{}}
			return n, remote.NewWriteHandler(discard, prometheus.NewRegistry(), n, remoteapi.MessageTypes{remoteapi.WriteV1MessageType}, false, true)
		}
		long, upstreams := build()
		short, next := build()
		s := &shortWrite{next: next, log: discard, now: time.Now, store: short, head: short}
		for range 2 { // new series, then known ones
			wantCode, want := send(upstreams)
			if code, got := send(s); code != wantCode || got != want || !reflect.DeepEqual(short.lines, long.lines) {
				t.Fatalf("answered %d %q instead of %d %q; stored %q instead of %q", code, got, wantCode, want, short.lines, long.lines)
			}
		}
	})
}
