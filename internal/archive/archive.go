// Package archive is the format of a backup: a tar stream in zstd, with a
// header in front that says what follows and a manifest behind that proves it.
// docs/format/backup.md describes it entry by entry.
package archive

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"touchline.dev/touchline/internal/datadir"
)

// Format is the version that this build writes, and the newest that it reads.
//
//	1: header, files of metrics, rules and alertmanager, manifest
//	2: beside them state.db
const Format = 2

// The two entries that are not files of the data directory.
const (
	headerName   = "touchline-backup.json"
	manifestName = "manifest.json"
)

// Limits of what is read.
const (
	maxHeader   = 64 << 10  // bytes
	maxManifest = 256 << 20 // bytes; a file takes some 150
	maxFiles    = 1_000_000
	maxName     = 255     // bytes
	maxWindow   = 8 << 20 // bytes of memory for the decompressor's window
)

// Header says what an archive holds before it is read.
type Header struct {
	Format  int       `json:"format"`
	Version string    `json:"version"` // of Touchline
	Host    string    `json:"host"`
	Created time.Time `json:"created"`
	Files   int       `json:"files"`
	Bytes   int64     `json:"bytes"` // of all files, before compression
	State   State     `json:"state,omitzero"`
}

// State counts what state.db holds, with what has ended and is still kept. It is
// zero where the database holds none, where it is not part of the backup, and in
// backups that were made before there was this count.
type State struct {
	Users     int64 `json:"users"`
	Tokens    int64 `json:"tokens"`
	Incidents int64 `json:"incidents"`
}

// File is one file of the data directory.
type File struct {
	Name   string `json:"name"` // below the data directory, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Manifest is the header once more, and every file in the order of the archive.
type Manifest struct {
	Header
	List []File `json:"list"`
}

// ErrNewer is what a reader returns for an archive of a later format.
var ErrNewer = errors.New("the format of the backup is newer than this build knows")

// ErrDamaged is what a reader returns for an archive that is cut off or was altered.
var ErrDamaged = errors.New("the backup is damaged")

// ErrNotBackup is what a reader returns for any other file.
var ErrNotBackup = errors.New("this is not a Touchline backup")

var (
	segment = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*$`)
	ulidDir = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{26}$`)
	parts   = []string{datadir.Metrics, datadir.Rules, datadir.Alertmanager, datadir.StatusPage, datadir.State}
)

// Parts are what of the data directory a backup holds.
func Parts() []string { return slices.Clone(parts) }

// checkName refuses everything but a plain path below one of the parts, and the
// one part that is a file.
func checkName(name string) error {
	if name == datadir.State {
		return nil
	}
	segs := strings.Split(name, "/")
	if len(name) > maxName || len(segs) < 2 || len(segs) > 6 || segs[0] == datadir.State || !slices.Contains(parts, segs[0]) {
		return fmt.Errorf("%w: a backup does not hold %.300q", ErrDamaged, name)
	}
	for _, s := range segs {
		if !segment.MatchString(s) {
			return fmt.Errorf("%w: a backup does not hold %.300q", ErrDamaged, name)
		}
	}
	return nil
}

// Contents counts what a manifest lists.
type Contents struct {
	Blocks      int   `json:"blocks"`
	BlockBytes  int64 `json:"block_bytes"`
	WALSegments int   `json:"wal_segments"`
	WALBytes    int64 `json:"wal_bytes"` // with the log of out-of-order samples
	StateBytes  int64 `json:"state_bytes"`
}

// Contents says how much of what there is.
func (m *Manifest) Contents() Contents {
	var c Contents
	for _, f := range m.List {
		segs := strings.Split(f.Name, "/")
		switch {
		case segs[0] != datadir.Metrics:
			c.StateBytes += f.Size
		case len(segs) > 2 && ulidDir.MatchString(segs[1]):
			c.BlockBytes += f.Size
			if path.Base(f.Name) == "meta.json" {
				c.Blocks++
			}
		default:
			c.WALSegments++
			c.WALBytes += f.Size
		}
	}
	return c
}
