// Package incident keeps what happened and who did something about it: an alert
// group that fires opens an incident or joins one, people acknowledge, assign,
// comment, snooze, merge and close it, steps of an escalation call the next
// person, and all of it stands in its timeline and in a history that can be
// searched.
package incident

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/touchline/internal/state"
)

// State is where an incident is on its way.
type State string

// The states. An incident that has resolved fires again where one of its groups
// does so soon.
const (
	Firing       State = "firing"       // nobody has taken it
	Acknowledged State = "acknowledged" // somebody has
	Resolved     State = "resolved"     // its last alert has ended
	Closed       State = "closed"       // by a person, while it fired or after
	Merged       State = "merged"       // into another one
)

// Snoozed selects what is firing or acknowledged and is kept quiet for a while. It
// is no state that an incident is stored with: when the snooze has ended, the
// incident is what it was.
const Snoozed State = "snoozed"

// Incident is one incident. Times that are not known, or have not come, are zero.
type Incident struct {
	ID             int64             `json:"id" doc:"Its number."`
	Title          string            `json:"title"`
	Severity       string            `json:"severity" doc:"The worst that one of its alerts had."`
	Labels         map[string]string `json:"labels" doc:"What all its alerts have in common."`
	State          State             `json:"state" enum:"firing,acknowledged,resolved,closed,merged"`
	SampleAt       time.Time         `json:"sample_at,omitzero" doc:"Timestamp of the first bad sample."`
	DueAt          time.Time         `json:"due_at,omitzero" doc:"When the rule had to fire: the end of its for, or the first bad sample where it has none."`
	DecidedAt      time.Time         `json:"decided_at,omitzero" doc:"When the rule had decided."`
	OpenedAt       time.Time         `json:"opened_at"`
	NotifiedAt     time.Time         `json:"notified_at,omitzero" doc:"When a receiver first took it."`
	AcknowledgedAt time.Time         `json:"acknowledged_at,omitzero"`
	AcknowledgedBy string            `json:"acknowledged_by,omitempty"`
	FirstAckAt     time.Time         `json:"first_acknowledged_at,omitzero" doc:"When somebody first acknowledged it, or what it was merged into; it stays when the incident is given back."`
	Assignee       string            `json:"assignee,omitempty"`
	SnoozedUntil   time.Time         `json:"snoozed_until,omitzero" doc:"Until when it is snoozed; its state is what it is again afterwards."`
	ResolvedAt     time.Time         `json:"resolved_at,omitzero" doc:"When its last alert ended."`
	ClosedAt       time.Time         `json:"closed_at,omitzero"`
	Verdict        string            `json:"verdict,omitempty" enum:"real,false_alarm"`
	MergedInto     int64             `json:"merged_into,omitempty"`
	Flaps          int               `json:"flaps" doc:"How often it fired again after it had resolved."`
	Version        int64             `json:"version" doc:"Grows with each change; the ETag."`
	UpdatedAt      time.Time         `json:"updated_at"`

	events int
}

// due is when the rule had to fire, as far as it is known.
func (i *Incident) due() time.Time {
	if i.DueAt.IsZero() {
		return i.SampleAt
	}
	return i.DueAt
}

// held is how long the rule waited after the first bad sample (for).
func (i *Incident) held() time.Duration {
	if d := i.due().Sub(i.SampleAt); d >= time.Millisecond {
		return d
	}
	return 0 // samples have milliseconds
}

// over tells whether nothing of the incident fires any more, or nobody wants to know.
func (i *Incident) over() bool { return i.State == Resolved || i.State == Closed || i.State == Merged }

// Snoozed tells whether an incident that is not over is kept quiet.
func (i *Incident) Snoozed(now time.Time) bool { return !i.over() && i.SnoozedUntil.After(now) }

// Timing are the times of an alert's way that are known.
type Timing struct {
	Rule    string    `json:"rule,omitempty"`
	Class   string    `json:"class,omitempty"`
	Active  time.Time `json:"active,omitzero"` // since when the expression has been true
	Sample  time.Time `json:"sample,omitzero"` // what the rule fired for: the first bad sample, or the end of its for
	Decided time.Time `json:"decided,omitzero"`
}

// Alert is an alert of a group that is told.
type Alert struct {
	Fingerprint string
	Labels      map[string]string
	Annotations map[string]string
	Generator   string // URL of the expression
	StartsAt    time.Time
	EndsAt      time.Time // zero while it fires
	Timing      Timing
}

// Group is an alert group at a moment: those of its alerts that nothing mutes.
type Group struct {
	Key      string // tells it from all others, also over restarts
	Receiver string
	Labels   map[string]string
	At       time.Time
	Alerts   []Alert
}

// Notification is one attempt to tell a receiver.
type Notification struct {
	ID          int64
	At          time.Time
	Receiver    string
	Integration string
	GroupKey    string
	Group       string // the group's labels, as text
	Incident    int64  // 0 for none
	Firing      int
	Resolved    int
	Took        time.Duration
	Error       string // empty when the receiver took it
	Way         string // JSON, as the caller gave it
}

