package dispatch

import (
	"sync/atomic"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
)

// Metrics are those of all dispatchers of a process, with upstream's names.
type Metrics struct {
	groups     prometheus.Gauge
	processing prometheus.Summary
	limited    prometheus.Counter
	superseded prometheus.Counter
	current    atomic.Pointer[Dispatcher]
	alerts     *prometheus.Desc
}

// NewMetrics registers the metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		groups:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "alertmanager_dispatcher_aggregation_groups", Help: "Groups of alerts."}),
		processing: prometheus.NewSummary(prometheus.SummaryOpts{Name: "alertmanager_dispatcher_alert_processing_duration_seconds", Help: "Time to put an alert into its groups."}),
		limited:    prometheus.NewCounter(prometheus.CounterOpts{Name: "alertmanager_dispatcher_aggregation_group_limit_reached_total", Help: "Alerts that were not told because there were too many groups."}),
		superseded: prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_dispatcher_superseded_total", Help: "Flushes that a busy receiver never saw, because a newer one of the same group took their place."}),
		alerts:     prometheus.NewDesc("alertmanager_alerts", "Alerts by state.", []string{"state"}, nil),
	}
	reg.MustRegister(m.groups, m.processing, m.limited, m.superseded, m)
	return m
}

// watch makes a dispatcher the one whose alerts are counted.
func (m *Metrics) watch(d *Dispatcher) { m.current.Store(d) }

var _ prometheus.Collector = (*Metrics)(nil)

// Describe makes Metrics a collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) { ch <- m.alerts }

// Collect counts each alert that has not ended once, by the strongest state that it has in a group.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	d := m.current.Load()
	if d == nil {
		return
	}
	seen := map[model.Fingerprint]alert.AlertState{}
	for _, groups := range d.all() {
		for _, g := range groups {
			for _, a := range g.alerts() {
				if a.Resolved() {
					continue
				}
				fp := a.Fingerprint()
				s := g.marker.Status(fp).State
				if was, ok := seen[fp]; !ok || s.Compare(was) > 0 {
					seen[fp] = s
				}
			}
		}
	}
	count := map[alert.AlertState]int{}
	for _, s := range seen {
		count[s]++
	}
	for _, s := range []alert.AlertState{alert.AlertStateActive, alert.AlertStateSuppressed, alert.AlertStateUnprocessed} {
		ch <- prometheus.MustNewConstMetric(m.alerts, prometheus.GaugeValue, float64(count[s]), string(s))
	}
}
