package statuspage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Observation is how the components are at a moment, by their alerts.
type Observation struct {
	At         time.Time
	Components []Observed
}

// Observed is a component as its alerts show it.
type Observed struct {
	ID    string
	Name  Text
	State State
	Since time.Time // when the first of the alerts that are about it began to fire; zero without one
	Said  []string  // what those alerts say to the public
	Taken bool      // somebody has acknowledged one of them
	// FalseAlarm says that alerts about it fire that do not count, since they are false alarms.
	FalseAlarm bool
}

// IncidentSource gives the public's incidents, newest first.
type IncidentSource interface {
	Incidents(ctx context.Context, o Observation) ([]PublicIncident, error)
}

// Derived makes an incident of the time in which alerts are about a component:
// one for a component at a time, however many alerts there are. It is used by
// one goroutine.
type Derived struct {
	d    disk
	path string
	list []PublicIncident // newest first
	// dirty tells that list differs from the file.
	dirty bool
}

var _ IncidentSource = (*Derived)(nil)

const (
	// reopenWithin is how soon after its end an incident goes on instead of a new one.
	reopenWithin = 5 * time.Minute
	// maxIncidents and maxUpdates bound what is kept.
	maxIncidents = 500
	maxUpdates   = 50
	// maxSaid bounds what alerts say, in runes.
	maxSaid = 500
)

// OpenDerived reads the incidents of a file, which need not exist yet. One that
// cannot be read is set aside: it must not keep anybody from starting.
func OpenDerived(path string, log *slog.Logger) (*Derived, error) {
	return openDerived(systemDisk{}, path, log)
}

func openDerived(d disk, path string, log *slog.Logger) (*Derived, error) {
	out := &Derived{d: d, path: path}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read incidents of the status page: %w", err)
	}
	err = json.Unmarshal(raw, &out.list)
	if err == nil && slices.ContainsFunc(out.list, func(i PublicIncident) bool { return i.ID == "" || len(i.Updates) == 0 }) {
		err = errors.New("an incident without ID or updates")
	}
	if err != nil {
		out.list = nil
		aside := path + ".damaged"
		if rerr := d.Rename(path, aside); rerr != nil {
			return nil, fmt.Errorf("set damaged incidents of the status page aside: %w", rerr)
		}
		log.Warn("The status page's incidents could not be read and begin anew", "set_aside", aside, "err", err)
	}
	return out, nil
}

// Incidents opens, goes on with and ends incidents. An error says that what
// has changed is not on disk; the incidents are right all the same.
func (d *Derived) Incidents(_ context.Context, o Observation) ([]PublicIncident, error) {
	known := map[string]bool{}
	for _, c := range o.Components {
		known[c.ID] = true
		d.dirty = d.follow(c, o.At) || d.dirty
		d.dirty = d.taken(c, o.At) || d.dirty
	}
	for n := range d.list {
		// A component that is no longer configured has nothing to end its incident.
		if i := &d.list[n]; i.Open() && !known[componentOfID(i.ID)] {
			i.ResolvedAt = o.At
			i.Updates = append(i.Updates, Update{At: o.At, State: Operational})
			d.dirty = true
		}
	}
	old := o.At.AddDate(0, 0, -Days)
	before := len(d.list)
	d.list = slices.DeleteFunc(d.list, func(i PublicIncident) bool { return !i.Open() && i.ResolvedAt.Before(old) })
	d.list = d.list[:min(len(d.list), maxIncidents)]
	var err error
	if d.dirty || len(d.list) != before {
		err = d.save()
		d.dirty = err != nil
	}
	return cloneIncidents(d.list), err
}

