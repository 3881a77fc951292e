//go:build conformance

package conformance

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const alertmanagerFile = `
global: {resolve_timeout: 5m}
route:
  receiver: team
  group_by: [alertname]
  group_wait: 1s
  routes:
  - {receiver: pager, matchers: ['severity="page"'], continue: true, group_by: ['...']}
  - {receiver: night, matchers: ['team=night'], mute_time_intervals: [always]}
receivers:
- {name: team, webhook_configs: [{url: 'http://%[1]s/team'}]}
- {name: pager, webhook_configs: [{url: 'http://user:secret@%[1]s/pager', send_resolved: false}], email_configs: [{to: a@example.com, from: b@example.com, smarthost: 'localhost:25', auth_password: secret}]}
- {name: night}
inhibit_rules:
- {source_matchers: ['severity="page"'], target_matchers: ['severity="info"'], equal: [alertname]}
time_intervals:
- {name: always, time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]}
`

func TestAlertmanagerAPI(t *testing.T) {
	config := write(t, t.TempDir(), "alertmanager.yml", fmt.Sprintf(alertmanagerFile, sink(t)))
	ours := startTouchline(t, "--alertmanager.config="+config)
	theirs := startAlertmanager(t, config)
	all := &tally{}
	now := time.Now().UTC().Truncate(time.Second)
	for _, q := range alertQuestions(now) {
		all.compare(t, ours, theirs, q)
	}
	// Who mutes what is worked out after an alert has come in.
	for _, s := range []*server{ours, theirs} {
		s.until(t, "alerts that are active, silenced and inhibited", func() bool {
			b := request(t, s, http.MethodGet, "/api/v2/alerts", nil, nil).body
			groups := request(t, s, http.MethodGet, "/api/v2/alerts/groups", nil, nil).body
			return !bytes.Contains(b, []byte(`"unprocessed"`)) && bytes.Contains(b, []byte(`"inhibitedBy":["`)) && bytes.Contains(groups, []byte(`"mutedBy":["always"]`))
		})
	}
	for _, q := range stateQuestions(now) {
		all.compare(t, ours, theirs, q)
	}
	all.log(t, "Alertmanager API")
	if all.asked < 100 {
		t.Errorf("only %d requests: some are missing", all.asked)
	}
}

func alertJSON(starts, ends time.Time, labels string) string {
	return fmt.Sprintf(`{"labels":{%s},"annotations":{"summary":"s"},"startsAt":%q,"endsAt":%q,"generatorURL":"http://prometheus.example/graph"}`,
		labels, starts.Format(time.RFC3339), ends.Format(time.RFC3339))
}

func silenceJSON(id string, starts, ends time.Time, matchers string) string {
	if id != "" {
		id = fmt.Sprintf(`"id":%q,`, id)
	}
	return fmt.Sprintf(`{%s"matchers":[%s],"startsAt":%q,"endsAt":%q,"createdBy":"me","comment":"why"}`, id, matchers, starts.Format(time.RFC3339), ends.Format(time.RFC3339))
}

