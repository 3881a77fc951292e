package backtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
)

const (
	firstWindow = 30 * time.Minute // small: nobody knows yet how many samples it has
	minWindow   = 10 * time.Minute
	// windowSamples is how many stored samples one window should hold: 24
	// bytes each.
	windowSamples = 6_000_000
	maxWindow     = 7 * 24 * time.Hour
	// onsetSteps divides an interval to find the first true sample in it.
	onsetSteps = 15
	// maxOnsets of a rule are looked for; others count from their evaluation. A
	// rule that begins so often has said enough.
	maxOnsets = 250
)

// replay evaluates the sides' rules from one time to another.
type replay struct {
	o      *Options
	engine *promql.Engine
	cache  *cache
	units  []*unit
	tasks  []*task
	mu     sync.Mutex
}

// run evaluates window after window: in each, every unit after those that it
// needs, as many at once as there are workers.
func (p *replay) run(ctx context.Context, from, to int64) error {
	length := int64(cmp.Or(p.o.window, firstWindow))
	for start := from; start <= to; {
		end := min(start+length-1, to)
		needs := p.needs(start, end)
		p.cache.reset(needs)
		if err := p.window(ctx, start, end); err != nil {
			return err
		}
		n := p.cache.reset(nil)
		took := end - start + 1
		reached := reach(needs, time.Unix(0, start))
		start = end + 1
		if n > 0 {
			length = int64(float64(took) * math.Min(4, float64(windowSamples)/float64(n)))
		} else {
			length = took * 4
		}
		length = min(max(length, int64(minWindow), reached), int64(maxWindow))
		if p.o.window > 0 {
			length = int64(p.o.window)
		}
		if start <= to {
			p.forget(start)
		}
	}
	return nil
}

// reach is how far back a window reads. What lies before a window is read again
// for the next one, so windows are not shorter than that.
func reach(needs map[string]stretch, start time.Time) int64 {
	back := time.Duration(0)
	for _, s := range needs {
		back = max(back, start.Sub(time.UnixMilli(s.mint)))
	}
	return int64(back)
}

// needs gives the stretch of time that each selector asks for in a window, so
// that it is read once although several rules ask for different ranges of it.
func (p *replay) needs(start, end int64) map[string]stretch {
	out := map[string]stretch{}
	for _, u := range p.units {
		for _, r := range u.rules {
			if r.traits.ahead {
				continue
			}
			// An alert's beginning is looked for between two evaluations.
			from := time.UnixMilli(r.group.sampleTime(start) - r.group.interval.Milliseconds())
			to := time.UnixMilli(r.group.sampleTime(end))
			mint, maxt := promql.FindMinMaxTime(&parser.EvalStmt{Expr: r.expr, Start: from, End: to, LookbackDelta: p.o.Lookback})
			for _, s := range r.selectors {
				old, ok := out[s.text]
				if !ok {
					old = stretch{mint, maxt}
				}
				out[s.text] = stretch{min(old.mint, mint), max(old.maxt, maxt)}
			}
		}
	}
	return out
}

// forget drops what rules wrote so long ago that no rule reads it again.
func (p *replay) forget(start int64) {
	reach := map[*rule]int64{}
	for _, u := range p.units {
		for _, r := range u.rules {
			oldest, _ := promql.FindMinMaxTime(&parser.EvalStmt{Expr: r.expr, Start: time.Unix(0, start), End: time.Unix(0, start), LookbackDelta: p.o.Lookback})
			oldest -= (r.group.offset + 2*r.group.interval).Milliseconds()
			for _, w := range r.producers {
				if old, ok := reach[w]; !ok || oldest < old {
					reach[w] = oldest
				}
			}
		}
	}
	for w, t := range reach {
		w.forget(t - (w.group.offset + 2*w.group.interval).Milliseconds())
	}
}

func (p *replay) window(ctx context.Context, start, end int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(map[*unit]chan struct{}, len(p.units))
	for _, u := range p.units {
		done[u] = make(chan struct{})
	}
	work := make(chan *task)
	var wg sync.WaitGroup
	for range p.o.Workers {
		wg.Go(func() {
			for t := range work {
				for _, n := range t.needs {
					select {
					case <-done[n]:
					case <-ctx.Done():
					}
				}
				if ctx.Err() == nil {
					if err := p.task(ctx, t, start, end); err != nil {
						cancel(err)
					}
				}
				for _, u := range t.units {
					close(done[u])
				}
			}
		})
	}
	// Tasks come after what they need, so a worker waits only for work that
	// another has taken already.
	for _, t := range p.tasks {
		work <- t
	}
	close(work)
	wg.Wait()
	return context.Cause(ctx)
}

