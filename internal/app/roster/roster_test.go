package roster

import (
	"errors"
	"strings"
	"testing"
	"time"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/oncall"
)

// rosterOf makes the roster of a touchline.yaml.
func rosterOf(t *testing.T, text string, overrides map[string][]oncall.Override) (*Roster, error) {
	t.Helper()
	d := config.DynamicOf("touchline.yaml", []byte(text))
	return New(d, []string{"ops", "anna-mail", "li-phone"}, overrides)
}

const goodRoster = `
people:
  anna: {receivers: [anna-mail]}
  li: {receivers: [li-phone], quiet_hours: {time_zone: Asia/Shanghai, from: "22:00", to: "07:00"}}
schedules:
  primary:
    time_zone: Europe/Berlin
    layers:
      - {people: [anna, li], rotation: weekly, start: 2026-11-23T09:00}
      - {people: [li], rotation: daily, start: 2026-11-23T00:00, days: [sat, sun]}
    overrides:
      - {from: 2026-12-01T00:00:00Z, to: 2026-12-02T00:00:00Z, person: li}
    digest_receivers: [ops]
escalations:
  - name: critical
    match: ['severity="critical"', 'team=~"a|b"']
    steps:
      - schedule: primary
      - {wait: 5m, receivers: [ops], stop: resolved}
maintenance:
  - {name: nightly backup, match: ['job="db"'], time_zone: UTC, start: 2026-12-01T02:00, duration: 30m, rrule: FREQ=DAILY}
  - {name: weekly backup, match: ['job="api"'], time_zone: UTC, start: 2026-12-01T02:00, duration: 2h}
`

