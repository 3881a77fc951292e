package backend

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// signed is a transport with a credential, as the wiring makes them.
type signed struct{ *http.Transport }

func (s signed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer geheim")
	return s.Transport.RoundTrip(r)
}

// remote stands in for an engine, with the server at to.
func remote(t *testing.T, name, to string, look Look, edit func(*Options)) *Remote {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Name: "backend " + name, URL: u, Transport: signed{&http.Transport{}}, Timeout: time.Second, Requests: 2, Credentials: "backends." + name}
	if edit != nil {
		edit(&o)
	}
	m, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	x := NewRemote(RemoteOptions{Name: name, Client: New(o), Metrics: m, Logger: slog.New(slog.DiscardHandler), Look: look, Looked: func(context.Context) {}})
	t.Cleanup(x.Close)
	return x
}

func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

type answered struct {
	status int
	header http.Header
	body   string
	err    error
}

func ask(t *testing.T, srv *httptest.Server, method, path, body string, header http.Header) answered {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		r.Header[k] = v
	}
	r.Header.Set("Authorization", "Bearer of-whoever-asks")
	r.Header.Set("Cookie", "touchline=of-whoever-asks")
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return answered{resp.StatusCode, resp.Header, string(raw), err}
}

// zeros is gzip of that many bytes, made beforehand: who asks does not wait long.
func zeros(t *testing.T, size int) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	chunk := make([]byte, 1<<20)
	for range size / len(chunk) {
		if _, err := z.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// peer behaves as its query says.
func peer(t *testing.T, elsewhere string, hang <-chan struct{}) http.HandlerFunc {
	bomb := zeros(t, maxAnswer+1<<20)
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer geheim" || r.Header.Get("Cookie") != "" {
			t.Errorf("%s came with %v", r.URL, r.Header)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "session=geheim")
		w.Header().Set("Keep-Alive", "timeout=5")
		switch r.FormValue("query") {
		case "elsewhere":
			http.Redirect(w, r, elsewhere, http.StatusFound)
		case "near":
			http.Redirect(w, r, "/prom/api/v1/query?query=up", http.StatusFound)
		case "around":
			http.Redirect(w, r, r.URL.String(), http.StatusFound)
		case "denied":
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":"wrong password"}`)
		case "wrong":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"status":"error","errorType":"bad_data","error":"parse error"}`)
		case "busy":
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"status":"error","errorType":"unavailable"}`)
		case "overloaded":
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusServiceUnavailable)
		case "gateway":
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, "slow down")
		case "login":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<form>")
		case "old":
			http.NotFound(w, r)
		case "large":
			w.Header().Set("Content-Length", fmt.Sprint(maxAnswer+1))
		case "endless":
			chunk := []byte(strings.Repeat("x", 1<<20))
			for range maxAnswer>>20 + 1 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		case "bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb)
		case "zipped":
			if r.Header.Get("Accept-Encoding") != "gzip" {
				t.Errorf("asked with %v", r.Header)
			}
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, `{"data":"unzipped"}`)
			_ = z.Close()
		case "broken":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "no gzip")
		case "hang":
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		default:
			_, _ = fmt.Fprintf(w, `{"asked":%q}`, r.Method+" "+r.URL.Path+" "+r.FormValue("query"))
		}
	}
}

