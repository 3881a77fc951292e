// Package tsdbdir lists the files of a TSDB directory that hold its data: finished
// blocks, the write-ahead log and the log of out-of-order samples.
package tsdbdir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/tsdb/record"
	"github.com/prometheus/prometheus/tsdb/wlog"
)

// File is a file of a TSDB directory. What counts is its first Size bytes: a
// log may grow beyond them.
type File struct {
	Name string // below the TSDB directory, with slashes
	Path string // where to read it
	Size int64
}

// LogDirs are the folders of the logs. That of out-of-order samples comes
// first: its records name series that the other one introduces, so that of two
// growing logs it must not be the later one to be looked at.
func LogDirs() []string { return []string{wlog.WblDirName, "wal"} }

// LinkLogs links the logs of the directory from into the directory to, and
// returns the links, each log ending behind its last whole record. The logs may
// be written to meanwhile, but not compacted.
func LinkLogs(from, to string) ([]File, error) { return logs(from, to, true) }

// Logs lists the files of the logs in order, each whole.
func Logs(dir string) ([]File, error) { return logs(dir, "", false) }

func logs(from, to string, cut bool) ([]File, error) {
	var out []File
	for _, d := range LogDirs() {
		files, err := oneLog(from, to, d)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", filepath.Join(from, d), err)
		}
		if n := len(files) - 1; cut && n >= 0 {
			if files[n].Size, err = wholeRecords(files[n]); err != nil {
				return nil, fmt.Errorf("read end of %s: %w", filepath.Join(from, d), err)
			}
		}
		out = append(out, files...)
	}
	return out, nil
}

var (
	segmentName = regexp.MustCompile(`^[0-9]{8,}$`)
	blockName   = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{26}$`)
)

// oneLog takes the newest checkpoint and the segments behind it.
func oneLog(from, to, name string) ([]File, error) {
	dir := filepath.Join(from, name)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	checkpoint, index, err := wlog.LastCheckpoint(dir)
	switch {
	case errors.Is(err, record.ErrNotFound):
		index = -1
	case err != nil:
		return nil, err
	default:
		parts, err := os.ReadDir(checkpoint)
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			names = append(names, path.Join(name, filepath.Base(checkpoint), p.Name()))
		}
	}
	for _, e := range entries { // in order
		if !e.Type().IsRegular() || !segmentName.MatchString(e.Name()) {
			continue
		}
		// What the checkpoint covers is on its way out.
		if n, err := strconv.Atoi(e.Name()); err != nil || n <= index {
			continue
		}
		names = append(names, path.Join(name, e.Name()))
	}
	var out []File
	for _, n := range names {
		f, err := oneFile(from, to, n)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// oneFile links one file below to, unless that is "", and notes its size.
func oneFile(from, to, name string) (File, error) {
	src := filepath.Join(from, filepath.FromSlash(name))
	f := File{Name: name, Path: src}
	if to != "" {
		f.Path = filepath.Join(to, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(f.Path), 0o750); err != nil {
			return f, err
		}
		if err := os.Link(src, f.Path); err != nil {
			return f, err
		}
	}
	fi, err := os.Stat(f.Path)
	if err != nil {
		return f, err
	}
	f.Size = fi.Size()
	return f, nil
}

// wholeRecords is how many bytes of a segment are whole records: one may be in
// the middle of being written. A log that ends within a record would be taken
// for damaged at the next start.
func wholeRecords(file File) (int64, error) {
	f, err := os.Open(file.Path)
	if err != nil {
		return 0, err
	}
	r := wlog.NewReader(io.LimitReader(f, file.Size))
	good := int64(0)
	for r.Next() {
		good = r.Offset()
	}
	var disk *fs.PathError
	if errors.As(r.Err(), &disk) {
		return 0, errors.Join(disk, f.Close())
	}
	return good, f.Close()
}

// Blocks lists the names of the blocks in a directory. A block that is being
// written has another name until it is finished.
func Blocks(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list blocks: %w", err)
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() && blockName.MatchString(e.Name()) {
			out = append(out, e.Name())
		}
	}
	return out, nil
}

// AllBlockFiles lists the files of every block in a directory.
func AllBlockFiles(dir string) ([]File, error) {
	blocks, err := Blocks(dir)
	if err != nil {
		return nil, err
	}
	var out []File
	for _, b := range blocks {
		files, err := BlockFiles(dir, b)
		if err != nil {
			return nil, err
		}
		out = append(out, files...)
	}
	return out, nil
}

// BlockFiles lists the files of one block. Once a block is finished nothing
// changes them: metadata and tombstones are replaced by new files.
func BlockFiles(dir, name string) ([]File, error) {
	files, err := listBlock(dir, name)
	if err != nil {
		return nil, fmt.Errorf("list block %s: %w", name, err)
	}
	return files, nil
}

func listBlock(dir, name string) ([]File, error) {
	names := []string{"meta.json", "index", "tombstones"}
	chunks, err := os.ReadDir(filepath.Join(dir, name, "chunks"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, c := range chunks {
		if strings.Trim(c.Name(), "0123456789") == "" {
			names = append(names, path.Join("chunks", c.Name()))
		}
	}
	slices.Sort(names)
	var out []File
	for _, n := range names {
		f, err := oneFile(dir, "", path.Join(name, n))
		if errors.Is(err, fs.ErrNotExist) && n == "tombstones" {
			continue // optional
		}
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}
