// Package provision reads dashboards and data sources from a folder as Grafana's
// provisioning has it, follows its changes, and says what is wrong with each
// file, whose neighbours stay in force.
package provision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/touchline/internal/dashboard"
	"touchline.dev/touchline/internal/dashboard/datasource"
)

// Options configure a Watcher. All fields without a remark are required.
type Options struct {
	Dir        string // "" for none
	Shipped    fs.FS  // with dashboards/*.json; nil for none
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Getenv     func(string) (string, bool) // optional, os.LookupEnv
	Every      time.Duration               // optional: how often to look where no provider says; 10 s
	// Dashboards and Sources put what was read in force.
	Dashboards func(context.Context, []dashboard.File) error
	Sources    func([]datasource.Source) error
}

// ShippedFolder is the folder of the dashboards that ship.
const ShippedFolder = "Touchline"

// Bounds of a folder.
const (
	defaultEvery = 10 * time.Second
	minEvery     = time.Second
	maxFiles     = 10_000 // dashboards of all providers
	maxYAML      = 1 << 20
	maxNesting   = 16 // of folders
)

// Problem is what is wrong with a file. Line and Column begin at 1.
type Problem struct {
	File         string
	Line, Column int
	Warning      bool // the file is used all the same
	Elsewhere    bool // it may be right where the server runs
	Message      string
	Hint         string // what to write instead
}

func (p Problem) String() string {
	out := fmt.Sprintf("%s:%d:%d: %s", p.File, max(p.Line, 1), max(p.Column, 1), p.Message)
	if p.Hint != "" {
		out += "; " + p.Hint
	}
	return out
}

// Watcher reads a folder and follows its changes.
type Watcher struct {
	o        Options
	problems prometheus.Gauge

	mu      sync.Mutex // of a load
	files   map[string]cached
	told    map[string]bool // problems that have been logged
	last    signature
	loaded  bool
	yaml    map[string]parsed
	current []Problem

	every time.Duration
	quit  chan struct{}
	done  chan struct{}
	once  sync.Once
}

// cached is a dashboard's file as it was last read.
type cached struct {
	stamp stamp
	good  *dashboard.File // the last one that was good, nil for none
	err   error           // of the file as it is
}

// parsed is what a YAML file said when it last was right.
type parsed struct {
	providers []Provider
	sources   []datasource.Source
}

// stamp tells whether a file has changed.
type stamp struct {
	size     int64
	modified time.Time
}

// New returns a Watcher that has read nothing yet.
func New(o Options) (*Watcher, error) {
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	if o.Every <= 0 {
		o.Every = defaultEvery
	}
	w := &Watcher{
		o: o, files: map[string]cached{}, told: map[string]bool{}, yaml: map[string]parsed{}, every: o.Every, quit: make(chan struct{}), done: make(chan struct{}),
		problems: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "touchline_dashboard_provisioning_problems", Help: "Files of the provisioning folder that are wrong; the log and touchline check say how.",
		}),
	}
	if err := o.Registerer.Register(w.problems); err != nil {
		return nil, fmt.Errorf("register metrics of provisioning: %w", err)
	}
	return w, nil
}

// Load reads the folder again and puts what is good in force. What is wrong with
// files is logged, and keeps nothing else out.
func (w *Watcher) Load(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	// Files are looked at before they are read, so that a change in between is noticed.
	w.last, w.loaded = w.signYAML(), true
	r := &reading{w: w, seen: map[string]bool{}, uids: map[string]string{}}
	if w.o.Dir != "" {
		r.folder()
	}
	r.shipped()
	for name := range w.files {
		if !r.seen[name] {
			delete(w.files, name)
		}
	}
	w.tell(r.problems)
	w.every = w.o.Every
	for _, p := range r.providers {
		if p.Every > 0 {
			w.every = min(w.every, max(p.Every, minEvery))
		}
	}
	return errors.Join(w.o.Sources(r.sources), w.o.Dashboards(ctx, r.dashboards))
}

// Problems are those of the last load.
func (w *Watcher) Problems() []Problem {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.current)
}

// tell logs each problem when it comes.
func (w *Watcher) tell(problems []Problem) {
	now := map[string]bool{}
	wrong := 0
	for _, p := range problems {
		text := p.String()
		if !w.told[text] && !now[text] {
			w.o.Logger.Warn("Provisioning of dashboards has a problem", "problem", text, "file", p.File, "line", p.Line)
		}
		now[text] = true
		if !p.Warning {
			wrong++
		}
	}
	w.told, w.current = now, problems
	w.problems.Set(float64(wrong))
}

// Start follows the folder.
func (w *Watcher) Start() {
	go func() {
		defer close(w.done)
		if w.o.Dir == "" {
			<-w.quit
			return
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() {
			<-w.quit
			cancel()
		}()
		for {
			w.mu.Lock()
			every := w.every
			w.mu.Unlock()
			t := time.NewTimer(every)
			select {
			case <-w.quit:
				t.Stop()
				return
			case <-t.C:
			}
			if err := w.Poll(ctx); err != nil && ctx.Err() == nil {
				w.o.Logger.Error("What the provisioning folder holds could not be put in force; it is tried again", "err", err)
			}
		}
	}()
}

// Poll loads the folder where it has changed.
func (w *Watcher) Poll(ctx context.Context) error {
	w.mu.Lock()
	same := w.loaded && maps.Equal(w.last, w.sign())
	w.mu.Unlock()
	if same {
		return nil
	}
	if err := w.Load(ctx); err != nil {
		w.mu.Lock()
		w.loaded = false // to be tried again
		w.mu.Unlock()
		return err
	}
	return nil
}

// Stop ends what Start has begun.
func (w *Watcher) Stop() {
	w.once.Do(func() { close(w.quit) })
	<-w.done
}

// signature is every file that a load looks at.
type signature map[string]stamp

func (w *Watcher) sign() signature {
	out := w.signYAML()
	w.signDashboards(out)
	return out
}

func (w *Watcher) signYAML() signature {
	out := signature{}
	if w.o.Dir == "" {
		return out
	}
	for _, kind := range []string{"dashboards", "datasources"} {
		for _, name := range yamlFiles(path.Join(w.o.Dir, kind)) {
			out.add(name)
		}
	}
	return out
}

// signDashboards adds those of the providers that there are.
func (w *Watcher) signDashboards(out signature) {
	for _, p := range w.yaml {
		for _, provider := range p.providers {
			walk(provider.Path, func(name string, info fs.FileInfo) bool {
				out[name] = stamp{info.Size(), info.ModTime()}
				return len(out) < 2*maxFiles
			})
		}
	}
}

func (s signature) add(name string) {
	if info, err := os.Stat(name); err == nil {
		s[name] = stamp{info.Size(), info.ModTime()}
	}
}

// yamlFiles are those of a folder, in the order of their names.
func yamlFiles(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if ext := strings.ToLower(path.Ext(e.Name())); (ext == ".yml" || ext == ".yaml") && !strings.HasPrefix(e.Name(), ".") {
			out = append(out, path.Join(dir, e.Name()))
		}
	}
	return out
}
