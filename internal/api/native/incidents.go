package native

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"touchline.dev/touchline/internal/incident"
)

// Incidents is what keeps incidents.
type Incidents interface {
	List(ctx context.Context, f incident.Filter) ([]incident.Incident, bool, error)
	Get(ctx context.Context, id int64) (incident.Detail, error)
	Notifications(ctx context.Context, f incident.Filter) ([]incident.Notification, bool, error)
	Acknowledge(ctx context.Context, id int64, actor, via string) (incident.Incident, error)
	Unacknowledge(ctx context.Context, id int64, actor string) (incident.Incident, error)
	Assign(ctx context.Context, id, version int64, actor, to string) (incident.Incident, error)
	Comment(ctx context.Context, id int64, actor, text string) (incident.Incident, error)
	Snooze(ctx context.Context, id, version int64, actor string, until time.Time) (incident.Incident, error)
	Close(ctx context.Context, id, version int64, actor, reason string) (incident.Incident, error)
	Judge(ctx context.Context, id, version int64, actor, verdict string) (incident.Incident, error)
	Merge(ctx context.Context, id, into int64, actor string) (incident.Incident, error)
}

// Page is what every list takes.
type Page struct {
	Cursor string `query:"cursor" doc:"Where to begin; from next_cursor of the page before."`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"1000"`
}

type incidentsInput struct {
	Page
	State    []incident.State `query:"state" enum:"firing,acknowledged,resolved,closed,merged,snoozed" doc:"Only these states, separated by commas. Snoozed are those that are firing or acknowledged and kept quiet for a while."`
	Severity string           `query:"severity" doc:"Only this severity."`
	Assignee string           `query:"assignee" doc:"Only whose they are."`
	Query    string           `query:"q" doc:"Words of the title and of labels, such as: disk instance=db-1."`
	From     time.Time        `query:"from" doc:"Opened at or after."`
	To       time.Time        `query:"to" doc:"Opened before."`
}

type incidentsOutput struct {
	Body struct {
		Incidents  []incident.Incident `json:"incidents"`
		NextCursor string              `json:"next_cursor,omitempty" doc:"Not there on the last page."`
	}
}

// IncidentInput names an incident.
type IncidentInput struct {
	ID int64 `path:"id" minimum:"1"`
}

type incidentOutput struct {
	ETag string `header:"ETag"`
	Body incident.Incident
}

type detailOutput struct {
	ETag string `header:"ETag"`
	Body incident.Detail
}

// ChangeInput names an incident, and which version of it is to be changed.
type ChangeInput struct {
	IncidentInput
	IfMatch string `header:"If-Match" doc:"Only where the incident still has this ETag."`
}

// Incidents registers the handlers for incidents.
func (a *API) Incidents(in Incidents) {
	const tag = "Incidents"
	get := func(path string) huma.Operation {
		return operation("get-incident", http.MethodGet, path, tag, "An incident with its alerts and its timeline", http.StatusNotFound)
	}
	act := func(id, verb, summary string) huma.Operation {
		return operation(id, http.MethodPost, "/incidents/{id}/"+verb, tag, summary, http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed)
	}
	huma.Register(a.huma, operation("list-incidents", http.MethodGet, "/incidents", tag, "Incidents, newest first", http.StatusBadRequest),
		func(ctx context.Context, i *incidentsInput) (*incidentsOutput, error) {
			before, err := parseCursor(i.Cursor)
			if err != nil {
				return nil, err
			}
			list, more, err := in.List(ctx, incident.Filter{
				States: i.State, Severity: i.Severity, Assignee: i.Assignee, Text: i.Query, From: i.From, To: i.To, Before: before, Limit: i.Limit,
			})
			if err != nil {
				return nil, a.failure(ctx, "listing incidents", err)
			}
			o := &incidentsOutput{}
			o.Body.Incidents = append([]incident.Incident{}, list...)
			if more {
				o.Body.NextCursor = cursor(list[len(list)-1].ID)
			}
			return o, nil
		})
	huma.Register(a.huma, get("/incidents/{id}"), func(ctx context.Context, i *IncidentInput) (*detailOutput, error) {
		d, err := in.Get(ctx, i.ID)
		if err != nil {
			return nil, a.incidentFailure(ctx, err)
		}
		return &detailOutput{ETag: etag(d.Version), Body: d}, nil
	})
	done := func(ctx context.Context, i incident.Incident, err error) (*incidentOutput, error) {
		if err != nil {
			return nil, a.incidentFailure(ctx, err)
		}
		return &incidentOutput{ETag: etag(i.Version), Body: i}, nil
	}
	huma.Register(a.huma, act("acknowledge-incident", "acknowledge", "Take an incident; its escalation stops"),
		func(ctx context.Context, i *IncidentInput) (*incidentOutput, error) {
			out, err := in.Acknowledge(ctx, i.ID, a.o.Actor(ctx), "")
			return done(ctx, out, err)
		})
	huma.Register(a.huma, act("unacknowledge-incident", "unacknowledge", "Give an incident back; its escalation begins anew"),
		func(ctx context.Context, i *IncidentInput) (*incidentOutput, error) {
			out, err := in.Unacknowledge(ctx, i.ID, a.o.Actor(ctx))
			return done(ctx, out, err)
		})
	huma.Register(a.huma, act("assign-incident", "assign", "Say whose an incident is; they are told"),
		func(ctx context.Context, i *struct {
			ChangeInput
			Body struct {
				To string `json:"to" maxLength:"200" doc:"A user, or one of the people of touchline.yaml; empty for nobody."`
			}
		},
		) (*incidentOutput, error) {
			version, err := parseETag(i.IfMatch)
			if err != nil {
				return nil, err
			}
			out, err := in.Assign(ctx, i.ID, version, a.o.Actor(ctx), i.Body.To)
			return done(ctx, out, err)
		})
	huma.Register(a.huma, act("comment-incident", "comments", "Write a comment into the timeline"),
		func(ctx context.Context, i *struct {
			IncidentInput
			Body struct {
				Text string `json:"text" minLength:"1" maxLength:"16384"`
			}
		},
		) (*incidentOutput, error) {
			out, err := in.Comment(ctx, i.ID, a.o.Actor(ctx), i.Body.Text)
			return done(ctx, out, err)
		})
	huma.Register(a.huma, act("snooze-incident", "snooze", "Keep an incident quiet for some time"),
		func(ctx context.Context, i *struct {
			ChangeInput
			Body struct {
				Until time.Time `json:"until" doc:"When escalation goes on; a time that has passed ends a snooze."`
			}
		},
		) (*incidentOutput, error) {
			version, err := parseETag(i.IfMatch)
			if err != nil {
				return nil, err
			}
			out, err := in.Snooze(ctx, i.ID, version, a.o.Actor(ctx), i.Body.Until)
			return done(ctx, out, err)
		})
	huma.Register(a.huma, act("close-incident", "close", "End an incident by hand"),
		func(ctx context.Context, i *struct {
			ChangeInput
			Body struct {
				Reason string `json:"reason,omitempty" maxLength:"16384"`
			}
		},
		) (*incidentOutput, error) {
			version, err := parseETag(i.IfMatch)
			if err != nil {
				return nil, err
			}
			out, err := in.Close(ctx, i.ID, version, a.o.Actor(ctx), i.Body.Reason)
			return done(ctx, out, err)
		})
	huma.Register(a.huma, act("judge-incident", "verdict", "Say whether an incident was a false alarm"),
		func(ctx context.Context, i *struct {
			ChangeInput
			Body struct {
				Verdict string `json:"verdict" enum:"real,false_alarm," doc:"Empty takes a verdict back."`
			}
		},
		) (*incidentOutput, error) {
			version, err := parseETag(i.IfMatch)
			if err != nil {
				return nil, err
			}
			out, err := in.Judge(ctx, i.ID, version, a.o.Actor(ctx), i.Body.Verdict)
			return done(ctx, out, err)
		})
	huma.Register(a.huma, act("merge-incident", "merge", "Make an incident part of another one"),
		func(ctx context.Context, i *struct {
			IncidentInput
			Body struct {
				Into int64 `json:"into" minimum:"1" doc:"The incident that gets the alerts."`
			}
		},
		) (*incidentOutput, error) {
			out, err := in.Merge(ctx, i.ID, i.Body.Into, a.o.Actor(ctx))
			return done(ctx, out, err)
		})
	a.notifications(in)
}

func (a *API) incidentFailure(ctx context.Context, err error) error {
	unknown, misspelt := errors.AsType[*incident.Unknown](err)
	switch {
	case misspelt:
		return huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: "body.to", Message: unknown.Error(), Value: unknown.Name})
	case errors.Is(err, incident.ErrNotFound):
		return huma.Error404NotFound(err.Error())
	case errors.Is(err, incident.ErrConflict):
		return huma.Error412PreconditionFailed(err.Error())
	case incident.Refused(err):
		return huma.Error409Conflict(err.Error())
	}
	return a.failure(ctx, "the incident", err)
}

// notification is one attempt to tell a receiver.
type notification struct {
	ID          int64           `json:"id"`
	At          time.Time       `json:"at"`
	Receiver    string          `json:"receiver"`
	Integration string          `json:"integration"`
	Group       string          `json:"group" doc:"The labels of the alert group."`
	Incident    int64           `json:"incident,omitempty"`
	Firing      int             `json:"firing"`
	Resolved    int             `json:"resolved"`
	Took        float64         `json:"took_seconds"`
	Error       string          `json:"error,omitempty" doc:"Not there where the receiver took it."`
	Way         json.RawMessage `json:"way,omitempty" doc:"When the alert that had been on its way for longest passed each hop, of those that the receiver was told for the first time."`
}

type notificationsInput struct {
	Page
	Receiver string    `query:"receiver"`
	Incident int64     `query:"incident" minimum:"0"`
	Failed   bool      `query:"failed" doc:"Only attempts that failed."`
	From     time.Time `query:"from"`
	To       time.Time `query:"to"`
}

type notificationsOutput struct {
	Body struct {
		Notifications []notification `json:"notifications"`
		NextCursor    string         `json:"next_cursor,omitempty"`
	}
}

func (a *API) notifications(in Incidents) {
	huma.Register(a.huma, operation("list-notifications", http.MethodGet, "/notifications", "Notifications", "Attempts to tell receivers, newest first", http.StatusBadRequest),
		func(ctx context.Context, i *notificationsInput) (*notificationsOutput, error) {
			before, err := parseCursor(i.Cursor)
			if err != nil {
				return nil, err
			}
			list, more, err := in.Notifications(ctx, incident.Filter{
				Receiver: i.Receiver, Incident: i.Incident, Failed: i.Failed, From: i.From, To: i.To, Before: before, Limit: i.Limit,
			})
			if err != nil {
				return nil, a.failure(ctx, "listing notifications", err)
			}
			o := &notificationsOutput{}
			o.Body.Notifications = []notification{}
			for _, n := range list {
				o.Body.Notifications = append(o.Body.Notifications, notification{
					ID: n.ID, At: n.At, Receiver: n.Receiver, Integration: n.Integration, Group: n.Group, Incident: n.Incident,
					Firing: n.Firing, Resolved: n.Resolved, Took: n.Took.Seconds(), Error: n.Error, Way: json.RawMessage(n.Way),
				})
			}
			if more {
				o.Body.NextCursor = cursor(list[len(list)-1].ID)
			}
			return o, nil
		})
}
