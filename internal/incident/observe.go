package incident

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"touchline.dev/touchline/internal/state"
)

// writing is one transaction that takes in what has happened.
type writing struct {
	s    *Service
	ctx  context.Context
	tx   *state.Tx
	now  time.Time
	open map[int64]*opened
}

// opened is an incident that a transaction looks at.
type opened struct {
	Incident
	before  State
	members map[string]*member
	dirty   bool
	fresh   bool             // its escalation has not begun
	joined  bool             // an alert has joined it, for which it may escalate otherwise
	after   []func(*metrics) // once it is committed
}

func (w *writing) batch(b batch) error {
	for _, g := range b.groups {
		if err := w.group(g); err != nil {
			return err
		}
	}
	for fp, at := range b.ended {
		if err := w.ended(fp, at); err != nil {
			return err
		}
	}
	for _, n := range b.told {
		if err := w.told(n); err != nil {
			return err
		}
	}
	return w.flush()
}

// flush writes the incidents that have changed.
func (w *writing) flush() error {
	for _, o := range w.open {
		if o.dirty {
			if err := save(w.ctx, w.tx, &o.Incident, w.now); err != nil {
				return err
			}
		}
	}
	return nil
}

// committed tells of what has changed.
func (w *writing) committed() {
	var out []Change
	for _, o := range w.open {
		for _, f := range o.after {
			f(w.s.metrics)
		}
		if o.dirty {
			out = append(out, Change{Before: o.before, After: o.Incident})
		}
	}
	if len(out) > 0 {
		slices.SortFunc(out, func(a, b Change) int { return int(a.After.ID - b.After.ID) })
		w.s.o.Changed(out)
	}
}

// incident returns an incident with its alerts.
func (w *writing) incident(id int64) (*opened, error) {
	if o := w.open[id]; o != nil {
		return o, nil
	}
	i, err := load(w.ctx, w.tx, id)
	if err != nil {
		return nil, err
	}
	ms, err := members(w.ctx, w.tx, id)
	if err != nil {
		return nil, err
	}
	o := &opened{Incident: i, before: i.State, members: byFingerprint(ms)}
	w.open[id] = o
	return o, nil
}

func byFingerprint(ms []member) map[string]*member {
	out := map[string]*member{}
	for n := range ms {
		out[ms[n].Fingerprint] = &ms[n]
	}
	return out
}

func (o *opened) event(w *writing, at time.Time, kind, actor string, data map[string]any) error {
	o.dirty = true
	return o.add(w.ctx, w.tx, at, kind, actor, data)
}

// group takes the state of a group in.
func (w *writing) group(g Group) error {
	o, err := w.of(g)
	if err != nil || o == nil {
		return err
	}
	if o.State == Closed && slices.ContainsFunc(g.Alerts, func(a Alert) bool {
		m := o.members[a.Fingerprint]
		return a.EndsAt.IsZero() && (m == nil || !m.EndsAt.IsZero() || w.anew(o, m, a)) && w.s.o.Opens(a.Labels)
	}) {
		// Who closed it has not seen this alert.
		if err := dropGroups(w.ctx, w.tx, o.ID); err != nil {
			return err
		}
		if o, err = w.of(g); err != nil || o == nil {
			return err
		}
	}
	for _, a := range g.Alerts {
		if err := w.alert(o, g, a); err != nil {
			return err
		}
	}
	if err := w.settle(o); err != nil {
		return err
	}
	switch {
	case o.fresh:
		o.fresh, o.joined = false, false
		return w.escalate(o)
	case o.joined:
		o.joined = false
		return w.escalateAlso(o)
	}
	return nil
}

// anew tells whether an alert that fired when its incident was closed has ended
// unheard and fires again: it has begun since. After a start of this process that
// says nothing, since senders that give no start repeat their alerts with a new one.
func (w *writing) anew(o *opened, m *member, a Alert) bool {
	return a.StartsAt.After(o.ClosedAt) && a.StartsAt.After(m.StartsAt) && w.now.Sub(w.s.missing.begun) >= lostAfter
}

