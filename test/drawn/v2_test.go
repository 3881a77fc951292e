package drawn

import (
	"reflect"
	"slices"
	"testing"
)

// kinds are those of the variables of schema v2, as the classic schema calls them.
var kinds = map[string]string{
	"QueryVariable": "query", "DatasourceVariable": "datasource", "CustomVariable": "custom", "TextVariable": "textbox", "ConstantVariable": "constant", "IntervalVariable": "interval",
	"AdhocVariable": "adhoc", "GroupByVariable": "groupby", "SwitchVariable": "switch",
}

var sorts = []string{
	"disabled", "alphabeticalAsc", "alphabeticalDesc", "numericalAsc", "numericalDesc", "alphabeticalCaseInsensitiveAsc", "alphabeticalCaseInsensitiveDesc", "naturalAsc", "naturalDesc",
}

// fromV2 is a dashboard of schema v2 as far as a Board reads one: rows and tabs are rows, which say by what their
// panels repeat.
func fromV2(d object) object {
	var variables, notes []any
	for _, v := range list(d["variables"]) {
		o := obj(v)
		spec := obj(o["spec"])
		out := clone(spec)
		out["type"] = kinds[text(o["kind"])]
		out["hide"] = map[string]string{"hideLabel": "1", "hideVariable": "2"}[text(spec["hide"])]
		out["sort"] = float64(max(0, slices.Index(sorts, text(spec["sort"]))))
		switch out["type"] {
		case "query":
			query := obj(spec["query"])
			asked := obj(query["spec"])
			out["datasource"] = sourceOf(spec, query)
			for _, name := range []string{"expr", "query", "__legacyStringValue"} {
				if s := text(asked[name]); s != "" {
					out["query"] = s
				}
			}
		case "datasource":
			out["query"] = spec["pluginId"]
		}
		variables = append(variables, out)
	}
	for _, v := range list(d["annotations"]) {
		spec := obj(obj(v)["spec"])
		query := obj(spec["query"])
		out := clone(obj(query["spec"]))
		out["datasource"] = sourceOf(spec, query)
		notes = append(notes, out)
	}
	return object{
		"title": d["title"], "templating": object{"list": variables}, "annotations": object{"list": notes},
		"panels": placed(obj(d["layout"]), obj(d["elements"])),
	}
}

func clone(o object) object {
	out := object{}
	for k, v := range o {
		out[k] = v
	}
	return out
}

// sourceOf is the data source of a query, which the first version of the schema has beside it.
func sourceOf(holder, query object) any {
	name, kind := text(obj(query["datasource"])["name"]), text(query["group"])
	if text(query["kind"]) != "DataQuery" {
		own := obj(holder["datasource"])
		name, kind = text(own["uid"]), text(query["kind"])
	}
	if name == "" && kind == "" {
		return nil
	}
	return object{"uid": name, "type": kind}
}

// placed are the panels of a layout, in its order.
func placed(layout, elements object) []any {
	spec := obj(layout["spec"])
	var out []any
	for _, v := range slices.Concat(list(spec["rows"]), list(spec["tabs"])) {
		s := obj(obj(v)["spec"])
		out = append(out, object{"type": "row", "repeat": obj(s["repeat"])["value"], "panels": placed(obj(s["layout"]), elements)})
	}
	for _, v := range list(spec["items"]) {
		s := obj(obj(v)["spec"])
		if inner := list(s["elements"]); inner != nil {
			out = append(out, object{"type": "row", "repeat": obj(s["repeat"])["value"], "panels": placed(object{"spec": object{"items": inner}}, elements)})
			continue
		}
		element := obj(obj(elements[text(obj(s["element"])["name"])])["spec"])
		p := classicPanel(element)
		p["repeat"] = obj(s["repeat"])["value"]
		out = append(out, p)
	}
	return out
}

