package incident

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"touchline.dev/touchline/internal/state"
)

// expect compares the calls since the last time.
func (p *phones) expect(t *testing.T, n *night, want string) {
	t.Helper()
	if got := p.take(); got != want {
		t.Errorf("%s: called %q, want %q", n.now.Format("15:04:05"), got, want)
	}
}

// TestWorseAlertJoins has an incident that nobody is called for get an alert for
// which somebody is.
func TestWorseAlertJoins(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, _ func()) {
		warning := n.alert("Slow", "db-1")
		warning.Labels["severity"] = "warning"
		n.Observe(n.group("g", warning))
		n.steps(10 * time.Minute)
		p.expect(t, n, "")
		n.Observe(n.group("g", warning, n.alert("Down", "db-1")))
		n.steps(2 * time.Second)
		p.expect(t, n, "anna-mail firing, anna-phone firing")
		n.Observe(n.group("g", warning, n.alert("Down", "db-1"), n.alert("Down", "db-2")))
		n.steps(2 * time.Minute)
		p.expect(t, n, "") // the same policy goes on
		// A critical incident that is merged into one of warnings.
		other := n.alert("Slow", "db-3")
		other.Labels["severity"] = "warning"
		n.Observe(n.group("h", other))
		n.steps(time.Second)
		if _, err := n.Merge(t.Context(), 1, 2, "anna"); err != nil {
			t.Fatal(err)
		}
		n.steps(2 * time.Second)
		p.expect(t, n, "anna-mail firing, anna-phone firing")
		// Who has taken an incident is not called for what joins it.
		n.Observe(n.group("i", func() Alert { a := n.alert("Slow", "db-4"); a.Labels["severity"] = "warning"; return a }()))
		n.steps(time.Second)
		if _, err := n.Acknowledge(t.Context(), 3, "anna", ""); err != nil {
			t.Fatal(err)
		}
		n.Observe(n.group("i", n.alert("Down", "db-4")))
		n.steps(3 * time.Second)
		p.expect(t, n, "")
	})
}

// TestNobodyCanBeReached has the network away for a while.
func TestNobodyCanBeReached(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, _ func()) {
		for _, r := range []string{"anna-phone", "anna-mail", "room", "lead"} {
			p.down[r] = true
		}
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.steps(2 * time.Hour)
		p.expect(t, n, "")
		if got := strings.Count(kinds(n.get(1)), EventEscalated); got != 3 {
			t.Errorf("%d steps are in the timeline, want each of the three once", got)
		}
		clear(p.down)
		n.steps(2 * time.Minute)
		if got := p.take(); !strings.Contains(got, "firing") {
			t.Errorf("the network is back: called %q", got)
		}
		n.steps(20 * time.Minute)
		if got := p.take(); !strings.Contains(got, "lead firing") {
			t.Errorf("later: called %q", got)
		}
		n.steps(5 * time.Hour)
		p.expect(t, n, "")
		// The end is told to whom it can be told, and to the others once they can be.
		p.down["lead"] = true
		n.Ended("Down/db-1", n.now)
		n.steps(5 * time.Minute)
		p.expect(t, n, "anna-mail resolved, anna-phone resolved, room resolved")
		clear(p.down)
		n.steps(2 * time.Minute)
		p.expect(t, n, "lead resolved")
		n.steps(2 * time.Hour)
		p.expect(t, n, "")
	})
}

// TestEscalationUnderASilence waits for its end.
func TestEscalationUnderASilence(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, _ func()) {
		quiet, tell := true, n.o.Escalation.Tell
		n.o.Escalation.Tell = func(ctx context.Context, c Call) (Outcome, error) {
			if quiet {
				return Outcome{What: "silenced or inhibited", Muted: true}, nil
			}
			return tell(ctx, c)
		}
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.steps(time.Hour)
		if strings.Contains(kinds(n.get(1)), EventEscalated) {
			t.Error("a muted call is in the timeline")
		}
		quiet = false
		n.steps(2 * time.Minute)
		p.expect(t, n, "anna-mail firing, anna-phone firing")
	})
}

