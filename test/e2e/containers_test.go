//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// need fails with the package to install where a command is missing.
func need(t *testing.T, command, debian string) {
	t.Helper()
	if _, err := exec.LookPath(command); err != nil {
		t.Fatalf("%s is missing: apt-get install %s", command, debian)
	}
}

// needRoot fails where the test cannot make what it watches.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("container runtimes and control groups need root: run make e2e as root")
	}
}

// out runs a command and returns what it prints.
func out(t *testing.T, name string, args ...string) string {
	t.Helper()
	raw, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, raw)
	}
	return strings.TrimSpace(string(raw))
}

// background starts a server that ends with the test.
func background(t *testing.T, name string, args ...string) func() {
	t.Helper()
	var log output
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	ended := false
	stop := func() {
		if ended {
			return
		}
		ended = true
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", name, &log)
		}
	}
	t.Cleanup(stop)
	return stop
}

// reachable waits until a command succeeds.
func reachable(t *testing.T, name string, args ...string) {
	t.Helper()
	var last []byte
	end := time.After(30 * time.Second)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		raw, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
		if err == nil {
			return
		}
		last = raw
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s %s does not succeed:\n%s", name, strings.Join(args, " "), last)
		}
	}
}

// shortDir is a directory whose path leaves room for the name of a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "e2e") //nolint:usetesting // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestContainersHaveNames runs containers in a real Docker and a real
// containerd and expects their series under the labels that dashboards select.
func TestContainersHaveNames(t *testing.T) {
	needRoot(t)
	for command, debian := range map[string]string{"dockerd": "docker.io", "docker": "docker.io", "containerd": "containerd", "ctr": "containerd", "ip": "iproute2", "nsenter": "util-linux", "tar": "tar"} {
		need(t, command, debian)
	}
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil || bytes.Contains(busybox[:4096], []byte("/lib64/ld-linux")) {
		t.Fatalf("a static /bin/busybox is missing: apt-get install busybox-static (%v)", err)
	}
	dir := shortDir(t)
	rootfs := filepath.Join(dir, "rootfs")
	if err := os.MkdirAll(filepath.Join(rootfs, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"busybox", "sleep"} {
		if err := os.WriteFile(filepath.Join(rootfs, "bin", name), busybox, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	tarball := filepath.Join(dir, "rootfs.tar")
	out(t, "tar", "-C", rootfs, "-cf", tarball, ".")

	dockerSocket, containerdSocket := filepath.Join(dir, "d.sock"), filepath.Join(dir, "c.sock")
	docker := func(args ...string) string {
		return out(t, "docker", append([]string{"-H", "unix://" + dockerSocket}, args...)...)
	}
	ctr := func(args ...string) string {
		return out(t, "ctr", append([]string{"-a", containerdSocket, "-n", "k8s.io"}, args...)...)
	}
	t.Cleanup(func() {
		// With live-restore the daemon leaves its data directory mounted on itself.
		_ = exec.Command("umount", "-l", filepath.Join(dir, "dr")).Run()
	})
	daemon := []string{"--live-restore", "--data-root", filepath.Join(dir, "dr"), "--exec-root", filepath.Join(dir, "de"), "-H", "unix://" + dockerSocket,
		"--pidfile", filepath.Join(dir, "d.pid"), "--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=vfs"}
	stopDocker := background(t, "dockerd", daemon...)
	config := write(t, dir, "c.toml", fmt.Sprintf("version = 2\nroot = %q\nstate = %q\n[grpc]\naddress = %q\n", filepath.Join(dir, "cr"), filepath.Join(dir, "cs"), containerdSocket))
	background(t, "containerd", "-c", config)
	reachable(t, "docker", "-H", "unix://"+dockerSocket, "version")
	reachable(t, "ctr", "-a", containerdSocket, "version")

	docker("import", tarball, "shop/web:1")
	start := func(name string, more ...string) string {
		id := docker(append(append([]string{"run", "-d", "--name", name, "--network", "none"}, more...), "shop/web:1", "/bin/sleep", "600")...)
		t.Cleanup(func() {
			_ = exec.Command("docker", "-H", "unix://"+dockerSocket, "rm", "-f", name).Run()
		})
		return id
	}
	id := start("shop-web", "--label", "com.docker.compose.project=shop", "--memory", "64m")
	pid := docker("inspect", "-f", "{{.State.Pid}}", "shop-web")
	out(t, "nsenter", "-t", pid, "-n", "ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth9")

	podID := strings.Repeat("0123456789abcdef", 4)
	ctr("run", "-d", "--rootfs", "--label", "io.kubernetes.pod.name=api-0", "--label", "io.kubernetes.pod.namespace=prod",
		"--label", "io.kubernetes.container.name=api", "--label", "io.kubernetes.pod.uid=u-1", rootfs, podID, "/bin/sleep", "600")
	t.Cleanup(func() {
		_ = exec.Command("ctr", "-a", containerdSocket, "-n", "k8s.io", "task", "rm", "-f", podID).Run()
	})

	t.Setenv("DOCKER_HOST", "unix://"+dockerSocket)
	t.Setenv("CONTAINERD_ADDRESS", containerdSocket)
	p := launch(t, t.TempDir())
	for what, query := range map[string]string{
		"Docker's":     `container_cpu_usage_seconds_total{name="shop-web",image="shop/web:1",id=~".*` + id + `.*",container_label_com_docker_compose_project="shop"}`,
		"limit":        `container_spec_memory_limit_bytes{name="shop-web"} == 64 * 1024 * 1024`,
		"memory":       `container_memory_working_set_bytes{name="shop-web"} > 0`,
		"start time":   `time() - container_start_time_seconds{name="shop-web"} < 120`,
		"network":      `container_network_receive_bytes_total{name="shop-web",interface="eth0"}`,
		"Kubernetes's": `container_memory_working_set_bytes{pod="api-0",namespace="prod",container="api",id=~".*` + podID + `.*"}`,
	} {
		p.until(20*time.Second, what+": "+query, func() bool { return p.value(query) != "" })
	}
	if v := p.value(`count(count by (name) (count_over_time(container_last_seen{id=~".*` + id + `.*"}[1h])))`); v != "1" {
		t.Errorf("the series of one container have %s names over time", v)
	}

	// A container that starts later has its name as soon as it is seen.
	start("shop-worker")
	p.until(20*time.Second, "shop-worker", func() bool { return p.value(`container_cpu_usage_seconds_total{name="shop-worker"}`) != "" })
	if v := p.value(`count(count_over_time(container_last_seen{name="",id=~".*/(docker|docker-)[/]?[0-9a-f]{64}.*"}[1h]))`); v != "" {
		t.Errorf("%s series of containers had no name for a while", v)
	}

	// What is known stays known without Docker, and the log is not flooded.
	stopDocker()
	stopped := time.Now().Unix()
	p.until(30*time.Second, "fresh figures under the same name without Docker", func() bool {
		return p.value(fmt.Sprintf(`container_last_seen{name="shop-web"} > %d`, stopped+2)) != ""
	})
	background(t, "dockerd", daemon...)
	reachable(t, "docker", "-H", "unix://"+dockerSocket, "version")
	start("shop-late")
	p.until(30*time.Second, "shop-late", func() bool { return p.value(`container_cpu_usage_seconds_total{name="shop-late"}`) != "" })
	if n := strings.Count(p.out.String(), "container runtime"); n > 2 {
		t.Errorf("%d lines about the runtime:\n%s", n, p.out)
	}
	docker("rm", "-f", "shop-web", "shop-worker", "shop-late")
	p.stop()
}
