// Package bridge lets an Alertmanager of somebody else's tell people by our
// channels: it takes Alertmanager's webhooks and sends them on. It answers
// when the message has got through, so that the Alertmanager repeats what has not.
package bridge

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/registry"
)

// Options configure a bridge. All fields without a remark are required.
type Options struct {
	Channels    map[string][]registry.Spec // by receiver, which is the path of its webhook
	Templates   string                     // those that ship
	ExternalURL *url.URL                   // of messages whose sender names none
	Token       string                     // optional: what a request must bear
	Registerer  prometheus.Registerer
	Metrics     http.Handler // answers GET /metrics
	Logger      *slog.Logger
}

// Limits.
const (
	maxBody      = 4 << 20
	maxAlerts    = 10_000
	tellTimeout  = 25 * time.Second
	rememberFor  = 10 * time.Minute
	maxRemembers = 10_000
)

// Bridge is an http.Handler.
type Bridge struct {
	o        Options
	client   *http.Client
	channels map[string][]notify.Integration
	names    []string
	metrics  *counts

	mu   sync.Mutex
	told map[[sha256.Size]byte]time.Time // what has got through, by channel and body
}

// New makes the channels, and tells all that is wrong with them.
func New(o Options) (*Bridge, error) {
	b := &Bridge{o: o, client: channel.NewClient(), channels: map[string][]notify.Integration{}, metrics: newCounts(o.Registerer), told: map[[sha256.Size]byte]time.Time{}}
	ro := registry.Options{Client: b.client, Paces: channel.NewPaces(), Zone: time.Local, Now: time.Now, Logger: o.Logger}
	var errs []error
	b.names = slices.Sorted(maps.Keys(o.Channels))
	for _, receiver := range b.names {
		index := map[string]int{}
		for _, s := range o.Channels[receiver] {
			c, err := registry.Build(s, ro, registry.Base(o.Templates, nil, o.ExternalURL))
			if err != nil {
				errs = append(errs, fmt.Errorf("receiver %q: %w", receiver, err))
				continue
			}
			b.metrics.expect(receiver, c.Name)
			b.channels[receiver] = append(b.channels[receiver], notify.NewIntegration(c, c, c.Name, index[c.Name], receiver))
			index[c.Name]++
		}
	}
	if len(b.channels) == 0 && len(errs) == 0 {
		errs = append(errs, errors.New("there is no channel; write some under channels: in touchline.yaml, or run: touchline notify add"))
	}
	return b, errors.Join(errs...)
}

// Receivers are the paths that are served.
func (b *Bridge) Receivers() []string { return b.names }

// Close lets go of connections.
func (b *Bridge) Close() { b.client.CloseIdleConnections() }

// webhook is Alertmanager's message, version 4.
type webhook struct {
	Version         string            `json:"version"`
	GroupKey        string            `json:"groupKey"`
	TruncatedAlerts uint64            `json:"truncatedAlerts"`
	GroupLabels     map[string]string `json:"groupLabels"`
	ExternalURL     string            `json:"externalURL"`
	Alerts          []struct {
		Status       string            `json:"status"`
		Labels       map[string]string `json:"labels"`
		Annotations  map[string]string `json:"annotations"`
		StartsAt     time.Time         `json:"startsAt"`
		EndsAt       time.Time         `json:"endsAt"`
		GeneratorURL string            `json:"generatorURL"`
	} `json:"alerts"`
}

// problem is an answer other than success.
type problem struct {
	status  int
	message string
}

func (p *problem) Error() string { return p.message }

func refuse(status int, format string, args ...any) error {
	return &problem{status, fmt.Sprintf(format, args...)}
}

// ServeHTTP takes POST /{receiver}, GET /-/healthy and GET /metrics.
func (b *Bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/-/healthy" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		fmt.Fprintln(w, "The bridge is healthy.")
		return
	}
	receiver, err := "", b.admit(r)
	if err == nil && r.URL.Path == "/metrics" && r.Method == http.MethodGet {
		b.o.Metrics.ServeHTTP(w, r)
		return
	}
	if err == nil {
		receiver, err = b.take(w, r)
	}
	if err == nil {
		b.metrics.webhooks.WithLabelValues(receiver, strconv.Itoa(http.StatusOK)).Inc()
		fmt.Fprintln(w, "told")
		return
	}
	status := http.StatusInternalServerError
	var p *problem
	if errors.As(err, &p) {
		status = p.status
	}
	b.metrics.webhooks.WithLabelValues(receiver, strconv.Itoa(status)).Inc()
	b.o.Logger.Warn("A webhook was not told", "path", r.URL.Path, "status", status, "err", err)
	switch status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	http.Error(w, err.Error(), status)
}

// admit says why a request is not let in.
func (b *Bridge) admit(r *http.Request) error {
	if b.o.Token == "" {
		return nil
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || subtle.ConstantTimeCompare([]byte(given), []byte(b.o.Token)) != 1 {
		return refuse(http.StatusUnauthorized, "the token is missing or wrong; write under http_config of the webhook: authorization: {credentials_file: FILE}")
	}
	return nil
}

// take says for which receiver a webhook was, "" where there is none.
func (b *Bridge) take(w http.ResponseWriter, r *http.Request) (string, error) {
	receiver := strings.TrimPrefix(r.URL.Path, "/")
	ints, ok := b.channels[receiver]
	if !ok {
		return "", refuse(http.StatusNotFound, "there is no receiver %q; known: /%s", receiver, strings.Join(b.names, ", /"))
	}
	if r.Method != http.MethodPost {
		return receiver, refuse(http.StatusMethodNotAllowed, "only POST is taken: this is the url of a webhook in alertmanager.yml")
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return receiver, refuse(http.StatusRequestEntityTooLarge, "the body has more than %d bytes; set max_alerts of the webhook", maxBody)
	}
	if err != nil {
		return receiver, refuse(http.StatusBadRequest, "read body: %v", err)
	}
	m, err := parse(raw)
	if err != nil {
		return receiver, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), tellTimeout)
	defer cancel()
	return receiver, b.tell(ctx, receiver, ints, m, raw)
}

