package runtimes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containerd/containerd/api/services/containers/v1"
	"github.com/containerd/containerd/api/services/namespaces/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func hexOf(n int) string { return fmt.Sprintf("%064x", n) }

// logged is a log that a test can read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.FieldsFunc(l.b.String(), func(r rune) bool { return r == '\n' })
}

// run starts Names over the sockets.
func run(t *testing.T, o Options) (*Names, *logged) {
	t.Helper()
	log := &logged{}
	o.Logger = slog.New(slog.NewTextHandler(log, nil))
	o.Labels = []string{LabelPod, LabelPodUID, "com.docker.compose.project"}
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return n, log
}

// settled looks an id up until it is known or known to be unknown.
func settled(t *testing.T, n *Names, id string) (Container, bool) {
	t.Helper()
	var c Container
	var known bool
	until(t, "answer for "+id, func() bool {
		var pending bool
		c, known, pending = n.Lookup(id)
		return !pending
	})
	return c, known
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("no %s in time", what)
		}
	}
}

// listen opens a unix socket with a path short enough for one.
func listen(t *testing.T) (net.Listener, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "rt") //nolint:usetesting // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	return ln, path
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	ln, path := listen(t)
	srv := httptest.NewUnstartedServer(h)
	if err := srv.Listener.Close(); err != nil {
		t.Fatal(err)
	}
	srv.Listener = ln
	srv.Start()
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	return path
}

// daemon is as much of the Docker Engine API as is asked, in the words of
// Docker 20.10, API version 1.41.
type daemon struct {
	lists atomic.Int64
	mu    sync.Mutex
	body  string
	code  int
}

func (d *daemon) set(code int, body string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.code, d.body = code, body
}

func (d *daemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/_ping") {
		w.Header().Set("Api-Version", "1.41")
		return
	}
	if r.URL.Path != "/v1.41/containers/json" || r.URL.RawQuery != "" {
		http.Error(w, `{"message":"page not found"}`, http.StatusNotFound)
		return
	}
	d.lists.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(d.code)
	fmt.Fprint(w, d.body)
}

func listed(id int, names, labels string) string {
	return fmt.Sprintf(`{"Id":%q,"Names":%s,"Image":"shop/web:1.4","ImageID":"sha256:6af1","Command":"/bin/sleep 600","Created":1795572815,"Ports":[],"Labels":%s,"State":"running","Status":"Up 13 seconds","HostConfig":{"NetworkMode":"none"},"NetworkSettings":{"Networks":{}},"Mounts":[]}`, hexOf(id), names, labels)
}

func TestDockerNames(t *testing.T) {
	d := &daemon{code: 200, body: "[" + listed(1, `["/gateway/alias","/shop-web-1"]`, `{"com.docker.compose.project":"shop","maintainer":"someone"}`) + "," + listed(2, `["/`+strings.Repeat("x", 2*maxValue)+`"]`, `null`) + "]"}
	n, log := run(t, Options{Sockets: []Socket{{"Docker", serve(t, d), "docker", dialEngine}}})
	c, ok := settled(t, n, hexOf(1))
	if !ok || c.Name != "shop-web-1" || c.Image != "shop/web:1.4" || len(c.Labels) != 1 || c.Labels["com.docker.compose.project"] != "shop" {
		t.Errorf("known %v: %+v", ok, c)
	}
	if c, ok = settled(t, n, hexOf(2)); !ok || len(c.Name) != maxValue {
		t.Errorf("a name of %d bytes became one of %d", 2*maxValue, len(c.Name))
	}
	if _, ok = settled(t, n, hexOf(3)); ok {
		t.Error("an id that Docker does not know has a name")
	}
	// 1,000 unknown containers are few questions, not 1,000.
	before := d.lists.Load()
	for i := range 1000 {
		n.Lookup(hexOf(100 + i))
	}
	settled(t, n, hexOf(1099))
	if got := d.lists.Load() - before; got < 1 || got > 5 {
		t.Errorf("1,000 new containers were %d questions", got)
	}
	if l := log.lines(); len(l) != 0 {
		t.Errorf("all is well, and %d lines: %q", len(l), l)
	}
	if p := n.Problems(); len(p) != 0 {
		t.Errorf("problems: %+v", p)
	}
}

