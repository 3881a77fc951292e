package selfmon

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden files")

var testNow = time.Date(2026, 5, 4, 10, 30, 0, 0, time.UTC)

func fullReport() Report {
	up, down := true, false
	return Report{
		Version: "1.2.3", State: StateReady, StartedAt: testNow, ReadySeconds: 0.1942, ConsoleURL: "http://127.0.0.1:7070/ui/",
		Listeners: []Listener{{Name: "web", Address: "127.0.0.1:7070", Flag: "--web.listen-address", State: "listening"}},
		Watched: []Watched{
			{Job: "node", Instance: "db-1", What: "this host", IntervalSeconds: 1, Up: &up, Source: SourceInProcess, Targets: 1},
			{Job: "touchline", Instance: "db-1", What: "this process", IntervalSeconds: 1, Source: SourceInProcess, Targets: 1},
			{Job: "api", What: "targets of prometheus.yml", IntervalSeconds: 15, Up: &down, Source: SourcePrometheus, Targets: 3, Down: 1},
			{Job: "batch", IntervalSeconds: 120, Source: SourcePrometheus},
			{Job: "later", IntervalSeconds: 15, Source: SourcePrometheus, Discovering: true},
		},
		NotSeen: []NotSeen{
			{What: "containers", Reason: "no socket of containerd or CRI-O was found", Remedy: "make /run/containerd/containerd.sock readable; cgroups are watched all the same, which may be enough"},
			{What: "names and images of containers", Reason: "no runtime", Remedy: "start one"},
		},
		Endpoints: []Endpoint{{What: "Prometheus remote write", URL: "http://127.0.0.1:7070/api/v1/write"}, {What: "OTLP over gRPC", URL: "127.0.0.1:4317"}},
		Alerts: AlertsTo{Mode: AlertsEmbedded, Receivers: []Receiver{
			{Name: "team", Integrations: []string{"webhook", "email"}, Default: true}, {Name: "nobody"}}},
		Data:      Data{Dir: "./data", RetentionTime: "15d", RetentionSizeBytes: 10 << 30, UsedBytes: 1300 << 20, Database: "sqlite"},
		Access:    Access{Anonymous: "auto"},
		Rules:     RuleCounts{Files: 5, Groups: 7, Alerting: 22, Recording: 1, Firing: 2, Pending: 1},
		TokenFile: "data/admin.token", Stop: "Ctrl-C",
	}
}

func TestWriteText(t *testing.T) {
	tests := map[string]func(*Report, *Style){
		"ready":  func(*Report, *Style) {},
		"color":  func(_ *Report, s *Style) { s.Color = true },
		"narrow": func(_ *Report, s *Style) { s.Width = 60 },
		"users":  func(r *Report, _ *Style) { r.Access.Users, r.Data.Database = true, "postgres" },
		"outside": func(r *Report, _ *Style) {
			r.Outside = Outside{HeartbeatSeconds: 30, StatusPage: []string{"/srv/status", "http://0.0.0.0:8090"}, Instances: []Instance{
				{Host: "a:7070", Up: true}, {Host: "b:7070"}, {Host: "c:7070", Reason: "it is not ready: ask c:7070: connection refused"}}}
		},
		"nobody": func(r *Report, _ *Style) { r.Alerts = AlertsTo{Mode: AlertsEmbedded, None: true} },
		"nobody-own-file": func(r *Report, _ *Style) {
			r.Alerts = AlertsTo{Mode: AlertsEmbedded, None: true, ConfigFile: "/etc/alertmanager.yml"}
		},
		"failing": func(r *Report, _ *Style) {
			r.Alerts.Receivers[0].Failing = []Failure{{Integration: "webhook", At: time.Date(2026, 11, 25, 11, 3, 12, 0, time.UTC), Error: `Post "https://chat.example.com/": connection refused`}}
		},
		"external": func(r *Report, _ *Style) {
			r.Alerts = AlertsTo{Mode: AlertsExternal, Alertmanagers: []string{"http://am-1:9093", "http://am-2:9093"}}
		},
		"beyond-rules": func(r *Report, _ *Style) { r.Rules.Kept, r.Rules.Sent, r.Rules.Heartbeats = 1, 3, 1 },
		"external-failing": func(r *Report, _ *Style) {
			r.Alerts = AlertsTo{Mode: AlertsExternal, Alertmanagers: []string{"http://am-1:9093", "http://am-2:9093"}, ConfigFile: "/etc/alertmanager.yml", Ignored: true,
				Failing: []Failure{{Integration: "http://am-2:9093", At: time.Date(2026, 11, 25, 11, 3, 12, 0, time.UTC), Error: "connection refused"}}}
		},
		"external-undiscovered": func(r *Report, _ *Style) { r.Alerts = AlertsTo{Mode: AlertsExternal} },
		"external-nobody": func(r *Report, _ *Style) {
			r.Alerts = AlertsTo{Mode: AlertsExternal, None: true, ConfigFile: "/etc/alertmanager.yml", Ignored: true}
		},
		"degraded": func(r *Report, _ *Style) {
			r.State = StateDegraded
			r.Components = []Component{
				{Name: "metrics", State: ComponentOK}, {Name: "config", State: ComponentDegraded, Message: "the last reload failed: prometheus.yml:3:5: unknown key"},
				{Name: "alerting", State: ComponentFailed, Message: "no space left on device"},
			}
			r.Listeners = append(r.Listeners, Listener{Name: "otlp-grpc", Address: "127.0.0.1:4317", Flag: "--otlp.grpc-address", Error: "address already in use"})
		},
		"starting": func(r *Report, _ *Style) {
			*r = Report{Version: "1.2.3", State: StateStarting, Data: Data{Dir: "./data"}}
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			r, style := fullReport(), Style{Width: 100}
			change(&r, &style)
			var got bytes.Buffer
			if err := r.WriteText(&got, style); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("text differs from %s (rewrite with -update):\n%s", file, got.String())
			}
		})
	}
}

