package dispatch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/common/model"
)

// member is an alert of a group, and who has been told what of it. An episode
// is one firing of it, from its first word to the end that somebody was told.
type member struct {
	alert   *alert.Alert
	episode uint64
	urgent  bool
	fired   bool      // seen firing in this episode
	ripe    bool      // was in a flush; what is not waits for the regular one
	muted   bool      // a flush left it out in this episode
	since   time.Time // of the episode
	heard   laneSet   // an attempt to tell its firing has ended
	ended   laneSet   // its end was told
}

// update is a state of an alert that came from the provider.
type update struct {
	alert  *alert.Alert
	fp     model.Fingerprint
	now    time.Time
	urgent bool
}

// group is the alerts of one route that share the labels it groups by.
type group struct {
	d        *Dispatcher
	id       groupID
	uuid     string
	labels   model.LabelSet
	groupKey string
	marker   marker.AlertMarker

	// Of the schedule, under the dispatcher's mu.
	created  time.Time
	last     time.Time // the last regular flush
	regular  time.Time // the next
	early    time.Time // the next early one; zero for none
	burst    debounce
	position int // in the queue, -1 outside

	flushing sync.Mutex // held by the one decision that runs

	mu         sync.Mutex
	route      *route
	lanes      []*lane
	members    map[model.Fingerprint]*member
	gone       bool
	flushes    uint64
	generation uint64 // grows with each change of members
	rendered   model.LabelSet
	renderedAt uint64
	reports    []func() // what is to be said of the group
	reporting  bool     // somebody is saying it
}

func newGroup(d *Dispatcher, id groupID, rt *route, ls model.LabelSet, created time.Time) *group {
	g := &group{
		d: d, id: id, labels: ls, groupKey: fmt.Sprintf("%s:%s", rt.key, ls), marker: marker.NewAlertMarker(), created: created, position: -1,
		members: map[model.Fingerprint]*member{}, generation: 1,
	}
	if u, err := uuid.NewRandom(); err == nil {
		g.uuid = u.String()
	}
	return g
}

// bind gives the group a new route, and lanes for its receiver's integrations.
// A lane whose integration is still there stays, with what it is doing. The
// caller holds the dispatcher's mu.
func (g *group) bind(rt *route, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	old := g.route
	g.route = rt
	if old == nil || old.RouteOpts.GroupWait != rt.RouteOpts.GroupWait || old.RouteOpts.GroupInterval != rt.RouteOpts.GroupInterval {
		g.regular = g.created.Add(rt.RouteOpts.GroupWait)
		if !g.last.IsZero() {
			g.regular = g.last.Add(rt.RouteOpts.GroupInterval)
		}
	}
	if old != nil && old.id != rt.id {
		g.d.o.Marker.DeleteByGroupKey(old.id, g.groupKey)
	}
	known := map[string]*lane{}
	for _, l := range g.lanes {
		known[l.key()] = l
	}
	lanes := make([]*lane, len(rt.receiver.Integrations))
	moved := make(map[int]int, len(lanes)) // positions, old to new
	var fresh []int
	for n, i := range rt.receiver.Integrations {
		key := rt.RouteOpts.Receiver + "\xff" + i.Key
		l := known[key]
		if l == nil {
			l = &lane{g: g}
			fresh = append(fresh, n)
		} else {
			moved[l.position] = n
			delete(known, key)
		}
		l.position, l.receiver, l.to = n, rt.RouteOpts.Receiver, i
		lanes[n] = l
	}
	g.lanes = lanes
	for _, l := range known {
		l.retire()
	}
	for _, m := range g.members {
		heard, ended := m.heard, m.ended
		m.heard, m.ended = nil, nil
		for from, to := range moved {
			if heard.has(from) {
				m.heard.add(to)
			}
			if ended.has(from) {
				m.ended.add(to)
			}
		}
		if m.ripe && m.alert.ResolvedAt(now) {
			// News to nobody: who is new to the group has never heard of it.
			for _, n := range fresh {
				m.heard.add(n)
				m.ended.add(n)
			}
		}
	}
}

// due is when the group has its next turn.
func (g *group) due() time.Time {
	if !g.early.IsZero() && g.early.Before(g.regular) {
		return g.early
	}
	return g.regular
}

// took starts the wait for the next flush, as upstream from the beginning of
// this one, and reports whether this one is regular.
func (g *group) took(now time.Time) (regular bool) {
	g.mu.Lock()
	interval := g.route.RouteOpts.GroupInterval
	g.mu.Unlock()
	g.early = time.Time{}
	if regular = !g.regular.After(now); regular {
		g.last, g.regular = now, now.Add(interval)
		return true
	}
	g.burst.flushed(now, interval, pressure(g.d.telling.Load()))
	g.d.metrics.early.Inc()
	return false
}

// pull brings the next flush forward for an urgent alert.
func (g *group) pull(now time.Time) {
	g.mu.Lock()
	interval := g.route.RouteOpts.GroupInterval
	g.mu.Unlock()
	if at := g.burst.next(now, interval); g.early.IsZero() || at.Before(g.early) {
		g.early = at
	}
}

// put takes a new state of an alert. It reports whether somebody has to be
// told that the alert fires who has not been yet.
func (g *group) put(u update) (news bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	firing := !u.alert.ResolvedAt(u.now)
	m := g.members[u.fp]
	switch {
	case m == nil:
		m = &member{since: u.now}
		g.members[u.fp] = m
		news = firing
	case firing && m.ended.len() > 0:
		// It fires again, and some have been told that it had ended.
		for n := range g.lanes {
			if m.ended.has(n) {
				m.heard.remove(n)
			}
		}
		m.ended, m.ripe, m.fired, m.muted = nil, false, false, false
		m.episode++
		m.since = u.now
		news = true
	case firing && m.alert.ResolvedAt(u.now):
		m.episode++
	}
	m.alert, m.urgent = u.alert, u.urgent
	m.fired = m.fired || firing
	g.generation++
	return news
}

