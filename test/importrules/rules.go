package importrules

import (
	"slices"
	"strings"
)

// ban forbids an import in some files.
type ban struct {
	imported func(path string) bool
	in       func(f *file) bool
	reason   string
}

// bannedCall forbids a call, by the name as written, in some files.
type bannedCall struct {
	name   func(string) bool
	in     func(f *file) bool
	reason string
}

// engineRooms are the packages that may know the servers inside.
var engineRooms = []string{
	"internal/metrics", "internal/rules", "internal/alerting", "internal/collect", "internal/config",
	"internal/lint", "internal/app", "internal/backtest", "internal/shadow",
	"internal/tsdbdir", // lists the files of a TSDB directory, so it knows that format
	"internal/adopt",   // reads what a Prometheus and an Alertmanager left on disk
}

var emptyNames = map[string]bool{
	"util": true, "utils": true, "common": true, "helpers": true, "types": true,
	"impl": true, "misc": true, "interface": true, "interfaces": true,
}

// machinePaths would tie a source to the machine that it was written on.
var machinePaths = []string{"/root/", "/home/", "/work/", "../shared"}

var bans = []ban{
	{
		imported: under("github.com/prometheus/prometheus", "github.com/prometheus/alertmanager"),
		in: func(f *file) bool {
			return !within(f.dir, engineRooms...) && (!f.test || !within(f.dir, "cmd", "test", "stack", "bench"))
		},
		reason: "only the rooms that embed an engine know it; everything above speaks the upstream's HTTP API, so that an engine can be remote",
	},
	{
		imported: is("github.com/prometheus/prometheus/discovery/install"),
		in:       everywhere,
		reason:   "it pulls in a plugin whose module cannot be had; internal/metrics/discovery imports the others",
	},
	{
		imported: under("github.com/prometheus/prometheus/web"),
		in: func(f *file) bool {
			return !within(f.dir, "internal/metrics", "internal/app") && (!f.test || !within(f.dir, "test"))
		},
		reason: "it embeds assets that the module does not carry; the rooms that serve Prometheus's API use its API package alone",
	},
	{
		imported: is("github.com/prometheus/prometheus/web", "github.com/prometheus/prometheus/web/ui"),
		in:       everywhere,
		reason:   "it embeds assets that the module does not carry",
	},
	{
		imported: is(module + "internal/app"),
		in:       func(f *file) bool { return !within(f.dir, "internal/app", "cmd") && !f.test },
		reason:   "the wiring knows everybody, so nobody but main may know the wiring",
	},
	{
		imported: is(module + "internal/config"),
		in: func(f *file) bool {
			return !within(f.dir, "internal/config", "internal/app", "internal/lint", "cmd", "tools") && !f.test
		},
		reason: "components take Options; a component that reads the configuration cannot be built twice with different ones",
	},
	{
		imported: under("net/http", module+"internal/httpserver", module+"internal/api"),
		in: func(f *file) bool {
			return within(f.dir, "internal/state", "internal/incident", "internal/identity", "internal/dashboard") && !within(f.dir, "internal/dashboard/datasource") && !within(f.dir, "internal/identity/oidc") && !f.test
		},
		reason: "what people decide is the same by API, command line and link; the doors are above it",
	},
	{
		imported: under(module+"internal/httpserver", module+"internal/page", module+"internal/api", module+"internal/incident"),
		in:       func(f *file) bool { return within(f.dir, "internal/identity") && !f.test },
		reason:   "who somebody is does not hang on where they ask, nor on what they do",
	},
	{
		imported: under("modernc.org/sqlite", "github.com/jackc/pgx", "github.com/pressly/goose"),
		in:       func(f *file) bool { return !within(f.dir, "internal/state", "test") && !f.test },
		reason:   "one package knows that there are two databases; the others write one text of SQL",
	},
	{
		imported: under("net/http", "database/sql", "os", "log/slog", module+"internal"),
		in:       func(f *file) bool { return within(f.dir, "internal/oncall") && !f.test },
		reason:   "who is on call when follows from a schedule and an instant alone; doors, stores and the clock are its callers'",
	},
	{
		imported: under(strings.TrimSuffix(module, "/")),
		in:       func(f *file) bool { return within(f.dir, "internal/spelling") },
		reason:   "every room that reads names imports it, so that it can import none of them",
	},
	{
		imported: under(strings.TrimSuffix(module, "/")),
		in:       func(f *file) bool { return within(f.dir, "internal/backend") && !f.test },
		reason:   "it passes requests on, whoever named the server: data sources and remote engines share it, and it knows neither",
	},
	{
		imported: under(strings.TrimSuffix(module, "/")),
		in:       func(f *file) bool { return within(f.dir, "internal/browser") && !f.test },
		reason:   "it draws pages of whatever server it is given, and knows of none",
	},
	{
		imported: under(module + "cmd"),
		in:       everywhere,
		reason:   "a command is the end of the line",
	},
	{
		imported: under(module+"test", module+"tools", module+"bench"),
		in:       func(f *file) bool { return within(f.dir, "internal", "cmd", "stack") && !f.test },
		reason:   "what ships must not depend on what checks it",
	},
	{
		imported: is("testing"),
		in: func(f *file) bool {
			return !f.test && !within(f.dir, "test", "bench") && !strings.HasSuffix(f.dir, "test")
		},
		reason: "it registers its flags in the binary that ships",
	},
	{
		imported: is("log"),
		in:       everywhere,
		reason:   "loggers are injected as *slog.Logger; a global one mixes two instances up",
	},
}

