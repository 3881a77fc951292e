package lint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/template"
)

// CheckRules says everything that is wrong with a rule file. It has no errors
// exactly when promtool check rules accepts the file.
func CheckRules(path string, content []byte) []Finding {
	return finish(checkRules(newDocumentOfKind(path, content, Rules)))
}

func checkRules(d *Document) []Finding {
	c := &ruleChecker{r: &repairer{doc: d, kind: Rules}}
	c.r.parse = c.parse
	c.r.expand = c.expand
	return c.r.run()
}

// ruleChecker checks one rule file. Upstream reports every semantic error of a
// file at once, but none while the file does not decode.
type ruleChecker struct {
	r *repairer
}

var rulePrefix = regexp.MustCompile(`^(?:(\d+):(\d+): )?(?:\d+:\d+: )?(?:group "(?:[^"\\]|\\.)*", rule \d+, "(?:[^"\\]|\\.)*": )?`)

// groupError matches the semantic errors that upstream has no type for.
var groupError = regexp.MustCompile(`^(\d+:\d+: )?(Groupname must|groupname: |invalid label )`)

func (c *ruleChecker) parse(content []byte) []problem {
	_, errs := rulefmt.Parse(content, false, model.UTF8Validation, promqlParser(), slog.New(slog.DiscardHandler))
	var out []problem
	for _, err := range errs {
		var ruleErr *rulefmt.Error
		if errors.As(err, &ruleErr) || groupError.MatchString(err.Error()) {
			out = append(out, c.semanticProblem(err, ruleErr))
			continue
		}
		out = append(out, yamlProblems(err)...)
	}
	// Both passes of upstream's decoder report wrong types.
	seen := map[string]bool{}
	kept := out[:0]
	for _, p := range out {
		if k := strconv.Itoa(p.line) + p.msg; !seen[k] {
			seen[k] = true
			kept = append(kept, p)
		}
	}
	return kept
}

// semanticProblem finds the rule that an error is about, and within it the key.
func (c *ruleChecker) semanticProblem(err error, ruleErr *rulefmt.Error) problem {
	m := rulePrefix.FindStringSubmatch(err.Error())
	p := problem{msg: strings.TrimPrefix(err.Error(), m[0]), err: err, final: true}
	p.line, _ = strconv.Atoi(m[1])
	if c.r.tree == nil {
		return p
	}
	if ruleErr == nil {
		c.locateInGroups(&p)
		return p
	}
	for _, g := range liveItems(c.r.tree.root.get("groups")) {
		rule := g.get("rules").item(ruleErr.Rule - 1)
		if g.get("name").text() != ruleErr.Group || rule == nil || nameOfRule(rule) != ruleErr.RuleName {
			continue
		}
		p.node = rule
		if k := ruleKey(rule, p.msg); k != nil {
			p.node = k
		}
		break
	}
	return p
}

func nameOfRule(rule *treeNode) string {
	if a := rule.get("alert").text(); a != "" {
		return a
	}
	return rule.get("record").text()
}

func liveItems(n *treeNode) []*treeNode {
	if n == nil {
		return nil
	}
	return n.live()
}

// locateInGroups finds the group that an error without a rule is about.
func (c *ruleChecker) locateInGroups(p *problem) {
	seen := map[string]bool{}
	for _, g := range liveItems(c.r.tree.root.get("groups")) {
		name := g.get("name").text()
		switch {
		case strings.HasPrefix(p.msg, "Groupname must not be empty") && name == "":
			p.node = g
			return
		case strings.HasPrefix(p.msg, "groupname: ") && seen[name] && strings.Contains(p.msg, `"`+name+`" is repeated`):
			p.node = g.get("name")
			return
		case strings.HasPrefix(p.msg, "invalid label"):
			for _, l := range liveItems(g.get("labels")) {
				if strings.HasSuffix(p.msg, ": "+l.name()) || strings.HasSuffix(p.msg, ": "+l.text()) {
					p.node = l
					return
				}
			}
		}
		seen[name] = true
	}
}

var quotedKey = regexp.MustCompile(`^(label|annotation) ("(?:[^"\\]|\\.)*"): `)

// ruleKey finds the key of a rule that a message is about.
func ruleKey(rule *treeNode, msg string) *treeNode {
	if m := quotedKey.FindStringSubmatch(msg); m != nil {
		name, err := strconv.Unquote(m[2])
		if err != nil {
			return nil
		}
		return rule.get(m[1] + "s").get(name)
	}
	after := func(prefix string) (string, bool) { return strings.CutPrefix(msg, prefix) }
	if name, ok := after("invalid label name: "); ok {
		return rule.get("labels").get(name)
	}
	if name, ok := after("invalid annotation name: "); ok {
		return rule.get("annotations").get(name)
	}
	if value, ok := after("invalid label value: "); ok {
		for _, l := range liveItems(rule.get("labels")) {
			if l.text() == value {
				return l
			}
		}
	}
	switch {
	case strings.HasPrefix(msg, "could not parse expression"), strings.HasPrefix(msg, "field 'expr'"):
		return rule.get("expr")
	case strings.HasPrefix(msg, "only one of 'record' and 'alert'"):
		a, r := rule.get("alert"), rule.get("record")
		if a != nil && r != nil && a.index < r.index {
			return r
		}
		return a
	case strings.HasPrefix(msg, "invalid field '"):
		key, _, _ := strings.Cut(strings.TrimPrefix(msg, "invalid field '"), "'")
		return rule.get(key)
	case strings.Contains(msg, "recording rule name"):
		return rule.get("record")
	}
	return nil
}

