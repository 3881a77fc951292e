package state_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"touchline.dev/touchline/internal/state"
	"touchline.dev/touchline/internal/state/statetest"
)

// TestTexts writes what PostgreSQL refuses.
func TestTexts(t *testing.T) {
	statetest.Run(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		ctx := t.Context()
		for text, want := range map[string]string{"d\xc4\xa3": "dģ", "nul\x00!": "nul\uFFFD!", "gbk \xb2\xe2\xca\xd4": "gbk \uFFFD", "": "", "测试": "测试"} {
			if err := db.Write(ctx, func(tx *state.Tx) error {
				_, err := state.Next(ctx, tx, text)
				return err
			}); err != nil {
				t.Errorf("%q: %v", text, err)
				continue
			}
			var got string
			if err := db.Read(ctx, func(q state.Querier) error {
				return q.QueryRowContext(ctx, "SELECT name FROM counters WHERE name = $1", text).Scan(&got)
			}); err != nil || got != want {
				t.Errorf("%q is %q, %v; want %q", text, got, err, want)
			}
		}
	})
}

// TestPatience has a transaction wait for another one that does not end.
func TestPatience(t *testing.T) {
	statetest.Run(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		ctx := t.Context()
		count := func(tx *state.Tx) error {
			_, err := state.Next(ctx, tx, "x")
			return err
		}
		if err := db.Write(ctx, count); err != nil {
			t.Fatal(err)
		}
		err := db.Write(ctx, func(tx *state.Tx) error {
			if err := count(tx); err != nil {
				return err
			}
			db.SetPatience(200 * time.Millisecond)
			return db.Write(ctx, count)
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it waited, and answers %v", err)
		}
		if err := db.Write(ctx, count); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// TestStatementsAgain runs the same statements many times in one transaction.
func TestStatementsAgain(t *testing.T) {
	statetest.Run(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		ctx := t.Context()
		if err := db.Write(ctx, func(tx *state.Tx) error {
			for n := range int64(100) {
				got, err := state.Next(ctx, tx, "x")
				if err != nil || got != n+1 {
					t.Errorf("%d is %d, %v", n+1, got, err)
				}
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		if err := db.Write(ctx, func(tx *state.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO nowhere VALUES ($1)", 1)
			return err
		}); err == nil || !strings.Contains(err.Error(), "nowhere") {
			t.Errorf("a table that is not there: %v", err)
		}
	})
}
