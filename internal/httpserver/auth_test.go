package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		method, path string
		want         Access
	}{
		{"GET", "/-/healthy", Public},
		{"HEAD", "/-/ready", Public},
		{"POST", "/-/ready", Change},
		{"GET", "/-/healthy/x", Read},
		{"OPTIONS", "/api/v1/query", Public},
		{"GET", "/", Read},
		{"GET", "/ui/", Read},
		{"GET", "/metrics", Read},
		{"GET", "/api/v1/status/config", Read},
		{"GET", "/federate", Read},
		{"POST", "/api/v1/query", Read},
		{"POST", "/api/v1/query_range", Read},
		{"POST", "/api/v1/series", Read},
		{"POST", "/api/v1/read", Read},
		{"PUT", "/api/v1/query", Change},
		{"POST", "/api/v1/write", Ingest},
		{"POST", "/api/v1/otlp/v1/metrics", Ingest},
		{"POST", "/v1/metrics", Ingest},
		{"POST", "/api/v2/alerts", Ingest},
		{"GET", "/api/v2/alerts", Read},
		{"POST", "/api/v1/alerts", Ingest},
		{"POST", "/loki/api/v1/push", Ingest},
		{"POST", "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", Ingest},
		{"POST", "/api/v2/silences", Respond},
		{"DELETE", "/api/v2/silence/0b3c", Respond},
		{"POST", "/touchline/v1/incidents/7/acknowledge", Respond},
		{"GET", "/touchline/v1/incidents/7", Read},
		{"GET", "/touchline/v1/users", Admin},
		{"PATCH", "/touchline/v1/users/anna", Admin},
		{"POST", "/touchline/v1/tokens/x/rotate", Admin},
		{"POST", "/touchline/v1/invitations", Admin},
		{"POST", "/touchline/v1/links/x", Public},
		{"DELETE", "/touchline/v1/links/x", Change},
		{"GET", "/touchline/v1/audit", Admin},
		{"GET", "/touchline/v1/me", Read},
		{"PUT", "/touchline/v1/me/password", Read},
		{"DELETE", "/touchline/v1/sessions/x", Read},
		{"POST", "/touchline/v1/login", Public},
		{"GET", "/touchline/v1/login", Read},
		{"POST", "/touchline/v1/logout", Read},
		{"POST", "/ui/login", Public},
		{"GET", "/ui/login/oidc/callback", Public},
		{"GET", "/ui/login/../alerts", Read},
		{"POST", "/ui/setup", Public},
		{"DELETE", "/ui/setup", Change},
		{"GET", "/ui/assets/style.css", Public},
		{"GET", "/ui/assets/../alerts", Read},
		{"POST", "/ui/profile", Read},
		{"POST", "/-/reload", Admin},
		{"PUT", "/-/quit", Admin},
		{"GET", "/-/reload", Admin},
		{"POST", "/touchline/v1/backup", Admin},
		{"GET", "/touchline/v1/backup", Admin},
		{"GET", "/touchline/v1/status", Read},
		{"DELETE", "/api/v1/series", Admin},
		{"POST", "/api/v1/admin/tsdb/delete_series", Admin},
		{"PUT", "/api/v1/admin/tsdb/snapshot", Admin},
		{"GET", "/api/v1/admin", Admin},
		{"GET", "/api/v1/administrators", Read},
		{"GET", "/debug/pprof/heap", Admin},
		{"POST", "/touchline/v1/anything", Change},
		{"POST", "/unknown", Change},
		{"BREW", "/", Change},
		{"POST", "/api/v1//admin/tsdb/snapshot", Admin},
		{"POST", "/api/v1/query/../admin/tsdb/snapshot", Admin},
		{"GET", "/-/healthy/../../debug/pprof/heap", Admin},
		{"GET", "/-/healthy/", Read},
		{"GET", "//-/healthy", Read},
	} {
		if got := Classify(c.method, c.path); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.method, c.path, got, c.want)
		}
	}
}

