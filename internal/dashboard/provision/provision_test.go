package provision

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"touchline.dev/touchline/internal/dashboard"
	"touchline.dev/touchline/internal/dashboard/datasource"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// taken is what a Watcher has put in force.
type taken struct {
	w       *Watcher
	dir     string
	boards  map[string]dashboard.File
	sources []datasource.Source
	loads   chan struct{}
}

func watcher(t *testing.T, shipped fstest.MapFS) *taken {
	t.Helper()
	x := &taken{dir: t.TempDir(), loads: make(chan struct{}, 100)}
	o := Options{
		Dir: x.dir, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Every: minEvery / 100,
		Getenv: func(name string) (string, bool) {
			v, ok := map[string]string{"PASSWORD": "geheim", "HOST": "prometheus"}[name]
			return v, ok
		},
		Dashboards: func(_ context.Context, list []dashboard.File) error {
			x.boards = map[string]dashboard.File{}
			for _, f := range list {
				x.boards[f.UID] = f
			}
			x.loads <- struct{}{}
			return nil
		},
		Sources: func(list []datasource.Source) error { x.sources = list; return nil },
	}
	if shipped != nil {
		o.Shipped = shipped
	}
	var err error
	if x.w, err = New(o); err != nil {
		t.Fatal(err)
	}
	return x
}

var written int

