package dingtalk

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/channeltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSign(t *testing.T) {
	address, err := url.Parse("https://oapi.dingtalk.com/robot/send?access_token=x")
	if err != nil {
		t.Fatal(err)
	}
	got := signed(address, "this is secret", time.UnixMilli(1700000000000))
	if want := "access_token=x&sign=sSFWELbV2YwjdDQhWZwTcWlX5BWUx5J6TPpsZmuPii0%3D&timestamp=1700000000000"; got.RawQuery != want {
		t.Errorf("query %s, want %s", got.RawQuery, want)
	}
	if address.RawQuery != "access_token=x" {
		t.Error("the address itself was changed")
	}
}

func TestKinds(t *testing.T) {
	r := channeltest.New(t, channel.DingTalk)
	r.Signed = true
	down := channeltest.Alert("Down", "severity", "critical")
	call := func(o *channel.RobotOptions, _ *channel.RendererOptions) {
		o.Mention = channel.Mention{Mobiles: []string{"13800000001"}, Users: []string{"zhang"}, All: true}
	}
	m := channeltest.Send(t, New, r, channel.Text, call, down)
	if s := channeltest.Dig(m, "text", "content").(string); !strings.HasPrefix(s, "[FIRING 1] Down") || !strings.HasSuffix(s, "\n\n@13800000001 @zhang") {
		t.Errorf("text %q", s)
	}
	if a, err := json.Marshal(m["at"]); err != nil || string(a) != `{"atMobiles":["13800000001"],"atUserIds":["zhang"],"isAtAll":true}` {
		t.Errorf("at %s, %v", a, err)
	}
	m = channeltest.Send(t, New, r, channel.Markdown, nil, down)
	if channeltest.Dig(m, "markdown", "title") != "[FIRING 1] Down" || m["at"] != nil || !strings.Contains(channeltest.Dig(m, "markdown", "text").(string), "**Down happened**") {
		t.Errorf("markdown %v", m)
	}
	m = channeltest.Send(t, New, r, channel.Card, func(_ *channel.RobotOptions, o *channel.RendererOptions) {
		o.Language = channel.Chinese
		o.Links = func(context.Context, channel.Told) channel.Links {
			return channel.Links{Acknowledge: "https://t.example/ack"}
		}
	}, down)
	if channeltest.Dig(m, "actionCard", "btns", 0, "title") != "确认" || channeltest.Dig(m, "actionCard", "btns", 0, "actionURL") != "https://t.example/ack" || len(channeltest.Dig(m, "actionCard", "btns").([]any)) != 3 {
		t.Errorf("card %v", m)
	}
	over := channeltest.Alert("Down")
	over.EndsAt, over.GeneratorURL = time.Now().Add(-time.Second), ""
	if m = channeltest.Send(t, New, r, channel.Card, nil, over); channeltest.Dig(m, "actionCard", "singleURL") != "https://touchline.example.org" {
		t.Errorf("a card without links %v", m)
	}
}

func TestFits(t *testing.T) {
	for _, kind := range []string{channel.Text, channel.Markdown, channel.Card} {
		r := channeltest.New(t, channel.DingTalk)
		m := channeltest.Send(t, New, r, kind, func(o *channel.RobotOptions, _ *channel.RendererOptions) {
			if kind != channel.Card {
				o.Mention = channel.Mention{Mobiles: []string{"13800000001"}}
			}
		}, channeltest.Storm()...)
		raw, err := channel.Encode(m)
		if err != nil || len(raw) < 19_000 || !strings.Contains(string(raw), "characters left out") {
			t.Errorf("%s: %d bytes, %v", kind, len(raw), err)
		}
		if kind != channel.Card && !strings.Contains(string(raw), "left out\\n\\n@13800000001") {
			t.Errorf("%s: the call was cut off", kind)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		answer string
		retry  bool
		want   string
	}{
		{`{"errcode":310000,"errmsg":"sign not match, more: [https://ding-doc.example]"}`, false, "begins with SEC"},
		{`{"errcode":310000,"errmsg":"invalid timestamp"}`, false, "clock"},
		{`{"errcode":310000,"errmsg":"keywords not in content"}`, false, "keyword"},
		{`{"errcode":310000,"errmsg":"ip 192.0.2.1 not in whitelist"}`, false, "public address"},
		{`{"errcode":300005,"errmsg":"token is not exist"}`, false, "copy the address again"},
		{`{"errcode":400102,"errmsg":"机器人已停用"}`, false, "the robot is off"},
		{`{"errcode":460101,"errmsg":"message too long, exceed 20000 bytes"}`, false, "more than a message may have"},
		{`{"errcode":-1,"errmsg":"系统繁忙"}`, true, "系统繁忙"},
	} {
		r := channeltest.New(t, channel.DingTalk)
		r.Answer(200, c.answer)
		n, err := New(channeltest.Options(t, r, channel.Text, nil))
		if err != nil {
			t.Fatal(err)
		}
		retry, err := n.Notify(channeltest.Group(t.Context()), channeltest.Alert("Down"))
		if err == nil || retry != c.retry || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: retry %v, error %v", c.answer, retry, err)
		}
	}
}

// TestWrongSecret has the service itself find out.
func TestWrongSecret(t *testing.T) {
	r := channeltest.New(t, channel.DingTalk)
	o := channeltest.Options(t, r, channel.Text, nil)
	r.Signed = true
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if retry, err := n.Notify(channeltest.Group(t.Context()), channeltest.Alert("Down")); retry || err == nil || !strings.Contains(err.Error(), "310000") {
		t.Errorf("retry %v, error %v", retry, err)
	}
}

func TestOptions(t *testing.T) {
	r := channeltest.New(t, channel.DingTalk)
	for name, change := range map[string]func(*channel.RobotOptions, *channel.RendererOptions){
		"calls nobody": func(o *channel.RobotOptions, _ *channel.RendererOptions) { o.Mention.All = true },
		"no address":   func(o *channel.RobotOptions, _ *channel.RendererOptions) { o.URL = channel.Secret{} },
	} {
		if _, err := New(channeltest.Options(t, r, channel.Card, change)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add([]byte(`{"errcode":0}`))
	f.Add([]byte(`{"errcode":310000,"errmsg":"ip"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		v := judge(raw)
		var a struct {
			Code *float64 `json:"errcode"`
		}
		if v.Outcome == channel.Delivered && (json.Unmarshal(raw, &a) != nil || a.Code == nil || *a.Code != 0) {
			t.Errorf("%q passes for delivered", raw)
		}
	})
}
