package app

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"touchline.dev/touchline/internal/identity"
)

// browser keeps cookies, and follows redirects of ours.
type browser struct {
	t    *testing.T
	a    *App
	http *http.Client
}

func newBrowser(t *testing.T, a *App) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, a, &http.Client{Jar: jar}}
}

// do sends a request to a path and wants a status; form is sent as one, anything else as JSON.
func (b *browser) do(method, path string, body any, want int, edits ...func(*http.Request)) string {
	b.t.Helper()
	var r io.Reader = http.NoBody
	kind := ""
	switch v := body.(type) {
	case nil:
	case bodyText:
		r, kind = strings.NewReader(string(v.RawMessage)), "application/json"
	case url.Values:
		r, kind = strings.NewReader(v.Encode()), "application/x-www-form-urlencoded"
	default:
		raw, err := json.Marshal(v)
		if err != nil {
			b.t.Fatal(err)
		}
		r, kind = strings.NewReader(string(raw)), "application/json"
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.a.localURL()+path, r)
	if err != nil {
		b.t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for _, e := range edits {
		e(req)
	}
	resp, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if resp.StatusCode != want {
		b.t.Errorf("%s %s: %d %.300s, want %d", method, path, resp.StatusCode, raw, want)
	}
	return string(raw)
}

func (b *browser) wants(what, body string, texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		if !strings.Contains(body, text) {
			b.t.Errorf("%s has no %q:\n%.1500s", what, text, body)
		}
	}
}

func (b *browser) close() { b.http.CloseIdleConnections() }

