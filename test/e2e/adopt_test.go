//go:build e2e

package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// oracle finds one of the programs that make oracle builds.
func oracle(t *testing.T, name string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := os.Getenv("ORACLE")
	if dir == "" {
		dir = filepath.Join(cache, "touchline-oracle")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is missing: run make oracle (%v)", path, err)
	}
	return path
}

// debian finds a program of a Debian package.
func debian(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: install the package %s", name, name)
	}
	return path
}

// freeAddress is an address that nothing listens on at this moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// peer starts a server that is not ours; process's methods serve it as well.
func peer(t *testing.T, dir, addr, ready, program string, args ...string) *process {
	t.Helper()
	p := &process{t: t, dir: dir, url: "http://" + addr, out: &output{}, done: make(chan struct{})}
	p.cmd = exec.Command(program, args...)
	p.cmd.Dir = dir
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(func() { p.kill() })
	p.until(60*time.Second, program+" to be ready", func() bool { code, _ := p.get(ready); return code == http.StatusOK })
	return p
}

// fingerprint is every name, mode, time and byte below a folder.
func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %s %d %s", path, fi.Mode(), fi.Size(), fi.ModTime())
		if st, ok := fi.Sys().(*syscall.Stat_t); ok {
			fmt.Fprintf(&b, " %d %d", st.Uid, st.Gid)
		}
		if fi.Mode().IsRegular() {
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %x", sha256.Sum256(raw))
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// answers are what a server says about the samples of the test.
func (p *process) answers(at time.Time) string {
	var b strings.Builder
	for _, q := range []string{"kept", "sum(kept)", "count_over_time(kept[10h])", "sum_over_time(late[1h])", "rate(kept[5m])"} {
		v := url.Values{"query": {q}, "start": {fmt.Sprint(at.Add(-9 * time.Hour).Unix())}, "end": {fmt.Sprint(at.Unix())}, "step": {"60"}}
		code, body := p.get("/api/v1/query_range?" + v.Encode())
		var out struct{ Data json.RawMessage }
		if err := json.Unmarshal([]byte(body), &out); err != nil || code != http.StatusOK {
			fmt.Fprintf(&b, "%s: %d %s\n", q, code, body)
			continue
		}
		fmt.Fprintf(&b, "%s: %s\n", q, out.Data)
	}
	return b.String()
}

const outOfOrder = "storage: {tsdb: {out_of_order_time_window: 30m}}\n"

// TestAdopt takes over from the servers that people run, stopped cleanly and
// killed, and compares the answers with theirs.
func TestAdopt(t *testing.T) {
	for _, version := range []struct{ name, prometheus, alertmanager string }{
		{"debian", debian(t, "prometheus"), debian(t, "prometheus-alertmanager")},
		{"today", oracle(t, "prometheus"), oracle(t, "alertmanager")},
	} {
		for _, end := range []string{"stopped", "killed"} {
			t.Run(version.name+" "+end, func(t *testing.T) { adoptFrom(t, version.prometheus, version.alertmanager, end == "killed") })
		}
	}
}

func adoptFrom(t *testing.T, prometheus, alertmanager string, killed bool) {
	root := t.TempDir()
	conf := write(t, t.TempDir(), "prometheus.yml", outOfOrder)
	addr := freeAddress(t)
	prom := peer(t, root, addr, "/-/ready", prometheus, "--config.file="+conf, "--storage.tsdb.path="+filepath.Join(root, "metrics2"),
		"--web.enable-remote-write-receiver", "--web.listen-address="+addr)
	am := startAlertmanager(t, root, alertmanager)
	now := time.Now()
	begin := now.Add(-8 * time.Hour)
	for i := range 8 * 60 {
		at := begin.Add(time.Duration(i) * time.Minute)
		if !prom.write("kept", float64(i*i%97), at) {
			t.Fatal("write failed")
		}
	}
	for i := range 50 { // out of order: the newest first
		if !prom.write("late", float64(i), now.Add(-time.Duration(i)*10*time.Second)) {
			t.Fatal("write failed")
		}
	}
	prom.until(60*time.Second, "a block", func() bool {
		metas, err := filepath.Glob(filepath.Join(root, "metrics2", "01*", "meta.json"))
		return err == nil && len(metas) > 0
	})
	want := prom.answers(now)
	if strings.Contains(want, "[]") || strings.Contains(want, "error") {
		t.Fatalf("the peer has no answers: %s", want)
	}

	to := filepath.Join(t.TempDir(), "data")
	code, out := tl(t, "adopt", root, "--storage.path="+to, "--dry-run")
	if code != 1 || !strings.Contains(out, "in use") {
		t.Errorf("a directory in use: %d %s", code, out)
	}
	if code, out = tl(t, "adopt", filepath.Join(root, "alertmanager"), "--storage.path="+to, "--dry-run"); code != 1 || !strings.Contains(out, "in use") {
		t.Errorf("an Alertmanager's directory in use: %d %s", code, out)
	}
	if killed {
		prom.kill()
		am.kill()
	} else {
		end(t, prom)
		end(t, am)
	}
	before := fingerprint(t, root)
	dry := must(t, "adopt", root, "--storage.path="+to, "--dry-run")
	for _, s := range []string{"blocks", "wal", "silences      1: 1 active", "notifications 1", "Nothing was taken over"} {
		if !strings.Contains(dry, s) {
			t.Errorf("the dry run does not tell of %q:\n%s", s, dry)
		}
	}
	if _, err := os.Stat(to); !os.IsNotExist(err) {
		t.Error("the dry run made the directory")
	}
	must(t, "adopt", root, "--storage.path="+to)
	p := launch(t, to, "--prometheus.config="+conf)
	if got := p.answers(now); got != want {
		t.Errorf("answers differ:\nwas  %.3000s\nis   %.3000s", want, got)
	}
	if _, body := p.get("/api/v2/silences"); !strings.Contains(body, `"Muted"`) || !strings.Contains(body, `"state":"active"`) {
		t.Errorf("silences: %s", body)
	}
	if out := p.out.String(); strings.Contains(out, "corrupt") || strings.Contains(out, "repair") {
		t.Errorf("the adopted log was not whole:\n%s", out)
	}
	p.stop()
	if after := fingerprint(t, root); after != before {
		t.Errorf("the source was altered:\nwas\n%s\nis\n%s", before, after)
	}
	if code, out = tl(t, "adopt", root, "--storage.path="+to); code != 1 || !strings.Contains(out, "already holds data") {
		t.Errorf("a second time: %d %s", code, out)
	}
	if code, out = tl(t, "adopt", to, "--storage.path="+to+"2"); code != 1 || !strings.Contains(out, "is a data directory of Touchline") {
		t.Errorf("our own: %d %s", code, out)
	}
	damage(t, root, to)
}

// damage breaks a block and checks that it is named, refused, and left out when asked.
func damage(t *testing.T, root, to string) {
	t.Helper()
	chunks, err := filepath.Glob(filepath.Join(root, "metrics2", "01*", "chunks", "000001"))
	if err != nil || len(chunks) == 0 {
		t.Fatalf("no chunks: %v", err)
	}
	raw, err := os.ReadFile(chunks[0])
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 0xff
	// A new file: the old one is linked to what was adopted.
	if err := os.Remove(chunks[0]); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Dir(chunks[0]), "000001", string(raw))
	block := filepath.Dir(filepath.Dir(chunks[0]))
	if code, out := tl(t, "adopt", root, "--storage.path="+to+"3"); code != 1 || !strings.Contains(out, block) || !strings.Contains(out, "--skip-corrupt") {
		t.Errorf("a damaged block: %d %s", code, out)
	}
	if _, err := os.Stat(to + "3"); !os.IsNotExist(err) {
		t.Error("a refusal made the directory")
	}
	if out := must(t, "adopt", root, "--storage.path="+to+"3", "--skip-corrupt"); !strings.Contains(out, "left out") {
		t.Errorf("with --skip-corrupt: %s", out)
	}
	if _, err := os.Stat(filepath.Join(to+"3", "metrics", filepath.Base(block))); !os.IsNotExist(err) {
		t.Error("the damaged block was taken over")
	}
}

