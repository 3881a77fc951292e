// Package channeltest has robots that speak the services' formats and check
// what they are sent as the services do, and what else tests of channels share.
package channeltest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
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
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"

	"touchline.dev/touchline/internal/alerting/channel"
)

// Token is what the address of every robot carries; no error and no log may.
const Token = "tok-3f9d8b2c7a6e5d4c"

// Secret signs the messages of robots that ask for a signature.
const Secret = "SEC-b1c2d3e4f5a6"

// Robot is a service with one robot.
type Robot struct {
	URL    string // with the token
	Signed bool   // a message without a right signature is refused

	service string
	mu      sync.Mutex
	got     []map[string]any
	asked   int
	next    []http.HandlerFunc
	arrived chan struct{}
}

// New starts a service: channel.DingTalk, WeCom, Feishu or Slack.
func New(t *testing.T, service string) *Robot {
	t.Helper()
	r := &Robot{service: service, arrived: make(chan struct{}, 1000)}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	r.URL = map[string]string{
		channel.DingTalk: s.URL + "/robot/send?access_token=" + Token,
		channel.WeCom:    s.URL + "/cgi-bin/webhook/send?key=" + Token,
		channel.Feishu:   s.URL + "/open-apis/bot/v2/hook/" + Token,
		channel.Slack:    s.URL + "/services/T012AB3CD/B012AB3CD/" + Token,
	}[service]
	return r
}

// Answer has the next request answered with a status and a body instead of being judged.
func (r *Robot) Answer(status int, body string, headers ...string) {
	r.Serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for n := 0; n+1 < len(headers); n += 2 {
			w.Header().Set(headers[n], headers[n+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
}

// Serve has the next request answered by h.
func (r *Robot) Serve(h http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = append(r.next, h)
}

// Messages are those that were taken.
func (r *Robot) Messages() []map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]map[string]any{}, r.got...)
}

// Asked is how many requests came.
func (r *Robot) Asked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

// Wait returns the next message that is taken.
func (r *Robot) Wait(t *testing.T) map[string]any {
	t.Helper()
	select {
	case <-r.arrived:
		got := r.Messages()
		return got[len(got)-1]
	case <-time.After(20 * time.Second):
		t.Fatalf("%s got no message, of %d requests", r.service, r.Asked())
		return nil
	}
}

// ServeHTTP checks a message as the service does.
func (r *Robot) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	r.asked++
	var h http.HandlerFunc
	if len(r.next) > 0 {
		h, r.next = r.next[0], r.next[1:]
	}
	r.mu.Unlock()
	if h != nil {
		h(w, req)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil || req.Method != http.MethodPost || !strings.HasPrefix(req.Header.Get("Content-Type"), "application/json") {
		fmt.Fprint(w, `{"errcode":40035,"errmsg":"missing parameter json","code":9499,"msg":"Bad Request"}`)
		return
	}
	answer := map[string]func(*http.Request, map[string]any, []byte) string{channel.DingTalk: r.dingtalk, channel.WeCom: r.wecom, channel.Feishu: r.feishu, channel.Slack: r.slack}[r.service](req, m, raw)
	if strings.Contains(answer, `:0,`) || answer == "ok" {
		r.mu.Lock()
		r.got = append(r.got, m)
		r.mu.Unlock()
		r.arrived <- struct{}{}
	}
	if r.service == channel.Slack {
		w.Header().Set("Content-Type", "text/html")
		switch answer {
		case "ok":
		case "no_service":
			w.WriteHeader(http.StatusNotFound)
		default:
			w.WriteHeader(http.StatusBadRequest)
		}
	}
	fmt.Fprint(w, answer)
}

func digest(key, message string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(message))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// fresh reports whether a signature's time is within the hour.
func fresh(text string, unit time.Duration) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return false
	}
	return time.Since(time.Unix(0, n*int64(unit))).Abs() < time.Hour
}

