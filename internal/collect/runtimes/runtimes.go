// Package runtimes finds the names of containers: it asks the container
// runtimes of this host over their sockets, remembers the answers, and never
// lets anybody wait for a runtime.
package runtimes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Container is what a runtime says about one container.
type Container struct {
	ID     string
	Name   string // as cAdvisor names it: the user's name, or the id where the runtime has none
	Image  string
	Labels map[string]string // those of Options.Labels that it has
}

// The labels with which the kubelet marks what it starts.
const (
	LabelPod       = "io.kubernetes.pod.name"
	LabelNamespace = "io.kubernetes.pod.namespace"
	LabelPodUID    = "io.kubernetes.pod.uid"
	LabelContainer = "io.kubernetes.container.name"
)

// Problem is a runtime that cannot be asked, or that there is none.
type Problem struct{ What, Reason, Remedy string }

// client asks one runtime.
type client interface {
	// containers returns what the runtime knows of the wanted ids. It may return
	// more, and leaves out what it does not know.
	containers(ctx context.Context, wanted []string) ([]Container, error)
	close() error
}

const (
	// callTimeout bounds one question to one runtime unless Options say otherwise.
	callTimeout = 3 * time.Second
	// minGap is the least time between two rounds of questions, so that a burst
	// of new containers is one question.
	minGap = 200 * time.Millisecond
	// refreshAfter is when a name is asked for again: Docker renames containers.
	refreshAfter = 2 * time.Minute
	// firstRetry and lastRetry bound when an id that no runtime knew is asked
	// for again; the time doubles between them.
	firstRetry, lastRetry = time.Second, time.Minute
	// forgetAfter is when an id that nobody looks up any more is forgotten.
	forgetAfter = 5 * time.Minute
	// maxContainers bounds what is remembered.
	maxContainers = 20_000
	// maxValue bounds one label value, name or image, in bytes.
	maxValue = 512
)

// Options configure Names.
type Options struct {
	Logger *slog.Logger
	// Sockets are where runtimes may be; nil means Sockets(os.Getenv).
	Sockets []Socket
	Labels  []string // the labels of containers that are kept
	// Timeout bounds one question to one runtime; 0 means 3 seconds.
	Timeout time.Duration
}

// entry is what is known of one id.
type entry struct {
	c      Container
	named  bool
	asked  bool // at least one round has ended that asked for it
	seen   time.Time
	askAt  time.Time
	waited time.Duration
}

// Names remembers what the runtimes said.
type Names struct {
	log     *slog.Logger
	sockets []Socket
	keep    []string
	timeout time.Duration
	poke    chan struct{}

	mu       sync.Mutex // protects what follows
	known    map[string]*entry
	pods     map[string]Container // a container of each pod, by the pod's uid
	problems map[string]Problem   // by socket

	clients map[string]client // of the goroutine of Run alone
}

// New prepares Names; Run asks.
func New(o Options) (*Names, error) {
	if o.Logger == nil {
		return nil, errors.New("open the names of containers: Logger is required")
	}
	if o.Sockets == nil {
		o.Sockets = Sockets(os.Getenv)
	}
	return &Names{
		log: o.Logger, sockets: o.Sockets, keep: o.Labels, timeout: cmp.Or(o.Timeout, callTimeout), poke: make(chan struct{}, 1),
		known: map[string]*entry{}, pods: map[string]Container{}, problems: map[string]Problem{}, clients: map[string]client{},
	}, nil
}

// Lookup returns what is known of a container. It never waits: an id that is
// new is asked for in the background. pending says that no answer was tried
// for yet, so a caller may look again before it settles for no name.
func (n *Names) Lookup(id string) (c Container, known, pending bool) {
	now := time.Now()
	n.mu.Lock()
	e := n.known[id]
	if e == nil {
		if len(n.known) >= maxContainers {
			n.mu.Unlock()
			return Container{}, false, false
		}
		e = &entry{askAt: now}
		n.known[id] = e
	}
	e.seen = now
	due := !now.Before(e.askAt)
	c, known, pending = e.c, e.named, !e.asked
	n.mu.Unlock()
	if due {
		select {
		case n.poke <- struct{}{}:
		default:
		}
	}
	return c, known, pending
}

// Pod returns a container of the pod with this uid.
func (n *Names) Pod(uid string) (Container, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c, ok := n.pods[uid]
	return c, ok
}

// Run asks the runtimes until ctx ends, and closes the connections to them.
func (n *Names) Run(ctx context.Context) {
	defer n.closeClients()
	gap := time.NewTimer(0)
	defer gap.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.poke:
		}
		select {
		case <-ctx.Done():
			return
		case <-gap.C:
		}
		n.round(ctx)
		gap.Reset(minGap)
	}
}

