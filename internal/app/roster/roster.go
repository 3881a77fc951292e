// Package roster makes the sections people, schedules, escalations and
// maintenance of touchline.yaml ready. The server and the check share it.
package roster

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/internal/incident/maintenance"
	"touchline.dev/touchline/internal/oncall"
)

// Roster is who can be called, and when.
type Roster struct {
	People    map[string]*Person
	Schedules map[string]*oncall.Schedule
	Policies  []incident.Policy
	Windows   []maintenance.Window
	Receivers []string // all that it names
}

// Person is somebody who can be on call.
type Person struct {
	config.Person
	Quiet *oncall.QuietHours // nil for never
}

// Problem is one thing that is wrong with the sections.
type Problem struct {
	Field string // such as "escalations[0].steps[1].schedule"
	Err   error
}

func (p *Problem) Error() string { return "touchline.yaml: " + p.Field + ": " + p.Err.Error() }

func (p *Problem) Unwrap() error { return p.Err }

var weekdays = map[string]time.Weekday{
	"mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday, "sun": time.Sunday,
}

// New makes a roster, or says everything that is wrong with it: each error is a
// *Problem. known are the receivers of alertmanager.yml, nil where they are not
// known; overrides are those made by API.
func New(d *config.Dynamic, known []string, overrides map[string][]oncall.Override) (*Roster, error) {
	r := &Roster{People: map[string]*Person{}, Schedules: map[string]*oncall.Schedule{}}
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, &Problem{field, fmt.Errorf(format, args...)})
	}
	use := func(field, receiver string) {
		if known != nil && !slices.Contains(known, receiver) {
			bad(field, "alertmanager.yml has no receiver %q; it has %s", receiver, Listed(known))
		}
		r.Receivers = append(r.Receivers, receiver)
	}
	for _, name := range slices.Sorted(maps.Keys(d.People)) {
		p := &Person{Person: d.People[name]}
		field := "people." + name
		for n, rec := range p.Receivers {
			use(fmt.Sprintf("%s.receivers[%d]", field, n), rec)
		}
		if q := p.QuietHours; q != nil {
			var err error
			if p.Quiet, err = quietHours(q); err != nil {
				bad(field+".quiet_hours", "%w", err)
			}
		}
		r.People[name] = p
	}
	for _, name := range slices.Sorted(maps.Keys(d.Schedules)) {
		c := d.Schedules[name]
		s, err := schedule(name, &c, overrides[name])
		if err != nil {
			bad("schedules."+name, "%w", err)
			continue
		}
		for n, l := range c.Layers {
			for _, who := range l.People {
				if r.People[who] == nil {
					bad(fmt.Sprintf("schedules.%s.layers[%d].people", name, n), "the section people has no %q; it has %s", who, Listed(slices.Sorted(maps.Keys(r.People))))
				}
			}
		}
		r.Schedules[name] = s
	}
	for n, e := range d.Escalations {
		field := fmt.Sprintf("escalations[%d]", n)
		p := incident.Policy{Name: e.Name}
		if slices.ContainsFunc(r.Policies, func(o incident.Policy) bool { return o.Name == e.Name }) {
			bad(field+".name", "%q is given twice; give each escalation its own", e.Name)
		}
		var err error
		if p.Matches, err = MatchAll(e.Match); err != nil {
			bad(field+".match", "%w", err)
		}
		for m, s := range e.Steps {
			at := fmt.Sprintf("%s.steps[%d]", field, m)
			for _, rec := range s.Receivers {
				use(at+".receivers", rec)
			}
			if _, ok := d.Schedules[s.Schedule]; s.Schedule != "" && !ok {
				bad(at+".schedule", "there is no schedule %q; there is %s", s.Schedule, Listed(slices.Sorted(maps.Keys(d.Schedules))))
			}
			p.Steps = append(p.Steps, incident.Step{Wait: s.Wait, Receivers: s.Receivers, Schedule: s.Schedule, Repeat: s.Repeat, Every: s.Every, UntilResolved: s.Stop == "resolved"})
		}
		r.Policies = append(r.Policies, p)
	}
	for n, m := range d.Maintenance {
		w, err := windowOf(&m)
		if err != nil {
			bad(fmt.Sprintf("maintenance[%d]", n), "%w", err)
			continue
		}
		if slices.ContainsFunc(r.Windows, func(o maintenance.Window) bool { return o.Name == w.Name }) {
			bad(fmt.Sprintf("maintenance[%d].name", n), "%q is given twice; give each window its own", w.Name)
		}
		r.Windows = append(r.Windows, w)
	}
	if d.StatusPage != nil {
		for n, m := range d.StatusPage.Maintenance {
			names := make([]string, 0, len(r.Windows))
			for _, w := range r.Windows {
				names = append(names, w.Name)
			}
			if m.Window != "" && !slices.Contains(names, m.Window) {
				bad(fmt.Sprintf("status_page.maintenance[%d].window", n), "there is no maintenance window %q; there is %s", m.Window, Listed(names))
			}
		}
	}
	return r, errors.Join(errs...)
}

