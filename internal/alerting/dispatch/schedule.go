package dispatch

import (
	"container/heap"
	"time"
)

// queue holds the groups by the time at which each is next due. One queue with
// one timer costs nothing for a group that waits.
type queue []*group

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due().Before(q[j].due()) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].position, q[j].position = i, j
}

// Push and Pop are for container/heap.
func (q *queue) Push(x any) {
	g := x.(*group)
	g.position = len(*q)
	*q = append(*q, g)
}

// Pop removes the last.
func (q *queue) Pop() any {
	last := len(*q) - 1
	g := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	g.position = -1
	return g
}

// set puts a group where its due time belongs.
func (q *queue) set(g *group) {
	if g.position < 0 {
		heap.Push(q, g)
		return
	}
	heap.Fix(q, g.position)
}

func (q *queue) remove(g *group) {
	if g.position >= 0 {
		heap.Remove(q, g.position)
	}
}

// nudge has the scheduler look at the queue.
func (d *Dispatcher) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// turn is a group whose time has come.
type turn struct {
	g       *group
	regular bool
}

// schedule has groups flushed when they are due. Decisions take turns in a few
// slots, since they only compute; what waits for a network is in the lanes.
func (d *Dispatcher) schedule() {
	if !d.begin() {
		return
	}
	d.running.Store(true)
	close(d.begun)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		turns, next := d.due()
		for _, t := range turns {
			select {
			case d.slots <- struct{}{}:
			case <-d.ctx.Done():
				return
			}
			d.reading.Go(func() {
				defer func() { <-d.slots }()
				d.flush(t.g, t.regular)
			})
		}
		if len(turns) > 0 {
			continue // Time has passed meanwhile.
		}
		timer.Reset(next)
		select {
		case <-timer.C:
		case <-d.wake:
		case <-d.ctx.Done():
			return
		}
	}
}

// idle is how long the scheduler sleeps when no group waits.
const idle = time.Hour

// due takes the groups whose time has come, sets their next, and says how long
// it is until another is due.
func (d *Dispatcher) due() ([]turn, time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	var turns []turn
	for len(d.queue) > 0 {
		g := d.queue[0]
		if wait := g.due().Sub(now); wait > 0 {
			return turns, wait
		}
		turns = append(turns, turn{g, g.took(now)})
		d.queue.set(g)
	}
	return turns, idle
}

// begin waits for the start time and for the replicas to know each other. It
// reports whether to go on.
func (d *Dispatcher) begin() bool {
	if wait := time.Until(d.o.StartAt); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-d.ctx.Done():
			return false
		}
	}
	if err := d.o.Ready(d.ctx); err != nil {
		if d.ctx.Err() == nil {
			d.log.Error("The wait for the other replicas ended early; going on without", "err", err)
		}
	}
	return d.ctx.Err() == nil
}
