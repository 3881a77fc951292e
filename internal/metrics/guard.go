package metrics

import (
	"context"
	"errors"
	"fmt"
	"runtime/metrics"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
)

type guardOptions struct {
	MaxSamples  int
	MaxMemory   int64
	MemoryLimit int64
	DefaultStep func(rangeMillis int64) int64
	Registerer  prometheus.Registerer
}

// queryGuard stands in front of the PromQL engine. The engine counts samples
// once they are loaded; what it allocates before it can count, such as the
// slots of a subquery with a tiny step over a huge range, the guard refuses
// beforehand. While queries run it watches the heap, and ends the newest of
// them when the process comes near its memory limit.
type queryGuard struct {
	engine promql.QueryEngine
	parser parser.Parser
	o      guardOptions

	refused *prometheus.CounterVec

	mu      sync.Mutex
	running map[*guardedQuery]struct{}
	stop    chan struct{}
	watch   bool
	wg      sync.WaitGroup
}

// MemoryError says that a query was refused or ended because of memory.
type MemoryError struct{ Reason string }

func (e *MemoryError) Error() string { return "query exceeds its memory budget: " + e.Reason }

func newQueryGuard(engine promql.QueryEngine, p parser.Parser, o guardOptions) *queryGuard {
	g := &queryGuard{
		engine: engine, parser: p, o: o, running: map[*guardedQuery]struct{}{}, stop: make(chan struct{}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_query_memory_refused_total",
			Help: "Queries refused before they ran, or ended while running, because of the memory that they would take.",
		}, []string{"when"}),
	}
	for _, w := range []string{"before", "running"} {
		g.refused.WithLabelValues(w)
	}
	if o.Registerer != nil {
		o.Registerer.MustRegister(g.refused)
	}
	return g
}

func (g *queryGuard) close() {
	close(g.stop)
	g.wg.Wait()
}

// maxSteps is the number of evaluation steps that a query's memory allows:
// every step of every series takes at least one 16-byte point.
func (g *queryGuard) maxSteps() int64 {
	n := int64(g.o.MaxSamples)
	if g.o.MaxMemory > 0 {
		n = min(n, g.o.MaxMemory/16)
	}
	return n
}

