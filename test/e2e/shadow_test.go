//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// shop is what the pair scrapes, with faults that the test switches.
type shop struct {
	mu       sync.Mutex
	failures int
	errors   int
	perPoll  int // errors that each scrape adds
	broken   bool
}

func (s *shop) set(f func(*shop)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *shop) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		http.Error(w, "broken", http.StatusInternalServerError)
		return
	}
	s.errors += s.perPoll
	fmt.Fprintf(w, "shop_failures %d\nshop_errors_total %d\n", s.failures, s.errors)
}

const shopRules = `groups:
- name: gauges
  interval: 10s
  rules:
  - {alert: FailuresHigh, expr: "shop_failures > 5", labels: {severity: page}, annotations: {summary: "{{ $value }} failures at {{ $labels.instance }}"}}
  - {alert: Always, expr: "vector(1)"}
  - {alert: Never, expr: "shop_failures > 1e9"}
- name: rates
  interval: 10s
  rules:
  - {record: "job:shop_errors:rate", expr: "sum by (job) (rate(shop_errors_total[20s]))"}
  - {alert: ErrorsRising, expr: "job:shop_errors:rate > 2", keep_firing_for: 5s}
- name: targets
  interval: 10s
  rules:
  - {alert: ShopDown, expr: 'up{job="shop"} == 0', for: 5s}
`

// other starts a program that is not ours and waits for its readiness.
func other(t *testing.T, url, path string, args ...string) *process {
	t.Helper()
	p := &process{t: t, url: url, out: &output{}, done: make(chan struct{})}
	p.cmd = exec.Command(path, args...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v; Debian's packages are prometheus and prometheus-alertmanager, today's are built by make oracle", path, err)
	}
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(p.kill)
	if url != "" {
		p.until(60*time.Second, "readiness of "+path, func() bool { code, _ := p.get("/-/ready"); return code == http.StatusOK })
	}
	return p
}

func oracleDir(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("ORACLE"); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(cache, "touchline-oracle")
}

// shadowReport is what the tests read of the report.
type shadowReport struct {
	Same, Missed, Extra, Undecided int
	AlreadyActive                  int `json:"already_active"`
	Sooner                         *struct{ Min, P50, Max float64 }
	Pairs                          []struct {
		Labels  map[string]string
		Sooner  float64
		Decided string
		Exact   bool
	}
	Missed2 json.RawMessage `json:"missed_alerts"`
	Extra2  json.RawMessage `json:"extra_alerts"`
	Errors  map[string]int
}

// TestShadow runs beside an existing pair, old and new, while the shop has faults.
func TestShadow(t *testing.T) {
	oracle := oracleDir(t)
	for _, pair := range []struct{ name, prometheus, alertmanager string }{
		{"Debian", "prometheus", "prometheus-alertmanager"},
		{"today", filepath.Join(oracle, "prometheus"), filepath.Join(oracle, "alertmanager")},
	} {
		t.Run(pair.name, func(t *testing.T) { shadowPair(t, pair.prometheus, pair.alertmanager) })
	}
}

