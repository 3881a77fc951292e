package lint

import (
	"errors"
	"fmt"
	"time"

	"touchline.dev/touchline/internal/app/roster"
	"touchline.dev/touchline/internal/config"
)

// checkRoster says what is wrong with who can be called and when, in the words
// of the server: receivers, people and schedules that are not there, times and
// rules that cannot be read, hours in which nobody is on call. Receivers are
// known where the file names an alertmanager.yml that can be read.
func checkRoster(d *Document) []Finding {
	sections := config.DynamicOf(d.Path, d.Bytes)
	known, _, err := receiversFor(d)
	if err != nil {
		return nil // The check of that file says what is wrong with it.
	}
	made, err := roster.New(sections, known, nil)
	var out []Finding
	if wrong, ok := errors.AsType[config.Problems](err); ok {
		for _, p := range wrong {
			out = append(out, settingFinding(d, p, Error, "bad-roster"))
		}
	}
	for _, p := range made.Gaps(sections, time.Now()) {
		out = append(out, settingFinding(d, p, Warning, "nobody-on-call"))
	}
	for n, e := range sections.Escalations[:max(0, len(sections.Escalations)-1)] {
		if len(e.Match) == 0 {
			later := fmt.Sprintf("escalations[%d]", n+1)
			out = append(out, settingFinding(d, sections.Problem(later, fmt.Sprintf("put %q last, or give it matchers", e.Name),
				"%q before it has no match and takes all incidents, so that this one and what follows are never taken", e.Name), Warning, "escalation-never-taken"))
			break
		}
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