// round asks every runtime for what is due.
func (n *Names) round(ctx context.Context) {
	wanted := n.due()
	if len(wanted) == 0 {
		return
	}
	found := map[string]Container{}
	present := n.connect()
	for _, s := range present {
		left := slices.DeleteFunc(slices.Clone(wanted), func(id string) bool { _, ok := found[id]; return ok })
		if len(left) == 0 {
			break
		}
		call, cancel := context.WithTimeout(ctx, n.timeout)
		cs, err := n.clients[s.Path].containers(call, left)
		cancel()
		if ctx.Err() != nil {
			return
		}
		n.outcome(s, err)
		for _, c := range cs {
			if _, ok := found[c.ID]; !ok {
				found[c.ID] = n.trimmed(c)
			}
		}
	}
	n.settle(wanted, found)
}

// due returns the ids to ask for, and forgets those that nobody looks up.
func (n *Names) due() []string {
	now := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []string
	for id, e := range n.known {
		switch {
		case now.Sub(e.seen) > forgetAfter:
			delete(n.known, id)
			if uid := e.c.Labels[LabelPodUID]; uid != "" && n.pods[uid].ID == id {
				delete(n.pods, uid)
			}
		case !now.Before(e.askAt):
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func (n *Names) settle(wanted []string, found map[string]Container) {
	now := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, id := range wanted {
		e := n.known[id]
		if e == nil {
			continue
		}
		e.asked = true
		if c, ok := found[id]; ok {
			e.c, e.named, e.waited, e.askAt = c, true, 0, now.Add(refreshAfter)
			if uid := c.Labels[LabelPodUID]; uid != "" {
				n.pods[uid] = c
			}
			continue
		}
		// A name once known stays good while the runtime restarts.
		e.waited = min(max(2*e.waited, firstRetry), lastRetry)
		e.askAt = now.Add(e.waited)
	}
}

// trimmed keeps the labels that were asked for, and nothing without bound.
func (n *Names) trimmed(c Container) Container {
	out := Container{ID: c.ID, Name: short(cmp.Or(c.Name, c.ID)), Image: short(c.Image)}
	for _, k := range n.keep {
		if v, ok := c.Labels[k]; ok {
			if out.Labels == nil {
				out.Labels = map[string]string{}
			}
			out.Labels[k] = short(v)
		}
	}
	return out
}

// short bounds a value and keeps it valid UTF-8, which the exposition requires.
func short(s string) string {
	if len(s) > maxValue {
		s = s[:maxValue]
	}
	return strings.ToValidUTF8(s, "")
}

// outcome tells a failure once, and its end once.
func (n *Names) outcome(s Socket, err error) {
	n.mu.Lock()
	old, failing := n.problems[s.Path]
	p := Problem{}
	if err != nil {
		p = problem(s, err)
		n.problems[s.Path] = p
	} else {
		delete(n.problems, s.Path)
	}
	n.mu.Unlock()
	switch {
	case err != nil && (!failing || old.Remedy != p.Remedy):
		n.log.Warn("A container runtime does not answer; told again only after it has answered", "runtime", s.Runtime, "reason", p.Reason, "remedy", p.Remedy)
	case err == nil && failing:
		n.log.Info("A container runtime answers again", "runtime", s.Runtime, "socket", s.Path)
	}
}

// problem turns an error of a socket into words.
func problem(s Socket, err error) Problem {
	p := Problem{What: "names of containers of " + s.Runtime, Reason: fmt.Sprintf("ask %s: %v", s.Path, err), Remedy: "check that " + s.Runtime + " is running and answers on that socket"}
	if errors.Is(err, fs.ErrPermission) || strings.Contains(err.Error(), "permission denied") {
		p.Reason = s.Path + " may not be opened by this user: permission denied"
		p.Remedy = "run as root, or add this user to the group that owns the socket (" + s.Group + ")"
	}
	return p
}

// Probe tries to open every socket that is there, and says what is wrong with
// those that cannot be opened, or that there is none. It logs nothing.
func (n *Names) Probe() []Problem {
	n.mu.Lock()
	defer n.mu.Unlock()
	present := n.present()
	if len(present) == 0 {
		return []Problem{none(n.sockets)}
	}
	var out []Problem
	for _, s := range present {
		if err := s.open(); err != nil {
			out = append(out, problem(s, err))
			// It was told by the caller; Run tells it again only if it changes.
			n.problems[s.Path] = out[len(out)-1]
		}
	}
	return out
}

func none(looked []Socket) Problem {
	var paths []string
	for _, s := range looked {
		paths = append(paths, s.Path)
	}
	return Problem{
		What:   "names and images of containers",
		Reason: "no socket of Docker, Podman, containerd or CRI-O: looked at " + strings.Join(paths, ", "),
		Remedy: "where containers run, start us with the runtime's socket readable, or name it in DOCKER_HOST, CONTAINER_HOST or CONTAINERD_ADDRESS; control groups are watched all the same",
	}
}

// Problems says what keeps names from being found now.
func (n *Names) Problems() []Problem {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.present()) == 0 {
		return []Problem{none(n.sockets)}
	}
	out := make([]Problem, 0, len(n.problems))
	for _, k := range slices.Sorted(maps.Keys(n.problems)) {
		out = append(out, n.problems[k])
	}
	return out
}
