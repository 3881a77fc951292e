package lint

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/pkg/labels"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/spelling"
	"touchline.dev/touchline/stack"
)

// checkReach finds escalations and components of the status page that no alert
// of a rule can ever be about, where all rules are known. An alert that somebody
// sends by API may be meant, so that it is a warning.
func checkReach(docs []*Document) []Finding {
	var out []Finding
	for _, d := range docs {
		if d.Kind != Touchline || len(config.CheckFile(d.Path, d.Bytes)) > 0 {
			continue
		}
		conf := prometheusOf(d, docs)
		alerts, ok := knownAlerts(conf, docs)
		if !ok {
			continue
		}
		sections := config.DynamicOf(d.Path, d.Bytes)
		warn := func(field string, u unmet, code, effect string) {
			if u.message == "" {
				return
			}
			if u.index >= 0 {
				field = fmt.Sprintf("%s[%d]", field, u.index)
			}
			out = append(out, settingFinding(d, sections.Problem(field, u.hint, "%s, so that %s", u.message, effect), Warning, code))
		}
		for n, e := range sections.Escalations {
			warn(fmt.Sprintf("escalations[%d].match", n), unmetBy(e.Match, nil, alerts), "escalation-never-taken", "nobody is called by it")
		}
		if sections.StatusPage == nil {
			continue
		}
		for n, c := range sections.StatusPage.Components {
			for m, a := range c.Alerts {
				u := unmetBy(a.Match, severityOf(a), alerts)
				if u.message == "" {
					u = misspelt(a.Match, alerts, conf)
				}
				warn(fmt.Sprintf("status_page.components[%d].alerts[%d].match", n, m), u, "component-never-down", fmt.Sprintf("%s is never shown as down by it", c.ID))
			}
		}
	}
	return out
}

// severityOf matches the severities that say something about a component.
func severityOf(a config.StatusAlert) *labels.Matcher {
	states := a.States
	if states == nil {
		states = config.StatusStates()
	}
	var names []string
	for _, s := range slices.Sorted(maps.Keys(states)) {
		names = append(names, regexp.QuoteMeta(s))
	}
	m, err := labels.NewMatcher(labels.MatchRegexp, "severity", strings.Join(names, "|"))
	if err != nil {
		return nil // Quoted names are a regular expression.
	}
	return m
}

// unmet says why no alert meets matchers.
type unmet struct {
	index         int    // of the matcher that none meets, -1 where each is met by itself
	message, hint string // "" where an alert may meet them
}

// unmetBy holds matchers against alerts. also is one that is not written.
func unmetBy(match []string, also *labels.Matcher, alerts []knownLabels) unmet {
	each, all := parseEach(match)
	if also != nil {
		all = append(all, also)
	}
	if anyAlert(all, alerts) {
		return unmet{}
	}
	for i, ms := range each {
		for _, m := range ms {
			if !anyAlert(labels.Matchers{m}, alerts) {
				message, hint := unmetOne(m, alerts)
				return unmet{i, message, hint}
			}
		}
	}
	if also != nil && anyAlert(all[:len(all)-1], alerts) {
		return unmet{-1, "the alerts that match have none of the severities of states", "write the severities that they have into states"}
	}
	return unmet{-1, "no alert rule has all of these labels", "write matchers that hold for one alert, or give its rule the labels"}
}

// misspelt finds a value that no rule gives a label, and that looks like one
// which a rule gives it. It may still be the label of a series, unless the
// scrape configuration does not have that word.
func misspelt(match []string, alerts []knownLabels, conf *Document) unmet {
	each, _ := parseEach(match)
	for i, ms := range each {
		for _, m := range ms {
			_, values := givenBy(alerts, m.Name)
			if m.Type != labels.MatchEqual || slices.Contains(values, m.Value) || bytes.Contains(conf.Bytes, []byte(m.Value)) {
				continue
			}
			if near := spelling.Nearest(m.Value, values); near != "" && spelling.Distance(m.Value, near) <= maxSlip {
				return unmet{i, fmt.Sprintf("no alert rule has %s", m), fmt.Sprintf("did you mean %q?", near)}
			}
		}
	}
	return unmet{}
}

// maxSlip is how many letters a word may differ in to look like a slip.
const maxSlip = 2

// parseEach reads matchers. What cannot be read is for the check of the file to say.
func parseEach(match []string) (each []labels.Matchers, all labels.Matchers) {
	for _, text := range match {
		ms, _ := labels.ParseMatchers(text)
		each, all = append(each, ms), append(all, ms...)
	}
	return each, all
}

