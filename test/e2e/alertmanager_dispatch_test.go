//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// message is what a webhook was told, and when.
type message struct {
	after time.Duration
	text  string
}

// listener is a webhook for a whole alertmanager.yml: it keeps the messages of
// each integration and group in their order.
type listener struct {
	url   string
	start time.Time
	mu    sync.Mutex
	told  map[string][]message // by receiver, integration and group
	set   map[string]bool      // receiver, status, alert
}

func listen(t *testing.T) *listener {
	t.Helper()
	l := &listener{start: time.Now(), told: map[string][]message{}, set: map[string]bool{}}
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		after := time.Since(l.start)
		var m struct {
			Receiver, Status, GroupKey                   string
			GroupLabels, CommonLabels, CommonAnnotations map[string]string
			Alerts                                       []struct {
				Status              string
				Labels, Annotations map[string]string
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		var alerts []string
		for _, a := range m.Alerts {
			alerts = append(alerts, fmt.Sprint(a.Status, a.Labels, a.Annotations))
			l.set[fmt.Sprint(m.Receiver, r.URL.Path, " ", a.Status, a.Labels)] = true
		}
		key := m.Receiver + r.URL.Path + " " + m.GroupKey
		l.told[key] = append(l.told[key], message{after, fmt.Sprint(m.Status, m.GroupLabels, m.CommonLabels, m.CommonAnnotations, alerts)})
	}))
	t.Cleanup(srv.Close)
	l.url = srv.URL
	return l
}

// routesOf sends everything to a listener. Flushes fall on odd quarters of a
// second after the event that opened the group, events on halves, and the end
// of repeat_interval between two quarters: otherwise a millisecond would decide.
func routesOf(u string) string {
	return strings.ReplaceAll(`
route:
  receiver: w
  group_by: [alertname]
  group_wait: 1250ms
  group_interval: 2s
  repeat_interval: 6620ms
  routes:
    - {receiver: x, matchers: [team="x"], continue: true, group_by: ["..."], group_wait: 750ms, group_interval: 3s}
    - {receiver: y, matchers: [host="h1"], group_by: [host, severity]}
receivers:
  - {name: w, webhook_configs: [{url: "URL/a"}, {url: "URL/b", send_resolved: false}]}
  - {name: x, webhook_configs: [{url: "URL/c"}]}
  - {name: y, webhook_configs: [{url: "URL/d"}]}
inhibit_rules: [{source_matchers: [alertname="A0"], target_matchers: [alertname="A1"], equal: [host]}]
`, "URL", u)
}

// upstreamAlertmanager starts today's Alertmanager and returns its URL.
func upstreamAlertmanager(t *testing.T, conf string) string {
	t.Helper()
	oracle := os.Getenv("ORACLE")
	if oracle == "" {
		t.Fatal("ORACLE does not name the folder of today's Alertmanager; run make e2e")
	}
	bin := filepath.Join(oracle, "alertmanager")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir, out := t.TempDir(), &output{}
	cmd := exec.Command(bin, "--config.file="+write(t, dir, "alertmanager.yml", conf), "--storage.path="+dir, "--web.listen-address="+addr, "--cluster.listen-address=")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
	})
	u := "http://" + addr
	p := &process{t: t, url: u, out: out, done: done}
	p.until(30*time.Second, "readiness of Alertmanager", func() bool { code, _ := p.get("/-/ready"); return code == http.StatusOK })
	return u
}

// stream posts the same random alerts to both, every half second, and waits
// until all has been told.
func stream(t *testing.T, seed uint64, steps int, quiet time.Duration, urls ...string) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 1))
	type state struct {
		since  time.Time
		firing bool
	}
	states := map[string]*state{}
	var names []string
	for n := range 4 {
		for h := range 2 {
			names = append(names, fmt.Sprintf(`{"alertname":"A%d","host":"h%d","severity":%q,"team":%q}`, n, h, []string{"critical", "warning"}[rnd.IntN(2)], []string{"x", "y"}[rnd.IntN(2)]))
		}
	}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	post := func(all []string) {
		body := []byte("[" + strings.Join(all, ",") + "]")
		var wg sync.WaitGroup
		for _, u := range urls {
			wg.Go(func() {
				p := &process{t: t, url: u}
				if code, answer := p.do(http.MethodPost, "/api/v2/alerts", "application/json", body, nil); code != http.StatusOK {
					t.Errorf("post alerts to %s: %d %s", u, code, answer)
				}
			})
		}
		wg.Wait()
	}
	for range steps {
		<-tick.C
		now, batch := time.Now(), map[string]string{}
		for range 1 + rnd.IntN(2) {
			name := names[rnd.IntN(len(names))]
			s := states[name]
			if s == nil {
				s = &state{}
				states[name] = s
			}
			if change := now.Sub(s.since) >= quiet; change {
				s.firing, s.since = !s.firing, now
			}
			if s.firing {
				batch[name] = fmt.Sprintf(`{"labels":%s,"annotations":{"summary":"s"},"startsAt":%q,"endsAt":%q}`, name, s.since.Format(time.RFC3339Nano), now.Add(time.Hour).Format(time.RFC3339Nano))
			} else {
				batch[name] = fmt.Sprintf(`{"labels":%s,"annotations":{"summary":"s"},"endsAt":%q}`, name, s.since.Format(time.RFC3339Nano))
			}
		}
		var all []string
		for _, name := range names {
			if a, ok := batch[name]; ok {
				all = append(all, a)
			}
		}
		post(all)
	}
	for range 16 {
		<-tick.C
	}
}