// alertQuestions fill both servers, with what is good and what is not.
func alertQuestions(now time.Time) []question {
	ago, hence := now.Add(-time.Hour), now.Add(time.Hour)
	var out []question
	alerts := func(name, body string) {
		q := postJSON("/api/v2/alerts", body)
		q.name = "alerts: " + name
		out = append(out, q)
	}
	for i, l := range []string{
		`"alertname":"Down","severity":"page","instance":"a"`, `"alertname":"Down","severity":"info","instance":"a"`, `"alertname":"Slow","severity":"info"`,
		`"alertname":"Dark","team":"night"`, `"alertname":"Quiet","severity":"warning"`, `"alertname":"Größe","côté":"gauche"`,
	} {
		alerts(fmt.Sprint("good ", i), "["+alertJSON(ago, hence, l)+"]")
	}
	alerts("resolved", "["+alertJSON(ago, now.Add(-time.Minute), `"alertname":"Past"`)+"]")
	alerts("several", "["+alertJSON(ago, hence, `"alertname":"One","n":"1"`)+","+alertJSON(ago, hence, `"alertname":"One","n":"2"`)+"]")
	alerts("empty list", `[]`)
	alerts("not JSON", `{`)
	alerts("not a list", `{}`)
	alerts("null", `null`)
	alerts("without labels", `[{"annotations":{"a":"b"}}]`)
	alerts("no labels", `[{"labels":{}}]`)
	alerts("bad name", `[{"labels":{"alertname":"x","":"y"}}]`)
	alerts("ends before it starts", "["+alertJSON(hence, ago, `"alertname":"Backwards"`)+"]")
	alerts("bad time", `[{"labels":{"alertname":"x"},"startsAt":"yesterday"}]`)
	alerts("bad URL", `[{"labels":{"alertname":"x"},"generatorURL":"::"}]`)
	alerts("number as value", `[{"labels":{"alertname":1}}]`)
	alerts("one good, one bad", "["+alertJSON(ago, hence, `"alertname":"Good"`)+`,{"labels":{}}]`)
	alerts("empty body", ``)
	q := postJSON("/api/v2/alerts", `[]`).with("Content-Type", "text/plain")
	q.name = "alerts: as text"
	out = append(out, q)

	silence := func(name, body, keep string) {
		q := postJSON("/api/v2/silences", body)
		q.name, q.keep, q.change = "silence: "+name, keep, true
		out = append(out, q)
	}
	quiet := `{"name":"alertname","value":"Quiet","isRegex":false,"isEqual":true}`
	silence("active", silenceJSON("", now, hence, quiet), "active")
	silence("pending", silenceJSON("", hence, hence.Add(time.Hour), `{"name":"a","value":"b.*","isRegex":true,"isEqual":true}`), "pending")
	silence("negative", silenceJSON("", now, hence, `{"name":"alertname","value":"Nothing","isRegex":false},{"name":"b","value":"c","isRegex":false,"isEqual":false}`), "negative")
	silence("to be deleted", silenceJSON("", now, hence, `{"name":"x","value":"y","isRegex":false}`), "deleted")
	// An active silence is changed in place only when it begins in the same second, and that is the server's own.
	silence("update", strings.Replace(silenceJSON("{active}", now, hence.Add(time.Minute), quiet), now.Format(time.RFC3339), "{active since}", 1), "active")
	silence("update of matchers makes a new one", silenceJSON("{negative}", now, hence, `{"name":"z","value":"z","isRegex":false}`), "replaced")
	for _, c := range [][2]string{
		{"unknown id", silenceJSON("11111111-1111-1111-1111-111111111111", now, hence, quiet)}, {"bad id", silenceJSON("x", now, hence, quiet)}, {"no matchers", silenceJSON("", now, hence, "")},
		{"bad expression", silenceJSON("", now, hence, `{"name":"a","value":"(","isRegex":true}`)}, {"matches everything", silenceJSON("", now, hence, `{"name":"a","value":"","isRegex":false}`)},
		{"bad name", silenceJSON("", now, hence, `{"name":"","value":"a","isRegex":false}`)}, {"ends before it starts", silenceJSON("", hence, now, quiet)}, {"ended", silenceJSON("", ago, ago.Add(time.Minute), quiet)},
		{"not JSON", `{`}, {"list", `[]`}, {"nothing", `{}`}, {"no comment", fmt.Sprintf(`{"matchers":[%s],"startsAt":%q,"endsAt":%q,"createdBy":"me"}`, quiet, now.Format(time.RFC3339), hence.Format(time.RFC3339))}, {"empty body", ``},
		{"bad time", `{"matchers":[` + quiet + `],"startsAt":"x","endsAt":"y","createdBy":"me","comment":"c"}`},
	} {
		silence(c[0], c[1], "")
	}
	gone := question{method: http.MethodDelete, path: "/api/v2/silence/{deleted}", change: true}
	out = append(out, gone, gone.named("DELETE a second time"),
		question{method: http.MethodDelete, path: "/api/v2/silence/11111111-1111-1111-1111-111111111111", change: true},
		question{method: http.MethodDelete, path: "/api/v2/silence/x", change: true})
	return out
}

