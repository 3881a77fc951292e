// Package dispatch routes alerts into groups and decides when each group's
// receivers are told. It keeps upstream's routes, timing and pipeline stages,
// and differs in four ways: alerts are taken in their order, urgent ones do not
// wait for group_wait, a receiver that hangs holds up nobody else, and an
// urgent alert that is over before it was told is told all the same.
package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/alertmanager/alert"
	upstream "github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/alertmanager/provider"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
)

// Options configure a Dispatcher. All fields without a remark are required.
type Options struct {
	Alerts      provider.Alerts
	Route       *upstream.Route
	Stages      notify.RoutingStage // as upstream's PipelineBuilder makes them
	Groups      marker.GroupMarker
	Timeout     func(groupInterval time.Duration) time.Duration // of one flush to one integration
	Template    *template.Template
	Logger      *slog.Logger
	Metrics     *Metrics
	Maintenance time.Duration // how often empty groups are looked for
	MaxGroups   int           // 0 for no limit
	Early       Early
	Previous    *Dispatcher                        // optional, stopped: the one that this one takes over from
	Ingested    func(a *alert.Alert, at time.Time) // optional: told of every alert that arrives
}

// Early says which alerts are told at once.
type Early struct {
	Matchers labels.Matchers // all must match; none switches early flushes off
	// Inhibitable says whether an inhibition could mute an alert. Such an alert
	// waits for group_wait: the inhibitor may learn of its source a moment later.
	Inhibitable func(model.LabelSet) bool
}

func (e *Early) wants(a *alert.Alert) bool {
	return len(e.Matchers) > 0 && e.Matchers.Matches(a.Labels) && (e.Inhibitable == nil || !e.Inhibitable(a.Labels))
}

// Dispatcher is one dispatcher for one configuration. New makes it, Run feeds
// it, Stop ends it and waits for what it sends.
type Dispatcher struct {
	o      Options
	pipes  map[string]pipe // by receiver
	loaded chan struct{}

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	routes  []map[model.Fingerprint]*group // by route index
	byIndex []*upstream.Route
	count   int
	stopped atomic.Bool
	took    map[string]carried // what the previous dispatcher knew, until it is used
}

// pipe is a receiver's pipeline, taken apart: what decides whether alerts are
// muted, and what sends to each integration.
type pipe struct {
	mute notify.MultiStage
	send []notify.Stage
}

// New makes a dispatcher. It fails where the stages are not what upstream builds.
func New(o Options) (*Dispatcher, error) {
	ctx, cancel := context.WithCancel(context.Background())
	d := &Dispatcher{o: o, pipes: map[string]pipe{}, loaded: make(chan struct{}), ctx: ctx, cancel: cancel}
	for name, st := range o.Stages {
		ms, ok := st.(notify.MultiStage)
		if !ok || len(ms) == 0 {
			cancel()
			return nil, fmt.Errorf("receiver %q: its pipeline is a %T; upstream's builder makes a notify.MultiStage", name, st)
		}
		fan, ok := ms[len(ms)-1].(notify.FanoutStage)
		if !ok {
			cancel()
			return nil, fmt.Errorf("receiver %q: its pipeline ends in a %T; upstream's builder ends it in a notify.FanoutStage", name, ms[len(ms)-1])
		}
		d.pipes[name] = pipe{mute: ms[:len(ms)-1], send: fan}
	}
	n := 0
	o.Route.Walk(func(r *upstream.Route) { n = max(n, r.Idx+1) })
	d.routes, d.byIndex = make([]map[model.Fingerprint]*group, n), make([]*upstream.Route, n)
	o.Route.Walk(func(r *upstream.Route) {
		d.routes[r.Idx], d.byIndex[r.Idx] = map[model.Fingerprint]*group{}, r
	})
	if o.Previous != nil {
		d.took = o.Previous.carry()
	}
	return d, nil
}

// Run takes alerts until Stop is called. What the store holds already is
// grouped before it returns from loading; no group is flushed before start.
func (d *Dispatcher) Run(start time.Time) {
	d.wg.Add(1)
	defer d.wg.Done()
	known, it := d.o.Alerts.SlurpAndSubscribe("dispatcher")
	defer it.Close()
	d.o.Metrics.watch(d)
	for _, a := range known {
		d.ingest(a, start)
	}
	d.mu.Lock()
	d.took = nil
	d.mu.Unlock()
	close(d.loaded)
	maintenance := time.NewTicker(d.o.Maintenance)
	defer maintenance.Stop()
	for {
		select {
		case a, ok := <-it.Next():
			if !ok {
				if err := it.Err(); err != nil {
					d.o.Logger.Error("The alert store ended the subscription", "err", err)
				}
				return
			}
			if err := it.Err(); err != nil {
				d.o.Logger.Error("An alert could not be read from the store", "err", err)
				continue
			}
			d.ingest(a.Data, start)
		case <-maintenance.C:
			d.sweep()
		case <-d.ctx.Done():
			return
		}
	}
}