// beside runs both programs with the same routes over the same stream.
func beside(t *testing.T, seed uint64, steps int, quiet time.Duration, args ...string) (theirs, ours *listener) {
	t.Helper()
	theirs, ours = listen(t), listen(t)
	up := upstreamAlertmanager(t, routesOf(theirs.url))
	args = append(args, "--alertmanager.config="+write(t, t.TempDir(), "alertmanager.yml", routesOf(ours.url)), "--stack.enabled=false", "--sources.enabled=false")
	own := launch(t, t.TempDir(), args...)
	theirs.start = time.Now()
	ours.start = theirs.start
	stream(t, seed, steps, quiet, up, own.url)
	own.stop()
	theirs.mu.Lock()
	ours.mu.Lock()
	t.Cleanup(func() { theirs.mu.Unlock(); ours.mu.Unlock() })
	return theirs, ours
}

// tolerance is what a busy machine may add to the time of a message.
const tolerance = 240 * time.Millisecond

// TestNotificationsEqualAlertmanagers has early flush off: each integration is
// told the same messages of each group in the same order, at the same time.
func TestNotificationsEqualAlertmanagers(t *testing.T) {
	t.Parallel()
	theirs, ours := beside(t, 1, 60, 0, "--alerting.early-flush.matchers=")
	var worst time.Duration
	n := 0
	for key, want := range theirs.told {
		got := ours.told[key]
		for i := range max(len(want), len(got)) {
			switch {
			case i >= len(got):
				t.Errorf("%s: not told after %v: %s", key, want[i].after, want[i].text)
			case i >= len(want):
				t.Errorf("%s: told after %v, and not by Alertmanager: %s", key, got[i].after, got[i].text)
			case got[i].text != want[i].text:
				t.Errorf("%s: message %d\n  after %v: %s\nAlertmanager's\n  after %v: %s", key, i, got[i].after, got[i].text, want[i].after, want[i].text)
			default:
				n++
				worst = max(worst, (got[i].after - want[i].after).Abs())
			}
		}
	}
	for key := range ours.told {
		if theirs.told[key] == nil {
			t.Errorf("%s was told, and not by Alertmanager", key)
		}
	}
	if worst > tolerance {
		t.Errorf("a message came %v before or after Alertmanager's", worst)
	}
	if n < 50 {
		t.Errorf("only %d messages were compared", n)
	}
	t.Logf("%d messages of %d groups and integrations are the same; the times differ by at most %v", n, len(theirs.told), worst)
}

// TestEarlyFlushTellsTheSame has it on, and each state last until Alertmanager
// tells it: who is told of which alert that it fires or has ended is the same.
func TestEarlyFlushTellsTheSame(t *testing.T) {
	t.Parallel()
	theirs, ours := beside(t, 2, 70, 7*time.Second)
	for a := range theirs.set {
		if !ours.set[a] {
			t.Errorf("not told: %s", a)
		}
	}
	for a := range ours.set {
		if !theirs.set[a] {
			t.Errorf("told, and not by Alertmanager: %s", a)
		}
	}
	if len(theirs.set) < 20 {
		t.Errorf("only %d were compared", len(theirs.set))
	}
	first := func(l *listener) (out []time.Duration) {
		for key, m := range l.told {
			if strings.Contains(key, "w/a ") && strings.Contains(m[0].text, "critical") {
				out = append(out, m[0].after)
			}
		}
		slices.Sort(out)
		return out
	}
	t.Logf("%d pairs of alert and status are the same; first messages about critical alerts: Alertmanager's %v, ours %v", len(theirs.set), first(theirs), first(ours))
}
