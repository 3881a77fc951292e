package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/goleak"

	"touchline.dev/touchline/internal/selfmon"
)

// answerWith starts a server of the test and checks that nothing of it stays.
func answerWith(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	// Registered first, so that it runs last.
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if tr, ok := http.DefaultTransport.(*http.Transport); ok {
			tr.CloseIdleConnections()
		}
		goleak.VerifyNone(t, before)
	})
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// runCommand runs one command line and gives its output and exit code.
func runCommand(t *testing.T, cmd *cobra.Command, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	root := &cobra.Command{Use: "touchline", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(cmd)
	var out, errs bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetIn(strings.NewReader(""))
	code = run(context.Background(), root, append([]string{cmd.Name()}, args...))
	return out.String(), errs.String(), code
}

func TestStatus(t *testing.T) {
	state, failing := selfmon.StateReady, []selfmon.Failure(nil)
	at := answerWith(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/mon/touchline/v1/status" {
			http.NotFound(w, r)
			return
		}
		if err := json.NewEncoder(w).Encode(selfmon.Report{Version: "1.2.3", State: state, ReadySeconds: 0.2, ConsoleURL: "http://x/ui/", Alerts: selfmon.AlertsTo{None: true, Failing: failing}}); err != nil {
			t.Error(err)
		}
	}) + "/mon/"
	out, errs, code := runCommand(t, newStatusCommand(), "--url", at, "--token-file=")
	if code != 0 || errs != "" || !strings.Contains(out, "Touchline 1.2.3 is ready after 200 ms.") || !strings.Contains(out, "NOBODY WILL BE TOLD") {
		t.Errorf("text: code %d, stderr %q, output:\n%s", code, errs, out)
	}
	if strings.Contains(out, "\x1b[") {
		t.Error("colours in a file")
	}
	state = selfmon.StateDegraded
	out, errs, code = runCommand(t, newStatusCommand(), "--url", at, "--token-file=", "--output=json")
	var back selfmon.Report
	if err := json.Unmarshal([]byte(out), &back); err != nil || back.State != selfmon.StateDegraded || code != exitFindings || errs != "" {
		t.Errorf("json: %v, code %d, stderr %q, output %s", err, code, errs, out)
	}
	state, failing = selfmon.StateReady, []selfmon.Failure{{Integration: "http://am:9093", Error: "connection refused"}}
	if out, errs, code = runCommand(t, newStatusCommand(), "--url", at, "--token-file="); code != exitFindings || errs != "" {
		t.Errorf("where telling fails: code %d, stderr %q, output %s", code, errs, out)
	}
	if _, errs, code = runCommand(t, newStatusCommand(), "--url", at, "--output=xml"); code != exitUsage || !strings.Contains(errs, "write text or json") {
		t.Errorf("unknown output: code %d, stderr %q", code, errs)
	}
}

func TestClientErrors(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("s3cret-value\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("a b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A port that was just free refuses connections.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var seen string
	code, body := http.StatusUnauthorized, ""
	at := answerWith(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Get("Authorization")
		if code == http.StatusFound {
			w.Header().Set("Location", "http://elsewhere.invalid/")
		}
		w.WriteHeader(code)
		if _, err := w.Write([]byte(body)); err != nil {
			t.Error(err)
		}
	})
	tests := []struct {
		name, url, token string
		code             int
		body, want       string
	}{
		{"not running", closed, "", 0, "", `start one with "touchline run"`},
		{"no address", "localhost:7070", "", 0, "", "is not an address; write it like http://127.0.0.1:7070"},
		{"no token", at, "", 401, "", "give the file that it wrote at its first start"},
		{"wrong token", at, token, 403, "", "does not accept the token in " + token},
		{"no such file", at, "/nowhere/token", 0, "", "open /nowhere/token"},
		{"not a token", at, bad, 0, "", "does not hold a token on one line"},
		{"other server", at, "", 404, "<html>", "is this a Touchline server"},
		{"reason", at, "", 503, `{"error":"storage is closed"}`, "503 Service Unavailable: storage is closed"},
		{"not JSON", at, "", 200, "hello", "is this a Touchline server?"},
		{"other host", at, token, 302, "", "redirects to another address, http://elsewhere.invalid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, body = tt.code, tt.body
			_, errs, got := runCommand(t, newStatusCommand(), "--url", tt.url, "--token-file", tt.token)
			if got != exitUsage || !strings.Contains(errs, tt.want) {
				t.Errorf("exit code %d, stderr %q; want 2 and %q", got, errs, tt.want)
			}
			if strings.Contains(errs, "s3cret") {
				t.Errorf("the token is printed: %q", errs)
			}
		})
	}
	if seen != "Bearer s3cret-value" {
		t.Errorf("the server saw %q", seen)
	}
}

