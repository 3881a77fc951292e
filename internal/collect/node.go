package collect

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/node_exporter/collector"
)

// node_exporter keeps its settings in kingpin's process-wide command line, so
// a process has one set of them: that of the first Set.
var (
	nodeOnce sync.Once
	nodeErr  error
)

// addNode adds node_exporter's default collectors.
func (s *Set) addNode() {
	if _, err := os.Stat(filepath.Join(s.o.ProcPath, "stat")); err != nil {
		s.miss("the host (node_exporter's collectors)", fmt.Sprintf("%s cannot be read: %v", s.o.ProcPath, err), "mount the host's /proc and /sys, or run on Linux")
		return
	}
	nodeOnce.Do(func() {
		_, nodeErr = kingpin.CommandLine.Parse([]string{
			"--path.procfs=" + s.o.ProcPath, "--path.sysfs=" + s.o.SysPath, "--path.rootfs=" + s.o.RootfsPath, "--path.udev.data=/run/udev/data",
		})
	})
	if nodeErr != nil {
		s.miss("the host (node_exporter's collectors)", nodeErr.Error(), "please report this")
		return
	}
	c, err := collector.NewNodeCollector(slog.New(&changes{next: s.o.Logger.Handler(), seen: &seen{at: map[string]bool{}}}))
	if err != nil {
		s.miss("the host (node_exporter's collectors)", err.Error(), "name the failing collector in an issue")
		return
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(c)
	s.add("node", "this host", reg)
}

// changes is a log handler for a library that logs the same failure at every
// scrape: each message with the same attributes passes once, those below
// warning never.
type changes struct {
	next slog.Handler
	seen *seen
	with string
}

type seen struct {
	mu sync.Mutex
	at map[string]bool
}

func (c *changes) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && c.next.Enabled(ctx, l)
}

func (c *changes) Handle(ctx context.Context, r slog.Record) error {
	// Durations differ each time; what failed and why do not.
	key := c.with + r.Message
	clean := slog.NewRecord(r.Time, slog.LevelWarn, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "duration_seconds" {
			key += "\x00" + a.Key + "\x00" + a.Value.String()
			clean.AddAttrs(a)
		}
		return true
	})
	c.seen.mu.Lock()
	known := c.seen.at[key] || len(c.seen.at) > 1000
	c.seen.at[key] = true
	c.seen.mu.Unlock()
	if known {
		return nil
	}
	return c.next.Handle(ctx, clean)
}

func (c *changes) WithAttrs(as []slog.Attr) slog.Handler {
	return &changes{next: c.next.WithAttrs(as), seen: c.seen, with: c.with + fmt.Sprint(as)}
}

func (c *changes) WithGroup(name string) slog.Handler {
	return &changes{next: c.next.WithGroup(name), seen: c.seen, with: c.with + name}
}
