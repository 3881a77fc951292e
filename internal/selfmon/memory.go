package selfmon

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// memoryShare is the part of the cgroup's limit that Go's heap may aim for.
// The rest is for memory-mapped blocks and for what the runtime does not count.
const memoryShare = 0.9

// MemoryOptions say where to look for the limit of the process.
type MemoryOptions struct {
	// Root is prefixed to /proc and /sys; empty for the real ones.
	Root string
	// Getenv is os.Getenv when nil.
	Getenv func(string) string
	// Set is debug.SetMemoryLimit when nil.
	Set func(int64) int64
}

// ApplyMemoryLimit gives the Go runtime 90 % of the memory limit of the cgroup
// that the process runs in (version 1 or 2), so that it collects harder before
// the kernel kills it. It leaves everything alone when GOMEMLIMIT is set or no
// cgroup has a limit. It gives the limit in bytes, 0 when it set none.
func ApplyMemoryLimit(logger *slog.Logger, o MemoryOptions) int64 {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Set == nil {
		o.Set = debug.SetMemoryLimit
	}
	if v := o.Getenv("GOMEMLIMIT"); v != "" {
		logger.Info("memory limit is taken from GOMEMLIMIT", "limit", v)
		return 0
	}
	bytes, from, err := cgroupMemoryLimit(o.Root)
	if err != nil {
		logger.Warn("cannot read the memory limit of the cgroup; set GOMEMLIMIT instead", "err", err)
		return 0
	}
	if bytes == 0 {
		return 0
	}
	limit := int64(float64(bytes) * memoryShare)
	o.Set(limit)
	logger.Info("memory limit set from the cgroup", "limit_bytes", limit, "cgroup_bytes", bytes, "file", from)
	return limit
}

// cgroupMemoryLimit gives the smallest limit on the way from the process's
// cgroup to the root, and the file that holds it; 0 when there is none.
func cgroupMemoryLimit(root string) (int64, string, error) {
	raw, err := os.ReadFile(filepath.Join(root, "/proc/self/cgroup"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, "", nil // not Linux, or no cgroups
	}
	if err != nil {
		return 0, "", fmt.Errorf("read cgroup of the process: %w", err)
	}
	var least int64 = math.MaxInt64
	var from string
	for line := range strings.Lines(string(raw)) {
		// hierarchy-ID:controllers:path
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		base, file := "", ""
		switch {
		case parts[0] == "0" && parts[1] == "":
			base, file = filepath.Join(root, "/sys/fs/cgroup"), "memory.max"
		case hasController(parts[1], "memory"):
			base, file = filepath.Join(root, "/sys/fs/cgroup/memory"), "memory.limit_in_bytes"
		default:
			continue
		}
		// Inside a container the path may be the host's, which is not mounted
		// here; the walk ends at the mount, where the container's own limit is.
		for dir := filepath.Clean("/" + parts[2]); ; dir = filepath.Dir(dir) {
			path := filepath.Join(base, dir, file)
			v, err := readLimit(path)
			if err != nil {
				return 0, "", err
			}
			if v > 0 && v < least {
				least, from = v, path
			}
			if dir == "/" {
				break
			}
		}
	}
	if from == "" {
		return 0, "", nil
	}
	return least, from, nil
}

func hasController(list, name string) bool {
	for c := range strings.SplitSeq(list, ",") {
		if c == name {
			return true
		}
	}
	return false
}

// readLimit gives the limit in a cgroup file in bytes, 0 for none.
func readLimit(path string) (int64, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read memory limit: %w", err)
	}
	text := strings.TrimSpace(string(raw))
	if text == "max" {
		return 0, nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read memory limit: %s: %q is not a number of bytes", path, text)
	}
	// Version 1 says "no limit" with the largest multiple of the page size.
	if v <= 0 || v >= 1<<62 {
		return 0, nil
	}
	return v, nil
}
