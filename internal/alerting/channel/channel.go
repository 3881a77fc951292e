// Package channel holds what the channels of our own have in common: the data
// that their templates may use, how a message is rendered and cut to size, and
// how a chat robot is asked without being told too often. Each kind of channel
// is a package below it and an Alertmanager notifier like upstream's.
package channel

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
)

// The types of channels. Those that upstream has not are also the names of their
// integrations in the notification log: they never change.
const (
	DingTalk = "dingtalk"
	WeCom    = "wecom"
	Feishu   = "feishu"
	Slack    = "slack"
	Email    = "email"
)

// The kinds of messages.
const (
	Text     = "text"
	Markdown = "markdown"
	Card     = "card"
)

// The languages of the default templates.
const (
	English = "en"
	Chinese = "zh"
)

// Secret is read from a file or an environment variable each time that it is
// used, so that one that is replaced needs no reload. The zero value is none.
type Secret struct {
	File string
	Env  string
}

// maxSecret is more than any address or key has, in bytes.
const maxSecret = 16 << 10

// IsSet reports whether there is anything to read.
func (s Secret) IsSet() bool { return s.File != "" || s.Env != "" }

// Read returns the secret without the white space around it. The error names
// the place and never the content.
func (s Secret) Read() (string, error) {
	place, text := "variable "+s.Env, ""
	switch {
	case s.File != "":
		place = "file " + s.File
		f, err := os.Open(s.File)
		if err != nil {
			return "", fmt.Errorf("read secret: %w", err)
		}
		defer f.Close()
		raw, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
		if err != nil {
			return "", fmt.Errorf("read secret: %w", err)
		}
		text = string(raw)
	case s.Env != "":
		var ok bool
		if text, ok = os.LookupEnv(s.Env); !ok {
			return "", fmt.Errorf("read secret: variable %s is not set", s.Env)
		}
	default:
		return "", errors.New("read secret: neither a file nor a variable is named")
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return "", fmt.Errorf("read secret: %s is empty", place)
	case len(text) > maxSecret:
		return "", fmt.Errorf("read secret: %s has more than %d bytes", place, maxSecret)
	case strings.ContainsAny(text, "\r\n\x00"):
		return "", fmt.Errorf("read secret: %s has more than one line; write the secret alone", place)
	}
	return text, nil
}

// ReadURL reads a secret that is an address. The error never repeats it.
func (s Secret) ReadURL() (*url.URL, error) {
	text, err := s.Read()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		// The error of url.Parse repeats the address, and with it a token.
		return nil, fmt.Errorf("read secret: %s holds no address; write the whole webhook address of the robot, beginning with https://", s)
	}
	return u, nil
}

// String names the place of the secret.
func (s Secret) String() string {
	if s.File != "" {
		return "file " + s.File
	}
	return "variable " + s.Env
}

// Mention is who is called by name in a message.
type Mention struct {
	Mobiles []string
	Users   []string // ids, as the service knows its users
	All     bool
	// Severities limit the calling to messages with a firing alert whose label
	// severity is one of them; empty calls in every message that fires.
	Severities []string
}

// IsSet reports whether anybody is called at all.
func (m Mention) IsSet() bool { return m.All || len(m.Mobiles)+len(m.Users) > 0 }

// For is who is called in one message: nobody where all is over, or where no
// firing alert is grave enough.
func (m Mention) For(msg *Message) Mention {
	for _, a := range msg.Alerts.Firing() {
		if len(m.Severities) == 0 || slices.Contains(m.Severities, a.Severity()) {
			return m
		}
	}
	return Mention{}
}
