// Package maintenance keeps the times in which alerts are expected, and notes of
// what was deployed. A window that has begun is a silence, so that Alertmanager,
// its API and its clients know it as such.
package maintenance

import (
	"context"
	"database/sql"
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
	EndedAt   time.Time     `json:"ended_at,omitzero" doc:"When somebody ended it before its time."`
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
	ID      string
	By      string
	Comment string
	Ends    time.Time
}

// Options configure a Service. All fields without a remark are required.
type Options struct {
	DB         *state.DB
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time // optional, time.Now
	Matchers   func([]string) error
	Silence    func(ctx context.Context, s Silence) (id string, err error)
	Expire     func(ctx context.Context, id string) error
	// Endings lists the active silences that end before a time; optional.
	Endings func(ctx context.Context, before time.Time) ([]Ending, error)
	// Announce tells that a silence or a window is about to end; optional.
	Announce func(ctx context.Context, e Ending) error
	Notice   time.Duration // how long before an end it is announced, 0 for never
	Files    func() []Window
	Audit    func(ctx context.Context, tx *sql.Tx, actor, action, target string, before, after any) error // optional
	Mine     func() bool                                                                                  // optional: whether this replica makes the silences
}

// Service makes silences of windows.
type Service struct {
	o   Options
	log *slog.Logger

	failures  prometheus.Counter
	announced map[string]time.Time // ends that were announced, by silence

	wake    chan struct{}
	quit    chan struct{}
	stopped sync.Once
	wg      sync.WaitGroup
}

// look is how often it is looked for windows that begin or end.
const look = 5 * time.Second

