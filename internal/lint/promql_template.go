package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// open stands for what only a variable's value tells. No series has it in a name.
const open = "__open__"

func isOpen(name string) bool { return strings.Contains(name, open) }

// queryTemplate is a query of a dashboard: PromQL with variables in it.
type queryTemplate struct {
	text  string
	slots []slot
}

// slot is one place of a variable.
type slot struct {
	start, end int
	name       string
	// choices are what may stand there; the first with which the whole is PromQL
	// is taken.
	choices []string
	// free tells that the value decides whether the query is PromQL.
	free bool
}

// variablePattern finds $name, [[name:format]] and ${name.path:format}, as Grafana does.
var variablePattern = regexp.MustCompile(`\$(\w+)|\[\[(\w+)(?::[^\]]+)?\]\]|\$\{(\w+)(?:\.[^:}]+)?(?::[^}]+)?\}`)

// readTemplate finds the variables of a query, and what each may stand for by
// what is around it: their values are only known when somebody looks at the
// dashboard.
func readTemplate(text string) *queryTemplate {
	t := &queryTemplate{text: text}
	s := scanner{}
	at := 0
	for _, m := range variablePattern.FindAllStringSubmatchIndex(text, -1) {
		s.pass(text[at:m[0]])
		at = m[1]
		name := group(text, m)
		t.slots = append(t.slots, slot{start: m[0], end: m[1], name: name, choices: s.choices(text, m[0], m[1], name),
			free: s.quote == 0 && !s.comment && !strings.HasPrefix(name, "__")})
	}
	return t
}

// group is the name that one of the three forms has.
func group(text string, m []int) string {
	for i := 2; i+1 < len(m); i += 2 {
		if m[i] >= 0 {
			return text[m[i]:m[i+1]]
		}
	}
	return ""
}

// scanner knows inside of what a place of PromQL is.
type scanner struct {
	quote    byte // 0 outside of strings
	comment  bool
	brackets []byte
}

// pass goes on over a text without variables.
func (s *scanner) pass(text string) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case s.comment:
			s.comment = c != '\n'
		case s.quote != 0:
			if c == '\\' && s.quote != '`' {
				i++
			} else if c == s.quote {
				s.quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			s.quote = c
		case c == '#':
			s.comment = true
		case c == '(' || c == '[' || c == '{':
			s.brackets = append(s.brackets, c)
		case (c == ')' || c == ']' || c == '}') && len(s.brackets) > 0:
			s.brackets = s.brackets[:len(s.brackets)-1]
		}
	}
}

func (s *scanner) inside(bracket byte) bool {
	return len(s.brackets) > 0 && s.brackets[len(s.brackets)-1] == bracket
}

var (
	offsetBefore = regexp.MustCompile(`(?i)\boffset\s*-?\s*$`)
	instant      = regexp.MustCompile(`@\s*$`)
	unitBehind   = regexp.MustCompile(`^(ms|[smhdwy])\b`)
	groupBehind  = regexp.MustCompile(`(?i)^\s*(by|without)\b`)
	callBehind   = regexp.MustCompile(`^\s*\(`)
	nameBefore   = regexp.MustCompile(`[A-Za-z0-9_:]$`)
	nameBehind   = regexp.MustCompile(`^[A-Za-z0-9_:]`)
	firstInside  = regexp.MustCompile(`[{,]\s*$`)
	lastInside   = regexp.MustCompile(`^\s*[,}]`)
	valueBefore  = regexp.MustCompile(`[=~]\s*$`)
	countOfTime  = regexp.MustCompile(`^__(interval_ms|rate_interval_ms|range_s|range_ms|from|to)$`)
	lengthOfTime = regexp.MustCompile(`^__(interval|rate_interval|auto|range)$`)
)

