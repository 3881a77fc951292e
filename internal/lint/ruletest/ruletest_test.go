package ruletest

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cockroachdb/datadriven"
	"go.uber.org/goleak"

	"github.com/prometheus/prometheus/promql/parser"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// archive splits "-- name --" sections into a file system.
func archive(text string) fstest.MapFS {
	files := fstest.MapFS{}
	var current *fstest.MapFile
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok && strings.HasSuffix(name, " --") {
			current = &fstest.MapFile{}
			files[strings.TrimSuffix(name, " --")] = current
			continue
		}
		if current != nil {
			current.Data = append(current.Data, line...)
		}
	}
	return files
}

// TestCases runs every archive under testdata: "run [run=REGEX] [features] FILE…" prints the report.
func TestCases(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var files fstest.MapFS
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "files":
				files = archive(d.Input)
				return ""
			case "run":
				opts := Options{FS: files}
				var names []string
				for _, arg := range d.CmdArgs {
					switch arg.Key {
					case "match":
						opts.Run = regexp.MustCompile(arg.Vals[0])
					case "experimental":
						opts.Parser = parser.Options{EnableExperimentalFunctions: true}
					case "ignore-unknown":
						opts.IgnoreUnknownFields = true
					default:
						names = append(names, arg.Key)
					}
				}
				report, err := Run(t.Context(), names, opts)
				if err != nil {
					return "error: " + err.Error() + "\n"
				}
				var out bytes.Buffer
				if err := report.WriteText(&out); err != nil {
					t.Fatal(err)
				}
				return out.String()
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	})
}

const upRules = `groups:
  - name: up
    rules:
      - alert: Down
        expr: up == 0
        for: 1m
      - alert: Never
        expr: absent(up)
`

const upTest = `rule_files: [../rules/up.yml]
tests:
  - interval: 1m
    name: down
    input_series:
      - {series: 'up{job="a"}', values: '0 0 0'}
    alert_rule_test:
      - {eval_time: 2m, alertname: Down, exp_alerts: [{exp_labels: {job: a}}]}
`

func TestSameReportFromDiskAndFS(t *testing.T) {
	files := fstest.MapFS{"rules/up.yml": {Data: []byte(upRules)}, "tests/up_test.yml": {Data: []byte(upTest)}}
	embedded, err := Run(t.Context(), []string{"tests/up_test.yml"}, Options{FS: files})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	disk, err := Run(t.Context(), []string{filepath.Join(dir, "tests", "up_test.yml")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*Report{"fs": embedded, "disk": disk} {
		if r.Failed() || r.Alerts != 2 || len(r.Unfired) != 1 || r.Unfired[0].Name != "Never" || r.Unfired[0].Line != 7 {
			t.Errorf("%s: failed %v, %d alerts, unfired %v", name, r.Failed(), r.Alerts, r.Unfired)
		}
	}
}

// An expression over ALERTS that is as expected sees an alert firing, as the test
// does that the console writes; one that expects nothing does not.
func TestExpressionsCover(t *testing.T) {
	for expr, want := range map[string]int{
		`{expr: 'count(ALERTS{alertname="Down", alertstate="firing"})', eval_time: 2m, exp_samples: [{value: 1}]}`:               1,
		`{expr: 'sum(ALERTS{alertstate=~"f.*"}) + 1', eval_time: 2m, exp_samples: [{value: 2}]}`:                                 1,
		`{expr: 'count(ALERTS{alertname="Never", alertstate="firing"}) or vector(0)', eval_time: 2m, exp_samples: [{value: 0}]}`: 2,
		`{expr: 'count(ALERTS{alertstate="pending"}) or vector(7)', eval_time: 2m, exp_samples: [{value: 7}]}`:                   2,
		`{expr: 'up == 0', eval_time: 2m, exp_samples: [{labels: 'up{job="a"}', value: 0}]}`:                                     2,
		`{expr: 'count(ALERTS{alertname="Down", alertstate="firing"})', eval_time: 2m, exp_samples: [{value: 5}]}`:               2,
	} {
		test := strings.Split(upTest, "    alert_rule_test:")[0] + "    promql_expr_test:\n      - " + expr + "\n"
		r, err := Run(t.Context(), []string{"tests/up_test.yml"}, Options{FS: fstest.MapFS{"rules/up.yml": {Data: []byte(upRules)}, "tests/up_test.yml": {Data: []byte(test)}}})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Unfired) != want || r.Failed() != strings.Contains(expr, "value: 5") {
			t.Errorf("%s: failed %v, unfired %v", expr, r.Failed(), r.Unfired)
		}
	}
}

func TestRunErrors(t *testing.T) {
	if _, err := Run(t.Context(), []string{"missing.yml"}, Options{FS: fstest.MapFS{}}); !errors.Is(err, ErrUnreadable) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	files := fstest.MapFS{"rules/up.yml": {Data: []byte(upRules)}, "tests/up_test.yml": {Data: []byte(upTest)}}
	if _, err := Run(ctx, []string{"tests/up_test.yml"}, Options{FS: files}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled run: %v", err)
	}
}

func TestMachineReports(t *testing.T) {
	broken := strings.Replace(upTest, "job: a}", "job: b}", 1)
	files := fstest.MapFS{"rules/up.yml": {Data: []byte(upRules)}, "tests/up_test.yml": {Data: []byte(broken)}}
	var ticks time.Duration
	clock := func() time.Time { ticks += time.Second; return time.Unix(0, 0).Add(ticks) }
	report, err := Run(t.Context(), []string{"tests/up_test.yml"}, Options{FS: files, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	if !report.Failed() || len(report.Unfired) != 2 {
		t.Fatalf("failed %v, unfired %v", report.Failed(), report.Unfired)
	}
	var junit bytes.Buffer
	if err := report.WriteJUnit(&junit); err != nil {
		t.Fatal(err)
	}
	var suites junitSuites
	if err := xml.Unmarshal(junit.Bytes(), &suites); err != nil {
		t.Fatal(err)
	}
	if s := suites.Suites[0]; s.Tests != 1 || s.Failures != 1 || s.Cases[0].Seconds != "1.000" || !strings.Contains(s.Cases[0].Failures[0], `+ labels`) {
		t.Errorf("junit: %+v", s)
	}
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if f := back.Files[0].Tests[0].Failures[0]; f.Line != 8 || !slices.Equal(f.Expected, report.Files[0].Tests[0].Failures[0].Expected) {
		t.Errorf("json failure: %+v", f)
	}
}

// FuzzParseFile checks that no input makes the loader panic, and that every failure has a position inside the file.
func FuzzParseFile(f *testing.F) {
	f.Add([]byte(upTest))
	f.Add([]byte("tests:\n- interval: 1m\n  start_timestamp: x\n"))
	f.Add([]byte("a: &x [*x]\n"))
	f.Add([]byte("\xff\x00: ["))
	f.Fuzz(func(t *testing.T, content []byte) {
		file, _, failures := parseFile("x.yml", content)
		if file == nil && len(failures) == 0 {
			t.Fatal("neither a file nor a failure")
		}
		lines := bytes.Count(content, []byte("\n")) + 1
		for _, failure := range failures {
			if failure.Line < 1 || failure.Line > lines || failure.Column < 1 {
				t.Fatalf("position out of the file of %d lines: %s", lines, failure)
			}
		}
	})
}
