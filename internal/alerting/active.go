package alerting

import (
	"context"
	"time"

	"github.com/prometheus/common/model"
)

// ActiveAlert is an alert that fires and that no silence mutes.
type ActiveAlert struct {
	Labels      map[string]string
	Annotations map[string]string
	StartsAt    time.Time
}

// Active lists the alerts that fire and that nobody has silenced. One that an
// inhibition rule mutes is among them: the fault is there all the same.
func (a *Alertmanager) Active(ctx context.Context) []ActiveAlert {
	it := a.alerts.GetPending()
	defer it.Close()
	now := time.Now()
	var out []ActiveAlert
	for x := range it.Next() {
		if x.Data.ResolvedAt(now) || a.silencer.Mutes(ctx, x.Data.Labels) {
			continue
		}
		out = append(out, ActiveAlert{Labels: texts(x.Data.Labels), Annotations: texts(x.Data.Annotations), StartsAt: x.Data.StartsAt})
	}
	return out
}

func texts(ls model.LabelSet) map[string]string {
	out := make(map[string]string, len(ls))
	for k, v := range ls {
		out[string(k)] = string(v)
	}
	return out
}
