// Package statetest runs a test over each kind of state database. With the build
// tag e2e that is PostgreSQL, too, which is then started.
package statetest

import (
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"touchline.dev/touchline/internal/state"
)

// Main runs the tests of a package that calls Run, stops what Run has started,
// and looks for goroutines that were left. It is for TestMain.
func Main(m *testing.M, options ...goleak.Option) {
	goleak.VerifyTestMain(tests{m}, options...)
}

// All runs the tests of a package and stops what they have started, for those
// whose own processes leave goroutines. It returns the exit code.
func All(m *testing.M) int { return tests{m}.Run() }

// tests are those of a package, and what is to be stopped after them.
type tests struct{ m *testing.M }

func (t tests) Run() int {
	inMain = true
	code := t.m.Run()
	for _, stop := range atEnd {
		stop()
	}
	return code
}

var (
	inMain bool
	atEnd  []func()
)

// backend opens an empty database.
type backend struct {
	name string
	open func(t *testing.T) state.Options
}

var backends = []backend{{"sqlite", func(t *testing.T) state.Options {
	return state.Options{Path: filepath.Join(t.TempDir(), "state.db")}
}}}

// Run calls a test with an empty database of each kind. reopen closes it and
// opens it again, as a restart does.
func Run(t *testing.T, f func(t *testing.T, db *state.DB, reopen func() *state.DB)) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			o := b.open(t)
			var db *state.DB
			open := func() *state.DB {
				if db != nil {
					if err := db.Close(); err != nil {
						t.Fatal(err)
					}
				}
				o.Registerer = prometheus.NewRegistry()
				var err error
				if db, err = state.Open(t.Context(), o); err != nil {
					t.Fatal(err)
				}
				return db
			}
			first := open()
			t.Cleanup(func() { _ = db.Close() })
			f(t, first, open)
		})
	}
}
