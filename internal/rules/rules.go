// Package rules evaluates recording and alerting rules with upstream's rule
// manager, raises alerts as soon as the samples arrive that show them, and
// keeps the state of active alerts across a restart in a journal.
package rules

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/features"

	"touchline.dev/touchline/internal/rules/arrival"
)

// ShippedPrefix marks the identifiers of rule files that come out of
// Options.Shipped instead of the file system.
const ShippedPrefix = "stack/"

// StateFile is the journal's name in Options.Dir.
const StateFile = "state.journal"

// Options configure a Manager. All fields without a remark are required.
type Options struct {
	Dir             string // holds the state journal; made when missing
	Logger          *slog.Logger
	Registerer      prometheus.Registerer
	Engine          promql.QueryEngine               // of the rules alone
	Live            storage.Queryable                // what rules are evaluated over
	Hook            *arrival.Hook                    // optional: tells of the samples that arrive; without it rules are evaluated at intervals only
	Arrival         func(file, group string) Arrival // optional: how a group is evaluated on arrival, enabled without it
	NoData          func(file, group string) NoData  // optional: what becomes of alerts without data, NoDataResolve without it
	Lookback        time.Duration                    // how long a series lives without a sample
	Appendable      storage.AppendableV2
	Queryable       storage.Queryable
	Notify          Notify
	Parser          parser.Parser
	Features        features.Collector
	ExternalURL     *url.URL
	OutageTolerance time.Duration
	ForGracePeriod  time.Duration
	ResendDelay     time.Duration
	MaxConcurrent   int64 // rules evaluated at the same time within a group set; 0 evaluates one after the other
	Shipped         fs.FS // optional: rule files that ship with the product
	RestoreGrace    time.Duration
	Now             func() time.Time // optional
}

// Notify hands alerts over. On an error none of them counts as sent: they are
// handed over again at the rule's next tick.
type Notify func(ctx context.Context, expr string, alerts ...*rules.Alert) error

// Manager evaluates rule groups. New restores the journal, Prepare and Apply
// load files, Run starts evaluation, Close ends it.
type Manager struct {
	o        Options
	m        *rules.Manager
	journal  *journal
	restore  *restorer
	arrivals *arrivals

	mu      sync.Mutex
	files   []string
	offset  time.Duration
	checked map[string]*rulefmt.RuleGroups // what Apply puts into force, while it does
	running bool
	done    chan struct{}
	cancel  context.CancelFunc
}

// New opens the state journal and builds the rule manager; nothing is evaluated yet.
func New(o Options) (*Manager, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Arrival == nil {
		o.Arrival = func(string, string) Arrival { return ArrivalEnabled }
	}
	if o.NoData == nil {
		o.NoData = func(string, string) NoData { return NoDataResolve }
	}
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("create rule state directory: %w", err)
	}
	j, saved, err := openJournal(filepath.Join(o.Dir, StateFile), o.Logger, o.Registerer)
	if err != nil {
		return nil, err
	}
	j.now = o.Now
	ctx, cancel := context.WithCancel(context.Background())
	m := &Manager{o: o, journal: j, restore: newRestorer(saved, o.Now().Add(o.RestoreGrace), rules.EngineQueryFunc(o.Engine, o.Live), o.Now, o.Logger), done: make(chan struct{}), cancel: cancel}
	m.arrivals = newArrivals(o, j, m.restore)
	if o.Registerer != nil {
		o.Registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "touchline_alerts_kept_without_data", Help: "Alerts that receivers are told are firing although their series have ended, because their target cannot be scraped (rules.no_data: keep).",
		}, func() float64 { return float64(m.restore.absent()) }))
	}
	if o.Hook != nil {
		o.Hook.Attach(m.arrivals.x)
	}
	m.m = rules.NewManager(&rules.ManagerOptions{
		NameValidationScheme: model.UTF8Validation,
		ExternalURL:          o.ExternalURL, QueryFunc: m.query, NotifyFunc: m.notify, Context: ctx,
		AppendableV2: o.Appendable, Queryable: o.Queryable, Logger: o.Logger, Registerer: o.Registerer,
		OutageTolerance: o.OutageTolerance, ForGracePeriod: o.ForGracePeriod, ResendDelay: o.ResendDelay,
		GroupLoader: checked{loader{shipped: o.Shipped, parser: o.Parser, log: o.Logger}, &m.checked}, DefaultRuleQueryOffset: m.queryOffset,
		MaxConcurrentEvals: o.MaxConcurrent, ConcurrentEvalsEnabled: o.MaxConcurrent > 0,
		Metrics: rules.NewGroupMetrics(o.Registerer), FeatureRegistry: o.Features, Parser: o.Parser,
	})
	if j.found {
		// The journal knows more of the alerts than ALERTS_FOR_STATE does. Only
		// the first update of upstream's manager restores from that series, and
		// would move the beginning of pending alerts.
		if err := m.m.Update(time.Minute, nil, labels.EmptyLabels(), "", nil); err != nil {
			return nil, errors.Join(fmt.Errorf("prepare rule manager: %w", err), j.close())
		}
	}
	return m, nil
}

