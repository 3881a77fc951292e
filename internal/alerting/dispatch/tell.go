package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/common/model"
)

// Message is what a receiver is told outside of its routes, such as a step of
// an escalation.
type Message struct {
	Receiver string
	Key      string         // of the notification log, in the place of a group's: what was told under it is not told again
	Labels   model.LabelSet // what the alerts have in common, in the place of those that a route groups by
	Alerts   []*alert.Alert
	Repeat   time.Duration // after which it may be told again
}

// Outcome is what came of a message for one integration. Where none of its
// fields says anything the integration does not want to hear of ends.
type Outcome struct {
	Integration  string // its Key
	Told         bool
	Muted        bool // all alerts are
	Deduplicated bool // it has been told already
	Err          error
}

// Errors of Tell.
var (
	ErrStopped         = errors.New("the dispatcher has been stopped")
	ErrUnknownReceiver = errors.New("unknown receiver")
)

// single is a message that is being told.
type single struct {
	done chan struct{} // closed afterwards
	to   Receiver
	runs []run
}

// run is a message on its way to one integration.
type run struct {
	ctx      context.Context
	detach   func() bool // from the end of all that is told
	delivery Delivery
}

// singleID tells a message from others that are told at the same time.
type singleID struct{ receiver, key string }

// Tell tells a receiver's integrations, each by itself, and returns when all of
// them have been told, have refused, or ctx has ended. As in a flush inhibition
// and silences may mute alerts, and what the notification log knows is not told
// again; time intervals belong to routes and mute nothing. Of messages with the
// same receiver and key one is told at a time. It waits for the first
// configuration to be in force and for the replicas to know each other.
func (d *Dispatcher) Tell(ctx context.Context, m Message) ([]Outcome, error) {
	select {
	case <-d.begun:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the dispatcher to begin: %w", ctx.Err())
	case <-d.ctx.Done():
		return nil, ErrStopped
	}
	s, err := d.admit(ctx, singleID{m.Receiver, m.Key})
	if err != nil {
		return nil, err
	}
	defer d.leave(singleID{m.Receiver, m.Key}, s)
	out := make([]Outcome, len(s.runs))
	for n, i := range s.to.Integrations {
		out[n].Integration = i.Key
	}
	kept, err := d.audible(ctx, s.to, m)
	if err != nil {
		return nil, fmt.Errorf("decide what is muted: %w", err)
	}
	if len(kept) == 0 {
		for n := range out {
			out[n].Muted = true
		}
		return out, nil
	}
	var wg sync.WaitGroup
	for n := range s.runs {
		wg.Go(func() { d.tell(&s.runs[n], m, s.to.Integrations[n], kept, &out[n]) })
	}
	wg.Wait()
	return out, nil
}

// admit waits for its turn, and makes Stop wait for the message.
func (d *Dispatcher) admit(ctx context.Context, id singleID) (*single, error) {
	for {
		d.mu.Lock()
		if d.done {
			d.mu.Unlock()
			return nil, ErrStopped
		}
		before := d.singles[id]
		if before == nil {
			break
		}
		d.mu.Unlock()
		select {
		case <-before.done:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the same message to be told: %w", ctx.Err())
		}
	}
	defer d.mu.Unlock()
	to, known := d.conf.Receivers[id.receiver]
	if !known {
		return nil, fmt.Errorf("%w %q", ErrUnknownReceiver, id.receiver)
	}
	s := &single{done: make(chan struct{}), to: to, runs: make([]run, len(to.Integrations))}
	for n := range s.runs {
		r := &s.runs[n]
		r.ctx, r.delivery.cancel = context.WithCancel(ctx)
		r.detach = context.AfterFunc(d.laneCtx, r.delivery.cancel)
		r.ctx = context.WithValue(r.ctx, deliveryKey{}, &r.delivery)
	}
	d.singles[id] = s
	d.sending.Add(1)
	return s, nil
}

func (d *Dispatcher) leave(id singleID, s *single) {
	for n := range s.runs {
		s.runs[n].detach()
		s.runs[n].delivery.cancel()
	}
	d.mu.Lock()
	delete(d.singles, id)
	d.mu.Unlock()
	close(s.done)
	d.sending.Done()
}

// finish ends what is not under way, for a stop.
func (s *single) finish() {
	for n := range s.runs {
		s.runs[n].delivery.abandon()
	}
}

// audible returns the alerts that nothing mutes.
func (d *Dispatcher) audible(ctx context.Context, to Receiver, m Message) ([]*alert.Alert, error) {
	d.applying.RLock()
	defer d.applying.RUnlock()
	// Upstream's stages note what time intervals do to a group of a route.
	const route = ""
	defer d.o.Marker.DeleteByGroupKey(route, m.Key)
	_, kept, err := to.Mute.Exec(notify.WithRouteID(m.context(ctx), route), d.log, slices.Clone(m.Alerts)...)
	return kept, err
}

// context carries what upstream's stages need to know.
func (m *Message) context(ctx context.Context) context.Context {
	ctx = notify.WithNow(ctx, time.Now())
	ctx = notify.WithGroupKey(ctx, m.Key)
	ctx = notify.WithGroupLabels(ctx, m.Labels)
	ctx = notify.WithReceiverName(ctx, m.Receiver)
	return notify.WithRepeatInterval(ctx, m.Repeat)
}

// tell tells one integration.
func (d *Dispatcher) tell(r *run, m Message, to Integration, alerts []*alert.Alert, out *Outcome) {
	ctx, alerts, err := to.Dedup.Exec(m.context(r.ctx), d.log, slices.Clone(alerts)...)
	switch {
	case err != nil:
		err = fmt.Errorf("look into the notification log: %w", err)
	case len(alerts) == 0:
		out.Deduplicated = true
	default:
		_, _, err = to.Send.Exec(ctx, d.log, alerts...)
		out.Told = r.delivery.taken()
	}
	if out.Err = err; err != nil && r.delivery.ended() {
		out.Err = fmt.Errorf("%w: %w", ErrStopped, err)
	}
}
