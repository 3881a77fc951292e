package dashboard

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"touchline.dev/touchline/internal/state"
)

// File is a dashboard that comes from a file. Its text is kept in memory,
// compressed, so that what is served is what has been checked.
type File struct {
	UID      string
	Folder   string
	Source   string // the path, for people
	Root     string // the folder that the provider reads, which a patch is applied in; "" for none
	Modified time.Time
	// AllowEdit lets it be saved over; the file wins again as soon as it changes.
	AllowEdit bool
	// Keep has it stay, as one of the database, when the file goes away.
	Keep bool
	// Shipped is one of the product's own.
	Shipped bool

	Warnings []string
	title    string
	tags     []string
	panels   int
	digest   string
	packed   []byte
}

// place is the file's path as git writes it, and the folder that it begins in.
func (f *File) place() (name, folder string) {
	if f.Root != "" {
		if rel, err := filepath.Rel(f.Root, f.Source); err == nil && filepath.IsLocal(rel) {
			if whole, err := filepath.Abs(f.Root); err == nil {
				return filepath.ToSlash(rel), whole
			}
		}
	}
	return strings.TrimLeft(filepath.ToSlash(f.Source), "/"), ""
}

// NewFile reads a file's text. Its UID is the one that stands in it, "" for none.
func NewFile(source, text string, modified time.Time) (File, error) {
	d, err := Parse(text)
	if err != nil {
		return File{}, err
	}
	f := File{UID: d.UID, Source: source, Modified: modified.UTC().Truncate(time.Microsecond), Warnings: d.Warnings, title: d.Title, tags: d.Tags, panels: d.Panels}
	sum := sha256.Sum256([]byte(d.Text))
	f.digest = hex.EncodeToString(sum[:])
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err != nil {
		return File{}, fmt.Errorf("pack dashboard: %w", err)
	}
	if _, err := io.WriteString(w, d.Text); err != nil {
		return File{}, fmt.Errorf("pack dashboard: %w", err)
	}
	if err := w.Close(); err != nil {
		return File{}, fmt.Errorf("pack dashboard: %w", err)
	}
	f.packed = bytes.Clone(packed.Bytes())
	return f, nil
}

// Title is what stands in the file.
func (f *File) Title() string { return f.title }

// Text is the file's JSON.
func (f *File) Text() (string, error) {
	raw, err := io.ReadAll(flate.NewReader(bytes.NewReader(f.packed)))
	if err != nil {
		return "", fmt.Errorf("unpack dashboard of %s: %w", f.Source, err)
	}
	return string(raw), nil
}

// fileSet are the dashboards of files that are in force.
type fileSet struct {
	list []File
	by   map[string]*File
	owed map[string]bool // those that are to be kept, and could not be
}

// SetFiles puts the dashboards of files in force. Their UIDs are valid, and each
// stands once.
func (s *Service) SetFiles(ctx context.Context, files []File) error {
	set := &fileSet{list: files, by: make(map[string]*File, len(files))}
	for i := range files {
		set.by[files[i].UID] = &files[i]
	}
	var kept []*File
	before := s.files.Load()
	for _, f := range set.by {
		if old := before.by[f.UID]; f.Keep && (old == nil || !old.Keep || before.owed[f.UID] || old.digest != f.digest || old.Folder != f.Folder) {
			kept = append(kept, f)
		}
	}
	slices.SortFunc(kept, func(a, b *File) int { return bytes.Compare([]byte(a.UID), []byte(b.UID)) })
	defer func() {
		s.files.Store(set)
		s.fromDir.Set(float64(len(set.by)))
	}()
	for i, f := range kept {
		if err := s.keep(ctx, f); err != nil {
			// They are in force all the same; the next call finds them owed.
			set.owed = make(map[string]bool, len(kept)-i)
			for _, f := range kept[i:] {
				set.owed[f.UID] = true
			}
			return fmt.Errorf("keep the dashboard of %s: %w", f.Source, err)
		}
	}
	return nil
}

// provisioner is who saves what disableDeletion keeps.
const provisioner = "provisioning"

// keep copies a file into the database, where it is hidden as long as the file is
// there.
func (s *Service) keep(ctx context.Context, f *File) error {
	text, err := f.Text()
	if err != nil {
		return err
	}
	d, err := Parse(text)
	if err != nil {
		return err
	}
	return s.write(ctx, "save", func(tx *state.Tx) error {
		r, err := find(ctx, tx, f.UID)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if r != nil {
			if r.base == f.digest {
				return nil // edited here, over this very file
			}
			var have string
			if err := tx.QueryRowContext(ctx, "SELECT content FROM dashboard_versions WHERE uid = $1 AND version = $2", r.UID, r.Version).Scan(&have); err != nil {
				return err
			}
			if have == d.Text && r.Folder == f.Folder {
				return nil
			}
		}
		next := rowOf(f.UID, d)
		next.Folder, next.Version, next.Updated, next.UpdatedBy = f.Folder, 1, s.now(), provisioner
		if r != nil {
			next.Version = r.Version + 1
		}
		return save(ctx, tx, next, r == nil, d.Text, "")
	})
}

// meta is a file as the list has it.
func (f *File) meta(hidden *row) Meta {
	m := Meta{
		UID: f.UID, Title: f.title, Folder: f.Folder, Tags: append([]string{}, f.tags...), Provisioned: true, Shipped: f.Shipped, Panels: f.panels,
		Updated: f.Modified, Version: 1, Source: f.Source, ReadOnly: !f.AllowEdit,
	}
	if hidden != nil {
		m.Version = hidden.Version + 1 // so that an edit of before is known to be stale
	}
	return m
}

// shown decides between a file and what the database has of the same uid. Either
// may be nil.
func shown(f *File, r *row) (m Meta, stored bool) {
	switch {
	case f == nil:
		return r.Meta, true
	case r != nil && f.AllowEdit && r.base == f.digest:
		m = r.Meta
		m.Provisioned, m.Source = true, f.Source
		return m, true
	}
	return f.meta(r), false
}
