package alerting

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// journal keeps every change of silences or notification log between two of
// upstream's snapshots. A record is
//
//	+-----------------+------------------+----------------------------+
//	| length, 4 bytes | CRC-32C, 4 bytes | what upstream would gossip |
//	+-----------------+------------------+----------------------------+
//
// with both numbers in big-endian order and the checksum over the last part.
// A change is synced before the request that made it is answered.
type journal struct {
	path, name string
	log        *slog.Logger
	m          *journalMetrics
	failures   atomic.Int64

	mu   sync.Mutex
	f    *os.File
	size int64
}

// maxJournalRecord bounds one record, in bytes. A silence or a log entry is far smaller.
const maxJournalRecord = 64 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type journalMetrics struct{ records, failures, corrupt *prometheus.CounterVec }

func newJournalMetrics(reg prometheus.Registerer) *journalMetrics {
	vec := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "touchline_alerting_journal_" + name, Help: help}, []string{"journal"})
	}
	m := &journalMetrics{
		records:  vec("records_total", "Changes written to the journal."),
		failures: vec("failures_total", "Changes that could not be written to the journal."),
		corrupt:  vec("corrupt_records_total", "Damaged places met while reading the journal."),
	}
	if reg != nil {
		reg.MustRegister(m.records, m.failures, m.corrupt)
	}
	return m
}

// openJournal merges what the file holds into the state, and makes it ready
// for more. A damaged tail is cut off: what follows it was never acknowledged,
// unless the disk itself is at fault, which is logged and counted.
func openJournal(path, name string, log *slog.Logger, m *journalMetrics, merge func([]byte) error) (*journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j := &journal{path: path, name: name, log: log, m: m, f: f}
	for _, c := range []*prometheus.CounterVec{m.records, m.failures, m.corrupt} {
		c.WithLabelValues(name)
	}
	good, err := readJournal(f, func(b []byte) error {
		if err := merge(b); err != nil {
			m.corrupt.WithLabelValues(name).Inc()
			log.Warn("A record of the journal could not be merged", "journal", path, "err", err)
		}
		return nil
	})
	if err != nil {
		m.corrupt.WithLabelValues(name).Inc()
		log.Warn("The end of the journal is damaged and was cut off; this is the mark of a kill amid a write", "journal", path, "offset", good, "err", err)
		if err := f.Truncate(good); err != nil {
			return nil, errors.Join(fmt.Errorf("cut journal %s: %w", path, err), f.Close())
		}
	}
	if _, err := f.Seek(good, io.SeekStart); err != nil {
		return nil, errors.Join(fmt.Errorf("seek journal %s: %w", path, err), f.Close())
	}
	j.size = good
	return j, nil
}

// readJournal gives each record to fn. It returns the offset behind the last
// good one, and an error where it is not the end of the file.
func readJournal(r io.Reader, fn func([]byte) error) (good int64, err error) {
	var head [8]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return good, nil
			}
			return good, fmt.Errorf("offset %d: record header: %w", good, err)
		}
		n := binary.BigEndian.Uint32(head[:])
		if n > maxJournalRecord {
			return good, fmt.Errorf("offset %d: a record of %d bytes is larger than any can be", good, n)
		}
		body, err := io.ReadAll(io.LimitReader(r, int64(n)))
		if err != nil || len(body) < int(n) {
			return good, fmt.Errorf("offset %d: record has %d of %d bytes", good, len(body), n)
		}
		if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(head[4:]) {
			return good, fmt.Errorf("offset %d: checksum does not match", good)
		}
		if err := fn(body); err != nil {
			return good, err
		}
		good += int64(len(head)) + int64(n)
	}
}

func encodeRecord(b []byte) []byte {
	out := make([]byte, 8, 8+len(b))
	binary.BigEndian.PutUint32(out, uint32(len(b)))
	binary.BigEndian.PutUint32(out[4:], crc32.Checksum(b, castagnoli))
	return append(out, b...)
}

// append writes one change and syncs it. Upstream's broadcast has no way to
// fail, so a failure is counted, and the API looks at the count.
func (j *journal) append(b []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.write(encodeRecord(b)); err != nil {
		j.failures.Add(1)
		j.m.failures.WithLabelValues(j.name).Inc()
		j.log.Error("A change could not be journalled", "journal", j.path, "err", err)
		return
	}
	j.m.records.WithLabelValues(j.name).Inc()
}

func (j *journal) write(rec []byte) error {
	if j.f == nil {
		return os.ErrClosed
	}
	n, err := j.f.Write(rec)
	if err == nil {
		j.size += int64(n)
		return j.f.Sync()
	}
	// Whatever part was written must not stand before the next record.
	if terr := j.f.Truncate(j.size); terr != nil {
		return errors.Join(err, terr)
	}
	_, serr := j.f.Seek(j.size, io.SeekStart)
	return errors.Join(err, serr)
}

type snapshotter func(io.Writer) (int64, error)

// snapshot writes the whole state beside the old snapshot, syncs it, puts it
// in place, and only then empties the journal. Changes wait meanwhile.
func (j *journal) snapshot(state snapshotter, path string) (int64, error) {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return 0, fmt.Errorf("write snapshot: %w", err)
	}
	// Records up to here are in the snapshot; those that come during it may
	// be, and merging one twice does no harm, so they stay in the journal.
	j.mu.Lock()
	covered := j.size
	j.mu.Unlock()
	n, err := state(f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return n, fmt.Errorf("write snapshot: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return n, fmt.Errorf("place snapshot: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.size != covered || j.f == nil {
		return n, nil // the next snapshot will cover them
	}
	if err := j.f.Truncate(0); err != nil {
		return n, fmt.Errorf("empty journal: %w", err)
	}
	j.size = 0
	_, err = j.f.Seek(0, io.SeekStart)
	return n, err
}

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.f == nil {
		return nil
	}
	err := errors.Join(j.f.Sync(), j.f.Close())
	j.f = nil
	return err
}
