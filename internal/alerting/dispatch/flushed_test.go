package dispatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/alert"
	amdispatch "github.com/prometheus/alertmanager/dispatch"
)

// diary writes down what the dispatcher says.
type diary struct {
	start time.Time
	mu    sync.Mutex
	lines []string
}

func (d *diary) write(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) flushed(f Flush) {
	line := fmt.Sprintf("%7.3f %s %s %s:", f.At.Sub(d.start).Seconds(), f.Key, f.Receiver, f.Labels)
	for _, a := range f.Alerts {
		line += " " + describe(a.Labels)
		if a.Resolved() {
			line += " resolved"
		}
	}
	d.write("%s", line)
}

func (d *diary) ended(a *alert.Alert, at time.Time) {
	d.write("%7.3f ended %s", at.Sub(d.start).Seconds(), describe(a.Labels))
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.lines
	d.lines = nil
	return out
}

// TestFlushed looks at what is told of flushes: early ones and regular ones,
// with ends, without what is muted, and of groups that nobody is told of.
func TestFlushed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := diary{start: time.Now()}
		r := newReplica(t, "", replicaOptions{flushed: d.flushed, ended: d.ended})
		r.load(`
route:
  receiver: w
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  routes: [{matchers: [alertname="Quiet"], receiver: nobody}]
receivers: [{name: w, webhook_configs: [{url: "http://w"}, {url: "http://x"}]}, {name: nobody}]
`)
		defer r.stop()
		r.mute("team", "a")
		for _, a := range []string{"A{i=1,severity=critical}", "A{i=2}", "A{i=3,team=a}", "Quiet", "Muted{team=a}"} {
			r.put(a + " firing")
		}
		said := func(pass time.Duration, want ...string) {
			t.Helper()
			r.after(pass)
			got := d.read()
			slices.Sort(got)
			expect(t, got, want...)
		}
		said(time.Minute,
			`  0.002 {}:{alertname="A"} w {alertname="A"}: A{i=1,severity=critical}`,
			` 30.000 {}/{alertname="Quiet"}:{alertname="Quiet"} nobody {alertname="Quiet"}: Quiet`,
			` 30.000 {}:{alertname="A"} w {alertname="A"}: A{i=2} A{i=1,severity=critical}`,
			` 30.000 {}:{alertname="Muted"} w {alertname="Muted"}:`)
		for _, a := range []string{"A{i=1,severity=critical}", "Quiet", "Muted{team=a}"} {
			r.put(a + " resolved")
		}
		said(0,
			` 60.000 ended A{i=1,severity=critical}`,
			` 60.000 ended Muted{team=a}`,
			` 60.000 ended Quiet`)
		said(5*time.Minute,
			`330.000 {}/{alertname="Quiet"}:{alertname="Quiet"} nobody {alertname="Quiet"}: Quiet resolved`,
			`330.000 {}:{alertname="A"} w {alertname="A"}: A{i=2} A{i=1,severity=critical} resolved`,
			`330.000 {}:{alertname="Muted"} w {alertname="Muted"}:`)
		said(5*time.Minute, `630.000 {}:{alertname="A"} w {alertname="A"}: A{i=2}`)
	})
}

