package httpserver

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Principal is who sent a request.
type Principal struct {
	Name       string // user, token or certificate name; "anonymous"
	Method     string // anonymous, token, basic, session or certificate
	Role       string // of a user of Identity, "" for others
	User       bool   // a user of Identity, who has a profile
	Credential string // id of the token or session of Identity, "" for others
	Language   string // that the user has chosen, "" for none
	Remote     string // host:port that the request came from
	grants     []Access
}

// Granted is the principal with the classes of access that it is granted.
func (p Principal) Granted(a ...Access) Principal {
	p.grants = a
	return p
}

// May tells whether the principal is granted a class of access.
func (p Principal) May(a Access) bool { return a == Public || slices.Contains(p.grants, a) }

// Grants lists the classes of access that the principal is granted.
func (p Principal) Grants() []Access { return slices.Clone(p.grants) }

// ambient tells that a browser attaches the credentials by itself, so that a
// foreign page could use them.
func (p Principal) ambient() bool { return p.Method != "token" }

// Identity knows users, tokens and sessions beside those of files. An error that
// Errorf made with the status 401, 403 or 429 is a refusal, and is told to the
// sender; any other answers 503.
type Identity interface {
	Token(ctx context.Context, secret string) (Principal, error)
	Session(ctx context.Context, secret string) (Principal, error)
	// Password is asked about users that the web configuration does not name.
	Password(ctx context.Context, user, password, remote string) (Principal, error)
	// Attempt lets somebody try the password of a user of the web configuration, or
	// refuses it for now. Whoever was right settles it with true, who could not be
	// tried with false: neither counts.
	Attempt(ctx context.Context, user, remote string) (settle func(right bool), err error)
	// Refused is told of every password and token of a request that was refused.
	Refused(Refused)
	// HasUsers tells whether there are any.
	HasUsers(ctx context.Context) (bool, error)
}

// Refused is a password or a token that was not taken.
type Refused struct {
	User   string // who was tried, "" for a token
	Method string // basic or token
	Remote string // host:port of the peer
	Err    error  // why, as Identity said it
}

// The values of Options.Anonymous: what those who show nothing may do.
const (
	AnonymousAuto   = "auto"   // without users, loopback reads and ingests
	AnonymousOff    = "off"    // nothing
	AnonymousViewer = "viewer" // the same as auto, and everybody reads
)

type principalKey struct{}

// PrincipalFrom returns who sent the request that a context belongs to.
func PrincipalFrom(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}

var (
	everything = []Access{Read, Ingest, Respond, Change, Admin}
	local      = Principal{Name: "anonymous", Method: "anonymous", grants: []Access{Read, Ingest}}
	viewer     = Principal{Name: "anonymous", Method: "anonymous", grants: []Access{Read}}
	nobody     = Principal{Name: "anonymous", Method: "anonymous"}
)

// denied is why a request does not pass. Status is 401 where credentials
// would help, 403 where they would not, and 429 where time would.
type denied struct {
	status int
	reason string
	after  time.Duration // of 429
}

func (d *denied) Error() string { return d.reason }

// refusal makes what Identity refuses with one of ours.
func refusal(err error) error {
	var e *Error
	if errors.As(err, &e) {
		switch e.Status {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
			return &denied{e.Status, e.Error(), e.RetryAfter}
		}
	}
	return err
}

// evidence is what a request shows of its sender.
type evidence struct {
	remote        string // host:port of the peer
	client        string // who sends, see clientOf
	host          string // Host header, "" where the protocol has none
	authorization string
	session       string // the cookie's, "" without one
	tls           *tls.ConnectionState
	forwarded     bool // came through a proxy, by what its headers say
}

// authenticate finds out who sends. Wrong credentials are an error even where
// none would be needed, so that a typo is noticed. Only a cookie that is over is
// as good as none: nobody chooses to send it.
func (s *Server) authenticate(ctx context.Context, e evidence) (Principal, error) {
	scheme, value, _ := strings.Cut(e.authorization, " ")
	switch {
	case e.authorization == "":
	case strings.EqualFold(scheme, "Bearer"):
		p, err := s.byToken(ctx, strings.TrimSpace(value))
		return p, s.refused(Refused{Method: "token", Remote: e.client, Err: err})
	case strings.EqualFold(scheme, "Basic"):
		user, password, err := splitBasic(value)
		if err != nil {
			return nobody, unauthenticated(err.Error())
		}
		p, err := s.byPassword(ctx, user, password, e.client)
		return p, s.refused(Refused{User: user, Method: "basic", Remote: e.client, Err: err})
	default:
		return nobody, unauthenticated("unknown authorization scheme; use Basic or Bearer")
	}
	if e.tls != nil && len(e.tls.VerifiedChains) > 0 {
		return Principal{Name: e.tls.PeerCertificates[0].Subject.String(), Method: "certificate", grants: everything}, nil
	}
	var over *denied
	if e.session != "" && s.o.Identity != nil {
		p, err := s.o.Identity.Session(ctx, e.session)
		if err == nil {
			return p, nil
		}
		if err = refusal(err); !errors.As(err, &over) {
			return nobody, fmt.Errorf("check session: %w", err)
		}
	}
	p, err := s.anonymous(ctx, e)
	if err != nil && over != nil {
		return nobody, over
	}
	return p, err
}

