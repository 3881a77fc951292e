package collect

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/cadvisor/lib/cache/memory"
	"github.com/google/cadvisor/lib/container"
	"github.com/google/cadvisor/lib/manager"
	"github.com/google/cadvisor/lib/metrics"
	"github.com/google/cadvisor/lib/model"
	"github.com/google/cadvisor/lib/utils/sysfs"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	// The container runtimes and file systems that cAdvisor knows by name.
	_ "github.com/google/cadvisor/lib/container/containerd/install"
	_ "github.com/google/cadvisor/lib/container/crio/install"
	_ "github.com/google/cadvisor/lib/container/systemd/install"
	_ "github.com/google/cadvisor/lib/fs/btrfs/install"
	_ "github.com/google/cadvisor/lib/fs/overlay/install"
	_ "github.com/google/cadvisor/lib/fs/tmpfs/install"
	_ "github.com/google/cadvisor/lib/fs/vfs/install"
)

// maxHousekeeping is the longest that cAdvisor waits before it reads a
// container's figures again. It begins at one second and doubles while not one
// figure moves, so a host with many idle cgroups costs little, and an idle
// container that wakes up is seen within this time.
const maxHousekeeping = 8 * time.Second

// containerMetrics leaves out what costs much and what no common dashboard asks
// for, such as the figures of processes, which cAdvisor's own program leaves out
// by default too: they take a look at every open file of every process.
var containerMetrics = container.MetricSet{
	container.CpuUsageMetrics: {}, container.MemoryUsageMetrics: {}, container.DiskIOMetrics: {},
	container.NetworkUsageMetrics: {}, container.OOMMetrics: {}, container.DiskUsageMetrics: {},
}

// containerLabels are the labels of a container that become container_label_…
// on each of its series: those that dashboards group by. All labels of all
// images would be without bound.
var containerLabels = []string{
	"io.kubernetes.container.name", "io.kubernetes.pod.name", "io.kubernetes.pod.namespace", "io.kubernetes.pod.uid",
	"com.docker.compose.project", "com.docker.compose.service", "com.docker.compose.container-number",
	"com.docker.swarm.service.name", "com.docker.swarm.task.name",
}

// cadvisor is the one manager of the process. cAdvisor registers its container
// handlers in package variables, and the goroutine of a watched cgroup ends
// only with that cgroup, so Sets share a manager and the last one stops it.
var cadvisor struct {
	mu      sync.Mutex
	users   int
	started bool
	err     error // of starting
	manager manager.Manager
	cache   *memory.InMemoryCache // where the manager keeps the figures
}

// acquireManager returns the shared manager; every success needs one releaseManager.
func acquireManager() (containerInfo, error) {
	cadvisor.mu.Lock()
	defer cadvisor.mu.Unlock()
	if cadvisor.users == 0 {
		every, dynamic, cache := maxHousekeeping, true, memory.New(2*maxHousekeeping, nil)
		m, err := guard(func() (manager.Manager, error) {
			return manager.New(cache, sysfs.NewRealSysFs(), manager.HousekeepingConfig{Interval: &every, AllowDynamic: &dynamic}, containerMetrics, []string{"/"}, nil, "", 0)
		})
		if err != nil {
			return nil, err
		}
		cadvisor.manager, cadvisor.cache, cadvisor.started, cadvisor.err = m, cache, false, nil
	}
	cadvisor.users++
	return &slowerInfo{containerInfo: cadvisor.manager, stats: cadvisor.cache, every: describeEvery, now: time.Now}, nil
}

// startManager starts the shared manager once.
func startManager() error {
	cadvisor.mu.Lock()
	defer cadvisor.mu.Unlock()
	if !cadvisor.started {
		cadvisor.started = true
		_, cadvisor.err = guard(func() (struct{}, error) { return struct{}{}, cadvisor.manager.Start() })
	}
	return cadvisor.err
}

func releaseManager() error {
	cadvisor.mu.Lock()
	defer cadvisor.mu.Unlock()
	if cadvisor.users--; cadvisor.users > 0 {
		return nil
	}
	m := cadvisor.manager
	cadvisor.manager, cadvisor.cache = nil, nil
	// A later manager registers the handlers anew, and each cgroup would be asked of both.
	defer container.ClearContainerHandlerFactories()
	if _, err := guard(func() (struct{}, error) { return struct{}{}, m.Stop() }); err != nil {
		return fmt.Errorf("stop cAdvisor: %w", err)
	}
	return nil
}

// klogOnce guards klog's package-wide logger.
var klogOnce sync.Once

// addContainers adds cAdvisor.
func (s *Set) addContainers() {
	const what = "containers (cAdvisor)"
	klogOnce.Do(func() { klog.SetSlogLogger(quiet(s.o.Logger.With("source", "cadvisor").Handler())) })
	if s.o.SysPath != "/sys" {
		s.miss(what, "cAdvisor reads /sys only, and the path given is "+s.o.SysPath, "mount the host's /sys at /sys")
		return
	}
	if err := cgroups(s.o.SysPath); err != nil {
		s.miss(what, err.Error(), "mount the host's /sys/fs/cgroup, or run on the host itself")
		return
	}
	m, err := acquireManager()
	if err != nil {
		s.miss(what, err.Error(), "run with the host's cgroups and devices readable")
		return
	}
	s.stops = append(s.stops, releaseManager)
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		guarded{metrics.NewPrometheusCollector(m, metrics.BaseContainerLabels(containerLabels), containerMetrics, clock.RealClock{}, model.RequestOptions{IdType: model.TypeName, Count: 1, Recursive: true}), "cadvisor", "containers", s.failures},
		guarded{metrics.NewPrometheusMachineCollector(m, containerMetrics), "cadvisor", "machine", s.failures},
	)
	s.starts = append(s.starts, func() {
		if err := startManager(); err != nil {
			// The target stays and tells by container_scrape_error that it is broken.
			s.miss(what, err.Error(), "run with the host's cgroups readable")
		}
	})
	s.add("cadvisor", "containers and control groups of this host", reg)
	if !runtimeSeen() {
		s.miss("names and images of containers", "no socket of containerd or CRI-O was found", "run with /run/containerd/containerd.sock or /run/crio/crio.sock readable; control groups are watched all the same")
	}
}

// guard turns a panic of the library into an error.
func guard[T any](f func() (T, error)) (out T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}

// cgroups says why containers cannot be seen here, or nil.
func cgroups(sys string) error {
	dir := filepath.Join(sys, "fs/cgroup")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("control groups cannot be read: %w", err)
	}
	for _, e := range entries {
		if e.Name() == "cgroup.controllers" || strings.HasPrefix(e.Name(), "cpu") || e.Name() == "memory" {
			return nil
		}
	}
	return errors.New(dir + " has no controllers: the cgroup file system is not mounted")
}

// runtimeSeen says whether a runtime that cAdvisor can ask for names is here.
func runtimeSeen() bool {
	for _, p := range []string{"/run/containerd/containerd.sock", "/var/run/containerd/containerd.sock", "/run/crio/crio.sock", "/var/run/crio/crio.sock"} {
		if _, err := os.Stat(p); err == nil {
			return true
		}
	}
	return false
}
