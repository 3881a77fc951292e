// Package page is the server-rendered console at /ui/. It needs no build step
// and no JavaScript, and reaches the engines only through their own HTTP APIs,
// so that it cannot tell an embedded engine from a remote one.
package page

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"touchline.dev/touchline/internal/selfmon"
)

//go:embed assets templates
var files embed.FS

// Notification is one attempt to tell somebody about alerts.
type Notification struct {
	Time        time.Time
	Receiver    string
	Integration string // such as "webhook"
	Group       string // labels of the alert group, in words
	Status      string // "firing" or "resolved"
	Alerts      int
	Err         string // why it failed; empty when it was delivered
	Duration    time.Duration
}

// Options configure a Page.
type Options struct {
	Logger *slog.Logger
	// API is the root handler without authentication and without the route
	// prefix. The page calls /api/v1/... and /api/v2/... on it.
	API http.Handler
	// Report gives the state of the server now.
	Report func() selfmon.Report
	// Notifications gives the latest attempts, newest first; nil for none.
	Notifications func() []Notification
	// Accounts lets people in; nil for a page that everybody sees alike.
	Accounts Accounts
	// Runbooks holds NAME.md and NAME.zh.md; nil for none.
	Runbooks fs.FS
	// RoutePrefix stands before /ui/ in every link, such as "/monitoring".
	RoutePrefix string
	// Version is shown at the foot of every page.
	Version string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Page serves everything under /ui/.
type Page struct {
	logger    *slog.Logger
	report    func() selfmon.Report
	notified  func() []Notification
	accounts  Accounts
	runbooks  fs.FS
	prefix    string
	version   string
	now       func() time.Time
	api       *apiClient
	templates map[string]map[string]lazyTemplate // language, page
	load      *cached[load]
	history   *cached[history]
	rules     *cached[[]ruleGroup]
	targets   *cached[[]target]
	told      *cached[[]amAlert]
	mux       *http.ServeMux
	patterns  []string
}

// contentPolicy forbids everything that the page does not need: no inline
// script or style, no foreign host, no frame around it.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// New gives a page. It starts no goroutine and holds nothing that must be
// closed: figures are computed when somebody looks, at most once a second.
func New(o Options) (*Page, error) {
	if o.API == nil || o.Report == nil {
		return nil, errors.New("create page: API and Report are required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Notifications == nil {
		o.Notifications = func() []Notification { return nil }
	}
	p := &Page{
		logger:   o.Logger,
		report:   o.Report,
		notified: o.Notifications,
		accounts: o.Accounts,
		runbooks: o.Runbooks,
		prefix:   strings.TrimRight(o.RoutePrefix, "/"),
		version:  o.Version,
		now:      o.Now,
		api:      &apiClient{handler: o.API},
	}
	var err error
	if p.templates, err = p.lazyTemplates(); err != nil {
		return nil, fmt.Errorf("find page templates: %w", err)
	}
	// Live figures change every second; the shape of the system does not.
	p.load = newCached(900*time.Millisecond, o.Now, p.fetchLoad)
	p.history = newCached(historyStep, o.Now, p.fetchHistory)
	p.rules = newCached(900*time.Millisecond, o.Now, p.api.rules)
	p.targets = newCached(2*time.Second, o.Now, p.api.targets)
	p.told = newCached(2*time.Second, o.Now, p.api.amAlerts)
	p.mux = http.NewServeMux()
	p.routes()
	return p, nil
}

// Handler serves /ui/ and everything under it, with the route prefix already
// taken off the path.
func (p *Page) Handler() http.Handler { return p.mux }

// Patterns are those that Handler serves.
func (p *Page) Patterns() []string { return slices.Clone(p.patterns) }

// handlerFunc renders one page; an error becomes an error page.
type handlerFunc func(w http.ResponseWriter, r *http.Request) error

func (p *Page) handle(pattern string, f handlerFunc) {
	p.patterns = append(p.patterns, pattern)
	p.mux.Handle(pattern, p.wrap(f))
}

func (p *Page) routes() {
	get := func(pattern string, f handlerFunc) { p.handle("GET "+pattern, f) }
	get("/ui/{$}", p.overview)
	get("/ui/live", p.live)
	get("/ui/alerts", p.alerts)
	get("/ui/rules", p.rulesPage)
	get("/ui/targets", p.targetsPage)
	get("/ui/silences", p.silences)
	get("/ui/status", p.status)
	get("/ui/graph", p.graph)
	get("/ui/runbooks/{$}", p.runbookIndex)
	get("/ui/runbooks/{name}", p.runbook)
	get("/ui/assets/{name}", p.asset)
	if p.accounts != nil {
		p.accountRoutes()
	}
	get("/ui/", func(http.ResponseWriter, *http.Request) error {
		return &statusError{code: http.StatusNotFound, message: "There is no such page."}
	})
}

// statusError is an error with an HTTP status and a text for the reader.
type statusError struct {
	code    int
	message string
}

func (e *statusError) Error() string { return e.message }

// wrap sets the headers of every answer and turns errors into a page.
func (p *Page) wrap(f handlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if len(r.URL.RawQuery) > maxQueryString {
			p.fail(w, r, &statusError{code: http.StatusRequestURITooLong, message: "The address is too long."})
			return
		}
		if lang := r.URL.Query().Get("lang"); lang == langEnglish || lang == langChinese {
			p.setLanguage(w, r, lang)
		}
		if err := f(w, r); err != nil {
			p.fail(w, r, err)
		}
	})
}

