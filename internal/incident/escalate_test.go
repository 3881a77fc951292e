package incident

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"touchline.dev/touchline/internal/state"
	"touchline.dev/touchline/internal/state/statetest"
)

// phones is who can be called, and remembers the calls as a notification log does.
type phones struct {
	mu    sync.Mutex
	down  map[string]bool
	quiet map[string]bool
	log   map[string]string
	calls []string
}

func (p *phones) tell(_ context.Context, c Call) (Outcome, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down[c.Receiver] {
		return Outcome{}, errors.New("503 from the phone company")
	}
	what := "firing"
	if c.Incident.State == Resolved {
		what = "resolved"
	}
	if p.log == nil {
		p.log = map[string]string{}
	}
	if p.log[c.Key] == what {
		return Outcome{What: "told before"}, nil
	}
	p.log[c.Key] = what
	p.calls = append(p.calls, c.Receiver+" "+what)
	return Outcome{What: "told"}, nil
}

// take returns the calls since the last time.
func (p *phones) take() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.calls
	p.calls = nil
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func (p *phones) escalation() *Escalation {
	return &Escalation{
		Tell: p.tell,
		Policies: func() []Policy {
			return []Policy{{Name: "critical", Matches: func(ls map[string]string) bool { return ls["severity"] == "critical" }, Steps: []Step{
				{Schedule: "primary"},
				{Wait: 5 * time.Minute, Schedule: "primary", Receivers: []string{"room"}, Repeat: 1, Every: 2 * time.Minute},
				{Wait: 10 * time.Minute, Receivers: []string{"lead"}, UntilResolved: true},
			}}}
		},
		OnCall: func(schedule string, _ time.Time, _ string) ([]Person, error) {
			if schedule != "primary" {
				return nil, fmt.Errorf("there is no schedule %s", schedule)
			}
			return []Person{{Name: "anna", Receivers: []string{"anna-phone", "anna-mail"}, Quiet: p.quiet["anna"]}}, nil
		},
	}
}

// steps lets time pass in small steps, each of which carries out what is due.
func (n *night) steps(d time.Duration) {
	n.t.Helper()
	for end := n.now.Add(d); n.now.Before(end); {
		n.wait(min(time.Minute, end.Sub(n.now)))
		n.carryOut(n.t.Context())
		n.calling.Wait()
	}
}

func escalating(t *testing.T, f func(t *testing.T, n *night, p *phones, reopen func())) {
	statetest.Run(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		p := &phones{down: map[string]bool{}, quiet: map[string]bool{}}
		n := newNight(t, db)
		n.o.Escalation = p.escalation()
		f(t, n, p, func() {
			n.open(reopen())
			n.o.Escalation = p.escalation()
			if err := n.takeBack(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	})
}

// TestANight is a page that nobody answers, the second step, an acknowledgement,
// a snooze, flapping, and the end.
func TestANight(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, reopen func()) {
		expect := func(want string) {
			t.Helper()
			if got := p.take(); got != want {
				t.Errorf("%s: called %q, want %q", n.now.Format("15:04:05"), got, want)
			}
		}
		a := n.alert("Down", "db-1")
		n.Observe(n.group("g", a))
		n.steps(time.Second)
		expect("anna-mail firing, anna-phone firing")
		n.steps(4 * time.Minute)
		expect("")
		reopen()
		n.steps(2 * time.Minute)
		expect("anna-mail firing, anna-phone firing, room firing")
		n.steps(2 * time.Minute)
		expect("anna-mail firing, anna-phone firing, room firing")
		if _, err := n.Acknowledge(t.Context(), 1, "anna", "anna-phone"); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Snooze(t.Context(), 1, 0, "anna", n.now.Add(30*time.Minute)); err != nil {
			t.Fatal(err)
		}
		n.steps(25 * time.Minute)
		expect("")
		// Acknowledged, and not resolved: the lead is told when the snooze is over.
		n.steps(6 * time.Minute)
		expect("lead firing")
		n.Ended(a.Fingerprint, n.now)
		n.steps(time.Minute)
		expect("anna-mail resolved, anna-phone resolved, lead resolved, room resolved")
		// It flaps: who has acknowledged it is not called again, the lead is.
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.steps(9 * time.Minute)
		expect("")
		n.steps(11 * time.Minute)
		expect("lead firing")
		if _, err := n.Unacknowledge(t.Context(), 1, "anna"); err != nil {
			t.Fatal(err)
		}
		n.steps(time.Minute)
		expect("anna-mail firing, anna-phone firing")
		n.Ended(a.Fingerprint, n.now)
		n.steps(time.Minute)
		expect("anna-mail resolved, anna-phone resolved, lead resolved")
		n.steps(time.Hour)
		expect("")
		d := n.get(1)
		if d.State != Resolved || strings.Count(kinds(d), EventEscalated) != 8 {
			t.Errorf("%s: %s", d.State, kinds(d))
		}
	})
}

