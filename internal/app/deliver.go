package app

import (
	"context"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/datadir"
	"touchline.dev/touchline/internal/metrics"
	"touchline.dev/touchline/internal/rules"
)

func (a *App) openAlerting() error {
	c := a.c
	templates, err := a.receiverTemplates()
	if err != nil {
		return err
	}
	o := alerting.Options{
		DataDir: a.path(datadir.Alertmanager), Retention: c.Alertmanager.Retention, MaintenanceInterval: c.Alertmanager.MaintenanceInterval,
		ExternalURL: a.external, Logger: a.log.With("component", "alerting"), Registerer: a.reg,
		MaxSilences: c.Alertmanager.MaxSilences, MaxSilenceBytes: c.Alertmanager.MaxSilenceSize, MaxAlertsPerName: c.Alertmanager.MaxAlertsPerName,
		GetConcurrency: c.Alertmanager.MaxConcurrency, EarlyFlush: c.Alertmanager.EarlyFlush, OutboxCapacity: outboxCapacity,
		Ingested:  func(x *alert.Alert, at time.Time) { a.beat.ingested(x, at) },
		Templates: templates, Graph: a.graph, Links: a.linksOf,
	}
	if c.Cluster.ListenAddress != "" {
		o.Cluster = &alerting.ClusterOptions{
			ListenAddress: c.Cluster.ListenAddress, AdvertiseAddress: c.Cluster.AdvertiseAddress, Peers: c.Cluster.Peers,
			PeerTimeout: c.Cluster.PeerTimeout, SettleTimeout: c.Cluster.SettleTimeout, Label: c.Cluster.Label, TLSConfigFile: c.Cluster.TLSConfig,
			GossipInterval: gossipInterval, PushPullInterval: pushPullInterval,
		}
	}
	a.observe(&o)
	if a.alerting, err = alerting.New(o); err != nil {
		a.parts.alerting.Failed(err.Error())
		return err
	}
	a.onStop("alerting", a.alerting.Stop)
	a.notifier, err = metrics.NewNotifier(metrics.NotifierOptions{
		Logger: a.log, Registerer: a.reg, Features: a.engine.Features(), ExternalURL: a.external, QueueCapacity: outboxCapacity, Embedded: a.deliver,
		Delivered: func(body []byte) { a.beat.delivered(body) },
	})
	if err != nil {
		return err
	}
	a.onStop("notifier", func(context.Context) error { a.notifier.Close(); return nil })
	return nil
}

// outboxCapacity is upstream's default of --alertmanager.notification-queue-capacity.
const outboxCapacity = 10_000

// The gossip's pace, as upstream's flags default to.
const (
	gossipInterval   = 200 * time.Millisecond
	pushPullInterval = time.Minute
)

// deliver hands alerts of the rules to the embedded Alertmanager. An outbox
// that stays full for longer than this refuses them; the rules hand them over
// again at their next tick.
func (a *App) deliver(ctx context.Context, in []metrics.Alert) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	now := time.Now()
	out, active := make([]*alert.Alert, 0, len(in)), make([]time.Time, 0, len(in))
	for _, n := range in {
		out = append(out, &alert.Alert{
			Alert: model.Alert{
				Labels: labelSet(n.Labels), Annotations: labelSet(n.Annotations),
				StartsAt: n.StartsAt, EndsAt: n.EndsAt, GeneratorURL: n.GeneratorURL,
			},
			UpdatedAt: now, Timeout: n.EndsAt.After(now),
		})
		active = append(active, n.ActiveAt)
	}
	way := alerting.Timing{Class: "tick"}
	if h, ok := rules.HopsFrom(ctx); ok {
		way = alerting.Timing{Rule: h.Rule, Class: h.Class, Sample: h.Sample, Received: h.Received, Decided: h.Decided}
	}
	a.beat.handedOver(out)
	if err := a.alerting.PutSince(ctx, way, active, out); err != nil {
		a.parts.alerting.Degraded(err.Error())
		a.log.Error("Alerts could not be handed over", "alerts", len(out), "err", err)
		return err
	}
	return nil
}

func labelSet(ls labels.Labels) model.LabelSet {
	out := make(model.LabelSet, ls.Len())
	ls.Range(func(l labels.Label) { out[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
	return out
}
