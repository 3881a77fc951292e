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
	v1 "github.com/prometheus/prometheus/web/api/v1"
)

// newAPI hides upstream's constructor with its many positional arguments.
func (e *Engine) newAPI() *v1.API {
	listen := v1.GlobalURLOptions{ListenAddress: e.o.ExternalURL.Host, Host: e.o.ExternalURL.Host, Scheme: e.o.ExternalURL.Scheme}
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
	mux.Handle("POST /write", limitSnappy(e.o.Receive, e.budget, r))
	mux.Handle("POST /read", limitSnappy(ReceiveLimits{MaxBody: maxReadRequest, MaxDecoded: maxReadRequest}, e.budget, r))
	mux.Handle("POST /otlp/v1/metrics", limitGzip(e.o.Receive, e.budget, r))
	mux.HandleFunc("POST /alerts", func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusGone, "gone", "Alertmanager's v1 API is gone; send alerts to /api/v2/alerts")
	})
	return mux
}

// Federate serves /federate.
func (e *Engine) Federate() http.Handler { return e.fed }

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
