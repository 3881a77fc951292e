package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/common/model"
	promrules "github.com/prometheus/prometheus/rules"

	"touchline.dev/touchline/internal/heartbeat"
	"touchline.dev/touchline/internal/selfmon"
)

// watchdog is the name of the alert that always fires.
const watchdog = "Watchdog"

// beating is what lets others notice that this process is gone.
type beating struct {
	pulse   *heartbeat.Pulse
	sender  *heartbeat.Sender
	watcher *heartbeat.Watcher // nil without an instance to watch

	mu  sync.Mutex
	own map[model.Fingerprint]bool // the alerts of that name that our rules have handed over
}

// maxOwn bounds the alerts that count as our own.
const maxOwn = 64

func (a *App) openHeartbeat() error {
	c, id := a.c.Heartbeat, rand.Text()
	a.beat = &beating{own: map[model.Fingerprint]bool{}}
	a.beat.pulse = heartbeat.NewPulse(heartbeat.PulseOptions{
		Alert: watchdog, Resend: a.c.Rules.ResendDelay, Interval: a.watchdogInterval, Failed: a.failedEngines,
		Stored: func(ctx context.Context, since time.Time) (time.Time, error) {
			return a.engine.LastFiring(ctx, watchdog, since)
		},
	})
	var to func() (string, error)
	switch {
	case c.URLFile != "":
		to = heartbeat.FromFile(c.URLFile)
	case c.URL != "":
		to = heartbeat.Fixed(c.URL)
	}
	log := a.log.With("component", "heartbeat")
	var err error
	a.beat.sender, err = heartbeat.New(heartbeat.Options{
		URL: to, Method: c.Method, Interval: c.Interval, InstanceID: id, StartedAt: a.health.StartedAt(),
		Alive: a.beat.pulse.Alive, LastSeen: a.beat.pulse.LastSeen, Health: a.health.Register("heartbeat"), Logger: log, Registerer: a.reg,
	})
	if err != nil {
		return err
	}
	a.onStop("heartbeat", func(context.Context) error { a.beat.sender.Stop(); return nil })
	if len(c.WatchURLs) == 0 {
		return nil
	}
	a.beat.watcher, err = heartbeat.NewWatcher(heartbeat.WatchOptions{
		URLs: c.WatchURLs, TokenFile: c.WatchTokenFile, Interval: c.Interval, InstanceID: id, Logger: log, Registerer: a.reg,
	})
	if err != nil {
		return err
	}
	a.onStop("watching of other instances", func(context.Context) error { a.beat.watcher.Stop(); return nil })
	return nil
}

func (b *beating) start() {
	b.sender.Start()
	if b.watcher != nil {
		b.watcher.Start()
	}
}

// watchdogInterval is how often the alert that always fires is evaluated, 0 for never.
func (a *App) watchdogInterval() time.Duration {
	var shortest time.Duration
	for _, g := range a.rules.RuleGroups() {
		for _, r := range g.Rules() {
			if ar, ok := r.(*promrules.AlertingRule); ok && ar.Name() == watchdog && (shortest == 0 || g.Interval() < shortest) {
				shortest = g.Interval()
			}
		}
	}
	return shortest
}

// failedEngines names the engines that have failed. One that is degraded still
// does its job as far as the alert that always fires can tell.
func (a *App) failedEngines() string {
	if a.remote.metrics != nil {
		return "metrics and rules: " + notHere // so nothing here proves the way of an alert
	}
	var out []string
	for _, c := range a.health.Components() {
		if c.State == selfmon.ComponentFailed && slices.Contains([]string{"metrics", "rules", "alerting"}, c.Name) {
			out = append(out, c.Name+": "+c.Message)
		}
	}
	return strings.Join(out, "; ")
}

// handedOver notes which alerts are those of our own rules: others may send
// one of the same name by the API.
func (b *beating) handedOver(alerts []*alert.Alert) {
	for _, x := range alerts {
		if x.Name() != watchdog {
			continue
		}
		b.mu.Lock()
		if len(b.own) < maxOwn {
			b.own[x.Fingerprint()] = true
		}
		b.mu.Unlock()
	}
}

// ingested is told of every alert that reaches the embedded dispatcher.
func (b *beating) ingested(x *alert.Alert, at time.Time) {
	if x.Name() != watchdog || x.ResolvedAt(at) {
		return
	}
	b.mu.Lock()
	own := b.own[x.Fingerprint()]
	b.mu.Unlock()
	if own {
		b.pulse.Seen()
	}
}

// delivered is told of every message that an Alertmanager of prometheus.yml has taken.
func (b *beating) delivered(body []byte) {
	if bytes.Contains(body, []byte(`"alertname":"`+watchdog+`"`)) {
		b.pulse.Seen()
	}
}

// serveHeartbeat answers other instances.
func (a *App) serveHeartbeat(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err := json.NewEncoder(w).Encode(a.beat.sender.Status()); err != nil {
		a.log.Debug("Answer about the heartbeat was cut off", "err", err)
	}
}

// warnOfNoWatchdog tells of a heartbeat that can never be sent.
func (a *App) warnOfNoWatchdog() {
	if c := a.c.Heartbeat; (c.URL != "" || c.URLFile != "") && a.watchdogInterval() == 0 {
		a.log.Warn("The heartbeat is never sent: no rule raises the alert that it proves; set stack.enabled, or add a rule", "alert", watchdog)
	}
}

// outside says what looks at this process, or at others, from outside.
func (a *App) outside() selfmon.Outside {
	out := selfmon.Outside{StatusPage: a.whereStatusPage()}
	if a.c.Heartbeat.URL != "" || a.c.Heartbeat.URLFile != "" {
		out.HeartbeatSeconds = a.c.Heartbeat.Interval.Seconds()
	}
	if a.beat.watcher != nil {
		for _, w := range a.beat.watcher.Watched() {
			out.Instances = append(out.Instances, selfmon.Instance{Host: w.Host, Up: w.Up, Reason: w.Reason, LastAlive: w.LastAlive})
		}
	}
	return out
}
