package oncall

import (
	"fmt"
	"slices"
	"time"
)

// Hours are hours of the day on some days of the week. Where To is not after
// From the hours go over midnight and end on the next day; Days are the days on
// which they begin.
type Hours struct {
	Days []time.Weekday // none: every day
	From TimeOfDay      // 00:00 to 23:59
	To   TimeOfDay      // 00:01 to 24:00, or earlier than From for the next day
}

// check names the fields with the prefix, which ends in a dot unless it is empty.
func (h Hours) check(p *problems, prefix string) {
	seen := map[time.Weekday]bool{}
	for i, d := range h.Days {
		at := fmt.Sprintf("%sdays[%d]", prefix, i)
		switch {
		case d < time.Sunday || d > time.Saturday:
			p.add(at, fmt.Sprintf("%d is no day of the week", int(d)), "Monday to Sunday")
		case seen[d]:
			p.add(at, d.String()+" is there twice", "each day once")
		}
		seen[d] = true
	}
	if h.From < 0 || h.From >= EndOfDay {
		p.add(prefix+"from", fmt.Sprintf("%d minutes after midnight is no beginning", int(h.From)), "00:00 to 23:59")
	}
	if h.To < 0 || h.To > EndOfDay {
		p.add(prefix+"to", fmt.Sprintf("%d minutes after midnight is no end", int(h.To)), "00:00 to 24:00")
	}
	if h.From == h.To {
		p.add(prefix+"to", "is the same as from, which could be a whole day or nothing", "00:00 and 24:00 for whole days, or leave the hours out")
	}
}

// always says whether the hours leave nothing out.
func (h Hours) always() bool {
	return h.From == 0 && h.To == EndOfDay && (len(h.Days) == 0 || len(h.Days) == 7)
}

// on gives the hours that begin on the day with that midnight; ok is false when
// none do. A change of the clock may leave nothing of them.
func (h Hours) on(midnight wall, loc *time.Location) (from, to time.Time, ok bool) {
	if len(h.Days) > 0 && !slices.Contains(h.Days, midnight.weekday()) {
		return time.Time{}, time.Time{}, false
	}
	end := midnight + h.To.wall()
	if h.To <= h.From {
		end += wallDay
	}
	from, _ = (midnight + h.From.wall()).in(loc)
	to, _ = end.in(loc)
	return from, to, from.Before(to)
}

// at gives the hours that t is in. Hours of two days never overlap unless the
// clock changes; then the ones that began first count.
func (h Hours) at(t time.Time, loc *time.Location) (from, to time.Time, ok bool) {
	today := wallOf(t.In(loc)).midnight()
	// Hours over midnight began yesterday, and a zone may have skipped a day.
	for day := today - 2*wallDay; day <= today+wallDay; day += wallDay {
		if from, to, ok = h.on(day, loc); ok && !t.Before(from) && t.Before(to) {
			return from, to, true
		}
	}
	return time.Time{}, time.Time{}, false
}
