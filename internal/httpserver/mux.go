package httpserver

import (
	"context"
	"net/http"
	"strings"
)

// HandlerFunc is a handler that returns its error instead of writing it. What
// it returns after it has begun to write is logged only.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// Mux routes like http.ServeMux, and answers unknown paths and methods in the
// error shape of the protocol that the path belongs to.
type Mux struct{ mux *http.ServeMux }

// NewMux returns a Mux without routes.
func NewMux() *Mux { return &Mux{mux: http.NewServeMux()} }

// Handle registers a handler for a pattern of http.ServeMux.
func (m *Mux) Handle(pattern string, h http.Handler) { m.mux.Handle(pattern, h) }

// HandleFunc registers an error-returning handler.
func (m *Mux) HandleFunc(pattern string, f HandlerFunc) { m.mux.Handle(pattern, f) }

// ServeHTTP calls the handler, and answers with its error.
func (f HandlerFunc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := f(w, r)
	if err == nil {
		return
	}
	i := infoFrom(r.Context())
	i.err = err
	if i.rec != nil && i.rec.code != 0 {
		return
	}
	WriteError(w, ProtocolOf(r.URL.Path), err)
}

// ServeHTTP routes one request.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, pattern := m.mux.Handler(r)
	if pattern != "" {
		m.mux.ServeHTTP(w, r)
		return
	}
	// http.ServeMux answers what it does not know as text: 404, or 405 with
	// the methods that are allowed.
	p := &probe{header: http.Header{}}
	h.ServeHTTP(p, r)
	switch {
	case p.code == http.StatusMethodNotAllowed:
		w.Header().Set("Allow", p.header.Get("Allow"))
		WriteError(w, ProtocolOf(r.URL.Path), Errorf(p.code, "method %s is not allowed for %s; use %s", r.Method, r.URL.Path, p.header.Get("Allow")))
	case p.code >= 300 && p.code < 400:
		http.Redirect(w, r, p.header.Get("Location"), p.code)
	default:
		NotFound(ProtocolOf(r.URL.Path)).ServeHTTP(w, r)
	}
}

// probe takes an answer's status and header.
type probe struct {
	header http.Header
	code   int
}

func (p *probe) Header() http.Header { return p.header }
func (p *probe) WriteHeader(code int) {
	if p.code == 0 {
		p.code = code
	}
}

func (p *probe) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return len(b), nil
}

// requestInfo is what inner handlers tell the middleware.
type requestInfo struct {
	inner *http.Request // as the handler got it; a ServeMux notes its pattern there
	err   error
	rec   *recorder
}

// route returns the pattern that the request matched, without the method.
func (i *requestInfo) route() string {
	if i.inner == nil {
		return ""
	}
	_, path, ok := strings.Cut(i.inner.Pattern, " ")
	if !ok {
		return i.inner.Pattern
	}
	return path
}

type infoKey struct{}

// infoFrom returns the request's info; a request that came past the
// middleware gets one that nobody reads.
func infoFrom(ctx context.Context) *requestInfo {
	if i, ok := ctx.Value(infoKey{}).(*requestInfo); ok {
		return i
	}
	return &requestInfo{}
}
