// Package heartbeat lets others notice that this process is gone, hangs, or no
// longer does its job. Pulse knows whether the alert Watchdog went all the way
// through rules, storage and dispatcher; Sender beats as long as it does;
// Watcher looks at the beats of other instances.
package heartbeat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Health takes the state of a component.
type Health interface {
	OK()
	Degraded(message string)
	Off(message string)
}

// Status is what others learn about this instance: the answer of
// GET /touchline/v1/heartbeat, and the body of a beat.
type Status struct {
	InstanceID      string    `json:"instance_id"` // another one after each start
	StartedAt       time.Time `json:"started_at"`
	LastWatchdog    time.Time `json:"last_watchdog,omitzero"` // when the alert last reached the dispatcher
	Sequence        uint64    `json:"sequence"`               // counts beats, also where none is sent anywhere
	IntervalSeconds float64   `json:"interval_seconds"`       // between two beats
	Alive           bool      `json:"alive"`
	Starting        bool      `json:"starting,omitempty"` // not alive only because it has just been started
	Reason          string    `json:"reason,omitempty"`   // why it is not alive
}

// Options configure a Sender. All fields without a remark are required.
type Options struct {
	URL        func() (string, error) // where beats go, asked before each; nil beats for those that ask only
	Method     string                 // GET, or POST with a Status as body
	Interval   time.Duration
	InstanceID string
	StartedAt  time.Time
	// Alive is nil while a beat may be sent. An error that wraps a Withheld
	// tells the metrics the reason.
	Alive      func(context.Context) error
	LastSeen   func() time.Time
	Health     Health
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Transport  http.RoundTripper // optional
}

// Sender beats. New checks, Start begins, Stop ends.
type Sender struct {
	o      Options
	log    *slog.Logger
	client *client
	own    *http.Transport // nil where one was given

	sent, failures prometheus.Counter
	success        prometheus.Gauge
	held           *prometheus.CounterVec

	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	verdict error // of the last look
	beats   uint64

	// Of the goroutine alone: what was logged last.
	quiet   string
	failing bool
}

// recheck is how often a Sender that is not alive looks whether it is again.
const recheck = time.Second

// retryAfter is the longest pause before a failed request is repeated.
const retryAfter = time.Second

// New checks the address, and registers the metrics.
func New(o Options) (*Sender, error) {
	if o.URL != nil {
		if _, err := o.URL(); err != nil {
			return nil, err
		}
	}
	s := &Sender{
		o: o, log: o.Logger, verdict: withheld(Starting, "the first beat is not due yet"),
		sent:     prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_heartbeat_sent_total", Help: "Beats that the heartbeat URL took."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_heartbeat_failures_total", Help: "Requests to the heartbeat URL that failed, repeated ones included."}),
		success:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "touchline_heartbeat_last_success_timestamp_seconds", Help: "When the heartbeat URL last took a beat; 0 for never."}),
		held:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "touchline_heartbeat_withheld_total", Help: "Beats that were due and not made, because alerting did not work from end to end."}, []string{"reason"}),
	}
	for _, r := range reasons {
		s.held.WithLabelValues(r)
	}
	for _, c := range []prometheus.Collector{s.sent, s.failures, s.success, s.held} {
		if err := o.Registerer.Register(c); err != nil {
			return nil, fmt.Errorf("register heartbeat metrics: %w", err)
		}
	}
	if o.Transport == nil {
		s.own = newTransport()
		s.o.Transport = s.own
	}
	// Both attempts and the pause between them end before the next beat.
	s.client = newClient(s.o.Transport, min(10*time.Second, o.Interval*2/5))
	if o.URL == nil {
		o.Health.Off("no heartbeat URL is set, so nothing outside misses this process; --heartbeat.url-file names one")
	} else {
		o.Health.Off("the first beat is not due yet")
	}
	return s, nil
}

// Start begins to beat. It returns at once.
func (s *Sender) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.wg.Go(func() { s.run(ctx) })
}

// Stop ends beating, and cuts a request that is under way.
func (s *Sender) Stop() {
	if s.cancel == nil {
		return
	}
	s.cancel()
	s.wg.Wait()
	if s.own != nil {
		s.own.CloseIdleConnections()
	}
}

// Status is the state as of the last look.
func (s *Sender) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{
		InstanceID: s.o.InstanceID, StartedAt: s.o.StartedAt.UTC(), LastWatchdog: s.o.LastSeen().UTC(),
		Sequence: s.beats, IntervalSeconds: s.o.Interval.Seconds(), Alive: s.verdict == nil,
	}
	if s.verdict != nil {
		st.Reason, st.Starting = s.verdict.Error(), reasonOf(s.verdict) == Starting
	}
	return st
}

