package channel

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"
)

// Paces remembers how often each robot has been asked, over reloads and for all
// receivers that share one.
type Paces struct {
	mu sync.Mutex
	by map[[sha256.Size]byte]*pace
}

// NewPaces returns one that knows of nothing.
func NewPaces() *Paces { return &Paces{by: map[[sha256.Size]byte]*pace{}} }

// maxPaces bounds the addresses that are remembered. There are as many as there
// are channels, unless somebody writes a new secret every minute.
const maxPaces = 1000

// of finds a robot by its address, of which only a hash is kept.
func (p *Paces) of(address string, o Limit) *pace {
	key := sha256.Sum256([]byte(address))
	p.mu.Lock()
	defer p.mu.Unlock()
	if x := p.by[key]; x != nil {
		return x
	}
	if len(p.by) >= maxPaces {
		clear(p.by)
	}
	x := &pace{limit: o}
	p.by[key] = x
	return x
}

// Rate is so many messages in a window.
type Rate struct {
	Messages int
	Window   time.Duration
}

// Limit is what a service allows one robot.
type Limit struct {
	Rates []Rate // the one with the longest window last
	// Pause is how long nothing is sent after the service has said that it was
	// too much and not for how long; it doubles up to MaxPause.
	Pause, MaxPause time.Duration
}

// pace keeps the requests to one robot within what its service allows.
type pace struct {
	limit Limit

	mu     sync.Mutex
	sent   []time.Time // of the longest window, oldest first
	until  time.Time   // nothing is sent before
	pause  time.Duration
	probed chan struct{} // while the one request after a pause is under way
}

// enter waits until a request may be made. The caller tells by leave how it
// went. Who waits does not hold a place: a group that gives up must not delay
// those that come after it.
func (p *pace) enter(ctx context.Context) (leave func(o Outcome, after time.Duration), err error) {
	for {
		at, probe := p.take()
		if probe == nil && at.IsZero() {
			return p.leave, nil
		}
		var timer *time.Timer
		var ripe <-chan time.Time
		if probe == nil {
			timer = time.NewTimer(time.Until(at))
			ripe = timer.C
		}
		select {
		case <-ripe:
		case <-probe:
		case <-ctx.Done():
			err = fmt.Errorf("wait until the service takes messages of this robot again: %w", ctx.Err())
			if probe == nil {
				err = fmt.Errorf("wait until %s, as the service limits this robot: %w", at.Format(time.TimeOnly), ctx.Err())
			}
		}
		if timer != nil {
			timer.Stop()
		}
		if err != nil {
			return nil, err
		}
	}
}

// take makes a request count, or says when, or after whose, to try again.
func (p *pace) take() (at time.Time, probe <-chan struct{}) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.until) {
		return p.until, nil
	}
	if p.probed != nil {
		return time.Time{}, p.probed
	}
	for _, r := range p.limit.Rates {
		if n := len(p.sent) - r.Messages; n >= 0 && now.Sub(p.sent[n]) < r.Window {
			return p.sent[n].Add(r.Window), nil
		}
	}
	if p.pause > 0 {
		p.probed = make(chan struct{}) // Only one finds out whether the pause was long enough.
	}
	longest := p.limit.Rates[len(p.limit.Rates)-1].Window
	for len(p.sent) > 0 && now.Sub(p.sent[0]) >= longest {
		p.sent = p.sent[1:]
	}
	p.sent = append(p.sent, now)
	return time.Time{}, nil
}

// leave tells how a request went.
func (p *pace) leave(o Outcome, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch o {
	case Limited:
		p.pause = min(max(p.limit.Pause, 2*p.pause), p.limit.MaxPause)
		wait := p.pause
		if after > 0 {
			wait = min(after, p.limit.MaxPause)
		}
		if t := time.Now().Add(wait); t.After(p.until) {
			p.until = t
		}
	case Delivered, Refused, Denied:
		p.pause = 0
	}
	if p.probed != nil {
		close(p.probed)
		p.probed = nil
	}
}
