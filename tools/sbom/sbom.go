// Command sbom writes a CycloneDX 1.5 bill of materials of a Go binary, from the
// build information that the linker put into it.
//
//	sbom -o FILE BINARY
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"touchline.dev/touchline/tools/linked"
)

// The types below are the part of CycloneDX 1.5 that a Go binary can fill.
type document struct {
	BOMFormat    string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	SerialNumber string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Component  component  `json:"component"`
	Properties []property `json:"properties,omitempty"`
}

type component struct {
	Type     string    `json:"type"`
	Ref      string    `json:"bom-ref"`
	Name     string    `json:"name"`
	Version  string    `json:"version,omitempty"`
	PURL     string    `json:"purl,omitempty"`
	Hashes   []hash    `json:"hashes,omitempty"`
	Licenses []license `json:"licenses,omitempty"`
}

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type license struct {
	License struct {
		ID string `json:"id"`
	} `json:"license"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("sbom", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("o", "", "the file to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 || *out == "" {
		return fmt.Errorf("usage: sbom -o FILE BINARY")
	}
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		return fmt.Errorf("find the module cache: %w", err)
	}
	doc, err := describe(flags.Arg(0), strings.TrimSpace(string(cache)))
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("encode SBOM: %w", err)
	}
	return os.WriteFile(*out, append(text, '\n'), 0o644)
}

// describe builds the document. It holds nothing of the machine or the hour, so
// that two builds of one commit have the same SBOM.
func describe(path, cache string) (*document, error) {
	binary, err := linked.Read(path)
	if err != nil {
		return nil, err
	}
	digest, err := digestOf(path)
	if err != nil {
		return nil, err
	}
	main := component{
		Type: "application", Ref: "pkg:golang/" + binary.Main.Path, Name: binary.Main.Path,
		Version: fileVersion(path),
		Hashes:  []hash{{Alg: "SHA-256", Content: hex.EncodeToString(digest)}},
	}
	main.Licenses = licenses("Apache-2.0")
	doc := &document{
		BOMFormat: "CycloneDX", SpecVersion: "1.5", Version: 1,
		SerialNumber: serial(digest),
		Metadata:     metadata{Component: main},
		Components:   []component{},
	}
	doc.Metadata.Properties = append(doc.Metadata.Properties, property{"go.version", binary.GoVersion})
	for _, key := range []string{"GOOS", "GOARCH", "CGO_ENABLED", "-trimpath"} {
		if v := binary.Settings[key]; v != "" {
			doc.Metadata.Properties = append(doc.Metadata.Properties, property{"go.build." + strings.TrimPrefix(key, "-"), v})
		}
	}
	refs := []string{}
	for _, m := range binary.Modules {
		c, err := describeModule(m, cache)
		if err != nil {
			return nil, err
		}
		doc.Components = append(doc.Components, c)
		refs = append(refs, c.Ref)
	}
	doc.Dependencies = []dependency{{Ref: main.Ref, DependsOn: refs}}
	return doc, nil
}

func describeModule(m linked.Module, cache string) (component, error) {
	purl := "pkg:golang/" + m.Path + "@" + url.PathEscape(m.Version)
	c := component{Type: "library", Ref: purl, Name: m.Path, Version: m.Version, PURL: purl}
	// The h1 sum is the base64 of a SHA-256; CycloneDX wants it in hex.
	if sum, ok := strings.CutPrefix(m.Sum, "h1:"); ok {
		raw, err := base64.StdEncoding.DecodeString(sum)
		if err != nil {
			return c, fmt.Errorf("decode checksum of %s: %w", m.Path, err)
		}
		c.Hashes = []hash{{Alg: "SHA-256", Content: hex.EncodeToString(raw)}}
	}
	id, err := m.License(cache)
	if err != nil {
		return c, err
	}
	c.Licenses = licenses(id)
	return c, nil
}

func licenses(id string) []license {
	if id == "" {
		return nil
	}
	l := license{}
	l.License.ID = id
	return []license{l}
}

// fileVersion takes the version from a release file's name
// (touchline-VERSION-linux-ARCH); any other file has none.
func fileVersion(path string) string {
	name, ok := strings.CutPrefix(filepath.Base(path), "touchline-")
	if !ok {
		return ""
	}
	version, _, ok := strings.Cut(name, "-linux-")
	if !ok {
		return ""
	}
	return version
}

// serial makes the document's UUID from the binary's digest (a version 8 UUID).
func serial(digest []byte) string {
	u := append([]byte(nil), digest[:16]...)
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

func digestOf(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("hash binary: %w", err)
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return nil, fmt.Errorf("hash binary: %w", err)
	}
	return h.Sum(nil), nil
}
