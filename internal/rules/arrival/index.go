package arrival

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
)

// Trigger asks for the evaluation of a rule.
type Trigger struct {
	At         int64         // sample time at which to evaluate, ms
	Received   int64         // when the commit that caused it ended, ns
	Within     labels.Labels // only series with these labels take part
	Partitions []string      // where not empty, only elements of these partitions are decided; see Prepare and Rule.Decides
	Flip       bool          // a comparison has just become true: to be told before anything that may be nothing
}

// Sink takes triggers. It must not block: the sender of the samples waits.
type Sink interface {
	Trigger(*Rule, Trigger)
	// Alarm asks for a call of Rule.Due at a time, in ms.
	Alarm(r *Rule, at int64)
}

// Rule is one alerting rule in an Index.
type Rule struct {
	Owner any // whatever the sink wants to find again

	plan     *Plan
	eager    bool
	lookback int64

	// epoch moves on whenever an alert may have become inactive or a trigger
	// was not carried out. What was known to be raised before is then asked
	// for again.
	epoch atomic.Uint32

	mu    sync.Mutex
	parts map[string]*partition

	crossings crossings

	Arrivals atomic.Int64 // samples of selected series
	Skipped  atomic.Int64 // samples and rounds after which the result is proven unchanged
	Left     atomic.Int64 // instants left to the tick, because series may have been about to begin, or too many were waiting
	Late     atomic.Int64 // samples left to the tick, because newer ones of their series came before them
}

// NewRule makes a rule of a plan. An eager one is evaluated at every commit,
// without waiting for the series of a partition to be complete.
func NewRule(p *Plan, eager bool, lookback int64) *Rule {
	r := &Rule{plan: p, eager: eager, lookback: lookback, parts: map[string]*partition{}}
	r.epoch.Store(1)
	return r
}

// Plan is what the rule was made of.
func (r *Rule) Plan() *Plan { return r.plan }

// Again makes the rule be asked for again where its condition holds.
func (r *Rule) Again() { r.epoch.Add(1) }

// Decides says whether an element of a result belongs to a trigger's partitions.
// The trigger must have been prepared.
func (r *Rule) Decides(t Trigger, element labels.Labels) bool {
	if r.plan.Class == Local || len(t.Partitions) == 0 {
		return true
	}
	_, found := slices.BinarySearch(t.Partitions, string(r.plan.Partition.key(element, nil)))
	return found
}

// At is a trigger that looks only at series on which some elements depend.
func (r *Rule) At(at int64, elements ...labels.Labels) Trigger {
	set := r.plan.Partition
	if r.plan.Class == Local {
		set = allLabels()
	}
	t := Trigger{At: at, Flip: true}
	for i, e := range elements {
		if within := set.pick(e); i == 0 {
			t.Within = within
		} else {
			t.Within = common(t.Within, within)
		}
	}
	return t
}

// Prepare sorts a trigger's partitions: one transaction may complete thousands.
func (t *Trigger) Prepare() {
	slices.Sort(t.Partitions)
	t.Partitions = slices.Compact(t.Partitions)
}

// Merge makes one trigger of two of the same instant.
func (t *Trigger) Merge(o Trigger) {
	t.Within = common(t.Within, o.Within)
	t.Flip = t.Flip || o.Flip
	if len(t.Partitions) == 0 || len(o.Partitions) == 0 {
		t.Partitions = nil // one of them decides on every element
		return
	}
	t.Partitions = append(t.Partitions, o.Partitions...)
}

// steadySince says whether the result is proven to be what it was when it was
// last asked for: then, and ever since, no range has had a change in it.
func (r *Rule) steadySince(lastChange, asked int64, unchanged bool) bool {
	return r.plan.Steady && r.plan.Window > 0 && unchanged && asked != silent && asked > lastChange+r.plan.Window.Milliseconds()
}

