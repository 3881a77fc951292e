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
)

// Principal is who sent a request.
type Principal struct {
	Name   string // user, token or certificate name; "anonymous"
	Method string // anonymous, token, basic or certificate
	grants []Access
}

// May tells whether the principal is granted a class of access.
func (p Principal) May(a Access) bool { return a == Public || slices.Contains(p.grants, a) }

// ambient tells that a browser attaches the credentials by itself, so that a
// foreign page could use them.
func (p Principal) ambient() bool { return p.Method != "token" }

type principalKey struct{}

// PrincipalFrom returns who sent the request that a context belongs to.
func PrincipalFrom(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}

var (
	everything = []Access{Read, Ingest, Change, Admin}
	viewer     = Principal{Name: "anonymous", Method: "anonymous", grants: []Access{Read, Ingest}}
	nobody     = Principal{Name: "anonymous", Method: "anonymous"}
)

// denied is why a request does not pass. Status is 401 where credentials
// would help and 403 where they would not.
type denied struct {
	status int
	reason string
}

func (d *denied) Error() string { return d.reason }

// evidence is what a request shows of its sender.
type evidence struct {
	remote        string // host:port of the peer
	host          string // Host header, "" where the protocol has none
	authorization string
	tls           *tls.ConnectionState
	forwarded     bool // came through a proxy, by what its headers say
}

// authenticate finds out who sends. Wrong credentials are an error even where
// none would be needed, so that a typo is noticed.
func (s *Server) authenticate(ctx context.Context, e evidence) (Principal, error) {
	scheme, value, _ := strings.Cut(e.authorization, " ")
	switch {
	case e.authorization == "":
	case strings.EqualFold(scheme, "Bearer"):
		if t, ok := s.tokens.find(strings.TrimSpace(value)); ok {
			return Principal{Name: t.name, Method: "token", grants: t.grants}, nil
		}
		return nobody, &denied{http.StatusUnauthorized, "the bearer token is not valid"}
	case strings.EqualFold(scheme, "Basic"):
		user, password, err := splitBasic(value)
		if err != nil {
			return nobody, &denied{http.StatusUnauthorized, err.Error()}
		}
		ok, err := s.web.checkPassword(ctx, user, password)
		if err != nil {
			return nobody, fmt.Errorf("check password: %w", err)
		}
		if !ok {
			return nobody, &denied{http.StatusUnauthorized, "user or password is wrong"}
		}
		return Principal{Name: user, Method: "basic", grants: everything}, nil
	default:
		return nobody, &denied{http.StatusUnauthorized, "unknown authorization scheme; use Basic or Bearer"}
	}
	if e.tls != nil && len(e.tls.VerifiedChains) > 0 {
		return Principal{Name: e.tls.PeerCertificates[0].Subject.String(), Method: "certificate", grants: everything}, nil
	}
	switch {
	case s.web.hasUsers():
		return nobody, &denied{http.StatusUnauthorized, "authentication is needed: a user of the web configuration, a bearer token or a client certificate"}
	case !isLoopback(e.remote):
		return nobody, &denied{http.StatusUnauthorized, "authentication is needed off loopback: a user of the web configuration, a bearer token or a client certificate"}
	case e.forwarded:
		return nobody, &denied{http.StatusUnauthorized, "a forwarded request is not a local one; let the proxy send a user or a bearer token"}
	case e.host != "" && !s.knownHost(e.host):
		return nobody, &denied{http.StatusForbidden, "anonymous requests must name this host by a loopback address, the listen address or the external URL; set --web.external-url, or send a bearer token"}
	}
	return viewer, nil
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
		return &denied{http.StatusUnauthorized, fmt.Sprintf("this needs a bearer token with %s access; the admin token is in the file admin.token of the data folder", a)}
	}
	return &denied{http.StatusForbidden, fmt.Sprintf("%q has no %s access", p.Name, a)}
}

// admit decides about an HTTP request.
func (s *Server) admit(r *http.Request, a Access) (Principal, error) {
	if a == Public {
		return nobody, nil
	}
	p, err := s.authenticate(r.Context(), evidence{
		remote: r.RemoteAddr, host: r.Host, authorization: r.Header.Get("Authorization"), tls: r.TLS, forwarded: forwarded(r.Header),
	})
	if err != nil {
		return p, err
	}
	if err := authorize(p, a); err != nil {
		return p, err
	}
	if a != Read && p.ambient() {
		if err := s.cop.Check(r); err != nil {
			return p, &denied{http.StatusForbidden, "a page of another origin may not do this; send a bearer token"}
		}
	}
	return p, nil
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
	e := evidence{remote: remote.String(), host: authority, authorization: authorization}
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
