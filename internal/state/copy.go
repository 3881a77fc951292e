package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
)

// CountRows counts the rows of tables in a file that nobody writes to, such as a
// copy. A table that an older build has not made yet has none.
func CountRows(ctx context.Context, file string, tables ...string) (counts map[string]int64, err error) {
	// Immutable, so that nothing is made beside the file, and no byte of it changes.
	address := url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: "mode=ro&immutable=1"}
	db, err := sql.Open("sqlite", address.String())
	if err != nil {
		return nil, fmt.Errorf("count rows: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	counts = map[string]int64{}
	for _, table := range tables {
		var there bool
		if err := db.QueryRowContext(ctx, "SELECT COUNT(*) > 0 FROM sqlite_master WHERE type = 'table' AND name = $1", table).Scan(&there); err != nil {
			return nil, fmt.Errorf("count rows of %s: %w", table, err)
		}
		if !there {
			continue
		}
		var n int64
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM "`+table+`"`).Scan(&n); err != nil {
			return nil, fmt.Errorf("count rows of %s: %w", table, err)
		}
		counts[table] = n
	}
	return counts, nil
}

// Copy writes the SQLite database, as it is at one moment, to a new file of mode
// 0600. Readers and writers go on meanwhile. A PostgreSQL database is not copied:
// it has tools of its own.
func (d *DB) Copy(ctx context.Context, to string) error {
	if !d.sqlite {
		return errors.New("copy state database: it is PostgreSQL; use pg_dump")
	}
	return CopyFile(ctx, d.path, to)
}

// CopyFile does the same with the file of a server that may be stopped.
func CopyFile(ctx context.Context, path, to string) (err error) {
	// SQLite fills a file that is there and empty; so it has its mode from the beginning.
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("copy state database: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(path, "deferred"))
	if err != nil {
		return fmt.Errorf("copy state database: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "VACUUM INTO $1", to); err != nil {
		return fmt.Errorf("copy state database: %w", err)
	}
	return nil
}
