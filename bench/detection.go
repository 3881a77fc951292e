package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"touchline.dev/touchline/bench/faults"
	"touchline.dev/touchline/bench/measure"
	"touchline.dev/touchline/bench/process"
	"touchline.dev/touchline/bench/wire"
)

// The load of the detection benchmark: 100,000 series with a sample every two
// seconds, 2,000 samples in each request.
const (
	fieldRules   = 5000
	fieldSeconds = 2
	fieldBatch   = 2000
	// longWindow gives a p99 of one class more than the two worst of its faults.
	longWindow = 2 * time.Minute
	// longFault is for how many samples a fault lasts where ticks must see it.
	longFault = 20 / fieldSeconds
)

// alertID names an alert by its rule and instance.
type alertID struct{ rule, instance string }

// noticed is what the webhook has been told of one alert.
type noticed struct {
	kind  faults.Kind
	rule  int
	begun time.Time // the request with the fault was about to be sent
	told  time.Time
}

// watcher is the webhook, and knows which faults there are.
type watcher struct {
	server *http.Server
	url    string

	mu       sync.Mutex
	open     map[alertID]*noticed
	all      []*noticed
	spurious int
}

func newWatcher() (*watcher, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for notifications: %w", err)
	}
	w := &watcher{url: "http://" + l.Addr().String(), open: map[alertID]*noticed{}}
	w.server = &http.Server{Handler: w, ReadHeaderTimeout: time.Minute}
	go func() { _ = w.server.Serve(l) }()
	return w, nil
}

// ServeHTTP takes a message of Alertmanager's webhook.
func (w *watcher) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	now := time.Now()
	var m struct {
		Alerts []struct {
			Status string
			Labels map[string]string
		}
	}
	err := json.NewDecoder(r.Body).Decode(&m)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.spurious++
		return
	}
	for _, a := range m.Alerts {
		if a.Status != "firing" {
			continue
		}
		switch n := w.open[alertID{a.Labels["rule"], a.Labels["instance"]}]; {
		case n == nil:
			w.spurious++
		case n.told.IsZero():
			n.told = now
		}
	}
}

// fault notes that the next sample of a series is wrong, unless the alert that
// it raises was raised before in this run: its end may not be told yet, and a
// firing before that is not told anew, neither here nor by Alertmanager.
func (w *watcher) fault(series int) bool {
	var id alertID
	id.rule, id.instance = faults.Alert(series)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open[id] != nil {
		return false
	}
	n := &noticed{kind: faults.KindOf(series / faults.PerRule), rule: series / faults.PerRule}
	w.open[id] = n
	w.all = append(w.all, n)
	return true
}

// sending notes that the samples of some rules are about to be sent.
func (w *watcher) sending(first, end int) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.all) - 1; i >= 0 && (w.all[i].begun.IsZero() || now.Sub(w.all[i].begun) < 2*fieldSeconds*time.Second); i-- {
		if n := w.all[i]; n.begun.IsZero() && n.rule >= first && n.rule < end {
			n.begun = now
		}
	}
}

// outcome is what came of the faults of one run.
type outcome struct {
	delays   map[string][]time.Duration // by class
	every    []time.Duration
	first    []time.Duration // by service: from its first fault to the first that was told of it
	faults   int
	missed   int
	spurious int
	cpu      float64 // of the servers, in cores, while the faults were made
}

func (w *watcher) outcome() outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := outcome{delays: map[string][]time.Duration{}, faults: len(w.all), spurious: w.spurious}
	services := map[string]*noticed{}
	for _, n := range w.all {
		if s := services[faults.Service(n.rule)]; s == nil {
			services[faults.Service(n.rule)] = &noticed{begun: n.begun, told: n.told}
		} else {
			if n.begun.Before(s.begun) {
				s.begun = n.begun
			}
			if !n.told.IsZero() && (s.told.IsZero() || n.told.Before(s.told)) {
				s.told = n.told
			}
		}
		if n.told.IsZero() {
			o.missed++
			continue
		}
		d := n.told.Sub(n.begun)
		o.every = append(o.every, d)
		o.delays[n.kind.Class()] = append(o.delays[n.kind.Class()], d)
	}
	for _, s := range services {
		if !s.told.IsZero() {
			o.first = append(o.first, s.told.Sub(s.begun))
		}
	}
	return o
}

