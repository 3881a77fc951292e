package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/config"
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