// Options configure a Service. All fields without a remark are required.
type Options struct {
	DB         *state.DB
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time // optional, time.Now
	// Opens says whether an alert's labels open an incident.
	Opens func(labels map[string]string) bool
	// Flapping is how long a resolved incident waits for its groups to fire again.
	Flapping time.Duration
	// Retention is how long incidents that are over and notifications are kept; 0 for ever.
	Retention time.Duration
	// Audit notes a change that somebody made; optional.
	Audit func(ctx context.Context, tx *state.Tx, actor, action, target string, before, after any) error
	// Known returns the fingerprints of all alerts that there are, muted or not; optional.
	// What an incident has as firing and is not among them for a while has ended unheard.
	Known      func(ctx context.Context) (map[string]bool, error)
	Escalation *Escalation // nil for none
	// Assignee finds whom an incident can be given to, or returns an *Unknown; optional:
	// without it every name is taken, and nobody is told.
	Assignee     func(ctx context.Context, name, severity string) (Person, error)
	Surroundings Surroundings
	// Changed is told of incidents that have changed, after the change is
	// committed; optional. It must not wait.
	Changed func([]Change)
}

// Change is what became of an incident.
type Change struct {
	Before State // "" for one that is new
	After  Incident
}

// Service keeps incidents.
type Service struct {
	o       Options
	log     *slog.Logger
	metrics *metrics
	inbox   inbox
	links   linkKey

	missing missing

	steps     atomic.Int64   // that are being carried out
	calling   sync.WaitGroup // the same
	unreached unreached

	quit    chan struct{}
	stopped sync.Once
	wg      sync.WaitGroup
}

// housekeeping is how often what time brings about is looked for.
const housekeeping = 5 * time.Second

// New returns a service that takes in what it is told, and works when it is started.
func New(o Options) (*Service, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Audit == nil {
		o.Audit = func(context.Context, *state.Tx, string, string, string, any, any) error { return nil }
	}
	if o.Changed == nil {
		o.Changed = func([]Change) {}
	}
	s := &Service{o: o, log: o.Logger, quit: make(chan struct{}), missing: missing{begun: o.Now(), since: map[string]time.Time{}}}
	s.inbox.init()
	var err error
	if s.metrics, err = newMetrics(o.Registerer, s); err != nil {
		return nil, err
	}
	return s, nil
}

// Start begins to work off what has come in.
func (s *Service) Start() {
	s.wg.Go(s.run)
	if s.o.Escalation != nil {
		s.wg.Go(s.escalating)
	}
}

// Stop works off what is there, until ctx ends.
func (s *Service) Stop(ctx context.Context) error {
	s.stopped.Do(func() { close(s.quit) })
	done := make(chan struct{})
	go func() { s.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop incidents: %w", ctx.Err())
	}
}

func (s *Service) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tick := time.NewTicker(housekeeping)
	defer tick.Stop()
	// Writing waits for one of these: a moment after something has come in, longer after a failure.
	begin := time.NewTimer(gather)
	defer begin.Stop()
	waits, failures := true, 0
	for {
		select {
		case <-s.quit:
			if err := s.work(ctx, func(time.Duration) {}); err != nil {
				s.log.Error("Incidents could not be written before the stop", "err", err)
			}
			return
		case <-s.inbox.ready:
			if !waits {
				waits = true
				begin.Reset(gather)
			}
		case <-tick.C:
			if err := s.passTime(ctx); err != nil {
				s.metrics.failures.Inc()
				s.log.Error("What time has brought about for incidents could not be written; it is tried again", "err", err)
			}
		case <-begin.C:
			waits = false
			err := s.work(ctx, s.rest)
			if err == nil {
				failures = 0
				continue
			}
			failures++
			s.metrics.failures.Inc()
			s.log.Error("Incidents could not be written; what has come in waits", "err", err, "waiting", s.inbox.waiting())
			waits = true
			begin.Reset(min(time.Duration(failures)*time.Second, housekeeping))
		}
	}
}

// rest leaves the processor to others, for a while or until a stop.
func (s *Service) rest(d time.Duration) {
	t := time.NewTimer(min(d, housekeeping))
	defer t.Stop()
	select {
	case <-s.quit:
	case <-t.C:
	}
}

// Errors of actions. Each says what to do instead.
var (
	ErrNotFound = errors.New("there is no such incident")
	ErrConflict = errors.New("the incident has changed meanwhile; read it again")
)

// refusal is why an action cannot be done to an incident as it is.
type refusal struct{ why string }

func (r *refusal) Error() string { return r.why }

// Refusal tells the database's metrics that nothing failed.
func (r *refusal) Refusal() bool { return true }

func refuse(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

// Refused tells whether an error says that the incident, as it is, does not
// allow what was asked for.
func Refused(err error) bool {
	var r *refusal
	return errors.As(err, &r)
}
