package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/notifier"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/util/features"
	"github.com/prometheus/prometheus/util/strutil"
)

// Alert is one that is handed over, as upstream tells it, and since when its
// expression has been true.
type Alert struct {
	notifier.Alert

	ActiveAt time.Time
}

// NotifierOptions configure a Notifier. All fields without a remark are required.
type NotifierOptions struct {
	Logger        *slog.Logger
	Registerer    prometheus.Registerer
	Features      features.Collector
	ExternalURL   *url.URL
	QueueCapacity int
	// Embedded takes the alerts where prometheus.yml names no Alertmanager.
	// It must not block for long: rule evaluation waits for it.
	// An error says that it took none of them.
	Embedded func(ctx context.Context, alerts []Alert) error
	// Delivered is told the body of each message that an Alertmanager of
	// prometheus.yml has taken. Optional.
	Delivered func(body []byte)
}

// Notifier hands alerts over: to the Alertmanagers of prometheus.yml, or,
// where it names none, to the embedded one. Never to both, or every page
// would be sent twice.
type Notifier struct {
	o      NotifierOptions
	n      *notifier.Manager
	sd     *discovery.Manager
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.RWMutex
	external bool
	labels   labels.Labels
	relabel  []*relabel.Config
	named    []string
	since    time.Time // when the configuration was applied
	started  bool

	failing failures
}

// NewNotifier builds a Notifier that hands everything to the embedded
// Alertmanager until Apply says otherwise.
func NewNotifier(o NotifierOptions) (*Notifier, error) {
	ctx, cancel := context.WithCancel(context.Background())
	// Upstream's managers register under fixed names, told apart by the
	// manager's own label; the discovery mechanisms' metrics are those of scraping.
	reg := prometheus.NewRegistry()
	sdm, err := discovery.CreateAndRegisterSDMetrics(reg)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("register discovery metrics of the notifier: %w", err)
	}
	sd := discovery.NewManager(ctx, o.Logger.With("component", "discovery notify"), o.Registerer, sdm, discovery.Name("notify"), discovery.FeatureRegistry(o.Features))
	if sd == nil {
		cancel()
		return nil, errors.New("create discovery manager of the notifier: its metrics are registered twice")
	}
	n := &Notifier{o: o, sd: sd, cancel: cancel}
	n.n = notifier.NewManager(&notifier.Options{
		QueueCapacity: o.QueueCapacity, DrainOnShutdown: true, Registerer: o.Registerer, MaxBatchSize: notifier.DefaultMaxBatchSize, Do: n.send,
	}, model.UTF8Validation, o.Logger.With("component", "notifier"))
	return n, nil
}

// send is upstream's way to send a message, and tells of those that were taken.
func (n *Notifier) send(ctx context.Context, c *http.Client, req *http.Request) (*http.Response, error) {
	res, err := n.failing.do(ctx, c, req)
	if err != nil || n.o.Delivered == nil || res.StatusCode/100 != 2 || req.GetBody == nil {
		return res, err
	}
	if body, err := req.GetBody(); err == nil {
		if raw, err := io.ReadAll(body); err == nil {
			n.o.Delivered(raw)
		}
	}
	return res, nil
}

// Apply takes the alerting section of a configuration into force.
func (n *Notifier) Apply(c *config.Config) error {
	sd := map[string]discovery.Configs{}
	for k, v := range c.AlertingConfig.AlertmanagerConfigs.ToMap() {
		sd[k] = v.ServiceDiscoveryConfigs
	}
	if err := n.n.ApplyConfig(c); err != nil {
		return fmt.Errorf("apply alerting settings: %w", err)
	}
	if err := n.sd.ApplyConfig(sd); err != nil {
		return fmt.Errorf("apply discovery of Alertmanagers: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.external, n.named, n.since = len(sd) > 0, named(c), time.Now()
	n.labels = c.GlobalConfig.ExternalLabels
	n.relabel = c.AlertingConfig.AlertRelabelConfigs
	return nil
}

// External says whether the configuration names Alertmanagers of its own.
func (n *Notifier) External() bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.external
}

// Named are the addresses of Alertmanagers that stand in the configuration
// itself, as they stand there: what is known before discovery has begun. since
// is when the configuration came into force.
func (n *Notifier) Named() (addresses []string, since time.Time) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.named, n.since
}

func named(c *config.Config) []string {
	var out []string
	for _, am := range c.AlertingConfig.AlertmanagerConfigs {
		for _, sd := range am.ServiceDiscoveryConfigs {
			static, ok := sd.(discovery.StaticConfig)
			if !ok {
				continue
			}
			for _, group := range static {
				for _, target := range group.Targets {
					u := url.URL{Scheme: am.Scheme, Host: string(target[model.AddressLabel]), Path: am.PathPrefix}
					out = append(out, u.JoinPath("api", string(am.APIVersion), "alerts").String())
				}
			}
		}
	}
	return out
}

