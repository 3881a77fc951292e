package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	amcommon "github.com/prometheus/alertmanager/config/common"
	upstream "github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/alertmanager/provider/mem"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scene is a dispatcher with upstream's store, pipeline and notification log
// around it, and receivers that note what they are told.
type scene struct {
	t        *testing.T
	log      *slog.Logger
	reg      *prometheus.Registry
	alerts   *mem.Alerts
	nflog    *nflog.Log
	silences *silence.Silences
	silencer *silence.Silencer
	inh      *inhibit.Inhibitor
	builder  *notify.PipelineBuilder
	metrics  *Metrics
	d        *Dispatcher
	begun    time.Time
	early    string

	mu    sync.Mutex
	told  []string
	hang  map[string]bool  // receivers that never answer
	fails map[string]int   // how often a receiver still refuses
	seen  map[string][]int // sizes of messages by receiver
}

// play runs f in a bubble. early are the matchers of urgent alerts.
func play(t *testing.T, early, conf string, f func(*scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{
			t: t, log: slog.New(slog.DiscardHandler), reg: prometheus.NewRegistry(), begun: time.Now(), early: early,
			hang: map[string]bool{}, fails: map[string]int{}, seen: map[string][]int{},
		}
		var err error
		if s.nflog, err = nflog.New(nflog.Options{Retention: time.Hour, Logger: s.log, Metrics: s.reg}); err != nil {
			t.Fatal(err)
		}
		rec := eventrecorder.Recorder{}
		if s.silences, err = silence.New(silence.Options{Retention: time.Hour, Logger: s.log, Metrics: s.reg, EventRecorder: rec}); err != nil {
			t.Fatal(err)
		}
		s.silencer = silence.NewSilencer(s.silences, s.log, rec)
		ctx, cancel := context.WithCancel(t.Context())
		if s.alerts, err = mem.NewAlerts(ctx, 30*time.Minute, 0, s.silencer, s.log, rec, s.reg, featurecontrol.NoopFlags{}); err != nil {
			t.Fatal(err)
		}
		s.builder, s.metrics = notify.NewPipelineBuilder(s.reg, featurecontrol.NoopFlags{}, rec), NewMetrics(s.reg)
		s.load(conf)
		f(s)
		s.inh.Stop()
		s.d.Stop()
		s.alerts.Close()
		cancel()
		synctest.Wait()
	})
}

