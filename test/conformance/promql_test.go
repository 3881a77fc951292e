//go:build conformance

package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
)

// Each storage of the suite gets a stretch of time of its own in the two
// servers, so that one pair serves the whole suite: the data of the stretch
// before is out of reach of every lookback and range of the suite.
const (
	firstStretch = 5 * 365 * 24 * time.Hour // after 1970: the suite asks before its time 0 as well
	stretch      = 60 * 24 * time.Hour
)

// TestPromQLAnswers runs upstream's suite with upstream's runner. What the
// suite loads is sent to both servers by remote write, 1.0 and 2.0 in turn;
// what it asks is asked of both, and the answers must be the same.
func TestPromQLAnswers(t *testing.T) {
	// One block holds the whole suite, so that no compaction changes a
	// histogram's counter reset hints in one server before it does in the other.
	const span = "100y"
	config := write(t, t.TempDir(), "prometheus.yml", "global: {evaluation_interval: 1m}\nstorage: {tsdb: {out_of_order_time_window: 30m}}\n")
	ours := startTouchline(t, "--prometheus.config="+config, "--storage.retention.time=0s", "--storage.min-block-duration="+span)
	theirs := startPrometheus(t, config, "--storage.tsdb.retention.time="+span, "--storage.tsdb.min-block-duration="+span, "--web.enable-remote-write-receiver")
	c := &comparison{ours: ours, theirs: theirs}
	files, blocks := &counter{T: t}, 0
	promqltest.RunBuiltinTestsWithStorage(files, &asking{
		QueryEngine: promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery), c: c,
	}, func(tb testing.TB) storage.Storage {
		c.t = tb
		c.shift = firstStretch + time.Duration(blocks)*stretch
		blocks++
		return &loading{Storage: promqltest.NewBuiltinTestStorage(tb), c: c}
	})
	figure(t, "PromQL suite: %d files, %d storages, %d loads (%d series), %d queries: %d equal, of which %d errors; %d equal in another order; %d different",
		files.n, blocks, c.loads, c.series, c.queries, c.equal, c.errors, c.reordered, c.different)
	if files.n < 20 || c.queries < 2000 || c.loads < 200 {
		t.Errorf("the suite has shrunk: expected at least 20 files, 200 loads and 2000 queries")
	}
	if c.errors*2 > c.queries {
		t.Errorf("most queries are refused by both servers: too little is compared")
	}
}

// counter counts the files of the suite.
type counter struct {
	*testing.T
	n int
}

func (c *counter) Run(name string, f func(*testing.T)) bool {
	c.n++
	return c.T.Run(name, f)
}

// comparison holds the two servers and what has been compared.
type comparison struct {
	t            testing.TB
	ours, theirs *server
	shift        time.Duration

	loads, series, queries, equal, errors, reordered, different int
}

// loading is a storage that sends on to both servers what is committed to it.
type loading struct {
	storage.Storage
	c *comparison
}

func (l *loading) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return &loader{AppenderV2: l.Storage.AppenderV2(ctx), c: l.c}
}

type sample struct {
	st, t int64
	f     float64
	h     *histogram.Histogram
	fh    *histogram.FloatHistogram
}

type loadedSeries struct {
	labels  labels.Labels
	samples []sample
}

type loader struct {
	storage.AppenderV2
	c      *comparison
	series []*loadedSeries
}

func (l *loader) Append(ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, opts storage.AppendV2Options) (storage.SeriesRef, error) {
	n := len(l.series)
	if n == 0 || !labels.Equal(l.series[n-1].labels, ls) {
		l.series = append(l.series, &loadedSeries{labels: ls})
		n++
	}
	shift := l.c.shift.Milliseconds()
	s := sample{st: st, t: t + shift, f: v}
	if st != 0 {
		s.st += shift
	}
	if h != nil {
		s.h = h.Copy()
	}
	if fh != nil {
		s.fh = fh.Copy()
	}
	l.series[n-1].samples = append(l.series[n-1].samples, s)
	return l.AppenderV2.Append(ref, ls, st, t, v, h, fh, opts)
}

