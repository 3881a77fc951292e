package dispatch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/alert"
	amdispatch "github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
)

const one = `
route: {receiver: w, group_by: [alertname], group_wait: 30s, group_interval: 5m}
receivers: [{name: w, webhook_configs: [{url: "http://w"}]}]
`

// after lets time pass and returns what was told meanwhile.
func (r *replica) after(d time.Duration) []string {
	<-time.After(d)
	synctest.Wait()
	return r.told()
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("told\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// TestOrderIsTheProviders has 20,000 pairs of firing and resolved, each right
// behind the other. With several readers, as upstream has, some hundred alerts
// stay firing in the dispatcher while the provider has all of them resolved.
func TestOrderIsTheProviders(t *testing.T) {
	r := newReplica(t, "", replicaOptions{off: true})
	r.load(one)
	defer r.stop()
	const pairs = 20_000
	for n := range pairs {
		now := time.Now()
		ls := model.LabelSet{"alertname": "A", "i": model.LabelValue(fmt.Sprint(n))}
		up := &alert.Alert{Alert: model.Alert{Labels: ls, StartsAt: now, EndsAt: now.Add(time.Hour)}, UpdatedAt: now, Timeout: true}
		down := &alert.Alert{Alert: model.Alert{Labels: ls, StartsAt: now, EndsAt: now}, UpdatedAt: now}
		if err := r.alerts.Put(context.Background(), up, down); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.After(30 * time.Second)
	for {
		groups, _, err := r.d.Groups(context.Background(), func(*amdispatch.Route) bool { return true }, func(*alert.Alert, time.Time) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		firing, seen := 0, 0
		for _, g := range groups {
			for _, a := range g.Alerts {
				seen++
				if !a.Resolved() {
					firing++
				}
			}
		}
		if seen == pairs && firing == 0 {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatalf("of %d alerts, all resolved, %d came and %d fire", pairs, seen, firing)
		}
	}
}

// TestRetryGivesWayToNews has a receiver that fails, and a second alert while
// the lane waits for its next attempt: it is told at once, with the first.
func TestRetryGivesWayToNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReplica(t, "", replicaOptions{})
		r.load(one)
		defer r.stop()
		r.behave["w"] = "fail"
		r.put("A{i=1,severity=critical} firing")
		if n := len(r.after(time.Minute)); n < 4 || n > 60 {
			t.Fatalf("%d attempts in a minute", n)
		}
		r.mu.Lock()
		r.behave["w"] = ""
		r.mu.Unlock()
		r.put("A{i=2,severity=critical} firing")
		expect(t, r.after(earlyFirst), " 60.002 w firing A{i=1,severity=critical} A{i=2,severity=critical}")
	})
}

// TestNobodyWaitsForADeadReceiver has one that hangs in its own group, in
// another group, and behind another route.
func TestNobodyWaitsForADeadReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReplica(t, "", replicaOptions{})
		r.load(`
route: {receiver: w, group_by: [alertname], group_wait: 30s, group_interval: 5m, routes: [{matchers: [team=x], receiver: x}]}
receivers: [{name: w, webhook_configs: [{url: "http://a"}, {url: "http://b"}]}, {name: x, webhook_configs: [{url: "http://x"}]}]
`)
		defer r.stop()
		r.behave["w[0]"] = "hang"
		var hung, told []string
		for n := range 50 {
			r.put(fmt.Sprintf("A%02d{severity=critical} firing", n))
			r.put(fmt.Sprintf("B%02d{severity=critical,team=x} firing", n))
			hung = append(hung, fmt.Sprintf("  0.002 w[0] firing A%02d{severity=critical} (hang)", n))
			told = append(told, fmt.Sprintf("  0.002 w[1] firing A%02d{severity=critical}", n))
		}
		for n := range 50 {
			told = append(told, fmt.Sprintf("  0.002 x firing B%02d{severity=critical,team=x}", n))
		}
		expect(t, r.after(earlyFirst), append(hung, told...)...)
	})
}

