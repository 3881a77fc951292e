package importrules

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// TestRepository holds the repository to the rules.
func TestRepository(t *testing.T) {
	found, err := Check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		t.Error(v)
	}
}

// TestRepositoryIsSeen makes sure that the walk above looks at something.
func TestRepositoryIsSeen(t *testing.T) {
	files, err := parseAll(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, f := range files {
		seen[f.name] = true
	}
	for _, name := range []string{"cmd/touchline/main.go", "internal/metrics/metrics.go", "test/importrules/importrules.go"} {
		if !seen[name] {
			t.Errorf("%s was not looked at", name)
		}
	}
}

// TestCheckFinds breaks each rule once and keeps it once.
func TestCheckFinds(t *testing.T) {
	const doc = "// Package a is one idea.\n"
	lines := func(n int) string { return strings.Repeat("//\n", n) }
	for _, c := range []struct {
		name string
		file string
		text string
		want string // part of the only violation; empty when there must be none
	}{
		{"engine above the seam", "internal/page/page.go", doc + "package page\nimport _ \"github.com/prometheus/prometheus/tsdb\"\n", "must not import github.com/prometheus/prometheus/tsdb"},
		{"engine in its room", "internal/metrics/metrics.go", doc + "package metrics\nimport _ \"github.com/prometheus/prometheus/tsdb\"\n", ""},
		{"engine below its room", "internal/alerting/journal/journal.go", doc + "package journal\nimport _ \"github.com/prometheus/alertmanager/silence\"\n", ""},
		{"room with a longer name", "internal/metricsx/metricsx.go", doc + "package metricsx\nimport _ \"github.com/prometheus/prometheus/tsdb\"\n", "must not import"},
		{"client library anywhere", "internal/page/page.go", doc + "package page\nimport _ \"github.com/prometheus/client_golang/prometheus\"\n", ""},
		{"engine in a command", "cmd/touchline/main.go", doc + "package main\nimport _ \"github.com/prometheus/prometheus/tsdb\"\n", "must not import"},
		{"engine in a command's test", "cmd/touchline/run_test.go", "package main\nimport _ \"github.com/prometheus/prometheus/tsdb\"\n", ""},
		{"install", "internal/metrics/metrics.go", doc + "package metrics\nimport _ \"github.com/prometheus/prometheus/discovery/install\"\n", "cannot be had"},
		{"web", "internal/metrics/metrics.go", doc + "package metrics\nimport _ \"github.com/prometheus/prometheus/web\"\n", "assets"},
		{"web API in its room", "internal/metrics/metrics.go", doc + "package metrics\nimport _ \"github.com/prometheus/prometheus/web/api/v1\"\n", ""},
		{"web API elsewhere", "internal/rules/rules.go", doc + "package rules\nimport _ \"github.com/prometheus/prometheus/web/api/v1\"\n", "assets"},
		{"wiring", "internal/page/page.go", doc + "package page\nimport _ \"touchline.dev/touchline/internal/app\"\n", "nobody but main"},
		{"wiring in a command", "cmd/touchline/main.go", doc + "package main\nimport _ \"touchline.dev/touchline/internal/app\"\n", ""},
		{"configuration in a component", "internal/collect/collect.go", doc + "package collect\nimport _ \"touchline.dev/touchline/internal/config\"\n", "take Options"},
		{"command as a library", "internal/page/page.go", doc + "package page\nimport _ \"touchline.dev/touchline/cmd/touchline\"\n", "end of the line"},
		{"checker in the product", "internal/page/page.go", doc + "package page\nimport _ \"touchline.dev/touchline/tools/linked\"\n", "what checks it"},
		{"testing in the product", "internal/page/page.go", doc + "package page\nimport _ \"testing\"\n", "flags"},
		{"global log", "internal/page/page.go", doc + "package page\nimport _ \"log\"\n", "injected"},
		{"sleep in a test", "internal/page/page_test.go", "package page\nimport \"time\"\nfunc f() { time.Sleep(1) }\n", "must not call time.Sleep"},
		{"sleep in code", "internal/page/page.go", doc + "package page\nimport \"time\"\nfunc f() { time.Sleep(1) }\n", ""},
		{"skip", "internal/page/page_test.go", "package page\nimport \"testing\"\nfunc f(t *testing.T) { t.Skip() }\n", "looks like a passed one"},
		{"panic in a library", "internal/page/page.go", doc + "package page\nfunc f() { panic(1) }\n", "must not call panic"},
		{"exit in a library", "internal/page/page.go", doc + "package page\nimport \"os\"\nfunc f() { os.Exit(1) }\n", "must not call os.Exit"},
		{"exit in main", "cmd/touchline/main.go", doc + "package main\nimport \"os\"\nfunc f() { os.Exit(1) }\n", ""},
		{"default mux", "internal/page/page.go", doc + "package page\nimport \"net/http\"\nfunc f() { http.Handle(\"/\", nil) }\n", "DefaultServeMux"},
		{"global registry", "internal/page/page.go", doc + "package page\nimport \"github.com/prometheus/client_golang/prometheus\"\nfunc f() { prometheus.MustRegister() }\n", "global registry"},
		{"long file", "internal/page/page.go", doc + "package page\n" + lines(maxLines), "more than 600"},
		{"long test", "internal/page/page_test.go", "package page\n" + lines(maxTestLines), "more than 800"},
		{"test of a good length", "internal/page/page_test.go", "package page\n" + lines(maxLines+1), ""},
		{"empty name", "internal/util/util.go", doc + "package util\n", "attracts everything"},
		{"no package comment", "internal/page/page.go", "package page\n", "0 package comments"},
		{"package comment elsewhere", "internal/page/other.go", doc + "package page\n", "readers look"},
		{"unfinished", "internal/page/page.go", doc + "package page\n// TODO: more.\n", "unfinished"},
		{"path of a machine", "internal/page/page.go", doc + "package page\nconst p = \"/root/x\"\n", "/root/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := Check(fstest.MapFS{c.file: {Data: []byte(c.text)}})
			if err != nil {
				t.Fatal(err)
			}
			// A path that two bans forbid is reported by both.
			for _, v := range found {
				if c.want == "" || v.Reason == "" {
					t.Errorf("unexpected: %v", v)
				}
			}
			if c.want != "" && !contains(found, c.want) {
				t.Errorf("want a violation with %q, got %v", c.want, found)
			}
		})
	}
}

func TestCheckFindsTwoPackageComments(t *testing.T) {
	found, err := Check(fstest.MapFS{
		"internal/page/page.go":  {Data: []byte("// Package page is one.\npackage page\n")},
		"internal/page/other.go": {Data: []byte("// Package page is two.\npackage page\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !contains(found, "2 package comments") {
		t.Errorf("got %v", found)
	}
}

func TestCheckRefusesBrokenSource(t *testing.T) {
	if _, err := Check(fstest.MapFS{"a.go": {Data: []byte("no Go")}}); err == nil {
		t.Error("a file that does not parse passed")
	}
}

func contains(found []Violation, part string) bool {
	for _, v := range found {
		if strings.Contains(v.String(), part) {
			return true
		}
	}
	return false
}
