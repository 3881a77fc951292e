// Package faults makes series that rules watch, and lets some of them go wrong
// at known moments, so that it can be told how soon each fault is noticed, which
// ones are missed and which alerts are false.
package faults

import (
	"fmt"
	"strings"

	"github.com/klauspost/compress/snappy"

	"touchline.dev/touchline/bench/wire"
)

// PerRule is how many series each rule selects.
const PerRule = 20

// Kind is the shape of a rule's expression.
type Kind int

// The kinds, of a realistic mix: of 20 rules 14 are thresholds, 2 sums by
// target, 1 a sum over all targets of a job, 3 rates.
const (
	Threshold Kind = iota
	TargetSum
	JobSum
	Rate
)

// Class is the class that a rule of this kind has.
func (k Kind) Class() string { return [...]string{"local", "target", "global", "local (rate)"}[k] }

// KindOf is the kind of the n-th rule.
func KindOf(n int) Kind {
	switch m := n % 20; {
	case m < 14:
		return Threshold
	case m < 16:
		return TargetSum
	case m < 17:
		return JobSum
	default:
		return Rate
	}
}

// RuleName is the value of the label rule of the n-th rule and its series.
func RuleName(n int) string { return fmt.Sprintf("r%05d", n) }

// Service is the value of the label service that the alerts of the n-th rule
// have: 50 rules have it in common.
func Service(n int) string { return fmt.Sprintf("s%03d", n/50) }

// Rules is a rule file with the first n rules, in groups of 50.
func Rules(n int, interval string) string {
	var b strings.Builder
	b.WriteString("groups:\n")
	for i := range n {
		if i%50 == 0 {
			fmt.Fprintf(&b, "- name: g%03d\n  interval: %s\n  rules:\n", i/50, interval)
		}
		fmt.Fprintf(&b, "  - alert: Fault\n    expr: %s\n    labels: {severity: critical, rule: %s, service: %s}\n", expression(i), RuleName(i), Service(i))
	}
	return b.String()
}

func expression(n int) string {
	sel := fmt.Sprintf(`{rule="%s"}`, RuleName(n))
	switch KindOf(n) {
	case Threshold:
		return "bench_gauge" + sel + " > 100"
	case TargetSum:
		return "sum by (job, instance) (bench_part" + sel + ") > 1000"
	case JobSum:
		return "sum by (job) (bench_part" + sel + ") > 10000"
	default:
		return "rate(bench_counter_total" + sel + "[1m]) > 50"
	}
}

// Field is a number of series, PerRule for each rule.
type Field struct {
	labels [][]byte
	values []float64
	faulty []int // samples for which a series still is wrong
	random uint64
	step   float64 // what a counter grows by from one sample to the next
}

// New makes the series of rules, whose samples are seconds apart.
func New(rules int, seconds float64) *Field {
	f := &Field{random: 7, step: 10 * seconds}
	for n := range rules {
		for i := range PerRule {
			name, instance, cpu := "bench_gauge", i, 0
			switch KindOf(n) {
			case TargetSum, JobSum:
				name, instance, cpu = "bench_part", i/2, i%2
			case Rate:
				name = "bench_counter_total"
			}
			f.labels = append(f.labels, wire.Labels([][2]string{
				{"__name__", name}, {"cpu", fmt.Sprint(cpu)}, {"instance", host(instance)}, {"job", "bench"}, {"rule", RuleName(n)},
			}))
		}
	}
	f.values, f.faulty = make([]float64, len(f.labels)), make([]int, len(f.labels))
	return f
}

// Series is the number of series.
func (f *Field) Series() int { return len(f.labels) }

// Random is a pseudo-random number below n: splitmix64, by Steele, Lea and Flood (2014).
func (f *Field) Random(n int) int {
	f.random += 0x9e3779b97f4a7c15
	z := f.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) >> 1 % uint64(n))
}

// Pick is one of the series of a rule.
func (f *Field) Pick(rule int) int { return rule*PerRule + f.Random(PerRule) }

// Break makes a series wrong for some samples, beginning with the next.
func (f *Field) Break(series, samples int) { f.faulty[series] = samples }

// Alert names the alert that a series raises by its labels rule and instance,
// of which a rule over all targets of a job keeps the first only.
func Alert(series int) (rule, instance string) {
	n, i := series/PerRule, series%PerRule
	switch KindOf(n) {
	case JobSum:
		return RuleName(n), ""
	case TargetSum:
		return RuleName(n), host(i / 2)
	default:
		return RuleName(n), host(i)
	}
}

func host(n int) string { return fmt.Sprintf("host-%02d:9100", n) }

// value moves a series on and gives its next sample.
func (f *Field) value(i int) float64 {
	wrong := f.faulty[i] > 0
	if wrong {
		f.faulty[i]--
	}
	switch KindOf(i / PerRule) {
	case Threshold:
		if wrong {
			return 500
		}
		return float64(f.Random(90))
	case TargetSum, JobSum:
		if wrong {
			return 50_000
		}
		return 10 + float64(f.Random(10))
	default:
		f.values[i] += f.step
		if wrong {
			f.values[i] += 10_000
		}
		return f.values[i]
	}
}

// Body is a remote-write request with the next sample of the series from first
// up to end, at a time in milliseconds.
func (f *Field) Body(first, end int, at int64) []byte {
	var req wire.Request
	for i := first; i < end; i++ {
		req.Add(f.labels[i], f.value(i), at)
	}
	return req.Take(snappy.Encode)
}