// started is an App that serves.
func started(t *testing.T, args ...string) *App {
	t.Helper()
	a := opened(t, args...)
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestFirstAdministrator goes the way from a fresh installation to one with users.
func TestFirstAdministrator(t *testing.T) {
	a := started(t)
	const password = "a few words that do not belong together"
	anna := newBrowser(t, a)
	defer anna.close()

	// Without users everybody on this machine looks, and nobody is told to sign in.
	anna.do("GET", "/ui/", nil, 200)
	anna.wants("sign-in page", anna.do("GET", "/ui/login", nil, 200), "touchline users link")
	anna.wants("somebody without a link", anna.do("GET", "/ui/setup?token=none", nil, 403), "not valid")

	link, err := a.SetupLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path, ok := strings.CutPrefix(link, a.localURL())
	if !ok || !strings.HasPrefix(path, "/ui/setup?token=") {
		t.Fatalf("the link is %s", link)
	}
	token := strings.TrimPrefix(path, "/ui/setup?token=")
	anna.wants("the link", anna.do("GET", path, nil, 200), "Become the administrator", "touchline tokens add")
	form := url.Values{"token": {token}, "name": {"Anna"}, "display_name": {"Anna <b>"}, "password": {password}, "again": {password + "!"}}
	anna.wants("two passwords", anna.do("POST", "/ui/setup", form, 422), "differ")
	form.Set("again", "short")
	form.Set("password", "short")
	anna.wants("a short password", anna.do("POST", "/ui/setup", form, 422), "at least 12")
	form.Set("again", password)
	form.Set("password", password)
	anna.do("POST", "/ui/setup", form, 403, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	anna.wants("her first look", anna.do("POST", "/ui/setup", form, 200), `href="/ui/profile">anna</a>`, "Sign out")
	anna.do("POST", "/ui/setup", form, 403)
	if link, err := a.SetupLink(t.Context()); err != nil || link != "" {
		t.Errorf("a second link: %q %v", link, err)
	}

	// From now on others sign in, and programs send tokens.
	other := newBrowser(t, a)
	defer other.close()
	other.do("GET", "/api/v1/query?query=up", nil, 401)
	other.do("POST", "/api/v1/write", nil, 401)
	other.wants("who is not signed in", other.do("GET", "/ui/graph?g0.expr=up", nil, 200), `name="next" value="/ui/graph?g0.expr=up"`)
	other.wants("a wrong password", other.do("POST", "/ui/login", url.Values{"name": {"anna"}, "password": {"wrong"}}, 422), "User or password is wrong.")
	other.wants("in Chinese", other.do("POST", "/ui/login?lang=zh", url.Values{"name": {"anna"}, "password": {"wrong"}}, 422), "用户名或密码错误。")
	other.wants("signed in", other.do("POST", "/ui/login", url.Values{"name": {"anna"}, "password": {password}, "next": {"/ui/graph?g0.expr=up"}}, 200), "g0.expr")

	// By the native API she makes a responder and an agent.
	anna.wants("me", anna.do("GET", "/touchline/v1/me", nil, 200), `"name":"anna"`, `"method":"session"`, `"role":"admin"`)
	anna.do("POST", "/touchline/v1/users", map[string]any{"name": "bo", "role": "responder", "password": password}, 201)
	anna.do("POST", "/touchline/v1/users", map[string]any{"name": "cy", "role": "viewer"}, 403, func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") })
	var made struct {
		Secret string         `json:"secret"`
		Token  identity.Token `json:"token"`
	}
	if err := json.Unmarshal([]byte(anna.do("POST", "/touchline/v1/tokens", map[string]any{"name": "agent", "scopes": []string{"ingest"}}, 201)), &made); err != nil {
		t.Fatal(err)
	}
	agent := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+made.Secret) }
	other.do("POST", "/api/v2/alerts", []any{map[string]any{"labels": map[string]string{"alertname": "Sent"}}}, 200, agent)
	other.do("GET", "/api/v2/alerts", nil, 403, agent)
	if got := anna.do("GET", "/touchline/v1/tokens", nil, 200); strings.Contains(got, made.Secret) || !strings.Contains(got, made.Token.ID) {
		t.Errorf("tokens: %s", got)
	}

	// Bo silences, which stands in the audit log with what the silence was and is.
	bo := newBrowser(t, a)
	defer bo.close()
	bo.wants("bo", bo.do("POST", "/touchline/v1/login", map[string]string{"user": "bo", "password": password}, 200), `"name":"bo"`, `"respond"`)
	silence := map[string]any{
		"matchers": []any{map[string]any{"name": "alertname", "value": "Sent", "isRegex": false}}, "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z", "createdBy": "bo", "comment": "first comment",
	}
	var id struct{ SilenceID string }
	if err := json.Unmarshal([]byte(bo.do("POST", "/api/v2/silences", silence, 200)), &id); err != nil {
		t.Fatal(err)
	}
	silence["id"], silence["comment"] = id.SilenceID, "second comment"
	bo.do("POST", "/api/v2/silences", silence, 200)
	bo.do("POST", "/api/v2/silences", map[string]any{"comment": "no silence"}, 422)
	bo.do("DELETE", "/api/v2/silence/"+id.SilenceID, nil, 200)
	bo.do("POST", "/touchline/v1/users", map[string]any{"name": "dee", "role": "admin"}, 403)
	bo.do("GET", "/touchline/v1/sessions?user=anna", nil, 403)
	bo.do("GET", "/touchline/v1/audit", nil, 403)
	var log struct {
		Entries []identity.AuditRow `json:"entries"`
	}
	if err := json.Unmarshal([]byte(anna.do("GET", "/touchline/v1/audit?target=silence/", nil, 200)), &log); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range log.Entries {
		got = append(got, e.Actor+" "+e.Method+" "+e.Action)
	}
	if want := "bo session silence.expire,bo session silence.update,bo session silence.create"; strings.Join(got, ",") != want {
		t.Fatalf("audited %s, want %s", got, want)
	}
	update := log.Entries[1]
	if !strings.Contains(string(update.Before), "first comment") || !strings.Contains(string(update.After), "second comment") || !strings.HasPrefix(update.Remote, "127.0.0.1:") {
		t.Errorf("the update was %s, is %s, from %s", update.Before, update.After, update.Remote)
	}

	// With a password sent along he makes a token of his own, which can end itself and nothing else.
	basic := func(name, secret string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(name, secret) }
	}
	if err := json.Unmarshal([]byte(other.do("POST", "/touchline/v1/me/tokens", map[string]any{"name": "laptop", "scopes": []string{"respond"}}, 201, basic("bo", password))), &made); err != nil {
		t.Fatal(err)
	}
	kept := made.Token.ID
	if err := json.Unmarshal([]byte(bo.do("POST", "/touchline/v1/me/tokens", map[string]any{"name": "script", "scopes": []string{"viewer"}}, 201)), &made); err != nil {
		t.Fatal(err)
	}
	own := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+made.Secret) }
	other.wants("his token", other.do("GET", "/touchline/v1/me", nil, 200, own), `"name":"bo"`, `"may":["read"]`, `"token":"`+made.Token.ID+`"`)
	other.do("POST", "/touchline/v1/me/tokens", map[string]any{"name": "more", "scopes": []string{"read"}}, 403, own)
	other.do("DELETE", "/touchline/v1/me/tokens/"+kept, nil, 403, own)
	other.do("DELETE", "/touchline/v1/me/tokens/"+made.Token.ID, nil, 200, own)
	other.do("GET", "/touchline/v1/me", nil, 401, own)
	bo.wants("his tokens", bo.do("GET", "/touchline/v1/me/tokens", nil, 200), kept)
	anna.do("DELETE", "/touchline/v1/tokens/"+url.PathEscape("bo/laptop"), nil, 200)

	// Profile and password: what is signed in elsewhere is signed out.
	phone := newBrowser(t, a)
	defer phone.close()
	phone.do("POST", "/touchline/v1/login", map[string]string{"user": "bo", "password": password}, 200)
	phone.wants("phone", phone.do("GET", "/ui/profile", nil, 200), "Password until now", "responder")
	bo.wants("profile", bo.do("POST", "/ui/profile", url.Values{"display_name": {"Bo"}, "email": {"bo@example.com"}, "language": {"zh"}}, 200), "个人资料已修改。", "bo@example.com")
	bo.wants("a wrong one", bo.do("POST", "/ui/profile?lang=en", url.Values{"current": {"wrong"}, "password": {password + "2"}, "again": {password + "2"}}, 422), "until now is not right")
	bo.wants("the right one", bo.do("POST", "/ui/profile", url.Values{"current": {password}, "password": {password + "2"}, "again": {password + "2"}}, 200), "has been changed")
	bo.do("GET", "/touchline/v1/me", nil, 200)
	phone.do("GET", "/touchline/v1/me", nil, 401)
	bo.wants("signed out", bo.do("POST", "/ui/logout", nil, 200), `name="password"`)
	bo.do("GET", "/touchline/v1/me", nil, 401)

	// What was refused stands in the audit log, and nothing of what was shown does.
	other.do("GET", "/api/v1/query?query=up", nil, 401, basic("anna", "not her password"))
	other.do("GET", "/api/v1/query?query=up", nil, 401, basic("my secret phrase", "x"))
	other.do("GET", "/api/v1/query?query=up", nil, 401, func(r *http.Request) { r.Header.Set("Authorization", "Bearer tl_nothing") })
	if err := a.identity.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused := anna.do("GET", "/touchline/v1/audit?action=sign-in.failed", nil, 200)
	if err := json.Unmarshal([]byte(refused), &log); err != nil {
		t.Fatal(err)
	}
	ways := map[string]int{}
	for _, e := range log.Entries {
		var sum identity.FailedSignIns
		if err := json.Unmarshal(e.After, &sum); err != nil || e.Remote != "127.0.0.1" {
			t.Errorf("%+v %v", e, err)
		}
		ways[e.Method+" "+e.Target] += sum.Attempts
	}
	if want := map[string]int{"password user/anna": 2, "password user/bo": 1, "basic user/anna": 1, "basic ": 1, "token ": 1, "token token/bo/script": 1}; !maps.Equal(ways, want) {
		t.Errorf("refused %v, want %v", ways, want)
	}
	for _, secret := range []string{"not her", "my secret", "tl_nothing"} {
		if strings.Contains(refused, secret) {
			t.Errorf("the audit log tells of %q", secret)
		}
	}

	// The admin token goes on working, whatever becomes of the users.
	raw, err := os.ReadFile(a.tokenFile())
	if err != nil {
		t.Fatal(err)
	}
	other.wants("admin.token", other.do("GET", "/touchline/v1/me", nil, 200, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(raw))) }), `"name":"admin.token"`)
	if got := a.Report().Access; !got.Users || got.Anonymous != "auto" {
		t.Errorf("reported %+v", got)
	}
}

