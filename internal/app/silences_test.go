package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/incident/maintenance"
)

// amStub answers as Alertmanager's API does, and remembers what it was sent.
type amStub struct {
	mu   sync.Mutex
	sent []string
	code int
}

func (s *amStub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var body json.RawMessage
	if r.Body != nil && r.Method != http.MethodGet {
		_ = json.NewDecoder(r.Body).Decode(&body)
	}
	s.sent = append(s.sent, r.Method+" "+r.URL.Path+" "+string(body))
	switch {
	case s.code != 0:
		w.WriteHeader(s.code)
		_, _ = w.Write([]byte(`"no"`))
	case r.URL.Path == "/api/v2/silence/old":
		_, _ = w.Write([]byte(`{"status":{"state":"expired"}}`))
	case strings.HasPrefix(r.URL.Path, "/api/v2/silence/"):
		_, _ = w.Write([]byte(`{"status":{"state":"active"}}`))
	case r.URL.Path == "/api/v2/silences" && r.Method == http.MethodGet:
		_, _ = w.Write([]byte(`[{"id":"a","matchers":[{"name":"job","value":"db","isRegex":false,"isEqual":true},{"name":"env","value":"dev|\"qa\"","isRegex":true,"isEqual":false},{"name":"a","value":"b","isRegex":true,"isEqual":true},{"name":"c","value":"","isRegex":false,"isEqual":false}],"createdBy":"anna","comment":"a new disk","status":{"state":"active"},"endsAt":"2026-11-25T22:00:00Z"},{"id":"b","status":{"state":"expired"},"endsAt":"2026-11-25T22:00:00Z"},{"id":"c","status":{"state":"active"},"endsAt":"2027-11-25T22:00:00Z"}]`))
	default:
		_, _ = w.Write([]byte(`{"silenceID":"x"}`))
	}
}

func (s *amStub) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := strings.Join(s.sent, "\n")
	s.sent = nil
	return out
}

func TestAlertmanagerClient(t *testing.T) {
	am := &amStub{}
	c := &amClient{handler: am}
	ctx := t.Context()
	id, err := c.silence(ctx, maintenance.Silence{Matchers: []string{`a="b"`, `c!~"d.*"`, `{e=~"f", g!="h"}`}, By: "anna", Comment: "x", To: time.Now()})
	if err != nil || id != "x" {
		t.Fatal(id, err)
	}
	sent := am.take()
	for _, want := range []string{
		`{"name":"a","value":"b","isRegex":false,"isEqual":true}`, `{"name":"c","value":"d.*","isRegex":true,"isEqual":false}`,
		`{"name":"e","value":"f","isRegex":true,"isEqual":true}`, `{"name":"g","value":"h","isRegex":false,"isEqual":false}`,
	} {
		if !strings.Contains(sent, want) {
			t.Errorf("no %s in %s", want, sent)
		}
	}
	if _, err := c.silence(ctx, maintenance.Silence{Matchers: []string{"a b"}}); err == nil {
		t.Error("a matcher that is none is sent")
	}
	ends, err := c.endings(ctx, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || len(ends) != 1 || ends[0].ID != "a" {
		t.Fatalf("%+v, %v", ends, err)
	}
	am.take()
	// The message before the end says what is silenced, by whom and why; as labels it could be silenced.
	if err := c.announce(ctx, ends[0]); err != nil {
		t.Fatal(err)
	}
	var told []struct{ Labels, Annotations map[string]string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(am.take(), "POST /api/v2/alerts ")), &told); err != nil || len(told) != 1 {
		t.Fatalf("%v, %v", told, err)
	}
	const what = `{job="db", env!~"dev|\"qa\"", a=~"b", c!=""}`
	if want := map[string]string{
		"summary":     "The silence of anna over " + what + " ends at 22:00 UTC",
		"description": "Silenced: " + what + ". Made by: anna. Comment: a new disk",
	}; !maps.Equal(told[0].Annotations, want) || !maps.Equal(told[0].Labels, map[string]string{"alertname": "SilenceEnding", "severity": "info", "silence": "a"}) {
		t.Errorf("%v", told[0])
	}
	if err := c.announce(ctx, maintenance.Ending{ID: "b", By: "li", Comment: " "}); err != nil || !strings.Contains(am.take(), "Silenced: {}. Made by: li. Comment: none") {
		t.Error("a silence without a comment", err)
	}
	if err := c.expire(ctx, "live"); err != nil || !strings.Contains(am.take(), "DELETE /api/v2/silence/live") {
		t.Error("an active silence is not deleted", err)
	}
	if err := c.expire(ctx, "old"); err != nil || strings.Contains(am.take(), "DELETE") {
		t.Error("an expired silence is deleted again", err)
	}
	am.code = http.StatusNotFound
	if err := c.expire(ctx, "gone"); !errors.Is(err, maintenance.ErrNoSilence) {
		t.Error(err)
	}
	am.code = http.StatusBadGateway
	if err := c.expire(ctx, "x"); err == nil {
		t.Error("an Alertmanager that is down is no error")
	}
}

// TestAlertmanagerClientIsBounded waits no longer than its caller for an answer,
// and takes one that is cut off as none.
func TestAlertmanagerClientIsBounded(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"silenceID":`))
	}))
	defer elsewhere.Close()
	at, err := url.Parse(elsewhere.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) }, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	ctx := context.WithValue(t.Context(), http.ServerContextKey, elsewhere.Config)
	if _, err := (&amClient{handler: proxy}).silence(ctx, maintenance.Silence{Matchers: []string{"a=b"}}); err == nil {
		t.Error("an answer that is cut off is taken")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	hangs := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		w.WriteHeader(http.StatusBadGateway)
	})
	if _, err := (&amClient{handler: hangs}).silence(ctx, maintenance.Silence{Matchers: []string{"a=b"}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an Alertmanager that hangs: %v", err)
	}
}

// TestSilencedEnds announces each end once, and without the labels that are silenced.
func TestSilencedEnds(t *testing.T) {
	am := &amStub{}
	var s silencedEnds
	s.init()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.run(ctx, &amClient{handler: am}, slog.New(slog.DiscardHandler)) })
	begun := time.Now()
	first := alerting.GroupAlert{Fingerprint: "f", Labels: map[string]string{"alertname": "Down", "service": "api"}, StartsAt: begun}
	again := first
	again.StartsAt = begun.Add(time.Hour)
	for _, a := range []alerting.GroupAlert{first, first, again} {
		s.add(a)
	}
	end := time.After(5 * time.Second)
	for tick := time.NewTicker(time.Millisecond); ; {
		am.mu.Lock()
		n := len(am.sent)
		am.mu.Unlock()
		if n >= 2 {
			break
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("nothing is announced")
		}
	}
	cancel()
	wg.Wait()
	sent := am.take()
	if strings.Count(sent, "SilencedAlertResolved") != 2 || strings.Contains(sent, `"service":"api"`) || !strings.Contains(sent, `\"service\":\"api\"`) {
		t.Error(sent)
	}
}