// detecting is one run: a pair of servers, or ours alone, with rules.
type detecting struct {
	rules    int
	interval string // of the rule groups
	lasts    int    // samples that a fault lasts
	perRound int    // faults in each round of samples
	storm    int    // faults at once at the end, instead
	groupBy  string // what alerts are grouped by, "rule, instance" if empty
	args     []string
	peer     bool
	window   time.Duration // that faults are made in, a minute if 0
	disturb  disturbance   // what happens every few seconds of the window
}

// disturbance changes or restarts the server amid the faults.
type disturbance int

const (
	none disturbance = iota
	reload
	restart
)

// disturbEvery is the time between two disturbances.
const disturbEvery = 7 * time.Second

// detect runs one configuration.
func (b *bench) detect(ctx context.Context, d detecting) (o outcome, err error) {
	w, err := newWatcher()
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, w.server.Close()) }()
	dir, err := b.dir("detect")
	if err != nil {
		return o, err
	}
	servers, err := b.detectServers(ctx, dir, w.url, d)
	defer func() {
		for _, s := range servers {
			err = errors.Join(err, s.Stop())
		}
	}()
	if err != nil {
		return o, err
	}
	field := faults.New(b.fieldRules(), fieldSeconds)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()

	warm := 35 * time.Second // a range of a minute has what a rate needs, and every group has had a tick
	if b.quick {
		warm = 17 * time.Second // a tick of every group: until then sums over what begins are left to it
	}
	rounds := func(end time.Time, before func(time.Time) error) error {
		return b.rounds(ctx, field, w, client, &servers, end, before)
	}
	quiet := func(time.Time) error { return nil }
	if err := rounds(time.Now().Add(warm), quiet); err != nil {
		return o, err
	}
	before, err := cpuOf(servers)
	if err != nil {
		return o, err
	}
	began := time.Now()
	disturbed, turn := began, 0
	if err := rounds(began.Add(b.detectWindow(d)), func(now time.Time) error {
		for range d.perRound {
			if n := field.Pick(field.Random(d.rules)); w.fault(n) {
				field.Break(n, d.lasts)
			}
		}
		if d.disturb == none || now.Sub(disturbed) < disturbEvery {
			return nil
		}
		disturbed, turn = now, turn+1
		return b.disturb(ctx, dir, w.url, d, turn, &servers)
	}); err != nil {
		return o, err
	}
	if d.disturb != none && turn == 0 {
		return o, errors.New("nothing was disturbed: the window is too short")
	}
	after, err := cpuOf(servers)
	if err != nil {
		return o, err
	}
	cores := (after - before).Seconds() / time.Since(began).Seconds()
	if d.storm > 0 {
		once := false
		if err := rounds(time.Now().Add(3*fieldSeconds*time.Second), func(time.Time) error {
			if once {
				return nil
			}
			once = true
			for n := range d.storm {
				if s := field.Pick(n); w.fault(s) {
					field.Break(s, d.lasts)
				}
			}
			return nil
		}); err != nil {
			return o, err
		}
	}
	if err := rounds(time.Now().Add(b.detectTail(d)), quiet); err != nil {
		return o, err
	}
	o = w.outcome()
	o.cpu = cores
	return o, nil
}

func (b *bench) fieldRules() int {
	if b.quick {
		return 500
	}
	return fieldRules
}

func (b *bench) detectWindow(d detecting) time.Duration {
	switch {
	case b.quick:
		return 10 * time.Second
	case d.storm > 0:
		return 0
	case d.window > 0:
		return d.window
	}
	return time.Minute
}

