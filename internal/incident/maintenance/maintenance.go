// Package maintenance keeps the times in which alerts are expected, and notes of
// what was deployed. A window that has begun is a silence, so that Alertmanager,
// its API and its clients know it as such.
package maintenance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/touchline/internal/oncall"
	"touchline.dev/touchline/internal/state"
)

// Window is a time in which alerts are expected, once or again and again.
type Window struct {
	ID        int64         `json:"id,omitempty" doc:"Its number; not there for a window of touchline.yaml."`
	Name      string        `json:"name"`
	Matchers  []string      `json:"matchers" doc:"Matchers of Alertmanager's syntax; alerts for which all hold are silenced."`
	TimeZone  string        `json:"time_zone" doc:"Name of the IANA database."`
	Start     time.Time     `json:"start" doc:"When it begins, or first begins."`
	Duration  time.Duration `json:"-"`
	RRule     string        `json:"rrule,omitempty" doc:"How it recurs, as in RFC 5545."`
	Comment   string        `json:"comment,omitempty"`
	CreatedBy string        `json:"created_by,omitempty"`
	EndedAt   time.Time     `json:"ended_at,omitzero" doc:"When it ended for good: because somebody ended it, or with its last occurrence."`
	Version   int64         `json:"version,omitempty" doc:"The ETag."`
	Source    string        `json:"source" enum:"api,file"`

	// Of the moment that it is looked at.
	Active bool      `json:"active"`
	Ends   time.Time `json:"ends,omitzero" doc:"When the occurrence that is active ends."`
	Next   time.Time `json:"next,omitzero" doc:"When it begins next."`
}

// key names a window among those that have made silences.
func (w *Window) key() string {
	if w.Source == "file" {
		return "file/" + w.Name
	}
	return fmt.Sprintf("api/%d", w.ID)
}

// Silence is what a window asks Alertmanager for.
type Silence struct {
	Matchers []string
	From, To time.Time
	By       string
	Comment  string
}

// Ending is a silence that is about to end.
type Ending struct {
	ID       string
	Matchers []string // of Alertmanager's syntax
	By       string
	Comment  string
	Ends     time.Time
}

// Options configure a Service. All fields without a remark are required.
type Options struct {
	DB         *state.DB
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time // optional, time.Now
	Matchers   func([]string) error
	Silence    func(ctx context.Context, s Silence) (id string, err error)
	Expire     func(ctx context.Context, id string) error // ErrNoSilence where Alertmanager does not know it
	// Endings lists the active silences that end before a time; optional.
	Endings func(ctx context.Context, before time.Time) ([]Ending, error)
	// Announce tells that a silence or a window is about to end; optional.
	Announce func(ctx context.Context, e Ending) error
	Replica  string        // tells this process from others with the same database, also over restarts; optional where it has none
	Notice   time.Duration // how long before an end it is announced, 0 for never
	Files    func() []Window
	Audit    func(ctx context.Context, tx *state.Tx, actor, action, target string, before, after any) error // optional
	Mine     func() bool                                                                                    // optional: whether this replica makes the silences
}

// Service makes silences of windows.
type Service struct {
	o   Options
	log *slog.Logger

	failures prometheus.Counter
	patience time.Duration // with one transaction, or one call of Alertmanager's
	opened   time.Time     // claims from before are of a process that is gone, where the database is this one's alone

	// Of the loop alone.
	announced map[string]time.Time // ends that were announced, by silence
	forgot    time.Time            // when what is long over was last forgotten

	wake    chan struct{}
	quit    chan struct{}
	stopped sync.Once
	wg      sync.WaitGroup
}

// Bounds of the work.
const (
	look     = 5 * time.Second        // how often it is looked for windows that begin or end
	patience = 10 * time.Second       // with a database or an Alertmanager that does not answer
	gossip   = 200 * time.Millisecond // how often it is looked whether a silence of another replica has come
	lease    = time.Minute            // longer than it can take to make a silence and to note it
)

// New returns a service that works when it is started.
func New(o Options) (*Service, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Audit == nil {
		o.Audit = func(context.Context, *state.Tx, string, string, string, any, any) error { return nil }
	}
	if o.Mine == nil {
		o.Mine = func() bool { return true }
	}
	s := &Service{
		o: o, log: o.Logger, patience: patience, opened: o.Now(), wake: make(chan struct{}, 1), quit: make(chan struct{}), announced: map[string]time.Time{},
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_maintenance_failures_total", Help: "Times that windows could not be made silences, or not be ended."}),
	}
	if err := o.Registerer.Register(s.failures); err != nil {
		return nil, fmt.Errorf("register metrics of maintenance: %w", err)
	}
	return s, nil
}

