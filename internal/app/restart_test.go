package app

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/stack"
)

// A reload says which settings have changed that wait for a restart, those of single rule groups too.
func TestReloadTellsWhatWaitsForARestart(t *testing.T) {
	log, file := &logged{}, write(t, filepath.Join(t.TempDir(), "touchline.yaml"), "rules:\n  groups:\n    rules.yml:\n      g: {arrival: disabled}\n")
	resolve := func() (*config.Config, error) {
		fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
		flags := config.RegisterFlags(fs)
		if err := fs.Parse([]string{"--config.file=" + file, "--web.listen-address=127.0.0.1:0", "--otlp.grpc-address=", "--otlp.http-address=", "--sources.enabled=false", "--stack.enabled=false", "--storage.path=" + filepath.Join(filepath.Dir(file), "data")}); err != nil {
			return nil, err
		}
		return config.Resolve(flags, nil)
	}
	c, err := resolve()
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), Options{Config: c, Reread: resolve, Logger: slog.New(slog.NewTextHandler(log, nil)), Shipped: stack.FS})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if err := a.Reload(); err != nil || strings.Contains(log.String(), "takes a restart") {
		t.Errorf("a reload without a change: %v\n%s", err, log)
	}
	write(t, file, "rules:\n  alert: {resend_delay: 2m}\n  groups:\n    rules.yml:\n      g: {arrival: eager, no_data: keep}\n")
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	write(t, file, "rules: 5\n")
	if err := a.Reload(); err == nil {
		t.Error("a reload of a broken file is not refused")
	}
	for _, want := range []string{"every_error=touchline check " + file, "setting=rules.group in_force=rules.yml:g=disabled configured=rules.yml:g=eager", "configured=rules.yml:g=keep", "in_force=1m configured=2m"} {
		if !strings.Contains(strings.ReplaceAll(log.String(), `"`, ""), want) {
			t.Errorf("the log has no %q:\n%s", want, log)
		}
	}
}
