package httpserver

import (
	"net/http"
	"path"
	"slices"
	"strings"
)

// Access is what a request does, and so what it needs.
type Access int

// The classes of access, the stricter later. Each is granted on its own: a token
// that may ingest may not read.
const (
	Public  Access = iota // liveness: everybody
	Read                  // answers and pages
	Ingest                // sends samples, alerts, logs or spans
	Respond               // answers an alert: silences, acknowledges, comments
	Change                // alters what is configured
	Admin                 // deletes data, reloads, stops, looks into the process
)

var accessNames = [...]string{"public", "read", "ingest", "respond", "change", "admin"}

func (a Access) String() string {
	if a < 0 || int(a) >= len(accessNames) {
		return "unknown"
	}
	return accessNames[a]
}

// ParseAccess finds the class of a name.
func ParseAccess(name string) (Access, bool) {
	i := slices.Index(accessNames[:], name)
	return Access(max(i, 0)), i >= 0
}

// route is one row of the access table. A segment * of the pattern stands for
// one path segment, a last segment ** for any number of them.
type route struct {
	methods string // separated by spaces, "" for all
	pattern string
	access  Access
}

// routes classify what the default by method would classify wrongly, and name
// the known routes for the metrics. The first match wins.
var routes = []route{
	{"GET HEAD", "/-/healthy", Public},
	{"GET HEAD", "/-/ready", Public},

	// Whoever signs in is nobody yet. What a link may do is up to the link.
	{"GET HEAD POST", "/ui/login/**", Public},
	{"GET HEAD POST", "/ui/setup", Public},
	{"GET HEAD", "/ui/assets/*", Public},
	{"GET HEAD", "/ui/app/**", Public}, // what the console is made of, the same for everybody
	{"GET HEAD", "/ui/mark.svg", Public},
	{"POST", "/touchline/v1/login", Public},
	{"GET HEAD POST", "/touchline/v1/links/*", Public}, // the link itself says what it is good for
	{"GET HEAD", "/touchline/v1/calendars/*", Public},  // as the link does
	{"POST", "/touchline/v1/callbacks/slack", Public},  // signed by the app

	{"", "/-/reload", Admin},
	{"", "/-/quit", Admin},
	{"", "/debug/**", Admin},
	{"", "/api/v1/admin/**", Admin},
	{"DELETE", "/api/v1/series", Admin},
	{"", "/touchline/v1/backup", Admin}, // everything that is stored, at once
	{"", "/touchline/v1/users/**", Admin},
	{"", "/touchline/v1/tokens/**", Admin},
	{"", "/touchline/v1/invitations/**", Admin},
	{"", "/touchline/v1/audit/**", Admin},

	{"POST", "/api/v1/write", Ingest},
	{"POST", "/api/v1/otlp/v1/metrics", Ingest},
	{"POST", "/v1/metrics", Ingest},
	{"POST", "/v1/logs", Ingest},
	{"POST", "/v1/traces", Ingest},
	{"POST", "/api/v2/alerts", Ingest},
	{"POST", "/api/v1/alerts", Ingest}, // gone, and whoever sends there must be told so
	{"POST", "/api/v2/spans", Ingest},
	{"POST", "/api/traces", Ingest},
	{"POST", "/loki/api/v1/push", Ingest},
	{"POST", "/opentelemetry.proto.collector.*/*", Ingest},

	{"POST", "/api/v1/query", Read},
	{"POST", "/api/v1/query_range", Read},
	{"POST", "/api/v1/query_exemplars", Read},
	{"POST", "/api/v1/format_query", Read},
	{"POST", "/api/v1/parse_query", Read},
	{"POST", "/api/v1/series", Read},
	{"POST", "/api/v1/labels", Read},
	{"POST", "/api/v1/read", Read},
	{"POST", "/api/v1/search/*", Read},
	{"POST", "/touchline/v1/backtest", Read}, // replays what is stored, and writes nothing

	{"PUT DELETE", "/touchline/v1/dashboards/*/star", Read}, // one's own
	{"POST", "/touchline/v1/dashboards/*/patch", Read},      // changes nothing
	{"", "/touchline/v1/dashboards/*/share/**", Change},     // a link lets others in
	{"POST", "/touchline/v1/datasources/*/proxy/**", Read},  // passes on what reads only

	// One's own: the handlers look at nobody else's.
	{"", "/touchline/v1/me/**", Read},
	{"", "/touchline/v1/sessions/**", Read},
	{"POST", "/touchline/v1/logout", Read},
	{"POST", "/ui/profile", Read},
	{"POST", "/ui/logout", Read},

	{"POST", "/api/v2/silences", Respond},
	{"DELETE", "/api/v2/silence/*", Respond},
	{"POST", "/touchline/v1/incidents/**", Respond},
	{"POST", "/touchline/v1/maintenance/**", Respond}, // is silences
	{"POST", "/touchline/v1/deployments/**", Respond},
	{"POST", "/touchline/v1/schedules/*/calendar-link", Respond},
	{"POST DELETE", "/touchline/v1/schedules/*/overrides/**", Respond}, // people stand in for each other
}

