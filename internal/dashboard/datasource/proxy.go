package datasource

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Bounds of a request.
const (
	maxBody     = 1 << 20  // of a form that is passed on
	maxAnswer   = 64 << 20 // after decompression
	maxRequests = 20       // to one source at the same time
	maxError    = 64 << 10 // of an answer that is not JSON
	redirects   = 3
)

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
	by   map[string]*client
}

// client reaches one source.
type client struct {
	source *Source
	base   *url.URL
	http   *http.Client
	slots  chan struct{}
}

// New returns a Proxy without sources but our own.
func New(o Options) (*Proxy, error) {
	p := &Proxy{o: o, requests: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "touchline_datasource_requests_total", Help: "Requests that the console sent to other Prometheus servers through this one, by what came of them.",
	}, []string{"outcome"})}
	for _, outcome := range []string{"ok", "refused", "failed"} {
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
	next := &sources{list: list, by: map[string]*client{}}
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
		c.http.CloseIdleConnections()
	}
	return nil
}

// Close drops connections.
func (p *Proxy) Close() {
	for _, c := range p.sources.Load().by {
		c.http.CloseIdleConnections()
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

func newClient(s *Source) (*client, error) {
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
	return &client{source: s, base: base, slots: make(chan struct{}, maxRequests), http: &http.Client{
		Timeout: min(timeout, MaxTimeout),
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSClientConfig: conf, TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if r.URL.Scheme != base.Scheme || r.URL.Host != base.Host || len(via) > redirects {
				return errElsewhere
			}
			return nil
		},
	}}, nil
}

var errElsewhere = errors.New("it redirects to elsewhere, where its credentials do not belong; write the address that it redirects to as the data source's url")

// reading are the endpoints that change nothing, by the methods that they take. A
// segment * stands for any one.
var reading = []struct{ methods, path string }{
	{"GET POST", "query"}, {"GET POST", "query_range"}, {"GET POST", "query_exemplars"},
	{"GET POST", "series"}, {"GET POST", "labels"}, {"GET", "label/*/values"}, {"GET", "metadata"},
	{"GET POST", "format_query"}, {"GET POST", "parse_query"},
	{"GET", "rules"}, {"GET", "alerts"}, {"GET", "targets"}, {"GET", "targets/metadata"},
	{"GET", "status/buildinfo"}, {"GET", "status/runtimeinfo"}, {"GET", "status/tsdb"},
}

// mayRead tells whether a request below /api/v1/ is one of them.
func mayRead(method, path string) bool {
	for _, r := range reading {
		if strings.Contains(r.methods, method) && matches(r.path, path) {
			return true
		}
	}
	return false
}

func matches(pattern, path string) bool {
	before, after, any := strings.Cut(pattern, "*")
	if !any {
		return pattern == path
	}
	name, ok := strings.CutPrefix(path, before)
	if !ok {
		return false
	}
	name, ok = strings.CutSuffix(name, after)
	return ok && name != "" && !strings.Contains(name, "/") && name != "." && name != ".."
}

// ServeHTTP passes a request on. The path values uid and rest of its pattern say
// where to.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	uid, rest := r.PathValue("uid"), r.PathValue("rest")
	if r.Method != http.MethodGet && r.Method != http.MethodPost || !mayRead(r.Method, rest) {
		p.refuse(w, http.StatusForbidden, "forbidden", fmt.Sprintf("%s %.200s is not passed on: only what reads metrics is, such as query, query_range, series, labels and label values", r.Method, rest))
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
				p.refuse(w, http.StatusNotImplemented, "unavailable", fmt.Sprintf("the data source %s is of the type %s, and only those of the type %s are reached", sources.list[i].Name, sources.list[i].Type, Prometheus))
				return
			}
		}
		p.refuse(w, http.StatusNotFound, "not_found", fmt.Sprintf("there is no data source %.100q; GET /touchline/v1/datasources lists them", uid))
		return
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	default:
		w.Header().Set("Retry-After", "1")
		p.refuse(w, http.StatusServiceUnavailable, "unavailable", fmt.Sprintf("%d requests to %s are on their way; try again in a second", maxRequests, c.source.Name))
		return
	}
	p.pass(w, r, c, rest)
}

