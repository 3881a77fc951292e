package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/lint"
)

// checkFlags are the flags of "check".
type checkFlags struct {
	output string
	strict bool
	beyond checkBeyond
}

func newCheckCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check PATH…",
		Short: "Say everything that is wrong with configuration and rule files",
		Long: `Checks prometheus.yml, rule files, alertmanager.yml, notification templates, scrape_config_files, target files, web
configuration and touchline.yaml, and the files that they name. A folder is searched for *.yml, *.yaml and *.tmpl; what each
file is, is told by its content. All errors of all files are listed, each as file:line:col with what to write instead.

With --url the rules are compared with the series that a server has: metrics, labels and values that nothing exports, joins
that match nothing. With --detection every alert's worst-case detection time is printed (scrape, evaluation, for, grouping);
--max-detection makes a critical alert that may take longer an error.

A file is refused exactly when Prometheus's and Alertmanager's own parsers refuse it. Warnings tell what such a file cannot
do although it is well-formed; with --url also which metrics, labels and values nothing exports, and which joins match nothing.
The worst-case time from fault to notification of each alert is in the JSON report; --max-detection makes slow ones errors.

Exit code: 0 when there is no error, 1 when there is one (with --strict also for warnings), 2 when a path could not be read.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, paths []string) error { return f.execute(cmd, paths) },
	}
	cmd.Flags().StringVar(&f.output, "output", "text", "text or json")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "treat warnings as errors")
	cmd.Flags().DurationVar(&f.maxDetection, "max-detection", 0, "longest time that a critical alert may take from fault to notification, such as 60s")
	cmd.Flags().BoolVar(&f.detection, "detection", false, "print every alert's worst-case detection time")
	cmd.Flags().StringVar(&f.server.URL, "url", "", "compare the rules with the series of the server at this address")
	cmd.Flags().StringVar(&f.server.TokenFile, "token-file", defaultTokenFile(), "file with the token to show to that server (TOUCHLINE_TOKEN_FILE)")
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
	detections := lint.DetectionTimes(lint.NewDetectionInput(docs))
	more, err := f.beyond.findings(cmd.Context(), docs, detections)
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

// live compares the rules with the series of a server.
func (f *checkFlags) live(ctx context.Context, docs []*lint.Document) ([]lint.Finding, error) {
	c, err := f.server.client()
	if err != nil {
		return nil, err
	}
	client := *c.http
	client.Transport = &tokenTransport{token: c.token, host: c.base.Host, next: http.DefaultTransport}
	findings, err := lint.Live(ctx, docs, lint.LiveOptions{URL: c.base.String(), Client: &client})
	if errors.Is(err, context.Canceled) {
		return nil, errors.New("stopped")
	}
	return findings, err
}

// tokenTransport shows a token to one host.
type tokenTransport struct {
	token, host string
	next        http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.token != "" && req.URL.Host == t.host {
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", "Bearer "+t.token)
	}
	return t.next.RoundTrip(req)
}

func printCheck(w io.Writer, report checkReport, detection bool) {
	for _, f := range report.Findings {
		fmt.Fprintln(w, f)
	}
	if detection {
		for _, d := range report.Detection {
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
