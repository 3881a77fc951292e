// Package drawn proves that dashboards which nobody here wrote show the right
// values. It reads what their queries name with Prometheus's own parser, makes
// series of known values that answer them, and holds what a browser shows
// against what Prometheus's API says. Nothing of the console's code is used.
package drawn

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Board is a dashboard as far as its values are concerned.
type Board struct {
	Title     string
	Panels    []Panel
	Variables []Variable
	Notes     []string     // expressions of annotations
	Numbers   map[int]bool // of all panels that have one in the file
}

// Panel is a panel that asks Prometheus something.
type Panel struct {
	ID            int    // 0 where the file has none, or one that is taken
	Nth           int    // of those panels, how many of the same title come before
	Type          string // as the file says, such as "singlestat"
	Title         string
	Interval      string
	MaxDataPoints float64
	Repeats       []string // the variables that it and its row repeat by
	Borrows       int      // the panel whose data it shows
	Queries       []Query
	Calcs         []string
	Units         []string // of its fields; empty for those that have none
	Mapped        []Mapping
	Transforms    []string
	Min, Max      *float64 // where its axis begins and ends, if the file says so
	Fields        []string // labels that its transformations and options name
	// Loose says that names of series are changed or values are chosen by options, so that
	// only the values that are drawn are held against the known ones.
	Loose bool
}

// Query is one query of a panel.
type Query struct {
	Ref, Expr, Legend, Format, Interval string
	Factor                              float64
	Instant, Range                      bool
}

// Mapping says that values are shown as a text.
type Mapping struct {
	Text     string
	Is       string // this value, or a special one such as "nan"
	From, To *float64
}

// Variable is a variable of a dashboard.
type Variable struct {
	Name, Type, Query, Regex string
	All                      string
	HasAll, Multi, Hidden    bool
	Auto                     bool
	AutoCount                float64
	AutoMin                  string
	Sort                     int
	Current                  []string
	Prometheus               bool
	// Must says that a reader has to choose one: what the file has for all of them stands where
	// PromQL compares for equality, and finds nothing.
	Must bool
}

type object = map[string]any

func obj(v any) object { o, _ := v.(object); return o }
func list(v any) []any { l, _ := v.([]any); return l }
func truth(v any) bool { b, _ := v.(bool); return b }

// text reads what may be written as a number, too.
func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(x)
	}
	return ""
}

func number(v any) float64 {
	n, err := strconv.ParseFloat(text(v), 64)
	if err != nil {
		return 0
	}
	return n
}

