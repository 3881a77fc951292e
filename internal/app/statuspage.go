package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	promrules "github.com/prometheus/prometheus/rules"

	"touchline.dev/touchline/internal/app/roster"
	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/datadir"
	"touchline.dev/touchline/internal/httpserver"
	"touchline.dev/touchline/internal/incident/maintenance"
	"touchline.dev/touchline/internal/statuspage"
)

// publicPage is the status page for the public; nil where none is configured.
type publicPage struct {
	publisher *statuspage.Publisher
	folder    string // "" where only an address is configured
	address   string
}

// statusListener is the name of the public listener.
const statusListener = "status-page"

func (a *App) openStatusPage() error {
	c := a.c.StatusPage
	if c == nil {
		return nil
	}
	settings, err := statusSettings(c)
	if err != nil {
		return err
	}
	data, dir := a.path(datadir.StatusPage), string(c.Folder)
	if dir == "" {
		dir = a.path(datadir.StatusPage, statuspage.Site)
	}
	p := &publicPage{folder: string(c.Folder), address: c.ListenAddress}
	log := a.log.With("component", "status_page")
	incidents, err := statuspage.OpenDerived(a.path(datadir.StatusPage, statuspage.IncidentsFile), log)
	if err != nil {
		return err
	}
	p.publisher, err = statuspage.New(statuspage.PublisherOptions{
		Settings: settings, Dir: dir, DataDir: data, Alerts: a.publicAlerts, Incidents: incidents,
		Maintenance: a.publicMaintenance, Health: a.health.Register("status_page"), Logger: log, Registerer: a.reg,
	})
	if err != nil {
		return err
	}
	a.public = p
	a.onStop("status page", func(context.Context) error { return p.publisher.Stop() })
	if c.ListenAddress == "" {
		return nil
	}
	return a.server.Listen(httpserver.Spec{
		Name: statusListener, Address: c.ListenAddress, Flag: "status_page.listen_address in touchline.yaml", Optional: true,
		Public: true, Handler: statuspage.Handler(dir),
	})
}

// statusSettings are what a reload may change of the status page.
func statusSettings(c *config.StatusPage) (statuspage.Settings, error) {
	out := statuspage.Settings{
		Title: statuspage.Text{En: c.Title, Zh: c.TitleZh}, Language: c.Language, URL: c.URL, Annotation: c.PublishAnnotation,
	}
	for i, sc := range c.Components {
		state, err := componentState(sc.Alerts, fmt.Sprintf("status_page.components[%d]", i))
		if err != nil {
			return out, err
		}
		out.Components = append(out.Components, statuspage.ComponentSettings{
			ID: sc.ID, Name: statuspage.Text{En: sc.Name, Zh: sc.NameZh}, Description: statuspage.Text{En: sc.Description, Zh: sc.DescriptionZh}, State: state,
		})
	}
	return out, nil
}

// componentState makes of the configuration what an alert means for a component.
func componentState(alerts []config.StatusAlert, where string) (func(map[string]string) statuspage.State, error) {
	type about struct {
		matches func(map[string]string) bool
		states  map[string]string
	}
	var all []about
	for i, c := range alerts {
		at := fmt.Sprintf("%s.alerts[%d].match", where, i)
		matches, err := roster.Match(strings.Join(c.Match, ","), at)
		if err != nil {
			return nil, err
		}
		states := c.States
		if states == nil {
			states = config.StatusStates()
		}
		all = append(all, about{matches, states})
	}
	return func(labels map[string]string) statuspage.State {
		worst := statuspage.NotMeasured
		for _, x := range all {
			if state := x.states[labels["severity"]]; state != "" && x.matches(labels) && worst != statuspage.Outage {
				worst = statuspage.State(state)
			}
		}
		return worst
	}, nil
}

