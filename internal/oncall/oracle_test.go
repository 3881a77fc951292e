package oncall

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// byHand works a rule out as RFC 5545, section 3.3.10, tells it: every reading of
// every day is looked at, and kept if no part of the rule is against it.
type byHand struct {
	parts map[string]string
	start time.Time // in the rule's zone
}

func (o byHand) ints(key string, otherwise ...int) []int {
	if o.parts[key] == "" {
		return otherwise
	}
	var out []int
	for s := range strings.SplitSeq(o.parts[key], ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			panic(err)
		}
		out = append(out, n)
	}
	return out
}

// period numbers the year, month, week, day or hour of a reading.
func (o byHand) period(w wall) int {
	t := w.utc()
	switch o.parts["FREQ"] {
	case "YEARLY":
		return t.Year()
	case "MONTHLY":
		return t.Year()*12 + int(t.Month())
	case "WEEKLY":
		wkst := max(slices.Index([]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}, o.parts["WKST"]), 0)
		if o.parts["WKST"] == "" {
			wkst = 1
		}
		return int(floorDiv(w-(wall(wkst)-4)*wallDay, 7*wallDay)) // 1970 began on a Thursday.
	case "HOURLY":
		return int(floorDiv(w, wallHour))
	default:
		return int(floorDiv(w, wallDay))
	}
}

// nth says whether n counts the day among the size days, from either end.
func nth(day, size, n int) bool { return day == n || day-size-1 == n }

