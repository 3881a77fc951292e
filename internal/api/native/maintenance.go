package native

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/internal/incident/maintenance"
)

// Maintenance is what keeps windows and deployments.
type Maintenance interface {
	List(ctx context.Context, ended bool) ([]maintenance.Window, error)
	Get(ctx context.Context, id int64) (maintenance.Window, error)
	Create(ctx context.Context, w maintenance.Window, actor string) (maintenance.Window, error)
	End(ctx context.Context, id, version int64, actor string) (maintenance.Window, error)
	Deploy(ctx context.Context, d incident.Deploy, actor string) (incident.Deploy, error)
	Deployed(ctx context.Context, id int64, failed bool, actor string) (incident.Deploy, error)
	Deploys(ctx context.Context, from, to time.Time) ([]incident.Deploy, error)
}

// window is a maintenance window with its duration in seconds.
type window struct {
	maintenance.Window
	Seconds float64 `json:"duration_seconds"`
}

func windowOf(w maintenance.Window) window { return window{w, w.Duration.Seconds()} }

type windowOutput struct {
	ETag string `header:"ETag"`
	Body window
}

type newWindow struct {
	Name     string    `json:"name" minLength:"1" maxLength:"200"`
	Matchers []string  `json:"matchers" minItems:"1" maxItems:"50" doc:"Matchers of Alertmanager's syntax, such as service=\"api\"."`
	Seconds  float64   `json:"duration_seconds" minimum:"1" maximum:"31622400"`
	Start    time.Time `json:"start,omitempty" doc:"Now, where it is left out."`
	TimeZone string    `json:"time_zone,omitempty" doc:"In which the rrule counts; UTC where it is left out."`
	RRule    string    `json:"rrule,omitempty" maxLength:"1000" doc:"How it recurs, as in RFC 5545."`
	Comment  string    `json:"comment,omitempty" maxLength:"1000"`
}

type newDeployment struct {
	Title  string            `json:"title" minLength:"1" maxLength:"300" doc:"What is deployed."`
	Labels map[string]string `json:"labels,omitempty" doc:"Such as service and version; an incident whose alerts have them in common is hinted at."`
	At     time.Time         `json:"at,omitempty" doc:"Now, where it is left out."`
	Ended  time.Time         `json:"ended,omitempty"`
}

