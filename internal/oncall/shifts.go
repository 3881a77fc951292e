package oncall

import (
	"fmt"
	"slices"
	"time"
)

// Shift is a time in which one person is on call: from From until before To, in
// the schedule's time zone.
type Shift struct {
	From     time.Time
	To       time.Time
	User     string
	Layer    string // where it comes from; "" for an override
	Override bool
}

// follows says whether s goes on where before ends, for the same person and reason.
func (s Shift) follows(before Shift) bool {
	return s.From.Equal(before.To) && s.User == before.User && s.Layer == before.Layer && s.Override == before.Override
}

// Gap is a time in which nobody is on call: from From until before To.
type Gap struct {
	From time.Time
	To   time.Time
}

// HandOver is a change of who is on call.
type HandOver struct {
	At   time.Time
	From string // "" for nobody
	To   string // "" for nobody
}

// Shifts gives who is on call from from until before to, in order, not
// overlapping and cut to the range. Turns of one person that follow each other
// are one shift as long as they come from the same layer. It is an error to ask
// for more than MaxRange or for what has more than MaxShifts.
func (s *Schedule) Shifts(from, to time.Time) ([]Shift, error) {
	if err := checkRange(from, to); err != nil {
		return nil, err
	}
	pieces, err := s.pieces(from, to)
	if err != nil {
		return nil, err
	}
	var out []Shift
	for _, p := range pieces {
		p.From, p.To = later(p.From, from).In(s.loc), earlier(p.To, to).In(s.loc)
		if !p.From.Before(p.To) {
			continue // What another piece has cut off lies outside the range.
		}
		if n := len(out); n > 0 && p.follows(out[n-1]) {
			out[n-1].To = p.To
		} else {
			out = append(out, p)
		}
	}
	if len(out) > MaxShifts {
		return nil, tooMany(from, to)
	}
	return out, nil
}

// whole gives the shifts that overlap the range as Shifts does, but not cut to
// it and a turn at a time: what a shift is does not depend on who asks when.
func (s *Schedule) whole(from, to time.Time) ([]Shift, error) {
	if err := checkRange(from, to); err != nil {
		return nil, err
	}
	// No piece is longer than a turn or an override, and a change of the clock.
	longest := time.Duration(0)
	for _, l := range s.layers {
		longest = max(longest, time.Duration(l.turns.length)*time.Second)
	}
	for _, o := range s.overrides {
		if o.From.Before(to) && from.Before(o.To) {
			longest = max(longest, o.To.Sub(o.From))
		}
	}
	longest += 48 * time.Hour
	all, err := s.pieces(from.Add(-longest), to.Add(longest))
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(p Shift) bool { return !p.From.Before(to) || !from.Before(p.To) })
	if len(all) > MaxShifts {
		return nil, tooMany(from, to)
	}
	return all, nil
}

// Gaps gives the times from from until before to in which nobody is on call, in
// order. Errors are those of Shifts.
func (s *Schedule) Gaps(from, to time.Time) ([]Gap, error) {
	shifts, err := s.Shifts(from, to)
	if err != nil {
		return nil, err
	}
	var out []Gap
	for _, p := range shifts {
		if from.Before(p.From) {
			out = append(out, Gap{from.In(s.loc), p.From})
		}
		from = p.To
	}
	if from.Before(to) {
		out = append(out, Gap{from.In(s.loc), to.In(s.loc)})
	}
	return out, nil
}

// Next gives the first instant after t at which somebody else is on call, or
// nobody, or somebody after nobody. Turns that one person takes over from
// himself do not count. ok is false when nothing changes within MaxRange.
func (s *Schedule) Next(t time.Time) (h HandOver, ok bool) {
	who := func(t time.Time) string {
		if at := s.At(t); len(at) > 0 {
			return at[0]
		}
		return ""
	}
	h.From = who(t)
	// Most schedules change in the first days. No layer has more pieces in such a
	// step than its limit, so there is no error to tell.
	const step = 40 * 24 * time.Hour
	for from := t; from.Before(t.Add(MaxRange)); from = from.Add(step) {
		pieces, err := s.pieces(from, from.Add(step))
		if err != nil {
			return HandOver{}, false
		}
		for _, p := range pieces {
			for _, at := range []time.Time{p.From, p.To} {
				if !at.After(t) || at.After(from.Add(step)) {
					continue
				}
				if h.To = who(at); h.To != h.From {
					h.At = at.In(s.loc)
					return h, true
				}
			}
		}
	}
	return HandOver{}, false
}

