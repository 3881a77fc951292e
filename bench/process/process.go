// Package process runs the servers that a benchmark compares: it starts them,
// waits until they are ready, reads what they cost from /proc, and stops them.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Spec says how a server is started.
type Spec struct {
	Name  string
	Path  string // of the program
	Args  []string
	Dir   string // working directory; the log goes to NAME.log in it
	Ready string // URL that answers 200 when the server is ready
}

// Process is a server that was started. Stop or Kill ends it.
type Process struct {
	spec  Spec
	cmd   *exec.Cmd
	began time.Time
	log   string
	done  chan struct{}
	err   error // of waiting, valid when done is closed
}

// stopTimeout is how long a server may take to end by itself.
const stopTimeout = 2 * time.Minute

// Start starts a server and returns at once.
func Start(s Spec) (*Process, error) {
	log := filepath.Join(s.Dir, s.Name+".log")
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	cmd := exec.Command(s.Path, s.Args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, out, out
	// A benchmark that is killed must not leave servers behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p := &Process{spec: s, cmd: cmd, log: log, done: make(chan struct{}), began: time.Now()}
	err = cmd.Start()
	// The child has its own copy of the descriptor.
	err = errors.Join(err, out.Close())
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// readyPoll is how often readiness is asked for: the resolution of the time to ready.
const readyPoll = time.Millisecond

// WaitReady waits until the server answers that it is ready, and gives the
// time since it was started.
func (p *Process) WaitReady(ctx context.Context) (time.Duration, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.spec.Ready, nil)
		if err != nil {
			return 0, fmt.Errorf("ask %s whether it is ready: %w", p.spec.Name, err)
		}
		if res, err := client.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return time.Since(p.began), nil
			}
		}
		select {
		case <-tick.C:
		case <-p.done:
			return 0, fmt.Errorf("%s ended before it was ready: %w\n%s", p.spec.Name, p.err, p.tail())
		case <-ctx.Done():
			return 0, fmt.Errorf("wait until %s is ready: %w\n%s", p.spec.Name, ctx.Err(), p.tail())
		}
	}
}

// tail is the end of what the server has logged.
func (p *Process) tail() string {
	raw, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	const keep = 2000
	return string(raw[max(0, len(raw)-keep):])
}

// Signal sends a signal to the server.
func (p *Process) Signal(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("signal %s: %w", p.spec.Name, err)
	}
	return nil
}

// Stop asks the server to end and waits for it.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.spec.Name, err)
	}
	select {
	case <-p.done:
	case <-time.After(stopTimeout):
		p.Kill()
		return fmt.Errorf("stop %s: it still ran %s after SIGTERM\n%s", p.spec.Name, stopTimeout, p.tail())
	}
	if p.err != nil && !ended(p.err) {
		return fmt.Errorf("stop %s: %w\n%s", p.spec.Name, p.err, p.tail())
	}
	return nil
}

// ended says that an error is only the signal that was sent; node_exporter does not handle it.
func ended(err error) bool {
	var e *exec.ExitError
	if !errors.As(err, &e) {
		return false
	}
	w, ok := e.Sys().(syscall.WaitStatus)
	return ok && w.Signaled() && w.Signal() == syscall.SIGTERM
}

// Kill ends the server at once. It may follow Stop.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// CPU is the processor time that the server has used so far, with a
// resolution of 10 ms.
func (p *Process) CPU() (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time of %s: %w", p.spec.Name, err)
	}
	return parseStat(raw)
}

// tick is the unit of times in /proc: USER_HZ is 100 on every architecture of Linux that Go supports.
const tick = 10 * time.Millisecond

func parseStat(raw []byte) (time.Duration, error) {
	// The name of the program stands in parentheses and may hold spaces.
	end := bytes.LastIndexByte(raw, ')')
	if end < 0 {
		return 0, fmt.Errorf("read stat: no program name in %q", raw)
	}
	fields := strings.Fields(string(raw[end+1:]))
	const utime, stime = 11, 12
	if len(fields) <= stime {
		return 0, fmt.Errorf("read stat: %d fields after the name, want more than %d", len(fields), stime)
	}
	var sum time.Duration
	for _, i := range []int{utime, stime} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read stat: %w", err)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// Memory is what of a process is resident, in bytes. Anonymous memory is the
// heap and the stacks; file memory is mostly the program itself and mapped data
// files, which the kernel can drop and read again.
type Memory struct{ RSS, Anonymous, File int64 }

// Add gives the sum of two processes.
func (m Memory) Add(o Memory) Memory {
	return Memory{m.RSS + o.RSS, m.Anonymous + o.Anonymous, m.File + o.File}
}

// Memory reads what is resident now.
func (p *Process) Memory() (Memory, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.cmd.Process.Pid))
	if err != nil {
		return Memory{}, fmt.Errorf("read memory of %s: %w", p.spec.Name, err)
	}
	return parseSmaps(raw)
}

func parseSmaps(raw []byte) (Memory, error) {
	var m Memory
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line)
		if len(f) != 3 || f[2] != "kB" {
			continue
		}
		n, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			return Memory{}, fmt.Errorf("read smaps: %w", err)
		}
		switch f[0] {
		case "Rss:":
			m.RSS = n << 10
		case "Anonymous:":
			m.Anonymous = n << 10
		}
	}
	if m.RSS == 0 {
		return Memory{}, errors.New("read smaps: there is no line Rss")
	}
	m.File = m.RSS - m.Anonymous
	return m, nil
}

// FreePort gives a port of the loopback address that was free a moment ago.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}
