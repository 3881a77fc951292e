package drawn

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Asker gives the data of an answer of Prometheus's API.
type Asker interface {
	// Strings are those of a list.
	Strings(path string, params url.Values) ([]string, error)
	// Texts are the series of an instant query as name{label="value"} with value and time.
	Texts(query string, at time.Time) ([]string, error)
}

var call = regexp.MustCompile(`(?s)^(label_values|label_names|metrics|query_result)\s*\((.*)\)\s*;?$`)

// splitLabel separates the selector from the label of label_values(selector, label).
func splitLabel(inner string) (selector, label string) {
	depth, comma := 0, -1
	for i, r := range inner {
		switch r {
		case '{', '(':
			depth++
		case '}', ')':
			depth--
		case ',':
			if depth == 0 {
				comma = i
			}
		}
	}
	if comma < 0 {
		return "", strings.TrimSpace(inner)
	}
	return strings.TrimSpace(inner[:comma]), strings.TrimSpace(inner[comma+1:])
}

// inOrder gives the variables of a dashboard so that each comes after those that it names.
func (b *Board) inOrder() []*Variable {
	var out []*Variable
	done := map[string]bool{}
	known := map[string]bool{}
	for _, v := range b.Variables {
		known[v.Name] = true
	}
	for len(out) < len(b.Variables) {
		before := len(out)
		for i := range b.Variables {
			v := &b.Variables[i]
			if done[v.Name] {
				continue
			}
			waits := false
			for _, m := range placeholder.FindAllStringSubmatch(v.Query+" "+v.Regex, -1) {
				name := m[1] + m[2] + m[4]
				waits = waits || known[name] && !done[name] && name != v.Name
			}
			if waits {
				continue
			}
			done[v.Name] = true
			out = append(out, v)
		}
		if len(out) == before { // a circle, or two of one name
			break
		}
	}
	return out
}

// Plan adds what the variables need, and gives values under which the queries of panels can be read.
func (b *Board) Plan(n *Needs, span Span) (Values, []string) {
	out := Values{}
	var problems []string
	for _, v := range b.inOrder() {
		if !v.Prometheus {
			continue
		}
		if v.Type != "query" {
			out[v.Name] = v.choose(v.written(), span)
			continue
		}
		value, err := v.plan(n, out.with(span, scrape, 4*scrape))
		if err != nil {
			problems = append(problems, fmt.Sprintf("$%s: %v", v.Name, err))
			continue
		}
		out[v.Name] = Value{List: []string{value}, Several: v.Multi || v.HasAll}
	}
	return out, problems
}

var quotedLabel = regexp.MustCompile(`(\w+)="\(`)

// plan adds what one query variable needs and says what its value will be.
func (v *Variable) plan(n *Needs, known Values) (string, error) {
	m := call.FindStringSubmatch(strings.TrimSpace(v.Query))
	if m == nil {
		return "", fmt.Errorf("no query that is known here: %s", v.Query)
	}
	inner := known.Fill(m[2], Value.Query)
	switch m[1] {
	case "label_values":
		selector, label := splitLabel(inner)
		value := Usual(label)
		if selector != "" {
			tree, err := promql.ParseExpr(selector)
			if err != nil {
				return "", fmt.Errorf("parse its selector: %w", err)
			}
			if err := n.Add(selector, []string{label}); err != nil {
				return "", err
			}
			if s, ok := tree.(*parser.VectorSelector); ok {
				var own []*labels.Matcher
				for _, x := range s.LabelMatchers {
					if x.Name == label {
						own = append(own, x)
					}
				}
				value, _ = pick(label, own)
			}
		} else if err := n.Add("up", []string{label}); err != nil {
			return "", err
		}
		kept := v.matched([]string{value})
		if len(kept) == 0 {
			return "", fmt.Errorf("its regex %s does not match %s", v.Regex, value)
		}
		return kept[0], nil
	case "query_result":
		label := quotedLabel.FindStringSubmatch(v.Regex)
		if label == nil {
			return "1", n.Add(inner, nil)
		}
		return Usual(label[1]), n.Add(inner, []string{label[1]})
	}
	return "", fmt.Errorf("%s is not read here", m[1])
}

