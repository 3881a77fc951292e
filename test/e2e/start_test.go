//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPortsInUse takes every listener's port: a required one stops the start
// in a line that names the flag, an optional one is left out.
func TestPortsInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	taken := l.Addr().String()
	for _, flag := range []string{"--web.listen-address", "--cluster.listen-address"} {
		out, err := runOnce(t, "--storage.path="+t.TempDir(), flag+"="+taken)
		if err == nil || !strings.Contains(out, flag) || !strings.Contains(out, "in use") || strings.Contains(out, "goroutine ") {
			t.Errorf("%s: %v\n%s", flag, err, out)
		}
	}
	for _, flag := range []string{"--otlp.grpc-address", "--otlp.http-address", "--upstream.prometheus-address", "--upstream.alertmanager-address"} {
		p := launch(t, t.TempDir(), "--stack.enabled=false", flag+"="+taken)
		if out := p.out.String(); !strings.Contains(out, flag) || !strings.Contains(out, "in use") {
			t.Errorf("%s: the log does not name it:\n%s", flag, out)
		}
		p.kill()
	}
}

// TestDirectoryThatCannotBeWritten mounts the data directory read-only.
func TestDirectoryThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "size=8m")
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	out, err := runOnce(t, "--storage.path="+filepath.Join(dir, "data"))
	if err == nil || !strings.Contains(out, "read-only") || !strings.Contains(out, "--storage.path") {
		t.Errorf("got %v:\n%s", err, out)
	}
}

// TestConfigurationGone starts without a file that is named, and reloads after it was deleted.
func TestConfigurationGone(t *testing.T) {
	t.Parallel()
	out, err := runOnce(t, "--storage.path="+t.TempDir(), "--prometheus.config="+filepath.Join(t.TempDir(), "none.yml"))
	if err == nil || !strings.Contains(out, "none.yml") {
		t.Errorf("got %v:\n%s", err, out)
	}
	prom := write(t, t.TempDir(), "prometheus.yml", "{}\n")
	p := launch(t, t.TempDir(), "--prometheus.config="+prom, "--stack.enabled=false")
	if err := os.Remove(prom); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.until(10*time.Second, "a refused reload", func() bool { return strings.Contains(p.out.String(), "Reload refused") })
	if code, _ := p.get("/-/healthy"); code != http.StatusOK {
		t.Error("not healthy after a refused reload")
	}
}

// TestStopUnderLoad stops amid writes: soon, and with everything acknowledged.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := launch(t, dir, "--stack.enabled=false")
	began := time.Now().Add(-10 * time.Minute)
	acked, done := 0, make(chan struct{})
	go func() {
		defer close(done)
		for p.write("kept", float64(acked), began.Add(time.Duration(acked)*10*time.Millisecond)) {
			acked++
		}
	}()
	p.until(10*time.Second, "load", func() bool { return p.value("count_over_time(kept[1h]) > 100") != "" })
	stopping := time.Now()
	p.stop()
	if d := time.Since(stopping); d > 20*time.Second {
		t.Errorf("stopping took %s", d)
	}
	<-done
	q := launch(t, dir, "--stack.enabled=false")
	if v := q.value("count_over_time(kept[1h])"); v != fmt.Sprint(acked) && v != fmt.Sprint(acked+1) {
		t.Errorf("%d samples were acknowledged, %s are there", acked, v)
	}
}

// TestStopDuringStart ends the server at any moment of its start.
func TestStopDuringStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, after := range []time.Duration{time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond, 700 * time.Millisecond} {
		p := begin(t, dir)
		select {
		case <-time.After(after):
		case <-p.done:
			t.Fatalf("ended by itself: %v\n%s", p.err, p.out)
		}
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		select {
		case <-p.done:
		case <-time.After(20 * time.Second):
			t.Fatalf("stopped after %s of its start, it did not end within 20 s:\n%s", after, p.out)
		}
		if strings.Contains(p.out.String(), "goroutine ") {
			t.Errorf("stopped after %s of its start, it panicked:\n%s", after, p.out)
		}
	}
	launch(t, dir).stop()
}

// TestHostileTargets scrapes what is no target.
func TestHostileTargets(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/garbage", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("\x00\xff<html>{{{")) })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		line := []byte(strings.Repeat("# comment without end\n", 3000))
		for r.Context().Err() == nil {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/trickle", func(w http.ResponseWriter, r *http.Request) {
		for {
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	addr := strings.TrimPrefix(srv.URL, "http://")
	conf := "global: {scrape_interval: 2s, scrape_timeout: 1s}\nscrape_configs:\n- {job_name: nobody, static_configs: [{targets: ['127.0.0.1:1']}]}\n"
	for _, path := range []string{"garbage", "endless", "trickle"} {
		conf += fmt.Sprintf("- {job_name: %s, metrics_path: /%s, static_configs: [{targets: ['%s']}]}\n", path, path, addr)
	}
	p := launch(t, t.TempDir(), "--prometheus.config="+write(t, t.TempDir(), "prometheus.yml", conf), "--stack.enabled=false")
	before := p.peak()
	p.until(30*time.Second, "four targets that are down", func() bool { return p.value("count(up == 0)") == "4" })
	p.until(10*time.Second, "good targets", func() bool { return p.value("count(up == 1)") == "3" })
	p.until(10*time.Second, "an answer that is too large", func() bool { return p.value("prometheus_target_scrapes_exceeded_body_size_limit_total > 0") != "" })
	// An answer is read to 128 MiB into a buffer that doubles, and the collector
	// lets as much garbage pile up again.
	if grown := p.peak() - before; grown > 1500<<20 {
		t.Errorf("the largest resident size grew by %d MiB", grown>>20)
	}
}
