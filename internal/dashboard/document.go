package dashboard

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Document is a dashboard's JSON as it came, and what is to be known of it.
type Document struct {
	Text   string // without the {"dashboard": …} around it, else byte for byte
	UID    string // as it stands there, "" for none
	Title  string
	Tags   []string
	Panels int     // without rows
	Inputs []Input // what an export leaves open
	// Warnings tell what of it will not be as in Grafana.
	Warnings []string

	form form
	tree *tree
	// whole is the text that Text stands in, from start on.
	whole string
	start int
}

// Input is what an export has whoever imports it choose.
type Input struct {
	Name     string // as in ${NAME}
	Label    string
	Type     string // datasource or constant
	PluginID string // of a data source: what type it must be of
}

// form is how a dashboard is written.
type form int

const (
	classic  form = iota // panels or rows at the top
	spec                 // elements and layout at the top
	resource             // apiVersion, kind, metadata, spec
)

// Bounds of what stands in a dashboard.
const (
	maxTitle  = 1000 // characters
	maxFolder = 200
	maxTags   = 100
	maxTag    = 200
	maxInput  = 500
	maxNotes  = 20 // warnings of one kind that are told one by one
)

// uidForm is what Grafana takes as a uid.
var uidForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// ValidUID tells whether a text can be the uid of a dashboard.
func ValidUID(uid string) bool { return uidForm.MatchString(uid) }

// Parse reads Grafana's JSON: the classic form of any schemaVersion, schema v2 with
// or without its resource, either of them in {"dashboard": …}. What is wrong with
// it is an *Error.
func Parse(text string) (*Document, error) {
	text = strings.TrimPrefix(text, "\uFEFF") // which editors on Windows write
	if len(text) > MaxSize {
		return nil, tooLarge(len(text))
	}
	t, err := parseTree(text)
	if err != nil {
		return nil, err
	}
	return document(t, &t.root)
}

// within has an error about a part of a text count its place in the whole.
func within(whole string, start int, err error) error {
	var e *Error
	if errors.As(err, &e) && e.Line > 0 {
		return at(whole, start+e.Offset, "%s", e.Reason)
	}
	return err
}

func document(t *tree, n *node) (*Document, error) {
	for range 2 { // an export of the API may have been wrapped once more
		inner := t.get(n, "dashboard")
		if inner == nil || inner.kind != '{' || t.get(n, "panels") != nil || t.get(n, "rows") != nil || t.get(n, "elements") != nil {
			break
		}
		n = inner
	}
	if n.kind != '{' {
		return nil, at(t.text, int(n.start), "a dashboard is a JSON object, such as {\"title\": \"…\", \"panels\": […]}")
	}
	if n != &t.root {
		// Its own text begins where it does.
		d, err := Parse(t.text[n.start:n.end])
		if err != nil {
			return nil, within(t.text, int(n.start), err)
		}
		d.whole, d.start = t.text, int(n.start)+d.start
		return d, nil
	}
	d := &Document{Text: t.text, tree: t, whole: t.text}
	body := n
	switch {
	case strings.HasPrefix(t.str(n, "apiVersion"), "dashboard.grafana.app/") && t.get(n, "spec") != nil:
		d.form, body = resource, t.get(n, "spec")
		if body.kind != '{' {
			return nil, at(t.text, int(body.start), "spec: write an object, the dashboard")
		}
		if stray := cmp.Or(t.get(n, "panels"), t.get(n, "rows"), t.get(n, "elements")); stray != nil {
			return nil, at(t.text, int(stray.start), "this stands beside spec, where nothing reads it; write it into spec")
		}
		d.UID = t.str(t.get(n, "metadata"), "name")
	case t.get(n, "panels") != nil, t.get(n, "rows") != nil:
		d.UID = t.str(n, "uid")
	case t.get(n, "elements") != nil:
		d.form, d.UID = spec, t.str(n, "uid")
	case t.get(n, "title") != nil && (t.get(n, "schemaVersion") != nil || t.get(n, "templating") != nil || t.get(n, "uid") != nil):
		d.UID = t.str(n, "uid") // one without panels yet
	default:
		e := at(t.text, int(n.start), "this is not a Grafana dashboard: it has neither panels, rows, elements nor a spec; export the dashboard as JSON")
		e.NoDashboard = true
		return nil, e
	}
	if err := d.head(body); err != nil {
		return nil, err
	}
	c := counter{d: d, ids: map[string]int{}}
	if err := c.count(body); err != nil {
		return nil, err
	}
	for _, in := range t.list(body, "__inputs") {
		i := Input{Name: t.str(&in, "name"), Label: t.str(&in, "label"), Type: t.str(&in, "type"), PluginID: t.str(&in, "pluginId")}
		if inputName.MatchString(i.Name) && len(d.Inputs) < maxTags {
			d.Inputs = append(d.Inputs, i)
		}
	}
	return d, nil
}

