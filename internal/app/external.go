package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"touchline.dev/touchline/internal/incident"
)

// Where prometheus.yml names Alertmanagers, or backends.alerts one, those tell the receivers, and the
// incidents follow their alert groups: they are asked every few seconds.
const followEvery = 5 * time.Second

// follower makes incidents of the alert groups of Alertmanagers that are not in
// this process.
type follower struct {
	am    *amClient
	known map[string]string // the fingerprints of the last answer, with the group of each
	into  *incident.Service
}

type amGroup struct {
	Labels   map[string]string
	Receiver struct{ Name string }
	Alerts   []struct {
		Fingerprint  string
		Labels       map[string]string
		Annotations  map[string]string
		StartsAt     time.Time
		GeneratorURL string
	}
}

// follow asks once.
func (f *follower) follow(ctx context.Context, now time.Time) error {
	var groups []amGroup
	if err := f.am.do(ctx, http.MethodGet, "/api/v2/alerts/groups?active=true&silenced=false&inhibited=false", nil, &groups); err != nil {
		return err
	}
	seen := map[string]string{}
	for _, g := range groups {
		key, err := json.Marshal(g.Labels) // sorted by name
		if err != nil {
			return fmt.Errorf("read alert groups: %w", err)
		}
		out := incident.Group{Key: "external:" + g.Receiver.Name + ":" + string(key), Receiver: g.Receiver.Name, Labels: g.Labels, At: now}
		for _, a := range g.Alerts {
			seen[a.Fingerprint] = out.Key
			out.Alerts = append(out.Alerts, incident.Alert{
				Fingerprint: a.Fingerprint, Labels: a.Labels, Annotations: a.Annotations, Generator: a.GeneratorURL, StartsAt: a.StartsAt,
			})
		}
		f.into.Observe(out)
	}
	// An alert that is silenced meanwhile is not over; the alerts as such say so.
	var gone []string
	for fp := range f.known {
		if _, ok := seen[fp]; !ok {
			gone = append(gone, fp)
		}
	}
	if len(gone) > 0 {
		there, err := f.am.known(ctx)
		if err != nil {
			return err
		}
		for _, fp := range gone {
			if there[fp] {
				seen[fp] = f.known[fp]
			} else {
				f.into.Ended(fp, now)
			}
		}
	}
	f.known = seen
	return nil
}

// followExternal follows the Alertmanagers that are not in this process, while any are named.
func (a *App) followExternal(ctx context.Context) {
	f := &follower{am: &amClient{handler: a.alertmanagerAPI()}, into: a.incident, known: map[string]string{}}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !a.notifier.External() {
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, followEvery)
		err := f.follow(bounded, time.Now())
		cancel()
		switch {
		case err != nil && !failing && ctx.Err() == nil:
			a.parts.state.Degraded("incidents cannot follow the Alertmanagers of " + a.alertsElsewhere() + ": " + err.Error())
			a.log.Warn("Incidents cannot follow the Alertmanagers that are named; it is tried again", "named_by", a.alertsElsewhere(), "err", err)
		case err == nil && failing:
			a.parts.state.OK()
			a.log.Info("Incidents follow the Alertmanagers again")
		}
		failing = err != nil
	}
}