// TestNothingWaitsForWhoIsTold has who is told of flushes not return: all else
// happens when it does without, a reload too. What waits comes in order.
func TestNothingWaitsForWhoIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		play := func(o replicaOptions) (r *replica, told []string) {
			r = newReplica(t, "", o)
			r.load(one)
			r.behave["w"] = "fail"
			for n := range 5 {
				r.put(fmt.Sprintf("A%d{i=1,severity=critical} firing", n))
				r.put(fmt.Sprintf("A%d{i=2} firing", n))
			}
			told = r.after(100 * time.Millisecond)
			r.mu.Lock()
			r.behave["w"] = ""
			r.mu.Unlock()
			for n := range 5 {
				r.put(fmt.Sprintf("A%d{i=3,severity=critical} firing", n))
			}
			told = append(told, r.after(time.Minute)...)
			r.load(strings.Replace(one, "5m", "4m", 1))
			r.put("A1{i=2} resolved")
			return r, append(told, r.after(10*time.Minute)...)
		}
		r, want := play(replicaOptions{})
		r.stop()
		if g := anyGroup(r); g.reports != nil || g.reporting {
			t.Error("something is said to nobody")
		}

		d, release := diary{start: time.Now()}, make(chan struct{})
		var listening *replica
		r, got := play(replicaOptions{
			flushed: func(f Flush) {
				<-release
				all := func(*alert.Alert, time.Time) bool { return true }
				if _, _, err := listening.d.Groups(context.Background(), func(*amdispatch.Route) bool { return true }, all); err != nil {
					t.Error(err)
				}
				d.flushed(f)
			},
			ended:    d.ended,
			reported: func(receiver string) { d.write("%s was tried", receiver) },
		})
		expect(t, got, want...)
		if said := d.read(); len(said) != 1 || !strings.Contains(said[0], "ended A1{i=2}") {
			t.Errorf("said %q before anybody listened", said)
		}
		listening = r
		close(release)
		r.stop()
		last, flushes, tries := map[string]string{}, 0, 0
		for n, line := range d.read() {
			key, isFlush := "", strings.Contains(line, "{}:")
			if !isFlush {
				tries++
				if n == 0 {
					t.Error("an attempt was told of before its flush")
				}
				continue
			}
			flushes++
			key = line[8:strings.Index(line, " w ")]
			if last[key] > line[:7] {
				t.Errorf("%s comes after %s", line, last[key])
			}
			last[key] = line[:7]
		}
		if tries != len(want) || flushes < 15 || len(last) != 5 {
			t.Errorf("told of %d attempts, want %d; of %d flushes of %d groups", tries, len(want), flushes, len(last))
		}
	})
}

func anyGroup(r *replica) *group {
	for _, g := range r.d.groups {
		return g
	}
	return nil
}

// TestAttemptsAreToldOfAfterTheirFlush has many groups flush and be told at
// once, and looks for an attempt that was told of first.
func TestAttemptsAreToldOfAfterTheirFlush(t *testing.T) {
	var mu sync.Mutex
	seen, early := map[string]bool{}, 0
	r := newReplica(t, "", replicaOptions{flushed: func(f Flush) {
		mu.Lock()
		defer mu.Unlock()
		seen[f.Receiver] = true
	}, reported: func(receiver string) {
		mu.Lock()
		defer mu.Unlock()
		if !seen[receiver] {
			early++
		}
	}})
	const groups = 300
	routes, receivers := "", ""
	for n := range groups {
		routes += fmt.Sprintf("  - {matchers: [i=\"%d\"], receiver: w%d}\n", n, n)
		receivers += fmt.Sprintf("- {name: w%d, webhook_configs: [{url: \"http://w\"}]}\n", n)
	}
	r.load("route:\n  receiver: w0\n  group_wait: 0s\n  routes:\n" + routes + "receivers:\n" + receivers)
	for n := range groups {
		r.put(fmt.Sprintf("A{i=%d} firing", n))
	}
	deadline := time.After(30 * time.Second)
	for told := 0; told < groups; told += len(r.told()) {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatal("the receivers are not told in time")
		}
	}
	r.stop()
	if early > 0 || len(seen) != groups {
		t.Errorf("%d attempts were told of before their flush; %d flushes", early, len(seen))
	}
}

// TestEndsFromBeforeTheStart are told of like all others.
func TestEndsFromBeforeTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := diary{start: time.Now()}
		r := newReplica(t, "", replicaOptions{ended: d.ended})
		r.put("A{i=1} firing")
		r.put("A{i=2} firing")
		r.put("A{i=2} resolved")
		r.load(one)
		defer r.stop()
		synctest.Wait()
		expect(t, d.read(), "  0.000 ended A{i=2}")
	})
}
