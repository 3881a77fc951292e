package oncall

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawSchedule draws a schedule that is valid, with its edges near from.
func drawSchedule(t *rapid.T, loc *time.Location, from time.Time) *Schedule {
	people := func() []string {
		return rapid.SliceOfN(rapid.SampledFrom([]string{"ann", "bob", "cleo", "dan"}), 1, 4).Draw(t, "people")
	}
	start := from.AddDate(0, 0, rapid.IntRange(-40, 10).Draw(t, "start"))
	layer := rapid.Custom(func(t *rapid.T) Layer {
		l := Layer{People: people()}
		l.Rotation.Shift = rapid.SampledFrom([]Length{Daily, Weekly, Custom}).Draw(t, "shift")
		if l.Rotation.Shift == Custom {
			l.Rotation.Custom = time.Duration(rapid.IntRange(60, 4000).Draw(t, "custom")) * time.Minute
		}
		l.Rotation.Start = Date{start.Year(), start.Month(), start.Day()}
		l.Rotation.HandOver = TimeOfDay(rapid.IntRange(0, 1439).Draw(t, "hand-over"))
		l.Restrictions = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Hours {
			h := Hours{From: TimeOfDay(rapid.IntRange(0, 1439).Draw(t, "from"))}
			h.To = TimeOfDay(rapid.IntRange(0, 1440).Filter(func(to int) bool { return TimeOfDay(to) != h.From }).Draw(t, "to"))
			h.Days = rapid.SliceOfNDistinct(rapid.Map(rapid.IntRange(0, 6), func(d int) time.Weekday { return time.Weekday(d) }), 0, 7, rapid.ID).Draw(t, "days")
			return h
		}), 0, 3).Draw(t, "restrictions")
		return l
	})
	override := rapid.Custom(func(t *rapid.T) Override {
		o := Override{User: rapid.SampledFrom([]string{"ann", "eve"}).Draw(t, "user")}
		o.From = from.Add(time.Duration(rapid.IntRange(-4000, 12000).Draw(t, "from")) * time.Minute)
		o.To = o.From.Add(time.Duration(rapid.IntRange(1, 4000).Draw(t, "minutes")) * time.Minute)
		return o
	})
	s, err := NewSchedule(ScheduleOptions{
		Name: "drawn", Location: loc,
		Layers:    rapid.SliceOfN(layer, 1, 3).Draw(t, "layers"),
		Overrides: rapid.SliceOfN(override, 0, 4).Draw(t, "overrides"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// drawFrom draws an instant, mostly shortly before a change of the clock.
func drawFrom(t *rapid.T, loc *time.Location) time.Time {
	at := time.Unix(rapid.Int64Range(1_000_000_000, 4_000_000_000).Draw(t, "at")/60*60, 0).In(loc)
	if _, end := at.ZoneBounds(); !end.IsZero() && rapid.IntRange(0, 3).Draw(t, "at a change") > 0 {
		at = end.Add(-time.Duration(rapid.IntRange(0, 6000).Draw(t, "before")) * time.Minute)
	}
	return at
}

func who(s *Schedule, at time.Time) string {
	if users := s.At(at); len(users) > 0 {
		return users[0]
	}
	return ""
}

// TestShiftsSayWhatAtSays is the contract between the two ways to ask, which
// share no more than the turns: each instant is covered by exactly the shift of
// the person that At gives, or by the gap.
func TestShiftsSayWhatAtSays(t *testing.T) {
	zones := drawnZones(t)
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		from := drawFrom(t, loc)
		to := from.Add(time.Duration(rapid.IntRange(0, 14*24*60).Draw(t, "minutes")) * time.Minute)
		s := drawSchedule(t, loc, from)
		shifts, err := s.Shifts(from, to)
		if err != nil {
			t.Fatal(err)
		}
		gaps, err := s.Gaps(from, to)
		if err != nil {
			t.Fatal(err)
		}

		// In order, not empty, not overlapping, within the range, merged.
		end := from
		for i, p := range shifts {
			if p.From.Before(end) || !p.From.Before(p.To) || p.To.After(to) || p.User == "" || p.Override != (p.Layer == "") {
				t.Fatalf("shift %d is %v after %s in a range that ends %s", i, p, end, to)
			}
			if i > 0 && p.follows(shifts[i-1]) {
				t.Fatalf("shifts %d and %d are one: %v, %v", i-1, i, shifts[i-1], p)
			}
			end = p.To
		}

		// Every minute and around every edge.
		var instants []time.Time
		for at := from; at.Before(to); at = at.Add(time.Minute) {
			instants = append(instants, at)
		}
		for _, p := range shifts {
			instants = append(instants, p.From, p.From.Add(-1), p.To, p.To.Add(-1))
		}
		for _, at := range instants {
			if at.Before(from) || !at.Before(to) {
				continue
			}
			covered, user := 0, ""
			for _, p := range shifts {
				if !at.Before(p.From) && at.Before(p.To) {
					covered, user = covered+1, p.User
				}
			}
			for _, g := range gaps {
				if !at.Before(g.From) && at.Before(g.To) {
					covered++
				}
			}
			if want := who(s, at); covered != 1 || user != want {
				t.Fatalf("%s: %d shifts or gaps, of %q; At says %q", at, covered, user, want)
			}
		}
	})
}

// TestNextIsTheNextChange looks for the change minute by minute.
func TestNextIsTheNextChange(t *testing.T) {
	zones := drawnZones(t)
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		from := drawFrom(t, loc)
		s := drawSchedule(t, loc, from)
		h, ok := s.Next(from)
		if ok && (h.From != who(s, from) || h.To != who(s, h.At) || h.From == h.To || !h.At.After(from) || who(s, h.At.Add(-1)) != h.From) {
			t.Fatalf("after %s: %v", from, h)
		}
		for at := from; at.Before(from.Add(14 * 24 * time.Hour)); at = at.Add(time.Minute) {
			if ok && !at.Before(h.At) {
				return
			}
			if got := who(s, at); got != who(s, from) {
				t.Fatalf("after %s: %v, %t; but %s has %q", from, h, ok, at, got)
			}
		}
	})
}

// TestWholeShiftsDoNotDependOnTheRange asks twice, for ranges that overlap: what
// both have must be the same, or the events of a calendar would move.
func TestWholeShiftsDoNotDependOnTheRange(t *testing.T) {
	zones := drawnZones(t)
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		from := drawFrom(t, loc)
		s := drawSchedule(t, loc, from)
		later := from.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "later")) * time.Minute)
		to := later.Add(time.Duration(rapid.IntRange(0, 9000).Draw(t, "minutes")) * time.Minute)
		wide, err := s.whole(from, to.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		narrow, err := s.whole(later, to)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for _, p := range wide {
			if p.From.Before(to) && later.Before(p.To) {
				want[fmt.Sprint(p)] = true
			}
		}
		for _, p := range narrow {
			if !want[fmt.Sprint(p)] {
				t.Fatalf("%v is not in %v", p, wide)
			}
		}
		if len(narrow) != len(want) {
			t.Fatalf("got %v; want %v", narrow, wide)
		}
		for _, p := range narrow {
			middle := p.From.Add(time.Duration(rand.Int64N(int64(p.To.Sub(p.From)))))
			if got := who(s, middle); got != p.User {
				t.Fatalf("%v: At says %q at %s", p, got, middle)
			}
		}
	})
}
