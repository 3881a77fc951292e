package httpserver

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// people is an Identity that knows secrets by heart.
type people struct {
	known map[string]Principal // by secret
	users bool
	err   error

	mu       sync.Mutex
	refused  []string
	attempts int // that count
	most     int // of them, 0 for any number
}

func (p *people) Refused(r Refused) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = append(p.refused, r.Method+" "+r.User+" "+r.Err.Error())
	if _, _, err := net.SplitHostPort(r.Remote); err != nil {
		p.refused = append(p.refused, err.Error())
	}
}

func (p *people) Attempt(context.Context, string, string) (settle func(right bool), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.most > 0 && p.attempts >= p.most {
		return nil, &Error{Status: http.StatusTooManyRequests, Err: errors.New("wait"), RetryAfter: 1500 * time.Millisecond}
	}
	p.attempts++
	return func(bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.attempts--
	}, nil
}

func (p *people) find(secret, what string) (Principal, error) {
	if p.err != nil {
		return Principal{}, p.err
	}
	if got, ok := p.known[secret]; ok {
		return got, nil
	}
	return Principal{}, Errorf(http.StatusUnauthorized, "%s is not valid", what)
}

func (p *people) Token(_ context.Context, secret string) (Principal, error) {
	return p.find(secret, "the token")
}

func (p *people) Session(_ context.Context, secret string) (Principal, error) {
	return p.find(secret, "the session")
}

func (p *people) Password(_ context.Context, user, password, _ string) (Principal, error) {
	if password == "again" {
		return Principal{}, &Error{Status: http.StatusTooManyRequests, Err: errors.New("wait"), RetryAfter: 1500 * time.Millisecond}
	}
	return p.find(user+":"+password, "the password")
}

func (p *people) HasUsers(context.Context) (bool, error) { return p.users, p.err }

func somebody(name, method string, a ...Access) Principal {
	return Principal{Name: name, Method: method}.Granted(a...)
}

func cookie(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: name, Value: value}) }
}

func TestIdentity(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yml")
	put(t, file, "basic_auth_users:\n  alice: "+hash(t, "secret")+"\n")
	p := &people{users: true, known: map[string]Principal{
		"agent-token": somebody("agent", "token", Ingest), "cookie": somebody("bo", "session", Read, Respond),
		"cy:password": somebody("cy", "basic", Read), "alice:other": somebody("alice", "basic", Read),
	}}
	s := start(t, Options{Identity: p, WebConfigFile: file}, ok)
	for _, c := range []struct {
		name, method, path string
		edits              []func(*http.Request)
		want               int
		body               string
	}{
		{"token", "POST", "/api/v1/write", []func(*http.Request){bearer("agent-token")}, 200, "token agent"},
		{"token without the right", "GET", "/", []func(*http.Request){bearer("agent-token")}, 403, `"agent" has no read access`},
		{"token that nobody knows", "GET", "/", []func(*http.Request){bearer("other")}, 401, "the token is not valid"},
		{"token of the files", "POST", "/-/reload", []func(*http.Request){bearer(s.token)}, 200, "token admin.token"},
		{"session", "GET", "/", []func(*http.Request){cookie("touchline", "cookie")}, 200, "session bo"},
		{"session responds", "POST", "/api/v2/silences", []func(*http.Request){cookie("touchline", "cookie")}, 200, "session bo"},
		{"session without the right", "POST", "/x", []func(*http.Request){cookie("touchline", "cookie")}, 403, "no change access"},
		{"session that is over", "GET", "/", []func(*http.Request){cookie("touchline", "old")}, 401, "the session is not valid"},
		{"a token decides before a session", "GET", "/", []func(*http.Request){cookie("touchline", "cookie"), bearer("agent-token")}, 403, "agent"},
		{"another cookie", "GET", "/", []func(*http.Request){cookie("session", "cookie")}, 401, "sign in at /ui/login"},
		{"user and password", "GET", "/", []func(*http.Request){basic("cy", "password")}, 200, "basic cy"},
		{"wrong password", "GET", "/", []func(*http.Request){basic("cy", "wrong")}, 401, "the password is not valid"},
		{"too many", "GET", "/", []func(*http.Request){basic("cy", "again")}, 429, "wait"},
		{"user of the file", "POST", "/x", []func(*http.Request){basic("alice", "secret")}, 200, "basic alice"},
		{"a user of the file is asked for there only", "GET", "/", []func(*http.Request){basic("alice", "other")}, 401, "user or password is wrong"},
		{"nothing", "GET", "/", nil, 401, "sign in at /ui/login"},
		{"health", "GET", "/-/healthy", nil, 200, ""},
		{"who signs in", "POST", "/ui/login", nil, 200, "anonymous"},
		{"who is signed in, where everybody may be", "POST", "/ui/login", []func(*http.Request){cookie("touchline", "cookie")}, 200, "session bo"},
		{"whose session is over, there", "POST", "/ui/login", []func(*http.Request){cookie("touchline", "old")}, 200, "anonymous"},
		{"a foreign page has somebody silence", "POST", "/api/v2/silences", []func(*http.Request){cookie("touchline", "cookie"), header("Sec-Fetch-Site", "cross-site")}, 403, "another origin"},
		{"a foreign page has somebody change their profile", "PUT", "/touchline/v1/me/password", []func(*http.Request){cookie("touchline", "cookie"), header("Sec-Fetch-Site", "cross-site")}, 403, "another origin"},
		{"a foreign page signs somebody out", "POST", "/ui/logout", []func(*http.Request){cookie("touchline", "cookie"), header("Origin", "http://evil.example")}, 403, "another origin"},
		{"a foreign page signs somebody in", "POST", "/ui/login", []func(*http.Request){header("Sec-Fetch-Site", "cross-site")}, 403, "another origin"},
		{"a foreign page queries", "POST", "/api/v1/query", []func(*http.Request){cookie("touchline", "cookie"), header("Sec-Fetch-Site", "cross-site")}, 200, ""},
		{"own page", "PUT", "/touchline/v1/me/password", []func(*http.Request){cookie("touchline", "cookie"), header("Sec-Fetch-Site", "same-origin")}, 200, "session bo"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.do(c.method, c.path, nil, c.edits...)
			if got.code != c.want || !strings.Contains(got.body, c.body) {
				t.Errorf("%d %s, want %d %s", got.code, got.body, c.want, c.body)
			}
			if after := got.header.Get("Retry-After"); (after == "2") != (c.want == 429) {
				t.Errorf("Retry-After %q", after)
			}
			if c.want == 401 && strings.Contains(strings.Join(got.header.Values("WWW-Authenticate"), ","), "Basic") {
				t.Error("a browser would ask for a password in a window of its own")
			}
		})
	}
	want := []string{
		"token  check token: the token is not valid", "basic cy check password: the password is not valid", "basic cy check password: wait",
		"basic alice user or password is wrong",
	}
	if !slices.Equal(p.refused, want) {
		t.Errorf("told of %q, want %q", p.refused, want)
	}
	p.err = errors.New("database away, password=geheim")
	for _, edit := range []func(*http.Request){bearer("x"), cookie("touchline", "cookie"), basic("cy", "password"), header("Accept", "x")} {
		got := s.do("GET", "/api/v1/query", nil, edit)
		if got.code != 503 && got.code != 401 || strings.Contains(got.body, "geheim") {
			t.Errorf("%d %s", got.code, got.body)
		}
	}
	if _, err := s.AuthorizeRPC(t.Context(), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, "", "Bearer x", Ingest); err == nil || errors.Is(err, ErrUnauthenticated) {
		t.Errorf("a database that is away over gRPC: %v", err)
	}
	if len(p.refused) != len(want) {
		t.Errorf("a database that is away is told as %q", p.refused[len(want):])
	}
	p.err = nil
	if got, err := s.AuthorizeRPC(t.Context(), &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}, "", "Bearer agent-token", Ingest); err != nil || got.Name != "agent" {
		t.Errorf("%v %v", got, err)
	}
}