// startAlertmanager starts one with an active silence and an entry in its
// notification log, both on disk: a kill keeps of it what its maintenance has written.
func startAlertmanager(t *testing.T, root, program string) *process {
	t.Helper()
	u, got := sink(t)
	conf := write(t, t.TempDir(), "alertmanager.yml", alertmanager(u))
	addr := freeAddress(t)
	am := peer(t, root, addr, "/-/ready", program, "--config.file="+conf, "--storage.path=alertmanager", "--web.listen-address="+addr,
		"--cluster.listen-address=", "--data.maintenance-interval=1s")
	if code := am.silence("Muted"); code != http.StatusOK {
		t.Fatalf("silence: %d", code)
	}
	if code, body := am.do(http.MethodPost, "/api/v2/alerts", "application/json", []byte(`[{"labels":{"alertname":"Told"}}]`), nil); code != http.StatusOK {
		t.Fatalf("alert: %d %s", code, body)
	}
	expect(t, got, "firing Told", 20*time.Second)
	am.until(20*time.Second, "silences and log on disk", func() bool {
		for name, word := range map[string]string{"silences": "Muted", "nflog": "webhook"} {
			f, err := os.Open(filepath.Join(root, "alertmanager", name))
			if err != nil {
				return false
			}
			raw, err := io.ReadAll(f)
			if cerr := f.Close(); err != nil || cerr != nil || !bytes.Contains(raw, []byte(word)) {
				return false
			}
		}
		return true
	})
	return am
}

// end stops a peer cleanly.
func end(t *testing.T, p *process) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(60 * time.Second):
		t.Fatalf("did not stop:\n%s", p.out)
	}
}

func TestAdoptNeedsData(t *testing.T) {
	code, out := tl(t, "adopt", t.TempDir(), "--storage.path="+filepath.Join(t.TempDir(), "d"))
	if code != 2 || !strings.Contains(out, "--storage.tsdb.path") {
		t.Errorf("an empty folder: %d %s", code, out)
	}
	if code, out = tl(t, "adopt", "/does/not/exist"); code != 2 {
		t.Errorf("no folder: %d %s", code, out)
	}
}