// run looks once an interval, and more often while it waits to be alive, so
// that the first beat and the first after a pause do not wait for their turn.
func (s *Sender) run(ctx context.Context) {
	due := time.Now().Add(s.o.Interval)
	timer := time.NewTimer(min(recheck, s.o.Interval))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		turn := !time.Now().Before(due)
		alive := s.look(ctx, turn)
		now := time.Now()
		if turn || alive {
			due = now.Add(s.o.Interval)
		}
		wait := due.Sub(now)
		if !alive {
			wait = min(wait, recheck)
		}
		timer.Reset(wait)
	}
}

// look finds out whether it is time for a beat, and makes it. What is withheld
// is counted at its turn only.
func (s *Sender) look(ctx context.Context, turn bool) bool {
	bounded, cancel := context.WithTimeout(ctx, s.o.Interval)
	err := s.o.Alive(bounded)
	cancel()
	s.mu.Lock()
	s.verdict = err
	if err == nil {
		s.beats++
	}
	s.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	if err != nil {
		s.withhold(err, turn)
		return false
	}
	if s.quiet != "" && s.quiet != Starting {
		s.log.Info("Heartbeat goes on: alerting works from end to end again")
	}
	s.quiet = ""
	if s.o.URL != nil {
		s.beat(ctx)
	}
	return true
}

func (s *Sender) withhold(err error, turn bool) {
	reason := reasonOf(err)
	if turn {
		s.held.WithLabelValues(reason).Inc()
	}
	if s.o.URL != nil && reason != Starting {
		s.o.Health.Degraded("the heartbeat is withheld: " + err.Error())
	}
	if reason == s.quiet || reason == Starting && !turn {
		return
	}
	s.quiet = reason
	if reason == Starting {
		s.log.Info("Heartbeat waits for the first alert", "why", err)
		return
	}
	s.log.Warn("Heartbeat is withheld: alerting does not work from end to end", "reason", reason, "why", err)
}

// reasonOf is the reason for the metrics.
func reasonOf(err error) string {
	var w *Withheld
	if errors.As(err, &w) {
		return w.Reason
	}
	return other
}

// beat sends one beat, and repeats it once.
func (s *Sender) beat(ctx context.Context) {
	err := s.send(ctx)
	if err != nil && ctx.Err() == nil {
		s.failures.Inc()
		select {
		case <-ctx.Done():
		case <-time.After(min(retryAfter, s.o.Interval/10)):
			if err = s.send(ctx); err != nil && ctx.Err() == nil {
				s.failures.Inc()
			}
		}
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		s.o.Health.Degraded("the heartbeat is not taken: " + err.Error())
		if !s.failing {
			s.failing = true
			s.log.Warn("Heartbeat could not be sent; it is tried again at every beat", "err", err)
		}
		return
	}
	if s.failing {
		s.failing = false
		s.log.Info("Heartbeat is taken again")
	}
	s.sent.Inc()
	s.success.SetToCurrentTime()
	s.o.Health.OK()
}

func (s *Sender) send(ctx context.Context) error {
	to, err := s.o.URL()
	if err != nil {
		return err
	}
	body, header := "", map[string]string{}
	if s.o.Method == http.MethodPost {
		raw, err := json.Marshal(s.Status())
		if err != nil {
			return fmt.Errorf("encode beat: %w", err)
		}
		body, header["Content-Type"] = string(raw), "application/json"
	}
	_, err = s.client.do(ctx, s.o.Method, to, body, header)
	return err
}

// Fixed is the URL that a setting holds.
func Fixed(text string) func() (string, error) {
	return func() (string, error) { return checkURL(text) }
}

// FromFile reads the URL from a file, anew for each beat.
func FromFile(path string) func() (string, error) {
	return func() (string, error) {
		raw, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("read heartbeat URL (--heartbeat.url-file): %w", err)
		}
		u, err := checkURL(string(raw))
		if err != nil {
			return "", fmt.Errorf("read heartbeat URL (--heartbeat.url-file): %s: %w", path, err)
		}
		return u, nil
	}
}

// checkURL takes a text that holds one URL. Its error repeats nothing of it.
func checkURL(text string) (string, error) {
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.ContainsAny(text, " \t\r\n") {
		return "", errors.New("expected one URL that begins with http:// or https://")
	}
	return text, nil
}
