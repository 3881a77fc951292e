package channel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
)

// RobotOptions configure a channel to a chat robot. All fields without a remark
// are required.
type RobotOptions struct {
	URL     Secret
	Secret  Secret // of a robot that asks for a signature; the zero value for none
	Kind    string
	Mention Mention
	Render  *Renderer
	Client  *http.Client // of NewClient
	Paces   *Paces
	Now     func() time.Time
}

// Protocol is what differs between the services.
type Protocol struct {
	Service string // for people
	Limit   Limit
	// Request makes the address and the body of one message.
	Request func(m *Rendered, address *url.URL, secret string, now time.Time) (*url.URL, any, error)
	// Judge says what an answer means. It is asked about JSON only, unless Plain.
	Judge func(raw []byte) Verdict
	Plain bool // the service answers with words
}

// Outcome is what became of a message.
type Outcome int

// The outcomes. What is refused will be refused again.
const (
	Unknown Outcome = iota // the answer is not one of this service
	Delivered
	Limited
	Busy
	Refused
	Denied // the token, the signature or another right is wrong
)

// Verdict is an outcome with what the service said, and what to do about it.
type Verdict struct {
	Outcome Outcome
	Said    string // such as "errcode 310000: sign not match"
	Hint    string // "" for none
}

// Robot tells a chat robot. It is an Alertmanager notifier.
type Robot struct {
	o RobotOptions
	p Protocol
}

var _ notify.Notifier = (*Robot)(nil)

// NewRobot puts options and protocol together.
func NewRobot(o RobotOptions, p Protocol) (*Robot, error) {
	if !o.URL.IsSet() {
		return nil, errors.New("no address; give url_file or url_env")
	}
	return &Robot{o: o, p: p}, nil
}

const (
	maxAnswer = 64 << 10 // bytes of an answer that are read
	maxSaid   = 300      // characters of an answer that are repeated
)

// NewClient makes an HTTP client for chat robots. It follows no redirect: the
// body of a message, and with it the signature, is for one host only.
func NewClient() *http.Client {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
		ResponseHeaderTimeout: requestTimeout, IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 4,
	}
	return &http.Client{Transport: t, Timeout: requestTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// requestTimeout bounds one attempt, so that a robot that hangs is asked again
// before the notification's own time is over.
const requestTimeout = 10 * time.Second

// Notify sends one message and reports whether it makes sense to try again.
func (r *Robot) Notify(ctx context.Context, as ...*alert.Alert) (bool, error) {
	address, err := r.o.URL.ReadURL()
	if err != nil {
		return false, err
	}
	secret := ""
	if r.o.Secret.IsSet() {
		if secret, err = r.o.Secret.Read(); err != nil {
			return false, err
		}
	}
	leave, err := r.o.Paces.of(address.String(), r.p.Limit).enter(ctx)
	if err != nil {
		return true, notify.NewErrorWithReason(notify.RateLimitedReason, fmt.Errorf("tell %s: %w", r.p.Service, err))
	}
	v, after, err := r.send(ctx, as, address, secret)
	leave(v.Outcome, after)
	if err != nil {
		return v.Outcome == Busy, err
	}
	said := v.Said
	if v.Hint != "" {
		said += "; " + v.Hint
	}
	said = scrub(said, address, secret)
	NoteReply(ctx, said)
	err = fmt.Errorf("%s does not take the message: %s", r.p.Service, said)
	switch v.Outcome {
	case Delivered:
		return false, nil
	case Limited:
		return true, notify.NewErrorWithReason(notify.RateLimitedReason, err)
	case Denied:
		return false, notify.NewErrorWithReason(notify.AuthErrorReason, err)
	case Refused:
		return false, notify.NewErrorWithReason(notify.ClientErrorReason, err)
	}
	return true, notify.NewErrorWithReason(notify.ServerErrorReason, err)
}

// send makes one request. An error with the outcome Busy may pass.
func (r *Robot) send(ctx context.Context, as []*alert.Alert, address *url.URL, secret string) (Verdict, time.Duration, error) {
	m, err := r.o.Render.Render(ctx, as)
	if err != nil {
		return Verdict{}, 0, err
	}
	signed, body, err := r.p.Request(m, address, secret, r.o.Now())
	if err != nil {
		return Verdict{}, 0, fmt.Errorf("write message for %s: %w", r.p.Service, err)
	}
	raw, err := Encode(body)
	if err != nil {
		return Verdict{}, 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, signed.String(), bytes.NewReader(raw))
	if err != nil {
		return Verdict{}, 0, fmt.Errorf("ask %s: the address is not one that can be asked", r.p.Service)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "touchline")
	resp, err := r.o.Client.Do(req)
	if err != nil {
		return Verdict{Outcome: Busy}, 0, fmt.Errorf("ask %s at %s: %w", r.p.Service, address.Host, WithoutURL(err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return Verdict{Outcome: Busy}, 0, fmt.Errorf("read answer of %s: %w", r.p.Service, WithoutURL(err))
	}
	return r.judge(resp, answer), retryAfter(resp.Header, r.o.Now()), nil
}

// judge takes the status and the body together: these services answer 200 to
// what they refuse, and what stands between may answer 200 with a page.
func (r *Robot) judge(resp *http.Response, answer []byte) Verdict {
	status := "HTTP " + strconv.Itoa(resp.StatusCode)
	v := Verdict{}
	if r.p.Plain || json.Valid(answer) {
		v = r.p.Judge(answer)
	}
	v.Said = strings.TrimSuffix(status+", "+v.Said, ", ")
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		v.Outcome = Limited
	case v.Outcome == Delivered && resp.StatusCode/100 != 2:
		v.Outcome = Busy
	case v.Outcome != Unknown:
	case resp.StatusCode/100 == 5:
		v.Outcome = Busy
	case resp.StatusCode/100 == 3:
		v = Verdict{Outcome: Refused, Said: status + ", which sends elsewhere", Hint: "write the robot's own address, not one that redirects to it"}
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		v.Outcome = Denied
	case resp.StatusCode/100 == 4:
		v.Outcome = Refused
	default:
		v = Verdict{Outcome: Busy, Said: status + " with " + kindOf(resp.Header.Get("Content-Type"), answer), Hint: "is this the address of a " + r.p.Service + " robot, or does a proxy answer in its place?"}
	}
	return v
}

// kindOf describes an answer that is not one of the service.
func kindOf(contentType string, answer []byte) string {
	kind, _, _ := strings.Cut(contentType, ";")
	switch start := bytes.ToLower(bytes.TrimSpace(answer)); {
	case len(start) == 0:
		return "an empty answer"
	case kind == "text/html", bytes.HasPrefix(start, []byte("<!doctype html")), bytes.HasPrefix(start, []byte("<html")):
		return "a page of HTML instead of the service's answer"
	case json.Valid(answer):
		return "JSON that is not the service's answer"
	}
	return fmt.Sprintf("%d bytes that are not the service's answer", len(answer))
}

// retryAfter is how long the service asks to wait, 0 where it does not say. The
// second header is that of Feishu's gateway.
func retryAfter(h http.Header, now time.Time) time.Duration {
	for _, name := range []string{"Retry-After", "X-Ogw-Ratelimit-Reset"} {
		text := strings.TrimSpace(h.Get(name))
		if n, err := strconv.ParseUint(text, 10, 31); err == nil {
			return time.Duration(n) * time.Second
		}
		if at, err := http.ParseTime(text); err == nil {
			return max(0, at.Sub(now))
		}
	}
	return 0
}

// WithoutURL takes an address out of an error: it has the robot's token.
func WithoutURL(err error) error {
	for {
		var u *url.Error
		if !errors.As(err, &u) {
			return err
		}
		err = u.Err
	}
}

// scrub takes secrets out of what a service, or something in its place, said,
// and makes one line of it.
func scrub(text string, address *url.URL, secret string) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, text)
	hidden := []string{secret}
	for _, values := range address.Query() {
		hidden = append(hidden, values...)
	}
	hidden = append(hidden, strings.Split(address.Path, "/")...)
	for _, h := range hidden {
		if len(h) < 8 {
			continue // A short word is no token, and hiding it would hide the message.
		}
		for _, form := range []string{h, url.QueryEscape(h), html.EscapeString(h)} {
			text = strings.ReplaceAll(text, form, "…")
		}
	}
	return Short(strings.Join(strings.Fields(text), " "), maxSaid)
}

