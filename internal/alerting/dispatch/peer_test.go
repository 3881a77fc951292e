package dispatch

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var histories = flag.Int("histories", 150, "random histories compared with upstream's dispatcher")

// history is a random stream of alerts for a random configuration.
type history struct {
	rnd    *rand.Rand
	config string
	firing map[string]time.Time // since when, by alert
	ended  map[string]time.Time
	quiet  time.Duration // least time between two changes of one alert
	names  []string
}

func newHistory(seed uint64, quiet time.Duration) *history {
	h := &history{rnd: rand.New(rand.NewPCG(seed, 4)), firing: map[string]time.Time{}, ended: map[string]time.Time{}, quiet: quiet}
	pick := func(s ...string) string { return s[h.rnd.IntN(len(s))] }
	h.config = fmt.Sprintf(`
route:
  receiver: w
  group_by: [%s]
  group_wait: 10s
  group_interval: %s
  repeat_interval: 7m3s
  routes:
    - {receiver: x, matchers: [team="x"], continue: %s, group_by: [%s], group_wait: %s}
    - {receiver: y, matchers: [host="h1"], group_interval: 37s}
receivers:
  - {name: w, webhook_configs: [{url: "http://a", send_resolved: %s}, {url: "http://b"}]}
  - {name: x, webhook_configs: [{url: "http://c"}]}
  - {name: y, webhook_configs: [{url: "http://d", send_resolved: %s}]}
`, pick("alertname", "host", "team, severity", `"..."`), pick("1m", "23s"), pick("true", "false"), pick("alertname", `"..."`), pick("0s", "3s", "30s"), pick("true", "false"), pick("true", "false"))
	if h.rnd.IntN(2) == 0 {
		h.config += `inhibit_rules: [{source_matchers: [alertname="A0"], target_matchers: [alertname=~"A1|A2"], equal: [host]}]` + "\n"
	}
	for n := range 4 {
		for host := range 2 {
			h.names = append(h.names, fmt.Sprintf("A%d{host=h%d,severity=%s,team=%s}", n, host, pick("critical", "warning"), pick("x", "y")))
		}
	}
	return h
}

// step is a line for put, empty where nothing can change yet.
func (h *history) step(now time.Time) string {
	name := h.names[h.rnd.IntN(len(h.names))]
	since, firing := h.firing[name]
	switch {
	case firing && (h.rnd.IntN(3) == 0 || now.Sub(since) < h.quiet):
		return name + " firing" // sent again
	case firing:
		delete(h.firing, name)
		h.ended[name] = now
		return name + " resolved"
	case now.Sub(h.ended[name]) < h.quiet:
		return name + " resolved" // sent again
	case h.quiet == 0 && h.rnd.IntN(8) == 0:
		return fmt.Sprintf("%s firing since=%ds", name, h.rnd.IntN(40))
	}
	h.firing[name] = now
	return name + " firing"
}

// play runs the history of a seed through a dispatcher and returns what was told.
func play(t *testing.T, seed uint64, quiet time.Duration, o replicaOptions) (config string, told, events []string) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(seed, quiet)
		config = h.config
		r := newReplica(t, "", o)
		defer r.stop()
		r.load(h.config)
		silenced := ""
		<-time.After(137 * time.Microsecond) // no event at the time of a flush
		synctest.Wait()
		for range 120 {
			<-time.After(time.Duration(h.rnd.IntN(12_000)) * time.Millisecond)
			synctest.Wait()
			if quiet == 0 && h.rnd.IntN(12) == 0 {
				if silenced == "" {
					silenced = r.mute("host", "h0")
				} else if err := r.silences.Expire(t.Context(), silenced); err != nil {
					t.Fatal(err)
				} else {
					silenced = ""
				}
				events = append(events, r.clock()+" silence or its end")
			}
			if quiet == 0 && h.rnd.IntN(12) == 0 {
				r.mu.Lock()
				r.behave["w[1]"] = []string{"", "refuse"}[h.rnd.IntN(2)]
				r.mu.Unlock()
			}
			for range 1 + h.rnd.IntN(3) {
				if line := h.step(time.Now()); line != "" {
					events = append(events, r.clock()+" "+line)
					r.put(line)
					synctest.Wait()
				}
			}
		}
		told = r.after(20 * time.Minute)
	})
	return config, told, events
}

// TestSameAsUpstream has the same random streams of alerts told by upstream's
// dispatcher and ours: with early flush off, the same to the millisecond.
func TestSameAsUpstream(t *testing.T) {
	for seed := range uint64(*histories) {
		_, want, _ := play(t, seed, 0, replicaOptions{upstream: true})
		config, got, events := play(t, seed, 0, replicaOptions{off: true})
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d, configuration:\n%s\nevents:\n%s\nupstream and ours differ:\n%s", seed, config, strings.Join(events, "\n"), difference(want, got))
		}
		if len(want) == 0 {
			t.Errorf("seed %d tells nothing", seed)
		}
	}
}

// TestSameSetAsUpstreamWithEarlyFlush compares who was told what of which
// alert, where each state lasts until upstream tells it.
func TestSameSetAsUpstreamWithEarlyFlush(t *testing.T) {
	set := func(lines []string) []string {
		out := map[string]bool{}
		for _, l := range lines {
			f, status := strings.Fields(l), ""
			for _, word := range f[2:] {
				if word == "firing" || word == "resolved" {
					status = word
					continue
				}
				out[f[1]+" "+status+" "+word] = true
			}
		}
		return slices.Sorted(maps.Keys(out))
	}
	for seed := range uint64(*histories) {
		_, want, _ := play(t, seed, 2*time.Minute, replicaOptions{upstream: true})
		config, got, events := play(t, seed, 2*time.Minute, replicaOptions{})
		if w, g := set(want), set(got); !slices.Equal(w, g) {
			t.Fatalf("seed %d, configuration:\n%s\nevents:\n%s\nupstream and ours differ:\n%s\nours:\n%s", seed, config, strings.Join(events, "\n"), difference(w, g), strings.Join(got, "\n"))
		}
	}
}

// difference lists what only one of two sorted lists has.
func difference(want, got []string) string {
	var b strings.Builder
	for _, l := range want {
		if !slices.Contains(got, l) {
			fmt.Fprintf(&b, "- %s\n", l)
		}
	}
	for _, l := range got {
		if !slices.Contains(want, l) {
			fmt.Fprintf(&b, "+ %s\n", l)
		}
	}
	return b.String()
}
