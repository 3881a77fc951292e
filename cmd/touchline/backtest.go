package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/backtest"
)

// backtestFlags are the flags of "backtest".
type backtestFlags struct {
	client clientFlags

	before, after []string
	data          string
	from, to      string
	output        string
	failOn        string

	options  backtest.Options
	external []string
	features []string
	timeout  time.Duration
}

func newBacktestCommand() *cobra.Command {
	var f backtestFlags
	cmd := &cobra.Command{
		Use:   "backtest --after=FILE… [--before=FILE…]",
		Short: "Replay rule files over stored data, and say what a change to them changes",
		Long: `Replays rule files over the stored samples of a period, and says per rule what they would have done: which alerts, how many
pages a week, how long after the first bad sample (detection delay), and how often an alert fired again soon after it had
resolved (flapping). With --before it compares the two sets of files, and shows alerts that are new, lost or changed.

Samples come by remote read from the server at --url (Touchline or any Prometheus), or from a data directory (--data), which may
belong to a running server and is not changed. Recording rules of the files are evaluated as well; the stored series of their
names are not read.

--fail-on ends with exit code 1 where a condition has come true:
  more-pages[=20%|=3]   more pages a week, by more than 20 %, or by more than 3
  slower[=30s]          the detection delay (p95) of a rule grew by more than 30 s
  lost                  an alert that fired before does not fire any more
  flapping              a rule flaps more often than before (without --before: at all)
  failing               more evaluations of a rule fail than before
  no-data               a rule selects more metrics without data than before

Exit code: 0 good, 1 a condition of --fail-on has come true, 2 usage, or the files or data could not be read.`,
		Example: `  touchline backtest --before=rules/app.yml --after=new/app.yml --from=-7d
  touchline backtest --after='rules/*.yml' --data=./data --output=markdown
  touchline backtest --before=old.yml --after=new.yml --fail-on=more-pages=20%,flapping,slower=30s,lost`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unexpected argument %q; give the rule files as --before=FILE and --after=FILE (several: repeat the flag, or quote a pattern)", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return f.execute(cmd) },
	}
	f.client.register(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&f.before, "before", nil, "rule files as they are; a file, a pattern, or several separated by commas")
	flags.StringSliceVar(&f.after, "after", nil, "rule files as they shall be")
	flags.StringVar(&f.data, "data", "", "read this data directory (Touchline's or Prometheus's) instead of --url")
	flags.StringVar(&f.from, "from", "-7d", "beginning of the period: -7d, a time like 2026-01-31T08:00:00Z, or Unix seconds")
	flags.StringVar(&f.to, "to", "now", "end of the period")
	flags.StringVar(&f.output, "output", "text", "text, json or markdown")
	flags.StringVar(&f.failOn, "fail-on", "", "conditions that end with exit code 1 (see above)")
	flags.StringVar(&f.options.Alertmanager, "alertmanager.config", "", "count pages as this alertmanager.yml would group and repeat them")
	flags.DurationVar(&f.options.EvaluationInterval, "evaluation-interval", time.Minute, "interval of groups that have none; as the server at --url says, unless given")
	flags.DurationVar(&f.options.QueryOffset, "query-offset", 0, "query offset of groups that have none; as the server at --url says, unless given")
	flags.DurationVar(&f.options.Lookback, "lookback-delta", 5*time.Minute, "how old the newest sample of a series may be")
	flags.StringSliceVar(&f.external, "external-label", nil, "name=value, as in global.external_labels (repeat for more); as the server at --url says, unless given")
	flags.StringVar(&f.options.ExternalURL, "external-url", "", "what templates get as external URL")
	flags.StringVar(&f.options.RulesDir, "rules-dir", "", "directory of the rule files as the server names it: evaluations then fall on its very times")
	flags.DurationVar(&f.options.FlapWindow, "flap-window", 10*time.Minute, "an alert that fires again within this time after it resolved has flapped")
	flags.IntVar(&f.options.Examples, "examples", 5, "alerts shown of each kind and rule")
	flags.IntVar(&f.options.MaxSamples, "query.max-samples", 50_000_000, "samples that one query may hold in memory")
	flags.DurationVar(&f.timeout, "timeout", 2*time.Minute, "how long one remote read may take")
	flags.BoolVar(&f.options.IgnoreUnknownFields, "ignore-unknown-fields", false, "accept unknown keys in rule files")
	flags.StringSliceVar(&f.features, "enable-feature", nil, "promql-experimental-functions, promql-binop-fill-modifiers, promql-duration-expr, promql-extended-range-selectors")
	return cmd
}

func (f *backtestFlags) execute(cmd *cobra.Command) error {
	conditions, err := f.check(time.Now())
	if err != nil {
		return err
	}
	source, err := f.source(cmd)
	if err != nil {
		return err
	}
	f.options.Source = source
	report, err := backtest.Run(cmd.Context(), f.options)
	err = errors.Join(err, source.Close())
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	failed := report.Check(conditions)
	switch f.output {
	case "json":
		err = writeBacktestJSON(out, report, failed)
	case "markdown":
		err = report.WriteMarkdown(out)
	default:
		err = report.WriteText(out)
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if len(failed) == 0 {
		return nil
	}
	for _, s := range failed {
		fmt.Fprintln(cmd.ErrOrStderr(), "failed on", s)
	}
	return &exitError{code: exitFindings}
}

func writeBacktestJSON(w io.Writer, report *backtest.Report, failed []string) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		*backtest.Report
		Failed []string `json:"failed_on"`
	}{report, append([]string{}, failed...)})
}

