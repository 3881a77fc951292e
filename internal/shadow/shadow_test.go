package shadow

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.uber.org/goleak"

	"touchline.dev/touchline/internal/backtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

func at(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }

func alert(name string, more ...string) labels.Labels {
	return labels.FromStrings(append([]string{labels.AlertName, name}, more...)...)
}

func testRun(end float64) *run {
	u := &url.URL{Scheme: "http", Host: "pair:9090"}
	now := func() time.Time { return at(end) }
	return &run{o: Options{Prometheus: u, Alertmanager: u, Watch: time.Second, Now: now, Logger: slog.New(slog.DiscardHandler)}, theirs: newRecorder(now), mine: newRecorder(now),
		began: start, before: map[string]bool{}, errors: map[string]int{}, config: backtest.ServerConfig{EvaluationInterval: 15 * time.Second}}
}

func TestReport(t *testing.T) {
	r := testRun(600)
	// Both have it; the poll saw it at 20 s, Alertmanager says 16 s.
	r.mine.fires(alert("Same", "i", "a"), at(10), at(10), "local")
	r.theirs.saw([]active{{labels: alert("Same", "i", "a"), firing: true, activeAt: at(16)}}, at(20))
	r.theirs.heldBy([]held{{labels: alert("Same", "i", "a"), startsAt: at(16)}})
	// It began before.
	old := alert("Old")
	r.before[old.String()] = true
	r.theirs.saw([]active{{labels: old, firing: true, activeAt: at(-50)}}, at(21))
	r.mine.fires(old, at(1), at(1), "tick")
	// Only theirs.
	r.theirs.saw([]active{{labels: old, firing: true, activeAt: at(-50)}, {labels: alert("Theirs"), firing: true, activeAt: at(100)}}, at(101))
	// Only ours: once it was pending there, once it was over at once.
	r.mine.fires(alert("Short"), at(200), at(200), "local")
	r.mine.ends(alert("Short"), at(206))
	r.theirs.saw([]active{{labels: alert("Pending"), activeAt: at(300)}}, at(300))
	r.mine.fires(alert("Pending"), at(300), at(301), "local")
	// At the very end nobody can tell.
	r.mine.fires(alert("Late"), at(595), at(595), "local")
	r.theirs.saw([]active{{labels: alert("LateToo"), firing: true, activeAt: at(596)}}, at(597))

	out := r.report()
	if out.Same != 1 || out.Missed != 1 || out.Extra != 2 || out.AlreadyActive != 1 || out.Undecided != 2 {
		t.Fatalf("%+v", out)
	}
	if p := out.Pairs[0]; p.Sooner != 6 || !p.Exact || p.Decided != "local" {
		t.Errorf("pair: %+v", p)
	}
	notes := map[string]string{}
	for _, a := range out.ExtraList {
		notes[a.Labels["alertname"]] = a.Note
	}
	if notes["Short"] != "over before the pair's next evaluation" || notes["Pending"] != "the pair had it pending" {
		t.Errorf("notes: %v", notes)
	}
	var text, page bytes.Buffer
	if err := out.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := out.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Same", "Theirs", "Short", "Pending", "pair:9090", "local"} {
		for name, b := range map[string][]byte{"text": text.Bytes(), "HTML": page.Bytes(), "JSON": raw} {
			if !bytes.Contains(b, []byte(want)) {
				t.Errorf("%s does not mention %s:\n%s", name, want, b)
			}
		}
	}
}

func TestReportEscapes(t *testing.T) {
	r := testRun(600)
	r.theirs.saw([]active{{labels: alert("<script>alert(1)</script>"), firing: true, activeAt: at(1)}}, at(2))
	var page bytes.Buffer
	if err := r.report().WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), "<script>") {
		t.Error("the page runs what stands in a label")
	}
}

func TestTwoEpisodesBetweenPolls(t *testing.T) {
	r := newRecorder(time.Now)
	r.saw([]active{{labels: alert("A"), firing: true, activeAt: at(0)}}, at(1))
	r.saw([]active{{labels: alert("A"), firing: true, activeAt: at(5)}}, at(6))
	r.saw(nil, at(9))
	if len(r.list) != 2 || !r.list[0].ended.Equal(at(5)) || !r.list[1].ended.Equal(at(9)) {
		t.Errorf("%+v", r.list)
	}
}

func TestSelectors(t *testing.T) {
	p := parser.NewParser(parser.Options{})
	groups := []apiGroup{{Name: "g", Rules: []apiRule{
		{Type: "recording", Name: "job:a:rate", Query: "sum by (job) (rate(a[10m]))"},
		{Type: "alerting", Name: "A", Query: `job:a:rate > 1 and ALERTS{alertname="B"} unless a{job="x"}`},
		{Type: "alerting", Name: "B", Query: `a > 1`},
	}}}
	need, err := needsOf(groups, p)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range need.selectors {
		got = append(got, selectorText(m))
	}
	if fmt.Sprint(got) != `[{__name__="a"} {__name__="a",job="x"}]` {
		t.Errorf("selectors: %v", got)
	}
	if need.reach < 14*time.Minute || need.reach > 16*time.Minute {
		t.Errorf("reach is %s, want the range of the rate and the lookback", need.reach)
	}
	if need, err = needsOf([]apiGroup{{Rules: []apiRule{{Name: "Week", Query: "avg_over_time(a[7d]) > 1"}}}}, p); err != nil || len(need.long) != 1 {
		t.Errorf("a range of a week: %+v %v", need, err)
	}
	// Many selectors go in several requests.
	var many [][]*labels.Matcher
	for i := range 500 {
		many = append(many, []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, fmt.Sprintf("a_metric_with_a_long_name_%d", i))})
	}
	f := newFeed(nil, many, labels.EmptyLabels(), nil, time.Now)
	n := 0
	for _, p := range f.paths {
		if len(p) > maxQuery+100 {
			t.Errorf("a request of %d bytes", len(p))
		}
		n += strings.Count(p, "match%5B%5D=")
	}
	if n != 500 || len(f.paths) < 2 {
		t.Errorf("%d selectors in %d requests", n, len(f.paths))
	}
	if _, err := needsOf([]apiGroup{{Name: "g", Rules: []apiRule{{Name: "Bad", Query: "sum("}}}}, p); err == nil || !strings.Contains(err.Error(), "Bad") {
		t.Errorf("an expression that we cannot parse: %v", err)
	}
}

