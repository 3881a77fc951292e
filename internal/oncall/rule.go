package oncall

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/teambition/rrule-go"
)

// Limits of recurrence rules.
const (
	maxRule      = 2000 // bytes
	maxInterval  = 1000
	maxCount     = 1000
	maxStartsDay = 96 // every quarter of an hour
)

// The calendar repeats after 400 years, weekdays included. The library looks for
// an occurrence until the year 9999 and cannot be stopped on its way, so rules
// are worked out 7,600 years later than they are meant: a rule that never gives
// anything, such as 30 February, is then done after 400 years at most, not 8,000.
const calendarShift = 19 * 146_097 * wallDay

// rule gives the starts of a recurrence rule. The library works with readings of
// the clock, as if the zone were UTC; what they mean in the zone is said here, as
// are COUNT and UNTIL, so that the library can begin anywhere and need not walk
// all the way from DTSTART.
type rule struct {
	option  rrule.ROption // with all that DTSTART implies; Dtstart is set for each walk
	loc     *time.Location
	first   time.Time   // no start is before
	until   time.Time   // none is after; the end of the last year where the rule has no end
	counted []time.Time // all starts of a rule with COUNT, nil for others
}

// newRule completes the parts with what the start implies. start is in the
// rule's zone.
func newRule(p *problems, field string, parts ruleParts, start time.Time) *rule {
	r := &rule{option: parts.option, loc: start.Location()}
	// A start in the second of two hours with the same readings is one in the first
	// to the rule, which must not be dropped for it.
	r.first, _ = wallOf(start).in(r.loc)
	r.until, _ = wallOf(time.Date(maxYear, 12, 31, 23, 59, 59, 0, time.UTC)).in(r.loc)
	if parts.until != nil {
		if until := parts.until(r.loc); until.Before(r.until) {
			r.until = until
		}
	}
	o := &r.option
	o.Dtstart = wallOf(start).utc()
	if len(o.Byyearday)+len(o.Bymonthday)+len(o.Byweekday) == 0 {
		switch o.Freq {
		case rrule.YEARLY:
			if len(o.Bymonth) == 0 {
				o.Bymonth = []int{int(start.Month())}
			}
			o.Bymonthday = []int{start.Day()}
		case rrule.MONTHLY:
			o.Bymonthday = []int{start.Day()}
		case rrule.WEEKLY:
			o.Byweekday = []rrule.Weekday{weekdays[start.Weekday()]}
		}
	}
	if len(o.Byhour) == 0 && o.Freq != rrule.HOURLY {
		o.Byhour = []int{start.Hour()}
	}
	if len(o.Byminute) == 0 {
		o.Byminute = []int{start.Minute()}
	}
	if len(o.Bysecond) == 0 {
		o.Bysecond = []int{start.Second()}
	}
	if o.Freq == rrule.HOURLY && !r.meetsHour() {
		// The library would look for such an hour for ever.
		p.add(field, fmt.Sprintf("every %d hours from %d o'clock are none of the hours of BYHOUR", o.Interval, start.Hour()), "hours that it meets, or FREQ=DAILY;BYHOUR=…")
		return nil
	}
	if _, err := rrule.NewRRule(*o); err != nil {
		p.add(field, err.Error(), "a rule such as FREQ=WEEKLY;BYDAY=SU")
		return nil
	}
	for at := range r.walk(r.first) {
		if parts.count == 0 {
			return r
		}
		if r.counted = append(r.counted, at); len(r.counted) == parts.count {
			break
		}
	}
	if len(r.counted) > 0 {
		return r
	}
	p.add(field, fmt.Sprintf("gives nothing from %s until %s", start.Format(time.RFC3339), r.until.Format(time.RFC3339)), "days that the calendar has, and an UNTIL after the start")
	return nil
}

// weekdays are the library's, in the order of time.Weekday.
var weekdays = []rrule.Weekday{rrule.SU, rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA}

