// Package datadir knows the names in a data directory, who owns it, and how
// a set of files is put into it so that it is there whole or not at all.
package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// What stands in a data directory.
const (
	Metrics      = "metrics"      // Prometheus TSDB
	Rules        = "rules"        // journal of alert states
	Alertmanager = "alertmanager" // silences and notification log

	State      = "state.db"   // users, incidents, history: SQLite
	StatusPage = "statuspage" // history of what the public is told

	LockFile   = "lock"
	TokenFile  = "admin.token"
	Endpoints  = "endpoints.json"
	Unfinished = "unfinished" // what restore or adopt has not put in place yet
	Staging    = "backup.tmp" // links that a running backup reads from
)

// CheckFinished refuses a directory that a restore or an adoption has left half done.
func CheckFinished(dir string) error {
	path := filepath.Join(dir, Unfinished)
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("a restore or an adoption into %s was cut off: delete the folder %s (keep %s, if it is there) and run it again", dir, dir, TokenFile)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look into data directory: %w", err)
	}
	return nil
}

// Target is a data directory that files are being put into. Begin locks it;
// the files are written below Path; Commit puts them in place; Abort, which
// does nothing after Commit, removes every trace.
type Target struct {
	dir     string
	made    bool // by Begin
	placing bool // Commit has begun to put parts in place
	done    bool
	unlock  func() error
}

// Check tells whether the directory may take the parts: it may be missing, or
// hold none of them. It changes nothing.
func Check(dir string, parts ...string) error {
	fi, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look into data directory: %w", err)
	case !fi.IsDir():
		return fmt.Errorf("%s is not a directory; name another with --storage.path", dir)
	}
	if err := CheckFinished(dir); err != nil {
		return err
	}
	var taken []string
	for _, p := range parts {
		there, err := holds(filepath.Join(dir, p))
		for _, beside := range sqliteFiles {
			if p == State && err == nil && !there {
				there, err = holds(filepath.Join(dir, p+beside))
			}
		}
		if err != nil {
			return fmt.Errorf("look into data directory: %w", err)
		}
		if there {
			taken = append(taken, p)
		}
	}
	if len(taken) > 0 {
		return fmt.Errorf("data directory %s already holds data (%s); move it away (mv %s %s.old) or name another with --storage.path", dir, strings.Join(taken, ", "), dir, dir)
	}
	return nil
}

// sqliteFiles are what SQLite leaves beside a database that was not closed. They
// belong to that one and no other.
var sqliteFiles = []string{"-wal", "-shm", "-journal"}

// holds tells whether there is a file, or a folder that is not empty.
func holds(path string) (bool, error) {
	fi, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil || !fi.IsDir():
		return err == nil, err
	}
	entries, err := os.ReadDir(path)
	return len(entries) > 0, err
}

// Begin makes the directory where it is missing, locks it, and checks that it
// may take the parts.
func Begin(dir string, parts ...string) (_ *Target, err error) {
	t := &Target{dir: dir}
	if err := Check(dir, parts...); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		t.made = true
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("create data directory (--storage.path): %w", err)
	}
	if t.unlock, err = Lock(dir); err != nil {
		return nil, err
	}
	// Another process may have been quicker between the first look and the lock.
	if err := Check(dir, parts...); err != nil {
		return nil, errors.Join(err, t.unlock())
	}
	if err := os.Mkdir(t.Path(), 0o750); err != nil {
		return nil, errors.Join(fmt.Errorf("create folder for unfinished files: %w", err), t.unlock())
	}
	return t, nil
}

// Path is where the parts are written to first.
func (t *Target) Path() string { return filepath.Join(t.dir, Unfinished) }

// Owner is the user and group that the files should belong to: those of the
// data directory.
func (t *Target) Owner() (uid, gid int, err error) { return OwnerOf(t.dir) }

// OwnerOf is the owner of a file.
func OwnerOf(path string) (uid, gid int, err error) {
	fi, err := os.Stat(path)
	if err != nil {
		return 0, 0, fmt.Errorf("find owner: %w", err)
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("find owner of %s: the file system does not tell", path)
	}
	return int(st.Uid), int(st.Gid), nil
}

// own gives what was written to the owner of the data directory, where this
// process may do so. Files that something else links to keep theirs: the owner
// belongs to the file, not to the link.
func (t *Target) own() error {
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid, err := t.Owner()
	if err != nil {
		return err
	}
	if uid == 0 && gid == 0 {
		return nil
	}
	chown := func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		if st, ok := fi.Sys().(*syscall.Stat_t); ok && !fi.IsDir() && st.Nlink > 1 {
			return nil
		}
		return os.Lchown(path, uid, gid)
	}
	if err := errors.Join(filepath.WalkDir(t.Path(), chown), os.Lchown(filepath.Join(t.dir, LockFile), uid, gid)); err != nil {
		return fmt.Errorf("give files to the owner of the data directory: %w", err)
	}
	return nil
}

// Commit syncs what was written and puts it in place, part by part. As long as
// the folder of unfinished files exists, a server refuses the directory, so
// that a crash in between is noticed.
func (t *Target) Commit() error {
	if err := t.own(); err != nil {
		return err
	}
	if err := filepath.WalkDir(t.Path(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return SyncDir(path)
	}); err != nil {
		return fmt.Errorf("sync data directory: %w", err)
	}
	parts, err := os.ReadDir(t.Path())
	if err != nil {
		return fmt.Errorf("put files in place: %w", err)
	}
	t.placing = true
	for _, p := range parts {
		// Renaming onto an empty folder replaces it.
		if err := os.Rename(filepath.Join(t.Path(), p.Name()), filepath.Join(t.dir, p.Name())); err != nil {
			return fmt.Errorf("put files in place: %w", err)
		}
	}
	if err := errors.Join(SyncDir(t.dir), os.Remove(t.Path()), SyncDir(t.dir)); err != nil {
		return fmt.Errorf("put files in place: %w", err)
	}
	t.done = true
	return t.unlock()
}

// Abort removes what was written, and the directory where Begin made it. A
// failure in the middle of Commit leaves the folder of unfinished files, so
// that nobody takes the directory for whole.
func (t *Target) Abort() error {
	if t.done {
		return nil
	}
	t.done = true
	if t.placing {
		return errors.Join(CheckFinished(t.dir), t.unlock())
	}
	err := os.RemoveAll(t.Path())
	if t.made {
		err = errors.Join(err, os.Remove(filepath.Join(t.dir, LockFile)), os.Remove(t.dir))
	}
	if err = errors.Join(err, t.unlock()); err != nil {
		return fmt.Errorf("clean up data directory: %w", err)
	}
	return nil
}

// SyncDir makes new names in a directory last over a power cut.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}
