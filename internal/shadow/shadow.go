package shadow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"touchline.dev/touchline/internal/backtest"
)

// Options say what to compare.
type Options struct {
	Prometheus   *url.URL
	Alertmanager *url.URL      // may be nil: then only Prometheus's own states count
	For          time.Duration // 0: until the context ends
	Poll         time.Duration // how often samples are fetched; 0: a fifth of the scrape interval, at least a second
	Watch        time.Duration // how often alerts are looked at; 0: a second

	// Touchline is a server that gets the pair's samples by remote write and has
	// the same rules. Nil: the rules run in this process.
	Touchline *url.URL
	Token     string // for Touchline

	Logger  *slog.Logger
	Started func(Start) // optional: told when the comparison has begun
	Now     func() time.Time
}

// Start is what is known when the comparison begins.
type Start struct {
	Groups, Rules, Selectors int
	Active                   int // alerts of the pair that are pending or firing already
	Poll                     time.Duration
}

// run is one comparison.
type run struct {
	o      Options
	prom   *server
	am     *server
	ours   *server // remote-write mode
	config backtest.ServerConfig
	groups []apiGroup

	theirs *recorder
	mine   *recorder
	limits []string
	errors map[string]int
	began  time.Time
	before map[string]bool // active when the comparison began
}

// Run compares until the time is over or the context ends, and reports. A
// server that cannot be asked at the beginning is an error; later failures are
// counted in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Watch <= 0 {
		o.Watch = time.Second
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	client := &http.Client{Timeout: 30 * time.Second, Transport: transport}
	r := &run{o: o, prom: &server{name: "Prometheus", base: o.Prometheus, http: client}, theirs: newRecorder(o.Now), mine: newRecorder(o.Now),
		errors: map[string]int{}, before: map[string]bool{}}
	if o.Alertmanager != nil {
		r.am = &server{name: "Alertmanager", base: o.Alertmanager, http: client}
	} else {
		r.limits = append(r.limits, "No Alertmanager was given: the pair's alerts count from the poll that saw them fire.")
	}
	var err error
	if r.config, err = r.prom.config(ctx); err != nil {
		return nil, err
	}
	if r.groups, err = r.prom.rules(ctx); err != nil {
		return nil, err
	}
	n := 0
	for _, g := range r.groups {
		n += len(g.Rules)
	}
	if n == 0 {
		return nil, fmt.Errorf("%s has no rules; there is nothing to compare", o.Prometheus.Redacted())
	}
	if r.config.AlertRelabel {
		r.limits = append(r.limits, "The pair has alert_relabel_configs: alerts that they change count from the poll that saw them fire.")
	}
	if o.Touchline != nil {
		r.ours = &server{name: "Touchline", base: o.Touchline, token: o.Token, http: client}
		return r.beside(ctx, n)
	}
	return r.inside(ctx, n)
}

// inside runs the rules in this process.
func (r *run) inside(ctx context.Context, rules int) (report *Report, err error) {
	dir, err := os.MkdirTemp("", "touchline-shadow-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for samples: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	n, err := needsOf(r.groups, parser.NewParser(parser.Options{}))
	if err != nil {
		return nil, err
	}
	for _, name := range n.long {
		r.limits = append(r.limits, fmt.Sprintf("%s reads further back than %s, or by \"@\": it had less data here.", name, maxBackfill))
	}
	e, err := openEngine(dir, r.groups, r.config, r.o.Prometheus, r.mine.notify, r.o.Logger)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	f := newFeed(r.prom, n.selectors, r.config.ExternalLabels, e.store, r.o.Now)
	src, err := backtest.OpenRemote(r.o.Prometheus, "", r.config.ExternalLabels, time.Minute)
	if err != nil {
		return nil, err
	}
	if err := f.backfill(ctx, src, n.selectors, n.reach); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		r.limits = append(r.limits, fmt.Sprintf("Samples from before the beginning could not be read (%v): rules with ranges were late at first.", err))
	}
	if err := f.once(ctx); err != nil {
		return nil, err
	}
	poll := r.o.Poll
	if poll <= 0 {
		poll = max(r.config.ScrapeInterval/5, time.Second)
	}
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	if err := e.start(); err != nil {
		return nil, err
	}
	if r.o.Started != nil {
		r.o.Started(Start{Groups: len(r.groups), Rules: rules, Selectors: len(n.selectors), Active: len(r.before), Poll: poll})
	}
	r.limits = append(r.limits, "A group's own query_offset is not known: the rules API does not tell it.",
		"Native histograms do not come by federation in the text format.")
	r.loop(ctx, poll, func(ctx context.Context) { r.note(ctx, f.once(ctx)) })
	report = r.report()
	report.Samples, report.Refused = f.samples, f.refused
	return report, nil
}

