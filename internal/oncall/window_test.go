package oncall

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func window(t testing.TB, o WindowOptions) *Window {
	t.Helper()
	if o.ID == "" {
		o.ID, o.Name = "backup", "Backup"
	}
	w, err := NewWindow(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// repeat is a window of one hour with a rule.
func repeat(t testing.TB, rule, start, loc string) WindowOptions {
	t.Helper()
	return WindowOptions{ID: "backup", Name: "Backup", Repeat: &Repeat{Rule: rule, Start: instant(t, start), Duration: time.Hour, Location: zone(t, loc)}}
}

// begins lists the starts of a window in a range.
func begins(t testing.TB, w *Window, from, to string) []string {
	t.Helper()
	got, err := w.Occurrences(instant(t, from), instant(t, to), MaxOccurrences)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, o := range got {
		out = append(out, o.From.Format(time.RFC3339))
	}
	return out
}

func TestWindowThatComesOnce(t *testing.T) {
	start, end := instant(t, "2026-03-29T01:00:00+01:00"), instant(t, "2026-03-29T04:00:00+02:00")
	w := window(t, WindowOptions{Once: &Once{Start: start, End: end}})
	if w.ID() != "backup" || w.Name() != "Backup" {
		t.Errorf("got %s, %s", w.ID(), w.Name())
	}
	for at, want := range map[time.Time]bool{start.Add(-1): false, start: true, end.Add(-1): true, end: false} {
		from, to, active := w.Occurrence(at)
		if active != want || want && (!from.Equal(start) || !to.Equal(end)) || !want && !(from.IsZero() && to.IsZero()) {
			t.Errorf("%s: got %s to %s, %t", at, from, to, active)
		}
	}
	if at, ok := w.NextStart(start.Add(-1)); !ok || !at.Equal(start) {
		t.Errorf("got %s, %t", at, ok)
	}
	for _, at := range []time.Time{start, end, end.AddDate(1, 0, 0)} {
		if next, ok := w.NextStart(at); ok {
			t.Errorf("after %s: begins again at %s", at, next)
		}
	}
	day := 24 * time.Hour
	for _, c := range []struct {
		from, to time.Time
		want     int
	}{
		{start.Add(-day), start, 0}, {start.Add(-day), start.Add(1), 1}, {end.Add(-1), end.Add(day), 1}, {end, end.Add(day), 0},
	} {
		if got, err := w.Occurrences(c.from, c.to, 5); err != nil || len(got) != c.want {
			t.Errorf("%s to %s: got %v, %v", c.from, c.to, got, err)
		}
	}
}

func TestWindowStaysAtItsTimeOfDay(t *testing.T) {
	for _, c := range []struct{ zone, rule, start, from, to, want string }{
		{"Europe/Berlin", "FREQ=WEEKLY;BYDAY=SU", "2026-03-01T04:00:00+01:00", "2026-03-20T00:00:00Z", "2026-04-06T00:00:00Z",
			"2026-03-22T04:00:00+01:00 2026-03-29T04:00:00+02:00 2026-04-05T04:00:00+02:00"},
		{"Europe/Berlin", "FREQ=WEEKLY", "2026-03-01T04:00:00+01:00", "2026-10-18T00:00:00Z", "2026-11-02T00:00:00Z",
			"2026-10-18T04:00:00+02:00 2026-10-25T04:00:00+01:00 2026-11-01T04:00:00+01:00"},
		{"America/New_York", "FREQ=DAILY", "2026-03-01T04:00:00-05:00", "2026-03-07T00:00:00-05:00", "2026-03-09T00:00:00-04:00",
			"2026-03-07T04:00:00-05:00 2026-03-08T04:00:00-04:00"},
		{"America/New_York", "FREQ=DAILY", "2026-03-01T04:00:00-05:00", "2026-10-31T00:00:00-04:00", "2026-11-02T00:00:00-05:00",
			"2026-10-31T04:00:00-04:00 2026-11-01T04:00:00-05:00"},
		{"Asia/Shanghai", "FREQ=DAILY;INTERVAL=2", "2026-03-27T02:30:00+08:00", "2026-03-28T00:00:00Z", "2026-04-01T00:00:00Z",
			"2026-03-29T02:30:00+08:00 2026-03-31T02:30:00+08:00"},
		// A time that is jumped over moves forward, and one that comes twice comes once.
		{"Europe/Berlin", "FREQ=DAILY", "2026-03-01T02:30:00+01:00", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z",
			"2026-03-28T02:30:00+01:00 2026-03-29T03:30:00+02:00 2026-03-30T02:30:00+02:00"},
		{"America/New_York", "FREQ=DAILY", "2026-03-01T02:30:00-05:00", "2026-03-08T00:00:00-05:00", "2026-03-09T00:00:00-04:00", "2026-03-08T03:30:00-04:00"},
		{"Europe/Berlin", "FREQ=DAILY", "2026-10-01T02:30:00+02:00", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", "2026-10-25T02:30:00+02:00"},
		// A start in the second of the two hours is the same reading as one in the first.
		{"Europe/Berlin", "FREQ=DAILY", "2026-10-25T02:30:00+01:00", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", "2026-10-25T02:30:00+02:00"},
		// The 02:45 that moves to 03:45 comes after the 03:00.
		{"Europe/Berlin", "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,45;BYSETPOS=2,3", "2026-03-29T00:00:00+01:00", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00",
			"2026-03-29T03:00:00+02:00 2026-03-29T03:45:00+02:00"},
		// And the 02:30 that moves to 03:30 is one with the 03:30.
		{"Europe/Berlin", "FREQ=HOURLY", "2026-03-29T01:30:00+01:00", "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z",
			"2026-03-29T01:30:00+01:00 2026-03-29T03:30:00+02:00 2026-03-29T04:30:00+02:00"},
		{"Antarctica/Troll", "FREQ=HOURLY", "2026-03-29T00:30:00+00:00", "2026-03-29T00:00:00Z", "2026-03-29T04:00:00Z",
			"2026-03-29T00:30:00Z 2026-03-29T03:30:00+02:00 2026-03-29T04:30:00+02:00 2026-03-29T05:30:00+02:00"},
	} {
		w := window(t, repeat(t, c.rule, c.start, c.zone))
		if got := strings.Join(begins(t, w, c.from, c.to), " "); got != c.want {
			t.Errorf("%s in %s: got\n%s; want\n%s", c.rule, c.zone, got, c.want)
		}
	}
}

func TestRules(t *testing.T) {
	for _, c := range []struct{ rule, start, want string }{
		{"FREQ=MONTHLY;BYDAY=1SU;COUNT=3", "2026-01-01T04:00:00Z", "2026-01-04 2026-02-01 2026-03-01"},
		{"RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", "2026-01-01T04:00:00Z", "2026-01-30 2026-02-27 2026-03-27"},
		{"freq=monthly;count=4", "2026-01-31T04:00:00Z", "2026-01-31 2026-03-31 2026-05-31 2026-07-31"}, // Months without a 31st are left out.
		{"FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", "2026-01-15T04:00:00Z", "2026-01-31 2026-02-28 2026-03-31"},
		{"FREQ=YEARLY;COUNT=3", "2028-02-29T04:00:00Z", "2028-02-29 2032-02-29 2036-02-29"},
		{"FREQ=YEARLY;BYYEARDAY=-1,100;COUNT=3", "2026-01-01T04:00:00Z", "2026-04-10 2026-12-31 2027-04-10"},
		{"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=3", "2026-01-01T04:00:00Z", "2026-01-30 2026-02-27 2026-03-31"},
		// The start is a Thursday, so its week has one of the two days left.
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO;COUNT=3", "2026-01-01T04:00:00Z", "2026-01-04 2026-01-13 2026-01-18"},
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU;COUNT=3", "2026-01-01T04:00:00Z", "2026-01-11 2026-01-13 2026-01-25"},
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU;COUNT=4", "2026-01-04T04:00:00Z", "2026-01-04 2026-01-05 2026-01-18 2026-01-19"},
		// A set begins with its period, also where that is before the start.
		{"FREQ=WEEKLY;BYDAY=MO,FR;BYSETPOS=1;COUNT=2", "2026-01-01T04:00:00Z", "2026-01-05 2026-01-12"},
		{"FREQ=DAILY;INTERVAL=10;UNTIL=20260121T040000Z", "2026-01-01T04:00:00Z", "2026-01-01 2026-01-11 2026-01-21"},
		{"FREQ=DAILY;INTERVAL=10;UNTIL=20260121T035959Z", "2026-01-01T04:00:00Z", "2026-01-01 2026-01-11"},
		{"FREQ=DAILY;INTERVAL=10;UNTIL=20260121T040000", "2026-01-01T04:00:00Z", "2026-01-01 2026-01-11 2026-01-21"},
		{"FREQ=DAILY;INTERVAL=10;UNTIL=20260121", "2026-01-01T04:00:00Z", "2026-01-01 2026-01-11 2026-01-21"},
		{"FREQ=DAILY;INTERVAL=10;UNTIL=20260120", "2026-01-01T04:00:00Z", "2026-01-01 2026-01-11"},
		{"FREQ=HOURLY;INTERVAL=36;COUNT=3", "2026-01-01T04:00:00Z", "2026-01-01 2026-01-02 2026-01-04"},
	} {
		var got []string
		for _, s := range begins(t, window(t, repeat(t, c.rule, c.start, "UTC")), "2000-01-01T00:00:00Z", "2040-01-01T00:00:00Z") {
			got = append(got, s[:10])
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: got %s; want %s", c.rule, s, c.want)
		}
	}
}

// TestRulesAskedLater asks for ten years at once and a week at a time: the
// intervals must be counted from the start either way.
func TestRulesAskedLater(t *testing.T) {
	for _, rule := range []string{
		"FREQ=YEARLY;INTERVAL=3", "FREQ=YEARLY;INTERVAL=2;BYDAY=20MO,-1SU", "FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=1,-1", "FREQ=MONTHLY;INTERVAL=7;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
		"FREQ=WEEKLY;INTERVAL=3;BYDAY=SU,MO;WKST=SU", "FREQ=WEEKLY;INTERVAL=3;BYDAY=SU,MO", "FREQ=DAILY;INTERVAL=17", "FREQ=HOURLY;INTERVAL=1000", "FREQ=DAILY;INTERVAL=11;COUNT=100",
	} {
		w := window(t, repeat(t, rule, "2026-03-01T10:00:00+01:00", "Europe/Berlin"))
		from, to := instant(t, "2026-03-01T00:00:00+01:00"), instant(t, "2036-03-02T00:00:00+01:00")
		all, err := w.Occurrences(from, to, MaxOccurrences)
		if err != nil {
			t.Fatal(err)
		}
		var pieces []Occurrence
		for ; from.Before(to); from = from.AddDate(0, 0, 7) {
			end := from.AddDate(0, 0, 7)
			if to.Before(end) {
				end = to
			}
			week, err := w.Occurrences(from, end, MaxOccurrences)
			if err != nil {
				t.Fatal(err)
			}
			pieces = append(pieces, week...)
		}
		if fmt.Sprint(pieces) != fmt.Sprint(all) || len(all) < 4 {
			t.Errorf("%s: got\n%v\nwant\n%v", rule, pieces, all)
		}
	}
}

// TestUntilIsInTheZone has ends that are other instants in UTC.
func TestUntilIsInTheZone(t *testing.T) {
	for until, want := range map[string]int{"20260103": 3, "20260102": 2, "20260103T010000": 3, "20260103T005959": 2, "20260102T170000Z": 3, "20260102T165959Z": 2} {
		w := window(t, repeat(t, "FREQ=DAILY;UNTIL="+until, "2026-01-01T01:00:00+08:00", "Asia/Shanghai"))
		if got := begins(t, w, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"); len(got) > want || len(begins(t, w, "2025-01-01T00:00:00Z", "2027-01-01T00:00:00Z")) != want {
			t.Errorf("until %s: got %v; want %d", until, got, want)
		}
	}
}

func TestOccurrence(t *testing.T) {
	o := repeat(t, "FREQ=DAILY", "2026-03-01T23:00:00Z", "UTC")
	o.Repeat.Duration = 30 * time.Hour // Each overlaps the next by six hours.
	w := window(t, o)
	for _, c := range []struct{ at, from string }{
		{"2026-03-01T22:59:59Z", ""},
		{"2026-03-01T23:00:00Z", "2026-03-01T23:00:00Z"},
		{"2026-03-02T22:59:59Z", "2026-03-01T23:00:00Z"},
		{"2026-03-02T23:00:00Z", "2026-03-02T23:00:00Z"}, // Two at once: the one that ends last.
		{"2036-03-03T04:00:00Z", "2036-03-02T23:00:00Z"},
	} {
		from, to, active := w.Occurrence(instant(t, c.at))
		if active != (c.from != "") || active && (!from.Equal(instant(t, c.from)) || to.Sub(from) != 30*time.Hour) {
			t.Errorf("%s: got %s to %s, %t", c.at, from, to, active)
		}
	}

	o.Repeat.Duration, o.Repeat.Rule = time.Hour, "FREQ=DAILY;COUNT=2"
	w = window(t, o)
	for at, want := range map[string]bool{"2026-03-02T23:59:59Z": true, "2026-03-03T00:00:00Z": false, "2026-03-03T23:30:00Z": false} {
		if from, _, active := w.Occurrence(instant(t, at)); active != want {
			t.Errorf("%s: got %s, %t", at, from, active)
		}
	}
	// What ends when the range begins is not in it, nor what begins when it ends.
	if got := begins(t, w, "2026-03-02T00:00:00Z", "2026-03-02T23:00:00Z"); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	if next, ok := w.NextStart(instant(t, "2026-03-02T23:00:00Z")); ok {
		t.Errorf("comes a third time at %s", next)
	}
	if next, ok := w.NextStart(instant(t, "2026-03-02T22:59:59Z")); !ok || !next.Equal(instant(t, "2026-03-02T23:00:00Z")) {
		t.Errorf("got %s, %t", next, ok)
	}
}

func TestOccurrencesAreLimited(t *testing.T) {
	w := window(t, repeat(t, "FREQ=HOURLY", "2026-03-01T00:00:00Z", "UTC"))
	from, to := instant(t, "2026-03-01T00:00:00Z"), instant(t, "2199-01-01T00:00:00Z")
	if got, err := w.Occurrences(from, to, 3); err != nil || len(got) != 3 || !got[2].From.Equal(from.Add(2*time.Hour)) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := w.Occurrences(from, to, MaxOccurrences); err != nil || len(got) != MaxOccurrences {
		t.Errorf("got %d, %v", len(got), err)
	}
	for _, limit := range []int{-1, 0, MaxOccurrences + 1} {
		if _, err := w.Occurrences(from, to, limit); err == nil || !strings.Contains(err.Error(), "ask for 1 to 1000") {
			t.Errorf("limit %d: got %v", limit, err)
		}
	}
	if _, err := w.Occurrences(to, from, 1); err == nil || !strings.Contains(err.Error(), "ends before it begins") {
		t.Errorf("got %v", err)
	}
}

// TestRuleEndsWithTheLastYear asks before, at and long after the end of all rules.
func TestRuleEndsWithTheLastYear(t *testing.T) {
	for _, freq := range []string{"HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"} {
		w := window(t, repeat(t, "FREQ="+freq, "2026-03-01T10:00:00Z", "Pacific/Apia"))
		if next, ok := w.NextStart(time.Date(2199, 12, 31, 23, 59, 59, 0, zone(t, "Pacific/Apia"))); ok {
			t.Errorf("%s: begins at %s", freq, next)
		}
		if next, ok := w.NextStart(instant(t, "2198-12-31T00:00:00Z")); !ok || next.Before(instant(t, "2198-12-31T00:00:00Z")) {
			t.Errorf("%s: got %s, %t", freq, next, ok)
		}
		for _, year := range []int{2200, 2400, 9999, 20_000} {
			at := time.Date(year, 1, 2, 0, 0, 0, 0, time.UTC)
			if next, ok := w.NextStart(at); ok {
				t.Errorf("%s: begins at %s after %s", freq, next, at)
			}
			if from, _, active := w.Occurrence(at); active {
				t.Errorf("%s: began at %s, active at %s", freq, from, at)
			}
		}
		if first, ok := w.NextStart(time.Time{}); !ok || first.Before(instant(t, "2026-03-01T10:00:00Z")) || first.After(instant(t, "2026-03-01T10:00:00Z")) {
			t.Errorf("%s: begins at %s, %t", freq, first, ok)
		}
	}
}

// TestHostileRules has what makes the library, or others of its kind, hang,
// panic or fill the memory. It fails by the time limit of the test run.
func TestHostileRules(t *testing.T) {
	for rule, want := range map[string]string{
		"FREQ=SECONDLY":                           "FREQ=SECONDLY is not possible",
		"FREQ=MINUTELY;INTERVAL=7;BYMINUTE=3":     "FREQ=MINUTELY is not possible",
		"FREQ=HOURLY;INTERVAL=2;BYHOUR=1":         "every 2 hours from 0 o'clock are none of the hours of BYHOUR",
		"FREQ=HOURLY;INTERVAL=24;BYHOUR=5,17":     "every 24 hours from 0 o'clock are none of the hours of BYHOUR",
		"FREQ=HOURLY;INTERVAL=999;BYHOUR=1":       "every 999 hours from 0 o'clock are none of the hours of BYHOUR",
		"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30":      "gives nothing from 2026-01-01T00:00:00Z until 2199-12-31T23:59:59Z",
		"FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30":     "gives nothing",
		"FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=4":    "gives nothing",
		"FREQ=YEARLY;BYYEARDAY=1;BYMONTH=6":       "gives nothing",
		"FREQ=YEARLY;BYDAY=53MO;BYMONTH=12":       "BYDAY asks for day 53, where there are 5 at most",
		"FREQ=MONTHLY;BYDAY=-53MO":                "BYDAY asks for day 53, where there are 5 at most",
		"FREQ=DAILY;INTERVAL=0":                   "INTERVAL=0 is not possible",
		"FREQ=DAILY;INTERVAL=9223372036854775807": "INTERVAL=9223372036854775807 is not possible",
		"FREQ=DAILY;COUNT=1000000000":             "COUNT=1000000000 is not possible",
		"FREQ=DAILY;UNTIL=20200101T000000Z":       "gives nothing",
		"FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23;BYMINUTE=0,10,20,30,40": "begins 120 times a day, more than 96",
		"FREQ=HOURLY;BYMINUTE=0,1,2,3,4":                         "begins 120 times a day, more than 96",
		"FREQ=DAILY;BYDAY=" + strings.Repeat("MO,", 1000) + "MO": "more than 2000",
	} {
		_, err := NewWindow(repeat(t, rule, "2026-01-01T00:00:00Z", "UTC"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "repeat.rule: ") {
			t.Errorf("%s: got %v; want %s", rule, err, want)
		}
	}

	all := func(low, high int) string {
		var out []string
		for n := low; n <= high; n++ {
			out = append(out, fmt.Sprint(n))
		}
		return strings.Join(out, ",")
	}
	// Allowed, and heavy: as many days and times as there can be, and as few.
	for _, rule := range []string{
		"FREQ=YEARLY;BYYEARDAY=" + all(1, 366) + ";BYHOUR=" + all(0, 23) + ";BYMINUTE=0,15,30,45",
		"FREQ=HOURLY;BYMINUTE=0,15,30,45",
		"FREQ=YEARLY;BYSETPOS=-1;BYHOUR=" + all(0, 23) + ";BYMINUTE=0,15,30,45;BYMONTHDAY=" + all(1, 31),
		"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU",
		"FREQ=HOURLY;INTERVAL=1000",
		"FREQ=YEARLY;INTERVAL=1000;BYYEARDAY=366", // The year 3024 is too far away, but 2024 is not.
	} {
		o := repeat(t, rule, "2024-01-01T00:00:00Z", "UTC")
		o.Repeat.Duration = maxDuration
		w := window(t, o)
		for _, year := range []int{2024, 2100, 2199} {
			at := time.Date(year, 12, 31, 12, 0, 0, 0, time.UTC)
			if next, ok := w.NextStart(at); ok && !next.After(at) {
				t.Errorf("%.60s: %s is not after %s", rule, next, at)
			}
			if from, to, active := w.Occurrence(at); active && (from.After(at) || !to.After(at)) {
				t.Errorf("%.60s: %s to %s is not at %s", rule, from, to, at)
			}
		}
	}
}

func TestNewWindowNamesMistakes(t *testing.T) {
	at := instant(t, "2026-03-01T00:00:00Z")
	for _, c := range []struct {
		name string
		o    WindowOptions
		want []string
	}{
		{"nothing", WindowOptions{}, []string{
			"id: is empty; write an id",
			"name: is empty; write a name that says what is done",
			"once: is not set, and repeat is not either; write one of them",
		}},
		{"both", WindowOptions{ID: "a", Name: "a", Once: &Once{}, Repeat: &Repeat{}}, []string{"repeat: is set beside once; write one of them"}},
		{"once, not set", WindowOptions{ID: "a", Name: "a", Once: &Once{}}, []string{
			"once.start: is not set; write a time such as 2026-03-29T08:00:00Z",
			"once.end: is not set; write a time such as 2026-03-29T08:00:00Z",
		}},
		{"once, far away", WindowOptions{ID: "a", Name: "a", Once: &Once{at, at.AddDate(7000, 0, 0)}}, []string{
			"once.end: the year 9026 is outside 1970 to 2199; write a time such as 2026-03-29T08:00:00Z",
		}},
		{"once, the wrong way round", WindowOptions{ID: "a", Name: "a", Once: &Once{at, at}}, []string{"once.end: is not after start; write a later time"}},
		{"once, too long", WindowOptions{ID: "a", Name: "a", Once: &Once{at, at.AddDate(2, 0, 0)}}, []string{
			"once.end: is more than 366 days after start; write an earlier time: what lasts so long is not maintenance",
		}},
		{"repeat, not set", WindowOptions{ID: "a", Name: "a", Repeat: &Repeat{}}, []string{
			"repeat.location: there is no time zone; write one of the IANA names, such as Europe/Berlin",
			"repeat.start: is not set; write a time such as 2026-03-29T08:00:00Z",
			"repeat.duration: 0s is not possible; write whole seconds, 1m to 744h (31 days)",
			"repeat.rule: is empty; write a rule such as FREQ=WEEKLY;BYDAY=SU",
		}},
		{"repeat, fractions", WindowOptions{ID: "a", Name: "a", Repeat: &Repeat{Rule: "FREQ=DAILY", Start: at.Add(1), Duration: time.Minute + 1, Location: time.UTC}}, []string{
			"repeat.start: has fractions of a second; write whole seconds",
			"repeat.duration: 1m0.000000001s is not possible; write whole seconds, 1m to 744h (31 days)",
		}},
	} {
		_, err := NewWindow(c.o)
		if got := mistakes(t, err); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q; want %q", c.name, got, c.want)
		}
	}
}

func TestRulesThatAreWrong(t *testing.T) {
	parts := `FREQ, INTERVAL, COUNT, UNTIL, WKST, BYMONTH, BYMONTHDAY, BYYEARDAY, BYDAY, BYHOUR, BYMINUTE, BYSECOND or BYSETPOS`
	for rule, want := range map[string][]string{
		"BYDAY=SU":               {"has no FREQ; write FREQ=DAILY, WEEKLY, MONTHLY or YEARLY first"},
		"every sunday":           {`"EVERY SUNDAY" has no =; write parts such as BYDAY=SU with ; between them`, "has no FREQ; write FREQ=DAILY, WEEKLY, MONTHLY or YEARLY first"},
		"FREQ=DAILY;":            {`"" has no =; write parts such as BYDAY=SU with ; between them`},
		"FREQ=DAILY;FREQ=WEEKLY": {"FREQ is there twice; write it once"},
		"FREQ=DAILY;BYEASTER=0;DTSTART=20260101T000000Z": {`"BYEASTER" is no part of a rule; write ` + parts, `"DTSTART" is no part of a rule; write ` + parts},
		"FREQ=DAILY;COUNT=2;UNTIL=20270101":              {"has COUNT and UNTIL; write one of them"},
		"FREQ=DAILY;UNTIL=2027-01-01":                    {"UNTIL=2027-01-01 is not possible; write UTC such as 20261231T235959Z, or a last day such as 20261231"},
		"FREQ=DAILY;UNTIL=20270230":                      {"UNTIL=20270230 is not possible; write UTC such as 20261231T235959Z, or a last day such as 20261231"},
		"FREQ=DAILY;WKST=MONDAY":                         {"WKST=MONDAY is not possible; write one of MO, TU, WE, TH, FR, SA and SU"},
		"FREQ=WEEKLY;BYDAY=SU,XX":                        {"BYDAY=SU,XX is not possible; write days such as MO, or 1MO and -1FR for the first Monday and the last Friday"},
		"FREQ=MONTHLY;BYDAY=0MO":                         {"BYDAY=0MO is not possible; write 1MO for the first Monday, -1MO for the last, or MO for each"},
		"FREQ=MONTHLY;BYDAY=1MO,TU":                      {"BYDAY has days with and without a number; write either, and a second window for the other"},
		"FREQ=WEEKLY;BYDAY=1MO":                          {"a number in BYDAY has no meaning with FREQ=WEEKLY; write days such as MO, or FREQ=MONTHLY"},
		"FREQ=MONTHLY;BYDAY=6MO":                         {"BYDAY asks for day 6, where there are 5 at most; write 1 to 5"},
		"FREQ=YEARLY;BYDAY=-54MO":                        {"BYDAY asks for day 54, where there are 53 at most; write 1 to 53"},
		"FREQ=WEEKLY;BYMONTHDAY=1":                       {"BYMONTHDAY has no meaning with FREQ=WEEKLY; write BYDAY, or FREQ=MONTHLY"},
		"FREQ=MONTHLY;BYYEARDAY=1":                       {"BYYEARDAY has no meaning with FREQ=MONTHLY; write FREQ=YEARLY"},
		"FREQ=YEARLY;BYWEEKNO=1":                         {"BYWEEKNO is not supported, because weeks at the turn of the year are counted in different ways; write BYMONTH or BYYEARDAY with BYDAY, or FREQ=WEEKLY with INTERVAL"},
		"FREQ=DAILY;BYSETPOS=1":                          {"BYSETPOS has nothing to choose from; write another BY… part beside it, such as BYDAY=MO,TU,WE,TH,FR"},
		"FREQ=DAILY;BYHOUR=24;BYMINUTE=-1;BYSECOND=60":   {"BYHOUR=24 is not possible; write 0 to 23", "BYMINUTE=-1 is not possible; write 0 to 59", "BYSECOND=60 is not possible; write 0 to 59"},
		"FREQ=MONTHLY;BYMONTHDAY=0":                      {"BYMONTHDAY=0 is not possible; write 1 to 31 or -31 to -1"},
		"FREQ=DAILY;INTERVAL=1,2":                        {"INTERVAL=1,2 is not possible; write 1 to 1000"},
		"FREQ=DAILY;INTERVAL=":                           {"INTERVAL= is not possible; write 1 to 1000"},
	} {
		_, err := NewWindow(repeat(t, rule, "2026-01-01T00:00:00Z", "UTC"))
		if err == nil {
			t.Errorf("%s: no error", rule)
			continue
		}
		for i := range want {
			if !strings.HasPrefix(want[i], "repeat.rule: ") {
				want[i] = "repeat.rule: " + want[i]
			}
		}
		if got := mistakes(t, err); !slices.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", rule, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// FuzzRule gives NewWindow any rule: it must say no, or the window must give
// occurrences that agree with each other, in bounded time.
func FuzzRule(f *testing.F) {
	for _, s := range []string{
		"FREQ=WEEKLY;BYDAY=SU", "RRULE:FREQ=MONTHLY;BYDAY=-1FR,1MO;INTERVAL=3;COUNT=4", "FREQ=YEARLY;BYDAY=53MO;WKST=SU",
		"FREQ=HOURLY;INTERVAL=5;BYHOUR=1,2;BYMINUTE=0,30;BYSECOND=59", "FREQ=DAILY;UNTIL=20270101T000000Z;BYMONTH=2,12;BYMONTHDAY=-1",
		"FREQ=YEARLY;BYYEARDAY=-366,1,366;BYSETPOS=-1,1", "FREQ=SECONDLY", "FREQ=DAILY;BYMONTHDAY=30;BYMONTH=2", "freq=daily;byhour=1;;",
	} {
		f.Add(s, int64(1_774_742_400), int64(60), int64(86_400*100))
	}
	berlin := zone(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, text string, start, minutes, after int64) {
		w, err := NewWindow(WindowOptions{ID: "w", Name: "w", Repeat: &Repeat{
			Rule: text, Start: time.Unix(start, 0), Duration: time.Duration(minutes%50_000) * time.Minute, Location: berlin,
		}})
		if err != nil {
			return
		}
		from := time.Unix(start, 0).Add(time.Duration(after%6_000_000_000) * time.Second)
		next, ok := w.NextStart(from)
		list, err := w.Occurrences(from, time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC), 50)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range list {
			if i > 0 && !o.From.After(list[i-1].From) || !o.To.After(from) {
				t.Fatalf("%q after %s: %v", text, from, list)
			}
			if ok && o.From.After(from) && o.From.Before(next) {
				t.Fatalf("%q after %s: next is %s, but %s is sooner", text, from, next, o.From)
			}
		}
		begin, end, active := w.Occurrence(from)
		if active && (begin.After(from) || !end.After(from) || len(list) == 0 || list[0].From.After(begin)) {
			t.Fatalf("%q at %s: active %s to %s, list %v", text, from, begin, end, list)
		}
		if !active && len(list) > 0 && (!ok || !list[0].From.Equal(next)) {
			t.Fatalf("%q at %s: next %s, %t, list %v", text, from, next, ok, list)
		}
	})
}
