package registry

import (
	"bytes"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/channeltest"
)

// TestAlertsWriteNoMarkup has alerts that would write links, headings and colours
// into messages.
func TestAlertsWriteNoMarkup(t *testing.T) {
	client := channel.NewClient()
	defer client.CloseIdleConnections()
	const link = "[click](http://evil)"
	for _, c := range []struct {
		service, kind string
		// what the message must have, and what it must not have
		want, not []string
	}{
		{channel.DingTalk, channel.Markdown, []string{"[click］(http://evil)", "**Down ＊＊fine＊＊**", "＃ Fine", "[Graph](https://", `"title":"[FIRING 1] Down **fine**"`}, []string{link, "### [FIRING 1] Down **", "\n# Fine", "<font"}},
		{channel.DingTalk, channel.Card, []string{"[click］(http://evil)", "**Down ＊＊fine＊＊**"}, []string{link, "### [FIRING 1] Down **", "\n# Fine", "<font"}},
		{channel.DingTalk, channel.Text, []string{link, "Down **fine**"}, nil},
		{channel.WeCom, channel.Markdown, []string{"[click］(http://evil)", "**Down ＊＊fine＊＊**", "＃ Fine", "[Graph](https://", `<font color="warning">critical</font>`}, []string{link, "**fine**", "\n# Fine", `<font color="info">ok`, "<@all>"}},
		{channel.WeCom, channel.Text, []string{link, "Down **fine**", "＜@all>"}, []string{"<@all>"}},
		{channel.WeCom, channel.Card, []string{link, "＜@all>"}, []string{"<@all>"}},
		{channel.Feishu, channel.Markdown, []string{"&#91;click&#93;(http://evil)", "**Down &#42;&#42;fine&#42;&#42;**", "&#35; Fine", "[Graph](https://", `"content":"[FIRING 1] Down **fine**"`}, []string{link, "\n# Fine", "<font", "<at"}},
		{channel.Feishu, channel.Card, []string{"&#91;click&#93;(http://evil)", "**Down &#42;&#42;fine&#42;&#42;**", `"content":"[FIRING 1] Down **fine**"`}, []string{link, "\n# Fine", "<font", "<at"}},
		{channel.Feishu, channel.Text, []string{link, "Down **fine**"}, []string{"<at id"}},
		{channel.Slack, channel.Markdown, []string{"&lt;http://evil|click&gt;"}, []string{"<http://evil", "<!channel>"}},
	} {
		t.Run(c.service+" "+c.kind, func(t *testing.T) {
			r := channeltest.New(t, c.service)
			t.Setenv("ROBOT_URL", r.URL)
			spec := Spec{Type: c.service, URL: channel.Secret{Env: "ROBOT_URL"}, Language: "en", Kind: c.kind}
			if r.Signed {
				t.Setenv("ROBOT_SECRET", channeltest.Secret)
				spec.Secret = channel.Secret{Env: "ROBOT_SECRET"}
			}
			o := Options{Client: client, Paces: channel.NewPaces(), Zone: time.UTC, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}
			built, err := Build(spec, o, Base("", nil, &url.URL{Scheme: "https", Host: "t.example"}))
			if err != nil {
				t.Fatal(err)
			}
			a := channeltest.Alert("Down", "severity", "critical", "host", link+" <@all> <at id=all></at> <!channel> <http://evil|click>")
			a.Annotations["summary"] = "Down **fine**"
			a.Annotations["description"] = model.LabelValue(`<font color="info">ok</font>` + "\n# Fine\n" + link + "<@all>")
			ctx := channeltest.GroupOf(t.Context(), model.LabelSet{"alertname": "Down **fine**"})
			if _, err := built.Notify(ctx, a); err != nil {
				t.Fatal(err)
			}
			raw, err := channel.Encode(r.Wait(t))
			if err != nil {
				t.Fatal(err)
			}
			raw = bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte(`\n`), []byte("\n")), []byte(`\"`), []byte(`"`))
			for _, want := range c.want {
				if !bytes.Contains(raw, []byte(want)) {
					t.Errorf("no %q in %s", want, raw)
				}
			}
			for _, not := range c.not {
				if bytes.Contains(raw, []byte(not)) {
					t.Errorf("%q in %s", not, raw)
				}
			}
		})
	}
}
