package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"touchline.dev/touchline/internal/state"
)

// Subject is somebody whom an identity provider has named.
type Subject struct {
	ID          string // of the provider and all its users the same one for ever
	Name        string // that the provider knows them by; users' names are made of it
	DisplayName string
	Email       string // that the provider has verified
	Language    string // as a BCP 47 tag
}

// SignInSubject opens a session for somebody whom an identity provider has named,
// and makes the user where there is none yet. A user who was made without a
// password, and has not signed in yet, is taken over by whose address, verified by
// the provider, is the user's. Nobody becomes a user by having the name: people
// can change it at many providers, and OpenID Connect Core 5.7 forbids relying on
// it. role is what they may do from now on; where keep is set, a user who is there
// keeps theirs, and without a role none is made. The last administrator stays one.
func (s *Store) SignInSubject(ctx context.Context, subject Subject, role Role, keep bool, remote, userAgent string) (secret string, u User, err error) {
	fresh := User{Name: subjectName(subject), DisplayName: subject.DisplayName, Email: subject.Email, Role: role, Language: language(subject.Language), Subject: subject.ID}
	if subject.ID == "" {
		return "", u, refuse(Denied, "the provider names nobody")
	}
	kept := false
	err = s.write(ctx, "sign in", func(w *writer) error {
		kept = false
		a, err := w.subjectUser(fresh)
		if err != nil {
			return err
		}
		by := Actor{Name: a.Name, Method: MethodOIDC, Remote: remote}
		switch {
		case role == "" && (a.Name == "" || !keep):
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
			if u, kept, err = w.followSubject(by, a.User, fresh, keep); err != nil {
				return err
			}
		}
		secret, _, err = s.openSession(w, by, userAgent)
		return err
	})
	if err != nil {
		return "", User{}, err
	}
	if kept {
		s.log.Warn("The last administrator stays one, though groups give another role; make another administrator first", "user", u.Name, "role_of_groups", role)
	}
	s.entered(Actor{Name: u.Name, Method: MethodOIDC, Remote: remote})
	return secret, u, nil
}

// subjectUser finds the user that a subject is, or the one that waits for it. It
// returns one without a name where there is neither.
func (w *writer) subjectUser(fresh User) (account, error) {
	a, err := scanUser(w.QueryRowContext(w.ctx, "SELECT "+userColumns+" FROM users WHERE subject = $1", fresh.Subject))
	if !errors.Is(err, sql.ErrNoRows) {
		return a, err
	}
	waiting, err := w.waitingUsers(fresh.Email)
	switch {
	case err != nil:
		return a, err
	case len(waiting) == 1:
		return waiting[0], nil
	case len(waiting) > 1:
		return a, namesake("NAME", fresh.Subject, "several users have the address %s, and have not signed in yet", fresh.Email)
	}
	a, err = findUser(w.ctx, w, fresh.Name)
	switch {
	case KindOf(err) == NotFound:
		return account{}, nil
	case err != nil:
		return a, err
	}
	return a, namesake(a.Name, fresh.Subject, "there is a user %q already, and a name alone does not prove that it is you", a.Name)
}

// waitingUsers are those who were made for somebody with an address, who has not
// signed in yet.
func (w *writer) waitingUsers(email string) ([]account, error) {
	if email == "" {
		return nil, nil
	}
	var out []account
	err := state.Each(w.ctx, w, func(rows *sql.Rows) error {
		a, err := scanUser(rows)
		out = append(out, a)
		return err
	}, "SELECT "+userColumns+" FROM users WHERE LOWER(email) = $1 AND subject = '' AND password = '' AND signed_in_at = 0 ORDER BY name LIMIT 2", lowerASCII(email))
	return out, err
}

// lowerASCII folds the letters of ASCII only: others have look-alikes that fold to
// them, such as the sign of Kelvin to k, and an address with one is another address.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

// namesake refuses to take a subject for a user before an administrator does.
func namesake(user, subject, format string, args ...any) error {
	remedy := fmt.Sprintf("touchline users bind %s '%s'", user, strings.ReplaceAll(subject, "'", `'\''`))
	return &Error{Kind: Conflict, Reason: fmt.Sprintf(format, args...) + "; if you are that user, an administrator says so by: " + remedy, Remedy: remedy}
}

// followSubject changes a user to what the provider says. What it does not say
// stays as it is. kept tells that the role stays, since nobody else is an administrator.
func (w *writer) followSubject(by Actor, before, fresh User, keep bool) (u User, kept bool, _ error) {
	u = before
	u.Subject = fresh.Subject
	if !keep {
		u.Role = fresh.Role
	}
	if before.Role == Admin && u.Role != Admin {
		last, err := w.isLastAdmin(u.Name)
		if err != nil {
			return u, false, err
		}
		if last {
			u.Role, kept = Admin, true
			if err := w.audit(by, "user.keep-admin", userTarget(u.Name), nil, map[string]Role{"role_of_groups": fresh.Role}); err != nil {
				return u, kept, err
			}
		}
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
		return u, kept, nil
	}
	u.Version, u.UpdatedAt = before.Version+1, w.now
	if err := w.exec("UPDATE users SET subject = $1, role = $2, display_name = $3, email = $4, updated_at = $5, version = $6 WHERE name = $7",
		u.Subject, string(u.Role), u.DisplayName, u.Email, state.Micros(w.now), u.Version, u.Name); err != nil {
		return u, kept, err
	}
	return u, kept, w.audit(by, "user.update", userTarget(u.Name), before, u)
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
