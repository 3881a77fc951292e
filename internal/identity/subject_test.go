package identity_test

import (
	"strings"
	"testing"

	"touchline.dev/touchline/internal/identity"
)

func TestSubjects(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		in := func(s identity.Subject, role identity.Role, keep bool) (identity.User, error) {
			secret, u, err := w.SignInSubject(w.ctx, s, role, keep, "10.0.0.1:1", "browser")
			if err != nil {
				return u, err
			}
			a, err := w.BySession(w.ctx, secret)
			if err != nil || a.Name != u.Name || a.Role != u.Role || a.Method != identity.MethodOIDC {
				t.Errorf("signed in as %+v, %v; user %+v", a, err, u)
			}
			return u, nil
		}
		anna := identity.Subject{ID: "https://id subject-1", Name: "Anna Ø", DisplayName: "Anna", Email: "anna@example.com", Language: "zh-Hans-CN"}
		u, err := in(anna, identity.Editor, false)
		if err != nil || u.Name != "anna--" || u.Role != identity.Editor || u.Language != "zh" || u.HasPassword || u.Version != 1 {
			t.Errorf("%+v %v", u, err)
		}
		// Again, the same user, who follows the provider, but for what they chose themselves.
		en := "en"
		if _, err := w.UpdateUser(w.ctx, root, u.Name, 0, identity.UserChange{Language: &en}); err != nil {
			t.Fatal(err)
		}
		anna.Name, anna.DisplayName, anna.Email = "renamed", "Anna B", ""
		if u, err = in(anna, identity.Viewer, false); err != nil || u.Name != "anna--" || u.Role != identity.Viewer || u.DisplayName != "Anna B" || u.Email != "anna@example.com" || u.Language != "en" {
			t.Errorf("%+v %v", u, err)
		}
		if u, err = in(anna, identity.Admin, true); err != nil || u.Role != identity.Viewer {
			t.Errorf("a role that is kept: %+v %v", u, err)
		}
		if got := strings.Count(w.audited(), "user.update user/anna--"); got != 2 {
			t.Errorf("%d changes audited", got)
		}
		_, err = w.ByPassword(w.ctx, "anna--", "", "")
		w.refused(err, identity.Denied, "wrong")

		// Somebody with a password is not whom the provider gives the same name.
		w.user("bo", identity.Admin)
		_, err = in(identity.Subject{ID: "https://id subject-2", Name: "bo"}, identity.Viewer, false)
		w.refused(err, identity.Conflict, "touchline users bind bo 'https://id subject-2'")
		_, err = in(identity.Subject{ID: "https://id subject-3", Name: "anna  "}, identity.Viewer, false)
		if err != nil {
			t.Errorf("another name: %v", err)
		}
		_, err = in(identity.Subject{ID: "https://id subject-4", Name: "anna??"}, identity.Viewer, false)
		w.refused(err, identity.Conflict, "does not prove")
		// Nor is somebody who was made for it, before an administrator says so.
		if _, err := w.CreateUser(w.ctx, root, identity.User{Name: "cy", Role: identity.Admin}, ""); err != nil {
			t.Fatal(err)
		}
		_, err = in(identity.Subject{ID: "https://id subject-5", Name: "CY", Email: "evil@example.com"}, identity.Viewer, true)
		w.refused(err, identity.Conflict, "touchline users bind cy 'https://id subject-5'")
		cy, taken := "https://id subject-5", "https://id subject-1"
		if _, err := w.UpdateUser(w.ctx, root, "cy", 0, identity.UserChange{Subject: &cy}); err != nil {
			t.Fatal(err)
		}
		_, err = w.UpdateUser(w.ctx, root, "cy", 0, identity.UserChange{Subject: &taken})
		w.refused(err, identity.Exists, "another user")
		if u, err = in(identity.Subject{ID: "https://id subject-5", Name: "CY"}, identity.Viewer, true); err != nil || u.Role != identity.Admin || u.Subject != "https://id subject-5" {
			t.Errorf("%+v %v", u, err)
		}

		off := true
		if _, err := w.UpdateUser(w.ctx, root, "cy", 0, identity.UserChange{Disabled: &off}); err != nil {
			t.Fatal(err)
		}
		_, err = in(identity.Subject{ID: "https://id subject-5", Name: "cy"}, identity.Admin, false)
		w.refused(err, identity.Disabled, "disabled")
		_, err = in(identity.Subject{ID: "https://id subject-8", Name: "stranger"}, "", true)
		w.refused(err, identity.NotFound, "not a user here")
		_, err = in(identity.Subject{Name: "dee"}, identity.Admin, false)
		w.refused(err, identity.Denied, "names nobody")
		_, err = in(identity.Subject{ID: "https://id subject-6", Name: "--"}, identity.Admin, false)
		w.refused(err, identity.Invalid, "name: ")
		// A name is made of the address where there is none; what cannot be shown is left out.
		if u, err = in(identity.Subject{ID: "https://id subject-7", Email: "eve@example.com", DisplayName: "a\nb"}, identity.Viewer, false); err != nil || u.Name != "eve" || u.DisplayName != "" {
			t.Errorf("%+v %v", u, err)
		}
	})
}