// TestStop lets a request that is under way be answered and logged, so that it
// is not repeated after a restart, and cuts off one that hangs.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, err := nflog.New(nflog.Options{Retention: time.Hour, Logger: discard, Metrics: prometheus.NewRegistry()})
		if err != nil {
			t.Fatal(err)
		}
		r := newReplica(t, "", replicaOptions{log: log})
		r.load(one)
		r.behave["w"] = "slow"
		r.put("A{severity=critical} firing")
		expect(t, r.after(earlyFirst), "  0.002 w firing A{severity=critical} (slow)")
		begun := time.Now()
		r.stop()
		if d := time.Since(begun); d != 2*time.Second {
			t.Errorf("stop took %v, the request 2s", d)
		}
		r = newReplica(t, "", replicaOptions{log: log})
		r.load(one)
		defer r.stop()
		r.behave["w"] = "hang"
		r.put("A{severity=critical} firing since=1h")
		expect(t, r.after(time.Minute))
		r.put("A{severity=critical,i=2} firing")
		expect(t, r.after(earlyFirst), " 60.002 w firing A{severity=critical} A{i=2,severity=critical} (hang)")
		begun = time.Now()
		r.stop()
		if d := time.Since(begun); d != stopGrace {
			t.Errorf("stop took %v, want %v", d, stopGrace)
		}
	})
}

// TestStart flushes nothing before the start time, and nothing before the
// replicas know each other, but takes alerts in and answers for them.
func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settled := make(chan struct{})
		r := newReplica(t, "", replicaOptions{startAt: time.Now().Add(time.Minute), ready: func(ctx context.Context) error {
			select {
			case <-settled:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}})
		r.put("A{i=1,severity=critical} firing")
		r.load(one)
		defer r.stop()
		r.put("A{i=2} firing since=1h")
		synctest.Wait()
		if got, want := r.state(), "{}:{alertname=\"A\"} w\n  A{i=2} unprocessed\n  A{i=1,severity=critical} unprocessed\n"; got != want {
			t.Errorf("groups\n%swant\n%s", got, want)
		}
		if _, err := value(r.reg, "alertmanager_alerts"); err == nil {
			t.Error("alerts are counted by state before anything was decided")
		}
		expect(t, r.after(2*time.Minute))
		close(settled)
		expect(t, r.after(0), "120.000 w firing A{i=2} A{i=1,severity=critical}")
	})
}

func TestGroupsWaitsForTheFirstApply(t *testing.T) {
	r := newReplica(t, "", replicaOptions{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := r.d.Groups(ctx, nil, nil); err == nil {
		t.Error("groups without a configuration")
	}
	r.load(one)
	r.stop()
	r.d.Apply(Config{}) // after a stop: does nothing
	r.d.Stop()
}

// TestCluster has two replicas that share what they have told, as gossip does.
// The second waits for the first, and tells only what that one has not.
func TestCluster(t *testing.T) {
	for _, dead := range []bool{false, true} {
		t.Run(fmt.Sprintf("dead=%t", dead), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, err := nflog.New(nflog.Options{Retention: time.Hour, Logger: discard, Metrics: prometheus.NewRegistry()})
				if err != nil {
					t.Fatal(err)
				}
				a := newReplica(t, "a:", replicaOptions{log: log})
				b := newReplica(t, "b:", replicaOptions{log: log, wait: 15 * time.Second})
				conf := strings.Replace(one, "group_wait: 30s", "group_wait: 10s", 1)
				a.load(conf)
				b.load(conf)
				defer a.stop()
				defer b.stop()
				put := func(line string) {
					b.put(line)
					if !dead {
						a.put(line)
					}
					synctest.Wait()
				}
				put("A{severity=critical} firing")
				put("A{severity=critical} resolved")
				put("B{severity=critical} firing")
				put("C firing")
				put("C resolved")
				got := append(a.after(10*time.Minute), b.told()...)
				if !dead {
					// C ends before its first flush, and its end keeps group_interval.
					expect(t, got,
						"  0.002 a:w firing A{severity=critical}", "  0.002 a:w firing B{severity=critical}",
						" 10.000 a:w firing C", " 10.000 a:w resolved A{severity=critical}", "310.000 a:w resolved C")
					return
				}
				expect(t, got,
					" 15.002 b:w firing A{severity=critical}", " 15.002 b:w firing B{severity=critical}",
					" 25.000 b:w firing C", " 30.002 b:w resolved A{severity=critical}", "325.000 b:w resolved C")
			})
		})
	}
}

