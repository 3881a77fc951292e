package config

import (
	"sort"
	"strings"
)

// Problem is one thing that is wrong with a value, and what to do about it.
type Problem struct {
	Where   string // "touchline.yaml:3:5", "TOUCHLINE_LOG_LEVEL" or "--log.level"
	File    string // set for values of a file
	Line    int    // from 1
	Column  int    // from 1
	Field   string // path in the file, "" where the whole file is meant
	Message string // what is wrong
	Hint    string // what to write instead
}

func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Where)
	if p.Field != "" {
		b.WriteString(": " + p.Field)
	}
	b.WriteString(": " + p.Message)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// Problems are all that is wrong, a file's in the order of its lines.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each Problem to errors.As.
func (ps Problems) Unwrap() []error {
	out := make([]error, len(ps))
	for i, p := range ps {
		out[i] = p
	}
	return out
}

func (ps Problems) sorted() Problems {
	sort.SliceStable(ps, func(i, j int) bool {
		if ps[i].Line != ps[j].Line {
			return ps[i].Line < ps[j].Line
		}
		return ps[i].Column < ps[j].Column
	})
	return ps
}
