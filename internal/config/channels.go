package config

import (
	"fmt"
	"maps"
	"net"
	"net/mail"
	"reflect"
	"slices"
	"strings"

	"touchline.dev/touchline/internal/spelling"
)

// Channel tells the people of one receiver of alertmanager.yml in a way that
// upstream has not.
type Channel struct {
	Type         string  `yaml:"type" required:"true" enum:"dingtalk,wecom,feishu,slack,email" help:"A robot of a DingTalk, WeCom or Feishu group, an app of a Slack workspace, or mail with a picture."`
	URLFile      File    `yaml:"url_file" help:"File with the robot's webhook address; it is read for each message. The address has a token and is a secret."`
	URLEnv       string  `yaml:"url_env" help:"Variable with the robot's webhook address, instead of url_file."`
	SecretFile   File    `yaml:"secret_file" help:"File with the secret that signs messages, of a DingTalk or Feishu robot that asks for it; of type slack, the app's signing secret, with which the button of a card acknowledges right there."`
	SecretEnv    string  `yaml:"secret_env" help:"Variable with that secret, instead of secret_file."`
	Language     string  `yaml:"language" enum:"en,zh" default:"en" help:"Language of the default templates."`
	Message      string  `yaml:"message" enum:"text,markdown,card" default:"markdown" help:"How robots are told. A card has buttons, and in DingTalk and WeCom it calls nobody."`
	Mention      Mention `yaml:"mention" help:"Who is called by name."`
	TemplateFile File    `yaml:"template_file" help:"Template that defines body and, if it likes, title, instead of the default."`
	SendResolved bool    `yaml:"send_resolved" default:"true" help:"Whether the end of alerts is told, too."`

	Smarthost    string   `yaml:"smarthost" help:"Of type email: host:port of the mail server."`
	From         string   `yaml:"from" help:"Of type email: the sender's address."`
	To           []string `yaml:"to" help:"Of type email: the recipients' addresses."`
	TLS          string   `yaml:"tls" enum:"starttls,implicit,none" default:"starttls" help:"Of type email: how the connection is protected. starttls refuses a server that does not offer it; implicit is TLS from the first byte, as on port 465."`
	CAFile       File     `yaml:"ca_file" help:"Of type email: certificates that sign the server's, instead of the system's."`
	Username     string   `yaml:"username" help:"Of type email: for AUTH PLAIN or LOGIN."`
	PasswordFile File     `yaml:"password_file" help:"Of type email: file with the password."`
	PasswordEnv  string   `yaml:"password_env" help:"Of type email: variable with the password, instead of password_file."`
	Picture      bool     `yaml:"picture" default:"true" help:"Of type email: whether a graph of the expression goes with the mail."`

	place string
}

// NewChannel is a channel with all defaults.
func NewChannel(kind string) Channel {
	c := Channel{}
	setDefaults(reflect.ValueOf(&c).Elem())
	c.Type = kind
	return c
}

// Place is where the channel stands in the file, for errors that are found later.
func (c *Channel) Place() string { return c.place }

// ChannelsOf reads the section channels of a touchline.yaml. What is wrong with
// the file is for CheckFile to say.
func ChannelsOf(name string, data []byte) map[string][]Channel {
	c, _ := fromFile(name, data)
	return c.Channels
}

// UnknownReceivers tells which receivers of the section channels are not among
// those of alertmanager.yml.
func UnknownReceivers(channels map[string][]Channel, receivers []string) Problems {
	var ps Problems
	for _, name := range slices.Sorted(maps.Keys(channels)) {
		if slices.Contains(receivers, name) || len(channels[name]) == 0 {
			continue
		}
		hint := spelling.DidYouMean(name, receivers)
		if hint == "" {
			hint = fmt.Sprintf("add it there as: - name: %s", name)
		}
		p := Problem{Where: channels[name][0].place, Field: "channels." + name, Message: "alertmanager.yml has no receiver of this name", Hint: hint}
		if i := strings.LastIndexByte(p.Where, ':'); i > 0 {
			if j := strings.LastIndexByte(p.Where[:i], ':'); j > 0 {
				p.File = p.Where[:j]
				// Where is file:line:col, which this package wrote itself.
				_, _ = fmt.Sscanf(p.Where[j:], ":%d:%d", &p.Line, &p.Column)
			}
		}
		ps = append(ps, p)
	}
	return ps
}

// Mention is who is called by name.
type Mention struct {
	Mobiles    []string `yaml:"mobiles" help:"Mobile numbers; not in Feishu."`
	Users      []string `yaml:"users" help:"User ids, as the service knows them."`
	All        bool     `yaml:"all" default:"false" help:"Everybody in the group."`
	Severities []string `yaml:"severities" help:"Only in messages with a firing alert whose label severity is one of these; empty calls in all that fire."`
}

// IsSet reports whether anybody is called.
func (m *Mention) IsSet() bool { return m.All || len(m.Mobiles)+len(m.Users) > 0 }

const mailType = "email"