// load puts a configuration into force, as a reload does.
func (s *scene) load(conf string) {
	s.t.Helper()
	c, err := config.Load(conf)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.d != nil {
		s.inh.Stop()
		s.d.Stop()
	}
	receivers := map[string][]notify.Integration{}
	for _, r := range c.Receivers {
		n := 1
		if strings.HasPrefix(r.Name, "two-") {
			n = 2
		}
		for i := range n {
			receivers[r.Name] = append(receivers[r.Name], notify.NewIntegration(receiver{s, fmt.Sprintf("%s/%d", r.Name, i)}, resolved(!strings.HasSuffix(r.Name, "-firing")), "test", i, r.Name))
		}
	}
	s.inh = inhibit.NewInhibitor(s.alerts, c.InhibitRules, s.log, eventrecorder.Recorder{})
	intervals := map[string][]timeinterval.TimeInterval{}
	for _, ti := range c.TimeIntervals {
		intervals[ti.Name] = ti.TimeIntervals
	}
	groups := marker.NewGroupMarker()
	stages := s.builder.New(receivers, func() time.Duration { return 0 }, s.inh, s.silencer, timeinterval.NewIntervener(intervals), groups, s.nflog, nil)
	var ms labels.Matchers
	if s.early != "" {
		if ms, err = compat.Matchers(s.early, "test"); err != nil {
			s.t.Fatal(err)
		}
	}
	d, err := New(Options{
		Alerts: s.alerts, Route: upstream.NewRoute(c.Route, nil), Stages: stages, Groups: groups, Logger: s.log, Metrics: s.metrics,
		Timeout: func(d time.Duration) time.Duration { return max(d, notify.MinTimeout) }, Maintenance: 30 * time.Second, Previous: s.d,
		Early: Early{Matchers: ms, Inhibitable: func(ls model.LabelSet) bool {
			return slices.ContainsFunc(c.InhibitRules, func(r amcommon.InhibitRule) bool { return inhibit.NewInhibitRule(r).TargetMatchers.Matches(ls) })
		}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	go s.inh.Run()
	s.inh.WaitForLoading()
	go d.Run(s.begun)
	d.WaitForLoading()
	s.d = d
}

type resolved bool

func (r resolved) SendResolved() bool { return bool(r) }

// receiver notes what it is told.
type receiver struct {
	s    *scene
	name string
}

func (r receiver) Notify(ctx context.Context, as ...*alert.Alert) (bool, error) {
	r.s.mu.Lock()
	hang := r.s.hang[r.name]
	fails := r.s.fails[r.name]
	if fails > 0 {
		r.s.fails[r.name]--
	}
	r.s.mu.Unlock()
	if hang {
		<-ctx.Done()
		return true, ctx.Err()
	}
	if fails > 0 {
		return true, errors.New("refused")
	}
	var firing, over []string
	for _, a := range as {
		if n := string(a.Labels["n"]); a.Resolved() {
			over = append(over, n)
		} else {
			firing = append(firing, n)
		}
	}
	slices.Sort(firing)
	slices.Sort(over)
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.seen[r.name] = append(r.s.seen[r.name], len(as))
	r.s.told = append(r.s.told, fmt.Sprintf("%s %s firing=%s resolved=%s", time.Since(r.s.begun).Round(time.Millisecond), r.name, strings.Join(firing, ","), strings.Join(over, ",")))
	return false, nil
}

// fire puts firing alerts into the store, resolve their ends.
func (s *scene) fire(names ...string) { s.put(false, names...) }

func (s *scene) resolve(names ...string) { s.put(true, names...) }

// put takes names such as "a" or "a!", which is critical, or "a?", which a silence or inhibition aims at.
func (s *scene) put(over bool, names ...string) {
	s.t.Helper()
	now := time.Now()
	var as []*alert.Alert
	for _, n := range names {
		sev := model.LabelValue("warning")
		if strings.HasSuffix(n, "!") {
			sev = "critical"
		}
		a := &alert.Alert{Alert: model.Alert{
			Labels:   model.LabelSet{"alertname": "A", "n": model.LabelValue(strings.TrimRight(n, "!")), "severity": sev, "team": "x"},
			StartsAt: now, EndsAt: now.Add(time.Hour),
		}, UpdatedAt: now}
		if over {
			if old, err := s.alerts.Get(a.Fingerprint()); err == nil {
				a.StartsAt = old.StartsAt
			}
			a.EndsAt = now
		}
		as = append(as, a)
	}
	if err := s.alerts.Put(context.Background(), as...); err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
}

// at lets time pass until so long after the beginning.
func (s *scene) at(d time.Duration) {
	<-time.After(time.Until(s.begun.Add(d)))
	synctest.Wait()
}

// expect compares what has been told since the last time.
func (s *scene) expect(want ...string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.told, want) {
		s.t.Errorf("at %s told\n  %s\nwant\n  %s", time.Since(s.begun), strings.Join(s.told, "\n  "), strings.Join(want, "\n  "))
	}
	s.told = nil
}

const plain = `
route: {receiver: r, group_by: [alertname], group_wait: 10s, group_interval: 1m, repeat_interval: 10m}
receivers: [{name: r}]
`

func TestGroupWaitAndIntervalAndRepeat(t *testing.T) {
	play(t, "", plain, func(s *scene) {
		s.at(time.Second)
		s.fire("a")
		s.at(5 * time.Second)
		s.fire("b!")
		s.at(10 * time.Second)
		s.expect()
		s.at(12 * time.Second)
		s.expect("11s r/0 firing=a,b resolved=")
		s.fire("c")
		s.at(72 * time.Second)
		s.expect("1m11s r/0 firing=a,b,c resolved=")
		s.resolve("a")
		s.at(132 * time.Second)
		s.expect("2m11s r/0 firing=b,c resolved=a")
		s.at(13 * time.Minute)
		s.expect()
		s.at(14 * time.Minute) // the first flush after more than ten minutes
		s.expect("13m11s r/0 firing=b,c resolved=")
		s.resolve("b!", "c")
		s.at(15 * time.Minute)
		s.expect("14m11s r/0 firing= resolved=b,c")
		s.at(20 * time.Minute)
		s.expect()
		s.fire("a")
		s.at(21 * time.Minute)
		s.expect("20m10s r/0 firing=a resolved=")
	})
}

func TestFiredAndOverBeforeTheFirstFlush(t *testing.T) {
	play(t, "", plain, func(s *scene) {
		s.fire("a")
		s.at(2 * time.Second)
		s.resolve("a")
		s.at(5 * time.Minute)
		s.expect() // as Alertmanager
	})
	play(t, `severity="critical"`, plain, func(s *scene) {
		s.fire("a!")
		s.resolve("a!")
		s.at(time.Second)
		s.expect("5ms r/0 firing=a resolved=")
		s.at(2 * time.Minute)
		s.expect("1m0.005s r/0 firing= resolved=a")
		s.at(10 * time.Minute)
		s.expect()
	})
}

func TestUrgentAlertsAreToldAtOnce(t *testing.T) {
	play(t, `severity="critical"`, plain, func(s *scene) {
		s.at(time.Second)
		s.fire("a")
		s.at(2 * time.Second)
		s.fire("b!")
		s.at(3 * time.Second)
		s.expect("2.005s r/0 firing=a,b resolved=")
		s.fire("c")
		s.at(10 * time.Second)
		s.expect()
		s.fire("d!")
		s.at(11 * time.Second)
		s.expect("10.01s r/0 firing=a,b,c,d resolved=")
		s.resolve("a")
		s.at(69 * time.Second)
		s.expect()
		s.at(71 * time.Second)
		s.expect("1m10.01s r/0 firing=b,c,d resolved=a")
	})
}

func TestStormIsFewMessages(t *testing.T) {
	play(t, `severity="critical"`, plain, func(s *scene) {
		const n = 1000
		for i := range n {
			s.fire(fmt.Sprintf("%04d!", i))
			s.at(time.Duration(i+1) * 2 * time.Millisecond)
		}
		s.at(5 * time.Minute)
		s.mu.Lock()
		defer s.mu.Unlock()
		sizes := s.seen["r/0"]
		sum := 0
		for _, x := range sizes {
			sum += x
		}
		if len(sizes) > 16 || sum > 8*n || sizes[len(sizes)-1] != n {
			s.t.Errorf("%d messages with %d alerts in all, %v", len(sizes), sum, sizes)
		}
	})
}

func TestReceiverThatHangsHoldsUpNobodyElse(t *testing.T) {
	conf := strings.NewReplacer("receiver: r,", "receiver: two-r,", "name: r", "name: two-r").Replace(plain)
	play(t, "", conf, func(s *scene) {
		s.hang["two-r/0"] = true
		s.fire("a")
		s.at(11 * time.Second)
		s.expect("10s two-r/1 firing=a resolved=")
		s.fire("b")
		s.at(71 * time.Second)
		s.expect("1m10s two-r/1 firing=a,b resolved=")
		s.mu.Lock()
		s.hang["two-r/0"] = false
		s.mu.Unlock()
		s.at(5 * time.Minute)
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.told) != 1 || !strings.Contains(s.told[0], "two-r/0 firing=a,b") {
			s.t.Errorf("after it came back: %v", s.told)
		}
	})
}

func TestRefusalIsRetriedAtOnce(t *testing.T) {
	play(t, "", plain, func(s *scene) {
		s.fails["r/0"] = 3
		s.fire("a")
		s.at(30 * time.Second)
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.told) != 1 {
			s.t.Errorf("told %v", s.told)
		}
	})
}

