//go:build conformance

package conformance

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// TestAdministration compares what is off by default, once it is on.
func TestAdministration(t *testing.T) {
	on := []string{"--web.enable-admin-api", "--web.enable-lifecycle"}
	ours, theirs := pairOfServers(t, on, on)
	base := time.Now().Add(-10 * time.Minute).Truncate(time.Minute)
	(&comparison{t: t, ours: ours, theirs: theirs}).send(shelf(base, "côté"))
	all := &tally{}
	admin := func(method, path string) question {
		return question{method: method, path: path, change: true}
	}
	at := base.Add(2 * time.Minute).Format(time.RFC3339)
	left := get("/api/v1/query?" + url.Values{"query": {`{__name__=~"shelf_.*"}`}, "time": {at}}.Encode()).sorted("data.result")
	const tsdb = "/api/v1/admin/tsdb/"
	for _, q := range []question{
		left.named("before"),
		admin(http.MethodPost, tsdb+"delete_series"), admin(http.MethodPost, tsdb+"delete_series?match[]=("), admin(http.MethodPost, tsdb+"delete_series?match[]=shelf_items&start=x"),
		admin(http.MethodPost, tsdb+"delete_series?match[]=nothing"), admin(http.MethodPost, tsdb+`delete_series?match[]=shelf_items%7Brow=%220%22%7D`), left.named("after a deletion"),
		admin(http.MethodPut, tsdb+"delete_series?match[]=shelf_weight&end="+url.QueryEscape(base.Add(time.Minute).Format(time.RFC3339))), left.named("after a deletion in a range"),
		admin(http.MethodPost, tsdb+"clean_tombstones"), admin(http.MethodPut, tsdb+"clean_tombstones"), left.named("after cleaning"),
		admin(http.MethodPost, tsdb+"snapshot").masked("a snapshot is named by the moment", "data.name"), admin(http.MethodPut, tsdb+"snapshot?skip_head=true").masked("a snapshot is named by the moment", "data.name"),
		admin(http.MethodPost, tsdb+"snapshot?skip_head=x"),
		admin(http.MethodPost, "/-/reload"), admin(http.MethodPut, "/-/reload"), get("/api/v1/features").masked("each has pages of its own", "data.ui.*").masked("rules of a group run one after the other here, so that an arrival waits for one rule and not for the group", "data.rules.concurrent_rule_eval").named("features with administration on"),
		question{name: "anonymous reload", method: http.MethodPost, path: "/-/reload"}.deliberate(http.StatusUnauthorized, adminToken),
		question{name: "anonymous snapshot", method: http.MethodPost, path: tsdb + "snapshot"}.deliberate(http.StatusUnauthorized, adminToken),
	} {
		all.compare(t, ours, theirs, q)
	}
	all.log(t, "administration")
	// A stream has no end, so only its beginning is compared.
	var got [2]string
	for i, s := range []*server{ours, theirs} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/v1/notifications/live", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		got[i] = res.Status + " " + res.Header.Get("Content-Type")
		_ = res.Body.Close()
		cancel()
	}
	if got[0] != got[1] {
		t.Errorf("notifications/live: touchline %s, prometheus %s", got[0], got[1])
	}
	if res := request(t, ours, http.MethodPost, "/-/quit", http.Header{"Authorization": {"Bearer " + ours.token}}, nil); res.status != http.StatusOK {
		t.Errorf("quit: %d %s", res.status, res.body)
	}
	if res := request(t, theirs, http.MethodPost, "/-/quit", nil, nil); res.status != http.StatusOK {
		t.Errorf("quit of prometheus: %d %s", res.status, res.body)
	}
	for _, s := range []*server{ours, theirs} {
		select {
		case <-s.done:
		case <-time.After(30 * time.Second):
			t.Errorf("%s did not quit", s.name)
		}
	}
}
