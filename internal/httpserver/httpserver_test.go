package httpserver

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

func TestPortInUse(t *testing.T) {
	s := start(t, Options{}, ok)
	err := s.Listen(Spec{Name: "again", Address: s.addr, Flag: "--web.listen-address", Handler: ok})
	want := "listen " + s.addr + ": address already in use; this process has it; choose another with --web.listen-address"
	if err == nil || err.Error() != want || !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := s.Listen(Spec{Name: "extra", Address: s.addr, Flag: "--upstream-ports", Optional: true, Handler: ok}); err != nil {
		t.Errorf("an optional listener stops the start: %v", err)
	}
	st := s.Listeners()
	if len(st) != 2 || st[0].Error != "" || !strings.Contains(st[1].Error, "--upstream-ports") || st[1].Address != s.addr {
		t.Errorf("status %+v", st)
	}
	if _, there := s.Addresses()["extra"]; there {
		t.Error("an address that is not listened on is reported")
	}
	for address, part := range map[string]string{
		"nonsense":      "set host:port with --x",
		"192.0.2.1:0":   "no interface of this host has it; choose another with --x",
		"127.0.0.1:foo": "set host:port with --x",
	} {
		if err := s.Listen(Spec{Name: "bad", Address: address, Flag: "--x", Handler: ok}); err == nil || !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := s.Listen(Spec{Name: "neither", Address: "127.0.0.1:0"}); err == nil {
		t.Error("a Spec without handler is taken")
	}
}

func TestPanicLeavesTheProcessAlive(t *testing.T) {
	mux := NewMux()
	mux.Handle("/api/v1/early", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") }))
	mux.Handle("/late", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<16))
		panic("boom")
	}))
	s := start(t, Options{}, mux)
	got := s.do("GET", "/api/v1/early", nil)
	if got.code != 500 || !strings.Contains(got.body, `"errorType":"internal"`) || strings.Contains(got.body, "boom") {
		t.Errorf("%d %s", got.code, got.body)
	}
	res, err := (&http.Client{Transport: s.tr}).Get(s.url + "/late")
	if err == nil {
		_, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	if err == nil {
		t.Error("half an answer looks like a whole one")
	}
	eventually(t, "two panics are counted", func() bool { return s.value("touchline_http_panics_total") == 2 })
	if !strings.Contains(s.log.String(), "boom") || !strings.Contains(s.log.String(), "httpserver_test.go") {
		t.Error("no stack in the log")
	}
	if got := s.do("GET", "/-/healthy", nil); got.code != 404 {
		t.Errorf("not alive: %d", got.code)
	}
}

func TestMuxErrors(t *testing.T) {
	mux := NewMux()
	mux.HandleFunc("GET /api/v1/fail", func(http.ResponseWriter, *http.Request) error {
		return &Error{Status: 422, Kind: "execution", Err: errors.New("too many samples")}
	})
	mux.HandleFunc("GET /api/v2/fail", func(http.ResponseWriter, *http.Request) error { return errors.New("disk on fire") })
	mux.HandleFunc("GET /touchline/v1/fail", func(http.ResponseWriter, *http.Request) error {
		return fmt.Errorf("wrapped: %w", Errorf(http.StatusConflict, "busy"))
	})
	mux.HandleFunc("GET /begun", func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = io.WriteString(w, "begun")
		return errors.New("connection lost")
	})
	mux.Handle("/api/v1/", ShapeErrors(Prometheus, http.NotFoundHandler()))
	s := start(t, Options{}, mux)
	for _, c := range []struct {
		method, path string
		code         int
		body         string
	}{
		{"GET", "/api/v1/fail", 422, `{"status":"error","errorType":"execution","error":"too many samples"}`},
		{"GET", "/api/v2/fail", 500, `{"code":500,"message":"disk on fire"}`},
		{"GET", "/touchline/v1/fail", 409, `{"type":"about:blank","title":"Conflict","status":409,"detail":"wrapped: busy"}`},
		{"GET", "/begun", 200, "begun"},
		{"GET", "/api/v1/nothing", 404, `{"status":"error","errorType":"not_found","error":"path /api/v1/nothing not found"}`},
		{"GET", "/api/v3/nothing", 404, `{"status":"error","errorType":"not_found","error":"path /api/v3/nothing not found"}`},
		{"GET", "/api/v2/nothing", 404, `{"code":404,"message":"path /api/v2/nothing not found"}`},
		{"GET", "/touchline/v1/nothing", 404, `{"type":"about:blank","title":"Not Found","status":404,"detail":"path /touchline/v1/nothing not found"}`},
		{"GET", "/nothing", 404, "path /nothing not found"},
		{"POST", "/api/v2/fail", 405, `{"code":405,"message":"method POST is not allowed for /api/v2/fail; use GET, HEAD"}`},
		{"GET", "/api/v2//fail", 307, ""},
	} {
		got := s.do(c.method, c.path, nil, bearer(s.token))
		if got.code != c.code || c.body != "" && strings.TrimSpace(got.body) != c.body {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.code, got.body)
		}
	}
	for _, msg := range []string{"disk on fire", "connection lost"} {
		if !strings.Contains(s.log.String(), msg) {
			t.Errorf("%q is not in the log", msg)
		}
	}
	if strings.Contains(s.log.String(), "too many samples") {
		t.Error("a mistake of the client is logged as ours")
	}
}

