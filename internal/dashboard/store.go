package dashboard

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"touchline.dev/touchline/internal/state"
)

// row is a dashboard of the database.
type row struct {
	Meta
	base string // digest of the file that it was saved over
}

const columns = "uid, title, folder, tags, panels, base, version, updated_at, updated_by"

func scan(scanner interface{ Scan(dest ...any) error }) (*row, error) {
	var r row
	var tags string
	var updated int64
	if err := scanner.Scan(&r.UID, &r.Title, &r.Folder, &tags, &r.Panels, &r.base, &r.Version, &updated, &r.UpdatedBy); err != nil {
		return nil, err
	}
	r.Updated = state.Time(updated)
	if err := json.Unmarshal([]byte(tags), &r.Tags); err != nil {
		return nil, fmt.Errorf("read tags of dashboard %s: %w", r.UID, err)
	}
	return &r, nil
}

// find reads a row; without one the error is sql.ErrNoRows.
func find(ctx context.Context, q state.Querier, uid string) (*row, error) {
	return scan(q.QueryRowContext(ctx, "SELECT "+columns+" FROM dashboards WHERE uid = $1", uid))
}

// lookup reads a row and finds the file of the same uid; either may be nil, but
// not both.
func (s *Service) lookup(ctx context.Context, q state.Querier, uid string) (*File, *row, error) {
	f := s.files.Load().by[uid]
	if !ValidUID(uid) {
		return nil, nil, noSuch(uid)
	}
	r, err := find(ctx, q, uid)
	if errors.Is(err, sql.ErrNoRows) {
		r, err = nil, nil
	}
	if err == nil && f == nil && r == nil {
		err = noSuch(uid)
	}
	return f, r, err
}

func noSuch(uid string) error { return refuse(NotFound, "there is no dashboard %q", clip(uid, 100)) }

func rowOf(uid string, d *Document) row {
	return row{Meta: Meta{UID: uid, Title: d.Title, Tags: append([]string{}, d.Tags...), Panels: d.Panels}}
}

// save writes a row and its version, and forgets versions that are too old.
func save(ctx context.Context, tx *state.Tx, r row, fresh bool, text, message string) error {
	tags, err := json.Marshal(r.Tags)
	if err != nil {
		return fmt.Errorf("write tags: %w", err)
	}
	query := "UPDATE dashboards SET title = $1, folder = $2, tags = $3, panels = $4, base = $5, version = $6, updated_at = $7, updated_by = $8 WHERE uid = $9"
	if fresh {
		n, err := count(ctx, tx)
		if err != nil {
			return err
		}
		if n >= maxDashboards {
			return refuse(Full, "%d dashboards are kept, and no more can be; delete some first", n)
		}
		query = "INSERT INTO dashboards (title, folder, tags, panels, base, version, updated_at, updated_by, uid) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
	}
	if _, err := tx.ExecContext(ctx, query, r.Title, r.Folder, string(tags), r.Panels, r.base, r.Version, state.Micros(r.Updated), r.UpdatedBy, r.UID); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO dashboard_versions (uid, version, content, size, message, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		r.UID, r.Version, text, len(text), message, state.Micros(r.Updated), r.UpdatedBy); err != nil {
		return err
	}
	oldest, err := oldestKept(ctx, tx, r.UID)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM dashboard_versions WHERE uid = $1 AND version < $2", r.UID, oldest)
	return err
}

// oldestKept is the oldest version that is within the bounds. The newest always is.
func oldestKept(ctx context.Context, q state.Querier, uid string) (oldest int64, err error) {
	rows, err := q.QueryContext(ctx, "SELECT version, size FROM dashboard_versions WHERE uid = $1 ORDER BY version DESC", uid)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	n, bytes := 0, int64(0)
	for rows.Next() {
		var version, size int64
		if err := rows.Scan(&version, &size); err != nil {
			return 0, err
		}
		if n++; n > keepVersions {
			break
		}
		if bytes += size; n > 1 && bytes > keepBytes {
			break
		}
		oldest = version
	}
	return oldest, rows.Err()
}

// Import is a dashboard that somebody brings.
type Import struct {
	Dashboard *Document
	Folder    *string // nil for that of the one that is replaced, or none
	Message   string
	Overwrite bool
}

// Saved is what became of it.
type Saved struct {
	UID      string
	Version  int64
	Created  bool // and nothing replaced
	Warnings []string
}