func (x *taken) put(t *testing.T, name, text string) {
	t.Helper()
	full := filepath.Join(x.dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// What is written twice within a tick of the file system's clock has another time.
	written++
	at := time.Unix(1_700_000_000+int64(written), 0)
	if err := os.Chtimes(full, at, at); err != nil {
		t.Fatal(err)
	}
}

func (x *taken) load(t *testing.T) string {
	t.Helper()
	if err := x.w.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-x.loads
	var out []string
	for _, p := range x.w.Problems() {
		out = append(out, strings.ReplaceAll(p.String(), x.dir+"/", ""))
	}
	return strings.Join(out, "\n")
}

const providers = `apiVersion: 1
providers:
  - name: main
    folder: Main
    type: file
    updateIntervalSeconds: 30
    options: {path: json}
  - name: tree
    type: file
    allowUiUpdates: true
    disableDeletion: true
    options:
      path: tree
      foldersFromFilesStructure: true
`

func TestFolder(t *testing.T) {
	x := watcher(t, fstest.MapFS{
		"dashboards/a.json":   {Data: []byte(`{"uid":"shipped","title":"S","panels":[]}`)},
		"dashboards/b.json":   {Data: []byte(`{"uid":"mine","title":"S","panels":[]}`)},
		"dashboards/.gitkeep": {},
	})
	x.put(t, "dashboards/main.yml", providers)
	x.put(t, "json/one.json", `{"uid":"mine","title":"Mine","panels":[]}`)
	x.put(t, "json/two.json", `{"title":"No uid","panels":[]}`)
	x.put(t, "json/three.json", `{"uid":"mine","title":"Twice","panels":[]}`)
	x.put(t, "json/broken.json", "{\n  \"panels\": [1 2]}")
	x.put(t, "json/.hidden.json", `{`)
	x.put(t, "json/notes.txt", `{`)
	x.put(t, "tree/top.json", `{"uid":"top","title":"Top","panels":[]}`)
	x.put(t, "tree/a/b/deep.json", `{"uid":"deep","title":"Deep","panels":[]}`)
	if err := os.Symlink(x.dir+"/tree", x.dir+"/tree/a/again"); err != nil {
		t.Fatal(err)
	}
	got := x.load(t)
	want := `json/broken.json:2:16: not valid JSON: invalid character '2' after array element
json/three.json:1:1: the uid "mine" is that of ` + x.dir + `/json/one.json, and this one is left out; give each dashboard its own`
	want = strings.ReplaceAll(want, x.dir+"/", "")
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if n := testutil.ToFloat64(x.w.problems); n != 2 {
		t.Errorf("%v problems are counted", n)
	}
	var none string
	for uid, f := range x.boards {
		if f.Title() == "No uid" {
			none = uid
		}
	}
	if len(x.boards) != 5 || !dashboard.ValidUID(none) {
		t.Errorf("%v", x.boards)
	}
	mine, deep, top, shipped := x.boards["mine"], x.boards["deep"], x.boards["top"], x.boards["shipped"]
	if mine.Folder != "Main" || !strings.HasPrefix(mine.Source, mine.Root+"/") || shipped.Root != "" || mine.AllowEdit || mine.Keep || deep.Folder != "a/b" || !deep.AllowEdit || !deep.Keep || top.Folder != "" || shipped.Folder != ShippedFolder || shipped.Source != "stack/dashboards/a.json" || mine.Shipped || deep.Shipped || top.Shipped || !shipped.Shipped {
		t.Errorf("%+v\n%+v\n%+v\n%+v", mine, deep, top, shipped)
	}

	// A file that breaks stays what it was, and says so; its neighbours change.
	x.put(t, "json/one.json", `{"uid":"mine",`)
	x.put(t, "tree/top.json", `{"uid":"top","title":"Top 2","panels":[]}`)
	if got := x.load(t); !strings.Contains(got, "json/one.json:1:14: not valid JSON: unexpected end of JSON input; correct the file; until then the dashboard stays as it last was") {
		t.Error(got)
	}
	mine, top = x.boards["mine"], x.boards["top"]
	if mine.Title() != "Mine" || top.Title() != "Top 2" {
		t.Errorf("%v", x.boards)
	}
	// So does a broken file of providers.
	x.put(t, "dashboards/main.yml", "providers:\n\t- name: x\n")
	x.put(t, "dashboards/other.yml", "providers: [{name: other, options: {path: other}}]")
	got = x.load(t)
	if !strings.Contains(got, "dashboards/main.yml:2:") || !strings.Contains(got, "not valid YAML") || !strings.Contains(got, "dashboards/other.yml:1:") || !strings.Contains(got, "options.path: other cannot be read: no such file or directory") {
		t.Error(got)
	}
	if len(x.boards) != 5 {
		t.Errorf("%v", x.boards)
	}
	// What is gone is gone, with the uid that it was made with.
	for _, name := range []string{"dashboards/main.yml", "dashboards/other.yml"} {
		if err := os.Remove(filepath.Join(x.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if got := x.load(t); got != "" || len(x.boards) != 2 {
		t.Errorf("%v %s", x.boards, got)
	}
	x.put(t, "dashboards/main.yml", providers)
	x.load(t)
	if _, ok := x.boards[none]; !ok {
		t.Errorf("the uid of a file without one has changed: %v", x.boards)
	}
	if err := os.RemoveAll(x.dir); err != nil {
		t.Fatal(err)
	}
	if got := x.load(t); !strings.Contains(got, "the provisioning folder cannot be read: no such file or directory") {
		t.Error(got)
	}
}

// TestFollows has the watcher find changes by itself.
func TestFollows(t *testing.T) {
	x := watcher(t, nil)
	x.put(t, "dashboards/main.yml", `providers: [{name: a, options: {path: json}}]`)
	x.put(t, "json/one.json", `{"uid":"one","title":"One","panels":[]}`)
	x.load(t)
	if err := x.w.Poll(t.Context()); err != nil || len(x.loads) != 0 {
		t.Errorf("what has not changed is loaded again: %v", err)
	}
	x.w.Start()
	x.put(t, "json/two.json", `{"uid":"two","title":"Two","panels":[]}`)
	select {
	case <-x.loads:
	case <-time.After(30 * time.Second):
		t.Error("a new file is not noticed")
	}
	x.w.Stop()
	x.w.Stop()
	if err := x.w.Poll(t.Context()); err != nil {
		t.Error(err)
	}
	if two := x.boards["two"]; two.Title() != "Two" {
		t.Errorf("%v", x.boards)
	}
}

func TestSources(t *testing.T) {
	x := watcher(t, nil)
	secret := filepath.Join(x.dir, "token")
	x.put(t, "token", "Bearer geheim\n")
	x.put(t, "datasources/a.yaml", fmt.Sprintf(`apiVersion: 1
deleteDatasources: [{name: Old}]
datasources:
  - name: Prometheus
    type: prometheus
    access: proxy
    url: http://$HOST:9090
    isDefault: true
    basicAuth: true
    basicAuthUser: anna
    jsonData: {timeout: 60, httpMethod: POST, timeInterval: 1m}
    secureJsonData: {basicAuthPassword: "$$${PASSWORD}"}
  - name: Token
    uid: token
    type: prometheus
    url: http://two:9090
    isDefault: true
    jsonData: {httpHeaderName1: Authorization, timeInterval: 30}
    secureJsonData: {httpHeaderValue1: "$__file{%s}"}
  - {name: Logs, type: loki, url: "http://loki:3100"}
  - {name: Often, type: prometheus, url: "http://x", jsonData: {timeInterval: often}}
`, secret))
	x.put(t, "datasources/b.yml", `datasources:
  - {name: Own, uid: touchline, type: prometheus, url: "http://x"}
  - {name: Token, uid: other, type: prometheus, url: "http://x"}
  - {name: Unset, type: prometheus, url: "http://$NOWHERE/geheim"}
  - {name: Missing, type: prometheus, url: "http://x", basicAuth: maybe}
  - {name: Bad, type: prometheus, url: "http://user:geheim@x"}
  - {name: NoFile, type: prometheus, url: "http://x", jsonData: {httpHeaderName1: A}, secureJsonData: {httpHeaderValue1: "$__file{/nowhere}"}}
  - {name: NoValue, type: prometheus, url: "http://x", jsonData: {httpHeaderName1: A}}
  - {type: prometheus, url: "http://x"}
  - 1
`)
	got := x.load(t)
	for _, want := range []string{
		`a.yaml:13:1: isDefault: "Prometheus"`, `a.yaml:20:5: a data source of the type loki is listed, and cannot be reached`, `timeInterval: it is no duration, and steps follow the usual 15s`,
		`b.yml:2:1: the uid "touchline" is that of this server's own metrics`, `b.yml:3:1: the name "Token" is that of "Token"`,
		`b.yml:4:`, `url: the variable NOWHERE is not set; set it, or write $$`, `basicAuth: it is neither true nor false`, `url: it holds a user; write basicAuth`,
		`the file /nowhere of $__file cannot be read: no such file or directory`, `secureJsonData.httpHeaderValue1: it is missing`, `name: it is missing`, `an item is no mapping`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "geheim") {
		t.Errorf("a problem shows a secret:\n%s", got)
	}
	if len(x.sources) != 4 {
		t.Fatalf("%v", x.sources)
	}
	first, second := x.sources[0], x.sources[1]
	if first.UID != "PBFA97CFB590B2093" || first.URL != "http://prometheus:9090" || first.User != "anna" || string(first.Password) != "$geheim" || first.Timeout != time.Minute || first.Interval != time.Minute || second.Interval != 30*time.Second || !first.Default {
		t.Errorf("%+v", first)
	}
	if string(second.Headers["Authorization"]) != "Bearer geheim" || second.Default {
		t.Errorf("%+v", second)
	}
}
