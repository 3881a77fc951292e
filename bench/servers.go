package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"touchline.dev/touchline/bench/process"
	"touchline.dev/touchline/stack"
)

// servers are the programs that take part.
type servers struct {
	touchline    string
	today        string // Prometheus at the version that go.mod pins
	debian       string // Debian's Prometheus
	alertmanager string // Debian's
	nodeExporter string // Debian's

	version map[string]string // by program
}

func (s *servers) flags(f *flag.FlagSet) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = "." // The check says that nothing is there.
	}
	f.StringVar(&s.touchline, "touchline", "bin/touchline", "our program (make build)")
	f.StringVar(&s.today, "prometheus", filepath.Join(cache, "touchline-oracle", "prometheus"), "today's Prometheus (make oracle)")
	f.StringVar(&s.debian, "debian-prometheus", "/usr/bin/prometheus", "Debian's Prometheus")
	f.StringVar(&s.alertmanager, "debian-alertmanager", "/usr/bin/prometheus-alertmanager", "Debian's Alertmanager")
	f.StringVar(&s.nodeExporter, "debian-node-exporter", "/usr/bin/prometheus-node-exporter", "Debian's node exporter")
}

// check finds every program that is missing, and asks the others for their versions.
func (s *servers) check() error {
	s.version = map[string]string{}
	var errs []error
	for _, p := range []struct {
		path   *string
		remedy string
		args   []string
	}{
		{&s.touchline, "make build", []string{"version"}},
		{&s.today, "make oracle", []string{"--version"}},
		{&s.debian, "apt-get install prometheus", []string{"--version"}},
		{&s.alertmanager, "apt-get install prometheus-alertmanager", []string{"--version"}},
		{&s.nodeExporter, "apt-get install prometheus-node-exporter", []string{"--version"}},
	} {
		abs, err := filepath.Abs(*p.path)
		if err != nil {
			return fmt.Errorf("find %s: %w", *p.path, err)
		}
		*p.path = abs
		out, err := exec.Command(abs, p.args...).CombinedOutput()
		if err != nil {
			errs = append(errs, fmt.Errorf("%s cannot be run: %w; get it by: %s", abs, err, p.remedy))
			continue
		}
		s.version[abs] = parseVersion(string(out))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if s.version[s.today] == "" {
		// Built from the module's source, it has not been told; ours has the same module inside.
		info, err := buildinfo.ReadFile(s.touchline)
		if err != nil {
			return fmt.Errorf("find the version of today's Prometheus: %w", err)
		}
		for _, d := range info.Deps {
			if d.Path == "github.com/prometheus/prometheus" {
				s.version[s.today] = d.Version
			}
		}
	}
	return nil
}

// parseVersion finds the version in what "NAME, version V (…" prints.
func parseVersion(out string) string {
	first, _, _ := strings.Cut(out, "\n")
	if _, v, ok := strings.Cut(first, "version "); ok {
		v, _, _ = strings.Cut(v, " ")
		return v
	}
	return strings.TrimSpace(first)
}

func (s *servers) versions() string {
	return fmt.Sprintf("Prometheus %s (today's) and Debian's Prometheus %s, Alertmanager %s, node_exporter %s",
		s.version[s.today], s.version[s.debian], s.version[s.alertmanager], s.version[s.nodeExporter])
}

// peer is one server of the comparisons of storage and queries.
type peer struct {
	name string
	spec func(dir string, port int) (process.Spec, error)
	data string // the folder of the TSDB, below the server's own
}

// alone gives the servers without anything to watch: only what is sent to them is there.
func (s *servers) alone() []peer {
	return []peer{
		{"Touchline", s.touchlineSpec("--sources.enabled=false", "--stack.enabled=false"), "data/metrics"},
		{"Prometheus, today's", s.prometheusSpec(s.today, "{}"), "data"},
		{"Prometheus, Debian's", s.prometheusSpec(s.debian, "{}"), "data"},
	}
}

func (s *servers) touchlineSpec(args ...string) func(string, int) (process.Spec, error) {
	return func(dir string, port int) (process.Spec, error) {
		return process.Spec{
			Name: "touchline", Path: s.touchline, Dir: dir, Ready: fmt.Sprintf("http://127.0.0.1:%d/-/ready", port),
			Args: append([]string{
				"run", "--storage.path=data", fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port),
				"--otlp.grpc-address=127.0.0.1:0", "--otlp.http-address=127.0.0.1:0",
			}, args...),
		}, nil
	}
}

