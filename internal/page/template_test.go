package page

import (
	"net/http"
	"testing"

	"touchline.dev/touchline/internal/selfmon"
)

// TestTemplatesParse parses every page in every language, because a server does
// so only when somebody looks.
func TestTemplatesParse(t *testing.T) {
	p, err := New(Options{API: http.NotFoundHandler(), Report: func() selfmon.Report { return selfmon.Report{} }})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for lang, pages := range p.templates {
		for name, parsed := range pages {
			tpl, err := parsed()
			if err != nil {
				t.Errorf("%s in %s: %v", name, lang, err)
				continue
			}
			if tpl.Lookup("layout") == nil {
				t.Errorf("%s in %s has no layout", name, lang)
			}
			n++
		}
	}
	if n < 20 {
		t.Errorf("only %d templates were found", n)
	}
}
