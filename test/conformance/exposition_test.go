//go:build conformance

package conformance

import (
	"net/http"
	"net/http/httptest"
	"testing"

	promclient "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// exposition is a target with every kind of metric and with values that never
// change, so that two servers that scrape it at different times store the same.
func exposition(t *testing.T) (address string) {
	t.Helper()
	reg := promclient.NewRegistry()
	requests := promclient.NewCounterVec(promclient.CounterOpts{Name: "shop_requests_total", Help: "Requests, by method."}, []string{"method"})
	temperature := promclient.NewGauge(promclient.GaugeOpts{Name: "shop_temperature_celsius", Help: "How warm it is.\nIn the shop."})
	latency := promclient.NewHistogram(promclient.HistogramOpts{Name: "shop_latency_seconds", Help: "Latency.", Buckets: []float64{0.1, 1, 10}})
	native := promclient.NewHistogram(promclient.HistogramOpts{Name: "shop_size_bytes", Help: "Sizes.", NativeHistogramBucketFactor: 1.1})
	quantiles := promclient.NewSummary(promclient.SummaryOpts{Name: "shop_wait_seconds", Help: "Waiting.", Objectives: map[float64]float64{0.5: 0.05, 0.9: 0.01}})
	info := promclient.NewGaugeVec(promclient.GaugeOpts{Name: "shop_build_info", Help: "Build."}, []string{"version"})
	reg.MustRegister(requests, temperature, latency, native, quantiles, info)
	requests.WithLabelValues("GET").Add(42)
	c, ok := requests.WithLabelValues("POST").(promclient.ExemplarAdder)
	if !ok {
		t.Fatal("counters take no exemplars")
	}
	c.AddWithExemplar(7, promclient.Labels{"trace_id": "abc"})
	temperature.Set(-3.5)
	for _, v := range []float64{0.05, 0.5, 5, 50} {
		latency.Observe(v)
		native.Observe(v * 1000)
		quantiles.Observe(v)
	}
	info.WithLabelValues("1.2.3 \"β\"").Set(1)
	srv := httptest.NewServer(promhttp.HandlerFor(reg, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// sink accepts alerts and forgets them.
func sink(t *testing.T) (address string) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}
