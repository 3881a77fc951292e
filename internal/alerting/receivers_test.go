package alerting

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// mailbox takes every message and hands it on.
type mailbox struct{ got chan string }

func (m mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return m, nil }
func (mailbox) Reset()                                        {}
func (mailbox) Logout() error                                 { return nil }
func (mailbox) Mail(string, *smtp.MailOptions) error          { return nil }
func (mailbox) Rcpt(string, *smtp.RcptOptions) error          { return nil }

func (m mailbox) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	m.got <- string(b)
	return err
}

func TestMailArrives(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	box := mailbox{make(chan string, 10)}
	srv := smtp.NewServer(box)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		<-served
	})
	a := testAlertmanager(t, t.TempDir(), fmt.Sprintf(`
global: {smtp_smarthost: %q, smtp_from: touchline@example.org, smtp_require_tls: false}
route: {receiver: mail, group_wait: 10ms}
receivers: [{name: mail, email_configs: [{to: oncall@example.org}]}]
`, l.Addr()), nil)
	if err := a.Put(context.Background(), Timing{}, firing("DiskFull", "host", "db1")); err != nil {
		t.Fatal(err)
	}
	select {
	case m := <-box.got:
		for _, want := range []string{"From: touchline@example.org", "To: oncall@example.org", "FIRING:1", "DiskFull", "db1"} {
			if !strings.Contains(m, want) {
				t.Errorf("the message lacks %q:\n%s", want, m)
			}
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("no mail arrived: %+v", a.Notifications())
	}
}

// TestSecretFileIsReadOnUse has a Slack receiver whose URL is in a file that
// is only right at the second attempt, without a reload.
func TestSecretFileIsReadOnUse(t *testing.T) {
	got := make(chan map[string]any, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/services/right" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		var m map[string]any
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		got <- m
		_, _ = w.Write([]byte("ok"))
	}))
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	secret := filepath.Join(dir, "url")
	write := func(path string) {
		if err := os.WriteFile(secret, []byte(srv.URL+path+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("/services/wrong")
	a := testAlertmanager(t, filepath.Join(dir, "state"), fmt.Sprintf(`
route: {receiver: chat, group_wait: 10ms}
receivers: [{name: chat, slack_configs: [{channel: "#alerts", api_url_file: %q, text: "{{ .CommonLabels.host }} is down"}]}]
`, secret), nil)
	if err := a.Put(context.Background(), Timing{}, firing("Down", "host", "h7")); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return len(a.Notifications()) > 0 })
	if n := a.Receivers()[0].Last[0]; n.Error == "" || n.At.IsZero() {
		t.Errorf("the failed attempt is not shown: %+v", n)
	} else if strings.Contains(n.Error, "/services/") {
		t.Errorf("the error shows the secret URL: %s", n.Error)
	}
	write("/services/right")
	select {
	case m := <-got:
		raw, err := json.Marshal(m)
		if err != nil || m["channel"] != "#alerts" || !strings.Contains(string(raw), "h7 is down") {
			t.Errorf("message %s, %v", raw, err)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("no message arrived: %+v", a.Notifications())
	}
	until(t, func() bool { return a.Receivers()[0].Last[0].Error == "" })
}

func TestRouting(t *testing.T) {
	always := `time_intervals: [{name: always, time_intervals: [{years: ["2000:2100"]}]}, {name: past, time_intervals: [{years: ["2001"]}]}]` + "\n"
	for _, c := range []struct {
		name, routes, rest string
		want               []string // messages in any order
	}{
		{"group by a label", "group_by: [host]", "",
			[]string{"firing A,B", "firing C"}},
		{"group by all labels", "group_by: ['...']", "",
			[]string{"firing A", "firing B", "firing C"}},
		{"muted by time", "group_by: ['...'], routes: [{matchers: [alertname=A], mute_time_intervals: [always]}]", always,
			[]string{"firing B", "firing C"}},
		{"active at another time", "group_by: ['...'], routes: [{matchers: [alertname=A], active_time_intervals: [past]}]", always,
			[]string{"firing B", "firing C"}},
		{"continue", "group_by: ['...'], routes: [{matchers: [host=two], continue: true}, {matchers: ['alertname=~\"A|C\"']}]", "",
			[]string{"firing A", "firing B", "firing C", "firing C"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, got := sink(t)
			// The last alert goes its own, slower way: when it is told, the others had their time.
			conf := fmt.Sprintf("route: {receiver: none, group_wait: 50ms, group_interval: 1h, routes: [{receiver: w, matchers: [alertname=End], group_wait: 1s}, {receiver: w, matchers: [alertname!=End], %s}]}\nreceivers: [{name: none}, {name: w, webhook_configs: [{url: %q}]}]\n%s", c.routes, u, c.rest)
			a := testAlertmanager(t, t.TempDir(), conf, nil)
			if err := a.Put(context.Background(), Timing{}, firing("A", "host", "one"), firing("B", "host", "one"), firing("C", "host", "two"), firing("End")); err != nil {
				t.Fatal(err)
			}
			var all []string
			for {
				select {
				case g := <-got:
					if g != "firing End" {
						all = append(all, g)
						continue
					}
				case <-time.After(20 * time.Second):
					t.Fatalf("got only %q", all)
				}
				break
			}
			sameMessages(t, all, c.want)
		})
	}
}
