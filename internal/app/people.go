package app

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"touchline.dev/touchline/internal/api/native"
	"touchline.dev/touchline/internal/datadir"
	"touchline.dev/touchline/internal/httpserver"
	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/internal/state"
)

// openState opens the database of what people decide, and what keeps incidents in it.
func (a *App) openState(ctx context.Context) error {
	o := state.Options{Path: a.path(datadir.State), Registerer: a.reg}
	if f := a.c.State.URLFile; f != "" {
		raw, err := os.ReadFile(f)
		if err != nil {
			return fmt.Errorf("read URL of the state database (--state.url-file): %w", err)
		}
		if o.URL = string(bytes.TrimSpace(raw)); o.URL == "" {
			return fmt.Errorf("%s (--state.url-file) is empty; write a URL such as postgres://touchline@db/touchline into it", f)
		}
	}
	var err error
	if a.state, err = state.Open(ctx, o); err != nil {
		return err
	}
	a.onStop("state", func(context.Context) error { return a.state.Close() })
	if err := a.openIdentity(); err != nil {
		return err
	}
	opens, err := matching(a.c.Incidents.Matchers, "--incidents.matchers")
	if err != nil {
		return err
	}
	a.incident, err = incident.New(incident.Options{
		DB: a.state, Logger: a.log.With("component", "incidents"), Registerer: a.reg, Opens: opens,
		Flapping: a.c.Incidents.Flapping, Retention: a.c.Incidents.Retention, Surroundings: incident.Surroundings{Series: a.seriesOf},
		Audit: audit,
	})
	if err != nil {
		return err
	}
	a.onStop("incidents", a.incident.Stop)
	a.incident.Start()
	return nil
}

// nativeAPI serves what no upstream tool has an API for.
func (a *App) nativeAPI(mux *router) {
	api := native.New(native.Options{Mux: mux, Version: a.build.Version, Logger: a.log.With("component", "api"), Actor: actor})
	api.Incidents(a.incident)
	api.Reviews(a.incident, a.graphOf)
	api.Links(a.incident)
	api.Accounts(a.identity, a.door)
}

// actor is who sent a request, as timelines and the audit log name them.
func actor(ctx context.Context) string {
	if p, ok := httpserver.PrincipalFrom(ctx); ok {
		return p.Name
	}
	return ""
}
