package drawn

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// Span is the time that is looked at. It is so short that no panel is too narrow for the least step.
type Span struct{ From, To time.Time }

// Value is what a variable stands for.
type Value struct {
	List    []string
	Several bool     // whether there may be more than one, which is put in as a regular expression
	Written bool     // what stands for all was written as PromQL
	All     []string // what that stands for
}

// each are the single values, by which panels repeat.
func (v Value) each() []string {
	if v.Written {
		return v.All
	}
	return v.List
}

// Values are the variables of a dashboard by name.
type Values map[string]Value

var placeholder = regexp.MustCompile(`\$(\w+)|\[\[(\w+)(?::(\w+))?\]\]|\$\{(\w+)(?:\.[^:}]+)?(?::(\w+)[^}]*)?\}`)

// Fill puts values into a text; what is not known stays as it is.
func (v Values) Fill(s string, as func(Value) string) string {
	return placeholder.ReplaceAllStringFunc(s, func(found string) string {
		m := placeholder.FindStringSubmatch(found)
		value, ok := v[m[1]+m[2]+m[4]]
		if !ok {
			return found
		}
		switch m[3] + m[5] {
		case "":
			return as(value)
		case "regex":
			return alternatives(value.List, regexp.QuoteMeta)
		case "pipe":
			return strings.Join(value.List, "|")
		default:
			return strings.Join(value.List, ",")
		}
	})
}

// Query puts a value into PromQL, as Grafana's documentation of its Prometheus source says.
func (v Value) Query() string {
	if v.Written || len(v.List) == 0 {
		return strings.Join(v.List, "|")
	}
	if !v.Several {
		return strings.ReplaceAll(v.List[0], `\`, `\\`)
	}
	return alternatives(v.List, func(s string) string { return strings.ReplaceAll(regexp.QuoteMeta(s), `\`, `\\`) })
}

// Plain puts a value into a text for people.
func (v Value) Plain() string { return strings.Join(v.List, " + ") }

func alternatives(values []string, quote func(string) string) string {
	quoted := make([]string, len(values))
	for i, s := range values {
		quoted[i] = quote(s)
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return "(" + strings.Join(quoted, "|") + ")"
}

// with adds what Grafana calls global variables.
func (v Values) with(span Span, interval, rate time.Duration) Values {
	out := make(Values, len(v)+8)
	for name, value := range v {
		out[name] = value
	}
	whole := span.To.Sub(span.From)
	one := func(name, s string) { out[name] = Value{List: []string{s}} }
	one("__interval", model.Duration(interval).String())
	one("__interval_ms", strconv.FormatInt(interval.Milliseconds(), 10))
	one("__rate_interval", model.Duration(rate).String())
	one("__range", strconv.FormatFloat(whole.Seconds(), 'f', 0, 64)+"s")
	one("__range_s", strconv.FormatFloat(whole.Seconds(), 'f', 0, 64))
	one("__range_ms", strconv.FormatInt(whole.Milliseconds(), 10))
	one("__from", strconv.FormatInt(span.From.UnixMilli(), 10))
	one("__to", strconv.FormatInt(span.To.UnixMilli(), 10))
	return out
}

// The distance of samples, which is also the least step.
const scrape = 15 * time.Second

// rounded gives the steps that Grafana chooses, in its documentation called "nice": of those below ten hours.
func rounded(d time.Duration) time.Duration {
	steps := []struct{ below, step float64 }{
		{10, 1}, {15, 10}, {35, 20}, {75, 50}, {150, 100}, {350, 200}, {750, 500}, {1500, 1e3}, {3500, 2e3}, {7500, 5e3}, {12500, 10e3}, {17500, 15e3}, {25e3, 20e3}, {45e3, 30e3},
		{90e3, 60e3}, {210e3, 120e3}, {450e3, 300e3}, {750e3, 600e3}, {1050e3, 900e3}, {1500e3, 1200e3}, {2700e3, 1800e3}, {5400e3, 3600e3}, {math.Inf(1), 7200e3},
	}
	for _, s := range steps {
		if float64(d.Milliseconds()) < s.below {
			return time.Duration(s.step) * time.Millisecond
		}
	}
	return 0
}

func duration(s string) time.Duration {
	s = strings.TrimSpace(strings.TrimPrefix(s, ">"))
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		return time.Duration(n * float64(time.Second))
	}
	d, err := model.ParseDuration(s)
	if err != nil {
		return 0
	}
	return time.Duration(d)
}

// steps are the step of a query, $__interval and $__rate_interval.
func (p *Panel) steps(q *Query, v Values, span Span) (step, rate time.Duration) {
	whole := span.To.Sub(span.From)
	least := func(written string, otherwise time.Duration) time.Duration {
		if d := duration(v.Fill(written, Value.Plain)); d > 0 {
			return d
		}
		return otherwise
	}
	base := least(q.Interval, least(p.Interval, scrape))
	adjusted := base
	if p.MaxDataPoints > 0 {
		adjusted = max(base, rounded(time.Duration(float64(whole)/p.MaxDataPoints)))
	}
	return time.Duration(float64(adjusted) * q.Factor), max(adjusted+base, 4*base)
}
