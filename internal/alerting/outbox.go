package alerting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
)

// The outbox tries an alert this often before it gives it up, and waits this
// long in between. The rules send every active alert again anyway.
const (
	deliverAttempts = 3
	deliverPause    = 100 * time.Millisecond
)

var errOutboxClosed = errors.New("the outbox is closed")

// outbox stands between the rules and the alert store, whose Put holds a lock
// and waits for slow subscribers. It is bounded, and keeps the order of each
// alert's updates. An update takes the place of one that still waits and says
// the same of the same alert; where the outbox is full, that of the oldest one
// of the same alert.
type outbox struct {
	deliver func(context.Context, ...*alert.Alert) error
	log     *slog.Logger
	cap     int

	mu      sync.Mutex
	order   []model.Fingerprint // one entry per waiting update, oldest first
	waiting map[model.Fingerprint][]queued
	size    int
	closed  bool
	space   chan struct{} // closed and replaced when an update has left
	ready   chan struct{}
	quit    chan struct{}
	wg      sync.WaitGroup

	dropped, failed prometheus.Counter
	latency         prometheus.Histogram
}

type queued struct {
	alert *alert.Alert
	since time.Time
}

func newOutbox(capacity int, deliver func(context.Context, ...*alert.Alert) error, log *slog.Logger, reg prometheus.Registerer) *outbox {
	o := &outbox{
		deliver: deliver, log: log, cap: max(capacity, 1), waiting: map[model.Fingerprint][]queued{},
		space: make(chan struct{}), ready: make(chan struct{}, 1), quit: make(chan struct{}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_alerting_outbox_dropped_total", Help: "Alerts given up because the outbox stayed full."}),
		failed:  prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_alerting_outbox_failures_total", Help: "Alerts that the alert store refused."}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "touchline_alerting_outbox_latency_seconds", Help: "How long alerts waited for the alert store to take them.", Buckets: prometheus.ExponentialBuckets(0.0001, 4, 10),
		}),
	}
	reg.MustRegister(o.dropped, o.failed, o.latency,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "touchline_alerting_outbox_length", Help: "Alerts that wait for the alert store."}, func() float64 {
			o.mu.Lock()
			defer o.mu.Unlock()
			return float64(o.size)
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "touchline_alerting_outbox_capacity", Help: "Alerts that may wait for the alert store."}, func() float64 { return float64(o.cap) }))
	return o
}

// start begins to hand alerts over; close ends it.
func (o *outbox) start() { o.wg.Go(o.run) }

// put queues alerts in order. It waits while the outbox is full, until ctx
// ends; then the rest is dropped and counted.
func (o *outbox) put(ctx context.Context, alerts []*alert.Alert) error {
	for n, a := range alerts {
		for {
			space, err := o.try(a)
			if err == nil && space == nil {
				break
			}
			if err == nil {
				select {
				case <-space:
					continue
				case <-o.quit:
					err = errOutboxClosed
				case <-ctx.Done():
					err = fmt.Errorf("the outbox is full: %w", ctx.Err())
				}
			}
			o.dropped.Add(float64(len(alerts) - n))
			return fmt.Errorf("queue %d of %d alerts: %w", len(alerts)-n, len(alerts), err)
		}
	}
	return nil
}

// try queues one alert, or returns the channel that tells of space.
func (o *outbox) try(a *alert.Alert) (space <-chan struct{}, err error) {
	fp, now := a.Fingerprint(), time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, errOutboxClosed
	}
	q := o.waiting[fp]
	if n := len(q); n > 0 {
		last := &q[n-1]
		if last.alert.StartsAt.Equal(a.StartsAt) && last.alert.ResolvedAt(now) == a.ResolvedAt(now) {
			last.alert = a
			return nil, nil
		}
		if o.size >= o.cap {
			// The place in order stays; the oldest state of this alert goes.
			copy(q, q[1:])
			q[n-1] = queued{alert: a, since: now}
			return nil, nil
		}
	}
	if o.size >= o.cap {
		return o.space, nil
	}
	o.order = append(o.order, fp)
	o.waiting[fp] = append(q, queued{alert: a, since: now})
	o.size++
	select {
	case o.ready <- struct{}{}:
	default:
	}
	return nil, nil
}

// take removes the update that has waited longest.
func (o *outbox) take() (queued, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.size == 0 {
		return queued{}, false
	}
	fp := o.order[0]
	o.order = o.order[1:]
	q := o.waiting[fp]
	first := q[0]
	if len(q) == 1 {
		delete(o.waiting, fp)
	} else {
		o.waiting[fp] = q[1:]
	}
	o.size--
	close(o.space)
	o.space = make(chan struct{})
	return first, true
}

func (o *outbox) run() {
	for {
		for q, ok := o.take(); ok; q, ok = o.take() {
			o.hand(q)
		}
		select {
		case <-o.ready:
		case <-o.quit:
			// What was queued before the close is still handed over.
			for q, ok := o.take(); ok; q, ok = o.take() {
				o.hand(q)
			}
			return
		}
	}
}

func (o *outbox) hand(q queued) {
	for attempt := 1; ; attempt++ {
		err := o.deliver(context.Background(), q.alert)
		if err == nil {
			o.latency.Observe(time.Since(q.since).Seconds())
			return
		}
		if attempt == deliverAttempts {
			o.failed.Inc()
			o.log.Error("Alert was refused by the alert store", "alert", q.alert.Name(), "err", err)
			return
		}
		select {
		case <-time.After(deliverPause):
		case <-o.quit:
		}
	}
}

// close takes no more alerts, hands over what waits, and returns when that is done.
func (o *outbox) close() {
	o.mu.Lock()
	already := o.closed
	o.closed = true
	o.mu.Unlock()
	if !already {
		close(o.quit)
	}
	o.wg.Wait()
}
