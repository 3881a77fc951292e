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
	"touchline.dev/touchline/internal/config"
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

// person says whether somebody can be asked for; "" is everybody.
func (d duty) person(name string) error {
	if people := d.a.roster.Load().People; name != "" && people[name] == nil {
		return fmt.Errorf("%w: the section people of touchline.yaml has no %q; it has %s", native.ErrBadShift, name, roster.Listed(slices.Sorted(maps.Keys(people))))
	}
	return nil
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

// SignCalendar makes the token of a feed.
func (d duty) SignCalendar(ctx context.Context, name, person string) (string, time.Time, error) {
	if _, err := d.schedule(name); err != nil {
		return "", time.Time{}, err
	}
	if err := d.person(person); err != nil {
		return "", time.Time{}, err
	}
	expires := time.Now().Add(incident.CalendarLife).Truncate(time.Second)
	token, err := d.a.incident.SignCalendar(ctx, name, person, expires)
	return token, expires, err
}

// ReadCalendar reads the token of a feed.
func (d duty) ReadCalendar(ctx context.Context, token string) (name, person string, err error) {
	return d.a.incident.ReadCalendar(ctx, token)
}

// Calendar writes a schedule's feed.
func (d duty) Calendar(_ context.Context, w io.Writer, name, language, person string) error {
	s, err := d.schedule(name)
	if err != nil {
		return err
	}
	if err := d.person(person); err != nil {
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
	made, err := d.a.incident.AddOverride(ctx, incident.Override(o), func(o incident.Override, others []incident.Override) error {
		_, refused := roster.Overrides(d.a.dynamic.Load(), append(others, o))
		for _, r := range refused {
			if r.ID == o.ID {
				return r.Err
			}
		}
		return nil
	})
	if incident.Refused(err) {
		return o, fmt.Errorf("%w: %w", native.ErrBadShift, err)
	}
	if err != nil {
		return o, err
	}
	d.a.renewNow(ctx)
	return native.ScheduleOverride(made), nil
}

// RemoveOverride takes an override back, at once.
func (d duty) RemoveOverride(ctx context.Context, name string, id int64, actor string) error {
	if err := d.a.incident.RemoveOverride(ctx, name, id, actor); err != nil {
		if errors.Is(err, incident.ErrNotFound) {
			return native.ErrNoSchedule
		}
		return err
	}
	d.a.renewNow(ctx)
	return nil
}

// overrides are those made by API that the schedules of a configuration take, by
// schedule. The others have no effect, which is logged.
func (a *App) overrides(ctx context.Context, d *config.Dynamic) (map[string][]oncall.Override, error) {
	list, err := a.incident.Overrides(ctx, "")
	if err != nil {
		return nil, err
	}
	taken, refused := roster.Overrides(d, list)
	for _, r := range refused {
		a.log.Warn("An override made by API has no effect", "schedule", r.Schedule, "id", r.ID, "person", r.Person, "from", r.From, "to", r.To, "by", r.By, "err", r.Err)
	}
	return taken, nil
}

// renewRoster makes the roster again from the configuration in force and the
// overrides of the database.
func (a *App) renewRoster(ctx context.Context) error {
	a.reloadMu.Lock()
	defer a.reloadMu.Unlock()
	d := a.dynamic.Load()
	more, err := a.overrides(ctx, d)
	if err != nil {
		return err
	}
	known := []string{}
	for _, r := range a.alerting.Receivers() {
		known = append(known, r.Name)
	}
	r, err := roster.New(d, known, more)
	if err != nil {
		return err
	}
	a.roster.Store(r)
	return nil
}

// renewNow makes the roster again after a change that is committed. What fails
// here is made good by followOverrides.
func (a *App) renewNow(ctx context.Context) {
	if err := a.renewRoster(ctx); err != nil {
		a.log.Warn("A change of overrides is not in force yet; it is tried again", "err", err)
	}
}

// How often it is looked for overrides that another replica has taken, for how
// long at most, and how often those that have long been over are forgotten.
const (
	overridesLook    = 2 * time.Second
	overridesTimeout = 10 * time.Second
	overridesForget  = time.Hour
)

// followOverrides has the overrides in force that any replica has taken or taken
// back. While the database does not answer, those known last stay.
func (a *App) followOverrides(ctx context.Context) {
	look, forget := time.NewTicker(overridesLook), time.NewTicker(overridesForget)
	defer look.Stop()
	defer forget.Stop()
	f := overrideFollower{a: a}
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			f.look(ctx)
		case <-forget.C:
			if err := a.incident.ForgetOverrides(ctx); err != nil {
				a.log.Warn("Overrides that have long been over could not be forgotten; it is tried again", "err", err)
			}
		}
	}
}

// overrideFollower knows which overrides have been put in force.
type overrideFollower struct {
	a       *App
	seen    incident.OverridesVersion
	failing bool
}

func (f *overrideFollower) look(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, overridesTimeout)
	defer cancel()
	version, err := f.a.incident.OverridesVersion(limited)
	if err == nil && version != f.seen {
		// What changes after the look is seen by the next one.
		if err = f.a.renewRoster(limited); err == nil {
			f.seen = version
		}
	}
	switch {
	case ctx.Err() != nil:
		return
	case err != nil && !f.failing:
		f.a.log.Warn("It is not known whether overrides have changed; those known last stay in force", "err", err)
	case err == nil && f.failing:
		f.a.log.Info("The overrides in force are up to date again")
	}
	f.failing = err != nil
}
