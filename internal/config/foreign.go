package config

import (
	"fmt"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// foreignFiles are the files of other programs that are taken for ours, by all
// the keys that they have at the top, and what to do with them instead.
var foreignFiles = []struct {
	what, belongs string
	keys          []string
	instead       string // with the file's name
}{
	{
		"a Prometheus file", "prometheus.yml (--prometheus.config)",
		[]string{"scrape_configs", "rule_files", "scrape_config_files", "global", "alerting", "remote_write", "remote_read", "storage", "tracing", "runtime", "otlp"},
		"give it as --prometheus.config=%s",
	},
	{
		"an Alertmanager file", "alertmanager.yml (--alertmanager.config)",
		[]string{"route", "receivers", "inhibit_rules", "templates", "time_intervals", "mute_time_intervals", "global", "tracing"},
		"give it as --alertmanager.config=%s",
	},
	{
		"a rule file", "a rule file, which prometheus.yml names in rule_files",
		[]string{"groups"},
		"name it in prometheus.yml: rule_files: [%s]",
	},
}

// foreign says what is to be done with a file that is none of ours, and reports
// whether it is one: it has keys of another program's file only, and one that
// neither ours has nor more than one of theirs.
func (r *fileReader) foreign(n ast.Node) bool {
	var entries []*ast.MappingValueNode
	switch t := n.(type) {
	case *ast.MappingNode:
		entries = t.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{t}
	}
	for _, f := range foreignFiles {
		var telling *ast.MappingValueNode
		for _, e := range entries {
			key := keyOf(e)
			if !slices.Contains(f.keys, key) {
				telling = nil
				break
			}
			if telling == nil && key != "global" && key != "tracing" && !slices.Contains(childrenOf(""), key) {
				telling = e
			}
		}
		if telling != nil {
			r.problem(position(telling.Key), "", fmt.Sprintf(f.instead, r.name), "this is %s, not touchline.yaml: it has %s", f.what, keyOf(telling))
			return true
		}
	}
	return false
}

// foreignKey is what to do with a key at the top that another program's file has, or "".
func foreignKey(key string) string {
	for _, f := range foreignFiles {
		if slices.Contains(f.keys, key) {
			return "it belongs in " + f.belongs
		}
	}
	return ""
}

func keyOf(e *ast.MappingValueNode) string {
	if t := e.Key.GetToken(); t != nil {
		return t.Value
	}
	return ""
}
