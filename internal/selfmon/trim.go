package selfmon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
)

// TrimStartup gives back to the kernel, once and after the delay, what only the
// start has needed: the garbage of reading configuration and building tables,
// and the pages of the program itself that ran once, which are most of them.
// It returns at once; cancel ctx and wait for the channel to end it.
//
// Pages of the program that are needed again are mapped again from the page
// cache, so this is safe as long as they are the file's own. Those that were
// changed in memory (relocations of a position-independent build, breakpoints of a
// debugger) are left alone.
func TrimStartup(ctx context.Context, log *slog.Logger, delay time.Duration) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTimer(delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		debug.FreeOSMemory()
		n, err := dropProgramPages()
		if err != nil {
			// Memory that is not given back is no reason to trouble anybody.
			log.Debug("cannot give pages of the program back", "err", err)
			return
		}
		log.Debug("gave back what only the start has needed", "program_bytes", n)
	}()
	return done
}

// mapping is one line of /proc/self/smaps with what follows it.
type mapping struct {
	from, to  uintptr
	perms     string
	path      string
	rss       int64 // bytes
	anonymous int64 // bytes that are not the file's
}

// droppable says whether the kernel can read every page of the mapping from the file again.
func (m mapping) droppable(program string) bool {
	return m.path == program && m.perms[1] == '-' && m.anonymous == 0
}

// dropProgramPages unmaps the read-only pages of the running program, and gives their size.
func dropProgramPages() (int64, error) {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return 0, fmt.Errorf("find the program: %w", err)
	}
	raw, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return 0, fmt.Errorf("read the mappings of the process: %w", err)
	}
	maps, err := parseMappings(raw)
	if err != nil {
		return 0, fmt.Errorf("read the mappings of the process: %w", err)
	}
	var n int64
	var errs []error
	for _, m := range maps {
		if !m.droppable(program) {
			continue
		}
		if _, _, no := syscall.Syscall(syscall.SYS_MADVISE, m.from, m.to-m.from, syscall.MADV_DONTNEED); no != 0 {
			errs = append(errs, fmt.Errorf("give back %x-%x: %w", m.from, m.to, no))
			continue
		}
		n += m.rss
	}
	return n, errors.Join(errs...)
}

// parseMappings reads /proc/PID/smaps.
func parseMappings(raw []byte) ([]mapping, error) {
	var out []mapping
	for line := range bytes.Lines(raw) {
		f := bytes.Fields(line)
		if len(f) < 3 {
			continue
		}
		if name, ok := bytes.CutSuffix(f[0], []byte(":")); ok {
			var into *int64
			switch {
			case len(out) == 0:
			case string(name) == "Rss":
				into = &out[len(out)-1].rss
			case string(name) == "Anonymous":
				into = &out[len(out)-1].anonymous
			}
			if into == nil {
				continue
			}
			kib, err := strconv.ParseInt(string(f[1]), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			*into = kib << 10
			continue
		}
		// 00400000-034e8000 r-xp 00000000 fe:00 1234  /usr/bin/touchline
		from, to, ok := bytes.Cut(f[0], []byte("-"))
		if !ok || len(f[1]) != 4 {
			return nil, fmt.Errorf("unexpected line %q", line)
		}
		begin, err := strconv.ParseUint(string(from), 16, 64)
		if err != nil {
			return nil, fmt.Errorf("address %q: %w", f[0], err)
		}
		end, err := strconv.ParseUint(string(to), 16, 64)
		if err != nil {
			return nil, fmt.Errorf("address %q: %w", f[0], err)
		}
		m := mapping{from: uintptr(begin), to: uintptr(end), perms: string(f[1])}
		if len(f) > 5 {
			m.path = string(bytes.Join(f[5:], []byte(" ")))
		}
		out = append(out, m)
	}
	return out, nil
}
