package app

import (
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"touchline.dev/touchline/internal/alerting"
)

// wayJSON are the times of the hops of an alert's way, as our API shows them.
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

func wayOf(w *alerting.Timing) wayJSON {
	return wayJSON{
		Rule: w.Rule, Class: w.Class, Sample: w.Sample, Received: w.Received, Decided: w.Decided,
		Queued: w.Queued, Dispatched: w.Dispatched, Sent: w.Sent, Answered: w.Answered,
	}
}

// labelSet gives labels of the rules as the Alertmanager knows them.
func labelSet(ls labels.Labels) model.LabelSet {
	out := make(model.LabelSet, ls.Len())
	ls.Range(func(l labels.Label) { out[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
	return out
}
