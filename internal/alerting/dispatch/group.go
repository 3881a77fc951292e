package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sort"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/alertmanager/alert"
	upstream "github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/common/model"
)

// firstDelay is how long an urgent alert waits for others that come with it.
// While more keep joining its group the delay doubles, up to group_interval: a
// thousand alerts of one group are some fifteen messages, not a thousand.
const firstDelay = 5 * time.Millisecond

// group are the alerts of one route that agree in the labels it groups by.
type group struct {
	d      *Dispatcher
	route  *upstream.Route
	labels model.LabelSet
	key    string
	id     string
	marker marker.AlertMarker
	pipe   pipe

	mu       sync.Mutex
	state    map[model.Fingerprint]*tracked
	timer    *time.Timer
	next     time.Time     // when the timer fires
	flushes  uint64        // flushes begun
	early    time.Time     // of the last flush that an urgent alert brought forward
	delay    time.Duration // of the next one
	urgent   bool          // the timer has been brought forward
	senders  []*sender
	past     map[model.Fingerprint]tracked // what the group knew before a reload of alerts that have not come again
	finished bool                          // nothing was left to tell: a new alert begins a new group
	halted   bool
}

// tracked is one alert of a group.
type tracked struct {
	alert *alert.Alert
	// resolved is the end of a firing that has not been told yet. It takes the
	// alert's place after the first attempt to tell the firing.
	resolved *alert.Alert
	// told is the flush that first tried to tell this state, 0 before; over says
	// whether it told the end.
	told uint64
	over bool
}

// ended says whether the alert is over, as far as it may be told.
func (t *tracked) ended(now time.Time) bool { return t.resolved == nil && t.alert.ResolvedAt(now) }

// carried is what a group keeps over a reload.
type carried struct {
	next    time.Time
	flushes uint64
	early   time.Time
	delay   time.Duration
	urgent  bool
	state   map[model.Fingerprint]tracked
}

func newGroup(d *Dispatcher, r *upstream.Route, ls model.LabelSet) *group {
	g := &group{
		d: d, route: r, labels: ls, key: fmt.Sprintf("%s:%s", r.Key(), ls), marker: marker.NewAlertMarker(),
		pipe: d.pipes[r.RouteOpts.Receiver], state: map[model.Fingerprint]*tracked{}, delay: firstDelay,
	}
	if id, err := uuid.NewRandom(); err == nil {
		g.id = id.String()
	}
	for i, st := range g.pipe.send {
		g.senders = append(g.senders, &sender{g: g, n: i, stage: st})
	}
	return g
}

// begin puts the first alert in and sets the timer: after group_wait, at once for
// an alert that is older than that, when the group of the previous
// configuration would have flushed, and never before start.
func (g *group) begin(a *alert.Alert, start time.Time, c carried) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	next := now.Add(g.route.RouteOpts.GroupWait)
	if a.StartsAt.Add(g.route.RouteOpts.GroupWait).Before(now) {
		next = now
	}
	if c.state != nil {
		g.flushes, g.early, g.delay, g.urgent = c.flushes, c.early, c.delay, c.urgent
		for _, s := range g.senders { // what was cut off counts as not told
			s.tried, s.known = c.flushes, c.flushes
		}
		longest := g.route.RouteOpts.GroupWait
		if g.flushes > 0 {
			longest = g.route.RouteOpts.GroupInterval
		}
		next = now.Add(min(max(0, c.next.Sub(now)), longest))
	}
	if next.Before(start) {
		next = start
	}
	g.next = next
	g.timer = time.AfterFunc(next.Sub(now), g.flush)
	g.past = c.state
	g.put(a)
}

// insert puts an alert in, unless the group has come to its end.
func (g *group) insert(a *alert.Alert) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.finished {
		return false
	}
	g.put(a)
	return true
}

