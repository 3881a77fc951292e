// Package alerting embeds Alertmanager: routing, grouping, inhibition,
// silences, notification log, every upstream receiver, the gossip cluster and
// the API v2. Silences and the notification log are journalled, so that what
// was acknowledged survives a kill.
package alerting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/api"
	"github.com/prometheus/alertmanager/cluster"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"
	amlabels "github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/alertmanager/provider/mem"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/email"
	"touchline.dev/touchline/internal/alerting/dispatch"
)

// Options configure an Alertmanager. All fields without a remark are required.
type Options struct {
	DataDir             string        // made when missing
	Retention           time.Duration // of silences that have ended and of the notification log, 120 hours when 0
	MaintenanceInterval time.Duration // optional, 15 minutes as upstream
	ExternalURL         *url.URL
	Logger              *slog.Logger
	Registerer          prometheus.Registerer
	Cluster             *ClusterOptions // nil without a cluster
	MaxSilences         int             // 0 for no limit
	MaxSilenceBytes     int             // 0 for no limit
	MaxAlertsPerName    int             // 0 for no limit
	GetConcurrency      int             // 0 for upstream's default
	RequestTimeout      time.Duration   // 0 for none
	OutboxCapacity      int             // alerts that wait for the embedded Alertmanager, 10,000 when 0
	EarlyFlush          string          // matchers of alerts that are told at once, "" for none
	// Ingested is told of every state of an alert that reaches the dispatcher.
	// Optional. It must not block: no other alert is dispatched meanwhile.
	Ingested        func(a *alert.Alert, at time.Time)
	AlertGCInterval time.Duration // how often resolved alerts are dropped, 30 minutes when 0 as upstream

	// Templates are definitions that receivers may use beside upstream's and the user's; "" for none.
	Templates string
	Links     channel.LinksFunc // of messages of our channels; nil for those that the alerts themselves have
	Graph     email.GraphFunc   // for pictures in mails; nil for none
	Zone      *time.Location    // of the times in messages of our channels, nil for the host's

	// What follows is told what becomes of alerts as it happens, is optional, and
	// must not call Stop. What is said of one group comes in its order: an
	// attempt after the flush that it is for.

	// Flushed is told of each flush of a group, also of one whose receiver tells
	// nobody. It holds up nothing.
	Flushed func(Group)
	// Ended is told of each alert that arrives resolved, muted or not, and again
	// when it arrives again: sooner than by a flush, which waits for
	// group_interval. A Group that does not know of the end was At before. It
	// holds up the alerts that arrive next, and must not apply a configuration.
	Ended func(fingerprint string, at time.Time)
	// EndedSilenced is told of each alert that arrives resolved while a silence
	// mutes it, and again where it is sent again.
	EndedSilenced func(GroupAlert)
	// Told is told of each attempt to tell a receiver.
	Told func(Notification)

	open opener // tests put a failing disk here
}

// Limits and defaults.
const (
	stopTimeout           = 15 * time.Second
	leaveTimeout          = 5 * time.Second
	defaultRetention      = 120 * time.Hour
	defaultMaintenance    = 15 * time.Minute
	defaultAlertGC        = 30 * time.Minute
	defaultOutboxCapacity = 10_000
)

func (o Options) withDefaults() Options {
	if o.Retention == 0 {
		o.Retention = defaultRetention
	}
	if o.MaintenanceInterval == 0 {
		o.MaintenanceInterval = defaultMaintenance
	}
	if o.AlertGCInterval == 0 {
		o.AlertGCInterval = defaultAlertGC
	}
	if o.OutboxCapacity == 0 {
		o.OutboxCapacity = defaultOutboxCapacity
	}
	if o.open == nil {
		o.open = openFile
	}
	return o
}

// Which of an Alertmanager's journals is which.
const (
	logJournal = iota
	silenceJournal
)

