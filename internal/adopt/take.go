package adopt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"github.com/prometheus/prometheus/tsdb/tombstones"

	"touchline.dev/touchline/internal/datadir"
)

// take links what never changes, where that is possible, and copies the rest.
func (r *Report) take(ctx context.Context, t *datadir.Target, items []item) error {
	uid, _, err := t.Owner()
	if err != nil {
		return err
	}
	dirs := map[string]bool{}
	for _, it := range items {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := filepath.Join(t.Path(), filepath.FromSlash(it.name))
		if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
			return fmt.Errorf("create folder: %w", err)
		}
		if path.Base(it.name) == "meta.json" {
			dirs[filepath.Dir(to)] = true
		}
		// The owner belongs to the file and not to the link: a file of somebody
		// else is copied, so that it can have ours.
		owner, _, err := datadir.OwnerOf(it.path)
		if err != nil {
			return err
		}
		if it.fixed && owner == uid && os.Link(it.path, to) == nil {
			r.LinkedFiles++
			r.LinkedBytes += it.size
			continue
		}
		if err := copyFile(ctx, it, to); err != nil {
			return fmt.Errorf("copy %s: %w", it.path, err)
		}
		r.CopiedFiles++
		r.CopiedBytes += it.size
	}
	// Snapshots and backups expect the file that other writers of blocks may leave out.
	for dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, tombstones.TombstonesFilename)); errors.Is(err, os.ErrNotExist) {
			if _, err := tombstones.WriteFile(slog.New(slog.DiscardHandler), dir, tombstones.NewMemTombstones()); err != nil {
				return fmt.Errorf("write tombstones: %w", err)
			}
		}
	}
	return nil
}

func copyFile(ctx context.Context, it item, to string) (err error) {
	src, err := os.Open(it.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, dst.Close()); errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("the disk is full; make room, or name a --storage.path on another: %w", err)
		}
	}()
	// A piece at a time, so that Ctrl C is heard; each is a copy within the kernel where the file system can.
	for left := it.size; left > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.CopyN(dst, src, min(left, 64<<20))
		if left -= n; err != nil && left > 0 {
			return err
		}
	}
	return dst.Sync()
}
