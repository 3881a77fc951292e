package datasource

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/touchline/internal/backend"
)

// maxRequests may be on their way to one source at the same time.
const maxRequests = 20

// Options configure a Proxy. All fields are required.
type Options struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Own        http.Handler // this server's own Prometheus API, at /api/v1/
}

// Proxy reaches sources.
type Proxy struct {
	o        Options
	sources  atomic.Pointer[sources]
	requests *prometheus.CounterVec
}

type sources struct {
	list []Source
	by   map[string]*backend.Client
}

// New returns a Proxy without sources but our own.
func New(o Options) (*Proxy, error) {
	p := &Proxy{o: o, requests: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "touchline_datasource_requests_total", Help: "Requests that the console sent to other Prometheus servers through this one, by what came of them.",
	}, []string{"outcome"})}
	for _, outcome := range backend.Outcomes {
		p.requests.WithLabelValues(outcome)
	}
	if err := o.Registerer.Register(p.requests); err != nil {
		return nil, fmt.Errorf("register metrics of data sources: %w", err)
	}
	p.sources.Store(&sources{})
	return p, nil
}

// Set puts sources in force. They have been checked, and each uid stands once.
func (p *Proxy) Set(list []Source) error {
	next := &sources{list: list, by: map[string]*backend.Client{}}
	for i := range list {
		s := &list[i]
		if s.Type != Prometheus {
			continue
		}
		c, err := newClient(s)
		if err != nil {
			return fmt.Errorf("data source %s: %w", s.UID, err)
		}
		next.by[s.UID] = c
	}
	old := p.sources.Swap(next)
	for _, c := range old.by {
		c.Close()
	}
	return nil
}

// Close drops connections.
func (p *Proxy) Close() {
	for _, c := range p.sources.Load().by {
		c.Close()
	}
}

// List lists all sources, our own first.
func (p *Proxy) List() []Shown {
	own := Shown{UID: Own, Name: "Touchline", Type: Prometheus, Default: true}
	out := []Shown{own}
	list := p.sources.Load().list
	for i := range list {
		if list[i].Default {
			out[0].Default = false
		}
		out = append(out, list[i].shown())
	}
	return out
}

func newClient(s *Source) (*backend.Client, error) {
	base, err := s.base()
	if err != nil {
		return nil, err
	}
	conf, err := s.tls()
	if err != nil {
		return nil, err
	}
	timeout := s.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	return backend.New(backend.Options{
		Name: "data source " + s.Name, URL: base, Timeout: min(timeout, MaxTimeout), Requests: maxRequests, Credentials: "its provisioning file",
		Transport: &signing{source: s, Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSClientConfig: conf, TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
		}},
	}), nil
}

// signing adds a source's credentials and headers to each request.
type signing struct {
	source *Source
	*http.Transport
}

// RoundTrip sends a signed copy of a request.
func (s *signing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, value := range s.source.Headers {
		r.Header.Set(name, string(value))
	}
	if s.source.User != "" {
		r.SetBasicAuth(s.source.User, string(s.source.Password))
	}
	return s.Transport.RoundTrip(r)
}

// ServeHTTP passes a request on. The path values uid and rest of its pattern say
// where to.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	uid, rest := r.PathValue("uid"), r.PathValue("rest")
	if r.Method != http.MethodGet && r.Method != http.MethodPost || !backend.Reads(r.Method, rest) {
		p.refuse(w, http.StatusForbidden, "forbidden", "%s %.200s is not passed on: only what reads metrics is, such as query, query_range, series, labels and label values", r.Method, rest)
		return
	}
	if uid == Own {
		own := r.Clone(r.Context())
		own.URL.Path, own.URL.RawPath = "/api/v1/"+rest, ""
		p.o.Own.ServeHTTP(w, own)
		return
	}
	sources := p.sources.Load()
	c := sources.by[uid]
	if c == nil {
		for i := range sources.list {
			if sources.list[i].UID == uid {
				p.refuse(w, http.StatusNotImplemented, "unavailable", "the data source %s is of the type %s, and only those of the type %s are reached", sources.list[i].Name, sources.list[i].Type, Prometheus)
				return
			}
		}
		p.refuse(w, http.StatusNotFound, "not_found", "there is no data source %.100q; GET /touchline/v1/datasources lists them", uid)
		return
	}
	err := c.Pass(w, r, backend.Reading(rest))
	if outcome := backend.Outcome(err); outcome != "" {
		p.requests.WithLabelValues(outcome).Inc()
	}
	if e, ok := errors.AsType[*backend.Error](err); ok {
		backend.WritePrometheus(w, e)
	} else if backend.Outcome(err) == backend.Failing {
		p.o.Logger.Warn("An answer of a data source was cut off", "datasource", uid, "err", err)
	}
}

func (p *Proxy) refuse(w http.ResponseWriter, status int, kind, format string, args ...any) {
	p.requests.WithLabelValues(backend.Denied).Inc()
	backend.WritePrometheus(w, backend.Refused(status, kind, format, args...))
}
