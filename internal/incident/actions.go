package incident

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Bounds of what people write.
const (
	maxComment = 16 << 10
	maxName    = 200
	maxSnooze  = 30 * 24 * time.Hour
)

// act does something to an incident, in the name of somebody. With a version
// other than 0 it is done only to that version.
func (s *Service) act(ctx context.Context, id, version int64, actor, action string, do func(w *writing, o *opened) error) (Incident, error) {
	if strings.TrimSpace(actor) == "" {
		return Incident{}, refuse("nobody's name is given; an incident is changed by somebody")
	}
	if e := s.o.Escalation; e != nil && e.Mine != nil && !e.Mine() {
		return Incident{}, refuse("another replica of the cluster calls people, and does not see what is done at this one, whose database is its own; do it at the first replica, or give all of them one PostgreSQL (--state.url-file)")
	}
	var w *writing
	var o *opened
	err := s.o.DB.Write(ctx, func(tx *state.Tx) (err error) {
		w = &writing{s: s, ctx: ctx, tx: tx, now: s.o.Now(), open: map[int64]*opened{}}
		if o, err = w.incident(id); err != nil {
			return err
		}
		if version != 0 && o.Version != version {
			return ErrConflict
		}
		before := o.Incident
		if err := do(w, o); err != nil {
			return err
		}
		if !o.dirty {
			return nil
		}
		if err := w.flush(); err != nil {
			return err
		}
		return s.o.Audit(ctx, tx, actor, "incident."+action, fmt.Sprintf("incident/%d", id), decisions(&before), decisions(&o.Incident))
	})
	if err != nil {
		return Incident{}, err
	}
	w.committed()
	return o.Incident, nil
}

// decisions are what people decide of an incident, for the audit log.
func decisions(i *Incident) map[string]any {
	return map[string]any{
		"state": i.State, "acknowledged_by": i.AcknowledgedBy, "assignee": i.Assignee, "snoozed_until": i.SnoozedUntil, "verdict": i.Verdict, "merged_into": i.MergedInto,
	}
}

func (o *opened) active() error {
	switch o.State {
	case Merged:
		return refuse("incident %d has been merged into %d; act on that one", o.ID, o.MergedInto)
	case Closed:
		return refuse("incident %d is closed", o.ID)
	case Resolved:
		return refuse("incident %d has resolved", o.ID)
	}
	return nil
}

// Acknowledge takes an incident: escalation stops. Of two who do so at once the
// first has it, and the second is told who that is.
func (s *Service) Acknowledge(ctx context.Context, id int64, actor, via string) (Incident, error) {
	return s.act(ctx, id, 0, actor, "acknowledge", func(w *writing, o *opened) error {
		if err := o.active(); err != nil {
			return err
		}
		if o.State == Acknowledged {
			if o.AcknowledgedBy == actor {
				return nil
			}
			return refuse("%s has acknowledged incident %d already, at %s", o.AcknowledgedBy, id, o.AcknowledgedAt.Format(time.RFC3339))
		}
		o.State, o.AcknowledgedAt, o.AcknowledgedBy = Acknowledged, w.now, actor
		if o.Assignee == "" {
			o.Assignee = actor
		}
		severity, took := severityLabel(o.Severity), w.now.Sub(o.OpenedAt)
		first := o.FirstAckAt.IsZero()
		o.after = append(o.after, func(m *metrics) {
			m.acknowledged.WithLabelValues(severity).Inc()
			if first {
				m.ack.WithLabelValues(severity).Observe(max(0, took.Seconds()))
			}
		})
		if first {
			o.FirstAckAt = w.now
		}
		if err := w.acknowledgeMerged(id); err != nil {
			return err
		}
		data := map[string]any{"after_ms": milliseconds(took)}
		if via != "" {
			data["via"] = via
		}
		return o.event(w, w.now, EventAcknowledged, actor, data)
	})
}

// acknowledgeMerged notes that somebody has taken what was merged into an incident
// before, too.
func (w *writing) acknowledgeMerged(into int64) error {
	_, err := w.tx.ExecContext(w.ctx, `UPDATE incidents SET first_acknowledged_at = $1 WHERE first_acknowledged_at = 0 AND id IN (
		WITH RECURSIVE parts (id) AS (
			SELECT id FROM incidents WHERE merged_into = $2 AND merged_into > 0
			UNION SELECT i.id FROM incidents i JOIN parts p ON i.merged_into = p.id AND i.merged_into > 0
		) SELECT id FROM parts)`, state.Micros(w.now), into)
	if err != nil {
		return fmt.Errorf("acknowledge what was merged into incident %d: %w", into, err)
	}
	return nil
}

// Unacknowledge gives an incident back: escalation begins anew.
func (s *Service) Unacknowledge(ctx context.Context, id int64, actor string) (Incident, error) {
	return s.act(ctx, id, 0, actor, "unacknowledge", func(w *writing, o *opened) error {
		if err := o.active(); err != nil {
			return err
		}
		if o.State != Acknowledged {
			return refuse("nobody has acknowledged incident %d", id)
		}
		o.State, o.AcknowledgedAt, o.AcknowledgedBy = Firing, time.Time{}, ""
		if err := w.escalate(o); err != nil {
			return err
		}
		return o.event(w, w.now, EventReleased, actor, nil)
	})
}

