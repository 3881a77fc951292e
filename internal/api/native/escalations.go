package native

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"touchline.dev/touchline/internal/incident"
)

// Escalations is what calls people for incidents.
type Escalations interface {
	PoliciesNow() []incident.Policy
	Escalating(ctx context.Context, f incident.Filter) ([]incident.Standing, bool, error)
	EscalationOf(ctx context.Context, id int64) (incident.EscalationDetail, error)
}

// escalationStep is a step of a policy as touchline.yaml has it.
type escalationStep struct {
	Wait          float64  `json:"wait_seconds" doc:"After the incident began, or the step before."`
	Receivers     []string `json:"receivers"`
	Schedule      string   `json:"schedule,omitempty" doc:"Whoever is on call there, too."`
	Repeat        int      `json:"repeat,omitempty" doc:"How often it is carried out again."`
	Every         float64  `json:"every_seconds,omitempty" doc:"Between repetitions."`
	UntilResolved bool     `json:"until_resolved,omitempty" doc:"Also when somebody has acknowledged."`
}

func escalationSteps(steps []incident.Step) []escalationStep {
	out := make([]escalationStep, 0, len(steps))
	for _, s := range steps {
		out = append(out, escalationStep{
			Wait: s.Wait.Seconds(), Receivers: append([]string{}, s.Receivers...), Schedule: s.Schedule,
			Repeat: s.Repeat, Every: s.Every.Seconds(), UntilResolved: s.UntilResolved,
		})
	}
	return out
}

type escalationPolicy struct {
	Name  string           `json:"name"`
	Match []string         `json:"match" doc:"Matchers, all of which one of an incident's alerts has to meet. The first policy that is met is the incident's."`
	Steps []escalationStep `json:"steps"`
}

type escalationsOutput struct {
	Body struct {
		Policies    []escalationPolicy  `json:"policies" doc:"Those in force, in the order in which they are tried."`
		Escalations []incident.Standing `json:"escalations" doc:"Of the open incidents, newest first."`
		NextCursor  string              `json:"next_cursor,omitempty" doc:"Not there on the last page."`
	}
}

type escalationOutput struct {
	Body struct {
		incident.EscalationDetail
		Steps []escalationStep `json:"steps" doc:"Of the policy, as it is now."`
	}
}

// Escalations registers the handlers for who is called next.
func (a *API) Escalations(in Escalations) {
	const tag = "Incidents"
	huma.Register(a.huma, operation("list-escalations", http.MethodGet, "/escalations", tag, "Who is called next for the open incidents, and the policies", http.StatusBadRequest),
		func(ctx context.Context, i *Page) (*escalationsOutput, error) {
			before, err := parseCursor(i.Cursor)
			if err != nil {
				return nil, err
			}
			list, more, err := in.Escalating(ctx, incident.Filter{Before: before, Limit: i.Limit})
			if err != nil {
				return nil, a.failure(ctx, "listing escalations", err)
			}
			o := &escalationsOutput{}
			o.Body.Policies = []escalationPolicy{}
			for _, p := range in.PoliciesNow() {
				o.Body.Policies = append(o.Body.Policies, escalationPolicy{p.Name, append([]string{}, p.Matchers...), escalationSteps(p.Steps)})
			}
			o.Body.Escalations = append([]incident.Standing{}, list...)
			if more {
				o.Body.NextCursor = cursor(list[len(list)-1].Incident)
			}
			return o, nil
		})
	huma.Register(a.huma, operation("get-escalation", http.MethodGet, "/incidents/{id}/escalation", tag, "Who was called for an incident, who is next, and why nobody is", http.StatusNotFound),
		func(ctx context.Context, i *IncidentInput) (*escalationOutput, error) {
			d, err := in.EscalationOf(ctx, i.ID)
			if err != nil {
				return nil, a.incidentFailure(ctx, err)
			}
			o := &escalationOutput{}
			o.Body.EscalationDetail, o.Body.Steps = d, escalationSteps(d.Steps)
			o.Body.Calls = append([]incident.Made{}, d.Calls...)
			return o, nil
		})
}