func TestParseText(t *testing.T) {
	got, err := parseText(nil, []byte("# TYPE up untyped\nup{instance=\"x\",job=\"j\",region=\"eu\"} 1 1000\nup{instance=\"\",job=\"k\",region=\"us\"} 0 2000\n"), "text/plain; version=0.0.4", labels.FromStrings("region", "eu"))
	if err != nil || len(got) != 2 {
		t.Fatalf("%v %v", got, err)
	}
	if s := got[0].ls.String(); s != `{__name__="up", instance="x", job="j"}` || got[0].t != 1000 || got[0].v != 1 {
		t.Errorf("%s %+v", s, got[0])
	}
	if s := got[1].ls.String(); s != `{__name__="up", job="k", region="us"}` {
		t.Errorf("a label of the series itself was taken off, or an empty one was kept: %s", s)
	}
}

// pair is a Prometheus and an Alertmanager of the test.
type pair struct {
	mu     sync.Mutex
	value  float64
	firing bool
	gone   bool
	polled int
	asked  map[string]int
}

func (p *pair) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[r.URL.Path]++
	switch r.URL.Path {
	case "/api/v1/status/config":
		fmt.Fprint(w, `{"data":{"yaml":"global: {scrape_interval: 1s, evaluation_interval: 1s, external_labels: {region: eu}}"}}`)
	case "/api/v1/rules":
		fmt.Fprint(w, `{"data":{"groups":[{"name":"g","file":"/x/rules.yml","interval":1,"rules":[{"type":"alerting","name":"High","query":"m > 5","duration":0,"labels":{"severity":"page"},"annotations":{"s":"{{ $value }}"}}]}]}}`)
	case "/federate":
		p.polled++
		if !p.gone {
			fmt.Fprintf(w, "m{job=\"j\",region=\"eu\"} %v %d\n", p.value, time.Now().UnixMilli())
		}
	case "/api/v1/alerts":
		if p.firing {
			fmt.Fprintf(w, `{"data":{"alerts":[{"labels":{"alertname":"High","job":"j","severity":"page"},"state":"firing","activeAt":%q}]}}`, time.Now().Add(-100*time.Millisecond).Format(time.RFC3339Nano))
			return
		}
		fmt.Fprint(w, `{"data":{"alerts":[]}}`)
	case "/api/v2/alerts":
		fmt.Fprint(w, `[]`)
	default:
		http.NotFound(w, r)
	}
}

// TestInside lets a fault come by federation: ours fires, and theirs some time later.
func TestInside(t *testing.T) {
	p := &pair{asked: map[string]int{}}
	srv := httptest.NewServer(p)
	defer srv.Close()
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	begun := make(chan Start, 1)
	type result struct {
		r   *Report
		err error
	}
	done := make(chan result, 1)
	go func() {
		r, err := Run(ctx, Options{Prometheus: u, Alertmanager: u, Poll: 100 * time.Millisecond, Watch: 50 * time.Millisecond,
			Logger: slog.New(slog.DiscardHandler), Started: func(s Start) { begun <- s }})
		done <- result{r, err}
	}()
	select {
	case s := <-begun:
		if s.Rules != 1 || s.Selectors != 1 {
			t.Errorf("%+v", s)
		}
	case r := <-done:
		t.Fatalf("%+v %v", r.r, r.err)
	}
	wait := func(f func() bool) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			p.mu.Lock()
			ok := f()
			p.mu.Unlock()
			if ok {
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				t.Fatal("nothing happened in time")
			}
		}
	}
	polls := 0
	wait(func() bool { polls = p.polled; p.value = 9; return true })
	wait(func() bool { return p.polled > polls+10 })
	wait(func() bool { p.firing = true; polls = p.polled; return true })
	wait(func() bool { return p.polled > polls+10 })
	wait(func() bool { p.gone = true; p.firing = false; polls = p.polled; return true })
	wait(func() bool { return p.polled > polls+20 })
	cancel()
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	if got.r.Same != 1 || got.r.Missed != 0 || got.r.Extra != 0 || got.r.Pairs[0].Sooner < 0.3 || got.r.Samples == 0 {
		raw, _ := json.Marshal(got.r)
		t.Errorf("%s", raw)
	}
	// This server has no remote read, and the report has to say what that means.
	if !strings.Contains(strings.Join(got.r.Limits, " "), "before the beginning") {
		t.Errorf("limits: %v", got.r.Limits)
	}
}

func TestServersThatCannotBeAsked(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Prometheus: u, Logger: slog.New(slog.DiscardHandler)}
	if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("not a Prometheus: %v", err)
	}
	srv.Close()
	if _, err := Run(context.Background(), o); err == nil {
		t.Error("a server that is gone was compared")
	}
	empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":{}}`) }))
	defer empty.Close()
	if o.Prometheus, err = url.Parse(empty.URL); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "no rules") {
		t.Errorf("a Prometheus without rules: %v", err)
	}
}
