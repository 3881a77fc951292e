package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// ballastName is a file whose only purpose is its size: it is given up when
// the disk is full, so that what must still be written has room.
const ballastName = "ballast"

// diskPoll is how often the free space is read. It costs one system call.
const diskPoll = 250 * time.Millisecond

// Who is refused at a state of the disk.
const (
	diskFine int32 = iota
	diskLow        // below MinFree: samples from outside
	diskFull       // below half of it, or a write has failed: all samples
)

// HealthReporter takes the state of the storage.
type HealthReporter interface {
	OK()
	Degraded(reason string)
}

type diskOptions struct {
	Dir      string
	MinFree  int64 // bytes, 0 never refuses ahead of a failure
	Logger   *slog.Logger
	Reg      prometheus.Registerer
	Health   HealthReporter // optional
	Failures func() float64 // writes to the logs that have failed since the start
	MapHead  func()         // writes finished chunks of the head to their files
	Detach   func() error   // keeps the head from ever writing a chunk again, after MapHead has failed
	Heal     func() error   // makes the logs whole again after a failed write
	Statfs   func(dir string) (free, total int64, err error)
	Reserve  func(path string, size int64) error // makes the ballast
}

// diskGuard keeps the storage away from a full disk. Upstream's head panics
// where it cannot write a chunk, and leaves half a record in its log where it
// cannot write that: what is written behind such a record, even with space
// again, would be thrown away by the next start. So samples are refused while
// there is still room for what must be written, and after a failed write
// until the logs are whole again.
type diskGuard struct {
	o   diskOptions
	log *slog.Logger

	state atomic.Int32
	free  atomic.Int64
	limit atomic.Int64
	why   atomic.Pointer[DiskError]

	gate   sync.RWMutex // held for reading by a commit, for writing by a change of state
	lame   bool         // chunks are no longer written; only a restart helps. Used by check alone.
	healed float64      // value of Failures up to which the logs are whole; guarded by gate
	failed int          // repairs in a row that have failed, and
	skip   int          // checks to pass before the next one. Both used by check alone.

	wake chan struct{}
	stop chan struct{}
	wg   sync.WaitGroup

	refused prometheus.Counter
	heals   prometheus.Counter
}

// DiskError says that samples are refused because of the disk.
type DiskError struct{ Reason string }

func (e *DiskError) Error() string { return "storage takes no samples: " + e.Reason }

func newDiskGuard(o diskOptions) *diskGuard {
	if o.Statfs == nil {
		o.Statfs = statfs
	}
	if o.Reserve == nil {
		o.Reserve = reserve
	}
	g := &diskGuard{
		o: o, log: o.Logger, wake: make(chan struct{}, 1), stop: make(chan struct{}), healed: o.Failures(),
		refused: prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_storage_refused_batches_total", Help: "Batches of samples refused because of the disk; their senders were told."}),
		heals:   prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_storage_log_repairs_total", Help: "Times that the write-ahead logs were made whole again after a write had failed."}),
	}
	if o.Reg != nil {
		o.Reg.MustRegister(g.refused, g.heals,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "touchline_storage_free_bytes", Help: "Space left for the data directory."}, func() float64 { return float64(g.free.Load()) }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "touchline_storage_min_free_bytes", Help: "Space below which samples from outside are refused; below half of it, all samples are."}, func() float64 { return float64(g.limit.Load()) }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "touchline_storage_refusing", Help: "What is refused because of the disk: 0 nothing, 1 samples from outside, 2 all samples."}, func() float64 { return float64(g.state.Load()) }))
	}
	g.check()
	return g
}

// start begins to watch; close ends it.
func (g *diskGuard) start() {
	g.wg.Go(func() {
		t := time.NewTicker(diskPoll)
		defer t.Stop()
		for {
			select {
			case <-g.stop:
				return
			case <-t.C:
			case <-g.wake:
			}
			g.check()
		}
	})
}

func (g *diskGuard) close() {
	close(g.stop)
	g.wg.Wait()
}

