package heartbeat

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Reasons for which a beat is withheld.
const (
	Starting  = "starting"   // not enough time has passed since the start
	Component = "component"  // a component has failed
	NoRule    = "no_rule"    // no rule raises the alert
	Rules     = "evaluation" // the alert is no longer evaluated, or no longer stored
	Storage   = "storage"    // the storage does not answer
	Dispatch  = "dispatch"   // the alert no longer reaches the dispatcher
	other     = "other"      // an error of another kind
)

var reasons = []string{Starting, Component, NoRule, Rules, Storage, Dispatch, other}

// Withheld is why no beat is sent.
type Withheld struct {
	Reason string // one of the constants
	Why    string // in words
}

func (w *Withheld) Error() string { return w.Why }

func withheld(reason, format string, args ...any) error {
	return &Withheld{Reason: reason, Why: fmt.Sprintf(format, args...)}
}

// PulseOptions configure a Pulse. All fields without a remark are required.
type PulseOptions struct {
	Alert string // name of the alert that always fires
	// Interval of the group that evaluates it, 0 when no rule raises it.
	Interval func() time.Duration
	Resend   time.Duration // longest time after which a firing alert is handed over again
	// Stored is when the alert's newest sample was stored as firing, zero for never since the given time.
	Stored func(ctx context.Context, since time.Time) (time.Time, error)
	// Failed names the components that have failed, with the reason of each; "" for none.
	Failed func() string
	Now    func() time.Time // optional
}

// Pulse tells whether alerting works from end to end. All methods may be
// called from any goroutine.
type Pulse struct {
	o       PulseOptions
	started time.Time

	mu   sync.Mutex
	seen time.Time
}

// NewPulse returns a Pulse that has not seen the alert yet.
func NewPulse(o PulseOptions) *Pulse {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Pulse{o: o, started: o.Now()}
}

// Seen notes that the alert has reached the end of its way. It does not block.
func (p *Pulse) Seen() {
	now := p.o.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = now
}

// LastSeen is when the alert last reached the end of its way, zero for never.
func (p *Pulse) LastSeen() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

// missed is how many evaluations in a row may be late before something is wrong.
const missed = 3

// Alive is nil while the alert is evaluated, stored and dispatched, and an
// error that wraps a Withheld otherwise.
func (p *Pulse) Alive(ctx context.Context) error {
	if why := p.o.Failed(); why != "" {
		return withheld(Component, "%s", why)
	}
	interval := p.o.Interval()
	if interval <= 0 {
		return withheld(NoRule, "no rule raises the alert %s; load the shipped rules, or add one", p.o.Alert)
	}
	now := p.o.Now()
	late := missed * interval
	stored, err := p.o.Stored(ctx, now.Add(-late))
	if err != nil {
		return withheld(Storage, "the storage could not be asked: %v", err)
	}
	seen := p.LastSeen()
	// The rule manager stores nothing of an alert before its third evaluation.
	starting := now.Sub(p.started) < late+interval
	switch {
	case stored.IsZero() && starting:
		return withheld(Starting, "the alert %s has not been evaluated yet", p.o.Alert)
	case stored.IsZero():
		return withheld(Rules, "the alert %s has not been evaluated and stored for %s", p.o.Alert, late)
	case seen.IsZero() && starting:
		return withheld(Starting, "the alert %s has not been dispatched yet", p.o.Alert)
	case seen.IsZero():
		return withheld(Dispatch, "the alert %s has never reached the dispatcher", p.o.Alert)
	case now.Sub(seen) > p.o.Resend+late:
		return withheld(Dispatch, "the alert %s has not reached the dispatcher for %s", p.o.Alert, now.Sub(seen).Round(time.Second))
	}
	return nil
}
