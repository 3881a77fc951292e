package lint

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// checkRuleGroups finds settings in touchline.yaml for rule groups that are in none of the rule files. It needs to know
// prometheus.yml, since files are named relative to it; shipped ones, below stack/, are left alone.
func checkRuleGroups(docs []*Document) []Finding {
	dir, found := "", false
	known := map[string][]string{} // groups by file
	for _, d := range docs {
		if d.Kind == Prometheus {
			dir, found = filepath.Dir(d.Path), true
		}
	}
	if !found {
		return nil
	}
	for _, d := range docs {
		if d.Kind != Rules {
			continue
		}
		file := d.Path
		if rel, err := filepath.Rel(dir, file); err == nil {
			file = filepath.ToSlash(rel)
		}
		_, groups := valueOf(d.Root, "groups")
		for _, g := range items(groups) {
			known[file] = append(known[file], textOf(g, "name"))
		}
	}
	var out []Finding
	for _, d := range docs {
		if d.Kind != Touchline {
			continue
		}
		_, rules := valueOf(d.Root, "rules")
		_, files := valueOf(rules, "groups")
		eachPair(files, func(file string, groups *yaml.Node) {
			if strings.HasPrefix(file, "stack/") {
				return
			}
			eachPair(groups, func(group string, settings *yaml.Node) {
				if slices.Contains(known[file], group) {
					return
				}
				hint := "name the file as prometheus.yml does in rule_files, relative to it"
				if gs := known[file]; len(gs) > 0 {
					hint = "groups of this file: " + strings.Join(gs, ", ")
				}
				out = append(out, Finding{File: d.Path, Line: settings.Line, Column: settings.Column, Severity: Warning, Code: "no-rule-group",
					Message: fmt.Sprintf("no rule file %s with a group %q is loaded: the setting has no effect", file, group), Hint: hint})
			})
		})
	}
	return out
}