// labelled are further known routes, for the metrics only.
var labelled = []string{
	"/api/v1/label/*/values", "/api/v1/metadata", "/api/v1/rules", "/api/v1/alerts", "/api/v1/alertmanagers",
	"/api/v1/targets", "/api/v1/targets/metadata", "/api/v1/targets/relabel_steps", "/api/v1/scrape_pools",
	"/api/v1/status/config", "/api/v1/status/flags", "/api/v1/status/runtimeinfo", "/api/v1/status/buildinfo",
	"/api/v1/status/tsdb", "/api/v1/status/tsdb/blocks", "/api/v1/status/walreplay", "/api/v1/features", "/api/v1/notifications", "/api/v1/notifications/live",
	"/api/v2/silence/*", "/api/v2/alerts/groups", "/api/v2/receivers", "/api/v2/status",
	"/touchline/v1/status", "/touchline/v1/heartbeat", "/touchline/v1/receivers/*/test", "/federate", "/metrics",
}

// Classify tells what a request needs, by its method and its path below the
// route prefix. What it does not know needs Read when the method is safe and
// Change otherwise. A path that is not clean is classified both as it stands
// and cleaned, and needs the stricter of the two.
func Classify(method, p string) Access {
	if method == http.MethodOptions {
		return Public
	}
	a := classify(method, p)
	if c := path.Clean("/" + p); c != p {
		// Whatever hides behind an unclean path is never public.
		a = max(a, classify(method, c), Read)
	}
	return a
}

func classify(method, p string) Access {
	for _, r := range routes {
		if (r.methods == "" || hasWord(r.methods, method)) && matchRoute(r.pattern, p) {
			return r.access
		}
	}
	if method == http.MethodGet || method == http.MethodHead {
		return Read
	}
	return Change
}

// routeLabel names a route for the metrics, or returns "" for a path that is
// in no table, so that the number of label values stays bounded.
func routeLabel(p string) string {
	for _, r := range routes {
		if matchRoute(r.pattern, p) {
			return r.pattern
		}
	}
	for _, l := range labelled {
		if matchRoute(l, p) {
			return l
		}
	}
	return ""
}

func hasWord(words, w string) bool {
	for f := range strings.FieldsSeq(words) {
		if f == w {
			return true
		}
	}
	return false
}

func matchRoute(pattern, p string) bool {
	for {
		pseg, prest, pmore := strings.Cut(strings.TrimPrefix(pattern, "/"), "/")
		if pseg == "**" {
			return true
		}
		seg, rest, more := strings.Cut(strings.TrimPrefix(p, "/"), "/")
		if !matchSegment(pseg, seg) || pmore != more {
			// "/debug/**" covers "/debug" itself as well.
			return pmore && prest == "**" && !more && matchSegment(pseg, seg)
		}
		if !pmore {
			return true
		}
		pattern, p = "/"+prest, "/"+rest
	}
}

func matchSegment(pattern, seg string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return seg != "" && strings.HasPrefix(seg, prefix)
	}
	return pattern == seg
}
