package oncall

import (
	"fmt"
	"slices"
	"time"
)

// Layer is one rotation of people. Where it gives nobody, earlier layers count.
type Layer struct {
	Name     string   // optional; "layers[0]" and so on where it is left out
	People   []string // user names in the order of their turns; one may come more than once
	Rotation Rotation
	// Restrictions are the hours in which the layer gives somebody, any of them.
	// None: always. Turns go on outside them. Restrictions[i].Days is the day on
	// which hours over midnight begin.
	Restrictions []Hours
}

// Override puts one person on call from From until before To, whatever the
// layers say. Where overrides overlap the later one in the list wins.
type Override struct {
	From time.Time
	To   time.Time
	User string
}

// ScheduleOptions say who is on call when. All fields without a remark are required.
type ScheduleOptions struct {
	Name      string
	Location  *time.Location // of all times of day
	Layers    []Layer        // later ones win where they give somebody
	Overrides []Override     // optional
}

// Schedule answers who is on call.
type Schedule struct {
	name      string
	loc       *time.Location
	layers    []layer
	overrides []Override
}

// layer is a Layer made ready.
type layer struct {
	name   string
	people []string
	turns  turns
	hours  []Hours
}

// NewSchedule checks the options and copies what it needs of them. The error
// joins a *FieldError for each mistake.
func NewSchedule(o ScheduleOptions) (*Schedule, error) {
	var p problems
	p.name("name", "a name for the schedule, such as platform", o.Name)
	p.location("location", o.Location)
	if len(o.Layers) == 0 {
		p.add("layers", "there is none", "at least one layer with people")
	}
	if len(o.Layers) > maxLayers {
		p.add("layers", fmt.Sprintf("%d are more than %d", len(o.Layers), maxLayers), "fewer layers, or a second schedule")
	}
	names := map[string]int{}
	for i := range o.Layers {
		l, field := &o.Layers[i], fmt.Sprintf("layers[%d]", i)
		l.check(&p, field)
		if first, ok := names[l.title(i)]; ok {
			p.add(field+".name", fmt.Sprintf("%q is the name of layers[%d] too", l.title(i), first), "another name")
		}
		names[l.title(i)] = i
	}
	checkOverrides(&p, o.Overrides)
	if err := p.err(); err != nil {
		return nil, err
	}

	s := &Schedule{name: o.Name, loc: o.Location, overrides: slices.Clone(o.Overrides)}
	for i := range o.Layers {
		l := &o.Layers[i]
		s.layers = append(s.layers, layer{
			name: l.title(i), people: slices.Clone(l.People), turns: l.Rotation.in(o.Location), hours: cloneHours(l.Restrictions),
		})
	}
	return s, nil
}

func cloneHours(in []Hours) []Hours {
	out := slices.Clone(in)
	for i := range out {
		out[i].Days = slices.Clone(out[i].Days)
	}
	return out
}

func (l *Layer) title(i int) string {
	if l.Name != "" {
		return l.Name
	}
	return fmt.Sprintf("layers[%d]", i)
}

func (l *Layer) check(p *problems, field string) {
	if l.Name != "" {
		p.name(field+".name", "a name, or leave it out", l.Name)
	}
	if len(l.People) == 0 {
		p.add(field+".people", "nobody is named", "at least one user name")
	}
	if len(l.People) > maxPeople {
		p.add(field+".people", fmt.Sprintf("%d are more than %d", len(l.People), maxPeople), "fewer people, or a second layer")
	}
	for i, user := range l.People {
		p.name(fmt.Sprintf("%s.people[%d]", field, i), "a user name", user)
	}
	l.Rotation.check(p, field+".rotation")
	if len(l.Restrictions) > maxRestrictions {
		p.add(field+".restrictions", fmt.Sprintf("%d are more than %d", len(l.Restrictions), maxRestrictions), "one for each span of hours, with all its days")
	}
	for i, h := range l.Restrictions {
		h.check(p, fmt.Sprintf("%s.restrictions[%d].", field, i))
	}
}

func checkOverrides(p *problems, overrides []Override) {
	if len(overrides) > MaxOverrides {
		p.add("overrides", fmt.Sprintf("%d are more than %d", len(overrides), MaxOverrides), "only those that are not over")
	}
	for i := range overrides {
		overrides[i].check(p, fmt.Sprintf("overrides[%d].", i))
	}
}

// Check says what is wrong with an override by itself. The error joins a
// *FieldError for each mistake.
func (o Override) Check() error {
	var p problems
	o.check(&p, "")
	return p.err()
}

func (o *Override) check(p *problems, prefix string) {
	p.name(prefix+"user", "a user name", o.User)
	// Both are looked at, so that two mistakes are told as two.
	from, to := p.instant(prefix+"from", o.From), p.instant(prefix+"to", o.To)
	switch {
	case !from || !to:
	case !o.From.Before(o.To):
		p.add(prefix+"to", "is not after from", "a later time")
	case o.To.Sub(o.From) > MaxRange:
		p.add(prefix+"to", fmt.Sprintf("is more than %d days after from", int(MaxRange/(24*time.Hour))), "a change of the layers, which is what lasts so long")
	}
}

// Name is the schedule's name.
func (s *Schedule) Name() string { return s.name }

// Location is the time zone of the schedule's times of day.
func (s *Schedule) Location() *time.Location { return s.loc }

// At gives who is on call at t: one user name, or none in a gap. It is a list so
// that callers treat nobody and somebody in one way.
func (s *Schedule) At(t time.Time) []string {
	for _, o := range slices.Backward(s.overrides) {
		if !t.Before(o.From) && t.Before(o.To) {
			return []string{o.User}
		}
	}
	for i := len(s.layers) - 1; i >= 0; i-- {
		if user := s.layers[i].at(t, s.loc); user != "" {
			return []string{user}
		}
	}
	return nil
}

// at gives whose turn it is, "" when the layer gives nobody.
func (l *layer) at(t time.Time, loc *time.Location) string {
	k := l.turns.find(t)
	if k < 0 {
		return ""
	}
	allowed := len(l.hours) == 0
	for _, h := range l.hours {
		if allowed {
			break
		}
		_, _, allowed = h.at(t, loc)
	}
	if !allowed {
		return ""
	}
	return l.people[k%int64(len(l.people))]
}
