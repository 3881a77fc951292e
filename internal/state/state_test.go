package state_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/touchline/internal/state"
	"touchline.dev/touchline/internal/state/statetest"
)

func TestMain(m *testing.M) { statetest.Main(m) }

func TestTransactions(t *testing.T) {
	statetest.Run(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		ctx := t.Context()
		next := func() (n int64) {
			t.Helper()
			if err := db.Write(ctx, func(tx *state.Tx) (err error) {
				n, err = state.Next(ctx, tx, "x")
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if a, b := next(), next(); a != 1 || b != 2 {
			t.Errorf("counted %d, %d", a, b)
		}
		undone := errors.New("undone")
		if err := db.Write(ctx, func(tx *state.Tx) error {
			if _, err := state.Next(ctx, tx, "x"); err != nil {
				return err
			}
			return undone
		}); !errors.Is(err, undone) {
			t.Errorf("an error of the transaction: %v", err)
		}
		// Those who count side by side get each number once.
		var wg sync.WaitGroup
		var mu sync.Mutex
		seen := map[int64]int{}
		for range 8 {
			wg.Go(func() {
				for range 10 {
					var n int64
					err := db.Write(ctx, func(tx *state.Tx) (err error) {
						var old int64
						if err := tx.QueryRowContext(ctx, "SELECT value FROM counters WHERE name = $1", "x").Scan(&old); err != nil {
							return err
						}
						n = old + 1
						_, err = tx.ExecContext(ctx, "UPDATE counters SET value = $1 WHERE name = $2", n, "x")
						return err
					})
					mu.Lock()
					if err == nil {
						seen[n]++
					} else {
						t.Error(err)
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for n, times := range seen {
			if times != 1 {
				t.Errorf("%d was counted %d times", n, times)
			}
		}
		// So do those whose next key is in another table.
		if err := db.Write(ctx, func(tx *state.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO counters (name, value) VALUES ($1, 0)", "keys")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		inserted := make(chan struct{})
		var first sync.Once
		take := func(between func()) {
			if err := db.Write(ctx, func(tx *state.Tx) error {
				var n int
				if err := tx.QueryRowContext(ctx, "SELECT value FROM counters WHERE name = $1", "keys").Scan(&n); err != nil {
					return err
				}
				if _, err := tx.ExecContext(ctx, "INSERT INTO link_keys (id, secret, created_at) VALUES ($1, '', 0)", n); err != nil {
					return err
				}
				first.Do(between)
				_, err := tx.ExecContext(ctx, "UPDATE counters SET value = $1 WHERE name = $2", n+1, "keys")
				return err
			}); err != nil {
				t.Error(err)
			}
		}
		wg.Go(func() {
			take(func() { close(inserted); <-time.After(200 * time.Millisecond) }) // while the other one waits for the key
		})
		<-inserted
		take(func() {})
		wg.Wait()
		db = reopen()
		if got := next(); got != int64(3+len(seen)) {
			t.Errorf("after opening again counted %d, with %d before", got, len(seen))
		}
		var have int64
		if err := db.Read(ctx, func(q state.Querier) error {
			return q.QueryRowContext(ctx, "SELECT value FROM counters WHERE name = $1", "x").Scan(&have)
		}); err != nil || have != int64(3+len(seen)) {
			t.Errorf("read %d, %v", have, err)
		}
		if err := db.Read(ctx, func(q state.Querier) error {
			_, err := q.QueryContext(ctx, "SELECT nothing FROM nowhere")
			return err
		}); err == nil {
			t.Error("a table that is not there can be read")
		}
		err := db.Write(ctx, func(tx *state.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO counters (name, value) VALUES ($1, $2)", "x", 1)
			return err
		})
		if !state.Exists(err) {
			t.Errorf("a key that is there: %v", err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	open := func(o state.Options) error {
		o.Registerer = prometheus.NewRegistry()
		db, err := state.Open(context.Background(), o)
		if err == nil {
			err = db.Close()
		}
		return err
	}
	if err := open(state.Options{Path: path}); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", fi.Mode(), err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	if err := open(state.Options{Path: path}); err == nil || !strings.Contains(err.Error(), "run the newer program") {
		t.Errorf("a database of a newer version: %v", err)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("no database", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(state.Options{Path: path}); err == nil || !strings.Contains(err.Error(), "not a database") {
		t.Errorf("a file that is no database: %v", err)
	}
	for _, u := range []string{"postgres://u:geheim@127.0.0.1:1/x", "postgres://u:geheim@127.0.0.1:port/x", "mysql://u:geheim@h/x"} {
		if err := open(state.Options{URL: u}); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", u, err)
		}
	}
}

// TestCopy copies while others write: what was committed before is in the copy,
// and the copy opens as a database of its own.
func TestCopy(t *testing.T) {
	dir := t.TempDir()
	ctx := t.Context()
	open := func(name string) *state.DB {
		db, err := state.Open(ctx, state.Options{Path: filepath.Join(dir, name), Registerer: prometheus.NewRegistry()})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	count := func(db *state.DB) (n int64) {
		if err := db.Write(ctx, func(tx *state.Tx) (err error) {
			n, err = state.Next(ctx, tx, "x")
			return err
		}); err != nil {
			t.Error(err)
		}
		return n
	}
	db := open("state.db")
	before := count(db)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				count(db)
			}
		}
	})
	copied := filepath.Join(dir, "copy.db")
	if err := db.Copy(ctx, copied); err != nil {
		t.Fatal(err)
	}
	close(stop)
	wg.Wait()
	raw, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := state.CountRows(ctx, copied, "counters", "users", "none")
	if _, none := rows["none"]; err != nil || rows["counters"] != 1 || rows["users"] != 0 || none || len(rows) != 2 {
		t.Errorf("counted %v, %v", rows, err)
	}
	if after, err := os.ReadFile(copied); err != nil || !bytes.Equal(raw, after) {
		t.Errorf("counting changed the file, %v", err)
	}
	if left, err := filepath.Glob(copied + "-*"); err != nil || left != nil {
		t.Errorf("counting left %v, %v", left, err)
	}
	if err := db.Copy(ctx, copied); !errors.Is(err, os.ErrExist) {
		t.Errorf("a copy over another: %v", err)
	}
	last := count(db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(copied); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("the copy's mode is %v, %v", fi.Mode(), err)
	}
	stopped := filepath.Join(dir, "stopped.db")
	if err := state.CopyFile(ctx, filepath.Join(dir, "state.db"), stopped); err != nil {
		t.Fatal(err)
	}
	for name, least := range map[string]int64{"copy.db": before, "stopped.db": last} {
		c := open(name)
		if got := count(c); got <= least {
			t.Errorf("%s goes on from %d, and had at least %d", name, got-1, least)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestConversions(t *testing.T) {
	now := time.Date(2026, 11, 25, 1, 2, 3, 4000, time.UTC)
	if got := state.Time(state.Micros(now)); !got.Equal(now) {
		t.Error(got)
	}
	if !state.Time(state.Micros(time.Time{})).IsZero() {
		t.Error("no time becomes one")
	}
	if got := state.Like(`50%_A\`); got != `%50\%\_a\\%` {
		t.Error(got)
	}
}