func topAnswers(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		bodies := map[string]string{
			"/api/v1/query": `{"status":"success","data":{"resultType":"vector","result":[
{"metric":{"figure":"cpu","instance":"db-1"},"value":[1777890600,"23.44"]},{"metric":{"figure":"load","instance":"db-1"},"value":[1777890600,"0.5"]},
{"metric":{"figure":"cores","instance":"db-1"},"value":[1777890600,"2"]},{"metric":{"figure":"rx","instance":"db-1"},"value":[1777890600,"4200000"]}]}}`,
			"/api/v1/targets": `{"data":{"activeTargets":[{"labels":{"instance":"db-1"},"scrapePool":"touchline/node","health":"up","scrapeInterval":"1s"},
{"labels":{"instance":"x:1"},"scrapePool":"api","health":"down","lastError":"connection refused","scrapeInterval":"15s"}]}}`,
			"/api/v1/alerts": `{"data":{"alerts":[{"labels":{"alertname":"HighLoad","severity":"warning"},"state":"pending","activeAt":"2026-05-04T10:29:00Z"},
{"labels":{"alertname":"Watchdog","severity":"none"},"state":"firing","activeAt":"2026-05-04T10:29:00Z"},
{"labels":{"alertname":"DiskFull","severity":"critical","instance":"db-1"},"annotations":{"summary":"\u001b]0;owned\u0007 full 磁盘"},"state":"firing","activeAt":"2026-05-04T10:26:00Z"},
{"labels":{"alertname":"Known","severity":"critical"},"state":"firing","activeAt":"2026-05-04T08:00:00Z"}]}}`,
			"/api/v1/alertmanagers": `{"data":{"activeAlertmanagers":[{"url":"http://db-1:7070/api/v2/alerts"}]}}`,
			"/api/v2/alerts": `[{"labels":{"alertname":"Known","severity":"critical"},"status":{"state":"suppressed","silencedBy":["1"]}},
{"labels":{"alertname":"DiskFull","severity":"critical","instance":"db-1","region":"eu"},"generatorURL":"http://db-1:7070/graph?g0.expr=up"},
{"labels":{"alertname":"Over"},"generatorURL":"http://db-1:7070/graph?g0.expr=up"},
{"labels":{"alertname":"Watchdog","severity":"none"},"generatorURL":"http://db-1:7070/graph?g0.expr=up"},
{"labels":{"alertname":"Lost","severity":"warning"},"annotations":{"no_data":"x:1 of job x cannot be scraped"},"startsAt":"2026-05-04T10:20:00Z","generatorURL":"http://db-1:7070/graph?g0.expr=up"},
{"labels":{"alertname":"TestAlert","severity":"critical"},"startsAt":"2026-05-04T10:20:00Z"}]`,
			"/api/v2/silences": `[{"status":{"state":"active"}},{"status":{"state":"expired"}}]`,
		}
		body, ok := bodies[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Error(err)
		}
	}
}

func TestTopOnce(t *testing.T) {
	at := answerWith(t, topAnswers(t))
	out, errs, code := runCommand(t, newTopCommand(), "--once", "--url", at, "--token-file=")
	if code != 0 || errs != "" {
		t.Fatalf("code %d, stderr %q", code, errs)
	}
	want := []string{
		"touchline  4 firing, 1 pending   1 of 2 targets up   1 silences   " + at, "",
		"HOST                        CPU    MEM   DISK          LOAD          IN         OUT",
		"db-1                      23.4%      -      -      0.50 / 2    4.2 MB/s           -", "",
		"ALERTS",
		"firing   critical     4m  DiskFull  instance=\"db-1\"  ?]0;owned? full 磁盘",
		"firing   critical    10m  TestAlert      (sent by API)",
		"silenced critical     2h  Known",
		"kept     warning     10m  Lost      (x:1 of job x cannot be scraped)",
		"pending  warning      1m  HighLoad", "",
		"TARGETS                         UP  EVERY",
		"api                            0/1  15s",
		"node                           1/1  1s",
		"down  api x:1  connection refused", "",
	}
	if out != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", out, strings.Join(want, "\n"))
	}
}

func TestTopNeedsATerminal(t *testing.T) {
	_, errs, code := runCommand(t, newTopCommand(), "--url", "http://127.0.0.1:1", "--token-file=")
	if code != exitUsage || !strings.Contains(errs, "--once") {
		t.Errorf("code %d, stderr %q", code, errs)
	}
}

func TestFrameFitsTheTerminal(t *testing.T) {
	f := &topFrame{URL: "http://x", At: time.Unix(0, 0).UTC()}
	for range 50 {
		f.Alerts = append(f.Alerts, topAlert{Name: strings.Repeat("磁盘", 40), State: "firing", Severity: "critical"})
	}
	got := f.draw(frameStyle{Width: 40, Height: 10, Raw: true, Stale: context.DeadlineExceeded})
	lines := strings.Split(strings.TrimSuffix(got, "\x1b[K\r\n"), "\x1b[K\r\n")
	if len(lines) != 9 {
		t.Errorf("got %d lines, want 9", len(lines))
	}
	for _, l := range lines {
		columns := 0
		for _, r := range l {
			if r > 0x1100 {
				columns++
			}
			columns++
		}
		if columns > 40 {
			t.Errorf("line of %d columns: %q", columns, l)
		}
	}
	if !strings.Contains(got, "old figures of 00:00:00Z: context") {
		t.Error("a stale frame does not say so")
	}
}
