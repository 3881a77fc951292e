package adopt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
	"github.com/prometheus/prometheus/tsdb/record"
	"github.com/prometheus/prometheus/tsdb/wlog"

	"touchline.dev/touchline/internal/datadir"
	"touchline.dev/touchline/internal/tsdbdir"
)

// readPrometheus reads every block to its last chunk and every log to its last
// record. The chunks that a Prometheus maps out of memory (chunks_head) and
// snapshots of its memory are left: the logs hold their samples too.
func (r *Report) readPrometheus(ctx context.Context, dir string) (*Prometheus, error) {
	p := &Prometheus{Path: dir, Blocks: []Block{}, Logs: []Log{}}
	blocks, err := tsdbdir.Blocks(dir)
	if err != nil {
		return nil, err
	}
	for _, id := range blocks {
		b, err := readBlock(ctx, filepath.Join(dir, id))
		if err == nil {
			err = p.addBlock(dir, id, b)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("read block: %w; run this as a user who may read it", err)
		}
		if err != nil {
			r.Damaged = append(r.Damaged, Damage{What: "block " + filepath.Join(dir, id), Reason: err.Error()})
			continue
		}
	}
	files, err := tsdbdir.Logs(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range tsdbdir.LogDirs() {
		var own []tsdbdir.File
		for _, f := range files {
			if strings.HasPrefix(f.Name, name+"/") {
				own = append(own, f)
			}
		}
		if len(own) == 0 {
			continue
		}
		l, kept, damage, err := readLog(ctx, name, own)
		if err != nil {
			return nil, err
		}
		if damage != nil {
			r.Damaged = append(r.Damaged, *damage)
		}
		p.Logs = append(p.Logs, l)
		for _, f := range kept {
			p.items = append(p.items, item{name: path.Join(datadir.Metrics, f.Name), path: f.Path, size: f.Size})
		}
	}
	return p, nil
}

func (p *Prometheus) addBlock(dir, id string, m tsdb.BlockMeta) error {
	files, err := tsdbdir.BlockFiles(dir, id)
	if err != nil {
		return err
	}
	b := Block{ID: id, MinTime: timestamp.Time(m.MinTime).UTC(), MaxTime: timestamp.Time(m.MaxTime).UTC(), Series: m.Stats.NumSeries, Samples: m.Stats.NumSamples}
	for _, f := range files {
		b.Bytes += f.Size
		p.items = append(p.items, item{name: path.Join(datadir.Metrics, f.Name), path: f.Path, size: f.Size, fixed: true})
	}
	p.Blocks = append(p.Blocks, b)
	return nil
}

// readBlock opens a block and reads all of it, so that every checksum is verified.
func readBlock(ctx context.Context, dir string) (_ tsdb.BlockMeta, err error) {
	b, err := tsdb.OpenBlock(slog.New(slog.DiscardHandler), dir, nil, nil)
	if err != nil {
		return tsdb.BlockMeta{}, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	ir, err := b.Index()
	if err != nil {
		return b.Meta(), err
	}
	defer func() { err = errors.Join(err, ir.Close()) }()
	cr, err := b.Chunks()
	if err != nil {
		return b.Meta(), err
	}
	defer func() { err = errors.Join(err, cr.Close()) }()
	if err := readPostings(ctx, ir); err != nil {
		return b.Meta(), err
	}
	name, value := index.AllPostingsKey()
	all, err := ir.Postings(ctx, name, value)
	if err != nil {
		return b.Meta(), err
	}
	var builder labels.ScratchBuilder
	var metas []chunks.Meta
	n := uint64(0)
	for ; all.Next(); n++ {
		if err := ctx.Err(); err != nil {
			return b.Meta(), err
		}
		if err := ir.Series(all.At(), &builder, &metas); err != nil {
			return b.Meta(), fmt.Errorf("series %d: %w", all.At(), err)
		}
		for _, m := range metas {
			if _, _, err := cr.ChunkOrIterable(m); err != nil {
				return b.Meta(), fmt.Errorf("chunk %d of %s: %w", m.Ref, builder.Labels(), err)
			}
		}
	}
	if err := all.Err(); err != nil {
		return b.Meta(), err
	}
	if want := b.Meta().Stats.NumSeries; n != want {
		return b.Meta(), fmt.Errorf("it has %d series, meta.json tells of %d", n, want)
	}
	return b.Meta(), nil
}

// readPostings reads the lists of series by label.
func readPostings(ctx context.Context, ir tsdb.IndexReader) error {
	names, err := ir.LabelNames(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		values, err := ir.LabelValues(ctx, name, nil)
		if err != nil {
			return fmt.Errorf("values of label %s: %w", name, err)
		}
		for _, v := range values {
			if _, err := ir.Postings(ctx, name, v); err != nil {
				return fmt.Errorf("series with %s=%q: %w", name, v, err)
			}
		}
	}
	return nil
}

// readLog reads a log. What can be kept of it ends before the first damage,
// as upstream's own repair leaves it; an unfinished record at its very end is
// no damage but the mark of a kill.
func readLog(ctx context.Context, name string, files []tsdbdir.File) (l Log, kept []tsdbdir.File, damage *Damage, err error) {
	l.Name = name
	c := &counting{l: &l, refs: map[chunks.HeadSeriesRef]struct{}{}, dec: record.NewDecoder(labels.NewSymbolTable(), slog.New(slog.DiscardHandler)), min: 1<<63 - 1, max: -1 << 63}
	defer c.done()
	for i, f := range files {
		if err := ctx.Err(); err != nil {
			return l, nil, nil, err
		}
		checkpoint := strings.Contains(f.Name, "/checkpoint.")
		good, torn, err := c.file(f)
		if errors.Is(err, fs.ErrPermission) {
			return l, nil, nil, fmt.Errorf("read log: %w; run this as a user who may read it", err)
		}
		switch {
		case err == nil:
			good = f.Size
		case torn && i == len(files)-1 && !checkpoint:
			l.Unfinished = f.Size - good
			err = nil
		case checkpoint:
			// Without its checkpoint a log has samples of series that it does not know.
			return l, nil, &Damage{What: "checkpoint " + f.Path, Reason: fmt.Sprintf("at byte %d: %v; the whole log would be left out", good, err)}, nil
		}
		if checkpoint {
			l.Checkpoint = path.Base(path.Dir(f.Name))
		} else {
			l.Segments++
		}
		l.Bytes += good
		f.Size = good
		kept = append(kept, f)
		if err != nil {
			return l, kept, &Damage{What: "log segment " + f.Path, Reason: fmt.Sprintf("at byte %d: %v; what follows in the log, %d more segments among it, would be left out", good, err, len(files)-i-1)}, nil
		}
	}
	return l, kept, nil, nil
}

// counting counts what the records of a log hold.
type counting struct {
	l        *Log
	dec      record.Decoder
	refs     map[chunks.HeadSeriesRef]struct{}
	series   []record.RefSeries
	samples  []record.RefSample
	hists    []record.RefHistogramSample
	floats   []record.RefFloatHistogramSample
	min, max int64
}

// file reads one segment. It returns where its last good record ends, and
// whether the file ends within the next one.
func (c *counting) file(f tsdbdir.File) (good int64, torn bool, err error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return 0, false, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	r := wlog.NewReader(bufio.NewReaderSize(file, 1<<20))
	for r.Next() {
		if err := c.record(r.Record()); err != nil {
			return good, false, err
		}
		good = r.Offset()
	}
	err = r.Err()
	var corrupt *wlog.CorruptionErr
	if errors.As(err, &corrupt) {
		err = corrupt.Err
	}
	torn = errors.Is(err, io.ErrUnexpectedEOF) || err != nil && strings.Contains(err.Error(), "torn")
	return good, torn, err
}

func (c *counting) record(rec []byte) (err error) {
	switch c.dec.Type(rec) {
	case record.Series:
		if c.series, err = c.dec.Series(rec, c.series[:0]); err == nil {
			for _, s := range c.series {
				c.refs[s.Ref] = struct{}{}
			}
		}
	case record.Samples, record.SamplesV2:
		if c.samples, err = c.dec.Samples(rec, c.samples[:0]); err == nil {
			for _, s := range c.samples {
				c.at(s.T)
			}
		}
	case record.HistogramSamples, record.CustomBucketsHistogramSamples, record.HistogramSamplesV2:
		if c.hists, err = c.dec.HistogramSamples(rec, c.hists[:0]); err == nil {
			for _, s := range c.hists {
				c.at(s.T)
			}
		}
	case record.FloatHistogramSamples, record.CustomBucketsFloatHistogramSamples, record.FloatHistogramSamplesV2:
		if c.floats, err = c.dec.FloatHistogramSamples(rec, c.floats[:0]); err == nil {
			for _, s := range c.floats {
				c.at(s.T)
			}
		}
	}
	return err
}

func (c *counting) at(t int64) {
	c.l.Samples++
	c.min, c.max = min(c.min, t), max(c.max, t)
}

func (c *counting) done() {
	c.l.Series = len(c.refs)
	if c.l.Samples > 0 {
		c.l.MinTime, c.l.MaxTime = time.UnixMilli(c.min).UTC(), time.UnixMilli(c.max).UTC()
	}
}