// refused tells Identity what was refused, and makes it a refusal of ours. Where
// nothing was, or access could not be decided, it tells nobody.
func (s *Server) refused(r Refused) error {
	err := refusal(r.Err)
	var d *denied
	if s.o.Identity != nil && errors.As(err, &d) {
		s.o.Identity.Refused(r)
	}
	return err
}

func unauthenticated(reason string) error {
	return &denied{status: http.StatusUnauthorized, reason: reason}
}

func (s *Server) byToken(ctx context.Context, presented string) (Principal, error) {
	if t, ok := s.tokens.find(presented); ok {
		return Principal{Name: t.name, Method: "token", grants: t.grants}, nil
	}
	if s.o.Identity == nil {
		return nobody, unauthenticated("the bearer token is not valid")
	}
	p, err := s.o.Identity.Token(ctx, presented)
	if err != nil {
		return nobody, fmt.Errorf("check token: %w", err)
	}
	return p, nil
}

func (s *Server) byPassword(ctx context.Context, user, password, remote string) (Principal, error) {
	if s.o.Identity != nil && !s.FileUser(user) {
		p, err := s.o.Identity.Password(ctx, user, password, remote)
		if err != nil {
			return nobody, fmt.Errorf("check password: %w", err)
		}
		return p, nil
	}
	ok, err := s.CheckFilePassword(ctx, user, password, remote)
	if err != nil {
		return nobody, fmt.Errorf("check password: %w", err)
	}
	if !ok {
		return nobody, unauthenticated("user or password is wrong")
	}
	return Principal{Name: user, Method: "basic", grants: everything}, nil
}

// FileUser tells whether the web configuration has a user of this name.
func (s *Server) FileUser(name string) bool {
	_, ok := s.web.current().Users[name]
	return ok
}

// HasFileUsers tells whether the web configuration has users.
func (s *Server) HasFileUsers() bool { return s.web.hasUsers() }

// CheckFilePassword tells whether a password is that of a user of the web
// configuration. Wrong ones are let through at the pace of Identity.
func (s *Server) CheckFilePassword(ctx context.Context, user, password, remote string) (bool, error) {
	return s.web.checkPassword(ctx, user, password, func() (settle func(right bool), err error) {
		if s.o.Identity == nil {
			return func(bool) {}, nil
		}
		return s.o.Identity.Attempt(ctx, user, remote)
	})
}

// anonymous decides about who shows nothing.
func (s *Server) anonymous(ctx context.Context, e evidence) (Principal, error) {
	users := s.web.hasUsers()
	if !users && s.o.Identity != nil {
		var err error
		if users, err = s.o.Identity.HasUsers(ctx); err != nil {
			return nobody, err
		}
	}
	fromHere := isLoopback(e.remote) && !e.forwarded
	switch {
	case s.o.Anonymous == AnonymousViewer:
	case s.o.Anonymous == AnonymousOff:
		return nobody, unauthenticated("authentication is needed: " + s.waysIn())
	case users:
		return nobody, unauthenticated("authentication is needed: " + s.waysIn())
	case !isLoopback(e.remote):
		return nobody, unauthenticated("authentication is needed off loopback: " + s.waysIn())
	case e.forwarded:
		return nobody, unauthenticated("a forwarded request is not a local one; let the proxy send a user or a bearer token")
	}
	if e.host != "" && !s.knownHost(e.host) {
		return nobody, &denied{status: http.StatusForbidden, reason: "anonymous requests must name this host by a loopback address, the listen address or the external URL; set --web.external-url, or send a bearer token"}
	}
	if fromHere && !users {
		return local, nil
	}
	return viewer, nil
}

func (s *Server) waysIn() string {
	if s.o.Identity == nil {
		return "a user of the web configuration, a bearer token or a client certificate"
	}
	return "sign in at " + s.prefixed("/ui/login") + ", or send a bearer token, a user and password, or a client certificate"
}

func splitBasic(value string) (user, password string, err error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
	if err != nil {
		return "", "", errors.New("basic authorization is not base64 of user:password")
	}
	user, password, ok := strings.Cut(string(raw), ":")
	if !ok {
		return "", "", errors.New("basic authorization is not base64 of user:password")
	}
	return user, password, nil
}

