package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/channeltest"
)

func TestNotifyTest(t *testing.T) {
	answers := map[string]string{
		"ops-team": `{"receiver":"ops-team","integrations":[{"integration":"dingtalk[0]","ok":true,"said":"HTTP 200, errcode 0: ok","took_seconds":0.12},{"integration":"slack[0]","ok":true,"took_seconds":0.5}]}`,
		"a b":      `{"receiver":"a b","integrations":[{"integration":"feishu[0]","ok":false,"error":"Feishu does not take the message: code 19021","took_seconds":0.08}]}`,
		"none":     `{"receiver":"none","integrations":[]}`,
	}
	var query string
	at := answerWith(t, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.RawQuery
		name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/touchline/v1/receivers/"), "/test")
		answer, ok := answers[name]
		if !ok || r.Method != http.MethodPost {
			w.WriteHeader(http.StatusUnprocessableEntity)
			answer = `{"detail":"there is no such receiver as \"x\"; known: ops-team"}`
		}
		_, _ = io.WriteString(w, answer)
	})
	for _, c := range []struct {
		receiver, out, errs string
		code                int
	}{
		{"ops-team", "ops-team dingtalk[0]  taken in 120 ms: HTTP 200, errcode 0: ok\nops-team slack[0]     taken in 500 ms\n", "", 0},
		{"a b", "a b feishu[0]  FAILED after 80 ms: Feishu does not take the message: code 19021\n", "", 1},
		{"none", "none: tells nobody: it has no integration in alertmanager.yml and no channel in touchline.yaml; touchline notify add --receiver=none adds one\n", "", 1},
		{"x", "", `there is no such receiver as "x"; known: ops-team`, 2},
		{"", "", "name the receiver", 2},
	} {
		out, errs, code := runCommand(t, newNotifyCommand(), "test", "--url="+at, "--receiver="+c.receiver, "--lang=zh")
		if out != c.out || code != c.code || !strings.Contains(errs, c.errs) {
			t.Errorf("%s: %d\n%s%s", c.receiver, code, out, errs)
		}
	}
	if query != "lang=zh" {
		t.Errorf("query %s", query)
	}
	if out, _, code := runCommand(t, newNotifyCommand(), "test", "--url="+at, "--receiver=none", "--output=json"); code != 1 || !strings.Contains(out, `"integrations": []`) {
		t.Errorf("%d %s", code, out)
	}
}

// addIn runs "notify add" in a folder with answers typed in.
func addIn(t *testing.T, dir, typed string, args ...string) (out, errs string, code int) {
	t.Helper()
	return notifyIn(t, dir, typed, append([]string{"add"}, args...)...)
}

func notifyIn(t *testing.T, dir, typed string, args ...string) (out, errs string, code int) {
	t.Helper()
	t.Chdir(dir)
	root := newRootCommand()
	var o, e bytes.Buffer
	root.SetOut(&o)
	root.SetErr(&e)
	root.SetIn(strings.NewReader(typed))
	code = run(context.Background(), root, append([]string{"notify"}, args...))
	return o.String(), e.String(), code
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestNotifyAddAsks(t *testing.T) {
	robot := channeltest.New(t, channel.DingTalk)
	robot.Signed = true
	dir := t.TempDir()
	for name, text := range map[string]string{
		"touchline.yaml":   "# ours\nalertmanager: {config: alertmanager.yml}\n",
		"alertmanager.yml": "route: {receiver: ops}\nreceivers: [{name: ops}]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	out, errs, code := addIn(t, dir, "ops\ndingtalk\n"+robot.URL+"\n"+channeltest.Secret+"\n", "--language=zh", "--mention-mobile=13800000001")
	if code != 0 {
		t.Fatalf("%d\n%s%s", code, out, errs)
	}
	want := "channels:\n  ops:\n    - type: dingtalk\n      url_file: secrets/ops-dingtalk-url\n      secret_file: secrets/ops-dingtalk-secret\n      language: zh\n      mention: {mobiles: [\"13800000001\"]}\n"
	if got := read(t, "touchline.yaml"); got != "# ours\nalertmanager: {config: alertmanager.yml}\n"+want {
		t.Errorf("touchline.yaml\n%s", got)
	}
	if !strings.Contains(out, want) || !strings.Contains(out, "taken in") || !strings.Contains(out, "errcode 0: ok") {
		t.Errorf("output\n%s", out)
	}
	if strings.Contains(out+errs, channeltest.Token) || strings.Contains(out+errs, channeltest.Secret) {
		t.Errorf("a secret is shown:\n%s%s", out, errs)
	}
	if read(t, "secrets/ops-dingtalk-secret") != channeltest.Secret+"\n" {
		t.Error("the secret was not kept")
	}
	for path, mode := range map[string]os.FileMode{"touchline.yaml": 0o640, "secrets": 0o700, "secrets/ops-dingtalk-url": 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
	}
	if m := robot.Wait(t); !strings.Contains(m["markdown"].(map[string]any)["text"].(string), "测试消息") {
		t.Errorf("sample %v", m)
	}

	// A second one keeps the first and its files.
	other := channeltest.New(t, channel.DingTalk)
	other.Answer(200, `{"errcode":310000,"errmsg":"keywords not in content"}`)
	out, errs, code = addIn(t, dir, other.URL+"\n\n", "--receiver=ops", "--type=dingtalk")
	if code != 1 || !strings.Contains(out, "FAILED") || !strings.Contains(read(t, "touchline.yaml"), "url_file: secrets/ops-dingtalk-url-2\n") {
		t.Errorf("%d\n%s%s\n%s", code, out, errs, read(t, "touchline.yaml"))
	}
}

func TestNotifyAddRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "alertmanager.yml"), []byte("route: {receiver: ops}\nreceivers: [{name: ops}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const own = "alertmanager: {config: alertmanager.yml} # kept\n"
	for _, c := range []struct {
		name, own, typed, want string
		args                   []string
	}{
		{"no answer", own, "", "--receiver answers it, too", nil},
		{"unknown receiver", own, "", `alertmanager.yml has no receiver "opps"; known: ops`, []string{"--receiver=opps"}},
		{"unknown type", own, "", `type "pigeon" is not known`, []string{"--receiver=ops", "--type=pigeon"}},
		{"no address", own, "secrets/none\n", "neither a file nor an address", []string{"--receiver=ops", "--type=wecom"}},
		{"not the service's", own, "https://robot.example/?key=tok-pasted-tok\n", "a card calls nobody", []string{"--receiver=ops", "--type=wecom", "--message=card", "--mention-user=zhang"}},
		{"in one line", own + "channels: {}\n", "", "write by hand", []string{"--receiver=ops", "--type=wecom", "--url-env=X"}},
		{"a wrong file", "chanels: {}\n", "", "correct the file first", []string{"--receiver=ops", "--type=wecom", "--url-env=X"}},
		{"no template", own, "", "no such file", []string{"--receiver=ops", "--type=wecom", "--url-env=X", "--template-file=none.tmpl"}},
	} {
		file := filepath.Join(dir, "touchline.yaml")
		if err := os.WriteFile(file, []byte(c.own), 0o600); err != nil {
			t.Fatal(err)
		}
		out, errs, code := addIn(t, dir, c.typed, c.args...)
		if code != 2 || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("%s: %d\n%s%s", c.name, code, out, errs)
		}
		if got := read(t, file); got != c.own {
			t.Errorf("%s: touchline.yaml was changed:\n%s", c.name, got)
		}
		if files, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(files) != 2 {
			t.Errorf("%s: files %v, %v", c.name, files, err)
		}
		if strings.Contains(errs, "tok-pasted") {
			t.Errorf("%s: a secret is shown: %s", c.name, errs)
		}
	}
}

