package ruletest

import (
	"cmp"
	"slices"
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
