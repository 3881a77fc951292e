package dashboard

import (
	"fmt"
	"slices"
	"strings"
)

// around is how many lines around a change a diff shows.
const around = 3

// change is a run of lines that others take the place of.
type change struct {
	first    int // line of before, from 0
	old, new []string
}

// unified writes edits of a text, in order, as a unified diff.
func unified(name, text string, edits []edit) string {
	changes, lines := lineChanges(text, edits)
	if len(changes) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "--- a/%s\n+++ b/%s\n", name, name)
	shift := 0
	for i := 0; i < len(changes); {
		j := i + 1
		for j < len(changes) && changes[j].first-(changes[j-1].first+len(changes[j-1].old)) <= 2*around {
			j++
		}
		shift = hunk(&b, lines, changes[i:j], shift)
		i = j
	}
	return b.String()
}

// hunk writes changes that are near to each other, and returns by how many lines
// what follows has moved.
func hunk(b *strings.Builder, lines []string, changes []change, shift int) int {
	last := changes[len(changes)-1]
	from, to := max(changes[0].first-around, 0), min(last.first+len(last.old)+around, len(lines))
	moved := 0
	for _, c := range changes {
		moved += len(c.new) - len(c.old)
	}
	count := to - from
	fmt.Fprintf(b, "@@ -%s +%s @@\n", span(from, count), span(from+shift, count+moved))
	at := from
	for _, c := range changes {
		write(b, " ", lines[at:c.first])
		write(b, "-", c.old)
		write(b, "+", c.new)
		at = c.first + len(c.old)
	}
	write(b, " ", lines[at:to])
	return shift + moved
}

// span is the place of a hunk; that of no lines is the line before.
func span(from, count int) string {
	if count == 0 {
		return fmt.Sprintf("%d,0", from)
	}
	return fmt.Sprintf("%d,%d", from+1, count)
}

func write(b *strings.Builder, mark string, lines []string) {
	for _, line := range lines {
		b.WriteString(mark + line)
		if !strings.HasSuffix(line, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

// lineChanges makes edits changes of whole lines, and returns the text's lines.
func lineChanges(text string, edits []edit) ([]change, []string) {
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	starts := make([]int, len(lines))
	for i, at := 0, 0; i < len(lines); i++ {
		starts[i] = at
		at += len(lines[i])
	}
	lineOf := func(place int) int {
		i, found := slices.BinarySearch(starts, place)
		if found {
			return i
		}
		return i - 1
	}
	var out []change
	for i := 0; i < len(edits); {
		first, last := lineOf(edits[i].start), lineOf(edits[i].end)
		j := i + 1
		for j < len(edits) && lineOf(edits[j].start) <= last {
			last = max(last, lineOf(edits[j].end))
			j++
		}
		begin, end := starts[first], len(text)
		if last+1 < len(lines) {
			end = starts[last+1]
		}
		moved := make([]edit, 0, j-i)
		for _, e := range edits[i:j] {
			moved = append(moved, edit{e.start - begin, e.end - begin, e.text})
		}
		c := change{first: first, old: lines[first : last+1], new: strings.SplitAfter(apply(text[begin:end], moved), "\n")}
		if n := len(c.new); c.new[n-1] == "" {
			c.new = c.new[:n-1]
		}
		for len(c.old) > 0 && len(c.new) > 0 && c.old[0] == c.new[0] {
			c.first, c.old, c.new = c.first+1, c.old[1:], c.new[1:]
		}
		for len(c.old) > 0 && len(c.new) > 0 && c.old[len(c.old)-1] == c.new[len(c.new)-1] {
			c.old, c.new = c.old[:len(c.old)-1], c.new[:len(c.new)-1]
		}
		if len(c.old)+len(c.new) > 0 {
			out = append(out, c)
		}
		i = j
	}
	return out, lines
}
