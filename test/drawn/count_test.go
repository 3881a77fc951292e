//go:build fixtures

package drawn

import "testing"

// TestDrawnCount holds which variables have to be in the bar: all but hidden ones and those that nobody can choose.
func TestDrawnCount(t *testing.T) {
	for _, c := range []struct {
		variable Variable
		bar      map[string][]string
		ok       int
	}{
		{Variable{Name: "v", Type: "query", Prometheus: true}, map[string][]string{"v": {"a"}}, 1},
		{Variable{Name: "v", Type: "query", Prometheus: true}, map[string][]string{"v": {"b"}}, 0},
		{Variable{Name: "v", Type: "query", Prometheus: true}, nil, 0},
		{Variable{Name: "v", Type: "custom", Prometheus: true}, nil, 0},
		{Variable{Name: "v", Type: "query", Prometheus: true, Hidden: true}, nil, 1},
		{Variable{Name: "v", Type: "constant", Prometheus: true}, nil, 1},
		{Variable{Name: "v", Type: "system", Prometheus: true}, nil, 1},
	} {
		r := &report{}
		r.variables.short, r.queries.short = &r.short, &r.short
		r.count("x", &Board{Variables: []Variable{c.variable}}, &page{Variables: c.bar}, Values{"v": {List: []string{"a"}}}, map[string][]string{"v": {"a", "c"}})
		if r.variables.all != 1 || r.variables.ok != c.ok {
			t.Errorf("%+v in %v: %d of %d, want %d of 1", c.variable, c.bar, r.variables.ok, r.variables.all, c.ok)
		}
	}
}
