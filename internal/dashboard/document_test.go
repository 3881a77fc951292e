package dashboard

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)
	for _, c := range []struct {
		name, text string
		title, uid string
		panels     int
		warning    string // part of the first one, "" for none
		wrong      string // part of the error, "" for none
	}{
		{"classic", `{"uid":"a","title":"A","schemaVersion":"39","tags":["x","x","y"],"panels":[{"id":1},{"id":2,"type":"row","panels":[{"id":3}]}]}`, "A", "a", 2, "", ""},
		{"rows of old schemas", `{"title":"A","rows":[{"panels":[{"id":1},{"id":2}]},{"panels":[]}]}`, "A", "", 2, "", ""},
		{"a wrapper", "{\"meta\":{},\"dashboard\": {\"title\":\"In\",\"uid\":\"in\",\"panels\":[]}}", "In", "in", 0, "", ""},
		{"a byte order mark", "\uFEFF" + `{"title":"A","panels":[]}`, "A", "", 0, "", ""},
		{"schema v2 alone", `{"title":"V","elements":{"p":{"kind":"Panel"}},"layout":{}}`, "V", "", 1, "", ""},
		{"schema v2 as a resource", `{"apiVersion":"dashboard.grafana.app/v2beta1","kind":"Dashboard","metadata":{"name":"n1"},"spec":{"title":"V","elements":{"p":{"kind":"LibraryPanel","spec":{"title":"L"}}}}}`, "V", "n1", 1, "library panel", ""},
		{"a classic one as a resource", `{"apiVersion":"dashboard.grafana.app/v1beta1","kind":"Dashboard","metadata":{"name":"n1"},"spec":{"title":"V","panels":[{}]}}`, "V", "n1", 1, "", ""},
		{"without panels yet", `{"title":"New","uid":"n","schemaVersion":39}`, "New", "n", 0, "", ""},
		{"without a title", `{"panels":[]}`, "Untitled", "", 0, "no title", ""},
		{"a library panel", `{"title":"A","panels":[{"libraryPanel":{"name":"L"}}]}`, "A", "", 1, `"L" is a library panel`, ""},
		{"an id twice", `{"title":"A","panels":[{"id":1},{"id":1}]}`, "A", "", 2, "several panels have the id 1", ""},
		{"a panel that is none", `{"title":"A","panels":[1,{"id":1}]}`, "A", "", 1, "not an object", ""},
		{"tags that are none", `{"title":"A","panels":[],"tags":[1,"ok"]}`, "A", "", 0, "a tag is left out", ""},
		{"panels beside a spec", `{"apiVersion":"dashboard.grafana.app/v2","spec":{"title":"V","elements":{}},"panels":[{}]}`, "", "", 0, "", "stands beside spec"},
		{"a broken text", "{\n  \"title\": \"A\",\n  \"panels\": [1 2]\n}", "", "", 0, "", "line 3, column 16 (byte 33): not valid JSON: invalid character '2' after array element"},
		{"one that ends early", `{"panels":[`, "", "", 0, "", "unexpected end of JSON input"},
		{"no UTF-8", "{\"title\":\"\xff\",\"panels\":[]}", "", "", 0, "", "line 1, column 11 (byte 10): the text is not UTF-8"},
		{"a list", `[1]`, "", "", 0, "", "a dashboard is a JSON object"},
		{"something else", `{"name":"x"}`, "", "", 0, "", "this is not a Grafana dashboard"},
		{"within a wrapper", "{\"dashboard\":\n{\"panels\":[], \"title\":\"" + strings.Repeat("x", 1001) + "\"}}", "", "", 0, "", "line 2, column 23 (byte 36)"},
		{"nested too deep", `{"panels":` + deep + `}`, "", "", 0, "", "nested more than 100 deep"},
		{"too many panels", `{"panels":[` + strings.Repeat(`{},`, 5000) + `{}]}`, "", "", 0, "", "more than 5000 panels"},
		{"too many values", `{"panels":[],"x":[` + strings.Repeat("1,", 1_000_001) + `1]}`, "", "", 0, "", "more than 1000000 values"},
		{"too large", `{"panels":[],"x":"` + strings.Repeat("x", MaxSize) + `"}`, "", "", 0, "", "at most 10485760 (10 MB)"},
	} {
		d, err := Parse(c.text)
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) || KindOf(err) == 0 {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if d.Title != c.title || d.UID != c.uid || d.Panels != c.panels || (c.warning == "") != (len(d.Warnings) == 0) || !strings.Contains(strings.Join(d.Warnings, "\n"), c.warning) {
			t.Errorf("%s: %q, %q, %d panels, %q", c.name, d.Title, d.UID, d.Panels, d.Warnings)
		}
	}
}

