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
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/provider/mem"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/route"
)

// ClusterOptions configure the gossip between replicas, as upstream's --cluster flags do.
type ClusterOptions struct {
	ListenAddress    string
	AdvertiseAddress string
	Peers            []string
	PeerTimeout      time.Duration
	SettleTimeout    time.Duration
	GossipInterval   time.Duration
	PushPullInterval time.Duration
	Label            string
	TLSConfigFile    string
}

// Options configure an Alertmanager. All fields without a remark are required.
type Options struct {
	DataDir             string // made when missing
	Retention           time.Duration
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
	OutboxCapacity      int             // alerts that wait for the embedded Alertmanager
}

// Alertmanager is one embedded Alertmanager. New opens its state, Prepare and
// Apply give it a configuration, Start begins housekeeping, Stop ends all.
type Alertmanager struct {
	o       Options
	log     *slog.Logger
	events  eventrecorder.Recorder
	started time.Time

	silences *silence.Silences
	nflog    *nflog.Log
	alerts   *mem.Alerts
	silencer *silence.Silencer
	groups   marker.GroupMarker
	pipeline *notify.PipelineBuilder
	metrics  *dispatch.DispatcherMetrics
	peer     *cluster.Peer
	api      *api.API
	outbox   *outbox
	sent     *sentLog
	journals []*journal

	dispatcher atomic.Pointer[dispatch.Dispatcher]
	inhibitor  atomic.Pointer[inhibit.Inhibitor]

	mu      sync.Mutex
	loaded  [32]byte // hash of what the running configuration was built from
	conf    *config.Config
	list    []Receiver
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
	if o.MaintenanceInterval == 0 {
		o.MaintenanceInterval = 15 * time.Minute
	}
	if err := os.MkdirAll(o.DataDir, 0o750); err != nil {
		return nil, fmt.Errorf("create alerting directory: %w", err)
	}
	a := &Alertmanager{o: o, log: o.Logger, started: time.Now(), groups: marker.NewGroupMarker(), stop: make(chan struct{}), sent: newSentLog()}
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
	if a.alerts, err = mem.NewAlerts(context.Background(), 30*time.Minute, o.MaxAlertsPerName, a.silencer, o.Logger, a.events, o.Registerer, featurecontrol.NoopFlags{}); err != nil {
		return nil, fmt.Errorf("create alert store: %w", err)
	}
	a.metrics = dispatch.NewDispatcherMetrics(false, o.Registerer, featurecontrol.NoopFlags{})
	a.pipeline = notify.NewPipelineBuilder(o.Registerer, featurecontrol.NoopFlags{}, a.events)
	a.outbox = newOutbox(o.OutboxCapacity, a.alerts.Put, o.Logger, o.Registerer)

	requests := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "alertmanager_http_request_duration_seconds", Help: "Latency of requests to the Alertmanager API.", Buckets: prometheus.DefBuckets,
	}, []string{"handler", "method", "code"})
	o.Registerer.MustRegister(requests)
	ao := api.Options{
		Alerts: a.alerts, Silences: a.silences, GroupMutedFunc: a.groups.Muted, Logger: o.Logger, Registry: o.Registerer,
		Timeout: o.RequestTimeout, Concurrency: o.GetConcurrency, RequestDuration: requests,
		GroupFunc: func(ctx context.Context, rf func(*dispatch.Route) bool, af func(*alert.Alert, time.Time) bool) (dispatch.AlertGroups, map[model.Fingerprint][]string, error) {
			return a.dispatcher.Load().Groups(ctx, rf, af)
		},
	}
	if a.peer != nil {
		ao.Peer = a.peer
	}
	if a.api, err = api.New(ao); err != nil {
		return nil, fmt.Errorf("create alertmanager API: %w", err)
	}
	return a, nil
}

