package collect

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/google/cadvisor/lib/container"
	"github.com/google/cadvisor/lib/container/common"
	"github.com/google/cadvisor/lib/container/libcontainer"
	"github.com/google/cadvisor/lib/fs"
	"github.com/google/cadvisor/lib/model"
	"github.com/google/cadvisor/lib/watcher"
	"github.com/opencontainers/cgroups"

	"touchline.dev/touchline/internal/collect/runtimes"
)

// cAdvisor's own handlers of Docker, Podman, containerd and CRI-O ask the
// runtime before they accept a container, without a time limit, once for all
// when the process starts, and Docker again at every reading. Ours reads the
// control group whatever the runtime does; names are joined on when the figures
// are exported, by labels.

// registerPlugin makes our handler known to cAdvisor, once per process.
var registerPlugin = sync.OnceValue(func() error { return container.RegisterPlugin("containers", plugin{}) })

// plugin registers groups for each new manager.
type plugin struct{}

// InitializeFSContext implements container.Plugin.
func (plugin) InitializeFSContext(*fs.Context) error { return nil }

// Register implements container.Plugin.
func (plugin) Register(machine model.MachineInfoFactory, _ fs.FsInfo, metrics container.MetricSet) (watcher.ContainerWatcher, error) {
	mounts, err := libcontainer.GetCgroupSubsystems(metrics)
	if err != nil {
		return nil, fmt.Errorf("find the control groups of containers: %w", err)
	}
	container.RegisterContainerHandlerFactory(&groups{machine: machine, mounts: mounts, metrics: metrics, networks: &networks{owner: map[string]string{}}}, []watcher.ContainerWatchSource{watcher.Raw})
	return nil, nil
}

// groups makes a handler for each control group that is a container's.
type groups struct {
	machine  model.MachineInfoFactory
	mounts   map[string]string // where each controller is mounted
	metrics  container.MetricSet
	networks *networks
}

// String implements container.ContainerHandlerFactory.
func (*groups) String() string { return "containers" }

// CanHandleAndAccept implements container.ContainerHandlerFactory.
func (*groups) CanHandleAndAccept(name string) (handle, accept bool, err error) {
	_, ok := runtimes.ID(name)
	return ok, ok, nil
}

// DebugInfo implements container.ContainerHandlerFactory.
func (*groups) DebugInfo() map[string][]string { return nil }

// NewContainerHandler implements container.ContainerHandlerFactory.
func (g *groups) NewContainerHandler(name string, _ []string, inHostNamespace bool) (container.ContainerHandler, error) {
	paths := common.MakeCgroupPaths(g.mounts, name)
	m, err := libcontainer.NewCgroupManager(name, paths)
	if err != nil {
		return nil, fmt.Errorf("open the control group %s: %w", name, err)
	}
	root := "/"
	if !inHostNamespace {
		root = "/rootfs"
	}
	return &group{groups: g, name: name, root: root, paths: paths, manager: m}, nil
}

// group is the control group of one container.
type group struct {
	*groups
	name, root string
	paths      map[string]string
	manager    cgroups.Manager

	mu     sync.Mutex // protects what follows
	pid    int        // a process of it, or 0
	net    bool       // the network figures are this container's own
	reader *libcontainer.Handler
}

var _ container.ContainerHandler = (*group)(nil)

// ContainerReference implements container.ContainerHandler.
func (g *group) ContainerReference() (model.ContainerReference, error) {
	return model.ContainerReference{Name: g.name}, nil
}

// GetSpec implements container.ContainerHandler.
func (g *group) GetSpec() (model.ContainerSpec, error) {
	g.mu.Lock()
	net := g.net
	g.mu.Unlock()
	spec, err := common.GetSpec(g.paths, g.machine, net, false)
	if err != nil {
		return spec, fmt.Errorf("read the limits of %s: %w", g.name, err)
	}
	return spec, nil
}

