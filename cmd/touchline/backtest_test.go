package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestBacktestUsage(t *testing.T) {
	dir := t.TempDir()
	rules := filepath.Join(dir, "rules.yml")
	if err := os.WriteFile(rules, []byte("groups: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := answerWith(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	})
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "--after is missing"},
		{[]string{rules}, "unexpected argument"},
		{[]string{"--after", filepath.Join(dir, "none.yml")}, "no file"},
		{[]string{"--after", dir}, "is a directory"},
		{[]string{"--after", rules, "--output=html"}, "text, json or markdown"},
		{[]string{"--after", rules, "--from=yesterday"}, "is no time"},
		{[]string{"--after", rules, "--from=now", "--to=-1h"}, "is not before"},
		{[]string{"--after", rules, "--fail-on=sooner"}, "unknown condition"},
		{[]string{"--after", rules, "--fail-on=lost"}, "--before"},
		{[]string{"--after", rules, "--flap-window=0s"}, "too short"},
		{[]string{"--after", rules, "--external-label=x"}, "name=value"},
		{[]string{"--after", rules, "--enable-feature=x"}, "unknown feature"},
		{[]string{"--after", rules, "--data", dir}, "neither blocks nor a write-ahead log"},
		{[]string{"--after", rules, "--data", dir, "--url", at}, "two places"},
		{[]string{"--after", rules, "--url", at}, "asks for a token"},
		{[]string{"--after", rules, "--url", "http://127.0.0.1:1"}, "no server answers"},
	} {
		out, errs, code := runCommand(t, newBacktestCommand(), c.args...)
		if code != exitUsage || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("backtest %q: code %d, stderr %q, want %q", c.args, code, errs, c.want)
		}
	}
}

func TestBacktestOutput(t *testing.T) {
	dir := t.TempDir()
	rules := filepath.Join(dir, "rules.yml")
	if err := os.WriteFile(rules, []byte("groups:\n- name: g\n  rules:\n  - alert: Always\n    expr: vector(1)\n  - alert: Never\n    expr: nothing > 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "wal"), 0o700); err != nil {
		t.Fatal(err)
	}
	out, errs, code := runCommand(t, newBacktestCommand(), "--after", rules, "--data", dir, "--from=-1h", "--output=json", "--fail-on=no-data")
	if code != exitFindings || !strings.Contains(errs, "failed on no-data: Never") {
		t.Errorf("code %d, stderr %q", code, errs)
	}
	var report struct {
		Total  struct{ After struct{ Evaluations int } }
		Rules  []struct{ Name string }
		Failed []string `json:"failed_on"`
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if len(report.Rules) != 2 || len(report.Failed) != 1 || report.Total.After.Evaluations < 100 {
		t.Errorf("report: %+v", report)
	}
}

func TestParseMoment(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"now": now, "-7d": now.AddDate(0, 0, -7), "-1h30m": now.Add(-90 * time.Minute),
		"2026-01-30T12:00:00Z": now.AddDate(0, 0, -1), "1769860800": now,
	} {
		if got, err := parseMoment("--from", text, now); err != nil || !got.Equal(want) {
			t.Errorf("parseMoment(%s) = %v, %v, want %v", text, got, err, want)
		}
	}
}
