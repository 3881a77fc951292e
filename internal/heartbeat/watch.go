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

// WatchOptions configure a Watcher. All fields without a remark are required.
type WatchOptions struct {
	URLs       []string // base URLs of other instances; may hold user and password
	TokenFile  string   // "" for none; read again for every look
	Interval   time.Duration
	InstanceID string // our own, to notice an instance that watches itself
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Transport  http.RoundTripper // optional
}

// Watched is one instance as the last look found it.
type Watched struct {
	Host      string
	Up        bool
	Reason    string // why it is not up; "" before the first look
	LastAlive time.Time
}

// Watcher looks at other instances once an interval, at each by itself: one
// that hangs does not delay the others.
type Watcher struct {
	o      WatchOptions
	log    *slog.Logger
	client *client
	own    *http.Transport
	others []*instance

	up, missed, last *prometheus.GaugeVec

	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// instance is one that is watched. All but what mu guards belongs to its goroutine.
type instance struct {
	base     string // secret
	host     string
	basic    bool // the URL holds a user
	sequence uint64
	id       string
	moved    time.Time // when sequence last grew
	misses   int
	warned   bool // that it is this instance

	mu    sync.Mutex
	state Watched
}

// NewWatcher checks the addresses, and registers the metrics.
func NewWatcher(o WatchOptions) (*Watcher, error) {
	w := &Watcher{o: o, log: o.Logger}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "touchline_watched_" + name, Help: help}, []string{"url_host"})
	}
	w.up = gauge("up", "Whether a watched instance was alive when it was last looked at: ready, and alerting from end to end.")
	w.missed = gauge("missed_beats", "Looks in a row at which a watched instance was not alive.")
	w.last = gauge("last_alive_timestamp_seconds", "When a watched instance was last found alive; 0 for never.")
	hosts := map[string]bool{}
	for _, raw := range o.URLs {
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" {
			return nil, errors.New("watch another instance (--heartbeat.watch-url): not a URL with a host")
		}
		if hosts[u.Host] {
			return nil, fmt.Errorf("watch another instance (--heartbeat.watch-url): %s is named twice; leave one out", u.Host)
		}
		hosts[u.Host] = true
		w.others = append(w.others, &instance{base: strings.TrimRight(raw, "/"), host: u.Host, basic: u.User != nil, state: Watched{Host: u.Host}})
	}
	if o.TokenFile != "" {
		if _, err := readToken(o.TokenFile); err != nil {
			return nil, fmt.Errorf("watch another instance (--heartbeat.watch-token-file): %w", err)
		}
	}
	for _, c := range []prometheus.Collector{w.up, w.missed, w.last} {
		if err := o.Registerer.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of watched instances: %w", err)
		}
	}
	if o.Transport == nil {
		w.own = newTransport()
		w.o.Transport = w.own
	}
	// Two requests to one instance end before it is looked at again.
	w.client = newClient(w.o.Transport, min(10*time.Second, o.Interval*2/5))
	return w, nil
}

// Start begins to watch. It returns at once.
func (w *Watcher) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	for _, i := range w.others {
		w.wg.Go(func() { w.watch(ctx, i) })
	}
}

// Stop ends watching, and cuts requests that are under way.
func (w *Watcher) Stop() {
	if w.cancel == nil {
		return
	}
	w.cancel()
	w.wg.Wait()
	if w.own != nil {
		w.own.CloseIdleConnections()
	}
}

// Watched lists the instances in the order in which they were named.
func (w *Watcher) Watched() []Watched {
	out := make([]Watched, 0, len(w.others))
	for _, i := range w.others {
		i.mu.Lock()
		out = append(out, i.state)
		i.mu.Unlock()
	}
	return out
}

