package adopt

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// holdLock takes the lock that a Prometheus holds while it runs. After a clean
// stop there is no lock file, and none is made: that would alter the source.
func holdLock(dir string) (release func() error, err error) {
	f, err := os.Open(filepath.Join(dir, "lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return func() error { return nil }, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look whether %s is in use: %w", dir, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: a Prometheus holds the lock of %s; stop it first", ErrInUse, dir), f.Close())
	}
	return f.Close, nil
}

// inUse looks for processes that have files of the sources open, or are an
// Alertmanager that was started on one: an Alertmanager opens its files
// only when it writes them. It returns how many processes it could not look into.
func inUse(prom, am string) (blind int, err error) {
	procs, err := os.ReadDir("/proc")
	if err != nil {
		return 0, fmt.Errorf("look for processes that use the data: %w", err)
	}
	for _, p := range procs {
		pid, err := strconv.Atoi(p.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		dir := filepath.Join("/proc", p.Name())
		used, ok := openBelow(dir, prom, am)
		if used == "" && am != "" && runsOn(dir, am) {
			used = am
		}
		if used != "" {
			comm, _ := os.ReadFile(filepath.Join(dir, "comm"))
			return 0, fmt.Errorf("%w: process %d (%s) uses %s; stop it first", ErrInUse, pid, strings.TrimSpace(string(comm)), used)
		}
		if !ok {
			blind++
		}
	}
	return blind, nil
}

// openBelow tells which of the folders a process has something open in.
func openBelow(proc string, folders ...string) (used string, ok bool) {
	fds, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		return "", errors.Is(err, fs.ErrNotExist) // it has ended
	}
	for _, fd := range fds {
		file, err := os.Readlink(filepath.Join(proc, "fd", fd.Name()))
		if err != nil {
			continue // closed meanwhile
		}
		for _, f := range folders {
			if f != "" && strings.HasPrefix(file, f+string(filepath.Separator)) {
				return f, true
			}
		}
	}
	return "", true
}

// runsOn tells whether a process is an Alertmanager with this data directory.
func runsOn(proc, dir string) bool {
	raw, err := os.ReadFile(filepath.Join(proc, "cmdline"))
	if err != nil {
		return false
	}
	args := strings.Split(string(bytes.TrimRight(raw, "\x00")), "\x00")
	if !strings.Contains(filepath.Base(args[0]), "alertmanager") {
		return false
	}
	path := "data/" // upstream's default
	for i, a := range args {
		name, value, ok := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if !strings.HasPrefix(a, "-") || name != "storage.path" {
			continue
		}
		switch {
		case ok:
			path = value
		case i+1 < len(args):
			path = args[i+1]
		}
	}
	if !filepath.IsAbs(path) {
		cwd, err := os.Readlink(filepath.Join(proc, "cwd"))
		if err != nil {
			return false // counted as one that could not be looked into
		}
		path = filepath.Join(cwd, path)
	}
	real, err := filepath.EvalSymlinks(path)
	return err == nil && real == dir
}
