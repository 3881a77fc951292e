//go:build fixtures

package drawn

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
)

// server is one running server with data of one dashboard.
type server struct {
	url, token string
	dir        string
	cmd        *exec.Cmd
	out        bytes.Buffer
	ended      chan struct{}
}

// freeAddress is one that nobody listens at. Two are used in turn by all servers, so that the browser
// loads the console twice and not for each of them.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// start runs a server with an empty data directory that watches nothing by itself.
func start(ctx context.Context, binary, address, dir string) (*server, error) {
	s := &server{url: "http://" + address, dir: dir, ended: make(chan struct{})}
	s.cmd = exec.CommandContext(ctx, binary, "run", "--storage.path="+dir, "--web.listen-address="+address, "--otlp.grpc-address=", "--otlp.http-address=",
		"--sources.enabled=false", "--stack.enabled=false", "--storage.out-of-order-time-window=24h", "--query.max-concurrency=40")
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait() // how it ended stands in what it printed
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.stop()
			return nil, ctx.Err()
		case <-s.ended:
			return nil, fmt.Errorf("the server ended: %s", s.out.String())
		case <-tick.C:
		}
		r, err := http.Get(s.url + "/-/ready")
		if err != nil {
			continue
		}
		_ = r.Body.Close()
		if r.StatusCode == http.StatusOK {
			break
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "admin.token"))
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("read the token: %w", err)
	}
	s.token = strings.TrimSpace(string(raw))
	return s, nil
}

// stop ends the server at once and throws its data away. What cannot be removed goes with the test's folder.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.ended
	_ = os.RemoveAll(s.dir)
}

func (s *server) post(path, kind string, body []byte, header map[string]string) ([]byte, error) {
	r, err := http.NewRequest(http.MethodPost, s.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", path, err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer "+s.token)
	for k, v := range header {
		r.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", path, err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", path, err)
	}
	if res.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s answers %d: %.300s", path, res.StatusCode, raw)
	}
	return raw, nil
}

// keep imports a dashboard and gives its uid.
func (s *server) keep(raw []byte) (uid string, err error) {
	answer, err := s.post("/touchline/v1/dashboards", "application/json", slices.Concat([]byte(`{"folder":"Drawn","overwrite":true,"dashboard":`), raw, []byte("}")), nil)
	if err != nil {
		return "", err
	}
	var saved struct{ UID string }
	if err := json.Unmarshal(answer, &saved); err != nil {
		return "", fmt.Errorf("read the answer to the import: %w", err)
	}
	return saved.UID, nil
}

// mostPerWrite is how many series one message has.
const mostPerWrite = 200

// write sends series by remote write, from before the span, so that windows at its beginning are full.
func (s *server) write(all []Series, span Span) error {
	for part := range slices.Chunk(all, mostPerWrite) {
		req := &prompb.WriteRequest{}
		for i := range part {
			ts := prompb.TimeSeries{}
			for name, value := range part[i].Labels {
				ts.Labels = append(ts.Labels, prompb.Label{Name: name, Value: value})
			}
			slices.SortFunc(ts.Labels, func(a, b prompb.Label) int { return strings.Compare(a.Name, b.Name) })
			for t := span.From.Add(-lead); !t.After(span.To); t = t.Add(scrape) {
				ts.Samples = append(ts.Samples, prompb.Sample{Timestamp: t.UnixMilli(), Value: part[i].At(t, span.To)})
			}
			req.Timeseries = append(req.Timeseries, ts)
		}
		raw, err := proto.Marshal(req)
		if err != nil {
			return fmt.Errorf("encode series: %w", err)
		}
		if _, err := s.post("/api/v1/write", "application/x-protobuf", snappy.Encode(nil, raw), map[string]string{"Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}); err != nil {
			return err
		}
	}
	return nil
}

// lead is how long before the span series begin.
const lead = 20 * time.Minute

// answer reads the data of an answer of Prometheus's API.
func (s *server) answer(path string, params url.Values, into any) error {
	raw, err := s.post(path, "application/x-www-form-urlencoded", []byte(params.Encode()), nil)
	if err != nil {
		return err
	}
	return decode(raw, into)
}

func decode(raw []byte, into any) error {
	var body struct{ Data json.RawMessage }
	if err := json.Unmarshal(raw, &body); err != nil {
		return fmt.Errorf("read an answer: %w", err)
	}
	if err := json.Unmarshal(body.Data, into); err != nil {
		return fmt.Errorf("read the data of an answer: %w", err)
	}
	return nil
}

// Strings asks for a list.
func (s *server) Strings(path string, params url.Values) ([]string, error) {
	res, err := http.Get(s.url + path + "?" + params.Encode())
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", path, err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", path, err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d: %.300s", path, res.StatusCode, raw)
	}
	var out []string
	return out, decode(raw, &out)
}

