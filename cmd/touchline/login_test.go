package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// TestMain keeps the logins of whoever runs the tests out of them.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "touchline-config-")
	if err == nil {
		err = os.Setenv("XDG_CONFIG_HOME", dir)
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// tokenServer answers as a server with the user anna does, and keeps her tokens.
type tokenServer struct {
	t  *testing.T
	mu sync.Mutex

	tokens map[string]string // id by secret
	asked  []string
	down   bool // whether it fails to revoke
}

const annasPassword = "seven green chairs on a roof"

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	answer := func(code int, v any) {
		w.Header().Set("Content-Type", "application/json")
		if code/100 != 2 {
			w.Header().Set("Content-Type", "application/problem+json")
		}
		w.WriteHeader(code)
		if err := json.NewEncoder(w).Encode(v); err != nil {
			s.t.Error(err)
		}
	}
	user, password, basic := r.BasicAuth()
	secret, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	id := s.tokens[secret]
	if basic && (user != "anna" || password != annasPassword) || bearer && id == "" || !basic && !bearer {
		answer(401, map[string]string{"detail": "that is not right"})
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/mon")
	switch {
	case r.Method == "GET" && path == mePath && id == "AGENT":
		answer(200, map[string]any{"name": "agent", "token": id})
	case r.Method == "GET" && path == mePath:
		answer(200, map[string]any{"name": "anna", "token": id, "user": map[string]any{"name": "anna", "role": "editor"}})
	case r.Method == "GET" && path == myTokensPath:
		answer(200, map[string]any{"tokens": []any{map[string]any{"id": id, "expires_at": "2031-01-01T00:00:00Z"}}})
	case r.Method == "POST" && path == myTokensPath && basic:
		var body struct {
			Name   string
			Scopes []string
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || !strings.HasPrefix(body.Name, "cli-") || len(body.Name) > 64 || fmt.Sprint(body.Scopes) != "[editor]" {
			s.t.Errorf("asked for %+v, %v", body, err)
		}
		secret = fmt.Sprint("tl_made-", len(s.tokens))
		s.tokens[secret] = fmt.Sprint("ID", len(s.tokens))
		answer(201, map[string]any{"secret": secret, "token": map[string]any{"id": s.tokens[secret], "name": "anna/" + body.Name, "expires_at": "2030-01-01T00:00:00Z"}})
	case r.Method == "DELETE" && path == myTokensPath+"/"+id && s.down:
		answer(500, map[string]string{"detail": "the database is away"})
	case r.Method == "DELETE" && path == myTokensPath+"/"+id:
		delete(s.tokens, secret)
		answer(200, map[string]any{"tokens": []any{}})
	case r.Method == "GET" && path == usersPath:
		answer(403, map[string]string{"detail": "anna has no admin access"})
	default:
		answer(418, map[string]string{"detail": r.Method + " " + path})
	}
}

// last is what was asked last.
func (s *tokenServer) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.asked) == 0 {
		return "nothing"
	}
	return s.asked[len(s.asked)-1]
}

func (s *tokenServer) valid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tokens)
}

// person is somebody with a folder for configuration of their own.
type person struct {
	t    *testing.T
	file string // of logins
}

func newPerson(t *testing.T) *person {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("TOUCHLINE_URL", "")
	t.Setenv("TOUCHLINE_TOKEN_FILE", "")
	t.Chdir(t.TempDir())
	return &person{t, filepath.Join(dir, "touchline", "logins.json")}
}

// does runs a command, and wants its exit code and something that it prints.
func (p *person) does(cmd *cobra.Command, input string, code int, want string, args ...string) {
	p.t.Helper()
	cmd.SetIn(strings.NewReader(input))
	out, errs, got := runCommand(p.t, cmd, args...)
	if got != code || !strings.Contains(out+errs, want) {
		p.t.Errorf("%s %q: code %d, stdout %q, stderr %q; want %d with %q", cmd.Name(), args, got, out, errs, code, want)
	}
	if strings.Contains(out+errs, "tl_") || strings.Contains(out+errs, annasPassword) {
		p.t.Errorf("%s %q prints a secret: %q %q", cmd.Name(), args, out, errs)
	}
}

func (p *person) logins() string {
	raw, err := os.ReadFile(p.file)
	if err != nil {
		return ""
	}
	return string(raw)
}

