package slack

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"touchline.dev/touchline/internal/alerting/channel"
)

// App is what an app's buttons are known by.
type App struct {
	Signing  channel.Secret // its signing secret
	Webhook  channel.Secret // the address that it is told at
	Receiver string
	Language string
}

// maxAge is how old a request may be: an older one may be a recorded one.
const maxAge = 5 * time.Minute

// Errors of requests that say they are Slack's.
var (
	ErrSignature = errors.New("the signature is not that of the app's signing secret")
	ErrStale     = errors.New("the request's time is more than five minutes from this server's")
)

// Verify checks that Slack has sent a request: X-Slack-Signature is the HMAC of
// "v0:TIME:BODY" (docs.slack.dev/authentication/verifying-requests-from-slack).
func Verify(secret string, h http.Header, body []byte, now time.Time) error {
	at := h.Get("X-Slack-Request-Timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return ErrSignature
	}
	m := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(m, "v0:%s:%s", at, body)
	if !hmac.Equal([]byte("v0="+hex.EncodeToString(m.Sum(nil))), []byte(h.Get("X-Slack-Signature"))) {
		return ErrSignature
	}
	if now.Sub(time.Unix(seconds, 0)).Abs() > maxAge {
		return ErrStale
	}
	return nil
}

// Press is a button that somebody has pressed.
type Press struct {
	Token  string // of the link that the button stands for; "" for one that opens a page
	UserID string
	User   string // the name
	Answer string // where to say what came of it; "" for nowhere
}

// ReadPress reads what a press sends: a form whose field payload is JSON.
func ReadPress(body []byte) (Press, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return Press{}, errors.New("the body is no form")
	}
	var p struct {
		Type string
		User struct{ ID, Username, Name string }
		// Slack's name for it is response_url.
		ResponseURL string `json:"response_url"`
		Actions     []struct {
			ActionID string `json:"action_id"`
			Value    string
		}
	}
	if err := json.Unmarshal([]byte(form.Get("payload")), &p); err != nil {
		return Press{}, errors.New("the form's field payload is no JSON")
	}
	if p.Type != "block_actions" || len(p.Actions) != 1 {
		return Press{}, fmt.Errorf("an interaction of the type %.40q with %d actions is not known; buttons of messages send block_actions with one", p.Type, len(p.Actions))
	}
	out := Press{UserID: p.User.ID, User: p.User.Name, Answer: p.ResponseURL}
	if out.User == "" {
		out.User = p.User.Username
	}
	if !id.MatchString(out.UserID) {
		return Press{}, errors.New("the payload's user has no member id")
	}
	if p.Actions[0].ActionID == acknowledge {
		out.Token = p.Actions[0].Value
	}
	return out, nil
}

// Answer says something in the channel that a button was pressed in. The address
// comes with the press; it must be on the host that the app's webhook is on.
func Answer(ctx context.Context, c *http.Client, app App, to, words string) error {
	webhook, err := app.Webhook.ReadURL()
	if err != nil {
		return err
	}
	u, err := url.Parse(to)
	if err != nil || u.Host != webhook.Host || u.Scheme != webhook.Scheme {
		return fmt.Errorf("answer Slack: the address for the answer is not on %s", webhook.Host)
	}
	raw, err := channel.Encode(map[string]any{"response_type": "in_channel", "replace_original": false, "text": words})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(raw))
	if err != nil {
		return errors.New("answer Slack: the address for the answer cannot be asked")
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := c.Do(req)
	if err != nil {
		return fmt.Errorf("answer Slack at %s: %w", u.Host, channel.WithoutURL(err))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096)) // The status says it all.
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("answer Slack at %s: HTTP %d", u.Host, resp.StatusCode)
	}
	return nil
}
