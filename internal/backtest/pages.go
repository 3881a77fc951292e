package backtest

import (
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sort"
	"sync"
	"time"

	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// matchers sets Alertmanager's matcher syntax, which is a global of its package.
var matchers sync.Once

// pager counts the notifications that a routing tree would have sent about
// firing alerts: by route and group, with group_wait, group_interval and
// repeat_interval. It knows neither silences nor inhibition nor mute times.
type pager struct {
	path  string
	route *dispatch.Route
	tells map[string]bool // receivers that tell anybody
}

func loadPager(path string) (*pager, error) {
	matchers.Do(func() { compat.InitFromFlags(slog.New(slog.DiscardHandler), featurecontrol.NoopFlags{}) })
	cfg, err := amconfig.LoadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	p := &pager{path: path, route: dispatch.NewRoute(cfg.Route, nil), tells: map[string]bool{}}
	for i := range cfg.Receivers {
		v := reflect.ValueOf(cfg.Receivers[i])
		for k := range v.NumField() {
			if f := v.Field(k); f.Kind() == reflect.Slice && f.Len() > 0 {
				p.tells[cfg.Receivers[i].Name] = true
			}
		}
	}
	return p, nil
}

// told is one firing alert as the router gets it.
type told struct {
	rule   *rule
	labels labels.Labels
	fired  int64
	ended  int64 // exclusive; after the period's end where it still fires
}

// count gives the notifications of the period by the rule whose alert was new in each.
func (p *pager) count(alerts []told, external labels.Labels, from, to int64) map[*rule]int {
	type groupKey struct {
		route *dispatch.Route
		key   string
	}
	groups := map[groupKey][]told{}
	var order []groupKey
	for _, a := range alerts {
		set := model.LabelSet{}
		external.Range(func(l labels.Label) { set[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
		a.labels.Range(func(l labels.Label) { set[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
		for _, r := range p.route.Match(set) {
			if !p.tells[r.RouteOpts.Receiver] {
				continue
			}
			by := model.LabelSet{}
			for name, v := range set {
				if _, ok := r.RouteOpts.GroupBy[name]; ok || r.RouteOpts.GroupByAll {
					by[name] = v
				}
			}
			k := groupKey{r, by.String()}
			if groups[k] == nil {
				order = append(order, k)
			}
			groups[k] = append(groups[k], a)
		}
	}
	out := map[*rule]int{}
	for _, k := range order {
		flushes(groups[k], &k.route.RouteOpts, to, func(r *rule, at int64) {
			if at >= from {
				out[r]++
			}
		})
	}
	return out
}

// flushes walks one group through its flushes and calls page for each
// notification that is about an alert which is new, or is a repetition.
func flushes(alerts []told, o *dispatch.RouteOpts, to int64, page func(r *rule, at int64)) {
	slices.SortStableFunc(alerts, func(a, b told) int { return int(min(max(a.fired-b.fired, -1), 1)) })
	for i := 0; i < len(alerts); {
		at := alerts[i].fired + int64(o.GroupWait)
		seen := map[uint64]bool{} // told as firing, and not yet seen as resolved
		last := int64(0)
		for at <= to {
			for i < len(alerts) && alerts[i].fired <= at {
				i++
			}
			var fresh, firing *rule
			now := map[uint64]bool{}
			for k := range alerts[:i] {
				if a := &alerts[k]; a.fired <= at && a.ended > at {
					h := a.labels.Hash()
					now[h] = true
					firing = a.rule
					if !seen[h] {
						fresh = a.rule
					}
				}
			}
			switch {
			case fresh != nil:
				page(fresh, at)
				last = at
			case firing != nil && at-last >= int64(o.RepeatInterval):
				page(firing, at)
				last = at
			}
			seen = now
			if firing == nil {
				break
			}
			at = nextFlush(alerts, i, at, last, o)
		}
		if at > to {
			return
		}
	}
}

// nextFlush is the next flush at which anything can be told; the flushes
// between tell nothing, and there may be very many of them.
func nextFlush(alerts []told, i int, at, last int64, o *dispatch.RouteOpts) int64 {
	step := max(int64(o.GroupInterval), int64(time.Second))
	due := last + int64(o.RepeatInterval)
	if i < len(alerts) {
		due = min(due, alerts[i].fired)
	}
	for k := range alerts[:i] {
		if a := &alerts[k]; a.ended > at {
			due = min(due, a.ended)
		}
	}
	if due <= at {
		return at + step
	}
	return at + (due-at+step-1)/step*step
}

// percentile is the nearest rank; sorted must not be empty.
func percentile(sorted []float64, p float64) float64 {
	i := sort.Search(len(sorted), func(i int) bool { return float64(i+1) >= p*float64(len(sorted)) })
	return sorted[min(i, len(sorted)-1)]
}