func texts(v any) []string {
	if s := text(v); s != "" {
		return []string{s}
	}
	var out []string
	for _, x := range list(v) {
		if s := text(x); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// ReadBoard reads a dashboard's file.
func ReadBoard(raw []byte) (*Board, error) {
	var d object
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("read a dashboard: %w", err)
	}
	if inner := obj(d["dashboard"]); inner != nil && d["panels"] == nil {
		d = inner
	}
	if spec := obj(d["spec"]); spec["elements"] != nil {
		d = spec
	}
	if d["elements"] != nil {
		d = fromV2(d)
	}
	b := &Board{Title: text(d["title"])}
	sources := map[string]string{} // types of the sources that variables and inputs stand for
	for _, v := range list(d["__inputs"]) {
		sources[text(obj(v)["name"])] = text(obj(v)["pluginId"])
	}
	all := list(obj(d["templating"])["list"])
	for _, v := range all {
		if o := obj(v); text(o["type"]) == "datasource" {
			sources[text(o["name"])] = text(o["query"])
		}
	}
	for _, v := range all {
		b.Variables = append(b.Variables, readVariable(obj(v), sources))
	}
	for _, v := range list(obj(d["annotations"])["list"]) {
		if o := obj(v); isPrometheus(o["datasource"], sources) && text(o["expr"]) != "" {
			b.Notes = append(b.Notes, text(o["expr"]))
		}
	}
	r := reader{board: b, sources: sources, taken: map[int]bool{}, unnumbered: map[string]int{}}
	for _, row := range list(d["rows"]) {
		r.panels(list(obj(row)["panels"]), texts(obj(row)["repeat"]))
	}
	r.panels(list(d["panels"]), nil)
	// Of those that show another's data, only who borrows from a panel that asks Prometheus.
	lends := map[int]bool{}
	for _, p := range b.Panels {
		lends[p.ID] = lends[p.ID] || len(p.Queries) > 0
	}
	b.Panels = slices.DeleteFunc(b.Panels, func(p Panel) bool { return len(p.Queries) == 0 && !lends[p.Borrows] })
	b.Numbers = r.taken
	for i := range b.Variables {
		b.Variables[i].Must = b.Variables[i].All != "" && b.compares(b.Variables[i].Name)
	}
	return b, nil
}

// compares tells whether a query compares a label with a variable for equality.
func (b *Board) compares(name string) bool {
	equal := regexp.MustCompile(`[^=!~<>]=\s*"\$\{?` + name + `\}?"`)
	for _, p := range b.Panels {
		if slices.ContainsFunc(p.Queries, func(q Query) bool { return equal.MatchString(q.Expr) }) {
			return true
		}
	}
	return slices.ContainsFunc(b.Variables, func(v Variable) bool { return equal.MatchString(v.Query) })
}

type reader struct {
	board      *Board
	sources    map[string]string
	taken      map[int]bool
	unnumbered map[string]int // by title
}

// panels reads panels; those that stand behind an open row repeat with it.
func (r *reader) panels(in []any, outer []string) {
	repeats := outer
	for _, v := range in {
		o := obj(v)
		if text(o["type"]) == "row" {
			repeats = append(slices.Clone(outer), texts(o["repeat"])...)
			r.panels(list(o["panels"]), repeats)
			continue
		}
		// A copy that Grafana saved with the panel that it repeats.
		if o["repeatPanelId"] != nil && text(o["repeat"]) == "" {
			continue
		}
		r.panel(o, append(slices.Clone(repeats), texts(o["repeat"])...))
	}
}

func (r *reader) panel(o object, repeats []string) {
	id := int(number(o["id"]))
	p := Panel{ID: id, Type: text(o["type"]), Title: text(o["title"]), Interval: text(o["interval"]), MaxDataPoints: number(o["maxDataPoints"]), Repeats: repeats}
	for _, v := range list(o["targets"]) {
		t := obj(v)
		if truth(t["hide"]) {
			continue
		}
		source := o["datasource"]
		if s := text(source); source == nil || s == "-- Mixed --" || text(obj(source)["uid"]) == "-- Mixed --" {
			source = t["datasource"]
		}
		if text(source) == "-- Dashboard --" || text(obj(source)["uid"]) == "-- Dashboard --" {
			p.Borrows = int(number(t["panelId"]))
			continue
		}
		expr := strings.TrimSpace(text(t["expr"]))
		if expr == "" || !isPrometheus(source, r.sources) {
			continue
		}
		instant := truth(t["instant"])
		q := Query{Ref: text(t["refId"]), Expr: expr, Legend: text(t["legendFormat"]), Format: text(t["format"]), Interval: text(t["interval"]), Factor: max(1, number(t["intervalFactor"])), Instant: instant, Range: !instant || truth(t["range"])}
		p.Queries = append(p.Queries, q)
	}
	// Files made by hand number panels 0, or twice; the console numbers those itself, so that the number says nothing.
	if id <= 0 || r.taken[id] {
		p.ID, p.Nth = 0, r.unnumbered[p.Title]
		r.unnumbered[p.Title]++
	}
	r.taken[id] = true
	if len(p.Queries) == 0 && p.Borrows == 0 {
		return
	}
	readOptions(&p, o)
	r.board.Panels = append(r.board.Panels, p)
}

// readOptions reads what decides how values are shown.
func readOptions(p *Panel, o object) {
	fields := obj(o["fieldConfig"])
	old := obj(obj(o["options"])["fieldOptions"])
	bags := []object{obj(fields["defaults"]), obj(old["defaults"]), obj(o["options"]), o}
	// The second axis of an old graph has what an override puts there.
	second := slices.ContainsFunc(list(o["seriesOverrides"]), func(v any) bool { return number(obj(v)["yaxis"]) == 2 })
	for i, y := range list(o["yaxes"]) {
		// Other panels may still have the axes of the graph that they were made of.
		if p.Type == "graph" && (i == 0 || second) {
			p.Units = append(p.Units, texts(obj(y)["format"])...)
		}
	}
	for _, b := range bags {
		if p.Units == nil {
			p.Units = texts(cmp.Or(text(b["unit"]), text(b["format"])))
		}
		p.Loose = p.Loose || text(b["displayName"]) != ""
		p.Mapped = append(p.Mapped, readMappings(b)...)
	}
	if p.Units == nil {
		p.Units = []string{""}
	}
	p.Min, p.Max = limitOf(obj(fields["defaults"])["min"]), limitOf(obj(fields["defaults"])["max"])
	for _, s := range list(o["styles"]) {
		p.Units = append(p.Units, text(obj(s)["unit"]))
	}
	p.Mapped = append(p.Mapped, readMappings(old)...)
	for _, v := range list(fields["overrides"]) {
		for _, w := range list(obj(v)["properties"]) {
			switch prop := obj(w); text(prop["id"]) {
			case "unit":
				p.Units = append(p.Units, text(prop["value"]))
			case "displayName", "custom.hideFrom":
				p.Loose = true
			case "mappings":
				p.Mapped = append(p.Mapped, readMappings(object{"mappings": prop["value"]})...)
			}
		}
	}
	for _, v := range list(o["transformations"]) {
		if t := obj(v); !truth(t["disabled"]) {
			p.Transforms = append(p.Transforms, text(t["id"]))
			p.Fields = append(p.Fields, fieldsOf(obj(t["options"]))...)
		}
	}
	reduce := obj(obj(o["options"])["reduceOptions"])
	p.Calcs = append(texts(reduce["calcs"]), texts(old["calcs"])...)
	if name := strings.Trim(text(reduce["fields"]), "/^$"); labelName.MatchString(name) {
		p.Fields = append(p.Fields, name)
	}
	p.Loose = p.Loose || truth(reduce["values"]) || text(reduce["fields"]) != "" || len(p.Transforms) > 0
	if name := text(o["valueName"]); name != "" {
		p.Calcs = []string{name}
	}
	if text(obj(o["options"])["textMode"]) == "name" {
		p.Calcs = []string{"name"}
	}
}

var labelName = regexp.MustCompile(`^[a-z_][a-zA-Z0-9_]*$`)

// fieldsOf are the labels that a transformation's options name.
func fieldsOf(options object) []string {
	var out []string
	add := func(names ...string) {
		for _, n := range names {
			if labelName.MatchString(n) {
				out = append(out, n)
			}
		}
	}
	for _, bag := range []string{"renameByName", "indexByName", "fields"} {
		for name := range obj(options[bag]) {
			add(name)
		}
	}
	include := obj(options["include"])
	add(texts(include["names"])...)
	add(strings.Split(text(include["pattern"]), "|")...)
	add(text(options["byField"]))
	return out
}

func limitOf(v any) *float64 {
	if text(v) == "" {
		return nil
	}
	n := number(v)
	return &n
}

func readMappings(b object) []Mapping {
	var out []Mapping
	for _, v := range append(list(b["mappings"]), list(b["valueMaps"])...) {
		m := obj(v)
		o := obj(m["options"])
		switch text(m["type"]) {
		case "value":
			for is, to := range o {
				out = append(out, Mapping{Text: text(obj(to)["text"]), Is: is})
			}
		case "range":
			out = append(out, Mapping{Text: text(obj(o["result"])["text"]), From: limitOf(o["from"]), To: limitOf(o["to"])})
		case "special":
			out = append(out, Mapping{Text: text(obj(o["result"])["text"]), Is: text(o["match"])})
		case "2":
			out = append(out, Mapping{Text: text(m["text"]), From: limitOf(m["from"]), To: limitOf(m["to"])})
		default:
			out = append(out, Mapping{Text: text(m["text"]), Is: text(m["value"])})
		}
	}
	for _, v := range list(b["rangeMaps"]) {
		m := obj(v)
		out = append(out, Mapping{Text: text(m["text"]), From: limitOf(m["from"]), To: limitOf(m["to"])})
	}
	return out
}

func readVariable(o object, sources map[string]string) Variable {
	v := Variable{
		Name: text(o["name"]), Type: text(o["type"]), Regex: text(o["regex"]), All: text(o["allValue"]), HasAll: truth(o["includeAll"]), Multi: truth(o["multi"]),
		Hidden: text(o["hide"]) == "2", Auto: truth(o["auto"]), AutoCount: number(o["auto_count"]), AutoMin: text(o["auto_min"]), Sort: int(number(o["sort"])),
		Prometheus: text(o["type"]) != "query" || isPrometheus(o["datasource"], sources),
	}
	if v.Type == "datasource" {
		v.Prometheus = text(o["query"]) == "prometheus"
	}
	v.Query = text(o["query"])
	if q := obj(o["query"]); q != nil {
		v.Query = text(q["query"])
	}
	// A value may be wrapped once more.
	current := obj(o["current"])
	value := current["value"]
	if inner := obj(value); inner != nil {
		value = inner["value"]
	}
	v.Current = texts(value)
	if len(v.Current) == 0 {
		v.Current = texts(current["text"])
	}
	return v
}

// isPrometheus tells whether a reference to a data source means a Prometheus.
func isPrometheus(ref any, sources map[string]string) bool {
	name := text(ref)
	if o := obj(ref); o != nil {
		if kind := text(o["type"]); kind != "" {
			return strings.Contains(kind, "prometheus")
		}
		name = text(o["uid"])
	}
	if name == "" || name == "default" {
		return true
	}
	if kind, ok := sources[strings.Trim(name, "${}[]")]; ok {
		return strings.Contains(kind, "prometheus")
	}
	return strings.Contains(strings.ToLower(name), "prom")
}
