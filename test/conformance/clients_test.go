//go:build conformance

package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The clients that people have: today's, and Debian's.
func clients(t *testing.T, today, flagName, debian, pkg string) map[string]string {
	t.Helper()
	path, err := exec.LookPath(debian)
	if err != nil {
		t.Fatalf("%s is missing: install the package %s", debian, pkg)
	}
	return map[string]string{"today": program(t, flagName, today), "debian": path}
}

// uuids, in the order in which they appear, are not part of what a client shows.
var uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// times are what clients show of the moments at which something was received.
var times = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?UTC|Z)?`)

// versions is the warning of an amtool that is older or newer than the server.
var versions = regexp.MustCompile(`(?m)^Warning: amtool version .*\n`)

// run starts a client and returns what it prints on stdout, and whether it was content.
func run(t *testing.T, s *server, path string, args ...string) (string, bool) {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "TZ=UTC")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	text := strings.ReplaceAll(string(out), s.url, "<url>")
	if err != nil {
		text += strings.ReplaceAll(versions.ReplaceAllString(errs.String(), ""), s.url, "<url>")
	}
	return text, err == nil
}

func TestPromtool(t *testing.T) {
	ours, theirs := pairOfServers(t, nil, nil)
	base := time.Now().Add(-10 * time.Minute).Truncate(time.Minute)
	c := &comparison{t: t, ours: ours, theirs: theirs}
	c.send(shelf(base, "side")) // Debian's promtool takes no UTF-8 names
	dir := t.TempDir()
	pushed := write(t, dir, "pushed.prom", "# HELP pushed_total Pushed.\n# TYPE pushed_total counter\npushed_total{a=\"b\"} 3\n# TYPE pushed_seconds histogram\npushed_seconds_bucket{le=\"1\"} 2\npushed_seconds_bucket{le=\"+Inf\"} 3\npushed_seconds_sum 4\npushed_seconds_count 3\n")
	backfill := write(t, dir, "backfill.yml", "groups: [{name: g, rules: [{record: 'shelf:sum', expr: sum(shelf_items)}]}]\n")
	at := func(d time.Duration) string { return fmt.Sprint(base.Add(d).Unix()) }
	for name, tool := range clients(t, *promtool, "promtool", "promtool", "prometheus") {
		newer := name == "today"
		t.Run(name, func(t *testing.T) {
			n := 0
			for _, q := range []struct {
				args  []string // <url> stands for the server
				today bool     // Debian's does not have it
				lines bool     // the order of lines has no meaning
				fails bool
			}{
				{args: []string{"query", "instant", "--time=" + at(time.Minute), "<url>", "shelf_items"}, lines: true},
				{args: []string{"query", "instant", "--time=" + at(time.Minute), "<url>", "sum(rate(shelf_items[1m]))"}},
				{args: []string{"query", "instant", "--time=" + at(time.Minute), "<url>", "shelf_weight"}, today: true},
				{args: []string{"query", "-o", "json", "instant", "--time=" + at(time.Minute), "<url>", "sum(shelf_items)"}, today: true},
				{args: []string{"query", "instant", "<url>", "sum("}, fails: true},
				{args: []string{"query", "range", "--start=" + at(0), "--end=" + at(2*time.Minute), "--step=15s", "<url>", "shelf_items"}},
				{args: []string{"query", "range", "--start=" + at(2*time.Minute), "--end=" + at(0), "--step=15s", "<url>", "shelf_items"}, fails: true},
				{args: []string{"query", "series", "--match=shelf_items", "--match=up", "--start=" + at(0), "<url>"}, lines: true},
				{args: []string{"query", "series", "--match=(", "<url>"}, fails: true},
				{args: []string{"query", "labels", "<url>", "row"}}, {args: []string{"query", "labels", "<url>", "job"}},
				{args: []string{"query", "labels", "--match=shop_requests_total", "<url>", "method"}, today: true},
				{args: []string{"query", "analyze", "--server=<url>", "--type=histogram", "--match=shop_latency_seconds_bucket", "--duration=1m"}, today: true},
				{args: []string{"check", "healthy", "--url=<url>"}, today: true}, {args: []string{"check", "ready", "--url=<url>"}, today: true},
				{args: []string{"push", "metrics", "<url>", pushed}, today: true},
				{args: []string{"push", "metrics", "--protobuf_message=io.prometheus.write.v2.Request", "--label=job=v2", "<url>", pushed}, today: true},
				{args: []string{"query", "instant", "<url>", `count by (job, a) ({__name__=~"pushed_.*"})`}, lines: true},
				{args: []string{"tsdb", "create-blocks-from", "-q", "rules", "--url=<url>", "--start=" + at(0), "--end=" + at(2*time.Minute), "--output-dir=blocks", backfill}, today: true},
				{args: []string{"debug", "metrics", "<url>"}},
			} {
				if q.today && !newer {
					continue
				}
				n++
				var got [2]string
				var ok [2]bool
				for i, s := range []*server{ours, theirs} {
					args := slices.Clone(q.args)
					for j := range args {
						args[j] = strings.ReplaceAll(args[j], "<url>", s.url)
					}
					got[i], ok[i] = run(t, s, tool, args...)
					if strings.Contains(strings.Join(q.args, " "), "(job, a)") || strings.Contains(strings.Join(q.args, " "), "analyze") {
						got[i] = regexp.MustCompile(`@\[[\d.]+\]`).ReplaceAllString(got[i], "@[now]")
						got[i] = regexp.MustCompile(`\d+ (samples|scrapes)`).ReplaceAllString(got[i], "N $1")
					}
					got[i] = times.ReplaceAllString(got[i], "<time>")
					if q.lines {
						l := strings.Split(got[i], "\n")
						slices.Sort(l)
						got[i] = strings.Join(l, "\n")
					}
				}
				if ok[1] == q.fails || !q.fails && got[1] == "" && q.args[0] == "query" {
					t.Errorf("promtool %s: content %v with prometheus: %s", strings.Join(q.args, " "), ok[1], got[1])
				}
				if got[0] != got[1] || ok[0] != ok[1] {
					t.Errorf("promtool %s: content %v, with prometheus %v\n%s", strings.Join(q.args, " "), ok[0], ok[1], difference(got[0], got[1], ours.name, theirs.name))
				}
			}
			figure(t, "promtool (%s): %d commands print the same of both servers", name, n)
		})
	}
	// What promtool reads of our folder it reads of Prometheus's.
	ours.stop(t)
	theirs.stop(t)
	for name, tool := range clients(t, *promtool, "promtool", "promtool", "prometheus") {
		var got [2]string
		for i, dir := range []string{ours.dir + "/metrics", theirs.dir} {
			out, ok := run(t, ours, tool, "tsdb", "dump", "--match=shelf_items", dir)
			if !ok {
				t.Errorf("%s promtool tsdb dump %s: %s", name, dir, out)
			}
			l := strings.Split(out, "\n")
			slices.Sort(l)
			got[i] = strings.Join(l, "\n")
		}
		if got[0] != got[1] || strings.Count(got[0], "\n") < 50 {
			t.Errorf("%s promtool tsdb dump:\n%s", name, difference(got[0], got[1], ours.name, theirs.name))
		}
	}
}

func TestAmtool(t *testing.T) {
	config := write(t, t.TempDir(), "alertmanager.yml", fmt.Sprintf(alertmanagerFile, sink(t)))
	exported := write(t, t.TempDir(), "silences.json", `[{"matchers":[{"name":"imported","value":"yes","isRegex":false,"isEqual":true}],"startsAt":"`+time.Now().UTC().Format(time.RFC3339)+`","endsAt":"`+time.Now().UTC().Add(time.Hour).Format(time.RFC3339)+`","createdBy":"me","comment":"c"}]`)
	for name, tool := range clients(t, *amtool, "amtool", "amtool", "prometheus-alertmanager") {
		t.Run(name, func(t *testing.T) {
			ours := startTouchline(t, "--alertmanager.config="+config)
			theirs := startAlertmanager(t, config)
			creds := write(t, t.TempDir(), "http.yml", "authorization: {credentials_file: "+ours.dir+"/admin.token}\n")
			ids := map[*server]string{}
			n := 0
			compare := func(fails bool, args ...string) {
				t.Helper()
				n++
				var got [2]string
				var ok [2]bool
				for i, s := range []*server{ours, theirs} {
					full := []string{"--alertmanager.url=" + s.url}
					if s == ours {
						full = append(full, "--http.config.file="+creds)
					}
					for _, a := range args {
						full = append(full, strings.ReplaceAll(a, "<id>", ids[s]))
					}
					got[i], ok[i] = run(t, s, tool, full...)
					if args[0] == "silence" && args[1] == "add" && ok[i] {
						ids[s] = strings.TrimSpace(got[i])
					}
					got[i] = times.ReplaceAllString(uuids.ReplaceAllString(got[i], "<uuid>"), "<time>")
				}
				if ok[1] == fails {
					t.Errorf("amtool %s: content %v with alertmanager: %s", strings.Join(args, " "), ok[1], got[1])
				}
				if got[0] != got[1] || ok[0] != ok[1] {
					t.Errorf("amtool %s: content %v, with alertmanager %v\n%s", strings.Join(args, " "), ok[0], ok[1], difference(got[0], got[1], ours.name, theirs.name))
				}
			}
			both := func(args ...string) { t.Helper(); compare(false, args...) }
			neither := func(args ...string) { t.Helper(); compare(true, args...) }
			both("alert", "add", "alertname=Disk", "severity=page", "instance=a", "--annotation=summary=full", "--generator-url=http://x.example/")
			both("alert", "add", "alertname=Net", "severity=info")
			both("alert", "query")
			for _, s := range []*server{ours, theirs} {
				s.until(t, "two active alerts", func() bool {
					out, _ := run(t, s, tool, "--alertmanager.url="+s.url, "alert", "query")
					return strings.Contains(out, "Disk") && strings.Contains(out, "Net")
				})
			}
			both("alert", "query", "Disk")
			both("alert", "query", "severity=~p.*", "-o", "extended")
			both("alert", "query", "--receiver=pager")
			both("alert", "query", "(")
			both("silence", "add", "alertname=Net", "--comment=c", "--author=a", "--duration=1h")
			both("silence", "query")
			both("silence", "query", "-o", "extended")
			both("silence", "query", "--expired")
			both("silence", "update", "<id>", "--duration=2h", "--comment=longer")
			both("silence", "query", "alertname=Net", "-q")
			both("silence", "expire", "<id>")
			neither("silence", "expire", "11111111-1111-1111-1111-111111111111")
			both("silence", "query", "alertname=Net")
			both("silence", "import", exported)
			both("silence", "query", "imported=yes")
			both("silence", "add", "a=~(", "--comment=c", "--author=a")
			neither("silence", "add", "a=b", "--author=a")
			both("config", "show")
			routes := both
			if name == "debian" {
				// It takes the <secret> that a server shows instead of a URL for a URL.
				routes = neither
			}
			routes("config", "routes", "show")
			routes("config", "routes", "test", "severity=page", "alertname=x")
			both("config", "routes", "--config.file="+config, "show")
			neither("config", "routes", "test", "--verify.receivers=pager", "severity=info")
			both("cluster", "show")
			both("check-config", config)
			figure(t, "amtool (%s): %d commands print the same of both servers", name, n)
			// Without the token nothing can be changed, and amtool says why.
			out, ok := run(t, ours, tool, "--alertmanager.url="+ours.url, "silence", "add", "a=b", "--comment=c", "--author=a")
			if ok || !strings.Contains(out, "401") {
				t.Errorf("amtool silence add without a token: %v %s", ok, out)
			}
		})
	}
}