// WaitForLoading waits until the alerts of the store are grouped.
func (d *Dispatcher) WaitForLoading() { <-d.loaded }

// Stop ends all flushes and waits for them. It may be called more than once.
func (d *Dispatcher) Stop() {
	if d == nil {
		return
	}
	d.stopped.Store(true)
	d.cancel()
	d.mu.Lock()
	for _, groups := range d.routes {
		for _, g := range groups {
			g.halt()
		}
	}
	d.mu.Unlock()
	d.wg.Wait()
}

// ingest puts an alert into the group of every route that it matches. One
// goroutine does so, in the order of the store: a newer state of an alert is
// never replaced by an older one.
func (d *Dispatcher) ingest(a *alert.Alert, start time.Time) {
	began := time.Now()
	if d.o.Ingested != nil {
		d.o.Ingested(a, began)
	}
	for _, r := range d.o.Route.Match(a.Labels) {
		d.group(a, r, start)
	}
	d.o.Metrics.processing.Observe(time.Since(began).Seconds())
}

func (d *Dispatcher) group(a *alert.Alert, r *upstream.Route, start time.Time) {
	ls := groupLabels(a, r)
	fp := ls.Fingerprint()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped.Load() {
		return
	}
	g := d.routes[r.Idx][fp]
	if g != nil && g.insert(a) {
		return
	}
	if g == nil {
		if d.o.MaxGroups > 0 && d.count >= d.o.MaxGroups {
			d.o.Metrics.limited.Inc()
			d.o.Logger.Error("Too many alert groups; the alert is not told", "alert", a.Name(), "groups", d.count, "limit", d.o.MaxGroups)
			return
		}
		d.count++
		d.o.Metrics.groups.Set(float64(d.count))
	}
	g = newGroup(d, r, ls)
	d.routes[r.Idx][fp] = g
	g.begin(a, start, d.took[g.key])
	delete(d.took, g.key)
}

func groupLabels(a *alert.Alert, r *upstream.Route) model.LabelSet {
	out := make(model.LabelSet, len(r.RouteOpts.GroupBy))
	for n, v := range a.Labels {
		if _, ok := r.RouteOpts.GroupBy[n]; ok || r.RouteOpts.GroupByAll {
			out[n] = v
		}
	}
	return out
}

// sweep removes the groups that have nothing left to tell.
func (d *Dispatcher) sweep() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, groups := range d.routes {
		for fp, g := range groups {
			if g.gone() {
				delete(groups, fp)
				d.o.Groups.DeleteByGroupKey(d.byIndex[i].ID(), g.key)
				d.count--
			}
		}
	}
	d.o.Metrics.groups.Set(float64(d.count))
}

// all lists the groups of each route.
func (d *Dispatcher) all() [][]*group {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([][]*group, len(d.routes))
	for i, groups := range d.routes {
		for _, g := range groups {
			out[i] = append(out[i], g)
		}
	}
	return out
}

// Groups lists the alerts as they are grouped, and the receivers of each alert,
// as upstream's API wants them.
func (d *Dispatcher) Groups(ctx context.Context, wantRoute func(*upstream.Route) bool, wantAlert func(*alert.Alert, time.Time) bool) (upstream.AlertGroups, map[model.Fingerprint][]string, error) {
	select {
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case <-d.loaded:
	}
	out := upstream.AlertGroups{}
	receivers := map[model.Fingerprint][]string{}
	now := time.Now()
	for i, groups := range d.all() {
		r := d.byIndex[i]
		if r == nil || !wantRoute(r) {
			continue
		}
		for _, g := range groups {
			var as alert.AlertSlice
			all := g.alerts()
			for _, a := range all {
				if wantAlert(a, now) {
					receivers[a.Fingerprint()] = append(receivers[a.Fingerprint()], r.RouteOpts.Receiver)
					as = append(as, a)
				}
			}
			if len(as) == 0 {
				continue
			}
			sort.Sort(as)
			status := make(map[model.Fingerprint]alert.AlertStatus, len(as))
			for _, a := range as {
				status[a.Fingerprint()] = g.marker.Status(a.Fingerprint())
			}
			out = append(out, &upstream.AlertGroup{
				Alerts: as, Labels: g.labels, RouteLabels: g.routeLabels(all), Receiver: r.RouteOpts.Receiver,
				GroupKey: g.key, RouteID: g.route.ID(), AlertStatuses: status,
			})
		}
	}
	sort.Sort(out)
	for _, r := range receivers {
		sort.Strings(r)
	}
	return out, receivers, nil
}
