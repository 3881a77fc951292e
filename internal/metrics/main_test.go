package metrics

import (
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/grafana/regexp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/rules"
	v1 "github.com/prometheus/prometheus/web/api/v1"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// klog and the OpenCensus of a discovery plugin start one goroutine each at import.
		goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"),
		// Upstream's OTLP handler starts its delta converter for the life of the process.
		goleak.IgnoreTopFunction("github.com/open-telemetry/opentelemetry-collector-contrib/processor/deltatocumulativeprocessor.(*deltaToCumulativeProcessor).Start.func1"),
		goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
	)
}

type noRules struct{}

func (noRules) RuleGroups() []*rules.Group           { return nil }
func (noRules) AlertingRules() []*rules.AlertingRule { return nil }

type noAlertmanagers struct{}

func (noAlertmanagers) Alertmanagers() []*url.URL        { return nil }
func (noAlertmanagers) DroppedAlertmanagers() []*url.URL { return nil }

// testOptions are those of the product with small limits.
func testOptions(t *testing.T) Options {
	t.Helper()
	reg := prometheus.NewRegistry()
	return Options{
		Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler), Registerer: reg, Gatherer: reg,
		RetentionTime: 24 * time.Hour, OutOfOrderWindow: 30 * time.Minute, MaxExemplars: 100,
		Query:         QueryLimits{MaxSamples: 1e6, MaxMemory: 64 << 20, Timeout: time.Minute, MaxConcurrency: 4, Lookback: 5 * time.Minute},
		Receive:       ReceiveLimits{MaxBody: 1 << 20, MaxDecoded: 4 << 20},
		Read:          ReadLimits{Samples: 1e6, Concurrency: 2, BytesInFrame: 1 << 20, SearchResults: 1000},
		ListenAddress: "localhost:7070", ExternalURL: &url.URL{Scheme: "http", Host: "localhost:7070"}, CORSOrigin: regexp.MustCompile("^$"),
		StartedAt: time.Now(), Rules: noRules{}, Alertmanagers: noAlertmanagers{}, Version: v1.PrometheusVersion{Version: "test"},
	}
}

func newTestEngine(t *testing.T, change func(*Options)) *Engine {
	t.Helper()
	o := testOptions(t)
	if change != nil {
		change(&o)
	}
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}