// Alertmanager is one embedded Alertmanager. New opens its state, Prepare and
// Apply give it a configuration, Start begins housekeeping, Stop ends all.
type Alertmanager struct {
	o       Options
	log     *slog.Logger
	events  eventrecorder.Recorder
	started time.Time

	silences  *silence.Silences
	nflog     *nflog.Log
	alerts    *mem.Alerts
	silencer  *silence.Silencer
	groups    marker.GroupMarker
	notifying *notify.Metrics
	peer      *cluster.Peer
	api       *api.API
	outbox    *outbox
	sent      *sentLog
	timings   *timings
	proven    *proven
	paces     *channel.Paces
	client    *http.Client // of chat robots
	sizes     *prometheus.HistogramVec
	loads     *loadMetrics
	journals  []*journal

	dispatcher *dispatch.Dispatcher
	inhibitor  atomic.Pointer[inhibit.Inhibitor] // nil until the first Apply

	mu      sync.Mutex
	done    bool
	loaded  [32]byte // hash of what the running configuration was built from
	conf    *config.Config
	list    []Receiver
	all     map[string][]notify.Integration // of list, whether a route uses them or not
	stop    chan struct{}
	stopped sync.Once
	wg      sync.WaitGroup
	err     error
}

// parsers sets upstream's process-wide matcher parser once, to its default of
// UTF-8 with a fallback to the classic syntax.
var parsers sync.Once

// New opens silences, notification log and their journals. Nothing runs yet.
func New(o Options) (_ *Alertmanager, err error) {
	parsers.Do(func() { compat.InitFromFlags(o.Logger, featurecontrol.NoopFlags{}) })
	o = o.withDefaults()
	early, err := parseEarly(o.EarlyFlush)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.DataDir, 0o750); err != nil {
		return nil, fmt.Errorf("create alerting directory: %w", err)
	}
	a := &Alertmanager{o: o, log: o.Logger, started: time.Now(), groups: marker.NewGroupMarker(), stop: make(chan struct{}), sent: newSentLog(), paces: channel.NewPaces(), client: channel.NewClient()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop(context.Background()))
		}
	}()
	if err := a.openState(); err != nil {
		return nil, err
	}
	if err := a.openCluster(); err != nil {
		return nil, err
	}
	a.silencer = silence.NewSilencer(a.silences, o.Logger, a.events)
	if a.alerts, err = mem.NewAlerts(context.Background(), o.AlertGCInterval, o.MaxAlertsPerName, a.silencer, o.Logger, a.events, o.Registerer, featurecontrol.NoopFlags{}); err != nil {
		return nil, fmt.Errorf("create alert store: %w", err)
	}
	a.loads = newLoadMetrics(o.Registerer, o.Cluster != nil)
	a.notifying = notify.NewMetrics(o.Registerer, featurecontrol.NoopFlags{})
	a.timings = newTimings(o.Registerer)
	a.proven = newProven(o.DataDir, a.log, o.Registerer)
	a.sent.timings, a.sent.proven, a.sent.told = a.timings, a.proven, o.Told
	if err := a.openDispatcher(early); err != nil {
		return nil, err
	}
	a.outbox = newOutbox(o.OutboxCapacity, a.alerts.Put, o.Logger, o.Registerer)

	if err := a.openAPI(); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Alertmanager) openDispatcher(early amlabels.Matchers) error {
	o := dispatch.Options{
		Alerts: a.alerts, Marker: a.groups, Wait: a.wait, Ready: a.ready, StartAt: a.started, Ingested: a.ingested,
		Timeout: func(d time.Duration) time.Duration { return max(d, notify.MinTimeout) + a.wait() },
		Logger:  a.log, Registerer: a.o.Registerer,
	}
	a.observe(&o)
	if len(early) > 0 {
		o.Early = &dispatch.Early{Matchers: early}
	}
	var err error
	if a.dispatcher, err = dispatch.New(o); err != nil {
		return fmt.Errorf("create dispatcher: %w", err)
	}
	return nil
}

// parseEarly reads the matchers of alerts that are told at once.
func parseEarly(text string) (amlabels.Matchers, error) {
	if text == "" {
		return nil, nil
	}
	ms, err := compat.Matchers(text, "touchline.yaml")
	if err != nil {
		return nil, fmt.Errorf("alerting.early_flush.matchers: %w; write matchers such as severity=\"critical\"", err)
	}
	return ms, nil
}

