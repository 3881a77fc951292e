package metrics

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

// StagedFile is a file of the storage as it was at one moment: its first Size
// bytes. Path is where they are to be read.
type StagedFile struct {
	Name string // below the TSDB directory, with slashes
	Path string
	Size int64
}

// Stage links the storage as it is now into dir, which must be on the same
// file system, and returns what to read. It is what a kill at this moment
// would leave: every sample that has been acknowledged is in it, with
// out-of-order samples, exemplars and metadata, because the logs are taken
// as they are. (Upstream's snapshot writes the head as a block instead, which
// has none of these three.) Chunks that were only mapped out of memory are left
// out: the logs hold their samples too.
//
// Compactions wait meanwhile; samples, rules and queries go on.
func (e *Engine) Stage(dir string) ([]StagedFile, error) {
	// A compaction moves samples from the logs to a block. Without one, the
	// logs only grow, so that logs first and blocks second miss nothing.
	e.db.DisableCompactions()
	defer e.db.EnableCompactions()
	logs, err := stageLogs(e.o.Dir, dir)
	if err != nil {
		return nil, err
	}
	if err := e.db.Snapshot(dir, false); err != nil {
		return nil, fmt.Errorf("stage blocks: %w", err)
	}
	blocks, err := listBlocks(dir)
	if err != nil {
		return nil, err
	}
	return append(blocks, logs...), nil
}

// StageStopped returns the files of a storage that no process has open.
func StageStopped(dir string) ([]StagedFile, error) {
	blocks, err := listBlocks(dir)
	if err != nil {
		return nil, err
	}
	logs, err := stageLogs(dir, "")
	if err != nil {
		return nil, err
	}
	return append(blocks, logs...), nil
}

// The names of the write-ahead log and of the log of out-of-order samples.
var logDirs = []string{wlog.WblDirName, "wal"}

// stageLogs takes the two logs, into links below to unless it is "". The log
// of out-of-order samples comes first: its records name series that the other
// one introduces.
func stageLogs(from, to string) ([]StagedFile, error) {
	var out []StagedFile
	for _, d := range logDirs {
		files, err := stageLog(from, to, d)
		if err != nil {
			return nil, fmt.Errorf("stage %s: %w", d, err)
		}
		out = append(out, files...)
	}
	return out, nil
}

var (
	segmentName = regexp.MustCompile(`^[0-9]{8,}$`)
	blockName   = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{26}$`)
)

// stageLog takes the newest checkpoint and the segments of a log. The last
// segment ends behind its last whole record.
func stageLog(from, to, name string) ([]StagedFile, error) {
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
	last := ""
	for _, e := range entries { // in order
		if !e.Type().IsRegular() || !segmentName.MatchString(e.Name()) {
			continue
		}
		// What the checkpoint covers is on its way out.
		if n, err := strconv.Atoi(e.Name()); err != nil || n <= index {
			continue
		}
		last = path.Join(name, e.Name())
		names = append(names, last)
	}
	var out []StagedFile
	for _, n := range names {
		f, err := stageFile(from, to, n)
		if err != nil {
			return nil, err
		}
		if n == last {
			if f.Size, err = wholeRecords(f.Path, f.Size); err != nil {
				return nil, err
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// stageFile links one file below to, unless that is "", and notes its size.
func stageFile(from, to, name string) (StagedFile, error) {
	src := filepath.Join(from, filepath.FromSlash(name))
	f := StagedFile{Name: name, Path: src}
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

// wholeRecords is how many of a segment's first size bytes are whole records:
// one may be in the middle of being written. A log that ends within a record
// would be taken for damaged at the next start.
func wholeRecords(file string, size int64) (int64, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	r := wlog.NewReader(io.LimitReader(f, size))
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

// listBlocks lists the files of the finished blocks in a directory.
func listBlocks(dir string) ([]StagedFile, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list blocks: %w", err)
	}
	var out []StagedFile
	for _, e := range entries {
		if !e.IsDir() || !blockName.MatchString(e.Name()) {
			continue
		}
		files, err := listBlock(dir, e.Name())
		if err != nil {
			return nil, fmt.Errorf("list block %s: %w", e.Name(), err)
		}
		out = append(out, files...)
	}
	return out, nil
}

func listBlock(dir, name string) ([]StagedFile, error) {
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
	var out []StagedFile
	for _, n := range names {
		f, err := stageFile(dir, "", path.Join(name, n))
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
