package lint

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// listed is a SeriesSource of lines such as `up{job="a"}` and `# TYPE up gauge`.
type listed struct {
	series []labels.Labels
	types  map[string]string
}

func parseListed(t *testing.T, text string) *listed {
	out := &listed{types: map[string]string{}}
	p := parser.NewParser(parser.Options{})
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if declared, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(declared, " ")
			out.types[name] = kind
		} else if line != "" {
			metric, err := p.ParseMetric(line)
			if err != nil {
				t.Fatalf("parse %q: %v", line, err)
			}
			out.series = append(out.series, metric)
		}
	}
	return out
}

func (l *listed) MetricNames(context.Context) ([]string, error) {
	return labelValues(l.series, labels.MetricName), nil
}

func (l *listed) MetricTypes(context.Context) (map[string]string, error) { return l.types, nil }

func (l *listed) Series(_ context.Context, selector string, limit int) ([]labels.Labels, bool, error) {
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
	if err != nil {
		return nil, false, err
	}
	var out []labels.Labels
	for _, s := range l.series {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.Get(m.Name)) }) {
			out = append(out, s)
		}
	}
	if len(out) > limit {
		return out[:limit], true, nil
	}
	return out, false, nil
}

// scraped is a TargetSource of lines: "job NAME", "dropped JOB COUNT", and "target JOB ADDRESS URL ERROR", without an error for one that is up.
type scraped TargetList

func parseScraped(t *testing.T, text string) *scraped {
	out := &scraped{Dropped: map[string]int{}}
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 5)
		switch f[0] {
		case "job":
			out.Jobs = append(out.Jobs, f[1])
		case "dropped":
			n, err := strconv.Atoi(f[2])
			if err != nil {
				t.Fatal(err)
			}
			out.Dropped[f[1]] = n
		default:
			target := Target{Job: f[1], Address: f[2], URL: f[3], Up: len(f) == 4}
			if !target.Up {
				target.Error = f[4]
			}
			out.Active = append(out.Active, target)
		}
	}
	return out
}

func (s *scraped) Targets(context.Context) (TargetList, error) { return TargetList(*s), nil }

// TestLive runs the cases of testdata/live: "series" sets what the server has, "targets" what it scrapes, "lint" prints the findings about
// an archive of files.
func TestLive(t *testing.T) {
	datadriven.Walk(t, "testdata/live", func(t *testing.T, path string) {
		var source SeriesSource
		var exported *Exported
		var targets TargetSource
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "series" {
				source = parseListed(t, d.Input)
				return ""
			}
			if d.Cmd == "metrics" {
				exported, source = &Exported{Types: map[string]string{}}, nil
				if err := exported.add([]byte(d.Input)); err != nil {
					return "error: " + err.Error() + "\n"
				}
				slices.Sort(exported.Names)
				return ""
			}
			if d.Cmd == "targets" {
				targets = parseScraped(t, d.Input)
				return ""
			}
			docs := splitArchive(d.Input)
			findings := CheckMistakes(docs)
			if d.Cmd == "lint" {
				var err error
				if findings, err = Live(t.Context(), docs, LiveOptions{Source: source, Exported: exported, Targets: targets}); err != nil {
					return "error: " + err.Error() + "\n"
				}
			}
			var b strings.Builder
			for _, f := range findings {
				fmt.Fprintln(&b, f)
			}
			return b.String()
		})
	})
}

func TestLiveLargeMetric(t *testing.T) {
	var text strings.Builder
	for i := range maxSeriesOfSelector + 10 {
		fmt.Fprintf(&text, "big{shard=\"%d\",job=\"a\"}\n", i)
	}
	docs := splitArchive(`-- r.yml --
groups:
  - name: g
    rules:
      - alert: A
        expr: big{shards="1"} > 1
      - alert: B
        expr: big{job="b"} > 1
      - alert: C
        expr: big{shard="7"} > 1
      - alert: D
        expr: big > on (missing) big
`)
	findings, err := Live(t.Context(), docs, LiveOptions{Source: parseListed(t, text.String())})
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, f := range findings {
		codes = append(codes, fmt.Sprintf("%d:%s", f.Line, f.Code))
	}
	if want := []string{"5:unknown-label", "7:unknown-label-value"}; !slices.Equal(codes, want) {
		t.Errorf("findings %v, want %v: %v", codes, want, findings)
	}
}

