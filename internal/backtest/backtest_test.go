package backtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb"
)

var day = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// faults writes a series at 10 s that is 1 in the given stretches of seconds
// after the day's beginning, and 0 otherwise.
func faults(s *testStore, name, instance string, until int, at ...[2]int) {
	for sec := 0; sec < until; sec += 10 {
		v := 0.0
		for _, f := range at {
			if sec >= f[0] && sec < f[1] {
				v = 1
			}
		}
		_ = s.add(labels.FromStrings(labels.MetricName, name, "instance", instance), day.Add(time.Duration(sec)*time.Second).UnixMilli(), v, nil)
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const oldRules = `groups:
- name: app
  interval: 1m
  rules:
  - alert: Down
    expr: broken == 1
    for: 1m
    labels: {severity: page}
  - alert: Gone
    expr: broken{instance="b"} == 1
  - alert: Typo
    expr: brokn == 1
  - alert: Same
    expr: broken == 1
    for: 5m
`

const newRules = `groups:
- name: app
  interval: 1m
  rules:
  - alert: Down
    expr: broken == 1
    labels: {severity: ticket}
  - alert: Typo
    expr: brokn == 1
  - alert: Same
    expr: broken == 1
    for: 5m
  - record: job:broken:sum
    expr: sum(broken)
  - alert: Many
    expr: job:broken:sum > 1
`

// example has two instances: a breaks for ten minutes, twice so shortly
// that one evaluation sees it, with five minutes between; b breaks once at the same time as a.
func example(t *testing.T) Options {
	t.Helper()
	store := newTestStore()
	faults(store, "broken", "a", 4*3600, [2]int{3605, 4205}, [2]int{7205, 7265}, [2]int{7505, 7565})
	faults(store, "broken", "b", 4*3600, [2]int{3605, 4205})
	// What the server of that time recorded is not what these rules record.
	faults(store, "job:broken:sum", "", 4*3600, [2]int{0, 3600})
	dir := t.TempDir()
	return Options{
		Before: []string{write(t, filepath.Join(dir, "old.yml"), oldRules)}, After: []string{write(t, filepath.Join(dir, "new.yml"), newRules)},
		Source: NewSource("a test", store), From: day.Add(30 * time.Minute), To: day.Add(4 * time.Hour), Workers: 2,
	}
}

func run(t *testing.T, o Options) *Report {
	t.Helper()
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *Report) find(t *testing.T, name string) *RuleReport {
	t.Helper()
	for i := range r.Rules {
		if r.Rules[i].Name == name {
			return &r.Rules[i]
		}
	}
	t.Fatalf("no rule %s in the report", name)
	return nil
}

func TestReport(t *testing.T) {
	r := run(t, example(t))
	down := r.find(t, "Down")
	if down.Status != "changed" || down.Before.Alerts != 2 {
		t.Errorf("Down: %+v before %+v", down, down.Before)
	}
	if down.After.Alerts != 4 {
		t.Errorf("Down fires %d times after the change, want 4", down.After.Alerts)
	}
	// The fault begins at 3605 s, is sampled at 3610 s, and an evaluation follows within a minute.
	if d := down.After.Delay; d == nil || d.Max > 60 || d.Max <= 0 {
		t.Errorf("Down: detection delay after the change is %+v, want within an interval", d)
	}
	if b, a := down.Before.Delay, down.After.Delay; b == nil || math.Abs(b.P50-a.P50-60) > 30 {
		t.Errorf("Down: delay %+v before and %+v after; \"for: 1m\" is a minute", b, a)
	}
	if down.After.Flaps != 1 {
		t.Errorf("Down flaps %d times after the change, want 1", down.After.Flaps)
	}
	if down.Changed != down.Before.Alerts || down.New != 4-down.Before.Alerts || down.Removed != 0 {
		t.Errorf("Down: %d new, %d lost, %d changed; the severity is the rule's own label and makes no new alert", down.New, down.Removed, down.Changed)
	}
	if x := down.ChangedSome[0]; x.Labels["severity"] != "ticket" || x.BeforeLabels["severity"] != "page" || x.BeforeFired == nil || !x.BeforeFired.After(x.Fired) {
		t.Errorf("changed example: %+v", x)
	}
	if gone := r.find(t, "Gone"); gone.Status != "removed" || gone.Removed != 1 || gone.After != nil {
		t.Errorf("Gone: %+v", gone)
	}
	typo := r.find(t, "Typo")
	if typo.Status != "unchanged" || len(typo.After.NoData) != 1 || typo.After.NoData[0] != "brokn" {
		t.Errorf("Typo: %+v %+v", typo, typo.After)
	}
	many := r.find(t, "Many")
	if many.Status != "added" || many.New != 1 || many.After.NoData != nil {
		t.Errorf("Many: %+v", many)
	}
	if len(many.NewSome) == 1 {
		if x := many.NewSome[0]; x.Value != 2 || x.Resolved == nil || x.Resolved.Sub(x.Fired) != 10*time.Minute {
			t.Errorf("example of Many: %+v", x)
		}
	}
	if same := r.find(t, "Same"); same.Status != "unchanged" || same.After.Alerts != 2 || same.New+same.Removed+same.Changed != 0 {
		t.Errorf("Same: %+v %+v", same, same.After)
	}
	if r.Unchanged != 2 {
		t.Errorf("%d rules shared, want 2", r.Unchanged)
	}
	if share := r.find(t, "Many").After.FiringShare; math.Abs(share-10.0/210) > 1e-9 {
		t.Errorf("Many fires %v of the period, want 10 of 210 minutes", share)
	}
}

// TestAffected has an alert that did not change over a recorded series that did.
func TestAffected(t *testing.T) {
	o := example(t)
	dir := t.TempDir()
	text := "groups:\n- name: g\n  rules:\n  - record: r\n    expr: sum(broken) > %s\n  - alert: A\n    expr: r\n  - alert: Single\n    expr: broken @ end() > 5\n"
	o.Before = []string{write(t, filepath.Join(dir, "a.yml"), strings.Replace(text, "%s", "0", 1))}
	o.After = []string{write(t, filepath.Join(dir, "b.yml"), strings.Replace(text, "%s", "1", 1))}
	r := run(t, o)
	if a := r.find(t, "A"); a.Status != "affected" || a.Removed == 0 {
		t.Errorf("A: %+v", a)
	}
	if s := r.find(t, "Single"); s.Status != "unchanged" || s.SingleReason == "" {
		t.Errorf("Single: %+v", s)
	}
}

func TestWriters(t *testing.T) {
	r := run(t, example(t))
	for name, f := range map[string]func(*bytes.Buffer) error{
		"text":     func(b *bytes.Buffer) error { return r.WriteText(b) },
		"markdown": func(b *bytes.Buffer) error { return r.WriteMarkdown(b) },
		"json": func(b *bytes.Buffer) error {
			return json.NewEncoder(b).Encode(r)
		},
	} {
		var b bytes.Buffer
		if err := f(&b); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Down", "brokn", "a test", "ticket"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s does not mention %s:\n%s", name, want, &b)
			}
		}
		if name == "text" && !strings.Contains(b.String(), "no data for brokn in the period: nothing can be said") {
			t.Errorf("text does not say that brokn has no data:\n%s", &b)
		}
	}
	if b, err := json.Marshal([]Number{Number(math.NaN()), Number(math.Inf(1)), 1.5}); err != nil || string(b) != `["NaN","+Inf",1.5]` {
		t.Errorf("numbers in JSON: %s %v", b, err)
	}
}