// TestIngested tells of every state of an alert that arrives.
func TestIngested(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		r := newReplica(t, "", replicaOptions{ingested: func(a *alert.Alert, at time.Time) {
			got = append(got, fmt.Sprint(a.Name(), " ", a.ResolvedAt(at)))
		}})
		r.load(one)
		defer r.stop()
		r.put("A{severity=critical} firing")
		synctest.Wait()
		r.put("A{severity=critical} resolved")
		synctest.Wait()
		if want := []string{"A false", "A true"}; !slices.Equal(got, want) {
			t.Errorf("told of %v, want %v", got, want)
		}
	})
}

// TestIdleGroupsCostNoGoroutine has 10,000 groups that wait.
func TestIdleGroupsCostNoGoroutine(t *testing.T) {
	r := newReplica(t, "", replicaOptions{})
	r.load(one)
	defer r.stop()
	before := runtime.NumGoroutine()
	for n := range 10_000 {
		r.put(fmt.Sprintf("A%d firing", n))
	}
	deadline := time.After(30 * time.Second)
	for {
		if n, err := value(r.reg, "alertmanager_dispatcher_aggregation_groups"); err != nil {
			t.Fatal(err)
		} else if n == 10_000 {
			break
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatal("the groups are not there")
		}
	}
	if n := runtime.NumGoroutine(); n > before+10 {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}

// TestEverybodyHearsTheLastState puts alerts from many sides while groups
// flush, reload and end, and then compares what was last told of each with what
// it is.
func TestEverybodyHearsTheLastState(t *testing.T) {
	r := newReplica(t, "", replicaOptions{})
	conf := func(n int) string {
		return fmt.Sprintf(`
route: {receiver: w, group_by: [alertname], group_wait: 2ms, group_interval: %dms, routes: [{matchers: ["x=y%d"]}]}
receivers: [{name: w, webhook_configs: [{url: "http://w"}]}]
`, 10+n%3, n)
	}
	r.load(conf(0))
	defer r.stop()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(7, uint64(w)))
			for range 1500 {
				now := time.Now()
				a := &alert.Alert{UpdatedAt: now, Alert: model.Alert{
					Labels:   model.LabelSet{"alertname": model.LabelValue(fmt.Sprint("A", rnd.IntN(5))), "i": model.LabelValue(fmt.Sprint(w, "-", rnd.IntN(4))), "severity": []model.LabelValue{"critical", "warning"}[rnd.IntN(2)]},
					StartsAt: now, EndsAt: now.Add(time.Hour),
				}}
				if rnd.IntN(2) == 0 {
					a.EndsAt = now
				}
				if err := r.alerts.Put(context.Background(), a); err != nil {
					t.Error(err)
				}
				if rnd.IntN(10) == 0 {
					<-time.After(time.Millisecond)
				}
			}
		})
	}
	stop := make(chan struct{})
	var reloads sync.WaitGroup
	reloads.Go(func() {
		for n := 1; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(7 * time.Millisecond):
				r.load(conf(n))
			}
		}
	})
	wg.Wait()
	close(stop)
	reloads.Wait()

	want := map[string]bool{}
	it := r.alerts.GetPending()
	for a := range it.Next() {
		want[describe(a.Data.Labels)] = !a.Data.Resolved()
	}
	it.Close()
	deadline := time.After(30 * time.Second)
	last := map[string]bool{}
	for {
		r.mu.Lock()
		for _, line := range r.heard {
			firing := true
			for _, word := range strings.Fields(line)[2:] {
				switch word {
				case "firing":
					firing = true
				case "resolved":
					firing = false
				default:
					last[word] = firing
				}
			}
		}
		r.heard = nil
		r.mu.Unlock()
		wrong := ""
		for a, firing := range want {
			if heard, ok := last[a]; ok && heard != firing || !ok && firing {
				wrong = fmt.Sprintf("%s fires: %t; last told: %t, ever: %t", a, firing, heard, ok)
			}
		}
		if wrong == "" {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatal(wrong)
		}
	}
}
