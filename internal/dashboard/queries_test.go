package dashboard

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestQueries(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"classic", `{"panels":[
			{"id":1,"title":"A","datasource":{"type":"prometheus"},"targets":[{"expr":"a"},{"expr":""},{"datasource":{"type":"loki"},"expr":"l"}]},
			{"title":"Mixed","datasource":{"type":"datasource","uid":"-- Mixed --"},"targets":[{"datasource":{"type":"prometheus"},"expr":"b"},{"datasource":{"type":"loki"},"expr":"l"}]},
			{"id":3,"type":"row","panels":[{"id":4,"datasource":null,"targets":[{"expr":"c"}]}]},
			{"id":5,"libraryPanel":{"model":{"targets":[{"expr":"d"}]}}}],
			"templating":{"list":[{"name":"q","type":"query","query":"v1"},{"name":"o","type":"query","query":{"query":"v2"}},{"name":"c","type":"custom","query":"1,2"}, {"name":"d","type":"query","query":{},"definition":"v3"}]},
			"annotations":{"list":[{"name":"n","expr":"e"},{"name":"t","target":{"expr":"f"}},{"name":"own","datasource":{"type":"datasource","uid":"grafana"},"expr":"x"},{"name":"old","datasource":"-- Grafana --","expr":"x"}]}}`,
			`0 A 1 prometheus panels[0].targets[0].expr a
0 Mixed  prometheus panels[1].targets[0].expr b
0  4  panels[2].panels[0].targets[0].expr c
0  5  panels[3].libraryPanel.model.targets[0].expr d
1 q   templating.list[0].query v1
1 o   templating.list[1].query.query v2
1 d   templating.list[3].definition v3
2 n   annotations.list[0].expr e
2 t   annotations.list[1].target.expr f
`},
		{"sources by name", `{"__inputs":[{"name":"DS_P","type":"datasource","pluginId":"prometheus"},{"name":"DS_L","type":"datasource","pluginId":"loki"}],
			"templating":{"list":[{"name":"ds","type":"datasource","query":"prometheus"},{"name":"es","type":"datasource","query":"elasticsearch"}]},
			"rows":[{"panels":[{"id":1,"datasource":"${DS_P}","targets":[{"expr":"a"}]},{"id":2,"datasource":"${DS_L}","targets":[{"expr":"l"}]},
			{"id":3,"datasource":{"uid":"[[ds]]"},"targets":[{"expr":"b"}]},{"id":4,"datasource":"$es","targets":[{"expr":"e"}]},
			{"id":5,"datasource":"Our Prometheus","targets":[{"expr":"c"}]},{"id":6,"datasource":"Other","targets":[{"expr":"d"}]}]}]}`,
			`0  1 prometheus rows[0].panels[0].targets[0].expr a
0  3 prometheus rows[0].panels[2].targets[0].expr b
0  5 prometheus rows[0].panels[4].targets[0].expr c
0  6  rows[0].panels[5].targets[0].expr d
`},
		{"schema v2", `{"apiVersion":"dashboard.grafana.app/v2beta1","metadata":{"name":"x"},"spec":{"title":"V","layout":{},
			"elements":{"panel-1":{"kind":"Panel","spec":{"id":1,"title":"A","data":{"kind":"QueryGroup","spec":{"queries":[
				{"kind":"PanelQuery","spec":{"query":{"kind":"DataQuery","group":"prometheus","spec":{"expr":"a"}}}},
				{"kind":"PanelQuery","spec":{"query":{"kind":"loki","spec":{"expr":"l"}}}}]}}}},
				"p.2":{"kind":"Panel","spec":{"id":2,"title":"B","data":{"spec":{"queries":[{"spec":{"query":{"kind":"prometheus","spec":{"expr":"b"}}}}]}}}}},
			"variables":[{"kind":"QueryVariable","spec":{"name":"v","query":{"kind":"DataQuery","group":"prometheus","spec":{"query":"label_values(x)"}}}},{"kind":"CustomVariable","spec":{"name":"c"}}],
			"annotations":[{"kind":"AnnotationQuery","spec":{"name":"n","query":{"kind":"DataQuery","group":"prometheus","spec":{"expr":"e"}}}}]}}`,
			`0 A 1 prometheus spec.elements.panel-1.spec.data.spec.queries[0].spec.query.spec.expr a
0 B 2 prometheus spec.elements['p.2'].spec.data.spec.queries[0].spec.query.spec.expr b
1 v  prometheus spec.variables[0].spec.query.spec.query label_values(x)
2 n  prometheus spec.annotations[0].spec.query.spec.expr e
`},
	} {
		d, err := Parse(c.text)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var b strings.Builder
		for _, q := range d.Queries() {
			fmt.Fprintln(&b, q.Part, q.Name, q.ID, q.Source, q.Path, q.Text)
		}
		if b.String() != c.want {
			t.Errorf("%s:\n%s", c.name, b.String())
		}
	}
}

// TestQueryPlace counts in the file: behind a wrapper, over escapes and characters of several bytes.
func TestQueryPlace(t *testing.T) {
	text := "{\"dashboard\":\n  {\"panels\": [{\"targets\": [\n    {\"expr\": \"é\\\"\\u00e9\\ud83d\\ude00\\ud800\\nx\"}]}]}}"
	d, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	q := d.Queries()[0]
	want := map[rune]int{'é': 15, '"': 16, '😀': 24, utf8.RuneError: 36, '\n': 42, 'x': 44}
	seen := map[rune]bool{}
	for i, r := range q.Text {
		if column := want[r]; column > 0 && !seen[r] {
			if line, col := q.Place(i); line != 3 || col != column {
				t.Errorf("%q: line %d, column %d, want column %d", r, line, col, column)
			}
			seen[r] = true
		}
	}
	if len(seen) != len(want) {
		t.Errorf("seen %v of %q", seen, q.Text)
	}
	if line, col := q.Place(len(q.Text)); line != 3 || col != 45 {
		t.Errorf("the end is at line %d, column %d", line, col)
	}
}
