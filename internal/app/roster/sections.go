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
	"touchline.dev/touchline/internal/spelling"
)

// builder makes a roster section by section, and goes on after each mistake.
type builder struct {
	d        *config.Dynamic
	known    []string
	r        *Roster
	problems config.Problems
}

func (b *builder) bad(field, hint, format string, args ...any) {
	b.problems = append(b.problems, b.d.Problem(field, hint, format, args...))
}

// wrong tells an error that ends with what to write instead.
func (b *builder) wrong(field string, err error) {
	message, hint, _ := strings.Cut(err.Error(), "; ")
	b.bad(field, hint, "%s", message)
}

// fileWords are the file's words for those of schedules' options.
var fileWords = strings.NewReplacer("shift: custom", "rotation: custom", "with shift", "with rotation", "user name", "name of the section people")

// mistakes tells what a constructor has found, each at the field of the file
// that it is about: as gives the file's names for those of the options.
func (b *builder) mistakes(at string, err error, as *strings.Replacer) {
	var each interface{ Unwrap() []error }
	if !errors.As(err, &each) || len(each.Unwrap()) == 0 {
		b.wrong(at, err)
		return
	}
	for _, err := range each.Unwrap() {
		if f, ok := errors.AsType[*oncall.FieldError](err); ok {
			b.bad(at+"."+as.Replace(f.Field), "write "+fileWords.Replace(f.Write), "%s", fileWords.Replace(f.Problem))
		} else {
			b.wrong(at, err)
		}
	}
}

// unknown is what to write instead of a name that is not there.
func unknown(name string, names []string) string {
	if hint := spelling.DidYouMean(name, names); hint != "" {
		return hint
	}
	if len(names) == 0 {
		return "add it there first"
	}
	return "write one of: " + Listed(names)
}

// receiver notes that a field names a receiver.
func (b *builder) receiver(field, name string) {
	if b.known != nil && !slices.Contains(b.known, name) {
		b.bad(field, unknown(name, b.known), "alertmanager.yml has no receiver %q", name)
	}
	b.r.Receivers = append(b.r.Receivers, name)
}

// person holds a field that names somebody against the section people.
func (b *builder) person(field, name string) {
	if _, ok := b.d.People[name]; !ok {
		b.bad(field, unknown(name, slices.Sorted(maps.Keys(b.d.People))), "the section people has no %q", name)
	}
}

// matchers reads matchers, and returns what holds labels against all of them.
func (b *builder) matchers(field string, texts []string) func(map[string]string) bool {
	var good []string
	for n, text := range texts {
		if err := CheckMatchers([]string{text}); err != nil {
			b.wrong(item(field, n), err)
			continue
		}
		good = append(good, text)
	}
	match, err := MatchAll(good)
	if err != nil {
		b.wrong(field, err)
	}
	return match
}

func (b *builder) people() {
	for _, name := range slices.Sorted(maps.Keys(b.d.People)) {
		p := &Person{Person: b.d.People[name]}
		field := "people." + name
		for n, rec := range p.Receivers {
			b.receiver(item(field+".receivers", n), rec)
		}
		if q := p.QuietHours; q != nil {
			p.Quiet = b.quietHours(field+".quiet_hours", q)
		}
		b.r.People[name] = p
	}
}

func (b *builder) quietHours(field string, q *config.QuietHours) *oncall.QuietHours {
	o := oncall.QuietHoursOptions{Location: b.zone(field, q.TimeZone), Days: days(q.Days)}
	from, to := b.clock(field+".from", q.From, &o.From), b.clock(field+".to", q.To, &o.To)
	if o.Location == nil || !from || !to {
		return nil
	}
	made, err := oncall.NewQuietHours(o)
	if err != nil {
		b.mistakes(field, err, strings.NewReplacer())
	}
	return made
}

func (b *builder) schedules(overrides map[string][]oncall.Override) {
	for _, name := range slices.Sorted(maps.Keys(b.d.Schedules)) {
		c, field := b.d.Schedules[name], "schedules."+name
		for n, l := range c.Layers {
			for m, who := range l.People {
				b.person(item(item(field+".layers", n)+".people", m), who)
			}
		}
		for n, o := range c.Overrides {
			b.person(item(field+".overrides", n)+".person", o.Person)
		}
		for n, rec := range c.Digest {
			b.receiver(item(field+".digest_receivers", n), rec)
		}
		if s := b.schedule(field, name, &c, overrides[name]); s != nil {
			b.r.Schedules[name] = s
		}
	}
}

// scheduleFields are the file's names for the fields of a schedule's options.
var scheduleFields = strings.NewReplacer(
	".rotation.custom", ".length", ".rotation.shift", ".rotation", ".rotation.start", ".start", ".rotation.hand_over", ".start",
	".restrictions[0]", "", ".user", ".person",
)

