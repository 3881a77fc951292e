package app

import (
	"time"

	"touchline.dev/touchline/internal/alerting"
)

// notificationJSON is one attempt to tell a receiver, as our API shows it.
// Durations are seconds. Hops are those of the alert that had been on its way
// for longest, of those that the receiver was told for the first time.
type notificationJSON struct {
	At          time.Time `json:"at"`
	Receiver    string    `json:"receiver"`
	Integration string    `json:"integration"`
	Group       string    `json:"group"`
	Firing      int       `json:"firing"`
	Resolved    int       `json:"resolved"`
	Took        float64   `json:"took_seconds"`
	Error       string    `json:"error,omitempty"`
	Way         *wayJSON  `json:"way,omitempty"`
}

type wayJSON struct {
	Rule       string    `json:"rule,omitempty"`
	Class      string    `json:"class"`
	Sample     time.Time `json:"sample,omitzero"`
	Received   time.Time `json:"received,omitzero"`
	Decided    time.Time `json:"decided,omitzero"`
	Queued     time.Time `json:"queued,omitzero"`
	Dispatched time.Time `json:"dispatched,omitzero"`
	Sent       time.Time `json:"sent"`
	Answered   time.Time `json:"answered"`
}

func notificationsJSON(ns []alerting.Notification) []notificationJSON {
	out := make([]notificationJSON, 0, len(ns))
	for _, n := range ns {
		j := notificationJSON{At: n.At, Receiver: n.Receiver, Integration: n.Integration, Group: n.Group, Firing: n.Firing, Resolved: n.Resolved, Took: n.Took.Seconds(), Error: n.Error}
		if w := n.Way; w != nil {
			j.Way = &wayJSON{
				Rule: w.Rule, Class: w.Class, Sample: w.Sample, Received: w.Received, Decided: w.Decided,
				Queued: w.Queued, Dispatched: w.Dispatched, Sent: w.Sent, Answered: w.Answered,
			}
		}
		out = append(out, j)
	}
	return out
}