func (p *replay) task(ctx context.Context, t *task, start, end int64) error {
	var together []*rule
	for _, u := range t.units {
		for _, r := range u.rules {
			if r.expander != nil && !r.expander.fixed {
				r.expander.query = p.templateQuery(r)
			}
		}
		if u.single {
			if err := p.singles(ctx, u, start, end); err != nil {
				return err
			}
			continue
		}
		together = append(together, u.rules[0])
	}
	if len(together) == 0 {
		return nil
	}
	g := together[0].group
	first := g.tickAfter(start)
	if first > end {
		return nil
	}
	marks := make([]int, len(together))
	for i, r := range together {
		marks[i] = len(r.outcome.episodes)
	}
	if err := p.ticks(ctx, together, first, int((end-first)/int64(g.interval))+1); err != nil {
		return err
	}
	for i, r := range together {
		if err := p.onsets(ctx, r, marks[i], first); err != nil {
			return err
		}
	}
	return nil
}

// ticks evaluates rules that ask the same at n evaluation times by one query,
// or, where that fails, by two halves: an error at one time is not one at the
// others.
func (p *replay) ticks(ctx context.Context, list []*rule, first int64, n int) error {
	r := list[0]
	step := int64(r.group.interval)
	from := time.UnixMilli(r.group.sampleTime(first))
	q, err := p.engine.NewRangeQuery(ctx, &view{cache: p.cache, rule: r, mu: &p.mu}, nil, r.asked, from, from.Add(time.Duration(n-1)*r.group.interval), r.group.interval)
	if err != nil {
		return fmt.Errorf("evaluate %s: %w", r.name, err)
	}
	defer q.Close()
	res := q.Exec(ctx)
	if res.Err != nil {
		if err := p.fatal(ctx, res.Err); err != nil {
			return fmt.Errorf("evaluate %s: %w", r.name, err)
		}
		if n == 1 {
			for _, r := range list {
				r.fail(first, res.Err)
			}
			return nil
		}
		if err := p.ticks(ctx, list, first, n/2); err != nil {
			return err
		}
		return p.ticks(ctx, list, first+int64(n/2)*step, n-n/2)
	}
	m, err := res.Matrix()
	if err != nil {
		return fmt.Errorf("evaluate %s: %w", r.name, err)
	}
	for _, r := range list {
		p.mu.Lock()
		for text := range list[0].seen {
			r.seen[text] = true
		}
		p.mu.Unlock()
		own := m
		if r.threshold != nil {
			own = r.threshold.filter(m)
		}
		r.matrix(first, n, from.UnixMilli(), own)
	}
	return nil
}

// fatal sorts out the errors that are not the expression's.
func (p *replay) fatal(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if failed := p.cache.err(); failed != nil {
		return failed
	}
	var storage promql.ErrStorage
	if errors.As(err, &storage) {
		return err
	}
	return nil
}

// matrix takes the result of a range query through the evaluations.
func (r *rule) matrix(first int64, n int, from int64, m promql.Matrix) {
	step := r.group.interval.Milliseconds()
	type cursor struct {
		ref    *seriesRef
		floats []promql.FPoint
		hists  []promql.HPoint
	}
	cursors := make([]cursor, 0, len(m))
	for i := range m {
		cursors = append(cursors, cursor{ref: r.ref(m[i].Metric), floats: m[i].Floats, hists: m[i].Histograms})
	}
	var result []element
	for k := 0; k < n; k++ {
		at := from + int64(k)*step
		result = result[:0]
		next := int64(math.MaxInt64)
		for i := range cursors {
			c := &cursors[i]
			if len(c.floats) > 0 {
				if c.floats[0].T == at {
					result = append(result, element{ref: c.ref, v: c.floats[0].F})
					c.floats = c.floats[1:]
				}
				if len(c.floats) > 0 {
					next = min(next, c.floats[0].T)
				}
			}
			if len(c.hists) > 0 {
				if c.hists[0].T == at {
					result = append(result, element{ref: c.ref, h: c.hists[0].H})
					c.hists = c.hists[1:]
				}
				if len(c.hists) > 0 {
					next = min(next, c.hists[0].T)
				}
			}
		}
		r.step(first+int64(k)*int64(r.group.interval), result)
		// With nothing active, evaluations without a result change nothing.
		if len(r.active) == 0 && len(r.lastOut) == 0 && r.observe == nil {
			quiet := n - 1 - k
			if next != math.MaxInt64 {
				quiet = int((next-at)/step) - 1
			}
			r.outcome.evaluations += quiet
			k += quiet
		}
	}
}