const inhibiting = plain + `
inhibit_rules: [{source_matchers: ['n="source"'], target_matchers: ['n=~"victim.*"'], equal: [team]}]
`

func TestInhibitableAlertWaits(t *testing.T) {
	play(t, `severity="critical"`, inhibiting, func(s *scene) {
		s.fire("victim!")
		s.at(5 * time.Second)
		s.expect()
		s.fire("source")
		s.at(11 * time.Second)
		s.expect("10s r/0 firing=source resolved=")
		groups, _, err := s.d.Groups(context.Background(), func(*upstream.Route) bool { return true }, func(*alert.Alert, time.Time) bool { return true })
		if err != nil || len(groups) != 1 || len(groups[0].Alerts) != 2 {
			s.t.Fatalf("got %d groups, %v", len(groups), err)
		}
		for _, a := range groups[0].Alerts {
			st := groups[0].AlertStatuses[a.Fingerprint()]
			if inhibited := len(st.InhibitedBy) > 0; inhibited != (a.Labels["n"] == "victim") {
				s.t.Errorf("%s: status %+v", a.Labels["n"], st)
			}
		}
		s.resolve("source")
		s.at(2 * time.Minute)
		s.expect("1m10s r/0 firing=victim resolved=source")
	})
}

func TestReloadKeepsTimersAndTellsNothingTwice(t *testing.T) {
	play(t, `severity="critical"`, plain, func(s *scene) {
		s.fire("a!")
		s.at(time.Second)
		s.expect("5ms r/0 firing=a resolved=")
		s.load(plain + "# changed\n")
		s.at(5 * time.Second)
		s.expect()
		s.fire("b")
		s.at(30 * time.Second)
		s.load(plain)
		s.at(59 * time.Second)
		s.expect()
		s.at(61 * time.Second)
		s.expect("1m0.005s r/0 firing=a,b resolved=")
		s.resolve("a!", "b")
		s.load(plain)
		s.at(3 * time.Minute)
		s.expect("2m0.005s r/0 firing= resolved=a,b")
	})
}

