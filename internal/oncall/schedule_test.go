package oncall

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// weekly is a schedule of one weekly layer that hands over on Mondays at 08:00.
func weekly(t testing.TB, loc string, people ...string) ScheduleOptions {
	t.Helper()
	return ScheduleOptions{Name: "platform", Location: zone(t, loc), Layers: []Layer{{
		Name: "primary", People: people,
		Rotation: Rotation{Shift: Weekly, Start: date(t, "2026-03-02"), HandOver: clock(t, "08:00")},
	}}}
}

func schedule(t testing.TB, o ScheduleOptions) *Schedule {
	t.Helper()
	s, err := NewSchedule(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// says checks who is on call at each instant: "time who", "-" for nobody.
func says(t *testing.T, s *Schedule, want ...string) {
	t.Helper()
	for _, line := range want {
		at, who, _ := strings.Cut(line, " ")
		got := "-"
		if users := s.At(instant(t, at)); len(users) == 1 {
			got = users[0]
		} else if len(users) > 1 {
			t.Errorf("%s: %v at once", at, users)
		}
		if got != who {
			t.Errorf("%s: got %s; want %s", at, got, who)
		}
	}
}

func TestHandOversStayAtTheirTimeOfDay(t *testing.T) {
	berlin := schedule(t, weekly(t, "Europe/Berlin", "ann", "bob"))
	says(t, berlin,
		"2026-03-02T07:59:59+01:00 -",
		"2026-03-02T08:00:00+01:00 ann",
		"2026-03-09T07:59:59+01:00 ann",
		"2026-03-09T08:00:00+01:00 bob",
		"2026-03-30T07:59:59+02:00 bob", // The week of the change has 167 hours.
		"2026-03-30T08:00:00+02:00 ann",
		"2026-10-26T07:59:59+01:00 bob", // And this one 169.
		"2026-10-26T08:00:00+01:00 ann",
	)
	newYork := schedule(t, weekly(t, "America/New_York", "ann", "bob"))
	says(t, newYork,
		"2026-03-09T07:59:59-04:00 ann",
		"2026-03-09T08:00:00-04:00 bob",
		"2026-11-02T07:59:59-05:00 ann",
		"2026-11-02T08:00:00-05:00 bob",
	)
	shanghai := schedule(t, weekly(t, "Asia/Shanghai", "ann", "bob"))
	says(t, shanghai,
		"2026-03-30T07:59:59+08:00 bob",
		"2026-03-30T08:00:00+08:00 ann",
		"2026-10-26T08:00:00+08:00 ann",
	)
}

func TestHandOverThatTheClockJumpsOver(t *testing.T) {
	o := weekly(t, "Europe/Berlin", "ann", "bob")
	o.Layers[0].Rotation = Rotation{Shift: Daily, Start: date(t, "2026-03-28"), HandOver: clock(t, "02:30")}
	says(t, schedule(t, o),
		"2026-03-28T02:30:00+01:00 ann",
		"2026-03-29T03:29:59+02:00 ann",
		"2026-03-29T03:30:00+02:00 bob",
		"2026-03-30T02:30:00+02:00 ann",
	)
	// In New York time.Date would go back to 01:30.
	o.Location = zone(t, "America/New_York")
	o.Layers[0].Rotation.Start = date(t, "2026-03-07")
	says(t, schedule(t, o),
		"2026-03-08T01:59:59-05:00 ann",
		"2026-03-08T03:29:59-04:00 ann",
		"2026-03-08T03:30:00-04:00 bob",
		"2026-03-09T02:30:00-04:00 ann",
	)
}

func TestHandOverThatComesTwice(t *testing.T) {
	o := weekly(t, "Europe/Berlin", "ann", "bob")
	o.Layers[0].Rotation = Rotation{Shift: Daily, Start: date(t, "2026-10-24"), HandOver: clock(t, "02:30")}
	says(t, schedule(t, o),
		"2026-10-25T02:29:59+02:00 ann",
		"2026-10-25T02:30:00+02:00 bob",
		"2026-10-25T02:10:00+01:00 bob", // The clock reads less than 02:30 again.
		"2026-10-25T02:30:00+01:00 bob",
		"2026-10-26T02:30:00+01:00 ann",
	)
}

func TestCustomTurns(t *testing.T) {
	o := weekly(t, "Europe/Berlin", "ann", "bob", "cleo")
	o.Layers[0].Rotation = Rotation{Shift: Custom, Custom: 12 * time.Hour, Start: date(t, "2026-03-28"), HandOver: clock(t, "08:00")}
	says(t, schedule(t, o),
		"2026-03-28T08:00:00+01:00 ann",
		"2026-03-28T20:00:00+01:00 bob",
		"2026-03-29T07:59:59+02:00 bob", // Eleven hours.
		"2026-03-29T08:00:00+02:00 cleo",
		"2026-03-29T20:00:00+02:00 ann",
	)
	o.Layers[0].Rotation.Custom = 72 * time.Hour
	says(t, schedule(t, o),
		"2026-03-31T07:59:59+02:00 ann",
		"2026-03-31T08:00:00+02:00 bob",
		"2026-04-03T08:00:00+02:00 cleo",
	)
}

// TestTurnsShorterThanAJump has a clock that jumps over two hours: the turns that
// fall into it are over before they begin, and none goes back.
func TestTurnsShorterThanAJump(t *testing.T) {
	o := weekly(t, "Antarctica/Troll", "ann", "bob", "cleo", "dan")
	o.Layers[0].Rotation = Rotation{Shift: Custom, Custom: time.Hour, Start: date(t, "2026-03-29"), HandOver: clock(t, "00:30")}
	s := schedule(t, o)
	says(t, s,
		"2026-03-29T00:30:00+00:00 ann",
		"2026-03-29T03:29:59+02:00 ann",
		"2026-03-29T03:30:00+02:00 dan",
		"2026-03-29T04:30:00+02:00 ann",
	)
	shifts, err := s.Shifts(instant(t, "2026-03-29T00:00:00Z"), instant(t, "2026-03-29T02:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	if got := lines(shifts); !slices.Equal(got, []string{"2026-03-29T00:30:00Z ann primary", "2026-03-29T03:30:00+02:00 dan primary"}) {
		t.Errorf("got %q", got)
	}
}

// lines writes shifts as "from who where".
func lines(shifts []Shift) []string {
	var out []string
	for _, p := range shifts {
		source := p.Layer
		if p.Override {
			source = "override"
		}
		out = append(out, p.From.Format(time.RFC3339)+" "+p.User+" "+source)
	}
	return out
}

func TestRestrictionsOverMidnight(t *testing.T) {
	o := weekly(t, "Europe/Berlin", "ann", "bob")
	o.Layers[0].Restrictions = []Hours{hours(t, "22:00", "06:00", time.Friday), hours(t, "12:00", "13:00", time.Monday, time.Sunday)}
	says(t, schedule(t, o),
		"2026-03-06T21:59:59+01:00 -",
		"2026-03-06T22:00:00+01:00 ann", // Friday
		"2026-03-07T05:59:59+01:00 ann", // Saturday
		"2026-03-07T06:00:00+01:00 -",
		"2026-03-07T22:30:00+01:00 -",
		"2026-03-06T05:00:00+01:00 -", // The night that began on Thursday.
		"2026-03-08T12:30:00+01:00 ann",
		"2026-03-09T12:30:00+01:00 bob",
	)
}

// TestRestrictionsWhereDaysAreOdd has a day that was skipped, and a change of the
// clock that brings yesterday back, both just before the range begins.
func TestRestrictionsWhereDaysAreOdd(t *testing.T) {
	for _, c := range []struct {
		zone, from, to string
		hours          Hours
	}{
		{"Pacific/Apia", "2011-12-31T03:00:00+14:00", "2011-12-31T06:00:00+14:00", hours(t, "22:00", "06:00")},
		{"America/St_Johns", "2010-11-06T23:30:00-03:30", "2010-11-07T06:00:00-03:30", hours(t, "00:00", "06:00")},
	} {
		o := weekly(t, c.zone, "ann")
		o.Layers[0].Rotation.Start = date(t, "2010-01-01")
		o.Layers[0].Restrictions = []Hours{c.hours}
		s := schedule(t, o)
		says(t, s, c.from+" ann")
		from := instant(t, c.from)
		shifts, err := s.Shifts(from, from.Add(12*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if len(shifts) != 1 || !shifts[0].From.Equal(from) || !shifts[0].To.Equal(instant(t, c.to)) {
			t.Errorf("%s: got %v", c.zone, shifts)
		}
	}
}

func TestLayers(t *testing.T) {
	o := weekly(t, "Europe/Berlin", "ann", "bob")
	o.Layers = append(o.Layers, Layer{
		People:       []string{"night"},
		Rotation:     Rotation{Shift: Daily, Start: date(t, "2026-03-04"), HandOver: 0},
		Restrictions: []Hours{hours(t, "22:00", "06:00")},
	})
	s := schedule(t, o)
	says(t, s,
		"2026-03-03T23:00:00+01:00 ann", // The upper layer has not begun.
		"2026-03-04T12:00:00+01:00 ann",
		"2026-03-04T23:00:00+01:00 night",
		"2026-03-05T05:59:59+01:00 night",
		"2026-03-05T06:00:00+01:00 ann",
	)
	shifts, err := s.Shifts(instant(t, "2026-03-08T20:00:00+01:00"), instant(t, "2026-03-09T20:00:00+01:00"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"2026-03-08T20:00:00+01:00 ann primary",
		"2026-03-08T22:00:00+01:00 night layers[1]", // One shift, also over the hand-over at midnight.
		"2026-03-09T06:00:00+01:00 ann primary",
		"2026-03-09T08:00:00+01:00 bob primary",
	}
	if got := lines(shifts); !slices.Equal(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}
	if last := shifts[3].To; !last.Equal(instant(t, "2026-03-09T20:00:00+01:00")) {
		t.Errorf("the last shift ends at %s, not where the range does", last)
	}
}

func TestOverridesThatOverlap(t *testing.T) {
	o := weekly(t, "Europe/Berlin", "ann", "bob")
	span := func(from, to, user string) Override {
		return Override{From: instant(t, "2026-03-05T"+from+":00+01:00"), To: instant(t, "2026-03-05T"+to+":00+01:00"), User: user}
	}
	o.Overrides = []Override{span("10:00", "14:00", "cleo"), span("12:00", "16:00", "dan"), span("13:00", "13:30", "eve"), span("16:00", "17:00", "dan")}
	s := schedule(t, o)
	says(t, s,
		"2026-03-05T09:59:59+01:00 ann",
		"2026-03-05T10:00:00+01:00 cleo",
		"2026-03-05T12:00:00+01:00 dan",
		"2026-03-05T13:00:00+01:00 eve",
		"2026-03-05T13:30:00+01:00 dan",
		"2026-03-05T16:59:59+01:00 dan",
		"2026-03-05T17:00:00+01:00 ann",
	)
	shifts, err := s.Shifts(instant(t, "2026-03-05T09:00:00+01:00"), instant(t, "2026-03-05T18:00:00+01:00"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"2026-03-05T09:00:00+01:00 ann primary",
		"2026-03-05T10:00:00+01:00 cleo override",
		"2026-03-05T12:00:00+01:00 dan override",
		"2026-03-05T13:00:00+01:00 eve override",
		"2026-03-05T13:30:00+01:00 dan override",
		"2026-03-05T17:00:00+01:00 ann primary",
	}
	if got := lines(shifts); !slices.Equal(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}
}

func TestNext(t *testing.T) {
	o := weekly(t, "Europe/Berlin", "ann", "ann", "bob")
	o.Overrides = []Override{{From: instant(t, "2026-03-18T10:00:00+01:00"), To: instant(t, "2026-03-18T12:00:00+01:00"), User: "cleo"}}
	s := schedule(t, o)
	at := instant(t, "2026-02-01T00:00:00+01:00")
	for _, want := range []string{
		"2026-03-02T08:00:00+01:00 >ann",
		"2026-03-16T08:00:00+01:00 ann>bob", // Ann hands over to herself on the 9th.
		"2026-03-18T10:00:00+01:00 bob>cleo",
		"2026-03-18T12:00:00+01:00 cleo>bob",
		"2026-03-23T08:00:00+01:00 bob>ann",
		"2026-04-06T08:00:00+02:00 ann>bob",
	} {
		h, ok := s.Next(at)
		if got := h.At.Format(time.RFC3339) + " " + h.From + ">" + h.To; !ok || got != want {
			t.Fatalf("after %s: got %s, %t; want %s", at, got, ok, want)
		}
		at = h.At
	}

	alone := weekly(t, "Europe/Berlin", "ann")
	if h, ok := schedule(t, alone).Next(instant(t, "2026-03-05T00:00:00Z")); ok {
		t.Errorf("one person alone hands over: %v", h)
	}
	// The last day that is looked at.
	alone.Layers[0].Rotation.Start = date(t, "2027-04-09")
	from := instant(t, "2026-03-05T09:00:00+01:00")
	if h, ok := schedule(t, alone).Next(from); !ok || !h.At.Equal(instant(t, "2027-04-09T08:00:00+02:00")) {
		t.Errorf("got %v, %t", h, ok)
	}
}

// TestNextAtTheEdgeOfAStep has a change exactly where Next looks on with the next step.
func TestNextAtTheEdgeOfAStep(t *testing.T) {
	o := weekly(t, "UTC", "ann")
	from := instant(t, "2026-03-05T00:00:00Z")
	end := from.Add(40 * 24 * time.Hour)
	o.Layers[0].Rotation.Start = date(t, "2199-01-01")
	o.Overrides = []Override{{From: from.Add(-time.Hour), To: end, User: "bob"}}
	if h, ok := schedule(t, o).Next(from); !ok || !h.At.Equal(end) || h.From != "bob" || h.To != "" {
		t.Errorf("end: got %v, %t", h, ok)
	}
	o.Overrides = []Override{{From: end, To: end.Add(time.Hour), User: "bob"}}
	if h, ok := schedule(t, o).Next(from); !ok || !h.At.Equal(end) || h.To != "bob" {
		t.Errorf("begin: got %v, %t", h, ok)
	}
}

func TestGaps(t *testing.T) {
	o := weekly(t, "Europe/Berlin", "ann", "bob")
	o.Layers[0].Restrictions = []Hours{hours(t, "09:00", "17:00", time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday)}
	o.Overrides = []Override{{From: instant(t, "2026-03-06T17:00:00+01:00"), To: instant(t, "2026-03-07T12:00:00+01:00"), User: "cleo"}}
	gaps, err := schedule(t, o).Gaps(instant(t, "2026-03-05T08:00:00+01:00"), instant(t, "2026-03-09T10:00:00+01:00"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range gaps {
		got = append(got, g.From.Format(time.RFC3339)+" "+g.To.Format(time.RFC3339))
	}
	want := []string{
		"2026-03-05T08:00:00+01:00 2026-03-05T09:00:00+01:00",
		"2026-03-05T17:00:00+01:00 2026-03-06T09:00:00+01:00",
		"2026-03-07T12:00:00+01:00 2026-03-09T09:00:00+01:00",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}

	// Before a schedule begins there is nobody at all.
	from, to := instant(t, "2026-01-01T00:00:00Z"), instant(t, "2026-01-02T00:00:00Z")
	if gaps, err = schedule(t, o).Gaps(from, to); err != nil || len(gaps) != 1 || !gaps[0].From.Equal(from) || !gaps[0].To.Equal(to) {
		t.Errorf("got %v, %v", gaps, err)
	}
	if gaps, err = schedule(t, o).Gaps(from, from); err != nil || len(gaps) != 0 {
		t.Errorf("empty range: got %v, %v", gaps, err)
	}
}

func TestRangesAreBounded(t *testing.T) {
	from := instant(t, "2026-03-02T08:00:00+01:00")
	s := schedule(t, weekly(t, "Europe/Berlin", "ann", "bob"))
	if shifts, err := s.Shifts(from, from.Add(MaxRange)); err != nil || len(shifts) != 58 {
		t.Errorf("got %d, %v", len(shifts), err)
	}
	for to, want := range map[time.Time]string{
		from.Add(MaxRange + 1): "longer than 400 days",
		from.Add(-1):           "ends before it begins",
		time.Date(9999, 1, 1, 0, 0, 0, 0, from.Location()): "longer than 400 days",
	} {
		if _, err := s.Shifts(from, to); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("until %s: got %v", to, err)
		}
		if _, err := s.Gaps(from, to); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("gaps until %s: got %v", to, err)
		}
	}

	// 9,600 turns of an hour fit; with five minutes of each cut out they do not.
	o := weekly(t, "UTC", "ann", "bob")
	o.Layers[0].Rotation = Rotation{Shift: Custom, Custom: time.Hour, Start: date(t, "2026-01-01")}
	if shifts, err := schedule(t, o).Shifts(from, from.Add(MaxRange)); err != nil || len(shifts) != 9600 {
		t.Errorf("got %d, %v", len(shifts), err)
	}
	for i := range 20 {
		o.Layers[0].Restrictions = append(o.Layers[0].Restrictions, Hours{From: TimeOfDay(i*60 + 5), To: TimeOfDay(i*60 + 55)})
	}
	o.Layers[0].Rotation.HandOver = 30
	if _, err := schedule(t, o).Shifts(from, from.Add(MaxRange)); err == nil || !strings.Contains(err.Error(), "more than 10000 shifts") {
		t.Errorf("got %v", err)
	}
	if h, ok := schedule(t, o).Next(from); !ok || h.From != "bob" && h.From != "" {
		t.Errorf("got %v, %t", h, ok)
	}
}

// TestShiftsFarAway makes sure that no arithmetic overflows.
func TestShiftsFarAway(t *testing.T) {
	s := schedule(t, weekly(t, "Europe/Berlin", "ann", "bob"))
	for _, year := range []int{-5000, 1, 1800, 2400, 9999, 200_000} {
		from := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		shifts, err := s.Shifts(from, from.Add(30*24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if began := year > 2026; began != (len(shifts) >= 4) || began != (len(s.At(from)) == 1) {
			t.Errorf("year %d: %d shifts, %v", year, len(shifts), s.At(from))
		}
	}
}

func TestNewScheduleNamesMistakes(t *testing.T) {
	_, err := NewSchedule(ScheduleOptions{
		Layers: []Layer{
			{Name: "day", Rotation: Rotation{Shift: "monthly", Start: Date{2026, time.February, 30}, HandOver: EndOfDay}},
			{Name: "day", People: []string{"ann", "", " bob", "ev\ne"}, Rotation: Rotation{Shift: Custom, Custom: 90 * time.Second}},
			{People: []string{"ann"}, Rotation: Rotation{Shift: Daily, Custom: time.Hour, Start: Date{2300, time.January, 1}, HandOver: -1},
				Restrictions: []Hours{{From: 60, To: 60}, {Days: []time.Weekday{7, time.Monday, time.Monday}, From: -1, To: 1441}}},
		},
		Overrides: []Override{
			{},
			{From: instant(t, "2026-03-05T10:00:00Z"), To: instant(t, "2026-03-05T10:00:00Z"), User: "ann"},
			{From: instant(t, "2026-03-05T10:00:00Z"), To: instant(t, "2028-03-05T10:00:00Z"), User: strings.Repeat("a", 201)},
			{From: instant(t, "2026-03-05T10:00:00Z"), To: instant(t, "3026-03-05T10:00:00Z"), User: "ann"},
		},
	})
	want := []string{
		"name: is empty; write a name for the schedule, such as platform",
		"location: there is no time zone; write one of the IANA names, such as Europe/Berlin",
		"layers[0].people: nobody is named; write at least one user name",
		`layers[0].rotation.shift: "monthly" is no length of a turn; write daily, weekly or custom`,
		"layers[0].rotation.start: 2026-02-30 is no day of the years 1970 to 2199; write a day such as 2026-03-30",
		"layers[0].rotation.hand_over: 1440 minutes after midnight is no time of day; write 00:00 to 23:59",
		"layers[1].people[1]: is empty; write a user name",
		`layers[1].people[2]: " bob" begins or ends with a space; write "bob"`,
		`layers[1].people[3]: "ev\ne" has characters that cannot be shown; write letters, digits, spaces and punctuation only`,
		"layers[1].rotation.custom: turns of 1m30s are not possible; write whole minutes, 1h to 8784h (366 days)",
		"layers[1].rotation.start: is not set; write the day of the first turn, such as 2026-03-30",
		`layers[1].name: "day" is the name of layers[0] too; write another name`,
		"layers[2].rotation.custom: has no meaning with shift daily; write shift: custom, or leave it out",
		"layers[2].rotation.start: 2300-01-01 is no day of the years 1970 to 2199; write a day such as 2026-03-30",
		"layers[2].rotation.hand_over: -1 minutes after midnight is no time of day; write 00:00 to 23:59",
		"layers[2].restrictions[0].to: is the same as from, which could be a whole day or nothing; write 00:00 and 24:00 for whole days, or leave the hours out",
		"layers[2].restrictions[1].days[0]: 7 is no day of the week; write Monday to Sunday",
		"layers[2].restrictions[1].days[2]: Monday is there twice; write each day once",
		"layers[2].restrictions[1].from: -1 minutes after midnight is no beginning; write 00:00 to 23:59",
		"layers[2].restrictions[1].to: 1441 minutes after midnight is no end; write 00:00 to 24:00",
		"overrides[0].user: is empty; write a user name",
		"overrides[0].from: is not set; write a time such as 2026-03-29T08:00:00Z",
		"overrides[0].to: is not set; write a time such as 2026-03-29T08:00:00Z",
		"overrides[1].to: is not after from; write a later time",
		"overrides[2].user: has 201 bytes, more than 200; write a shorter one",
		"overrides[2].to: is more than 400 days after from; write a change of the layers, which is what lasts so long",
		"overrides[3].to: the year 3026 is outside 1970 to 2199; write a time such as 2026-03-29T08:00:00Z",
	}
	if got := mistakes(t, err); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNewScheduleHasLimits(t *testing.T) {
	o := ScheduleOptions{Name: "platform", Location: time.UTC}
	one := weekly(t, "UTC", "ann").Layers[0]
	one.Name = ""
	for range maxLayers + 1 {
		o.Layers = append(o.Layers, one)
	}
	o.Layers[0].People = slices.Repeat([]string{"ann"}, maxPeople+1)
	o.Layers[1].Restrictions = slices.Repeat([]Hours{hours(t, "08:00", "09:00")}, maxRestrictions+1)
	o.Overrides = slices.Repeat([]Override{{From: instant(t, "2026-03-05T10:00:00Z"), To: instant(t, "2026-03-05T11:00:00Z"), User: "ann"}}, MaxOverrides+1)
	_, err := NewSchedule(o)
	want := []string{
		"layers: 21 are more than 20; write fewer layers, or a second schedule",
		"layers[0].people: 101 are more than 100; write fewer people, or a second layer",
		"layers[1].restrictions: 21 are more than 20; write one for each span of hours, with all its days",
		"overrides: 1001 are more than 1000; write only those that are not over",
	}
	if got := mistakes(t, err); !slices.Equal(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}
	if _, err := NewSchedule(ScheduleOptions{Name: "platform", Location: time.UTC}); !slices.Equal(mistakes(t, err), []string{"layers: there is none; write at least one layer with people"}) {
		t.Errorf("got %v", err)
	}
}

// TestScheduleKeepsItsOwnCopy changes what the options point to after the fact.
func TestScheduleKeepsItsOwnCopy(t *testing.T) {
	o := weekly(t, "UTC", "ann")
	o.Layers[0].Restrictions = []Hours{hours(t, "08:00", "09:00", time.Monday)}
	o.Overrides = []Override{{From: instant(t, "2026-03-05T10:00:00Z"), To: instant(t, "2026-03-05T11:00:00Z"), User: "bob"}}
	s := schedule(t, o)
	o.Layers[0].People[0], o.Layers[0].Restrictions[0].Days[0], o.Overrides[0].User = "x", time.Friday, "x"
	says(t, s, "2026-03-02T08:30:00Z ann", "2026-03-05T10:30:00Z bob")
	if s.Name() != "platform" || s.Location() != time.UTC {
		t.Errorf("got %s, %s", s.Name(), s.Location())
	}
}
