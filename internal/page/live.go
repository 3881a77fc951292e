package page

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"
)

// The sparklines show historySpan at historyStep.
const (
	historySpan = 5 * time.Minute
	historyStep = 5 * time.Second
)

// Limits on what the overview shows.
const (
	maxHosts      = 8
	maxContainers = 12
)

// rates is the PromQL of a per-second rate: over five seconds where the
// sources are scraped every second, else over two minutes.
func rates(selector string) string {
	return "(rate(" + selector + "[5s]) or rate(" + selector + "[2m]))"
}

const (
	realDevices     = `device!~"lo|veth.*|docker.*|br-.*|cali.*|flannel.*|cni.*|tap.*"`
	realFilesystems = `fstype!~"tmpfs|ramfs|squashfs|iso9660|fuse.*|nsfs|proc|devtmpfs"`
)

// hostFigures are the expressions of the host cards, one element per instance.
var hostFigures = []struct{ name, expr string }{
	{"cpu", `100 * (1 - avg by (instance) ` + rates(`node_cpu_seconds_total{mode="idle"}`) + `)`},
	{"mem", `100 * (1 - max by (instance) (node_memory_MemAvailable_bytes) / max by (instance) (node_memory_MemTotal_bytes))`},
	{"disk", `100 * max by (instance) (1 - node_filesystem_avail_bytes{` + realFilesystems + `} / (node_filesystem_size_bytes{` + realFilesystems + `} > 0))`},
	{"rx", `sum by (instance) ` + rates(`node_network_receive_bytes_total{`+realDevices+`}`)},
	{"tx", `sum by (instance) ` + rates(`node_network_transmit_bytes_total{`+realDevices+`}`)},
}

// nowFigures are asked for each second beside the host figures, without a
// history.
var nowFigures = []struct{ name, expr string }{
	{"load", `max by (instance) (node_load1)`},
	{"cores", `count by (instance) (node_cpu_seconds_total{mode="idle"})`},
	{"memtotal", `max by (instance) (node_memory_MemTotal_bytes)`},
	{"ccpu", `100 * topk(40, sum by (name, id, namespace, pod, container) ` + rates(`container_cpu_usage_seconds_total{id!="/"}`) + `)`},
	{"cmem", `sum by (name, id, namespace, pod, container) (container_memory_working_set_bytes{id!="/"})`},
}

// oneQuery joins expressions into one, each marked by the label figure.
func oneQuery(figures ...struct{ name, expr string }) string {
	parts := make([]string, 0, len(figures))
	for _, f := range figures {
		parts = append(parts, `label_replace(`+f.expr+`, "figure", "`+f.name+`", "", "")`)
	}
	return strings.Join(parts, " or ")
}

var (
	nowQuery     = oneQuery(slices.Concat(hostFigures, nowFigures)...)
	historyQuery = oneQuery(hostFigures...)
)

// figure is a value that may be missing.
type figure struct {
	Value float64
	Known bool
	Spark []float64 // oldest first, NaN where there is none; empty without a history
}

// host is one card of the overview.
type host struct {
	Instance                 string
	CPU, Mem, Disk, RX, TX   figure
	Load, Cores, MemoryTotal figure
}

// container is one row of the overview.
type container struct {
	Name     string
	CPU, Mem figure
}

// load is what moves every second.
type load struct {
	Hosts      []host
	MoreHosts  int
	Containers []container
	Named      int // containers that a runtime has given a name
	Groups     int // control groups without one
}

func (p *Page) fetchLoad(ctx context.Context) (load, error) {
	res, err := p.api.instant(ctx, nowQuery, time.Time{})
	if err != nil {
		return load{}, err
	}
	past, pastErr := p.history.get(ctx)
	if pastErr != nil {
		// The figures are worth more than their sparklines.
		p.logger.Debug("cannot read the history of the host figures", "err", pastErr)
	}
	return buildLoad(res.Series, past), nil
}

