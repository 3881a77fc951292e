package dispatch

import (
	"time"

	"github.com/prometheus/common/model"
)

// regroup sorts all alerts into the routes of a new configuration. The caller
// holds mu, and applying for writing.
func (d *Dispatcher) regroup() {
	now := time.Now()
	known := map[model.Fingerprint]*member{}
	for _, g := range d.groups {
		for fp, m := range g.members {
			if k := known[fp]; k == nil || m.since.Before(k.since) {
				known[fp] = m
			}
		}
	}
	old := d.groups
	d.groups, d.queue = make(map[groupID]*group, len(old)), make(queue, 0, len(old))
	stay := map[*group]map[model.Fingerprint]bool{}
	for fp, m := range known {
		urgent := d.o.Early.urgent(m.alert.Labels, d.conf.Inhibited)
		for _, r := range d.conf.Routes.Match(m.alert.Labels) {
			rt := d.routes[r]
			ls := groupLabels(m.alert.Labels, &r.RouteOpts)
			id := groupID{rt.ident, ls.Fingerprint()}
			g := d.groups[id]
			if g == nil {
				if g = old[id]; g != nil {
					delete(old, id)
					g.position = -1
					g.bind(rt, now)
					d.groups[id], stay[g] = g, map[model.Fingerprint]bool{}
				} else if m.ripe && m.alert.ResolvedAt(now) {
					continue // It is over, and told where it belonged.
				} else if g = d.open(id, rt, ls, m.since); g == nil {
					d.log.Error("Alert is dropped: there are as many groups as there may be", "alert", m.alert.Name(), "limit", d.o.MaxGroups)
					continue
				}
			}
			g.mu.Lock()
			if own := g.members[fp]; own != nil {
				own.urgent = urgent
			} else if !m.ripe || !m.alert.ResolvedAt(now) {
				g.members[fp] = &member{alert: m.alert, urgent: urgent, fired: m.fired, muted: m.muted, since: m.since}
				g.generation++
				if g.last.IsZero() && stay[g] == nil && m.alert.StartsAt.Add(rt.RouteOpts.GroupWait).Before(now) {
					g.regular = now
				}
			}
			g.mu.Unlock()
			if stay[g] == nil && urgent && !m.alert.ResolvedAt(now) {
				g.pull(now)
			}
			if stay[g] != nil {
				stay[g][fp] = true
			}
		}
	}
	for g, kept := range stay {
		g.mu.Lock()
		for fp := range g.members {
			if !kept[fp] {
				delete(g.members, fp)
				g.marker.Delete(fp)
				g.generation++
			}
		}
		g.mu.Unlock()
	}
	for _, g := range old {
		g.mu.Lock()
		g.gone = true
		d.o.Marker.DeleteByGroupKey(g.route.id, g.groupKey)
		for _, l := range g.lanes {
			l.retire()
		}
		g.mu.Unlock()
	}
	for _, g := range d.groups {
		d.queue.set(g)
	}
	d.metrics.groups.Set(float64(len(d.groups)))
	d.nudge()
}
