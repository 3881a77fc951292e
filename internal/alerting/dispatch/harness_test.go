package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	amdispatch "github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/nflog/nflogpb"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/alertmanager/provider/mem"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/alertmanager/silence/silencepb"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// replica is a dispatcher with upstream's own provider, stages, silences and
// notification log around it; only the receivers are the test's.
type replica struct {
	t         testing.TB
	name      string
	start     time.Time
	reg       *prometheus.Registry
	alerts    *mem.Alerts
	silences  *silence.Silences
	silencer  *silence.Silencer
	nflog     *nflog.Log
	stages    *notify.Metrics
	groups    marker.GroupMarker
	inhibitor *inhibit.Inhibitor
	d         *Dispatcher
	up        *amdispatch.Dispatcher // in the place of d
	upstream  bool
	begun     map[string]time.Time // of alerts, by labels
	reported  func(receiver string)

	mu       sync.Mutex
	heard    []string
	behave   map[string]string // of receivers: hang, fail, refuse or slow; empty for good ones
	attempts map[string]int
}

type replicaOptions struct {
	upstream  bool // Alertmanager's own dispatcher
	off       bool // no early flush
	wait      time.Duration
	log       *nflog.Log // shared in a cluster
	maxGroups int
	ready     func(context.Context) error
	startAt   time.Time
	ingested  func(*alert.Alert, time.Time)
	flushed   func(Flush)
	ended     func(*alert.Alert, time.Time)
	reported  func(receiver string) // after each attempt
}

func newReplica(t testing.TB, name string, o replicaOptions) *replica {
	t.Helper()
	r := &replica{t: t, name: name, upstream: o.upstream, reported: o.reported, start: time.Now(), reg: prometheus.NewRegistry(), begun: map[string]time.Time{}, behave: map[string]string{}, attempts: map[string]int{}, groups: marker.NewGroupMarker()}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	r.silences, err = silence.New(silence.Options{Retention: time.Hour, Logger: discard, Metrics: r.reg})
	must(err)
	r.silencer = silence.NewSilencer(r.silences, discard, eventrecorder.NopRecorder())
	if r.nflog = o.log; r.nflog == nil {
		r.nflog, err = nflog.New(nflog.Options{Retention: 120 * time.Hour, Logger: discard, Metrics: r.reg})
		must(err)
	}
	r.alerts, err = mem.NewAlerts(context.Background(), time.Hour, 0, r.silencer, discard, eventrecorder.NopRecorder(), r.reg, featurecontrol.NoopFlags{})
	must(err)
	r.stages = notify.NewMetrics(r.reg, featurecontrol.NoopFlags{})
	do := Options{
		Alerts: r.alerts, Marker: r.groups, Timeout: func(d time.Duration) time.Duration { return max(d, notify.MinTimeout) + o.wait },
		Wait: func() time.Duration { return o.wait }, MaxGroups: o.maxGroups, Ready: o.ready, StartAt: o.startAt, Ingested: o.ingested, Flushed: o.flushed, Ended: o.ended,
		Logger: slog.New(slog.DiscardHandler), Registerer: r.reg,
	}
	if !o.off {
		m, err := labels.ParseMatchers(`severity="critical"`)
		must(err)
		do.Early = &Early{Matchers: m}
	}
	r.d, err = New(do)
	must(err)
	return r
}

func (r *replica) stop() {
	r.d.Stop()
	r.up.Stop()
	r.inhibitor.Stop()
	r.alerts.Close()
}

