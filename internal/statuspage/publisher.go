package statuspage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ActiveAlert is an alert that fires and that nobody has silenced.
type ActiveAlert struct {
	Labels      map[string]string
	Annotations map[string]string
	StartsAt    time.Time
	Taken       bool // somebody has acknowledged it
	FalseAlarm  bool // somebody has said that it is one: it does not count
}

// Settings are what a reload may change.
type Settings struct {
	Title      Text
	Language   string
	URL        string
	Components []ComponentSettings
	// Annotation names the annotation of alerts that is shown to the public, "" for none.
	Annotation string
}

// ComponentSettings say what a component is and which alerts are about it.
type ComponentSettings struct {
	ID          string // letters, digits and hyphens
	Name        Text
	Description Text
	// State is the state that an alert with these labels puts the component
	// into; NotMeasured for an alert that is not about it.
	State func(labels map[string]string) State
}

// Health takes the state of a component of ours.
type Health interface {
	OK()
	Degraded(message string)
}

// PublisherOptions configure a Publisher. All fields without a remark are required.
type PublisherOptions struct {
	Settings Settings
	Dir      string // where the files go
	DataDir  string // where the history is kept; made when missing
	// Alerts are those that may be about a component. An error says that nobody
	// knows: what is shown stays as it is, and says how old it is.
	Alerts      func(ctx context.Context) ([]ActiveAlert, error)
	Incidents   IncidentSource
	Maintenance func(ctx context.Context) ([]Window, error) // optional
	Health      Health
	Logger      *slog.Logger
	Registerer  prometheus.Registerer

	disk disk // tests put a failing one here
}

const (
	// lookEvery is the time between two looks at the alerts.
	lookEvery = 5 * time.Second
	// renderEvery is the longest time between two renderings: pages say how old they are.
	renderEvery = time.Minute
	// settle is how long after a start a state may only get worse: alerts that
	// fired before take a moment to fire again.
	settle = 90 * time.Second
)

// Publisher keeps the files up to date. New reads the history, Start begins,
// Stop writes what is known and ends.
type Publisher struct {
	o        PublisherOptions
	log      *slog.Logger
	settings atomic.Pointer[Settings]
	history  *history

	renders, failures prometheus.Counter
	success           prometheus.Gauge

	cancel context.CancelFunc
	wg     sync.WaitGroup

	// Of the goroutine alone.
	started   time.Time
	rendered  time.Time
	shown     shown
	incidents []PublicIncident
	failing   string
}

// shown is what was last rendered, as far as a change of it is news.
type shown struct {
	settings    *Settings
	states      map[string]State
	incidents   []PublicIncident
	maintenance []Window
}

func (s shown) equal(t shown) bool {
	return s.settings == t.settings && maps.Equal(s.states, t.states) &&
		slices.EqualFunc(s.incidents, t.incidents, func(a, b PublicIncident) bool {
			return a.ID == b.ID && a.ResolvedAt.Equal(b.ResolvedAt) && len(a.Updates) == len(b.Updates) &&
				a.Updates[len(a.Updates)-1] == b.Updates[len(b.Updates)-1]
		}) &&
		slices.EqualFunc(s.maintenance, t.maintenance, func(a, b Window) bool {
			return a.ID == b.ID && a.Title == b.Title && a.From.Equal(b.From) && a.To.Equal(b.To)
		})
}

// New reads the history, and tries whether the folder can be written.
func New(o PublisherOptions) (*Publisher, error) {
	if o.disk == nil {
		o.disk = systemDisk{}
	}
	p := &Publisher{
		o: o, log: o.Logger,
		renders:  prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_statuspage_renders_total", Help: "Times that the status page was written."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_statuspage_failures_total", Help: "Times that the status page, or what it is made of, could not be written or read."}),
		success:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "touchline_statuspage_last_success_timestamp_seconds", Help: "When the status page was last written."}),
	}
	p.settings.Store(&o.Settings)
	for _, c := range []prometheus.Collector{p.renders, p.failures, p.success} {
		if err := o.Registerer.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of the status page: %w", err)
		}
	}
	if err := os.MkdirAll(o.DataDir, 0o750); err != nil {
		return nil, fmt.Errorf("make data folder of the status page: %w", err)
	}
	if err := tryFolder(o.disk, o.Dir); err != nil {
		return nil, err
	}
	h, bad, err := openHistory(o.disk, filepath.Join(o.DataDir, HistoryFile))
	if err != nil {
		return nil, err
	}
	if bad > 0 {
		o.Logger.Warn("Part of the status page's history could not be read; those times count as not measured", "records", bad)
	}
	p.history = h
	return p, nil
}

// What stands in the data folder.
const (
	// HistoryFile is the journal of the states of components.
	HistoryFile = "history.jsonl"
	// IncidentsFile is where Derived keeps its incidents.
	IncidentsFile = "incidents.json"
	// Site is where the files go when no other folder is named.
	Site = "site"
)