// beside watches a Touchline that gets the samples by remote write.
func (r *run) beside(ctx context.Context, rules int) (*Report, error) {
	c, err := r.ours.config(ctx)
	if err != nil {
		return nil, err
	}
	groups, err := r.ours.rules(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, g := range groups {
		for _, rule := range g.Rules {
			known[rule.Name] = true
		}
	}
	for _, g := range r.groups {
		for _, rule := range g.Rules {
			if rule.Type != "recording" && !known[rule.Name] {
				r.limits = append(r.limits, fmt.Sprintf("Touchline has no rule %s: its alerts count as missed.", rule.Name))
			}
		}
	}
	shipped := shippedAlerts(groups)
	if shipped != nil {
		r.limits = append(r.limits, "Alerts of the rules that come with Touchline are left out, since the pair has no such rules.")
	}
	look := func(ctx context.Context) {
		now, err := r.ours.active(ctx)
		if r.note(ctx, err); err != nil {
			return
		}
		if shipped != nil {
			now = slices.DeleteFunc(now, func(a active) bool { return shipped(a.labels) })
		}
		r.mine.saw(now, r.o.Now())
		h, err := r.ours.held(ctx, c.ExternalLabels)
		if r.note(ctx, err); err == nil {
			r.mine.heldBy(h)
		}
	}
	if _, err := r.ours.active(ctx); err != nil {
		return nil, err
	}
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	look(ctx)
	if r.o.Started != nil {
		r.o.Started(Start{Groups: len(r.groups), Rules: rules, Active: len(r.before), Poll: r.o.Watch})
	}
	r.loop(ctx, r.o.Watch, look)
	return r.report(), nil
}

// begin looks at the pair for the first time: what is active now has a past
// that ours has not, and is not compared.
func (r *run) begin(ctx context.Context) error {
	now, err := r.prom.active(ctx)
	if err != nil {
		return err
	}
	if r.am != nil {
		if _, err := r.am.held(ctx, r.config.ExternalLabels); err != nil {
			return err
		}
	}
	r.began = r.o.Now()
	for _, a := range now {
		r.before[a.labels.String()] = true
	}
	r.theirs.saw(now, r.began)
	return nil
}

// loop feeds and watches until the end. Both have a goroutine, so that a slow
// answer to one does not delay the other.
func (r *run) loop(ctx context.Context, poll time.Duration, feed func(context.Context)) {
	if r.o.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.o.For)
		defer cancel()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		every(ctx, poll, feed)
	}()
	every(ctx, r.o.Watch, r.look)
	<-done
}

func every(ctx context.Context, d time.Duration, f func(context.Context)) {
	t := time.NewTicker(d)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			f(ctx)
		}
	}
}

func (r *run) look(ctx context.Context) {
	now, err := r.prom.active(ctx)
	if r.note(ctx, err); err != nil {
		return
	}
	r.theirs.saw(now, r.o.Now())
	if r.am == nil {
		return
	}
	h, err := r.am.held(ctx, r.config.ExternalLabels)
	if r.note(ctx, err); err == nil {
		r.theirs.heldBy(h)
	}
}

// note counts an error; the end of the comparison is none.
func (r *run) note(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	r.theirs.mu.Lock()
	defer r.theirs.mu.Unlock()
	if r.errors[err.Error()]++; r.errors[err.Error()] == 1 {
		r.o.Logger.Warn("Cannot compare for a moment", "err", err)
	}
}