// head reads what stands at the top.
func (d *Document) head(n *node) error {
	t := d.tree
	d.Title = strings.TrimSpace(t.str(n, "title"))
	if d.Title == "" {
		d.Title = "Untitled"
		d.warn("it has no title, and is listed as %q", d.Title)
	}
	if c := utf8.RuneCountInString(d.Title); c > maxTitle {
		return at(t.text, int(t.get(n, "title").start), "title: it has %d characters, and at most %d are taken", c, maxTitle)
	}
	for _, tag := range t.list(n, "tags") {
		text := ""
		if tag.kind == '"' {
			text = strings.TrimSpace(unquote(t.raw(&tag)))
		}
		switch {
		case text == "" || utf8.RuneCountInString(text) > maxTag || len(d.Tags) >= maxTags:
			d.warn("a tag is left out of the list: a tag is a text of at most %d characters, and at most %d are listed", maxTag, maxTags)
		case !slices.Contains(d.Tags, text):
			d.Tags = append(d.Tags, text)
		}
	}
	return nil
}

func (d *Document) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(d.Warnings, text) {
		d.Warnings = append(d.Warnings, text)
	}
}

// counter counts panels, and looks for what cannot be shown.
type counter struct {
	d         *Document
	ids       map[string]int
	libraries int
	all       int // rows, too
}

func (c *counter) count(body *node) error {
	t := c.d.tree
	if err := c.panels(t.list(body, "panels"), 0); err != nil {
		return err
	}
	for _, row := range t.list(body, "rows") {
		if err := c.panels(t.list(&row, "panels"), 0); err != nil {
			return err
		}
	}
	if elements := t.get(body, "elements"); elements != nil {
		for i := range elements.items {
			e := &elements.items[i]
			if err := c.panel(e); err != nil {
				return err
			}
			if t.str(e, "kind") == "LibraryPanel" {
				c.library(t.str(t.get(e, "spec"), "title"))
			}
		}
	}
	if c.libraries > maxNotes {
		c.d.warn("%d more panels are library panels", c.libraries-maxNotes)
	}
	return nil
}