// check turns the flags into options and refuses what cannot be.
func (f *backtestFlags) check(now time.Time) ([]backtest.Condition, error) {
	if f.output != "text" && f.output != "json" && f.output != "markdown" {
		return nil, fmt.Errorf("parse --output: %q is unknown; write text, json or markdown", f.output)
	}
	if len(f.after) == 0 {
		return nil, errors.New("--after is missing: the rule files to replay")
	}
	var err error
	o := &f.options
	if o.Before, err = expandFiles("--before", f.before); err != nil {
		return nil, err
	}
	if o.After, err = expandFiles("--after", f.after); err != nil {
		return nil, err
	}
	if o.From, err = parseMoment("--from", f.from, now); err != nil {
		return nil, err
	}
	if o.To, err = parseMoment("--to", f.to, now); err != nil {
		return nil, err
	}
	if !o.From.Before(o.To) {
		return nil, fmt.Errorf("--from (%s) is not before --to (%s)", o.From.Format(time.RFC3339), o.To.Format(time.RFC3339))
	}
	for name, d := range map[string]time.Duration{"--evaluation-interval": o.EvaluationInterval, "--lookback-delta": o.Lookback, "--flap-window": o.FlapWindow, "--timeout": f.timeout} {
		if d < time.Millisecond {
			return nil, fmt.Errorf("%s=%s is too short; write something like 30s", name, d)
		}
	}
	if o.Examples < 1 || o.MaxSamples < 1 {
		return nil, errors.New("--examples and --query.max-samples must be at least 1")
	}
	if err := o.SetExternalLabels(f.external); err != nil {
		return nil, fmt.Errorf("parse --external-label: %w", err)
	}
	for _, name := range f.features {
		switch name {
		case "promql-experimental-functions":
			o.Parser.EnableExperimentalFunctions = true
		case "promql-binop-fill-modifiers":
			o.Parser.EnableBinopFillModifiers = true
		case "promql-duration-expr", "promql-extended-range-selectors":
			// Always on; named here so that command lines written for Prometheus keep working.
		default:
			return nil, fmt.Errorf("parse --enable-feature: unknown feature %q; see --help for the list", name)
		}
	}
	o.Workers = runtime.GOMAXPROCS(0)
	return backtest.ParseConditions(f.failOn, len(o.Before) > 0)
}

func (f *backtestFlags) source(cmd *cobra.Command) (*backtest.Source, error) {
	if f.data == "" {
		c, err := f.client.client()
		if err != nil {
			return nil, err
		}
		server, err := c.serverConfig(cmd.Context())
		if err != nil {
			return nil, err
		}
		if !cmd.Flags().Changed("evaluation-interval") {
			f.options.EvaluationInterval = server.EvaluationInterval
		}
		if !cmd.Flags().Changed("query-offset") {
			f.options.QueryOffset = server.QueryOffset
		}
		if !cmd.Flags().Changed("external-label") {
			f.options.ExternalLabels = server.ExternalLabels
		}
		return backtest.OpenRemote(c.base, c.token, server.ExternalLabels, f.timeout)
	}
	if cmd.Flags().Changed("url") {
		return nil, errors.New("--data and --url are two places to read from; give one of them")
	}
	return backtest.OpenTSDB(f.data, f.options.To)
}

// serverConfig asks the server for its configuration. It also finds out, before
// anything is evaluated, whether the server answers and takes the token.
func (c *apiClient) serverConfig(ctx context.Context) (backtest.ServerConfig, error) {
	var answer struct{ Data struct{ YAML string } }
	if err := c.getJSON(ctx, "/api/v1/status/config", &answer); err != nil {
		return backtest.ServerConfig{}, err
	}
	return backtest.ParseServerConfig(answer.Data.YAML)
}

// expandFiles expands patterns. A pattern that matches nothing is a mistake.
func expandFiles(flag string, patterns []string) ([]string, error) {
	var out []string
	for _, p := range patterns {
		found, err := filepath.Glob(p)
		if err != nil {
			return nil, fmt.Errorf("parse %s: pattern %q: %w", flag, p, err)
		}
		if len(found) == 0 {
			if _, err := os.Stat(p); err != nil {
				return nil, fmt.Errorf("%s: no file %s", flag, p)
			}
			found = []string{p}
		}
		for _, name := range found {
			if info, err := os.Stat(name); err == nil && info.IsDir() {
				return nil, fmt.Errorf("%s: %s is a directory; write '%s/*.yml'", flag, name, strings.TrimRight(name, "/"))
			}
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out, nil
}

// parseMoment reads "now", "-7d", RFC 3339 or Unix seconds.
func parseMoment(flag, text string, now time.Time) (time.Time, error) {
	if text == "now" {
		return now, nil
	}
	if back, ok := strings.CutPrefix(text, "-"); ok {
		if d, err := backtest.ParseDuration(back); err == nil {
			return now.Add(-d), nil
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if s, err := strconv.ParseFloat(text, 64); err == nil && s > 0 && s < 1e11 {
		return time.UnixMilli(int64(s * 1000)), nil
	}
	return time.Time{}, fmt.Errorf("parse %s: %q is no time; write now, -7d, 2026-01-31T08:00:00Z or Unix seconds", flag, text)
}