// detectTail is how long what is on its way may take: the peers need an interval
// and their own delays.
func (b *bench) detectTail(d detecting) time.Duration {
	if d.peer {
		return 25 * time.Second
	}
	return 6 * time.Second
}

// disturb changes rules and routes and has them loaded, or stops the server and
// starts it again where it was.
func (b *bench) disturb(ctx context.Context, dir, hook string, d detecting, turn int, servers *[]*running) error {
	s := (*servers)[0]
	switch d.disturb {
	case reload:
		// Another rule and another interval: rules and dispatcher are both made anew.
		extra := fmt.Sprintf("- name: extra\n  rules:\n  - {alert: Never, expr: vector(0) > %d}\n", turn)
		if err := b.configure(dir, hook, d, extra, fmt.Sprintf("%dm", 5+turn)); err != nil {
			return err
		}
		return s.Signal(syscall.SIGHUP)
	case restart:
		if err := s.Stop(); err != nil {
			return err
		}
		next, err := launch(ctx, dir, b.servers.touchlineSpec(b.ourArgs(d)...))
		if err != nil {
			*servers = nil
			return err
		}
		*servers = []*running{next}
	}
	return nil
}

// detectsAll is the small run: every fault must be told, and nothing else.
func (b *bench) detectsAll(ctx context.Context) (string, error) {
	t := table{{"", "faults", "told p50", "p99", "max", "missed", "false", "CPU, cores"}}
	for _, c := range []struct {
		name string
		d    detecting
	}{
		{"200 rules", detecting{rules: 200, lasts: 1, perRound: 5}},
		{"200 rules, reloaded", detecting{rules: 200, lasts: 1, perRound: 5, disturb: reload}},
		{"200 rules, restarted", detecting{rules: 200, lasts: longFault, perRound: 5, disturb: restart}},
	} {
		c.d.interval = "15s"
		o, err := b.detect(ctx, c.d)
		if err != nil {
			return "", fmt.Errorf("%s: %w", c.name, err)
		}
		if o.missed > 0 || o.spurious > 0 || o.faults == 0 {
			return "", fmt.Errorf("%s: of %d faults %d were missed, and %d alerts had none", c.name, o.faults, o.missed, o.spurious)
		}
		row := o.row(c.name, o.every, true)
		if c.d.disturb == restart {
			row[len(row)-1] = "" // of two processes
		}
		t = append(t, row)
	}
	return t.String(), nil
}