// check reads the free space and changes the state where it calls for it.
func (g *diskGuard) check() {
	free, total, err := g.o.Statfs(g.o.Dir)
	if err != nil {
		g.log.Debug("Free space of the data directory could not be read", "err", err)
		return
	}
	limit := min(g.o.MinFree, total/20)
	g.free.Store(free)
	g.limit.Store(limit)
	state, failed := g.state.Load(), g.o.Failures() > g.healed
	switch {
	case failed && state != diskFull:
		g.enter(diskFull, fmt.Sprintf("a write to its log failed, %s are free; free some space, no restart is needed", size(free)))
	case free < limit/2 && state != diskFull:
		g.enter(diskFull, g.reason(free, limit))
	case free < limit && state == diskFine:
		g.enter(diskLow, g.reason(free, limit))
	case state != diskFine && free >= limit+limit/4+g.ballastMissing(limit):
		g.leave(limit)
	case state == diskFine:
		g.keepBallast(limit)
	}
}

func (g *diskGuard) reason(free, limit int64) string {
	return fmt.Sprintf("the disk of %s has %s free, less than the %s that --storage.min-free keeps; free some space, no restart is needed", g.o.Dir, size(free), size(limit))
}

// enter refuses more than before. Commits that run are waited for, so that
// nothing is written to the logs once it returns from diskFull.
func (g *diskGuard) enter(state int32, why string) {
	g.gate.Lock()
	g.why.Store(&DiskError{Reason: why})
	g.state.Store(state)
	g.gate.Unlock()
	if state == diskFull {
		if err := os.Remove(g.ballast()); err != nil && !errors.Is(err, os.ErrNotExist) {
			g.log.Warn("The ballast could not be given up", "err", err)
		}
	}
	g.log.Error("Storage refuses samples", "from", map[int32]string{diskLow: "outside", diskFull: "everywhere"}[state], "why", why)
	if g.o.Health != nil {
		g.o.Health.Degraded(why)
	}
	// What is in memory and will have to be written is written now, while there
	// is room: later there may be none, and nothing new comes to be written.
	g.mapHead()
}

// mapHead runs upstream's writing of chunks, which panics where it fails.
func (g *diskGuard) mapHead() {
	defer func() {
		if v := recover(); v != nil {
			// Upstream would try again within a minute, and panic where nobody
			// can recover. The samples are in the write-ahead log.
			g.lame = true
			err := g.o.Detach()
			g.log.Error("Finished chunks could not be written; their samples are in the write-ahead log, and queries find them again after a restart", "err", fmt.Sprint(v), "detach", err)
		}
	}()
	if g.lame {
		return
	}
	g.o.MapHead()
}

// maxRepairPause is how many checks pass at most between two repairs: half a minute.
const maxRepairPause = int(30 * time.Second / diskPoll)

// leave takes samples again, after the logs have been made whole. A repair
// reads all of the log and says so when it fails: one that keeps failing is
// tried ever less often.
func (g *diskGuard) leave(limit int64) {
	if g.skip > 0 {
		g.skip--
		return
	}
	g.gate.Lock()
	defer g.gate.Unlock()
	if failures := g.o.Failures(); failures > g.healed {
		if err := g.o.Heal(); err != nil {
			g.skip = min(1<<min(g.failed, 10)-1, maxRepairPause)
			g.failed++
			g.log.Error("The write-ahead log could not be made whole yet; trying again", "err", err, "after", time.Duration(g.skip+1)*diskPoll)
			return
		}
		g.healed, g.failed = failures, 0
		g.heals.Inc()
		g.log.Info("The write-ahead log is whole again after a failed write")
	}
	g.keepBallast(limit)
	g.state.Store(diskFine)
	g.log.Info("Storage takes samples again", "free", size(g.free.Load()))
	switch {
	case g.o.Health == nil:
	case g.lame:
		g.o.Health.Degraded("the disk was full before the finished chunks in memory could be written; free some space and restart: queries find those samples again then")
	default:
		g.o.Health.OK()
	}
}

func (g *diskGuard) ballast() string { return filepath.Join(g.o.Dir, ballastName) }

// ballastSize is a quarter of what is kept free.
func ballastSize(limit int64) int64 { return limit / 4 }

func (g *diskGuard) ballastMissing(limit int64) int64 {
	if fi, err := os.Stat(g.ballast()); err == nil && fi.Size() >= ballastSize(limit) {
		return 0
	}
	return ballastSize(limit)
}

func (g *diskGuard) keepBallast(limit int64) {
	if limit <= 0 || g.ballastMissing(limit) == 0 {
		return
	}
	if g.free.Load() < limit+ballastSize(limit) {
		return
	}
	if err := g.o.Reserve(g.ballast(), ballastSize(limit)); err != nil {
		g.log.Debug("The ballast could not be made", "err", err)
	}
}

