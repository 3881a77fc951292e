package httpserver

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// sessionCookie names the cookie of a session.
const sessionCookie = "touchline"

// secure tells whether the browser speaks TLS, to us or to the proxy of the
// external URL.
func (s *Server) secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	u := s.external.Load()
	return u != nil && u.Scheme == "https" && strings.EqualFold(hostOf(u.Host), hostOf(r.Host))
}

// SessionCookie is the cookie that gives the browser, whose request a context
// belongs to, the secret of its session for as long as it may last. Without a
// secret it has the browser forget the session.
func (s *Server) SessionCookie(ctx context.Context, secret string, life time.Duration) *http.Cookie {
	return s.Cookie(ctx, sessionCookie, secret, life)
}

// Cookie is a cookie for this very server, for the browser whose request a context
// belongs to. Without a value it has the browser forget it. Over TLS it has the
// prefix __Host-, with which browsers take it from nobody else.
func (s *Server) Cookie(ctx context.Context, name, value string, life time.Duration) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: s.prefixed("/"), MaxAge: int(life.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if value == "" {
		c.MaxAge = -1
	}
	if r := infoFrom(ctx).inner; r != nil && s.secure(r) {
		c.Name, c.Path, c.Secure = hostPrefix+name, "/", true
	}
	return c
}

const hostPrefix = "__Host-"

// CookieValue is what the browser, whose request a context belongs to, sends of a
// Cookie, "" for nothing.
func (s *Server) CookieValue(ctx context.Context, name string) string {
	r := infoFrom(ctx).inner
	if r == nil {
		return ""
	}
	return s.cookieOf(r, name)
}

func (s *Server) cookieOf(r *http.Request, name string) string {
	if s.secure(r) {
		name = hostPrefix + name
	}
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// sessionOf is the secret that a browser sends, "" without one.
func (s *Server) sessionOf(r *http.Request) string { return s.cookieOf(r, sessionCookie) }
