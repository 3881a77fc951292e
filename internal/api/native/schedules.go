package native

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"touchline.dev/touchline/internal/incident"
)

// Shift is a time for which somebody is on call.
type Shift struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Person   string    `json:"person"`
	Override bool      `json:"override,omitempty"`
}

// Schedule is a schedule as it is now.
type Schedule struct {
	Name     string    `json:"name"`
	TimeZone string    `json:"time_zone"`
	OnCall   []string  `json:"on_call" doc:"Who is on call now."`
	Next     time.Time `json:"next_hand_over,omitzero"`
	NextUp   string    `json:"next,omitempty" doc:"Who takes over then."`
}

// ScheduleOverride is somebody who stands in.
type ScheduleOverride struct {
	ID       int64     `json:"id"`
	Schedule string    `json:"schedule"`
	Person   string    `json:"person"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	By       string    `json:"by"`
}

// Schedules is what knows who is on call.
type Schedules interface {
	Schedules(ctx context.Context, at time.Time) ([]Schedule, error)
	Shifts(ctx context.Context, name string, from, to time.Time) ([]Shift, error)
	Calendar(ctx context.Context, w io.Writer, name, language, person string) error
	// SignCalendar makes the token of a feed that asks for nothing else, until it expires.
	SignCalendar(ctx context.Context, name, person string) (token string, expires time.Time, err error)
	ReadCalendar(ctx context.Context, token string) (name, person string, err error)
	Overrides(ctx context.Context, name string) ([]ScheduleOverride, error)
	Override(ctx context.Context, o ScheduleOverride) (ScheduleOverride, error)
	RemoveOverride(ctx context.Context, name string, id int64, actor string) error
}

// Errors of schedules.
var (
	ErrNoSchedule = errors.New("there is no such schedule, or no such override of it")
	ErrBadShift   = errors.New("the time or the person is not possible")
)

// ScheduleInput names a schedule.
type ScheduleInput struct {
	Name string `path:"name"`
}

// Schedules registers the handlers for who is on call.
func (a *API) Schedules(in Schedules) {
	const tag = "On call"
	failed := func(ctx context.Context, err error) error {
		switch {
		case errors.Is(err, ErrNoSchedule):
			return huma.Error404NotFound(err.Error())
		case errors.Is(err, ErrBadShift):
			return huma.Error422UnprocessableEntity(err.Error())
		}
		return a.failure(ctx, "the schedule", err)
	}
	type schedules struct {
		Body struct {
			Schedules []Schedule `json:"schedules"`
		}
	}
	huma.Register(a.huma, operation("list-schedules", http.MethodGet, "/schedules", tag, "Schedules, and who is on call"),
		func(ctx context.Context, i *struct {
			At time.Time `query:"at" doc:"Now, where it is left out."`
		},
		) (*schedules, error) {
			if i.At.IsZero() {
				i.At = time.Now()
			}
			list, err := in.Schedules(ctx, i.At)
			if err != nil {
				return nil, failed(ctx, err)
			}
			o := &schedules{}
			o.Body.Schedules = append([]Schedule{}, list...)
			return o, nil
		})
	type shifts struct {
		Body struct {
			Shifts []Shift `json:"shifts"`
		}
	}
	huma.Register(a.huma, operation("list-shifts", http.MethodGet, "/schedules/{name}/shifts", tag, "Who is on call when", http.StatusNotFound),
		func(ctx context.Context, i *struct {
			ScheduleInput
			From time.Time `query:"from" required:"true"`
			To   time.Time `query:"to" required:"true"`
		},
		) (*shifts, error) {
			list, err := in.Shifts(ctx, i.Name, i.From, i.To)
			if err != nil {
				return nil, failed(ctx, err)
			}
			o := &shifts{}
			o.Body.Shifts = append([]Shift{}, list...)
			return o, nil
		})
	o := operation("get-calendar", http.MethodGet, "/schedules/{name}/calendar.ics", tag, "A calendar feed (RFC 5545) of a month back and half a year ahead", http.StatusNotFound)
	o.Responses = map[string]*huma.Response{"200": {Description: "The calendar.", Content: map[string]*huma.MediaType{"text/calendar": {}}}}
	huma.Register(a.huma, o, func(ctx context.Context, i *struct {
		ScheduleInput
		Language string `query:"lang" enum:"en,zh" default:"en"`
		Person   string `query:"person" doc:"Only this person's shifts."`
	},
	) (*huma.StreamResponse, error) {
		return a.calendar(ctx, in, i.Name, i.Language, i.Person, failed)
	})
	a.calendarLinks(in, failed)
	type overrides struct {
		Body struct {
			Overrides []ScheduleOverride `json:"overrides"`
		}
	}
	huma.Register(a.huma, operation("list-overrides", http.MethodGet, "/schedules/{name}/overrides", tag, "Who stands in for whom, by API", http.StatusNotFound),
		func(ctx context.Context, i *ScheduleInput) (*overrides, error) {
			list, err := in.Overrides(ctx, i.Name)
			if err != nil {
				return nil, failed(ctx, err)
			}
			o := &overrides{}
			o.Body.Overrides = append([]ScheduleOverride{}, list...)
			return o, nil
		})
	huma.Register(a.huma, operation("create-override", http.MethodPost, "/schedules/{name}/overrides", tag, "Have somebody stand in", http.StatusNotFound),
		func(ctx context.Context, i *struct {
			ScheduleInput
			Body struct {
				Person string    `json:"person" minLength:"1"`
				From   time.Time `json:"from"`
				To     time.Time `json:"to"`
			}
		},
		) (*struct{ Body ScheduleOverride }, error) {
			o, err := in.Override(ctx, ScheduleOverride{Schedule: i.Name, Person: i.Body.Person, From: i.Body.From, To: i.Body.To, By: a.o.Actor(ctx)})
			if err != nil {
				return nil, failed(ctx, err)
			}
			return &struct{ Body ScheduleOverride }{o}, nil
		})
	huma.Register(a.huma, operation("delete-override", http.MethodDelete, "/schedules/{name}/overrides/{id}", tag, "Take an override back", http.StatusNotFound),
		func(ctx context.Context, i *struct {
			ScheduleInput
			IncidentInput
		},
		) (*struct{}, error) {
			if err := in.RemoveOverride(ctx, i.Name, i.ID, a.o.Actor(ctx)); err != nil {
				return nil, failed(ctx, err)
			}
			return nil, nil
		})
}

// calendarLink is the address of a feed.
type calendarLink struct {
	Path    string    `json:"path" doc:"To be put after the server's address; whoever has it can read the feed."`
	Expires time.Time `json:"expires"`
}

// calendarLinks registers feeds for calendars that can send no credentials, as
// Google's: the address is the key.
func (a *API) calendarLinks(in Schedules, failed func(context.Context, error) error) {
	const tag = "On call"
	huma.Register(a.huma, operation("create-calendar-link", http.MethodPost, "/schedules/{name}/calendar-link", tag, "An address of the calendar feed that needs no credentials, good for a year", http.StatusNotFound),
		func(ctx context.Context, i *struct {
			ScheduleInput
			Body struct {
				Person   string `json:"person,omitempty" doc:"Only this person's shifts."`
				Language string `json:"lang,omitempty" enum:"en,zh" default:"en"`
			}
		},
		) (*struct{ Body calendarLink }, error) {
			token, expires, err := in.SignCalendar(ctx, i.Name, i.Body.Person)
			if err != nil {
				return nil, failed(ctx, err)
			}
			path := Base + "/calendars/" + token
			if i.Body.Language == "zh" {
				path += "?lang=zh"
			}
			return &struct{ Body calendarLink }{calendarLink{path, expires.UTC()}}, nil
		})
	o := operation("get-calendar-by-link", http.MethodGet, "/calendars/{token}", tag, "The calendar feed of an address that was made for it", http.StatusNotFound, http.StatusGone)
	o.Responses = map[string]*huma.Response{"200": {Description: "The calendar.", Content: map[string]*huma.MediaType{"text/calendar": {}}}}
	huma.Register(a.huma, o, func(ctx context.Context, i *struct {
		Token    string `path:"token" maxLength:"2048"`
		Language string `query:"lang" enum:"en,zh" default:"en"`
	},
	) (*huma.StreamResponse, error) {
		name, person, err := in.ReadCalendar(ctx, i.Token)
		switch {
		case errors.Is(err, incident.ErrLinkExpired):
			return nil, huma.Error410Gone("the address of this calendar has expired; make another one")
		case errors.Is(err, incident.ErrLinkForged):
			return nil, huma.Error404NotFound("this server has made no calendar of this address")
		case err != nil:
			return nil, failed(ctx, err)
		}
		return a.calendar(ctx, in, name, i.Language, person, failed)
	})
}

func (a *API) calendar(ctx context.Context, in Schedules, name, language, person string, failed func(context.Context, error) error) (*huma.StreamResponse, error) {
	var b bytes.Buffer
	if err := in.Calendar(ctx, &b, name, language, person); err != nil {
		return nil, failed(ctx, err)
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetHeader("Content-Type", "text/calendar; charset=utf-8")
		_, _ = c.BodyWriter().Write(b.Bytes())
	}}, nil
}
