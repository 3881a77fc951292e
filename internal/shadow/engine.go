package shadow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	promrules "github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/features"
	"go.yaml.in/yaml/v3"

	"touchline.dev/touchline/internal/backtest"
	"touchline.dev/touchline/internal/rules"
	"touchline.dev/touchline/internal/rules/arrival"
)

const (
	lookback    = 5 * time.Minute
	maxBackfill = 24 * time.Hour // what a rule reads from further back is told as a limit of the report
)

// engine is our own storage and rules, in a directory of their own.
type engine struct {
	db     *tsdb.DB
	store  storage.Storage
	engine *promql.Engine
	rules  *rules.Manager
	change *rules.Change // the pair's rules, until start
}

// openEngine loads the pair's rules, which do nothing until start. notify gets
// what would go to Alertmanager.
func openEngine(dir string, groups []apiGroup, c backtest.ServerConfig, external *url.URL, notify rules.Notify, log *slog.Logger) (e *engine, err error) {
	e = &engine{}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
			e = nil
		}
	}()
	opts := tsdb.DefaultOptions()
	opts.RetentionDuration = (2 * maxBackfill).Milliseconds()
	if e.db, err = tsdb.Open(filepath.Join(dir, "metrics"), log, nil, opts, nil); err != nil {
		return e, fmt.Errorf("open storage: %w", err)
	}
	hook := &arrival.Hook{}
	e.store = hook.Observe(e.db)
	p := parser.NewParser(parser.Options{})
	e.engine = promql.NewEngine(promql.EngineOpts{
		Logger: log, MaxSamples: 50_000_000, Timeout: 2 * time.Minute, LookbackDelta: lookback, EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return c.EvaluationInterval.Milliseconds() }, Parser: p,
	})
	if e.rules, err = rules.New(rules.Options{
		Dir: filepath.Join(dir, "state"), Logger: log, Registerer: prometheus.NewRegistry(), Engine: e.engine, Live: e.store,
		Hook: hook, Lookback: lookback, Appendable: e.store, Queryable: e.store, Notify: notify, Parser: p,
		Features: features.NewRegistry(), ExternalURL: external, OutageTolerance: time.Hour, ForGracePeriod: 10 * time.Minute, ResendDelay: time.Minute,
	}); err != nil {
		return e, err
	}
	files, err := writeRules(filepath.Join(dir, "rules"), groups)
	if err != nil {
		return e, err
	}
	if e.change, err = e.rules.Prepare(rules.Settings{Interval: c.EvaluationInterval, QueryOffset: c.QueryOffset, Patterns: files, ExternalLabels: c.ExternalLabels}); err != nil {
		return e, fmt.Errorf("load the rules of the pair: %w", err)
	}
	return e, nil
}

// start puts the rules into force and evaluates them. What is stored by then is
// their past: had they been in force while it came, what it triggers would be
// judged now, and alerts would begin before the first evaluation.
func (e *engine) start() error {
	if err := e.change.Apply(); err != nil {
		return err
	}
	e.rules.Run()
	return nil
}

func (e *engine) close() error {
	var errs []error
	if e.rules != nil {
		errs = append(errs, e.rules.Close())
	}
	if e.engine != nil {
		errs = append(errs, e.engine.Close())
	}
	if e.db != nil {
		errs = append(errs, e.db.Close())
	}
	return errors.Join(errs...)
}

// ruleYAML is one rule as files write it.
type ruleYAML struct {
	Record        string            `yaml:"record,omitempty"`
	Alert         string            `yaml:"alert,omitempty"`
	Expr          string            `yaml:"expr"`
	For           model.Duration    `yaml:"for,omitempty"`
	KeepFiringFor model.Duration    `yaml:"keep_firing_for,omitempty"`
	Labels        map[string]string `yaml:"labels,omitempty"`
	Annotations   map[string]string `yaml:"annotations,omitempty"`
}

type groupYAML struct {
	Name     string         `yaml:"name"`
	Interval model.Duration `yaml:"interval,omitempty"`
	Limit    int            `yaml:"limit,omitempty"`
	Rules    []ruleYAML     `yaml:"rules"`
}

// writeRules writes what the API told as rule files, one for each of the pair's.
func writeRules(dir string, groups []apiGroup) ([]string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("write rules: %w", err)
	}
	byFile := map[string][]groupYAML{}
	var order []string
	for _, g := range groups {
		y := groupYAML{Name: g.Name, Interval: seconds(g.Interval), Limit: g.Limit}
		for _, r := range g.Rules {
			one := ruleYAML{Expr: r.Query, Labels: r.Labels}
			if r.Type == "recording" {
				one.Record = r.Name
			} else {
				one.Alert, one.For, one.KeepFiringFor, one.Annotations = r.Name, seconds(r.Duration), seconds(r.KeepFiringFor), r.Annotations
			}
			y.Rules = append(y.Rules, one)
		}
		if byFile[g.File] == nil {
			order = append(order, g.File)
		}
		byFile[g.File] = append(byFile[g.File], y)
	}
	var out []string
	for i, file := range order {
		text, err := yaml.Marshal(map[string]any{"groups": byFile[file]})
		if err != nil {
			return nil, fmt.Errorf("write rules of %s: %w", file, err)
		}
		path := filepath.Join(dir, fmt.Sprintf("%03d.yml", i))
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return nil, fmt.Errorf("write rules of %s: %w", file, err)
		}
		out = append(out, path)
	}
	return out, nil
}

func seconds(s float64) model.Duration {
	return model.Duration(time.Duration(s * float64(time.Second)).Round(time.Millisecond))
}

// notify hands our rules' alerts to the recorder.
func (r *recorder) notify(ctx context.Context, _ string, alerts ...*promrules.Alert) error {
	class := "tick"
	if h, ok := rules.HopsFrom(ctx); ok && h.Class != "" {
		class = h.Class
	}
	now := r.now()
	for _, a := range alerts {
		if a.ResolvedAt.IsZero() {
			r.fires(a.Labels.Copy(), a.ActiveAt, now, class)
		} else {
			r.ends(a.Labels, now)
		}
	}
	return nil
}
