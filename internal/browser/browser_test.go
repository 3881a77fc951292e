package browser

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is the other end of a pipe: what a browser reads and writes.
type peer struct {
	t   *testing.T
	in  *bufio.Reader
	out io.WriteCloser
}

// newPeer makes a browser that is played by the test.
func newPeer(t *testing.T, server, authorization string) (*Browser, *peer) {
	t.Helper()
	theirIn, ourOut := io.Pipe()
	ourIn, theirOut := io.Pipe()
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	b := &Browser{opts: Options{Server: at, Authorization: authorization, Logger: slog.New(slog.DiscardHandler)}, says: &tail{}, ended: make(chan struct{})}
	b.pipe = newPipe(ourIn, ourOut, b.letThrough)
	t.Cleanup(func() {
		theirOut.Close()
		theirIn.Close()
		<-b.pipe.done
	})
	return b, &peer{t, bufio.NewReader(theirIn), theirOut}
}

func (p *peer) next() message {
	p.t.Helper()
	raw, err := p.in.ReadBytes(0)
	if err != nil {
		p.t.Fatal(err)
	}
	var m message
	if err := json.Unmarshal(bytes.TrimSuffix(raw, []byte{0}), &m); err != nil {
		p.t.Fatal(err)
	}
	return m
}

func (p *peer) say(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.out, text+"\x00"); err != nil {
		p.t.Fatal(err)
	}
}

func TestCall(t *testing.T) {
	b, p := newPeer(t, "http://127.0.0.1:7070", "")
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	var got struct{ Answer int }
	for _, tc := range []struct{ name, say, want string }{
		{"an answer", `{"id":1,"result":{"answer":42}}`, ""},
		{"a refusal", `{"id":2,"error":{"message":"Invalid parameters","data":"width: integer value expected"}}`, "the browser refuses Page.test: Invalid parameters width: integer value expected"},
		{"another shape", `{"id":3,"result":[]}`, "read the answer to Page.test"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			done := make(chan error, 1)
			go func() { done <- b.pipe.call(ctx, "S", "Page.test", map[string]any{"a": 1}, &got) }()
			if m := p.next(); m.Method != "Page.test" || m.Session != "S" || string(m.Params) != `{"a":1}` {
				t.Errorf("asked %+v", m)
			}
			p.say(`{"method":"Page.somethingElse","params":{}}`)
			p.say(tc.say)
			err := <-done
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
	if got.Answer != 42 {
		t.Errorf("answer %d, want 42", got.Answer)
	}
}

// TestBrowserEnds asks a browser that crashes, and then one that is gone.
func TestBrowserEnds(t *testing.T) {
	b, p := newPeer(t, "http://127.0.0.1:7070", "")
	done := make(chan error, 1)
	go func() { done <- b.pipe.call(t.Context(), "", "Page.test", nil, nil) }()
	p.next()
	_, _ = b.says.Write([]byte("cannot open display\n"))
	close(b.ended)
	p.out.Close()
	if err := b.failed(<-done); !errors.Is(err, errGone) || !strings.Contains(err.Error(), "it wrote: cannot open display") {
		t.Errorf("error %v", err)
	}
	if err := b.pipe.call(t.Context(), "", "Page.test", nil, nil); !errors.Is(err, errGone) {
		t.Errorf("error %v after the end, want %v", err, errGone)
	}
}

// TestTokenStaysHome has pages ask for many addresses: the token goes to our server alone.
func TestTokenStaysHome(t *testing.T) {
	b, p := newPeer(t, "https://mon.example:8443/prefix", "Bearer secret")
	_ = b
	for _, tc := range []struct {
		url   string
		token bool // is shown
		allow bool
	}{
		{"https://mon.example:8443/prefix/ui/d/node", true, true},
		{"https://mon.example:8443/prefix", true, true},
		{"https://mon.example:8443/api/v1/query", false, false},
		{"https://mon.example:8443/prefixed/", false, false},
		{"data:image/png;base64,AAAA", false, true},
		{"blob:https://mon.example:8443/1", false, true},
		{"http://mon.example:8443/prefix/", false, false},
		{"https://mon.example/prefix/", false, false},
		{"https://mon.example:8443@evil.example/", false, false},
		{"https://evil.example/?https://mon.example:8443/prefix/", false, false},
		{"https://mon.example:8443.evil.example/", false, false},
		{"file:///etc/passwd", false, false},
		{"://", false, false},
	} {
		t.Run(tc.url, func(t *testing.T) {
			params, err := json.Marshal(map[string]any{
				"requestId": "7", "request": map[string]any{"url": tc.url, "headers": map[string]string{"Accept": "*/*", "authorization": "Bearer of the page"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			p.say(`{"method":"Fetch.requestPaused","sessionId":"S","params":` + string(params) + `}`)
			m := p.next()
			if allowed := m.Method == "Fetch.continueRequest"; allowed != tc.allow || m.Session != "S" {
				t.Errorf("answered %s to session %q", m.Method, m.Session)
			}
			var answer struct {
				RequestID string
				Headers   []struct{ Name, Value string }
			}
			if err := json.Unmarshal(m.Params, &answer); err != nil {
				t.Fatal(err)
			}
			var shown []string
			for _, h := range answer.Headers {
				if strings.EqualFold(h.Name, "Authorization") {
					shown = append(shown, h.Value)
				}
			}
			if got := strings.Join(shown, "|"); answer.RequestID != "7" || tc.token && got != "Bearer secret" || !tc.token && got != "" {
				t.Errorf("request %q shows %q", answer.RequestID, got)
			}
		})
	}
}

func TestOurs(t *testing.T) {
	for _, tc := range []struct {
		server, url string
		want        bool
	}{
		{"https://mon.example:443", "https://mon.example/ui/", true},
		{"https://MON.example", "https://mon.example/ui/", true},
		{"http://mon.example", "http://mon.example:80/", true},
		{"http://mon.example", "https://mon.example/", false},
		{"http://[::1]:7070", "http://[::1]:7070/ui/", true},
	} {
		server, err := url.Parse(tc.server)
		if err != nil {
			t.Fatal(err)
		}
		to, err := url.Parse(tc.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&Browser{opts: Options{Server: server}}).ours(to); got != tc.want {
			t.Errorf("%s is of %s: %v", tc.url, tc.server, got)
		}
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if _, err := Find(""); err == nil || !strings.Contains(err.Error(), "apt-get install chromium") {
		t.Errorf("without a browser: %v", err)
	}
	if _, err := Find("no-such-browser"); err == nil || !strings.Contains(err.Error(), "no-such-browser") {
		t.Errorf("with another name: %v", err)
	}
	path := filepath.Join(dir, "google-chrome")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := Find(""); err != nil || got != path {
		t.Errorf("found %q, %v; want %q", got, err, path)
	}
}

// TestStartOfNoBrowser starts a program that is none, and leaves nothing behind.
func TestStartOfNoBrowser(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	program := filepath.Join(t.TempDir(), "chromium")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho 'no usable sandbox' >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	b, err := Start(Options{Path: program, Server: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Open(t.Context(), "http://127.0.0.1:1/", Look{Width: 1280, Scale: 1, Theme: "light"})
	if err == nil || !strings.Contains(err.Error(), "no usable sandbox") {
		t.Errorf("error %v does not say what the program wrote", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestPaper(t *testing.T) {
	for name, want := range map[string]float64{"page": 0, "a4": 1864, "letter": 1692, "landscape": 878} {
		if got := Papers[name].Length(1280); got < want || got >= want+1 {
			t.Errorf("a sheet of %s has room for %g pixels at a width of 1280, want about %g", name, got, want)
		}
	}
}
