package identity

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"touchline.dev/touchline/internal/state"
)

// Subject is somebody whom an identity provider has named.
type Subject struct {
	ID          string // of the provider and all its users the same one for ever
	Name        string // that the provider knows them by; users' names are made of it
	DisplayName string
	Email       string
	Language    string // as a BCP 47 tag
}

// SignInSubject opens a session for somebody whom an identity provider has named,
// and makes the user where there is none yet. A user who was made without a
// password, and has not signed in yet, is taken over by whom the provider gives
// the same name; any other user of that name is somebody else. role is what they
// may do from now on; where keep is set, a user who is there keeps theirs, and
// without a role none is made.
func (s *Store) SignInSubject(ctx context.Context, subject Subject, role Role, keep bool, remote, userAgent string) (secret string, u User, err error) {
	fresh := User{Name: subjectName(subject), DisplayName: subject.DisplayName, Email: subject.Email, Role: role, Language: language(subject.Language), Subject: subject.ID}
	if subject.ID == "" {
		return "", u, refuse(Denied, "the provider names nobody")
	}
	err = s.write(ctx, "sign in", func(w *writer) error {
		a, err := w.subjectUser(fresh)
		if err != nil {
			return err
		}
		by := Actor{Name: a.Name, Method: MethodOIDC, Remote: remote}
		switch {
		case a.Name == "" && role == "":
			return refuse(NotFound, "you are not a user here, and no group of yours may sign in; ask an administrator")
		case a.Name == "":
			by.Name = fresh.Name
			if err := fresh.check(); err != nil {
				// What is not as it must be is not worth refusing a person for.
				fresh.DisplayName, fresh.Email = "", ""
				if err := fresh.check(); err != nil {
					return err
				}
			}
			if u, err = w.createUser(by, fresh, ""); err != nil {
				return err
			}
		case a.Disabled:
			return disabled(a.Name)
		default:
			if u, err = w.followSubject(by, a.User, fresh, keep); err != nil {
				return err
			}
		}
		secret, _, err = s.openSession(w, by, userAgent)
		return err
	})
	if err != nil {
		return "", User{}, err
	}
	s.metrics.signedIn.WithLabelValues(MethodOIDC).Inc()
	return secret, u, nil
}

// subjectUser finds the user that a subject is, or the one that waits for it. It
// returns one without a name where there is neither.
func (w *writer) subjectUser(fresh User) (account, error) {
	a, err := scanUser(w.QueryRowContext(w.ctx, "SELECT "+userColumns+" FROM users WHERE subject = $1", fresh.Subject))
	if !errors.Is(err, sql.ErrNoRows) {
		return a, err
	}
	a, err = findUser(w.ctx, w, fresh.Name)
	switch {
	case KindOf(err) == NotFound:
		return account{}, nil
	case err != nil:
		return a, err
	case a.HasPassword || a.Subject != "":
		return a, refuse(Conflict, "there is a user %q already who is somebody else; ask an administrator", fresh.Name)
	}
	return a, nil
}

// followSubject changes a user to what the provider says. What it does not say
// stays as it is.
func (w *writer) followSubject(by Actor, before, fresh User, keep bool) (User, error) {
	u := before
	u.Subject = fresh.Subject
	if !keep {
		u.Role = fresh.Role
	}
	if fresh.DisplayName != "" {
		u.DisplayName = fresh.DisplayName
	}
	if fresh.Email != "" {
		u.Email = fresh.Email
	}
	if u.check() != nil {
		u.DisplayName, u.Email = before.DisplayName, before.Email
	}
	if u == before {
		return u, nil
	}
	u.Version, u.UpdatedAt = before.Version+1, w.now
	if err := w.exec("UPDATE users SET subject = $1, role = $2, display_name = $3, email = $4, updated_at = $5, version = $6 WHERE name = $7",
		u.Subject, string(u.Role), u.DisplayName, u.Email, state.Micros(w.now), u.Version, u.Name); err != nil {
		return u, err
	}
	return u, w.audit(by, "user.update", userTarget(u.Name), before, u)
}

// subjectName makes a user's name of what the provider calls them.
func subjectName(s Subject) string {
	name := s.Name
	if name == "" {
		name, _, _ = strings.Cut(s.Email, "@")
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', strings.ContainsRune("._@+-", r):
			return r
		}
		return '-'
	}, UserName(name))
	name = strings.TrimLeft(name, "._@+-")
	return name[:min(len(name), maxName)]
}

// language picks the one of ours that a tag such as zh-Hans-CN means.
func language(tag string) string {
	primary, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(tag, "_", "-")), "-")
	if slices.Contains(Languages, primary) {
		return primary
	}
	return ""
}