// TestReceiverHangs calls others meanwhile.
func TestReceiverHangs(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, _ func()) {
		hangs, tell := make(chan struct{}), n.o.Escalation.Tell
		n.o.Escalation.Tell = func(ctx context.Context, c Call) (Outcome, error) {
			if c.Incident.ID == 1 {
				<-hangs
			}
			return tell(ctx, c)
		}
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.wait(time.Second)
		n.carryOut(t.Context())
		n.Observe(n.group("h", n.alert("Down", "db-2")))
		if err := n.work(t.Context(), func(time.Duration) {}); err != nil {
			t.Fatal(err)
		}
		n.carryOut(t.Context())
		deadline := time.After(10 * time.Second)
		for n.Service.steps.Load() != 1 {
			select {
			case <-deadline:
				t.Fatal("the second incident waits for the first one")
			case <-time.After(time.Millisecond):
			}
		}
		p.expect(t, n, "anna-mail firing, anna-phone firing")
		close(hangs)
		n.calling.Wait()
		p.expect(t, n, "anna-mail firing, anna-phone firing")
	})
}

// TestTriesEndBeforeTheNextStep gives up a receiver in time for who comes next.
func TestTriesEndBeforeTheNextStep(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, _ *phones, _ func()) {
		var got []string
		var mu sync.Mutex
		n.o.Escalation.Policies = func() []Policy {
			return []Policy{{Name: "all", Matches: func(map[string]string) bool { return true }, Steps: []Step{
				{Receivers: []string{"a"}}, {Wait: 20 * time.Second, Receivers: []string{"b"}}, {Wait: time.Second, Receivers: []string{"c"}}, {Wait: time.Hour, Receivers: []string{"d"}},
			}}}
		}
		n.o.Escalation.Tell = func(ctx context.Context, c Call) (Outcome, error) {
			end, _ := ctx.Deadline()
			mu.Lock()
			defer mu.Unlock()
			got = append(got, fmt.Sprint(c.Receiver, " ", time.Until(end).Round(time.Second)))
			return Outcome{What: "told"}, nil
		}
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.steps(2 * time.Hour)
		if want := "a 20s, b 10s, c 45s, d 45s"; strings.Join(got, ", ") != want {
			t.Errorf("%v, want %s", got, want)
		}
	})
}

// TestStopInAStep does not use a step up.
func TestStopInAStep(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, _ func()) {
		stopping, tell := true, n.o.Escalation.Tell
		n.o.Escalation.Tell = func(ctx context.Context, c Call) (Outcome, error) {
			if stopping && c.Receiver == "anna-mail" {
				return Outcome{}, fmt.Errorf("%w: stopped", ErrNotNow)
			}
			return tell(ctx, c)
		}
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.steps(2 * time.Second)
		p.expect(t, n, "anna-phone firing")
		stopping = false
		n.steps(time.Second)
		p.expect(t, n, "anna-mail firing")
		if d := n.get(1); strings.Count(kinds(d), EventEscalated) != 1 {
			t.Error(kinds(d))
		}
	})
}

// TestPolicyIsGone has a reload take the policy away under which an incident escalates.
func TestPolicyIsGone(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, _ func()) {
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.steps(time.Second)
		p.expect(t, n, "anna-mail firing, anna-phone firing")
		all := n.o.Escalation.Policies()
		n.o.Escalation.Policies = func() []Policy { return all }
		all = nil // a mistake, or a replica that has not reloaded yet
		n.steps(6 * time.Minute)
		all = (&phones{quiet: p.quiet}).escalation().Policies()
		n.steps(2 * time.Minute)
		p.expect(t, n, "anna-mail firing, anna-phone firing, room firing")
		all[0].Name = "urgent"
		n.steps(8 * time.Minute)
		p.expect(t, n, "anna-mail firing, anna-phone firing")
		all = nil
		n.steps(20 * time.Minute)
		p.expect(t, n, "")
		if got := strings.Count(kinds(n.get(1)), EventEscalated); got != 5 {
			t.Errorf("%d steps and changes are in the timeline: %s", got, kinds(n.get(1)))
		}
		text := fmt.Sprint(n.get(1).Timeline)
		for _, want := range []string{"the policy critical is gone; urgent begins", "the policy urgent is gone, and no other is for these alerts"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in %s", want, text)
			}
		}
	})
}

