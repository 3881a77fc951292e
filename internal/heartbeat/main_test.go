package heartbeat

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logged takes a log.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// health remembers the last state.
type health struct {
	mu    sync.Mutex
	state string
}

func (h *health) set(s string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state = s
}
func (h *health) OK()               { h.set("ok") }
func (h *health) Degraded(m string) { h.set("degraded: " + m) }
func (h *health) Off(m string)      { h.set("off: " + m) }
func (h *health) get() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state
}

// server is a network in which one handler answers everything. It does not
// leave the test's bubble of time.
type server func(*http.Request) (*http.Response, error)

func (s server) RoundTrip(r *http.Request) (*http.Response, error) { return s(r) }

func answer(code int, body string) (*http.Response, error) {
	return &http.Response{
		StatusCode: code, Status: strings.TrimSpace(http.StatusText(code)), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

// value reads one sample of a registry.
func value(t *testing.T, reg *prometheus.Registry, name, label string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if label != "" && m.GetLabel()[0].GetValue() != label {
				continue
			}
			if m.Counter != nil {
				return m.Counter.GetValue()
			}
			return m.Gauge.GetValue()
		}
	}
	return -1
}
