package heartbeat

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// peer is an instance that is watched, as the network shows it.
type peer struct {
	mu      sync.Mutex
	status  Status
	ready   int
	code    int
	body    string
	hang    bool
	grow    bool // its sequence grows with each answer
	headers []string
}

func (o *peer) set(f func(*peer)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f(o)
}

func (o *peer) serve(r *http.Request) (*http.Response, error) {
	o.mu.Lock()
	hang := o.hang
	o.mu.Unlock()
	if hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	user, password, _ := r.BasicAuth()
	o.headers = append(o.headers, r.URL.Path+" "+r.Header.Get("Authorization")+user+password)
	switch r.URL.Path {
	case "/-/ready":
		return answer(o.ready, "")
	case "/touchline/v1/heartbeat":
		if o.grow {
			o.status.Sequence++
		}
		if o.body != "" {
			return answer(o.code, o.body)
		}
		raw, err := json.Marshal(o.status)
		if err != nil {
			return nil, err
		}
		return answer(o.code, string(raw))
	}
	return answer(http.StatusNotFound, "")
}

func healthy() *peer {
	return &peer{ready: http.StatusOK, code: http.StatusOK, grow: true, status: Status{InstanceID: "a", Alive: true, IntervalSeconds: 30}}
}

// watching is a Watcher of one instance.
type watching struct {
	*Watcher
	reg *prometheus.Registry
	log logged
}

func watch(t *testing.T, o *peer, url, token string) *watching {
	t.Helper()
	w := &watching{reg: prometheus.NewRegistry()}
	var err error
	w.Watcher, err = NewWatcher(WatchOptions{
		URLs: []string{url}, TokenFile: token, Interval: 30 * time.Second, InstanceID: "own", Logger: w.log.logger(), Registerer: w.reg, Transport: server(o.serve),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Start()
	t.Cleanup(w.Stop)
	return w
}

func (w *watching) want(t *testing.T, up, missed float64) {
	t.Helper()
	synctest.Wait()
	if got := value(t, w.reg, "touchline_watched_up", "a:7070"); got != up {
		t.Errorf("up is %v, want %v: %+v", got, up, w.Watched())
	}
	if got := value(t, w.reg, "touchline_watched_missed_beats", "a:7070"); got != missed {
		t.Errorf("%v beats are missed, want %v: %+v", got, missed, w.Watched())
	}
}

func TestWatched(t *testing.T) {
	for _, c := range []struct {
		name string
		sick func(*peer)
		says string
	}{
		{"not ready", func(o *peer) { o.ready = http.StatusServiceUnavailable }, "it is not ready"},
		{"hangs", func(o *peer) { o.hang = true }, "no answer in time"},
		{"alerting broken", func(o *peer) { o.status.Alive, o.status.Reason = false, "the disk is full" }, "does not work from end to end: the disk is full"},
		{"stands still", func(o *peer) { o.grow = false }, "has made no beat for"},
		{"no access", func(o *peer) { o.code = http.StatusUnauthorized }, "--heartbeat.watch-token-file"},
		{"older", func(o *peer) { o.code = http.StatusNotFound }, "older than this version"},
		{"another server", func(o *peer) { o.body = "<html>" }, "is it a Touchline?"},
		{"JSON of another", func(o *peer) { o.body = "{}" }, "is it a Touchline?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := healthy()
				w := watch(t, o, "http://me:geheim@a:7070/", "")
				<-time.After(5*time.Minute + time.Second)
				w.want(t, 1, 0)
				last := value(t, w.reg, "touchline_watched_last_alive_timestamp_seconds", "a:7070")
				if age := float64(time.Now().Unix()) - last; age < 0 || age > 31 {
					t.Errorf("last alive %v seconds ago", age)
				}
				o.set(c.sick)
				<-time.After(10 * time.Minute)
				synctest.Wait()
				if up, missed := value(t, w.reg, "touchline_watched_up", "a:7070"), value(t, w.reg, "touchline_watched_missed_beats", "a:7070"); up != 0 || missed < 15 {
					t.Errorf("up %v, missed %v", up, missed)
				}
				if s := w.Watched()[0]; s.Up || s.Host != "a:7070" || !strings.Contains(s.Reason, c.says) {
					t.Errorf("state %+v, want %q", s, c.says)
				}
				if !strings.Contains(w.log.String(), "Watched instance is not alive") || strings.Contains(w.log.String(), "geheim") {
					t.Errorf("log:\n%s", w.log.String())
				}
				o.set(func(o *peer) {
					o.ready, o.code, o.body, o.hang, o.grow = http.StatusOK, http.StatusOK, "", false, true
					o.status = healthy().status
				})
				<-time.After(31 * time.Second)
				w.want(t, 1, 0)
			})
		})
	}
}

