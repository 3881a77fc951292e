package lint

import (
	"strings"
	"testing"
)

// TestRoster has the check say of people, schedules, escalations and windows
// what the server would refuse, each at its place, all at once.
func TestRoster(t *testing.T) {
	write := writer(t)
	write("alertmanager.yml", "route: {receiver: ops}\nreceivers:\n  - name: ops\n  - name: anna-mail\n")
	good := `alertmanager: {config: alertmanager.yml}
people:
  anna: {receivers: [anna-mail]}
schedules:
  primary:
    time_zone: Europe/Berlin
    layers: [{people: [anna], rotation: weekly, start: 2026-11-23T09:00}]
escalations:
  - name: critical
    match: ['severity="critical"']
    steps:
      - {schedule: primary}
      - {wait: 5m, receivers: [ops]}
maintenance:
  - {name: nightly, match: ['job="db"'], time_zone: UTC, start: 2026-12-01T02:00, duration: 30m, rrule: FREQ=DAILY}
`
	path := write("touchline.yaml", good)
	if found := CheckTouchline(path, []byte(good)); len(found) > 0 {
		t.Errorf("found %v", found)
	}
	bad := strings.NewReplacer(
		"receivers: [anna-mail]", "receivers: [anna-fax]", "people: [anna]", "people: [bo]", "schedule: primary", "schedule: secondary",
		"receivers: [ops]", "receivers: [oops]", "FREQ=DAILY", "FREQ=NEVER",
	).Replace(good)
	write("touchline.yaml", bad)
	var got []string
	for _, f := range CheckTouchline(path, []byte(bad)) {
		got = append(got, strings.TrimPrefix(f.String(), path))
	}
	want := []string{
		`:3:22: error: people.anna.receivers[0]: alertmanager.yml has no receiver "anna-fax"; it has ops, anna-mail`,
		`:7:23: error: schedules.primary.layers[0].people: the section people has no "bo"; it has anna`,
		`:12:20: error: escalations[0].steps[0].schedule: there is no schedule "secondary"; there is primary`,
		`:13:31: error: escalations[0].steps[1].receivers: alertmanager.yml has no receiver "oops"; it has ops, anna-mail`,
		`:15:6: error: maintenance[0]: `,
	}
	if len(got) != len(want) {
		t.Fatalf("got\n%s", strings.Join(got, "\n"))
	}
	for n := range want {
		if !strings.HasPrefix(got[n], want[n]) {
			t.Errorf("got %s\nwant %s", got[n], want[n])
		}
	}
	// Without an alertmanager.yml in the file a flag may name one: its receivers are not known.
	alone := strings.Replace(bad, "alertmanager: {config: alertmanager.yml}\n", "", 1)
	write("touchline.yaml", alone)
	if found := CheckTouchline(path, []byte(alone)); len(found) != 3 {
		t.Errorf("found %v", found)
	}
}
