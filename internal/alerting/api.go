package alerting

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/api"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/route"
)

func (a *Alertmanager) openAPI() error {
	requests := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "alertmanager_http_request_duration_seconds", Help: "Latency of requests to the Alertmanager API.", Buckets: prometheus.DefBuckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
	}, []string{"handler", "method", "code"})
	a.sizes = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "alertmanager_http_response_size_bytes", Help: "Size of answers of the Alertmanager API.", Buckets: prometheus.ExponentialBuckets(100, 10, 7),
	}, []string{"handler", "method"})
	a.o.Registerer.MustRegister(requests, a.sizes)
	o := api.Options{
		Alerts: a.alerts, Silences: a.silences, GroupMutedFunc: a.groups.Muted, Logger: a.log, Registry: a.o.Registerer,
		Timeout: a.o.RequestTimeout, Concurrency: a.o.GetConcurrency, RequestDuration: requests,
		GroupFunc: a.dispatcher.Groups,
	}
	if a.peer != nil {
		o.Peer = a.peer
	}
	var err error
	if a.api, err = api.New(o); err != nil {
		return fmt.Errorf("create alertmanager API: %w", err)
	}
	return nil
}

// Handler serves /api/v2 below prefix, in upstream's shapes, with upstream's
// limits on concurrency and time. Until the first Apply it answers 503.
func (a *Alertmanager) Handler(prefix string) http.Handler {
	own := promhttp.InstrumentHandlerResponseSize(a.sizes.MustCurryWith(prometheus.Labels{"handler": "/api/v2"}),
		a.durable(a.api.Register(route.New(), prefix)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.inhibitor.Load() == nil {
			writeError(w, http.StatusServiceUnavailable, "no configuration is loaded yet; try again in a moment")
			return
		}
		own.ServeHTTP(w, r)
	})
}

// durable holds the answer to a change of silences back until the change is on
// disk, and answers with an error where it cannot be: what is acknowledged
// must survive.
func (a *Alertmanager) durable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions || !strings.Contains(r.URL.Path, "/api/v2/silence") {
			next.ServeHTTP(w, r)
			return
		}
		held := &heldResponse{header: http.Header{}, code: http.StatusOK}
		next.ServeHTTP(held, r)
		if held.code/100 == 2 {
			if err := a.journals[silenceJournal].persisted(); err != nil {
				a.log.Error("A change of silences could not be written to disk", "err", err)
				writeError(w, http.StatusInternalServerError, "the change could not be written to disk and would be lost by a restart; free some space and try again")
				return
			}
		}
		held.writeTo(w)
	})
}

// writeError writes an error in the shape of upstream's API: a JSON string.
func writeError(w http.ResponseWriter, code int, msg string) {
	b, err := json.Marshal(msg)
	if err != nil {
		http.Error(w, http.StatusText(code), code)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(b, '\n'))
}

// heldResponse keeps an answer back until it is known that it may be given.
type heldResponse struct {
	header http.Header
	code   int
	body   []byte
}

func (h *heldResponse) Header() http.Header  { return h.header }
func (h *heldResponse) WriteHeader(code int) { h.code = code }

func (h *heldResponse) Write(b []byte) (int, error) {
	h.body = append(h.body, b...)
	return len(b), nil
}

func (h *heldResponse) writeTo(w http.ResponseWriter) {
	for k, v := range h.header {
		w.Header()[k] = v
	}
	w.WriteHeader(h.code)
	_, _ = w.Write(h.body)
}