// openState opens silences and notification log: upstream's snapshot first,
// then the journal of what came after it.
func (a *Alertmanager) openState() error {
	var err error
	path := func(name string) string { return filepath.Join(a.o.DataDir, name) }
	if a.nflog, err = nflog.New(nflog.Options{SnapshotFile: path(NflogFile), Retention: a.o.Retention, Logger: a.log, Metrics: a.o.Registerer}); err != nil {
		return fmt.Errorf("open notification log %s: %w; restore the file from a backup, or move it away: then only what its journal holds is known", path(NflogFile), err)
	}
	if a.silences, err = silence.New(silence.Options{
		SnapshotFile: path(SilencesFile), Retention: a.o.Retention, Logger: a.log, Metrics: a.o.Registerer, EventRecorder: a.events,
		Limits: silence.Limits{MaxSilences: func() int { return a.o.MaxSilences }, MaxSilenceSizeBytes: func() int { return a.o.MaxSilenceBytes }},
	}); err != nil {
		return fmt.Errorf("open silences %s: %w; restore the file from a backup, or move it away: then only what its journal holds is known", path(SilencesFile), err)
	}
	jm := newJournalMetrics(a.o.Registerer)
	for _, s := range []journalOptions{
		logJournal:     {Name: NflogFile, State: a.nflog.Snapshot, Merge: a.nflog.Merge, Later: true},
		silenceJournal: {Name: SilencesFile, State: a.silences.Snapshot, Merge: a.silences.Merge},
	} {
		s.Path, s.SnapshotPath, s.Logger, s.Metrics, s.Open = path(s.Name+JournalSuffix), path(s.Name), a.log, jm, a.o.open
		j, err := openJournal(s)
		if err != nil {
			return err
		}
		a.journals = append(a.journals, j)
	}
	a.nflog.SetBroadcast(a.journals[logJournal].append)
	a.silences.SetBroadcast(a.journals[silenceJournal].append)
	return nil
}

// Start begins housekeeping and joins the cluster. It returns at once.
func (a *Alertmanager) Start(ctx context.Context) error {
	maintain := func(j *journal, gc func() (int, error)) func() (int64, error) {
		return func() (int64, error) {
			if _, err := gc(); err != nil {
				return 0, err
			}
			return j.compact()
		}
	}
	a.outbox.start()
	logs, sils := a.journals[logJournal], a.journals[silenceJournal]
	a.wg.Go(func() { logs.syncSoon(a.stop) })
	a.wg.Go(func() { a.proven.run(a.stop) })
	a.wg.Go(func() {
		a.nflog.Maintenance(a.o.MaintenanceInterval, logs.snapPath, a.stop, maintain(logs, a.nflog.GC))
	})
	a.wg.Go(func() {
		a.silences.Maintenance(a.o.MaintenanceInterval, sils.snapPath, a.stop, maintain(sils, a.silences.GC))
	})
	return a.joinCluster(ctx)
}

// Put takes alerts from the rules, with the times of their way so far. It does
// not wait for the alert store.
func (a *Alertmanager) Put(ctx context.Context, way Timing, alerts ...*alert.Alert) error {
	return a.PutSince(ctx, way, nil, alerts)
}

// PutSince is Put of alerts of which it is known since when the expression of each
// has been true, in their order.
func (a *Alertmanager) PutSince(ctx context.Context, way Timing, active []time.Time, alerts []*alert.Alert) error {
	way.Queued = time.Now()
	for n, x := range alerts {
		if n < len(active) {
			way.Active = active[n]
		}
		a.timings.queued(x, way)
	}
	return a.outbox.put(ctx, alerts)
}

// Stop ends the dispatcher, hands over what waits, writes the snapshots and
// leaves the cluster. It returns after stopTimeout at the latest, or when ctx
// ends, and may be called more than once: later calls return the first's error.
func (a *Alertmanager) Stop(ctx context.Context) error {
	a.stopped.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, stopTimeout)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- a.shutdown() }()
		select {
		case a.err = <-done:
		case <-ctx.Done():
			a.err = fmt.Errorf("stop alerting: %w", ctx.Err())
		}
	})
	return a.err
}

// Client is what chat services are asked with.
func (a *Alertmanager) Client() *http.Client { return a.client }

func (a *Alertmanager) shutdown() error {
	if a.outbox != nil {
		a.outbox.close()
	}
	a.mu.Lock()
	a.done = true // an Apply that comes later does nothing
	a.mu.Unlock()
	if i := a.inhibitor.Load(); i != nil {
		i.Stop()
	}
	if a.dispatcher != nil {
		a.dispatcher.Stop()
	}
	if a.alerts != nil {
		a.alerts.Close()
	}
	close(a.stop)
	a.wg.Wait()
	a.client.CloseIdleConnections()
	errs := []error{a.leaveCluster()}
	for _, j := range a.journals {
		errs = append(errs, j.close())
	}
	return errors.Join(errs...)
}
