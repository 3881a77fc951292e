package linked

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReadOwnTestBinary(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := Read(self)
	if err != nil {
		t.Fatal(err)
	}
	if b.GoVersion == "" || b.Settings["GOARCH"] == "" {
		t.Errorf("go version %q and GOARCH %q must be known", b.GoVersion, b.Settings["GOARCH"])
	}
}

func TestReadRefusesOtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte("no binary"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil {
		t.Error("a text file was read as a binary")
	}
}

func TestDirEscapesUpperCase(t *testing.T) {
	got := Module{Path: "github.com/Azure/Go", Version: "v1.0.0"}.Dir("/cache")
	if want := filepath.FromSlash("/cache/github.com/!azure/!go@v1.0.0"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFiles(t *testing.T) {
	cache := t.TempDir()
	m := Module{Path: "example.org/a", Version: "v1.2.3"}
	if _, err := m.Files(cache, "NOTICE"); err == nil {
		t.Error("a module that is not in the cache must be an error")
	}
	dir := m.Dir(cache)
	if err := os.MkdirAll(filepath.Join(dir, "NOTICE"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"NOTICE.txt": "n", "LICENSE": "Apache License Version 2.0", "main.go": "package a"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := m.Files(cache, "NOTICE")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got["NOTICE.txt"] != "n" {
		t.Errorf("got %v, want NOTICE.txt only", got)
	}
	if id, err := m.License(cache); err != nil || id != "Apache-2.0" {
		t.Errorf("licence is %q, %v", id, err)
	}
}

func TestClassify(t *testing.T) {
	for want, text := range map[string]string{
		"Apache-2.0":   "Apache License\n  Version 2.0, January 2004",
		"MIT":          "Permission is hereby\ngranted, free of charge, to any person",
		"BSD-3-Clause": "Redistributions in binary form must … nor the names may be used to endorse or promote products",
		"BSD-2-Clause": "Redistributions in binary form must reproduce",
		"ISC":          "Permission to use, copy, modify, and/or distribute this software",
		"MPL-2.0":      "Mozilla Public License, version 2.0",
		"":             "All rights reserved.",
	} {
		if got := Classify(text); got != want {
			t.Errorf("Classify(%q) = %q, want %q", text, got, want)
		}
	}
}
