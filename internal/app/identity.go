package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"touchline.dev/touchline/internal/api/native"
	"touchline.dev/touchline/internal/dashboard"
	"touchline.dev/touchline/internal/httpserver"
	"touchline.dev/touchline/internal/identity"
	"touchline.dev/touchline/internal/identity/oidc"
	"touchline.dev/touchline/internal/page"
	"touchline.dev/touchline/internal/state"
)

// openIdentity opens users, tokens, sessions and the audit log, which are part
// of the state database.
func (a *App) openIdentity() error {
	s, err := identity.New(identity.Options{
		DB: a.state, Logger: a.log.With("component", "identity"), Registerer: a.reg,
		SessionIdle: a.c.Auth.SessionIdle, SessionLife: a.c.Auth.SessionLife, AuditKeep: a.c.Auth.AuditRetention,
		Tidied: func(err error) {
			if err != nil {
				a.parts.users.Degraded("the state database does not work as it should: " + err.Error())
				return
			}
			a.parts.users.OK()
		},
	})
	if err != nil {
		return err
	}
	a.identity = s
	a.door.log, a.door.store, a.door.server, a.door.base, a.door.life = a.log.With("component", "identity"), s, a.server, a.external, a.c.Auth.SessionLife
	s.Start()
	a.onStop("identity", func(context.Context) error { return s.Close() })
	return a.openOIDC()
}

// SetupLink makes the one-time link by which somebody becomes the first
// administrator. It is "" where there are users already.
func (a *App) SetupLink(ctx context.Context) (string, error) {
	has, err := a.identity.HasUsers(ctx)
	if err != nil || has || a.server.HasFileUsers() {
		return "", err
	}
	secret, _, err := a.identity.CreateLink(ctx, identity.Actor{Name: "start", Method: "start"}, "")
	if err != nil {
		return "", err
	}
	return a.door.LinkURL(secret), nil
}

// door is what the HTTP server, the page and the native API ask who somebody
// is. Its fields are set before anything is served.
type door struct {
	log    *slog.Logger
	store  *identity.Store
	server *httpserver.Server
	base   *url.URL // the external URL
	life   time.Duration
	shared *dashboard.Service // its read-only links

	provider     *oidc.Provider // nil for none
	providerName string
	roleOf       func(groups []string) (role identity.Role, keep bool)
}

var (
	_ httpserver.Identity = (*door)(nil)
	_ httpserver.Sharing  = (*door)(nil)
	_ native.Door         = (*door)(nil)
)

// Token finds out whose a bearer token is.
func (d *door) Token(ctx context.Context, secret string) (httpserver.Principal, error) {
	a, err := d.store.ByToken(ctx, secret)
	return principal(a, identity.MethodToken), refusal(err)
}

// Session finds out who is signed in. Users of web.config.file are so as long as
// they stand in it.
func (d *door) Session(ctx context.Context, secret string) (httpserver.Principal, error) {
	a, err := d.store.BySession(ctx, secret)
	if err == nil && a.Method == identity.MethodFile && !d.server.FileUser(a.Name) {
		return httpserver.Principal{}, httpserver.Errorf(http.StatusUnauthorized, "the session is over; sign in again")
	}
	return principal(a, methodSession), refusal(err)
}

// methodSession is how a principal with a session's cookie has proved who it is.
const methodSession = "session"

// Password finds out whether a user's password is right.
func (d *door) Password(ctx context.Context, user, password, remote string) (httpserver.Principal, error) {
	a, err := d.store.ByPassword(ctx, user, password, remote)
	return principal(a, identity.MethodBasic), refusal(err)
}

// Attempt paces those who try passwords of users of web.config.file.
func (d *door) Attempt(ctx context.Context, user, remote string) (settle func(right bool), err error) {
	settle, err = d.store.Attempt(ctx, user, remote)
	return settle, refusal(err)
}

// Refused notes what a request has shown in vain.
func (d *door) Refused(r httpserver.Refused) { d.store.Failed(identity.FailedSignIn(r)) }

// failed notes a sign-in, unless it is the server that has failed, and returns why.
func (d *door) failed(user, method, remote string, err error) error {
	if identity.KindOf(err) != 0 {
		d.store.Failed(identity.FailedSignIn{User: user, Method: method, Remote: remote, Err: err})
	}
	return err
}

// HasUsers tells whether any user is defined.
func (d *door) HasUsers(ctx context.Context) (bool, error) { return d.store.HasUsers(ctx) }

func principal(a identity.Account, method string) httpserver.Principal {
	p := httpserver.Principal{Name: a.Name, Method: method, Role: string(a.Role), User: a.User, Credential: a.ID, Language: a.Language}
	var grants []httpserver.Access
	for _, s := range a.Scopes {
		if access, ok := httpserver.ParseAccess(string(s)); ok {
			grants = append(grants, access)
		}
	}
	return p.Granted(grants...)
}

