package page

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"touchline.dev/touchline/internal/selfmon"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testNow is the clock of every test.
var testNow = time.Date(2026, 5, 4, 10, 30, 0, 0, time.UTC)

// hostile is a label value as an attacker would send it.
const hostile = `<script>alert(1)</script>"'&<img src=x onerror=alert(1)>`

// answers is an API that serves recorded shapes, by path.
type answers struct {
	bodies  map[string]string
	codes   map[string]int
	queries atomic.Int64
	forms   func(path string, form url.Values)
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.queries.Add(1)
	if a.forms != nil {
		if err := r.ParseForm(); err == nil {
			a.forms(r.URL.Path, r.Form)
		}
	}
	body, ok := a.bodies[r.URL.Path]
	if !ok {
		http.Error(w, `{"status":"error","error":"there is no such path"}`, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if c := a.codes[r.URL.Path]; c != 0 {
		w.WriteHeader(c)
	}
	_, _ = w.Write([]byte(body))
}

func quote(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func newAnswers() *answers {
	el := func(figure, labels, value string) string {
		return `{"metric":{"figure":"` + figure + `"` + labels + `},"value":[1777890600,"` + value + `"]}`
	}
	host := `,"instance":"db-1"`
	vector := `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join([]string{
		el("cpu", host, "23.4"), el("mem", host, "61"), el("disk", host, "74.25"), el("rx", host, "4200000"), el("tx", host, "120"),
		el("load", host, "0.5"), el("cores", host, "2"), el("memtotal", host, "8589934592"),
		el("ccpu", `,"id":"/docker/a","name":`+quote("api"+hostile), "12"), el("cmem", `,"id":"/docker/a","name":`+quote("api"+hostile), "104857600"),
		el("ccpu", `,"id":"/system.slice"`, "1"), el("cmem", `,"id":"/system.slice"`, "1048576"), el("cpu", `,"instance":"nan"`, "NaN"),
	}, ",") + `]}}`
	start := testNow.Add(-historySpan).Unix()
	matrix := `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"figure":"cpu","instance":"db-1"},"values":[[` +
		fmt.Sprint(start) + `,"10"],[` + fmt.Sprint(start+5) + `,"90"]]}]}}`
	alert := func(name, severity, state string) string {
		return `{"labels":{"alertname":` + quote(name) + `,"severity":"` + severity + `","instance":` + quote(hostile) + `},"annotations":{"summary":` + quote("Summary "+hostile) +
			`,"runbook_url":"javascript:alert(1)"},"state":"` + state + `","activeAt":"2026-05-04T10:26:00Z","value":"1e+00"}`
	}
	rule := func(name, severity, state, alerts string) string {
		return `{"name":` + quote(name) + `,"type":"alerting","query":` + quote(`up{job="<b>"} == 0`) + `,"state":"` + state + `","duration":60,"labels":{"severity":"` + severity +
			`"},"annotations":{},"alerts":[` + alerts + `],"health":"ok","evaluationTime":0.001,"lastEvaluation":"2026-05-04T10:29:59Z"}`
	}
	rules := `{"status":"success","data":{"groups":[{"name":` + quote("host"+hostile) + `,"file":"/etc/rules/host.yml","interval":5,"rules":[` + strings.Join([]string{
		rule("DiskWillFill", "critical", "firing", alert("DiskWillFill", "critical", "firing")),
		rule("HighLoad", "warning", "pending", alert("HighLoad", "warning", "pending")),
		rule("Quiet", "warning", "inactive", ""),
		rule("Watchdog", "none", "firing", alert("Watchdog", "none", "firing")),
		`{"name":"job:up:sum","type":"recording","query":"sum by (job) (up)","health":"err","lastError":` + quote("bad "+hostile) + `,"evaluationTime":0.001,"lastEvaluation":"2026-05-04T10:29:59Z"}`,
	}, ",") + `]}]}}`
	targets := `{"status":"success","data":{"activeTargets":[{"labels":{"instance":"db-1","job":"node"},"scrapePool":"node","scrapeUrl":"http://node/metrics","lastError":"","lastScrape":"2026-05-04T10:29:59Z","lastScrapeDuration":0.004,"health":"up","scrapeInterval":"1s"},
{"labels":{"instance":"x:1","job":"api","note":` + quote(hostile) + `},"scrapePool":"api","scrapeUrl":"http://x:1/metrics","lastError":` + quote("refused "+hostile) + `,"lastScrape":"2026-05-04T10:29:50Z","lastScrapeDuration":0.1,"health":"down","scrapeInterval":"15s"}]}}`
	am := `[{"labels":{"alertname":"DiskWillFill","severity":"critical","instance":` + quote(hostile) + `},"annotations":{},"startsAt":"2026-05-04T10:26:00Z","receivers":[{"name":"team-db"}],"status":{"state":"active","silencedBy":[],"inhibitedBy":[]}},
{"labels":{"alertname":"FromElsewhere"},"annotations":{"summary":` + quote(hostile) + `},"startsAt":"2026-05-04T10:20:00Z","receivers":[],"status":{"state":"suppressed","silencedBy":["1"],"inhibitedBy":[]}}]`
	silences := `[{"id":"1","startsAt":"2026-05-04T10:00:00Z","endsAt":"2026-05-04T12:00:00Z","createdBy":` + quote(hostile) + `,"comment":` + quote(hostile) + `,"status":{"state":"active"},"matchers":[{"name":"a","value":` + quote(hostile) + `,"isRegex":true,"isEqual":false}]},
{"id":"2","startsAt":"2026-05-03T10:00:00Z","endsAt":"2026-05-03T12:00:00Z","createdBy":"me","comment":"over","status":{"state":"expired"},"matchers":[{"name":"b","value":"c","isRegex":false,"isEqual":true}]}]`
	return &answers{codes: map[string]int{}, bodies: map[string]string{
		"/api/v1/query": vector, "/api/v1/query_range": matrix, "/api/v1/rules": rules, "/api/v1/targets": targets,
		"/api/v2/alerts": am, "/api/v2/silences": silences,
	}}
}

