package shadow

import (
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// shippedPrefix begins the names of the rule files that come with Touchline.
const shippedPrefix = "stack/"

// shippedAlerts returns what says of an alert that a rule that comes with
// Touchline has raised it, and none that was given to it. It is nil where no such
// rule is loaded.
func shippedAlerts(groups []apiGroup) func(labels.Labels) bool {
	var shipped, given []apiRule
	for _, g := range groups {
		for _, r := range g.Rules {
			switch {
			case r.Type == "recording":
			case strings.HasPrefix(g.File, shippedPrefix):
				shipped = append(shipped, r)
			default:
				given = append(given, r)
			}
		}
	}
	if len(shipped) == 0 {
		return nil
	}
	return func(ls labels.Labels) bool { return anyRaises(shipped, ls) && !anyRaises(given, ls) }
}

func anyRaises(rules []apiRule, ls labels.Labels) bool {
	for _, r := range rules {
		if r.Name == ls.Get(labels.AlertName) && r.couldRaise(ls) {
			return true
		}
	}
	return false
}

// couldRaise says whether an alert has the labels that the rule sets, as far as
// they are no templates.
func (r apiRule) couldRaise(ls labels.Labels) bool {
	for k, v := range r.Labels {
		if !strings.Contains(v, "{{") && ls.Get(k) != v {
			return false
		}
	}
	return true
}