func TestMetricsAreBounded(t *testing.T) {
	mux := NewMux()
	mux.Handle("GET /ui/{page}", ok)
	mux.Handle("/api/v1/", ok)
	s := start(t, Options{}, mux)
	for i := range 20 {
		s.do("GET", fmt.Sprintf("/ui/%d", i), nil)
		s.do("GET", fmt.Sprintf("/none/%d", i), nil)
		s.do("GET", fmt.Sprintf("/api/v1/label/l%d/values", i), nil)
		s.do("GET", fmt.Sprintf("/api/v1/x%d", i), nil)
		s.do(fmt.Sprintf("M%d", i), "/ui/x", nil, bearer(s.token))
	}
	for _, l := range [][]string{
		{"handler", "/ui/{page}", "code", "200", "method", "get"},
		{"handler", "other", "code", "404", "method", "get"},
		{"handler", "/api/v1/label/*/values", "code", "200", "method", "get"},
		{"handler", "/api/v1/", "code", "200", "method", "get"},
		{"handler", "other", "code", "405", "method", "other"},
	} {
		// The count follows the answer.
		eventually(t, strings.Join(l, " "), func() bool { return s.value("touchline_http_requests_total", l...) == 20 })
	}
	if n := s.value("touchline_http_request_duration_seconds", "handler", "/ui/{page}"); n != 20 {
		t.Errorf("durations: %v", n)
	}
}

func TestBodyLimits(t *testing.T) {
	s := start(t, Options{MaxBody: 1000, MaxIngestBody: 2000}, ok)
	for _, c := range []struct {
		name, path string
		body       io.Reader
		code       int
	}{
		{"fits", "/api/v1/query", strings.NewReader(strings.Repeat("x", 1000)), 200},
		{"declared too large", "/api/v1/query", strings.NewReader(strings.Repeat("x", 1001)), 413},
		{"turns out too large", "/api/v1/query", io.MultiReader(strings.NewReader(strings.Repeat("x", 1001))), 413},
		{"ingest has its own", "/api/v1/write", strings.NewReader(strings.Repeat("x", 2000)), 200},
		{"ingest too large", "/api/v1/write", strings.NewReader(strings.Repeat("x", 2001)), 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := s.do("POST", c.path, c.body); got.code != c.code {
				t.Errorf("%d %s", got.code, got.body)
			}
		})
	}
	if n := s.value("touchline_http_too_large_total"); n != 3 {
		t.Errorf("counted %v", n)
	}
}