func testReport() selfmon.Report {
	up := true
	return selfmon.Report{
		Version: "1.2.3", GoVersion: "go1.26", State: selfmon.StateReady, StartedAt: testNow.Add(-time.Hour), ReadySeconds: 0.42,
		ConsoleURL: "http://127.0.0.1:7070/ui/",
		Listeners:  []selfmon.Listener{{Name: "http", Address: "127.0.0.1:7070", Flag: "--web.listen-address", State: "listening"}},
		Watched:    []selfmon.Watched{{Job: "node", Instance: "db-1", What: "this host", IntervalSeconds: 1, Up: &up, Source: selfmon.SourceInProcess, Targets: 1}},
		NotSeen:    []selfmon.NotSeen{{What: "containers", Reason: "no cgroups " + hostile, Remedy: "run as root"}},
		Endpoints:  []selfmon.Endpoint{{What: "remote write", URL: "http://127.0.0.1:7070/api/v1/write"}},
		Alerts:     selfmon.AlertsTo{Mode: selfmon.AlertsEmbedded, None: true},
		Data:       selfmon.Data{Dir: "./data", RetentionTime: "15d", UsedBytes: 1 << 20},
		Components: []selfmon.Component{{Name: "metrics", State: selfmon.ComponentOK, Since: testNow}},
		Stop:       "Ctrl-C",
	}
}

