package collect

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/cadvisor/lib/container"
	"github.com/google/cadvisor/lib/container/common"
	"github.com/google/cadvisor/lib/container/libcontainer"
	"github.com/google/cadvisor/lib/fs"
	"github.com/google/cadvisor/lib/model"
	"github.com/google/cadvisor/lib/watcher"
	"github.com/opencontainers/cgroups"
	"k8s.io/klog/v2"

	"touchline.dev/touchline/internal/collect/runtimes"
)

// cAdvisor's own handlers of Docker, Podman, containerd and CRI-O ask the
// runtime before they accept a container, without a time limit, once for all
// when the process starts, and Docker again at every reading. Its handler of
// other control groups reads all limits of all groups at every scrape. Ours
// reads the group whatever the runtime does, and its limits every specAge;
// names are joined on when the figures are exported, by labels. The root group
// is left to cAdvisor.

// specAge is how old a group's limits may be. They change with docker update
// and its like.
const specAge = 10 * time.Second

// processesAge is how old the figures of a group's processes may be: for them
// each open file of each process is looked at.
const processesAge = 10 * time.Second

// maxGroups bounds how many groups are read; the first number holds for groups
// that are no containers, such as systemd's services.
const maxOtherGroups, maxGroups = 500, 2000

// registerPlugin makes our handler known to cAdvisor, once per process.
var registerPlugin = sync.OnceValue(func() error { return container.RegisterPlugin("containers", plugin{}) })

// plugin registers groups for each new manager.
type plugin struct{}

// InitializeFSContext implements container.Plugin.
func (plugin) InitializeFSContext(*fs.Context) error { return nil }

// Register implements container.Plugin.
func (plugin) Register(machine model.MachineInfoFactory, _ fs.FsInfo, _ container.MetricSet) (watcher.ContainerWatcher, error) {
	mounts, err := libcontainer.GetCgroupSubsystems(containerMetrics)
	if err != nil {
		return nil, fmt.Errorf("find the control groups of containers: %w", err)
	}
	container.RegisterContainerHandlerFactory(&groups{machine: machine, mounts: mounts, networks: &networks{owner: map[uint64]string{}}, peeks: peeks()}, []watcher.ContainerWatchSource{watcher.Raw})
	return nil, nil
}

// groups makes a handler for each control group but the root.
type groups struct {
	machine  model.MachineInfoFactory
	mounts   map[string]string // where each controller is mounted
	networks *networks
	peeks    bool // the open files of processes can be counted
	watched  atomic.Int64
}

// String implements container.ContainerHandlerFactory.
func (*groups) String() string { return "containers" }

// CanHandleAndAccept implements container.ContainerHandlerFactory. A group that
// is refused is offered again every minute.
func (g *groups) CanHandleAndAccept(name string) (handle, accept bool, err error) {
	if name == "/" || strings.HasSuffix(name, ".mount") {
		return false, false, nil
	}
	limit := int64(maxOtherGroups)
	if _, ok := runtimes.ID(name); ok {
		limit = maxGroups
	}
	if g.watched.Load() < limit {
		return true, true, nil
	}
	klog.Warningf("More than %d control groups: the others are not watched", limit)
	return true, false, nil
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
	_, isContainer := runtimes.ID(name)
	g.watched.Add(1)
	return &group{groups: g, name: name, root: root, isContainer: isContainer, paths: paths, manager: m}, nil
}

// group is one control group.
type group struct {
	*groups
	name, root  string
	isContainer bool
	paths       map[string]string
	manager     cgroups.Manager

	mu          sync.Mutex // protects what follows
	pid         int        // a process of it, or 0
	net         bool       // the network figures are this container's own
	fast, full  *libcontainer.Handler
	spec        model.ContainerSpec
	specAt      time.Time
	processes   *model.ProcessStats
	processesAt time.Time
}

var _ container.ContainerHandler = (*group)(nil)

// ContainerReference implements container.ContainerHandler.
func (g *group) ContainerReference() (model.ContainerReference, error) {
	return model.ContainerReference{Name: g.name}, nil
}

