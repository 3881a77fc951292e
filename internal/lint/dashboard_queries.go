package lint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"touchline.dev/touchline/internal/dashboard"
)

// dashboardQuery is PromQL of a dashboard.
type dashboardQuery struct {
	subject
	whole *dashboard.Query
	// label is what a variable asks for the values of, and labelAt its offset.
	label   string
	labelAt int
	// names is the pattern of a variable that lists metrics.
	names string
	// err says why the text is no PromQL. It is sure where no variable could make
	// it some.
	err  error
	sure bool
}

// dashboardQueries reads what a dashboard asks. One that is no dashboard asks nothing.
func dashboardQueries(d *Document) []dashboardQuery {
	board, err := dashboard.Parse(string(d.Bytes))
	if err != nil {
		return nil // checkDashboard says why
	}
	var out []dashboardQuery
	asked := board.Queries()
	for i := range asked {
		out = append(out, readDashboardQuery(d.Path, &asked[i]))
	}
	return out
}

// variableCall is a function of Grafana's that only a variable has.
var variableCall = regexp.MustCompile(`(?s)^\s*(label_values|label_names|metrics|query_result)\s*\((.*)\)\s*;?\s*$`)

func readDashboardQuery(file string, whole *dashboard.Query) dashboardQuery {
	q := dashboardQuery{whole: whole, subject: subject{file: file, path: whole.Path, title: titleOf(whole)}}
	text, base := whole.Text, 0
	if m := variableCall.FindStringSubmatchIndex(text); m != nil && whole.Part == dashboard.Variable {
		call, inner := text[m[2]:m[3]], text[m[4]:m[5]]
		text, base = inner, m[4]
		switch call {
		case "label_values":
			selector, label := splitLabel(inner)
			q.labelAt = base + label + len(inner[label:]) - len(strings.TrimLeft(inner[label:], " \t\r\n"))
			q.label = strings.Trim(strings.TrimSpace(inner[label:]), "\"'`")
			text = inner[:selector]
		case "metrics":
			q.names, text = strings.TrimSpace(inner), ""
			q.labelAt = base
		}
	}
	q.place = func(offset int) (line, col int) { return whole.Place(base + offset) }
	if trimmed := strings.TrimSpace(text); trimmed == "" || trimmed == "{}" && whole.Part == dashboard.Variable {
		return q
	}
	t := readTemplate(text)
	f, err := t.parse()
	q.query = f.text
	q.place = func(offset int) (line, col int) { return whole.Place(base + f.original(offset)) }
	if err != nil {
		q.err, q.sure = err, t.certain() && whole.Source != ""
		return q
	}
	q.expr, q.compared = f.expr, undecided(f.expr)
	return q
}

// titleOf names what asks.
func titleOf(q *dashboard.Query) string {
	switch q.Part {
	case dashboard.Variable:
		return "variable $" + q.Name
	case dashboard.Annotation:
		return fmt.Sprintf("annotation %q", q.Name)
	}
	title := "a panel without a title"
	if q.Name != "" {
		title = fmt.Sprintf("panel %q", q.Name)
	}
	if q.ID != "" {
		title += " (id " + q.ID + ")"
	}
	return title
}

// splitLabel takes what is in the brackets of label_values apart: where the
// selector ends and where the label begins, which is behind the last comma
// outside of all brackets and strings.
func splitLabel(inner string) (selector, label int) {
	s := scanner{}
	for i := range len(inner) {
		if inner[i] == ',' && s.quote == 0 && len(s.brackets) == 0 {
			selector, label = i, i+1
		}
		s.pass(inner[i : i+1])
	}
	return selector, label
}

// checkDashboardQueries says which queries can never be answered.
func checkDashboardQueries(d *Document) []Finding {
	var out []Finding
	for _, q := range dashboardQueries(d) {
		var list parser.ParseErrors
		if !q.sure || !errors.As(q.err, &list) || len(list) == 0 {
			continue
		}
		f := Finding{File: d.Path, Path: q.path, Severity: Warning, Code: "bad-expression",
			Message: fmt.Sprintf("%s: cannot parse expression: %v", q.title, list[0].Err), Hint: promqlHint(list[0].Err.Error())}
		f.Line, f.Column = q.place(int(list[0].PositionRange.Start))
		out = append(out, f)
	}
	return out
}

