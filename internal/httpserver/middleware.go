package httpserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests       *prometheus.CounterVec
	duration       *prometheus.HistogramVec
	inFlight       *prometheus.GaugeVec
	panics         prometheus.Counter
	refused        *prometheus.CounterVec
	busy           *prometheus.CounterVec
	tooLarge       prometheus.Counter
	reloadFailures *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_http_requests_total", Help: "Requests answered, by route.",
		}, []string{"handler", "code", "method"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "touchline_http_request_duration_seconds", Help: "Time from the first byte of a request's header to the end of its answer.",
			Buckets:                     []float64{.001, .005, .02, .1, .5, 2, 10, 60},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"handler"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "touchline_http_requests_in_flight", Help: "Requests being served, by class of access.",
		}, []string{"access"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "touchline_http_panics_total", Help: "Handlers that panicked; each answered 500 where it could.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_http_refused_total", Help: "Requests refused by the access policy, by class of access.",
		}, []string{"access"}),
		busy: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_http_busy_total", Help: "Requests answered 503 because too many of their class were being served.",
		}, []string{"access"}),
		tooLarge: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "touchline_http_too_large_total", Help: "Requests refused because of the size of their body.",
		}),
		reloadFailures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_http_file_reload_failures_total", Help: "Changes of the web configuration or of a token file that could not be read; the last good content stays in force.",
		}, []string{"file"}),
	}
	for a := Public; a <= Admin; a++ {
		m.inFlight.WithLabelValues(a.String())
		m.refused.WithLabelValues(a.String())
		m.busy.WithLabelValues(a.String())
	}
	for _, c := range []prometheus.Collector{m.requests, m.duration, m.inFlight, m.panics, m.refused, m.busy, m.tooLarge, m.reloadFailures} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register http metrics: %w", err)
		}
	}
	return m, nil
}

// methods bound the values of the method label.
var methods = map[string]string{"GET": "get", "HEAD": "head", "POST": "post", "PUT": "put", "DELETE": "delete", "OPTIONS": "options", "PATCH": "patch"}

// Wrap puts the middleware of every listener around a handler: recovery from
// panics, metrics, headers, the access policy and the limits. The handler sees
// paths below the route prefix, and finds the sender with PrincipalFrom.
func (s *Server) Wrap(next http.Handler) http.Handler { return s.wrap(s.guard(next)) }

// wrap is what all requests pass before it is decided whether they may.
func (s *Server) wrap(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.o.Now()
		info := &requestInfo{}
		rec := &recorder{ResponseWriter: w}
		info.rec = rec
		r = r.WithContext(context.WithValue(r.Context(), infoKey{}, info))
		path := s.below(r.URL.Path)
		defer func() {
			v := recover()
			if v != nil && v != http.ErrAbortHandler { //nolint:errorlint // net/http compares the panic value itself.
				s.metrics.panics.Inc()
				s.log.Error("handler panicked", "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
				if rec.code == 0 {
					WriteError(rec, ProtocolOf(path), errors.New("internal error; the log has the details"))
					v = nil
				} else {
					// Half an answer must not look like a whole one.
					v = http.ErrAbortHandler
				}
			}
			if info.err != nil && (rec.code >= 500 || !isStatus(info.err)) {
				s.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", info.err)
			}
			s.observe(r, info, rec, path, began)
			if v != nil {
				panic(v)
			}
		}()
		inner.ServeHTTP(rec, r)
	})
}

func isStatus(err error) bool {
	var e *Error
	var large *http.MaxBytesError
	return errors.As(err, &e) || errors.As(err, &large)
}

func (s *Server) observe(r *http.Request, info *requestInfo, rec *recorder, path string, began time.Time) {
	handler := routeLabel(path)
	if handler == "" {
		handler = info.route()
	}
	if handler == "" {
		handler = "other"
	}
	method, ok := methods[r.Method]
	if !ok {
		method = "other"
	}
	code := rec.code
	if code == 0 {
		code = http.StatusOK
	}
	s.metrics.requests.WithLabelValues(handler, strconv.Itoa(code), method).Inc()
	s.metrics.duration.WithLabelValues(handler).Observe(s.o.Now().Sub(began).Seconds())
}

