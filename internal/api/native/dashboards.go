package native

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"touchline.dev/touchline/internal/dashboard"
	"touchline.dev/touchline/internal/identity"
)

// Dashboards is what keeps dashboards.
type Dashboards interface {
	List(ctx context.Context, f dashboard.Filter) ([]dashboard.Meta, bool, error)
	Folders(ctx context.Context) ([]dashboard.Folder, error)
	Get(ctx context.Context, uid, user string) (dashboard.Meta, string, error)
	Create(ctx context.Context, by string, n dashboard.Import) (dashboard.Saved, error)
	Update(ctx context.Context, by, uid string, version int64, c dashboard.Change) (dashboard.Saved, error)
	Delete(ctx context.Context, by, uid string, version int64) error
	Versions(ctx context.Context, uid string) ([]dashboard.Version, error)
	Version(ctx context.Context, uid string, n int64) (string, error)
	Restore(ctx context.Context, by, uid string, version, n int64) (dashboard.Saved, error)
	Patch(ctx context.Context, uid string, edited *dashboard.Document) (dashboard.Patch, error)
	Star(ctx context.Context, user, uid string, on bool) error
	Share(ctx context.Context, by, uid string, expires time.Time) (string, dashboard.Share, error)
	Shares(ctx context.Context, uid string) ([]dashboard.Share, error)
	Revoke(ctx context.Context, by, uid, id string) error
}

const dashboardsTag = "Dashboards"

// maxDashboardBody is a dashboard with what is around it; one that is too large
// by itself is told so by its own limit.
const maxDashboardBody = dashboard.MaxSize + 1<<20

type dashboards struct {
	*API
	in      Dashboards
	door    Door
	sources func() []string
}

// DashboardInput names a dashboard.
type DashboardInput struct {
	UID string `path:"uid" maxLength:"200"`
}

type savedOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   struct {
		UID      string   `json:"uid"`
		URL      string   `json:"url" doc:"Its page, below the external URL."`
		Version  int64    `json:"version"`
		Warnings []string `json:"warnings" doc:"What of it is not as in Grafana."`
	}
}

// rawOutput is JSON that has been put together, so that a dashboard in it is byte
// for byte what was kept.
type rawOutput struct {
	ContentType string `header:"Content-Type"`
	ETag        string `header:"ETag"`
	Body        []byte
}

// Dashboards registers the handlers for dashboards. sources are the uids of the
// data sources that there are.
func (a *API) Dashboards(in Dashboards, door Door, sources func() []string) {
	d := &dashboards{a, in, door, sources}
	d.lists()
	d.edits()
	d.versions()
	d.shares()
}

// dashboardFailure answers with what was refused, and why.
func (a *API) dashboardFailure(ctx context.Context, what string, err error) error {
	var e *dashboard.Error
	if !errors.As(err, &e) {
		return a.failure(ctx, what, err)
	}
	switch e.Kind {
	case dashboard.NotFound:
		return huma.Error404NotFound(e.Error())
	case dashboard.TooLarge:
		return huma.NewError(http.StatusRequestEntityTooLarge, e.Error())
	case dashboard.Exists, dashboard.Full:
		return huma.Error409Conflict(e.Error())
	case dashboard.Provisioned:
		return &provisionedError{problem(http.StatusConflict, e.Error()), e.Source}
	case dashboard.Stale:
		return &staleError{problem(http.StatusPreconditionFailed, e.Error()), e.Current, e.Yours}
	case dashboard.Denied:
		return huma.Error401Unauthorized(e.Error())
	}
	field := "body"
	if e.Field != "" {
		field += "." + e.Field
	}
	reason := e.Reason
	if e.Line > 0 {
		reason = fmt.Sprintf("line %d, column %d (byte %d): %s", e.Line, e.Column, e.Offset, e.Reason)
	}
	return huma.Error422UnprocessableEntity(e.Error(), &huma.ErrorDetail{Location: field, Message: reason})
}

// provisionedError says which file a dashboard comes from.
type provisionedError struct {
	*huma.ErrorModel
	Source string `json:"source"`
}

// staleError says whose versions meet.
type staleError struct {
	*huma.ErrorModel
	Current *dashboard.Version `json:"current"`
	Yours   *dashboard.Version `json:"yours"`
}

func problem(status int, detail string) *huma.ErrorModel {
	return &huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail}
}

// user is whose stars count, "" for nobody's.
func (d *dashboards) user(ctx context.Context) string {
	p := d.door.Who(ctx)
	if p.Method == "anonymous" || p.Method == "share" {
		return ""
	}
	return p.Name
}

