package ruletest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
)

// ruleKey identifies an alerting rule across test files: its file as named, its group, and its index within the group.
type ruleKey struct {
	file, group string
	index       int
}

// coverage remembers every alerting rule that was loaded, and whether a test expected it and saw it firing.
type coverage struct {
	rules map[ruleKey]Alert
	fired map[ruleKey]bool
}

func newCoverage() *coverage {
	return &coverage{rules: map[ruleKey]Alert{}, fired: map[ruleKey]bool{}}
}

func (c *coverage) unfired() []Alert {
	out := []Alert{}
	for key, alert := range c.rules {
		if !c.fired[key] {
			out = append(out, alert)
		}
	}
	slices.SortFunc(out, func(a, b Alert) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// covers notes the alerts that an expression which is as expected saw firing: those
// of ALERTS that its selectors chose. An expression that was expected to give
// nothing, or zero, saw none. It returns an error only when the context ends.
func (t *testRun) covers(ctx context.Context, loader *promqltest.LazyLoader, groups []group, text string, at time.Time, expected []sampleView) error {
	if !slices.ContainsFunc(expected, func(s sampleView) bool { return s.value != 0 }) {
		return nil
	}
	expr, err := t.parser.ParseExpr(text)
	if err != nil {
		return nil //nolint:nilerr // It has just been evaluated.
	}
	for _, choice := range parser.ExtractSelectors(expr) {
		if !slices.ContainsFunc(choice, func(m *labels.Matcher) bool { return m.Name == labels.MetricName && m.Matches("ALERTS") }) {
			continue
		}
		vector, err := instantVector(ctx, loader, fmt.Sprintf("%s and ALERTS{alertstate=\"firing\"}", &parser.VectorSelector{LabelMatchers: choice}), at)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			continue
		}
		for _, s := range vector {
			t.coverFiring(groups, s.Metric.Get(labels.AlertName))
		}
	}
	return nil
}

func (t *testRun) coverFiring(groups []group, name string) {
	for _, g := range groups {
		for i, rule := range g.Rules() {
			if alerting, ok := rule.(*rules.AlertingRule); ok && alerting.Name() == name {
				t.coverage.fired[g.keys[i]] = true
			}
		}
	}
}