func (p *Proxy) pass(w http.ResponseWriter, r *http.Request, c *client, rest string) {
	to := *c.base
	to.Path += "/api/v1/" + rest
	to.RawPath = "" // the path is escaped anew
	to.RawQuery = r.URL.RawQuery
	body := io.Reader(http.NoBody)
	if r.Method == http.MethodPost {
		form, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if err != nil {
			p.refuse(w, http.StatusBadRequest, "bad_data", "read form: "+err.Error())
			return
		}
		if len(form) > maxBody {
			p.refuse(w, http.StatusRequestEntityTooLarge, "bad_data", fmt.Sprintf("the form is larger than %d bytes; send a shorter query", maxBody))
			return
		}
		body = strings.NewReader(string(form))
	}
	out, err := http.NewRequestWithContext(r.Context(), r.Method, to.String(), body)
	if err != nil {
		p.refuse(w, http.StatusBadRequest, "bad_data", "the request cannot be passed on")
		return
	}
	out.Header.Set("Accept", "application/json")
	out.Header.Set("User-Agent", "touchline")
	if r.Method == http.MethodPost {
		out.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range c.source.Headers {
		out.Header.Set(name, string(value))
	}
	if c.source.User != "" {
		out.SetBasicAuth(c.source.User, string(c.source.Password))
	}
	resp, err := c.http.Do(out)
	if err != nil {
		if r.Context().Err() != nil {
			return // whoever asked has gone
		}
		p.failed(w, c, plain(err))
		return
	}
	defer func() { _ = resp.Body.Close() }()
	p.answer(w, c, resp)
}

// answer passes an answer on that is one of Prometheus's API.
func (p *Proxy) answer(w http.ResponseWriter, c *client, resp *http.Response) {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		// Who is refused there is this server, not whoever asks.
		p.failed(w, c, fmt.Sprintf("it answers %s: the credentials of its provisioning file are not right", resp.Status))
		return
	case kind != "application/json":
		_, _ = io.CopyN(io.Discard, resp.Body, maxError)
		p.failed(w, c, fmt.Sprintf("it answers %s and no JSON; is its url that of a Prometheus?", resp.Status))
		return
	case resp.ContentLength > maxAnswer:
		p.failed(w, c, fmt.Sprintf("its answer has %d bytes, and at most %d are passed on; ask for less", resp.ContentLength, maxAnswer))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(resp.StatusCode)
	n, err := io.Copy(w, io.LimitReader(resp.Body, maxAnswer))
	if err == nil && n == maxAnswer {
		if more, _ := resp.Body.Read(make([]byte, 1)); more > 0 {
			err = fmt.Errorf("its answer is larger than %d bytes", maxAnswer)
		}
	}
	if err != nil {
		p.requests.WithLabelValues("failed").Inc()
		p.o.Logger.Warn("An answer of a data source was cut off", "datasource", c.source.Name, "bytes", n, "err", plain(err))
		// Half an answer must not look like a whole one: the connection ends with it.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0))
		return
	}
	p.requests.WithLabelValues("ok").Inc()
}

// plain is an error without the address, which stands in the message already.
func plain(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		if u.Timeout() {
			return "it has not answered in time"
		}
		err = u.Err
	}
	return err.Error()
}

func (p *Proxy) failed(w http.ResponseWriter, c *client, reason string) {
	p.requests.WithLabelValues("failed").Inc()
	write(w, http.StatusBadGateway, "bad_gateway", fmt.Sprintf("data source %s (%s): %s", c.source.Name, c.source.shown().URL, reason))
}

func (p *Proxy) refuse(w http.ResponseWriter, status int, kind, reason string) {
	p.requests.WithLabelValues("refused").Inc()
	write(w, status, kind, reason)
}

// write answers in the shape of Prometheus's API, which the console reads.
func write(w http.ResponseWriter, status int, kind, reason string) {
	raw, err := json.Marshal(map[string]string{"status": "error", "errorType": kind, "error": reason})
	if err != nil {
		raw = []byte(`{"status":"error"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}
