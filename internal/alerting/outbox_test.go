package alerting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"
)

// epoch is before both the real clock and that of a synctest bubble.
var epoch = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)

// update is a state of the alert of that name: episode tells its firings apart.
func update(name string, episode int, resolved bool) *alert.Alert {
	start := epoch.Add(time.Duration(episode) * time.Minute)
	end := epoch.Add(time.Hour * 24 * 365 * 100)
	if resolved {
		end = start.Add(time.Second)
	}
	return &alert.Alert{Alert: model.Alert{
		Labels: model.LabelSet{"alertname": model.LabelValue(name)}, Annotations: model.LabelSet{"episode": model.LabelValue(fmt.Sprint(episode))},
		StartsAt: start, EndsAt: end,
	}}
}

func state(a *alert.Alert) string {
	s := "firing"
	if a.Resolved() {
		s = "resolved"
	}
	return fmt.Sprintf("%s %s %s", a.Name(), a.Annotations["episode"], s)
}

func TestOutboxKeepsOrderAndNewestOfEachAlert(t *testing.T) {
	for _, c := range []struct {
		name     string
		capacity int
		in       []*alert.Alert
		want     []string
		err      bool
	}{
		{"order", 10, []*alert.Alert{update("a", 1, false), update("b", 1, false), update("a", 1, true)},
			[]string{"a 1 firing", "b 1 firing", "a 1 resolved"}, false},
		{"the same again takes the place", 10, []*alert.Alert{update("a", 1, false), update("a", 1, false), update("b", 1, false)},
			[]string{"a 1 firing", "b 1 firing"}, false},
		{"full: the oldest of the same goes", 2, []*alert.Alert{update("a", 1, false), update("a", 1, true), update("a", 2, false)},
			[]string{"a 1 resolved", "a 2 firing"}, false},
		{"full: another is refused", 1, []*alert.Alert{update("a", 1, false), update("b", 1, false)},
			[]string{"a 1 firing"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				o := newOutbox(c.capacity, func(_ context.Context, as ...*alert.Alert) error {
					for _, a := range as {
						got = append(got, state(a))
					}
					return nil
				}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				err := o.put(ctx, c.in)
				if (err != nil) != c.err || c.err && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("put: %v", err)
				}
				if n := testutil.ToFloat64(o.dropped); (n == 1) != c.err {
					t.Errorf("counted %v drops", n)
				}
				o.start()
				o.close()
				if !slices.Equal(got, c.want) {
					t.Errorf("got %q, want %q", got, c.want)
				}
				if err := o.put(ctx, c.in); !errors.Is(err, errOutboxClosed) {
					t.Errorf("put after close: %v", err)
				}
			})
		})
	}
}

func TestOutboxWaitsForSpaceAndTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		var got []string
		o := newOutbox(1, func(_ context.Context, as ...*alert.Alert) error {
			if calls++; calls <= 2 || as[0].Name() == "never" {
				return errors.New("busy")
			}
			got = append(got, state(as[0]))
			return nil
		}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		o.start()
		in := []*alert.Alert{update("a", 1, false), update("b", 1, false), update("never", 1, false), update("c", 1, false)}
		if err := o.put(t.Context(), in); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		<-time.After(deliverAttempts * deliverPause) // by the clock of the bubble
		synctest.Wait()
		o.close()
		if want := []string{"a 1 firing", "b 1 firing", "c 1 firing"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if failed, dropped := testutil.ToFloat64(o.failed), testutil.ToFloat64(o.dropped); failed != 1 || dropped != 0 {
			t.Errorf("counted %v failures and %v drops, want 1 and 0", failed, dropped)
		}
	})
}