func (m *Manager) queryOffset() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.offset
}

// Settings are what prometheus.yml says about rules.
type Settings struct {
	Interval       time.Duration // global evaluation interval
	QueryOffset    time.Duration
	Patterns       []string // rule_files, absolute
	ExternalLabels labels.Labels
	Stack          bool // load the shipped rules too
}

// Change is a set of rule files that have been read and checked.
type Change struct {
	m     *Manager
	s     Settings
	files []string
	read  map[string]*rulefmt.RuleGroups // the files as they were when they were checked
}

// Files are the rule files that the change loads; shipped ones begin with ShippedPrefix.
func (c *Change) Files() []string { return c.files }

// Prepare finds and checks every rule file. Its error lists every fault of
// every file; nothing is changed.
func (m *Manager) Prepare(s Settings) (*Change, error) {
	var files []string
	if s.Stack && m.o.Shipped != nil {
		shipped, err := fs.Glob(m.o.Shipped, "rules/*.yml")
		if err != nil {
			return nil, fmt.Errorf("list shipped rules: %w", err)
		}
		for _, f := range shipped {
			files = append(files, ShippedPrefix+f)
		}
	}
	for _, p := range s.Patterns {
		fs, err := filepath.Glob(p)
		if err != nil {
			return nil, fmt.Errorf("rule_files: bad pattern %q: %w", p, err)
		}
		if len(fs) == 0 {
			m.o.Logger.Warn("No file matches a pattern of rule_files: no rules until one is there and the configuration is loaded again", "pattern", p)
		}
		files = append(files, fs...)
	}
	slices.Sort(files)
	files = slices.Compact(files)
	l := loader{shipped: m.o.Shipped, parser: m.o.Parser, log: m.o.Logger}
	read := map[string]*rulefmt.RuleGroups{}
	var all []error
	for _, f := range files {
		groups, errs := l.Load(f, false, model.UTF8Validation)
		all = append(all, errs...)
		read[f] = groups
	}
	if err := errors.Join(all...); err != nil {
		return nil, err
	}
	return &Change{m: m, s: s, files: files, read: read}, nil
}

// Apply puts the rules into force. Groups that did not change keep their state.
func (c *Change) Apply() error {
	m := c.m
	m.mu.Lock()
	m.offset, m.files = c.s.QueryOffset, c.files
	m.mu.Unlock()
	m.restore.label(c.s.ExternalLabels)
	if err := m.arrivals.replace(func() ([]*rules.Group, error) {
		m.checked = c.read
		defer func() { m.checked = nil }()
		if err := m.m.Update(c.s.Interval, c.files, c.s.ExternalLabels, m.o.ExternalURL.String(), m.iterate); err != nil {
			return nil, fmt.Errorf("load rules: %w", err)
		}
		return m.m.RuleGroups(), nil
	}); err != nil {
		return err
	}
	groups := m.m.RuleGroups()
	m.journal.keep(groups)
	m.restore.keep(groups)
	m.arrivals.metrics.keep(groups)
	return nil
}