func TestReloadWhileWaiting(t *testing.T) {
	play(t, "", plain, func(s *scene) {
		s.fire("a")
		s.at(4 * time.Second)
		s.load(plain)
		s.at(9 * time.Second)
		s.expect()
		s.at(11 * time.Second)
		s.expect("10s r/0 firing=a resolved=")
	})
}

func TestReloadAmidASend(t *testing.T) {
	play(t, `severity="critical"`, plain, func(s *scene) {
		s.hang["r/0"] = true
		s.fire("a!")
		s.at(time.Second)
		s.mu.Lock()
		s.hang["r/0"] = false
		s.mu.Unlock()
		s.load(plain)
		s.at(2 * time.Second)
		s.expect("1s r/0 firing=a resolved=")
	})
}

func TestContinueAndGroupByAll(t *testing.T) {
	play(t, "", `
route:
  receiver: r
  group_wait: 10s
  group_interval: 1m
  routes:
  - {receiver: all, matchers: ['severity="critical"'], continue: true, group_by: ['...']}
  - {receiver: only-firing, matchers: ['team="x"'], group_by: [team], group_wait: 20s}
receivers: [{name: r}, {name: all}, {name: only-firing}]
`, func(s *scene) {
		s.fire("a!", "b!")
		s.fire("c")
		s.at(11 * time.Second)
		s.mu.Lock()
		slices.Sort(s.told)
		s.mu.Unlock()
		s.expect("10s all/0 firing=a resolved=", "10s all/0 firing=b resolved=")
		s.at(21 * time.Second)
		s.expect("20s only-firing/0 firing=a,b,c resolved=")
		s.resolve("a!", "b!", "c")
		s.at(3 * time.Minute)
		s.mu.Lock()
		slices.Sort(s.told)
		s.mu.Unlock()
		s.expect("1m10s all/0 firing= resolved=a", "1m10s all/0 firing= resolved=b")
	})
}

func TestOrderOfOneAlertIsKept(t *testing.T) {
	play(t, "", plain, func(s *scene) {
		for range 2000 {
			s.fire("a")
			s.resolve("a")
		}
		groups, _, err := s.d.Groups(context.Background(), func(*upstream.Route) bool { return true }, func(*alert.Alert, time.Time) bool { return true })
		if err != nil {
			s.t.Fatal(err)
		}
		for _, g := range groups {
			for _, a := range g.Alerts {
				if !a.Resolved() {
					s.t.Error("an older state took the place of a newer one")
				}
			}
		}
	})
}

func TestGroupLimit(t *testing.T) {
	play(t, "", strings.ReplaceAll(plain, "[alertname]", "[n]"), func(s *scene) {
		s.d.o.MaxGroups = 2
		s.fire("a", "b", "c")
		s.at(time.Minute)
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.told) != 2 {
			s.t.Errorf("told %v", s.told)
		}
	})
}

// An end that a receiver has refused so far is still to be told after a reload.
func TestReloadWhileAnEndIsRefused(t *testing.T) {
	play(t, "", plain, func(s *scene) {
		s.fire("a")
		s.at(11 * time.Second)
		s.expect("10s r/0 firing=a resolved=")
		refuse := func(n int) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.fails["r/0"] = n
		}
		refuse(1 << 30)
		s.resolve("a")
		s.at(140 * time.Second) // the first attempt has come to its end
		s.load(plain + "# changed\n")
		s.at(290 * time.Second) // and so has the first one after the reload
		refuse(0)
		s.at(8 * time.Minute)
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.told) != 1 || !strings.HasSuffix(s.told[0], "firing= resolved=a") {
			t.Errorf("told %v once the receiver took messages again", s.told)
		}
	})
}
