package dashboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"touchline.dev/touchline/internal/state"
	"touchline.dev/touchline/internal/state/statetest"
)

func TestMain(m *testing.M) { statetest.Main(m) }

// clock is a time that tests move.
type clock struct{ now time.Time }

func (c *clock) tick() time.Time { c.now = c.now.Add(time.Second); return c.now }

// audited are the entries of the audit log.
type audited []string

func service(t *testing.T, db *state.DB) (*Service, *clock, *audited) {
	t.Helper()
	c, a := &clock{time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}, &audited{}
	s, err := New(Options{
		DB: db, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Now: c.tick,
		Audit: func(_ context.Context, _ *state.Tx, actor, action, target string, before, after any) error {
			*a = append(*a, fmt.Sprintf("%s %s %s %v %v", actor, action, target, before, after))
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, c, a
}

func doc(t *testing.T, text string) *Document {
	t.Helper()
	d, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func in(folder string) *string { return &folder }

func kinds(t *testing.T, what string, err error, want Kind, reason string) {
	t.Helper()
	if KindOf(err) != want || err != nil && !strings.Contains(err.Error(), reason) {
		t.Errorf("%s: %v", what, err)
	}
}

func TestLifeOfADashboard(t *testing.T) {
	statetest.Run(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		s, _, log := service(t, db)
		ctx := t.Context()
		const text = "{\n \"title\": \"<CPU> \\u00e9 日\",\n \"tags\": [\"node\"], \"panels\": [ {\"id\":1} ], \"x\": 1.50 }\n"
		made, err := s.Create(ctx, "anna", Import{Dashboard: doc(t, text), Folder: in(" Hosts "), Message: "first"})
		if err != nil || !made.Created || made.Version != 1 || !ValidUID(made.UID) {
			t.Fatalf("%+v, %v", made, err)
		}
		uid := made.UID
		m, got, err := s.Get(ctx, uid, "anna")
		want := "{\n \"uid\": \"" + uid + "\",\n \"version\": 1," + text[1:]
		if err != nil || got != want || m.Title != "<CPU> é 日" || m.Folder != "Hosts" || m.Panels != 1 || m.UpdatedBy != "anna" || m.ReadOnly || m.Starred {
			t.Errorf("%+v\n%s\n%s, %v", m, got, want, err)
		}

		// The uid that it comes with is kept where it is free.
		kept, err := s.Create(ctx, "anna", Import{Dashboard: doc(t, `{"uid":"mine","title":"Mine","panels":[]}`), Folder: in("F")})
		if err != nil || kept.UID != "mine" {
			t.Errorf("%+v, %v", kept, err)
		}
		other := doc(t, `{"uid":"mine","title":"Other","panels":[]}`)
		_, err = s.Create(ctx, "bo", Import{Dashboard: other})
		kinds(t, "a uid that is taken", err, Exists, `that of the dashboard "Mine" in the folder "F", version 1, saved by anna`)
		over, err := s.Create(ctx, "bo", Import{Dashboard: other, Overwrite: true})
		if err != nil || over.Version != 2 || over.Created {
			t.Errorf("%+v, %v", over, err)
		}
		if m, _, err := s.Get(ctx, "mine", ""); err != nil || m.Folder != "F" || m.Title != "Other" {
			t.Errorf("%+v, %v", m, err)
		}
		odd, err := s.Create(ctx, "bo", Import{Dashboard: doc(t, `{"uid":"no uid/at all","title":"Z","panels":[]}`)})
		if err != nil || !ValidUID(odd.UID) || len(odd.Warnings) != 1 || !strings.Contains(odd.Warnings[0], `"no uid/at all" is none`) {
			t.Errorf("%+v, %v", odd, err)
		}

		// An edit begins from a version.
		next := doc(t, `{"title":"CPU 2","panels":[]}`)
		saved, err := s.Update(ctx, "bo", uid, 1, Change{Dashboard: next, Message: "shorter"})
		if err != nil || saved.Version != 2 {
			t.Fatalf("%+v, %v", saved, err)
		}
		_, err = s.Update(ctx, "anna", uid, 1, Change{Dashboard: next})
		kinds(t, "who was slower", err, Stale, "version 2, saved by bo at 2026")
		kinds(t, "who was slower", err, Stale, "yours began from version 1, by anna at 2026")
		var e *Error
		if !errors.As(err, &e) || e.Current.UpdatedBy != "bo" || e.Yours.UpdatedBy != "anna" || e.Yours.Message != "first" {
			t.Errorf("%+v", e)
		}
		_, err = s.Update(ctx, "anna", uid, 99, Change{Dashboard: next})
		kinds(t, "a version of nothing", err, Stale, "no longer kept")
		if saved, err = s.Update(ctx, "anna", uid, 0, Change{Dashboard: next, Folder: in("")}); err != nil || saved.Version != 3 {
			t.Errorf("%+v, %v", saved, err)
		}
		_, err = s.Update(ctx, "anna", "nothing", 0, Change{Dashboard: next})
		kinds(t, "one that is not there", err, NotFound, `no dashboard "nothing"`)
		_, err = s.Update(ctx, "anna", uid, 0, Change{Dashboard: next, Folder: in("a\nb")})
		kinds(t, "a folder", err, Invalid, "no line breaks")
		_, err = s.Update(ctx, "anna", uid, 0, Change{Dashboard: next, Folder: in(strings.Repeat("x", 201))})
		kinds(t, "a folder", err, Invalid, "at most 200")
		_, err = s.Update(ctx, "anna", uid, 0, Change{Dashboard: next, Message: strings.Repeat("x", 1001)})
		kinds(t, "a message", err, Invalid, "at most 1000")

		// All of it is there after a restart.
		s, _, _ = service(t, reopen())
		if n := testutil.ToFloat64(s.stored); n != 3 {
			t.Errorf("%v are counted", n)
		}
		vs, err := s.Versions(ctx, uid)
		if err != nil || len(vs) != 3 || vs[0].Version != 3 || vs[1].Message != "shorter" || vs[2].UpdatedBy != "anna" || vs[2].Updated.IsZero() {
			t.Errorf("%+v, %v", vs, err)
		}
		if got, err := s.Version(ctx, uid, 1); err != nil || got != want {
			t.Errorf("%s, %v", got, err)
		}
		_, err = s.Version(ctx, uid, 9)
		kinds(t, "a version that is not there", err, NotFound, "has no version 9")
		_, err = s.Restore(ctx, "li", uid, 2, 1)
		kinds(t, "restoring from an old page", err, Stale, "version 3")
		back, err := s.Restore(ctx, "li", uid, 3, 1)
		if err != nil || back.Version != 4 {
			t.Errorf("%+v, %v", back, err)
		}
		if m, got, err := s.Get(ctx, uid, ""); err != nil || got != strings.Replace(want, `"version": 1`, `"version": 4`, 1) || m.Title != "<CPU> é 日" {
			t.Errorf("%+v %s, %v", m, got, err)
		}

		if err := s.Star(ctx, "anna", uid, true); err != nil {
			t.Error(err)
		}
		if err := s.Star(ctx, "anna", uid, true); err != nil {
			t.Error(err)
		}
		kinds(t, "a star for nothing", s.Star(ctx, "anna", "nothing", true), NotFound, "")
		list, _, err := s.List(ctx, Filter{User: "anna", Starred: true, Limit: 10})
		if err != nil || len(list) != 1 || list[0].UID != uid {
			t.Errorf("%+v, %v", list, err)
		}
		if list, _, err := s.List(ctx, Filter{User: "bo", Starred: true, Limit: 10}); err != nil || len(list) != 0 {
			t.Errorf("%+v, %v", list, err)
		}
		secret, _, err := s.Share(ctx, "anna", uid, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		kinds(t, "deleting from an old page", s.Delete(ctx, "anna", uid, 1), Stale, "version 4")
		if err := s.Delete(ctx, "anna", uid, 0); err != nil {
			t.Fatal(err)
		}
		_, _, err = s.Get(ctx, uid, "")
		kinds(t, "one that was deleted", err, NotFound, "")
		_, err = s.Versions(ctx, uid)
		kinds(t, "versions of one that was deleted", err, NotFound, "")
		_, _, err = s.Shared(ctx, secret)
		kinds(t, "a link to one that was deleted", err, Denied, "expired or was revoked")
		if err := db2Empty(ctx, t, s, uid); err != nil {
			t.Error(err)
		}
		text2 := strings.Join(*log, "\n")
		for _, want := range []string{"anna dashboard.create dashboard/" + uid + " <nil> {<CPU> é 日 Hosts 1 first}", "bo dashboard.update dashboard/mine {Mine F 1 } {Other F 2 }"} {
			if !strings.Contains(text2, want) {
				t.Errorf("the audit log has no %q:\n%s", want, text2)
			}
		}
	})
}

// db2Empty tells whether anything of a dashboard is left.
func db2Empty(ctx context.Context, t *testing.T, s *Service, uid string) error {
	t.Helper()
	return s.o.DB.Read(ctx, func(q state.Querier) error {
		for _, table := range []string{"dashboards", "dashboard_versions", "dashboard_stars", "dashboard_shares"} {
			var n int
			if err := q.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table+" WHERE uid = $1", uid).Scan(&n); err != nil || n > 0 {
				return fmt.Errorf("%d rows in %s, %w", n, table, err)
			}
		}
		return nil
	})
}

func TestList(t *testing.T) {
	statetest.Run(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		s, _, _ := service(t, db)
		ctx := t.Context()
		for i, d := range []struct{ title, folder, tags string }{
			{"b two", "F", `["x"]`}, {"A one", "G", `["x","y"]`}, {"c three", "", `[]`}, {"A one", "F", `[]`},
		} {
			if _, err := s.Create(ctx, "anna", Import{Dashboard: doc(t, fmt.Sprintf(`{"uid":"u%d","title":%q,"tags":%s,"panels":[]}`, i, d.title, d.tags)), Folder: in(d.folder)}); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			f    Filter
			want string
			more bool
		}{
			{Filter{Limit: 10}, "u1 u3 u0 u2", false},
			{Filter{Limit: 2}, "u1 u3", true},
			{Filter{Limit: 2, After: "a one\x1fu3"}, "u0 u2", false},
			{Filter{Limit: 10, Query: "ONE g"}, "u1", false},
			{Filter{Limit: 10, Query: "y"}, "u1", false},
			{Filter{Limit: 10, Tag: "x"}, "u1 u0", false},
			{Filter{Limit: 10, Folder: "F"}, "u3 u0", false},
			{Filter{Limit: 10, Query: "nothing"}, "", false},
		} {
			list, more, err := s.List(ctx, c.f)
			var got []string
			for _, m := range list {
				got = append(got, m.UID)
			}
			if err != nil || strings.Join(got, " ") != c.want || more != c.more {
				t.Errorf("%+v: %v %v, %v", c.f, got, more, err)
			}
		}
		folders, err := s.Folders(ctx)
		if err != nil || fmt.Sprint(folders) != "[{F 2} {G 1}]" {
			t.Errorf("%v, %v", folders, err)
		}
	})
}

func TestVersionsAreBounded(t *testing.T) {
	statetest.Run(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		s, _, _ := service(t, db)
		ctx := t.Context()
		if _, err := s.Create(ctx, "anna", Import{Dashboard: doc(t, `{"uid":"u","title":"T","panels":[]}`)}); err != nil {
			t.Fatal(err)
		}
		for range keepVersions + 5 {
			if _, err := s.Update(ctx, "anna", "u", 0, Change{Dashboard: doc(t, `{"title":"T","panels":[]}`)}); err != nil {
				t.Fatal(err)
			}
		}
		vs, err := s.Versions(ctx, "u")
		if err != nil || len(vs) != keepVersions || vs[0].Version != keepVersions+6 || vs[keepVersions-1].Version != 7 {
			t.Errorf("%d versions, %v", len(vs), err)
		}
		// Large ones are bounded by their bytes.
		large := doc(t, `{"title":"T","panels":[],"x":"`+strings.Repeat("x", 9<<20)+`"}`)
		for range 9 {
			if _, err := s.Update(ctx, "anna", "u", 0, Change{Dashboard: large}); err != nil {
				t.Fatal(err)
			}
		}
		if vs, err = s.Versions(ctx, "u"); err != nil || len(vs) != keepBytes/(9<<20) {
			t.Errorf("%d large versions, %v", len(vs), err)
		}
	})
}

func TestShares(t *testing.T) {
	statetest.Run(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		s, c, log := service(t, db)
		ctx := t.Context()
		if _, err := s.Create(ctx, "anna", Import{Dashboard: doc(t, `{"uid":"u","title":"T","panels":[]}`)}); err != nil {
			t.Fatal(err)
		}
		secret, x, err := s.Share(ctx, "anna", "u", c.now.Add(time.Hour))
		if err != nil || len(secret) < 50 || x.CreatedBy != "anna" {
			t.Fatalf("%+v, %v", x, err)
		}
		week, y, err := s.Share(ctx, "anna", "u", time.Time{})
		if err != nil || y.ExpiresAt.Sub(y.CreatedAt) != DefaultShare {
			t.Fatalf("%+v, %v", y, err)
		}
		for _, at := range []time.Time{c.now.Add(-time.Hour), c.now.Add(366 * 24 * time.Hour)} {
			_, _, err := s.Share(ctx, "anna", "u", at)
			kinds(t, at.String(), err, Invalid, "expires_at")
		}
		_, _, err = s.Share(ctx, "anna", "nothing", time.Time{})
		kinds(t, "a link to nothing", err, NotFound, "")
		if uid, id, err := s.Shared(ctx, secret); err != nil || uid != "u" || id != x.ID {
			t.Errorf("%s %s %v", uid, id, err)
		}
		for _, bad := range []string{"", "x", secret + "x", strings.Repeat("x", 10_000)} {
			_, _, err := s.Shared(ctx, bad)
			kinds(t, "a secret that is none", err, Denied, "expired or was revoked")
		}
		if list, err := s.Shares(ctx, "u"); err != nil || len(list) != 2 || list[0].ID != y.ID {
			t.Errorf("%+v, %v", list, err)
		}
		c.now = c.now.Add(2 * time.Hour)
		_, _, err = s.Shared(ctx, secret)
		kinds(t, "a link that has expired", err, Denied, "")
		if list, err := s.Shares(ctx, "u"); err != nil || len(list) != 1 {
			t.Errorf("%+v, %v", list, err)
		}
		kinds(t, "revoking nothing", s.Revoke(ctx, "bo", "u", "x"), NotFound, `no link "x"`)
		if err := s.Revoke(ctx, "bo", "u", y.ID); err != nil {
			t.Fatal(err)
		}
		_, _, err = s.Shared(ctx, week)
		kinds(t, "a link that was revoked", err, Denied, "")
		for n := range maxShares + 1 {
			if _, _, err = s.Share(ctx, "anna", "u", time.Time{}); err != nil && n < maxShares {
				t.Fatal(err)
			}
		}
		kinds(t, "one link too many", err, Full, "revoke some first")
		if text := strings.Join(*log, "\n"); strings.Contains(text, secret) || !strings.Contains(text, "bo dashboard.unshare dashboard/u") {
			t.Error(text)
		}
	})
}

