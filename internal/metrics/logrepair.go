package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
	"github.com/prometheus/prometheus/tsdb/record"
	"github.com/prometheus/prometheus/tsdb/wlog"
)

// healLogs makes the head's logs whole after a write has failed. A failed
// write can leave the beginning of a record without its end, behind which a
// start finds nothing any more, and series in memory that no log knows. The
// caller sees to it that nothing is committed meanwhile.
func healLogs(ctx context.Context, db *tsdb.DB) error {
	wal, wbl, err := headLogs(db.Head())
	if err != nil {
		return err
	}
	for _, l := range []*wlog.WL{wal, wbl} {
		if l == nil {
			continue
		}
		// What stands in the page goes to disk, and nothing more is written
		// to the segments before the new one.
		last, err := l.NextSegmentSync()
		if err != nil {
			return fmt.Errorf("begin a new log segment: %w", err)
		}
		first, _, err := wlog.Segments(l.Dir())
		if err != nil {
			return fmt.Errorf("list log segments: %w", err)
		}
		for i := max(first, 0); i < last; i++ {
			if _, err := mendSegment(wlog.SegmentName(l.Dir(), i), ""); err != nil {
				return err
			}
		}
	}
	return logSeries(ctx, db.Head(), wal)
}

// headLogs takes the logs out of the head, which has no method for it.
func headLogs(h *tsdb.Head) (wal, wbl *wlog.WL, err error) {
	v := reflect.ValueOf(h).Elem()
	for name, to := range map[string]**wlog.WL{"wal": &wal, "wbl": &wbl} {
		f := v.FieldByName(name)
		if !f.IsValid() || f.Type() != reflect.TypeFor[*wlog.WL]() {
			return nil, nil, errors.New("reach the write-ahead log: this version of Prometheus keeps it elsewhere; restart to make the log whole")
		}
		*to = (*wlog.WL)(f.UnsafePointer())
	}
	if wal == nil {
		return nil, nil, errors.New("reach the write-ahead log: there is none")
	}
	return wal, wbl, nil
}

// detachChunks closes the head's chunk files. Upstream takes a write to closed
// ones as the end of the process and goes on; one to files without room is a panic.
func detachChunks(h *tsdb.Head) error {
	f := reflect.ValueOf(h).Elem().FieldByName("chunkDiskMapper")
	if !f.IsValid() || f.Type() != reflect.TypeFor[*chunks.ChunkDiskMapper]() {
		return errors.New("close chunk files: this version of Prometheus keeps them elsewhere")
	}
	return (*chunks.ChunkDiskMapper)(f.UnsafePointer()).Close()
}

// seriesPerRecord bounds the size of one record.
const seriesPerRecord = 1000

// loggedSeries reads which series the log knows. An error says that the log
// is not whole.
func loggedSeries(dir string) (map[chunks.HeadSeriesRef]struct{}, error) {
	known := map[chunks.HeadSeriesRef]struct{}{}
	read := func(r io.ReadCloser) (err error) {
		defer func() { err = errors.Join(err, r.Close()) }()
		dec := record.NewDecoder(nil, slog.New(slog.DiscardHandler))
		var series []record.RefSeries
		lr := wlog.NewReader(r)
		for lr.Next() {
			if dec.Type(lr.Record()) != record.Series {
				continue
			}
			if series, err = dec.Series(lr.Record(), series[:0]); err != nil {
				return err
			}
			for _, s := range series {
				known[s.Ref] = struct{}{}
			}
		}
		return lr.Err()
	}
	from := -1
	switch checkpoint, at, err := wlog.LastCheckpoint(dir); {
	case errors.Is(err, record.ErrNotFound):
	case err != nil:
		return nil, fmt.Errorf("find checkpoint: %w", err)
	default:
		r, err := wlog.NewSegmentsReader(checkpoint)
		if err != nil {
			return nil, fmt.Errorf("open checkpoint: %w", err)
		}
		if err := read(r); err != nil {
			return nil, fmt.Errorf("read checkpoint %s: %w; restart to have it repaired", checkpoint, err)
		}
		from = at + 1
	}
	r, err := wlog.NewSegmentsRangeReader(wlog.SegmentRange{Dir: dir, First: from, Last: -1})
	if err != nil {
		return nil, fmt.Errorf("open write-ahead log: %w", err)
	}
	if err := read(r); err != nil {
		return nil, fmt.Errorf("read write-ahead log %s: %w; restart to have it repaired", dir, err)
	}
	return known, nil
}

// logSeries writes the series to the log that only the head knows. Upstream
// writes a series when it is made and never again, so that all its later
// samples would be lost. What is there must not be written twice: a start
// drops the samples that stand before a second mention.
func logSeries(ctx context.Context, h *tsdb.Head, wal *wlog.WL) error {
	known, err := loggedSeries(wal.Dir())
	if err != nil {
		return err
	}
	ir, err := h.Index()
	if err != nil {
		return fmt.Errorf("read series of the head: %w", err)
	}
	defer func() { _ = ir.Close() }()
	name, value := index.AllPostingsKey()
	p, err := ir.Postings(ctx, name, value)
	if err != nil {
		return fmt.Errorf("read series of the head: %w", err)
	}
	var enc record.Encoder
	var b labels.ScratchBuilder
	batch := make([]record.RefSeries, 0, seriesPerRecord)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := wal.Log(enc.Series(batch, nil))
		batch = batch[:0]
		if err != nil {
			return fmt.Errorf("log series again: %w", err)
		}
		return nil
	}
	for p.Next() {
		if _, ok := known[chunks.HeadSeriesRef(p.At())]; ok {
			continue
		}
		if err := ir.Series(p.At(), &b, nil); err != nil {
			continue // It was dropped meanwhile.
		}
		batch = append(batch, record.RefSeries{Ref: chunks.HeadSeriesRef(p.At()), Labels: b.Labels().Copy()})
		if len(batch) == seriesPerRecord {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return errors.Join(p.Err(), flush())
}
