package native

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"touchline.dev/touchline/internal/dashboard"
)

// DashboardChange names a dashboard, and which version of it is to be changed.
type DashboardChange struct {
	DashboardInput
	IfMatch string `header:"If-Match" doc:"The ETag that the edit began from; * for whatever it is."`
}

// version is that of If-Match, 0 for any.
func (c *DashboardChange) version() (int64, error) {
	if c.IfMatch == "" {
		return 0, huma.NewError(http.StatusPreconditionRequired, "If-Match is missing: send the ETag of the dashboard that the edit began from, so that nobody's changes are lost")
	}
	return parseETag(c.IfMatch)
}

func (d *dashboards) saved(ctx context.Context, s dashboard.Saved, err error) (*savedOutput, error) {
	if err != nil {
		return nil, d.dashboardFailure(ctx, "saving the dashboard", err)
	}
	o := &savedOutput{Status: http.StatusOK, ETag: etag(s.Version)}
	if s.Created {
		o.Status = http.StatusCreated
	}
	o.Body.UID, o.Body.URL, o.Body.Version, o.Body.Warnings = s.UID, "/ui/d/"+s.UID, s.Version, append([]string{}, s.Warnings...)
	return o, nil
}

// request reads a body. Buffers of bodies are used again, so that the text is copied.
func (d *dashboards) request(ctx context.Context, body []byte, fields ...string) (*dashboard.Request, error) {
	r, err := dashboard.ParseRequest(string(body), fields...)
	if err != nil {
		return nil, d.dashboardFailure(ctx, "reading the dashboard", err)
	}
	known := d.sources()
	for _, i := range r.Dashboard.Inputs {
		if uid := r.Inputs[i.Name]; uid != "" && i.Type == "datasource" && !slices.Contains(known, uid) {
			return nil, d.dashboardFailure(ctx, "reading the dashboard", &dashboard.Error{
				Kind: dashboard.Invalid, Field: "inputs." + i.Name, Reason: "there is no data source with this uid; there are " + strings.Join(known, ", "),
			})
		}
	}
	return r, nil
}

func text(doc string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: doc} }

