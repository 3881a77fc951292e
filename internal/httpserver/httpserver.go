// Package httpserver owns every listener of the process: binding, TLS and
// users by Prometheus's web.config.file, bearer tokens, the access policy,
// limits, and the middleware that all requests pass. Handlers return errors;
// one writer per protocol turns them into that protocol's own error body.
package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options configure a Server. Zero values without a remark take the default
// that stands beside them.
type Options struct {
	Logger     *slog.Logger          // required
	Registerer prometheus.Registerer // required

	WebConfigFile  string // upstream's web.config.file; "" for plain HTTP without users
	AdminTokenFile string // made at first start with mode 0600; "" for no admin token
	TokensFile     string // "" for no further tokens

	Identity  Identity               // nil for none beside those of files; asked from Serve on
	Sharing   Sharing                // nil for no links; asked from Serve on
	Anonymous string                 // AnonymousAuto
	Page      func(path string) bool // tells the paths for which a browser is sent to sign in; nil for none

	TrustedProxies []netip.Prefix // whose X-Forwarded-For says who sends; none

	RoutePrefix string         // "" or "/" serves at the root
	CORSOrigin  *regexp.Regexp // nil allows no foreign origin to read

	MaxConnections int            // over all listeners; 512
	HeaderTimeout  time.Duration  // 10s
	ReadTimeout    time.Duration  // one request with its body; 5m
	IdleTimeout    time.Duration  // ReadTimeout
	MaxHeaderBytes int            // 256 KiB
	MaxBody        int64          // bytes of a request that ingests nothing; 16 MiB
	MaxIngestBody  int64          // bytes of a request that ingests; 64 MiB
	MaxInFlight    map[Access]int // requests served at the same time by class; see defaultInFlight
	Now            func() time.Time
}

// defaultInFlight leaves ingestion and operators a way in while readers
// overload the process.
var defaultInFlight = map[Access]int{Read: 1024, Ingest: 256, Respond: 64, Change: 64, Admin: 16}

// Service is a server that brings its own protocol, such as gRPC. Stop ends
// Serve at once; GracefulStop lets calls that run finish first.
type Service interface {
	Serve(net.Listener) error
	GracefulStop()
	Stop()
}

// Spec describes one listener. Exactly one of Handler and Service is set.
type Spec struct {
	Name     string // such as "web", for status and log
	Address  string // host:port
	Flag     string // that moves the address, such as "--web.listen-address"
	Optional bool   // failing to bind is a status, not an error
	// Public lets everybody GET and HEAD what Handler serves, and nobody do
	// anything else. Users, tokens, client certificates and the route prefix mean
	// nothing to such a listener, and its connections are counted apart, so that
	// the public cannot keep the others out.
	Public  bool
	Handler http.Handler
	Service Service
}

// Status is what became of one Spec.
type Status struct {
	Name    string `json:"name"`
	Flag    string `json:"flag"`
	Address string `json:"address"` // the real one; as asked for when Error is set
	TLS     bool   `json:"tls"`
	Error   string `json:"error,omitempty"`
}

type listener struct {
	spec Spec
	ln   net.Listener
	srv  *http.Server
	once sync.Once     // of stopping a Service
	gone chan struct{} // closed when the Service has stopped
}

// Server owns the listeners. New checks files, Listen binds, Serve serves,
// Shutdown ends everything.
type Server struct {
	o        Options
	log      *slog.Logger
	web      *webConfig
	tokens   *tokenStore
	metrics  *metrics
	limits   map[Access]chan struct{}
	conns    chan struct{}
	outside  chan struct{} // connections of public listeners
	cop      *http.CrossOriginProtection
	external atomic.Pointer[url.URL]
	peers    sync.Map // remote address of a Service's TLS connection → *tls.Conn

	mu        sync.Mutex
	listeners []*listener
	status    []Status
	closed    bool
}

