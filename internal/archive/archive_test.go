package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"touchline.dev/touchline/internal/datadir"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var created = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func entry(name, content string) Entry {
	return Entry{Name: name, Size: int64(len(content)), Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }}
}

var sample = []Entry{
	entry("rules/state.journal", "states\n"),
	entry("alertmanager/nflog", ""),
	entry("alertmanager/silences", "silences"),
	entry("state.db", "users"),
	entry("metrics/01ARZ3NDEKTSV4RRFFQ69G5FAV/meta.json", "{}"),
	entry("metrics/01ARZ3NDEKTSV4RRFFQ69G5FAV/chunks/000001", strings.Repeat("chunk", 100_000)),
	entry("metrics/wal/checkpoint.00000003/00000000", "checkpoint"),
	entry("metrics/wal/00000004", "log"),
}

func written(t testing.TB, entries []Entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	if _, err := Write(context.Background(), &buf, Origin{Version: "1.2.3", Host: "h", Created: created}, entries); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// tree reads a folder back as names and contents.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(rel)] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRestoreGivesBackEveryFile(t *testing.T) {
	raw := written(t, sample)
	dir := filepath.Join(t.TempDir(), "new", "data")
	m, err := Restore(context.Background(), bytes.NewReader(raw), dir)
	if err != nil {
		t.Fatal(err)
	}
	got := tree(t, dir)
	delete(got, datadir.LockFile)
	if len(got) != len(sample) {
		t.Errorf("got files %v", got)
	}
	for _, e := range sample {
		r, _ := e.Open()
		want, _ := io.ReadAll(r)
		if got[e.Name] != string(want) {
			t.Errorf("%s differs", e.Name)
		}
	}
	if fi, err := os.Stat(filepath.Join(dir, datadir.State)); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("password hashes can be read by others: %v %v", fi.Mode(), err)
	}
	want := Contents{Blocks: 1, BlockBytes: 500_002, WALSegments: 2, WALBytes: 13, StateBytes: 20}
	if c := m.Contents(); c != want {
		t.Errorf("contents: got %+v, want %+v", c, want)
	}
	unlock, err := datadir.Lock(dir)
	if err != nil {
		t.Fatalf("the restored directory is still locked: %v", err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

func TestRestoreRefusesWhatIsInTheWay(t *testing.T) {
	raw := written(t, sample)
	for _, tc := range []struct{ name, want string }{{"data", "already holds data (rules)"}, {"database", "already holds data (state.db)"}, {"log", "already holds data (state.db)"}, {"lock", "in use"}, {"unfinished", "was cut off"}} {
		dir := t.TempDir()
		switch tc.name {
		case "data":
			if err := errors.Join(os.Mkdir(filepath.Join(dir, "rules"), 0o750), os.WriteFile(filepath.Join(dir, "rules", "state.journal"), nil, 0o640)); err != nil {
				t.Fatal(err)
			}
		case "database":
			put(t, dir, "state.db")
		case "log":
			// It belongs to another database, and must not be played into this one.
			put(t, dir, "state.db-wal")
		case "lock":
			unlock, err := datadir.Lock(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = unlock() }()
		case "unfinished":
			if err := os.Mkdir(filepath.Join(dir, datadir.Unfinished), 0o750); err != nil {
				t.Fatal(err)
			}
		}
		before := len(tree(t, dir))
		if _, err := Plan(context.Background(), bytes.NewReader(raw), dir); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("plan with %s: got %v", tc.name, err)
		}
		if _, err := Restore(context.Background(), bytes.NewReader(raw), dir); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("restore with %s: got %v", tc.name, err)
		}
		if after := len(tree(t, dir)); after != before {
			t.Errorf("restore with %s left %d files, there were %d", tc.name, after, before)
		}
	}
}

func put(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPlanWritesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	m, err := Plan(context.Background(), bytes.NewReader(written(t, sample)), dir)
	if err != nil || m.Files != len(sample) {
		t.Fatalf("got %+v, %v", m, err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory was made: %v", err)
	}
}

// TestNoDamageIsMissed cuts the archive off and flips bits all over it.
func TestNoDamageIsMissed(t *testing.T) {
	raw := written(t, sample)
	check := func(what string, bad []byte) {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "data")
		if _, err := Restore(context.Background(), bytes.NewReader(bad), dir); err == nil {
			t.Errorf("%s: restored", what)
		}
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: something was left: %v", what, err)
		}
	}
	for n := 0; n < len(raw); n += 1 + len(raw)/97 {
		check(fmt.Sprintf("cut to %d of %d bytes", n, len(raw)), raw[:n])
	}
	check("last byte missing", raw[:len(raw)-1])
	check("more behind it", append(bytes.Clone(raw), 'x'))
	check("twice", append(bytes.Clone(raw), raw...))
	plain := unpacked(t, raw)
	for n := range raw {
		bad := bytes.Clone(raw)
		bad[n] ^= 0x10
		m, err := Read(context.Background(), bytes.NewReader(bad), nil)
		// Some bits of a compressed stream mean nothing.
		if err == nil && !bytes.Equal(unpacked(t, bad), plain) {
			t.Errorf("bit flipped at %d: accepted as %+v", n, m.Header)
		}
	}
}

