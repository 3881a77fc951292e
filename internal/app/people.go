package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/api/native"
	"touchline.dev/touchline/internal/app/roster"
	"touchline.dev/touchline/internal/datadir"
	"touchline.dev/touchline/internal/httpserver"
	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/internal/incident/maintenance"
	"touchline.dev/touchline/internal/state"
)

// openState opens the database of what people decide, and what keeps incidents in it.
func (a *App) openState(ctx context.Context) error {
	o := state.Options{Path: a.path(datadir.State), URL: a.c.State.URL, Registerer: a.reg}
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
	opens, err := roster.Match(a.c.Incidents.Matchers, "--incidents.matchers")
	if err != nil {
		return err
	}
	a.opens = opens
	a.incident, err = incident.New(incident.Options{
		DB: a.state, Logger: a.log.With("component", "incidents"), Registerer: a.reg, Opens: opens,
		Flapping: a.c.Incidents.Flapping, Retention: a.c.Incidents.Retention, Surroundings: incident.Surroundings{
			Series: a.seriesOf,
			Deploys: func(ctx context.Context, from, to time.Time) ([]incident.Deploy, error) {
				return a.maintenance.Deploys(ctx, from, to)
			},
		},
		Known: func(ctx context.Context) (map[string]bool, error) {
			return (&amClient{handler: a.alertmanagerAPI()}).known(ctx)
		},
		Escalation: &incident.Escalation{
			Policies: func() []incident.Policy { return a.roster.Load().Policies },
			OnCall: func(schedule string, at time.Time, severity string) ([]incident.Person, error) {
				return a.roster.Load().OnCall(schedule, at, severity)
			},
			Tell: a.call, Mine: a.escalates,
		},
		Audit: audit, Assignee: a.assignee,
	})
	if err != nil {
		return err
	}
	a.onStop("incidents", a.incident.Stop)
	return nil
}

// openMaintenance opens what makes silences of maintenance windows.
func (a *App) openMaintenance() error {
	am := &amClient{handler: a.alertmanagerAPI()}
	var err error
	a.maintenance, err = maintenance.New(maintenance.Options{
		DB: a.state, Logger: a.log.With("component", "maintenance"), Registerer: a.reg, Matchers: roster.CheckSilence, Silence: am.silence, Expire: am.expire,
		Endings: am.endings, Announce: am.announce, Notice: a.c.Incidents.Notice, Files: a.fileWindows, Mine: a.escalates, Audit: audit,
		Replica: a.replica(),
	})
	if err != nil {
		return err
	}
	a.onStop("maintenance", a.maintenance.Stop)
	return nil
}

// replica tells this process from others that share its database, also over restarts.
func (a *App) replica() string {
	dir, err := filepath.Abs(a.path())
	if err != nil {
		dir = a.path()
	}
	return a.host + ":" + dir
}

// fileWindows are the maintenance windows of touchline.yaml in force.
func (a *App) fileWindows() []maintenance.Window { return a.roster.Load().Windows }

// nativeAPI serves what no upstream tool has an API for.
func (a *App) nativeAPI(mux *router) {
	api := native.New(native.Options{Mux: mux, Version: a.build.Version, Logger: a.log.With("component", "api"), Actor: actor})
	api.Incidents(a.incident)
	api.Reviews(a.incident, a.graphOf)
	api.Escalations(a.incident)
	api.Links(a.incident)
	api.Slack(a.incident, a.slackApps, a.alerting.Client())
	api.Accounts(a.identity, a.door)
	api.Maintenance(a.maintenance)
	api.Schedules(duty{a})
	api.Receivers(trials{a})
	a.dashboardRoutes(mux, api)
	api.Backtests(&backtests{a: a})
}

// actor is who sent a request, as timelines and the audit log name them.
func actor(ctx context.Context) string {
	if p, ok := httpserver.PrincipalFrom(ctx); ok {
		return p.Name
	}
	return ""
}

