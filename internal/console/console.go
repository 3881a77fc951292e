// Package console serves the web console: one page, and the files that it
// loads. What the console does not have, and what a reader without JavaScript
// asks for, is left to the plain pages.
package console

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
)

// Options configure a Console.
type Options struct {
	// Files has index.html and what it loads, each with NAME.gz beside it.
	Files fs.FS
	// RoutePrefix stands before /ui/ in every address, such as "/monitoring".
	RoutePrefix string
	// Plain serves what the console does not, and everything to those who choose so.
	Plain http.Handler
}

// Console serves what is below /ui/.
type Console struct {
	files  fs.FS
	prefix string
	plain  http.Handler
	before string // the page up to the nonce
	after  string
}

// assets is the folder of the files whose names change with their content.
const assets = "app"

// pages are the first segments of the addresses that the console itself draws.
var pages = []string{
	"", "add", "admin", "alerts", "backtest", "channels", "d", "dashboards", "escalations", "explore", "graph", "incidents", "maintenance",
	"notifications", "oncall", "playlist", "reports", "rules", "shadow", "silences", "status", "targets", "watched",
}

// plainCookie remembers who reads the plain pages; plainParam chooses.
const (
	plainCookie = "touchline_plain"
	plainParam  = "plain"
)

// Places in index.html that the server fills in.
const (
	nonceMark  = `name="csp-nonce" content="`
	prefixMark = `name="touchline-prefix" content="`
)

// New gives a console.
func New(o Options) (*Console, error) {
	if o.Files == nil || o.Plain == nil {
		return nil, errors.New("create console: Files and Plain are required")
	}
	raw, err := fs.ReadFile(o.Files, "index.html")
	if err != nil {
		return nil, fmt.Errorf("read the console's page: %w", err)
	}
	c := &Console{files: o.Files, prefix: strings.TrimRight(o.RoutePrefix, "/"), plain: o.Plain}
	page := strings.ReplaceAll(string(raw), `"./`, `"`+html.EscapeString(c.prefix)+`/ui/`)
	page = strings.Replace(page, prefixMark, prefixMark+html.EscapeString(c.prefix), 1)
	before, after, found := strings.Cut(page, nonceMark)
	if !found || !strings.Contains(page, prefixMark) {
		return nil, errors.New("read the console's page: it has no place for the nonce or the route prefix")
	}
	c.before, c.after = before+nonceMark, after
	return c, nil
}

// ServeHTTP serves one request, with the route prefix already taken off its path.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/ui"), "/")
	first, _, _ := strings.Cut(rest, "/")
	switch {
	case first == assets || rest == "mark.svg":
		c.asset(w, r, rest)
	case r.Method != http.MethodGet && r.Method != http.MethodHead || !slices.Contains(pages, first):
		c.plain.ServeHTTP(w, r)
	case r.URL.Query().Has(plainParam) && isPage(r):
		c.choose(w, r)
	case wantsPlain(r):
		c.plain.ServeHTTP(w, r)
	default:
		c.page(w, r)
	}
}

// isPage tells whether a browser asks for something to show on its own, not for an
// image or a frame of a page: those may not choose for their reader.
func isPage(r *http.Request) bool {
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" {
		return dest == "document"
	}
	return !strings.HasPrefix(r.Header.Get("Accept"), "image/")
}

func wantsPlain(r *http.Request) bool {
	k, err := r.Cookie(plainCookie)
	return err == nil && k.Value == "1"
}

// choose keeps whether somebody reads the plain pages, and leads to where they were.
func (c *Console) choose(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	k := &http.Cookie{Name: plainCookie, Value: "1", Path: c.prefix + "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil}
	if q.Get(plainParam) == "0" {
		k.Value, k.MaxAge = "", -1
	}
	http.SetCookie(w, k)
	q.Del(plainParam)
	u := *r.URL
	u.Path, u.RawQuery = c.prefix+path.Clean(r.URL.Path), q.Encode()
	if strings.HasSuffix(r.URL.Path, "/") && !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	u.Scheme, u.Host, u.RawPath = "", "", ""
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, u.String(), http.StatusSeeOther)
}

// page answers with the one page of the console. Everything that it may load is
// its own; style elements need a nonce that is new each time.
func (c *Console) page(w http.ResponseWriter, _ *http.Request) {
	nonce := rand.Text()
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-"+nonce+"'; img-src 'self' data: blob:; font-src 'self'; "+
		"connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie")
	h.Set("Content-Type", "text/html; charset=utf-8")
	// A failed write means that the reader has gone.
	_, _ = w.Write([]byte(c.before + nonce + c.after))
}

// asset answers with a file, compressed where the reader takes that. The names
// in the assets' folder have a hash of the content in them and stay good for ever.
func (c *Console) asset(w http.ResponseWriter, r *http.Request, name string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	file := name
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		if _, err := fs.Stat(c.files, name+".gz"); err == nil {
			file = name + ".gz"
			h.Set("Content-Encoding", "gzip")
		}
	}
	raw, err := fs.ReadFile(c.files, file)
	if err != nil || strings.HasSuffix(name, ".gz") {
		h.Del("Content-Encoding")
		h.Set("Cache-Control", "no-store")
		http.Error(w, "no such file; the console may have been updated, load the page again", http.StatusNotFound)
		return
	}
	h.Set("Content-Type", contentType(name))
	if strings.HasPrefix(name, assets+"/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "public, max-age=3600")
	}
	h.Set("Content-Length", fmt.Sprint(len(raw)))
	if r.Method == http.MethodGet {
		_, _ = bytes.NewReader(raw).WriteTo(w)
	}
}

// contentType does not ask the machine, whose table may be anything.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json":
		return "application/json"
	case ".woff2":
		return "font/woff2"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// acceptsGzip reads an Accept-Encoding header: gzip, or anything, and not at weight 0.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		weight = strings.ReplaceAll(weight, " ", "")
		if n := strings.TrimSpace(name); (n == "gzip" || n == "*") && !strings.HasPrefix(weight, "q=0.000") && weight != "q=0" && weight != "q=0.0" && weight != "q=0.00" {
			return true
		}
	}
	return false
}
