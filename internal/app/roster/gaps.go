package roster

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/oncall"
)

const week = 7 * 24 * time.Hour

// Gaps tells of schedules that have nobody at times. That may be meant, so that
// it is no mistake; and an incident of such a time calls nobody.
func (r *Roster) Gaps(d *config.Dynamic, now time.Time) config.Problems {
	var out config.Problems
	for _, name := range slices.Sorted(maps.Keys(r.Schedules)) {
		s, c, field := r.Schedules[name], d.Schedules[name], "schedules."+name
		first, last := begins(&c, s.Location())
		if first.After(now) && len(s.At(now)) == 0 {
			out = append(out, d.Problem(field+".layers", "write a start that is over for the layer that is to have somebody now",
				"nobody is on call before %s, when the first layer begins", first.Format("2006-01-02 15:04")))
		}
		for _, o := range c.Overrides {
			last = later(last, o.To)
		}
		if free, such := weekly(s, last); free > 0 {
			out = append(out, d.Problem(field+".layers", "put a layer without days, from and to before the others, or give them longer hours",
				"nobody is on call in %s of each week, such as from %s to %s", hours(free), such.From.Format("Mon 15:04"), such.To.Format("Mon 15:04")))
		}
	}
	return out
}

// begins is when the first and the last layer of a schedule begin.
func begins(c *config.Schedule, loc *time.Location) (first, last time.Time) {
	for _, l := range c.Layers {
		start, err := time.ParseInLocation("2006-01-02T15:04", l.Start, loc)
		if err != nil {
			continue // The schedule was made of it, so that this cannot be.
		}
		if first.IsZero() || start.Before(first) {
			first = start
		}
		last = later(last, start)
	}
	return first, last
}

// weekly looks at the week that begins with an instant after which everything
// recurs by weeks: for how long there is nobody, and the longest such time.
func weekly(s *oncall.Schedule, from time.Time) (free time.Duration, longest oncall.Gap) {
	gaps, err := s.Gaps(from, from.Add(week))
	if err != nil || len(gaps) == 0 {
		return 0, longest // A week has fewer shifts than can be too many.
	}
	if n := len(gaps) - 1; n > 0 && gaps[0].From.Equal(from) && gaps[n].To.Equal(from.Add(week)) {
		// One that the week's end has cut in two.
		gaps[n].To, gaps = gaps[0].To.Add(week), gaps[1:]
	}
	for _, g := range gaps {
		free += g.To.Sub(g.From)
		if g.To.Sub(g.From) > longest.To.Sub(longest.From) {
			longest = g
		}
	}
	return free, longest
}

// hours says how long a part of a week is.
func hours(d time.Duration) string {
	if d < time.Hour {
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	}
	return fmt.Sprintf("%.4g hours", d.Hours())
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
