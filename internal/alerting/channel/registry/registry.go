// Package registry makes channels out of what is configured: it is the only
// package that knows all kinds of them.
package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/dingtalk"
	"touchline.dev/touchline/internal/alerting/channel/email"
	"touchline.dev/touchline/internal/alerting/channel/feishu"
	"touchline.dev/touchline/internal/alerting/channel/slack"
	"touchline.dev/touchline/internal/alerting/channel/wecom"
)

// Spec is one channel of a receiver as it is configured.
type Spec struct {
	Type         string
	URL          channel.Secret
	Secret       channel.Secret
	Language     string
	Kind         string
	Mention      channel.Mention
	TemplateFile string // "" for the default templates
	SendResolved bool
	Mail         Mail // of the type email

	Where string `json:"-"` // where it stands, for errors; it decides nothing
}

// Mail is what only the type email has.
type Mail struct {
	Smarthost string
	From      string
	To        []string
	TLS       string
	CAFile    string
	Username  string
	Password  channel.Secret
	Picture   bool
}

// Channel is a spec made ready.
type Channel struct {
	notify.Notifier
	Name     string // of its integration, in the notification log: it never changes
	Resolved bool
}

// SendResolved tells upstream's stages whether to send what is over.
func (c *Channel) SendResolved() bool { return c.Resolved }

// Options are what all channels of a server share. All fields without a remark
// are required.
type Options struct {
	Client *http.Client
	Paces  *channel.Paces
	Links  channel.LinksFunc // optional
	Graph  email.GraphFunc   // optional
	Zone   *time.Location
	Now    func() time.Time
	Logger *slog.Logger
}

// Integrations of our own where upstream has one of the type's name.
const (
	MailName  = "mail"
	SlackName = "slack-app"
)

// maxTemplate bounds a template file, in bytes.
const maxTemplate = 1 << 20

// Types are those that can be configured.
func Types() []string {
	return []string{channel.DingTalk, channel.WeCom, channel.Feishu, channel.Slack, channel.Email}
}

// Build makes a channel. base makes a template with the definitions that a
// template file may build on. The error says where the spec stands.
func Build(s Spec, o Options, base func() (*template.Template, error)) (*Channel, error) {
	c, err := build(s, o, base)
	if err != nil && s.Where != "" {
		return nil, fmt.Errorf("%s: channel %s: %w", s.Where, s.Type, err)
	}
	if err != nil {
		return nil, fmt.Errorf("channel %s: %w", s.Type, err)
	}
	return c, nil
}

// Base makes templates with upstream's definitions, those that ship, and the
// user's, of which a later one replaces an earlier.
func Base(shipped string, globs []string, external *url.URL) func() (*template.Template, error) {
	return func() (*template.Template, error) {
		t, err := template.FromGlobs(nil)
		if err != nil {
			return nil, fmt.Errorf("parse templates: %w", err)
		}
		if err := t.Parse(strings.NewReader(shipped)); err != nil {
			return nil, fmt.Errorf("parse shipped templates: %w", err)
		}
		for _, g := range globs {
			if err := t.FromGlob(g); err != nil {
				return nil, fmt.Errorf("parse templates: %w", err)
			}
		}
		t.ExternalURL = external
		return t, nil
	}
}

func build(s Spec, o Options, base func() (*template.Template, error)) (*Channel, error) {
	ro := channel.RendererOptions{
		Type: s.Type, Kind: s.Kind, Language: s.Language, Base: base, Links: o.Links, Zone: o.Zone, Now: o.Now, Logger: o.Logger,
	}
	switch s.Type {
	case channel.DingTalk:
		ro.Neutralise = dingtalk.Neutralise(s.Kind)
	case channel.WeCom:
		ro.Neutralise = wecom.Neutralise(s.Kind)
	case channel.Feishu:
		ro.Neutralise = feishu.Neutralise(s.Kind)
	case channel.Slack:
		ro.Neutralise = slack.Neutralise
	}
	if s.TemplateFile != "" {
		text, err := readTemplate(s.TemplateFile)
		if err != nil {
			return nil, err
		}
		ro.Custom, ro.File = text, s.TemplateFile
	}
	if !slices.Contains(Types(), s.Type) {
		return nil, fmt.Errorf("there is no such type; write one of %v", Types())
	}
	r, err := channel.NewRenderer(ro)
	if err != nil {
		return nil, err
	}
	c := &Channel{Name: s.Type, Resolved: s.SendResolved}
	if s.Type == channel.Email {
		c.Name = MailName
		mo := email.Options{
			Smarthost: s.Mail.Smarthost, From: s.Mail.From, To: s.Mail.To, TLS: s.Mail.TLS, CAFile: s.Mail.CAFile, Username: s.Mail.Username, Password: s.Mail.Password,
			Render: r, Zone: o.Zone, Now: o.Now, Logger: o.Logger,
		}
		if s.Mail.Picture {
			mo.Graph = o.Graph
		}
		c.Notifier, err = email.New(mo)
		return c, err
	}
	robot := channel.RobotOptions{URL: s.URL, Secret: s.Secret, Kind: s.Kind, Mention: s.Mention, Render: r, Client: o.Client, Paces: o.Paces, Now: o.Now}
	switch s.Type {
	case channel.DingTalk:
		c.Notifier, err = dingtalk.New(robot)
	case channel.WeCom:
		c.Notifier, err = wecom.New(robot)
	case channel.Feishu:
		c.Notifier, err = feishu.New(robot)
	case channel.Slack:
		c.Name = SlackName
		c.Notifier, err = slack.New(robot)
	}
	return c, err
}

func readTemplate(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("read template_file: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxTemplate+1))
	if err != nil {
		return "", fmt.Errorf("read template_file: %w", err)
	}
	if len(raw) > maxTemplate {
		return "", fmt.Errorf("read template_file: %s has more than %d bytes", name, maxTemplate)
	}
	if len(raw) == 0 {
		return "", fmt.Errorf("read template_file: %s is empty", name)
	}
	return string(raw), nil
}

// WriteIdentity writes all that decides what the channels of receivers do, so
// that a change of any of it can be told by a hash. Secrets are read on use, so
// only their places count.
func WriteIdentity(w io.Writer, receivers map[string][]Spec) error {
	var errs []error
	write := func(v any) {
		raw, err := json.Marshal(v) // maps are written in the order of their keys
		if err == nil {
			_, err = w.Write(append(raw, '\n'))
		}
		errs = append(errs, err)
	}
	write(receivers)
	files := map[string]string{}
	for _, specs := range receivers {
		for _, s := range specs {
			if s.TemplateFile == "" {
				continue
			}
			text, err := readTemplate(s.TemplateFile)
			if err != nil {
				text = "" // Building it tells the error.
			}
			files[s.TemplateFile] = text
		}
	}
	write(files)
	return errors.Join(errs...)
}