// load applies a configuration, as internal/alerting does.
func (r *replica) load(yaml string) {
	r.t.Helper()
	c, err := config.Load(yaml)
	if err != nil {
		r.t.Fatal(err)
	}
	old := r.inhibitor
	r.inhibitor = inhibit.NewInhibitor(r.alerts, c.InhibitRules, discard, eventrecorder.NopRecorder())
	go r.inhibitor.Run()
	r.inhibitor.WaitForLoading()
	intervals := map[string][]timeinterval.TimeInterval{}
	for _, i := range c.TimeIntervals {
		intervals[i.Name] = i.TimeIntervals
	}
	times := timeinterval.NewIntervener(intervals)
	mute := notify.MultiStage{
		notify.NewMuteStage(r.inhibitor, r.stages), notify.NewTimeActiveStage(times, r.groups, r.stages),
		notify.NewTimeMuteStage(times, r.groups, r.stages), notify.NewMuteStage(r.silencer, r.stages),
	}
	conf := Config{Routes: amdispatch.NewRoute(c.Route, nil), Receivers: map[string]Receiver{}}
	if conf.Template, err = template.New(); err != nil {
		r.t.Fatal(err)
	}
	conf.Template.ExternalURL = &url.URL{Scheme: "http", Host: "localhost"}
	for _, rule := range c.InhibitRules {
		conf.Inhibited = append(conf.Inhibited, inhibit.NewInhibitRule(rule).TargetMatchers)
	}
	for _, rc := range c.Receivers {
		out := Receiver{Mute: mute}
		for n, w := range rc.WebhookConfigs {
			name := rc.Name
			if len(rc.WebhookConfigs) > 1 {
				name = fmt.Sprintf("%s[%d]", rc.Name, n)
			}
			i := notify.NewIntegration(&ear{r: r, name: name}, resolves(w.SendResolved()), "webhook", n, rc.Name)
			to := &nflogpb.Receiver{GroupName: rc.Name, Integration: "webhook", Idx: uint32(n)}
			out.Integrations = append(out.Integrations, Integration{
				Key: i.String(), Dedup: notify.NewDedupStage(&i, r.nflog, to),
				Send: notify.MultiStage{notify.NewRetryStage(i, rc.Name, r.stages, eventrecorder.NopRecorder()), notify.NewSetNotifiesStage(r.nflog, to)},
				Log: func(gk string) (*nflogpb.Entry, error) {
					e, err := r.nflog.Query(nflog.QGroupKey(gk), nflog.QReceiver(to))
					if errors.Is(err, nflog.ErrNotFound) || len(e) == 0 {
						return nil, nil
					} else if err != nil {
						return nil, err
					}
					return e[0], nil
				},
			})
		}
		conf.Receivers[rc.Name] = out
	}
	if r.upstream {
		r.up.Stop()
		stage := notify.RoutingStage{}
		for name, rc := range conf.Receivers {
			var each notify.FanoutStage
			for _, i := range rc.Integrations {
				each = append(each, notify.MultiStage{i.Dedup, i.Send})
			}
			stage[name] = notify.MultiStage{rc.Mute, each}
		}
		r.up = amdispatch.NewDispatcher(r.alerts, conf.Routes, stage, r.groups, r.d.o.Timeout, 30*time.Second, nil, discard, eventrecorder.NopRecorder(), nil, conf.Template)
		go r.up.Run(r.start)
		r.up.WaitForLoading()
	} else {
		r.d.Apply(conf)
	}
	old.Stop()
}

type resolves bool

func (r resolves) SendResolved() bool { return bool(r) }

// ear is a receiver's integration.
type ear struct {
	r    *replica
	name string
}

func (e *ear) Notify(ctx context.Context, alerts ...*alert.Alert) (bool, error) {
	d := DeliveryFrom(ctx)
	if err := d.Begin(); err != nil {
		return false, err
	}
	retry, err := e.notify(ctx, alerts)
	d.End(err)
	if e.r.reported != nil {
		d.Report(func() { e.r.reported(e.name) })
	}
	return retry, err
}

