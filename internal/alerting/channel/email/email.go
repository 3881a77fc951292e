// Package email tells people by mail, as text and as HTML with an inline
// picture of what the alert's expression measured.
package email

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"os"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"

	"touchline.dev/touchline/internal/alerting/channel"
)

// How the connection to the mail server is protected.
const (
	StartTLS = "starttls" // begins plain; a server that does not offer TLS is refused
	Implicit = "implicit" // is TLS from the first byte, as on port 465
	None     = "none"
)

// Options configure a channel by mail. All fields without a remark are required.
type Options struct {
	Smarthost string // host:port
	From      string // an address, with or without a name
	To        []string
	TLS       string
	CAFile    string // optional: certificates that sign the server's, instead of the system's
	Username  string // "" sends without authentication
	Password  channel.Secret
	Render    *channel.Renderer
	Graph     GraphFunc // optional: without it there is no picture
	Zone      *time.Location
	Now       func() time.Time
	Logger    *slog.Logger
}

// Notifier sends mails. It is an Alertmanager notifier.
type Notifier struct {
	o    Options
	from *mail.Address
	to   []*mail.Address
	host string
	// pauses before recipients who are to be tried again are: together shorter than
	// another replica waits to see in the notification log that they were told.
	pauses []time.Duration
}

var _ notify.Notifier = (*Notifier)(nil)

// New checks the options.
func New(o Options) (*Notifier, error) {
	n := &Notifier{o: o, pauses: []time.Duration{2 * time.Second, 5 * time.Second}}
	var err error
	if n.host, _, err = net.SplitHostPort(o.Smarthost); err != nil || n.host == "" {
		return nil, fmt.Errorf("smarthost %q is no host:port; write it like smtp.example.org:587", o.Smarthost)
	}
	if n.from, err = mail.ParseAddress(o.From); err != nil {
		return nil, fmt.Errorf("from: %q is no mail address", o.From)
	}
	for _, text := range o.To {
		a, err := mail.ParseAddress(text)
		if err != nil {
			return nil, fmt.Errorf("to: %q is no mail address", text)
		}
		n.to = append(n.to, a)
	}
	switch {
	case len(n.to) == 0:
		return nil, errors.New("to: nobody is named")
	case o.Username == "" && o.Password.IsSet():
		return nil, errors.New("a password is given, but no username")
	case o.Username != "" && !o.Password.IsSet():
		return nil, errors.New("a username is given, but no password; write password_file or password_env")
	case o.Username != "" && o.TLS == None && !loopback(n.host):
		return nil, errors.New("tls: none would send the password readable for everybody; write starttls or implicit")
	}
	return n, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// sendTimeout bounds one attempt.
const sendTimeout = 30 * time.Second

// Notify sends one mail and reports whether it makes sense to try again.
func (n *Notifier) Notify(ctx context.Context, as ...*alert.Alert) (bool, error) {
	m, err := n.o.Render.Render(ctx, as)
	if err != nil {
		return false, err
	}
	picture := n.picture(ctx, m)
	m.Picture = picture != nil
	text, html, err := n.o.Render.Mail(m)
	if err != nil {
		return false, err
	}
	id, err := messageID(n.host)
	if err != nil {
		return false, err
	}
	raw, err := compose(letter{
		from: n.from, to: n.to, subject: m.Title, date: n.o.Now().In(n.o.Zone), id: id, thread: thread(ctx, n.host),
		text: text, html: html, picture: picture,
	})
	if err != nil {
		return false, err
	}
	return n.tell(ctx, raw)
}

// send talks to the server, and returns what it said to the mail and those
// recipients whom it has not taken. The mail is sent if it has taken one.
func (n *Notifier) send(ctx context.Context, raw []byte, to []*mail.Address) (said string, left []refusal, err error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	config, err := n.tlsConfig()
	if err != nil {
		return "", nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", n.o.Smarthost)
	if err != nil {
		return "", nil, err
	}
	// The library knows no context: the end of it ends the connection.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	c, err := n.client(ctx, conn, config)
	if err != nil {
		_ = conn.Close()
		return "", nil, errors.Join(err, ctx.Err())
	}
	defer c.Close()
	said, left, err = n.deliver(c, raw, to)
	if err != nil {
		return "", nil, errors.Join(err, ctx.Err())
	}
	_ = c.Quit() // The mail is taken; how the server says goodbye changes nothing.
	return said, left, nil
}

func (n *Notifier) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{ServerName: n.host, MinVersion: tls.VersionTLS12}
	if n.o.CAFile == "" {
		return config, nil
	}
	raw, err := os.ReadFile(n.o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("read ca_file: %s has no certificate in PEM form", n.o.CAFile)
	}
	return config, nil
}

func (n *Notifier) client(ctx context.Context, conn net.Conn, config *tls.Config) (*smtp.Client, error) {
	var c *smtp.Client
	switch n.o.TLS {
	case Implicit:
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("begin TLS: %w; write tls: starttls where the server begins without it", err)
		}
		c = smtp.NewClient(secure)
	case StartTLS:
		var err error
		if c, err = smtp.NewClientStartTLS(conn, config); err != nil {
			return nil, fmt.Errorf("begin TLS: %w", err)
		}
	default:
		c = smtp.NewClient(conn)
	}
	c.CommandTimeout, c.SubmissionTimeout = sendTimeout, sendTimeout
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	if err := c.Hello(name); err != nil {
		return nil, fmt.Errorf("greet: %w", err)
	}
	return c, nil
}

