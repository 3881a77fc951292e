package collect

import (
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/cadvisor/lib/manager"
	"github.com/google/cadvisor/lib/model"

	"touchline.dev/touchline/internal/collect/runtimes"
)

// dockerAt serves a list of containers on a socket and returns Names that ask it.
func dockerAt(t *testing.T, list string) *runtimes.Names {
	t.Helper()
	dir, err := os.MkdirTemp("", "dk") //nolint:usetesting // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/containers/json") {
			fmt.Fprint(w, list)
		}
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(ln)
	}()
	sockets := runtimes.Sockets(func(k string) string {
		return map[string]string{"DOCKER_HOST": "unix://" + path}[k]
	})[:1]
	n, err := runtimes.New(runtimes.Options{Logger: slog.New(slog.DiscardHandler), Sockets: sockets, Labels: containerLabels})
	if err != nil {
		t.Fatal(err)
	}
	go n.Run(t.Context())
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		<-done
		os.RemoveAll(dir)
	})
	return n
}

// fixed is a manager that watches these control groups.
type fixed struct {
	manager.Manager
	groups []string
}

func (f fixed) GetRequestedContainersInfo(string, model.RequestOptions) (map[string]*model.ContainerInfo, error) {
	out := map[string]*model.ContainerInfo{}
	for _, g := range f.groups {
		out[g] = &model.ContainerInfo{ContainerReference: model.ContainerReference{Name: g}}
	}
	return out, nil
}

func TestLabelsOfContainers(t *testing.T) {
	const uid = "6f2b7f51-0f3c-4b0e-8f64-7c7b1d3c6d11"
	id := func(n int) string { return fmt.Sprintf("%064x", n) }
	names := dockerAt(t, fmt.Sprintf(`[
		{"Id":%q,"Names":["/shop-web"],"Image":"shop/web:1","Labels":{"com.docker.compose.project":"shop","org.opencontainers.image.title":"left out"}},
		{"Id":%q,"Names":["/k8s_api_api-0"],"Image":"shop/api:2","Labels":{"io.kubernetes.pod.name":"api-0","io.kubernetes.pod.namespace":"prod","io.kubernetes.container.name":"api","io.kubernetes.pod.uid":%q}}]`, id(1), id(2), uid))
	pod := "/kubepods.slice/kubepods-burstable-pod" + strings.ReplaceAll(uid, "-", "_") + ".slice"
	want := map[string]map[string]string{
		"/":                {"id": "/"},
		"/system.slice":    {"id": "/system.slice"},
		"/docker/" + id(1): {"id": "/docker/" + id(1), "name": "shop-web", "image": "shop/web:1", "container_label_com.docker.compose.project": "shop"},
		"/docker/" + id(3): {"id": "/docker/" + id(3)},
		pod:                {"id": pod, "pod": "api-0", "namespace": "prod"},
		pod + "/docker-" + id(2) + ".scope": {
			"id": pod + "/docker-" + id(2) + ".scope", "name": "k8s_api_api-0", "image": "shop/api:2", "pod": "api-0", "namespace": "prod", "container": "api",
			"container_label_io.kubernetes.pod.name": "api-0", "container_label_io.kubernetes.pod.namespace": "prod",
			"container_label_io.kubernetes.container.name": "api", "container_label_io.kubernetes.pod.uid": uid,
		},
	}
	f := fixed{}
	for g := range want {
		f.groups = append(f.groups, g)
	}
	first, err := named{f, names}.GetRequestedContainersInfo("/", model.RequestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != len(want)-3 {
		t.Errorf("the first scrape has %d groups; the three containers whose names are being asked for wait", len(first))
	}
	var all map[string]*model.ContainerInfo
	end := time.After(20 * time.Second)
	for len(all) < len(want) {
		if all, err = (named{f, names}).GetRequestedContainersInfo("/", model.RequestOptions{}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-end:
			t.Fatalf("only %d groups after 20 s", len(all))
		case <-time.After(5 * time.Millisecond):
		}
	}
	f2 := labels(names)
	for g, w := range want {
		if got := f2(all[g]); !maps.Equal(got, w) {
			t.Errorf("%s\ngot  %v\nwant %v", g, got, w)
		}
	}
}

// TestNetworkIsReportedOnce needs no rights: a user may make namespaces of its
// own, and where even that is forbidden the test says so.
func TestNetworkIsReportedOnce(t *testing.T) {
	child := exec.CommandContext(t.Context(), "sleep", "60")
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWUSER, Pdeathsig: syscall.SIGKILL}
	if err := child.Start(); err != nil {
		t.Fatalf("start a process with a network of its own: %v; this test needs user namespaces (sysctl kernel.unprivileged_userns_clone) or root", err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	n := &networks{owner: map[uint64]string{}}
	if n.own("/", os.Getpid(), "/docker/host") {
		t.Error("a container on the host's network reports the host's bytes")
	}
	for range 2 {
		if !n.own("/", child.Process.Pid, "/pod/a") {
			t.Error("the first container of a network does not report it")
		}
	}
	if n.own("/", child.Process.Pid, "/pod/b") {
		t.Error("two containers report one network")
	}
	n.own("/", 0, "/pod/a")
	if !n.own("/", child.Process.Pid, "/pod/b") {
		t.Error("nobody reports the network after its owner has ended")
	}
	n.release("/pod/b")
	if len(n.owner) != 0 {
		t.Errorf("left: %v", n.owner)
	}
}