// rounds sends rounds of samples to the last of the servers, evenly spread over the time, until the end.
func (b *bench) rounds(ctx context.Context, f *faults.Field, w *watcher, client *http.Client, servers *[]*running, end time.Time, before func(now time.Time) error) error {
	batches := (f.Series() + fieldBatch - 1) / fieldBatch
	pause := fieldSeconds * time.Second / time.Duration(batches)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for time.Now().Before(end) {
		if err := before(time.Now()); err != nil {
			return err
		}
		url := (*servers)[len(*servers)-1].url
		for i := range batches {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case now := <-tick.C:
				body := f.Body(i*fieldBatch, min((i+1)*fieldBatch, f.Series()), now.UnixMilli())
				w.sending(i*fieldBatch/faults.PerRule, (i+1)*fieldBatch/faults.PerRule)
				if err := wire.Post(ctx, client, url+"/api/v1/write", body); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func cpuOf(servers []*running) (sum time.Duration, err error) {
	for _, s := range servers {
		c, err := s.CPU()
		if err != nil {
			return 0, err
		}
		sum += c
	}
	return sum, nil
}

// configure writes the files of a run. The peers wait for no group; ours waits
// as long as is usual, but for critical alerts.
func (b *bench) configure(dir, hook string, d detecting, extra, interval string) error {
	wait := "30s"
	if d.peer {
		wait = "0s"
	}
	for name, text := range map[string]string{
		"rules.yml": faults.Rules(d.rules, d.interval) + extra,
		"alertmanager.yml": fmt.Sprintf("route: {receiver: hook, group_by: [%s], group_wait: %s, group_interval: %s}\nreceivers: [{name: hook, webhook_configs: [{url: %q}]}]\n",
			cmp.Or(d.groupBy, "rule, instance"), wait, interval, hook),
		"ours.yml": "rule_files: [rules.yml]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("configure the servers: %w", err)
		}
	}
	return nil
}

func (b *bench) ourArgs(d detecting) []string {
	return append([]string{"--sources.enabled=false", "--stack.enabled=false", "--prometheus.config=ours.yml", "--alertmanager.config=alertmanager.yml"}, d.args...)
}

// detectServers starts ours, or today's Prometheus and Alertmanager; samples go to the last.
func (b *bench) detectServers(ctx context.Context, dir, hook string, d detecting) ([]*running, error) {
	if err := b.configure(dir, hook, d, "", "5m"); err != nil {
		return nil, err
	}
	if !d.peer {
		r, err := launch(ctx, dir, b.servers.touchlineSpec(b.ourArgs(d)...))
		if err != nil {
			return nil, err
		}
		return []*running{r}, nil
	}
	am, err := launch(ctx, dir, func(dir string, port int) (process.Spec, error) {
		return process.Spec{
			Name: "alertmanager", Path: filepath.Join(filepath.Dir(b.servers.today), "alertmanager"), Dir: dir, Ready: fmt.Sprintf("http://127.0.0.1:%d/-/ready", port),
			Args: []string{"--config.file=alertmanager.yml", "--storage.path=alertmanager", "--cluster.listen-address=", fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port)},
		}, nil
	})
	if err != nil {
		return nil, err
	}
	conf := fmt.Sprintf("rule_files: [rules.yml]\nalerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}\n", strings.TrimPrefix(am.url, "http://"))
	p, err := launch(ctx, dir, b.servers.prometheusSpec(b.servers.today, conf))
	if err != nil {
		return []*running{am}, err
	}
	return []*running{am, p}, nil
}

// detection measures how soon faults are told.
func (b *bench) detection(ctx context.Context) (string, error) {
	var out strings.Builder
	rulesOf := []int{50, 500, 5000}
	if b.quick {
		return b.detectsAll(ctx)
	}
	ours := table{{"rules, class", "faults", "told p50", "p99", "max", "missed", "false", "CPU, cores"}}
	for _, n := range rulesOf {
		if !b.wants(fmt.Sprintf("%d, all", n)) {
			continue
		}
		b.say("ours, %d rules, faults of one sample", n)
		o, err := b.detect(ctx, detecting{rules: n, interval: "15s", lasts: 1, perRound: 10, window: longWindow})
		if err != nil {
			return "", err
		}
		ours = append(ours, o.row(fmt.Sprintf("%d, all", n), o.every, true))
		for _, k := range []faults.Kind{faults.Threshold, faults.TargetSum, faults.JobSum, faults.Rate} {
			if ds := o.delays[k.Class()]; len(ds) > 0 {
				ours = append(ours, o.row(fmt.Sprintf("%d, %s", n, k.Class()), ds, false))
			}
		}
	}
	fmt.Fprintf(&out, "Ours, faults of one sample, from the moment before the HTTP write to the webhook's receipt:\n\n%s\n", ours)

	peers := table{{"", "faults", "told p50", "p99", "max", "missed", "false", "CPU, cores"}}
	for _, c := range []struct {
		name string
		d    detecting
	}{
		{"Touchline, 500 rules at 15 s", detecting{rules: 500, interval: "15s"}},
		{"Prometheus and Alertmanager, 500 rules at 15 s", detecting{rules: 500, interval: "15s", peer: true}},
		{"Prometheus and Alertmanager, 500 rules at 1 s", detecting{rules: 500, interval: "1s", peer: true}},
	} {
		if !b.wants(c.name) {
			continue
		}
		b.say("%s, faults of 20 s", c.name)
		c.d.rules, c.d.lasts, c.d.perRound = min(c.d.rules, b.fieldRules()), longFault, 10
		o, err := b.detect(ctx, c.d)
		if err != nil {
			return "", err
		}
		peers = append(peers, o.row(c.name, o.every, true))
	}
	fmt.Fprintf(&out, "Faults of 20 seconds, beside today's pair with `group_wait: 0s`:\n\n%s\n", peers)

	n := b.fieldRules()
	hard := table{{"", "faults", "told p50", "p99", "max", "missed", "false", "CPU, cores"}}
	for _, c := range []struct {
		name  string
		d     detecting
		cpu   bool
		first bool
	}{
		{fmt.Sprintf("all of %d rules fire within one round of two seconds", n), detecting{rules: n, lasts: longFault, storm: n}, false, false},
		{fmt.Sprintf("the same, %d groups: the first of each", n/50), detecting{rules: n, lasts: longFault, storm: n, groupBy: "service"}, false, true},
		{"200 faults a second for 20 s", detecting{rules: n, lasts: 1, perRound: 200 * fieldSeconds, window: 20 * time.Second}, true, false},
		{"500 rules, reloaded with other rules and routes every 7 s", detecting{rules: min(500, n), lasts: 1, perRound: 10, disturb: reload}, true, false},
		{"500 rules, restarted every 7 s, faults of 20 s", detecting{rules: min(500, n), lasts: longFault, perRound: 10, disturb: restart}, false, false},
	} {
		if !b.wants(c.name) {
			continue
		}
		b.say("ours, %s", c.name)
		c.d.interval = "15s"
		o, err := b.detect(ctx, c.d)
		if err != nil {
			return "", err
		}
		every := o.every
		if c.first {
			every = o.first
		}
		row := o.row(c.name, every, true)
		if c.first {
			row[1] = fmt.Sprint(len(every))
		}
		if !c.cpu {
			row[len(row)-1] = ""
		}
		hard = append(hard, row)
	}
	fmt.Fprintf(&out, "Ours under storms and changes, each rule and instance in a group of its own but where it says otherwise:\n\n%s\n", hard)

	if !b.wants("CPU without faults") {
		return out.String(), nil
	}
	var on, off []float64
	for _, turn := range measure.Palindromes(2, 1) {
		d := detecting{rules: n, interval: "15s"}
		if turn == 1 {
			d.args = []string{"--rules.arrival=disabled"}
		}
		b.say("CPU, arrival %s", []string{"enabled", "disabled"}[turn])
		o, err := b.detect(ctx, d)
		if err != nil {
			return "", err
		}
		if turn == 0 {
			on = append(on, o.cpu)
		} else {
			off = append(off, o.cpu)
		}
		if o.spurious > 0 {
			return "", fmt.Errorf("%d alerts without a fault", o.spurious)
		}
	}
	fmt.Fprintf(&out, "CPU without faults, %d rules: %.2f cores with arrival, %.2f without, ratio %.2f.\n",
		n, mean(on), mean(off), mean(on)/mean(off))
	return out.String(), nil
}

// wants tells whether a row is to be measured.
func (b *bench) wants(row string) bool { return b.rows == nil || b.rows.MatchString(row) }

func mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// row is a line of a table: of all faults of a run, or of one class.
func (o *outcome) row(name string, ds []time.Duration, whole bool) []string {
	quantile := func(q float64) string {
		if len(ds) == 0 {
			return "–"
		}
		return measure.Quantile(slices.Clone(ds), q).Round(100 * time.Microsecond).String()
	}
	n, missed, spurious, cpu := len(ds), "", "", ""
	if whole {
		n, missed, spurious, cpu = o.faults, fmt.Sprint(o.missed), fmt.Sprint(o.spurious), fmt.Sprintf("%.2f", o.cpu)
	}
	return []string{name, fmt.Sprint(n), quantile(.5), quantile(.99), quantile(1), missed, spurious, cpu}
}
