package channel_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/common/model"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/channeltest"
	"touchline.dev/touchline/internal/alerting/channel/dingtalk"
	"touchline.dev/touchline/internal/alerting/channel/feishu"
	"touchline.dev/touchline/internal/alerting/channel/wecom"
)

func group(ctx context.Context) context.Context {
	ctx = notify.WithGroupKey(notify.WithReceiverName(ctx, "team"), "{}:{}")
	return notify.WithNotificationReason(notify.WithGroupLabels(ctx, model.LabelSet{"alertname": "Down"}), notify.ReasonFirstNotification)
}

func open(t *testing.T, service string, o channel.RobotOptions) notify.Notifier {
	t.Helper()
	n, err := map[string]func(channel.RobotOptions) (notify.Notifier, error){
		channel.DingTalk: func(o channel.RobotOptions) (notify.Notifier, error) { return dingtalk.New(o) },
		channel.WeCom:    func(o channel.RobotOptions) (notify.Notifier, error) { return wecom.New(o) },
		channel.Feishu:   func(o channel.RobotOptions) (notify.Notifier, error) { return feishu.New(o) },
	}[service](o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var services = []string{channel.DingTalk, channel.WeCom, channel.Feishu}

// TestAnswersOfAllServices has what every service, or something in its place, may answer.
func TestAnswersOfAllServices(t *testing.T) {
	leak := "<html><body>Not Found: /robot/send?access_token=" + channeltest.Token + "</body></html>"
	for _, service := range services {
		for _, c := range []struct {
			name, body string
			status     int
			headers    []string
			retry      bool
			want       string
		}{
			{"a page of a proxy", leak, 200, []string{"Content-Type", "text/html"}, true, "a page of HTML"},
			{"nothing", "", 200, nil, true, "an empty answer"},
			{"JSON of somebody else", `{"ok":true}`, 200, nil, true, "JSON that is not the service's answer"},
			{"an array", `[0]`, 200, nil, true, "JSON that is not the service's answer"},
			{"cut off", `{"errcode":0,"code":0`, 200, nil, true, "bytes that are not the service's answer"},
			{"broken down", leak, 502, []string{"Content-Type", "text/html"}, true, "HTTP 502"},
			{"success with a failing status", `{"errcode":0,"code":0}`, 500, nil, true, "HTTP 500"},
			{"not found", leak, 404, []string{"Content-Type", "text/html"}, false, "HTTP 404"},
			{"forbidden", leak, 403, nil, false, "HTTP 403"},
			{"elsewhere", "", 302, []string{"Location", "https://elsewhere.example/?t=" + channeltest.Token}, false, "which sends elsewhere"},
			{"token repeated", `{"errcode":40035,"errmsg":"bad token ` + channeltest.Token + `","code":19002,"msg":"bad token ` + channeltest.Token + `"}`, 200, nil, false, "bad token …"},
			{"lines and controls", "{\"errcode\":40035,\"errmsg\":\"a\\nb\\u001b[31m\",\"code\":19002,\"msg\":\"a\\nb\\u001b[31m\"}", 200, nil, false, "a b [31m"},
		} {
			t.Run(service+"/"+c.name, func(t *testing.T) {
				robot := channeltest.New(t, service)
				robot.Answer(c.status, c.body, c.headers...)
				n := open(t, service, channeltest.Options(t, robot, channel.Text, nil))
				var reply string
				retry, err := n.Notify(channel.WithReply(group(t.Context()), &reply), channeltest.Alert("Down"))
				if err == nil || retry != c.retry || !strings.Contains(err.Error(), c.want) {
					t.Errorf("retry %v, error %v; want retry %v and %q", retry, err, c.retry, c.want)
				}
				if strings.Contains(err.Error()+reply, channeltest.Token) {
					t.Errorf("the token is shown: %v", err)
				}
			})
		}
	}
}

// TestNoSecretInTransportErrors has addresses at which nobody listens.
func TestNoSecretInTransportErrors(t *testing.T) {
	for _, service := range services {
		robot := channeltest.New(t, service)
		gone := httptest.NewServer(http.NotFoundHandler())
		gone.Close()
		_, path, _ := strings.Cut(strings.TrimPrefix(robot.URL, "http://"), "/")
		robot.URL = gone.URL + "/" + path
		n := open(t, service, channeltest.Options(t, robot, channel.Text, nil))
		retry, err := n.Notify(group(t.Context()), channeltest.Alert("Down"))
		if err == nil || !retry || strings.Contains(err.Error(), channeltest.Token) || !strings.Contains(err.Error(), strings.TrimPrefix(gone.URL, "http://")) {
			t.Errorf("%s: retry %v, error %v", service, retry, err)
		}
	}
}

// TestHanging has a service that takes a request and does not answer.
func TestHanging(t *testing.T) {
	robot := channeltest.New(t, channel.DingTalk)
	release := make(chan struct{})
	defer close(release)
	robot.Serve(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	n := open(t, channel.DingTalk, channeltest.Options(t, robot, channel.Text, nil))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	retry, err := n.Notify(group(ctx), channeltest.Alert("Down"))
	if !retry || !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), channeltest.Token) {
		t.Errorf("retry %v, error %v", retry, err)
	}
}

// TestHugeAnswer has a service that never stops talking.
func TestHugeAnswer(t *testing.T) {
	robot := channeltest.New(t, channel.DingTalk)
	robot.Serve(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	})
	n := open(t, channel.DingTalk, channeltest.Options(t, robot, channel.Text, nil))
	retry, err := n.Notify(group(t.Context()), channeltest.Alert("Down"))
	if !retry || err == nil || !strings.Contains(err.Error(), "65536 bytes that are not the service's answer") {
		t.Errorf("retry %v, error %v", retry, err)
	}
}

