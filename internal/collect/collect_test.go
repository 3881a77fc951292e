package collect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// lines is a logger whose lines a test can count.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.FieldsFunc(l.buf.String(), func(r rune) bool { return r == '\n' })
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func self(t testing.TB) *prometheus.Registry {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}

// open starts a Set and a client that reaches it in memory.
func open(t testing.TB, o Options) (*Set, *http.Client) {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Registerer = prometheus.NewRegistry()
	if o.Self == nil {
		o.Self = self(t)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{DialContext: s.DialContext, DisableCompression: true}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, &http.Client{Transport: tr}
}

func scrape(t testing.TB, c *http.Client, s Source, accept string) (string, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+s.Address+s.MetricsPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %s", s.Job, resp.Status, body)
	}
	return string(body), resp.Header.Get("Content-Type")
}

const textFormat = "text/plain;version=0.0.4"

func families(t testing.TB, body string) map[string]*dto.MetricFamily {
	t.Helper()
	p := expfmt.NewTextParser(model.UTF8Validation)
	f, err := p.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// success returns node_scrape_collector_success by collector.
func success(t testing.TB, f map[string]*dto.MetricFamily) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for _, m := range f["node_scrape_collector_success"].GetMetric() {
		out[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
	}
	return out
}

func TestThreeSourcesServeTheNamesOfTheEcosystem(t *testing.T) {
	s, c := open(t, Options{})
	got := map[string]map[string]*dto.MetricFamily{}
	for _, src := range s.Sources() {
		if src.Interval != time.Second || src.What == "" {
			t.Errorf("source %+v", src)
		}
		body, ct := scrape(t, c, src, textFormat)
		if !strings.HasPrefix(ct, "text/plain") {
			t.Errorf("%s: content type %s", src.Job, ct)
		}
		got[src.Job] = families(t, body)
		if _, ct = scrape(t, c, src, string(expfmt.NewFormat(expfmt.TypeProtoDelim))); !strings.Contains(ct, "protobuf") {
			t.Errorf("%s: asked for protobuf, got %s", src.Job, ct)
		}
	}
	for job, names := range map[string][]string{
		"node": {"node_cpu_seconds_total", "node_memory_MemAvailable_bytes", "node_filesystem_avail_bytes", "node_uname_info",
			"node_exporter_build_info", "node_scrape_collector_duration_seconds", "node_load1", "node_boot_time_seconds"},
		"touchline": {"go_goroutines", "process_resident_memory_bytes"},
	} {
		for _, n := range names {
			if got[job][n] == nil {
				t.Errorf("job %s lacks %s", job, n)
			}
		}
	}
	if ok := success(t, got["node"]); ok["cpu"] != 1 || ok["meminfo"] != 1 || ok["filesystem"] != 1 {
		t.Errorf("success of cpu, meminfo, filesystem: %v", ok)
	}
	if f, ok := got["cadvisor"]; ok {
		for _, n := range []string{"container_cpu_usage_seconds_total", "container_memory_working_set_bytes", "machine_cpu_cores", "cadvisor_version_info"} {
			if f[n] == nil {
				t.Errorf("job cadvisor lacks %s", n)
			}
		}
		return
	}
	for _, m := range s.Missing() {
		if strings.Contains(m.What, "cAdvisor") && m.Reason != "" && m.Remedy != "" {
			return
		}
	}
	t.Errorf("no job cadvisor and no word why: %+v", s.Missing())
}

func TestTwoSetsInOneProcess(t *testing.T) {
	a, ca := open(t, Options{})
	b, cb := open(t, Options{})
	if len(a.Sources()) != len(b.Sources()) {
		t.Fatalf("%d and %d sources", len(a.Sources()), len(b.Sources()))
	}
	for i, src := range a.Sources() {
		scrape(t, ca, src, textFormat)
		scrape(t, cb, b.Sources()[i], textFormat)
	}
}

func TestOtherPathsInOneProcessAreRefused(t *testing.T) {
	open(t, Options{Disable: []string{"cadvisor", "touchline"}})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "stat"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, _ := open(t, Options{ProcPath: dir, Disable: []string{"cadvisor", "touchline"}})
	if m := s.Missing(); len(s.Sources()) != 0 || len(m) != 1 || !strings.Contains(m[0].Reason, "one set of paths per process") {
		t.Errorf("sources %+v, missing %+v", s.Sources(), m)
	}
}

func TestEmptyProcIsOneLine(t *testing.T) {
	var log lines
	s, _ := open(t, Options{Logger: log.logger(), ProcPath: t.TempDir(), Disable: []string{"cadvisor"}})
	if n := len(s.Sources()); n != 1 {
		t.Errorf("%d sources, want the process only", n)
	}
	if m := s.Missing(); len(m) != 1 || !strings.Contains(m[0].Reason, "is not a proc file system") || m[0].Remedy == "" {
		t.Errorf("missing: %+v", m)
	}
	if l := log.all(); len(l) != 1 {
		t.Errorf("%d lines: %q", len(l), l)
	}
}

// brokenProc makes TestBrokenProc run its body in a process of its own,
// because node_exporter's paths are set once per process.
const brokenProc = "TOUCHLINE_TEST_BROKEN_PROC"

func TestBrokenProc(t *testing.T) {
	if os.Getenv(brokenProc) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBrokenProc$", "-test.v")
		cmd.Env = append(os.Environ(), brokenProc+"=1")
		if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: TestBrokenProc")) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "stat"), []byte("this is no stat file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log lines
	s, c := open(t, Options{Logger: log.logger(), ProcPath: dir, SysPath: t.TempDir(), Disable: []string{"touchline"}})
	src := s.Sources()
	if len(src) != 1 || src[0].Job != "node" {
		t.Fatalf("sources %+v", src)
	}
	body, _ := scrape(t, c, src[0], textFormat)
	ok := success(t, families(t, body))
	for _, name := range []string{"meminfo", "loadavg", "filesystem"} {
		if v, is := ok[name]; !is || v != 0 {
			t.Errorf("success of %s without /proc: %v, %v", name, v, is)
		}
	}
	if ok["uname"] != 1 {
		t.Error("uname needs no /proc and must succeed")
	}
	after := len(log.all())
	for range 20 {
		scrape(t, c, src[0], textFormat)
	}
	if l := log.all(); len(l) != after || after > len(ok)+5 {
		t.Errorf("%d lines after one scrape, %d after 21, %d collectors:\n%s", after, len(l), len(ok), strings.Join(l, "\n"))
	}
	if n := testutil.CollectAndCount(s.failures.count); n == 0 {
		t.Error("no failure was counted")
	}
}

type unstable struct{ err error }

func (u *unstable) Update(chan<- prometheus.Metric) error {
	if u.err == nil {
		panic("index out of range")
	}
	return u.err
}

func TestFailuresAreToldOnceUntilRecovery(t *testing.T) {
	var log lines
	f, err := newFailures(log.logger(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	g := guardedNode{Collector: &unstable{errors.New("cannot read port 1")}, name: "x", f: f, turn: make(turn, 1)}
	for _, e := range []string{"cannot read port 1", "cannot read port 22", "no such device"} {
		g.Collector = &unstable{errors.New(e)}
		for range 3 {
			if g.Update(nil) == nil {
				t.Fatal("no error")
			}
		}
	}
	if l := log.all(); len(l) != 2 {
		t.Errorf("two distinct failures gave %d lines: %q", len(l), l)
	}
	// One good run between failures is no recovery.
	f.succeeded("node", "x")
	f.failed("node", "x", "error", errors.New("no such device"))
	if l := log.all(); len(l) != 2 {
		t.Errorf("a flapping collector gave another line: %q", l)
	}
	for range steadyRuns {
		f.succeeded("node", "x")
	}
	f.failed("node", "x", "error", errors.New("no such device"))
	if l := log.all(); len(l) != 4 || !strings.Contains(l[2], "works again") {
		t.Errorf("after recovery: %q", l)
	}
	g.Collector = &unstable{}
	if err := g.Update(nil); err == nil || !strings.Contains(err.Error(), "panic: index out of range") {
		t.Errorf("panic became %v", err)
	}
	if n := testutil.ToFloat64(f.count.WithLabelValues("node", "x", "panic")); n != 1 {
		t.Errorf("%v panics counted", n)
	}
}

// panicking is a whole collector that breaks.
type panicking struct{}

func (panicking) Describe(ch chan<- *prometheus.Desc) {
	ch <- prometheus.NewDesc("x", "A metric of a test.", nil, nil)
}
func (panicking) Collect(chan<- prometheus.Metric) { panic("nil map") }

func TestPanicOfACollectorCostsItsOwnMetricsOnly(t *testing.T) {
	var log lines
	reg := self(t)
	f, err := newFailures(log.logger(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	reg.MustRegister(guarded{panicking{}, "cadvisor", "containers", f})
	s, c := open(t, Options{Self: reg, Disable: []string{"node", "cadvisor"}})
	for range 3 {
		if body, _ := scrape(t, c, s.Sources()[0], textFormat); !strings.Contains(body, "go_goroutines") {
			t.Error("the other collector's metrics are gone")
		}
	}
	if l := log.all(); len(l) != 1 {
		t.Errorf("%d lines: %q", len(l), l)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	if _, err := New(Options{}); err == nil || !strings.Contains(err.Error(), "are required") {
		t.Errorf("empty options: %v", err)
	}
	_, err := New(Options{Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Self: self(t), Disable: []string{"nodes"}})
	if err == nil || !strings.Contains(err.Error(), `"nodes"; it is one of node, cadvisor, touchline`) {
		t.Errorf("unknown source: %v", err)
	}
}

func TestDialContext(t *testing.T) {
	s, _ := open(t, Options{Disable: []string{"node", "cadvisor"}})
	if _, err := s.DialContext(t.Context(), "tcp", "nothing.touchline.internal:80"); err == nil || !strings.Contains(err.Error(), "no such in-process source") {
		t.Errorf("unknown source: %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	conn, err := s.DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DialContext(t.Context(), "tcp", s.Sources()[0].Address); !errors.Is(err, net.ErrClosed) {
		t.Errorf("dial after Close: %v", err)
	}
	if err := s.Start(context.Background()); err == nil {
		t.Error("a closed Set started")
	}
}

func TestSysfsElsewhereIsTold(t *testing.T) {
	s, _ := open(t, Options{SysPath: t.TempDir(), Disable: []string{"node", "touchline"}})
	if m := s.Missing(); len(m) != 1 || !strings.Contains(m[0].Reason, "reads /sys only") {
		t.Errorf("missing: %+v", m)
	}
}

func TestMountedTellsWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	if err := mounted(dir); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("no directory: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "fs/cgroup"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := mounted(dir); err == nil || !strings.Contains(err.Error(), "has no controllers") {
		t.Errorf("not mounted: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fs/cgroup/cgroup.controllers"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := mounted(dir); err != nil {
		t.Errorf("mounted: %v", err)
	}
}

// BenchmarkScrape measures one scrape over the in-memory listener, as the
// scrape manager does it every second.
func BenchmarkScrape(b *testing.B) {
	s, c := open(b, Options{})
	for _, src := range s.Sources() {
		for name, accept := range map[string]string{"text": textFormat, "protobuf": string(expfmt.NewFormat(expfmt.TypeProtoDelim))} {
			b.Run(src.Job+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				body, _ := scrape(b, c, src, textFormat)
				series := 0
				for l := range strings.Lines(body) {
					if !strings.HasPrefix(l, "#") {
						series++
					}
				}
				cpu := cpuTime(b)
				for b.Loop() {
					scrape(b, c, src, accept)
				}
				b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/1000/float64(b.N), "cpu-ms/op")
				b.ReportMetric(float64(series), "series")
			})
		}
	}
}

// counting is a collector that notes how many run at the same time.
type counting struct {
	mu        sync.Mutex
	now, most int
	hang      <-chan struct{}
}

func (c *counting) Update(chan<- prometheus.Metric) error {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	<-c.hang
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
	return nil
}

// TestCollectorsTakeTurns has collectors that are quick, and then one that hangs.
func TestCollectorsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quick := make(chan struct{})
		close(quick)
		f, err := newFailures(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		oneByOne := make(turn, 1)
		c := &counting{hang: quick}
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() { _ = guardedNode{Collector: c, name: "x", f: f, turn: oneByOne}.Update(nil) })
		}
		wg.Wait()
		if c.most != 1 {
			t.Errorf("%d ran at the same time", c.most)
		}
		hang := make(chan struct{})
		var stuck sync.WaitGroup
		stuck.Go(func() {
			_ = guardedNode{Collector: &counting{hang: hang}, name: "hangs", f: f, turn: oneByOne}.Update(nil)
		})
		synctest.Wait()
		begun := time.Now()
		for range 40 {
			wg.Go(func() { _ = guardedNode{Collector: c, name: "x", f: f, turn: oneByOne}.Update(nil) })
		}
		wg.Wait()
		if took := time.Since(begun); took != turnTime {
			t.Errorf("with one that hangs the others took %v", took)
		}
		close(hang)
		stuck.Wait()
	})
}