func FuzzClassify(f *testing.F) {
	for _, p := range []string{"/", "/api/v1/admin/x", "//a/../-/healthy", "/debug", "", "/api/v1/\x00", "/*/**"} {
		f.Add("GET", p)
		f.Add("POST", p)
	}
	f.Fuzz(func(t *testing.T, method, p string) {
		a := Classify(method, p)
		known := p == "/-/healthy" || p == "/-/ready" || p == "/touchline/v1/login" || p == "/ui/setup" || p == "/ui/login" ||
			strings.HasPrefix(p, "/ui/login/") || strings.HasPrefix(p, "/touchline/v1/links/") || strings.HasPrefix(p, "/ui/assets/")
		if a == Public && method != "OPTIONS" && !known {
			t.Errorf("%s %q is public", method, p)
		}
		if strings.HasPrefix(p, "/api/v1/admin/") && a != Admin && method != "OPTIONS" {
			t.Errorf("%s %q is %s", method, p, a)
		}
		if method == "POST" && a == Read && routeLabel(p) == "" {
			t.Errorf("POST %q only reads, though nobody said so", p)
		}
	})
}

func TestAnonymousOnLoopback(t *testing.T) {
	s := start(t, Options{}, ok)
	ext, err := url.Parse("https://mon.example.com/x")
	if err != nil {
		t.Fatal(err)
	}
	s.SetExternalURL(ext)
	_, port, _ := net.SplitHostPort(s.addr)
	for _, c := range []struct {
		name, method, path string
		edits              []func(*http.Request)
		want               int
	}{
		{"reads", "GET", "/api/v1/query", nil, 200},
		{"ingests", "POST", "/api/v1/write", nil, 200},
		{"posts alerts", "POST", "/api/v2/alerts", nil, 200},
		{"may not silence", "POST", "/api/v2/silences", nil, 401},
		{"may not delete", "POST", "/api/v1/admin/tsdb/delete_series", nil, 401},
		{"may not reload", "POST", "/-/reload", nil, 401},
		{"may silence with the token", "POST", "/api/v2/silences", []func(*http.Request){bearer(s.token)}, 200},
		{"may delete with the token", "POST", "/api/v1/admin/tsdb/delete_series", []func(*http.Request){bearer(s.token)}, 200},
		{"wrong token", "GET", "/api/v1/query", []func(*http.Request){bearer(s.token + "x")}, 401},
		{"empty token", "GET", "/api/v1/query", []func(*http.Request){bearer("")}, 401},
		{"unknown user", "GET", "/api/v1/query", []func(*http.Request){basic("a", "b")}, 401},
		{"unknown scheme", "GET", "/api/v1/query", []func(*http.Request){header("Authorization", "Digest x")}, 401},
		{"broken basic", "GET", "/api/v1/query", []func(*http.Request){header("Authorization", "Basic %%")}, 401},
		{"rebound name", "GET", "/api/v1/query", []func(*http.Request){host("evil.example:" + port)}, 403},
		{"rebound name ingests", "POST", "/api/v1/write", []func(*http.Request){host("evil.example")}, 403},
		{"loopback as a prefix", "GET", "/", []func(*http.Request){host("127.0.0.1.evil.example")}, 403},
		{"localhost as a prefix", "GET", "/", []func(*http.Request){host("localhost.evil.example")}, 403},
		{"localhost", "GET", "/", []func(*http.Request){host("localhost:" + port)}, 200},
		{"IPv6 loopback", "GET", "/", []func(*http.Request){host("[::1]:1")}, 200},
		{"external host", "GET", "/", []func(*http.Request){host("MON.example.com")}, 200},
		{"rebound name with the token", "GET", "/", []func(*http.Request){host("evil.example"), bearer(s.token)}, 200},
		{"healthy for anybody", "GET", "/-/healthy", []func(*http.Request){host("evil.example")}, 200},
		{"forwarded", "GET", "/", []func(*http.Request){header("X-Forwarded-For", "127.0.0.1")}, 401},
		{"forwarded with the token", "GET", "/", []func(*http.Request){header("X-Forwarded-For", "9.9.9.9"), bearer(s.token)}, 200},
		{"foreign page ingests", "POST", "/api/v1/write", []func(*http.Request){header("Sec-Fetch-Site", "cross-site")}, 403},
		{"foreign page of old browser ingests", "POST", "/api/v2/alerts", []func(*http.Request){header("Origin", "http://evil.example")}, 403},
		{"opaque origin ingests", "POST", "/api/v2/alerts", []func(*http.Request){header("Origin", "null")}, 403},
		{"own page ingests", "POST", "/api/v2/alerts", []func(*http.Request){header("Origin", "http://"+s.addr), header("Sec-Fetch-Site", "same-origin")}, 200},
		{"foreign page with the token", "POST", "/api/v2/silences", []func(*http.Request){header("Sec-Fetch-Site", "cross-site"), bearer(s.token)}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := s.do(c.method, c.path, nil, c.edits...); got.code != c.want {
				t.Errorf("%d %s, want %d", got.code, got.body, c.want)
			}
		})
	}
	if strings.Contains(s.log.String(), s.token) {
		t.Error("the token stands in the log")
	}
}

