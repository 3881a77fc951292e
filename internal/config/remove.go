package config

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// RemoveChannel takes a channel of a receiver, counted from 0, out of the text of
// a touchline.yaml, and with the last one what would be left empty above it. All
// other lines, and with them the comments beside the channel's own lines, stay as
// they are; where that cannot be it is an error.
func RemoveChannel(name string, data []byte, receiver string, n int) (out []byte, removed string, err error) {
	if ps := CheckFile(name, data); len(ps) > 0 {
		return nil, "", fmt.Errorf("correct the file first: %w", ps)
	}
	lines := strings.SplitAfter(string(data), "\n")
	gone, err := linesOf(data, lines, receiver, n)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w; take it out by hand", name, err)
	}
	var kept, cut bytes.Buffer
	for i, l := range lines {
		if slices.Contains(gone, i) {
			cut.WriteString(l)
		} else {
			kept.WriteString(l)
		}
	}
	if err := onlyRemoved(name, data, kept.Bytes(), receiver, n); err != nil {
		return nil, "", fmt.Errorf("%s: %w; take it out by hand", name, err)
	}
	return kept.Bytes(), cut.String(), nil
}

// linesOf finds the lines of a channel, counted from 0, and those of the keys
// above it that hold nothing else.
func linesOf(data []byte, lines []string, receiver string, n int) ([]int, error) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	section, err := entryOf(rootOf(file), "channels")
	if err != nil {
		return nil, err
	}
	if section == nil {
		return nil, errors.New("there is no section channels")
	}
	list, err := entryOf(section.Value, receiver)
	if err != nil {
		return nil, err
	}
	if list == nil {
		return nil, fmt.Errorf("%s has no channel", receiver)
	}
	seq, ok := list.Value.(*ast.SequenceNode)
	if !ok || seq.IsFlowStyle {
		return nil, fmt.Errorf("the channels of %s are not written line by line", receiver)
	}
	begins, end := itemsOf(lines, position(list.Key).Line, seq.Start.Position.Column-1)
	if len(begins) != len(seq.Values) || n < 0 || n >= len(begins) {
		return nil, fmt.Errorf("the channels of %s are not written line by line", receiver)
	}
	var out []int
	if len(begins) == 1 {
		if len(entriesOf(section.Value)) == 1 {
			out = append(out, position(section.Key).Line-1)
		}
		out = append(out, position(list.Key).Line-1)
	}
	until := end
	if n+1 < len(begins) {
		until = begins[n+1]
	}
	for i := begins[n]; i < lastLine(lines, begins[n], until); i++ {
		out = append(out, i)
	}
	return out, nil
}

// itemsOf finds the lines at which the items of a list begin, and the line after it.
func itemsOf(lines []string, from, indent int) (begins []int, end int) {
	for n := from; n < len(lines); n++ {
		text := strings.TrimRight(lines[n], " \r\n")
		bare := strings.TrimLeft(text, " ")
		if bare == "" || bare[0] == '#' {
			continue
		}
		dash := bare == "-" || strings.HasPrefix(bare, "- ")
		switch at := len(text) - len(bare); {
		case at < indent, at == indent && !dash:
			return begins, n
		case at == indent:
			begins = append(begins, n)
		}
	}
	return begins, len(lines)
}

// lastLine is the line after the last one of an item: comments and empty lines
// after it belong to what comes next.
func lastLine(lines []string, from, until int) int {
	end := from
	for n := from; n < until; n++ {
		if bare := strings.TrimSpace(lines[n]); bare != "" && bare[0] != '#' {
			end = n + 1
		}
	}
	return end
}

// onlyRemoved holds the new text against the old: it must say the same but for
// one channel less.
func onlyRemoved(name string, before, after []byte, receiver string, n int) error {
	if ps := CheckFile(name, after); len(ps) > 0 {
		return fmt.Errorf("without the channel the file would be wrong: %w", ps)
	}
	a, err := plain(before)
	if err != nil {
		return err
	}
	b, err := plain(after)
	if err != nil {
		return err
	}
	channels, _ := a["channels"].(map[string]any)
	list, _ := channels[receiver].([]any)
	if n >= len(list) {
		return errors.New("the channel cannot be taken out without rewriting the file")
	}
	channels[receiver] = slices.Delete(slices.Clone(list), n, n+1)
	if len(list) == 1 {
		delete(channels, receiver)
	}
	if len(channels) == 0 {
		delete(a, "channels")
	}
	if !reflect.DeepEqual(a, b) {
		return errors.New("taking the channel out would change other settings")
	}
	return nil
}

// Use is where a file names a receiver of alertmanager.yml.
type Use struct {
	Where string // file:line:col
	Field string // such as escalations[0].steps[1].receivers[0]
}

// Uses lists where people, schedules and escalations name a receiver.
func (d *Dynamic) Uses(receiver string) (out []Use) {
	look := func(field string, receivers []string) {
		for n, r := range receivers {
			if r == receiver {
				at := item(field, n)
				pos := positionOf(d.seen, at)
				out = append(out, Use{Where: fmt.Sprintf("%s:%d:%d", d.file, pos.Line, pos.Column), Field: at})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.People)) {
		look("people."+name+".receivers", d.People[name].Receivers)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Schedules)) {
		look("schedules."+name+".digest_receivers", d.Schedules[name].Digest)
	}
	for n, e := range d.Escalations {
		for m, s := range e.Steps {
			look(item(item("escalations", n)+".steps", m)+".receivers", s.Receivers)
		}
	}
	return out
}