// TestAs looks at what is served: the text as it came, but for what the server says.
func TestAs(t *testing.T) {
	for in, want := range map[string]string{
		"{\n  \"id\": 12,\n  \"uid\": \"old\",\n  \"version\": 7,\n  \"title\": \"<A> \\u00e9\",  \"panels\": [ 1.50 ]\n}": "{\n  \"id\": null,\n  \"uid\": \"u1\",\n  \"version\": 3,\n  \"title\": \"<A> \\u00e9\",  \"panels\": [ 1.50 ]\n}",
		"{\n  \"panels\": []\n}": "{\n  \"uid\": \"u1\",\n  \"version\": 3,\n  \"panels\": []\n}",
		`{"panels":[]}`:          `{"uid": "u1","version": 3,"panels":[]}`,
		`{"elements":{}}`:        `{"elements":{}}`,
		`{"apiVersion":"dashboard.grafana.app/v2","metadata":{"name":"x"},"spec":{"elements":{}}}`: `{"apiVersion":"dashboard.grafana.app/v2","metadata":{"name":"u1"},"spec":{"elements":{}}}`,
		`{"apiVersion":"dashboard.grafana.app/v2","spec":{"elements":{}}}`:                         `{"metadata": {"name": "u1"},"apiVersion":"dashboard.grafana.app/v2","spec":{"elements":{}}}`,
	} {
		d, err := Parse(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := d.As("u1", 3); got != want {
			t.Errorf("%s\nis served as %s\nnot as       %s", in, got, want)
		}
	}
}

func TestParseRequest(t *testing.T) {
	const export = `{"__inputs":[{"name":"DS_P","type":"datasource","pluginId":"prometheus"},{"name":"C","type":"constant"}],"title":"A","panels":[{"datasource":"${DS_P}"}]}`
	r, err := ParseRequest(`{"dashboard":`+export+`,"folder":" F ","message":"m","overwrite":true,"inputs":{"DS_P":"a\"b"}}`, "folder", "message", "overwrite", "inputs")
	if err != nil {
		t.Fatal(err)
	}
	if *r.Folder != " F " || r.Message != "m" || !r.Overwrite || r.Dashboard.Text != strings.ReplaceAll(export, "${DS_P}", `a\"b`) || len(r.Dashboard.Warnings) != 0 {
		t.Errorf("%+v %s", r, r.Dashboard.Text)
	}
	r, err = ParseRequest(`{"dashboard":` + export + `}`)
	if err != nil {
		t.Fatal(err)
	}
	if r.Folder != nil || r.Dashboard.Text != export || len(r.Dashboard.Warnings) != 1 || !strings.Contains(r.Dashboard.Warnings[0], `inputs: {"DS_P": "UID"}`) {
		t.Errorf("%+v %q", r, r.Dashboard.Warnings)
	}
	for body, want := range map[string]string{
		``:                   "the body is empty",
		`[]`:                 "send a JSON object",
		`{"dashbord":{}}`:    `did you mean "dashboard"`,
		`{}`:                 "dashboard: it is missing",
		`{"dashboard":null}`: "dashboard: it is missing",
		`{"dashboard":{"panels":[]},"message":1}`:             "message: write a text",
		`{"dashboard":{"panels":[]},"overwrite":"yes"}`:       "overwrite: write true or false",
		`{"dashboard":{"panels":[]},"inputs":{"a":1}}`:        "inputs: write an object of texts",
		`{"dashboard":{"panels":[]},"inputs":{"DS_X":"uid"}}`: "no input of this name; it has none",
		"{\n\"dashboard\": {\"panels\": 1 x}}":                "line 2, column 27",
		"{\n\"dashboard\": {\"name\": 1}}":                    "line 2, column 14 (byte 15): this is not",
	} {
		if _, err := ParseRequest(body, "folder", "message", "overwrite", "inputs"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
	}
	if _, err := ParseRequest(`{"dashboard":"` + strings.Repeat("x", MaxSize) + `"}`); KindOf(err) != TooLarge {
		t.Errorf("a large one: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"title":"A","panels":[{"id":1}]}`, `{"dashboard":{"rows":[]}}`, `{"elements":{"a":{}}}`, `{"panels":[],"\u0000":"\ud800","id":-1e9}`, `[`, "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse(text)
		if err != nil {
			if KindOf(err) == 0 {
				t.Fatalf("an error without a kind: %v", err)
			}
			return
		}
		served := d.As("uid", 2)
		if !json.Valid([]byte(served)) {
			t.Fatalf("%q is served as %q", text, served)
		}
		again, err := Parse(served)
		if err != nil || again.Title != d.Title || again.Panels != d.Panels {
			t.Fatalf("%q is served as %q: %v", text, served, err)
		}
		if p := Difference("f", d, again); len(p.Operations) != 0 && d.form == classic {
			t.Fatalf("what is served of %q differs: %v", text, p.Operations)
		}
	})
}

// asValue decodes JSON as encoding/json does, to compare with another reader.
func asValue(t interface{ Fatalf(string, ...any) }, text string) any {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func same(t interface{ Fatalf(string, ...any) }, a, b string) bool {
	return reflect.DeepEqual(asValue(t, a), asValue(t, b))
}