func TestNameSurvivesTheDaemon(t *testing.T) {
	d := &daemon{code: 200, body: "[" + listed(1, `["/web"]`, `{}`) + "]"}
	n, log := run(t, Options{Sockets: []Socket{{"Docker", serve(t, d), "docker", dialEngine}}})
	settled(t, n, hexOf(1))
	for _, broken := range []string{`{"message":"internal error"}`, `this is no JSON`, `[{"Id":7}]`} {
		d.set(500, broken)
		n.Lookup(hexOf(2))
		until(t, "problem", func() bool { n.Lookup(hexOf(2)); return len(n.Problems()) == 1 })
	}
	p := n.Problems()
	if len(p) != 1 || p[0].What != "names of containers of Docker" || p[0].Reason == "" || p[0].Remedy == "" {
		t.Fatalf("problems: %+v", p)
	}
	if c, known, _ := n.Lookup(hexOf(1)); !known || c.Name != "web" {
		t.Errorf("the name is gone with the daemon: %v %+v", known, c)
	}
	if l := log.lines(); len(l) != 1 || !strings.Contains(l[0], "does not answer") {
		t.Errorf("%d lines: %q", len(l), l)
	}
	d.set(200, "["+listed(2, `["/late"]`, `{}`)+"]")
	until(t, "recovery", func() bool { c, _, _ := n.Lookup(hexOf(2)); return c.Name == "late" })
	if l := log.lines(); len(l) != 2 || !strings.Contains(l[1], "answers again") || len(n.Problems()) != 0 {
		t.Errorf("%q, problems %+v", l, n.Problems())
	}
}

func TestRuntimeThatHangsHoldsNobodyUp(t *testing.T) {
	release := make(chan struct{})
	hang := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(func() { close(release) })
	d := &daemon{code: 200, body: "[" + listed(1, `["/web"]`, `{}`) + "]"}
	n, _ := run(t, Options{Timeout: 300 * time.Millisecond, Sockets: []Socket{
		{"Podman", hang, "root", dialEngine}, {"Docker", serve(t, d), "docker", dialEngine},
	}})
	start := time.Now()
	if _, known, pending := n.Lookup(hexOf(1)); known || !pending {
		t.Error("an answer before the question")
	}
	if took := time.Since(start); took > 100*time.Millisecond {
		t.Errorf("Lookup took %s", took)
	}
	if c, ok := settled(t, n, hexOf(1)); !ok || c.Name != "web" {
		t.Errorf("the other runtime was not asked: %v %+v", ok, c)
	}
	if p := n.Problems(); len(p) != 1 || !strings.Contains(p[0].What, "Podman") {
		t.Errorf("problems: %+v", p)
	}
}

func TestRuntimeThatComesLater(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	n, log := run(t, Options{Sockets: []Socket{{"Docker", path, "docker", dialEngine}}})
	if _, ok := settled(t, n, hexOf(1)); ok {
		t.Error("a name from nowhere")
	}
	if p := n.Probe(); len(p) != 1 || !strings.Contains(p[0].Reason, path) || p[0].Remedy == "" {
		t.Errorf("without a runtime: %+v", p)
	}
	there := serve(t, &daemon{code: 200, body: "[" + listed(1, `["/web"]`, `{}`) + "]"})
	if err := os.Symlink(there, path); err != nil {
		t.Fatal(err)
	}
	until(t, "name", func() bool { _, known, _ := n.Lookup(hexOf(1)); return known })
	if l := log.lines(); len(l) != 0 || len(n.Problems()) != 0 {
		t.Errorf("lines %q, problems %+v", l, n.Problems())
	}
}

func TestCRIO(t *testing.T) {
	labels := map[string]string{LabelPod: "web-0", LabelPodUID: "uid-1", "other": "x"}
	path := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/containers/" + hexOf(1):
			if err := json.NewEncoder(w).Encode(map[string]any{"name": "k8s_web_web-0_shop_uid-1_0", "image": "quay.io/shop/web:1", "pid": 7, "labels": labels}); err != nil {
				t.Error(err)
			}
		case "/containers/" + hexOf(3):
			http.Error(w, "broken", http.StatusInternalServerError)
		default:
			http.NotFound(w, r)
		}
	}))
	n, _ := run(t, Options{Sockets: []Socket{{"CRI-O", path, "root", dialCRIO}}})
	c, ok := settled(t, n, hexOf(1))
	if !ok || c.Name != "k8s_web_web-0_shop_uid-1_0" || c.Image != "quay.io/shop/web:1" || c.Labels["other"] != "" {
		t.Errorf("%v %+v", ok, c)
	}
	if p, ok := n.Pod("uid-1"); !ok || p.Labels[LabelPod] != "web-0" {
		t.Errorf("pod: %v %+v", ok, p)
	}
	if _, ok := settled(t, n, hexOf(2)); ok || len(n.Problems()) != 0 {
		t.Errorf("unknown container: %v, problems %+v", ok, n.Problems())
	}
	if settled(t, n, hexOf(3)); len(n.Problems()) != 1 || !strings.Contains(n.Problems()[0].Reason, "500") {
		t.Errorf("problems: %+v", n.Problems())
	}
}

