package stack_test

import (
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// group is one alert that fires and one that is over, with text that has to be escaped.
func group(t *template.Template) *template.Data {
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	one := func(instance string, ends time.Time) *alert.Alert {
		return &alert.Alert{Alert: model.Alert{
			Labels:      model.LabelSet{"alertname": "HostHighCpu", "severity": "critical", "instance": model.LabelValue(instance), "path": `C:\"x"`},
			Annotations: model.LabelSet{"summary": "CPU <of> " + model.LabelValue(instance), "description": "97 %", "runbook_url": "https://t.example/ui/runbooks/HostHighCpu"},
			StartsAt:    begin, EndsAt: ends, GeneratorURL: "https://t.example/graph?g0.expr=" + url.QueryEscape(`rate(cpu{mode!~"idle|iowait"}[5m]) * 100 > 90 + 0 and on() x^2 % 3 == 1`) + "&g0.tab=1",
		}}
	}
	return t.Data("team", model.LabelSet{"alertname": "HostHighCpu"}, nil, "", one("db1", time.Now().Add(time.Hour)), one("db2", begin.Add(10*time.Minute)))
}

// TestReceiverTemplates keeps what the definitions say in files for people to read.
func TestReceiverTemplates(t *testing.T) {
	tmpl, err := template.FromGlobs([]string{"alertmanager/touchline.tmpl"})
	if err != nil {
		t.Fatal(err)
	}
	tmpl.ExternalURL = &url.URL{Scheme: "https", Host: "t.example"}
	names := regexp.MustCompile(`\{\{ define "([^"]+)"`).FindAllStringSubmatch(string(read(t, "alertmanager/touchline.tmpl")), -1)
	if len(names) != 3+2*7 {
		t.Errorf("%d definitions", len(names))
	}
	for _, n := range names {
		name := n[1]
		if strings.HasPrefix(name, "touchline.expr") {
			continue
		}
		if en, zh := strings.CutSuffix(name, ".zh"); !zh && name != "touchline.silence" && !strings.Contains(string(read(t, "alertmanager/touchline.tmpl")), `{{ define "`+en+`.zh" }}`) {
			t.Errorf("%s has no Chinese", name)
		}
		execute := tmpl.ExecuteTextString
		if strings.Contains(name, ".html") {
			execute = tmpl.ExecuteHTMLString
		}
		got, err := execute(`{{ template "`+name+`" . }}`, group(tmpl))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(got+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil || got+"\n" != string(want) {
			t.Errorf("%s is stale, %v; rewrite with: go test ./stack -update\n%s", file, err, got)
		}
		if strings.HasPrefix(name, "touchline.slack.text") {
			if strings.Contains(got, "<of>") || strings.Contains(got, "> 90") {
				t.Errorf("%s does not escape what Slack takes for its own", name)
			}
			continue
		}
		if strings.Contains(name, "text") && !strings.Contains(got, `rate(cpu{mode!~"idle|iowait"}[5m]) * 100 > 90 + 0 and on() x^2 % 3 == 1`) {
			t.Errorf("%s does not show the expression", name)
		}
	}
	silence, err := tmpl.ExecuteTextString(`{{ template "touchline.silence" . }}`, group(tmpl))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(strings.Replace(silence, "/#/", "/", 1))
	if err != nil || u.Query().Get("filter") != `{alertname="HostHighCpu",path="C:\\\"x\"",severity="critical"}` {
		t.Errorf("%v of %s: %v", u.Query(), silence, err)
	}
}
