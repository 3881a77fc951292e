package backtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// Options say what to replay over what.
type Options struct {
	Before []string // rule files as they are; may be empty
	After  []string // rule files as they shall be
	// Contents are rule files by name that are not read from the disk.
	Contents map[string][]byte
	From     time.Time
	To       time.Time
	Source   *Source

	// What the server's configuration says and rule files do not.
	EvaluationInterval time.Duration
	QueryOffset        time.Duration
	Lookback           time.Duration
	ExternalLabels     labels.Labels
	ExternalURL        string
	RulesDir           string // directory of the rule files on the server
	Parser             parser.Options

	IgnoreUnknownFields bool
	FlapWindow          time.Duration // an alert that fires again within it has flapped
	Alertmanager        string        // alertmanager.yml, to count notifications; may be empty
	MaxSamples          int           // of one query
	MaxHeld             int           // stored samples in memory at once; 0 is no bound
	MaxRules            int           // on one side; 0 is no bound
	Workers             int
	Examples            int // of alerts that differ, a rule and kind

	parser      parser.Parser
	externalURL *url.URL
	warmUp      time.Duration // tests set it; otherwise it is as long as the rules need
	fixedWarmUp bool
	window      time.Duration // tests set it; otherwise it follows the number of samples
	prepare     func(before, after *side)
}

func (o *Options) defaults() error {
	if len(o.After) == 0 {
		return errors.New("no rule files to replay")
	}
	if !o.From.Before(o.To) {
		return fmt.Errorf("the period from %s to %s is empty", o.From.Format(time.RFC3339), o.To.Format(time.RFC3339))
	}
	if o.EvaluationInterval <= 0 {
		o.EvaluationInterval = time.Minute
	}
	if o.Lookback <= 0 {
		o.Lookback = 5 * time.Minute
	}
	if o.FlapWindow <= 0 {
		o.FlapWindow = 10 * time.Minute
	}
	if o.MaxSamples <= 0 {
		o.MaxSamples = 50_000_000
	}
	if o.Workers <= 0 {
		o.Workers = 1
	}
	if o.Examples <= 0 {
		o.Examples = 5
	}
	o.parser = parser.NewParser(o.Parser)
	var err error
	if o.externalURL, err = url.Parse(o.ExternalURL); err != nil {
		return fmt.Errorf("parse external URL: %w", err)
	}
	return nil
}

// Run replays both sides and compares them.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	began := time.Now()
	beforeNames, afterNames := serverNames(o.Before, o.After, o.RulesDir)
	beforeGroups, err := loadSide(o.Before, beforeNames, &o)
	if err != nil {
		return nil, err
	}
	afterGroups, err := loadSide(o.After, afterNames, &o)
	if err != nil {
		return nil, err
	}
	var pager *pager
	if o.Alertmanager != "" {
		if pager, err = loadPager(o.Alertmanager); err != nil {
			return nil, err
		}
	}
	warm := o.warmUp
	if !o.fixedWarmUp {
		warm = max(warmUp(beforeGroups, o.Lookback), warmUp(afterGroups, o.Lookback))
	}
	from, to := o.From.Add(-warm).UnixNano(), o.To.UnixNano()
	before, after := planSide(beforeGroups, from, to), planSide(afterGroups, from, to)
	shared := share(before, after)
	if o.prepare != nil {
		o.prepare(before, after)
	}
	p := &replay{o: &o, cache: newCache(o.Source)}
	p.cache.most = o.MaxHeld
	p.engine = promql.NewEngine(promql.EngineOpts{
		Logger: slog.New(slog.DiscardHandler), MaxSamples: o.MaxSamples, Timeout: time.Hour, LookbackDelta: o.Lookback,
		NoStepSubqueryIntervalFn: func(int64) int64 { return o.EvaluationInterval.Milliseconds() },
		EnableAtModifier:         true, EnableNegativeOffset: true, Parser: o.parser,
	})
	known := map[*unit]bool{}
	for _, s := range []*side{before, after} {
		for _, u := range s.units {
			if !known[u] {
				known[u] = true
				p.units = append(p.units, u)
			}
		}
	}
	p.tasks = tasks(p.units)
	if err := p.run(ctx, from, to); err != nil {
		return nil, errors.Join(fmt.Errorf("replay rules: %w", err), p.engine.Close())
	}
	if err := p.engine.Close(); err != nil {
		return nil, fmt.Errorf("close query engine: %w", err)
	}
	r := newReport(&o, before, after, pager)
	r.WarmUp = warm.Seconds()
	r.Unchanged = shared
	r.Took = time.Since(began).Seconds()
	return r, nil
}

// warmUp is how long before the period evaluation has to begin, so that alerts
// that are pending or firing at its beginning are that, and the series that
// rules write and others read are there.
func warmUp(groups []*group, lookback time.Duration) time.Duration {
	s := &side{groups: groups}
	var hold, reach time.Duration
	recorded := map[string]bool{}
	for _, r := range s.rules() {
		if !r.alert {
			recorded[r.name] = true
		}
		hold = max(hold, r.hold+r.keep+2*r.group.interval)
	}
	for _, r := range s.rules() {
		h := &hidden{recorded: recorded, alerts: map[string]bool{"": true}}
		for i := range r.selectors {
			if !h.mayHide(r.selectors[i].matchers) || r.traits.ahead {
				continue
			}
			at := time.Unix(0, 0)
			oldest, _ := promql.FindMinMaxTime(&parser.EvalStmt{Expr: r.expr, Start: at, End: at, LookbackDelta: lookback})
			reach = max(reach, time.Duration(-oldest)*time.Millisecond)
		}
	}
	return hold + reach
}

// SetExternalLabels reads name=value pairs.
func (o *Options) SetExternalLabels(pairs []string) error {
	lb := labels.NewBuilder(labels.EmptyLabels())
	for _, p := range pairs {
		name, value, ok := strings.Cut(p, "=")
		if !ok || !model.UTF8Validation.IsValidLabelName(name) {
			return fmt.Errorf("%q is not of the form name=value", p)
		}
		lb.Set(name, value)
	}
	o.ExternalLabels = lb.Labels()
	return nil
}

// ParseDuration reads a duration as rule files write it, such as 7d or 1h30m.
func ParseDuration(s string) (time.Duration, error) {
	d, err := model.ParseDuration(s)
	return time.Duration(d), err
}
