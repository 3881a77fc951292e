package identity

import (
	"container/list"
	"context"
	"math"
	"sync"
	"time"
)

// How many wrong passwords are taken at once, and how soon another one is.
const (
	pairBurst    = 10 // for one name from one network
	pairRefill   = 30 * time.Second
	nameBurst    = 30 // for one name from networks that it has not signed in from
	nameRefill   = 20 * time.Second
	remoteBurst  = 30 // from one network
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
		// Never 0, which is a take: a level adds up to a hair less than a whole.
		return max(time.Duration((1-u.level)*float64(b.refill)), 1)
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
// was right calls settle with true, and who could not be tried with false: neither
// counts. What is let through side by side counts at once.
//
// Attempts count for a name and a network together, for the network, whatever the
// name, and for the name, whatever the network. The last is against guesses from
// many places at once and fills up faster than one place can use it up, so that it
// takes several to keep somebody out; from where they have signed in before it does
// not count at all.
func (s *Store) Attempt(ctx context.Context, name, remote string) (settle func(right bool), err error) {
	now, v := s.now(), visit{name, network(remote)}
	key := name
	if len(key) > maxName {
		key = digestOf(key) // a bucket must not be as large as somebody likes
	}
	type take struct {
		from *buckets
		key  string
	}
	takes := []take{{s.pairs, key + "\x00" + v.network}, {s.remotes, v.network}}
	if !s.knows(ctx, v) {
		takes = append(takes, take{s.names, key})
	}
	giveBack := func(takes []take) {
		for _, t := range takes {
			t.from.giveBack(t.key, s.now())
		}
	}
	for n, t := range takes {
		if wait := t.from.take(t.key, now); wait > 0 {
			giveBack(takes[:n])
			s.metrics.paced.Inc()
			return nil, &Error{Kind: TooMany, Reason: "too many wrong passwords; wait a moment before you try again", RetryAfter: wait}
		}
	}
	return func(right bool) {
		giveBack(takes)
		if right {
			s.meet(name, remote)
		}
	}, nil
}
