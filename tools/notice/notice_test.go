package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"touchline.dev/touchline/tools/linked"
)

func module(t *testing.T, cache, path, notice string) linked.Module {
	t.Helper()
	m := linked.Module{Path: path, Version: "v1.0.0"}
	if err := os.MkdirAll(m.Dir(cache), 0o755); err != nil {
		t.Fatal(err)
	}
	if notice != "" {
		if err := os.WriteFile(filepath.Join(m.Dir(cache), "NOTICE"), []byte(notice), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestComposeWritesEachTextOnce(t *testing.T) {
	cache := t.TempDir()
	modules := []linked.Module{
		module(t, cache, "example.org/a", "Made by A.\r\n"),
		module(t, cache, "example.org/b", ""),
		module(t, cache, "example.org/c", "Made by A.  \n\n"),
		module(t, cache, "example.org/d", "Made by D."),
	}
	text, err := compose(modules, cache)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(text, "Made by A."); n != 1 {
		t.Errorf("the shared text stands %d times, want once:\n%s", n, text)
	}
	if !strings.Contains(text, "example.org/a\nexample.org/c\n\nMade by A.\n") {
		t.Errorf("the shared text does not name both modules:\n%s", text)
	}
	if strings.Contains(text, "example.org/b") {
		t.Errorf("a module without a notice is named:\n%s", text)
	}
}

func TestCheckFindsAStaleFile(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "NOTICE")
	if err := run([]string{"-o", out, self}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-check", "-o", out, self}, io.Discard); err != nil {
		t.Errorf("a fresh file was refused: %v", err)
	}
	if err := os.WriteFile(out, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-check", "-o", out, self}, io.Discard); err == nil {
		t.Error("a stale file was accepted")
	}
}
