package dashboard

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Part is what of a dashboard has a query.
type Part int

// The parts that have queries.
const (
	Panel Part = iota
	Variable
	Annotation
)

// Query is a text that a dashboard asks a data source.
type Query struct {
	Part Part
	Name string // the title of a panel, the name of a variable or of an annotation
	ID   string // of a panel, "" for none
	Text string // as it stands there, with the names of variables
	Path string // of Text, such as panels[0].targets[1].expr
	// Source is the type of the data source, such as prometheus; "" where the
	// file does not tell it.
	Source string

	d  *Document
	at *node
}

// Place is the line and the column, from 1, of the byte of Text at an offset.
func (q *Query) Place(offset int) (line, column int) {
	raw := q.d.tree.raw(q.at)
	return place(q.d.whole, q.d.start+int(q.at.start)+written(raw, offset))
}

// written is where in a quoted text that stands which has the offset in what it means.
func written(quoted string, offset int) int {
	i := 1
	for meant := 0; meant < offset && i < len(quoted)-1; {
		r, size := utf8.DecodeRuneInString(quoted[i:])
		if r == '\\' {
			r, size = escaped(quoted[i:])
		}
		i += size
		meant += utf8.RuneLen(r)
	}
	return i
}

// escaped reads an escape sequence of a text that is known to be valid JSON.
func escaped(s string) (r rune, size int) {
	unit := func(at int) rune {
		if len(s) < at+6 || s[at] != '\\' || s[at+1] != 'u' {
			return -1
		}
		n, err := strconv.ParseUint(s[at+2:at+6], 16, 16)
		if err != nil {
			return -1
		}
		return rune(n)
	}
	r = unit(0)
	switch {
	case r < 0:
		return rune(s[1]), 2 // every other one means a single byte
	case !utf16.IsSurrogate(r):
		return r, 6
	}
	if pair := utf16.DecodeRune(r, unit(6)); pair != utf8.RuneError {
		return pair, 12
	}
	return utf8.RuneError, 6
}

// Queries lists what a dashboard asks of sources that may speak PromQL, in its
// order. Those of sources of other types are left out.
func (d *Document) Queries() []Query {
	q := &queries{d: d, types: map[string]string{}}
	body, base := &d.tree.root, ""
	if d.form == resource {
		body, base = d.tree.get(body, "spec"), "spec."
	}
	q.sources(body)
	if d.form == classic {
		q.classic(body)
	} else {
		q.spec(body, base)
	}
	return q.out
}

// queries collects them.
type queries struct {
	d     *Document
	types map[string]string // of data sources that the dashboard has chosen, by the name of the variable or input
	out   []Query
}

// sources reads which types of data sources stand behind names such as ${DS_PROMETHEUS}.
func (q *queries) sources(body *node) {
	t := q.d.tree
	for _, in := range q.d.Inputs {
		q.types[in.Name] = in.PluginID
	}
	for _, v := range t.list(t.get(body, "templating"), "list") {
		if t.str(&v, "type") == "datasource" {
			q.types[t.str(&v, "name")] = t.str(&v, "query")
		}
	}
	for _, v := range t.list(body, "variables") {
		if t.str(&v, "kind") == "DatasourceVariable" {
			spec := t.get(&v, "spec")
			q.types[t.str(spec, "name")] = t.str(spec, "pluginId")
		}
	}
}

// add notes the member of an object that is a query, where it has one.
func (q *queries) add(n *node, member, path, source string, of Query) bool {
	v := q.d.tree.get(n, member)
	if v == nil || v.kind != '"' {
		return false
	}
	of.Text = unquote(q.d.tree.raw(v))
	if strings.TrimSpace(of.Text) == "" {
		return false
	}
	if speaksPromQL(source) {
		of.Path, of.Source, of.d, of.at = path+member, source, q.d, v
		q.out = append(q.out, of)
	}
	return true
}

func (q *queries) classic(body *node) {
	t := q.d.tree
	q.panels(t.list(body, "panels"), "panels", 0)
	for i, row := range t.list(body, "rows") { // as Grafana 4 had them
		q.panels(t.list(&row, "panels"), fmt.Sprintf("rows[%d].panels", i), 0)
	}
	for i, v := range t.list(t.get(body, "templating"), "list") {
		if t.str(&v, "type") == "query" {
			q.variable(&v, fmt.Sprintf("templating.list[%d].", i), q.typeOf(t.get(&v, "datasource")))
		}
	}
	for i, a := range t.list(t.get(body, "annotations"), "list") {
		of, path := Query{Part: Annotation, Name: t.str(&a, "name")}, fmt.Sprintf("annotations.list[%d].", i)
		source := q.typeOf(t.get(&a, "datasource"))
		if !q.add(&a, "expr", path, source, of) {
			q.add(t.get(&a, "target"), "expr", path+"target.", source, of)
		}
	}
}