func TestOffLoopbackNeedsAuthentication(t *testing.T) {
	s := start(t, Options{}, ok)
	for remote, want := range map[string]error{
		"127.0.0.1:5": nil, "[::1]:5": nil, "[::ffff:127.0.0.1]:5": nil,
		"10.0.0.1:5": ErrUnauthenticated, "[2001:db8::1]:5": ErrUnauthenticated, "[::ffff:10.0.0.1]:5": ErrUnauthenticated,
	} {
		addr, err := net.ResolveTCPAddr("tcp", remote)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.AuthorizeRPC(t.Context(), addr, "localhost:1", "", Ingest); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", remote, err, want)
		}
		if p, err := s.AuthorizeRPC(t.Context(), addr, "", "Bearer "+s.token, Admin); err != nil || p.Method != "token" {
			t.Errorf("%s with the token: %v", remote, err)
		}
		h := s.Wrap(ok)
		w := &probe{header: http.Header{}}
		r, err := http.NewRequest("GET", "/api/v1/query", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.RemoteAddr, r.Host = remote, "localhost"
		if h.ServeHTTP(w, r); (w.code == 200) != (want == nil) {
			t.Errorf("%s over HTTP: %d", remote, w.code)
		}
	}
	if _, err := s.AuthorizeRPC(t.Context(), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, "evil.example", "", Ingest); !errors.Is(err, ErrForbidden) {
		t.Errorf("rebound authority: %v", err)
	}
}

func TestErrorShapes(t *testing.T) {
	s := start(t, Options{}, ok)
	for path, want := range map[string][2]string{
		"/api/v1/admin/x":   {"application/json", `{"status":"error","errorType":"unauthorized","error":"this needs a bearer token with admin access`},
		"/api/v2/silences":  {"application/json", `{"code":401,"message":"this needs a bearer token with respond access`},
		"/touchline/v1/run": {"application/problem+json", `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"this needs`},
		"/other":            {"text/plain; charset=utf-8", "this needs a bearer token"},
	} {
		got := s.do("POST", path, nil)
		if got.code != 401 || got.header.Get("Content-Type") != want[0] || !strings.HasPrefix(got.body, want[1]) {
			t.Errorf("%s: %d %s %s", path, got.code, got.header.Get("Content-Type"), got.body)
		}
		if a := got.header.Values("WWW-Authenticate"); len(a) != 1 || !strings.HasPrefix(a[0], "Bearer") {
			t.Errorf("%s: WWW-Authenticate %q", path, a)
		}
	}
	if n := s.value("touchline_http_refused_total", "access", "admin"); n != 1 {
		t.Errorf("refused: %v", n)
	}
}

func TestAdminTokenFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "data", "admin.token")
	s := start(t, Options{AdminTokenFile: file}, ok)
	fi, err := os.Stat(file)
	if err != nil || fi.Mode().Perm() != 0o600 || len(s.token) < 40 {
		t.Fatalf("mode %v, %d characters, %v", fi.Mode(), len(s.token), err)
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 1 {
		t.Errorf("files left beside the token: %v %v", left, err)
	}
	// A second start keeps it.
	if again := start(t, Options{AdminTokenFile: file}, ok); again.token != s.token {
		t.Error("the token changed over a restart")
	}
	// A replaced token is taken at once, and the old one is no longer.
	fresh := strings.Repeat("n", 30)
	put(t, file, fresh+"\n")
	if got := s.do("POST", "/-/reload", nil, bearer(fresh)); got.code != 200 || got.body != "token admin.token" {
		t.Errorf("new token: %d %s", got.code, got.body)
	}
	if got := s.do("POST", "/-/reload", nil, bearer(s.token)); got.code != 401 {
		t.Errorf("old token: %d", got.code)
	}
	// A file that cannot be read changes nothing, and is told once.
	put(t, file, "short")
	for range 3 {
		if got := s.do("POST", "/-/reload", nil, bearer(fresh)); got.code != 200 {
			t.Errorf("after a broken file: %d", got.code)
		}
	}
	if n := s.value("touchline_http_file_reload_failures_total", "file", "tokens"); n != 1 {
		t.Errorf("failures: %v", n)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), AdminTokenFile: file}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a token that others can read: %v", err)
	}
}

func TestTokensFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	reader, sender, operator := strings.Repeat("r", 24), strings.Repeat("s", 24), strings.Repeat("o", 24)
	put(t, file, "# tokens\n\ngrafana read "+reader+"\nagent ingest "+sender+"\nduty change "+operator+"\n")
	s := start(t, Options{TokensFile: file}, ok)
	for _, c := range []struct {
		token, method, path string
		want                int
	}{
		{reader, "GET", "/api/v1/query", 200},
		{reader, "POST", "/api/v1/write", 403},
		{reader, "POST", "/api/v2/silences", 403},
		{sender, "POST", "/api/v1/write", 200},
		{sender, "GET", "/api/v1/query", 403},
		{operator, "POST", "/api/v2/silences", 200},
		{operator, "POST", "/-/reload", 403},
	} {
		if got := s.do(c.method, c.path, nil, bearer(c.token)); got.code != c.want {
			t.Errorf("%s %s %s: %d %s, want %d", c.token[:1], c.method, c.path, got.code, got.body, c.want)
		}
	}
	put(t, file, "grafana read "+operator+"\n")
	if got := s.do("GET", "/api/v1/query", nil, bearer(reader)); got.code != 401 {
		t.Errorf("withdrawn token: %d", got.code)
	}

	_, err := parseTokens("f", []byte("a read secretsecretsecretsecret1\nb reed secretsecretsecretsecret2\nc read short\na read secretsecretsecretsecret3\nfour words are many\n"))
	want := "f:2: the second word is not an access; write read, ingest, respond, change or admin\nf:3: token shorter than 20 characters; make one with: openssl rand -hex 24\nf:4: name \"a\" is given twice; give each token its own\nf:5: 4 words; write NAME ACCESS TOKEN"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func FuzzTokens(f *testing.F) {
	f.Add([]byte("a read secretsecretsecretsecret1\n#\n\nb"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		out, err := parseTokens("f", raw)
		if err != nil && out != nil {
			t.Error("tokens and an error")
		}
	})
}

