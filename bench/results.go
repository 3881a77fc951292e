package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// replaceSection puts text between the markers of a section of a file. What
// stands outside the markers is written by hand and survives.
func replaceSection(file, name, text string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	out, err := withSection(string(raw), name, text)
	if err != nil {
		return fmt.Errorf("write results: %s: %w", file, err)
	}
	if err := os.WriteFile(file, []byte(out), 0o644); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

func withSection(doc, name, text string) (string, error) {
	begin, end := "<!-- begin generated: "+name+" -->\n", "<!-- end generated: "+name+" -->\n"
	head, rest, ok := strings.Cut(doc, begin)
	if !ok {
		return "", fmt.Errorf("the line %q is missing; write it where the section belongs", strings.TrimSpace(begin))
	}
	_, tail, ok := strings.Cut(rest, end)
	if !ok {
		return "", fmt.Errorf("the line %q is missing below %q", strings.TrimSpace(end), strings.TrimSpace(begin))
	}
	return head + begin + "\n" + strings.TrimRight(text, "\n") + "\n\n" + end + tail, nil
}

// table is a Markdown table: the first row is its head. All columns but the
// first are aligned to the right.
type table [][]string

func (t table) String() string {
	var b strings.Builder
	for i, row := range t {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			b.WriteString("|---|" + strings.Repeat("---:|", len(row)-1) + "\n")
		}
	}
	return b.String()
}

func mib(bytes int64) string { return fmt.Sprintf("%.1f", float64(bytes)/(1<<20)) }

func millis(d time.Duration) string {
	return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond))
}

// verdict compares a figure with its target.
func verdict(ok bool) string {
	if ok {
		return "met"
	}
	return "**missed**"
}

// thousands writes a number with its digits in groups of three.
func thousands(n float64) string {
	s := fmt.Sprintf("%.0f", n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