// Comment adds a text to the timeline.
func (s *Service) Comment(ctx context.Context, id int64, actor, text string) (Incident, error) {
	return s.act(ctx, id, 0, actor, "comment", func(w *writing, o *opened) error {
		switch {
		case strings.TrimSpace(text) == "":
			return refuse("the comment is empty")
		case len(text) > maxComment:
			return refuse("the comment has more than %d bytes", maxComment)
		}
		return o.event(w, w.now, EventCommented, actor, map[string]any{"text": text})
	})
}

// Snooze keeps an incident quiet until a time; then escalation goes on. A time
// that has passed ends the snooze.
func (s *Service) Snooze(ctx context.Context, id, version int64, actor string, until time.Time) (Incident, error) {
	return s.act(ctx, id, version, actor, "snooze", func(w *writing, o *opened) error {
		if err := o.active(); err != nil {
			return err
		}
		if until.After(w.now.Add(maxSnooze)) {
			return refuse("an incident can be snoozed for 30 days at most; silence what is longer")
		}
		if !until.After(w.now) {
			if o.SnoozedUntil.IsZero() {
				return refuse("the time until which to snooze has passed")
			}
			o.SnoozedUntil = time.Time{}
			if err := w.hurry(o); err != nil {
				return err
			}
			return o.event(w, w.now, EventSnoozeEnded, actor, nil)
		}
		o.SnoozedUntil = until
		return o.event(w, w.now, EventSnoozed, actor, map[string]any{"until": until.UTC()})
	})
}

// Close ends an incident by hand. One that fires on does not open again until
// all of its alerts have ended once, or another alert joins them.
func (s *Service) Close(ctx context.Context, id, version int64, actor, reason string) (Incident, error) {
	return s.act(ctx, id, version, actor, "close", func(w *writing, o *opened) error {
		if o.State == Merged || o.State == Closed {
			return o.active()
		}
		if len(reason) > maxComment {
			return refuse("the reason has more than %d bytes", maxComment)
		}
		firing := false
		for _, m := range o.members {
			firing = firing || m.EndsAt.IsZero()
		}
		o.State, o.ClosedAt, o.SnoozedUntil = Closed, w.now, time.Time{}
		if !firing {
			if err := dropGroups(ctx, w.tx, id); err != nil {
				return err
			}
		}
		if err := w.settleEscalation(o); err != nil {
			return err
		}
		data := map[string]any{}
		if reason != "" {
			data["reason"] = reason
		}
		return o.event(w, w.now, EventClosed, actor, data)
	})
}

// The verdicts on an incident.
const (
	Real       = "real"
	FalseAlarm = "false_alarm"
)

// Judge says whether an incident was one; "" takes a verdict back.
func (s *Service) Judge(ctx context.Context, id, version int64, actor, verdict string) (Incident, error) {
	return s.act(ctx, id, version, actor, "verdict", func(w *writing, o *opened) error {
		if verdict != "" && verdict != Real && verdict != FalseAlarm {
			return refuse("%q is no verdict; write %s or %s", verdict, Real, FalseAlarm)
		}
		if o.Verdict == verdict {
			return nil
		}
		o.Verdict = verdict
		if verdict != "" {
			o.after = append(o.after, func(m *metrics) { m.verdicts.WithLabelValues(verdict).Inc() })
		}
		return o.event(w, w.now, EventVerdict, actor, map[string]any{"verdict": verdict})
	})
}

// Merge makes an incident part of another one, which gets its alerts and its
// groups; its timeline stays where it is.
func (s *Service) Merge(ctx context.Context, id, into int64, actor string) (Incident, error) {
	if id == into {
		return Incident{}, refuse("an incident cannot be merged into itself")
	}
	return s.act(ctx, into, 0, actor, "merge", func(w *writing, to *opened) error {
		if err := to.active(); err != nil {
			return err
		}
		o, err := w.incident(id)
		if err != nil {
			return err
		}
		if o.State == Merged {
			return o.active()
		}
		for fp, m := range o.members {
			if known := to.members[fp]; known != nil && known.EndsAt.IsZero() {
				continue
			}
			copied := *m
			copied.Labels = maps.Clone(m.Labels)
			if err := w.put(to, &copied); err != nil {
				return err
			}
			if m.EndsAt.IsZero() {
				// The end of it is the other's business from now on.
				if _, err := w.tx.ExecContext(ctx, "UPDATE incident_alerts SET ends_at = $1 WHERE incident_id = $2 AND fingerprint = $3", w.now.UnixMicro(), id, fp); err != nil {
					return fmt.Errorf("merge incident %d: %w", id, err)
				}
			}
		}
		if _, err := w.tx.ExecContext(ctx, "UPDATE incident_groups SET incident_id = $1 WHERE incident_id = $2", into, id); err != nil {
			return fmt.Errorf("merge incident %d: %w", id, err)
		}
		if !o.SampleAt.IsZero() && (to.SampleAt.IsZero() || o.SampleAt.Before(to.SampleAt)) {
			to.SampleAt, to.DueAt, to.DecidedAt = o.SampleAt, o.DueAt, o.DecidedAt
		}
		o.State, o.MergedInto, o.SnoozedUntil = Merged, into, time.Time{}
		if o.FirstAckAt.IsZero() && to.State == Acknowledged {
			o.FirstAckAt = w.now
			if err := w.acknowledgeMerged(id); err != nil {
				return err
			}
		}
		if err := w.settleEscalation(o); err != nil {
			return err
		}
		if err := o.event(w, w.now, EventMerged, actor, map[string]any{"into": into}); err != nil {
			return err
		}
		if err := to.event(w, w.now, EventMerged, actor, map[string]any{"from": id, "title": o.Title}); err != nil {
			return err
		}
		return w.escalateAlso(to)
	})
}
