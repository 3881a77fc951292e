package oncall

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

// ruleParts are the parts of an RRULE, checked.
type ruleParts struct {
	option rrule.ROption // without COUNT and UNTIL
	count  int           // 0 for none
	until  func(*time.Location) time.Time
}

// numbers are the parts of a rule that are numbers.
var numbers = map[string]struct {
	low, high int
	list      bool // else it is one number
	negative  bool // -high to -low are possible too
	set       func(*rrule.ROption, []int)
}{
	"INTERVAL":   {low: 1, high: maxInterval, set: func(o *rrule.ROption, n []int) { o.Interval = n[0] }},
	"COUNT":      {low: 1, high: maxCount, set: func(o *rrule.ROption, n []int) { o.Count = n[0] }},
	"BYSECOND":   {low: 0, high: 59, list: true, set: func(o *rrule.ROption, n []int) { o.Bysecond = n }},
	"BYMINUTE":   {low: 0, high: 59, list: true, set: func(o *rrule.ROption, n []int) { o.Byminute = n }},
	"BYHOUR":     {low: 0, high: 23, list: true, set: func(o *rrule.ROption, n []int) { o.Byhour = n }},
	"BYMONTHDAY": {low: 1, high: 31, list: true, negative: true, set: func(o *rrule.ROption, n []int) { o.Bymonthday = n }},
	"BYYEARDAY":  {low: 1, high: 366, list: true, negative: true, set: func(o *rrule.ROption, n []int) { o.Byyearday = n }},
	"BYMONTH":    {low: 1, high: 12, list: true, set: func(o *rrule.ROption, n []int) { o.Bymonth = n }},
	"BYSETPOS":   {low: 1, high: 366, list: true, negative: true, set: func(o *rrule.ROption, n []int) { o.Bysetpos = n }},
}

var frequencies = map[string]rrule.Frequency{
	"YEARLY": rrule.YEARLY, "MONTHLY": rrule.MONTHLY, "WEEKLY": rrule.WEEKLY, "DAILY": rrule.DAILY, "HOURLY": rrule.HOURLY,
}

var weekdayNames = map[string]rrule.Weekday{
	"SU": rrule.SU, "MO": rrule.MO, "TU": rrule.TU, "WE": rrule.WE, "TH": rrule.TH, "FR": rrule.FR, "SA": rrule.SA,
}

var (
	number   = regexp.MustCompile(`^[+-]?[0-9]{1,4}$`)
	weekday  = regexp.MustCompile(`^([+-]?[0-9]{1,2})?(SU|MO|TU|WE|TH|FR|SA)$`)
	dateTime = regexp.MustCompile(`^[0-9]{8}(T[0-9]{6}Z?)?$`)
)

// parseRule reads an RRULE. It is stricter than the library, which hangs or
// panics on some rules, reads others as nothing, and names no part in its errors.
func parseRule(p *problems, field, text string) ruleParts {
	var out ruleParts
	if text == "" {
		p.add(field, "is empty", "a rule such as FREQ=WEEKLY;BYDAY=SU")
		return out
	}
	if len(text) > maxRule {
		p.add(field, fmt.Sprintf("has %d bytes, more than %d", len(text), maxRule), "a shorter rule, or several windows")
		return out
	}
	before := len(p.found)
	out.option.Interval = 1
	seen := map[string]bool{}
	for part := range strings.SplitSeq(strings.TrimPrefix(strings.ToUpper(text), "RRULE:"), ";") {
		key, value, ok := strings.Cut(part, "=")
		switch {
		case !ok:
			p.add(field, fmt.Sprintf("%q has no =", part), "parts such as BYDAY=SU with ; between them")
		case seen[key]:
			p.add(field, key+" is there twice", "it once")
		default:
			out.set(p, field, key, value)
		}
		seen[key] = true
	}
	if !seen["FREQ"] {
		p.add(field, "has no FREQ", "FREQ=DAILY, WEEKLY, MONTHLY or YEARLY first")
	}
	if seen["COUNT"] && seen["UNTIL"] {
		p.add(field, "has COUNT and UNTIL", "one of them")
	}
	if len(p.found) == before {
		out.check(p, field)
	}
	out.count, out.option.Count = out.option.Count, 0
	return out
}