func (c *counter) panels(list []node, depth int) error {
	t := c.d.tree
	for i := range list {
		p := &list[i]
		if p.kind != '{' {
			c.d.warn("a panel is not an object, and is not shown")
			continue
		}
		if err := c.panel(p); err != nil {
			return err
		}
		if id := t.get(p, "id"); id != nil && id.kind == 0 {
			if c.ids[t.raw(id)]++; c.ids[t.raw(id)] == 2 {
				c.d.warn("several panels have the id %.20s; links to it lead to the first", t.raw(id))
			}
		}
		if lib := t.get(p, "libraryPanel"); lib != nil && t.get(p, "targets") == nil && t.get(lib, "model") == nil {
			c.library(t.str(lib, "name"))
		}
		if depth < 2 { // a row has panels, and nothing in them has
			if err := c.panels(t.list(p, "panels"), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *counter) panel(n *node) error {
	if c.all++; c.all > MaxPanels {
		return at(c.d.tree.text, int(n.start), "the dashboard has more than %d panels; split it", MaxPanels)
	}
	if c.d.tree.str(n, "type") != "row" {
		c.d.Panels++
	}
	return nil
}

func (c *counter) library(name string) {
	if c.libraries++; c.libraries <= maxNotes {
		c.d.warn("the panel %q is a library panel of Grafana, whose content is not in this file; in Grafana, unlink it before the export", clip(name, maxTag))
	}
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

var inputName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,99}$`)

// Fill puts values in the place of ${NAME}, as somebody who imports an export
// chooses them, and says which inputs stay open.
func (d *Document) Fill(values map[string]string) (*Document, error) {
	text := d.Text
	for _, name := range sortedKeys(values) {
		value := values[name]
		known := slices.ContainsFunc(d.Inputs, func(i Input) bool { return i.Name == name })
		switch {
		case !inputName.MatchString(name) || !known && !strings.Contains(d.Text, "${"+name+"}"):
			return nil, invalid("inputs."+clip(name, 100), "the dashboard has no input of this name; it has %s", d.inputNames())
		case value == "" || utf8.RuneCountInString(value) > maxInput || !utf8.ValidString(value):
			return nil, invalid("inputs."+name, "write the uid of a data source or a value, of at most %d characters", maxInput)
		}
		quoted, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("fill input: %w", err)
		}
		if strings.Count(text, "${"+name+"}")*len(quoted)+len(text) > 2*MaxSize {
			return nil, refuse(TooLarge, "with its inputs the dashboard has more than %d bytes (10 MB); split it", MaxSize)
		}
		text = strings.ReplaceAll(text, "${"+name+"}", string(quoted[1:len(quoted)-1]))
	}
	filled := d
	if text != d.Text {
		var err error
		if filled, err = Parse(text); err != nil {
			return nil, err
		}
	}
	for _, i := range filled.Inputs {
		if _, ok := values[i.Name]; ok || i.Type == "constant" || !strings.Contains(text, "${"+i.Name+"}") {
			continue
		}
		filled.warn("the input %s (%s) was not given, and is left to the console, which takes the default data source; to choose one send inputs: {%q: \"UID\"}", i.Name, orElse(i.PluginID, i.Type), i.Name)
	}
	return filled, nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (d *Document) inputNames() string {
	names := make([]string, len(d.Inputs))
	for i, in := range d.Inputs {
		names[i] = in.Name
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// As is the text with the uid and the version that the dashboard has here in the
// place of those that it came with, and without the number that another server's
// database gave it.
func (d *Document) As(uid string, version int64) string {
	t, n := d.tree, &d.tree.root
	if d.form == spec {
		return d.Text // it has no place for them
	}
	var edits []edit
	set := func(n *node, name, value string, add bool) {
		if v := t.get(n, name); v != nil {
			edits = append(edits, edit{int(v.start), int(v.end), value})
		} else if add {
			gap := "" // as before the first member
			if len(n.items) > 0 {
				gap = t.text[n.start+1 : n.items[0].keyStart]
				value += ","
			}
			edits = append(edits, edit{int(n.start) + 1, int(n.start) + 1, gap + strconv.Quote(name) + ": " + value})
		}
	}
	quoted := `"` + uid + `"` // a uid has nothing to be escaped
	if d.form == resource {
		if meta := t.get(n, "metadata"); meta != nil && meta.kind == '{' {
			set(meta, "name", quoted, true)
		} else {
			set(n, "metadata", `{"name": `+quoted+`}`, true)
		}
		return apply(d.Text, edits)
	}
	set(n, "uid", quoted, true)
	set(n, "version", strconv.FormatInt(version, 10), true)
	set(n, "id", "null", false)
	return apply(d.Text, edits)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
