package lint

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	amconfig "github.com/prometheus/alertmanager/config"
	amtemplate "github.com/prometheus/alertmanager/template"
)

// CheckAlertmanager says everything that is wrong with an alertmanager.yml and
// with the templates that it names, relative to path. It has no errors exactly
// when amtool check-config accepts the file.
func CheckAlertmanager(path string, content []byte) []Finding {
	return finish(checkAlertmanager(newDocumentOfKind(path, content, Alertmanager)))
}

func checkAlertmanager(d *Document) []Finding {
	matcherMode()
	r := &repairer{doc: d, kind: Alertmanager, locate: locateAlertmanager}
	r.parse = func(content []byte) []problem {
		_, err := amconfig.Load(string(content))
		return yamlProblems(err)
	}
	findings := r.run()
	if r.tree == nil {
		return findings
	}
	cfg, err := amconfig.Load(string(r.tree.render()))
	if err != nil {
		return findings
	}
	for i, pattern := range cfg.Templates {
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(d.Path), pattern)
		}
		n := r.tree.root.get("templates").item(i)
		matches, err := filepath.Glob(pattern)
		if err != nil {
			findings = append(findings, referenced(d, n, fmt.Errorf("template pattern %q: %w", pattern, err)))
			continue
		}
		if len(matches) == 0 {
			f := referenced(d, n, fmt.Errorf("no file matches %q", pattern))
			f.Severity, f.Code, f.Hint = Warning, "no-template-file", missingFileHint(n)
			findings = append(findings, f)
		}
		for _, m := range matches {
			content, err := os.ReadFile(m)
			if err != nil {
				findings = append(findings, referenced(d, n, fmt.Errorf("template file %q: %w", m, plainPathError(err))))
				continue
			}
			findings = append(findings, checkTemplate(newDocumentOfKind(m, content, Template))...)
		}
	}
	return findings
}

var (
	undefinedReceiver = regexp.MustCompile(`^undefined receiver ("(?:[^"\\]|\\.)*") used in route$`)
	undefinedInterval = regexp.MustCompile(`^undefined time interval ("(?:[^"\\]|\\.)*") used in route$`)
	duplicateNamed    = regexp.MustCompile(`^(notification config name|mute time interval|time interval) ("(?:[^"\\]|\\.)*") is not unique$`)
)

// locateAlertmanager knows the place of messages that name a receiver or an
// interval, and of those about the root route.
func locateAlertmanager(r *repairer, p problem) *treeNode {
	root := r.tree.root
	if m := undefinedReceiver.FindStringSubmatch(p.msg); m != nil {
		return inRoutes(root.get("route"), func(route *treeNode) *treeNode {
			if n := route.get("receiver"); n != nil && strconv.Quote(n.text()) == m[1] {
				return n
			}
			return nil
		})
	}
	if m := undefinedInterval.FindStringSubmatch(p.msg); m != nil {
		return inRoutes(root.get("route"), func(route *treeNode) *treeNode {
			for _, key := range []string{"active_time_intervals", "mute_time_intervals"} {
				for _, n := range liveItems(route.get(key)) {
					if strconv.Quote(n.text()) == m[1] {
						return n
					}
				}
			}
			return nil
		})
	}
	if m := duplicateNamed.FindStringSubmatch(p.msg); m != nil {
		lists := map[string][]string{
			"notification config name": {"receivers"}, "mute time interval": {"mute_time_intervals"}, "time interval": {"mute_time_intervals", "time_intervals"},
		}[m[1]]
		seen := false
		for _, list := range lists {
			for _, item := range liveItems(root.get(list)) {
				if name := item.get("name"); name != nil && strconv.Quote(name.text()) == m[2] {
					if seen {
						return name
					}
					seen = true
				}
			}
		}
	}
	switch {
	case strings.HasPrefix(p.msg, "root route must specify"):
		return root.get("route")
	case strings.HasPrefix(p.msg, "root route must not have any matchers"):
		return firstOf(root.at("route", "matchers"), root.at("route", "match"), root.at("route", "match_re"))
	case strings.HasPrefix(p.msg, "root route must not have any mute"):
		return root.at("route", "mute_time_intervals")
	case strings.HasPrefix(p.msg, "root route must not have any active"):
		return root.at("route", "active_time_intervals")
	case strings.HasPrefix(p.msg, "cannot have continue"):
		return root.at("route", "continue")
	}
	return nil
}

