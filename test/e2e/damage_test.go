//go:build e2e

package e2e

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/wlog"
)

// sample is one float sample for a block that the test makes.
type sample struct {
	t int64
	v float64
}

func (s sample) ST() int64                     { return 0 }
func (s sample) T() int64                      { return s.t }
func (s sample) F() float64                    { return s.v }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// damagedData is a data directory with two blocks, several log segments,
// finished chunks, silences and alert states, left behind by a kill.
func damagedData(t *testing.T) string {
	t.Helper()
	dir, conf := t.TempDir(), t.TempDir()
	write(t, conf, "rules.yml", "groups: [{name: g, interval: 1s, rules: [{alert: Hot, expr: vector(1)}]}]\n")
	prom := write(t, conf, "prometheus.yml", "rule_files: [rules.yml]\n")
	for i, hours := range []int{30, 20} {
		at := time.Now().Add(-time.Duration(hours) * time.Hour).Truncate(2 * time.Hour).UnixMilli()
		s := storage.NewListSeries(labels.FromStrings("__name__", "old", "block", string(rune('a'+i))), []chunks.Sample{sample{at + 1000, 1}, sample{at + 2000, 2}})
		if err := os.MkdirAll(filepath.Join(dir, "metrics"), 0o750); err != nil {
			t.Fatal(err)
		}
		if _, err := tsdb.CreateBlock([]storage.Series{s}, filepath.Join(dir, "metrics"), 0, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	}
	// Each start begins a segment of its own.
	for round := range 3 {
		p := launch(t, dir, "--prometheus.config="+prom)
		for n := range 150 {
			at := time.Now().Add(-20*time.Minute + time.Duration(round*150+n)*time.Second)
			if code, body := p.do(http.MethodPost, "/api/v1/write", "application/x-protobuf", batch(round*150+n, at), remoteWriteHeader); code/100 != 2 {
				t.Fatalf("write: %d %s", code, body)
			}
		}
		for range 3 {
			if code := p.silence("X"); code != http.StatusOK {
				t.Fatalf("silence: %d", code)
			}
		}
		p.until(10*time.Second, "an alert state", func() bool { _, body := p.get("/api/v1/alerts"); return strings.Contains(body, `"Hot"`) })
		if round == 1 {
			p.stop() // writes snapshots
		} else {
			p.kill()
		}
	}
	return dir
}

// copyData copies a data directory.
func copyData(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "admin.token"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	out, err := filepath.Glob(pattern)
	if err != nil || len(out) == 0 {
		t.Fatalf("no file %s: %v", pattern, err)
	}
	slices.Sort(out)
	return out
}

// checkpoint makes a checkpoint of all segments but the last, where there is none.
func checkpoint(t *testing.T, dir string) {
	t.Helper()
	if made, _ := filepath.Glob(dir + "/checkpoint.*"); len(made) > 100 {
		return
	}
	log := slog.New(slog.DiscardHandler)
	first, end, err := wlog.Segments(dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := wlog.Open(log, dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wlog.Checkpoint(log, w, first, end-1, func(chunks.HeadSeriesRef) bool { return true }, 0, false, false); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for i := first; i < end; i++ {
		if err := os.Remove(wlog.SegmentName(dir, i)); err != nil {
			t.Fatal(err)
		}
	}
}

// change rewrites a file.
func change(t *testing.T, path string, do func([]byte) []byte) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, do(raw), 0o600); err != nil {
		t.Fatal(err)
	}
}

// flip inverts some bytes in the middle.
func flip(raw []byte) []byte {
	for i := len(raw) / 2; i < len(raw)/2+8 && i < len(raw); i++ {
		raw[i] ^= 0xff
	}
	return raw
}

// largest is the file with the most in it.
func largest(t *testing.T, paths []string) string {
	t.Helper()
	best, size := "", int64(-1)
	for _, p := range paths {
		fi, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if fi.Size() > size {
			best, size = p, fi.Size()
		}
	}
	return best
}

func last(s []string) string { return s[len(s)-1] }

// TestDamagedFiles starts on damaged files: each start repairs and tells, or
// refuses and says what to do.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	whole := damagedData(t)
	damages := "touchline_storage_log_damages_total"
	aside := "touchline_storage_blocks_set_aside_total"
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		log    string // printed by a start that repairs
		metric string // not zero after it
		refuse string // printed by a start that refuses
		keeps  string // a query that must still have an answer
	}{
		{name: "log segment with flipped bytes", log: "its other records were kept", metric: damages, keeps: `count_over_time(lasting{i="1"}[1h]) >= 440`,
			damage: func(t *testing.T, dir string) { change(t, largest(t, files(t, dir+"/metrics/wal/0*")), flip) }},
		// In the last segment it is the mark of a kill, in another one damage.
		{name: "log segment cut off", log: "write-ahead log is", keeps: `count_over_time(lasting{i="1"}[1h]) >= 300`,
			damage: func(t *testing.T, dir string) {
				change(t, largest(t, files(t, dir+"/metrics/wal/0*")), func(b []byte) []byte {
					t.Logf("the segment has %d bytes", len(b))
					return b[:len(b)*2/3]
				})
			}},
		{name: "last log segment with zeros at its end", keeps: `count_over_time(lasting{i="1"}[1h]) >= 450`,
			damage: func(t *testing.T, dir string) {
				change(t, last(files(t, dir+"/metrics/wal/0*")), func(b []byte) []byte { return append(b, make([]byte, 100<<10)...) })
			}},
		{name: "checkpoint with flipped bytes", log: "its other records were kept", metric: damages, keeps: `count(count_over_time(lasting[1h])) >= 50`,
			damage: func(t *testing.T, dir string) {
				checkpoint(t, dir+"/metrics/wal")
				change(t, last(files(t, dir+"/metrics/wal/checkpoint.*/0*")), flip)
			}},
		{name: "index of a block cut off", log: "set aside", metric: aside, keeps: `count_over_time(old{block="b"}[2d])`,
			damage: func(t *testing.T, dir string) {
				change(t, files(t, dir+"/metrics/01*/index")[0], func(b []byte) []byte { return b[:len(b)/2] })
			}},
		{name: "meta.json of a block", log: "set aside", metric: aside, keeps: `count_over_time(old{block="b"}[2d])`,
			damage: func(t *testing.T, dir string) {
				write(t, filepath.Dir(files(t, dir+"/metrics/01*/index")[0]), "meta.json", "{")
			}},
		{name: "chunks of a block", log: "set aside", metric: aside, keeps: `count_over_time(old{block="b"}[2d])`,
			damage: func(t *testing.T, dir string) {
				change(t, files(t, dir+"/metrics/01*/chunks/*")[0], func(b []byte) []byte { return make([]byte, len(b)) })
			}},
		{name: "finished chunks", log: "Loading on-disk chunks failed", metric: "prometheus_tsdb_mmap_chunk_corruptions_total", keeps: `count_over_time(lasting{i="1"}[1h]) >= 450`,
			damage: func(t *testing.T, dir string) {
				change(t, last(files(t, dir+"/metrics/chunks_head/*")), func(b []byte) []byte {
					for i := 100; i < 20000 && i < len(b); i++ {
						b[i] ^= 0x5a
					}
					return b
				})
			}},
		{name: "snapshot of silences", refuse: "alertmanager/silences",
			damage: func(t *testing.T, dir string) { change(t, dir+"/alertmanager/silences", flip) }},
		{name: "snapshot of the notification log", refuse: "alertmanager/nflog",
			damage: func(t *testing.T, dir string) {
				write(t, dir+"/alertmanager", "nflog", strings.Repeat("\x05garbage", 100))
			}},
		{name: "journal of silences", log: "damaged", metric: `touchline_alerting_journal_corrupt_records_total{journal="silences"}`,
			damage: func(t *testing.T, dir string) { change(t, dir+"/alertmanager/silences.journal", flip) }},
		{name: "journal of the notification log", log: "damaged", metric: `touchline_alerting_journal_corrupt_records_total{journal="nflog"}`,
			damage: func(t *testing.T, dir string) {
				write(t, dir+"/alertmanager", "nflog.journal", "TLJRNL\x00\x01"+strings.Repeat("garbage", 10))
			}},
		{name: "journal of a newer build", refuse: "silences.journal",
			damage: func(t *testing.T, dir string) { write(t, dir+"/alertmanager", "silences.journal", "TLJRNL\x00\x09") }},
		{name: "journal of alert states", log: "start anew", metric: "touchline_rules_journal_corrupt_records_total",
			damage: func(t *testing.T, dir string) { change(t, dir+"/rules/state.journal", flip) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyData(t, whole)
			c.damage(t, dir)
			if c.refuse != "" {
				out, err := runOnce(t, "--storage.path="+dir)
				if err == nil || !strings.Contains(out, c.refuse) || !strings.Contains(out, "move") || strings.Contains(out, "goroutine ") {
					t.Errorf("got %v:\n%s", err, out)
				}
				return
			}
			p := launch(t, dir)
			if !strings.Contains(p.out.String(), c.log) {
				t.Errorf("the log does not say %q:\n%s", c.log, p.out)
			}
			if _, body := p.get("/metrics"); c.metric != "" && (!strings.Contains(body, "\n"+c.metric+" ") || strings.Contains(body, "\n"+c.metric+" 0\n")) {
				t.Errorf("%s is zero:\n%s", c.metric, p.out)
			}
			if c.keeps != "" && p.value(c.keeps) == "" {
				t.Errorf("%s has no answer; %s samples are there:\n%s", c.keeps, p.value(`count_over_time(lasting{i="1"}[1h])`), p.out)
			}
			_, body := p.get("/api/v2/silences")
			if n := strings.Count(body, `"createdBy"`); n < 6 {
				t.Errorf("%d silences are there", n)
			}
			if !p.write("more", 1, time.Now()) {
				t.Error("a write after the repair was refused")
			}
		})
	}
	t.Run("the alert", func(t *testing.T) {
		dir := copyData(t, whole)
		change(t, dir+"/alertmanager/silences.journal", flip)
		u, got := sink(t)
		launch(t, dir, "--alertmanager.config="+write(t, t.TempDir(), "alertmanager.yml", alertmanager(u)))
		expect(t, got, "firing StorageCorrupted", 50*time.Second)
	})
}
