package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/reference/cli.md anew")

func TestCLIReferenceIsCurrent(t *testing.T) {
	const path = "../../docs/reference/cli.md"
	// Defaults that come from the surroundings are not the reference's.
	t.Setenv("TOUCHLINE_URL", "")
	t.Setenv("TOUCHLINE_TOKEN_FILE", "")
	var b bytes.Buffer
	if err := writeCLIReference(&b, newRootCommand()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, b.Bytes()) {
		t.Error("docs/reference/cli.md is stale; run: go test ./cmd/touchline -update")
	}
}

func TestWrongUsage(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"chekc x", 2, `there is no command "chekc"; did you mean "check"?`},
		{"zzz", 2, `there is no command "zzz"; touchline --help lists them`},
		{"run --web.listen=1", 2, "unknown flag: --web.listen; did you mean --web.listen-address? touchline run --help lists the flags"},
		{"run --storage_path=x", 2, "did you mean --storage.path?"},
		{"run extra", 2, `touchline run takes no argument, and "extra" is one`},
		{"check", 2, "such as: touchline check prometheus.yml rules/"},
		{"check --xyz .", 2, "unknown flag: --xyz; touchline check --help lists the flags"},
		{"test ruels a", 2, `there is no command "touchline test ruels"; did you mean "rules"?`},
		{"test rules", 2, "such as: touchline test rules tests/*.yml"},
		{"backup", 2, "name one file to write, such as: touchline backup /backup/touchline.tar.zst"},
		{"backup a b", 2, `name only one file to write, and "b" is one more`},
		{"restore", 2, "name one backup to read, such as: touchline restore /backup/touchline.tar.zst"},
		{"adopt", 2, "name directories to take over, such as: touchline adopt /var/lib/prometheus --dry-run"},
		{"version --output=yaml", 2, "write text or json"},
		{"--version", 0, ""},
		{"", 0, ""},
	} {
		root := newRootCommand()
		var out, errs bytes.Buffer
		root.SetOut(&out)
		root.SetErr(&errs)
		code := run(t.Context(), root, strings.Fields(c.args))
		if code != c.code || !strings.Contains(errs.String(), c.want) || strings.Count(errs.String(), "\n") > 1 {
			t.Errorf("touchline %s: code %d, %q", c.args, code, errs.String())
		}
		if c.code == 0 && out.Len() == 0 {
			t.Errorf("touchline %s prints nothing", c.args)
		}
	}
}

// TestRunReadsFilesFirst wants errors of the configuration told before the
// data directory is made or a log is replayed.
func TestRunReadsFilesFirst(t *testing.T) {
	dir := t.TempDir()
	prom, am, data := filepath.Join(dir, "prometheus.yml"), filepath.Join(dir, "alertmanager.yml"), filepath.Join(dir, "data")
	for file, text := range map[string]string{prom: "scrape_config: []\n", am: "rout: {}\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		flag, file string
		want       []string
	}{
		{"--prometheus.config", prom, []string{"field scrape_config not found", "touchline check " + prom}},
		{"--alertmanager.config", am, []string{"field rout not found", "touchline check " + am}},
		{"--prometheus.config", filepath.Join(dir, "missing.yml"), []string{"(--prometheus.config)", "missing.yml: no such file"}},
		{"--alertmanager.config", filepath.Join(dir, "missing.yml"), []string{"(--alertmanager.config)", "missing.yml: no such file"}},
	} {
		root := newRootCommand()
		var out, errs bytes.Buffer
		root.SetOut(&out)
		root.SetErr(&errs)
		code := run(t.Context(), root, []string{"run", "--storage.path=" + data, "--web.listen-address=127.0.0.1:0", c.flag + "=" + c.file})
		if code != 2 {
			t.Errorf("%s=%s: code %d", c.flag, c.file, code)
		}
		for _, want := range c.want {
			if !strings.Contains(errs.String(), want) {
				t.Errorf("%s=%s: no %q in:\n%s", c.flag, c.file, want, errs.String())
			}
		}
		if _, err := os.Stat(data); !os.IsNotExist(err) {
			t.Errorf("%s=%s: the data directory was made: %v", c.flag, c.file, err)
		}
	}
}
