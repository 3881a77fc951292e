package dispatch

import (
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
)

// Early says which alerts are told at once, and switches on what goes with it:
// a resolve is withheld until its firing has been told.
type Early struct {
	Matchers labels.Matchers // all of them must match
}

// urgent reports whether an alert may pull its group forward. One that an
// inhibition rule could mute may not: the inhibitor learns of the alerts that
// inhibit it on a way of its own, and is sure to know them after group_wait only.
func (e *Early) urgent(ls model.LabelSet, inhibited []labels.Matchers) bool {
	if e == nil || !e.Matchers.Matches(ls) {
		return false
	}
	for _, m := range inhibited {
		if m.Matches(ls) {
			return false
		}
	}
	return true
}

// earlyFirst is how long the first urgent alert waits for others of its group,
// and earlyDecay the part of group_interval in which half of the wait that a
// burst has built up is forgotten.
const (
	earlyFirst = 2 * time.Millisecond
	earlyDecay = 16
)

// debounce spaces the early flushes of a group. The space doubles with each up
// to group_interval, so that a burst that lasts for t is told in log(t)
// messages whose sizes add up to no more than a few times the last one's. A
// group that stays busy is told at most earlyDecay times a group_interval.
type debounce struct {
	space time.Duration // between the last early flush and the next
	last  time.Time
}

// next is when to flush for an urgent alert that comes now.
func (b *debounce) next(now time.Time, limit time.Duration) time.Time {
	at := now.Add(earlyFirst)
	if b.last.IsZero() {
		return at
	}
	b.forget(now, limit)
	if spaced := b.last.Add(b.space); spaced.After(at) {
		return spaced
	}
	return at
}

// forget halves the space for each part of limit that was quiet.
func (b *debounce) forget(now time.Time, limit time.Duration) {
	part := max(limit/earlyDecay, earlyFirst)
	for quiet := now.Sub(b.last); quiet >= part && b.space > earlyFirst; quiet -= part {
		b.space /= 2
	}
	b.space = max(b.space, earlyFirst)
}

// In a storm the first word of each group goes before the second of any: the
// more lanes are telling something, the longer a group waits for its next early
// flush. perLane is about what a message costs.
const (
	perLane     = time.Millisecond
	maxPressure = 500 * time.Millisecond
)

// pressure is how long the messages that are under way keep the process busy.
func pressure(lanes int64) time.Duration { return min(time.Duration(lanes)*perLane, maxPressure) }

// flushed takes note of an early flush.
func (b *debounce) flushed(now time.Time, limit, pressure time.Duration) {
	if !b.last.IsZero() {
		b.forget(now, limit)
	}
	b.space = min(max(2*max(b.space, earlyFirst), pressure), max(limit, earlyFirst))
	b.last = now
}
