package backtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	config_util "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/wlog"
)

// Source is where the stored samples come from.
type Source struct {
	name  string
	query func(mint, maxt int64) (storage.Querier, error)
	close func() error
}

// String names the source as the report does.
func (s *Source) String() string { return s.name }

// Close releases what the source holds.
func (s *Source) Close() error {
	if s.close == nil {
		return nil
	}
	return s.close()
}

// NewSource wraps a storage that is open already; it stays the caller's.
func NewSource(name string, q storage.Queryable) *Source {
	return &Source{name: name, query: q.Querier}
}

// OpenRemote reads through Prometheus's remote read protocol. base is the
// address without /api/v1/read; token may be empty. external are the server's
// external labels, which it adds to what it answers with.
func OpenRemote(base *url.URL, token string, external labels.Labels, timeout time.Duration) (*Source, error) {
	conf := &remote.ClientConfig{
		URL: &config_util.URL{URL: base.JoinPath("/api/v1/read")}, Timeout: model.Duration(timeout),
		HTTPClientConfig: config_util.DefaultHTTPClientConfig, ChunkedReadLimit: config.DefaultChunkedReadLimit,
	}
	// A token must not follow a redirect to another host.
	conf.HTTPClientConfig.FollowRedirects = false
	if token != "" {
		conf.HTTPClientConfig.Authorization = &config_util.Authorization{Type: "Bearer", Credentials: config_util.Secret(token)}
	}
	client, err := remote.NewReadClient("backtest", conf)
	if err != nil {
		return nil, fmt.Errorf("open remote read of %s: %w", base.Redacted(), err)
	}
	q := remote.NewSampleAndChunkQueryableClient(client, external, nil, true, nil)
	return &Source{name: base.Redacted(), query: q.Querier}, nil
}

// OpenTSDB reads a data directory without changing it, also one that a
// running server owns. dir is Prometheus's data directory or ours. Samples
// that the server accepts later are not seen.
func OpenTSDB(dir string, to time.Time) (*Source, error) {
	if isTSDB(filepath.Join(dir, "metrics")) {
		dir = filepath.Join(dir, "metrics")
	}
	if !isTSDB(dir) {
		return nil, fmt.Errorf("open data directory %s: it has neither blocks nor a write-ahead log; give the directory that --storage.path (Prometheus: --storage.tsdb.path) names", dir)
	}
	for attempt := 1; ; attempt++ {
		src, err := openReadOnly(dir, to)
		var torn *wlog.CorruptionErr
		// A server that is writing leaves half a record at the end for a moment.
		if err == nil || attempt == openAttempts || !errors.As(err, &torn) {
			return src, err
		}
		time.Sleep(openWait)
	}
}

const (
	openAttempts = 5
	openWait     = 200 * time.Millisecond
)

func openReadOnly(dir string, to time.Time) (*Source, error) {
	// Upstream links the head's chunk files into its sandbox, which works only
	// on the same file system.
	db, err := tsdb.OpenDBReadOnly(dir, filepath.Dir(dir), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, fmt.Errorf("open data directory %s: %w", dir, err)
	}
	q, err := db.Querier(math.MinInt64, to.UnixMilli())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open data directory %s: %w", dir, err), db.Close())
	}
	return &Source{
		name:  dir,
		query: func(int64, int64) (storage.Querier, error) { return kept{q}, nil },
		close: func() error {
			return errors.Join(q.Close(), db.Close())
		},
	}, nil
}

func isTSDB(dir string) bool {
	if info, err := os.Stat(filepath.Join(dir, "wal")); err == nil && info.IsDir() {
		return true
	}
	blocks, err := filepath.Glob(filepath.Join(dir, "*", "meta.json"))
	return err == nil && len(blocks) > 0
}

// kept is a querier that outlives the queries: the directory's log is read once.
type kept struct{ storage.Querier }

func (kept) Close() error { return nil }

// ErrTooMuch says that rules read more stored samples at once than MaxHeld allows.
var ErrTooMuch = errors.New("the rules read too many samples at once; narrow their selectors or shorten their ranges")

// cache holds the stored series of one stretch of time in memory, so that both
// sides and all rules read them once, and from several goroutines.
type cache struct {
	src *Source

	mu      sync.Mutex
	entries map[string]*entry
	planned map[string]stretch
	samples int   // loaded since the last reset
	most    int   // that may be loaded between two resets; 0 is no bound
	failed  error // the first read that failed; there is no report without data
}

// stretch is a time from and to, in milliseconds.
type stretch struct{ mint, maxt int64 }

type entry struct {
	stretch
	series []*points
}

func newCache(src *Source) *cache { return &cache{src: src, entries: map[string]*entry{}} }

// reset forgets the series and says how many samples they had. planned are the
// stretches that will be asked for, by selector.
func (c *cache) reset(planned map[string]stretch) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.samples
	c.entries, c.planned, c.samples = map[string]*entry{}, planned, 0
	return n
}

// get gives the series that match from mint to maxt, and perhaps more of them.
// One at a time reads the source: a read-only database allows no more.
func (c *cache) get(ctx context.Context, mint, maxt int64, ms []*labels.Matcher) ([]*points, error) {
	key := matchersText(ms)
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e != nil && e.mint <= mint && e.maxt >= maxt {
		return e.series, nil
	}
	if want, ok := c.planned[key]; ok && want.mint <= maxt && want.maxt >= mint {
		mint, maxt = min(mint, want.mint), max(maxt, want.maxt)
	}
	// Two stretches that do not touch are not joined: between them may lie years.
	if e != nil && mint <= e.maxt && maxt >= e.mint {
		mint, maxt = min(mint, e.mint), max(maxt, e.maxt)
	}
	series, n, err := c.read(ctx, mint, maxt, ms)
	if err != nil {
		c.failed = fmt.Errorf("read %s from %s: %w", key, c.src, err)
		return nil, c.failed
	}
	slices.SortFunc(series, func(a, b *points) int { return labels.Compare(a.ls, b.ls) })
	c.samples += n
	c.entries[key] = &entry{stretch: stretch{mint, maxt}, series: series}
	return series, nil
}

func (c *cache) read(ctx context.Context, mint, maxt int64, ms []*labels.Matcher) ([]*points, int, error) {
	q, err := c.src.query(mint, maxt)
	if err != nil {
		return nil, 0, err
	}
	defer q.Close()
	left := 0
	if c.most > 0 {
		if left = c.most - c.samples; left <= 0 {
			return nil, 0, ErrTooMuch
		}
	}
	return drain(ctx, q.Select(ctx, true, &storage.SelectHints{Start: mint, End: maxt}, ms...), left)
}

// err is the first error of the source: the engine hides it in one of its own.
func (c *cache) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}