func (d *dashboards) lists() {
	type listed struct {
		Body struct {
			Dashboards []dashboard.Meta `json:"dashboards"`
			Next       string           `json:"next" doc:"The cursor of the next page; empty on the last one."`
		}
	}
	huma.Register(d.huma, operation("list-dashboards", http.MethodGet, "/dashboards", dashboardsTag, "Dashboards, by title", http.StatusBadRequest),
		func(ctx context.Context, i *struct {
			Query   string `query:"query" maxLength:"1000" doc:"Words of title, folder and tags."`
			Tag     string `query:"tag" maxLength:"200" doc:"Only with this tag."`
			Folder  string `query:"folder" maxLength:"200" doc:"Only in this folder."`
			Starred bool   `query:"starred" doc:"Only those that one has starred."`
			Limit   int    `query:"limit" default:"100" minimum:"1" maximum:"1000"`
			Cursor  string `query:"cursor" doc:"Where to begin; from next of the page before."`
		},
		) (*listed, error) {
			after, err := parseKeyCursor(i.Cursor)
			if err != nil {
				return nil, err
			}
			f := dashboard.Filter{Query: i.Query, Tag: i.Tag, Starred: i.Starred, Folder: i.Folder, User: d.user(ctx), After: after, Limit: i.Limit}
			list, more, err := d.in.List(ctx, f)
			if err != nil {
				return nil, d.dashboardFailure(ctx, "listing dashboards", err)
			}
			o := &listed{}
			o.Body.Dashboards = list
			if more {
				o.Body.Next = keyCursor(list[len(list)-1].Key())
			}
			return o, nil
		})
	type folders struct {
		Body struct {
			Folders []dashboard.Folder `json:"folders"`
		}
	}
	huma.Register(d.huma, operation("list-folders", http.MethodGet, "/folders", dashboardsTag, "Folders that have dashboards"),
		func(ctx context.Context, _ *struct{}) (*folders, error) {
			list, err := d.in.Folders(ctx)
			if err != nil {
				return nil, d.dashboardFailure(ctx, "listing folders", err)
			}
			o := &folders{}
			o.Body.Folders = list
			return o, nil
		})
	get := operation("get-dashboard", http.MethodGet, "/dashboards/{uid}", dashboardsTag, "A dashboard: its JSON, and what is known of it", http.StatusNotFound)
	d.answersJSON(&get, map[string]*huma.Schema{"dashboard": object("Grafana's JSON, with the uid and the version that it has here."), "meta": object("")})
	huma.Register(d.huma, get, func(ctx context.Context, i *DashboardInput) (*rawOutput, error) {
		m, text, err := d.in.Get(ctx, i.UID, d.user(ctx))
		if err != nil {
			return nil, d.dashboardFailure(ctx, "reading the dashboard", err)
		}
		meta, err := json.Marshal(struct {
			dashboard.Meta
			Source  string `json:"source,omitempty"`
			CanEdit bool   `json:"can_edit"`
		}{m, m.Source, !m.ReadOnly && slices.Contains(d.door.Who(ctx).Scopes, string(identity.Change))})
		if err != nil {
			return nil, d.dashboardFailure(ctx, "reading the dashboard", err)
		}
		return raw(etag(m.Version), `{"dashboard":`, text, `,"meta":`, string(meta), `}`), nil
	})
}

func raw(etag string, parts ...string) *rawOutput {
	var b bytes.Buffer
	for _, p := range parts {
		b.WriteString(p)
	}
	return &rawOutput{ContentType: "application/json", ETag: etag, Body: b.Bytes()}
}

func object(doc string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Description: doc, AdditionalProperties: true}
}

// answersJSON describes an answer that the handler puts together itself.
func (d *dashboards) answersJSON(o *huma.Operation, properties map[string]*huma.Schema) {
	o.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, Properties: properties, Required: []string{"dashboard"}}},
	}}}
}

// takesJSON registers a handler that reads its body itself, which may be large, and
// says in the document what it is.
func takesJSON[I, O any](d *dashboards, o huma.Operation, properties map[string]*huma.Schema, handler func(context.Context, *I) (*O, error)) {
	o.MaxBodyBytes = maxDashboardBody
	o.BodyReadTimeout = -1 // the server has one of its own
	o.SkipValidateBody = true
	o.Errors = append(o.Errors, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity)
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
	huma.Register(d.huma, o, handler)
	// Registering has described it as bytes.
	o.RequestBody.Content["application/json"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeObject, Properties: properties, Required: []string{"dashboard"}}}
}