func newPage(t *testing.T, api http.Handler, change func(*Options)) *Page {
	t.Helper()
	o := Options{
		Logger: slog.New(slog.DiscardHandler), API: api, Report: testReport, Version: "1.2.3",
		Now: func() time.Time { return testNow },
		Notifications: func() []Notification {
			return []Notification{{Time: testNow.Add(-time.Minute), Receiver: "team" + hostile, Integration: "webhook", Group: hostile, Status: "firing", Alerts: 2, Err: "no route " + hostile, Duration: 14 * time.Millisecond}}
		},
		Runbooks: fstest.MapFS{
			"DiskWillFill.md":    {Data: []byte("# Disk will fill\n\nSee [other](Other.md), [bad](javascript:alert(1)).\n\n<script>alert(1)</script>\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")},
			"DiskWillFill.zh.md": {Data: []byte("# 磁盘将满\n\n清理。\n")},
			"Other.md":           {Data: []byte("# Other\n")},
		},
	}
	if change != nil {
		change(&o)
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func get(t *testing.T, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var everyPath = []string{
	"/ui/", "/ui/live", "/ui/alerts", "/ui/rules", "/ui/targets", "/ui/silences", "/ui/status", "/ui/runbooks/", "/ui/runbooks/DiskWillFill",
	"/ui/graph", "/ui/graph?g0.expr=" + url.QueryEscape("up"+hostile), "/ui/graph?g0.tab=1&g0.expr=" + url.QueryEscape(hostile),
	"/ui/graph?g0.end_input=" + url.QueryEscape(hostile) + "&g0.range_input=" + url.QueryEscape(hostile), "/ui/nowhere",
}

// TestHostileValues asks for every page in both languages, with values from
// alerts, targets, rules, silences and the address that hold markup.
func TestHostileValues(t *testing.T) {
	p := newPage(t, newAnswers(), nil)
	inline := regexp.MustCompile(`(?i)<script(?:>|[^>]*>[^<])|\son\w+\s*=\s*["']?\w|javascript:|<img|\sstyle=|<style`)
	for _, lang := range []string{"en", "zh"} {
		for _, path := range everyPath {
			w := get(t, p.Handler(), path, "Accept-Language", lang)
			body := w.Body.String()
			stripped := regexp.MustCompile(`(?s)<textarea.*?</textarea>`).ReplaceAllString(body, "")
			// Escaped text holds no "<", so a tag that matches is real.
			for _, tag := range regexp.MustCompile(`<[^>]*>[^<]?`).FindAllString(stripped, -1) {
				if inline.MatchString(tag) && !strings.Contains(tag, "/ui/assets/live.js") {
					t.Errorf("%s (%s): unsafe markup: %s", path, lang, tag)
				}
			}
			if strings.Contains(body, "<script>alert") || strings.Contains(body, "ZgotmplZ") {
				t.Errorf("%s (%s): hostile value is not escaped", path, lang)
			}
		}
	}
}

func TestContentSecurityPolicy(t *testing.T) {
	p := newPage(t, newAnswers(), nil)
	for _, path := range everyPath {
		h := get(t, p.Handler(), path).Header()
		policy := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: policy %q lacks %s", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q allows inline code", path, policy)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: nosniff is missing", path)
		}
	}
}

func TestPages(t *testing.T) {
	tests := []struct {
		path, lang string
		code       int
		want       []string
	}{
		{"/ui/", "en", 200, []string{"2 alerts firing, 1 of them critical: DiskWillFill, FromElsewhere.", "23.4", "8.00", "Nobody will be told", "webhook_configs", "http://127.0.0.1:7070/api/v1/write", "team-db", "1 up"}[:7]},
		{"/ui/", "zh", 200, []string{"2 条告警正在触发，其中 1 条为严重：DiskWillFill, FromElsewhere。", "不会通知任何人", `lang="zh-CN"`}},
		{"/ui/live", "en", 200, []string{`id="sentence"`, `id="hosts"`, `id="mark"`}},
		{"/ui/alerts", "en", 200, []string{"2 firing, 1 pending, 4 rules.", "FromElsewhere", "Heartbeat", "Quiet"}},
		{"/ui/rules", "en", 200, []string{"1 groups in 1 files hold 4 alerting and 1 recording rules; 1 of them fail.", "job:up:sum", "host.yml"}},
		{"/ui/targets", "en", 200, []string{"1 of 2 targets are up.", "http://x:1/metrics", "15s"}},
		{"/ui/silences", "en", 200, []string{"1 silences are active.", "a!~", "amtool --alertmanager.url=http://127.0.0.1:7070"}},
		{"/ui/silences?filter=%7Balertname%3D%22Down%22%2Cinstance%3D~%22it%27s.%2A%22%7D", "en", 200, []string{`&#39;{alertname=&#34;Down&#34;,instance=~&#34;it&#39;\&#39;&#39;s.*&#34;}&#39;`}},
		{"/ui/status", "en", 200, []string{"The server is ready; it was ready after 420 ms and has run for 1 h.", "--web.listen-address"}},
		{"/ui/graph?g0.expr=up&g0.tab=0", "en", 200, []string{`<svg class="graph"`, `class="series s0"`, "figure=&#34;cpu&#34;"}},
		{"/ui/graph?g0.expr=up&g0.tab=1", "en", 200, []string{"13 elements", "23.4"}},
		{"/ui/runbooks/", "en", 200, []string{"2 runbooks say", "/ui/runbooks/Other", "Disk will fill"}},
		{"/ui/runbooks/DiskWillFill", "en", 200, []string{"<table>", `href="Other.md"`, "now: firing"}},
		{"/ui/runbooks/DiskWillFill", "zh", 200, []string{"磁盘将满"}},
		{"/ui/runbooks/Other", "zh", 200, []string{"Other</h1>"}},
		{"/ui/runbooks/Missing", "en", 404, []string{"There is no runbook of that name."}},
		{"/ui/runbooks/..%2f..%2fpasswd", "en", 404, nil},
		{"/ui/nowhere", "zh", 404, []string{"没有这个页面。"}},
		{"/ui/assets/style.css", "en", 200, []string{"prefers-color-scheme: dark", "prefers-reduced-motion"}},
		{"/ui/assets/page.go", "en", 404, nil},
		{"/ui/graph?g0.expr=" + strings.Repeat("x", maxQueryString), "en", 414, []string{"The address is too long."}},
	}
	p := newPage(t, newAnswers(), nil)
	for _, tt := range tests {
		w := get(t, p.Handler(), tt.path, "Accept-Language", tt.lang)
		name := tt.path[:min(len(tt.path), 60)]
		if w.Code != tt.code {
			t.Errorf("%s: got code %d, want %d", name, w.Code, tt.code)
		}
		for _, want := range tt.want {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s (%s): %q is missing", name, tt.lang, want)
			}
		}
	}
}

