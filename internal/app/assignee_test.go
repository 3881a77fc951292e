package app

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"touchline.dev/touchline/internal/identity"
	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/stack"
)

func TestAssignee(t *testing.T) {
	own := write(t, filepath.Join(t.TempDir(), "touchline.yaml"), "people: {anna: {receivers: [none], user: anna.m}}\n")
	args := []string{"--config.file=" + own, "--storage.path=" + t.TempDir(), "--sources.enabled=false", "--stack.enabled=false"}
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
	for _, name := range []string{"anna.m", "zhang"} {
		if _, err := a.identity.CreateUser(t.Context(), identity.Actor{Name: "test"}, identity.User{Name: name, Role: identity.Viewer}, ""); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"anna": "anna none", "Anna.M": "anna.m none", "zhang": "zhang"} {
		p, err := a.assignee(t.Context(), name, "critical")
		if got := strings.TrimSpace(p.Name + " " + strings.Join(p.Receivers, " ")); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", name, got, err, want)
		}
	}
	for name, want := range map[string]string{"zhong": `did you mean "zhang"?`, "ana": `did you mean "anna"?`, "somebody": "add the person"} {
		_, err := a.assignee(t.Context(), name, "critical")
		if _, ok := errors.AsType[*incident.Unknown](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", name, err, want)
		}
	}
}
