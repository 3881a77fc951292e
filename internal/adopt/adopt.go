// Package adopt takes over the data directories of a Prometheus and an
// Alertmanager: it finds them, checks all of what they hold, and links or
// copies it into a data directory of ours. The source is never altered.
package adopt

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"touchline.dev/touchline/internal/datadir"
)

// Options say what to adopt.
type Options struct {
	From        []string // data directories, or folders that hold some
	DataDir     string   // ours; made when missing
	DryRun      bool     // look and check only
	SkipCorrupt bool     // leave out what is damaged instead of refusing everything
	Now         func() time.Time
}

// Report is what was found, and what became of it. Fields are added, never
// renamed or removed.
type Report struct {
	Dir          string        `json:"dir"`
	DryRun       bool          `json:"dry_run"`
	Prometheus   *Prometheus   `json:"prometheus,omitempty"`
	Alertmanager *Alertmanager `json:"alertmanager,omitempty"`
	Damaged      []Damage      `json:"damaged"` // left out
	LinkedFiles  int           `json:"linked_files"`
	LinkedBytes  int64         `json:"linked_bytes"`
	CopiedFiles  int           `json:"copied_files"`
	CopiedBytes  int64         `json:"copied_bytes"`
	Notes        []string      `json:"notes"`
}

// Prometheus is what a Prometheus left.
type Prometheus struct {
	Path   string  `json:"path"`
	Blocks []Block `json:"blocks"`
	Logs   []Log   `json:"logs"`

	items []item
}

// Block is one block of the TSDB.
type Block struct {
	ID      string    `json:"id"`
	MinTime time.Time `json:"min_time"`
	MaxTime time.Time `json:"max_time"`
	Series  uint64    `json:"series"`
	Samples uint64    `json:"samples"`
	Bytes   int64     `json:"bytes"`
}

// Log is the write-ahead log, or that of out-of-order samples.
type Log struct {
	Name       string    `json:"name"` // wal or wbl
	Segments   int       `json:"segments"`
	Checkpoint string    `json:"checkpoint,omitempty"`
	Series     int       `json:"series"`
	Samples    int       `json:"samples"`
	MinTime    time.Time `json:"min_time,omitzero"`
	MaxTime    time.Time `json:"max_time,omitzero"`
	Bytes      int64     `json:"bytes"`
	Unfinished int64     `json:"unfinished_bytes"` // of a record at the end, which was never acknowledged
}

// Alertmanager is what an Alertmanager left.
type Alertmanager struct {
	Path          string `json:"path"`
	Silences      int    `json:"silences"`
	Active        int    `json:"active"`
	Pending       int    `json:"pending"`
	Expired       int    `json:"expired"`
	Notifications int    `json:"notifications"`

	items []item
}

// Damage is something that cannot be read.
type Damage struct {
	What   string `json:"what"`
	Reason string `json:"reason"`
}

func (d Damage) String() string { return d.What + ": " + d.Reason }

// item is a file to be taken over, below our data directory.
type item struct {
	name  string // with slashes
	path  string
	size  int64
	fixed bool // nothing ever changes it, so that a link is as good as a copy
}

// What Run refuses with.
var (
	ErrNothing = errors.New("no data of Prometheus or Alertmanager is there")
	ErrInUse   = errors.New("the directory is in use")
	ErrDamaged = errors.New("some of the data is damaged")
)

// defaultRetention is what "touchline run" keeps unless told otherwise.
const defaultRetention = 15 * 24 * time.Hour

// Run finds, checks and takes over. With an error nothing is changed; the
// report then tells what had been found.
func Run(ctx context.Context, o Options) (_ *Report, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Report{Dir: o.DataDir, DryRun: o.DryRun, Damaged: []Damage{}, Notes: []string{}}
	prom, am, err := find(o.From)
	if err != nil {
		return r, err
	}
	var parts []string
	for dir, part := range map[string]string{prom: datadir.Metrics, am: datadir.Alertmanager} {
		if dir != "" {
			parts = append(parts, part)
		}
	}
	if err := datadir.Check(o.DataDir, parts...); err != nil {
		return r, err
	}
	release, err := r.hold(prom, am)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, release()) }()

	if prom != "" {
		if r.Prometheus, err = r.readPrometheus(ctx, prom); err != nil {
			return r, err
		}
		r.noteRetention(o.Now())
	}
	if am != "" {
		if r.Alertmanager, err = r.readAlertmanager(am, o.Now()); err != nil {
			return r, err
		}
	}
	if len(r.Damaged) > 0 && !o.SkipCorrupt {
		lines := make([]string, 0, len(r.Damaged))
		for _, d := range r.Damaged {
			lines = append(lines, d.String())
		}
		return r, fmt.Errorf("%w; nothing was taken over. Repair it, or leave it out with --skip-corrupt:\n  %s", ErrDamaged, strings.Join(lines, "\n  "))
	}
	var items []item
	if r.Prometheus != nil {
		items = append(items, r.Prometheus.items...)
	}
	if r.Alertmanager != nil {
		items = append(items, r.Alertmanager.items...)
	}
	if o.DryRun {
		return r, nil
	}
	t, err := datadir.Begin(o.DataDir, parts...)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, t.Abort()) }()
	if err := r.take(ctx, t, items); err != nil {
		return r, err
	}
	// One that was started meanwhile has gone on writing.
	if _, err := inUse(prom, am); err != nil {
		return r, err
	}
	return r, t.Commit()
}

// hold sees to it that nobody uses the sources, and keeps a Prometheus from
// starting on its own as far as its lock file can.
func (r *Report) hold(prom, am string) (release func() error, err error) {
	release = func() error { return nil }
	if prom != "" {
		if release, err = holdLock(prom); err != nil {
			return nil, err
		}
	}
	blind, err := inUse(prom, am)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	if blind > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d processes of other users could not be looked into; make sure that none of them is a server that uses this data", blind))
	}
	return release, nil
}

// noteRetention warns of what the first start would delete.
func (r *Report) noteRetention(now time.Time) {
	old := 0
	oldest := now
	for _, b := range r.Prometheus.Blocks {
		if b.MaxTime.Before(now.Add(-defaultRetention)) {
			old++
		}
		if b.MinTime.Before(oldest) {
			oldest = b.MinTime
		}
	}
	if old > 0 {
		days := int(now.Sub(oldest).Hours()/24) + 1
		r.Notes = append(r.Notes, fmt.Sprintf("%d blocks are older than the 15 days that touchline keeps by default, and its first start would delete them here: start it with --storage.retention.time=%dd or more to keep them", old, days))
	}
}

// absolute is a path by which two names of one folder compare equal.
func absolute(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", dir, err)
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", dir, err)
	}
	return real, nil
}
