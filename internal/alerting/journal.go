package alerting

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// file is what a journal or a snapshot needs of an open file.
type file interface {
	io.Writer
	io.ReaderAt
	io.Seeker
	Sync() error
	Truncate(int64) error
	Close() error
}

// opener opens files for writing; tests put a full disk behind it.
type opener func(name string, flag int) (file, error)

func openFile(name string, flag int) (file, error) { return os.OpenFile(name, flag, 0o640) }

// snapshotter writes the whole state, as upstream's Snapshot methods do.
type snapshotter func(io.Writer) (int64, error)

// journal keeps every change of silences or notification log between two of
// upstream's snapshots, in the bytes that upstream would gossip. A change is
// synced before the request that made it is answered.
type journal struct {
	path, name string
	snapPath   string
	state      snapshotter
	log        *slog.Logger
	m          *journalMetrics
	open       opener
	dirty      chan struct{} // tells syncSoon of a change; nil where append syncs

	compacting sync.Mutex // held by the one compaction that runs

	mu       sync.Mutex // never held while state is called: upstream's locks come first
	f        file
	size     int64
	failures int64 // changes that are in memory only, counted since the start
	healed   int64 // how many of them a snapshot has brought to disk since
}

type journalMetrics struct{ records, failures, corrupt, torn *prometheus.CounterVec }

func newJournalMetrics(reg prometheus.Registerer) *journalMetrics {
	vec := func(name, help string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "touchline_alerting_journal_" + name, Help: help}, []string{"journal"})
		reg.MustRegister(v)
		return v
	}
	return &journalMetrics{
		records:  vec("records_total", "Changes written to the journal."),
		failures: vec("failures_total", "Changes that could not be written to the journal."),
		corrupt:  vec("corrupt_records_total", "Damaged stretches met while reading the journal."),
		torn:     vec("torn_tails_total", "Unfinished records cut off the journal's end, as a kill amid a write leaves them."),
	}
}

type journalOptions struct {
	Path, Name, SnapshotPath string
	State                    snapshotter
	Merge                    func([]byte) error
	Logger                   *slog.Logger
	Metrics                  *journalMetrics
	Open                     opener
	// Later has changes synced by syncSoon right after append has returned, and
	// many at once. Upstream appends to the notification log under a lock that
	// every notification needs, so that in a storm each would wait for the disk.
	// A kill loses nothing by it; a power cut may have what was told in its last
	// milliseconds told again.
	Later bool
}

