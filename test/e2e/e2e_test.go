//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/prompb"
)

func alertmanager(u string) string {
	return fmt.Sprintf("route: {receiver: w, group_wait: 100ms, group_interval: 1s, group_by: ['...']}\nreceivers: [{name: w, webhook_configs: [{url: %q}]}]\n", u)
}

func (p *process) value(query string) string {
	_, body := p.get("/api/v1/query?query=" + url.QueryEscape(query))
	var out struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if json.Unmarshal([]byte(body), &out) != nil || len(out.Data.Result) == 0 {
		return ""
	}
	return fmt.Sprint(out.Data.Result[0].Value[1])
}

func remoteWrite(name string, v float64, at time.Time) []byte {
	raw, err := proto.Marshal(&prompb.WriteRequest{Timeseries: []prompb.TimeSeries{{
		Labels:  []prompb.Label{{Name: "__name__", Value: name}},
		Samples: []prompb.Sample{{Value: v, Timestamp: at.UnixMilli()}},
	}}})
	if err != nil {
		panic(err)
	}
	return snappy.Encode(nil, raw)
}

var remoteWriteHeader = map[string]string{"Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}

func (p *process) write(name string, v float64, at time.Time) bool {
	code, _ := p.do(http.MethodPost, "/api/v1/write", "application/x-protobuf", remoteWrite(name, v, at), remoteWriteHeader)
	return code/100 == 2
}

// TestWithoutConfiguration starts the server with nothing but a data directory.
func TestWithoutConfiguration(t *testing.T) {
	p := launch(t, t.TempDir())
	p.until(20*time.Second, "the in-process targets", func() bool { return p.value(`count(up == 1)`) == "3" })
	for _, q := range []string{"node_memory_MemAvailable_bytes", "go_goroutines", "machine_cpu_cores", "process_resident_memory_bytes"} {
		p.until(10*time.Second, q, func() bool { return p.value(q) != "" })
	}
	for _, path := range []string{"/ui/", "/metrics", "/api/v1/rules", "/api/v1/targets", "/api/v2/status", "/federate?match[]=up", "/touchline/v1/status", "/-/healthy"} {
		if code, body := p.get(path); code != http.StatusOK {
			t.Errorf("GET %s: %d %s", path, code, body)
		}
	}
	if code, body := p.get("/api/v1/nothing"); code != http.StatusNotFound || !strings.Contains(body, `"status":"error"`) {
		t.Errorf("an unknown path of the API: %d %s", code, body)
	}
	if code, _ := p.do(http.MethodPost, "/api/v2/silences", "application/json", []byte("{}"), nil); code != http.StatusUnauthorized && code != http.StatusForbidden {
		t.Errorf("a change without a token: got %d", code)
	}
	if strings.Contains(p.out.String(), p.token) {
		t.Error("the token was printed")
	}
	code, body := p.get("/api/v1/query?query=" + url.QueryEscape("count_over_time(up[290y:1ms])"))
	if code == http.StatusOK || !strings.Contains(body, "memory budget") {
		t.Errorf("a query without bounds: %d %s", code, body)
	}
	p.stop()
}

// TestShippedAlertReachesAWebhook burns CPU until the shipped alert arrives.
func TestShippedAlertReachesAWebhook(t *testing.T) {
	u, got := sink(t)
	am := write(t, t.TempDir(), "alertmanager.yml", alertmanager(u))
	launch(t, t.TempDir(), "--alertmanager.config="+am)
	expect(t, got, "firing Watchdog", 60*time.Second)
	var wg sync.WaitGroup
	var enough atomic.Bool
	for range runtime.NumCPU() {
		wg.Go(func() {
			for !enough.Load() {
			}
		})
	}
	defer wg.Wait()
	defer enough.Store(true)
	expect(t, got, "firing HostCpuSaturated", 3*time.Minute)
}

// TestReload changes a rule file, breaks it, and repairs it.
func TestReload(t *testing.T) {
	u, got := sink(t)
	dir := t.TempDir()
	am := write(t, dir, "alertmanager.yml", alertmanager(u))
	rule := func(name string) string {
		return "groups: [{name: g, interval: 1s, rules: [{alert: " + name + ", expr: vector(1)}]}]\n"
	}
	write(t, dir, "rules.yml", rule("First"))
	prom := write(t, dir, "prometheus.yml", "rule_files: [rules.yml]\n")
	p := launch(t, t.TempDir(), "--prometheus.config="+prom, "--alertmanager.config="+am)
	expect(t, got, "firing First", 20*time.Second)
	write(t, dir, "rules.yml", "groups: [{name: g, rules: [{alert: Broken, expr: 'sum('}]}]\n")
	hup := func() {
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	hup()
	p.until(10*time.Second, "a refused reload", func() bool { return strings.Contains(p.out.String(), "Reload refused") })
	if _, body := p.get("/api/v1/rules"); !strings.Contains(body, `"First"`) {
		t.Error("a refused reload changed the rules")
	}
	write(t, dir, "rules.yml", rule("Second"))
	hup()
	expect(t, got, "firing Second", 20*time.Second)
	p.stop()
}

// TestKillLosesNothingAcknowledged kills the server amid writes, again and again.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	var acked []float64
	silences := 0
	begin := time.Now().Add(-30 * time.Second)
	for round := range 5 {
		p := launch(t, dir)
		count := func() string { return p.value("count_over_time(kept[1h])") }
		if round > 0 {
			p.until(10*time.Second, "the samples of earlier rounds", func() bool { return count() != "" })
			var have int
			if _, err := fmt.Sscan(count(), &have); err != nil {
				t.Fatal(err)
			}
			if have < len(acked) {
				t.Fatalf("round %d: %d samples were acknowledged, %d are there", round, len(acked), have)
			}
		}
		_, body := p.get("/api/v2/silences")
		if n := strings.Count(body, `"createdBy"`); n < silences {
			t.Fatalf("round %d: %d silences were acknowledged, %d are there", round, silences, n)
		}
		var mu sync.Mutex
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				at := begin.Add(time.Duration(len(acked)+1+round*10) * 5 * time.Millisecond)
				if !p.write("kept", float64(len(acked)), at) {
					return
				}
				mu.Lock()
				acked = append(acked, float64(len(acked)))
				mu.Unlock()
			}
		})
		wg.Go(func() {
			for ctx.Err() == nil && p.silence(fmt.Sprintf("S%d", silences)) == http.StatusOK {
				silences++
			}
		})
		want := (round + 1) * 50
		p.until(20*time.Second, "some writes", func() bool { mu.Lock(); defer mu.Unlock(); return len(acked) >= want })
		p.kill()
		cancel()
		wg.Wait()
	}
	if silences == 0 {
		t.Error("no silence was set")
	}
}

