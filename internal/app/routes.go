package app

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httputil"
	"net/http/pprof"
	"net/url"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"touchline.dev/touchline/internal/console"
	"touchline.dev/touchline/internal/httpserver"
	"touchline.dev/touchline/internal/page"
)

// alertmanagersRef is what /api/v1/alertmanagers lists: those of
// prometheus.yml, or this process itself.
type alertmanagersRef struct{ a *App }

func (r *alertmanagersRef) Alertmanagers() []*url.URL {
	if r.a.notifier == nil {
		return nil
	}
	if r.a.notifier.External() {
		return r.a.notifier.Alertmanagers()
	}
	return []*url.URL{r.a.external.JoinPath("/api/v2/alerts")}
}

func (r *alertmanagersRef) DroppedAlertmanagers() []*url.URL {
	if r.a.notifier == nil {
		return nil
	}
	return r.a.notifier.DroppedAlertmanagers()
}

// serveRoot answers before the first configuration is loaded, too.
func (a *App) serveRoot(w http.ResponseWriter, r *http.Request) {
	if a.handler == nil {
		http.Error(w, "starting", http.StatusServiceUnavailable)
		return
	}
	a.handler.ServeHTTP(w, r)
}

func (a *App) openPage() error {
	runbooks, err := fs.Sub(a.o.Shipped, "runbooks")
	if err != nil {
		return err
	}
	mux := newRouter()
	a.page, err = page.New(page.Options{
		Logger: a.log.With("component", "page"), API: mux, Report: a.Report, Notifications: a.notifications,
		Accounts: accounts{a.door}, Runbooks: runbooks, RoutePrefix: a.prefix(), Version: a.build.Version,
	})
	if err != nil {
		return err
	}
	if a.o.Console != nil {
		if a.console, err = console.New(console.Options{Files: a.o.Console, RoutePrefix: a.prefix(), Plain: a.page.Handler()}); err != nil {
			return err
		}
	}
	a.routes(mux)
	a.handler, a.patterns = mux, mux.patterns
	return nil
}

func (a *App) notifications() []page.Notification {
	var out []page.Notification
	for _, n := range a.alerting.Notifications() {
		p := page.Notification{Time: n.At, Receiver: n.Receiver, Integration: n.Integration, Group: n.Group, Status: "firing", Alerts: n.Firing, Err: n.Error, Duration: n.Took}
		if n.Firing == 0 {
			p.Status, p.Alerts = "resolved", n.Resolved
		}
		out = append(out, p)
	}
	return out
}

// routes are the paths of the one port, below the route prefix.
func (a *App) routes(mux *router) {
	prom, federate := a.prometheusAPI()
	mux.Handle("/api/v1/", a.auditedChange(metricsChanges, prom))
	mux.Handle("/api/v2/", a.auditedSilences(a.alertmanagerAPI()))
	// Alertmanager's first API is gone; its own handler says so with a 410.
	old := a.alerting.Handler("/")
	for _, gone := range []string{"POST /api/v1/alerts", "/api/v1/silences", "/api/v1/silence/{id}", "/api/v1/receivers", "GET /api/v1/status"} {
		mux.Handle(gone, old)
	}
	mux.Handle("/federate", getOnly(federate))
	mux.HandleFunc("POST /v1/metrics", func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/api/v1/otlp/v1/metrics"
		prom.ServeHTTP(w, r)
	})
	mux.HandleFunc("POST /v1/logs", otlpUnimplemented)
	mux.HandleFunc("POST /v1/traces", otlpUnimplemented)
	mux.Handle("GET /metrics", promhttp.HandlerFor(prometheus.Gatherers{a.reg, prometheus.DefaultGatherer}, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("Touchline is Healthy.\n"))
	})
	mux.HandleFunc("GET /-/ready", a.serveReady)
	mux.Handle("/-/reload", a.audited("server.reload", "server", a.lifecycle(func(w http.ResponseWriter) {
		if err := a.Reload(); err != nil {
			http.Error(w, "failed to reload config: "+err.Error(), http.StatusInternalServerError)
		}
	})))
	mux.Handle("/-/quit", a.audited("server.quit", "server", a.lifecycle(func(w http.ResponseWriter) {
		_, _ = w.Write([]byte("Requesting termination... Goodbye!\n"))
		a.quitOnce.Do(func() { close(a.quit) })
	})))
	mux.HandleFunc("GET /touchline/v1/status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		if err := enc.Encode(a.Report()); err != nil {
			a.log.Debug("Status answer was cut off", "err", err)
		}
	})
	mux.HandleFunc("GET /touchline/v1/rules/arrival", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(map[string]any{"rules": a.rules.Arrivals()}); err != nil {
			a.log.Debug("Answer about rules was cut off", "err", err)
		}
	})
	mux.HandleFunc("GET /touchline/v1/heartbeat", a.serveHeartbeat)
	mux.Handle("POST /touchline/v1/backup", a.audited("backup.read", "server", a.backup))
	a.nativeAPI(mux)
	for path, h := range map[string]http.HandlerFunc{
		"/debug/pprof/": pprof.Index, "/debug/pprof/cmdline": pprof.Cmdline, "/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/symbol": pprof.Symbol, "/debug/pprof/trace": pprof.Trace,
	} {
		mux.HandleFunc(path, h)
	}
	mux.handlePage(a.page, a.console)
	mux.HandleFunc("/", a.serveRest)
}