func (d *dashboards) edits() {
	theDashboard := object("Grafana's JSON: classic or schema v2, also in {\"dashboard\": …}, also an export with __inputs. At most 10 MB and 5000 panels.")
	theFolder, theMessage := text("The title of the folder."), text("What has changed, for the list of versions.")
	create := operation("import-dashboard", http.MethodPost, "/dashboards", dashboardsTag, "Keep a dashboard of Grafana", http.StatusConflict)
	create.DefaultStatus = http.StatusCreated
	takesJSON(d, create, map[string]*huma.Schema{
		"dashboard": theDashboard, "folder": theFolder, "message": theMessage,
		"overwrite": {Type: huma.TypeBoolean, Description: "Replace the dashboard that has the uid."},
		"inputs":    {Type: huma.TypeObject, AdditionalProperties: text(""), Description: "What stands for ${NAME} of an export, such as {\"DS_PROMETHEUS\": \"touchline\"}."},
	}, func(ctx context.Context, i *struct {
		RawBody []byte `contentType:"application/json"`
	},
	) (*savedOutput, error) {
		r, err := d.request(ctx, i.RawBody, "folder", "message", "overwrite", "inputs")
		if err != nil {
			return nil, err
		}
		s, err := d.in.Create(ctx, d.o.Actor(ctx), dashboard.Import{Dashboard: r.Dashboard, Folder: r.Folder, Message: r.Message, Overwrite: r.Overwrite})
		return d.saved(ctx, s, err)
	})
	save := operation("save-dashboard", http.MethodPut, "/dashboards/{uid}", dashboardsTag, "Save an edit", http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired)
	takesJSON(d, save, map[string]*huma.Schema{"dashboard": theDashboard, "folder": theFolder, "message": theMessage},
		func(ctx context.Context, i *struct {
			DashboardChange
			RawBody []byte `contentType:"application/json"`
		},
		) (*savedOutput, error) {
			version, err := i.version()
			if err != nil {
				return nil, err
			}
			r, err := d.request(ctx, i.RawBody, "folder", "message")
			if err != nil {
				return nil, err
			}
			s, err := d.in.Update(ctx, d.o.Actor(ctx), i.UID, version, dashboard.Change{Dashboard: r.Dashboard, Folder: r.Folder, Message: r.Message})
			return d.saved(ctx, s, err)
		})
	huma.Register(d.huma, operation("delete-dashboard", http.MethodDelete, "/dashboards/{uid}", dashboardsTag, "Delete a dashboard with its versions, stars and links", http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed),
		func(ctx context.Context, i *DashboardChange) (*struct{}, error) {
			version, err := parseETag(i.IfMatch)
			if err != nil {
				return nil, err
			}
			if err := d.in.Delete(ctx, d.o.Actor(ctx), i.UID, version); err != nil {
				return nil, d.dashboardFailure(ctx, "deleting the dashboard", err)
			}
			return nil, nil
		})
	type patchOutput struct {
		Body struct {
			Patch  []dashboard.Operation `json:"patch" doc:"As in RFC 6902."`
			Diff   string                `json:"diff" doc:"Unified, against the file; what has not changed stays as it is written there."`
			Folder string                `json:"folder,omitempty" doc:"The folder on the server that the paths of the diff begin in, for git apply; the one that its provider reads."`
		}
	}
	patch := operation("make-dashboard-patch", http.MethodPost, "/dashboards/{uid}/patch", dashboardsTag, "What an edit changes in the file that a dashboard comes from; nothing is saved", http.StatusNotFound)
	takesJSON(d, patch, map[string]*huma.Schema{"dashboard": theDashboard}, func(ctx context.Context, i *struct {
		DashboardInput
		RawBody []byte `contentType:"application/json"`
	},
	) (*patchOutput, error) {
		r, err := d.request(ctx, i.RawBody)
		if err != nil {
			return nil, err
		}
		p, err := d.in.Patch(ctx, i.UID, r.Dashboard)
		if err != nil {
			return nil, d.dashboardFailure(ctx, "making the patch", err)
		}
		o := &patchOutput{}
		o.Body.Patch, o.Body.Diff, o.Body.Folder = p.Operations, p.Diff, p.Folder
		return o, nil
	})
	for method, on := range map[string]bool{http.MethodPut: true, http.MethodDelete: false} {
		id, summary := "star-dashboard", "Star a dashboard"
		if !on {
			id, summary = "unstar-dashboard", "Take a star away"
		}
		huma.Register(d.huma, operation(id, method, "/dashboards/{uid}/star", dashboardsTag, summary, http.StatusNotFound),
			func(ctx context.Context, i *DashboardInput) (*struct{}, error) {
				user := d.user(ctx)
				if user == "" {
					return nil, forbidden("stars are kept for people who are known; sign in to star a dashboard")
				}
				if err := d.in.Star(ctx, user, i.UID, on); err != nil {
					return nil, d.dashboardFailure(ctx, "starring the dashboard", err)
				}
				return nil, nil
			})
	}
}

