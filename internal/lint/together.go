package lint

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"touchline.dev/touchline/internal/config"
)

// namesAlertmanagers returns the line of a prometheus.yml that names Alertmanagers, or 0.
func namesAlertmanagers(d *Document) int {
	if d.Kind != Prometheus {
		return 0
	}
	_, alerting := valueOf(d.Root, "alerting")
	key, list := valueOf(alerting, "alertmanagers")
	if len(items(list)) == 0 {
		return 0
	}
	return key.Line
}

// checkUnusedAlertmanager finds a touchline.yaml that names an alertmanager.yml
// and a prometheus.yml whose Alertmanagers get the alerts instead.
func checkUnusedAlertmanager(docs []*Document) []Finding {
	var out []Finding
	for _, d := range docs {
		if d.Kind != Touchline {
			continue
		}
		named := map[string]config.NamedFile{}
		for _, f := range config.NamedFiles(d.Path, d.Bytes) {
			named[f.Flag] = f
		}
		am, prom := named["alertmanager.config"], named["prometheus.config"]
		if am.Path == "" || prom.Path == "" {
			continue
		}
		for _, p := range docs {
			if line := namesAlertmanagers(p); line > 0 && samePath(p.Path, prom.Path) {
				out = append(out, Finding{File: d.Path, Line: am.Line, Column: am.Column, Severity: Warning, Code: "alertmanager-not-used",
					Message: fmt.Sprintf("%s: %s has no effect: %s:%d names Alertmanagers, and those get the alerts", am.Field, am.Path, p.Path, line),
					Hint:    "take one of them out"})
			}
		}
	}
	return out
}

// checkRulesAreLoaded finds rule files that no configuration beside them loads:
// each is well-formed, and none of their alerts would ever fire.
func checkRulesAreLoaded(docs []*Document) []Finding {
	var confs []*Document
	for _, d := range docs {
		if d.Kind == Prometheus {
			confs = append(confs, d)
		}
	}
	if len(confs) == 0 {
		return nil
	}
	var out []Finding
	for _, d := range docs {
		if d.Kind != Rules || slices.ContainsFunc(confs, func(c *Document) bool { return loads(c, d) || mayLoadElsewhere(c, d) }) {
			continue
		}
		who := confs[0].Path + " does not name this file in rule_files"
		if len(confs) > 1 {
			who = fmt.Sprintf("%s and %d more do not name this file in rule_files", confs[0].Path, len(confs)-1)
		}
		out = append(out, Finding{File: d.Path, Line: 1, Column: 1, Severity: Warning, Code: "rules-not-loaded",
			Message: who + ": none of its rules is loaded", Hint: fmt.Sprintf("write rule_files: [%q] into %s", rulePattern(docs, d, confs[0]), confs[0].Path)})
	}
	return out
}

// mayLoadElsewhere reports whether a configuration names files of that name at a
// place which is not there: the files are mounted or copied to it where they run.
func mayLoadElsewhere(conf, rules *Document) bool {
	_, list := valueOf(conf.Root, "rule_files")
	for _, pattern := range items(list) {
		if !filepath.IsAbs(pattern.Value) {
			continue
		}
		if _, err := os.Stat(filepath.Dir(pattern.Value)); err == nil {
			continue
		}
		if ok, err := filepath.Match(filepath.Base(pattern.Value), filepath.Base(rules.Path)); err == nil && ok {
			return true
		}
	}
	return false
}

// rulePattern is what a configuration can write to load a rule file: its whole
// folder, unless that is the configuration's own or has something else in it.
func rulePattern(docs []*Document, rules, conf *Document) string {
	name := rules.Path
	if rel, err := filepath.Rel(filepath.Dir(absolute(conf.Path)), absolute(rules.Path)); err == nil {
		name = filepath.ToSlash(rel)
	}
	all := "*" + path.Ext(name)
	if path.Dir(name) == "." || slices.ContainsFunc(docs, func(d *Document) bool {
		in, err := path.Match(path.Join(path.Dir(filepath.ToSlash(absolute(rules.Path))), all), filepath.ToSlash(absolute(d.Path)))
		return d.Kind != Rules && (err != nil || in)
	}) {
		return name
	}
	return path.Join(path.Dir(name), all)
}

// Notes says what is right in each file and may still surprise: nothing of it
// is a finding, since other programs may read the files in another way.
func Notes(docs []*Document) []string {
	var out []string
	for _, p := range docs {
		line := namesAlertmanagers(p)
		if line == 0 {
			continue
		}
		for _, am := range docs {
			if am.Kind == Alertmanager {
				out = append(out, fmt.Sprintf("%s:%d names Alertmanagers: \"touchline run\" sends alerts to those, and %s has no effect there", p.Path, line, am.Path))
			}
		}
	}
	return out
}
