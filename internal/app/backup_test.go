package app

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"touchline.dev/touchline/internal/archive"
	"touchline.dev/touchline/internal/identity"
	"touchline.dev/touchline/internal/state"
)

// TestBackupCountsPeople says in the header what the state database holds.
func TestBackupCountsPeople(t *testing.T) {
	a := started(t)
	by := identity.Actor{Name: "test"}
	for _, name := range []string{"anna", "bo"} {
		if _, err := a.identity.CreateUser(t.Context(), by, identity.User{Name: name, Role: identity.Viewer}, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := a.identity.CreateToken(t.Context(), by, identity.NewToken{Name: "agent", Scopes: []string{"ingest"}}); err != nil {
		t.Fatal(err)
	}
	secret, err := os.ReadFile(a.tokenFile())
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, a)
	defer b.close()
	raw := b.do("POST", "/touchline/v1/backup", nil, 200, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(secret))) })
	m, err := archive.Read(t.Context(), strings.NewReader(raw), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (archive.State{Users: 2, Tokens: 1}); m.State != want {
		t.Errorf("the backup says %+v, want %+v", m.State, want)
	}
	// Each of the tables is there, so that none is counted as empty for its name.
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := a.state.Copy(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if rows, err := state.CountRows(t.Context(), copied, peopleTables[:]...); err != nil || len(rows) != len(peopleTables) {
		t.Errorf("%v %v", rows, err)
	}
}

// TestSmallFilesOfABackup leaves out what is missing, and the line that is being written.
func TestSmallFilesOfABackup(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"alertmanager/proven.json": `{"receivers":{}}`, "statuspage/history.jsonl": "{\"a\":1}\n{\"b\":2}\n{\"c"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), text)
	}
	es, err := smallEntries(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range es {
		r, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil || int64(len(raw)) != e.Size {
			t.Fatalf("%s: %d bytes of %d, %v", e.Name, len(raw), e.Size, err)
		}
		got[e.Name] = string(raw)
	}
	if len(got) != 2 || got["alertmanager/proven.json"] != `{"receivers":{}}` || got["statuspage/history.jsonl"] != "{\"a\":1}\n{\"b\":2}\n" {
		t.Errorf("got %q", got)
	}
}