// TestFilePasswordsArePaced guesses passwords of a user of the web configuration.
func TestFilePasswordsArePaced(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yml")
	put(t, file, "basic_auth_users:\n  alice: "+hash(t, "secret")+"\n  bo: "+hash(t, "secret")+"\n")
	p := &people{users: true, most: 3}
	s := start(t, Options{Identity: p, WebConfigFile: file}, ok)
	as := func(user, password string, want int) {
		t.Helper()
		got := s.do("GET", "/", nil, basic(user, password))
		if got.code != want || (got.header.Get("Retry-After") == "2") != (want == 429) {
			t.Errorf("%s with %s: %d %s, want %d; Retry-After %q", user, password, got.code, got.body, want, got.header.Get("Retry-After"))
		}
	}
	as("alice", "secret", 200)
	for range 2 {
		as("alice", "wrong 1", 401) // the same is no other guess
	}
	as("alice", "wrong 2", 401)
	as("alice", "wrong 3", 401)
	as("alice", "wrong 4", 429)
	as("alice", "wrong 1", 401)
	as("alice", "secret", 200)
	as("bo", "secret", 429)
	if _, err := s.AuthorizeRPC(t.Context(), &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}, "", "Basic YWxpY2U6d3Jvbmc=", Ingest); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("over gRPC: %v", err)
	}
	p.most = 0
	// Each was told, the repeated one too.
	if got := len(p.refused); got != 8 {
		t.Errorf("%d refusals told: %q", got, p.refused)
	}
	as("bo", "secret", 200)
	if p.attempts != 3 {
		t.Errorf("%d attempts count", p.attempts)
	}
}