// Create keeps a dashboard.
func (s *Service) Create(ctx context.Context, by string, n Import) (Saved, error) {
	folder, err := checkTexts(n.Folder, n.Message)
	if err != nil {
		return Saved{}, err
	}
	out := Saved{UID: n.Dashboard.UID, Warnings: append([]string{}, n.Dashboard.Warnings...)}
	if out.UID != "" && !ValidUID(out.UID) {
		out.UID = ""
		out.Warnings = append(out.Warnings, fmt.Sprintf("the uid %q is none: it has letters, digits, - and _, and 40 of them at most; another one was made", clip(n.Dashboard.UID, 100)))
	}
	made := out.UID == ""
	if made {
		out.UID = strings.ToLower(rand.Text()[:14])
	}
	now := s.now()
	action := "dashboard.create"
	err = s.write(ctx, "keep dashboard", func(tx *state.Tx) error {
		f, r, err := s.lookup(ctx, tx, out.UID)
		if err != nil && KindOf(err) != NotFound {
			return err
		}
		next := rowOf(out.UID, n.Dashboard)
		next.Version, next.Updated, next.UpdatedBy = 1, now, by
		var before *Meta
		if f != nil || r != nil {
			m, _ := shown(f, r)
			before = &m
		}
		switch {
		case before == nil:
		case before.ReadOnly:
			return provisioned(before)
		case !n.Overwrite:
			return refuse(Exists, "the uid %q is that of the dashboard %q%s, version %d%s; send \"overwrite\": true to replace it, or take the uid out of the JSON to get a copy",
				before.UID, before.Title, inFolder(before.Folder), before.Version, savedBy(before))
		default:
			next.Folder, next.Version = before.Folder, before.Version+1
		}
		if folder != nil {
			next.Folder = *folder
		}
		if f != nil {
			next.base = f.digest
		}
		out.Version, out.Created = next.Version, before == nil
		if err := save(ctx, tx, next, r == nil, n.Dashboard.Text, n.Message); err != nil {
			return err
		}
		action = "dashboard.create"
		var old any
		if before != nil {
			action, old = "dashboard.update", noted{before.Title, before.Folder, before.Version, ""}
		}
		return s.o.Audit(ctx, tx, by, action, target(out.UID), old, note(&next, n.Message))
	})
	if err != nil {
		return Saved{}, err
	}
	s.changes.WithLabelValues(strings.TrimPrefix(action, "dashboard.")).Inc()
	return out, nil
}

func inFolder(folder string) string {
	if folder == "" {
		return ""
	}
	return fmt.Sprintf(" in the folder %q", folder)
}

func savedBy(m *Meta) string {
	if m.UpdatedBy == "" {
		return ""
	}
	return ", saved by " + m.UpdatedBy
}

func provisioned(m *Meta) error {
	return &Error{Kind: Provisioned, Source: m.Source, Reason: fmt.Sprintf(
		"the dashboard %q comes from the file %s, and only that changes it: an edit leaves as a patch for the file (POST …/dashboards/%s/patch), or as a copy under another uid", m.Title, m.Source, m.UID)}
}

// checkTexts checks what people write, and trims the folder.
func checkTexts(folder *string, message string) (*string, error) {
	if utf8.RuneCountInString(message) > maxMessage {
		return nil, invalid("message", "write at most %d characters", maxMessage)
	}
	if folder == nil {
		return nil, nil
	}
	title := strings.TrimSpace(*folder)
	switch {
	case utf8.RuneCountInString(title) > maxFolder:
		return nil, invalid("folder", "write a title of at most %d characters", maxFolder)
	case strings.ContainsFunc(title, unicode.IsControl):
		return nil, invalid("folder", "a title has no line breaks and no control characters")
	}
	return &title, nil
}

// Change is an edit of a dashboard.
type Change struct {
	Dashboard *Document
	Folder    *string // nil leaves it
	Message   string
}