// TestUsersOfTheFileSignIn has a user of web.config.file beside one of ours.
func TestUsersOfTheFileSignIn(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("secret of alice"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	web := write(t, filepath.Join(t.TempDir(), "web.yml"), "basic_auth_users:\n  alice: "+string(hash)+"\n")
	a := started(t, "--web.config.file="+web)
	if link, err := a.SetupLink(t.Context()); err != nil || link != "" {
		t.Errorf("a link though there is a user: %q %v", link, err)
	}
	b := newBrowser(t, a)
	defer b.close()
	// Alone, they are asked for by the browser itself.
	b.do("GET", "/ui/", nil, 401)
	b.do("GET", "/ui/", nil, 200, func(r *http.Request) { r.SetBasicAuth("alice", "secret of alice") })
	if _, err := a.identity.CreateUser(t.Context(), identity.Actor{}, identity.User{Name: "bo", Role: identity.Viewer}, ""); err != nil {
		t.Fatal(err)
	}
	b.wants("who is not signed in", b.do("GET", "/ui/", nil, 200), `name="password"`)
	b.do("POST", "/ui/login", url.Values{"name": {"alice"}, "password": {"secret of bob"}}, 422)
	b.wants("alice", b.do("POST", "/ui/login", url.Values{"name": {"alice"}, "password": {"secret of alice"}}, 200), "alice", "Sign out")
	b.do("GET", "/touchline/v1/users", nil, 200)
	b.do("GET", "/ui/profile", nil, 403)
	// Whoever guesses is slowed down, with each request as on the page; the right password is not.
	guess := func(n int) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth("alice", fmt.Sprint("guess ", n)) }
	}
	for n := range 9 { // and one above
		b.do("GET", "/touchline/v1/me", nil, 401, guess(n))
	}
	b.do("GET", "/touchline/v1/me", nil, 429, guess(10))
	b.do("POST", "/touchline/v1/login", map[string]string{"user": "alice", "password": "guess 11"}, 429)
	b.do("GET", "/touchline/v1/me", nil, 200, func(r *http.Request) { r.SetBasicAuth("alice", "secret of alice") })
	// Who is taken out of the file is out.
	write(t, web, "basic_auth_users:\n  zoe: "+string(hash)+"\n")
	b.do("GET", "/touchline/v1/users", nil, 401)
}
