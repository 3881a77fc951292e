package rules

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunks"

	"touchline.dev/touchline/internal/rules/arrival"
)

var (
	histories = flag.Int("histories", 100, "how many histories TestArrivalIsPrometheusSooner runs")
	firstSeed = flag.Uint64("seed", 1, "seed of the first history")
)

// historyRules has every class, and the shapes that are easy to get wrong.
const historyRules = `
groups:
- name: local
  interval: 15s
  rules:
  - {alert: High, expr: m > 5, labels: {severity: critical}}
  - {alert: HighFor, expr: m > 5, for: 20s}
  - {alert: SlowLocal, expr: slow > 1}
  - {alert: HighKeep, expr: m > 7, keep_firing_for: 40s}
  - {alert: HighForKeep, expr: m > 6, for: 20s, keep_firing_for: 20s}
  - {alert: Fast, expr: 'rate(c[1m]) > 0.5'}
  - {alert: Down, expr: up == 0}
  - {alert: Old, expr: 'time() - stamp > 40'}
  - {alert: Jump, expr: 'm - m offset 30s > 4'}
- name: target
  interval: 15s
  rules:
  - {alert: Ratio, expr: a / b > 2}
  - {alert: RatioFor, expr: a / b > 1.5, for: 30s}
  - {alert: SlowTarget, expr: slow > 1}
  - {alert: TargetSum, expr: 'sum by (job, instance) (m) > 11'}
  - {alert: Both, expr: 'm > 3 and on (job, instance) a > 3'}
- name: global
  interval: 15s
  rules:
  - {alert: JobSum, expr: 'sum by (job) (m) > 20'}
  - {alert: AllSum, expr: 'sum(m) - sum(a) > 12', for: 15s}
  - {alert: SlowGlobal, expr: slow > 1}
  - {alert: Few, expr: 'count(up == 1) < 3'}
  - {alert: None, expr: absent(m)}
  - {alert: Alone, expr: 'a > 4 unless on (instance) b > 4'}
  - {alert: Top, expr: 'topk(1, m) > 8'}
- name: recorded
  interval: 15s
  rules:
  - {record: 'job:m:sum', expr: sum by (job) (m)}
  - {record: 'all:m:max', expr: 'max(job:m:sum)'}
- name: recorded alerts
  interval: 15s
  rules:
  - {alert: Recorded, expr: 'job:m:sum > 20'}
  - {alert: RecordedMax, expr: 'all:m:max > 24'}
  - {alert: Meta, expr: 'ALERTS{alertname="High",alertstate="firing"}'}
- name: offset
  interval: 20s
  query_offset: 7s
  rules:
  - {alert: Offset, expr: m > 6}
  - {alert: OffsetFor, expr: m > 6, for: 25s}
- name: limited
  interval: 15s
  limit: 3
  rules:
  - {alert: Limited, expr: m > 6}
`

// world is a rule manager over a storage of its own.
type world struct {
	store *memStore
	write storage.AppendableV2
	rules func() []*rules.AlertingRule
	group func() []*rules.Group

	mu     sync.Mutex
	refuse bool // take no notification
	fired  []told
}

// told is a notification.
type told struct {
	at      time.Time
	alert   string
	class   string // of a notification on arrival
	firedAt time.Time
	ended   bool
}

func (w *world) notify(ctx context.Context, _ string, as ...*rules.Alert) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse {
		return errors.New("refused")
	}
	h, _ := HopsFrom(ctx)
	for _, a := range as {
		w.fired = append(w.fired, told{at: time.Now(), alert: a.Labels.String(), class: h.Class, firedAt: a.FiredAt, ended: !a.ResolvedAt.IsZero()})
	}
	return nil
}

// firing and pending list the active alerts by rule and labels.
func (w *world) states() map[string]rules.AlertState {
	out := map[string]rules.AlertState{}
	for _, r := range w.rules() {
		r.ForEachActiveAlert(func(a *rules.Alert) {
			if a.State == rules.StateFiring || a.State == rules.StatePending {
				out[a.Labels.String()] = a.State
			}
		})
	}
	return out
}

func newEngine() *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{MaxSamples: 1 << 20, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true, Parser: parser.NewParser(parser.Options{})})
}