// below cuts the route prefix off a path. A path outside it is returned as is.
func (s *Server) below(path string) string {
	p := s.o.RoutePrefix
	if p == "/" {
		return path
	}
	if rest, ok := strings.CutPrefix(path, p); ok {
		if rest == "" {
			return "/"
		}
		if rest[0] == '/' {
			return rest
		}
	}
	return path
}

// prefixed is a path as browsers see it.
func (s *Server) prefixed(path string) string { return strings.TrimSuffix(s.o.RoutePrefix, "/") + path }

// guard applies headers, access policy and limits, and cuts off the prefix.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.headers(w, r)
		if s.o.RoutePrefix != "/" && !under(r.URL.Path, s.o.RoutePrefix) {
			if r.URL.Path == "/" {
				http.Redirect(w, r, s.o.RoutePrefix+"/", http.StatusFound)
				return
			}
			NotFound(ProtocolOf(r.URL.Path)).ServeHTTP(w, r)
			return
		}
		if r.URL.Path == s.o.RoutePrefix && s.o.RoutePrefix != "/" {
			http.Redirect(w, r, s.o.RoutePrefix+"/", http.StatusFound)
			return
		}
		path := s.below(r.URL.Path)
		proto := ProtocolOf(path)
		if l := s.web.limiter; l != nil && !l.Allow() {
			w.Header().Set("Retry-After", "1")
			WriteError(w, proto, Errorf(http.StatusTooManyRequests, "too many requests: the web configuration's rate_limit is reached"))
			return
		}
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		access := Classify(r.Method, path)
		principal, err := s.admit(r, path, access)
		if err != nil {
			s.refuse(w, r, path, access, err)
			return
		}
		release, ok := s.enter(access)
		if !ok {
			w.Header().Set("Retry-After", "1")
			WriteError(w, proto, Errorf(http.StatusServiceUnavailable, "too many %s requests are being served; try again in a second", access))
			return
		}
		defer release()
		if !s.limitBody(w, r, proto, access) {
			return
		}
		principal.Remote = s.clientOf(r)
		inner := s.strip(r.WithContext(context.WithValue(r.Context(), principalKey{}, principal)))
		withoutShare(inner, principal)
		infoFrom(r.Context()).inner = inner
		next.ServeHTTP(w, inner)
	})
}

// public guards a handler that everybody may read from.
func (s *Server) public(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.headers(w, r)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			WriteError(w, Plain, Errorf(http.StatusMethodNotAllowed, "only GET and HEAD are allowed here"))
			return
		}
		release, _ := s.enter(Public)
		defer release()
		if s.limitBody(w, r, Plain, Public) {
			next.ServeHTTP(w, r)
		}
	})
}

// strip cuts the route prefix off a request's own copy of the URL. The copy is
// not made by http.StripPrefix, which would hide the pattern that a
// http.ServeMux below notes on the request.
func (s *Server) strip(r *http.Request) *http.Request {
	if s.o.RoutePrefix == "/" {
		return r
	}
	u := *r.URL
	u.Path = s.below(r.URL.Path)
	if r.URL.RawPath != "" {
		u.RawPath = s.below(r.URL.RawPath)
	}
	r.URL = &u
	return r
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, path string, access Access, err error) {
	proto := ProtocolOf(path)
	var d *denied
	if !errors.As(err, &d) {
		s.log.Error("access cannot be decided", "method", r.Method, "path", r.URL.Path, "err", err)
		WriteError(w, proto, Errorf(http.StatusServiceUnavailable, "access cannot be decided at the moment; the log says why"))
		return
	}
	s.metrics.refused.WithLabelValues(access.String()).Inc()
	s.log.Debug("request refused", "method", r.Method, "path", r.URL.Path, "remote", s.clientOf(r), "reason", d.reason)
	if d.status == http.StatusUnauthorized {
		signIn := s.signsIn(r.Context())
		if signIn && s.o.Page != nil && s.o.Page(path) && (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Authorization") == "" {
			q := url.Values{"next": {s.strip(r).URL.RequestURI()}}
			http.Redirect(w, r, s.prefixed("/ui/login")+"?"+q.Encode(), http.StatusSeeOther)
			return
		}
		w.Header().Add("WWW-Authenticate", `Bearer realm="touchline"`)
		if s.web.hasUsers() && !signIn {
			// This one has browsers ask for a password.
			w.Header().Add("WWW-Authenticate", `Basic realm="touchline", charset="UTF-8"`)
		}
	}
	WriteError(w, proto, &Error{Status: d.status, Err: d, RetryAfter: d.after})
}