func (r *Robot) dingtalk(req *http.Request, m map[string]any, raw []byte) string {
	q := req.URL.Query()
	kind, _ := m["msgtype"].(string)
	body, _ := m[kind].(map[string]any)
	switch {
	case req.URL.Path != "/robot/send" || q.Get("access_token") != Token:
		return `{"errcode":300005,"errmsg":"token is not exist"}`
	case len(raw) > 20_000:
		return `{"errcode":460101,"errmsg":"message too long, exceed 20000 bytes"}`
	case r.Signed && !fresh(q.Get("timestamp"), time.Millisecond):
		return `{"errcode":310000,"errmsg":"invalid timestamp"}`
	case r.Signed && q.Get("sign") != digest(Secret, q.Get("timestamp")+"\n"+Secret):
		return `{"errcode":310000,"errmsg":"sign not match"}`
	case kind == "text" && body["content"] != "", kind == "markdown" && body["title"] != "" && body["text"] != "",
		kind == "actionCard" && body["title"] != "" && body["text"] != "" && (body["btns"] != nil || body["singleURL"] != nil):
		return `{"errcode":0,"errmsg":"ok"}`
	}
	return `{"errcode":40035,"errmsg":"missing parameter"}`
}

func (r *Robot) wecom(req *http.Request, m map[string]any, _ []byte) string {
	kind, _ := m["msgtype"].(string)
	body, _ := m[kind].(map[string]any)
	content, _ := body["content"].(string)
	switch {
	case req.URL.Path != "/cgi-bin/webhook/send" || req.URL.Query().Get("key") != Token:
		return `{"errcode":93000,"errmsg":"invalid webhook url, hint: [1700000000], from ip: 192.0.2.1"}`
	case kind == "text" && len(content) > 2048:
		return `{"errcode":40058,"errmsg":"text.content exceed max length 2048. invalid Request Parameter"}`
	case kind == "markdown" && len(content) > 4096:
		return `{"errcode":40058,"errmsg":"markdown.content exceed max length 4096. invalid Request Parameter"}`
	case kind == "template_card":
		action, _ := body["card_action"].(map[string]any)
		rows, _ := body["horizontal_content_list"].([]any)
		links, _ := body["jump_list"].([]any)
		if body["card_type"] == "text_notice" && action["url"] != nil && action["url"] != "" && len(rows) <= 6 && len(links) <= 3 {
			return `{"errcode":0,"errmsg":"ok"}`
		}
		return `{"errcode":40058,"errmsg":"invalid Request Parameter"}`
	case (kind == "text" || kind == "markdown") && content != "":
		return `{"errcode":0,"errmsg":"ok"}`
	}
	return `{"errcode":40008,"errmsg":"invalid message type"}`
}

func (r *Robot) feishu(req *http.Request, m map[string]any, raw []byte) string {
	at, _ := m["timestamp"].(string)
	kind := m["msg_type"]
	content, _ := m["content"].(map[string]any)
	card, _ := m["card"].(map[string]any)
	switch {
	case req.URL.Path != "/open-apis/bot/v2/hook/"+Token:
		return `{"code":19001,"data":{},"msg":"param invalid: incoming webhook access token invalid"}`
	case len(raw) > 20<<10:
		return `{"code":9499,"msg":"Bad Request","data":{}}`
	case r.Signed && (!fresh(at, time.Second) || m["sign"] != digest(at+"\n"+Secret, "")):
		return `{"code":19021,"data":{},"msg":"sign match fail or timestamp is not within one hour from current time"}`
	case kind == "text" && content["text"] != nil && content["text"] != "", kind == "interactive" && card["elements"] != nil:
		return `{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}`
	}
	return `{"code":9499,"msg":"Bad Request","data":{}}`
}

