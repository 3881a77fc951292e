package dashboard

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Operation is one of a JSON patch (RFC 6902).
type Operation struct {
	Op    string          `json:"op" enum:"add,remove,replace"`
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value,omitempty"`
}

// Patch is what an edit changes.
type Patch struct {
	Operations []Operation
	Diff       string // unified, against the text of before
	Folder     string // where the diff's paths begin; "" where it is of no file
}

// edit puts a text in the place of another.
type edit struct {
	start, end int
	text       string
}

// apply carries out edits that do not overlap.
func apply(text string, edits []edit) string {
	sortEdits(edits)
	var b strings.Builder
	at := 0
	for _, e := range edits {
		b.WriteString(text[at:e.start])
		b.WriteString(e.text)
		at = e.end
	}
	b.WriteString(text[at:])
	return b.String()
}

func sortEdits(edits []edit) {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
}

// Difference is what makes before, as it stands in the file of this name, what
// after means. The diff leaves alone what has not changed, whatever the
// formatting of after is.
func Difference(name string, before, after *Document) Patch {
	d := differ{a: before.tree, b: after.tree, unit: indentOf(before.Text)}
	// The numbers of a server are not the file's, and neither is the name that it has here.
	skip := fields{}
	switch before.form {
	case classic:
		skip = fields{"id": nil, "version": nil, "uid": nil}
	case resource:
		skip = fields{"metadata": {"name": nil}}
	}
	if before.form != after.form {
		d.replace("", &before.tree.root, &after.tree.root)
	} else {
		d.value("", &before.tree.root, &after.tree.root, skip)
	}
	sortEdits(d.edits)
	return Patch{Operations: append([]Operation{}, d.ops...), Diff: unified(name, before.Text, d.edits)}
}

// fields are members that are left alone, or that have such ones.
type fields map[string]fields

// alone tells whether a member is left alone.
func (f fields) alone(name string) bool {
	inner, ok := f[name]
	return ok && inner == nil
}

// covers tells whether a member is left alone, or all that it has.
func (f fields) covers(t *tree, name string, n *node) bool {
	inner, ok := f[name]
	if !ok || inner == nil || n.kind != '{' {
		return f.alone(name)
	}
	for i := range n.items {
		if !inner.covers(t, t.name(&n.items[i]), &n.items[i]) {
			return false
		}
	}
	return true
}

// differ walks over two trees.
type differ struct {
	a, b  *tree
	unit  string // one step of indentation, "" where all is on one line
	ops   []Operation
	edits []edit
}

func (d *differ) value(path string, x, y *node, skip fields) {
	switch {
	case skip == nil && equal(d.a, x, d.b, y):
	case x.kind == '{' && y.kind == '{':
		d.object(path, x, y, skip)
	case x.kind == '[' && y.kind == '[':
		d.array(path, x, y)
	default:
		d.replace(path, x, y)
	}
}

func (d *differ) replace(path string, x, y *node) {
	d.op("replace", path, y)
	d.edit(int(x.start), int(x.end), d.render(y, "\n"+d.indentAt(int(x.start))))
}

func (d *differ) op(op, path string, y *node) {
	o := Operation{Op: op, Path: path}
	if y != nil {
		o.Value = json.RawMessage(d.b.raw(y))
	}
	d.ops = append(d.ops, o)
}

func (d *differ) edit(start, end int, text string) {
	d.edits = append(d.edits, edit{start, end, text})
}

func (d *differ) object(path string, x, y *node, skip fields) {
	after := d.b.members(y)
	kept := make([]bool, len(x.items))
	here := d.a.members(x)
	for i := range x.items {
		item := &x.items[i]
		name := d.a.name(item)
		other := after[name]
		switch {
		case skip.alone(name):
			kept[i] = true
		case other == nil:
			if here[name] == item { // of several with one name the last one counts
				d.op("remove", path+"/"+escape(name), nil)
			}
		case here[name] != item:
			kept[i] = true
		default:
			kept[i] = true
			d.value(path+"/"+escape(name), item, other, skip[name])
		}
	}
	var added []string
	sep := d.separator(x)
	for i := range y.items {
		item := &y.items[i]
		name := d.b.name(item)
		if here[name] != nil || after[name] != item || skip.covers(d.b, name, item) {
			continue
		}
		d.op("add", path+"/"+escape(name), item)
		colon := ": "
		if d.unit == "" {
			colon = ":"
		}
		added = append(added, d.b.text[item.keyStart:item.keyEnd]+colon+d.render(item, sep))
	}
	d.splice(x, kept, len(x.items), added)
}