// set reads one part.
func (r *ruleParts) set(p *problems, field, key, value string) {
	bad := func(write string) { p.add(field, fmt.Sprintf("%s=%s is not possible", key, value), write) }
	if n, ok := numbers[key]; ok {
		values, ok := integers(value, n.low, n.high, n.negative)
		if !ok || !n.list && len(values) != 1 {
			write := fmt.Sprintf("%d to %d", n.low, n.high)
			if n.negative {
				write += fmt.Sprintf(" or -%d to -%d", n.high, n.low)
			}
			bad(write)
			return
		}
		n.set(&r.option, values)
		return
	}
	switch key {
	case "FREQ":
		freq, ok := frequencies[value]
		if !ok {
			bad("DAILY, WEEKLY, MONTHLY or YEARLY, or HOURLY for what comes more than once a day")
		}
		r.option.Freq = freq
	case "WKST":
		day, ok := weekdayNames[value]
		if !ok {
			bad("one of MO, TU, WE, TH, FR, SA and SU")
		}
		r.option.Wkst = day
	case "BYDAY":
		for day := range strings.SplitSeq(value, ",") {
			m := weekday.FindStringSubmatch(day)
			if m == nil {
				bad("days such as MO, or 1MO and -1FR for the first Monday and the last Friday")
				return
			}
			d := weekdayNames[m[2]]
			if m[1] != "" {
				n, err := strconv.Atoi(m[1])
				if err != nil || n == 0 {
					bad("1MO for the first Monday, -1MO for the last, or MO for each")
					return
				}
				d = d.Nth(n)
			}
			if !slices.Contains(r.option.Byweekday, d) {
				r.option.Byweekday = append(r.option.Byweekday, d)
			}
		}
	case "UNTIL":
		if r.until = parseUntil(value); r.until == nil {
			bad("UTC such as 20261231T235959Z, or a last day such as 20261231")
		}
	case "BYWEEKNO":
		p.add(field, "BYWEEKNO is not supported, because weeks at the turn of the year are counted in different ways", "BYMONTH or BYYEARDAY with BYDAY, or FREQ=WEEKLY with INTERVAL")
	default:
		p.add(field, fmt.Sprintf("%q is no part of a rule", key), "FREQ, INTERVAL, COUNT, UNTIL, WKST, BYMONTH, BYMONTHDAY, BYYEARDAY, BYDAY, BYHOUR, BYMINUTE, BYSECOND or BYSETPOS")
	}
}

// integers reads a list of numbers, each once and in order.
func integers(list string, low, high int, negative bool) ([]int, bool) {
	var out []int
	for s := range strings.SplitSeq(list, ",") {
		if !number.MatchString(s) {
			return nil, false
		}
		n, err := strconv.Atoi(s)
		size := n
		if negative && n < 0 {
			size = -n
		}
		if err != nil || size < low || size > high {
			return nil, false
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return slices.Compact(out), true
}

// parseUntil reads the last instant of a rule, which may be an occurrence. A time
// without Z is one of the rule's zone, and a date is that day's end there. nil
// when it is neither.
func parseUntil(s string) func(*time.Location) time.Time {
	if !dateTime.MatchString(s) {
		return nil
	}
	layout := "20060102T150405Z"[:len(s)]
	t, err := time.Parse(layout, s)
	if err != nil {
		return nil
	}
	return func(loc *time.Location) time.Time {
		switch len(s) {
		case len("20060102"):
			end, _ := (wallOf(t) + wallDay).in(loc)
			return end.Add(-time.Second)
		case len("20060102T150405"):
			at, _ := wallOf(t).in(loc)
			return at
		default:
			return t.In(loc)
		}
	}
}

// check looks at what the parts say together. The RFC has a table of what may
// stand beside what (section 3.3.10); the rest is what the library gets wrong.
func (r *ruleParts) check(p *problems, field string) {
	o := &r.option
	with := func(key, write string) {
		p.add(field, key+" has no meaning with FREQ="+o.Freq.String(), write)
	}
	if len(o.Bymonthday) > 0 && o.Freq == rrule.WEEKLY {
		with("BYMONTHDAY", "BYDAY, or FREQ=MONTHLY")
	}
	if len(o.Byyearday) > 0 && o.Freq != rrule.YEARLY && o.Freq != rrule.HOURLY {
		with("BYYEARDAY", "FREQ=YEARLY")
	}
	plain, numbered, highest := 0, 0, 0
	for _, d := range o.Byweekday {
		if d.N() == 0 {
			plain++
		} else {
			numbered++
			highest = max(highest, d.N(), -d.N())
		}
	}
	limit := 5
	if o.Freq == rrule.YEARLY && len(o.Bymonth) == 0 {
		limit = 53
	}
	switch {
	case numbered == 0:
	case o.Freq != rrule.MONTHLY && o.Freq != rrule.YEARLY:
		with("a number in BYDAY", "days such as MO, or FREQ=MONTHLY")
	case plain > 0:
		p.add(field, "BYDAY has days with and without a number", "either, and a second window for the other")
	case highest > limit:
		p.add(field, fmt.Sprintf("BYDAY asks for day %d, where there are %d at most", highest, limit), fmt.Sprintf("1 to %d", limit))
	}
	if len(o.Bysetpos) > 0 && len(o.Bymonth)+len(o.Bymonthday)+len(o.Byyearday)+len(o.Byweekday)+len(o.Byhour)+len(o.Byminute)+len(o.Bysecond) == 0 {
		p.add(field, "BYSETPOS has nothing to choose from", "another BY… part beside it, such as BYDAY=MO,TU,WE,TH,FR")
	}
	perDay := max(len(o.Byminute), 1) * max(len(o.Bysecond), 1)
	if o.Freq == rrule.HOURLY && len(o.Byhour) == 0 {
		perDay *= (24 + o.Interval - 1) / o.Interval
	} else {
		perDay *= max(len(o.Byhour), 1)
	}
	if perDay > maxStartsDay {
		p.add(field, fmt.Sprintf("begins %d times a day, more than %d", perDay, maxStartsDay), "fewer hours, minutes and seconds, and a longer duration")
	}
}
