package drawn

import (
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

func selectors(tree parser.Node) []*parser.VectorSelector {
	var out []*parser.VectorSelector
	parser.Inspect(tree, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			out = append(out, s)
		}
		return nil
	})
	return out
}

// one gives the series of a metric that a query makes.
func one(t *testing.T, expr string, used ...string) []Series {
	t.Helper()
	n := NewNeeds()
	if err := n.Add(expr, used); err != nil {
		t.Fatal(err)
	}
	return n.Series()
}

// TestSeriesAnswerTheirSelectors holds that whatever a query selects, a series is made that it selects.
func TestSeriesAnswerTheirSelectors(t *testing.T) {
	for _, selector := range []string{
		`up`, `up{job="a"}`, `up{job=~"a|b", env!="c"}`, `up{job=~".+"}`, `up{job!~"a.*", x=""}`, `up{code=~"5.."}`, `up{code=~"[45].."}`, `up{device!~"lo|veth.+",mode="idle"}`,
		`up{path=~"/api/v[12]/(query|write)"}`, `up{instance=~"host-a:.*"}`, `{__name__=~"kafka_(.*)_rate",job="x"}`, `up{a=~"x{2,3}y?"}`,
	} {
		tree, err := promql.ParseExpr(selector)
		if err != nil {
			t.Fatal(err)
		}
		series := one(t, selector)
		if len(series) != 1 {
			t.Errorf("%s: %d series, want 1", selector, len(series))
			continue
		}
		for _, m := range selectors(tree)[0].LabelMatchers {
			if v := series[0].Labels[m.Name]; !m.Matches(v) {
				t.Errorf("%s: the series %v is not selected by %s", selector, series[0].Labels, m)
			}
		}
	}
}

func TestSeriesHaveWhatIsUsed(t *testing.T) {
	n := NewNeeds()
	for _, expr := range []string{`sum by (pod) (rate(a_total[5m])) / on(pod) group_left(node) b`, `b{phase="Running"} == 1`, `histogram_quantile(0.9, sum by (le) (rate(c_bucket{le="0.3"}[5m])))`} {
		if err := n.Add(expr, []string{"zone"}); err != nil {
			t.Fatal(err)
		}
	}
	byName := map[string][]Series{}
	for _, s := range n.Series() {
		byName[s.Labels[labels.MetricName]] = append(byName[s.Labels[labels.MetricName]], s)
	}
	a, b := byName["a_total"][0], byName["b"][0]
	for _, label := range []string{"pod", "node", "zone"} {
		if a.Labels[label] == "" || a.Labels[label] != b.Labels[label] {
			t.Errorf("%s is %q of a and %q of b; the query joins them by it", label, a.Labels[label], b.Labels[label])
		}
	}
	if b.Labels["phase"] != "Running" || b.End != 1 || b.Slope != 0 {
		t.Errorf("b is %v; a query wants it to be 1 and Running", b)
	}
	if a.Slope <= 0 {
		t.Errorf("a counter has the slope %v", a.Slope)
	}
	bounds := byName["c_bucket"]
	if !slices.ContainsFunc(bounds, func(s Series) bool { return s.Labels["le"] == "0.3" }) || !slices.ContainsFunc(bounds, func(s Series) bool { return s.Labels["le"] == "+Inf" }) {
		t.Errorf("the histogram has not the bounds 0.3 and +Inf: %v", bounds)
	}
	for i := 1; i < len(bounds); i++ {
		if bounds[i].End <= bounds[i-1].End {
			t.Errorf("the bucket %s holds less than the one before", bounds[i].Labels["le"])
		}
	}
}

// TestSeriesAreFew holds that selectors which one series satisfies share it: two would make joins ambiguous.
func TestSeriesAreFew(t *testing.T) {
	n := NewNeeds()
	for _, expr := range []string{`up{job="a"}`, `up{job=~"a|b"}`, `up{env!="x"}`, `up`, `up{job="c"}`} {
		if err := n.Add(expr, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(n.Series()); got != 2 {
		t.Errorf("%d series, want 2: one for the job a, one for c", got)
	}
}

func TestPlan(t *testing.T) {
	board, err := ReadBoard([]byte(`{"templating":{"list":[
		{"type":"query","name":"port","query":"label_values(up{instance=~\"$node:(.*)\"}, instance)","regex":"/[^:]+:(.*)/"},
		{"type":"query","name":"node","query":{"query":"label_values(up{job=\"n\"}, instance)"},"regex":"/([^:]+):.*/"},
		{"type":"custom","name":"codes","query":"4 : 4,5 : 5","includeAll":true,"multi":true,"allValue":"4-5","current":{"value":["$__all"]}}
	]},"panels":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	values, problems := board.Plan(NewNeeds(), Span{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if got := values.Fill(`up{instance="$node:${port}",code=~"[[codes]].."}`, Value.Query); got != `up{instance="instance-a:9100",code=~"4-5.."}` {
		t.Errorf("filled in: %s", got)
	}
}

// asked answers every question with the same list.
type asked []string

func (a asked) Strings(string, url.Values) ([]string, error) { return a, nil }
func (a asked) Texts(string, time.Time) ([]string, error)    { return a, nil }

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		why, variable string
		want          string
	}{
		{"what the file was saved with", `"query":"label_values(job)","current":{"value":"b"}`, "b"},
		{"it is no option any more", `"query":"label_values(job)","current":{"value":"z"}`, "a"},
		{"several", `"query":"label_values(job)","multi":true,"current":{"value":["a","c"]}`, "(a|c)"},
		{"all of them", `"query":"label_values(job)","includeAll":true,"current":{"value":"$__all"}`, "(a|b|c)"},
		{"all of them as written", `"query":"label_values(job)","includeAll":true,"allValue":".+","current":{"value":"$__all"}`, ".+"},
		{"the last one first", `"query":"label_values(job)","sort":2`, "c"},
		{"a part of them", `"query":"query_result(up)","regex":"/(b|c)/"`, "b"},
	} {
		board, err := ReadBoard([]byte(`{"templating":{"list":[{"type":"query","name":"x",` + c.variable + `}]}}`))
		if err != nil {
			t.Fatal(err)
		}
		values, _, err := board.Resolve(asked{"a", "b", "c"}, Span{})
		if err != nil {
			t.Fatal(err)
		}
		if got := values["x"].Query(); got != c.want {
			t.Errorf("%s: %s, want %s", c.why, got, c.want)
		}
	}
}

// TestMust holds that a reader has to choose where all of them would be compared for equality.
func TestMust(t *testing.T) {
	board, err := ReadBoard([]byte(`{"templating":{"list":[{"type":"query","name":"x","query":"label_values(job)","includeAll":true,"allValue":".+"}]},
		"panels":[{"id":1,"type":"stat","targets":[{"expr":"up{job=\"$x\"}"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	values, _, err := board.Resolve(asked{"a", "b"}, Span{})
	if err != nil {
		t.Fatal(err)
	}
	if got := values.Fill(board.Panels[0].Queries[0].Expr, Value.Query); got != `up{job="a"}` {
		t.Errorf("the query is %s", got)
	}
}
