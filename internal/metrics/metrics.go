// Package metrics embeds Prometheus: storage, scraping, service discovery,
// PromQL, remote write and read, OTLP metrics, federation and the HTTP API.
// It is built from upstream's own packages; what is ours here is the wiring,
// the limits that keep one request from taking the process down, and the
// deduplication of replicated senders.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grafana/regexp"
	"github.com/prometheus/client_golang/prometheus"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/features"
	"github.com/prometheus/prometheus/util/logging"
	"github.com/prometheus/prometheus/util/notifications"
	v1 "github.com/prometheus/prometheus/web/api/v1"
)

// QueryLimits bound what one PromQL query, and all of them together, may take.
type QueryLimits struct {
	MaxSamples     int           // samples held in memory by one query
	MaxMemory      int64         // bytes that one query may hold, 0 for no limit of its own
	Timeout        time.Duration // longest run time
	MaxConcurrency int           // queries that run at the same time; more wait
	Lookback       time.Duration // how long a series lives without a sample
}

// ReceiveLimits bound what one remote-write or OTLP request may carry, in bytes.
type ReceiveLimits struct {
	MaxBody    int64 // as sent
	MaxDecoded int64 // after decompression
}

// ReadLimits bound remote read.
type ReadLimits struct {
	Samples       int
	Concurrency   int
	BytesInFrame  int
	SearchResults int
}

// Options configure an Engine. All fields without a remark are required.
type Options struct {
	Dir              string // the TSDB directory
	Logger           *slog.Logger
	Registerer       prometheus.Registerer
	Gatherer         prometheus.Gatherer // everything that the process exports
	RetentionTime    time.Duration       // 0 keeps data for ever
	RetentionSize    int64               // bytes, 0 for no limit
	OutOfOrderWindow time.Duration       // used where prometheus.yml sets none
	MaxExemplars     int64
	MinBlockDuration time.Duration
	MinFree          int64          // space to keep free, in bytes; samples are refused below it
	Health           HealthReporter // optional: told when samples are refused
	Query            QueryLimits
	Receive          ReceiveLimits
	Read             ReadLimits
	MaxScrapeBody    int64 // bytes of a target's answer where its job sets no limit, 0 for none
	HA               HAOptions
	MemoryLimit      int64 // bytes, 0 when the process has none
	EnableAdmin      bool
	EnableLifecycle  bool   // shown by /api/v1/features
	ListenAddress    string // host:port of the API; links to targets on this port name the external URL's
	ExternalURL      *url.URL
	CORSOrigin       *regexp.Regexp
	Flags            map[string]string // shown by /api/v1/status/flags
	Version          v1.PrometheusVersion
	StartedAt        time.Time
	Dial             func(ctx context.Context, network, addr string) (net.Conn, error) // optional: reaches in-process targets
	Observe          func(storage.Storage) storage.Storage                             // optional: wraps the storage that everything is appended to
	Scraped          func(context.Context) context.Context                             // optional: marks the contexts of the appenders that scrapes make
	Rules            v1.RulesRetriever
	Alertmanagers    v1.AlertmanagerRetriever
	Now              func() time.Time // optional
}

// Engine is one embedded Prometheus. New opens it, Apply gives it a
// configuration, Run starts scraping, Close stops everything.
type Engine struct {
	o        Options
	log      *slog.Logger
	parser   parser.Parser
	features features.Collector

	db       *tsdb.DB
	failures *failureCounters
	disk     *diskGuard
	budget   *receiveBudget // of everything that is being received
	remote   *remote.Storage
	fanout   storage.Storage
	engine   *promql.Engine
	guard    *queryGuard
	ha       *haTracker
	scraper  *scrape.Manager
	sd       *discovery.Manager
	notes    *notifications.Notifications
	api      *v1.API
	received storage.AppendableV2
	appended storage.AppendableV2 // of scraping and rules
	fed      *federation

	cfg      atomic.Pointer[config.Config] // the user's configuration, without in-process targets
	interval atomic.Int64                  // global evaluation interval, milliseconds

	cancel  context.CancelFunc
	wg      sync.WaitGroup
	started bool
	closed  sync.Once
	err     error
}

// scraperRef lets the remote storage reach a scrape manager that is made after it.
type scraperRef struct {
	m atomic.Pointer[scrape.Manager]
}

