package lint

import (
	"fmt"
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