// buildLoad sorts the elements of the batched query into hosts and containers.
func buildLoad(elements []series, past history) load {
	hosts := map[string]*host{}
	containers := map[string]*container{}
	named := map[string]bool{}
	for _, s := range elements {
		if s.Value == nil || !finite(s.Value.V) {
			continue
		}
		name := s.Metric["figure"]
		f := figure{Value: s.Value.V, Known: true}
		if name == "ccpu" || name == "cmem" {
			id := s.Metric["id"]
			c := containers[id]
			if c == nil {
				c = &container{Name: id}
				containers[id] = c
			}
			if n := containerName(s.Metric); n != "" {
				c.Name, named[id] = n, true
			}
			if name == "ccpu" {
				c.CPU = f
			} else {
				c.Mem = f
			}
			continue
		}
		instance := s.Metric["instance"]
		h := hosts[instance]
		if h == nil {
			h = &host{Instance: instance}
			hosts[instance] = h
		}
		f.Spark = past.line(name, instance, f.Value)
		switch name {
		case "cpu":
			h.CPU = f
		case "mem":
			h.Mem = f
		case "disk":
			h.Disk = f
		case "rx":
			h.RX = f
		case "tx":
			h.TX = f
		case "load":
			h.Load = f
		case "cores":
			h.Cores = f
		case "memtotal":
			h.MemoryTotal = f
		}
	}
	out := load{Named: len(named), Groups: len(containers) - len(named)}
	for _, h := range hosts {
		// A target that exports one of these names by chance is not a host.
		if h.CPU.Known || h.Mem.Known {
			out.Hosts = append(out.Hosts, *h)
		}
	}
	slices.SortFunc(out.Hosts, func(a, b host) int { return strings.Compare(a.Instance, b.Instance) })
	for id, c := range containers {
		// A control group that uses nothing has nobody in it.
		if (len(named) == 0 || named[id]) && (c.CPU.Value > 0 || c.Mem.Value > 0) {
			out.Containers = append(out.Containers, *c)
		}
	}
	// By memory, which moves slowly, so that the rows do not jump.
	slices.SortFunc(out.Containers, func(a, b container) int {
		if a.Mem.Value != b.Mem.Value {
			if a.Mem.Value > b.Mem.Value {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	out.Containers = out.Containers[:min(len(out.Containers), maxContainers)]
	return out
}

// containerName is how people call a container: the name that its runtime knows
// it by, or, where the kubelet has started it, its place in the cluster, because
// there the runtime knows a number only. The group of a whole pod has none.
func containerName(labels map[string]string) string {
	name, pod := labels["name"], labels["pod"]
	if name == "" || pod == "" {
		return name
	}
	return strings.TrimSuffix(labels["namespace"]+"/"+pod+"/"+labels["container"], "/")
}

// history holds the last minutes of the host figures.
type history struct {
	lines map[[2]string][]float64 // by figure and instance
}

func (p *Page) fetchHistory(ctx context.Context) (history, error) {
	end := p.now().Truncate(historyStep)
	start := end.Add(-historySpan)
	res, err := p.api.between(ctx, historyQuery, start, end, historyStep)
	if err != nil {
		return history{}, err
	}
	n := int(historySpan/historyStep) + 1
	h := history{lines: make(map[[2]string][]float64, len(res.Series))}
	for _, s := range res.Series {
		line := make([]float64, n)
		for i := range line {
			line[i] = math.NaN()
		}
		for _, v := range s.Values {
			i := int(math.Round((v.T - float64(start.UnixMilli())/1000) / historyStep.Seconds()))
			if i >= 0 && i < n && finite(v.V) {
				line[i] = v.V
			}
		}
		h.lines[[2]string{s.Metric["figure"], s.Metric["instance"]}] = line
	}
	return h, nil
}

// line gives the history of a figure with its value of now at the end.
func (h history) line(name, instance string, now float64) []float64 {
	past := h.lines[[2]string{name, instance}]
	if past == nil {
		return nil
	}
	return append(slices.Clone(past), now)
}
