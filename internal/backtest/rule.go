package backtest

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql/parser"
)

const (
	alertsName   = "ALERTS"
	forStateName = "ALERTS_FOR_STATE"
	stateLabel   = "alertstate"
)

var (
	staleMarker  = math.Float64frombits(value.StaleNaN)
	errDuplicate = errors.New("result contains metrics with the same labelset after applying rule labels")
)

// rule is one rule of one side, or of both where they have it in common, with
// the state that its evaluations have reached.
type rule struct {
	group     *group
	index     int
	name      string
	alert     bool
	expr      parser.Expr
	query     string
	asked     string     // what a range query asks: the expression, or its part before a threshold
	threshold *threshold // of the result of asked; nil: none
	labels    labels.Labels
	hold      time.Duration
	keep      time.Duration
	expander  *expander

	selectors []selector
	traits    traits
	producers []*rule // rules whose output it selects
	observed  bool    // somebody selects its output
	hidden    *hidden

	refs    map[uint64]*seriesRef // by the result's label set
	targets map[uint64]*target    // by the label set after the rule's labels
	active  []*target             // pending and firing alerts
	lastOut []*output             // series of the previous evaluation
	turn    int64                 // counts evaluations; marks what belongs to the current one

	out     []*output // what it wrote, for those who select it
	outputs map[uint64]*output

	seen        map[string]bool // selectors that found something
	outcome     outcome
	onsetsAsked int
	observe     func(r *rule, tick int64) // for tests: after each evaluation
}

// outcome is what a rule did in the period.
type outcome struct {
	evaluations  int
	failures     int
	firstFailure string
	episodes     []*episode
}

// episode is one alert from its firing to its end. Times are nanoseconds.
type episode struct {
	labels   labels.Labels
	metric   labels.Labels // of the result
	active   int64
	onset    int64 // first sample for which the expression was true
	fired    int64
	resolved int64 // 0: still firing
	value    float64
}

// seriesRef is one series of the expression's result.
type seriesRef struct {
	metric labels.Labels
	target *target // nil where the alert's labels depend on the value
}

// target is what a series of the result becomes: an alert or a recorded series.
type target struct {
	labels labels.Labels
	metric labels.Labels // of the result that last led here
	turn   int64

	// Alerts only.
	state     alertState
	value     float64
	active    int64
	onset     int64
	fired     int64
	keepSince int64
	episode   *episode
	pending   *output // ALERTS{alertstate="pending"}
	firing    *output
	forState  *output

	recorded *output
}

type alertState int8

const (
	inactive alertState = iota
	pending
	firing
)

// output is one series that a rule wrote.
type output struct {
	points
	turn int64
}

// element is one element of a result at one time.
type element struct {
	ref *seriesRef
	v   float64
	h   *histogram.FloatHistogram
}

// ref finds the series of a result.
func (r *rule) ref(metric labels.Labels) *seriesRef {
	h := metric.Hash()
	if s := r.refs[h]; s != nil {
		return s
	}
	s := &seriesRef{metric: metric.Copy()}
	r.refs[h] = s
	if !r.alert {
		lb := labels.NewBuilder(s.metric)
		lb.Set(labels.MetricName, r.name)
		r.labels.Range(func(l labels.Label) { lb.Set(l.Name, l.Value) })
		s.target = r.target(lb.Labels())
	} else if r.expander.perSeries() {
		s.target = r.target(r.expander.labels(s.metric, 0, nil, 0))
	}
	return s
}

func (r *rule) target(ls labels.Labels) *target {
	h := ls.Hash()
	t := r.targets[h]
	if t == nil {
		t = &target{labels: ls}
		r.targets[h] = t
	}
	return t
}

// targetOf gives what an element becomes.
func (r *rule) targetOf(e *element, tick int64) *target {
	if e.ref.target != nil {
		return e.ref.target
	}
	return r.target(r.expander.labels(e.ref.metric, e.v, e.h, tick))
}

// fail notes an evaluation that ended with an error. As in upstream, it changes
// nothing else.
func (r *rule) fail(tick int64, err error) {
	r.turn++
	r.outcome.evaluations++
	r.outcome.failures++
	if r.outcome.firstFailure == "" {
		r.outcome.firstFailure = fmt.Sprintf("%s: %v", time.Unix(0, tick).UTC().Format(time.RFC3339), err)
	}
	r.done(tick)
}

func (r *rule) done(tick int64) {
	if r.observe != nil {
		r.observe(r, tick)
	}
}

// step is one evaluation of the rule with its result.
func (r *rule) step(tick int64, result []element) {
	if r.alert {
		r.stepAlerts(tick, result)
	} else {
		r.stepRecorded(tick, result)
	}
}

func (r *rule) stepRecorded(tick int64, result []element) {
	turn := r.turn + 1
	for i := range result {
		t := result[i].ref.target
		if t.turn == turn {
			r.fail(tick, errDuplicate)
			return
		}
		t.turn = turn
	}
	if limit := r.group.limit; limit > 0 && len(result) > limit {
		r.fail(tick, fmt.Errorf("exceeded limit of %d with %d series", limit, len(result)))
		return
	}
	r.turn = turn
	r.outcome.evaluations++
	if r.observed {
		at := r.group.sampleTime(tick)
		w := r.writer(at)
		for i := range result {
			t := result[i].ref.target
			if t.recorded == nil {
				t.recorded = r.output(t.labels)
			}
			w.write(t.recorded, point{t: at, v: result[i].v, h: result[i].h})
		}
		w.end()
	}
	r.done(tick)
}

