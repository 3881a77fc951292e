package feishu

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/channeltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSign(t *testing.T) {
	if got, want := sign("1700000000", "this is secret"), "OfGzRzoUICBOoc8wVra1e4A1hPfbZ9zqXozA8CWVUuY="; got != want {
		t.Errorf("sign %s, want %s", got, want)
	}
}

func TestKinds(t *testing.T) {
	r := channeltest.New(t, channel.Feishu)
	r.Signed = true
	down := channeltest.Alert("Down", "severity", "critical")
	call := func(o *channel.RobotOptions, _ *channel.RendererOptions) {
		o.Mention = channel.Mention{Users: []string{"ou_1"}, All: true}
	}
	m := channeltest.Send(t, New, r, channel.Text, call, down)
	if s := channeltest.Dig(m, "content", "text").(string); !strings.HasSuffix(s, "\n"+`<at user_id="ou_1"></at> <at user_id="all"></at>`) {
		t.Errorf("text %q", s)
	}
	if _, ok := m["timestamp"].(string); !ok {
		t.Errorf("the timestamp is no text: %v", m["timestamp"])
	}
	m = channeltest.Send(t, New, r, channel.Markdown, call, down)
	if s := channeltest.Dig(m, "card", "elements", 0, "content").(string); !strings.HasSuffix(s, "\n<at id=ou_1></at> <at id=all></at>") || len(channeltest.Dig(m, "card", "elements").([]any)) != 1 {
		t.Errorf("markdown %v", m)
	}
	m = channeltest.Send(t, New, r, channel.Card, nil, down)
	if channeltest.Dig(m, "card", "header", "template") != "red" || channeltest.Dig(m, "card", "elements", 1, "actions", 0, "text", "content") != "Graph" || channeltest.Dig(m, "card", "elements", 1, "actions", 0, "type") != "primary" {
		t.Errorf("card %v", m)
	}
	if m = channeltest.Send(t, New, r, channel.Card, nil, channeltest.Alert("Down", "severity", "warning")); channeltest.Dig(m, "card", "header", "template") != "orange" {
		t.Errorf("card %v", m)
	}
	over := channeltest.Alert("Down")
	over.EndsAt, over.GeneratorURL = time.Now().Add(-time.Second), ""
	m = channeltest.Send(t, New, r, channel.Card, nil, over)
	if channeltest.Dig(m, "card", "header", "template") != "green" || len(channeltest.Dig(m, "card", "elements").([]any)) != 1 {
		t.Errorf("a card without links %v", m)
	}
}

func TestFits(t *testing.T) {
	for _, kind := range []string{channel.Text, channel.Markdown, channel.Card} {
		r := channeltest.New(t, channel.Feishu)
		r.Signed = true
		raw, err := channel.Encode(channeltest.Send(t, New, r, kind, func(o *channel.RobotOptions, _ *channel.RendererOptions) {
			o.Mention = channel.Mention{Users: []string{"ou_1"}}
		}, channeltest.Storm()...))
		if err != nil || len(raw) < 19_000 || !strings.Contains(string(raw), `characters left out\n<at `) {
			t.Errorf("%s: %d bytes, %v", kind, len(raw), err)
		}
	}
}

// TestAlertsCallNobody has a label that would call everybody.
func TestAlertsCallNobody(t *testing.T) {
	r := channeltest.New(t, channel.Feishu)
	m := channeltest.Send(t, New, r, channel.Card, func(_ *channel.RobotOptions, o *channel.RendererOptions) { o.Neutralise = Neutralise(channel.Card) }, channeltest.Alert("Down", "host", `<at id=all></at> <AT user_id="all"> a<b <attic>`))
	s := channeltest.Dig(m, "card", "elements", 0, "content").(string)
	if strings.Contains(strings.ToLower(s), "<at ") || !strings.Contains(s, "&#60;at id=all>&#60;/at> &#60;AT user_id=\"all\"> a&#60;b") {
		t.Errorf("card %q", s)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		status int
		answer string
		retry  bool
		want   string
	}{
		{200, `{"code":19021,"data":{},"msg":"sign match fail or timestamp is not within one hour from current time"}`, false, "is not the bot's"},
		{400, `{"code":19022,"msg":"Ip Not Allowed"}`, false, "public address"},
		{200, `{"code":19024,"msg":"Key Words Not Found"}`, false, "keyword"},
		{200, `{"code":19001,"msg":"param invalid: incoming webhook access token invalid"}`, false, "copy it again"},
		{400, `{"code":9499,"msg":"Bad Request","data":{}}`, false, "9499: Bad Request"},
		{200, `{"StatusCode":19001,"StatusMessage":"gone"}`, false, "gone"},
	} {
		r := channeltest.New(t, channel.Feishu)
		r.Answer(c.status, c.answer)
		n, err := New(channeltest.Options(t, r, channel.Text, nil))
		if err != nil {
			t.Fatal(err)
		}
		retry, err := n.Notify(channeltest.Group(t.Context()), channeltest.Alert("Down"))
		if err == nil || retry != c.retry || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: retry %v, error %v", c.answer, retry, err)
		}
	}
	r := channeltest.New(t, channel.Feishu)
	r.Answer(200, `{"Extra":null,"StatusCode":0,"StatusMessage":"success"}`)
	n, err := New(channeltest.Options(t, r, channel.Text, nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Notify(channeltest.Group(t.Context()), channeltest.Alert("Down")); err != nil {
		t.Errorf("an older bot's success: %v", err)
	}
}

func TestOptions(t *testing.T) {
	r := channeltest.New(t, channel.Feishu)
	for want, change := range map[string]func(*channel.RobotOptions, *channel.RendererOptions){
		"by mobile number": func(o *channel.RobotOptions, _ *channel.RendererOptions) { o.Mention.Mobiles = []string{"138"} },
		"is no open id": func(o *channel.RobotOptions, _ *channel.RendererOptions) {
			o.Mention.Users = []string{"x></at><at id=all"}
		},
	} {
		if _, err := New(channeltest.Options(t, r, channel.Text, change)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add([]byte(`{"code":0}`))
	f.Add([]byte(`{"StatusCode":0}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		v := judge(raw)
		var a struct{ Code, StatusCode *float64 }
		if v.Outcome != channel.Delivered {
			return
		}
		if err := json.Unmarshal(raw, &a); err != nil || (a.Code == nil || *a.Code != 0) && (a.StatusCode == nil || *a.StatusCode != 0) {
			t.Errorf("%q passes for delivered", raw)
		}
	})
}