// getOnly takes GET, and says so to every other method as upstream's router does.
func getOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Allow", "GET, OPTIONS")
		if r.Method != http.MethodOptions {
			http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		}
	})
}

// serveRest sends old links to their pages and answers unknown API paths in the API's own shape.
func (a *App) serveRest(w http.ResponseWriter, r *http.Request) {
	p := r.URL.Path
	switch {
	case strings.HasPrefix(p, "/touchline/"), strings.HasPrefix(p, "/api/"), strings.HasPrefix(p, "/v1/"), strings.HasPrefix(p, "/-/"):
		httpserver.NotFound(httpserver.ProtocolOf(p)).ServeHTTP(w, r)
	default:
		a.page.LegacyRedirects().ServeHTTP(w, r)
	}
}

// otlpUnimplemented is OTLP's way to say that a signal is not taken: a
// google.rpc.Status with code 12.
func otlpUnimplemented(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotImplemented)
	_, _ = w.Write([]byte(`{"code":12,"message":"this server takes OTLP metrics only"}` + "\n"))
}

func (a *App) serveReady(w http.ResponseWriter, _ *http.Request) {
	if !a.ready.Load() {
		http.Error(w, "Touchline is not ready.", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("Touchline is Ready.\n"))
}

// lifecycle guards reload and quit, which are off unless asked for. As
// upstream, they are asked for by POST or PUT.
func (a *App) lifecycle(do func(http.ResponseWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost && r.Method != http.MethodPut {
			w.Header().Set("Allow", "POST, PUT")
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusMethodNotAllowed)
			_, _ = w.Write([]byte("Only POST or PUT requests allowed"))
			return
		}
		if !a.c.Web.EnableLifecycle {
			http.Error(w, "Lifecycle API is not enabled; start with --web.enable-lifecycle or send SIGHUP.", http.StatusForbidden)
			return
		}
		do(w)
	}
}

// alertmanagerAPI is that of the alerts backend; without one the embedded
// Alertmanager's, or, where prometheus.yml names Alertmanagers, that of the first
// one that answers.
func (a *App) alertmanagerAPI() http.Handler {
	if x := a.remote.alerts; x != nil {
		return x.Alertmanager()
	}
	own := a.alerting.Handler("/")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.notifier.External() {
			own.ServeHTTP(w, r)
			return
		}
		a.forward(w, r, a.notifier.Alertmanagers())
	})
}

// forward tries the Alertmanagers in order. Only a request without a body can
// go to a second one; another would have to be kept whole.
func (a *App) forward(w http.ResponseWriter, r *http.Request, to []*url.URL) {
	if len(to) == 0 {
		amError(w, http.StatusBadGateway, "prometheus.yml names Alertmanagers, but none has been discovered")
		return
	}
	base, _, _ := strings.Cut(to[0].Path, "/api/")
	target := &url.URL{Scheme: to[0].Scheme, Host: to[0].Host, Path: base}
	p := &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(target)
			// What proves who somebody is here is nothing for others.
			pr.Out.Header.Del("Authorization")
			pr.Out.Header.Del("Cookie")
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) && len(to) > 1 {
				a.forward(w, r, to[1:])
				return
			}
			amError(w, http.StatusBadGateway, "Alertmanager "+target.Host+" could not be reached: "+err.Error())
		},
	}
	p.ServeHTTP(w, r)
}

// amError answers in the shape of Alertmanager's API: a JSON string.
func amError(w http.ResponseWriter, code int, msg string) {
	raw, err := json.Marshal(msg)
	if err != nil {
		raw = []byte(`"error"`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(raw, '\n'))
}
