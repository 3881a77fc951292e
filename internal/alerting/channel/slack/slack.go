// Package slack tells a channel of a Slack workspace by an app's incoming
// webhook, and understands what its buttons send back.
//
// The formats are those of Slack's pages on incoming webhooks
// (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks), on blocks
// (docs.slack.dev/reference/block-kit), and on payloads of interaction
// (docs.slack.dev/reference/interaction-payloads/block_actions-payload).
package slack

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"touchline.dev/touchline/internal/alerting/channel"
)

// Notifier tells one channel.
type Notifier struct{ *channel.Robot }

// Bounds of the service, in characters.
const (
	maxText    = 4000 // it takes more, and advises against it
	maxSection = 3000
	maxButton  = 75
	maxLink    = 3000
	maxValue   = 2000
)

// limit: one message a second for each webhook; short bursts are let through.
var limit = channel.Limit{
	Rates: []channel.Rate{{Messages: 4, Window: 4 * time.Second}},
	Pause: time.Second, MaxPause: time.Minute,
}

// id is a member (U, W) or a user group (S); nothing else may stand in a call.
var id = regexp.MustCompile(`^[UWS][A-Z0-9]{5,20}$`)

// New makes a notifier. A secret is the app's signing secret: with it the button
// of a card that acknowledges is answered by this server, and is a link without.
func New(o channel.RobotOptions) (*Notifier, error) {
	if len(o.Mention.Mobiles) > 0 {
		return nil, errors.New("Slack cannot call people by mobile number; write their member ids under mention.users")
	}
	for _, u := range o.Mention.Users {
		if !id.MatchString(u) {
			return nil, fmt.Errorf("mention.users: %q is no member id or user group id; they look like U012AB3CD and S0614TZR7", u)
		}
	}
	kind, mention := o.Kind, o.Mention
	r, err := channel.NewRobot(o, channel.Protocol{
		Service: "Slack", Limit: limit, Judge: judge, Plain: true,
		Request: func(m *channel.Rendered, address *url.URL, secret string, _ time.Time) (*url.URL, any, error) {
			body, err := bodyOf(m, kind, mention.For(m.Message), secret != "")
			return address, body, err
		},
	})
	if err != nil {
		return nil, err
	}
	return &Notifier{r}, nil
}

// Neutralise keeps what an alert says from calling anybody or being a link.
func Neutralise(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

type message struct {
	Text        string       `json:"text"`
	Attachments []attachment `json:"attachments,omitempty"`
}

type attachment struct {
	Color    string  `json:"color"`
	Fallback string  `json:"fallback"` // on a telephone's lock screen
	Blocks   []block `json:"blocks"`
}

type block struct {
	Type     string   `json:"type"`
	Text     *text    `json:"text,omitempty"`
	Elements []button `json:"elements,omitempty"`
}

type text struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type button struct {
	Type   string `json:"type"`
	Text   text   `json:"text"`
	Action string `json:"action_id"`
	URL    string `json:"url,omitempty"`
	Value  string `json:"value,omitempty"`
	Style  string `json:"style,omitempty"`
}

// acknowledge is the action of the button that this server answers.
const acknowledge = "acknowledge"

func bodyOf(m *channel.Rendered, kind string, who channel.Mention, answered bool) (*message, error) {
	called := ""
	for _, u := range who.Users {
		if strings.HasPrefix(u, "S") {
			called += " <!subteam^" + u + ">"
		} else {
			called += " <@" + u + ">"
		}
	}
	if who.All {
		called += " <!channel>"
	}
	fit := func(s string, most int) string {
		return m.Fit(s, most, func(s string) int { return len([]rune(s)) })
	}
	switch kind {
	case channel.Text:
		return &message{Text: fit(m.Body, maxText-len(called)) + called}, nil
	case channel.Markdown, channel.Card:
		a := attachment{Color: colours[m.Level()], Fallback: m.Title, Blocks: []block{{Type: "section", Text: &text{"mrkdwn", fit(m.Body, maxSection)}}}}
		if kind == channel.Card {
			if buttons := buttonsOf(m, answered); len(buttons) > 0 {
				a.Blocks = append(a.Blocks, block{Type: "actions", Elements: buttons})
			}
		}
		return &message{Text: "*" + channel.Short(m.Title, maxText/2) + "*" + called, Attachments: []attachment{a}}, nil
	}
	return nil, fmt.Errorf("message %q is not known", kind)
}

func buttonsOf(m *channel.Rendered, answered bool) []button {
	var out []button
	for n, b := range m.Buttons() {
		x := button{Type: "button", Text: text{"plain_text", channel.Short(b.Title, maxButton)}, Action: "open-" + strconv.Itoa(n), URL: b.URL}
		if b.URL == m.Links.Acknowledge {
			x.Style = "primary"
			if token := path.Base(b.URL); answered && len(token) <= maxValue {
				x.Action, x.Value, x.URL = acknowledge, token, ""
			}
		}
		if len(x.URL) <= maxLink {
			out = append(out, x)
		}
	}
	return out
}

var colours = map[channel.Level]string{channel.Over: "#2eb67d", channel.Warning: "#ecb22e", channel.Critical: "#e01e5a"}

// judge reads an answer, which is a word: "ok", or what is wrong. The words are
// those of the page on incoming webhooks, "Handling errors".
func judge(raw []byte) channel.Verdict {
	word := strings.TrimSpace(string(raw))
	switch word {
	case "ok":
		return channel.Verdict{Outcome: channel.Delivered, Said: word}
	case "rate_limited", "ratelimited":
		return channel.Verdict{Outcome: channel.Limited, Said: word}
	case "rollup_error", "internal_error", "service_unavailable":
		return channel.Verdict{Outcome: channel.Busy, Said: word}
	case "invalid_token", "no_service", "no_service_id", "no_team", "team_disabled", "no_active_hooks":
		return channel.Verdict{Outcome: channel.Denied, Said: word, Hint: "the webhook is not there any more; make a new one in the app's settings under Incoming Webhooks"}
	case "channel_not_found", "channel_is_archived":
		return channel.Verdict{Outcome: channel.Denied, Said: word, Hint: "the webhook's channel is gone or archived; make a webhook for another one"}
	case "action_prohibited", "posting_to_general_channel_denied", "user_not_found":
		return channel.Verdict{Outcome: channel.Denied, Said: word, Hint: "the workspace's administrator does not allow this webhook to post there"}
	case "invalid_payload", "invalid_blocks", "invalid_blocks_format", "invalid_attachments", "no_text", "too_many_attachments":
		return channel.Verdict{Outcome: channel.Refused, Said: word}
	}
	return channel.Verdict{} // no word of Slack's: something stands in its place
}
