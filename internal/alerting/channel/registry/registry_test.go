package registry

import (
	"bytes"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"touchline.dev/touchline/internal/alerting/channel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBuild(t *testing.T) {
	client := channel.NewClient()
	defer client.CloseIdleConnections()
	o := Options{Client: client, Paces: channel.NewPaces(), Zone: time.UTC, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}
	base := Base(`{{ define "shipped" }}s{{ end }}`, nil, &url.URL{Scheme: "https", Host: "t.example"})
	large := filepath.Join(t.TempDir(), "large.tmpl")
	if err := os.WriteFile(large, bytes.Repeat([]byte(" "), maxTemplate+1), 0o600); err != nil {
		t.Fatal(err)
	}
	robot := func(kind string) Spec {
		return Spec{Type: kind, URL: channel.Secret{Env: "X"}, Language: "zh", Kind: channel.Markdown, SendResolved: true}
	}
	mail := Spec{Type: channel.Email, Language: "en", Mail: Mail{Smarthost: "m:25", From: "a@b.example", To: []string{"c@d.example"}, TLS: "starttls"}}
	for _, c := range []struct {
		name   string
		spec   Spec
		change func(*Spec)
		want   string // the integration, or the error
	}{
		{"dingtalk", robot(channel.DingTalk), nil, "dingtalk"},
		{"wecom", robot(channel.WeCom), nil, "wecom"},
		{"feishu", robot(channel.Feishu), nil, "feishu"},
		{"slack", robot(channel.Slack), nil, SlackName},
		{"email", mail, nil, MailName},
		{"mail without recipients", mail, func(s *Spec) { s.Mail.To = nil }, "touchline.yaml:1:2: channel email: to: nobody is named"},
		{"language", robot(channel.WeCom), func(s *Spec) { s.Language = "fr" }, `language "fr" is not known`},
		{"kind", robot(channel.WeCom), func(s *Spec) { s.Kind = "song" }, "touchline.wecom.song.zh"},
		{"type", robot("pigeon"), nil, "there is no such type"},
		{"no template", robot(channel.WeCom), func(s *Spec) { s.TemplateFile = large + ".none" }, "no such file"},
		{"large template", robot(channel.WeCom), func(s *Spec) { s.TemplateFile = large }, "more than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.spec
			s.Where = "touchline.yaml:1:2"
			if c.change != nil {
				c.change(&s)
			}
			got, err := Build(s, o, base)
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want %s", err, c.want)
				}
				return
			}
			if got.Name != c.want || got.SendResolved() != s.SendResolved {
				t.Errorf("integration %s, want %s", got.Name, c.want)
			}
		})
	}
}

// TestIdentity changes each thing that a reload must notice, and what it need not.
func TestIdentity(t *testing.T) {
	file := filepath.Join(t.TempDir(), "my.tmpl")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	of := func(change func(*Spec)) string {
		s := Spec{Type: channel.DingTalk, URL: channel.Secret{File: "u"}, Language: "zh", Kind: channel.Text, TemplateFile: file, Where: "a:1:1"}
		if change != nil {
			change(&s)
		}
		var b strings.Builder
		if err := WriteIdentity(&b, map[string][]Spec{"ops": {s}, "boss": nil}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	same := of(nil)
	if of(func(s *Spec) { s.Where = "a:9:9" }) != same {
		t.Error("a channel that has moved in the file passes for another")
	}
	for name, change := range map[string]func(*Spec){
		"language": func(s *Spec) { s.Language = "en" }, "mention": func(s *Spec) { s.Mention.All = true }, "secret": func(s *Spec) { s.Secret.Env = "S" },
		"address": func(s *Spec) { s.URL.File = "v" }, "resolved": func(s *Spec) { s.SendResolved = true }, "mail": func(s *Spec) { s.Mail.To = []string{"x"} },
	} {
		if of(change) == same {
			t.Errorf("another %s passes for the same", name)
		}
	}
	write("two")
	if of(nil) == same {
		t.Error("another template passes for the same")
	}
}
