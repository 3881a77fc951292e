package dashboard

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"touchline.dev/touchline/internal/state"
)

// Filter selects dashboards. Zero fields select all.
type Filter struct {
	Query   string // words of title, folder and tags
	Tag     string
	Folder  string
	Starred bool
	User    string // whose stars count
	After   string // only those behind the one of this Key
	Limit   int
}

// Key is the place of a dashboard in the list.
func (m *Meta) Key() string { return strings.ToLower(m.Title) + "\x1f" + m.UID }

// all reads what there is, in the order of the list.
func (s *Service) all(ctx context.Context, user string) ([]Meta, error) {
	var out []Meta
	err := s.o.DB.Read(ctx, func(q state.Querier) error {
		out = nil
		files := s.files.Load()
		starred, err := stars(ctx, q, user)
		if err != nil {
			return err
		}
		rows := map[string]*row{}
		if err := state.Each(ctx, q, func(r *sql.Rows) error {
			x, err := scan(r)
			if err == nil {
				rows[x.UID] = x
			}
			return err
		}, "SELECT "+columns+" FROM dashboards"); err != nil {
			return err
		}
		for uid, f := range files.by {
			m, _ := shown(f, rows[uid])
			out = append(out, m)
			delete(rows, uid)
		}
		for _, r := range rows {
			out = append(out, r.Meta)
		}
		for i := range out {
			out[i].Starred = starred[out[i].UID]
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Meta) int { return cmp.Compare(a.Key(), b.Key()) })
	return out, err
}

// List lists dashboards by title, and tells whether there are more.
func (s *Service) List(ctx context.Context, f Filter) ([]Meta, bool, error) {
	all, err := s.all(ctx, f.User)
	if err != nil {
		return nil, false, fmt.Errorf("list dashboards: %w", err)
	}
	words := strings.Fields(strings.ToLower(f.Query))
	out := []Meta{}
	for _, m := range all {
		switch {
		case f.After != "" && m.Key() <= f.After,
			f.Starred && !m.Starred,
			f.Folder != "" && m.Folder != f.Folder,
			f.Tag != "" && !slices.Contains(m.Tags, f.Tag),
			!hasAll(strings.ToLower(m.Title+"\n"+m.Folder+"\n"+strings.Join(m.Tags, "\n")), words):
			continue
		}
		if len(out) == f.Limit {
			return out, true, nil
		}
		out = append(out, m)
	}
	return out, false, nil
}

// Folder is what dashboards are in.
type Folder struct {
	Title      string `json:"title"`
	Dashboards int    `json:"dashboards"`
}

// Folders lists those that have dashboards, by title.
func (s *Service) Folders(ctx context.Context) ([]Folder, error) {
	all, err := s.all(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("list folders: %w", err)
	}
	n := map[string]int{}
	for _, m := range all {
		if m.Folder != "" {
			n[m.Folder]++
		}
	}
	out := []Folder{}
	for _, title := range sortedKeys(n) {
		out = append(out, Folder{title, n[title]})
	}
	return out, nil
}

// Get reads a dashboard and its JSON, for whoever may have starred it.
func (s *Service) Get(ctx context.Context, uid, user string) (Meta, string, error) {
	var m Meta
	var d *Document
	err := s.o.DB.Read(ctx, func(q state.Querier) error {
		f, r, err := s.lookup(ctx, q, uid)
		if err != nil {
			return err
		}
		var text string
		if m, text, err = s.content(ctx, q, f, r); err != nil {
			return err
		}
		if d, err = Parse(text); err != nil {
			return err
		}
		starred, err := stars(ctx, q, user)
		m.Starred = starred[uid]
		return err
	})
	if err != nil {
		return Meta{}, "", fmt.Errorf("read dashboard: %w", err)
	}
	return m, d.As(uid, m.Version), nil
}

// content is what is shown, with its text as it is kept.
func (s *Service) content(ctx context.Context, q state.Querier, f *File, r *row) (Meta, string, error) {
	m, stored := shown(f, r)
	if !stored {
		text, err := f.Text()
		return m, text, err
	}
	text, err := version(ctx, q, m.UID, m.Version)
	return m, text, err
}

func version(ctx context.Context, q state.Querier, uid string, n int64) (text string, err error) {
	err = q.QueryRowContext(ctx, "SELECT content FROM dashboard_versions WHERE uid = $1 AND version = $2", uid, n).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", refuse(NotFound, "the dashboard %q has no version %d that is kept; the last %d are, as far as they are within %d MB", uid, n, keepVersions, keepBytes>>20)
	}
	return text, err
}

