//go:build conformance

package conformance

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// TestBelowAPrefix compares servers whose external URL has a path.
func TestBelowAPrefix(t *testing.T) {
	config := write(t, t.TempDir(), "prometheus.yml", "{}")
	const external = externalFlag + "http://conformance.test/mon/"
	ours := startTouchline(t, "--prometheus.config="+config, external)
	theirs := startPrometheus(t, config, external)
	all := &tally{}
	for _, q := range []question{
		get("/api/v1/query?query=1&time=1"), get("/api/v1/status/config").deliberate(http.StatusOK, ownDefaults), get("/api/v1/nothing").deliberate(http.StatusNotFound, jsonErrors),
		get("/federate?match[]=up"), get("/-/healthy").deliberate(http.StatusOK, ownName),
	} {
		all.compare(t, ours, theirs, q)
	}
	// Nothing is served above the prefix.
	for _, s := range []*server{ours, theirs} {
		s.url = strings.TrimSuffix(s.url, "/mon")
	}
	for _, q := range []question{get("/api/v1/query?query=1").deliberate(http.StatusNotFound, jsonErrors), get("/-/healthy").deliberate(http.StatusNotFound, jsonErrors), get("/monitor").deliberate(http.StatusNotFound, jsonErrors)} {
		all.compare(t, ours, theirs, q)
	}
	all.log(t, "below a prefix")
}

// TestUsers compares servers with one web configuration.
func TestUsers(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("right"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := write(t, dir, "prometheus.yml", "{}")
	web := "--web.config.file=" + write(t, dir, "web.yml", fmt.Sprintf("basic_auth_users: {ann: '%s'}\nhttp_server_config: {headers: {X-Frame-Options: deny}}\n", hash))
	ours := startTouchline(t, "--prometheus.config="+config, web)
	theirs := startPrometheus(t, config, web, "--web.enable-remote-write-receiver")
	as := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	for _, s := range []*server{ours, theirs} {
		s.until(t, "readiness behind the password", func() bool {
			return request(t, s, http.MethodGet, "/-/ready", http.Header{"Authorization": {as("ann", "right")}}, nil).status == http.StatusOK
		})
	}
	const refusal = "a refusal is in the protocol's JSON and offers a token too"
	body, header := writeV1(t, shelf(time.Now().Add(-10*time.Minute), "side"))
	header.Set("Authorization", as("ann", "right"))
	ask := get("/api/v1/query?query=1&time=1")
	all := &tally{}
	for _, q := range []question{
		ask.with("Authorization", as("ann", "right")),
		{name: "write as a user", method: http.MethodPost, path: "/api/v1/write", header: header, body: body},
		ask.named("anonymous").deliberate(http.StatusUnauthorized, refusal), ask.with("Authorization", as("ann", "wrong")).named("wrong password").deliberate(http.StatusUnauthorized, refusal),
		ask.with("Authorization", as("bob", "right")).named("unknown user").deliberate(http.StatusUnauthorized, refusal), ask.with("Authorization", "Basic x").named("bad header").deliberate(http.StatusUnauthorized, refusal),
	} {
		all.compare(t, ours, theirs, q)
	}
	all.log(t, "users")
	for _, s := range []*server{ours, theirs} {
		if res := request(t, s, http.MethodGet, "/api/v1/labels", http.Header{"Authorization": {as("ann", "right")}}, nil); res.header.Get("X-Frame-Options") != "deny" {
			t.Errorf("%s: headers of the web configuration are not set: %v", s.name, res.header)
		}
	}
	creds := write(t, dir, "http.yml", "basic_auth: {username: ann, password: right}\n")
	for name, tool := range clients(t, *promtool, "promtool", "promtool", "prometheus") {
		if name == "debian" {
			continue // It cannot send credentials.
		}
		out, ok := run(t, ours, tool, "query", "--http.config.file="+creds, "instant", "--time=1", ours.url, "1")
		if !ok || !strings.Contains(out, "scalar: 1") {
			t.Errorf("promtool as a user: %s", out)
		}
	}
}

// TestForwardedAlertmanager compares an Alertmanager with what is answered in
// its name where prometheus.yml sends the alerts there.
func TestForwardedAlertmanager(t *testing.T) {
	amConfig := write(t, t.TempDir(), "alertmanager.yml", fmt.Sprintf(alertmanagerFile, sink(t)))
	theirs := startAlertmanager(t, amConfig)
	config := write(t, t.TempDir(), "prometheus.yml", fmt.Sprintf("alerting: {alertmanagers: [{static_configs: [{targets: ['%s']}]}]}\n", strings.TrimPrefix(theirs.url, "http://")))
	ours := startTouchline(t, "--prometheus.config="+config)
	ours.until(t, "the Alertmanager", func() bool {
		return request(t, ours, http.MethodGet, "/api/v2/status", nil, nil).status == http.StatusOK
	})
	now := time.Now().UTC().Truncate(time.Second)
	// Through ours: what is set there is in the Alertmanager.
	if res := request(t, ours, http.MethodPost, "/api/v2/alerts", http.Header{"Content-Type": {"application/json"}}, []byte("["+alertJSON(now.Add(-time.Hour), now.Add(time.Hour), `"alertname":"Sent"`)+"]")); res.status != http.StatusOK {
		t.Fatalf("alerts: %d %s", res.status, res.body)
	}
	silence := []byte(silenceJSON("", now, now.Add(time.Hour), `{"name":"a","value":"b","isRegex":false,"isEqual":true}`))
	if res := request(t, ours, http.MethodPost, "/api/v2/silences", http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + ours.token}}, silence); res.status != http.StatusOK {
		t.Fatalf("silences: %d %s", res.status, res.body)
	}
	if res := request(t, theirs, http.MethodGet, "/api/v2/silences", nil, nil); strings.Count(string(res.body), `"createdBy"`) != 1 {
		t.Errorf("the silence is not in the Alertmanager: %s", res.body)
	}
	theirs.until(t, "the alert's processing", func() bool {
		return strings.Contains(string(request(t, theirs, http.MethodGet, "/api/v2/alerts", nil, nil).body), `"active"`)
	})
	all := &tally{}
	for _, path := range []string{
		"status", "receivers", "alerts", "alerts?filter=(", "alerts?receiver=team", "alerts?active=x", "alerts/groups", "silences", "silences?filter=a%3Db", "silence/x",
		"silence/11111111-1111-1111-1111-111111111111", "nothing", "alerts/nothing",
	} {
		all.compare(t, ours, theirs, get("/api/v2/"+path).masked(machine, "uptime"))
	}
	all.compare(t, ours, theirs, postJSON("/api/v2/alerts", "{"))
	all.compare(t, ours, theirs, postJSON("/api/v2/silences", "{}").changes())
	all.log(t, "forwarded Alertmanager")
}
