package config

import (
	"slices"
	"strings"
	"time"
)

// Person is somebody who can be called.
type Person struct {
	Receivers  []string    `yaml:"receivers" help:"Receivers of alertmanager.yml that reach this person, such as one with a mail address." required:"true"`
	User       string      `yaml:"user" help:"The user whose acknowledgement counts as this person's; the person's own name where it is left out."`
	Language   string      `yaml:"language" enum:"en,zh" default:"en" help:"Language of digests."`
	QuietHours *QuietHours `yaml:"quiet_hours" help:"When this person is called for critical alerts only."`
}

// QuietHours are times of the week.
type QuietHours struct {
	TimeZone string   `yaml:"time_zone" required:"true" help:"Name of the IANA database, such as Asia/Shanghai."`
	Days     []string `yaml:"days" enum:"mon,tue,wed,thu,fri,sat,sun" help:"On which days it begins; all where it is left out."`
	From     string   `yaml:"from" required:"true" help:"Time of day, such as 22:00."`
	To       string   `yaml:"to" required:"true" help:"Time of day; before from it is on the next day."`
}

// OIDCRole is what a group may do.
type OIDCRole string

func (r *OIDCRole) check(at *checker) {
	if !slices.Contains(roles, string(*r)) {
		at.problem("", "write one of: "+strings.Join(roles, ", "), "%q is not a role", string(*r))
	}
}

// Schedule says who is on call.
type Schedule struct {
	TimeZone  string     `yaml:"time_zone" required:"true" help:"Name of the IANA database. Hand-overs stay at their time of day when clocks change."`
	Layers    []Layer    `yaml:"layers" required:"true" help:"A later layer wins where it has somebody."`
	Overrides []Override `yaml:"overrides" help:"Who stands in for whom; they win over all layers."`
	Digest    []string   `yaml:"digest_receivers" help:"Receivers that get the hand-over digest, beside whoever takes over."`
}

// Layer is one rotation of a schedule.
type Layer struct {
	People   []string      `yaml:"people" required:"true" help:"In the order in which they take turns."`
	Rotation string        `yaml:"rotation" enum:"daily,weekly,custom" default:"weekly" help:"How long a turn is."`
	Length   time.Duration `yaml:"length" help:"How long a turn of a custom rotation is."`
	Start    string        `yaml:"start" required:"true" help:"When the first person's first turn begins, in the schedule's time zone, such as 2026-11-23T09:00."`
	Days     []string      `yaml:"days" enum:"mon,tue,wed,thu,fri,sat,sun" help:"Only on these days."`
	From     string        `yaml:"from" help:"Only from this time of day."`
	To       string        `yaml:"to" help:"Only up to this time of day; before from it is on the next day."`
}

// Override is a time for which somebody stands in.
type Override struct {
	From   time.Time `yaml:"from" required:"true" help:"When it begins."`
	To     time.Time `yaml:"to" required:"true" help:"When it ends."`
	Person string    `yaml:"person" required:"true" help:"Who is on call."`
}

// Escalation says who is called, and when, for which incidents.
type Escalation struct {
	Name  string           `yaml:"name" required:"true" help:"What it is called in timelines and metrics."`
	Match []string         `yaml:"match" help:"Matchers of Alertmanager's syntax over the labels of an incident's alerts; all must hold for one of them. The first escalation that matches is taken."`
	Steps []EscalationStep `yaml:"steps" required:"true" help:"Carried out in order."`
}

// EscalationStep is one attempt to reach somebody.
type EscalationStep struct {
	Wait      time.Duration `yaml:"wait" default:"0s" help:"After the incident began, or after the step before."`
	Receivers []string      `yaml:"receivers" help:"Receivers of alertmanager.yml."`
	Schedule  string        `yaml:"schedule" help:"Whoever is on call there is reached by their receivers."`
	Repeat    int           `yaml:"repeat" default:"0" help:"How often the step is repeated."`
	Every     time.Duration `yaml:"every" default:"5m" help:"Between repetitions."`
	Stop      string        `yaml:"stop" enum:"acknowledged,resolved" default:"acknowledged" help:"What ends the escalation before this step. Resolved ends it always."`
}

// Maintenance is a time in which alerts are expected.
type Maintenance struct {
	Name     string        `yaml:"name" required:"true" help:"What it is called."`
	Match    []string      `yaml:"match" required:"true" help:"Matchers of Alertmanager's syntax; alerts for which all hold are silenced."`
	TimeZone string        `yaml:"time_zone" default:"UTC" help:"Name of the IANA database in which start and rrule are read."`
	Start    string        `yaml:"start" required:"true" help:"When it begins, or first begins, such as 2026-12-24T22:00."`
	Duration time.Duration `yaml:"duration" required:"true" help:"How long it is."`
	RRule    string        `yaml:"rrule" help:"How it recurs, as in RFC 5545, such as FREQ=WEEKLY;BYDAY=SU."`
	Comment  string        `yaml:"comment" help:"Why."`
}

func (p *Person) check(at *checker) {
	if len(p.Receivers) == 0 {
		at.problem("receivers", "name a receiver of alertmanager.yml", "nobody is reached")
	}
}

func (e *Escalation) check(at *checker) {
	if len(e.Steps) == 0 {
		at.problem("steps", "write a step with receivers or a schedule", "there is no step")
	}
}

func (s *EscalationStep) check(at *checker) {
	if len(s.Receivers) == 0 && s.Schedule == "" {
		at.problem("", "write receivers, a schedule, or both", "the step reaches nobody")
	}
	if s.Repeat < 0 || s.Repeat > maxRepeats {
		at.problem("repeat", "write a number from 0 to 100", "%d is out of range", s.Repeat)
	}
	if s.Repeat > 0 && s.Every < minRepeat {
		at.problem("every", "write at least 10s", "repeating sooner would be a storm")
	}
}

// Bounds of what a step may do.
const (
	maxRepeats = 100
	minRepeat  = 10 * time.Second
)
