// Package oidctest runs a real OpenID Connect provider for tests, and signs in at
// it as a browser does.
package oidctest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/text/language"
)

// What Touchline is registered with, and everybody's password.
const (
	ClientID = "touchline"
	Secret   = "secret-of-the-client"
	Password = "password-at-the-provider"
)

// User is somebody whom the provider knows.
type User struct {
	Name, FirstName, LastName, Email string
	Verified                         bool // the address
	Groups                           []string
}

// Provider is a running provider.
type Provider struct {
	Issuer  string
	users   map[string]*storage.User
	groups  map[string][]string
	clients map[string]*storage.Client
	after   string // where browsers may go when they have signed out
}

// Start starts a provider with users, until the test ends.
func Start(t *testing.T, users ...User) *Provider {
	t.Helper()
	p := &Provider{users: map[string]*storage.User{}, groups: map[string][]string{}, clients: map[string]*storage.Client{}}
	for n, u := range users {
		id := fmt.Sprint("subject-", n)
		p.users[id] = &storage.User{ID: id, Username: u.Name, Password: Password, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email, EmailVerified: u.Verified, PreferredLanguage: language.Chinese}
		p.groups[id] = u.Groups
	}
	var h http.Handler
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	p.Issuer = srv.URL
	h = exampleop.SetupServer(p.Issuer, &grouped{storage.NewStorageWithClients(p, p.clients), p}, nil, false)
	return p
}

// Register lets the client send browsers back to an address. It is for before
// anybody signs in.
func (p *Provider) Register(redirectURL string) {
	p.clients[ClientID] = storage.WebClient(ClientID, Secret, redirectURL)
}

// RegisterAfter lets the client send browsers to an address when they have signed out.
func (p *Provider) RegisterAfter(redirectURL string) { p.after = redirectURL }

// SetGroups puts a user into other groups.
func (p *Provider) SetGroups(name string, groups ...string) {
	if u := p.GetUserByUsername(name); u != nil {
		p.groups[u.ID] = groups
	}
}

// GetUserByID, GetUserByUsername and ExampleClientID are for the provider's storage.
func (p *Provider) GetUserByID(id string) *storage.User { return p.users[id] }

// GetUserByUsername finds a user by name.
func (p *Provider) GetUserByUsername(name string) *storage.User {
	for _, u := range p.users {
		if u.Username == name {
			return u
		}
	}
	return nil
}

// ExampleClientID names a client that no test uses.
func (p *Provider) ExampleClientID() string { return "service" }

// grouped tells a user's groups beside what the library's storage tells.
type grouped struct {
	*storage.Storage
	p *Provider
}

// SetUserinfoFromToken answers who a token is about.
func (g *grouped) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, tokenID, subject, origin string) error {
	if err := g.Storage.SetUserinfoFromToken(ctx, info, tokenID, subject, origin); err != nil {
		return err
	}
	info.AppendClaims("groups", g.p.groups[info.Subject])
	return nil
}

// client says where browsers may go when they have signed out, which the library's has not.
type client struct {
	op.Client
	after string
}

// PostLogoutRedirectURIs lists the addresses.
func (c *client) PostLogoutRedirectURIs() []string { return []string{c.after} }

// GetClientByClientID finds a client.
func (g *grouped) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := g.Storage.GetClientByClientID(ctx, id)
	if err != nil {
		return nil, err
	}
	return &client{c, g.p.after}, nil
}

// SignOut opens the address at which a browser signs out, and returns the one that
// it is sent back to.
func (p *Provider) SignOut(t *testing.T, at string) string {
	t.Helper()
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer c.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.Header.Get("Location")
}

// SignIn opens the address to which a browser is sent, signs in there, and returns
// the address that the browser is sent back to.
func (p *Provider) SignIn(t *testing.T, to, name, password string) *url.URL {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var back *url.URL
	c := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), p.Issuer) {
			back = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	defer c.CloseIdleConnections()
	// do returns where the browser is in the end.
	do := func(method, at string, form url.Values) *url.URL {
		r, err := http.NewRequestWithContext(t.Context(), method, at, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if back == nil && resp.StatusCode != http.StatusOK {
			t.Fatalf("the provider answers %s: %s", resp.Status, raw)
		}
		return resp.Request.URL
	}
	login := do(http.MethodGet, to, nil)
	if back != nil {
		return back
	}
	do(http.MethodPost, login.String(), url.Values{"username": {name}, "password": {password}, "id": {login.Query().Get("authRequestID")}})
	if back == nil {
		t.Fatalf("the provider does not send %s back", name)
	}
	return back
}