// pieces gives at least what overlaps the range, in order and not overlapping.
// Pieces at its ends are as long as they would be if nothing outside of it counted.
// It is an error if one layer alone has more than MaxShifts.
func (s *Schedule) pieces(from, to time.Time) ([]Shift, error) {
	var out []Shift
	for i := range s.layers {
		l, err := s.layers[i].pieces(from, to, s.loc)
		if err != nil {
			return nil, err
		}
		out = overlay(out, l)
	}
	var top []Shift
	for _, o := range s.overrides {
		if o.From.Before(to) && from.Before(o.To) {
			top = overlay(top, []Shift{{From: o.From.In(s.loc), To: o.To.In(s.loc), User: o.User, Override: true}})
		}
	}
	return overlay(out, top), nil
}

func tooMany(from, to time.Time) error {
	return fmt.Errorf("range from %s to %s: has more than %d shifts; ask for less at once", from.Format(time.RFC3339), to.Format(time.RFC3339), MaxShifts)
}

// pieces gives the turns of the layer that overlap the range, within the
// layer's restrictions.
func (l *layer) pieces(from, to time.Time, loc *time.Location) ([]Shift, error) {
	open, err := l.open(from, to, loc)
	if err != nil {
		return nil, err
	}
	var out []Shift
	k := max(l.turns.find(from), 0)
	for begin := l.turns.begin(k); begin.Before(to); k++ {
		end := l.turns.begin(k + 1)
		turn := Shift{From: begin, To: end, User: l.people[k%int64(len(l.people))], Layer: l.name}
		begin = end
		if len(l.hours) == 0 && turn.From.Before(turn.To) {
			out = append(out, turn)
		}
		for _, o := range open {
			if !o.From.Before(turn.To) {
				break
			}
			p := turn
			p.From, p.To = later(turn.From, o.From), earlier(turn.To, o.To)
			if p.From.Before(p.To) && p.From.Before(to) && from.Before(p.To) {
				out = append(out, p)
			}
		}
		for len(open) > 0 && !open[0].To.After(turn.To) {
			open = open[1:]
		}
		if len(out) > MaxShifts {
			return nil, tooMany(from, to)
		}
	}
	return out, nil
}

// open gives the union of the layer's restrictions around the range, in order.
func (l *layer) open(from, to time.Time, loc *time.Location) ([]Gap, error) {
	var all []Gap
	last := wallOf(to.In(loc)).midnight() + wallDay
	for day := wallOf(from.In(loc)).midnight() - 2*wallDay; day <= last; day += wallDay {
		for _, h := range l.hours {
			if f, t, ok := h.on(day, loc); ok {
				all = append(all, Gap{f, t})
			}
		}
		if len(all) > 4*MaxShifts {
			return nil, tooMany(from, to)
		}
	}
	slices.SortFunc(all, func(a, b Gap) int { return a.From.Compare(b.From) })
	var out []Gap
	for _, g := range all {
		if n := len(out); n > 0 && !g.From.After(out[n-1].To) {
			out[n-1].To = later(out[n-1].To, g.To)
		} else {
			out = append(out, g)
		}
	}
	return out, nil
}

// overlay lays top over base, which it takes over. Both are in order and do not
// overlap, and so is the result.
func overlay(base, top []Shift) []Shift {
	if len(top) == 0 {
		return base
	}
	out := make([]Shift, 0, len(base)+2*len(top))
	for _, t := range top {
		for len(base) > 0 && !base[0].To.After(t.From) {
			out, base = append(out, base[0]), base[1:]
		}
		if len(base) > 0 && base[0].From.Before(t.From) {
			head := base[0]
			head.To = t.From
			out = append(out, head)
		}
		out = append(out, t)
		for len(base) > 0 && !base[0].To.After(t.To) {
			base = base[1:]
		}
		if len(base) > 0 && base[0].From.Before(t.To) {
			base[0].From = t.To
		}
	}
	return append(out, base...)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
