package incident

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Filter selects incidents or notifications. Empty fields select all.
type Filter struct {
	States   []State // Snoozed among them selects those that are snoozed, whatever they are besides
	Severity string
	Assignee string
	Text     string    // words that the title or the labels have, such as "disk instance=db-1"
	From, To time.Time // of the opening
	Receiver string    // of notifications
	Incident int64     // of notifications
	Failed   bool      // of notifications: only those that failed
	Before   int64     // ids below this one, for the next page
	Limit    int       // 50 when 0, at most MaxPage
}

// MaxPage is the most that one page has.
const MaxPage = 1000

func (f *Filter) limit() int {
	if f.Limit <= 0 {
		return 50
	}
	return min(f.Limit, MaxPage)
}

// where collects conditions with their arguments.
type where struct {
	conditions []string
	args       []any
}

// and adds a condition; each ? is an argument.
func (w *where) and(condition string, args ...any) {
	for _, a := range args {
		w.args = append(w.args, a)
		condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(w.args)), 1)
	}
	w.conditions = append(w.conditions, condition)
}

func (w *where) String() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conditions, " AND ")
}

func (f *Filter) incidents(now time.Time) *where {
	w := &where{}
	if f.Before > 0 {
		w.and("id < ?", f.Before)
	}
	if len(f.States) > 0 {
		var anyOf []string
		var args []any
		for _, s := range f.States {
			if s == Snoozed {
				anyOf, args = append(anyOf, "state IN (?, ?) AND snoozed_until > ?"), append(args, Firing, Acknowledged, state.Micros(now))
			} else {
				anyOf, args = append(anyOf, "state = ?"), append(args, s)
			}
		}
		w.and("("+strings.Join(anyOf, " OR ")+")", args...)
	}
	if f.Severity != "" {
		w.and("severity = ?", f.Severity)
	}
	if f.Assignee != "" {
		w.and("assignee = ?", f.Assignee)
	}
	for _, word := range strings.Fields(f.Text) {
		w.and(`search LIKE ? ESCAPE '\'`, state.Like(word))
	}
	if !f.From.IsZero() {
		w.and("opened_at >= ?", state.Micros(f.From))
	}
	if !f.To.IsZero() {
		w.and("opened_at < ?", state.Micros(f.To))
	}
	return w
}

// List returns a page of incidents, newest first. more says that there is another.
func (s *Service) List(ctx context.Context, f Filter) (out []Incident, more bool, err error) {
	err = s.o.DB.Read(ctx, func(q state.Querier) error {
		out, err = list(ctx, q, f, s.o.Now())
		return err
	})
	if n := f.limit(); len(out) > n {
		return out[:n], true, err
	}
	return out, false, err
}

func list(ctx context.Context, q state.Querier, f Filter, now time.Time) (out []Incident, err error) {
	w := f.incidents(now)
	rows, err := q.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM incidents%s ORDER BY id DESC LIMIT %d", columns, w, f.limit()+1), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		i, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("list incidents: %w", err)
		}
		out = append(out, i)
	}
	return out, rows.Err()
}

// Detail is an incident with all that belongs to it.
type Detail struct {
	Incident
	Alerts   []Member `json:"alerts"`
	Timeline []Event  `json:"timeline"`
}

// Get returns one incident.
func (s *Service) Get(ctx context.Context, id int64) (d Detail, err error) {
	err = s.o.DB.Read(ctx, func(q state.Querier) error {
		if d.Incident, err = load(ctx, q, id); err != nil {
			return err
		}
		if d.Alerts, err = members(ctx, q, id); err != nil {
			return err
		}
		d.Timeline, err = events(ctx, q, id)
		return err
	})
	return d, err
}

// OfGroup returns the number of the incident that a group belongs to.
func (s *Service) OfGroup(ctx context.Context, key string) (id int64, err error) {
	err = s.o.DB.Read(ctx, func(q state.Querier) error {
		err := q.QueryRowContext(ctx, "SELECT incident_id FROM incident_groups WHERE group_key = $1", bounded(key)).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		return err
	})
	return id, err
}

// Taken are the fingerprints of the alerts that fire and that somebody has acknowledged.
func (s *Service) Taken(ctx context.Context) (map[string]bool, error) {
	return s.fingerprints(ctx, "acknowledged alerts", "SELECT a.fingerprint FROM incidents i JOIN incident_alerts a ON a.incident_id = i.id WHERE i.state = $1 AND a.ends_at = 0", Acknowledged)
}

