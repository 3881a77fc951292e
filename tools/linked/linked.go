// Package linked tells which modules are inside a Go binary, and where their
// sources and licence files are in the module cache of this machine.
package linked

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unicode"
)

// Module is one module that the linker put into a binary.
type Module struct {
	Path    string
	Version string
	// Sum is the h1: checksum of go.sum. It is empty for the main module.
	Sum string
}

// Binary is what a Go binary says about its own making.
type Binary struct {
	Main      Module
	GoVersion string
	// Settings are the build settings, such as GOARCH and CGO_ENABLED.
	Settings map[string]string
	// Modules are sorted by path; replaced modules appear as their replacement.
	Modules []Module
}

// Read reads the build information of the binary at path.
func Read(path string) (*Binary, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read build information: %w", err)
	}
	b := &Binary{
		Main:      Module{Path: info.Main.Path, Version: info.Main.Version},
		GoVersion: info.GoVersion,
		Settings:  make(map[string]string, len(info.Settings)),
	}
	for _, s := range info.Settings {
		b.Settings[s.Key] = s.Value
	}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		b.Modules = append(b.Modules, Module{Path: dep.Path, Version: dep.Version, Sum: dep.Sum})
	}
	sort.Slice(b.Modules, func(i, j int) bool { return b.Modules[i].Path < b.Modules[j].Path })
	return b, nil
}

// Dir is the folder of the module's sources below the module cache.
func (m Module) Dir(cache string) string {
	return filepath.Join(cache, filepath.FromSlash(escape(m.Path))+"@"+escape(m.Version))
}

// escape writes an upper-case letter as "!" and the lower-case one, as the module
// cache does for the sake of file systems that do not tell them apart.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsUpper(r) {
			b.WriteByte('!')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Files reads the files at the module's root whose name, without its extension,
// is one of names (upper case). The result maps file name to content.
func (m Module) Files(cache string, names ...string) (map[string]string, error) {
	dir := m.Dir(cache)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("find sources of %s@%s: %s does not exist; run go mod download", m.Path, m.Version, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("find sources of %s@%s: %w", m.Path, m.Version, err)
	}
	found := make(map[string]string)
	for _, e := range entries {
		base := strings.ToUpper(strings.TrimSuffix(e.Name(), filepath.Ext(e.Name())))
		for _, name := range names {
			if e.IsDir() || base != name {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return nil, fmt.Errorf("read %s of %s: %w", e.Name(), m.Path, err)
			}
			found[e.Name()] = string(text)
		}
	}
	return found, nil
}

// License gives the SPDX identifier of the module's licence file, or "" when the
// file is missing or its text is none of those that we know.
func (m Module) License(cache string) (string, error) {
	files, err := m.Files(cache, "LICENSE", "LICENCE", "COPYING", "LICENSE-APACHE", "LICENSE-MIT")
	if err != nil {
		return "", err
	}
	var ids []string
	for _, text := range files {
		if id := Classify(text); id != "" {
			ids = append(ids, id)
		}
	}
	sort.Strings(ids)
	if len(ids) == 0 {
		return "", nil
	}
	return ids[0], nil
}

// Classify gives the SPDX identifier of a licence text by the sentences that
// only that licence has, and "" for a text that it does not know.
func Classify(text string) string {
	flat := strings.Join(strings.Fields(text), " ")
	has := func(s string) bool { return strings.Contains(flat, s) }
	switch {
	case has("Apache License") && has("Version 2.0"):
		return "Apache-2.0"
	case has("Mozilla Public License") && has("2.0"):
		return "MPL-2.0"
	case has("Permission is hereby granted, free of charge"):
		return "MIT"
	case has("Permission to use, copy, modify, and/or distribute"), has("Permission to use, copy, modify, and distribute"):
		return "ISC"
	case has("Redistributions in binary form") && (has("endorse or promote") || has("to endorse")):
		return "BSD-3-Clause"
	case has("Redistributions in binary form"):
		return "BSD-2-Clause"
	case has("CC0 1.0 Universal"):
		return "CC0-1.0"
	case has("This is free and unencumbered software released into the public domain"):
		return "Unlicense"
	}
	return ""
}
