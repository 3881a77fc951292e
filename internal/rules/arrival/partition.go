package arrival

import (
	"math"
	"slices"
	"sync"
	"time"

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
//
// Nobody can wait for a series that has never been there. So a partition that
// begins is left to the ticks until one has looked at it, unless it is one target's,
// and comes whole, in one transaction of our own scraping. Where a sender adds a
// series to a partition, instants from its first sample on wait for a grace period.
type partition struct {
	rule *Rule
	key  string
	pick labels.Labels // the labels that all members have in common

	mu      sync.Mutex
	members map[uint64]*member // by hash of the series' labels
	gone    bool               // removed from its rule: its members join anew

	instant uint64 // the last one that touched it

	born int64 // the first sample since it has had members
	from int64 // instants up to this one are left to the tick
	begins

	pending []pendingInstant // sample times that have not been judged, oldest first
	behind  int              // members that are not known up to the first of them

	begun  int64  // the first sample that it saw
	left   int64  // up to when series were members that no longer are
	gap    int64  // their newest sample, which ranges still hold
	newest int64  // of all samples
	last   int64  // the newest sample that changed a value or the membership
	epoch  uint32 // the rule's epoch when it was last judged
	asked  int64  // the instant of the last trigger
}

// pendingInstant is the time of samples, and whether one of them changed a value or the membership.
type pendingInstant struct {
	at      int64
	changed bool
}

// member is one series in one partition.
type member struct {
	p    *partition
	hash uint64
	last int64 // newest sample, or silent while it is not a live one
	memory
}

// silent is before the time of every sample, and always after it.
const (
	silent = math.MinInt64
	always = math.MaxInt64
)

// Bounds of the work per sample where many targets are scraped at different
// times, or one series runs ahead of the others.
const (
	// each is up to how many members every instant with a sample is judged. With
	// more, only the newest known one is each time.
	each = 128
	// maxPending is how many instants may wait; every second is then left to the tick.
	maxPending = 256
)

func newPartition(r *Rule, key string, pick labels.Labels) *partition {
	return &partition{rule: r, key: key, pick: pick, members: map[uint64]*member{}, begun: silent, born: silent, from: always, left: silent, gap: silent, newest: silent, last: silent, asked: silent, begins: begins{newer: always, older: always}}
}

func (p *partition) newMember(ls labels.Labels, hash uint64) *member {
	m := &member{p: p, hash: hash, last: silent}
	if b := p.rule.plan.Bound; b != nil {
		m.memory = newMemory(b, b.selects(ls))
	}
	return m
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
		m = p.newMember(ls, h) // one with its first sample
	}
	return m
}

// seed notes a series and its newest sample in the storage. known says that the
// sample is so new that every series which the partition had then is in the storage's answer.
func (p *partition) seed(ls labels.Labels, t int64, known bool) bool {
	h := ls.Hash()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return false
	}
	m := p.members[h]
	if m == nil {
		m = p.newMember(ls, h)
		p.members[h] = m
	}
	m.last = max(m.last, t)
	p.newest = max(p.newest, t)
	if known {
		p.from = silent
	}
	return true
}

// touch applies a committed sample. first says that it is the partition's first
// one in this instant; ok is false when the partition has been removed.
func (p *partition) touch(m *member, s *touch, stale, changed bool, c *commit) (first, ok bool) {
	t := s.t
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return false, false
	}
	if p.begun == silent {
		p.begun = t
	}
	if b := p.rule.plan.Bound; b != nil {
		m.add(b, moment{t: t, v: s.v, hist: s.hist, stale: stale})
	}
	first, p.instant = p.instant != c.id, c.id
	if p.newest <= t-p.rule.lookback {
		p.age(t - p.rule.lookback) // of all members
	} else if m.last != silent && m.last <= t-p.rule.lookback {
		p.leave(m, m.last+p.rule.lookback)
	}
	switch {
	case stale:
		p.leave(m, t)
		changed = true
	case m.last == silent:
		if p.members[m.hash] == nil {
			if len(p.members) <= each {
				p.age(t - p.rule.lookback) // what has fallen silent since the last tick is no company
			}
			p.begin(t, c)
		}
		p.members[m.hash] = m
		m.last = t
		changed = true
	case t > m.last:
		if len(p.pending) > 0 && m.last < p.pending[0].at && t >= p.pending[0].at {
			p.behind--
		}
		m.last = t
	}
	p.newest = max(p.newest, t)
	if changed {
		p.last = max(p.last, t)
	}
	if !p.rule.eager { // which waits for nothing
		p.wait(t, changed)
	}
	return first, true
}

// begin notes the first sample of a series.
func (p *partition) begin(t int64, c *commit) {
	if len(p.members) == 0 {
		p.born = t
		if !c.whole || p.rule.plan.Class != Target {
			p.from = always
		} else if p.from == always {
			p.from = t - 1
		}
	}
	if !c.whole {
		p.note(t, c.received)
	}
}

// span is half of the longest grace period: a Prometheus that sends waits up to
// five seconds for a request to fill, and each of its shards does so by itself.
const span = int64(5 * time.Second)

// begins are the earliest first samples of the series that have begun within
// the last two spans of time.
type begins struct {
	since        int64 // when the newer span began, ns
	newer, older int64 // or always
}