func (b *builder) schedule(field, name string, c *config.Schedule, overrides []oncall.Override) *oncall.Schedule {
	before := len(b.problems)
	o := oncall.ScheduleOptions{Name: name, Location: b.zone(field, c.TimeZone)}
	for n, l := range c.Layers {
		at := item(field+".layers", n)
		layer := oncall.Layer{People: l.People, Rotation: oncall.Rotation{Shift: oncall.Length(l.Rotation), Custom: l.Length}}
		day, clock, ok := strings.Cut(l.Start, "T")
		var derr, cerr error
		layer.Rotation.Start, derr = oncall.ParseDate(day)
		layer.Rotation.HandOver, cerr = oncall.ParseTimeOfDay(clock)
		if !ok || derr != nil || cerr != nil {
			b.bad(at+".start", "write one such as 2026-11-23T09:00", "%q is not a time of the schedule's time zone", l.Start)
		}
		if l.From != "" || l.To != "" || len(l.Days) > 0 {
			h := oncall.Hours{Days: days(l.Days), To: oncall.EndOfDay}
			if l.From != "" {
				b.clock(at+".from", l.From, &h.From)
			}
			if l.To != "" {
				b.clock(at+".to", l.To, &h.To)
			}
			layer.Restrictions = []oncall.Hours{h}
		}
		o.Layers = append(o.Layers, layer)
	}
	for _, x := range c.Overrides {
		o.Overrides = append(o.Overrides, oncall.Override{From: x.From, To: x.To, User: x.Person})
	}
	o.Overrides = append(o.Overrides, overrides...)
	if len(b.problems) > before {
		return nil
	}
	s, err := oncall.NewSchedule(o)
	if err != nil {
		b.mistakes(field, err, scheduleFields)
	}
	return s
}

func (b *builder) escalations() {
	for n, e := range b.d.Escalations {
		field := item("escalations", n)
		if slices.ContainsFunc(b.r.Policies, func(o incident.Policy) bool { return o.Name == e.Name }) {
			b.bad(field+".name", "give each escalation its own", "%q is given twice", e.Name)
		}
		p := incident.Policy{Name: e.Name, Matches: b.matchers(field+".match", e.Match), Matchers: e.Match}
		for m, s := range e.Steps {
			at := item(field+".steps", m)
			for i, rec := range s.Receivers {
				b.receiver(item(at+".receivers", i), rec)
			}
			if _, ok := b.d.Schedules[s.Schedule]; s.Schedule != "" && !ok {
				b.bad(at+".schedule", unknown(s.Schedule, slices.Sorted(maps.Keys(b.d.Schedules))), "the section schedules has no %q", s.Schedule)
			}
			p.Steps = append(p.Steps, incident.Step{Wait: s.Wait, Receivers: s.Receivers, Schedule: s.Schedule, Repeat: s.Repeat, Every: s.Every, UntilResolved: s.Stop == "resolved"})
		}
		b.r.Policies = append(b.r.Policies, p)
	}
}

func (b *builder) maintenance() {
	for n := range b.d.Maintenance {
		m, field := &b.d.Maintenance[n], item("maintenance", n)
		if slices.ContainsFunc(b.d.Maintenance[:n], func(o config.Maintenance) bool { return o.Name == m.Name }) {
			b.bad(field+".name", "give each window its own", "%q is given twice", m.Name)
		}
		if w, ok := b.window(field, m); ok {
			b.r.Windows = append(b.r.Windows, w)
		}
	}
}

// window is a maintenance window of touchline.yaml.
func (b *builder) window(field string, m *config.Maintenance) (maintenance.Window, bool) {
	before := len(b.problems)
	w := maintenance.Window{Name: m.Name, Matchers: m.Match, TimeZone: m.TimeZone, Duration: m.Duration, RRule: m.RRule, Comment: m.Comment, Source: "file"}
	b.matchers(field+".match", m.Match)
	if loc := b.zone(field, m.TimeZone); loc != nil {
		var err error
		if w.Start, err = time.ParseInLocation("2006-01-02T15:04", m.Start, loc); err != nil {
			b.bad(field+".start", "write one such as 2026-12-24T22:00", "%q is not a time of the window's time zone", m.Start)
		}
	}
	if len(b.problems) > before {
		return w, false
	}
	if err := maintenance.Check(&w, CheckSilence); err != nil {
		b.mistakes(field, err, strings.NewReplacer("matchers", "match"))
		return w, false
	}
	return w, true
}

func (b *builder) statusPage() {
	if b.d.StatusPage == nil {
		return
	}
	var names []string
	for _, m := range b.d.Maintenance {
		names = append(names, m.Name)
	}
	for n, m := range b.d.StatusPage.Maintenance {
		if m.Window != "" && !slices.Contains(names, m.Window) {
			b.bad(item("status_page.maintenance", n)+".window", unknown(m.Window, names), "the section maintenance has no window %q", m.Window)
		}
	}
}

// zone reads the time zone of what a field holds, nil where it is none.
func (b *builder) zone(field, name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		b.bad(field+".time_zone", "write a name of the IANA database, such as Europe/Berlin", "%q is not a time zone", name)
		return nil
	}
	return loc
}

// clock reads a time of day.
func (b *builder) clock(field, text string, into *oncall.TimeOfDay) bool {
	t, err := oncall.ParseTimeOfDay(text)
	if err != nil {
		b.wrong(field, err)
		return false
	}
	*into = t
	return true
}

var weekdays = map[string]time.Weekday{
	"mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday, "sun": time.Sunday,
}

func days(names []string) (out []time.Weekday) {
	for _, d := range names {
		out = append(out, weekdays[d])
	}
	return out
}

// item is the field that an item of a list is.
func item(list string, n int) string { return fmt.Sprintf("%s[%d]", list, n) }
