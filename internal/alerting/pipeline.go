package alerting

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/nflog/nflogpb"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/alertmanager/timeinterval"

	"touchline.dev/touchline/internal/alerting/dispatch"
)

// pipelines puts upstream's stages together as upstream does, but leaves the
// integrations of a receiver apart, so that the dispatcher can tell each by
// itself. The wait for the cluster to settle is the dispatcher's, once.
func (a *Alertmanager) pipelines(receivers map[string][]notify.Integration, inh *inhibit.Inhibitor, times *timeinterval.Intervener) map[string]dispatch.Receiver {
	mute := notify.MultiStage{
		notify.NewMuteStage(inh, a.notifying),
		notify.NewTimeActiveStage(times, a.groups, a.notifying),
		notify.NewTimeMuteStage(times, a.groups, a.notifying),
		notify.NewMuteStage(a.silencer, a.notifying),
	}
	out := make(map[string]dispatch.Receiver, len(receivers))
	for name, ints := range receivers {
		r := dispatch.Receiver{Mute: mute}
		for n := range ints {
			i := &ints[n]
			to := &nflogpb.Receiver{GroupName: name, Integration: i.Name(), Idx: uint32(i.Index())}
			r.Integrations = append(r.Integrations, dispatch.Integration{
				Key:   i.String(),
				Dedup: notify.NewDedupStage(i, a.nflog, to),
				Send:  notify.MultiStage{notify.NewRetryStage(*i, name, a.notifying, a.events), notify.NewSetNotifiesStage(a.nflog, to)},
				Log:   func(groupKey string) (*nflogpb.Entry, error) { return a.lastTold(to, groupKey) },
			})
		}
		out[name] = r
	}
	a.notifying.InitializeFor(receivers)
	return out
}

// lastTold is the notification log's entry of a group and an integration, nil for none.
func (a *Alertmanager) lastTold(to *nflogpb.Receiver, groupKey string) (*nflogpb.Entry, error) {
	entries, err := a.nflog.Query(nflog.QGroupKey(groupKey), nflog.QReceiver(to))
	if errors.Is(err, nflog.ErrNotFound) || err == nil && len(entries) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("query notification log: %w", err)
	}
	return entries[0], nil
}

// ready returns when the replicas know each other.
func (a *Alertmanager) ready(ctx context.Context) error {
	if a.peer == nil {
		return nil
	}
	return a.peer.WaitReady(ctx)
}

// targets are the target sides of the inhibition rules.
func targets(c *Change) []labels.Matchers {
	var out []labels.Matchers
	for _, r := range c.conf.InhibitRules {
		out = append(out, inhibit.NewInhibitRule(r).TargetMatchers)
	}
	return slices.Clip(out)
}