// history runs one history in both worlds.
type history struct {
	t     *testing.T
	r     *rand.Rand
	dir   string
	file  string
	ours  *world
	stock *world
	m     *Manager
	sm    *rules.Manager
	eng   *promql.Engine
	tune  func(*Options) // optional: changes the options of our manager
	jump  atomic.Int64   // ns by which our manager's clock is ahead of the world's

	targets []string
	value   map[string]float64
	known   map[string]bool // targets whose series are live
	newest  map[string]int64
	last    map[string]int64 // the newest sample of a series, by metric and target
	ooo     bool
	eager   bool            // some groups wait for nothing
	strict  bool            // each commit must raise at once what it can
	opened  time.Time       // when our manager was opened
	blind   time.Time       // until then the worlds are not compared
	whole   map[string]bool // scrapes that came in one marked transaction, by target and time
	mu      sync.Mutex      // protects raises: workers report side by side
	raises  []raised
	log     []string
}

type raised struct {
	rule    string
	expr    string
	element labels.Labels
	at      int64
	when    time.Time
	prefix  bool
	looked  int64 // the instant of the rule's last tick
	opened  int64 // when our manager was opened
	early   bool  // its alert is pending since before the instant
	due     bool  // at the very millisecond at which the `for` of an alert of the rule ends
}