// GetStats implements container.ContainerHandler.
func (g *group) GetStats() (*model.ContainerStats, error) {
	stats, err := g.current().GetStats()
	if err != nil {
		return stats, err
	}
	if g.metrics.Has(container.DiskIOMetrics) {
		mi, err := g.machine.GetMachineInfo()
		if err != nil {
			return stats, fmt.Errorf("name the disks of %s: %w", g.name, err)
		}
		common.AssignDeviceNamesToDiskStats((*common.MachineInfoNamer)(mi), stats.DiskIo)
	}
	return stats, nil
}

// current returns the reader for a process of the group that lives. The group
// is there before its first process, and may outlive it.
func (g *group) current() *libcontainer.Handler {
	g.mu.Lock()
	defer g.mu.Unlock()
	pid := g.pid
	if pid > 0 {
		if _, err := os.Stat(filepath.Join(g.root, "proc", strconv.Itoa(pid))); err != nil {
			pid = 0
		}
	}
	if pid == 0 {
		// A runtime that divides the group puts the processes into parts of it.
		if all, err := g.manager.GetAllPids(); err == nil && len(all) > 0 {
			pid = all[0]
		}
	}
	// Who reports a shared network may have ended since the last reading.
	net := g.networks.own(g.root, pid, g.name)
	if g.reader == nil || pid != g.pid || net != g.net {
		g.pid, g.net = pid, net
		g.reader = libcontainer.NewHandler(g.manager, g.root, pid, common.RemoveNetMetrics(g.metrics, !net))
	}
	return g.reader
}

// ListContainers implements container.ContainerHandler.
func (g *group) ListContainers(container.ListType) ([]model.ContainerReference, error) {
	return nil, nil
}

// ListProcesses implements container.ContainerHandler.
func (g *group) ListProcesses(container.ListType) ([]int, error) { return g.manager.GetPids() }

// GetCgroupPath implements container.ContainerHandler.
func (g *group) GetCgroupPath(resource string) (string, error) {
	if cgroups.IsCgroup2UnifiedMode() {
		resource = ""
	}
	if p, ok := g.paths[resource]; ok {
		return p, nil
	}
	return "", fmt.Errorf("find the controller %q of %s: it is not mounted", resource, g.name)
}

// GetContainerLabels implements container.ContainerHandler.
func (*group) GetContainerLabels() map[string]string { return nil }

// GetContainerIPAddress implements container.ContainerHandler.
func (*group) GetContainerIPAddress() string { return "" }

var errNoExitCode = errors.New("a control group does not tell how its container ended")

// GetExitCode implements container.ContainerHandler.
func (*group) GetExitCode() (int, error) { return -1, errNoExitCode }

// Exists implements container.ContainerHandler.
func (g *group) Exists() bool { return common.CgroupExists(g.paths) }

// Cleanup implements container.ContainerHandler.
func (g *group) Cleanup() { g.networks.release(g.name) }

// Start implements container.ContainerHandler.
func (*group) Start() {}

// Type implements container.ContainerHandler.
func (*group) Type() container.ContainerType { return container.ContainerTypeRaw }

// networks gives each network namespace one container that reports it.
// The containers of a pod share one, and would count the same bytes several
// times; those on the host's network would count the host's.
type networks struct {
	mu    sync.Mutex
	owner map[string]string // control group by namespace
}

// own says whether the network of this process is reported by this group.
func (n *networks) own(root string, pid int, group string) bool {
	if pid == 0 {
		n.release(group)
		return false
	}
	// Without the right to look, nobody knows whose network it is.
	ns, err := os.Readlink(filepath.Join(root, "proc", strconv.Itoa(pid), "ns/net"))
	if err != nil {
		return false
	}
	for _, host := range []string{"1", "self"} {
		if root != "/" && host == "self" {
			// We are a container ourselves, and our network is one to report.
			continue
		}
		if of, err := os.Readlink(filepath.Join(root, "proc", host, "ns/net")); err == nil && of == ns {
			return false
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if was, ok := n.owner[ns]; ok && was != group {
		return false
	}
	n.owner[ns] = group
	return true
}

func (n *networks) release(group string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for ns, g := range n.owner {
		if g == group {
			delete(n.owner, ns)
		}
	}
}