// TestSubjectsByAddress has users wait for whom the provider knows by their address.
func TestSubjectsByAddress(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		in := func(id, name, email string) (identity.User, error) {
			_, u, err := w.SignInSubject(w.ctx, identity.Subject{ID: id, Name: name, Email: email}, "", true, "10.0.0.1:1", "browser")
			return u, err
		}
		for name, email := range map[string]string{"anna": "Anna@example.com", "bo": "twice@example.com", "bob": "twice@example.com", "cy": ""} {
			if _, err := w.CreateUser(w.ctx, root, identity.User{Name: name, Email: email, Role: identity.Editor}, ""); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.CreateUser(w.ctx, root, identity.User{Name: "dee", Email: "dee@example.com", Role: identity.Editor}, "a few words that do not belong"); err != nil {
			t.Fatal(err)
		}
		_, err := in("https://id 1", "anna", "")
		w.refused(err, identity.Conflict, "does not prove")
		if u, err := in("https://id 2", "a.smith", "anna@Example.com"); err != nil || u.Name != "anna" || u.Subject != "https://id 2" || u.Role != identity.Editor {
			t.Errorf("%+v %v", u, err)
		}
		// Who has signed in waits no more.
		_, err = in("https://id 3", "anna", "anna@example.com")
		w.refused(err, identity.Conflict, "does not prove")
		if u, err := in("https://id 2", "x", ""); err != nil || u.Name != "anna" {
			t.Errorf("%+v %v", u, err)
		}
		_, err = in("https://id 4", "bo", "twice@example.com")
		w.refused(err, identity.Conflict, "several users have the address")
		_, err = in("https://id 5", "cy", "cy@example.com")
		w.refused(err, identity.Conflict, "touchline users bind cy 'https://id 5'")
		_, err = in("https://id 6", "dee", "dee@example.com")
		w.refused(err, identity.Conflict, "does not prove")
		_, err = in("https://id '7", "cy", "")
		w.refused(err, identity.Conflict, `'https://id '\''7'`)
	})
}

// TestLastAdminByGroups demotes administrators by their groups.
func TestLastAdminByGroups(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		in := func(id string, role identity.Role) (identity.User, error) {
			_, u, err := w.SignInSubject(w.ctx, identity.Subject{ID: id, Name: id}, role, false, "10.0.0.1:1", "browser")
			return u, err
		}
		for _, id := range []string{"anna", "bo"} {
			if u, err := in(id, identity.Admin); err != nil || u.Role != identity.Admin {
				t.Fatalf("%+v %v", u, err)
			}
		}
		if u, err := in("anna", identity.Viewer); err != nil || u.Role != identity.Viewer {
			t.Errorf("one of two: %+v %v", u, err)
		}
		for range 2 {
			if u, err := in("bo", identity.Viewer); err != nil || u.Role != identity.Admin {
				t.Errorf("the last: %+v %v", u, err)
			}
		}
		if got := strings.Count(w.audited(), "user.keep-admin user/bo"); got != 2 {
			t.Errorf("audited %d times:\n%s", got, w.audited())
		}
		if u, err := in("anna", identity.Admin); err != nil || u.Role != identity.Admin {
			t.Errorf("%+v %v", u, err)
		}
		if u, err := in("bo", identity.Responder); err != nil || u.Role != identity.Responder {
			t.Errorf("no longer the last: %+v %v", u, err)
		}
		_, err := in("bo", "")
		w.refused(err, identity.NotFound, "no group of yours")
	})
}

// TestLookAlikeAddress does not take another letter for one of ASCII.
func TestLookAlikeAddress(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, _ func() *world) {
		if _, err := w.CreateUser(w.ctx, root, identity.User{Name: "mike", Email: "Mike@example.com", Role: identity.Admin}, ""); err != nil {
			t.Fatal(err)
		}
		if _, u, err := w.SignInSubject(w.ctx, identity.Subject{ID: "https://id 666", Name: "eve", Email: "mi\u212Ae@example.com"}, "", true, "10.0.0.1:1", "browser"); err == nil {
			t.Errorf("the sign of Kelvin is a k: %+v", u)
		}
		if _, u, err := w.SignInSubject(w.ctx, identity.Subject{ID: "https://id 1", Name: "m", Email: "mike@EXAMPLE.com"}, "", true, "10.0.0.1:1", "browser"); err != nil || u.Name != "mike" {
			t.Errorf("%+v, %v", u, err)
		}
	})
}
