//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// tl runs a command of the binary to its end.
func tl(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary(t), args...)
	raw, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("touchline %v: %v\n%s", args, err, raw)
	}
	return cmd.ProcessState.ExitCode(), string(raw)
}

func must(t *testing.T, args ...string) string {
	t.Helper()
	code, out := tl(t, args...)
	if code != 0 {
		t.Fatalf("touchline %v: exit %d\n%s", args, code, out)
	}
	return out
}

// TestBackupUnderWrites takes a backup while samples arrive, kills the server,
// and restores: every sample that had been acknowledged before the backup began
// is there, in order and out of order, with the firing alert and the silence.
func TestBackupUnderWrites(t *testing.T) {
	conf := t.TempDir()
	write(t, conf, "rules.yml", "groups: [{name: g, interval: 1s, rules: [{alert: Hot, expr: hot > 1, for: 1s}]}]\n")
	prom := write(t, conf, "prometheus.yml", "rule_files: [rules.yml]\n")
	p := launch(t, filepath.Join(t.TempDir(), "data"), "--prometheus.config="+prom, "--sources.enabled=false", "--stack.enabled=false")
	// Blocks as well as logs: samples of the last nine hours, oldest first.
	begin := time.Now().Add(-9 * time.Hour)
	for i := range 9 * 60 {
		if !p.write("old", float64(i), begin.Add(time.Duration(i)*time.Minute)) {
			t.Fatal("write failed")
		}
	}
	p.until(60*time.Second, "a block", func() bool {
		blocks, err := filepath.Glob(filepath.Join(p.dir, "metrics", "01*", "meta.json"))
		return err == nil && len(blocks) > 0
	})
	if !p.write("hot", 2, time.Now()) {
		t.Fatal("write failed")
	}
	since := func(p *process) string {
		_, body := p.get("/api/v1/alerts")
		var out struct {
			Data struct {
				Alerts []struct {
					State, ActiveAt string
					Labels          map[string]string
				}
			}
		}
		if json.Unmarshal([]byte(body), &out) != nil {
			return ""
		}
		for _, a := range out.Data.Alerts {
			if a.Labels["alertname"] == "Hot" && a.State == "firing" {
				return a.ActiveAt
			}
		}
		return ""
	}
	p.until(20*time.Second, "the firing alert", func() bool { return since(p) != "" })
	if code := p.silence("Muted"); code != http.StatusOK {
		t.Fatalf("silence: %d", code)
	}

	var acked atomic.Int64
	var stop atomic.Bool
	var wg sync.WaitGroup
	base := time.Now()
	for w := range 2 {
		wg.Go(func() {
			name := fmt.Sprintf("live%d", w)
			for i := 0; !stop.Load(); i++ {
				// Every other one is older than the one before it.
				at := base.Add(time.Duration(i/2*2+1-i%2) * time.Millisecond)
				if !p.write(name, float64(i), at) {
					return
				}
				if w == 0 {
					acked.Store(int64(i + 1))
				}
			}
		})
	}
	p.until(20*time.Second, "some writes", func() bool { return acked.Load() > 200 })
	dir := t.TempDir()
	var before int64
	for i := range 3 { // more than once, and over an older file
		before = acked.Load()
		out := must(t, "backup", filepath.Join(dir, "b.tar.zst"), "--url="+p.url, "--token-file="+p.dir+"/admin.token")
		if !strings.Contains(out, "every checksum is right") {
			t.Fatalf("backup %d: %s", i, out)
		}
		p.until(20*time.Second, "writes that go on", func() bool { return acked.Load() > before+20 })
	}
	stop.Store(true)
	wg.Wait()
	if _, body := p.get("/metrics"); !strings.Contains(body, "touchline_backup_last_success_timestamp_seconds 1.") || !strings.Contains(body, "touchline_backup_failures_total 0") {
		t.Error("the metrics do not tell of the backups")
	}
	if left, err := filepath.Glob(filepath.Join(p.dir, "backup.tmp*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	fired := since(p)
	token := p.token
	p.kill()
	file := filepath.Join(dir, "b.tar.zst")
	if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode of the backup: %v %v", fi, err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("beside the backup: %v %v", names, err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte(token)) {
		t.Error("the token is in the backup")
	}

	to := filepath.Join(t.TempDir(), "restored")
	if out := must(t, "restore", file, "--storage.path="+to, "--dry-run", "--output=json"); !strings.Contains(out, `"dry_run": true`) {
		t.Errorf("dry run: %s", out)
	}
	if _, err := os.Stat(to); !os.IsNotExist(err) {
		t.Error("the dry run made the directory")
	}
	must(t, "restore", file, "--storage.path="+to)
	q := launch(t, to, "--prometheus.config="+prom)
	var have int64
	// The writers may have been ahead of the clock.
	if _, err := fmt.Sscan(q.value(fmt.Sprintf("count_over_time(live0[2h] @ %d)", base.Add(time.Hour).Unix())), &have); err != nil || have < before {
		t.Errorf("%d samples had been acknowledged before the backup, %d are there (%v)", before, have, err)
	}
	if v := q.value("count_over_time(old[10h])"); v != "540" {
		t.Errorf("of 540 older samples %s are there", v)
	}
	if _, body := q.get("/api/v2/silences"); strings.Count(body, `"createdBy"`) != 1 || !strings.Contains(body, "Muted") {
		t.Errorf("silences: %s", body)
	}
	q.until(20*time.Second, "the same alert", func() bool { return since(q) == fired })
	if q.token == token {
		t.Error("the restored server has the old token")
	}
	if out := q.out.String(); strings.Contains(out, "repair") || strings.Contains(out, "corrupt") {
		t.Errorf("the restored log was not whole:\n%s", out)
	}
	q.stop()

	code, out := tl(t, "restore", file, "--storage.path="+to)
	if code != 1 || !strings.Contains(out, "already holds data") {
		t.Errorf("restore over data: %d %s", code, out)
	}
	cut := write(t, dir, "cut.tar.zst", string(raw[:len(raw)/2]))
	code, out = tl(t, "restore", cut, "--storage.path="+to+"2")
	if code != 1 || !strings.Contains(out, "ends too early") {
		t.Errorf("restore of half a file: %d %s", code, out)
	}

	// The stopped server's directory can be backed up as well.
	off := filepath.Join(dir, "off.tar.zst")
	must(t, "backup", off, "--storage.path="+to)
	must(t, "restore", off, "--storage.path="+to+"3")
	r := launch(t, to+"3", "--prometheus.config="+prom)
	if v := r.value("count_over_time(old[10h])"); v != "540" {
		t.Errorf("stopped: of 540 older samples %s are there", v)
	}
	if _, body := r.get("/api/v2/silences"); !strings.Contains(body, "Muted") {
		t.Errorf("stopped: silences: %s", body)
	}
	code, out = tl(t, "backup", off, "--storage.path="+r.dir)
	if code != 2 || !strings.Contains(out, "leave --storage.path out") {
		t.Errorf("backup of a directory in use: %d %s", code, out)
	}
}

func TestBackupNeedsTheToken(t *testing.T) {
	p := launch(t, t.TempDir())
	file := filepath.Join(t.TempDir(), "b")
	code, out := tl(t, "backup", file, "--url="+p.url)
	if code != 1 || !strings.Contains(out, "--token-file") {
		t.Errorf("without a token: %d %s", code, out)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Error("a file was left")
	}
	p.stop()
	code, out = tl(t, "backup", file, "--url="+p.url)
	if code != 2 || !strings.Contains(out, "--storage.path") {
		t.Errorf("without a server: %d %s", code, out)
	}
}

// TestBackupThatBreaksOff puts a connection between server and command that breaks.
func TestBackupThatBreaksOff(t *testing.T) {
	p := launch(t, t.TempDir())
	p.until(20*time.Second, "the in-process targets", func() bool { return p.value("count(up)") == "3" })
	limit := int64(0)
	relay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, err := http.NewRequestWithContext(r.Context(), r.Method, p.url+r.URL.Path, nil)
		if err != nil {
			panic(err)
		}
		req.Header.Set("Authorization", r.Header.Get("Authorization"))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			panic(err)
		}
		defer res.Body.Close()
		if _, err := io.CopyN(w, res.Body, limit); err != nil {
			panic(err)
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			panic(err)
		}
		panic(http.ErrAbortHandler)
	}))
	defer relay.Close()
	for _, limit = range []int64{1, 100, 10_000} {
		dir := t.TempDir()
		old := write(t, dir, "b", "the older backup")
		code, out := tl(t, "backup", old, "--url="+relay.URL, "--token-file="+p.dir+"/admin.token")
		if code != 1 || !strings.Contains(out, "broke off") {
			t.Errorf("after %d bytes: %d %s", limit, code, out)
		}
		raw, err := os.ReadFile(old)
		if err != nil || string(raw) != "the older backup" {
			t.Errorf("after %d bytes the older backup is %q, %v", limit, raw, err)
		}
		if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
			t.Errorf("after %d bytes: %v %v", limit, names, err)
		}
	}
	// The server is none the worse, and its staging is gone.
	must(t, "backup", filepath.Join(t.TempDir(), "b"), "--url="+p.url, "--token-file="+p.dir+"/admin.token")
	if _, err := os.Stat(filepath.Join(p.dir, "backup.tmp")); !os.IsNotExist(err) {
		t.Error("backup.tmp was left")
	}
	p.stop()
}