// panels reads those of a list, and those of its closed rows.
func (q *queries) panels(list []node, path string, depth int) {
	t := q.d.tree
	for i := range list {
		p, at := &list[i], fmt.Sprintf("%s[%d].", path, i)
		of := Query{Part: Panel, Name: t.str(p, "title")}
		if id := t.get(p, "id"); id != nil && id.kind == 0 {
			of.ID = t.raw(id)
		}
		if model := t.get(t.get(p, "libraryPanel"), "model"); model != nil && t.get(p, "targets") == nil {
			p, at = model, at+"libraryPanel.model."
		}
		source := q.typeOf(t.get(p, "datasource"))
		for j, target := range t.list(p, "targets") {
			of := of
			own := source
			if ref := t.get(&target, "datasource"); ref != nil && ref.kind != 'n' {
				own = q.typeOf(ref)
			}
			q.add(&target, "expr", fmt.Sprintf("%stargets[%d].", at, j), own, of)
		}
		if depth == 0 {
			q.panels(t.list(p, "panels"), at+"panels", depth+1)
		}
	}
}

// variable reads the query of a variable, which is a text or an object that has it.
func (q *queries) variable(n *node, path, source string) {
	of := Query{Part: Variable, Name: q.d.tree.str(n, "name")}
	if !q.add(n, "query", path, source, of) && !q.add(q.d.tree.get(n, "query"), "query", path+"query.", source, of) {
		q.add(n, "definition", path, source, of)
	}
}

// spec reads a dashboard of schema v2.
func (q *queries) spec(body *node, base string) {
	t := q.d.tree
	if elements := t.get(body, "elements"); elements != nil {
		for i := range elements.items {
			e := &elements.items[i]
			panel, path := t.get(e, "spec"), base+"elements"+step(t.name(e))+".spec."
			of := Query{Part: Panel, Name: t.str(panel, "title")}
			if id := t.get(panel, "id"); id != nil && id.kind == 0 {
				of.ID = t.raw(id)
			}
			for j, query := range t.list(t.get(t.get(panel, "data"), "spec"), "queries") {
				ask := t.get(t.get(&query, "spec"), "query")
				q.add(t.get(ask, "spec"), "expr", fmt.Sprintf("%sdata.spec.queries[%d].spec.query.spec.", path, j), q.typeOfQuery(ask), of)
			}
		}
	}
	for i, v := range t.list(body, "variables") {
		if t.str(&v, "kind") != "QueryVariable" {
			continue
		}
		of, path := Query{Part: Variable, Name: t.str(t.get(&v, "spec"), "name")}, fmt.Sprintf("%svariables[%d].spec.", base, i)
		ask := t.get(t.get(&v, "spec"), "query")
		asked := t.get(ask, "spec")
		source := q.typeOfQuery(ask)
		if !q.add(asked, "query", path+"query.spec.", source, of) && !q.add(asked, "expr", path+"query.spec.", source, of) {
			q.add(t.get(&v, "spec"), "definition", path, source, of)
		}
	}
	for i, a := range t.list(body, "annotations") {
		ask := t.get(t.get(&a, "spec"), "query")
		q.add(t.get(ask, "spec"), "expr", fmt.Sprintf("%sannotations[%d].spec.query.spec.", base, i), q.typeOfQuery(ask), Query{Part: Annotation, Name: t.str(t.get(&a, "spec"), "name")})
	}
}

var plainStep = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// step is the member of an object in a path.
func step(name string) string {
	if plainStep.MatchString(name) {
		return "." + name
	}
	return "['" + name + "']"
}

// typeOfQuery is the type of the source that a query of schema v2 asks: its group,
// or its kind as the first version had it.
func (q *queries) typeOfQuery(n *node) string {
	t := q.d.tree
	if group := t.str(n, "group"); group != "" {
		return group
	}
	if kind := t.str(n, "kind"); kind != "DataQuery" {
		return kind
	}
	return ""
}

var sourceVariable = regexp.MustCompile(`^(?:\$(\w+)|\$\{(\w+)(?::\w+)?\}|\[\[(\w+)\]\])$`)

// typeOf is the type of the source that a reference names, "" where it is not told.
func (q *queries) typeOf(ref *node) string {
	t := q.d.tree
	name := t.str(ref, "uid")
	if kind := t.str(ref, "type"); kind != "" && kind != "datasource" {
		return kind
	}
	if ref != nil && ref.kind == '"' {
		name = unquote(t.raw(ref)) // as Grafana before 8.3 had it
	}
	if m := sourceVariable.FindStringSubmatch(name); m != nil {
		return q.types[m[1]+m[2]+m[3]]
	}
	if name == "grafana" || name == "-- Grafana --" || name == "-- Dashboard --" {
		return "grafana"
	}
	if promQL.MatchString(name) {
		return "prometheus" // somebody has called it so
	}
	return ""
}

// promQL are the types of sources that speak it.
var promQL = regexp.MustCompile(`(?i)prometheus|mimir|thanos|cortex|victoriametrics`)

func speaksPromQL(source string) bool { return source == "" || promQL.MatchString(source) }
