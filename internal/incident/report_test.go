package incident

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"touchline.dev/touchline/internal/state"
)

// calledAt notes calls of an incident, each with what came of it, as an
// escalation does.
func (n *night) calledAt(id int64, at time.Time, data ...map[string]any) {
	n.t.Helper()
	ctx := n.t.Context()
	if err := n.o.DB.Write(ctx, func(tx *state.Tx) error {
		i, err := load(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, d := range data {
			if err := i.add(ctx, tx, at, EventEscalated, "", d); err != nil {
				return err
			}
		}
		return save(ctx, tx, &i, at)
	}); err != nil {
		n.t.Fatal(err)
	}
}

func (n *night) report(from, to time.Time) Report {
	n.t.Helper()
	r, err := n.Report(n.t.Context(), from, to)
	if err != nil {
		n.t.Fatal(err)
	}
	return r
}

// TestReportCountsCallsByTheirTime has an incident of one week call somebody in
// the next one, in which no incident is opened.
func TestReportCountsCallsByTheirTime(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, _ func()) {
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.steps(time.Minute)
		monday := week(n.now).AddDate(0, 0, 7)
		n.calledAt(1, monday.Add(time.Hour), map[string]any{"policy": "critical", "step": 2, "receivers": map[string]string{"lead": "told"}})
		r := n.report(monday, monday.AddDate(0, 0, 1))
		if want := []Week{{Begin: monday, Calls: 1}}; r.Incidents != 0 || !slices.Equal(r.Weeks, want) {
			t.Errorf("%d incidents, weeks %+v; want none and %+v", r.Incidents, r.Weeks, want)
		}
		if len(r.Woken) != 1 || !slices.Equal(r.Woken[0].Receivers, []string{"lead"}) {
			t.Errorf("%+v", r.Woken)
		}
		r = n.report(monday.AddDate(0, 0, -7), monday)
		if want := []Week{{Begin: monday.AddDate(0, 0, -7), Incidents: 1, Calls: 1}}; !slices.Equal(r.Weeks, want) || len(r.Woken) != 1 || r.Woken[0].Incident != 1 {
			t.Errorf("weeks %+v, calls %+v; want %+v and the first call", r.Weeks, r.Woken, want)
		}
		if r = n.report(monday.AddDate(0, 0, -7), monday.AddDate(0, 0, 7)); len(r.Weeks) != 2 || len(r.Woken) != 2 {
			t.Errorf("weeks %+v, calls %+v", r.Weeks, r.Woken)
		}
	})
}

// TestReportCountsWhomItReached has receivers that fail, are muted, and take the call.
func TestReportCountsWhomItReached(t *testing.T) {
	escalating(t, func(t *testing.T, n *night, p *phones, _ func()) {
		n.o.Escalation.Tell = func(_ context.Context, c Call) (Outcome, error) {
			switch {
			case c.Receiver == "anna-phone", strings.HasPrefix(c.Key, "escalation:1/1/0/"):
				return Outcome{}, errors.New("503 from the phone company")
			case c.Receiver == "lead":
				return Outcome{What: "told; failed: email: 421"}, nil
			case c.Receiver == "room":
				return Outcome{What: "told before"}, nil
			}
			return Outcome{What: "silenced or inhibited", Muted: true}, nil
		}
		a := n.alert("Down", "db-1")
		n.Observe(n.group("g", a))
		n.steps(2 * time.Hour)
		n.Ended(a.Fingerprint, n.now)
		n.steps(time.Minute)
		var got [][]string
		r := n.report(evening.Add(-time.Hour), n.now.Add(time.Hour))
		for _, w := range r.Woken {
			got = append(got, w.Receivers)
		}
		// The first step reached nobody; the second one and its repetition did, and the third.
		if want := [][]string{{"room"}, {"room"}, {"lead"}}; !reflect.DeepEqual(got, want) || r.Weeks[0].Calls != 3 {
			t.Errorf("%q, %+v; want %q", got, r.Weeks, want)
		}
	})
}

// TestReportCountsAllCalls has more calls than a report lists, and of each the end told.
func TestReportCountsAllCalls(t *testing.T) {
	over(t, func(t *testing.T, n *night, _ func()) {
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.Observe(n.group("h", n.alert("Down", "db-2")))
		n.Observe(n.group("i", n.alert("Down", "db-3")))
		n.wait(0)
		call := map[string]any{"receivers": map[string]string{"lead": "told"}}
		end := map[string]any{"receivers": map[string]string{"lead": "told"}, "resolved": true}
		calls := func(id int64, count int) {
			var data []map[string]any
			for range count {
				data = append(data, call, end)
			}
			n.calledAt(id, n.now.Add(time.Minute), data...)
		}
		for i, c := range []struct {
			more, all int
			cut       bool
		}{{700, 700, false}, {300, 1000, false}, {50, 1050, true}} {
			calls(int64(i+1), c.more)
			r := n.report(evening.Add(-time.Hour), evening.Add(time.Hour))
			if got := fmt.Sprint(len(r.Woken), r.Weeks[0].Calls, r.Cut); got != fmt.Sprint(min(c.all, maxWoken), c.all, c.cut) {
				t.Errorf("of %d calls listed, counted and cut: %s", c.all, got)
			}
		}
	})
}

// TestFirstAcknowledgement gives an incident back, and merges others before and
// after somebody has taken it: the report has the first acknowledgement of each.
func TestFirstAcknowledgement(t *testing.T) {
	over(t, func(t *testing.T, n *night, reopen func()) {
		ctx := t.Context()
		must := func(_ Incident, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		begin := n.now
		for k := range 5 {
			n.Observe(n.group(fmt.Sprint(k), n.alert("Down", fmt.Sprint(k))))
			n.wait(0)
		}
		must(n.Merge(ctx, 2, 3, "anna"))
		must(n.Merge(ctx, 3, 1, "anna"))
		n.wait(time.Minute)
		must(n.Acknowledge(ctx, 1, "anna", ""))
		n.wait(time.Minute)
		must(n.Unacknowledge(ctx, 1, "anna"))
		must(n.Merge(ctx, 4, 1, "anna"))
		n.wait(time.Minute)
		if d := n.get(1); !d.AcknowledgedAt.IsZero() || !d.FirstAckAt.Equal(begin.Add(time.Minute)) {
			t.Errorf("given back: %+v", d.Incident)
		}
		reopen()
		must(n.Acknowledge(ctx, 1, "li", ""))
		n.wait(time.Minute)
		must(n.Merge(ctx, 5, 1, "anna"))
		for id, want := range map[int64]time.Duration{1: time.Minute, 2: time.Minute, 3: time.Minute, 4: 3 * time.Minute, 5: 4 * time.Minute} {
			if got := n.get(id).FirstAckAt.Sub(begin); got != want {
				t.Errorf("incident %d was first acknowledged after %s, want %s", id, got, want)
			}
		}
		r := n.report(begin.Add(-time.Hour), n.now)
		if want := (Spread{Count: 5, Mean: 120, P50: 60, P95: 240}); r.Incidents != 1 || len(r.Severities) != 1 || r.Severities[0].Acknowledge != want {
			t.Errorf("%d incidents, %+v; want one, and %+v", r.Incidents, r.Severities, want)
		}
	})
}
