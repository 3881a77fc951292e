// Package wecom tells a group robot of WeCom (WeChat Work).
//
// The formats are those of WeCom's page "group robot configuration"
// (developer.work.weixin.qq.com/document/path/91770, 99110 in the new numbering).
package wecom

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"touchline.dev/touchline/internal/alerting/channel"
)

// Notifier tells one robot.
type Notifier struct{ *channel.Robot }

// Limits in bytes. 2048 is the page's for text; 4096 for markdown is confirmed by
// the service's own answer "markdown.content exceed max length 4096", see
// github.com/dromara/domain-admin/issues/82.
const (
	maxText     = 2048
	maxMarkdown = 4096
)

// limit: "each robot sends at most 20 messages a minute".
var limit = channel.Limit{Rates: []channel.Rate{{Messages: 20, Window: time.Minute}}, Pause: time.Minute, MaxPause: 5 * time.Minute}

// New makes a notifier.
func New(o channel.RobotOptions) (*Notifier, error) {
	switch {
	case o.Secret.IsSet():
		return nil, errors.New("a WeCom robot has no signature; leave secret_file and secret_env out")
	case o.Kind == channel.Card && o.Mention.IsSet():
		return nil, errors.New("a card calls nobody; write message: text or message: markdown, or leave mention out")
	case o.Kind == channel.Markdown && (len(o.Mention.Mobiles) > 0 || o.Mention.All):
		return nil, errors.New("a markdown message calls people by user id only; write mention.users, or message: text")
	}
	kind, mention := o.Kind, o.Mention
	r, err := channel.NewRobot(o, channel.Protocol{
		Service: "WeCom", Limit: limit, Judge: judge,
		Request: func(m *channel.Rendered, address *url.URL, _ string, _ time.Time) (*url.URL, any, error) {
			body, err := bodyOf(m, kind, mention.For(m.Message))
			return address, body, err
		},
	})
	if err != nil {
		return nil, err
	}
	return &Notifier{r}, nil
}

// calls is what the service takes for a call to somebody within text and markdown.
var calls = regexp.MustCompile(`<(\s*@)`)

func callNobody(s string) string { return calls.ReplaceAllString(s, "＜$1") }

// Neutralise returns what keeps the words of an alert from calling anybody and
// from being markup, which only a markdown message has.
func Neutralise(kind string) func(string) string {
	if kind == channel.Markdown {
		return func(s string) string { return channel.Twins(callNobody(s)) }
	}
	return callNobody
}

type message struct {
	Type     string    `json:"msgtype"`
	Text     *text     `json:"text,omitempty"`
	Markdown *markdown `json:"markdown,omitempty"`
	Card     *card     `json:"template_card,omitempty"`
}

type text struct {
	Content string   `json:"content"`
	Users   []string `json:"mentioned_list,omitempty"`
	Mobiles []string `json:"mentioned_mobile_list,omitempty"`
}

type markdown struct {
	Content string `json:"content"`
}

// card is a template card of the type text_notice. At most six rows and three
// links; card_action must be there.
type card struct {
	Type   string     `json:"card_type"`
	Source source     `json:"source"`
	Title  heading    `json:"main_title"`
	Text   string     `json:"sub_title_text,omitempty"`
	Rows   []row      `json:"horizontal_content_list,omitempty"`
	Links  []jump     `json:"jump_list,omitempty"`
	Action cardAction `json:"card_action"`
}

type source struct {
	Description string `json:"desc"`
	Color       int    `json:"desc_color"` // 0 grey, 1 black, 2 red, 3 green
}

type heading struct {
	Title       string `json:"title"`
	Description string `json:"desc,omitempty"`
}

type row struct {
	Name  string `json:"keyname"`
	Value string `json:"value"`
}

type jump struct {
	Type  int    `json:"type"` // 1 is an address
	Title string `json:"title"`
	URL   string `json:"url"`
}

type cardAction struct {
	Type int    `json:"type"` // 1 is an address
	URL  string `json:"url"`
}

const (
	maxRows  = 6
	maxLinks = 3
	// The page advises at most 26, 30, 112 and 26 characters; longer ones are cut
	// off by the application, not refused. Ours keep a little more of the text.
	maxTitle       = 64
	maxDescription = 128
	maxCardText    = 512
	maxValue       = 128
)

func bodyOf(m *channel.Rendered, kind string, who channel.Mention) (*message, error) {
	switch kind {
	case channel.Text:
		t := &text{Content: m.Fit(m.Body, maxText, channel.Bytes), Users: who.Users, Mobiles: who.Mobiles}
		if who.All {
			t.Users = append(append([]string{}, who.Users...), "@all")
		}
		return &message{Type: "text", Text: t}, nil
	case channel.Markdown:
		called := ""
		for _, id := range who.Users {
			called += " <@" + id + ">"
		}
		if called != "" {
			called = "\n" + called[1:]
		}
		return &message{Type: "markdown", Markdown: &markdown{Content: m.Fit(m.Body, maxMarkdown-len(called), channel.Bytes) + called}}, nil
	case channel.Card:
		return &message{Type: "template_card", Card: cardOf(m)}, nil
	}
	return nil, fmt.Errorf("message %q is not known", kind)
}

func cardOf(m *channel.Rendered) *card {
	c := &card{Type: "text_notice", Source: source{Description: "Touchline", Color: 3}, Action: cardAction{Type: 1, URL: m.ExternalURL}}
	if m.Firing() {
		c.Source.Color = 2
	}
	c.Title.Title = channel.Short(m.Title, maxTitle)
	if shown := m.Shown(); len(shown) > 0 {
		c.Title.Description = channel.Short(callNobody(shown[0].Summary()), maxDescription)
	}
	c.Text = m.Fit(m.Body, maxCardText, channel.Bytes)
	for _, r := range m.Rows() {
		c.Rows = append(c.Rows, row{r.Name, channel.Short(callNobody(r.Value), maxValue)})
	}
	c.Rows = c.Rows[:min(len(c.Rows), maxRows)]
	buttons := m.Buttons()
	for _, b := range buttons[:min(len(buttons), maxLinks)] {
		c.Links = append(c.Links, jump{1, b.Title, b.URL})
	}
	if len(buttons) > 0 {
		c.Action.URL = buttons[0].URL
	}
	return c
}

// judge reads an answer. The codes are those of WeCom's table of global error
// codes (open.work.weixin.qq.com/devtool/query?e=CODE): -1 busy, 45009 and
// 45033 too often, 93000 a key that is no robot's, 40058 a field that is wrong.
func judge(raw []byte) channel.Verdict {
	var a struct {
		Code    *int64 `json:"errcode"`
		Message string `json:"errmsg"`
	}
	if err := json.Unmarshal(raw, &a); err != nil || a.Code == nil {
		return channel.Verdict{}
	}
	v := channel.Verdict{Outcome: channel.Refused, Said: strings.TrimSpace(fmt.Sprintf("errcode %d: %s", *a.Code, a.Message))}
	switch *a.Code {
	case 0:
		v.Outcome = channel.Delivered
	case -1:
		v.Outcome = channel.Busy
	case 45009, 45033:
		v.Outcome = channel.Limited
	case 93000:
		v.Outcome, v.Hint = channel.Denied, "the key of the address is not that of a robot; copy the address again"
	case 40058:
		v.Hint = "a template writes what WeCom does not take, or a user id is not right"
	default:
		if strings.Contains(a.Message, "freq out of limit") {
			v.Outcome = channel.Limited
		}
	}
	return v
}
