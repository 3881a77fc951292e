package metrics

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/tsdb"
)

// damagedDir is where blocks go that cannot be opened. Upstream's storage
// looks only at folders that are named like a block.
const damagedDir = "damaged"

// setAsideBlocks moves blocks that cannot be opened out of the storage's way.
// Upstream refuses to start with one, or hides it; a monitoring that stands
// still for hours of the past would be the worse loss.
func setAsideBlocks(dir string, log *slog.Logger, reg prometheus.Registerer) error {
	aside := prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_storage_blocks_set_aside_total", Help: "Blocks that could not be opened at the start and were moved to the folder " + damagedDir + "."})
	if reg != nil {
		if err := reg.Register(aside); err != nil {
			return fmt.Errorf("register storage metrics: %w", err)
		}
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list blocks: %w", err)
	}
	for _, e := range entries {
		if _, err := ulid.ParseStrict(e.Name()); err != nil || !e.IsDir() {
			continue
		}
		from := filepath.Join(dir, e.Name())
		why := openable(from)
		if why == nil {
			continue
		}
		if temporary(why) {
			return fmt.Errorf("open block %s: %w", from, why)
		}
		to := filepath.Join(dir, damagedDir, e.Name())
		if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
			return fmt.Errorf("set damaged block %s aside: %w", from, err)
		}
		if err := os.Rename(from, to); err != nil {
			return fmt.Errorf("set damaged block %s aside: %w", from, err)
		}
		aside.Inc()
		log.Error("A block cannot be opened and was set aside; its samples are missing until it is repaired or restored from a backup, and moved back. Check the disk", "block", from, "to", to, "err", why)
	}
	return nil
}

// openable opens a block as the storage will.
func openable(dir string) (err error) {
	b, err := tsdb.OpenBlock(slog.New(slog.DiscardHandler), dir, nil, nil)
	if err != nil {
		return err
	}
	return b.Close()
}

// temporary tells errors of the system, which say nothing about the block.
func temporary(err error) bool {
	for _, e := range []error{fs.ErrPermission, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOSPC, syscall.EROFS} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