// of finds the incident that a group belongs to, or opens one. It is nil where
// the group is nobody's incident.
func (w *writing) of(g Group) (*opened, error) {
	var id int64
	err := w.tx.QueryRowContext(w.ctx, "SELECT incident_id FROM incident_groups WHERE group_key = $1", g.Key).Scan(&id)
	switch {
	case err == nil:
		return w.incident(id)
	case !errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("look for the group's incident: %w", err)
	}
	first := slices.IndexFunc(g.Alerts, func(a Alert) bool { return a.EndsAt.IsZero() && w.s.o.Opens(a.Labels) })
	if first < 0 {
		return nil, nil
	}
	// A second receiver's group of the same alerts is not a second incident.
	var o *opened
	for _, a := range g.Alerts {
		if !a.EndsAt.IsZero() {
			continue
		}
		// CROSS has SQLite begin with the few of the fingerprint, not with all incidents that are open.
		err := w.tx.QueryRowContext(w.ctx, `SELECT a.incident_id FROM incident_alerts a CROSS JOIN incidents i
			WHERE i.id = a.incident_id AND a.fingerprint = $1 AND a.ends_at = 0 AND i.state IN ('firing', 'acknowledged') ORDER BY a.incident_id DESC LIMIT 1`, a.Fingerprint).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look for an alert's incident: %w", err)
		}
		if o, err = w.incident(id); err != nil {
			return nil, err
		}
		break
	}
	if o == nil {
		if o, err = w.openFor(g, g.Alerts[first]); err != nil {
			return nil, err
		}
	} else if err := o.event(w, w.now, EventJoined, "", map[string]any{"receiver": g.Receiver, "group": g.Labels}); err != nil {
		return nil, err
	}
	return o, putGroup(w.ctx, w.tx, o.ID, g)
}

func (w *writing) openFor(g Group, first Alert) (*opened, error) {
	i := Incident{
		Title: titleOf(first), Severity: cut(first.Labels["severity"], maxTitle), Labels: first.Labels, State: Firing, OpenedAt: w.now, UpdatedAt: w.now, Version: 1,
		SampleAt: first.Timing.firstBad(), DueAt: first.Timing.Sample, DecidedAt: first.Timing.Decided,
	}
	if err := insert(w.ctx, w.tx, &i); err != nil {
		return nil, err
	}
	o := &opened{Incident: i, members: map[string]*member{}, fresh: true}
	w.open[i.ID] = o
	data := map[string]any{"receiver": g.Receiver, "group": g.Labels}
	if !i.SampleAt.IsZero() {
		if err := o.event(w, i.SampleAt, EventSample, "", map[string]any{"rule": first.Timing.Rule, "class": first.Timing.Class}); err != nil {
			return nil, err
		}
	}
	if held := i.held(); held > 0 {
		if err := o.event(w, i.DueAt, EventDue, "", map[string]any{"for_ms": milliseconds(held)}); err != nil {
			return nil, err
		}
	}
	if !i.DecidedAt.IsZero() {
		detected := map[string]any{}
		if due := i.due(); !due.IsZero() {
			detected["after_ms"] = milliseconds(i.DecidedAt.Sub(due))
		}
		if err := o.event(w, i.DecidedAt, EventDetected, "", detected); err != nil {
			return nil, err
		}
	}
	o.after = append(o.after, func(m *metrics) { m.opened.WithLabelValues(severityLabel(i.Severity)).Inc() })
	return o, o.event(w, w.now, EventOpened, "", data)
}

// firstBad is the timestamp of the first bad sample. Where the rule waits (for) that
// is long before the instant at which it fires.
func (t *Timing) firstBad() time.Time {
	if t.Active.IsZero() || t.Sample.IsZero() || t.Active.After(t.Sample) {
		return t.Sample
	}
	return t.Active
}

func putGroup(ctx context.Context, tx *state.Tx, id int64, g Group) error {
	labels, _, err := (&Incident{Labels: g.Labels}).texts()
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO incident_groups (group_key, group_hash, incident_id, receiver, labels) VALUES ($1, $2, $3, $4, $5)", g.Key, GroupHash(g.Key), id, g.Receiver, labels); err != nil {
		return fmt.Errorf("write group of incident %d: %w", id, err)
	}
	return nil
}

// titleOf is what an incident is called: what its first alert says of itself.
func titleOf(a Alert) string {
	name := a.Labels["alertname"]
	for _, key := range []string{"summary", "title", "message"} {
		if text := a.Annotations[key]; text != "" && text != name {
			return cut(name+": "+text, maxTitle)
		}
	}
	if at := a.Labels["instance"]; at != "" {
		return cut(name+" on "+at, maxTitle)
	}
	return cut(name, maxTitle)
}

