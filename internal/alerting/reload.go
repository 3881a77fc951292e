package alerting

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/receiver"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/common/model"
)

// File is a parsed configuration with the bytes that it came from; the bytes
// decide whether a reload has anything to do, since a printed configuration
// hides its secrets.
type File struct {
	Config *config.Config
	raw    []byte
}

// LoadFile parses alertmanager.yml strictly, as upstream does.
func LoadFile(path string) (*File, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read alertmanager configuration: %w", err)
	}
	c, err := config.LoadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &File{Config: c, raw: raw}, nil
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
	tmpl      *template.Template
	routes    *dispatch.Route
	receivers map[string][]notify.Integration
	list      []Receiver
	intervals map[string][]timeinterval.TimeInterval
}

// Prepare builds templates, routes, receivers and time intervals. Nothing changes until Apply.
func (a *Alertmanager) Prepare(file *File) (*Change, error) {
	conf := file.Config
	c := &Change{a: a, conf: conf, receivers: map[string][]notify.Integration{}, intervals: map[string][]timeinterval.TimeInterval{}}
	var err error
	if c.tmpl, err = template.FromGlobs(conf.Templates); err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	c.tmpl.ExternalURL = a.o.ExternalURL
	if c.hash, err = hashConfig(file); err != nil {
		return nil, err
	}
	c.routes = dispatch.NewRoute(conf.Route, nil)
	active := map[string]bool{}
	c.routes.Walk(func(r *dispatch.Route) { active[r.RouteOpts.Receiver] = true })
	var errs []error
	for _, r := range conf.Receivers {
		ints, err := receiver.BuildReceiverIntegrations(r, c.tmpl, a.log)
		if err != nil {
			errs = append(errs, fmt.Errorf("receiver %q: %w", r.Name, err))
			continue
		}
		rec := Receiver{Name: r.Name, Default: r.Name == conf.Route.Receiver, Used: active[r.Name]}
		for _, i := range ints {
			rec.Integrations = append(rec.Integrations, i.Name())
		}
		c.list = append(c.list, rec)
		if active[r.Name] {
			c.receivers[r.Name] = a.sent.wrap(r.Name, ints)
		}
	}
	for _, ti := range conf.MuteTimeIntervals {
		c.intervals[ti.Name] = ti.TimeIntervals
	}
	for _, ti := range conf.TimeIntervals {
		c.intervals[ti.Name] = ti.TimeIntervals
	}
	return c, errors.Join(errs...)
}

// hashConfig covers the configuration as written and the content of its templates.
func hashConfig(file *File) ([32]byte, error) {
	h := sha256.New()
	h.Write(file.raw)
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
		raw, err := os.ReadFile(f)
		if err != nil {
			return [32]byte{}, fmt.Errorf("read template: %w", err)
		}
		h.Write(raw)
	}
	return [32]byte(h.Sum(nil)), nil
}

// Apply swaps the configuration in. One that is the same as the running one
// is left alone: a restart of the dispatcher flushes groups before their time.
func (c *Change) Apply() {
	a := c.a
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conf != nil && a.loaded == c.hash {
		return
	}
	if d := a.dispatcher.Load(); d != nil {
		a.inhibitor.Load().Stop()
		d.Stop()
	}
	inh := inhibit.NewInhibitor(a.alerts, c.conf.InhibitRules, a.log, a.events)
	var peer notify.Peer
	if a.peer != nil {
		peer = a.peer
	}
	stage := a.pipeline.New(c.receivers, a.wait, inh, a.silencer, timeinterval.NewIntervener(c.intervals), a.groups, a.nflog, peer)
	a.api.Update(c.conf, func(ctx context.Context, ls model.LabelSet) {
		inh.Mutes(ctx, ls)
		a.silencer.Mutes(ctx, ls)
	})
	timeout := func(d time.Duration) time.Duration { return max(d, notify.MinTimeout) + a.wait() }
	d := dispatch.NewDispatcher(a.alerts, c.routes, stage, a.groups, timeout, 30*time.Second, nil, a.log, a.events, a.metrics, c.tmpl)
	a.wg.Go(inh.Run)
	inh.WaitForLoading()
	a.inhibitor.Store(inh)
	// Routes wait for their group_wait from the start of the process on, not
	// from every reload.
	a.wg.Go(func() { d.Run(a.started) })
	d.WaitForLoading()
	a.dispatcher.Store(d)
	a.conf, a.loaded, a.list = c.conf, c.hash, c.list
}

// Receiver describes one receiver of the configuration in force.
type Receiver struct {
	Name         string
	Integrations []string // types, such as "slack"
	Default      bool     // the root route's receiver
	Used         bool     // by any route
}

// Receivers lists the receivers of the configuration in force.
func (a *Alertmanager) Receivers() []Receiver {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.list
}
