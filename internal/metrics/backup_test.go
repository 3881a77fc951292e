package metrics

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"touchline.dev/touchline/internal/tsdbdir"
)

// copyStaged puts staged files where a restore would.
func copyStaged(t *testing.T, files []tsdbdir.File) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		to := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
			t.Fatal(err)
		}
		src, err := os.Open(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(io.LimitReader(src, f.Size))
		if cerr := src.Close(); err != nil || cerr != nil {
			t.Fatal(err, cerr)
		}
		if err := os.WriteFile(to, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// stored reads every sample of a series.
func stored(t *testing.T, db *tsdb.DB, name string) map[int64]float64 {
	t.Helper()
	q, err := db.Querier(-1<<62, 1<<62)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	out := map[int64]float64{}
	set := q.Select(context.Background(), false, nil, labels.MustNewMatcher(labels.MatchEqual, "__name__", name))
	for set.Next() {
		it := set.At().Iterator(nil)
		for it.Next() == chunkenc.ValFloat {
			at, v := it.At()
			out[at] = v
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
	return out
}

// warnings keeps what a database complains about.
type warnings struct {
	mu sync.Mutex
	b  strings.Builder
}

func (w *warnings) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

// TestStageMissesNothing stages the storage again and again while samples are
// written, in order and out of it, and compactions move them to blocks.
func TestStageMissesNothing(t *testing.T) {
	e := newTestEngine(t, func(o *Options) { o.MinBlockDuration = time.Minute })
	db := e.Local()
	base := time.Now().Add(-20 * time.Hour).Truncate(time.Hour).UnixMilli()
	at := func(i int64) int64 { return base + i*200 }
	var acked atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		// At a pace that compactions keep up with: staging waits for the one that runs.
		pace := time.NewTicker(time.Millisecond)
		defer pace.Stop()
		for i := int64(0); i < 100_000; i++ {
			select {
			case <-pace.C:
			case <-ctx.Done():
				return
			}
			app := db.Appender(context.Background())
			_, err := app.Append(0, labels.FromStrings("__name__", "inorder"), at(i), float64(i))
			if err == nil {
				// Pairs in which the later sample comes first.
				_, err = app.Append(0, labels.FromStrings("__name__", "outoforder"), at(i^1), float64(i^1))
			}
			if err == nil {
				err = app.Commit()
			}
			if err != nil {
				t.Error(err)
				return
			}
			acked.Store(i + 1)
		}
	})
	for round := range 6 {
		from := acked.Load()
		for end := time.Now().Add(30 * time.Second); acked.Load() < from+500; {
			if time.Now().After(end) {
				t.Fatalf("round %d: only %d samples were written", round, acked.Load())
			}
			select {
			case <-time.After(time.Millisecond):
			case <-t.Context().Done():
			}
		}
		stage := filepath.Join(e.Dir(), "..", fmt.Sprintf("%s-stage-%d", filepath.Base(e.Dir()), round))
		if err := os.Mkdir(stage, 0o750); err != nil {
			t.Fatal(err)
		}
		before := acked.Load()
		files, err := e.Stage(stage)
		if err != nil {
			t.Fatal(err)
		}
		said := &warnings{}
		o := tsdb.DefaultOptions()
		o.MinBlockDuration, o.MaxBlockDuration, o.OutOfOrderTimeWindow = time.Minute.Milliseconds(), time.Minute.Milliseconds(), (30 * time.Minute).Milliseconds()
		restored, err := tsdb.Open(copyStaged(t, files), slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelWarn})), nil, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"inorder", "outoforder"} {
			have := stored(t, restored, name)
			for i := int64(0); i < before; i++ {
				n := i
				if name == "outoforder" {
					n = i ^ 1
				}
				if v, ok := have[at(n)]; !ok || v != float64(n) {
					t.Fatalf("round %d: of %d acknowledged samples of %s, number %d is missing (%v); %d are there", round, before, name, i, v, len(have))
				}
			}
		}
		if err := restored.Close(); err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(said.b.String()) {
			// Blocks of out-of-order samples overlap others until they are merged.
			if !strings.Contains(line, "Overlapping blocks") {
				t.Errorf("round %d: the staged storage is not clean: %s", round, line)
			}
		}
	}
	if len(db.Blocks()) == 0 {
		t.Error("nothing was compacted, so nothing was proved")
	}
}
