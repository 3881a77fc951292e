package arrival

import (
	"container/heap"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// never is the crossing of a series whose value is no time.
const never = math.MaxInt64

// crossingTime is the first millisecond at which `time() - value > c` holds,
// but not before the sample itself.
func crossingTime(t int64, v float64, c time.Duration) int64 {
	const farthest = 1e15 // ms, some 31,000 years
	at := v*1000 + float64(c.Milliseconds())
	if math.IsNaN(at) || at > farthest {
		return never
	}
	return max(t, int64(math.Floor(at))+1)
}

// crossings holds, for a rule of the form `time() - selector > c`, when each
// series will make it true. A series has one place in the heap, whose time may
// lie before the series' own: it is then put back when its turn comes.
type crossings struct {
	mu    sync.Mutex
	items map[uint64]*crossingItem // by hash of the series' labels
	heap  crossingHeap
	ended int // places in the heap of series that have ended
}

type crossingItem struct {
	ls     labels.Labels
	turn   int64 // when the heap looks at it
	due    int64 // when the condition becomes true, or never
	placed bool
}

// arm notes the time for a series and returns the time of the next turn.
func (c *crossings) arm(ls labels.Labels, due int64) (next int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.items == nil {
		c.items = map[uint64]*crossingItem{}
	}
	h := ls.Hash()
	it := c.items[h]
	if it == nil {
		if due == never {
			return 0, false
		}
		it = &crossingItem{ls: ls}
		c.items[h] = it
	}
	it.due = due
	switch {
	case due == never:
		return 0, false
	case !it.placed:
		it.turn, it.placed = due, true
		heap.Push(&c.heap, it)
	case due < it.turn:
		it.turn = due
		heap.Init(&c.heap) // a value that goes back is rare
	}
	return c.heap[0].turn, true
}

// drop forgets a series that has ended. Its place in the heap goes once most
// places are such: its turn may be years away.
func (c *crossings) drop(ls labels.Labels) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := ls.Hash()
	it := c.items[h]
	if it == nil {
		return
	}
	delete(c.items, h)
	if it.due = never; !it.placed {
		return
	}
	if c.ended++; c.ended < 64 || 2*c.ended < len(c.heap) {
		return
	}
	c.heap = slices.DeleteFunc(c.heap, func(it *crossingItem) bool { return c.items[it.ls.Hash()] != it })
	heap.Init(&c.heap)
	c.ended = 0
}

// Due returns a trigger for each series of a rule of the form `time() -
// selector > c` whose time has come, and when to ask next.
func (r *Rule) Due(now int64) (ts []Trigger, next int64, ok bool) {
	c := &r.crossings
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.heap) > 0 && c.heap[0].turn <= now {
		it := c.heap[0]
		switch {
		case it.due > now && it.due != never:
			it.turn = it.due
			heap.Fix(&c.heap, 0)
			continue
		case it.due <= now:
			ts = append(ts, Trigger{At: it.due, Within: allLabels().pick(it.ls), Flip: true})
		}
		heap.Pop(&c.heap)
		it.placed = false
		if h := it.ls.Hash(); c.items[h] == it {
			delete(c.items, h)
		} else {
			c.ended--
		}
	}
	if len(c.heap) == 0 {
		return ts, 0, false
	}
	return ts, c.heap[0].turn, true
}

type crossingHeap []*crossingItem

var _ heap.Interface = (*crossingHeap)(nil)

func (h crossingHeap) Len() int           { return len(h) }
func (h crossingHeap) Less(i, j int) bool { return h[i].turn < h[j].turn }
func (h crossingHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *crossingHeap) Push(x any)        { *h = append(*h, x.(*crossingItem)) }

func (h *crossingHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return x
}
