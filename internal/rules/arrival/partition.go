package arrival

import (
	"math"
	"sync"

	"github.com/prometheus/prometheus/model/labels"
)

// partition is the set of live series on which an element of a rule's result
// depends. It decides at which instants the rule can be judged: at those up to
// which every live series is known. Samples may come in several transactions,
// as those of one scrape do when a sender spreads them over its shards; an
// instant is known once each live series has a sample that is not older. What
// PromQL says of it then does not change any more, but for samples that come
// out of order.
//
// A series leaves when it goes stale or has been silent for the lookback time.
type partition struct {
	rule *Rule
	key  string
	pick labels.Labels // the labels that all members have in common

	mu      sync.Mutex
	members map[uint64]*member // by hash of the series' labels
	gone    bool               // removed from its rule: its members join anew

	instant uint64 // the last one that touched it
	touched int    // members that this instant moved

	open   bool
	since  int64 // the oldest sample that has not been judged
	behind int   // members that are not known up to it

	newest  int64  // of all samples
	judged  int64  // the last instant that was
	grown   int64  // the newest first sample of a member
	changed int64  // the newest sample that changed a value or the membership and has not been judged, or silent
	last    int64  // the newest sample that ever changed something
	epoch   uint32 // the rule's epoch when it was last judged
	asked   int64  // the instant of the last trigger
}

// member is one series in one partition.
type member struct {
	p    *partition
	hash uint64
	last int64 // newest sample, or silent while it is not a live one
}

// silent is before the time of every sample.
const silent = math.MinInt64

// each is up to how many members every instant with a sample is judged. With
// more, one per round of all members is, so that the work per sample stays
// bounded where many targets are scraped at different times.
const each = 128

func newPartition(r *Rule, key string, pick labels.Labels) *partition {
	return &partition{rule: r, key: key, pick: pick, members: map[uint64]*member{}, newest: silent, judged: silent, grown: silent, changed: silent, last: silent, asked: silent}
}

// join returns the member of a series, or nil when the partition has been removed.
func (p *partition) join(ls labels.Labels) *member {
	h := ls.Hash()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return nil
	}
	m := p.members[h]
	if m == nil {
		// It becomes a member with its first sample.
		m = &member{p: p, hash: h, last: silent}
	}
	return m
}

// seed notes a series and its newest sample in the storage.
func (p *partition) seed(ls labels.Labels, t int64) bool {
	h := ls.Hash()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return false
	}
	m := p.members[h]
	if m == nil {
		m = &member{p: p, hash: h}
		p.members[h] = m
	}
	m.last = max(m.last, t)
	p.newest = max(p.newest, t)
	return true
}

// touch applies a committed sample. first says that it is the partition's first
// one in this instant; ok is false when the partition has been removed.
func (p *partition) touch(m *member, t int64, stale, changed bool, instant uint64) (first, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return false, false
	}
	if first = p.instant != instant; first {
		p.instant, p.touched = instant, 0
	}
	switch {
	case stale:
		p.leave(m)
		changed = true
	case m.last == silent:
		if known := p.members[m.hash]; known == nil {
			p.grown = max(p.grown, t)
		}
		p.members[m.hash] = m
		m.last = t
		p.touched++
		changed = true
	case t > m.last:
		if p.open && m.last < p.since && t >= p.since {
			p.behind--
		}
		m.last = t
		p.touched++
	}
	p.newest = max(p.newest, t)
	if changed {
		p.changed, p.last = max(p.changed, t), max(p.last, t)
	}
	if !p.open {
		p.wait(t)
	}
	return first, true
}

// leave takes a member out that is stale or silent.
func (p *partition) leave(m *member) {
	if m.last == silent {
		return
	}
	if p.open && m.last < p.since {
		p.behind--
	}
	delete(p.members, m.hash)
	m.last = silent
}

// wait lets the samples up to an instant be judged as soon as they are known.
func (p *partition) wait(since int64) {
	p.age(since - p.rule.lookback)
	p.open, p.since, p.behind = true, since, 0
	for _, m := range p.members {
		if m.last < since {
			p.behind++
		}
	}
}

// age takes out members whose newest sample is not newer than the given time.
func (p *partition) age(until int64) {
	for _, m := range p.members {
		if m.last <= until {
			p.leave(m)
			p.changed, p.last = max(p.changed, p.newest), max(p.last, p.newest)
		}
	}
}

// judge returns the instant that can be judged now, if there is one. skip says
// that the result is proven to be what it was.
func (p *partition) judge() (at int64, ok, skip bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.open || p.behind > 0 {
		return 0, false, false
	}
	at, next := p.known()
	if next == silent {
		p.open = false
	} else {
		p.wait(next)
	}
	p.judged = at
	if at <= p.grown && p.touched < len(p.members) {
		// Other series may be about to begin: one transaction has not brought
		// them all. The next instant, or the tick, judges.
		return 0, false, false
	}
	epoch := p.rule.epoch.Load()
	skip = p.epoch == epoch && (p.rule.plan.Static && p.changed == silent || p.rule.steadySince(p.last, p.asked, p.changed == silent))
	if p.changed <= at {
		p.changed = silent
	}
	p.epoch = epoch
	if !skip {
		p.asked = at
	}
	return at, true, skip
}

// known is the instant up to which all members are, and the next one to wait
// for, or silent when nothing is left to judge.
func (p *partition) known() (at, next int64) {
	at = int64(math.MaxInt64)
	for _, m := range p.members {
		at = min(at, m.last)
	}
	if len(p.members) == 0 {
		return p.newest, silent
	}
	if p.newest <= at {
		return at, silent
	}
	if len(p.members) > each {
		return at, p.newest
	}
	next = int64(math.MaxInt64)
	for _, m := range p.members {
		if m.last > at {
			next = min(next, m.last)
		}
	}
	if next == math.MaxInt64 { // what is newest has left
		next = p.newest
	}
	return at, next
}

// tick forgets what the group's tick has judged, and members that have fallen
// silent. It removes a partition that is then empty.
func (p *partition) tick(now int64) (removed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.age(now - p.rule.lookback); len(p.members) == 0 {
		p.gone = true
	}
	return p.gone
}

// busy says whether samples wait for those of other series.
func (p *partition) busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open
}
