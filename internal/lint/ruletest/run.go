package ruletest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"

	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
)

// runner runs one test file.
type runner struct {
	opts     Options
	src      source
	parser   parser.Parser
	coverage *coverage
}

func (r *runner) runFile(ctx context.Context, name string, content []byte) (FileResult, error) {
	result := FileResult{File: name, Tests: []TestResult{}}
	file, where, failures := parseFile(name, content)
	if len(failures) > 0 {
		result.Failures = failures
		return result, nil
	}
	var ruleFiles []string
	for i, pattern := range file.RuleFiles {
		pos := where.at(fmt.Sprintf("rule_files[%d]", i), "rule_files")
		matches, err := r.src.resolve(name, pattern)
		if err != nil {
			result.Failures = append(result.Failures, Failure{File: name, Line: pos.line, Column: pos.column,
				Message: fmt.Sprintf("expand rule file pattern %q: %v", pattern, err)})
			continue
		}
		if len(matches) == 0 {
			result.Warnings = append(result.Warnings, Warning{File: name, Line: pos.line, Column: pos.column,
				Message: fmt.Sprintf("no file matches %q; the path is relative to the test file", pattern)})
		}
		ruleFiles = append(ruleFiles, matches...)
	}
	if len(result.Failures) > 0 {
		return result, nil
	}
	for i := range file.Tests {
		tc := &testRun{runner: r, fileName: name, file: file, testCase: &file.Tests[i], where: where,
			path: fmt.Sprintf("tests[%d]", i), label: file.Tests[i].name(i), ruleFiles: ruleFiles}
		if r.opts.Run != nil && !r.opts.Run.MatchString(file.Tests[i].Name) {
			continue
		}
		began := r.opts.Now()
		if err := tc.run(ctx); err != nil {
			return result, err
		}
		slices.SortStableFunc(tc.failures, func(a, b Failure) int {
			return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
		})
		result.Tests = append(result.Tests, TestResult{Name: tc.label, Line: where.at(tc.path).line,
			Duration: r.opts.Now().Sub(began), Failures: tc.failures})
	}
	return result, nil
}

// testRun is one item under tests while it runs.
type testRun struct {
	*runner
	*testCase
	fileName  string
	file      *testFile
	where     positions
	path      string
	label     string
	ruleFiles []string
	failures  []Failure
}

// fail records a failure at the first of the paths (relative to the test) that has a position.
func (t *testRun) fail(message string, paths ...string) *Failure {
	full := make([]string, 0, len(paths)+1)
	for _, p := range paths {
		full = append(full, t.path+p)
	}
	pos := t.where.at(append(full, t.path)...)
	t.failures = append(t.failures, Failure{File: t.fileName, Line: pos.line, Column: pos.column, Test: t.label, Message: message})
	return &t.failures[len(t.failures)-1]
}

// run returns an error only when the context ends.
func (t *testRun) run(ctx context.Context) (err error) {
	for i, a := range t.AlertRuleTests {
		if a.Alertname == "" {
			t.fail(fmt.Sprintf("an alert_rule_test item has no alertname (at eval_time %s); name the alert that it is about", a.EvalTime),
				fmt.Sprintf(".alert_rule_test[%d]", i))
		}
	}
	loader, err := promqltest.NewLazyLoader(t.load(), promqltest.LazyLoaderOpts{
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		EnableDelayedNameRemoval: t.opts.DelayedNameRemoval,
		StartTime:                t.StartTimestamp.Time,
		Parser:                   t.parser,
	})
	if err != nil {
		t.failInput(err)
		return nil
	}
	defer func() {
		if closeErr := loader.Close(); closeErr != nil {
			t.fail(fmt.Sprintf("close test storage: %v", closeErr))
		}
	}()
	loader.SubqueryInterval = time.Duration(t.file.EvaluationInterval)

	groups, ok := t.loadGroups(ctx, loader)
	if !ok || len(t.failures) > 0 {
		return nil
	}
	ok, err = t.evaluate(ctx, loader, groups)
	if err != nil || !ok {
		return err
	}
	for i := range t.PromqlExprTests {
		if err := t.checkExpr(ctx, loader, groups, i); err != nil {
			return err
		}
	}
	return nil
}

// failInput finds which of the series the loader refused: its own error counts the lines of a command that the user never wrote.
func (t *testRun) failInput(err error) {
	for i, s := range t.InputSeries {
		item := fmt.Sprintf(".input_series[%d]", i)
		_, _, seriesErr := t.parser.ParseSeriesDesc(s.Series + " " + s.Values)
		if seriesErr == nil {
			continue
		}
		at := item + ".values"
		if _, metricErr := t.parser.ParseMetric(s.Series); metricErr != nil {
			at, seriesErr = item+".series", metricErr
		}
		t.fail(fmt.Sprintf("input series %q with values %q: %v", s.Series, s.Values, seriesErr), at, item)
	}
	if len(t.failures) == 0 {
		t.fail(fmt.Sprintf("load input series: %v", err), ".input_series")
	}
}

// group is a loaded rule group with the place of each rule.
type group struct {
	*rules.Group
	keys []ruleKey
}

