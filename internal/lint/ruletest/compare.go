package ruletest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
)

// alertView is an alert as tests compare it.
type alertView struct{ labels, annotations labels.Labels }

func (a alertView) String() string {
	return fmt.Sprintf("labels %s annotations %s", a.labels, a.annotations)
}

func compareAlerts(a, b alertView) int {
	if c := labels.Compare(a.labels, b.labels); c != 0 {
		return c
	}
	return labels.Compare(a.annotations, b.annotations)
}

// checkAlerts compares the firing alerts of every rule with the case's name with those that the case expects.
func (t *testRun) checkAlerts(groups []group, index int) {
	c := t.AlertRuleTests[index]
	var expected, got []alertView
	for _, a := range c.ExpAlerts {
		// The rule engine adds the label alertname, which tests need not repeat.
		set := map[string]string{}
		for k, v := range a.Labels {
			set[k] = v
		}
		set[labels.AlertName] = c.Alertname
		expected = append(expected, alertView{labels.FromMap(set), labels.FromMap(a.Annotations)})
	}
	exists := false
	for _, g := range groups {
		for i, rule := range g.Rules() {
			alerting, ok := rule.(*rules.AlertingRule)
			if !ok || alerting.Name() != c.Alertname {
				continue
			}
			exists = true
			for _, a := range alerting.ActiveAlerts() {
				if a.State != rules.StateFiring {
					continue
				}
				view := alertView{a.Labels.Copy(), a.Annotations.Copy()}
				got = append(got, view)
				if slices.ContainsFunc(expected, func(e alertView) bool { return compareAlerts(e, view) == 0 }) {
					t.coverage.fired[g.keys[i]] = true
				}
			}
		}
	}
	slices.SortFunc(expected, compareAlerts)
	slices.SortFunc(got, compareAlerts)
	if slices.EqualFunc(expected, got, func(a, b alertView) bool { return compareAlerts(a, b) == 0 }) {
		return
	}
	message := fmt.Sprintf("alert %s at %s is not as expected", c.Alertname, c.EvalTime)
	if !exists {
		message += "; no rule file of this test has an alert with that name"
	}
	item := fmt.Sprintf(".alert_rule_test[%d]", index)
	f := t.fail(message, item+".exp_alerts", item)
	f.Expected, f.Got = render(expected), render(got)
}

// sampleView is a result sample as tests compare it; a histogram is compared by its test notation.
type sampleView struct {
	labels    labels.Labels
	value     float64
	histogram string
}

func (s sampleView) String() string {
	if s.histogram != "" {
		return s.labels.String() + " " + s.histogram
	}
	return s.labels.String() + " " + strconv.FormatFloat(s.value, 'g', -1, 64)
}

func (s sampleView) equal(o sampleView, fuzzy bool) bool {
	same := s.value == o.value
	if fuzzy && !same {
		same = math.Nextafter(s.value, math.Inf(-1)) == o.value || math.Nextafter(s.value, math.Inf(1)) == o.value
	}
	return same && s.histogram == o.histogram && labels.Equal(s.labels, o.labels)
}

// checkExpr returns an error only when the context ends.
func (t *testRun) checkExpr(ctx context.Context, loader *promqltest.LazyLoader, groups []group, index int) error {
	c := t.PromqlExprTests[index]
	item := fmt.Sprintf(".promql_expr_test[%d]", index)
	at := t.start().Add(time.Duration(c.EvalTime))
	vector, err := instantVector(ctx, loader, c.Expr, at)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		t.fail(fmt.Sprintf("expression %q at %s: %v", c.Expr, c.EvalTime, err), item+".expr", item)
		return nil
	}
	var expected, got []sampleView
	for _, s := range vector {
		got = append(got, sampleView{s.Metric.Copy(), s.F, promqltest.HistogramTestExpression(s.H)})
	}
	for i, s := range c.ExpSamples {
		view, err := t.parseSample(s)
		if err != nil {
			sample := fmt.Sprintf("%s.exp_samples[%d]", item, i)
			t.fail(fmt.Sprintf("expected sample of %q: %v", c.Expr, err), sample+".labels", sample, item)
			return nil
		}
		expected = append(expected, view)
	}
	byLabels := func(a, b sampleView) int { return labels.Compare(a.labels, b.labels) }
	slices.SortStableFunc(expected, byLabels)
	slices.SortStableFunc(got, byLabels)
	if slices.EqualFunc(expected, got, func(a, b sampleView) bool { return a.equal(b, t.file.FuzzyCompare) }) {
		return t.covers(ctx, loader, groups, c.Expr, at, expected)
	}
	f := t.fail(fmt.Sprintf("expression %q at %s is not as expected", c.Expr, c.EvalTime), item+".expr", item)
	f.Expected, f.Got = render(expected), render(got)
	return nil
}

func (t *testRun) parseSample(s expectedSample) (sampleView, error) {
	metric, err := t.parser.ParseMetric(s.Labels)
	if err != nil {
		return sampleView{}, fmt.Errorf("labels %q: %w", s.Labels, err)
	}
	var h *histogram.FloatHistogram
	if s.Histogram != "" {
		_, values, err := t.parser.ParseSeriesDesc("{} " + s.Histogram)
		switch {
		case err != nil:
			return sampleView{}, fmt.Errorf("histogram %q: %w", s.Histogram, err)
		case len(values) != 1 || values[0].Histogram == nil:
			return sampleView{}, fmt.Errorf("histogram %q does not describe exactly one histogram; write one {{…}}", s.Histogram)
		}
		h = values[0].Histogram
	}
	return sampleView{metric, s.Value, promqltest.HistogramTestExpression(h)}, nil
}

func instantVector(ctx context.Context, loader *promqltest.LazyLoader, expr string, at time.Time) (promql.Vector, error) {
	query, err := loader.QueryEngine().NewInstantQuery(ctx, loader.Queryable(), nil, expr, at)
	if err != nil {
		return nil, err
	}
	defer query.Close()
	result := query.Exec(ctx)
	if result.Err != nil {
		return nil, result.Err
	}
	switch v := result.Value.(type) {
	case promql.Vector:
		// The query's memory is reused after Close.
		return slices.Clone(v), nil
	case promql.Scalar:
		return promql.Vector{{T: v.T, F: v.V, Metric: labels.EmptyLabels()}}, nil
	}
	return nil, errors.New("the result is neither a vector nor a scalar; tests cannot compare it")
}

func render[T fmt.Stringer](items []T) []string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = item.String()
	}
	return out
}

// Diff renders what was expected and what came as lines that begin with "-" (expected, did not come), "+" (came, was not expected) or a
// space (both). It is empty when the failure is not a failed comparison.
func (f Failure) Diff() string {
	if len(f.Expected) == 0 && len(f.Got) == 0 {
		return ""
	}
	var b strings.Builder
	rest := slices.Clone(f.Got)
	for _, e := range f.Expected {
		if i := slices.Index(rest, e); i >= 0 {
			rest = slices.Delete(rest, i, i+1)
			fmt.Fprintf(&b, "  %s\n", e)
			continue
		}
		fmt.Fprintf(&b, "- %s\n", e)
	}
	for _, g := range rest {
		fmt.Fprintf(&b, "+ %s\n", g)
	}
	return b.String()
}
