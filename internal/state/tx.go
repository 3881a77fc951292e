package state

import (
	"context"
	"database/sql"
	"strings"
	"unicode/utf8"
)

// Querier reads. *Tx is one.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Each calls f for every row of a query.
func Each(ctx context.Context, q Querier, f func(*sql.Rows) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Tx is a transaction. All of its statements are under its own context, which ends
// in time also where a server has gone without a word.
//
// PostgreSQL refuses texts that are not UTF-8 and the character NUL, and with them
// the whole transaction; both databases get a replacement character instead.
type Tx struct {
	ctx      context.Context //nolint:containedctx // that of the transaction, whose life this value has
	tx       *sql.Tx
	prepared map[string]*sql.Stmt // for SQLite, which else plans a statement each time; pgx keeps its own
}

// statement returns a statement that is planned, or nil.
func (t *Tx) statement(query string) *sql.Stmt {
	if t.prepared == nil {
		return nil
	}
	if s := t.prepared[query]; s != nil {
		return s
	}
	s, err := t.tx.PrepareContext(t.ctx, query)
	if err != nil {
		return nil // without it the statement gives the same error, to whom it belongs
	}
	t.prepared[query] = s
	return s
}

// ExecContext executes a statement. The context is the transaction's.
func (t *Tx) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	clean(args)
	if s := t.statement(query); s != nil {
		return s.ExecContext(t.ctx, args...)
	}
	return t.tx.ExecContext(t.ctx, query, args...)
}

// QueryContext asks for rows, which are to be closed before the same is asked
// again. The context is the transaction's.
func (t *Tx) QueryContext(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	clean(args)
	if s := t.statement(query); s != nil {
		return s.QueryContext(t.ctx, args...)
	}
	return t.tx.QueryContext(t.ctx, query, args...)
}

// QueryRowContext asks for one row. The context is the transaction's.
func (t *Tx) QueryRowContext(_ context.Context, query string, args ...any) *sql.Row {
	clean(args)
	if s := t.statement(query); s != nil {
		return s.QueryRowContext(t.ctx, args...)
	}
	return t.tx.QueryRowContext(t.ctx, query, args...)
}

// clean replaces what a text of PostgreSQL cannot be.
func clean(args []any) {
	for n, a := range args {
		if s, ok := a.(string); ok && (strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s)) {
			args[n] = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
		}
	}
}
