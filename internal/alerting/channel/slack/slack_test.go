package slack

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/channeltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "eyJhIjoiYWNrIn0.c2ln"

func links(_ *channel.RobotOptions, o *channel.RendererOptions) {
	o.Neutralise = Neutralise
	o.Links = func(context.Context, channel.Told) channel.Links {
		return channel.Links{Acknowledge: "https://touchline.example.org/touchline/v1/links/" + token, Incident: "https://touchline.example.org/i"}
	}
}

func TestKinds(t *testing.T) {
	r := channeltest.New(t, channel.Slack)
	down := channeltest.Alert("Down", "severity", "critical")
	call := func(o *channel.RobotOptions, ro *channel.RendererOptions) {
		links(o, ro)
		o.Mention = channel.Mention{Users: []string{"U012AB3CD", "S0614TZR7"}, All: true}
	}
	const called = " <@U012AB3CD> <!subteam^S0614TZR7> <!channel>"
	if s := channeltest.Send(t, New, r, channel.Text, call, down)["text"].(string); !strings.HasSuffix(s, called) {
		t.Errorf("text %q", s)
	}
	m := channeltest.Send(t, New, r, channel.Markdown, call, down)
	if m["text"] != "*[FIRING 1] Down*"+called || channeltest.Dig(m, "attachments", 0, "color") != "#e01e5a" || len(channeltest.Dig(m, "attachments", 0, "blocks").([]any)) != 1 {
		t.Errorf("markdown %v", m)
	}
	s := channeltest.Dig(m, "attachments", 0, "blocks", 0, "text", "text").(string)
	for _, want := range []string{"<https://touchline.example.org/touchline/v1/links/" + token + "|Acknowledge>", "*Expression*: `up == 0`", "*Severity*: critical"} {
		if !strings.Contains(s, want) {
			t.Errorf("%q lacks %q", s, want)
		}
	}
	over := channeltest.Alert("Down", "severity", "critical")
	over.EndsAt = time.Now().Add(-time.Second)
	m = channeltest.Send(t, New, r, channel.Card, call, over)
	if m["text"] != "*[RESOLVED] Down*" || channeltest.Dig(m, "attachments", 0, "color") != "#2eb67d" || strings.Contains(channeltest.Dig(m, "attachments", 0, "blocks", 1, "elements", 0, "text", "text").(string), "Acknowledge") {
		t.Errorf("what is over %v", m)
	}
	if m = channeltest.Send(t, New, r, channel.Card, links, channeltest.Alert("Down", "severity", "warning")); channeltest.Dig(m, "attachments", 0, "color") != "#ecb22e" {
		t.Errorf("a warning %v", m)
	}
}

// TestButtons has the button that acknowledges be a link without a signing secret, and answered with one.
func TestButtons(t *testing.T) {
	for _, signed := range []bool{false, true} {
		r := channeltest.New(t, channel.Slack)
		r.Signed = signed
		b := channeltest.Dig(channeltest.Send(t, New, r, channel.Card, links, channeltest.Alert("Down")), "attachments", 0, "blocks", 1, "elements").([]any)
		first, second := b[0].(map[string]any), b[1].(map[string]any)
		if first["style"] != "primary" || second["url"] != "https://touchline.example.org/i" || first["action_id"] == second["action_id"] {
			t.Errorf("buttons %v", b)
		}
		if signed && (first["action_id"] != "acknowledge" || first["value"] != token || first["url"] != nil) {
			t.Errorf("with a signing secret %v", first)
		}
		if !signed && (first["value"] != nil || !strings.HasSuffix(first["url"].(string), "/links/"+token)) {
			t.Errorf("without one %v", first)
		}
	}
}

func TestFits(t *testing.T) {
	r := channeltest.New(t, channel.Slack)
	if s := channeltest.Send(t, New, r, channel.Text, links, channeltest.Storm()...)["text"].(string); utf8.RuneCountInString(s) > maxText || !strings.Contains(s, "characters left out") {
		t.Errorf("%d characters", utf8.RuneCountInString(s))
	}
	s := channeltest.Dig(channeltest.Send(t, New, r, channel.Card, links, channeltest.Storm()...), "attachments", 0, "blocks", 0, "text", "text").(string)
	if n := utf8.RuneCountInString(s); n > maxSection || n < maxSection-300 || !strings.Contains(s, "characters left out") {
		t.Errorf("%d characters", n)
	}
}

