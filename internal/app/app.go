// Package app wires the product together: it is the only package that knows
// all the others. New acquires, Start runs, Reload swaps configurations, Stop
// releases in reverse order.
package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grafana/regexp"
	"github.com/prometheus/client_golang/prometheus"
	promrules "github.com/prometheus/prometheus/rules"
	v1 "github.com/prometheus/prometheus/web/api/v1"
	"google.golang.org/grpc"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/app/roster"
	"touchline.dev/touchline/internal/collect"
	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/console"
	"touchline.dev/touchline/internal/datadir"
	"touchline.dev/touchline/internal/httpserver"
	"touchline.dev/touchline/internal/identity"
	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/internal/incident/maintenance"
	"touchline.dev/touchline/internal/metrics"
	"touchline.dev/touchline/internal/page"
	"touchline.dev/touchline/internal/rules"
	"touchline.dev/touchline/internal/rules/arrival"
	"touchline.dev/touchline/internal/selfmon"
	"touchline.dev/touchline/internal/state"
)

// Options configure an App. All fields without a remark are required.
type Options struct {
	Config  *config.Config
	Reread  func() (*config.Config, error) // reads the configuration again for a reload
	Logger  *slog.Logger
	Shipped fs.FS // what ships: rules/, runbooks/, alertmanager.yml
	Console fs.FS // the built console; nil leaves the plain pages alone
}

// App is one running server.
type App struct {
	o     Options
	c     *config.Config
	log   *slog.Logger
	build selfmon.BuildInfo
	reg   *prometheus.Registry

	health   *selfmon.Health
	server   *httpserver.Server
	engine   *metrics.Engine
	notifier *metrics.Notifier
	rules    *rules.Manager
	alerting *alerting.Alertmanager
	sources  *collect.Set
	state    *state.DB
	identity *identity.Store
	door     *door
	incident *incident.Service
	opens    func(map[string]string) bool // whether an alert opens an incident

	maintenance *maintenance.Service
	boards      boards
	remote      remotes

	page     *page.Page
	console  *console.Console
	beat     *beating
	public   *publicPage
	grpc     *grpc.Server
	handler  http.Handler
	patterns []string // of the handler
	backup   *backup
	dataSize measuredSize
	external *url.URL
	host     string
	parts    parts
	reload   reloadMetrics

	dynamic atomic.Pointer[config.Dynamic] // in force
	roster  atomic.Pointer[roster.Roster]
	changes ruleChanges

	silencedEnds silencedEnds
	bound        bool // the addresses are ours
	ready        atomic.Bool
	reloadMu     sync.Mutex
	serveErr     chan error
	cleanup      []release
	stopOnce     sync.Once
	stopErr      error
	quit         chan struct{}
	quitOnce     sync.Once
}

// release is one step of stopping.
type release struct {
	what string
	do   func(context.Context) error
}

// parts are the components that have a health state.
type parts struct {
	metrics, rules, alerting, sources, config, state, users *selfmon.ComponentHandle
	backends                                                *selfmon.ComponentHandle // nil where every engine is inside
}

func (a *App) onStop(what string, do func(context.Context) error) {
	a.cleanup = append(a.cleanup, release{what, do})
}

