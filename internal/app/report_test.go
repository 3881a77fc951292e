package app

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"touchline.dev/touchline/internal/selfmon"
	"touchline.dev/touchline/stack"
)

// logged is a log that a test reads while the server writes.
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

// begin starts a server, and stops it when the test ends.
func begin(t *testing.T, log *slog.Logger, args ...string) *App {
	t.Helper()
	a, err := New(t.Context(), Options{Config: settings(t, args...), Reread: reread(t, args...), Logger: log, Shipped: stack.FS})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// Who keeps an Alertmanager is told so from the first line on, before it has
// been discovered, and that a file of the embedded one decides nothing.
func TestAlertmanagersOfPrometheusAreTheReceivers(t *testing.T) {
	files, log := t.TempDir(), &logged{}
	prom := write(t, filepath.Join(files, "prometheus.yml"), "alerting:\n  alertmanagers: [{static_configs: [{targets: ['127.0.0.1:1']}]}]\n")
	am := write(t, filepath.Join(files, "alertmanager.yml"), "route: {receiver: r}\nreceivers: [{name: r}]\n")
	a := begin(t, slog.New(slog.NewTextHandler(log, nil)), "--sources.enabled=false", "--stack.enabled=false", "--storage.path="+t.TempDir(), "--prometheus.config="+prom, "--alertmanager.config="+am)
	to := a.Report().Alerts
	if to.None || to.Mode != selfmon.AlertsExternal || !slices.Equal(to.Alertmanagers, []string{"http://127.0.0.1:1/api/v2/alerts"}) || !to.Ignored {
		t.Errorf("told: %+v", to)
	}
	if !strings.Contains(log.String(), "This file has no effect") || !strings.Contains(log.String(), am) {
		t.Errorf("the log does not say that the file has no effect:\n%s", log)
	}
}