var calls = []bannedCall{
	{
		name:   is("time.Sleep"),
		in:     func(f *file) bool { return f.test },
		reason: "a sleeping test is slow on a good day and wrong on a bad one; use testing/synctest, an injected clock or a deadline on a channel",
	},
	{
		name: is("os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln", "panic"),
		in: func(f *file) bool {
			return within(f.dir, "internal", "stack") && !f.test && f.ast.Name.Name != "main" && mayEnd[f.name] == ""
		},
		reason: "a library returns errors; only main may end the process",
	},
	{
		name:   is("http.Handle", "http.HandleFunc", "http.ListenAndServe", "http.ListenAndServeTLS"),
		in:     everywhere,
		reason: "http.DefaultServeMux has pprof and expvar on it; every server has its own mux",
	},
	{
		name: is("prometheus.MustRegister", "prometheus.Register", "promauto.NewCounter", "promauto.NewGauge",
			"promauto.NewHistogram", "promauto.NewCounterVec", "promauto.NewGaugeVec", "promauto.NewHistogramVec"),
		in:     everywhere,
		reason: "it registers on the global registry; take a prometheus.Registerer, so that two instances can run in one process",
	},
	{
		name: func(name string) bool {
			return strings.HasSuffix(name, ".Skip") || strings.HasSuffix(name, ".Skipf") || strings.HasSuffix(name, ".SkipNow")
		},
		in:     func(f *file) bool { return f.test },
		reason: "a skipped test looks like a passed one; put it behind a build tag, or make what it needs a failure that names it",
	},
}

// mayEnd are the files below internal/ that may call panic or os.Exit, each with its reason.
var mayEnd = map[string]string{
	"internal/app/backup.go":            "has net/http end a connection, so that half a backup does not look like a whole one",
	"internal/httpserver/middleware.go": "passes a panic of a handler on to net/http, which ends the connection and not the process",
}

func everywhere(*file) bool { return true }

// is matches any of the names exactly.
func is(names ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(names, s) }
}

// under matches the paths and everything below them.
func under(paths ...string) func(string) bool {
	return func(s string) bool { return within(s, paths...) }
}

func within(s string, paths ...string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return s == p || strings.HasPrefix(s, p+"/") })
}