func (e *ear) notify(ctx context.Context, alerts []*alert.Alert) (bool, error) {
	e.r.mu.Lock()
	how := e.r.behave[e.name]
	e.r.attempts[e.name]++
	var firing, resolved []string
	for _, a := range alerts {
		if a.Resolved() {
			resolved = append(resolved, describe(a.Labels))
		} else {
			firing = append(firing, describe(a.Labels))
		}
	}
	line := fmt.Sprintf("%s %s%s", e.r.clock(), e.r.name, e.name)
	if len(firing) > 0 {
		line += " firing " + strings.Join(firing, " ")
	}
	if len(resolved) > 0 {
		line += " resolved " + strings.Join(resolved, " ")
	}
	if ls, _ := notify.RouteLabels(ctx); len(ls) > 0 {
		line += " with " + ls.String()
	}
	if how != "" {
		line += " (" + how + ")"
	}
	e.r.heard = append(e.r.heard, line)
	e.r.mu.Unlock()
	switch how {
	case "hang":
		<-ctx.Done()
		return true, ctx.Err()
	case "fail":
		return true, errors.New("out of order")
	case "refuse":
		return false, errors.New("go away")
	case "slow":
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			return true, ctx.Err()
		}
	}
	return false, nil
}

// clock is the time since the start, in seconds.
func (r *replica) clock() string {
	return fmt.Sprintf("%7.3f", time.Since(r.start).Seconds())
}

// told returns what was heard since the last call.
func (r *replica) told() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.heard
	r.heard = nil
	sort.Strings(out)
	return out
}

// describe writes labels short: the name, then what is not the name.
func describe(ls model.LabelSet) string {
	var rest []string
	for k, v := range ls {
		if k != model.AlertNameLabel {
			rest = append(rest, fmt.Sprintf("%s=%s", k, v))
		}
	}
	slices.Sort(rest)
	if len(rest) == 0 {
		return string(ls[model.AlertNameLabel])
	}
	return fmt.Sprintf("%s{%s}", ls[model.AlertNameLabel], strings.Join(rest, ","))
}

// undescribe reads what describe writes.
func undescribe(t testing.TB, s string) model.LabelSet {
	t.Helper()
	name, rest, _ := strings.Cut(strings.TrimSuffix(s, "}"), "{")
	ls := model.LabelSet{model.AlertNameLabel: model.LabelValue(name)}
	for _, kv := range strings.FieldsFunc(rest, func(r rune) bool { return r == ',' }) {
		k, v, ok := strings.Cut(kv, "=")
		if !ok {
			t.Fatalf("no label: %q", kv)
		}
		ls[model.LabelName(k)] = model.LabelValue(v)
	}
	return ls
}

// put hands "NAME{k=v} firing", "… firing since=1h", "… firing for=1m" or "… resolved" to the provider.
func (r *replica) put(line string) {
	r.t.Helper()
	f := strings.Fields(line)
	if len(f) < 2 {
		r.t.Fatalf("write ALERT firing|resolved: %q", line)
	}
	now := time.Now()
	a := &alert.Alert{Alert: model.Alert{Labels: undescribe(r.t, f[0]), EndsAt: now.Add(24 * time.Hour)}, UpdatedAt: now, Timeout: true}
	begun, known := r.begun[f[0]]
	if !known {
		begun = now
	}
	for _, o := range f[2:] {
		k, v, _ := strings.Cut(o, "=")
		d, err := time.ParseDuration(v)
		if err != nil {
			r.t.Fatal(err)
		}
		switch k {
		case "since":
			begun = now.Add(-d)
		case "for":
			a.EndsAt = now.Add(d)
		default:
			r.t.Fatalf("unknown option %q", o)
		}
	}
	a.StartsAt = begun
	switch f[1] {
	case "firing":
		r.begun[f[0]] = begun
	case "resolved":
		a.EndsAt, a.Timeout = now, false
		delete(r.begun, f[0])
	default:
		r.t.Fatalf("unknown state %q", f[1])
	}
	if err := r.alerts.Put(context.Background(), a); err != nil {
		r.t.Fatal(err)
	}
}

// mute silences alerts for an hour and returns the silence's identifier.
func (r *replica) mute(name, value string) string {
	r.t.Helper()
	now := time.Now()
	s := &silencepb.Silence{
		MatcherSets: []*silencepb.MatcherSet{{Matchers: []*silencepb.Matcher{{Name: name, Pattern: value, Type: silencepb.Matcher_EQUAL}}}},
		StartsAt:    timestamppb.New(now), EndsAt: timestamppb.New(now.Add(time.Hour)), CreatedBy: "t", Comment: "c",
	}
	if err := r.silences.Set(context.Background(), s); err != nil {
		r.t.Fatal(err)
	}
	return s.Id
}

