//go:build e2e

// Package e2e runs the real binary: what a user starts, kills and asks.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is one running server.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	dir   string // data
	url   string
	token string
	out   *output
	done  chan struct{}
	err   error
}

// output collects what a process prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func binary(t *testing.T) string {
	t.Helper()
	b := os.Getenv("TOUCHLINE_BINARY")
	if b == "" {
		t.Fatal("TOUCHLINE_BINARY does not name the binary; run make e2e")
	}
	return b
}

// launch starts a server on ports that the system chooses.
func launch(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	return launchIn(t, nil, dir, args...)
}

// launchIn starts it through a command that becomes the server, such as setpriv.
func launchIn(t *testing.T, through []string, dir string, args ...string) *process {
	t.Helper()
	endpoints := filepath.Join(dir, "endpoints.json")
	if err := os.Remove(endpoints); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	p := beginIn(t, through, dir, args...)
	p.until(30*time.Second, "endpoints.json", func() bool {
		raw, err := os.ReadFile(endpoints)
		if err != nil {
			return false
		}
		var e struct{ URL string }
		if json.Unmarshal(raw, &e) != nil {
			return false
		}
		p.url = e.URL
		return true
	})
	raw, err := os.ReadFile(filepath.Join(dir, "admin.token"))
	if err != nil {
		t.Fatal(err)
	}
	p.token = strings.TrimSpace(string(raw))
	p.until(10*time.Second, "readiness", func() bool { code, _ := p.get("/-/ready"); return code == http.StatusOK })
	return p
}

// begin starts a server and does not wait for it.
func begin(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	return beginIn(t, nil, dir, args...)
}

func beginIn(t *testing.T, through []string, dir string, args ...string) *process {
	t.Helper()
	p := &process{t: t, dir: dir, out: &output{}, done: make(chan struct{})}
	args = append([]string{"run", "--storage.path=" + dir, "--web.listen-address=127.0.0.1:0", "--otlp.grpc-address=127.0.0.1:0", "--otlp.http-address=127.0.0.1:0"}, args...)
	args = append(append(slices.Clone(through), binary(t)), args...)
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(func() { p.kill() })
	return p
}

// kill ends the process at once, as the kernel or a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// stop asks the process to end and checks that it does so cleanly.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
		if p.err != nil {
			p.t.Fatalf("stopped with %v:\n%s", p.err, p.out)
		}
	case <-time.After(30 * time.Second):
		p.t.Fatalf("did not stop:\n%s", p.out)
	}
}

func (p *process) until(limit time.Duration, what string, ok func() bool) {
	p.t.Helper()
	end := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-p.done:
			p.t.Fatalf("the process ended while waiting for %s: %v\n%s", what, p.err, p.out)
		case <-end:
			p.t.Fatalf("no %s within %s:\n%s", what, limit, p.out)
		}
	}
}

func (p *process) do(method, path, contentType string, body []byte, header map[string]string) (int, string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	raw, err := io.ReadAll(res.Body)
	if cerr := res.Body.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(raw)
}

func (p *process) get(path string) (int, string) { return p.do(http.MethodGet, path, "", nil, nil) }

func (p *process) silence(name string) int {
	body := fmt.Sprintf(`{"matchers":[{"name":"alertname","value":%q,"isRegex":false,"isEqual":true}],"startsAt":%q,"endsAt":%q,"createdBy":"t","comment":"c"}`,
		name, time.Now().Format(time.RFC3339Nano), time.Now().Add(time.Hour).Format(time.RFC3339Nano))
	code, _ := p.do(http.MethodPost, "/api/v2/silences", "application/json", []byte(body), map[string]string{"Authorization": "Bearer " + p.token})
	return code
}

// write makes a file below dir and returns its path.
func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sink is a webhook that hands on the names of the alerts that it is told.
func sink(t *testing.T) (string, <-chan string) {
	t.Helper()
	got := make(chan string, 1000)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m struct {
			Alerts []struct {
				Status string
				Labels map[string]string
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			got <- "undecodable: " + err.Error()
			return
		}
		for _, a := range m.Alerts {
			got <- a.Status + " " + a.Labels["alertname"]
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL, got
}

func expect(t *testing.T, got <-chan string, want string, limit time.Duration) {
	t.Helper()
	end := time.After(limit)
	for {
		select {
		case g := <-got:
			if g == want {
				return
			}
		case <-end:
			t.Fatalf("%q did not arrive within %s", want, limit)
		}
	}
}

// runOnce runs a server that is expected to end by itself, and returns what it printed.
func runOnce(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	args = append([]string{"run", "--web.listen-address=127.0.0.1:0", "--otlp.grpc-address=127.0.0.1:0", "--otlp.http-address=127.0.0.1:0"}, args...)
	out, err := exec.CommandContext(ctx, binary(t), args...).CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("touchline %v did not end within 30 s:\n%s", args, out)
	}
	return string(out), err
}

// listener is the address that a listener really has.
func (p *process) listener(name string) string {
	p.t.Helper()
	raw, err := os.ReadFile(filepath.Join(p.dir, "endpoints.json"))
	if err != nil {
		p.t.Fatal(err)
	}
	var e struct {
		Listeners []struct{ Name, Address, Error string }
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		p.t.Fatal(err)
	}
	for _, l := range e.Listeners {
		if l.Name == name && l.Error == "" {
			return l.Address
		}
	}
	p.t.Fatalf("no listener %s: %s", name, raw)
	return ""
}