func shadowPair(t *testing.T, prometheus, alertmanager string) {
	dir := t.TempDir()
	s := &shop{}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	rules := write(t, dir, "rules.yml", shopRules)

	// Our server gets the same samples by remote write, for the second mode.
	ours := launch(t, filepath.Join(dir, "ours"), "--stack.enabled=false", "--prometheus.config="+write(t, dir, "ours.yml",
		"global: {evaluation_interval: 10s}\nrule_files: ["+rules+"]\n"))
	amURL := "http://" + freePort(t)
	promURL := "http://" + freePort(t)
	am := other(t, amURL, alertmanager, "--config.file="+write(t, dir, "alertmanager.yml", "route: {receiver: none}\nreceivers: [{name: none}]\n"),
		"--storage.path="+filepath.Join(dir, "am"), "--web.listen-address="+strings.TrimPrefix(amURL, "http://"), "--cluster.listen-address=")
	prom := other(t, promURL, prometheus, "--config.file="+write(t, dir, "prometheus.yml", fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 10s, external_labels: {region: eu}}
rule_files: [%s]
scrape_configs: [{job_name: shop, static_configs: [{targets: [%s]}]}]
alerting: {alertmanagers: [{static_configs: [{targets: [%s]}]}]}
remote_write: [{url: %s/api/v1/write, queue_config: {batch_send_deadline: 100ms}, write_relabel_configs: [{action: labeldrop, regex: region}]}]
`, rules, strings.TrimPrefix(srv.URL, "http://"), strings.TrimPrefix(amURL, "http://"), ours.url)),
		"--storage.tsdb.path="+filepath.Join(dir, "prom"), "--web.listen-address="+strings.TrimPrefix(promURL, "http://"))

	has := func(p *process, path, want string) bool {
		code, body := p.get(path)
		return code == http.StatusOK && strings.Contains(body, want)
	}
	// A Prometheus that evaluates before it has discovered its Alertmanager drops
	// the alert, and sends it again a minute later.
	prom.until(150*time.Second, "the alert that is always there", func() bool { return has(am, "/api/v2/alerts", `"Always"`) })
	ours.until(60*time.Second, "the same alert at ours", func() bool { return has(ours, "/api/v1/alerts", `"Always"`) })

	start := func(args ...string) (*process, *bytes.Buffer) {
		p := &process{t: t, out: &output{}, done: make(chan struct{})}
		var report bytes.Buffer
		p.cmd = exec.Command(binary(t), append([]string{"shadow", "--prometheus=" + promURL, "--alertmanager=" + amURL, "--for=10m", "--output=json", "--fail-on-missed"}, args...)...)
		p.cmd.Stdout, p.cmd.Stderr = &report, p.out
		if err := p.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() {
			defer close(p.done)
			p.err = p.cmd.Wait()
		}()
		t.Cleanup(p.kill)
		p.until(30*time.Second, "beginning", func() bool { return strings.Contains(p.out.String(), "comparing") })
		return p, &report
	}
	inside, insideReport := start()
	beside, besideReport := start("--remote-write", "--url="+ours.url, "--token-file="+filepath.Join(dir, "ours", "admin.token"))

	fault := func(alert string, on, off func(*shop)) {
		s.set(on)
		prom.until(60*time.Second, alert, func() bool { return has(am, "/api/v2/alerts", `"`+alert+`"`) })
		s.set(off)
		prom.until(90*time.Second, "end of "+alert, func() bool { return !has(prom, "/api/v1/alerts", `"`+alert+`"`) })
	}
	fault("FailuresHigh", func(s *shop) { s.failures = 9 }, func(s *shop) { s.failures = 0 })
	fault("ErrorsRising", func(s *shop) { s.perPoll = 10 }, func(s *shop) { s.perPoll = 0 })
	fault("ShopDown", func(s *shop) { s.broken = true }, func(s *shop) { s.broken = false })
	// What begins in the last seconds is not decided; let them pass.
	ended := time.Now()
	prom.until(30*time.Second, "the last seconds", func() bool { return time.Since(ended) > 12*time.Second })

	for mode, p := range map[string]*process{"inside": inside, "remote write": beside} {
		if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		select {
		case <-p.done:
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: did not end\n%s", mode, p.out)
		}
		raw := insideReport
		if p == beside {
			raw = besideReport
		}
		if p.err != nil {
			t.Errorf("%s: %v\n%s\n%s", mode, p.err, p.out, raw)
			continue
		}
		var r shadowReport
		if err := json.Unmarshal(raw.Bytes(), &r); err != nil {
			t.Fatalf("%s: %v in %s", mode, err, raw)
		}
		if r.Same != 3 || r.Missed != 0 || r.Extra != 0 || r.AlreadyActive == 0 || len(r.Errors) > 0 {
			t.Errorf("%s: %s", mode, raw)
			continue
		}
		for _, pair := range r.Pairs {
			t.Logf("%s: %s %+.2f s sooner, decided by %s", mode, pair.Labels["alertname"], pair.Sooner, pair.Decided)
			if !pair.Exact || pair.Labels["region"] != "" {
				t.Errorf("%s: %+v: the beginning is not Alertmanager's, or an external label is left", mode, pair)
			}
			// A sample is polled within a second, and the pair may evaluate in just
			// that second. What ours leaves to its tick, which is at another time than
			// the pair's, can be an interval later.
			late := -3.0
			if pair.Decided == "tick" || pair.Decided == "" {
				late = -11
			}
			if pair.Sooner < late {
				t.Errorf("%s: %+v is later than the pair", mode, pair)
			}
		}
		if r.Sooner == nil || r.Sooner.Max <= 0 {
			t.Errorf("%s: no alert came sooner: %+v", mode, r.Sooner)
		}
	}
}