func (b *begins) note(t, now int64) {
	b.turn(now)
	b.newer = min(b.newer, t)
}

// turn lets time pass, and returns the first instant that has to wait.
func (b *begins) turn(now int64) int64 {
	switch passed := now - b.since; {
	case passed >= 2*span:
		b.since, b.newer, b.older = now, always, always
	case passed >= span:
		b.since, b.newer, b.older = now, always, b.newer
	case passed < 0: // the clock went back
		b.since = now
	}
	return min(b.newer, b.older)
}

// wait adds an instant to those that are to be judged.
func (p *partition) wait(t int64, changed bool) {
	n := len(p.pending)
	i := n
	for i > 0 && p.pending[i-1].at > t {
		i--
	}
	if i > 0 && p.pending[i-1].at == t {
		p.pending[i-1].changed = p.pending[i-1].changed || changed
		return
	}
	if n == 0 {
		p.age(t - p.rule.lookback)
	}
	p.pending = slices.Insert(p.pending, i, pendingInstant{t, changed})
	if len(p.pending) > maxPending {
		p.thin()
		p.rule.Again()
	}
	if i == 0 {
		p.count()
	}
}

// thin takes every second instant out, but for the first and the newest. Those
// that stay span the whole time up to which the slowest series is known, however
// many targets are scraped in between. What the others changed counts for the next.
func (p *partition) thin() {
	last, kept := len(p.pending)-1, p.pending[:1]
	for i := 1; i <= last; i++ {
		x := p.pending[i]
		if i%2 == 1 && i < last {
			p.pending[i+1].changed = p.pending[i+1].changed || x.changed
			continue
		}
		kept = append(kept, x)
	}
	p.rule.Left.Add(int64(len(p.pending) - len(kept)))
	p.pending = kept
}

// count counts the members that are not known up to the first pending instant.
func (p *partition) count() {
	p.behind = 0
	for _, m := range p.members {
		if m.last < p.pending[0].at {
			p.behind++
		}
	}
}

// leave takes a member out that is stale or silent from an instant on.
func (p *partition) leave(m *member, from int64) {
	if m.last == silent {
		return
	}
	if len(p.pending) > 0 && m.last < p.pending[0].at {
		p.behind--
	}
	delete(p.members, m.hash)
	p.left, p.gap = max(p.left, from), max(p.gap, m.last)
	m.last = silent
}

// age takes out members whose newest sample is not newer than the given time.
func (p *partition) age(until int64) {
	for _, m := range p.members {
		if m.last <= until {
			p.leave(m, m.last+p.rule.lookback)
			p.last = max(p.last, p.newest)
		}
	}
}

// judge appends the instants that can be judged; now is in ns. skipped counts
// those whose result is proven to be what it was.
func (p *partition) judge(out []int64, now int64) (at []int64, skipped int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pending) == 0 || p.behind > 0 {
		return out, 0
	}
	wait := p.turn(now)
	if p.pending[0].at >= wait {
		return out, 0
	}
	known := min(p.newest, wait-1)
	for _, m := range p.members {
		known = min(known, m.last)
	}
	n := 0
	for n < len(p.pending) && p.pending[n].at <= known {
		n++
	}
	if n == 0 { // the last member has left
		return out, 0
	}
	first := 0
	if len(p.members) > each {
		first = n - 1
	}
	for i, x := range p.pending[:n] {
		if i < first {
			p.pending[i+1].changed = p.pending[i+1].changed || x.changed
			continue
		}
		if x.at <= p.from {
			p.rule.Left.Add(1)
			if i+1 < len(p.pending) {
				p.pending[i+1].changed = p.pending[i+1].changed || x.changed
			} else {
				p.epoch = 0
			}
			continue
		}
		epoch := p.rule.epoch.Load()
		if p.epoch == epoch && (p.rule.plan.Static && !x.changed || p.rule.steadySince(p.last, p.asked, !x.changed)) {
			skipped++
			continue
		}
		p.epoch, p.asked = epoch, x.at
		if p.empty(x.at) {
			skipped++
			continue
		}
		out = append(out, x.at)
	}
	p.pending = slices.Delete(p.pending, 0, n)
	if len(p.pending) > 0 {
		p.count()
	}
	return out, skipped
}

// empty says whether the result at an instant is proven to have no element.
func (p *partition) empty(at int64) bool {
	b := p.rule.plan.Bound
	if b == nil || at < p.left || b.longest > 0 && at-b.longest < max(p.begun, p.gap) {
		return false
	}
	s := scope{b: b, many: p.members, at: at, lookback: p.rule.lookback}
	return s.empty()
}

// late notes a sample that came after newer ones of its series.
func (p *partition) late(m *member, t int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m.memory.late = max(m.memory.late, t)
}

// tick notes that a tick looks at the partition as it was at an instant, and
// forgets members that have fallen silent. It removes a partition that is then empty.
func (p *partition) tick(at int64) (removed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.from == always && p.born <= at {
		p.from = at
	}
	if p.age(at - p.rule.lookback); len(p.members) == 0 {
		p.gone = true
	}
	return p.gone
}

// busy says whether samples wait for those of other series, or other series may be about to begin.
func (p *partition) busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.pending) > 0 || p.from == always && len(p.members) > 0
}
