package adopt

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/silence/silencepb"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// source makes the data directory of a Prometheus that was stopped: a log and no block.
func source(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		app := db.Appender(context.Background())
		if _, err := app.Append(0, labels.FromStrings("__name__", "m"), now.Add(time.Duration(i)*time.Second).UnixMilli(), float64(i)); err != nil {
			t.Fatal(err)
		}
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func run(dir, to string, skip bool) (*Report, error) {
	return Run(context.Background(), Options{From: []string{dir}, DataDir: to, SkipCorrupt: skip, Now: func() time.Time { return now }})
}

// firstSegment is the log's first file that holds something.
func firstSegment(t *testing.T, dir string) (path string, raw []byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "wal", "0*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if raw, err = os.ReadFile(f); err == nil && len(raw) > 0 {
			return f, raw
		}
	}
	t.Fatalf("no log in %v: %v", files, err)
	return "", nil
}

func TestUnfinishedRecordIsLeftOut(t *testing.T) {
	dir, to := source(t), filepath.Join(t.TempDir(), "data")
	seg, raw := firstSegment(t, dir)
	end := len(bytes.TrimRight(raw, "\x00"))
	if err := os.WriteFile(seg, raw[:end-3], 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := run(dir, to, false)
	if err != nil {
		t.Fatal(err)
	}
	l := r.Prometheus.Logs[0]
	if l.Samples != 19 || l.Series != 1 || l.Unfinished == 0 || !l.MinTime.Equal(now) {
		t.Errorf("got %+v", l)
	}
	if got, err := os.ReadFile(seg); err != nil || len(got) != end-3 {
		t.Errorf("the source has %d bytes, %v", len(got), err)
	}
	fi, err := os.Stat(filepath.Join(to, "metrics", "wal", filepath.Base(seg)))
	if err != nil || fi.Size() >= int64(end-3) || fi.Sys().(*syscall.Stat_t).Nlink != 1 {
		t.Errorf("the copy is %v, %v", fi, err)
	}
}

func TestDamagedLogIsNamed(t *testing.T) {
	dir, to := source(t), filepath.Join(t.TempDir(), "data")
	seg, raw := firstSegment(t, dir)
	raw[len(bytes.TrimRight(raw, "\x00"))/2] ^= 0xff
	if err := os.WriteFile(seg, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := run(dir, to, false)
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), seg) || !strings.Contains(err.Error(), "--skip-corrupt") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(to); !os.IsNotExist(err) {
		t.Error("a refusal made the directory")
	}
	r, err := run(dir, to, true)
	if err != nil || len(r.Damaged) != 1 || r.Prometheus.Logs[0].Samples == 0 || r.Prometheus.Logs[0].Samples >= 20 {
		t.Errorf("with --skip-corrupt: %+v, %v", r, err)
	}
}

func TestDirectoryInUseIsRefused(t *testing.T) {
	dir := source(t)
	f, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := run(dir, filepath.Join(t.TempDir(), "data"), false); !errors.Is(err, ErrInUse) {
		t.Errorf("while locked: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := run(dir, filepath.Join(t.TempDir(), "data"), false); err != nil {
		t.Errorf("with a lock that nobody holds: %v", err)
	}
}

func silences(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	for i, at := range []time.Duration{-2 * time.Hour, -30 * time.Minute, time.Hour} {
		s := &silencepb.MeshSilence{Silence: &silencepb.Silence{Id: string(rune('a' + i)), StartsAt: timestamppb.New(now.Add(at)), EndsAt: timestamppb.New(now.Add(at + time.Hour))}}
		if _, err := protodelim.MarshalTo(&b, s); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestSilencesAreCountedAndDamageIsNamed(t *testing.T) {
	dir, raw := t.TempDir(), silences(t)
	file := filepath.Join(dir, "silences")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := run(dir, filepath.Join(t.TempDir(), "data"), false)
	if err != nil || r.Alertmanager.Silences != 3 || r.Alertmanager.Active != 1 || r.Alertmanager.Pending != 1 || r.Alertmanager.Expired != 1 {
		t.Errorf("got %+v, %v", r.Alertmanager, err)
	}
	if err := os.WriteFile(file, raw[:len(raw)-4], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := run(dir, filepath.Join(t.TempDir(), "data"), false); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "entry 3") {
		t.Errorf("a file that ends within an entry: %v", err)
	}
}

// FuzzSilences feeds the reader of Alertmanager's files anything.
func FuzzSilences(f *testing.F) {
	f.Add(silences(f))
	f.Add([]byte("\xff\xff\xff\xff\x7f"))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		for _, one := range []func(*Alertmanager, protodelim.Reader) error{
			func(a *Alertmanager, r protodelim.Reader) error { return a.silence(r, now) }, (*Alertmanager).notification,
		} {
			a, r := &Alertmanager{}, bufio.NewReader(bytes.NewReader(raw))
			for one(a, r) == nil {
			}
		}
	})
}