// New acquires everything: data directory, listeners, storage, engines, and
// the first configuration. On an error everything is released again.
func New(ctx context.Context, o Options) (_ *App, err error) {
	a := &App{o: o, c: o.Config, log: o.Logger, build: selfmon.Build(), reg: prometheus.NewRegistry(), serveErr: make(chan error, 1), quit: make(chan struct{}), door: &door{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop(ctx))
		}
	}()
	a.silencedEnds.init()
	a.health = selfmon.NewHealth(selfmon.HealthOptions{})
	a.reg.MustRegister(a.health)
	a.parts = parts{
		metrics: a.health.Register("metrics"), rules: a.health.Register("rules"), alerting: a.health.Register("alerting"),
		sources: a.health.Register("sources"), config: a.health.Register("configuration"), state: a.health.Register("state"), users: a.health.Register("users"),
	}
	a.reload = newReloadMetrics(a.reg)
	a.backup = newBackup(a)
	if a.host, err = os.Hostname(); err != nil {
		return nil, fmt.Errorf("read host name: %w", err)
	}
	if err := a.checkFiles(); err != nil {
		return nil, err
	}
	if err := a.openData(); err != nil {
		return nil, err
	}
	if err := a.listen(); err != nil {
		return nil, err
	}
	if err := a.openState(ctx); err != nil {
		a.parts.state.Failed(err.Error())
		return nil, err
	}
	memory := selfmon.ApplyMemoryLimit(a.log, selfmon.MemoryOptions{})
	if err := a.openBackends(); err != nil {
		return nil, a.withHint(err)
	}
	if err := a.openEngines(memory); err != nil {
		return nil, err
	}
	if err := a.openMaintenance(); err != nil {
		return nil, err
	}
	if err := a.openDashboards(); err != nil {
		return nil, err
	}
	if err := a.openPage(); err != nil {
		return nil, err
	}
	if err := a.openHeartbeat(); err != nil {
		return nil, err
	}
	if err := a.openStatusPage(); err != nil {
		return nil, err
	}
	if err := a.load(); err != nil {
		return nil, a.withHint(err)
	}
	return a, nil
}

func (a *App) path(elem ...string) string {
	return filepath.Join(append([]string{a.c.Storage.Path}, elem...)...)
}

// openData makes and locks the data directory.
func (a *App) openData() error {
	_, err := os.Stat(a.c.Storage.Path)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(a.c.Storage.Path, 0o750); err != nil {
		return fmt.Errorf("create data directory (--storage.path): %w", err)
	}
	unlock, err := datadir.Lock(a.c.Storage.Path)
	if err != nil {
		return err
	}
	a.onStop("data lock", func(context.Context) error { return unlock() })
	if fresh {
		// While the lock is held, so that nobody else has the folder.
		a.onStop("new data folder", func(context.Context) error { a.dropUnused(); return nil })
	}
	if err := datadir.CheckFinished(a.c.Storage.Path); err != nil {
		return err
	}
	// A backup that a kill cut off leaves links behind, which would keep deleted blocks on the disk.
	if err := os.RemoveAll(a.path(datadir.Staging)); err != nil {
		return fmt.Errorf("remove what an unfinished backup left: %w", err)
	}
	return nil
}

// dropUnused takes away the folder that this start has made, where it was
// refused before anything was stored: a port in use should not leave one behind.
func (a *App) dropUnused() {
	if a.bound {
		return
	}
	for _, name := range []string{datadir.TokenFile, datadir.LockFile, ""} {
		// What is not there, or not empty, stays as it is.
		if err := os.Remove(a.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			a.log.Debug("The new data folder stays", "err", err)
			return
		}
	}
}

// listen binds every address, so that a port in use is told before anything else is done.
func (a *App) listen() error {
	cors, err := httpserver.CompileOrigin(a.c.Web.CORSOrigin)
	if err != nil {
		return fmt.Errorf("--web.cors.origin: %w", err)
	}
	s, err := httpserver.New(httpserver.Options{
		Logger: a.log.With("component", "http"), Registerer: a.reg, WebConfigFile: a.c.Web.ConfigFile,
		AdminTokenFile: a.tokenFile(), TokensFile: a.c.Web.TokensFile, RoutePrefix: a.prefix(), CORSOrigin: cors,
		MaxConnections: a.c.Web.MaxConnections, ReadTimeout: a.c.Web.ReadTimeout, MaxIngestBody: a.c.Remote.WriteMaxBody,
		Identity: a.door, Sharing: a.door, Anonymous: a.c.Auth.Anonymous, Page: isPage, TrustedProxies: a.c.Web.Proxies(),
	})
	if err != nil {
		return a.withHint(err)
	}
	a.server = s
	a.onStop("http server", s.Shutdown)
	root := http.HandlerFunc(a.serveRoot)
	a.grpc = a.newGRPC()
	for _, addr := range a.c.Web.ListenAddresses {
		if err := s.Listen(httpserver.Spec{Name: "web", Address: addr, Flag: "--web.listen-address", Handler: root}); err != nil {
			return err
		}
	}
	for _, l := range []httpserver.Spec{
		{Name: "otlp-http", Address: a.c.OTLP.HTTPAddress, Flag: "--otlp.http-address", Optional: true, Handler: root},
		{Name: "otlp-grpc", Address: a.c.OTLP.GRPCAddress, Flag: "--otlp.grpc-address", Optional: true, Service: a.grpc},
		{Name: "prometheus", Address: a.c.Upstream.PrometheusAddress, Flag: "--upstream.prometheus-address", Optional: true, Handler: root},
		{Name: "alertmanager", Address: a.c.Upstream.AlertmanagerAddress, Flag: "--upstream.alertmanager-address", Optional: true, Handler: root},
	} {
		if l.Address == "" {
			continue
		}
		if err := s.Listen(l); err != nil {
			return err
		}
	}
	if a.external, err = a.externalURL(); err != nil {
		return err
	}
	s.SetExternalURL(a.external)
	a.bound = true
	return nil
}

