package alerting

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/channeltest"
	"touchline.dev/touchline/internal/alerting/channel/registry"
)

const teamOnly = "route: {receiver: team, group_wait: 10ms, group_interval: 50ms, group_by: [alertname]}\nreceivers: [{name: team}, {name: spare}]\n"

// robotSpec is a channel to a robot.
func robotSpec(t *testing.T, r *channeltest.Robot, typ string) registry.Spec {
	t.Helper()
	o := channeltest.Options(t, r, channel.Text, nil)
	return registry.Spec{Type: typ, URL: o.URL, Secret: o.Secret, Language: channel.English, Kind: channel.Markdown, SendResolved: true, Where: "touchline.yaml:3:5"}
}

func loadChannels(t *testing.T, a *Alertmanager, conf string, channels map[string][]registry.Spec) error {
	t.Helper()
	f, err := Parse([]byte(conf))
	if err != nil {
		t.Fatal(err)
	}
	f.Channels = channels
	c, err := a.Prepare(f)
	if err == nil {
		c.Apply()
	}
	return err
}

// TestAlertReachesRobots has a receiver without any integration of upstream's.
func TestAlertReachesRobots(t *testing.T) {
	ding, feishu := channeltest.New(t, channel.DingTalk), channeltest.New(t, channel.Feishu)
	ding.Signed = true
	dir := t.TempDir()
	reg := prometheus.NewRegistry()
	a := testAlertmanager(t, dir, teamOnly, func(o *Options) { o.Registerer = reg })
	channels := map[string][]registry.Spec{"team": {robotSpec(t, ding, channel.DingTalk), robotSpec(t, feishu, channel.Feishu)}}
	if err := loadChannels(t, a, teamOnly, channels); err != nil {
		t.Fatal(err)
	}
	al := firing("Down", "host", "db1", "severity", "critical")
	sample := al.StartsAt
	if err := a.Put(context.Background(), Timing{Rule: "Down", Class: "local", Sample: sample, Received: sample, Decided: sample.Add(3 * time.Millisecond)}, al); err != nil {
		t.Fatal(err)
	}
	text := ding.Wait(t)["markdown"].(map[string]any)["text"].(string)
	for _, want := range []string{"[FIRING 1] Down", "host=db1", "judged 3 ms later", "told after"} {
		if !strings.Contains(text, want) {
			t.Errorf("the message lacks %q:\n%s", want, text)
		}
	}
	feishu.Wait(t)
	until(t, func() bool { return len(a.Notifications()) == 2 })
	over := firing("Down", "host", "db1", "severity", "critical")
	over.StartsAt, over.EndsAt = al.StartsAt, time.Now()
	if err := a.Put(context.Background(), Timing{}, over); err != nil {
		t.Fatal(err)
	}
	if text := ding.Wait(t)["markdown"].(map[string]any)["text"].(string); !strings.Contains(text, "[RESOLVED]") || strings.Contains(text, "told after") {
		t.Errorf("message\n%s", text)
	}
	until(t, func() bool { return len(a.Notifications()) == 4 })

	got := a.Receivers()[0]
	if strings.Join(got.Integrations, " ") != "dingtalk feishu" || got.Proven[0].IsZero() || got.Proven[1].IsZero() {
		t.Errorf("receiver %+v", got)
	}
	if n := gathered(t, reg, "touchline_receiver_last_proven_timestamp_seconds"); n != 2 {
		t.Errorf("%d receivers are proven, want 2", n)
	}
	// A restart remembers both.
	if err := a.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	b := testAlertmanager(t, dir, teamOnly, nil)
	if err := loadChannels(t, b, teamOnly, channels); err != nil {
		t.Fatal(err)
	}
	if again := b.Receivers()[0]; !again.Proven[0].Equal(got.Proven[0]) || again.Last[0].At != (time.Time{}) {
		t.Errorf("after a restart %+v, want proven %v", again, got.Proven)
	}
}

func gathered(t *testing.T, reg *prometheus.Registry, name string) int {
	t.Helper()
	fs, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fs {
		if f.GetName() == name {
			return len(f.GetMetric())
		}
	}
	return 0
}

