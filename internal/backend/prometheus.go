package backend

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Bounds of Prometheus's API.
const (
	maxForm    = 1 << 20   // bytes of a query
	maxRead    = 4 << 20   // of a remote-read request, which holds matchers
	maxAnswer  = 64 << 20  // of JSON and of federation
	maxSamples = 256 << 20 // of an answer to remote read
)

// endpoint is a path below /api/v1/, in which a segment * stands for any one,
// with the methods that it takes.
type endpoint struct{ methods, path string }

// reading are the endpoints that tell of metrics and change nothing.
var reading = []endpoint{
	{"GET POST", "query"}, {"GET POST", "query_range"}, {"GET POST", "query_exemplars"},
	{"GET POST", "series"}, {"GET POST", "labels"}, {"GET", "label/*/values"}, {"GET", "metadata"},
	{"GET POST", "format_query"}, {"GET POST", "parse_query"},
	{"GET", "rules"}, {"GET", "alerts"}, {"GET", "targets"}, {"GET", "targets/metadata"},
	{"GET", "status/buildinfo"}, {"GET", "status/runtimeinfo"}, {"GET", "status/tsdb"},
}

// describing are those that tell of the server itself.
var describing = []endpoint{
	{"GET", "status/config"}, {"GET", "status/flags"}, {"GET", "status/walreplay"}, {"GET", "status/tsdb/*"},
	{"GET", "targets/relabel_steps"}, {"GET", "scrape_pools"}, {"GET", "alertmanagers"}, {"GET", "features"}, {"GET", "notifications"},
	{"GET POST", "search/*"},
}

// Reads tells whether a request below /api/v1/ reads metrics, and nothing else.
func Reads(method, path string) bool { return among(reading, method, path) }

func among(list []endpoint, method, path string) bool {
	return slices.ContainsFunc(list, func(e endpoint) bool {
		return slices.Contains(strings.Fields(e.methods), method) && matches(e.path, path)
	})
}

func matches(pattern, path string) bool {
	before, after, any := strings.Cut(pattern, "*")
	if !any {
		return pattern == path
	}
	name, ok := strings.CutPrefix(path, before)
	if !ok {
		return false
	}
	name, ok = strings.CutSuffix(name, after)
	return ok && name != "" && !strings.Contains(name, "/") && name != "." && name != ".."
}

// Reading is the call of a request below /api/v1/ for which Reads.
func Reading(path string) Call {
	return Call{Path: "/api/v1/" + path, MaxBody: maxForm, MaxAnswer: maxAnswer, Types: JSON, BodyType: "application/x-www-form-urlencoded"}
}

var (
	samples = []string{"application/x-protobuf", "application/x-streamed-protobuf"}
	texts   = []string{"text/plain", "application/openmetrics-text", "application/vnd.google.protobuf"}
)

// Prometheus is the reading half of Prometheus's API, as the server has it: at
// /api/v1/ and /federate. What would send to it or change it is refused.
func (x *Remote) Prometheus() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call, err := x.prometheusCall(r)
		if err != nil {
			x.requests.WithLabelValues(x.name, Denied).Inc()
			WritePrometheus(w, err)
			return
		}
		x.pass(w, r, call, WritePrometheus)
	})
}

func (x *Remote) prometheusCall(r *http.Request) (Call, *Error) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	path, below := strings.CutPrefix(r.URL.Path, "/api/v1/")
	switch {
	case !below: // /federate
		return Call{Path: r.URL.Path, MaxAnswer: maxAnswer, Types: texts, Headers: []string{"Accept"}, MayBeBare: true}, nil
	case among(reading, method, path), among(describing, method, path):
		return Reading(path), nil
	case method == http.MethodPost && path == "read":
		return Call{Path: r.URL.Path, MaxBody: maxRead, MaxAnswer: maxSamples, Types: samples, Headers: []string{"Content-Type", "Content-Encoding", "X-Prometheus-Remote-Read-Version"}, Encoded: true}, nil
	case path == "write" || path == "otlp/v1/metrics":
		return Call{}, Refused(http.StatusNotFound, "not_found", "%s", x.NotTaken())
	case strings.HasPrefix(path, "admin/"):
		return Call{}, Refused(http.StatusForbidden, "forbidden", "samples are deleted and copied at %s itself, where they are: backends.metrics is read only", x.client.URL())
	}
	return Call{}, Refused(http.StatusNotFound, "not_found", "%s %.200s is not asked of %s: backends.metrics passes on what reads", r.Method, r.URL.Path, x.client.URL())
}

// NotTaken says to whoever sends samples that they are to be sent elsewhere.
func (x *Remote) NotTaken() string {
	return fmt.Sprintf("samples are not stored here, because backends.metrics.url names another server; send them to %s", x.client.URL())
}

// Sample is the value of a series now.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Vector is what the server computes for a query now.
func (x *Remote) Vector(ctx context.Context, query string) ([]Sample, error) {
	raw, err := x.client.read(ctx, "/api/v1/query", url.Values{"query": {query}}, maxAnswer)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any // seconds, and the value as a text
			}
		}
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, fmt.Errorf("read the answer of %s to a query: %w", x.client.o.Name, err)
	}
	out := make([]Sample, 0, len(answer.Data.Result))
	for _, s := range answer.Data.Result {
		text, _ := s.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("read the answer of %s to a query: %w", x.client.o.Name, err)
		}
		out = append(out, Sample{Labels: s.Metric, Value: v})
	}
	return out, nil
}

// WritePrometheus answers in the shape of Prometheus's API.
func WritePrometheus(w http.ResponseWriter, e *Error) {
	write(w, e, map[string]string{"status": "error", "errorType": e.Kind, "error": e.Reason})
}

func write(w http.ResponseWriter, e *Error, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		raw = []byte(`{"status":"error"}`)
	}
	h := w.Header()
	if e.Status == http.StatusServiceUnavailable && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "1")
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(e.Status)
	_, _ = w.Write(raw)
}
