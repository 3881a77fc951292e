package incident

import (
	"errors"
	"testing"
	"time"

	"touchline.dev/touchline/internal/state"
)

func TestOverrides(t *testing.T) {
	over(t, func(t *testing.T, n *night, _ func()) {
		ctx := t.Context()
		count := func() (rows int) {
			t.Helper()
			if err := n.o.DB.Read(ctx, func(q state.Querier) error {
				return q.QueryRowContext(ctx, "SELECT COUNT(*) FROM schedule_overrides").Scan(&rows)
			}); err != nil {
				t.Fatal(err)
			}
			return rows
		}
		add := func(schedule string, from, to time.Time, why error) Override {
			t.Helper()
			o, err := n.AddOverride(ctx, Override{Schedule: schedule, Person: "li", From: from, To: to, By: "anna"}, func(o Override, others []Override) error {
				for _, x := range others {
					if x.Schedule != schedule || x.ID == o.ID {
						t.Errorf("%+v is among the others of %+v", x, o)
					}
				}
				return why
			})
			if why != nil && (!Refused(err) || err.Error() != why.Error()) || why == nil && err != nil {
				t.Errorf("refused with %v, want %v", err, why)
			}
			return o
		}
		version := func() OverridesVersion {
			t.Helper()
			v, err := n.OverridesVersion(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		before := version()
		add("primary", n.now, n.now.AddDate(2, 0, 0), errors.New("is too long"))
		if v := version(); v != before || count() != 0 {
			t.Errorf("%d overrides after one that was refused", count())
		}
		first := add("primary", n.now, n.now.Add(time.Hour), nil)
		v1 := version()
		second := add("primary", n.now, n.now.Add(time.Hour), nil)
		add("other", n.now, n.now.Add(3*time.Hour), nil)
		v3 := version()
		if err := n.RemoveOverride(ctx, "primary", second.ID, "anna"); err != nil {
			t.Fatal(err)
		}
		v2 := version()
		add("primary", n.now.Add(time.Hour), n.now.Add(2*time.Hour), nil)
		for i, v := range []OverridesVersion{before, v1, v2, v3} {
			for _, w := range append([]OverridesVersion{version()}, []OverridesVersion{before, v1, v2, v3}[:i]...) {
				if v == w {
					t.Errorf("%+v is the version of two sets", v)
				}
			}
		}
		if list, err := n.Overrides(ctx, "primary"); err != nil || len(list) != 2 || list[0] != first {
			t.Errorf("%+v, %v", list, err)
		}
		for _, c := range []struct {
			pass time.Duration
			left int
		}{{OverrideRetention + time.Hour - time.Second, 3}, {2 * time.Second, 2}, {90 * time.Minute, 1}, {time.Hour, 0}} {
			n.now = n.now.Add(c.pass)
			if err := n.ForgetOverrides(ctx); err != nil {
				t.Fatal(err)
			}
			if got := count(); got != c.left {
				t.Errorf("%s after the beginning: %d overrides, want %d", n.now.Sub(evening), got, c.left)
			}
		}
	})
}
