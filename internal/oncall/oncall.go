// Package oncall says who is on call, and when something is quiet or under
// maintenance: schedules with layers and overrides, their calendar feed, quiet
// hours, maintenance windows, and the digest that one person hands to the next.
//
// Everything is computed from what a constructor was given and from the instant
// that the caller names; nothing is stored and no clock is read. All values are
// read-only once made and may be used by many goroutines at once.
//
// Times of day are readings of the clock on the wall in a time zone. A reading
// that a zone jumps over in spring is taken with the offset from before the jump,
// which moves it forward: 02:30 in Berlin becomes 03:30. A reading that comes
// twice in autumn means the first of the two. That is RFC 5545, section 3.3.5;
// time.Date leaves both open, and goes back from 02:30 to 01:30 in New York.
package oncall

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits that keep one call's work bounded, whatever the input is.
const (
	// MaxRange is the longest range of time that one call looks at, in days of 24 hours.
	MaxRange = 400 * 24 * time.Hour
	// MaxShifts is how many shifts one call returns, and how many turns and
	// restrictions of one layer it works through.
	MaxShifts = 10_000
	// MaxOverrides is how many overrides a schedule has at most.
	MaxOverrides = 1000

	maxLayers       = 20
	maxPeople       = 100
	maxRestrictions = 20
	maxName         = 200 // bytes

	minYear = 1970
	maxYear = 2199 // of anything that is configured; mistyped years are mostly far beyond
)

// FieldError is one mistake in what a constructor was given. The constructors
// join all that they find, so errors.As finds the first and errors.Join's
// Unwrap() []error gives each.
type FieldError struct {
	Field   string // as written by whoever fills the options in: layers[1].people
	Problem string // what is wrong
	Write   string // what to write instead
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem + "; write " + e.Write }

// problems collects mistakes, so that all are told at once.
type problems struct{ found []error }

func (p *problems) add(field, problem, write string) {
	p.found = append(p.found, &FieldError{Field: field, Problem: problem, Write: write})
}

func (p *problems) err() error { return errors.Join(p.found...) }

func (p *problems) location(field string, loc *time.Location) {
	if loc == nil {
		p.add(field, "there is no time zone", "one of the IANA names, such as Europe/Berlin")
	}
}

// name checks what people call a thing or themselves: it ends in calendars,
// messages and pages, one line each.
func (p *problems) name(field, what, s string) {
	switch {
	case strings.TrimSpace(s) == "":
		p.add(field, "is empty", what)
	case s != strings.TrimSpace(s):
		p.add(field, fmt.Sprintf("%q begins or ends with a space", s), fmt.Sprintf("%q", strings.TrimSpace(s)))
	case len(s) > maxName:
		p.add(field, fmt.Sprintf("has %d bytes, more than %d", len(s), maxName), "a shorter one")
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		p.add(field, fmt.Sprintf("%q has characters that cannot be shown", s), "letters, digits, spaces and punctuation only")
	}
}

// instant checks the year of a configured instant.
func (p *problems) instant(field string, t time.Time) bool {
	if y := t.UTC().Year(); y < minYear || y > maxYear {
		problem := fmt.Sprintf("the year %d is outside %d to %d", y, minYear, maxYear)
		if t.IsZero() {
			problem = "is not set"
		}
		p.add(field, problem, "a time such as 2026-03-29T08:00:00Z")
		return false
	}
	return true
}

// checkRange holds a range that a caller asks about to the limit.
func checkRange(from, to time.Time) error {
	if to.Before(from) {
		return fmt.Errorf("range from %s to %s: ends before it begins", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	// Sub saturates after 292 years, which is still too long.
	if to.Sub(from) > MaxRange {
		return fmt.Errorf("range from %s to %s: is longer than %d days; ask for less at once", from.Format(time.RFC3339), to.Format(time.RFC3339), int(MaxRange/(24*time.Hour)))
	}
	return nil
}