// givenBy lists the labels that rules decide, and the values that they give one.
func givenBy(alerts []knownLabels, label string) (names, values []string) {
	for _, k := range alerts {
		for name, value := range k.values {
			names = append(names, name)
			if name == label {
				values = append(values, value)
			}
		}
	}
	return unique(names), unique(values)
}

func unique(list []string) []string { return slices.Compact(sorted(list)) }

func anyAlert(ms labels.Matchers, alerts []knownLabels) bool {
	return slices.ContainsFunc(alerts, func(k knownLabels) bool { return matchAll(ms, k) != no })
}

// unmetOne says which values a label has instead of the one that is asked for.
func unmetOne(m *labels.Matcher, alerts []knownLabels) (message, hint string) {
	names, values := givenBy(alerts, m.Name)
	message = fmt.Sprintf("no alert rule has %s", m)
	if m.Type == labels.MatchEqual {
		hint = spelling.DidYouMean(m.Value, values)
	}
	switch {
	case hint != "":
	case len(values) == 0:
		if hint = spelling.DidYouMean(m.Name, names); hint == "" {
			hint = "give the rule that is meant this label"
		}
	case len(values) > maxValues:
		hint = fmt.Sprintf("rules give it %d other values, such as %s", len(values), strings.Join(values[:3], ", "))
	default:
		hint = "rules give it " + strings.Join(values, ", ")
	}
	return message, hint
}

// maxValues is how many values a hint lists.
const maxValues = 10

// prometheusOf is the prometheus.yml that a touchline.yaml names, nil where none is read.
func prometheusOf(d *Document, docs []*Document) *Document {
	for _, named := range config.NamedFiles(d.Path, d.Bytes) {
		if named.Flag != "prometheus.config" {
			continue
		}
		if i := slices.IndexFunc(docs, func(o *Document) bool { return o.Kind == Prometheus && samePath(o.Path, named.Path) }); i >= 0 {
			return docs[i]
		}
	}
	return nil
}

// knownAlerts are the labels of all alerts that a prometheus.yml can raise: by
// its rules, and by those that ship. It is false where not all of them are
// known, or something may give alerts other labels.
func knownAlerts(conf *Document, docs []*Document) ([]knownLabels, bool) {
	if conf == nil || len(conf.Syntax) > 0 || namesAlertmanagers(conf) > 0 {
		return nil, false
	}
	_, alerting := valueOf(conf.Root, "alerting")
	if _, relabel := valueOf(alerting, "alert_relabel_configs"); relabel != nil {
		return nil, false
	}
	rules, ok := rulesOf(conf, docs)
	if !ok {
		return nil, false
	}
	_, global := valueOf(conf.Root, "global")
	var out []knownLabels
	for i := range rules {
		if !rules[i].Alert {
			continue
		}
		k := alertLabels(&rules[i])
		for name := range stringMap(global, "external_labels") {
			if _, decided := k.values[name]; !decided {
				k.open[name] = true // it is added where the alert has none
			}
		}
		out = append(out, k)
	}
	return out, true
}

// rulesOf are all rules that a server with a prometheus.yml has. It is false
// where a file of them is not there or has mistakes.
func rulesOf(conf *Document, docs []*Document) ([]ParsedRule, bool) {
	var out []ParsedRule
	for _, name := range stack.Rules() {
		raw, err := stack.FS.ReadFile(name)
		if err != nil {
			return nil, false
		}
		rules, _ := ParseRules(newDocumentOfKind(name, raw, Rules))
		out = append(out, rules...)
	}
	_, list := valueOf(conf.Root, "rule_files")
	for _, pattern := range items(list) {
		full := pattern.Value
		if !filepath.IsAbs(full) {
			full = filepath.Join(filepath.Dir(conf.Path), full)
		}
		// A file that is there and is no document could not be read.
		files, err := filepath.Glob(full)
		if err != nil || slices.ContainsFunc(files, func(file string) bool {
			return !slices.ContainsFunc(docs, func(o *Document) bool { return o.Kind == Rules && samePath(o.Path, file) })
		}) {
			return nil, false
		}
		found := false
		for _, o := range docs {
			if ok, err := filepath.Match(absolute(full), absolute(o.Path)); err != nil || !ok {
				continue
			}
			rules, findings := ParseRules(o)
			if HasErrors(findings) {
				return nil, false
			}
			found, out = true, append(out, rules...)
		}
		if !found {
			return nil, false
		}
	}
	return out, true
}
