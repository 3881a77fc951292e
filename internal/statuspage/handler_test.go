package statuspage

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	dir := t.TempDir()
	if err := Render(Options{Dir: dir}, testSnapshot()); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "secret.html"), "geheim")
	put(t, filepath.Join(filepath.Dir(dir), "admin.token"), "geheim")
	h := Handler(dir)
	for _, c := range []struct {
		method, path string
		code         int
		contentType  string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8"}, {"HEAD", "/", 200, "text/html; charset=utf-8"}, {"GET", "/index.zh.html", 200, "text/html; charset=utf-8"},
		{"GET", "/history.html", 200, "text/html; charset=utf-8"}, {"GET", "/style.css", 200, "text/css; charset=utf-8"}, {"GET", "/rss.xml", 200, "application/rss+xml; charset=utf-8"}, {"GET", "/status.json", 200, "application/json"},
		{"GET", "/secret.html", 404, ""}, {"GET", "/index.en.html", 404, ""}, {"GET", "/../admin.token", 404, ""}, {"GET", "/%2e%2e/admin.token", 404, ""}, {"GET", "//", 404, ""}, {"GET", "/x/index.html", 404, ""},
		{"POST", "/", 405, ""}, {"DELETE", "/index.html", 405, ""},
	} {
		r := httptest.NewRequest(c.method, "http://status.example.com"+c.path, nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.code || c.contentType != "" && w.Header().Get("Content-Type") != c.contentType {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Header().Get("Content-Type"))
		}
		if strings.Contains(w.Body.String(), "geheim") {
			t.Errorf("%s %s shows what is not public", c.method, c.path)
		}
		if c.code == 200 && !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s %s: no policy", c.method, c.path)
		}
		if c.method == "HEAD" && w.Body.Len() > 0 {
			t.Error("HEAD has a body")
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/status.json", nil)
	first := httptest.NewRecorder()
	h.ServeHTTP(first, r)
	r.Header.Set("If-Modified-Since", first.Header().Get("Last-Modified"))
	again := httptest.NewRecorder()
	h.ServeHTTP(again, r)
	if again.Code != http.StatusNotModified {
		t.Errorf("an answer that is known is sent again: %d", again.Code)
	}
}