// state lists the groups as the API does.
func (r *replica) state() string {
	r.t.Helper()
	groups, _, err := r.d.Groups(context.Background(), func(*amdispatch.Route) bool { return true }, func(*alert.Alert, time.Time) bool { return true })
	if err != nil {
		r.t.Fatal(err)
	}
	var b strings.Builder
	for _, g := range groups {
		by, muted := r.groups.Muted(g.RouteID, g.GroupKey)
		fmt.Fprintf(&b, "%s %s", g.GroupKey, g.Receiver)
		if muted {
			fmt.Fprintf(&b, " muted by %s", strings.Join(by, ","))
		}
		if len(g.RouteLabels) > 0 {
			fmt.Fprintf(&b, " with %s", g.RouteLabels)
		}
		b.WriteByte('\n')
		for _, a := range g.Alerts {
			s := g.AlertStatuses[a.Fingerprint()]
			fmt.Fprintf(&b, "  %s %s", describe(a.Labels), s.State)
			if len(s.InhibitedBy) > 0 {
				b.WriteString(" inhibited")
			}
			if len(s.SilencedBy) > 0 {
				b.WriteString(" silenced")
			}
			if a.Resolved() {
				b.WriteString(" resolved")
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// TestScripts runs the sessions in testdata against a clock that only moves
// when the script says so. They state what holds of upstream's dispatcher, with
// early flush off and on, and what holds of ours alone.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		synctest.Test(t, func(t *testing.T) {
			var r *replica
			defer func() {
				if r != nil {
					r.stop()
				}
			}()
			muted := map[string]string{}
			datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
				switch d.Cmd {
				case "config": // [off] [limit=N]: the first is a start, each after it a reload
					if r == nil {
						o := replicaOptions{off: d.HasArg("off")}
						d.MaybeScanArgs(t, "limit", &o.maxGroups)
						r = newReplica(t, "", o)
					}
					r.load(d.Input)
					synctest.Wait()
					return ""
				case "put":
					for line := range strings.Lines(d.Input) {
						r.put(line)
					}
					synctest.Wait()
					return strings.Join(append(r.told(), ""), "\n")
				case "run": // DURATION
					end := duration(t, d.CmdArgs[0].Key)
					<-time.After(end)
					synctest.Wait()
					return strings.Join(append(r.told(), ""), "\n")
				case "receiver": // NAME [hang|fail|refuse|slow]
					r.mu.Lock()
					defer r.mu.Unlock()
					r.behave[d.CmdArgs[0].Key] = ""
					if len(d.CmdArgs) > 1 {
						r.behave[d.CmdArgs[0].Key] = d.CmdArgs[1].Key
					}
					return ""
				case "silence": // LABEL=VALUE
					muted[d.CmdArgs[0].String()] = r.mute(d.CmdArgs[0].Key, d.CmdArgs[0].Vals[0])
					return ""
				case "expire": // LABEL=VALUE
					if err := r.silences.Expire(context.Background(), muted[d.CmdArgs[0].String()]); err != nil {
						t.Fatal(err)
					}
					return ""
				case "groups":
					return r.state()
				case "metric": // NAME
					n, err := value(r.reg, d.CmdArgs[0].Key)
					if err != nil {
						t.Fatal(err)
					}
					return fmt.Sprintf("%v\n", n)
				default:
					t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
					return ""
				}
			})
		})
	})
}

func duration(t testing.TB, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// value adds up a metric over its labels.
func value(reg *prometheus.Registry, name string) (sum float64, err error) {
	if n, err := testutil.GatherAndCount(reg, name); err != nil || n == 0 {
		return 0, fmt.Errorf("no metric %s: %w", name, err)
	}
	families, err := reg.Gather()
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum, err
}
