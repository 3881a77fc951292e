package dispatch

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/common/model"
)

// lane tells one integration about one group. It has a goroutine while there is
// something to tell. While it is busy at most one job waits, since a later
// flush of the group says all that an earlier one did. Its fields are under the
// group's mu.
type lane struct {
	g        *group
	position int // in the group
	receiver string
	to       Integration
	running  *job
	pending  *job
	retired  bool
}

// job is one flush for one lane.
type job struct {
	ctx      context.Context
	early    bool // only what is urgent is news; all else is told as it was
	decided  time.Time
	alerts   []decided
	over     shownList // ended while muted
	delivery Delivery
}

// decided is an alert as it was when its flush was decided.
type decided struct {
	fp    model.Fingerprint
	alert *alert.Alert
}

func (l *lane) key() string { return l.receiver + "\xff" + l.to.Key }

// offer has the lane tell a flush. The caller holds the group's mu.
func (l *lane) offer(j *job) {
	var ctx context.Context
	ctx, j.delivery.cancel = context.WithCancel(l.g.d.laneCtx)
	j.ctx, j.delivery.group = joined{Context: ctx, values: j.ctx}, l.g
	if l.running == nil {
		l.running = j
		l.g.d.telling.Add(1)
		l.g.d.sending.Go(l.run)
		return
	}
	if l.pending != nil {
		j.early = j.early && l.pending.early
		l.pending.delivery.cancel()
	}
	l.pending = j
	l.running.delivery.supersede()
}

// joined is a context that ends with one and has the values of another.
type joined struct {
	context.Context
	values context.Context
}

// Value looks in both.
func (j joined) Value(key any) any {
	if v := j.values.Value(key); v != nil {
		return v
	}
	return j.Context.Value(key)
}

// finish drops what waits and ends what is not under way. The caller holds the
// group's mu.
func (l *lane) finish() {
	if l.pending != nil {
		l.pending.delivery.cancel()
		l.pending = nil
	}
	if l.running != nil {
		l.running.delivery.abandon()
	}
}

// retire ends a lane whose integration is no longer there. The caller holds
// the group's mu.
func (l *lane) retire() {
	l.retired = true
	l.finish()
}

// run tells jobs until none waits.
func (l *lane) run() {
	g := l.g
	g.mu.Lock()
	defer func() {
		g.mu.Unlock()
		g.d.telling.Add(-1)
		g.d.sweep(g)
	}()
	for l.running != nil {
		j := l.running
		to, rt := l.to, g.route
		g.mu.Unlock()
		done := l.tell(j, to, rt)
		j.delivery.cancel()
		g.mu.Lock()
		if !done && l.pending != nil {
			// What takes the place of a regular flush has to say what that did not get to say.
			l.pending.early = l.pending.early && j.early
		}
		l.running, l.pending = l.pending, nil
	}
}

// tell carries one job out, and reports whether there is nothing left of it to tell.
func (l *lane) tell(j *job, to Integration, rt *route) bool {
	d, log := l.g.d, l.g.d.log
	ctx, cancel := context.WithTimeout(j.ctx, d.o.Timeout(rt.RouteOpts.GroupInterval))
	defer cancel()
	ctx = context.WithValue(ctx, deliveryKey{}, &j.delivery)
	var waited bool
	if wait := d.o.Wait(); wait > 0 {
		// The replicas before this one have told it by the end of the wait, and
		// the notification log knows; or they are gone.
		var err error
		stage := notify.NewClusterWaitStage(func() time.Duration { return wait })
		if ctx, _, err = stage.Exec(ctx, log); err != nil {
			l.failed(j, to, err)
			return false
		}
		waited = true
	}
	now := time.Now()
	view := l.view(j, now, waited)
	if waited {
		if err := view.ask(ctx, to, l.g.groupKey); err != nil {
			l.failed(j, to, err)
			return false
		}
	}
	if len(view) == 0 {
		l.settle(j.over, nil)
		return true
	}
	ctx, alerts, err := to.Dedup.Exec(notify.WithNow(ctx, now), log, view.alerts()...)
	if err == nil && len(alerts) > 0 {
		_, _, err = to.Send.Exec(ctx, log, alerts...)
	}
	if err != nil {
		l.failed(j, to, err)
	}
	l.settle(append(view, j.over...), err)
	return err == nil
}

// failed logs as upstream does: what a stop, a reload or a later flush has
// ended is to be expected.
func (l *lane) failed(j *job, to Integration, err error) {
	log := l.g.d.log.With("aggr_group", l.g.groupKey, "integration", to.Key, "num_alerts", len(j.alerts), "err", err)
	if j.delivery.ended() || errors.Is(j.ctx.Err(), context.Canceled) {
		log.Debug("Notify for alerts failed")
		return
	}
	log.Error("Notify for alerts failed")
}

