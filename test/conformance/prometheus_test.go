//go:build conformance

package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
)

// upstreamFeatures are what Prometheus has behind --enable-feature and we have always on.
const upstreamFeatures = "exemplar-storage,metadata-wal-records,search-api,concurrent-rule-eval,otlp-deltatocumulative"

const rulesFile = `
groups:
- name: recorded
  interval: 1s
  rules:
  - {record: 'job:shop_requests:sum', expr: 'sum by (job) (shop_requests_total)', labels: {kind: recorded}}
  - {record: broken, expr: 'shop_requests_total * on (job) shop_requests_total'}
- name: alerts
  interval: 1s
  limit: 10
  query_offset: 1ms
  labels: {team: shop}
  rules:
  - {alert: Cold, expr: 'shop_temperature_celsius < 0', labels: {severity: page}, annotations: {summary: 'It is {{ $value }} at {{ $labels.job }}'}}
  - {alert: ColdForLong, expr: 'shop_temperature_celsius < 0', for: 1h, keep_firing_for: 5m}
  - {alert: Never, expr: 'vector(0) > 1'}
`

// pairOfServers starts ours and today's Prometheus with one configuration, and
// waits until both have scraped and evaluated everything.
func pairOfServers(t *testing.T, ourFlags, theirFlags []string) (ours, theirs *server) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "rules.yml", rulesFile)
	config := write(t, dir, "prometheus.yml", fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 1s, external_labels: {cluster: conformance}}
rule_files: [rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ['%s']}]}]}
storage: {tsdb: {out_of_order_time_window: 30m}, exemplars: {max_exemplars: 1000}}
scrape_configs:
- job_name: shop
  scrape_native_histograms: true
  static_configs: [{targets: ['%s'], labels: {instance: shop-1}}]
- job_name: down
  static_configs: [{targets: ['%s']}]
- job_name: dropped
  static_configs: [{targets: ['dropped.example:80'], labels: {a: b}}]
  relabel_configs: [{source_labels: [a], regex: b, action: drop}]
- job_name: off
  basic_auth: {username: u, password: secret}
