package metrics

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	remoteapi "github.com/prometheus/client_golang/exp/api/remote"
	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/template"
	"github.com/prometheus/prometheus/util/features"
	"github.com/prometheus/prometheus/util/httputil"
	v1 "github.com/prometheus/prometheus/web/api/v1"
)

// newAPI hides upstream's constructor with its many positional arguments.
func (e *Engine) newAPI() *v1.API {
	listen := v1.GlobalURLOptions{ListenAddress: e.o.ListenAddress, Host: e.o.ExternalURL.Host, Scheme: e.o.ExternalURL.Scheme}
	return v1.NewAPI(
		e.guard, e.fanout, e.received, e.db,
		func(context.Context) v1.ScrapePoolsRetriever { return e.scraper },
		func(context.Context) v1.TargetRetriever { return e.scraper },
		func(context.Context) v1.AlertmanagerRetriever { return e.o.Alertmanagers },
		func() config.Config { return *e.cfg.Load() },
		e.o.Flags, listen,
		func(next http.HandlerFunc) http.HandlerFunc { return next },
		adminTSDB{e.db}, e.o.Dir,
		e.o.EnableAdmin, true, e.o.Read.SearchResults,
		e.log.With("component", "api"),
		func(context.Context) v1.RulesRetriever { return e.o.Rules },
		e.o.Read.Samples, e.o.Read.Concurrency, e.o.Read.BytesInFrame,
		false, e.o.CORSOrigin, e.runtimeInfo, &e.o.Version,
		e.notes.Get, e.notes.Sub,
		e.o.Gatherer, e.o.Registerer, nil,
		true, remoteapi.MessageTypes{remoteapi.WriteV1MessageType, remoteapi.WriteV2MessageType},
		true, true, false,
		e.o.Query.Lookback, false, true, nil,
		e.features, v1.OpenAPIOptions{ExternalURL: e.o.ExternalURL.String(), Version: e.o.Version.Version},
		e.parser, false, e.o.Query.Timeout,
	)
}

// maxReadRequest bounds a remote-read request, in bytes; it holds matchers only.
const maxReadRequest = 4 << 20

// routes are the paths below /api/v1, with the receiving ones behind the size limits.
func (e *Engine) routes() http.Handler {
	r := route.New()
	e.api.Register(r)
	mux := http.NewServeMux()
	mux.Handle("/", r)
	mux.Handle("POST /write", limitSnappy(e.o.Receive, e.budget, e.newShortWrite(r)))
	mux.Handle("POST /read", limitSnappy(ReceiveLimits{MaxBody: maxReadRequest, MaxDecoded: maxReadRequest}, e.budget, r))
	mux.Handle("POST /otlp/v1/metrics", limitGzip(e.o.Receive, e.budget, r))
	return mux
}

// Federate serves /federate, compressed where the caller takes that.
func (e *Engine) Federate() http.Handler { return httputil.CompressionHandler{Handler: e.fed} }

// listFeatures adds to /api/v1/features what upstream's web package says of
// the HTTP API, and what its main function says of the process.
func (e *Engine) listFeatures() {
	r := e.features
	for name, on := range map[string]bool{
		"admin": e.o.EnableAdmin, "lifecycle": e.o.EnableLifecycle, "remote_write_receiver": true, "otlp_write_receiver": true, "search": true, "query_cost": false,
		"label_values_match": true, "query_warnings": true, "query_stats": true, "time_range_series": true, "time_range_labels": true,
		"exclude_alerts": true, "openapi_3.1": true, "openapi_3.2": true,
	} {
		r.Set(features.API, name, on)
	}
	for _, a := range v1.FuzzAlgorithms() {
		r.Enable(features.API, "search_fuzz_alg_"+a)
	}
	r.Set(features.OTLPReceiver, "delta_conversion", true)
	r.Set(features.OTLPReceiver, "native_delta_ingestion", false)
	r.Set(features.Prometheus, "agent_mode", false)
	r.Set(features.Prometheus, "server_mode", true)
	r.Set(features.Prometheus, "auto_reload_config", false)
	r.Enable(features.Prometheus, labels.ImplementationName)
	r.Enable(features.TSDB, "metadata_wal_records")
	r.Set(features.UI, "ui_v2", false)
	r.Set(features.UI, "ui_v3", false)
	template.RegisterFeatures(r)
}

func (e *Engine) runtimeInfo() (v1.RuntimeInfo, error) {
	host, err := os.Hostname()
	if err != nil {
		return v1.RuntimeInfo{}, fmt.Errorf("read host name: %w", err)
	}
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "unknown"
	}
	info := v1.RuntimeInfo{
		StartTime: e.o.StartedAt.UTC(), CWD: cwd, Hostname: host, ServerTime: e.o.Now().UTC(),
		GoroutineCount: runtime.NumGoroutine(), GOMAXPROCS: runtime.GOMAXPROCS(0), GOMEMLIMIT: debug.SetMemoryLimit(-1),
		GOGC: os.Getenv("GOGC"), GODEBUG: os.Getenv("GODEBUG"), StorageRetention: e.Retention(),
	}
	families, err := e.o.Gatherer.Gather()
	if err != nil {
		return info, fmt.Errorf("gather own metrics: %w", err)
	}
	for _, f := range families {
		if len(f.GetMetric()) == 0 {
			continue
		}
		m := f.GetMetric()[0]
		switch f.GetName() {
		case "prometheus_tsdb_wal_corruptions_total":
			info.CorruptionCount = int64(m.GetCounter().GetValue())
		case "prometheus_config_last_reload_successful":
			info.ReloadConfigSuccess = m.GetGauge().GetValue() == 1
		case "prometheus_config_last_reload_success_timestamp_seconds":
			info.LastConfigTime = time.Unix(int64(m.GetGauge().GetValue()), 0).UTC()
		}
	}
	return info, nil
}

// Retention says how long and up to what size data is kept, as upstream words it.
func (e *Engine) Retention() string {
	r := e.tsdbRetention()
	if t := e.cfg.Load().StorageConfig.TSDBConfig; t != nil && t.Retention != nil {
		r = *t.Retention
	}
	s := ""
	if r.Time > 0 {
		s = r.Time.String()
	}
	if r.Size > 0 {
		if s != "" {
			s += " or "
		}
		s += r.Size.String()
	}
	return s
}
