package lint

import (
	"fmt"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/parser/posrange"
)

// subject is a parsed query and where it stands: the expression of a rule, or what a dashboard asks.
type subject struct {
	file  string
	path  string // in the file, as Finding has it
	title string // names it in messages
	query string // the text that was parsed
	expr  parser.Expr
	alert bool
	// compared are the matchers with the value of a variable, which the selectors
	// of expr do not have.
	compared map[*parser.VectorSelector][]*labels.Matcher
	// place maps a byte of query to its line and column in the file.
	place func(offset int) (line, col int)
}

func (r *ParsedRule) subject() *subject {
	return &subject{file: r.Document.Path, title: r.title(), query: r.Query, expr: r.Expr, alert: r.Alert,
		place: func(offset int) (line, col int) { return r.ExprPosition(posrange.Pos(offset)) }}
}

func (l *liveLint) add(q *subject, at posrange.Pos, code, message, hint string) {
	l.addAt(q, func() (line, col int) { return q.place(int(at)) }, code, message, hint)
}

func (l *liveLint) addAt(q *subject, place func() (line, col int), code, message, hint string) {
	line, col := place()
	l.findings = append(l.findings, Finding{File: q.file, Path: q.path, Line: line, Column: col, Severity: Warning, Code: code,
		Message: fmt.Sprintf("%s: %s", q.title, message), Hint: hint})
}
