package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"touchline.dev/touchline/bench/fleet"
	"touchline.dev/touchline/bench/measure"
	"touchline.dev/touchline/stack"
)

// asked are the rules whose expressions are measured: what the recording rules
// and the alerts of each kind ask.
var asked = []string{
	"instance:node_cpu_utilisation:rate1m",
	"instance:node_memory_utilisation:ratio",
	"instance:node_load1_per_cpu:ratio",
	"instance:node_filesystem_used:ratio",
	"instance:node_network_receive_bytes:rate1m",
	"container:cpu_usage_seconds:rate1m",
	"ContainerMemoryNearLimit",
	"ContainerCpuThrottled",
	"DiskWillFillInADay",
	"NetworkReceiveErrors",
}

// rule is one expression of the shipped rules.
type rule struct{ name, expr string }

// shippedRules finds rules by name.
func shippedRules(names []string) ([]rule, error) {
	found := map[string]string{}
	for _, file := range stack.Rules() {
		raw, err := fs.ReadFile(stack.FS, file)
		if err != nil {
			return nil, fmt.Errorf("read shipped rules: %w", err)
		}
		var doc struct {
			Groups []struct {
				Rules []struct{ Alert, Record, Expr string }
			}
		}
		if err := yaml.Unmarshal(raw, &doc); err != nil {
			return nil, fmt.Errorf("read shipped rules: %s: %w", file, err)
		}
		for _, g := range doc.Groups {
			for _, r := range g.Rules {
				found[r.Alert+r.Record] = r.Expr
			}
		}
	}
	out := make([]rule, 0, len(names))
	for _, n := range names {
		if found[n] == "" {
			return nil, fmt.Errorf("no shipped rule is called %q; choose another one of stack/rules", n)
		}
		out = append(out, rule{n, found[n]})
	}
	return out, nil
}

// window is what the queries ask about.
type window struct {
	start, end time.Time
	step       time.Duration
}

func (w window) instant(q string) string {
	return "/api/v1/query?" + url.Values{"query": {q}, "time": {unix(w.end)}}.Encode()
}

func (w window) ranged(q string) string {
	return "/api/v1/query_range?" + url.Values{"query": {q}, "start": {unix(w.start)}, "end": {unix(w.end)}, "step": {fmt.Sprint(w.step.Seconds())}}.Encode()
}

func unix(t time.Time) string { return fmt.Sprint(t.Unix()) }

// queried is what the turns of one server gave, by rule.
type queried struct {
	instant, ranged       [][]time.Duration
	instantCPU, rangedCPU []time.Duration // of the server, one per turn, over all rules
}

// query asks every server the same questions about the same data, one server at a time.
func (b *bench) query(ctx context.Context) (string, error) {
	rules, err := shippedRules(asked)
	if err != nil {
		return "", err
	}
	end := time.Now().Truncate(fleet.Interval * time.Millisecond)
	w := window{end.Add(-time.Duration(b.queryRounds-1) * fleet.Interval * time.Millisecond), end, fleet.Interval * time.Millisecond}
	peers := b.servers.alone()
	dirs := make([]string, len(peers))
	for i, p := range peers {
		if dirs[i], err = b.fill(ctx, p, w); err != nil {
			return "", fmt.Errorf("%s: %w", p.name, err)
		}
	}
	b.say("  the data is written")
	got := make([]queried, len(peers))
	answers := make([]map[string]string, len(peers))
	for i := range got {
		got[i].instant, got[i].ranged = make([][]time.Duration, len(rules)), make([][]time.Duration, len(rules))
	}
	for _, i := range measure.Palindromes(len(peers), b.palindromes) {
		a, err := b.ask(ctx, peers[i], dirs[i], w, rules, &got[i])
		if err != nil {
			return "", fmt.Errorf("%s: %w", peers[i].name, err)
		}
		b.say("  %-22s CPU of instant queries %s, of range queries %s", peers[i].name, got[i].instantCPU[len(got[i].instantCPU)-1], got[i].rangedCPU[len(got[i].rangedCPU)-1])
		answers[i] = a
	}
	for path, want := range answers[1] {
		if have := answers[0][path]; have != want {
			return "", fmt.Errorf("GET %s: the answers differ\nours:     %.1000s\ntoday's: %.1000s", path, have, want)
		}
	}
	return b.queryTables(peers, rules, got), nil
}

// fill writes the data into a new directory and stops the server.
func (b *bench) fill(ctx context.Context, p peer, w window) (string, error) {
	dir, err := b.dir("query")
	if err != nil {
		return "", err
	}
	r, err := launch(ctx, dir, p.spec)
	if err != nil {
		return "", err
	}
	defer r.Kill()
	writer := &fleet.Writer{URL: r.url + "/api/v1/write", Connections: connections}
	defer writer.Close()
	f := fleet.New(b.queryHosts)
	for at := w.start; !at.After(w.end); at = at.Add(w.step) {
		if err := writer.Write(ctx, [][][]byte{f.Round(at.UnixMilli())}); err != nil {
			return "", err
		}
	}
	return dir, r.Stop()
}