// TestClosedAndFiresAgain has the end of an alert go unheard whose incident was closed.
func TestClosedAndFiresAgain(t *testing.T) {
	over(t, func(t *testing.T, n *night, _ func()) {
		known := map[string]bool{}
		n.o.Known = func(context.Context) (map[string]bool, error) { return known, nil }
		closed := func(id int64) {
			if _, err := n.Close(t.Context(), id, 0, "anna", ""); err != nil {
				t.Fatal(err)
			}
		}
		a := n.alert("Down", "db-1")
		n.Observe(n.group("g", a))
		n.wait(0)
		closed(1)
		n.Observe(n.group("g", a)) // it fires on, which is known
		n.wait(time.Minute)
		if got := n.list(Filter{}); len(got) != 1 {
			t.Fatalf("incidents %v", got)
		}
		n.now = n.now.Add(3 * 24 * time.Hour)
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.wait(0)
		if got := n.list(Filter{States: []State{Firing}}); len(got) != 1 || got[0] != 2 {
			t.Fatalf("incidents that fire: %v", got)
		}
		closed(2)
		for range 20 { // nobody knows the alert any more
			n.wait(time.Minute)
		}
		if d := n.get(2); d.Alerts[0].EndsAt.IsZero() {
			t.Errorf("%+v", d.Alerts)
		}
	})
}

// TestAlertOfAnotherReplica is not ended by one that does not know it.
func TestAlertOfAnotherReplica(t *testing.T) {
	over(t, func(t *testing.T, n *night, _ func()) {
		if n.o.DB.Kind() == "sqlite" {
			return // which no replicas share
		}
		known := map[string]bool{"Down/db-1": true}
		n.o.Known = func(context.Context) (map[string]bool, error) { return known, nil }
		other := newNight(t, n.o.DB)
		other.o.Known = func(context.Context) (map[string]bool, error) { return nil, nil }
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		both := func(minutes int) {
			for range minutes {
				n.wait(time.Minute)
				other.now = n.now
				other.wait(0)
			}
		}
		both(30)
		if d := n.get(1); d.State != Firing {
			t.Errorf("a replica has ended it: %s", d.State)
		}
		clear(known)
		both(8)
		if d := n.get(1); d.State != Resolved {
			t.Errorf("nobody knows it any more, and it is %s", d.State)
		}
	})
}