// array pairs what is left between what both begin and end with.
func (d *differ) array(path string, x, y *node) {
	m, n := len(x.items), len(y.items)
	first, last := 0, 0
	for first < min(m, n) && equal(d.a, &x.items[first], d.b, &y.items[first]) {
		first++
	}
	for last < min(m, n)-first && equal(d.a, &x.items[m-1-last], d.b, &y.items[n-1-last]) {
		last++
	}
	pairs := min(m, n) - first - last
	kept := make([]bool, m)
	for i := range kept {
		kept[i] = i < first+pairs || i >= m-last
	}
	for i := first; i < first+pairs; i++ {
		d.value(path+"/"+strconv.Itoa(i), &x.items[i], &y.items[i], nil)
	}
	for i := m - last - 1; i >= first+pairs; i-- {
		d.op("remove", path+"/"+strconv.Itoa(i), nil)
	}
	var added []string
	sep := d.separator(x)
	for i := first + pairs; i < n-last; i++ {
		d.op("add", path+"/"+strconv.Itoa(i), &y.items[i])
		added = append(added, d.render(&y.items[i], sep))
	}
	d.splice(x, kept, first+pairs, added)
}

// splice takes items out of a container that are not kept, and puts texts in
// before the one with the number at, or behind the last one that is kept.
func (d *differ) splice(x *node, kept []bool, at int, added []string) {
	sep := d.separator(x)
	begin := func(i int) int {
		if x.kind == '{' {
			return int(x.items[i].keyStart)
		}
		return int(x.items[i].start)
	}
	lastKept := len(kept) - 1
	for lastKept >= 0 && !kept[lastKept] {
		lastKept--
	}
	switch text := strings.Join(added, ","+sep); {
	case lastKept < 0 && len(added) == 0 && len(kept) == 0:
	case lastKept < 0 && len(added) == 0:
		d.edit(int(x.start)+1, int(x.end)-1, "")
	case lastKept < 0:
		closing := ""
		if strings.Contains(sep, "\n") {
			closing = "\n" + d.indentAt(int(x.start))
		}
		d.edit(int(x.start)+1, int(x.end)-1, sep+text+closing)
	default:
		if at <= lastKept && len(added) > 0 {
			d.edit(begin(at), begin(at), text+","+sep)
			added = nil
		}
		for i := range lastKept {
			if !kept[i] {
				d.edit(begin(i), begin(i+1), "")
			}
		}
		if len(added) > 0 {
			text = "," + sep + text
		} else {
			text = ""
		}
		if end := int(x.items[len(kept)-1].end); end > int(x.items[lastKept].end) || text != "" {
			d.edit(int(x.items[lastKept].end), end, text)
		}
	}
}

// separator is the white space behind a comma of a container.
func (d *differ) separator(x *node) string {
	if len(x.items) > 0 {
		begin := x.items[0].start
		if x.kind == '{' {
			begin = x.items[0].keyStart
		}
		return d.a.text[x.start+1 : begin]
	}
	if d.unit == "" {
		return ""
	}
	return "\n" + d.indentAt(int(x.start)) + d.unit
}

// indentAt is the white space that the line of a place begins with.
func (d *differ) indentAt(place int) string {
	line := d.a.text[strings.LastIndexByte(d.a.text[:place], '\n')+1:]
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// render writes a value of after as the text of before is written: over several
// lines where the white space before it has a line's end.
func (d *differ) render(y *node, space string) string {
	raw := []byte(d.b.raw(y))
	var out bytes.Buffer
	// It is valid JSON, so that neither fails.
	if line := strings.LastIndexByte(space, '\n'); d.unit == "" || line < 0 {
		_ = json.Compact(&out, raw)
	} else {
		_ = json.Indent(&out, raw, space[line+1:], d.unit)
	}
	return out.String()
}

// indentOf is one step of a text's indentation.
func indentOf(text string) string {
	_, rest, ok := strings.Cut(text, "\n")
	if !ok {
		return ""
	}
	if indent := rest[:len(rest)-len(strings.TrimLeft(rest, " \t"))]; indent != "" {
		return indent
	}
	return "  "
}

// escape writes a name for a JSON pointer (RFC 6901).
func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }
