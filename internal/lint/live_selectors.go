package lint

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/parser/posrange"
)

// check compares one query with what there is.
func (l *liveLint) check(ctx context.Context, q *subject) error {
	missing := map[string]bool{}
	var failed error
	parser.Inspect(q.expr, func(node parser.Node, path []parser.Node) error {
		var err error
		switch n := node.(type) {
		case *parser.VectorSelector:
			var optional bool
			if optional, err = l.optional(ctx, n, path); err == nil && !optional {
				err = l.checkSelector(ctx, q, n, path, missing)
			}
		case *parser.BinaryExpr:
			l.checkCounterCompare(q, n)
			err = l.checkJoin(ctx, q, n)
		case *parser.AggregateExpr:
			err = l.checkGrouping(ctx, q, n)
		case *parser.Call:
			l.checkRange(q, n)
		}
		if err != nil && failed == nil {
			failed = fmt.Errorf("check %s: %w", q.title, err)
		}
		return failed
	})
	return failed
}

// insideAbsent returns the absent call that the selector stands in, if any.
func insideAbsent(path []parser.Node) *parser.Call {
	for _, node := range path {
		if call, ok := node.(*parser.Call); ok && (call.Func.Name == "absent" || call.Func.Name == "absent_over_time") {
			return call
		}
	}
	return nil
}

// optional reports whether the query provides for the selector being empty: it is one side of an "or" whose other side gives a result.
func (l *liveLint) optional(ctx context.Context, s *parser.VectorSelector, path []parser.Node) (bool, error) {
	for i, node := range path {
		or, ok := node.(*parser.BinaryExpr)
		if !ok || or.Op != parser.LOR {
			continue
		}
		var below parser.Node = s
		if i+1 < len(path) {
			below = path[i+1]
		}
		other := or.LHS
		if below == parser.Node(or.LHS) {
			other = or.RHS
		}
		exists, err := l.anyExists(ctx, other)
		if err != nil || exists {
			return exists, err
		}
	}
	return false, nil
}

// anyExists reports whether a selector of the expression selects something, or the expression needs none.
func (l *liveLint) anyExists(ctx context.Context, e parser.Expr) (bool, error) {
	selectors, exists := 0, false
	var failed error
	parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
		s, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		selectors++
		// What a variable leaves open may be anything.
		if len(l.recorded[metricName(s)]) > 0 || l.elsewhere(metricName(s)) || len(s.LabelMatchers) == 0 {
			exists = true
			return nil
		}
		if l.source == nil {
			exists = exists || l.known[metricName(s)]
			return nil
		}
		answer, err := l.series(ctx, selectorOf(s.LabelMatchers))
		if err != nil {
			failed = err
			return err
		}
		exists = exists || len(answer.series) > 0
		return nil
	})
	return exists || selectors == 0, failed
}

func (l *liveLint) checkSelector(ctx context.Context, q *subject, s *parser.VectorSelector, path []parser.Node, missing map[string]bool) error {
	name := metricName(s)
	switch {
	case name == "ALERTS" || name == "ALERTS_FOR_STATE" || len(s.LabelMatchers) == 0:
		return nil
	case name != "" && !l.known[name]:
		if len(l.recorded[name]) > 0 || l.elsewhere(name) || missing[name] {
			return nil
		}
		missing[name] = true
		return l.unknownMetric(ctx, q, s, name, insideAbsent(path))
	}
	if l.source == nil {
		return nil
	}
	answer, err := l.series(ctx, selectorOf(s.LabelMatchers))
	if err != nil {
		return err
	}
	if len(answer.series) > 0 {
		if !answer.more {
			l.checkCompared(q, s, name, answer.series)
		}
		return nil
	}
	if insideAbsent(path) != nil {
		// That nothing has these labels is what the query asks about; but a label that no series of the metric has at all is a mistake.
		return l.explainEmpty(ctx, q, s, name, true)
	}
	return l.explainEmpty(ctx, q, s, name, false)
}

// exporters name who exports a family of metrics, by prefix.
var exporters = []struct{ prefix, who string }{
	{"node_", "the in-process source node, or node_exporter"},
	{"container_", "the in-process source cadvisor, or cAdvisor"},
	{"kube_", "kube-state-metrics"},
	{"pg_", "postgres_exporter"},
	{"redis_", "redis_exporter"},
	{"nginx_", "nginx-prometheus-exporter"},
	{"probe_", "blackbox_exporter"},
	{"mysql_", "mysqld_exporter"},
	{"kafka_", "kafka_exporter"},
	{"rabbitmq_", "RabbitMQ's prometheus plugin"},
	{"elasticsearch_", "elasticsearch_exporter"},
	{"windows_", "windows_exporter"},
}