`, sink(t), exposition(t), closedPort(t)))
	ours = startTouchline(t, append([]string{"--prometheus.config=" + config, "--web.cors.origin=.*"}, ourFlags...)...)
	theirs = startPrometheus(t, config, append([]string{
		"--web.enable-remote-write-receiver", "--web.enable-otlp-receiver", "--storage.tsdb.retention.time=15d", "--enable-feature=" + upstreamFeatures,
	}, theirFlags...)...)
	for _, s := range []*server{ours, theirs} {
		s.until(t, "scrapes and rules", func() bool {
			targets, rules := request(t, s, http.MethodGet, "/api/v1/targets", nil, nil), request(t, s, http.MethodGet, "/api/v1/rules", nil, nil)
			return bytes.Contains(targets.body, []byte(`"health":"up"`)) && bytes.Contains(targets.body, []byte(`"health":"down"`)) &&
				bytes.Contains(rules.body, []byte(`"state":"firing"`)) && bytes.Contains(rules.body, []byte(`"state":"pending"`)) && !bytes.Contains(rules.body, []byte(`"health":"unknown"`))
		})
		s.until(t, "what the rules record", func() bool {
			return bytes.Contains(request(t, s, http.MethodGet, "/api/v1/query?query=job:shop_requests:sum", nil, nil).body, []byte(`"49"`))
		})
		s.until(t, "Alertmanagers", func() bool {
			return bytes.Contains(request(t, s, http.MethodGet, "/api/v1/alertmanagers", nil, nil).body, []byte(`"url"`))
		})
	}
	return ours, theirs
}

// shelf are series of known content that both servers get by remote write.
func shelf(base time.Time, side string) []*loadedSeries {
	var out []*loadedSeries
	for i := range 5 {
		s := &loadedSeries{labels: labels.FromStrings("__name__", "shelf_items", "row", fmt.Sprint(i), side, "gauche")}
		for j := range 10 {
			s.samples = append(s.samples, sample{t: base.Add(time.Duration(j) * 15 * time.Second).UnixMilli(), f: float64(i*10 + j)})
		}
		out = append(out, s)
	}
	h := &loadedSeries{labels: labels.FromStrings("__name__", "shelf_weight", "row", "0")}
	nhcb := &loadedSeries{labels: labels.FromStrings("__name__", "shelf_height", "row", "0")}
	for j := range 10 {
		n := uint64(j)
		at := base.Add(time.Duration(j) * 15 * time.Second).UnixMilli()
		h.samples = append(h.samples, sample{t: at, h: &histogram.Histogram{
			Schema: 1, Count: 4 + 4*n, Sum: 12.5 * float64(n+1), ZeroThreshold: 0.001, ZeroCount: 1 + n,
			PositiveSpans: []histogram.Span{{Offset: 0, Length: 2}}, PositiveBuckets: []int64{int64(1 + n), 0},
			NegativeSpans: []histogram.Span{{Offset: 1, Length: 1}}, NegativeBuckets: []int64{int64(1 + n)},
		}})
		nhcb.samples = append(nhcb.samples, sample{t: at, fh: &histogram.FloatHistogram{
			Schema: histogram.CustomBucketsSchema, Count: 3, Sum: 4.5, CustomValues: []float64{0.5, 1, 2},
			PositiveSpans: []histogram.Span{{Offset: 0, Length: 1}, {Offset: 1, Length: 1}}, PositiveBuckets: []float64{1, 2},
		}})
	}
	return append(out, h, nhcb)
}

// The parts of answers that differ between any two servers, each with its reason.
const (
	changes = "each server scrapes and evaluates at its own moments"
	build   = "a version of its own"
	machine = "process and paths of its own"
)

func TestPrometheusAPI(t *testing.T) {
	ours, theirs := pairOfServers(t, nil, nil)
	base := time.Now().Add(-10 * time.Minute).Truncate(time.Minute)
	c := &comparison{t: t, ours: ours, theirs: theirs}
	c.send(shelf(base, "côté"))
	all := &tally{}
	for _, q := range prometheusQuestions(t, base) {
		all.compare(t, ours, theirs, q)
	}
	all.log(t, "Prometheus API")
	if all.asked < 200 {
		t.Errorf("only %d requests: some are missing", all.asked)
	}
}

func prometheusQuestions(t *testing.T, base time.Time) []question {
	at := func(d time.Duration) string { return fmt.Sprint(base.Add(d).Unix()) }
	v := func(kv ...string) url.Values {
		out := url.Values{}
		for i := 0; i < len(kv); i += 2 {
			out.Add(kv[i], kv[i+1])
		}
		return out
	}
	api := func(path string, kv ...string) question {
		if len(kv) > 0 {
			path += "?" + v(kv...).Encode()
		}
		return get("/api/v1/" + path)
	}
	now, later := at(2*time.Minute), at(150*time.Second)
	var out []question
	add := func(q ...question) { out = append(out, q...) }

	// Queries.
	for _, expr := range []string{
		"shelf_items", "shelf_weight", "shelf_height", `{"côté"="gauche"}`, "sum(rate(shelf_items[1m]))", "rate(shelf_weight[1m])",
		"histogram_quantile(0.5, rate(shelf_weight[1m]))", "shelf_items[1m]", "shelf_weight[30s]", "1", `"text"`, "1/0", "-1/0", "0/0", "absent(nothing)",
		"shelf_items +", "sum(", "", "rate(shelf_items)", "shelf_items * on(x) shelf_items", "label_replace(shelf_items, \"a\", \"$1\", \"row\", \"(\")",
		"sort_desc(shelf_items)", "topk(2, shelf_items)", "quantile(2, shelf_items)", "sum(shelf_items) + sum(shelf_weight)", "histogram_quantile(0.9, shelf_items)",
		"limitk(1, shelf_items)", "info(shelf_items)", "sort_by_label(shelf_items, \"row\")", "shelf_items @ end()", "shelf_items offset -1m", "max_over_time(shelf_items[2m:15s])",
		"count_values(\"v\", shelf_items)", "rate(shelf_items[5s * 2])", "shelf_items smoothed", "increase(shelf_items[1m] anchored)", "shelf_items + fill(0) shelf_weight",
		"shop_requests_total", "1.5e400", "shelf_items[1000y]", "vector(time())",
	} {
		p := v("query", expr, "time", now)
		q := post("/api/v1/query", p).named("POST query " + expr)
		g := get("/api/v1/query?" + p.Encode())
		r := post("/api/v1/query_range", v("query", expr, "start", at(0), "end", now, "step", "15")).named("POST query_range " + expr)
		if strings.HasPrefix(expr, "count_values") || expr == "shelf_items" || expr == `{"côté"="gauche"}` {
			q, g = q.sorted("data.result"), g.sorted("data.result")
		}
		add(q, g, r)
		add(api("format_query", "query", expr), api("parse_query", "query", expr))
	}
	// A query in the present sees what each has scraped; the values are constant.
	for _, expr := range []string{"shop_requests_total", "shop_latency_seconds_bucket", "shop_size_bytes", "shop_wait_seconds", "shop_build_info", "up", "ALERTS", "job:shop_requests:sum"} {
		add(api("query", "query", expr).masked(changes, "data.result.*.value.0", "data.result.*.histogram.0").sorted("data.result"))
	}
	for _, kv := range [][]string{
		{"limit", "2"}, {"limit", "0"}, {"limit", "-1"}, {"limit", "x"}, {"timeout", "1ms"}, {"timeout", "x"}, {"timeout", "-1s"}, {"lookback_delta", "1s"}, {"lookback_delta", "x"}, {"lookback_delta", "0"},
		{"time", "x"}, {"time", "2020-01-01T00:00:00Z"}, {"time", "1e400"}, {"stats", "x"}, {"unknown", "x"}, {"dedup", "1"}, {"max_series", "1"}, {"cost", "all"},
	} {
		if kv[0] == "timeout" && kv[1] == "1ms" {
			continue // Whether a query takes a millisecond is chance.
		}
		p := v("query", "shelf_items", "time", now)
		p.Set(kv[0], kv[1])
		const measured, timings = "time is measured", "data.stats.timings.*"
		add(post("/api/v1/query", p).named("query with "+kv[0]+"="+kv[1]).sorted("data.result").masked(measured, timings), get("/api/v1/query?"+p.Encode()).sorted("data.result").masked(measured, timings))
		p = v("query", "shelf_items", "start", at(0), "end", now, "step", "15")
		p.Set(kv[0], kv[1])
		add(post("/api/v1/query_range", p).named("query_range with "+kv[0]+"="+kv[1]).masked(measured, timings))
	}
	for _, stats := range []string{"1", "true", "all"} {
		add(api("query", "query", "sum(shelf_items)", "time", now, "stats", stats).masked("time is measured", "data.stats.timings.*"),
			api("query_range", "query", "sum(shelf_items)", "start", at(0), "end", now, "step", "15", "stats", stats).masked("time is measured", "data.stats.timings.*"))
	}
	for _, p := range []url.Values{
		v("query", "shelf_items", "start", now, "end", at(0), "step", "15"), v("query", "shelf_items", "start", at(0), "end", now, "step", "0"),
		v("query", "shelf_items", "start", at(0), "end", now, "step", "-1"), v("query", "shelf_items", "start", at(0), "end", now, "step", "1ms"),
		v("query", "shelf_items", "start", at(0), "end", now), v("query", "shelf_items", "end", now, "step", "15"), v("query", "shelf_items", "start", "x", "end", now, "step", "15"),
		v("query", "shelf_items", "start", at(0), "end", now, "step", "15s"), v("query", "shelf_items", "start", at(0), "end", now, "step", "x"), v("start", at(0), "end", now, "step", "15"),
	} {
		add(post("/api/v1/query_range", p).named("query_range "+p.Encode()), get("/api/v1/query_range?"+p.Encode()))
	}
	for _, p := range []url.Values{
		v("query", "shop_requests_total", "start", at(0), "end", at(time.Hour)), v("query", "nothing", "start", at(0), "end", now), v("query", "(", "start", at(0), "end", now),
		v("query", "shop_requests_total", "start", "x"), v("query", "shop_requests_total", "start", now, "end", at(0)), v(),
	} {
		add(get("/api/v1/query_exemplars?"+p.Encode()), post("/api/v1/query_exemplars", p).named("POST query_exemplars "+p.Encode()))
	}

	// Series and labels.
	span := []string{"start", at(0), "end", now}
	for _, kv := range [][]string{
		{"match[]", "shelf_items"}, {"match[]", "shelf_items", "match[]", `{row="0"}`}, {"match[]", "nothing"}, {"match[]", "("}, {}, {"match[]", "{}"}, {"match[]", `{__name__=~".*"}`, "limit", "x"},
		{"match[]", "shelf_items", "limit", "2"}, {"match[]", "shelf_items", "limit", "-2"}, {"match[]", `{"côté"="gauche"}`}, {"match[]", "shop_requests_total"},
	} {
		p := v(append(kv, span...)...)
		for _, path := range []string{"series", "labels"} {
			add(get("/api/v1/"+path+"?"+p.Encode()), post("/api/v1/"+path, p).named("POST "+path+" "+p.Encode()))
		}
		for _, name := range []string{"row", "__name__", "nothing", "U__c_f4_t_e9_", "côté", "a-b", "%ff"} {
			path := "/api/v1/label/" + url.PathEscape(name) + "/values"
			if name == "%ff" {
				path = "/api/v1/label/%ff/values"
			}
			add(get(path + "?" + p.Encode()))
		}
	}
	add(api("labels"), api("label/job/values"), api("label/alertstate/values"), api("series", "match[]", `{job="shop"}`).sorted("data"), api("labels", "start", "x"), api("series", "match[]", "up", "start", later, "end", now))
	for _, path := range []string{"search/metric_names", "search/label_names", "search/label_values"} {
		for _, kv := range [][]string{{}, {"search[]", "shelf"}, {"search[]", "shelf", "label", "row"}, {"search[]", "ro", "limit", "1", "label", "row"}, {"limit", "x"}, {"limit", "999999"}, {"sort_by", "x"}, {"fuzz_threshold", "200"}, {"match[]", "("}, {"search[]", "x", "include_metadata", "true"}} {
			p := v(append(kv, span...)...)
			add(get("/api/v1/"+path+"?"+p.Encode()), post("/api/v1/"+path, p).named("POST "+path+" "+p.Encode()))
		}
	}

	// Targets, metadata, rules, alerts.
	target := []string{"data.activeTargets.*.lastScrape", "data.activeTargets.*.lastScrapeDuration"}
	for _, kv := range [][]string{{}, {"state", "active"}, {"state", "dropped"}, {"state", "x"}, {"scrapePool", "shop"}, {"scrapePool", "nothing"}} {
		add(api("targets", kv...).masked(changes, target...))
	}
	for _, kv := range [][]string{{}, {"metric", "shop_requests_total"}, {"limit", "1", "metric", "shop_requests_total"}, {"limit", "x"}, {"match_target", `{job="shop"}`, "metric", "shop_size_bytes"}, {"match_target", "("}, {"match_target", `{job="down"}`}} {
		add(api("targets/metadata", kv...).sorted("data"))
	}
	for _, kv := range [][]string{{}, {"scrapePool", "shop"}, {"scrapePool", "dropped", "labels", `{"__address__":"dropped.example:80","a":"b"}`}, {"scrapePool", "shop", "labels", "x"}, {"scrapePool", "nothing", "labels", `{}`}} {
		add(api("targets/relabel_steps", kv...), api("scrape_pools/config", kv...))
	}
	add(api("scrape_pools"))
	for _, kv := range [][]string{{}, {"metric", "shop_requests_total"}, {"metric", "nothing"}, {"limit", "0"}, {"limit", "x"}, {"limit_per_metric", "1"}, {"limit_per_metric", "x"}} {
		add(api("metadata", kv...))
	}
	rule := []string{"data.groups.*.lastEvaluation", "data.groups.*.evaluationTime", "data.groups.*.rules.*.lastEvaluation", "data.groups.*.rules.*.evaluationTime", "data.groups.*.rules.*.alerts.*.activeAt"}
	for _, kv := range [][]string{
		{}, {"type", "alert"}, {"type", "record"}, {"type", "x"}, {"rule_name[]", "Cold"}, {"rule_group[]", "alerts"}, {"file[]", "nothing"}, {"exclude_alerts", "true"}, {"exclude_alerts", "x"},
		{"match[]", `{severity="page"}`}, {"match[]", "("}, {"group_limit", "1"}, {"group_limit", "x"}, {"group_next_token", "x"}, {"group_limit", "1", "group_next_token", "x"},
	} {
		add(api("rules", kv...).masked(changes, rule...))
	}
	add(api("alerts").masked(changes, "data.alerts.*.activeAt").sorted("data.alerts"), api("alertmanagers"))

	// Status.
	add(
		api("status/config"), api("status/runtimeinfo").masked(machine, "data.startTime", "data.CWD", "data.hostname", "data.serverTime", "data.lastConfigTime", "data.goroutineCount", "data.GOGC", "data.GOMEMLIMIT"),
		api("status/buildinfo").masked(build, "data.version", "data.revision", "data.branch", "data.buildUser", "data.buildDate"),
		api("status/flags").masked("each server has flags of its own", "data"),
		api("status/walreplay"), api("status/tsdb/blocks"), api("features").masked("each has pages of its own", "data.ui.*").masked("rules of a group run one after the other here, so that an arrival waits for one rule and not for the group", "data.rules.concurrent_rule_eval"),
		api("status/tsdb").masked("which of equally frequent ones are among the first ten is chance", "data.*.*"),
		api("status/tsdb", "limit", "1").masked("which of equally frequent ones is first is chance", "data.*.*"),
		api("status/tsdb", "limit", "10000").masked(changes, "data.headStats.chunkCount", "data.headStats.maxTime", "data.headStats.minTime").sorted("data.*"),
		api("status/tsdb", "limit", "x"), api("status/tsdb", "limit", "0"), api("status/tsdb", "limit", "10001"), api("status/self_metrics", "metric_name_pattern", "prometheus_tsdb_head_series$"),
		api("status/self_metrics", "metric_name_pattern", "("), api("notifications"),
	)

	// Administration is off, and says so.
	for _, path := range []string{"delete_series?match[]=up", "clean_tombstones", "snapshot"} {
		for _, method := range []string{http.MethodPost, http.MethodPut} {
			add(question{method: method, path: "/api/v1/admin/tsdb/" + path, change: true})
		}
		add(question{method: http.MethodGet, path: "/api/v1/admin/tsdb/" + path, change: true}.deliberate(http.StatusMethodNotAllowed, jsonErrors))
		add(question{method: http.MethodPost, path: "/api/v1/admin/tsdb/" + path, name: "anonymous " + path}.deliberate(http.StatusUnauthorized, adminToken))
	}

	// The protocol itself.
	for _, path := range []string{"/api/v1/query", "/api/v1/labels", "/api/v1/write", "/api/v1/nothing", "/api/v1/rules"} {
		add(question{method: http.MethodOptions, path: path}.with("Origin", "http://grafana.example").with("Access-Control-Request-Method", "GET"))
		add(question{method: http.MethodOptions, path: path, name: "OPTIONS without origin " + path})
	}
	add(
		api("query", "query", "1", "time", now).with("Origin", "http://grafana.example"),
		api("query", "query", "shelf_items", "time", now).with("Accept-Encoding", "gzip").sorted("data.result"), api("rules").with("Accept-Encoding", "gzip").masked(changes, rule...),
		api("query", "query", "1", "time", now).with("Accept", "text/html"), api("query", "query", "1", "time", now).with("Accept-Encoding", "br, deflate"),
		post("/api/v1/query?"+v("query", "1", "time", now).Encode(), url.Values{}), postJSON("/api/v1/query", `{"query":"1"}`),
		question{method: http.MethodPost, path: "/api/v1/query", body: []byte("query=%zz"), header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, name: "POST query with a bad escape"},
		get("/api/v1/query?query=%zz"), get("/api/v1"), get("/api"), api("query/"),
	)
	for _, q := range []question{
		api("nothing"), api("status/nothing"), get("/api/v1/"), get("/api/v3/query"), {method: http.MethodHead, path: "/api/v1/query?query=1"},
		{method: http.MethodDelete, path: "/api/v1/query"}, {method: http.MethodPut, path: "/api/v1/labels"}, {method: http.MethodPost, path: "/api/v1/rules"}, {method: http.MethodDelete, path: "/api/v1/series", change: true},
		{method: http.MethodGet, path: "/api/v1/write"}, {method: http.MethodGet, path: "/api/v1/read"}, {method: http.MethodPatch, path: "/api/v1/metadata"},
	} {
		if q.method != http.MethodGet || strings.HasPrefix(q.path, "/api/v1/write") || strings.HasPrefix(q.path, "/api/v1/read") {
			q.change = true
			q = q.deliberate(http.StatusMethodNotAllowed, jsonErrors)
		} else {
			q = q.deliberate(http.StatusNotFound, jsonErrors)
		}
		add(q)
	}
	add(get("/-/healthy").deliberate(http.StatusOK, ownName), get("/-/ready").deliberate(http.StatusOK, ownName),
		question{method: http.MethodHead, path: "/-/healthy"}.deliberate(http.StatusOK, headType), question{method: http.MethodHead, path: "/-/ready"}.deliberate(http.StatusOK, headType))
	for _, path := range []string{"/-/reload", "/-/quit"} {
		for _, method := range []string{http.MethodPost, http.MethodPut} {
			add(question{method: method, path: path, change: true}.deliberate(http.StatusForbidden, saysMore))
		}
		add(question{method: http.MethodGet, path: path, change: true}.deliberate(http.StatusMethodNotAllowed, allow))
	}
	add(federationQuestions()...)
	add(receivingQuestions(t, base)...)
	add(readQuestions(t, base)...)
	return out
}

// Why we answer differently where we mean to.
const (
	jsonErrors = "an unknown path or method answers with the protocol's error body instead of plain text; the status is the same"
	adminToken = "what changes or deletes needs the administrator's token"
	ownName    = "the text names the server"
	headType   = "a HEAD request is answered with the Content-Type that GET has"
	allow      = "a 405 names the methods that are allowed"
	// Where prometheus.yml sets neither; the other tests set both.
	ownDefaults = "the out-of-order window is 30 minutes and exemplars are kept, and the configuration in force says so"
	saysMore    = "the text says what to do"
)

func federationQuestions() []question {
	names := `match[]={__name__=~"shop_.*"}`
	proto := "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
	text := func(_ *testing.T, a answer) string {
		return timestamps.ReplaceAllString(string(a.body), "${1}<time>\n")
	}
	enc := func(q string) string {
		return strings.NewReplacer(`"`, "%22", "{", "%7B", "}", "%7D", "[", "%5B", "]", "%5D", "~", "%7E", "*", "%2A").Replace(q)
	}
	var out []question
	for _, q := range []string{names, `match[]=shop_requests_total&match[]=up`, `match[]=shop_requests_total&match[]={job="shop",method="GET"}`, `match[]=nothing`, ``, `match[]={job="shop",__name__!~"scrape.*|ALERTS_FOR_STATE"}`} {
		g := get("/federate?" + enc(q))
		g.text = text
		out = append(out, g)
		p := g.with("Accept", proto)
		p.text, p.name = families, "protobuf "+g.path
		z := g.with("Accept-Encoding", "gzip")
		z.name = "gzip " + g.path
		out = append(out, p, z)
	}
	for _, accept := range []string{"application/openmetrics-text; version=1.0.0", "text/plain;version=1.0.0;escaping=allow-utf-8", "text/plain;version=0.0.4", "*/*", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text"} {
		g := get("/federate?"+enc(names)).with("Accept", accept).named("federate as " + accept)
		g.text = text
		if strings.Contains(accept, "encoding=text") {
			g.text = func(_ *testing.T, a answer) string {
				return protoTimes.ReplaceAllString(protoGaps.ReplaceAllString(string(a.body), "$1 "), "timestamp_ms: 0")
			}
		}
		out = append(out, g)
	}
	out = append(out, get("/federate?"+enc("match[]={")), question{method: http.MethodPost, path: "/federate?match%5B%5D=up", change: true},
		question{method: http.MethodOptions, path: "/federate"}, question{method: http.MethodHead, path: "/federate?match%5B%5D=up"})
	return out
}

