package dispatch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/common/model"
)

const two = `
route: {receiver: x}
receivers:
- {name: w, webhook_configs: [{url: "http://a"}, {url: "http://b", send_resolved: false}]}
- {name: x, webhook_configs: [{url: "http://x"}]}
- {name: nobody}
inhibit_rules: [{source_matchers: [alertname="Down"], target_matchers: [alertname="Slow"], equal: [host]}]
`

// say tells a receiver "A{i=1}", or "A{i=1} resolved", and describes what came of it.
func (r *replica) say(ctx context.Context, receiver, key string, alerts ...string) string {
	m := Message{Receiver: receiver, Key: key, Labels: model.LabelSet{"alertname": "A"}, Repeat: time.Hour}
	for _, a := range alerts {
		name, ended := strings.CutSuffix(a, " resolved")
		x := &alert.Alert{Alert: model.Alert{Labels: undescribe(r.t, name), StartsAt: r.start}}
		if ended {
			x.EndsAt = time.Now()
		}
		m.Alerts = append(m.Alerts, x)
	}
	out, err := r.d.Tell(ctx, m)
	if err != nil {
		return err.Error()
	}
	var said []string
	for _, o := range out {
		line := o.Integration
		for word, is := range map[string]bool{" told": o.Told, " muted": o.Muted, " deduplicated": o.Deduplicated} {
			if is {
				line += word
			}
		}
		if o.Err != nil {
			line += " failed"
			if errors.Is(o.Err, ErrStopped) {
				line += " stopped"
			}
		}
		said = append(said, line)
	}
	return strings.Join(said, ", ")
}

func TestTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReplica(t, "", replicaOptions{})
		r.load(two)
		defer r.stop()
		check := func(got, want string, heard ...string) {
			t.Helper()
			if got != want {
				t.Errorf("%s, want %s", got, want)
			}
			synctest.Wait()
			expect(t, r.told(), heard...)
		}
		ctx := context.Background()
		const both = "webhook[0] told, webhook[1] told"
		check(r.say(ctx, "w", "step 1", "A{i=1}"), both, "  0.000 w[0] firing A{i=1}", "  0.000 w[1] firing A{i=1}")
		check(r.say(ctx, "w", "step 1", "A{i=1}"), "webhook[0] deduplicated, webhook[1] deduplicated")
		check(r.say(ctx, "w", "step 2", "A{i=1}"), both, "  0.000 w[0] firing A{i=1}", "  0.000 w[1] firing A{i=1}")
		check(r.say(ctx, "x", "step 1", "A{i=1}"), "webhook[0] told", "  0.000 x firing A{i=1}")

		// The end goes to who has heard of the beginning and wants to.
		check(r.say(ctx, "w", "step 1", "A{i=1} resolved"), "webhook[0] told, webhook[1]", "  0.000 w[0] resolved A{i=1}")
		check(r.say(ctx, "w", "step 3", "A{i=1} resolved"), "webhook[0] deduplicated, webhook[1] deduplicated")

		// What is muted is left out, or all of it.
		r.mute("team", "a")
		check(r.say(ctx, "x", "step 4", "A{team=a}", "A{team=b}"), "webhook[0] told", "  0.000 x firing A{team=b}")
		check(r.say(ctx, "w", "step 5", "A{team=a}"), "webhook[0] muted, webhook[1] muted")
		r.put("Down{host=h} firing")
		synctest.Wait()
		check(r.say(ctx, "x", "step 6", "Slow{host=h}"), "webhook[0] muted")
		check(r.say(ctx, "x", "step 6", "Slow{host=g}"), "webhook[0] told", "  0.000 x firing Slow{host=g}")

		check(r.say(ctx, "nobody", "step 7", "A{i=1}"), "")
		check(r.say(ctx, "y", "step 7", "A{i=1}"), `unknown receiver "y"`)

		// After a reload the log still knows.
		r.load(two + "\n# changed\n")
		check(r.say(ctx, "x", "step 1", "A{i=1}"), "webhook[0] deduplicated")
		if _, muted := r.groups.Muted("", "step 1"); muted || len(r.d.singles) > 0 {
			t.Error("something of a message is left")
		}
	})
}

// TestTellTriesUntilItsTimeIsOver has one integration fail and the other one not.
func TestTellTriesUntilItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReplica(t, "", replicaOptions{})
		r.load(two)
		defer r.stop()
		r.behave["w[0]"] = "fail"
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if got, want := r.say(ctx, "w", "step 1", "A"), "webhook[0] failed, webhook[1] told"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if time.Since(r.start) != time.Minute || r.attempts["w[0]"] < 4 || r.attempts["w[1]"] != 1 {
			t.Errorf("after %s: %d attempts of one, %d of the other", time.Since(r.start), r.attempts["w[0]"], r.attempts["w[1]"])
		}
		r.behave["w[0]"] = "refuse"
		if got, want := r.say(context.Background(), "w", "step 1", "A"), "webhook[0] failed, webhook[1] deduplicated"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		r.behave["w[0]"] = ""
		if got, want := r.say(context.Background(), "w", "step 1", "A"), "webhook[0] told, webhook[1] deduplicated"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// TestTheSameMessageIsToldOnceAtATime says the same thing from many sides while
// the receiver takes its time.
func TestTheSameMessageIsToldOnceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReplica(t, "", replicaOptions{})
		r.load(two)
		defer r.stop()
		r.behave["x"] = "slow"
		var mu sync.Mutex
		said := map[string]int{}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				got := r.say(context.Background(), "x", "step", "A")
				mu.Lock()
				defer mu.Unlock()
				said[got]++
			})
		}
		wg.Wait()
		if r.attempts["x"] != 1 || said["webhook[0] told"] != 1 || said["webhook[0] deduplicated"] != 19 {
			t.Errorf("%d attempts: %v", r.attempts["x"], said)
		}
	})
}

// TestTellAtAStop cuts off what waits for another attempt and what hangs, lets
// a request be answered that is under way, and takes nothing afterwards.
func TestTellAtAStop(t *testing.T) {
	for how, want := range map[string]string{"fail": "0s webhook[0] failed stopped", "slow": "1s webhook[0] told", "hang": "3s webhook[0] failed stopped"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReplica(t, "", replicaOptions{})
				r.load(two)
				r.behave["x"] = how
				said := make(chan string, 1)
				go func() { said <- r.say(context.Background(), "x", "step", "A") }()
				r.after(time.Second)
				begun := time.Now()
				r.stop()
				if got := fmt.Sprint(time.Since(begun), " ", <-said); got != want {
					t.Errorf("%s, want %s", got, want)
				}
				if got := r.say(context.Background(), "x", "another", "A"); got != ErrStopped.Error() {
					t.Errorf("after the stop: %s", got)
				}
			})
		})
	}
}

// TestTellWaitsForTheReplicas tells nothing before they know each other: one of
// them may have told it.
func TestTellWaitsForTheReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReplica(t, "", replicaOptions{startAt: time.Now().Add(time.Minute)})
		defer r.stop()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if got := r.say(ctx, "x", "step", "A"); !strings.Contains(got, context.DeadlineExceeded.Error()) {
			t.Errorf("before a configuration: %s", got)
		}
		r.load(two)
		if got := r.say(context.Background(), "x", "step", "A"); got != "webhook[0] told" {
			t.Error(got)
		}
		expect(t, r.told(), " 60.000 x firing A")
	})
}