// openJournal merges what the file holds into the state, and makes it ready
// for more. An unfinished end is cut off: it was never acknowledged. Of a
// damaged file all good records are kept, and a copy is put aside.
func openJournal(o journalOptions) (*journal, error) {
	j := &journal{path: o.Path, name: o.Name, snapPath: o.SnapshotPath, state: o.State, log: o.Logger, m: o.Metrics, open: o.Open}
	if o.Later {
		j.dirty = make(chan struct{}, 1)
	}
	for _, c := range []*prometheus.CounterVec{j.m.records, j.m.failures, j.m.corrupt, j.m.torn} {
		c.WithLabelValues(j.name)
	}
	raw, err := os.ReadFile(j.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	bodies, bad, err := decodeJournal(raw)
	if err != nil {
		return nil, fmt.Errorf("read journal %s: %w", j.path, err)
	}
	corrupt := false
	for _, d := range bad {
		if d.torn {
			j.m.torn.WithLabelValues(j.name).Inc()
			j.log.Info("The end of the journal is unfinished and was cut off; this is the mark of a kill amid a write", "journal", j.path, "damage", d.String())
			continue
		}
		corrupt = true
		j.m.corrupt.WithLabelValues(j.name).Inc()
		j.log.Error("The journal is damaged; the records around the damage were kept. Check the disk", "journal", j.path, "damage", d.String(), "copy", j.path+".damaged")
	}
	kept := journalHeader()
	for _, b := range bodies {
		if err := o.Merge(b); err != nil {
			corrupt = true
			j.m.corrupt.WithLabelValues(j.name).Inc()
			j.log.Error("A record of the journal could not be merged", "journal", j.path, "copy", j.path+".damaged", "err", err)
			continue
		}
		kept = append(kept, encodeRecord(b)...)
	}
	if corrupt {
		if err := os.WriteFile(j.path+".damaged", raw, 0o640); err != nil {
			return nil, fmt.Errorf("keep damaged journal: %w", err)
		}
	}
	if len(raw) == len(kept) && !corrupt && len(bad) == 0 {
		if j.f, err = j.open(j.path, os.O_RDWR); err != nil {
			return nil, fmt.Errorf("open journal: %w", err)
		}
		if _, err := j.f.Seek(0, io.SeekEnd); err != nil {
			return nil, errors.Join(fmt.Errorf("seek journal %s: %w", j.path, err), j.f.Close())
		}
		j.size = int64(len(raw))
		return j, nil
	}
	if err := j.replace(kept); err != nil {
		return nil, err
	}
	return j, nil
}

// append writes one change and syncs it. Upstream's broadcast has no way to
// fail, so a failure is remembered, and persisted tells of it.
func (j *journal) append(body []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.write(encodeRecord(body)); err != nil {
		j.failures++
		j.m.failures.WithLabelValues(j.name).Inc()
		j.log.Error("A change could not be journalled", "journal", j.path, "err", err)
		return
	}
	j.m.records.WithLabelValues(j.name).Inc()
	if j.dirty != nil {
		select {
		case j.dirty <- struct{}{}:
		default:
		}
	}
}

// syncSoon syncs what append has written, until stop is closed.
func (j *journal) syncSoon(stop <-chan struct{}) {
	for {
		select {
		case <-j.dirty:
		case <-stop:
			return // close syncs the rest
		}
		j.mu.Lock()
		f := j.f
		j.mu.Unlock()
		if f == nil {
			return
		}
		err := f.Sync()
		j.mu.Lock()
		// A file that was replaced meanwhile is closed; its successor holds all of it, and was synced.
		if err != nil && f == j.f {
			j.failures++
			j.m.failures.WithLabelValues(j.name).Inc()
			j.log.Error("Changes could not be synced to the journal", "journal", j.path, "err", err)
		}
		j.mu.Unlock()
	}
}

func (j *journal) write(rec []byte) error {
	if j.f == nil {
		return os.ErrClosed
	}
	_, err := j.f.Write(rec)
	if err == nil && j.dirty == nil {
		err = j.f.Sync()
	}
	if err == nil {
		j.size += int64(len(rec))
		return nil
	}
	// Whatever part was written must not stand before the next record.
	if terr := j.f.Truncate(j.size); terr != nil {
		return errors.Join(err, terr)
	}
	_, serr := j.f.Seek(j.size, io.SeekStart)
	return errors.Join(err, serr)
}

// persisted returns nil when every change that is in memory is on disk too.
// Where some could not be journalled it writes a snapshot, which holds them:
// the disk may have space again, and a request that is tried again (deleting a
// silence twice, say) changes nothing and would not be journalled by itself.
func (j *journal) persisted() error {
	j.mu.Lock()
	clean := j.failures == j.healed
	j.mu.Unlock()
	if clean {
		return nil
	}
	_, err := j.compact()
	return err
}

// compact writes the whole state beside the old snapshot, syncs it, puts it in
// place, and only then drops from the journal what the snapshot holds. A crash
// in between leaves records that are merged once more, which does no harm.
func (j *journal) compact() (int64, error) {
	j.compacting.Lock()
	defer j.compacting.Unlock()
	// The state changes before its record is appended, so whatever has been
	// appended, or has failed to be, by now is in a snapshot taken from here on.
	j.mu.Lock()
	covered, failed := j.size, j.failures
	j.mu.Unlock()
	n, err := j.writeSnapshot()
	if err != nil {
		return n, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.healed = failed
	if j.f == nil {
		return n, nil
	}
	kept := journalHeader()
	if tail := j.size - covered; tail > 0 {
		later := make([]byte, tail)
		if _, err := j.f.ReadAt(later, covered); err != nil {
			return n, fmt.Errorf("read end of journal %s: %w", j.path, err)
		}
		kept = append(kept, later...)
	}
	return n, j.replace(kept)
}

func (j *journal) writeSnapshot() (int64, error) {
	tmp := j.snapPath + ".new"
	f, err := j.open(tmp, os.O_CREATE|os.O_TRUNC|os.O_RDWR)
	if err != nil {
		return 0, fmt.Errorf("write snapshot: %w", err)
	}
	n, err := j.state(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return n, fmt.Errorf("write snapshot %s: %w", tmp, errors.Join(err, os.Remove(tmp)))
	}
	if err := os.Rename(tmp, j.snapPath); err != nil {
		return n, fmt.Errorf("place snapshot: %w", err)
	}
	return n, syncDir(filepath.Dir(j.snapPath))
}

// replace puts a journal of these bytes in the place of the present one. The
// present one stays in use where that fails.
func (j *journal) replace(content []byte) error {
	tmp := j.path + ".new"
	f, err := j.open(tmp, os.O_CREATE|os.O_TRUNC|os.O_RDWR)
	if err != nil {
		return fmt.Errorf("create journal: %w", err)
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(tmp, j.path)
	}
	if err != nil {
		return fmt.Errorf("create journal %s: %w", tmp, errors.Join(err, f.Close()))
	}
	old := j.f
	j.f, j.size = f, int64(len(content))
	if old != nil {
		if err := old.Close(); err != nil {
			j.log.Warn("The old journal could not be closed", "journal", j.path, "err", err)
		}
	}
	return syncDir(filepath.Dir(j.path))
}

// syncDir makes a rename in dir last over a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
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
