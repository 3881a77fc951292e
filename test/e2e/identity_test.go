//go:build e2e

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"touchline.dev/touchline/internal/state/statetest"
)

func TestMain(m *testing.M) { os.Exit(statetest.All(m)) }

// TestTwoServersOnOnePostgreSQL has two servers share users and tokens, of which
// one is killed.
func TestTwoServersOnOnePostgreSQL(t *testing.T) {
	t.Setenv("TOUCHLINE_STATE_URL", statetest.PostgresURL(t))
	first, second := launch(t, t.TempDir()), launch(t, t.TempDir())
	if strings.Contains(first.out.String(), "TOUCHLINE_STATE_URL") {
		t.Errorf("the variable is not known:\n%s", first.out)
	}
	if got := must(t, "status", "--url="+first.url); !strings.Contains(got, "users and incidents in PostgreSQL") {
		t.Errorf("status:\n%s", got)
	}
	admin := []string{"--url=" + first.url, "--token-file=" + filepath.Join(first.dir, "admin.token")}
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("seven green chairs on a roof"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, append([]string{"users", "add", "anna", "--role=admin", "--password-file=" + file}, admin...)...)
	out := strings.Fields(must(t, append([]string{"tokens", "add", "agent"}, admin...)...))
	agent := out[len(out)-1]
	write := func(p *process) int {
		header := map[string]string{"Authorization": "Bearer " + agent}
		for k, v := range remoteWriteHeader {
			header[k] = v
		}
		code, _ := p.do(http.MethodPost, "/api/v1/write", "application/x-protobuf", remoteWrite("x", 1, time.Now()), header)
		return code
	}
	for _, p := range []*process{first, second} {
		if code := write(p); code/100 != 2 {
			t.Errorf("%s: the agent writes: %d", p.url, code)
		}
		// That there are users now is known everywhere within moments.
		p.until(10*time.Second, "the end of anonymous access", func() bool { code, _ := p.get("/api/v1/query?query=x"); return code == http.StatusUnauthorized })
	}
	first.kill()
	must(t, "tokens", "revoke", "agent", "--url="+second.url, "--token-file="+filepath.Join(second.dir, "admin.token"))
	if code := write(second); code != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", code)
	}
	again := launch(t, first.dir)
	if code := write(again); code != http.StatusUnauthorized {
		t.Errorf("a revoked token at the other server: %d", code)
	}
	again.stop()
	second.stop()
}

