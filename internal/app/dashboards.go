package app

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"time"

	promconfig "github.com/prometheus/prometheus/config"

	"touchline.dev/touchline/internal/api/native"
	"touchline.dev/touchline/internal/dashboard"
	"touchline.dev/touchline/internal/dashboard/datasource"
	"touchline.dev/touchline/internal/dashboard/provision"
	"touchline.dev/touchline/internal/httpserver"
)

// boards are what has to do with dashboards.
type boards struct {
	kept    *dashboard.Service
	proxy   *datasource.Proxy
	watcher *provision.Watcher
}

// openDashboards opens dashboards and data sources. The folder is read by load.
func (a *App) openDashboards() error {
	log := a.log.With("component", "dashboards")
	var err error
	b := &a.boards
	if b.kept, err = dashboard.New(dashboard.Options{DB: a.state, Logger: log, Registerer: a.reg, Audit: audit}); err != nil {
		return err
	}
	own, _ := a.prometheusAPI()
	if b.proxy, err = datasource.New(datasource.Options{Logger: log, Registerer: a.reg, Own: own}); err != nil {
		return err
	}
	a.onStop("data sources", func(context.Context) error { b.proxy.Close(); return nil })
	var shipped fs.FS
	if a.c.Stack.Enabled {
		shipped = a.o.Shipped
	}
	b.watcher, err = provision.New(provision.Options{
		Dir: a.c.Dashboards.Provisioning, Shipped: shipped, Logger: log, Registerer: a.reg, Dashboards: b.kept.SetFiles, Sources: b.proxy.Set,
	})
	a.door.shared = b.kept
	return err
}

// startDashboards follows the provisioning folder.
func (a *App) startDashboards(ctx context.Context) error {
	if err := a.boards.kept.Start(ctx); err != nil {
		return err
	}
	a.boards.watcher.Start()
	a.onStop("provisioning of dashboards", func(context.Context) error { a.boards.watcher.Stop(); return nil })
	return nil
}

// loadDashboards reads the provisioning folder. What is wrong with a file there
// refuses no reload: it is logged, and the others are used.
func (a *App) loadDashboards(ctx context.Context) {
	if err := a.boards.watcher.Load(ctx); err != nil {
		a.log.Error("What the provisioning folder holds could not be put in force; it is tried again", "err", err)
	}
}

// listSources lists the data sources, our own with how often it scrapes.
func (a *App) listSources() []datasource.Shown {
	list := a.boards.proxy.List()
	list[0].Interval = datasource.IntervalText(ownInterval(a.engine.Config()))
	return list
}

// usualInterval is what the console takes for the pause between scrapes of a source that does not say.
const usualInterval = 15 * time.Second

// ownInterval is how often this server scrapes: as often as the configuration says
// for all jobs, where one follows it. Where that is more often than usual, nothing
// is said, so that jobs at a slower pace of their own are not asked for rates over
// windows without a sample.
func ownInterval(c promconfig.Config) time.Duration {
	global := c.GlobalConfig.ScrapeInterval
	follows := slices.ContainsFunc(c.ScrapeConfigs, func(s *promconfig.ScrapeConfig) bool { return s.ScrapeInterval == global })
	if !follows || time.Duration(global) <= usualInterval {
		return 0
	}
	return time.Duration(global)
}

// dashboardRoutes registers what has to do with dashboards.
func (a *App) dashboardRoutes(mux *router, api *native.API) {
	api.Dashboards(a.boards.kept, a.door, func() []string {
		var uids []string
		for _, s := range a.boards.proxy.List() {
			uids = append(uids, s.UID)
		}
		return uids
	})
	api.Datasources(a.listSources)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		mux.Handle(method+" /touchline/v1/datasources/{uid}/proxy/api/v1/{rest...}", a.boards.proxy)
	}
}

// Share finds out which dashboard a read-only link is for.
func (d *door) Share(ctx context.Context, secret string) (uid, id string, err error) {
	if d.shared == nil {
		return "", "", fmt.Errorf("look up link: the server is starting")
	}
	uid, id, err = d.shared.Shared(ctx, secret)
	if dashboard.KindOf(err) == dashboard.Denied {
		return "", "", httpserver.Errorf(http.StatusUnauthorized, "%w", err)
	}
	return uid, id, err
}