// maxTitle bounds a title, in bytes.
const maxTitle = 300

// cut shortens a text at a rune's border.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	n := limit - len("…")
	for n > 0 && text[n]&0xc0 == 0x80 {
		n--
	}
	return text[:n] + "…"
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// alert takes the state of one alert of a group in.
func (w *writing) alert(o *opened, g Group, a Alert) error {
	m := o.members[a.Fingerprint]
	firing := a.EndsAt.IsZero()
	switch {
	case m == nil && !firing:
		return nil // it had ended before the incident began
	case m == nil:
		m = &member{
			Fingerprint: a.Fingerprint, Name: cut(a.Labels["alertname"], maxTitle), Severity: cut(a.Labels["severity"], maxTitle), Labels: a.Labels, StartsAt: a.StartsAt, Fired: 1,
		}
		o.joined = true
	case firing && m.EndsAt.IsZero() && a.StartsAt.After(m.StartsAt):
		// It has ended unheard, and fired again: an end of before is not the end of this.
		m.StartsAt = a.StartsAt
		return w.put(o, m)
	case firing && m.EndsAt.IsZero(), !firing && !m.EndsAt.IsZero():
		return nil // known
	case firing && !a.StartsAt.After(m.EndsAt) && a.StartsAt.Equal(m.StartsAt) && g.At.Before(m.EndsAt):
		return nil // it has ended since the group was looked at
	case firing:
		m.Fired++
		m.StartsAt = a.StartsAt
	}
	m.EndsAt, m.Annotations, m.Generator = a.EndsAt, a.Annotations, a.Generator
	if err := w.put(o, m); err != nil {
		return err
	}
	kind, at := EventAlertFired, a.StartsAt
	if !firing {
		kind, at = EventAlertEnded, a.EndsAt
	}
	if o.State == Closed || o.State == Merged {
		return nil
	}
	return o.event(w, at, kind, "", map[string]any{"alert": m.Name, "fingerprint": m.Fingerprint, "labels": m.Labels})
}

func (w *writing) put(o *opened, m *member) error {
	o.members[m.Fingerprint] = m
	o.dirty = true
	if worse(m.Severity, o.Severity) {
		o.Severity = m.Severity
	}
	o.Labels = o.common()
	return putMember(w.ctx, w.tx, o.ID, m)
}

// common are the labels that all alerts of an incident have.
func (o *opened) common() map[string]string {
	var out map[string]string
	for _, m := range o.members {
		if out == nil {
			out = map[string]string{}
			for k, v := range m.Labels {
				out[k] = v
			}
			continue
		}
		for k, v := range out {
			if m.Labels[k] != v {
				delete(out, k)
			}
		}
	}
	return out
}

// ended takes the end of an alert in.
func (w *writing) ended(fp string, at time.Time) error {
	rows, err := w.tx.QueryContext(w.ctx, "SELECT incident_id FROM incident_alerts WHERE fingerprint = $1 AND ends_at = 0", fp)
	if err != nil {
		return fmt.Errorf("look for an alert's incident: %w", err)
	}
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return errors.Join(fmt.Errorf("look for an alert's incident: %w", err), rows.Close())
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("look for an alert's incident: %w", err)
	}
	for _, id := range ids {
		o, err := w.incident(id)
		if err != nil {
			return err
		}
		m := o.members[fp]
		if !m.EndsAt.IsZero() || at.Before(m.StartsAt) {
			continue // a group of this transaction knew, or it has fired again
		}
		m.EndsAt = at
		if err := w.put(o, m); err != nil {
			return err
		}
		if err := o.event(w, at, EventAlertEnded, "", map[string]any{"alert": m.Name, "fingerprint": m.Fingerprint, "labels": m.Labels}); err != nil {
			return err
		}
		if err := w.settle(o); err != nil {
			return err
		}
	}
	return nil
}

