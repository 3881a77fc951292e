package httpserver

import (
	"bufio"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// bind listens on the address of a Spec, and explains a failure in one line
// that names the flag to use.
func bind(spec Spec) (net.Listener, error) {
	ln, err := net.Listen("tcp", spec.Address)
	if err == nil {
		return ln, nil
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listen %s: %w; %s has it; choose another with %s", spec.Address, syscall.EADDRINUSE, portOwner(spec.Address), spec.Flag)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("listen %s: %w; ports below 1024 need the capability CAP_NET_BIND_SERVICE; choose another with %s", spec.Address, syscall.EACCES, spec.Flag)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("listen %s: %w; no interface of this host has it; choose another with %s", spec.Address, syscall.EADDRNOTAVAIL, spec.Flag)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return nil, fmt.Errorf("listen %s: %w; set host:port with %s", spec.Address, err, spec.Flag)
}

// portOwner names the process that listens on a port, as far as /proc tells:
// the process of another user stays "another process".
func portOwner(address string) string {
	const unknown = "another process"
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return unknown
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return unknown
	}
	inodes := map[string]bool{}
	for _, f := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		listeningInodes(f, uint16(n), inodes)
	}
	if len(inodes) == 0 {
		return unknown
	}
	fds, err := filepath.Glob("/proc/[0-9]*/fd/[0-9]*")
	if err != nil {
		return unknown
	}
	for _, fd := range fds {
		target, err := os.Readlink(fd)
		if err != nil || !inodes[target] {
			continue
		}
		pid := strings.Split(fd, "/")[2]
		if pid == strconv.Itoa(os.Getpid()) {
			return "this process"
		}
		comm, err := os.ReadFile(filepath.Join("/proc", pid, "comm"))
		if err != nil {
			return "process " + pid
		}
		return fmt.Sprintf("process %s (%s)", pid, strings.TrimSpace(string(comm)))
	}
	return unknown
}

// listeningInodes adds the socket links of listeners on a port.
func listeningInodes(file string, port uint16, into map[string]bool) {
	f, err := os.Open(file)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	const listening = "0A"
	for sc := bufio.NewScanner(f); sc.Scan(); {
		fields := strings.Fields(sc.Text())
		if len(fields) < 10 || fields[3] != listening {
			continue
		}
		_, hexPort, ok := strings.Cut(fields[1], ":")
		raw, err := hex.DecodeString(hexPort)
		if !ok || err != nil || len(raw) != 2 || uint16(raw[0])<<8|uint16(raw[1]) != port {
			continue
		}
		into["socket:["+fields[9]+"]"] = true
	}
}

// limitListener holds back Accept while all slots are taken. The slots are
// shared by all listeners of a server.
type limitListener struct {
	net.Listener
	slots chan struct{}
	done  chan struct{}
	once  sync.Once
	err   error
}

func newLimitListener(ln net.Listener, slots chan struct{}) *limitListener {
	return &limitListener{Listener: ln, slots: slots, done: make(chan struct{})}
}

func (l *limitListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitConn{Conn: c, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

func (l *limitListener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.err = l.Listener.Close()
	})
	return l.err
}

type limitConn struct {
	net.Conn
	release func()
}

func (c *limitConn) Close() error {
	err := c.Conn.Close()
	c.release()
	return err
}

// tlsListener speaks TLS for a Service, and remembers its connections so that
// AuthorizeRPC can look at client certificates.
func (s *Server) tlsListener(ln net.Listener) net.Listener {
	cfg := s.web.tlsConfig(false)
	next := cfg.GetConfigForClient
	cfg.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		c, err := next(h)
		if err != nil {
			return nil, err
		}
		c.NextProtos = []string{"h2"}
		return c, nil
	}
	return &peerListener{Listener: ln, cfg: cfg, s: s}
}

type peerListener struct {
	net.Listener
	cfg *tls.Config
	s   *Server
}

func (l *peerListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	t := tls.Server(c, l.cfg)
	l.s.peers.Store(c.RemoteAddr().String(), t)
	return &peerConn{Conn: t, s: l.s}, nil
}

type peerConn struct {
	*tls.Conn
	s *Server
}

func (c *peerConn) Close() error {
	c.s.peers.CompareAndDelete(c.RemoteAddr().String(), c.Conn)
	return c.Conn.Close()
}