// stepAlerts moves the alerts through their states, as AlertingRule.Eval does.
func (r *rule) stepAlerts(tick int64, result []element) {
	turn := r.turn + 1
	for i := range result {
		t := r.targetOf(&result[i], tick)
		if t.turn == turn {
			r.fail(tick, errDuplicate)
			return
		}
		t.turn = turn
	}
	r.turn = turn
	for i := range result {
		t := r.targetOf(&result[i], tick)
		t.value, t.metric = result[i].v, result[i].ref.metric
		if t.state == inactive {
			t.state, t.active, t.onset, t.fired, t.keepSince = pending, tick, 0, 0, 0
			r.active = append(r.active, t)
		}
	}
	kept := r.active[:0]
	var ended []*target
	for _, t := range r.active {
		if t.turn != turn {
			hold := false
			if t.state == firing && r.keep > 0 {
				if t.keepSince == 0 {
					t.keepSince = tick
				}
				hold = tick-t.keepSince < int64(r.keep)
			}
			if !hold {
				if t.state == firing {
					ended = append(ended, t)
				}
				t.state = inactive
				continue
			}
		} else {
			t.keepSince = 0
		}
		if t.state == pending && tick-t.active >= int64(r.hold) {
			t.state, t.fired = firing, tick
		}
		kept = append(kept, t)
	}
	clear(r.active[len(kept):])
	r.active = kept
	for _, t := range ended {
		t.end(tick)
	}
	if limit := r.group.limit; limit > 0 && len(kept) > limit {
		// Upstream forgets all alerts, and sends none of this evaluation.
		for _, t := range kept {
			t.state = inactive
			t.end(tick)
		}
		n := len(kept)
		r.active = r.active[:0]
		r.turn-- // fail counts the turn.
		r.fail(tick, fmt.Errorf("exceeded limit of %d with %d alerts", limit, n))
		return
	}
	r.outcome.evaluations++
	for _, t := range kept {
		if t.state != firing {
			continue
		}
		if t.episode == nil {
			t.episode = &episode{labels: t.labels, metric: t.metric, active: t.active, onset: t.onset, fired: tick, value: t.value}
			r.outcome.episodes = append(r.outcome.episodes, t.episode)
		}
	}
	if r.observed {
		r.writeAlerts(tick)
	}
	r.done(tick)
}

func (t *target) end(tick int64) {
	if t.episode != nil {
		t.episode.resolved = tick
		t.episode = nil
	}
}

// writeAlerts writes ALERTS and ALERTS_FOR_STATE.
func (r *rule) writeAlerts(tick int64) {
	at := r.group.sampleTime(tick)
	w := r.writer(at)
	for _, t := range r.active {
		o := &t.pending
		name := "pending"
		if t.state == firing {
			o, name = &t.firing, "firing"
		}
		if *o == nil {
			*o = r.output(r.alertSeries(t, alertsName, name))
		}
		if t.forState == nil {
			t.forState = r.output(r.alertSeries(t, forStateName, ""))
		}
		w.write(*o, point{t: at, v: 1})
		w.write(t.forState, point{t: at, v: float64(time.Unix(0, t.active).Unix())})
	}
	w.end()
}

func (r *rule) alertSeries(t *target, metric, state string) labels.Labels {
	lb := labels.NewBuilder(r.labels)
	t.labels.Range(func(l labels.Label) { lb.Set(l.Name, l.Value) })
	lb.Set(labels.MetricName, metric)
	lb.Set(labels.AlertName, r.name)
	if state != "" {
		lb.Set(stateLabel, state)
	}
	return lb.Labels()
}

func (r *rule) output(ls labels.Labels) *output {
	h := ls.Hash()
	if o := r.outputs[h]; o != nil {
		return o
	}
	if r.outputs == nil {
		r.outputs = map[uint64]*output{}
	}
	o := &output{points: points{ls: ls}}
	r.outputs[h] = o
	r.out = append(r.out, o)
	return o
}

// writer writes the samples of one evaluation, and marks as stale the series
// that the previous one had and this one has not.
type writer struct {
	r    *rule
	at   int64
	now  []*output
	prev []*output
}

func (r *rule) writer(at int64) *writer { return &writer{r: r, at: at, prev: r.lastOut} }

// write appends a sample. Two alerts that differ only in a label that ALERTS
// overwrites lead to one series; the first sample of a timestamp stays.
func (w *writer) write(o *output, p point) {
	if o.turn == w.r.turn {
		return
	}
	o.data = append(o.data, p)
	o.turn = w.r.turn
	w.now = append(w.now, o)
}

func (w *writer) end() {
	for _, o := range w.prev {
		if o.turn != w.r.turn {
			o.data = append(o.data, point{t: w.at, v: staleMarker})
		}
	}
	w.r.lastOut = w.now
}

// forget drops what was written before time t, in milliseconds.
func (r *rule) forget(t int64) {
	for _, o := range r.out {
		n := 0
		for n < len(o.data) && o.data[n].t < t {
			n++
		}
		if n > 0 {
			o.data = append([]point(nil), o.data[n:]...)
		}
	}
}