// Busy says whether some of the series on which an element depends have samples
// that others still lack. An evaluation now would see half of them.
func (r *Rule) Busy(element labels.Labels) bool {
	if r.plan.Class == Local || r.eager {
		return false
	}
	k := r.plan.Partition.key(element, nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.parts[string(k)]
	return p != nil && p.busy()
}

// Ticked tells the rule that its group's tick looks at an instant, in ms.
func (r *Rule) Ticked(at int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k, p := range r.parts {
		if p.tick(at) {
			delete(r.parts, k)
		}
	}
}

// partitionKeySize is enough for the keys of most partitions, so that looking one up allocates nothing.
const partitionKeySize = 256

func (r *Rule) partition(ls labels.Labels) *partition {
	var buf [partitionKeySize]byte
	k := r.plan.Partition.key(ls, buf[:0])
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.parts[string(k)]
	if p == nil {
		p = newPartition(r, string(k), r.plan.Partition.pick(ls))
		r.parts[p.key] = p
	}
	return p
}

// join makes a series a member of its partition.
func (r *Rule) join(ls labels.Labels) *member {
	for {
		if m := r.partition(ls).join(ls); m != nil {
			return m
		}
	}
}

// Seed tells the rule of a series' newest stored sample, before the rule is put
// into an index. A partition counts as known where one of them is not older than
// half the lookback time: what else it had then is in the storage's answer too.
// After a longer downtime some of its series are, and others are not.
func (r *Rule) Seed(ls labels.Labels, t, now int64) {
	if r.plan.Class == Local || r.plan.Class == Ticks {
		return
	}
	r.partition(ls).seed(ls, t, t >= now-r.lookback/2)
}

// Index maps series to the rules that they may raise. Its rules are replaced
// as a whole; it is safe for concurrent use.
type Index struct {
	sink Sink
	now  func() int64 // ns
	set  atomic.Pointer[ruleSet]
	tab  table
}

// ruleSet is one immutable set of rules.
type ruleSet struct {
	gen     uint32
	byName  map[string][]leaf
	unnamed []leaf
	none    *entry // of all series that no rule selects
}

type leaf struct {
	rule *Rule
	sel  *Selector
}

// NewIndex makes an index without rules. now is the wall clock, in ns.
func NewIndex(sink Sink, now func() int64) *Index {
	x := &Index{sink: sink, now: now}
	x.set.Store(&ruleSet{gen: 1, none: &entry{gen: 1}})
	return x
}

// Replace puts rules into force. What is known of series under the old ones is forgotten.
func (x *Index) Replace(rules []*Rule) {
	s := &ruleSet{gen: x.set.Load().gen + 1, byName: map[string][]leaf{}}
	s.none = &entry{gen: s.gen}
	for _, r := range rules {
		if r.plan.Class == Ticks {
			continue
		}
		for i := range r.plan.Selectors {
			sel := &r.plan.Selectors[i]
			if sel.Name != "" {
				s.byName[sel.Name] = append(s.byName[sel.Name], leaf{r, sel})
			} else {
				s.unnamed = append(s.unnamed, leaf{r, sel})
			}
		}
	}
	x.set.Store(s)
}

// rules lists the rules that select a series, each once.
func (s *ruleSet) rules(ls labels.Labels) []*Rule {
	var out []*Rule
	try := func(leaves []leaf) {
		for _, l := range leaves {
			if !slices.Contains(out, l.rule) && l.sel.Matches(ls) {
				out = append(out, l.rule)
			}
		}
	}
	try(s.byName[ls.Get(labels.MetricName)])
	try(s.unnamed)
	return out
}

// touch is one sample of a transaction that a rule selects.
type touch struct {
	e    *entry
	t    int64
	v    float64
	hist bool
}

// entry is what is known of one series.
type entry struct {
	gen     uint32
	ls      labels.Labels
	members []entryMember

	mu      sync.Mutex
	last    int64
	v       float64
	changed int64 // the newest sample with another value than the one before
}

// entryMember links a series to a rule.
type entryMember struct {
	rule  *Rule
	seen  uint32  // the rule's epoch when this series last asked for an evaluation
	asked int64   // the time of the sample that did
	txn   uint64  // and its transaction
	m     *member // nil for rules of class local
	own   *memory // of a rule of class local with a bound
}

func (x *Index) newEntry(s *ruleSet, ls labels.Labels) *entry {
	rules := s.rules(ls)
	if len(rules) == 0 {
		return s.none
	}
	// The labels may live in the sender's buffer.
	e := &entry{gen: s.gen, last: silent, changed: silent, ls: ls.Copy()}
	for _, r := range rules {
		em := entryMember{rule: r, asked: silent}
		switch b := r.plan.Bound; {
		case r.plan.Class != Local:
			em.m = r.join(e.ls)
		case b != nil:
			own := newMemory(b, b.selects(e.ls))
			em.own = &own
		}
		e.members = append(e.members, em)
	}
	return e
}

// committed applies the samples of one transaction, in the order of their times.
// scraped says that it is a scrape of our own.
func (x *Index) committed(ts []touch, scraped bool) {
	now := x.now()
	if !slices.IsSortedFunc(ts, byTime) {
		slices.SortStableFunc(ts, byTime)
	}
	c := commits.Get().(*commit)
	c.received, c.txn = now, instants.Add(1)
	for len(ts) > 0 {
		n := 1
		for n < len(ts) && ts[n].t == ts[0].t {
			n++
		}
		// Samples that a target gave times of its own come before the others of their scrape.
		c.whole = scraped && n == len(ts)
		c.instant(x, ts[:n])
		ts = ts[n:]
	}
	commits.Put(c)
}

func byTime(a, b touch) int {
	switch {
	case a.t < b.t:
		return -1
	case a.t > b.t:
		return 1
	}
	return 0
}

var commits = sync.Pool{New: func() any { return &commit{hits: map[*Rule]int{}, judgedAt: map[judgedKey]int{}} }}

// commit is the scratch space of one transaction.
type commit struct {
	received int64
	txn      uint64
	id       uint64 // of the instant at work, so that a partition can tell whether it has listed it
	whole    bool   // a target's series that begin have no others that are still to come
	local    []localHit
	hits     map[*Rule]int // where in local a rule stands
	parts    []*partition
	instants []int64
	judged   []judgement
	judgedAt map[judgedKey]int // where in judged a rule's instant stands
}

// judgement is a rule that can be judged at an instant. All partitions of it that
// one transaction completes are judged by one evaluation.
type judgement struct {
	rule *Rule
	t    Trigger
}

type judgedKey struct {
	rule *Rule
	at   int64
}

// instants numbers all transactions and their instants.
var instants atomic.Uint64

// localHit collects the series of a local rule that one instant touches.
type localHit struct {
	rule   *Rule
	within labels.Labels
	flip   bool
}

// instant applies the samples of one timestamp.
func (c *commit) instant(x *Index, ts []touch) {
	c.id = instants.Add(1)
	for i := range ts {
		c.apply(x, &ts[i])
	}
	t := ts[0].t
	for i := range c.local {
		h := &c.local[i]
		x.sink.Trigger(h.rule, Trigger{At: t, Received: c.received, Within: h.within, Flip: h.flip})
		*h = localHit{}
	}
	for i, p := range c.parts {
		c.decide(p, t)
		c.parts[i] = nil
	}
	for i, j := range c.judged {
		x.sink.Trigger(j.rule, j.t)
		c.judged[i] = judgement{}
	}
	c.judged = c.judged[:0]
	clear(c.judgedAt)
	c.local, c.parts = c.local[:0], c.parts[:0]
	clear(c.hits)
}

func (c *commit) decide(p *partition, t int64) {
	if p.rule.eager {
		c.judge(p, t)
		return
	}
	at, skipped := p.judge(c.instants[:0], c.received)
	p.rule.Skipped.Add(skipped)
	for _, t := range at {
		c.judge(p, t)
	}
	c.instants = at[:0]
}

func (c *commit) judge(p *partition, at int64) {
	k := judgedKey{p.rule, at}
	t := Trigger{At: at, Received: c.received, Within: p.pick, Partitions: []string{p.key}}
	if i, ok := c.judgedAt[k]; ok {
		c.judged[i].t.Merge(t)
		return
	}
	c.judgedAt[k] = len(c.judged)
	c.judged = append(c.judged, judgement{p.rule, t})
}

func (c *commit) apply(x *Index, t *touch) {
	e := t.e
	e.mu.Lock()
	defer e.mu.Unlock()
	if t.t <= e.last {
		for i := range e.members {
			em := &e.members[i]
			em.rule.Late.Add(1)
			switch {
			case em.m != nil:
				em.m.p.late(em.m, t.t)
			case em.own != nil:
				em.own.late = max(em.own.late, t.t)
			}
		}
		return
	}
	same := !t.hist && e.last != silent && math.Float64bits(t.v) == math.Float64bits(e.v)
	if e.last, e.v = t.t, t.v; !same {
		e.changed = t.t
	}
	stale := value.IsStaleNaN(t.v)
	for i := range e.members {
		em := &e.members[i]
		em.rule.Arrivals.Add(1)
		switch {
		case em.m != nil:
			first, ok := em.m.p.touch(em.m, t, stale, !same, c)
			for !ok {
				em.m = em.rule.join(e.ls)
				first, ok = em.m.p.touch(em.m, t, stale, !same, c)
			}
			if first {
				c.parts = append(c.parts, em.m.p)
			}
		case stale:
			em.seen = 0
			if em.rule.plan.Timed {
				em.rule.crossings.drop(e.ls)
			}
		default:
			c.localSample(x, em, t, same)
		}
	}
}

// localSample applies a sample to a rule whose elements depend on one series each.
func (c *commit) localSample(x *Index, em *entryMember, t *touch, same bool) {
	r, epoch := em.rule, em.rule.epoch.Load()
	if em.own != nil {
		em.own.add(r.plan.Bound, moment{t: t.t, v: t.v, hist: t.hist})
	}
	if r.plan.Timed {
		if same && em.seen == epoch || t.hist {
			r.Skipped.Add(1)
			return
		}
		em.seen = epoch
		if at, ok := r.crossings.arm(t.e.ls, crossingTime(t.t, t.v, r.plan.Crossing)); ok {
			x.sink.Alarm(r, at)
		}
		return
	}
	flip := false
	if cmp := r.plan.Compare; cmp != nil {
		// Of a batch each sample asks: the first may be too old to raise anything.
		if t.hist || !cmp.Holds(t.v) || em.seen == epoch && em.txn != c.txn {
			r.Skipped.Add(1)
			return
		}
		flip = true
	} else if same && em.seen == epoch && (r.plan.Static || r.steadySince(t.e.changed, em.asked, true)) {
		r.Skipped.Add(1)
		return
	}
	em.seen, em.asked, em.txn = epoch, t.t, c.txn
	if em.own != nil {
		s := scope{b: r.plan.Bound, one: em.own, at: t.t, lookback: r.lookback}
		if s.empty() {
			r.Skipped.Add(1)
			return
		}
	}
	if i, ok := c.hits[r]; ok {
		c.local[i].within = common(c.local[i].within, t.e.ls)
		return
	}
	c.hits[r] = len(c.local)
	c.local = append(c.local, localHit{rule: r, within: allLabels().pick(t.e.ls), flip: flip})
}

// common is the part of a that b has too.
func common(a, b labels.Labels) labels.Labels {
	same := true
	a.Range(func(l labels.Label) { same = same && b.Get(l.Name) == l.Value })
	if same {
		return a
	}
	out := labels.NewScratchBuilder(a.Len())
	a.Range(func(l labels.Label) {
		if b.Get(l.Name) == l.Value {
			out.Add(l.Name, l.Value)
		}
	})
	return out.Labels()
}