func receivingQuestions(t *testing.T, base time.Time) []question {
	ok := []*loadedSeries{{labels: labels.FromStrings("__name__", "received"), samples: []sample{{t: base.UnixMilli(), f: 1}}}}
	v1, h1 := writeV1(t, ok)
	v2, h2 := writeV2(t, ok)
	send := func(name string, body []byte, h http.Header, set ...string) question {
		h = h.Clone()
		for i := 0; i < len(set); i += 2 {
			if set[i+1] == "" {
				h.Del(set[i])
			} else {
				h.Set(set[i], set[i+1])
			}
		}
		return question{name: "write: " + name, method: http.MethodPost, path: "/api/v1/write", header: h, body: body}
	}
	at := func(ts time.Time, pairs ...string) []*loadedSeries {
		return []*loadedSeries{{labels: labels.FromStrings(pairs...), samples: []sample{{t: ts.UnixMilli(), f: 1}}}}
	}
	v1of := func(s []*loadedSeries) []byte { b, _ := writeV1(t, s); return b }
	v2of := func(s []*loadedSeries) []byte { b, _ := writeV2(t, s); return b }
	out := []question{
		send("1.0", v1, h1), send("2.0", v2, h2), send("1.0 again", v1, h1), send("2.0 again", v2, h2),
		send("1.0 without version", v1, h1, "X-Prometheus-Remote-Write-Version", ""), send("1.0 without encoding", v1, h1, "Content-Encoding", ""),
		send("1.0 without type", v1, h1, "Content-Type", ""), send("no type at all", v1, http.Header{}), send("unknown type", v1, h1, "Content-Type", "text/plain"),
		send("unknown message", v1, h1, "Content-Type", "application/x-protobuf;proto=x"), send("unknown encoding", v1, h1, "Content-Encoding", "zstd"),
		send("1.0 as 2.0", v1, h2), send("2.0 as 1.0", v2, h1), send("no snappy", []byte("hello, this is not snappy"), h1), send("snappy of garbage", snappy.Encode(nil, []byte("garbage")), h1), send("garbage as 2.0", snappy.Encode(nil, []byte("garbage")), h2),
		send("empty body", nil, h1), send("empty message", snappy.Encode(nil, nil), h1), send("empty 2.0 message", snappy.Encode(nil, nil), h2),
	}
	for _, c := range []struct {
		name string
		s    []*loadedSeries
	}{
		{"too old", at(base.Add(-72*time.Hour), "__name__", "received")}, {"in the future", at(time.Now().Add(time.Hour), "__name__", "received")}, {"without name", at(base, "a", "b")},
		{"empty label", at(base, "__name__", "received", "a", "")}, {"UTF-8 name", at(base, "__name__", "empfängen")}, {"invalid UTF-8", at(base, "__name__", "received", "a", "\xff")},
		{"another value", []*loadedSeries{{labels: labels.FromStrings("__name__", "received"), samples: []sample{{t: base.UnixMilli(), f: 2}}}}},
		{"bad histogram", []*loadedSeries{{labels: labels.FromStrings("__name__", "badh"), samples: []sample{{t: base.UnixMilli(), h: &histogram.Histogram{Schema: 1, Count: 1, Sum: 1, PositiveSpans: []histogram.Span{{Offset: 0, Length: 2}}, PositiveBuckets: []int64{1}}}}}}},
		{"unknown schema", []*loadedSeries{{labels: labels.FromStrings("__name__", "badh"), samples: []sample{{t: base.UnixMilli(), h: &histogram.Histogram{Schema: 77, Count: 1, Sum: 1, PositiveSpans: []histogram.Span{{Offset: 0, Length: 1}}, PositiveBuckets: []int64{1}}}}}}},
		{"one good, one too old", append(at(base, "__name__", "received", "n", "1"), at(base.Add(-72*time.Hour), "__name__", "received", "n", "2")...)},
	} {
		out = append(out, send("1.0 "+c.name, v1of(c.s), h1), send("2.0 "+c.name, v2of(c.s), h2))
	}
	dup := &prompb.WriteRequest{Timeseries: []prompb.TimeSeries{{Labels: []prompb.Label{{Name: "__name__", Value: "d"}, {Name: "a", Value: "1"}, {Name: "a", Value: "2"}}, Samples: []prompb.Sample{{Timestamp: base.UnixMilli()}}}}}
	refs := &writev2.Request{Symbols: []string{""}, Timeseries: []writev2.TimeSeries{{LabelsRefs: []uint32{1, 99}, Samples: []writev2.Sample{{Timestamp: base.UnixMilli()}}}}}
	symbols := writev2.NewSymbolTable()
	meta := writev2.TimeSeries{LabelsRefs: symbols.SymbolizeLabels(labels.FromStrings("__name__", "described_total"), nil), Samples: []writev2.Sample{{Timestamp: base.UnixMilli(), Value: 3}}}
	meta.Metadata = writev2.Metadata{Type: writev2.Metadata_METRIC_TYPE_COUNTER, HelpRef: symbols.Symbolize("Described."), UnitRef: symbols.Symbolize("things")}
	meta.Exemplars = []writev2.Exemplar{{LabelsRefs: symbols.SymbolizeLabels(labels.FromStrings("trace_id", "t1"), nil), Value: 3, Timestamp: base.UnixMilli()}}
	described := &writev2.Request{Symbols: symbols.Symbols(), Timeseries: []writev2.TimeSeries{meta}}
	for _, m := range []struct {
		name string
		m    interface{ Marshal() ([]byte, error) }
		h    http.Header
	}{{"1.0 repeated label", dup, h1}, {"2.0 references nowhere", refs, h2}, {"2.0 with metadata and exemplar", described, h2}} {
		raw, err := m.m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, send(m.name, snappy.Encode(nil, raw), m.h))
	}
	ago := fmt.Sprint(base.Unix())
	for _, m := range []string{"received", `{__name__="empfängen"}`, "described_total", "badh"} {
		out = append(out, get("/api/v1/query?"+url.Values{"query": {m}, "time": {ago}}.Encode()).sorted("data.result"))
	}
	out = append(out, get("/api/v1/query_exemplars?"+url.Values{"query": {"described_total"}, "start": {ago}, "end": {ago}}.Encode()),
		get("/api/v1/metadata?metric=described_total").named("metadata of what was written"))

	otlp := func(name, body, contentType string) question {
		return question{name: "otlp: " + name, method: http.MethodPost, path: "/api/v1/otlp/v1/metrics", header: http.Header{"Content-Type": {contentType}}, body: []byte(body)}
	}
	nanos := fmt.Sprint(base.UnixNano())
	sum := func(temporality int) string {
		return `{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"svc"}}]},"scopeMetrics":[{"scope":{"name":"s"},"metrics":[
{"name":"otlp.gauge","unit":"s","gauge":{"dataPoints":[{"timeUnixNano":"` + nanos + `","asDouble":1.5}]}},
{"name":"otlp.sum","sum":{"aggregationTemporality":` + fmt.Sprint(temporality) + `,"isMonotonic":true,"dataPoints":[{"startTimeUnixNano":"` + nanos + `","timeUnixNano":"` + nanos + `","asInt":"3"}]}}]}]}]}`
	}
	out = append(out,
		otlp("JSON", sum(2), "application/json"), otlp("delta", sum(1), "application/json"), otlp("not JSON", "{", "application/json"), otlp("not protobuf", "\xff\xff", "application/x-protobuf"),
		otlp("empty", "", "application/x-protobuf"), otlp("text", "x", "text/plain"), otlp("no type", "", ""))
	for _, m := range []string{`{__name__=~"otlp.*"}`, "target_info"} {
		out = append(out, get("/api/v1/query?"+url.Values{"query": {m}, "time": {ago}}.Encode()).sorted("data.result"))
	}
	return out
}