func TestUsers(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "web.yml")
	put(t, file, "basic_auth_users:\n  ann: "+hash(t, "secret")+"\nhttp_server_config:\n  headers:\n    X-Frame-Options: deny\n")
	s := start(t, Options{WebConfigFile: file}, ok)
	for _, c := range []struct {
		name  string
		edits []func(*http.Request)
		want  int
	}{
		{"nobody is anonymous", nil, 401},
		{"user", []func(*http.Request){basic("ann", "secret")}, 200},
		{"wrong password", []func(*http.Request){basic("ann", "Secret")}, 401},
		{"wrong password again, from the cache", []func(*http.Request){basic("ann", "Secret")}, 401},
		{"unknown user", []func(*http.Request){basic("bob", "secret")}, 401},
		{"token beside users", []func(*http.Request){bearer(s.token)}, 200},
		{"foreign page with the browser's password", []func(*http.Request){basic("ann", "secret"), header("Sec-Fetch-Site", "cross-site")}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.do("POST", "/-/reload", nil, c.edits...)
			if got.code != c.want {
				t.Errorf("%d %s", got.code, got.body)
			}
			if got.header.Get("X-Frame-Options") != "deny" {
				t.Errorf("header of the web configuration is missing: %v", got.header)
			}
		})
	}
	if got := s.do("GET", "/-/healthy", nil); got.code != 200 {
		t.Errorf("health needs no user: %d", got.code)
	}
	if a := s.do("GET", "/", nil).header.Values("WWW-Authenticate"); len(a) != 2 {
		t.Errorf("WWW-Authenticate %q", a)
	}

	// Users are read again.
	put(t, file, "basic_auth_users:\n  bob: "+hash(t, "other")+"\n")
	if got := s.do("GET", "/", nil, basic("bob", "other")); got.code != 200 {
		t.Errorf("new user: %d", got.code)
	}
	if got := s.do("GET", "/", nil, basic("ann", "secret")); got.code != 401 {
		t.Errorf("removed user: %d", got.code)
	}
	// A broken file leaves the last good one in force.
	put(t, file, "basic_auth_user: {}\n")
	if got := s.do("GET", "/", nil, basic("bob", "other")); got.code != 200 {
		t.Errorf("after a broken file: %d", got.code)
	}
	if got := s.do("GET", "/", nil); got.code != 401 {
		t.Errorf("a broken file opens the door: %d", got.code)
	}
	if n := s.value("touchline_http_file_reload_failures_total", "file", "web_config"); n != 1 {
		t.Errorf("failures: %v", n)
	}
}

func TestWebConfigRefused(t *testing.T) {
	for name, text := range map[string]string{
		"unknown key":     "basic_auth_user: {}\n",
		"no bcrypt":       "basic_auth_users: {a: plain-password}\n",
		"no key":          "tls_server_config: {cert_file: missing.pem}\n",
		"header":          "http_server_config: {headers: {X-Mine: a}}\n",
		"missing ca":      "tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}\n",
		"not even a file": "",
	} {
		file := filepath.Join(t.TempDir(), "web.yml")
		if text != "" {
			put(t, file, text)
		}
		_, err := New(Options{Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), WebConfigFile: file})
		switch {
		case err == nil:
			t.Errorf("%s: taken", name)
		case text == "" && !errors.Is(err, fs.ErrNotExist):
			t.Errorf("%s: %v", name, err)
		case strings.Contains(err.Error(), "plain-password"):
			t.Errorf("%s: the error shows a password: %v", name, err)
		}
	}
}

func TestTLSIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	cert(t, dir, "first")
	file := filepath.Join(dir, "web.yml")
	put(t, file, "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n")
	s := start(t, Options{WebConfigFile: file}, ok)
	if got := s.do("GET", "/", nil); got.code != 200 || got.proto != "HTTP/2.0" {
		t.Fatalf("%d %s", got.code, got.proto)
	}
	name := func() string {
		t.Helper()
		c, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		return c.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	if got := name(); got != "first" {
		t.Errorf("certificate of %s", got)
	}
	cert(t, dir, "second")
	if got := name(); got != "second" {
		t.Errorf("certificate of %s after it was replaced", got)
	}
	put(t, file, "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\nhttp_server_config:\n  http2: false\n")
	s.tr.CloseIdleConnections()
	if got := s.do("GET", "/", nil); got.code != 200 || got.proto != "HTTP/1.1" {
		t.Errorf("HTTP/2 was switched off: %d %s", got.code, got.proto)
	}
}

