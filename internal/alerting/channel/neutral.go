package channel

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/prometheus/alertmanager/template"
)

// Anybody who can raise an alert writes into messages that people trust, so what
// alerts say must be neither a link under another name nor a heading of ours.
// Services that know an escape get Entities, the others Twins.

// twins look like characters that begin markup, and are none.
var twins = map[rune]string{
	'<': "＜", '>': "＞", '[': "［", ']': "］", '(': "（", '*': "＊", '`': "｀", '~': "～", '#': "＃", '-': "－", '=': "＝", '_': "＿",
}

// Twins puts characters that look alike where Markdown would be read, for
// services that know no escape. It changes little of what is no Markdown, so that
// most expressions can still be copied.
func Twins(s string) string {
	if address, ok := webAddress(s); ok {
		return address
	}
	return replace(s, twins, func(before, r, after rune) bool {
		switch r {
		case '<': // of a tag, a comment or a call
			return unicode.IsLetter(after) || strings.ContainsRune("/!?@", after)
		case ']': // of a link or of a definition; at the end a template may go on with the rest
			return after == 0 || strings.ContainsRune("([:", after)
		case '(':
			return before == 0
		case '*':
			return !unicode.IsSpace(before) || !unicode.IsSpace(after)
		case '~':
			return before == '~' || after == '~'
		}
		return r == '`'
	})
}

// entities are the escapes that Feishu's page on rich text asks for.
var entities = map[rune]string{
	'<': "&#60;", '>': "&#62;", '[': "&#91;", ']': "&#93;", '*': "&#42;", '`': "&#96;", '~': "&#126;", '#': "&#35;", '-': "&#45;", '=': "&#61;", '_': "&#95;", '&': "&#38;",
}

// Entities escapes what Markdown could be made of, for services that read HTML's
// numbers of characters.
func Entities(s string) string {
	if address, ok := webAddress(s); ok {
		return address
	}
	return replace(s, entities, func(_, r, after rune) bool {
		if r == '&' {
			return after == '#' || unicode.IsLetter(after)
		}
		return strings.ContainsRune("<[]*`~", r)
	})
}

// replace writes some characters as something else: those that match tells of,
// and those that make a line a heading, a quotation or a rule. Before the first
// and after the last character match is told 0.
func replace(s string, by map[rune]string, match func(before, r, after rune) bool) string {
	text := []rune(s)
	var out strings.Builder
	begin, ruled := true, false // where the line has said nothing yet; where it is a rule
	for n, r := range text {
		var before, after rune
		if n > 0 {
			before = text[n-1]
		}
		if n+1 < len(text) {
			after = text[n+1]
		}
		if before == 0 || before == '\n' || before == '\r' {
			begin, ruled = true, isRule(text[n:])
		}
		marks := begin && (r == '#' || r == '>') || ruled && strings.ContainsRune("-=_", r)
		if with, ok := by[r]; ok && (marks || match(before, r, after)) {
			out.WriteString(with)
		} else {
			out.WriteRune(r)
		}
		begin = begin && (marks || r == ' ' || r == '\t')
	}
	return out.String()
}

// isRule tells whether a line has nothing but what underlines or separates.
func isRule(text []rune) bool {
	if end := slices.IndexFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }); end >= 0 {
		text = text[:end]
	}
	line := strings.TrimSpace(string(text))
	return line != "" && strings.Trim(line, "-=_ \t") == ""
}

// webAddress tells that a text is an address and nothing else, in a form that
// Markdown leaves alone: templates make links of such annotations.
func webAddress(s string) (string, bool) {
	s = strings.TrimSpace(s)
	link := webLink(s)
	if link == "" || strings.ContainsFunc(s, unicode.IsSpace) {
		return "", false
	}
	return strings.NewReplacer("[", "%5B", "]", "%5D", "*", "%2A", "`", "%60").Replace(link), true
}

// neutralised is a copy of a message in which what alerts say is changed.
func (m *Message) neutralised(by func(string) string) *Message {
	if by == nil {
		return m
	}
	changed := func(kv template.KV) template.KV {
		kv = maps.Clone(kv)
		for k, v := range kv {
			kv[k] = by(v)
		}
		return kv
	}
	out, data := *m, *m.Data
	data.GroupLabels, data.CommonLabels, data.CommonAnnotations = changed(data.GroupLabels), changed(data.CommonLabels), changed(data.CommonAnnotations)
	out.Data, out.Alerts = &data, slices.Clone(m.Alerts)
	for n := range out.Alerts {
		a := &out.Alerts[n]
		a.Labels, a.Annotations, a.neutralise = changed(a.Labels), changed(a.Annotations), by
		if link := webLink(a.GeneratorURL); link != "" {
			a.GeneratorURL = link
		} else {
			a.GeneratorURL = by(a.GeneratorURL)
		}
	}
	return &out
}
