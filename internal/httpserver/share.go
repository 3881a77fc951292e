package httpserver

import (
	"context"
	"net/http"
	"path"
	"slices"
	"strings"
)

// Sharing knows the links by which one dashboard can be looked at. Its error is
// like those of Identity.
type Sharing interface {
	// Share is the dashboard that the secret of a link is for, and the link's id.
	Share(ctx context.Context, secret string) (uid, id string, err error)
}

// How a request shows the secret of a link.
const (
	shareHeader = "X-Touchline-Share"
	shareParam  = "share"
)

// Shared tells whether somebody has nothing but a link to one dashboard.
func (p Principal) Shared() bool { return p.Method == methodShare }

// methodShare is how somebody with such a link has proved that they may.
const methodShare = "share"

// shareOf is the secret of a link, "" without one. By the address it comes only to
// what a link leads to: elsewhere a parameter of this name may mean something else.
func shareOf(r *http.Request, p string) string {
	if s := r.Header.Get(shareHeader); s != "" {
		return s
	}
	if !strings.Contains(r.URL.RawQuery, shareParam+"=") || !isShareable(p) {
		return ""
	}
	return r.URL.Query().Get(shareParam)
}

// sharedQueries are what the panels of a dashboard ask for.
var sharedQueries = []string{"/api/v1/query", "/api/v1/query_range", "/api/v1/query_exemplars", "/api/v1/series", "/api/v1/labels"}

// sharedSources lists the servers that panels may name. Without it the console could
// not tell a source that is out of a link's reach from one that is nowhere, and
// would draw this server's numbers in its place.
const sharedSources = "/touchline/v1/datasources"

// isShareable tells whether a link may be good for a path.
func isShareable(p string) bool {
	return strings.HasPrefix(p, "/ui/d/") || strings.HasPrefix(p, "/touchline/v1/dashboards/") || p == sharedSources || isSharedQuery(p)
}

func isSharedQuery(p string) bool {
	return slices.Contains(sharedQueries, p) || p == "/api/v1/metadata" || matchRoute("/api/v1/label/*/values", p)
}

// mayShared tells whether a link to a dashboard is good for a request: its page,
// its JSON, the names of sources, and queries of this server. Everything else is denied, whatever its class.
func mayShared(uid, method, p string) bool {
	if path.Clean(p) != p {
		return false
	}
	get := method == http.MethodGet || method == http.MethodHead
	switch {
	case isSharedQuery(p):
		return get || method == http.MethodPost && slices.Contains(sharedQueries, p)
	case p == sharedSources, p == "/touchline/v1/dashboards/"+uid, p == "/ui/d/"+uid, strings.HasPrefix(p, "/ui/d/"+uid+"/"):
		return get
	}
	return false
}

// byShare finds out who has a link, and whether it is good for the request.
func (s *Server) byShare(r *http.Request, p, secret string) (Principal, error) {
	uid, id, err := s.o.Sharing.Share(r.Context(), secret)
	if err != nil {
		return nobody, refusal(err)
	}
	who := Principal{Name: "share/" + id, Method: methodShare, grants: []Access{Read}}
	if !mayShared(uid, r.Method, p) {
		reason := "this link shows one dashboard and runs its queries; for everything else sign in"
		if strings.HasPrefix(p, sharedSources+"/") {
			reason = "this link shows one dashboard and asks this server only; to see what comes from other data sources sign in"
		}
		return who, &denied{status: http.StatusForbidden, reason: reason}
	}
	return who, nil
}

// withoutShare has nothing behind the door see the secret of a link.
func withoutShare(r *http.Request, p Principal) {
	if !p.Shared() {
		return
	}
	r.Header.Del(shareHeader)
	if !strings.Contains(r.URL.RawQuery, shareParam+"=") {
		return
	}
	u := *r.URL
	q := u.Query()
	q.Del(shareParam)
	u.RawQuery = q.Encode()
	r.URL = &u
}