func (s *servers) prometheusSpec(path, config string) func(string, int) (process.Spec, error) {
	return func(dir string, port int) (process.Spec, error) {
		if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
			return process.Spec{}, fmt.Errorf("configure Prometheus: %w", err)
		}
		return process.Spec{
			Name: "prometheus", Path: path, Dir: dir, Ready: fmt.Sprintf("http://127.0.0.1:%d/-/ready", port),
			Args: []string{
				"--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.enable-remote-write-receiver",
				fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port),
			},
		}, nil
	}
}

// running is a server that is ready.
type running struct {
	*process.Process
	url   string
	ready time.Duration
}

// readyTimeout bounds a start, with the replay of a log.
const readyTimeout = 5 * time.Minute

// launch starts a server in a folder and waits until it is ready.
func launch(ctx context.Context, dir string, spec func(string, int) (process.Spec, error)) (*running, error) {
	port, err := process.FreePort()
	if err != nil {
		return nil, err
	}
	s, err := spec(dir, port)
	if err != nil {
		return nil, err
	}
	p, err := process.Start(s)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	took, err := p.WaitReady(ctx)
	if err != nil {
		p.Kill()
		return nil, err
	}
	return &running{p, fmt.Sprintf("http://127.0.0.1:%d", port), took}, nil
}

// group is the processes that do one job together: ours alone, or Debian's three.
type group []*running

// launchTrio starts Debian's node exporter, Alertmanager and Prometheus, wired
// together. With rules it gets the shipped ones too.
func (s *servers) launchTrio(ctx context.Context, dir string, interval time.Duration, rules bool) (t group, err error) {
	defer func() {
		if err != nil {
			t.kill()
		}
	}()
	add := func(spec func(string, int) (process.Spec, error)) string {
		if err != nil {
			return ""
		}
		var r *running
		if r, err = launch(ctx, dir, spec); err != nil {
			return ""
		}
		t = append(t, r)
		return strings.TrimPrefix(r.url, "http://")
	}
	node := add(func(dir string, port int) (process.Spec, error) {
		return process.Spec{
			Name: "node_exporter", Path: s.nodeExporter, Dir: dir, Ready: fmt.Sprintf("http://127.0.0.1:%d/", port),
			Args: []string{fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port)},
		}, nil
	})
	am := add(func(dir string, port int) (process.Spec, error) {
		raw, err := stack.FS.ReadFile("alertmanager.yml")
		if err != nil {
			return process.Spec{}, fmt.Errorf("configure Alertmanager: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, "alertmanager.yml"), raw, 0o600); err != nil {
			return process.Spec{}, fmt.Errorf("configure Alertmanager: %w", err)
		}
		return process.Spec{
			Name: "alertmanager", Path: s.alertmanager, Dir: dir, Ready: fmt.Sprintf("http://127.0.0.1:%d/-/ready", port),
			Args: []string{
				"--config.file=alertmanager.yml", "--storage.path=alertmanager", "--cluster.listen-address=",
				fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port),
			},
		}, nil
	})
	add(func(dir string, port int) (process.Spec, error) {
		var b bytes.Buffer
		fmt.Fprintf(&b, "global: {scrape_interval: %s, scrape_timeout: %s, evaluation_interval: 15s}\n", interval, min(interval, 10*time.Second))
		fmt.Fprintf(&b, "alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}\n", am)
		fmt.Fprintf(&b, "scrape_configs:\n- {job_name: node, static_configs: [{targets: [%q]}]}\n", node)
		fmt.Fprintf(&b, "- {job_name: prometheus, static_configs: [{targets: ['127.0.0.1:%d']}]}\n", port)
		fmt.Fprintf(&b, "- {job_name: alertmanager, static_configs: [{targets: [%q]}]}\n", am)
		if rules {
			fmt.Fprint(&b, "rule_files: [rules/*.yml]\n")
			if err := os.MkdirAll(filepath.Join(dir, "rules"), 0o750); err != nil {
				return process.Spec{}, fmt.Errorf("write rules: %w", err)
			}
			for _, name := range stack.Rules() {
				raw, err := stack.FS.ReadFile(name)
				if err != nil {
					return process.Spec{}, fmt.Errorf("read shipped rules: %w", err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
					return process.Spec{}, fmt.Errorf("write rules: %w", err)
				}
			}
		}
		return s.prometheusSpec(s.debian, b.String())(dir, port)
	})
	return t, err
}

func (t group) kill() {
	for _, r := range t {
		r.Kill()
	}
}

func (t group) stop() error {
	var errs []error
	for i := len(t) - 1; i >= 0; i-- {
		errs = append(errs, t[i].Stop())
	}
	return errors.Join(errs...)
}
