package alerting

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/client_golang/prometheus"
)

// benchmark puts rounds of alerts, each when the groups of the one before have
// been told, and reports how long the first notification of each group took.
func benchmark(b *testing.B, idle int, alerts func(round int) []*alert.Alert, rounds, groups int) {
	b.Helper()
	var mu sync.Mutex
	first := map[string]time.Time{}
	messages := 0
	told := make(chan struct{}, 100_000)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		at := time.Now()
		var m struct{ GroupLabels map[string]string }
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			b.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		messages++
		if g := m.GroupLabels["alertname"]; first[g].IsZero() {
			first[g] = at
			told <- struct{}{}
		}
	}))
	defer srv.Close()
	o := Options{DataDir: b.TempDir(), Retention: time.Hour, ExternalURL: &url.URL{Scheme: "http", Host: "localhost"}, Logger: discard, Registerer: prometheus.NewRegistry(), OutboxCapacity: 20_000}
	early(&o)
	a, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	f, err := Parse([]byte(patient(srv.URL)))
	if err != nil {
		b.Fatal(err)
	}
	c, err := a.Prepare(f)
	if err != nil {
		b.Fatal(err)
	}
	c.Apply()
	if err := a.Start(context.Background()); err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := a.Stop(context.Background()); err != nil {
			b.Error(err)
		}
	}()
	for n := range idle {
		if err := a.Put(context.Background(), Timing{}, firing(fmt.Sprint("Idle", n))); err != nil {
			b.Fatal(err)
		}
	}
	var took []time.Duration
	b.ResetTimer()
	for n := range rounds {
		batch := alerts(n)
		begun := time.Now()
		if err := a.Put(context.Background(), Timing{}, batch...); err != nil {
			b.Fatal(err)
		}
		for range groups {
			<-told
		}
		mu.Lock()
		for _, at := range first {
			took = append(took, at.Sub(begun))
		}
		clear(first)
		mu.Unlock()
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
	b.ReportMetric(float64(messages)/float64(rounds), "messages")
}