func TestLogin(t *testing.T) {
	s := &tokenServer{t: t, tokens: map[string]string{}}
	at := answerWith(t, s.ServeHTTP) + "/mon"
	p := newPerson(t)
	byPassword := []string{"--user=anna", "--password-file=-", "--url", at + "/"}

	p.does(newLoginCommand(), "wrong password\n", exitUsage, "that is not right", byPassword...)
	p.does(newLoginCommand(), "", exitUsage, "there is no terminal to ask who logs in", "--url", at)
	p.does(newLoginCommand(), "x", exitUsage, "a login ends", append(byPassword, "--expires=never")...)
	if p.logins() != "" {
		t.Errorf("kept %s", p.logins())
	}
	p.does(newLoginCommand(), annasPassword+"\n", 0, "Logged in at "+at+" as anna until 20", byPassword...)
	fi, err := os.Stat(p.file)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", fi, err)
	}
	if di, err := os.Stat(filepath.Dir(p.file)); err != nil || di.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", di, err)
	}
	if strings.Contains(p.logins(), annasPassword) || !strings.Contains(p.logins(), "tl_made-0") {
		t.Errorf("kept %s", p.logins())
	}
	// Other commands find server and token, and say whose login is refused.
	p.does(newUsersCommand(), "", exitUsage, "anna has no admin access; you are logged in as anna", "list")
	p.does(newUsersCommand(), "", exitUsage, "asks for a token", "list", "--url", at, "--token-file=")
	// Nobody else is shown the token.
	other := &tokenServer{t: t, tokens: map[string]string{}}
	elsewhere := answerWith(t, other.ServeHTTP)
	p.does(newUsersCommand(), "", exitUsage, "asks for a token", "list", "--url", elsewhere)
	p.does(newUsersCommand(), "", exitUsage, "asks for a token", "list", "--url", strings.TrimSuffix(at, "/mon"))

	// Logging in again ends the token of the login before.
	p.does(newLoginCommand(), annasPassword+"\n", 0, "as anna", byPassword...)
	if s.valid() != 1 || strings.Contains(p.logins(), "tl_made-0") {
		t.Errorf("%d tokens are valid, kept %s", s.valid(), p.logins())
	}
	s.down = true
	p.does(newLogoutCommand(), "", exitUsage, "--forget forgets the token")
	if p.logins() == "" {
		t.Error("a token that is still valid was forgotten")
	}
	s.down = false
	p.does(newLogoutCommand(), "", 0, "the token is revoked")
	if s.valid() != 0 || p.logins() != "" {
		t.Errorf("%d tokens are valid, kept %q", s.valid(), p.logins())
	}
	p.does(newLogoutCommand(), "", exitUsage, "there is no login at", "--url", at)
}

func TestLoginByToken(t *testing.T) {
	s := &tokenServer{t: t, tokens: map[string]string{"tl_own": "OWN", "tl_agent": "AGENT"}}
	at := answerWith(t, s.ServeHTTP)
	p := newPerson(t)
	p.does(newLoginCommand(), "", exitUsage, "does not hold a token", "--url", at, "--token-stdin")
	p.does(newLoginCommand(), "other", exitUsage, "that is not right", "--url", at, "--token-stdin")
	p.does(newLoginCommand(), "tl_own\n", 0, "as anna until 20", "--url", at, "--token-stdin")
	// One that an administrator has revoked is gone here, too.
	s.mu.Lock()
	delete(s.tokens, "tl_own")
	s.mu.Unlock()
	p.does(newUsersCommand(), "", exitUsage, "sign in again with \"touchline login --url="+at+"\"", "list")
	p.does(newLogoutCommand(), "", 0, "no longer valid")
	// An agent's is not for its bearer to end.
	p.does(newLoginCommand(), "tl_agent\n", 0, "as agent;", "--url", at, "--token-stdin")
	p.does(newLogoutCommand(), "", 0, "stays valid until an administrator revokes it")
	if s.last() == "DELETE "+myTokensPath+"/AGENT" || s.valid() != 1 {
		t.Errorf("asked %s, %d valid", s.last(), s.valid())
	}
	p.does(newLoginCommand(), "tl_agent\n", 0, "as agent", "--url", at, "--token-stdin")
	p.does(newLogoutCommand(), "", 0, "forgotten here", "--forget")
}