// TestNotifyAddMail answers all by flags, with paths that begin at the working directory.
func TestNotifyAddMail(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "etc"), 0o700); err != nil {
		t.Fatal(err)
	}
	out, errs, code := addIn(t, dir, "", "--config.file=etc/touchline.yaml", "--receiver=mail", "--type=email", "--smarthost=smtp.example.org:587", "--from=t@example.org",
		"--to=a@example.org,b@example.org", "--username=t", "--password-file=pw", "--no-test")
	if code != 0 {
		t.Fatalf("%d\n%s%s", code, out, errs)
	}
	want := "channels:\n  mail:\n    - type: email\n      smarthost: \"smtp.example.org:587\"\n      from: t@example.org\n      to: [\"a@example.org\", \"b@example.org\"]\n      username: t\n      password_file: ../pw\n"
	if got := read(t, "etc/touchline.yaml"); got != want {
		t.Errorf("touchline.yaml\n%s", got)
	}
}

func TestBridgeCommand(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("touchline.yaml", "channels:\n  ops:\n    - {type: wecom, url_env: X}\n")
	write("empty.yaml", "log: {level: debug}\n")
	write("wrong.yaml", "channels:\n  ops:\n    - {type: wecom}\n")
	write("short", "x\n")
	for want, args := range map[string][]string{
		"can be reached by others":              {"--listen=0.0.0.0:0"},
		"no such file":                          {"--config.file=none.yaml"},
		"there is no channel":                   {"--config.file=empty.yaml"},
		"url_file: is missing":                  {"--config.file=wrong.yaml"},
		"does not hold a token of 8 characters": {"--token-file=short"},
		"is no address":                         {"--listen=7071"},
	} {
		if out, errs, code := runCommand(t, newBridgeCommand(), args...); code != 2 || !strings.Contains(errs, want) {
			t.Errorf("%v: %d\n%s%s", args, code, out, errs)
		}
	}
	// One that runs ends when it is told to.
	peer := httptest.NewTLSServer(nil)
	peer.Close()
	pair := peer.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})))
	write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	write("web.yml", "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
	write("users.yml", "basic_auth_users: {me: $2a$04$lhYBCyGMJ2qcCmTMPLBbCeMIJx4XHSo7kNzO3w2.vfQW8.cQCW0Aq}\n")
	write("token", "right-right\n")
	if out, errs, code := runCommand(t, newBridgeCommand(), "--web.config.file=users.yml", "--token-file=token"); code != 2 || !strings.Contains(errs, "take the users out") {
		t.Errorf("users and a token: %d\n%s%s", code, out, errs)
	}
	for scheme, args := range map[string][]string{"http": nil, "https": {"--web.config.file=web.yml"}} {
		t.Run(scheme, func(t *testing.T) { bridgeRuns(t, scheme, peer.Client(), args) })
	}
}

// bridgeRuns starts the command, asks it, and ends it.
func bridgeRuns(t *testing.T, scheme string, client *http.Client, args []string) {
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	root := newRootCommand()
	root.SetOut(w)
	root.SetErr(io.Discard)
	done := make(chan int, 1)
	go func() { done <- run(ctx, root, append([]string{"bridge", "--listen=127.0.0.1:0"}, args...)) }()
	line := make([]byte, 200)
	n, err := r.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	_, at, ok := strings.Cut(strings.TrimSpace(string(line[:n])), "webhook of receiver ops: ")
	if !ok || !strings.HasPrefix(at, scheme+"://") {
		t.Fatalf("printed %s", line[:n])
	}
	resp, err := client.Post(at, "application/json", strings.NewReader("{"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", resp.StatusCode)
	}
	client.CloseIdleConnections()
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("exit code %d", code)
	}
}
