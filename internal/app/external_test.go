package app

import (
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/internal/state"
)

// TestFollow makes incidents of the groups of an Alertmanager elsewhere.
func TestFollow(t *testing.T) {
	db, err := state.Open(t.Context(), state.Options{Path: filepath.Join(t.TempDir(), "state.db"), Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	s, err := incident.New(incident.Options{DB: db, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Opens: func(map[string]string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	var active, all []string
	list := func(names []string) string {
		var out []string
		for _, n := range names {
			out = append(out, fmt.Sprintf(`{"fingerprint":%q,"labels":{"alertname":%q},"annotations":{"summary":"s"},"startsAt":%q}`, n, n, time.Now().Format(time.RFC3339Nano)))
		}
		return "[" + strings.Join(out, ",") + "]"
	}
	failing := false
	f := &follower{into: s, known: map[string]string{}, am: &amClient{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case failing:
			w.WriteHeader(http.StatusBadGateway)
		case r.URL.Path == "/api/v2/alerts":
			_, _ = w.Write([]byte(list(all)))
		default:
			_, _ = fmt.Fprintf(w, `[{"labels":{"a":"b"},"receiver":{"name":"ops"},"alerts":%s}]`, list(active))
		}
	})}}
	step := func(now, there []string) {
		t.Helper()
		active, all = now, there
		if err := f.follow(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	step([]string{"One", "Two"}, []string{"One", "Two"})
	step([]string{"One"}, []string{"One", "Two"}) // Two is silenced
	step([]string{"One"}, []string{"One"})        // and has ended
	failing = true
	if err := f.follow(t.Context(), time.Now()); err == nil {
		t.Error("an Alertmanager that does not answer is no error")
	}
	s.Start()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	d, err := s.Get(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range d.Alerts {
		if m.EndsAt.IsZero() != (m.Name == "One") {
			t.Errorf("%+v", m)
		}
	}
	if len(d.Alerts) != 1 && len(d.Alerts) != 2 || d.State != incident.Firing {
		t.Errorf("%+v", d)
	}
}