// parse reads a webhook strictly enough that nothing else passes for one.
func parse(raw []byte) (*webhook, error) {
	var m webhook
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, refuse(http.StatusBadRequest, "the body is not the JSON of Alertmanager's webhook: %v", err)
	}
	switch {
	case m.Version != "4":
		return nil, refuse(http.StatusUnprocessableEntity, "the webhook is of version %q, not 4; leave payload of the webhook out", m.Version)
	case len(m.Alerts) == 0:
		return nil, refuse(http.StatusUnprocessableEntity, "the webhook has no alerts")
	case len(m.Alerts) > maxAlerts:
		return nil, refuse(http.StatusUnprocessableEntity, "the webhook has %d alerts, more than %d; set max_alerts", len(m.Alerts), maxAlerts)
	}
	for n, a := range m.Alerts {
		if a.Status != string(model.AlertFiring) && a.Status != string(model.AlertResolved) {
			return nil, refuse(http.StatusUnprocessableEntity, "alert %d is %q, neither firing nor resolved", n, a.Status)
		}
		if len(a.Labels) == 0 {
			return nil, refuse(http.StatusUnprocessableEntity, "alert %d has no labels", n)
		}
	}
	return &m, nil
}

// alerts are as the sender sees them: the clocks of two hosts differ, and what
// is over there is over here.
func (m *webhook) alerts(now time.Time) (all, firing []*alert.Alert) {
	for _, a := range m.Alerts {
		x := &alert.Alert{Alert: model.Alert{
			Labels: labelSet(a.Labels), Annotations: labelSet(a.Annotations), StartsAt: a.StartsAt, EndsAt: a.EndsAt, GeneratorURL: a.GeneratorURL,
		}, UpdatedAt: now}
		if a.Status == string(model.AlertFiring) {
			x.EndsAt = time.Time{}
			firing = append(firing, x)
		} else if x.EndsAt.IsZero() || x.EndsAt.After(now) {
			x.EndsAt = now
		}
		all = append(all, x)
	}
	return all, firing
}

func labelSet(in map[string]string) model.LabelSet {
	out := make(model.LabelSet, len(in))
	for k, v := range in {
		out[model.LabelName(k)] = model.LabelValue(v)
	}
	return out
}

// tell sends a webhook by all channels of a receiver. A channel that took it
// is not told again when the sender repeats it for the sake of another.
func (b *Bridge) tell(ctx context.Context, receiver string, ints []notify.Integration, m *webhook, raw []byte) error {
	now := time.Now()
	all, firing := m.alerts(now)
	ctx = notify.WithReceiverName(ctx, receiver)
	ctx = notify.WithGroupKey(ctx, m.GroupKey)
	ctx = notify.WithGroupLabels(ctx, labelSet(m.GroupLabels))
	ctx = notify.WithNow(ctx, now)
	ctx = notify.WithNotificationReason(ctx, notify.ReasonUnknown)
	external := m.ExternalURL
	if u, err := url.Parse(external); err != nil || u.Host == "" {
		external = b.o.ExternalURL.String()
	}
	ctx = channel.WithSender(ctx, channel.Sender{ExternalURL: external, Truncated: int(min(m.TruncatedAlerts, 1<<30))})
	type outcome struct {
		retry bool
		err   error
	}
	out := make([]outcome, len(ints))
	keys := make([][sha256.Size]byte, len(ints))
	var wg sync.WaitGroup
	for n := range ints {
		i := &ints[n]
		as := all
		if !i.SendResolved() {
			as = firing
		}
		keys[n] = sha256.Sum256(append([]byte(receiver+"\x00"+i.String()+"\x00"), raw...))
		if len(as) == 0 || b.remembers(keys[n], now) {
			continue
		}
		wg.Go(func() {
			retry, err := i.Notify(ctx, as...)
			b.metrics.told(receiver, i.Name(), now, err)
			if err != nil {
				out[n] = outcome{retry, fmt.Errorf("%s: %w", i, err)}
				return
			}
			b.remember(keys[n], now)
		})
	}
	wg.Wait()
	var errs []error
	status := http.StatusUnprocessableEntity
	for _, o := range out {
		if o.err != nil {
			errs = append(errs, o.err)
		}
		if o.retry {
			status = http.StatusServiceUnavailable // The Alertmanager repeats it.
		}
	}
	if len(errs) == 0 {
		b.forget(keys)
		return nil
	}
	return refuse(status, "%v", errors.Join(errs...))
}

func (b *Bridge) remembers(key [sha256.Size]byte, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, ok := b.told[key]
	return ok && now.Sub(at) < rememberFor
}

// forget is for what all channels have taken: the same webhook may come again
// after a repeat_interval, and is then to be told again.
func (b *Bridge) forget(keys [][sha256.Size]byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range keys {
		delete(b.told, k)
	}
}

func (b *Bridge) remember(key [sha256.Size]byte, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.told) >= maxRemembers {
		maps.DeleteFunc(b.told, func(_ [sha256.Size]byte, at time.Time) bool { return now.Sub(at) >= rememberFor })
	}
	if len(b.told) >= maxRemembers {
		clear(b.told)
	}
	b.told[key] = now
}