// suggestable are the names that count as exported. It leaves out the series that scraping itself makes, which are like many names and meant by few.
func (l *liveLint) suggestable(name string) []string {
	names := slices.Concat(l.names, slices.Collect(maps.Keys(l.recorded)))
	if l.exported != nil {
		names = append(names, l.exported.Names...)
	}
	if strings.HasPrefix(name, "scrape_") {
		return names
	}
	return slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, "scrape_") })
}

func (l *liveLint) unknownMetric(ctx context.Context, q *subject, s *parser.VectorSelector, name string, absent *parser.Call) error {
	code, message := "unknown-metric", fmt.Sprintf("nothing exports %s", name)
	if absent != nil {
		code, message = "absent-always", fmt.Sprintf("%s is always true, because nothing has ever exported %s", absent.Func.Name, name)
	}
	near, _ := nearestName(name, l.suggestable(name))
	if family, ok := strings.CutSuffix(name, "_bucket"); ok && l.known[family] && l.types[family] == "histogram" {
		l.add(q, s.PosRange.Start, code, message, fmt.Sprintf("%s is a native histogram here: write %s, without _bucket and le", family, family))
		return nil
	}
	hint := ""
	for _, e := range exporters {
		if strings.HasPrefix(name, e.prefix) && !slices.ContainsFunc(l.names, func(n string) bool { return strings.HasPrefix(n, e.prefix) }) {
			hint = fmt.Sprintf("metrics called %s… come from %s, which %s", e.prefix, e.who, l.lacks())
			near = ""
		}
	}
	if strings.Contains(name, ":") && near == "" {
		hint = "names with a colon are those of recording rules: load the one that writes it, or name its file beside this one"
	}
	if near != "" {
		hint = "the nearest name that exists is " + near
	}
	l.add(q, s.PosRange.Start, code, message, hint)
	if near == "" || !wordsWithin(name, near) || l.source == nil {
		return nil
	}
	// What is wrong with the labels would otherwise show only after the name has been put right.
	answer, err := l.series(ctx, selectorOf([]*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, near)}))
	if err != nil {
		return err
	}
	for _, m := range s.LabelMatchers {
		if m.Name != labels.MetricName && !m.Matches("") && !answer.more && len(labelValues(answer.series, m.Name)) == 0 {
			l.unknownLabel(q, s, m, near, answer.series)
		}
	}
	return nil
}

// explainEmpty says which matchers keep the selector from selecting anything.
func (l *liveLint) explainEmpty(ctx context.Context, q *subject, s *parser.VectorSelector, name string, labelsOnly bool) error {
	var base, rest []*labels.Matcher
	for _, m := range s.LabelMatchers {
		if m.Name == labels.MetricName {
			base = append(base, m)
		} else {
			rest = append(rest, m)
		}
	}
	if len(base) == 0 {
		base = []*labels.Matcher{labels.MustNewMatcher(labels.MatchRegexp, labels.MetricName, ".+")}
	}
	metric := name
	if metric == "" {
		metric = selectorOf(base)
	}
	all, err := l.series(ctx, selectorOf(base))
	if err != nil {
		return err
	}
	if len(all.series) == 0 {
		l.add(q, s.PosRange.Start, "unknown-metric", "nothing exports a metric that fits "+selectorOf(base), "")
		return nil
	}
	if all.more {
		return l.explainLarge(ctx, q, s, base, rest, metric, labelsOnly)
	}
	explained, undecided := false, false
	for _, m := range rest {
		if slices.ContainsFunc(all.series, func(set labels.Labels) bool { return m.Matches(set.Get(m.Name)) }) {
			continue
		}
		values := labelValues(all.series, m.Name)
		switch {
		case len(values) == 0:
			l.unknownLabel(q, s, m, metric, all.series)
			explained = true
		case labelsOnly:
		case comesLater(m, values):
			undecided = true
		default:
			explained = true
			l.unknownValue(q, s, m, metric, values)
		}
	}
	if !explained && !undecided && !labelsOnly {
		l.add(q, s.PosRange.Start, "no-such-series", fmt.Sprintf("each matcher of %s fits some series, but none fits all of them", s), "")
	}
	return nil
}

