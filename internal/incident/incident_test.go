package incident

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"touchline.dev/touchline/internal/state"
	"touchline.dev/touchline/internal/state/statetest"
)

func TestMain(m *testing.M) { statetest.Main(m) }

// night is a service with a clock of its own.
type night struct {
	*Service
	t       *testing.T
	now     time.Time
	changes []Change
}

var evening = time.Date(2026, 11, 25, 22, 0, 0, 0, time.UTC)

func newNight(t *testing.T, db *state.DB) *night {
	n := &night{t: t, now: evening}
	n.open(db)
	return n
}

func (n *night) open(db *state.DB) {
	s, err := New(Options{
		DB: db, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Now: func() time.Time { return n.now },
		Opens: func(ls map[string]string) bool { return ls["severity"] != "info" }, Flapping: 10 * time.Minute, Retention: 30 * 24 * time.Hour,
		Changed: func(cs []Change) { n.changes = append(n.changes, cs...) },
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.Service = s
}

// wait lets time pass, and works off what has come in and what is due.
func (n *night) wait(d time.Duration) {
	n.t.Helper()
	n.now = n.now.Add(d)
	if err := n.work(n.t.Context(), func(time.Duration) {}); err != nil {
		n.t.Fatal(err)
	}
	if err := n.passTime(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
}

func (n *night) alert(name, instance string) Alert {
	return Alert{
		Fingerprint: name + "/" + instance, Labels: map[string]string{"alertname": name, "instance": instance, "severity": "critical", "job": "x"},
		Annotations: map[string]string{"summary": name + " of " + instance}, StartsAt: n.now,
		Timing: Timing{Rule: name, Class: "local", Sample: n.now.Add(-20 * time.Millisecond), Decided: n.now.Add(-5 * time.Millisecond)},
	}
}

func (n *night) group(key string, as ...Alert) Group {
	return Group{Key: key, Receiver: "ops", Labels: map[string]string{"group": key}, At: n.now, Alerts: as}
}

func (n *night) get(id int64) Detail {
	n.t.Helper()
	d, err := n.Get(n.t.Context(), id)
	if err != nil {
		n.t.Fatal(err)
	}
	return d
}

func (n *night) list(f Filter) []int64 {
	n.t.Helper()
	is, _, err := n.List(n.t.Context(), f)
	if err != nil {
		n.t.Fatal(err)
	}
	var out []int64
	for _, i := range is {
		out = append(out, i.ID)
	}
	return out
}

func kinds(d Detail) string {
	var out []string
	for _, e := range d.Timeline {
		out = append(out, e.Kind)
	}
	return strings.Join(out, " ")
}

func over(t *testing.T, f func(t *testing.T, n *night, reopen func())) {
	statetest.Run(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		n := newNight(t, db)
		f(t, n, func() { n.open(reopen()) })
	})
}

// The first bad sample of a rule that waits is the one that its for began with.
func TestFirstBadSampleOfARuleThatWaits(t *testing.T) {
	over(t, func(t *testing.T, n *night, _ func()) {
		a := n.alert("Slow", "api-1")
		a.Timing.Active = a.Timing.Sample.Add(-10 * time.Second)
		n.Observe(n.group("g", a))
		n.Told(Notification{At: n.now, Receiver: "ops", Integration: "webhook", GroupKey: "g", Firing: 1, Took: 5 * time.Millisecond})
		n.wait(0)
		d := n.get(1)
		if !d.SampleAt.Equal(a.Timing.Active.Truncate(time.Microsecond)) || !d.DueAt.Equal(a.Timing.Sample.Truncate(time.Microsecond)) {
			t.Errorf("first bad sample %s, due %s: %+v", d.SampleAt, d.DueAt, a.Timing)
		}
		if want := "first_bad_sample due detected opened alert_fired notified"; kinds(d) != want {
			t.Fatalf("timeline: %s", kinds(d))
		}
		for at, want := range map[int]map[string]any{1: {"for_ms": 10_000.0}, 2: {"after_ms": 15.0}, 5: {"since_first_bad_sample_ms": 10_025.0, "since_due_ms": 25.0}} {
			for k, v := range want {
				if got := d.Timeline[at].Data[k]; got != v {
					t.Errorf("%s of %s is %v, want %v", k, d.Timeline[at].Kind, got, v)
				}
			}
		}
		s := n.report(evening, n.now.Add(time.Hour)).Severities[0]
		if math.Abs(s.Detect.P50-10.025) > .0001 || math.Abs(s.Tell.P50-.025) > .0001 {
			t.Errorf("report %+v", s)
		}
		p, err := n.Postmortem(t.Context(), 1, "en", nil)
		if err != nil {
			t.Fatal(err)
		}
		if text := p.Markdown(); !strings.Contains(text, "The rule waited (for): 10s") || !strings.Contains(text, "Detected after: 15ms") || !strings.Contains(text, "First receiver answered after: 10s, of it 25ms after the for") {
			t.Error(text)
		}
	})
}

func TestLifeOfAnIncident(t *testing.T) {
	over(t, func(t *testing.T, n *night, reopen func()) {
		a := n.alert("Down", "db-1")
		n.Observe(n.group("g", a))
		n.Told(Notification{At: n.now, Receiver: "ops", Integration: "webhook", GroupKey: "g", Group: "{}", Firing: 1, Took: 5 * time.Millisecond})
		n.Told(Notification{At: n.now, Receiver: "ops", Integration: "slack", GroupKey: "g", Group: "{}", Firing: 1, Took: time.Second, Error: "channel_not_found"})
		n.wait(0)
		d := n.get(1)
		if d.Title != "Down: Down of db-1" || d.State != Firing || d.Severity != "critical" || len(d.Alerts) != 1 || d.Labels["instance"] != "db-1" {
			t.Errorf("%+v", d)
		}
		if want := "first_bad_sample detected opened alert_fired notified notified"; kinds(d) != want {
			t.Errorf("timeline: %s", kinds(d))
		}
		if got := d.Timeline[4].Data["since_first_bad_sample_ms"]; got != 25.0 {
			t.Errorf("told after %v ms", got)
		}
		// The same again changes nothing, and another alert of the group joins.
		version := d.Version
		n.Observe(n.group("g", a))
		n.wait(time.Second)
		if d = n.get(1); d.Version != version {
			t.Errorf("version %d after nothing new, was %d", d.Version, version)
		}
		n.Observe(n.group("g", a, n.alert("Down", "db-2")))
		n.wait(time.Second)
		if d = n.get(1); len(d.Alerts) != 2 || d.Labels["instance"] != "" || d.Labels["job"] != "x" {
			t.Errorf("%+v", d)
		}
		// Another receiver's group of the same alerts joins, too; one of other alerts does not.
		n.Observe(Group{Key: "h", Receiver: "lead", At: n.now, Alerts: []Alert{a}})
		n.Observe(n.group("i", n.alert("Full", "db-1")))
		n.Observe(n.group("info", Alert{Fingerprint: "x", Labels: map[string]string{"alertname": "Info", "severity": "info"}}))
		n.wait(time.Second)
		if got := n.list(Filter{}); !slices.Equal(got, []int64{2, 1}) {
			t.Errorf("incidents %v", got)
		}
		reopen()
		n.Ended("Down/db-1", n.now)
		n.wait(time.Second)
		if d = n.get(1); d.State != Firing {
			t.Errorf("%s with an alert left", d.State)
		}
		n.Ended("Down/db-2", n.now)
		n.wait(time.Second)
		if d = n.get(1); d.State != Resolved || d.ResolvedAt.IsZero() {
			t.Errorf("%s after the last alert's end", d.State)
		}
		// It fires again soon: the same. Later: another.
		a.StartsAt = n.now
		n.Observe(n.group("g", a))
		n.wait(time.Second)
		if d = n.get(1); d.State != Firing || d.Flaps != 1 || d.Alerts[0].Fired+d.Alerts[1].Fired != 3 {
			t.Errorf("after flapping %+v", d)
		}
		n.Ended("Down/db-1", n.now)
		n.wait(11 * time.Minute)
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.wait(time.Second)
		if got := n.list(Filter{States: []State{Firing}}); !slices.Equal(got, []int64{3, 2}) {
			t.Errorf("firing incidents %v", got)
		}
		if got := testutil.ToFloat64(n.metrics.open.WithLabelValues("firing", "critical")); got != 2 {
			t.Errorf("the metric has %v open incidents", got)
		}
	})
}

func TestFalseAlarmsThatFire(t *testing.T) {
	over(t, func(t *testing.T, n *night, _ func()) {
		ctx := t.Context()
		want := func(when string, fingerprints ...string) {
			t.Helper()
			got, err := n.FalseAlarms(ctx)
			if err != nil || !slices.Equal(slices.Sorted(maps.Keys(got)), fingerprints) {
				t.Errorf("%s: %v, %v; want %v", when, got, err, fingerprints)
			}
		}
		judge := func(id int64, verdict string) {
			t.Helper()
			if _, err := n.Judge(ctx, id, 0, "anna", verdict); err != nil {
				t.Fatal(err)
			}
		}
		down := n.alert("Down", "db-1")
		n.Observe(n.group("g", down, n.alert("Down", "db-2")))
		n.Observe(n.group("h", n.alert("Full", "db-1")))
		n.wait(time.Second)
		want("without a verdict")
		judge(1, FalseAlarm)
		want("after it", "Down/db-1", "Down/db-2")
		judge(1, Real)
		want("after another one")
		judge(1, "")
		judge(1, FalseAlarm)
		n.Ended("Down/db-2", n.now)
		n.wait(time.Second)
		want("of what has ended", "Down/db-1")
		if _, err := n.Close(ctx, 1, 0, "anna", ""); err != nil {
			t.Fatal(err)
		}
		want("while it fires on", "Down/db-1")
		// Another alert of the group opens another incident, which takes the first alert along.
		n.Observe(n.group("g", down, n.alert("Down", "db-3")))
		n.wait(time.Second)
		if d := n.get(3); len(d.Alerts) != 2 {
			t.Fatalf("%+v", d.Alerts)
		}
		want("in a newer incident without a verdict")
	})
}

func TestNight(t *testing.T) {
	over(t, func(t *testing.T, n *night, reopen func()) {
		ctx := t.Context()
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.wait(time.Second)
		must := func(i Incident, err error) Incident {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return i
		}
		refused := func(want string) func(Incident, error) {
			return func(_ Incident, err error) {
				t.Helper()
				if !Refused(err) || !strings.Contains(err.Error(), want) {
					t.Errorf("want a refusal about %q, got %v", want, err)
				}
			}
		}
		i := must(n.Acknowledge(ctx, 1, "anna", "ops"))
		if i.State != Acknowledged || i.Assignee != "anna" || i.AcknowledgedAt != n.now {
			t.Errorf("%+v", i)
		}
		if taken, err := n.Taken(ctx); err != nil || len(taken) != 1 || !taken["Down/db-1"] {
			t.Errorf("acknowledged alerts: %v, %v", taken, err)
		}
		refused("anna has acknowledged")(n.Acknowledge(ctx, 1, "li", ""))
		must(n.Acknowledge(ctx, 1, "anna", ""))
		refused("nobody's name")(n.Comment(ctx, 1, " ", "x"))
		must(n.Comment(ctx, 1, "anna", "looking"))
		if _, err := n.Assign(ctx, 1, i.Version, "anna", "li"); !errors.Is(err, ErrConflict) {
			t.Errorf("an old version: %v", err)
		}
		must(n.Assign(ctx, 1, 0, "anna", "li"))
		must(n.Snooze(ctx, 1, 0, "li", n.now.Add(time.Hour)))
		refused("30 days")(n.Snooze(ctx, 1, 0, "li", n.now.Add(1000*time.Hour)))
		reopen()
		n.wait(59 * time.Minute)
		if d := n.get(1); d.SnoozedUntil.IsZero() || !d.Snoozed(n.now) || d.State != Acknowledged {
			t.Errorf("the snooze has ended early: %+v", d.Incident)
		}
		for _, c := range []struct {
			states []State
			want   string
		}{{[]State{Snoozed}, "[1]"}, {[]State{Acknowledged}, "[1]"}, {[]State{Closed, Snoozed}, "[1]"}, {[]State{Firing}, "[]"}} {
			if got := fmt.Sprint(n.list(Filter{States: c.states, Text: "down"})); got != c.want {
				t.Errorf("%s: %s, want %s", c.states, got, c.want)
			}
		}
		n.wait(time.Minute)
		if got := n.list(Filter{States: []State{Snoozed}}); len(got) > 0 {
			t.Errorf("snoozed after the snooze: %v", got)
		}
		if d := n.get(1); d.Snoozed(n.now) || d.State != Acknowledged {
			t.Errorf("it is not what it was: %+v", d.Incident)
		}
		if d := n.get(1); !d.SnoozedUntil.IsZero() || !strings.HasSuffix(kinds(d), "snooze_ended") {
			t.Errorf("after the snooze: %s", kinds(d))
		}
		// It flaps: who has acknowledged it still has it.
		n.Ended("Down/db-1", n.now)
		n.wait(time.Second)
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.wait(time.Second)
		if taken, err := n.Taken(ctx); err != nil || !taken["Down/db-1"] {
			t.Errorf("acknowledged alerts after a flap: %v, %v", taken, err)
		}
		if d := n.get(1); d.State != Acknowledged || d.Flaps != 1 {
			t.Errorf("%+v", d.Incident)
		}
		must(n.Unacknowledge(ctx, 1, "anna"))
		must(n.Close(ctx, 1, 0, "anna", "known"))
		refused("is closed")(n.Acknowledge(ctx, 1, "li", ""))
		// Closed while it fires: it does not open again for the same alert, but for another one.
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.wait(time.Second)
		if got := n.list(Filter{}); len(got) != 1 {
			t.Errorf("incidents %v", got)
		}
		n.Observe(n.group("g", n.alert("Down", "db-1"), n.alert("Down", "db-9")))
		n.wait(time.Second)
		if got := n.list(Filter{States: []State{Firing}}); !slices.Equal(got, []int64{2}) {
			t.Errorf("firing incidents %v", got)
		}
		must(n.Judge(ctx, 1, 0, "anna", FalseAlarm))
		refused("no verdict")(n.Judge(ctx, 1, 0, "anna", "maybe"))
		// Merged: the other one has the alerts, and their end.
		n.Observe(n.group("k", n.alert("Slow", "web-1")))
		n.wait(time.Second)
		must(n.Merge(ctx, 3, 2, "anna"))
		refused("into itself")(n.Merge(ctx, 2, 2, "anna"))
		refused("merged into 2")(n.Acknowledge(ctx, 3, "anna", ""))
		n.Ended("Slow/web-1", n.now.Add(time.Second))
		n.wait(time.Second)
		if d := n.get(2); len(d.Alerts) != 3 || d.State != Firing {
			t.Errorf("%+v", d)
		}
		n.Ended("Down/db-1", n.now)
		n.Ended("Down/db-9", n.now)
		n.wait(time.Second)
		if d := n.get(2); d.State != Resolved {
			t.Errorf("%s", d.State)
		}
		if _, err := n.Acknowledge(ctx, 99, "anna", ""); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	})
}

func TestTwoAcknowledgeAtOnce(t *testing.T) {
	over(t, func(t *testing.T, n *night, _ func()) {
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.wait(0)
		errs := make(chan error, 8)
		for who := range 8 {
			go func() {
				_, err := n.Acknowledge(context.Background(), 1, fmt.Sprint("person ", who), "")
				errs <- err
			}()
		}
		took := 0
		for range 8 {
			if err := <-errs; err == nil {
				took++
			} else if !Refused(err) {
				t.Error(err)
			}
		}
		if d := n.get(1); took != 1 || strings.Count(kinds(d), EventAcknowledged) != 1 {
			t.Errorf("%d have it: %s", took, kinds(d))
		}
	})
}

func TestSearchAndPages(t *testing.T) {
	over(t, func(t *testing.T, n *night, _ func()) {
		for i := range 120 {
			a := n.alert("Down", fmt.Sprintf("db-%d", i))
			if i%2 == 1 {
				a.Labels["severity"] = "warning"
			}
			n.Observe(n.group(fmt.Sprint(i), a))
			n.Told(Notification{At: n.now, Receiver: []string{"a", "b"}[i%2], GroupKey: fmt.Sprint(i), Firing: 1, Error: map[bool]string{true: "x"}[i%10 == 0]})
		}
		n.wait(time.Minute)
		var all []int64
		f := Filter{Limit: 50}
		for {
			page, more, err := n.List(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range page {
				all = append(all, i.ID)
			}
			if !more {
				break
			}
			f.Before = page[len(page)-1].ID
		}
		if len(all) != 120 || !slices.IsSortedFunc(all, func(a, b int64) int { return int(b - a) }) {
			t.Errorf("%d incidents in pages", len(all))
		}
		for _, c := range []struct {
			f    Filter
			want int
		}{
			{Filter{Severity: "warning", Limit: 1000}, 60}, {Filter{Text: "DOWN instance=db-11", Limit: 1000}, 11}, {Filter{Text: "100%"}, 0},
			{Filter{From: n.now.Add(time.Second)}, 0}, {Filter{To: n.now.Add(time.Second), Limit: 1000}, 120}, {Filter{States: []State{Resolved, Closed}}, 0}, {Filter{Assignee: "anna"}, 0},
		} {
			if got := n.list(c.f); len(got) != c.want {
				t.Errorf("%+v: %d, want %d", c.f, len(got), c.want)
			}
		}
		for _, c := range []struct {
			f    Filter
			want int
		}{{Filter{Limit: 1000}, 120}, {Filter{Receiver: "b", Limit: 1000}, 60}, {Filter{Failed: true}, 12}, {Filter{Incident: 3}, 1}} {
			got, _, err := n.Notifications(t.Context(), c.f)
			if err != nil || len(got) != c.want {
				t.Errorf("notifications %+v: %d, want %d, %v", c.f, len(got), c.want, err)
			}
		}
		// What is old and over is forgotten; what fires stays.
		for i := range 100 {
			n.Ended(fmt.Sprintf("Down/db-%d", i), n.now)
		}
		n.wait(time.Minute)
		n.wait(40 * 24 * time.Hour)
		n.wait(time.Minute)
		if got := n.list(Filter{Limit: 1000}); len(got) != 20 {
			t.Errorf("%d incidents left", len(got))
		}
		if got, _, err := n.Notifications(t.Context(), Filter{Limit: 1000}); err != nil || len(got) != 0 {
			t.Errorf("%d notifications left, %v", len(got), err)
		}
	})
}

func TestNothingIsLostWhileTheDatabaseFails(t *testing.T) {
	statetest.Run(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		n := newNight(t, db)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.Ended("Other/x", n.now)
		n.Told(Notification{At: n.now, Receiver: "ops", GroupKey: "g", Firing: 1})
		if err := n.work(t.Context(), func(time.Duration) {}); err == nil {
			t.Fatal("a closed database takes writes")
		}
		if n.inbox.waiting() != 3 {
			t.Errorf("%d wait", n.inbox.waiting())
		}
		waiting := n.inbox.take(chunk, others)
		n.open(reopen())
		n.inbox.putBack(waiting)
		n.wait(0)
		if d := n.get(1); !strings.Contains(kinds(d), EventNotified) {
			t.Error(kinds(d))
		}
	})
}

// TestEndDuringAFlush has an alert end between a flush's decision and the word of it.
func TestEndDuringAFlush(t *testing.T) {
	over(t, func(t *testing.T, n *night, _ func()) {
		a := n.alert("Down", "db-1")
		g := n.group("g", a)
		n.Ended(a.Fingerprint, n.now.Add(time.Second))
		n.Observe(g)
		n.wait(2 * time.Second)
		if d := n.get(1); d.State != Resolved {
			t.Errorf("%s: %s", d.State, kinds(d))
		}
		// The end of a firing before is not the end of this one.
		b := n.alert("Down", "db-2")
		n.Ended(b.Fingerprint, n.now.Add(-time.Second))
		n.Observe(n.group("h", b))
		n.wait(2 * time.Second)
		if d := n.get(2); d.State != Firing {
			t.Errorf("%s: %s", d.State, kinds(d))
		}
	})
}

// TestLostAlert has an alert that was there before a restart and that nobody sends again.
func TestLostAlert(t *testing.T) {
	over(t, func(t *testing.T, n *night, reopen func()) {
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.Observe(n.group("h", n.alert("Down", "db-2")))
		n.wait(time.Second)
		reopen()
		n.o.Known = func(context.Context) (map[string]bool, error) { return map[string]bool{"Down/db-2": true}, nil }
		for range 9 {
			n.wait(time.Minute)
		}
		if d := n.get(1); d.State != Firing {
			t.Errorf("too early: %s", d.State)
		}
		n.wait(time.Minute)
		n.wait(time.Minute)
		if a, b := n.get(1), n.get(2); a.State != Resolved || b.State != Firing {
			t.Errorf("%s and %s", a.State, b.State)
		}
	})
}

func TestRunning(t *testing.T) {
	statetest.Run(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		n := newNight(t, db)
		n.Start()
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		if err := n.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := n.list(Filter{}); len(got) != 1 || len(n.changes) != 1 || n.changes[0].Before != "" {
			t.Errorf("incidents %v, changes %v", got, n.changes)
		}
	})
}

func TestTimelineIsBounded(t *testing.T) {
	over(t, func(t *testing.T, n *night, _ func()) {
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		for range maxEvents + 50 {
			n.Told(Notification{At: n.now, Receiver: "ops", GroupKey: "g", Firing: 1})
		}
		n.wait(0)
		if _, err := n.Comment(t.Context(), 1, "anna", "still here"); err != nil {
			t.Fatal(err)
		}
		d := n.get(1)
		if len(d.Timeline) != maxEvents+2 || !strings.Contains(kinds(d), EventFull) || !strings.Contains(kinds(d), EventCommented) {
			t.Errorf("%d events", len(d.Timeline))
		}
	})
}