func (d *dashboards) versions() {
	type versionsOutput struct {
		Body struct {
			Versions []dashboard.Version `json:"versions"`
		}
	}
	huma.Register(d.huma, operation("list-dashboard-versions", http.MethodGet, "/dashboards/{uid}/versions", dashboardsTag, "Versions that are kept, newest first", http.StatusNotFound),
		func(ctx context.Context, i *DashboardInput) (*versionsOutput, error) {
			list, err := d.in.Versions(ctx, i.UID)
			if err != nil {
				return nil, d.dashboardFailure(ctx, "listing versions", err)
			}
			o := &versionsOutput{}
			o.Body.Versions = list
			return o, nil
		})
	get := operation("get-dashboard-version", http.MethodGet, "/dashboards/{uid}/versions/{version}", dashboardsTag, "A version of a dashboard", http.StatusNotFound)
	d.answersJSON(&get, map[string]*huma.Schema{"dashboard": object("Grafana's JSON.")})
	huma.Register(d.huma, get, func(ctx context.Context, i *struct {
		DashboardInput
		Version int64 `path:"version" minimum:"1"`
	},
	) (*rawOutput, error) {
		text, err := d.in.Version(ctx, i.UID, i.Version)
		if err != nil {
			return nil, d.dashboardFailure(ctx, "reading the version", err)
		}
		return raw("", `{"dashboard":`, text, `}`), nil
	})
	restore := operation("restore-dashboard", http.MethodPost, "/dashboards/{uid}/restore", dashboardsTag, "Make an old version the newest one", http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired)
	huma.Register(d.huma, restore, func(ctx context.Context, i *struct {
		DashboardChange
		Body struct {
			Version int64 `json:"version" minimum:"1"`
		}
	},
	) (*savedOutput, error) {
		version, err := i.version()
		if err != nil {
			return nil, err
		}
		s, err := d.in.Restore(ctx, d.o.Actor(ctx), i.UID, version, i.Body.Version)
		return d.saved(ctx, s, err)
	})
}

func (d *dashboards) shares() {
	type sharedOutput struct {
		CacheControl string `header:"Cache-Control"`
		Body         struct {
			dashboard.Share
			URL   string `json:"url" doc:"Its page, below the external URL. Whoever has it may look. It is shown this once."`
			Token string `json:"token" doc:"What the address holds; programs may send it as X-Touchline-Share."`
		}
	}
	share := operation("share-dashboard", http.MethodPost, "/dashboards/{uid}/share", dashboardsTag, "Make a read-only link to a dashboard. Whoever has it may run any query on this server's metrics.", http.StatusNotFound, http.StatusConflict)
	share.DefaultStatus = http.StatusCreated
	huma.Register(d.huma, share, func(ctx context.Context, i *struct {
		DashboardInput
		Body *struct {
			ExpiresAt time.Time `json:"expires_at,omitzero" doc:"A week from now where it is left out; a year at most."`
		}
	},
	) (*sharedOutput, error) {
		var expires time.Time
		if i.Body != nil {
			expires = i.Body.ExpiresAt
		}
		secret, s, err := d.in.Share(ctx, d.o.Actor(ctx), i.UID, expires)
		if err != nil {
			return nil, d.dashboardFailure(ctx, "sharing the dashboard", err)
		}
		o := &sharedOutput{CacheControl: noStore}
		o.Body.Share, o.Body.Token, o.Body.URL = s, secret, "/ui/d/"+i.UID+"?"+url.Values{"share": {secret}}.Encode()
		return o, nil
	})
	type sharesOutput struct {
		Body struct {
			Shares []dashboard.Share `json:"shares"`
		}
	}
	huma.Register(d.huma, operation("list-dashboard-shares", http.MethodGet, "/dashboards/{uid}/share", dashboardsTag, "Links to a dashboard that are valid, newest first", http.StatusNotFound),
		func(ctx context.Context, i *DashboardInput) (*sharesOutput, error) {
			list, err := d.in.Shares(ctx, i.UID)
			if err != nil {
				return nil, d.dashboardFailure(ctx, "listing links", err)
			}
			o := &sharesOutput{}
			o.Body.Shares = list
			return o, nil
		})
	huma.Register(d.huma, operation("revoke-dashboard-share", http.MethodDelete, "/dashboards/{uid}/share/{id}", dashboardsTag, "End a link at once", http.StatusNotFound),
		func(ctx context.Context, i *struct {
			DashboardInput
			ID string `path:"id" maxLength:"64"`
		},
		) (*struct{}, error) {
			if err := d.in.Revoke(ctx, d.o.Actor(ctx), i.UID, i.ID); err != nil {
				return nil, d.dashboardFailure(ctx, "revoking a link", err)
			}
			return nil, nil
		})
}
