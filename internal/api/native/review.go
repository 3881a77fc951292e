package native

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"touchline.dev/touchline/internal/incident"
)

// Reviews is what is learned from incidents.
type Reviews interface {
	Hints(ctx context.Context, id int64) ([]incident.Hint, error)
	JudgeHint(ctx context.Context, id int64, rank int, actor, verdict string) error
	Report(ctx context.Context, from, to time.Time) (incident.Report, error)
	Postmortem(ctx context.Context, id int64, language string, query incident.Query) (*incident.Postmortem, error)
}

type hintsOutput struct {
	Body struct {
		Hints  []incident.Hint `json:"hints"`
		Unread string          `json:"unread,omitempty" doc:"Why a part of them is not there; the next request may find it."`
	}
}

type postmortemInput struct {
	IncidentInput
	Format   string `query:"format" enum:"json,md" default:"json"`
	Language string `query:"lang" enum:"en,zh" default:"en"`
}

// Reviews registers the handlers for hints, post-mortems and reports. query may
// be nil; then post-mortems have no graphs.
func (a *API) Reviews(in Reviews, query incident.Query) {
	const tag = "Reviews"
	huma.Register(a.huma, operation("list-hints", http.MethodGet, "/incidents/{id}/hints", tag, "What else changed when an incident began, the likeliest first", http.StatusNotFound),
		func(ctx context.Context, i *IncidentInput) (*hintsOutput, error) {
			hs, err := in.Hints(ctx, i.ID)
			part, ok := errors.AsType[*incident.PartError](err)
			if err != nil && !ok {
				return nil, a.incidentFailure(ctx, err)
			}
			o := &hintsOutput{}
			if ok {
				o.Body.Unread = part.Error()
			}
			o.Body.Hints = append([]incident.Hint{}, hs...)
			return o, nil
		})
	huma.Register(a.huma, operation("judge-hint", http.MethodPost, "/incidents/{id}/hints/{rank}/verdict", tag, "Say whether a hint led to the cause", http.StatusNotFound, http.StatusConflict),
		func(ctx context.Context, i *struct {
			IncidentInput
			Rank int `path:"rank" minimum:"1"`
			Body struct {
				Verdict string `json:"verdict" enum:"right,wrong," doc:"Empty takes a verdict back."`
			}
		},
		) (*struct{}, error) {
			if err := in.JudgeHint(ctx, i.ID, i.Rank, a.o.Actor(ctx), i.Body.Verdict); err != nil {
				return nil, a.incidentFailure(ctx, err)
			}
			return nil, nil
		})
	huma.Register(a.huma, operation("get-report", http.MethodGet, "/reports/incidents", tag, "Incidents of a time: how many, how soon, which rules, who was called", http.StatusConflict),
		func(ctx context.Context, i *struct {
			From time.Time `query:"from" required:"true"`
			To   time.Time `query:"to" required:"true"`
		},
		) (*struct{ Body incident.Report }, error) {
			r, err := in.Report(ctx, i.From, i.To)
			if err != nil {
				return nil, a.incidentFailure(ctx, err)
			}
			return &struct{ Body incident.Report }{r}, nil
		})
	o := operation("get-postmortem", http.MethodGet, "/incidents/{id}/postmortem", tag, "What a team writes its review of an incident from, as JSON or Markdown", http.StatusNotFound)
	o.Responses = map[string]*huma.Response{"200": {Description: "The post-mortem.", Content: map[string]*huma.MediaType{"application/json": {}, "text/markdown": {}}}}
	huma.Register(a.huma, o, func(ctx context.Context, i *postmortemInput) (*huma.StreamResponse, error) {
		p, err := in.Postmortem(ctx, i.ID, i.Language, query)
		if err != nil {
			return nil, a.incidentFailure(ctx, err)
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			if i.Format == "md" {
				c.SetHeader("Content-Type", "text/markdown; charset=utf-8")
				_, _ = c.BodyWriter().Write([]byte(p.Markdown()))
				return
			}
			c.SetHeader("Content-Type", "application/json")
			if err := huma.DefaultJSONFormat.Marshal(c.BodyWriter(), p); err != nil {
				a.o.Logger.DebugContext(ctx, "A post-mortem was cut off", "err", err)
			}
		}}, nil
	})
}
