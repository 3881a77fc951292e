package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/shadow"
)

// shadowFlags are the flags of "shadow".
type shadowFlags struct {
	client clientFlags

	prometheus   string
	alertmanager string
	duration     time.Duration
	poll         time.Duration
	remoteWrite  bool
	output       string
	file         string
	failMissed   bool
}

func newShadowCommand() *cobra.Command {
	var f shadowFlags
	cmd := &cobra.Command{
		Use:   "shadow --prometheus=URL --alertmanager=URL",
		Short: "Run the rules of an existing Prometheus beside it, and compare the alerts",
		Long: `Runs the rules of an existing Prometheus with evaluation on arrival, beside it, and reports for the period: which alerts are the
same, how much sooner they were, which were missed, which are extra. Nothing at the pair is changed: rules come from its
/api/v1/rules, samples from its /federate (exactly what the rules select), what rules need from before from its remote read.

With --remote-write the pair's Prometheus sends its samples to the Touchline at --url, which has the same rules; then this
command compares the alerts of both only.

It ends after --for, or with Ctrl C, and prints the report. Exit code: 0 good, 1 an alert of the pair was missed and
--fail-on-missed is set, 2 usage, or a server could not be asked.`,
		Example: `  touchline shadow --prometheus=http://127.0.0.1:9090 --alertmanager=http://127.0.0.1:9093 --for=1h
  touchline shadow --prometheus=http://127.0.0.1:9090 --output=html --output-file=shadow.html
  touchline shadow --prometheus=http://127.0.0.1:9090 --alertmanager=http://127.0.0.1:9093 --remote-write`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.execute(cmd) },
	}
	f.client.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.prometheus, "prometheus", "", "address of the Prometheus; may hold user:password@")
	flags.StringVar(&f.alertmanager, "alertmanager", "", "address of its Alertmanager; it tells the exact beginning of each alert")
	flags.DurationVar(&f.duration, "for", time.Hour, "how long; 0 is until Ctrl C")
	flags.DurationVar(&f.poll, "poll", 0, "how often samples are fetched (default a fifth of the scrape interval, at least 1s)")
	flags.BoolVar(&f.remoteWrite, "remote-write", false, "compare the Touchline at --url, which gets the samples by remote write")
	flags.StringVar(&f.output, "output", "text", "text, json or html")
	flags.StringVar(&f.file, "output-file", "", "write the report to this file instead of standard output")
	flags.BoolVar(&f.failMissed, "fail-on-missed", false, "exit with 1 when an alert of the pair was missed")
	return cmd
}

func (f *shadowFlags) options(cmd *cobra.Command) (shadow.Options, error) {
	o := shadow.Options{For: f.duration, Poll: f.poll, Logger: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))}
	if f.output != "text" && f.output != "json" && f.output != "html" {
		return o, fmt.Errorf("parse --output: %q is unknown; write text, json or html", f.output)
	}
	if f.prometheus == "" {
		return o, errors.New("--prometheus is missing: the address of the Prometheus to compare with, like http://127.0.0.1:9090")
	}
	if f.duration < 0 || f.poll < 0 || f.poll > 0 && f.poll < 100*time.Millisecond {
		return o, errors.New("--for must not be negative, and --poll must be at least 100ms")
	}
	var err error
	if o.Prometheus, err = serverAddress("--prometheus", f.prometheus); err != nil {
		return o, err
	}
	if f.alertmanager != "" {
		if o.Alertmanager, err = serverAddress("--alertmanager", f.alertmanager); err != nil {
			return o, err
		}
	}
	if f.remoteWrite {
		c, err := f.client.client()
		if err != nil {
			return o, err
		}
		o.Touchline, o.Token = c.base, c.token
	} else if cmd.Flags().Changed("url") {
		return o, errors.New("--url names the Touchline that --remote-write compares; without that flag the rules run in this command")
	}
	o.Started = func(s shadow.Start) {
		until := "until Ctrl C"
		if f.duration > 0 {
			until = fmt.Sprintf("for %s (Ctrl C ends it sooner)", f.duration)
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "comparing %d rules of %d groups %s; looking every %s; %d alerts are active already\n", s.Rules, s.Groups, until, s.Poll, s.Active)
	}
	return o, nil
}

func (f *shadowFlags) execute(cmd *cobra.Command) error {
	o, err := f.options(cmd)
	if err != nil {
		return err
	}
	// A file that cannot be written should not be found out after an hour.
	out := cmd.OutOrStdout()
	var file *os.File
	if f.file != "" {
		if file, err = os.Create(f.file); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		out = file
	}
	report, err := shadow.Run(cmd.Context(), o)
	if err == nil {
		if err = f.write(out, report); err != nil {
			err = fmt.Errorf("write report: %w", err)
		}
	}
	if file != nil {
		err = errors.Join(err, file.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(f.file)) // An empty report looks like a result.
		}
	}
	if err != nil {
		return err
	}
	if f.failMissed && report.Missed > 0 {
		return &exitError{code: exitFindings}
	}
	return nil
}

func (f *shadowFlags) write(w io.Writer, report *shadow.Report) error {
	switch f.output {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(report)
	case "html":
		return report.WriteHTML(w)
	}
	return report.WriteText(w)
}

// serverAddress reads the address of a server, without a trailing slash.
func serverAddress(flag, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%s %q is not an address; write it like http://127.0.0.1:9090", flag, text)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawQuery, u.Fragment = "", ""
	return u, nil
}