func (c *Channel) check(at *checker) {
	pos, ok := at.r.seen[at.path]
	if ok {
		c.place = fmt.Sprintf("%s:%d:%d", at.r.name, pos.Line, pos.Column)
	}
	neitherTwice(at, "url", string(c.URLFile), c.URLEnv)
	neitherTwice(at, "secret", string(c.SecretFile), c.SecretEnv)
	neitherTwice(at, "password", string(c.PasswordFile), c.PasswordEnv)
	foreign := func(of string, keys map[string]bool) {
		for _, key := range []string{"url_file", "url_env", "secret_file", "secret_env", "mention", "smarthost", "from", "to", "ca_file", "username", "password_file", "password_env"} {
			if keys[key] {
				at.problem(key, "leave it out", "type %s has no such key", of)
			}
		}
	}
	if c.Type == mailType {
		foreign(c.Type, map[string]bool{
			"url_file": c.URLFile != "", "url_env": c.URLEnv != "", "secret_file": c.SecretFile != "", "secret_env": c.SecretEnv != "", "mention": c.Mention.IsSet(),
		})
		c.checkMail(at)
		return
	}
	foreign(c.Type, map[string]bool{
		"smarthost": c.Smarthost != "", "from": c.From != "", "to": len(c.To) > 0, "ca_file": c.CAFile != "", "username": c.Username != "",
		"password_file": c.PasswordFile != "", "password_env": c.PasswordEnv != "",
	})
	if c.URLFile == "" && c.URLEnv == "" {
		at.problem("url_file", "write url_file or url_env; the address is a secret and cannot stand here", "is missing")
	}
	c.checkRobot(at)
}

// neitherTwice refuses a secret that is given in both ways, or as itself.
func neitherTwice(at *checker, key, file, env string) {
	if file != "" && env != "" {
		at.problem(key+"_env", "keep one of the two", "%s_file is given, too", key)
	}
	if strings.ContainsAny(env, "=/: ") {
		at.problem(key+"_env", "write the name of a variable, such as DINGTALK_URL", "this is no name of a variable")
	}
}

// checkRobot knows what the services cannot do.
func (c *Channel) checkRobot(at *checker) {
	m := &c.Mention
	switch {
	case c.Type == "wecom" && (c.SecretFile != "" || c.SecretEnv != ""):
		at.problem("", "leave secret_file and secret_env out", "a WeCom robot has no signature")
	case c.Type == "slack" && len(m.Mobiles) > 0:
		at.problem("mention.mobiles", "write member ids or user group ids under users", "Slack cannot call people by mobile number")
	case c.Type == "slack" && c.Message != "card" && (c.SecretFile != "" || c.SecretEnv != ""):
		at.problem("message", "write message: card, or leave the secret out", "only a card has the button that the signing secret is for")
	case c.Type == "feishu" && len(m.Mobiles) > 0:
		at.problem("mention.mobiles", "write open ids or user ids under users", "a Feishu bot cannot call people by mobile number")
	case c.Type != "feishu" && c.Type != "slack" && c.Message == "card" && m.IsSet():
		at.problem("mention", "write message: markdown, or leave mention out", "a card calls nobody")
	case c.Type == "wecom" && c.Message == "markdown" && (len(m.Mobiles) > 0 || m.All):
		at.problem("mention", "write users, or message: text", "a markdown message of WeCom calls people by user id only")
	}
	if len(m.Severities) > 0 && !m.IsSet() {
		at.problem("mention.severities", "write mobiles, users or all", "nobody is called")
	}
	for i, n := range m.Mobiles {
		if strings.Trim(n, "+-0123456789") != "" {
			at.problem(fmt.Sprintf("mention.mobiles[%d]", i), "write it in quotes, with digits only", "%q is no mobile number", n)
		}
	}
}

func (c *Channel) checkMail(at *checker) {
	host, _, err := net.SplitHostPort(c.Smarthost)
	if err != nil || host == "" {
		at.problem("smarthost", "write host:port, such as smtp.example.org:587", "%q is no address of a mail server", c.Smarthost)
	}
	if _, err := mail.ParseAddress(c.From); err != nil {
		at.problem("from", "write an address, such as touchline@example.org", "%q is no mail address", c.From)
	}
	if len(c.To) == 0 {
		at.problem("to", "write a list of addresses", "nobody is named")
	}
	for i, to := range c.To {
		if _, err := mail.ParseAddress(to); err != nil {
			at.problem(fmt.Sprintf("to[%d]", i), "write an address, such as on-call@example.org", "%q is no mail address", to)
		}
	}
	password := c.PasswordFile != "" || c.PasswordEnv != ""
	switch {
	case c.Username == "" && password:
		at.problem("username", "write the user's name, or leave the password out", "is missing")
	case c.Username != "" && !password:
		at.problem("password_file", "write password_file or password_env; the password cannot stand here", "is missing")
	case c.Username != "" && c.TLS == "none" && !slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, host):
		at.problem("tls", "write starttls or implicit", "the password would be sent readable for everybody")
	}
}
