package heartbeat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const secretURL = "https://me:geheim@deadman.example.com/ping/geheim?key=geheim"

// rig is a Sender with everything around it.
type rig struct {
	*Sender
	reg    *prometheus.Registry
	log    logged
	health health
	dead   atomic.Pointer[error]

	mu  sync.Mutex
	got []time.Time
}

func (r *rig) beats() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}

func (r *rig) die(err error) { r.dead.Store(&err) }

func newRig(t *testing.T, method string, answers func(*http.Request) (*http.Response, error)) *rig {
	t.Helper()
	r := &rig{reg: prometheus.NewRegistry()}
	var err error
	r.Sender, err = New(Options{
		URL: Fixed(secretURL), Method: method, Interval: 30 * time.Second, InstanceID: "i", StartedAt: time.Now(),
		Alive: func(context.Context) error {
			if e := r.dead.Load(); e != nil {
				return *e
			}
			return nil
		},
		LastSeen: time.Now, Health: &r.health, Logger: r.log.logger(), Registerer: r.reg,
		Transport: server(func(req *http.Request) (*http.Response, error) {
			r.mu.Lock()
			r.got = append(r.got, time.Now())
			r.mu.Unlock()
			return answers(req)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Start()
	t.Cleanup(r.Stop)
	return r
}

func TestBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var body Status
		r := newRig(t, http.MethodPost, func(req *http.Request) (*http.Response, error) {
			if req.URL.String() != secretURL || req.Header.Get("Content-Type") != "application/json" {
				t.Errorf("asked %s", req.URL)
			}
			if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
				t.Error(err)
			}
			return answer(http.StatusOK, "OK")
		})
		<-time.After(5 * time.Minute)
		synctest.Wait()
		// One a second after the start, and one each half minute from then on.
		if n := r.beats(); n != 10 {
			t.Errorf("%d beats in five minutes", n)
		}
		if body.Sequence != 10 || body.InstanceID != "i" || !body.Alive || body.IntervalSeconds != 30 || body.LastWatchdog.IsZero() {
			t.Errorf("the last beat is %+v", body)
		}
		if got := value(t, r.reg, "touchline_heartbeat_sent_total", ""); got != 10 {
			t.Errorf("counted %v", got)
		}
		if got := value(t, r.reg, "touchline_heartbeat_last_success_timestamp_seconds", ""); got < float64(time.Now().Add(-30*time.Second).Unix()) {
			t.Errorf("last success %v", got)
		}
		if r.health.get() != "ok" {
			t.Errorf("health %q", r.health.get())
		}
		if s := r.Status(); s.Sequence != 10 || !s.Alive {
			t.Errorf("status %+v", s)
		}
	})
}

func TestGetHasNoBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, http.MethodGet, func(req *http.Request) (*http.Response, error) {
			if req.Method != http.MethodGet || req.Body != nil {
				t.Errorf("%s with body %v", req.Method, req.Body)
			}
			return answer(http.StatusOK, "")
		})
		<-time.After(2 * time.Second)
		if r.beats() != 1 {
			t.Errorf("%d beats", r.beats())
		}
	})
}

func TestWithheld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, http.MethodPost, func(*http.Request) (*http.Response, error) { return answer(http.StatusOK, "") })
		<-time.After(10 * time.Second)
		before := r.beats()
		r.die(withheld(Dispatch, "the alert is lost"))
		<-time.After(10 * time.Minute)
		synctest.Wait()
		if n := r.beats() - before; n != 0 {
			t.Errorf("%d beats while nothing was alive", n)
		}
		if got := value(t, r.reg, "touchline_heartbeat_withheld_total", Dispatch); got != 20 {
			t.Errorf("counted %v as withheld, want one each half minute", got)
		}
		if !strings.Contains(r.health.get(), "degraded: the heartbeat is withheld: the alert is lost") {
			t.Errorf("health %q", r.health.get())
		}
		if n := strings.Count(r.log.String(), "Heartbeat is withheld"); n != 1 || !strings.Contains(r.log.String(), "reason=dispatch") {
			t.Errorf("logged %d times:\n%s", n, r.log.String())
		}
		if s := r.Status(); s.Alive || s.Starting || s.Reason != "the alert is lost" || s.Sequence != 1 {
			t.Errorf("status %+v", s)
		}
		var none error
		r.dead.Store(&none)
		<-time.After(1500 * time.Millisecond)
		synctest.Wait()
		if r.beats() != before+1 || r.health.get() != "ok" || !strings.Contains(r.log.String(), "Heartbeat goes on") {
			t.Errorf("alive again, %d beats, health %q", r.beats(), r.health.get())
		}
	})
}

func TestStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{reg: prometheus.NewRegistry()}
		began := time.Now()
		var err error
		r.Sender, err = New(Options{
			URL: Fixed(secretURL), Method: http.MethodGet, Interval: 30 * time.Second, LastSeen: time.Now, Health: &r.health, Logger: r.log.logger(), Registerer: r.reg,
			Alive: func(context.Context) error {
				if time.Since(began) < 14*time.Second {
					return withheld(Starting, "not evaluated yet")
				}
				return nil
			},
			Transport: server(func(*http.Request) (*http.Response, error) {
				if d := time.Since(began); d > 15*time.Second {
					t.Errorf("the first beat came after %s", d)
				}
				return answer(http.StatusOK, "")
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		if s := r.Status(); s.Alive || !s.Starting {
			t.Errorf("status before the start: %+v", s)
		}
		r.Start()
		defer r.Stop()
		<-time.After(20 * time.Second)
		if r.log.String() != "" || value(t, r.reg, "touchline_heartbeat_sent_total", "") != 1 || value(t, r.reg, "touchline_heartbeat_withheld_total", Starting) != 0 {
			t.Errorf("starting is no event:\n%s", r.log.String())
		}
	})
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(n int, r *http.Request) (*http.Response, error)
		sent bool
		says string
	}{
		{"once", func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return answer(http.StatusBadGateway, "")
			}
			return answer(http.StatusOK, "")
		}, true, ""},
		{"always", func(int, *http.Request) (*http.Response, error) { return answer(http.StatusNotFound, "geheim") }, false, "answered Not Found"},
		{"redirect", func(int, *http.Request) (*http.Response, error) {
			res, _ := answer(http.StatusFound, "")
			res.Header.Set("Location", "https://elsewhere.example.com/")
			return res, nil
		}, false, "a redirect, which is not followed"},
		{"no connection", func(int, *http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }, false, "connection refused"},
		{"no answer", func(_ int, r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, false, "no answer in time"},
		{"endless answer", func(int, *http.Request) (*http.Response, error) {
			res, _ := answer(http.StatusOK, "")
			res.Body = io.NopCloser(endless{})
			return res, nil
		}, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				r := newRig(t, http.MethodPost, func(req *http.Request) (*http.Response, error) {
					if req.URL.Host != "deadman.example.com" {
						t.Errorf("followed to %s", req.URL.Host)
					}
					n++
					return c.do(n, req)
				})
				<-time.After(28 * time.Second)
				synctest.Wait()
				sent, failed := value(t, r.reg, "touchline_heartbeat_sent_total", ""), value(t, r.reg, "touchline_heartbeat_failures_total", "")
				if c.sent {
					if sent != 1 || failed != float64(n-1) || r.health.get() != "ok" {
						t.Errorf("%v sent, %v failed, health %q", sent, failed, r.health.get())
					}
					return
				}
				if sent != 0 || failed != 2 || r.beats() != 2 {
					t.Errorf("%v sent, %v failed of %d attempts; want two attempts", sent, failed, r.beats())
				}
				if !strings.Contains(r.health.get(), c.says) || !strings.Contains(r.log.String(), c.says) {
					t.Errorf("health %q, log %s", r.health.get(), r.log.String())
				}
				if said := r.health.get() + r.log.String(); strings.Contains(said, "geheim") || strings.Contains(said, "/ping") {
					t.Errorf("the URL is shown: %s", said)
				}
			})
		})
	}
}

// endless is a body without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestErrorsOfRealNetworkHideTheURL asks addresses that nobody can reach, as
// net/http puts the URL into each of its errors.
func TestErrorsOfRealNetworkHideTheURL(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	host := strings.TrimPrefix(gone.URL, "http://")
	gone.Close()
	tr := newTransport()
	defer tr.CloseIdleConnections()
	c := newClient(tr, 5*time.Second)
	for _, u := range []string{"http://me:geheim@" + host + "/geheim?geheim", "https://me:geheim@" + host + "/geheim", "http://" + host + "/\x7fgeheim"} {
		if _, err := c.do(t.Context(), http.MethodGet, u, "", nil); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("got %v", err)
		}
	}
}

func TestStopCutsARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, http.MethodPost, func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		<-time.After(1500 * time.Millisecond)
		began := time.Now()
		r.Stop()
		if d := time.Since(began); d > 0 || value(t, r.reg, "touchline_heartbeat_failures_total", "") != 0 {
			t.Errorf("stopping took %s, or was counted as a failure", d)
		}
	})
}

func TestWithoutURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h health
		s, err := New(Options{Interval: time.Second, LastSeen: time.Now, Alive: func(context.Context) error { return nil }, Health: &h, Logger: (&logged{}).logger(), Registerer: prometheus.NewRegistry()})
		if err != nil {
			t.Fatal(err)
		}
		s.Stop() // before a start it does nothing
		s.Start()
		defer s.Stop()
		<-time.After(10500 * time.Millisecond)
		if st := s.Status(); st.Sequence != 10 || !st.Alive || !strings.HasPrefix(h.get(), "off: ") {
			t.Errorf("status %+v, health %s", st, h.get())
		}
	})
}

func TestURLOfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "url")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	get := FromFile(path)
	if _, err := get(); err == nil || !strings.Contains(err.Error(), "--heartbeat.url-file") {
		t.Errorf("missing: %v", err)
	}
	for _, text := range []string{"", "geheim", "ftp://geheim", "http:///geheim", "http://geheim http://geheim", "http://%zzgeheim"} {
		put(text)
		if got, err := get(); err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, want := range []string{"https://h/a", "http://u:p@h/b?c"} {
		put(want + "\n")
		if got, err := get(); err != nil || got != want {
			t.Errorf("got %q, %v", got, err)
		}
	}
	_, err := New(Options{URL: func() (string, error) { return "", fmt.Errorf("no file") }, Registerer: prometheus.NewRegistry(), Health: &health{}})
	if err == nil {
		t.Error("a bad URL does not stop the start")
	}
}
