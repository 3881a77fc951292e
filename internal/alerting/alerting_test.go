package alerting

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/cluster"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

func testAlertmanager(t *testing.T, dir, conf string, change func(*Options)) *Alertmanager {
	t.Helper()
	o := Options{
		DataDir: dir, Retention: time.Hour, ExternalURL: &url.URL{Scheme: "http", Host: "localhost"},
		Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), OutboxCapacity: 100,
	}
	if change != nil {
		change(&o)
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	load(t, a, conf)
	if err := a.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return a
}

func load(t *testing.T, a *Alertmanager, conf string) {
	t.Helper()
	f, err := Parse([]byte(conf))
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.Prepare(f)
	if err != nil {
		t.Fatal(err)
	}
	c.Apply()
}

// sink is a webhook that hands on what it receives.
func sink(t *testing.T) (string, <-chan string) {
	t.Helper()
	got := make(chan string, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m struct {
			Status string
			Alerts []struct{ Labels map[string]string }
		}
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			got <- err.Error()
			return
		}
		names := []string{}
		for _, a := range m.Alerts {
			names = append(names, a.Labels["alertname"])
		}
		got <- m.Status + " " + strings.Join(names, ",")
	}))
	t.Cleanup(srv.Close)
	return srv.URL, got
}

// discard is a logger that writes nothing.
var discard = slog.New(slog.DiscardHandler)

func firing(name string, more ...string) *alert.Alert {
	ls := model.LabelSet{"alertname": model.LabelValue(name)}
	for i := 0; i < len(more); i += 2 {
		ls[model.LabelName(more[i])] = model.LabelValue(more[i+1])
	}
	now := time.Now()
	return &alert.Alert{Alert: model.Alert{Labels: ls, StartsAt: now, EndsAt: now.Add(time.Hour)}, UpdatedAt: now}
}

