package app

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/channeltest"
	"touchline.dev/touchline/internal/api/native"
	"touchline.dev/touchline/internal/identity"
	"touchline.dev/touchline/internal/selfmon"
	"touchline.dev/touchline/stack"
)

// post asks the server for a change, with the token that it wrote.
func (a *App) post(t *testing.T, path, body string, auth bool) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.localURL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if auth {
		token, err := os.ReadFile(a.tokenFile())
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	resp, err := http.DefaultClient.Do(req)
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

// TestChannels runs a rule whose alert reaches a DingTalk robot, tries the
// receiver, and takes a second channel in by a reload.
func TestChannels(t *testing.T) {
	defer http.DefaultClient.CloseIdleConnections()
	ding, wecom := channeltest.New(t, channel.DingTalk), channeltest.New(t, channel.WeCom)
	ding.Signed = true
	files := t.TempDir()
	write(t, filepath.Join(files, "ding"), ding.URL+"\n")
	write(t, filepath.Join(files, "wecom"), wecom.URL+"\n")
	write(t, filepath.Join(files, "secret"), channeltest.Secret+"\n")
	write(t, filepath.Join(files, "rules.yml"), `groups: [{name: g, interval: 1s, rules: [{alert: First, expr: vector(7) > 5, labels: {severity: critical}}]}]`)
	prom := write(t, filepath.Join(files, "prometheus.yml"), "rule_files: [rules.yml]\n")
	am := write(t, filepath.Join(files, "alertmanager.yml"), "route: {receiver: ops, group_by: [alertname], group_wait: 10ms}\nreceivers: [{name: ops}, {name: spare}]\n")
	one := "channels:\n  ops:\n    - {type: dingtalk, url_file: ding, secret_file: secret, language: zh}\n"
	own := write(t, filepath.Join(files, "touchline.yaml"), one)
	args := []string{"--stack.enabled=false", "--config.file=" + own, "--storage.path=" + t.TempDir(), "--prometheus.config=" + prom, "--alertmanager.config=" + am}
	a, err := New(t.Context(), Options{Config: settings(t, args...), Reread: reread(t, args...), Logger: slog.New(slog.DiscardHandler), Shipped: stack.FS})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := ding.Wait(t)["markdown"].(map[string]any)["text"].(string)
	for _, want := range []string{"【告警 1】First", "级别：critical", "vector(7) > 5", "/#/silences/new?filter="} {
		if !strings.Contains(text, want) {
			t.Errorf("the message lacks %q:\n%s", want, text)
		}
	}

	ack := regexp.MustCompile(`\[确认\]\((http[^)]+/touchline/v1/links/[^)]+)\)`).FindStringSubmatch(text)
	if ack == nil {
		t.Fatalf("no link acknowledges:\n%s", text)
	}
	u, err := url.Parse(ack[1])
	if err != nil {
		t.Fatal(err)
	}
	a.get(t, u.Path, "First")
	now := time.Now()
	if got, err := a.graph(t.Context(), "vector(7)", now.Add(-10*time.Minute), now, 10*time.Second); err != nil || len(got) != 1 || len(got[0].Points) != 61 || got[0].Points[60].Value != 7 {
		t.Errorf("graph %+v, %v", got, err)
	}
	if _, err := a.graph(t.Context(), "vector(", now.Add(-time.Minute), now, time.Second); err == nil {
		t.Error("a graph of an expression that cannot be parsed")
	}

	if code, body := a.post(t, "/touchline/v1/receivers/ops/test", "", false); code != http.StatusUnauthorized && code != http.StatusForbidden {
		t.Errorf("without a token: %d %s", code, body)
	}
	code, body := a.post(t, "/touchline/v1/receivers/ops/test?lang=zh", "", true)
	var answer struct{ Integrations []native.Trial }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || code != http.StatusOK || len(answer.Integrations) != 1 || !answer.Integrations[0].OK || answer.Integrations[0].Said != "HTTP 200, errcode 0: ok" {
		t.Errorf("try: %d %s, %v", code, body, err)
	}
	a.ReloadBySignal(t.Context())
	done, err := a.identity.Entries(t.Context(), identity.AuditQuery{Limit: 10})
	if err != nil || len(done) != 2 || done[0].Action != "server.reload" || done[0].Actor != "SIGHUP" || done[1].Action != "receiver.test" || done[1].Target != "receiver/ops" {
		t.Errorf("the audit log has %+v, %v", done, err)
	}
	if code, body := a.post(t, "/touchline/v1/receivers/opps/test", "", true); code != http.StatusUnprocessableEntity || !strings.Contains(body, "known: ops, spare") {
		t.Errorf("unknown receiver: %d %s", code, body)
	}
	var report selfmon.Report
	a.decode(t, "/touchline/v1/status", &report)
	if rs := report.Alerts.Receivers; len(rs[0].Proven) != 1 || rs[0].Proven[0].At.IsZero() || len(rs[1].Proven) != 0 {
		t.Errorf("receivers %+v", rs)
	}

	write(t, own, one+"  spare:\n    - {type: wecom, url_file: wecom}\n")
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	if code, body := a.post(t, "/touchline/v1/receivers/spare/test", "", true); code != http.StatusOK || !strings.Contains(body, `"ok":true`) {
		t.Errorf("after a reload: %d %s", code, body)
	}
	wecom.Wait(t)
	write(t, own, one+"  spaer:\n    - {type: wecom, url_file: wecom}\n")
	if err := a.Reload(); err == nil || !strings.Contains(err.Error(), `channels.spaer: alertmanager.yml has no receiver of this name; did you mean "spare"?`) {
		t.Errorf("a reload with a receiver that is not there: %v", err)
	}
}

// decode reads what the server answers.
func (a *App) decode(t *testing.T, path string, into any) {
	t.Helper()
	resp, err := http.Get(a.localURL() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}
