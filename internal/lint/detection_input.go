package lint

import (
	"strings"
	"time"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	amlabels "github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// upstreamInterval is what Prometheus takes for an interval that a configuration leaves out.
const upstreamInterval = time.Minute

// NewDetectionInput reads rules, scrape jobs and routing trees from the documents, and adds the in-process jobs. It takes what it understands
// of files that have mistakes elsewhere; where several Prometheus configurations are given, the slowest interval counts. It counts as a Touchline
// server works; without OnArrival it counts as Prometheus and Alertmanager do.
func NewDetectionInput(docs []*Document) DetectionInput {
	in := DetectionInput{Jobs: InProcessJobs(), OnArrival: newOnArrival(docs)}
	for _, d := range docs {
		switch d.Kind {
		case Rules:
			rules, _ := ParseRules(d)
			in.Rules = append(in.Rules, rules...)
		case Prometheus:
			in.addPrometheus(d)
		case Alertmanager:
			if route := parseRoute(d); route != nil {
				in.Routes = append(in.Routes, route)
			}
		}
	}
	if in.ScrapeInterval == 0 {
		in.ScrapeInterval = upstreamInterval
	}
	if in.EvaluationInterval == 0 {
		in.EvaluationInterval = upstreamInterval
	}
	return in
}

func (in *DetectionInput) addPrometheus(d *Document) {
	if d.Root == nil {
		return
	}
	_, global := valueOf(d.Root, "global")
	scrape := orDefault(durationOf(global, "scrape_interval"))
	in.ScrapeInterval = max(in.ScrapeInterval, scrape)
	in.EvaluationInterval = max(in.EvaluationInterval, orDefault(durationOf(global, "evaluation_interval")))
	in.QueryOffset = max(in.QueryOffset, durationOf(global, "rule_query_offset"))
	_, jobs := valueOf(d.Root, "scrape_configs")
	for _, job := range items(jobs) {
		interval := durationOf(job, "scrape_interval")
		if interval == 0 {
			interval = scrape
		}
		in.Jobs = append(in.Jobs, Job{textOf(job, "job_name"), interval})
	}
}

func orDefault(d time.Duration) time.Duration {
	if d == 0 {
		return upstreamInterval
	}
	return d
}

// parseRoute returns nil for a file without a usable route; Check says what is wrong with it.
func parseRoute(d *Document) *dispatch.Route {
	_, node := valueOf(d.Root, "route")
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	var route config.Route
	if err := node.Decode(&route); err != nil {
		return nil
	}
	return dispatch.NewRoute(&route, nil)
}

// knownLabels are the labels of an alert that its rule decides. A name that is in neither set cannot be on the alert when closed is true.
type knownLabels struct {
	values map[string]string
	closed bool
	open   map[string]bool
}

// alertLabels works out which labels an alert of the rule has: those that the rule sets, and those that its expression leaves.
func alertLabels(r *ParsedRule) knownLabels {
	k := knownLabels{values: map[string]string{model.AlertNameLabel: r.Name}, open: map[string]bool{}}
	if names, ok := outputLabels(r.Expr); ok {
		k.closed = true
		for _, name := range names {
			k.open[name] = true
		}
	}
	for name, value := range r.Labels {
		if strings.Contains(value, "{{") {
			k.open[name] = true
			continue
		}
		k.values[name] = value
		delete(k.open, name)
	}
	return k
}

// outputLabels returns the only label names that the result can have, where the shape of the expression says so.
func outputLabels(e parser.Expr) ([]string, bool) {
	switch n := e.(type) {
	case *parser.ParenExpr:
		return outputLabels(n.Expr)
	case *parser.UnaryExpr:
		return outputLabels(n.Expr)
	case *parser.AggregateExpr:
		switch n.Op {
		case parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO:
			return outputLabels(n.Expr)
		}
		if n.Without {
			return nil, false
		}
		return n.Grouping, true
	case *parser.BinaryExpr:
		_, leftScalar := n.LHS.(*parser.NumberLiteral)
		_, rightScalar := n.RHS.(*parser.NumberLiteral)
		switch {
		case rightScalar:
			return outputLabels(n.LHS)
		case leftScalar:
			return outputLabels(n.RHS)
		}
	}
	return nil, false
}

// truth is the answer to a question about labels that may not be known.
type truth int

const (
	no truth = iota
	maybe
	yes
)

// possibleRoutes returns the routes that the alert can end in. A matcher on a label whose value the rule does not decide may match or not.
func possibleRoutes(root *dispatch.Route, known knownLabels) []*dispatch.Route {
	routes, _ := walkRoutes(root, known)
	return routes
}

func walkRoutes(route *dispatch.Route, known knownLabels) ([]*dispatch.Route, truth) {
	answer := matchRoute(route, known)
	if answer == no {
		return nil, no
	}
	var out []*dispatch.Route
	caught := no
	for _, child := range route.Routes {
		below, matched := walkRoutes(child, known)
		out = append(out, below...)
		caught = max(caught, matched)
		if matched == yes && !child.Continue {
			break
		}
	}
	if caught != yes {
		out = append(out, route)
	}
	return out, answer
}

func matchRoute(route *dispatch.Route, known knownLabels) truth {
	return matchAll(route.Matchers, known)
}

// matchAll says whether matchers match every alert with the known labels, some, or none.
func matchAll(ms amlabels.Matchers, known knownLabels) truth {
	answer := yes
	for _, m := range ms {
		value, decided := known.values[m.Name]
		if !decided && known.closed && !known.open[m.Name] {
			decided = true
		}
		switch {
		case !decided:
			answer = min(answer, maybe)
		case !m.Matches(value):
			return no
		}
	}
	return answer
}