// Start begins to look for windows that begin and end.
func (s *Service) Start() { s.wg.Go(s.run) }

// Stop ends it. Silences stay.
func (s *Service) Stop(ctx context.Context) error {
	s.stopped.Do(func() { close(s.quit) })
	done := make(chan struct{})
	go func() { s.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop maintenance: %w", ctx.Err())
	}
}

func (s *Service) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { <-s.quit; cancel() }()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if err := s.work(ctx); err != nil && ctx.Err() == nil {
			s.failures.Inc()
			s.log.Error("Maintenance windows could not be worked off; it is tried again", "err", err)
		}
		select {
		case <-s.quit:
			return
		case <-tick.C:
		case <-s.wake:
		}
	}
}

// Wake has a window that was changed looked at now.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// read is DB.Read for as long as is waited for a database.
func (s *Service) read(ctx context.Context, f func(context.Context, state.Querier) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	return s.o.DB.Read(ctx, func(q state.Querier) error { return f(ctx, q) })
}

// write is DB.Write for as long as is waited for a database.
func (s *Service) write(ctx context.Context, f func(context.Context, *state.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	return s.o.DB.Write(ctx, func(tx *state.Tx) error { return f(ctx, tx) })
}

// Refused says that a window is not one.
type Refused struct {
	Reason string
	Fields []*oncall.FieldError // each mistake, as the API names what it is about; none where it is about no field
}

func (r *Refused) Error() string { return r.Reason }

// Unwrap gives the mistakes.
func (r *Refused) Unwrap() []error {
	out := make([]error, len(r.Fields))
	for n, f := range r.Fields {
		out[n] = f
	}
	return out
}

// Refusal tells the database's metrics that nothing failed.
func (r *Refused) Refusal() bool { return true }

func refuse(format string, args ...any) error { return &Refused{Reason: fmt.Sprintf(format, args...)} }

// refuseFields refuses for the mistakes that an error joins.
func refuseFields(err error) error {
	var each interface{ Unwrap() []error }
	if !errors.As(err, &each) {
		return refuse("%v", err)
	}
	r := &Refused{}
	reasons := []string{}
	for _, err := range each.Unwrap() {
		f, ok := errors.AsType[*oncall.FieldError](err)
		if !ok {
			return refuse("%v", err)
		}
		named := *f
		named.Field = windowFields.Replace(f.Field)
		r.Fields = append(r.Fields, &named)
		reasons = append(reasons, named.Error())
	}
	r.Reason = strings.Join(reasons, "; ")
	return r
}

// windowFields are our names for the fields of the calendar's options.
var windowFields = strings.NewReplacer("repeat.rule", "rrule", "repeat.", "", "once.start", "start", "once.end", "duration")

// Errors of windows.
var (
	ErrNotFound = errors.New("there is no such maintenance window")
	ErrConflict = errors.New("the maintenance window has changed meanwhile; read it again")
	// ErrNoSilence is for Expire to return.
	ErrNoSilence = errors.New("there is no such silence")
)

// recurrence is when a window is.
func (w *Window) recurrence() (*oncall.Window, error) {
	o := oncall.WindowOptions{ID: w.key(), Name: w.Name}
	loc, err := time.LoadLocation(w.TimeZone)
	if err != nil || w.TimeZone == "" || w.TimeZone == "Local" {
		return nil, refuse("time_zone: %q is not a time zone; write a name of the IANA database, such as Europe/Berlin", w.TimeZone)
	}
	switch {
	case w.RRule == "" && w.Duration <= 0:
		return nil, refuseFields(errors.Join(&oncall.FieldError{Field: "duration", Problem: w.Duration.String() + " is not possible", Write: "how long it is, such as 30m"}))
	case w.RRule == "":
		o.Once = &oncall.Once{Start: w.Start, End: w.Start.Add(w.Duration)}
	default:
		o.Repeat = &oncall.Repeat{Rule: w.RRule, Start: w.Start, Duration: w.Duration, Location: loc}
	}
	made, err := oncall.NewWindow(o)
	if err != nil {
		return nil, refuseFields(err)
	}
	return made, nil
}

// Check says everything that is wrong with a window.
func Check(w *Window, matchers func([]string) error) error {
	if len(w.Matchers) == 0 {
		return refuseFields(errors.Join(&oncall.FieldError{Field: "matchers", Problem: "there is none, and a window that silences everything is not possible", Write: "one such as service=\"api\""}))
	}
	if err := matchers(w.Matchers); err != nil {
		if problem, write, ok := strings.Cut(err.Error(), "; write "); ok {
			return refuseFields(errors.Join(&oncall.FieldError{Field: "matchers", Problem: problem, Write: write}))
		}
		return refuse("matchers: %v", err)
	}
	_, err := w.recurrence()
	return err
}

// look fills in what a window is now.
func (w *Window) look(now time.Time) {
	r, err := w.recurrence()
	if err != nil {
		return // it was checked when it was made
	}
	w.Active, w.Ends, w.Next = false, time.Time{}, time.Time{}
	if !w.EndedAt.IsZero() {
		return
	}
	if _, to, ok := r.Occurrence(now); ok {
		w.Active, w.Ends = true, to
	}
	if next, ok := r.NextStart(now); ok {
		w.Next = next
	}
}

// Span is one time of a window.
type Span struct{ From, To time.Time }

// Coming are the occurrence of a window that lasts at a moment, and the next one.
func (w *Window) Coming(now time.Time) []Span {
	r, err := w.recurrence()
	if err != nil || !w.EndedAt.IsZero() {
		return nil // it was checked when it was made
	}
	var out []Span
	if from, to, ok := r.Occurrence(now); ok {
		out = append(out, Span{from, to})
	}
	if from, ok := r.NextStart(now); ok {
		out = append(out, Span{from, from.Add(w.Duration)})
	}
	return out
}

// all are the windows of the database that have not ended, and those of touchline.yaml.
func (s *Service) all(ctx context.Context, q state.Querier) ([]Window, error) {
	out, err := windows(ctx, q, "WHERE ended_at = 0 ORDER BY id")
	if err != nil {
		return nil, err
	}
	for _, w := range s.o.Files() {
		w.Source = "file"
		out = append(out, w)
	}
	return out, nil
}

const windowColumns = "id, name, matchers, time_zone, start_at, duration, rrule, comment, created_by, ended_at, version"

func windows(ctx context.Context, q state.Querier, where string, args ...any) (out []Window, err error) {
	rows, err := q.QueryContext(ctx, "SELECT "+windowColumns+" FROM maintenance_windows "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read maintenance windows: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		w := Window{Source: "api"}
		var matchers string
		var start, duration, ended int64
		if err := rows.Scan(&w.ID, &w.Name, &matchers, &w.TimeZone, &start, &duration, &w.RRule, &w.Comment, &w.CreatedBy, &ended, &w.Version); err != nil {
			return nil, fmt.Errorf("read maintenance windows: %w", err)
		}
		w.Start, w.Duration, w.EndedAt = state.Time(start), time.Duration(duration)*time.Microsecond, state.Time(ended)
		if err := json.Unmarshal([]byte(matchers), &w.Matchers); err != nil {
			return nil, fmt.Errorf("read maintenance window %d: %w", w.ID, err)
		}
		out = append(out, w)
	}
	return out, rows.Err()
}

// List returns the windows: those that have not ended, or all of them, newest first.
func (s *Service) List(ctx context.Context, ended bool) (out []Window, err error) {
	now := s.o.Now()
	err = s.read(ctx, func(ctx context.Context, q state.Querier) (err error) {
		if out, err = s.all(ctx, q); err != nil || !ended {
			return err
		}
		more, err := windows(ctx, q, "WHERE ended_at > 0 ORDER BY id DESC LIMIT 1000")
		out = append(out, more...)
		return err
	})
	if err != nil {
		return nil, err
	}
	for n := range out {
		out[n].look(now)
	}
	if !ended {
		out = slices.DeleteFunc(out, func(w Window) bool { return !w.Active && w.Next.IsZero() })
	}
	return out, nil
}

// Get returns one window of the database.
func (s *Service) Get(ctx context.Context, id int64) (w Window, err error) {
	err = s.read(ctx, func(ctx context.Context, q state.Querier) error {
		w, err = get(ctx, q, id)
		return err
	})
	w.look(s.o.Now())
	return w, err
}

func get(ctx context.Context, q state.Querier, id int64) (Window, error) {
	ws, err := windows(ctx, q, "WHERE id = $1", id)
	if err != nil {
		return Window{}, err
	}
	if len(ws) == 0 {
		return Window{}, ErrNotFound
	}
	return ws[0], nil
}
