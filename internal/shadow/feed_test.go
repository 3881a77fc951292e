package shadow

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// TestEndOfSeriesIsByThePairsClock has our clock an hour ahead of the pair's,
// and series that federation leaves out for a while.
func TestEndOfSeriesIsByThePairsClock(t *testing.T) {
	answer := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) }))
	defer srv.Close()
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	db, err := tsdb.Open(t.TempDir(), slog.New(slog.DiscardHandler), nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	all := []*labels.Matcher{labels.MustNewMatcher(labels.MatchRegexp, labels.MetricName, ".+")}
	f := newFeed(&server{name: "Prometheus", base: u, http: srv.Client()}, [][]*labels.Matcher{all}, labels.EmptyLabels(), db, func() time.Time { return time.UnixMilli(3_600_000) })
	for _, c := range []struct {
		answer           string
		samples, refused int
	}{
		{"a 1 1000\nb 1 1200\n", 2, 0},
		{"a 1 1000\nb 1 1200\n", 2, 0}, // nothing new
		{"b 1 2200\n", 3, 0},           // a has ended
		{"a 1 3000\nb 1 3200\n", 5, 0}, // and is back
		{"", 5, 0},                     // both have ended, at the same time
		{"a 1 3100\nb 1 4200\n", 6, 1}, // a is back with a sample from before its end
		{"a 1 3100\nb 1 4200\n", 6, 1}, // which counts once
		{"a 1 5000\nb 1 5200\n", 8, 1},
	} {
		answer = c.answer
		if err := f.once(context.Background()); err != nil {
			t.Fatal(err)
		}
		if f.samples != c.samples || f.refused != c.refused {
			t.Errorf("after %q: %d samples, %d refused, want %d and %d", c.answer, f.samples, f.refused, c.samples, c.refused)
		}
	}
	for name, want := range map[string][]string{
		"a": {"1000", "2200 end", "3000", "3201 end", "5000"},
		"b": {"1200", "2200", "3200", "3201 end", "4200", "5200"},
	} {
		if got := stored(t, db, name); !slices.Equal(got, want) {
			t.Errorf("%s has %v, want %v", name, got, want)
		}
	}
}

// stored lists the times of a metric's samples.
func stored(t *testing.T, db *tsdb.DB, name string) (out []string) {
	t.Helper()
	q, err := db.Querier(math.MinInt64, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	set := q.Select(context.Background(), true, nil, labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, name))
	for set.Next() {
		for it := set.At().Iterator(nil); it.Next() == chunkenc.ValFloat; {
			at, v := it.At()
			if value.IsStaleNaN(v) {
				out = append(out, fmt.Sprint(at, " end"))
			} else {
				out = append(out, fmt.Sprint(at))
			}
		}
	}
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