// singles evaluates the rules of a unit one time after the other, in the order
// in which the server would.
func (p *replay) singles(ctx context.Context, u *unit, start, end int64) error {
	next := make([]int64, len(u.rules))
	marks := make([]int, len(u.rules))
	firsts := make([]int64, len(u.rules))
	for i, r := range u.rules {
		next[i] = r.group.tickAfter(start)
		firsts[i] = next[i]
		marks[i] = len(r.outcome.episodes)
	}
	for {
		i := 0
		for k := range u.rules {
			if before(u.rules[k], next[k], u.rules[i], next[i]) {
				i = k
			}
		}
		tick, r := next[i], u.rules[i]
		if tick > end {
			break
		}
		next[i] += int64(r.group.interval)
		vector, err := p.instant(ctx, r, r.query, r.group.sampleTime(tick), tick)
		if err != nil {
			if err := p.fatal(ctx, err); err != nil {
				return fmt.Errorf("evaluate %s: %w", r.name, err)
			}
			r.fail(tick, err)
			continue
		}
		result := make([]element, 0, len(vector))
		for k := range vector {
			result = append(result, element{ref: r.ref(vector[k].Metric), v: vector[k].F, h: vector[k].H})
		}
		r.step(tick, result)
	}
	for i, r := range u.rules {
		if err := p.onsets(ctx, r, marks[i], firsts[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *replay) instant(ctx context.Context, r *rule, query string, at, tick int64) (promql.Vector, error) {
	return rules.EngineQueryFunc(p.engine, &view{cache: p.cache, rule: r, tick: tick, mu: &p.mu})(ctx, query, time.UnixMilli(at))
}

// templateQuery is what the function "query" of a label template asks.
func (p *replay) templateQuery(r *rule) rules.QueryFunc {
	return func(ctx context.Context, q string, t time.Time) (promql.Vector, error) {
		return p.instant(ctx, r, q, t.UnixMilli(), t.UnixNano())
	}
}

// onsets finds, for alerts that began in this window, the first time at which
// the expression was true: evaluations see it up to an interval later.
func (p *replay) onsets(ctx context.Context, r *rule, mark int, first int64) error {
	if !r.alert {
		return nil
	}
	type begun struct {
		t *target
		e *episode
	}
	byTick := map[int64][]begun{}
	for _, e := range r.outcome.episodes[mark:] {
		if e.onset == 0 && e.active >= first {
			byTick[e.active] = append(byTick[e.active], begun{e: e})
		}
	}
	for _, t := range r.active {
		if t.state == pending && t.onset == 0 && t.active >= first {
			byTick[t.active] = append(byTick[t.active], begun{t: t})
		}
	}
	step := max(r.group.interval/onsetSteps, time.Millisecond)
	// In order, so that the same alerts are looked for in every run.
	for _, tick := range slices.Sorted(maps.Keys(byTick)) {
		list := byTick[tick]
		found := map[uint64]int64{}
		if r.onsetsAsked < maxOnsets {
			r.onsetsAsked++
			at := r.group.sampleTime(tick)
			from := time.UnixMilli(at - r.group.interval.Milliseconds()).Add(step)
			m, err := p.stretch(ctx, r, from, time.UnixMilli(at), step)
			if err != nil {
				return err
			}
			for i := range m {
				t := int64(math.MaxInt64)
				if len(m[i].Floats) > 0 {
					t = m[i].Floats[0].T
				}
				if len(m[i].Histograms) > 0 {
					t = min(t, m[i].Histograms[0].T)
				}
				found[m[i].Metric.Hash()] = time.UnixMilli(t).Add(r.group.offset).UnixNano()
			}
		}
		for _, b := range list {
			onset := tick
			var metric labels.Labels
			if b.e != nil {
				metric = b.e.metric
			} else {
				metric = b.t.metric
			}
			if t, ok := found[metric.Hash()]; ok {
				onset = min(t, tick)
			}
			if b.e != nil {
				b.e.onset = onset
			} else {
				b.t.onset = onset
			}
		}
	}
	return nil
}

// stretch asks for the rule's expression over a stretch of time. An expression
// that fails there has nothing to say.
func (p *replay) stretch(ctx context.Context, r *rule, from, to time.Time, step time.Duration) (promql.Matrix, error) {
	q, err := p.engine.NewRangeQuery(ctx, &view{cache: p.cache, rule: r, mu: &p.mu}, nil, r.query, from, to, step)
	if err != nil {
		return nil, fmt.Errorf("evaluate %s: %w", r.name, err)
	}
	res := q.Exec(ctx)
	if res.Err != nil {
		q.Close()
		if err := p.fatal(ctx, res.Err); err != nil {
			return nil, fmt.Errorf("evaluate %s: %w", r.name, err)
		}
		return nil, nil
	}
	m, err := res.Matrix()
	if err != nil {
		q.Close()
		return nil, fmt.Errorf("evaluate %s: %w", r.name, err)
	}
	// The points go back to the engine's pool with Close.
	out := make(promql.Matrix, 0, len(m))
	for i := range m {
		s := promql.Series{Metric: m[i].Metric}
		if len(m[i].Floats) > 0 {
			s.Floats = []promql.FPoint{m[i].Floats[0]}
		}
		if len(m[i].Histograms) > 0 {
			s.Histograms = []promql.HPoint{m[i].Histograms[0]}
		}
		out = append(out, s)
	}
	q.Close()
	return out, nil
}
