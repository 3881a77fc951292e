package alerting

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ProvenFile has, in Options.DataDir, when each integration last took a message.
const ProvenFile = "proven.json"

const (
	provenEvery = 5 * time.Second      // how often what is new is written
	provenKept  = 365 * 24 * time.Hour // of receivers that nobody has told since
	maxProven   = 4 << 20              // bytes of the file
)

// proven remembers when a message last got through to each integration. It
// outlives restarts: a receiver that nothing has been sent to for months is
// one to test, not one that works.
type proven struct {
	path string
	log  *slog.Logger
	desc *prometheus.Desc

	mu    sync.Mutex
	at    map[string]map[string]time.Time // by receiver and integration, such as "slack[0]"
	dirty bool
	shown []Receiver // whose metrics are shown
}

// provenJSON is the file.
type provenJSON struct {
	Receivers map[string]map[string]time.Time `json:"receivers"`
}

// newProven reads the file. One that cannot be read is not worth failing for:
// nothing is proven then.
func newProven(dir string, log *slog.Logger, reg prometheus.Registerer) *proven {
	p := &proven{
		path: filepath.Join(dir, ProvenFile), log: log, at: map[string]map[string]time.Time{},
		desc: prometheus.NewDesc("touchline_receiver_last_proven_timestamp_seconds",
			"When an integration of a receiver last took a message. Absent where it never has.", []string{"receiver", "integration"}, nil),
	}
	reg.MustRegister(p)
	if err := p.read(); err != nil {
		log.Warn("When receivers were last proven cannot be read; they count as not proven", "file", p.path, "err", err)
	}
	return p
}

func (p *proven) read() error {
	info, err := os.Stat(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Size() > maxProven {
		return fmt.Errorf("it has %d bytes, more than %d", info.Size(), maxProven)
	}
	raw, err := os.ReadFile(p.path)
	if err != nil {
		return err
	}
	var f provenJSON
	if err := json.Unmarshal(raw, &f); err != nil {
		return err
	}
	for receiver, integrations := range f.Receivers {
		for name, at := range integrations {
			if time.Since(at) < provenKept {
				p.set(receiver, name, at)
			}
		}
	}
	return nil
}

func (p *proven) set(receiver, integration string, at time.Time) {
	if p.at[receiver] == nil {
		p.at[receiver] = map[string]time.Time{}
	}
	p.at[receiver][integration] = at
}

// note is called when an integration has taken a message.
func (p *proven) note(receiver, integration string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set(receiver, integration, at.UTC().Truncate(time.Millisecond))
	p.dirty = true
}

func (p *proven) last(receiver, integration string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at[receiver][integration]
}

// show takes the receivers in force.
func (p *proven) show(list []Receiver) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown = list
}

// run writes what is new every few seconds, and once more at the end.
func (p *proven) run(stop <-chan struct{}) {
	t := time.NewTicker(provenEvery)
	defer t.Stop()
	failed := false
	for done := false; !done; {
		select {
		case <-t.C:
		case <-stop:
			done = true
		}
		err := p.write()
		if err != nil && !failed {
			p.log.Warn("When receivers were last proven cannot be written", "err", err)
		}
		failed = err != nil
	}
}

// write replaces the file where there is anything new.
func (p *proven) write() (err error) {
	p.mu.Lock()
	if !p.dirty {
		p.mu.Unlock()
		return nil
	}
	raw, err := json.MarshalIndent(provenJSON{p.at}, "", " ")
	p.dirty = false
	p.mu.Unlock()
	defer func() {
		if err != nil {
			p.mu.Lock()
			p.dirty = true
			p.mu.Unlock()
		}
	}()
	if err != nil {
		return fmt.Errorf("encode %s: %w", ProvenFile, err)
	}
	f, err := os.CreateTemp(filepath.Dir(p.path), ProvenFile+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", ProvenFile, err)
	}
	_, err = f.Write(append(raw, '\n'))
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), p.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", ProvenFile, err), os.Remove(f.Name()))
	}
	return nil
}

// Describe implements prometheus.Collector.
func (p *proven) Describe(ch chan<- *prometheus.Desc) { ch <- p.desc }

// Collect implements prometheus.Collector.
func (p *proven) Collect(ch chan<- prometheus.Metric) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.shown {
		for _, name := range r.names {
			if at := p.at[r.Name][name]; !at.IsZero() {
				ch <- prometheus.MustNewConstMetric(p.desc, prometheus.GaugeValue, float64(at.UnixMilli())/1000, r.Name, name)
			}
		}
	}
}