// iterate evaluates one group and then journals what changed.
func (m *Manager) iterate(ctx context.Context, g *rules.Group, ts time.Time) {
	m.arrivals.await(ctx, g)
	st := m.restore.group(g)
	st.tick(ts)
	defer st.tick(time.Time{})
	m.restore.prime(ctx, g, st, ts, m.o.ExternalURL)
	t := &tick{a: m.arrivals, group: g, at: ts, concurrent: m.o.MaxConcurrent > 0}
	ctx = context.WithValue(context.WithValue(ctx, groupKey{}, st), tickKey{}, t)
	rules.DefaultEvalIterationFunc(ctx, g, ts)
	t.end()
	m.tellAbsent(ctx, g, st, ts)
	m.journal.record(g, st)
}

// notify is the way out of ticks.
func (m *Manager) notify(ctx context.Context, expr string, alerts ...*rules.Alert) {
	t, _ := ctx.Value(tickKey{}).(*tick)
	if t != nil {
		alerts = m.keepAbsent(ctx, t, expr, alerts)
	}
	if err := m.o.Notify(ctx, expr, alerts...); err != nil && t != nil {
		t.unsent(alerts)
	}
}

// query is the query function of ticks.
func (m *Manager) query(ctx context.Context, q string, at time.Time) (promql.Vector, error) {
	var w *watched
	if t, ok := ctx.Value(tickKey{}).(*tick); ok {
		w = t.enter(rules.FromOriginContext(ctx), q)
	}
	res, err := m.restore.query(ctx, q, at)
	if w != nil && err == nil {
		w.agree(res, w.lastTick)
		res = w.carried(res, at)
	}
	return res, err
}

// Run starts evaluation and returns at once.
func (m *Manager) Run() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running {
		return
	}
	m.running = true
	m.arrivals.run()
	go func() {
		defer close(m.done)
		m.m.Run()
	}()
}

// Close stops evaluation and closes the journal.
func (m *Manager) Close() error {
	m.mu.Lock()
	running := m.running
	m.running = false
	m.mu.Unlock()
	if running {
		m.m.Stop()
		<-m.done
	}
	m.arrivals.close()
	m.cancel()
	return m.journal.close()
}

// RuleGroups and AlertingRules make the manager what the rules API reads.
func (m *Manager) RuleGroups() []*rules.Group { return m.m.RuleGroups() }

// AlertingRules lists the alerting rules of all groups.
func (m *Manager) AlertingRules() []*rules.AlertingRule { return m.m.AlertingRules() }

// Files are the rule files in force.
func (m *Manager) Files() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.files)
}

// loader reads rule files from disk and shipped ones from the binary.
type loader struct {
	shipped fs.FS
	parser  parser.Parser
	log     *slog.Logger
}

// checked answers with what Prepare has read: a file that changes between the
// check and the reload must not fail the reload when half of it is done.
type checked struct {
	loader
	read *map[string]*rulefmt.RuleGroups
}

func (c checked) Load(id string, ignoreUnknown bool, names model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	if g, ok := (*c.read)[id]; ok {
		return g, nil
	}
	return c.loader.Load(id, ignoreUnknown, names)
}

func (l loader) Load(id string, ignoreUnknown bool, names model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	rel, ok := strings.CutPrefix(id, ShippedPrefix)
	if !ok || l.shipped == nil {
		return rulefmt.ParseFile(id, ignoreUnknown, names, l.parser, l.log)
	}
	raw, err := fs.ReadFile(l.shipped, rel)
	if err != nil {
		return nil, []error{fmt.Errorf("read shipped rules: %w", err)}
	}
	groups, errs := rulefmt.Parse(raw, ignoreUnknown, names, l.parser, l.log)
	for i, err := range errs {
		errs[i] = fmt.Errorf("%s: %w", id, err)
	}
	return groups, errs
}

func (l loader) Parse(q string) (parser.Expr, error) { return l.parser.ParseExpr(q) }

// WriteState writes the state of every active alert as it is in the journal,
// in the journal's own format: a file of it named StateFile restores it.
func (m *Manager) WriteState(w io.Writer) error { return m.journal.writeState(w) }