// explainLarge does what explainEmpty does for a metric with more series than are fetched, by asking about each matcher.
func (l *liveLint) explainLarge(ctx context.Context, q *subject, s *parser.VectorSelector, base, rest []*labels.Matcher, metric string, labelsOnly bool) error {
	for _, m := range rest {
		has, err := l.series(ctx, selectorOf(append(slices.Clone(base), labels.MustNewMatcher(labels.MatchNotEqual, m.Name, ""))))
		if err != nil {
			return err
		}
		if len(has.series) == 0 {
			if !m.Matches("") {
				l.unknownLabel(q, s, m, metric, l.cache[selectorOf(base)].series)
			}
			continue
		}
		fits, err := l.series(ctx, selectorOf(append(slices.Clone(base), m)))
		if err != nil {
			return err
		}
		if values := labelValues(has.series, m.Name); len(fits.series) == 0 && !labelsOnly && !comesLater(m, values) {
			l.unknownValue(q, s, m, metric, values)
		}
	}
	return nil
}

func (l *liveLint) unknownLabel(q *subject, s *parser.VectorSelector, m *labels.Matcher, metric string, series []labels.Labels) {
	hint := "the labels that it has are " + strings.Join(labelNames(series), ", ")
	if meant := l.meantLabel(m, series); meant != "" {
		hint = fmt.Sprintf("write %s%s%q", meant, m.Type, m.Value)
	}
	l.add(q, matcherPosition(q.query, s, m), "unknown-label", fmt.Sprintf("no series of %s has a label %s", metric, m.Name), hint)
}

// meantLabel is the label whose values fit the matcher, or else the one with the nearest name.
func (l *liveLint) meantLabel(m *labels.Matcher, series []labels.Labels) string {
	best, score := "", 0.0
	for _, name := range labelNames(series) {
		s := similarity(m.Name, name)
		// A pattern that fits anything says nothing about which label is meant.
		if selective := m.Type == labels.MatchEqual || m.Type == labels.MatchRegexp && !m.Matches("no such value"); selective &&
			slices.ContainsFunc(labelValues(series, name), m.Matches) {
			s += 0.4
		}
		if s > score {
			best, score = name, s
		}
	}
	if score < nearEnough {
		return ""
	}
	return best
}

func (l *liveLint) unknownValue(q *subject, s *parser.VectorSelector, m *labels.Matcher, metric string, values []string) {
	hint := "the values that it has are " + fewOf(values)
	if near, _ := nearestName(m.Value, values); near != "" && m.Type == labels.MatchEqual && len(values) > 5 {
		hint = fmt.Sprintf("the nearest value is %q", near)
	}
	l.add(q, matcherPosition(q.query, s, m), "unknown-label-value", fmt.Sprintf("no series of %s fits %s", metric, m), hint)
}

// fewOf quotes at most five values.
func fewOf(values []string) string {
	quoted := make([]string, 0, 6)
	for i, v := range values {
		if i == 5 {
			return strings.Join(quoted, ", ") + fmt.Sprintf(" and %d more", len(values)-5)
		}
		quoted = append(quoted, fmt.Sprintf("%q", v))
	}
	return strings.Join(quoted, ", ")
}

var (
	statusValue   = regexp.MustCompile(`^[1-5][0-9x]{2}$`)
	statusPattern = regexp.MustCompile(`^[\^(]*[1-5]([0-9x.]{2}|\.[+*]|\\d|\[)`)
	outcomeLabel  = regexp.MustCompile(`(?i)(status|code|state|result|outcome|reason|error|level|severity|condition|phase|success|exception|event)`)
)

// comesLater reports whether the value that the matcher asks for is one that an application exports only once it happens: a service that
// has never failed has no series of its failures, and the rule that watches for them is right.
func comesLater(m *labels.Matcher, values []string) bool {
	if outcomeLabel.MatchString(m.Name) {
		return true
	}
	return statusPattern.MatchString(m.Value) && !slices.ContainsFunc(values, func(v string) bool { return !statusValue.MatchString(v) })
}

// matcherPosition is where the matcher's label stands in the query.
func matcherPosition(query string, s *parser.VectorSelector, m *labels.Matcher) posrange.Pos {
	start, end := int(s.PosRange.Start), int(s.PosRange.End)
	if start < 0 || end > len(query) || start > end {
		return s.PosRange.Start
	}
	re := regexp.MustCompile(`["{,\s]` + regexp.QuoteMeta(m.Name) + `"?\s*` + regexp.QuoteMeta(m.Type.String()))
	if at := re.FindStringIndex(query[start:end]); at != nil {
		return posrange.Pos(start + at[0] + 1)
	}
	return s.PosRange.Start
}
