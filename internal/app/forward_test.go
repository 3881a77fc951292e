package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestCredentialsStayHere asks an Alertmanager of prometheus.yml through us.
func TestCredentialsStayHere(t *testing.T) {
	var mu sync.Mutex
	var seen []http.Header
	am := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v2/status" {
			mu.Lock()
			seen = append(seen, r.Header.Clone())
			mu.Unlock()
		}
		_, _ = io.WriteString(w, `{"from":"elsewhere"}`)
	}))
	defer am.Close()
	u, err := url.Parse(am.URL)
	if err != nil {
		t.Fatal(err)
	}
	prom := write(t, filepath.Join(t.TempDir(), "prometheus.yml"), "alerting: {alertmanagers: [{static_configs: [{targets: ['"+u.Host+"']}]}]}\n")
	a := started(t, "--prometheus.config="+prom)
	b := newBrowser(t, a)
	defer b.close()
	deadline := time.After(20 * time.Second)
	for {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.localURL()+"/api/v2/status", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: "touchline", Value: "session-secret"})
		resp, err := b.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if strings.Contains(string(raw), "elsewhere") {
			break
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatalf("never asked: %d %s", resp.StatusCode, raw)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, h := range seen {
		if h.Get("Cookie") != "" || h.Get("Authorization") != "" {
			t.Errorf("passed on: %v", h)
		}
	}
}