func (g *group) put(a *alert.Alert) {
	fp, now := a.Fingerprint(), time.Now()
	t := g.state[fp]
	if t == nil {
		was := g.past[fp]
		delete(g.past, fp)
		t = &was
		g.state[fp] = t
	}
	was := t.alert
	if was != nil && a.UpdatedAt.Before(was.UpdatedAt) {
		return
	}
	over := a.ResolvedAt(now)
	switch {
	case over && was != nil && !was.ResolvedAt(now) && t.told == 0 && g.d.o.Early.wants(was):
		t.resolved = a
		return
	case over && t.resolved != nil:
		t.resolved = a
		return
	}
	begins := !over && (was == nil || was.ResolvedAt(now))
	if was == nil || over != was.ResolvedAt(now) {
		t.told, t.over = 0, false
	}
	t.alert, t.resolved = a, nil
	if begins && g.d.o.Early.wants(a) {
		g.hurry(now)
	}
}

// hurry brings the next flush forward for an urgent alert.
func (g *group) hurry(now time.Time) {
	if !g.early.IsZero() && now.Sub(g.early) > g.route.RouteOpts.GroupInterval {
		g.delay = firstDelay
	}
	at := now.Add(g.delay)
	if g.halted || !g.next.After(at) {
		return
	}
	g.next, g.urgent = at, true
	g.timer.Reset(at.Sub(now))
}

// flush hands what is to be told to the senders of all integrations.
func (g *group) flush() {
	g.mu.Lock()
	now := time.Now()
	if g.halted || g.finished {
		g.mu.Unlock()
		return
	}
	if early := g.next.Sub(now); early > 0 { // it had been under way when another flush took its turn
		g.timer.Reset(early)
		g.mu.Unlock()
		return
	}
	interval := g.route.RouteOpts.GroupInterval
	g.next = now.Add(interval)
	g.timer.Reset(interval)
	if g.urgent {
		g.early, g.urgent = now, false
		g.delay = min(2*g.delay, interval)
	}
	if len(g.state) == 0 {
		g.finished = true
		g.timer.Stop()
		g.mu.Unlock()
		return
	}
	g.flushes++
	n := g.flushes
	out := make(alert.AlertSlice, 0, len(g.state))
	for _, t := range g.state {
		a, over := *t.alert, t.ended(now)
		// An alert that ends while it is being told was firing.
		if !over {
			a.EndsAt = time.Time{}
		}
		if t.told == 0 || over != t.over {
			t.told, t.over = n, over
		}
		out = append(out, &a)
	}
	g.d.wg.Add(1)
	g.mu.Unlock()
	defer g.d.wg.Done()
	sort.Stable(out)
	g.send(now, n, out)
}

// send mutes what is to be muted and passes the rest to the senders.
func (g *group) send(now time.Time, n uint64, as alert.AlertSlice) {
	ctx, cancel := context.WithTimeout(g.context(now, n, as), g.d.o.Timeout(g.route.RouteOpts.GroupInterval))
	defer cancel()
	ctx, left, err := g.pipe.mute.Exec(ctx, g.d.o.Logger, as...)
	if err != nil {
		g.failed(err, len(as))
		g.retold(n)
		return
	}
	if len(left) == 0 || len(g.senders) == 0 {
		for _, s := range g.senders {
			s.skip(n)
		}
		g.settle()
		return
	}
	for _, s := range g.senders {
		s.post(letter{ctx: context.WithoutCancel(ctx), flush: n, alerts: left})
	}
}

// context carries what upstream's stages want to know.
func (g *group) context(now time.Time, n uint64, as alert.AlertSlice) context.Context {
	o := &g.route.RouteOpts
	ctx := g.d.ctx
	if g.id != "" {
		ctx = notify.WithAggrGroupID(ctx, g.id)
	}
	ctx = notify.WithNow(ctx, now)
	ctx = notify.WithGroupKey(ctx, g.key)
	ctx = notify.WithGroupLabels(ctx, g.labels)
	ctx = notify.WithReceiverName(ctx, o.Receiver)
	ctx = notify.WithRepeatInterval(ctx, o.RepeatInterval)
	ctx = notify.WithMuteTimeIntervals(ctx, o.MuteTimeIntervals)
	ctx = notify.WithActiveTimeIntervals(ctx, o.ActiveTimeIntervals)
	ctx = notify.WithRouteID(ctx, g.route.ID())
	ctx = notify.WithFlushID(ctx, n)
	ctx = notify.WithGroupMatchers(ctx, g.route.Matchers)
	ctx = notify.WithRouteLabels(ctx, g.routeLabels(as))
	return marker.WithContext(ctx, g.marker)
}