// windowOf is a maintenance window of touchline.yaml.
func windowOf(m *config.Maintenance) (maintenance.Window, error) {
	w := maintenance.Window{Name: m.Name, Matchers: m.Match, TimeZone: m.TimeZone, Duration: m.Duration, RRule: m.RRule, Comment: m.Comment, Source: "file"}
	loc, err := zone(m.TimeZone)
	if err != nil {
		return w, err
	}
	if w.Start, err = time.ParseInLocation("2006-01-02T15:04", m.Start, loc); err != nil {
		return w, fmt.Errorf("start: %q is not a time of the window's time zone; write one such as 2026-12-24T22:00", m.Start)
	}
	return w, maintenance.Check(&w, CheckMatchers)
}

// Listed lists names for an error.
func Listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func quietHours(q *config.QuietHours) (*oncall.QuietHours, error) {
	loc, err := zone(q.TimeZone)
	if err != nil {
		return nil, err
	}
	from, ferr := oncall.ParseTimeOfDay(q.From)
	to, terr := oncall.ParseTimeOfDay(q.To)
	if err := errors.Join(ferr, terr); err != nil {
		return nil, err
	}
	return oncall.NewQuietHours(oncall.QuietHoursOptions{Location: loc, Days: days(q.Days), From: from, To: to})
}

func days(names []string) (out []time.Weekday) {
	for _, d := range names {
		out = append(out, weekdays[d])
	}
	return out
}

func zone(name string) (*time.Location, error) {
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is not a time zone; write a name of the IANA database, such as Europe/Berlin", name)
	}
	return loc, nil
}

func schedule(name string, c *config.Schedule, overrides []oncall.Override) (*oncall.Schedule, error) {
	loc, err := zone(c.TimeZone)
	if err != nil {
		return nil, err
	}
	o := oncall.ScheduleOptions{Name: name, Location: loc}
	for n, l := range c.Layers {
		layer := oncall.Layer{People: l.People, Rotation: oncall.Rotation{Shift: oncall.Length(l.Rotation), Custom: l.Length}}
		day, clock, ok := strings.Cut(l.Start, "T")
		var derr, cerr error
		layer.Rotation.Start, derr = oncall.ParseDate(day)
		layer.Rotation.HandOver, cerr = oncall.ParseTimeOfDay(clock)
		if !ok || derr != nil || cerr != nil {
			return nil, fmt.Errorf("layers[%d].start: %q is not a time of the schedule's time zone; write one such as 2026-11-23T09:00", n, l.Start)
		}
		if l.From != "" || l.To != "" || len(l.Days) > 0 {
			h := oncall.Hours{Days: days(l.Days), To: oncall.EndOfDay}
			for text, into := range map[string]*oncall.TimeOfDay{l.From: &h.From, l.To: &h.To} {
				if text == "" {
					continue
				}
				if *into, err = oncall.ParseTimeOfDay(text); err != nil {
					return nil, fmt.Errorf("layers[%d]: %w", n, err)
				}
			}
			layer.Restrictions = []oncall.Hours{h}
		}
		o.Layers = append(o.Layers, layer)
	}
	for _, x := range c.Overrides {
		o.Overrides = append(o.Overrides, oncall.Override{From: x.From, To: x.To, User: x.Person})
	}
	o.Overrides = append(o.Overrides, overrides...)
	return oncall.NewSchedule(o)
}

// OnCall lists who is on call. Quiet hours count for what is not critical. The
// error names those who are on call and no longer there; the others are listed.
func (r *Roster) OnCall(name string, at time.Time, severity string) ([]incident.Person, error) {
	s := r.Schedules[name]
	if s == nil {
		return nil, fmt.Errorf("there is no schedule %s", name)
	}
	var out []incident.Person
	var gone []string
	for _, who := range s.At(at) {
		p := r.People[who]
		if p == nil {
			gone = append(gone, who)
			continue
		}
		x := incident.Person{Name: who, Receivers: p.Receivers}
		if p.Quiet != nil && severity != "critical" && severity != "page" {
			_, x.Quiet = p.Quiet.Until(at)
		}
		out = append(out, x)
	}
	if len(gone) > 0 {
		return out, fmt.Errorf("%s is on call in %s and cannot be called: the section people does not have them", strings.Join(gone, ", "), name)
	}
	return out, nil
}
