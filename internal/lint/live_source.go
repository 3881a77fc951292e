package lint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// SeriesSource answers what the live lint asks about series; the HTTP API of any Prometheus-compatible server is one.
type SeriesSource interface {
	// MetricNames returns all metric names.
	MetricNames(ctx context.Context) ([]string, error)
	// Series returns the label sets that a series selector selects, at most limit of them, and whether there were more.
	Series(ctx context.Context, selector string, limit int) (series []labels.Labels, more bool, err error)
	// MetricTypes returns the type of each metric family (counter, gauge, histogram, …) by name; one that is exported with several
	// types is left out.
	MetricTypes(ctx context.Context) (map[string]string, error)
}

// TargetSource answers what the live lint asks about scraping.
type TargetSource interface {
	// Targets returns the targets of all jobs, and the jobs. A server that has
	// no such list answers with an error that is ErrNoTargetList.
	Targets(ctx context.Context) (TargetList, error)
}

// ErrNoTargetList is the answer of a server that does not scrape, such as a store for remote write.
var ErrNoTargetList = errors.New("the server lists no targets")

// TargetList is what a server scrapes.
type TargetList struct {
	Jobs   []string // names of the scrape configurations
	Active []Target
	// Dropped counts the targets that relabelling leaves out, by job.
	Dropped map[string]int
}

// Target is one target of a scrape configuration.
type Target struct {
	Job     string // name of the scrape configuration
	URL     string
	Address string // before relabelling, as it stands in the configuration
	Up      bool
	Error   string // of the last scrape
}

// maxLiveAnswer bounds what is read of one answer.
const maxLiveAnswer = 256 << 20

// apiSource asks a Prometheus HTTP API.
type apiSource struct {
	base   *url.URL
	client *http.Client
	start  time.Time
	end    time.Time
}

var (
	_ SeriesSource = (*apiSource)(nil)
	_ TargetSource = (*apiSource)(nil)
)

// newAPISource looks at series that have samples between start and end.
func newAPISource(base string, client *http.Client, start, end time.Time) (*apiSource, error) {
	u, err := url.Parse(strings.TrimSuffix(base, "/"))
	if err != nil {
		return nil, fmt.Errorf("parse server URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("parse server URL: %q has no scheme or host; write http://127.0.0.1:7070", u.Redacted())
	}
	return &apiSource{base: u, client: client, start: start, end: end}, nil
}

func (s *apiSource) window() url.Values {
	return url.Values{"start": {unixSeconds(s.start)}, "end": {unixSeconds(s.end)}}
}

func unixSeconds(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}

// MetricNames asks for the values of the label __name__.
func (s *apiSource) MetricNames(ctx context.Context) ([]string, error) {
	var names []string
	if err := s.get(ctx, "/api/v1/label/__name__/values", s.window(), &names); err != nil {
		return nil, fmt.Errorf("list metric names: %w", err)
	}
	return names, nil
}

// Series asks for one more than the limit, because not every server says that it has cut an answer.
func (s *apiSource) Series(ctx context.Context, selector string, limit int) ([]labels.Labels, bool, error) {
	query := s.window()
	query.Set("match[]", selector)
	query.Set("limit", strconv.Itoa(limit+1))
	var sets []map[string]string
	if err := s.get(ctx, "/api/v1/series", query, &sets); err != nil {
		return nil, false, fmt.Errorf("list series of %s: %w", selector, err)
	}
	more := len(sets) > limit
	if more {
		sets = sets[:limit]
	}
	out := make([]labels.Labels, len(sets))
	for i, set := range sets {
		out[i] = labels.FromMap(set)
	}
	return out, more, nil
}

// MetricTypes asks for the metadata of all families.
func (s *apiSource) MetricTypes(ctx context.Context) (map[string]string, error) {
	var families map[string][]struct {
		Type string `json:"type"`
	}
	if err := s.get(ctx, "/api/v1/metadata", nil, &families); err != nil {
		return nil, fmt.Errorf("list metadata: %w", err)
	}
	out := make(map[string]string, len(families))
	for name, entries := range families {
		for i, e := range entries {
			if i > 0 && e.Type != out[name] {
				delete(out, name)
				break
			}
			out[name] = e.Type
		}
	}
	return out, nil
}

// Targets asks for the scrape pools and the active targets.
func (s *apiSource) Targets(ctx context.Context) (TargetList, error) {
	var pools struct {
		ScrapePools []string `json:"scrapePools"`
	}
	var targets struct {
		Active []struct {
			Pool       string            `json:"scrapePool"`
			URL        string            `json:"scrapeUrl"`
			Discovered map[string]string `json:"discoveredLabels"`
			Health     string            `json:"health"`
			Error      string            `json:"lastError"`
		} `json:"activeTargets"`
	}
	if err := s.get(ctx, "/api/v1/targets", url.Values{"state": {"active"}}, &targets); err != nil {
		return TargetList{}, fmt.Errorf("list targets: %w", err)
	}
	// Servers before Prometheus 2.42 have no list of pools; then only jobs with targets are known.
	if err := s.get(ctx, "/api/v1/scrape_pools", nil, &pools); err != nil && !errors.Is(err, ErrNoTargetList) {
		return TargetList{}, fmt.Errorf("list scrape pools: %w", err)
	}
	out := TargetList{Jobs: pools.ScrapePools, Dropped: map[string]int{}}
	active := map[string]bool{}
	for _, t := range targets.Active {
		active[t.Pool] = true
		out.Active = append(out.Active, Target{Job: t.Pool, URL: t.URL, Address: t.Discovered[model.AddressLabel], Up: t.Health == "up", Error: t.Error})
	}
	// Dropped targets can be many, so only jobs that have no others are asked for theirs.
	for _, job := range out.Jobs {
		if active[job] {
			continue
		}
		var dropped struct {
			Targets []json.RawMessage `json:"droppedTargets"`
			Counts  map[string]int    `json:"droppedTargetCounts"`
		}
		if err := s.get(ctx, "/api/v1/targets", url.Values{"state": {"dropped"}, "scrapePool": {job}}, &dropped); err != nil {
			return TargetList{}, fmt.Errorf("list dropped targets of job %s: %w", job, err)
		}
		out.Dropped[job] = max(dropped.Counts[job], len(dropped.Targets))
	}
	return out, nil
}

func (s *apiSource) get(ctx context.Context, path string, query url.Values, out any) error {
	u := *s.base
	u.Path += path
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Status string          `json:"status"`
		Error  string          `json:"error"`
		Data   json.RawMessage `json:"data"`
	}
	if resp.StatusCode == http.StatusNotFound {
		return fmt.Errorf("%s answered %s: %w", u.Path, resp.Status, missingPath(path))
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxLiveAnswer)).Decode(&answer); err != nil {
		return fmt.Errorf("%s answered %s with no Prometheus answer: %w", u.Path, resp.Status, err)
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s answered %s: %s", u.Path, resp.Status, answer.Error)
	}
	if err := json.Unmarshal(answer.Data, out); err != nil {
		return fmt.Errorf("decode answer of %s: %w", u.Path, err)
	}
	return nil
}

// missingPath tells a server without targets from one that speaks no Prometheus at all.
func missingPath(path string) error {
	if path == "/api/v1/targets" || path == "/api/v1/scrape_pools" {
		return ErrNoTargetList
	}
	return errors.New("is this a server with Prometheus's API, and is its route prefix part of the URL?")
}