// Maintenance registers the handlers for windows and deployments.
func (a *API) Maintenance(in Maintenance) {
	const tag = "Maintenance"
	failed := func(ctx context.Context, err error) error {
		var refused *maintenance.Refused
		var pending *maintenance.Pending
		switch {
		case errors.As(err, &pending):
			a.o.Logger.ErrorContext(ctx, "A maintenance window could not be made a silence, or not be ended; it is tried again", "window", pending.ID, "err", pending.Err)
			return huma.Error503ServiceUnavailable(fmt.Sprintf("maintenance window %d %s, which is tried again; the log says why. To give it up: POST %s/maintenance/%d/end", pending.ID, pending.What, Base, pending.ID))
		case errors.As(err, &refused):
			return huma.Error422UnprocessableEntity(err.Error())
		case errors.Is(err, maintenance.ErrNotFound), errors.Is(err, maintenance.ErrNoDeployment):
			return huma.Error404NotFound(err.Error())
		case errors.Is(err, maintenance.ErrConflict):
			return huma.Error412PreconditionFailed(err.Error())
		}
		return a.failure(ctx, "maintenance", err)
	}
	answer := func(ctx context.Context, w maintenance.Window, err error) (*windowOutput, error) {
		if err != nil {
			return nil, failed(ctx, err)
		}
		return &windowOutput{ETag: etag(w.Version), Body: windowOf(w)}, nil
	}
	huma.Register(a.huma, operation("list-maintenance", http.MethodGet, "/maintenance", tag, "Maintenance windows"),
		func(ctx context.Context, i *struct {
			Ended bool `query:"ended" doc:"Also those that have ended."`
		},
		) (*struct {
			Body struct {
				Windows []window `json:"windows"`
			}
		}, error,
		) {
			ws, err := in.List(ctx, i.Ended)
			if err != nil {
				return nil, failed(ctx, err)
			}
			o := &struct {
				Body struct {
					Windows []window `json:"windows"`
				}
			}{}
			o.Body.Windows = []window{}
			for _, w := range ws {
				o.Body.Windows = append(o.Body.Windows, windowOf(w))
			}
			return o, nil
		})
	huma.Register(a.huma, operation("get-maintenance", http.MethodGet, "/maintenance/{id}", tag, "A maintenance window", http.StatusNotFound),
		func(ctx context.Context, i *IncidentInput) (*windowOutput, error) {
			w, err := in.Get(ctx, i.ID)
			return answer(ctx, w, err)
		})
	huma.Register(a.huma, operation("create-maintenance", http.MethodPost, "/maintenance", tag, "Make a maintenance window"),
		func(ctx context.Context, i *struct{ Body newWindow }) (*windowOutput, error) {
			b := &i.Body
			w, err := in.Create(ctx, maintenance.Window{
				Name: b.Name, Matchers: b.Matchers, Duration: time.Duration(b.Seconds * float64(time.Second)).Round(time.Second),
				Start: b.Start, TimeZone: b.TimeZone, RRule: b.RRule, Comment: b.Comment,
			}, a.o.Actor(ctx))
			return answer(ctx, w, err)
		})
	huma.Register(a.huma, operation("end-maintenance", http.MethodPost, "/maintenance/{id}/end", tag, "End a maintenance window for good", http.StatusNotFound, http.StatusPreconditionFailed),
		func(ctx context.Context, i *ChangeInput) (*windowOutput, error) {
			version, err := parseETag(i.IfMatch)
			if err != nil {
				return nil, err
			}
			w, err := in.End(ctx, i.ID, version, a.o.Actor(ctx))
			return answer(ctx, w, err)
		})
	type deployOutput struct{ Body incident.Deploy }
	huma.Register(a.huma, operation("list-deployments", http.MethodGet, "/deployments", tag, "What was deployed, newest first"),
		func(ctx context.Context, i *struct {
			From time.Time `query:"from" doc:"A day before to, where it is left out."`
			To   time.Time `query:"to" doc:"Now, where it is left out."`
		},
		) (*struct {
			Body struct {
				Deployments []incident.Deploy `json:"deployments"`
			}
		}, error,
		) {
			if i.To.IsZero() {
				i.To = time.Now()
			}
			if i.From.IsZero() {
				i.From = i.To.Add(-24 * time.Hour)
			}
			ds, err := in.Deploys(ctx, i.From, i.To)
			if err != nil {
				return nil, failed(ctx, err)
			}
			o := &struct {
				Body struct {
					Deployments []incident.Deploy `json:"deployments"`
				}
			}{}
			o.Body.Deployments = append([]incident.Deploy{}, ds...)
			return o, nil
		})
	huma.Register(a.huma, operation("create-deployment", http.MethodPost, "/deployments", tag, "Note that something is deployed"),
		func(ctx context.Context, i *struct{ Body newDeployment }) (*deployOutput, error) {
			d, err := in.Deploy(ctx, incident.Deploy{Title: i.Body.Title, Labels: i.Body.Labels, At: i.Body.At, Ended: i.Body.Ended}, a.o.Actor(ctx))
			if err != nil {
				return nil, failed(ctx, err)
			}
			return &deployOutput{d}, nil
		})
	huma.Register(a.huma, operation("end-deployment", http.MethodPost, "/deployments/{id}/end", tag, "Note that a deployment has ended", http.StatusNotFound),
		func(ctx context.Context, i *struct {
			IncidentInput
			Body struct {
				Failed bool `json:"failed,omitempty"`
			}
		},
		) (*deployOutput, error) {
			d, err := in.Deployed(ctx, i.ID, i.Body.Failed, a.o.Actor(ctx))
			if err != nil {
				return nil, failed(ctx, err)
			}
			return &deployOutput{d}, nil
		})
}
