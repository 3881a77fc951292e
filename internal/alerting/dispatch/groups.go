package dispatch

import (
	"context"
	"sort"
	"time"

	"github.com/prometheus/alertmanager/alert"
	amdispatch "github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
)

// Groups lists the groups of the routes and the alerts that the filters let
// pass, with each alert's status, and the receivers of each alert, in
// upstream's shapes and order. It waits for the first Apply.
func (d *Dispatcher) Groups(ctx context.Context, routes func(*amdispatch.Route) bool, alerts func(*alert.Alert, time.Time) bool) (amdispatch.AlertGroups, map[model.Fingerprint][]string, error) {
	select {
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case <-d.loaded:
	}
	now, groups, receivers := time.Now(), amdispatch.AlertGroups{}, map[model.Fingerprint][]string{}
	wanted := map[*route]bool{}
	tmpl, all := d.snapshot()
	for _, g := range all {
		g.mu.Lock()
		rt := g.route
		list := g.list()
		gone := g.gone
		g.mu.Unlock()
		ok, asked := wanted[rt]
		if !asked {
			ok = routes(rt.Route)
			wanted[rt] = ok
		}
		if !ok || gone {
			continue
		}
		out := &amdispatch.AlertGroup{
			Labels: g.labels, Receiver: rt.RouteOpts.Receiver, GroupKey: g.groupKey, RouteID: rt.id,
			AlertStatuses: map[model.Fingerprint]alert.AlertStatus{},
		}
		for _, a := range list {
			if !alerts(a, now) {
				continue
			}
			fp := a.Fingerprint()
			receivers[fp] = append(receivers[fp], rt.RouteOpts.Receiver)
			out.Alerts = append(out.Alerts, a)
			out.AlertStatuses[fp] = g.marker.Status(fp)
		}
		if len(out.Alerts) == 0 {
			continue
		}
		out.RouteLabels = g.routeLabels(rt, tmpl)
		sort.Sort(out.Alerts)
		groups = append(groups, out)
	}
	sort.Stable(groups)
	for fp := range receivers {
		sort.Strings(receivers[fp])
	}
	return groups, receivers, nil
}

// snapshot lists all groups.
func (d *Dispatcher) snapshot() (*template.Template, []*group) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]*group, 0, len(d.groups))
	for _, g := range d.groups {
		all = append(all, g)
	}
	if d.conf == nil {
		return nil, nil
	}
	return d.conf.Template, all
}

// routeLabels renders the labels of the route against all alerts of the group,
// and keeps the outcome until the alerts change.
func (g *group) routeLabels(rt *route, tmpl *template.Template) model.LabelSet {
	g.mu.Lock()
	if g.renderedAt == g.generation {
		defer g.mu.Unlock()
		return g.rendered
	}
	generation, alerts := g.generation, g.list()
	g.mu.Unlock()
	out := model.LabelSet{}
	if len(alerts) > 0 {
		out = g.renderLabels(rt, tmpl, alerts)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.generation == generation {
		g.rendered, g.renderedAt = out, generation
	}
	return out
}

// renderLabels executes the labels of the route as templates. One that fails
// is left out, as upstream does.
func (g *group) renderLabels(rt *route, tmpl *template.Template, alerts []*alert.Alert) model.LabelSet {
	o := &rt.RouteOpts
	if len(o.Labels) == 0 || tmpl == nil {
		return model.LabelSet{}
	}
	out := make(model.LabelSet, len(o.Labels))
	render := tmpl.RouteLabelRenderer(tmpl.Data(o.Receiver, g.labels, o.Labels, notify.ReasonUnknown.String(), alerts...))
	for name := range o.Labels {
		v, err := render(string(name))
		if err != nil {
			g.d.log.Error("A label of the route could not be rendered", "aggr_group", g.groupKey, "label", name, "err", err)
			continue
		}
		out[name] = model.LabelValue(v)
	}
	return out
}