func TestAllRight(t *testing.T) {
	api := newAnswers()
	api.bodies["/api/v1/rules"] = `{"status":"success","data":{"groups":[{"name":"g","file":"f","interval":5,"rules":[{"name":"A","type":"alerting","alerts":[]},{"name":"B","type":"alerting","alerts":[]}]}]}}`
	api.bodies["/api/v1/targets"] = `{"status":"success","data":{"activeTargets":[{"labels":{},"scrapePool":"node","health":"up"}]}}`
	api.bodies["/api/v2/alerts"] = `[]`
	for _, tt := range []struct {
		none bool
		want string
	}{
		{false, "All right: 2 rules watch 1 host, 1 container and 1 target; nothing is firing."},
		{true, "2 rules watch 1 host, 1 container and 1 target and nothing is firing, but nobody would be told."},
	} {
		p := newPage(t, api, func(o *Options) {
			o.Report = func() selfmon.Report { r := testReport(); r.Alerts.None = tt.none; return r }
		})
		body := get(t, p.Handler(), "/ui/").Body.String()
		if !strings.Contains(body, tt.want) {
			t.Errorf("none=%v: %q is missing", tt.none, tt.want)
		}
	}
}

func TestSentenceNamesThreeAlerts(t *testing.T) {
	api := newAnswers()
	var rules []string
	for _, n := range []string{"A", "B", "C", "D", "E"} {
		rules = append(rules, `{"name":"`+n+`","type":"alerting","labels":{"severity":"critical"},"alerts":[{"labels":{"alertname":"`+n+`","severity":"critical"},"annotations":{},"state":"firing","activeAt":"2026-01-01T00:00:00Z","value":"1"}]}`)
	}
	api.bodies["/api/v1/rules"] = `{"status":"success","data":{"groups":[{"name":"g","file":"f","interval":5,"rules":[` + strings.Join(rules, ",") + `]}]}}`
	api.bodies["/api/v2/alerts"] = `[]`
	body := get(t, newPage(t, api, nil).Handler(), "/ui/").Body.String()
	if want := "5 alerts critical and firing: A, B, C and 2 more."; !strings.Contains(body, want) {
		t.Errorf("%q is missing in %s", want, body)
	}
}

