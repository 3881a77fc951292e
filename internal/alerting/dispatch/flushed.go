package dispatch

import (
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/common/model"
)

// Flush is the state of a group as a flush has decided it. Who is told of it
// must not change it.
type Flush struct {
	Key      string // tells the group from all others, also over restarts
	Receiver string
	Labels   model.LabelSet // by which the route groups
	At       time.Time      // the flush knows all that was in the group then
	Alerts   []*alert.Alert // those that nothing mutes, as they were; none where all are muted
}

// say has f called after all else that is said of the group. A goroutine of its
// own does so while there is something to say: it holds no lock, so that f may
// ask the dispatcher, and holds up neither a flush nor a lane. The caller holds
// mu, and is a flush or a lane.
func (g *group) say(f func()) {
	g.reports = append(g.reports, f)
	if !g.reporting {
		g.reporting = true
		g.d.sending.Go(g.report)
	}
}

// report calls what waits.
func (g *group) report() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.reports) > 0 {
		next := g.reports[0]
		g.reports[0] = nil
		g.reports = g.reports[1:]
		g.mu.Unlock()
		next()
		g.mu.Lock()
	}
	g.reporting, g.reports = false, nil
}

// flushed has a flush told of. The caller holds mu.
func (g *group) flushed(receiver string, now time.Time, kept []*alert.Alert) {
	f := Flush{Key: g.groupKey, Receiver: receiver, Labels: g.labels, At: now, Alerts: kept}
	g.say(func() { g.d.o.Flushed(f) })
}

// Report has f called, which says something of an attempt: after
// Options.Flushed has been told of the flush that the attempt is for. Outside
// of a group it calls f at once.
func (d *Delivery) Report(f func()) {
	if d == nil || d.group == nil {
		f()
		return
	}
	d.group.mu.Lock()
	defer d.group.mu.Unlock()
	d.group.say(f)
}