func TestConditions(t *testing.T) {
	r := run(t, example(t))
	for text, want := range map[string]string{
		"":                  "",
		"more-pages=200%":   "",
		"more-pages=1%":     "more-pages: ",
		"more-pages=100000": "",
		"more-pages":        "more-pages: ",
		"flapping":          "flapping: Down",
		"lost":              "lost: Gone",
		"slower=30s":        "",
		"failing,no-data":   "",
	} {
		c, err := ParseConditions(text, true)
		if err != nil {
			t.Fatal(err)
		}
		got := r.Check(c)
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], want)) {
			t.Errorf("--fail-on=%s: %q, want %q", text, got, want)
		}
	}
	// The other way around, detection becomes slower.
	o := example(t)
	o.Before, o.After = o.After, o.Before
	c, err := ParseConditions("slower=30s", true)
	if err != nil {
		t.Fatal(err)
	}
	if got := run(t, o).Check(c); len(got) != 1 || !strings.HasPrefix(got[0], "slower: Down") {
		t.Errorf("slower: %q", got)
	}
	for text, compared := range map[string]bool{"lost": false, "more-pages=x%": true, "slower=fast": true, "flapping=3": true, "sooner": true} {
		if _, err := ParseConditions(text, compared); err == nil {
			t.Errorf("--fail-on=%s was taken (compared: %t)", text, compared)
		}
	}
}

