package lint

import (
	"fmt"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// typeOf returns counter or gauge where the metadata is sure about the metric, else an empty string.
func (l *liveLint) typeOf(name string) string {
	if t := l.types[name]; t == "counter" || t == "gauge" {
		return t
	}
	// OpenMetrics names a counter's family without _total.
	if family, ok := strings.CutSuffix(name, "_total"); ok && l.types[family] == "counter" {
		return "counter"
	}
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		family, ok := strings.CutSuffix(name, suffix)
		if !ok || l.types[name] != "" {
			continue
		}
		// The sum of a summary or histogram may fall, when observations may be negative; only its count is sure to be a counter.
		if t := l.types[family]; suffix != "_sum" && (t == "histogram" || t == "summary") {
			return "counter"
		}
	}
	return ""
}

// checkRange finds functions that do not fit the type of what they are applied to.
func (l *liveLint) checkRange(q *subject, call *parser.Call) {
	if len(call.Args) == 0 {
		return
	}
	matrix, ok := call.Args[0].(*parser.MatrixSelector)
	if !ok {
		return
	}
	s, ok := matrix.VectorSelector.(*parser.VectorSelector)
	if !ok || !l.known[metricName(s)] {
		return
	}
	instead := map[string]string{"rate": "deriv", "irate": "idelta", "increase": "delta"}
	for counter, gauge := range instead {
		switch t := l.typeOf(metricName(s)); {
		case call.Func.Name == counter && t == "gauge":
			l.add(q, call.PosRange.Start, "rate-of-gauge",
				fmt.Sprintf("%s is a gauge, and %s takes every fall of it for a counter that has begun again", metricName(s), counter), "write "+gauge)
		case call.Func.Name == gauge && t == "counter":
			l.add(q, call.PosRange.Start, "delta-of-counter",
				fmt.Sprintf("%s is a counter, and %s goes negative when it begins again", metricName(s), gauge), "write "+counter)
		}
	}
}

// checkCounterCompare finds alerts that compare a counter as it is with a number: they fire once and then until the process restarts.
func (l *liveLint) checkCounterCompare(q *subject, n *parser.BinaryExpr) {
	threshold, ok := n.RHS.(*parser.NumberLiteral)
	if !ok || !q.alert || n.Op != parser.GTR && n.Op != parser.GTE || threshold.Val < 0 {
		return
	}
	left := n.LHS
	for {
		paren, ok := left.(*parser.ParenExpr)
		if !ok {
			break
		}
		left = paren.Expr
	}
	s, ok := left.(*parser.VectorSelector)
	if !ok || !l.known[metricName(s)] || l.typeOf(metricName(s)) != "counter" {
		return
	}
	l.add(q, s.PosRange.Start, "counter-without-rate",
		fmt.Sprintf("%s is a counter, which only grows: once over %v the alert fires until the process restarts", metricName(s), threshold.Val),
		fmt.Sprintf("write increase(%s[5m]) or rate(%s[5m])", s, s))
}