// TestUsersAndTokens goes from a fresh server to one with users, by its commands
// and its pages, through a restart, a backup and a restore.
func TestUsersAndTokens(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := launch(t, dir, "--auth.print-setup-link")
	const password = "seven green chairs on a roof"
	_, link, ok := strings.Cut(p.out.String(), "First administrator")
	if !ok {
		t.Fatalf("no link was printed:\n%s", p.out)
	}
	link = strings.Fields(link[strings.Index(link, "http"):])[0]
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	// page gives the body of what the browser is shown.
	page := func(resp *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s\n%s", resp.Request.URL.Path, resp.Status, raw)
		}
		return string(raw)
	}
	at, token, _ := strings.Cut(link, "?token=")
	page(browser.PostForm(at, url.Values{"token": {token}, "name": {"anna"}, "password": {password}, "again": {password}}))
	if got := page(browser.Get(p.url + "/touchline/v1/me")); !strings.Contains(got, `"anna"`) {
		t.Errorf("after the link the browser is signed in as %s", got)
	}
	if got := page(browser.Get(p.url + "/ui/profile")); !strings.Contains(got, "Sign out") {
		t.Errorf("her page has no \"Sign out\":\n%s", got)
	}
	if code, _ := p.do(http.MethodPost, "/api/v1/write", "application/x-protobuf", remoteWrite("x", 1, time.Now()), remoteWriteHeader); code != http.StatusUnauthorized {
		t.Errorf("somebody without a token writes: %d", code)
	}

	// By its commands, with the token that it wrote at its first start.
	admin := []string{"--url=" + p.url, "--token-file=" + filepath.Join(dir, "admin.token")}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(binary(t), append(args, admin...)...)
		var errs strings.Builder
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("touchline %v: %v\n%s%s", args, err, out, errs.String())
		}
		return string(out)
	}
	// By a login of her own, which the commands after it find by themselves.
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "login", "--url="+p.url, "--user=anna", "--password-file="+secret)
	if got := must(t, "tokens", "list"); !strings.Contains(got, "anna/cli-") {
		t.Errorf("the token of the login is not listed:\n%s", got)
	}
	if got := must(t, "logout"); !strings.Contains(got, "the token is revoked") {
		t.Errorf("logged out: %s", got)
	}
	if got := run("audit", "--target=token/", "--actor=anna"); !strings.Contains(got, "token.create") || !strings.Contains(got, "token.revoke") {
		t.Errorf("the audit log has not what she did:\n%s", got)
	}
	file := filepath.Join(t.TempDir(), "agent.token")
	run("tokens", "add", "agent", "--scope=ingest", "--file="+file)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	agent := strings.TrimSpace(string(raw))
	as := func(token, method, path string, body []byte) int {
		header := map[string]string{"Authorization": "Bearer " + token}
		for k, v := range remoteWriteHeader {
			header[k] = v
		}
		code, _ := p.do(method, path, "application/x-protobuf", body, header)
		return code
	}
	if code := as(agent, http.MethodPost, "/api/v1/write", remoteWrite("kept", 1, time.Now())); code/100 != 2 {
		t.Errorf("the agent writes: %d", code)
	}
	if code := as(agent, http.MethodGet, "/api/v1/query?query=kept", nil); code != http.StatusForbidden {
		t.Errorf("the agent reads: %d", code)
	}
	fresh := strings.TrimSpace(run("tokens", "rotate", "agent", "--overlap=1h"))
	for _, token := range []string{agent, fresh} {
		if code := as(token, http.MethodPost, "/api/v1/write", remoteWrite("kept", 2, time.Now())); code/100 != 2 {
			t.Errorf("while both are valid: %d", code)
		}
	}
	if got := run("users", "add", "bo", "--role=responder"); !strings.Contains(got, "/ui/setup?token=") {
		t.Errorf("bo is invited by %q", got)
	}
	code, out := tl(t, append([]string{"users", "disable", "anna"}, admin...)...)
	if code == 0 || !strings.Contains(out, "last administrator") {
		t.Errorf("the last administrator: exit %d %s", code, out)
	}
	for _, want := range []string{"token.rotate", "user.create", "link.use"} {
		if got := run("audit"); !strings.Contains(got, want) {
			t.Errorf("the audit log has no %s:\n%s", want, got)
		}
	}
	if strings.Contains(p.out.String(), agent) || strings.Contains(p.out.String(), password) {
		t.Error("a secret was printed")
	}

	// A backup while it runs, and one of the stopped server.
	archive := filepath.Join(t.TempDir(), "running.zst")
	run("backup", archive)
	p.kill()
	stopped := filepath.Join(t.TempDir(), "stopped.zst")
	must(t, "backup", stopped, "--storage.path="+dir)
	for _, a := range []string{archive, stopped} {
		restored := filepath.Join(t.TempDir(), "restored")
		must(t, "restore", a, "--storage.path="+restored)
		q := launch(t, restored)
		for _, token := range []string{agent, fresh} {
			q.token = token
			if code, body := q.do(http.MethodPost, "/api/v1/write", "application/x-protobuf", remoteWrite("kept", 3, time.Now()), map[string]string{
				"Authorization": "Bearer " + token, "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0",
			}); code/100 != 2 {
				t.Errorf("%s: a token after the restore: %d %s", a, code, body)
			}
		}
		login, err := json.Marshal(map[string]string{"user": "anna", "password": password})
		if err != nil {
			t.Fatal(err)
		}
		if code, body := q.do(http.MethodPost, "/touchline/v1/login", "application/json", login, nil); code != http.StatusOK {
			t.Errorf("%s: anna after the restore: %d %s", a, code, body)
		}
		if got := must(t, "users", "list", "--url="+q.url, "--token-file="+filepath.Join(restored, "admin.token")); !strings.Contains(got, "bo ") || !strings.Contains(got, "invited") {
			t.Errorf("%s: users after the restore:\n%s", a, got)
		}
		q.stop()
	}
}
