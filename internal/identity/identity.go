// Package identity knows who may do what: users and their roles, tokens of users
// and agents, sessions, one-time links, and the audit log of every change.
//
// Of a secret only a digest is kept, of a password an argon2id hash. Whoever
// changes something is named by an Actor, and each change writes its row of the
// audit log in its own transaction.
package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/touchline/internal/state"
)

// Role is what a user may do. Each role may do all that the one before it may.
type Role string

// The roles.
const (
	Viewer    Role = "viewer"    // looks
	Responder Role = "responder" // acknowledges, comments, silences
	Editor    Role = "editor"    // changes what is configured
	Admin     Role = "admin"     // everything, users included
)

// Roles lists them, from the least.
var Roles = []Role{Viewer, Responder, Editor, Admin}

// Scope is one class of access.
type Scope string

// The scopes, as httpserver names its classes of access.
const (
	Read     Scope = "read"
	Ingest   Scope = "ingest"
	Respond  Scope = "respond"
	Change   Scope = "change"
	AdminAll Scope = "admin"
)

// Scopes lists those that a token can be given.
var Scopes = []Scope{Read, Ingest, Respond, Change, AdminAll}

// implied is what a scope of a token allows. What sends only may not read.
var implied = map[Scope][]Scope{
	Read:     {Read},
	Ingest:   {Ingest},
	Respond:  {Read, Respond},
	Change:   {Read, Respond, Change},
	AdminAll: {Read, Ingest, Respond, Change, AdminAll},
}

// ofRole is the scope that allows a token what a role allows a user.
var ofRole = map[Role]Scope{Viewer: Read, Responder: Respond, Editor: Change, Admin: AdminAll}

// Scopes is what the role may do.
func (r Role) Scopes() []Scope { return implied[ofRole[r]] }

// Options configure a Store. All fields without a remark are required.
type Options struct {
	DB          *state.DB
	Logger      *slog.Logger
	Registerer  prometheus.Registerer
	Now         func() time.Time // nil for time.Now
	SessionIdle time.Duration    // a session that nobody uses ends after this
	SessionLife time.Duration    // every session ends after this
	AuditKeep   time.Duration    // how long rows of the audit log are kept, 0 for ever
	Tidied      func(error)      // told once a minute whether the database works; optional
}

// Store is the users, tokens, sessions and links of a database. Its methods may
// be called side by side.
type Store struct {
	o       Options
	db      *state.DB
	log     *slog.Logger
	metrics *metrics
	cache   *cache
	hasher  *hasher
	pairs   *buckets // failed passwords by the name that was given and the network
	names   *buckets // by the name alone
	remotes *buckets // and by the network alone

	failures *failures

	mu   sync.Mutex
	used map[string]time.Time // token or session → last use that is not stored yet
	met  map[visit]time.Time  // last sign-ins from a network that are not stored yet

	quit chan struct{}
	done chan struct{}
	once sync.Once
}

// New returns a Store over an open database. Start keeps it tidy.
func New(o Options) (*Store, error) {
	if o.DB == nil || o.Logger == nil || o.Registerer == nil {
		return nil, errors.New("create identity store: DB, Logger and Registerer are required")
	}
	if o.SessionIdle <= 0 || o.SessionLife <= 0 {
		return nil, errors.New("create identity store: SessionIdle and SessionLife must be positive")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Tidied == nil {
		o.Tidied = func(error) {}
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	s := &Store{
		o: o, db: o.DB, log: o.Logger, metrics: m, cache: newCache(), hasher: newHasher(),
		pairs: newBuckets(pairBurst, pairRefill), names: newBuckets(nameBurst, nameRefill), remotes: newBuckets(remoteBurst, remoteRefill),
		failures: newFailures(), met: map[visit]time.Time{}, used: map[string]time.Time{}, quit: make(chan struct{}), done: make(chan struct{}),
	}
	return s, nil
}

// now is the time as the database keeps it.
func (s *Store) now() time.Time { return s.o.Now().UTC().Truncate(time.Microsecond) }

// write changes the database, and forgets what was known of it.
func (s *Store) write(ctx context.Context, what string, f func(w *writer) error) error {
	err := s.db.Write(ctx, func(tx *state.Tx) error { return f(&writer{Tx: tx, ctx: ctx, now: s.now()}) })
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	s.cache.clear()
	return nil
}

// writer is a transaction that changes something.
type writer struct {
	*state.Tx
	ctx context.Context
	now time.Time
}

func (w *writer) exec(query string, args ...any) error {
	_, err := w.ExecContext(w.ctx, query, args...)
	return err
}

func (w *writer) audit(by Actor, action, target string, before, after any) error {
	return Audit(w.ctx, w.Tx, Entry{At: w.now, Actor: by, Action: action, Target: target, Before: before, After: after})
}

// Actor is who changes something.
type Actor struct {
	Name   string // user, token or certificate
	Method string // how they proved it: password, token, session …
	Remote string // address that the request came from
}

// Kind is why something was refused.
type Kind int

// The kinds of refusals.
const (
	Invalid  Kind = iota + 1 // a field is not as it must be
	NotFound                 // there is no such thing
	Exists                   // there is one already
	Stale                    // somebody else has changed it meanwhile
	Conflict                 // it would leave things in a state that must not be
	Denied                   // not who they say, or no longer
	Disabled                 // they are, and may not any more
	TooMany                  // too many attempts
)

// Error is a refusal that is told to whoever asked.
type Error struct {
	Kind       Kind
	Field      string // of Invalid, as the API names it
	Reason     string
	Remedy     string        // command by which an administrator allows it, "" for none
	RetryAfter time.Duration // of TooMany
	token      string        // that is refused, as the audit log names it; "" where it is none that is known
}

func (e *Error) Error() string {
	if e.Field != "" {
		return e.Field + ": " + e.Reason
	}
	return e.Reason
}

// Refusal tells the database that nothing failed.
func (e *Error) Refusal() bool { return true }

func refuse(k Kind, format string, args ...any) error {
	return &Error{Kind: k, Reason: fmt.Sprintf(format, args...)}
}

func invalid(field, format string, args ...any) error {
	return &Error{Kind: Invalid, Field: field, Reason: fmt.Sprintf(format, args...)}
}

// KindOf tells why an error refuses, 0 where it is a failure of ours.
func KindOf(err error) Kind {
	if e := refusalOf(err); e != nil {
		return e.Kind
	}
	return 0
}

// refusalOf finds a refusal in an error; nil where it is a failure of ours.
func refusalOf(err error) *Error {
	var e *Error
	errors.As(err, &e)
	return e
}

// secretPrefix lets scanners for leaked secrets know ours.
const secretPrefix = "tl_"

// newSecret makes a bearer secret of 260 random bits, and the digest to keep.
func newSecret() (secret, digest string) {
	secret = secretPrefix + rand.Text() + rand.Text()
	return secret, digestOf(secret)
}

// digestOf is how a secret with that many bits may be kept: it cannot be guessed.
func digestOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// newID names a row.
func newID() string { return rand.Text()[:16] }

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func within(scopes, allowed []Scope) []Scope {
	var out []Scope
	for _, s := range scopes {
		if slices.Contains(allowed, s) {
			out = append(out, s)
		}
	}
	return out
}
