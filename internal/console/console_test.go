package console

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func open(t *testing.T, prefix string) *Console {
	t.Helper()
	c, err := New(Options{
		Files: fstest.MapFS{
			"index.html":    {Data: []byte(`<meta name="touchline-prefix" content="" /><meta name="csp-nonce" content="" /><script src="./app/index-1.js"></script>`)},
			"app/a-1.js":    {Data: []byte("plain")},
			"app/a-1.js.gz": {Data: []byte("packed")},
			"mark.svg":      {Data: []byte("<svg/>")},
		},
		RoutePrefix: prefix,
		Plain: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTeapot)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ask(c *Console, method, path string, header http.Header) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	r.Header = header
	if r.Header == nil {
		r.Header = http.Header{}
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWhoServes(t *testing.T) {
	c := open(t, "")
	for _, x := range []struct {
		method, path, cookie string
		want                 int
	}{
		{"GET", "/ui/", "", 200},
		{"HEAD", "/ui/", "", 200},
		{"GET", "/ui/d/abc?var-x=1", "", 200},
		{"GET", "/ui/alerts", "", 200},
		{"GET", "/ui/alerts", "touchline_plain=1", http.StatusTeapot},
		{"GET", "/ui/login", "", http.StatusTeapot},
		{"GET", "/ui/runbooks/X", "", http.StatusTeapot},
		{"GET", "/ui/nothing", "", http.StatusTeapot},
		{"POST", "/ui/alerts", "", http.StatusTeapot},
		{"GET", "/ui/app/a-1.js", "", 200},
		{"GET", "/ui/app/a-1.js", "touchline_plain=1", 200},
		{"GET", "/ui/app/a-1.js.gz", "", 404},
		{"GET", "/ui/app/none.js", "", 404},
		{"GET", "/ui/app/../index.html", "", 404},
		{"POST", "/ui/app/a-1.js", "", 405},
		{"GET", "/ui/mark.svg", "", 200},
	} {
		h := http.Header{}
		if x.cookie != "" {
			h.Set("Cookie", x.cookie)
		}
		if r := ask(c, x.method, x.path, h); r.StatusCode != x.want {
			t.Errorf("%s %s %s answers %d, want %d", x.method, x.path, x.cookie, r.StatusCode, x.want)
		}
	}
}

func TestPage(t *testing.T) {
	c := open(t, "/mon")
	r := ask(c, "GET", "/ui/", nil)
	got, policy := body(t, r), r.Header.Get("Content-Security-Policy")
	m := regexp.MustCompile(`csp-nonce" content="([A-Z0-9]{20,})"`).FindStringSubmatch(got)
	if m == nil || !strings.Contains(policy, "'nonce-"+m[1]+"'") || strings.Contains(policy, "unsafe") {
		t.Errorf("the page\n%s\nhas the policy %s", got, policy)
	}
	for _, want := range []string{`src="/mon/ui/app/index-1.js"`, `touchline-prefix" content="/mon"`} {
		if !strings.Contains(got, want) {
			t.Errorf("the page\n%s\nlacks %s", got, want)
		}
	}
	if again := body(t, ask(c, "GET", "/ui/", nil)); again == got {
		t.Error("two pages have the same nonce")
	}
}

func TestAssets(t *testing.T) {
	c := open(t, "")
	for accept, want := range map[string]string{"": "plain", "gzip, br": "packed", "br": "plain", "gzip;q=0": "plain", "*": "packed"} {
		r := ask(c, "GET", "/ui/app/a-1.js", http.Header{"Accept-Encoding": {accept}})
		if got := body(t, r); got != want || r.Header.Get("Content-Type") != "text/javascript; charset=utf-8" || !strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("with Accept-Encoding %q: %q, %v", accept, got, r.Header)
		}
	}
}

func TestChoosePlain(t *testing.T) {
	c := open(t, "/mon")
	r := ask(c, "GET", "/ui/alerts?plain=1&x=%2F%2Fevil", nil)
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/mon/ui/alerts?x=%2F%2Fevil" || !strings.HasPrefix(r.Header.Get("Set-Cookie"), "touchline_plain=1; Path=/mon/;") {
		t.Errorf("choosing the plain pages: %d %v", r.StatusCode, r.Header)
	}
	for _, header := range []http.Header{{"Sec-Fetch-Dest": {"image"}}, {"Accept": {"image/avif,image/webp,*/*;q=0.8"}}} {
		if r := ask(c, "GET", "/ui/?plain=1", header); r.Header.Get("Set-Cookie") != "" {
			t.Errorf("an image with %v chooses for its reader: %v", header, r.Header)
		}
	}
	r = ask(c, "GET", "/ui/?plain=0", http.Header{"Cookie": {"touchline_plain=1"}})
	if r.Header.Get("Location") != "/mon/ui/" || !strings.Contains(r.Header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("choosing the console: %d %v", r.StatusCode, r.Header)
	}
}

func TestNew(t *testing.T) {
	for _, index := range []string{"", `<meta name="csp-nonce" content="">`, `<meta name="touchline-prefix" content="">`} {
		if _, err := New(Options{Files: fstest.MapFS{"index.html": {Data: []byte(index)}}, Plain: http.NotFoundHandler()}); err == nil {
			t.Errorf("%q is taken for a page", index)
		}
	}
}

// TestPagesAreServed holds the addresses that the console draws against those that are served.
func TestPagesAreServed(t *testing.T) {
	files, err := filepath.Glob("../../ui/src/pages/*/area.ts")
	if err != nil || len(files) == 0 {
		t.Fatalf("no areas of the console: %v", err)
	}
	route := regexp.MustCompile(`path: '/([a-z]*)`)
	n := 0
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range route.FindAllStringSubmatch(string(raw), -1) {
			n++
			if !slices.Contains(pages, m[1]) {
				t.Errorf("%s: /%s is not served: add it to pages", filepath.Base(filepath.Dir(f)), m[1])
			}
		}
	}
	if n == 0 {
		t.Error("no area has a page")
	}
}
