package native

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"touchline.dev/touchline/internal/dashboard/datasource"
	"touchline.dev/touchline/internal/httpserver"
)

// Datasources registers the list of the servers that dashboards can ask.
func (a *API) Datasources(list func() []datasource.Shown) {
	type output struct {
		Body struct {
			Datasources []datasource.Shown `json:"datasources"`
		}
	}
	huma.Register(a.huma, operation("list-datasources", http.MethodGet, "/datasources", dashboardsTag, "Servers that dashboards can ask; below /datasources/UID/proxy/api/v1/ is the reading part of Prometheus's API of each"),
		func(ctx context.Context, _ *struct{}) (*output, error) {
			o := &output{}
			o.Body.Datasources = list()
			if p, _ := httpserver.PrincipalFrom(ctx); p.Shared() {
				for i := range o.Body.Datasources {
					o.Body.Datasources[i].URL = ""
				}
			}
			return o, nil
		})
}
