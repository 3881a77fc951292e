package identity

import (
	"container/list"
	"math"
	"net/netip"
	"sync"
	"time"
)

// How many wrong passwords are taken at once, and how soon another one is.
const (
	nameBurst    = 10
	nameRefill   = 30 * time.Second
	remoteBurst  = 30
	remoteRefill = 10 * time.Second
	maxBuckets   = 10_000 // of each kind; the one that was not asked for longest goes first
)

// buckets are token buckets by key, of which a bounded number is kept.
type buckets struct {
	burst  float64
	refill time.Duration

	mu    sync.Mutex
	byKey map[string]*list.Element
	order *list.List // of *bucket, the one that was used last in front
}

type bucket struct {
	key   string
	level float64
	at    time.Time
}

func newBuckets(burst int, refill time.Duration) *buckets {
	return &buckets{burst: float64(burst), refill: refill, byKey: map[string]*list.Element{}, order: list.New()}
}

func (b *buckets) find(key string, now time.Time) *bucket {
	e, ok := b.byKey[key]
	if !ok {
		if b.order.Len() >= maxBuckets {
			last := b.order.Back()
			delete(b.byKey, b.order.Remove(last).(*bucket).key)
		}
		e = b.order.PushFront(&bucket{key: key, level: b.burst, at: now})
		b.byKey[key] = e
	}
	b.order.MoveToFront(e)
	u := e.Value.(*bucket)
	if d := now.Sub(u.at); d > 0 {
		u.level = math.Min(b.burst, u.level+float64(d)/float64(b.refill))
		u.at = now
	}
	return u
}

// take takes one, or says how long to wait for it.
func (b *buckets) take(key string, now time.Time) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	u := b.find(key, now)
	if u.level < 1 {
		return time.Duration((1 - u.level) * float64(b.refill))
	}
	u.level--
	return 0
}

// giveBack undoes a take.
func (b *buckets) giveBack(key string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	u := b.find(key, now)
	u.level = math.Min(b.burst, u.level+1)
}

// Attempt lets somebody try a password, or says when they may try again. Whoever
// was right calls right, and it does not count. What is let through side by side
// counts at once.
func (s *Store) Attempt(name, remote string) (right func(), err error) {
	now, from := s.now(), network(remote)
	wait := s.names.take(name, now)
	if wait == 0 {
		if wait = s.remotes.take(from, now); wait > 0 {
			s.names.giveBack(name, now)
		}
	}
	if wait > 0 {
		s.metrics.paced.Inc()
		return nil, &Error{Kind: TooMany, Reason: "too many wrong passwords; wait a moment before you try again", RetryAfter: wait}
	}
	return func() {
		s.names.giveBack(name, s.now())
		s.remotes.giveBack(from, s.now())
	}, nil
}

// network is what one attacker has: an address of IPv4, or a /64 of IPv6.
func network(remote string) string {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	a := ap.Addr().Unmap()
	if a.Is4() {
		return a.String()
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}