func TestPrometheus(t *testing.T) {
	elsewhere := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was followed to elsewhere") }))
	hang := make(chan struct{})
	there := serve(t, peer(t, elsewhere.URL, hang))
	t.Cleanup(func() { close(hang) })
	x := remote(t, "metrics", there.URL+"/prom", LookPrometheus, nil)
	srv := serve(t, x.Prometheus())
	down := serve(t, remote(t, "metrics", "http://127.0.0.1:1", LookPrometheus, nil).Prometheus())
	long := strings.Repeat("x", maxForm)
	for _, c := range []struct {
		at                 *httptest.Server
		method, path, body string
		status             int
		want               string
	}{
		{srv, "GET", "/api/v1/query?query=up", "", 200, `{"asked":"GET /prom/api/v1/query up"}`},
		{srv, "POST", "/api/v1/query_range", "query=up", 200, `{"asked":"POST /prom/api/v1/query_range up"}`},
		{srv, "GET", "/api/v1/label/job/values", "", 200, "/prom/api/v1/label/job/values"},
		{srv, "GET", "/api/v1/status/config", "", 200, "/prom/api/v1/status/config"},
		{srv, "GET", "/api/v1/targets/relabel_steps?scrapePool=x", "", 200, "/prom/api/v1/targets/relabel_steps"},
		{srv, "GET", "/api/v1/query?query=near", "", 200, `{"asked":"GET /prom/api/v1/query up"}`},
		{srv, "GET", "/api/v1/query?query=zipped", "", 200, `{"data":"unzipped"}`},
		{srv, "GET", "/api/v1/query?query=wrong", "", 400, `"errorType":"bad_data","error":"parse error"`},
		{srv, "GET", "/api/v1/query?query=busy", "", 503, `"errorType":"unavailable"`},

		{srv, "GET", "/api/v1/query?query=gateway", "", 429, "it answers 429 Too Many Requests"},
		{srv, "POST", "/api/v1/query", "query=near", 502, "redirects a request that is not a GET"},

		{srv, "POST", "/api/v1/write", "x", 404, "send them to " + there.URL},
		{srv, "POST", "/api/v1/otlp/v1/metrics", "x", 404, "backends.metrics.url"},
		{srv, "POST", "/api/v1/admin/tsdb/delete_series", "", 403, "read only"},
		{srv, "GET", "/api/v1/admin/tsdb/delete_series", "", 403, "read only"},
		{srv, "DELETE", "/api/v1/series", "", 404, "is not asked of"},
		{srv, "POST", "/api/v1/rules", "", 404, "is not asked of"},
		{srv, "GET", "/api/v1/label/%2E%2E/values", "", 404, "is not asked of"},
		{srv, "GET", "/api/v1/status/%2E%2E", "", 404, "is not asked of"},
		{srv, "POST", "/api/v1/query", "query=" + long, 413, "send a shorter one"},

		{srv, "GET", "/api/v1/query?query=elsewhere", "", 502, "redirects to elsewhere"},
		{srv, "GET", "/api/v1/query?query=around", "", 502, "redirects to elsewhere"},
		{srv, "GET", "/api/v1/query?query=denied", "", 502, "the credentials of backends.metrics are not right"},
		{srv, "GET", "/api/v1/query?query=login", "", 502, "is its url right?"},
		{srv, "GET", "/api/v1/query?query=old", "", 404, "it does not have /api/v1/query"},
		{srv, "GET", "/api/v1/query?query=large", "", 502, "ask for less"},
		{srv, "GET", "/api/v1/query?query=broken", "", 502, "no gzip"},
		{srv, "GET", "/api/v1/query?query=hang", "", 502, "not answered in time"},
		{down, "GET", "/api/v1/query", "", 502, "backend metrics (http://127.0.0.1:1): dial tcp 127.0.0.1:1: connect: connection refused"},
	} {
		got := ask(t, c.at, c.method, c.path, c.body, nil)
		if got.status != c.status || !strings.Contains(got.body, c.want) || got.err != nil {
			t.Errorf("%s %s: %d %s, %v", c.method, c.path, got.status, got.body, got.err)
		}
		if got.status >= 400 && !strings.Contains(got.body, `"status":"error"`) {
			t.Errorf("%s %s: an error that is none of Prometheus's: %s", c.method, c.path, got.body)
		}
		if all := fmt.Sprint(got.body, got.header); strings.Contains(all, "geheim") || got.header.Get("Keep-Alive") != "" {
			t.Errorf("%s %s shows what is the server's own: %s", c.method, c.path, all)
		}
	}
	if got := ask(t, srv, "GET", "/api/v1/query?query=busy", "", nil); got.header.Get("Retry-After") != "7" {
		t.Errorf("when to try again is lost: %v", got.header)
	}
	if got := ask(t, srv, "GET", "/api/v1/query?query=overloaded", "", nil); got.status != 503 || got.header.Get("Retry-After") != "120" {
		t.Errorf("of a gateway: %d %v", got.status, got.header)
	}
	// Half of an answer does not look like a whole one.
	for _, q := range []string{"endless", "bomb"} {
		if got := ask(t, srv, "GET", "/api/v1/query?query="+q, "", nil); got.err == nil || len(got.body) > maxAnswer {
			t.Errorf("%s: %d bytes of it, %v", q, len(got.body), got.err)
		}
	}
	for outcome, want := range map[string]float64{OK: 10, Denied: 9, Failing: 13} {
		if n := testutil.ToFloat64(x.requests.WithLabelValues("metrics", outcome)); n != want {
			t.Errorf("%v requests have come to %s, not %v", n, outcome, want)
		}
	}
}