// SendFailure is an Alertmanager that did not take what it was last sent.
type SendFailure struct {
	URL   string // without a password
	At    time.Time
	Error string
}

// Failing lists the discovered Alertmanagers that did not take the last alerts.
func (n *Notifier) Failing() []SendFailure {
	var out []SendFailure
	for _, u := range n.Alertmanagers() {
		if f, ok := n.failing.of(u); ok {
			out = append(out, f)
		}
	}
	return out
}

// failures remembers which addresses did not take their last request.
type failures struct {
	mu sync.Mutex
	by map[string]SendFailure
}

// do sends a request as upstream does, and takes note of how it went.
func (f *failures) do(ctx context.Context, client *http.Client, req *http.Request) (*http.Response, error) {
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req.WithContext(ctx))
	why := ""
	switch {
	case err != nil:
		why = err.Error()
		if ue, ok := errors.AsType[*url.Error](err); ok {
			why = ue.Err.Error() // the address is told beside it
		}
	case resp.StatusCode/100 != 2:
		why = "it answers " + resp.Status
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if why == "" {
		delete(f.by, req.URL.String())
		return resp, err
	}
	if f.by == nil {
		f.by = map[string]SendFailure{}
	}
	f.by[req.URL.String()] = SendFailure{URL: req.URL.Redacted(), At: time.Now(), Error: why}
	return resp, err
}

func (f *failures) of(u *url.URL) (SendFailure, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	failure, ok := f.by[u.String()]
	return failure, ok
}

// discoverWithin is how long the Alertmanagers that the configuration itself
// names may take until they are discovered, which is seconds.
const discoverWithin = 30 * time.Second

var errUndiscovered = errors.New("no Alertmanager has been discovered yet")

// Notify is the rules' way out. Relabelling is the same on both ways. What comes
// before the named Alertmanagers have been discovered is an error, so that it is
// told again soon: upstream would drop it, and it would wait for the resend.
func (n *Notifier) Notify(ctx context.Context, expr string, alerts ...*rules.Alert) error {
	if len(alerts) == 0 {
		return nil
	}
	n.mu.RLock()
	external, ext, rc := n.external, n.labels, n.relabel
	early := len(n.named) > 0 && time.Since(n.since) < discoverWithin
	n.mu.RUnlock()
	if external && early && len(n.n.Alertmanagers()) == 0 {
		return errUndiscovered
	}
	if external {
		rules.SendAlerts(n.n, n.o.ExternalURL.String())(ctx, expr, alerts...)
		return nil // its queue is bounded by upstream's own rules
	}
	link := n.o.ExternalURL.String() + strutil.TableLinkForExpression(expr)
	out := make([]Alert, 0, len(alerts))
	b := labels.NewBuilder(labels.EmptyLabels())
	for _, a := range alerts {
		b.Reset(a.Labels)
		ext.Range(func(l labels.Label) {
			if a.Labels.Get(l.Name) == "" {
				b.Set(l.Name, l.Value)
			}
		})
		if !relabel.ProcessBuilder(b, rc...) {
			continue
		}
		ends := a.ValidUntil
		if !a.ResolvedAt.IsZero() {
			ends = a.ResolvedAt
		}
		out = append(out, Alert{
			Alert:    notifier.Alert{Labels: b.Labels(), Annotations: a.Annotations, StartsAt: a.FiredAt, EndsAt: ends, GeneratorURL: link},
			ActiveAt: a.ActiveAt,
		})
	}
	if len(out) == 0 {
		return nil
	}
	return n.o.Embedded(ctx, out)
}

// Run starts discovery and sending, and returns at once.
func (n *Notifier) Run() {
	n.started = true
	n.wg.Go(func() {
		if err := n.sd.Run(); err != nil && !errors.Is(err, context.Canceled) {
			n.o.Logger.Error("Discovery of Alertmanagers stopped", "err", err)
		}
	})
	n.wg.Go(func() { n.n.Run(n.sd.SyncCh()) })
}

// Close sends what is queued, within upstream's own bounds, and stops.
func (n *Notifier) Close() {
	if n.started {
		n.n.Stop()
	}
	n.cancel()
	n.wg.Wait()
	n.started = false
}

// Alertmanagers and DroppedAlertmanagers are what /api/v1/alertmanagers lists.
func (n *Notifier) Alertmanagers() []*url.URL { return n.n.Alertmanagers() }

// DroppedAlertmanagers are the discovered Alertmanagers that relabelling dropped.
func (n *Notifier) DroppedAlertmanagers() []*url.URL { return n.n.DroppedAlertmanagers() }
