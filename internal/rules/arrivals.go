package rules

import (
	"container/heap"
	"context"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"

	"touchline.dev/touchline/internal/rules/arrival"
)

// Bounds of the evaluation on arrival.
const (
	// maxWaiting is how many triggers of one rule may wait; the rest is left to the tick.
	maxWaiting = 256
	// maxLate is how old a sample may be to be judged on arrival, unless two
	// intervals of its group are longer. Older ones are catch-up and backfill.
	maxLate = 30 * time.Second
	// maxFuture bounds the triggers that wait for their time to come.
	maxFuture = 100_000
	// restFactor times the cost of its last evaluation is how long a rule
	// rests before it is evaluated again for what may be nothing: no rule
	// takes more than a fifth of a core.
	restFactor = 4
	// sweepInterval is how often what is known of silent series is dropped.
	sweepInterval = 10 * time.Minute
	// longSilent is when a series counts as silent.
	longSilent = time.Hour
)

// arrivals evaluates alerting rules when samples arrive. It is the sink of the
// index that watches commits: triggers wait in two queues, those of a
// comparison that has just become true before all others, and in each of them
// rule groups take turns.
type arrivals struct {
	o       Options
	x       *arrival.Index
	engine  promql.QueryEngine
	base    storage.Queryable
	log     *slog.Logger
	journal *journal
	restore *restorer
	metrics *arrivalMetrics

	ran atomic.Pointer[time.Time] // when groups were let run

	// swap is held for writing while rules are replaced.
	swap     sync.RWMutex
	set      atomic.Pointer[watchedSet]
	recorded map[string][]arrival.Recording
	turn     atomic.Pointer[chan struct{}] // closed when the rules that are being replaced are in force

	mu      sync.Mutex
	flips   fairQueue
	slow    fairQueue
	turns   int         // workers with a group that has had a turn
	turned  time.Time   // when the last of them began
	pushing *time.Timer // wakes a worker if they take long
	future  futureHeap
	alarm   *time.Timer
	alarmAt time.Time
	wake    chan struct{}
	workers int
	closed  bool
	dirty   map[*rules.Group]*groupState // to be journalled
	saver   *time.Timer
	saved   time.Time     // when the journal was last written
	pause   time.Duration // before it is written again
	saving  sync.Mutex

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	raised func(w *watched, element labels.Labels, at int64) // tests look at every raise
}

// watchedSet are the rules in force.
type watchedSet struct {
	byGroup map[*rules.Group]map[string]*watched // by rule ID
	all     []*watched
}

func newArrivals(o Options, j *journal, r *restorer) *arrivals {
	ctx, cancel := context.WithCancel(context.Background())
	a := &arrivals{
		o: o, engine: o.Engine, base: o.Live, log: o.Logger, journal: j, restore: r,
		metrics: newArrivalMetrics(o.Registerer), wake: make(chan struct{}, 1), workers: max(2, runtime.GOMAXPROCS(0)), dirty: map[*rules.Group]*groupState{}, ctx: ctx, cancel: cancel,
	}
	a.set.Store(&watchedSet{})
	a.x = arrival.NewIndex(a, func() int64 { return o.Now().UnixNano() })
	return a
}

// run starts the workers.
func (a *arrivals) run() {
	now := a.o.Now()
	a.ran.Store(&now)
	for range a.workers {
		a.wg.Go(a.work)
	}
	a.wg.Go(a.keep)
}

// close ends the workers and timers.
func (a *arrivals) close() {
	a.mu.Lock()
	a.closed = true
	if a.alarm != nil {
		a.alarm.Stop()
	}
	if a.saver != nil {
		a.saver.Stop()
	}
	if a.pushing != nil {
		a.pushing.Stop()
	}
	a.mu.Unlock()
	a.cancel()
	for _, w := range a.set.Load().all {
		w.stop()
	}
	a.wg.Wait()
	a.saveDirty()
}

var _ arrival.Sink = (*arrivals)(nil)

// Trigger takes note that a rule is to be evaluated. It never blocks.
func (a *arrivals) Trigger(r *arrival.Rule, t arrival.Trigger) {
	w := r.Owner.(*watched)
	if w.dead.Load() {
		return
	}
	now := a.o.Now()
	at := timestamp.Time(t.At).Add(w.group.QueryOffset())
	switch {
	case at.After(now):
		a.later(w, t, at)
	case at.Before(now.Add(-w.tooOld())):
		w.stats.tooOld.Add(1)
		r.Again()
	default:
		w.add(t)
		a.enqueue(w, t.Flip)
	}
}