func (g *group) failed(err error, alerts int) {
	level := g.d.o.Logger.Error
	if errors.Is(g.d.ctx.Err(), context.Canceled) {
		level = g.d.o.Logger.Debug // a reload or the stop
	}
	level("Alerts could not be told", "group", g.key, "alerts", alerts, "err", err)
}

// retold makes a flush that no sender has seen count as no attempt.
func (g *group) retold(n uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.state {
		if t.told == n {
			t.told, t.over = 0, false
		}
	}
}

// settle follows a flush to its end: ends that were withheld take their place
// once the firing has been tried at every integration, and what every
// integration knows to be over is forgotten.
func (g *group) settle() {
	g.mu.Lock()
	defer g.mu.Unlock()
	tried, known := uint64(math.MaxUint64), uint64(math.MaxUint64)
	for _, s := range g.senders {
		t, k := s.progress()
		tried, known = min(tried, t), min(known, k)
	}
	for fp, t := range g.state {
		if t.resolved != nil && t.told > 0 && t.told <= tried {
			t.alert, t.resolved, t.told, t.over = t.resolved, nil, 0, false
			continue
		}
		if t.over && t.told <= known {
			delete(g.state, fp)
			g.marker.Delete(fp)
		}
	}
	if len(g.state) == 0 && !g.halted {
		g.finished = true
		g.timer.Stop()
	}
}

// gone says that the group has ended and may be forgotten.
func (g *group) gone() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.finished
}

// halt stops the timer.
func (g *group) halt() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.halted = true
	if g.timer != nil {
		g.timer.Stop()
	}
}

// alerts lists the alerts as the API shows them.
func (g *group) alerts() []*alert.Alert {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]*alert.Alert, 0, len(g.state))
	for _, t := range g.state {
		if t.resolved != nil {
			out = append(out, t.resolved)
		} else {
			out = append(out, t.alert)
		}
	}
	return out
}

// routeLabels fills in the labels of the route, which may be templates.
func (g *group) routeLabels(as []*alert.Alert) model.LabelSet {
	o := &g.route.RouteOpts
	out := make(model.LabelSet, len(o.Labels))
	if len(o.Labels) == 0 || g.d.o.Template == nil || len(as) == 0 {
		return out
	}
	data := g.d.o.Template.Data(o.Receiver, g.labels, o.Labels, notify.ReasonUnknown.String(), as...)
	render := g.d.o.Template.RouteLabelRenderer(data)
	for name, value := range o.Labels {
		v, err := render(string(name))
		if err != nil {
			g.d.o.Logger.Error("A label of a route could not be filled in", "group", g.key, "label", name, "value", string(value), "err", err)
			continue
		}
		out[name] = model.LabelValue(v)
	}
	return out
}

// carry collects what the groups of a stopped dispatcher know, by their keys.
func (d *Dispatcher) carry() map[string]carried {
	out := map[string]carried{}
	for _, groups := range d.all() {
		for _, g := range groups {
			g.mu.Lock()
			if !g.finished {
				c := carried{next: g.next, flushes: g.flushes, early: g.early, delay: g.delay, urgent: g.urgent, state: make(map[model.Fingerprint]tracked, len(g.state))}
				tried, known := uint64(math.MaxUint64), uint64(math.MaxUint64)
				for _, s := range g.senders {
					t, k := s.progress()
					tried, known = min(tried, t), min(known, k)
				}
				if len(g.senders) > 0 && tried < g.flushes {
					c.next = time.Time{} // a flush was cut off: the next one comes at once
				}
				for fp, t := range g.state {
					x := *t
					// What a sender was cut off from telling has not been told, nor
					// an end that its integration has refused so far.
					if x.told > tried || x.over && x.told > known {
						x.told, x.over = 0, false
					}
					c.state[fp] = x
				}
				out[g.key] = c
			}
			g.mu.Unlock()
		}
	}
	return out
}
