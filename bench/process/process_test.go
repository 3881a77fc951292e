package process

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var child = flag.String("child", "", "be the server of TestProcess at this address")

func TestMain(m *testing.M) {
	flag.Parse()
	if *child != "" {
		os.Exit(serve(*child))
	}
	goleak.VerifyTestMain(m)
}

// serve answers 200 until SIGTERM.
func serve(addr string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("serving")
	srv := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ReadHeaderTimeout: time.Second}
	go func() {
		<-ctx.Done()
		_ = srv.Close()
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		fmt.Println(err)
		return 1
	}
	return 0
}

func TestParseStat(t *testing.T) {
	const line = "4242 (a (strange) name) S 1 2 3 4 5 6 7 8 9 10 250 50 7 7 20 0 11 0 100"
	got, err := parseStat([]byte(line))
	if err != nil || got != 3*time.Second {
		t.Errorf("got %v, %v, want 3s", got, err)
	}
	for _, bad := range []string{"", "4242 name S", "1 (a) S 1 2"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestParseSmaps(t *testing.T) {
	const rollup = "00400000-7fff0000 ---p 00000000 00:00 0   [rollup]\nRss:   1000 kB\nPss:  900 kB\nAnonymous:  400 kB\nSwap: 0 kB\n"
	got, err := parseSmaps([]byte(rollup))
	if want := (Memory{RSS: 1000 << 10, Anonymous: 400 << 10, File: 600 << 10}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := parseSmaps([]byte("nothing\n")); err == nil {
		t.Error("a file without Rss was taken")
	}
}

func TestParseMachine(t *testing.T) {
	got, err := parseMachine("cpu  100 1 200 99999 88888 3 4 5 6 7\ncpu0 1 2 3\n")
	if want := 313 * tick; err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := parseMachine("cpu0 1\n"); err == nil {
		t.Error("a line that is too short was taken")
	}
}

// TestProcess runs this test binary as the server.
func TestProcess(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	port, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	dir := t.TempDir()
	p, err := Start(Spec{Name: "child", Path: self, Dir: dir, Args: []string{"-child=" + addr}, Ready: "http://" + addr})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	took, err := p.WaitReady(ctx)
	if err != nil || took <= 0 {
		t.Fatalf("ready after %v: %v", took, err)
	}
	if m, err := p.Memory(); err != nil || m.RSS < 1<<20 {
		t.Errorf("memory %+v, %v", m, err)
	}
	if _, err := p.CPU(); err != nil {
		t.Error(err)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if raw, err := os.ReadFile(filepath.Join(dir, "child.log")); err != nil || string(raw) != "serving\n" {
		t.Errorf("log %q, %v", raw, err)
	}
}

// TestProcessThatEnds is told at once, with the server's last words.
func TestProcessThatEnds(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(Spec{Name: "child", Path: self, Dir: t.TempDir(), Args: []string{"-child=nowhere"}, Ready: "http://127.0.0.1:1/"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := p.WaitReady(ctx); err == nil || !strings.Contains(err.Error(), "missing port") {
		t.Errorf("got %v, want the output of the child", err)
	}
	if err := p.Stop(); err == nil {
		t.Error("a server that failed was stopped without an error")
	}
	if _, err := Start(Spec{Name: "none", Path: "/no/such/program", Dir: t.TempDir()}); err == nil {
		t.Error("a program that does not exist was started")
	}
}

func TestOwn(t *testing.T) {
	p := &Process{spec: Spec{Name: "self"}}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	p.cmd = &exec.Cmd{Process: self}
	m, err := p.Memory()
	if err != nil || m.RSS < 1<<20 || m.Anonymous+m.File != m.RSS {
		t.Errorf("memory %+v, %v", m, err)
	}
	if _, err := p.CPU(); err != nil {
		t.Error(err)
	}
	if _, err := OwnCPU(); err != nil {
		t.Error(err)
	}
	if m, err := MachineCPU(); err != nil || m <= 0 {
		t.Errorf("machine %v, %v", m, err)
	}
	if s, err := Machine(2); err != nil || !strings.HasPrefix(s, "2 cores of ") {
		t.Errorf("got %q, %v", s, err)
	}
	port, err := FreePort()
	if err != nil || port == 0 {
		t.Error(fmt.Sprint(port), err)
	}
}