// GetSpec implements container.ContainerHandler.
func (g *group) GetSpec() (model.ContainerSpec, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); now.Sub(g.specAt) > specAge {
		spec, err := common.GetSpec(g.paths, g.machine, false, false)
		if err != nil {
			return spec, fmt.Errorf("read the limits of %s: %w", g.name, err)
		}
		g.spec, g.specAt = spec, now
	}
	spec := g.spec
	spec.HasNetwork = g.net
	return spec, nil
}

// GetStats implements container.ContainerHandler.
func (g *group) GetStats() (*model.ContainerStats, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.follow()
	read := g.fast
	now := time.Now()
	// Without the right to look, cAdvisor would count no open files at all.
	old := g.peeks && now.Sub(g.processesAt) > processesAge
	if old {
		read = g.full
	}
	stats, err := read.GetStats()
	if err != nil {
		return stats, err
	}
	if old {
		g.processes, g.processesAt = stats.Processes, now
	} else {
		stats.Processes = g.processes
	}
	mi, err := g.machine.GetMachineInfo()
	if err != nil {
		return stats, fmt.Errorf("name the disks of %s: %w", g.name, err)
	}
	common.AssignDeviceNamesToDiskStats((*common.MachineInfoNamer)(mi), stats.DiskIo)
	return stats, nil
}

// follow finds a process of the group that lives, and makes the readers for it.
// The group is there before its first process, and may outlive it.
func (g *group) follow() {
	pid := g.pid
	if pid > 0 {
		if _, err := os.Stat(filepath.Join(g.root, "proc", strconv.Itoa(pid))); err != nil {
			pid = 0
		}
	}
	if pid == 0 && g.isContainer {
		// A runtime that divides the group puts the processes into parts of it.
		if all, err := g.manager.GetAllPids(); err == nil && len(all) > 0 {
			pid = all[0]
		}
	}
	// Who reports a shared network may have ended since the last reading.
	net := g.networks.own(g.root, pid, g.name)
	if g.full != nil && pid == g.pid && net == g.net {
		return
	}
	g.pid, g.net = pid, net
	with := common.RemoveNetMetrics(containerMetrics, !net)
	g.full = libcontainer.NewHandler(g.manager, g.root, pid, with)
	g.fast = libcontainer.NewHandler(g.manager, g.root, pid, with.Difference(processMetrics))
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
func (g *group) Cleanup() {
	g.networks.release(g.name)
	g.watched.Add(-1)
}

// Start implements container.ContainerHandler.
func (*group) Start() {}

// Type implements container.ContainerHandler.
func (*group) Type() container.ContainerType { return container.ContainerTypeRaw }

// networks gives each network namespace one container that reports it.
// The containers of a pod share one, and would count the same bytes several
// times; those on the host's network would count the host's.
type networks struct {
	mu    sync.Mutex
	owner map[uint64]string // control group by namespace
}

// network identifies the network namespace of a process. Its ns/net link may be
// read by few; the number of its net/dev file differs as well, and by all.
func network(root, pid string) (uint64, bool) {
	fi, err := os.Stat(filepath.Join(root, "proc", pid, "net/dev"))
	if err != nil {
		return 0, false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return st.Ino, true
}

// peeks says whether this process may look at the open files of others'.
func peeks() bool {
	const ptrace = 1 << 19 // CAP_SYS_PTRACE of capabilities(7)
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(raw)) {
		if hex, ok := strings.CutPrefix(line, "CapEff:"); ok {
			caps, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			return err == nil && (os.Geteuid() == 0 || caps&ptrace != 0)
		}
	}
	return os.Geteuid() == 0
}

// own says whether the network of this process is reported by this group.
func (n *networks) own(root string, pid int, group string) bool {
	if pid == 0 {
		n.release(group)
		return false
	}
	ns, ok := network(root, strconv.Itoa(pid))
	if !ok {
		return false
	}
	for _, host := range []string{"1", "self"} {
		if root != "/" && host == "self" {
			// We are a container ourselves, and our network is one to report.
			continue
		}
		if of, ok := network(root, host); ok && of == ns {
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
