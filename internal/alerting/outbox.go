package alerting

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
)

// outbox stands between the rules and the alert store, whose Put holds a lock
// and waits for slow subscribers. It is bounded; an update of an alert that
// still waits takes that alert's place, so the newest state of each is kept.
type outbox struct {
	deliver func(context.Context, ...*alert.Alert) error
	log     *slog.Logger
	cap     int

	mu      sync.Mutex
	order   []model.Fingerprint
	waiting map[model.Fingerprint][]*alert.Alert
	size    int
	space   chan struct{} // closed and replaced when alerts have left
	ready   chan struct{}
	quit    chan struct{}
	closed  bool
	wg      sync.WaitGroup

	dropped prometheus.Counter
	failed  prometheus.Counter
}

func newOutbox(capacity int, deliver func(context.Context, ...*alert.Alert) error, log *slog.Logger, reg prometheus.Registerer) *outbox {
	o := &outbox{
		deliver: deliver, log: log, cap: max(capacity, 1), waiting: map[model.Fingerprint][]*alert.Alert{},
		space: make(chan struct{}), ready: make(chan struct{}, 1), quit: make(chan struct{}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_alerting_outbox_dropped_total", Help: "Alerts given up because the outbox stayed full."}),
		failed:  prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_alerting_outbox_failures_total", Help: "Alerts that the alert store refused."}),
	}
	if reg != nil {
		reg.MustRegister(o.dropped, o.failed,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "touchline_alerting_outbox_length", Help: "Alerts that wait for the alert store."}, func() float64 {
				o.mu.Lock()
				defer o.mu.Unlock()
				return float64(o.size)
			}),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "touchline_alerting_outbox_capacity", Help: "Alerts that may wait for the alert store."}, func() float64 { return float64(o.cap) }))
	}
	o.wg.Go(o.run)
	return o
}

// put queues alerts in order. It waits while the outbox is full, until ctx ends.
func (o *outbox) put(ctx context.Context, alerts []*alert.Alert) error {
	for n, a := range alerts {
		for {
			ok, space := o.try(a)
			if ok {
				break
			}
			select {
			case <-space:
			case <-o.quit:
				o.dropped.Add(float64(len(alerts) - n))
				return fmt.Errorf("queue alert: the outbox is closed")
			case <-ctx.Done():
				o.dropped.Add(float64(len(alerts) - n))
				return fmt.Errorf("queue alert: the outbox is full: %w", ctx.Err())
			}
		}
	}
	return nil
}

// try queues one alert, or says where to wait for space. An alert waits in at
// most two states, firing and resolved: a newer one of the same state replaces it.
func (o *outbox) try(a *alert.Alert) (bool, <-chan struct{}) {
	fp := a.Fingerprint()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false, make(chan struct{})
	}
	if q := o.waiting[fp]; len(q) > 0 && q[len(q)-1].Resolved() == a.Resolved() && q[len(q)-1].StartsAt.Equal(a.StartsAt) {
		q[len(q)-1] = a
		return true, nil
	}
	if o.size >= o.cap {
		return false, o.space
	}
	if len(o.waiting[fp]) == 0 {
		o.order = append(o.order, fp)
	}
	o.waiting[fp] = append(o.waiting[fp], a)
	o.size++
	select {
	case o.ready <- struct{}{}:
	default:
	}
	return true, nil
}

func (o *outbox) take() []*alert.Alert {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.size == 0 {
		return nil
	}
	out := make([]*alert.Alert, 0, o.size)
	for _, fp := range o.order {
		out = append(out, o.waiting[fp]...)
	}
	clear(o.waiting)
	o.order, o.size = o.order[:0], 0
	close(o.space)
	o.space = make(chan struct{})
	return out
}

func (o *outbox) run() {
	for {
		for batch := o.take(); batch != nil; batch = o.take() {
			for _, a := range batch {
				if err := o.deliver(context.Background(), a); err != nil {
					o.failed.Inc()
					o.log.Error("Alert was refused by the alert store", "alert", a.Name(), "err", err)
				}
			}
		}
		select {
		case <-o.ready:
		case <-o.quit:
			return
		}
	}
}

// close takes no more alerts, hands over what waits, and returns when that is done.
func (o *outbox) close() {
	o.mu.Lock()
	already := o.closed
	o.closed = true
	o.mu.Unlock()
	if already {
		return
	}
	close(o.quit)
	o.wg.Wait()
	for _, a := range o.take() {
		if err := o.deliver(context.Background(), a); err != nil {
			o.failed.Inc()
		}
	}
}
