package main

import (
	"encoding/json"
	"fmt"
	"io"

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
configuration and touchline.yaml, and the files that they name. A folder is searched for *.yml, *.yaml and *.tmpl; what each
file is, is told by its content. All errors of all files are listed, each as file:line:col with what to write instead.

A file is refused exactly when Prometheus's and Alertmanager's own parsers refuse it. Warnings tell what such a file cannot
do although it is well-formed; with --url also which metrics, labels and values nothing exports, and which joins match nothing.
With --detection every alert's worst-case time from fault to notification is printed (scrape, evaluation, for, grouping);
--max-detection makes a critical alert that may take longer an error.

Exit code: 0 when there is no error, 1 when there is one (with --strict also for warnings), 2 when a path could not be read.`,
		Args: cobra.MinimumNArgs(1),
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
	detections := lint.DetectionTimes(lint.NewDetectionInput(docs))
	more, err := f.beyond.findings(cmd.Context(), docs, detections, func(s string) { cmd.PrintErrln("touchline:", s) })
	if err != nil {
		return &exitError{exitUsage, err}
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
	checked := 0
	for _, f := range report.Files {
		if f.Kind == lint.Unknown.String() {
			fmt.Fprintf(w, "%s: not checked: it looks like %s\n", f.Path, f.About)
			continue
		}
		checked++
	}
	fmt.Fprintf(w, "%d files checked: %d errors, %d warnings\n", checked, report.Errors, report.Warnings)
}
