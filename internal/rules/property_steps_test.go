package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/tsdb/chunks"

	"touchline.dev/touchline/internal/rules/arrival"
)

// catchUp is how long our world may lack what Prometheus has after it has been
// down: the longest `for` and keep_firing_for, and two intervals.
const catchUp = 120 * time.Second

// restart closes our manager and opens it again, mostly at once. After a downtime
// of about the lookback time the storage knows of some series, or of none.
func (h *history) restart() {
	if h.ours.store.slow.Load() > time.Now().UnixNano() {
		return // a tick that begins late in one world alone would not be comparable
	}
	down := time.Duration(0)
	if h.r.IntN(4) == 0 {
		down = 4*time.Minute + time.Duration(h.r.IntN(150))*time.Second
	}
	gap := time.Duration(0)
	if h.r.IntN(6) == 0 {
		gap = time.Duration(h.r.IntN(40)) * time.Second
	}
	h.note("restart after %s, and %s more before the rules run", down, gap)
	if err := h.m.Close(); err != nil {
		h.t.Fatal(err)
	}
	if down > 0 {
		<-time.After(down)
		synctest.Wait()
		clear(h.known)
	}
	h.openWith(func() {
		<-time.After(gap)
		synctest.Wait()
	})
	if down+gap > 0 {
		h.blind = time.Now().Add(catchUp)
	}
}

// prompt checks that a sample which is above a threshold has raised its alert by
// the time that everything waits again, unless a tick has looked past its time.
func (h *history) prompt(batch []sample) {
	synctest.Wait()
	var w *watched
	for _, x := range h.m.arrivals.set.Load().all {
		if x.rule.Name() == "High" {
			w = x
		}
	}
	states := h.ours.states()
	w.mu.Lock()
	tick := w.lastTick
	w.mu.Unlock()
	for _, s := range batch {
		if s.name != "m" || !(s.v > 5) || s.t < h.newest[s.target] || s.t > timestamp.FromTime(time.Now()) || s.t < timestamp.FromTime(time.Now().Add(-w.tooOld())) || s.t <= timestamp.FromTime(tick) {
			continue
		}
		job, inst, _ := strings.Cut(s.target, "/")
		if a := labels.FromStrings("alertname", "High", "job", job, "instance", inst, "severity", "critical").String(); states[a] != rules.StateFiring {
			h.fail("m of %s is %v at %s, and High is not firing", s.target, s.v, timestamp.Time(s.t).UTC().Format("15:04:05.000"))
		}
	}
}

// late makes the ticks of some groups run late, in both worlds.
func (h *history) late() {
	if h.ours.store.slow.Load() > time.Now().UnixNano() {
		return
	}
	until := time.Now().Add(time.Duration(5+h.r.IntN(40)) * time.Second)
	h.note("ticks are late until %s", until.Format("15:04:05.000"))
	for _, w := range []*world{h.ours, h.stock} {
		w.store.slow.Store(until.UnixNano())
	}
}

// begun checks that a raise of several series was not decided before a tick had
// looked at them since they began. Nobody can tell whether the first of them
// are all. Those of a target that our own scrape brings are, and so are those
// that the storage had when our manager was opened.
func (h *history) begun(r raised, w *watched) {
	p := w.idx.Plan()
	if p.Class == arrival.Local || w.mode == ArrivalEager {
		return
	}
	born, whole := h.birth(r, p, r.at)
	if born <= r.looked || whole && p.Class == arrival.Target {
		return
	}
	if born <= r.opened {
		newest := int64(0)
		for _, s := range h.ours.store.series {
			for _, x := range s.samples {
				if selects(p, s.ls) && shares(p.Partition, s.ls, r.element) && x.T() <= r.opened && !value.IsStaleNaN(x.F()) {
					newest = max(newest, x.T())
				}
			}
		}
		if newest >= r.opened-h.m.o.Lookback.Milliseconds()/2 {
			return
		}
	}
	h.fail("%s of %s was raised at %s for %s, and its series began at %s: no tick has looked at them, the last was at %s", r.rule, r.element, r.when.Format("15:04:05.000"),
		timestamp.Time(r.at).UTC().Format("15:04:05.000"), timestamp.Time(born).UTC().Format("15:04:05.000"), timestamp.Time(r.looked).UTC().Format("15:04:05.000"))
}

// birth is the first sample since the partition of a raise has had live series
// without a break, and whether it came with its whole target.
func (h *history) birth(r raised, p *arrival.Plan, at int64) (born int64, whole bool) {
	type event struct {
		series *memSeries
		x      chunks.Sample
	}
	var all []event
	for _, s := range h.ours.store.series {
		if !selects(p, s.ls) || !shares(p.Partition, s.ls, r.element) {
			continue
		}
		for _, x := range s.samples {
			if x.T() <= at {
				all = append(all, event{s, x})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b event) int { return cmp.Compare(a.x.T(), b.x.T()) })
	until := map[*memSeries]int64{}
	for _, e := range all {
		t := e.x.T()
		if value.IsStaleNaN(e.x.F()) {
			until[e.series] = t - 1
			continue
		}
		if ends := slices.Collect(maps.Values(until)); len(ends) == 0 || slices.Max(ends) < t {
			born, whole = t, h.whole[fmt.Sprint(e.series.ls.Get("job"), "/", e.series.ls.Get("instance"), t)]
		}
		until[e.series] = t + h.m.o.Lookback.Milliseconds() - 1
	}
	return born, whole
}

func selects(p *arrival.Plan, ls labels.Labels) bool {
	return slices.ContainsFunc(p.Selectors, func(sel arrival.Selector) bool {
		return (sel.Name == "" || sel.Name == ls.Get(labels.MetricName)) && sel.Matches(ls)
	})
}

// shares says whether a series and an element agree in the labels of a partition.
func shares(s arrival.LabelSet, a, b labels.Labels) bool {
	same := true
	check := func(l labels.Label) {
		same = same && (l.Name == labels.MetricName || !s.Has(l.Name) || a.Get(l.Name) == b.Get(l.Name))
	}
	a.Range(check)
	b.Range(check)
	return same
}
