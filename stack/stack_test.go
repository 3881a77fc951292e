package stack_test

import (
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.uber.org/goleak"

	"touchline.dev/touchline/stack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shippedRule is a rule with the interval of its group and the file that holds it.
type shippedRule struct {
	rulefmt.Rule
	file     string
	interval time.Duration
}

// shippedRules parses every rule file as the server does and fails on any error in one.
func shippedRules(t *testing.T) []shippedRule {
	t.Helper()
	var rules []shippedRule
	for _, file := range stack.Rules() {
		groups, errs := rulefmt.Parse(read(t, file), false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		for _, err := range errs {
			t.Errorf("%s: %v", file, err)
		}
		if groups == nil {
			continue
		}
		for _, group := range groups.Groups {
			for _, rule := range group.Rules {
				rules = append(rules, shippedRule{Rule: rule, file: file, interval: time.Duration(group.Interval)})
			}
		}
	}
	if len(rules) == 0 {
		t.Fatal("no rules ship")
	}
	return rules
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	raw, err := fs.ReadFile(stack.FS, file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAlertsSayWhatTheyMust(t *testing.T) {
	seen := map[string]bool{}
	for _, rule := range shippedRules(t) {
		if rule.Alert == "" {
			continue
		}
		if seen[rule.Alert] {
			t.Errorf("%s: %s is defined twice", rule.file, rule.Alert)
		}
		seen[rule.Alert] = true
		for _, annotation := range []string{"summary", "description"} {
			if strings.TrimSpace(rule.Annotations[annotation]) == "" {
				t.Errorf("%s: %s has no %s", rule.file, rule.Alert, annotation)
			}
		}
		if got, want := rule.Annotations["runbook_url"], "{{ $externalURL }}/ui/runbooks/"+rule.Alert; got != want {
			t.Errorf("%s: %s: runbook_url is %q, want %q", rule.file, rule.Alert, got, want)
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, rule.Labels["severity"]) {
			t.Errorf("%s: %s: severity is %q", rule.file, rule.Alert, rule.Labels["severity"])
		}
		if rule.Labels["team"] == "" {
			t.Errorf("%s: %s has no team", rule.file, rule.Alert)
		}
	}
	for _, name := range stack.Runbooks() {
		if !seen[name] {
			t.Errorf("runbooks/%s.md belongs to no alert", name)
		}
	}
}

func TestEveryAlertHasARunbookInBothLanguages(t *testing.T) {
	for _, rule := range shippedRules(t) {
		if rule.Alert == "" {
			continue
		}
		for _, language := range []string{"en", "zh"} {
			text, err := stack.Runbook(rule.Alert, language)
			if err != nil {
				t.Errorf("%s: %v", language, err)
				continue
			}
			if !strings.HasPrefix(string(text), "# "+rule.Alert+"\n") {
				t.Errorf("%s: the runbook of %s does not begin with its name", language, rule.Alert)
			}
			if got := strings.Count(string(text), "\n## "); got != 5 {
				t.Errorf("%s: the runbook of %s has %d sections, want 5", language, rule.Alert, got)
			}
			// The page quotes the expression: it must not lag behind the rule.
			if !strings.Contains(squeeze(string(text)), squeeze(rule.Expr)) {
				t.Errorf("%s: the runbook of %s shows another expression than %s", language, rule.Alert, rule.file)
			}
			// A silence without the token is refused, so the command has to name it.
			silence := "credentials_file: data/admin.token\\n' >amtool-http.yml\namtool silence add alertname=" + rule.Alert + " "
			if !strings.Contains(string(text), silence) || !strings.Contains(string(text), " --http.config.file=amtool-http.yml\n") {
				t.Errorf("%s: the runbook of %s has no amtool command with the admin token", language, rule.Alert)
			}
			if !strings.Contains(string(text), "`"+rule.Labels["severity"]+"`") {
				t.Errorf("%s: the runbook of %s does not name its severity", language, rule.Alert)
			}
		}
	}
	if _, err := stack.Runbook("../alertmanager", "en"); err == nil {
		t.Error("a name with a path was served")
	}
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// unitTest is what this test needs of a promtool unit-test file.
type unitTest struct {
	RuleFiles []string `yaml:"rule_files"`
	Tests     []struct {
		AlertRuleTest []struct {
			Alertname string           `yaml:"alertname"`
			ExpAlerts []map[string]any `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
		PromqlExprTest []struct {
			Expr string `yaml:"expr"`
		} `yaml:"promql_expr_test"`
	} `yaml:"tests"`
}

func TestEveryRuleIsTested(t *testing.T) {
	fires, quiet := map[string]bool{}, map[string]bool{}
	var queries strings.Builder
	for _, file := range stack.Tests() {
		var unit unitTest
		if err := yaml.Unmarshal(read(t, file), &unit); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, rules := range unit.RuleFiles {
			read(t, path.Join("tests", rules))
		}
		for _, test := range unit.Tests {
			for _, alert := range test.AlertRuleTest {
				if len(alert.ExpAlerts) > 0 {
					fires[alert.Alertname] = true
				} else {
					quiet[alert.Alertname] = true
				}
			}
			for _, query := range test.PromqlExprTest {
				queries.WriteString(query.Expr + "\n")
			}
		}
	}
	for _, rule := range shippedRules(t) {
		switch {
		case rule.Record != "":
			if !strings.Contains(queries.String(), rule.Record) {
				t.Errorf("no test reads %s", rule.Record)
			}
		case !fires[rule.Alert]:
			t.Errorf("no test fires %s", rule.Alert)
		// The watchdog is there to fire always; no case can keep it quiet.
		case !quiet[rule.Alert] && rule.Alert != "Watchdog":
			t.Errorf("no test keeps %s quiet", rule.Alert)
		}
	}
}

// loadAlertmanager reads the shipped file with upstream's own loader.
func loadAlertmanager(t *testing.T) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "alertmanager.yml")
	if err := os.WriteFile(file, read(t, "alertmanager.yml"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.LoadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAlertmanagerFileLoads(t *testing.T) {
	c := loadAlertmanager(t)
	if c.Route.Receiver != "none" || len(c.Receivers) != 1 {
		t.Errorf("root receiver is %q of %d, want the empty one alone", c.Route.Receiver, len(c.Receivers))
	}
	alerts := map[string]bool{}
	for _, rule := range shippedRules(t) {
		alerts[rule.Alert] = true
	}
	// A pair that names an alert that does not ship mutes nothing.
	for _, inhibit := range c.InhibitRules {
		for _, m := range slices.Concat(inhibit.SourceMatchers, inhibit.TargetMatchers) {
			if m.Name != "alertname" {
				continue
			}
			for name := range strings.SplitSeq(m.Value, "|") {
				if !alerts[name] {
					t.Errorf("an inhibition names %s, which does not ship", name)
				}
			}
		}
	}
}

// TestCriticalAlertsAreToldWithinAMinute adds up scrape, for, evaluation and
// group_wait, with the scrape interval of the sources in the process.
func TestCriticalAlertsAreToldWithinAMinute(t *testing.T) {
	var wait time.Duration
	for _, route := range loadAlertmanager(t).Route.Routes {
		for _, m := range route.Matchers {
			if m.Name == "severity" && m.Value == "critical" {
				wait = time.Duration(*route.GroupWait)
			}
		}
	}
	if wait == 0 {
		t.Fatal("critical alerts have no route of their own")
	}
	for _, rule := range shippedRules(t) {
		if rule.Labels["severity"] != "critical" {
			continue
		}
		if rule.interval == 0 || rule.interval > 5*time.Second {
			t.Errorf("%s is evaluated every %s, want 5s or less", rule.Alert, rule.interval)
		}
		// A sample may come just after an evaluation, and for may end just after another.
		worst := time.Second + time.Duration(rule.For) + 2*rule.interval + wait
		if worst > time.Minute {
			t.Errorf("%s is told after %s", rule.Alert, worst)
		}
		t.Logf("%-24s %s", rule.Alert, worst)
	}
}
