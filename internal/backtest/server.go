package backtest

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"go.yaml.in/yaml/v3"
)

// ServerConfig is what a server's own configuration says about rules and samples.
type ServerConfig struct {
	ScrapeInterval     time.Duration
	EvaluationInterval time.Duration
	QueryOffset        time.Duration
	ExternalLabels     labels.Labels
	AlertRelabel       bool // alert_relabel_configs change alerts on their way out
}

// ParseServerConfig reads the YAML that /api/v1/status/config answers with.
func ParseServerConfig(text string) (ServerConfig, error) {
	var c struct {
		Global struct {
			ScrapeInterval     model.Duration    `yaml:"scrape_interval"`
			EvaluationInterval model.Duration    `yaml:"evaluation_interval"`
			QueryOffset        model.Duration    `yaml:"rule_query_offset"`
			ExternalLabels     map[string]string `yaml:"external_labels"`
		} `yaml:"global"`
		Alerting struct {
			Relabel []any `yaml:"alert_relabel_configs"`
		} `yaml:"alerting"`
	}
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		return ServerConfig{}, fmt.Errorf("read the server's configuration: %w", err)
	}
	out := ServerConfig{
		ScrapeInterval: time.Duration(c.Global.ScrapeInterval), EvaluationInterval: time.Duration(c.Global.EvaluationInterval),
		QueryOffset: time.Duration(c.Global.QueryOffset), ExternalLabels: labels.FromMap(c.Global.ExternalLabels),
		AlertRelabel: len(c.Alerting.Relabel) > 0,
	}
	if out.ScrapeInterval <= 0 {
		out.ScrapeInterval = time.Minute
	}
	if out.EvaluationInterval <= 0 {
		out.EvaluationInterval = time.Minute
	}
	return out, nil
}

// Each reads the stored samples of a selector, and calls f for each series.
func (s *Source) Each(ctx context.Context, from, to time.Time, ms []*labels.Matcher, f func(ls labels.Labels, t int64, v float64, h *histogram.FloatHistogram)) error {
	series, err := newCache(s).get(ctx, from.UnixMilli(), to.UnixMilli(), ms)
	if err != nil {
		return err
	}
	for _, p := range series {
		for _, x := range p.data {
			f(p.ls, x.t, x.v, x.h)
		}
	}
	return nil
}