func TestRoster(t *testing.T) {
	r, err := rosterOf(t, goodRoster, map[string][]oncall.Override{"primary": {{
		From: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 25, 13, 0, 0, 0, time.UTC), User: "li",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		"2026-11-25T10:00:00+01:00": "anna", // Wednesday of anna's week
		"2026-11-28T10:00:00+01:00": "li",   // Saturday
		"2026-11-30T08:59:00+01:00": "anna",
		"2026-11-30T09:00:00+01:00": "li",
		"2026-11-25T12:30:00Z":      "li", // by an override
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.OnCall("primary", when, "warning"); err != nil || len(got) != 1 || got[0].Name != want {
			t.Errorf("%s: %+v, %v", at, got, err)
		}
	}
	night := time.Date(2026, 11, 28, 20, 0, 0, 0, time.UTC) // 04:00 in Shanghai
	for severity, quiet := range map[string]bool{"warning": true, "critical": false} {
		if got, err := r.OnCall("primary", night, severity); err != nil || got[0].Quiet != quiet || got[0].Receivers[0] != "li-phone" {
			t.Errorf("%s: %+v, %v", severity, got, err)
		}
	}
	for name, want := range map[string]string{"li": "li-phone", "zhang": ""} {
		if got := r.Reach(name, night, "warning"); got.Name != name || strings.Join(got.Receivers, " ") != want || got.Quiet != (want != "") {
			t.Errorf("%+v", got)
		}
	}
	r.People["li"].User = "zhang"
	if got := r.Reach("zhang", night, "critical"); got.Name != "zhang" || len(got.Receivers) != 1 || got.Quiet {
		t.Errorf("a user who is a person: %+v", got)
	}
	p := r.Policies[0]
	if !p.Matches(map[string]string{"severity": "critical", "team": "b"}) || p.Matches(map[string]string{"severity": "critical"}) || !p.Steps[1].UntilResolved {
		t.Errorf("%+v", p)
	}
}

// TestRosterRefuses breaks the good file in one way after the other.
func TestRosterRefuses(t *testing.T) {
	const page = `
status_page:
  folder: site
  components: [{id: api, name: API, alerts: [{match: ['service="api"']}]}]
  maintenance: [{title: Backup, components: [api], window: nightly}]
`
	for _, c := range []struct{ from, to, want string }{
		{"receivers: [anna-mail]", "receivers: [anna-fax]", `3:22: people.anna.receivers[0]: alertmanager.yml has no receiver "anna-fax"; did you mean "anna-mail"?`},
		{"Asia/Shanghai", "Local", `4:56: people.li.quiet_hours.time_zone: "Local" is not a time zone; write a name of the IANA database, such as Europe/Berlin`},
		{`from: "22:00"`, `from: "25:00"`, `4:77: people.li.quiet_hours.from: "25:00" is no time of day; write hours and minutes, such as 08:30`},
		{`to: "07:00"`, `to: "22:00"`, `4:90: people.li.quiet_hours.to: is the same as from, which could be a whole day or nothing; write 00:00 and 24:00 for whole days, or leave the hours out`},
		{"Europe/Berlin", "Europe/Bärlin", `7:16: schedules.primary.time_zone: "Europe/Bärlin" is not a time zone; write a name of the IANA database, such as Europe/Berlin`},
		{"people: [anna, li]", "people: [anna, bo]", `9:25: schedules.primary.layers[0].people[1]: the section people has no "bo"; write one of: anna, li`},
		{"start: 2026-11-23T09:00", "start: Monday", `9:55: schedules.primary.layers[0].start: "Monday" is not a time of the schedule's time zone; write one such as 2026-11-23T09:00`},
		{"rotation: weekly", "rotation: custom", `9:10: schedules.primary.layers[0].length: turns of 0s are not possible; write whole minutes, 1h to 8784h (366 days)`},
		{"days: [sat, sun]", "from: 8:00", `10:72: schedules.primary.layers[1].from: "8:00" is no time of day; write hours and minutes, such as 08:30`},
		{"days: [sat, sun]", `from: "08:00", to: "08:00"`, `10:85: schedules.primary.layers[1].to: is the same as from, which could be a whole day or nothing; write 00:00 and 24:00 for whole days, or leave the hours out`},
		{"person: li", "person: lee", `12:72: schedules.primary.overrides[0].person: the section people has no "lee"; did you mean "li"?`},
		{"to: 2026-12-02T00:00:00Z", "to: 2026-12-01T00:00:00Z", `12:42: schedules.primary.overrides[0].to: is not after from; write a later time`},
		{"digest_receivers: [ops]", "digest_receivers: [ops, oops]", `13:29: schedules.primary.digest_receivers[1]: alertmanager.yml has no receiver "oops"; did you mean "ops"?`},
		{`severity="critical"`, "severity critical", `16:13: escalations[0].match[0]: bad matcher format: severity critical; write a matcher such as severity="critical"`},
		{"schedule: primary", "schedule: secondary", `18:19: escalations[0].steps[0].schedule: the section schedules has no "secondary"; write one of: primary`},
		{"receivers: [ops], stop: resolved", "receivers: [root]", `19:32: escalations[0].steps[1].receivers[0]: alertmanager.yml has no receiver "root"; write one of: ops, anna-mail, li-phone`},
		{"name: weekly backup", "name: nightly backup", `22:12: maintenance[1].name: "nightly backup" is given twice; give each window its own`},
		{"match: ['job=\"db\"']", "match: ['job=']", `21:35: maintenance[0].match: all of them match a label that is missing, and with it alerts of everything; write at least one that does not, such as service="api" or service=~".+"`},
		{"match: ['job=\"db\"']", "match: [job]", `21:36: maintenance[0].match[0]: bad matcher format: job; write a matcher such as severity="critical"`},
		{"match: ['job=\"db\"']", "match: []", `21:35: maintenance[0].match: there is none, and a window that silences everything is not possible; write one such as service="api"`},
		{"start: 2026-12-01T02:00,", "start: midnight,", `21:72: maintenance[0].start: "midnight" is not a time of the window's time zone; write one such as 2026-12-24T22:00`},
		{"rrule: FREQ=DAILY", "rrule: FREQ=NEVER", `21:112: maintenance[0].rrule: FREQ=NEVER is not possible; write DAILY, WEEKLY, MONTHLY or YEARLY, or HOURLY for what comes more than once a day`},
		{"duration: 30m", "duration: 0s", `21:100: maintenance[0].duration: 0s is not possible; write whole seconds, 1m to 744h (31 days)`},
		{"duration: 2h", "duration: 0s", `22:100: maintenance[1].duration: 0s is not possible; write how long it is, such as 30m`},
		{"maintenance:\n", page[1:] + "maintenance:\n", `23:60: status_page.maintenance[0].window: the section maintenance has no window "nightly"; write one of: nightly backup, weekly backup`},
	} {
		_, err := rosterOf(t, strings.Replace(goodRoster, c.from, c.to, 1), nil)
		switch {
		case c.want == "" && err == nil:
		case err == nil || strings.TrimPrefix(err.Error(), "touchline.yaml:") != c.want:
			t.Errorf("%s: %v\nwant %s", c.to, err, c.want)
		}
	}
	if _, err := New(&config.Dynamic{}, nil, nil); err != nil {
		t.Error(err)
	}
}

// TestRosterTellsAll has several mistakes told at once, in the order of the file.
func TestRosterTellsAll(t *testing.T) {
	text := strings.NewReplacer("[anna-mail]", "[anna-fax]", "person: li", "person: lo", "FREQ=DAILY", "FREQ=DAILY;FREQ=DAILY;BYDAY=XX").Replace(goodRoster)
	r, err := rosterOf(t, text, nil)
	ps, ok := errors.AsType[config.Problems](err)
	if !ok || len(ps) != 4 || ps[0].Line != 3 || ps[1].Line != 12 || ps[2].Line != 21 || ps[3].Field != "maintenance[0].rrule" {
		t.Errorf("%v", err)
	}
	if r == nil || len(r.Windows) != 1 || len(r.Policies) != 1 {
		t.Errorf("what is left: %+v", r)
	}
}

func TestGaps(t *testing.T) {
	now := time.Date(2026, 12, 2, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ layers, want string }{
		{"{people: [anna, li], start: 2026-11-23T09:00}", ""},
		{"{people: [anna], start: 2026-11-23T09:00, days: [mon, tue, wed, thu, fri]}",
			"nobody is on call in 48 hours of each week, such as from Sat 00:00 to Mon 00:00; put a layer without days, from and to before the others, or give them longer hours"},
		// The week that is looked at begins with the last layer, in the middle of a gap.
		{`{people: [anna], start: 2026-11-28T09:00, days: [mon, tue, wed, thu, fri], from: "08:00", to: "18:00"}`, "nobody is on call in 118 hours of each week, such as from Fri 18:00 to Mon 08:00; "},
		{`{people: [anna], start: 2026-11-23T09:00, from: "08:00", to: "20:00"}, {people: [li], start: 2026-11-23T09:00, from: "20:00", to: "08:00"}`, ""},
		{`{people: [anna], start: 2026-11-23T09:00, from: "08:00", to: "20:00"}, {people: [li], start: 2026-11-23T09:00, from: "20:30", to: "08:00"}`, "nobody is on call in 3.5 hours of each week, such as from Mon 20:00 to Mon 20:30; "},
		{`{people: [anna], start: 2026-11-23T09:00, to: "20:00"}, {people: [li], start: 2026-11-23T09:00, from: "20:01", days: [mon, tue, wed, thu, fri, sat, sun]}`, "nobody is on call in 7 minutes of each week, "},
		{"{people: [anna], start: 2126-11-23T09:00}", "nobody is on call before 2126-11-23 09:00, when the first layer begins; write a start that is over for the layer that is to have somebody now"},
	} {
		d := config.DynamicOf("touchline.yaml", []byte("people: {anna: {receivers: [anna-mail]}, li: {receivers: [li-phone]}}\nschedules:\n  primary:\n    time_zone: Europe/Berlin\n    layers: ["+c.layers+"]\n"))
		r, err := New(d, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, p := range r.Gaps(d, now) {
			got += p.Error()
		}
		want := c.want
		if want != "" {
			want = "touchline.yaml:5:13: schedules.primary.layers: " + want
		}
		if got != want && (c.want == "" || !strings.HasSuffix(want, " ") || !strings.HasPrefix(got, want)) {
			t.Errorf("%s: %s\nwant %s", c.layers, got, want)
		}
	}
}
