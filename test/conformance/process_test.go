//go:build conformance

// Package conformance asks the real binary and today's Prometheus and
// Alertmanager the same questions and compares the answers.
package conformance

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	touchline    = flag.String("touchline", "", "the binary under test, as make build makes it")
	prometheus   = flag.String("prometheus", "", "today's prometheus, as test/oracle/build.sh builds it")
	alertmanager = flag.String("alertmanager", "", "today's alertmanager, as test/oracle/build.sh builds it")
	promtool     = flag.String("promtool", "", "today's promtool, as test/oracle/build.sh builds it")
	amtool       = flag.String("amtool", "", "today's amtool, as test/oracle/build.sh builds it")
)

// figures are what the run is summed up with, also when everything is equal.
var figures []string

func figure(t testing.TB, format string, args ...any) {
	t.Helper()
	figures = append(figures, fmt.Sprintf(format, args...))
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	for _, f := range figures {
		fmt.Println(f)
	}
	os.Exit(code)
}

// externalURL is what all servers believe that they are reached at, so that
// the links in their answers are the same.
const externalURL = "http://conformance.test/"

// server is one running process.
type server struct {
	name  string
	url   string
	dir   string // data
	token string // grants everything; "" where nothing is guarded
	cmd   *exec.Cmd
	out   *output
	done  chan struct{}
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

func program(t *testing.T, flagName string, path string) string {
	t.Helper()
	if path == "" {
		t.Fatalf("-%s names no program; run make conformance", flagName)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("-%s: %v; run make build and make oracle", flagName, err)
	}
	return path
}

func start(t *testing.T, name, path string, args ...string) *server {
	t.Helper()
	s := &server{name: name, out: &output{}, done: make(chan struct{})}
	s.cmd = exec.Command(path, args...)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.done)
		_ = s.cmd.Wait() // Its end is seen by those who wait for something of it.
	}()
	t.Cleanup(func() { s.stop(t) })
	return s
}

// stop ends the process as an operator would.
func (s *server) stop(t *testing.T) {
	t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(30 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
		t.Errorf("%s did not stop", s.name)
	}
}

// until waits for something with a deadline, and shows the log when it does not come.
func (s *server) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-s.done:
			t.Fatalf("%s ended while waiting for %s:\n%s", s.name, what, s.out)
		case <-end:
			t.Fatalf("%s: no %s:\n%s", s.name, what, s.out)
		}
	}
}

func (s *server) ready(t *testing.T) {
	t.Helper()
	s.until(t, "readiness", func() bool {
		res, err := http.Get(s.url + "/-/ready")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		// A server with users asks who is there, ready or not; its test waits on.
		return res.StatusCode == http.StatusOK || res.StatusCode == http.StatusUnauthorized
	})
}

// startTouchline starts the binary under test without its own sources and
// rules: upstream has none.
func startTouchline(t *testing.T, args ...string) *server {
	t.Helper()
	dir := t.TempDir()
	s := start(t, "touchline", program(t, "touchline", *touchline), append([]string{
		"run", "--storage.path=" + dir, "--web.listen-address=127.0.0.1:0", "--otlp.grpc-address=127.0.0.1:0", "--otlp.http-address=127.0.0.1:0",
		"--sources.enabled=false", "--stack.enabled=false",
		"--scrape.max-body=0B", // upstream has no limit of its own, and its API shows ours
	}, withURL(args)...)...)
	s.dir = dir
	s.until(t, "endpoints.json", func() bool {
		raw, err := os.ReadFile(filepath.Join(dir, "endpoints.json"))
		if err != nil {
			return false
		}
		var e struct{ URL string }
		if json.Unmarshal(raw, &e) != nil {
			return false
		}
		s.url = e.URL
		return true
	})
	raw, err := os.ReadFile(filepath.Join(dir, "admin.token"))
	if err != nil {
		t.Fatal(err)
	}
	s.token = strings.TrimSpace(string(raw))
	s.ready(t)
	return s
}

// listening is the log line of both upstream servers that names the real address.
var listening = regexp.MustCompile(`msg="Listening on".* address=(127\.0\.0\.1:\d+)`)

// externalFlag sets the external URL, whose path is the route prefix as well.
const externalFlag = "--web.external-url="

// external is the external URL among flags.
func external(args []string) string {
	for _, a := range args {
		if u, ok := strings.CutPrefix(a, externalFlag); ok {
			return u
		}
	}
	return ""
}

func withURL(args []string) []string {
	if external(args) != "" {
		return args
	}
	return append([]string{externalFlag + externalURL}, args...)
}

func (s *server) address(t *testing.T, args []string) {
	t.Helper()
	prefix := ""
	if u, err := url.Parse(external(args)); err == nil {
		prefix = strings.TrimRight(u.Path, "/")
	}
	s.until(t, "address in the log", func() bool {
		m := listening.FindStringSubmatch(s.out.String())
		if m == nil {
			return false
		}
		s.url = "http://" + m[1] + prefix
		return true
	})
	s.ready(t)
}

func startPrometheus(t *testing.T, config string, args ...string) *server {
	t.Helper()
	dir := t.TempDir()
	s := start(t, "prometheus", program(t, "prometheus", *prometheus), append([]string{
		"--config.file=" + config, "--storage.tsdb.path=" + dir, "--web.listen-address=127.0.0.1:0",
	}, withURL(args)...)...)
	s.dir = dir
	s.address(t, args)
	return s
}

func startAlertmanager(t *testing.T, config string, args ...string) *server {
	t.Helper()
	dir := t.TempDir()
	s := start(t, "alertmanager", program(t, "alertmanager", *alertmanager), append([]string{
		"--config.file=" + config, "--storage.path=" + dir, "--web.listen-address=127.0.0.1:0", "--cluster.listen-address=",
	}, withURL(args)...)...)
	s.dir = dir
	s.address(t, args)
	return s
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

// closedPort is an address that nobody listens on.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