// check refuses an expression whose subqueries have more steps than the
// budget, or whose labels could grow without bound. A nested subquery runs over
// the ranges of those around it as well, and over that of the range query.
func (g *queryGuard) check(query string, span time.Duration) error {
	if !mayHaveSubquery(query) && !mayMakeLabels(query) {
		return nil
	}
	expr, err := g.parser.ParseExpr(query)
	if err != nil {
		return nil //nolint:nilerr // The engine meets the same error and words it better.
	}
	if n := labelGrowth(expr); n > maxLabelGrowth {
		return &MemoryError{Reason: fmt.Sprintf("label_replace and label_join could make a label value %.3g times as long as it was, the limit is %d; take fewer groups or labels into one value", n, maxLabelGrowth)}
	}
	limit := g.maxSteps()
	var walk func(n parser.Node, outer float64) error
	walk = func(n parser.Node, outer float64) error {
		if s, ok := n.(*parser.SubqueryExpr); ok {
			step := s.Step.Milliseconds()
			if step == 0 {
				step = max(1, g.o.DefaultStep(s.Range.Milliseconds()))
			}
			outer += float64(s.Range.Milliseconds())
			if steps := outer / float64(step); steps > float64(limit) {
				return &MemoryError{Reason: fmt.Sprintf("the subquery %s has %.3g steps, the limit is %d; use a larger step or a shorter range", s.String(), steps, limit)}
			}
		}
		for c := range parser.ChildrenIter(n) {
			if err := walk(c, outer); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(expr, float64(span.Milliseconds()))
}

// mayHaveSubquery says whether an expression can have a subquery: [RANGE:STEP].
// Most have none, and need not be parsed twice. What looks like one within a
// string is parsed for nothing; a comment may hide a bracket, so it is parsed too.
func mayHaveSubquery(query string) bool {
	if strings.IndexByte(query, '#') >= 0 {
		return true
	}
	for {
		_, rest, ok := strings.Cut(query, "[")
		if !ok {
			return false
		}
		inside, _, _ := strings.Cut(rest, "]")
		if strings.IndexByte(inside, ':') >= 0 {
			return true
		}
		query = rest
	}
}

// maxLabelGrowth is how many times as long as before a query may make a label value.
const maxLabelGrowth = 1000

func mayMakeLabels(query string) bool {
	return strings.Contains(query, "label_replace") || strings.Contains(query, "label_join")
}

// labelGrowth is a bound on how much longer the label values of an expression
// may be than those in the storage. Functions within one another multiply: 30 of
// them that double a value would fill the memory from a single series. Text
// counts as one value for every 64 bytes.
func labelGrowth(expr parser.Expr) float64 {
	inner := 1.0
	for c := range parser.ChildrenIter(expr) {
		if e, ok := c.(parser.Expr); ok {
			inner = max(inner, labelGrowth(e))
		}
	}
	call, ok := expr.(*parser.Call)
	if !ok {
		return inner
	}
	text := func(n int) string {
		if n < len(call.Args) {
			arg := call.Args[n]
			for p, ok := arg.(*parser.ParenExpr); ok; p, ok = arg.(*parser.ParenExpr) {
				arg = p.Expr
			}
			if s, ok := arg.(*parser.StringLiteral); ok {
				return s.Val
			}
		}
		return ""
	}
	switch call.Func.Name {
	case "label_replace":
		return inner * max(1, float64(strings.Count(text(2), "$"))+float64(len(text(2)))/64)
	case "label_join":
		n := float64(len(call.Args) - 3)
		return inner * max(1, n+n*float64(len(text(2)))/64)
	}
	return inner
}

func (g *queryGuard) NewInstantQuery(ctx context.Context, q storage.Queryable, opts promql.QueryOpts, qs string, ts time.Time) (promql.Query, error) {
	if err := g.admit(qs, 0); err != nil {
		return nil, err
	}
	query, err := g.engine.NewInstantQuery(ctx, q, opts, qs, ts)
	return g.wrap(query), err
}

func (g *queryGuard) NewRangeQuery(ctx context.Context, q storage.Queryable, opts promql.QueryOpts, qs string, start, end time.Time, interval time.Duration) (promql.Query, error) {
	if err := g.admit(qs, end.Sub(start)); err != nil {
		return nil, err
	}
	query, err := g.engine.NewRangeQuery(ctx, q, opts, qs, start, end, interval)
	return g.wrap(query), err
}

func (g *queryGuard) admit(qs string, span time.Duration) error {
	err := g.check(qs, span)
	if err == nil && g.o.MemoryLimit > 0 {
		if used := heapBytes(); used > g.o.MemoryLimit*9/10 {
			err = &MemoryError{Reason: fmt.Sprintf("the process uses %d of %d bytes; try again when other queries have ended", used, g.o.MemoryLimit)}
		}
	}
	if err != nil {
		g.refused.WithLabelValues("before").Inc()
	}
	return err
}

// guardedQuery is a query that the guard can end.
type guardedQuery struct {
	promql.Query
	g      *queryGuard
	began  time.Time
	cancel context.CancelCauseFunc
}

func (g *queryGuard) wrap(q promql.Query) promql.Query {
	if q == nil {
		return nil
	}
	return &guardedQuery{Query: q, g: g}
}

// Exec runs the query. A query that the guard ended answers with a MemoryError.
func (q *guardedQuery) Exec(ctx context.Context) *promql.Result {
	ctx, q.cancel = context.WithCancelCause(ctx)
	defer q.cancel(nil)
	q.g.enter(q)
	defer q.g.leave(q)
	res := q.Query.Exec(ctx)
	var why *MemoryError
	if res.Err != nil && errors.As(context.Cause(ctx), &why) {
		res.Err = why
	}
	return res
}

func (g *queryGuard) enter(q *guardedQuery) {
	q.began = time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running[q] = struct{}{}
	if g.o.MemoryLimit > 0 && !g.watch {
		g.watch = true
		g.wg.Go(g.watchHeap)
	}
}

func (g *queryGuard) leave(q *guardedQuery) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.running, q)
}

// watchHeap runs while queries run. Near the limit it ends one query a turn,
// the newest first: the older ones are nearer to their end.
func (g *queryGuard) watchHeap() {
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-g.stop:
			return
		case <-t.C:
		}
		over := heapBytes() > g.o.MemoryLimit*9/10
		g.mu.Lock()
		if len(g.running) == 0 {
			g.watch = false
			g.mu.Unlock()
			return
		}
		if over {
			var newest *guardedQuery
			for q := range g.running {
				if newest == nil || q.began.After(newest.began) {
					newest = q
				}
			}
			newest.cancel(&MemoryError{Reason: fmt.Sprintf("it was ended because the process came near its limit of %d bytes", g.o.MemoryLimit)})
			delete(g.running, newest)
			g.refused.WithLabelValues("running").Inc()
		}
		g.mu.Unlock()
	}
}

// heapSamples are what heapBytes reads into; the runtime keeps hold of it.
var heapSamples = sync.Pool{New: func() any {
	return &[1]metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
}}

// heapBytes is the memory in live and not yet swept objects, in bytes.
func heapBytes() int64 {
	s := heapSamples.Get().(*[1]metrics.Sample)
	defer heapSamples.Put(s)
	metrics.Read(s[:])
	return int64(s[0].Value.Uint64())
}
