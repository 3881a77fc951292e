// Package fleet makes the data of the benchmarks: hosts with the series of
// node_exporter and cAdvisor that the shipped rules read, with values that move
// as those do: from one sample to the next, 15 s later, a quarter of the series
// changes and the others rest, as was counted on a host under load (25 % of
// node_exporter's series, 20 % of cAdvisor's). The same number of hosts always
// gives the same samples.
package fleet

import (
	"fmt"
	"slices"
	"strings"

	"touchline.dev/touchline/bench/wire"
)

// SeriesPerHost is the number of series of each host.
const SeriesPerHost = 300

// kind says how a series moves.
type kind int

const (
	constant kind = iota
	gauge         // walks around its base
	counter       // grows by about base a second
	seldom        // a counter that nearly always rests
)

// series is one time series and its state.
type series struct {
	labels  []byte // the encoded labels of the time series message
	kind    kind
	base    float64
	value   float64
	decimal float64 // values are rounded to 1/decimal
}

// Fleet is a number of hosts. Its methods must not be called at the same time.
type Fleet struct {
	series []series
	random uint64
}

// New makes a fleet.
func New(hosts int) *Fleet {
	f := &Fleet{random: 1}
	for h := range hosts {
		f.host(h)
	}
	return f
}

// Series is the number of series.
func (f *Fleet) Series() int { return len(f.series) }

// next is a pseudo-random number in [0, 1): splitmix64, by Steele, Lea and
// Flood (2014).
func (f *Fleet) next() float64 {
	f.random += 0x9e3779b97f4a7c15
	z := f.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}

// add adds one series; pairs are label names and values beside the name, job and instance.
func (f *Fleet) add(k kind, base, decimal float64, job, instance, name string, pairs ...string) {
	all := [][2]string{{"__name__", name}, {"instance", instance}, {"job", job}}
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, [2]string{pairs[i], pairs[i+1]})
	}
	slices.SortFunc(all, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	s := series{labels: wire.Labels(all), kind: k, base: base, decimal: decimal, value: base}
	if k == counter {
		s.value = base * 86400 * (0.5 + f.next())
	}
	if k == gauge {
		s.value = base * (0.6 + 0.4*f.next())
	}
	f.series = append(f.series, s)
}

const gib = 1 << 30

// when gives k to a series that moves, and lets the others rest.
func when(moves bool, k kind) kind {
	if moves {
		return k
	}
	return constant
}

// host adds the series of one host, SeriesPerHost of them.
func (f *Fleet) host(n int) {
	at := fmt.Sprintf("host-%04d.example.com:9100", n)
	node := func(k kind, base, decimal float64, name string, pairs ...string) {
		f.add(k, base, decimal, "node", at, name, pairs...)
	}
	share := map[string]float64{"idle": 0.8, "iowait": 0.01, "irq": 0, "nice": 0, "softirq": 0.01, "steal": 0, "system": 0.05, "user": 0.13}
	for cpu := range 8 {
		for _, mode := range []string{"idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"} {
			node(when(share[mode] > 0.01, counter), share[mode], 100, "node_cpu_seconds_total", "cpu", fmt.Sprint(cpu), "mode", mode)
		}
	}
	node(gauge, 20*gib, 1.0/4096, "node_memory_MemAvailable_bytes")
	node(gauge, 8*gib, 1.0/4096, "node_memory_MemFree_bytes")
	node(gauge, 10*gib, 1.0/4096, "node_memory_Cached_bytes")
	node(constant, 32*gib, 1, "node_memory_MemTotal_bytes")
	for i, load := range []string{"node_load1", "node_load5", "node_load15"} {
		node(gauge, 2/float64(i+1), 100, load)
	}
	for i, mount := range []string{"/", "/var", "/srv", "/boot", "/tmp", "/opt"} {
		fs := []string{"device", fmt.Sprintf("/dev/sda%d", i+1), "fstype", "ext4", "mountpoint", mount}
		node(when(i < 3, gauge), 60*gib, 1.0/4096, "node_filesystem_avail_bytes", fs...)
		node(constant, 100*gib, 1, "node_filesystem_size_bytes", fs...)
		node(when(i < 3, gauge), 5e6, 1, "node_filesystem_files_free", fs...)
		node(constant, 6e6, 1, "node_filesystem_files", fs...)
		node(constant, 0, 1, "node_filesystem_readonly", fs...)
	}
	for i, dev := range []string{"lo", "eth0", "eth1", "docker0"} {
		d := []string{"device", dev}
		for _, dir := range []string{"receive", "transmit"} {
			node(when(i < 2, counter), 2e5*float64(i+1), 1, "node_network_"+dir+"_bytes_total", d...)
			node(when(i < 2, counter), 300*float64(i+1), 1, "node_network_"+dir+"_packets_total", d...)
			node(seldom, 1, 1, "node_network_"+dir+"_errs_total", d...)
		}
		node(constant, 1, 1, "node_network_carrier", d...)
	}
	node(constant, 0, 1, "node_vmstat_oom_kill")
	node(gauge, 0.0004, 1e6, "node_timex_offset_seconds")
	node(constant, 1.7e9, 1, "node_boot_time_seconds")
	node(gauge, 4000, 1, "node_nf_conntrack_entries")
	node(constant, 262144, 1, "node_nf_conntrack_entries_limit")
	node(seldom, 1, 1, "node_netstat_TcpExt_ListenOverflows")
	node(constant, 1, 1, "up")
	for d := range 10 {
		dev := []string{"device", fmt.Sprintf("nvme%dn1", d)}
		for _, io := range []string{"read", "written"} {
			node(when(d < 2, counter), 3e5, 1, "node_disk_"+io+"_bytes_total", dev...)
		}
		node(when(d < 2, counter), 20, 1, "node_disk_reads_completed_total", dev...)
		node(when(d < 2, counter), 30, 1, "node_disk_writes_completed_total", dev...)
		node(when(d < 2, counter), 0.01, 1000, "node_disk_read_time_seconds_total", dev...)
		node(when(d < 2, counter), 0.02, 1000, "node_disk_write_time_seconds_total", dev...)
		node(when(d < 2, counter), 0.03, 1000, "node_disk_io_time_seconds_total", dev...)
		node(when(d < 2, gauge), 2, 1, "node_disk_io_now", dev...)
	}
	for c := range 12 {
		id := fmt.Sprintf("/system.slice/docker-%04x%08x.scope", n, c*2654435761)
		box := []string{"id", id, "name", fmt.Sprintf("app-%02d", c), "image", "registry.example.com/app:1.4.2"}
		box = box[:6:6]
		own := func(k kind, base, decimal float64, name string, pairs ...string) {
			f.add(k, base, decimal, "cadvisor", at, name, append(box, pairs...)...)
		}
		own(when(c < 4, counter), 0.2, 1e6, "container_cpu_usage_seconds_total", "cpu", "total")
		own(when(c < 4, gauge), 1.2*gib, 1.0/4096, "container_memory_working_set_bytes")
		own(constant, 2*gib, 1, "container_spec_memory_limit_bytes")
		own(constant, 0, 1, "container_oom_events_total")
		own(seldom, 1, 1, "container_cpu_cfs_throttled_periods_total")
		own(when(c < 4, counter), 10, 1, "container_cpu_cfs_periods_total")
		own(constant, 1.7e9, 1, "container_start_time_seconds")
	}
}