// drop removes alerts whose end everybody has been told. The caller holds mu.
func (g *group) drop(now time.Time) {
	for fp, m := range g.members {
		if m.ripe && m.ended.len() == len(g.lanes) && m.alert.ResolvedAt(now) {
			delete(g.members, fp)
			g.marker.Delete(fp)
			g.generation++
		}
	}
}

// busy reports whether a lane is telling something. The caller holds mu.
func (g *group) busy() bool {
	return slices.ContainsFunc(g.lanes, func(l *lane) bool { return l.running != nil })
}

// flush decides what is to be told now, and hands it to the lanes. A regular
// flush is of all alerts; an early one leaves those alone that are neither
// urgent nor were in a flush before. What was in one and has not been seen
// firing is for the lanes in which the early flush takes a regular one's place.
func (d *Dispatcher) flush(g *group, regular bool) {
	g.flushing.Lock()
	defer g.flushing.Unlock()
	d.applying.RLock()
	defer d.applying.RUnlock()
	now := time.Now()

	g.mu.Lock()
	rt, tmpl := g.route, d.conf.Template
	alerts, members := make(alert.AlertSlice, 0, len(g.members)), make(map[*alert.Alert]pick, len(g.members))
	for fp, m := range g.members {
		if !regular && !m.ripe && !(m.fired && m.urgent) {
			continue
		}
		m.ripe = true
		a := stateAt(m.alert, now)
		alerts = append(alerts, a)
		members[a] = pick{fp, m.episode, m.alert.ResolvedAt(now)}
	}
	g.flushes++
	flush := g.flushes
	gone := g.gone
	g.mu.Unlock()
	if gone {
		return
	}
	if len(alerts) == 0 {
		d.sweep(g) // A reload may have taken its last alert.
		return
	}
	sort.Stable(alerts)

	ctx := g.context(d.ctx, rt, now, flush)
	ctx = notify.WithRouteLabels(ctx, g.renderLabels(rt, tmpl, alerts))
	_, kept, err := rt.receiver.Mute.Exec(ctx, d.log, alerts...)
	if err != nil {
		d.log.Error("A flush could not be decided; the next one tries again", "aggr_group", g.groupKey, "alerts", len(alerts), "err", err)
		return
	}
	told := make([]decided, 0, len(kept))
	for _, a := range kept {
		told = append(told, decided{members[a].fp, a})
		delete(members, a)
	}

	var over shownList
	g.mu.Lock()
	if d.o.Flushed != nil {
		g.flushed(rt.RouteOpts.Receiver, now, kept)
	}
	for _, p := range members { // What is left was muted.
		m := g.members[p.fp]
		if m == nil || m.episode != p.episode {
			continue
		}
		m.muted = true
		if p.resolved {
			over = append(over, shown{fp: p.fp, member: m, episode: m.episode, alert: m.alert})
		}
	}
	// As upstream, an alert that ended muted is forgotten once the flush of the
	// others has succeeded; early flush has no reason to wait for that.
	if len(told) == 0 || d.o.Early != nil {
		for _, s := range over {
			s.member.ended = fill(len(g.lanes))
		}
		over = nil
	}
	if len(told) > 0 {
		for _, l := range g.lanes {
			l.offer(&job{ctx: context.WithoutCancel(ctx), early: !regular, decided: now, alerts: told, over: over})
		}
	}
	g.mu.Unlock()
	d.sweep(g)
}

// pick is what an alert was when a flush was decided.
type pick struct {
	fp       model.Fingerprint
	episode  uint64
	resolved bool
}

// stateAt copies an alert such that it does not resolve by the passing of time.
func stateAt(a *alert.Alert, now time.Time) *alert.Alert {
	out := *a
	if !a.ResolvedAt(now) {
		out.EndsAt = time.Time{}
	}
	return &out
}

// context carries what upstream's stages need to know.
func (g *group) context(ctx context.Context, rt *route, now time.Time, flush uint64) context.Context {
	o := &rt.RouteOpts
	if g.uuid != "" {
		ctx = notify.WithAggrGroupID(ctx, g.uuid)
	}
	ctx = notify.WithNow(ctx, now)
	ctx = notify.WithGroupKey(ctx, g.groupKey)
	ctx = notify.WithGroupLabels(ctx, g.labels)
	ctx = notify.WithReceiverName(ctx, o.Receiver)
	ctx = notify.WithRepeatInterval(ctx, o.RepeatInterval)
	ctx = notify.WithMuteTimeIntervals(ctx, o.MuteTimeIntervals)
	ctx = notify.WithActiveTimeIntervals(ctx, o.ActiveTimeIntervals)
	ctx = notify.WithRouteID(ctx, rt.id)
	ctx = notify.WithFlushID(ctx, flush)
	ctx = notify.WithGroupMatchers(ctx, rt.Matchers)
	return marker.WithContext(ctx, g.marker)
}

// list copies the members' alerts. The caller holds mu.
func (g *group) list() alert.AlertSlice {
	out := make(alert.AlertSlice, 0, len(g.members))
	for _, m := range g.members {
		out = append(out, m.alert)
	}
	slices.SortStableFunc(out, func(a, b *alert.Alert) int { return cmp.Compare(a.Fingerprint(), b.Fingerprint()) })
	return out
}
