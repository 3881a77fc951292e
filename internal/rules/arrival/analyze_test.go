package arrival

import (
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

func TestAnalyze(t *testing.T) {
	p := parser.NewParser(parser.Options{EnableExperimentalFunctions: true})
	parse := func(q string) parser.Expr {
		e, err := p.ParseExpr(q)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		return e
	}
	recorded := map[string][]Recording{
		"job:x:sum":   {{Name: "job:x:sum", Expr: parse("sum by (job) (x)")}},
		"inst:x":      {{Name: "inst:x", Expr: parse("rate(x[1m])"), Labels: labels.FromStrings("instance", "fixed")}},
		"all:x:sum":   {{Name: "all:x:sum", Expr: parse("sum(job:x:sum)")}},
		"loop":        {{Name: "loop", Expr: parse("loop + 1")}},
		"max:x:5m":    {{Name: "max:x:5m", Expr: parse("max_over_time(x[5m])")}},
		"twice:x:sum": {{Name: "twice:x:sum", Expr: parse("sum by (job, instance) (x)")}, {Name: "twice:x:sum", Expr: parse("sum by (job) (y)")}},
	}
	for _, tc := range []struct {
		expr      string
		class     Class
		partition string
		selectors int
		compare   bool
		static    bool
	}{
		{"x > 5", Local, "without (__name__)", 1, true, true},
		{"(5 < (x))", Local, "without (__name__)", 1, true, true},
		{"x > bool 5", Local, "without (__name__)", 1, false, true},
		{"x{job='a'} != -1", Local, "without (__name__)", 1, true, true},
		{"x * 100 > 5", Local, "without (__name__)", 1, false, true},
		{"abs(x) > 5", Local, "without (__name__)", 1, false, true},
		{"rate(x[5m]) > 1", Local, "without (__name__)", 1, false, false},
		{"time() - x > 60", Local, "without (__name__)", 1, false, false},
		{"x - x offset 5m > 1", Target, "without (__name__)", 1, false, false},
		{"x offset 5m > 1", Ticks, "without (__name__)", 0, false, false},
		{"x @ 100 > 1", Ticks, "without (__name__)", 0, false, false},
		{"max_over_time(rate(x[1m])[5m:1m]) > 1", Ticks, "without (__name__)", 0, false, false},
		{"absent_over_time(x[5m])", Ticks, "by ()", 0, false, false},
		{"vector(1)", Ticks, "without (__name__)", 0, false, true},
		{"x / y > 2", Target, "without (__name__)", 2, false, true},
		{"x > 3 and on (job, instance) y > 3", Target, "by (instance, job)", 2, false, true},
		{"x unless on (instance) y", Global, "by (instance)", 2, false, true},
		{"x * on (job) group_left (team) y > 1", Global, "by (job)", 2, false, true},
		{"x * on (job) group_left (instance) y > 1", Global, "by (job)", 2, false, true},
		{"sum by (job, instance) (x) > 1", Target, "by (instance, job)", 1, false, true},
		{"sum by (job) (rate(x[5m])) / sum by (job) (rate(y[5m])) > .1", Global, "by (job)", 2, false, false},
		{"sum without (cpu) (x) > 1", Target, "without (__name__, cpu)", 1, false, true},
		{"sum without (instance) (x) > 1", Global, "without (__name__, instance)", 1, false, true},
		{"sum(x) > 1", Global, "by ()", 1, false, true},
		{"topk by (job) (3, x) > 1", Global, "by (job)", 1, false, true},
		{"count_values by (job, v) ('v', x) > 1", Global, "by (job)", 1, false, true},
		{"absent(x)", Global, "by ()", 1, false, false},
		{"x > scalar(y)", Global, "by ()", 2, false, false},
		{"histogram_quantile(.9, sum by (job, instance, le) (rate(x_bucket[5m]))) > 1", Target, "by (instance, job)", 1, false, false},
		{"histogram_quantile(.9, rate(x_bucket[5m])) > 1", Target, "without (__name__, le)", 1, false, false},
		{"label_replace(x, 'instance', '$1', 'a', '(.*)') > 1", Global, "without (__name__, instance)", 1, false, true},
		{"up == 0 or absent(up)", Global, "by ()", 2, false, false},
		{"{__name__=~'x|y'} > 1", Local, "without (__name__)", 1, true, true},
		{"job:x:sum > 1", Global, "by (job)", 1, false, true},
		{"job:x:sum offset 1m > 1", Ticks, "without (__name__)", 0, false, false},
		{"avg_over_time(job:x:sum[5m]) > 1", Local, "without (__name__)", 1, false, false},
		{"inst:x > 1", Global, "without (__name__, instance)", 1, false, false},
		{"all:x:sum > 1", Global, "by ()", 1, false, true},
		{"max:x:5m > 1", Target, "without (__name__)", 1, false, false},
		{"twice:x:sum > 1", Global, "by (job)", 2, false, true},
		{"hour() > 8 and on () x > 1", Global, "by ()", 1, false, false},
		{"info(x) > 1", Ticks, "by ()", 1, false, true},
	} {
		got := Analyze(parse(tc.expr), recorded)
		if got.Class != tc.class || got.Partition.String() != tc.partition || len(got.Selectors) != tc.selectors || (got.Compare != nil) != tc.compare || got.Static != tc.static {
			t.Errorf("%s: got class %s (%s), partition %s, %d selectors, compare %v, static %t; want class %s, partition %s, %d selectors, compare %t, static %t", tc.expr,
				got.Class, got.Reason, got.Partition, len(got.Selectors), got.Compare, got.Static, tc.class, tc.partition, tc.selectors, tc.compare, tc.static)
		}
	}
	if got := Analyze(parse("all:x:sum > 1"), recorded).Recorded; len(got) != 2 || got[0] != "job:x:sum" || got[1] != "all:x:sum" {
		t.Errorf("recording rules in order: %v", got)
	}
	if got := Analyze(parse("loop > 1"), recorded); got == nil {
		t.Error("a recording rule that selects itself has no plan")
	}
}