func (r *scraperRef) Get() (*scrape.Manager, error) {
	if m := r.m.Load(); m != nil {
		return m, nil
	}
	return nil, errors.New("scrape manager not ready")
}

// marking marks the contexts that its appenders are made with.
type marking struct {
	storage.AppendableV2
	mark func(context.Context) context.Context
}

func (m marking) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return m.AppendableV2.AppenderV2(m.mark(ctx))
}

// New opens the storage, replays its log and builds everything above it.
// On an error nothing stays open.
func New(o Options) (_ *Engine, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &Engine{o: o, log: o.Logger, cancel: cancel, features: features.NewRegistry(), parser: NewParser(), budget: newReceiveBudget(o.Receive, o.MemoryLimit)}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	e.interval.Store(time.Minute.Milliseconds())
	e.cfg.Store(&config.DefaultConfig)

	if e.db, err = e.openTSDB(); err != nil {
		return nil, err
	}
	ref := &scraperRef{}
	e.remote = remote.NewStorage(o.Logger.With("component", "remote"), o.Registerer, e.db.StartTime, o.Dir, time.Minute, ref, false)
	e.fanout = storage.NewFanout(o.Logger, e.db, e.remote)
	if o.Observe != nil {
		e.fanout = o.Observe(e.fanout)
	}
	e.disk = newDiskGuard(diskOptions{
		Dir: o.Dir, MinFree: o.MinFree, Logger: o.Logger.With("component", "disk"), Reg: o.Registerer, Health: o.Health,
		Failures: e.failures.total, MapHead: e.db.ForceHeadMMap,
		Detach: func() error { return detachChunks(e.db.Head()) }, Heal: func() error { return healLogs(ctx, e.db) },
	})
	e.disk.start()
	e.appended = e.disk.wrap(e.fanout, false)

	tracker, err := promql.NewActiveQueryTracker(o.Dir, o.Query.MaxConcurrency, o.Logger.With("component", "activeQueryTracker"))
	if err != nil {
		return nil, fmt.Errorf("open active query log: %w", err)
	}
	e.engine = promql.NewEngine(e.engineOptions(o.Registerer, tracker))
	e.guard = newQueryGuard(e.engine, e.parser, guardOptions{
		MaxSamples: o.Query.MaxSamples, MaxMemory: o.Query.MaxMemory, MemoryLimit: o.MemoryLimit,
		DefaultStep: e.subqueryStep, Registerer: o.Registerer,
	})

	if err := discovery.RegisterK8sClientMetricsWithPrometheus(o.Registerer); err != nil {
		return nil, fmt.Errorf("register kubernetes client metrics: %w", err)
	}
	sdm, err := discovery.CreateAndRegisterSDMetrics(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("register service discovery metrics: %w", err)
	}
	if e.sd = discovery.NewManager(ctx, o.Logger.With("component", "discovery"), o.Registerer, sdm, discovery.Name("scrape"), discovery.FeatureRegistry(e.features)); e.sd == nil {
		return nil, errors.New("create discovery manager: its metrics are registered twice")
	}
	so := &scrape.Options{
		DiscoveryReloadInterval: model.Duration(5 * time.Second), DiscoveryReloadOnStartup: true,
		AppendMetadata: true, FeatureRegistry: e.features,
	}
	if o.Dial != nil {
		so.HTTPClientOptions = []commoncfg.HTTPClientOption{commoncfg.WithDialContextFunc(o.Dial)}
	}
	scraped := e.appended
	if o.Scraped != nil {
		scraped = marking{e.appended, o.Scraped}
	}
	if e.scraper, err = scrape.NewManager(so, o.Logger.With("component", "scrape"), logging.NewJSONFileLogger, nil, scraped, o.Registerer); err != nil {
		return nil, fmt.Errorf("create scrape manager: %w", err)
	}
	ref.m.Store(e.scraper)

	e.received = e.disk.wrap(e.fanout, true)
	if o.HA.Enabled {
		e.ha = newHATracker(o.HA, o.Now, o.Registerer)
		e.received = e.ha.wrap(e.received)
	}
	e.notes = notifications.NewNotifications(64, o.Registerer)
	e.fed = newFederation(e.db, e.parser, func() config.Config { return *e.cfg.Load() }, o.Query.Lookback, o.Now, o.Logger, o.Registerer)
	e.listFeatures()
	e.api = e.newAPI()
	return e, nil
}