// refusal is why samples are refused now: of senders outside, or of everybody.
func (g *diskGuard) refusal(outside bool) error {
	s := g.state.Load()
	if s == diskFine || s == diskLow && !outside {
		return nil
	}
	return g.why.Load()
}

// wrap puts the guard in front of a storage. Senders outside are refused earlier.
func (g *diskGuard) wrap(next storage.AppendableV2, outside bool) storage.AppendableV2 {
	return &guardedAppendable{next: next, g: g, outside: outside}
}

type guardedAppendable struct {
	next    storage.AppendableV2
	g       *diskGuard
	outside bool
}

func (a *guardedAppendable) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return &guardedAppender{AppenderV2: a.next.AppenderV2(ctx), g: a.g, outside: a.outside}
}

type guardedAppender struct {
	storage.AppenderV2
	g       *diskGuard
	outside bool
}

// Append is refused before a series is made in memory that no log would know.
func (a *guardedAppender) Append(ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, opts storage.AppendV2Options) (storage.SeriesRef, error) {
	if a.g.state.Load() != diskFine {
		if err := a.g.refusal(a.outside); err != nil {
			return 0, err
		}
	}
	return a.AppenderV2.Append(ref, ls, st, t, v, h, fh, opts)
}

func (a *guardedAppender) AppendExemplars(ref storage.SeriesRef, ls labels.Labels, es []exemplar.Exemplar) (storage.SeriesRef, error) {
	next, ok := a.AppenderV2.(storage.ExemplarAppenderV2)
	if !ok {
		return ref, nil
	}
	return next.AppendExemplars(ref, ls, es)
}

// Commit acknowledges only what a restart would find: a write to a log that
// fails while it runs, its own or another's just before it, makes it an error.
func (a *guardedAppender) Commit() error {
	g := a.g
	g.gate.RLock()
	defer g.gate.RUnlock()
	if err := g.refusal(a.outside); err != nil {
		g.refused.Inc()
		return errors.Join(err, a.Rollback())
	}
	err := a.AppenderV2.Commit()
	if g.o.Failures() == g.healed {
		return err
	}
	select {
	case g.wake <- struct{}{}:
	default:
	}
	g.refused.Inc()
	if err != nil {
		return err
	}
	return &DiskError{Reason: "a write to its log failed; free some space, no restart is needed"}
}

var _ storage.ExemplarAppenderV2 = (*guardedAppender)(nil)

// statfs tells the space that an unprivileged process may still use, in bytes.
func statfs(dir string) (free, total int64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, fmt.Errorf("read free space of %s: %w", dir, err)
	}
	return int64(s.Bavail) * s.Bsize, int64(s.Blocks) * s.Bsize, nil
}

// reserve makes a file that really takes its size on disk.
func reserve(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("reserve space: %w", err)
	}
	err = syscall.Fallocate(int(f.Fd()), 0, 0, size)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("reserve space: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}

// size writes bytes for people.
func size(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// failureCounters finds upstream's counters of failed log writes among what
// it registers: they rise while the log's lock is held, before any later
// write, which no error returned can promise.
type failureCounters struct {
	prometheus.Registerer
	mu    sync.Mutex
	found []prometheus.Collector
}

// Upstream's names of the counters.
var failureNames = []string{`"prometheus_tsdb_wal_writes_failed_total"`, `"prometheus_tsdb_out_of_order_wbl_writes_failed_total"`}

func (f *failureCounters) Register(c prometheus.Collector) error {
	f.note(c)
	return f.Registerer.Register(c)
}

func (f *failureCounters) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		f.note(c)
	}
	f.Registerer.MustRegister(cs...)
}

func (f *failureCounters) note(c prometheus.Collector) {
	descs := make(chan *prometheus.Desc, 64)
	go func() {
		defer close(descs)
		c.Describe(descs)
	}()
	for d := range descs {
		for _, name := range failureNames {
			if strings.Contains(d.String(), name) {
				f.mu.Lock()
				f.found = append(f.found, c)
				f.mu.Unlock()
			}
		}
	}
}

// total is the number of failed writes since the start.
func (f *failureCounters) total() float64 {
	f.mu.Lock()
	found := f.found
	f.mu.Unlock()
	sum := 0.0
	for _, c := range found {
		ch := make(chan prometheus.Metric, 1)
		c.Collect(ch)
		var m dto.Metric
		if (<-ch).Write(&m) == nil {
			sum += m.GetCounter().GetValue()
		}
	}
	return sum
}
