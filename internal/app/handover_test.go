package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"log/slog"

	"touchline.dev/touchline/internal/oncall"
	"touchline.dev/touchline/stack"
)

// TestHandOver tells the digest to whoever takes over, once.
func TestHandOver(t *testing.T) {
	got := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		got <- r.URL.Path + " " + string(raw)
	}))
	defer hook.Close()
	files := t.TempDir()
	own := write(t, filepath.Join(files, "touchline.yaml"), `
people: {anna: {receivers: [anna]}, li: {receivers: [li], language: zh}}
schedules:
  primary: {time_zone: Asia/Shanghai, digest_receivers: [team], layers: [{people: [anna, li], rotation: daily, start: 2026-11-23T09:00}]}
`)
	am := write(t, filepath.Join(files, "alertmanager.yml"), strings.ReplaceAll(`route: {receiver: team}
receivers:
- {name: team, webhook_configs: [{url: HOOK/team}]}
- {name: anna, webhook_configs: [{url: HOOK/anna}]}
- {name: li, webhook_configs: [{url: HOOK/li}]}
`, "HOOK", hook.URL))
	rules := write(t, filepath.Join(files, "rules.yml"), "groups: [{name: g, rules: [{alert: One, expr: vector(0) > 1}]}]")
	prom := write(t, filepath.Join(files, "prometheus.yml"), "rule_files: [rules.yml]\n")
	args := []string{"--config.file=" + own, "--storage.path=" + t.TempDir(), "--prometheus.config=" + prom, "--alertmanager.config=" + am, "--sources.enabled=false", "--stack.enabled=false"}
	a, err := New(t.Context(), Options{Config: settings(t, args...), Reread: reread(t, args...), Logger: slog.New(slog.DiscardHandler), Shipped: stack.FS})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(t, rules, "groups: [{name: g, rules: [{alert: One, expr: vector(0) > 2}, {alert: Two, expr: vector(0) > 1}]}]")
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	h := oncall.HandOver{At: time.Now().Truncate(time.Minute), From: "anna", To: "li"}
	for range 2 {
		if err := a.handOver(t.Context(), "primary", h, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	var all []string
	for range 2 {
		all = append(all, <-got)
	}
	text := strings.Join(all, "\n")
	for _, want := range []string{"/team ", "/li ", "OnCallHandOver", "li is on call in primary from now on", "One", "Two", "anna/webhook"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	select {
	case again := <-got:
		t.Errorf("told twice: %s", again)
	default:
	}
	if err := a.handOver(t.Context(), "primary", oncall.HandOver{At: h.At.Add(time.Hour), From: "li"}, time.Now()); err != nil {
		t.Error(err)
	}
}
