package oncall

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseTimeOfDay(t *testing.T) {
	for s, want := range map[string]TimeOfDay{"00:00": 0, "08:30": 510, "23:59": 1439, "24:00": EndOfDay} {
		got, err := ParseTimeOfDay(s)
		if err != nil || got != want {
			t.Errorf("%s: got %d, %v; want %d", s, got, err, want)
		}
		if got.String() != s {
			t.Errorf("%s: is written %s", s, got)
		}
	}
	for _, s := range []string{"", "8:30", "08:60", "24:01", "25:00", "08.30", "-1:30", "08:3x", "08:300", "٠٨:٣٠"} {
		if got, err := ParseTimeOfDay(s); err == nil {
			t.Errorf("%q: got %s; want an error", s, got)
		}
	}
}

func TestParseDate(t *testing.T) {
	if d := date(t, "2028-02-29"); d != (Date{2028, time.February, 29}) || d.String() != "2028-02-29" {
		t.Errorf("got %v", d)
	}
	for _, s := range []string{"", "2026-02-29", "2026-13-01", "2026-1-1", "29.03.2026", "2026-03-29T00:00:00Z"} {
		if d, err := ParseDate(s); err == nil {
			t.Errorf("%q: got %s; want an error", s, d)
		}
	}
}

// TestWall has the changes of the clock where they are easy to get wrong:
// forward and back, east and west of Greenwich, by half an hour, by two hours,
// at midnight, and over a whole day.
func TestWall(t *testing.T) {
	for _, c := range []struct{ zone, wall, at, edge string }{
		{"Europe/Berlin", "2026-03-29T01:59:59Z", "2026-03-29T01:59:59+01:00", ""},
		{"Europe/Berlin", "2026-03-29T02:00:00Z", "2026-03-29T03:00:00+02:00", ""},
		{"Europe/Berlin", "2026-03-29T02:30:00Z", "2026-03-29T03:30:00+02:00", "2026-03-29T03:00:00+02:00"},
		{"Europe/Berlin", "2026-03-29T03:00:00Z", "2026-03-29T03:00:00+02:00", ""},
		{"Europe/Berlin", "2026-10-25T01:59:59Z", "2026-10-25T01:59:59+02:00", ""},
		{"Europe/Berlin", "2026-10-25T02:30:00Z", "2026-10-25T02:30:00+02:00", ""},
		{"Europe/Berlin", "2026-10-25T03:00:00Z", "2026-10-25T03:00:00+01:00", ""},
		{"America/New_York", "2026-03-08T02:30:00Z", "2026-03-08T03:30:00-04:00", "2026-03-08T03:00:00-04:00"},
		{"America/New_York", "2026-11-01T01:30:00Z", "2026-11-01T01:30:00-04:00", ""},
		{"America/New_York", "2026-11-01T02:00:00Z", "2026-11-01T02:00:00-05:00", ""},
		{"Asia/Shanghai", "2026-03-29T02:30:00Z", "2026-03-29T02:30:00+08:00", ""},
		{"Australia/Lord_Howe", "2026-10-04T02:15:00Z", "2026-10-04T02:45:00+11:00", "2026-10-04T02:30:00+11:00"},
		{"Antarctica/Troll", "2026-03-29T01:30:00Z", "2026-03-29T03:30:00+02:00", "2026-03-29T03:00:00+02:00"},
		{"America/Santiago", "2026-09-06T00:00:00Z", "2026-09-06T01:00:00-03:00", ""},
		{"America/Santiago", "2096-12-31T12:00:00Z", "2096-12-31T12:00:00-03:00", ""}, // ZoneBounds is wrong here.
		{"Pacific/Apia", "2011-12-30T12:00:00Z", "2011-12-31T12:00:00+14:00", "2011-12-31T00:00:00+14:00"},
		{"UTC", "2026-03-29T02:30:00Z", "2026-03-29T02:30:00Z", ""},
	} {
		if c.edge == "" {
			c.edge = c.at
		}
		at, edge := wallOf(instant(t, c.wall)).in(zone(t, c.zone))
		if !at.Equal(instant(t, c.at)) || !edge.Equal(instant(t, c.edge)) {
			t.Errorf("%s %s: got %s and %s; want %s and %s", c.zone, c.wall, at, edge, c.at, c.edge)
		}
		if at.Location().String() != c.zone {
			t.Errorf("%s %s: is in zone %s", c.zone, c.wall, at.Location())
		}
	}
}

// TestWallReadsBack draws readings near any change of the clock: an instant must
// read back as the reading, be the first that does, or lie behind a jump.
func TestWallReadsBack(t *testing.T) {
	zones := drawnZones(t)
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		near := time.Unix(rapid.Int64Range(0, 6e9).Draw(t, "near"), 0).In(loc)
		if _, end := near.ZoneBounds(); !end.IsZero() && rapid.Bool().Draw(t, "at a change") {
			near = end.Add(time.Duration(rapid.Int64Range(-30*3600, 30*3600).Draw(t, "off")) * time.Second)
		}
		w := wallOf(near)
		if rapid.Bool().Draw(t, "any reading") {
			w = wall(near.Unix() + rapid.Int64Range(-14*3600, 14*3600).Draw(t, "offset"))
		}
		at, edge := w.in(loc)
		if read := wallOf(at); read == w {
			if !edge.Equal(at) {
				t.Fatalf("%s %s: edge %s of a reading that exists at %s", loc, w.utc(), edge, at)
			}
			// Clocks go back by whole quarters of an hour.
			for back := 15 * time.Minute; back <= 24*time.Hour; back += 15 * time.Minute {
				if wallOf(at.Add(-back)) == w {
					t.Fatalf("%s %s: is read at %s before %s", loc, w.utc(), at.Add(-back), at)
				}
			}
			return
		}
		before, after := wallOf(edge.Add(-time.Second)), wallOf(edge)
		if before >= w || after <= w || wallOf(at)-w != after-before-1 {
			t.Fatalf("%s %s: moved to %s, not over a jump at %s", loc, w.utc(), at, edge)
		}
	})
}

// drawnZones are the zones that properties draw from.
func drawnZones(t testing.TB) []*time.Location {
	t.Helper()
	var out []*time.Location
	for _, name := range []string{
		"UTC", "Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe",
		"Antarctica/Troll", "America/Santiago", "Pacific/Apia", "Africa/Casablanca", "Asia/Kathmandu",
		"America/St_Johns",
	} {
		out = append(out, zone(t, name))
	}
	return out
}
