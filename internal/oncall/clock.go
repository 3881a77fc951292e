package oncall

import (
	"fmt"
	"sort"
	"time"
)

// TimeOfDay is a reading of the clock on the wall in minutes after midnight, 0
// (00:00) to 1439 (23:59). 1440 (24:00) is the end of a day and only ends things.
type TimeOfDay int

// EndOfDay is 24:00.
const EndOfDay TimeOfDay = 24 * 60

// ParseTimeOfDay reads hours and minutes: "08:30", at most "24:00".
func ParseTimeOfDay(s string) (TimeOfDay, error) {
	digit := func(i int) int { return int(s[i] - '0') }
	if len(s) == 5 && s[2] == ':' {
		ok := true
		for _, i := range []int{0, 1, 3, 4} {
			ok = ok && s[i] >= '0' && s[i] <= '9'
		}
		if ok {
			hours, minutes := digit(0)*10+digit(1), digit(3)*10+digit(4)
			if t := TimeOfDay(hours*60 + minutes); minutes < 60 && t <= EndOfDay {
				return t, nil
			}
		}
	}
	return 0, fmt.Errorf("%q is no time of day; write hours and minutes, such as 08:30", s)
}

func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", int(t)/60, int(t)%60) }

func (t TimeOfDay) wall() wall { return wall(t) * 60 }

// Date is a day of the calendar.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads year, month and day: "2026-03-29". A day that its month does
// not have is an error.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%q is no date; write year, month and day, such as 2026-03-29", s)
	}
	y, m, d := t.Date()
	return Date{y, m, d}, nil
}

func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// midnight is where the day begins.
func (d Date) midnight() wall { return wallOf(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)) }

// real says whether the calendar has the day: time.Date turns 30 February into
// 2 March without a word.
func (d Date) real() bool {
	y, m, day := d.midnight().utc().Date()
	return Date{y, m, day} == d
}

// wall is a reading of a calendar and a clock on the wall, without a zone, in
// seconds after 1970-01-01 00:00 on that wall. Counting in it is counting in
// days as people do: a day has 86,400 of its seconds on every date.
type wall int64

const (
	wallHour wall = 3600
	wallDay       = 24 * wallHour
)

// wallOf reads the clock at t in the zone that t is in. Fractions of a second
// are cut off.
func wallOf(t time.Time) wall {
	_, offset := t.Zone()
	return wall(t.Unix() + int64(offset))
}

// utc writes the reading as a time, to use the methods of one.
func (w wall) utc() time.Time { return time.Unix(int64(w), 0).UTC() }

// midnight is where the day of w begins.
func (w wall) midnight() wall { return floorDiv(w, wallDay) * wallDay }

func (w wall) weekday() time.Weekday { return w.utc().Weekday() }

// in gives the instant at which the clock in loc reads w. A reading that comes
// twice is the first; one that is jumped over is taken with the offset from
// before the jump. The edge is the same instant, except for a reading that is
// jumped over, where it is the instant of the jump. Edges grow with w; instants
// do so outside jumps only.
//
// It counts on no zone changing twice within 32 hours. Time.ZoneBounds would say
// so exactly, but gives an end before the beginning on the last day of leap years.
func (w wall) in(loc *time.Location) (at, edge time.Time) {
	const reach = 16 * int64(wallHour) // No offset is as large.
	offset := func(unix int64) int64 {
		_, o := time.Unix(unix, 0).In(loc).Zone()
		return int64(o)
	}
	before, after := offset(int64(w)-reach), offset(int64(w)+reach)
	unix := int64(w) - before
	if before != after {
		change := int64(w) - reach + int64(sort.Search(int(2*reach), func(i int) bool { return offset(int64(w)-reach+int64(i)) != before }))
		if next := int64(w) - after; unix >= change && next < change {
			return time.Unix(unix, 0).In(loc), time.Unix(change, 0).In(loc)
		} else if unix >= change {
			unix = next
		}
	}
	at = time.Unix(unix, 0).In(loc)
	return at, at
}

// floorDiv divides and rounds down, also below zero.
func floorDiv[T ~int | ~int64](a, b T) T {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
