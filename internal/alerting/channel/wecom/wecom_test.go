package wecom

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/channeltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestKinds(t *testing.T) {
	r := channeltest.New(t, channel.WeCom)
	down := channeltest.Alert("Down", "severity", "critical", "host", "db1")
	m := channeltest.Send(t, New, r, channel.Text, func(o *channel.RobotOptions, _ *channel.RendererOptions) {
		o.Mention = channel.Mention{Mobiles: []string{"13800000001"}, Users: []string{"zhang"}, All: true}
	}, down)
	if a, err := json.Marshal(m["text"]); err != nil || !strings.Contains(string(a), `"mentioned_list":["zhang","@all"],"mentioned_mobile_list":["13800000001"]`) {
		t.Errorf("text %s, %v", a, err)
	}
	m = channeltest.Send(t, New, r, channel.Markdown, func(o *channel.RobotOptions, _ *channel.RendererOptions) {
		o.Mention = channel.Mention{Users: []string{"zhang", "li"}}
	}, down)
	if s := channeltest.Dig(m, "markdown", "content").(string); !strings.HasSuffix(s, "\n<@zhang> <@li>") || !strings.HasPrefix(s, "## [FIRING 1] Down") {
		t.Errorf("markdown %q", s)
	}
	m = channeltest.Send(t, New, r, channel.Card, func(_ *channel.RobotOptions, o *channel.RendererOptions) {
		o.Links = func(context.Context, channel.Told) channel.Links {
			return channel.Links{Acknowledge: "https://t.example/ack", Incident: "https://t.example/i", Runbook: "https://t.example/r"}
		}
	}, down)
	c := m["template_card"]
	if channeltest.Dig(c, "main_title", "title") != "[FIRING 1] Down" || channeltest.Dig(c, "main_title", "desc") != "Down happened" || channeltest.Dig(c, "card_action", "url") != "https://t.example/ack" ||
		len(channeltest.Dig(c, "jump_list").([]any)) != 3 || channeltest.Dig(c, "source", "desc_color") != 2.0 || channeltest.Dig(c, "horizontal_content_list", 3, "value") != "host=db1" {
		t.Errorf("card %v", c)
	}
}

func TestFits(t *testing.T) {
	for kind, limit := range map[string]int{channel.Text: 2048, channel.Markdown: 4096} {
		r := channeltest.New(t, channel.WeCom)
		m := channeltest.Send(t, New, r, kind, func(o *channel.RobotOptions, _ *channel.RendererOptions) {
			o.Mention = channel.Mention{Users: []string{"zhang"}}
		}, channeltest.Storm()...)
		s := channeltest.Dig(m, kind, "content").(string)
		if len(s) > limit || len(s) < limit-250 || !strings.Contains(s, "characters left out") {
			t.Errorf("%s: %d bytes", kind, len(s))
		}
	}
	channeltest.Send(t, New, channeltest.New(t, channel.WeCom), channel.Card, nil, channeltest.Storm()...)
}

// TestAlertsCallNobody has a label that would call everybody.
func TestAlertsCallNobody(t *testing.T) {
	r := channeltest.New(t, channel.WeCom)
	m := channeltest.Send(t, New, r, channel.Markdown, func(_ *channel.RobotOptions, o *channel.RendererOptions) { o.Neutralise = Neutralise(channel.Markdown) }, channeltest.Alert("Down", "host", "<@all> < @zhang> a<b"))
	s := channeltest.Dig(m, "markdown", "content").(string)
	if strings.Contains(s, "<@") || strings.Contains(s, "< @") || !strings.Contains(s, "＜@all> ＜ @zhang> a＜b") {
		t.Errorf("markdown %q", s)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		answer string
		retry  bool
		want   string
	}{
		{`{"errcode":93000,"errmsg":"invalid webhook url, hint: [17000], from ip: 192.0.2.1"}`, false, "copy the address again"},
		{`{"errcode":40058,"errmsg":"markdown.content exceed max length 4096"}`, false, "a template writes"},
		{`{"errcode":-1,"errmsg":"system busy"}`, true, "system busy"},
		{`{"errcode":40008,"errmsg":"invalid message type"}`, false, "40008"},
	} {
		r := channeltest.New(t, channel.WeCom)
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

func TestOptions(t *testing.T) {
	r := channeltest.New(t, channel.WeCom)
	for _, c := range []struct {
		kind, want string
		change     func(*channel.RobotOptions, *channel.RendererOptions)
	}{
		{channel.Card, "a card calls nobody", func(o *channel.RobotOptions, _ *channel.RendererOptions) { o.Mention.Users = []string{"zhang"} }},
		{channel.Markdown, "by user id only", func(o *channel.RobotOptions, _ *channel.RendererOptions) { o.Mention.Mobiles = []string{"138"} }},
		{channel.Markdown, "by user id only", func(o *channel.RobotOptions, _ *channel.RendererOptions) { o.Mention.All = true }},
		{channel.Text, "no signature", func(o *channel.RobotOptions, _ *channel.RendererOptions) { o.Secret.Env = "X" }},
	} {
		if _, err := New(channeltest.Options(t, r, c.kind, c.change)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add([]byte(`{"errcode":0}`))
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