// New reads the web configuration and the tokens, and writes the admin token
// when there is none. Nothing listens yet.
func New(o Options) (*Server, error) {
	if o.Logger == nil || o.Registerer == nil {
		return nil, errors.New("create http server: Logger and Registerer are required")
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = 512
	}
	if o.HeaderTimeout <= 0 {
		o.HeaderTimeout = 10 * time.Second
	}
	if o.ReadTimeout <= 0 {
		o.ReadTimeout = 5 * time.Minute
	}
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = o.ReadTimeout
	}
	if o.MaxHeaderBytes <= 0 {
		o.MaxHeaderBytes = 256 << 10
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 16 << 20
	}
	if o.MaxIngestBody <= 0 {
		o.MaxIngestBody = 64 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	switch o.Anonymous {
	case "":
		o.Anonymous = AnonymousAuto
	case AnonymousAuto, AnonymousOff, AnonymousViewer:
	default:
		return nil, fmt.Errorf("create http server: Anonymous %q is unknown", o.Anonymous)
	}
	o.RoutePrefix = "/" + strings.Trim(o.RoutePrefix, "/")
	s := &Server{o: o, log: o.Logger, conns: make(chan struct{}, o.MaxConnections), outside: make(chan struct{}, o.MaxConnections), limits: map[Access]chan struct{}{}, cop: http.NewCrossOriginProtection()}
	for access, n := range defaultInFlight {
		if v, ok := o.MaxInFlight[access]; ok && v > 0 {
			n = v
		}
		s.limits[access] = make(chan struct{}, n)
	}
	var err error
	if s.metrics, err = newMetrics(o.Registerer); err != nil {
		return nil, err
	}
	if s.web, err = newWebConfig(o.WebConfigFile, o.Logger, s.metrics.reloadFailures.WithLabelValues("web_config")); err != nil {
		return nil, err
	}
	if s.tokens, err = newTokenStore(o.AdminTokenFile, o.TokensFile, o.Logger, s.metrics.reloadFailures.WithLabelValues("tokens")); err != nil {
		return nil, err
	}
	return s, nil
}

// SetExternalURL tells the server under which host people reach it, so that
// anonymous requests for that host pass the check against DNS rebinding.
func (s *Server) SetExternalURL(u *url.URL) { s.external.Store(u) }

// TLS tells whether the listeners speak TLS.
func (s *Server) TLS() bool { return s.web.tls() }

// NeedsRestart says, a sentence each, what the web configuration holds now that
// is not in force before a restart.
func (s *Server) NeedsRestart() []string { return s.web.needsRestart(s.web.current()) }

// Listen binds an address. A port in use is an error that names the flag
// that moves it; with Spec.Optional it is kept as a status instead, and
// logged as a warning.
func (s *Server) Listen(spec Spec) error {
	if (spec.Handler == nil) == (spec.Service == nil) {
		return fmt.Errorf("listen %s: exactly one of Handler and Service is needed", spec.Name)
	}
	if spec.Public && spec.Handler == nil {
		return fmt.Errorf("listen %s: a public listener needs a Handler", spec.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("listen %s: the server is shut down", spec.Name)
	}
	st := Status{Name: spec.Name, Flag: spec.Flag, Address: spec.Address, TLS: s.web.tls()}
	ln, err := bind(spec)
	if err != nil {
		if !spec.Optional {
			return err
		}
		st.Error = err.Error()
		s.status = append(s.status, st)
		s.log.Warn("optional listener left out", "name", spec.Name, "err", err)
		return nil
	}
	st.Address = ln.Addr().String()
	if !isLoopback(st.Address) && !st.TLS && !spec.Public {
		s.log.Warn("listener off loopback without TLS: passwords and tokens travel in clear; set tls_server_config in --web.config.file", "name", spec.Name, "address", st.Address)
	}
	conns := s.conns
	if spec.Public {
		conns = s.outside
	}
	l := &listener{spec: spec, ln: newLimitListener(ln, conns), gone: make(chan struct{})}
	if spec.Handler != nil {
		l.srv = s.newHTTPServer(spec)
	}
	s.listeners = append(s.listeners, l)
	s.status = append(s.status, st)
	return nil
}

func (s *Server) newHTTPServer(spec Spec) *http.Server {
	h := s.Wrap(spec.Handler)
	if spec.Public {
		h = s.wrap(s.public(spec.Handler))
	}
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: s.o.HeaderTimeout, ReadTimeout: s.o.ReadTimeout, IdleTimeout: s.o.IdleTimeout,
		MaxHeaderBytes: s.o.MaxHeaderBytes, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		Protocols: new(http.Protocols),
	}
	srv.Protocols.SetHTTP1(true)
	if s.web.tls() {
		srv.Protocols.SetHTTP2(s.web.http2())
		srv.TLSConfig = s.web.tlsConfig(spec.Public)
	}
	return srv
}