// TestSoonNoticed bounds how many looks it takes.
func TestSoonNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := healthy()
		w := watch(t, o, "http://a:7070", "")
		<-time.After(time.Minute + time.Second)
		o.set(func(o *peer) { o.ready = http.StatusBadGateway })
		<-time.After(30 * time.Second)
		w.want(t, 0, 1)
		<-time.After(30 * time.Second)
		w.want(t, 0, 2)
	})
}

// TestRestartIsNoMissedBeat lets an instance start anew: ready, but without a
// first alert for a while.
func TestRestartIsNoMissedBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := healthy()
		w := watch(t, o, "http://a:7070", "")
		<-time.After(time.Minute + time.Second)
		o.set(func(o *peer) { o.status = Status{InstanceID: "b", Starting: true}; o.grow = false })
		<-time.After(90 * time.Second)
		w.want(t, 0, 0)
		// One that never gets further is missed in between.
		for range 2 {
			o.set(func(o *peer) { o.ready = http.StatusBadGateway })
			<-time.After(30 * time.Second)
			o.set(func(o *peer) { o.ready = http.StatusOK })
			<-time.After(30 * time.Second)
		}
		w.want(t, 0, 2)
	})
}

func TestNeverThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := healthy()
		o.hang = true
		w := watch(t, o, "http://a:7070", "")
		<-time.After(5 * time.Minute)
		synctest.Wait()
		if missed := value(t, w.reg, "touchline_watched_missed_beats", "a:7070"); missed < 9 {
			t.Errorf("%v missed", missed)
		}
		if last := value(t, w.reg, "touchline_watched_last_alive_timestamp_seconds", "a:7070"); last != 0 {
			t.Errorf("last alive %v", last)
		}
	})
}

func TestWatchesItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := healthy()
		o.status.InstanceID = "own"
		w := watch(t, o, "http://a:7070", "")
		<-time.After(10 * time.Minute)
		synctest.Wait()
		if n := strings.Count(w.log.String(), "This instance watches itself"); n != 1 {
			t.Errorf("warned %d times:\n%s", n, w.log.String())
		}
	})
}

func TestCredentials(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(token, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("first\n")
	for _, c := range []struct{ name, url, token, want string }{
		{"none", "http://a:7070", "", "/touchline/v1/heartbeat "},
		{"token", "http://a:7070", token, "/touchline/v1/heartbeat Bearer first"},
		{"basic", "http://me:pw@a:7070", token, "/touchline/v1/heartbeat Basic bWU6cHc=mepw"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := healthy()
				w := watch(t, o, c.url, c.token)
				synctest.Wait()
				o.set(func(o *peer) {
					if got := o.headers[len(o.headers)-1]; got != c.want {
						t.Errorf("sent %q, want %q", got, c.want)
					}
				})
				if c.name != "token" {
					return
				}
				put("second")
				<-time.After(31 * time.Second)
				synctest.Wait()
				o.set(func(o *peer) {
					if got := o.headers[len(o.headers)-1]; !strings.HasSuffix(got, "Bearer second") {
						t.Errorf("after a change of the file %q was sent", got)
					}
				})
				put("")
				<-time.After(30 * time.Second)
				w.want(t, 0, 1)
				put("first")
			})
		})
	}
}

func TestWatcherRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, o := range map[string]WatchOptions{
		"twice":    {URLs: []string{"http://a:1/geheim", "http://u:geheim@a:1"}},
		"no URL":   {URLs: []string{"geheim"}},
		"no token": {URLs: []string{"http://a:1"}, TokenFile: filepath.Join(dir, "none")},
	} {
		o.Registerer = prometheus.NewRegistry()
		if _, err := NewWatcher(o); err == nil || !strings.Contains(err.Error(), "--heartbeat.watch-") || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
