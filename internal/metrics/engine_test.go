package metrics

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
)

// TestPromQLConformance runs upstream's own suite over the engine as the product configures it.
func TestPromQLConformance(t *testing.T) {
	e := newTestEngine(t, func(o *Options) { o.Query.MaxSamples, o.Query.MaxMemory = 5e7, 0 })
	eo := e.engineOptions(nil, nil)
	// The suite covers upstream's experimental functions too, and counts on
	// the step that its own expectations were written for.
	eo.Parser = parser.NewParser(promqltest.TestParserOpts)
	eo.EnableDelayedNameRemoval, eo.UseStartTimestamps = true, true
	promqltest.RunBuiltinTests(t, promqltest.NewTestEngineWithOpts(t, eo))
}

func do(t *testing.T, h http.Handler, method, target string, body io.Reader, header http.Header) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, body)
	for k, v := range header {
		r.Header[k] = v
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func writeRequest(t *testing.T, series ...prompb.TimeSeries) []byte {
	t.Helper()
	raw, err := proto.Marshal(&prompb.WriteRequest{Timeseries: series})
	if err != nil {
		t.Fatal(err)
	}
	return snappy.Encode(nil, raw)
}

func series(v float64, at time.Time, pairs ...string) prompb.TimeSeries {
	ts := prompb.TimeSeries{Samples: []prompb.Sample{{Value: v, Timestamp: at.UnixMilli()}}}
	for i := 0; i < len(pairs); i += 2 {
		ts.Labels = append(ts.Labels, prompb.Label{Name: pairs[i], Value: pairs[i+1]})
	}
	return ts
}

var v1Header = http.Header{
	"Content-Type": {"application/x-protobuf"}, "Content-Encoding": {"snappy"}, "X-Prometheus-Remote-Write-Version": {"0.1.0"},
}

func query(t *testing.T, e *Engine, q string) string {
	t.Helper()
	code, body := do(t, e.Handler(), http.MethodGet, "/query?query="+url.QueryEscape(q), nil, nil)
	if code != http.StatusOK {
		t.Fatalf("query %s: %d %s", q, code, body)
	}
	var out struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range out.Data.Result {
		fmt.Fprintf(&b, "%s %v\n", labels.FromMap(r.Metric), r.Value[1])
	}
	return b.String()
}

func TestRemoteWriteIsQueried(t *testing.T) {
	e := newTestEngine(t, nil)
	now := time.Now()
	code, body := do(t, e.Handler(), http.MethodPost, "/write", bytes.NewReader(writeRequest(t, series(3, now, "__name__", "m", "a", "b"))), v1Header)
	if code != http.StatusNoContent {
		t.Fatalf("write: %d %s", code, body)
	}
	if got, want := query(t, e, "m"), "{__name__=\"m\", a=\"b\"} 3\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReceiveLimits(t *testing.T) {
	e := newTestEngine(t, func(o *Options) { o.Receive = ReceiveLimits{MaxBody: 1000, MaxDecoded: 10_000} })
	big := snappy.Encode(nil, make([]byte, 20_000))[:100]
	gz := func(n int) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	gzipHeader := http.Header{"Content-Type": {"application/x-protobuf"}, "Content-Encoding": {"gzip"}}
	for _, c := range []struct {
		name, path string
		body       []byte
		header     http.Header
		code       int
		says       string
	}{
		{"body too large", "/write", make([]byte, 2000), v1Header, http.StatusRequestEntityTooLarge, "larger than 1000 bytes"},
		{"promises too much", "/write", big, v1Header, http.StatusRequestEntityTooLarge, "would grow to 20000 bytes"},
		{"gzip bomb", "/otlp/v1/metrics", gz(50_000), gzipHeader, http.StatusRequestEntityTooLarge, "larger than 10000"},
		{"no gzip", "/otlp/v1/metrics", []byte("plain text, longer than a header"), gzipHeader, http.StatusBadRequest, "gzip"},
		{"unknown encoding", "/otlp/v1/metrics", []byte("x"), http.Header{"Content-Encoding": {"br"}}, http.StatusUnsupportedMediaType, `\"br\"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, body := do(t, e.Handler(), http.MethodPost, c.path, bytes.NewReader(c.body), c.header)
			if code != c.code || !strings.Contains(body, c.says) || !strings.Contains(body, `"status":"error"`) {
				t.Errorf("got %d %s, want %d with %q", code, body, c.code, c.says)
			}
		})
	}
}

// What is no snappy block is refused by upstream's own code, in its own form, wherever it is damaged.
func TestNoSnappyBlock(t *testing.T) {
	e := newTestEngine(t, nil)
	for _, body := range [][]byte{nil, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, []byte("hello")} {
		if code, answer := do(t, e.Handler(), http.MethodPost, "/write", bytes.NewReader(body), v1Header); code != http.StatusBadRequest || !strings.HasPrefix(answer, "s2: corrupt input") {
			t.Errorf("%q is answered %d %s", body, code, answer)
		}
	}
}

func TestQueryMemoryBudget(t *testing.T) {
	e := newTestEngine(t, nil)
	for _, q := range []string{
		"count_over_time(up[290y:1ms])",
		"max_over_time(sum_over_time(up[1d:1s])[11d:1s])",
		"sum(count_over_time(vector(1)[100d:10ms]))",
		strings.Repeat("label_replace(", 30) + "up" + strings.Repeat(`, "job", "$1$1", "job", "(.*)")`, 30),
		`label_replace(up, "a", ("` + strings.Repeat("$1", 2000) + `"), "job", "(.*)")`,
		strings.Repeat("label_join(", 12) + "up" + strings.Repeat(`, "job", "-", "job", "job")`, 12),
	} {
		code, body := do(t, e.Handler(), http.MethodGet, "/query?query="+url.QueryEscape(q), nil, nil)
		if code != http.StatusUnprocessableEntity && code != http.StatusBadRequest || !strings.Contains(body, "memory budget") {
			t.Errorf("%s: got %d %s", q, code, body)
		}
	}
	if got := query(t, e, "count_over_time(vector(1)[1h:1m])"); !strings.Contains(got, " 60") && !strings.Contains(got, " 61") {
		t.Errorf("a modest subquery must run, got %q", got)
	}
	relabel := strings.Repeat("label_replace(", 30) + "vector(1)" + strings.Repeat(`, "job", "x-$1", "job", "(.*)")`, 30)
	if got := query(t, e, relabel); !strings.Contains(got, strings.Repeat("x-", 30)) {
		t.Errorf("a label that grows a little must be made, got %q", got)
	}
}

func TestQueryEndedNearMemoryLimit(t *testing.T) {
	e := newTestEngine(t, func(o *Options) { o.MemoryLimit = 1 })
	code, body := do(t, e.Handler(), http.MethodGet, "/query?query=1", nil, nil)
	if !strings.Contains(body, "memory budget") {
		t.Errorf("a process over its limit must refuse queries, got %d %s", code, body)
	}
}

func TestHADeduplication(t *testing.T) {
	now := time.Now()
	e := newTestEngine(t, func(o *Options) {
		o.HA = HAOptions{Enabled: true, ClusterLabel: "cluster", ReplicaLabel: "__replica__", Failover: 30 * time.Second, MaxClusters: 10}
		o.Now = func() time.Time { return now }
	})
	send := func(replica string, v float64) {
		t.Helper()
		code, body := do(t, e.Handler(), http.MethodPost, "/write",
			bytes.NewReader(writeRequest(t, series(v, now, "__name__", "m", "__replica__", replica, "cluster", "c"))), v1Header)
		if code/100 != 2 {
			t.Fatalf("write: %d %s", code, body)
		}
	}
	steps := []struct {
		after   time.Duration
		replica string
		value   float64
		stored  float64
	}{
		{0, "a", 1, 1},
		{time.Second, "b", 2, 1},      // a is elected
		{time.Second, "a", 3, 3},      //
		{29 * time.Second, "b", 4, 3}, // a is silent, but not for long enough
		{2 * time.Second, "b", 5, 5},  // b takes over
		{time.Second, "a", 6, 5},      // a is back, b stays
		{31 * time.Second, "a", 7, 7}, // b is gone
	}
	for i, s := range steps {
		now = now.Add(s.after)
		send(s.replica, s.value)
		code, body := do(t, e.Handler(), http.MethodGet, fmt.Sprintf("/query?query=m&time=%d", now.Unix()+1), nil, nil)
		if want := fmt.Sprintf(`"%v"]`, s.stored); code != http.StatusOK || !strings.Contains(body, want) || strings.Contains(body, "__replica__") {
			t.Errorf("step %d: got %s, want value %s without the replica label", i, body, want)
		}
	}
}

// TestHAPairsThatAreGone: pairs that no longer send give their places to new ones.
func TestHAPairsThatAreGone(t *testing.T) {
	now := time.Now()
	tr := newHATracker(HAOptions{Failover: 30 * time.Second, MaxClusters: 2}, func() time.Time { return now }, nil)
	take := func(cluster string, want bool) {
		t.Helper()
		if got := tr.accept(cluster, "r"); got != want {
			t.Errorf("%s is taken: %v, want %v", cluster, got, want)
		}
	}
	take("a", true)
	take("b", true)
	take("c", false)
	now = now.Add(50 * time.Minute)
	take("b", true)
	now = now.Add(20 * time.Minute)
	take("c", true)
	take("a", false)
	take("b", true)
}

func TestFederate(t *testing.T) {
	e := newTestEngine(t, nil)
	app := e.Storage().AppenderV2(context.Background())
	now := time.Now()
	for _, name := range []string{"b_total", "a_total"} {
		if _, err := app.Append(0, labels.FromStrings("__name__", name, "job", "x"), 0, now.UnixMilli(), 7, nil, nil, storage.AOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	code, body := do(t, e.Federate(), http.MethodGet, "/federate?match[]="+url.QueryEscape(`{job="x"}`), nil, nil)
	want := fmt.Sprintf("# TYPE a_total untyped\na_total{job=\"x\",instance=\"\"} 7 %d\n# TYPE b_total untyped\nb_total{job=\"x\",instance=\"\"} 7 %d\n", now.UnixMilli(), now.UnixMilli())
	if code != http.StatusOK || body != want {
		t.Errorf("got %d:\n%swant:\n%s", code, body, want)
	}
	if code, _ := do(t, e.Federate(), http.MethodGet, "/federate?match[]=%7B", nil, nil); code != http.StatusBadRequest {
		t.Errorf("a bad selector: got %d, want 400", code)
	}
}

func TestReopenKeepsAcknowledgedSamples(t *testing.T) {
	o := testOptions(t)
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if code, body := do(t, e.Handler(), http.MethodPost, "/write", bytes.NewReader(writeRequest(t, series(9, now, "__name__", "m"))), v1Header); code/100 != 2 {
		t.Fatalf("write: %d %s", code, body)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	again := testOptions(t)
	again.Dir = o.Dir
	e2, err := New(again)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e2.Close(); err != nil {
			t.Error(err)
		}
	}()
	if got := query(t, e2, "m"); !strings.Contains(got, " 9") {
		t.Errorf("got %q", got)
	}
}
