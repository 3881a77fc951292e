package fleet

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gogo/protobuf/proto"
	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/prompb"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// decode reads a body with Prometheus's own types.
func decode(t *testing.T, body []byte) []prompb.TimeSeries {
	t.Helper()
	raw, err := snappy.Decode(nil, body)
	if err != nil {
		t.Fatal(err)
	}
	var req prompb.WriteRequest
	if err := proto.Unmarshal(raw, &req); err != nil {
		t.Fatal(err)
	}
	return req.Timeseries
}

func TestRound(t *testing.T) {
	const hosts, at = 8, int64(1_700_000_000_000)
	f := New(hosts)
	if f.Series() != hosts*SeriesPerHost {
		t.Fatalf("got %d series, want %d", f.Series(), hosts*SeriesPerHost)
	}
	values := map[string]float64{}
	changed := 0
	for round := range int64(3) {
		bodies := f.Round(at + round*Interval)
		if len(bodies) != 2 {
			t.Fatalf("got %d bodies, want 2 for %d series", len(bodies), f.Series())
		}
		seen := map[string]bool{}
		for _, ts := range append(decode(t, bodies[0]), decode(t, bodies[1])...) {
			if len(ts.Samples) != 1 || ts.Samples[0].Timestamp != at+round*Interval {
				t.Fatalf("samples %v in round %d", ts.Samples, round)
			}
			key, last := "", ""
			for _, l := range ts.Labels {
				if l.Name <= last {
					t.Fatalf("labels are not sorted: %v", ts.Labels)
				}
				last = l.Name
				key += l.Name + "=" + l.Value + ","
			}
			if seen[key] {
				t.Fatalf("%s is there twice", key)
			}
			seen[key] = true
			v := ts.Samples[0].Value
			if round == 2 && v != values[key] {
				changed++
			}
			if strings.Contains(key, "_total,") && v < values[key] {
				t.Errorf("the counter %s fell from %v to %v", key, values[key], v)
			}
			values[key] = v
		}
	}
	// The share that the package comment promises.
	if share := float64(changed) / float64(f.Series()); share < 0.2 || share > 0.3 {
		t.Errorf("%.2f of the series changed, want about a quarter", share)
	}
}

func TestRoundIsReproducible(t *testing.T) {
	a, b := New(3), New(3)
	for i := range int64(3) {
		if x, y := a.Round(i*Interval), b.Round(i*Interval); !bytes.Equal(bytes.Join(x, nil), bytes.Join(y, nil)) {
			t.Fatalf("round %d differs", i)
		}
	}
}

func TestWriteSendsAllInOrder(t *testing.T) {
	var mu sync.Mutex
	last := map[string]int64{}
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		if _, err := b.ReadFrom(r.Body); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, ts := range decode(t, b.Bytes()) {
			key := ""
			for _, l := range ts.Labels {
				key += l.Name + "=" + l.Value + ","
			}
			if ts.Samples[0].Timestamp <= last[key] {
				t.Errorf("%s: %d after %d", key, ts.Samples[0].Timestamp, last[key])
			}
			last[key] = ts.Samples[0].Timestamp
			n++
		}
	}))
	defer srv.Close()
	f := New(20)
	var rounds [][][]byte
	for i := range int64(5) {
		rounds = append(rounds, f.Round((i+1)*Interval))
	}
	w := &Writer{URL: srv.URL, Connections: 3}
	defer w.Close()
	if err := w.Write(context.Background(), rounds); err != nil {
		t.Fatal(err)
	}
	if want := 5 * f.Series(); n != want {
		t.Errorf("got %d samples, want %d", n, want)
	}
}

func TestWriteTellsRefusal(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "out of bounds", http.StatusBadRequest)
	}))
	defer srv.Close()
	w := &Writer{URL: srv.URL, Connections: 2}
	defer w.Close()
	err := w.Write(context.Background(), [][][]byte{New(10).Round(1)})
	if err == nil || !strings.Contains(err.Error(), "out of bounds") {
		t.Errorf("got %v, want what the server said", err)
	}
}
