package httpserver

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// The session cookie. With the prefix __Host- browsers take it over TLS only, and
// from nobody but this very host.
const (
	sessionCookie       = "touchline"
	secureSessionCookie = "__Host-touchline"
)

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
	r := infoFrom(ctx).inner
	if r == nil {
		r = &http.Request{}
	}
	if secret == "" {
		return s.cookie(r, "", -1)
	}
	return s.cookie(r, secret, int(life.Seconds()))
}

func (s *Server) cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	c := &http.Cookie{Name: sessionCookie, Value: value, Path: s.prefixed("/"), MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if s.secure(r) {
		c.Name, c.Path, c.Secure = secureSessionCookie, "/", true
	}
	return c
}

// sessionOf is the secret that a browser sends, "" without one.
func (s *Server) sessionOf(r *http.Request) string {
	name := sessionCookie
	if s.secure(r) {
		name = secureSessionCookie
	}
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}
