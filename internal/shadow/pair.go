package shadow

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"touchline.dev/touchline/internal/backtest"
)

const maxAnswer = 256 << 20 // bytes of one answer that is read

// server is one HTTP server that is asked.
type server struct {
	name  string // as errors name it
	base  *url.URL
	token string
	http  *http.Client
}

// get asks for a path, which may have a query.
func (s *server) get(ctx context.Context, path, accept string) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base.String()+path, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("ask %s: %w", s.name, err)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", "touchline-shadow")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("ask %s: %w", s.name, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, nil, fmt.Errorf("ask %s: %w", s.name, err)
	}
	if len(body) > maxAnswer {
		return nil, nil, fmt.Errorf("ask %s: the answer of %s is larger than %d MiB", s.name, s.base.Redacted(), maxAnswer>>20)
	}
	if resp.StatusCode/100 != 2 {
		return nil, nil, fmt.Errorf("ask %s: %s%s answers %s", s.name, s.base.Redacted(), req.URL.Path, resp.Status)
	}
	return body, resp.Header, nil
}

func (s *server) json(ctx context.Context, path string, out any) error {
	body, _, err := s.get(ctx, path, "application/json")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("read answer of %s to %s: %w", s.name, path, err)
	}
	return nil
}

// config asks a Prometheus for its configuration.
func (s *server) config(ctx context.Context) (backtest.ServerConfig, error) {
	var answer struct{ Data struct{ YAML string } }
	if err := s.json(ctx, "/api/v1/status/config", &answer); err != nil {
		return backtest.ServerConfig{}, err
	}
	return backtest.ParseServerConfig(answer.Data.YAML)
}

// apiGroup is a rule group as the API tells of it.
type apiGroup struct {
	Name     string    `json:"name"`
	File     string    `json:"file"`
	Interval float64   `json:"interval"`
	Limit    int       `json:"limit"`
	Rules    []apiRule `json:"rules"`
}

type apiRule struct {
	Type          string            `json:"type"`
	Name          string            `json:"name"`
	Query         string            `json:"query"`
	Duration      float64           `json:"duration"`
	KeepFiringFor float64           `json:"keepFiringFor"`
	Labels        map[string]string `json:"labels"`
	Annotations   map[string]string `json:"annotations"`
}

func (s *server) rules(ctx context.Context) ([]apiGroup, error) {
	var answer struct{ Data struct{ Groups []apiGroup } }
	err := s.json(ctx, "/api/v1/rules", &answer)
	return answer.Data.Groups, err
}

// active is an alert that Prometheus holds as pending or firing.
type active struct {
	labels   labels.Labels
	firing   bool
	activeAt time.Time
}

func (s *server) active(ctx context.Context) ([]active, error) {
	var answer struct {
		Data struct {
			Alerts []struct {
				Labels   map[string]string
				State    string
				ActiveAt time.Time
			}
		}
	}
	if err := s.json(ctx, "/api/v1/alerts", &answer); err != nil {
		return nil, err
	}
	out := make([]active, 0, len(answer.Data.Alerts))
	for _, a := range answer.Data.Alerts {
		out = append(out, active{labels: labels.FromMap(a.Labels), firing: a.State == "firing", activeAt: a.ActiveAt})
	}
	return out, nil
}

// held is an alert that an Alertmanager holds.
type held struct {
	labels   labels.Labels
	startsAt time.Time
}

// held lists the alerts of an Alertmanager, without the external labels that
// Prometheus has put on them.
func (s *server) held(ctx context.Context, external labels.Labels) ([]held, error) {
	var answer []struct {
		Labels   map[string]string
		StartsAt time.Time
	}
	if err := s.json(ctx, "/api/v2/alerts", &answer); err != nil {
		return nil, err
	}
	out := make([]held, 0, len(answer))
	for _, a := range answer {
		external.Range(func(l labels.Label) {
			if a.Labels[l.Name] == l.Value {
				delete(a.Labels, l.Name)
			}
		})
		out = append(out, held{labels: labels.FromMap(a.Labels), startsAt: a.StartsAt})
	}
	return out, nil
}