// openState opens silences and notification log: upstream's snapshot first,
// then the journal of what came after it.
func (a *Alertmanager) openState() error {
	var err error
	path := func(name string) string { return filepath.Join(a.o.DataDir, name) }
	if a.nflog, err = nflog.New(nflog.Options{SnapshotFile: path("nflog"), Retention: a.o.Retention, Logger: a.log, Metrics: a.o.Registerer}); err != nil {
		return fmt.Errorf("open notification log %s: %w", path("nflog"), err)
	}
	if a.silences, err = silence.New(silence.Options{
		SnapshotFile: path("silences"), Retention: a.o.Retention, Logger: a.log, Metrics: a.o.Registerer, EventRecorder: a.events,
		Limits: silence.Limits{MaxSilences: func() int { return a.o.MaxSilences }, MaxSilenceSizeBytes: func() int { return a.o.MaxSilenceBytes }},
	}); err != nil {
		return fmt.Errorf("open silences %s: %w", path("silences"), err)
	}
	jm := newJournalMetrics(a.o.Registerer)
	for _, s := range []struct {
		name  string
		merge func([]byte) error
	}{{"nflog", a.nflog.Merge}, {"silences", a.silences.Merge}} {
		j, err := openJournal(path(s.name+".journal"), s.name, a.log, jm, s.merge)
		if err != nil {
			return err
		}
		a.journals = append(a.journals, j)
	}
	a.nflog.SetBroadcast(a.journals[0].append)
	a.silences.SetBroadcast(a.journals[1].append)
	return nil
}

// Start begins housekeeping and joins the cluster. It returns at once.
func (a *Alertmanager) Start(ctx context.Context) error {
	maintain := func(j *journal, gc func() (int, error), snapshot snapshotter, file string) func() (int64, error) {
		return func() (int64, error) {
			if _, err := gc(); err != nil {
				return 0, err
			}
			return j.snapshot(snapshot, filepath.Join(a.o.DataDir, file))
		}
	}
	a.wg.Go(func() {
		a.nflog.Maintenance(a.o.MaintenanceInterval, filepath.Join(a.o.DataDir, "nflog"), a.stop, maintain(a.journals[0], a.nflog.GC, a.nflog.Snapshot, "nflog"))
	})
	a.wg.Go(func() {
		a.silences.Maintenance(a.o.MaintenanceInterval, filepath.Join(a.o.DataDir, "silences"), a.stop, maintain(a.journals[1], a.silences.GC, a.silences.Snapshot, "silences"))
	})
	return a.joinCluster(ctx)
}

// Put takes alerts from the rules. It does not wait for the alert store.
func (a *Alertmanager) Put(ctx context.Context, alerts ...*alert.Alert) error {
	return a.outbox.put(ctx, alerts)
}

// Handler serves /api/v2 below prefix, in upstream's shapes.
func (a *Alertmanager) Handler(prefix string) http.Handler {
	return a.durable(a.api.Register(route.New(), prefix))
}

// durable answers with an error where a silence was set in memory but could
// not be written to disk: what is acknowledged must survive.
func (a *Alertmanager) durable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		before := a.journals[1].failures.Load()
		held := &heldResponse{header: http.Header{}, code: http.StatusOK}
		next.ServeHTTP(held, r)
		if a.journals[1].failures.Load() != before && held.code/100 == 2 {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte(`"the change could not be written to disk and would be lost by a restart; free some space and try again"` + "\n"))
			return
		}
		held.writeTo(w)
	})
}

// Stop ends the dispatcher, writes the snapshots and leaves the cluster. It
// may be called more than once.
func (a *Alertmanager) Stop(ctx context.Context) error {
	a.stopped.Do(func() {
		if a.outbox != nil {
			a.outbox.close()
		}
		if d := a.dispatcher.Load(); d != nil {
			d.Stop()
		}
		if i := a.inhibitor.Load(); i != nil {
			i.Stop()
		}
		if a.alerts != nil {
			a.alerts.Close()
		}
		close(a.stop)
		done := make(chan struct{})
		go func() {
			defer close(done)
			a.wg.Wait()
		}()
		select {
		case <-done:
		case <-ctx.Done():
			a.err = errors.Join(a.err, fmt.Errorf("stop alerting: %w", ctx.Err()))
		}
		if a.peer != nil {
			if err := a.peer.Leave(5 * time.Second); err != nil {
				a.err = errors.Join(a.err, fmt.Errorf("leave cluster: %w", err))
			}
		}
		for _, j := range a.journals {
			a.err = errors.Join(a.err, j.close())
		}
	})
	return a.err
}