// meetsHour says whether some step of an hourly rule falls on an hour of BYHOUR.
func (r *rule) meetsHour() bool {
	step := r.option.Interval
	for a := 24; a != 0; { // step becomes the greatest common divisor of it and 24
		step, a = a, step%a
	}
	return len(r.option.Byhour) == 0 || slices.ContainsFunc(r.option.Byhour, func(h int) bool {
		return (h-r.first.Hour())%step == 0
	})
}

// starts gives the starts that are not before t, in order.
func (r *rule) starts(t time.Time) iter.Seq[time.Time] {
	if r.counted == nil {
		return r.walk(t)
	}
	i, _ := slices.BinarySearchFunc(r.counted, t, time.Time.Compare)
	return slices.Values(r.counted[i:])
}

// walk gives the starts that are not before t, without COUNT.
func (r *rule) walk(t time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		// A reading that a jump moves forward, by a day at most, may have been before
		// it. It waits for the readings after it that come before it on the clock.
		var moved []time.Time
		last := time.Time{}
		give := func(at time.Time) bool {
			if at.Before(t) || at.Before(r.first) || !at.After(last) {
				return true // Two readings around a jump may be one instant.
			}
			last = at
			return !at.After(r.until) && yield(at)
		}
		for w := range r.readings(wallOf(later(t, r.first).In(r.loc)) - wallDay) {
			at, edge := w.in(r.loc)
			for len(moved) > 0 && !moved[0].After(edge) {
				if !give(moved[0]) {
					return
				}
				moved = moved[1:]
			}
			if !at.Equal(edge) {
				moved = append(moved, at)
			} else if !give(at) {
				return
			}
		}
		for _, at := range moved {
			if !give(at) {
				return
			}
		}
	}
}

// readings gives the readings of the clock that the rule means, in order: all
// that are not before from, and a few that are.
func (r *rule) readings(from wall) iter.Seq[wall] {
	return func(yield func(wall) bool) {
		last := wallOf(time.Date(maxYear+1, 1, 2, 0, 0, 0, 0, time.UTC))
		begin := r.period(from)
		if begin > last {
			return
		}
		option := r.option
		option.Dtstart = (begin + calendarShift).utc()
		made, err := rrule.NewRRule(option)
		if err != nil {
			return // newRule has made it, and Dtstart makes no difference to that.
		}
		next := made.Iterator()
		for {
			at, ok := next()
			w := wallOf(at) - calendarShift
			if !ok || w > last || !yield(w) {
				return
			}
		}
	}
}

// period gives the beginning of the last period of the rule that begins before
// from, or of the first: the year, month, week, day or hour in which occurrences
// are looked for, every so many as the interval says. BYSETPOS counts within it.
func (r *rule) period(from wall) wall {
	start := wallOf(r.option.Dtstart)
	interval := wall(r.option.Interval)
	steps := func(since, unit wall) wall { return max(floorDiv(from-since, unit*interval), 0) * interval }
	months := func(w wall) wall { return wall(w.utc().Year()*12 + int(w.utc().Month()) - 1) }
	month := func(m wall) wall { return Date{int(m / 12), time.Month(m%12) + 1, 1}.midnight() }
	switch r.option.Freq {
	case rrule.YEARLY:
		first := months(start) / 12 * 12
		return month(first + max(floorDiv(months(from)-first, 12*interval), 0)*12*interval)
	case rrule.MONTHLY:
		first := months(start)
		return month(first + max(floorDiv(months(from)-first, interval), 0)*interval)
	case rrule.WEEKLY:
		// Day 0 of the library's week is a Monday.
		day := wall(start.weekday()+6) % 7
		first := start.midnight() - (day-wall(r.option.Wkst.Day())+7)%7*wallDay
		return first + steps(first, 7*wallDay)*7*wallDay
	case rrule.HOURLY:
		first := floorDiv(start, wallHour) * wallHour
		return first + steps(first, wallHour)*wallHour
	default:
		first := start.midnight()
		return first + steps(first, wallDay)*wallDay
	}
}
