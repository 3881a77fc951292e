package app

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

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
