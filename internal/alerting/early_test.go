package alerting

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func early(o *Options) {
	o.EarlyFlush = `severity="critical"`
}

// patient has a group_wait that no test outlasts.
func patient(u string) string {
	return fmt.Sprintf("route: {receiver: w, group_wait: 1h, group_interval: 1h, group_by: [alertname]}\nreceivers: [{name: w, webhook_configs: [{url: %q}]}]\n", u)
}

// TestUrgentAlertIsToldAtOnce has the times of its way in the record of its
// notification and in the metrics.
func TestUrgentAlertIsToldAtOnce(t *testing.T) {
	u, got := sink(t)
	reg := prometheus.NewRegistry()
	a := testAlertmanager(t, t.TempDir(), patient(u), func(o *Options) { early(o); o.Registerer = reg })
	if err := a.Put(t.Context(), Timing{}, firing("Patient")); err != nil {
		t.Fatal(err)
	}
	urgent := firing("Urgent", "severity", "critical")
	known := Timing{Rule: "Urgent", Class: "local", Sample: urgent.StartsAt.Add(-4 * time.Second), Received: urgent.StartsAt.Add(-3 * time.Second), Decided: urgent.StartsAt.Add(-time.Second)}
	if err := a.Put(t.Context(), known, urgent); err != nil {
		t.Fatal(err)
	}
	wait(t, got, "firing Urgent")
	until(t, func() bool { return len(a.Notifications()) == 1 })
	way := a.Notifications()[0].Way
	if way == nil || way.Sample != known.Sample || way.Class != "local" || way.Dispatched.Before(way.Queued) || way.Sent.Before(way.Dispatched) || way.Answered.Before(way.Sent) {
		t.Errorf("the way is %+v", way)
	}
	if n, err := testutil.GatherAndCount(reg, "touchline_alert_hop_seconds"); err != nil || n != 7 {
		t.Errorf("%d hops in the metrics: %v", n, err)
	}
	// A firing that is told again is no new delay.
	urgent.UpdatedAt = time.Now()
	if err := a.Put(t.Context(), Timing{Class: "tick"}, urgent, firing("Urgent", "severity", "critical", "i", "2")); err != nil {
		t.Fatal(err)
	}
	wait(t, got, "firing Urgent,Urgent")
	until(t, func() bool { return len(a.Notifications()) == 2 })
	if way := a.Notifications()[0].Way; way == nil || way.Class != "tick" || !way.Sample.IsZero() {
		t.Errorf("the way of the second alert is %+v", way)
	}
}

func TestEarlyFlushNeedsMatchers(t *testing.T) {
	o := Options{DataDir: t.TempDir(), Logger: discard, Registerer: prometheus.NewRegistry(), EarlyFlush: "severity"}
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "early_flush.matchers") {
		t.Errorf("got %v", err)
	}
}

// TestRequestsToOneReceiverAreBounded has many groups of a receiver that hangs.
func TestRequestsToOneReceiverAreBounded(t *testing.T) {
	var now, most atomic.Int64
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(srv.Close)
	const groups = concurrency + 50
	a := testAlertmanager(t, t.TempDir(), patient(srv.URL), func(o *Options) { early(o); o.OutboxCapacity = groups })
	for n := range groups {
		if err := a.Put(context.Background(), Timing{}, firing(fmt.Sprint("A", n), "severity", "critical")); err != nil {
			t.Fatal(err)
		}
	}
	until(t, func() bool { return most.Load() == concurrency })
	close(release)
	until(t, func() bool { return len(a.Notifications()) == groups })
	if n := most.Load(); n != concurrency {
		t.Errorf("%d requests at the same time", n)
	}
}

// BenchmarkUrgentAlert is the time from Put to the webhook's receipt of an
// urgent alert while 10,000 groups wait.
func BenchmarkUrgentAlert(b *testing.B) {
	benchmark(b, 10_000, func(n int) []*alert.Alert {
		return []*alert.Alert{firing(fmt.Sprint("Urgent", n), "severity", "critical")}
	}, b.N, 1)
}

// BenchmarkStorm is the time from Put to the first notification of each group
// of 5,000 urgent alerts that come at once and fall into 500 groups.
func BenchmarkStorm(b *testing.B) {
	storm := make([]*alert.Alert, 0, 5000)
	for n := range 5000 {
		storm = append(storm, firing(fmt.Sprint("Storm", n%500), "severity", "critical", "i", fmt.Sprint(n)))
	}
	for b.Loop() {
		b.StopTimer()
		benchmark(b, 0, func(int) []*alert.Alert { return storm }, 1, 500)
		b.StartTimer()
	}
}