func TestPages(t *testing.T) {
	o := example(t)
	o.Alertmanager = write(t, filepath.Join(t.TempDir(), "alertmanager.yml"), `
route:
  receiver: nobody
  routes:
  - matchers: [alertname="Down"]
    receiver: team
    group_by: [alertname]
    group_wait: 30s
    group_interval: 5m
    repeat_interval: 4h
receivers:
- name: nobody
- name: team
  webhook_configs: [{url: "http://127.0.0.1:1/"}]
`)
	r := run(t, o)
	// The two instances of one fault are one page. The second of the short ones
	// is back before the group's next flush has told that the first is over.
	down := r.find(t, "Down")
	if got := math.Round(down.After.PagesPerWeek / (7 * 24 / 3.5)); got != 2 {
		t.Errorf("Down pages %v times in the period, want 2", got)
	}
	if many := r.find(t, "Many"); many.After.PagesPerWeek != 0 {
		t.Errorf("Many pages %v a week, but its receiver tells nobody", many.After.PagesPerWeek)
	}
	o.Alertmanager = filepath.Join(t.TempDir(), "none.yml")
	if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "none.yml") {
		t.Errorf("missing alertmanager.yml: %v", err)
	}
}

func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	o := example(t)
	o.After = []string{write(t, filepath.Join(dir, "bad.yml"), "groups:\n- name: x\n  rules:\n  - alert: A\n    expr: sum(\n")}
	if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "bad.yml") || !strings.Contains(err.Error(), "5:") {
		t.Errorf("bad expression: %v", err)
	}
	o = example(t)
	o.From = o.To
	if _, err := Run(context.Background(), o); err == nil {
		t.Error("an empty period was taken")
	}
	if _, err := OpenTSDB(dir, time.Now()); err == nil || !strings.Contains(err.Error(), "storage.path") {
		t.Errorf("directory without data: %v", err)
	}
}

