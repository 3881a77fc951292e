package alerting

import (
	"sync"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"touchline.dev/touchline/internal/alerting/channel"
)

// Timing are the times at which an alert passed the stations from its first bad
// sample to a receiver's answer. A time that is not known is zero: an alert
// that came by the API has no sample, one that the interval found no arrival.
type Timing struct {
	Rule  string
	Class string // of the rule: local, target, global; "tick" where the interval decided; "api" for alerts of others

	Active     time.Time // since when its expression has been true: before Sample where the rule waits (for)
	Sample     time.Time // timestamp of the sample, or the end of the rule's for
	Received   time.Time // its transaction was committed
	Decided    time.Time // the rule had been evaluated
	Queued     time.Time // handed over by the rules
	Dispatched time.Time // put into its groups
	Sent       time.Time // an attempt to tell the receiver began
	Answered   time.Time // the receiver took it
}

// hops lists the stations in order, each with the name of the way to it.
func (t *Timing) hops() []struct {
	name string
	at   time.Time
} {
	return []struct {
		name string
		at   time.Time
	}{{"", t.Sample}, {"received", t.Received}, {"decided", t.Decided}, {"queued", t.Queued}, {"dispatched", t.Dispatched}, {"sent", t.Sent}, {"answered", t.Answered}}
}

// keptTimings bounds the alerts whose times are remembered.
const keptTimings = 20_000

// timings remembers the times of alerts until they are told.
type timings struct {
	hop *prometheus.HistogramVec

	mu    sync.Mutex
	byKey map[timingKey]*timed
	order []timingKey // oldest first
}

type timingKey struct {
	fp       model.Fingerprint
	startsAt int64
}

type timed struct {
	t    Timing
	told map[integrationKey]bool
}

func newTimings(reg prometheus.Registerer) *timings {
	t := &timings{
		byKey: map[timingKey]*timed{},
		hop: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "touchline_alert_hop_seconds", Help: "Time that firing alerts took to each hop from the one before, and in total from the first that is known to the receiver's answer.",
			Buckets: []float64{.0001, .0005, .001, .0025, .005, .01, .02, .05, .1, .25, 1, 5, 15, 60, 300},
		}, []string{"hop", "class"}),
	}
	reg.MustRegister(t.hop)
	return t
}

func keyOf(a *alert.Alert) timingKey {
	return timingKey{a.Fingerprint(), a.StartsAt.UnixNano()}
}

// queued notes that an alert has been handed over. What is known of the same
// firing stays: only its first way is timed.
func (t *timings) queued(a *alert.Alert, way Timing) {
	if a.ResolvedAt(way.Queued) {
		return
	}
	k := keyOf(a)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byKey[k] != nil {
		return
	}
	if len(t.order) >= keptTimings {
		delete(t.byKey, t.order[0])
		t.order = t.order[1:]
	}
	t.order = append(t.order, k)
	t.byKey[k] = &timed{t: way, told: map[integrationKey]bool{}}
}

// dispatched notes that an alert has been put into its groups.
func (t *timings) dispatched(a *alert.Alert, at time.Time) {
	k := keyOf(a)
	t.mu.Lock()
	defer t.mu.Unlock()
	if x := t.byKey[k]; x != nil && x.t.Dispatched.IsZero() {
		x.t.Dispatched = at
	}
}

// wayTo is what a message to an integration may say of an alert's way. When it was
// sent is only told the first time: a repetition was not long on its way.
func (t *timings) wayTo(to integrationKey, a *alert.Alert, sent time.Time) (channel.Timing, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.byKey[keyOf(a)]
	if x == nil {
		return channel.Timing{}, false
	}
	out := channel.Timing{
		Rule: x.t.Rule, Class: x.t.Class, Active: x.t.Active, Sample: x.t.Sample, Received: x.t.Received, Decided: x.t.Decided, Queued: x.t.Queued, Dispatched: x.t.Dispatched,
	}
	if !x.told[to] && !a.ResolvedAt(sent) {
		out.Sent = sent
	}
	return out, true
}

// answered notes that an integration took alerts, and returns the way of the
// one that it had waited for longest, if it is the first time that it is told.
func (t *timings) answered(to integrationKey, as []*alert.Alert, sent, at time.Time) *Timing {
	t.mu.Lock()
	defer t.mu.Unlock()
	var slowest *Timing
	for _, a := range as {
		x := t.byKey[keyOf(a)]
		if x == nil || x.told[to] || a.ResolvedAt(at) {
			continue
		}
		x.told[to] = true
		way := x.t
		way.Sent, way.Answered = sent, at
		t.observe(&way)
		if slowest == nil || way.began().Before(slowest.began()) {
			slowest = &way
		}
	}
	return slowest
}

// began is the first station that is known.
func (t *Timing) began() time.Time {
	for _, h := range t.hops() {
		if !h.at.IsZero() {
			return h.at
		}
	}
	return time.Time{}
}

func (t *timings) observe(way *Timing) {
	var last time.Time
	for _, h := range way.hops() {
		if h.at.IsZero() {
			continue
		}
		if !last.IsZero() && h.name != "" {
			t.hop.WithLabelValues(h.name, way.Class).Observe(max(0, h.at.Sub(last).Seconds()))
		}
		last = h.at
	}
	t.hop.WithLabelValues("total", way.Class).Observe(max(0, way.Answered.Sub(way.began()).Seconds()))
}