// TestReloadTakesChannels changes only what upstream's file does not hold.
func TestReloadTakesChannels(t *testing.T) {
	robot := channeltest.New(t, channel.WeCom)
	a := testAlertmanager(t, t.TempDir(), teamOnly, nil)
	file := filepath.Join(t.TempDir(), "my.tmpl")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(`{{ define "body" }}`+text+`{{ end }}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	spec := robotSpec(t, robot, channel.WeCom)
	spec.TemplateFile = file
	for _, want := range []string{"one", "two"} {
		write(want + " {{ .CommonLabels.alertname }}")
		if err := loadChannels(t, a, teamOnly, map[string][]registry.Spec{"team": {spec}}); err != nil {
			t.Fatal(err)
		}
		if err := a.Put(context.Background(), Timing{}, firing("Down"+want)); err != nil {
			t.Fatal(err)
		}
		if got := robot.Wait(t)["markdown"].(map[string]any)["content"]; got != want+" Down"+want {
			t.Errorf("message %q", got)
		}
	}
	write("{{ .Nothing }}")
	err := loadChannels(t, a, teamOnly, map[string][]registry.Spec{"team": {spec}})
	if err == nil || !strings.Contains(err.Error(), "touchline.yaml:3:5: channel wecom: fill in template file "+file) {
		t.Errorf("error %v", err)
	}
	err = loadChannels(t, a, teamOnly, map[string][]registry.Spec{"taem": {spec}})
	if err == nil || !strings.Contains(err.Error(), `touchline.yaml:3:5: channels of receiver "taem": alertmanager.yml has no such receiver`) {
		t.Errorf("error %v", err)
	}
	// The refused ones have changed nothing.
	if err := a.Put(context.Background(), Timing{}, firing("Still")); err != nil {
		t.Fatal(err)
	}
	if got := robot.Wait(t)["markdown"].(map[string]any)["content"]; got != "two Still" {
		t.Errorf("message %q", got)
	}
}

// TestShippedTemplates has a receiver use a definition that no file of the user has.
func TestShippedTemplates(t *testing.T) {
	robot := channeltest.New(t, channel.WeCom)
	file := filepath.Join(t.TempDir(), "my.tmpl")
	if err := os.WriteFile(file, []byte(`{{ define "body" }}{{ template "ours" . }}{{ template "theirs" . }}{{ end }}`), 0o600); err != nil {
		t.Fatal(err)
	}
	theirs := filepath.Join(t.TempDir(), "user.tmpl")
	if err := os.WriteFile(theirs, []byte(`{{ define "theirs" }} of the user{{ end }}`), 0o600); err != nil {
		t.Fatal(err)
	}
	a := testAlertmanager(t, t.TempDir(), teamOnly, func(o *Options) {
		o.Templates = `{{ define "ours" }}shipped{{ end }}{{ define "theirs" }} and not replaced{{ end }}`
	})
	spec := robotSpec(t, robot, channel.WeCom)
	spec.TemplateFile = file
	if err := loadChannels(t, a, teamOnly+"templates: ['"+theirs+"']\n", map[string][]registry.Spec{"team": {spec}}); err != nil {
		t.Fatal(err)
	}
	if err := a.Put(context.Background(), Timing{}, firing("Down")); err != nil {
		t.Fatal(err)
	}
	if got := robot.Wait(t)["markdown"].(map[string]any)["content"]; got != "shipped of the user" {
		t.Errorf("message %q", got)
	}
}

func TestTry(t *testing.T) {
	good, bad := channeltest.New(t, channel.DingTalk), channeltest.New(t, channel.Feishu)
	bad.Answer(200, `{"code":19021,"msg":"sign match fail"}`)
	u, got := sink(t)
	a := testAlertmanager(t, t.TempDir(), teamOnly, nil)
	conf := strings.Replace(teamOnly, "{name: spare}", "{name: spare, webhook_configs: [{url: '"+u+"'}]}", 1)
	// No route uses the receiver: people are called by their receivers, too.
	if err := loadChannels(t, a, conf, map[string][]registry.Spec{"spare": {robotSpec(t, good, channel.DingTalk), robotSpec(t, bad, channel.Feishu)}}); err != nil {
		t.Fatal(err)
	}
	trials, err := a.Try(t.Context(), "spare", channel.Chinese)
	if err != nil || len(trials) != 3 {
		t.Fatalf("%+v, %v", trials, err)
	}
	if w := trials[0]; w.Integration != "webhook[0]" || w.Error != "" {
		t.Errorf("webhook %+v", w)
	}
	wait(t, got, "firing TouchlineTest")
	if d := trials[1]; d.Integration != "dingtalk[0]" || d.Error != "" || d.Said != "HTTP 200, errcode 0: ok" || d.Took <= 0 {
		t.Errorf("dingtalk %+v", d)
	}
	if s := good.Wait(t)["markdown"].(map[string]any)["text"].(string); !strings.Contains(s, "测试消息") {
		t.Errorf("message %s", s)
	}
	if f := trials[2]; f.Integration != "feishu[0]" || f.Retry || !strings.Contains(f.Error, "19021") || !strings.Contains(f.Said, "sign match fail") {
		t.Errorf("feishu %+v", f)
	}
	spare := a.Receivers()[1]
	if spare.Proven[0].IsZero() || spare.Proven[1].IsZero() || !spare.Proven[2].IsZero() || spare.Last[2].Error == "" {
		t.Errorf("receiver %+v", spare)
	}
	if _, err := a.Try(t.Context(), "nobody", channel.English); !errors.Is(err, ErrNoReceiver) {
		t.Errorf("error %v", err)
	}
}

// TestProvenFileIsDamaged has a file that is no JSON: the start goes on, and the next success replaces it.
func TestProvenFileIsDamaged(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, ProvenFile)
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newProven(dir, discard, prometheus.NewRegistry())
	if err := p.write(); err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(file); err != nil || string(raw) != "{" {
		t.Errorf("with nothing new the file is %q, %v", raw, err)
	}
	now := time.Now()
	p.note("team", "slack[0]", now)
	p.note("old", "slack[0]", now.Add(-2*provenKept))
	if err := p.write(); err != nil {
		t.Fatal(err)
	}
	q := newProven(dir, discard, prometheus.NewRegistry())
	if got := q.last("team", "slack[0]"); !got.Equal(now.UTC().Truncate(time.Millisecond)) {
		t.Errorf("proven %v, want %v", got, now)
	}
	if !q.last("old", "slack[0]").IsZero() {
		t.Error("what is older than a year is still known")
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(files) != 1 {
		t.Errorf("files %v, %v", files, err)
	}
}
