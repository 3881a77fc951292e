package incident

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"touchline.dev/touchline/internal/state"
)

const columns = `id, title, severity, labels, state, sample_at, decided_at, opened_at, notified_at, acknowledged_at, acknowledged_by,
	assignee, snoozed_until, resolved_at, closed_at, verdict, merged_into, flaps, events, version, updated_at, first_acknowledged_at, due_at`

// scanner is a row.
type scanner interface{ Scan(into ...any) error }

func scan(row scanner) (i Incident, err error) {
	var labels string
	var sample, due, decided, opened, notified, acked, firstAcked, snoozed, resolved, closed, updated int64
	err = row.Scan(&i.ID, &i.Title, &i.Severity, &labels, &i.State, &sample, &decided, &opened, &notified, &acked, &i.AcknowledgedBy,
		&i.Assignee, &snoozed, &resolved, &closed, &i.Verdict, &i.MergedInto, &i.Flaps, &i.events, &i.Version, &updated, &firstAcked, &due)
	if err != nil {
		return i, err
	}
	i.SampleAt, i.DecidedAt, i.OpenedAt, i.NotifiedAt, i.AcknowledgedAt = state.Time(sample), state.Time(decided), state.Time(opened), state.Time(notified), state.Time(acked)
	i.FirstAckAt, i.DueAt = state.Time(firstAcked), state.Time(due)
	i.SnoozedUntil, i.ResolvedAt, i.ClosedAt, i.UpdatedAt = state.Time(snoozed), state.Time(resolved), state.Time(closed), state.Time(updated)
	if err := json.Unmarshal([]byte(labels), &i.Labels); err != nil {
		return i, fmt.Errorf("read labels of incident %d: %w", i.ID, err)
	}
	return i, nil
}

func load(ctx context.Context, q state.Querier, id int64) (Incident, error) {
	i, err := scan(q.QueryRowContext(ctx, "SELECT "+columns+" FROM incidents WHERE id = $1", id))
	if errors.Is(err, sql.ErrNoRows) {
		return i, ErrNotFound
	}
	if err != nil {
		return i, fmt.Errorf("read incident %d: %w", id, err)
	}
	return i, nil
}

