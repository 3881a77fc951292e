package metrics

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"
)

// fakeDisk is a disk whose space the test sets.
type fakeDisk struct {
	free, total int64
	failures    atomic.Int64
	mapped      int
	healErr     error
	healed      int
	detached    int
}

func (d *fakeDisk) guard(t *testing.T) *diskGuard {
	t.Helper()
	return newDiskGuard(diskOptions{
		Dir: t.TempDir(), MinFree: 100, Logger: slog.New(slog.DiscardHandler), Reg: prometheus.NewRegistry(),
		Failures: func() float64 { return float64(d.failures.Load()) },
		MapHead:  func() { d.mapped++; panic("no space left on device") },
		Detach:   func() error { d.detached++; return nil },
		Heal:     func() error { d.healed++; return d.healErr },
		Statfs:   func(string) (int64, int64, error) { return d.free, d.total, nil },
		Reserve:  func(path string, size int64) error { return os.WriteFile(path, make([]byte, size), 0o600) },
	})
}

func refused(g *diskGuard) (outside, own bool) {
	return g.refusal(true) != nil, g.refusal(false) != nil
}

func TestDiskGuardRefusesAheadOfAFullDisk(t *testing.T) {
	d := &fakeDisk{free: 1000, total: 100000}
	g := d.guard(t)
	for _, step := range []struct {
		free         int64
		outside, own bool
	}{{1000, false, false}, {99, true, false}, {110, true, false}, {49, true, true}, {99, true, true}, {124, true, true}, {150, false, false}} {
		d.free = step.free
		g.check()
		if outside, own := refused(g); outside != step.outside || own != step.own {
			t.Errorf("with %d free: outside refused %v, own %v", step.free, outside, own)
		}
		_, err := os.Stat(g.ballast())
		if full := step.own; full == (err == nil) {
			t.Errorf("with %d free: ballast %v", step.free, err)
		}
	}
	if d.mapped != 1 || d.detached != 1 || d.healed != 0 {
		t.Errorf("chunks written %d times, detached %d times, logs repaired %d times", d.mapped, d.detached, d.healed)
	}
}

// appenderFunc is a storage whose Commit does what the test says.
type appendableFunc func() error

func (f appendableFunc) AppenderV2(context.Context) storage.AppenderV2 {
	return appenderFunc{commit: f}
}

type appenderFunc struct {
	storage.AppenderV2
	commit func() error
}

func (a appenderFunc) Commit() error   { return a.commit() }
func (a appenderFunc) Rollback() error { return nil }

func TestDiskGuardAcknowledgesNothingBehindAFailedWrite(t *testing.T) {
	d := &fakeDisk{free: 1000, total: 100000, healErr: errors.New("still full")}
	g := d.guard(t)
	ok := g.wrap(appendableFunc(func() error { return nil }), true)
	if err := ok.AppenderV2(t.Context()).Commit(); err != nil {
		t.Fatal(err)
	}
	// Another batch's write fails just before this one's succeeds.
	behind := g.wrap(appendableFunc(func() error { d.failures.Add(1); return nil }), true)
	if err := behind.AppenderV2(t.Context()).Commit(); err == nil {
		t.Error("a batch behind a failed write was acknowledged")
	}
	g.check()
	if outside, own := refused(g); !outside || !own {
		t.Error("samples are taken before the log is whole")
	}
	if _, err := ok.AppenderV2(t.Context()).Append(0, labels.EmptyLabels(), 0, 0, 0, nil, nil, storage.AppendV2Options{}); err == nil {
		t.Error("an append was taken")
	}
	if err := ok.AppenderV2(t.Context()).Commit(); err == nil {
		t.Error("a batch was acknowledged before the log is whole")
	}
	g.check()
	if outside, _ := refused(g); !outside || d.healed == 0 {
		t.Error("samples are taken although the repair failed")
	}
	d.healErr = nil
	g.check()
	if outside, own := refused(g); outside || own {
		t.Error("samples are refused after the repair")
	}
	if err := ok.AppenderV2(t.Context()).Commit(); err != nil {
		t.Error(err)
	}
}

// TestMendSegment cuts records off as a failed write does, and reads what is left.
func TestDiskGuardRepairsEverLessOften(t *testing.T) {
	d := &fakeDisk{free: 1000, total: 100000, healErr: errors.New("damaged elsewhere")}
	g := d.guard(t)
	d.failures.Add(1)
	for range 4 * 60 { // a minute of checks
		g.check()
	}
	if d.healed < 3 || d.healed > 12 {
		t.Errorf("the log was read %d times in a minute for a repair that fails", d.healed)
	}
	d.healErr = nil
	for range maxRepairPause + 1 {
		g.check()
	}
	if outside, own := refused(g); outside || own {
		t.Error("samples are refused after the repair")
	}
}

