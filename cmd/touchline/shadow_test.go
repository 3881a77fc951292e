package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestShadowUsage(t *testing.T) {
	const prom = "--prometheus=http://127.0.0.1:1"
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "--prometheus is missing"},
		{[]string{"--prometheus=localhost:9090"}, "is not an address"},
		{[]string{prom, "--alertmanager=x"}, "--alertmanager"},
		{[]string{prom, "--output=pdf"}, "text, json or html"},
		{[]string{prom, "--for=-1s"}, "must not be negative"},
		{[]string{prom, "--poll=1ms"}, "at least 100ms"},
		{[]string{prom, "--url=http://127.0.0.1:2"}, "--remote-write"},
		{[]string{prom, "--output-file=" + filepath.Join(t.TempDir(), "none", "x")}, "write report"},
		{[]string{prom}, "ask Prometheus"},
	} {
		out, errs, code := runCommand(t, newShadowCommand(), c.args...)
		if code != exitUsage || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("shadow %q: code %d, stderr %q, want %q", c.args, code, errs, c.want)
		}
	}
	// No report is no file: an empty one looks like a result.
	file := filepath.Join(t.TempDir(), "report.html")
	if _, _, code := runCommand(t, newShadowCommand(), prom, "--output-file="+file); code != exitUsage {
		t.Errorf("code %d", code)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("%s is left behind: %v", file, err)
	}
}
