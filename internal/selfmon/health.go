package selfmon

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// HealthOptions configure a Health registry.
type HealthOptions struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Health keeps the state of every component and of the whole process. All
// methods may be called from any goroutine. It is a prometheus.Collector that
// exports touchline_component_state and touchline_ready.
type Health struct {
	now func() time.Time

	mu         sync.Mutex
	components []*ComponentHandle // in order of registration
	started    time.Time
	readyAt    time.Time
	stopping   bool

	stateDesc *prometheus.Desc
	readyDesc *prometheus.Desc
}

// ComponentHandle is how a component says how it is. A component that was
// registered and has said nothing is off.
type ComponentHandle struct {
	health *Health
	value  Component
}

var _ prometheus.Collector = (*Health)(nil)

// NewHealth gives an empty registry in state starting.
func NewHealth(o HealthOptions) *Health {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Health{
		now:     o.Now,
		started: o.Now(),
		stateDesc: prometheus.NewDesc("touchline_component_state",
			"State of a component: 1 for the state that it is in, 0 for the others.",
			[]string{"component", "state"}, nil),
		readyDesc: prometheus.NewDesc("touchline_ready",
			"Whether the server is ready to answer: 1 or 0.", nil, nil),
	}
}

// Register adds a component, or gives the handle of the one that already has
// this name, so that a component that is rebuilt keeps its row.
func (h *Health) Register(name string) *ComponentHandle {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.components {
		if c.value.Name == name {
			return c
		}
	}
	c := &ComponentHandle{health: h, value: Component{Name: name, State: ComponentOff, Since: h.now().UTC()}}
	h.components = append(h.components, c)
	return c
}

// OK says that the component does all of its job.
func (c *ComponentHandle) OK() { c.set(ComponentOK, "") }

// Degraded says that the component does part of its job, and why.
func (c *ComponentHandle) Degraded(message string) { c.set(ComponentDegraded, message) }

// Failed says that the component does not do its job, and why.
func (c *ComponentHandle) Failed(message string) { c.set(ComponentFailed, message) }

// Off says that the component is not meant to run, and why.
func (c *ComponentHandle) Off(message string) { c.set(ComponentOff, message) }

func (c *ComponentHandle) set(state, message string) {
	c.health.mu.Lock()
	defer c.health.mu.Unlock()
	// Since is the moment of the last change of state, not of the last report.
	if c.value.State != state {
		c.value.State = state
		c.value.Since = c.health.now().UTC()
	}
	c.value.Message = message
}

// Components gives a copy of all components, sorted by name.
func (h *Health) Components() []Component {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]Component, 0, len(h.components))
	for _, c := range h.components {
		out = append(out, c.value)
	}
	slices.SortFunc(out, func(a, b Component) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// MarkReady says that start-up is over. Only the first call counts.
func (h *Health) MarkReady() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.readyAt.IsZero() {
		h.readyAt = h.now()
	}
}

// MarkStopping says that shutdown has begun; the server is no longer ready.
func (h *Health) MarkStopping() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopping = true
}

// StartedAt gives the time at which the registry was made.
func (h *Health) StartedAt() time.Time { return h.started.UTC() }

// ReadySeconds gives the time from start to ready, 0 before that.
func (h *Health) ReadySeconds() float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.readyAt.IsZero() {
		return 0
	}
	return h.readyAt.Sub(h.started).Seconds()
}

// State gives the state of the whole process.
func (h *Health) State() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stateLocked()
}

func (h *Health) stateLocked() string {
	switch {
	case h.stopping:
		return StateStopping
	case h.readyAt.IsZero():
		return StateStarting
	}
	for _, c := range h.components {
		if c.value.State == ComponentDegraded || c.value.State == ComponentFailed {
			return StateDegraded
		}
	}
	return StateReady
}

// ErrNotReady is the reason that Ready gives while starting and stopping.
var ErrNotReady = errors.New("not ready")

// Ready is nil when requests are answered; a degraded server is ready.
func (h *Health) Ready() error {
	switch h.State() {
	case StateReady, StateDegraded:
		return nil
	}
	return ErrNotReady
}

// Describe implements prometheus.Collector.
func (h *Health) Describe(ch chan<- *prometheus.Desc) {
	ch <- h.stateDesc
	ch <- h.readyDesc
}

// Collect implements prometheus.Collector.
func (h *Health) Collect(ch chan<- prometheus.Metric) {
	states := []string{ComponentOK, ComponentDegraded, ComponentFailed, ComponentOff}
	for _, c := range h.Components() {
		for _, state := range states {
			v := 0.0
			if c.State == state {
				v = 1
			}
			ch <- prometheus.MustNewConstMetric(h.stateDesc, prometheus.GaugeValue, v, c.Name, state)
		}
	}
	ready := 0.0
	if h.Ready() == nil {
		ready = 1
	}
	ch <- prometheus.MustNewConstMetric(h.readyDesc, prometheus.GaugeValue, ready)
}
