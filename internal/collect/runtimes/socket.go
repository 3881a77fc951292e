package runtimes

import (
	"cmp"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Socket is where one runtime may be reached.
type Socket struct {
	Runtime string // Docker, Podman, containerd or CRI-O
	Path    string
	Group   string // who owns it, in words, for the remedy
	dial    func(Socket) (client, error)
}

// Sockets are the usual places in the order in which they are asked, the ones
// with the names that people gave first. The variables are those that the
// runtimes' own commands read.
func Sockets(getenv func(string) string) []Socket {
	docker := func(path string) Socket { return Socket{"Docker", path, "docker", dialEngine} }
	podman := func(path string) Socket { return Socket{"Podman", path, "root", dialEngine} }
	out := []Socket{}
	if p, ok := strings.CutPrefix(getenv("DOCKER_HOST"), "unix://"); ok {
		out = append(out, docker(p))
	} else {
		out = append(out, docker("/var/run/docker.sock"))
	}
	if p, ok := strings.CutPrefix(getenv("CONTAINER_HOST"), "unix://"); ok {
		out = append(out, podman(p))
	} else {
		out = append(out, podman("/run/podman/podman.sock"))
	}
	if dir := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		out = append(out, docker(filepath.Join(dir, "docker.sock")), podman(filepath.Join(dir, "podman/podman.sock")))
	}
	containerd := strings.TrimPrefix(cmp.Or(getenv("CONTAINERD_ADDRESS"), "/run/containerd/containerd.sock"), "unix://")
	return append(out,
		Socket{"CRI-O", "/run/crio/crio.sock", "root", dialCRIO},
		Socket{"containerd", containerd, "root", dialContainerd},
	)
}

// present returns the sockets that are there. One that may not even be looked
// at counts, because that is to be told.
func (n *Names) present() []Socket {
	var out []Socket
	for _, s := range n.sockets {
		if _, err := os.Stat(s.Path); err == nil || os.IsPermission(err) {
			out = append(out, s)
		}
	}
	return out
}

// probeTimeout bounds the opening of a socket; a local one opens at once or
// has nobody that accepts.
const probeTimeout = 200 * time.Millisecond

func (s Socket) open() error {
	c, err := net.DialTimeout("unix", s.Path, probeTimeout)
	if err != nil {
		return err
	}
	return c.Close()
}

// connect makes a client for each socket that is there and drops those of
// sockets that are gone. It returns the sockets that can be asked.
func (n *Names) connect() []Socket {
	present := n.present()
	at := map[string]bool{}
	var out []Socket
	for _, s := range present {
		at[s.Path] = true
		if n.clients[s.Path] == nil {
			c, err := s.dial(s)
			if err != nil {
				n.outcome(s, err)
				continue
			}
			n.clients[s.Path] = c
		}
		out = append(out, s)
	}
	for path, c := range n.clients {
		if !at[path] {
			n.drop(path, c)
		}
	}
	return out
}

func (n *Names) drop(path string, c client) {
	delete(n.clients, path)
	if err := c.close(); err != nil {
		n.log.Debug("Close the connection to a container runtime", "socket", path, "err", err)
	}
	n.mu.Lock()
	delete(n.problems, path)
	n.mu.Unlock()
}

func (n *Names) closeClients() {
	for path, c := range n.clients {
		n.drop(path, c)
	}
}