// TestFiringAlertsSurviveAKill checks that what fires goes on firing, with its times.
func TestFiringAlertsSurviveAKill(t *testing.T) {
	dir, conf := t.TempDir(), t.TempDir()
	write(t, conf, "rules.yml", "groups: [{name: g, interval: 1s, rules: [{alert: Hot, expr: hot > 1, for: 1s, keep_firing_for: 10m}, {alert: Slow, expr: hot > 1, for: 1h}]}]\n")
	prom := write(t, conf, "prometheus.yml", "rule_files: [rules.yml]\n")
	type active struct{ State, ActiveAt string }
	alerts := func(p *process) map[string]active {
		_, body := p.get("/api/v1/alerts")
		var out struct {
			Data struct {
				Alerts []struct {
					State, ActiveAt string
					Labels          map[string]string
				}
			}
		}
		if err := json.Unmarshal([]byte(body), &out); err != nil {
			return nil
		}
		m := map[string]active{}
		for _, a := range out.Data.Alerts {
			m[a.Labels["alertname"]] = active{a.State, a.ActiveAt}
		}
		return m
	}
	p := launch(t, dir, "--prometheus.config="+prom)
	if !p.write("hot", 2, time.Now()) {
		t.Fatal("write failed")
	}
	p.until(20*time.Second, "the alert", func() bool { return alerts(p)["Hot"].State == "firing" && alerts(p)["Slow"].State == "pending" })
	if !p.write("hot", 0, time.Now()) {
		t.Fatal("write failed")
	}
	p.until(20*time.Second, "keep_firing_for", func() bool { return alerts(p)["Slow"].State == "" })
	if !p.write("hot", 3, time.Now().Add(time.Millisecond)) {
		t.Fatal("write failed")
	}
	p.until(20*time.Second, "pending", func() bool { return alerts(p)["Slow"].State == "pending" })
	before := alerts(p)
	p.until(5*time.Second, "record in the journal", func() bool {
		raw, err := os.ReadFile(filepath.Join(dir, "rules", "state.journal"))
		return err == nil && strings.Contains(string(raw), before["Slow"].ActiveAt)
	})
	p.kill()
	q := launch(t, dir, "--prometheus.config="+prom)
	q.until(20*time.Second, "the same alerts", func() bool { return alerts(q)["Hot"].State == "firing" && alerts(q)["Slow"].State == "pending" })
	after := alerts(q)
	if after["Hot"] != before["Hot"] || after["Slow"] != before["Slow"] {
		t.Errorf("before %v, after %v", before, after)
	}
}