// day says whether the parts about days let the day pass.
func (o byHand) day(t time.Time) bool {
	freq := o.parts["FREQ"]
	inMonth := time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	inYear := time.Date(t.Year(), 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
	months, monthDays, yearDays, days := o.ints("BYMONTH"), o.ints("BYMONTHDAY"), o.ints("BYYEARDAY"), o.parts["BYDAY"]
	if len(monthDays) == 0 && len(yearDays) == 0 && days == "" {
		switch freq {
		case "YEARLY":
			monthDays = []int{o.start.Day()}
			if len(months) == 0 {
				months = []int{int(o.start.Month())}
			}
		case "MONTHLY":
			monthDays = []int{o.start.Day()}
		case "WEEKLY":
			days = strings.ToUpper(o.start.Weekday().String()[:2])
		}
	}
	if len(months) > 0 && !slices.Contains(months, int(t.Month())) {
		return false
	}
	if len(monthDays) > 0 && !slices.ContainsFunc(monthDays, func(n int) bool { return nth(t.Day(), inMonth, n) }) {
		return false
	}
	if len(yearDays) > 0 && !slices.ContainsFunc(yearDays, func(n int) bool { return nth(t.YearDay(), inYear, n) }) {
		return false
	}
	if days == "" {
		return true
	}
	for d := range strings.SplitSeq(days, ",") {
		number, name := d[:len(d)-2], d[len(d)-2:]
		if strings.ToUpper(t.Weekday().String()[:2]) != name {
			continue
		}
		if number == "" {
			return true
		}
		n, err := strconv.Atoi(number)
		if err != nil {
			panic(err)
		}
		day, size := t.Day(), inMonth
		if freq == "YEARLY" && o.parts["BYMONTH"] == "" {
			day, size = t.YearDay(), inYear
		}
		if (day-1)/7+1 == n || (size-day)/7+1 == -n {
			return true
		}
	}
	return false
}

// starts gives the starts until before the reading end.
func (o byHand) starts(end wall) []time.Time {
	interval := o.ints("INTERVAL", 1)[0]
	hours := o.ints("BYHOUR", o.start.Hour())
	if o.parts["FREQ"] == "HOURLY" && o.parts["BYHOUR"] == "" {
		hours = nil
		for h := range 24 {
			hours = append(hours, h)
		}
	}
	sets := map[int][]wall{}
	first := wallOf(o.start)
	// A set may begin before the start or end after the end: they drop readings of
	// it, but its positions count them.
	for day := (first - 367*wallDay).midnight(); day < end+367*wallDay; day += wallDay {
		if !o.day(day.utc()) {
			continue
		}
		for _, h := range hours {
			for _, m := range o.ints("BYMINUTE", o.start.Minute()) {
				for _, s := range o.ints("BYSECOND", o.start.Second()) {
					w := day + wall(h*3600+m*60+s)
					if p := o.period(w); (p-o.period(first))%interval == 0 && p >= o.period(first) {
						sets[p] = append(sets[p], w)
					}
				}
			}
		}
	}
	var all []time.Time
	for _, set := range sets {
		slices.Sort(set)
		for i, w := range set {
			if positions := o.ints("BYSETPOS"); len(positions) > 0 && !slices.ContainsFunc(positions, func(n int) bool { return nth(i+1, len(set), n) }) {
				continue
			}
			if at, _ := w.in(o.start.Location()); w < end {
				all = append(all, at)
			}
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	all = slices.CompactFunc(all, time.Time.Equal)
	begin, _ := first.in(o.start.Location())
	all = slices.DeleteFunc(all, func(t time.Time) bool { return t.Before(begin) })
	if u := o.parts["UNTIL"]; u != "" {
		until, err := time.Parse("20060102T150405Z", u)
		if err != nil {
			panic(err)
		}
		all = slices.DeleteFunc(all, func(t time.Time) bool { return t.After(until) })
	}
	if n := o.ints("COUNT"); len(n) > 0 && len(all) > n[0] {
		all = all[:n[0]]
	}
	return all
}

// drawRule draws the parts of a rule. A few are refused later: those that give
// nothing, or choose by position from nothing.
func drawRule(t *rapid.T, start time.Time) map[string]string {
	parts := map[string]string{"FREQ": rapid.SampledFrom([]string{"YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"}).Draw(t, "freq")}
	sometimes := func(key string, oneIn int, value func() string) {
		if rapid.IntRange(1, oneIn).Draw(t, key+"?") == 1 {
			parts[key] = value()
		}
	}
	list := func(key string, low, high, most int) func() string {
		return func() string {
			n := rapid.SliceOfNDistinct(rapid.IntRange(low, high).Filter(func(n int) bool { return n != 0 || low == 0 }), 1, most, rapid.ID).Draw(t, key)
			return strings.ReplaceAll(strings.Trim(fmt.Sprint(n), "[]"), " ", ",")
		}
	}
	names := rapid.SampledFrom([]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"})
	sometimes("INTERVAL", 2, list("INTERVAL", 1, 13, 1))
	sometimes("WKST", 3, func() string { return names.Draw(t, "WKST") })
	sometimes("BYMONTH", 4, list("BYMONTH", 1, 12, 4))
	freq := parts["FREQ"]
	if freq != "WEEKLY" {
		sometimes("BYMONTHDAY", 4, list("BYMONTHDAY", -31, 31, 8))
	}
	if freq == "YEARLY" || freq == "HOURLY" {
		sometimes("BYYEARDAY", 4, list("BYYEARDAY", -366, 366, 20))
	}
	sometimes("BYHOUR", 4, list("BYHOUR", 0, 23, 6))
	sometimes("BYMINUTE", 6, list("BYMINUTE", 0, 59, 2))
	sometimes("BYSECOND", 9, list("BYSECOND", 0, 59, 1))
	sometimes("BYSETPOS", 4, list("BYSETPOS", -12, 12, 3))
	sometimes("BYDAY", 2, func() string {
		days := rapid.SliceOfNDistinct(names, 1, 4, rapid.ID).Draw(t, "BYDAY")
		if (freq == "YEARLY" || freq == "MONTHLY") && rapid.Bool().Draw(t, "numbered") {
			most := 5
			if freq == "YEARLY" && parts["BYMONTH"] == "" {
				most = 53
			}
			for i := range days {
				days[i] = list("number", -most, most, 1)() + days[i]
			}
		}
		return strings.Join(days, ",")
	})
	switch rapid.IntRange(0, 4).Draw(t, "end") {
	case 0:
		parts["COUNT"] = strconv.Itoa(rapid.IntRange(1, 40).Draw(t, "COUNT"))
	case 1:
		parts["UNTIL"] = start.Add(time.Duration(rapid.IntRange(0, 900*24).Draw(t, "UNTIL")) * time.Hour).UTC().Format("20060102T150405Z")
	}
	return parts
}

// TestRulesAsByHand draws rules and ranges, and compares with the work by hand.
func TestRulesAsByHand(t *testing.T) {
	zones := drawnZones(t)
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		start := drawFrom(t, loc)
		parts := drawRule(t, start)
		text := "FREQ=" + parts["FREQ"]
		for key, value := range parts {
			if key != "FREQ" {
				text += ";" + key + "=" + value
			}
		}
		duration := time.Duration(rapid.IntRange(1, 40*60).Draw(t, "minutes")) * time.Minute
		end := wallOf(start) + 1100*wallDay
		want := byHand{parts, start}.starts(end)
		w, err := NewWindow(WindowOptions{ID: "w", Name: "w", Repeat: &Repeat{Rule: text, Start: start, Duration: duration, Location: loc}})
		if err != nil {
			refused := []string{"gives nothing", "BYSETPOS has nothing", "none of the hours of BYHOUR"}
			if !slices.ContainsFunc(refused, func(s string) bool { return strings.Contains(err.Error(), s) }) || len(want) > 0 && !strings.Contains(err.Error(), refused[1]) {
				t.Fatalf("%s from %s: %v; want %v", text, start, err, want)
			}
			t.Log(text, err)
			return
		}

		// Asked from anywhere, near the start or long after it.
		from := start.Add(time.Duration(rapid.IntRange(-48, 900*24).Draw(t, "from")) * time.Hour)
		to := from.Add(time.Duration(rapid.IntRange(0, 60*24).Draw(t, "hours")) * time.Hour)
		got, err := w.Occurrences(from, to, MaxOccurrences)
		if err != nil {
			t.Fatal(err)
		}
		var list, wanted []string
		for _, o := range got {
			list = append(list, o.From.Format(time.RFC3339))
			if o.To.Sub(o.From) != duration {
				t.Fatalf("%s: %v does not last %s", text, o, duration)
			}
		}
		var next, active time.Time
		for _, at := range want {
			if at.Before(to) && from.Before(at.Add(duration)) && len(wanted) < MaxOccurrences {
				wanted = append(wanted, at.Format(time.RFC3339))
			}
			if !at.After(from) && from.Before(at.Add(duration)) {
				active = at
			}
			if next.IsZero() && at.After(from) {
				next = at
			}
		}
		if !slices.Equal(list, wanted) {
			t.Fatalf("%s from %s, range %s to %s:\ngot  %v\nwant %v", text, start, from, to, list, wanted)
		}
		if at, until, ok := w.Occurrence(from); ok == active.IsZero() || ok && (!at.Equal(active) || !until.Equal(active.Add(duration))) {
			t.Fatalf("%s from %s: at %s got %s to %s, %t; want %s", text, start, from, at, until, ok, active)
		}
		if at, ok := w.NextStart(from); !next.IsZero() && (!ok || !at.Equal(next)) {
			t.Fatalf("%s from %s: next after %s got %s, %t; want %s", text, start, from, at, ok, next)
		}
	})
}