// TestHugeBodyIsRefusedEarly announces 2 GB and sends none of it.
func TestHugeBodyIsRefusedEarly(t *testing.T) {
	s := start(t, Options{}, ok)
	c := dial(t, s.addr)
	if _, err := io.WriteString(c, "POST /api/v1/write HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2147483648\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(answer); !strings.HasPrefix(got, "HTTP/1.1 413 ") || !strings.Contains(got, `"errorType":"bad_data"`) || !strings.Contains(got, "Connection: close") {
		t.Errorf("got %s", got)
	}
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSlowAndLargeHeaders(t *testing.T) {
	s := start(t, Options{HeaderTimeout: 50 * time.Millisecond}, ok)
	slow := dial(t, s.addr)
	if _, err := io.WriteString(slow, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(slow); err != nil {
		t.Errorf("a slow header is not cut off: %v", err)
	}
	s = start(t, Options{ReadTimeout: 200 * time.Millisecond}, ok)
	body := dial(t, s.addr)
	if _, err := io.WriteString(body, "POST /api/v1/write HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nx"); err != nil {
		t.Fatal(err)
	}
	// How far the request came before the time was over decides between 400
	// and no answer; either way the connection ends.
	if answer, err := io.ReadAll(body); err != nil || strings.Contains(string(answer), " 200 ") {
		t.Errorf("a slow body is not cut off: %s %v", answer, err)
	}
	s = start(t, Options{MaxHeaderBytes: 4096}, ok)
	large := dial(t, s.addr)
	if _, err := io.WriteString(large, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: "+strings.Repeat("x", 16<<10)); err != nil {
		t.Fatal(err)
	}
	status := make([]byte, len("HTTP/1.1 431"))
	if _, err := io.ReadFull(large, status); err != nil || string(status) != "HTTP/1.1 431" {
		t.Errorf("a large header: %s %v", status, err)
	}
}

func TestConnectionLimit(t *testing.T) {
	s := start(t, Options{MaxConnections: 2}, ok)
	a, b := dial(t, s.addr), dial(t, s.addr)
	for _, c := range []net.Conn{a, b} {
		if code := get(t, c); code != "200" {
			t.Fatalf("got %s", code)
		}
	}
	// The third waits until one of the others ends.
	c := dial(t, s.addr)
	answered := make(chan string, 1)
	go func() { answered <- get(t, c) }()
	select {
	case code := <-answered:
		t.Fatalf("a third connection was served: %s", code)
	case <-time.After(100 * time.Millisecond):
	}
	_ = a.Close()
	if code := <-answered; code != "200" {
		t.Errorf("after one ended: %s", code)
	}
}

// get sends a request over a raw connection and returns the status.
func get(t *testing.T, c net.Conn) string {
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Error(err)
		return ""
	}
	buf := make([]byte, 4096)
	n, err := c.Read(buf)
	if err != nil {
		t.Error(err)
		return ""
	}
	return strings.Fields(string(buf[:n]))[1]
}

func TestInFlightLimit(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := start(t, Options{MaxInFlight: map[Access]int{Read: 1}}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			entered <- struct{}{}
			<-leave
		}
	}))
	done := make(chan int)
	go func() { done <- s.do("GET", "/slow", nil).code }()
	<-entered
	if n := s.value("touchline_http_requests_in_flight", "access", "read"); n != 1 {
		t.Errorf("in flight: %v", n)
	}
	got := s.do("GET", "/api/v1/query", nil)
	if got.code != 503 || got.header.Get("Retry-After") != "1" || !strings.Contains(got.body, `"errorType":"unavailable"`) {
		t.Errorf("%d %s", got.code, got.body)
	}
	if got := s.do("POST", "/api/v1/write", nil); got.code != 200 {
		t.Errorf("readers hold up senders: %d", got.code)
	}
	if got := s.do("GET", "/-/healthy", nil); got.code != 200 {
		t.Errorf("readers hold up the health check: %d", got.code)
	}
	close(leave)
	if code := <-done; code != 200 {
		t.Errorf("slow one: %d", code)
	}
	eventually(t, "nothing is in flight", func() bool { return s.value("touchline_http_requests_in_flight", "access", "read") == 0 })
}