func TestOneProcessForOneDirectory(t *testing.T) {
	dir := t.TempDir()
	launch(t, dir)
	out, err := exec.Command(binary(t), "run", "--storage.path="+dir, "--web.listen-address=127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is in use") || !strings.Contains(string(out), "--storage.path") {
		t.Errorf("got %v: %s", err, out)
	}
}

func TestPortInUseNamesTheFlag(t *testing.T) {
	p := launch(t, t.TempDir())
	out, err := exec.Command(binary(t), "run", "--storage.path="+t.TempDir(), "--web.listen-address="+strings.TrimPrefix(p.url, "http://")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--web.listen-address") {
		t.Errorf("got %v: %s", err, out)
	}
}

// TestUpstreamClients drives the server with Debian's promtool and amtool.
func TestUpstreamClients(t *testing.T) {
	p := launch(t, t.TempDir())
	p.until(20*time.Second, "the in-process targets", func() bool { return p.value("count(up)") == "3" })
	client := func(name string, args ...string) string {
		t.Helper()
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatalf("%s is missing: install the packages prometheus and prometheus-alertmanager", name)
		}
		cmd := exec.Command(path, args...)
		var errs strings.Builder
		cmd.Stderr = &errs // amtool warns there that versions differ
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, errs.String())
		}
		return string(out)
	}
	if out := client("promtool", "query", "instant", p.url, "up"); !strings.Contains(out, `job="node"`) {
		t.Errorf("promtool query instant: %s", out)
	}
	if out := client("promtool", "query", "series", "--match=up", p.url); !strings.Contains(out, `job="cadvisor"`) {
		t.Errorf("promtool query series: %s", out)
	}
	creds := write(t, t.TempDir(), "http.yml", "authorization: {credentials_file: "+p.dir+"/admin.token}\n")
	am := []string{"--alertmanager.url=" + p.url, "--http.config.file=" + creds}
	id := strings.TrimSpace(client("amtool", append(am, "silence", "add", "alertname=X", "--comment=c", "--author=a", "--duration=1h")...))
	if out := client("amtool", append(am, "silence", "query")...); !strings.Contains(out, "alertname=\"X\"") {
		t.Errorf("amtool silence query: %s", out)
	}
	client("amtool", append(am, "silence", "expire", id)...)
	if out := client("amtool", append(am, "config", "show")...); !strings.Contains(out, "receiver: none") {
		t.Errorf("amtool config show: %s", out)
	}
	if _, err := os.Stat(p.dir + "/admin.token"); err != nil {
		t.Error(err)
	}
}
