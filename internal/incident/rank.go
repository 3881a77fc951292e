package incident

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// What a hint weighs that has changed just when the incident began, or shortly before.
// A scrape that fails and a level that shifts weigh 55 and 10 to 50 (see shift).
const (
	deployWeight   = 36 // of a deployment with no labels in common with the incident
	deployLabelled = 50 // of one with some, for each and once more
	alertBefore    = 20 // of an alert that was there before
	alertWith      = 10 // of one that began at the same time, which may have the same cause
)

// A deployment loses two thirds of its weight in half an hour, an alert in five minutes.
// So each deployment that has a label in common is before each that has none: in all
// the time that is looked at, the former falls to 36.8 at least, and the latter begins with 36.
const (
	deployFades = hintBefore
	alertFades  = 5 * time.Minute
)

// hintSlack is how exactly it is known what came first: clocks differ, and samples are
// taken once in a while.
const hintSlack = 15 * time.Second

// changedByDeploys are labels that a deployment is there to change: that of an alert has
// another value before or after, and this does not make it a deployment of something else.
var changedByDeploys = []string{"version", "revision", "commit", "image", "tag"}

// rank puts what else changed in order, the likeliest cause first. What began clearly
// after the incident is no cause: of alerts it is said that they are rather a
// consequence, and deployments are left out.
func rank(d *Detail, at time.Time, deploys []Deploy, alerts []Member, shifts []Hint) []Hint {
	out := slices.Clone(shifts)
	for _, x := range deploys {
		if h, ok := deployHint(x, at, d); ok {
			out = append(out, h)
		}
	}
	for _, m := range alerts {
		out = append(out, alertHint(m, at, d))
	}
	slices.SortStableFunc(out, func(a, b Hint) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(a.Title, b.Title))
	})
	if len(out) > maxHints {
		out = out[:maxHints]
	}
	for n := range out {
		out[n].Rank = n + 1
	}
	return out
}

// deployHint is the hint that something was deployed, unless it was something else
// than what the incident is about, or later.
func deployHint(x Deploy, at time.Time, d *Detail) (Hint, bool) {
	lag := at.Sub(x.At)
	if lag < -hintSlack || contradicts(x.Labels, d) {
		return Hint{}, false
	}
	weight := float64(deployWeight)
	if n := common(x.Labels, d); n > 0 {
		weight = deployLabelled * float64(1+n)
	}
	return Hint{Kind: HintDeploy, Title: x.Title, At: x.At, Score: weight * fade(lag, deployFades), Data: map[string]any{"labels": x.Labels, "by": x.Actor, "failed": x.Failed}}, true
}

// alertHint is the hint that another alert began.
func alertHint(m Member, at time.Time, d *Detail) Hint {
	h := Hint{Kind: HintAlert, Title: m.Name, At: m.StartsAt, Data: map[string]any{"labels": m.Labels, "fingerprint": m.Fingerprint}}
	lag := at.Sub(m.StartsAt)
	if lag < -hintSlack {
		// Below 1, which is less than all that may be a cause has.
		h.Score = fade(lag, alertFades)
		h.Data[followsKey] = milliseconds(-lag)
		return h
	}
	weight := alertWith
	if lag > hintSlack {
		weight = alertBefore
	}
	h.Score = float64(weight) * fade(lag, alertFades) * float64(1+2*common(m.Labels, d))
	return h
}

// fade is what is left of a weight at a distance in time.
func fade(distance, by time.Duration) float64 {
	return math.Exp(-distance.Abs().Seconds() / by.Seconds())
}

// followsKey has in Hint.Data how many milliseconds after the incident it began.
const followsKey = "after_ms"

// Follows tells whether something began so long after the incident that it is
// rather a consequence of it, and how long that was.
func (h *Hint) Follows() (after time.Duration, ok bool) {
	ms, ok := h.Data[followsKey].(float64)
	return time.Duration(ms * float64(time.Millisecond)), ok
}

// common counts the labels that something has in common with an alert of the incident.
func common(ls map[string]string, d *Detail) (most int) {
	for _, m := range d.Alerts {
		n := 0
		for k, v := range ls {
			if k != "alertname" && k != "severity" && m.Labels[k] == v {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// contradicts tells whether a deployment has a label of which all alerts of the
// incident that have it have other values: the service of somebody else.
func contradicts(ls map[string]string, d *Detail) bool {
	for k, v := range ls {
		if slices.Contains(changedByDeploys, k) {
			continue
		}
		has, same := false, false
		for _, m := range d.Alerts {
			if have := m.Labels[k]; have != "" {
				has, same = true, same || have == v
			}
		}
		if has && !same {
			return true
		}
	}
	return false
}