// tooOld is the age at which a trigger is left to the tick.
func (w *watched) tooOld() time.Duration { return max(maxLate, 2*w.group.Interval()) }

// Alarm asks the rule for the triggers that time alone brings.
func (a *arrivals) Alarm(r *arrival.Rule, at int64) {
	w := r.Owner.(*watched)
	due := timestamp.Time(at).Add(w.group.QueryOffset())
	if due.After(a.o.Now()) {
		a.later(w, arrival.Trigger{At: alarmOnly}, due)
		return
	}
	a.ring(w)
}

// alarmOnly marks a future entry that asks the rule for its crossings.
const alarmOnly = -1 << 62

// ring passes on what has become due.
func (a *arrivals) ring(w *watched) {
	off := w.group.QueryOffset()
	now := a.o.Now()
	ts, next, ok := w.idx.Due(timestamp.FromTime(now.Add(-off)))
	added := false
	for _, t := range ts {
		if timestamp.Time(t.At).Add(off).Before(now.Add(-w.tooOld())) {
			// Catch-up: what has followed it since may still be on its way.
			w.stats.tooOld.Add(1)
			w.idx.Again()
			continue
		}
		t.Received = now.UnixNano()
		w.add(t)
		added = true
	}
	if added {
		a.enqueue(w, true)
	}
	if ok {
		a.later(w, arrival.Trigger{At: alarmOnly}, timestamp.Time(next).Add(off))
	}
}

// add lets a trigger wait. One of the same instant takes it in.
func (w *watched) add(t arrival.Trigger) {
	w.qmu.Lock()
	defer w.qmu.Unlock()
	for i := range w.waiting {
		o := &w.waiting[i]
		if o.At == t.At {
			o.Merge(t)
			return
		}
	}
	if len(w.waiting) >= maxWaiting {
		// Of those that may be nothing the oldest goes; the tick decides on it.
		copy(w.waiting, w.waiting[1:])
		w.waiting = w.waiting[:maxWaiting-1]
		w.stats.dropped.Add(1)
		w.idx.Again()
	}
	w.waiting = append(w.waiting, t)
}

func (a *arrivals) enqueue(w *watched, flip bool) {
	w.qmu.Lock()
	if w.deferred || w.queued && !(flip && w.resting) {
		w.qmu.Unlock()
		return
	}
	w.queued, w.resting = true, false
	rest := time.Duration(0)
	if now := a.o.Now(); !flip && w.rested.After(now) {
		rest, w.resting = w.rested.Sub(now), true
	}
	w.qmu.Unlock()
	if rest > 0 {
		time.AfterFunc(rest, func() {
			w.qmu.Lock()
			due := w.resting
			w.resting = false
			w.qmu.Unlock()
			if due {
				a.push(w, false)
			}
		})
		return
	}
	a.push(w, flip)
}

func (a *arrivals) push(w *watched, flip bool) {
	a.mu.Lock()
	if flip {
		a.flips.push(w)
	} else {
		a.slow.push(w)
	}
	a.mu.Unlock()
	a.poke()
}

func (a *arrivals) poke() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Groups that have had a turn take half of the workers while what they do is
// short, so that in a storm the first word about each group finds a processor,
// and so does whoever tells it. One that takes longer than turnShort holds up
// nobody else.
const turnShort = 10 * time.Millisecond

func (a *arrivals) pop() (w *watched, again bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.o.Now()
	goOn := a.turns < max(1, a.workers/2) || now.Sub(a.turned) >= turnShort
	if w, again = a.flips.pop(goOn); w == nil {
		w, again = a.slow.pop(goOn)
	}
	if again {
		a.turns++
		a.turned = now
	}
	switch {
	case a.flips.len()+a.slow.len() == 0 || a.closed:
	case w != nil:
		a.poke()
	case a.pushing == nil:
		a.pushing = time.AfterFunc(turnShort, func() {
			a.mu.Lock()
			a.pushing = nil
			a.mu.Unlock()
			a.poke()
		})
	}
	return w, again
}

