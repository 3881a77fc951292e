package oncall

import (
	"errors"
	"testing"
	"time"
	_ "time/tzdata" // The tests name zones also where the system has none.

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// instant reads a time with its offset, so that a test says which of two
// readings of the clock it means.
func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func date(t testing.TB, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func clock(t testing.TB, s string) TimeOfDay {
	t.Helper()
	c, err := ParseTimeOfDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func hours(t testing.TB, from, to string, days ...time.Weekday) Hours {
	t.Helper()
	return Hours{Days: days, From: clock(t, from), To: clock(t, to)}
}

// mistakes gives the texts of all errors that a constructor joined, each of
// which must be a *FieldError.
func mistakes(t testing.TB, err error) []string {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%v: is not a join of errors", err)
	}
	var out []string
	for _, e := range joined.Unwrap() {
		var field *FieldError
		if !errors.As(e, &field) {
			t.Fatalf("%v: is no FieldError", e)
		}
		out = append(out, e.Error())
	}
	return out
}
