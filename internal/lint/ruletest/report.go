package ruletest

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// WriteText writes the report for people: a line for each file and failure, the comparison below it, then the alerts that no test fires.
func (r *Report) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, f := range r.Files {
		failures := f.AllFailures()
		verdict := "ok"
		if len(failures) > 0 {
			verdict = "FAILED"
		}
		fmt.Fprintf(b, "%s: %s (%s)\n", f.File, verdict, count(len(f.Tests), "test"))
		for _, warning := range f.Warnings {
			fmt.Fprintf(b, "%s: warning: %s\n", position3(warning.File, warning.Line, warning.Column), warning.Message)
		}
		for _, failure := range failures {
			fmt.Fprintln(b, failure)
			if diff := failure.Diff(); diff != "" {
				fmt.Fprintln(b, "    - expected, + got:")
				for line := range strings.Lines(diff) {
					fmt.Fprint(b, "    "+line)
				}
			}
		}
	}
	for _, a := range r.Unfired {
		fmt.Fprintf(b, "%s: warning: no test makes alert %s (group %s) fire\n", position3(a.File, a.Line, a.Column), a.Name, a.Group)
	}
	return b.Flush()
}

func position3(file string, line, column int) string {
	return fmt.Sprintf("%s:%d:%d", file, line, column)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
	Abort    string      `xml:"system-err,omitempty"`
}

type junitCase struct {
	Name     string   `xml:"name,attr"`
	Class    string   `xml:"classname,attr"`
	Seconds  string   `xml:"time,attr"`
	Failures []string `xml:"failure,omitempty"`
}

// WriteJUnit writes the report as JUnit XML: a suite a file, a case a test. What is wrong with a file as a whole counts as an error.
func (r *Report) WriteJUnit(w io.Writer) error {
	doc := junitSuites{}
	for _, f := range r.Files {
		suite := junitSuite{Name: f.File, Tests: len(f.Tests), Errors: len(f.Failures)}
		for _, failure := range f.Failures {
			suite.Abort += failure.String() + "\n"
		}
		for _, t := range f.Tests {
			c := junitCase{Name: t.Name, Class: f.File, Seconds: fmt.Sprintf("%.3f", t.Duration.Seconds())}
			for _, failure := range t.Failures {
				c.Failures = append(c.Failures, strings.TrimSuffix(failure.String()+"\n"+failure.Diff(), "\n"))
			}
			if len(c.Failures) > 0 {
				suite.Failures++
			}
			suite.Cases = append(suite.Cases, c)
		}
		doc.Suites = append(doc.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}