func (w *Watcher) watch(ctx context.Context, i *instance) {
	tick := time.NewTicker(w.o.Interval)
	defer tick.Stop()
	for {
		w.note(ctx, i, w.look(ctx, i))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// note remembers the outcome of a look, and logs changes.
func (w *Watcher) note(ctx context.Context, i *instance, err error) {
	if ctx.Err() != nil {
		return
	}
	i.mu.Lock()
	before := i.state
	i.state.Up = err == nil
	switch {
	case i.state.Up:
		i.misses, i.state.Reason, i.state.LastAlive = 0, "", time.Now()
	default:
		i.state.Reason = err.Error()
		if !errors.Is(err, errStarting) {
			i.misses++
		}
	}
	now := i.state
	i.mu.Unlock()
	w.missed.WithLabelValues(i.host).Set(float64(i.misses))
	last := w.last.WithLabelValues(i.host)
	if now.Up {
		w.up.WithLabelValues(i.host).Set(1)
		last.Set(float64(now.LastAlive.UnixMilli()) / 1000)
	} else {
		w.up.WithLabelValues(i.host).Set(0)
	}
	switch first := before.Reason == "" && !before.Up; {
	case errors.Is(err, errStarting):
		if before.Reason != now.Reason {
			w.log.Info("Watched instance has just been started", "host", i.host)
		}
	case !now.Up && (first || before.Up || before.Reason != now.Reason):
		w.log.Warn("Watched instance is not alive", "host", i.host, "why", now.Reason, "beats_missed", i.misses)
	case now.Up && !before.Up:
		w.log.Info("Watched instance is alive", "host", i.host)
	}
}

// look asks whether an instance is ready and its alerting alive.
func (w *Watcher) look(ctx context.Context, i *instance) error {
	header := map[string]string{}
	if w.o.TokenFile != "" && !i.basic {
		token, err := readToken(w.o.TokenFile)
		if err != nil {
			return err
		}
		header["Authorization"] = "Bearer " + token
	}
	if _, err := w.client.do(ctx, http.MethodGet, i.base+"/-/ready", "", nil); err != nil {
		return fmt.Errorf("it is not ready: %w", err)
	}
	raw, err := w.client.do(ctx, http.MethodGet, i.base+"/touchline/v1/heartbeat", "", header)
	if err != nil {
		return explain(err)
	}
	var s Status
	if err := json.Unmarshal(raw, &s); err != nil || s.InstanceID == "" {
		return fmt.Errorf("%s answered something that is no heartbeat; is it a Touchline?", i.host)
	}
	if s.InstanceID == w.o.InstanceID && !i.warned {
		i.warned = true
		w.log.Warn("This instance watches itself: when it ends nobody is told; name another one with --heartbeat.watch-url", "host", i.host)
	}
	return i.judge(s, time.Now())
}

// standstill is how many of its own intervals an instance may take for a beat.
const standstill = 3

// errStarting is about an instance that was started a moment ago. It is no
// missed beat, so that a restart is no alert; nor does it make up for those
// that were missed before, so that one that starts again and again is.
var errStarting = errors.New("it has just been started")

// judge looks at what an instance says about itself. Times of two machines are
// not compared: what counts is that its sequence grows.
func (i *instance) judge(s Status, now time.Time) error {
	if s.InstanceID != i.id || s.Sequence != i.sequence {
		i.id, i.sequence, i.moved = s.InstanceID, s.Sequence, now
	}
	if s.Starting {
		return errStarting
	}
	if !s.Alive {
		return fmt.Errorf("its alerting does not work from end to end: %s", s.Reason)
	}
	limit := time.Duration(min(max(s.IntervalSeconds, 1), time.Hour.Seconds()) * standstill * float64(time.Second))
	if still := now.Sub(i.moved); still > limit {
		return fmt.Errorf("it answers, but has made no beat for %s", still.Round(time.Second))
	}
	return nil
}

// explain says what to do about a refusal.
func explain(err error) error {
	var s *statusError
	if !errors.As(err, &s) {
		return err
	}
	switch s.code {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w; give a token of read access by --heartbeat.watch-token-file", err)
	case http.StatusNotFound:
		return fmt.Errorf("%w; it is older than this version, or no Touchline", err)
	}
	return err
}

func readToken(file string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	token := strings.TrimSpace(string(raw))
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("read token: %s holds no single token; write it on one line", file)
	}
	return token, nil
}
