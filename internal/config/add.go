package config

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// AddChannel puts a channel at the end of a receiver's in the text of a
// touchline.yaml. All other lines, and with them all comments, stay as they are;
// where that cannot be it is an error with the lines to write by hand. Paths are
// written as they are, so they begin at the file's folder or are absolute.
func AddChannel(name string, data []byte, receiver string, c Channel) (out []byte, added string, err error) {
	if ps := CheckFile(name, data); len(ps) > 0 {
		return nil, "", fmt.Errorf("correct the file first: %w", ps)
	}
	item := c.lines()
	if !utf8.ValidString(receiver) || strings.Contains(strings.Join(item, ""), `\x`) {
		return nil, "", errors.New("the channel has text that is not UTF-8; write it by hand")
	}
	at, indent, have, err := placeOf(data, receiver)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w; write by hand:\n%s", name, err, strings.Join(block(receiver, item, 0, nothing), "\n"))
	}
	lines := block(receiver, item, indent, have)
	added = strings.Join(lines, "\n") + "\n"
	out = insert(data, at, lines)
	if err := onlyAdded(name, data, out, receiver); err != nil {
		return nil, "", fmt.Errorf("%s: %w; write by hand:\n%s", name, err, strings.Join(block(receiver, item, 0, nothing), "\n"))
	}
	return out, added, nil
}

// What of the way to the new channel is there already.
const (
	nothing    = iota
	theSection // channels:
	theList    // channels: NAME:
)

// step is how far each level is indented where nothing says otherwise.
const step = 2

// block writes the lines of a channel, and of what is missing above it. The
// list of a receiver that is there has its items at indent, a section that is
// there its receivers.
func block(receiver string, item []string, indent, have int) []string {
	var out []string
	pad := func(n int) string { return strings.Repeat(" ", n) }
	switch have {
	case nothing:
		out = append(out, "channels:")
		indent = step
		fallthrough
	case theSection:
		out = append(out, pad(indent)+quoted(receiver)+":")
		indent += step
	}
	for n, l := range item {
		lead := "  "
		if n == 0 {
			lead = "- "
		}
		out = append(out, pad(indent)+lead+l)
	}
	return out
}

// placeOf finds the line before which the new one goes, counted from 0, the
// indentation, and what is there already.
func placeOf(data []byte, receiver string) (line, indent, have int, err error) {
	lines := strings.Split(string(data), "\n")
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("read the file: %w", err)
	}
	root := rootOf(file)
	if root == nil {
		return len(lines), 0, nothing, nil
	}
	section, err := entryOf(root, "channels")
	if err != nil {
		return 0, 0, 0, err
	}
	if section == nil {
		return len(lines), 0, nothing, nil
	}
	if isEmpty(section.Value) {
		if !endsIn(lines, section, "channels:") {
			return 0, 0, 0, errors.New("the section channels is empty in a way that nothing can be added to")
		}
		return position(section.Key).Line, position(section.Key).Column - 1 + step, theSection, nil
	}
	entries := entriesOf(section.Value)
	if len(entries) == 0 {
		return 0, 0, 0, errors.New("the section channels is not written line by line")
	}
	indent = position(entries[0].Key).Column - 1
	list, err := entryOf(section.Value, receiver)
	if err != nil {
		return 0, 0, 0, err
	}
	if list == nil {
		return endOf(lines, position(section.Key).Line, indent), indent, theSection, nil
	}
	seq, ok := list.Value.(*ast.SequenceNode)
	if !ok || seq.IsFlowStyle || len(seq.Values) == 0 {
		return 0, 0, 0, fmt.Errorf("the channels of %s are not written line by line", receiver)
	}
	indent = seq.Start.Position.Column - 1
	return endOf(lines, position(list.Key).Line, indent), indent, theList, nil
}

// rootOf is what a file says, nil where it says nothing.
func rootOf(file *ast.File) (root ast.Node) {
	for _, d := range file.Docs {
		if d != nil && d.Body != nil && d.Body.Type() != ast.CommentType && d.Body.Type() != ast.NullType {
			root = d.Body
		}
	}
	return root
}

// endOf is the line after what follows a key and is indented at least so far.
// Comments and empty lines at its end belong to what comes next.
func endOf(lines []string, from, indent int) int {
	end := from
	for n := from; n < len(lines); n++ {
		text := strings.TrimRight(lines[n], " \r")
		bare := strings.TrimLeft(text, " ")
		if bare == "" || bare[0] == '#' {
			continue
		}
		if len(text)-len(bare) < indent {
			break
		}
		end = n + 1
	}
	return end
}

// endsIn reports whether the line of a key ends with it, but for a comment.
func endsIn(lines []string, e *ast.MappingValueNode, key string) bool {
	text, _, _ := strings.Cut(lines[position(e.Key).Line-1], "#")
	return strings.TrimSpace(text) == key
}

