package metrics

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/units"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/compression"
)

// stripeSize is the number of lock stripes of the head, upstream's default. A
// quarter of it saves 3 MiB when idle and costs a fifth more processor time per
// sample at 100,000 series: with six series to a stripe, each stripe's map is one
// group of slots, which is found without a table.
const stripeSize = tsdb.DefaultStripeSize

// headWriteBuffer is the buffer in front of the files of full chunks, in bytes.
// Upstream's default of 4 MiB is a tenth of the whole heap of a process that
// watches one host, and saves nothing that could be measured.
const headWriteBuffer = 256 << 10

func (e *Engine) openTSDB() (*tsdb.DB, error) {
	to := tsdb.DefaultOptions()
	to.WALCompression = compression.Snappy
	to.RetentionDuration = e.o.RetentionTime.Milliseconds()
	to.MaxBytes = e.o.RetentionSize
	to.OutOfOrderTimeWindow = e.o.OutOfOrderWindow.Milliseconds()
	to.EnableExemplarStorage = true
	to.MaxExemplars = e.o.MaxExemplars
	to.StripeSize = stripeSize
	to.HeadChunksWriteBufferSize = headWriteBuffer
	to.FeatureRegistry = e.features
	to.EnableMetadataWALRecords = true
	if e.o.MinBlockDuration > 0 {
		to.MinBlockDuration = e.o.MinBlockDuration.Milliseconds()
	}
	to.MaxBlockDuration = maxBlock(e.o.RetentionTime, to.MinBlockDuration)
	if err := roomToOpen(e.o.Dir, e.o.MinFree); err != nil {
		return nil, err
	}
	if err := setAsideBlocks(e.o.Dir, e.log, e.o.Registerer); err != nil {
		return nil, err
	}
	if err := mendLogs(e.o.Dir, e.log, e.o.Registerer); err != nil {
		return nil, err
	}
	e.failures = &failureCounters{Registerer: e.o.Registerer}
	db, err := tsdb.Open(e.o.Dir, e.log.With("component", "tsdb"), e.failures, to, tsdb.NewDBStats())
	if err == nil {
		return db, nil
	}
	if errors.Is(err, syscall.ENOSPC) {
		return nil, fmt.Errorf("open metrics storage %s: the disk is full; free some space and start again: %w", e.o.Dir, err)
	}
	return nil, fmt.Errorf("open metrics storage %s: %w", e.o.Dir, err)
}

// roomToOpen refuses to open the storage on a full disk: upstream's replay of
// the log panics where it cannot write the chunks that it meets.
func roomToOpen(dir string, minFree int64) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("create metrics storage: %w", err)
	}
	free, total, err := statfs(dir)
	if err != nil {
		return fmt.Errorf("open metrics storage: %w", err)
	}
	need := min(minFree, total/20) / 4
	if free >= need && free > 0 {
		return nil
	}
	// The ballast was made for this.
	if err := os.Remove(filepath.Join(dir, ballastName)); err == nil {
		if free, _, err = statfs(dir); err == nil && free >= need && free > 0 {
			return nil
		}
	}
	return fmt.Errorf("open metrics storage %s: %w: %s are free, %s are needed to start; free some space and start again", dir, syscall.ENOSPC, size(free), size(need))
}

// maxBlock is upstream's rule: a tenth of the retention, at most 31 days.
func maxBlock(retention time.Duration, minBlock int64) int64 {
	d := 31 * 24 * time.Hour
	if retention > 0 {
		d = min(d, retention/10)
	}
	return max(d.Milliseconds(), minBlock)
}

// tsdbRetention is what prometheus.yml gets as retention where it sets none:
// without it, applying a configuration would turn the retention off.
func (e *Engine) tsdbRetention() config.TSDBRetentionConfig {
	r := config.TSDBRetentionConfig{Time: model.Duration(e.o.RetentionTime)}
	r.Size = units.Base2Bytes(e.o.RetentionSize)
	return r
}

// adminTSDB adapts the database to what the HTTP API asks of it.
type adminTSDB struct{ *tsdb.DB }

func (a adminTSDB) Stats(label string, limit int) (*tsdb.Stats, error) {
	return a.Head().Stats(label, limit), nil
}

// WALReplayStatus reports a finished replay: requests are served only after it.
func (a adminTSDB) WALReplayStatus() (tsdb.WALReplayStatus, error) {
	return tsdb.WALReplayStatus{}, nil
}

func (a adminTSDB) BlockMetas() ([]tsdb.BlockMeta, error) { return a.DB.BlockMetas(), nil }

func (a adminTSDB) Delete(ctx context.Context, mint, maxt int64, ms ...*labels.Matcher) error {
	return a.DB.Delete(ctx, mint, maxt, ms...)
}

var _ storage.ExemplarQueryable = (*tsdb.DB)(nil)
