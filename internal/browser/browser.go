// Package browser has pages drawn by a headless Chromium: it starts one, opens
// a page of our own server with a token, and takes it as PDF or PNG.
//
// It speaks to the browser over a pair of pipes: a debugging port would let
// everybody on the machine use the session.
package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// names are those under which distributions install Chromium and its kin.
var names = []string{
	"chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "headless_shell", "chrome-headless-shell",
	"microsoft-edge-stable", "microsoft-edge", "brave-browser",
}

// Find returns the path of a browser: the one that is named, or the first of the
// usual names in PATH.
func Find(named string) (string, error) {
	if named != "" {
		found, err := exec.LookPath(named)
		if err != nil {
			return "", fmt.Errorf("find browser: %w", err)
		}
		return found, nil
	}
	for _, name := range names {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	return "", errors.New("find browser: there is no Chromium in PATH, nor Chrome or Edge; install one (Debian and Ubuntu: apt-get install chromium), or name it with --browser or CHROMIUM")
}

// Options of Start.
type Options struct {
	Path          string // of the browser's binary
	Server        *url.URL
	Authorization string // of requests to Server; "" shows nothing
	Language      string // BCP 47, "" leaves the browser's own
	Logger        *slog.Logger
}

// Browser is a running browser without a window.
type Browser struct {
	opts  Options
	cmd   *exec.Cmd
	in    io.Closer // our end of what it says
	pipe  *pipe
	dir   string
	says  *tail
	ended chan struct{} // is closed when its process is gone
}

// Start starts a browser with a profile of its own, which Close removes.
func Start(opts Options) (*Browser, error) {
	if runtime.GOOS == "windows" {
		return nil, errors.New("start browser: on Windows it cannot be handed its pipes; run this command on another system, against the same server")
	}
	dir, err := os.MkdirTemp("", "touchline-browser-")
	if err != nil {
		return nil, fmt.Errorf("start browser: %w", err)
	}
	b := &Browser{opts: opts, dir: dir, says: &tail{}, ended: make(chan struct{})}
	if err := b.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start browser: %w", err), os.RemoveAll(dir))
	}
	return b, nil
}

func (b *Browser) start() error {
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirIn.Close()
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		return errors.Join(err, ourOut.Close())
	}
	defer theirOut.Close()
	args := []string{
		"--headless", "--remote-debugging-pipe", "--user-data-dir=" + filepath.Join(b.dir, "profile"), "--no-first-run", "--no-default-browser-check",
		"--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio", "--hide-scrollbars",
	}
	if b.opts.Language != "" {
		args = append(args, "--lang="+b.opts.Language, "--accept-lang="+b.opts.Language)
	}
	if os.Geteuid() == 0 {
		// It refuses to start as root otherwise. It opens nothing but our own server.
		args = append(args, "--no-sandbox")
	}
	cmd := exec.Command(b.opts.Path, append(args, "about:blank")...)
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4, where it looks for them
	cmd.Stderr = b.says
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		return errors.Join(err, ourIn.Close(), ourOut.Close())
	}
	b.cmd, b.in = cmd, ourIn
	b.pipe = newPipe(ourIn, ourOut, b.letThrough)
	go func() {
		defer close(b.ended)
		_ = cmd.Wait() // how it ended is in what it wrote
	}()
	return nil
}

// Close ends the browser and removes its profile.
func (b *Browser) Close() error {
	patience, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	_ = b.pipe.call(patience, "", "Browser.close", struct{}{}, nil) // it may have ended already
	_ = b.pipe.out.Close()                                          // which says the same
	select {
	case <-b.ended:
	case <-patience.Done():
		_ = b.cmd.Process.Kill()
		<-b.ended
	}
	_ = b.in.Close()
	<-b.pipe.done
	if err := os.RemoveAll(b.dir); err != nil {
		return fmt.Errorf("close browser: %w", err)
	}
	return nil
}

// letThrough is asked for every request: those to our server get the token, and
// there are no others.
func (b *Browser) letThrough(m message) {
	var paused struct {
		RequestID string `json:"requestId"`
		Request   struct {
			URL     string
			Headers map[string]string
		}
	}
	if err := json.Unmarshal(m.Params, &paused); err != nil {
		b.opts.Logger.Warn("a request of the browser could not be read", "err", err)
		return
	}
	to, err := url.Parse(paused.Request.URL)
	method, params := "Fetch.continueRequest", map[string]any{"requestId": paused.RequestID}
	switch {
	case err == nil && (to.Scheme == "data" || to.Scheme == "blob"):
	case err == nil && b.ours(to):
		if b.opts.Authorization != "" {
			headers := []map[string]string{{"name": "Authorization", "value": b.opts.Authorization}}
			for name, value := range paused.Request.Headers {
				if !strings.EqualFold(name, "Authorization") {
					headers = append(headers, map[string]string{"name": name, "value": value})
				}
			}
			params["headers"] = headers
		}
	default:
		b.opts.Logger.Warn("the page asked for another server, which is not let through", "url", paused.Request.URL)
		method, params["errorReason"] = "Fetch.failRequest", "BlockedByClient"
	}
	if err := b.pipe.send(m.Session, method, params, nil); err != nil {
		b.opts.Logger.Debug("a request of the browser was not answered", "err", err)
	}
}

// ours tells whether an address is the server's, below the path that it is served at.
func (b *Browser) ours(to *url.URL) bool {
	s := b.opts.Server
	port := func(u *url.URL) string {
		if p := u.Port(); p != "" || u.Scheme == "" {
			return p
		}
		return map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return to.Scheme == s.Scheme && strings.EqualFold(to.Hostname(), s.Hostname()) && port(to) == port(s) &&
		strings.HasPrefix(to.Path+"/", strings.TrimSuffix(s.Path, "/")+"/")
}

// failed adds what the browser wrote where it ended by itself.
func (b *Browser) failed(err error) error {
	if !errors.Is(err, errGone) {
		return err
	}
	patience := time.NewTimer(2 * time.Second)
	defer patience.Stop()
	select {
	case <-b.ended: // and all that it wrote is read
	case <-patience.C:
	}
	if said := b.says.String(); said != "" {
		return fmt.Errorf("%w; it wrote: %s", err, said)
	}
	return err
}

// tail keeps the end of what is written.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const tailSize = 2000 // bytes

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p)
	if over := t.buf.Len() - tailSize; over > 0 {
		t.buf.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.buf.String())
}