func file(t *testing.T, text string, edit, keep bool) File {
	t.Helper()
	f, err := NewFile("/etc/d/a.json", text, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	f.Folder, f.AllowEdit, f.Keep = "Files", edit, keep
	return f
}

func TestFiles(t *testing.T) {
	statetest.Run(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		s, _, _ := service(t, db)
		ctx := t.Context()
		set := func(files ...File) {
			t.Helper()
			if err := s.SetFiles(ctx, files); err != nil {
				t.Fatal(err)
			}
		}
		const one, two = `{"uid":"f","title":"One","tags":["x"],"panels":[{}]}`, `{"uid":"f","title":"Two","panels":[]}`
		set(file(t, one, false, false))
		m, text, err := s.Get(ctx, "f", "")
		if err != nil || !m.Provisioned || !m.ReadOnly || m.Source != "/etc/d/a.json" || m.Folder != "Files" || m.Version != 1 || m.Panels != 1 || text != `{"version": 1,`+one[1:] {
			t.Errorf("%+v %s, %v", m, text, err)
		}
		edit := doc(t, `{"uid":"f","title":"Edited","panels":[]}`)
		_, err = s.Update(ctx, "anna", "f", 1, Change{Dashboard: edit})
		kinds(t, "saving over a file", err, Provisioned, "/etc/d/a.json")
		_, err = s.Create(ctx, "anna", Import{Dashboard: edit, Overwrite: true})
		kinds(t, "importing over a file", err, Provisioned, "leaves as a patch")
		_, err = s.Restore(ctx, "anna", "f", 1, 1)
		kinds(t, "restoring a file", err, Provisioned, "")
		kinds(t, "deleting a file", s.Delete(ctx, "anna", "f", 0), Provisioned, "goes away with the file")
		p, err := s.Patch(ctx, "f", edit)
		if err != nil || len(p.Operations) != 3 || !strings.HasPrefix(p.Diff, "--- a/etc/d/a.json\n") || p.Folder != "" {
			t.Errorf("%+v, %v", p, err)
		}
		provided := file(t, one, false, false)
		provided.Root = "/etc"
		set(provided)
		if p, err = s.Patch(ctx, "f", edit); err != nil || !strings.HasPrefix(p.Diff, "--- a/d/a.json\n+++ b/d/a.json\n") || p.Folder != "/etc" {
			t.Errorf("of a folder: %+v, %v", p, err)
		}
		set(file(t, one, false, false))
		if vs, err := s.Versions(ctx, "f"); err != nil || len(vs) != 1 || vs[0].UpdatedBy != "/etc/d/a.json" {
			t.Errorf("%+v, %v", vs, err)
		}
		_, err = s.Version(ctx, "f", 2)
		kinds(t, "another version of a file", err, NotFound, "kept where the file is")
		if err := s.Star(ctx, "anna", "f", true); err != nil {
			t.Error(err)
		}
		if list, _, err := s.List(ctx, Filter{User: "anna", Starred: true, Limit: 5}); err != nil || len(list) != 1 || !list[0].Provisioned {
			t.Errorf("%+v, %v", list, err)
		}

		// allowUiUpdates: an edit is kept until the file changes.
		ships := file(t, one, true, false)
		ships.Shipped = true
		set(ships)
		if m, _, err := s.Get(ctx, "f", ""); err != nil || !m.Shipped {
			t.Errorf("%+v, %v", m, err)
		}
		saved, err := s.Update(ctx, "anna", "f", 1, Change{Dashboard: edit})
		if err != nil || saved.Version != 2 {
			t.Fatalf("%+v, %v", saved, err)
		}
		if m, _, err := s.Get(ctx, "f", ""); err != nil || m.Shipped {
			t.Errorf("an edit ships: %+v, %v", m, err)
		}
		if m, _, err := s.Get(ctx, "f", ""); err != nil || m.Title != "Edited" || !m.Provisioned || m.ReadOnly || m.Folder != "Files" {
			t.Errorf("%+v, %v", m, err)
		}
		set(file(t, two, true, false))
		if m, _, err := s.Get(ctx, "f", ""); err != nil || m.Title != "Two" || m.Version != 3 {
			t.Errorf("%+v, %v", m, err)
		}
		_, err = s.Update(ctx, "anna", "f", 2, Change{Dashboard: edit})
		kinds(t, "an edit of before the file changed", err, Stale, "saved by /etc/d/a.json")
		if back, err := s.Restore(ctx, "anna", "f", 3, 2); err != nil || back.Version != 4 {
			t.Errorf("%+v, %v", back, err)
		}
		kinds(t, "deleting a file that may be edited", s.Delete(ctx, "anna", "f", 0), Provisioned, "")

		// Without the file the edit is a dashboard like others.
		set()
		if m, _, err := s.Get(ctx, "f", ""); err != nil || m.Title != "Edited" || m.Provisioned {
			t.Errorf("%+v, %v", m, err)
		}
		if err := s.Delete(ctx, "anna", "f", 0); err != nil {
			t.Error(err)
		}

		// disableDeletion: what was there last stays.
		set(file(t, one, false, true))
		set(file(t, two, false, true))
		set(file(t, two, false, true))
		if m, _, err := s.Get(ctx, "f", ""); err != nil || m.Title != "Two" || !m.ReadOnly {
			t.Errorf("%+v, %v", m, err)
		}
		// One that could not be kept is owed.
		gone, cancel := context.WithCancel(ctx)
		cancel()
		late, err := NewFile("/etc/d/b.json", `{"uid":"late","title":"Late","panels":[]}`, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		late.Keep = true
		if err := s.SetFiles(gone, []File{file(t, two, false, true), late}); err == nil {
			t.Error("kept without a database")
		}
		set(file(t, two, false, true), late)
		set()
		if m, _, err := s.Get(ctx, "late", ""); err != nil || m.Title != "Late" || m.Provisioned {
			t.Errorf("a file that could be kept at the second try only: %+v, %v", m, err)
		}
		m, _, err = s.Get(ctx, "f", "")
		if err != nil || m.Title != "Two" || m.Provisioned || m.UpdatedBy != provisioner || m.Version != 2 || m.Folder != "Files" {
			t.Errorf("%+v, %v", m, err)
		}
	})
}
