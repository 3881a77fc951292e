package lint

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxSyntaxErrors bounds how many broken lines of a file are looked for.
const maxSyntaxErrors = 20

// recoverSyntax finds the lines that keep a file from being YAML, one after the
// other, each without those before. It returns what the file is without them; nil
// when that cannot be told.
func recoverSyntax(path string, src []byte, err error) (*yaml.Node, []Finding) {
	lines := bytes.SplitAfter(src, []byte("\n"))
	var findings []Finding
	for range maxSyntaxErrors {
		bad := firstBadLine(lines)
		if bad < 0 {
			break
		}
		f := syntaxFinding(path, src, err)
		f.Line = bad + 1
		f.Column = firstColumn(src, f.Line)
		findings = append(findings, f)
		takeOut(lines, bad)
		var root yaml.Node
		err = yaml.NewDecoder(bytes.NewReader(bytes.Join(lines, nil))).Decode(&root)
		if err == nil && root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
			return root.Content[0], findings
		}
		if err == nil || errors.Is(err, io.EOF) {
			break
		}
	}
	if len(findings) == 0 {
		findings = []Finding{syntaxFinding(path, src, err)}
	}
	return nil, findings
}

// takeOut empties a line and those behind it that stand deeper: they belong to it.
func takeOut(lines [][]byte, at int) {
	indent := indentOf(lines[at])
	lines[at] = []byte("\n")
	for i := at + 1; i < len(lines); i++ {
		if len(bytes.TrimSpace(lines[i])) > 0 {
			if indentOf(lines[i]) <= indent {
				return
			}
			lines[i] = []byte("\n")
		}
	}
}

func indentOf(line []byte) int {
	return len(line) - len(bytes.TrimLeft(line, " \t"))
}

// firstBadLine returns the index of the line with which a file stops being YAML:
// the one behind the longest beginning that is. The scanner itself often names
// the line where the block around it starts.
func firstBadLine(lines [][]byte) int {
	good := func(n int) bool {
		var root yaml.Node
		err := yaml.NewDecoder(bytes.NewReader(bytes.Join(lines[:n], nil))).Decode(&root)
		return err == nil || errors.Is(err, io.EOF)
	}
	if good(len(lines)) {
		return -1
	}
	low, high := 0, len(lines) // good(low), not good(high)
	for {
		for high-low > 1 {
			if mid := (low + high) / 2; good(mid) {
				low = mid
			} else {
				high = mid
			}
		}
		// A text or a list in brackets may go on over lines, and is broken in the
		// middle only.
		next := low
		for n := low + 2; n < min(low+64, len(lines)); n++ {
			if good(n) {
				next = n
			}
		}
		if next == low {
			break
		}
		low, high = next, len(lines)
	}
	for low < len(lines)-1 && len(bytes.TrimSpace(lines[low])) == 0 {
		low++
	}
	return low
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntaxFinding turns an error of the YAML scanner into a finding. The scanner
// counts lines from 0 in some of its errors, and leaves the line out on the
// first; it never names one behind the file's end.
func syntaxFinding(path string, src []byte, err error) Finding {
	f := Finding{File: path, Line: 1, Column: 1, Code: "yaml-syntax", Message: err.Error()}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		f.Message = "not valid YAML: " + m[2]
		if n, convErr := strconv.Atoi(m[1]); convErr == nil {
			f.Line = max(1, min(n, bytes.Count(src, []byte("\n"))+1))
		}
	}
	f.Column = firstColumn(src, f.Line)
	f.Hint = syntaxHint(f.Message)
	return f
}

func syntaxHint(msg string) string {
	switch {
	case strings.Contains(msg, "found character that cannot start any token"):
		return "indent with spaces, not tabs, and quote values that start with @, ` or %"
	case strings.Contains(msg, "mapping values are not allowed"):
		return "check the indentation, and quote a value that contains \": \""
	case strings.Contains(msg, "did not find expected key"), strings.Contains(msg, "did not find expected '-' indicator"):
		return "align this line with the keys or list items beside it"
	case strings.Contains(msg, "could not find expected ':'"):
		return "write a key followed by \": \" and its value"
	case strings.Contains(msg, "found unknown escape character"):
		return "put the value in single quotes, or double the backslash"
	case strings.Contains(msg, "unexpected end of stream"):
		return "close the quote that is opened on this line"
	case strings.Contains(msg, "did not find expected"):
		return "check that brackets, braces and quotes are closed"
	}
	return "check the indentation and the quotes on this line and the one before"
}

// firstColumn returns the column of the first character of a line that is not a blank.
func firstColumn(src []byte, line int) int {
	pos := lineStart(src, line)
	if pos < 0 {
		return 1
	}
	col := 1
	for pos < len(src) && (src[pos] == ' ' || src[pos] == '\t') {
		pos++
		col++
	}
	return col
}