// signsIn tells whether people sign in by the page. Where the web configuration
// alone has users, browsers ask for their passwords themselves.
func (s *Server) signsIn(ctx context.Context) bool {
	if s.o.Identity == nil {
		return false
	}
	has, err := s.o.Identity.HasUsers(ctx)
	return err == nil && (has || !s.web.hasUsers())
}

// enter takes a place among the requests of a class.
func (s *Server) enter(a Access) (release func(), ok bool) {
	slots, limited := s.limits[a]
	if limited {
		select {
		case slots <- struct{}{}:
		default:
			s.metrics.busy.WithLabelValues(a.String()).Inc()
			return nil, false
		}
	}
	g := s.metrics.inFlight.WithLabelValues(a.String())
	g.Inc()
	return func() {
		g.Dec()
		if limited {
			<-slots
		}
	}, true
}

// limitBody refuses a body that says that it is too large, and cuts off one
// that turns out to be.
func (s *Server) limitBody(w http.ResponseWriter, r *http.Request, proto Protocol, a Access) bool {
	limit := s.o.MaxBody
	if a == Ingest {
		limit = s.o.MaxIngestBody
	}
	if r.ContentLength > limit {
		s.metrics.tooLarge.Inc()
		w.Header().Set("Connection", "close")
		WriteError(w, proto, Errorf(http.StatusRequestEntityTooLarge, "the request body of %d bytes is larger than %d bytes; send smaller batches", r.ContentLength, limit))
		return false
	}
	if r.Body == nil || r.Body == http.NoBody {
		return true
	}
	info := infoFrom(r.Context())
	r.Body = &limitedBody{ReadCloser: http.MaxBytesReader(w, r.Body, limit), exceeded: func() {
		s.metrics.tooLarge.Inc()
		if info.rec != nil {
			info.rec.tooLarge = true
		}
	}}
	return true
}

type limitedBody struct {
	io.ReadCloser
	exceeded func()
	over     bool
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	var large *http.MaxBytesError
	if !b.over && errors.As(err, &large) {
		b.over = true
		b.exceeded()
	}
	return n, err
}

// headers sets what every answer carries. What the web configuration says
// under headers wins.
func (s *Server) headers(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "sameorigin")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Content-Security-Policy", "frame-ancestors 'self'")
	for k, v := range s.web.current().HTTPConfig.Header {
		h.Set(k, v)
	}
	origin := r.Header.Get("Origin")
	if s.o.CORSOrigin == nil || origin == "" {
		return
	}
	h.Set("Vary", "Origin")
	if !s.o.CORSOrigin.MatchString(origin) {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Origin")
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	h.Set("Access-Control-Expose-Headers", "Date")
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	code     int
	tooLarge bool
}

func (w *recorder) WriteHeader(code int) {
	if w.tooLarge && code >= 400 && w.code == 0 {
		// Handlers report a body that was cut off as malformed.
		code = http.StatusRequestEntityTooLarge
	}
	if w.code == 0 && code >= 200 || code == http.StatusSwitchingProtocols {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Flush sends what is buffered; event streams need it.
func (w *recorder) Flush() {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
