package collect

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/node_exporter/collector"
)

// nodeFailed is the message with which node_exporter logs a failed collector at
// every scrape; failures tells it instead.
const nodeFailed = "collector failed"

// noUdev is the message with which node_exporter logs that disks have no
// properties; Missing tells it instead.
const noUdev = "Failed to open directory, disabling udev device properties"

// udev is where node_exporter reads the properties of disks.
const udev = "/run/udev/data"

// nodePaths are where node_exporter looks. It keeps them, and every collector
// that it has made, in package variables, so a process has one set of them.
type nodePaths struct{ proc, sys, rootfs string }

var (
	nodeMu     sync.Mutex
	nodeParsed *nodePaths
)

// nodeCollectors parses the settings once per process and returns the names of
// node_exporter's default collectors.
func nodeCollectors(p nodePaths) ([]string, error) {
	nodeMu.Lock()
	defer nodeMu.Unlock()
	if nodeParsed == nil {
		_, err := kingpin.CommandLine.Parse([]string{
			"--path.procfs=" + p.proc, "--path.sysfs=" + p.sys, "--path.rootfs=" + p.rootfs,
		})
		if err != nil {
			return nil, fmt.Errorf("set up the collectors: %w", err)
		}
		nodeParsed = &p
	}
	if *nodeParsed != p {
		return nil, fmt.Errorf("this process already reads %s, %s and %s, and node_exporter's collectors take one set of paths per process", nodeParsed.proc, nodeParsed.sys, nodeParsed.rootfs)
	}
	var names []string
	for _, f := range kingpin.CommandLine.Model().Flags {
		// Options of a collector have a second dot in their names.
		name, ok := strings.CutPrefix(f.Name, "collector.")
		if ok && !strings.Contains(name, ".") && f.Value.String() == "true" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// addNode adds node_exporter's default collectors.
func (s *Set) addNode() {
	const what = "the host (node_exporter's collectors)"
	if _, err := os.Stat(filepath.Join(s.o.ProcPath, "stat")); err != nil {
		s.miss(what, fmt.Sprintf("%s is not a proc file system: %v", s.o.ProcPath, err), "mount the host's /proc and /sys, or run on Linux")
		return
	}
	names, err := nodeCollectors(nodePaths{s.o.ProcPath, s.o.SysPath, s.o.RootfsPath})
	if err != nil {
		s.miss(what, err.Error(), "use one set of paths, or another process")
		return
	}
	log := quiet(s.o.Logger.With("source", "node").Handler())
	all := &collector.NodeCollector{}
	for _, name := range names {
		// Each is made alone, because one that cannot be made would take all others with it.
		nc, err := guard(func() (*collector.NodeCollector, error) { return collector.NewNodeCollector(log, name) })
		if err != nil {
			s.miss("node_exporter's collector "+name, err.Error(), "mount what it reads, or ignore it: the other collectors work")
			continue
		}
		if all.Collectors == nil {
			all = nc
		}
		maps.Copy(all.Collectors, nc.Collectors)
	}
	if all.Collectors == nil {
		s.miss(what, "not one collector could be made", "mount the host's /proc and /sys")
		return
	}
	oneByOne := make(turn, 1)
	for name, c := range all.Collectors {
		if describing[name] {
			c = &slowerNode{Collector: c, every: describeEvery, now: time.Now}
		}
		all.Collectors[name] = guardedNode{Collector: c, name: name, f: s.failures, turn: oneByOne}
	}
	if _, err := os.ReadDir(udev); err != nil {
		s.miss("models and serial numbers of disks (node_disk_info)", err.Error(), "mount the host's /run/udev; the figures of disks are there all the same")
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(all, nodeBuildInfo())
	// A first run finds the collectors that fail, so that the start can tell them.
	if _, err := reg.Gather(); err != nil {
		s.failures.failed("node", "gather", "error", err)
	}
	s.add("node", "this host: processors, memory, disks, file systems, network", reg)
}

// nodeBuildInfo says which node_exporter is linked, by the name that its dashboards read.
func nodeBuildInfo() prometheus.Collector {
	version := "unknown"
	if bi, ok := debug.ReadBuildInfo(); ok {
		for _, d := range bi.Deps {
			if d.Path == "github.com/prometheus/node_exporter" {
				version = strings.TrimPrefix(d.Version, "v")
			}
		}
	}
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "node_exporter_build_info", Help: "The version of the node_exporter collectors that this process is built with; always 1.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	g.Set(1)
	return g
}

// guardedNode is one of node_exporter's collectors. node_exporter runs each in
// a goroutine of its own, so a panic in it is caught here or nowhere.
type guardedNode struct {
	collector.Collector
	name string
	f    *failures
	turn turn
}

// turn lets one collector at a time run. node_exporter starts all at once: each
// second some forty goroutines would stand before whatever has just arrived.
type turn chan struct{}

// turnTime is how long a collector waits for its turn: longer than all of them
// take, and not for ever, because of one that hangs in the kernel.
const turnTime = 100 * time.Millisecond

// take waits for the turn, and returns what ends it.
func (t turn) take() (end func()) {
	patience := time.NewTimer(turnTime)
	defer patience.Stop()
	select {
	case t <- struct{}{}:
		return func() { <-t }
	case <-patience.C:
		return func() {}
	}
}

// Update implements collector.Collector.
func (g guardedNode) Update(ch chan<- prometheus.Metric) (err error) {
	defer g.turn.take()()
	kind := "error"
	defer func() {
		if p := recover(); p != nil {
			kind, err = "panic", fmt.Errorf("panic: %v", p)
		}
		switch {
		case err == nil:
			g.f.succeeded("node", g.name)
		case errors.Is(err, collector.ErrNoData):
			// The host lacks what this collector is for. node_scrape_collector_success says 0, as upstream's does.
		default:
			g.f.failed("node", g.name, kind, err)
		}
	}()
	return g.Collector.Update(ch)
}