func (a *App) tokenFile() string { return a.path(datadir.TokenFile) }

// prefix is the path below which everything is served, "" at the root.
func (a *App) prefix() string {
	p := a.c.Web.RoutePrefix
	if p == "" && a.c.Web.ExternalURL != "" {
		if u, err := url.Parse(a.c.Web.ExternalURL); err == nil {
			p = u.Path
		}
	}
	return strings.TrimRight(p, "/")
}

// externalURL is the address that links in alerts carry.
func (a *App) externalURL() (*url.URL, error) {
	u, err := httpserver.ExternalURL(a.c.Web.ExternalURL, a.server.Addresses()["web"][0], a.server.TLS())
	if err != nil {
		return nil, fmt.Errorf("--web.external-url: %w", err)
	}
	if a.c.Web.ExternalURL == "" {
		u.Path = a.prefix()
	}
	return u, nil
}

// rulesRef and alertmanagersRef let the metrics API read what is made after it.
type rulesRef struct{ p atomic.Pointer[rules.Manager] }

func (r *rulesRef) RuleGroups() []*promrules.Group {
	if m := r.p.Load(); m != nil {
		return m.RuleGroups()
	}
	return nil
}

func (r *rulesRef) AlertingRules() []*promrules.AlertingRule {
	if m := r.p.Load(); m != nil {
		return m.AlertingRules()
	}
	return nil
}

