package alerting

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/common/model"
)

// observed writes down what the observers are told.
type observed struct {
	mu     sync.Mutex
	order  []string // "flushed", "ended", "told"
	groups []Group
	ended  map[string]time.Time
	told   []Notification
}

func (o *observed) in(opts *Options) {
	o.ended = map[string]time.Time{}
	opts.Flushed = func(g Group) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.order, o.groups = append(o.order, "flushed "+g.Receiver), append(o.groups, g)
	}
	opts.Ended = func(fp string, at time.Time) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.order, o.ended[fp] = append(o.order, "ended"), at
	}
	opts.Told = func(n Notification) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.order, o.told = append(o.order, "told "+n.Receiver), append(o.told, n)
	}
}

func (o *observed) count(what string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, x := range o.order {
		if x == what {
			n++
		}
	}
	return n
}

// over is an alert that has ended.
func over(a *alert.Alert) *alert.Alert {
	out := *a
	out.EndsAt = time.Now()
	out.UpdatedAt = out.EndsAt
	return &out
}

func TestObservers(t *testing.T) {
	u, got := sink(t)
	var o observed
	a := testAlertmanager(t, t.TempDir(), fmt.Sprintf(`
route:
  receiver: w
  group_wait: 10ms
  group_interval: 100ms
  group_by: [alertname]
  routes: [{matchers: [alertname=Quiet], receiver: nobody}]
receivers: [{name: w, webhook_configs: [{url: %q}]}, {name: nobody}]
`, u), o.in)
	postSilence(t, a, "Muted", http.StatusOK)
	sample := time.Now().Add(-time.Second)
	down := firing("Down", "host", "h1")
	down.Annotations, down.GeneratorURL = model.LabelSet{"summary": "is down"}, "http://localhost/graph"
	if err := a.Put(context.Background(), Timing{Rule: "Down", Class: "local", Sample: sample}, down); err != nil {
		t.Fatal(err)
	}
	wait(t, got, "firing Down")
	until(t, func() bool { return o.count("told w") == 1 })
	quiet, muted := firing("Quiet"), firing("Muted")
	if err := a.Put(context.Background(), Timing{}, quiet, muted); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return o.count("flushed nobody") > 0 })
	o.mu.Lock()
	if o.order[0] != "flushed w" || o.order[1] != "told w" {
		t.Errorf("the first is told as %v", o.order)
	}
	g, n := o.groups[0], o.told[0]
	o.mu.Unlock()
	if g.Key != `{}:{alertname="Down"}` || g.Receiver != "w" || len(g.Labels) != 1 || g.Labels["alertname"] != "Down" || g.At.IsZero() || len(g.Alerts) != 1 {
		t.Fatalf("group %+v", g)
	}
	x := g.Alerts[0]
	if x.Fingerprint != down.Fingerprint().String() || x.Labels["host"] != "h1" || x.Annotations["summary"] != "is down" || x.GeneratorURL != down.GeneratorURL || !x.StartsAt.Equal(down.StartsAt) || !x.EndsAt.IsZero() {
		t.Errorf("alert %+v", x)
	}
	if w := x.Timing; w.Rule != "Down" || w.Class != "local" || !w.Sample.Equal(sample) || w.Queued.IsZero() || w.Dispatched.IsZero() || w.Dispatched.After(g.At) {
		t.Errorf("timing %+v", w)
	}
	if n.GroupKey != g.Key || n.Receiver != "w" || n.Integration != "webhook" || n.Firing != 1 || n.Error != "" || n.Way == nil || !slices.Equal(n.Fingerprints, []string{x.Fingerprint}) {
		t.Errorf("notification %+v", n)
	}
	if kept := a.Notifications(); len(kept) != 1 || kept[0].GroupKey != g.Key || kept[0].Fingerprints != nil {
		t.Errorf("kept %+v", kept)
	}

	if err := a.Put(context.Background(), Timing{}, over(down), over(quiet), over(muted)); err != nil {
		t.Fatal(err)
	}
	wait(t, got, "resolved Down")
	until(t, func() bool { return o.count("ended") == 3 && o.count("told w") == 2 })
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, g := range o.groups {
		for _, x := range g.Alerts {
			if at := o.ended[x.Fingerprint]; at.IsZero() || x.EndsAt.IsZero() && g.At.After(at) {
				t.Errorf("%s ended at %s and fires in the flush of %s", x.Labels["alertname"], at, g.At)
			}
		}
		if strings.Contains(g.Key, "Muted") && len(g.Alerts) > 0 {
			t.Errorf("the group of what is muted has %+v", g.Alerts)
		}
	}
	if n := o.told[1]; n.Resolved != 1 || n.Firing != 0 || len(n.Fingerprints) != 0 {
		t.Errorf("the end was told as %+v", n)
	}
}

// TestToldOfFailures tells of each attempt, with the error of those that fail.
func TestToldOfFailures(t *testing.T) {
	fails := 2 // one attempt at a time
	u := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if fails--; fails >= 0 {
			http.Error(w, "not now", http.StatusServiceUnavailable)
		}
	})
	var o observed
	a := testAlertmanager(t, t.TempDir(), webhook(u, ""), func(opts *Options) {
		o.in(opts)
		opts.Flushed = nil // one without the others
	})
	if err := a.Put(context.Background(), Timing{}, firing("Down")); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return o.count("told w") >= 3 })
	o.mu.Lock()
	defer o.mu.Unlock()
	for n, x := range o.told {
		if failed := n < 2; (x.Error != "") != failed {
			t.Errorf("attempt %d: %+v", n, x)
		}
	}
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}
