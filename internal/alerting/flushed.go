package alerting

import (
	"context"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/common/model"

	"touchline.dev/touchline/internal/alerting/dispatch"
)

// Group is the state of an alert group as a flush has decided it.
type Group struct {
	Key      string // tells it from all others, also over restarts
	Receiver string
	Labels   map[string]string // by which its route groups
	At       time.Time
	Alerts   []GroupAlert // those that nothing mutes; none where all are muted
}

// GroupAlert is an alert of a group.
type GroupAlert struct {
	Fingerprint  string // of its labels
	Labels       map[string]string
	Annotations  map[string]string
	GeneratorURL string
	StartsAt     time.Time
	EndsAt       time.Time // zero while it fires
	Timing       Timing    // as far as it has come; empty where it is not known any more
}

// flushed tells the observer of a flush.
func (a *Alertmanager) flushed(f dispatch.Flush) {
	g := Group{Key: f.Key, Receiver: f.Receiver, Labels: stringMap(f.Labels), At: f.At, Alerts: make([]GroupAlert, len(f.Alerts))}
	for n, x := range f.Alerts {
		g.Alerts[n] = GroupAlert{
			Fingerprint: x.Fingerprint().String(), Labels: stringMap(x.Labels), Annotations: stringMap(x.Annotations), GeneratorURL: x.GeneratorURL,
			StartsAt: x.StartsAt, EndsAt: x.EndsAt, Timing: a.timings.of(x),
		}
	}
	a.o.Flushed(g)
}

// observe has the dispatcher tell the observers.
func (a *Alertmanager) observe(o *dispatch.Options) {
	if a.o.Flushed != nil {
		o.Flushed = a.flushed
	}
	ended, silenced := a.o.Ended, a.o.EndedSilenced
	if ended == nil && silenced == nil {
		return
	}
	o.Ended = func(x *alert.Alert, at time.Time) {
		if ended != nil {
			ended(x.Fingerprint().String(), at)
		}
		if silenced != nil && a.silencer.Mutes(context.Background(), x.Labels) {
			silenced(GroupAlert{
				Fingerprint: x.Fingerprint().String(), Labels: stringMap(x.Labels), Annotations: stringMap(x.Annotations), GeneratorURL: x.GeneratorURL,
				StartsAt: x.StartsAt, EndsAt: x.EndsAt,
			})
		}
	}
}

// say tells the observer of an attempt.
func (l *sentLog) say(d *dispatch.Delivery, n Notification, alerts []*alert.Alert) {
	if l.told == nil {
		return
	}
	for _, x := range alerts {
		if !x.Resolved() {
			n.Fingerprints = append(n.Fingerprints, x.Fingerprint().String())
		}
	}
	d.Report(func() { l.told(n) })
}

// of returns what is known of an alert's way.
func (t *timings) of(a *alert.Alert) Timing {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x := t.byKey[keyOf(a)]; x != nil {
		return x.t
	}
	return Timing{}
}

func stringMap(ls model.LabelSet) map[string]string {
	out := make(map[string]string, len(ls))
	for k, v := range ls {
		out[string(k)] = string(v)
	}
	return out
}

func labelSet(m map[string]string) model.LabelSet {
	out := make(model.LabelSet, len(m))
	for k, v := range m {
		out[model.LabelName(k)] = model.LabelValue(v)
	}
	return out
}