// TestRemoteRead sends and gets bytes as they are.
func TestRemoteRead(t *testing.T) {
	there := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		h := r.Header
		if err != nil || string(raw) != "\x00snappy" || h.Get("Content-Encoding") != "snappy" || h.Get("Content-Type") != "application/x-protobuf" || h.Get("X-Prometheus-Remote-Read-Version") != "0.1.0" || h.Get("Accept-Encoding") != "" && h.Get("Accept-Encoding") != "gzip" {
			t.Errorf("%q with %v, %v", raw, h, err)
		}
		w.Header().Set("Content-Type", "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse")
		w.Header().Set("Content-Encoding", "snappy")
		_, _ = io.WriteString(w, "\x01frames")
	}))
	srv := serve(t, remote(t, "metrics", there.URL, LookPrometheus, nil).Prometheus())
	got := ask(t, srv, "POST", "/api/v1/read", "\x00snappy", http.Header{
		"Content-Type": {"application/x-protobuf"}, "Content-Encoding": {"snappy"}, "X-Prometheus-Remote-Read-Version": {"0.1.0"},
	})
	if got.status != 200 || got.body != "\x01frames" || got.header.Get("Content-Encoding") != "snappy" || !strings.HasPrefix(got.header.Get("Content-Type"), "application/x-streamed-protobuf") {
		t.Errorf("%+v", got)
	}
}

func TestVector(t *testing.T) {
	there := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch q := r.FormValue("query"); q {
		case `count by (job) (up)`:
			_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"api"},"value":[1764201600.5,"3"]}]}}`)
		case "cut":
			_, _ = io.WriteString(w, `{"status":`)
		case "histogram":
			_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}}`)
		default:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"status":"error"}`)
		}
	}))
	x := remote(t, "metrics", there.URL, LookPrometheus, nil)
	got, err := x.Vector(t.Context(), `count by (job) (up)`)
	if err != nil || len(got) != 1 || got[0].Value != 3 || got[0].Labels["job"] != "api" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, q := range []string{"cut", "histogram", "wrong"} {
		if got, err := x.Vector(t.Context(), q); err == nil {
			t.Errorf("%s: %+v", q, got)
		}
	}
}

func TestFederation(t *testing.T) {
	there := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = io.WriteString(w, r.URL.RequestURI()+" "+r.Header.Get("Accept"))
	}))
	srv := serve(t, remote(t, "metrics", there.URL, LookPrometheus, nil).Prometheus())
	got := ask(t, srv, "GET", "/federate?match[]=up", "", http.Header{"Accept": {"text/plain"}})
	if got.status != 200 || got.body != "/federate?match[]=up text/plain" {
		t.Errorf("%+v", got)
	}
}

func TestAlertmanager(t *testing.T) {
	there := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		switch r.Method + " " + r.URL.Path {
		case "POST /api/v2/silences":
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"silenceID":%q}`, r.Header.Get("Content-Type")+" "+string(raw))
		case "DELETE /api/v2/silence/there", "POST /api/v2/alerts":
		case "DELETE /api/v2/silence/gone":
			w.WriteHeader(http.StatusNotFound)
		case "GET /api/v2/alerts":
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `"bad matcher format: "`)
		default:
			t.Errorf("asked %s %s", r.Method, r.URL)
		}
	}))
	srv := serve(t, remote(t, "alerts", there.URL, LookAlertmanager, nil).Alertmanager())
	down := serve(t, remote(t, "alerts", "http://127.0.0.1:1", LookAlertmanager, nil).Alertmanager())
	for _, c := range []struct {
		at                 *httptest.Server
		method, path, body string
		status             int
		want               string
	}{
		{srv, "POST", "/api/v2/silences", "{}", 200, `{"silenceID":"application/json {}"}`},
		{srv, "POST", "/api/v2/alerts", "[]", 200, ""},
		{srv, "DELETE", "/api/v2/silence/there", "", 200, ""},
		{srv, "DELETE", "/api/v2/silence/gone", "", 404, ""},
		{srv, "GET", "/api/v2/alerts?filter=x", "", 400, `"bad matcher format: "`},
		{srv, "POST", "/api/v2/alerts", strings.Repeat("x", maxAlerts+1), 413, `"the request is larger`},
		{srv, "GET", "/-/reload", "", 404, "is not of Alertmanager's API"},
		{srv, "GET", "/api/v2/silence/%2E%2E/%2E%2E/-/reload", "", 400, "is no path"},
		{down, "GET", "/api/v2/status", "", 502, `"backend alerts (http://127.0.0.1:1): dial tcp`},
	} {
		got := ask(t, c.at, c.method, c.path, c.body, http.Header{"Content-Type": {"application/json"}})
		if got.status != c.status || !strings.Contains(got.body, c.want) || c.want == "" && got.body != "" {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.status, got.body)
		}
	}
}