// settle draws the conclusion from the state of an incident's alerts.
func (w *writing) settle(o *opened) error {
	firing, last := 0, time.Time{}
	for _, m := range o.members {
		if m.EndsAt.IsZero() {
			firing++
		} else if m.EndsAt.After(last) {
			last = m.EndsAt
		}
	}
	switch {
	case firing == 0 && (o.State == Firing || o.State == Acknowledged):
		return w.resolve(o, last)
	case firing == 0 && o.State == Closed:
		// It was closed while it fired: the next firing is another incident.
		return dropGroups(w.ctx, w.tx, o.ID)
	case firing > 0 && o.State == Resolved:
		o.Flaps++
		o.State, o.ResolvedAt = Firing, time.Time{}
		o.fresh = true // also where somebody has it: steps may be for as long as it is not resolved
		if o.AcknowledgedBy != "" {
			o.State = Acknowledged
		}
		o.after = append(o.after, func(m *metrics) { m.flapped.Inc() })
		return o.event(w, w.now, EventFlapped, "", map[string]any{"times": o.Flaps})
	}
	return nil
}

func (w *writing) resolve(o *opened, at time.Time) error {
	o.State, o.ResolvedAt, o.SnoozedUntil = Resolved, at, time.Time{}
	severity, took := severityLabel(o.Severity), at.Sub(o.OpenedAt)
	if !o.SampleAt.IsZero() {
		took = at.Sub(o.SampleAt)
	}
	o.after = append(o.after, func(m *metrics) {
		m.resolved.WithLabelValues(severity).Inc()
		m.repair.WithLabelValues(severity).Observe(max(0, took.Seconds()))
	})
	if err := w.settleEscalation(o); err != nil {
		return err
	}
	return o.event(w, at, EventResolved, "", map[string]any{"after_ms": milliseconds(took)})
}

func dropGroups(ctx context.Context, tx *state.Tx, id int64) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM incident_groups WHERE incident_id = $1", id); err != nil {
		return fmt.Errorf("let go of the groups of incident %d: %w", id, err)
	}
	return nil
}

// told takes an attempt to tell a receiver in.
func (w *writing) told(n Notification) error {
	if n.Incident = calledFor(n.GroupKey); n.Incident == 0 {
		err := w.tx.QueryRowContext(w.ctx, "SELECT incident_id FROM incident_groups WHERE group_key = $1", n.GroupKey).Scan(&n.Incident)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("look for a notification's incident: %w", err)
		}
	}
	id, err := state.Next(w.ctx, w.tx, "notifications")
	if err != nil {
		return err
	}
	if _, err := w.tx.ExecContext(w.ctx, `INSERT INTO notifications (id, at, receiver, integration, group_key, group_labels, incident_id, firing, resolved, took, error, way)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		id, state.Micros(n.At), n.Receiver, n.Integration, n.GroupKey, n.Group, n.Incident, n.Firing, n.Resolved, n.Took.Microseconds(), cut(n.Error, maxError), n.Way); err != nil {
		return fmt.Errorf("write notification: %w", err)
	}
	if n.Incident == 0 {
		return nil
	}
	o, err := w.incident(n.Incident)
	if errors.Is(err, ErrNotFound) {
		return nil // forgotten meanwhile
	}
	if err != nil {
		return err
	}
	data := map[string]any{"receiver": n.Receiver, "integration": n.Integration, "firing": n.Firing, "resolved": n.Resolved, "took_ms": milliseconds(n.Took)}
	answered := n.At.Add(n.Took)
	if n.Error != "" {
		if o.events >= maxFailed {
			return nil // the history of notifications has it; the timeline is for what comes after, too
		}
		data["error"] = cut(n.Error, maxError)
	} else if o.NotifiedAt.IsZero() && n.Firing > 0 {
		o.NotifiedAt = answered
		if !o.SampleAt.IsZero() {
			d := answered.Sub(o.SampleAt)
			data["since_first_bad_sample_ms"] = milliseconds(d)
			if o.held() > 0 {
				data["since_due_ms"] = milliseconds(answered.Sub(o.due()))
			}
			severity := severityLabel(o.Severity)
			o.after = append(o.after, func(m *metrics) { m.detect.WithLabelValues(severity).Observe(max(0, d.Seconds())) })
		}
	}
	return o.event(w, answered, EventNotified, "", data)
}

// maxError bounds what a receiver's error may be, in bytes.
const maxError = 1000

// severities from the least to the worst, as people write them.
var severities = []string{"none", "info", "notice", "low", "warning", "warn", "medium", "error", "major", "high", "critical", "page", "emergency"}

func worse(a, b string) bool { return slices.Index(severities, a) > slices.Index(severities, b) }

// severityLabel keeps the values of a metric's label few.
func severityLabel(s string) string {
	if slices.Contains(severities, s) {
		return s
	}
	if s == "" {
		return "none"
	}
	return "other"
}
