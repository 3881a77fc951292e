package alerting

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/dispatch"
)

// Notification is one attempt to tell a receiver.
type Notification struct {
	At          time.Time
	Receiver    string
	Integration string
	Group       string // the group's labels
	GroupKey    string // tells the group from all others, or the key of what is told outside of one
	Firing      int
	Resolved    int
	Took        time.Duration
	Error       string // empty when the receiver took it
	// Way are the times of the alert that had been on its way for longest, of
	// those that the receiver has been told for the first time.
	Way *Timing
	// Fingerprints of the alerts that fire, for Options.Told alone.
	Fingerprints []string
}

// Receiver describes one receiver of the configuration in force.
type Receiver struct {
	Name         string
	Integrations []string // types, such as "slack"
	Default      bool     // the root route's receiver
	Used         bool     // by any route
	Broken       string   // why upstream's integrations of a receiver that nothing uses cannot be built, "" where they can

	built bool     // it can be told: a route or something else of the configuration uses it
	names []string // of Integrations, with their index, such as "slack[0]"
}

// ReceiverStatus is a receiver with the last attempt of each integration.
type ReceiverStatus struct {
	Receiver
	// Last has one entry for each of Integrations, in their order. Where At is
	// zero nothing has been tried since the start.
	Last []Notification
	// Proven has for each of Integrations when a message last got through, zero for never.
	Proven []time.Time
}

// Unused reports whether neither a route nor anything else that the
// configuration names tells the receiver.
func (r *Receiver) Unused() bool { return !r.built }

// Receivers lists the receivers of the configuration in force.
func (a *Alertmanager) Receivers() []ReceiverStatus {
	a.mu.Lock()
	list := a.list
	a.mu.Unlock()
	out := make([]ReceiverStatus, 0, len(list))
	for _, r := range list {
		s := ReceiverStatus{Receiver: r}
		for n, name := range r.Integrations {
			last := a.sent.latest(integrationKey{receiver: r.Name, position: n, kind: name})
			last.Receiver, last.Integration = r.Name, name
			s.Last = append(s.Last, last)
			s.Proven = append(s.Proven, a.proven.last(r.Name, r.names[n]))
		}
		out = append(out, s)
	}
	return out
}

// Notifications are the last attempts, newest first.
func (a *Alertmanager) Notifications() []Notification {
	a.sent.mu.Lock()
	defer a.sent.mu.Unlock()
	out := slices.Clone(a.sent.ring)
	slices.Reverse(out)
	return out
}

// sentKept is how many attempts are remembered.
const sentKept = 200

// integrationKey names an integration over reloads: the position counts all
// integrations of the receiver, since upstream's index starts anew per type.
type integrationKey struct {
	receiver string
	position int
	kind     string
}

// sentLog remembers the last attempts, for people to look at.
type sentLog struct {
	mu   sync.Mutex
	ring []Notification // oldest first

	timings *timings
	proven  *proven
	told    func(Notification) // may be nil
	last    map[integrationKey]Notification
}

func newSentLog() *sentLog { return &sentLog{last: map[integrationKey]Notification{}} }

// concurrency bounds the requests under way to one integration. A receiver that
// hangs would otherwise take a connection for each of its groups, until there
// are none left for the others.
const concurrency = 128

func (l *sentLog) add(k integrationKey, n Notification) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ring) == sentKept {
		copy(l.ring, l.ring[1:])
		l.ring = l.ring[:sentKept-1]
	}
	l.ring = append(l.ring, n)
	l.last[k] = n
}

func (l *sentLog) latest(k integrationKey) Notification {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last[k]
}

// wrap puts the log between the pipeline and a receiver's integrations.
func (l *sentLog) wrap(receiver string, ints []notify.Integration) []notify.Integration {
	out := make([]notify.Integration, len(ints))
	for n := range ints {
		i := ints[n]
		r := &recorded{next: &i, log: l, slots: make(chan struct{}, concurrency), key: integrationKey{receiver: receiver, position: n, kind: i.Name()}}
		out[n] = notify.NewIntegration(r, &i, i.Name(), i.Index(), receiver)
	}
	return out
}

// recorded is a notifier whose attempts are remembered.
type recorded struct {
	next  *notify.Integration
	log   *sentLog
	key   integrationKey
	slots chan struct{}
}

var _ notify.Notifier = (*recorded)(nil)

func (r *recorded) Notify(ctx context.Context, alerts ...*alert.Alert) (bool, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return true, fmt.Errorf("wait for one of %d requests to %s to end: %w", concurrency, r.key.kind, ctx.Err())
	}
	delivery := dispatch.DeliveryFrom(ctx)
	if err := delivery.Begin(); err != nil {
		return false, err
	}
	n := Notification{At: time.Now(), Receiver: r.key.receiver, Integration: r.key.kind}
	if ls, ok := notify.GroupLabels(ctx); ok {
		n.Group = ls.String()
	}
	n.GroupKey, _ = notify.GroupKey(ctx)
	for _, a := range alerts {
		if a.Resolved() {
			n.Resolved++
		} else {
			n.Firing++
		}
	}
	ctx = channel.WithTimings(ctx, func(a *alert.Alert) (channel.Timing, bool) { return r.log.timings.wayTo(r.key, a, n.At) })
	retry, err := r.next.Notify(ctx, alerts...)
	n.Took = time.Since(n.At)
	if err != nil {
		n.Error = err.Error()
	} else {
		n.Way = r.log.timings.answered(r.key, alerts, n.At, n.At.Add(n.Took))
		r.log.proven.note(r.key.receiver, r.next.String(), n.At.Add(n.Took))
	}
	delivery.End(err)
	r.log.add(r.key, n)
	r.log.say(delivery, n, alerts)
	return retry, err
}
