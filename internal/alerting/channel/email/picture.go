package email

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/chart"
)

// Measured are the values of one series of an expression.
type Measured struct {
	Labels map[string]string
	Name   string // as it is written in a legend
	Points []chart.Point
}

// GraphFunc reads what an expression measured, a value at each step.
type GraphFunc func(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]Measured, error)

const (
	pictureTimeout = 5 * time.Second // an alert must not wait for a slow query
	before         = 30 * time.Minute
	after          = 5 * time.Minute
	longest        = 6 * time.Hour
	points         = 240
)

// picture draws the expression of the first alert that has one. Without data
// there is no picture, and nobody needs to know why but who looks for it.
func (n *Notifier) picture(ctx context.Context, m *channel.Rendered) []byte {
	if n.o.Graph == nil {
		return nil
	}
	for _, a := range m.Shown() {
		expr := a.Expr()
		if expr == "" {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, pictureTimeout)
		defer cancel()
		expr, threshold := split(expr)
		to := n.o.Now()
		if a.Status == "resolved" && a.EndsAt.Add(after).Before(to) {
			to = a.EndsAt.Add(after)
		}
		from := a.StartsAt.Add(-before)
		if to.Sub(from) > longest {
			from = to.Add(-longest)
		}
		step := max(to.Sub(from)/points, time.Second)
		series, err := n.o.Graph(ctx, expr, from, to, step)
		if err != nil {
			n.o.Logger.Debug("A mail goes without its picture", "expr", expr, "err", err)
			return nil
		}
		raw, err := chart.PNG(chart.Options{Series: chosen(series, a.Labels), From: from, To: to, Threshold: threshold, Mark: a.StartsAt, Zone: n.o.Zone})
		if err != nil {
			n.o.Logger.Debug("A mail goes without its picture", "expr", expr, "err", err)
			return nil
		}
		return raw
	}
	return nil
}

// chosen are the series of an alert, or all where none can be told to be its.
func chosen(all []Measured, labels map[string]string) []chart.Series {
	var its, others []chart.Series
	for _, m := range all {
		s := chart.Series{Name: m.Name, Points: m.Points}
		others = append(others, s)
		matches := true
		for name, value := range m.Labels {
			matches = matches && (name == "__name__" || labels[name] == value)
		}
		if matches {
			its = append(its, s)
		}
	}
	if len(its) > 0 {
		return its
	}
	return others
}

// split takes a comparison with a number apart: the comparison itself has no
// values where it does not hold, and those are what one wants to see. Any other
// expression is drawn as it is.
func split(text string) (expr string, threshold *float64) {
	e, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return text, nil
	}
	for {
		p, ok := e.(*parser.ParenExpr)
		if !ok {
			break
		}
		e = p.Expr
	}
	b, ok := e.(*parser.BinaryExpr)
	if !ok || !b.Op.IsComparisonOperator() || b.ReturnBool {
		return text, nil
	}
	if v, ok := number(b.RHS); ok {
		return b.LHS.String(), &v
	}
	if v, ok := number(b.LHS); ok {
		return b.RHS.String(), &v
	}
	return text, nil
}

// number reads a number that may have a sign or stand in parentheses.
func number(e parser.Expr) (float64, bool) {
	switch x := e.(type) {
	case *parser.NumberLiteral:
		return x.Val, true
	case *parser.ParenExpr:
		return number(x.Expr)
	case *parser.UnaryExpr:
		v, ok := number(x.Expr)
		if x.Op == parser.SUB {
			v = -v
		}
		return v, ok
	}
	return 0, false
}
