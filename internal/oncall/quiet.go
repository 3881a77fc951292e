package oncall

import "time"

// QuietHoursOptions say when something is quiet. Location is required.
type QuietHoursOptions struct {
	Location *time.Location
	Days     []time.Weekday // on which quiet hours begin; none: every day
	From     TimeOfDay      // 00:00 to 23:59
	To       TimeOfDay      // 00:01 to 24:00, or earlier than From for the next day
}

// QuietHours are hours of the day in which only what cannot wait is told.
type QuietHours struct {
	hours Hours
	loc   *time.Location
}

// NewQuietHours checks the options and copies them. The error joins a *FieldError
// for each mistake. Hours that never end are one, because what waits for their
// end would never be told.
func NewQuietHours(o QuietHoursOptions) (*QuietHours, error) {
	var p problems
	p.location("location", o.Location)
	h := Hours{Days: o.Days, From: o.From, To: o.To}
	h.check(&p, "")
	if h.always() {
		p.add("to", "with from and days is all of the time, so that nothing would ever be told", "hours or days that leave something out")
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return &QuietHours{hours: cloneHours([]Hours{h})[0], loc: o.Location}, nil
}

// Until says whether it is quiet at t, and if so when that ends. Hours of
// following days that touch are one quiet time: with whole Saturdays and Sundays
// it ends on Monday.
func (q *QuietHours) Until(t time.Time) (end time.Time, quiet bool) {
	end = t
	// A week has seven beginnings at most, and not all can touch.
	for range 8 {
		_, to, ok := q.hours.at(end, q.loc)
		if !ok {
			break
		}
		end, quiet = to, true
	}
	if !quiet {
		return time.Time{}, false
	}
	return end, true
}