func (h *history) note(format string, args ...any) {
	h.log = append(h.log, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

func (h *history) start() {
	h.ours = &world{store: newMemStore()}
	h.stock = &world{store: newMemStore()}
	h.eng = newEngine()
	h.open()
	ext, _ := url.Parse("http://x")
	h.sm = rules.NewManager(&rules.ManagerOptions{
		ExternalURL: ext, QueryFunc: rules.EngineQueryFunc(h.eng, h.stock.store), NotifyFunc: func(ctx context.Context, expr string, as ...*rules.Alert) { _ = h.stock.notify(ctx, expr, as...) }, Context: context.Background(),
		AppendableV2: h.stock.store, Queryable: h.stock.store, Logger: slog.New(slog.DiscardHandler), Metrics: rules.NewGroupMetrics(nil),
		OutageTolerance: time.Hour, ForGracePeriod: 10 * time.Second, ResendDelay: time.Minute,
	})
	if err := h.sm.Update(15*time.Second, []string{h.file}, labels.EmptyLabels(), "", nil); err != nil {
		h.t.Fatal(err)
	}
	h.stock.rules, h.stock.group = h.sm.AlertingRules, h.sm.RuleGroups
	go h.sm.Run()
}

// open starts our manager; a restart opens it again over the same directory.
func (h *history) open() { h.openWith(func() {}) }

// openWith opens our manager, and does something between loading the rules and running them.
func (h *history) openWith(between func()) {
	ext, _ := url.Parse("http://x")
	hook := &arrival.Hook{}
	st := hook.Observe(h.ours.store)
	o := Options{
		Dir: h.dir, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Engine: h.eng, Live: h.ours.store, Hook: hook,
		Appendable: st, Queryable: h.ours.store, Notify: h.ours.notify, Parser: parser.NewParser(parser.Options{}), ExternalURL: ext,
		OutageTolerance: time.Hour, ForGracePeriod: 10 * time.Second, ResendDelay: time.Minute, RestoreGrace: 30 * time.Second, Lookback: 5 * time.Minute,
		Now: func() time.Time { return time.Now().Add(time.Duration(h.jump.Load())) },
	}
	if h.eager {
		o.Arrival = func(_, group string) Arrival {
			if group == "target" || group == "global" {
				return ArrivalEager
			}
			return ArrivalEnabled
		}
	}
	if h.tune != nil {
		h.tune(&o)
	}
	m, err := New(o)
	if err != nil {
		h.t.Fatal(err)
	}
	m.arrivals.raised = h.raise
	h.m, h.ours.write, h.opened = m, st, time.Now()
	h.ours.rules, h.ours.group = m.AlertingRules, m.RuleGroups
	h.load()
	between()
	m.Run()
}

func (h *history) load() {
	c, err := h.m.Prepare(Settings{Interval: 15 * time.Second, Patterns: []string{h.file}})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := c.Apply(); err != nil {
		h.t.Fatal(err)
	}
}

// raise checks, at the moment of each raise on arrival, that PromQL over what
// is committed has the element at the instant that was decided.
func (h *history) raise(w *watched, el labels.Labels, at int64) {
	r := raised{
		rule: w.rule.Name(), expr: w.expr, element: el, at: at, when: time.Now(),
		looked: timestamp.FromTime(w.lastTick.Add(-w.group.QueryOffset())), opened: timestamp.FromTime(h.opened),
	}
	r.prefix = h.holds(r, w)
	if hold := w.rule.HoldDuration(); hold > 0 {
		w.rule.ForEachActiveAlert(func(a *rules.Alert) {
			r.due = r.due || timestamp.FromTime(a.ActiveAt.Add(hold-w.group.QueryOffset())) == at
		})
	}
	alerts, _ := w.activeAlerts()
	for _, a := range alerts {
		r.early = r.early || a.state == rules.StatePending && labels.Equal(a.element, el) && a.activeAt.Before(timestamp.Time(at).Add(w.group.QueryOffset()))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.raises = append(h.raises, r)
}

// holds evaluates a rule's expression at an instant, with the recording rules computed at that instant.
func (h *history) holds(r raised, w *watched) bool {
	v := newEvaluation(h.eng, h.ours.store, r.at, labels.EmptyLabels())
	for _, name := range w.idx.Plan().Recorded {
		if err := v.record(context.Background(), name, w.a.recorded[name]); err != nil {
			return false
		}
	}
	vec, err := v.query(context.Background(), r.expr)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(vec, func(s promql.Sample) bool { return labels.Equal(s.Metric, r.element) })
}

// sampled says whether a raise was decided at the time of a sample that the
// rule selects. Where the clock decided, a sample that is on its way cannot be
// waited for: so it is where the expression reads the clock, and where a `for`
// ends at a sample's very millisecond.
func (h *history) sampled(r raised, w *watched) bool {
	p := w.idx.Plan()
	return !p.Timed && !r.due && slices.ContainsFunc(h.ours.store.series, func(s *memSeries) bool {
		return selects(p, s.ls) && slices.ContainsFunc(s.samples, func(x chunks.Sample) bool { return x.T() == r.at })
	})
}

type sample struct {
	name, target string
	t            int64
	v            float64
}

// scraped commits what a target has as a scrape of our own does.
func (h *history) scraped(batch []sample) {
	for _, s := range batch {
		h.whole[fmt.Sprint(s.target, s.t)] = true
	}
	h.append(arrival.Scraped(context.Background()), batch)
}

func (h *history) commit(batch []sample) { h.append(context.Background(), batch) }

func (h *history) append(ctx context.Context, batch []sample) {
	fresh := slices.DeleteFunc(slices.Clone(batch), func(s sample) bool { return s.t == h.last[s.name+s.target] })
	for _, s := range batch {
		h.newest[s.target] = max(h.newest[s.target], s.t)
		h.last[s.name+s.target] = max(h.last[s.name+s.target], s.t)
	}
	for _, w := range []storage.AppendableV2{h.ours.write, h.stock.store} {
		app := w.AppenderV2(ctx)
		for _, s := range batch {
			job, inst, _ := strings.Cut(s.target, "/")
			if _, err := app.Append(0, labels.FromStrings("__name__", s.name, "job", job, "instance", inst), 0, s.t, s.v, nil, nil, storage.AOptions{}); err != nil {
				h.t.Fatal(err)
			}
		}
		if err := app.Commit(); err != nil {
			h.t.Fatal(err)
		}
	}
	if h.strict {
		h.prompt(fresh) // of two samples of one millisecond the storage keeps the first
	}
}

// scrape makes one target's samples of one instant.
func (h *history) scrape(target string, t int64) []sample {
	v := func(name string, n int) float64 {
		k := name + target
		if h.r.IntN(4) == 0 {
			h.value[k] = float64(h.r.IntN(n))
		}
		return h.value[k]
	}
	c := h.value["c"+target] + float64(h.r.IntN(3)*h.r.IntN(12))
	if h.r.IntN(15) == 0 {
		c = 0
	}
	h.value["c"+target] = c
	up := 1.0
	if h.r.IntN(12) == 0 {
		up = 0
	}
	stamp := h.value["stamp"+target]
	if stamp == 0 || h.r.IntN(4) == 0 {
		stamp = float64(t/1000) - float64(h.r.IntN(20))
		h.value["stamp"+target] = stamp
	}
	return []sample{
		{"m", target, t, v("m", 11)}, {"a", target, t, v("a", 8)}, {"b", target, t, v("b", 6)},
		{"c", target, t, c}, {"up", target, t, up}, {"stamp", target, t, stamp},
	}
}

// step is one thing that happens.
func (h *history) step() {
	now := timestamp.FromTime(time.Now())
	target := h.targets[h.r.IntN(len(h.targets))]
	switch k := h.r.IntN(40); {
	case k < 24:
		h.note("scrape %s", target)
		h.scraped(h.scrape(target, now))
		h.known[target] = true
	case k < 31: // one scrape spread over two requests, in either order
		s := h.scrape(target, now)
		h.r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
		n := 1 + h.r.IntN(len(s)-1)
		h.note("shards of %s", target)
		h.commit(s[:n])
		h.settle(time.Duration(h.r.IntN(400)) * time.Millisecond)
		h.commit(s[n:])
		h.known[target] = true
	case k < 33 && h.known[target] && now-2000 > h.newest[target]: // several instants in one request
		h.note("batch of %s", target)
		var s []sample
		for i := range 3 {
			s = append(s, h.scrape(target, now-int64(2-i)*1000)...)
		}
		h.commit(s)
	case k < 34 && h.ooo:
		h.note("late sample of %s", target)
		h.commit([]sample{{"m", target, now - 1000 - int64(h.r.IntN(60_000)), float64(h.r.IntN(11))}})
	case k < 35 && h.ooo:
		h.note("future samples of %s", target)
		h.commit(h.scrape(target, now+int64(h.r.IntN(8000))))
	case k < 36:
		h.note("stale %s", target)
		s := h.scrape(target, now)
		for i := range s {
			s[i].v = stale
		}
		h.commit(s)
		h.known[target] = false
	case k < 37:
		h.note("reload")
		h.load()
	case k < 38:
		h.restart()
	case k < 39:
		h.late()
	default:
		h.note("quiet")
	}
}

// settle lets time pass, and compares the worlds right after each tick.
func (h *history) settle(d time.Duration) {
	end := time.Now().Add(d)
	for {
		next := end
		for _, g := range h.stock.group() {
			if s := g.EvalTimestamp(time.Now().UnixNano()).Add(g.Interval()).Add(time.Millisecond); s.Before(next) {
				next = s
			}
		}
		<-time.After(time.Until(next))
		synctest.Wait()
		h.compare()
		if !next.Before(end) {
			return
		}
	}
}

// compare holds what Prometheus fires against what is firing here.
func (h *history) compare() {
	if time.Now().Before(h.blind) {
		return
	}
	ours, stock := h.ours.states(), h.stock.states()
	for a, s := range stock {
		if strings.Contains(a, "Limited") || strings.Contains(a, "Meta") {
			continue
		}
		switch o, ok := ours[a]; {
		case !ok:
			h.fail("Prometheus has %s %s, and it is not active here", a, s)
		case s == rules.StateFiring && o != rules.StateFiring:
			h.fail("Prometheus fires %s, and here it is %s", a, o)
		}
	}
}

func (h *history) fail(format string, args ...any) {
	h.t.Errorf("%s: "+format, append([]any{time.Now().Format("15:04:05.000")}, args...)...)
}

func (h *history) run(steps int) {
	h.start()
	h.strict = true
	for range steps {
		h.settle(time.Duration(1+h.r.IntN(3000)) * time.Millisecond)
		h.step()
		synctest.Wait()
		if h.t.Failed() {
			break
		}
	}
	// Quiet: the values stay what they are for longer than any `for` and keep_firing_for.
	h.settle(time.Second)
	for range 12 {
		now := timestamp.FromTime(time.Now())
		var all []sample // in one transaction: some may have been stale
		for _, tg := range h.targets {
			all = append(all, []sample{
				{"m", tg, now, h.value["m"+tg]}, {"a", tg, now, h.value["a"+tg]}, {"b", tg, now, h.value["b"+tg]},
				{"c", tg, now, h.value["c"+tg]}, {"up", tg, now, 1}, {"stamp", tg, now, float64(now / 1000)},
			}...)
		}
		h.commit(all)
		h.settle(10 * time.Second)
	}
	h.quiescent()
	h.safe()
	if err := h.m.Close(); err != nil {
		h.t.Error(err)
	}
	h.sm.Stop()
	synctest.Wait()
}

// quiescent compares the state series after quiet.
func (h *history) quiescent() {
	at := time.Now()
	alerts := func(s *memStore) map[string]bool {
		vec, err := rules.EngineQueryFunc(h.eng, s)(context.Background(), `ALERTS{alertname!~"Limited|Meta"}`, at)
		if err != nil {
			h.t.Fatal(err)
		}
		out := map[string]bool{}
		for _, s := range vec {
			out[s.Metric.String()] = true
		}
		return out
	}
	ours, stock := alerts(h.ours.store), alerts(h.stock.store)
	if !maps.Equal(ours, stock) {
		h.fail("after quiet ALERTS differ:\nours  %v\nstock %v", slices.Sorted(maps.Keys(ours)), slices.Sorted(maps.Keys(stock)))
	}
}

// safe checks each raise against the data as it is in the end: a raise that only
// half of a scrape made would no longer hold.
func (h *history) safe() {
	byName := map[string]*watched{}
	for _, w := range h.m.arrivals.set.Load().all {
		byName[w.rule.Name()] = w
	}
	for _, r := range h.raises {
		if r.rule == "Meta" {
			continue
		}
		if !h.ooo {
			h.begun(r, byName[r.rule])
		}
		if r.early {
			h.fail("%s of %s was raised at %s for %s, and is pending since before that", r.rule, r.element, r.when.Format("15:04:05.000"), timestamp.Time(r.at).UTC().Format("15:04:05.000"))
		}
		if !r.prefix {
			h.fail("%s of %s was raised at %s, and PromQL over what was committed does not have it at %s", r.rule, r.element, r.when.Format("15:04:05.000"), timestamp.Time(r.at).UTC().Format("15:04:05.000"))
		}
		if w := byName[r.rule]; !h.ooo && w.mode != ArrivalEager && h.sampled(r, w) && !h.holds(r, w) {
			h.fail("%s of %s was raised at %s by half of the data for %s", r.rule, r.element, r.when.Format("15:04:05.000"), timestamp.Time(r.at).UTC().Format("15:04:05.000"))
		}
	}
}

// together is how many histories are made at once: as many goroutines wait for
// their turn, and the collector looks at each of them.
const together = 500

// TestArrivalIsPrometheusSooner runs histories of commits, ticks, deadlines,
// reloads and restarts here and in upstream's rule manager: what is raised on
// arrival is what PromQL says, what Prometheus fires fires here no later, and
// after quiet the state series are the same.
func TestArrivalIsPrometheusSooner(t *testing.T) {
	t.Chdir(t.TempDir())
	var mu sync.Mutex
	total := map[string]int{}
	for first := 0; first < *histories; first += together {
		// All that are to run in parallel are made before the first of them runs.
		t.Run(fmt.Sprintf("from=%d", *firstSeed+uint64(first)), func(t *testing.T) {
			for i := first; i < min(first+together, *histories); i++ {
				seed := *firstSeed + uint64(i)
				t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
					t.Parallel()
					raises := runHistory(t, seed)
					mu.Lock()
					defer mu.Unlock()
					for _, r := range raises {
						total[r.rule]++
					}
				})
			}
		})
	}
	t.Cleanup(func() { t.Logf("%d histories from seed %d; raised on arrival: %v", *histories, *firstSeed, total) })
}

// runHistory runs the history of a seed, and returns what was raised on arrival.
func runHistory(t *testing.T, seed uint64) []raised {
	// A group's slot follows from its file's name, so each seed has its own, and always the same.
	file := fmt.Sprintf("rules-%d.yml", seed)
	if err := os.WriteFile(file, []byte(historyRules), 0o600); err != nil {
		t.Fatal(err)
	}
	h := &history{
		r: rand.New(rand.NewPCG(seed, 7)), dir: t.TempDir(), file: file, value: map[string]float64{}, known: map[string]bool{}, newest: map[string]int64{}, last: map[string]int64{}, whole: map[string]bool{},
		targets: []string{"x/1", "x/2", "x/3", "y/1", "y/2"}[:3+seed%3], ooo: seed%4 == 0, eager: seed%7 == 0,
	}
	synctest.Test(t, func(t *testing.T) {
		h.t = t
		defer func() {
			if t.Failed() {
				t.Log(strings.Join(h.log, "\n"))
			}
		}()
		h.run(45)
	})
	return h.raises
}
