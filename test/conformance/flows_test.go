//go:build conformance

package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// flows is the configuration of a server that sends what it scrapes to a peer
// by both versions of remote write, federates from it and reads from it.
const flows = `
global: {scrape_interval: 1s, evaluation_interval: 1s}
scrape_configs:
- job_name: shop
  scrape_native_histograms: true
  static_configs: [{targets: ['%[1]s'], labels: {instance: shop-1}}]
- job_name: federate
  metrics_path: /federate
  params: {'match[]': ['{job="shop",via=""}']}
  honor_labels: true
  scrape_native_histograms: true
  static_configs: [{targets: ['%[2]s']}]
  metric_relabel_configs: [{source_labels: [job], regex: shop, target_label: via, replacement: federation}]
remote_write:
- {name: one, url: 'http://%[2]s/api/v1/write', send_native_histograms: true, send_exemplars: true, write_relabel_configs: [{source_labels: [job, via], regex: 'shop;', action: keep}, {target_label: via, replacement: write1}]}
- {name: two, url: 'http://%[2]s/api/v1/write', send_native_histograms: true, send_exemplars: true, protobuf_message: io.prometheus.write.v2.Request, write_relabel_configs: [{source_labels: [job, via], regex: 'shop;', action: keep}, {target_label: via, replacement: write2}]}
remote_read:
- {url: 'http://%[2]s/api/v1/read', read_recent: true, required_matchers: {kept: there-%[3]s}}
`

// TestFlowsBetweenServers sends, reads and federates both ways between ours and
// today's Prometheus. What arrives must be the same in both directions.
func TestFlowsBetweenServers(t *testing.T) {
	dirA, dirB := t.TempDir(), t.TempDir()
	configA, configB := write(t, dirA, "prometheus.yml", "{}"), write(t, dirB, "prometheus.yml", "{}")
	ours := startTouchline(t, "--prometheus.config="+configA)
	theirs := startPrometheus(t, configB, "--web.enable-remote-write-receiver", "--enable-feature="+upstreamFeatures)
	target := exposition(t)
	base := time.Now().Add(-time.Minute).Truncate(time.Second)
	for _, e := range []struct {
		s, peer *server
		config  string
		name    string
	}{{ours, theirs, configA, "b"}, {theirs, ours, configB, "a"}} {
		if err := os.WriteFile(e.config, fmt.Appendf(nil, flows, target, strings.TrimPrefix(e.peer.url, "http://"), e.name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := e.s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		// The peer keeps a series that this server can only have by remote read.
		body, header := writeV1(t, []*loadedSeries{{labels: labels.FromStrings("__name__", "lent", "kept", "there-"+e.name), samples: []sample{{t: base.UnixMilli(), f: 7}}}})
		if res := request(t, e.peer, http.MethodPost, "/api/v1/write", header, body); res.status/100 != 2 {
			t.Fatalf("write to %s: %d %s", e.peer.name, res.status, res.body)
		}
	}
	count := func(s *server, expr string) int {
		res := request(t, s, http.MethodGet, "/api/v1/query?"+url.Values{"query": {expr}}.Encode(), nil, nil)
		var v struct {
			Data struct{ Result []json.RawMessage }
		}
		if err := json.Unmarshal(res.body, &v); err != nil {
			t.Fatalf("%s: %v: %s", s.name, err, res.body)
		}
		return len(v.Data.Result)
	}
	for _, via := range []string{"write1", "write2", "federation"} {
		for _, s := range []*server{ours, theirs} {
			s.until(t, "what comes by "+via, func() bool {
				return count(s, `{__name__=~"shop_.*",via="`+via+`"}`) == count(s, `{__name__=~"shop_.*",via=""}`) && count(s, `shop_size_bytes{via="`+via+`"}`) == 1
			})
		}
	}
	all := &tally{}
	for _, via := range []string{"", "write1", "write2", "federation"} {
		for _, m := range []string{`{__name__=~"shop_.*",via="` + via + `"}`, `up{job="shop",via="` + via + `"}`} {
			q := get("/api/v1/query?"+url.Values{"query": {m}}.Encode()).masked(changes, "data.result.*.value.0", "data.result.*.histogram.0").sorted("data.result")
			q.name = m
			all.compare(t, ours, theirs, q)
		}
	}
	for _, via := range []string{"write1", "write2"} {
		q := get("/api/v1/query_exemplars?"+url.Values{"query": {`shop_requests_total{via="` + via + `"}`}, "start": {fmt.Sprint(base.Unix())}, "end": {fmt.Sprint(base.Add(time.Hour).Unix())}}.Encode()).named("exemplars by "+via).masked(changes, "data.*.exemplars.*.timestamp")
		all.compare(t, ours, theirs, q)
	}
	all.log(t, "flows")
	for s, m := range map[*server]string{ours: `lent{kept="there-b"}`, theirs: `lent{kept="there-a"}`} {
		if n := count(s, m); n != 1 {
			t.Errorf("%s reads %d series %s from its peer, expected 1\n%s", s.name, n, m, s.out)
		}
	}
}
