package dispatch

import (
	"errors"
	"log/slog"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
)

var discard = slog.New(slog.DiscardHandler)

// metrics are upstream's under upstream's names, and our own.
type metrics struct {
	groups     prometheus.Gauge
	processing prometheus.Summary
	limited    prometheus.Counter
	early      prometheus.Counter
	withheld   prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, d *Dispatcher) (*metrics, error) {
	const up, own = "alertmanager_dispatcher_", "touchline_alerting_"
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		groups:     prometheus.NewGauge(prometheus.GaugeOpts{Name: up + "aggregation_groups", Help: "Number of active aggregation groups."}),
		processing: prometheus.NewSummary(prometheus.SummaryOpts{Name: up + "alert_processing_duration_seconds", Help: "Summary of latencies for the processing of alerts."}),
		limited:    counter(up+"aggregation_group_limit_reached_total", "Number of times that a new aggregation group would have been one more than the limit."),
		early:      counter(own+"early_flushes_total", "Flushes that an urgent alert pulled forward."),
		withheld:   counter(own+"withheld_resolves_total", "Resolves withheld because their firing had not been told yet."),
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		m.groups, m.processing, m.limited, m.early, m.withheld,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: own + "lanes_busy", Help: "Pairs of group and integration that are telling something."}, func() float64 { return float64(d.telling.Load()) }),
		// Groups have one owner here, so that what these count cannot happen.
		counter(up+"aggregation_group_creation_retries_total", "Number of retries while creating aggregation groups under contention; there is none here."),
		counter(up+"aggregation_group_creation_given_up_total", "Number of alerts dropped because of contention; there is none here."),
		stateCollector{d},
	} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

// stateCollector counts alerts by state, each once, however many groups have it.
type stateCollector struct{ d *Dispatcher }

var stateDesc = prometheus.NewDesc("alertmanager_alerts", "How many alerts by state.", []string{"state"}, nil)

// Describe implements prometheus.Collector.
func (stateCollector) Describe(ch chan<- *prometheus.Desc) { ch <- stateDesc }

// Collect implements prometheus.Collector.
func (c stateCollector) Collect(ch chan<- prometheus.Metric) {
	if !c.d.running.Load() {
		return
	}
	// As upstream, an alert that is suppressed in one group counts as that, and
	// one that is active in one as active.
	states := map[model.Fingerprint]alert.AlertState{}
	_, all := c.d.snapshot()
	for _, g := range all {
		g.mu.Lock()
		for fp, m := range g.members {
			if m.alert.Resolved() {
				continue
			}
			s := g.marker.Status(fp).State
			if prev, ok := states[fp]; !ok || s.Compare(prev) > 0 {
				states[fp] = s
			}
		}
		g.mu.Unlock()
	}
	count := map[alert.AlertState]float64{}
	for _, s := range states {
		count[s]++
	}
	for _, s := range []alert.AlertState{alert.AlertStateActive, alert.AlertStateSuppressed, alert.AlertStateUnprocessed} {
		ch <- prometheus.MustNewConstMetric(stateDesc, prometheus.GaugeValue, count[s], string(s))
	}
}
