package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/identity"
	"touchline.dev/touchline/internal/identity/oidc"
	"touchline.dev/touchline/internal/page"
)

// openOIDC prepares to sign people in at the OIDC provider, if there is one. It is
// not asked before somebody does.
func (a *App) openOIDC() error {
	c := a.c.Auth.OIDC
	if c.Issuer == "" {
		return nil
	}
	o := oidc.Options{
		Issuer: c.Issuer, ClientID: c.ClientID, RedirectURL: a.external.JoinPath("/ui/login/oidc/callback").String(),
		Scopes: c.Scopes, NameClaim: c.NameClaim, GroupsClaim: c.GroupsClaim,
	}
	if c.ClientSecretFile != "" {
		o.Secret = func() (string, error) { return clientSecret(c.ClientSecretFile) }
		if _, err := o.Secret(); err != nil {
			return err
		}
	}
	tr := http.DefaultTransport.(*http.Transport).Clone()
	o.Client = &http.Client{Transport: tr, Timeout: oidc.Timeout}
	p, err := oidc.New(o)
	if err != nil {
		return err
	}
	a.onStop("connections to the OIDC provider", func(context.Context) error { tr.CloseIdleConnections(); return nil })
	a.door.provider, a.door.providerName = p, c.Name
	a.door.roleOf = func(groups []string) (identity.Role, bool) {
		return roleOf(a.dynamic.Load().OIDCGroups, c.DefaultRole, groups)
	}
	return nil
}

func clientSecret(file string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the client's secret (--auth.oidc.client-secret-file): %w", err)
	}
	secret := strings.TrimSpace(string(raw))
	if secret == "" {
		return "", fmt.Errorf("%s (--auth.oidc.client-secret-file) is empty; write the client's secret into it", file)
	}
	return secret, nil
}

// roleOf is the most that one of the groups may do, or what everybody may. It is
// "" for those who may nothing. keep tells that groups decide nothing, so that
// a user's role is for administrators to give.
func roleOf(known map[string]config.OIDCRole, def string, groups []string) (role identity.Role, keep bool) {
	best := -1
	for _, g := range groups {
		best = max(best, slices.Index(identity.Roles, identity.Role(known[g])))
	}
	switch {
	case best >= 0:
		role = identity.Roles[best]
	case def != "none":
		role = identity.Role(def)
	}
	return role, len(known) == 0
}

// flowCookie keeps what belongs to a sign-in at the provider.
const flowCookie = "touchline_oidc"

// Provider is what the sign-in page calls the provider, "" where there is none.
func (c accounts) Provider() string { return c.door.providerName }

// Leave sends a browser to the provider. next is where it goes when it comes back.
func (c accounts) Leave(ctx context.Context, next string) (to string, keep *http.Cookie, err error) {
	to, flow, err := c.door.provider.Begin(ctx, next)
	if err != nil {
		return "", nil, c.providerError(err)
	}
	return to, c.door.server.Cookie(ctx, flowCookie, flow, oidc.FlowLife), nil
}

// signedInThere tells whether the session of a request began at the provider.
func (c accounts) signedInThere(ctx context.Context) (bool, error) {
	who := c.door.Who(ctx)
	if c.Provider() == "" || who.Session == "" {
		return false, nil
	}
	s, err := c.door.store.Session(ctx, who.Session)
	if identity.KindOf(err) == identity.NotFound {
		return false, nil // ended meanwhile
	}
	return s.Method == identity.MethodOIDC, err
}

// endTimeout bounds the question where to sign out, which nobody needs to wait for.
const endTimeout = 3 * time.Second

// End is where the provider signs somebody out, "" where it says nothing of that.
func (c accounts) End(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	to, err := c.door.provider.End(ctx, c.door.base.JoinPath("/ui/login").String())
	if err != nil {
		c.door.log.Warn("Signing out at the OIDC provider cannot be offered", "err", err)
	}
	return to
}

// Return lets in whom the provider has sent back.
func (c accounts) Return(ctx context.Context, query url.Values, userAgent string) (in page.Entered, next string, err error) {
	remote := actorOf(ctx).Remote
	refused := func(name string, err error) {
		c.door.store.Failed(identity.FailedSignIn{User: name, Method: identity.MethodOIDC, Remote: remote, Err: err})
	}
	p, err := c.door.provider.Finish(ctx, c.door.server.CookieValue(ctx, flowCookie), query)
	var r *oidc.Refusal
	if errors.As(err, &r) {
		refused("", r)
	}
	if err != nil {
		return in, "", c.providerError(err)
	}
	role, keep := c.door.roleOf(p.Groups)
	if role == "" && !keep {
		refused(p.Name, &identity.Error{Kind: identity.NotFound, Reason: "no group may sign in"})
		c.door.log.Info("Sign-in refused: none of the groups may", "user", p.Name, "groups", p.Groups)
		return in, "", &page.AccountError{Kind: "stranger", Err: errors.New("no group may sign in")}
	}
	subject := identity.Subject{ID: p.Subject, Name: p.Name, DisplayName: p.DisplayName, Email: p.Email, Language: p.Language}
	secret, u, err := c.door.store.SignInSubject(ctx, subject, role, keep, remote, userAgent)
	if identity.KindOf(err) != 0 {
		refused(p.Name, err)
	}
	switch identity.KindOf(err) {
	case identity.NotFound:
		return in, "", &page.AccountError{Kind: "stranger", Err: err}
	case identity.Conflict:
		return in, "", c.namesake(subject, err)
	}
	if err != nil {
		return in, "", accountError(err, "")
	}
	return page.Entered{Cookie: c.door.server.SessionCookie(ctx, secret, c.door.life), Language: u.Language}, p.Next, nil
}

// namesake tells the page by which command an administrator makes somebody a user
// who is there already.
func (c accounts) namesake(subject identity.Subject, err error) error {
	var e *identity.Error
	if !errors.As(err, &e) || e.Remedy == "" {
		return err
	}
	c.door.log.Warn("Sign-in refused: nothing but a name says that this is a user who is there already", "name", subject.Name, "email", subject.Email, "subject", subject.ID, "allow", e.Remedy)
	return &page.AccountError{Kind: "namesake", Err: errors.New(e.Remedy)}
}

// providerError tells the page whether whoever signs in can do something about it.
func (c accounts) providerError(err error) error {
	var r *oidc.Refusal
	if errors.As(err, &r) {
		return &page.AccountError{Kind: "provider", Err: r}
	}
	c.door.log.Error("Signing in at the OIDC provider failed", "err", err)
	return &page.AccountError{Kind: "provider_away", Err: err}
}
