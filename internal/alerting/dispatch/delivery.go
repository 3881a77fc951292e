package dispatch

import (
	"context"
	"errors"
	"sync"
)

// Delivery is what a notifier can learn of, and has to tell, the lane that
// calls it.
type Delivery struct {
	group *group // nil outside of one

	mu         sync.Mutex
	cancel     context.CancelFunc
	attempts   int
	failed     bool // the last attempt
	underWay   bool
	superseded bool
}

type deliveryKey struct{}

// DeliveryFrom returns the delivery that ctx belongs to, nil for none.
func DeliveryFrom(ctx context.Context) *Delivery {
	d, _ := ctx.Value(deliveryKey{}).(*Delivery)
	return d
}

// errSuperseded ends the retries of what a later flush says better.
var errSuperseded = errors.New("a later state of the group is waiting to be told")

// Begin is called before each attempt. It fails when the attempt must not be made.
func (d *Delivery) Begin() error {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.superseded && d.attempts > 0 {
		return errSuperseded
	}
	d.attempts++
	d.underWay = true
	return nil
}

// End is called after each attempt with its outcome.
func (d *Delivery) End(err error) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.underWay, d.failed = false, err != nil
	if d.superseded && d.failed {
		d.cancel()
	}
}

// supersede ends the wait for another attempt, now or when the one that is
// under way has failed. A delivery that was not tried yet goes on.
func (d *Delivery) supersede() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.superseded = true
	if d.failed && !d.underWay {
		d.cancel()
	}
}

// abandon ends a delivery that is not under way, for a stop.
func (d *Delivery) abandon() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.superseded = true
	if !d.underWay {
		d.cancel()
	}
}

// taken reports whether the last attempt succeeded.
func (d *Delivery) taken() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.attempts > 0 && !d.failed && !d.underWay
}

// ended reports whether the delivery was ended for a later flush, a reload or a stop.
func (d *Delivery) ended() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.superseded
}
