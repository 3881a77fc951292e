package metrics

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
)

// TestHotPathsAllocateNothing covers what stands between a request and
// upstream's code for every batch of samples and every query.
func TestHotPathsAllocateNothing(t *testing.T) {
	g := newQueryGuard(nil, NewParser(), guardOptions{MaxSamples: 1000, DefaultStep: func(int64) int64 { return 1000 }})
	body := snappy.Encode(nil, bytes.Repeat([]byte("a series and its samples"), 2000))
	reader := bytes.NewReader(body)
	req := httptest.NewRequest(http.MethodPost, "/write", http.NoBody)
	req.Body, req.ContentLength = io.NopCloser(reader), int64(len(body))
	own := req.Body
	took, into := 0, make([]byte, 4096)
	receive := limitSnappy(ReceiveLimits{MaxBody: 1 << 20, MaxDecoded: 1 << 20}, &receiveBudget{limit: 1 << 30}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for {
			n, err := r.Body.Read(into)
			took += n
			if err != nil {
				return
			}
		}
	}))
	for _, c := range []struct {
		name string
		do   func()
	}{
		{"guard of a query without a subquery", func() {
			if err := g.check(`sum by (job) (rate(job:requests:total{code=~"5.."}[5m])) > 0.9`, time.Hour); err != nil {
				t.Error(err)
			}
		}},
		{"size of the heap", func() {
			if heapBytes() <= 0 {
				t.Error("the heap is empty")
			}
		}},
		{"remote-write body", func() {
			reader.Reset(body)
			req.Body, took = own, 0
			receive.ServeHTTP(nil, req)
			if took != len(body) {
				t.Errorf("handed on %d of %d bytes", took, len(body))
			}
		}},
	} {
		// One run in a hundred may find its pool emptied by the garbage collector.
		if n := testing.AllocsPerRun(1000, c.do); n > 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

// TestGuardOfTheDiskAllocatesNothing: it stands on the path of every sample.
func TestGuardOfTheDiskAllocatesNothing(t *testing.T) {
	app := &guardedAppender{AppenderV2: takesAll{}, g: &diskGuard{}}
	ls := labels.FromStrings("__name__", "m")
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := app.Append(1, ls, 0, 1, 1, nil, nil, storage.AppendV2Options{}); err != nil {
			t.Error(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations per sample", n)
	}
}

// takesAll is an appender that takes every sample.
type takesAll struct{ storage.AppenderV2 }

func (takesAll) Append(ref storage.SeriesRef, _ labels.Labels, _, _ int64, _ float64, _ *histogram.Histogram, _ *histogram.FloatHistogram, _ storage.AppendV2Options) (storage.SeriesRef, error) {
	return ref, nil
}

// FuzzMayHaveSubquery: an expression with a subquery must never pass by the guard.
func FuzzMayHaveSubquery(f *testing.F) {
	for _, q := range []string{
		"up[5m]", "up[5m:]", "up[5m:1s]", `up{a="["}[5m:1s]`, `count_over_time(up{a="]"}[290y : 1ms])`, "up[5m # ]\n:1s]", "job:x:rate[5m]",
		"max_over_time(rate(x[1m])[1h:1m] @ end() offset 5m)", "x[\n1h\n:\n]", `label_replace(x, "a", "$1", "b", "[a:]")`,
	} {
		f.Add(q)
	}
	p := NewParser()
	f.Fuzz(func(t *testing.T, q string) {
		expr, err := p.ParseExpr(q)
		if err != nil {
			return
		}
		parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
			if _, ok := n.(*parser.SubqueryExpr); ok && !mayHaveSubquery(q) {
				t.Errorf("the subquery of %q was not seen", q)
			}
			return nil
		})
	})
}
