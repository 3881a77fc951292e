package lint

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"touchline.dev/touchline/internal/rules/arrival"
)

// Job is a scrape job as far as detection time depends on it.
type Job struct {
	Name     string
	Interval time.Duration
}

// InProcessJobs are the jobs that a Touchline server scrapes itself, whatever the configuration says.
func InProcessJobs() []Job {
	return []Job{{"node", time.Second}, {"cadvisor", time.Second}, {"touchline", time.Second}}
}

// DetectionInput is what the worst-case detection time of alerts depends on. NewDetectionInput reads it from files.
type DetectionInput struct {
	Rules []ParsedRule
	Jobs  []Job
	// ScrapeInterval is assumed for a selector that names a job which Jobs does not have.
	ScrapeInterval time.Duration
	// EvaluationInterval applies to groups without an interval of their own, QueryOffset to those without a query_offset.
	EvaluationInterval time.Duration
	QueryOffset        time.Duration
	// Routes are the routing trees that alerts pass, one an Alertmanager configuration; without any, grouping is not counted.
	Routes []*dispatch.Route
	// OnArrival is nil to count as Prometheus and Alertmanager evaluate and group.
	OnArrival *OnArrival
}

// DetectionPart is one delay on the way from a fault to its notification.
type DetectionPart struct {
	// Name is scrape, evaluation, recording, for, offset or group_wait. On arrival there is no evaluation and no recording.
	Name     string        `json:"name"`
	Duration time.Duration `json:"duration_ns"`
	// Why says what the duration comes from.
	Why string `json:"why"`
}

// Detection is the worst case of one alert: the fault begins just after a scrape, and every later step waits as long as it can.
type Detection struct {
	File     string          `json:"file"`
	Line     int             `json:"line"`
	Column   int             `json:"column"`
	Group    string          `json:"group"`
	Alert    string          `json:"alert"`
	Severity string          `json:"severity,omitempty"`
	Parts    []DetectionPart `json:"parts"`
	// Total is the time until the first notification of a new alert group.
	Total time.Duration `json:"total_ns"`
	// Joining is the time where the alert joins a group that has been notified already, and so waits for group_interval
	// instead of group_wait. It equals Total where no routing tree is known.
	Joining time.Duration `json:"joining_ns"`
	// Notes say what the total leaves out because it depends on the data.
	Notes []string `json:"notes,omitempty"`
}

// String renders the detection as one line: position, alert, total and its parts.
func (d Detection) String() string {
	parts := make([]string, 0, len(d.Parts))
	for _, p := range d.Parts {
		parts = append(parts, fmt.Sprintf("%s %s", p.Name, p.Duration))
	}
	out := fmt.Sprintf("%s:%d:%d: %s: %s (%s)", d.File, d.Line, d.Column, d.Alert, d.Total, strings.Join(parts, " + "))
	if d.Joining > d.Total {
		out += fmt.Sprintf("; %s when it joins a group that has been notified", d.Joining)
	}
	return out
}

// DetectionTimes computes the worst case of every alerting rule, in the order of in.Rules.
func DetectionTimes(in DetectionInput) []Detection {
	c := &detector{DetectionInput: in, recording: map[string][]int{}}
	for i, r := range in.Rules {
		if !r.Alert {
			c.recording[r.Name] = append(c.recording[r.Name], i)
		}
	}
	out := []Detection{}
	for i := range in.Rules {
		if in.Rules[i].Alert {
			out = append(out, c.detect(i))
		}
	}
	return out
}

// CheckDetection returns an error for every alert of severity critical that may take longer than limit, at its "for" where that is what makes
// it slow, else at the alert.
func CheckDetection(detections []Detection, limit time.Duration) []Finding {
	var out []Finding
	for _, d := range detections {
		if d.Severity != "critical" || d.Total <= limit {
			continue
		}
		slowest := slices.MaxFunc(d.Parts, func(a, b DetectionPart) int { return int(a.Duration/time.Millisecond - b.Duration/time.Millisecond) })
		parts := make([]string, 0, len(d.Parts))
		for _, p := range d.Parts {
			parts = append(parts, fmt.Sprintf("%s %s (%s)", p.Name, p.Duration, p.Why))
		}
		out = append(out, Finding{
			File: d.File, Line: d.Line, Column: d.Column, Severity: Error, Code: "slow-detection",
			Message: fmt.Sprintf("critical alert %s may take %s to be notified, more than %s: %s", d.Alert, d.Total, limit, strings.Join(parts, ", ")),
			Hint:    fmt.Sprintf("shorten the longest part, which is %s, or lower the severity", slowest.Name),
		})
	}
	return out
}