func TestWriteTextOfBackends(t *testing.T) {
	up := true
	r := Report{
		Version: "1.0", State: StateReady, ReadySeconds: 1,
		Backends: []Backend{
			{Engine: "metrics", URL: "http://prometheus:9090", State: BackendUp, Version: "3.8.0", LatencySeconds: 0.004},
			{Engine: "alerts", URL: "http://alertmanager:9093", State: BackendDown, Reason: "connection refused"},
		},
		Watched: []Watched{{Job: "api", What: "scraped", Source: SourceBackend, Targets: 3, Down: 1, Up: &up}},
		Alerts:  AlertsTo{Mode: AlertsExternal, Alertmanagers: []string{"http://alertmanager:9093/api/v2/alerts"}},
	}
	var b strings.Builder
	if err := r.WriteText(&b, Style{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"  metrics   at http://prometheus:9090: up 3.8.0, answers in 4 ms\n", "  alerts    at http://alertmanager:9093: does not answer\n",
		"  api  3 targets of the metrics backend  1 of 3 down\n", "rules are evaluated by the metrics backend", "told by another Alertmanager; the embedded one is off:",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
}

func TestTelling(t *testing.T) {
	down := []Failure{{Integration: "webhook", Error: "connection refused"}}
	for _, c := range []struct {
		to   AlertsTo
		want bool
	}{
		{AlertsTo{None: true}, true},
		{AlertsTo{Receivers: []Receiver{{Name: "team"}, {Name: "ops"}}}, true},
		{AlertsTo{Receivers: []Receiver{{Name: "team"}, {Name: "ops", Failing: down}}}, false},
		{AlertsTo{Mode: AlertsExternal, Failing: down}, false},
	} {
		if got := c.to.Telling(); got != c.want {
			t.Errorf("%+v: %t", c.to, got)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("pipe is closed") }

// TestWriteTextNamesTheFlagOnce holds that an error that names the flag is not told it again.
func TestWriteTextNamesTheFlagOnce(t *testing.T) {
	r := Report{Listeners: []Listener{{
		Name: "otlp-grpc", Address: "127.0.0.1:4317", Flag: "--otlp.grpc-address",
		Error: "address already in use; choose another with --otlp.grpc-address",
	}}}
	var got strings.Builder
	if err := r.WriteText(&got, Style{Width: 200}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(got.String(), "--otlp.grpc-address"); n != 1 {
		t.Errorf("the flag stands there %d times:\n%s", n, got.String())
	}
}

func TestWriteTextGivesTheErrorOfTheWriter(t *testing.T) {
	if err := fullReport().WriteText(brokenWriter{}, Style{}); err == nil || !strings.Contains(err.Error(), "pipe is closed") {
		t.Errorf("got %v", err)
	}
}

// TestReportJSON holds the names that clients of the status rely on.
func TestReportJSON(t *testing.T) {
	raw, err := json.Marshal(fullReport())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"version", "go_version", "upstream", "state", "started_at", "ready_seconds", "console_url", "not_seen", "token_file", "stop",
		"interval_seconds", "retention_size_bytes", "used_bytes", "recording", "integrations"} {
		if !strings.Contains(string(raw), `"`+key+`":`) {
			t.Errorf("key %s is missing", key)
		}
	}
	var back Report
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(back); !bytes.Equal(raw, again) {
		t.Error("a report does not survive its JSON")
	}
}

func TestHealth(t *testing.T) {
	now := testNow
	h := NewHealth(HealthOptions{Now: func() time.Time { return now }})
	if h.State() != StateStarting || !errors.Is(h.Ready(), ErrNotReady) {
		t.Errorf("at first: %s, %v", h.State(), h.Ready())
	}
	c := h.Register("metrics")
	if h.Register("metrics") != c {
		t.Error("a second registration gives another handle")
	}
	now = now.Add(250 * time.Millisecond)
	c.OK()
	h.MarkReady()
	now = now.Add(time.Hour)
	h.MarkReady()
	if h.State() != StateReady || h.Ready() != nil || h.ReadySeconds() != 0.25 {
		t.Errorf("when ready: %s, %v, %g s", h.State(), h.Ready(), h.ReadySeconds())
	}
	c.Degraded("slow disk")
	since := now
	now = now.Add(time.Minute)
	c.Degraded("slower disk")
	got := h.Components()
	if len(got) != 1 || got[0] != (Component{Name: "metrics", State: ComponentDegraded, Since: since, Message: "slower disk"}) {
		t.Errorf("components: %+v", got)
	}
	if h.State() != StateDegraded || h.Ready() != nil {
		t.Errorf("when degraded: %s, %v", h.State(), h.Ready())
	}
	h.MarkStopping()
	if h.State() != StateStopping || h.Ready() == nil {
		t.Errorf("when stopping: %s, %v", h.State(), h.Ready())
	}
}

func TestHealthMetrics(t *testing.T) {
	h := NewHealth(HealthOptions{})
	h.Register("rules").Failed("no file")
	reg := prometheus.NewRegistry()
	reg.MustRegister(h)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			key := f.GetName()
			for _, l := range m.Label {
				key += " " + l.GetName() + "=" + l.GetValue()
			}
			got[key] = m.Gauge.GetValue()
		}
	}
	want := map[string]float64{
		"touchline_ready": 0,
		"touchline_component_state component=rules state=ok":       0,
		"touchline_component_state component=rules state=degraded": 0,
		"touchline_component_state component=rules state=failed":   1,
		"touchline_component_state component=rules state=off":      0,
	}
	if len(got) != len(want) {
		t.Errorf("got %d series, want %d: %v", len(got), len(want), got)
	}
	for k, v := range want {
		if g, ok := got[k]; !ok || g != v {
			t.Errorf("%s: got %g (%v), want %g", k, g, ok, v)
		}
	}
}

func TestHealthFromManyGoroutines(t *testing.T) {
	h := NewHealth(HealthOptions{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				h.Register("a").OK()
				h.Register("b").Failed("x")
				_ = h.State()
				_ = h.Components()
			}
		})
	}
	wg.Wait()
	if n := len(h.Components()); n != 2 {
		t.Errorf("got %d components, want 2", n)
	}
}