func unpacked(t *testing.T, raw []byte) []byte {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// forged makes an archive by hand.
func forged(t testing.TB, header any, entries []*tar.Header, manifest any) []byte {
	t.Helper()
	var buf bytes.Buffer
	z, err := zstd.NewWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	put := func(name string, v any) {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(raw))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(raw); err != nil {
			t.Fatal(err)
		}
	}
	put(headerName, header)
	for _, e := range entries {
		if err := w.WriteHeader(e); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, e.Size)); err != nil && e.Typeflag == tar.TypeReg {
			t.Fatal(err)
		}
	}
	if manifest != nil {
		put(manifestName, manifest)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestForgedArchivesAreRefused(t *testing.T) {
	good := Header{Format: 1, Version: "v", Created: created, Files: 1, Bytes: 3}
	file := func(name string, size int64) []*tar.Header {
		return []*tar.Header{{Typeflag: tar.TypeReg, Name: name, Size: size}}
	}
	huge := good
	huge.Bytes = 1 << 60
	newer := good
	newer.Format, newer.Version = Format+1, "9.0.0"
	const zeros = "709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c"
	listed := func(name string, size int64, sum string) Manifest {
		return Manifest{Header: good, List: []File{{Name: name, Size: size, SHA256: sum}}}
	}
	for _, tc := range []struct {
		name string
		raw  []byte
		want error
		text string
	}{
		{"nothing", nil, ErrNotBackup, ""},
		{"text", []byte("hello, this is no archive at all"), ErrNotBackup, ""},
		{"newer", forged(t, newer, nil, nil), ErrNewer, `made by Touchline "9.0.0"`},
		{"no format", forged(t, map[string]any{}, nil, nil), ErrDamaged, "makes no sense"},
		{"parent", forged(t, good, file("metrics/../../evil", 3), nil), ErrDamaged, "does not hold"},
		{"absolute", forged(t, good, file("/etc/passwd", 3), nil), ErrDamaged, "does not hold"},
		{"hidden", forged(t, good, file("metrics/.ssh", 3), nil), ErrDamaged, "does not hold"},
		{"below a file", forged(t, good, file("state.db/x", 3), nil), ErrDamaged, "does not hold"},
		{"beside a database", forged(t, good, file("state.db-wal", 3), nil), ErrDamaged, "does not hold"},
		{"token", forged(t, good, file("admin.token", 3), nil), ErrDamaged, "does not hold"},
		{"backslash", forged(t, good, file(`metrics/a\b`, 3), nil), ErrDamaged, "does not hold"},
		{"symlink", forged(t, good, []*tar.Header{{Typeflag: tar.TypeSymlink, Name: "metrics/wal", Linkname: "/etc"}}, nil), ErrDamaged, "plain file"},
		{"hard link", forged(t, good, []*tar.Header{{Typeflag: tar.TypeLink, Name: "metrics/x", Linkname: "/etc/passwd"}}, nil), ErrDamaged, "plain file"},
		{"folder", forged(t, good, []*tar.Header{{Typeflag: tar.TypeDir, Name: "metrics/wal/"}}, nil), ErrDamaged, "plain file"},
		{"device", forged(t, good, []*tar.Header{{Typeflag: tar.TypeChar, Name: "metrics/x"}}, nil), ErrDamaged, "plain file"},
		{"larger than told", forged(t, good, file("metrics/x", 4096), nil), ErrDamaged, "more than the 3 bytes"},
		{"more than told", forged(t, good, append(file("metrics/x", 1), file("metrics/y", 1)...), nil), ErrDamaged, "more than the 1 files"},
		{"twice", forged(t, Header{Format: 1, Files: 2, Bytes: 3}, append(file("metrics/x", 1), file("metrics/x", 1)...), nil), ErrDamaged, "there twice"},
		{"huge", forged(t, huge, nil, nil), nil, "make room"},
		{"no manifest", forged(t, good, file("metrics/x", 3), nil), ErrDamaged, "ends too early"},
		{"other name", forged(t, good, file("metrics/x", 3), listed("metrics/y", 3, zeros)), ErrDamaged, "lists"},
		{"other sum", forged(t, good, file("metrics/x", 3), listed("metrics/x", 3, strings.Repeat("0", 64))), ErrDamaged, "checksum of metrics/x"},
		{"fewer files", forged(t, good, nil, Manifest{Header: good}), ErrDamaged, "lists"},
		{"other header", forged(t, good, file("metrics/x", 3), Manifest{Header: huge, List: []File{{Name: "metrics/x", Size: 3, SHA256: zeros}}}), ErrDamaged, "differ"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "data")
			_, err := Restore(context.Background(), bytes.NewReader(tc.raw), dir)
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v, want %v with %q", err, tc.want, tc.text)
			}
			if left := tree(t, parent); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	// The counterpart: what the forger gets right is taken.
	if _, err := Restore(context.Background(), bytes.NewReader(forged(t, good, file("metrics/x", 3), listed("metrics/x", 3, zeros))), filepath.Join(t.TempDir(), "data")); err != nil {
		t.Errorf("a correct archive: %v", err)
	}
}

func TestReadHeaderNeedsOnlyTheBeginning(t *testing.T) {
	raw := written(t, sample)
	h, err := ReadHeader(bytes.NewReader(raw))
	if err != nil || h.Version != "1.2.3" || h.Files != len(sample) {
		t.Errorf("got %+v, %v", h, err)
	}
}

// TestFailedBackupIsNotWhole checks that nobody can take what a failed write leaves for a backup.
func TestFailedBackupIsNotWhole(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	for name, bad := range map[string]Entry{
		"shrunk":    {Name: "metrics/wal/00000005", Size: 10, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("short")), nil }},
		"missing":   {Name: "metrics/wal/00000005", Size: 10, Open: func() (io.ReadCloser, error) { return nil, fs.ErrNotExist }},
		"cancelled": {Name: "metrics/wal/00000005", Size: 5, Open: func() (io.ReadCloser, error) { cancel(); return io.NopCloser(strings.NewReader("short")), nil }},
	} {
		c := context.Background()
		if name == "cancelled" {
			c = ctx
		}
		var buf bytes.Buffer
		if _, err := Write(c, &buf, Origin{Created: created}, append(sample[:len(sample):len(sample)], bad)); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := Read(context.Background(), bytes.NewReader(buf.Bytes()), nil); err == nil {
			t.Errorf("%s: what was left is taken for whole", name)
		}
	}
}

