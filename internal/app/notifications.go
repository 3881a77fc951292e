package app

import (
	"time"

	"touchline.dev/touchline/internal/alerting"
)

// wayJSON are the times of the hops of an alert's way, as our API shows them.
type wayJSON struct {
	Rule       string    `json:"rule,omitempty"`
	Class      string    `json:"class"`
	Active     time.Time `json:"active,omitzero"`
	Sample     time.Time `json:"sample,omitzero"`
	Received   time.Time `json:"received,omitzero"`
	Decided    time.Time `json:"decided,omitzero"`
	Queued     time.Time `json:"queued,omitzero"`
	Dispatched time.Time `json:"dispatched,omitzero"`
	Sent       time.Time `json:"sent"`
	Answered   time.Time `json:"answered"`
}

func wayOf(w *alerting.Timing) wayJSON {
	return wayJSON{
		Rule: w.Rule, Class: w.Class, Active: w.Active, Sample: w.Sample, Received: w.Received, Decided: w.Decided,
		Queued: w.Queued, Dispatched: w.Dispatched, Sent: w.Sent, Answered: w.Answered,
	}
}
