// Package oidc finds out who somebody is by an OpenID Connect provider: the
// authorization code flow with PKCE, state and nonce. It keeps nothing between
// the two steps of a sign-in; the browser does, in a cookie.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Options configure a Provider. All fields without a remark are required.
type Options struct {
	Issuer      string                 // as the provider names itself
	ClientID    string                 // that it knows us by
	Secret      func() (string, error) // the client's, read for each sign-in; nil for a public client
	RedirectURL string                 // where it sends the browser back to
	Scopes      []string               // beside openid
	NameClaim   string                 // the claim that names a user
	GroupsClaim string                 // the claim that lists groups, "" for none
	Client      *http.Client           // nil for one with Timeout
	Now         func() time.Time       // nil for time.Now
}

// Timeout bounds each question to the provider.
const Timeout = 15 * time.Second

// FlowLife is how long somebody may take to sign in at the provider.
const FlowLife = 10 * time.Minute

// Provider signs people in.
type Provider struct {
	o Options

	mu         sync.Mutex
	discovered *oidc.Provider // nil until it is asked for the first time
}

// Person is who has signed in, by what the provider says.
type Person struct {
	Subject     string // of the provider and all its users the same one for ever
	Name        string // "" where it names nobody
	DisplayName string
	Email       string // "" where it is not verified
	Language    string // as a BCP 47 tag, "" where it is not known
	Groups      []string
	Next        string // what Begin was given
}

// Refusal is a sign-in that must not be: what was wrong is told to whoever tried.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return r.Reason }

func refuse(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }

// New checks the options. The provider is not asked before somebody signs in.
func New(o Options) (*Provider, error) {
	u, err := url.Parse(o.Issuer)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("auth.oidc.issuer is not a URL; write it like https://id.example.com")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, errors.New("auth.oidc.issuer speaks plain HTTP; write one that begins with https://")
	case o.ClientID == "":
		return nil, errors.New("auth.oidc.client_id is missing; the provider shows it where Touchline is registered")
	case o.RedirectURL == "" || o.NameClaim == "":
		return nil, errors.New("create OIDC provider: RedirectURL and NameClaim are required")
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: Timeout}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Provider{o: o}, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || host == "localhost"
}

// flow is what the browser keeps between the two steps.
type flow struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Next     string `json:"t"`
	Until    int64  `json:"u"` // seconds since 1970
}

// Begin returns where to send the browser, and what it is to keep in a cookie
// meanwhile. next is given back by Finish.
func (p *Provider) Begin(ctx context.Context, next string) (to, cookie string, err error) {
	c, _, err := p.config(ctx)
	if err != nil {
		return "", "", err
	}
	f := flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: next, Until: p.o.Now().Add(FlowLife).Unix()}
	raw, err := json.Marshal(f)
	if err != nil {
		return "", "", fmt.Errorf("begin to sign in: %w", err)
	}
	return c.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), base64.RawURLEncoding.EncodeToString(raw), nil
}

// End returns where the provider signs a browser out, and sends it back to an
// address that is registered there (OpenID Connect RP-Initiated Logout 1.0). It is
// "" where the provider has no such place. No token is kept to name who it is, so
// that the provider may ask.
func (p *Provider) End(ctx context.Context, back string) (string, error) {
	_, d, err := p.config(ctx)
	if err != nil {
		return "", err
	}
	var has struct {
		Endpoint string `json:"end_session_endpoint"`
	}
	if err := d.Claims(&has); err != nil {
		return "", fmt.Errorf("read what the OIDC provider at %s says of itself: %w", p.o.Issuer, err)
	}
	if has.Endpoint == "" {
		return "", nil
	}
	u, err := url.Parse(has.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return "", fmt.Errorf("the OIDC provider at %s names an end_session_endpoint that is no https:// address", p.o.Issuer)
	}
	q := u.Query()
	q.Set("client_id", p.o.ClientID)
	q.Set("post_logout_redirect_uri", back)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// config asks the provider for its endpoints, unless it has been asked before.
func (p *Provider) config(ctx context.Context) (*oauth2.Config, *oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.discovered == nil {
		// The keys are fetched later on, when this request is over.
		d, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.o.Client), p.o.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("ask the OIDC provider at %s: %w", p.o.Issuer, unreachable(err))
		}
		p.discovered = d
	}
	secret := ""
	if p.o.Secret != nil {
		var err error
		if secret, err = p.o.Secret(); err != nil {
			return nil, nil, err
		}
	}
	return &oauth2.Config{
		ClientID: p.o.ClientID, ClientSecret: secret, Endpoint: p.discovered.Endpoint(), RedirectURL: p.o.RedirectURL,
		Scopes: append([]string{oidc.ScopeOpenID}, slices.DeleteFunc(slices.Clone(p.o.Scopes), func(s string) bool { return s == oidc.ScopeOpenID })...),
	}, p.discovered, nil
}

