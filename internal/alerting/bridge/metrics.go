package bridge

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// counts are the metrics of a bridge.
type counts struct {
	webhooks *prometheus.CounterVec
	messages *prometheus.CounterVec
	failures *prometheus.CounterVec
	proven   *prometheus.GaugeVec
}

func newCounts(r prometheus.Registerer) *counts {
	f := promauto.With(r)
	channel := []string{"receiver", "integration"}
	return &counts{
		webhooks: f.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_bridge_webhooks_total", Help: "Webhooks of Alertmanagers, by receiver and status of the answer; the receiver is empty where the path names none.",
		}, []string{"receiver", "code"}),
		messages: f.NewCounterVec(prometheus.CounterOpts{Name: "touchline_bridge_notifications_total", Help: "Messages that a channel was asked to take."}, channel),
		failures: f.NewCounterVec(prometheus.CounterOpts{Name: "touchline_bridge_notifications_failed_total", Help: "Messages that a channel did not take."}, channel),
		proven: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "touchline_bridge_last_success_timestamp_seconds", Help: "When a channel last took a message, in seconds since 1970; 0 where it has not since the start.",
		}, channel),
	}
}

// expect makes the series of a channel before there is anything to count.
func (c *counts) expect(receiver, integration string) {
	c.messages.WithLabelValues(receiver, integration)
	c.failures.WithLabelValues(receiver, integration)
	c.proven.WithLabelValues(receiver, integration)
}

// told counts a message.
func (c *counts) told(receiver, integration string, at time.Time, err error) {
	c.messages.WithLabelValues(receiver, integration).Inc()
	if err != nil {
		c.failures.WithLabelValues(receiver, integration).Inc()
		return
	}
	c.proven.WithLabelValues(receiver, integration).Set(float64(at.UnixMilli()) / 1000)
}
