// Package dispatch sorts alerts into groups and has their receivers told. It
// takes the place of Alertmanager's dispatcher, keeps that one's routes, groups,
// stages, metrics and timing, and differs where that one is slow or unsafe: one
// reader takes alerts in the provider's order, each integration of a group has
// a lane of its own, urgent alerts pull their group's flush forward, a reload
// keeps what is under way, and an alert that ends before it was told is told.
package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/alertmanager/alert"
	amdispatch "github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/nflog/nflogpb"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/alertmanager/provider"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
)

// Options configure a Dispatcher. All fields without a remark are required.
type Options struct {
	Alerts     provider.Alerts
	Marker     marker.GroupMarker                              // which groups a time interval mutes
	Timeout    func(groupInterval time.Duration) time.Duration // how long telling one flush may take
	Wait       func() time.Duration                            // optional: how long this replica lets those before it tell first
	Ready      func(context.Context) error                     // optional: returns once nothing stands against the first flush
	StartAt    time.Time                                       // optional: no flush before
	MaxGroups  int                                             // 0 for no limit; alerts that need one more are dropped and counted
	Early      *Early                                          // nil for upstream's timing
	Ingested   func(a *alert.Alert, at time.Time)              // optional: told of every state of an alert that arrives, while the dispatcher is locked
	Logger     *slog.Logger
	Registerer prometheus.Registerer

	// Flushed is told of each flush that is decided, of one group in order; also
	// where its receiver has no integrations. Optional. It holds up nothing but
	// Stop, and must not call that.
	Flushed func(Flush)
	// Ended is told of each alert that arrives resolved, when it is in its
	// groups: a Flush that does not know of it was At before. Optional. It holds
	// up what arrives next, and must not call Apply or Stop.
	Ended func(a *alert.Alert, at time.Time)
}

// Config is what a reload replaces.
type Config struct {
	Routes    *amdispatch.Route
	Receivers map[string]Receiver
	Inhibited []labels.Matchers  // the target side of each inhibition rule
	Template  *template.Template // renders labels of routes; may be nil
}

// Receiver is the pipeline of one receiver: what is decided once a flush, and
// the integrations, each of which is told in a lane of its own.
type Receiver struct {
	Mute         notify.Stage
	Integrations []Integration
}

// Integration is one way of a receiver to be told.
type Integration struct {
	Key   string       // tells it from the receiver's others, and stays the same over reloads
	Dedup notify.Stage // drops what the notification log knows as told
	Send  notify.Stage // tells, retries, and writes the notification log
	// Log returns what was last told about a group, nil for nothing.
	Log func(groupKey string) (*nflogpb.Entry, error)
}

// stopGrace is how long Stop lets requests that are under way be answered:
// one that is cut off may have been taken, and is repeated after a restart.
const stopGrace = 3 * time.Second

// Dispatcher owns the groups. Locks are taken in the order applying, mu, the
// mu of a group.
type Dispatcher struct {
	o       Options
	log     *slog.Logger
	metrics *metrics

	loaded  chan struct{} // closed when the alerts that the provider held at first are in
	begun   chan struct{} // closed when nothing stands against telling somebody
	wake    chan struct{}
	slots   chan struct{} // one for each decision that may be under way
	running atomic.Bool
	telling atomic.Int64 // lanes with a job

	ctx, laneCtx       context.Context
	cancel, cancelLane context.CancelFunc
	reading, sending   sync.WaitGroup // what decides; what tells, and says so
	stopped            sync.Once

	applying sync.RWMutex // held for reading while a flush is decided

	mu     sync.Mutex
	done   bool
	conf   *Config
	routes map[*amdispatch.Route]*route
	groups map[groupID]*group
	queue  queue

	singles map[singleID]*single
}

// route is a route with what is computed once.
type route struct {
	*amdispatch.Route
	ident, key, id string
	receiver       Receiver
}

// groupID tells a group from all others, over reloads.
type groupID struct {
	route  string
	labels model.Fingerprint
}

