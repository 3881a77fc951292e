package statuspage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// disk is what files are written with; tests let it fail at any step.
type disk interface {
	CreateTemp(dir, pattern string) (file, error)
	Rename(from, to string) error
	Remove(name string) error
	SyncDir(dir string) error
}

type file interface {
	io.Writer
	Name() string
	Chmod(mode fs.FileMode) error
	Sync() error
	Close() error
}

// systemDisk is the real one.
type systemDisk struct{}

func (systemDisk) CreateTemp(dir, pattern string) (file, error) { return os.CreateTemp(dir, pattern) }
func (systemDisk) Rename(from, to string) error                 { return os.Rename(from, to) }
func (systemDisk) Remove(name string) error                     { return os.Remove(name) }

func (systemDisk) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}

// tempPrefix marks what a crash may leave behind.
const tempPrefix = ".touchline-status-"

// write puts the files into a folder. A file whose content is the same stays
// as it is. What a crash left behind, and pages under the names of another
// language, are removed; nothing else in the folder is touched.
func write(d disk, dir string, files []content) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make folder of the status page: %w", err)
	}
	ours := map[string]bool{}
	for _, f := range files {
		ours[f.name] = true
		path := filepath.Join(dir, f.name)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, f.data) {
			continue
		}
		if err := replace(d, path, f.data, 0o644); err != nil {
			return err
		}
	}
	if err := d.SyncDir(dir); err != nil {
		return fmt.Errorf("sync folder of the status page: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list folder of the status page: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tempPrefix) || published[e.Name()] && !ours[e.Name()] {
			if err := d.Remove(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("remove from the folder of the status page: %w", err)
			}
		}
	}
	return nil
}

// replace puts a file in place as a whole: it is complete on the disk before
// it gets its name.
func replace(d disk, path string, data []byte, mode fs.FileMode) (err error) {
	f, err := d.CreateTemp(filepath.Dir(path), tempPrefix+"*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", path, err)
			_ = d.Remove(f.Name())
		}
	}()
	if _, err = f.Write(data); err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return d.Rename(f.Name(), path)
}

// published are the names of files that may be served, in any language.
var published = map[string]bool{
	styleFile: true, feedFile: true, jsonFile: true,
	indexFile: true, inLanguage(indexFile, English): true, inLanguage(indexFile, Chinese): true,
	historyFile: true, inLanguage(historyFile, English): true, inLanguage(historyFile, Chinese): true,
}