// TestWhatNeedsARestartIsTold: as upstream's, a listener keeps its protocol.
func TestWhatNeedsARestartIsTold(t *testing.T) {
	dir := t.TempDir()
	cert(t, dir, "late")
	file := filepath.Join(dir, "web.yml")
	const on = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"
	for name, c := range map[string]struct{ before, after, want string }{
		"on":         {"basic_auth_users: {}\n", on, "TLS was switched on"},
		"off":        {on, "basic_auth_users: {}\n", "TLS was switched off"},
		"rate limit": {on, on + "rate_limit: {interval: 1s, burst: 5}\n", "rate_limit was changed"},
		"http2":      {on, on + "http_server_config: {http2: false}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			put(t, file, c.before)
			s := start(t, Options{WebConfigFile: file}, ok)
			if got := s.NeedsRestart(); len(got) != 0 {
				t.Fatalf("unchanged: %q", got)
			}
			put(t, file, c.after)
			got := strings.Join(s.NeedsRestart(), "\n")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("told %q, want %q", got, c.want)
			}
			s.NeedsRestart()
			if n := strings.Count(s.log.String(), "restart to"); n != len(s.NeedsRestart()) {
				t.Errorf("%d log lines:\n%s", n, s.log)
			}
		})
	}
}

func TestClientCertificate(t *testing.T) {
	dir := t.TempDir()
	cert(t, dir, "robot")
	file := filepath.Join(dir, "web.yml")
	put(t, file, "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n  client_ca_file: cert.pem\n  client_auth_type: VerifyClientCertIfGiven\n")
	s := start(t, Options{WebConfigFile: file}, ok)
	if got := s.do("POST", "/-/reload", nil); got.code != 401 {
		t.Errorf("without a certificate: %d", got.code)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	s.tr.CloseIdleConnections()
	s.tr = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}}}
	if got := s.do("POST", "/-/reload", nil); got.code != 200 || got.body != "certificate CN=robot" {
		t.Errorf("with a certificate: %d %s", got.code, got.body)
	}
	s.tr.CloseIdleConnections()

	// The same over a listener whose protocol is not HTTP.
	svc := &echoService{stop: make(chan struct{}), accepted: make(chan net.Conn, 1)}
	if err := s.Listen(Spec{Name: "grpc", Address: "127.0.0.1:0", Service: svc}); err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.serveOne(s.listeners[1]) }()
	c, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}}}).DialContext(t.Context(), "tcp", s.Addresses()["grpc"][0])
	if err != nil {
		t.Fatal(err)
	}
	if got := c.(*tls.Conn).ConnectionState().NegotiatedProtocol; got != "h2" {
		t.Errorf("negotiated %q", got)
	}
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	served := <-svc.accepted
	if p, err := s.AuthorizeRPC(context.Background(), served.RemoteAddr(), "", "", Admin); err != nil || p.Method != "certificate" {
		t.Errorf("%v %v", p, err)
	}
	_ = served.Close()
	_ = c.Close()
	if _, err := s.AuthorizeRPC(context.Background(), served.RemoteAddr(), "", "", Admin); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("a closed connection still counts: %v", err)
	}
}

// echoService is a protocol of its own: it reads one byte of each connection.
type echoService struct {
	stop     chan struct{}
	accepted chan net.Conn
	graceful bool
}

func (e *echoService) Serve(ln net.Listener) error {
	go func() {
		<-e.stop
		_ = ln.Close()
	}()
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		if _, err := c.Read(make([]byte, 1)); err != nil {
			return err
		}
		e.accepted <- c
	}
}

func (e *echoService) GracefulStop() { e.graceful = true; close(e.stop) }
func (e *echoService) Stop()         { close(e.stop) }
