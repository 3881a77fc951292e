// Package state is the database of what people decide and what happened to
// them: users, tokens, incidents, escalations, notification history. It is an
// SQLite file in the data folder, or a PostgreSQL database by URL; both have the
// same schema, made by the same migrations, and take the same statements.
//
// Statements use $1, $2, … in the order of their first use. Times are
// microseconds since 1970 in BIGINT columns, truths 0 or 1 in INTEGER columns,
// structures JSON in TEXT columns.
package state

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/pressly/goose/v3"
	"github.com/prometheus/client_golang/prometheus"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options configure a DB. All fields without a remark are required.
type Options struct {
	Path       string // of the SQLite file, made when missing; not used with a URL
	URL        string // postgres://user@host/database, "" for SQLite
	Registerer prometheus.Registerer
}

// DB is one open database. Its methods may be called side by side.
type DB struct {
	read     *sql.DB
	write    *sql.DB // SQLite takes one writer at a time; the pool is the queue
	sqlite   bool
	path     string        // of the SQLite file
	patience time.Duration // with one transaction, also where the server has gone without a word
	seconds  *prometheus.HistogramVec
	failed   *prometheus.CounterVec
}

// Bounds of a database's use.
const (
	busyTimeout    = 10 * time.Second // for another process that holds the SQLite file
	patience       = 30 * time.Second
	readers        = 8
	connections    = 16 // to PostgreSQL
	connectionLife = 30 * time.Minute
	retries        = 20                   // of a transaction that another one got in the way of
	keyTries       = 3                    // where that may be a key that was there before
	backoff        = 2 * time.Millisecond // before the next try at most; it doubles four times
)

// Open opens the database and brings its schema up to date. A database that a
// newer version has written is refused.
func Open(ctx context.Context, o Options) (_ *DB, err error) {
	d := &DB{
		sqlite: o.URL == "", patience: patience,
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "touchline_state_transaction_seconds", Help: "Time that transactions of the state database took, with the wait for their turn.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5},
		}, []string{"kind"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_state_transactions_failed_total", Help: "Transactions of the state database that failed.",
		}, []string{"kind"}),
	}
	for _, kind := range []string{"read", "write"} {
		d.seconds.WithLabelValues(kind)
		d.failed.WithLabelValues(kind)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	dialect := goose.DialectPostgres
	if d.sqlite {
		dialect = goose.DialectSQLite3
		if err := d.openSQLite(o.Path); err != nil {
			return nil, err
		}
	} else if err := d.openPostgres(o.URL); err != nil {
		return nil, err
	}
	if err := d.migrate(ctx, dialect); err != nil {
		return nil, err
	}
	for _, c := range []prometheus.Collector{d.seconds, d.failed} {
		if err := o.Registerer.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of the state database: %w", err)
		}
	}
	return d, nil
}

func (d *DB) openSQLite(path string) error {
	// The file is made before SQLite does so, for its mode: it holds password hashes.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("open state database: %w", err)
	}
	d.path = path
	if d.write, err = sql.Open("sqlite", dsn(path, "immediate")); err != nil {
		return fmt.Errorf("open state database: %w", err)
	}
	d.write.SetMaxOpenConns(1)
	if d.read, err = sql.Open("sqlite", dsn(path, "deferred", "query_only(ON)")); err != nil {
		return fmt.Errorf("open state database: %w", err)
	}
	d.read.SetMaxOpenConns(readers)
	return nil
}

// dsn addresses an SQLite file. lock is when a transaction takes the write lock.
func dsn(path, lock string, pragmas ...string) string {
	q := url.Values{"_txlock": {lock}, "_pragma": append([]string{
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)",
	}, pragmas...)}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

func (d *DB) openPostgres(address string) error {
	db, err := sql.Open("pgx", address)
	if err != nil {
		// The driver's error may repeat the password.
		return errors.New("open state database: the URL is not one of PostgreSQL; write postgres://user@host/database and give the password in PGPASSFILE or PGPASSWORD")
	}
	db.SetMaxOpenConns(connections)
	db.SetConnMaxLifetime(connectionLife)
	d.read, d.write = db, db
	return nil
}

func (d *DB) migrate(ctx context.Context, dialect goose.Dialect) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrate state database: %w", err)
	}
	p, err := goose.NewProvider(dialect, d.write, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrate state database: %w", err)
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("open state database: %w", plain(err))
	}
	sources := p.ListSources()
	if newest := sources[len(sources)-1].Version; have > newest {
		return fmt.Errorf("the state database has version %d, and this program knows versions up to %d; run the newer program, or restore a backup from before it", have, newest)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate state database: %w", plain(err))
	}
	return nil
}

