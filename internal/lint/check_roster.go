package lint

import (
	"errors"
	"strings"

	"touchline.dev/touchline/internal/app/roster"
	"touchline.dev/touchline/internal/config"
)

// checkRoster says what is wrong with who can be called and when, in the words
// of the server: receivers, people and schedules that are not there, times and
// rules that cannot be read. Receivers are known where the file names an
// alertmanager.yml that can be read.
func checkRoster(d *Document) []Finding {
	sections, place := config.DynamicOf(d.Path, d.Bytes)
	known, _, err := receiversFor(d)
	if err != nil {
		return nil // The check of that file says what is wrong with it.
	}
	_, err = roster.New(sections, known, nil)
	var out []Finding
	for _, err := range all(err) {
		p, ok := errors.AsType[*roster.Problem](err)
		if !ok {
			continue
		}
		message, hint, _ := strings.Cut(p.Err.Error(), "; ")
		out = append(out, settingFinding(d, place(p.Field, hint, "%s", message), Error, "bad-roster"))
	}
	return out
}

// all are the errors that are joined in one.
func all(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
