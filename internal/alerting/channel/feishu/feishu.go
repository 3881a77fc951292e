// Package feishu tells a custom bot of a Feishu or Lark group.
//
// The formats are those of Feishu's page "custom bot guide"
// (open.feishu.cn/document/ukTMukTMukTM/ucTM5YjL3ETO24yNxkjN) and of its message
// cards (…/ukTMukTMukTM/uADOwUjLwgDM14CM4ATN).
package feishu

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"touchline.dev/touchline/internal/alerting/channel"
)

// Notifier tells one bot.
type Notifier struct{ *channel.Robot }

// maxBody is "the body of a request must not be larger than 20 KB", read as
// decimal to be on the safe side.
const maxBody = 20_000

// limit: "100 a minute and 5 a second for one bot of one tenant"; at full hours
// the service may refuse less with 11232.
var limit = channel.Limit{
	Rates: []channel.Rate{{Messages: 5, Window: time.Second}, {Messages: 100, Window: time.Minute}},
	Pause: 2 * time.Second, MaxPause: time.Minute,
}

// userID is an open id or a user id; nothing else may stand in a tag that we write.
var userID = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// New makes a notifier.
func New(o channel.RobotOptions) (*Notifier, error) {
	if len(o.Mention.Mobiles) > 0 {
		return nil, errors.New("a Feishu bot cannot call people by mobile number; write their open ids or user ids under mention.users")
	}
	for _, id := range o.Mention.Users {
		if !userID.MatchString(id) {
			return nil, fmt.Errorf("mention.users: %q is no open id or user id; they look like ou_84aad35d084aa403a838cf73ee18467", id)
		}
	}
	kind, mention := o.Kind, o.Mention
	r, err := channel.NewRobot(o, channel.Protocol{
		Service: "Feishu", Limit: limit, Judge: judge,
		Request: func(m *channel.Rendered, address *url.URL, secret string, now time.Time) (*url.URL, any, error) {
			body, err := bodyOf(m, kind, mention.For(m.Message), secret, now)
			return address, body, err
		},
	})
	if err != nil {
		return nil, err
	}
	return &Notifier{r}, nil
}

// sign is the HMAC of nothing under the time in seconds, a line break and the secret.
func sign(seconds, secret string) string {
	return base64.StdEncoding.EncodeToString(hmac.New(sha256.New, []byte(seconds+"\n"+secret)).Sum(nil))
}

// calls is what the service takes for a call to somebody.
var calls = regexp.MustCompile(`(?i)<(\s*/?\s*at\b)`)

// Neutralise returns what keeps the words of an alert from calling anybody and
// from being markup. A text has none, but for calls.
func Neutralise(kind string) func(string) string {
	if kind == channel.Text {
		return func(s string) string { return calls.ReplaceAllString(s, "＜$1") }
	}
	return channel.Entities
}

type message struct {
	Timestamp string `json:"timestamp,omitempty"`
	Sign      string `json:"sign,omitempty"`
	Type      string `json:"msg_type"`
	Content   *text  `json:"content,omitempty"`
	Card      *card  `json:"card,omitempty"`
}

type text struct {
	Text string `json:"text"`
}

type card struct {
	Config   config    `json:"config"`
	Header   header    `json:"header"`
	Elements []element `json:"elements"`
}

type config struct {
	Wide bool `json:"wide_screen_mode"`
}

type header struct {
	Title    plain  `json:"title"`
	Template string `json:"template"` // the colour
}

type plain struct {
	Tag     string `json:"tag"`
	Content string `json:"content"`
}

type element struct {
	Tag     string   `json:"tag"`
	Content string   `json:"content,omitempty"`
	Actions []button `json:"actions,omitempty"`
}

type button struct {
	Tag  string `json:"tag"`
	Text plain  `json:"text"`
	Type string `json:"type"`
	URL  string `json:"url"`
}

const maxTitle = 100 // characters