// insert writes a new incident, and gives it its number.
func insert(ctx context.Context, tx *state.Tx, i *Incident) (err error) {
	if i.ID, err = state.Next(ctx, tx, "incidents"); err != nil {
		return err
	}
	labels, search, err := i.texts()
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO incidents (id, title, severity, labels, search, state, sample_at, decided_at, opened_at, notified_at,
		acknowledged_at, acknowledged_by, assignee, snoozed_until, resolved_at, closed_at, verdict, merged_into, flaps, events, version, updated_at, first_acknowledged_at, due_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)`,
		i.ID, i.Title, i.Severity, labels, search, string(i.State), state.Micros(i.SampleAt), state.Micros(i.DecidedAt), state.Micros(i.OpenedAt), state.Micros(i.NotifiedAt),
		state.Micros(i.AcknowledgedAt), i.AcknowledgedBy, i.Assignee, state.Micros(i.SnoozedUntil), state.Micros(i.ResolvedAt), state.Micros(i.ClosedAt),
		i.Verdict, i.MergedInto, i.Flaps, i.events, i.Version, state.Micros(i.UpdatedAt), state.Micros(i.FirstAckAt), state.Micros(i.DueAt))
	if err != nil {
		return fmt.Errorf("write incident: %w", err)
	}
	return nil
}

// save writes what has changed of an incident, and its new version.
func save(ctx context.Context, tx *state.Tx, i *Incident, now time.Time) error {
	labels, search, err := i.texts()
	if err != nil {
		return err
	}
	i.Version++
	i.UpdatedAt = now
	_, err = tx.ExecContext(ctx, `UPDATE incidents SET title = $1, severity = $2, labels = $3, search = $4, state = $5, sample_at = $6, decided_at = $7,
		notified_at = $8, acknowledged_at = $9, acknowledged_by = $10, assignee = $11, snoozed_until = $12, resolved_at = $13, closed_at = $14,
		verdict = $15, merged_into = $16, flaps = $17, events = $18, version = $19, updated_at = $20, first_acknowledged_at = $21, due_at = $22 WHERE id = $23`,
		i.Title, i.Severity, labels, search, string(i.State), state.Micros(i.SampleAt), state.Micros(i.DecidedAt),
		state.Micros(i.NotifiedAt), state.Micros(i.AcknowledgedAt), i.AcknowledgedBy, i.Assignee, state.Micros(i.SnoozedUntil), state.Micros(i.ResolvedAt), state.Micros(i.ClosedAt),
		i.Verdict, i.MergedInto, i.Flaps, i.events, i.Version, state.Micros(i.UpdatedAt), state.Micros(i.FirstAckAt), state.Micros(i.DueAt), i.ID)
	if err != nil {
		return fmt.Errorf("write incident %d: %w", i.ID, err)
	}
	return nil
}

// texts are the labels as they are stored, and what is searched.
func (i *Incident) texts() (labels, search string, err error) {
	if i.Labels == nil {
		i.Labels = map[string]string{}
	}
	raw, err := json.Marshal(i.Labels)
	if err != nil {
		return "", "", fmt.Errorf("write labels: %w", err)
	}
	var b strings.Builder
	b.WriteString(i.Title)
	for _, k := range slices.Sorted(maps.Keys(i.Labels)) {
		fmt.Fprintf(&b, " %s=%s", k, i.Labels[k])
	}
	return string(raw), strings.ToLower(b.String()), nil
}

// member is an alert as an incident knows it.
type member struct {
	Fingerprint string            `json:"fingerprint"`
	Name        string            `json:"name"`
	Severity    string            `json:"severity,omitempty"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Generator   string            `json:"generator_url,omitempty"`
	StartsAt    time.Time         `json:"starts_at"`
	EndsAt      time.Time         `json:"ends_at,omitzero" doc:"Not there while it fires."`
	Fired       int               `json:"fired" doc:"How often it has fired in this incident."`
}

// Member is an alert of an incident.
type Member = member

