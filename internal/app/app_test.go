package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/goleak"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/stack"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Upstream's: klog and a discovery plugin start one goroutine each at import.
		goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"),
		goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
		// Upstream's OTLP handler starts its delta converter for the life of the process.
		goleak.IgnoreTopFunction("github.com/open-telemetry/opentelemetry-collector-contrib/processor/deltatocumulativeprocessor.(*deltaToCumulativeProcessor).Start.func1"),
		// cAdvisor ends the goroutine of a cgroup only when the cgroup is gone.
		goleak.IgnoreAnyFunction("github.com/google/cadvisor/lib/manager.(*containerData).housekeeping"),
		// The inotify reader of cAdvisor's watcher ends with the next event on a cgroup.
		goleak.IgnoreAnyFunction("k8s.io/utils/inotify.(*Watcher).readEvents"),
	)
}

func settings(t *testing.T, args ...string) *config.Config {
	t.Helper()
	fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	flags := config.RegisterFlags(fs)
	if err := fs.Parse(append([]string{"--web.listen-address=127.0.0.1:0", "--otlp.grpc-address=127.0.0.1:0", "--otlp.http-address=127.0.0.1:0"}, args...)); err != nil {
		t.Fatal(err)
	}
	c, err := config.Resolve(flags, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func reread(t *testing.T, args ...string) func() (*config.Config, error) {
	return func() (*config.Config, error) { return settings(t, args...), nil }
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// get asks until the answer has the text, or fails the test.
func (a *App) get(t *testing.T, path, want string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		code, body := 0, ""
		if resp, err := http.Get(a.localURL() + path); err == nil {
			raw, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			code, body = resp.StatusCode, string(raw)
		}
		if code == http.StatusOK && strings.Contains(body, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has no %q: %d %.500s", path, want, code, body)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// TestWholeLife starts everything, lets it watch, tell, reload and refuse a
// reload, and stops it; twice over the same data. What is left running then
// fails TestMain.
func TestWholeLife(t *testing.T) {
	told := make(chan string, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		select {
		case told <- string(raw):
		default:
		}
	}))
	defer hook.Close()
	data, files := t.TempDir(), t.TempDir()
	rules := write(t, filepath.Join(files, "rules.yml"), `groups: [{name: g, interval: 1s, rules: [{alert: First, expr: vector(1)}]}]`)
	prom := write(t, filepath.Join(files, "prometheus.yml"), "rule_files: [rules.yml]\nscrape_configs:\n- {job_name: nobody, scrape_interval: 1s, static_configs: [{targets: ['127.0.0.1:1']}]}\n")
	am := write(t, filepath.Join(files, "alertmanager.yml"), fmt.Sprintf("route: {receiver: r, group_by: [alertname], group_wait: 10ms, group_interval: 1s}\nreceivers: [{name: r, webhook_configs: [{url: %q}]}]\n", hook.URL))
	args := []string{"--storage.path=" + data, "--prometheus.config=" + prom, "--alertmanager.config=" + am}
	for round, alert := range []string{"First", "Second"} {
		a, err := New(t.Context(), Options{Config: settings(t, args...), Reread: reread(t, args...), Logger: slog.New(slog.DiscardHandler), Shipped: stack.FS})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.get(t, `/api/v1/query?query=up{job="node"}`, `"1"]`)
		a.get(t, `/api/v1/query?query=up{job="nobody"}`, `"0"]`)
		a.get(t, "/api/v2/alerts", alert)
		deadline := time.After(20 * time.Second)
		for got := ""; !strings.Contains(got, alert); {
			select {
			case got = <-told:
			case <-deadline:
				t.Fatalf("round %d: %s is not told", round, alert)
			}
		}
		write(t, rules, `groups: [{name: g, rules: [{alert: Broken, expr: "vector("}]}]`)
		if err := a.Reload(); err == nil {
			t.Error("a reload of a broken rule file is not refused")
		}
		whole, err := os.ReadFile(prom)
		if err != nil {
			t.Fatal(err)
		}
		write(t, prom, string(whole)+"- {job_name: secured, tls_config: {ca_file: missing.pem}, static_configs: [{targets: ['127.0.0.1:1']}]}\n")
		if err := a.Reload(); err == nil || !strings.Contains(err.Error(), "missing.pem") {
			t.Errorf("a reload with a certificate that is missing: %v", err)
		}
		write(t, prom, string(whole))
		write(t, rules, `groups: [{name: g, interval: 1s, rules: [{alert: Second, expr: vector(1)}]}]`)
		if err := a.Reload(); err != nil {
			t.Error(err)
		}
		a.get(t, "/api/v1/rules", `"Second"`)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		http.DefaultClient.CloseIdleConnections()
	}
}

// TestPortInUseLeavesNoFolder holds that a start that cannot have its port
// leaves no new data folder behind, and touches none that was there.
func TestPortInUseLeavesNoFolder(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := filepath.Join(t.TempDir(), "data")
	start := func() {
		t.Helper()
		a, err := New(t.Context(), Options{Config: settings(t, "--storage.path="+dir, "--web.listen-address="+l.Addr().String()), Logger: slog.New(slog.DiscardHandler), Shipped: stack.FS})
		if err == nil {
			_ = a.Stop(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), "in use") {
			t.Fatalf("the start is not refused for its port: %v", err)
		}
	}
	start()
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is left behind: %v", err)
	}
	if err := os.Mkdir(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "admin.token"), "mine-mine-mine-mine-mine\n")
	start()
	if raw, err := os.ReadFile(filepath.Join(dir, "admin.token")); err != nil || string(raw) != "mine-mine-mine-mine-mine\n" {
		t.Errorf("the folder that was there holds %q, %v", raw, err)
	}
}

// TestRefusedStartLeavesNothing fails a start at each of its steps.
func TestRefusedStartLeavesNothing(t *testing.T) {
	files := t.TempDir()
	for _, c := range []struct{ name, flag, text, says string }{
		{"rule file", "--prometheus.config=", "rule_files: [broken.yml]\n", "broken.yml"},
		{"prometheus.yml", "--prometheus.config=", "scrape_config: []\n", "scrape_config"},
		{"alertmanager.yml", "--alertmanager.config=", "route: {receiver: nobody}\nreceivers: []\n", "nobody"},
		{"web.yml", "--web.config.file=", "tls_server_config: {cert_file: missing.pem, key_file: missing.key}\n", "missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(t, filepath.Join(files, "broken.yml"), "groups: [{name: g, rules: [{alert: Broken, expr: 'vector('}]}]")
			f := write(t, filepath.Join(files, "case.yml"), c.text)
			a, err := New(t.Context(), Options{Config: settings(t, "--storage.path="+t.TempDir(), c.flag+f), Logger: slog.New(slog.DiscardHandler), Shipped: stack.FS})
			if err == nil {
				_ = a.Stop(t.Context())
				t.Fatal("the start was not refused")
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("the refusal does not name %q: %v", c.says, err)
			}
		})
	}
}