// tryFolder writes into the folder once, so that one that cannot be written is
// told at the start.
func tryFolder(d disk, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make folder of the status page (status_page.folder): %w", err)
	}
	f, err := d.CreateTemp(dir, tempPrefix+"*")
	if err != nil {
		return fmt.Errorf("write to the folder of the status page (status_page.folder): %w", err)
	}
	return errors.Join(f.Close(), d.Remove(f.Name()))
}

// Apply puts other settings into force; the next look shows them.
func (p *Publisher) Apply(s Settings) { p.settings.Store(&s) }

// Start begins to publish. It returns at once.
func (p *Publisher) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.started = time.Now()
	p.wg.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			p.look(ctx, time.Now())
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
}

// Stop ends publishing. The files stay.
func (p *Publisher) Stop() error {
	if p.cancel == nil {
		return p.history.stop(time.Now())
	}
	p.cancel()
	p.wg.Wait()
	return p.history.stop(time.Now())
}

// look finds out how things are, and renders what is new or due.
func (p *Publisher) look(ctx context.Context, now time.Time) {
	settings := p.settings.Load()
	var errs []error
	var windows []Window
	if p.o.Maintenance != nil {
		var err error
		if windows, err = p.o.Maintenance(ctx); err != nil {
			errs = append(errs, fmt.Errorf("ask for maintenance: %w", err))
			windows = p.shown.maintenance
		}
	}
	alerts, err := p.o.Alerts(ctx)
	if err != nil {
		p.report(errors.Join(append(errs, err)...))
		return
	}
	o := observe(settings, alerts, windows, now)
	p.hold(&o, now)
	incidents, err := p.o.Incidents.Incidents(ctx, o)
	if err != nil {
		errs = append(errs, err)
	}
	if incidents != nil || err == nil {
		p.incidents = incidents
	}
	if ctx.Err() != nil {
		return
	}
	states := map[string]State{}
	for _, c := range o.Components {
		states[c.ID] = c.State
	}
	next := shown{settings: settings, states: states, incidents: p.incidents, maintenance: windows}
	if news := !next.equal(p.shown); news || now.Sub(p.rendered) >= renderEvery || p.failing != "" {
		errs = append(errs, p.history.note(now, states))
		errs = append(errs, p.render(settings, o, windows, now))
		p.shown, p.rendered = next, now
	}
	p.report(errors.Join(errs...))
}

// hold keeps states from getting better in the first moments after a start.
func (p *Publisher) hold(o *Observation, now time.Time) {
	if now.Sub(p.started) >= settle {
		return
	}
	for n := range o.Components {
		c := &o.Components[n]
		if before := p.history.states[c.ID]; before.trouble() && c.State != Maintenance {
			c.State = worse(c.State, before)
		}
	}
}

func (p *Publisher) render(settings *Settings, o Observation, windows []Window, now time.Time) error {
	s := Snapshot{GeneratedAt: now, Incidents: p.incidents, Maintenance: windows}
	for n, c := range settings.Components {
		s.Components = append(s.Components, Component{
			ID: c.ID, Name: c.Name, Description: c.Description, State: o.Components[n].State, Days: p.history.shown(c.ID, now),
		})
	}
	files, err := render(Options{Dir: p.o.Dir, Title: settings.Title, Language: settings.Language, URL: settings.URL}, s)
	if err == nil {
		err = write(p.o.disk, p.o.Dir, files)
	}
	if err != nil {
		return err
	}
	p.renders.Inc()
	p.success.Set(float64(now.Unix()))
	return nil
}

// report tells of failures, once for each of a row.
func (p *Publisher) report(err error) {
	if err == nil {
		if p.failing != "" {
			p.log.Info("Status page is written again")
		}
		p.failing = ""
		p.o.Health.OK()
		return
	}
	p.failures.Inc()
	p.o.Health.Degraded(err.Error())
	if p.failing != err.Error() {
		p.failing = err.Error()
		p.log.Error("Status page could not be brought up to date", "err", err)
	}
}

// observe finds the state of each component: the worst that an alert about it
// calls for, unless it is under maintenance.
func observe(s *Settings, alerts []ActiveAlert, windows []Window, now time.Time) Observation {
	o := Observation{At: now}
	for _, c := range s.Components {
		out := Observed{ID: c.ID, Name: c.Name, State: Operational}
		for _, a := range alerts {
			state := c.State(a.Labels)
			if !state.trouble() {
				continue
			}
			if a.FalseAlarm {
				out.FalseAlarm = true
				continue
			}
			out.State = worse(out.State, state)
			out.Taken = out.Taken || a.Taken
			if out.Since.IsZero() || a.StartsAt.Before(out.Since) {
				out.Since = a.StartsAt
			}
			if s.Annotation != "" && a.Annotations[s.Annotation] != "" {
				out.Said = append(out.Said, a.Annotations[s.Annotation])
			}
		}
		for _, w := range windows {
			if w.at(now) && slices.Contains(w.Components, c.ID) {
				out = Observed{ID: c.ID, Name: c.Name, State: Maintenance}
			}
		}
		o.Components = append(o.Components, out)
	}
	return o
}