func members(ctx context.Context, q state.Querier, id int64) (out []member, err error) {
	rows, err := q.QueryContext(ctx, `SELECT fingerprint, name, severity, labels, annotations, generator, starts_at, ends_at, fired
		FROM incident_alerts WHERE incident_id = $1 ORDER BY starts_at, fingerprint`, id)
	if err != nil {
		return nil, fmt.Errorf("read alerts of incident %d: %w", id, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var m member
		var labels, annotations string
		var starts, ends int64
		if err := rows.Scan(&m.Fingerprint, &m.Name, &m.Severity, &labels, &annotations, &m.Generator, &starts, &ends, &m.Fired); err != nil {
			return nil, fmt.Errorf("read alerts of incident %d: %w", id, err)
		}
		m.StartsAt, m.EndsAt = state.Time(starts), state.Time(ends)
		if err := errors.Join(json.Unmarshal([]byte(labels), &m.Labels), json.Unmarshal([]byte(annotations), &m.Annotations)); err != nil {
			return nil, fmt.Errorf("read alerts of incident %d: %w", id, err)
		}
		out = append(out, m)
	}
	return out, rows.Err()
}

func putMember(ctx context.Context, tx *state.Tx, id int64, m *member) error {
	labels, err := json.Marshal(m.Labels)
	if err != nil {
		return fmt.Errorf("write labels: %w", err)
	}
	annotations, err := json.Marshal(m.Annotations)
	if err != nil {
		return fmt.Errorf("write annotations: %w", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO incident_alerts (incident_id, fingerprint, name, severity, labels, annotations, generator, starts_at, ends_at, fired)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (incident_id, fingerprint) DO UPDATE SET
		annotations = excluded.annotations, generator = excluded.generator, starts_at = excluded.starts_at, ends_at = excluded.ends_at, fired = excluded.fired`,
		id, m.Fingerprint, m.Name, m.Severity, string(labels), string(annotations), m.Generator, state.Micros(m.StartsAt), state.Micros(m.EndsAt), m.Fired)
	if err != nil {
		return fmt.Errorf("write alert of incident %d: %w", id, err)
	}
	return nil
}

// Event is an entry of a timeline.
type Event struct {
	Seq   int            `json:"seq"`
	At    time.Time      `json:"at"`
	Kind  string         `json:"kind"`
	Actor string         `json:"actor,omitempty" doc:"Who did it; not there for what happened by itself."`
	Data  map[string]any `json:"data,omitempty"`
}

// The kinds of events.
const (
	EventSample         = "first_bad_sample"
	EventDue            = "due" // the rule's for has passed
	EventDetected       = "detected"
	EventOpened         = "opened"
	EventAlertFired     = "alert_fired"
	EventAlertEnded     = "alert_resolved"
	EventJoined         = "group_joined"
	EventNotified       = "notified"
	EventAcknowledged   = "acknowledged"
	EventReleased       = "unacknowledged"
	EventAssigned       = "assigned"
	EventAssigneeCalled = "assignee_called"
	EventCommented      = "commented"
	EventSnoozed        = "snoozed"
	EventSnoozeEnded    = "snooze_ended"
	EventEscalated      = "escalated"
	EventMerged         = "merged"
	EventFlapped        = "fired_again"
	EventResolved       = "resolved"
	EventClosed         = "closed"
	EventVerdict        = "verdict"
	EventFull           = "timeline_full"
)

// maxEvents bounds a timeline. What people do is noted beyond it, what happens by
// itself is not.
const maxEvents = 2000

// maxFailed is from how many events on failed attempts to tell somebody are not noted.
const maxFailed = maxEvents / 2

// add appends to the timeline; save has to follow, since the incident counts its events.
func (i *Incident) add(ctx context.Context, tx *state.Tx, at time.Time, kind, actor string, data map[string]any) error {
	switch {
	case i.events == maxEvents && actor == "":
		kind, data = EventFull, map[string]any{"limit": maxEvents}
	case i.events > maxEvents && actor == "":
		return nil
	}
	raw := "{}"
	if len(data) > 0 {
		b, err := json.Marshal(data)
		if err != nil {
			return fmt.Errorf("write event %s: %w", kind, err)
		}
		raw = string(b)
	}
	i.events++
	if _, err := tx.ExecContext(ctx, "INSERT INTO incident_events (incident_id, seq, at, kind, actor, data) VALUES ($1, $2, $3, $4, $5, $6)",
		i.ID, i.events, state.Micros(at), kind, actor, raw); err != nil {
		return fmt.Errorf("write event %s of incident %d: %w", kind, i.ID, err)
	}
	return nil
}

func events(ctx context.Context, q state.Querier, id int64) (out []Event, err error) {
	rows, err := q.QueryContext(ctx, "SELECT seq, at, kind, actor, data FROM incident_events WHERE incident_id = $1 ORDER BY at, seq", id)
	if err != nil {
		return nil, fmt.Errorf("read timeline of incident %d: %w", id, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e Event
		var at int64
		var data string
		if err := rows.Scan(&e.Seq, &at, &e.Kind, &e.Actor, &data); err != nil {
			return nil, fmt.Errorf("read timeline of incident %d: %w", id, err)
		}
		e.At = state.Time(at)
		if err := json.Unmarshal([]byte(data), &e.Data); err != nil {
			return nil, fmt.Errorf("read timeline of incident %d: %w", id, err)
		}
		out = append(out, e)
	}
	return out, rows.Err()
}