// New returns a dispatcher that does nothing until Apply.
func New(o Options) (*Dispatcher, error) {
	if o.Wait == nil {
		o.Wait = func() time.Duration { return 0 }
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	if o.Ingested == nil {
		o.Ingested = func(*alert.Alert, time.Time) {}
	}
	d := &Dispatcher{
		o: o, log: o.Logger,
		loaded: make(chan struct{}), begun: make(chan struct{}), wake: make(chan struct{}, 1), slots: make(chan struct{}, max(2, runtime.GOMAXPROCS(0))),
		groups: map[groupID]*group{}, singles: map[singleID]*single{},
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.laneCtx, d.cancelLane = context.WithCancel(context.Background())
	var err error
	if d.metrics, err = newMetrics(o.Registerer, d); err != nil {
		return nil, fmt.Errorf("register dispatcher metrics: %w", err)
	}
	return d, nil
}

// Apply puts a configuration into force. The first call takes in the alerts
// that the provider holds and starts to dispatch; later calls sort what is
// there into the new routes. A group whose route is still there keeps its
// timers, and what is being told is told to its end, so that a reload neither
// loses nor repeats nor hurries anything. Apply returns when all alerts are in.
func (d *Dispatcher) Apply(c Config) {
	d.applying.Lock()
	defer d.applying.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done {
		return
	}
	first := d.conf == nil
	d.conf, d.routes = &c, index(&c)
	if !first {
		d.regroup()
		return
	}
	alerts, updates := d.o.Alerts.SlurpAndSubscribe("dispatcher")
	for _, a := range alerts {
		d.place(a)
	}
	close(d.loaded)
	d.reading.Go(func() {
		for _, a := range alerts {
			d.ended(a)
		}
		d.read(updates)
	})
	d.reading.Go(d.schedule)
}

// index computes what does not change with an alert. A route is known again
// after a reload by the matchers on the way to it; of several with the same,
// by their order.
func index(c *Config) map[*amdispatch.Route]*route {
	out, seen := map[*amdispatch.Route]*route{}, map[string]int{}
	c.Routes.Walk(func(r *amdispatch.Route) {
		rt := &route{Route: r, key: r.Key(), id: r.ID(), receiver: c.Receivers[r.RouteOpts.Receiver]}
		rt.ident = fmt.Sprintf("%s#%d", rt.key, seen[rt.key])
		seen[rt.key]++
		out[r] = rt
	})
	return out
}

// read takes alerts in the provider's order. One reader is what makes a state
// that is older than the one held impossible: the provider hands out updates
// of one alert in the order in which it stored them.
func (d *Dispatcher) read(updates provider.AlertIterator) {
	defer updates.Close()
	for {
		select {
		case <-d.ctx.Done():
			return
		case a, ok := <-updates.Next():
			if !ok {
				if err := updates.Err(); err != nil {
					d.log.Error("Alerts can no longer be read", "err", err)
				}
				return
			}
			if err := updates.Err(); err != nil {
				d.log.Error("An alert could not be read", "err", err)
				continue
			}
			start := time.Now()
			d.mu.Lock()
			d.place(a.Data)
			d.mu.Unlock()
			d.metrics.processing.Observe(time.Since(start).Seconds())
			d.ended(a.Data)
		}
	}
}

// ended tells of an alert that has been put into its groups and is resolved.
func (d *Dispatcher) ended(a *alert.Alert) {
	if d.o.Ended == nil {
		return
	}
	if now := time.Now(); a.ResolvedAt(now) {
		d.o.Ended(a, now)
	}
}

// place puts an alert into the group of every route that matches it. The
// caller holds mu.
func (d *Dispatcher) place(a *alert.Alert) {
	now, fp := time.Now(), a.Fingerprint()
	u := update{alert: a, fp: fp, now: now, urgent: d.o.Early.urgent(a.Labels, d.conf.Inhibited)}
	d.o.Ingested(a, now)
	for _, r := range d.conf.Routes.Match(a.Labels) {
		rt := d.routes[r]
		ls := groupLabels(a.Labels, &r.RouteOpts)
		id := groupID{rt.ident, ls.Fingerprint()}
		g, found := d.groups[id]
		if !found {
			if g = d.open(id, rt, ls, now); g == nil {
				d.log.Error("Alert is dropped: there are as many groups as there may be", "alert", a.Name(), "limit", d.o.MaxGroups)
				continue
			}
			if a.StartsAt.Add(rt.RouteOpts.GroupWait).Before(now) {
				g.regular = now // It has waited elsewhere, such as before a restart.
			}
		}
		if g.put(u) && u.urgent {
			g.pull(now)
		}
		d.queue.set(g)
	}
	d.nudge()
}

// open makes a group, unless there are too many. The caller holds mu.
func (d *Dispatcher) open(id groupID, rt *route, ls model.LabelSet, created time.Time) *group {
	if d.o.MaxGroups > 0 && len(d.groups) >= d.o.MaxGroups {
		d.metrics.limited.Inc()
		return nil
	}
	g := newGroup(d, id, rt, ls, created)
	g.bind(rt, created)
	d.groups[id] = g
	d.metrics.groups.Set(float64(len(d.groups)))
	return g
}

// groupLabels are the labels by which the route groups.
func groupLabels(all model.LabelSet, o *amdispatch.RouteOpts) model.LabelSet {
	if o.GroupByAll {
		return all.Clone()
	}
	out := make(model.LabelSet, len(o.GroupBy))
	for name := range o.GroupBy {
		if v, ok := all[name]; ok {
			out[name] = v
		}
	}
	return out
}

// sweep takes resolved alerts out of a group that every integration has been
// told of, and removes the group when nothing is left.
func (d *Dispatcher) sweep(g *group) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drop(time.Now())
	if g.gone || len(g.members) > 0 || g.busy() {
		return
	}
	d.remove(g)
}

// remove forgets a group. The caller holds mu and that of the group.
func (d *Dispatcher) remove(g *group) {
	g.gone = true
	delete(d.groups, g.id)
	d.queue.remove(g)
	d.o.Marker.DeleteByGroupKey(g.route.id, g.groupKey)
	d.metrics.groups.Set(float64(len(d.groups)))
}

// Stop ends reading and deciding, lets requests that are under way be answered
// for a moment, cuts off the rest, and returns when everything has ended.
func (d *Dispatcher) Stop() {
	d.stopped.Do(func() {
		d.mu.Lock()
		d.done = true
		d.mu.Unlock()
		d.cancel()
		d.reading.Wait()
		d.running.Store(false)
		d.mu.Lock()
		for _, g := range d.groups {
			g.mu.Lock()
			for _, l := range g.lanes {
				l.finish()
			}
			g.mu.Unlock()
		}
		for _, s := range d.singles {
			s.finish()
		}
		d.mu.Unlock()
		grace := time.AfterFunc(stopGrace, d.cancelLane)
		d.sending.Wait()
		grace.Stop()
		d.cancelLane()
	})
}