// stateQuestions ask what both servers hold.
func stateQuestions(now time.Time) []question {
	var out []question
	add := func(q ...question) { out = append(out, q...) }
	v2 := func(path string, kv ...string) question {
		v := url.Values{}
		for i := 0; i < len(kv); i += 2 {
			v.Add(kv[i], kv[i+1])
		}
		if len(kv) > 0 {
			path += "?" + v.Encode()
		}
		return get("/api/v2/" + path)
	}
	const received = "each server notes when it received or changed something"
	alert := []string{"*.updatedAt", "*.endsAt"}
	add(v2("status").masked(build, "versionInfo.*").masked(machine, "uptime"), v2("receivers"),
		v2("receivers", "receiver_matchers", `name="team"`), v2("receivers", "receiver_matchers", "("))
	for _, kv := range [][]string{
		{}, {"filter", `severity="page"`}, {"filter", `severity=~"p.*"`}, {"filter", `severity!="page"`}, {"filter", `severity!~"p.*|"`}, {"filter", "("}, {"filter", `alertname="Down"`, "filter", `severity="info"`},
		{"filter", `"côté"="gauche"`}, {"filter", `a=~"("`}, {"active", "false"}, {"silenced", "false"}, {"inhibited", "false"}, {"unprocessed", "false"}, {"muted", "false"}, {"active", "x"}, {"silenced", "x"}, {"inhibited", "x"}, {"unprocessed", "x"},
		{"active", "false", "silenced", "true", "inhibited", "false"}, {"receiver", "pager"}, {"receiver", "te.*"}, {"receiver", "("}, {"receiver", "nobody"}, {"receiver_matchers", `name="pager"`}, {"receiver_matchers", "("}, {"unknown", "x"},
	} {
		add(v2("alerts", kv...).masked(received, alert...),
			v2("alerts/groups", kv...).masked(received, "*.alerts.*.updatedAt", "*.alerts.*.endsAt"))
	}
	for _, kv := range [][]string{{}, {"filter", `alertname="Quiet"`}, {"filter", `a=~"b.*"`}, {"filter", "("}, {"active", "false"}, {"expired", "false"}, {"pending", "false"}, {"active", "x"}} {
		add(v2("silences", kv...).masked(received, "*.updatedAt", "*.startsAt", "*.endsAt").sorted(""))
	}
	for _, id := range []string{"{active}", "{pending}", "{negative}", "{replaced}", "{deleted}"} {
		add(v2("silence/"+id).masked(received, "updatedAt", "startsAt", "endsAt"))
	}
	add(v2("silence/11111111-1111-1111-1111-111111111111"), v2("silence/x"), v2("silence/"), v2("silence"))
	for _, q := range []question{v2("nothing"), get("/api/v2"), get("/api/v2/"), v2("alerts/").masked(received, alert...), v2("alerts/nothing"), {method: http.MethodPut, path: "/api/v2/silences", change: true}, {method: http.MethodDelete, path: "/api/v2/alerts", change: true},
		{method: http.MethodPost, path: "/api/v2/status", change: true}, {method: http.MethodHead, path: "/api/v2/status"}, {method: http.MethodOptions, path: "/api/v2/alerts"}} {
		if q.method != http.MethodGet {
			q = q.masked("it lists the methods in the order of a map", "message")
		}
		add(q)
	}
	add(v2("alerts").with("Accept", "text/html").masked(received, alert...), v2("receivers").with("Accept-Encoding", "gzip"), v2("receivers").with("Origin", "http://karma.example"))
	for _, q := range []question{postJSON("/api/v1/alerts", `[]`), get("/api/v1/silences"), get("/api/v1/receivers"), postJSON("/api/v1/silences", `{}`).changes()} {
		add(q)
	}
	// The servers put times of their own into these, so they come last.
	for _, body := range []string{`[{"labels":{"alertname":"Timeless"}}]`, `[{"labels":{"alertname":"Empty","a":""}}]`, `[{"labels":{"alertname":"Known"},"unknown":1}]`} {
		add(postJSON("/api/v2/alerts", body).named("alerts: " + body))
	}
	add(v2("alerts").named("alerts without times").masked(received, append([]string{"*.startsAt"}, alert...)...))
	add(get("/-/healthy").deliberate(http.StatusOK, ownName), get("/-/ready").deliberate(http.StatusOK, ownName))
	// What only one of the two does comes last.
	quiet := `{"name":"alertname","value":"Nobody","isRegex":false,"isEqual":true}`
	add(postJSON("/api/v2/silences", silenceJSON("", now, now.Add(time.Hour), quiet)).named("silence: anonymous").deliberate(http.StatusUnauthorized, adminToken),
		question{method: http.MethodDelete, path: "/api/v2/silence/{pending}", name: "DELETE anonymous"}.deliberate(http.StatusUnauthorized, adminToken))
	return out
}
