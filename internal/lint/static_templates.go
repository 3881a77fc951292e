package lint

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/alert"
	amtemplate "github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"touchline.dev/touchline/internal/alerting/channel/registry"
	"touchline.dev/touchline/stack"
)

// checkNotificationTemplates fills the templates in receivers with a firing and a resolved alert. Alertmanager looks at them only when it has
// something to tell, and then tells nobody.
func checkNotificationTemplates(d *Document) []Finding {
	t, err := loadTemplates(d)
	if err != nil {
		return nil // checkAlertmanager says what is wrong with the files
	}
	data := sampleData(t)
	var out []Finding
	_, receivers := valueOf(d.Root, "receivers")
	for _, receiver := range items(receivers) {
		name := textOf(receiver, "name")
		for _, n := range texts(receiver, "", 0) {
			execute := t.ExecuteTextString
			if n.key == "html" {
				execute = t.ExecuteHTMLString
			}
			_, err := execute(n.node.Value, data)
			if err == nil {
				continue
			}
			message, hint, certain := templateFailure(err.Error(), d)
			if !certain {
				continue
			}
			out = append(out, Finding{File: d.Path, Line: n.node.Line, Column: n.node.Column, Severity: Warning, Code: "bad-template",
				Message: fmt.Sprintf("receiver %q: %s cannot be filled in, so that nothing is sent: %s", name, n.key, message), Hint: hint})
		}
	}
	return out
}

func loadTemplates(d *Document) (*amtemplate.Template, error) {
	return registry.Base(string(shippedTemplates()), templateGlobs(d), exampleURL)()
}

var exampleURL = &url.URL{Scheme: "http", Host: "alertmanager.example.com"}

// shippedTemplates are the definitions that the server adds. What is embedded
// can be read.
func shippedTemplates() []byte {
	raw, _ := stack.FS.ReadFile("alertmanager/touchline.tmpl")
	return raw
}

func templateGlobs(d *Document) []string {
	var out []string
	_, list := valueOf(d.Root, "templates")
	for _, item := range items(list) {
		pattern := item.Value
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(d.Path), pattern)
		}
		out = append(out, pattern)
	}
	return out
}

// sampleData is a group with one alert that fires and one that is resolved.
func sampleData(t *amtemplate.Template) *amtemplate.Data {
	now := time.Now()
	sample := func(instance string, ends time.Time) *alert.Alert {
		return &alert.Alert{Alert: model.Alert{
			Labels:      model.LabelSet{"alertname": "Sample", "instance": model.LabelValue(instance), "job": "sample", "severity": "critical"},
			Annotations: model.LabelSet{"summary": "a sample", "description": "a sample", "runbook_url": "http://example.com/"},
			StartsAt:    now.Add(-time.Hour), EndsAt: ends, GeneratorURL: "http://example.com/",
		}, UpdatedAt: now}
	}
	return t.Data("sample", model.LabelSet{"alertname": "Sample"}, nil, "", sample("a:1", time.Time{}), sample("b:1", now.Add(-time.Minute)))
}

type keyedText struct {
	key  string
	node *yaml.Node
}

// texts returns the texts below a node that have a template in them.
func texts(n *yaml.Node, key string, depth int) []keyedText {
	if depth > 50 {
		return nil
	}
	var out []keyedText
	switch n.Kind {
	case yaml.AliasNode:
		return texts(n.Alias, key, depth+1)
	case yaml.ScalarNode:
		if strings.Contains(n.Value, "{{") {
			out = append(out, keyedText{key, n})
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			out = append(out, texts(c, key, depth+1)...)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			out = append(out, texts(n.Content[i+1], n.Content[i].Value, depth+1)...)
		}
	}
	return out
}

var (
	noSuchTemplate = regexp.MustCompile(`template "([^"]*)" not defined|no such template "([^"]*)"`)
	noSuchField    = regexp.MustCompile(`can't evaluate field (\w+) in type (\S+)`)
	executing      = regexp.MustCompile(`^template: [^:]*:\d+(?::\d+)?: (?:executing "[^"]*" at )?`)
	defined        = regexp.MustCompile(`\{\{-?\s*(?:define|block)\s+"([^"]+)"`)
)

// templateFailure says what is wrong with a template. What depends on the sample, such as an index beyond a label's text, is not certain.
func templateFailure(msg string, d *Document) (message, hint string, certain bool) {
	message = strings.TrimSpace(executing.ReplaceAllString(msg, ""))
	if m := noSuchTemplate.FindStringSubmatch(msg); m != nil {
		name := m[1] + m[2]
		hint = "define it in a file under templates:"
		if meant := nearest(name, definedTemplates(d)); meant != "" {
			hint = fmt.Sprintf("did you mean %q?", meant)
		}
		return message, hint, true
	}
	if m := noSuchField.FindStringSubmatch(msg); m != nil {
		fields := []string{"Receiver", "Status", "Alerts", "GroupLabels", "CommonLabels", "CommonAnnotations", "ExternalURL"}
		if strings.HasSuffix(m[2], ".Alert") {
			fields = []string{"Status", "Labels", "Annotations", "StartsAt", "EndsAt", "GeneratorURL", "Fingerprint"}
		}
		if strings.HasSuffix(m[2], ".Alerts") {
			fields = []string{"Firing", "Resolved"}
		}
		hint = "write one of ." + strings.Join(fields, ", .")
		if meant := nearest(m[1], fields); meant != "" {
			hint = fmt.Sprintf("did you mean .%s?", meant)
		}
		return message, hint, true
	}
	if !strings.Contains(msg, "executing ") {
		return message, templateHint(msg), true
	}
	return message, "", false
}

// definedTemplates lists the names in the files of the document, and those that every Alertmanager has.
func definedTemplates(d *Document) []string {
	out := []string{"__subject", "__description", "slack.default.title", "slack.default.text", "slack.default.fallback", "email.default.subject", "email.default.html",
		"pagerduty.default.description", "opsgenie.default.message", "webhook.default.message", "telegram.default.message", "pushover.default.title", "discord.default.title", "msteams.default.title"}
	for _, name := range defined.FindAllSubmatch(shippedTemplates(), -1) {
		out = append(out, string(name[1]))
	}
	for _, pattern := range templateGlobs(d) {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			continue
		}
		for _, m := range matches {
			doc, err := loadFile(m)
			if err != nil {
				continue
			}
			for _, name := range defined.FindAllSubmatch(doc.Bytes, -1) {
				out = append(out, string(name[1]))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