func isEmpty(n ast.Node) bool {
	_, null := n.(*ast.NullNode)
	return n == nil || null
}

func entriesOf(n ast.Node) []*ast.MappingValueNode {
	switch t := n.(type) {
	case *ast.MappingNode:
		if t.IsFlowStyle {
			return nil
		}
		return t.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{t}
	}
	return nil
}

func entryOf(n ast.Node, key string) (*ast.MappingValueNode, error) {
	entries := entriesOf(n)
	if len(entries) == 0 {
		return nil, errors.New("the file is not written line by line")
	}
	for _, e := range entries {
		if t := e.Key.GetToken(); t != nil && t.Value == key {
			return e, nil
		}
	}
	return nil, nil
}

// insert puts lines before line at, with the line ends that the file has.
func insert(data []byte, at int, lines []string) []byte {
	end := "\n"
	if bytes.Contains(data, []byte("\r\n")) {
		end = "\r\n"
	}
	have := strings.SplitAfter(string(data), "\n")
	if have[len(have)-1] == "" {
		have = have[:len(have)-1]
	}
	at = min(at, len(have))
	var b bytes.Buffer
	for _, l := range have[:at] {
		b.WriteString(l)
	}
	if at > 0 && !strings.HasSuffix(have[at-1], "\n") {
		b.WriteString(end)
	}
	for _, l := range lines {
		b.WriteString(l + end)
	}
	for _, l := range have[at:] {
		b.WriteString(l)
	}
	return b.Bytes()
}

// onlyAdded holds the new text against the old: it must say the same but for
// one channel more.
func onlyAdded(name string, before, after []byte, receiver string) error {
	if ps := CheckFile(name, after); len(ps) > 0 {
		return fmt.Errorf("with the channel the file would be wrong: %w", ps)
	}
	was, now := ChannelsOf(name, before), ChannelsOf(name, after)
	if len(now[receiver]) != len(was[receiver])+1 {
		return errors.New("the channel cannot be added without rewriting the file")
	}
	a, err := plain(before)
	if err != nil {
		return err
	}
	b, err := plain(after)
	if err != nil {
		return err
	}
	old, _ := a["channels"].(map[string]any)
	more, _ := b["channels"].(map[string]any)
	list, _ := more[receiver].([]any)
	if len(list) == 0 {
		return errors.New("the channel cannot be added without rewriting the file")
	}
	if more[receiver] = slices.Clone(list[:len(list)-1]); len(list) == 1 {
		delete(more, receiver)
	}
	delete(a, "channels")
	delete(b, "channels")
	if !reflect.DeepEqual(a, b) || len(old)+len(more) > 0 && !reflect.DeepEqual(old, more) {
		return errors.New("adding the channel would change other settings")
	}
	return nil
}

func plain(data []byte) (map[string]any, error) {
	out := map[string]any{}
	if err := yaml.Unmarshal(data, &out); err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if out == nil { // a file that has nothing but comments
		out = map[string]any{}
	}
	return out, nil
}

// lines writes what of a channel is not the default.
func (c *Channel) lines() []string {
	var out []string
	v := reflect.ValueOf(*c)
	for f, field := range fieldsOf(v) {
		key, def := f.Tag.Get("yaml"), f.Tag.Get("default")
		switch field.Kind() {
		case reflect.String:
			if s := field.String(); s != "" && s != def {
				out = append(out, key+": "+quoted(s))
			}
		case reflect.Bool:
			if s := strconv.FormatBool(field.Bool()); s != def {
				out = append(out, key+": "+s)
			}
		case reflect.Slice:
			if field.Len() > 0 {
				out = append(out, key+": "+flow(field))
			}
		case reflect.Struct:
			var parts []string
			for g, inner := range fieldsOf(field) {
				switch {
				case inner.Kind() == reflect.Slice && inner.Len() > 0:
					parts = append(parts, g.Tag.Get("yaml")+": "+flow(inner))
				case inner.Kind() == reflect.Bool && inner.Bool():
					parts = append(parts, g.Tag.Get("yaml")+": true")
				}
			}
			if len(parts) > 0 {
				out = append(out, key+": {"+strings.Join(parts, ", ")+"}")
			}
		}
	}
	return out
}

func flow(list reflect.Value) string {
	var parts []string
	for i := range list.Len() {
		parts = append(parts, strconv.Quote(list.Index(i).String()))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// quoted writes a text in quotes where YAML could take it for something else.
func quoted(s string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./@"
	path := strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../")
	_, number := strconv.ParseFloat(s, 64)
	special := slices.Contains([]string{"", "true", "false", "null", "yes", "no", "on", "off"}, strings.ToLower(s)) || number == nil || strings.Trim(s, "0123456789-") == ""
	if strings.Trim(s, safe) == "" && (path || strings.IndexAny(s, "-.@") != 0) && !special {
		return s
	}
	return strconv.Quote(s)
}
