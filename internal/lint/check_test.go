package lint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/prometheus/prometheus/promql/parser/posrange"
)

// TestCheck runs the cases of testdata/check. The command "file NAME" writes a
// file; "check NAME" writes one and prints what Check says about it, with the
// folder taken out of paths.
func TestCheck(t *testing.T) {
	datadriven.Walk(t, "testdata/check", func(t *testing.T, path string) {
		dir := t.TempDir()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if len(d.CmdArgs) != 1 {
				t.Fatalf("%s: one file name expected", d.Pos)
			}
			name := filepath.Join(dir, d.CmdArgs[0].Key)
			if err := os.WriteFile(name, []byte(d.Input+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if d.Cmd == "file" {
				return ""
			}
			docs, err := Load(name)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, f := range Check(docs) {
				b.WriteString(strings.ReplaceAll(strings.ReplaceAll(f.String(), dir+"/", ""), dir, ".") + "\n")
			}
			if b.Len() == 0 {
				return "good (" + docs[0].Kind.String() + ")\n"
			}
			return b.String()
		})
	})
}

func TestDetectKind(t *testing.T) {
	for _, c := range []struct {
		name, content string
		want          Kind
	}{
		{"a.yml", "groups: []\n", Rules},
		{"a.yml", "apiVersion: 1\ngroups: []\n", Unknown},
		{"a.yml", "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec: {groups: []}\n", Unknown},
		{"a.yml", "rule_files: [a]\ntests: []\n", RuleTests},
		{"a.yml", "scrape_configs: []\n", Prometheus},
		{"a.yml", "global: {scrape_interval: 5s}\n", Prometheus},
		{"a.yml", "global: {resolve_timeout: 5m}\n", Alertmanager},
		{"a.yml", "receivers: []\nroute: {}\n", Alertmanager},
		{"a.yml", "receivers: {}\nexporters: {}\nservice: {}\n", Unknown},
		{"a.yml", "scrape_configs: []\npositions: {}\nclients: []\n", Unknown},
		{"a.yml", "- targets: [a]\n", Targets},
		{"a.yml", "basic_auth_users: {}\n", WebConfig},
		{"touchline.yaml", "", Touchline},
		{"docker-compose.yml", "prometheus: {image: p}\nalertmanager: {image: a}\n", Unknown},
		{"dashboard.json", `{"panels": [], "schemaVersion": 39}`, Dashboard},
		{"targets.json", `[{"targets": ["a:1"]}]`, Targets},
		{"alertmanager.yml", "", Alertmanager},
		{"prometheus.prod.yml", "", Prometheus},
		{"alert_rules.yml", ": : :", Rules},
		{"x.tmpl", "{{", Template},
	} {
		if got := NewDocument(c.name, []byte(c.content)).Kind; got != c.want {
			t.Errorf("%s %q: %v, want %v", c.name, c.content, got, c.want)
		}
	}
}

func TestPosition(t *testing.T) {
	d := NewDocument("r.yml", []byte("groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: up == 0\n        labels:\n          a.b: c\n"))
	for _, c := range []struct {
		path      string
		line, col int
	}{
		{"$", 1, 1},
		{"$.groups", 1, 1},
		{"$.groups[0]", 2, 5},
		{"$.groups[0].rules[0].expr", 5, 9},
		{"$.groups[0].rules[0].labels['a.b']", 7, 11},
		{"$.groups[0].rules[0].missing", 4, 9},
		{"$.groups[7]", 1, 1},
	} {
		if line, col := d.Position(c.path); line != c.line || col != c.col {
			t.Errorf("%s: %d:%d, want %d:%d", c.path, line, col, c.line, c.col)
		}
	}
	if line, col := d.ValuePosition("$.groups[0].rules[0].expr"); line != 5 || col != 15 {
		t.Errorf("value: %d:%d", line, col)
	}
}