// openEngines opens storage, alerting, rules and sources.
func (a *App) openEngines(memory int64) error {
	c, rref := a.c, &rulesRef{}
	maxMemory := c.Query.MaxMemory
	if maxMemory == 0 && memory > 0 {
		maxMemory = memory / 4
	}
	cors, err := regexp.Compile("^(?s:" + c.Web.CORSOrigin + ")$")
	if err != nil {
		return fmt.Errorf("--web.cors.origin: %w", err)
	}
	gatherer := prometheus.Gatherers{a.reg, prometheus.DefaultGatherer}
	if a.sources, err = a.openSources(gatherer); err != nil {
		return err
	}
	amref := &alertmanagersRef{a: a}
	hook := &arrival.Hook{}
	mo := metrics.Options{
		Dir: a.path(datadir.Metrics), Logger: a.log, Registerer: a.reg, Gatherer: gatherer,
		RetentionTime: c.Storage.RetentionTime, RetentionSize: c.Storage.RetentionSize, OutOfOrderWindow: c.Storage.OutOfOrderWindow,
		MaxExemplars: c.Storage.MaxExemplars, MinBlockDuration: c.Storage.MinBlockDuration, MemoryLimit: memory,
		MinFree: c.Storage.MinFree, MaxScrapeBody: c.Scrape.MaxBody, Health: a.parts.metrics,
		Query:       metrics.QueryLimits{MaxSamples: c.Query.MaxSamples, MaxMemory: maxMemory, Timeout: c.Query.Timeout, MaxConcurrency: c.Query.MaxConcurrency, Lookback: c.Query.Lookback},
		Receive:     metrics.ReceiveLimits{MaxBody: c.Remote.WriteMaxBody, MaxDecoded: c.Remote.WriteMaxDecoded},
		Read:        metrics.ReadLimits{Samples: c.Remote.ReadMaxSamples, Concurrency: c.Remote.ReadConcurrency, BytesInFrame: c.Remote.ReadMaxBytesInFrame, SearchResults: c.Query.MaxSearch},
		HA:          metrics.HAOptions{Enabled: c.HA.Enabled, ClusterLabel: c.HA.ClusterLabel, ReplicaLabel: c.HA.ReplicaLabel, Failover: c.HA.FailoverTimeout, MaxClusters: c.HA.MaxClusters},
		EnableAdmin: c.Web.EnableAdminAPI, EnableLifecycle: c.Web.EnableLifecycle, ListenAddress: a.server.Addresses()["web"][0], ExternalURL: a.external, CORSOrigin: cors, Flags: c.Flags(), StartedAt: a.health.StartedAt(),
		Version: v1.PrometheusVersion{Version: a.build.Version, Revision: a.build.Revision, GoVersion: runtime.Version()},
		Rules:   rref, Alertmanagers: amref, Observe: hook.Observe, Scraped: arrival.Scraped,
	}
	if a.sources != nil {
		mo.Dial = a.sources.DialContext
	}
	if a.engine, err = metrics.New(mo); err != nil {
		a.parts.metrics.Failed(err.Error())
		return err
	}
	a.onStop("metrics", func(context.Context) error { return a.engine.Close() })
	a.engine.RegisterOTLP(a.grpc)
	if err := a.openAlerting(); err != nil {
		return err
	}
	ruleEngine := a.engine.RuleEngine()
	a.onStop("rule query engine", func(context.Context) error { return ruleEngine.Close() })
	a.rules, err = rules.New(rules.Options{
		Dir: a.path(datadir.Rules), Logger: a.log.With("component", "rules"), Registerer: a.reg,
		Engine: ruleEngine, Live: a.engine.Storage(), Hook: hook, Lookback: c.Query.Lookback, Arrival: a.arrivalOf, NoData: a.noDataOf, Appendable: a.engine.Appendable(), Queryable: a.engine.Local(),
		Notify: a.notifier.Notify, Parser: a.engine.Parser(), Features: a.engine.Features(), ExternalURL: a.external,
		OutageTolerance: c.Rules.OutageTolerance, ForGracePeriod: c.Rules.ForGracePeriod, ResendDelay: c.Rules.ResendDelay,
		MaxConcurrent: c.Rules.MaxConcurrentEvals, Shipped: a.o.Shipped, RestoreGrace: restoreGrace,
	})
	if err != nil {
		a.parts.rules.Failed(err.Error())
		return err
	}
	a.onStop("rules", func(context.Context) error { return a.rules.Close() })
	a.onStop("scraping", func(context.Context) error { a.engine.StopScraping(); return nil })
	rref.p.Store(a.rules)
	return nil
}

// arrivalOf says how a rule group is evaluated on arrival.
func (a *App) arrivalOf(file, group string) rules.Arrival {
	return rules.Arrival(a.c.Rules.ArrivalOf(a.ruleGroup(file, group)))
}

// noDataOf says what becomes of a group's alerts when their target cannot be scraped.
func (a *App) noDataOf(file, group string) rules.NoData {
	return rules.NoData(a.c.Rules.NoDataOf(a.ruleGroup(file, group)))
}

// ruleGroup is a group as touchline.yaml names it: it knows a file by its path
// relative to prometheus.yml.
func (a *App) ruleGroup(file, group string) config.RuleGroup {
	if rel, err := filepath.Rel(filepath.Dir(a.c.PrometheusFile), file); err == nil && !strings.HasPrefix(file, rules.ShippedPrefix) {
		file = filepath.ToSlash(rel)
	}
	return config.RuleGroup{File: file, Group: group}
}

// restoreGrace is how long after a start an alert that was active before is
// kept without a result: its target may not have been scraped again.
const restoreGrace = 30 * time.Second