// NewParser returns the PromQL parser that the whole product uses.
func NewParser() parser.Parser { return parser.NewParser(parser.Options{}) }

func (e *Engine) engineOptions(reg prometheus.Registerer, tracker promql.QueryTracker) promql.EngineOpts {
	return promql.EngineOpts{
		Logger: e.log.With("component", "query"), Reg: reg, MaxSamples: e.maxSamples(), Timeout: e.o.Query.Timeout,
		ActiveQueryTracker: tracker, LookbackDelta: e.o.Query.Lookback, NoStepSubqueryIntervalFn: e.subqueryStep,
		EnableAtModifier: true, EnableNegativeOffset: true, FeatureRegistry: e.features, Parser: e.parser,
	}
}

// bytesPerSample is what the engine holds for one float sample of a query:
// a 16-byte point, and as much again while the slices that hold it grow.
const bytesPerSample = 32

func (e *Engine) maxSamples() int {
	n := e.o.Query.MaxSamples
	if m := e.o.Query.MaxMemory; m > 0 && m/bytesPerSample < int64(n) {
		n = int(m / bytesPerSample)
	}
	return n
}

func (e *Engine) subqueryStep(int64) int64 { return e.interval.Load() }

// RuleEngine returns a query engine for rule evaluation: the limits of the
// users' engine, but none of its query slots, so that a crowd of dashboards
// cannot hold up alerting.
func (e *Engine) RuleEngine() *promql.Engine { return promql.NewEngine(e.engineOptions(nil, nil)) }

// QueryEngine is the engine of the HTTP API, behind the memory guard.
func (e *Engine) QueryEngine() promql.QueryEngine { return e.guard }

// Storage is local storage and remote endpoints together.
func (e *Engine) Storage() storage.Storage { return e.fanout }

// Appendable takes the samples of rules. It refuses them while the disk is full.
func (e *Engine) Appendable() storage.AppendableV2 { return e.appended }

// Refusal is why samples from outside are refused at present, or nil.
func (e *Engine) Refusal() error { return e.disk.refusal(true) }

// Local is the local storage alone.
func (e *Engine) Local() *tsdb.DB { return e.db }

// Features are the upstream features that are on, as /api/v1/features lists them.
func (e *Engine) Features() features.Collector { return e.features }

// Parser is the parser that every query goes through.
func (e *Engine) Parser() parser.Parser { return e.parser }

// Scraper gives access to the targets.
func (e *Engine) Scraper() *scrape.Manager { return e.scraper }

// Config is the configuration in force, without in-process targets.
func (e *Engine) Config() config.Config { return *e.cfg.Load() }

// Run starts discovery and scraping. It returns at once; Close ends them.
func (e *Engine) Run() {
	e.started = true
	e.wg.Go(func() {
		if err := e.sd.Run(); err != nil && !errors.Is(err, context.Canceled) {
			e.log.Error("Service discovery stopped", "err", err)
		}
	})
	e.wg.Go(func() {
		if err := e.scraper.Run(e.sd.SyncCh()); err != nil {
			e.log.Error("Scraping stopped", "err", err)
		}
	})
}

// StopScraping ends discovery and scraping, so that the rules see their last
// samples before the storage closes. It is safe to call more than once.
func (e *Engine) StopScraping() {
	if e.scraper != nil && e.started {
		e.scraper.Stop()
	}
	e.cancel()
	e.wg.Wait()
	e.started = false
}

// Close stops scraping and closes the storage. It may be called more than once.
func (e *Engine) Close() error {
	e.closed.Do(func() {
		e.StopScraping()
		if e.guard != nil {
			e.guard.close()
		}
		if e.disk != nil {
			e.disk.close()
		}
		if e.engine != nil {
			e.err = errors.Join(e.err, e.engine.Close())
		}
		switch {
		case e.fanout != nil:
			e.err = errors.Join(e.err, e.fanout.Close())
		case e.db != nil:
			e.err = errors.Join(e.err, e.db.Close())
		}
	})
	return e.err
}

// Handler serves the routes of Prometheus's HTTP API below /api/v1.
func (e *Engine) Handler() http.Handler { return e.routes() }

// Dir is the TSDB directory.
func (e *Engine) Dir() string { return filepath.Clean(e.o.Dir) }