// New returns a service that works when it is started.
func New(o Options) (*Service, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Audit == nil {
		o.Audit = func(context.Context, *sql.Tx, string, string, string, any, any) error { return nil }
	}
	if o.Mine == nil {
		o.Mine = func() bool { return true }
	}
	s := &Service{
		o: o, log: o.Logger, wake: make(chan struct{}, 1), quit: make(chan struct{}), announced: map[string]time.Time{},
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
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if err := s.work(ctx); err != nil {
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

// held is an occurrence that has a silence.
type held struct {
	source     string
	begins     int64
	ends       time.Time
	silence    string
	stillThere bool
}

// work makes silences of the windows that are active, and ends those of windows
// that are not any more.
func (s *Service) work(ctx context.Context) error {
	if !s.o.Mine() {
		return nil
	}
	now := s.o.Now()
	var all []Window
	have := map[string]*held{}
	if err := s.o.DB.Read(ctx, func(q state.Querier) (err error) {
		if all, err = s.all(ctx, q); err != nil {
			return err
		}
		have, err = heldSilences(ctx, q, now)
		return err
	}); err != nil {
		return err
	}
	var errs []error
	for n := range all {
		w := &all[n]
		r, err := w.recurrence()
		if err != nil {
			errs = append(errs, fmt.Errorf("window %q: %w", w.Name, err))
			continue
		}
		from, to, active := r.Occurrence(now)
		if !active {
			continue
		}
		id := fmt.Sprintf("%s@%d", w.key(), state.Micros(from))
		if h := have[id]; h != nil && h.ends.Equal(to) {
			h.stillThere = true
			continue
		}
		errs = append(errs, s.begin(ctx, w, from, to))
	}
	for _, h := range have {
		if !h.stillThere {
			errs = append(errs, s.end(ctx, h))
		}
	}
	errs = append(errs, s.announce(ctx, now), s.forget(ctx, now))
	return errors.Join(errs...)
}

func heldSilences(ctx context.Context, q state.Querier, now time.Time) (_ map[string]*held, err error) {
	rows, err := q.QueryContext(ctx, "SELECT source, begins, ends, silence FROM maintenance_silences WHERE silence <> '' AND ends > $1", state.Micros(now))
	if err != nil {
		return nil, fmt.Errorf("read silences of windows: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out := map[string]*held{}
	for rows.Next() {
		var h held
		var ends int64
		if err := rows.Scan(&h.source, &h.begins, &ends, &h.silence); err != nil {
			return nil, fmt.Errorf("read silences of windows: %w", err)
		}
		h.ends = state.Time(ends)
		out[fmt.Sprintf("%s@%d", h.source, h.begins)] = &h
	}
	return out, rows.Err()
}

// begin makes the silence of an occurrence. A process that dies in between makes
// it twice, which silences nothing more.
func (s *Service) begin(ctx context.Context, w *Window, from, to time.Time) error {
	by := w.CreatedBy
	if by == "" {
		by = "touchline.yaml"
	}
	comment := "Maintenance: " + w.Name
	if w.Comment != "" {
		comment += " (" + w.Comment + ")"
	}
	id, err := s.o.Silence(ctx, Silence{Matchers: w.Matchers, From: s.o.Now(), To: to, By: by, Comment: comment})
	if err != nil {
		return fmt.Errorf("silence for window %q: %w", w.Name, err)
	}
	s.log.Info("A maintenance window has begun", "window", w.Name, "ends", to, "silence", id)
	return s.o.DB.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO maintenance_silences (source, begins, ends, silence, noticed) VALUES ($1, $2, $3, $4, 0)
			ON CONFLICT (source, begins) DO UPDATE SET ends = excluded.ends, silence = excluded.silence, noticed = 0`,
			w.key(), state.Micros(from), state.Micros(to), id); err != nil {
			return fmt.Errorf("note silence of window %q: %w", w.Name, err)
		}
		return nil
	})
}

// end expires the silence of a window that was ended, changed or taken away.
func (s *Service) end(ctx context.Context, h *held) error {
	if err := s.o.Expire(ctx, h.silence); err != nil {
		return fmt.Errorf("end silence of window %s: %w", h.source, err)
	}
	return s.o.DB.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE maintenance_silences SET silence = '' WHERE source = $1 AND begins = $2 AND silence = $3", h.source, h.begins, h.silence); err != nil {
			return fmt.Errorf("note the end of window %s: %w", h.source, err)
		}
		return nil
	})
}

// announce tells of silences that end soon, once each. After a restart one may be
// told again, which is the same alert again.
func (s *Service) announce(ctx context.Context, now time.Time) error {
	if s.o.Notice <= 0 || s.o.Announce == nil || s.o.Endings == nil {
		return nil
	}
	soon, err := s.o.Endings(ctx, now.Add(s.o.Notice))
	if err != nil {
		return fmt.Errorf("look for silences that end soon: %w", err)
	}
	for id, ends := range s.announced {
		if ends.Before(now) {
			delete(s.announced, id)
		}
	}
	var errs []error
	for _, e := range soon {
		if s.announced[e.ID].Equal(e.Ends) || !e.Ends.After(now) {
			continue
		}
		if err := s.o.Announce(ctx, e); err != nil {
			errs = append(errs, fmt.Errorf("announce the end of silence %s: %w", e.ID, err))
			continue
		}
		s.announced[e.ID] = e.Ends
	}
	return errors.Join(errs...)
}

// kept is how long what is over is remembered.
const kept = 400 * 24 * time.Hour

func (s *Service) forget(ctx context.Context, now time.Time) error {
	if now.Minute() != 0 { // once an hour is enough
		return nil
	}
	before := state.Micros(now.Add(-kept))
	return s.o.DB.Write(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{
			"DELETE FROM maintenance_silences WHERE ends < $1", "DELETE FROM deployments WHERE at < $1", "DELETE FROM maintenance_windows WHERE ended_at > 0 AND ended_at < $1",
		} {
			if _, err := tx.ExecContext(ctx, statement, before); err != nil {
				return fmt.Errorf("forget old maintenance: %w", err)
			}
		}
		return nil
	})
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
	err = s.o.DB.Read(ctx, func(q state.Querier) (err error) {
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
	err = s.o.DB.Read(ctx, func(q state.Querier) error {
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
