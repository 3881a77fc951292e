package app

import (
	"html"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/identity"
	"touchline.dev/touchline/internal/identity/oidc/oidctest"
	"touchline.dev/touchline/stack"
)

// TestSignInByOIDC goes the whole way, with a real provider.
func TestSignInByOIDC(t *testing.T) {
	op := oidctest.Start(t,
		oidctest.User{Name: "anna", FirstName: "Anna", LastName: "A", Groups: []string{"staff", "platform-team"}},
		oidctest.User{Name: "bo", Groups: []string{"staff"}}, oidctest.User{Name: "eve", Groups: []string{"other"}}, oidctest.User{Name: "root"})
	dir := t.TempDir()
	secret := write(t, filepath.Join(dir, "secret"), oidctest.Secret+"\n")
	const groups = "auth_oidc_groups:\n  platform-team: admin\n  staff: viewer\n"
	file := write(t, filepath.Join(dir, "touchline.yaml"), groups)
	a := started(t, "--config.file="+file, "--auth.oidc.issuer="+op.Issuer, "--auth.oidc.client-id="+oidctest.ClientID, "--auth.oidc.client-secret-file="+secret, "--auth.oidc.name=Company")
	op.Register(a.localURL() + "/ui/login/oidc/callback")
	op.RegisterAfter(a.localURL() + "/ui/login")
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	if _, err := a.identity.CreateUser(t.Context(), identity.Actor{}, identity.User{Name: "root", Role: identity.Admin}, "a few words that do not belong together"); err != nil {
		t.Fatal(err)
	}
	// begin asks for a page, follows the button, and returns where the provider sends the browser back to.
	begin := func(b *browser, name string) string {
		t.Helper()
		b.wants("sign-in page", b.do("GET", "/ui/rules", nil, 200), `/ui/login/oidc?next=%2fui%2frules`, "Company")
		var to string
		b.http.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			to = r.URL.String()
			return http.ErrUseLastResponse
		}
		b.do("GET", "/ui/login/oidc?next=/ui/rules", nil, 303)
		b.http.CheckRedirect = nil
		back := op.SignIn(t, to, name, oidctest.Password)
		return "/ui/login/oidc/callback?" + back.RawQuery
	}
	anna := newBrowser(t, a)
	defer anna.close()
	back := begin(anna, "anna")
	// The answer is of use to nobody else.
	eve := newBrowser(t, a)
	defer eve.close()
	eve.wants("another browser", eve.do("GET", back, nil, 403), "has not begun to sign in")
	// She chose no language here, and the provider says Chinese.
	anna.wants("what she asked for", anna.do("GET", back, nil, 200), "anna", `lang="zh-CN"`, "规则")
	anna.wants("me", anna.do("GET", "/touchline/v1/me", nil, 200), `"role":"admin"`, `"display_name":"Anna A"`)
	anna.do("GET", back, nil, 403)

	bo := newBrowser(t, a)
	defer bo.close()
	bo.do("GET", begin(bo, "bo"), nil, 200)
	bo.do("GET", "/touchline/v1/users", nil, 403)
	eve.wants("no group", eve.do("GET", begin(eve, "eve"), nil, 403), "none of your groups")
	op.SetGroups("root", "platform-team")
	eve.wants("who calls themselves root", eve.do("GET", begin(eve, "root"), nil, 403), "does not prove", "touchline users bind root &#39;"+op.Issuer+" ")

	// Groups decide at each sign-in, and a reload reads them again.
	op.SetGroups("bo", "on-call")
	write(t, file, groups+"  on-call: responder\n")
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	out := regexp.MustCompile(`href="([^"]*end_session[^"]*)"`).FindStringSubmatch(bo.do("POST", "/ui/logout", nil, 200))
	if out == nil {
		t.Fatal("signing out there is not offered")
	}
	if got := op.SignOut(t, html.UnescapeString(out[1])); got != a.localURL()+"/ui/login" {
		t.Errorf("signed out there by %s, and sent back to %q", out[1], got)
	}
	bo.do("GET", begin(bo, "bo"), nil, 200)
	bo.wants("bo again", bo.do("GET", "/touchline/v1/me", nil, 200), `"role":"responder"`)
	anna.wants("audit", anna.do("GET", "/touchline/v1/audit?target=user/bo", nil, 200), `"action":"user.create"`, `"action":"user.update"`, `"method":"oidc"`)
	if err := a.identity.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	anna.wants("refused", anna.do("GET", "/touchline/v1/audit?action=sign-in.failed", nil, 200),
		`"target":"user/eve"`, `"target":"user/root"`, `"no_user":1`, `"provider":2`, `"method":"oidc"`, `"remote":"127.0.0.1"`)
	// The profile has no password to change.
	bo.wants("profile", bo.do("GET", "/ui/profile?lang=en", nil, 200), "You sign in elsewhere")
}

func TestOIDCRefusedAtStart(t *testing.T) {
	for args, want := range map[string]string{
		"--auth.oidc.issuer=http://id.example.com --auth.oidc.client-id=x":                                            "auth.oidc.issuer speaks plain HTTP",
		"--auth.oidc.issuer=https://id.example.com":                                                                   "auth.oidc.client_id is missing",
		"--auth.oidc.issuer=https://id.example.com --auth.oidc.client-id=x --auth.oidc.client-secret-file=/nowhere/x": "no such file",
	} {
		all := append(strings.Fields(args), "--storage.path="+t.TempDir(), "--stack.enabled=false")
		_, err := New(t.Context(), Options{Config: settings(t, all...), Reread: reread(t, all...), Logger: slog.New(slog.DiscardHandler), Shipped: stack.FS})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

func TestRoleOf(t *testing.T) {
	known := map[string]config.OIDCRole{"a": "viewer", "b": "editor"}
	for _, c := range []struct {
		known  map[string]config.OIDCRole
		def    string
		groups string
		want   identity.Role
		keep   bool
	}{
		{known, "none", "a b c", "editor", false}, {known, "none", "c", "", false}, {known, "responder", "c", "responder", false},
		{known, "responder", "a", "viewer", false}, {nil, "none", "a", "", true}, {nil, "viewer", "", "viewer", true},
	} {
		if role, keep := roleOf(c.known, c.def, strings.Fields(c.groups)); role != c.want || keep != c.keep {
			t.Errorf("%+v: %q %v", c, role, keep)
		}
	}
}