// scripted answers without a network, so that the clock of synctest runs.
type scripted struct {
	mu      sync.Mutex
	at      []time.Time
	answers []func() *http.Response
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = append(s.at, time.Now())
	n := min(len(s.at), len(s.answers)) - 1
	resp := s.answers[n]()
	resp.Request = r
	return resp, r.Body.Close()
}

func say(status int, body string, headers ...string) func() *http.Response {
	return func() *http.Response {
		h := http.Header{}
		for n := 0; n+1 < len(headers); n += 2 {
			h.Set(headers[n], headers[n+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
	}
}

// TestRateLimit has what the services answer when they were asked too often, and
// when the next request may come.
func TestRateLimit(t *testing.T) {
	const ok = `{"errcode":0,"code":0}`
	for _, c := range []struct {
		name, service string
		limited       func() *http.Response
		pauses        []time.Duration // after one, two refusals
	}{
		{"DingTalk by code", channel.DingTalk, say(200, `{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}`), []time.Duration{time.Minute, 2 * time.Minute}},
		{"DingTalk by the other code", channel.DingTalk, say(200, `{"errcode":410100,"errmsg":"发送速度太快而限流"}`), []time.Duration{time.Minute, 2 * time.Minute}},
		{"DingTalk by text", channel.DingTalk, say(200, `{"errcode":999999,"errmsg":"send too fast"}`), []time.Duration{time.Minute, 2 * time.Minute}},
		{"WeCom", channel.WeCom, say(200, `{"errcode":45009,"errmsg":"api freq out of limit"}`), []time.Duration{time.Minute, 2 * time.Minute}},
		{"Feishu", channel.Feishu, say(400, `{"code":11232,"msg":"frequency limited psm"}`), []time.Duration{2 * time.Second, 4 * time.Second}},
		{"Feishu by text", channel.Feishu, say(400, `{"code":9499,"msg":"too many request","data":{}}`), []time.Duration{2 * time.Second, 4 * time.Second}},
		{"Feishu's gateway", channel.Feishu, say(429, `{}`, "X-Ogw-Ratelimit-Reset", "7"), []time.Duration{7 * time.Second, 7 * time.Second}},
		{"seconds", channel.DingTalk, say(429, "", "Retry-After", "30"), []time.Duration{30 * time.Second, 30 * time.Second}},
		{"a date", channel.WeCom, say(429, "", "Retry-After", "Sat, 01 Jan 2000 00:00:45 GMT"), []time.Duration{45 * time.Second, 2 * time.Minute}},
		{"for ever", channel.DingTalk, say(429, "", "Retry-After", "9999999"), []time.Duration{10 * time.Minute, 10 * time.Minute}},
	} {
		robot := channeltest.New(t, c.service)
		o := channeltest.Options(t, robot, channel.Text, nil)
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &scripted{answers: []func() *http.Response{c.limited, c.limited, say(200, ok)}}
				o.Client = &http.Client{Transport: s}
				n := open(t, c.service, o)
				for range 2 {
					retry, err := n.Notify(group(t.Context()), channeltest.Alert("Down"))
					var reason *notify.ErrorWithReason
					if !retry || !errors.As(err, &reason) || reason.Reason != notify.RateLimitedReason {
						t.Fatalf("retry %v, error %v", retry, err)
					}
				}
				// One that may not wait that long learns when.
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				if retry, err := n.Notify(group(ctx), channeltest.Alert("Down")); !retry || !errors.Is(unwrapped(err), context.DeadlineExceeded) {
					t.Fatalf("retry %v, error %v", retry, err)
				}
				// Many wait; one finds out, the others follow.
				done := make(chan error, 5)
				for range 5 {
					go func() {
						_, err := n.Notify(group(t.Context()), channeltest.Alert("Down"))
						done <- err
					}()
				}
				for range 5 {
					if err := <-done; err != nil {
						t.Fatal(err)
					}
				}
				for i, want := range c.pauses {
					if got := s.at[i+1].Sub(s.at[i]); got != want {
						t.Errorf("pause %d is %s, want %s", i+1, got, want)
					}
				}
				if len(s.at) != 7 {
					t.Errorf("%d requests, want 7", len(s.at))
				}
			})
		})
	}
}