func TestRoutePrefix(t *testing.T) {
	mux := NewMux()
	mux.Handle("/", ok)
	mux.HandleFunc("GET /api/v1/path", func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.WriteString(w, r.URL.Path)
		return err
	})
	s := start(t, Options{RoutePrefix: "touchline/"}, mux)
	for _, c := range []struct {
		method, path string
		code         int
		location     string
	}{
		{"GET", "/", 302, "/touchline/"},
		{"GET", "/touchline", 302, "/touchline/"},
		{"GET", "/touchline/", 200, ""},
		{"GET", "/touchline/api/v1/path", 200, ""},
		{"GET", "/touchline/-/healthy", 200, ""},
		{"GET", "/api/v1/path", 404, ""},
		{"GET", "/touchlines/api/v1/path", 404, ""},
		{"POST", "/touchline/-/reload", 401, ""},
		{"POST", "/touchline/api/v1/write", 200, ""},
	} {
		got := s.do(c.method, c.path, nil)
		if got.code != c.code || got.header.Get("Location") != c.location {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.code, got.header.Get("Location"))
		}
	}
	if got := s.do("GET", "/touchline/api/v1/path", nil); got.body != "/api/v1/path" {
		t.Errorf("the handler saw %s", got.body)
	}
	eventually(t, "the route is counted without its prefix", func() bool {
		return s.value("touchline_http_requests_total", "handler", "/api/v1/path", "code", "200") == 2
	})
}

func TestHeadersAndCORS(t *testing.T) {
	re, err := CompileOrigin(`https://(a|b)\.example`)
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, Options{CORSOrigin: re}, ok)
	got := s.do("GET", "/", nil, header("Origin", "https://a.example"))
	if got.header.Get("Access-Control-Allow-Origin") != "https://a.example" || got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Content-Security-Policy") == "" {
		t.Errorf("headers %v", got.header)
	}
	for _, origin := range []string{"https://c.example", "https://a.example.evil", "xhttps://a.example"} {
		if got := s.do("GET", "/", nil, header("Origin", origin)); got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s is allowed", origin)
		}
	}
	pre := s.do("OPTIONS", "/api/v2/silences", nil, header("Origin", "https://b.example"), header("Access-Control-Request-Method", "POST"))
	if pre.code != 204 || !strings.Contains(pre.header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("preflight %d %v", pre.code, pre.header)
	}
	if re, err := CompileOrigin(""); re != nil || err != nil {
		t.Errorf("empty origin: %v %v", re, err)
	}
	if _, err := CompileOrigin("("); err == nil {
		t.Error("a broken expression compiles")
	}
}

func TestRateLimit(t *testing.T) {
	file := t.TempDir() + "/web.yml"
	put(t, file, "rate_limit: {interval: 1h, burst: 2}\n")
	s := start(t, Options{WebConfigFile: file}, ok)
	var codes []int
	for range 3 {
		codes = append(codes, s.do("GET", "/", nil).code)
	}
	if fmt.Sprint(codes) != "[200 200 429]" {
		t.Errorf("got %v", codes)
	}
}

func TestStreamingReachesTheClient(t *testing.T) {
	release := make(chan struct{})
	s := start(t, Options{}, ShapeErrors(Prometheus, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		<-release
	})))
	res, err := (&http.Client{Transport: s.tr}).Get(s.url + "/api/v1/notifications/live")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	buf := make([]byte, 9)
	if _, err := io.ReadFull(res.Body, buf); err != nil || string(buf) != "data: 1\n\n" {
		t.Errorf("%q %v", buf, err)
	}
	close(release)
}

func TestShutdownIsBounded(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := start(t, Options{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		select {
		case <-leave:
		case <-r.Context().Done():
		}
	}))
	failed := make(chan error, 1)
	go func() {
		res, err := (&http.Client{Transport: s.tr}).Get(s.url)
		if err == nil {
			_ = res.Body.Close()
		}
		failed <- err
	}()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("shutdown: %v", err)
	}
	if err := <-failed; err == nil {
		t.Error("the request was not cut off")
	}
	close(leave)
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("a second shutdown: %v", err)
	}
	if err := s.Listen(Spec{Name: "late", Address: "127.0.0.1:0", Handler: ok}); err == nil {
		t.Error("listens after shutdown")
	}
}