func (a *App) openSources(g prometheus.Gatherer) (*collect.Set, error) {
	if a.remote.metrics != nil {
		a.parts.sources.Off(notHere)
		return nil, nil
	}
	if !a.c.Sources.Enabled {
		a.parts.sources.Off("switched off by sources.enabled")
		return nil, nil
	}
	s, err := collect.New(collect.Options{Logger: a.log.With("component", "sources"), Registerer: a.reg, Self: g, Disable: a.c.Sources.Disable,
		ProcPath: a.c.Sources.ProcFS, SysPath: a.c.Sources.SysFS, RootfsPath: a.c.Sources.RootFS})
	if err != nil {
		return nil, fmt.Errorf("open in-process sources: %w", err)
	}
	a.onStop("sources", func(context.Context) error { return s.Close() })
	return s, nil
}

// Start begins serving, scraping and evaluating. It returns at once; Wait
// tells when a listener fails or somebody asks the server to quit.
func (a *App) Start(ctx context.Context) error {
	if a.sources != nil {
		if err := a.sources.Start(ctx); err != nil {
			return fmt.Errorf("start in-process sources: %w", err)
		}
		a.parts.sources.OK()
	}
	if err := a.alerting.Start(ctx); err != nil {
		return err
	}
	a.incident.Start()
	a.maintenance.Start()
	a.startPeople()
	if err := a.startDashboards(ctx); err != nil {
		return err
	}
	a.parts.state.OK()
	a.engine.Run()
	a.notifier.Run()
	a.rules.Run()
	a.beat.start()
	if a.public != nil {
		a.public.publisher.Start()
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		a.serveErr <- a.server.Serve(context.WithoutCancel(ctx))
	}()
	a.onStop("serving", func(ctx context.Context) error {
		err := a.server.Shutdown(ctx)
		<-served
		return err
	})
	// A backup may take longer than a stop may.
	a.onStop("backup", func(context.Context) error { a.backup.stop(); return nil })
	a.metricsStarted()
	for _, x := range a.remote.all() {
		x.Start()
	}
	a.parts.alerting.OK()
	a.ready.Store(true)
	a.health.MarkReady()
	small, stop := context.WithCancel(context.WithoutCancel(ctx))
	trimmed := selfmon.TrimStartup(small, a.log, trimDelay)
	paced := selfmon.PaceGC(small, selfmon.GCPaceOptions{Configured: a.engine.GoGC})
	a.onStop("saving of memory", func(context.Context) error {
		stop()
		<-trimmed
		<-paced
		return nil
	})
	return a.writeEndpoints()
}

// notHere is why a component is off where another server stands in for it.
const notHere = "backends.metrics.url names the server that scrapes, stores and evaluates"

// metricsStarted says how the engines of metrics and rules are after the start.
func (a *App) metricsStarted() {
	if a.remote.metrics != nil {
		a.parts.metrics.Off(notHere)
		a.parts.rules.Off(notHere)
		return
	}
	if err := a.engine.Refusal(); err != nil {
		a.parts.metrics.Degraded(err.Error())
	} else {
		a.parts.metrics.OK()
	}
	a.parts.rules.OK()
}

// trimDelay is when the start is over: every source has been scraped several
// times, so that their buffers have their sizes.
const trimDelay = 10 * time.Second

// Failed delivers the error of a listener that ends before Stop.
func (a *App) Failed() <-chan error { return a.serveErr }

// Quit is closed when somebody asks the server to end by /-/quit.
func (a *App) Quit() <-chan struct{} { return a.quit }

// Stop releases everything in reverse order: listeners first, storage last. It
// may be called more than once; each step is bounded by ctx where it can be.
func (a *App) Stop(ctx context.Context) error {
	a.stopOnce.Do(func() {
		a.ready.Store(false)
		if a.health != nil {
			a.health.MarkStopping()
		}
		for i := len(a.cleanup) - 1; i >= 0; i-- {
			if err := a.cleanup[i].do(ctx); err != nil {
				a.stopErr = errors.Join(a.stopErr, fmt.Errorf("stop %s: %w", a.cleanup[i].what, err))
			}
		}
	})
	return a.stopErr
}