func TestWriteRefusesWhatItWouldNotRead(t *testing.T) {
	for _, name := range []string{"admin.token", "metrics/../x", "lock", "metrics", "state.db-wal", "state.db/x"} {
		if _, err := Write(context.Background(), io.Discard, Origin{}, []Entry{entry(name, "x")}); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

// memorySink takes no more than the header told of.
type memorySink struct{ room int64 }

func (s *memorySink) Begin(h Header) error {
	if h.Bytes > 1<<20 {
		return errors.New("no room")
	}
	s.room = h.Bytes
	return nil
}

func (s *memorySink) Create(name string, size int64) (io.WriteCloser, error) {
	if err := checkName(name); err != nil || !filepath.IsLocal(name) || size > s.room {
		return nil, fmt.Errorf("Create(%q, %d) with room for %d: %w", name, size, s.room, errBroken)
	}
	return &roomWriter{s}, nil
}

var errBroken = errors.New("the reader broke its promise")

type roomWriter struct{ s *memorySink }

func (w *roomWriter) Write(p []byte) (int, error) {
	if w.s.room -= int64(len(p)); w.s.room < 0 {
		return 0, errBroken
	}
	return len(p), nil
}
func (w *roomWriter) Close() error { return nil }

// FuzzRead feeds the reader anything, as a compressed archive and as the tar
// stream within. It must not panic, nor hand out a name or a byte that it may not.
func FuzzRead(f *testing.F) {
	raw := written(f, []Entry{sample[0], sample[2]})
	f.Add(raw)
	z, err := zstd.NewReader(bytes.NewReader(raw))
	if err != nil {
		f.Fatal(err)
	}
	inner, err := io.ReadAll(z)
	if err != nil {
		f.Fatal(err)
	}
	z.Close()
	f.Add(inner)
	f.Add(bytes.Replace(inner, []byte("rules/state.journal"), []byte("rules/../.././evil0"), 1))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, read := range []func() (*Manifest, error){
			func() (*Manifest, error) { return Read(context.Background(), bytes.NewReader(raw), &memorySink{}) },
			func() (*Manifest, error) { return readTar(bytes.NewReader(raw), &memorySink{}) },
		} {
			m, err := read()
			if errors.Is(err, errBroken) {
				t.Fatal(err)
			}
			if err == nil && (m == nil || len(m.List) != m.Files) {
				t.Fatalf("accepted with %+v", m)
			}
		}
	})
}
