package datadir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrInUse is what Lock returns when another process owns the directory.
var ErrInUse = errors.New("data directory is in use")

// Lock takes the data directory for this process. The lock ends with the
// process, however it ends.
func Lock(dir string) (unlock func() error, err error) {
	f, err := os.OpenFile(filepath.Join(dir, LockFile), os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open lock of the data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		owner, _ := io.ReadAll(io.LimitReader(f, 20))
		who := strings.TrimSpace(string(owner))
		if who != "" {
			who = " (process " + who + ")"
		}
		return nil, errors.Join(fmt.Errorf("%w: data directory %s is in use by another touchline%s; stop that one or choose another directory with --storage.path", ErrInUse, dir, who), f.Close())
	}
	if err := f.Truncate(0); err == nil {
		_, err = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("write lock of the data directory: %w", err), f.Close())
		}
	}
	return f.Close, nil
}
