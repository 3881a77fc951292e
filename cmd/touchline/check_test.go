package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkRun runs "check" in a folder with the files, and gives its exit code and output.
func checkRun(t *testing.T, files map[string]string, args ...string) (int, string, string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root := newRootCommand()
	var out, errs bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&errs)
	code := run(t.Context(), root, append([]string{"check"}, args...))
	return code, out.String(), errs.String()
}

// TestCheckReport keeps the form that docs/format/check-report.md promises.
func TestCheckReport(t *testing.T) {
	files := map[string]string{
		"touchline.yaml":     "prometheus: {config: conf/prom.yml}\n",
		"conf/prom.yml":      "rule_files: [r.yml]\nscrape_configs: [{job_name: a, static_configs: [{targets: ['db:5432']}]}]\n",
		"conf/r.yml":         "groups: [{name: g, rules: [{alert: A, exprr: up, expr: up}]}]\n",
		"docker-compose.yml": "services: {}\n",
	}
	code, out, _ := checkRun(t, files, "--output=json", "touchline.yaml", "docker-compose.yml")
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	var report map[string]json.RawMessage
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{
		"files": `[{"path":"touchline.yaml","kind":"touchline"},{"path":"docker-compose.yml","kind":"unknown","about":"a Compose file"},` +
			`{"path":"conf/prom.yml","kind":"prometheus"},{"path":"conf/r.yml","kind":"rules"}]`,
		"findings": `[{"file":"conf/prom.yml","line":2,"column":60,"severity":"warning","code":"foreign-protocol","message":"job \"a\" scrapes db:5432, which is PostgreSQL's port: it does not speak HTTP, so that every scrape fails","hint":"scrape postgres_exporter on port 9187"},` +
			`{"file":"conf/r.yml","line":1,"column":39,"severity":"error","code":"unknown-field","message":"unknown key \"exprr\" in item 1 of rules","hint":"did you mean \"expr\"?"}]`,
		"errors": "1", "warnings": "1",
	} {
		var got bytes.Buffer
		if err := json.Compact(&got, report[field]); err != nil {
			t.Errorf("%s: %v", field, err)
		}
		if got.String() != want {
			t.Errorf("%s:\n got %s\nwant %s", field, got.String(), want)
		}
	}
	if !strings.HasPrefix(string(report["detections"]), "[") {
		t.Errorf("detections is not a list: %s", report["detections"])
	}
}

func TestCheckExitCodes(t *testing.T) {
	const warned = "groups: [{name: g, rules: [{alert: A, expr: 'up == 0'}]}]\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		args  []string
		code  int
		out   string
		err   string
	}{
		{"good", map[string]string{"r.yml": "groups: []\n"}, []string{"."}, 0, "1 file checked: 0 errors, 0 warnings\n", ""},
		{"warning", map[string]string{"r.yml": warned}, []string{"r.yml"}, 0, "1 file checked: 0 errors, 1 warning\n", ""},
		{"strict", map[string]string{"r.yml": warned}, []string{"--strict", "r.yml"}, 1, "1 file checked: 1 error, 0 warnings\n", ""},
		{"missing", nil, []string{"none.yml"}, 2, "", "none.yml: no such file"},
		{"form", map[string]string{"r.yml": ""}, []string{"--output=xml", "r.yml"}, 2, "", "write text or json"},
		{"foreign", map[string]string{"a.json": `{"panels": []}`, "b.json": `{"schemaVersion": 1}`, "package.json": `{"name": "x"}`, "compose.yml": "services: {}\n"}, []string{"."}, 0,
			"b.json: not checked: no file that Prometheus, Alertmanager or Touchline reads\ncompose.yml: not checked: looks like a Compose file\n1 file checked: 0 errors, 1 warning", ""},
		{"dashboards", map[string]string{"a.json": `{"title": "A", "panels": []}`, "b.json": `{"panels": [}`}, []string{"."}, 1, "b.json:1:13: error: not valid JSON", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errs := checkRun(t, c.files, c.args...)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.err) {
				t.Errorf("code %d, output %q, errors %q", code, out, errs)
			}
		})
	}
}

// TestCheckOfNothing holds that a check which has looked at nothing does not pass.
func TestCheckOfNothing(t *testing.T) {
	files := map[string]string{"empty.yml": "", "docker-compose.yml": "services: {}\n", "prometheus.yml": "", "none/readme.txt": "x"}
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"empty.yml"}, 2}, {[]string{"docker-compose.yml", "--output=json"}, 2}, {[]string{"none"}, 0}, {[]string{"./empty.yml", "docker-compose.yml"}, 2}, {[]string{"."}, 0}, {[]string{"prometheus.yml", "empty.yml"}, 0},
	} {
		code, out, errs := checkRun(t, files, c.args...)
		if code != c.code || strings.Contains(errs, "nothing was checked") != (c.code == 2) {
			t.Errorf("%q: exit code %d, %q, %q", c.args, code, out, errs)
		}
	}
}

