package arrival

import (
	"sync"
	"sync/atomic"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// pageBits is the binary logarithm of the entries on one page.
const pageBits = 12

type page [1 << pageBits]atomic.Pointer[entry]

// table finds the entry of a series by its reference in the head. The head
// counts references up from one and never uses one again, so that pages stay
// dense; what lies far beyond that is not a head's and goes into a map.
type table struct {
	pages atomic.Pointer[[]*page]

	mu     sync.Mutex
	strays map[storage.SeriesRef]*entry
}

// maxPages bounds the dense part: 2^30 series.
const maxPages = 1 << 18

func (t *table) slot(ref storage.SeriesRef) *atomic.Pointer[entry] {
	n := uint64(ref >> pageBits)
	if n >= maxPages {
		return nil
	}
	ps := t.pages.Load()
	if ps == nil || n >= uint64(len(*ps)) || (*ps)[n] == nil {
		ps = t.grow(int(n))
	}
	return &(*ps)[n][ref&(1<<pageBits-1)]
}

func (t *table) grow(n int) *[]*page {
	t.mu.Lock()
	defer t.mu.Unlock()
	var old []*page
	if ps := t.pages.Load(); ps != nil {
		old = *ps
	}
	next := make([]*page, max(n+1, len(old)))
	copy(next, old)
	if next[n] == nil {
		next[n] = new(page)
	}
	t.pages.Store(&next)
	return &next
}

// entry returns what is known of a series under the rules in force, or nil
// when no rule selects it.
func (x *Index) entry(ref storage.SeriesRef, ls labels.Labels) *entry {
	s := x.set.Load()
	if p := x.tab.slot(ref); p != nil {
		e := p.Load()
		for e == nil || e.gen < s.gen {
			// Two transactions may meet the series at the same time: one entry is used by both.
			if made := x.newEntry(s, ls); p.CompareAndSwap(e, made) {
				e = made
				break
			}
			e = p.Load()
		}
		if len(e.members) == 0 {
			return nil
		}
		return e
	}
	x.tab.mu.Lock()
	defer x.tab.mu.Unlock()
	e := x.tab.strays[ref]
	if e == nil || e.gen < s.gen {
		e = x.newEntry(s, ls)
		if x.tab.strays == nil {
			x.tab.strays = map[storage.SeriesRef]*entry{}
		}
		x.tab.strays[ref] = e
	}
	if len(e.members) == 0 {
		return nil
	}
	return e
}

// Sweep forgets series without a sample since the given time, in ms, and the
// pages that hold no others. One that lives on comes back with its next sample.
func (x *Index) Sweep(since int64) {
	x.tab.mu.Lock()
	defer x.tab.mu.Unlock()
	for ref, e := range x.tab.strays {
		if e.before(since) {
			delete(x.tab.strays, ref)
		}
	}
	ps := x.tab.pages.Load()
	if ps == nil {
		return
	}
	next := make([]*page, len(*ps))
	copy(next, *ps)
	for n, p := range next {
		if p == nil {
			continue
		}
		used := false
		for i := range p {
			e := p[i].Load()
			switch {
			case e == nil || len(e.members) == 0:
			case e.before(since):
				p[i].CompareAndSwap(e, nil)
			default:
				used = true
			}
		}
		if !used {
			next[n] = nil
		}
	}
	x.tab.pages.Store(&next)
}

// before says whether the newest sample is older than the given time.
func (e *entry) before(since int64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last < since
}
