// Command notice writes the NOTICE file: what the licences of the modules inside
// a binary ask us to pass on.
//
//	notice [-check] -o NOTICE BINARY
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sort"
	"strings"

	"touchline.dev/touchline/tools/linked"
)

const header = `Touchline
Copyright The Touchline Authors

This product is licensed under the Apache License, Version 2.0; see LICENSE.

It contains the software of others, listed in full in the SBOM that comes with
every release. Where a module carries a NOTICE file, its text follows.
`

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "notice:", err)
		os.Exit(1)
	}
}

func run(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("notice", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("o", "NOTICE", "the file to write or to check")
	check := flags.Bool("check", false, "write nothing; fail when the file is stale")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("one binary is needed, got %d arguments", flags.NArg())
	}
	binary, err := linked.Read(flags.Arg(0))
	if err != nil {
		return err
	}
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		return fmt.Errorf("find the module cache: %w", err)
	}
	text, err := compose(binary.Modules, strings.TrimSpace(string(cache)))
	if err != nil {
		return err
	}
	if !*check {
		return os.WriteFile(*out, []byte(text), 0o644)
	}
	have, err := os.ReadFile(*out)
	if err != nil {
		return fmt.Errorf("read notice: %w", err)
	}
	if string(have) != text {
		return fmt.Errorf("%s is stale; run make notice", *out)
	}
	return nil
}

// compose writes each distinct notice once, under the modules that share it, so
// that a monorepo of forty modules does not repeat itself forty times.
func compose(modules []linked.Module, cache string) (string, error) {
	paths := make(map[string][]string)
	var texts []string
	for _, m := range modules {
		files, err := m.Files(cache, "NOTICE")
		if err != nil {
			return "", err
		}
		names := make([]string, 0, len(files))
		for name := range files {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			text := normalize(files[name])
			if paths[text] == nil {
				texts = append(texts, text)
			}
			paths[text] = append(paths[text], m.Path)
		}
	}
	var b strings.Builder
	b.WriteString(header)
	for _, text := range texts {
		b.WriteString("\n" + strings.Repeat("-", 72) + "\n")
		for _, p := range paths[text] {
			b.WriteString(p + "\n")
		}
		b.WriteString("\n" + text + "\n")
	}
	return b.String(), nil
}

// normalize drops what differs between systems only: line ends and trailing blanks.
func normalize(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
