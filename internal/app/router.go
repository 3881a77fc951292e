package app

import (
	"net/http"

	"touchline.dev/touchline/internal/console"
	"touchline.dev/touchline/internal/page"
)

// router is a mux that remembers its patterns, so that a test can hold each of
// them against who may do what.
type router struct {
	*http.ServeMux
	patterns []string
}

func newRouter() *router { return &router{ServeMux: http.NewServeMux()} }

// Handle registers a handler.
func (r *router) Handle(pattern string, h http.Handler) {
	r.patterns = append(r.patterns, pattern)
	r.ServeMux.Handle(pattern, h)
}

// HandleFunc registers a function.
func (r *router) HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request)) {
	r.Handle(pattern, http.HandlerFunc(f))
}

// handlePage registers the page, which routes what is below /ui/ itself, behind
// the console where there is one.
func (r *router) handlePage(p *page.Page, c *console.Console) {
	r.patterns = append(r.patterns, p.Patterns()...)
	if c == nil {
		r.Handle("/ui/", p.Handler())
		return
	}
	r.Handle("/ui/", c)
}