// plain leaves out of an error of a connection what it repeats of the URL.
func plain(err error) error {
	var c *pgconn.ConnectError
	if errors.As(err, &c) {
		return fmt.Errorf("PostgreSQL cannot be reached as user %q, database %q: %w", c.Config.User, c.Config.Database, c.Unwrap())
	}
	return err
}

// Close closes the database.
func (d *DB) Close() error {
	var errs []error
	if d.read != nil && d.read != d.write {
		errs = append(errs, d.read.Close())
	}
	if d.write != nil {
		errs = append(errs, d.write.Close())
	}
	return errors.Join(errs...)
}

// Kind is "sqlite" or "postgres".
func (d *DB) Kind() string {
	if d.sqlite {
		return "sqlite"
	}
	return "postgres"
}

// Ping says whether the database answers.
func (d *DB) Ping(ctx context.Context) error { return plain(d.read.PingContext(ctx)) }

// Read calls f with a snapshot of the database.
func (d *DB) Read(ctx context.Context, f func(Querier) error) error {
	return d.observed("read", func() error {
		ctx, cancel := context.WithTimeout(ctx, d.patience)
		defer cancel()
		tx, err := d.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: !d.sqlite, Isolation: d.isolation(sql.LevelRepeatableRead)})
		if err != nil {
			return fmt.Errorf("begin to read: %w", plain(err))
		}
		defer func() { _ = tx.Rollback() }()
		return f(d.tx(ctx, tx))
	})
}

// Write calls f in a transaction, as if no other went on at the same time, and
// commits it. What is committed survives a loss of power. Where another
// transaction got in the way f is called again, so it must do nothing else. An
// error of f undoes everything.
func (d *DB) Write(ctx context.Context, f func(*Tx) error) error {
	return d.observed("write", func() error {
		keys := 0
		for n := 0; ; n++ {
			err := d.once(ctx, f)
			if err == nil || n == retries || !conflict(err, keys) || ctx.Err() != nil {
				return err
			}
			if Exists(err) {
				keys++
			}
			// Those who got in each other's way must not do so again at the same moment.
			select {
			case <-ctx.Done():
				return err
			case <-time.After(rand.N(backoff << min(n, 4))):
			}
		}
	})
}

func (d *DB) once(ctx context.Context, f func(*Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	tx, err := d.write.BeginTx(ctx, &sql.TxOptions{Isolation: d.isolation(sql.LevelSerializable)})
	if err != nil {
		return fmt.Errorf("begin to write: %w", plain(err))
	}
	defer func() { _ = tx.Rollback() }()
	if err := f(d.tx(ctx, tx)); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (d *DB) tx(ctx context.Context, tx *sql.Tx) *Tx {
	t := &Tx{ctx: ctx, tx: tx}
	if d.sqlite {
		t.prepared = map[string]*sql.Stmt{}
	}
	return t
}

// isolation is what to ask PostgreSQL for; SQLite has one level only.
func (d *DB) isolation(l sql.IsolationLevel) sql.IsolationLevel {
	if d.sqlite {
		return sql.LevelDefault
	}
	return l
}

func (d *DB) observed(kind string, f func() error) error {
	start := time.Now()
	err := f()
	d.seconds.WithLabelValues(kind).Observe(time.Since(start).Seconds())
	var refusal interface{ Refusal() bool }
	if err != nil && !errors.Is(err, sql.ErrNoRows) && !(errors.As(err, &refusal) && refusal.Refusal()) {
		d.failed.WithLabelValues(kind).Inc()
	}
	return err
}

// conflict tells whether a try of a transaction failed because of another one.
// PostgreSQL may say so by a key that is there, and was not when the transaction
// looked; one that is still there after a few such tries was there before.
func conflict(err error, keys int) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01" || pg.Code == "23505" && keys < keyTries // serialization failure, deadlock, unique violation
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_BUSY
}

// Refused tells whether an error says that the database cannot hold what it was
// given, and never will.
func Refused(err error) bool {
	if Exists(err) {
		return false // it was another transaction that came first
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code[:min(2, len(pg.Code))] {
		case "22", "23", "54": // data exception, integrity constraint violation, program limit exceeded
			return true
		}
		return false
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE:
			return true
		}
	}
	return false
}

// Exists tells whether an error says that a row with the same key is there.
func Exists(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505" // unique violation
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && (lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// Next counts a named number up, from 1, and returns it. Numbers of a
// transaction that is undone are used again.
func Next(ctx context.Context, tx *Tx, name string) (int64, error) {
	var n int64
	err := tx.QueryRowContext(ctx, `INSERT INTO counters (name, value) VALUES ($1, 1)
		ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value`, name).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", name, err)
	}
	return n, nil
}

// Micros is a time as it is stored; the zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is a time that was stored.
func Time(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// Like makes a text that is searched for a pattern of LIKE … ESCAPE '\', in lower case.
func Like(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(text)) + "%"
}
