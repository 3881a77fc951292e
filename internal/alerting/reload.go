package alerting

import (
	"bytes"
	"context"
	"crypto/md5" // upstream's metric alertmanager_config_hash is the start of an MD5
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	amdispatch "github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"touchline.dev/touchline/internal/alerting/channel/registry"
	"touchline.dev/touchline/internal/alerting/dispatch"
)

// File is a parsed configuration with the bytes that it came from; the bytes
// decide whether a reload has anything to do, since a printed configuration
// hides its secrets.
type File struct {
	Config *config.Config
	// Channels are our own, by receiver, which the file itself cannot hold.
	Channels map[string][]registry.Spec

	raw []byte
}

// LoadFile parses alertmanager.yml strictly, as upstream does. Paths in it are
// relative to its directory.
func LoadFile(path string) (*File, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read alertmanager configuration (--alertmanager.config): %w", err)
	}
	for {
		c, err := config.LoadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		// Upstream reads the file by itself; an editor may have been in between.
		again, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read alertmanager configuration (--alertmanager.config): %w", err)
		}
		if bytes.Equal(raw, again) {
			return &File{Config: c, raw: raw}, nil
		}
		raw = again
	}
}

// LoadConfig parses alertmanager.yml strictly, as upstream does.
func LoadConfig(path string) (*config.Config, error) {
	f, err := LoadFile(path)
	if err != nil {
		return nil, err
	}
	return f.Config, nil
}

// FileReceiver is a receiver of alertmanager.yml.
type FileReceiver struct {
	Name       string
	Integrated bool // it has an integration of upstream's
}

// Receivers are those of the file, in its order.
func (f *File) Receivers() []FileReceiver {
	out := make([]FileReceiver, 0, len(f.Config.Receivers))
	for _, r := range f.Config.Receivers {
		x := FileReceiver{Name: r.Name}
		// All fields but the name are lists of integrations.
		for _, field := range reflect.ValueOf(r).Fields() {
			x.Integrated = x.Integrated || field.Kind() == reflect.Slice && field.Len() > 0
		}
		out = append(out, x)
	}
	return out
}

// Parse parses a configuration that does not come from a file.
func Parse(raw []byte) (*File, error) {
	c, err := config.Load(string(raw))
	if err != nil {
		return nil, err
	}
	return &File{Config: c, raw: raw}, nil
}

// Change is a configuration of which everything that can fail is done.
type Change struct {
	a         *Alertmanager
	conf      *config.Config
	hash      [32]byte
	fileHash  [md5.Size]byte
	tmpl      *template.Template
	routes    *amdispatch.Route
	receivers map[string][]notify.Integration // that a route uses
	all       map[string][]notify.Integration
	list      []Receiver
	intervals map[string][]timeinterval.TimeInterval
}

// Prepare builds templates, routes, receivers and time intervals, and returns
// all that is wrong with them at once. Nothing changes until Apply. Receivers
// that no route uses cannot be told, but for those in also, which Tell is to
// reach, and by Try.
func (a *Alertmanager) Prepare(file *File, also ...string) (*Change, error) {
	c, err := a.prepare(file, also)
	if err != nil {
		a.Refused()
		return nil, err
	}
	return c, nil
}

// Refused tells the metrics that a new configuration could not be used, for a
// reason found before Prepare.
func (a *Alertmanager) Refused() { a.loads.successful.Set(0) }

