package channel

import (
	"context"
	"flag"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when testing/synctest begins: whether an alert fires is upstream's to
// say, and it asks the clock.
var noon = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func base() (*template.Template, error) {
	t, err := template.FromGlobs(nil)
	if err != nil {
		return nil, err
	}
	t.ExternalURL, err = url.Parse("https://touchline.example.org/t")
	return t, err
}

func renderer(t *testing.T, change func(*RendererOptions)) *Renderer {
	t.Helper()
	o := RendererOptions{
		Type: DingTalk, Kind: Markdown, Language: English, Base: base, Zone: time.UTC, Now: func() time.Time { return noon },
		Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	r, err := NewRenderer(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// group is what the dispatcher puts into a context.
func group() context.Context {
	ctx := notify.WithGroupKey(notify.WithReceiverName(context.Background(), "team"), `{}:{alertname="HostHighCpu"}`)
	return notify.WithNotificationReason(notify.WithGroupLabels(ctx, model.LabelSet{"alertname": "HostHighCpu", "cluster": "prod"}), notify.ReasonFirstNotification)
}

func firing(instance string) *alert.Alert {
	return &alert.Alert{Alert: model.Alert{
		Labels: model.LabelSet{"alertname": "HostHighCpu", "severity": "critical", "cluster": "prod", "instance": model.LabelValue(instance)},
		Annotations: model.LabelSet{
			"summary": model.LabelValue("CPU of " + instance + " is busy"), "description": "97 % for 2 minutes",
			"runbook_url": "https://touchline.example.org/t/ui/runbooks/HostHighCpu",
		},
		StartsAt: noon.Add(-200 * time.Second), EndsAt: noon.Add(time.Hour),
		GeneratorURL: "https://touchline.example.org/t/graph?g0.expr=avg%28cpu%29+%3E+0.9&g0.tab=1",
	}}
}

func resolved(instance string) *alert.Alert {
	a := firing(instance)
	a.EndsAt = noon.Add(-10 * time.Second)
	return a
}

func timed(ctx context.Context) context.Context {
	return WithTimings(ctx, func(a *alert.Alert) (Timing, bool) {
		at := a.StartsAt
		return Timing{Rule: "HostHighCpu", Class: "local", Sample: at, Received: at.Add(time.Millisecond), Decided: at.Add(4 * time.Millisecond), Sent: at.Add(9 * time.Millisecond)}, true
	})
}

// TestDefaultTemplates keeps what each channel says by default in files for people to read.
func TestDefaultTemplates(t *testing.T) { synctest.Test(t, testDefaultTemplates) }

func testDefaultTemplates(t *testing.T) {
	links := func(_ context.Context, told Told) Links {
		if told.GroupKey == "" || told.Receiver != "team" || told.Firing[0]["alertname"] != "HostHighCpu" {
			t.Errorf("links asked for %+v", told)
		}
		return Links{Acknowledge: "https://touchline.example.org/t/ui/ack/1", Incident: "https://touchline.example.org/t/ui/incidents/1"}
	}
	many := []*alert.Alert{}
	for n := range 12 {
		many = append(many, firing("db"+string(rune('a'+n))))
	}
	for _, c := range []struct {
		name   string
		alerts []*alert.Alert
		ctx    context.Context
		links  LinksFunc
	}{
		{"firing", []*alert.Alert{firing("db1"), resolved("db2")}, timed(group()), links},
		{"resolved", []*alert.Alert{resolved("db1")}, timed(group()), nil},
		{"many", many, group(), nil},
	} {
		for _, typ := range []string{DingTalk, WeCom, Feishu, Email} {
			for _, kind := range []string{Text, Markdown, Card} {
				for _, lang := range []string{English, Chinese} {
					if kind == Text && typ != DingTalk || typ == Email || c.name == "many" && typ != WeCom {
						continue // The text is the same for all.
					}
					r := renderer(t, func(o *RendererOptions) {
						o.Type, o.Kind, o.Language = typ, kind, lang
						o.Links = c.links
					})
					m, err := r.Render(c.ctx, c.alerts)
					if err != nil {
						t.Fatal(err)
					}
					golden(t, strings.Join([]string{typ, kind, c.name, lang}, "."), m.Title+"\n---\n"+m.Body+"\n")
				}
			}
		}
		for _, lang := range []string{English, Chinese} {
			r := renderer(t, func(o *RendererOptions) {
				o.Type, o.Kind, o.Language = Email, "", lang
				o.Links = c.links
			})
			m, err := r.Render(c.ctx, c.alerts)
			if err != nil {
				t.Fatal(err)
			}
			m.Picture = c.name == "firing"
			_, html, err := r.Mail(m)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.Join([]string{Email, c.name, lang, "html"}, "."), html+"\n")
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; rewrite with: go test ./internal/alerting/channel -update", err)
	}
	if got != string(want) {
		t.Errorf("%s is stale; rewrite with -update\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

func TestCustomTemplate(t *testing.T) { synctest.Test(t, testCustomTemplate) }

func testCustomTemplate(t *testing.T) {
	r := renderer(t, func(o *RendererOptions) {
		o.File = "my.tmpl"
		o.Custom = `{{ define "title" }}{{ .Status | toUpper }}
 of {{ .Receiver }}{{ end }}{{ define "body" }}{{ range .Alerts.Firing }}{{ .Labels.instance }}: {{ .Annotations.summary }} in {{ .Timing.Class }}; {{ end }}{{ .Language }} {{ .Links.Runbook }} {{ .CommonLabels.cluster }}{{ end }}`
	})
	m, err := r.Render(timed(group()), []*alert.Alert{firing("db1"), resolved("db2")})
	if err != nil {
		t.Fatal(err)
	}
	if m.Title != "FIRING of team" {
		t.Errorf("title %q", m.Title)
	}
	if want := "db1: CPU of db1 is busy in local; en https://touchline.example.org/t/ui/runbooks/HostHighCpu prod"; m.Body != want {
		t.Errorf("body\n%s, want\n%s", m.Body, want)
	}
}

func TestBadCustomTemplates(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"syntax":        {`{{ define "body" }}{{ if }}{{ end }}`, "parse template file my.tmpl"},
		"no body":       {`{{ define "bdy" }}x{{ end }}`, `it must define "body"`},
		"unknown field": {`{{ define "body" }}{{ .Nothing }}{{ end }}`, "my.tmpl"},
		"empty":         {`{{ define "body" }} {{ end }}`, "the message is empty"},
		"recursion":     {`{{ define "body" }}{{ template "body" . }}{{ end }}`, "exceeded maximum template depth"},
	} {
		_, err := NewRenderer(RendererOptions{
			Type: DingTalk, Kind: Text, Language: English, Base: base, Zone: time.UTC, Now: time.Now, Custom: c.text, File: "my.tmpl",
			Logger: slog.New(slog.DiscardHandler),
		})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func TestLinks(t *testing.T) { synctest.Test(t, testLinks) }

func testLinks(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		"javascript:alert(1)":       "",
		"/ui/runbooks/X":            "",
		"https://a.example/x?y=(1)": "https://a.example/x?y=%281%29",
		"https://a.example/) [click](https://evil.example": "https://a.example/%29%20%5Bclick%5D%28https://evil.example",
	} {
		if got := webLink(in); got != want {
			t.Errorf("link of %q is %q, want %q", in, got, want)
		}
	}
	quiet := func(context.Context, Told) Links { return Links{Acknowledge: "https://t.example/ack"} }
	r := renderer(t, func(o *RendererOptions) { o.Links = quiet })
	sample, err := r.Render(notify.WithGroupKey(group(), SampleKey+"team"), Sample(noon, English))
	if err != nil || sample.Links.Acknowledge != "" {
		t.Errorf("a sample can be acknowledged: %+v, %v", sample, err)
	}
	m, err := renderer(t, nil).Render(group(), []*alert.Alert{firing("db1"), firing("db2")})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(strings.Replace(m.Links.Silence, "/#/", "/", 1))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := u.Query().Get("filter"), `{alertname="HostHighCpu",cluster="prod",severity="critical"}`; got != want {
		t.Errorf("the silence of the group matches %s, want %s", got, want)
	}
}

func TestMention(t *testing.T) { synctest.Test(t, testMention) }

func testMention(t *testing.T) {
	all := []*alert.Alert{firing("db1")}
	for _, c := range []struct {
		name   string
		m      Mention
		alerts []*alert.Alert
		want   bool
	}{
		{"no limit", Mention{All: true}, all, true},
		{"grave enough", Mention{All: true, Severities: []string{"critical"}}, all, true},
		{"not grave enough", Mention{All: true, Severities: []string{"page"}}, all, false},
		{"over", Mention{All: true}, []*alert.Alert{resolved("db1")}, false},
	} {
		m, err := renderer(t, nil).Render(group(), c.alerts)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.m.For(m.Message).IsSet(); got != c.want {
			t.Errorf("%s: somebody is called: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	file := func(content string) Secret {
		f, err := os.CreateTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(content); err != nil {
			t.Fatal(err)
		}
		return Secret{File: f.Name()}
	}
	t.Setenv("ROBOT_URL", " https://robot.example/x?access_token=hunter2hunter2\n")
	u, err := Secret{Env: "ROBOT_URL"}.ReadURL()
	if err != nil || u.Query().Get("access_token") != "hunter2hunter2" {
		t.Errorf("%v, %v", u, err)
	}
	for name, s := range map[string]Secret{
		"empty": file("\n"), "two lines": file("hunter2hunter2\nhunter2hunter2"), "no address": file("hunter2hunter2"), "no scheme": file("robot.example/hunter2hunter2"),
		"not parsed": file("https://robot.example/%zzhunter2hunter2"), "no file": {File: filepath.Join(dir, "none")}, "no variable": {Env: "ROBOT_NOTHING"}, "nothing": {},
	} {
		_, err := s.ReadURL()
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
