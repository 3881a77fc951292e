package statuspage

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var errDisk = errors.New("the disk is gone")

// failing is a disk that fails from its n-th operation on, as a process that
// is killed does nothing any more. Half of what was to be written then is.
type failing struct {
	mu   sync.Mutex
	left int
	ops  int
}

// after lets n more operations succeed.
func (f *failing) after(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = n
}

func (f *failing) step() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ops++
	if f.left--; f.left < 0 {
		return errDisk
	}
	return nil
}

func (f *failing) CreateTemp(dir, pattern string) (file, error) {
	if err := f.step(); err != nil {
		return nil, err
	}
	t, err := os.CreateTemp(dir, pattern)
	return &failingFile{File: t, f: f}, err
}

func (f *failing) Rename(from, to string) error {
	if err := f.step(); err != nil {
		return err
	}
	return os.Rename(from, to)
}

func (f *failing) Remove(name string) error {
	if err := f.step(); err != nil {
		return err
	}
	return os.Remove(name)
}

func (f *failing) SyncDir(string) error { return f.step() }

type failingFile struct {
	*os.File
	f *failing
}

func (t *failingFile) Write(p []byte) (int, error) {
	if err := t.f.step(); err != nil {
		n, _ := t.File.Write(p[:len(p)/2])
		return n, err
	}
	return t.File.Write(p)
}

func (t *failingFile) Chmod(m fs.FileMode) error {
	if err := t.f.step(); err != nil {
		return err
	}
	return t.File.Chmod(m)
}

func (t *failingFile) Sync() error {
	if err := t.f.step(); err != nil {
		return err
	}
	return t.File.Sync()
}

// TestStillThereWhenTheProcessIsNot ends the process at each step of writing:
// every file is then the old or the new one, whole, and the next run cleans up.
func TestStillThereWhenTheProcessIsNot(t *testing.T) {
	before, err := render(Options{Title: Text{En: "Before"}}, calmSnapshot())
	if err != nil {
		t.Fatal(err)
	}
	after, err := render(Options{Title: Text{En: "After"}}, testSnapshot())
	if err != nil {
		t.Fatal(err)
	}
	after[0].data = append(bytes.Clone(after[0].data), "/* changed */"...)
	whole := &failing{left: 1 << 30}
	if err := write(whole, t.TempDir(), after); err != nil {
		t.Fatal(err)
	}
	if whole.ops < 5*len(after) {
		t.Fatalf("only %d steps are known to this test", whole.ops)
	}
	for n := range whole.ops {
		dir := t.TempDir()
		if err := write(systemDisk{}, dir, before); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, "own.html"), "somebody else's")
		if err := write(&failing{left: n}, dir, after); !errors.Is(err, errDisk) {
			t.Fatalf("step %d of %d does not fail: %v", n, whole.ops, err)
		}
		for i := range before {
			got, err := os.ReadFile(filepath.Join(dir, before[i].name))
			if err != nil {
				t.Fatalf("step %d: %v", n, err)
			}
			if !bytes.Equal(got, before[i].data) && !bytes.Equal(got, after[i].data) {
				t.Fatalf("step %d: %s is neither the old nor the new one: %d bytes", n, before[i].name, len(got))
			}
		}
		if err := write(systemDisk{}, dir, after); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) != len(after)+1 {
			t.Fatalf("step %d: something is left behind: %v", n, entries)
		}
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAnotherLanguage changes the folder's own language: pages under names
// that nobody writes any more would be old for ever.
func TestAnotherLanguage(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ language, there, gone string }{
		{English, "index.zh.html", "index.en.html"}, {Chinese, "index.en.html", "index.zh.html"}, {English, "history.zh.html", "history.en.html"},
	} {
		if err := Render(Options{Dir: dir, Language: c.language}, testSnapshot()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, c.there)); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, c.gone)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there", c.gone)
		}
	}
}

func TestFolderThatIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	put(t, path, "x")
	if err := Render(Options{Dir: path}, testSnapshot()); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}
