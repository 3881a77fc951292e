package alerting

import "time"

// FiringAlert is an alert that is firing, whoever sent it.
type FiringAlert struct {
	Labels       map[string]string
	GeneratorURL string
}

// Firing lists the alerts that are firing, silenced and inhibited ones too.
func (a *Alertmanager) Firing() []FiringAlert {
	now := time.Now()
	it := a.alerts.GetPending()
	defer it.Close()
	var out []FiringAlert
	for x := range it.Next() {
		if x.Data.ResolvedAt(now) {
			continue
		}
		f := FiringAlert{Labels: make(map[string]string, len(x.Data.Labels)), GeneratorURL: x.Data.GeneratorURL}
		for k, v := range x.Data.Labels {
			f.Labels[string(k)] = string(v)
		}
		out = append(out, f)
	}
	return out
}
