// Package statuspage tells the public how components are: static files that
// need no script and no server of ours, so that they are still there when this
// process is not. Only what is configured to be public gets into them.
package statuspage

import "time"

// State is how a component is, or was.
type State string

// The states.
const (
	NotMeasured State = "" // nobody looked
	Operational State = "operational"
	Maintenance State = "maintenance" // planned, whatever else is the matter
	Degraded    State = "degraded"
	Outage      State = "outage"
)

// rank orders states from the best to the worst.
func (s State) rank() int {
	switch s {
	case Operational:
		return 1
	case Maintenance:
		return 2
	case Degraded:
		return 3
	case Outage:
		return 4
	}
	return 0
}

// worse is the worse of two states.
func worse(a, b State) State {
	if b.rank() > a.rank() {
		return b
	}
	return a
}

// trouble tells whether the public is affected.
func (s State) trouble() bool { return s == Degraded || s == Outage }

// The languages.
const (
	English = "en"
	Chinese = "zh"
)

// Text is what somebody wrote, in up to two languages.
type Text struct {
	En string `json:"en"`
	Zh string `json:"zh,omitempty"`
}

// In is the text in a language, or in the other one where it is missing.
func (t Text) In(language string) string {
	if language == Chinese && t.Zh != "" || t.En == "" {
		return t.Zh
	}
	return t.En
}

// Snapshot is all that the files tell.
type Snapshot struct {
	GeneratedAt time.Time
	Components  []Component
	Incidents   []PublicIncident // newest first, those that are over included
	Maintenance []Window         // now and to come
}

// Component is something that the public uses.
type Component struct {
	ID          string
	Name        Text
	Description Text
	State       State
	Days        []Day // the last is today
}

// Days is how many days the history has.
const Days = 90

// Day is one day, in UTC, of a component.
type Day struct {
	Date     time.Time     // its beginning
	Worst    State         // NotMeasured where nobody looked
	Down     time.Duration // in state Outage
	Measured time.Duration // how long somebody looked
}

// PublicIncident is a time in which components were not as they should be.
type PublicIncident struct {
	ID         string    `json:"id"`
	Title      Text      `json:"title"`
	Impact     State     `json:"impact"` // the worst so far, Degraded or Outage
	StartedAt  time.Time `json:"started_at"`
	ResolvedAt time.Time `json:"resolved_at,omitzero"` // zero while it lasts
	Updates    []Update  `json:"updates"`              // oldest first
}

// Open tells whether the incident lasts.
func (i *PublicIncident) Open() bool { return i.ResolvedAt.IsZero() }

// Update is what became of an incident.
type Update struct {
	At    time.Time `json:"at"`
	State State     `json:"state"` // from then on
	Text  Text      `json:"text,omitzero"`
}

// Window is planned maintenance.
type Window struct {
	ID         string
	Title      Text
	Components []string // their IDs
	From, To   time.Time
}

// at tells whether the window is open.
func (w *Window) at(t time.Time) bool { return !t.Before(w.From) && t.Before(w.To) }

// day is the beginning of a time's day in UTC.
func day(t time.Time) time.Time {
	y, m, d := t.UTC().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}
