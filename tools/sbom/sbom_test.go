package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"touchline.dev/touchline/tools/linked"
)

func TestRunDescribesItsOwnBinary(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	write := func() []byte {
		out := filepath.Join(t.TempDir(), "sbom.json")
		if err := run([]string{"-o", out, self}, io.Discard); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	text := write()
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.BOMFormat != "CycloneDX" || doc.SpecVersion != "1.5" {
		t.Errorf("got %s %s", doc.BOMFormat, doc.SpecVersion)
	}
	uuid := regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if !uuid.MatchString(doc.SerialNumber) {
		t.Errorf("serial number %q is no version 8 UUID", doc.SerialNumber)
	}
	if string(write()) != string(text) {
		t.Error("two descriptions of one binary differ")
	}
}

func TestDescribeModule(t *testing.T) {
	cache := t.TempDir()
	m := linked.Module{
		Path: "example.org/a", Version: "v1.0.0+incompatible",
		Sum: "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
	}
	if _, err := describeModule(m, cache); err == nil {
		t.Error("a module without sources must be an error, or its licence would be missing in silence")
	}
	if err := os.MkdirAll(m.Dir(cache), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(m.Dir(cache), "LICENSE"), []byte("Apache License Version 2.0"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := describeModule(m, cache)
	if err != nil {
		t.Fatal(err)
	}
	if want := "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; len(c.Hashes) != 1 || c.Hashes[0].Content != want {
		t.Errorf("hashes are %v, want %s", c.Hashes, want)
	}
	if len(c.Licenses) != 1 || c.Licenses[0].License.ID != "Apache-2.0" {
		t.Errorf("licences are %v", c.Licenses)
	}
	m.Sum = "h1:not base64"
	if _, err := describeModule(m, cache); err == nil {
		t.Error("a broken checksum was accepted")
	}
}

func TestFileVersion(t *testing.T) {
	for name, want := range map[string]string{
		"dist/touchline-v0.1.0-linux-amd64":        "v0.1.0",
		"dist/touchline-v0.1.0-3-gabc-linux-arm64": "v0.1.0-3-gabc",
		"bin/touchline":            "",
		"bin/other-v1-linux-amd64": "",
	} {
		if got := fileVersion(name); got != want {
			t.Errorf("fileVersion(%q) = %q, want %q", name, got, want)
		}
	}
}
