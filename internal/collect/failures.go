package collect

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// steadyRuns is how many runs in a row must succeed before a collector counts
// as recovered. Without it a collector that fails every other second would
// write a line every other second.
const steadyRuns = 10

// distinctErrors bounds how many different errors of one collector are logged
// until it recovers: some errors carry a number that differs each time.
const distinctErrors = 5

// failures is the one place where failing collectors are counted and logged,
// each distinct failure once, and again only after recovery.
type failures struct {
	log   *slog.Logger
	count *prometheus.CounterVec

	mu    sync.Mutex
	state map[string]*failing
}

type failing struct {
	source, collector string
	last              string // the newest error
	errors            map[string]struct{}
	good              int
}

// failedRemedy is what can be done about most failing collectors.
const failedRemedy = "mount what it reads, give the rights that it needs, or leave it: the other collectors work"

// failing lists the collectors that fail now.
func (f *failures) failing() []Missing {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Missing
	for _, k := range slices.Sorted(maps.Keys(f.state)) {
		st := f.state[k]
		out = append(out, Missing{"the collector " + st.collector + " of " + st.source, st.last, failedRemedy})
	}
	return out
}

func newFailures(log *slog.Logger, reg prometheus.Registerer) (*failures, error) {
	f := &failures{
		log: log,
		count: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_collect_failures_total",
			Help: "Runs of an in-process collector that failed, by kind (error or panic).",
		}, []string{"source", "collector", "kind"}),
		state: map[string]*failing{},
	}
	if err := reg.Register(f.count); err != nil {
		return nil, fmt.Errorf("register metrics of in-process sources: %w", err)
	}
	return f, nil
}

// failed records one failed run.
func (f *failures) failed(source, collector, kind string, err error) {
	f.count.WithLabelValues(source, collector, kind).Inc()
	text := withoutDigits(err.Error())
	f.mu.Lock()
	st := f.state[source+"/"+collector]
	if st == nil {
		st = &failing{source: source, collector: collector, errors: map[string]struct{}{}}
		f.state[source+"/"+collector] = st
	}
	st.good, st.last = 0, err.Error()
	_, known := st.errors[text]
	tell := !known && len(st.errors) < distinctErrors
	if tell {
		st.errors[text] = struct{}{}
	}
	f.mu.Unlock()
	if tell {
		f.log.Warn("A collector failed; told again only after it has recovered", "source", source, "collector", collector, "kind", kind, "err", err, "remedy", failedRemedy)
	}
}

// succeeded records one good run.
func (f *failures) succeeded(source, collector string) {
	f.mu.Lock()
	st := f.state[source+"/"+collector]
	recovered := false
	if st != nil {
		if st.good++; st.good >= steadyRuns {
			delete(f.state, source+"/"+collector)
			recovered = true
		}
	}
	f.mu.Unlock()
	if recovered {
		f.log.Info("A collector works again", "source", source, "collector", collector)
	}
}

// withoutDigits makes errors equal that differ in a number only.
func withoutDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, s)
}

// gatherLog makes failures the error log of promhttp for a source.
type gatherLog struct {
	f      *failures
	source string
}

// Println implements promhttp.Logger.
func (g gatherLog) Println(v ...any) {
	g.f.failed(g.source, "gather", "error", fmt.Errorf("%s", strings.TrimSpace(fmt.Sprintln(v...))))
}

// guarded keeps a panic of a whole collector from ending the process.
type guarded struct {
	prometheus.Collector
	source, name string
	f            *failures
}

// Collect implements prometheus.Collector.
func (g guarded) Collect(ch chan<- prometheus.Metric) {
	defer func() {
		if p := recover(); p != nil {
			g.f.failed(g.source, g.name, "panic", fmt.Errorf("panic: %v", p))
			return
		}
		g.f.succeeded(g.source, g.name)
	}()
	g.Collector.Collect(ch)
}

// changes is a log handler for libraries that log the same message at every
// scrape: a message with the same attributes passes once, those below warning
// and those that failures tells better never.
type changes struct {
	next slog.Handler
	seen *seen
	with string
}

// seenLimit bounds what one library can make us remember and log.
const seenLimit = 200

type seen struct {
	mu sync.Mutex
	at map[string]struct{}
}

func quiet(next slog.Handler) *slog.Logger {
	return slog.New(&changes{next: next, seen: &seen{at: map[string]struct{}{}}})
}

// Enabled implements slog.Handler.
func (c *changes) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && c.next.Enabled(ctx, slog.LevelWarn)
}

// Handle implements slog.Handler.
func (c *changes) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == nodeFailed || r.Message == noUdev {
		return nil
	}
	// Numbers such as durations differ each time; what failed and why do not.
	key := c.with + r.Message
	clean := slog.NewRecord(r.Time, slog.LevelWarn, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "duration_seconds" {
			key += "\x00" + a.Key + "\x00" + a.Value.String()
			clean.AddAttrs(a)
		}
		return true
	})
	key = withoutDigits(key)
	c.seen.mu.Lock()
	_, known := c.seen.at[key]
	tell := !known && len(c.seen.at) < seenLimit
	if tell {
		c.seen.at[key] = struct{}{}
	}
	c.seen.mu.Unlock()
	if !tell {
		return nil
	}
	return c.next.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler.
func (c *changes) WithAttrs(as []slog.Attr) slog.Handler {
	return &changes{next: c.next.WithAttrs(as), seen: c.seen, with: c.with + fmt.Sprint(as)}
}

// WithGroup implements slog.Handler.
func (c *changes) WithGroup(name string) slog.Handler {
	return &changes{next: c.next.WithGroup(name), seen: c.seen, with: c.with + name}
}