// containerdAPI is as much of containerd as is asked.
type containerdAPI struct {
	containers.UnimplementedContainersServer
	by map[string]map[string]*containers.Container
}

func (f *containerdAPI) Get(ctx context.Context, r *containers.GetContainerRequest) (*containers.GetContainerResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	if c := f.by[strings.Join(md.Get("containerd-namespace"), "")][r.ID]; c != nil {
		return &containers.GetContainerResponse{Container: c}, nil
	}
	return nil, status.Error(codes.NotFound, "container not found")
}

type namespaceAPI struct {
	namespaces.UnimplementedNamespacesServer
	names []string
}

func (f namespaceAPI) List(context.Context, *namespaces.ListNamespacesRequest) (*namespaces.ListNamespacesResponse, error) {
	out := &namespaces.ListNamespacesResponse{}
	for _, n := range f.names {
		out.Namespaces = append(out.Namespaces, &namespaces.Namespace{Name: n})
	}
	return out, nil
}

func TestContainerd(t *testing.T) {
	ln, path := listen(t)
	srv := grpc.NewServer()
	containers.RegisterContainersServer(srv, &containerdAPI{by: map[string]map[string]*containers.Container{
		"moby":    {hexOf(1): {ID: hexOf(1), Image: "nameless"}},
		"k8s.io":  {hexOf(2): {ID: hexOf(2), Image: "registry/web:1", Labels: map[string]string{LabelPod: "web-0"}}},
		"default": {hexOf(3): {ID: hexOf(3), Image: "redis:7", Labels: map[string]string{"nerdctl/name": "cache"}}},
	}})
	namespaces.RegisterNamespacesServer(srv, namespaceAPI{names: []string{"default", "k8s.io", "moby"}})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(ln); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		srv.Stop()
		<-done
	})
	n, _ := run(t, Options{Sockets: []Socket{{"containerd", path, "root", dialContainerd}}})
	if _, ok := settled(t, n, hexOf(1)); ok {
		t.Error("a container of Docker was named by containerd, which does not know its name")
	}
	if c, ok := settled(t, n, hexOf(2)); !ok || c.Name != hexOf(2) || c.Image != "registry/web:1" || c.Labels[LabelPod] != "web-0" {
		t.Errorf("kubelet's: %v %+v", ok, c)
	}
	if c, ok := settled(t, n, hexOf(3)); !ok || c.Name != "cache" {
		t.Errorf("nerdctl's: %v %+v", ok, c)
	}
	if p := n.Problems(); len(p) != 0 {
		t.Errorf("problems: %+v", p)
	}
}

func TestProblemOfRightsNamesTheGroup(t *testing.T) {
	p := problem(Socket{Runtime: "Docker", Path: "/var/run/docker.sock", Group: "docker"}, fmt.Errorf("list: %w", &fs.PathError{Op: "connect", Err: fs.ErrPermission}))
	if !strings.Contains(p.Reason, "/var/run/docker.sock may not be opened") || !strings.Contains(p.Remedy, "the group that owns the socket (docker)") {
		t.Errorf("%+v", p)
	}
}

func TestSocketsFollowTheRuntimesOwnVariables(t *testing.T) {
	env := map[string]string{"DOCKER_HOST": "unix:///a.sock", "CONTAINER_HOST": "unix:///b.sock", "CONTAINERD_ADDRESS": "/c.sock", "XDG_RUNTIME_DIR": "/run/user/7"}
	var got []string
	for _, s := range Sockets(func(k string) string { return env[k] }) {
		got = append(got, s.Runtime+" "+s.Path)
	}
	want := "Docker /a.sock, Podman /b.sock, Docker /run/user/7/docker.sock, Podman /run/user/7/podman/podman.sock, CRI-O /run/crio/crio.sock, containerd /c.sock"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	got = nil
	for _, s := range Sockets(func(string) string { return "" }) {
		got = append(got, s.Path)
	}
	if s := strings.Join(got, " "); s != "/var/run/docker.sock /run/podman/podman.sock /run/crio/crio.sock /run/containerd/containerd.sock" {
		t.Error(s)
	}
}