// matched keeps what the variable's regex takes, cut to its groups.
func (v *Variable) matched(options []string) []string {
	pattern := v.Regex
	if strings.HasPrefix(pattern, "/") {
		pattern = strings.TrimPrefix(pattern[:max(1, strings.LastIndex(pattern, "/"))], "/")
	}
	re, err := regexp.Compile(pattern)
	if pattern == "" || err != nil {
		return options
	}
	var out []string
	for _, o := range options {
		if m := re.FindStringSubmatch(o); m != nil {
			out = append(out, m[min(1, len(m)-1)])
		}
	}
	return out
}

// written are the options that stand in the file.
func (v *Variable) written() []string {
	switch v.Type {
	case "textbox", "constant":
		return []string{v.Query}
	case "custom", "interval":
		var out []string
		for _, s := range strings.Split(v.Query, ",") {
			if _, value, ok := strings.Cut(s, " : "); ok && v.Type == "custom" {
				s = value
			}
			if s = strings.TrimSpace(s); s != "" {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// choose takes what the file was saved with where it is an option, then all, then the first.
func (v *Variable) choose(options []string, span Span) Value {
	several := v.Multi || v.HasAll
	isAll := func(s string) bool { return s == "$__all" || s == "All" }
	switch {
	case v.Type == "textbox" && len(v.Current) > 0:
		return Value{List: v.Current[:1]}
	case v.Type == "textbox", v.Type == "constant":
		return Value{List: options}
	case v.Type == "interval" && len(v.Current) > 0 && strings.HasPrefix(v.Current[0], "$__auto") && v.Auto:
		whole := span.To.Sub(span.From)
		return Value{List: []string{text(max(rounded(whole/time.Duration(max(1, v.AutoCount))), duration(v.AutoMin)).Seconds()) + "s"}}
	}
	if v.Must && v.HasAll && len(options) > 0 {
		return Value{List: options[:1], Several: several}
	}
	all := v.HasAll && slices.ContainsFunc(v.Current, isAll)
	if !all {
		var kept []string
		for _, c := range v.Current {
			if slices.Contains(options, c) {
				kept = append(kept, c)
			}
		}
		if len(kept) > 0 {
			if !v.Multi {
				kept = kept[:1]
			}
			return Value{List: kept, Several: several}
		}
	}
	if v.HasAll && (all || len(options) > 0 || v.All != "") {
		if v.All != "" {
			return Value{List: []string{v.All}, Several: true, Written: true, All: options}
		}
		return Value{List: options, Several: true}
	}
	return Value{List: options[:min(1, len(options))], Several: several}
}

// Resolve asks for what the variables may be, and chooses as a reader's browser must.
func (b *Board) Resolve(ask Asker, span Span) (Values, map[string][]string, error) {
	out := Values{}
	options := map[string][]string{}
	for _, v := range b.inOrder() {
		if !v.Prometheus {
			continue
		}
		found := v.written()
		if v.Type == "query" {
			var err error
			if found, err = v.ask(ask, out.with(span, scrape, 4*scrape), span); err != nil {
				return nil, nil, fmt.Errorf("ask for $%s: %w", v.Name, err)
			}
		}
		options[v.Name] = found
		out[v.Name] = v.choose(found, span)
	}
	return out, options, nil
}

func (v *Variable) ask(ask Asker, known Values, span Span) ([]string, error) {
	m := call.FindStringSubmatch(strings.TrimSpace(v.Query))
	if m == nil {
		return nil, nil
	}
	inner := known.Fill(m[2], Value.Query)
	var found []string
	var err error
	switch m[1] {
	case "label_values":
		selector, label := splitLabel(inner)
		params := url.Values{"start": {seconds(span.From)}, "end": {seconds(span.To)}}
		if selector != "" && selector != "{}" {
			params.Set("match[]", selector)
		}
		found, err = ask.Strings("/api/v1/label/"+url.PathEscape(label)+"/values", params)
	case "query_result":
		found, err = ask.Texts(inner, span.To)
	}
	if err != nil {
		return nil, err
	}
	found = v.matched(found)
	if v.Sort > 0 {
		slices.Sort(found)
		if v.Sort%2 == 0 {
			slices.Reverse(found)
		}
	}
	var out []string
	for _, s := range found {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out, nil
}

func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
