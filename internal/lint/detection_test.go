package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// splitArchive turns "-- name --" sections into documents.
func splitArchive(text string) []*Document {
	var names []string
	content := map[string]string{}
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok && strings.HasSuffix(name, " --") {
			names = append(names, strings.TrimSuffix(name, " --"))
			continue
		}
		if len(names) > 0 {
			content[names[len(names)-1]] += line
		}
	}
	var docs []*Document
	for _, name := range names {
		docs = append(docs, NewDocument(name, []byte(content[name])))
	}
	return docs
}

// TestDetection runs the cases of testdata/detection: "detect [max=60s] [upstream]" prints each alert's parts, then the findings.
func TestDetection(t *testing.T) {
	datadriven.Walk(t, "testdata/detection", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			limit := time.Minute
			in := NewDetectionInput(splitArchive(d.Input))
			for _, arg := range d.CmdArgs {
				if arg.Key == "upstream" {
					in.OnArrival = nil
					continue
				}
				parsed, err := time.ParseDuration(arg.Vals[0])
				if err != nil {
					d.Fatalf(t, "parse max: %v", err)
				}
				limit = parsed
			}
			var b strings.Builder
			detections := DetectionTimes(in)
			for _, found := range detections {
				fmt.Fprintln(&b, found)
				for _, part := range found.Parts {
					fmt.Fprintf(&b, "  %s %s: %s\n", part.Name, part.Duration, part.Why)
				}
				for _, note := range found.Notes {
					fmt.Fprintf(&b, "  note: %s\n", note)
				}
			}
			for _, f := range CheckDetection(detections, limit) {
				fmt.Fprintln(&b, f)
			}
			return b.String()
		})
	})
}

func TestSettingsOfUnknownRuleGroups(t *testing.T) {
	docs := []*Document{
		NewDocument("conf/touchline.yaml", []byte("rules:\n  groups:\n    rules/a.yml:\n      g: {arrival: eager}\n      h: {no_data: keep}\n    b.yml:\n      g: {arrival: disabled}\n    stack/rules/host.yml: {x: {arrival: disabled}}\n")),
		NewDocument("conf/prometheus.yml", []byte("rule_files: [rules/*.yml]\n")),
		NewDocument("conf/rules/a.yml", []byte("groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]\n")),
	}
	var got []string
	for _, f := range CheckMistakes(docs) {
		if f.Code == "no-rule-group" {
			got = append(got, fmt.Sprintf("%s:%d:%d: %s; %s", f.File, f.Line, f.Column, f.Message, f.Hint))
		}
	}
	want := []string{
		`conf/touchline.yaml:5:10: no rule file rules/a.yml with a group "h" is loaded: the setting has no effect; groups of this file: g`,
		`conf/touchline.yaml:7:10: no rule file b.yml with a group "g" is loaded: the setting has no effect; name the file as prometheus.yml does in rule_files, relative to it`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if fs := CheckMistakes(docs[:1]); len(fs) > 0 {
		t.Errorf("without prometheus.yml nothing is known of its rules: %v", fs)
	}
}
