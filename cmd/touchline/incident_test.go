package main

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestIncidentCommand(t *testing.T) {
	soon, later := time.Now().Add(time.Hour), time.Now().Add(50*time.Hour)
	one := `{"id":7,"title":"Down: db-1","state":"acknowledged","severity":"critical","verdict":"false_alarm","opened_at":"2026-11-25T22:00:00Z","snoozed_until":"` + soon.Format(time.RFC3339) + `"`
	event := func(kind, actor, data string) string {
		return `{"seq":1,"at":"2026-11-25T22:00:00.123Z","kind":"` + kind + `","actor":"` + actor + `","data":` + data + `}`
	}
	answers := map[string]string{
		"GET /touchline/v1/incidents": `{"incidents":[` + one + `},{"id":6,"title":"Slow","state":"firing","severity":"warning","opened_at":"2026-11-25T21:00:00Z","snoozed_until":"` + later.Format(time.RFC3339) + `"},
			{"id":5,"title":"Full","state":"firing","severity":"warning","opened_at":"2026-11-25T21:00:00Z"}]}`,
		"GET /touchline/v1/incidents/7": one + `,"alerts":[],"timeline":[` + strings.Join([]string{
			event("first_bad_sample", "", `{"rule":"Down","class":"local"}`), event("notified", "", `{"receiver":"ops","integration":"webhook","took_ms":80}`),
			event("notified", "", `{"receiver":"ops","integration":"slack","took_ms":1000,"error":"channel_not_found"}`),
			event("assigned", "anna", `{"to":""}`), event("assignee_called", "", `{"person":"li","receivers":{"li-phone":"told"}}`),
			event("escalated", "", `{"policy":"critical","step":2,"receivers":{"lead":"told"}}`), event("commented", "li", `{"text":"look\nthere"}`),
			event("verdict", "li", `{"verdict":"false_alarm"}`), event("verdict", "li", `{"verdict":""}`), event("of_tomorrow", "", `{"x":1}`),
		}, ",") + `]}`,
		"GET /touchline/v1/incidents/7/hints": `{"hints":[{"rank":1,"kind":"deploy","title":"api 1.2","at":"2026-11-25T21:59:00Z","score":50},
			{"rank":2,"kind":"alert","title":"Slow","at":"2026-11-25T22:01:20Z","score":0.5,"data":{"after_ms":80000}}]}`,
		"POST /touchline/v1/incidents/7/verdict": one + `}`,
	}
	var query, sent string
	at := answerWith(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			raw, _ := io.ReadAll(r.Body)
			sent = string(raw)
		}
		if r.URL.RawQuery != "" {
			query = r.URL.RawQuery
		}
		_, _ = io.WriteString(w, answers[r.Method+" "+r.URL.Path])
	})
	ask := func(args ...string) string {
		t.Helper()
		out, errs, code := runCommand(t, newIncidentCommand(), append([]string{args[0], "--url=" + at}, args[1:]...)...)
		if code != 0 {
			t.Fatalf("%v: %d\n%s%s", args, code, out, errs)
		}
		return out
	}
	lines := words(ask("list", "--state=snoozed"))
	for n, want := range []string{"acknowledged, snoozed until " + soon.Local().Format("15:04") + " critical", "firing, snoozed until " + later.Local().Format("2006-01-02 15:04") + " warning", "firing warning"} {
		if !strings.Contains(lines[n+1], want) {
			t.Errorf("no %q in %q", want, lines[n+1])
		}
	}
	if query != "limit=50&state=snoozed" {
		t.Errorf("asked for %s", query)
	}

	shown := words(ask("show", "7"))
	when := time.Date(2026, 11, 25, 22, 0, 0, 123e6, time.UTC).Local().Format("2006-01-02 15:04:05.000 ")
	for _, want := range []string{
		"verdict false alarm", when + "first bad sample Down", when + "told ops/webhook, 80ms", when + "could not be told ops/slack, 1s, channel_not_found",
		when + "assigned anna nobody", when + "assignee called li, li-phone: told", when + "escalated critical, step 2, lead: told", when + "comment li look there",
		when + "verdict li false alarm", when + "verdict li taken back", when + "of_tomorrow",
		"2. alert " + time.Date(2026, 11, 25, 22, 1, 20, 0, time.UTC).Local().Format("15:04:05") + " Slow – began 1m20s after, so it is rather a consequence",
	} {
		if !slices.Contains(shown, want) {
			t.Errorf("no line %q in\n%s", want, strings.Join(shown, "\n"))
		}
	}
	var all struct {
		ID       int64
		Timeline []struct{ Kind string }
		Hints    []struct{ Title string }
	}
	if err := json.Unmarshal([]byte(ask("show", "7", "--output=json")), &all); err != nil || all.ID != 7 || len(all.Timeline) != 10 || len(all.Hints) != 2 || all.Hints[1].Title != "Slow" {
		t.Errorf("%+v, %v", all, err)
	}
	for arg, want := range map[string]string{"false_alarm": "false_alarm", "false alarm": "false_alarm", "false-alarm": "false_alarm", "real": "real", "none": ""} {
		if ask("verdict", "7", arg); sent != `{"verdict":"`+want+`"}` {
			t.Errorf("%s sends %s", arg, sent)
		}
	}
}

// words are the lines of a table, with one space between words.
func words(table string) []string {
	lines := strings.Split(table, "\n")
	for n, l := range lines {
		lines[n] = strings.Join(strings.Fields(l), " ")
	}
	return lines
}
