package oidc_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"touchline.dev/touchline/internal/identity/oidc"
	"touchline.dev/touchline/internal/identity/oidc/oidctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const back = "http://127.0.0.1:7070/ui/login/oidc/callback"

// options are those of a provider that works, and a client that leaves nothing open.
func options(t *testing.T, issuer string) oidc.Options {
	t.Helper()
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return oidc.Options{
		Issuer: issuer, ClientID: oidctest.ClientID, Secret: func() (string, error) { return oidctest.Secret, nil }, RedirectURL: back,
		Scopes: []string{"openid", "profile", "email"}, NameClaim: "preferred_username", GroupsClaim: "groups", Client: &http.Client{Transport: tr, Timeout: oidc.Timeout},
	}
}

func open(t *testing.T, o oidc.Options) *oidc.Provider {
	t.Helper()
	p, err := oidc.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSignIn(t *testing.T) {
	op := oidctest.Start(t, oidctest.User{Name: "anna", FirstName: "Anna", LastName: "Å", Email: "anna@example.com", Verified: true, Groups: []string{"ops", "dev"}},
		oidctest.User{Name: "bo", Email: "bo@example.com"})
	op.Register(back)
	p := open(t, options(t, op.Issuer))
	to, cookie, err := p.Begin(t.Context(), "/ui/alerts")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("state") == "" || q.Get("nonce") == "" || q.Get("redirect_uri") != back || q.Get("scope") != "openid profile email" || strings.Contains(to, oidctest.Secret) {
		t.Errorf("the browser is sent to %s", to)
	}
	query := op.SignIn(t, to, "anna", oidctest.Password).Query()
	got, err := p.Finish(t.Context(), cookie, query)
	want := oidc.Person{Subject: op.Issuer + " subject-0", Name: "anna", DisplayName: "Anna Å", Email: "anna@example.com", Language: "zh", Groups: []string{"ops", "dev"}, Next: "/ui/alerts"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	// A code is good for once.
	if _, err := p.Finish(t.Context(), cookie, query); err == nil {
		t.Error("the code was taken twice")
	}
	// An address that is not verified is nobody's.
	to, cookie, err = p.Begin(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Finish(t.Context(), cookie, op.SignIn(t, to, "bo", oidctest.Password).Query()); err != nil || got.Email != "" || len(got.Groups) != 0 {
		t.Errorf("%+v %v", got, err)
	}
}

// TestEnd signs out at the provider.
func TestEnd(t *testing.T) {
	op := oidctest.Start(t, oidctest.User{Name: "anna"})
	op.Register(back)
	const after = "http://127.0.0.1:7070/ui/login"
	op.RegisterAfter(after)
	to, err := open(t, options(t, op.Issuer)).End(t.Context(), after)
	if err != nil || !strings.HasPrefix(to, op.Issuer+"/") {
		t.Fatalf("%q %v", to, err)
	}
	if got := op.SignOut(t, to); got != after {
		t.Errorf("sent back to %q by %s", got, to)
	}
	for endpoint, want := range map[string]string{"": "", "https://id.example.com/end?a=b": "https://id.example.com/end?a=b&client_id=touchline&post_logout_redirect_uri=" + url.QueryEscape(after), "javascript:alert(1)": "", "http://id.example.com/end": ""} {
		var srv *httptest.Server
		srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": srv.URL, "authorization_endpoint": srv.URL + "/a", "token_endpoint": srv.URL + "/t", "jwks_uri": srv.URL + "/k", "end_session_endpoint": endpoint})
		}))
		got, err := open(t, options(t, srv.URL)).End(t.Context(), after)
		if got != want || (err != nil) != (want == "" && endpoint != "") {
			t.Errorf("%q: %q %v", endpoint, got, err)
		}
		srv.Close()
	}
}