type detector struct {
	DetectionInput
	recording map[string][]int
	recorded  map[string][]arrival.Recording // for plan
}

// delay is the way of data into a rule: from the fault to a sample that the rule's query sees.
type delay struct {
	scrape, chain, offset time.Duration
	scrapeWhy             string
	links                 []string
}

func (d delay) total() time.Duration { return d.scrape + d.chain + d.offset }

func (c *detector) detect(index int) Detection {
	r := &c.Rules[index]
	interval := c.interval(r)
	out := Detection{File: r.Document.Path, Group: r.Group, Alert: r.Name, Severity: r.Labels["severity"]}
	out.Line, out.Column = r.Document.Position(r.Path() + ".alert")
	data := c.delayOf(index, map[int]bool{})
	add := func(name string, d time.Duration, why string) {
		if d > 0 {
			out.Parts = append(out.Parts, DetectionPart{name, d, why})
			out.Total += d
		}
	}
	add("scrape", data.scrape, data.scrapeWhy)
	plan := c.plan(r)
	switch {
	case plan == nil:
		add("recording", data.chain, strings.Join(data.links, ", "))
		add("evaluation", interval, "interval of group "+r.Group)
	case plan.Class == arrival.Global:
		// At the instants up to which all series are known, or by the interval, whichever is sooner.
		add("evaluation", min(data.scrape, interval), "until the other targets have been scraped, or the interval of group "+r.Group)
		fallthrough
	default:
		out.Notes = append(out.Notes, fmt.Sprintf("evaluated when samples arrive (%s: %s)", plan.Class, plan.Reason))
	}
	add("offset", data.offset+c.queryOffset(r), "offset of the selectors and query_offset of the group")
	if r.For > 0 {
		out.Line, out.Column = r.Document.Position(r.Path() + ".for")
		hold := r.For
		why := fmt.Sprintf("for: %s", r.For)
		if rest := r.For % interval; rest != 0 && plan == nil {
			hold += interval - rest
			why += ", rounded up to the next evaluation"
		}
		add("for", hold, why)
	}
	out.Joining = out.Total
	c.addGrouping(&out, r, add)
	c.addNotes(&out, r)
	return out
}

func (c *detector) addGrouping(out *Detection, r *ParsedRule, add func(string, time.Duration, string)) {
	if len(c.Routes) == 0 {
		out.Notes = append(out.Notes, "no Alertmanager configuration is given, so that group_wait is not counted")
		return
	}
	var wait, join *dispatch.Route
	for _, root := range c.Routes {
		for _, route := range possibleRoutes(root, alertLabels(r)) {
			if wait == nil || route.RouteOpts.GroupWait > wait.RouteOpts.GroupWait {
				wait = route
			}
			if !route.RouteOpts.GroupByAll && (join == nil || route.RouteOpts.GroupInterval > join.RouteOpts.GroupInterval) {
				join = route
			}
		}
	}
	urgent, why := c.OnArrival.urgent(r)
	switch {
	case wait == nil:
	case urgent:
		add("group_wait", min(earlyFlush, wait.RouteOpts.GroupWait), "told at once: alerting.early_flush.matchers matches it")
		out.Joining = out.Total
		return
	default:
		add("group_wait", wait.RouteOpts.GroupWait, "route to "+wait.RouteOpts.Receiver+why)
	}
	if join != nil && out.Joining+join.RouteOpts.GroupInterval > out.Total {
		out.Joining += join.RouteOpts.GroupInterval
	} else {
		out.Joining = out.Total
	}
}

