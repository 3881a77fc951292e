package app

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"touchline.dev/touchline/internal/api/native"
	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/stack"
)

const twoPeople = `
people: {anna: {receivers: [none]}, li: {receivers: [none]}}
schedules: {primary: {time_zone: UTC, layers: [{people: [anna], rotation: weekly, start: 2026-01-05T09:00}]}}
`

// unchecked has somebody stand in without asking whether it is possible, as a
// replica that has another configuration, or none of the checks, does.
func (a *App) unchecked(t *testing.T, o incident.Override) incident.Override {
	t.Helper()
	o, err := a.incident.AddOverride(t.Context(), o, func(incident.Override, []incident.Override) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// onCall waits until somebody is on call.
func (a *App) onCall(t *testing.T, want string) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		on, err := a.roster.Load().OnCall("primary", time.Now(), "critical")
		if err == nil && len(on) == 1 && on[0].Name == want {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%+v is on call, %v; want %s", on, err, want)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// TestOverrideThatCannotBe asks for overrides that no schedule takes, and finds
// some in the database: neither a reload nor a start minds.
func TestOverrideThatCannotBe(t *testing.T) {
	data, log := t.TempDir(), &logged{}
	own := write(t, filepath.Join(t.TempDir(), "touchline.yaml"), twoPeople)
	args := []string{"--config.file=" + own, "--storage.path=" + data, "--sources.enabled=false", "--stack.enabled=false"}
	a, err := New(t.Context(), Options{Config: settings(t, args...), Reread: reread(t, args...), Logger: slog.New(slog.NewTextHandler(log, nil)), Shipped: stack.FS})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			if err := a.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	defer stop()
	defer http.DefaultClient.CloseIdleConnections()
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	ask := func(schedule, person string, from, to time.Time) (int, string) {
		return a.post(t, "/touchline/v1/schedules/"+schedule+"/overrides", fmt.Sprintf(`{"person":%q,"from":%q,"to":%q}`, person, from.Format(time.RFC3339), to.Format(time.RFC3339)), true)
	}
	for _, c := range []struct {
		schedule, person string
		to               time.Time
		code             int
		says             string
	}{
		{"primary", "li", now.AddDate(2, 0, 0), 422, "to: is more than 400 days after from"},
		{"primary", "bo", now.Add(time.Hour), 422, `the section people of touchline.yaml has no \"bo\"; it has anna, li`},
		{"gone", "li", now.Add(time.Hour), 404, `the section schedules of touchline.yaml has primary`},
		{"primary", "li", now.Add(-time.Hour), 422, "begins before it ends"},
	} {
		if code, body := ask(c.schedule, c.person, now, c.to); code != c.code || !strings.Contains(body, c.says) {
			t.Errorf("%s in %s until %s: %d %s", c.person, c.schedule, c.to, code, body)
		}
	}
	if list, err := a.incident.Overrides(t.Context(), ""); err != nil || len(list) != 0 {
		t.Errorf("%+v was written, %v", list, err)
	}
	long := a.unchecked(t, incident.Override{Schedule: "primary", Person: "li", From: now, To: now.AddDate(2, 0, 0), By: "x"})
	a.unchecked(t, incident.Override{Schedule: "primary", Person: "bo", From: now, To: now.Add(time.Hour), By: "x"})
	a.unchecked(t, incident.Override{Schedule: "gone", Person: "li", From: now, To: now.Add(time.Hour), By: "x"})
	if err := a.Reload(); err != nil {
		t.Errorf("a reload is refused: %v", err)
	}
	for _, want := range []string{
		fmt.Sprintf(`An override made by API has no effect" schedule=primary id=%d person=li`, long.ID), "schedule=primary id=" + fmt.Sprint(long.ID+1) + " person=bo", "schedule=gone id=" + fmt.Sprint(long.ID+2),
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in\n%s", want, log)
		}
	}
	a.onCall(t, "anna")
	feeds(t, a)
	if code, body := a.post(t, "/touchline/v1/maintenance", `{"name":"all","matchers":["job=~\".*\"","env!=\"prod\""],"duration_seconds":60}`, true); code != 422 || !strings.Contains(body, "write at least one that does not") {
		t.Errorf("a window for everything: %d %s", code, body)
	}
	// Those beside them are taken, and at once.
	code, body := ask("primary", "li", now, now.Add(time.Hour))
	var made native.ScheduleOverride
	if err := json.Unmarshal([]byte(body), &made); code != http.StatusOK || err != nil {
		t.Fatalf("%d %s", code, body)
	}
	if on := a.roster.Load().Schedules["primary"].At(time.Now()); len(on) != 1 || on[0] != "li" {
		t.Errorf("%q is on call", on)
	}
	stop()
	a, err = New(t.Context(), Options{Config: settings(t, args...), Reread: reread(t, args...), Logger: slog.New(slog.DiscardHandler), Shipped: stack.FS})
	if err != nil {
		t.Fatalf("the start is refused: %v", err)
	}
	stopped = false
	if on := a.roster.Load().Schedules["primary"].At(time.Now()); len(on) != 1 || on[0] != "li" {
		t.Errorf("%q is on call after a start", on)
	}
	// What has not run waits for ever for its rules to stop.
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// feeds asks for calendars by addresses that were made for them.
func feeds(t *testing.T, a *App) {
	t.Helper()
	get := func(path string) (int, string) {
		resp, err := http.Get(a.localURL() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(raw)
	}
	for body, want := range map[string]string{"{}": "anna", `{"person":"anna","lang":"zh"}`: "值班"} {
		code, answer := a.post(t, "/touchline/v1/schedules/primary/calendar-link", body, true)
		var link struct {
			Path    string
			Expires time.Time
		}
		if err := json.Unmarshal([]byte(answer), &link); code != 200 || err != nil || time.Until(link.Expires) < 364*24*time.Hour {
			t.Errorf("%s: %d %s", body, code, answer)
			continue
		}
		if code, feed := get(link.Path); code != 200 || !strings.HasPrefix(feed, "BEGIN:VCALENDAR") || !strings.Contains(feed, want) {
			t.Errorf("%s: %d %.300s", link.Path, code, feed)
		}
		token := strings.TrimPrefix(link.Path, "/touchline/v1/calendars/")
		if code, _ := get("/touchline/v1/calendars/x" + token); code != 404 {
			t.Errorf("a forged address: %d", code)
		}
		if code, _ := get("/touchline/v1/links/" + strings.TrimSuffix(token, "?lang=zh")); code != 403 {
			t.Errorf("an address of a calendar as a link of a message: %d", code)
		}
	}
	for path, want := range map[string]int{"/touchline/v1/schedules/gone/calendar-link": 404, "/touchline/v1/schedules/primary/calendar-link": 422} {
		if code, answer := a.post(t, path, `{"person":"bo"}`, true); code != want {
			t.Errorf("%s: %d %s", path, code, answer)
		}
	}
	// A link of a message is no address of a calendar.
	token, err := a.incident.Sign(t.Context(), incident.Link{Action: incident.LinkView, Group: "primary", Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := get("/touchline/v1/calendars/" + token); code != 404 {
		t.Errorf("a link as a calendar: %d", code)
	}
}

// TestOverridesOfAnotherReplica writes overrides past the server, as a replica
// with the same database does.
func TestOverridesOfAnotherReplica(t *testing.T) {
	own := write(t, filepath.Join(t.TempDir(), "touchline.yaml"), twoPeople)
	log := &logged{}
	a := begin(t, slog.New(slog.NewTextHandler(log, nil)), "--config.file="+own, "--storage.path="+t.TempDir(), "--sources.enabled=false", "--stack.enabled=false")
	now := time.Now()
	o := a.unchecked(t, incident.Override{Schedule: "primary", Person: "li", From: now.Add(-time.Minute), To: now.Add(time.Hour), By: "x"})
	a.onCall(t, "li")
	if err := a.incident.RemoveOverride(t.Context(), "primary", o.ID, "x"); err != nil {
		t.Fatal(err)
	}
	a.onCall(t, "anna")
	// While the database does not answer those known last stay, and it is said once.
	f := overrideFollower{a: a}
	a.unchecked(t, incident.Override{Schedule: "primary", Person: "li", From: now.Add(-time.Minute), To: now.Add(time.Hour), By: "x"})
	a.onCall(t, "li")
	if err := a.state.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		f.look(t.Context())
	}
	a.onCall(t, "li")
	if n := strings.Count(log.String(), "It is not known whether overrides have changed"); n < 1 || n > 2 { // the server's own look may say so too
		t.Errorf("said %d times in\n%s", n, log)
	}
}
