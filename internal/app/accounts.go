package app

import (
	"context"
	"errors"
	"net/http"

	"touchline.dev/touchline/internal/httpserver"
	"touchline.dev/touchline/internal/identity"
	"touchline.dev/touchline/internal/page"
)

// accounts is what the page asks about people.
type accounts struct{ door *door }

var _ page.Accounts = accounts{}

func (c accounts) Viewer(ctx context.Context) page.Viewer {
	p, _ := httpserver.PrincipalFrom(ctx)
	return page.Viewer{Name: p.Name, SignedIn: p.Method == methodSession, User: p.User}
}

func (c accounts) HasUsers(ctx context.Context) (bool, error) {
	has, err := c.door.store.HasUsers(ctx)
	return has || c.door.server.HasFileUsers(), err
}

func (c accounts) SignIn(ctx context.Context, name, password, userAgent string) (page.Entered, error) {
	cookie, who, err := c.door.SignIn(ctx, name, password, userAgent)
	if err != nil {
		return page.Entered{}, accountError(err, "wrong")
	}
	return page.Entered{Cookie: cookie, Language: who.Language}, nil
}

func (c accounts) SignOut(ctx context.Context) (cookie *http.Cookie, there bool, err error) {
	there, err = c.signedInThere(ctx)
	if err != nil {
		return nil, false, err
	}
	cookie, err = c.door.SignOut(ctx)
	return cookie, there, err
}

func (c accounts) Invited(ctx context.Context, link string) (page.Invitation, error) {
	l, err := c.door.store.Link(ctx, link)
	return page.Invitation{User: l.User}, accountError(err, "link")
}

func (c accounts) Accept(ctx context.Context, link string, choice page.Choice, userAgent string) (page.Entered, error) {
	w, err := c.door.store.UseLink(ctx, link, identity.User{Name: choice.Name, DisplayName: choice.DisplayName, Language: choice.Language}, choice.Password, actorOf(ctx).Remote, userAgent)
	if err != nil {
		return page.Entered{}, accountError(err, "link")
	}
	return page.Entered{Cookie: c.door.server.SessionCookie(ctx, w.Secret, c.door.life), Language: w.User.Language}, nil
}

func (c accounts) Profile(ctx context.Context) (page.Profile, error) {
	u, err := c.door.store.User(ctx, actorOf(ctx).Name)
	return page.Profile{Name: u.Name, Role: string(u.Role), DisplayName: u.DisplayName, Email: u.Email, Language: u.Language, HasPassword: u.HasPassword}, accountError(err, "")
}

func (c accounts) ChangeProfile(ctx context.Context, p page.Profile) error {
	by := actorOf(ctx)
	_, err := c.door.store.UpdateUser(ctx, by, by.Name, 0, identity.UserChange{DisplayName: &p.DisplayName, Email: &p.Email, Language: &p.Language})
	return accountError(err, "")
}

func (c accounts) ChangePassword(ctx context.Context, current, password string) error {
	if err := c.door.CheckPassword(ctx, current); err != nil {
		return accountError(err, "current")
	}
	who := c.door.Who(ctx)
	return accountError(c.door.store.SetPassword(ctx, who.Actor, who.Name, password, who.Session), "")
}

// accountError tells the page what was refused; denied is what a denial means.
func accountError(err error, denied string) error {
	var e *identity.Error
	if !errors.As(err, &e) {
		return err
	}
	out := &page.AccountError{Err: e, After: e.RetryAfter}
	switch e.Kind {
	case identity.Denied:
		out.Kind = denied
	case identity.Disabled:
		out.Kind = "disabled"
	case identity.TooMany:
		out.Kind = "wait"
	case identity.Exists:
		out.Kind = "taken"
	case identity.Invalid:
		out.Kind = e.Field
	}
	return out
}
