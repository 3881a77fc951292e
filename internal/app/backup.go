package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/archive"
	"touchline.dev/touchline/internal/datadir"
	"touchline.dev/touchline/internal/httpserver"
	"touchline.dev/touchline/internal/rules"
	"touchline.dev/touchline/internal/selfmon"
	"touchline.dev/touchline/internal/state"
	"touchline.dev/touchline/internal/statuspage"
	"touchline.dev/touchline/internal/tsdbdir"
)

// backupStall is how long a reader of a backup may take nothing before it is
// cut off: as long as it lasts, blocks that were deleted stay on the disk.
const backupStall = 2 * time.Minute

// backup answers POST /touchline/v1/backup with everything in the data
// directory, as it is at that moment, while all goes on. It is part of our own
// API and needs admin access like the other changes there, so it does not
// depend on --web.enable-admin-api, which is off because upstream's
// endpoints delete data.
type backup struct {
	a    *App
	one  sync.Mutex // held while a backup runs
	quit chan struct{}
	once sync.Once

	running, at, size, took prometheus.Gauge
	failures                prometheus.Counter
}

func newBackup(a *App) *backup {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "touchline_backup_" + name, Help: help})
	}
	b := &backup{
		a: a, quit: make(chan struct{}),
		running:  gauge("running", "Whether a backup is being read."),
		at:       gauge("last_success_timestamp_seconds", "When the last backup that was read to its end began; 0 when there was none since the start."),
		size:     gauge("last_size_bytes", "Size of that backup, as sent."),
		took:     gauge("last_duration_seconds", "How long that backup took."),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_backup_failures_total", Help: "Backups that could not be made or were not read to their end."}),
	}
	a.reg.MustRegister(b.running, b.at, b.size, b.took, b.failures)
	return b
}

// stop cuts a running backup off.
func (b *backup) stop() { b.once.Do(func() { close(b.quit) }) }

func (b *backup) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !b.one.TryLock() {
		w.Header().Set("Retry-After", "60")
		httpserver.WriteError(w, httpserver.Native, httpserver.Errorf(http.StatusConflict, "another backup is being read; try again when it is done"))
		return
	}
	defer b.one.Unlock()
	if !b.a.ready.Load() {
		httpserver.WriteError(w, httpserver.Native, httpserver.Errorf(http.StatusServiceUnavailable, "the server is not ready; try again in a moment"))
		return
	}
	b.running.Set(1)
	defer b.running.Set(0)
	began := time.Now()
	out := &backupWriter{w: w, rc: http.NewResponseController(w)}
	m, err := b.write(r.Context(), out, began)
	if err == nil {
		err = out.rc.Flush()
	}
	who, _ := httpserver.PrincipalFrom(r.Context())
	if err != nil {
		b.failures.Inc()
		b.a.log.Error("Backup failed; what the reader has of it is not whole", "for", who.Name, "sent_bytes", out.n, "err", err)
		if out.n == 0 {
			httpserver.WriteError(w, httpserver.Native, err)
			return
		}
		// The connection must not end as if the answer were whole.
		panic(http.ErrAbortHandler)
	}
	b.at.Set(float64(began.UnixMilli()) / 1000)
	b.size.Set(float64(out.n))
	b.took.Set(time.Since(began).Seconds())
	b.a.log.Info("Backup read", "for", who.Name, "files", m.Files, "bytes", m.Bytes, "sent_bytes", out.n, "took", time.Since(began).Round(time.Millisecond).String())
}

// backupWriter counts, and gives every write its own deadline in place of one for the whole answer.
type backupWriter struct {
	w  http.ResponseWriter
	rc *http.ResponseController
	n  int64
}