func TestServiceIsServedAndStopped(t *testing.T) {
	s := start(t, Options{}, ok)
	svc := &echoService{stop: make(chan struct{}), accepted: make(chan net.Conn, 1)}
	if err := s.Listen(Spec{Name: "grpc", Address: "127.0.0.1:0", Service: svc}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.serveOne(s.listeners[1]) }()
	c := dial(t, s.Addresses()["grpc"][0])
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	_ = (<-svc.accepted).Close()
	if err := s.Shutdown(t.Context()); err != nil || !svc.graceful {
		t.Errorf("shutdown: %v, graceful %v", err, svc.graceful)
	}
	if err := <-done; err != nil {
		t.Errorf("serve: %v", err)
	}
}

func TestLimitedDecompress(t *testing.T) {
	zeros := make([]byte, 1<<20)
	var gz bytes.Buffer
	zw := gzip.NewWriter(&gz)
	_, _ = zw.Write(zeros)
	_ = zw.Close()
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	zs := enc.EncodeAll(zeros, nil)
	_ = enc.Close()
	for name, body := range map[string][]byte{"gzip": gz.Bytes(), "zstd": zs, "identity": zeros, "": zeros} {
		for limit, whole := range map[int64]bool{1 << 20: true, 1<<20 - 1: false, 10: false, 2 << 20: true} {
			r, err := LimitedDecompress(bytes.NewReader(body), name, limit)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			_ = r.Close()
			var large *http.MaxBytesError
			if whole && (err != nil || len(got) != len(zeros)) || !whole && (!errors.As(err, &large) || int64(len(got)) > limit) {
				t.Errorf("%s with %d: %d bytes, %v", name, limit, len(got), err)
			}
		}
	}
	var e *Error
	if _, err := LimitedDecompress(strings.NewReader("x"), "br", 10); !errors.As(err, &e) || e.Status != http.StatusUnsupportedMediaType {
		t.Errorf("unknown encoding: %v", err)
	}
	if _, err := LimitedDecompress(strings.NewReader("x"), "gzip", 10); !errors.As(err, &e) || e.Status != http.StatusBadRequest {
		t.Errorf("no gzip: %v", err)
	}
}

func FuzzLimitedDecompress(f *testing.F) {
	f.Add([]byte("\x1f\x8b"), "gzip")
	f.Add([]byte("\x28\xb5\x2f\xfd"), "zstd")
	f.Add([]byte("\x78\x9c"), "deflate")
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		const limit = 4096
		r, err := LimitedDecompress(bytes.NewReader(body), encoding, limit)
		if err != nil {
			return
		}
		defer func() { _ = r.Close() }()
		if got, _ := io.ReadAll(r); len(got) > limit {
			t.Errorf("%d bytes", len(got))
		}
	})
}

func TestExternalURL(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		raw, listen string
		tls         bool
		want        string
	}{
		{"", "0.0.0.0:7070", false, "http://" + name + ":7070"},
		{"", "[::]:7070", true, "https://" + name + ":7070"},
		{"", "127.0.0.1:7070", false, "http://127.0.0.1:7070"},
		{"", "[::1]:7070", false, "http://[::1]:7070"},
		{"https://mon.example.com/a/b/", "", false, "https://mon.example.com/a/b"},
		{"https://mon.example.com", "", false, "https://mon.example.com"},
	} {
		u, err := ExternalURL(c.raw, c.listen, c.tls)
		if err != nil || u.String() != c.want {
			t.Errorf("%+v: %v %v", c, u, err)
		}
	}
	for _, raw := range []string{"mon.example.com", "ftp://a/", "http://", "http://a b/", "'http://a/'"} {
		if u, err := ExternalURL(raw, "", false); err == nil {
			t.Errorf("%s is taken as %s", raw, u)
		}
	}
	ext := &url.URL{Path: "/a/b"}
	for raw, want := range map[string]string{"": "/a/b", "/": "/", "x": "/x", "/x/": "/x"} {
		if got := RoutePrefix(raw, ext); got != want {
			t.Errorf("%q: %s", raw, got)
		}
	}
}