// refusal gives what was refused the status that it answers with.
func refusal(err error) error {
	var e *identity.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Kind {
	case identity.TooMany:
		return &httpserver.Error{Status: http.StatusTooManyRequests, Err: e, RetryAfter: e.RetryAfter}
	default:
		return &httpserver.Error{Status: http.StatusUnauthorized, Err: e}
	}
}

// actorOf is who sent the request that a context belongs to.
func actorOf(ctx context.Context) identity.Actor {
	p, ok := httpserver.PrincipalFrom(ctx)
	if !ok {
		return identity.Actor{}
	}
	return identity.Actor{Name: p.Name, Method: p.Method, Remote: p.Remote}
}

// audit notes a change of another component in the transaction of the change.
// Changes that nobody made, such as those by time, are in the components' own histories.
func audit(ctx context.Context, tx *state.Tx, actor, action, target string, before, after any) error {
	by := actorOf(ctx)
	if by.Name != actor {
		// By a signed link, on whose page people say who they are.
		by.Name, by.Method = actor, identity.MethodLink
	}
	return identity.Audit(ctx, tx, identity.Entry{At: time.Now().UTC(), Actor: by, Action: action, Target: target, Before: before, After: after})
}

// Who is who sent a request.
func (d *door) Who(ctx context.Context) native.Person {
	p, _ := httpserver.PrincipalFrom(ctx)
	out := native.Person{Actor: actorOf(ctx), User: p.User, Role: identity.Role(p.Role)}
	switch p.Method {
	case methodSession:
		out.Session = p.Credential
	case identity.MethodToken:
		out.Token = p.Credential
	}
	for _, a := range p.Grants() {
		out.Scopes = append(out.Scopes, a.String())
	}
	return out
}

// SignIn checks a password and opens a session. A user of web.config.file signs
// in with the password there.
func (d *door) SignIn(ctx context.Context, name, password, userAgent string) (*http.Cookie, native.Person, error) {
	by := actorOf(ctx)
	name = strings.TrimSpace(name)
	out, err := d.prove(ctx, name, password, by.Remote)
	if err != nil {
		return nil, native.Person{}, d.failed(name, identity.MethodPassword, by.Remote, err)
	}
	secret, s, err := d.store.OpenSession(ctx, out.Actor, userAgent)
	if err != nil {
		return nil, out, err
	}
	out.Method, out.Session = methodSession, s.ID
	for _, scope := range out.Role.Scopes() {
		out.Scopes = append(out.Scopes, string(scope))
	}
	return d.server.SessionCookie(ctx, secret, d.life), out, nil
}

// prove finds out who has a name and a password.
func (d *door) prove(ctx context.Context, name, password, remote string) (native.Person, error) {
	if d.server.FileUser(name) {
		ok, err := d.server.CheckFilePassword(ctx, name, password, remote)
		if err == nil && !ok {
			err = &identity.Error{Kind: identity.Denied, Reason: "user or password is wrong"}
		}
		return native.Person{Actor: identity.Actor{Name: name, Method: identity.MethodFile, Remote: remote}, Role: identity.Admin}, err
	}
	a, err := d.store.ByPassword(ctx, name, password, remote)
	return native.Person{Actor: identity.Actor{Name: a.Name, Method: identity.MethodPassword, Remote: remote}, User: true, Role: a.Role, Language: a.Language}, err
}

// SignOut ends the session that a request was sent in, if there is one.
func (d *door) SignOut(ctx context.Context) (*http.Cookie, error) {
	if p := d.Who(ctx); p.Session != "" {
		if err := d.store.EndSession(ctx, p.Actor, p.Session, p.Name); err != nil && identity.KindOf(err) != identity.NotFound {
			return nil, err
		}
	}
	return d.server.SessionCookie(ctx, "", 0), nil
}

// CheckPassword tells whether a password is that of the user who sent the request.
func (d *door) CheckPassword(ctx context.Context, password string) error {
	by := actorOf(ctx)
	_, err := d.store.ByPassword(ctx, by.Name, password, by.Remote)
	return d.failed(by.Name, identity.MethodPassword, by.Remote, err)
}

// LinkURL is where a one-time link leads.
func (d *door) LinkURL(secret string) string {
	u := d.base.JoinPath("/ui/setup")
	u.RawQuery = url.Values{"token": {secret}}.Encode()
	return u.String()
}

// isPage tells the paths that people look at: a browser that asks for one without
// being signed in is sent to sign in.
func isPage(path string) bool {
	return path == "/ui" || strings.HasPrefix(path, "/ui/") || slices.Contains(page.LegacyPaths(), path)
}
