package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"touchline.dev/touchline/internal/datadir"
)

// Plan reads a whole archive and tells whether Restore would put it into dir.
// It writes nothing.
func Plan(ctx context.Context, r io.Reader, dir string) (*Manifest, error) {
	if err := datadir.Check(dir, parts...); err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); err == nil {
		// A lock that nobody holds may be taken for a moment; where there is none, nobody holds it.
		if _, err := os.Stat(filepath.Join(dir, datadir.LockFile)); err == nil {
			unlock, err := datadir.Lock(dir)
			if err != nil {
				return nil, err
			}
			defer func() { _ = unlock() }()
		}
	}
	return Read(ctx, r, planSink{dir})
}

// planSink checks what can be checked without writing.
type planSink struct{ dir string }

func (p planSink) Begin(h Header) error { return fits(existing(p.dir), h) }

func (planSink) Create(string, int64) (io.WriteCloser, error) { return nopCloser{io.Discard}, nil }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// existing is the nearest folder on the way up that is there.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return dir
		}
		dir = up
	}
}

// spare is what must stay free on the disk beyond the restored files, in bytes.
const spare = 16 << 20

// fits refuses an archive that the disk has no room for, before anything is written.
func fits(dir string, h Header) error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return fmt.Errorf("look for free space in %s: %w", dir, err)
	}
	free := int64(st.Bavail) * st.Bsize
	if h.Bytes > free-spare {
		return fmt.Errorf("the backup holds %d bytes and %s has %d free; make room, or restore to another disk with --storage.path", h.Bytes, dir, free)
	}
	return nil
}

// Restore puts an archive into the data directory dir, which must be missing
// or hold no data yet. Everything is unpacked into a folder of its own, synced,
// and checked to the last checksum before any of it is put in place; on an
// error all of it is removed again.
func Restore(ctx context.Context, r io.Reader, dir string) (_ *Manifest, err error) {
	t, err := datadir.Begin(dir, parts...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.Abort()) }()
	m, err := Read(ctx, r, &targetSink{root: t.Path()})
	if err != nil {
		return nil, err
	}
	if err := t.Commit(); err != nil {
		return nil, err
	}
	return m, nil
}

// targetSink writes files below root.
type targetSink struct{ root string }

func (s *targetSink) Begin(h Header) error { return fits(s.root, h) }

func (s *targetSink) Create(name string, _ int64) (io.WriteCloser, error) {
	if err := os.MkdirAll(filepath.Join(s.root, filepath.FromSlash(path.Dir(name))), 0o750); err != nil {
		return nil, fmt.Errorf("create folder: %w", err)
	}
	// O_EXCL never follows a link that stands in the way.
	mode := os.FileMode(0o640)
	if name == datadir.State {
		mode = 0o600 // it holds password hashes
	}
	f, err := os.OpenFile(filepath.Join(s.root, filepath.FromSlash(name)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return nil, fmt.Errorf("create file: %w", err)
	}
	return syncedFile{f}, nil
}

// syncedFile is on disk when it is closed.
type syncedFile struct{ *os.File }

func (f syncedFile) Close() error {
	if err := errors.Join(f.Sync(), f.File.Close()); err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("the disk is full; make room, or restore to another with --storage.path: %w", err)
		}
		return err
	}
	return nil
}