// observe has the embedded Alertmanager tell the incidents what it does.
func (a *App) observe(o *alerting.Options) {
	o.Flushed = func(g alerting.Group) {
		out := incident.Group{Key: g.Key, Receiver: g.Receiver, Labels: g.Labels, At: g.At, Alerts: make([]incident.Alert, len(g.Alerts))}
		for n, x := range g.Alerts {
			out.Alerts[n] = incident.Alert{
				Fingerprint: x.Fingerprint, Labels: x.Labels, Annotations: x.Annotations, Generator: x.GeneratorURL, StartsAt: x.StartsAt, EndsAt: x.EndsAt,
				Timing: incident.Timing{Rule: x.Timing.Rule, Class: x.Timing.Class, Active: x.Timing.Active, Sample: x.Timing.Sample, Decided: x.Timing.Decided},
			}
		}
		a.incident.Observe(out)
	}
	o.Ended = a.incident.Ended
	if a.c.Incidents.TellSilencedEnds {
		o.EndedSilenced = a.silencedEnds.add
	}
	o.Told = func(n alerting.Notification) {
		out := incident.Notification{
			At: n.At, Receiver: n.Receiver, Integration: n.Integration, GroupKey: n.GroupKey, Group: n.Group, Firing: n.Firing, Resolved: n.Resolved, Took: n.Took, Error: n.Error,
		}
		if n.Way != nil {
			raw, err := json.Marshal(wayOf(n.Way))
			if err != nil {
				a.log.Error("The way of an alert could not be written", "err", err)
			}
			out.Way = string(raw)
		}
		a.incident.Told(out)
	}
}

// call carries out a call of an escalation.
func (a *App) call(ctx context.Context, c incident.Call) (incident.Outcome, error) {
	r := alerting.TellRequest{Receiver: c.Receiver, Key: c.Key, Labels: c.Incident.Labels, Firing: c.Incident.State != incident.Resolved}
	for _, m := range c.Alerts {
		if r.Firing && !m.EndsAt.IsZero() {
			continue
		}
		r.Alerts = append(r.Alerts, alerting.GroupAlert{Labels: m.Labels, Annotations: m.Annotations, GeneratorURL: m.Generator, StartsAt: m.StartsAt, EndsAt: m.EndsAt})
	}
	res, err := a.alerting.Tell(ctx, r)
	if errors.Is(err, alerting.ErrStopped) {
		return incident.Outcome{}, fmt.Errorf("%w: %w", incident.ErrNotNow, err)
	}
	if err != nil {
		return incident.Outcome{}, err
	}
	var failed []string
	told, out := false, incident.Outcome{What: "nothing to tell: send_resolved is off"}
	for _, i := range res.Integrations {
		switch {
		case i.Stopped:
			return incident.Outcome{}, incident.ErrNotNow // who has been told is not told again
		case i.Error != "":
			failed = append(failed, i.Integration+": "+i.Error)
		case i.Told:
			told = true
		case i.Muted:
			out = incident.Outcome{What: "silenced or inhibited", Muted: true}
		case i.Deduplicated:
			out = incident.Outcome{What: "told before"}
		}
	}
	switch {
	case told:
		out = incident.Outcome{What: "told"}
	case len(res.Integrations) == 0:
		return incident.Outcome{}, errors.New("the receiver has no integration, so that nobody is told")
	case len(failed) == len(res.Integrations):
		return incident.Outcome{}, errors.New(strings.Join(failed, "; "))
	}
	if len(failed) > 0 {
		out.What += "; failed: " + strings.Join(failed, "; ")
	}
	return out, nil
}

// escalates says whether this replica carries out steps. Replicas that share a
// database take steps from each other; of those that do not, the first one in the
// cluster's order does.
func (a *App) escalates() bool {
	return a.state.Kind() != "sqlite" || a.alerting.Position() == 0
}

// startPeople starts what tells of hand-overs and follows Alertmanagers elsewhere.
func (a *App) startPeople() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { a.handOvers(ctx) })
	wg.Go(func() { a.followOverrides(ctx) })
	wg.Go(func() { a.silencedEnds.run(ctx, &amClient{handler: a.alertmanagerAPI()}, a.log) })
	wg.Go(func() { a.followExternal(ctx) })
	a.onStop("people", func(context.Context) error {
		cancel()
		wg.Wait()
		return nil
	})
}
