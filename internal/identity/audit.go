package identity

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Entry is one change for the audit log. Before and After are marshalled to
// JSON, nil where there was or is nothing; they must not hold a secret.
type Entry struct {
	At     time.Time
	Actor  Actor
	Action string // such as "user.update"
	Target string // such as "user/anna"
	Before any
	After  any
}

// Audit writes an entry in the transaction of the change that it tells of, so
// that there is never one without the other.
func Audit(ctx context.Context, tx *state.Tx, e Entry) error {
	if _, err := insertAudit(ctx, tx, e); err != nil {
		return fmt.Errorf("audit %s: %w", e.Action, err)
	}
	return nil
}

func insertAudit(ctx context.Context, tx *state.Tx, e Entry) (id string, err error) {
	before, err := jsonOf(e.Before)
	if err != nil {
		return "", err
	}
	after, err := jsonOf(e.After)
	if err != nil {
		return "", err
	}
	id = auditID(e.At)
	var n int // of the same microsecond, such as those of this transaction
	if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM audit WHERE id >= $1 AND id < $2", id, id+"g").Scan(&n); err != nil {
		return "", err
	}
	id += fmt.Sprintf("%04x", n) + randomHex()
	_, err = tx.ExecContext(ctx, `INSERT INTO audit (id, at, actor, method, remote, action, target, old_value, new_value)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		id, state.Micros(e.At), e.Actor.Name, e.Actor.Method, e.Actor.Remote, e.Action, e.Target, before, after)
	return id, err
}

func jsonOf(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	raw, err := json.Marshal(v)
	return string(raw), err
}

// auditID is how the ids of a time begin. Digits and a to f are in the same
// order in every collation.
func auditID(t time.Time) string { return fmt.Sprintf("%016x", state.Micros(t)) }

func randomHex() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%08x", binary.BigEndian.Uint32(b[:]))
}

// AuditRow is an entry as it is read.
type AuditRow struct {
	ID     string          `json:"id"`
	At     time.Time       `json:"at"`
	Actor  string          `json:"actor"`
	Method string          `json:"method"`
	Remote string          `json:"remote"`
	Action string          `json:"action"`
	Target string          `json:"target"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// AuditQuery selects entries. Zero fields select all.
type AuditQuery struct {
	Actor  string
	Action string // or a prefix that ends with a dot, such as "user."
	Target string // or a prefix that ends with a slash, such as "user/"
	Since  time.Time
	Until  time.Time // exclusive
	Before string    // only what is older than the entry of this id
	Limit  int
}

// Entries lists entries of the audit log, the newest first.
func (s *Store) Entries(ctx context.Context, a AuditQuery) ([]AuditRow, error) {
	for field, value := range map[string]string{"actor": a.Actor, "action": a.Action, "target": a.Target, "cursor": a.Before} {
		if !storable(value) {
			return nil, invalid(field, "%q cannot be looked for", value)
		}
	}
	var where []string
	var args []any
	add := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	equalOrBelow := func(column, value, separator string) {
		if strings.HasSuffix(value, separator) {
			add(fmt.Sprintf("substr(%s, 1, %d) = $%%d", column, len(value)), value)
		} else if value != "" {
			add(column+" = $%d", value)
		}
	}
	if a.Actor != "" {
		add("actor = $%d", a.Actor)
	}
	equalOrBelow("action", a.Action, ".")
	equalOrBelow("target", a.Target, "/")
	if !a.Since.IsZero() {
		add("id >= $%d", auditID(a.Since))
	}
	if !a.Until.IsZero() {
		add("id < $%d", auditID(a.Until))
	}
	if a.Before != "" {
		add("id < $%d", a.Before)
	}
	query := "SELECT id, at, actor, method, remote, action, target, old_value, new_value FROM audit"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	args = append(args, a.Limit)
	query += fmt.Sprintf(" ORDER BY id DESC LIMIT $%d", len(args))
	var out []AuditRow
	err := s.db.Read(ctx, func(q state.Querier) error {
		out = nil
		return state.Each(ctx, q, func(row *sql.Rows) error {
			var r AuditRow
			var at int64
			var before, after string
			if err := row.Scan(&r.ID, &at, &r.Actor, &r.Method, &r.Remote, &r.Action, &r.Target, &before, &after); err != nil {
				return err
			}
			r.At = state.Time(at)
			if before != "" {
				r.Before = json.RawMessage(before)
			}
			if after != "" {
				r.After = json.RawMessage(after)
			}
			out = append(out, r)
			return nil
		}, query, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	return out, nil
}

// Record writes an entry about a change that was made outside the database.
func (s *Store) Record(ctx context.Context, e Entry) error {
	e.At = s.now()
	if err := s.db.Write(ctx, func(tx *state.Tx) error { return Audit(ctx, tx, e) }); err != nil {
		return fmt.Errorf("record change: %w", err)
	}
	return nil
}
