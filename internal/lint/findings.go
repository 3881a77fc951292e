package lint

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// Severity tells an error, which makes the file unusable, from a warning.
type Severity int

// The severities, in the order in which they sort.
const (
	Error Severity = iota
	Warning
)

// String returns "error" or "warning".
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// MarshalJSON writes the severity as its name.
func (s Severity) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Severity) UnmarshalJSON(b []byte) error {
	var name string
	if err := json.Unmarshal(b, &name); err != nil {
		return fmt.Errorf("decode severity: %w", err)
	}
	switch name {
	case "error":
		*s = Error
	case "warning":
		*s = Warning
	default:
		return fmt.Errorf("decode severity: %q is neither error nor warning", name)
	}
	return nil
}

// Finding is one thing that is wrong with a file. Its JSON form is stable:
// fields are added, never renamed or removed.
type Finding struct {
	File string `json:"file"`
	// Line and Column count from 1; a column counts characters, not bytes. A
	// finding about a file that could not be read has neither (0).
	Line   int `json:"line"`
	Column int `json:"column"`
	// Path names the value in a JSON file, such as panels[0].targets[1].expr. It
	// is empty where the line says enough.
	Path     string   `json:"path,omitempty"`
	Severity Severity `json:"severity"`
	// Code is the kind of mistake in kebab case, such as "unknown-field".
	Code    string `json:"code"`
	Message string `json:"message"`
	// Hint says what to write instead. It may be empty where the message says all.
	Hint string `json:"hint,omitempty"`
}

// String formats the finding as "file:line:col: severity: message; hint [code]".
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, max(f.Column, 1))
	}
	fmt.Fprintf(&b, ": %s: %s", f.Severity, f.Message)
	if f.Hint != "" {
		b.WriteString("; " + f.Hint)
	}
	if f.Code != "" {
		b.WriteString(" [" + f.Code + "]")
	}
	return b.String()
}

// Error makes a finding usable as an error, so that a server can print it.
func (f Finding) Error() string { return f.String() }

// Sort orders findings by file, position, severity and code.
func Sort(fs []Finding) {
	sort.SliceStable(fs, func(i, j int) bool {
		a, b := fs[i], fs[j]
		switch {
		case a.File != b.File:
			return a.File < b.File
		case a.Line != b.Line:
			return a.Line < b.Line
		case a.Column != b.Column:
			return a.Column < b.Column
		case a.Severity != b.Severity:
			return a.Severity < b.Severity
		case a.Code != b.Code:
			return a.Code < b.Code
		}
		return a.Message < b.Message
	})
}

// HasErrors reports whether any of the findings is an error.
func HasErrors(fs []Finding) bool {
	for _, f := range fs {
		if f.Severity == Error {
			return true
		}
	}
	return false
}

// dedupe removes findings that say the same thing about the same place. It
// expects them sorted.
func dedupe(fs []Finding) []Finding {
	out := fs[:0]
	for i, f := range fs {
		if i > 0 && f == fs[i-1] {
			continue
		}
		out = append(out, f)
	}
	return out
}
