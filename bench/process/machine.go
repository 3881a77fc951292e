package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// MachineCPU is the processor time that all processes of the machine have used
// since it was started, with what the hypervisor took away.
func MachineCPU() (time.Duration, error) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read processor time of the machine: %w", err)
	}
	return parseMachine(string(raw))
}

func parseMachine(raw string) (time.Duration, error) {
	first, _, _ := strings.Cut(raw, "\n")
	f := strings.Fields(first)
	// cpu user nice system idle iowait irq softirq steal …
	if len(f) < 9 || f[0] != "cpu" {
		return 0, fmt.Errorf("read stat of the machine: the first line is %q", first)
	}
	var sum time.Duration
	for i, s := range f[1:9] {
		if i == 3 || i == 4 {
			continue // idle, and idle while waiting for a disk
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read stat of the machine: %w", err)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// OwnCPU is the processor time of this process and of all servers that it has
// started and that have ended.
func OwnCPU() (time.Duration, error) {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			return 0, fmt.Errorf("read own processor time: %w", err)
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum, nil
}

// Machine describes what a benchmark ran on.
func Machine(cores int) (string, error) {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "", fmt.Errorf("describe machine: %w", err)
	}
	mem, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return "", fmt.Errorf("describe machine: %w", err)
	}
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "", fmt.Errorf("describe machine: %w", err)
	}
	var kib int64
	if _, err := fmt.Sscanf(field(string(mem), "MemTotal"), "%d kB", &kib); err != nil {
		return "", fmt.Errorf("describe machine: read MemTotal: %w", err)
	}
	return fmt.Sprintf("%d cores of %s, %d GiB, Linux %s", cores, field(string(info), "model name"), (kib+1<<19)>>20, strings.TrimSpace(string(kernel))), nil
}

// field finds the value of "name : value", "unknown" when there is none.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		k, v, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return "unknown"
}