func TestStepsThatReachNobody(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, _ func()) {
		// Both of anna's receivers are down: the next step does not wait for its time.
		p.down["anna-phone"], p.down["anna-mail"] = true, true
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.steps(time.Second)
		n.steps(2 * time.Second)
		if got := p.take(); got != "room firing" {
			t.Errorf("called %q", got)
		}
		d := n.get(1)
		first := d.Timeline[slices.IndexFunc(d.Timeline, func(e Event) bool { return e.Kind == EventEscalated })]
		if text := fmt.Sprint(first.Data["receivers"]); !strings.Contains(text, "503") {
			t.Errorf("the timeline has %s", text)
		}
		// Quiet hours.
		p.down, p.quiet["anna"] = map[string]bool{}, true
		n.Observe(n.group("h", n.alert("Down", "db-2")))
		n.steps(time.Second)
		n.steps(time.Second)
		if got := p.take(); got != "room firing" {
			t.Errorf("called %q", got)
		}
		if d := n.get(2); !strings.Contains(fmt.Sprint(d.Timeline), "anna has quiet hours") {
			t.Errorf("%v", d.Timeline)
		}
	})
}

// TestKilledInAStep has a process die between a receiver's answer and the note of
// it: the step is carried out again, and who was told is not told twice.
func TestKilledInAStep(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, reopen func()) {
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.wait(0)
		var due []standing
		if err := n.o.DB.Read(t.Context(), func(q state.Querier) (err error) {
			due, err = standings(t.Context(), q, n.now, maxSteps)
			return err
		}); err != nil || len(due) != 1 {
			t.Fatal(due, err)
		}
		mine, d, err := n.claim(t.Context(), due[0])
		if err != nil || !mine {
			t.Fatal(mine, err)
		}
		if again, _, err := n.claim(t.Context(), due[0]); again || err != nil {
			t.Errorf("a second replica has it too: %v", err)
		}
		n.call(t.Context(), tellTimeout, []string{"anna-phone", "anna-mail"}, func(r string) Call {
			return Call{Key: callKey(due[0], r), Receiver: r, Incident: d.Incident, Alerts: d.Alerts}
		})
		reopen()
		if n.o.DB.Kind() != "sqlite" {
			n.steps(lease)
		}
		n.steps(time.Second)
		if got := p.take(); got != "anna-mail firing, anna-phone firing" {
			t.Errorf("called %q", got)
		}
		if d := n.get(1); strings.Count(kinds(d), EventEscalated) != 1 {
			t.Error(kinds(d))
		}
	})
}

func TestLinks(t *testing.T) {
	over(t, func(t *testing.T, n *night, reopen func()) {
		ctx := t.Context()
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.wait(0)
		token, err := n.Sign(ctx, Link{Action: LinkAcknowledge, Group: GroupHash("g"), Receiver: "ops", Expires: n.now.Add(LinkLife)})
		if err != nil {
			t.Fatal(err)
		}
		reopen()
		l, i, err := n.Follow(ctx, token)
		if err != nil || l.Action != LinkAcknowledge || l.Receiver != "ops" || i.ID != 1 {
			t.Errorf("%+v, %+v, %v", l, i, err)
		}
		other, err := n.Sign(ctx, Link{Action: LinkView, Group: GroupHash("other"), Expires: n.now.Add(LinkLife)})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := n.Follow(ctx, other); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		// A call of an escalation is about the group of its incident.
		for key, want := range map[string]string{`{}:{alertname="Down"}`: GroupHash(`{}:{alertname="Down"}`), "escalation:1/1/0/0:ops": GroupHash("g")} {
			if got, err := n.LinkGroup(ctx, key); err != nil || got != want {
				t.Errorf("group of %s is %q, %v", key, got, err)
			}
		}
		for _, key := range []string{"escalation:99/1/0/0:ops", "hand-over:primary", ""} {
			if got, err := n.LinkGroup(ctx, key); !errors.Is(err, ErrNotFound) {
				t.Errorf("group of %q is %q, %v", key, got, err)
			}
		}
		for _, forged := range []string{"", "x", "x.y", token + "x", strings.Replace(token, ".", "x.", 1), strings.ToUpper(token), strings.Repeat("a", 3000)} {
			if _, _, err := n.Follow(ctx, forged); !errors.Is(err, ErrLinkForged) {
				t.Errorf("%q: %v", forged, err)
			}
		}
		// Days later the group has another incident: an old message must not take that.
		n.Ended("Down/db-1", n.now)
		n.wait(24 * time.Hour)
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.wait(0)
		if _, _, err := n.Follow(ctx, token); !errors.Is(err, ErrLinkEarlier) || n.get(2).State != Firing {
			t.Errorf("a link of the incident before: %v", err)
		}
		n.now = n.now.Add(LinkLife)
		if _, _, err := n.Follow(ctx, token); !errors.Is(err, ErrLinkExpired) {
			t.Error(err)
		}
	})
}

