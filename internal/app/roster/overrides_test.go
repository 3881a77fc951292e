package roster

import (
	"strings"
	"testing"
	"time"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/internal/oncall"
)

func TestOverrides(t *testing.T) {
	day := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	of := func(id int64, schedule, person string, hours, length int) incident.Override {
		from := day.Add(time.Duration(hours) * time.Hour)
		return incident.Override{ID: id, Schedule: schedule, Person: person, From: from, To: from.Add(time.Duration(length) * time.Hour)}
	}
	d := &config.Dynamic{
		People:    map[string]config.Person{"anna": {}, "li": {}},
		Schedules: map[string]config.Schedule{"primary": {Overrides: make([]config.Override, 2)}, "second": {}},
	}
	taken, refused := Overrides(d, []incident.Override{
		of(1, "primary", "li", 5, 5), of(2, "primary", "anna", 4, 5), of(3, "second", "anna", 0, 400*24),
		of(4, "second", "anna", 0, 400*24+1), of(5, "gone", "anna", 0, 1), of(6, "primary", "bo", 0, 1), of(7, "primary", "li", 0, 0),
	})
	if p := taken["primary"]; len(p) != 2 || p[0].User != "anna" || p[1].User != "li" || len(taken["second"]) != 1 {
		t.Errorf("%+v", taken)
	}
	want := []string{
		"to: is more than 400 days after from; write a change of the layers",
		`the section schedules of touchline.yaml has no "gone"; it has primary, second`,
		`the section people of touchline.yaml has no "bo"; it has anna, li`,
		"to: is not after from; write a later time",
	}
	if len(refused) != len(want) {
		t.Fatalf("%+v", refused)
	}
	for n, r := range refused {
		if r.ID != int64(n+4) || !strings.HasPrefix(r.Err.Error(), want[n]) {
			t.Errorf("%d is refused: %s\nwant %s", r.ID, r.Err, want[n])
		}
	}
	// Those of the file have room before those made by API, of which the oldest have it.
	var many []incident.Override
	for id := range int64(oncall.MaxOverrides) {
		many = append(many, of(id+1, "primary", "li", 1000-int(id), 1))
	}
	taken, refused = Overrides(d, many)
	if len(taken["primary"]) != oncall.MaxOverrides-2 || len(refused) != 2 || refused[0].ID != oncall.MaxOverrides-1 || refused[1].ID != oncall.MaxOverrides {
		t.Errorf("%d taken, refused %+v", len(taken["primary"]), refused)
	}
}

// TestOnCallWithoutThem has somebody on call whom the people no longer have.
func TestOnCallWithoutThem(t *testing.T) {
	r, err := rosterOf(t, goodRoster, nil)
	if err != nil {
		t.Fatal(err)
	}
	delete(r.People, "anna")
	on, err := r.OnCall("primary", time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), "critical")
	if len(on) != 0 || err == nil || err.Error() != "anna is on call in primary and cannot be called: the section people does not have them" {
		t.Errorf("%+v, %v", on, err)
	}
}