// Versions lists those that are kept, the newest first.
func (s *Service) Versions(ctx context.Context, uid string) ([]Version, error) {
	var out []Version
	err := s.o.DB.Read(ctx, func(q state.Querier) error {
		out = []Version{}
		f, r, err := s.lookup(ctx, q, uid)
		if err != nil {
			return err
		}
		if m, stored := shown(f, r); !stored {
			out = append(out, Version{Version: m.Version, Updated: m.Updated, UpdatedBy: m.Source})
			if m.ReadOnly {
				return nil
			}
		}
		return state.Each(ctx, q, func(rows *sql.Rows) error {
			var v Version
			var at int64
			if err := rows.Scan(&v.Version, &at, &v.UpdatedBy, &v.Message); err != nil {
				return err
			}
			v.Updated = state.Time(at)
			out = append(out, v)
			return nil
		}, "SELECT version, updated_at, updated_by, message FROM dashboard_versions WHERE uid = $1 ORDER BY version DESC", uid)
	})
	if err != nil {
		return nil, fmt.Errorf("list versions: %w", err)
	}
	return out, nil
}

// Version reads one that is kept.
func (s *Service) Version(ctx context.Context, uid string, n int64) (string, error) {
	var d *Document
	err := s.o.DB.Read(ctx, func(q state.Querier) error {
		f, r, err := s.lookup(ctx, q, uid)
		if err != nil {
			return err
		}
		d, err = s.kept(ctx, q, f, r, uid, n)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read version: %w", err)
	}
	return d.As(uid, n), nil
}

func (s *Service) kept(ctx context.Context, q state.Querier, f *File, r *row, uid string, n int64) (*Document, error) {
	m, stored := shown(f, r)
	var text string
	var err error
	switch {
	case !stored && n == m.Version:
		text, err = f.Text()
	case !stored && m.ReadOnly:
		return nil, refuse(NotFound, "the dashboard %q comes from the file %s, whose versions are kept where the file is", m.Title, m.Source)
	default:
		text, err = version(ctx, q, uid, n)
	}
	if err != nil {
		return nil, err
	}
	return Parse(text)
}

// Restore makes a version that is kept the newest one again, where the dashboard
// still is at version; 0 is any.
func (s *Service) Restore(ctx context.Context, by, uid string, version, n int64) (Saved, error) {
	out := Saved{UID: uid}
	now := s.now()
	err := s.write(ctx, "restore dashboard", func(tx *state.Tx) error {
		f, r, err := s.lookup(ctx, tx, uid)
		if err != nil {
			return err
		}
		if m, _ := shown(f, r); m.ReadOnly {
			return provisioned(&m)
		}
		d, err := s.kept(ctx, tx, f, r, uid, n)
		if err != nil {
			return err
		}
		before, next, fresh, err := s.successor(ctx, tx, uid, version, d)
		if err != nil {
			return err
		}
		next.Updated, next.UpdatedBy = now, by
		out.Version, out.Warnings = next.Version, append([]string{}, d.Warnings...)
		message := fmt.Sprintf("restored from version %d", n)
		if err := save(ctx, tx, next, fresh, d.Text, message); err != nil {
			return err
		}
		return s.o.Audit(ctx, tx, by, "dashboard.restore", target(uid), before, note(&next, message))
	})
	if err != nil {
		return Saved{}, err
	}
	s.changes.WithLabelValues("restore").Inc()
	return out, nil
}

// Patch says what an edit changes in the file that a dashboard comes from, or in
// what is kept of one that does not.
func (s *Service) Patch(ctx context.Context, uid string, edited *Document) (Patch, error) {
	var before *Document
	name, folder := uid+".json", ""
	err := s.o.DB.Read(ctx, func(q state.Querier) error {
		f, r, err := s.lookup(ctx, q, uid)
		if err != nil {
			return err
		}
		var text string
		if f != nil {
			name, folder = f.place()
			text, err = f.Text()
		} else {
			_, text, err = s.content(ctx, q, f, r)
		}
		if err != nil {
			return err
		}
		before, err = Parse(text)
		return err
	})
	if err != nil {
		return Patch{}, fmt.Errorf("make patch: %w", err)
	}
	p := Difference(name, before, edited)
	p.Folder = folder
	return p, nil
}
