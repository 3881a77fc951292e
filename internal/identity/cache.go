package identity

import (
	"context"
	"sync"
	"time"

	"touchline.dev/touchline/internal/state"
)

// How long what was read of the database is used. Changes by this process are
// seen at once; those of another one that shares the database after fresh. While
// the database does not answer, what was read of it holds for stale, so that
// agents go on sending.
const (
	fresh     = 5 * time.Second
	stale     = 15 * time.Minute
	maxCached = 4096
)

// Account is who a token, a session or a password belongs to.
type Account struct {
	Name     string // of the user, or of the agent's token
	User     bool   // whether it is a user
	Role     Role   // "" for an agent
	Scopes   []Scope
	Method   string
	ID       string // of the token or session, "" for a password
	Language string // of the user

	exists bool
}

type cached struct {
	account Account
	ends    time.Time // zero for never
	at      time.Time
}

// cache keeps accounts by the digest of what proves them.
type cache struct {
	mu      sync.Mutex
	entries map[string]cached
	cleared uint64
}

func newCache() *cache { return &cache{entries: map[string]cached{}} }

func (c *cache) get(key string) (e cached, cleared uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok = c.entries[key]
	return e, c.cleared, ok
}

// put keeps what was read since the cache was cleared for the given time.
func (c *cache) put(key string, e cached, cleared uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cleared != cleared {
		return
	}
	for old := range c.entries {
		if len(c.entries) < maxCached {
			break
		}
		delete(c.entries, old)
	}
	c.entries[key] = e
}

func (c *cache) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, key)
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.entries)
	c.cleared++
}

// resolve returns what load reads, or has read a moment ago. load gives the
// time at which it ends, zero for never.
func (s *Store) resolve(ctx context.Context, key string, load func(state.Querier) (Account, time.Time, error)) (Account, error) {
	now := s.now()
	e, cleared, ok := s.cache.get(key)
	ok = ok && (e.ends.IsZero() || now.Before(e.ends))
	if ok && now.Sub(e.at) < fresh {
		return e.account, nil
	}
	read := cached{at: now}
	err := s.db.Read(ctx, func(q state.Querier) (err error) {
		read.account, read.ends, err = load(q)
		return err
	})
	switch {
	case err == nil:
		s.cache.put(key, read, cleared)
		return read.account, nil
	case KindOf(err) != 0:
		s.cache.drop(key)
		return Account{}, err
	case ok && now.Sub(e.at) < stale && ctx.Err() == nil:
		return e.account, nil
	}
	return Account{}, err
}

// use notes that a token or session is used; tidy writes it down.
func (s *Store) use(id string) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used[id] = now
}

// lastUse is when a session was used, by what was stored and what was not yet.
func (s *Store) lastUse(id string, stored time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.used[id]; ok && t.After(stored) {
		return t
	}
	return stored
}
