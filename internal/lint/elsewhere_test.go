package lint

import (
	"path/filepath"
	"testing"
)

// TestRulesOfAnotherMachine has a configuration that names its rule files where
// they are mounted in a container.
func TestRulesOfAnotherMachine(t *testing.T) {
	dir := t.TempDir()
	for pattern, want := range map[string]int{
		"/nowhere/to/be/found/rules/*.yml": 0,
		"/nowhere/to/be/found/other.yml":   1, // another name
		filepath.Join(dir, "*.yaml"):       1, // the folder is here, and the file is not among them
	} {
		docs := []*Document{
			NewDocument(filepath.Join(dir, "prometheus.yml"), []byte("rule_files: ['"+pattern+"']\nscrape_configs: []\n")),
			NewDocument(filepath.Join(dir, "rules.yml"), []byte("groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]\n")),
		}
		if got := checkRulesAreLoaded(docs); len(got) != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
}