func readQuestions(t *testing.T, base time.Time) []question {
	read := func(name string, req *prompb.ReadRequest, set ...string) question {
		raw, err := req.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		q := question{name: "read: " + name, method: http.MethodPost, path: "/api/v1/read", body: snappy.Encode(nil, raw), header: http.Header{
			"Content-Type": {"application/x-protobuf"}, "Content-Encoding": {"snappy"}, "X-Prometheus-Remote-Read-Version": {"0.1.0"},
		}}
		for i := 0; i < len(set); i += 2 {
			q = q.with(set[i], set[i+1])
		}
		q.text = func(t *testing.T, a answer) string {
			if a.status == http.StatusOK && strings.HasPrefix(a.header.Get("Content-Type"), "application/x-protobuf") {
				return readSamples(t, a.body)
			}
			return string(a.body)
		}
		return q
	}
	query := func(kind prompb.LabelMatcher_Type, name, value string) *prompb.ReadRequest {
		return &prompb.ReadRequest{Queries: []*prompb.Query{{
			StartTimestampMs: base.UnixMilli(), EndTimestampMs: base.Add(2 * time.Minute).UnixMilli(), Matchers: []*prompb.LabelMatcher{{Type: kind, Name: name, Value: value}},
		}}}
	}
	streamed := func(r *prompb.ReadRequest) *prompb.ReadRequest {
		r.AcceptedResponseTypes = []prompb.ReadRequest_ResponseType{prompb.ReadRequest_STREAMED_XOR_CHUNKS}
		return r
	}
	unknown := query(prompb.LabelMatcher_EQ, "__name__", "shelf_items")
	unknown.AcceptedResponseTypes = []prompb.ReadRequest_ResponseType{99}
	two := query(prompb.LabelMatcher_EQ, "__name__", "shelf_items")
	two.Queries = append(two.Queries, query(prompb.LabelMatcher_EQ, "row", "0").Queries...)
	return []question{
		read("samples", query(prompb.LabelMatcher_EQ, "__name__", "shelf_items")), read("histograms", query(prompb.LabelMatcher_RE, "__name__", "shelf_.*")),
		read("nothing", query(prompb.LabelMatcher_EQ, "__name__", "nothing")), read("bad expression", query(prompb.LabelMatcher_RE, "__name__", "(")), read("two queries", two),
		read("chunks", streamed(query(prompb.LabelMatcher_EQ, "__name__", "shelf_items"))), read("chunks of nothing", streamed(query(prompb.LabelMatcher_EQ, "__name__", "nothing"))),
		read("external label", query(prompb.LabelMatcher_EQ, "cluster", "conformance")), read("unknown type", unknown), read("no query", &prompb.ReadRequest{}),
		{name: "read: no snappy", method: http.MethodPost, path: "/api/v1/read", body: []byte("hello, this is not snappy")},
		{name: "read: garbage", method: http.MethodPost, path: "/api/v1/read", body: snappy.Encode(nil, []byte("garbage"))},
		{name: "read: empty", method: http.MethodPost, path: "/api/v1/read"},
	}
}

// readSamples decodes a remote-read answer of samples.
func readSamples(t *testing.T, body []byte) string {
	t.Helper()
	raw, err := snappy.Decode(nil, body)
	if err != nil {
		t.Fatal(err)
	}
	var r prompb.ReadResponse
	if err := r.Unmarshal(raw); err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(r.Results, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