func (l *loader) Commit() error {
	if err := l.AppenderV2.Commit(); err != nil {
		return err
	}
	if len(l.series) == 0 {
		return nil
	}
	l.c.send(l.series)
	return nil
}

// send writes the same series to both servers. Both must answer alike.
func (c *comparison) send(series []*loadedSeries) {
	c.t.Helper()
	body, header := writeV2(c.t, series)
	if c.loads%2 == 1 {
		body, header = writeV1(c.t, series)
	}
	c.loads++
	c.series += len(series)
	var got [2]string
	for i, s := range []*server{c.ours, c.theirs} {
		res := request(c.t, s, http.MethodPost, "/api/v1/write", header, body)
		got[i] = fmt.Sprintf("%d %s", res.status, res.body)
	}
	if got[0] != got[1] {
		c.t.Errorf("remote write of %d series: touchline answers %q, prometheus %q", len(series), got[0], got[1])
	}
	if !strings.HasPrefix(got[1], "20") {
		c.t.Errorf("prometheus refuses what the suite loads: %s", got[1])
	}
}

func writeV1(t testing.TB, series []*loadedSeries) ([]byte, http.Header) {
	t.Helper()
	req := &prompb.WriteRequest{}
	for _, s := range series {
		ts := prompb.TimeSeries{Labels: prompb.FromLabels(s.labels, nil)}
		for _, p := range s.samples {
			switch {
			case p.h != nil:
				ts.Histograms = append(ts.Histograms, prompb.FromIntHistogram(p.t, p.h))
			case p.fh != nil:
				ts.Histograms = append(ts.Histograms, prompb.FromFloatHistogram(p.t, p.fh))
			default:
				ts.Samples = append(ts.Samples, prompb.Sample{Timestamp: p.t, Value: p.f})
			}
		}
		req.Timeseries = append(req.Timeseries, ts)
	}
	raw, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return snappy.Encode(nil, raw), http.Header{
		"Content-Type": {"application/x-protobuf"}, "Content-Encoding": {"snappy"}, "X-Prometheus-Remote-Write-Version": {"0.1.0"},
	}
}

func writeV2(t testing.TB, series []*loadedSeries) ([]byte, http.Header) {
	t.Helper()
	symbols := writev2.NewSymbolTable()
	req := &writev2.Request{}
	for _, s := range series {
		ts := writev2.TimeSeries{LabelsRefs: symbols.SymbolizeLabels(s.labels, nil)}
		for _, p := range s.samples {
			switch {
			case p.h != nil:
				ts.Histograms = append(ts.Histograms, writev2.FromIntHistogram(p.st, p.t, p.h))
			case p.fh != nil:
				ts.Histograms = append(ts.Histograms, writev2.FromFloatHistogram(p.st, p.t, p.fh))
			default:
				ts.Samples = append(ts.Samples, writev2.Sample{StartTimestamp: p.st, Timestamp: p.t, Value: p.f})
			}
		}
		req.Timeseries = append(req.Timeseries, ts)
	}
	req.Symbols = symbols.Symbols()
	raw, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return snappy.Encode(nil, raw), http.Header{
		"Content-Type": {"application/x-protobuf;proto=io.prometheus.write.v2.Request"}, "Content-Encoding": {"snappy"}, "X-Prometheus-Remote-Write-Version": {"2.0.0"},
	}
}

// asking is an engine that asks both servers whatever it is asked itself.
type asking struct {
	promql.QueryEngine
	c *comparison
}

func (a *asking) NewInstantQuery(ctx context.Context, q storage.Queryable, opts promql.QueryOpts, qs string, ts time.Time) (promql.Query, error) {
	a.c.ask("/api/v1/query", qs, url.Values{"time": {a.c.at(ts)}})
	return a.QueryEngine.NewInstantQuery(ctx, q, opts, qs, ts)
}