// TestAnswersAreShared holds that more viewers do not mean more queries.
func TestAnswersAreShared(t *testing.T) {
	api := newAnswers()
	p := newPage(t, api, nil)
	get(t, p.Handler(), "/ui/live")
	first := api.queries.Load()
	for range 50 {
		get(t, p.Handler(), "/ui/live")
	}
	if n := api.queries.Load(); n != first {
		t.Errorf("51 viewers within a second made %d calls, one makes %d", n, first)
	}
	if first == 0 || first > 6 {
		t.Errorf("one viewer makes %d calls, want 1 to 6", first)
	}
}

// TestAPIFailure holds that a page whose source is away still says so.
func TestAPIFailure(t *testing.T) {
	api := newAnswers()
	for path := range api.bodies {
		api.bodies[path] = `{"status":"error","error":"storage is gone ` + "<b>" + `"}`
		api.codes[path] = http.StatusServiceUnavailable
	}
	p := newPage(t, api, nil)
	for _, path := range []string{"/ui/", "/ui/alerts", "/ui/rules", "/ui/targets", "/ui/silences", "/ui/graph?g0.expr=up"} {
		w := get(t, p.Handler(), path)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "storage is gone &lt;b&gt;") {
			t.Errorf("%s: code %d, the reason is not shown", path, w.Code)
		}
	}
}