// slack answers with words, and with a status for those that are not "ok".
func (r *Robot) slack(req *http.Request, m map[string]any, _ []byte) string {
	words, _ := m["text"].(string)
	attachments, _ := m["attachments"].([]any)
	switch {
	case req.URL.Path != "/services/T012AB3CD/B012AB3CD/"+Token:
		return "no_service"
	case words == "" && len(attachments) == 0:
		return "no_text"
	}
	for _, a := range attachments {
		blocks, _ := a.(map[string]any)["blocks"].([]any)
		for _, b := range blocks {
			b := b.(map[string]any)
			text, _ := b["text"].(map[string]any)
			content, _ := text["text"].(string)
			elements, _ := b["elements"].([]any)
			if b["type"] == "section" && (content == "" || utf8.RuneCountInString(content) > 3000) || b["type"] == "actions" && (len(elements) == 0 || len(elements) > 25) {
				return "invalid_blocks"
			}
		}
	}
	return "ok"
}

// Base makes upstream's templates with an external address.
func Base() (*template.Template, error) {
	t, err := template.FromGlobs(nil)
	if err != nil {
		return nil, err
	}
	t.ExternalURL, err = url.Parse("https://touchline.example.org")
	return t, err
}

// Options make a channel to a robot; its address and secret are in files.
func Options(t *testing.T, r *Robot, kind string, change func(*channel.RobotOptions, *channel.RendererOptions)) channel.RobotOptions {
	t.Helper()
	dir := t.TempDir()
	file := func(name, content string) channel.Secret {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return channel.Secret{File: path}
	}
	o := channel.RobotOptions{URL: file("url", r.URL), Kind: kind, Client: channel.NewClient(), Paces: channel.NewPaces(), Now: time.Now}
	t.Cleanup(o.Client.CloseIdleConnections)
	if r.Signed {
		o.Secret = file("secret", Secret)
	}
	ro := channel.RendererOptions{
		Type: r.service, Kind: kind, Language: channel.English, Base: Base, Zone: time.UTC, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o, &ro)
	}
	var err error
	if o.Render, err = channel.NewRenderer(ro); err != nil {
		t.Fatal(err)
	}
	return o
}

// Alert is one that fires; labels come in pairs.
func Alert(name string, pairs ...string) *alert.Alert {
	a := &alert.Alert{Alert: model.Alert{
		Labels:      model.LabelSet{"alertname": model.LabelValue(name)},
		Annotations: model.LabelSet{"summary": model.LabelValue(name + " happened")},
		StartsAt:    time.Now().Add(-time.Minute), EndsAt: time.Now().Add(time.Hour),
		GeneratorURL: "https://touchline.example.org/graph?g0.expr=up+%3D%3D+0",
	}}
	for n := 0; n+1 < len(pairs); n += 2 {
		a.Labels[model.LabelName(pairs[n])] = model.LabelValue(pairs[n+1])
	}
	return a
}

// Group is the context in which a group's first message is told.
func Group(ctx context.Context) context.Context {
	return GroupOf(ctx, model.LabelSet{"alertname": "Down"})
}

// GroupOf is Group with other labels.
func GroupOf(ctx context.Context, labels model.LabelSet) context.Context {
	ctx = notify.WithGroupKey(notify.WithReceiverName(ctx, "team"), "{}:{}")
	return notify.WithNotificationReason(notify.WithGroupLabels(ctx, labels), notify.ReasonFirstNotification)
}

// Send has a robot take alerts through a notifier, and returns what it was sent.
func Send[N notify.Notifier](t *testing.T, made func(channel.RobotOptions) (N, error), r *Robot, kind string, change func(*channel.RobotOptions, *channel.RendererOptions), as ...*alert.Alert) map[string]any {
	t.Helper()
	n, err := made(Options(t, r, kind, change))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Notify(Group(t.Context()), as...); err != nil {
		t.Fatal(err)
	}
	return r.Wait(t)
}

// Dig walks down a message, by names and numbers.
func Dig(m any, path ...any) any {
	for _, p := range path {
		switch key := p.(type) {
		case string:
			m = m.(map[string]any)[key]
		case int:
			m = m.([]any)[key]
		}
	}
	return m
}

// Storm is more alerts than a message has room for.
func Storm() []*alert.Alert {
	var out []*alert.Alert
	for range 10 {
		out = append(out, Alert("Down", "severity", "critical", "where", strings.Repeat("机房 \"a\" ", 300)))
	}
	return out
}
