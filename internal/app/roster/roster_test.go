package roster

import (
	"strings"
	"testing"
	"time"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/oncall"
)

// rosterOf makes the roster of a touchline.yaml.
func rosterOf(t *testing.T, text string, overrides map[string][]oncall.Override) (*Roster, error) {
	t.Helper()
	d, _ := config.DynamicOf("touchline.yaml", []byte(text))
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
escalations:
  - name: critical
    match: ['severity="critical"', 'team=~"a|b"']
    steps:
      - schedule: primary
      - {wait: 5m, receivers: [ops], stop: resolved}
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
	p := r.Policies[0]
	if !p.Matches(map[string]string{"severity": "critical", "team": "b"}) || p.Matches(map[string]string{"severity": "critical"}) || !p.Steps[1].UntilResolved {
		t.Errorf("%+v", p)
	}
}

func TestRosterRefuses(t *testing.T) {
	for change, want := range map[string]string{
		"receivers: [anna-mail]|receivers: [anna-fax]":       `people.anna.receivers[0]: alertmanager.yml has no receiver "anna-fax"; it has ops, anna-mail, li-phone`,
		"Europe/Berlin|Europe/Bärlin":                        `schedules.primary: "Europe/Bärlin" is not a time zone`,
		"people: [anna, li]|people: [anna, bo]":              `schedules.primary.layers[0].people: the section people has no "bo"; it has anna, li`,
		"start: 2026-11-23T09:00|start: Monday":              `schedules.primary: layers[0].start: "Monday" is not a time of the schedule's time zone`,
		"schedule: primary|schedule: secondary":              `escalations[0].steps[0].schedule: there is no schedule "secondary"; there is primary`,
		`severity="critical"|severity critical`:              `escalations[0].match: `,
		`from: "22:00"|from: "25:00"`:                        `people.li.quiet_hours: `,
		"receivers: [ops], stop: resolved|receivers: [root]": `escalations[0].steps[1].receivers: alertmanager.yml has no receiver "root"`,
	} {
		from, to, _ := strings.Cut(change, "|")
		if strings.HasPrefix(change, `severity`) {
			from, to = `severity="critical"`, "severity critical"
		}
		_, err := rosterOf(t, strings.Replace(goodRoster, from, to, 1), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", change, err, want)
		}
	}
	page := goodRoster + `
status_page:
  folder: site
  components: [{id: api, name: API, alerts: [{match: ['service="api"']}]}]
  maintenance: [{title: Backup, components: [api], window: nightly}]
`
	if _, err := rosterOf(t, page, nil); err == nil || !strings.Contains(err.Error(), `status_page.maintenance[0].window: there is no maintenance window "nightly"; there is none`) {
		t.Error(err)
	}
	if _, err := New(&config.Dynamic{}, nil, nil); err != nil {
		t.Error(err)
	}
}