// TestCheckTellsOfRulesThatAreNotLoaded holds that good rules which nobody loads are told of.
func TestCheckTellsOfRulesThatAreNotLoaded(t *testing.T) {
	files := map[string]string{
		"prometheus.yml": "scrape_configs: []\n",
		"loads.yml":      "rule_files: ['rules/a*.yml']\nscrape_configs: []\n",
		"rules/a.yml":    "groups: [{name: g, rules: [{alert: A, expr: m > 1}]}]\n",
		"rules/t.yml":    "rule_files: [a.yml]\ntests: []\n",
	}
	const want = `rules/a.yml:1:1: warning: prometheus.yml does not name this file in rule_files: none of its rules is loaded; write rule_files: ["rules/%s.yml"] into prometheus.yml [rules-not-loaded]`
	for _, c := range []struct {
		args []string
		hint string // of what is to be written; empty where all is loaded
	}{
		{[]string{"prometheus.yml", "rules"}, "a"}, // a file of tests in rule_files would be refused
		{[]string{"prometheus.yml", "./rules/a.yml"}, "*"},
		{[]string{"loads.yml", "rules"}, ""},
		{[]string{"prometheus.yml", "loads.yml", "rules"}, ""},
		{[]string{"rules"}, ""},
	} {
		code, out, _ := checkRun(t, files, c.args...)
		told := strings.Contains(out, fmt.Sprintf(want, c.hint))
		if code != 0 || told != (c.hint != "") || strings.Contains(out, "rules-not-loaded") != told {
			t.Errorf("%q: exit code %d, %s", c.args, code, out)
		}
	}
}

// TestCheckTellsOfUnusedAlertmanager holds that a file which decides nothing is told of.
func TestCheckTellsOfUnusedAlertmanager(t *testing.T) {
	files := map[string]string{
		"touchline.yaml": "prometheus: {config: p.yml}\nalertmanager: {config: am.yml}\n",
		"p.yml":          "alerting:\n  alertmanagers: [{static_configs: [{targets: ['am:9093']}]}]\n",
		"plain.yml":      "scrape_configs: []\n",
		"am.yml":         "route: {receiver: r}\nreceivers: [{name: r, webhook_configs: [{url: 'http://x/'}]}]\n",
	}
	code, out, _ := checkRun(t, files, "touchline.yaml")
	if want := "touchline.yaml:2:24: warning: alertmanager.config: am.yml has no effect: p.yml:2 names Alertmanagers"; code != 0 || !strings.Contains(out, want) {
		t.Errorf("exit code %d, %q has no %q", code, out, want)
	}
	const note = `p.yml:2 names Alertmanagers: "touchline run" sends alerts to those, and am.yml has no effect there`
	for _, c := range []struct {
		args []string
		want bool
	}{
		{[]string{"p.yml", "am.yml"}, true},
		{[]string{"--upstream", "p.yml", "am.yml"}, false},
		{[]string{"plain.yml", "am.yml"}, false},
	} {
		code, out, errs := checkRun(t, files, c.args...)
		if code != 0 || strings.Contains(errs, note) != c.want || !strings.Contains(out, "0 warnings") {
			t.Errorf("%q: exit code %d, %q, %q", c.args, code, out, errs)
		}
	}
}

// TestCheckComparesDashboards holds that --metrics tells panels of what nothing exports, with the path in the JSON.
func TestCheckComparesDashboards(t *testing.T) {
	files := map[string]string{
		"board.json": `{"title": "B", "panels": [{"id": 7, "title": "Load", "targets": [{"expr": "requests_totl"}, {"expr": "job:requests"}]}]}`,
		"rules.yml":  "groups: [{name: g, rules: [{record: 'job:requests', expr: requests_total}]}]\n",
		"names.txt":  "requests_total\n",
		"none.txt":   "",
	}
	code, out, _ := checkRun(t, files, "--metrics=names.txt", "board.json", "rules.yml")
	const want = `board.json:1:76: warning: panel "Load" (id 7): nothing exports requests_totl; the nearest name that exists is requests_total [unknown-metric]`
	if code != 0 || !strings.HasPrefix(out, want+"\n2 files checked: 0 errors, 1 warning\n") {
		t.Errorf("exit code %d, %q", code, out)
	}
	code, out, _ = checkRun(t, files, "--metrics=names.txt", "--strict", "--output=json", "board.json", "rules.yml")
	if code != 1 || !strings.Contains(out, `"path": "panels[0].targets[0].expr"`) {
		t.Errorf("exit code %d, %q", code, out)
	}
	code, _, errs := checkRun(t, files, "--metrics=none.txt", "board.json")
	if code != 2 || !strings.Contains(errs, "there is none in none.txt") {
		t.Errorf("exit code %d, %q", code, errs)
	}
}