func TestAnonymous(t *testing.T) {
	const here, far = "127.0.0.1:9", "10.0.0.1:9"
	proxied := header("X-Forwarded-For", "10.0.0.1")
	for _, c := range []struct {
		mode         string
		users        bool
		remote, host string
		edit         func(*http.Request)
		read, ingest int
	}{
		{AnonymousAuto, false, here, "localhost", nil, 200, 200},
		{AnonymousAuto, false, far, "localhost", nil, 401, 401},
		{AnonymousAuto, false, here, "localhost", proxied, 401, 401},
		{AnonymousAuto, false, here, "evil.example", nil, 403, 403},
		{AnonymousAuto, true, here, "localhost", nil, 401, 401},
		{AnonymousAuto, true, far, "localhost", nil, 401, 401},
		{AnonymousOff, false, here, "localhost", nil, 401, 401},
		{AnonymousOff, true, here, "localhost", nil, 401, 401},
		{AnonymousViewer, false, here, "localhost", nil, 200, 200},
		{AnonymousViewer, false, far, "localhost", nil, 200, 401},
		{AnonymousViewer, true, here, "localhost", nil, 200, 401},
		{AnonymousViewer, true, far, "mon.example.com", nil, 200, 401},
		{AnonymousViewer, true, far, "mon.example.com", proxied, 200, 401},
		{AnonymousViewer, true, far, "evil.example", nil, 403, 403},
		{AnonymousViewer, true, far, "mon.example.com", cookie("touchline", "over"), 200, 401},
	} {
		s := start(t, Options{Identity: &people{users: c.users}, Anonymous: c.mode}, ok)
		s.SetExternalURL(&url.URL{Scheme: "http", Host: "mon.example.com"})
		h := s.Wrap(ok)
		ask := func(method, path string) int {
			r := httptest.NewRequest(method, path, http.NoBody)
			r.RemoteAddr, r.Host = c.remote, c.host
			if c.edit != nil {
				c.edit(r)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Code
		}
		if read, ingest, change := ask("GET", "/api/v1/query"), ask("POST", "/api/v1/write"), ask("POST", "/api/v2/silences"); read != c.read || ingest != c.ingest || change < 401 || change > 403 {
			t.Errorf("%+v: read %d, ingest %d, respond %d", c, read, ingest, change)
		}
	}
	if _, err := New(Options{Logger: start(t, Options{}, ok).o.Logger, Registerer: start(t, Options{}, ok).o.Registerer, Anonymous: "everybody"}); err == nil {
		t.Error("an unknown value is taken")
	}
}

func TestBrowsersAreSentToSignIn(t *testing.T) {
	page := func(p string) bool { return p == "/" || strings.HasPrefix(p, "/ui/") }
	s := start(t, Options{Identity: &people{users: true}, Page: page, RoutePrefix: "/mon"}, ok)
	for path, want := range map[string]string{
		"/mon/":                   "/mon/ui/login?next=%2F",
		"/mon/ui/graph?g0.expr=a": "/mon/ui/login?next=%2Fui%2Fgraph%3Fg0.expr%3Da",
		"/mon/api/v1/query":       "",
		"/mon/metrics":            "",
	} {
		got := s.do("GET", path, nil)
		if to := got.header.Get("Location"); to != want || (got.code == 303) != (want != "") || want == "" && got.code != 401 {
			t.Errorf("%s: %d to %q, want %q", path, got.code, to, want)
		}
	}
	if got := s.do("POST", "/mon/ui/x", nil); got.code != 401 {
		t.Errorf("POST: %d", got.code)
	}
	if got := s.do("GET", "/mon/ui/", nil, bearer("wrong")); got.code != 401 {
		t.Errorf("a program with a wrong token: %d", got.code)
	}
	if got := s.do("GET", "/mon/ui/login", nil); got.code != 200 {
		t.Errorf("the page itself: %d", got.code)
	}
}

func TestSessionCookie(t *testing.T) {
	s := start(t, Options{Identity: &people{users: true}, RoutePrefix: "/mon"}, ok)
	s.SetExternalURL(&url.URL{Scheme: "https", Host: "mon.example.com"})
	for host, want := range map[string]string{
		"127.0.0.1:7070":  "touchline=secret; Path=/mon/; Max-Age=3600; HttpOnly; SameSite=Lax",
		"mon.example.com": "__Host-touchline=secret; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax",
	} {
		r := httptest.NewRequest("GET", "/", http.NoBody)
		r.Host = host
		ctx := context.WithValue(t.Context(), infoKey{}, &requestInfo{inner: r})
		if got := s.SessionCookie(ctx, "secret", time.Hour).String(); got != want {
			t.Errorf("%s: %s", host, got)
		}
		name, _, _ := strings.Cut(want, "=")
		cookie(name, "secret")(r)
		if got := s.sessionOf(r); got != "secret" {
			t.Errorf("%s: read back %q", host, got)
		}
		if got := s.SessionCookie(ctx, "", 0).String(); !strings.Contains(got, name+"=;") || !strings.Contains(got, "Max-Age=0") {
			t.Errorf("%s: cleared by %s", host, got)
		}
	}
	// Over TLS a cookie that a page of plain HTTP could have set does not count.
	r := httptest.NewRequest("GET", "https://mon.example.com/", http.NoBody)
	cookie("touchline", "planted")(r)
	if got := s.sessionOf(r); got != "" {
		t.Errorf("read %q", got)
	}
}
