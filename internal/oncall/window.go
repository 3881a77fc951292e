package oncall

import (
	"fmt"
	"iter"
	"time"
)

// Limits of maintenance windows.
const (
	maxOnce     = 366 * 24 * time.Hour
	minDuration = time.Minute
	maxDuration = 31 * 24 * time.Hour
	// MaxOccurrences is how many occurrences one call returns.
	MaxOccurrences = 1000
)

// WindowOptions say when maintenance is. Exactly one of Once and Repeat is set.
type WindowOptions struct {
	ID     string
	Name   string
	Once   *Once
	Repeat *Repeat
}

// Once is a window that comes one time: from Start until before End, at most 366
// days later.
type Once struct {
	Start time.Time
	End   time.Time
}

// Repeat is a window that comes again and again by the clock on the wall.
type Repeat struct {
	// Rule is an RRULE of RFC 5545, such as FREQ=WEEKLY;BYDAY=SU;INTERVAL=2. It gives readings of the clock; one that the clock jumps over is moved forward,
	// where the RFC would leave the occurrence out and work that is done at that
	// time would go without its window.
	//
	// Not possible are SECONDLY, MINUTELY and BYWEEKNO, more than 96 starts a day,
	// COUNT and INTERVAL above 1000, and a mix of days with and without a number.
	Rule string
	// Start is DTSTART: the rule gives nothing before it, counts its intervals from
	// it, and takes from it what it does not say. It is an occurrence only if the
	// rule gives it. Whole seconds.
	Start    time.Time
	Duration time.Duration // of each occurrence, 1 minute to 31 days of 24 hours
	Location *time.Location
}

// Occurrence is one time that a window comes: from From until before To.
type Occurrence struct {
	From time.Time
	To   time.Time
}

// Window says when maintenance is.
type Window struct {
	id, name string
	once     *Once // nil for one that repeats
	rule     *rule
	duration time.Duration
}

// NewWindow checks the options and copies them. The error joins a *FieldError for
// each mistake; a rule that never gives anything is one.
func NewWindow(o WindowOptions) (*Window, error) {
	var p problems
	p.name("id", "an id", o.ID)
	p.name("name", "a name that says what is done", o.Name)
	w := &Window{id: o.ID, name: o.Name}
	switch {
	case o.Once != nil && o.Repeat != nil:
		p.add("repeat", "is set beside once", "one of them")
	case o.Once != nil:
		o.Once.check(&p)
		w.once = &Once{Start: o.Once.Start, End: o.Once.End}
	case o.Repeat != nil:
		w.rule, w.duration = o.Repeat.make(&p), o.Repeat.Duration
	default:
		p.add("once", "is not set, and repeat is not either", "one of them")
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return w, nil
}

func (o *Once) check(p *problems) {
	// Both are looked at, so that two mistakes are told as two.
	start, end := p.instant("once.start", o.Start), p.instant("once.end", o.End)
	switch {
	case !start || !end:
	case !o.Start.Before(o.End):
		p.add("once.end", "is not after start", "a later time")
	case o.End.Sub(o.Start) > maxOnce:
		p.add("once.end", fmt.Sprintf("is more than %d days after start", int(maxOnce/(24*time.Hour))), "an earlier time: what lasts so long is not maintenance")
	}
}

// make gives the rule, nil when there were mistakes.
func (r *Repeat) make(p *problems) *rule {
	before := len(p.found)
	p.location("repeat.location", r.Location)
	if p.instant("repeat.start", r.Start) && r.Start.Nanosecond() != 0 {
		p.add("repeat.start", "has fractions of a second", "whole seconds")
	}
	if r.Duration < minDuration || r.Duration > maxDuration || r.Duration%time.Second != 0 {
		p.add("repeat.duration", r.Duration.String()+" is not possible", "whole seconds, 1m to 744h (31 days)")
	}
	parts := parseRule(p, "repeat.rule", r.Rule)
	if len(p.found) > before {
		return nil
	}
	made := newRule(p, "repeat.rule", parts, r.Start.In(r.Location))
	if len(p.found) > before {
		return nil
	}
	return made
}

// ID is what the options called the window.
func (w *Window) ID() string { return w.id }

// Name is the window's name for people.
func (w *Window) Name() string { return w.name }

// Occurrence gives the occurrence that t is in; active is false when t is in
// none. Where occurrences overlap it is the one that began last, which also ends last.
func (w *Window) Occurrence(t time.Time) (from, to time.Time, active bool) {
	for o := range w.from(t) {
		if o.From.After(t) {
			break
		}
		from, to, active = o.From, o.To, true
	}
	return from, to, active
}

// NextStart gives the first start after t; ok is false when there is none. A
// rule without an end ends with the year 2199.
func (w *Window) NextStart(t time.Time) (start time.Time, ok bool) {
	for o := range w.from(t) {
		if o.From.After(t) {
			return o.From, true
		}
	}
	return time.Time{}, false
}

// Occurrences gives the first occurrences that overlap the range from from until
// before to, at most limit, in order and not cut to the range. limit is 1 to
// MaxOccurrences; the range is not bounded, because the limit bounds the work.
func (w *Window) Occurrences(from, to time.Time, limit int) ([]Occurrence, error) {
	if limit < 1 || limit > MaxOccurrences {
		return nil, fmt.Errorf("list occurrences: a limit of %d is not possible; ask for 1 to %d", limit, MaxOccurrences)
	}
	if to.Before(from) {
		return nil, fmt.Errorf("list occurrences: the range from %s to %s ends before it begins", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	var out []Occurrence
	for o := range w.from(from) {
		if !o.From.Before(to) || len(out) == limit {
			break
		}
		out = append(out, o)
	}
	return out, nil
}

// from gives the occurrences that end after t, in order.
func (w *Window) from(t time.Time) iter.Seq[Occurrence] {
	if w.once != nil {
		return func(yield func(Occurrence) bool) {
			if t.Before(w.once.End) {
				yield(Occurrence{w.once.Start, w.once.End})
			}
		}
	}
	return func(yield func(Occurrence) bool) {
		for start := range w.rule.starts(t.Add(-w.duration)) {
			// It ends exactly at t where it began exactly a duration before.
			if o := (Occurrence{start, start.Add(w.duration)}); t.Before(o.To) && !yield(o) {
				return
			}
		}
	}
}
