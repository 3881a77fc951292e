package incident

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Bounds of what may wait while the database is slow or locked.
const (
	maxGroups = 20_000
	maxEnded  = 100_000
	maxTold   = 100_000
)

// inbox is what the dispatcher and the receivers have said and the database does
// not know yet. Of a group only the newest state counts. Whoever says something
// never waits.
type inbox struct {
	mu     sync.Mutex
	groups map[string]Group
	order  []string // keys of groups, oldest first
	ended  map[string]time.Time
	told   []Notification
	lost   uint64
	ready  chan struct{}
}

// batch is what is worked off in one go.
type batch struct {
	groups []Group
	ended  map[string]time.Time // by fingerprint
	told   []Notification
}

func (b *batch) empty() bool { return len(b.groups) == 0 && len(b.ended) == 0 && len(b.told) == 0 }

func (in *inbox) init() {
	in.groups, in.ended, in.ready = map[string]Group{}, map[string]time.Time{}, make(chan struct{}, 1)
}

func (in *inbox) nudge() {
	select {
	case in.ready <- struct{}{}:
	default:
	}
}

func (in *inbox) waiting() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.groups) + len(in.ended) + len(in.told)
}

// take takes what came in first, some groups and some of all else at once.
func (in *inbox) take(groups, others int) batch {
	in.mu.Lock()
	defer in.mu.Unlock()
	n := min(groups, len(in.order))
	b := batch{ended: map[string]time.Time{}}
	for _, k := range in.order[:n] {
		b.groups = append(b.groups, in.groups[k])
		delete(in.groups, k)
	}
	in.order = append([]string(nil), in.order[n:]...)
	if len(in.order) > 0 {
		// What was told of groups that are not in yet waits for them.
		return b
	}
	for fp, at := range in.ended {
		if len(b.ended) == others {
			break
		}
		b.ended[fp] = at
		delete(in.ended, fp)
	}
	n = min(others, len(in.told))
	b.told = in.told[:n:n]
	if in.told = in.told[n:]; len(in.told) == 0 {
		in.told = nil
	}
	return b
}

// putBack is for a batch that could not be written. What has come in since is newer.
func (in *inbox) putBack(b batch) {
	in.mu.Lock()
	defer in.mu.Unlock()
	var order []string
	for _, g := range b.groups {
		if _, newer := in.groups[g.Key]; !newer {
			in.groups[g.Key] = g
			order = append(order, g.Key)
		}
	}
	in.order = append(order, in.order...)
	again := map[string]time.Time{} // when alerts that end in the batch were seen to fire since
	for _, g := range in.groups {
		for _, a := range g.Alerts {
			if _, ends := b.ended[a.Fingerprint]; ends && a.EndsAt.IsZero() && g.At.After(again[a.Fingerprint]) {
				again[a.Fingerprint] = g.At
			}
		}
	}
	for fp, at := range b.ended {
		if _, newer := in.ended[fp]; !newer && again[fp].Before(at) {
			in.ended[fp] = at
		}
	}
	in.told = append(b.told, in.told...)
}

// Observe takes the state of a group that is about to be told.
func (s *Service) Observe(g Group) {
	g.Key = bounded(g.Key)
	in := &s.inbox
	in.mu.Lock()
	defer in.mu.Unlock()
	if _, known := in.groups[g.Key]; !known {
		if len(in.groups) >= maxGroups {
			in.lost++ // its next flush says it again
			return
		}
		in.order = append(in.order, g.Key)
	}
	in.groups[g.Key] = g
	for _, a := range g.Alerts {
		// A flush may have been decided before an alert's end and be told of after it.
		if a.EndsAt.IsZero() && !g.At.Before(in.ended[a.Fingerprint]) {
			delete(in.ended, a.Fingerprint)
		}
	}
	in.nudge()
}

// Ended takes the end of an alert, which a group tells only at its next interval.
func (s *Service) Ended(fingerprint string, at time.Time) {
	in := &s.inbox
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.ended) >= maxEnded {
		in.lost++
		return
	}
	in.ended[fingerprint] = at
	in.nudge()
}

// Told takes an attempt to tell a receiver.
func (s *Service) Told(n Notification) {
	n.GroupKey = bounded(n.GroupKey)
	in := &s.inbox
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.told) >= maxTold {
		in.lost++
		return
	}
	in.told = append(in.told, n)
	in.nudge()
}

// metrics are the service's own.
type metrics struct {
	opened, acknowledged, resolved *prometheus.CounterVec
	detect, ack, repair            *prometheus.HistogramVec
	flapped                        prometheus.Counter
	failures, refused              prometheus.Counter
	unreached                      prometheus.Counter
	verdicts, steps                *prometheus.CounterVec
	open, hits                     *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer, s *Service) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "touchline_incidents_" + name, Help: help}, labels)
	}
	seconds := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "touchline_incident_" + name + "_seconds", Help: help, Buckets: []float64{.01, .1, 1, 5, 15, 60, 300, 900, 1800, 3600, 4 * 3600, 24 * 3600},
		}, []string{"severity"})
	}
	m := &metrics{
		opened:       counter("opened_total", "Incidents that were opened.", "severity"),
		acknowledged: counter("acknowledged_total", "Incidents that somebody has taken.", "severity"),
		resolved:     counter("resolved_total", "Incidents whose last alert has ended.", "severity"),
		verdicts:     counter("verdicts_total", "Verdicts on incidents.", "verdict"),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "touchline_incidents_open", Help: "Incidents that are not over.",
		}, []string{"state", "severity"}),
		hits: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "touchline_incident_hints_hit_ratio", Help: "Of the incidents whose hints were judged, the share of which one of the first hints was right.",
		}, []string{"top"}),
		steps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_escalation_calls_total", Help: "Receivers that steps of escalations have called, by what came of it.",
		}, []string{"result"}),
		detect:   seconds("detection", "From the first bad sample of an incident to the first receiver's answer."),
		ack:      seconds("acknowledge", "From an incident's opening to its acknowledgement."),
		repair:   seconds("repair", "From an incident's first bad sample, or its opening where that is not known, to the end of its last alert."),
		flapped:  prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_incidents_flapped_total", Help: "Times that a resolved incident fired again."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_incidents_write_failures_total", Help: "Attempts to write incidents that failed; what has come in waits."}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "touchline_incidents_refused_total", Help: "What came in for incidents and was dropped, since the state database cannot hold it; the log says what.",
		}),
		unreached: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "touchline_escalation_unreached_steps_total", Help: "Steps of escalations that reached nobody; the next one, or the same again, is tried soon.",
		}),
	}
	for _, c := range []prometheus.Collector{
		m.opened, m.acknowledged, m.resolved, m.verdicts, m.detect, m.ack, m.repair, m.steps, m.open, m.hits, m.flapped, m.failures, m.refused, m.unreached,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "touchline_incidents_inbox_length", Help: "What has come in for incidents and is not written yet."}, func() float64 { return float64(s.inbox.waiting()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "touchline_incidents_inbox_dropped_total", Help: "What came in for incidents and was dropped, since too much waited."}, func() float64 {
			s.inbox.mu.Lock()
			defer s.inbox.mu.Unlock()
			return float64(s.inbox.lost)
		}),
	} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