// choices are what a variable at a place may stand for.
func (s *scanner) choices(text string, start, end int, name string) []string {
	before, behind := text[:start], text[end:]
	switch {
	case s.quote != 0 || s.comment:
		return []string{open}
	case s.inside('[') || offsetBefore.MatchString(before):
		if countOfTime.MatchString(name) || unitBehind.MatchString(behind) {
			return []string{"60"}
		}
		return []string{"5m"}
	case countOfTime.MatchString(name), instant.MatchString(before):
		return []string{"60"}
	case lengthOfTime.MatchString(name):
		return []string{"5m", open}
	case s.inside('{') && firstInside.MatchString(before) && lastInside.MatchString(behind):
		return []string{open + `!=""`}
	case s.inside('{') && valueBefore.MatchString(before):
		return []string{`"` + open + `"`}
	case nameBefore.MatchString(before), nameBehind.MatchString(behind):
		return []string{open}
	case groupBehind.MatchString(behind):
		return []string{"sum", "topk"}
	case callBehind.MatchString(behind):
		return []string{"sum", "rate", "quantile", "sum by"}
	}
	return []string{open, "1", "> 1"}
}

// maxTries bounds how many combinations of choices are tried; no real query needs more than a few.
const maxTries = 256

// parse reads the query with the first combination of choices that is PromQL.
// Places of one variable have the same choice where they have the same choices.
// Where none is PromQL the error is that of the first.
func (t *queryTemplate) parse() (*filling, error) {
	type decision struct {
		name    string
		choices int
	}
	var decisions []decision
	index := make([]int, len(t.slots))
	for i, s := range t.slots {
		d := decision{s.name, len(s.choices)}
		if index[i] = slices.Index(decisions, d); index[i] < 0 {
			index[i] = len(decisions)
			decisions = append(decisions, d)
		}
	}
	chosen := make([]int, len(decisions))
	var first error
	var firstFilling *filling
	for range maxTries {
		f := t.fill(func(i int) string { return t.slots[i].choices[chosen[index[i]]] })
		expr, err := promqlParser().ParseExpr(f.text)
		if err == nil {
			f.expr = expr
			return f, nil
		}
		if first == nil {
			first, firstFilling = err, f
		}
		i := 0
		for ; i < len(decisions); i++ {
			if chosen[i]++; chosen[i] < decisions[i].choices {
				break
			}
			chosen[i] = 0
		}
		if i == len(decisions) {
			break
		}
	}
	return firstFilling, first
}

// certain tells whether the query is PromQL or not whatever the values of its variables.
func (t *queryTemplate) certain() bool {
	return !slices.ContainsFunc(t.slots, func(s slot) bool { return s.free })
}

// filling is a template with something in the place of each variable.
type filling struct {
	text  string
	expr  parser.Expr
	moves []move
}

// move says where in the template that stands which has an offset in the filling.
type move struct{ filled, start, end int }

func (t *queryTemplate) fill(choice func(i int) string) *filling {
	f := &filling{}
	var b strings.Builder
	at := 0
	for i, s := range t.slots {
		b.WriteString(t.text[at:s.start])
		f.moves = append(f.moves, move{b.Len(), s.start, s.end})
		b.WriteString(choice(i))
		f.moves = append(f.moves, move{b.Len(), s.end, s.end})
		at = s.end
	}
	b.WriteString(t.text[at:])
	f.text = b.String()
	return f
}

// original maps an offset of the filling to one of the template.
func (f *filling) original(offset int) int {
	out := offset
	for _, m := range f.moves {
		if m.filled > offset {
			break
		}
		if out = m.start; m.start == m.end {
			out += offset - m.filled
		}
	}
	return out
}

// undecided takes out of selectors what a variable leaves open, and returns the
// matchers of which only the value is. A selector whose name is open selects
// anything: it is left without matchers.
func undecided(e parser.Expr) map[*parser.VectorSelector][]*labels.Matcher {
	compared := map[*parser.VectorSelector][]*labels.Matcher{}
	parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
		s, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		if slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == labels.MetricName && isOpen(m.Value) }) {
			s.LabelMatchers = nil
		}
		s.LabelMatchers = slices.DeleteFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
			if isOpen(m.Value) && !isOpen(m.Name) {
				compared[s] = append(compared[s], m)
			}
			return isOpen(m.Name) || isOpen(m.Value)
		})
		return nil
	})
	return compared
}
