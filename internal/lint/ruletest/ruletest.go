// Package ruletest runs promtool unit-test files for recording and alerting rules, from disk or from an embedded file
// system, and tells which alerts no test ever makes fire.
//
// The file format and the verdict are promtool's. Two things differ on purpose: rule groups are evaluated in the order in
// which their files name them (promtool leaves the order of groups that group_eval_order does not name to chance), and every
// failure carries the position of the test case that failed.
package ruletest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// Options say where files come from and which tests run.
type Options struct {
	// FS holds the test files and the rule files that they name, with slash-separated paths. Nil means the operating system's
	// files, where relative rule_files are relative to the test file.
	FS fs.FS
	// Run selects tests whose name matches; nil runs all. Coverage is not computed for a selection.
	Run *regexp.Regexp
	// Parser sets the optional PromQL syntax that rules and tests may use.
	Parser parser.Options
	// DelayedNameRemoval evaluates as Prometheus does with the feature promql-delayed-name-removal.
	DelayedNameRemoval bool
	// IgnoreUnknownFields accepts unknown keys in rule files. Test files are always decoded strictly.
	IgnoreUnknownFields bool
	// Logger receives what the rule engine has to say; nil discards it, because every problem is in the report too.
	Logger *slog.Logger
	// Now is the clock that measures how long a test took; nil is time.Now.
	Now func() time.Time
}

// Report is the outcome of one Run.
type Report struct {
	Files []FileResult `json:"files"`
	// Unfired lists the alerting rules, loaded by any of the files, that no test expects and sees firing. It is empty when
	// Options.Run selected tests.
	Unfired []Alert `json:"unfired"`
	// Alerts is the number of alerting rules that the files load.
	Alerts int `json:"alerts"`
}

// Failed reports whether any file failed.
func (r *Report) Failed() bool {
	return slices.ContainsFunc(r.Files, func(f FileResult) bool { return f.Failed() })
}

// FileResult is the outcome of one unit-test file.
type FileResult struct {
	File string `json:"file"`
	// Failures that belong to the file as a whole: it cannot be decoded, or its evaluation order is wrong.
	Failures []Failure    `json:"failures,omitempty"`
	Warnings []Warning    `json:"warnings,omitempty"`
	Tests    []TestResult `json:"tests"`
}

// Failed reports whether the file or one of its tests failed.
func (f FileResult) Failed() bool {
	return len(f.Failures) > 0 || slices.ContainsFunc(f.Tests, func(t TestResult) bool { return len(t.Failures) > 0 })
}

// AllFailures returns the failures of the file and of its tests in file order.
func (f FileResult) AllFailures() []Failure {
	out := slices.Clone(f.Failures)
	for _, t := range f.Tests {
		out = append(out, t.Failures...)
	}
	return out
}

// TestResult is the outcome of one item under tests.
type TestResult struct {
	// Name is the test's name, or unnamed#N with its index.
	Name     string        `json:"name"`
	Line     int           `json:"line"`
	Duration time.Duration `json:"duration_ns"`
	Failures []Failure     `json:"failures,omitempty"`
}

// Failure is one thing that is not as the test wants it.
type Failure struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Test   string `json:"test,omitempty"`
	// Message says what is wrong, without the position.
	Message string `json:"message"`
	// Expected and Got hold one rendered alert or sample an item; both are empty unless a comparison failed.
	Expected []string `json:"expected,omitempty"`
	Got      []string `json:"got,omitempty"`
}

// String renders the failure as file:line:col: message, without the comparison.
func (f Failure) String() string {
	name := ""
	if f.Test != "" {
		name = fmt.Sprintf("test %q: ", f.Test)
	}
	return fmt.Sprintf("%s:%d:%d: %s%s", f.File, f.Line, f.Column, name, f.Message)
}

// Warning is something that promtool accepts in silence or with a note, and that is probably a mistake.
type Warning struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// String renders the warning as file:line:col: message.
func (w Warning) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", w.File, w.Line, w.Column, w.Message)
}

// Alert names one alerting rule.
type Alert struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Group  string `json:"group"`
	Name   string `json:"alert"`
}

// String renders the rule as file:line:col: group/alert.
func (a Alert) String() string {
	return fmt.Sprintf("%s:%d:%d: alert %s of group %s", a.File, a.Line, a.Column, a.Name, a.Group)
}

// ErrUnreadable marks the error of a test file that could not be read.
var ErrUnreadable = errors.New("cannot read test file")

// Run runs the unit-test files one after the other. What a file or a test does wrong is in the report; the error is for what
// keeps the run from being made at all: a file that cannot be read (ErrUnreadable) or a cancelled context.
func Run(ctx context.Context, files []string, opts Options) (*Report, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	src := source{fsys: opts.FS}
	cov := newCoverage()
	report := &Report{Files: make([]FileResult, 0, len(files)), Unfired: []Alert{}}
	for _, file := range files {
		content, err := src.read(file)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
		r := &runner{opts: opts, src: src, parser: parser.NewParser(opts.Parser), coverage: cov}
		result, err := r.runFile(ctx, file, content)
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", file, err)
		}
		report.Files = append(report.Files, result)
	}
	report.Alerts = len(cov.rules)
	if opts.Run == nil {
		report.Unfired = cov.unfired()
	}
	return report, nil
}

// source reads from an fs.FS or from the operating system.
type source struct{ fsys fs.FS }

func (s source) read(name string) ([]byte, error) {
	if s.fsys == nil {
		return os.ReadFile(name)
	}
	return fs.ReadFile(s.fsys, name)
}

// resolve expands a rule_files pattern relative to the directory of the test file.
func (s source) resolve(testFile, pattern string) ([]string, error) {
	if s.fsys != nil {
		if path.IsAbs(pattern) {
			return nil, fmt.Errorf("rule file %q is absolute; name it relative to the test file", pattern)
		}
		if strings.Contains(pattern, `\`) {
			return fs.Glob(s.fsys, path.Join(path.Dir(testFile), pattern))
		}
		joined := path.Join(path.Dir(testFile), pattern)
		if strings.HasPrefix(joined, "../") {
			return nil, fmt.Errorf("rule file %q lies outside of the file system that holds the test", pattern)
		}
		return fs.Glob(s.fsys, joined)
	}
	// An empty pattern stays empty: promtool then finds no file, instead of matching the directory.
	if pattern != "" && !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(testFile), pattern)
	}
	return filepath.Glob(pattern)
}
