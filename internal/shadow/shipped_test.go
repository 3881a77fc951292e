package shadow

import "testing"

func TestShippedAlertsAreLeftOut(t *testing.T) {
	own := apiGroup{File: "/etc/rules.yml", Rules: []apiRule{
		{Type: "alerting", Name: "Watchdog", Labels: map[string]string{"severity": "none", "team": "shop"}},
		{Type: "alerting", Name: "ShopDown"},
	}}
	shipped := apiGroup{File: "stack/rules/host.yml", Rules: []apiRule{
		{Type: "alerting", Name: "Watchdog", Labels: map[string]string{"severity": "none", "team": "platform"}},
		{Type: "alerting", Name: "HostDown", Labels: map[string]string{"host": "{{ $labels.instance }}"}},
		{Type: "recording", Name: "ShopDown"},
	}}
	if shippedAlerts([]apiGroup{own}) != nil {
		t.Error("a server without shipped rules has some")
	}
	is := shippedAlerts([]apiGroup{own, shipped})
	for _, c := range []struct {
		labels []string
		want   bool
	}{
		{[]string{"Watchdog", "severity", "none", "team", "platform"}, true},
		{[]string{"Watchdog", "severity", "none", "team", "shop"}, false},
		{[]string{"HostDown", "host", "db-1"}, true},
		{[]string{"ShopDown", "instance", "a"}, false},
		{[]string{"Unknown"}, false},
	} {
		if got := is(alert(c.labels[0], c.labels[1:]...)); got != c.want {
			t.Errorf("%q: %t", c.labels, got)
		}
	}
}