func (w *backupWriter) Write(p []byte) (int, error) {
	// Without a deadline that can be set a reader that stalls is cut off when the server stops.
	if err := w.rc.SetWriteDeadline(time.Now().Add(backupStall)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := w.w.Write(p)
	w.n += int64(n)
	return n, err
}

func (b *backup) write(ctx context.Context, out *backupWriter, began time.Time) (_ *archive.Manifest, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stopped := make(chan struct{})
	defer func() { <-stopped }()
	go func() {
		defer close(stopped)
		select {
		case <-b.quit:
			cancel(errors.New("the server stops"))
		case <-ctx.Done():
		}
	}()
	defer cancel(nil)
	// The deadline for reading the request would end a long answer, too.
	if err := out.rc.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, fmt.Errorf("lift read deadline: %w", err)
	}
	staging := b.a.path(datadir.Staging)
	if err := os.RemoveAll(staging); err != nil {
		return nil, fmt.Errorf("clear %s: %w", staging, err)
	}
	if err := os.Mkdir(staging, 0o750); err != nil {
		return nil, fmt.Errorf("stage backup: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(staging)) }()
	entries, counts, err := b.entries(ctx, staging)
	if err != nil {
		return nil, err
	}
	h := out.w.Header()
	h.Set("Content-Type", "application/zstd")
	h.Set("Content-Disposition", `attachment; filename="touchline-`+began.UTC().Format("20060102T150405Z")+`.tar.zst"`)
	h.Set("Cache-Control", "no-store")
	m, err := archive.Write(ctx, out, archive.Origin{Version: b.a.build.Version, Host: b.a.host, Created: began, State: counts}, entries)
	if err != nil && context.Cause(ctx) != nil {
		err = fmt.Errorf("%w (%w)", err, context.Cause(ctx))
	}
	return m, err
}

// entries take what is stored in the order in which one follows from another
// in reverse: alert states first, then what was told and muted, then incidents
// and what else people decided, samples last. So an alert that is firing in the
// archive has its samples there, and what had been told about it is known to have
// been told. A state database that is PostgreSQL is not part of it.
func (b *backup) entries(ctx context.Context, staging string) (out []archive.Entry, counts archive.State, err error) {
	for _, s := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{path.Join(datadir.Rules, rules.StateFile), b.a.rules.WriteState},
		{path.Join(datadir.Alertmanager, alerting.NflogFile), b.a.alerting.WriteNotifications},
		{path.Join(datadir.Alertmanager, alerting.SilencesFile), b.a.alerting.WriteSilences},
	} {
		// They are in memory in any case; so a full disk does not keep a backup from being made.
		var buf bytes.Buffer
		if err := s.write(&buf); err != nil {
			return nil, counts, err
		}
		out = append(out, archive.Entry{Name: s.name, Size: int64(buf.Len()), Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(buf.Bytes())), nil
		}})
	}
	if b.a.state.Kind() == "sqlite" {
		var e archive.Entry
		if e, counts, err = stateEntry(ctx, b.a.state.Copy, staging); err != nil {
			return nil, counts, err
		}
		out = append(out, e)
	}
	small, err := smallEntries(b.a.c.Storage.Path)
	if err != nil {
		return nil, counts, err
	}
	out = append(out, small...)
	files, err := b.a.engine.Stage(staging)
	if err != nil {
		return nil, counts, err
	}
	return append(out, metricEntries(files)...), counts, nil
}

// smallEntries are the files that are replaced or appended to as a whole, as
// they are at this moment: when receivers were last proven, and what the public
// has been told. A last line that is being written is left out.
func smallEntries(dir string) ([]archive.Entry, error) {
	var out []archive.Entry
	for _, name := range []string{
		path.Join(datadir.Alertmanager, alerting.ProvenFile),
		path.Join(datadir.StatusPage, statuspage.IncidentsFile), path.Join(datadir.StatusPage, statuspage.HistoryFile),
	} {
		raw, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("back up %s: %w", name, err)
		}
		if strings.HasSuffix(name, ".jsonl") {
			raw = raw[:bytes.LastIndexByte(raw, '\n')+1]
		}
		out = append(out, archive.Entry{Name: name, Size: int64(len(raw)), Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(raw)), nil
		}})
	}
	return out, nil
}

