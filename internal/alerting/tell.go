package alerting

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/common/model"

	"touchline.dev/touchline/internal/alerting/dispatch"
	"touchline.dev/touchline/internal/spelling"
)

// TellRequest is what a receiver is to be told outside of its routes, such as a
// step of an escalation.
type TellRequest struct {
	Receiver string
	// Key names what is told in the notification log, as a group's key does, also
	// over restarts and for other replicas: what was told under it is not told
	// again while the log remembers it, unless alerts have joined or ended.
	Key    string
	Labels map[string]string // what templates know as group labels
	Alerts []GroupAlert      // fingerprints and timings are not needed
	// Firing tells the alerts as they are. Without it all of them have ended: now,
	// where they do not say when.
	Firing bool
}

// TellResult is what came of it, for each integration of the receiver.
type TellResult struct {
	Integrations []TellOutcome
}

// TellOutcome is what came of it for one integration. Where nothing but
// Integration is set it does not want to hear of ends (send_resolved: false).
type TellOutcome struct {
	Integration  string // its type and number, such as "webhook[0]"
	Told         bool
	Muted        bool   // all alerts are, by silences or inhibition
	Deduplicated bool   // it has been told already
	Stopped      bool   // a stop has cut it off
	Error        string // of the last attempt, or of writing the notification log
}

// ErrStopped is what Tell returns after a stop.
var ErrStopped = dispatch.ErrStopped

// ReceiverError says that a receiver cannot be told.
type ReceiverError struct {
	Receiver string
	Meant    string // the most similar name that there is, "" for none
	Unused   bool   // it is in the configuration, and nothing has asked for it
}

// Error says what is wrong and what to write instead.
func (e *ReceiverError) Error() string {
	switch {
	case e.Unused:
		return fmt.Sprintf("receiver %q is used by no route and by nothing else that the running configuration names; load the configuration again", e.Receiver)
	case e.Meant != "":
		return fmt.Sprintf("receiver %q is not in the Alertmanager configuration; did you mean %q?", e.Receiver, e.Meant)
	}
	return fmt.Sprintf("receiver %q is not in the Alertmanager configuration; add it under receivers", e.Receiver)
}

// Tell tells a receiver outside of its routes, through the same stages as a
// flush: inhibition and silences may mute alerts, time intervals, which belong
// to routes, do not. Each integration is told by itself, and tried again until
// it has taken the message, has refused it for good, or ctx ends. What came of
// it is in the result; the error says why nothing was tried.
func (a *Alertmanager) Tell(ctx context.Context, r TellRequest) (TellResult, error) {
	if r.Key == "" || len(r.Alerts) == 0 {
		return TellResult{}, errors.New("tell receiver: a key and at least one alert are needed")
	}
	if err := a.known(r.Receiver); err != nil {
		return TellResult{}, err
	}
	// The log forgets what is older than its retention, so that this is never over.
	m := dispatch.Message{Receiver: r.Receiver, Key: r.Key, Labels: labelSet(r.Labels), Repeat: 2 * a.o.Retention}
	now := time.Now()
	for _, x := range r.Alerts {
		m.Alerts = append(m.Alerts, x.alert(r.Firing, now))
	}
	outcomes, err := a.dispatcher.Tell(ctx, m)
	if errors.Is(err, dispatch.ErrUnknownReceiver) {
		// A reload has come in between.
		if known := a.known(r.Receiver); known != nil {
			err = known
		}
	}
	if err != nil {
		return TellResult{}, fmt.Errorf("tell receiver: %w", err)
	}
	out := TellResult{Integrations: make([]TellOutcome, len(outcomes))}
	for n, o := range outcomes {
		out.Integrations[n] = TellOutcome{Integration: o.Integration, Told: o.Told, Muted: o.Muted, Deduplicated: o.Deduplicated}
		if o.Err != nil {
			out.Integrations[n].Error, out.Integrations[n].Stopped = o.Err.Error(), errors.Is(o.Err, ErrStopped)
		}
	}
	return out, nil
}

// alert is the alert as upstream's stages know it.
func (g *GroupAlert) alert(firing bool, now time.Time) *alert.Alert {
	out := &alert.Alert{UpdatedAt: now, Alert: model.Alert{
		Labels: labelSet(g.Labels), Annotations: labelSet(g.Annotations), GeneratorURL: g.GeneratorURL, StartsAt: g.StartsAt, EndsAt: g.EndsAt,
	}}
	switch {
	case firing && g.EndsAt.After(now):
		out.EndsAt = time.Time{} // it does not end by the passing of time
	case !firing && (g.EndsAt.IsZero() || g.EndsAt.After(now)):
		out.EndsAt = now
	}
	return out
}

// known says why a receiver of the running configuration cannot be told, nil if
// it can. Before the first configuration nobody knows.
func (a *Alertmanager) known(name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conf == nil {
		return nil
	}
	for _, r := range a.list {
		if r.Name == name {
			if r.built {
				return nil
			}
			return &ReceiverError{Receiver: name, Unused: true}
		}
	}
	return unknown(name, a.conf)
}

func unknown(name string, conf *config.Config) error {
	names := make([]string, len(conf.Receivers))
	for n, r := range conf.Receivers {
		names[n] = r.Name
	}
	return &ReceiverError{Receiver: name, Meant: spelling.Nearest(name, names)}
}

// namedOf checks the names of receivers that are told outside of their routes.
func namedOf(conf *config.Config, also []string) (map[string]bool, error) {
	named := map[string]bool{}
	for _, name := range also {
		named[name] = true
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if !slices.ContainsFunc(conf.Receivers, func(r config.Receiver) bool { return r.Name == name }) {
			errs = append(errs, unknown(name, conf))
		}
	}
	return named, errors.Join(errs...)
}
