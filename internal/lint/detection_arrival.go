package lint

import (
	"path/filepath"
	"time"

	amcommon "github.com/prometheus/alertmanager/config/common"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/matcher/parse"
	amlabels "github.com/prometheus/alertmanager/pkg/labels"
	"go.yaml.in/yaml/v3"

	"touchline.dev/touchline/internal/rules/arrival"
)

// earlyFlush is about how long an alert waits that is told at once.
const earlyFlush = 5 * time.Millisecond

// OnArrival is how a Touchline server shortens the way of an alert: by
// evaluating rules when samples arrive, and by telling urgent alerts at once.
type OnArrival struct {
	// Disabled says of which rules the interval alone decides.
	Disabled func(r *ParsedRule) bool
	// Early are the matchers of alerts that do not wait for group_wait; none means that all wait.
	Early amlabels.Matchers
	// Inhibited are the target sides of the inhibition rules: what one of them may match waits for group_wait.
	Inhibited []amlabels.Matchers
}

// newOnArrival reads the settings of touchline.yaml, or takes the defaults, and
// the inhibition rules. Files with errors are read as far as they can be.
func newOnArrival(docs []*Document) *OnArrival {
	defaults := amlabels.Matcher{Type: amlabels.MatchEqual, Name: "severity", Value: "critical"}
	out := &OnArrival{Early: amlabels.Matchers{&defaults}}
	mode, groups := "enabled", map[[2]string]string{}
	dir := "."
	for _, d := range docs {
		switch d.Kind {
		case Touchline:
			_, settings := valueOf(d.Root, "rules")
			if v := textOf(settings, "arrival"); v != "" {
				mode = v
			}
			_, files := valueOf(settings, "groups")
			eachPair(files, func(file string, list *yaml.Node) {
				eachPair(list, func(group string, value *yaml.Node) {
					groups[[2]string{file, group}] = textOf(value, "arrival")
				})
			})
			_, alerting := valueOf(d.Root, "alerting")
			_, early := valueOf(alerting, "early_flush")
			if _, node := valueOf(early, "matchers"); node != nil {
				out.Early = nil
				if ms, err := parse.Matchers(node.Value); err == nil {
					out.Early = ms
				}
			}
		case Prometheus:
			dir = filepath.Dir(d.Path)
		case Alertmanager:
			out.Inhibited = append(out.Inhibited, inhibited(d)...)
		}
	}
	for _, d := range docs {
		if d.Kind != Prometheus {
			continue
		}
		_, alerting := valueOf(d.Root, "alerting")
		if _, elsewhere := valueOf(alerting, "alertmanagers"); len(items(elsewhere)) > 0 {
			out.Early = nil // another program tells people
		}
	}
	out.Disabled = func(r *ParsedRule) bool {
		file := r.Document.Path
		if rel, err := filepath.Rel(dir, file); err == nil {
			file = filepath.ToSlash(rel)
		}
		if own := groups[[2]string{file, r.Group}]; own != "" {
			return own == "disabled"
		}
		return mode == "disabled"
	}
	return out
}

// inhibited are the target sides of the inhibition rules of a file.
func inhibited(d *Document) []amlabels.Matchers {
	_, node := valueOf(d.Root, "inhibit_rules")
	var out []amlabels.Matchers
	for _, n := range items(node) {
		var r amcommon.InhibitRule
		if n.Decode(&r) == nil {
			out = append(out, inhibit.NewInhibitRule(r).TargetMatchers)
		}
	}
	return out
}

// eachPair calls f for the pairs of a mapping.
func eachPair(n *yaml.Node, f func(key string, value *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f(n.Content[i].Value, n.Content[i+1])
	}
}

// urgent says whether an alert of the rule is sure to be told at once, or why one that is urgent is not.
func (o *OnArrival) urgent(r *ParsedRule) (sure bool, why string) {
	if o == nil || len(o.Early) == 0 {
		return false, ""
	}
	known := alertLabels(r)
	if matchAll(o.Early, known) != yes {
		return false, ""
	}
	for _, ms := range o.Inhibited {
		if matchAll(ms, known) != no {
			return false, "; an inhibition rule may mute it, so that it is not told at once"
		}
	}
	return true, ""
}

// plan says how a rule is evaluated on arrival; nil where its interval decides.
func (c *detector) plan(r *ParsedRule) *arrival.Plan {
	if c.OnArrival == nil || c.OnArrival.Disabled(r) {
		return nil
	}
	if c.recorded == nil {
		c.recorded = map[string][]arrival.Recording{}
		for i := range c.Rules {
			if rec := &c.Rules[i]; !rec.Alert {
				c.recorded[rec.Name] = append(c.recorded[rec.Name], arrival.Recording{Name: rec.Name, Expr: rec.Expr})
			}
		}
	}
	if p := arrival.Analyze(r.Expr, c.recorded); p.Class != arrival.Ticks {
		return p
	}
	return nil
}
