package page

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits on what the page takes from an API in one answer and how long it
// waits: a page that shows nothing is better than one that never comes.
const (
	maxAnswer  = 32 << 20
	apiTimeout = 8 * time.Second
)

// apiClient calls the APIs of the engines inside this process.
type apiClient struct {
	handler http.Handler
}

// answer collects a response in memory up to maxAnswer bytes.
type answer struct {
	header http.Header
	code   int
	body   bytes.Buffer
	over   bool
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(code int) {
	if a.code == 0 && code >= 200 {
		a.code = code
	}
}

var errAnswerTooLarge = errors.New("answer is larger than 32 MiB")

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.body.Len()+len(b) > maxAnswer {
		a.over = true
		return 0, errAnswerTooLarge
	}
	return a.body.Write(b)
}

// call asks for path and decodes the JSON answer into out. A non-nil form is
// sent by POST, so that an expression may be of any length.
func (c *apiClient) call(ctx context.Context, path string, form url.Values, out any) error {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://in-process"+path, strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	req.RemoteAddr = "127.0.0.1:0"
	req.RequestURI = req.URL.RequestURI()
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	a := &answer{header: http.Header{}}
	c.handler.ServeHTTP(a, req)
	if a.over {
		return fmt.Errorf("ask %s: %w", path, errAnswerTooLarge)
	}
	if a.code/100 != 2 {
		return fmt.Errorf("ask %s: %w", path, errors.New(errorText(a)))
	}
	if err := json.Unmarshal(a.body.Bytes(), out); err != nil {
		return fmt.Errorf("read answer of %s: %w", path, err)
	}
	return nil
}

// errorText finds the reason in the error shapes of both APIs.
func errorText(a *answer) string {
	var prom struct{ Error, Message string }
	if json.Unmarshal(a.body.Bytes(), &prom) == nil && prom.Error+prom.Message != "" {
		return prom.Error + prom.Message
	}
	var text string
	if json.Unmarshal(a.body.Bytes(), &text) == nil && text != "" {
		return text
	}
	if s := strings.TrimSpace(a.body.String()); s != "" && len(s) < 300 && !strings.Contains(s, "<") {
		return s
	}
	return strconv.Itoa(a.code) + " " + http.StatusText(a.code)
}

// prom calls the Prometheus API and decodes its data.
func (c *apiClient) prom(ctx context.Context, path string, form url.Values, data any) error {
	var envelope struct{ Data json.RawMessage }
	if err := c.call(ctx, path, form, &envelope); err != nil {
		return err
	}
	if err := json.Unmarshal(envelope.Data, data); err != nil {
		return fmt.Errorf("read answer of %s: %w", path, err)
	}
	return nil
}

// point is a PromQL value at a time, [seconds, "value"] on the wire.
type point struct {
	T float64
	V float64
}

func (p *point) UnmarshalJSON(b []byte) error {
	var text string
	pair := [2]any{&p.T, &text}
	if err := json.Unmarshal(b, &pair); err != nil {
		return err
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("value %q is not a number", text)
	}
	p.V = v
	return nil
}

// series is one element of a vector or of a matrix.
type series struct {
	Metric    map[string]string `json:"metric"`
	Value     *point            `json:"value"`
	Values    []point           `json:"values"`
	Histogram json.RawMessage   `json:"histogram"`
}

// result is the answer to a query.
type result struct {
	Type     string
	Series   []series // vector and matrix
	Scalar   *point
	Text     string // string
	Warnings []string
}

func (c *apiClient) query(ctx context.Context, path string, form url.Values) (*result, error) {
	var envelope struct {
		Data struct {
			ResultType string          `json:"resultType"`
			Result     json.RawMessage `json:"result"`
		} `json:"data"`
		Warnings []string `json:"warnings"`
		Infos    []string `json:"infos"`
	}
	if err := c.call(ctx, path, form, &envelope); err != nil {
		return nil, err
	}
	r := &result{Type: envelope.Data.ResultType, Warnings: append(envelope.Warnings, envelope.Infos...)}
	var err error
	switch r.Type {
	case "vector", "matrix":
		err = json.Unmarshal(envelope.Data.Result, &r.Series)
	case "scalar":
		r.Scalar = new(point)
		err = json.Unmarshal(envelope.Data.Result, r.Scalar)
	case "string":
		var t float64
		pair := [2]any{&t, &r.Text}
		err = json.Unmarshal(envelope.Data.Result, &pair)
	default:
		err = fmt.Errorf("unknown result type %q", r.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("read answer of %s: %w", path, err)
	}
	return r, nil
}

func (c *apiClient) instant(ctx context.Context, expr string, at time.Time) (*result, error) {
	form := url.Values{"query": {expr}, "timeout": {"5s"}}
	if !at.IsZero() {
		form.Set("time", timestamp(at))
	}
	return c.query(ctx, "/api/v1/query", form)
}

func (c *apiClient) between(ctx context.Context, expr string, from, to time.Time, step time.Duration) (*result, error) {
	return c.query(ctx, "/api/v1/query_range", url.Values{
		"query": {expr}, "timeout": {"5s"}, "start": {timestamp(from)}, "end": {timestamp(to)},
		"step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
	})
}

func timestamp(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}

// ruleGroup and what follows are the parts of the API answers that are shown.
type ruleGroup struct {
	Name     string  `json:"name"`
	File     string  `json:"file"`
	Interval float64 `json:"interval"`
	Rules    []rule  `json:"rules"`
}

type rule struct {
	Name           string            `json:"name"`
	Type           string            `json:"type"` // alerting or recording
	Query          string            `json:"query"`
	State          string            `json:"state"`
	Duration       float64           `json:"duration"`
	KeepFiringFor  float64           `json:"keepFiringFor"`
	Labels         map[string]string `json:"labels"`
	Annotations    map[string]string `json:"annotations"`
	Alerts         []ruleAlert       `json:"alerts"`
	Health         string            `json:"health"`
	LastError      string            `json:"lastError"`
	EvaluationTime float64           `json:"evaluationTime"`
	LastEvaluation time.Time         `json:"lastEvaluation"`
}

type ruleAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	State       string            `json:"state"`
	ActiveAt    *time.Time        `json:"activeAt"`
	Value       string            `json:"value"`
}

type target struct {
	Labels         map[string]string `json:"labels"`
	ScrapePool     string            `json:"scrapePool"`
	ScrapeURL      string            `json:"scrapeUrl"`
	LastError      string            `json:"lastError"`
	LastScrape     time.Time         `json:"lastScrape"`
	LastDuration   float64           `json:"lastScrapeDuration"`
	Health         string            `json:"health"`
	ScrapeInterval string            `json:"scrapeInterval"`
}

type amAlert struct {
	Labels    map[string]string `json:"labels"`
	StartsAt  time.Time         `json:"startsAt"`
	Receivers []amReceiver      `json:"receivers"`
	Status    struct {
		State       string   `json:"state"`
		SilencedBy  []string `json:"silencedBy"`
		InhibitedBy []string `json:"inhibitedBy"`
	} `json:"status"`
	Annotations  map[string]string `json:"annotations"`
	GeneratorURL string            `json:"generatorURL"`
}

type amReceiver struct {
	Name string `json:"name"`
}

type silence struct {
	ID        string    `json:"id"`
	StartsAt  time.Time `json:"startsAt"`
	EndsAt    time.Time `json:"endsAt"`
	CreatedBy string    `json:"createdBy"`
	Comment   string    `json:"comment"`
	Status    struct {
		State string `json:"state"`
	} `json:"status"`
	Matchers []struct {
		Name    string `json:"name"`
		Value   string `json:"value"`
		IsRegex bool   `json:"isRegex"`
		IsEqual *bool  `json:"isEqual"`
	} `json:"matchers"`
}

func (c *apiClient) rules(ctx context.Context) ([]ruleGroup, error) {
	var data struct {
		Groups []ruleGroup `json:"groups"`
	}
	err := c.prom(ctx, "/api/v1/rules", nil, &data)
	return data.Groups, err
}

func (c *apiClient) targets(ctx context.Context) ([]target, error) {
	var data struct {
		Active []target `json:"activeTargets"`
	}
	err := c.prom(ctx, "/api/v1/targets?state=active", nil, &data)
	return data.Active, err
}

func (c *apiClient) amAlerts(ctx context.Context) ([]amAlert, error) {
	var out []amAlert
	err := c.call(ctx, "/api/v2/alerts", nil, &out)
	return out, err
}

func (c *apiClient) silences(ctx context.Context) ([]silence, error) {
	var out []silence
	err := c.call(ctx, "/api/v2/silences", nil, &out)
	return out, err
}

// cached shares one answer between all who look: it is fetched again when it
// is older than its life, and by one caller at a time.
type cached[T any] struct {
	life  time.Duration
	now   func() time.Time
	fetch func(context.Context) (T, error)

	mu    sync.Mutex
	at    time.Time
	value T
	err   error
}

func newCached[T any](life time.Duration, now func() time.Time, fetch func(context.Context) (T, error)) *cached[T] {
	return &cached[T]{life: life, now: now, fetch: fetch}
}

func (c *cached[T]) get(ctx context.Context) (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// A clock that was set back must not freeze the page.
	if age := c.now().Sub(c.at); c.at.IsZero() || age >= c.life || age < 0 {
		// The answer is for everybody, so one reader's leaving must not end it.
		c.value, c.err = c.fetch(context.WithoutCancel(ctx))
		c.at = c.now()
	}
	return c.value, c.err
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