// Who is given an incident is told, and told of its end; nobody else can be given one.
func TestAssign(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, _ func()) {
		n.o.Escalation.Policies = func() []Policy { return nil }
		n.o.Assignee = func(_ context.Context, name, severity string) (Person, error) {
			if name != "li" && name != "bo" {
				return Person{}, &Unknown{Name: name, Hint: "did you mean \"li\"?"}
			}
			return Person{Name: name, Receivers: []string{name + "-phone"}, Quiet: name == "bo" && severity == "critical"}, nil
		}
		assign := func(actor, to, want string) {
			t.Helper()
			if _, err := n.Assign(t.Context(), 1, 0, actor, to); err != nil {
				t.Fatal(err)
			}
			n.calling.Wait()
			if got := p.take(); got != want {
				t.Errorf("%s has given it to %q, which has told %q; want %q", actor, to, got, want)
			}
		}
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.steps(time.Second)
		_, err := n.Assign(t.Context(), 1, 0, "anna", "lu")
		if u, ok := errors.AsType[*Unknown](err); !ok || u.Name != "lu" || !strings.Contains(err.Error(), `"lu" is neither a user nor`) {
			t.Errorf("a name of nobody's: %v", err)
		}
		if _, err := n.Assign(t.Context(), 7, 0, "anna", "lu"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		assign("anna", "li", "li-phone firing")
		assign("anna", "li", "") // it is li's already
		assign("anna", "bo", "") // has quiet hours
		assign("bo", "", "")
		assign("li", "li", "") // has taken it
		if got := n.get(1); !strings.HasSuffix(kinds(got), "assigned assignee_called assigned assignee_called assigned assigned") {
			t.Errorf("timeline: %s", kinds(got))
		}
		p.down["li-phone"] = true
		assign("anna", "bo", "")
		assign("anna", "li", "")
		if got := n.get(1).Timeline; !strings.Contains(fmt.Sprint(got[len(got)-1].Data), "503 from the phone company") {
			t.Errorf("a telling that has failed: %+v", got[len(got)-1])
		}
		p.down["li-phone"] = false
		n.Ended("Down/db-1", n.now)
		n.steps(time.Minute)
		if got := p.take(); got != "li-phone resolved" {
			t.Errorf("told of the end: %q", got)
		}
	})
}

// A step that is carried out while somebody is assigned does not forget whom that told.
func TestAssignDuringAStep(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, _ func()) {
		tell, assigned := n.o.Escalation.Tell, atomic.Bool{}
		n.o.Escalation.Tell = func(ctx context.Context, c Call) (Outcome, error) {
			if assigned.CompareAndSwap(false, true) {
				if err := n.callAssignee(ctx, c.Incident, Person{Name: "li", Receivers: []string{"li-phone"}}); err != nil {
					t.Error(err)
				}
			}
			return tell(ctx, c)
		}
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.steps(time.Second)
		if got := p.take(); got != "anna-mail firing, anna-phone firing, li-phone firing" {
			t.Errorf("called %q", got)
		}
		n.Ended("Down/db-1", n.now)
		n.steps(time.Minute)
		if got := p.take(); got != "anna-mail resolved, anna-phone resolved, li-phone resolved" {
			t.Errorf("told of the end: %q", got)
		}
	})
}
