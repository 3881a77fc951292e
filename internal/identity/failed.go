package identity

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"touchline.dev/touchline/internal/state"
)

// SignInFailed is the action of rows of the audit log about sign-ins that were
// refused.
const SignInFailed = "sign-in.failed"

// Whoever floods the door must not fill the database: what is alike is one row a
// minute, of rows there are so many in a minute, and so many in all.
const (
	failedEvery = 5 * time.Second // how soon a row tells of an attempt
	failedSpan  = time.Minute     // that one row tells of
	maxFailed   = 50              // rows that are begun in a minute; one more tells of all others
	failedKept  = 100_000         // rows in the database, the newest
)

// FailedSignIn is one that was refused.
type FailedSignIn struct {
	User   string // who was tried, "" where nobody was named
	Method string // password, basic, token or oidc
	Remote string
	Err    error // why; that of a token may know whose it is
}

// FailedSignIns is what a row of the audit log tells.
type FailedSignIns struct {
	Attempts int            `json:"attempts"`
	Last     time.Time      `json:"last"`
	Reasons  map[string]int `json:"reasons"`
	Others   bool           `json:"others,omitempty"` // it is about many who were too many for rows of their own
}

// failedKey is what attempts of one row have in common. The zero key is for those
// that are too many for rows of their own.
type failedKey struct{ target, method, from string }

// failedRow is a row that may still grow.
type failedRow struct {
	key    failedKey
	began  time.Time
	id     string // in the database, "" before it is there
	stored int    // attempts that the database knows of
	sum    FailedSignIns
}

// rests tells that nothing more comes to the row, and that it is stored.
func (r *failedRow) rests(now time.Time) bool {
	return now.Sub(r.began) >= failedSpan && r.stored == r.sum.Attempts
}

// failures adds up attempts before they are stored. While the database is away a
// row goes on growing, so that there are never more of them.
type failures struct {
	mu      sync.Mutex
	rows    map[failedKey]*failedRow
	storing sync.Mutex // held by the one who stores
}

func newFailures() *failures { return &failures{rows: map[failedKey]*failedRow{}} }

func (f *failures) add(k failedKey, reason string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rows[k] == nil && len(f.rows) >= maxFailed {
		k = failedKey{}
	}
	r := f.rows[k]
	if r == nil || r.rests(now) {
		r = &failedRow{key: k, began: now, sum: FailedSignIns{Reasons: map[string]int{}, Others: k == failedKey{}}}
		f.rows[k] = r
	}
	r.sum.Attempts++
	r.sum.Reasons[reason]++
	r.sum.Last = now
}

// due copies the rows that the database does not know as they are, and forgets
// those to which nothing more comes.
func (f *failures) due(now time.Time) []failedRow {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []failedRow
	for k, r := range f.rows {
		switch {
		case r.rests(now):
			delete(f.rows, k)
		case r.stored < r.sum.Attempts:
			c := *r
			c.sum.Reasons = maps.Clone(r.sum.Reasons)
			out = append(out, c)
		}
	}
	return out
}

// settle notes under which ids rows have been stored.
func (f *failures) settle(rows []failedRow, ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, c := range rows {
		r := f.rows[c.key]
		r.id, r.stored = ids[i], c.sum.Attempts
	}
}

// Failed notes a sign-in that was refused. The audit log tells of it within
// moments, and never of what was shown.
func (s *Store) Failed(f FailedSignIn) {
	s.metrics.refused.WithLabelValues(f.Method).Inc()
	s.failures.add(failedKey{f.target(), f.Method, network(f.Remote)}, f.reason(), s.now())
}

// target is who was tried. What cannot be a user's name is left out: people type
// their password into the wrong field.
func (f *FailedSignIn) target() string {
	if e := refusalOf(f.Err); e != nil && e.token != "" {
		return e.token
	}
	if name := UserName(f.User); userName.MatchString(name) && len(name) <= maxName {
		return userTarget(name)
	}
	return ""
}

func (f *FailedSignIn) reason() string {
	switch KindOf(f.Err) {
	case Disabled:
		return "disabled"
	case TooMany:
		return "too_many"
	case NotFound, Conflict:
		return "no_user"
	}
	if f.Method == MethodOIDC {
		return "provider"
	}
	return "wrong"
}

// storeFailed writes down what has been refused since it was called last.
func (s *Store) storeFailed(ctx context.Context) error {
	s.failures.storing.Lock()
	defer s.failures.storing.Unlock()
	due := s.failures.due(s.now())
	if len(due) == 0 {
		return nil
	}
	ids := make([]string, len(due))
	err := s.db.Write(ctx, func(tx *state.Tx) error {
		for i, r := range due {
			var err error
			if ids[i], err = storeFailedRow(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store failed sign-ins: %w", err)
	}
	s.failures.settle(due, ids)
	return nil
}

func storeFailedRow(ctx context.Context, tx *state.Tx, r failedRow) (id string, err error) {
	if r.id == "" {
		by := Actor{Name: "anonymous", Method: r.key.method, Remote: r.key.from}
		return insertAudit(ctx, tx, Entry{At: r.began, Actor: by, Action: SignInFailed, Target: r.key.target, After: r.sum})
	}
	sum, err := jsonOf(r.sum)
	if err != nil {
		return "", err
	}
	_, err = tx.ExecContext(ctx, "UPDATE audit SET new_value = $1 WHERE id = $2", sum, r.id)
	return r.id, err
}

// deleteOldFailed keeps the newest rows about failed sign-ins.
func (s *Store) deleteOldFailed(ctx context.Context) error {
	return s.deleteAudit(ctx, "rows of failed sign-ins", "SELECT id FROM audit WHERE action = '"+SignInFailed+"' ORDER BY id DESC LIMIT $1 OFFSET $2", auditBatch, failedKept)
}
