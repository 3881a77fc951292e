package lint

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCheckProvisioningFolder walks from touchline.yaml to everything that the folder holds.
func TestCheckProvisioningFolder(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file("touchline.yaml", "dashboards:\n  provisioning: prov\n")
	file("prov/dashboards/main.yml", "apiVersion: 1\nproviders:\n  - {name: a, type: file, options: {path: boards}}\n"+
		"  - {name: b, type: file, options: {path: gone}}\n  - {name: c, type: file, options: {path: /nowhere/at/all}}\n")
	file("prov/dashboards/broken.yml", "apiVersion: 1\nproviders: [\n")
	file("prov/datasources/ds.yml", "apiVersion: 1\ndatasources:\n  - {name: A, type: prometheus, url: 'http://a:9090'}\n  - {name: A, uid: b, type: prometheus, url: 'http://b:9090'}\n")
	file("prov/boards/good.json", `{"uid": "one", "title": "A", "panels": []}`)
	file("prov/boards/again.json", `{"uid": "one", "title": "B", "panels": [{"id": 1, "title": "P", "datasource": {"type": "prometheus"}, "targets": [{"expr": "sum("}]}]}`)
	file("prov/boards/sub/bad.json", `{"panels": [}`)
	file("prov/boards/uid.json", `{"uid": "a b", "title": "C", "panels": []}`)
	root := filepath.Join(dir, "touchline.yaml")
	docs, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	docs = WithReferenced(docs)
	var got []string
	for _, d := range docs {
		got = append(got, d.Kind.String()+" "+strings.TrimPrefix(d.Path, dir+"/"))
	}
	want := []string{
		"touchline touchline.yaml", "dashboard-providers prov/dashboards/broken.yml", "dashboard-providers prov/dashboards/main.yml", "datasources prov/datasources/ds.yml",
		"dashboard prov/boards/again.json", "dashboard prov/boards/good.json", "dashboard prov/boards/sub/bad.json", "dashboard prov/boards/uid.json",
	}
	if !slices.Equal(got, want) {
		t.Errorf("documents %q", got)
	}
	got = nil
	for _, f := range Check(docs) {
		got = append(got, strings.ReplaceAll(f.String(), dir+"/", ""))
	}
	want = []string{
		`prov/boards/again.json:1:129: warning: panel "P" (id 1): cannot parse expression: unclosed left parenthesis; close every parenthesis, brace and quote [bad-expression]`,
		`prov/boards/good.json:1:1: error: the uid "one" is that of prov/boards/again.json, and this one is left out; give each dashboard its own [bad-dashboard]`,
		`prov/boards/sub/bad.json:1:13: error: not valid JSON: invalid character '}' looking for beginning of value; correct the JSON there, or export the dashboard again [bad-dashboard]`,
		`prov/boards/uid.json:1:1: warning: the uid "a b" is none, and another one is made; write up to 40 letters, digits, - and _ [dashboard-differs]`,
		`prov/dashboards/broken.yml`,
		`prov/dashboards/main.yml:4:1: error: options.path: prov/gone cannot be read: no such file or directory; make the folder, or correct the path; a relative one begins at the provisioning folder [bad-provisioning]`,
		`prov/dashboards/main.yml:5:1: warning: options.path: /nowhere/at/all cannot be read: no such file or directory; make the folder, or correct the path; a relative one begins at the provisioning folder [bad-provisioning]`,
		`prov/datasources/ds.yml:4:1: error: the name "A" is that of "A" (prov/datasources/ds.yml:3); give each data source its own [bad-provisioning]`,
	}
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("findings:\n%s", strings.Join(got, "\n"))
	}
	if alone := CheckTouchline(root, docs[0].Bytes); len(alone) != len(want) {
		t.Errorf("alone: %v", alone)
	}

	file("touchline.yaml", "dashboards:\n  provisioning: nowhere\n")
	if docs, err = Load(root); err != nil {
		t.Fatal(err)
	}
	findings := Check(WithReferenced(docs))
	if len(findings) != 1 || findings[0].Line != 2 || findings[0].Column != 17 || findings[0].File != root || !strings.HasPrefix(findings[0].Message, "dashboards.provisioning: the provisioning folder cannot be read") {
		t.Errorf("a folder that is not there: %v", findings)
	}
}

// TestUnreadQueriesAreCounted holds that what is not compared is not passed over in silence.
func TestUnreadQueriesAreCounted(t *testing.T) {
	docs := []*Document{
		NewDocument("a.json", []byte(`{"title": "A", "panels": [{"targets": [{"expr": "$a $b ) $c"}, {"expr": "SELECT 1"}, {"expr": "up"}]}]}`)),
		NewDocument("b.json", []byte(`{"title": "B", "panels": [{"targets": [{"expr": "$a(up[$b])"}]}]}`)),
	}
	var notes []string
	findings, err := Live(t.Context(), docs, LiveOptions{Exported: &Exported{Names: []string{"x"}}, Note: func(s string) { notes = append(notes, s) }})
	if err != nil || len(findings) > 0 || len(notes) != 1 || !strings.HasPrefix(notes[0], "a.json: 2 of its queries are not compared") {
		t.Errorf("findings %v, notes %q, error %v", findings, notes, err)
	}
}
