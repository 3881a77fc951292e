package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/lint"
)

// checkFlags are the flags of "check".
type checkFlags struct {
	output    string
	strict    bool
	detection bool
	beyond    checkBeyond
}

func newCheckCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check PATH…",
		Short: "Say everything that is wrong with configuration and rule files",
		Long: `Checks prometheus.yml, rule files, alertmanager.yml, notification templates, scrape_config_files, target files, web
configuration, tokens, cluster TLS and touchline.yaml, and the files that they name; Grafana's dashboards and the files that
provision them and data sources. Of touchline.yaml that is also all that its provisioning folder holds, and who can be
called and when: receivers, people and schedules that are not there, hours in which nobody is on call, rules of recurrence, and
escalations and components of the status page that no alert can be about. A folder is searched for *.yml, *.yaml,
*.tmpl and *.json with targets or a dashboard; what each file is, is told by its content. All errors of all
files are listed, each as file:line:col with what to write instead.

A file is refused exactly when Prometheus's and Alertmanager's own parsers refuse it. Warnings tell what such a file cannot
do although it is well-formed; with --url also which metrics, labels and values that rules and dashboards select nothing exports,
which joins match nothing, and which targets cannot be scraped and why. What rule files of the same run record counts as exported.
--metrics names files of metrics to compare with where no server can be asked. --output=json prints what docs/format/check-report.md describes.
With --detection every alert's worst-case time from fault to notification is printed (scrape, evaluation, for, grouping),
as this server works, which evaluates most rules when samples arrive and tells critical alerts at once; with --upstream as
Prometheus and Alertmanager do. --max-detection makes a critical alert that may take longer an error.

Exit code: 0 when there is no error, 1 when there is one (with --strict also for warnings), 2 when a path could not be read
or none of the named files is one to check.`,
		Args: func(_ *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				return errors.New("name files or folders to check, such as: touchline check prometheus.yml rules/")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, paths []string) error { return f.execute(cmd, paths) },
	}
	cmd.Flags().StringVar(&f.output, "output", "text", "text or json")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "treat warnings as errors")
	cmd.Flags().BoolVar(&f.detection, "detection", false, "print every alert's worst-case detection time")
	f.beyond.register(cmd)
	return cmd
}

// checkReport is what --output=json prints. Fields are added, never renamed or
// removed.
type checkReport struct {
	Files    []checkedFile  `json:"files"`
	Findings []lint.Finding `json:"findings"`
	// Detections has the worst-case detection time of every alert.
	Detections []lint.Detection `json:"detections"`
	Errors     int              `json:"errors"`
	Warnings   int              `json:"warnings"`
}

type checkedFile struct {
	Path string `json:"path"`
	Kind string `json:"kind"`
	// About says what a file of kind "unknown" looks like; it is not checked.
	About string `json:"about,omitempty"`
}

func (f *checkFlags) execute(cmd *cobra.Command, paths []string) error {
	if f.output != "text" && f.output != "json" {
		return &exitError{exitUsage, fmt.Errorf("--output=%s: write text or json", f.output)}
	}
	var docs []*lint.Document
	for _, p := range paths {
		d, err := lint.Load(p)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		docs = append(docs, d...)
	}
	docs = lint.WithReferenced(docs)
	input := lint.NewDetectionInput(docs)
	if f.beyond.upstream {
		input.OnArrival = nil
	}
	detections := lint.DetectionTimes(input)
	more, err := f.beyond.findings(cmd.Context(), docs, detections, func(s string) { cmd.PrintErrln("touchline:", s) })
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if !f.beyond.upstream {
		for _, n := range lint.Notes(docs) {
			cmd.PrintErrln("touchline:", n)
		}
	}
	findings := append(lint.Check(docs), more...)
	lint.Sort(findings)
	report := checkReport{Files: []checkedFile{}, Findings: findings, Detections: detections}
	if findings == nil {
		report.Findings = []lint.Finding{}
	}
	for i := range report.Findings {
		if f.strict {
			report.Findings[i].Severity = lint.Error
		}
		if report.Findings[i].Severity == lint.Error {
			report.Errors++
		} else {
			report.Warnings++
		}
	}
	for _, d := range docs {
		report.Files = append(report.Files, checkedFile{Path: d.Path, Kind: d.Kind.String(), About: d.About})
	}
	if f.output == "json" {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(report); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	} else {
		printCheck(cmd.OutOrStdout(), report, f.detection)
	}
	if report.Errors > 0 {
		return &exitError{code: exitFindings}
	}
	// A folder may hold what it likes; who names a file means that one.
	foreign := func(f checkedFile) bool {
		return f.Kind == lint.Unknown.String() && slices.ContainsFunc(paths, func(p string) bool { return filepath.Clean(p) == f.Path })
	}
	if len(report.Files) > 0 && !slices.ContainsFunc(report.Files, func(f checkedFile) bool { return !foreign(f) }) {
		return &exitError{exitUsage, errors.New("nothing was checked: what was named is no file that Prometheus, Alertmanager or Touchline reads")}
	}
	return nil
}

func printCheck(w io.Writer, report checkReport, detection bool) {
	for _, f := range report.Findings {
		fmt.Fprintln(w, f)
	}
	if detection {
		for _, d := range report.Detections {
			fmt.Fprintln(w, d)
		}
	}
	checked, unchecked := 0, map[string][]string{}
	for _, f := range report.Files {
		if f.Kind == lint.Unknown.String() {
			unchecked[f.About] = append(unchecked[f.About], f.Path)
			continue
		}
		checked++
	}
	for _, about := range slices.Sorted(maps.Keys(unchecked)) {
		fmt.Fprintln(w, notChecked(about, unchecked[about]))
	}
	fmt.Fprintf(w, "%s checked: %s, %s\n", counted(checked, "file"), counted(report.Errors, "error"), counted(report.Warnings, "warning"))
}

// notChecked is one line about all files that look alike: a repository has many that are none of ours.
func notChecked(about string, paths []string) string {
	what := "looks like " + about
	if len(paths) > 1 {
		what = "look like " + about
	}
	if about == "" {
		what = "no file that Prometheus, Alertmanager or Touchline reads"
	}
	if len(paths) == 1 {
		return fmt.Sprintf("%s: not checked: %s", paths[0], what)
	}
	return fmt.Sprintf("%s and %d more: not checked: %s", paths[0], len(paths)-1, what)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