// ask is one turn of one server. It gives the answers by path.
func (b *bench) ask(ctx context.Context, p peer, dir string, w window, rules []rule, out *queried) (map[string]string, error) {
	r, err := launch(ctx, dir, p.spec)
	if err != nil {
		return nil, err
	}
	defer r.Kill()
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	answers := map[string]string{}
	for _, q := range rules {
		// The first answers also warm the server up.
		for _, path := range []string{w.instant(q.expr), w.ranged(q.expr)} {
			if answers[path], err = answer(ctx, client, r.url+path); err != nil {
				return nil, fmt.Errorf("%s: %w", q.name, err)
			}
		}
	}
	for _, kind := range []struct {
		path  func(string) string
		times int
		took  [][]time.Duration
		cpu   *[]time.Duration
	}{{w.instant, b.instant, out.instant, &out.instantCPU}, {w.ranged, b.ranges, out.ranged, &out.rangedCPU}} {
		before, err := r.CPU()
		if err != nil {
			return nil, err
		}
		for i, q := range rules {
			for range kind.times {
				took, err := timed(ctx, client, r.url+kind.path(q.expr))
				if err != nil {
					return nil, fmt.Errorf("%s: %w", q.name, err)
				}
				kind.took[i] = append(kind.took[i], took)
			}
		}
		after, err := r.CPU()
		if err != nil {
			return nil, err
		}
		*kind.cpu = append(*kind.cpu, after-before)
	}
	return answers, r.Stop()
}

// get asks for an answer. It is compressed, as it is for Grafana and browsers,
// if the caller says so; unpacking it is not the server's time.
func get(ctx context.Context, client *http.Client, url string, packed bool) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if packed {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	return client.Do(req)
}

// timed is the time from the request to the last byte of the answer.
func timed(ctx context.Context, client *http.Client, url string) (time.Duration, error) {
	began := time.Now()
	res, err := get(ctx, client, url, true)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	took := time.Since(began)
	_ = res.Body.Close()
	if err != nil {
		return 0, err
	}
	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %s", res.Status)
	}
	return took, nil
}

// answer gives the elements of a result in an order of their own: PromQL
// promises none.
func answer(ctx context.Context, client *http.Client, url string) (string, error) {
	res, err := get(ctx, client, url, false)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := readAll(res.StatusCode, res.Body)
	if err != nil {
		return "", err
	}
	var doc struct {
		Data struct {
			ResultType string
			Result     []json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return "", fmt.Errorf("decode answer: %w", err)
	}
	elements := make([]string, 0, len(doc.Data.Result))
	for _, e := range doc.Data.Result {
		elements = append(elements, string(e))
	}
	slices.Sort(elements)
	return doc.Data.ResultType + "\n" + strings.Join(elements, "\n"), nil
}

// turnRatio divides the median of today's answers by that of ours, turn by turn,
// and takes the middle: a turn during which the machine was busy does not count.
func turnRatio(us, today []time.Duration, perTurn int) float64 {
	var ratios []float64
	for from := 0; from < len(us); from += perTurn {
		ratios = append(ratios, float64(measure.Median(today[from:from+perTurn]))/float64(measure.Median(us[from:from+perTurn])))
	}
	return measure.Median(ratios)
}

// queryTables are the results of the query part.
func (b *bench) queryTables(peers []peer, rules []rule, got []queried) string {
	short := []string{"ours", "today's", "Debian's"}
	var out strings.Builder
	for _, kind := range []struct {
		title string
		of    func(queried) [][]time.Duration
		cpu   func(queried) []time.Duration
		times int
	}{
		{"instant, ms", func(q queried) [][]time.Duration { return q.instant }, func(q queried) []time.Duration { return q.instantCPU }, b.instant},
		{fmt.Sprintf("range of %d steps, ms", b.queryRounds), func(q queried) [][]time.Duration { return q.ranged }, func(q queried) []time.Duration { return q.rangedCPU }, b.ranges},
	} {
		head := []string{kind.title}
		for _, q := range []string{"p50", "p99"} {
			for _, s := range short[:len(peers)] {
				head = append(head, q+" "+s)
			}
		}
		t := table{append(head, "today's / ours")}
		var ratios []float64
		for i, r := range rules {
			row := []string{"`" + r.name + "`"}
			for _, q := range []float64{0.5, 0.99} {
				for p := range peers {
					row = append(row, millis(measure.Quantile(kind.of(got[p])[i], q)))
				}
			}
			ratios = append(ratios, turnRatio(kind.of(got[0])[i], kind.of(got[1])[i], kind.times))
			t = append(t, append(row, fmt.Sprintf("%.2f", ratios[len(ratios)-1])))
		}
		cpu := make([]float64, 0, len(kind.cpu(got[0])))
		for i := range kind.cpu(got[0]) {
			cpu = append(cpu, float64(max(kind.cpu(got[1])[i], time.Millisecond))/float64(max(kind.cpu(got[0])[i], time.Millisecond)))
		}
		mean := measure.Geomean(ratios)
		fmt.Fprintf(&out, "%s\nRatio over all ten: %.2f by time (target ≥ 0.95: %s), %.2f by the server's CPU. %d answers each.\n\n",
			t, mean, verdict(mean >= 0.95), measure.Median(cpu), kind.times*2*b.palindromes)
	}
	fmt.Fprintf(&out, "%s series of %d hosts, %d samples each; every server is asked alone, and ours answered exactly what today's did.\n",
		thousands(float64(b.queryHosts*fleet.SeriesPerHost)), b.queryHosts, b.queryRounds)
	return out.String()
}