func TestMendSegment(t *testing.T) {
	dir := t.TempDir()
	w, err := wlog.NewSize(slog.New(slog.DiscardHandler), nil, dir, 8*logPage, compression.None)
	if err != nil {
		t.Fatal(err)
	}
	big := bytes.Repeat([]byte("b"), 3*logPage)
	for _, rec := range [][]byte{[]byte("before"), big, []byte("behind"), []byte("last")} {
		if err := w.Log(rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(wlog.SegmentName(dir, 0))
	if err != nil {
		t.Fatal(err)
	}
	if bad, err := mendSegment(wlog.SegmentName(dir, 0), ""); len(bad) != 0 || err != nil {
		t.Fatalf("a whole segment: %v, %v", bad, err)
	}
	for cut := 1; cut <= 3; cut++ {
		// The big record's last pages were never written; the page in which it
		// ends holds what came after it.
		end := 3 * logPage
		tail := bytes.Index(whole, []byte("behind")) - logHeader
		torn := append([]byte{}, whole[:cut*logPage]...)
		torn = append(torn, bytes.TrimRight(whole[tail:], "\x00")...)
		torn = append(torn, make([]byte, logPage-len(torn)%logPage)...)
		if tail < end {
			t.Fatal("the records stand elsewhere")
		}
		path := filepath.Join(t.TempDir(), "00000000")
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := records(path); err == nil || len(got) != 1 {
			t.Fatalf("cut %d: the damage was not seen: %d records, %v", cut, len(got), err)
		}
		if bad, err := mendSegment(path, ""); len(bad) == 0 || err != nil {
			t.Fatalf("cut %d: %v, %v", cut, bad, err)
		}
		got, err := records(path)
		if err != nil || len(got) != 3 || got[0] != "before" || got[1] != "behind" || got[2] != "last" {
			t.Errorf("cut %d: got %d records, %v", cut, len(got), err)
		}
	}
}

func records(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	r := wlog.NewReader(io.Reader(f))
	var out []string
	for r.Next() {
		out = append(out, string(r.Record()))
	}
	return out, r.Err()
}

// TestHealLogsThroughTheEngine checks that the head's logs can be reached in
// this version of Prometheus, and that a repair leaves a readable log.
func TestHealLogsThroughTheEngine(t *testing.T) {
	e := newTestEngine(t, nil)
	for i := range 3 {
		app := e.Appendable().AppenderV2(t.Context())
		if _, err := app.Append(0, labels.FromStrings("__name__", "m", "i", string(rune('a'+i))), 0, int64(1000+i), 1, nil, nil, storage.AppendV2Options{}); err != nil {
			t.Fatal(err)
		}
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := healLogs(t.Context(), e.db); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(e.failures.found); n < 1 {
		t.Errorf("found %d counters of failed writes", n)
	}
	known, err := loggedSeries(filepath.Join(e.Dir(), "wal"))
	if err != nil || len(known) != 3 {
		t.Errorf("the log knows %d series, %v", len(known), err)
	}
	// A series that was made without the log is written to it, once.
	app := e.db.AppenderV2(t.Context())
	if _, err := app.Append(0, labels.FromStrings("__name__", "lost"), 0, 2000, 1, nil, nil, storage.AppendV2Options{}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := healLogs(t.Context(), e.db); err != nil {
			t.Fatal(err)
		}
		if known, err = loggedSeries(filepath.Join(e.Dir(), "wal")); err != nil || len(known) != 4 {
			t.Errorf("the log knows %d series, %v", len(known), err)
		}
	}
	if err := app.Rollback(); err != nil {
		t.Fatal(err)
	}
}

// TestMendSegmentThatWasCutOff loses only the record amid which a segment ends.
func TestMendSegmentThatWasCutOff(t *testing.T) {
	dir := t.TempDir()
	w, err := wlog.NewSize(slog.New(slog.DiscardHandler), nil, dir, 16*logPage, compression.Snappy)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		rec := make([]byte, 100+i%40*100)
		for k := range rec {
			rec[k] = byte((i*7919 + k*k*31) >> 3)
		}
		if err := w.Log(rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(wlog.SegmentName(dir, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []int{len(whole) / 3, len(whole) / 2, len(whole) * 2 / 3} {
		path := filepath.Join(t.TempDir(), "00000000")
		if err := os.WriteFile(path, whole[:end], 0o600); err != nil {
			t.Fatal(err)
		}
		before, _ := records(path)
		bad, err := mendSegment(path, "")
		if err != nil {
			t.Fatal(err)
		}
		after, _ := records(path)
		if len(before) == 0 || len(after) != len(before) {
			t.Errorf("cut at %d: %d records before, %d after mending %v", end, len(before), len(after), bad)
		}
	}
}