// unwrapped looks into upstream's error, which does not unwrap by itself.
func unwrapped(err error) error {
	var reason *notify.ErrorWithReason
	if errors.As(err, &reason) {
		return reason.Err
	}
	return err
}

// TestPace has one robot of two receivers, and no more messages than the service allows.
func TestPace(t *testing.T) {
	for service, want := range map[string]time.Duration{channel.DingTalk: 2 * time.Minute, channel.WeCom: 2 * time.Minute, channel.Feishu: 10 * time.Second} {
		robot := channeltest.New(t, service)
		o := channeltest.Options(t, robot, channel.Text, nil)
		synctest.Test(t, func(t *testing.T) {
			s := &scripted{answers: []func() *http.Response{say(200, `{"errcode":0,"code":0}`)}}
			o.Client = &http.Client{Transport: s}
			one, two := open(t, service, o), open(t, service, o)
			begin := time.Now()
			for n := range 55 {
				to := one
				if n%2 == 1 {
					to = two
				}
				if _, err := to.Notify(group(t.Context()), channeltest.Alert("Down")); err != nil {
					t.Fatal(err)
				}
			}
			if got := time.Since(begin); got != want {
				t.Errorf("%s: 55 messages took %s, want %s", service, got, want)
			}
		})
	}
}

// TestSecretsAreReadOnUse has an address that is only right the second time.
func TestSecretsAreReadOnUse(t *testing.T) {
	robot := channeltest.New(t, channel.WeCom)
	o := channeltest.Options(t, robot, channel.Text, nil)
	o.URL = channel.Secret{Env: "ROBOT_URL"}
	n := open(t, channel.WeCom, o)
	if retry, err := n.Notify(group(t.Context()), channeltest.Alert("Down")); retry || err == nil || !strings.Contains(err.Error(), "ROBOT_URL is not set") {
		t.Errorf("retry %v, error %v", retry, err)
	}
	t.Setenv("ROBOT_URL", robot.URL)
	if _, err := n.Notify(group(t.Context()), channeltest.Alert("Down")); err != nil {
		t.Error(err)
	}
}