// Listeners tells what became of every Spec, in the order of the calls.
func (s *Server) Listeners() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Status(nil), s.status...)
}

// Addresses returns the real addresses by the name of their Spec, in order;
// with port 0 they carry the port that the system gave.
func (s *Server) Addresses() map[string][]string {
	out := map[string][]string{}
	for _, st := range s.Listeners() {
		if st.Error == "" {
			out[st.Name] = append(out[st.Name], st.Address)
		}
	}
	return out
}

// stopBound is how long Serve lets requests finish once its context ends.
const stopBound = 10 * time.Second

// Serve serves all listeners. It returns nil after Shutdown, or once ctx has
// ended and requests have had ten seconds to finish; it returns an error when
// a listener fails, after closing the others.
func (s *Server) Serve(ctx context.Context) error {
	s.mu.Lock()
	ls := append([]*listener(nil), s.listeners...)
	s.mu.Unlock()
	if len(ls) == 0 {
		return errors.New("serve: nothing listens")
	}
	errs := make(chan error, len(ls))
	for _, l := range ls {
		go func() { errs <- s.serveOne(l) }()
	}
	var first error
	done := ctx.Done()
	for left := len(ls); left > 0; {
		select {
		case err := <-errs:
			left--
			if err != nil && first == nil {
				first = err
				_ = s.stop(context.Background(), true)
			}
		case <-done:
			done = nil
			bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopBound)
			err := s.Shutdown(bounded)
			cancel()
			if err != nil && first == nil {
				first = err
			}
		}
	}
	return first
}

func (s *Server) serveOne(l *listener) error {
	var err error
	switch {
	case l.spec.Service != nil:
		ln := l.ln
		if s.web.tls() {
			ln = s.tlsListener(ln)
		}
		err = l.spec.Service.Serve(ln)
	case s.web.tls():
		err = l.srv.ServeTLS(l.ln, "", "")
	default:
		err = l.srv.Serve(l.ln)
	}
	if err == nil || errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) || s.isClosed() {
		return nil
	}
	return fmt.Errorf("serve %s at %s: %w", l.spec.Name, l.ln.Addr(), err)
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Shutdown closes the listeners, lets requests finish until ctx ends and then
// cuts them off. It may be called more than once.
func (s *Server) Shutdown(ctx context.Context) error { return s.stop(ctx, false) }

func (s *Server) stop(ctx context.Context, now bool) error {
	s.mu.Lock()
	s.closed = true
	ls := append([]*listener(nil), s.listeners...)
	s.mu.Unlock()
	errs := make([]error, len(ls))
	var wg sync.WaitGroup
	for i, l := range ls {
		wg.Go(func() { errs[i] = l.stop(ctx, now) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (l *listener) stop(ctx context.Context, now bool) error {
	defer func() { _ = l.ln.Close() }()
	if l.spec.Service != nil {
		return stopService(ctx, l, now)
	}
	if !now {
		err := l.srv.Shutdown(ctx)
		if err == nil {
			return nil
		}
		_ = l.srv.Close()
		return fmt.Errorf("shut down %s: requests were still running and were cut off: %w", l.spec.Name, err)
	}
	return l.srv.Close()
}

// stopService stops a Service once, however often Shutdown is called; every
// call waits for it.
func stopService(ctx context.Context, l *listener, now bool) error {
	if now {
		l.once.Do(func() { close(l.gone) })
		l.spec.Service.Stop()
		<-l.gone
		return nil
	}
	l.once.Do(func() {
		go func() {
			defer close(l.gone)
			l.spec.Service.GracefulStop()
		}()
	})
	select {
	case <-l.gone:
		return nil
	case <-ctx.Done():
		l.spec.Service.Stop()
		<-l.gone
		return fmt.Errorf("shut down %s: calls were still running and were cut off: %w", l.spec.Name, ctx.Err())
	}
}