// authorize tells whether a principal may do what a request does.
func authorize(p Principal, a Access) error {
	if p.May(a) {
		return nil
	}
	if p.Method == "anonymous" {
		return unauthenticated(fmt.Sprintf("this needs a bearer token with %s access; the admin token is in the file admin.token of the data folder", a))
	}
	return &denied{status: http.StatusForbidden, reason: fmt.Sprintf("%q has no %s access", p.Name, a)}
}

// admit decides about an HTTP request for a path below the route prefix.
func (s *Server) admit(r *http.Request, path string, a Access) (p Principal, err error) {
	if a == Public {
		return s.welcome(r), s.sameOrigin(r)
	}
	// A link that is shown decides, so that it opens no more for one than for another.
	// Only a page is opened as whoever is signed in where the link is over.
	if secret := shareOf(r, path); secret != "" && s.o.Sharing != nil {
		p, err = s.byShare(r, path, secret)
		if err == nil || s.o.Page == nil || !s.o.Page(path) {
			return p, err
		}
	}
	p, err = s.authenticate(r.Context(), evidence{
		remote: r.RemoteAddr, client: s.clientOf(r), host: r.Host, authorization: r.Header.Get("Authorization"), session: s.sessionOf(r), tls: r.TLS, forwarded: forwarded(r.Header),
	})
	if err != nil {
		return p, err
	}
	if err := authorize(p, a); err != nil {
		return p, err
	}
	// Queries by POST of upstream's API change nothing.
	if p.ambient() && (a != Read || ProtocolOf(path) != Prometheus) {
		return p, s.sameOrigin(r)
	}
	return p, nil
}

// welcome is who asks for what everybody may: whoever is signed in, or nobody.
func (s *Server) welcome(r *http.Request) Principal {
	if secret := s.sessionOf(r); secret != "" && s.o.Identity != nil {
		if p, err := s.o.Identity.Session(r.Context(), secret); err == nil {
			return p
		}
	}
	return nobody
}

// sameOrigin refuses what a page of another origin has a browser send, unless
// its method is a safe one.
func (s *Server) sameOrigin(r *http.Request) error {
	if err := s.cop.Check(r); err != nil {
		return &denied{status: http.StatusForbidden, reason: "a page of another origin may not do this; send a bearer token"}
	}
	return nil
}

// forwarded tells whether a proxy says that it passes a request on.
func forwarded(h http.Header) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if h.Get(name) != "" {
			return true
		}
	}
	return false
}

// AuthorizeRPC decides about a call that does not come through the HTTP
// middleware, such as gRPC: remote is the peer's address, authorization the
// value of the header (or metadata) of that name, authority the :authority
// of the call. An error of it wraps ErrUnauthenticated or ErrForbidden.
func (s *Server) AuthorizeRPC(ctx context.Context, remote net.Addr, authority, authorization string, a Access) (Principal, error) {
	e := evidence{remote: remote.String(), client: remote.String(), host: authority, authorization: authorization}
	if v, ok := s.peers.Load(e.remote); ok {
		state := v.(*tls.Conn).ConnectionState()
		e.tls = &state
	}
	p, err := s.authenticate(ctx, e)
	if err == nil {
		err = authorize(p, a)
	}
	var d *denied
	if errors.As(err, &d) {
		s.metrics.refused.WithLabelValues(a.String()).Inc()
		if d.status == http.StatusForbidden {
			return p, fmt.Errorf("%w: %s", ErrForbidden, d.reason)
		}
		return p, fmt.Errorf("%w: %s", ErrUnauthenticated, d.reason)
	}
	return p, err
}

// What AuthorizeRPC refuses with.
var (
	ErrUnauthenticated = errors.New("not authenticated")
	ErrForbidden       = errors.New("not allowed")
)

func isLoopback(hostport string) bool {
	ap, err := netip.ParseAddrPort(hostport)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

// knownHost tells whether a Host header is one that a rebound DNS name cannot
// be: a loopback name or address, an address that is listened on, or the host
// of the external URL.
func (s *Server) knownHost(hostport string) bool {
	host := hostOf(hostport)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Unmap().IsLoopback() {
		return true
	}
	if u := s.external.Load(); u != nil && strings.EqualFold(host, hostOf(u.Host)) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.listeners {
		if l.spec.Public {
			continue
		}
		if host == hostOf(l.spec.Address) || host == hostOf(l.ln.Addr().String()) {
			return true
		}
	}
	return false
}

// hostOf cuts the port off, and the brackets of an IPv6 address.
func hostOf(hostport string) string {
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		hostport = h
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(hostport, "[]"), "."))
}
