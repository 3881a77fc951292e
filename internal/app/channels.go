package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/chart"
	"touchline.dev/touchline/internal/alerting/channel/email"
	"touchline.dev/touchline/internal/alerting/channel/slack"
	"touchline.dev/touchline/internal/api/native"
	"touchline.dev/touchline/internal/app/channelspec"
	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/incident"
)

// shippedTemplates are the definitions for receivers of alertmanager.yml that
// need no file of the user.
const shippedTemplates = "alertmanager/touchline.tmpl"

func (a *App) receiverTemplates() (string, error) {
	raw, err := fs.ReadFile(a.o.Shipped, shippedTemplates)
	if err != nil {
		return "", fmt.Errorf("read shipped templates: %w", err)
	}
	return string(raw), nil
}

// withChannels adds the channels of touchline.yaml to an alertmanager.yml.
func withChannels(am *alerting.File, own *config.Config) error {
	names := make([]string, 0, len(am.Config.Receivers))
	for _, r := range am.Config.Receivers {
		names = append(names, r.Name)
	}
	if ps := config.UnknownReceivers(own.Channels, names); len(ps) > 0 {
		return ps
	}
	am.Channels = channelspec.Of(own.Channels)
	return nil
}

// slackApps are the apps of Slack whose buttons are answered here.
func (a *App) slackApps() []slack.App {
	var out []slack.App
	for receiver, list := range a.dynamic.Load().Channels {
		for i := range list {
			if s := channelspec.One(&list[i]); s.Type == channel.Slack && s.Secret.IsSet() {
				out = append(out, slack.App{Signing: s.Secret, Webhook: s.URL, Receiver: receiver, Language: s.Language})
			}
		}
	}
	slices.SortFunc(out, func(x, y slack.App) int { return strings.Compare(x.Receiver, y.Receiver) })
	return out
}

// linkTimeout bounds the making of links: an alert must not wait for a slow database.
const linkTimeout = 2 * time.Second

// linksOf makes the links by which whoever reads a message can take or see its
// incident. Alerts that open none have none.
func (a *App) linksOf(ctx context.Context, t channel.Told) channel.Links {
	if !slices.ContainsFunc(t.Firing, a.opens) {
		return channel.Links{}
	}
	ctx, cancel := context.WithTimeout(ctx, linkTimeout)
	defer cancel()
	group, err := a.incident.LinkGroup(ctx, t.GroupKey)
	if errors.Is(err, incident.ErrNotFound) {
		return channel.Links{}
	}
	if err != nil {
		a.log.Warn("A message goes without the links of its incident", "group", t.GroupKey, "err", err)
		return channel.Links{}
	}
	link := func(action string) string {
		token, err := a.incident.Sign(ctx, incident.Link{Action: action, Group: group, Receiver: t.Receiver, Expires: time.Now().Add(incident.LinkLife)})
		if err != nil {
			a.log.Warn("A message goes without a link", "action", action, "err", err)
			return ""
		}
		return a.external.JoinPath(native.Base, "links", token).String()
	}
	return channel.Links{Acknowledge: link(incident.LinkAcknowledge), Incident: link(incident.LinkView)}
}

// graph reads what an expression measured, for the picture of a mail.
func (a *App) graph(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]email.Measured, error) {
	q, err := a.engine.QueryEngine().NewRangeQuery(ctx, a.engine.Whole(), nil, expr, from, to, step)
	if err != nil {
		return nil, fmt.Errorf("query for a picture: %w", err)
	}
	defer q.Close()
	r := q.Exec(ctx)
	if r.Err != nil {
		return nil, fmt.Errorf("query for a picture: %w", r.Err)
	}
	m, err := r.Matrix()
	if err != nil {
		return nil, fmt.Errorf("query for a picture: %w", err)
	}
	out := make([]email.Measured, 0, len(m))
	for _, s := range m {
		e := email.Measured{Labels: s.Metric.Map(), Name: s.Metric.String()}
		for _, p := range s.Floats {
			e.Points = append(e.Points, chart.Point{At: time.UnixMilli(p.T), Value: p.F})
		}
		out = append(out, e)
	}
	return out, nil
}

// trials tries receivers for the native API.
type trials struct{ a *App }

// Try sends a sample to each integration of a receiver.
func (t trials) Try(ctx context.Context, receiver, language string) ([]native.Trial, error) {
	list, err := t.a.alerting.Try(ctx, receiver, language)
	if err != nil {
		known := []string{}
		for _, r := range t.a.alerting.Receivers() {
			known = append(known, r.Name)
		}
		return nil, fmt.Errorf("%w: %w; known: %s", native.ErrReceiver, err, strings.Join(known, ", "))
	}
	out := make([]native.Trial, len(list))
	for n, x := range list {
		out[n] = native.Trial{Integration: x.Integration, OK: x.Error == "", Error: x.Error, Said: x.Said, Took: x.Took.Seconds()}
	}
	t.a.record(ctx, "receiver.test", "receiver/"+receiver, nil, out)
	return out, nil
}