func (a *Alertmanager) prepare(file *File, also []string) (*Change, error) {
	conf := file.Config
	c := &Change{a: a, conf: conf, receivers: map[string][]notify.Integration{}, all: map[string][]notify.Integration{}, intervals: map[string][]timeinterval.TimeInterval{}}
	c.fileHash = md5.Sum(file.raw)
	var err error
	if c.tmpl, err = a.base(conf)(); err != nil {
		return nil, err
	}
	if c.hash, err = hashConfig(file, also); err != nil {
		return nil, err
	}
	c.routes = amdispatch.NewRoute(conf.Route, nil)
	active := map[string]bool{}
	c.routes.Walk(func(r *amdispatch.Route) { active[r.RouteOpts.Receiver] = true })
	named, err := namedOf(conf, also)
	errs := []error{err, unknownReceivers(file)}
	for _, r := range conf.Receivers {
		rec := Receiver{Name: r.Name, Default: r.Name == conf.Route.Receiver, Used: active[r.Name], built: active[r.Name] || named[r.Name]}
		ints, err := a.build(r, &rec, file, c.tmpl)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c.all[r.Name] = a.sent.wrap(r.Name, ints)
		if rec.built {
			c.receivers[r.Name] = c.all[r.Name]
		}
		c.list = append(c.list, rec)
	}
	for _, ti := range conf.MuteTimeIntervals {
		c.intervals[ti.Name] = ti.TimeIntervals
	}
	for _, ti := range conf.TimeIntervals {
		c.intervals[ti.Name] = ti.TimeIntervals
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// hashConfig covers the configuration as written, the content of its templates,
// our channels, and which receivers are told outside of their routes.
func hashConfig(file *File, also []string) ([32]byte, error) {
	h := sha256.New()
	h.Write(file.raw)
	for _, name := range slices.Compact(slices.Sorted(slices.Values(also))) {
		fmt.Fprintf(h, "\nalso %d:%s\n", len(name), name)
	}
	var files []string
	for _, g := range file.Config.Templates {
		m, err := filepath.Glob(g)
		if err != nil {
			return [32]byte{}, fmt.Errorf("templates: bad pattern %q: %w", g, err)
		}
		files = append(files, m...)
	}
	sort.Strings(files)
	for _, f := range files {
		// The name and its length keep two files from passing for one.
		fmt.Fprintf(h, "\n%d:%s\n", len(f), f)
		raw, err := os.ReadFile(f)
		if err != nil {
			return [32]byte{}, fmt.Errorf("read template: %w", err)
		}
		h.Write(raw)
	}
	if err := writeChannels(h, file); err != nil {
		return [32]byte{}, err
	}
	return [32]byte(h.Sum(nil)), nil
}

// Apply swaps the configuration in; it cannot fail. One that is the same as
// the running one is left alone. The API answers throughout.
func (c *Change) Apply() {
	a := c.a
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.done {
		return
	}
	a.loads.applied(c)
	if a.conf != nil && a.loaded == c.hash {
		return
	}
	c.warn()
	// The inhibitor knows all alerts before the dispatcher has it, so that
	// nothing is told that it would have muted.
	old, inh := a.inhibitor.Load(), inhibit.NewInhibitor(a.alerts, c.conf.InhibitRules, a.log, a.events)
	a.wg.Go(inh.Run)
	inh.WaitForLoading()
	a.api.Update(c.conf, func(ctx context.Context, ls model.LabelSet) {
		a.inhibitor.Load().Mutes(ctx, ls)
		a.silencer.Mutes(ctx, ls)
	})
	a.dispatcher.Apply(dispatch.Config{
		Routes: c.routes, Receivers: a.pipelines(c.receivers, inh, timeinterval.NewIntervener(c.intervals)), Inhibited: targets(c), Template: c.tmpl,
	})
	a.inhibitor.Store(inh)
	old.Stop()
	a.conf, a.loaded, a.list, a.all = c.conf, c.hash, c.list, c.all
	a.proven.show(c.list)
}

// ingested times the alerts that reach the dispatcher; those that came by the
// API are first known here.
func (a *Alertmanager) ingested(x *alert.Alert, at time.Time) {
	a.timings.queued(x, Timing{Class: "api", Queued: at})
	a.timings.dispatched(x, at)
	if a.o.Ingested != nil {
		a.o.Ingested(x, at)
	}
}

// warn tells of settings that are valid and yet do not do what they seem to.
func (c *Change) warn() {
	a := c.a
	if !reflect.ValueOf(c.conf.TracingConfig).IsZero() {
		a.log.Warn("The section tracing of the Alertmanager configuration has no effect here: it would set process-wide OpenTelemetry providers")
	}
	if !reflect.ValueOf(c.conf.EventRecorder).IsZero() {
		a.log.Warn("The section event_recorder of the Alertmanager configuration has no effect, as in Alertmanager without its feature flag")
	}
	c.routes.Walk(func(r *amdispatch.Route) {
		if r.RouteOpts.RepeatInterval > a.o.Retention {
			a.log.Warn("repeat_interval is longer than the notification log is kept; notifications may repeat sooner",
				"route", r.Key(), "repeat_interval", r.RouteOpts.RepeatInterval, "retention", a.o.Retention)
		}
		if r.RouteOpts.RepeatInterval < r.RouteOpts.GroupInterval {
			a.log.Warn("repeat_interval is shorter than group_interval; notifications repeat at the next group_interval",
				"route", r.Key(), "repeat_interval", r.RouteOpts.RepeatInterval, "group_interval", r.RouteOpts.GroupInterval)
		}
	})
}

// loadMetrics are upstream's metrics of the configuration in force.
type loadMetrics struct {
	hash, successful, at, receivers, integrations, rules prometheus.Gauge
}

func newLoadMetrics(reg prometheus.Registerer, clustered bool) *loadMetrics {
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "alertmanager_" + name, Help: help})
		reg.MustRegister(g)
		return g
	}
	enabled := gauge("cluster_enabled", "Whether replicas gossip with each other.")
	if clustered {
		enabled.Set(1)
	}
	return &loadMetrics{
		hash:         gauge("config_hash", "Hash of the Alertmanager configuration in force."),
		successful:   gauge("config_last_reload_successful", "Whether the last attempt to load the Alertmanager configuration succeeded."),
		at:           gauge("config_last_reload_success_timestamp_seconds", "When the Alertmanager configuration was last loaded."),
		receivers:    gauge("receivers", "Receivers that a route uses."),
		integrations: gauge("integrations", "Integrations of the receivers that a route uses."),
		rules:        gauge("inhibition_rules", "Inhibition rules."),
	}
}

func (m *loadMetrics) applied(c *Change) {
	// A float64 holds 53 bits exactly, so upstream shows the first 48 of the hash.
	var first [8]byte
	copy(first[:6], c.fileHash[:])
	m.hash.Set(float64(binary.LittleEndian.Uint64(first[:])))
	m.successful.Set(1)
	m.at.SetToCurrentTime()
	receivers, integrations := 0, 0
	for _, r := range c.list {
		if r.Used {
			receivers++
			integrations += len(r.Integrations)
		}
	}
	m.receivers.Set(float64(receivers))
	m.integrations.Set(float64(integrations))
	m.rules.Set(float64(len(c.conf.InhibitRules)))
}