// line is what a query gives for one series.
type line struct {
	labels map[string]string
	values []float64
}

type point [2]any

func (p point) value() float64 {
	v, err := strconv.ParseFloat(fmt.Sprint(p[1]), 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// query evaluates at the end, or from the beginning to the end where there is a step.
func (s *server) query(expr string, from, to time.Time, step time.Duration) ([]line, error) {
	path, params := "/api/v1/query", url.Values{"query": {expr}, "time": {stamp(to)}}
	if step > 0 {
		path, params = "/api/v1/query_range", url.Values{"query": {expr}, "start": {stamp(from)}, "end": {stamp(to)}, "step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)}}
	}
	var data struct {
		ResultType string
		Result     json.RawMessage
	}
	if err := s.answer(path, params, &data); err != nil {
		return nil, err
	}
	if data.ResultType == "scalar" {
		var p point
		if err := json.Unmarshal(data.Result, &p); err != nil {
			return nil, fmt.Errorf("read a scalar: %w", err)
		}
		return []line{{values: []float64{p.value()}}}, nil
	}
	var all []struct {
		Metric map[string]string
		Value  *point
		Values []point
	}
	if err := json.Unmarshal(data.Result, &all); err != nil {
		return nil, fmt.Errorf("read series: %w", err)
	}
	var out []line
	for _, r := range all {
		l := line{labels: r.Metric}
		if r.Value != nil {
			l.values = append(l.values, r.Value.value())
		}
		for _, p := range r.Values {
			l.values = append(l.values, p.value())
		}
		out = append(out, l)
	}
	return out, nil
}

func stamp(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// Texts are the series of an instant query as Grafana writes them for its variables.
func (s *server) Texts(query string, at time.Time) ([]string, error) {
	all, err := s.query(query, at, at, 0)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, l := range all {
		name := l.labels[labels.MetricName]
		var parts []string
		for k, v := range l.labels {
			if k != labels.MetricName {
				parts = append(parts, k+`="`+v+`"`)
			}
		}
		slices.Sort(parts)
		out = append(out, fmt.Sprintf("%s{%s} %s %d", name, strings.Join(parts, ","), strconv.FormatFloat(l.values[0], 'g', -1, 64), at.UnixMilli()))
	}
	return out, nil
}

// kept checks that the series are those that were written: how many there are, and what each ends with.
func (s *server) kept(all []Series, span Span) error {
	have, err := s.query(`{__name__=~".+"}`, span.To, span.To, 0)
	if err != nil {
		return err
	}
	byKey := map[string]float64{}
	for _, l := range have {
		byKey[fmt.Sprint(l.labels)] = l.values[0]
	}
	for _, one := range all {
		if v, ok := byKey[fmt.Sprint(one.Labels)]; !ok || v != one.End {
			return fmt.Errorf("%v was written with %v and is %v", one.Labels, one.End, v)
		}
	}
	if len(byKey) != len(all) {
		return fmt.Errorf("%d series were written, %d are there", len(all), len(byKey))
	}
	return nil
}

// browser looks at pages, one after the other.
type browser struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// page is what the browser says of one.
type page struct {
	State  string
	Panels []struct {
		ID                          int
		Type, State, Title, Trouble string
		Values                      []struct{ Name, Text string }
		Series                      int
		Ink                         int // pixels of a plot that are neither background nor grid
	}
	Variables map[string][]string
	Troubles  []string
	Problems  []string
	Requests  int
	Refused   []struct {
		Status      int
		Query, Body string
	}
}

func openBrowser(ctx context.Context) (*browser, error) {
	b := &browser{cmd: exec.CommandContext(ctx, "node", "drawn.mjs")}
	b.cmd.Dir = "../../ui/walk"
	b.cmd.Stderr = os.Stderr
	var err error
	if b.in, err = b.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("talk to the browser: %w", err)
	}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("listen to the browser: %w", err)
	}
	b.out = bufio.NewReaderSize(out, 1<<20)
	if err := b.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the browser: %w", err)
	}
	return b, nil
}

func (b *browser) look(address string) (*page, error) {
	if _, err := fmt.Fprintln(b.in, address); err != nil {
		return nil, fmt.Errorf("ask the browser: %w", err)
	}
	raw, err := b.out.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("read what the browser says: %w", err)
	}
	var p page
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, fmt.Errorf("read what the browser says: %w", err)
	}
	return &p, nil
}

func (b *browser) close() error {
	if err := b.in.Close(); err != nil {
		return fmt.Errorf("close the browser: %w", err)
	}
	return b.cmd.Wait()
}