// TestTurns holds back what is too much at the same time.
func TestTurns(t *testing.T) {
	asked, answer := make(chan struct{}, 3), make(chan struct{})
	there := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-answer
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	}))
	x := remote(t, "metrics", there.URL, LookPrometheus, func(o *Options) { o.Timeout = 30 * time.Second })
	srv := serve(t, x.Prometheus())
	status := make(chan int, 3)
	for range 2 {
		go func() { status <- ask(t, srv, "GET", "/api/v1/query", "", nil).status }()
		<-asked
	}
	// Who gives up while waiting has not asked the server.
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/query", nil).WithContext(ctx)
		gone <- x.client.Pass(httptest.NewRecorder(), r, Reading("query"))
	}()
	cancel()
	if err := <-gone; Outcome(err) != "" {
		t.Errorf("who has gone got %v", err)
	}
	go func() { status <- ask(t, srv, "GET", "/api/v1/query", "", nil).status }()
	select {
	case <-asked:
		t.Error("three were asked at the same time")
	default:
	}
	close(answer)
	for range 3 {
		if s := <-status; s != http.StatusOK {
			t.Errorf("answered %d", s)
		}
	}
}

func TestLook(t *testing.T) {
	answers := map[string]struct {
		status int
		kind   string
		body   string
	}{
		"up":        {200, "application/json", `{"status":"success","data":{"version":"3.8.0"}}`},
		"young":     {200, "application/json", `{}`},
		"other":     {404, "text/plain", "404 page not found"},
		"elsewhere": {404, "text/plain", "404 page not found"},
		"broken":    {500, "application/json", `{}`},
		"html":      {200, "text/html", "<html>"},
	}
	now := "up"
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/query" && now == "other" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"status":"success"}`)
			return
		}
		if r.URL.Path != "/api/v1/status/buildinfo" && now != "elsewhere" {
			t.Errorf("looked at %s", r.URL)
		}
		w.Header().Set("Content-Type", answers[now].kind)
		w.WriteHeader(answers[now].status)
		_, _ = io.WriteString(w, answers[now].body)
	}))
	x := remote(t, "metrics", there.URL, LookPrometheus, nil)
	looks := 0
	x.looked = func(context.Context) { looks++ }
	if s := x.State(); !s.Looked.IsZero() || s.Up {
		t.Errorf("before a look: %+v", s)
	}
	check := func(what string, up bool, version, reason string) {
		t.Helper()
		now = what
		x.lookAt(t.Context())
		s := x.State()
		if s.Up != up || s.Version != version || !strings.Contains(s.Reason, reason) || (s.Reason == "") != up || s.Looked.IsZero() || s.Took <= 0 {
			t.Errorf("%s: %+v", what, s)
		}
		if n := testutil.ToFloat64(x.up.WithLabelValues("metrics")); (n == 1) != up {
			t.Errorf("%s: the metric is %v", what, n)
		}
	}
	check("up", true, "3.8.0", "")
	check("young", true, "", "")
	check("other", true, "", "")
	check("elsewhere", false, "", "is its url right?")
	check("broken", false, "", "it answers 500")
	check("html", false, "", "is its url right?")
	check("up", true, "3.8.0", "")
	there.Close()
	check("down", false, "", "connection refused")
	if looks != 8 {
		t.Errorf("told of %d looks", looks)
	}
	// The end of this process is not the end of the server.
	before := x.State()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	x.lookAt(ended)
	if x.State() != before {
		t.Errorf("%+v", x.State())
	}
}

func TestStartLooks(t *testing.T) {
	there := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"versionInfo":{"version":"0.29.0"}}`)
	}))
	x := remote(t, "alerts", there.URL, LookAlertmanager, nil)
	looked := make(chan struct{}, 1)
	x.looked = func(context.Context) { looked <- struct{}{} }
	x.Start()
	<-looked
	if s := x.State(); !s.Up || s.Version != "0.29.0" {
		t.Errorf("%+v", s)
	}
}