// expand gives every error of an expression its own place, and drops what is not
// about the user's text from the message of a template.
func (c *ruleChecker) expand(p problem, n *treeNode) []Finding {
	if fs := expressionFindings(c.r.doc, n, p.err); len(fs) > 0 && n.scalar() {
		return fs
	}
	if m := quotedKey.FindStringSubmatch(p.msg); m != nil {
		var out []Finding
		p.msg = templateMessage(p.msg)
		for _, msg := range append([]string{p.msg}, moreTemplateErrors(n.text(), p.msg, m[0])...) {
			p.msg = msg
			f := describe(c.r, p, n)
			f.Code, f.Hint = "bad-template", templateHint(msg)
			out = append(out, f)
		}
		return out
	}
	return nil
}

// undefinedName matches what the template parser says about a name that it does not know, which is where it stops.
var undefinedName = regexp.MustCompile(`(undefined variable|function) "(\$?\w+)"`)

// templateDefinitions are the variables that upstream puts before the text of a label or annotation.
const templateDefinitions = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"

// moreTemplateErrors says what else is wrong with a template: names that are not known are replaced by some that are, and the parser is
// asked again.
func moreTemplateErrors(text, msg, prefix string) []string {
	var out []string
	for range 20 {
		m := undefinedName.FindStringSubmatch(msg)
		if m == nil {
			return out
		}
		known := "humanize"
		if m[1] == "undefined variable" {
			known = "$$value"
		}
		name := regexp.MustCompile(regexp.QuoteMeta(m[2]) + `\b`)
		replaced := name.ReplaceAllString(text, known)
		if replaced == text {
			return out
		}
		text = replaced
		err := template.NewTemplateExpander(context.Background(), templateDefinitions+text, "x", template.AlertTemplateData(nil, nil, "", promql.Sample{}),
			0, nil, &url.URL{}, nil).ParseTest()
		if err == nil {
			return out
		}
		msg = templateMessage(err.Error())
		out = append(out, prefix+msg)
	}
	return out
}

// expressionFindings says everything that the PromQL parser says about an
// expression, each at its place in the file.
func expressionFindings(d *Document, expr *treeNode, err error) []Finding {
	var list parser.ParseErrors
	if !errors.As(err, &list) || len(list) == 0 {
		return nil
	}
	var out []Finding
	for i, e := range list {
		// An unknown function has no type, so that what stands around it is
		// misunderstood too.
		if i > 0 && unknownFunction.MatchString(list[0].Err.Error()) && !unknownFunction.MatchString(e.Err.Error()) {
			continue
		}
		f := Finding{File: d.Path, Code: "bad-expression", Message: fmt.Sprintf("cannot parse expression: %v", e.Err), Hint: promqlHint(e.Err.Error())}
		f.Line, f.Column = scalarPosition(d.Bytes, expr.value, int(e.PositionRange.Start))
		out = append(out, f)
	}
	return out
}

var unknownFunction = regexp.MustCompile(`unknown function with name "(\w+)"`)

func promqlHint(msg string) string {
	if m := unknownFunction.FindStringSubmatch(msg); m != nil {
		names := make([]string, 0, len(parser.Functions))
		for n := range parser.Functions {
			names = append(names, n)
		}
		if meant := nearest(m[1], sorted(names)); meant != "" {
			return fmt.Sprintf("did you mean %s()?", meant)
		}
		return "use a function that Prometheus has"
	}
	switch {
	case strings.Contains(msg, "expected type range vector"):
		return "add a range to the selector, such as metric[5m]"
	case strings.Contains(msg, "ranges only allowed for vector selectors"):
		return "put the range at the selector, and take the rate before the sum: sum(rate(metric[5m]))"
	case strings.Contains(msg, "expected type instant vector"):
		return "write the selector without a range, or wrap it in rate(…[5m])"
	case strings.Contains(msg, "argument(s) in call to"):
		return "give the function as many arguments as it takes"
	case strings.Contains(msg, "unexpected end of input"), strings.Contains(msg, "unclosed"):
		return "close every parenthesis, brace and quote"
	case strings.Contains(msg, "duration"):
		return "write a duration such as 5m"
	case strings.Contains(msg, "vector selector must contain at least one non-empty matcher"):
		return "name the metric, or add a matcher that does not match the empty text"
	case strings.Contains(msg, "error parsing regexp"):
		return "correct the regular expression (RE2 syntax: no look-ahead, no back-references)"
	case strings.Contains(msg, "comparisons between scalars must use BOOL"):
		return "write bool behind the comparison, such as 1 > bool 2"
	case strings.Contains(msg, `in grouping opts, expected "("`):
		return "put the labels in brackets, such as by (job)"
	case strings.Contains(msg, "in grouping opts"):
		return "close the bracket of the labels, such as by (job, instance)"
	case strings.Contains(msg, "many-to-many"), strings.Contains(msg, "grouping"):
		return "write group_left or group_right with on(…) or ignoring(…)"
	}
	return "correct the expression here"
}