func TestLiveServerErrors(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/html/api/v1/label/__name__/values":
			fmt.Fprint(w, "<html>")
		case "/empty/api/v1/label/__name__/values":
			fmt.Fprint(w, `{"status":"success","data":[]}`)
		case "/refused/api/v1/label/__name__/values":
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"status":"error","error":"a token is needed"}`)
		case "/odd/api/v1/label/__name__/values":
			fmt.Fprint(w, `{"status":"success","data":{"a":1}}`)
		}
	}))
	defer server.Close()
	for path, want := range map[string]string{"/html": "no Prometheus answer", "/empty": "no series at all", "/refused": "a token is needed", "/odd": "decode answer"} {
		_, err := Live(t.Context(), nil, LiveOptions{URL: server.URL + path, Client: server.Client()})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
	server.Client().CloseIdleConnections()
	for _, bad := range []string{"127.0.0.1:9090", "ftp://x", "http://%zz"} {
		if _, err := Live(t.Context(), nil, LiveOptions{URL: bad}); err == nil || !strings.Contains(err.Error(), "server URL") {
			t.Errorf("URL %q: error %v", bad, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Live(ctx, nil, LiveOptions{URL: server.URL, Client: server.Client()}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestAPISourceAsksForWindow checks the requests of a whole lint against what the API documents.
func TestAPISourceAsksForWindow(t *testing.T) {
	asked := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := fmt.Sprintf("%s start=%s match=%s limit=%s", r.URL.Path, r.FormValue("start"), r.FormValue("match[]"), r.FormValue("limit"))
		if state := r.FormValue("state"); state != "" {
			line = fmt.Sprintf("%s state=%s pool=%s", r.URL.Path, state, r.FormValue("scrapePool"))
		}
		asked <- line
		switch r.URL.Path {
		case "/p/api/v1/label/__name__/values":
			fmt.Fprint(w, `{"status":"success","data":["up"]}`)
		case "/p/api/v1/metadata":
			fmt.Fprint(w, `{"status":"success","data":{"up":[{"type":"gauge"}],"two":[{"type":"gauge"},{"type":"counter"}]}}`)
		case "/p/api/v1/series":
			fmt.Fprint(w, `{"status":"success","data":[{"__name__":"up","job":"a"}]}`)
		case "/p/api/v1/targets":
			fmt.Fprint(w, `{"status":"success","data":{"activeTargets":[{"scrapePool":"a","scrapeUrl":"http://db:5432/metrics","discoveredLabels":{"__address__":"db:5432"},"health":"down","lastError":"Get \"http://db:5432/metrics\": EOF"}],"droppedTargetCounts":{"b":3}}}`)
		case "/p/api/v1/scrape_pools":
			fmt.Fprint(w, `{"status":"success","data":{"scrapePools":["a","b"]}}`)
		}
	}))
	defer server.Close()
	docs := splitArchive("-- r.yml --\ngroups: [{name: g, rules: [{alert: A, expr: 'rate(up[5m]) > 1'}]}]\n")
	findings, err := Live(t.Context(), docs, LiveOptions{URL: server.URL + "/p/", Client: server.Client(), Lookback: time.Hour,
		Now: func() time.Time { return time.Unix(7200, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	server.Client().CloseIdleConnections()
	var codes []string
	for _, f := range findings {
		codes = append(codes, f.Code)
	}
	slices.Sort(codes)
	if want := []string{"all-targets-dropped", "foreign-protocol", "rate-of-gauge"}; !slices.Equal(codes, want) {
		t.Errorf("findings: %v", findings)
	}
	close(asked)
	var got []string
	for line := range asked {
		got = append(got, line)
	}
	want := []string{"/p/api/v1/label/__name__/values start=3600.000 match= limit=", "/p/api/v1/metadata start= match= limit=",
		`/p/api/v1/series start=3600.000 match={__name__="up"} limit=2001`, "/p/api/v1/targets state=active pool=",
		"/p/api/v1/scrape_pools start= match= limit=", "/p/api/v1/targets state=dropped pool=b"}
	if !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
}

// TestGreetings lets Go's own client ask servers of other protocols, because the words of its errors are what is recognised.
func TestGreetings(t *testing.T) {
	for _, c := range []struct{ name, answer, code, message, hint string }{
		{"Redis", "-ERR wrong number of arguments for 'get' command\r\n", "foreign-protocol", "answers as Redis does", "redis_exporter"},
		{"Redis with a password", "-NOAUTH Authentication required.\r\n", "foreign-protocol", "answers as Redis does", "redis_exporter"},
		{"Redis that protects itself", "-DENIED Redis is running in protected mode\r\n", "foreign-protocol", "answers as Redis does", "redis_exporter"},
		{"SSH", "SSH-2.0-OpenSSH_9.2p1\r\n", "foreign-protocol", "answers as SSH does", "node_exporter"},
		{"SSH of Debian", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", "foreign-protocol", "answers as SSH does", "node_exporter"},
		{"MySQL", "J\x00\x00\x00\n8.0.33\x00\x08\x00\x00\x00caching_sha2_password\x00", "foreign-protocol", "answers as MySQL does", "mysqld_exporter"},
		{"memcached", "ERROR\r\n", "foreign-protocol", "answers as memcached does", "memcached_exporter"},
		{"RabbitMQ", "AMQP\x00\x00\x09\x01", "foreign-protocol", "answers as RabbitMQ (AMQP) does", "15692"},
		{"NATS", `INFO {"server_id":"N","version":"2.10"} ` + "\r\n", "foreign-protocol", "answers as NATS does", "prometheus-nats-exporter"},
		{"mail", "220 mail.example.com ESMTP\r\n", "foreign-protocol", "speaks another protocol than HTTP", "exporter"},
		{"HTTP/2", "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00@\x00", "foreign-protocol", "speaks HTTP/2 without TLS", "HTTP/1.1"},
		{"TLS alert", "\x15\x03\x01\x00\x02\x02\x16", "wrong-scheme", "without TLS", "scheme: https"},
		{"nothing", "", "target-down", "ends the connection without an HTTP answer", "database"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			done := make(chan struct{})
			go func() {
				defer close(done)
				// Two, because the client asks again where the connection ended without a word.
				for range 2 {
					conn, err := ln.Accept()
					if err != nil {
						return
					}
					_, _ = bufio.NewReader(conn).ReadString('\n')
					_, _ = io.WriteString(conn, c.answer)
					_ = conn.Close()
				}
			}()
			u := "http://" + ln.Addr().String() + "/metrics"
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			resp, err := client.Get(u)
			if err == nil {
				_ = resp.Body.Close()
				t.Fatal("an answer")
			}
			_ = ln.Close()
			<-done
			f := explainScrape(Target{Job: "j", URL: u, Address: ln.Addr().String(), Error: err.Error()})
			if f.Code != c.code || !strings.Contains(f.Message, c.message) || !strings.Contains(f.Hint, c.hint) {
				t.Errorf("%v: %s", err, f)
			}
		})
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"open": 0o644, "closed": 0o640} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("x"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	am := NewDocument(filepath.Join(dir, "alertmanager.yml"), []byte(`
global: {slack_api_url_file: gone, http_config: {basic_auth: {username: u, password_file: open}}}
route: {receiver: r}
receivers: [{name: r, pagerduty_configs: [{routing_key_file: closed}]}]
`))
	prom := NewDocument(filepath.Join(dir, "prometheus.yml"), []byte(`
