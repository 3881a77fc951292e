// Package stack is what ships with the product: rules with their tests,
// runbooks in English and Chinese, dashboards, and an alertmanager.yml.
package stack

import (
	"embed"
	"io/fs"
	"path"
	"strings"
)

// FS holds rules/*.yml, tests/*_test.yml, runbooks/NAME.md and NAME.zh.md,
// alertmanager.yml, in alertmanager/touchline.tmpl definitions for receivers, and
// dashboards/*.json in Grafana's form.
//
//go:embed rules tests runbooks alertmanager alertmanager.yml all:dashboards
var FS embed.FS

// Rules returns the paths of the rule files within FS, sorted.
func Rules() []string { return glob("rules/*.yml") }

// Tests returns the paths of the promtool unit-test files within FS, sorted.
func Tests() []string { return glob("tests/*_test.yml") }

// Runbooks returns the names of the alerts that have a runbook, sorted.
func Runbooks() []string {
	var names []string
	for _, file := range glob("runbooks/*.md") {
		name := strings.TrimSuffix(path.Base(file), ".md")
		if !strings.HasSuffix(name, ".zh") {
			names = append(names, name)
		}
	}
	return names
}

// Runbook returns the Markdown of the runbook of an alert in a language ("en"
// or "zh"; any other is English). The error is fs.ErrNotExist for a name that
// has none.
func Runbook(name, language string) ([]byte, error) {
	if language == "zh" {
		name += ".zh"
	}
	return FS.ReadFile("runbooks/" + name + ".md")
}

// glob matches a constant pattern, so the only error of fs.Glob cannot occur.
func glob(pattern string) []string {
	files, _ := fs.Glob(FS, pattern)
	return files
}