func (a *arrivals) work() {
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-a.wake:
		}
		for w, again := a.pop(); w != nil; w, again = a.pop() {
			a.evaluate(w)
			if again {
				a.mu.Lock()
				a.turns--
				a.mu.Unlock()
			}
			// In a storm the workers would keep every processor for as long as the
			// scheduler allows, and what they have raised could not be told.
			runtime.Gosched()
		}
	}
}

// later keeps a trigger until its time has come.
func (a *arrivals) later(w *watched, t arrival.Trigger, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || w.dead.Load() {
		return
	}
	if t.At == alarmOnly && !w.ringing.IsZero() && !at.Before(w.ringing) {
		return // One alarm asks for all crossings that have come, and when to come again.
	}
	if len(a.future) >= maxFuture {
		w.stats.dropped.Add(1)
		w.idx.Again()
		return
	}
	if t.At == alarmOnly {
		w.ringing = at
	}
	heap.Push(&a.future, futureTrigger{w: w, t: t, at: at})
	a.setAlarm()
}

// setAlarm arms the one timer of all future triggers; mu is held.
func (a *arrivals) setAlarm() {
	if len(a.future) == 0 || a.closed {
		return
	}
	at := a.future[0].at
	if a.alarm != nil {
		if !at.Before(a.alarmAt) {
			return
		}
		a.alarm.Stop()
	}
	a.alarmAt = at
	a.alarm = time.AfterFunc(max(0, at.Sub(a.o.Now())), a.wakeFuture)
}

func (a *arrivals) wakeFuture() {
	now := a.o.Now()
	a.mu.Lock()
	a.alarm = nil
	var due []futureTrigger
	for len(a.future) > 0 && !a.future[0].at.After(now) {
		f := heap.Pop(&a.future).(futureTrigger)
		if f.t.At == alarmOnly && f.at.Equal(f.w.ringing) {
			f.w.ringing = time.Time{}
		}
		due = append(due, f)
	}
	a.setAlarm()
	a.mu.Unlock()
	for _, f := range due {
		if f.t.At == alarmOnly {
			a.ring(f.w)
			continue
		}
		f.w.add(f.t)
		a.enqueue(f.w, f.t.Flip)
	}
}

// forget takes the triggers of rules that have been replaced out of those that
// wait for their time, which may be far off.
func (a *arrivals) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.future = slices.DeleteFunc(a.future, func(f futureTrigger) bool { return f.w.dead.Load() })
	heap.Init(&a.future)
}

type futureTrigger struct {
	w  *watched
	t  arrival.Trigger
	at time.Time
}

type futureHeap []futureTrigger

var _ heap.Interface = (*futureHeap)(nil)

func (h futureHeap) Len() int           { return len(h) }
func (h futureHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h futureHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *futureHeap) Push(x any)        { *h = append(*h, x.(futureTrigger)) }

func (h *futureHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = futureTrigger{}
	*h = old[:len(old)-1]
	return x
}

// keep sweeps the index now and then.
func (a *arrivals) keep() {
	sweep := time.NewTicker(sweepInterval)
	defer sweep.Stop()
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-sweep.C:
			a.x.Sweep(timestamp.FromTime(a.o.Now().Add(-longSilent)))
		}
	}
}

// changed lets the journal take note of a group, soon.
func (a *arrivals) changed(g *rules.Group, st *groupState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dirty[g] = st
	if a.saver == nil && !a.closed {
		a.saver = time.AfterFunc(max(0, max(journalPause, a.pause)-time.Since(a.saved)), a.saveDirty)
	}
}

// journalPause bounds how often arrivals write the journal, which is synced
// each time: the first change is written at once, and those of a storm together.
// No more than a fifth of the time goes into that.
// An alert that a crash loses before that is raised again.
const journalPause = 20 * time.Millisecond

func (a *arrivals) saveDirty() {
	a.saving.Lock()
	defer a.saving.Unlock()
	a.mu.Lock()
	dirty := a.dirty
	a.dirty, a.saver = map[*rules.Group]*groupState{}, nil
	a.mu.Unlock()
	start := time.Now()
	for g, st := range dirty {
		a.journal.record(g, st)
	}
	a.mu.Lock()
	a.saved = time.Now()
	a.pause = restFactor * a.saved.Sub(start)
	a.mu.Unlock()
}
