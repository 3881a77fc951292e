package arrival

import (
	"math"
)

// memory is what a rule with a Bound remembers of one series: its newest sample and
// the one before, for instants at which other series are late.
type memory struct {
	leaves    uint8 // the leaves of the bound that select the series
	now, past moment
	late      int64   // the newest sample that came out of order
	trends    []trend // one for each window of the bound
}

// moment is one sample.
type moment struct {
	t     int64 // or silent
	v     float64
	hist  bool
	stale bool // the series ends, and v says nothing
}

func newMemory(b *Bound, leaves uint8) memory {
	m := memory{leaves: leaves, now: moment{t: silent}, past: moment{t: silent}, late: silent}
	if len(b.windows) > 0 {
		m.trends = make([]trend, len(b.windows))
	}
	return m
}

// add takes a sample that is newer than all before it.
func (m *memory) add(b *Bound, s moment) {
	for i := range m.trends {
		m.trends[i].add(b.windows[i], s)
	}
	m.now, m.past = s, m.now
}

// at is the newest sample that is not after an instant. ok is false where it is
// not remembered.
func (m *memory) at(t int64) (s moment, past, ok bool) {
	if s = m.now; s.t > t {
		s, past = m.past, true
	}
	return s, past, s.t != silent && s.t <= t && s.t > m.late
}

// anchors is how many points of a series' past a trend keeps, and coverage how
// many of the distances between them make up a window.
const (
	anchors  = 16
	coverage = 14
)

// trend bounds the increase of a counter over a window, from a few points of its
// past. The points are samples; those between them are forgotten.
type trend struct {
	now, past sum
	count     uint32 // samples
	ring      []anchor
	first     int // the oldest in ring
}

// sum is the increase since the first sample, with its resets, up to one with the value v.
type sum struct {
	known    bool
	v, total float64
}

// anchor is a sample: its time, the total up to it, and its number.
type anchor struct {
	t     int64
	total float64
	count uint32
}

func (tr *trend) at(i int) *anchor { return &tr.ring[(tr.first+i)%len(tr.ring)] }

func (tr *trend) add(window int64, s moment) {
	if tr.past = tr.now; s.stale {
		return
	}
	if s.hist || s.v < 0 || math.IsNaN(s.v) || math.IsInf(s.v, 0) {
		// No counter has such a sample. It begins anew after it.
		tr.now, tr.ring, tr.first = sum{}, tr.ring[:0], 0
		return
	}
	switch n := &tr.now; {
	case !n.known:
		n.known = true
	case s.v >= n.v:
		n.total += s.v - n.v
	default:
		n.total += s.v // a reset
	}
	tr.now.v = s.v
	tr.count++
	if n := len(tr.ring); n > 0 && s.t-tr.at(n-1).t < window/coverage {
		return
	}
	a := anchor{s.t, tr.now.total, tr.count}
	if len(tr.ring) < anchors {
		tr.ring = append(tr.ring, a) // first is 0 until it is full
		return
	}
	tr.ring[tr.first] = a
	tr.first = (tr.first + 1) % anchors
}

// rate bounds rate() over the window that ends at an instant, in 1/s. last is the time
// of the newest sample in it, which is the newest of all or the one before.
// Without two samples there is no element: certain says that there are. ok is false
// where nothing is known.
//
// Upstream extrapolates the increase between the first and the last sample in the
// window at most to its borders, and never makes it less. So the rate is at
// most that increase over the time between these samples, and at least over the window.
func (tr *trend) rate(window, at, last int64, past bool) (lo, hi float64, certain, ok bool) {
	begin, end := at-window, tr.now
	if past {
		end = tr.past
	}
	if !end.known || len(tr.ring) == 0 || tr.ring[tr.first].t > begin {
		return 0, 0, false, false
	}
	if last <= begin {
		return 0, 0, false, true
	}
	i := len(tr.ring) - 1
	for tr.at(i).t > begin {
		i--
	}
	if i == len(tr.ring)-1 {
		return 0, 0, false, false
	}
	// The first sample in the window comes after before and not after within.
	before, within := tr.at(i), tr.at(i+1)
	if last <= within.t {
		return 0, 0, false, false
	}
	most := end.total - before.total
	least := end.total - within.total
	if within.count == before.count+1 {
		most = least // within is the first
	}
	slack := rounding * 1e-3 * (end.total + end.v)
	hi = (most + slack) / (float64(last-within.t) / 1000) * (1 + rounding)
	lo = max(0, least-slack) / (float64(window) / 1000) * (1 - rounding)
	return lo, hi, true, true
}
