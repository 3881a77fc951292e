package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"
)

// serverFolder makes a data folder as a server at an address leaves it, below the working directory.
func serverFolder(t *testing.T, name, at string) {
	t.Helper()
	if err := os.MkdirAll(name, 0o750); err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(at, "http://")
	for file, text := range map[string]string{
		"endpoints.json": `{"url":"` + at + `","external_url":"http://db-1.example.com:1","listeners":[{"name":"web","address":"` + host + `"}],"pid":1}`,
		"admin.token":    "s3cret-of-" + filepath.Base(name) + "\n",
	} {
		if err := os.WriteFile(filepath.Join(name, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCommandsFindTheServerOfTheFolder holds that every command that talks to a
// server finds the one that was started here, whatever port it was given, and
// shows it its own token.
func TestCommandsFindTheServerOfTheFolder(t *testing.T) {
	var mu sync.Mutex
	var asked, token string
	at := answerWith(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked, token = r.URL.Path, r.Header.Get("Authorization")
		w.WriteHeader(http.StatusTeapot)
	})
	t.Chdir(t.TempDir())
	serverFolder(t, "data", at)
	serverFolder(t, "d4", at)
	if err := os.WriteFile("rules.yml", []byte("groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	port := at[strings.LastIndex(at, ":"):]
	for _, c := range []struct {
		name    string
		command *cobra.Command
		args    []string
		token   string
	}{
		{"status", newStatusCommand(), nil, "Bearer s3cret-of-data"},
		{"top", newTopCommand(), []string{"--once"}, "Bearer s3cret-of-data"},
		{"backup", newBackupCommand(), []string{"b.tar.zst"}, "Bearer s3cret-of-data"},
		{"backtest", newBacktestCommand(), []string{"--after=rules.yml"}, "Bearer s3cret-of-data"},
		{"another folder", newStatusCommand(), []string{"--storage.path=d4"}, "Bearer s3cret-of-d4"},
		{"the same address by its other name", newStatusCommand(), []string{"--url=http://localhost" + port}, "Bearer s3cret-of-data"},
	} {
		asked, token = "", ""
		_, errs, code := runCommand(t, c.command, c.args...)
		if code == 0 || asked == "" || token != c.token {
			t.Errorf("%s: exit code %d, asked for %q with %q; %s", c.name, code, asked, token, errs)
		}
	}
}

// TestTokenIsForItsOwnServer holds that the token that was found in this folder is shown to no other server.
func TestTokenIsForItsOwnServer(t *testing.T) {
	token := "none asked"
	at := answerWith(t, func(w http.ResponseWriter, r *http.Request) {
		token = r.Header.Get("Authorization")
		w.WriteHeader(http.StatusTeapot)
	})
	t.Chdir(t.TempDir())
	serverFolder(t, "data", "http://127.0.0.1:1")
	runCommand(t, newStatusCommand(), "--url", at)
	if token != "" {
		t.Errorf("another server saw %q", token)
	}
	runCommand(t, newStatusCommand(), "--url", at, "--token-file=data/admin.token")
	if token != "Bearer s3cret-of-data" {
		t.Errorf("a token that was asked for is not shown: %q", token)
	}
	_, errs, code := runCommand(t, newStatusCommand())
	if want := "no server answers at http://127.0.0.1:1, the address in data/endpoints.json;"; code != exitUsage || !strings.Contains(errs, want) {
		t.Errorf("exit code %d, %q has no %q", code, errs, want)
	}
	_, errs, code = runCommand(t, newStatusCommand(), "--storage.path=elsewhere")
	if want := "no server has been started on it"; code != exitUsage || !strings.Contains(errs, want) {
		t.Errorf("exit code %d, %q has no %q", code, errs, want)
	}
}