scrape_configs: [{job_name: a, basic_auth: {username: u, password_file: /nowhere}, tls_config: {ca_file: open}}]
`))
	var got []string
	for _, f := range CheckMistakes([]*Document{am, prom}) {
		got = append(got, fmt.Sprintf("%s:%d %s", filepath.Base(f.File), f.Line, f.Code))
	}
	want := []string{"alertmanager.yml:2 file-not-found", "alertmanager.yml:2 secret-readable-by-all", "prometheus.yml:2 file-not-found"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestServerWithoutTargets asks a store that scrapes nothing: its series are compared, and the reader is told what is not.
func TestServerWithoutTargets(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v1/label/__name__/values":
			fmt.Fprint(w, `{"status":"success","data":["up"]}`)
		case "/api/v1/metadata":
			fmt.Fprint(w, `{"status":"success","data":{}}`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	var notes []string
	findings, err := Live(t.Context(), nil, LiveOptions{URL: server.URL, Client: server.Client(), Note: func(s string) { notes = append(notes, s) }})
	server.Client().CloseIdleConnections()
	if err != nil || len(findings) > 0 || len(notes) != 1 || !strings.Contains(notes[0], "targets are not checked") {
		t.Errorf("findings %v, notes %q, error %v", findings, notes, err)
	}
}

// FuzzLiveRules checks that no rule file and no expression makes the lint panic or point outside of the file.
func FuzzLiveRules(f *testing.F) {
	f.Add("sum by (x) (rate(up{job=~\"a|b\"}[5m])) / on (job) group_left (v) info == 1", "up{job=\"a\"}")
	f.Add("absent(nope) or histogram_quantile(0.9, x_bucket) unless ALERTS", "x{le=\"1\"}")
	f.Add("{__name__=~\"a.*\", x!=\"\"} offset 5m", "a1{y=\"2\"}")
	f.Fuzz(func(t *testing.T, expr, series string) {
		metric, err := parser.NewParser(parser.Options{}).ParseMetric(series)
		if err != nil || metric.Get(labels.MetricName) == "" {
			return
		}
		source := &listed{series: []labels.Labels{metric}, types: map[string]string{metric.Get(labels.MetricName): "gauge"}}
		content := fmt.Sprintf("groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: %q\n", expr)
		findings, err := Live(t.Context(), []*Document{NewDocument("rules.yml", []byte(content))}, LiveOptions{Source: source})
		if err != nil {
			t.Fatal(err)
		}
		for _, finding := range findings {
			if finding.Line != 5 || finding.Column < 1 || finding.Column > len([]rune(content)) {
				t.Fatalf("finding outside of the expression: %s", finding)
			}
		}
	})
}

// FuzzDashboardQueries checks that no query of a dashboard makes the lint panic or point outside of it.
func FuzzDashboardQueries(f *testing.F) {
	f.Add("sum by ($a) (rate(up{job=~\"$b\", $c}[${d:raw}]) / $__range_s) > $e", false)
	f.Add("label_values(up{job=\"a\"}, [[x]])", true)
	f.Add("metrics(^a.*$)", true)
	f.Add("query_result(topk($n, $m[5m] offset $o @ $p))", true)
	f.Add("$$ # \"\n'${' [[", false)
	f.Fuzz(func(t *testing.T, query string, variable bool) {
		quoted, err := json.Marshal(query)
		if err != nil {
			t.Fatal(err)
		}
		const head = "{\"title\": \"A\", \"panels\": [\n"
		content := fmt.Sprintf(head+"{\"targets\": [{\"expr\": %s}]}]}", quoted)
		if variable {
			content = fmt.Sprintf(head+"], \"templating\": {\"list\": [{\"type\": \"query\", \"name\": \"v\", \"query\": %s}]}}", quoted)
		}
		source := &listed{series: []labels.Labels{labels.FromStrings(labels.MetricName, "up", "job", "a")}}
		d := NewDocument("a.json", []byte(content))
		findings, err := Live(t.Context(), []*Document{d}, LiveOptions{Source: source})
		if err != nil {
			t.Fatal(err)
		}
		first := len([]rune(content[len(head):])) - len([]rune(content[len(head):][strings.LastIndex(content[len(head):], string(quoted)):])) + 1
		for _, finding := range append(findings, checkDashboardQueries(d)...) {
			if finding.Line != 2 || finding.Column < first || finding.Column > first+len([]rune(string(quoted))) {
				t.Fatalf("finding outside of the query: %s", finding)
			}
		}
	})
}

func TestReadExported(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	got, err := ReadExported(file("list", "# ours\nb\na:b\n\nb\n"), file("text", "# TYPE c counter\nc{x=\"1\"} 1\nc{x=\"2\"} 1\nd 2"),
		file("om", "# TYPE e histogram\ne_bucket{le=\"+Inf\"} 1\ne_sum 1\ne_count 1\n# EOF\n"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a:b", "b", "c", "d", "e_bucket", "e_count", "e_sum"}; !slices.Equal(got.Names, want) || got.Types["c"] != "counter" || got.Types["e"] != "histogram" {
		t.Errorf("got %v", got)
	}
	for path, want := range map[string]string{file("html", "<html>\n"): "html: ", file("none", "# nothing\n"): "there is none in", filepath.Join(dir, "gone"): "no such file"} {
		if _, err := ReadExported(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