// TestLoginAmongOtherWays holds which server and which token come first.
func TestLoginAmongOtherWays(t *testing.T) {
	s := &tokenServer{t: t, tokens: map[string]string{"tl_own": "OWN", "s3cret-of-data": "ADMIN", "given": "GIVEN"}}
	at := answerWith(t, s.ServeHTTP)
	var mu sync.Mutex
	shown := ""
	local := answerWith(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		shown = r.Header.Get("Authorization")
		_, _ = w.Write([]byte(`{"name":"anna","token":"X","user":{"name":"anna","role":"viewer"},"users":[],"tokens":[]}`))
	})
	p := newPerson(t)
	p.does(newLoginCommand(), "tl_own\n", 0, "as anna", "--url", at, "--token-stdin")
	given := filepath.Join(t.TempDir(), "given")
	if err := os.WriteFile(given, []byte("given\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A server of this folder comes before the one of the login, and has its own token.
	serverFolder(t, "data", local)
	want := func(token string, args ...string) {
		t.Helper()
		mu.Lock()
		shown = "nothing"
		mu.Unlock()
		runCommand(t, newUsersCommand(), append([]string{"list"}, args...)...)
		mu.Lock()
		defer mu.Unlock()
		if shown != token {
			t.Errorf("%q shows %q, want %q", args, shown, token)
		}
	}
	want("Bearer s3cret-of-data")
	// Whoever has logged in there is who they say, unless the folder or a file is named.
	p.does(newLoginCommand(), "tl_here\n", 0, "as anna", "--url", local, "--token-stdin")
	want("Bearer tl_here")
	want("Bearer s3cret-of-data", "--storage.path=data")
	want("Bearer given", "--token-file", given)
	want("", "--token-file=")
	// Somebody else's file is not believed.
	if err := os.Chmod(p.file, 0o640); err != nil {
		t.Fatal(err)
	}
	p.does(newUsersCommand(), "", exitUsage, "can be read by others", "list")
	if err := os.WriteFile(p.file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(p.file, 0o600); err != nil {
		t.Fatal(err)
	}
	p.does(newUsersCommand(), "", exitUsage, "is damaged", "list")
}

// TestLoginsOfSeveralServers takes away the one that is meant.
func TestLoginsOfSeveralServers(t *testing.T) {
	newPerson(t)
	servers := map[string]*url.URL{}
	for _, name := range []string{"a", "b", "c"} {
		l, err := readLogins()
		if err != nil {
			t.Fatal(err)
		}
		if servers[name], err = parseAddress("https://" + name + ".example.com/mon/"); err != nil {
			t.Fatal(err)
		}
		if err := l.set(servers[name], login{User: name, Token: "token of " + name}); err != nil {
			t.Fatal(err)
		}
	}
	l, err := readLogins()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.remove(servers["a"]); err != nil {
		t.Fatal(err)
	}
	if l, err = readLogins(); err != nil || len(l.Logins) != 2 || l.Current != servers["c"].String() || l.at(servers["a"]) != nil {
		t.Fatalf("%+v %v", l, err)
	}
	for _, name := range []string{"b", "c"} {
		if got := l.at(servers[name]); got == nil || got.User != name {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if err := l.remove(servers["c"]); err != nil || l.Current != "" || len(l.Logins) != 1 {
		t.Errorf("%+v %v", l, err)
	}
}

// TestLoginsAtOnce: commands that log in at the same time lose none of each other's.
func TestLoginsAtOnce(t *testing.T) {
	newPerson(t)
	var wg sync.WaitGroup
	const n = 20
	for i := range n {
		base, err := parseAddress(fmt.Sprintf("https://server-%d.example.com", i))
		if err != nil {
			t.Fatal(err)
		}
		l, err := readLogins()
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if err := l.set(base, login{User: "anna", Token: "t"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	l, err := readLogins()
	if err != nil || len(l.Logins) != n {
		t.Fatalf("%d of %d logins are there: %v", len(l.Logins), n, err)
	}
}

// TestLoginsHeld: a command that hangs while it holds the logins does not make others hang.
func TestLoginsHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	holder := open()
	if err := waitForLock(holder, 0); err != nil {
		t.Fatal(err)
	}
	if err := waitForLock(open(), 30*time.Millisecond); err == nil || !strings.Contains(err.Error(), "another command has held") {
		t.Errorf("held: %v", err)
	}
	if err := holder.Close(); err != nil {
		t.Fatal(err)
	}
	if err := waitForLock(open(), 0); err != nil {
		t.Error(err)
	}
}