// loadGroups loads the rule files and orders their groups: first by group_eval_order, then as the files have them. A group
// that group_eval_order does not name counts as its first, as in promtool.
func (t *testRun) loadGroups(ctx context.Context, loader *promqltest.LazyLoader) ([]group, bool) {
	files := &ruleLoader{runner: t.runner}
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc:    rules.EngineQueryFunc(loader.QueryEngine(), loader.Storage()),
		AppendableV2: loader.Storage(),
		Context:      ctx,
		NotifyFunc:   func(context.Context, string, ...*rules.Alert) {},
		Logger:       t.opts.Logger,
		Parser:       t.parser,
		GroupLoader:  files,
	})
	loaded, errs := manager.LoadGroups(time.Duration(t.Interval), t.ExternalLabels, t.ExternalURL, nil,
		t.opts.IgnoreUnknownFields, t.ruleFiles...)
	if errs != nil {
		for _, err := range errs {
			t.failures = append(t.failures, ruleFileFailure(t.label, files.current, err))
		}
		return nil, false
	}
	var groups []group
	for _, f := range files.loaded {
		for gi, name := range f.groups {
			g, ok := loaded[rules.GroupKey(f.name, name)]
			if !ok {
				continue
			}
			// A file that two patterns match is evaluated once.
			delete(loaded, rules.GroupKey(f.name, name))
			out := group{Group: g}
			for ri, rule := range g.Rules() {
				key := ruleKey{file: filepath.Clean(f.name), group: name, index: ri}
				out.keys = append(out.keys, key)
				if alerting, ok := rule.(*rules.AlertingRule); ok {
					// Only a restored rule writes the ALERTS series, which other rules may select.
					alerting.SetRestored(true)
					item := fmt.Sprintf("groups[%d].rules[%d]", gi, ri)
					pos := f.where.at(item+".alert", item)
					t.coverage.rules[key] = Alert{File: f.name, Line: pos.line, Column: pos.column, Group: name, Name: alerting.Name()}
				}
			}
			groups = append(groups, out)
		}
	}
	order := map[string]int{}
	for i, name := range t.file.GroupEvalOrder {
		order[name] = i
	}
	slices.SortStableFunc(groups, func(a, b group) int { return order[a.Name()] - order[b.Name()] })
	return groups, true
}

// evaluate runs the groups from the start to the last eval_time and checks alerts on the way. It reports false when a rule could not be
// evaluated, after which nothing that follows would mean anything.
func (t *testRun) evaluate(ctx context.Context, loader *promqltest.LazyLoader, groups []group) (bool, error) {
	var (
		step  = time.Duration(t.file.EvaluationInterval)
		start = t.start()
		end   = start.Add(t.length())
		cases = t.casesByTime()
	)
	for ts := start; !ts.After(end); ts = ts.Add(step) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		broken := false
		loader.WithSamplesTill(ts, func(err error) {
			if err != nil {
				t.fail(fmt.Sprintf("append input series at %s: %v", ts.Sub(start), err), ".input_series")
				return
			}
			for _, g := range groups {
				g.Eval(ctx, ts)
				for i, rule := range g.Rules() {
					if rule.LastError() == nil {
						continue
					}
					broken = true
					t.fail(fmt.Sprintf("rule %s (group %s of %s, rule %d) at %s: %v",
						rule.Name(), g.Name(), g.File(), i+1, ts.Sub(start), rule.LastError()))
				}
			}
		})
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if broken {
			return false, nil
		}
		// The alerts of an eval_time are those of the last evaluation at or before it.
		for len(cases) > 0 && cases[0].at < ts.Add(step).Sub(start) {
			for _, i := range cases[0].indices {
				t.checkAlerts(groups, i)
			}
			cases = cases[1:]
		}
	}
	return true, nil
}

// alertTime holds the alert_rule_test items of one eval_time.
type alertTime struct {
	at      time.Duration
	indices []int
}

func (t *testRun) casesByTime() []alertTime {
	byTime := map[duration][]int{}
	for i, a := range t.AlertRuleTests {
		byTime[a.EvalTime] = append(byTime[a.EvalTime], i)
	}
	out := make([]alertTime, 0, len(byTime))
	for at, indices := range byTime {
		out = append(out, alertTime{time.Duration(at), indices})
	}
	slices.SortFunc(out, func(a, b alertTime) int { return cmp.Compare(a.at, b.at) })
	return out
}

// ruleLoader reads rule files for the manager and remembers what it has read, with positions.
type ruleLoader struct {
	*runner
	loaded  []ruleFile
	current string
}

type ruleFile struct {
	name   string
	groups []string
	where  positions
}

var _ rules.GroupLoader = (*ruleLoader)(nil)

// Load reads and validates one rule file.
func (l *ruleLoader) Load(name string, ignoreUnknown bool, scheme model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	l.current = name
	content, err := l.src.read(name)
	if err != nil {
		return nil, []error{fmt.Errorf("read rule file: %w", err)}
	}
	groups, errs := rulefmt.Parse(content, ignoreUnknown, scheme, l.parser, slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		return nil, errs
	}
	file := ruleFile{name: name, where: indexPositions(content)}
	for _, g := range groups.Groups {
		file.groups = append(file.groups, g.Name)
	}
	l.loaded = append(l.loaded, file)
	return groups, nil
}

// Parse parses the expression of a rule.
func (l *ruleLoader) Parse(query string) (parser.Expr, error) { return l.parser.ParseExpr(query) }

var leadingPosition = regexp.MustCompile(`^(?:(\d+):(\d+): )+`)
var yamlLine = regexp.MustCompile(`line (\d+): `)

// ruleFileFailure moves the position that a rule file error begins with, if it has one, into the failure.
func ruleFileFailure(test, file string, err error) Failure {
	f := Failure{File: file, Line: 1, Column: 1, Test: test, Message: err.Error()}
	var ruleErr *rulefmt.Error
	if errors.As(err, &ruleErr) {
		f.Message = ruleErr.Error()
	}
	if m := leadingPosition.FindStringSubmatch(f.Message); m != nil {
		f.Line, _ = strconv.Atoi(m[1])
		f.Column, _ = strconv.Atoi(m[2])
		f.Message = f.Message[len(m[0]):]
	} else if m := yamlLine.FindStringSubmatch(f.Message); m != nil {
		f.Line, _ = strconv.Atoi(m[1])
	}
	return f
}