// bodyOf makes the message. The service has no message of the type markdown: it
// is a card that has nothing but its text.
func bodyOf(m *channel.Rendered, kind string, who channel.Mention, secret string, now time.Time) (*message, error) {
	out := &message{}
	if secret != "" {
		out.Timestamp = strconv.FormatInt(now.Unix(), 10)
		out.Sign = sign(out.Timestamp, secret)
	}
	var set func(string)
	tag := "<at id=%s></at>" // of a card; text has another
	switch kind {
	case channel.Text:
		out.Type, out.Content, tag = "text", &text{}, `<at user_id="%s"></at>`
		set = func(s string) { out.Content.Text = s }
	case channel.Markdown, channel.Card:
		c := &card{Config: config{Wide: true}, Header: header{Title: plain{"plain_text", channel.Short(m.PlainTitle, maxTitle)}, Template: colours[m.Level()]}, Elements: []element{{Tag: "markdown"}}}
		if kind == channel.Card {
			if buttons := buttonsOf(m); len(buttons) > 0 {
				c.Elements = append(c.Elements, element{Tag: "action", Actions: buttons})
			}
		}
		out.Type, out.Card = "interactive", c
		set = func(s string) { c.Elements[0].Content = s }
	default:
		return nil, fmt.Errorf("message %q is not known", kind)
	}
	ids := who.Users
	if who.All {
		ids = append(append([]string{}, ids...), "all")
	}
	called := ""
	for _, id := range ids {
		called += " " + fmt.Sprintf(tag, id)
	}
	if called != "" {
		called = "\n" + called[1:]
	}
	set(m.Fit(m.Body, maxBody, func(s string) int {
		set(s + called)
		return channel.Size(out)
	}) + called)
	return out, nil
}

func buttonsOf(m *channel.Rendered) []button {
	var out []button
	for n, b := range m.Buttons() {
		kind := "default"
		if n == 0 && m.Firing() {
			kind = "primary"
		}
		out = append(out, button{Tag: "button", Text: plain{"plain_text", b.Title}, Type: kind, URL: b.URL})
	}
	return out
}

var colours = map[channel.Level]string{channel.Over: "green", channel.Warning: "orange", channel.Critical: "red"}

// judge reads an answer. 9499 has two meanings, which only the text tells apart:
// "Bad Request" is the guide's example for a body that is wrong, and "too many
// request" is what bots that were asked by many at once got. 11232 is the guide's;
// 19001, 19021, 19022 and 19024 are those of its questions and answers. The
// gateway answers 429 by itself.
func judge(raw []byte) channel.Verdict {
	var a struct {
		Code       *int64 `json:"code"`
		Message    string `json:"msg"`
		OldCode    *int64 `json:"StatusCode"`
		OldMessage string `json:"StatusMessage"`
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return channel.Verdict{}
	}
	if a.Code == nil {
		// Older bots answer with these names only.
		a.Code, a.Message = a.OldCode, a.OldMessage
	}
	if a.Code == nil {
		return channel.Verdict{}
	}
	v := channel.Verdict{Outcome: channel.Refused, Said: strings.TrimSpace(fmt.Sprintf("code %d: %s", *a.Code, a.Message))}
	low := strings.ToLower(a.Message)
	switch *a.Code {
	case 0:
		v.Outcome = channel.Delivered
	case 11232:
		v.Outcome = channel.Limited
	case 19021:
		v.Outcome, v.Hint = channel.Denied, "the secret in secret_file or secret_env is not the bot's, or this host's clock is wrong by more than an hour"
	case 19022:
		v.Outcome, v.Hint = channel.Denied, "add this host's public address to those that the bot allows"
	case 19024:
		v.Outcome, v.Hint = channel.Denied, "the bot asks for a keyword; have it ask for a signature instead, or put the keyword in a template"
	case 19001:
		v.Outcome, v.Hint = channel.Denied, "the address is not that of a bot; copy it again"
	default:
		if strings.Contains(low, "too many request") || strings.Contains(low, "frequency limit") || strings.Contains(low, "rate limit") {
			v.Outcome = channel.Limited
		}
	}
	return v
}
