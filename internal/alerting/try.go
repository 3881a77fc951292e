package alerting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/common/model"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/registry"
)

// Trial is what became of a sample message to one integration.
type Trial struct {
	Integration string // such as "dingtalk[0]"
	Error       string // "" when it was taken
	Retry       bool   // the failure may pass
	Said        string // what the other side said, "" where that is not known
	Took        time.Duration
}

// ErrNoReceiver says that the configuration has no such receiver.
var ErrNoReceiver = errors.New("there is no such receiver")

// trialTimeout bounds one sample.
const trialTimeout = 25 * time.Second

// ending are integrations with which an alert opens something that stays until
// the alert is over: their sample is resolved at once.
var ending = []string{"pagerduty", "opsgenie", "victorops", "jira", "incidentio"}

// Try sends a sample, which says that it is one, to each integration of a
// receiver, past routes, silences and the notification log.
func (a *Alertmanager) Try(ctx context.Context, receiver, language string) ([]Trial, error) {
	a.mu.Lock()
	ints, ok := a.all[receiver]
	broken := ""
	for _, r := range a.list {
		if r.Name == receiver {
			broken = r.Broken
		}
	}
	a.mu.Unlock()
	switch {
	case !ok:
		return nil, fmt.Errorf("%w as %q", ErrNoReceiver, receiver)
	case broken != "":
		return nil, fmt.Errorf("receiver %q cannot be built: %s", receiver, broken)
	}
	out := make([]Trial, len(ints))
	var wg sync.WaitGroup
	for n := range ints {
		wg.Go(func() { out[n] = a.try(ctx, &ints[n], receiver, language) })
	}
	wg.Wait()
	return out, nil
}

func (a *Alertmanager) try(ctx context.Context, i *notify.Integration, receiver, language string) Trial {
	out := Trial{Integration: i.String()}
	ctx, cancel := context.WithTimeout(ctx, trialTimeout)
	defer cancel()
	begin := time.Now()
	as := channel.Sample(begin, language)
	// The expression lets a mail show its picture.
	as[0].GeneratorURL = a.o.ExternalURL.JoinPath("graph").String() + "?g0.expr=" + url.QueryEscape("up") + "&g0.tab=0"
	ctx = trialContext(channel.WithReply(ctx, &out.Said), receiver, as, begin)
	retry, err := i.Notify(ctx, as...)
	out.Took = time.Since(begin)
	if err != nil {
		out.Error, out.Retry = err.Error(), retry
		return out
	}
	if slices.Contains(ending, i.Name()) && i.SendResolved() {
		as[0].EndsAt = time.Now()
		if _, err := i.Notify(trialContext(ctx, receiver, as, begin), as...); err != nil {
			out.Error = "the sample was taken, but not its end: " + err.Error()
		}
	}
	return out
}

// trialContext has what notifiers expect of the dispatcher.
func trialContext(ctx context.Context, receiver string, as []*alert.Alert, now time.Time) context.Context {
	ctx = notify.WithReceiverName(ctx, receiver)
	ctx = notify.WithGroupKey(ctx, channel.SampleKey+receiver)
	ctx = notify.WithGroupLabels(ctx, model.LabelSet{"alertname": as[0].Labels["alertname"]})
	ctx = notify.WithRouteLabels(ctx, model.LabelSet{})
	ctx = notify.WithNow(ctx, now)
	ctx = notify.WithRepeatInterval(ctx, time.Hour)
	ctx = notify.WithNotificationReason(ctx, notify.ReasonFirstNotification)
	ctx = notify.WithFiringAlerts(ctx, []uint64{1})
	ctx = notify.WithResolvedAlerts(ctx, nil)
	return notify.WithNflogStore(ctx, nflog.NewStore(nil))
}

// TryOptions are for TryChannel. All fields are required.
type TryOptions struct {
	Templates   string // those that ship
	ExternalURL *url.URL
	Logger      *slog.Logger
}

// TryChannel sends a sample by a channel that no server has yet. An error means
// that it could not be built.
func TryChannel(ctx context.Context, s registry.Spec, o TryOptions) (Trial, error) {
	client := channel.NewClient()
	defer client.CloseIdleConnections()
	c, err := registry.Build(s, registry.Options{Client: client, Paces: channel.NewPaces(), Zone: time.Local, Now: time.Now, Logger: o.Logger}, registry.Base(o.Templates, nil, o.ExternalURL))
	if err != nil {
		return Trial{}, err
	}
	i := notify.NewIntegration(c, c, c.Name, 0, "sample")
	a := &Alertmanager{o: Options{ExternalURL: o.ExternalURL}}
	return a.try(ctx, &i, "sample", s.Language), nil
}