// FalseAlarms are the fingerprints of the alerts that fire and of whose incident
// somebody has said that it is a false alarm. Where an alert fires in several, as it
// may after one was closed, the newest one's verdict counts.
func (s *Service) FalseAlarms(ctx context.Context) (map[string]bool, error) {
	return s.fingerprints(ctx, "false alarms", `SELECT a.fingerprint FROM incidents i JOIN incident_alerts a ON a.incident_id = i.id WHERE i.verdict = $1 AND i.state <> $2 AND a.ends_at = 0
		AND NOT EXISTS (SELECT 1 FROM incident_alerts b WHERE b.fingerprint = a.fingerprint AND b.ends_at = 0 AND b.incident_id > a.incident_id)`, FalseAlarm, Merged)
}

// fingerprints are what a query selects.
func (s *Service) fingerprints(ctx context.Context, what, query string, args ...any) (map[string]bool, error) {
	out := map[string]bool{}
	err := s.o.DB.Read(ctx, func(q state.Querier) (err error) {
		rows, err := q.QueryContext(ctx, query, args...)
		if err != nil {
			return fmt.Errorf("list %s: %w", what, err)
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var f string
			if err := rows.Scan(&f); err != nil {
				return fmt.Errorf("list %s: %w", what, err)
			}
			out[f] = true
		}
		return rows.Err()
	})
	return out, err
}

// Notifications returns a page of attempts to tell receivers, newest first.
func (s *Service) Notifications(ctx context.Context, f Filter) (out []Notification, more bool, err error) {
	w := &where{}
	if f.Before > 0 {
		w.and("(at, id) < (SELECT at, id FROM notifications WHERE id = ?)", f.Before)
	}
	if f.Receiver != "" {
		w.and("receiver = ?", f.Receiver)
	}
	if f.Incident > 0 {
		w.and("incident_id = ?", f.Incident)
	}
	if f.Failed {
		w.and("error <> ''")
	}
	if !f.From.IsZero() {
		w.and("at >= ?", state.Micros(f.From))
	}
	if !f.To.IsZero() {
		w.and("at < ?", state.Micros(f.To))
	}
	err = s.o.DB.Read(ctx, func(q state.Querier) (err error) {
		rows, err := q.QueryContext(ctx, fmt.Sprintf(`SELECT id, at, receiver, integration, group_key, group_labels, incident_id, firing, resolved, took, error, way
			FROM notifications%s ORDER BY at DESC, id DESC LIMIT %d`, w, f.limit()+1), w.args...)
		if err != nil {
			return fmt.Errorf("list notifications: %w", err)
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		out = nil
		for rows.Next() {
			var n Notification
			var at, took int64
			if err := rows.Scan(&n.ID, &at, &n.Receiver, &n.Integration, &n.GroupKey, &n.Group, &n.Incident, &n.Firing, &n.Resolved, &took, &n.Error, &n.Way); err != nil {
				return fmt.Errorf("list notifications: %w", err)
			}
			n.At, n.Took = state.Time(at), time.Duration(took)*time.Microsecond
			out = append(out, n)
		}
		return rows.Err()
	})
	if n := f.limit(); len(out) > n {
		return out[:n], true, err
	}
	return out, false, err
}

// forgetAtOnce bounds what one look at the clock deletes.
const forgetAtOnce = 1000

// forget deletes what is older than the retention.
func (s *Service) forget(ctx context.Context, now time.Time) error {
	if s.o.Retention <= 0 {
		return nil
	}
	before := state.Micros(now.Add(-s.o.Retention))
	old := 0
	if err := s.o.DB.Read(ctx, func(q state.Querier) error {
		return q.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM notifications WHERE at < $1 LIMIT 1) a)
			+ (SELECT COUNT(*) FROM (SELECT 1 FROM incidents WHERE opened_at < $1 AND updated_at < $1 AND state IN ('resolved', 'closed', 'merged') LIMIT 1) b)`, before).Scan(&old)
	}); err != nil {
		return fmt.Errorf("look for what is too old: %w", err)
	}
	if old == 0 {
		return nil
	}
	return s.o.DB.Write(ctx, func(tx *state.Tx) error {
		over := fmt.Sprintf(`(SELECT id FROM incidents WHERE opened_at < $1 AND updated_at < $1 AND state IN ('resolved', 'closed', 'merged') ORDER BY id LIMIT %d)`, forgetAtOnce)
		for _, statement := range []string{
			fmt.Sprintf("DELETE FROM notifications WHERE id IN (SELECT id FROM notifications WHERE at < $1 ORDER BY at LIMIT %d)", forgetAtOnce),
			"DELETE FROM incident_events WHERE incident_id IN " + over,
			"DELETE FROM incident_alerts WHERE incident_id IN " + over,
			"DELETE FROM incident_groups WHERE incident_id IN " + over,
			"DELETE FROM hints WHERE incident_id IN " + over,
			"DELETE FROM escalations WHERE incident_id IN " + over,
			"DELETE FROM incidents WHERE id IN " + over,
		} {
			if _, err := tx.ExecContext(ctx, statement, before); err != nil {
				return fmt.Errorf("forget what is too old: %w", err)
			}
		}
		return nil
	})
}