// Encode writes JSON without the escapes for web pages, which would count
// towards the services' limits.
func Encode(body any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// Size is the number of bytes of a body as it is sent.
func Size(body any) int {
	raw, err := Encode(body)
	if err != nil {
		return 0 // Encoding it in earnest tells the error.
	}
	return len(raw)
}

// Button is a link of a card.
type Button struct{ Title, URL string }

// Buttons are the links of a message in the order in which people need them.
func (m *Rendered) Buttons() []Button {
	var out []Button
	links := m.Links
	if !m.Firing() {
		links.Acknowledge, links.Silence = "", "" // of what is over
	}
	for _, b := range []Button{
		{m.words.acknowledge, links.Acknowledge}, {m.words.incident, links.Incident}, {m.words.runbook, links.Runbook},
		{m.words.graph, links.Graph}, {m.words.silence, links.Silence},
	} {
		if b.URL != "" {
			out = append(out, b)
		}
	}
	return out
}

// Row is a line of a card.
type Row struct{ Name, Value string }

// Rows are what a card without room for text says.
func (m *Rendered) Rows() []Row {
	shown := m.Shown()
	if len(shown) == 0 {
		return nil
	}
	first := shown[0]
	var out []Row
	for _, r := range []Row{
		{m.words.severity, m.CommonLabels["severity"]}, {m.words.alerts, strconv.Itoa(len(m.Alerts))}, {m.words.since, first.Since()},
		{m.words.where, first.Others()},
	} {
		if r.Value != "" {
			out = append(out, r)
		}
	}
	return out
}

// Level is the gravest that a message tells of.
type Level int

// The levels.
const (
	Over Level = iota
	Warning
	Critical
)

// Level of a message, for its colour.
func (m *Rendered) Level() Level {
	level := Over
	for _, a := range m.Alerts.Firing() {
		level = Warning
		if a.Severity() == "critical" {
			return Critical
		}
	}
	return level
}

// Firing reports whether anything of the message still fires.
func (m *Rendered) Firing() bool { return m.Status == "firing" }
