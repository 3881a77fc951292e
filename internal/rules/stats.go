package rules

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/rules"

	"touchline.dev/touchline/internal/rules/arrival"
)

// keptDelays is how many of a rule's last decisions its percentiles are made of.
const keptDelays = 512

// ruleStats count what the evaluation on arrival does for one rule.
type ruleStats struct {
	confirmations atomic.Int64 // evaluations by PromQL
	failures      atomic.Int64
	raised        atomic.Int64 // alerts that began to fire on arrival
	raisedByTick  atomic.Int64
	tooOld        atomic.Int64
	dropped       atomic.Int64
	unknown       atomic.Int64
	cost          atomic.Int64 // ns

	mu     sync.Mutex
	delays []time.Duration // ring
	next   int
}

// take adds what a predecessor has counted.
func (s *ruleStats) take(o *ruleStats) {
	for _, p := range [][2]*atomic.Int64{
		{&s.confirmations, &o.confirmations}, {&s.failures, &o.failures}, {&s.raised, &o.raised}, {&s.raisedByTick, &o.raisedByTick},
		{&s.tooOld, &o.tooOld}, {&s.dropped, &o.dropped}, {&s.unknown, &o.unknown}, {&s.cost, &o.cost},
	} {
		p[0].Add(p[1].Load())
	}
	o.mu.Lock()
	delays, next := slices.Clone(o.delays), o.next
	o.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delays, s.next = delays, next
}

// observe keeps how long a decision took.
func (s *ruleStats) observe(h Hops) {
	d := h.Decided.Sub(h.Received)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.delays) < keptDelays {
		s.delays = append(s.delays, d)
		return
	}
	s.delays[s.next] = d
	s.next = (s.next + 1) % keptDelays
}

// quantiles returns the median and the 99th percentile of the last decisions.
func (s *ruleStats) quantiles() (p50, p99 time.Duration, n int) {
	s.mu.Lock()
	d := slices.Clone(s.delays)
	s.mu.Unlock()
	if len(d) == 0 {
		return 0, 0, 0
	}
	slices.Sort(d)
	return d[len(d)/2], d[min(len(d)-1, len(d)*99/100)], len(d)
}

// RuleArrival says how one alerting rule is evaluated, and what came of it.
type RuleArrival struct {
	File  string `json:"file"`
	Group string `json:"group"`
	Rule  string `json:"rule"`
	Query string `json:"query"`
	// Class is "local", "target", "global" or "tick"; Reason says why.
	Class     string   `json:"class"`
	Reason    string   `json:"reason"`
	Partition string   `json:"partition,omitempty"` // labels that tell what is decided apart
	Recorded  []string `json:"recorded,omitempty"`  // recording rules that are computed on arrival
	Mode      Arrival  `json:"arrival"`

	Arrivals      int64 `json:"arrivals"`      // samples of selected series
	Skips         int64 `json:"skips"`         // samples and rounds after which the result is proven unchanged
	Confirmations int64 `json:"confirmations"` // evaluations by PromQL
	Failures      int64 `json:"failures"`
	LeftToTick    int64 `json:"left_to_tick"` // samples too old, out of order or too many to judge on arrival, or from when series may have been about to begin
	OnArrival     int64 `json:"fired_on_arrival"`
	OnTick        int64 `json:"fired_on_tick"`

	// Seconds from the commit of the sample to the decision, over the last Decisions of them.
	P50       float64 `json:"decision_p50_seconds"`
	P99       float64 `json:"decision_p99_seconds"`
	Decisions int     `json:"decisions"`
	CPU       float64 `json:"evaluation_seconds_total"`
}

// Arrivals lists the alerting rules with how they are evaluated.
func (m *Manager) Arrivals() []RuleArrival {
	out := []RuleArrival{}
	for _, w := range m.arrivals.set.Load().all {
		p := w.idx.Plan()
		p50, p99, n := w.stats.quantiles()
		r := RuleArrival{
			File: w.group.File(), Group: w.group.Name(), Rule: w.rule.Name(), Query: w.expr,
			Class: p.Class.String(), Reason: p.Reason, Recorded: p.Recorded, Mode: w.mode,
			Arrivals: w.idx.Arrivals.Load(), Skips: w.idx.Skipped.Load(), Confirmations: w.stats.confirmations.Load(), Failures: w.stats.failures.Load(),
			LeftToTick: w.stats.tooOld.Load() + w.stats.dropped.Load() + w.stats.unknown.Load() + w.idx.Late.Load() + w.idx.Left.Load(),
			OnArrival:  w.stats.raised.Load(), OnTick: w.stats.raisedByTick.Load(),
			P50: p50.Seconds(), P99: p99.Seconds(), Decisions: n, CPU: time.Duration(w.stats.cost.Load()).Seconds(),
		}
		if p.Class == arrival.Target || p.Class == arrival.Global {
			r.Partition = p.Partition.String()
		}
		out = append(out, r)
	}
	return out
}

// arrivalMetrics are the process-wide ones.
type arrivalMetrics struct {
	hop       *prometheus.HistogramVec
	byRule    *prometheus.HistogramVec
	fired     *prometheus.CounterVec
	unwritten prometheus.Counter

	mu    sync.Mutex
	rules map[string]bool // names of the alerting rules in force
}

// keep drops the series of alerting rules that are gone.
func (m *arrivalMetrics) keep(groups []*rules.Group) {
	have := map[string]bool{}
	for _, g := range groups {
		for _, r := range g.AlertingRules() {
			have[r.Name()] = true
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for name := range m.rules {
		if !have[name] {
			m.byRule.DeleteLabelValues(name)
		}
	}
	m.rules = have
}

func newArrivalMetrics(reg prometheus.Registerer) *arrivalMetrics {
	m := &arrivalMetrics{
		hop: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "touchline_alert_decision_hop_seconds", Help: "Time that alerts raised on arrival took to a hop: received (from the sample's timestamp to its commit) and decided (from there to the decision).",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .02, .05, .1, .25, 1, 5, 15, 60},
		}, []string{"hop", "class"}),
		byRule: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "touchline_alert_rule_decision_seconds", Help: "Time from the commit of a sample to the decision of the rule that it raised.",
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 60,
		}, []string{"rule"}),
		fired:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "touchline_alerts_fired_on_arrival_total", Help: "Alerts that began to fire when a sample arrived, by class of the rule."}, []string{"class"}),
		unwritten: prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_alert_state_samples_failed_total", Help: "Samples of ALERTS and ALERTS_FOR_STATE between two ticks that could not be stored."}),
	}
	for _, c := range []arrival.Class{arrival.Local, arrival.Target, arrival.Global} {
		m.fired.WithLabelValues(c.String())
	}
	if reg != nil {
		reg.MustRegister(m.hop, m.byRule, m.fired, m.unwritten)
	}
	return m
}

func (m *arrivalMetrics) decided(h Hops, alerts int) {
	m.hop.WithLabelValues("received", h.Class).Observe(max(0, h.Received.Sub(h.Sample).Seconds()))
	m.hop.WithLabelValues("decided", h.Class).Observe(max(0, h.Decided.Sub(h.Received).Seconds()))
	m.byRule.WithLabelValues(h.Rule).Observe(max(0, h.Decided.Sub(h.Received).Seconds()))
	m.fired.WithLabelValues(h.Class).Add(float64(alerts))
}
