// Package dingtalk tells a custom robot of a DingTalk group.
//
// The formats are those of DingTalk's pages "custom robot access" and "custom
// robots send group messages" (open.dingtalk.com/document/orgapp/custom-robot-access and
// /custom-robots-send-group-messages).
package dingtalk

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"touchline.dev/touchline/internal/alerting/channel"
)

// Notifier tells one robot.
type Notifier struct{ *channel.Robot }

// maxBody is the most that a robot takes, in bytes of the request's body; more
// is answered with 460101 "message too long, exceed 20000 bytes", see
// github.com/timonwong/prometheus-webhook-dingtalk/issues/30.
const maxBody = 20_000

// limit: "each robot sends at most 20 messages a minute; beyond that it is
// limited for ten minutes" (custom-robot-access). The pause begins short, since
// which of the limits was hit is not told.
var limit = channel.Limit{Rates: []channel.Rate{{Messages: 20, Window: time.Minute}}, Pause: time.Minute, MaxPause: 10 * time.Minute}

// New makes a notifier.
func New(o channel.RobotOptions) (*Notifier, error) {
	if o.Kind == channel.Card && o.Mention.IsSet() {
		return nil, errors.New("an action card calls nobody; write message: markdown, or leave mention out")
	}
	kind, mention := o.Kind, o.Mention
	r, err := channel.NewRobot(o, channel.Protocol{
		Service: "DingTalk", Limit: limit, Judge: judge,
		Request: func(m *channel.Rendered, address *url.URL, secret string, now time.Time) (*url.URL, any, error) {
			body, err := bodyOf(m, kind, mention.For(m.Message))
			return signed(address, secret, now), body, err
		},
	})
	if err != nil {
		return nil, err
	}
	return &Notifier{r}, nil
}

// signed adds timestamp and signature to an address: the HMAC of the time in
// milliseconds, a line break and the secret, under the secret.
func signed(address *url.URL, secret string, now time.Time) *url.URL {
	u := *address
	if secret == "" {
		return &u
	}
	q := u.Query()
	ms := strconv.FormatInt(now.UnixMilli(), 10)
	q.Set("timestamp", ms)
	q.Set("sign", sign(ms, secret))
	u.RawQuery = q.Encode()
	return &u
}

func sign(ms, secret string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(ms + "\n" + secret))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// Neutralise returns what keeps the words of an alert from being markup, nil for
// a text, which has none. A call needs more than words.
func Neutralise(kind string) func(string) string {
	if kind == channel.Text {
		return nil
	}
	return channel.Twins
}

type message struct {
	Type     string    `json:"msgtype"`
	Text     *text     `json:"text,omitempty"`
	Markdown *markdown `json:"markdown,omitempty"`
	Card     *card     `json:"actionCard,omitempty"`
	At       *at       `json:"at,omitempty"`
}

type text struct {
	Content string `json:"content"`
}

type markdown struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

type card struct {
	Title       string   `json:"title"`
	Text        string   `json:"text"`
	SingleTitle string   `json:"singleTitle,omitempty"`
	SingleURL   string   `json:"singleURL,omitempty"`
	Orientation string   `json:"btnOrientation,omitempty"`
	Buttons     []button `json:"btns,omitempty"`
}

type button struct {
	Title string `json:"title"`
	URL   string `json:"actionURL"`
}

type at struct {
	Mobiles []string `json:"atMobiles,omitempty"`
	Users   []string `json:"atUserIds,omitempty"`
	All     bool     `json:"isAtAll"`
}

// maxTitle keeps a title to what the list of chats shows, in characters.
const maxTitle = 100

func bodyOf(m *channel.Rendered, kind string, who channel.Mention) (*message, error) {
	out := &message{}
	title := channel.Short(m.PlainTitle, maxTitle) // of the list of chats
	var set func(string)
	switch kind {
	case channel.Text:
		out.Type, out.Text = "text", &text{}
		set = func(s string) { out.Text.Content = s }
	case channel.Markdown:
		out.Type, out.Markdown = "markdown", &markdown{Title: title}
		set = func(s string) { out.Markdown.Text = s }
	case channel.Card:
		out.Type, out.Card = "actionCard", &card{Title: title, Orientation: "1"}
		set = func(s string) { out.Card.Text = s }
		for _, b := range m.Buttons() {
			out.Card.Buttons = append(out.Card.Buttons, button{b.Title, b.URL})
		}
		if len(out.Card.Buttons) == 0 { // A card without a button is refused.
			out.Card.Orientation, out.Card.SingleTitle, out.Card.SingleURL = "", "Touchline", m.ExternalURL
		}
	default:
		return nil, fmt.Errorf("message %q is not known", kind)
	}
	// Who is called must also be named in the text.
	called := ""
	if who.IsSet() {
		out.At = &at{Mobiles: who.Mobiles, Users: who.Users, All: who.All}
		for _, id := range append(append([]string{}, who.Mobiles...), who.Users...) {
			called += " @" + id
		}
		if called != "" {
			called = "\n\n" + called[1:]
		}
	}
	set(m.Fit(m.Body, maxBody, func(s string) int {
		set(s + called)
		return channel.Size(out)
	}) + called)
	return out, nil
}

// judge reads an answer. The codes are those of custom-robots-send-group-messages
// (400013 to 430104, 310000, 410100, -1), of github.com/ccfos/nightingale/issues/369
// (130101 "send too fast, exceed 20 times per minute") and of DingTalk's general
// table (300001 and 300005 for a token that is not there, 90030 for the quota of a day).
func judge(raw []byte) channel.Verdict {
	var a struct {
		Code    *int64 `json:"errcode"`
		Message string `json:"errmsg"`
	}
	if err := json.Unmarshal(raw, &a); err != nil || a.Code == nil {
		return channel.Verdict{}
	}
	v := channel.Verdict{Outcome: channel.Refused, Said: strings.TrimSpace(fmt.Sprintf("errcode %d: %s", *a.Code, a.Message))}
	low := strings.ToLower(a.Message)
	switch *a.Code {
	case 0:
		v.Outcome = channel.Delivered
	case -1:
		v.Outcome = channel.Busy
	case 130101, 410100, 90030:
		v.Outcome = channel.Limited
	case 310000:
		v.Outcome, v.Hint = channel.Denied, "compare the robot's security settings"
		switch {
		case strings.Contains(low, "sign"):
			v.Hint = "the secret in secret_file or secret_env is not the one of the robot's signature setting, which begins with SEC"
		case strings.Contains(low, "timestamp"):
			v.Hint = "this host's clock differs from DingTalk's by more than an hour"
		case strings.Contains(low, "keyword"):
			v.Hint = "the robot asks for a keyword; have it ask for a signature instead, or put the keyword in a template"
		case strings.Contains(low, "ip"):
			v.Hint = "add this host's public address to those that the robot allows"
		}
	case 300001, 300005, 400101:
		v.Outcome, v.Hint = channel.Denied, "the access_token of the address is not that of a robot; copy the address again"
	case 400102, 400106, 400013:
		v.Outcome, v.Hint = channel.Denied, "the robot is off, was removed, or its group is gone"
	case 460101:
		v.Hint = "the template writes more than a message may have"
	default:
		if strings.Contains(low, "too fast") || strings.Contains(a.Message, "限流") {
			v.Outcome = channel.Limited
		}
	}
	return v
}
