package config

import (
	"fmt"
	"strings"
	"testing"
)

// A file of another program is told as what it is, and how it is given.
func TestForeignFiles(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"prometheus.yml", "global: {scrape_interval: 5s}\nrule_files: [a.yml]\nscrape_configs: []\nalerting: {}\n",
			"prometheus.yml:2:1: this is a Prometheus file, not touchline.yaml: it has rule_files; give it as --prometheus.config=prometheus.yml"},
		{"am.yml", "route: {receiver: r}\nreceivers: [{name: r}]\n", "am.yml:1:1: this is an Alertmanager file, not touchline.yaml: it has route; give it as --alertmanager.config=am.yml"},
		{"rules.yml", "groups: []\n", "rules.yml:1:1: this is a rule file, not touchline.yaml: it has groups; name it in prometheus.yml: rule_files: [rules.yml]"},
		{"touchline.yaml", "web: {read_timeout: 5m}\nscrape_configs: []\n", "touchline.yaml:2:1: scrape_configs: unknown key; it belongs in prometheus.yml (--prometheus.config)"},
		{"touchline.yaml", "log: {level: debug}\nroute: {}\n", "touchline.yaml:2:1: route: unknown key; it belongs in alertmanager.yml (--alertmanager.config)"},
		{"touchline.yaml", "storage: {path: d}\n", ""}, // a key of both
		{"touchline.yaml", "", ""},
	} {
		var got []string
		for _, p := range CheckFile(c.name, []byte(c.text)) {
			got = append(got, fmt.Sprint(p))
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, strings.Join(got, "\n"), c.want)
		}
	}
}
