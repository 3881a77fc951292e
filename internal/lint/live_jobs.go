package lint

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// checkJobs finds rules that select a job which the configuration that loads them does not scrape. It looks only at configurations whose
// series cannot have another job: no relabelling writes the label, no scraped label is honoured, nothing is received or read from elsewhere.
func checkJobs(docs []*Document) []Finding {
	var out []Finding
	for _, d := range docs {
		if d.Kind != Prometheus {
			continue
		}
		jobs, ok := closedJobs(d)
		if !ok {
			continue
		}
		for _, other := range docs {
			if other.Kind == Rules && loads(d, other) {
				out = append(out, checkJobMatchers(d, other, jobs)...)
			}
		}
	}
	return out
}

// closedJobs returns the names of the scrape jobs, and whether no other job can be meant.
func closedJobs(d *Document) ([]string, bool) {
	for _, key := range []string{"remote_read", "scrape_config_files", "otlp"} {
		if _, v := valueOf(d.Root, key); v != nil {
			return nil, false
		}
	}
	_, list := valueOf(d.Root, "scrape_configs")
	var names []string
	for _, job := range items(list) {
		if textOf(job, "honor_labels") == "true" || textOf(job, "job_name") == "" {
			return nil, false
		}
		for _, key := range []string{"relabel_configs", "metric_relabel_configs"} {
			_, rules := valueOf(job, key)
			for _, rule := range items(rules) {
				if target := textOf(rule, "target_label"); target == "job" || strings.Contains(target, "$") || textOf(rule, "action") == "labelmap" {
					return nil, false
				}
			}
		}
		_, groups := valueOf(job, "static_configs")
		for _, group := range items(groups) {
			if _, set := stringMap(group, "labels")["job"]; set {
				return nil, false
			}
		}
		names = append(names, textOf(job, "job_name"))
	}
	return names, len(names) > 0
}

// loads reports whether the configuration's rule_files name the rule file.
func loads(d, rules *Document) bool {
	_, list := valueOf(d.Root, "rule_files")
	for _, pattern := range items(list) {
		full := pattern.Value
		if !filepath.IsAbs(full) {
			full = filepath.Join(filepath.Dir(d.Path), full)
		}
		if ok, err := filepath.Match(absolute(full), absolute(rules.Path)); err == nil && ok {
			return true
		}
	}
	return false
}

// absolute makes paths comparable that were given in different ways.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return filepath.Clean(path)
}

func samePath(a, b string) bool { return absolute(a) == absolute(b) }

func checkJobMatchers(d, doc *Document, jobs []string) []Finding {
	for _, own := range InProcessJobs() {
		jobs = append(jobs, own.Name)
	}
	rules, _ := ParseRules(doc)
	var recorded []string
	for _, r := range rules {
		if !r.Alert {
			recorded = append(recorded, r.Name)
		}
	}
	var out []Finding
	for i := range rules {
		r := &rules[i]
		parser.Inspect(r.Expr, func(node parser.Node, _ []parser.Node) error {
			s, ok := node.(*parser.VectorSelector)
			if !ok || slices.Contains(recorded, metricName(s)) || strings.Contains(metricName(s), ":") {
				return nil
			}
			for _, m := range s.LabelMatchers {
				if m.Name != "job" || m.Matches("") || m.Type == labels.MatchNotEqual || m.Type == labels.MatchNotRegexp || slices.ContainsFunc(jobs, m.Matches) {
					continue
				}
				line, col := r.ExprPosition(matcherPosition(r.Query, s, m))
				hint := "the jobs are " + fewOf(jobs[:len(jobs)-len(InProcessJobs())])
				if near, _ := nearestName(m.Value, jobs); near != "" && m.Type == labels.MatchEqual {
					hint = fmt.Sprintf("the nearest job is %q", near)
				}
				out = append(out, Finding{File: doc.Path, Line: line, Column: col, Severity: Warning, Code: "unknown-job",
					Message: fmt.Sprintf("%s: it selects %s, a job that %s, which loads this file, does not scrape", r.title(), m, d.Path), Hint: hint})
			}
			return nil
		})
	}
	return out
}