// TestForgedAnswers changes what comes back from the provider, and what the browser has kept.
func TestForgedAnswers(t *testing.T) {
	op := oidctest.Start(t, oidctest.User{Name: "anna"})
	op.Register(back)
	now := time.Now()
	o := options(t, op.Issuer)
	o.Now = func() time.Time { return now }
	p := open(t, o)
	edit := func(cookie, key string, value any) string {
		raw, err := base64.RawURLEncoding.DecodeString(cookie)
		if err != nil {
			t.Fatal(err)
		}
		f := map[string]any{}
		if err := json.Unmarshal(raw, &f); err != nil {
			t.Fatal(err)
		}
		f[key] = value
		if raw, err = json.Marshal(f); err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	for name, c := range map[string]struct {
		forge func(cookie string, q url.Values) string
		after time.Duration
		want  string
	}{
		"no cookie":        {func(string, url.Values) string { return "" }, 0, "has not begun"},
		"nonsense":         {func(string, url.Values) string { return "%%" }, 0, "has not begun"},
		"half a cookie":    {func(c string, _ url.Values) string { return edit(c, "v", "") }, 0, "has not begun"},
		"another's state":  {func(c string, q url.Values) string { q.Set("state", "x"); return c }, 0, "another sign-in"},
		"no state":         {func(c string, q url.Values) string { q.Del("state"); return c }, 0, "another sign-in"},
		"another's nonce":  {func(c string, _ url.Values) string { return edit(c, "n", "x") }, 0, "another sign-in"},
		"another verifier": {func(c string, _ url.Values) string { return edit(c, "v", strings.Repeat("x", 43)) }, 0, "sign in again"},
		"no code":          {func(c string, q url.Values) string { q.Del("code"); return c }, 0, "no code"},
		"another code":     {func(c string, q url.Values) string { q.Set("code", "x"); return c }, 0, ""},
		"refused":          {func(c string, q url.Values) string { q.Set("error", "access_denied\n<b>"); return c }, 0, "the provider refuses: access_denied <b>"},
		"too late":         {func(c string, _ url.Values) string { return c }, 11 * time.Minute, "took longer"},
	} {
		t.Run(name, func(t *testing.T) {
			now = time.Now()
			to, cookie, err := p.Begin(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			q := op.SignIn(t, to, "anna", oidctest.Password).Query()
			cookie = c.forge(cookie, q)
			now = now.Add(c.after)
			got, err := p.Finish(t.Context(), cookie, q)
			if err == nil || !strings.Contains(err.Error(), c.want) || got.Subject != "" {
				t.Errorf("%+v, %v; want %q", got, err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), oidctest.Secret) {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

func TestProviderFails(t *testing.T) {
	op := oidctest.Start(t, oidctest.User{Name: "anna"})
	op.Register(back)
	o := options(t, op.Issuer)
	secret, serr := "wrong", error(nil)
	o.Secret = func() (string, error) { return secret, serr }
	p := open(t, o)
	to, cookie, err := p.Begin(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Finish(t.Context(), cookie, op.SignIn(t, to, "anna", oidctest.Password).Query())
	var r *oidc.Refusal
	if err == nil || errors.As(err, &r) || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong secret: %v", err)
	}
	serr = errors.New("file away")
	if _, _, err := p.Begin(t.Context(), ""); !errors.Is(err, serr) {
		t.Errorf("no secret: %v", err)
	}

	// What is not there is asked again at the next attempt.
	up := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !up {
			http.Error(w, "away", http.StatusBadGateway)
			return
		}
		http.NotFound(w, r)
	}))
	defer srv.Close()
	p = open(t, options(t, srv.URL))
	if _, _, err := p.Begin(t.Context(), ""); err == nil || !strings.Contains(err.Error(), srv.URL) {
		t.Errorf("a provider that is away: %v", err)
	}
	up = true
	if _, _, err := p.Begin(t.Context(), ""); err == nil || strings.Contains(err.Error(), "502") {
		t.Errorf("it was not asked again: %v", err)
	}
	// One that says that it is another is refused.
	o = options(t, strings.Replace(op.Issuer, "127.0.0.1", "localhost", 1))
	if _, _, err := open(t, o).Begin(t.Context(), ""); err == nil {
		t.Error("another issuer was taken")
	}
}

func TestOptionsRefused(t *testing.T) {
	for issuer, want := range map[string]string{"": "not a URL", "id.example.com": "not a URL", "ftp://id.example.com": "not a URL", "http://id.example.com": "https://"} {
		o := options(t, issuer)
		if _, err := oidc.New(o); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "auth.oidc.issuer") {
			t.Errorf("%q: %v", issuer, err)
		}
	}
	o := options(t, "https://id.example.com")
	o.ClientID = ""
	if _, err := oidc.New(o); err == nil || !strings.Contains(err.Error(), "auth.oidc.client_id") {
		t.Errorf("%v", err)
	}
}

// FuzzFinish gives cookies and answers that nobody has made; no provider is asked.
func FuzzFinish(f *testing.F) {
	p, err := oidc.New(oidc.Options{Issuer: "https://id.invalid", ClientID: "x", RedirectURL: back, NameClaim: "sub", Client: &http.Client{Transport: nowhere{}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("", "state=x&code=y")
	f.Add(base64.RawURLEncoding.EncodeToString([]byte(`{"s":"a","n":"b","v":"c","t":"/","u":99999999999}`)), "state=a&code=y")
	f.Fuzz(func(t *testing.T, cookie, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		if got, err := p.Finish(t.Context(), cookie, q); err == nil {
			t.Errorf("%q, %q: %+v", cookie, query, got)
		}
	})
}

// nowhere reaches nobody.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("unreachable")
}
