package collect

import (
	"context"
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

	// What is no group to watch, and the file systems that cAdvisor knows by name.
	_ "github.com/google/cadvisor/lib/container/systemd/install"
	_ "github.com/google/cadvisor/lib/fs/btrfs/install"
	_ "github.com/google/cadvisor/lib/fs/overlay/install"
	_ "github.com/google/cadvisor/lib/fs/tmpfs/install"
	_ "github.com/google/cadvisor/lib/fs/vfs/install"

	"touchline.dev/touchline/internal/collect/runtimes"
)

// maxHousekeeping is the longest that cAdvisor waits before it reads a
// container's figures again. It begins at one second and doubles while not one
// figure moves, so a host with many idle cgroups costs little, and an idle
// container that wakes up is seen within this time.
const maxHousekeeping = 8 * time.Second

// containerMetrics leaves out what costs much and what no common dashboard asks for.
var containerMetrics = container.MetricSet{
	container.CpuUsageMetrics: {}, container.MemoryUsageMetrics: {}, container.DiskIOMetrics: {},
	container.NetworkUsageMetrics: {}, container.ProcessMetrics: {}, container.OOMMetrics: {}, container.DiskUsageMetrics: {},
}

// processMetrics are the figures of a group's processes. cAdvisor's own handler
// of the root group looks at every open file of every process of the host for
// them, each second; node_exporter tells the same of the host for nothing.
var processMetrics = container.MetricSet{container.ProcessMetrics: {}}

// containerLabels are the labels of a container that become container_label_…
// on each of its series: those that dashboards group by. All labels of all
// images would be without bound.
var containerLabels = []string{
	runtimes.LabelContainer, runtimes.LabelPod, runtimes.LabelNamespace, runtimes.LabelPodUID,
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
		if err := registerPlugin(); err != nil {
			return nil, fmt.Errorf("register the handler of containers: %w", err)
		}
		every, dynamic, cache := maxHousekeeping, true, memory.New(2*maxHousekeeping, nil)
		m, err := guard(func() (manager.Manager, error) {
			return manager.New(cache, sysfs.NewRealSysFs(), manager.HousekeepingConfig{Interval: &every, AllowDynamic: &dynamic}, containerMetrics.Difference(processMetrics), []string{"/"}, nil, "", 0)
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
	if err := mounted(s.o.SysPath); err != nil {
		s.miss(what, err.Error(), "mount the host's /sys/fs/cgroup, or run on the host itself")
		return
	}
	m, err := acquireManager()
	if err != nil {
		s.miss(what, "cAdvisor cannot describe this machine: "+err.Error(), "make /proc (cpuinfo, meminfo, vmstat, diskstats), /sys and /sys/fs/cgroup of the host readable")
		return
	}
	s.stops = append(s.stops, releaseManager)
	if !peeks() {
		s.miss("processes, open files and sockets of control groups", "this user may not look into the processes of others", "run as root, or with AmbientCapabilities=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH")
	}
	names, err := runtimes.New(runtimes.Options{Logger: s.o.Logger.With("source", "cadvisor"), Sockets: s.o.Runtimes, Labels: containerLabels})
	if err != nil {
		s.miss(what, err.Error(), "report this as a defect")
		return
	}
	s.names = names
	for _, p := range names.Probe() {
		s.o.Logger.Warn("Not watched", "what", p.What, "reason", p.Reason, "remedy", p.Remedy)
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		guarded{metrics.NewPrometheusCollector(named{m, names}, labels(names), containerMetrics, clock.RealClock{}, model.RequestOptions{IdType: model.TypeName, Count: 1, Recursive: true}), "cadvisor", "containers", s.failures},
		guarded{metrics.NewPrometheusMachineCollector(m, containerMetrics), "cadvisor", "machine", s.failures},
	)
	s.starts = append(s.starts, func() {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			names.Run(ctx)
		}()
		s.stops = append(s.stops, func() error {
			cancel()
			<-done
			return nil
		})
		if err := startManager(); err != nil {
			// The target stays and tells by container_scrape_error that it is broken.
			s.miss(what, err.Error(), "run with the host's cgroups readable")
		}
	})
	s.add("cadvisor", "containers and control groups of this host", reg)
}

// named is the manager without the containers whose names are being asked for
// this moment: they come with the next scrape. Each container's series begin
// with their final labels that way.
type named struct {
	containerInfo
	names *runtimes.Names
}

// GetRequestedContainersInfo is what cAdvisor's collector asks.
func (n named) GetRequestedContainersInfo(name string, o model.RequestOptions) (map[string]*model.ContainerInfo, error) {
	all, err := n.containerInfo.GetRequestedContainersInfo(name, o)
	for k, c := range all {
		if id, ok := runtimes.ID(c.Name); ok {
			if _, _, pending := n.names.Lookup(id); pending {
				delete(all, k)
			}
		}
	}
	return all, err
}

// labels returns the labels of a container: those of cAdvisor, and those by
// which the kubelet's own cAdvisor names what belongs to a pod.
func labels(names *runtimes.Names) metrics.ContainerLabelsFunc {
	return func(c *model.ContainerInfo) map[string]string {
		set := map[string]string{metrics.LabelID: c.Name}
		if uid, ok := runtimes.PodUID(c.Name); ok {
			if of, ok := names.Pod(uid); ok {
				set["pod"], set["namespace"] = of.Labels[runtimes.LabelPod], of.Labels[runtimes.LabelNamespace]
			}
			return set
		}
		id, ok := runtimes.ID(c.Name)
		if !ok {
			return set
		}
		is, ok, _ := names.Lookup(id)
		if !ok {
			return set
		}
		set[metrics.LabelName], set[metrics.LabelImage] = is.Name, is.Image
		for k, v := range is.Labels {
			set[metrics.ContainerLabelPrefix+k] = v
		}
		if pod := is.Labels[runtimes.LabelPod]; pod != "" {
			set["pod"], set["namespace"], set["container"] = pod, is.Labels[runtimes.LabelNamespace], is.Labels[runtimes.LabelContainer]
		}
		return set
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

// mounted says why containers cannot be seen here, or nil.
func mounted(sys string) error {
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
