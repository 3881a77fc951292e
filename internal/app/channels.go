package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/chart"
	"touchline.dev/touchline/internal/alerting/channel/email"
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
	q, err := a.engine.QueryEngine().NewRangeQuery(ctx, a.engine.Storage(), nil, expr, from, to, step)
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

// trialJSON is what became of a sample message to one integration.
type trialJSON struct {
	Integration string  `json:"integration"`
	OK          bool    `json:"ok"`
	Error       string  `json:"error,omitempty"`
	Said        string  `json:"said,omitempty"`
	Took        float64 `json:"took_seconds"`
}

// trialRequest may say in which language the sample is.
type trialRequest struct {
	Language string `json:"language"`
}

// maxTrialRequest bounds the body of a request for a sample.
const maxTrialRequest = 1 << 10

// serveTrial sends a sample to each integration of a receiver.
func (a *App) serveTrial(w http.ResponseWriter, r *http.Request) {
	ask := trialRequest{Language: channel.English}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxTrialRequest)).Decode(&ask)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		a.answerJSON(w, http.StatusBadRequest, map[string]string{"error": `the body is not JSON such as {"language": "en"}`})
		return
	case ask.Language != channel.English && ask.Language != channel.Chinese:
		a.answerJSON(w, http.StatusBadRequest, map[string]string{"error": fmt.Sprintf("language %q is not known; write en or zh", ask.Language)})
		return
	}
	name := r.PathValue("name")
	if a.notifier.External() {
		a.answerJSON(w, http.StatusConflict, map[string]string{"error": "prometheus.yml names Alertmanagers, so that the receivers here are told nothing; test them there"})
		return
	}
	trials, err := a.alerting.Try(r.Context(), name, ask.Language)
	if err != nil {
		known := []string{}
		for _, rc := range a.alerting.Receivers() {
			known = append(known, rc.Name)
		}
		// Not 404: that is what a server without this API answers.
		a.answerJSON(w, http.StatusUnprocessableEntity, map[string]any{"error": err.Error() + "; known: " + strings.Join(known, ", "), "receivers": known})
		return
	}
	out := []trialJSON{}
	for _, t := range trials {
		out = append(out, trialJSON{Integration: t.Integration, OK: t.Error == "", Error: t.Error, Said: t.Said, Took: t.Took.Seconds()})
	}
	a.answerJSON(w, http.StatusOK, map[string]any{"receiver": name, "integrations": out})
}

func (a *App) answerJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		a.log.Debug("An answer was cut off", "err", err)
	}
}