// TestExprPosition maps one operator of an expression into the file in every
// style that YAML has for a text.
func TestExprPosition(t *testing.T) {
	for _, c := range []struct{ name, expr string }{
		{"plain", " rate(a[5m]) > b"},
		{"single quotes", ` 'a{x="it''s"} > b'`},
		{"double quotes", ` "a{x=\"y\"} > b"`},
		{"double quotes with an escaped line", ` "a\n\u003d= c or a > b"`},
		{"literal", " |\n      rate(a[5m])\n      > b"},
		{"folded", " >-\n      rate(a[5m])\n\n      > b"},
		{"plain over lines", " rate(a[5m])\n      > b"},
		{"literal with wide runes", " |\n      a{x=\"东京\"} > b"},
		{"tagged", " !!str 'a > b'"},
		{"anchored", " &x\n      a > b"},
	} {
		content := "groups:\n- name: g\n  rules:\n  - record: a\n    expr:" + c.expr + "\n"
		rules, findings := ParseRules(NewDocument("r.yml", []byte(content)))
		if len(rules) != 1 || len(findings) > 0 {
			t.Fatalf("%s: %v", c.name, findings)
		}
		before := content[:strings.Index(content, "> b")]
		wantLine := strings.Count(before, "\n") + 1
		wantCol := len([]rune(before[strings.LastIndex(before, "\n")+1:])) + 1
		at := strings.IndexByte(rules[0].Query, '>')
		if line, col := rules[0].ExprPosition(posrange.Pos(at)); line != wantLine || col != wantCol {
			t.Errorf("%s: %d:%d, want %d:%d", c.name, line, col, wantLine, wantCol)
		}
	}
}

// TestFindingJSON keeps the names that scripts rely on.
func TestFindingJSON(t *testing.T) {
	in := Finding{File: "a.yml", Line: 3, Column: 5, Severity: Warning, Code: "unknown-field", Message: "m", Hint: "h"}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"file":"a.yml","line":3,"column":5,"severity":"warning","code":"unknown-field","message":"m","hint":"h"}`
	if string(b) != want {
		t.Errorf("%s", b)
	}
	var out Finding
	if err := json.Unmarshal(b, &out); err != nil || out != in {
		t.Errorf("%v %v", out, err)
	}
	if got := in.String(); got != "a.yml:3:5: warning: m; h [unknown-field]" {
		t.Errorf("%s", got)
	}
}

// TestSecretsAreNotPrinted checks that a message of upstream about a value that
// is secret does not carry it into a finding.
func TestSecretsAreNotPrinted(t *testing.T) {
	const secret = "hunter2-token"
	content := "route: {receiver: a}\nreceivers:\n- name: a\n  slack_configs:\n  - api_url: '" + secret + "://x'\n"
	findings := CheckAlertmanager("alertmanager.yml", []byte(content))
	if !HasErrors(findings) {
		t.Fatal("no error")
	}
	for _, f := range findings {
		if strings.Contains(f.String(), secret) {
			t.Errorf("secret in %s", f)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		"groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up ==\n",
		"scrape_configs:\n- job_name: a\n  static_configs: [{targets: ['http://x']}]\n",
		"route: {receiver: x}\nreceivers: [{name: y}]\n",
		"basic_auth_users: {a: b}\n",
		"- targets: [a]\n  labels: {x: 1}\n",
		"a: &a [*a]\n", "{{ define \"x\" }}", "groups: !!binary x\n", "? [a]\n: b\n", "\t", "groups: [{rules: [~]}]\n",
	} {
		for kind := range len(kindNames) {
			f.Add([]byte(seed), kind)
		}
	}
	f.Fuzz(func(t *testing.T, content []byte, kind int) {
		if kind < 0 || kind >= len(kindNames) || len(content) > 2<<10 {
			return
		}
		d := newDocumentOfKind(filepath.Join(t.TempDir(), "x.yml"), content, Kind(kind))
		NewDocument("x.yml", content)
		for _, finding := range check(d) {
			if finding.Line < 1 || finding.Column < 1 {
				t.Errorf("finding without a place: %s", finding)
			}
			if strings.Contains(finding.Message, standInWord) && !strings.Contains(string(content), standInWord) {
				t.Errorf("finding about what we put in: %s", finding)
			}
		}
		ParseRules(d)
	})
}

// TestManyMistakes keeps the time that one hopeless file may take within bounds,
// and says that there is more.
func TestManyMistakes(t *testing.T) {
	var b strings.Builder
	b.WriteString("scrape_configs:\n")
	for range 400 {
		b.WriteString("- job_name: same\n  scrape_timeout: 5m\n  bearer_token: a\n  bearer_token_file: b\n  relabel_configs: [{action: nothing}]\n")
	}
	findings := CheckPrometheus("prometheus.yml", []byte(b.String()))
	if n := len(findings); n < 5 {
		t.Errorf("%d findings", n)
	}
	last := findings[len(findings)-1]
	for _, f := range findings {
		if f.Code == "more-errors" {
			last = f
		}
	}
	if last.Code != "more-errors" {
		t.Errorf("last finding: %s", last)
	}
}
