// Package roster makes the sections people, schedules, escalations and
// maintenance of touchline.yaml ready. The server and the check share it, so
// that both refuse the same files in the same words.
package roster

import (
	"cmp"
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

// New makes a roster, or says everything that is wrong with it as
// config.Problems; what there is without the mistakes is returned beside them.
// known are the receivers of alertmanager.yml, nil where they are not known;
// overrides are those made by API.
func New(d *config.Dynamic, known []string, overrides map[string][]oncall.Override) (*Roster, error) {
	b := &builder{d: d, known: known, r: &Roster{People: map[string]*Person{}, Schedules: map[string]*oncall.Schedule{}}}
	b.people()
	b.schedules(overrides)
	b.escalations()
	b.maintenance()
	b.statusPage()
	if len(b.problems) > 0 {
		slices.SortStableFunc(b.problems, func(x, y config.Problem) int { return cmp.Or(x.Line-y.Line, x.Column-y.Column) })
		return b.r, b.problems
	}
	return b.r, nil
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
		out = append(out, p.reach(who, at, severity))
	}
	if len(gone) > 0 {
		return out, fmt.Errorf("%s is on call in %s and cannot be called: the section people does not have them", strings.Join(gone, ", "), name)
	}
	return out, nil
}

// Reach says how somebody is reached, by the name of a person or of a user whom a
// person is. Who is no person has no receivers.
func (r *Roster) Reach(name string, at time.Time, severity string) incident.Person {
	if p := r.People[name]; p != nil {
		return p.reach(name, at, severity)
	}
	for _, who := range slices.Sorted(maps.Keys(r.People)) {
		if p := r.People[who]; p.User == name {
			return p.reach(name, at, severity)
		}
	}
	return incident.Person{Name: name}
}

func (p *Person) reach(name string, at time.Time, severity string) incident.Person {
	x := incident.Person{Name: name, Receivers: p.Receivers}
	if p.Quiet != nil && severity != "critical" && severity != "page" {
		_, x.Quiet = p.Quiet.Until(at)
	}
	return x
}

// listed is how many names an error lists.
const listed = 20

// Listed lists names for an error.
func Listed(names []string) string {
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > listed:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:listed], ", "), len(names)-listed)
	}
	return strings.Join(names, ", ")
}
