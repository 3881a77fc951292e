package oncall

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestQuietHours(t *testing.T) {
	weekdays := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	for _, c := range []struct {
		name  string
		zone  string
		days  []time.Weekday
		hours [2]string
		at    string
		until string // "" for not quiet
	}{
		{"before", "Europe/Berlin", nil, [2]string{"22:00", "07:00"}, "2026-03-05T21:59:59+01:00", ""},
		{"begin", "Europe/Berlin", nil, [2]string{"22:00", "07:00"}, "2026-03-05T22:00:00+01:00", "2026-03-06T07:00:00+01:00"},
		{"after midnight", "Europe/Berlin", nil, [2]string{"22:00", "07:00"}, "2026-03-06T06:59:59+01:00", "2026-03-06T07:00:00+01:00"},
		{"end", "Europe/Berlin", nil, [2]string{"22:00", "07:00"}, "2026-03-06T07:00:00+01:00", ""},
		{"a short night in Berlin", "Europe/Berlin", nil, [2]string{"22:00", "07:00"}, "2026-03-28T22:00:00+01:00", "2026-03-29T07:00:00+02:00"},
		{"a long night in Berlin", "Europe/Berlin", nil, [2]string{"22:00", "07:00"}, "2026-10-24T22:00:00+02:00", "2026-10-25T07:00:00+01:00"},
		{"an end that is jumped over", "Europe/Berlin", nil, [2]string{"22:00", "02:30"}, "2026-03-29T01:00:00+01:00", "2026-03-29T03:30:00+02:00"},
		{"an end that comes twice", "Europe/Berlin", nil, [2]string{"22:00", "02:30"}, "2026-10-25T02:10:00+02:00", "2026-10-25T02:30:00+02:00"},
		{"after the first of two", "Europe/Berlin", nil, [2]string{"22:00", "02:30"}, "2026-10-25T02:10:00+01:00", ""},
		{"an end that is jumped over in New York", "America/New_York", nil, [2]string{"22:00", "02:30"}, "2026-03-08T01:00:00-05:00", "2026-03-08T03:30:00-04:00"},
		{"a long night in New York", "America/New_York", nil, [2]string{"22:00", "07:00"}, "2026-10-31T22:00:00-04:00", "2026-11-01T07:00:00-05:00"},
		{"Shanghai", "Asia/Shanghai", nil, [2]string{"22:00", "07:00"}, "2026-03-29T02:30:00+08:00", "2026-03-29T07:00:00+08:00"},
		{"the night from Friday", "Europe/Berlin", weekdays, [2]string{"22:00", "07:00"}, "2026-03-07T03:00:00+01:00", "2026-03-07T07:00:00+01:00"},
		{"the night from Saturday", "Europe/Berlin", weekdays, [2]string{"22:00", "07:00"}, "2026-03-08T03:00:00+01:00", ""},
		{"the night from Sunday", "Europe/Berlin", weekdays, [2]string{"22:00", "07:00"}, "2026-03-09T03:00:00+01:00", ""},
		{"a whole weekend", "Europe/Berlin", []time.Weekday{time.Sunday, time.Saturday}, [2]string{"00:00", "24:00"}, "2026-03-07T12:00:00+01:00", "2026-03-09T00:00:00+01:00"},
		{"six whole days", "Europe/Berlin", append(weekdays[1:5:5], time.Sunday, time.Saturday), [2]string{"00:00", "24:00"}, "2026-03-10T12:00:00+01:00", "2026-03-16T00:00:00+01:00"},
		{"an end on a day that Samoa skipped", "Pacific/Apia", nil, [2]string{"22:00", "06:00"}, "2011-12-31T03:00:00+14:00", "2011-12-31T06:00:00+14:00"},
		{"yesterday again in Newfoundland", "America/St_Johns", nil, [2]string{"00:00", "06:00"}, "2010-11-06T23:30:00-03:30", "2010-11-07T06:00:00-03:30"},
		{"noon", "UTC", nil, [2]string{"12:00", "12:01"}, "2026-03-10T12:00:59Z", "2026-03-10T12:01:00Z"},
	} {
		q, err := NewQuietHours(QuietHoursOptions{Location: zone(t, c.zone), Days: c.days, From: clock(t, c.hours[0]), To: clock(t, c.hours[1])})
		if err != nil {
			t.Fatal(err)
		}
		end, quiet := q.Until(instant(t, c.at))
		if quiet != (c.until != "") {
			t.Errorf("%s: got %t until %s", c.name, quiet, end)
		} else if quiet && !end.Equal(instant(t, c.until)) {
			t.Errorf("%s: got %s; want %s", c.name, end, c.until)
		} else if !quiet && !end.IsZero() {
			t.Errorf("%s: not quiet, but until %s", c.name, end)
		}
	}
}

func TestNewQuietHoursNamesMistakes(t *testing.T) {
	_, err := NewQuietHours(QuietHoursOptions{Days: []time.Weekday{-1}, From: EndOfDay, To: EndOfDay})
	want := []string{
		"location: there is no time zone; write one of the IANA names, such as Europe/Berlin",
		"days[0]: -1 is no day of the week; write Monday to Sunday",
		"from: 1440 minutes after midnight is no beginning; write 00:00 to 23:59",
		"to: is the same as from, which could be a whole day or nothing; write 00:00 and 24:00 for whole days, or leave the hours out",
	}
	if got := mistakes(t, err); !slices.Equal(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}
	all := []time.Weekday{0, 1, 2, 3, 4, 5, 6}
	for _, days := range [][]time.Weekday{nil, all} {
		_, err := NewQuietHours(QuietHoursOptions{Location: time.UTC, Days: days, To: EndOfDay})
		want := []string{"to: with from and days is all of the time, so that nothing would ever be told; write hours or days that leave something out"}
		if got := mistakes(t, err); !slices.Equal(got, want) {
			t.Errorf("got %q; want %q", got, want)
		}
	}
}

// TestQuietUntilIsTheEnd walks to the end: quiet all the way, and not at it.
func TestQuietUntilIsTheEnd(t *testing.T) {
	zones := drawnZones(t)
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		o := QuietHoursOptions{Location: loc, From: TimeOfDay(rapid.IntRange(0, 1439).Draw(t, "from"))}
		o.To = TimeOfDay(rapid.IntRange(0, 1440).Filter(func(to int) bool { return TimeOfDay(to) != o.From }).Draw(t, "to"))
		o.Days = rapid.SliceOfNDistinct(rapid.Map(rapid.IntRange(0, 6), func(d int) time.Weekday { return time.Weekday(d) }), 1, 6, rapid.ID).Draw(t, "days")
		q, err := NewQuietHours(o)
		if err != nil {
			t.Fatal(err)
		}
		at := drawFrom(t, loc)
		end, quiet := q.Until(at)
		if !quiet {
			return
		}
		if _, still := q.Until(end); still || !end.After(at) {
			t.Fatalf("quiet at %s until %s, which is not its end", at, end)
		}
		for ; at.Before(end); at = at.Add(7 * time.Minute) {
			if same, quiet := q.Until(at); !quiet || !same.Equal(end) {
				t.Fatalf("quiet until %s; but at %s %t until %s", end, at, quiet, same)
			}
		}
	})
}
