package lint

import (
	"fmt"

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