func TestLanguage(t *testing.T) {
	tests := []struct{ path, cookie, accept, want string }{
		{"/ui/", "", "", "en"},
		{"/ui/", "", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"},
		{"/ui/", "", "en;q=0.5, zh;q=0.4", "en"},
		{"/ui/", "", "fr, zh;q=x, zh-TW;q=0.1", "zh-CN"},
		{"/ui/", "zh", "en", "zh-CN"},
		{"/ui/?lang=en", "zh", "zh", "en"},
		{"/ui/?lang=xx", "", "en", "en"},
	}
	p := newPage(t, newAnswers(), nil)
	for _, tt := range tests {
		header := []string{"Accept-Language", tt.accept}
		if tt.cookie != "" {
			header = append(header, "Cookie", langCookie+"="+tt.cookie)
		}
		w := get(t, p.Handler(), tt.path, header...)
		if !strings.Contains(w.Body.String(), `<html lang="`+tt.want+`">`) {
			t.Errorf("%+v: wrong language", tt)
		}
	}
	w := get(t, p.Handler(), "/ui/?lang=zh")
	if c := w.Header().Get("Set-Cookie"); !strings.HasPrefix(c, langCookie+"=zh; Path=/;") || !strings.Contains(c, "SameSite=Lax") {
		t.Errorf("cookie is %q", c)
	}
}

// TestEveryTextIsTranslated reads the templates, so that a new text cannot
// stay English by accident.
func TestEveryTextIsTranslated(t *testing.T) {
	entries, err := files.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, e := range entries {
		raw, err := files.ReadFile("templates/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`[{(]t "([^"]+)"`).FindAllStringSubmatch(string(raw), -1) {
			seen++
			if _, ok := chinese[m[1]]; !ok {
				t.Errorf("%s: %q has no Chinese", e.Name(), m[1])
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d texts found", seen)
	}
	verbs := regexp.MustCompile(`%(?:\[\d\])?[sd]`)
	for en, zh := range chinese {
		if len(verbs.FindAllString(en, -1)) != len(verbs.FindAllString(zh, -1)) {
			t.Errorf("%q and %q take different arguments", en, zh)
		}
	}
}

func TestLegacyRedirects(t *testing.T) {
	p := newPage(t, newAnswers(), func(o *Options) { o.RoutePrefix = "/mon/" })
	tests := map[string]string{
		"/":                          "/mon/ui/",
		"/graph?g0.expr=up&g0.tab=1": "/mon/ui/graph?g0.expr=up&g0.tab=1",
		"/alerts":                    "/mon/ui/alerts",
		"/config":                    "/mon/ui/status",
		"/service-discovery":         "/mon/ui/targets",
	}
	for from, to := range tests {
		w := get(t, p.LegacyRedirects(), from)
		if w.Code != http.StatusFound || w.Header().Get("Location") != to {
			t.Errorf("%s: got %d %q, want 302 %q", from, w.Code, w.Header().Get("Location"), to)
		}
	}
	if w := get(t, p.LegacyRedirects(), "//evil.example/x"); w.Code != http.StatusNotFound {
		t.Errorf("unknown path: got %d, want 404", w.Code)
	}
	if n := len(LegacyPaths()); n != len(legacy) {
		t.Errorf("LegacyPaths gives %d paths, want %d", n, len(legacy))
	}
	body := get(t, p.Handler(), "/ui/").Body.String()
	if strings.Contains(body, `"/ui/`) || !strings.Contains(body, `href="/mon/ui/alerts"`) {
		t.Error("a link lacks the route prefix")
	}
}

func TestCollapse(t *testing.T) {
	dead := Notification{Receiver: "a", Group: "g", Status: "firing", Err: "refused"}
	good := Notification{Receiver: "b", Group: "g", Status: "firing"}
	again := dead
	again.Err = ""
	got := collapse([]Notification{dead, good, dead, good, again, dead, dead})
	var attempts []int
	for _, r := range got {
		attempts = append(attempts, r.Attempts)
	}
	if fmt.Sprint(attempts) != "[2 1 1 1 2]" {
		t.Errorf("attempts are %v", attempts)
	}
}

func TestGraphAsksAsLinked(t *testing.T) {
	api := newAnswers()
	var asked url.Values
	api.forms = func(path string, form url.Values) {
		if path == "/api/v1/query_range" {
			asked = form
		}
	}
	p := newPage(t, api, nil)
	get(t, p.Handler(), "/ui/graph?g0.expr=up%7Bjob%3D%22api%22%7D&g0.range_input=2h&g0.end_input=2026-05-04+08%3A00%3A00&g0.tab=0")
	want := url.Values{"query": {`up{job="api"}`}, "start": {"1777874400.000"}, "end": {"1777881600.000"}, "step": {"30"}, "timeout": {"5s"}}
	if asked.Encode() != want.Encode() {
		t.Errorf("asked %s, want %s", asked.Encode(), want.Encode())
	}
}

func FuzzGraphParams(f *testing.F) {
	for _, s := range []string{"g0.expr=up&g0.tab=1&g0.range_input=1h30m", "g0.range_input=999999999y", "g0.end_input=1e99", "g0.end_input=2026-05-04 08:00", "g0.range_input=0s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		g := parseGraphParams(q)
		if g.Range < time.Second || g.Range > maxRange || len(g.Expr) > maxExpression {
			t.Errorf("%q: out of bounds: %+v", raw, g)
		}
		if back, ok := parseRange(rangeText(g.Range)); !ok || back != g.Range.Truncate(time.Second) {
			t.Errorf("range %s is printed as %s", g.Range, rangeText(g.Range))
		}
	})
}

func FuzzDrawGraph(f *testing.F) {
	f.Add(1.0, 2.0)
	f.Add(-1e308, 1e308)
	f.Add(5e-324, 0.0)
	f.Fuzz(func(t *testing.T, a, b float64) {
		s := []series{{Values: []point{{0, a}, {30, b}}}}
		svg := string(drawGraph(s, time.Unix(0, 0), time.Unix(60, 0), 30*time.Second))
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") || len(svg) > 1<<16 {
			t.Errorf("%g, %g: bad drawing: %.300s", a, b, svg)
		}
	})
}

func FuzzRunbook(f *testing.F) {
	f.Add("# a\n<script>x</script> [x](javascript:y) ![i](data:text/html,z)")
	f.Fuzz(func(t *testing.T, text string) {
		html, err := renderMarkdown([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if low := strings.ToLower(string(html)); strings.Contains(low, "<script") || strings.Contains(low, `href="javascript:`) {
			t.Errorf("%q gives %q", text, html)
		}
	})
}

func TestContainerName(t *testing.T) {
	for want, labels := range map[string]map[string]string{
		"shop-web":       {"name": "shop-web"},
		"":               {"id": "/system.slice"},
		"prod/api-0/api": {"name": strings.Repeat("a", 64), "namespace": "prod", "pod": "api-0", "container": "api"},
		"prod/api-0":     {"name": strings.Repeat("b", 64), "namespace": "prod", "pod": "api-0"},
	} {
		if got := containerName(labels); got != want {
			t.Errorf("%v: %q, want %q", labels, got, want)
		}
	}
	// The group of a whole pod would count its containers twice.
	if got := containerName(map[string]string{"namespace": "prod", "pod": "api-0"}); got != "" {
		t.Errorf("the group of a pod is called %q", got)
	}
}

// TestAlertsBeyondRules holds that what is told as firing is seen, whoever has it: alerts that are kept without data, and those that
// somebody has sent, but not what the rules have already, nor the alerts of another server's Alertmanager.
func TestAlertsBeyondRules(t *testing.T) {
	api := newAnswers()
	rule := func(name, alerts string) string {
		return `{"name":"` + name + `","type":"alerting","query":"up","alerts":[` + alerts + `]}`
	}
	api.bodies["/api/v1/rules"] = `{"status":"success","data":{"groups":[{"name":"g","file":"f","interval":5,"rules":[` + strings.Join([]string{
		rule("Lost", ""), rule("Quiet", ""),
		rule("Own", `{"labels":{"alertname":"Own","severity":"warning"},"annotations":{},"state":"firing","activeAt":"2026-05-04T10:26:00Z","value":"1"}`),
		rule("Watchdog", `{"labels":{"alertname":"Watchdog","severity":"none"},"annotations":{},"state":"firing","activeAt":"2026-05-04T10:26:00Z","value":"1"}`),
	}, ",") + `]}]}}`
	told := func(labels, annotations, link string) string {
		return `{"labels":{` + labels + `},"annotations":{` + annotations + `},"startsAt":"2026-05-04T10:20:00Z","receivers":[],"status":{"state":"active","silencedBy":[],"inhibitedBy":[]},"generatorURL":"` + link + `"}`
	}
	const own = "http://127.0.0.1:7070/graph?g0.expr=up"
	api.bodies["/api/v2/alerts"] = "[" + strings.Join([]string{
		told(`"alertname":"Lost","severity":"critical"`, `"no_data":"x:1 of job x cannot be scraped"`, own),
		told(`"alertname":"Own","severity":"warning","region":"eu"`, ``, own),
		told(`"alertname":"JustResolved"`, ``, own),
		told(`"alertname":"Watchdog","severity":"none"`, ``, own),
		told(`"alertname":"TestAlert","severity":"critical"`, ``, "http://elsewhere/graph?g0.expr=up"),
	}, ",") + "]"
	for _, tt := range []struct {
		path, mode string
		want       []string
		not        []string
	}{
		{"/ui/", selfmon.AlertsEmbedded, []string{"3 alerts firing, 2 of them critical: ", "kept without data", "x:1 of job x cannot be scraped", "sent by API", `href="http://elsewhere/graph?g0.expr=up"`}, []string{"JustResolved"}},
		{"/ui/", selfmon.AlertsExternal, []string{"1 alert firing, none critical: Own."}, []string{"TestAlert"}},
		{"/ui/alerts", selfmon.AlertsEmbedded, []string{"3 firing, 0 pending, 4 rules.", "kept without data", `Inactive<span class="count">1</span>`, "Sent to /api/v2/alerts by somebody else."}, []string{"JustResolved"}},
	} {
		p := newPage(t, api, func(o *Options) {
			o.Report = func() selfmon.Report { r := testReport(); r.Alerts.Mode = tt.mode; return r }
		})
		body := get(t, p.Handler(), tt.path).Body.String()
		for _, want := range tt.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s (%s): %q is missing in\n%s", tt.path, tt.mode, want, body)
			}
		}
		for _, not := range tt.not {
			if strings.Contains(body, not) {
				t.Errorf("%s (%s) has %q", tt.path, tt.mode, not)
			}
		}
	}
}
