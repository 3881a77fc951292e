package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/channeltest"
	"touchline.dev/touchline/internal/alerting/channel/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func spec(t *testing.T, r *channeltest.Robot, typ string) registry.Spec {
	t.Helper()
	o := channeltest.Options(t, r, channel.Text, nil)
	return registry.Spec{Type: typ, URL: o.URL, Secret: o.Secret, Language: channel.English, Kind: channel.Text, SendResolved: true}
}

func start(t *testing.T, channels map[string][]registry.Spec, token string) *httptest.Server {
	t.Helper()
	reg := prometheus.NewRegistry()
	b, err := New(Options{
		Channels: channels, ExternalURL: &url.URL{Scheme: "http", Host: "bridge.example"}, Token: token, Logger: slog.New(slog.DiscardHandler),
		Registerer: reg, Metrics: promhttp.HandlerFor(reg, promhttp.HandlerOpts{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(b)
	t.Cleanup(func() {
		s.Close()
		b.Close()
	})
	return s
}

// hook is a webhook as Alertmanager writes it.
func hook(change func(map[string]any)) string {
	m := map[string]any{
		"version": "4", "groupKey": `{}:{alertname="Down"}`, "truncatedAlerts": 0, "status": "firing", "receiver": "ops",
		"groupLabels": map[string]any{"alertname": "Down"}, "commonLabels": map[string]any{"alertname": "Down"}, "commonAnnotations": map[string]any{},
		"externalURL": "http://alertmanager.example:9093",
		"alerts": []any{map[string]any{
			"status": "firing", "labels": map[string]any{"alertname": "Down", "host": "db1"}, "annotations": map[string]any{"summary": "db1 is down"},
			"startsAt": "2026-03-01T12:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus.example/graph?g0.expr=up+%3D%3D+0", "fingerprint": "1",
		}},
	}
	if change != nil {
		change(m)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

func post(t *testing.T, s *httptest.Server, method, path, body, token string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// TestFromAlertmanager has an Alertmanager with a plain webhook to the bridge,
// whose robot fails at first: the Alertmanager repeats it.
func TestFromAlertmanager(t *testing.T) {
	robot := channeltest.New(t, channel.DingTalk)
	robot.Signed = true
	robot.Answer(502, "bad gateway")
	s := start(t, map[string][]registry.Spec{"ops-team": {spec(t, robot, channel.DingTalk)}}, "s3cret-token")
	tokenFile := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(tokenFile, []byte("s3cret-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := alerting.New(alerting.Options{
		DataDir: t.TempDir(), ExternalURL: &url.URL{Scheme: "http", Host: "am.example"}, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	f, err := alerting.Parse(fmt.Appendf(nil, "route: {receiver: r, group_wait: 10ms, group_interval: 1s}\nreceivers: [{name: r, webhook_configs: [{url: '%s/ops-team', http_config: {authorization: {credentials_file: '%s'}}}]}]\n", s.URL, tokenFile))
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.Prepare(f)
	if err != nil {
		t.Fatal(err)
	}
	c.Apply()
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	x := &alert.Alert{Alert: model.Alert{Labels: model.LabelSet{"alertname": "Down", "host": "db1"}, StartsAt: now, EndsAt: now.Add(time.Hour)}, UpdatedAt: now}
	if err := a.Put(t.Context(), alerting.Timing{}, x); err != nil {
		t.Fatal(err)
	}
	text := robot.Wait(t)["text"].(map[string]any)["content"].(string)
	if !strings.Contains(text, "[FIRING 1] Down") || !strings.Contains(text, "http://am.example/#/silences/new") {
		t.Errorf("message\n%s", text)
	}
	if robot.Asked() != 2 {
		t.Errorf("the robot was asked %d times, want 2", robot.Asked())
	}
	x = &alert.Alert{Alert: model.Alert{Labels: x.Labels, StartsAt: now, EndsAt: time.Now()}, UpdatedAt: time.Now()}
	if err := a.Put(t.Context(), alerting.Timing{}, x); err != nil {
		t.Fatal(err)
	}
	if text := robot.Wait(t)["text"].(map[string]any)["content"].(string); !strings.Contains(text, "[RESOLVED] Down") {
		t.Errorf("message\n%s", text)
	}
}

func TestAnswers(t *testing.T) {
	robot := channeltest.New(t, channel.WeCom)
	s := start(t, map[string][]registry.Spec{"ops": {spec(t, robot, channel.WeCom)}}, "")
	alerts := func(change func(map[string]any)) func(map[string]any) {
		return func(m map[string]any) { change(m["alerts"].([]any)[0].(map[string]any)) }
	}
	for _, c := range []struct {
		name, method, path, body string
		answer                   string // of the robot, "" to take it
		status                   int
		want                     string
	}{
		{"told", "POST", "/ops", hook(nil), "", 200, "told"},
		{"the same again after a while", "POST", "/ops", hook(nil), "", 200, "told"},
		{"truncated", "POST", "/ops", hook(func(m map[string]any) { m["truncatedAlerts"] = 7 }), "", 200, "told"},
		{"unknown receiver", "POST", "/opps", hook(nil), "", 404, "known: /ops"},
		{"not a webhook", "POST", "/ops", "<html>", "", 400, "not the JSON"},
		{"GET", "GET", "/ops", "", "", 405, "only POST"},
		{"another version", "POST", "/ops", hook(func(m map[string]any) { m["version"] = "3" }), "", 422, "version \"3\""},
		{"no alerts", "POST", "/ops", hook(func(m map[string]any) { m["alerts"] = []any{} }), "", 422, "no alerts"},
		{"no status", "POST", "/ops", hook(alerts(func(a map[string]any) { a["status"] = "" })), "", 422, "neither firing nor resolved"},
		{"no labels", "POST", "/ops", hook(alerts(func(a map[string]any) { a["labels"] = nil })), "", 422, "no labels"},
		{"too large", "POST", "/ops", strings.Repeat(" ", maxBody) + hook(nil), "", 413, "max_alerts"},
		{"busy", "POST", "/ops", hook(nil), `{"errcode":-1,"errmsg":"busy"}`, 503, "errcode -1"},
		{"refused", "POST", "/ops", hook(nil), `{"errcode":93000,"errmsg":"invalid webhook url"}`, 422, "errcode 93000"},
		{"healthy", "GET", "/-/healthy", "", "", 200, "healthy"},
	} {
		if c.answer != "" {
			robot.Answer(200, c.answer)
		}
		before := len(robot.Messages())
		status, body := post(t, s, c.method, c.path, c.body, "")
		if status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s, want %d with %q", c.name, status, body, c.status, c.want)
		}
		if told := len(robot.Messages()) > before; told != (c.status == 200 && c.method == "POST") {
			t.Errorf("%s: the robot was told: %v", c.name, told)
		}
		if strings.Contains(body, channeltest.Token) {
			t.Errorf("%s: the token is shown", c.name)
		}
	}
	text := robot.Messages()[2]["text"].(map[string]any)["content"].(string)
	if !strings.Contains(text, "And 7 more.") || !strings.Contains(text, "http://alertmanager.example:9093/#/silences/new") {
		t.Errorf("message\n%s", text)
	}
}

// TestClocksDiffer has a sender whose clock is ahead: what is over there is over here.
func TestClocksDiffer(t *testing.T) {
	robot := channeltest.New(t, channel.WeCom)
	s := start(t, map[string][]registry.Spec{"ops": {spec(t, robot, channel.WeCom)}}, "")
	set := func(status string, ends time.Time) string {
		return hook(func(m map[string]any) {
			a := m["alerts"].([]any)[0].(map[string]any)
			a["status"], a["endsAt"] = status, ends.Format(time.RFC3339)
		})
	}
	for _, c := range []struct{ body, want string }{
		{set("resolved", time.Now().Add(time.Hour)), "[RESOLVED]"},
		{set("resolved", time.Time{}), "[RESOLVED]"},
		{set("firing", time.Now().Add(-time.Hour)), "[FIRING 1]"},
	} {
		if status, body := post(t, s, "POST", "/ops", c.body, ""); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		if got := robot.Wait(t)["text"].(map[string]any)["content"].(string); !strings.HasPrefix(got, c.want) {
			t.Errorf("message %s, want %s", got, c.want)
		}
	}
}

// TestTwoChannels has one that takes it and one that does not at first: the
// repetition tells only the second.
func TestTwoChannels(t *testing.T) {
	one, two := channeltest.New(t, channel.WeCom), channeltest.New(t, channel.Feishu)
	quiet := spec(t, one, channel.WeCom)
	quiet.SendResolved = false
	s := start(t, map[string][]registry.Spec{"ops": {quiet, spec(t, two, channel.Feishu)}}, "")
	two.Answer(500, "{}")
	for n, want := range []int{503, 200, 200} {
		if status, body := post(t, s, "POST", "/ops", hook(nil), ""); status != want {
			t.Fatalf("attempt %d: %d %s", n, status, body)
		}
	}
	if a, b := len(one.Messages()), len(two.Messages()); a != 2 || b != 2 {
		t.Errorf("%d and %d messages, want 2 and 2: one for each webhook that got through", a, b)
	}
	over := hook(func(m map[string]any) { m["alerts"].([]any)[0].(map[string]any)["status"] = "resolved" })
	if status, _ := post(t, s, "POST", "/ops", over, ""); status != 200 || len(one.Messages()) != 2 || len(two.Messages()) != 3 {
		t.Errorf("%d, %d and %d messages", status, len(one.Messages()), len(two.Messages()))
	}
}

func TestToken(t *testing.T) {
	robot := channeltest.New(t, channel.WeCom)
	s := start(t, map[string][]registry.Spec{"ops": {spec(t, robot, channel.WeCom)}}, "right-right")
	for token, want := range map[string]int{"": 401, "wrong": 401, "right-right": 200} {
		if status, body := post(t, s, "POST", "/ops", hook(nil), token); status != want {
			t.Errorf("token %q: %d %s", token, status, body)
		}
	}
}

// TestMetrics has a channel that takes one message and not the next.
func TestMetrics(t *testing.T) {
	robot := channeltest.New(t, channel.WeCom)
	s := start(t, map[string][]registry.Spec{"ops": {spec(t, robot, channel.WeCom)}}, "right-right")
	if status, body := post(t, s, "GET", "/metrics", "", ""); status != http.StatusUnauthorized {
		t.Errorf("without the token: %d %s", status, body)
	}
	metrics := func() string {
		t.Helper()
		status, body := post(t, s, "GET", "/metrics", "", "right-right")
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		return body
	}
	if body := metrics(); !strings.Contains(body, `touchline_bridge_last_success_timestamp_seconds{integration="wecom",receiver="ops"} 0`) {
		t.Errorf("before the first message:\n%s", body)
	}
	post(t, s, "POST", "/ops", hook(nil), "right-right")
	robot.Answer(200, `{"errcode":93000,"errmsg":"invalid webhook url"}`)
	post(t, s, "POST", "/ops", hook(func(m map[string]any) { m["truncatedAlerts"] = 7 }), "right-right")
	post(t, s, "POST", "/opps", hook(nil), "right-right")
	body := metrics()
	for _, want := range []string{
		`touchline_bridge_notifications_total{integration="wecom",receiver="ops"} 2`,
		`touchline_bridge_notifications_failed_total{integration="wecom",receiver="ops"} 1`,
		`touchline_bridge_last_success_timestamp_seconds{integration="wecom",receiver="ops"} 1.`,
		`touchline_bridge_webhooks_total{code="200",receiver="ops"} 1`,
		`touchline_bridge_webhooks_total{code="422",receiver="ops"} 1`,
		`touchline_bridge_webhooks_total{code="404",receiver=""} 1`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("there is no %s in\n%s", want, body)
		}
	}
}

func TestBadChannels(t *testing.T) {
	o := Options{ExternalURL: &url.URL{Scheme: "http", Host: "x"}, Logger: slog.New(slog.DiscardHandler)}
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "there is no channel") {
		t.Errorf("error %v", err)
	}
	o.Channels = map[string][]registry.Spec{"ops": {{Type: "pigeon", Language: "en", Where: "touchline.yaml:3:5"}}}
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), `receiver "ops": touchline.yaml:3:5: channel pigeon: there is no such type`) {
		t.Errorf("error %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(hook(nil)))
	f.Add([]byte(`{"version":"4","alerts":[{"status":"resolved","labels":{"a":"b"}}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parse(raw)
		if err != nil {
			return
		}
		all, firing := m.alerts(time.Now())
		if len(all) != len(m.Alerts) || len(firing) > len(all) {
			t.Errorf("%d alerts of %d", len(all), len(m.Alerts))
		}
	})
}