func (p *Page) setLanguage(w http.ResponseWriter, r *http.Request, lang string) {
	http.SetCookie(w, &http.Cookie{
		Name: langCookie, Value: lang, Path: p.prefix + "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
	})
}

// maxQueryString is the longest query string in bytes; the longest expression
// fits with room to spare.
const maxQueryString = 128 << 10

func (p *Page) fail(w http.ResponseWriter, r *http.Request, err error) {
	code, message := http.StatusInternalServerError, "This page cannot be shown."
	var known *statusError
	if errors.As(err, &known) {
		code, message = known.code, known.message
	} else {
		p.logger.Error("cannot render page", "path", r.URL.Path, "err", err)
	}
	v := p.newView(r, "", message)
	v.Body = struct{ Code int }{code}
	if err := p.render(w, "error", code, v); err != nil {
		p.logger.Error("cannot render error page", "path", r.URL.Path, "err", err)
		http.Error(w, message, code)
	}
}

// render executes a template into memory first, so that an error in it is an
// error page and not half a page.
func (p *Page) render(w http.ResponseWriter, name string, code int, v *view) error {
	parsed := p.templates[v.Lang][name]
	if parsed == nil {
		return fmt.Errorf("render %s: no such template", name)
	}
	t, err := parsed()
	if err != nil {
		return fmt.Errorf("render %s: parse template: %w", name, err)
	}
	entry := "layout"
	if name == "live" {
		entry = "live"
	}
	var buf bytes.Buffer
	if err := t.ExecuteTemplate(&buf, entry, v); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Vary", "Accept-Language, Cookie")
	w.Header().Set("Content-Language", v.Lang)
	w.WriteHeader(code)
	// A failed write means that the reader has gone.
	_, _ = w.Write(buf.Bytes())
	return nil
}

// assetTypes lists the files that are served, with their types.
var assetTypes = map[string]string{
	"style.css": "text/css; charset=utf-8",
	"live.js":   "text/javascript; charset=utf-8",
	"mark.svg":  "image/svg+xml",
}

func (p *Page) asset(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	typ, ok := assetTypes[name]
	if !ok {
		return &statusError{code: http.StatusNotFound, message: "There is no such page."}
	}
	raw, err := files.ReadFile("assets/" + name)
	if err != nil {
		return fmt.Errorf("read asset: %w", err)
	}
	w.Header().Set("Content-Type", typ)
	// The version in the link changes with every release.
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(raw)
	return nil
}

// view is what every template gets.
type view struct {
	Lang    string
	Active  string // entry of the menu
	Title   string
	Mark    string // ok, warning, critical or empty: the line at the top
	Version string
	Now     time.Time
	Refresh bool // refresh by itself where there is no JavaScript
	Bare    bool // without the menu, for those who are not signed in
	Viewer  Viewer
	Other   string
	OtherID string
	Body    any
}

func (p *Page) newView(r *http.Request, active, title string) *view {
	return p.newViewIn(language(r), r, active, title)
}

func (p *Page) newViewIn(lang string, r *http.Request, active, title string) *view {
	v := &view{Lang: lang, Active: active, Version: p.version, Now: p.now()}
	if p.accounts != nil {
		v.Viewer = p.accounts.Viewer(r.Context())
	}
	v.Title = translate(v.Lang, title)
	v.OtherID = langChinese
	if v.Lang == langChinese {
		v.OtherID = langEnglish
	}
	q := r.URL.Query()
	q.Set("lang", v.OtherID)
	v.Other = "?" + q.Encode()
	return v
}

// LegacyRedirects answers the addresses that links of Prometheus and
// Alertmanager name, with a redirect to the page that shows the same. It is
// meant for the paths of LegacyPaths; any other path is a 404.
func (p *Page) LegacyRedirects() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, ok := legacy[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		u := url.URL{Path: p.prefix + to, RawQuery: r.URL.RawQuery}
		http.Redirect(w, r, u.String(), http.StatusFound)
	})
}

// LegacyPaths are the exact paths that LegacyRedirects answers.
func LegacyPaths() []string {
	out := make([]string, 0, len(legacy))
	for path := range legacy {
		out = append(out, path)
	}
	return out
}

var legacy = map[string]string{
	"/":                  "/ui/",
	"/ui":                "/ui/",
	"/graph":             "/ui/graph",
	"/query":             "/ui/graph",
	"/alerts":            "/ui/alerts",
	"/targets":           "/ui/targets",
	"/service-discovery": "/ui/targets",
	"/rules":             "/ui/rules",
	"/status":            "/ui/status",
	"/config":            "/ui/status",
	"/flags":             "/ui/status",
	"/tsdb-status":       "/ui/status",
	"/runtimeinfo":       "/ui/status",
	"/silences":          "/ui/silences",
}