// unreachable leaves the request out of an error of the network, since its URL is
// named already.
func unreachable(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op
	}
	return err
}

// Finish checks what the provider has sent the browser back with, and asks it who
// has signed in. cookie is what Begin gave. A *Refusal is for whoever tried; any
// other error is ours, or the provider's.
func (p *Provider) Finish(ctx context.Context, cookie string, query url.Values) (Person, error) {
	f, err := p.check(cookie, query)
	if err != nil {
		return Person{}, err
	}
	c, d, err := p.config(ctx)
	if err != nil {
		return Person{}, err
	}
	ctx = oidc.ClientContext(ctx, p.o.Client)
	token, err := c.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(f.Verifier))
	if err != nil {
		var r *oauth2.RetrieveError
		if errors.As(err, &r) && r.ErrorCode == "invalid_grant" {
			return Person{}, refuse("the provider does not take the code any more; sign in again")
		}
		return Person{}, fmt.Errorf("ask the OIDC provider for a token: %w", plain(err))
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return Person{}, errors.New("ask the OIDC provider for a token: its answer has no id_token; is the scope openid allowed?")
	}
	id, err := d.VerifierContext(ctx, &oidc.Config{ClientID: p.o.ClientID, Now: p.o.Now}).Verify(ctx, raw)
	if err != nil {
		return Person{}, fmt.Errorf("check the OIDC provider's token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1 {
		return Person{}, refuse("the provider's answer belongs to another sign-in; sign in again")
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return Person{}, fmt.Errorf("read the OIDC provider's token: %w", err)
	}
	if err := p.more(ctx, d, token, id.Subject, claims); err != nil {
		return Person{}, err
	}
	out := p.person(id.Issuer, id.Subject, claims)
	out.Next = f.Next
	return out, nil
}

// check holds the provider's answer against what the browser has kept.
func (p *Provider) check(cookie string, query url.Values) (flow, error) {
	var f flow
	raw, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || json.Unmarshal(raw, &f) != nil || f.State == "" || f.Nonce == "" || f.Verifier == "" {
		return f, refuse("this browser has not begun to sign in here, or does not keep cookies; sign in again")
	}
	switch {
	case p.o.Now().Unix() > f.Until:
		return f, refuse("signing in took longer than %s; sign in again", FlowLife)
	case subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(f.State)) != 1:
		return f, refuse("the provider's answer belongs to another sign-in; sign in again")
	case query.Get("error") != "":
		return f, refuse("the provider refuses: %s", clip(strings.TrimSpace(query.Get("error")+" "+query.Get("error_description"))))
	case query.Get("code") == "":
		return f, refuse("the provider's answer has no code; sign in again")
	}
	return f, nil
}

// clip bounds a text that comes from elsewhere, and keeps it on one line.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return s
}

// plain leaves the body out of an answer that is no token: it may repeat a secret.
func plain(err error) error {
	var r *oauth2.RetrieveError
	if errors.As(err, &r) {
		return fmt.Errorf("it answers %s %s", r.Response.Status, clip(r.ErrorCode))
	}
	return unreachable(err)
}

// more asks for the claims that are not part of the token, as some providers have
// it, unless all that is needed is there.
func (p *Provider) more(ctx context.Context, d *oidc.Provider, token *oauth2.Token, subject string, claims map[string]any) error {
	_, named := claims[p.o.NameClaim]
	_, grouped := claims[p.o.GroupsClaim]
	if d.UserInfoEndpoint() == "" || named && (grouped || p.o.GroupsClaim == "") {
		return nil
	}
	info, err := d.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return fmt.Errorf("ask the OIDC provider about the user: %w", plain(err))
	}
	if info.Subject != subject {
		return errors.New("ask the OIDC provider about the user: it answers about another one")
	}
	further := map[string]any{}
	if err := info.Claims(&further); err != nil {
		return fmt.Errorf("read what the OIDC provider says about the user: %w", err)
	}
	for name, v := range further {
		if _, ok := claims[name]; !ok {
			claims[name] = v
		}
	}
	return nil
}

func (p *Provider) person(issuer, subject string, claims map[string]any) Person {
	text := func(name string) string {
		s, _ := claims[name].(string)
		return clip(strings.TrimSpace(s))
	}
	out := Person{Subject: issuer + " " + subject, Name: text(p.o.NameClaim), DisplayName: text("name"), Language: text("locale"), Groups: list(claims[p.o.GroupsClaim])}
	switch verified := claims["email_verified"].(type) {
	case bool:
		if verified {
			out.Email = text("email")
		}
	case string: // some providers write it so
		if verified == "true" {
			out.Email = text("email")
		}
	}
	return out
}

// list reads a claim that is one text or several.
func list(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, x := range v {
			if s, ok := x.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}
