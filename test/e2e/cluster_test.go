//go:build e2e

package e2e

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// freePort is one that nobody listened on a moment ago. Gossip needs to be
// told its port beforehand: the other replica has it as its peer.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// members is the number of replicas that a server sees.
func (p *process) members() int {
	_, body := p.get("/api/v2/status")
	var s struct{ Cluster struct{ Peers []any } }
	if json.Unmarshal([]byte(body), &s) != nil {
		return 0
	}
	return len(s.Cluster.Peers)
}

// told counts what arrives at a sink for a while.
func told(got <-chan string, want string, limit, quiet time.Duration) (n int) {
	end := time.After(limit)
	for {
		select {
		case g := <-got:
			if g != want {
				continue
			}
			if n++; n == 1 {
				end = time.After(quiet) // a second one would come within this
			}
		case <-end:
			return n
		}
	}
}

// TestTwoReplicas runs a pair that gossips, kills one, and starts it again.
func TestTwoReplicas(t *testing.T) {
	t.Parallel()
	u, got := sink(t)
	conf := t.TempDir()
	am := write(t, conf, "alertmanager.yml", alertmanager(u))
	write(t, conf, "rules.yml", "groups: [{name: g, interval: 1s, rules: [{alert: Both, expr: both > 0}, {alert: Survivor, expr: survivor > 0}, {alert: Silenced, expr: both > 0}]}]\n")
	prom := write(t, conf, "prometheus.yml", "rule_files: [rules.yml]\n")
	addrs := []string{freePort(t), freePort(t)}
	dirs := []string{t.TempDir(), t.TempDir()}
	start := func(i int) *process {
		return launch(t, dirs[i], "--prometheus.config="+prom, "--alertmanager.config="+am, "--stack.enabled=false",
			"--cluster.listen-address="+addrs[i], "--cluster.peer="+addrs[1-i], "--cluster.peer-timeout=3s")
	}
	a, b := start(0), start(1)
	both := func(p *process) func() bool { return func() bool { return p.members() == 2 } }
	a.until(30*time.Second, "a cluster of two", both(a))
	b.until(30*time.Second, "a cluster of two", both(b))

	if code := a.silence("Silenced"); code != http.StatusOK {
		t.Fatalf("silence: %d", code)
	}
	silenced := func(p *process) func() bool {
		return func() bool { _, body := p.get("/api/v2/silences"); return strings.Contains(body, "Silenced") }
	}
	b.until(10*time.Second, "the silence at the other replica", silenced(b))

	for _, p := range []*process{a, b} {
		if !p.write("both", 1, time.Now()) {
			t.Fatal("a write was refused")
		}
	}
	if n := told(got, "firing Both", 20*time.Second, 8*time.Second); n != 1 {
		t.Errorf("an alert of both replicas was told %d times", n)
	}

	a.kill()
	if !b.write("survivor", 1, time.Now()) {
		t.Fatal("a write was refused")
	}
	began := time.Now()
	if n := told(got, "firing Survivor", 30*time.Second, 8*time.Second); n != 1 {
		t.Errorf("after a kill the alert was told %d times", n)
	}
	if d := time.Since(began) - 8*time.Second; d > 10*time.Second {
		t.Errorf("the alert took %s", d)
	}
	if code := b.silence("Later"); code != http.StatusOK {
		t.Fatalf("silence: %d", code)
	}

	a = start(0)
	a.until(60*time.Second, "a cluster of two again", both(a))
	a.until(60*time.Second, "the silence of meanwhile", func() bool { _, body := a.get("/api/v2/silences"); return strings.Contains(body, "Later") })
	if !silenced(a)() {
		t.Error("the silence from before the kill is gone")
	}
	// Restarting must not tell again what was told.
	if n := told(got, "firing Both", 5*time.Second, time.Second) + told(got, "firing Silenced", time.Second, time.Second); n != 0 {
		t.Errorf("%d alerts were told again or in spite of a silence", n)
	}
}
