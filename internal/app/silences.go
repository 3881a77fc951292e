package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	amlabels "github.com/prometheus/alertmanager/pkg/labels"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/incident/maintenance"
)

// amClient speaks Alertmanager's API, to the embedded one or to those that
// prometheus.yml names, without a connection of its own.
type amClient struct{ handler http.Handler }

// maxAMAnswer bounds an answer that is read, in bytes.
const maxAMAnswer = 64 << 20

// answer takes what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(code int) {
	if a.status == 0 {
		a.status = code
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.body.Len()+len(b) > maxAMAnswer {
		return 0, errors.New("the answer is too large")
	}
	return a.body.Write(b)
}

func (c *amClient) do(ctx context.Context, method, path string, send, out any) error {
	var body io.Reader
	if send != nil {
		raw, err := json.Marshal(send)
		if err != nil {
			return fmt.Errorf("ask Alertmanager: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	// As part of a server's request a proxy would panic over an answer that is cut off.
	r, err := http.NewRequestWithContext(context.WithValue(ctx, http.ServerContextKey, nil), method, path, body)
	if err != nil {
		return fmt.Errorf("ask Alertmanager: %w", err)
	}
	if send != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.RequestURI, r.Host = path, "localhost"
	a := &answer{header: http.Header{}}
	c.handler.ServeHTTP(a, r)
	if a.status/100 != 2 {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("ask Alertmanager: %w", err)
		}
		return fmt.Errorf("ask Alertmanager: it answers %d: %s", a.status, strings.TrimSpace(a.body.String()))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(a.body.Bytes(), out); err != nil {
		return fmt.Errorf("read Alertmanager's answer: %w", err)
	}
	return nil
}

type amMatcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	IsEqual bool   `json:"isEqual"`
}

type amSilence struct {
	ID        string            `json:"id,omitempty"`
	Matchers  []amMatcher       `json:"matchers"`
	StartsAt  time.Time         `json:"startsAt"`
	EndsAt    time.Time         `json:"endsAt"`
	CreatedBy string            `json:"createdBy"`
	Comment   string            `json:"comment"`
	Status    map[string]string `json:"status,omitempty"`
}

// matchers are those of a silence as people write them.
func (s *amSilence) matchers() []string {
	kinds := map[amMatcher]amlabels.MatchType{
		{IsEqual: true}: amlabels.MatchEqual, {}: amlabels.MatchNotEqual,
		{IsEqual: true, IsRegex: true}: amlabels.MatchRegexp, {IsRegex: true}: amlabels.MatchNotRegexp,
	}
	out := make([]string, 0, len(s.Matchers))
	for _, m := range s.Matchers {
		out = append(out, (&amlabels.Matcher{Type: kinds[amMatcher{IsRegex: m.IsRegex, IsEqual: m.IsEqual}], Name: m.Name, Value: m.Value}).String())
	}
	return out
}

func (c *amClient) silence(ctx context.Context, s maintenance.Silence) (string, error) {
	out := amSilence{StartsAt: s.From, EndsAt: s.To, CreatedBy: s.By, Comment: s.Comment}
	for _, text := range s.Matchers {
		ms, err := amlabels.ParseMatchers(text)
		if err != nil {
			return "", fmt.Errorf("read matcher %q: %w", text, err)
		}
		for _, m := range ms {
			out.Matchers = append(out.Matchers, amMatcher{
				Name: m.Name, Value: m.Value, IsRegex: m.Type == amlabels.MatchRegexp || m.Type == amlabels.MatchNotRegexp,
				IsEqual: m.Type == amlabels.MatchEqual || m.Type == amlabels.MatchRegexp,
			})
		}
	}
	var made struct {
		SilenceID string `json:"silenceID"`
	}
	if err := c.do(ctx, http.MethodPost, "/api/v2/silences", out, &made); err != nil {
		return "", err
	}
	return made.SilenceID, nil
}

// expire ends a silence. One that has ended is as good.
func (c *amClient) expire(ctx context.Context, id string) error {
	var s amSilence
	path := "/api/v2/silence/" + url.PathEscape(id)
	if err := c.do(ctx, http.MethodGet, path, nil, &s); err != nil {
		if strings.Contains(err.Error(), "answers 404") {
			return maintenance.ErrNoSilence
		}
		return err
	}
	if s.Status["state"] == "expired" {
		return nil
	}
	return c.do(ctx, http.MethodDelete, path, nil, nil)
}

// amAlert is an alert as Alertmanager lists it.
type amAlert struct {
	Fingerprint string            `json:"fingerprint"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
}

// alerts are all that have not ended, also those that are muted.
func (c *amClient) alerts(ctx context.Context) ([]amAlert, error) {
	var all []amAlert
	err := c.do(ctx, http.MethodGet, "/api/v2/alerts", nil, &all)
	return all, err
}

// known are the fingerprints of all alerts.
func (c *amClient) known(ctx context.Context) (map[string]bool, error) {
	all, err := c.alerts(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]bool, len(all))
	for _, a := range all {
		out[a.Fingerprint] = true
	}
	return out, nil
}

// endings lists the active silences that end before a time.
func (c *amClient) endings(ctx context.Context, before time.Time) ([]maintenance.Ending, error) {
	var all []amSilence
	if err := c.do(ctx, http.MethodGet, "/api/v2/silences", nil, &all); err != nil {
		return nil, err
	}
	var out []maintenance.Ending
	for _, s := range all {
		if s.Status["state"] == "active" && s.EndsAt.Before(before) {
			out = append(out, maintenance.Ending{ID: s.ID, Matchers: s.matchers(), By: s.CreatedBy, Comment: s.Comment, Ends: s.EndsAt})
		}
	}
	return out, nil
}

// announce sends an alert that a silence is about to end, so that the routes of
// alertmanager.yml decide who is told. What is silenced is said in annotations:
// labels could meet the silence itself.
func (c *amClient) announce(ctx context.Context, e maintenance.Ending) error {
	what, comment := "{"+strings.Join(e.Matchers, ", ")+"}", e.Comment
	if strings.TrimSpace(comment) == "" {
		comment = "none"
	}
	return c.do(ctx, http.MethodPost, "/api/v2/alerts", []any{map[string]any{
		"labels": map[string]string{"alertname": "SilenceEnding", "severity": "info", "silence": e.ID},
		"annotations": map[string]string{
			"summary":     fmt.Sprintf("The silence of %s over %s ends at %s", e.By, what, e.Ends.UTC().Format("15:04 MST")),
			"description": fmt.Sprintf("Silenced: %s. Made by: %s. Comment: %s", what, e.By, comment),
		},
		"startsAt": time.Now(), "endsAt": e.Ends,
	}}, nil)
}

// silencedEnds announces alerts that have resolved while they were silenced, each once.
type silencedEnds struct {
	waiting chan alerting.GroupAlert
	told    map[string]time.Time // by fingerprint: the beginning of the firing that was announced
}

// Bounds of what is remembered and what waits.
const (
	maxSilencedEnds = 1000
	maxTold         = 10_000
	announcedFor    = 5 * time.Minute
)

func (s *silencedEnds) init() {
	s.waiting, s.told = make(chan alerting.GroupAlert, maxSilencedEnds), map[string]time.Time{}
}

// add takes an alert; it never waits.
func (s *silencedEnds) add(a alerting.GroupAlert) {
	select {
	case s.waiting <- a:
	default: // it is sent again, or the storm has better news
	}
}

func (s *silencedEnds) run(ctx context.Context, am *amClient, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-s.waiting:
			if s.told[a.Fingerprint].Equal(a.StartsAt) {
				continue
			}
			if len(s.told) >= maxTold {
				clear(s.told)
			}
			if err := am.silencedEnd(ctx, a); err != nil {
				log.Warn("That a silenced alert has resolved could not be announced", "alert", a.Labels["alertname"], "err", err)
				continue
			}
			s.told[a.Fingerprint] = a.StartsAt
		}
	}
}

// silencedEnd sends an alert about an alert. The labels of the one that has
// resolved are in a description: as labels they would be silenced, too.
func (c *amClient) silencedEnd(ctx context.Context, a alerting.GroupAlert) error {
	labels, err := json.Marshal(a.Labels)
	if err != nil {
		return fmt.Errorf("write labels: %w", err)
	}
	now := time.Now()
	return c.do(ctx, http.MethodPost, "/api/v2/alerts", []any{map[string]any{
		"labels": map[string]string{"alertname": "SilencedAlertResolved", "severity": "info", "alert": a.Labels["alertname"], "fingerprint": a.Fingerprint},
		"annotations": map[string]string{
			"summary": fmt.Sprintf("%s has resolved, and is still silenced", a.Labels["alertname"]), "description": string(labels),
		},
		"startsAt": now, "endsAt": now.Add(announcedFor),
	}}, nil)
}