func (a *asking) NewRangeQuery(ctx context.Context, q storage.Queryable, opts promql.QueryOpts, qs string, start, end time.Time, interval time.Duration) (promql.Query, error) {
	a.c.ask("/api/v1/query_range", qs, url.Values{
		"start": {a.c.at(start)}, "end": {a.c.at(end)}, "step": {strconv.FormatFloat(interval.Seconds(), 'f', -1, 64)},
	})
	return a.QueryEngine.NewRangeQuery(ctx, q, opts, qs, start, end, interval)
}

// at moves a time of the suite to the present stretch.
func (c *comparison) at(ts time.Time) string {
	return strconv.FormatFloat(float64(ts.Add(c.shift).UnixMilli())/1000, 'f', -1, 64)
}

// ordered are the queries whose answers have an order.
var ordered = regexp.MustCompile(`^\s*(sort|sort_desc|sort_by_label|sort_by_label_desc|topk|bottomk)\s*(\(|by|without)`)

func (c *comparison) ask(path, query string, form url.Values) {
	c.t.Helper()
	query = c.shiftAt(query)
	form.Set("query", query)
	body := []byte(form.Encode())
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	ours, theirs := request(c.t, c.ours, http.MethodPost, path, header, body), request(c.t, c.theirs, http.MethodPost, path, header, body)
	c.queries++
	if theirs.status != http.StatusOK {
		c.errors++
	}
	if ours.status == theirs.status && bytes.Equal(ours.body, theirs.body) {
		c.equal++
		return
	}
	a, b := normalize(c.t, ours.body, false), normalize(c.t, theirs.body, false)
	if ours.status == theirs.status && a == b {
		c.equal++
		return
	}
	if ours.status == theirs.status && !ordered.MatchString(query) && normalize(c.t, ours.body, true) == normalize(c.t, theirs.body, true) {
		c.reordered++
		return
	}
	c.different++
	c.t.Errorf("%s %s\ntouchline:  %d %s\nprometheus: %d %s", path, form.Encode(), ours.status, ours.body, theirs.status, theirs.body)
}

// shiftAt moves the absolute times of @ modifiers to the present stretch.
// A query that does not parse stays as it is: its error is compared.
func (c *comparison) shiftAt(query string) string {
	if !strings.Contains(query, "@") {
		return query
	}
	expr, err := parser.NewParser(promqltest.TestParserOpts).ParseExpr(query)
	if err != nil {
		return query
	}
	shifted := false
	move := func(ts *int64) *int64 {
		if ts == nil {
			return nil
		}
		shifted = true
		moved := *ts + c.shift.Milliseconds()
		return &moved
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			n.Timestamp = move(n.Timestamp)
		case *parser.SubqueryExpr:
			n.Timestamp = move(n.Timestamp)
		}
		return nil
	})
	if !shifted {
		return query
	}
	return expr.String()
}

// normalize puts what has no order into one: warnings and infos always, and
// the result too where the query does not sort it.
func normalize(t testing.TB, body []byte, result bool) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Errorf("answer is not JSON: %v: %s", err, body)
		return string(body)
	}
	for _, k := range []string{"warnings", "infos"} {
		if l, ok := v[k].([]any); ok {
			sortJSON(t, l)
		}
	}
	if data, ok := v["data"].(map[string]any); ok && result {
		if l, ok := data["result"].([]any); ok && (data["resultType"] == "vector" || data["resultType"] == "matrix") {
			sortJSON(t, l)
		}
	}
	return encode(t, v)
}

func encode(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func sortJSON(t testing.TB, l []any) {
	t.Helper()
	slices.SortFunc(l, func(a, b any) int { return strings.Compare(encode(t, a), encode(t, b)) })
}
