package backend

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are what all remotes of a process count.
type Metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	up       *prometheus.GaugeVec
}

// NewMetrics makes and registers them.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_backend_requests_total", Help: "Requests to the server that stands in for an engine of this one, by what came of them.",
		}, []string{"backend", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "touchline_backend_request_duration_seconds", Help: "How long the server that stands in for an engine of this one took to answer, to the end of its answer.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120},
		}, []string{"backend"}),
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "touchline_backend_up", Help: "Whether the server that stands in for an engine of this one answered when it was last looked at: 1 or 0.",
		}, []string{"backend"}),
	}
	var err error
	for _, c := range []prometheus.Collector{m.requests, m.duration, m.up} {
		err = errors.Join(err, reg.Register(c))
	}
	return m, err
}

// lookEvery is the time between two looks at a backend, and lookTime how long
// one may take.
const (
	lookEvery = 10 * time.Second
	lookTime  = 5 * time.Second
	maxLook   = 1 << 20 // bytes of an answer
)

// A Look is a GET that tells whether a server is there, and of which version.
type Look struct {
	Path    string
	Version func(answer []byte) string
	// Query is asked, instead, of a server that does not have Path, "" for nothing:
	// it is there, and does not say its version.
	Query string
}

// The looks at the two kinds of servers.
var (
	LookPrometheus = Look{Path: "/api/v1/status/buildinfo", Version: func(answer []byte) string {
		var v struct{ Data struct{ Version string } }
		_ = json.Unmarshal(answer, &v) // a server without a version is a server
		return v.Data.Version
	}, Query: "1"}
	LookAlertmanager = Look{Path: "/api/v2/status", Version: func(answer []byte) string {
		var v struct{ VersionInfo struct{ Version string } }
		_ = json.Unmarshal(answer, &v)
		return v.VersionInfo.Version
	}}
)

// State is how a backend was when it was last looked at.
type State struct {
	Looked  time.Time // zero before the first look
	Up      bool
	Version string // "" where it does not say
	Took    time.Duration
	Reason  string // why it is not up
}

// RemoteOptions configure a Remote. All fields are required.
type RemoteOptions struct {
	Name    string // of the engine that it stands in for: metrics or alerts
	Client  *Client
	Metrics *Metrics
	Logger  *slog.Logger
	Look    Look
	Looked  func(context.Context) // called after each look, which waits for it
}

// Remote is a server that stands in for an engine of this process.
type Remote struct {
	*Metrics
	name   string
	client *Client
	log    *slog.Logger
	look   Look
	looked func(context.Context)

	mu    sync.Mutex
	state State
	stop  context.CancelFunc
	done  sync.WaitGroup
}

// NewRemote returns a Remote that nobody looks at until Start.
func NewRemote(o RemoteOptions) *Remote {
	x := &Remote{Metrics: o.Metrics, name: o.Name, client: o.Client, log: o.Logger.With("backend", o.Name), look: o.Look, looked: o.Looked}
	for _, outcome := range Outcomes {
		x.requests.WithLabelValues(x.name, outcome)
	}
	return x
}

// Name is that of the engine that it stands in for.
func (x *Remote) Name() string { return x.name }

// URL is where the server is.
func (x *Remote) URL() string { return x.client.URL() }

// State tells of the last look.
func (x *Remote) State() State {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.state
}

// Start begins to look at the server, in the background until Close.
func (x *Remote) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	x.stop = cancel
	x.done.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			x.lookAt(ctx)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
}

// Close ends looking and drops connections.
func (x *Remote) Close() {
	if x.stop != nil {
		x.stop()
	}
	x.done.Wait()
	x.client.Close()
}

func (x *Remote) lookAt(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	begin := time.Now()
	answer, err := x.ask(bounded)
	now := State{Looked: time.Now(), Took: time.Since(begin), Up: true}
	e, known := errors.AsType[*Error](err)
	switch {
	case ctx.Err() != nil:
		return // it is not the server that has gone
	case err == nil:
		now.Version = x.look.Version(answer)
	case known && e.Status == http.StatusNotFound:
		now.Up, now.Reason = false, e.Reason+"; is its url right?"
	case known:
		now.Up, now.Reason = false, e.Reason
	default:
		now.Up, now.Reason = false, x.client.failed(http.StatusBadGateway, "it has not answered within %s", lookTime).Reason
	}
	x.mu.Lock()
	before := x.state
	x.state = now
	x.mu.Unlock()
	up := 0.0
	if now.Up {
		up = 1
	}
	x.up.WithLabelValues(x.name).Set(up)
	if first := before.Looked.IsZero(); first || before.Up != now.Up {
		switch {
		case !now.Up:
			x.log.Warn("A backend cannot be reached; it is tried again", "reason", now.Reason)
		case first:
			x.log.Info("A backend answers", "url", x.URL(), "version", now.Version, "took", now.Took)
		default:
			x.log.Info("A backend answers again", "url", x.URL(), "version", now.Version)
		}
	}
	x.looked(ctx)
}

// ask takes no turn: a server that many ask is there.
func (x *Remote) ask(ctx context.Context) ([]byte, error) {
	answer, err := x.client.readBy(ctx, x.client.send, x.look.Path, nil, maxLook)
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusNotFound && x.look.Query != "" {
		_, err = x.client.readBy(ctx, x.client.send, "/api/v1/query", url.Values{"query": {x.look.Query}}, maxLook)
		return nil, err
	}
	return answer, err
}

// pass passes a request on, and counts it.
func (x *Remote) pass(w http.ResponseWriter, r *http.Request, call Call, refuse func(http.ResponseWriter, *Error)) {
	begin := time.Now()
	err := x.client.Pass(w, r, call)
	outcome := Outcome(err)
	if outcome == "" {
		return
	}
	x.requests.WithLabelValues(x.name, outcome).Inc()
	if outcome != Denied {
		x.duration.WithLabelValues(x.name).Observe(time.Since(begin).Seconds())
	}
	if e, ok := errors.AsType[*Error](err); ok {
		refuse(w, e)
	} else if err != nil {
		x.log.Warn("An answer of a backend was cut off", "err", err)
	}
}