// inRoutes looks into a route's children before itself, as upstream does.
func inRoutes(route *treeNode, find func(*treeNode) *treeNode) *treeNode {
	if route == nil {
		return nil
	}
	for _, child := range liveItems(route.get("routes")) {
		if n := inRoutes(child, find); n != nil {
			return n
		}
	}
	return find(route)
}

// CheckTemplate says what is wrong with a template file of Alertmanager.
func CheckTemplate(path string, content []byte) []Finding {
	return finish(checkTemplate(newDocumentOfKind(path, content, Template)))
}

func checkTemplate(d *Document) []Finding {
	t, err := amtemplate.New()
	if err == nil {
		err = t.Parse(bytes.NewReader(d.Bytes))
	}
	if err == nil {
		return nil
	}
	f := Finding{File: d.Path, Line: 1, Column: 1, Code: "bad-template", Message: err.Error(), Hint: templateHint(err.Error())}
	if m := templatePlace.FindStringSubmatch(err.Error()); m != nil {
		f.Message = m[3]
		if n, convErr := strconv.Atoi(m[1]); convErr == nil {
			f.Line = max(n, 1)
		}
		f.Column = firstColumn(d.Bytes, f.Line)
		if n, convErr := strconv.Atoi(m[2]); convErr == nil && m[2] != "" {
			f.Column = n + 1
		}
	}
	return []Finding{f}
}

var undefinedFunction = regexp.MustCompile(`function "(\w+)" not defined`)

func templateHint(msg string) string {
	if m := undefinedFunction.FindStringSubmatch(msg); m != nil {
		names := []string{"and", "or", "not", "len", "index", "slice", "print", "printf", "println", "html", "js", "urlquery", "eq", "ne", "lt", "le", "gt", "ge"}
		for name := range amtemplate.DefaultFuncs {
			names = append(names, name)
		}
		names = append(names, "query", "first", "value", "label", "humanize", "humanize1024", "humanizeDuration", "humanizePercentage", "humanizeTimestamp", "reReplaceAll", "externalURL", "pathPrefix", "tableLink", "graphLink", "sortByLabel", "parseDuration", "stripPort", "stripDomain", "toTime", "args", "tmpl", "safeHtml")
		if meant := nearest(m[1], sorted(names)); meant != "" {
			return fmt.Sprintf("did you mean %s?", meant)
		}
		return "use a function that templates have here, or write {{ \"{{\" }} for literal braces"
	}
	switch {
	case strings.Contains(msg, "undefined variable"):
		if m := undefinedName.FindStringSubmatch(msg); m != nil {
			if meant := nearest(m[2], []string{"$externalLabels", "$externalURL", "$labels", "$value"}); meant != "" {
				return fmt.Sprintf("did you mean %s?", meant)
			}
		}
		return "write $labels, $value, $externalLabels or $externalURL, or define the variable first"
	case strings.Contains(msg, "unclosed action"), strings.Contains(msg, "unterminated"):
		return "close the action with }} on the same line, and every quote in it"
	case strings.Contains(msg, "unexpected EOF"):
		return "close every {{ if }}, {{ range }}, {{ with }} and {{ define }} with {{ end }}"
	case strings.Contains(msg, "unexpected {{end}}"):
		return "remove this {{ end }}, or open its {{ if }} or {{ range }}"
	}
	return "correct the template, or write {{ \"{{\" }} for literal braces"
}