// follow brings the incident of one component up to date.
func (d *Derived) follow(c Observed, now time.Time) (changed bool) {
	last := slices.IndexFunc(d.list, func(i PublicIncident) bool { return componentOfID(i.ID) == c.ID })
	var cur *PublicIncident
	if last >= 0 && (d.list[last].Open() || now.Sub(d.list[last].ResolvedAt) < reopenWithin) {
		cur = &d.list[last]
	}
	said := Text{En: strings.Join(said(c.Said), " ")}
	switch {
	case !c.State.trouble():
		if cur == nil || !cur.Open() {
			return false
		}
		cur.ResolvedAt = now
		end := Update{At: now, State: Operational}
		if c.FalseAlarm {
			end.Text = Text{En: mistaken, Zh: translate(Chinese, mistaken)}
		}
		cur.add(end)
		return true
	case cur == nil:
		began := now
		if !c.Since.IsZero() && c.Since.Before(now) {
			began = c.Since
		}
		i := PublicIncident{ID: c.ID + idSeparator + began.UTC().Format("20060102T150405Z"), StartedAt: began.UTC(), Impact: c.State, Title: titleOf(c.Name, c.State)}
		i.add(Update{At: began.UTC(), State: c.State, Text: said})
		d.list = slices.Insert(d.list, 0, i)
		return true
	}
	reopened := !cur.Open()
	latest := cur.Updates[len(cur.Updates)-1]
	if !reopened && latest.State == c.State && (said == Text{} || cur.lastSaid() == said) {
		return false
	}
	cur.ResolvedAt = time.Time{}
	cur.Impact = worse(cur.Impact, c.State)
	cur.Title = titleOf(c.Name, cur.Impact)
	cur.add(Update{At: now, State: c.State, Text: said})
	return true
}

// worked is what the public is told when somebody has acknowledged an alert. Who
// that is stays inside.
const worked = "We are working on it."

// mistaken is what the public is told when the last alerts that counted have been
// called false alarms.
const mistaken = "This was a false alarm."

// taken says once for each incident that people are working on it.
func (d *Derived) taken(c Observed, now time.Time) bool {
	n := slices.IndexFunc(d.list, func(i PublicIncident) bool { return i.Open() && componentOfID(i.ID) == c.ID })
	text := Text{En: worked, Zh: translate(Chinese, worked)}
	if !c.Taken || n < 0 || slices.ContainsFunc(d.list[n].Updates, func(u Update) bool { return u.Text == text }) {
		return false
	}
	d.list[n].add(Update{At: now, State: c.State, Text: text})
	return true
}

// idSeparator divides the component's ID, which does not contain it, from the time.
const idSeparator = "_"

func componentOfID(id string) string {
	c, _, _ := strings.Cut(id, idSeparator)
	return c
}

// add appends an update. The oldest but the first make room.
func (i *PublicIncident) add(u Update) {
	if len(i.Updates) >= maxUpdates {
		i.Updates = slices.Delete(i.Updates, 1, 2)
	}
	i.Updates = append(i.Updates, u)
}

// lastSaid is the newest text.
func (i *PublicIncident) lastSaid() Text {
	for n := len(i.Updates) - 1; n >= 0; n-- {
		if i.Updates[n].Text != (Text{}) && i.Updates[n].Text.En != worked {
			return i.Updates[n].Text
		}
	}
	return Text{}
}

func titleOf(name Text, s State) Text {
	text := "%s does not work as it should"
	if s == Outage {
		text = "%s is down"
	}
	return Text{En: translate(English, text, name.In(English)), Zh: translate(Chinese, text, name.In(Chinese))}
}

// said makes what alerts say fit to be shown: sorted, each once, bounded, and
// without control characters.
func said(texts []string) []string {
	var out []string
	for _, t := range texts {
		t = strings.TrimSpace(strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(t, "")))
		if r := []rune(t); len(r) > maxSaid {
			t = string(r[:maxSaid]) + "…"
		}
		if t != "" {
			out = append(out, t)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return out[:min(len(out), 5)]
}

func (d *Derived) save() error {
	raw, err := json.Marshal(d.list)
	if err != nil {
		return fmt.Errorf("encode incidents of the status page: %w", err)
	}
	return replace(d.d, d.path, raw, 0o640)
}

func cloneIncidents(list []PublicIncident) []PublicIncident {
	out := slices.Clone(list)
	for i := range out {
		out[i].Updates = slices.Clone(out[i].Updates)
	}
	return out
}
