package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"touchline.dev/touchline/internal/api/native"
	"touchline.dev/touchline/internal/app/roster"
	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/internal/oncall"
)

// duty is who is on call, for the API.
type duty struct{ a *App }

var _ native.Schedules = duty{}

// Schedules lists the schedules with who is on call.
func (d duty) Schedules(_ context.Context, at time.Time) ([]native.Schedule, error) {
	r := d.a.roster.Load()
	var out []native.Schedule
	for _, name := range slices.Sorted(maps.Keys(r.Schedules)) {
		s := r.Schedules[name]
		x := native.Schedule{Name: name, TimeZone: s.Location().String(), OnCall: append([]string{}, s.At(at)...)}
		if next, ok := s.Next(at); ok {
			x.Next, x.NextUp = next.At, next.To
		}
		out = append(out, x)
	}
	return out, nil
}

func (d duty) schedule(name string) (*oncall.Schedule, error) {
	if s := d.a.roster.Load().Schedules[name]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("%w: %q; the section schedules of touchline.yaml has %s", native.ErrNoSchedule, name, roster.Listed(slices.Sorted(maps.Keys(d.a.roster.Load().Schedules))))
}

// Shifts lists who is on call when.
func (d duty) Shifts(_ context.Context, name string, from, to time.Time) ([]native.Shift, error) {
	s, err := d.schedule(name)
	if err != nil {
		return nil, err
	}
	shifts, err := s.Shifts(from, to)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", native.ErrBadShift, err)
	}
	out := make([]native.Shift, 0, len(shifts))
	for _, x := range shifts {
		out = append(out, native.Shift{From: x.From, To: x.To, Person: x.User, Override: x.Override})
	}
	return out, nil
}

// What a calendar feed holds around now.
const (
	calendarBack  = 31 * 24 * time.Hour
	calendarAhead = 183 * 24 * time.Hour
)

// Calendar writes a schedule's feed.
func (d duty) Calendar(_ context.Context, w io.Writer, name, language, person string) error {
	s, err := d.schedule(name)
	if err != nil {
		return err
	}
	now := time.Now()
	host := d.a.external.Hostname()
	if strings.ContainsAny(host, ":") { // an address of IPv6 is no name
		host = d.a.host
	}
	return oncall.WriteCalendar(w, s, now.Add(-calendarBack), now.Add(calendarAhead), now, oncall.CalendarOptions{Domain: host, Language: language, User: person})
}

// Overrides lists the overrides that were made by API.
func (d duty) Overrides(ctx context.Context, name string) ([]native.ScheduleOverride, error) {
	if _, err := d.schedule(name); err != nil {
		return nil, err
	}
	list, err := d.a.incident.Overrides(ctx, name)
	if err != nil {
		return nil, err
	}
	out := make([]native.ScheduleOverride, 0, len(list))
	for _, o := range list {
		out = append(out, native.ScheduleOverride(o))
	}
	return out, nil
}

// Override has somebody stand in, at once.
func (d duty) Override(ctx context.Context, o native.ScheduleOverride) (native.ScheduleOverride, error) {
	if _, err := d.schedule(o.Schedule); err != nil {
		return o, err
	}
	if people := d.a.roster.Load().People; people[o.Person] == nil {
		return o, fmt.Errorf("%w: the section people of touchline.yaml has no %q; it has %s", native.ErrBadShift, o.Person, roster.Listed(slices.Sorted(maps.Keys(people))))
	}
	made, err := d.a.incident.AddOverride(ctx, incident.Override(o))
	if incident.Refused(err) {
		return o, fmt.Errorf("%w: %w", native.ErrBadShift, err)
	}
	if err != nil {
		return o, err
	}
	return native.ScheduleOverride(made), d.a.renewRoster(ctx)
}

// RemoveOverride takes an override back, at once.
func (d duty) RemoveOverride(ctx context.Context, name string, id int64, actor string) error {
	if err := d.a.incident.RemoveOverride(ctx, name, id, actor); err != nil {
		if errors.Is(err, incident.ErrNotFound) {
			return native.ErrNoSchedule
		}
		return err
	}
	return d.a.renewRoster(ctx)
}

// overrides are those made by API, by schedule.
func (a *App) overrides(ctx context.Context) (map[string][]oncall.Override, error) {
	list, err := a.incident.Overrides(ctx, "")
	if err != nil {
		return nil, err
	}
	out := map[string][]oncall.Override{}
	for _, o := range list {
		out[o.Schedule] = append(out[o.Schedule], oncall.Override{From: o.From, To: o.To, User: o.Person})
	}
	return out, nil
}

// renewRoster makes the roster again from the configuration in force and the
// overrides of the database.
func (a *App) renewRoster(ctx context.Context) error {
	a.reloadMu.Lock()
	defer a.reloadMu.Unlock()
	more, err := a.overrides(ctx)
	if err != nil {
		return err
	}
	known := []string{}
	for _, r := range a.alerting.Receivers() {
		known = append(known, r.Name)
	}
	r, err := roster.New(a.dynamic.Load(), known, more)
	if err != nil {
		return err
	}
	a.roster.Store(r)
	return nil
}
