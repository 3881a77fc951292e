package oncall

import (
	"fmt"
	"time"
)

// Length is how long a turn of a rotation lasts.
type Length string

// The lengths. All count on the clock on the wall, so a hand-over at 08:00 stays
// at 08:00 when the clock changes, and one turn is an hour longer or shorter.
const (
	Daily  Length = "daily"
	Weekly Length = "weekly"
	Custom Length = "custom" // Rotation.Custom says how long
)

// Rotation says when one person of a layer hands over to the next.
type Rotation struct {
	Shift    Length
	Custom   time.Duration // with Shift Custom only: whole minutes, 1 hour to 366 days
	Start    Date          // the first turn begins on this day; before it there is nobody
	HandOver TimeOfDay     // the time of day at which turns begin, 00:00 to 23:59
}

func (r Rotation) check(p *problems, field string) {
	switch r.Shift {
	case Daily, Weekly:
		if r.Custom != 0 {
			p.add(field+".custom", "has no meaning with shift "+string(r.Shift), "shift: custom, or leave it out")
		}
	case Custom:
		if r.Custom < time.Hour || r.Custom > 366*24*time.Hour || r.Custom%time.Minute != 0 {
			p.add(field+".custom", fmt.Sprintf("turns of %s are not possible", r.Custom), "whole minutes, 1h to 8784h (366 days)")
		}
	default:
		p.add(field+".shift", fmt.Sprintf("%q is no length of a turn", string(r.Shift)), "daily, weekly or custom")
	}
	switch {
	case r.Start == Date{}:
		p.add(field+".start", "is not set", "the day of the first turn, such as 2026-03-30")
	case !r.Start.real() || r.Start.Year < minYear || r.Start.Year > maxYear:
		p.add(field+".start", fmt.Sprintf("%s is no day of the years %d to %d", r.Start, minYear, maxYear), "a day such as 2026-03-30")
	}
	if r.HandOver < 0 || r.HandOver >= EndOfDay {
		p.add(field+".hand_over", fmt.Sprintf("%d minutes after midnight is no time of day", int(r.HandOver)), "00:00 to 23:59")
	}
}

// turns is a rotation in a time zone. Turns are counted from 0.
type turns struct {
	first  wall
	length wall
	loc    *time.Location
}

func (r Rotation) in(loc *time.Location) turns {
	t := turns{first: r.Start.midnight() + r.HandOver.wall(), loc: loc}
	switch r.Shift {
	case Weekly:
		t.length = 7 * wallDay
	case Custom:
		t.length = wall(r.Custom / time.Second)
	default:
		t.length = wallDay
	}
	return t
}

// begin is the instant at which turn k begins. It never goes back as k grows.
func (t turns) begin(k int64) time.Time {
	at, edge := (t.first + wall(k)*t.length).in(t.loc)
	if at.Equal(edge) {
		return at
	}
	// The clock jumps over the hand-over, which is moved forward. Where turns are
	// shorter than the jump, it must not be moved past later ones.
	for {
		k++
		next, e := (t.first + wall(k)*t.length).in(t.loc)
		if next.Equal(e) || !e.Equal(edge) {
			if next.Before(at) {
				return next
			}
			return at
		}
	}
}

// find gives the turn that t is in; below 0 when none has begun.
func (t turns) find(at time.Time) int64 {
	k := int64(floorDiv(wallOf(at.In(t.loc))-t.first, t.length))
	// Near a change of the clock the wall is wrong by the size of the change.
	for !t.begin(k + 1).After(at) {
		k++
	}
	for t.begin(k).After(at) {
		k--
	}
	return max(k, -1)
}
