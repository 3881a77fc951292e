package metrics

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/storage"
)

type markKey struct{}

// marked tells of each appender whether its context is marked.
type marked struct {
	storage.Storage
	seen chan bool
}

func (m marked) AppenderV2(ctx context.Context) storage.AppenderV2 {
	select {
	case m.seen <- ctx.Value(markKey{}) != nil:
	default:
	}
	return m.Storage.AppenderV2(ctx)
}

// A sender may spread a scrape over several requests; our own scrapes come whole, and are told by their context.
func TestScrapesAreMarked(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "m 1") }))
	defer target.Close()
	seen := make(chan bool, 1)
	e := newTestEngine(t, func(o *Options) {
		o.Observe = func(s storage.Storage) storage.Storage { return marked{s, seen} }
		o.Scraped = func(ctx context.Context) context.Context { return context.WithValue(ctx, markKey{}, true) }
	})
	next := func() bool {
		select {
		case m := <-seen:
			return m
		case <-time.After(30 * time.Second):
			t.Fatal("nothing was appended")
			return false
		}
	}
	if code, body := do(t, e.Handler(), http.MethodPost, "/write", bytes.NewReader(writeRequest(t, series(3, time.Now(), "__name__", "m"))), v1Header); code != http.StatusNoContent {
		t.Fatalf("write: %d %s", code, body)
	}
	if next() {
		t.Error("a sender's request is marked as a scrape")
	}
	c, err := config.Load(fmt.Sprintf("scrape_configs: [{job_name: j, scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{targets: [%q]}]}]", strings.TrimPrefix(target.URL, "http://")), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	change, err := e.Prepare(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := change.Apply(); err != nil {
		t.Fatal(err)
	}
	e.Run()
	if !next() {
		t.Error("a scrape is not marked")
	}
	e.StopScraping()
}