func (c *detector) addNotes(out *Detection, r *ParsedRule) {
	var longest time.Duration
	parser.Inspect(r.Expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.MatrixSelector:
			longest = max(longest, n.Range)
		case *parser.SubqueryExpr:
			longest = max(longest, n.Range)
		}
		return nil
	})
	if longest > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("the expression looks back over %s: a fault that builds up slowly crosses the threshold only after it fills part of that range", longest))
	}
}

func (c *detector) interval(r *ParsedRule) time.Duration {
	if r.Interval > 0 {
		return r.Interval
	}
	return c.EvaluationInterval
}

func (c *detector) queryOffset(r *ParsedRule) time.Duration {
	_, groups := valueOf(r.Document.Root, "groups")
	list := items(groups)
	if r.GroupIndex < len(list) {
		if _, own := valueOf(list[r.GroupIndex], "query_offset"); own != nil {
			return durationOf(list[r.GroupIndex], "query_offset")
		}
	}
	return c.QueryOffset
}

// delayOf is the slowest way of data into a rule. A rule that selects itself, directly or through others, adds nothing a second time.
func (c *detector) delayOf(index int, visiting map[int]bool) delay {
	visiting[index] = true
	defer delete(visiting, index)
	r := &c.Rules[index]
	var worst delay
	parser.Inspect(r.Expr, func(node parser.Node, path []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		name := metricName(selector)
		if name == "ALERTS" || name == "ALERTS_FOR_STATE" {
			return nil
		}
		d := c.selectorDelay(index, selector, name, visiting)
		d.offset += max(0, selector.OriginalOffset)
		for _, parent := range path {
			if sub, ok := parent.(*parser.SubqueryExpr); ok {
				d.offset += max(0, sub.OriginalOffset)
			}
		}
		// A selector with an offset compares with the past; the alert is as quick as its most recent data.
		if worst.scrapeWhy == "" || d.offset < worst.offset || d.offset == worst.offset && d.total() > worst.total() {
			worst = d
		}
		return nil
	})
	return worst
}

func (c *detector) selectorDelay(index int, selector *parser.VectorSelector, name string, visiting map[int]bool) delay {
	worst, found := delay{}, false
	for _, producer := range c.recording[name] {
		if visiting[producer] {
			continue
		}
		d := c.delayOf(producer, visiting)
		from := &c.Rules[producer]
		d.offset += c.queryOffset(from)
		if !c.sameTick(index, producer) {
			step := c.interval(from)
			d.chain += step
			d.links = append(slices.Clone(d.links), fmt.Sprintf("%s: interval %s of group %s", from.Name, step, from.Group))
		}
		if !found || d.total() > worst.total() {
			worst, found = d, true
		}
	}
	if found {
		if worst.scrapeWhy == "" {
			worst.scrapeWhy = "no scraped data"
		}
		return worst
	}
	return c.scrapeDelay(selector)
}

// sameTick reports whether a rule sees in the same evaluation what the producer has just written: rules of a group run in order.
func (c *detector) sameTick(consumer, producer int) bool {
	a, b := &c.Rules[consumer], &c.Rules[producer]
	return a.Document == b.Document && a.GroupIndex == b.GroupIndex && b.Index < a.Index
}

// scrapeDelay is the interval of the slowest job that the selector can select.
func (c *detector) scrapeDelay(selector *parser.VectorSelector) delay {
	var slowest Job
	for _, job := range c.Jobs {
		fits := true
		for _, m := range selector.LabelMatchers {
			if m.Name == "job" && !m.Matches(job.Name) {
				fits = false
			}
		}
		if fits && job.Interval > slowest.Interval {
			slowest = job
		}
	}
	if slowest.Interval > 0 {
		return delay{scrape: slowest.Interval, scrapeWhy: "scrape interval of job " + slowest.Name}
	}
	return delay{scrape: c.ScrapeInterval, scrapeWhy: "global scrape interval, because no known job fits the selector"}
}

// metricName is the name that a selector asks for, empty when it is not one name.
func metricName(s *parser.VectorSelector) string {
	if s.Name != "" {
		return s.Name
	}
	for _, m := range s.LabelMatchers {
		if m.Name == labels.MetricName && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}