// peopleTables are the tables of the state database whose rows a backup tells of.
var peopleTables = [...]string{"users", "tokens", "incidents"}

// stateEntry copies the state database into a folder, adds the copy, and counts
// what it holds.
func stateEntry(ctx context.Context, copyTo func(ctx context.Context, to string) error, folder string) (e archive.Entry, counts archive.State, err error) {
	file := filepath.Join(folder, datadir.State)
	if err := copyTo(ctx, file); err != nil {
		return e, counts, err
	}
	rows, err := state.CountRows(ctx, file, peopleTables[:]...)
	if err != nil {
		return e, counts, fmt.Errorf("back up %s: %w", datadir.State, err)
	}
	fi, err := os.Stat(file)
	if err != nil {
		return e, counts, fmt.Errorf("back up %s: %w", datadir.State, err)
	}
	return fileEntry(datadir.State, file, fi.Size()), archive.State{Users: rows[peopleTables[0]], Tokens: rows[peopleTables[1]], Incidents: rows[peopleTables[2]]}, nil
}

func metricEntries(files []tsdbdir.File) []archive.Entry {
	var out []archive.Entry
	for _, f := range files {
		out = append(out, fileEntry(path.Join(datadir.Metrics, f.Name), f.Path, f.Size))
	}
	return out
}

func fileEntry(name, file string, size int64) archive.Entry {
	return archive.Entry{Name: name, Size: size, Open: func() (io.ReadCloser, error) { return os.Open(file) }}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// BackupStopped writes an archive of the data directory of a server that does
// not run. The directory is locked meanwhile.
func BackupStopped(ctx context.Context, dir string, w io.Writer) (_ *archive.Manifest, err error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("look into data directory: %w; name it with --storage.path", err)
	}
	unlock, err := datadir.Lock(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := datadir.CheckFinished(dir); err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("read host name: %w", err)
	}
	var entries []archive.Entry
	var counts archive.State
	for _, name := range []string{
		path.Join(datadir.Rules, rules.StateFile),
		path.Join(datadir.Alertmanager, alerting.NflogFile), path.Join(datadir.Alertmanager, alerting.NflogFile+alerting.JournalSuffix),
		path.Join(datadir.Alertmanager, alerting.SilencesFile), path.Join(datadir.Alertmanager, alerting.SilencesFile+alerting.JournalSuffix),
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		fi, err := os.Stat(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("back up %s: %w", name, err)
		}
		entries = append(entries, fileEntry(name, file, fi.Size()))
	}
	small, err := smallEntries(dir)
	if err != nil {
		return nil, err
	}
	entries = append(entries, small...)
	if file := filepath.Join(dir, datadir.State); exists(file) {
		staging := filepath.Join(dir, datadir.Staging)
		if err := errors.Join(os.RemoveAll(staging), os.Mkdir(staging, 0o750)); err != nil {
			return nil, fmt.Errorf("stage backup: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(staging)) }()
		var e archive.Entry
		e, counts, err = stateEntry(ctx, func(ctx context.Context, to string) error { return state.CopyFile(ctx, file, to) }, staging)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	blocks, err := tsdbdir.AllBlockFiles(filepath.Join(dir, datadir.Metrics))
	if err != nil {
		return nil, err
	}
	// Whole, with what a kill may have left: the restored server repairs it and says so, as this one would.
	logs, err := tsdbdir.Logs(filepath.Join(dir, datadir.Metrics))
	if err != nil {
		return nil, err
	}
	entries = append(entries, metricEntries(append(blocks, logs...))...)
	if len(entries) == 0 {
		return nil, fmt.Errorf("%s holds no data of Touchline; name the data directory with --storage.path", dir)
	}
	return archive.Write(ctx, w, archive.Origin{Version: selfmon.Build().Version, Host: host, Created: time.Now(), State: counts}, entries)
}
