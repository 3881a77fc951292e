package metrics

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// The format of upstream's log segments, from tsdb/docs/format/wal.md: pages
// of 32 KiB, and in them fragments of records with a header of seven bytes:
// type, length, CRC-32C. A byte of zero says that the rest of the page is empty.
const (
	logPage        = 32 << 10
	logHeader      = 7
	logTypeMask    = 1<<3 - 1
	fragmentFull   = 1
	fragmentFirst  = 2
	fragmentMiddle = 3
	fragmentLast   = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// mendLogs takes what is damaged out of the logs before the storage replays
// them. Upstream would cut everything off behind the first damage, and all of
// the log for damage in a checkpoint; here a damaged record costs itself.
func mendLogs(dir string, log *slog.Logger, reg prometheus.Registerer) error {
	met := prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_storage_log_damages_total", Help: "Damaged segments of the write-ahead log met at the start; their other records were kept."})
	if reg != nil {
		if err := reg.Register(met); err != nil {
			return fmt.Errorf("register storage metrics: %w", err)
		}
	}
	for _, pattern := range []string{"wal/[0-9]*", "wal/checkpoint.[0-9]*/[0-9]*", "wbl/[0-9]*"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return fmt.Errorf("list log segments: %w", err)
		}
		for n, path := range paths {
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				return fmt.Errorf("list log segments: %w", err)
			}
			aside := filepath.Join(dir, damagedDir, strings.ReplaceAll(rel, string(filepath.Separator), "-"))
			bad, err := mendSegment(path, aside)
			if err != nil {
				return err
			}
			switch {
			case len(bad) == 0:
			case len(bad) == 1 && bad[0].tail && n == len(paths)-1 && pattern == "wal/[0-9]*":
				log.Info("The end of the write-ahead log is unfinished and was cut off; this is the mark of a kill amid a write", "segment", path, "offset", bad[0].from)
			default:
				met.Inc()
				log.Error("A segment of the write-ahead log is damaged; its other records were kept. Check the disk", "segment", path, "offset", bad[0].from, "damages", len(bad), "copy", aside)
			}
		}
	}
	return nil
}

// mendSegment makes a segment readable and returns what it had to take out.
// The segment as it was is copied to aside, where that is not empty.
func mendSegment(path, aside string) ([]stretch, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read log segment: %w", err)
	}
	bad := damagedFragments(raw)
	if len(bad) == 0 {
		return nil, nil
	}
	if aside != "" {
		if err := os.MkdirAll(filepath.Dir(aside), 0o750); err != nil {
			return nil, fmt.Errorf("keep damaged log segment: %w", err)
		}
		if err := os.WriteFile(aside, raw, 0o640); err != nil {
			return nil, fmt.Errorf("keep damaged log segment: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("mend log segment: %w", err)
	}
	for _, b := range bad {
		if _, werr := f.WriteAt(b.filling(), int64(b.from)); werr != nil {
			err = errors.Join(err, werr)
		}
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("mend log segment %s: %w", path, err)
	}
	return bad, nil
}

// stretch is a part of a segment that is of no use.
type stretch struct {
	from, to int
	amid     bool // good fragments follow it in the same page
	tail     bool // nothing follows it
}

// filling is what a reader passes over: zeros to the end of a page, or, amid a
// page, a record of a type that does not exist.
func (s stretch) filling() []byte {
	out := make([]byte, s.to-s.from)
	if s.amid {
		out[0] = fragmentFull
		binary.BigEndian.PutUint16(out[1:], uint16(len(out)-logHeader))
		binary.BigEndian.PutUint32(out[3:], crc32.Checksum(out[logHeader:], castagnoli))
	}
	return out
}

// fragmentAt returns the type and the size of the fragment at an offset, a
// size of 0 where there is none, and whether it reaches behind the end.
func fragmentAt(raw []byte, at int) (typ, n int, cut bool) {
	left := logPage - at%logPage
	if left < logHeader {
		return 0, 0, false
	}
	if at+logHeader > len(raw) {
		return 0, 0, true
	}
	typ = int(raw[at] & logTypeMask)
	n = logHeader + int(binary.BigEndian.Uint16(raw[at+1:]))
	if typ < fragmentFull || typ > fragmentLast || n > left {
		return 0, 0, false
	}
	if at+n > len(raw) {
		return 0, 0, true
	}
	if crc32.Checksum(raw[at+logHeader:at+n], castagnoli) != binary.BigEndian.Uint32(raw[at+3:]) {
		return 0, 0, false
	}
	return typ, n, false
}

// nextFragment finds the first good fragment behind a damaged one, or the end of
// the page. Where the length is still right that is the next one; where it is
// not, every offset may be. An empty fragment does not count: zeros look like it.
func nextFragment(raw []byte, at, page int) (to int, found bool) {
	good := func(next int) bool {
		_, n, _ := fragmentAt(raw, next)
		return n > logHeader
	}
	if at+logHeader > len(raw) {
		return page, false
	}
	first := at + logHeader
	if next := first + int(binary.BigEndian.Uint16(raw[at+1:])); next < page && good(next) {
		return next, true
	}
	for next := first; next < page-logHeader; next++ {
		if good(next) {
			return next, true
		}
	}
	return page, false
}

// empty says whether the rest of a page begins here.
func empty(raw []byte, at int) bool {
	end := min(at+logPage-at%logPage, len(raw))
	for _, b := range raw[at:end] {
		if b != 0 {
			return false
		}
	}
	return true
}

// damagedFragments finds the fragments that fail their checksum, and those of
// records that are not all there.
func damagedFragments(raw []byte) []stretch {
	var bad []stretch
	open := -1 // where the record begins that is being read
	drop := func(at int) {
		if open >= 0 {
			// Its fragments reach to the ends of their pages, or it would not go on.
			bad = append(bad, stretch{from: open, to: at})
			open = -1
		}
	}
	for at := 0; at < len(raw); {
		page := min(at+logPage-at%logPage, len(raw))
		if empty(raw, at) {
			at = page
			continue
		}
		typ, n, cut := fragmentAt(raw, at)
		switch {
		case cut:
			drop(at)
			return append(bad, stretch{from: at, to: len(raw), tail: true})
		case n == 0:
			drop(at)
			to, amid := nextFragment(raw, at, page)
			bad = append(bad, stretch{from: at, to: to, amid: amid})
			at = to
			continue
		case typ == fragmentFull:
			drop(at)
		case typ == fragmentFirst:
			drop(at)
			open = at
		case open < 0: // the rest of a record whose beginning is lost
			bad = append(bad, stretch{from: at, to: at + n, amid: true})
		case typ == fragmentLast:
			open = -1
		}
		at += n
	}
	if open >= 0 {
		bad = append(bad, stretch{from: open, to: len(raw), tail: true})
	}
	return bad
}
