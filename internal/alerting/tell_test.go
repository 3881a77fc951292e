package alerting

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// calls is a configuration whose receivers but the first are for steps of an escalation.
func calls(u string) string {
	return fmt.Sprintf(`
route: {receiver: none}
receivers:
- {name: none}
- {name: oncall, webhook_configs: [{url: %q}]}
- {name: boss, webhook_configs: [{url: %q, send_resolved: false}]}
- {name: spare, webhook_configs: [{url: %q}]}
`, u, u, u)
}

func loadAlso(t *testing.T, a *Alertmanager, conf string, also ...string) {
	t.Helper()
	f, err := Parse([]byte(conf))
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.Prepare(f, also...)
	if err != nil {
		t.Fatal(err)
	}
	c.Apply()
}

func step(receiver, key string, alerts ...string) TellRequest {
	r := TellRequest{Receiver: receiver, Key: key, Labels: map[string]string{"severity": "critical"}, Firing: true}
	for _, name := range alerts {
		r.Alerts = append(r.Alerts, GroupAlert{Labels: map[string]string{"alertname": name}, StartsAt: time.Now().Add(-time.Minute)})
	}
	return r
}

// tell describes what comes of a request.
func tell(t *testing.T, a *Alertmanager, r TellRequest) string {
	t.Helper()
	out, err := a.Tell(context.Background(), r)
	if err != nil {
		return err.Error()
	}
	var said []string
	for _, o := range out.Integrations {
		said = append(said, strings.TrimSpace(fmt.Sprintf("%s told=%t muted=%t dedup=%t %s", o.Integration, o.Told, o.Muted, o.Deduplicated, o.Error)))
	}
	return strings.Join(said, ", ")
}

const (
	told  = "webhook[0] told=true muted=false dedup=false"
	muted = "webhook[0] told=false muted=true dedup=false"
	known = "webhook[0] told=false muted=false dedup=true"
	quit  = "webhook[0] told=false muted=false dedup=false"
)

func TestTell(t *testing.T) {
	u, got := sink(t)
	dir := t.TempDir()
	var o observed
	a := testAlertmanager(t, dir, quiet, o.in)
	loadAlso(t, a, calls(u), "oncall", "boss", "oncall")
	check := func(r TellRequest, want string, heard ...string) {
		t.Helper()
		if said := tell(t, a, r); said != want {
			t.Errorf("%s, want %s", said, want)
		}
		for _, h := range heard {
			wait(t, got, h)
		}
		select {
		case g := <-got:
			t.Errorf("heard %q", g)
		default:
		}
	}
	check(step("oncall", "step 1", "Down"), told, "firing Down")
	check(step("oncall", "step 1", "Down"), known)
	check(step("oncall", "step 2", "Down"), told, "firing Down")
	check(step("boss", "step 1", "Down"), told, "firing Down")
	if n := o.told[0]; n.Receiver != "oncall" || n.GroupKey != "step 1" || n.Group != `{severity="critical"}` || len(n.Fingerprints) != 1 {
		t.Errorf("the attempt is told as %+v", n)
	}
	if r := a.Receivers()[1]; r.Used || len(r.Integrations) != 1 || r.Last[0].At.IsZero() {
		t.Errorf("receiver %+v", r)
	}
	if n := testutil.ToFloat64(a.loads.receivers); n != 1 {
		t.Errorf("%v receivers are said to be used by a route", n)
	}

	// The end goes under the key under which the beginning was told.
	end := step("oncall", "step 1", "Down")
	end.Firing = false
	check(end, told, "resolved Down")
	end.Receiver = "boss"
	check(end, quit) // does not want to hear of it
	end.Key = "step 3"
	check(end, known) // has not heard of it

	postSilence(t, a, "Quiet", http.StatusOK)
	check(step("oncall", "step 4", "Quiet"), muted)
	check(step("oncall", "step 4", "Quiet", "Loud"), told, "firing Loud")

	// Another Alertmanager over the same directory knows what was told, after a
	// kill and after a stop.
	for _, dir := range []string{crashed(t, dir), stopped(t, a)} {
		a = testAlertmanager(t, dir, quiet, nil)
		loadAlso(t, a, calls(u), "oncall", "boss")
		check(step("oncall", "step 2", "Down"), known)
		check(step("oncall", "step 4", "Quiet", "Loud"), known)
		check(step("oncall", "step 5", "Down"), told, "firing Down")
	}
}

func stopped(t *testing.T, a *Alertmanager) string {
	t.Helper()
	if err := a.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	return a.o.DataDir
}

func TestTellWhoCannotBeTold(t *testing.T) {
	u, _ := sink(t)
	a := testAlertmanager(t, t.TempDir(), quiet, nil)
	loadAlso(t, a, calls(u), "oncall")
	for _, c := range []struct {
		r    TellRequest
		want string
	}{
		{step("onclal", "k", "A"), `receiver "onclal" is not in the Alertmanager configuration; did you mean "oncall"?`},
		{step("somebody", "k", "A"), `receiver "somebody" is not in the Alertmanager configuration; add it under receivers`},
		{step("spare", "k", "A"), `receiver "spare" is used by no route and by nothing else that the running configuration names; load the configuration again`},
		{step("oncall", "", "A"), "tell receiver: a key and at least one alert are needed"},
		{step("oncall", "k"), "tell receiver: a key and at least one alert are needed"},
	} {
		if got := tell(t, a, c.r); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	_, err := a.Tell(context.Background(), step("onclal", "k", "A"))
	if e := (*ReceiverError)(nil); !errors.As(err, &e) || e.Meant != "oncall" {
		t.Errorf("%#v", err)
	}

	// A reload names it, though the file is the same; one that names what is not
	// there is refused, with all such names.
	loadAlso(t, a, calls(u), "oncall", "spare")
	if got := tell(t, a, step("spare", "k", "A")); got != told {
		t.Error(got)
	}
	f, err := Parse([]byte(calls(u)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Prepare(f, "spaer", "oncall", "bos")
	if err == nil || !strings.Contains(err.Error(), `did you mean "spare"?`) || !strings.Contains(err.Error(), `did you mean "boss"?`) {
		t.Errorf("unknown names: %v", err)
	}
	if err := a.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Tell(context.Background(), step("spare", "other", "A")); !errors.Is(err, ErrStopped) {
		t.Errorf("after the stop: %v", err)
	}
}

// TestTellTriesAgain has a receiver that is out of order, until ctx ends, and
// then is not.
func TestTellTriesAgain(t *testing.T) {
	var attempts, good atomic.Int64
	u := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if attempts.Add(1); good.Load() == 0 {
			http.Error(w, "out of order", http.StatusServiceUnavailable)
		}
	})
	a := testAlertmanager(t, t.TempDir(), quiet, nil)
	loadAlso(t, a, calls(u), "oncall")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan TellResult, 1)
	go func() {
		out, err := a.Tell(ctx, step("oncall", "step", "A"))
		if err != nil {
			t.Error(err)
		}
		done <- out
	}()
	until(t, func() bool { return attempts.Load() >= 3 })
	cancel()
	if o := (<-done).Integrations[0]; o.Told || o.Deduplicated || !strings.Contains(o.Error, "503") {
		t.Errorf("%+v", o)
	}
	good.Store(1)
	if got := tell(t, a, step("oncall", "step", "A")); got != told {
		t.Error(got)
	}
}
