package metrics

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/rules"
)

func alertingConfig(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Load(text, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What a configuration names is known before anything has been discovered.
func TestNamedAlertmanagers(t *testing.T) {
	c := alertingConfig(t, `
alerting:
  alertmanagers:
    - static_configs: [{targets: [am-1:9093, am-2:9093]}]
    - scheme: https
      path_prefix: /am/
      static_configs: [{targets: [am-3]}]
    - dns_sd_configs: [{names: [am.example.com], type: A, port: 9093}]
`)
	want := []string{"http://am-1:9093/api/v2/alerts", "http://am-2:9093/api/v2/alerts", "https://am-3/am/api/v2/alerts"}
	if got := named(c); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := named(alertingConfig(t, "global: {}\n")); got != nil {
		t.Errorf("got %q where none is named", got)
	}
}

func TestFailingAlertmanagerIsTold(t *testing.T) {
	code := http.StatusOK
	am := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
	defer am.Close()
	u, err := url.Parse(am.URL + "/api/v2/alerts")
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("me", "secret")
	var f failures
	send := func() {
		t.Helper()
		req, err := http.NewRequest(http.MethodPost, u.String(), strings.NewReader("[]"))
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := f.do(context.Background(), am.Client(), req); err == nil {
			_ = resp.Body.Close()
		}
	}
	send()
	if got, failing := f.of(u); failing {
		t.Errorf("got %+v after a success", got)
	}
	code = http.StatusServiceUnavailable
	send()
	if got, failing := f.of(u); !failing || got.Error != "it answers 503 Service Unavailable" || strings.Contains(got.URL, "secret") || got.At.IsZero() {
		t.Errorf("got %+v", got)
	}
	code = http.StatusOK
	send()
	if got, failing := f.of(u); failing {
		t.Errorf("got %+v after a success that follows a failure", got)
	}
	am.Close()
	send()
	if got, failing := f.of(u); !failing || !strings.Contains(got.Error, "refused") || strings.Contains(got.Error, "secret") {
		t.Errorf("got %+v from an address where nothing listens", got)
	}
	var nobody failures
	if got, failing := nobody.of(u); failing {
		t.Errorf("got %+v before anything was sent", got)
	}
}

// What is told before the named Alertmanager has been discovered comes back, and
// is taken once it has been.
func TestNothingIsToldToNobody(t *testing.T) {
	took := make(chan string, 1)
	am := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		took <- string(body)
	}))
	defer am.Close()
	n, err := NewNotifier(NotifierOptions{
		Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), ExternalURL: &url.URL{Scheme: "http", Host: "here"}, QueueCapacity: 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := n.Apply(alertingConfig(t, "alerting: {alertmanagers: [{static_configs: [{targets: ['"+strings.TrimPrefix(am.URL, "http://")+"']}]}]}")); err != nil {
		t.Fatal(err)
	}
	alert := &rules.Alert{Labels: labels.FromStrings("alertname", "Told"), FiredAt: time.Now(), ValidUntil: time.Now().Add(time.Minute)}
	if err := n.Notify(t.Context(), "up == 0", alert); err == nil {
		t.Error("taken before anybody is there to be told")
	}
	n.Run()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for sent := false; ; {
		select {
		case <-tick.C:
			if !sent {
				sent = n.Notify(t.Context(), "up == 0", alert) == nil
			}
		case body := <-took:
			if !strings.Contains(body, `"Told"`) {
				t.Errorf("told %s", body)
			}
			return
		case <-deadline:
			t.Fatal("not told within 20 s")
		}
	}
}