func (n *Notifier) deliver(c *smtp.Client, raw []byte, to []*mail.Address) (said string, left []refusal, err error) {
	if n.o.Username != "" {
		if err := n.authenticate(c); err != nil {
			return "", nil, err
		}
	}
	if err := c.Mail(n.from.Address, nil); err != nil {
		return "", nil, fmt.Errorf("name sender %s: %w", n.from.Address, err)
	}
	for _, a := range to {
		err := c.Rcpt(a.Address, nil)
		var reply *smtp.SMTPError
		switch {
		case errors.As(err, &reply):
			left = append(left, refusal{a, reply})
		case err != nil:
			return "", nil, fmt.Errorf("name recipient %s: %w", a.Address, err)
		}
	}
	if len(left) == len(to) {
		return "", nil, allRefused(left)
	}
	w, err := c.Data()
	if err != nil {
		return "", nil, fmt.Errorf("begin message: %w", err)
	}
	if _, err := w.Write(raw); err != nil {
		return "", nil, fmt.Errorf("write message: %w", err)
	}
	taken, err := w.CloseWithResponse()
	if err != nil {
		return "", nil, fmt.Errorf("end message: %w", err)
	}
	return taken.StatusText, left, nil
}

func (n *Notifier) authenticate(c *smtp.Client) error {
	password, err := n.o.Password.Read()
	if err != nil {
		return err
	}
	var mechanism sasl.Client
	switch {
	case c.SupportsAuth("PLAIN"):
		mechanism = sasl.NewPlainClient("", n.o.Username, password)
	case c.SupportsAuth("LOGIN"):
		mechanism = sasl.NewLoginClient(n.o.Username, password)
	default:
		return &smtp.SMTPError{Code: 538, Message: "the server offers neither AUTH PLAIN nor AUTH LOGIN"}
	}
	if err := c.Auth(mechanism); err != nil {
		return fmt.Errorf("authenticate as %s: %w", n.o.Username, err)
	}
	return nil
}

// messageID is new for each mail.
func messageID(host string) (string, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("make message id: %w", err)
	}
	return hex.EncodeToString(b[:]) + "@" + domain(host), nil
}

// thread is the same for all mails about a group, so that mail programs show them together.
func thread(ctx context.Context, host string) string {
	key, ok := notify.GroupKey(ctx)
	if !ok {
		return ""
	}
	receiver, _ := notify.ReceiverName(ctx)
	sum := sha256.Sum256([]byte(receiver + "\x00" + key))
	return "group-" + hex.EncodeToString(sum[:12]) + "@" + domain(host)
}

// domain is a host in a form that may stand in an id: an address of IPv6 has colons.
func domain(host string) string {
	return "touchline." + strings.Trim(strings.NewReplacer(":", "-", "%", "-").Replace(host), "-.")
}