func wait(t *testing.T, got <-chan string, want string) {
	t.Helper()
	select {
	case g := <-got:
		if g != want {
			t.Fatalf("got %q, want %q", g, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("nothing arrived, want %q", want)
	}
}

func webhook(u, more string) string {
	return fmt.Sprintf("route: {receiver: w, group_wait: 10ms, group_interval: 50ms, group_by: [alertname]}\nreceivers: [{name: w, webhook_configs: [{url: %q}]}]\n%s", u, more)
}

func TestAlertReachesWebhook(t *testing.T) {
	u, got := sink(t)
	a := testAlertmanager(t, t.TempDir(), webhook(u, ""), nil)
	if err := a.Put(context.Background(), Timing{}, firing("Down")); err != nil {
		t.Fatal(err)
	}
	wait(t, got, "firing Down")
	al := firing("Down")
	al.StartsAt, al.EndsAt = time.Now().Add(-time.Minute), time.Now().Add(-time.Second)
	if err := a.Put(context.Background(), Timing{}, al); err != nil {
		t.Fatal(err)
	}
	wait(t, got, "resolved Down")
	until(t, func() bool { return len(a.Notifications()) == 2 })
	n := a.Notifications()
	if n[1].Firing != 1 || n[0].Resolved != 1 || n[0].Error != "" || n[0].Receiver != "w" {
		t.Errorf("notifications %+v", n)
	}
}

func TestInhibitionAndSilence(t *testing.T) {
	u, got := sink(t)
	a := testAlertmanager(t, t.TempDir(), webhook(u, "inhibit_rules: [{source_matchers: [severity=critical], target_matchers: [severity=warning], equal: [host]}]"), nil)
	postSilence(t, a, "Quiet", http.StatusOK)
	ctx := context.Background()
	if err := a.Put(ctx, Timing{}, firing("Dead", "severity", "critical", "host", "h")); err != nil {
		t.Fatal(err)
	}
	wait(t, got, "firing Dead")
	if err := a.Put(ctx, Timing{}, firing("Slow", "severity", "warning", "host", "h"), firing("Quiet"), firing("Other")); err != nil {
		t.Fatal(err)
	}
	wait(t, got, "firing Other")
	select {
	case g := <-got:
		t.Errorf("an inhibited or silenced alert was told: %s", g)
	case <-time.After(300 * time.Millisecond):
	}
}

func silenceRequest(name string) *http.Request {
	body := fmt.Sprintf(`{"matchers":[{"name":"alertname","value":%q,"isRegex":false,"isEqual":true}],"startsAt":%q,"endsAt":%q,"createdBy":"t","comment":"c"}`,
		name, time.Now().Format(time.RFC3339Nano), time.Now().Add(time.Hour).Format(time.RFC3339Nano))
	r := httptest.NewRequest(http.MethodPost, "/api/v2/silences", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// postSilence creates a silence and returns its identifier.
func postSilence(t *testing.T, a *Alertmanager, name string, want int) string {
	t.Helper()
	w := httptest.NewRecorder()
	a.Handler("/").ServeHTTP(w, silenceRequest(name))
	if w.Code != want {
		t.Fatalf("create silence: %d %s", w.Code, w.Body)
	}
	var answer struct{ SilenceID string }
	if want == http.StatusOK {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
	}
	return answer.SilenceID
}

func silences(t *testing.T, a *Alertmanager) int {
	t.Helper()
	w := httptest.NewRecorder()
	a.Handler("/").ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v2/silences", nil))
	var out []any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return len(out)
}

const quiet = "route: {receiver: none}\nreceivers: [{name: none}]\n"

func TestReloadKeepsSilencesAndApi(t *testing.T) {
	u, got := sink(t)
	a := testAlertmanager(t, t.TempDir(), quiet, nil)
	postSilence(t, a, "X", http.StatusOK)
	load(t, a, webhook(u, ""))
	before := a.inhibitor.Load()
	load(t, a, webhook(u, ""))
	if a.inhibitor.Load() != before {
		t.Error("an unchanged configuration was applied again")
	}
	if n := silences(t, a); n != 1 {
		t.Errorf("got %d silences, want 1", n)
	}
	if err := a.Put(context.Background(), Timing{}, firing("Down")); err != nil {
		t.Fatal(err)
	}
	wait(t, got, "firing Down")
	if r := a.Receivers(); len(r) != 1 || r[0].Name != "w" || !r[0].Default || len(r[0].Integrations) != 1 || r[0].Integrations[0] != "webhook" {
		t.Errorf("receivers %+v", r)
	}
}

func TestClusterTellsOnceAndSurvivesALoss(t *testing.T) {
	u, got := sink(t)
	replica := func(peers ...string) *Alertmanager {
		return testAlertmanager(t, t.TempDir(), webhook(u, ""), func(o *Options) {
			o.Cluster = &ClusterOptions{ListenAddress: "127.0.0.1:0", Peers: peers, PeerTimeout: 400 * time.Millisecond, SettleTimeout: time.Second, GossipInterval: 20 * time.Millisecond, PushPullInterval: time.Second}
		})
	}
	a := replica()
	b := replica(a.ClusterAddress())
	until(t, func() bool { return a.ClusterSize() == 2 && b.ClusterSize() == 2 })
	ctx := context.Background()
	one := firing("Once")
	for _, r := range []*Alertmanager{a, b} {
		if err := r.Put(ctx, Timing{}, one); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, got, "firing Once")
	postSilence(t, a, "Shared", http.StatusOK)
	until(t, func() bool { return silences(t, b) == 1 })
	// What came by gossip survives a kill of the replica that received it.
	if n := silences(t, testAlertmanager(t, crashed(t, b.o.DataDir), quiet, nil)); n != 1 {
		t.Errorf("got %d silences after a kill of the second replica, want 1", n)
	}
	if s := b.ClusterStatus(); !s.Enabled || len(s.Peers) != 2 || s.Peers[s.Name] != b.ClusterAddress() {
		t.Errorf("cluster status %+v", s)
	}
	select {
	case g := <-got:
		t.Fatalf("the second replica told it again: %s", g)
	case <-time.After(time.Second):
	}
	if err := a.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := b.Put(ctx, Timing{}, firing("After")); err != nil {
		t.Fatal(err)
	}
	wait(t, got, "firing After")
}

// TestFullStateOfAPeerIsJournalled has a replica that joins learn of a silence
// too large for gossip, which upstream merges without a broadcast.
func TestFullStateOfAPeerIsJournalled(t *testing.T) {
	replica := func(peers ...string) *Alertmanager {
		return testAlertmanager(t, t.TempDir(), quiet, func(o *Options) {
			o.Cluster = &ClusterOptions{ListenAddress: "127.0.0.1:0", Peers: peers, GossipInterval: 20 * time.Millisecond, PushPullInterval: 50 * time.Millisecond}
		})
	}
	a := replica()
	postSilence(t, a, strings.Repeat("x", 2*cluster.MaxGossipPacketSize), http.StatusOK)
	postSilence(t, a, "Y", http.StatusOK)
	b := replica(a.ClusterAddress())
	until(t, func() bool { return silences(t, b) == 2 })
	j := b.journals[silenceJournal]
	until(t, func() bool { j.mu.Lock(); defer j.mu.Unlock(); return j.size > 2*cluster.MaxGossipPacketSize })
	if n := silences(t, testAlertmanager(t, crashed(t, b.o.DataDir), quiet, nil)); n != 2 {
		t.Errorf("got %d silences after a kill, want 2", n)
	}
	exchanges := func() float64 { return testutil.ToFloat64(j.m.records.WithLabelValues("silences")) }
	until(t, func() bool { return a.ClusterSize() == 2 })
	settled := exchanges()
	<-time.After(500 * time.Millisecond) // ten exchanges
	if n := exchanges(); n > settled+1 {
		t.Errorf("an exchange that said nothing new was journalled: %v records, then %v", settled, n)
	}
}

func TestDigestDoesNotDependOnOrder(t *testing.T) {
	x, y := []byte("\x03abc"), []byte("\x02de")
	xy, yx := append(slices.Clone(x), y...), append(slices.Clone(y), x...)
	if digest(xy) != digest(yx) || digest(xy) == digest(x) || digest(xy) == digest(y) {
		t.Error("the digest does not tell states apart by their entries alone")
	}
	if digest([]byte("\xff")) == digest(nil) {
		t.Error("what is no entry must count, too")
	}
}

// TestStopDoesNotWaitForADeadReceiver has a receiver that never answers.
func TestStopDoesNotWaitForADeadReceiver(t *testing.T) {
	hung, release := make(chan struct{}, 10), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		hung <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(srv.Close)
	defer close(release)
	a := testAlertmanager(t, t.TempDir(), webhook(srv.URL, ""), nil)
	if err := a.Put(t.Context(), Timing{}, firing("Down")); err != nil {
		t.Fatal(err)
	}
	<-hung
	start := time.Now()
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("stop took %v", d)
	}
	if _, err := os.Stat(filepath.Join(a.o.DataDir, "silences")); err != nil {
		t.Errorf("no snapshot was written: %v", err)
	}
}

func until(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("condition not met in time")
		}
	}
}