func classicPanel(spec object) object {
	viz := obj(spec["vizConfig"])
	kind := text(viz["group"])
	if kind == "" {
		kind = text(viz["kind"])
	}
	data := obj(obj(spec["data"])["spec"])
	p := clone(obj(data["queryOptions"]))
	p["id"], p["title"], p["type"] = spec["id"], spec["title"], kind
	p["options"], p["fieldConfig"] = obj(viz["spec"])["options"], obj(viz["spec"])["fieldConfig"]
	var targets, transformations []any
	for _, v := range list(data["queries"]) {
		s := obj(obj(v)["spec"])
		query := obj(s["query"])
		t := clone(obj(query["spec"]))
		t["refId"], t["hide"], t["datasource"] = s["refId"], s["hidden"], sourceOf(s, query)
		targets = append(targets, t)
	}
	for _, v := range list(data["transformations"]) {
		o := obj(v)
		t := clone(obj(o["spec"]))
		if t["id"] == nil {
			t["id"] = o["group"]
		}
		transformations = append(transformations, t)
	}
	// Each query has its own source.
	p["datasource"], p["targets"], p["transformations"] = "-- Mixed --", targets, transformations
	return p
}

func TestReadBoardV2(t *testing.T) {
	element := func(id, expr string) string {
		return `{"kind":"Panel","spec":{"id":` + id + `,"title":"P` + id + `","data":{"spec":{"queries":[{"spec":{"refId":"A","query":{"kind":"DataQuery","group":"prometheus","datasource":{"name":"p"},"spec":{"expr":"` + expr + `"}}}}],"queryOptions":{"interval":"1m"}}},
			"vizConfig":{"kind":"VizConfig","group":"stat","spec":{"options":{"reduceOptions":{"calcs":["max"]}},"fieldConfig":{"defaults":{"unit":"s"}}}}}}`
	}
	item := func(name, repeat string) string {
		return `{"kind":"GridLayoutItem","spec":{"element":{"name":"` + name + `"},"repeat":{"value":"` + repeat + `"}}}`
	}
	b, err := ReadBoard([]byte(`{"apiVersion":"dashboard.grafana.app/v2beta1","spec":{"title":"T",
		"elements":{"a":` + element("1", "up") + `,"b":` + element("2", "down{job=\\\"$job\\\"}") + `,"c":` + element("3", "x") + `},
		"layout":{"kind":"TabsLayout","spec":{"tabs":[
			{"spec":{"repeat":{"value":"env"},"layout":{"kind":"RowsLayout","spec":{"rows":[{"spec":{"repeat":{"value":"job"},"layout":{"kind":"GridLayout","spec":{"items":[` + item("a", "host") + `]}}}}]}}}},
			{"spec":{"layout":{"kind":"AutoGridLayout","spec":{"items":[` + item("b", "") + `,` + item("c", "") + `]}}}}]}},
		"variables":[{"kind":"QueryVariable","spec":{"name":"job","hide":"hideVariable","sort":"numericalAsc","includeAll":true,"allValue":".+","query":{"kind":"DataQuery","group":"prometheus","spec":{"query":"label_values(up, job)"}}}}],
		"annotations":[{"spec":{"query":{"kind":"DataQuery","group":"prometheus","spec":{"expr":"deploy"}}}}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for _, p := range b.Panels {
		got = append(got, append([]string{p.Title, p.Type, p.Interval, p.Queries[0].Expr, p.Units[0], p.Calcs[0]}, p.Repeats...))
	}
	want := [][]string{{"P1", "stat", "1m", "up", "s", "max", "env", "job", "host"}, {"P2", "stat", "1m", `down{job="$job"}`, "s", "max"}, {"P3", "stat", "1m", "x", "s", "max"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	if v := b.Variables; len(v) != 1 || v[0].Type != "query" || v[0].Query != "label_values(up, job)" || !v[0].Hidden || v[0].Sort != 3 || !v[0].Prometheus || !v[0].Must {
		t.Errorf("%+v", v)
	}
	if !slices.Equal(b.Notes, []string{"deploy"}) {
		t.Errorf("%q", b.Notes)
	}
}
