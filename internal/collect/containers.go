package collect

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
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

// housekeeping is how often cAdvisor reads a container's figures; it slows
// down by itself for those whose figures do not move.
const housekeeping = time.Second

// containerMetrics leaves out what costs much and what no common dashboard asks for.
var containerMetrics = container.MetricSet{
	container.CpuUsageMetrics: {}, container.MemoryUsageMetrics: {}, container.DiskIOMetrics: {},
	container.NetworkUsageMetrics: {}, container.ProcessMetrics: {}, container.OOMMetrics: {}, container.DiskUsageMetrics: {},
}

// addContainers adds cAdvisor.
func (s *Set) addContainers() {
	klog.SetSlogLogger(slog.New(&changes{next: s.o.Logger.With("source", "cadvisor").Handler(), seen: &seen{at: map[string]bool{}}}))
	if err := cgroups(s.o.SysPath); err != nil {
		s.miss("containers (cAdvisor)", err.Error(), "mount the host's /sys/fs/cgroup, or run on the host itself")
		return
	}
	every, dynamic := housekeeping, true
	m, err := guard(func() (manager.Manager, error) {
		return manager.New(memory.New(2*time.Minute, nil), sysfs.NewRealSysFs(), manager.HousekeepingConfig{Interval: &every, AllowDynamic: &dynamic}, containerMetrics, []string{"/"}, nil, "", 0)
	})
	if err != nil {
		s.miss("containers (cAdvisor)", err.Error(), "run with the host's cgroups and devices readable")
		return
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		metrics.NewPrometheusCollector(m, metrics.DefaultContainerLabels, containerMetrics, clock.RealClock{}, model.RequestOptions{IdType: model.TypeName, Count: 1, Recursive: true}),
		metrics.NewPrometheusMachineCollector(m, containerMetrics),
	)
	s.starts = append(s.starts, func() error {
		if _, err := guard(func() (struct{}, error) { return struct{}{}, m.Start() }); err != nil {
			// The target stays and tells by container_scrape_error that it is broken.
			s.miss("containers (cAdvisor)", err.Error(), "run with the host's cgroups readable")
			return nil
		}
		s.mu.Lock()
		s.stops = append(s.stops, m.Stop)
		s.mu.Unlock()
		return nil
	})
	s.add("cadvisor", "containers and cgroups of this host", reg)
	if rt := runtimes(); len(rt) == 0 {
		s.miss("names and images of containers", "no socket of containerd or CRI-O was found", "run with /run/containerd/containerd.sock or /run/crio/crio.sock readable; cgroups are watched all the same")
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
		return fmt.Errorf("cgroups cannot be read: %w", err)
	}
	for _, e := range entries {
		if e.Name() == "cgroup.controllers" || strings.HasPrefix(e.Name(), "cpu") || e.Name() == "memory" {
			return nil
		}
	}
	return errors.New(dir + " has no controllers: the cgroup file system is not mounted")
}

func runtimes() []string {
	var out []string
	for _, p := range []string{"/run/containerd/containerd.sock", "/var/run/containerd/containerd.sock", "/run/crio/crio.sock", "/var/run/crio/crio.sock"} {
		if _, err := os.Stat(p); err == nil {
			out = append(out, p)
		}
	}
	return out
}
