package arrival

import (
	"fmt"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

type countSink struct{ n int }

func (c *countSink) Trigger(*Rule, Trigger) { c.n++ }
func (c *countSink) Alarm(*Rule, int64)     {}

// One rule over all series of 1,000 targets, each scraped at its own time.
func BenchmarkGlobalOver100000Series(b *testing.B) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr("sum(m) > 5")
	if err != nil {
		b.Fatal(err)
	}
	sink := &countSink{}
	x := NewIndex(sink, func() int64 { return 0 })
	r := NewRule(Analyze(expr, nil), false, 300_000)
	x.Replace([]*Rule{r})
	const targets, each = 1000, 100
	entries := make([][]touch, targets)
	for i := range targets {
		for j := range each {
			ls := labels.FromStrings("__name__", "m", "instance", fmt.Sprint(i), "n", fmt.Sprint(j))
			entries[i] = append(entries[i], touch{e: x.newEntry(x.set.Load(), ls)})
		}
	}
	scrape := func(i int, round int64) {
		ts := entries[i]
		for k := range ts {
			ts[k].t, ts[k].v = round*15_000+int64(i)*15+1, float64(round)
		}
		x.committed(ts, true)
	}
	for round := int64(1); round < 4; round++ {
		r.Ticked(round * 15_000)
		for i := range targets {
			scrape(i, round)
		}
	}
	sink.n = 0
	b.ResetTimer()
	for n := range b.N {
		scrape(n%targets, 4+int64(n/targets))
	}
	b.ReportMetric(float64(sink.n)/float64(b.N), "triggers/op")
}

// One scrape of 10,000 partitions, half of which are at fault.
func BenchmarkDecides5000Of10000(b *testing.B) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr("sum by (pod) (m) > 5")
	if err != nil {
		b.Fatal(err)
	}
	r := NewRule(Analyze(expr, nil), false, 300_000)
	t := Trigger{}
	var elements []labels.Labels
	for i := range 10_000 {
		ls := labels.FromStrings("pod", fmt.Sprint("pod-", i*7919%10_000))
		t.Partitions = append(t.Partitions, string(r.plan.Partition.key(ls, nil)))
		if i%2 == 0 {
			elements = append(elements, ls)
		}
	}
	other := labels.FromStrings("pod", "another")
	for b.Loop() {
		t.Prepare()
		for _, el := range elements {
			if !r.Decides(t, el) {
				b.Fatal(el)
			}
		}
		if r.Decides(t, other) {
			b.Fatal(other)
		}
	}
}
