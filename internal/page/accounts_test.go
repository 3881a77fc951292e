package page

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// village is an Accounts that knows anna.
type village struct {
	viewer   Viewer
	none     bool // no users
	provider string
	err      error
	profile  Profile
	asked    []string
}

func (v *village) ask(what string) error {
	v.asked = append(v.asked, what)
	return v.err
}

func (v *village) Viewer(context.Context) Viewer            { return v.viewer }
func (v *village) HasUsers(context.Context) (bool, error)   { return !v.none, nil }
func (v *village) Profile(context.Context) (Profile, error) { return v.profile, nil }

func (v *village) SignIn(_ context.Context, name, password, _ string) (Entered, error) {
	return Entered{Cookie: &http.Cookie{Name: "touchline", Value: "secret"}, Language: "zh"}, v.ask("sign in " + name + " " + password)
}

func (v *village) Provider() string { return v.provider }

func (v *village) Leave(_ context.Context, next string) (string, *http.Cookie, error) {
	return "https://id.example.com/auth", &http.Cookie{Name: "touchline_oidc", Value: "flow"}, v.ask("leave " + next)
}

func (v *village) Return(_ context.Context, q url.Values, _ string) (Entered, string, error) {
	return Entered{Cookie: &http.Cookie{Name: "touchline", Value: "secret"}}, "//evil.example/", v.ask("return " + q.Get("code"))
}

func (v *village) SignOut(context.Context) (*http.Cookie, bool, error) {
	return &http.Cookie{Name: "touchline", MaxAge: -1}, v.provider != "", v.ask("sign out")
}

func (v *village) End(context.Context) string {
	return "https://id.example.com/end?client_id=x&y=" + hostile
}

func (v *village) Invited(_ context.Context, link string) (Invitation, error) {
	switch link {
	case "admin":
		return Invitation{}, nil
	case "bo":
		return Invitation{User: "bo" + hostile}, nil
	}
	return Invitation{}, &AccountError{Kind: "link", Err: errors.New("no link")}
}

func (v *village) Accept(_ context.Context, link string, c Choice, _ string) (Entered, error) {
	return Entered{Cookie: &http.Cookie{Name: "touchline", Value: "secret"}}, v.ask("accept " + link + " " + c.Name + " " + c.Password + " " + c.Language)
}

func (v *village) ChangeProfile(_ context.Context, p Profile) error {
	return v.ask("profile " + p.DisplayName + " " + p.Email + " " + p.Language)
}

func (v *village) ChangePassword(_ context.Context, current, password string) error {
	return v.ask("password " + current + " " + password)
}

