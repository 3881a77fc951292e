package backtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/template"
)

// ofSeries are templates that depend on nothing but the series: they are
// expanded once a series and not once an evaluation.
var ofSeries = regexp.MustCompile(`^([^{]|\{[^{]|\{\{-?\s*(\$labels|\.Labels|\$externalLabels|\.ExternalLabels)\.[a-zA-Z_][a-zA-Z0-9_]*\s*-?\}\})*$`)

// ofTime are the functions whose answer depends on more than series and value.
var ofTime = regexp.MustCompile(`\b(query|now)\b`)

// expander makes an alert's labels.
type expander struct {
	r        *rule
	external map[string]string
	url      *url.URL
	query    rules.QueryFunc // set before the evaluation
	fixed    bool
	timed    bool
	cache    map[string]labels.Labels
}

func newExpander(r *rule, o *Options) *expander {
	e := &expander{r: r, external: o.ExternalLabels.Map(), url: o.externalURL, fixed: true, cache: map[string]labels.Labels{}}
	r.labels.Range(func(l labels.Label) {
		e.fixed = e.fixed && ofSeries.MatchString(l.Value)
		e.timed = e.timed || strings.Contains(l.Value, "{{") && ofTime.MatchString(l.Value)
	})
	return e
}

// perSeries says whether the labels depend on the series alone.
func (e *expander) perSeries() bool { return e.fixed }

// labels gives the labels of the alert for one element of the result.
func (e *expander) labels(metric labels.Labels, v float64, h *histogram.FloatHistogram, tick int64) labels.Labels {
	if e.fixed || e.timed || h != nil {
		return e.expand(metric, v, h, tick)
	}
	var buf [512]byte
	key := string(metric.Bytes(buf[:0])) + fmt.Sprintf("\xff%x", v)
	if ls, ok := e.cache[key]; ok {
		return ls
	}
	ls := e.expand(metric, v, h, tick)
	if len(e.cache) > 1<<16 {
		clear(e.cache)
	}
	e.cache[key] = ls
	return ls
}

func (e *expander) expand(metric labels.Labels, v float64, h *histogram.FloatHistogram, tick int64) labels.Labels {
	lb := labels.NewBuilder(metric)
	lb.Del(labels.MetricName)
	e.r.labels.Range(func(l labels.Label) {
		text := l.Value
		if strings.Contains(text, "{{") {
			text = e.template(text, metric, v, h, tick)
		}
		lb.Set(l.Name, text)
	})
	lb.Set(labels.AlertName, e.r.name)
	return lb.Labels()
}

func (e *expander) template(text string, metric labels.Labels, v float64, h *histogram.FloatHistogram, tick int64) string {
	data := template.AlertTemplateData(metric.Map(), e.external, e.url.String(), promql.Sample{Metric: metric, F: v, H: h})
	const names = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
	out, err := template.NewTemplateExpander(context.Background(), names+text, "__alert_"+e.r.name, data,
		model.Time(time.Unix(0, tick).UnixMilli()), e.ask, e.url, nil).Expand()
	if err != nil {
		return fmt.Sprintf("<error expanding template: %s>", err)
	}
	return out
}

func (e *expander) ask(ctx context.Context, q string, t time.Time) (promql.Vector, error) {
	if e.query == nil {
		return nil, errors.New("no storage to query")
	}
	return e.query(ctx, q, t)
}
