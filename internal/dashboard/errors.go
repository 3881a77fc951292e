package dashboard

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind is why something was refused.
type Kind int

// The kinds of refusals.
const (
	Invalid     Kind = iota + 1 // it is not as it must be
	TooLarge                    // more bytes than are taken
	NotFound                    // there is no such thing
	Exists                      // there is one already
	Stale                       // somebody else was faster
	Provisioned                 // it comes from a file, and only that changes it
	Full                        // no more are kept
	Denied                      // a link that is over
)

// Error is a refusal that is told to whoever asked.
type Error struct {
	Kind   Kind
	Field  string // of Invalid, as the API names it, "" for the whole
	Reason string

	// NoDashboard tells that it is JSON of something else.
	NoDashboard bool

	Offset, Line, Column int // of Invalid JSON; Line and Column begin at 1, and are 0 where there is no place

	Current, Yours *Version // of Stale
	Source         string   // of Provisioned
}

func (e *Error) Error() string {
	reason := e.Reason
	if e.Line > 0 {
		reason = fmt.Sprintf("line %d, column %d (byte %d): %s", e.Line, e.Column, e.Offset, reason)
	}
	if e.Field != "" {
		return e.Field + ": " + reason
	}
	return reason
}

// Refusal tells the database that nothing failed.
func (e *Error) Refusal() bool { return true }

// KindOf tells why an error refuses, 0 where it is a failure of ours.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

func refuse(k Kind, format string, args ...any) error {
	return &Error{Kind: k, Reason: fmt.Sprintf(format, args...)}
}

func invalid(field, format string, args ...any) error {
	return &Error{Kind: Invalid, Field: field, Reason: fmt.Sprintf(format, args...)}
}

// at refuses a text because of what is at an offset.
func at(text string, offset int, format string, args ...any) *Error {
	offset = min(offset, len(text))
	line, column := place(text, offset)
	return &Error{Kind: Invalid, Reason: fmt.Sprintf(format, args...), Offset: offset, Line: line, Column: column}
}

// place is the line and the column of an offset. Both begin at 1.
func place(text string, offset int) (line, column int) {
	before := text[:offset]
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
}

func stale(title string, current, yours *Version) error {
	began := "yours began from a version that is no longer kept"
	if yours.Version == 0 {
		began = "yours began from none of its versions"
	} else if !yours.Updated.IsZero() {
		began = fmt.Sprintf("yours began from version %d, by %s at %s", yours.Version, yours.UpdatedBy, yours.Updated.Format(time.RFC3339))
	}
	return &Error{Kind: Stale, Current: current, Yours: yours, Reason: fmt.Sprintf(
		"somebody was faster: %q is at version %d, saved by %s at %s; %s; load it again, or send If-Match: \"%d\" to replace what they saved",
		title, current.Version, current.UpdatedBy, current.Updated.Format(time.RFC3339), began, current.Version)}
}
