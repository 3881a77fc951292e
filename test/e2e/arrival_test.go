//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/prompb"
)

// TestBadSampleIsToldAtOnce sends one bad sample to a rule with an interval of
// a minute and a route that waits for half a minute. The webhook must have it
// long before either, and must have the one-sample fault that is over again.
func TestBadSampleIsToldAtOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := map[string]time.Time{}
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m struct {
			Alerts []struct {
				Status string
				Labels map[string]string
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, a := range m.Alerts {
			k := a.Labels["alertname"] + " " + a.Labels["instance"] + " " + a.Status
			if got[k].IsZero() {
				got[k] = time.Now()
			}
		}
	}))
	defer sink.Close()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"prometheus.yml": "rule_files: [rules.yml]\n",
		"rules.yml": `
groups:
- name: slow
  interval: 1m
  rules:
  - {alert: Local, expr: load > 5, labels: {severity: critical}}
  - {alert: Target, expr: used / size > 0.9, labels: {severity: critical}}
  - {alert: Global, expr: sum by (job) (errors) > 10, labels: {severity: critical}}
  - {alert: Calm, expr: load > 5, labels: {severity: warning}}
`,
		"alertmanager.yml": fmt.Sprintf(`
route: {receiver: hook, group_by: [alertname, instance], group_wait: 30s, group_interval: 1m}
receivers: [{name: hook, webhook_configs: [{url: %q}]}]
`, sink.URL),
	} {
		write(t, dir, name, content)
	}
	start := func() *process {
		return launch(t, filepath.Join(dir, "data"), "--sources.enabled=false", "--stack.enabled=false",
			"--prometheus.config="+filepath.Join(dir, "prometheus.yml"), "--alertmanager.config="+filepath.Join(dir, "alertmanager.yml"))
	}
	p := start()
	send := func(values map[string]float64, instance string) time.Time {
		var ts []prompb.TimeSeries
		now := time.Now()
		for name, v := range values {
			ts = append(ts, prompb.TimeSeries{
				Labels:  []prompb.Label{{Name: "__name__", Value: name}, {Name: "instance", Value: instance}, {Name: "job", Value: "app"}},
				Samples: []prompb.Sample{{Timestamp: now.UnixMilli(), Value: v}},
			})
		}
		raw, err := proto.Marshal(&prompb.WriteRequest{Timeseries: ts})
		if err != nil {
			t.Fatal(err)
		}
		if code, body := p.do(http.MethodPost, "/api/v1/write", "application/x-protobuf", snappy.Encode(nil, raw), remoteWriteHeader); code/100 != 2 {
			t.Fatalf("write: %d %s", code, body)
		}
		return now
	}
	good := map[string]float64{"load": 1, "used": 1, "size": 10, "errors": 1}
	send(good, "a")
	send(good, "b")
	// A rule over several series waits for a tick once, unless the storage knows them.
	p.stop()
	p = start()
	send(good, "a")
	send(good, "b")
	<-time.After(20 * time.Millisecond)
	sent := send(map[string]float64{"load": 9, "used": 9.5, "size": 10, "errors": 20}, "a")
	<-time.After(20 * time.Millisecond)
	send(good, "a")
	send(good, "b")
	at := func(k string) time.Time {
		mu.Lock()
		defer mu.Unlock()
		return got[k]
	}
	for _, k := range []string{"Local a firing", "Target a firing", "Global  firing"} {
		p.until(10*time.Second, k, func() bool { return !at(k).IsZero() })
		t.Logf("%s: told %s after the sample was sent", k, at(k).Sub(sent))
	}
	if !at("Calm a firing").IsZero() {
		t.Error("a warning did not wait for group_wait")
	}
	code, body := p.get("/touchline/v1/notifications")
	var ns struct {
		Notifications []struct {
			Way *struct {
				Class                                           string
				Sample, Received, Decided, Dispatched, Answered time.Time
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &ns); code != http.StatusOK || err != nil {
		t.Fatalf("notifications: %d, %v: %s", code, err, body)
	}
	for _, n := range ns.Notifications {
		w := n.Way
		if w == nil || w.Received.Before(w.Sample) || w.Decided.Before(w.Received) || w.Dispatched.Before(w.Decided) || w.Answered.Before(w.Dispatched) {
			t.Errorf("a notification whose hops are not in order: %+v", w)
		}
	}
	p.stop()
}