func send(t *testing.T, h http.Handler, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAccountForms(t *testing.T) {
	signedIn := Viewer{Name: "anna" + hostile, SignedIn: true, User: true}
	refused := func(kind string) error {
		return &AccountError{Kind: kind, After: 90 * time.Second, Err: errors.New("why")}
	}
	for _, c := range []struct {
		name   string
		v      village
		path   string
		form   url.Values // nil for a GET
		code   int
		asked  string
		has    string
		to     string // Location
		cookie string
	}{
		{name: "form", path: "/ui/login?next=/ui/alerts", code: 200, has: `name="next" value="/ui/alerts"`},
		{name: "form without users", v: village{none: true}, path: "/ui/login", code: 200, has: "touchline users link"},
		{name: "form for who is in", v: village{viewer: signedIn}, path: "/ui/login?next=/ui/alerts", code: 303, to: "/mon/ui/alerts"},
		{name: "signs in", path: "/ui/login", form: url.Values{"name": {"anna"}, "password": {" p w "}, "next": {"/ui/rules?a=b"}}, code: 303, asked: "sign in anna  p w ", to: "/mon/ui/rules?a=b", cookie: "touchline=secret"},
		{name: "wrong", v: village{err: refused("wrong")}, path: "/ui/login", form: url.Values{"name": {hostile}, "password": {"geheim"}}, code: 422, asked: "sign in " + hostile + " geheim", has: "User or password is wrong."},
		{name: "too often", v: village{err: refused("wait")}, path: "/ui/login", form: url.Values{"name": {"a"}, "password": {"geheim"}}, code: 422, asked: "sign in a geheim", has: "Try again in 1 min 30 s."},
		{name: "too often, in Chinese", v: village{err: refused("wait")}, path: "/ui/login?lang=zh", form: url.Values{"name": {"a"}, "password": {"geheim"}}, code: 422, asked: "sign in a geheim", has: "后重试"},
		{name: "fails", v: village{err: errors.New("database geheim")}, path: "/ui/login", form: url.Values{"name": {"a"}, "password": {"b"}}, code: 500, asked: "sign in a b", has: "This page cannot be shown."},
		{name: "form with a provider", v: village{provider: "Company " + hostile, none: true}, path: "/ui/login?next=/ui/alerts", code: 200, has: "/mon/ui/login/oidc?next=%2fui%2falerts"},
		{name: "leaves", v: village{provider: "x"}, path: "/ui/login/oidc?next=/ui/alerts", code: 303, asked: "leave /ui/alerts", to: "https://id.example.com/auth", cookie: "touchline_oidc=flow"},
		{name: "leaves in vain", v: village{provider: "x", err: refused("provider_away")}, path: "/ui/login/oidc", code: 403, asked: "leave /ui/", has: "log says why"},
		{name: "comes back", v: village{provider: "x"}, path: "/ui/login/oidc/callback?code=c", code: 303, asked: "return c", to: "/mon/ui/", cookie: "touchline=secret"},
		{name: "comes back refused", v: village{provider: "x", err: &AccountError{Kind: "provider", Err: errors.New("denied " + hostile)}}, path: "/ui/login/oidc/callback?code=c", code: 403, asked: "return c", has: "did not succeed: denied"},
		{name: "comes back a stranger", v: village{provider: "x", err: refused("stranger")}, path: "/ui/login/oidc/callback?code=c", code: 403, asked: "return c", has: "Ask an administrator."},
		{name: "leaves for nowhere", path: "/ui/login/oidc", code: 404, has: "There is no such page."},
		{name: "signs out", v: village{viewer: signedIn}, path: "/ui/logout", form: url.Values{}, code: 303, asked: "sign out", to: "/mon/ui/login", cookie: "touchline=; Max-Age=0"},
		{name: "signs out of a provider", v: village{viewer: signedIn, provider: "x"}, path: "/ui/logout", form: url.Values{}, code: 303, asked: "sign out", to: "/mon/ui/login?out=1", cookie: "touchline=; Max-Age=0"},
		{name: "signed out of a provider", v: village{provider: "Company"}, path: "/ui/login?out=1", code: 200, has: `href="https://id.example.com/end?client_id=x&amp;y=`},
		{name: "signed out without a provider", path: "/ui/login?out=1", code: 200, has: `name="password"`},
		{name: "no link", path: "/ui/setup", code: 403, has: "touchline users link makes a new one"},
		{name: "link of an administrator", path: "/ui/setup?token=admin", code: 200, has: "touchline tokens add NAME"},
		{name: "link of a user", path: "/ui/setup?token=bo", code: 200, has: "Choose a password"},
		{name: "accepts", path: "/ui/setup", form: url.Values{"token": {"admin"}, "name": {"anna"}, "password": {"p"}, "again": {"p"}}, code: 303, asked: "accept admin anna p en", to: "/mon/ui/", cookie: "touchline=secret"},
		{name: "accepts two passwords", path: "/ui/setup", form: url.Values{"token": {"admin"}, "name": {"anna"}, "password": {"p"}, "again": {"q"}}, code: 422, has: "The two passwords differ."},
		{name: "name taken", v: village{err: refused("taken")}, path: "/ui/setup", form: url.Values{"token": {"admin"}, "name": {"anna"}, "password": {"p"}, "again": {"p"}}, code: 422, asked: "accept admin anna p en", has: "?lang=zh&amp;token=admin"},
		{name: "profile", v: village{viewer: signedIn, profile: Profile{Name: "anna", Role: "editor", DisplayName: hostile, HasPassword: true}}, path: "/ui/profile", code: 200, has: "Password until now"},
		{name: "profile without a password", v: village{viewer: signedIn}, path: "/ui/profile", code: 200, has: "You sign in elsewhere"},
		{name: "profile of nobody", path: "/ui/profile", code: 403, has: "Only users who have signed in"},
		{name: "profile changed by a token", v: village{viewer: Viewer{Name: "anna", User: true}}, path: "/ui/profile", form: url.Values{"display_name": {"x"}}, code: 403, has: "Only users who have signed in"},
		{name: "changes the profile", v: village{viewer: signedIn}, path: "/ui/profile", form: url.Values{"display_name": {"A"}, "email": {"a@b.c"}, "language": {"zh"}}, code: 200, asked: "profile A a@b.c zh", has: "个人资料已修改。", cookie: "touchline_lang=zh"},
		{name: "bad address", v: village{viewer: signedIn, err: refused("email")}, path: "/ui/profile", form: url.Values{"email": {"x"}}, code: 422, asked: "profile  x ", has: "anna@example.com"},
		{name: "changes the password", v: village{viewer: signedIn}, path: "/ui/profile", form: url.Values{"current": {"c"}, "password": {"p"}, "again": {"p"}}, code: 200, asked: "password c p", has: "has been changed"},
		{name: "changes to two passwords", v: village{viewer: signedIn}, path: "/ui/profile", form: url.Values{"current": {"c"}, "password": {"p"}, "again": {"q"}}, code: 422, has: "differ"},
		{name: "wrong until now", v: village{viewer: signedIn, err: refused("current")}, path: "/ui/profile", form: url.Values{"current": {"c"}, "password": {"p"}, "again": {"p"}}, code: 422, asked: "password c p", has: "until now is not right"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := c.v
			p := newPage(t, newAnswers(), func(o *Options) { o.Accounts, o.RoutePrefix = &v, "/mon" })
			var w *httptest.ResponseRecorder
			if c.form == nil {
				w = get(t, p.Handler(), c.path)
			} else {
				w = send(t, p.Handler(), c.path, c.form)
			}
			body := w.Body.String()
			if w.Code != c.code || !strings.Contains(body, c.has) || w.Header().Get("Location") != c.to {
				t.Errorf("%d to %q, want %d to %q with %q:\n%s", w.Code, w.Header().Get("Location"), c.code, c.to, c.has, body)
			}
			if got := strings.Join(v.asked, "; "); got != c.asked {
				t.Errorf("asked %q, want %q", got, c.asked)
			}
			if cookies := strings.Join(w.Header().Values("Set-Cookie"), "; "); !strings.Contains(cookies, c.cookie) || c.cookie == "" && strings.Contains(cookies, "secret") {
				t.Errorf("cookies %q", cookies)
			}
			if strings.Contains(body, "geheim") || strings.Contains(body, "<script>alert") || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("unsafe answer: %s", body)
			}
		})
	}
}

