package incident

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestStanding follows one night by what is said of the escalation, and holds each
// promise against the calls that come.
func TestStanding(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, _ func()) {
		// said is the state, then what comes next: its step, repetition, time and receivers.
		said := func() string {
			t.Helper()
			d, err := n.EscalationOf(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			list, more, err := n.Escalating(t.Context(), Filter{})
			if err != nil || more {
				t.Fatal(more, err)
			}
			for _, s := range list {
				if s.Incident == 1 && fmt.Sprint(s.Stand, s.Policy) != fmt.Sprint(d.Stand, d.Policy) {
					t.Errorf("the list has %+v, the incident %+v", s, d.Standing)
				}
			}
			if d.Next == nil {
				return string(d.Stand)
			}
			return fmt.Sprintf("%s %d/%d +%s %s", d.Stand, d.Next.Step, d.Next.Repetition, d.Next.At.Sub(n.now), strings.Join(d.Next.Receivers, " "))
		}
		expect := func(want string) {
			t.Helper()
			if got := said(); got != want {
				t.Errorf("%s: said %q, want %q", n.now.Format("15:04:05"), got, want)
			}
		}
		if _, err := n.EscalationOf(t.Context(), 1); !errors.Is(err, ErrNotFound) {
			t.Errorf("an incident that is not there: %v", err)
		}
		a := n.alert("Down", "db-1")
		n.Observe(n.group("g", a))
		n.wait(0)
		expect("calling 1/0 +0s anna-mail anna-phone")
		n.steps(time.Second)
		expect("waiting 2/0 +5m0s anna-mail anna-phone room")
		p.take()
		n.steps(5 * time.Minute)
		if got := p.take(); got != "anna-mail firing, anna-phone firing, room firing" {
			t.Errorf("called %q", got)
		}
		expect("waiting 2/1 +2m0s anna-mail anna-phone room")
		if _, err := n.Snooze(t.Context(), 1, 0, "anna", n.now.Add(30*time.Minute)); err != nil {
			t.Fatal(err)
		}
		expect("snoozed 2/1 +30m0s anna-mail anna-phone room")
		// Who has acknowledged is called no more; the lead is, at the time that is said.
		if _, err := n.Acknowledge(t.Context(), 1, "anna", ""); err != nil {
			t.Fatal(err)
		}
		expect("snoozed 3/0 +40m0s lead")
		n.steps(30 * time.Minute)
		expect("waiting 3/0 +10m0s lead")
		p.take()
		n.steps(10 * time.Minute)
		if got := p.take(); got != "lead firing" {
			t.Errorf("called %q", got)
		}
		expect("acknowledged")
		if _, err := n.Unacknowledge(t.Context(), 1, "anna"); err != nil {
			t.Fatal(err)
		}
		expect("calling 1/0 +0s anna-mail anna-phone")
		n.steps(time.Hour)
		expect("exhausted")
		n.Ended(a.Fingerprint, n.now)
		n.steps(time.Minute)
		expect("over")
		d, err := n.EscalationOf(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		first, last := d.Calls[0], d.Calls[len(d.Calls)-1]
		if len(d.Steps) != 3 || first.Step != 1 || first.People[0] != "anna" || first.Receivers["anna-phone"] != "told" || first.At.IsZero() || !last.Resolved || last.Step != 0 {
			t.Errorf("first call %+v, last %+v of %d steps", first, last, len(d.Steps))
		}
		if repeated := d.Calls[2]; repeated.Step != 3 || repeated.Receivers["lead"] != "told" {
			t.Errorf("third call %+v", repeated)
		}
	})
}

// TestStandingWithout has incidents for which nobody is called.
func TestStandingWithout(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, _ func()) {
		minor := n.alert("Slow", "db-2")
		minor.Labels["severity"] = "warning"
		n.Observe(n.group("minor", minor))
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.steps(time.Second)
		p.quiet["anna"] = true
		n.o.Escalation.Policies = func() []Policy { return (&phones{quiet: p.quiet}).escalation().Policies()[:1] }
		list, more, err := n.Escalating(t.Context(), Filter{Limit: 1})
		if err != nil || !more || len(list) != 1 {
			t.Fatal(list, more, err)
		}
		rest, more, err := n.Escalating(t.Context(), Filter{Limit: 1, Before: list[0].Incident})
		if err != nil || more || len(rest) != 1 {
			t.Fatal(rest, more, err)
		}
		if got := rest[0]; got.Severity != "warning" || got.Stand != StandNone || got.Next != nil {
			t.Errorf("without a policy: %+v", got)
		}
		if got := list[0]; got.Stand != StandWaiting || strings.Join(got.Next.Receivers, " ") != "room" || strings.Join(got.Next.Notes, " ") != "anna has quiet hours" {
			t.Errorf("with quiet hours: %+v, next %+v", got, got.Next)
		}
		n.o.Escalation.Policies = func() []Policy { return nil }
		if list, _, err = n.Escalating(t.Context(), Filter{}); err != nil || list[0].Stand != StandGone {
			t.Errorf("with the policy gone: %+v, %v", list, err)
		}
	})
}
