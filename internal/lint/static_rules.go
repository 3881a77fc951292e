package lint

import (
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// checkRateOfAggregate finds rates that are taken of a sum of counters: when one of them begins again the sum falls, and the rate takes the
// whole rest of the sum for new.
func checkRateOfAggregate(r *ParsedRule) []Finding {
	var out []Finding
	parser.Inspect(r.Expr, func(node parser.Node, _ []parser.Node) error {
		call, ok := node.(*parser.Call)
		if !ok || len(call.Args) != 1 || !slices.Contains([]string{"rate", "irate", "increase"}, call.Func.Name) {
			return nil
		}
		sub, ok := call.Args[0].(*parser.SubqueryExpr)
		if !ok {
			return nil
		}
		inner := sub.Expr
		for paren, ok := inner.(*parser.ParenExpr); ok; paren, ok = inner.(*parser.ParenExpr) {
			inner = paren.Expr
		}
		agg, ok := inner.(*parser.AggregateExpr)
		if !ok || agg.Op != parser.SUM {
			return nil
		}
		line, col := r.ExprPosition(call.PosRange.Start)
		out = append(out, Finding{File: r.Document.Path, Line: line, Column: col, Severity: Warning, Code: "rate-of-sum",
			Message: fmt.Sprintf("%s: %s is taken of a sum, so that one process that restarts looks like a burst of everything that the others have counted", r.title(), call.Func.Name),
			Hint:    fmt.Sprintf("take the rate first and the sum of it: sum(%s(…[5m]))", call.Func.Name)})
		return nil
	})
	return out
}

// checkSingleScrape finds alerts that one failed scrape or probe fires.
func checkSingleScrape(r *ParsedRule) []Finding {
	if !r.Alert || r.For > 0 {
		return nil
	}
	cmp, ok := r.Expr.(*parser.BinaryExpr)
	if !ok {
		return nil
	}
	s, ok := cmp.LHS.(*parser.VectorSelector)
	limit, number := cmp.RHS.(*parser.NumberLiteral)
	failed := number && (cmp.Op == parser.EQLC && limit.Val == 0 || cmp.Op == parser.LSS && limit.Val <= 1 || cmp.Op == parser.NEQ && limit.Val == 1)
	if !ok || !failed || !slices.Contains([]string{"up", "probe_success"}, metricName(s)) {
		return nil
	}
	line, col := r.ExprPosition(s.PosRange.Start)
	return []Finding{{File: r.Document.Path, Line: line, Column: col, Severity: Warning, Code: "fires-on-one-sample",
		Message: fmt.Sprintf("%s: without for it fires on one scrape that fails, such as during a restart", r.title()),
		Hint:    "add for: 1m or so; --detection shows what that costs"}}
}

// checkRepeated finds rules of one file that say the same as an earlier one, and recording rules that write the same series.
func checkRepeated(rules []ParsedRule) []Finding {
	first := map[string]*ParsedRule{}
	var out []Finding
	for i := range rules {
		r := &rules[i]
		if r.Name == "" {
			continue
		}
		key := fmt.Sprintf("%t %s %s", r.Alert, r.Name, labels.FromMap(r.Labels))
		if r.Alert {
			key += " " + r.Expr.String()
		}
		before, twice := first[key]
		if !twice {
			first[key] = r
			continue
		}
		f := Finding{File: r.Document.Path, Line: r.Line, Column: r.Column, Severity: Warning, Code: "duplicate-rule",
			Message: fmt.Sprintf("%s: the rule in line %d has the same name, labels and expression", r.title(), before.Line), Hint: "remove one of the two, or give them labels that differ"}
		if !r.Alert && before.Expr.String() != r.Expr.String() {
			f.Message = fmt.Sprintf("%s: the rule in line %d writes series of the same name and labels, so that one of the two is lost where both have a value", r.title(), before.Line)
			f.Hint = "give one of the two another name or label"
			if selectDifferently(before.Expr, r.Expr) {
				continue
			}
		}
		out = append(out, f)
	}
	return out
}

// selectDifferently reports whether two expressions can be told by their selectors to have different series, as those of a recording rule that is
// written in parts, such as one for each service.
func selectDifferently(a, b parser.Expr) bool {
	return selectorsOf(a) != selectorsOf(b)
}

func selectorsOf(e parser.Expr) string {
	var out string
	parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			out += s.String() + ";"
		}
		return nil
	})
	return out
}
