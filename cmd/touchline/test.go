package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/lint/ruletest"
)

func newTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Test alerting and recording rules",
		Args:  subcommandNeeded,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTestRulesCommand())
	return cmd
}

// testRulesFlags are the flags of "test rules".
type testRulesFlags struct {
	run             []string
	output          string
	junit           string
	features        []string
	ignoreUnknown   bool
	requireCoverage bool
}

func newTestRulesCommand() *cobra.Command {
	var f testRulesFlags
	cmd := &cobra.Command{
		Use:   "rules FILE…",
		Short: "Run promtool unit-test files, and list the alerts that no test fires",
		Long: `Runs unit-test files in promtool's format (rule_files, input_series, alert_rule_test, promql_expr_test, …) and lists
the alerts of their rule files that no test makes fire.

Exit code: 0 when all tests pass, 1 when one fails (or, with --require-coverage, when an alert is never fired), 2 when the
tests could not be run.`,
		Args: func(_ *cobra.Command, files []string) error {
			if len(files) == 0 {
				return errors.New("name unit-test files, such as: touchline test rules tests/*.yml")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, files []string) error { return f.execute(cmd, files) },
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.run, "run", nil, "run only tests whose name matches this regular expression (repeat for more)")
	flags.StringVar(&f.output, "output", "text", "text or json")
	flags.StringVar(&f.junit, "junit", "", "also write a JUnit XML report to this file")
	flags.StringSliceVar(&f.features, "enable-feature", nil,
		"promql-experimental-functions, promql-delayed-name-removal, promql-binop-fill-modifiers, promql-unquoted-utf8-names")
	flags.BoolVar(&f.ignoreUnknown, "ignore-unknown-fields", false, "accept unknown keys in rule files")
	flags.BoolVar(&f.requireCoverage, "require-coverage", false, "exit with 1 when an alert is fired by no test")
	return cmd
}

func (f *testRulesFlags) options() (ruletest.Options, error) {
	opts := ruletest.Options{IgnoreUnknownFields: f.ignoreUnknown}
	if len(f.run) > 0 {
		re, err := regexp.Compile(strings.Join(f.run, "|"))
		if err != nil {
			return opts, fmt.Errorf("parse --run: %w", err)
		}
		opts.Run = re
	}
	for _, name := range f.features {
		switch name {
		case "promql-experimental-functions":
			opts.Parser.EnableExperimentalFunctions = true
		case "promql-binop-fill-modifiers":
			opts.Parser.EnableBinopFillModifiers = true
		case "promql-unquoted-utf8-names":
			opts.Parser.EnableUnquotedUTF8Names = true
		case "promql-delayed-name-removal":
			opts.DelayedNameRemoval = true
		case "promql-duration-expr", "promql-extended-range-selectors":
			// Always on in the engine; named here so that command lines written for promtool keep working.
		default:
			return opts, fmt.Errorf("parse --enable-feature: unknown feature %q; see --help for the list", name)
		}
	}
	if f.output != "text" && f.output != "json" {
		return opts, fmt.Errorf("parse --output: %q is neither text nor json", f.output)
	}
	if f.requireCoverage && opts.Run != nil {
		return opts, errors.New("--require-coverage needs all tests; leave --run out")
	}
	return opts, nil
}

func (f *testRulesFlags) execute(cmd *cobra.Command, files []string) error {
	opts, err := f.options()
	if err != nil {
		return err
	}
	report, err := ruletest.Run(cmd.Context(), files, opts)
	if err != nil {
		return err
	}
	if f.junit != "" {
		if err := writeJUnit(f.junit, report); err != nil {
			return err
		}
	}
	if err := f.print(cmd.OutOrStdout(), report); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if report.Failed() || f.requireCoverage && len(report.Unfired) > 0 {
		return &exitError{code: exitFindings}
	}
	return nil
}

func (f *testRulesFlags) print(w io.Writer, report *ruletest.Report) error {
	if f.output == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(report)
	}
	return report.WriteText(w)
}

func writeJUnit(path string, report *ruletest.Report) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	err = report.WriteJUnit(file)
	return errors.Join(err, file.Close())
}