func TestDestination(t *testing.T) {
	for next, want := range map[string]string{
		"": "/ui/", "/": "/", "/ui/alerts?x=1&y=%2F": "/ui/alerts?x=1&y=%2F", "/ui/runbooks/": "/ui/runbooks/", "/graph?g0.expr=a b": "/graph?g0.expr=a b",
		"https://evil.example/": "/ui/", "//evil.example/": "/ui/", `/\evil.example`: "/ui/", "/%5cevil.example": "/ui/", "javascript:alert(1)": "/ui/",
		"/ui/login?next=/ui/login": "/ui/", "/ui/../..//evil.example": "/evil.example", "/ui/setup?token=x": "/ui/", "evil": "/ui/", "/%00": "/ui/", "/.//evil.example": "/evil.example",
	} {
		if got := destination(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

func FuzzDestination(f *testing.F) {
	f.Add("/ui/")
	f.Add("//x")
	f.Add("/%2f%2fx")
	f.Fuzz(func(t *testing.T, next string) {
		to := destination(next)
		u, err := url.Parse(to)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, "/\\") {
			t.Errorf("%q leads to %q", next, to)
		}
	})
}

// TestAccountTexts translates what a page may say.
func TestAccountTexts(t *testing.T) {
	for kind, text := range accountTexts {
		if _, ok := chinese[text]; !ok {
			t.Errorf("%s: %q has no translation", kind, text)
		}
	}
}

// TestWithoutAccounts has no forms, and nobody to sign out.
func TestWithoutAccounts(t *testing.T) {
	p := newPage(t, newAnswers(), nil)
	if w := get(t, p.Handler(), "/ui/login"); w.Code != 404 {
		t.Errorf("%d", w.Code)
	}
	if body := get(t, p.Handler(), "/ui/").Body.String(); strings.Contains(body, "/ui/logout") {
		t.Error("a button to sign out")
	}
}