// TestSources reads the same samples from a store in memory, from a data
// directory whose database is open, and through remote read.
func TestSources(t *testing.T) {
	o := example(t)
	want := run(t, o)
	dir := filepath.Join(t.TempDir(), "metrics")
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	store := newTestStore()
	faults(store, "broken", "a", 4*3600, [2]int{3605, 4205}, [2]int{7205, 7265}, [2]int{7505, 7565})
	faults(store, "broken", "b", 4*3600, [2]int{3605, 4205})
	for sec := 0; sec < 4*3600; sec += 10 {
		app := db.Appender(context.Background())
		for _, p := range store.series {
			x := p.data[sec/10]
			if _, err := app.Append(0, p.ls, x.t, x.v); err != nil {
				t.Fatal(err)
			}
		}
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	read := remote.NewReadHandler(slog.New(slog.DiscardHandler), nil, db, func() config.Config {
		return config.Config{GlobalConfig: config.GlobalConfig{ExternalLabels: labels.FromStrings("region", "eu")}}
	}, 1e6, 4, 1<<20)
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/prefix/api/v1/read" || r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "not you", http.StatusForbidden)
			return
		}
		asked++
		read.ServeHTTP(w, r)
	}))
	defer srv.Close()
	at, err := url.Parse(srv.URL + "/prefix")
	if err != nil {
		t.Fatal(err)
	}
	far, err := OpenRemote(at, "secret", labels.FromStrings("region", "eu"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	near, err := OpenTSDB(filepath.Dir(dir), o.To)
	if err != nil {
		t.Fatal(err)
	}
	figures := func(r *Report) string {
		b, err := json.Marshal(struct {
			T Pair
			R []RuleReport
		}{r.Total, r.Rules})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, src := range []*Source{far, near} {
		o := example(t)
		o.Source = src
		if got := run(t, o); figures(got) != figures(want) {
			t.Errorf("%s:\n%s\nin memory:\n%s", src, figures(got), figures(want))
		}
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}
	if asked == 0 {
		t.Error("nothing came by remote read")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), "tmp_dbro*")); len(left) > 0 {
		t.Errorf("the read-only database left %v behind", left)
	}
	srv.Close()
	gone := example(t)
	gone.Source, err = OpenRemote(at, "wrong", labels.EmptyLabels(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), gone); err == nil {
		t.Error("a server that is gone gave a report")
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestWarmUp(t *testing.T) {
	o := example(t)
	// The period begins in the middle of the fault.
	o.From = day.Add(3905 * time.Second)
	r := run(t, o)
	if many := r.find(t, "Many"); many.After.FiringAtStart != 1 || many.After.Alerts != 0 {
		t.Errorf("Many: %+v, want one alert that fires already", many.After)
	}
	if r.WarmUp <= (6 * time.Minute).Seconds() {
		t.Errorf("evaluation began %v s before the period; \"for: 5m\" needs more", r.WarmUp)
	}
}

func TestSplit(t *testing.T) {
	o := &Options{After: []string{"x"}, From: day, To: day.Add(time.Hour)}
	if err := o.defaults(); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"a > 5":           "a",
		"(a > -(2 * 3))":  "a",
		"rate(a[1m]) < 1": "rate(a[1m])",
		"a > bool 5":      "a > bool 5",
		"a > b":           "a > b",
		"5 < a":           "5 < a",
		"a > time()":      "a > time()",
		"a > 5 and b":     "a > 5 and b",
	} {
		e, err := o.parser.ParseExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := split(e); got != want {
			t.Errorf("split(%s) = %s, want %s", text, got, want)
		}
	}
	for i, op := range []string{"==", "!=", ">", "<", ">=", "<="} {
		e, err := o.parser.ParseExpr(fmt.Sprintf("a %s 1", op))
		if err != nil {
			t.Fatal(err)
		}
		_, th := split(e)
		got := fmt.Sprint(th.holds(0), th.holds(1), th.holds(2), th.holds(math.NaN()))
		want := []string{"false true false false", "true false true true", "false false true false", "true false false false", "false true true false", "true true false false"}[i]
		if got != want {
			t.Errorf("0, 1, 2, NaN %s 1: %s, want %s", op, got, want)
		}
	}
}

// TestOpenBesideWriter opens a directory again and again while its server writes.
func TestOpenBesideWriter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for i := int64(0); ; i++ {
			select {
			case <-stop:
				done <- nil
				return
			case <-tick.C:
			}
			app := db.Appender(context.Background())
			for k := range 50 {
				if _, err := app.Append(0, labels.FromStrings(labels.MetricName, "m", "k", fmt.Sprint(k)), day.UnixMilli()+i, float64(i)); err != nil {
					done <- err
					return
				}
			}
			if err := app.Commit(); err != nil {
				done <- err
				return
			}
		}
	}()
	for range 15 {
		src, err := OpenTSDB(dir, day.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