// TestTextsThatNobodyCanStore does not keep anybody else from an incident.
func TestTextsThatNobodyCanStore(t *testing.T) {
	over(t, func(t *testing.T, n *night, _ func()) {
		a := n.alert("Down", "db-1")
		a.Annotations["summary"], a.Labels["team"] = "nul \x00 here", "gbk \xb2\xe2"
		key := `{}:{team="` + strings.Repeat("x", 5000) + `"}`
		n.Observe(n.group(key, a))
		n.Told(Notification{At: n.now, Receiver: "ops", GroupKey: key, Firing: 1, Error: "\xb2\xe2\xca\xd4 \x00"})
		n.wait(0)
		d := n.get(1)
		if d.Title != "Down: nul \uFFFD here" || !strings.Contains(kinds(d), EventNotified) {
			t.Errorf("%q: %s", d.Title, kinds(d))
		}
		if hash, err := n.LinkGroup(t.Context(), key); err != nil || hash != GroupHash(key) {
			t.Error(err)
		} else if i, err := n.ofHash(t.Context(), hash); err != nil || i.ID != 1 {
			t.Errorf("%+v, %v", i, err)
		}
		// What the database refuses all the same is dropped, and nothing else.
		refuse := "CREATE TRIGGER refuse BEFORE INSERT ON incidents WHEN NEW.title LIKE 'Bad:%' BEGIN SELECT RAISE(ABORT, 'refused'); END"
		if n.o.DB.Kind() != "sqlite" {
			refuse = "ALTER TABLE incidents ADD CONSTRAINT refuse CHECK (title NOT LIKE 'Bad:%')"
		}
		if err := n.o.DB.Write(t.Context(), func(tx *state.Tx) error {
			_, err := tx.ExecContext(t.Context(), refuse)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		n.Observe(n.group("g", n.alert("Down", "db-2")))
		n.Observe(n.group("bad", n.alert("Bad", "db-3")))
		n.Observe(n.group("h", n.alert("Down", "db-4")))
		n.Ended(a.Fingerprint, n.now)
		n.Told(Notification{At: n.now, Receiver: "ops", GroupKey: "g", Firing: 1})
		n.wait(time.Second)
		if got := n.list(Filter{}); len(got) != 3 || n.inbox.waiting() != 0 {
			t.Errorf("incidents %v, %d wait", got, n.inbox.waiting())
		}
		if d := n.get(1); d.State != Resolved {
			t.Error(d.State)
		}
	})
}

// TestEndBeforeItFiresAgain has an end that could not be written come beside a later firing.
func TestEndBeforeItFiresAgain(t *testing.T) {
	over(t, func(t *testing.T, n *night, _ func()) {
		a := n.alert("Down", "db-1")
		n.Observe(n.group("g", a))
		n.wait(time.Minute)
		n.Ended(a.Fingerprint, n.now)
		b := n.inbox.take(chunk, others)
		n.now = n.now.Add(time.Minute)
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.inbox.putBack(b)
		n.wait(time.Second)
		if d := n.get(1); d.State != Firing || !d.Alerts[0].StartsAt.Equal(n.now.Add(-time.Second)) {
			t.Errorf("%s: %+v", d.State, d.Alerts)
		}
	})
}

// TestNotTheReplicaThatCalls says so where it would not help.
func TestNotTheReplicaThatCalls(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, _ *phones, _ func()) {
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.wait(0)
		n.o.Escalation.Mine = func() bool { return false }
		if _, err := n.Acknowledge(t.Context(), 1, "anna", ""); !Refused(err) || !strings.Contains(err.Error(), "at the first replica") {
			t.Error(err)
		}
		n.o.Escalation.Mine = nil
		if _, err := n.Acknowledge(t.Context(), 1, "anna", ""); err != nil {
			t.Error(err)
		}
	})
}

// TestForgetsWhole leaves nothing of an incident behind.
func TestForgetsWhole(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, _ *phones, _ func()) {
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.steps(5 * time.Minute)
		n.Ended("Down/db-1", n.now)
		n.steps(time.Minute)
		n.now = n.now.Add(n.o.Retention + time.Hour)
		n.wait(0)
		for _, table := range []string{"incidents", "incident_alerts", "incident_events", "incident_groups", "escalations", "hints", "notifications"} {
			var rows int
			if err := n.o.DB.Read(t.Context(), func(q state.Querier) error {
				return q.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&rows)
			}); err != nil || rows != 0 {
				t.Errorf("%s has %d rows, %v", table, rows, err)
			}
		}
		if _, err := n.Get(t.Context(), 1); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	})
}