// TestAlertsCallNobody has labels and an expression that would call everybody.
func TestAlertsCallNobody(t *testing.T) {
	a := channeltest.Alert("Down", "host", "<!channel> & <https://evil.example|Acknowledge>")
	a.GeneratorURL = "https://touchline.example.org/graph?g0.expr=up+<+1+and+<!here>&x=|<!everyone>"
	r := channeltest.New(t, channel.Slack)
	for _, kind := range []string{channel.Text, channel.Card} {
		raw, err := channel.Encode(channeltest.Send(t, New, r, kind, links, a))
		if err != nil || strings.Contains(string(raw), "<!") || strings.Contains(string(raw), "<https://evil") || !strings.Contains(string(raw), "up &lt; 1") {
			t.Errorf("%s: %v %s", kind, err, raw)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		status int
		answer string
		retry  bool
		want   string
	}{
		{404, "no_service", false, "make a new one"},
		{410, "channel_is_archived", false, "gone or archived"},
		{403, "action_prohibited", false, "administrator"},
		{400, "invalid_payload", false, "HTTP 400, invalid_payload"},
		{400, "something_new", false, "HTTP 400"},
		{500, "rollup_error", true, "rollup_error"},
		{429, "rate_limited", true, "rate_limited"},
		{200, "<html>sign in</html>", true, "a page of HTML"},
		{200, "", true, "an empty answer"},
		{200, `{"ok":false}`, true, "JSON that is not"},
	} {
		r := channeltest.New(t, channel.Slack)
		r.Answer(c.status, c.answer)
		n, err := New(channeltest.Options(t, r, channel.Text, nil))
		if err != nil {
			t.Fatal(err)
		}
		retry, err := n.Notify(channeltest.Group(t.Context()), channeltest.Alert("Down"))
		if err == nil || retry != c.retry || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), channeltest.Token) {
			t.Errorf("%d %s: retry %v, error %v", c.status, c.answer, retry, err)
		}
	}
}

func TestOptions(t *testing.T) {
	r := channeltest.New(t, channel.Slack)
	for want, m := range map[string]channel.Mention{
		"by mobile number": {Mobiles: []string{"138"}},
		"is no member id":  {Users: []string{"U012AB3CD> <!channel"}},
	} {
		if _, err := New(channeltest.Options(t, r, channel.Text, func(o *channel.RobotOptions, _ *channel.RendererOptions) { o.Mention = m })); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestVerify has the example of Slack's page as its known answer.
func TestVerify(t *testing.T) {
	const (
		secret = "8f742231b10e8888abcd99yyyzzz85a5"
		body   = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	)
	at := time.Unix(1531420618, 0)
	h := http.Header{}
	h.Set("X-Slack-Request-Timestamp", strconv.FormatInt(at.Unix(), 10))
	h.Set("X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")
	if err := Verify(secret, h, []byte(body), at.Add(maxAge)); err != nil {
		t.Errorf("the known answer: %v", err)
	}
	for want, c := range map[error]struct {
		secret, body string
		at           time.Time
	}{
		ErrSignature: {secret, body + "&x=1", at},
		ErrStale:     {secret, body, at.Add(maxAge + time.Second)},
	} {
		if err := Verify(c.secret, h, []byte(c.body), c.at); !errors.Is(err, want) {
			t.Errorf("error %v, want %v", err, want)
		}
	}
	if err := Verify("another", h, []byte(body), at); !errors.Is(err, ErrSignature) {
		t.Errorf("another secret: %v", err)
	}
	if err := Verify(secret, http.Header{}, []byte(body), at); !errors.Is(err, ErrSignature) {
		t.Errorf("no signature: %v", err)
	}
}

func press(payload string) []byte { return []byte(url.Values{"payload": {payload}}.Encode()) }

func TestReadPress(t *testing.T) {
	p, err := ReadPress(press(`{"type":"block_actions","user":{"id":"U012AB3CD","username":"anna","name":"Anna"},"response_url":"https://hooks.example/a","actions":[{"action_id":"acknowledge","value":"tok"}]}`))
	if want := (Press{"tok", "U012AB3CD", "Anna", "https://hooks.example/a"}); err != nil || p != want {
		t.Errorf("got %+v, %v", p, err)
	}
	p, err = ReadPress(press(`{"type":"block_actions","user":{"id":"U012AB3CD","username":"anna"},"actions":[{"action_id":"open-1","value":"tok"}]}`))
	if err != nil || p.Token != "" || p.User != "anna" {
		t.Errorf("a button that opens a page: %+v, %v", p, err)
	}
	for want, body := range map[string][]byte{
		"is no form":       []byte("%zz"),
		"is no JSON":       []byte("payload=x"),
		`"view_closed"`:    press(`{"type":"view_closed"}`),
		"has no member id": press(`{"type":"block_actions","user":{"id":"U1> <!channel"},"actions":[{}]}`),
	} {
		if _, err := ReadPress(body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", body, err, want)
		}
	}
}

func TestAnswerStaysOnTheHost(t *testing.T) {
	r := channeltest.New(t, channel.Slack)
	o := channeltest.Options(t, r, channel.Card, nil)
	asked := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer elsewhere.Close()
	if err := Answer(t.Context(), o.Client, App{Webhook: o.URL}, elsewhere.URL+"/x", "hello"); err == nil || asked > 0 {
		t.Errorf("asked %d times: %v", asked, err)
	}
	if err := Answer(t.Context(), o.Client, App{Webhook: o.URL}, r.URL, "hello"); err != nil || r.Messages()[0]["text"] != "hello" {
		t.Errorf("%v: %v", err, r.Messages())
	}
	r.Answer(404, "expired_url")
	if err := Answer(t.Context(), o.Client, App{Webhook: o.URL}, r.URL, "hello"); err == nil || !strings.Contains(err.Error(), "HTTP 404") || strings.Contains(err.Error(), channeltest.Token) {
		t.Errorf("error %v", err)
	}
}

func FuzzReadPress(f *testing.F) {
	f.Add(press(`{"type":"block_actions","user":{"id":"U012AB3CD"},"actions":[{"action_id":"acknowledge","value":"tok"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if p, err := ReadPress(raw); err == nil && !id.MatchString(p.UserID) {
			t.Errorf("%q gives the member %q", raw, p.UserID)
		}
	})
}