// publicAlerts are the alerts that may be about a component: those of the
// embedded Alertmanager, or, where prometheus.yml names others, those of our
// rules, or, where there are no rules here either, those of the alerts backend.
func (a *App) publicAlerts(ctx context.Context) ([]statuspage.ActiveAlert, error) {
	ctx, cancel := context.WithTimeout(ctx, linkTimeout)
	defer cancel()
	taken, err := a.incident.Taken(ctx)
	if err != nil {
		a.log.Warn("The status page does not say what is being worked on", "err", err)
	}
	mistaken, err := a.incident.FalseAlarms(ctx)
	if err != nil {
		a.log.Warn("The status page has false alarms like others", "err", err)
	}
	of := func(labels, annotations map[string]string, starts time.Time) statuspage.ActiveAlert {
		fp := fingerprint(labels)
		return statuspage.ActiveAlert{Labels: labels, Annotations: annotations, StartsAt: starts, Taken: taken[fp], FalseAlarm: mistaken[fp]}
	}
	var out []statuspage.ActiveAlert
	if !a.notifier.External() {
		for _, x := range a.alerting.Active(context.Background()) {
			out = append(out, of(x.Labels, x.Annotations, x.StartsAt))
		}
		return out, nil
	}
	if a.remote.metrics != nil {
		all, err := (&amClient{handler: a.alertmanagerAPI()}).alerts(ctx)
		if err != nil {
			return nil, err
		}
		for _, x := range all {
			out = append(out, of(x.Labels, x.Annotations, x.StartsAt))
		}
		return out, nil
	}
	external := a.engine.Config().GlobalConfig.ExternalLabels.Map()
	for _, r := range a.rules.AlertingRules() {
		for _, x := range r.ActiveAlerts() {
			if x.State != promrules.StateFiring {
				continue
			}
			labels := maps.Clone(external)
			maps.Copy(labels, x.Labels.Map())
			out = append(out, of(labels, x.Annotations.Map(), x.FiredAt))
		}
	}
	return out, nil
}

// fingerprint is what Alertmanager knows an alert with these labels by.
func fingerprint(ls map[string]string) string {
	set := make(model.LabelSet, len(ls))
	for k, v := range ls {
		set[model.LabelName(k)] = model.LabelValue(v)
	}
	return set.Fingerprint().String()
}

// publicMaintenance is the maintenance that is announced: what stands there, and
// of a window the time that lasts and the next one.
func (a *App) publicMaintenance(context.Context) ([]statuspage.Window, error) {
	c := a.dynamic.Load().StatusPage
	if c == nil {
		return nil, nil
	}
	var out []statuspage.Window
	for _, m := range c.Maintenance {
		spans := []maintenance.Span{{From: m.From, To: m.To}}
		if m.Window != "" {
			spans = nil
			for _, w := range a.fileWindows() {
				if w.Name == m.Window {
					spans = w.Coming(time.Now())
				}
			}
		}
		for _, s := range spans {
			out = append(out, statuspage.Window{
				ID:    "maintenance-" + s.From.UTC().Format("20060102T150405Z") + "-" + strings.Join(m.Components, "-"),
				Title: statuspage.Text{En: m.Title, Zh: m.TitleZh}, Components: m.Components, From: s.From, To: s.To,
			})
		}
	}
	slices.SortStableFunc(out, func(x, y statuspage.Window) int { return x.From.Compare(y.From) })
	return out, nil
}

// applyStatusPage puts the settings of a reload into force.
func (a *App) applyStatusPage(c *config.StatusPage, settings statuspage.Settings) {
	const restart = "The status page has changed in a way that takes a restart to come into force"
	switch p := a.public; {
	case p == nil && c == nil:
	case p == nil:
		a.log.Warn(restart, "change", "it is switched on")
	case c == nil:
		a.log.Warn(restart, "change", "it is switched off")
	default:
		if p.folder != string(c.Folder) || p.address != c.ListenAddress {
			a.log.Warn(restart, "change", "folder or listen_address")
		}
		p.publisher.Apply(settings)
	}
}

// whereStatusPage says where the public reads it.
func (a *App) whereStatusPage() []string {
	if a.public == nil {
		return nil
	}
	var out []string
	if a.public.folder != "" {
		out = append(out, a.public.folder)
	}
	scheme := "http://"
	if a.server.TLS() {
		scheme = "https://"
	}
	for _, address := range a.server.Addresses()[statusListener] {
		out = append(out, scheme+address+"/")
	}
	return out
}