// TestReplicaRestarts has a replica stop that alone knows an alert: the other one
// leaves the alert alone while its sender repeats it, and ends it when it does not.
func TestReplicaRestarts(t *testing.T) {
	over(t, func(t *testing.T, n *night, _ func()) {
		if n.o.DB.Kind() == "sqlite" {
			return // which no replicas share
		}
		knows := func(context.Context) (map[string]bool, error) { return map[string]bool{"Down/db-1": true}, nil }
		n.o.Known = knows
		other := newNight(t, n.o.DB)
		other.o.Known = func(context.Context) (map[string]bool, error) { return nil, nil }
		a := n.alert("Down", "db-1")
		n.Observe(n.group("g", a))
		both := func(minutes int) {
			for range minutes {
				n.wait(time.Minute)
				other.now = n.now
				other.wait(0)
			}
		}
		both(60)
		n.open(n.o.DB)
		n.o.Known = knows
		a.StartsAt = n.now // as its sender has it after a restart of its own
		n.Observe(n.group("g", a))
		both(20)
		if d := n.get(1); d.State != Firing {
			t.Errorf("the other replica has ended it: %s at %s", d.State, d.ResolvedAt)
		}
		gone := n.now
		for range 20 {
			other.wait(time.Minute)
		}
		if d := n.get(1); d.State != Resolved || d.ResolvedAt.Before(gone.Add(-2*lostLook)) {
			t.Errorf("nobody knows it since %s, and it is %s at %s", gone, d.State, d.ResolvedAt)
		}
	})
}

// TestClosedBeforeARestart has the sender of an alert give it another start after
// the restart: it fires on, and is not another incident.
func TestClosedBeforeARestart(t *testing.T) {
	over(t, func(t *testing.T, n *night, reopen func()) {
		a := n.alert("Down", "db-1")
		n.Observe(n.group("g", a))
		n.wait(time.Second)
		if _, err := n.Close(t.Context(), 1, 0, "anna", "known"); err != nil {
			t.Fatal(err)
		}
		n.wait(time.Hour)
		reopen()
		a.StartsAt = n.now
		for range 10 {
			n.Observe(n.group("g", a))
			n.wait(time.Minute)
		}
		if got := n.list(Filter{}); len(got) != 1 {
			t.Errorf("incidents %v", got)
		}
	})
}

// TestStopThenEnd tells the end to who was called by a step that a stop has cut off.
func TestStopThenEnd(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, reopen func()) {
		tell := n.o.Escalation.Tell
		n.o.Escalation.Tell = func(ctx context.Context, c Call) (Outcome, error) {
			if c.Receiver == "anna-mail" {
				return Outcome{}, ErrNotNow
			}
			return tell(ctx, c)
		}
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.steps(time.Second)
		p.expect(t, n, "anna-phone firing")
		reopen()
		n.Ended("Down/db-1", n.now)
		n.steps(time.Minute)
		p.expect(t, n, "anna-phone resolved")
	})
}

// TestUnreachedAfterAcknowledgement tries a step that does not stop before the end each minute.
func TestUnreachedAfterAcknowledgement(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, _ func()) {
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.steps(time.Second)
		p.expect(t, n, "anna-mail firing, anna-phone firing")
		if _, err := n.Acknowledge(t.Context(), 1, "anna", ""); err != nil {
			t.Fatal(err)
		}
		p.down["lead"] = true
		n.steps(40 * time.Minute)
		p.expect(t, n, "")
		clear(p.down)
		n.steps(2 * time.Minute)
		p.expect(t, n, "lead firing")
	})
}

// TestBacklog takes in what has come in during a long outage in parts.
func TestBacklog(t *testing.T) {
	over(t, func(t *testing.T, n *night, _ func()) {
		for k := range 3 * others / 2 {
			n.Told(Notification{At: n.now, Receiver: "ops", GroupKey: "g", Firing: 1, Took: time.Duration(k)})
			n.Ended(fmt.Sprint(k), n.now)
		}
		for k := range chunk + 1 {
			n.Observe(n.group(fmt.Sprint("g", k), n.alert("Down", fmt.Sprint("db-", k))))
		}
		var sizes []string
		for b := n.inbox.take(chunk, others); !b.empty(); b = n.inbox.take(chunk, others) {
			sizes = append(sizes, fmt.Sprint(len(b.groups), "+", len(b.ended), "+", len(b.told)))
			if err := n.write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := strings.Join(sizes, ", "), fmt.Sprintf("%d+0+0, 1+%d+%d, 0+%d+%d", chunk, others, others, others/2, others/2); got != want {
			t.Errorf("taken %s, want %s", got, want)
		}
		if n.inbox.waiting() != 0 {
			t.Errorf("%d wait", n.inbox.waiting())
		}
	})
}
