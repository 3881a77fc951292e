package shadow

import (
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// episode is one alert from its firing to its end.
type episode struct {
	labels   labels.Labels
	activeAt time.Time
	fired    time.Time
	ended    time.Time // zero: still firing
	class    string    // how ours was decided
	held     bool      // fired is Alertmanager's startsAt
}

// recorder keeps the episodes of one side.
type recorder struct {
	now func() time.Time

	mu      sync.Mutex
	list    []*episode
	open    map[string]*episode
	pending map[string][]time.Time // when an alert was seen pending
}

func newRecorder(now func() time.Time) *recorder {
	return &recorder{now: now, open: map[string]*episode{}, pending: map[string][]time.Time{}}
}

// fires notes an alert that fires; the first time counts.
func (r *recorder) fires(ls labels.Labels, activeAt, at time.Time, class string) *episode {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := ls.String()
	e := r.open[key]
	if e == nil {
		e = &episode{labels: ls, activeAt: activeAt, fired: at, class: class}
		r.open[key] = e
		r.list = append(r.list, e)
	}
	return e
}

func (r *recorder) ends(ls labels.Labels, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.open[ls.String()]; e != nil {
		e.ended = at
		delete(r.open, ls.String())
	}
}

// saw notes what a poll has found: alerts that fire, and with them the end of
// those that do not any more.
func (r *recorder) saw(alerts []active, at time.Time) {
	now := map[string]bool{}
	for _, a := range alerts {
		key := a.labels.String()
		r.mu.Lock()
		// An alert that ended and began again between two polls is two.
		if e := r.open[key]; e != nil && !a.activeAt.IsZero() && a.activeAt.After(e.activeAt) && a.activeAt.After(e.fired) {
			e.ended = a.activeAt
			delete(r.open, key)
		}
		if !a.firing {
			r.pending[key] = append(r.pending[key], at)
		}
		r.mu.Unlock()
		if a.firing {
			now[key] = true
			r.fires(a.labels, a.activeAt, at, "")
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, e := range r.open {
		if !now[key] {
			e.ended = at
			delete(r.open, key)
		}
	}
}

// heldBy takes the exact beginning of firing from Alertmanager.
func (r *recorder) heldBy(alerts []held) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range alerts {
		e := r.open[a.labels.String()]
		// Alertmanager's API tells milliseconds, Prometheus's nanoseconds.
		if e == nil || e.held || a.startsAt.Before(e.activeAt.Truncate(time.Millisecond)) || a.startsAt.After(e.fired) {
			continue
		}
		e.fired, e.held = a.startsAt, true
	}
}

// sawPending says whether an alert was seen pending near a time.
func (r *recorder) sawPending(key string, from, to time.Time) bool {
	for _, t := range r.pending[key] {
		if !t.Before(from) && !t.After(to) {
			return true
		}
	}
	return false
}
