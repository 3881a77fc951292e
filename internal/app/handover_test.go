package app

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"log/slog"

	"touchline.dev/touchline/internal/app/roster"
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
	for _, want := range []string{"/team ", "/li ", "OnCallHandOver", "现在起由li值班（primary）", "One", "Two", "anna/webhook"} {
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

// TestHandOverPastOneThatHangs has a receiver that answers when all others have been told.
func TestHandOverPastOneThatHangs(t *testing.T) {
	got, done := make(chan string, 10), make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got <- r.URL.Path
		if r.URL.Path == "/hangs" {
			<-done
		}
	}))
	defer hook.Close()
	release := sync.OnceFunc(func() { close(done) })
	defer release()
	files := t.TempDir()
	own := write(t, filepath.Join(files, "touchline.yaml"), `
people: {anna: {receivers: [anna]}}
schedules: {primary: {time_zone: UTC, digest_receivers: [a hanging one, team], layers: [{people: [anna], rotation: daily, start: 2026-11-23T09:00}]}}
`)
	am := write(t, filepath.Join(files, "alertmanager.yml"), strings.ReplaceAll(`route: {receiver: team, routes: [{receiver: a hanging one, matchers: [never="true"]}]}
receivers:
- {name: a hanging one, webhook_configs: [{url: HOOK/hangs}]}
- {name: anna, webhook_configs: [{url: HOOK/anna}]}
- {name: team, webhook_configs: [{url: HOOK/team}]}
`, "HOOK", hook.URL))
	a := begin(t, slog.New(slog.DiscardHandler), "--config.file="+own, "--storage.path="+t.TempDir(), "--alertmanager.config="+am, "--sources.enabled=false", "--stack.enabled=false")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		failed <- a.handOver(ctx, "primary", oncall.HandOver{At: time.Now().Truncate(time.Minute), To: "anna"}, time.Now())
	}()
	told := map[string]bool{}
	for len(told) < 3 {
		select {
		case path := <-got:
			told[path] = true
		case err := <-failed:
			t.Fatalf("only %v were told: %v", told, err)
		}
	}
	release()
	if err := <-failed; err != nil {
		t.Error(err)
	}
}

// TestEachHandOver has somebody stand in for ten minutes: both hand-overs are
// told when they happen.
func TestEachHandOver(t *testing.T) {
	at := func(clock string) time.Time {
		when, err := time.Parse(time.RFC3339, "2026-11-25T"+clock+"Z")
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	own := write(t, filepath.Join(t.TempDir(), "touchline.yaml"), `
people: {anna: {receivers: [x]}, li: {receivers: [x]}}
schedules: {primary: {time_zone: UTC, layers: [{people: [anna], rotation: weekly, start: 2026-11-23T09:00}]}}
`)
	r, err := roster.New(&settings(t, "--config.file="+own).Dynamic, nil, map[string][]oncall.Override{"primary": {{From: at("12:00:00"), To: at("12:10:00"), User: "li"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ now, at, to string }{
		{"11:59:59", "", ""},
		{"12:00:00", "12:00:00", "li"},
		{"12:09:59", "12:00:00", "li"},
		{"12:10:05", "12:10:00", "anna"},
		{"12:39:59", "12:10:00", "anna"},
		{"12:40:00", "", ""}, // too late
	} {
		h, ok := lastHandOver(r.Schedules["primary"], at(c.now))
		if ok != (c.to != "") || ok && (!h.At.Equal(at(c.at)) || h.To != c.to) {
			t.Errorf("%s: %+v, %v", c.now, h, ok)
		}
	}
}