func TestApplyMemoryLimit(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		env   string
		want  int64
		log   string
	}{
		{name: "version 2", files: map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "1000000\n"}, want: 900000},
		{name: "version 2 in a container", files: map[string]string{"proc/self/cgroup": "0::/host/path\n", "sys/fs/cgroup/memory.max": "2000000\n"}, want: 1800000},
		{name: "the smallest counts", files: map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "5000\n", "sys/fs/cgroup/memory.max": "1000\n"}, want: 900},
		{name: "version 1", files: map[string]string{"proc/self/cgroup": "5:cpu,memory:/x\n1:name=systemd:/\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "100\n"}, want: 90},
		{name: "version 1 without a limit", files: map[string]string{"proc/self/cgroup": "5:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}},
		{name: "no cgroups", files: map[string]string{}},
		{name: "environment wins", env: "1GiB", files: map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1000\n"}, log: "GOMEMLIMIT"},
		{name: "not a number", files: map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "lots\n"}, log: "is not a number of bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			for name, text := range tt.files {
				path := filepath.Join(root, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var set int64
			var log bytes.Buffer
			got := ApplyMemoryLimit(slog.New(slog.NewTextHandler(&log, nil)), MemoryOptions{
				Root: root, Getenv: func(string) string { return tt.env }, Set: func(v int64) int64 { set = v; return 0 },
			})
			if got != tt.want || set != tt.want {
				t.Errorf("got %d and set %d, want %d", got, set, tt.want)
			}
			if !strings.Contains(log.String(), tt.log) {
				t.Errorf("log %q lacks %q", log.String(), tt.log)
			}
		})
	}
}

func TestBuild(t *testing.T) {
	b := BuildInfo{Version: "1.2.3", Revision: "abc", GoVersion: "go1.26", Platform: "linux/amd64", Upstream: map[string]string{"prometheus": "v0.316.0"}}
	want := "touchline 1.2.3 (abc)\n  go             go1.26 linux/amd64\n  prometheus     v0.316.0\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	if real := Build(); real.GoVersion == "" || real.Version == "" {
		t.Errorf("build is %+v", real)
	}
}