// Update saves an edit that began from a version; 0 is any.
func (s *Service) Update(ctx context.Context, by, uid string, version int64, c Change) (Saved, error) {
	folder, err := checkTexts(c.Folder, c.Message)
	if err != nil {
		return Saved{}, err
	}
	out := Saved{UID: uid, Warnings: append([]string{}, c.Dashboard.Warnings...)}
	now := s.now()
	err = s.write(ctx, "save dashboard", func(tx *state.Tx) error {
		before, next, fresh, err := s.successor(ctx, tx, uid, version, c.Dashboard)
		if err != nil {
			return err
		}
		next.Updated, next.UpdatedBy = now, by
		if folder != nil {
			next.Folder = *folder
		}
		out.Version = next.Version
		if err := save(ctx, tx, next, fresh, c.Dashboard.Text, c.Message); err != nil {
			return err
		}
		return s.o.Audit(ctx, tx, by, "dashboard.update", target(uid), before, note(&next, c.Message))
	})
	if err != nil {
		return Saved{}, err
	}
	s.changes.WithLabelValues("update").Inc()
	return out, nil
}

// successor is the row that comes after what is shown, where it may.
func (s *Service) successor(ctx context.Context, tx *state.Tx, uid string, version int64, d *Document) (before any, next row, fresh bool, _ error) {
	f, r, err := s.lookup(ctx, tx, uid)
	if err != nil {
		return nil, row{}, false, err
	}
	m, _ := shown(f, r)
	if m.ReadOnly {
		return nil, row{}, false, provisioned(&m)
	}
	if version != 0 && version != m.Version {
		return nil, row{}, false, s.stale(ctx, tx, &m, version)
	}
	next = rowOf(uid, d)
	next.Folder, next.Version = m.Folder, m.Version+1
	if f != nil {
		next.base = f.digest
	}
	return noted{m.Title, m.Folder, m.Version, ""}, next, r == nil, nil
}

func (s *Service) stale(ctx context.Context, q state.Querier, m *Meta, version int64) error {
	current := &Version{Version: m.Version, Updated: m.Updated, UpdatedBy: orElse(m.UpdatedBy, m.Source)}
	yours := &Version{Version: version}
	var at int64
	switch err := q.QueryRowContext(ctx, "SELECT updated_at, updated_by, message FROM dashboard_versions WHERE uid = $1 AND version = $2", m.UID, version).Scan(&at, &yours.UpdatedBy, &yours.Message); {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	default:
		yours.Updated = state.Time(at)
	}
	return stale(m.Title, current, yours)
}

// Delete removes a dashboard with its versions, stars and links; version 0 is any.
func (s *Service) Delete(ctx context.Context, by, uid string, version int64) error {
	err := s.write(ctx, "delete dashboard", func(tx *state.Tx) error {
		f, r, err := s.lookup(ctx, tx, uid)
		if err != nil {
			return err
		}
		if f != nil {
			m, _ := shown(f, r)
			return &Error{Kind: Provisioned, Source: m.Source, Reason: fmt.Sprintf("the dashboard %q comes from the file %s; it goes away with the file", m.Title, m.Source)}
		}
		if version != 0 && version != r.Version {
			return s.stale(ctx, tx, &r.Meta, version)
		}
		for _, table := range []string{"dashboards", "dashboard_versions", "dashboard_stars", "dashboard_shares"} {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE uid = $1", uid); err != nil {
				return err
			}
		}
		return s.o.Audit(ctx, tx, by, "dashboard.delete", target(uid), note(r, ""), nil)
	})
	if err != nil {
		return err
	}
	s.changes.WithLabelValues("delete").Inc()
	return nil
}

// Star has a user find a dashboard among their own, or no longer.
func (s *Service) Star(ctx context.Context, user, uid string, on bool) error {
	err := s.o.DB.Write(ctx, func(tx *state.Tx) error {
		if _, _, err := s.lookup(ctx, tx, uid); err != nil {
			return err
		}
		query := "DELETE FROM dashboard_stars WHERE user_name = $1 AND uid = $2"
		if on {
			query = "INSERT INTO dashboard_stars (user_name, uid) VALUES ($1, $2) ON CONFLICT (user_name, uid) DO NOTHING"
		}
		_, err := tx.ExecContext(ctx, query, user, uid)
		return err
	})
	if err != nil {
		return fmt.Errorf("star dashboard: %w", err)
	}
	return nil
}

func stars(ctx context.Context, q state.Querier, user string) (map[string]bool, error) {
	out := map[string]bool{}
	if user == "" {
		return out, nil
	}
	return out, state.Each(ctx, q, func(rows *sql.Rows) error {
		var uid string
		err := rows.Scan(&uid)
		out[uid] = true
		return err
	}, "SELECT uid FROM dashboard_stars WHERE user_name = $1", user)
}

// hasAll tells whether a text in lower case has all words.
func hasAll(text string, words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}