// checkDashboard compares what a dashboard asks with what there is. It returns
// how many queries could not be read.
func (l *liveLint) checkDashboard(ctx context.Context, d *Document) (unread int, err error) {
	for _, q := range dashboardQueries(d) {
		if q.err != nil && !q.sure {
			unread++
		}
		if err := l.checkDashboardQuery(ctx, &q); err != nil {
			return 0, err
		}
	}
	return unread, nil
}

func (l *liveLint) checkDashboardQuery(ctx context.Context, q *dashboardQuery) error {
	if q.names != "" {
		l.checkNames(q)
	}
	before := len(l.findings)
	if q.expr != nil && !(q.whole.Source == "" && unnamed(q.expr)) {
		if err := l.check(ctx, &q.subject); err != nil {
			return err
		}
	}
	switch {
	case q.label == "", q.label == labels.MetricName, len(readTemplate(q.label).slots) > 0, l.source == nil:
		return nil
	case len(l.findings) > before:
		return nil // what is wrong with the selector explains why the label is not there
	}
	return l.checkLabel(ctx, q)
}

// unnamed tells whether a query selects without a metric's name, as those of
// other sources than Prometheus do.
func unnamed(e parser.Expr) bool {
	found := false
	parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			found = found || !slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == labels.MetricName })
		}
		return nil
	})
	return found
}

// checkNames finds variables that list metrics of which there are none.
func (l *liveLint) checkNames(q *dashboardQuery) {
	if len(readTemplate(q.names).slots) > 0 {
		return
	}
	re, err := regexp.Compile(q.names)
	if err != nil || slices.ContainsFunc(l.names, re.MatchString) {
		return // Grafana's patterns are JavaScript's, and may be none of ours
	}
	l.addAt(&q.subject, q.labelPlace, "unknown-metric", fmt.Sprintf("nothing exports a metric that fits %s", q.names), "")
}

// checkLabel finds variables that take the values of a label that nothing has.
func (l *liveLint) checkLabel(ctx context.Context, q *dashboardQuery) error {
	has := labels.MustNewMatcher(labels.MatchNotEqual, q.label, "")
	s, ok := q.expr.(*parser.VectorSelector)
	if q.expr != nil && (!ok || len(s.LabelMatchers) == 0 || len(l.recorded[metricName(s)]) > 0 || l.elsewhere(metricName(s))) {
		return nil
	}
	var matchers []*labels.Matcher
	message := "no series has a label " + q.label
	if ok {
		matchers = s.LabelMatchers
		message = fmt.Sprintf("no series of %s has a label %s", cmp.Or(metricName(s), selectorOf(matchers)), q.label)
	}
	answer, err := l.series(ctx, selectorOf(append(slices.Clone(matchers), has)))
	if err != nil || len(answer.series) > 0 {
		return err
	}
	hint := ""
	if ok {
		all, err := l.series(ctx, selectorOf(matchers))
		if err != nil {
			return err
		}
		hint = labelHint(q.label, labelNames(all.series))
	}
	l.addAt(&q.subject, q.labelPlace, "unknown-label", message, hint)
	return nil
}

func (q *dashboardQuery) labelPlace() (line, col int) { return q.whole.Place(q.labelAt) }

// labelHint says which labels there are, or the one that was meant.
func labelHint(name string, names []string) string {
	if near, _ := nearestName(name, names); near != "" {
		return "the nearest label is " + near
	}
	return "the labels that it has are " + strings.Join(names, ", ")
}

// checkCompared finds labels that are compared with a variable and misspelt. That
// no series has a label says nothing by itself: the variable may be empty where
// there is none, as those of clusters are in many dashboards.
func (l *liveLint) checkCompared(q *subject, s *parser.VectorSelector, metric string, series []labels.Labels) {
	names := labelNames(series)
	for _, m := range q.compared[s] {
		if near, _ := nearestName(m.Name, names); near != "" && !slices.Contains(names, m.Name) {
			l.add(q, matcherPosition(q.query, s, m), "unknown-label", fmt.Sprintf("no series of %s has a label %s", metric, m.Name), "the nearest label is "+near)
		}
	}
}