// shown is an alert as a lane is about to tell it.
type shown struct {
	fp      model.Fingerprint
	member  *member
	episode uint64
	alert   *alert.Alert // as told
	held    *alert.Alert // resolved, where it is told as firing
	first   bool         // the integration has not heard of this firing before
}

// shownList keeps the order of the flush.
type shownList []shown

func (s shownList) alerts() []*alert.Alert {
	out := make([]*alert.Alert, len(s))
	for n := range s {
		out[n] = s[n].alert
	}
	return out
}

// holdFor is how long a resolve is withheld while its firing cannot be told. It
// is as long as Prometheus itself repeats a resolve; after it the firing is no
// longer news but a false alarm.
const holdFor = 15 * time.Minute

// view is how this lane tells the alerts of a job, as they are now: they may
// have changed while it waited for its turn. With early flush a resolve is
// withheld, and the alert told as firing, until the integration has heard of
// the firing, and in an early flush at all: it keeps its group_interval. So does
// what ends while this replica waits for those before it. An alert that was
// muted when it should have been told is nobody's news once it has ended.
func (l *lane) view(j *job, now time.Time, waited bool) shownList {
	g, on := l.g, l.g.d.o.Early != nil
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.retired {
		return nil
	}
	out := make(shownList, 0, len(j.alerts))
	for _, a := range j.alerts {
		m := g.members[a.fp]
		switch {
		case on && (m == nil || m.ended.has(l.position) && m.alert.ResolvedAt(now)):
			continue // Its end is told, so that it is nobody's business any more.
		case m == nil:
			// As upstream, who is told later is told all that the others were.
			out = append(out, shown{fp: a.fp, alert: a.alert})
			continue
		}
		s := shown{fp: a.fp, member: m, episode: m.episode, alert: stateAt(m.alert, now), first: !m.heard.has(l.position)}
		if on && j.early && s.alert.Resolved() && (!m.fired || s.first && m.muted) {
			continue
		}
		hold := on && (j.early || s.first && !m.muted && now.Sub(m.alert.EndsAt) < holdFor) || waited && m.alert.EndsAt.After(j.decided)
		if hold && m.fired && s.alert.Resolved() {
			firing := *s.alert
			firing.EndsAt = time.Time{}
			s.alert, s.held = &firing, s.alert
			if on && s.first {
				g.d.metrics.withheld.Inc()
			}
		}
		out = append(out, s)
	}
	return out
}

// ask lets a replica that has waited for others look up what they have told
// meanwhile: an end that they told is not withheld, and a firing that they told
// is no news. Upstream's own stage computes the names of alerts in the log, so
// that ours cannot differ.
func (s shownList) ask(ctx context.Context, to Integration, groupKey string) error {
	var held []*alert.Alert
	for _, v := range s {
		if v.held != nil {
			held = append(held, v.alert)
		}
	}
	if len(held) == 0 {
		return nil
	}
	entry, err := to.Log(groupKey)
	if err != nil || entry == nil {
		return err
	}
	named, _, err := to.Dedup.Exec(ctx, discard, held...)
	if err != nil {
		return err
	}
	names, _ := notify.FiringAlerts(named)
	for n := range s {
		if s[n].held == nil {
			continue
		}
		if len(names) == 0 {
			break
		}
		v, name := &s[n], names[0]
		switch {
		case slices.Contains(entry.FiringAlerts, name):
			v.first = false
		case slices.Contains(entry.ResolvedAlerts, name) && entry.Timestamp.AsTime().After(v.held.StartsAt):
			v.alert, v.held, v.first = v.held, nil, false
		}
		names = names[1:]
	}
	return nil
}

// settle notes what the integration has been told.
func (l *lane) settle(view shownList, err error) {
	d, g, again := l.g.d, l.g, false
	g.mu.Lock()
	for _, v := range view {
		m := g.members[v.fp]
		if l.retired || m == nil || m != v.member {
			continue
		}
		switch {
		case err != nil:
		case !v.alert.Resolved():
			m.heard.add(l.position)
		case m.episode == v.episode:
			m.ended.add(l.position)
		default:
			// It fires again since, and here it passes for ended.
			m.heard.remove(l.position)
			again = again || m.urgent
		}
	}
	g.mu.Unlock()
	if again {
		d.mu.Lock()
		if g.position >= 0 {
			g.pull(time.Now())
			d.queue.set(g)
			d.nudge()
		}
		d.mu.Unlock()
	}
}
