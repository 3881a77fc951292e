package native

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/channeltest"
	"touchline.dev/touchline/internal/alerting/channel/slack"
	"touchline.dev/touchline/internal/incident"
)

// TestSlack presses buttons as Slack does.
func TestSlack(t *testing.T) {
	_, s := serverOf(t)
	workspace := channeltest.New(t, channel.Slack)
	file := func(name, text string) channel.Secret {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return channel.Secret{File: path}
	}
	apps := []slack.App{
		{Signing: channel.Secret{File: "/none"}, Receiver: "broken"},
		{Signing: file("secret", "other"), Webhook: file("url", workspace.URL), Receiver: "other", Language: "en"},
		{Signing: file("secret", channeltest.Secret), Webhook: file("url", workspace.URL), Receiver: "ops", Language: "zh"},
	}
	mux := http.NewServeMux()
	client := channel.NewClient()
	defer client.CloseIdleConnections()
	New(Options{Mux: mux, Version: "1", Logger: slog.New(slog.DiscardHandler)}).Slack(s, func() []slack.App { return apps }, client)
	srv := httptest.NewServer(mux)
	defer srv.Close()

	sign := func(action, key string, life time.Duration) string {
		token, err := s.Sign(t.Context(), incident.Link{Action: action, Group: incident.GroupHash(key), Receiver: "ops", Expires: time.Now().Add(life)})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	push := func(secret, user, action, token string, at time.Time) (int, string) {
		t.Helper()
		payload := fmt.Sprintf(`{"type":"block_actions","user":{"id":%q,"name":"anna"},"response_url":%q,"actions":[{"action_id":%q,"value":%q}]}`, user, workspace.URL, action, token)
		body := url.Values{"payload": {payload}}.Encode()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+Base+"/callbacks/slack", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		seconds := strconv.FormatInt(at.Unix(), 10)
		m := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(m, "v0:%s:%s", seconds, body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Slack-Request-Timestamp", seconds)
		r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(m.Sum(nil)))
		resp, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(raw)
	}
	const already = "<@U99999999>, this has been taken already: "
	good := sign(incident.LinkAcknowledge, "1", time.Hour)
	for _, c := range []struct {
		secret, action, token string
		age                   time.Duration
		status                int
		want                  string // of the answer, or of what is said in the channel
	}{
		{"wrong", "acknowledge", good, 0, 401, "none of the signing secrets"},
		{channeltest.Secret, "acknowledge", good, time.Hour, 401, "set the clock"},
		{channeltest.Secret, "open-1", good, 0, 200, ""},
		{channeltest.Secret, "acknowledge", good + "x", 0, 200, "不是由本服务器生成的"},
		{"other", "acknowledge", sign(incident.LinkView, "1", time.Hour), 0, 200, "not one that this server has made"},
		{"other", "acknowledge", sign(incident.LinkAcknowledge, "1", -time.Hour), 0, 200, "has expired"},
		{"other", "acknowledge", sign(incident.LinkAcknowledge, "nothing", time.Hour), 0, 200, "is over"},
		{channeltest.Secret, "acknowledge", good, 0, 200, "<@U012AB3CD> 已接手该事故：*Down on 1*"},
		{"other", "acknowledge", good, 0, 200, already},
	} {
		user := "U012AB3CD"
		if c.want == already {
			user = "U99999999"
		}
		before := len(workspace.Messages())
		status, body := push(c.secret, user, c.action, c.token, time.Now().Add(-c.age))
		said := ""
		if got := workspace.Messages(); len(got) > before {
			said = got[before]["text"].(string)
		}
		if status != c.status || !strings.Contains(body+said, c.want) || c.want == "" && said != "" {
			t.Errorf("%+v: %d %s, said %q", c, status, body, said)
		}
	}
	_, i, err := s.Follow(t.Context(), good)
	if err != nil || i.AcknowledgedBy != "anna (Slack U012AB3CD)" {
		t.Errorf("%+v, %v", i, err)
	}
	apps = nil
	if status, body := push(channeltest.Secret, "U012AB3CD", "acknowledge", good, time.Now()); status != 404 || !strings.Contains(body, "secret_file") {
		t.Errorf("without an app: %d %s", status, body)
	}
}
